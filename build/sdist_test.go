//go:build differential

package build

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// downloadScript gets a source distribution from the index that pip is configured for. pip itself would build it to see what it is.
const downloadScript = `
import hashlib, os, sys
from pip._internal.cli.cmdoptions import index_url
from pip._vendor import requests

name, file, directory = sys.argv[1:]
session = requests.Session()
session.verify = os.environ.get("PIP_CERT") or True
index = os.environ.get("PIP_INDEX_URL") or index_url().default
page = session.get(index.rstrip("/") + "/" + name + "/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
page.raise_for_status()
found = next(f for f in page.json()["files"] if f["filename"] == file)
data = session.get(requests.compat.urljoin(page.url, found["url"])).content
assert hashlib.sha256(data).hexdigest() == found["hashes"]["sha256"]
with open(os.path.join(directory, file + ".part"), "wb") as f:
    f.write(data)
os.rename(os.path.join(directory, file + ".part"), os.path.join(directory, file))
`

// sdist is the path of a real source distribution, which is downloaded once and kept in the user's cache.
func sdist(t *testing.T, name, file string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "pyfile", "sdists")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, file)
	if _, err := os.Stat(archive); err != nil {
		interpreter, _ := hostPython()
		if out, err := exec.Command(interpreter, "-c", downloadScript, name, file, dir).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", file, err, out)
		}
	}
	return archive
}

// needed are the packages of Debian that the sources need.
var needed = []string{"gcc", "g++", "pkg-config", "libpq-dev", "default-libmysqlclient-dev", "libyaml-dev", "libcairo2-dev", "cargo", "cmake", "python3", "python3-pip", "python3-venv"}

