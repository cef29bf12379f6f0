//go:build differential

package lock

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/python"
)

// These tests lock projects with real releases of Poetry at test time and compare what Select picks with what Poetry's own installer
// and chooser pick. The index is the one that pip is configured for, which Poetry takes through a plugin.

const (
	poetryRelease = "2.5.1" // whose installer is the reference
	mirrorRelease = "0.6.5"
)

// oldPoetries are releases that write older locks, with the release of the mirror plugin for each; 1.1 knows no plugins.
var oldPoetries = map[string]string{"1.8.5": "0.4.2", "1.4.2": "0.4.2", "1.1.15": ""}

// poetry installs a release of Poetry into a virtual environment in the user's cache and returns its bin directory.
func poetry(t *testing.T, release string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "pyfile", "poetry-"+release)
	bin := filepath.Join(dir, "bin")
	if _, err := os.Stat(filepath.Join(bin, "poetry")); err == nil {
		return bin
	}
	plugin := mirrorRelease
	if release != poetryRelease {
		plugin = oldPoetries[release]
	}
	run(t, ".", "", "python3", "-m", "venv", dir)
	args := []string{"-m", "pip", "install", "--quiet", "poetry==" + release}
	if plugin != "" {
		args = append(args, "poetry-plugin-pypi-mirror=="+plugin)
	}
	run(t, ".", "", filepath.Join(bin, "python"), args...)
	return bin
}

var pipIndex = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("python3", "-c", `from pip._internal.commands import create_command
print(create_command("download").parse_args([])[0].index_url)`).Output()
	return strings.TrimSpace(string(out)), err
})

// poetryEnv makes Poetry use pip's index and make no environment.
func poetryEnv(t *testing.T) {
	t.Helper()
	index, err := pipIndex()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("POETRY_PYPI_MIRROR_URL", index)
	t.Setenv("POETRY_VIRTUALENVS_CREATE", "false")
	t.Setenv("PYTHONWARNINGS", "ignore")
}

