package install

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compiled installs wheels with bytecode.
func compiled(t testing.TB, o WheelsOptions) (site string) {
	t.Helper()
	o.Interpreter, o.Python = python()
	o.Bytecode = true
	dir, printed, err := installed(t, o)
	if err != nil || printed != "" {
		t.Fatalf("printed %q and failed with %v", printed, err)
	}
	return filepath.Join(dir, "opt/venv/lib/python"+o.Python, "site-packages")
}

// bytecodeFiles are the bytecode files of a tree, by path, without the interpreter's tag.
func bytecodeFiles(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(listing(t, dir)) {
		mode, _, _ := strings.Cut(line, " ")
		name := strings.TrimSpace(line[strings.Index(line, "/"):])
		if filepath.Ext(name) != ".pyc" {
			continue
		}
		if mode != "0644" {
			t.Errorf("%s has mode %s", name, mode)
		}
		module, _, _ := strings.Cut(filepath.Base(name), ".")
		out[strings.TrimPrefix(filepath.Dir(filepath.Dir(name)), "/")+"/"+module] = read(t, dir, name)
	}
	return out
}

func TestModulesAreCompiledForTheImage(t *testing.T) {
	interpreter, _ := python()
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo(
		entry{name: "demo/latin.py", content: "# coding: latin-1\nx = '\xe4'\n"},
		entry{name: "demo/old.py", content: "print 'of another age'\n"},
		entry{name: "demo/nul.py", content: "x = 1\x00\n"},
		entry{name: "demo/deep.py", content: "x = " + strings.Repeat("(", 5000) + strings.Repeat(")", 5000) + "\n"},
		entry{name: "demo/long.py", content: "x = " + strings.Repeat("-", 100000) + "1\n"},
		entry{name: "demo/warn.py", content: "x = '\\d' is 1\n"},
		entry{name: "demo/tests/test_x.py", content: "x = 1\n"},
		entry{name: "demo/sub/test/__init__.py", content: "x = 1\n"},
		entry{name: "tests/__init__.py", content: "x = 1\n"},
		entry{name: "single.py", content: "x = 1\n"},
		entry{name: "demo-1.0.data/scripts/main.py", content: "x = 1\n"},
	)))
	dir := compiled(t, WheelsOptions{Wheels: []string{wheel}})
	files := bytecodeFiles(t, dir)
	delete(files, "demo/long") // compiled by some versions
	var names []string
	for _, name := range []string{"demo/__init__", "demo/latin", "demo/warn", "tests/__init__", "/single"} {
		if files[name] == "" {
			t.Errorf("%s is not compiled", name)
		}
		delete(files, name)
	}
	for name := range files {
		names = append(names, name)
	}
	if len(names) > 0 {
		t.Errorf("%q are compiled too", names)
	}
	if got := entries(t, filepath.Join(dir, "../../../bin")); len(got) != 1 {
		t.Errorf("bin has %q", got)
	}

	// Tracebacks name the path in the image, and Python takes the file for its own, without a look at the source.
	_, version := python()
	if want := "/opt/venv/lib/python" + version + "/site-packages/single.py"; !strings.Contains(read(t, dir, "__pycache__", pycName("single")), want) {
		t.Errorf("the bytecode does not name %s", want)
	}
	writeFile(t, filepath.Join(dir, "single.py"), []byte("changed"))
	cmd := exec.Command(interpreter, "-S", "-c", "import sys; sys.path.insert(0, sys.argv[1]); import single; print(single.x)", dir)
	if got, err := cmd.CombinedOutput(); string(got) != "1\n" {
		t.Errorf("Python printed %q and ended with %v", got, err)
	}
}

// pycName is the name that the host's Python gives to the bytecode of a module.
func pycName(module string) string {
	_, version := python()
	return module + ".cpython-" + strings.ReplaceAll(version, ".", "") + ".pyc"
}

