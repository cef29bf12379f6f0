//go:build differential

package lock

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/python"
)

const pdmRelease = "2.29.3"

// pdmTool installs pdm, with the dependencies that its release was tested with, and returns its bin directory. pdm is set up to use
// pip's index and to make no virtual environments.
func pdmTool(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "pyfile", "pdm-"+pdmRelease)
	bin := filepath.Join(dir, "bin")
	if _, err := os.Stat(filepath.Join(bin, "pdm")); err != nil {
		run(t, ".", "", "python3", "-m", "venv", dir)
		run(t, ".", "", filepath.Join(bin, "python"), "-m", "pip", "install", "--quiet", "pdm[locked]=="+pdmRelease)
	}
	index := run(t, ".", "", "python3", "-c", "from pip._internal.commands import create_command; print(create_command('download').parse_args([])[0].index_url)")
	for key, value := range map[string]string{
		"PDM_PYPI_URL": strings.TrimSpace(index), "PDM_CHECK_UPDATE": "0", "PDM_USE_VENV": "0", "PDM_IGNORE_SAVED_PYTHON": "1",
		"PDM_CACHE_DIR": filepath.Join(dir, "cache"), "PDM_LOG_DIR": filepath.Join(dir, "log"), "PDM_CONFIG_FILE": filepath.Join(dir, "config.toml"),
		"PDM_RESOLVE_MAX_ROUNDS": "10000",
	} {
		t.Setenv(key, value)
	}
	return bin
}

// pdmTargets are the targets that pdm is asked for.
var pdmTargets = []python.Target{targets[0], targets[1], targets[3], targets[5], targets[6]}

// pdmAsk is what is asked of a lock: groups and extras as pdm has them, all of them groups.
type pdmAsk struct{ groups, extras []string }

func (a pdmAsk) all() []string { return append(append([]string{}, a.groups...), a.extras...) }

type pdmProject struct {
	name  string
	files map[string]string
	lock  [][]string // arguments of "pdm lock", run after each other
	asks  []pdmAsk
}

const pdmWebApp = `
[project]
name = "Web.App"
version = "1"
requires-python = ">=3.10"
dependencies = ["httpx[http2]>=0.27", "click; sys_platform != 'win32'", "colorama; sys_platform == 'win32'", "tomli; python_version < '3.11'", "pyyaml"]
[project.optional-dependencies]
S3 = ["sniffio==1.3.1", "pywin32; sys_platform == 'win32'"]
images = ["pillow; platform_machine == 'x86_64'"]
all = ["web-app[s3, images]"]
[dependency-groups]
dev = ["pluggy>=1", {include-group = "lint"}]
lint = ["markupsafe"]
Self_Test = ["web.app[s3]", "iniconfig"]
[tool.pdm.dev-dependencies]
extra_dev = ["zipp"]
`

var pdmWebAsks = []pdmAsk{
	{}, {extras: []string{"s3"}}, {extras: []string{"all"}, groups: []string{"lint"}}, {groups: []string{"dev", "extra-dev"}}, {groups: []string{"self-test"}},
}

