//go:build differential

package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// requirements are what the tests of this file install, with all they depend on.
var requirements = []string{
	"fastapi[standard]", "numpy", "pandas", "scipy", "matplotlib", "sqlalchemy", "psycopg[binary]", "boto3", "scikit-learn", "django", "celery[redis]",
}

// hostPython runs the host's Python with none of the settings for pip that would change the result. How the index is reached stays.
func hostPython(args ...string) *exec.Cmd {
	interpreter, _ := python()
	cmd := exec.Command(interpreter, args...)
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "PIP_") && !strings.HasPrefix(name, "PYTHON") || slices.Contains([]string{"PIP_CERT", "PIP_CLIENT_CERT", "PIP_INDEX_URL", "PIP_PROXY", "PIP_DEFAULT_TIMEOUT"}, name) {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

func must(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// realWheels downloads the wheels once and keeps them in the user's cache, until the list changes.
func realWheels(t *testing.T) string {
	t.Helper()
	return download(t, "wheels", requirements)
}

// download downloads wheels to a directory of the cache. Options are for pip.
func download(t *testing.T, name string, requirements []string, options ...string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "pyfile", name)
	_, version := python()
	list := filepath.Join(dir, "requirements.txt")
	want := "# Python " + version + "\n" + strings.Join(requirements, "\n") + "\n"
	if got, err := os.ReadFile(list); err == nil && string(got) == want {
		return dir
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	must(t, hostPython(slices.Concat([]string{"-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", dir}, options, requirements)...))
	writeFile(t, list, []byte(want))
	return dir
}

// plain is a file of a tree without its times.
type plain struct {
	mode fs.FileMode
	data []byte
}

func tree(t *testing.T, dir string) map[string]plain {
	t.Helper()
	out := map[string]plain{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		out[strings.TrimPrefix(name, dir+"/")] = plain{info.Mode(), data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// differences are all the ways in which an installation differs from pip's. A file that differs must be of one row, and be explained by
// it; every row must be needed.
var differences = []struct {
	reason  string
	path    *regexp.Regexp
	explain func(pip, ours *plain) bool // nil for a file that is not there
}{
	{"INSTALLER names us", regexp.MustCompile(`\.dist-info/INSTALLER$`), func(pip, ours *plain) bool {
		return ours != nil && pip != nil && string(pip.data) == "pip\n" && string(ours.data) == "pyfile\n" && pip.mode == ours.mode
	}},
	{"the image does not say what was asked for, nor from which file a wheel came", regexp.MustCompile(`\.dist-info/(REQUESTED|direct_url\.json)$`), func(pip, ours *plain) bool {
		return pip != nil && ours == nil
	}},
	{"a wrapper has another text and calls the same function", regexp.MustCompile(`^bin/`), sameWrapper},
	{"a script of .data is executable though the wheel does not say so", regexp.MustCompile(`^bin/`), func(pip, ours *plain) bool {
		return ours != nil && pip != nil && bytes.Equal(pip.data, ours.data) && pip.mode == 0o644 && ours.mode == 0o755
	}},
	{"RECORD lists these files as they are", regexp.MustCompile(`\.dist-info/RECORD$`), sameRecord},
}

var (
	pipImport = regexp.MustCompile(`(?m)^from (\S+) import (\S+)$`)
	pipCall   = regexp.MustCompile(`(?m)^    sys\.exit\((\S+)\(\)\)$`)
)

// sameWrapper says whether pip's wrapper and ours have the same interpreter and call the same function.
func sameWrapper(pip, ours *plain) bool {
	if pip == nil || ours == nil || pip.mode != ours.mode {
		return false
	}
	first, _, _ := strings.Cut(string(pip.data), "\n")
	module, call := pipImport.FindSubmatch(pip.data), pipCall.FindSubmatch(pip.data)
	if module == nil || call == nil {
		return false
	}
	object := string(call[1])
	top, _, _ := strings.Cut(object, ".")
	return top == string(module[2]) && string(ours.data) == string(wrapper(entryPoint{Module: string(module[1]), Object: object}, strings.TrimPrefix(first, "#!")))
}

// sameRecord compares two RECORD files without the files that the other rows of the table are about.
func sameRecord(pip, ours *plain) bool {
	if pip == nil || ours == nil || pip.mode != ours.mode {
		return false
	}
	rest := func(data []byte) []row {
		rows, err := parseRecord(data)
		if err != nil {
			return nil
		}
		for i := range rows {
			rows[i].line = 0
			if strings.HasPrefix(rows[i].Path, "../../../bin/") {
				rows[i].Hash, rows[i].Size = "", "" // of wrappers
			}
		}
		return slices.DeleteFunc(rows, func(r row) bool {
			// pip keeps the rows of directories, and of scripts that it replaces by wrappers under the names they have in the wheel.
			return slices.Contains(ownMetadata, path.Base(r.Path)) || strings.HasSuffix(r.Path, "/") || strings.Contains(r.Path, ".data/scripts/")
		})
	}
	a, b := rest(pip.data), rest(ours.data)
	return len(a) > 0 && slices.Equal(a, b) && bytes.Count(ours.data, []byte("\r\n")) == bytes.Count(ours.data, []byte("\n"))
}

func TestRealWheelsAreInstalledAsByPip(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	wheels := realWheels(t)
	interpreter, version := python()
	root := t.TempDir()
	venv := filepath.Join(root, "venv")
	must(t, hostPython("-m", "venv", "--without-pip", venv))
	own := tree(t, venv)
	list, err := filepath.Glob(filepath.Join(wheels, "*.whl"))
	if err != nil || len(list) < 90 {
		t.Fatalf("there are %d wheels: %v", len(list), err)
	}
	// One more wheel, with the rarer parts of the format.
	list = append(list, writeFile(t, filepath.Join(t.TempDir(), demoWheel), deflated(everything())))
	must(t, hostPython(slices.Concat([]string{"-m", "pip", "--python", filepath.Join(venv, "bin/python"), "install",
		"--quiet", "--no-compile", "--no-deps", "--no-index", "--disable-pip-version-check", "--no-warn-script-location"}, list)...))
	pip := tree(t, venv)
	for name := range own {
		delete(pip, name)
	}

	out := filepath.Join(root, "out")
	start := time.Now()
	var printed bytes.Buffer
	if err := Wheels(context.Background(), WheelsOptions{Out: out, Prefix: venv, Python: version, Wheels: list, Output: &printed}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d wheels unpacked in %.1f s", len(list), time.Since(start).Seconds())
	if printed.Len() > 0 {
		t.Errorf("printed %s", &printed)
	}
	ours := tree(t, filepath.Join(out, venv))
	compare(t, pip, ours)

	commands := filepath.Join(venv, "bin")
	home := t.TempDir()
	theirs := map[string]string{}
	for name, f := range pip {
		if path.Dir(name) == "bin" && f.mode&0o111 != 0 {
			theirs[name] = result(commands, home, path.Base(name))
		}
	}
	// Ours takes the place of pip's, with bytecode this time, and gets what makes it a virtual environment.
	if err := os.RemoveAll(venv); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(out); err != nil {
		t.Fatal(err)
	}
	if err := Wheels(context.Background(), WheelsOptions{Out: out, Prefix: venv, Python: version, Interpreter: interpreter, Wheels: list, Bytecode: true}); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(out, venv), venv); err != nil {
		t.Fatal(err)
	}
	must(t, hostPython("-m", "venv", "--without-pip", venv))
	for name, want := range theirs {
		if got := result(commands, home, path.Base(name)); got != want {
			t.Errorf("%s\nof pip prints %s\nours prints   %s", name, want, got)
		}
	}
	for _, name := range []string{"celery", "django-admin", "fastapi", "uvicorn", "f2py", "httpx", "typer"} {
		if got := theirs["bin/"+name]; !strings.HasPrefix(got, "<nil>") {
			t.Errorf("%s does not run: %q", name, got)
		}
	}
	t.Logf("%d commands do the same", len(theirs))
}

// wrapperLine is the place in a wrapper that a traceback names.
var wrapperLine = regexp.MustCompile(`(/venv/bin/[^"/]+", line )[0-9]+`)

// result is what a command prints when it is asked for help, and how it ends. Commands may write to home.
func result(dir, home, name string) string {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, filepath.Join(dir, name), "--help")
	cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin", "HOME=" + home, "COLUMNS=100", "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0"}
	out, err := cmd.CombinedOutput()
	return fmt.Sprint(err, "\n", wrapperLine.ReplaceAllString(string(out), "$1"))
}

func compare(t *testing.T, pip, ours map[string]plain) {
	t.Helper()
	names := map[string]bool{}
	for name := range pip {
		names[name] = true
	}
	for name := range ours {
		names[name] = true
	}
	used := make([]int, len(differences))
	for name := range names {
		var a, b *plain
		if f, ok := pip[name]; ok {
			a = &f
		}
		if f, ok := ours[name]; ok {
			b = &f
		}
		if a != nil && b != nil && a.mode == b.mode && bytes.Equal(a.data, b.data) {
			continue
		}
		explained := slices.IndexFunc(differences, func(d struct {
			reason  string
			path    *regexp.Regexp
			explain func(pip, ours *plain) bool
		}) bool {
			return d.path.MatchString(name) && d.explain(a, b)
		})
		switch {
		case explained >= 0:
			used[explained]++
		case a == nil:
			t.Errorf("%s: pip does not install it", name)
		case b == nil:
			t.Errorf("%s: only pip installs it", name)
		default:
			t.Errorf("%s: pip has mode %o and %d bytes, we %o and %d", name, a.mode, len(a.data), b.mode, len(b.data))
		}
	}
	for i, d := range differences {
		t.Logf("%5d files: %s", used[i], d.reason)
		if used[i] == 0 {
			t.Errorf("no file shows this difference: %s", d.reason)
		}
	}
	t.Logf("%5d files in all", len(names))
}

// Bytes must not depend on how many processes compile, nor on what is compiled beside a package.
func TestBytecodeOfRealWheelsIsTheSameForAnyNumberOfJobs(t *testing.T) {
	wheels := realWheels(t)
	interpreter, version := python()
	root := t.TempDir()
	install := func(name string, jobs int, bytecode bool, wheels ...string) string {
		out := filepath.Join(root, name)
		start := time.Now()
		err := Wheels(context.Background(), WheelsOptions{
			Out: out, Prefix: "/opt/venv", Python: version, Interpreter: interpreter, Wheels: wheels, Bytecode: bytecode, Tests: true, Jobs: jobs,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.1f s", name, time.Since(start).Seconds())
		return out
	}
	one, two := install("jobs 1", 1, true, wheels), install("jobs 2", 2, true, wheels)
	if out, err := exec.Command("diff", "-rq", one, two).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	pandas, err := filepath.Glob(filepath.Join(wheels, "pandas-*.whl"))
	if err != nil || len(pandas) != 1 {
		t.Fatal(errors.Join(err, fmt.Errorf("%q", pandas)))
	}
	alone := install("pandas alone", 2, true, pandas...)
	in := func(dir string) string {
		return filepath.Join(dir, "opt/venv/lib/python"+version, "site-packages/pandas")
	}
	if out, err := exec.Command("diff", "-rq", in(one), in(alone)).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
