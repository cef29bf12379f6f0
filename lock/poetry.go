package lock

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// poetryLock is a poetry.lock. Since lock-version 2.1 every package says for which groups and environments it is installed; an
// older lock is a graph that has to be walked from what pyproject.toml asks for. Files are known by name and hash.
type poetryLock struct {
	doc         *document
	version     python.Version // lock-version
	python      pyfile.String  // metadata.python-versions, in Poetry's syntax
	contentHash pyfile.String
	metadataAt  span
	extras      []poetryExtra // of the project
	packages    []*poetryPackage
	byName      map[string][]*poetryPackage
	// shared are the files of lock-version 1.1 and older, which are kept by name for all versions of a package.
	shared map[string][]file
}

// poetryExtra is an extra with the names of the packages that it asks for.
type poetryExtra struct {
	name  string
	needs []poetryNeed
}

// poetryNeed is a package that an extra asks for.
type poetryNeed struct {
	name   string
	extras []string
}

// poetryPackage is one [[package]].
type poetryPackage struct {
	chosen
	release  python.Version // version, parsed; zero when it is not one of PEP 440
	files    []file
	python   pyfile.String // python-versions
	optional bool
	groups   []string          // since 2.1, as written
	marker   marker            // since 2.1, for all groups
	markers  map[string]marker // since 2.1, instead of marker: by group
	deps     []poetryDependency
	extras   []poetryExtra
	source   poetrySource
}

// poetrySource tells where a package comes from. Without a kind that is the default index.
type poetrySource struct {
	kind                string // "", "git", "url", "file", "directory" or "legacy", which is an index
	url                 string
	reference, resolved string
	subdir              string
	at                  span
}

// poetryNewest is the newest lock-version that is understood.
var poetryNewest = [2]int{2, 1}

// readPoetry reads a poetry.lock. Problems go to the decoder.
func readPoetry(d *decoder) *poetryLock {
	root := d.doc.root
	l := &poetryLock{doc: d.doc, byName: map[string][]*poetryPackage{}}
	meta := l.readMetadata(d)
	if meta == nil {
		return l
	}
	l.extras = d.poetryExtras(root, "extras", "extras")
	for _, t := range d.each(root, "package", "package", tableNode) {
		if p := l.readPackage(d, t); p != nil {
			l.add(d, p)
		}
	}
	return l
}

// readMetadata checks the version before anything else; nil when nothing else would mean something.
func (l *poetryLock) readMetadata(d *decoder) *node {
	root := d.doc.root
	if root.get("metadata") == nil {
		d.errs = append(d.errs, &pyfile.Error{File: d.doc.name, Range: firstLine,
			Msg: "poetry.lock has no [metadata] with a lock-version, so it is cut off or from a Poetry before 1.0", Hint: d.hint})
		return nil
	}
	meta := d.table(root, "metadata", "metadata")
	n := d.typed(meta, "lock-version", "metadata.lock-version", stringNode)
	if n == nil {
		if meta != nil && meta.get("lock-version") == nil {
			d.errorf(meta.at, "metadata.lock-version is missing")
		}
		return nil
	}
	v, err := python.ParseVersion(n.text)
	if err != nil {
		d.errorf(n.at, "metadata.lock-version must be a version such as \"2.1\", not %q", n.text)
		return nil
	}
	if r := append(v.Release(), 0); r[0] < 1 || r[0] > poetryNewest[0] || r[0] == poetryNewest[0] && r[1] > poetryNewest[1] {
		d.errs = append(d.errs, d.doc.errorAt(n.at, fmt.Sprintf("poetry.lock has lock-version = %q, this pyfile reads 1.0 to %d.%d", n.text, poetryNewest[0], poetryNewest[1]),
			`use a newer pyfile in the "# syntax=" line, or make the lock with another Poetry: delete poetry.lock and run "poetry lock"`))
		return nil
	}
	l.version, l.metadataAt = v, meta.at
	l.python = d.str(meta, "python-versions", "metadata.python-versions")
	l.contentHash = d.str(meta, "content-hash", "metadata.content-hash")
	l.readShared(d, meta)
	return meta
}