var pdmProjects = []pdmProject{
	{name: "default", files: map[string]string{"pyproject.toml": pdmWebApp}, lock: [][]string{{"-G", ":all"}}, asks: pdmWebAsks},
	{name: "no inherit_metadata", files: map[string]string{"pyproject.toml": pdmWebApp}, lock: [][]string{{"-G", ":all", "-S", "no_inherit_metadata"}}, asks: pdmWebAsks[2:]},
	{name: "static_urls", files: map[string]string{"pyproject.toml": pdmWebApp}, lock: [][]string{{"-G", ":all", "-S", "static_urls"}}, asks: pdmWebAsks[2:4]},
	{
		name:  "static_urls, direct_minimal_versions, no inherit_metadata",
		files: map[string]string{"pyproject.toml": strings.Replace(pdmWebApp, `"markupsafe"`, `"markupsafe>=2.1.5"`, 1)},
		lock:  [][]string{{"-G", ":all", "-S", "static_urls,direct_minimal_versions,no_inherit_metadata"}},
		asks:  pdmWebAsks[1:3],
	},
	{name: "cross_platform", files: map[string]string{"pyproject.toml": pdmWebApp}, lock: [][]string{{"-S", "cross_platform"}}, asks: []pdmAsk{{}, {groups: []string{"dev"}}}},
	{
		name:  "several targets",
		files: map[string]string{"pyproject.toml": pdmWebApp},
		lock: [][]string{{"-G", ":all", "--platform", "linux"}, {"-G", ":all", "--append", "--platform", "windows"},
			{"-G", ":all", "--append", "--platform", "manylinux_2_17_aarch64", "--python", ">=3.12"}},
		asks: pdmWebAsks[:3],
	},
	{
		name:  "targets of other platforms",
		files: map[string]string{"pyproject.toml": pdmWebApp},
		lock:  [][]string{{"--platform", "macos"}, {"--append", "--platform", "alpine", "--implementation", "cpython"}},
		asks:  []pdmAsk{{}},
	},
	{
		name: "two versions by Python",
		files: map[string]string{"pyproject.toml": `
[project]
name = "forks"
version = "1"
requires-python = ">=3.10"
dependencies = ["zipp<3.20; python_version < '3.11'", "zipp>=3.20; python_version >= '3.11'", "importlib-metadata", "markupsafe<3; python_version < '3.13'", "markupsafe"]
`},
		lock: [][]string{{"--python", "==3.10.*"}, {"--append", "--python", ">=3.11,<3.13"}, {"--append", "--python", ">=3.13"}},
		asks: []pdmAsk{{}},
	},
	{
		name: "two versions by Python, no inherit_metadata",
		files: map[string]string{"pyproject.toml": `
[project]
name = "forks"
version = "1"
requires-python = ">=3.10"
dependencies = ["zipp<3.20; python_version < '3.11'", "zipp>=3.20; python_version >= '3.11'", "importlib-metadata", "markupsafe<3; python_version < '3.13'", "markupsafe"]
`},
		lock: [][]string{{"--python", "==3.10.*", "-S", "no_inherit_metadata"}, {"--append", "--python", ">=3.11"}},
		asks: []pdmAsk{{}},
	},
	{
		name: "overrides and excludes",
		files: map[string]string{"pyproject.toml": `
[project]
name = "bent"
version = "1"
requires-python = ">=3.10"
dependencies = ["httpx", "urllib3"]
[tool.pdm.resolution]
excludes = ["certifi"]
[tool.pdm.resolution.overrides]
idna = "3.7"
`},
		lock: [][]string{{}},
		asks: []pdmAsk{{}},
	},
	{
		name: "overrides and excludes, no inherit_metadata",
		files: map[string]string{"pyproject.toml": `
[project]
name = "bent"
version = "1"
requires-python = ">=3.10"
dependencies = ["httpx", "urllib3", "idna>3.7"]
[tool.pdm.resolution]
excludes = ["certifi"]
[tool.pdm.resolution.overrides]
idna = "3.7"
`},
		lock: [][]string{{"-S", "no_inherit_metadata"}},
		asks: []pdmAsk{{}},
	},
	{
		name: "sdists",
		files: map[string]string{"pyproject.toml": `
[project]
name = "sources"
version = "1"
requires-python = ">=3.10"
dependencies = ["docopt", "markupsafe==2.0.1", "cffi<1.17"]
`},
		lock: [][]string{{}},
		asks: []pdmAsk{{}},
	},
	{
		name:  "lock_inputs",
		files: map[string]string{"pyproject.toml": pdmWebApp + "[tool.pdm.resolution]\nlock_inputs = true\nallow-prereleases = false\n"},
		lock:  [][]string{{"-G", ":all"}},
		asks:  pdmWebAsks[:2],
	},
}

func TestPDMPicksWhatPDMPicks(t *testing.T) {
	bin := pdmTool(t)
	for _, p := range pdmProjects {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range p.files {
				write(t, filepath.Join(dir, name), text)
			}
			comparePDM(t, bin, dir, p.lock, p.asks)
		})
	}
}

// TestPDMPicksSources locks what comes from git, from directories, from files and from addresses.
func TestPDMPicksSources(t *testing.T) {
	bin := pdmTool(t)
	first := t.TempDir()
	write(t, filepath.Join(first, "pyproject.toml"), "[project]\nname = \"first\"\nversion = \"1\"\nrequires-python = \">=3.10\"\ndependencies = [\"idna==3.7\", \"docopt\"]\n")
	run(t, first, "", filepath.Join(bin, "pdm"), "lock", "-S", "static_urls")
	l := readPDMLock(t, first)
	addresses := map[string]string{}
	for _, p := range l.source.(*pdmLock).packages {
		addresses[p.name] = p.files[0].url
		for _, f := range p.files {
			if strings.HasSuffix(f.url, ".whl") {
				addresses[p.name] = f.url
			}
		}
	}
	pyproject := func(name, deps string) string {
		return fmt.Sprintf("[project]\nname = %q\nversion = \"0.3\"\ndependencies = [%s]\n[build-system]\nrequires = [\"flit_core\"]\nbuild-backend = \"flit_core.buildapi\"\n", name, deps)
	}
	repositories := t.TempDir()
	tiny := filepath.Join(repositories, "tiny")
	write(t, filepath.Join(tiny, "pyproject.toml"), pyproject("tiny", `"iniconfig"`))
	write(t, filepath.Join(tiny, "tiny.py"), "\"\"\"tiny\"\"\"\n")
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A"}, {"-c", "user.name=x", "-c", "user.email=x@index.example", "commit", "-qm", "x"}, {"tag", "v1"}} {
		run(t, tiny, "", "git", args...)
	}
	run(t, repositories, "", "git", "clone", "-q", "--bare", "tiny", "tiny.git")
	run(t, filepath.Join(repositories, "tiny.git"), "", "git", "update-server-info")
	server := httptest.NewServer(http.FileServer(http.Dir(repositories)))
	t.Cleanup(server.Close)

	for name, lock := range map[string][]string{"inherit_metadata": {"-G", ":all"}, "walk": {"-G", ":all", "-S", "no_inherit_metadata"}, "static": {"-G", ":all", "-S", "static_urls"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, lib := range []string{"mini", "loose"} {
				write(t, filepath.Join(dir, "libs", lib, "pyproject.toml"), pyproject(lib, `"zipp"`))
				write(t, filepath.Join(dir, "libs", lib, lib+".py"), "\"\"\"x\"\"\"\n")
			}
			run(t, dir, "", "python3", "-m", "pip", "download", "--quiet", "--no-deps", "-d", "wheels", "sniffio==1.3.1")
			write(t, filepath.Join(dir, "pyproject.toml"), fmt.Sprintf(`
[project]
name = "second"
version = "1"
requires-python = ">=3.10"
dependencies = ["tiny @ git+%s/tiny.git@v1", "idna @ %s", "docopt @ %s", "mini @ file:///${PROJECT_ROOT}/libs/mini",
  "sniffio @ file:///${PROJECT_ROOT}/wheels/sniffio-1.3.1-py3-none-any.whl"]
[build-system]
requires = ["pdm-backend"]
build-backend = "pdm.backend"
[tool.pdm.dev-dependencies]
edit = ["-e file:///${PROJECT_ROOT}/libs/loose#egg=loose"]
`, server.URL, addresses["idna"], addresses["docopt"]))
			comparePDM(t, bin, dir, [][]string{lock}, []pdmAsk{{}, {groups: []string{"edit"}}})
		})
	}
}