// poetryLocks locks the project in a directory and reads the lock.
func poetryLocks(t *testing.T, release, dir string) *Lock {
	t.Helper()
	bin := poetry(t, release)
	if release == "1.1.15" {
		script, err := filepath.Abs(filepath.Join("testdata", "poetry_mirror.py"))
		if err != nil {
			t.Fatal(err)
		}
		run(t, dir, "", filepath.Join(bin, "python"), script, "lock", "--no-interaction", "--quiet")
	} else {
		run(t, dir, "", filepath.Join(bin, "poetry"), "lock", "--no-interaction", "--quiet")
	}
	data, err := os.ReadFile(filepath.Join(dir, "poetry.lock"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Read([]string{"poetry.lock"}, map[string][]byte{"poetry.lock": data})
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return l
}

// poetryAnswer is what Poetry installs for one target, or why it refuses.
type poetryAnswer struct {
	Picks []struct{ Name, Version, Filename, SHA256, From string }
	Error string
}

// poetryInstalls asks the reference for every ask and target.
func poetryInstalls(t *testing.T, dir string, asks []ask) []poetryAnswer {
	t.Helper()
	type target struct {
		Python  string `json:"python"`
		Machine string `json:"machine"`
		Libc    string `json:"libc"`
		Version string `json:"version"`
		Threads bool   `json:"threads"`
	}
	type question struct {
		Groups []string `json:"groups"`
		Extras []string `json:"extras"`
	}
	request := struct {
		Dir     string     `json:"dir"`
		Targets []target   `json:"targets"`
		Asks    []question `json:"asks"`
	}{Dir: dir}
	for _, x := range targets {
		request.Targets = append(request.Targets, target{x.Python.String(), x.Machine, x.Libc.Name, fmt.Sprintf("%d.%d", x.Libc.Major, x.Libc.Minor), x.FreeThreaded})
	}
	for _, a := range asks {
		request.Asks = append(request.Asks, question{append([]string{}, a.groups...), append([]string{}, a.extras...)})
	}
	stdin, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "poetry_reference.py"))
	if err != nil {
		t.Fatal(err)
	}
	out := run(t, dir, string(stdin), filepath.Join(poetry(t, poetryRelease), "python"), script)
	var answers []poetryAnswer
	if err := json.Unmarshal([]byte(out), &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// comparePoetry compares Select with Poetry for every ask and target. It returns how many answers had packages.
func comparePoetry(t *testing.T, l *Lock, dir string, asks []ask) int {
	t.Helper()
	answers := poetryInstalls(t, dir, asks)
	files := found(t, l)
	project := readProject(t, filepath.Join(dir, "pyproject.toml"))
	agreed := 0
	for i, a := range asks {
		for j, target := range targets {
			what := fmt.Sprintf("%v for %s", a, target)
			want := answers[i*len(targets)+j]
			got, err := l.Select(Request{Target: target, Groups: strs(a.groups), Extras: strs(a.extras), Project: project, Found: files})
			if want.Error != "" || err != nil {
				if (want.Error != "") != (err != nil) {
					t.Errorf("%s: Poetry says %q, Select %v", what, want.Error, err)
				}
				continue
			}
			var picks, wanted []string
			for _, x := range got {
				picks = append(picks, shownPick(x))
			}
			for _, p := range want.Picks {
				wanted = append(wanted, fmt.Sprintf("%s %s %s %s", p.Name, p.Version, p.Filename, p.SHA256))
			}
			if !slices.Equal(picks, wanted) {
				t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(picks, "\n     "), strings.Join(wanted, "\n     "))
			}
			agreed++
		}
	}
	return agreed
}

// shownPick is an artifact as the reference describes it.
func shownPick(a Artifact) string {
	switch {
	case a.Kind == Git:
		return fmt.Sprintf("%s %s  %s", a.Name, a.Version, a.Commit)
	case a.Kind == Directory:
		return fmt.Sprintf("%s %s %s ", a.Name, a.Version, a.Path)
	}
	return fmt.Sprintf("%s %s %s %s", a.Name, a.Version, a.Filename, a.SHA256)
}

func TestPoetryPicksWhatPoetryPicks(t *testing.T) {
	for _, p := range poetryProjects {
		for _, release := range p.releases {
			t.Run(p.name+"/"+release, func(t *testing.T) {
				poetryEnv(t)
				dir := t.TempDir()
				for name, text := range p.files {
					write(t, filepath.Join(dir, name), strings.ReplaceAll(text, "{hole}", pythonHole(t)))
				}
				if n := comparePoetry(t, poetryLocks(t, release, dir), dir, p.asks); n == 0 {
					t.Error("every target was refused")
				}
			})
		}
	}
}

// pythonHole is a constraint with a hole, which must not be where the Python of the tests is.
func pythonHole(t *testing.T) string {
	t.Helper()
	if run(t, ".", "", "python3", "-c", "import sys; print(sys.version_info.minor)") == "11\n" {
		return "~3.10 || ~3.11 || ^3.13"
	}
	return "~3.10 || ^3.12"
}

// TestPoetryPicksFilesAndURLs locks dependencies that are a wheel beside the project, an sdist and a wheel at URLs, and one of an
// explicit index; the addresses are those of the index at hand.
func TestPoetryPicksFilesAndURLs(t *testing.T) {
	poetryEnv(t)
	index, err := pipIndex()
	if err != nil {
		t.Fatal(err)
	}
	first := t.TempDir()
	write(t, filepath.Join(first, "pyproject.toml"), poetryHead+"python = \"^3.10\"\nidna = \"3.7\"\nattrs = \"23.2.0\"\n")
	urls := map[string]string{}
	for _, p := range lookup(t, poetryLocks(t, poetryRelease, first).Query()).Packages {
		for _, f := range p.Files {
			urls[f.Name] = f.URL
		}
	}
	for name, text := range map[string]string{
		"wheel": fmt.Sprintf("idna = {url = %q}\n", urls["idna-3.7-py3-none-any.whl"]),
		"sdist": fmt.Sprintf("idna = {url = %q}\n", urls["idna-3.7.tar.gz"]),
		"file":  "idna = {path = \"wheels/idna-3.7-py3-none-any.whl\"}\nattrs = {path = \"wheels/attrs-23.2.0.tar.gz\"}\n",
		"index": fmt.Sprintf("idna = {version = \"^3.7\", source = \"other\"}\nattrs = \"*\"\n[[tool.poetry.source]]\nname = \"other\"\nurl = %q\npriority = \"explicit\"\n", index),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if name == "file" {
				for _, name := range []string{"idna-3.7-py3-none-any.whl", "attrs-23.2.0.tar.gz"} {
					download(t, urls[name], filepath.Join(dir, "wheels", name))
				}
			}
			write(t, filepath.Join(dir, "pyproject.toml"), poetryHead+"python = \"^3.10\"\n"+text)
			if n := comparePoetry(t, poetryLocks(t, poetryRelease, dir), dir, []ask{{}}); n == 0 {
				t.Error("every target was refused")
			}
		})
	}
}

func download(t *testing.T, link, name string) {
	t.Helper()
	answer, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", answer.Status, err)
	}
	write(t, name, string(data))
}

// found answers the query of a lock, if it has one.
func found(t *testing.T, l *Lock) *index.Answer {
	t.Helper()
	if query := l.Query(); query != nil {
		return lookup(t, query)
	}
	return nil
}

