package lock

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/org/pyfile/pyfile"
)

// Names are the names of lock files, in the order in which pyfile looks for them. A Pattern is one of path.Match for the last
// part of a path.
var Names = []Name{
	{Pattern: "uv.lock", Format: formatUV, Supported: true},
	{Pattern: "pylock.toml", Format: formatPylock, Supported: true},
	{Pattern: "pylock.*.toml", Format: formatPylock, Supported: true},
	{Pattern: "poetry.lock", Format: "poetry", hint: `"poetry export -f pylock.toml -o pylock.toml" (Poetry 2.3 with poetry-plugin-export 1.10 or newer)`},
	{Pattern: "pdm.lock", Format: "pdm", hint: `"pdm export -f pylock -o pylock.toml" (PDM 2.24 or newer)`},
	{Pattern: "Pipfile.lock", Format: "pipenv", hint: `"pipenv requirements --hash > requirements.txt", then "uv pip compile --universal requirements.txt -o pylock.toml"`},
	{Pattern: "requirements*.txt", Format: "requirements", hint: `"uv pip compile --universal %s -o pylock.toml"`},
}

const (
	formatUV     = "uv"
	formatPylock = "pylock"
)

// Name is a kind of lock file.
type Name struct {
	Pattern   string // "uv.lock", "pylock.*.toml"
	Format    string // "uv", "pylock", "poetry", "pdm", "pipenv", "requirements"
	Supported bool   // whether Read can read it
	hint      string // how to make a pylock.toml of it
}

// pylockName is the rule for named locks of PEP 751: no dot in the middle part.
var pylockName = regexp.MustCompile(`^pylock\.([^.]+)\.toml$`)

// IsLock tells the format of a lock file by the last part of its path.
func IsLock(name string) (format string, ok bool) {
	n, ok := named(name)
	return n.Format, ok
}

func named(name string) (Name, bool) {
	base := path.Base(name)
	for _, n := range Names {
		if match, _ := path.Match(n.Pattern, base); !match {
			continue
		}
		if n.Format == formatPylock && base != "pylock.toml" && !pylockName.MatchString(base) {
			continue
		}
		return n, true
	}
	return Name{}, false
}

// unsupported is the error for a lock that Read cannot read.
func unsupported(name string) *pyfile.Error {
	e := &pyfile.Error{File: name, Range: firstLine}
	n, ok := named(name)
	if !ok {
		e.Msg = fmt.Sprintf("%q is not the name of a lock file that pyfile knows", path.Base(name))
		e.Hint = "use uv.lock, pylock.toml or pylock.NAME.toml"
		return e
	}
	hint := n.hint
	if strings.Contains(hint, "%s") {
		hint = fmt.Sprintf(hint, name)
	}
	what := n.Format + " locks"
	if n.Format == "requirements" {
		what = "requirements files"
	}
	e.Msg = fmt.Sprintf("not supported yet: %s; pyfile reads uv.lock and pylock.toml", what)
	e.Hint = "make a pylock.toml of it: run " + hint
	return e
}

// firstLine is the place of a problem of a whole file.
var firstLine = pyfile.Range{Start: pyfile.Pos{Line: 1, Col: 1}, End: pyfile.Pos{Line: 1, Col: 1}}