func TestBytecodeIsWhatPythonWouldWrite(t *testing.T) {
	interpreter, _ := python()
	src, dir := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"empty.py": "", "a/b/c.py": "def f(x: int = 3, *, y=('k', None)) -> 'str':\n    'doc'\n    return x in {1, 2, 'z'}\n", "é.py": "class A: pass\n",
	} {
		writeFile(t, filepath.Join(src, name), []byte(text))
	}
	for _, checked := range []bool{false, true} {
		mode := map[bool]string{false: "unchecked-hash", true: "checked-hash"}[checked]
		for _, d := range []string{"ours", "theirs"} {
			if err := os.CopyFS(filepath.Join(dir, mode, d), os.DirFS(src)); err != nil {
				t.Fatal(err)
			}
		}
		ours, theirs := filepath.Join(dir, mode, "ours"), filepath.Join(dir, mode, "theirs")
		err := compilation{Interpreter: interpreter, Source: ours, Image: "/app", Out: ours, Checked: checked}.run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(interpreter, "-m", "compileall", "-q", "-s", theirs, "-p", "/app", "--invalidation-mode", mode, theirs)
		cmd.Env = append(os.Environ(), "PYTHONHASHSEED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if out, err := exec.Command("diff", "-r", ours, theirs).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", mode, out)
		}
	}
}

// What a module compiles to can depend on what its process compiled before: from Python 3.12 on, a string in a set is written in
// another way if a name is spelled the same in an earlier module. The bytes must depend neither on the number of processes nor on other packages.
func TestBytecodeIsTheSameWhateverElseIsCompiled(t *testing.T) {
	module := func(i int) string {
		return fmt.Sprintf("a = {'name%d', 2, 3}\n\ndef f():\n    b = {'name%d', 2, 3}\n%s", i, i, strings.Repeat("x = 1\n", 500))
	}
	var own, other []entry
	for i := range 200 {
		own = append(own, entry{name: fmt.Sprintf("own/m%d.py", i), content: module(i)})
		other = append(other, entry{name: fmt.Sprintf("other/m%d.py", i), content: fmt.Sprintf("import name%d\n", i)})
	}
	from := t.TempDir()
	a := writeFile(t, filepath.Join(from, "own-1.0-py3-none-any.whl"), pack(project("own", own...)))
	b := writeFile(t, filepath.Join(from, "other-1.0-py3-none-any.whl"), pack(project("other", other...)))

	first := bytecodeFiles(t, filepath.Join(compiled(t, WheelsOptions{Wheels: []string{a}, Jobs: 1}), "own"))
	if len(first) != 201 {
		t.Fatalf("%d modules are compiled", len(first))
	}
	for _, o := range []WheelsOptions{{Wheels: []string{a}, Jobs: 2}, {Wheels: []string{b, a}, Jobs: 1}, {Wheels: []string{b, a}, Jobs: 7}} {
		again := bytecodeFiles(t, filepath.Join(compiled(t, o), "own"))
		for name, data := range first {
			if again[name] != data {
				t.Errorf("%d wheels, %d jobs: %s differs", len(o.Wheels), o.Jobs, name)
			}
		}
	}
}

func TestTestsAreCompiledOnRequest(t *testing.T) {
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo(entry{name: "demo/tests/test_x.py", content: "x = 1\n"})))
	if got := bytecodeFiles(t, compiled(t, WheelsOptions{Wheels: []string{wheel}, Tests: true})); got["demo/tests/test_x"] == "" {
		t.Errorf("compiled are %d files", len(got))
	}
}

// Bytecode of the wheel itself that is replaced has no true row in RECORD, so it has one without a hash.
func TestBytecodeInAWheelIsReplaced(t *testing.T) {
	pyc := "demo/__pycache__/" + pycName("__init__")
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo(entry{name: pyc, content: "stale", mode: 0o100755})))
	dir := compiled(t, WheelsOptions{Wheels: []string{wheel}})
	if got := bytecodeFiles(t, dir)["demo/__init__"]; got == "stale" || got == "" {
		t.Errorf("the bytecode is %q", got)
	}
	if got := read(t, dir, "demo-1.0.dist-info/RECORD"); !strings.Contains(got, "\n"+pyc+",,\r\n") {
		t.Errorf("RECORD is %s", got)
	}
}

