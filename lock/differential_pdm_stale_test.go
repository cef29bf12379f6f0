//go:build differential

package lock

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/pyfile/python"
)

// TestStaleIsWhatPDMCallsStale changes a pyproject.toml behind the back of its lock and asks pdm whether the lock still fits. Select
// must never call a lock stale that pdm takes.
func TestStaleIsWhatPDMCallsStale(t *testing.T) {
	bin := pdmTool(t)
	const text = `[project]
name = "fresh-app"
version = "1"
requires-python = ">=3.10"
dependencies = [
  "idna>=3,<4",
  "attrs",
  "colorama; sys_platform == 'win32'",
]
[project.optional-dependencies]
more = ["sniffio==1.3.1"]
[dependency-groups]
dev = ["iniconfig>=1"]
[tool.pdm]
distribution = false
[tool.pdm.dev-dependencies]
Old_Dev = ["zipp"]
[tool.pdm.resolution.overrides]
zipp = ">=3"
`
	cases := []struct {
		name, old, new string
		silent         bool // with lock_inputs pdm calls it stale and Select does not see it
	}{
		{name: "nothing", old: "x", new: "x"},
		{name: "order", old: `  "idna>=3,<4",` + "\n" + `  "attrs",`, new: `  "attrs",` + "\n" + `  "idna>=3,<4",`},
		{name: "spaces", old: "idna>=3,<4", new: "idna <4, >=3"},
		{name: "description", old: `version = "1"`, new: "version = \"1\"\ndescription = \"x\""},
		{name: "other tools", old: "[dependency-groups]", new: "[tool.ruff]\nline-length = 100\n[dependency-groups]"},
		{name: "group by another spelling", old: "dev = ", new: "Dev = "},
		{name: "new dependency", old: `"attrs",`, new: `"attrs", "sniffio",`},
		{name: "dependency that the lock has for another", old: `"attrs",`, new: `"attrs", "iniconfig",`},
		{name: "lost dependency", old: `  "attrs",`, new: ``},
		{name: "new bound that the lock meets", old: "idna>=3,<4", new: "idna>=3.1,<4"},
		{name: "new bound that the lock does not meet", old: "idna>=3,<4", new: "idna>=2,<3"},
		{name: "new extra of a dependency", old: `"attrs"`, new: `"attrs[tests]"`},
		{name: "new requirement in an extra", old: `"sniffio==1.3.1"`, new: `"sniffio==1.3.1", "idna"`},
		{name: "new requirement in a group", old: `"iniconfig>=1"`, new: `"iniconfig>=1", "idna"`},
		{name: "new requirement in a group of pdm", old: `"zipp"]`, new: `"zipp", "idna"]`},
		{name: "other python", old: `">=3.10"`, new: `">=3.11"`},
		{name: "python in other words", old: `">=3.10"`, new: `">= 3.10"`},
		{name: "new group", old: "[tool.pdm]", new: "docs = [\"idna\"]\n[tool.pdm]"},
		{name: "other override", old: "zipp = \">=3", new: "zipp = \">=3.1"},
		{name: "new source", old: "[tool.pdm.dev-dependencies]", new: "[[tool.pdm.source]]\nname = \"corp\"\nurl = \"https://index.example/simple\"\n[tool.pdm.dev-dependencies]"},
		{name: "other setting of pdm", old: "distribution = false", new: "distribution = true"},
		{name: "other marker", old: "win32", new: "darwin", silent: true},
	}
	for _, mode := range []struct {
		name, text string
		inputs     bool
		args       []string
	}{
		{"content_hash", text, false, []string{"lock", "-G", ":all"}},
		{"content_hash without inherit_metadata", text, false, []string{"lock", "-G", ":all", "-S", "no_inherit_metadata"}},
		{"lock_inputs", strings.Replace(text, "[tool.pdm.resolution.overrides]", "[tool.pdm.resolution]\nlock_inputs = true\n[tool.pdm.resolution.overrides]", 1), true, []string{"lock", "-G", ":all"}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "pyproject.toml")
			write(t, file, mode.text)
			run(t, dir, "", filepath.Join(bin, "pdm"), mode.args...)
			l := readPDMLock(t, dir)
			var texts []string
			for _, c := range cases {
				texts = append(texts, strings.Replace(mode.text, c.old, c.new, 1))
				if texts[len(texts)-1] == mode.text && c.old != c.new {
					t.Fatalf("%s changes nothing", c.name)
				}
			}
			var pdmStale []bool
			askPDM(t, bin, dir, "reference_pdm_stale.py", texts, &pdmStale)
			for i, c := range cases {
				write(t, file, texts[i])
				_, err := l.Select(Request{Target: targets[1], Project: readProject(t, file), Found: listedFiles(l.Query())})
				stale := err != nil && strings.Contains(err.Error(), "pdm.lock is out of date")
				if err != nil && !stale {
					t.Fatal(err)
				}
				if want := pdmStale[i] && !(c.silent && mode.inputs); stale != want {
					t.Errorf("%s: pdm says stale: %v, Select: %v", c.name, pdmStale[i], err)
				}
				if stale {
					t.Logf("%s: %v", c.name, err)
				}
			}
		})
	}
}

// TestContentHashIsThatOfPDM compares the hash of awkward values with pdm's own.
func TestContentHashIsThatOfPDM(t *testing.T) {
	bin := pdmTool(t)
	dir := t.TempDir()
	const text = `[project]
name = "x"
dependencies = ["idna ; python_version < '3.12'", 'attrs']
[project.optional-dependencies]
"Z.z" = []
a = ["b"]
[dependency-groups]
"Dev.Tools" = ["é \" \\ \u001f\u007f\t\b\f\r\n 🐍", {include-group = "b"}]
b = []
[[tool.pdm.source]]
name = "corp"
url = "https://index.example/simple"
verify_ssl = true
number = 0x1_0
[tool.pdm.dev-dependencies]
Own = ["-e file:///${PROJECT_ROOT}/x"]
[tool.pdm.resolution]
allow-prereleases = false
[tool.pdm.resolution.overrides]
"é" = "1"
a = "2"
`
	write(t, filepath.Join(dir, "pyproject.toml"), text)
	hash := strings.TrimSpace(run(t, dir, "", filepath.Join(bin, "python"), "-c", "from pdm.core import Core; print(Core().create_project('.').pyproject_content_hash())"))
	meta := readProject(t, filepath.Join(dir, "pyproject.toml"))
	for _, c := range []struct {
		hash string
		want verdict
	}{{"sha256:" + hash, matches}, {"sha256:" + strings.Repeat("0", 64), differs}, {"md5:0", unknown}} {
		s := &pdmSelection{pdmLock: &pdmLock{contentHash: c.hash}, request: Request{Target: python.Target{}, Project: meta}}
		s.settings = readPDMSettings(meta, &s.errs)
		if got := (&pdmStaleness{pdmSelection: s, project: meta}).hashMatches(); got != c.want {
			t.Errorf("%s: got %d, want %d", c.hash, got, c.want)
		}
	}
}