// TestPoetryPicksCommits locks dependencies on a git repository, which git's own server program serves on the loopback interface.
func TestPoetryPicksCommits(t *testing.T) {
	poetryEnv(t)
	root := t.TempDir()
	work := filepath.Join(root, "work")
	write(t, filepath.Join(work, "pyproject.toml"), "[project]\nname = \"from-git\"\nversion = \"1.5\"\ndependencies = [\"idna>=3\"]\n")
	write(t, filepath.Join(work, "sub", "pyproject.toml"), "[project]\nname = \"below\"\nversion = \"0.1\"\n")
	git := []string{"-c", "user.name=x", "-c", "user.email=x@x.example", "-C", work}
	run(t, ".", "", "git", append(git, "init", "--quiet", "-b", "main")...)
	run(t, ".", "", "git", append(git, "add", "-A")...)
	run(t, ".", "", "git", append(git, "commit", "--quiet", "-m", "x")...)
	run(t, ".", "", "git", append(git, "tag", "v1.5")...)
	run(t, ".", "", "git", "clone", "--quiet", "--bare", work, filepath.Join(root, "repo.git"))
	backend := filepath.Join(strings.TrimSpace(run(t, ".", "", "git", "--exec-path")), "git-http-backend")
	server := httptest.NewServer(&cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"}})
	t.Cleanup(server.Close)
	for name, text := range map[string]string{
		"branch": fmt.Sprintf("from-git = {git = \"%s/repo.git\", branch = \"main\"}\n", server.URL),
		"tag":    fmt.Sprintf("from-git = {git = \"%s/repo.git\", tag = \"v1.5\", optional = true}\n[tool.poetry.extras]\nmore = [\"from-git\"]\n", server.URL),
		"sub":    fmt.Sprintf("below = {git = \"%s/repo.git\", subdirectory = \"sub\"}\nidna = \"*\"\n", server.URL),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "pyproject.toml"), poetryHead+"python = \"^3.10\"\n"+text)
			asks := []ask{{}}
			if name == "tag" {
				asks = append(asks, ask{extras: []string{"more"}})
			}
			l := poetryLocks(t, poetryRelease, dir)
			if n := comparePoetry(t, l, dir, asks); n == 0 {
				t.Error("every target was refused")
			}
			got, err := l.Select(Request{Target: targets[1], Project: readProject(t, filepath.Join(dir, "pyproject.toml")), Extras: strs(asks[len(asks)-1].extras), Found: found(t, l)})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(got, func(a Artifact) bool { return a.Kind == Git })
			if i < 0 || got[i].URL != server.URL+"/repo.git" || got[i].Subdir != map[string]string{"sub": "sub"}[name] {
				t.Errorf("no artifact of the repository in %+v", got)
			}
		})
	}
}

// poetryFresh asks a release of Poetry which projects have a lock that fits.
func poetryFresh(t *testing.T, release string, dirs []string) []bool {
	t.Helper()
	stdin, err := json.Marshal(dirs)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "poetry_fresh.py"))
	if err != nil {
		t.Fatal(err)
	}
	var fresh []bool
	if err := json.Unmarshal([]byte(run(t, ".", string(stdin), filepath.Join(poetry(t, release), "python"), script)), &fresh); err != nil {
		t.Fatal(err)
	}
	return fresh
}

// TestStaleIsWhatPoetryCallsStale changes a pyproject.toml behind the back of its lock, and asks Poetry whether the lock still fits.
func TestStaleIsWhatPoetryCallsStale(t *testing.T) {
	poetryEnv(t)
	for _, s := range poetryEdits {
		t.Run(s.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "pyproject.toml")
			write(t, file, s.text)
			l := poetryLocks(t, s.release, dir)
			data, err := os.ReadFile(filepath.Join(dir, "poetry.lock"))
			if err != nil {
				t.Fatal(err)
			}
			var dirs []string
			for _, e := range s.edits {
				changed := s.text
				for i := 0; i < len(e.replace); i += 2 {
					changed = strings.Replace(changed, e.replace[i], e.replace[i+1], 1)
				}
				if changed == s.text {
					t.Fatalf("%s changes nothing", e.name)
				}
				copied := t.TempDir()
				write(t, filepath.Join(copied, "pyproject.toml"), changed)
				write(t, filepath.Join(copied, "poetry.lock"), string(data))
				dirs = append(dirs, copied)
			}
			fresh := poetryFresh(t, s.release, dirs)
			files := found(t, l)
			for i, e := range s.edits {
				t.Run(e.name, func(t *testing.T) {
					want := !fresh[i]
					_, err := l.Select(Request{Target: python.Target{Python: mustVersion("3.12.3"), Machine: "x86_64", Libc: targets[1].Libc},
						Project: readProject(t, filepath.Join(dirs[i], "pyproject.toml")), Found: files})
					stale := err != nil && strings.Contains(err.Error(), "poetry.lock is out of date")
					if err != nil && !stale {
						t.Fatal(err)
					}
					if stale != want {
						t.Errorf("Poetry calls it stale: %v, Select says %v", want, err)
					}
					if want != e.stale {
						t.Errorf("Poetry calls it stale: %v; the case is not about what its name says", want)
					}
					if e.says != "" && (err == nil || !strings.Contains(err.Error(), e.says)) {
						t.Errorf("Select says %v, want %s", err, e.says)
					}
				})
			}
		})
	}
}