// crash is a Python that ends itself as the compiler's stack overflow does, when it compiles a module that says so.
const crash = `#!/bin/sh
# arguments: -S -s -B -X utf8 -c SCRIPT ...
exec "$REAL" "$1" "$2" "$3" "$4" "$5" "$6" "
import builtins, os
real = compile
def compile(text, *args, **kwargs):
    if b'CRASH' in text:
        os.kill(os.getpid(), SIGNAL)
    return real(text, *args, **kwargs)
builtins.compile = compile
$7" "$8" "$9" "${10}" "${11}" "${12}"
`

func TestAModuleThatCrashesTheCompilerIsLeftOut(t *testing.T) {
	interpreter, version := python()
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo(
		entry{name: "demo/a.py", content: "x = 1\n"}, entry{name: "demo/b.py", content: "CRASH\n"}, entry{name: "demo/c.py", content: "x = 1\n"})))
	for signal, want := range map[string]string{"11": "", "9": "the bytecode could not be compiled: exit status 1"} {
		script := strings.NewReplacer("SIGNAL", signal, "$REAL", interpreter).Replace(crash)
		fake := writeFile(t, filepath.Join(t.TempDir(), "python"), []byte(script))
		if err := os.Chmod(fake, 0o755); err != nil {
			t.Fatal(err)
		}
		dir, printed, err := installed(t, WheelsOptions{Wheels: []string{wheel}, Interpreter: fake, Python: version, Bytecode: true})
		if want != "" {
			if err == nil || err.Error() != want || !strings.Contains(printed, "ended by signal 9: is there enough memory?") {
				t.Errorf("signal %s: printed %q and failed with %v", signal, printed, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err, printed)
		}
		files := bytecodeFiles(t, dir)
		if len(files) != 3 || files["opt/venv/lib/python"+version+"/site-packages/demo/c"] == "" {
			t.Errorf("compiled are %d files", len(files))
		}
	}
}

func TestAMissingInterpreterIsNamed(t *testing.T) {
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo()))
	_, _, err := installed(t, WheelsOptions{Wheels: []string{wheel}, Interpreter: "/nowhere/python3", Bytecode: true})
	if err == nil || err.Error() != "the bytecode could not be compiled: /nowhere/python3 does not exist in this image" {
		t.Errorf("got the error %v", err)
	}
}

func TestTheStandardLibraryIsCompiledWithoutTestsAndWhatServersDoNotImport(t *testing.T) {
	interpreter, _ := python()
	lib := t.TempDir()
	for _, name := range []string{
		"os.py", "json/__init__.py", "json/tool.py", "test/support.py", "ctypes/test/t.py", "lib2to3/tests/t.py", "unittest/__init__.py",
		"idlelib/x.py", "tkinter/x.py", "turtledemo/x.py", "ensurepip/x.py", "site-packages/pip/x.py", "lib2to3/x.py", "data.txt",
		"pdb.py", "asyncio/windows_events.py", "asyncio/events.py",
	} {
		writeFile(t, filepath.Join(lib, name), []byte("x = 1\n"))
	}
	out := filepath.Join(t.TempDir(), "out")
	var b bytes.Buffer
	err := Stdlib(context.Background(), StdlibOptions{Out: out, Interpreter: interpreter, Lib: lib + "/", Dir: "/usr/local/lib/python3.13", Output: &b})
	if err != nil || b.Len() > 0 {
		t.Fatal(err, b.String())
	}
	tag := strings.Split(pycName("os"), ".")[1]
	var got strings.Builder
	for line := range strings.Lines(listing(t, out)) {
		got.WriteString(strings.ReplaceAll(line[strings.Index(line, "/"):], tag, "TAG"))
	}
	golden(t, "stdlib.tree", got.String())
	data := read(t, out, "usr/local/lib/python3.13/__pycache__", pycName("os"))
	if data[4] != checked || !strings.Contains(data, "/usr/local/lib/python3.13/os.py") {
		t.Errorf("os is compiled to %q", data)
	}
	if len(entries(t, lib)) != 14 {
		t.Errorf("the library has %q", entries(t, lib))
	}

	err = Stdlib(context.Background(), StdlibOptions{Out: t.TempDir(), Interpreter: interpreter, Lib: t.TempDir(), Dir: "/usr/local/lib/python3.13"})
	if err == nil || !strings.HasPrefix(err.Error(), "there is no standard library in ") {
		t.Errorf("an empty library gives the error %v", err)
	}
}
