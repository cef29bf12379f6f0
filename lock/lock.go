// Package lock reads lock files and selects from them what one target needs.
//
// Read parses a lock of any format, Select walks it for a target (an interpreter and a platform), extras and groups, and
// returns Artifacts: one file or source per package. What comes after does not know which format the lock had. Formats that
// know files by hash only say through Query what has to be looked up in an index first.
// ParseProject reads the parts of pyproject.toml that pyfile uses.
//
// Nothing here uses the network or starts a process. All problems of a file come at once, as pyfile.Errors with their lines.
package lock

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// Kind is what has to be done with an artifact.
type Kind string

// The kinds of artifacts.
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
	Filename string       `json:"filename,omitempty"` // of a wheel, sdist or archive: last part only, not percent-encoded
	URL      string       `json:"url,omitempty"`      // http or https, without credentials and fragment; of a git repository also ssh and git
	Path     string       `json:"path,omitempty"`     // of a directory or file of the context, relative to its root and clean; then there is no URL
	SHA256   string       `json:"sha256,omitempty"`   // 64 lower-case hex digits; of what has a URL always, but for git
	Commit   string       `json:"commit,omitempty"`   // of git: the full hash
	Ref      string       `json:"ref,omitempty"`      // of git: the branch or tag that the commit was found by, if the lock says; for messages only
	LFS      bool         `json:"lfs,omitempty"`      // of git: with the files of Git LFS
	Size     int64        `json:"size,omitempty"`     // bytes; 0 when neither lock nor index say
	Subdir   string       `json:"subdir,omitempty"`   // where the project lies in a source, clean; a source archive may have a directory around that
	NoWheel  string       `json:"-"`                  // of an sdist: why it is not a wheel, "no wheel for ...", for messages
	Lock     string       `json:"-"`                  // the file that Origin is a place of
	Origin   pyfile.Range `json:"origin"`             // the package's name in the lock
}

// Lock is a lock file that Read found sound. It does not change, so that several targets can select from it at the same time.
type Lock struct {
	Name   string // path in the context, as errors name it
	Format string // "uv", "pylock", "poetry", "pdm", "pipenv" or "requirements"
	// Loose are the requirements files of a "lock" that leaves versions or files open, so that a resolver has to choose first; nil for
	// every real lock. Select must not be called then.
	Loose  []string
	source source
}

// source is a lock of some format.
type source interface {
	// selects returns the artifacts for a request in any order. The lock's own project is not among them.
	selects(r Request) ([]Artifact, pyfile.Errors)
	// query returns the packages whose files have no address in the lock, sorted by name, whatever the target and the groups.
	query() []index.Package
	// packageNames returns the normalised names of all packages of the lock, for whatever target and groups, in any order.
	packageNames() []string
	// directories returns the directories of the context that packages of the lock are built from, as clean paths.
	directories() []string
}

// Request says for what to select.
type Request struct {
	Target python.Target
	// Groups (PEP 735) and Extras are added to the project's dependencies. Their places are those of the Pyfile.
	Groups, Extras []pyfile.String
	// FromSource are the packages to build from their sdist although there is a wheel, as the Pyfile writes them.
	FromSource []pyfile.String
	// Project is the project that the lock belongs to, nil when there is no pyproject.toml.
	Project *Project
	// Found is the answer to the lock's Query, nil when that asks nothing.
	Found *index.Answer
}

// Read reads a lock: one lock file, or one or more requirements files. Names are paths in the context; the last part of the first
// tells the format. Files are those of the context by path, among them what Needs asks for. A problem is a pyfile.Errors.
func Read(names []string, files map[string][]byte) (*Lock, error) {
	format, problems := formatOf(names)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	l := &Lock{Name: names[0], Format: format}
	if errs := readers[format](l, names, files); len(errs) > 0 {
		return nil, errs.Err()
	}
	return l, nil
}

// readers read the formats: they set the lock's source, and Loose.
var readers = map[string]func(l *Lock, names []string, files map[string][]byte) pyfile.Errors{
	formatUV: func(l *Lock, names []string, files map[string][]byte) pyfile.Errors {
		return l.decode(names[0], files, func(d *decoder) source { return readUV(d) })
	},
	formatPylock: func(l *Lock, names []string, files map[string][]byte) pyfile.Errors {
		return l.decode(names[0], files, func(d *decoder) source { return readPylock(d) })
	},
	formatPoetry: func(l *Lock, names []string, files map[string][]byte) pyfile.Errors {
		return l.decode(names[0], files, func(d *decoder) source { return readPoetry(d) })
	},
	formatPipenv:       readPipenv,
	formatRequirements: readRequirements,
	formatPDM: func(l *Lock, names []string, files map[string][]byte) pyfile.Errors {
		return l.decode(names[0], files, func(d *decoder) source { return readPDM(d) })
	},
}

