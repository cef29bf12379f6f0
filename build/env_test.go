package build

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/python"
)

// The environment here is one with a backend that needs a second project and what it has itself.
func TestTheEnvironmentHasTheRequirements(t *testing.T) {
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", "")
	interpreter, _ := hostPython()
	from := t.TempDir()
	wheel := writeFile(t, filepath.Join(from, demoWheel), demo(
		entry{name: "demo_backend.py", content: backend + "def get_requires_for_build_wheel(settings=None):\n    return ['Demo>=1', 'gone; python_version < \"3\"']\n"},
		entry{name: "demo-1.0.dist-info/entry_points.txt", content: "[console_scripts]\ndemo = demo:main\n"},
	))
	env := filepath.Join(t.TempDir(), "env")
	var b bytes.Buffer
	if err := Env(context.Background(), EnvOptions{Out: env, Interpreter: interpreter, Requirements: []string{wheel}, Output: &b}); err != nil {
		t.Fatal(err, b.String())
	}
	tree := listing(t, env)
	for _, want := range []string{"/demo_backend.py\n", "/__pycache__/" + pycName("demo_backend") + "\n", "/bin/demo\n", "/demo-1.0.dist-info/RECORD\n"} {
		if !strings.Contains(tree, want) {
			t.Errorf("the environment has no %q:\n%s", want, tree)
		}
	}
	if strings.Contains(tree, "/site-packages/pip/") {
		t.Error("the environment has pip")
	}
	out := filepath.Join(t.TempDir(), "out")
	if err := Wheel(context.Background(), WheelOptions{Out: out, Backend: Backend{Source: from, Env: env, Name: "demo_backend", Output: &b}}); err != nil {
		t.Fatal(err, b.String())
	}
	if got := listing(t, env); got != tree {
		t.Errorf("the build changed the environment:\n%s", got)
	}
}

func TestEnvironmentsThatCannotBeMadeAreTold(t *testing.T) {
	t.Setenv("PIP_RETRIES", "0")
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", "")
	interpreter, _ := hostPython()
	for _, tt := range []struct {
		options EnvOptions
		want    string
	}{
		{EnvOptions{Interpreter: interpreter, Requirements: []string{"no-such-project"}}, `^the build requirements no-such-project could not be installed: exit status 1$`},
		{EnvOptions{Interpreter: interpreter, Requirements: []string{"demo @ http://user:s3cret@127.0.0.1:1/demo-1.0-py3-none-any.whl"}}, `^the build requirements demo could not be installed: exit status 1$`},
		{EnvOptions{Interpreter: interpreter, Requirements: []string{"--find-links=http://user:s3cret@127.0.0.1:1/"}}, `^a requirement must have the form name>=1.0, not "--find-links=http://\*\*\*\*@127.0.0.1:1/"$`},
		{EnvOptions{Interpreter: interpreter, Requirements: []string{"--index-url=x"}}, `^a requirement must have the form name>=1.0, not "--index-url=x"$`},
		{EnvOptions{Interpreter: "/nowhere/python3"}, `^the environment for the build could not be made: /nowhere/python3 does not exist in this image$`},
	} {
		tt.options.Out = filepath.Join(t.TempDir(), "env")
		var b bytes.Buffer
		tt.options.Output = &b
		err := Env(context.Background(), tt.options)
		if err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) {
			t.Errorf("got the error %v, want one that matches %s", err, tt.want)
		}
		if _, err := os.Lstat(tt.options.Out); !os.IsNotExist(err) {
			t.Errorf("left: %q", entries(t, tt.options.Out))
		}
		if all := b.String() + errText(err); strings.Contains(all, "s3cret") {
			t.Errorf("a password was printed: %s", all)
		}
	}
}

// release is a file of an index, with the day it was uploaded on, "" if the index does not tell.
type release struct {
	file, day string
	data      []byte
}

