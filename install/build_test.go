package install

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// backend is a build backend whose wheel says under which circumstances it was built.
const backend = `
import os, sys

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    print("building", sys.argv)
    sys.argv = []
    umask = os.umask(0); os.umask(umask)
    with open(os.path.join(wheel_directory, "demo-1.0-py3-none-any.whl"), "w") as f:
        print(os.environ["SOURCE_DATE_EPOCH"], os.environ["PYTHONHASHSEED"], sys.dont_write_bytecode, os.environ["PATH"].split(":")[0] == sys.prefix + "/bin",
              os.listdir("."), sys.path[0] == os.path.realpath("backend"), config_settings, file=f)
    return "demo-1.0-py3-none-any.whl"

class hooks:
    class nested:
        build_wheel = staticmethod(build_wheel)
`

// buildEnv is an environment with nothing in it, made once.
var buildEnv = sync.OnceValues(func() (string, error) {
	interpreter, _ := python()
	dir, err := os.MkdirTemp("", "env")
	if err != nil {
		return "", err
	}
	removeAtEnd = append(removeAtEnd, dir)
	return dir, Env(context.Background(), EnvOptions{Out: dir, Interpreter: interpreter, Output: os.Stderr})
})

var removeAtEnd []string

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range removeAtEnd {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// build builds a project whose backend is backend/demo_backend.py.
func build(t *testing.T, module string, o BuildOptions) (dir, printed string, err error) {
	t.Helper()
	env, err := buildEnv()
	if err != nil {
		t.Fatal(err)
	}
	src := t.TempDir()
	writeFile(t, filepath.Join(src, "backend/demo_backend.py"), []byte(module))
	var b bytes.Buffer
	o.Source, o.Env, o.Out, o.Output = src, env, filepath.Join(t.TempDir(), "out"), &b
	err = Build(context.Background(), o)
	return o.Out, b.String(), err
}

func TestAWheelIsBuiltByTheBackend(t *testing.T) {
	for _, name := range []string{"demo_backend", "demo_backend:hooks", "demo_backend:hooks.nested"} {
		dir, printed, err := build(t, backend+"hooks.build_wheel = staticmethod(build_wheel)\n", BuildOptions{Backend: name, BackendPath: []string{"backend"}})
		if err != nil {
			t.Fatal(err, printed)
		}
		if printed != "building ['-c']\n" {
			t.Errorf("printed %q", printed)
		}
		if got, want := read(t, dir, demoWheel), "315532800 0 True True ['backend'] True None\n"; got != want {
			t.Errorf("the wheel is %q, not %q", got, want)
		}
		if got := listing(t, dir); !strings.HasPrefix(got, "0644 ") || strings.Count(got, "\n") != 1 {
			t.Errorf("built:\n%s", got)
		}
	}
}

func TestBackendFailuresAreTold(t *testing.T) {
	path := []string{"backend"}
	for _, tt := range []struct {
		promise, module string
		options         BuildOptions
		want            string
	}{
		{"exception", "def build_wheel(*a):\n    raise ValueError('no version\\nat all')\n", BuildOptions{BackendPath: path},
			`^the build backend demo_backend failed: ValueError: no version$`},
		{"exit", "import sys\ndef build_wheel(*a):\n    sys.exit('error: no compiler')\n", BuildOptions{BackendPath: path}, `failed: SystemExit: error: no compiler$`},
		{"end of the process", "import os\ndef build_wheel(*a):\n    os._exit(3)\n", BuildOptions{BackendPath: path}, `failed: exit status 3$`},
		{"silent end of the process", "import os\ndef build_wheel(*a):\n    os._exit(0)\n", BuildOptions{BackendPath: path}, `ended the process$`},
		{"absent module", "", BuildOptions{Backend: "gone.backend"}, `^the build backend gone.backend failed: ModuleNotFoundError: No module named 'gone'$`},
		{"source is not on the path", backend, BuildOptions{Backend: "backend.demo_backend"}, `ModuleNotFoundError: No module named 'backend'$`},
		{"absent object", backend, BuildOptions{Backend: "demo_backend:gone", BackendPath: path}, `AttributeError: .*'gone'$`},
		{"absent hook", "", BuildOptions{BackendPath: path}, `AttributeError: .*'build_wheel'$`},
		{"module from elsewhere", "", BuildOptions{Backend: "json", BackendPath: path}, `ImportError: json is not in backend-path, but at `},
		{"path outside", "", BuildOptions{BackendPath: []string{"../x"}}, `^backend-path must name directories of the project, not `},
		{"absolute path outside", "", BuildOptions{BackendPath: []string{"/x"}}, `^backend-path must name directories of the project, not /x$`},
		{"requirements that are not there", backend + "def get_requires_for_build_wheel(settings=None):\n    return ['cython >= 3', 'numpy', 'Extra[x]==1']\n", BuildOptions{BackendPath: path},
			`^the build backend demo_backend needs cython >= 3, numpy, Extra\[x\]==1: add to \[build-system\] requires in pyproject.toml$`},
		{"two wheels", backend + "def build_wheel(d, *a):\n    for n in 'ab': open(d + '/' + n + '.whl', 'w').close()\n    return 'a.whl'\n", BuildOptions{BackendPath: path},
			`must leave one wheel, the one that it names: it named "a.whl" and left 2 files$`},
		{"another name", backend + "def build_wheel(d, *a):\n    open(d + '/a.whl', 'w').close()\n    return 'b.whl'\n", BuildOptions{BackendPath: path}, `it named "b.whl" and left 1 files$`},
		{"no wheel", "def build_wheel(d, *a):\n    return 'b.whl'\n", BuildOptions{BackendPath: path}, `left 0 files$`},
	} {
		t.Run(tt.promise, func(t *testing.T) {
			if tt.options.Backend == "" {
				tt.options.Backend = "demo_backend"
			}
			dir, printed, err := build(t, tt.module, tt.options)
			if err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) {
				t.Errorf("got the error %v, want one that matches %s; printed %s", err, tt.want, printed)
			}
			if _, err := os.Lstat(dir); !os.IsNotExist(err) {
				t.Errorf("left: %q", entries(t, dir))
			}
		})
	}
}

// The environment here is one with a backend that needs a second project and what it has itself.
func TestTheEnvironmentHasTheRequirements(t *testing.T) {
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", "")
	interpreter, _ := python()
	from := t.TempDir()
	wheel := writeFile(t, filepath.Join(from, demoWheel), pack(demo(
		entry{name: "demo_backend.py", content: backend + "def get_requires_for_build_wheel(settings=None):\n    return ['Demo>=1', 'gone; python_version < \"3\"']\n"},
		entry{name: "demo-1.0.dist-info/entry_points.txt", content: "[console_scripts]\ndemo = demo:main\n"},
	)))
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
	if err := Build(context.Background(), BuildOptions{Source: from, Env: env, Out: out, Backend: "demo_backend", Output: &b}); err != nil {
		t.Fatal(err, b.String())
	}
	if got := listing(t, env); got != tree {
		t.Errorf("the build changed the environment:\n%s", got)
	}
}

func TestEnvironmentsThatCannotBeMadeAreTold(t *testing.T) {
	t.Setenv("PIP_NO_INDEX", "1")
	t.Setenv("PIP_FIND_LINKS", "")
	interpreter, _ := python()
	for _, tt := range []struct {
		options EnvOptions
		want    string
	}{
		{EnvOptions{Interpreter: interpreter, Requirements: []string{"no-such-project"}}, `^the build requirements no-such-project could not be installed: exit status 1$`},
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
	}
}
