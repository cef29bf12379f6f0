package lock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
)

// foundFiles are what indexes have of the files that a lock knows by hash only, by the package's normalised name. An answer may
// speak of a package several times, when a lock has versions of it from several indexes.
type foundFiles map[string]*index.Found

func foundBy(a *index.Answer) foundFiles {
	if a == nil {
		return nil
	}
	found := make(foundFiles, len(a.Packages))
	for i := range a.Packages {
		more := &a.Packages[i]
		if first := found[more.Name]; first != nil {
			more = &index.Found{
				Name:    more.Name,
				Asked:   slices.Concat(first.Asked, more.Asked),
				Files:   slices.Concat(first.Files, more.Files),
				Problem: cmp.Or(first.Problem, more.Problem),
			}
		}
		found[more.Name] = more
	}
	return found
}

// lookUp gives a package the files of an index that are among those that the lock lists for it. A listed file without a name is
// known by its hash only. Other kinds of files than wheels and sdists, such as eggs, are passed over.
func (c *chooser) lookUp(p *chosen, listed []file, found foundFiles) *pyfile.Error {
	if found == nil {
		return notAsked
	}
	byHash := make(map[string]*file, len(listed))
	for i := range listed {
		byHash[strings.ToLower(listed[i].sha256)] = &listed[i]
	}
	f := found[p.name]
	if f == nil {
		f = &index.Found{}
	}
	for _, have := range f.Files {
		want := byHash[have.SHA256]
		if want == nil || want.name != "" && want.name != have.Name {
			continue
		}
		file := file{name: have.Name, url: have.URL, sha256: have.SHA256, size: have.Size, at: want.at}
		switch {
		case strings.HasSuffix(have.Name, ".whl"):
			p.wheels = append(p.wheels, file)
		case isSdist(have.Name):
			p.sdists = append(p.sdists, file)
		}
	}
	if len(p.wheels)+len(p.sdists) > 0 {
		p.unfound = len(p.wheels)+len(p.sdists) < len(byHash)
		return nil
	}
	msg := fmt.Sprintf("%s: no index has a file with a hash of the lock", p)
	if len(f.Asked) > 0 {
		msg += "; asked " + listing(f.Asked, ", ")
	}
	if f.Problem != "" {
		msg += ": " + f.Problem
	}
	return c.doc.errorAt(p.at, msg, "if it comes from another index, declare that: [index.NAME] with url = \"https://...\"; if the files were removed, "+c.hint)
}

// notAsked stands for the problem that no index was asked yet.
var notAsked = &pyfile.Error{Msg: "no index was asked"}

// sdistSuffixes are the archives in which projects ship their source (PEP 527; the first is the only one of PEP 625).
var sdistSuffixes = []string{".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.Z", ".tar"}

func isSdist(name string) bool {
	for _, s := range sdistSuffixes {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	return false
}
