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
	{"uv.lock", formatUV},
	{"pylock.toml", formatPylock},
	{"pylock.*.toml", formatPylock},
	{"poetry.lock", formatPoetry},
	{"pdm.lock", formatPDM},
	{"Pipfile.lock", formatPipenv},
	{"requirements*.txt", formatRequirements},
}

const (
	formatUV           = "uv"
	formatPylock       = "pylock"
	formatPoetry       = "poetry"
	formatPDM          = "pdm"
	formatPipenv       = "pipenv"
	formatRequirements = "requirements"
)

// Name is a kind of lock file.
type Name struct {
	Pattern string // "uv.lock", "pylock.*.toml"
	Format  string // "uv", "pylock", "poetry", "pdm", "pipenv", "requirements"
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

// formatOf tells the format of what the Pyfile calls the lock. Several files can only be requirements files.
func formatOf(names []string) (string, pyfile.Errors) {
	var errs pyfile.Errors
	format := ""
	for _, name := range names {
		n, ok := named(name)
		switch {
		case ok:
		case path.Ext(name) == ".txt" || path.Ext(name) == ".in":
			n.Format = formatRequirements
		default:
			errs = append(errs, &pyfile.Error{File: name, Range: firstLine,
				Msg:  fmt.Sprintf("%q is not the name of a lock file that pyfile knows", path.Base(name)),
				Hint: "locks are " + strings.Join(patterns(), ", ")})
		}
		format = n.Format
		if len(names) > 1 && ok && n.Format != formatRequirements {
			errs = append(errs, &pyfile.Error{File: name, Range: firstLine,
				Msg:  fmt.Sprintf("%s is a lock file, and stands alone; only requirements files can be listed together", path.Base(name)),
				Hint: fmt.Sprintf("write lock = %q", name)})
		}
	}
	return format, errs
}

func patterns() []string {
	out := make([]string, len(Names))
	for i, n := range Names {
		out[i] = n.Pattern
	}
	return out
}

// firstLine is the place of a problem of a whole file.
var firstLine = pyfile.Range{Start: pyfile.Pos{Line: 1, Col: 1}, End: pyfile.Pos{Line: 1, Col: 1}}
