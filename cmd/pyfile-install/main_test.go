package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMain lets the test's program stand for pyfile-install when a test starts it so.
func TestMain(m *testing.M) {
	if os.Getenv("PYFILE_INSTALL") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// helper runs pyfile-install as a process.
func helper(t *testing.T, args ...string) (stderr string, status int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "PYFILE_INSTALL=1")
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

// wheel writes a wheel of one project with one module.
func wheel(t *testing.T, dir, name string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	info := name + "-1.0.dist-info/"
	record := ""
	add := func(file, content string) {
		f, err := w.Create(file)
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(content))
		record += fmt.Sprintf("%s,sha256=%s,%d\n", file, base64.RawURLEncoding.EncodeToString(sum[:]), len(content))
	}
	add(name+".py", "x = 1\n")
	add(info+"METADATA", "Name: "+name+"\n")
	add(info+"WHEEL", "Wheel-Version: 1.0\n")
	add(info+"RECORD", record)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name+"-1.0-py3-none-any.whl")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestEveryCommandTakesItsOptions(t *testing.T) {
	interpreter, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(interpreter, "-c", "import os, sys; print(os.path.realpath(sys.executable), os.path.dirname(os.__file__))").Output()
	if err != nil {
		t.Fatal(err)
	}
	program, library, _ := strings.Cut(strings.TrimSpace(string(said)), " ")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "os.py"), []byte("x = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	wheel(t, dir, "a")
	for _, tt := range []struct{ args, want string }{
		{"wheels --out OUT --prefix /opt/venv --python 3.13 --interpreter PYTHON --tests --jobs 2 DIR", "opt/venv/lib/python3.13/site-packages/__pycache__"},
		{"wheels --out OUT --prefix /opt/venv --python 3.13 --interpreter /nowhere --bytecode=false DIR/a-1.0-py3-none-any.whl", "opt/venv/lib/python3.13/site-packages/a.py"},
		{"wheels --out OUT --prefix /opt/venv --python 3.13 --bytecode=false --remove tests,headers --remove docs --strip DIR", "opt/venv/lib/python3.13/site-packages/a.py"},
		{"source --out OUT --dir /app --python 3.13 --interpreter PYTHON --jobs 1 DIR", "app/__pycache__"},
		{"source --out OUT --dir /app --python 3.13 --interpreter /nowhere --bytecode=false DIR", "app/os.py"},
		{"stdlib --out OUT --interpreter PYTHON --lib DIR --dir /usr/local/lib/python3.13 --jobs 1", "usr/local/lib/python3.13/__pycache__"},
		{"python --out OUT --interpreter PROGRAM --lib LIBRARY", program},
	} {
		out := filepath.Join(t.TempDir(), "out")
		args := strings.Fields(strings.NewReplacer("OUT", out, "PYTHON", interpreter, "DIR", dir, "PROGRAM", program, "LIBRARY", library).Replace(tt.args))
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
	bad := []string{filepath.Join(dir, "a-1.0-py3-none-any.whl"), filepath.Join(dir, "b-1.0-py3-none-any.whl")}
	for _, name := range bad {
		if err := os.WriteFile(name, []byte("no"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ args, want string }{
		{"", `^usage: pyfile-install COMMAND`},
		{"unpack", `^"unpack" is not a command of pyfile-install\nusage: `},
		{"build", `^"build" is not a command of pyfile-install\nusage: `},
		{"wheels --speed 3", `^pyfile-install wheels: flag provided but not defined: -speed\n$`},
		{"wheels --jobs many", `^pyfile-install wheels: invalid value "many" for flag -jobs: parse error\n$`},
		{"wheels --out OUT --prefix /opt/venv --python 3.13", `^no wheel is given\n$`},
		{"wheels --prefix /opt/venv --python 3.13 " + wheel(t, t.TempDir(), "a"), `^no output directory is given: add --out DIR\n$`},
		{"wheels --out OUT --prefix /opt/venv --python 3.13 --remove tests,doc .", `^--remove must have some of the words docs, headers, sources, stubs, tests, not "doc"\n$`},
		{"wheels --out OUT", "^--prefix must be an absolute path .*\nthe Python version must be of the form 3.13 .*\n$"},
		{"wheels --out OUT --prefix /opt/venv --python 3.13 " + strings.Join(bad, " "), "^a-1.0-py3-none-any.whl: not a zip archive.*\nb-1.0-py3-none-any.whl: not a zip archive.*\n$"},
		{"source --out OUT --dir /app --python 3.13", `^pyfile-install source: one directory must be given, not 0\n$`},
		{"source --out OUT --dir app --python 3.13 .", `^--dir must be an absolute path`},
		{"stdlib --out OUT --lib " + dir + " --dir /lib", `^there is no standard library in `},
	} {
		out := filepath.Join(t.TempDir(), "out")
		printed, status := helper(t, strings.Fields(strings.ReplaceAll(tt.args, "OUT", out))...)
		if status != 1 || !regexp.MustCompile(tt.want).MatchString(printed) {
			t.Errorf("%s: printed %q and ended with %d, want a match of %s", tt.args, printed, status, tt.want)
		}
		if _, err := os.Lstat(out); !os.IsNotExist(err) {
			t.Errorf("%s: left an output directory", tt.args)
		}
	}
}

// An interrupted build ends what the helper started and leaves nothing.
func TestAnInterruptEndsTheWork(t *testing.T) {
	dir := t.TempDir()
	slow := filepath.Join(dir, "python")
	if err := os.WriteFile(slow, []byte("#!/bin/sh\necho started >&2\nexec sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	cmd := exec.Command(program, "wheels", "--out", out, "--prefix", "/opt/venv", "--python", "3.13", "--interpreter", slow, wheel(t, dir, "a"))
	cmd.Env = append(os.Environ(), "PYFILE_INSTALL=1")
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("started\n"))
	if _, err := errs.Read(line); err != nil || string(line) != "started\n" {
		t.Fatalf("printed %q: %v", line, err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	if _, err := os.Lstat(out); !os.IsNotExist(err) {
		t.Error("left an output directory")
	}
}
