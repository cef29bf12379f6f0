//go:build differential

package lock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// These tests lock projects with the real uv at test time and compare what Select picks with uv itself and with the reference
// implementation of PEP 751. They need Python 3.11 or newer and a package index. Run: go test -tags differential ./lock

const (
	uvRelease        = "0.13.9"
	packagingRelease = "26.3"
)

// tools installs uv and packaging into a virtual environment in the user's cache and returns its bin directory.
func tools(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "pyfile", "uv-"+uvRelease)
	bin := filepath.Join(dir, "bin")
	run(t, ".", "", "python3", "-c", "import sys; assert sys.version_info >= (3, 11), 'these tests need Python 3.11'")
	if _, err := os.Stat(filepath.Join(bin, "uv")); err != nil {
		run(t, ".", "", "python3", "-m", "venv", dir)
	}
	run(t, ".", "", filepath.Join(bin, "python"), "-m", "pip", "install", "--quiet", "uv=="+uvRelease, "packaging=="+packagingRelease)
	return bin
}

func run(t *testing.T, dir, stdin, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

var targets = []python.Target{
	{Python: mustVersion("3.10.0"), Machine: "x86_64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 31}},
	{Python: mustVersion("3.11.7"), Machine: "x86_64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 36}},
	{Python: mustVersion("3.11.7"), Machine: "aarch64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 36}},
	{Python: mustVersion("3.12.3"), Machine: "aarch64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 17}},
	{Python: mustVersion("3.13.5"), Machine: "x86_64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 41}},
	{Python: mustVersion("3.13.5"), Machine: "x86_64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 41}, FreeThreaded: true},
	{Python: mustVersion("3.13.5"), Machine: "x86_64", Libc: python.Libc{Name: "musl", Major: 1, Minor: 2}},
	{Python: mustVersion("3.14.0"), Machine: "aarch64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 41}},
}

// pick is what a tool picked of one package.
type pick struct{ Name, Version, Filename, SHA256 string }

func TestUVPicksWhatUVAndPackagingPick(t *testing.T) {
	bin := tools(t)
	placed := places(t, bin)
	for _, p := range projects {
		t.Run(p.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range p.files {
				write(t, filepath.Join(dir, name), placed.Replace(text))
			}
			compare(t, bin, dir, p)
		})
	}
}

// TestUVPicksWheelsAtURLs locks a project whose dependency is the address of a wheel, taken from another lock.
func TestUVPicksWheelsAtURLs(t *testing.T) {
	bin := tools(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "pyproject.toml"), "[project]\nname = \"first\"\nversion = \"1\"\nrequires-python = \">=3.10\"\ndependencies = [\"idna==3.7\"]\n")
	run(t, dir, "", filepath.Join(bin, "uv"), "lock", "--quiet")
	data, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`"(https://[^"]*idna-3\.7-py3[^"]*\.whl)"`).FindSubmatch(data)
	if link == nil {
		t.Fatalf("no wheel of idna in\n%s", data)
	}
	index := regexp.MustCompile(`registry = "([^"]*)"`).FindSubmatch(data)
	if index == nil {
		t.Fatalf("no registry in\n%s", data)
	}
	for name, text := range map[string]string{
		"requirement": fmt.Sprintf("dependencies = [\"idna @ %s\"]", link[1]),
		"source":      fmt.Sprintf("dependencies = [\"idna>=3\"]\n[tool.uv.sources]\nidna = {url = %q}", link[1]),
		"index":       fmt.Sprintf("dependencies = [\"idna==3.7\", \"attrs\"]\n[tool.uv.sources]\nidna = {index = \"x\"}\n[[tool.uv.index]]\nname = \"x\"\nurl = %q\nexplicit = true", index[1]),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "pyproject.toml"), "[project]\nname = \"second\"\nversion = \"1\"\nrequires-python = \">=3.10\"\n"+text+"\n")
			compare(t, bin, dir, project{name: name, asks: []ask{{}}})
		})
	}
}

// TestStaleIsWhatUVCallsStale changes a pyproject.toml behind the back of its lock and asks uv whether the lock still fits.
// Select must never call a lock stale that uv takes. Of what uv does not take it may leave out what it says it does.
func TestStaleIsWhatUVCallsStale(t *testing.T) {
	bin := tools(t)
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
`
	cases := []struct {
		name, old, new string
		silent         bool // uv calls it stale and Select does not look
	}{
		{name: "order", old: `  "idna>=3,<4",` + "\n" + `  "attrs",`, new: `  "attrs",` + "\n" + `  "idna>=3,<4",`},
		{name: "spaces", old: "idna>=3,<4", new: "idna <4, >=3"},
		{name: "case", old: `"attrs"`, new: `"ATTRS"`},
		{name: "zeros", old: "sniffio==1.3.1", new: "sniffio== v1.3.1"},
		{name: "quotes in a marker", old: `"colorama; sys_platform == 'win32'"`, new: `'colorama ; ( sys_platform=="win32" )'`},
		{name: "description", old: `version = "1"`, new: "version = \"1\"\ndescription = \"x\""},
		{name: "other tools", old: "[dependency-groups]", new: "[tool.ruff]\nline-length = 100\n[dependency-groups]"},
		{name: "python in other words", old: `">=3.10"`, new: `">= 3.10.0"`},
		{name: "group by another spelling", old: "dev = ", new: "Dev = "},
		{name: "new dependency", old: `"attrs",`, new: `"attrs", "sniffio",`},
		{name: "lost dependency", old: `  "attrs",`, new: ``},
		{name: "new bound", old: "idna>=3,<4", new: "idna>=3.1,<4"},
		{name: "new extra of a dependency", old: `"attrs"`, new: `"attrs[tests]"`},
		{name: "new requirement in an extra", old: `"sniffio==1.3.1"`, new: `"sniffio==1.3.1", "idna"`},
		{name: "new requirement in a group", old: `"iniconfig>=1"`, new: `"iniconfig>=1", "idna"`},
		{name: "other python", old: `">=3.10"`, new: `">=3.11"`},
		{name: "other name", old: "fresh-app", new: "stale-app"},
		{name: "other marker", old: "win32", new: "darwin", silent: true},
		{name: "new empty extra", old: "more = ", new: "none = []\nmore = ", silent: true},
	}
	uv := filepath.Join(bin, "uv")
	dir := t.TempDir()
	file := filepath.Join(dir, "pyproject.toml")
	write(t, file, text)
	run(t, dir, "", uv, "lock", "--quiet")
	data, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Read([]string{"uv.lock"}, map[string][]byte{"uv.lock": data})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			changed := strings.Replace(text, c.old, c.new, 1)
			if changed == text {
				t.Fatal("the case changes nothing")
			}
			write(t, file, changed)
			cmd := exec.Command(uv, "lock", "--check", "--quiet")
			cmd.Dir = dir
			uvStale := cmd.Run() != nil
			_, err := l.Select(Request{Target: targets[1], Project: readProject(t, file)})
			stale := err != nil && strings.Contains(err.Error(), "uv.lock is out of date")
			if err != nil && !stale {
				t.Fatal(err)
			}
			if stale != (uvStale && !c.silent) {
				t.Errorf("uv says stale: %v, Select: %v", uvStale, err)
			}
			if c.silent && !uvStale {
				t.Error("uv takes the lock: the case is not silent")
			}
		})
	}
}

// compare locks a project and asks all its questions for all targets.
func compare(t *testing.T, bin, dir string, p project) {
	uv := filepath.Join(bin, "uv")
	run(t, dir, "", uv, "lock", "--quiet")
	data, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := Read([]string{"uv.lock"}, map[string][]byte{"uv.lock": data})
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	for _, a := range p.asks {
		meta := readProject(t, filepath.Join(dir, a.member, "pyproject.toml"))
		flags := []string{"--frozen", "--no-default-groups"}
		for _, g := range a.groups {
			flags = append(flags, "--group", g)
		}
		for _, e := range a.extras {
			flags = append(flags, "--extra", e)
		}
		if a.member != "" {
			flags = append(flags, "--package", meta.Name.Value)
		}
		// Without a project at the root all members are projects, so that none of them counts as a dependency.
		part := "project"
		if !meta.Name.Set() {
			part = "workspace"
		}
		exported := run(t, dir, "", uv, append([]string{"export", "--quiet", "--format", "pylock.toml", "--no-emit-" + part}, flags...)...)
		for _, target := range targets {
			what := fmt.Sprintf("%s %v for %s", p.name, a, target)
			request := Request{Target: target, Groups: strs(a.groups), Extras: strs(a.extras), Project: meta}
			got, err := l.Select(request)
			if !meta.Name.Set() {
				got = slices.DeleteFunc(got, func(a Artifact) bool {
					return a.Kind == Directory && slices.Contains(l.source.(*uvLock).members, a.Name)
				})
			}
			listed := l.Directories(meta)
			for _, a := range got {
				if a.Kind == Directory && !slices.Contains(listed, a.Path) {
					t.Errorf("%s: %s is not among the directories %q", what, a.Path, listed)
				}
			}
			want, refusal := reference(t, bin, exported, target)
			if refusal != "" {
				if err == nil {
					t.Errorf("%s: the reference says %s, Select picks %v", what, refusal, got)
				}
				continue
			}
			samePicks(t, "uv.lock, "+what, got, err, want)

			// The lock that uv exports must give the same, read as a pylock.toml.
			pl, readErr := Read([]string{"pylock.toml"}, map[string][]byte{"pylock.toml": []byte(exported)})
			if readErr != nil {
				t.Fatalf("%s: Read the exported lock: %v", what, readErr)
			}
			got, err = pl.Select(Request{Target: target, Project: meta})
			samePicks(t, "pylock.toml, "+what, got, err, want)

			if target.Python.String() == hostPython(t, bin) {
				platform := fmt.Sprintf("%s-manylinux_%d_%d", target.Machine, target.Libc.Major, target.Libc.Minor)
				sameNames(t, what, want, synced(t, uv, dir, platform, part, flags))
			}
		}
	}
}

// reference asks the packaging library.
func reference(t *testing.T, bin, pylock string, target python.Target) (picks []pick, refusal string) {
	t.Helper()
	threads := ""
	if target.FreeThreaded {
		threads = "threads"
	}
	script, err := filepath.Abs(filepath.Join("testdata", "reference.py"))
	if err != nil {
		t.Fatal(err)
	}
	out := run(t, ".", pylock, filepath.Join(bin, "python"), script, target.Python.String(), target.Machine,
		target.Libc.Name, fmt.Sprintf("%d.%d", target.Libc.Major, target.Libc.Minor), threads)
	var answer struct {
		Picks []pick
		Error string
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(answer.Picks, func(a, b pick) int { return strings.Compare(a.Name, b.Name) })
	return answer.Picks, answer.Error
}

// pickOf is an artifact as the reference names it.
func pickOf(a Artifact) pick {
	p := pick{a.Name, a.Version, a.Filename, a.SHA256}
	switch a.Kind {
	case Git:
		p.Filename = fmt.Sprintf("git %s %s %s", a.URL, a.Commit, a.Subdir)
	case Directory:
		p.Filename = fmt.Sprintf("directory %s %s", a.Path, a.Subdir)
	}
	return p
}

// samePicks compares artifacts with picks: names, versions, and the file or source of each.
func samePicks(t *testing.T, what string, got []Artifact, err error, want []pick) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	var picks []pick
	for _, a := range got {
		picks = append(picks, pickOf(a))
	}
	want = slices.Clone(want)
	for i := range want {
		if want[i].Version == "" && i < len(picks) {
			want[i].Version = picks[i].Version // a wheel at a URL has no version in a pylock.toml
		}
	}
	if !slices.Equal(picks, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, picks, want)
	}
}

// synced asks uv what it would install on the Python of the tests for a platform.
func synced(t *testing.T, uv, dir, platform, part string, flags []string) []pick {
	t.Helper()
	out := run(t, dir, "", uv, append([]string{"sync", "--quiet", "--dry-run", "--no-install-" + part, "--python-platform", platform,
		"--output-format", "json", "--preview"}, flags...)...)
	var report struct {
		Sync struct {
			Changes []struct{ Name, Version, Action string }
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	var picks []pick
	for _, c := range report.Sync.Changes {
		picks = append(picks, pick{Name: c.Name, Version: c.Version})
	}
	return picks
}

func sameNames(t *testing.T, what string, want, uv []pick) {
	t.Helper()
	versions := map[string]string{}
	for _, p := range want {
		versions[p.Name] = p.Version
	}
	// Of what comes from an address or a directory uv does not print the version, nor does the exported lock.
	unknown := map[string]bool{}
	for _, p := range uv {
		unknown[p.Name] = p.Version == "" || versions[p.Name] == ""
	}
	named := func(p pick) string {
		if unknown[p.Name] {
			return p.Name
		}
		return p.Name + " " + p.Version
	}
	var a, b []string
	for _, p := range want {
		a = append(a, named(p))
	}
	for _, p := range uv {
		b = append(b, named(p))
	}
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) {
		t.Errorf("%s: uv sync installs\n%v, the exported lock has\n%v", what, b, a)
	}
}

func hostPython(t *testing.T, bin string) string {
	t.Helper()
	return strings.TrimSpace(run(t, ".", "", filepath.Join(bin, "python"), "-c", "import platform; print(platform.python_version())"))
}

func readProject(t *testing.T, name string) *Project {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParseProject("pyproject.toml", data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func strs(values []string) []pyfile.String {
	out := make([]pyfile.String, len(values))
	for i, v := range values {
		out[i] = pyfile.String{Value: v, Range: firstLine}
	}
	return out
}