// needPackages installs what is missing of them.
func needPackages(t *testing.T) {
	t.Helper()
	var missing []string
	for _, name := range needed {
		if (name == "cargo" || name == "cmake") && onPath(name) {
			continue
		}
		if out, err := exec.Command("dpkg-query", "-W", "-f", "${Status}", name).Output(); err != nil || !strings.HasSuffix(string(out), " installed") {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return
	}
	for _, args := range [][]string{{"update"}, slices.Concat([]string{"install", "-y", "--no-install-recommends"}, missing)} {
		cmd := exec.Command("apt-get", append([]string{"-qq"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
}

func onPath(name string) bool { _, err := exec.LookPath(name); return err == nil }

// sources are real sources, at least one of every build system. Two are made here: their like on an index compile for minutes.
var sources = []struct {
	name, version string
	file          string // of the index; empty for one in testdata/sources
	compiles      bool
	environment   map[string]string
	pip           bool // builds it for comparison; what it does for the others is the same
}{
	{"mysqlclient", "2.2.7", "mysqlclient-2.2.7.tar.gz", true, nil, false},
	{"psycopg2", "2.9.10", "psycopg2-2.9.10.tar.gz", true, nil, true},
	{"uwsgi", "2.0.31", "uwsgi-2.0.31.tar.gz", true, map[string]string{"UWSGI_PROFILE": "core"}, false},
	{"pyyaml", "6.0.2", "pyyaml-6.0.2.tar.gz", true, nil, false},                            // a backend of its own, Cython
	{"cymem", "2.0.11", "cymem-2.0.11.tar.gz", true, nil, true},                             // Cython
	{"pycairo", "1.27.0", "pycairo-1.27.0.tar.gz", true, nil, true},                         // meson-python
	{"native", "1.0", "", true, nil, true},                                                  // scikit-build-core
	{"rusty", "1.0", "", true, map[string]string{"CARGO_PROFILE_RELEASE_DEBUG": "1"}, true}, // maturin
	{"idna", "3.10", "idna-3.10.tar.gz", false, nil, true},                                  // flit
	{"iniconfig", "2.1.0", "iniconfig-2.1.0.tar.gz", false, nil, true},                      // hatchling, hatch-vcs
	{"tomlkit", "0.13.2", "tomlkit-0.13.2.tar.gz", false, nil, true},                        // Poetry
	{"docopt", "0.6.2", "docopt-0.6.2.tar.gz", false, nil, true},                            // setup.py alone
}

// From archive to wheel, by the steps of a build. A wheel must be the same when it is built again from a source that was unpacked at
// another time, and must have what pip's has: the same files and lines of RECORD.
func TestRealSourcesBecomeTheWheelsThatPipBuilds(t *testing.T) {
	needPackages(t)
	for _, name := range []string{"PIP_FIND_LINKS", "PIP_NO_INDEX"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	// How well a compiler optimises is not what is tested.
	t.Setenv("CFLAGS", "-O0")
	for _, s := range sources {
		t.Run(s.name, func(t *testing.T) {
			for name, value := range s.environment {
				t.Setenv(name, value)
			}
			b := realBuild{t: t, root: t.TempDir(), name: s.name, start: time.Now()}
			from := filepath.Join("testdata", "sources", s.name)
			if s.file != "" {
				from = sdist(t, s.name, s.file)
			}
			p := b.prepare(from)
			if p.Version != s.version || (len(p.Compiles) > 0) != s.compiles || len(p.LFS) > 0 {
				t.Errorf("the project is %+v", p)
			}
			first, second := b.wheel("first"), b.wheel("second")
			if read(t, first) != read(t, second) {
				t.Errorf("%s differs between two builds: %q", filepath.Base(first), unequal(t, first, second))
			}
			if s.pip {
				theirs := b.pip()
				if filepath.Base(theirs) != filepath.Base(first) {
					t.Errorf("pip calls it %s, not %s", filepath.Base(theirs), filepath.Base(first))
				}
				if names := unequal(t, first, theirs); len(names) > 0 {
					t.Errorf("other than in pip's are %q", names)
				}
			}
		})
	}
}

// realBuild is the build of one source. All is done in the same places each time, as in a container: backends write paths into debug
// information.
type realBuild struct {
	t          *testing.T
	root, name string
	start      time.Time
	project    *Project
	backend    Backend
	source     string // that is copied for each build
	printed    bytes.Buffer
}

func (b *realBuild) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%v\n%s", err, &b.printed)
	}
}

func (b *realBuild) lap(what string) { b.t.Logf("%4.1f s  %s", time.Since(b.start).Seconds(), what) }

// prepare does all that comes before the wheel.
func (b *realBuild) prepare(from string) *Project {
	ctx := context.Background()
	inspected := filepath.Join(b.root, "inspected")
	b.must(Inspect(InspectOptions{Out: inspected, Source: from}))
	p, err := ParseProject([]byte(read(b.t, inspected, "project.json")))
	b.must(err)
	b.project, b.source = p, from
	if !isDir(from) {
		b.source = filepath.Join(inspected, "src")
	}
	b.lap("inspected: " + strings.Join(p.Compiles, "; "))
	interpreter, _ := hostPython()
	static := writeFile(b.t, filepath.Join(b.root, "requires.txt"), FormatRequirements(p.Requires))
	env := filepath.Join(b.root, "env")
	b.must(Env(ctx, EnvOptions{Out: env, Interpreter: interpreter, File: static, Output: &b.printed}))
	b.lap("environment")
	b.backend = Backend{Source: filepath.Join(b.root, "src"), Env: env, Name: p.Backend, BackendPath: p.BackendPath, Output: &b.printed}
	b.fresh()
	asked := filepath.Join(b.root, "asked")
	b.must(Requires(ctx, RequiresOptions{Backend: b.backend, Out: asked, File: static}))
	if all := read(b.t, asked, "requires.txt"); all != read(b.t, static) {
		b.must(os.RemoveAll(env))
		b.must(Env(ctx, EnvOptions{Out: env, Interpreter: interpreter, File: filepath.Join(asked, "requires.txt"), Output: &b.printed}))
		b.lap("environment again, with " + strings.Join(strings.Fields(all), " "))
	}
	return p
}

// fresh makes a new copy of the source.
func (b *realBuild) fresh() {
	b.t.Helper()
	b.must(os.RemoveAll(b.backend.Source))
	b.must(exec.Command("cp", "-a", b.source, b.backend.Source).Run())
}

// wheel builds the wheel and keeps it under a name.
func (b *realBuild) wheel(name string) string {
	b.t.Helper()
	out, kept := filepath.Join(b.root, "out"), filepath.Join(b.root, name)
	b.fresh()
	b.must(Wheel(context.Background(), WheelOptions{Backend: b.backend, Out: out, Project: b.name, Version: b.project.Version}))
	b.must(os.Rename(out, kept))
	b.lap("built " + entries(b.t, kept)[0])
	return filepath.Join(kept, entries(b.t, kept)[0])
}

// pip lets pip build the wheel in the same environment.
func (b *realBuild) pip() string {
	b.t.Helper()
	out, bin := filepath.Join(b.root, "pip"), filepath.Join(b.backend.Env, "bin")
	b.fresh()
	interpreter, _ := hostPython()
	cmd := exec.Command(interpreter, "-m", "pip", "--python", filepath.Join(bin, "python"), "wheel", "--no-deps", "--no-build-isolation", "--no-cache-dir",
		"--quiet", "--wheel-dir", out, b.backend.Source)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=315532800", "TZ=UTC", "PYTHONHASHSEED=0", "PATH="+bin+":"+os.Getenv("PATH"))
	if text, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%v\n%s", err, text)
	}
	b.lap("pip")
	return filepath.Join(out, entries(b.t, out)[0])
}

// unequal are the files of two wheels that differ, but for the order of the lines of RECORD.
func unequal(t *testing.T, a, b string) []string {
	t.Helper()
	x, y := contents(t, a), contents(t, b)
	for _, files := range []map[string]string{x, y} {
		for name, data := range files {
			if path.Base(name) == "RECORD" {
				lines := strings.Split(data, "\n")
				slices.Sort(lines)
				files[name] = strings.Join(lines, "\n")
			}
		}
	}
	var out []string
	for name, data := range x {
		if other, ok := y[name]; !ok {
			out = append(out, name+" (first only)")
		} else if other != data {
			out = append(out, name)
		}
	}
	for name := range y {
		if _, ok := x[name]; !ok {
			out = append(out, name+" (second only)")
		}
	}
	slices.Sort(out)
	return out
}
