//go:build differential

package verify

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/elf"
	"github.com/org/pyfile/facts"
	"github.com/org/pyfile/python"
)

// These tests install real wheels on this host with the real pyfile-install, and compare with ldd and pip. They need gcc, Python with
// pip and venv, and a package index. Run: go test -tags differential ./verify

// requirements are wheels with many shared objects. Their dependencies are left out, which gives pip check something to say, and so do
// the versions.
var requirements = []string{"numpy", "scipy", "pandas<2.3", "pyarrow", "opencv-python-headless", "lxml", "pillow", "pyqt6", "pyqt6-qt6", "rasterio", "soundfile", "python-dateutil", "six<1.10", "fastapi", "starlette<0.20"}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// hostPython is the version of the host's Python: "3.13.5".
func hostPython(t testing.TB) string {
	return strings.TrimSpace(run(t, "python3", "-c", "import platform; print(platform.python_version())"))
}

// wheels downloads the wheels once and keeps them in the user's cache, until the list changes.
func wheels(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "pyfile", "verify-wheels")
	list := filepath.Join(dir, "requirements.txt")
	want := hostPython(t) + "\n" + strings.Join(requirements, "\n") + "\n"
	if got, err := os.ReadFile(list); err == nil && string(got) == want {
		return dir
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	run(t, "python3", slices.Concat([]string{"-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--no-deps", "--dest", dir}, requirements)...)
	if err := os.WriteFile(list, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// installed installs the wheels where the paths of their facts are true: the prefix is a directory of the test.
func installed(t testing.TB) (prefix string, f *facts.Facts) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "pyfile-install")
	run(t, "go", "build", "-o", program, "../cmd/pyfile-install")
	prefix = filepath.Join(dir, "venv")
	version := hostPython(t)
	minor := version[:strings.LastIndex(version, ".")]
	run(t, program, "wheels", "--out", filepath.Join(dir, "out"), "--facts", filepath.Join(dir, "facts"), "--prefix", prefix, "--python", minor, "--bytecode=false", "--interpreter", "none", wheels(t))
	if err := os.Rename(filepath.Join(dir, "out", prefix), prefix); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "facts", facts.Name))
	if err != nil {
		t.Fatal(err)
	}
	if f, err = facts.Read(data); err != nil {
		t.Fatal(err)
	}
	return prefix, f
}