// grouped tells whether packages carry groups and markers.
func (l *poetryLock) grouped() bool {
	r := append(l.version.Release(), 0)
	return r[0] > 2 || r[0] == 2 && r[1] >= 1
}

// readShared reads the files that locks of version 1.1 and older keep by name: metadata.files, and before that metadata.hashes, which
// has no file names.
func (l *poetryLock) readShared(d *decoder, meta *node) {
	l.shared = map[string][]file{}
	if files := d.table(meta, "files", "metadata.files"); files != nil {
		for _, e := range files.entries {
			l.shared[python.NormalizeName(e.name)] = d.poetryFiles(files, e.name, "metadata.files."+e.name)
		}
	}
	hashes := d.table(meta, "hashes", "metadata.hashes")
	if hashes == nil {
		return
	}
	for _, e := range hashes.entries {
		var files []file
		for _, n := range d.each(hashes, e.name, "metadata.hashes."+e.name, stringNode) {
			if f, ok := d.poetryHash(n, file{at: n.at}); ok {
				files = append(files, f)
			}
		}
		l.shared[python.NormalizeName(e.name)] = files
	}
}

// add takes a package into the lock unless it is there already.
func (l *poetryLock) add(d *decoder, p *poetryPackage) {
	for _, other := range l.byName[p.name] {
		s, o := p.source, other.source
		if other.version == p.version && o.kind == s.kind && o.url == s.url && o.resolved == s.resolved && o.subdir == s.subdir {
			d.errorf(p.at, "%s is in the lock twice, first on line %d", p, d.doc.pos(other.at.start).Line)
			return
		}
	}
	l.packages = append(l.packages, p)
	l.byName[p.name] = append(l.byName[p.name], p)
}

func (l *poetryLock) packageNames() []string { return slices.Collect(maps.Keys(l.byName)) }

// query asks for the files of all packages that come from an index. A package of which versions come from several
// indexes is asked for once an index.
func (l *poetryLock) query() []index.Package {
	type place struct{ name, index string }
	at := map[place]int{}
	var out []index.Package
	for _, p := range l.packages {
		if !p.source.indexed() || len(p.files) == 0 {
			continue
		}
		key := place{p.name, p.source.url}
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			q := index.Package{Name: p.name}
			if p.source.url != "" {
				q.Indexes = []string{p.source.url}
			}
			out = append(out, q)
		}
		for _, f := range p.files {
			if f.sha256 != "" {
				out[i].Files = append(out[i].Files, index.File{Name: f.name, SHA256: f.sha256})
			}
		}
	}
	for i := range out {
		slices.SortFunc(out[i].Files, func(a, b index.File) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.SHA256, b.SHA256)) })
		out[i].Files = slices.Compact(out[i].Files)
	}
	out = slices.DeleteFunc(out, func(p index.Package) bool { return len(p.Files) == 0 })
	slices.SortFunc(out, func(a, b index.Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(a.Indexes, b.Indexes))
	})
	return out
}

// directories are those of path dependencies.
func (l *poetryLock) directories() []string {
	var out []string
	for _, p := range l.packages {
		if p.source.kind != "directory" {
			continue
		}
		if dir, ok := contextPath(l.doc.name, p.source.url); ok {
			out = append(out, dir)
		}
	}
	return out
}

// indexed tells whether the files come from an index.
func (s poetrySource) indexed() bool { return s.kind == "" || s.kind == "legacy" }

// git is the repository. Poetry keeps addresses as the user wrote them, among them git's short form of ssh.
func (s poetrySource) git() git {
	return git{url: longGitURL(s.url), commit: s.resolved, subdir: s.subdir, ref: s.reference}
}

// indexProblem is what is wrong with the address of an index. It does not show the address, which may hold a password.
func indexProblem(address string) (problem, hint string) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "the address of the index must start with https://", ""
	case u.User != nil:
		return "the address of the index has a user name or password in it, which everyone could read in the image's provenance",
			`take it out of [[tool.poetry.source]], run "poetry lock", and declare the index in the Pyfile: [index.NAME]`
	}
	return "", ""
}