func readPDMLock(t *testing.T, dir string) *Lock {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "pdm.lock"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Read([]string{"pdm.lock"}, map[string][]byte{"pdm.lock": data})
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return l
}

// comparePDM locks a project and asks all questions for all targets.
func comparePDM(t *testing.T, bin, dir string, lock [][]string, asks []pdmAsk) {
	for _, args := range lock {
		run(t, dir, "", filepath.Join(bin, "pdm"), append([]string{"lock"}, args...)...)
	}
	l, meta := readPDMLock(t, dir), readProject(t, filepath.Join(dir, "pyproject.toml"))
	type target struct {
		Python  string `json:"python"`
		Machine string `json:"machine"`
		Libc    string `json:"libc"`
		Version string `json:"version"`
		Threads bool   `json:"threads"`
	}
	var question struct {
		Groups  [][]string `json:"groups"`
		Targets []target   `json:"targets"`
	}
	for _, a := range asks {
		question.Groups = append(question.Groups, a.all())
	}
	for _, to := range pdmTargets {
		question.Targets = append(question.Targets, target{to.Python.String(), to.Machine, to.Libc.Name, fmt.Sprintf("%d.%d", to.Libc.Major, to.Libc.Minor), to.FreeThreaded})
	}
	var answers [][]struct {
		Picks []pick
		Error string
	}
	askPDM(t, bin, dir, "reference_pdm.py", question, &answers)
	found := lookUpPDM(t, l)
	compared, refused := 0, 0
	for i, a := range asks {
		for j, to := range pdmTargets {
			got, err := l.Select(Request{Target: to, Groups: strs(a.groups), Extras: strs(a.extras), Project: meta, Found: found})
			want := answers[i][j]
			what := fmt.Sprintf("%v for %s", a, to)
			if want.Error != "" {
				refused++
				if err == nil {
					t.Errorf("%s: pdm says %s, Select picks %v", what, want.Error, picksOfPDM(got))
				}
				continue
			}
			compared++
			if err != nil {
				t.Errorf("%s: %v, pdm picks %v", what, err, want.Picks)
			} else if picks := picksOfPDM(got); !slices.Equal(picks, want.Picks) {
				t.Errorf("%s:\n got %v\nwant %v", what, picks, want.Picks)
			}
		}
	}
	t.Logf("%d selections compared, %d refused by both", compared, refused)
	if compared == 0 {
		t.Error("pdm refused everything")
	}
}

// askPDM runs a script of testdata with pdm's Python in a project.
func askPDM(t *testing.T, bin, dir, script string, question, answer any) {
	t.Helper()
	stdin, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	script, err = filepath.Abs(filepath.Join("testdata", script))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(run(t, dir, string(stdin), filepath.Join(bin, "python"), script)), answer); err != nil {
		t.Fatal(err)
	}
}

// lookUpPDM answers the lock's query, if it has one.
func lookUpPDM(t *testing.T, l *Lock) *index.Answer {
	t.Helper()
	query := l.Query()
	if query == nil {
		return nil
	}
	return lookup(t, query)
}

// picksOfPDM are artifacts as the reference writes them: of a repository the commit stands for the hash.
func picksOfPDM(artifacts []Artifact) []pick {
	out := []pick{}
	for _, a := range artifacts {
		out = append(out, pick{a.Name, a.Version, a.Filename, a.Commit})
	}
	return out
}

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
