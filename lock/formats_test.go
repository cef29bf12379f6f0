package lock

import (
	"strings"
	"testing"
)

func TestIsLockKnowsTheNames(t *testing.T) {
	for name, want := range map[string]string{
		"uv.lock":                   "uv",
		"services/api/uv.lock":      "uv",
		"pylock.toml":               "pylock",
		"pylock.prod.toml":          "pylock",
		"locks/pylock.py-313.toml":  "pylock",
		"pylock.a.b.toml":           "", // PEP 751: no dot in the name
		"pylock..toml":              "",
		"pylock.TOML":               "",
		"my-pylock.toml":            "",
		"poetry.lock":               "poetry",
		"pdm.lock":                  "pdm",
		"Pipfile.lock":              "pipenv",
		"requirements.txt":          "requirements",
		"requirements-dev.txt":      "requirements",
		"requirements/prod.txt":     "",
		"requirements.in":           "",
		"uv.lock.orig":              "",
		"":                          "",
		"deploy/requirements_x.txt": "requirements",
	} {
		format, ok := IsLock(name)
		if format != want || ok != (want != "") {
			t.Errorf("IsLock(%q) = %q, %v, want %q", name, format, ok, want)
		}
	}
}

func TestNamesOfNoLockAreRefused(t *testing.T) {
	const known = "uv.lock, pylock.toml, pylock.*.toml, poetry.lock, pdm.lock, Pipfile.lock, requirements*.txt; requirements files end in .txt or .in"
	for want, names := range map[string][]string{
		"1: dependencies.lock: \"Cargo.lock\" is not the name of a lock file that pyfile knows\n\thint: locks are " + known:                                {"conf/Cargo.lock"},
		"1: dependencies.lock: uv.lock is a lock file, and stands alone; only requirements files can be listed together\n\thint: write lock = \"uv.lock\"": {"requirements.txt", "uv.lock"},
	} {
		l, err := Read(names, map[string][]byte{})
		if l != nil || err == nil || err.Error() != want {
			t.Errorf("Read(%q) = %v, %v\nwant %s", names, l, err, want)
		}
	}
}

// TestEveryNameHasItsFormat keeps the table and the readers together: an empty file is an error of the reader, but for requirements.
func TestEveryNameHasItsFormat(t *testing.T) {
	for _, n := range Names {
		name := strings.ReplaceAll(n.Pattern, "*", "x")
		format, ok := IsLock(name)
		if !ok || format != n.Format {
			t.Errorf("IsLock(%q) = %q, %v, the table says %q", name, format, ok, n.Format)
		}
		if _, err := Read([]string{name}, map[string][]byte{name: nil}); (err == nil) != (format == formatRequirements) {
			t.Errorf("Read(%q) of an empty file: %v", name, err)
		}
	}
}
