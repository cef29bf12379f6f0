package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/diagnosis"
)

// TestMain lets the test's program stand for pyfile-build when a test starts it so.
func TestMain(m *testing.M) {
	if os.Getenv("PYFILE_BUILD") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// helper runs pyfile-build as a process.
func helper(t *testing.T, args ...string) (stderr string, status int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "PYFILE_BUILD=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("%q printed %q to the standard output", args, &out)
	}
	return errs.String(), cmd.ProcessState.ExitCode()
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

// backend is a build backend that makes a wheel of nothing but its name.
const backend = `
import os, zipfile

def get_requires_for_build_wheel(settings=None):
    return settings["needs"] if settings else []

def build_wheel(directory, settings=None, metadata=None):
    zipfile.ZipFile(os.path.join(directory, "demo-1.0-py3-none-any.whl"), "w").close()
    return "demo-1.0-py3-none-any.whl"
`

func TestEveryCommandTakesItsOptions(t *testing.T) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "src/project/setup.py"), "import setuptools\n")
	write(t, filepath.Join(dir, "src/project/backend/demo_backend.py"), backend)
	write(t, filepath.Join(dir, "requires.txt"), "")
	if out, err := exec.Command("tar", "-C", dir, "-czf", filepath.Join(dir, "demo.tar.gz"), "src").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	env := filepath.Join(dir, "env")
	hooks := "--src DIR/src --subdir project --env ENV --interpreter PYTHON --backend demo_backend --backend-path backend "
	for _, tt := range []struct{ out, args, want string }{
		{env, "env --out OUT --interpreter PYTHON --requirements DIR/requires.txt --constraints DIR/requires.txt --before 2024-12-31", "bin/python"},
		{"", "env --out OUT --interpreter PYTHON", "bin/python"},
		{"", "inspect --out OUT --subdir project DIR/demo.tar.gz", "src/project/setup.py"},
		{"", "inspect --out OUT --subdir project --name demo DIR/src", "project.json"},
		{"", "lfs --out OUT --src DIR/src --url https://git.example/demo --secrets DIR/secrets --ca DIR/ca.pem", "project/setup.py"},
		{"", "requires --out OUT " + hooks + "--requirements DIR/requires.txt --setting needs=a --setting needs=b --failure DIR/failure", "requires.txt"},
		{"", "build --out OUT " + hooks + "--name Demo --version 1 --jobs 3 --failure DIR/failure", "demo-1.0-py3-none-any.whl"},
	} {
		out := tt.out
		if out == "" {
			out = filepath.Join(t.TempDir(), "out")
		}
		args := strings.Fields(strings.NewReplacer("OUT", out, "PYTHON", interpreter, "DIR", dir, "ENV", env).Replace(tt.args))
		if printed, status := helper(t, args...); printed != "" || status != 0 {
			t.Errorf("%s: printed %q and ended with %d", tt.args, printed, status)
		}
		if _, err := os.Stat(filepath.Join(out, tt.want)); err != nil {
			t.Errorf("%s: %v", tt.args, err)
		}
	}
}

