// Package lock reads lock files and selects from them what one target needs.
//
// Read parses uv.lock or pylock.toml, Select walks it for a target (an interpreter and a platform), extras and groups, and
// returns Artifacts: one file per package, with URL and hash. What comes after does not know which format the lock had.
// ParseProject reads the parts of pyproject.toml that pyfile uses.
//
// Nothing here uses the network or starts a process. All problems of a file come at once, as pyfile.Errors with their lines.
package lock

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// Kind is what has to be done with an artifact.
type Kind string

// The kinds of artifacts. Select returns wheels only; the others are refused at their line.
const (
	Wheel     Kind = "wheel"     // unpack it
	Sdist     Kind = "sdist"     // build a wheel from it
	Git       Kind = "git"       // build a wheel from a commit
	Archive   Kind = "archive"   // build a wheel from an archive that is at a URL of its own
	Directory Kind = "directory" // build a wheel from a directory of the context
)

// Artifact is one file of the lock that the target needs.
type Artifact struct {
	Name     string       `json:"name"` // normalised (PEP 503)
	Version  string       `json:"version"`
	Kind     Kind         `json:"kind"`
	Filename string       `json:"filename"`         // last part only, not percent-encoded
	URL      string       `json:"url"`              // http or https, without credentials and fragment
	SHA256   string       `json:"sha256"`           // 64 lower-case hex digits
	Size     int64        `json:"size,omitempty"`   // bytes; 0 when the lock does not say
	Subdir   string       `json:"subdir,omitempty"` // where the project lies in a source
	Origin   pyfile.Range `json:"origin"`           // the package's name in the lock
}

// Lock is a lock file that Read found sound. It does not change, so that several targets can select from it at the same time.
type Lock struct {
	Name   string // path, as errors name it
	Format string // "uv" or "pylock"
	doc    *document
	source source
}

// source is a format of lock files.
type source interface {
	// selects returns the artifacts for a request in any order.
	selects(r Request) ([]Artifact, pyfile.Errors)
}

// Request says for what to select.
type Request struct {
	Target python.Target
	// Groups (PEP 735) and Extras are added to the project's dependencies. Their places are those of the Pyfile.
	Groups, Extras []pyfile.String
	// Project is the project that the lock belongs to, nil when there is no pyproject.toml.
	Project *Project
}

// Read reads a lock. The last part of name tells the format. A problem is a pyfile.Errors with File = name.
func Read(name string, data []byte) (*Lock, error) {
	n, ok := named(name)
	if !ok || !n.Supported {
		return nil, pyfile.Errors{unsupported(name)}
	}
	doc, errs := parse(name, data)
	l := &Lock{Name: name, Format: n.Format, doc: doc}
	if len(errs) > 0 {
		for _, e := range errs {
			e.Hint = cmp.Or(e.Hint, "the file is cut off or was changed by hand; "+replace[n.Format])
		}
		return nil, errs.Err()
	}
	d := &decoder{doc: doc, hint: replace[n.Format]}
	if n.Format == formatUV {
		l.source = readUV(d)
	} else {
		l.source = readPylock(d)
	}
	if err := d.errs.Err(); err != nil {
		return nil, err
	}
	return l, nil
}

// remake is the hint for a lock that does not fit the project or the target any more.
var remake = map[string]string{
	formatUV:     `run "uv lock"`,
	formatPylock: `make it anew, such as with "uv export --format pylock.toml -o pylock.toml"`,
}

// replace is the hint for a lock that is not what its tool writes. uv refuses to lock when it cannot read the old lock.
var replace = map[string]string{
	formatUV:     `restore it from git, or delete it and run "uv lock"`,
	formatPylock: remake[formatPylock],
}

// Select returns the files that the target needs for the project's dependencies with the groups and extras asked for, one per
// package, sorted by name. The project itself is not among them. Problems are pyfile.Errors: File is the lock's name, or
// "" for what the Pyfile asks for.
func (l *Lock) Select(r Request) ([]Artifact, error) {
	artifacts, errs := l.source.selects(r)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(artifacts, func(a, b Artifact) int { return cmp.Compare(a.Name, b.Name) })
	return artifacts, nil
}

// unknownName is the error for a group or extra that the lock does not have.
func unknownName(lock, what string, asked pyfile.String, known []string) *pyfile.Error {
	slices.Sort(known)
	known = slices.Compact(known)
	e := &pyfile.Error{Range: asked.Range, Msg: fmt.Sprintf("%s has no %s %q", lock, what, asked.Value)}
	if len(known) == 0 {
		e.Hint = fmt.Sprintf("it has no %ss at all", what)
	} else {
		e.Hint = nearest(asked.Value, known, what+"s are %s")
	}
	return e
}

// nearest asks whether the nearest known name was meant, or lists all of them.
func nearest(word string, known []string, all string) string {
	if near := pyfile.Suggest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return fmt.Sprintf(all, listing(known, ", "))
}

// listing joins names, at most twenty of them.
func listing(names []string, sep string) string {
	const most = 20
	more := ""
	if len(names) > most {
		more = fmt.Sprintf("%sand %d more", sep, len(names)-most)
		names = names[:most]
	}
	out := ""
	for i, n := range names {
		if i > 0 {
			out += sep
		}
		out += n
	}
	return out + more
}