// host describes this host.
func host(t testing.TB) *System {
	t.Helper()
	root, err := os.OpenRoot("/")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s, err := Describe(root.FS(), Image{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var notFound = regexp.MustCompile(`(?m)^\s*(\S+) => not found$`)

// TestMissingLibrariesAreThoseOfLdd asks ldd about every shared object. ldd follows what an object loads, so the answer for it is compared
// with what is missing for it and for the installed objects that it finds. What only a name in another wheel provides, ldd does not know.
func TestMissingLibrariesAreThoseOfLdd(t *testing.T) {
	_, f := installed(t)
	s := host(t)
	c := &check{Options: Options{System: s, Machine: s.Machine}, machine: s.Machine}
	for i := range f.Distributions {
		c.distributions = append(c.distributions, &f.Distributions[i])
	}
	c.index()
	clear(c.linker.loaded)
	objects, missing := 0, map[string]bool{}
	for _, d := range c.distributions {
		for i := range d.Objects {
			o := &d.Objects[i]
			if !c.linker.fits(&o.Object) || len(o.Needed) == 0 {
				continue
			}
			cmd := exec.Command("ldd", o.Path)
			cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("ldd %s: %v\n%s", o.Path, err, out)
				continue
			}
			want := map[string]bool{}
			for _, m := range notFound.FindAllSubmatch(out, -1) {
				want[string(m[1])] = true
			}
			got := absentFrom(c.linker, &object{Object: &o.Object, path: o.Path})
			if !maps.Equal(got, want) {
				t.Errorf("%s: missing are %v, ldd says %v", o.Path, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
			objects++
			maps.Copy(missing, want)
		}
	}
	t.Logf("%d objects, of which ldd misses %v", objects, slices.Sorted(maps.Keys(missing)))
	if objects < 300 || len(missing) < 3 {
		t.Errorf("only %d objects and %d missing libraries were compared", objects, len(missing))
	}
}

// process is an object in a process, and the one that made the linker load it.
type process struct {
	*object
	by *process
}

// absentFrom returns what an object and all that it loads lack when it is loaded into a process of its own. DT_RPATH is handed down there,
// unless there is a DT_RUNPATH.
func absentFrom(l *linker, o *object) map[string]bool {
	missing, loaded := map[string]bool{}, map[string]bool{}
	for queue := []*process{{object: o}}; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		for _, name := range p.Needed {
			if loaded[name] {
				continue
			}
			found := l.find(p.Object, path.Dir(p.path), name)
			for up := p.by; up != nil && found == nil && len(p.RunPath) == 0; up = up.by {
				if len(up.RunPath) == 0 {
					found = l.find(&elf.Object{RPath: up.RPath}, path.Dir(up.path), name)
				}
			}
			if found == nil {
				missing[name] = true
				continue
			}
			loaded[name], loaded[found.Soname] = true, true
			queue = append(queue, &process{found, p})
		}
	}
	return missing
}

// TestRequirementsAreThoseOfPipCheck lets pip judge the same installation.
func TestRequirementsAreThoseOfPipCheck(t *testing.T) {
	prefix, f := installed(t)
	run(t, "python3", "-m", "venv", "--without-pip", prefix)
	out, err := exec.Command("python3", "-m", "pip", "--disable-pip-version-check", "--python", filepath.Join(prefix, "bin/python"), "check").Output()
	if err == nil {
		t.Fatalf("pip finds nothing: %s", out)
	}
	missing := regexp.MustCompile(`^(\S+) \S+ requires (\S+), which is not installed\.$`)
	wrong := regexp.MustCompile(`^(\S+) \S+ has requirement (\S.*), but you have \S+ (\S+)\.$`)
	var want []string
	wrongs := 0
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if m := missing.FindStringSubmatch(line); m != nil {
			want = append(want, python.NormalizeName(m[1])+" misses "+python.NormalizeName(m[2]))
		} else if m := wrong.FindStringSubmatch(line); m != nil {
			r, err := python.ParseRequirement(m[2])
			if err != nil {
				t.Fatal(err)
			}
			wrongs++
			want = append(want, python.NormalizeName(m[1])+" has "+python.NormalizeName(r.Name)+" "+m[3])
		} else {
			t.Errorf("pip says %q", line)
		}
	}
	s := host(t)
	r, err := Check(Options{System: s, Python: mustVersion(hostPython(t)), Machine: s.Machine, Facts: []*facts.Facts{f}})
	if err != nil {
		t.Fatal(err)
	}
	installedVersion := regexp.MustCompile(`but (\S+) is installed$`)
	var got []string
	for _, f := range r.Findings {
		if f.Kind != Requirement {
			continue
		}
		line := python.NormalizeName(f.Distribution) + " misses " + python.NormalizeName(f.Others[0])
		if m := installedVersion.FindStringSubmatch(f.Short); m != nil {
			line = python.NormalizeName(f.Distribution) + " has " + python.NormalizeName(f.Others[0]) + " " + m[1]
		}
		got = append(got, line)
	}
	slices.Sort(got)
	slices.Sort(want)
	got, want = slices.Compact(got), slices.Compact(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\npip says\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(want) < 10 || wrongs < 2 {
		t.Errorf("pip found only %d things, %d wrong versions", len(want), wrongs)
	}
	t.Logf("%d requirements are not met, %d for their version", len(want), wrongs)
}

// TestTheHostsOwnLibrariesLackWhatLddSays checks the recursion into the system.
func TestTheHostsOwnLibrariesLackWhatLddSays(t *testing.T) {
	s := host(t)
	l := newLinker(s, s.Machine, s.Class)
	n := 0
	for i := range s.Libraries {
		library := &s.Libraries[i]
		if !l.fits(&library.Object) || len(library.Needed) == 0 || i%3 != 0 {
			continue
		}
		cmd := exec.Command("ldd", library.Path)
		cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			continue // programs of another kind, such as the linker itself
		}
		want := map[string]bool{}
		for _, m := range notFound.FindAllSubmatch(out, -1) {
			want[string(m[1])] = true
		}
		got := map[string]bool{}
		for _, a := range l.lacks(&library.Object, library.Path) {
			got[a.soname] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s: missing are %v, ldd says %v", library.Path, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
		n++
	}
	if n < 50 {
		t.Errorf("only %d libraries were compared", n)
	}
	t.Logf("%d libraries of the host", n)
}

// TestOwnersAreThoseOfDpkg asks dpkg whose the described libraries are.
func TestOwnersAreThoseOfDpkg(t *testing.T) {
	s := host(t)
	if s.Database != "dpkg" {
		t.Fatalf("the host has the package database %q", s.Database)
	}
	n := 0
	for i, l := range s.Libraries {
		if i%5 != 0 || l.Package == "" {
			continue
		}
		out, err := exec.Command("dpkg", "-S", l.Path).Output()
		if err != nil {
			if out, err = exec.Command("dpkg", "-S", strings.TrimPrefix(l.Path, "/usr")).Output(); err != nil {
				continue // dpkg does not follow links
			}
		}
		name, _, _ := strings.Cut(string(out), ":")
		if name != l.Package {
			t.Errorf("%s is of %s, dpkg says %s", l.Path, l.Package, name)
		}
		n++
	}
	if n < 30 {
		t.Errorf("only %d owners were compared", n)
	}
	t.Logf("%d owners", n)
}

// BenchmarkCheck judges the real wheels against this host, from the files as a build reads them.
func BenchmarkCheck(b *testing.B) {
	_, f := installed(b)
	var installed, described bytes.Buffer
	s := host(b)
	if err := f.Write(&installed); err != nil {
		b.Fatal(err)
	}
	if err := s.Write(&described); err != nil {
		b.Fatal(err)
	}
	objects := 0
	for _, d := range f.Distributions {
		objects += len(d.Objects)
	}
	version := mustVersion(hostPython(b))
	b.Logf("%d objects, %d bytes of facts, %d libraries", objects, installed.Len(), len(s.Libraries))
	for b.Loop() {
		s, err := ReadSystem(described.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		f, err := facts.Read(installed.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Check(Options{System: s, Python: version, Machine: s.Machine, Facts: []*facts.Facts{f}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(objects), "objects/op")
}

// BenchmarkDescribe describes this host.
func BenchmarkDescribe(b *testing.B) {
	n := 0
	for b.Loop() {
		n = len(host(b).Libraries)
	}
	b.ReportMetric(float64(n), "libraries/op")
	if n == 0 {
		b.Fatal(fmt.Errorf("no library is found"))
	}
}

// TestProgramsAreThoseThatTheShellFinds describes this host with its own PATH.
func TestProgramsAreThoseThatTheShellFinds(t *testing.T) {
	root, err := os.OpenRoot("/")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s, err := Describe(root.FS(), Image{Path: filepath.SplitList(os.Getenv("PATH"))})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, u := range starts() {
		for _, name := range u.names {
			if _, err := exec.LookPath(name); err == nil {
				want[name] = true
			}
		}
	}
	if list := slices.Sorted(maps.Keys(want)); !slices.Equal(s.Programs, list) || len(list) == 0 {
		t.Errorf("found are %q, the shell finds %q", s.Programs, list)
	}
}
