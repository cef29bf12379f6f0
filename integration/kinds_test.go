//go:build integration

package integration

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sourceOf are the files of a project of one module, below a directory of the source.
func sourceOf(name, dir string) []entry {
	return []entry{
		{dir + "pyproject.toml", fmt.Sprintf("[project]\nname = %q\nversion = \"1.0\"\n\n[build-system]\nrequires = [\"hatchling==1.27.0\"]\nbuild-backend = \"hatchling.build\"\n", name)},
		{dir + name + ".py", fmt.Sprintf("version = %q\n", name+" 1.0")},
	}
}

// legacySource is a project that has a setup.py and nothing else, as they were before there was a pyproject.toml.
func legacySource(name, dir string) []entry {
	return []entry{
		{dir + "setup.py", fmt.Sprintf("from setuptools import setup\nsetup(name=%q, version=\"1.0\", py_modules=[%q])\n", name, name)},
		{dir + name + ".py", fmt.Sprintf("version = %q\n", name+" 1.0")},
	}
}

func targz(t *testing.T, files []entry) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func zipped(t *testing.T, files []entry) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func sumOf(data string) string {
	sum := sha256.Sum256([]byte(data))
	return hex.EncodeToString(sum[:])
}

// TestSourcesOfEveryKindAreBuiltAndInstalled locks one package of each kind by hand: two sdists, archives at an address and in the context, a
// wheel and a directory of the context, and a directory of a git repository.
func TestSourcesOfEveryKindAreBuiltAndInstalled(t *testing.T) {
	t.Parallel()
	dir, folder := t.TempDir(), t.TempDir()
	repository := t.TempDir()
	for _, f := range sourceOf("fromgit", "py/fromgit/") {
		write(t, repository, f.name, f.data)
	}
	commit(t, repository, filepath.Join(folder, "mono.git"))
	revision := strings.TrimSpace(must(t, filepath.Join(folder, "mono.git"), "git", "rev-parse", "main"))
	address := gitServer(t, folder)

	sdist := targz(t, sourceOf("fromsdist", "fromsdist-1.0/"))
	legacy := targz(t, legacySource("legacy", "legacy-1.0/"))
	archive := zipped(t, sourceOf("fromarchive", "mono-abcdef/lib/"))
	local := targz(t, sourceOf("localarchive", ""))
	wheel := newWheel(t, "localwheel", "1.0")
	served := map[string]string{"/fromsdist-1.0.tar.gz": sdist, "/legacy-1.0.tar.gz": legacy, "/archive/main.zip": archive}
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if data, ok := served[r.URL.Path]; ok {
			_, _ = w.Write([]byte(data))
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(files.Close)

	write(t, dir, "vendor/localarchive.tar.gz", local)
	write(t, dir, "vendor/"+wheel.filename(), string(wheel.data))
	for _, f := range sourceOf("localdir", "libs/localdir/") {
		write(t, dir, f.name, f.data)
	}
	names := []string{"fromsdist", "legacy", "fromarchive", "localarchive", "localwheel", "localdir", "fromgit"}
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\ncmd = [\"python\", \"main.py\"]\n")
	write(t, dir, "main.py", fmt.Sprintf("import importlib\nfor name in %q.split():\n    print(importlib.import_module(name).version)\n", strings.Join(names, " ")))
	write(t, dir, "pylock.toml", fmt.Sprintf(`lock-version = "1.0"
created-by = "a person"

[[packages]]
name = "fromsdist"
version = "1.0"
sdist = { url = "%[1]s/fromsdist-1.0.tar.gz", hashes = { sha256 = "%[2]s" } }

[[packages]]
name = "legacy"
version = "1.0"
sdist = { url = "%[1]s/legacy-1.0.tar.gz", hashes = { sha256 = "%[3]s" } }

[[packages]]
name = "fromarchive"
archive = { url = "%[1]s/archive/main.zip", hashes = { sha256 = "%[4]s" }, subdirectory = "lib" }

[[packages]]
name = "localarchive"
archive = { path = "vendor/localarchive.tar.gz", hashes = { sha256 = "%[5]s" } }

[[packages]]
name = "localwheel"
version = "1.0"
wheels = [{ path = "vendor/%[6]s", hashes = { sha256 = "%[7]s" } }]

[[packages]]
name = "localdir"
directory = { path = "libs/localdir" }

[[packages]]
name = "fromgit"
vcs = { type = "git", url = "%[8]smono.git", commit-id = "%[9]s", subdirectory = "py/fromgit" }
`, files.URL, sumOf(sdist), sumOf(legacy), sumOf(archive), sumOf(local), wheel.filename(), wheel.sha256, address, revision))

	image := registryHost + "/test/kinds:1"
	digest, log := labDaemon().push(t, dir, image)
	want := strings.ReplaceAll(strings.Join(names, " 1.0\n")+" 1.0\n", "localwheel 1.0", "1.0")
	if got := run(t, image); got != want {
		t.Errorf("the image prints %q, not %q", got, want)
	}
	if strings.Contains(log, "] FROM python:3.13\n") {
		t.Errorf("the full image is there, although nothing is compiled\n%s", log)
	}

	// A changed directory is the only one that is built again.
	write(t, dir, "libs/localdir/localdir.py", fmt.Sprintf("version = %q\n", unique()))
	changed, log := labDaemon().push(t, dir, image)
	steps := slices.DeleteFunc(ranSteps(log), func(step string) bool { return strings.Contains(step, "] load ") })
	if want := []string{"[dep-builder] build the wheel of localdir", "[base] install localdir"}; !slices.Equal(steps, want) || changed == digest {
		t.Errorf("after a change of one directory %q run, not %q\n%s", steps, want, log)
	}

	// A file that is not the locked one is not built.
	served["/legacy-1.0.tar.gz"] = targz(t, legacySource("other", "legacy-1.0/"))
	if out, err := labDaemon().build(t, dir, "--no-cache"); err == nil || !strings.Contains(out, "legacy-1.0.tar.gz is not the file that was locked") {
		t.Errorf("another source than the locked one: %v\n%s", err, out)
	}
}

// TestAProjectRunsOnEveryBase builds one project on each base of the lab: what the base has no pip, no shell and no package manager for is not asked
// of it.
func TestAProjectRunsOnEveryBase(t *testing.T) {
	t.Parallel()
	for base, python := range map[string]string{
		"python:3.13-slim":                  "3.13",
		"python:3.13":                       "3.13",
		"python:3.13-alpine":                "3.13",
		"lab/debian-python:13":              "3.13",
		"lab/debian-python-full:13":         "3.13",
		"lab/python-distroless:3.13":        "3.13",
		"lab/python-distroless-copied:3.13": "3.13",
		"lab/python-unsaid:3.13-slim":       "3.13",
		"lab/python-opt:3.13-slim":          "3.13",
		"lab/python:3.13t-slim":             "3.13t",
	} {
		t.Run(base, func(t *testing.T) {
			slots <- struct{}{}
			defer func() { <-slots }()
			dir := t.TempDir()
			write(t, dir, "Pyfile", fmt.Sprintf("# syntax=org/pyfile:1\npython = %q\nbase = %q\n", python, base))
			write(t, dir, "pyproject.toml", "[project]\nname = \"demo\"\nversion = \"1.0\"\nrequires-python = \">=3.11\"\ndependencies = [\"markupsafe==3.0.2\"]\n"+
				"\n[project.scripts]\ndemo = \"demo:main\"\n\n[build-system]\nrequires = [\"hatchling==1.27.0\"]\nbuild-backend = \"hatchling.build\"\n")
			write(t, dir, "demo.py", "import sys\nimport markupsafe._speedups\n\n\ndef main():\n    free = not getattr(sys, '_is_gil_enabled', lambda: True)()\n"+
				"    print(markupsafe.escape('<'), sys.prefix, sys.flags.optimize, free)\n")
			uvLock(t, dir)
			image := registryHost + "/test/base:" + strings.NewReplacer("/", "-", ":", "-").Replace(base)
			labDaemon().push(t, dir, image)
			want := "&lt; /opt/venv 0 False\n"
			if python == "3.13t" {
				want = "&lt; /opt/venv 0 True\n"
			}
			if got := run(t, image); got != want {
				t.Errorf("the image prints %q, not %q", got, want)
			}
		})
	}
}
