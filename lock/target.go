package lock

import (
	"fmt"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// environment is that of the target, with a pre-release of Python taken as its release. Locks split at "<3.15" and ">=3.15",
// and 3.15.0rc1 is on neither side by PEP 440, so packages would be missing without a word.
func environment(t python.Target) python.Environment {
	t.Python = release(t.Python)
	return t.Environment()
}

// pythonFits checks the requires-python of a lock. A pre-release of Python counts as its release, as for uv.
func pythonFits(t python.Target, requires pyfile.String, lock string) *pyfile.Error {
	if !requires.Set() {
		return nil
	}
	spec, err := python.ParseSpecifiers(requires.Value)
	if err != nil {
		return &pyfile.Error{File: lock, Range: requires.Range, Msg: fmt.Sprintf("requires-python must be versions such as \">=3.12\", not %q", requires.Value)}
	}
	if t.Satisfies(spec) {
		return nil
	}
	return &pyfile.Error{File: lock, Range: requires.Range,
		Msg:  fmt.Sprintf("the lock is for Python %s, the image has Python %s", requires.Value, t.Python),
		Hint: "choose another python in the Pyfile, or change requires-python in pyproject.toml and lock again"}
}

// release drops everything but the numbers of a version.
func release(v python.Version) python.Version {
	parts := make([]string, len(v.Release()))
	for i, n := range v.Release() {
		parts[i] = fmt.Sprint(n)
	}
	r, err := python.ParseVersion(strings.Join(parts, "."))
	if err != nil {
		return v
	}
	return r
}