func TestProblemsAreLinesAndExitStatusOne(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "options.txt"), "demo\n--pre\n")
	for _, tt := range []struct{ args, want string }{
		{"", `^usage: pyfile-build COMMAND`},
		{"wheels", `^"wheels" is not a command of pyfile-build\nusage: `},
		{"env --speed 3", `^pyfile-build env: flag provided but not defined: -speed\n$`},
		{"env --interpreter python3", `^no output directory is given: add --out DIR\n$`},
		{"env --out OUT --interpreter /nowhere/python3", `^the environment for the build could not be made: /nowhere/python3 does not exist in this image\n$`},
		{"env --out OUT --interpreter python3 --requirements DIR/options.txt", `^options.txt:2: a requirement must have the form name>=1.0, not "--pre"\n$`},
		{"env --out OUT --interpreter python3 --before tomorrow", `^--before must be a day such as 2024-12-31, not "tomorrow"\n$`},
		{"build --out OUT --src . --env /nowhere --interpreter x --backend demo --backend-path a --backend-path ../b", `^backend-path must name directories of the project, not `},
		{"build --out OUT --src . --env /nowhere --interpreter x --backend demo", `^the build backend demo failed: /nowhere/bin/python does not exist in this image\n$`},
		{"build --out OUT --src . --env /nowhere --backend demo --setting x", `^pyfile-build build: invalid value "x" for flag -setting: a setting must have the form KEY=VALUE, not "x"\n$`},
		{"build --out OUT --src . --env /nowhere --backend demo --version latest", `^"latest" is not a version, `},
		{"build --out OUT x", `^pyfile-build build: "x" is not an option\n$`},
		{"requires --out OUT --src . --env /nowhere --backend demo --requirements /nowhere", `^open /nowhere: no such file or directory\n$`},
		{"inspect --out OUT", `^pyfile-build inspect: one archive or directory must be given, not 0\n$`},
		{"inspect --out OUT DIR", `^there is neither a pyproject.toml nor a setup.py\n$`},
		{"inspect --out OUT --name demo DIR", `^demo: there is neither a pyproject.toml nor a setup.py\n$`},
		{"inspect --out OUT DIR/options.txt", `^options.txt: this is no archive: a source must be a .tar.gz, .tar.bz2, .tar or .zip file\n$`},
		{"lfs --out OUT --src DIR --url git@git.example:demo.git", `^objects of Git LFS can be downloaded by https only`},
	} {
		out := filepath.Join(t.TempDir(), "out")
		printed, status := helper(t, strings.Fields(strings.NewReplacer("OUT", out, "DIR", dir).Replace(tt.args))...)
		if status != 1 || !regexp.MustCompile(tt.want).MatchString(printed) {
			t.Errorf("%s: printed %q and ended with %d, want a match of %s", tt.args, printed, status, tt.want)
		}
		for _, left := range []string{out, out + ".work"} {
			if _, err := os.Lstat(left); !os.IsNotExist(err) {
				t.Errorf("%s: left %s", tt.args, left)
			}
		}
	}
}

func TestAFailedBuildEndsWithItsCause(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "src/demo_backend.py"), "def build_wheel(*a):\n    print('x.c:1:10: fatal error: libpq-fe.h: No such file or directory')\n    raise SystemExit(1)\n")
	env := filepath.Join(dir, "env")
	if printed, status := helper(t, "env", "--out", env, "--interpreter", "python3"); status != 0 {
		t.Fatal(printed)
	}
	file := filepath.Join(dir, "failure")
	printed, status := helper(t, "build", "--out", filepath.Join(dir, "out"), "--src", filepath.Join(dir, "src"), "--env", env, "--backend", "demo_backend", "--backend-path", ".",
		"--failure", file, "--name", "demo", "--version", "1.0")
	want := "x.c:1:10: fatal error: libpq-fe.h: No such file or directory\nthe build backend demo_backend failed: SystemExit: 1\n" +
		"\ndemo 1.0 cannot be compiled: the header libpq-fe.h is missing\nhint: add to [apt]: build = [\"libpq-dev\"]\n"
	if printed != want || status != 1 {
		t.Errorf("printed %q and ended with %d, want %q", printed, status, want)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := diagnosis.ParseFailure(data)
	if err != nil || f.Message != "demo 1.0 cannot be compiled: the header libpq-fe.h is missing" || !slices.Equal(f.Wants, []string{"header:libpq-fe.h"}) {
		t.Errorf("the file has %s: %v", data, err)
	}
}

func TestAFailureWithoutOutputIsWrittenAsItIs(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "failure")
	printed, status := helper(t, "inspect", "--out", filepath.Join(dir, "out"), "--failure", file, "--name", "demo", dir)
	const want = "demo: there is neither a pyproject.toml nor a setup.py"
	if printed != want+"\n" || status != 1 {
		t.Errorf("printed %q and ended with %d", printed, status)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := diagnosis.ParseFailure(data); err != nil || f.Message != want {
		t.Errorf("the file has %s: %v", data, err)
	}
}
