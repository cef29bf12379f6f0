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

func TestReadSaysHowToGoOnWithOtherFormats(t *testing.T) {
	for name, want := range map[string]string{
		"poetry.lock":          "poetry.lock:1: not supported yet: poetry locks; pyfile reads uv.lock and pylock.toml\n\thint: make a pylock.toml of it: run \"poetry export -f pylock.toml -o pylock.toml\" (Poetry 2.3 with poetry-plugin-export 1.10 or newer)",
		"pdm.lock":             "pdm.lock:1: not supported yet: pdm locks; pyfile reads uv.lock and pylock.toml\n\thint: make a pylock.toml of it: run \"pdm export -f pylock -o pylock.toml\" (PDM 2.24 or newer)",
		"Pipfile.lock":         "Pipfile.lock:1: not supported yet: pipenv locks; pyfile reads uv.lock and pylock.toml\n\thint: make a pylock.toml of it: run \"pipenv requirements --hash > requirements.txt\", then \"uv pip compile --universal requirements.txt -o pylock.toml\"",
		"requirements-dev.txt": "requirements-dev.txt:1: not supported yet: requirements files; pyfile reads uv.lock and pylock.toml\n\thint: make a pylock.toml of it: run \"uv pip compile --universal requirements-dev.txt -o pylock.toml\"",
		"conf/Cargo.lock":      "conf/Cargo.lock:1: \"Cargo.lock\" is not the name of a lock file that pyfile knows\n\thint: use uv.lock, pylock.toml or pylock.NAME.toml",
	} {
		l, err := Read(name, []byte("whatever"))
		if l != nil || err == nil || err.Error() != want {
			t.Errorf("Read(%q) = %v, %v\nwant %s", name, l, err, want)
		}
	}
}

// TestNamesAreReadOrRefused keeps the table and Read together.
func TestNamesAreReadOrRefused(t *testing.T) {
	for _, n := range Names {
		name := strings.ReplaceAll(n.Pattern, "*", "x")
		format, ok := IsLock(name)
		if !ok || format != n.Format {
			t.Errorf("IsLock(%q) = %q, %v, the table says %q", name, format, ok, n.Format)
		}
		_, err := Read(name, nil)
		if err == nil {
			t.Errorf("Read(%q) of an empty file gave no error", name)
		} else if refused := strings.Contains(err.Error(), "not supported yet"); refused == n.Supported {
			t.Errorf("Read(%q) = %v, the table says supported = %v", name, err, n.Supported)
		}
	}
}
