package build

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/org/pyfile/diagnosis"
	"time"
)

// backend is a build backend whose wheel says under which circumstances it was built.
const backend = `
import os, sys, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    print("building", sys.argv)
    sys.argv = []
    umask = os.umask(0); os.umask(umask)
    with zipfile.ZipFile(os.path.join(wheel_directory, "demo-1.0-py3-none-any.whl"), "w") as z:
        z.writestr("facts", " ".join(str(fact) for fact in (os.environ["SOURCE_DATE_EPOCH"], os.environ["PYTHONHASHSEED"], sys.dont_write_bytecode, os.environ["PATH"].split(":")[0] == sys.prefix + "/bin",
              os.listdir("."), sys.path[0] == os.path.realpath("backend"), config_settings)))
    return "demo-1.0-py3-none-any.whl"

class hooks:
    class nested:
        build_wheel = staticmethod(build_wheel)
`

// buildEnv is an environment with nothing in it, made once.
var buildEnv = sync.OnceValues(func() (string, error) {
	interpreter, _ := hostPython()
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
func build(t *testing.T, module string, backend Backend) (dir, printed string, err error) {
	t.Helper()
	env, err := buildEnv()
	if err != nil {
		t.Fatal(err)
	}
	src := t.TempDir()
	writeFile(t, filepath.Join(src, "backend/demo_backend.py"), []byte(module))
	var b bytes.Buffer
	o := WheelOptions{Backend: backend}
	o.Source, o.Env, o.Out, o.Output = src, env, filepath.Join(t.TempDir(), "out"), &b
	err = Wheel(context.Background(), o)
	return o.Out, b.String(), err
}

func TestAWheelIsBuiltByTheBackend(t *testing.T) {
	for _, name := range []string{"demo_backend", "demo_backend:hooks", "demo_backend:hooks.nested"} {
		dir, printed, err := build(t, backend+"hooks.build_wheel = staticmethod(build_wheel)\n", Backend{Name: name, BackendPath: []string{"backend"}})
		if err != nil {
			t.Fatal(err, printed)
		}
		if printed != "building ['-c']\n" {
			t.Errorf("printed %q", printed)
		}
		if got, want := member(t, filepath.Join(dir, demoWheel), "facts"), "315532800 0 True True ['backend'] True None"; got != want {
			t.Errorf("the wheel is %q, not %q", got, want)
		}
		if got := listing(t, dir); !strings.HasPrefix(got, "0644 ") || strings.Count(got, "\n") != 1 {
			t.Errorf("built:\n%s", got)
		}
	}
}

// TestABuildWithANetworkTrustsTheCertificatesOfTheBuild has a backend that reads what git and curl would.
func TestABuildWithANetworkTrustsTheCertificatesOfTheBuild(t *testing.T) {
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("company")})
	ca := writeFile(t, filepath.Join(t.TempDir(), "ca-bundle"), certificate)
	env, err := buildEnv()
	if err != nil {
		t.Fatal(err)
	}
	src := t.TempDir()
	writeFile(t, filepath.Join(src, "backend/demo_backend.py"), []byte("import os\ndef build_wheel(*a):\n    raise ValueError(open(os.environ['GIT_SSL_CAINFO']).read().count('"+
		strings.Split(string(certificate), "\n")[1]+"'), os.environ['GIT_SSL_CAINFO'] == os.environ['CURL_CA_BUNDLE'])\n"))
	o := WheelOptions{CA: ca, Backend: Backend{Name: "demo_backend", BackendPath: []string{"backend"}, Source: src, Env: env, Output: &bytes.Buffer{}}, Out: filepath.Join(t.TempDir(), "out")}
	if err := Wheel(context.Background(), o); err == nil || !strings.HasSuffix(err.Error(), "ValueError: (1, True)") {
		t.Error(err)
	}
}

