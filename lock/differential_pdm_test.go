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