// wheelOfModule is a wheel of one module, which is the project.
func wheelOfModule(name, version, module, day string) release {
	info := name + "-" + version + ".dist-info/"
	return release{name + "-" + version + "-py3-none-any.whl", day, zipped(
		entry{name + ".py", module},
		entry{info + "METADATA", "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version + "\n"},
		entry{info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		entry{info + "RECORD", name + ".py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n"},
	)}
}

// needsTool is a source distribution whose build needs the project tool. The wheel's module says which one it was, and where all that was.
func needsTool(t *testing.T, day string) release {
	return release{"built-1.0.tar.gz", day, gzipped(tarred(t,
		tar.Header{Name: "built-1.0/PKG-INFO", Uname: "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n"},
		tar.Header{Name: "built-1.0/pyproject.toml", Uname: "[build-system]\nrequires = [\"tool\"]\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n"},
		tar.Header{Name: "built-1.0/backend.py", Uname: `import os, tool, zipfile

def build_wheel(directory, settings=None, metadata=None):
    with zipfile.ZipFile(os.path.join(directory, "built-1.0-py3-none-any.whl"), "w") as z:
        z.writestr("built.py", "tool = %r\nplace = %r\n" % (tool.version, [os.getcwd(), tool.__file__]))
        z.writestr("built-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: built\nVersion: 1.0\n")
        z.writestr("built-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr("built-1.0.dist-info/RECORD", "built.py,,\nbuilt-1.0.dist-info/METADATA,,\nbuilt-1.0.dist-info/WHEEL,,\nbuilt-1.0.dist-info/RECORD,,\n")
    return "built-1.0-py3-none-any.whl"
`},
	))}
}

// useIndex serves an index of releases, and makes it the one that pip is configured for.
func useIndex(t *testing.T, releases ...release) {
	t.Helper()
	s := httptest.NewServer(indexOf(releases))
	t.Cleanup(s.Close)
	configure(t, s)
}

// indexOf is an index (PEP 691) of releases.
func indexOf(releases []release) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		if i := slices.IndexFunc(releases, func(f release) bool { return f.file == name }); i >= 0 {
			_, _ = w.Write(releases[i].data)
			return
		}
		var files []map[string]any
		for _, f := range releases {
			if strings.HasPrefix(f.file, name+"-") {
				file := map[string]any{"filename": f.file, "url": "/files/" + f.file, "hashes": map[string]string{"sha256": objectID(string(f.data))}}
				if f.day != "" {
					file["upload-time"] = f.day + "T12:00:00Z"
				}
				files = append(files, file)
			}
		}
		if files == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
		_ = json.NewEncoder(w).Encode(map[string]any{"meta": map[string]string{"api-version": "1.1"}, "name": name, "files": files})
	})
}

// configure makes a server the index that pip is configured for.
func configure(t *testing.T, s *httptest.Server) {
	t.Helper()
	for _, name := range []string{"PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("PIP_INDEX_URL", s.URL+"/simple/")
}

// installedApart is a directory with a project that is installed there.
func installedApart(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, name+"-1.0.dist-info/METADATA"), []byte("Metadata-Version: 2.1\nName: "+name+"\nVersion: 1.0\n"))
	writeFile(t, filepath.Join(dir, name+"-1.0.dist-info/RECORD"), nil)
	return dir
}

// installedIn are the distributions of an environment.
func installedIn(t *testing.T, env string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(env, "lib/python*/site-packages/*.dist-info"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range list {
		out = append(out, strings.TrimSuffix(filepath.Base(name), ".dist-info"))
	}
	return strings.Join(out, " ")
}

// builtModule is the text of the module of the project built in an environment.
func builtModule(t *testing.T, env string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(env, "lib/python*/site-packages/built.py"))
	if err != nil || len(list) != 1 {
		t.Fatalf("there are %q: %v", list, err)
	}
	return read(t, list[0])
}

func TestRequirementsComeFromAFileAndConstraintsHoldForWhatBuildsThem(t *testing.T) {
	useIndex(t, needsTool(t, ""), wheelOfModule("tool", "1.0", "version = 1\n", ""), wheelOfModule("tool", "2.0", "version = 2\n", ""),
		wheelOfModule("other", "1.0", "", ""), wheelOfModule("other", "2.0", "", ""))
	// What a user has set for packages of the image.
	for name, value := range map[string]string{"PIP_USER": "1", "PIP_TARGET": t.TempDir(), "PIP_REQUIRE_HASHES": "1", "PIP_NO_DEPS": "1", "PYTHONPATH": installedApart(t, "other")} {
		t.Setenv(name, value)
	}
	interpreter, _ := hostPython()
	for _, tt := range []struct {
		constraints, user string
		installed, tool   string
	}{
		{"", "", "built-1.0 other-2.0", "tool = 2\n"},
		{"tool<2\nother<2\n", "", "built-1.0 other-1.0", "tool = 1\n"},
		{"tool<2\n", "other<2\n", "built-1.0 other-1.0", "tool = 1\n"},
	} {
		work := t.TempDir()
		o := EnvOptions{Out: filepath.Join(work, "env"), Interpreter: interpreter, File: writeFile(t, filepath.Join(work, "requires.txt"), []byte("built\n")), Requirements: []string{"other"}}
		if tt.constraints != "" {
			o.Constraints = writeFile(t, filepath.Join(work, "with space", "constraints.txt"), []byte(tt.constraints))
		}
		if tt.user != "" {
			t.Setenv("PIP_CONSTRAINT", writeFile(t, filepath.Join(work, "user.txt"), []byte(tt.user)))
		}
		var b bytes.Buffer
		o.Output = &b
		if err := Env(context.Background(), o); err != nil {
			t.Fatal(err, b.String())
		}
		if got := installedIn(t, o.Out); got != tt.installed {
			t.Errorf("with %q: installed are %s, not %s", tt.constraints, got, tt.installed)
		}
		if got := builtModule(t, o.Out); !strings.HasPrefix(got, tt.tool) {
			t.Errorf("with %q: the build had %s", tt.constraints, got)
		}
	}
}

