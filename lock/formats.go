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

// CheckNames refuses what the Pyfile calls the lock when it cannot be one. Several files can only be requirements files.
func CheckNames(names []pyfile.String) pyfile.Errors {
	var errs pyfile.Errors
	for _, name := range names {
		base := path.Base(name.Value)
		format, ok := formatNamed(name.Value)
		switch {
		case !ok:
			errs = append(errs, &pyfile.Error{Range: name.Range, Msg: fmt.Sprintf("dependencies.lock: %q is not the name of a lock file that pyfile knows", base),
				Hint: "locks are " + strings.Join(patterns(), ", ") + "; requirements files end in .txt or .in"})
		case len(names) > 1 && format != formatRequirements:
			errs = append(errs, &pyfile.Error{Range: name.Range, Msg: fmt.Sprintf("dependencies.lock: %s is a lock file, and stands alone; only requirements files can be listed together", base),
				Hint: fmt.Sprintf("write lock = %q", name.Value)})
		}
	}
	return errs
}

// formatNamed tells the format of a file that the Pyfile names.
func formatNamed(name string) (format string, ok bool) {
	n, ok := named(name)
	if !ok && (path.Ext(name) == ".txt" || path.Ext(name) == ".in") {
		return formatRequirements, true
	}
	return n.Format, ok
}

// formatOf tells the format of names that may or may not have passed CheckNames.
func formatOf(names []string) (string, pyfile.Errors) {
	list := make([]pyfile.String, len(names))
	for i, name := range names {
		list[i] = pyfile.String{Value: name, Range: firstLine}
	}
	format, _ := formatNamed(names[0])
	return format, CheckNames(list)
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
