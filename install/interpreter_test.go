package install

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// library is the directory of the standard library of an interpreter.
func library(t testing.TB, interpreter string) string {
	t.Helper()
	out, err := exec.Command(interpreter, "-c", "import os; print(os.path.dirname(os.__file__))").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestAnInterpreterIsCopiedWithWhatItStartsWithAndNothingElse(t *testing.T) {
	interpreter, _ := python()
	lib := library(t, interpreter)
	var trees [2]string
	for i := range trees {
		trees[i] = filepath.Join(t.TempDir(), "out")
		if err := Interpreter(context.Background(), InterpreterOptions{Out: trees[i], Interpreter: interpreter, Lib: lib}); err != nil {
			t.Fatal(err)
		}
	}
	if must := listing(t, trees[0]); must != listing(t, trees[1]) {
		t.Errorf("two copies differ:\n%s", must)
	}
	compare := exec.Command("diff", "-r", "--no-dereference", trees[0], trees[1])
	if out, err := compare.CombinedOutput(); err != nil {
		t.Errorf("two copies differ: %v\n%s", err, out)
	}
	for _, name := range []string{"site-packages", "test", "ensurepip", "idlelib"} {
		if _, err := os.Lstat(filepath.Join(trees[0], lib, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was copied: %v", name, err)
		}
	}
	for _, name := range []string{"/etc/passwd", "/bin/sh", "/usr/bin/env"} {
		if _, err := os.Stat(filepath.Join(trees[0], name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was copied: %v", name, err)
		}
	}
	if len(bytecodeFiles(t, trees[0])) == 0 {
		t.Error("what the compiler imports has no bytecode")
	}
}

func TestAnInterpreterThatIsNotThereIsAnErrorAndLeavesNothing(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	err := Interpreter(context.Background(), InterpreterOptions{Out: out, Interpreter: "/nowhere/python3", Lib: "/nowhere/lib"})
	if err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it left %s: %v", out, err)
	}
}

func TestListedLibrariesOfBothLinkers(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"glibc": {"\tlinux-vdso.so.1 (0x00007ffc)\n\tlibpython3.13.so.1.0 => /usr/local/lib/libpython3.13.so.1.0 (0x00007f10)\n" +
			"\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f11)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f12)\n",
			[]string{"/usr/local/lib/libpython3.13.so.1.0", "/lib/x86_64-linux-gnu/libc.so.6"}},
		"musl": {"\t/lib/ld-musl-x86_64.so.1 (0x7f4)\n\tlibpython3.13.so.1.0 => /usr/local/lib/libpython3.13.so.1.0 (0x7f3)\n" +
			"\tlibc.musl-x86_64.so.1 => /lib/ld-musl-x86_64.so.1 (0x7f4)\n",
			[]string{"/usr/local/lib/libpython3.13.so.1.0", "/lib/ld-musl-x86_64.so.1"}},
		"a directory with a space": {"\tliba.so => /opt/my lib/liba.so (0x1)\n", []string{"/opt/my lib/liba.so"}},
		"missing":                  {"\tliba.so => not found\n", nil},
	} {
		if got := listedLibraries(test.text); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestLinksOnTheWayToAFileAreCopied(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	writeFile(t, filepath.Join(from, "usr/lib/libx.so.1.2"), []byte("x"))
	for link, target := range map[string]string{"lib": "usr/lib", "usr/lib/libx.so.1": "libx.so.1.2", "lib64": filepath.Join(from, "lib"), "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(from, link)); err != nil {
			t.Fatal(err)
		}
	}
	c := copier{to}
	for range 2 { // the second time everything is there
		if err := c.file(filepath.Join(from, "lib64/libx.so.1")); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []string{"lib64", "lib", "usr/lib/libx.so.1"} {
		want, err := os.Readlink(filepath.Join(from, link))
		if got, err2 := os.Readlink(filepath.Join(to, from, link)); got != want || err != nil || err2 != nil {
			t.Errorf("%s leads to %q, want %q (%v, %v)", link, got, want, err, err2)
		}
	}
	if got := read(t, to, from, "usr/lib/libx.so.1.2"); got != "x" {
		t.Errorf("the file has %q", got)
	}
	if err := c.file(filepath.Join(from, "loop/file")); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link to itself: %v", err)
	}
}