func TestAnEnvironmentMadeAgainIsTheSame(t *testing.T) {
	useIndex(t, needsTool(t, ""), wheelOfModule("tool", "1.0", "version = 1\n", ""))
	interpreter, _ := hostPython()
	out := filepath.Join(t.TempDir(), "env")
	var first string
	for i := range 2 {
		if err := os.RemoveAll(out); err != nil {
			t.Fatal(err)
		}
		if err := Env(context.Background(), EnvOptions{Out: out, Interpreter: interpreter, Requirements: []string{"built", "tool"}}); err != nil {
			t.Fatal(err)
		}
		got := listing(t, out) + builtModule(t, out)
		if i == 0 {
			first = got
		} else if got != first {
			t.Errorf("the second is\n%s\nand the first was\n%s", got, first)
		}
	}
}

// A Python that has no pip has that of ensurepip; the distribution's own packages are not taken for those of the environment.
func TestAPythonWithoutPipInstalls(t *testing.T) {
	useIndex(t, needsTool(t, ""), wheelOfModule("tool", "1.0", "version = 1\n", ""))
	interpreter, _ := hostPython()
	bare := filepath.Join(t.TempDir(), "bare")
	if out, err := exec.Command(interpreter, "-m", "venv", "--without-pip", bare).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	env := filepath.Join(t.TempDir(), "env")
	var b bytes.Buffer
	if err := Env(context.Background(), EnvOptions{Out: env, Interpreter: filepath.Join(bare, "bin/python"), Requirements: []string{"built"}, Output: &b}); err != nil {
		t.Fatal(err, b.String())
	}
	if got := installedIn(t, env); got != "built-1.0" {
		t.Errorf("installed are %s", got)
	}
}

func TestWhatAnImageLacksIsTold(t *testing.T) {
	interpreter, _ := hostPython()
	bare := filepath.Join(t.TempDir(), "bare")
	if out, err := exec.Command(interpreter, "-m", "venv", "--without-pip", bare).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// A module that cannot be imported stands for one that a distribution leaves to another package.
	lacks := func(modules ...string) string {
		dir := t.TempDir()
		for _, m := range modules {
			writeFile(t, filepath.Join(dir, m+".py"), []byte("raise ImportError\n"))
		}
		return writeScript(t, filepath.Join(dir, "python"), "#!/bin/sh\n[ \"$1\" = -I ] && shift\nPYTHONPATH="+dir+" exec "+filepath.Join(bare, "bin/python")+" \"$@\"\n")
	}
	for _, tt := range []struct{ interpreter, want string }{
		{lacks("ensurepip", "pip"), `^the build requirements demo could not be installed: this image has no pip, which installs the build requirements: use an image that has it, or install the package python3-pip or python3-venv of Debian, py3-pip of Alpine$`},
		{lacks("venv"), `^the environment for the build could not be made: the Python of this image has no module venv: use an image that has it, or install the package python3-venv of Debian$`},
	} {
		var b bytes.Buffer
		err := Env(context.Background(), EnvOptions{Out: filepath.Join(t.TempDir(), "env"), Interpreter: tt.interpreter, Requirements: []string{"demo"}, Output: &b})
		if !regexp.MustCompile(tt.want).MatchString(errText(err)) {
			t.Errorf("got the error %v, want one that matches %s; printed %s", err, tt.want, &b)
		}
	}
}

func writeScript(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestACutThatCannotBeMadeIsTold(t *testing.T) {
	useIndex(t, wheelOfModule("tool", "1.0", "", "2024-01-01"))
	interpreter, _ := hostPython()
	for before, want := range map[string]string{
		"2024-1-1":   `^--before must be a day such as 2024-12-31, not "2024-1-1"$`,
		"2024-02-30": `^--before must be a day such as 2024-12-31, not "2024-02-30"$`,
	} {
		err := Env(context.Background(), EnvOptions{Out: filepath.Join(t.TempDir(), "env"), Interpreter: interpreter, Requirements: []string{"tool"}, Before: before})
		if !regexp.MustCompile(want).MatchString(errText(err)) {
			t.Errorf("%s: got the error %v, want one that matches %s", before, err, want)
		}
	}
	work := t.TempDir()
	for _, dir := range []string{"env/bin", "tmp"} {
		if err := os.MkdirAll(filepath.Join(work, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(interpreter, filepath.Join(work, "env/bin/python")); err != nil {
		t.Fatal(err)
	}
	f, err := look(context.Background(), interpreter, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(work, "tmp")); err != nil {
		t.Fatal(err)
	}
	p, err := newPip(f, filepath.Join(work, "env"), work, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	p.version = old(t)
	for python, want := range map[string]string{
		"3.8.18": "a cut at a date needs pip 26.0 or later, which needs Python 3.9 or later, and this image has Python 3.8.18",
		"3.11.2": "a cut at a date needs pip 26.0 or later; pip 26.0.1 could not be installed for it: exit status 1",
	} {
		if _, err := p.cutting(context.Background(), found{Python: python}, work); errText(err) != want {
			t.Errorf("got the error %v, want %s", err, want)
		}
	}
}

// old is a pip that knows no cut.
func old(t *testing.T) python.Version {
	t.Helper()
	v, err := python.ParseVersion("23.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return v
}