// Needs lists the files beside a lock that Read wants to see and that are not among the files yet, such as the Pipfile of a
// Pipfile.lock or what a requirements file includes. They need not exist: an absent one is in files as nil.
func Needs(names []string, files map[string][]byte) []string {
	format, problems := formatOf(names)
	if len(problems) > 0 || needs[format] == nil {
		return nil
	}
	return slices.DeleteFunc(needs[format](names, files), func(n string) bool { _, known := files[n]; return known })
}

// needs are the formats that do not stand alone.
var needs = map[string]func(names []string, files map[string][]byte) []string{
	formatPipenv:       func(names []string, _ map[string][]byte) []string { return []string{pipfileOf(names[0])} },
	formatRequirements: requirementsNeeds,
}

// Query says what an index must be asked before Select; nil when every file has an address. It depends on the lock alone, so
// that the answer serves every target, group and extra.
func (l *Lock) Query() []index.Package { return l.source.query() }

// Directories lists the directories of the context that the project's dependencies may be built from, as clean paths, whatever
// the target and whichever extras and groups are asked for. The project is nil when there is no pyproject.toml.
func (l *Lock) Directories(project *Project) []string {
	if s, ok := l.source.(projectSource); ok {
		return s.directoriesOf(project)
	}
	return l.source.directories()
}

// AllDirectories lists every directory of the context that is a package of the lock, as clean paths: those of Directories, and those
// of other members of the workspace.
func (l *Lock) AllDirectories() []string { return l.source.directories() }

// decode parses a TOML lock and reads it.
func (l *Lock) decode(name string, files map[string][]byte, read func(*decoder) source) pyfile.Errors {
	doc, errs := parse(name, files[name])
	if len(errs) > 0 {
		errs = (&decoder{doc: doc, errs: errs}).worst()
		for _, e := range errs {
			e.Hint = cmp.Or(e.Hint, "the file is cut off or was changed by hand; "+replace[l.Format])
		}
		return errs
	}
	d := &decoder{doc: doc, hint: replace[l.Format]}
	l.source = read(d)
	return d.worst()
}

// remake is the hint for a lock that does not fit the project or the target any more.
var remake = map[string]string{
	formatUV:           `run "uv lock"`,
	formatPylock:       `make it anew, such as with "uv export --format pylock.toml -o pylock.toml"`,
	formatPoetry:       `run "poetry lock"`,
	formatPipenv:       `run "pipenv lock"`,
	formatRequirements: compileHint,
	formatPDM:          `run "pdm lock"`,
}

// Remake is the command that makes the lock anew, as a hint.
func (l *Lock) Remake() string { return remake[l.Format] }

// replace is the hint for a lock that is not what its tool writes. uv refuses to lock when it cannot read the old lock.
var replace = map[string]string{
	formatUV:           `restore it from git, or delete it and run "uv lock"`,
	formatPylock:       remake[formatPylock],
	formatPoetry:       `restore it from git, or delete it and run "poetry lock"`,
	formatPipenv:       `restore it from git, or delete it and run "pipenv lock"`,
	formatRequirements: compileHint,
	formatPDM:          `restore it from git, or delete it and run "pdm lock"`,
}

// Select returns what the target needs for the project's dependencies with the groups and extras asked for, one artifact per
// package, sorted by name. The project itself is not among them. Problems are pyfile.Errors: File is the lock's name, or
// "" for what the Pyfile asks for.
func (l *Lock) Select(r Request) ([]Artifact, error) {
	artifacts, errs := l.source.selects(r)
	errs = append(errs, l.UnknownNames(r.FromSource, r.Project)...)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	for i := range artifacts {
		a := &artifacts[i]
		a.Lock = cmp.Or(a.Lock, l.Name)
		dir, inside := subdirectory(a.Subdir)
		if !inside {
			errs = append(errs, &pyfile.Error{File: a.Lock, Range: a.Origin, Hint: l.Remake(),
				Msg: fmt.Sprintf("%s: the subdirectory %q leads out of the source", a.Name, shownPath(a.Subdir))})
			continue
		}
		a.Subdir = dir
		if a.Kind == Directory {
			a.Path, a.Subdir = path.Join(a.Path, a.Subdir), ""
		}
	}
	if err := errs.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(artifacts, func(a, b Artifact) int { return cmp.Compare(a.Name, b.Name) })
	return artifacts, nil
}

// Check finds what is wrong with a selection whatever an index answers, so that nobody waits for one only to hear that the lock is
// out of date.
func (l *Lock) Check(r Request) error {
	r.Found = nil
	_, errs := l.source.selects(r)
	errs = append(errs, l.UnknownNames(r.FromSource, r.Project)...)
	return slices.DeleteFunc(errs, func(e *pyfile.Error) bool { return e == notAsked }).Err()
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
