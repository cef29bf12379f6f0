package lock

import (
	"encoding/json"
	"strings"
	"testing"
)

// withPasswords are locks that have a password wherever an address may stand.
var withPasswords = map[string]map[string]string{
	"poetry": {"poetry.lock": `[[package]]
name = "a"
version = "1.0"
optional = false
python-versions = "*"
groups = ["main"]
files = [{file = "a-1.0-py3-none-any.whl", hash = "sha256:HASH(a)"}]
[package.source]
type = "legacy"
url = "https://me:hunter2@packages.example/simple"
reference = "company"
[[package]]
name = "b"
version = "1.0"
optional = false
python-versions = "*"
groups = ["main"]
files = []
[package.source]
type = "git"
url = "https://me:hunter2@git.example/b"
reference = "main"
resolved_reference = "0123456789012345678901234567890123456789"
[[package]]
name = "c"
version = "1.0"
optional = false
python-versions = "*"
groups = ["main"]
files = [{file = "c-1.0.tar.gz", hash = "sha256:HASH(c)"}]
[package.source]
type = "url"
url = "https://me:hunter2@files.example/c-1.0.tar.gz"
[metadata]
lock-version = "2.1"
python-versions = "*"
content-hash = ""
`},
	"pdm": {"pdm.lock": `[metadata]
groups = ["default"]
strategy = ["inherit_metadata", "static_urls"]
lock_version = "4.5.0"
content_hash = "sha256:0"
[[package]]
name = "a"
version = "1.0"
groups = ["default"]
files = [{url = "https://me:hunter2@files.example/a-1.0-py3-none-any.whl", hash = "sha256:HASH(a)"}]
[[package]]
name = "b"
version = "1.0"
groups = ["default"]
git = "https://me:hunter2@git.example/b"
revision = "0123456789012345678901234567890123456789"
`},
	"pipenv": {"Pipfile.lock": `{
  "_meta": {"hash": {"sha256": "0"}, "pipfile-spec": 6, "requires": {}, "sources": [
    {"name": "one", "url": "https://me:hunter2@packages.example/simple", "verify_ssl": true},
    {"name": "two", "url": "https://me:${HUNTER2}@other.example/simple", "verify_ssl": true}]},
  "default": {
    "a": {"hashes": ["sha256:HASH(a)"], "index": "one", "version": "==1.0"},
    "b": {"git": "https://me:hunter2@git.example/b", "ref": "0123456789012345678901234567890123456789"},
    "d": {"hashes": ["sha256:HASH(d)"], "version": "==1.0"},
    "c": {"file": "https://me:hunter2@files.example/c-1.0.tar.gz", "hashes": ["sha256:HASH(c)"]}},
  "develop": {}
}
`},
	"requirements": {"requirements.txt": `--index-url https://me:hunter2@packages.example/simple
--extra-index-url https://hunter2@other.example/simple
--find-links https://me:hunter2@links.example/
a==1.0 --hash=sha256:HASH(a)
b @ https://me:hunter2@files.example/b-1.0-py3-none-any.whl --hash=sha256:HASH(b)
git+https://me:hunter2@git.example/c@0123456789012345678901234567890123456789#egg=c
`},
	"uv": {"uv.lock": `version = 1
requires-python = ">=3.9"
[[package]]
name = "app"
version = "1.0"
source = { virtual = "." }
dependencies = [{ name = "a" }, { name = "b" }, { name = "c" }]
[[package]]
name = "a"
version = "1.0"
source = { registry = "https://me:hunter2@packages.example/simple" }
wheels = [{ url = "https://me:hunter2@files.example/a-1.0-py3-none-any.whl", hash = "sha256:HASH(a)" }]
[[package]]
name = "b"
version = "1.0"
source = { git = "https://me:hunter2@git.example/b#0123456789012345678901234567890123456789" }
[[package]]
name = "c"
version = "1.0"
source = { url = "https://me:hunter2@files.example/c-1.0.tar.gz" }
sdist = { hash = "sha256:HASH(c)" }
`},
	"pylock": {"pylock.toml": `lock-version = "1.0"
created-by = "x"
[[packages]]
name = "a"
version = "1.0"
index = "https://me:hunter2@packages.example/simple"
wheels = [{ url = "https://me:hunter2@files.example/a-1.0-py3-none-any.whl", hashes = { sha256 = "HASH(a)" } }]
[[packages]]
name = "b"
vcs = { type = "git", url = "https://me:hunter2@git.example/b", commit-id = "0123456789012345678901234567890123456789" }
[[packages]]
name = "c"
archive = { url = "https://me:hunter2@files.example/c-1.0.tar.gz", hashes = { sha256 = "HASH(c)" } }
`},
}

// TestPasswordsOfLocksReachNothing keeps passwords out of what the frontend makes of a lock: the query becomes part of the graph, artifacts
// too, and errors go to logs.
func TestPasswordsOfLocksReachNothing(t *testing.T) {
	for format := range readers {
		t.Run(format, func(t *testing.T) {
			files := map[string][]byte{}
			name := ""
			for n, text := range withPasswords[format] {
				name, files[n] = n, expandHashes(text)
			}
			if name == "" {
				t.Fatal("no lock with passwords")
			}
			clean := func(what string, v any) {
				t.Helper()
				data, err := json.Marshal(v)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(strings.ToLower(string(data)), "hunter2") {
					t.Errorf("%s has the password: %s", what, data)
				}
			}
			l, err := Read([]string{name}, files)
			if err != nil {
				clean("the error of Read", err.Error())
				return
			}
			clean("the query", l.Query())
			artifacts, err := l.Select(Request{Target: fuzzTarget, Found: answer(t, "", l.Query())})
			clean("the artifacts", artifacts)
			if err == nil {
				t.Errorf("passwords are no error: %+v", artifacts)
				return
			}
			clean("the error of Select", err.Error())
		})
	}
}