func TestBackendFailuresAreTold(t *testing.T) {
	path := []string{"backend"}
	for _, tt := range []struct {
		promise, module string
		options         Backend
		want            string
	}{
		{"exception", "def build_wheel(*a):\n    raise ValueError('no version\\nat all')\n", Backend{BackendPath: path},
			`^the build backend demo_backend failed: ValueError: no version$`},
		{"exit", "import sys\ndef build_wheel(*a):\n    sys.exit('error: no compiler')\n", Backend{BackendPath: path}, `failed: SystemExit: error: no compiler$`},
		{"end of the process", "import os\ndef build_wheel(*a):\n    os._exit(3)\n", Backend{BackendPath: path}, `failed: exit status 3$`},
		{"silent end of the process", "import os\ndef build_wheel(*a):\n    os._exit(0)\n", Backend{BackendPath: path}, `ended the process$`},
		{"absent module", "", Backend{Name: "gone.backend"}, `^the build backend gone.backend failed: ModuleNotFoundError: No module named 'gone'$`},
		{"source is not on the path", backend, Backend{Name: "backend.demo_backend"}, `ModuleNotFoundError: No module named 'backend'$`},
		{"absent object", backend, Backend{Name: "demo_backend:gone", BackendPath: path}, `AttributeError: .*'gone'$`},
		{"absent hook", "", Backend{BackendPath: path}, `AttributeError: .*'build_wheel'$`},
		{"module from elsewhere", "", Backend{Name: "json", BackendPath: path}, `ImportError: json is not in backend-path, but at `},
		{"path outside", "", Backend{BackendPath: []string{"../x"}}, `^backend-path must name directories of the project, not `},
		{"absolute path outside", "", Backend{BackendPath: []string{"/x"}}, `^backend-path must name directories of the project, not /x$`},
		{"requirements that are not there", backend + "def get_requires_for_build_wheel(settings=None):\n    return ['cython >= 3', 'numpy', 'Extra[x]==1']\n", Backend{BackendPath: path},
			`^the build backend demo_backend needs cython >= 3, numpy, Extra\[x\]==1: add to \[build-system\] requires in pyproject.toml$`},
		{"two wheels", backend + "def build_wheel(d, *a):\n    for n in 'ab': open(d + '/' + n + '.whl', 'w').close()\n    return 'a.whl'\n", Backend{BackendPath: path},
			`must leave one wheel, the one that it names: it named "a.whl" and left 2 files$`},
		{"another name", backend + "def build_wheel(d, *a):\n    open(d + '/a.whl', 'w').close()\n    return 'b.whl'\n", Backend{BackendPath: path}, `it named "b.whl" and left 1 files$`},
		{"no wheel", "def build_wheel(d, *a):\n    return 'b.whl'\n", Backend{BackendPath: path}, `left 0 files$`},
	} {
		t.Run(tt.promise, func(t *testing.T) {
			if tt.options.Name == "" {
				tt.options.Name = "demo_backend"
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

// wheelOf is a backend whose wheel has a name and is told about as Python prints it.
func wheelOf(name, told string) string {
	return "import os, sys, zipfile\ndef build_wheel(d, settings=None, metadata=None):\n    z = zipfile.ZipFile(os.path.join(d, '" + name + "'), 'w')\n    z.writestr('told', repr(" + told + "))\n    z.close()\n    return '" + name + "'\n"
}

func TestModulesOfTheSourceDoNotStandForPythons(t *testing.T) {
	env, err := buildEnv()
	if err != nil {
		t.Fatal(err)
	}
	text := "-- backend/demo_backend.py --\n" + wheelOf(demoWheel, "1")
	for _, name := range []string{"tempfile", "itertools", "json", "random", "importlib/__init__", "platform", "traceback", "sysconfig"} {
		text += "-- " + name + ".py --\nraise SystemExit('of the source')\n"
	}
	dir, out := source(t, text), filepath.Join(t.TempDir(), "out")
	if err := Wheel(context.Background(), WheelOptions{Out: out, Backend: Backend{Source: dir, Env: env, Name: "demo_backend", BackendPath: []string{"backend"}}}); err != nil {
		t.Fatal(err)
	}
}

func TestConfigSettingsReachTheBackend(t *testing.T) {
	dir, printed, err := build(t, wheelOf(demoWheel, "settings"), Backend{Name: "demo_backend", BackendPath: []string{"backend"},
		Settings: []Setting{{"setup-args", "-Da=1"}, {"x", ""}, {"setup-args", "-Db=c=d"}, {"setup-args", "-Dé"}}})
	if err != nil {
		t.Fatal(err, printed)
	}
	if got, want := member(t, filepath.Join(dir, demoWheel), "told"), "{'setup-args': ['-Da=1', '-Db=c=d', '-Dé'], 'x': ''}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for text, want := range map[string]string{
		"a=b=c": "{a b=c} <nil>", "--global-option=": "{--global-option } <nil>",
		"a": `{ } a setting must have the form KEY=VALUE, not "a"`, "=b": `{ } a setting must have the form KEY=VALUE, not "=b"`,
	} {
		s, err := ParseSetting(text)
		if got := fmt.Sprint(s, " ", err); got != want {
			t.Errorf("%q gives %s, want %s", text, got, want)
		}
	}
}

func TestAWheelIsTheOneAskedFor(t *testing.T) {
	env, err := buildEnv()
	if err != nil {
		t.Fatal(err)
	}
	_, version := hostPython()
	cp := "cp" + strings.ReplaceAll(version, ".", "")
	for _, tt := range []struct{ wheel, project, version, want string }{
		{"My_Demo-1.0-py3-none-any.whl", "my.demo", "1", "^$"},
		{"My_Demo-1.0.post1-py2.py3-none-any.whl", "", "", "^$"},
		{"demo-1.0-" + cp + "-" + cp + "-linux_MACHINE.whl", "demo", "1.0", "^$"},
		{"demo-1.0-cp38-abi3-linux_MACHINE.whl", "demo", "1.0", "^$"},
		{"other-1.0-py3-none-any.whl", "demo", "1.0", `^the source is that of other and not of demo: it built other-1.0-py3-none-any.whl$`},
		{"demo-1.1-py3-none-any.whl", "demo", "1.0", `^the source is that of version 1.1 and not of 1.0: it built demo-1.1-py3-none-any.whl$`},
		{"demo-0+unknown-py3-none-any.whl", "demo", "1.0", `not of 1.0: it built .*; its version comes from version control by versioneer, which needs the repository or a source distribution$`},
		{"demo-1.0-cp27-cp27mu-linux_MACHINE.whl", "demo", "1.0", `^the build backend demo_backend made a wheel that CPython .* does not take: demo-1.0-cp27-cp27mu-linux_\w+.whl needs `},
		{"demo-1.0-py3-none-win_amd64.whl", "demo", "1.0", `does not take: demo-1.0-py3-none-win_amd64.whl is for Windows$`},
		{"demo.whl", "demo", "1.0", `^the build backend demo_backend made a wheel that cannot be installed: wheel file name "demo.whl"`},
	} {
		wheel := strings.ReplaceAll(tt.wheel, "MACHINE", machine(t))
		dir := source(t, "-- demo_backend.py --\n"+wheelOf(wheel, "1")+"-- setup.py --\n"+map[bool]string{true: "import versioneer\n"}[strings.Contains(wheel, "unknown")])
		out := filepath.Join(t.TempDir(), "out")
		err := Wheel(context.Background(), WheelOptions{Out: out, Project: tt.project, Version: tt.version, Backend: Backend{
			Source: dir, Env: env, Name: "demo_backend", BackendPath: []string{"."}}})
		if !regexp.MustCompile(tt.want).MatchString(errText(err)) {
			t.Errorf("%s: got the error %v, want one that matches %s", tt.wheel, err, tt.want)
		}
		if err == nil && entries(t, out)[0] != wheel {
			t.Errorf("built %q", entries(t, out))
		}
	}
}

// machine is what Python calls this machine.
func machine(t *testing.T) string {
	t.Helper()
	interpreter, _ := hostPython()
	out, err := exec.Command(interpreter, "-c", "import platform; print(platform.machine())").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestToolsOfVersionControlAreToldTheVersion(t *testing.T) {
	env, err := buildEnv()
	if err != nil {
		t.Fatal(err)
	}
	told := "sorted((k, v) for k, v in os.environ.items() if v == '1.0')"
	for _, tt := range []struct{ promise, pyproject, project, want string }{
		{"setuptools-scm", "[build-system]\nrequires = [\"setuptools_scm\"]\n", "De.mo",
			"[('SETUPTOOLS_SCM_PRETEND_VERSION', '1.0'), ('SETUPTOOLS_SCM_PRETEND_VERSION_FOR_DE_MO', '1.0'), ('VCS_VERSIONING_PRETEND_VERSION', '1.0'), ('VCS_VERSIONING_PRETEND_VERSION_FOR_DE_MO', '1.0')]"},
		{"hatch-vcs", "[build-system]\nrequires = [\"hatch-vcs\"]\n[project]\ndynamic = [\"version\"]\n", "",
			"[('SETUPTOOLS_SCM_PRETEND_VERSION', '1.0'), ('VCS_VERSIONING_PRETEND_VERSION', '1.0')]"},
		{"pdm", "[tool.pdm.version]\nsource = \"scm\"\n", "", "[('PDM_BUILD_SCM_VERSION', '1.0')]"},
		{"poetry", "[tool.poetry-dynamic-versioning]\nenable = true\n", "", "[('POETRY_DYNAMIC_VERSIONING_BYPASS', '1.0')]"},
		{"pbr", "[build-system]\nrequires = [\"setuptools\", \"pbr>=2\"]\n", "", "[('PBR_VERSION', '1.0')]"},
		{"none", "[build-system]\nrequires = [\"setuptools\"]\n", "", "[]"},
		{"a version that is written down", "[build-system]\nrequires = [\"setuptools_scm\"]\n[project]\nversion = \"1.0\"\n", "", "[]"},
	} {
		wheel := demoWheel
		if tt.project != "" {
			wheel = "De.mo-1.0-py3-none-any.whl"
		}
		dir := source(t, "-- demo_backend.py --\n"+wheelOf(wheel, told)+"-- pyproject.toml --\n"+tt.pyproject)
		out := filepath.Join(t.TempDir(), "out")
		if err := Wheel(context.Background(), WheelOptions{Out: out, Project: tt.project, Version: "1.0", Backend: Backend{
			Source: dir, Env: env, Name: "demo_backend", BackendPath: []string{"."}}}); err != nil {
			t.Fatal(err)
		}
		if got := member(t, filepath.Join(out, wheel), "told"); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.promise, got, tt.want)
		}
	}
}

func TestABackendSeesTheBuildAndNotItsUser(t *testing.T) {
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".rustup/settings.toml"), nil)
	for name, value := range map[string]string{
		"CC": "cc -m64", "CFLAGS": "-O1", "PYTHONPATH": home, "XDG_CONFIG_HOME": home, "HOME": home, "MAX_JOBS": "", "CMAKE_BUILD_PARALLEL_LEVEL": "9", "RUSTUP_HOME": "", "TZ": "Asia/Tokyo", "LANG": "de_DE",
	} {
		t.Setenv(name, value)
	}
	dir, printed, err := build(t, "import tempfile\n"+wheelOf(demoWheel,
		"[os.environ.get(n, '-') for n in 'CC CFLAGS PYTHONPATH XDG_CONFIG_HOME MAX_JOBS CMAKE_BUILD_PARALLEL_LEVEL TZ LANG LC_ALL PYTHONNOUSERSITE'.split()] + "+
			"[os.listdir(os.path.expanduser('~')), os.path.relpath(os.environ['HOME'], d), os.path.relpath(os.environ['RUSTUP_HOME'], '"+home+"'), os.path.relpath(tempfile.mkdtemp(), d), os.path.relpath(tempfile.mkstemp()[1], d)]"),
		Backend{Name: "demo_backend", BackendPath: []string{"backend"}, Jobs: 3})
	if err != nil {
		t.Fatal(err, printed)
	}
	want := "['cc -m64', '-O1', '-', '-', '3', '9', 'UTC', 'C.UTF-8', 'C.UTF-8', '1', [], '../out.work/home', '.rustup', '../out.work/tmp/tmp00000000', '../out.work/tmp/tmp00000001']"
	if got := member(t, filepath.Join(dir, demoWheel), "told"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if left := entries(t, filepath.Dir(dir)); len(left) != 1 {
		t.Errorf("left %q", left)
	}
}

func TestTheEndOfAFailedBuildIsHandedOn(t *testing.T) {
	env, err := buildEnv()
	if err != nil {
		t.Fatal(err)
	}
	dir := source(t, "-- demo_backend.py --\nimport os, subprocess\ndef build_wheel(*a):\n    os.makedirs(os.path.expanduser('~/go/pkg'))\n    os.chmod(os.path.expanduser('~/go/pkg'), 0o555)\n"+
		"    print('x' * 300000)\n    subprocess.run(['sh', '-c', 'echo fatal error: x.h >&2; exit 1'])\n    raise SystemExit('error: command gcc failed')\n")
	log := &diagnosis.Transcript{}
	out := filepath.Join(t.TempDir(), "out")
	err = Wheel(context.Background(), WheelOptions{
		Out: out, Backend: Backend{Source: dir, Env: env, Name: "demo_backend", BackendPath: []string{"."}, Output: log},
	})
	if string(log.End()) != "fatal error: x.h\n" || errText(err) != "the build backend demo_backend failed: SystemExit: error: command gcc failed" {
		t.Errorf("handed on are %q and %v", log.End(), err)
	}
	if left := entries(t, filepath.Dir(out)); len(left) != 0 {
		t.Errorf("left %q", left)
	}
}

// A server that a build tool leaves behind, such as a compiler cache, keeps the output open.
func TestAServerLeftBehindDoesNotKeepTheBuildWaiting(t *testing.T) {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	env, err := buildEnv()
	if err != nil {
		t.Fatal(err)
	}
	dir := source(t, "-- demo_backend.py --\nimport subprocess\n"+wheelOf(demoWheel, "subprocess.Popen(['sleep', '75']).pid"))
	out := filepath.Join(t.TempDir(), "out")
	if err := Wheel(ctx, WheelOptions{Out: out, Backend: Backend{Source: dir, Env: env, Name: "demo_backend", BackendPath: []string{"."}, Output: new(bytes.Buffer)}}); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(member(t, filepath.Join(out, demoWheel), "told"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("the server ended before: %v", err)
	}
}

func TestAnInterruptEndsCompilersToo(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	env, err := buildEnv()
	if err != nil {
		t.Fatal(err)
	}
	place := t.TempDir()
	dir := source(t, "-- demo_backend.py --\nimport subprocess\ndef build_wheel(*a):\n    subprocess.run(['sh', '-c', 'echo $$ >"+place+"/pid.new; mv "+place+"/pid.new "+place+"/pid; exec sleep 75'])\n")
	done := make(chan error, 1)
	go func() {
		done <- Wheel(ctx, WheelOptions{Out: filepath.Join(t.TempDir(), "out"), Backend: Backend{Source: dir, Env: env, Name: "demo_backend", BackendPath: []string{"."}}})
	}()
	var pid int
	for pid == 0 {
		time.Sleep(10 * time.Millisecond)
		data, _ := os.ReadFile(filepath.Join(place, "pid"))
		pid, _ = strconv.Atoi(strings.TrimSpace(string(data)))
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	for range 500 {
		if syscall.Kill(pid, 0) != nil || zombie(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the compiler still runs")
}

// zombie tells whether a process has ended and nobody waits for it.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}
