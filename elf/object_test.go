package elf

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// compile makes an ELF file of a C source and returns its content.
func compile(t testing.TB, dir, name, source string, args ...string) []byte {
	t.Helper()
	input := filepath.Join(dir, name+".c")
	if err := os.WriteFile(input, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	output := filepath.Join(dir, name)
	cmd := exec.Command("gcc", append([]string{"-o", output, input}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	data, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func read(t testing.TB, data []byte) *Object {
	t.Helper()
	o, err := Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// library makes libdemo.so.1, which defines two versions, and extension makes something that needs it.
func library(t testing.TB, dir string) []byte {
	script := filepath.Join(dir, "demo.map")
	if err := os.WriteFile(script, []byte("DEMO_1.0 { global: one; local: *; };\nDEMO_1.10 { global: ten; } DEMO_1.0;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return compile(t, dir, "libdemo.so.1", "int one(void) { return 1; }\nint ten(void) { return 10; }\n",
		"-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libdemo.so.1", "-Wl,--version-script="+script)
}

func extension(t testing.TB, dir string, more ...string) []byte {
	library(t, dir)
	return compile(t, dir, "ext.so", "int one(void); int ten(void);\nint both(void) { return one() + ten(); }\n",
		append([]string{"-shared", "-fPIC", "-nostdlib", filepath.Join(dir, "libdemo.so.1")}, more...)...)
}

func TestWhatTheLinkerWroteIsRead(t *testing.T) {
	dir := t.TempDir()
	lib := read(t, library(t, dir))
	machine := lib.Machine
	demo := []Need{{"libdemo.so.1", "DEMO_1.0"}, {"libdemo.so.1", "DEMO_1.10"}}
	bare := extension(t, dir, "-s")
	copy(bare[40:48], make([]byte, 8)) // the offset and the number of the section headers
	copy(bare[58:64], make([]byte, 6))
	if out, err := exec.Command("uname", "-m").Output(); err != nil || Machine(strings.TrimSpace(string(out))) != machine {
		t.Errorf("the machine is %q, uname says %q (%v)", machine, out, err)
	}
	for name, tt := range map[string]struct {
		got  *Object
		want Object
	}{
		"library":   {lib, Object{Kind: Shared, Soname: "libdemo.so.1", Defines: []string{"DEMO_1.0", "DEMO_1.10"}}},
		"extension": {read(t, extension(t, dir)), Object{Kind: Shared, Needed: []string{"libdemo.so.1"}, Needs: demo}},
		"runpath": {read(t, extension(t, dir, "-Wl,-rpath,$ORIGIN/../demo.libs:/opt/lib", "-Wl,--enable-new-dtags")),
			Object{Kind: Shared, Needed: []string{"libdemo.so.1"}, RunPath: []string{"$ORIGIN/../demo.libs", "/opt/lib"}, Needs: demo}},
		"rpath": {read(t, extension(t, dir, "-Wl,-rpath,/a::/b", "-Wl,--disable-new-dtags")),
			Object{Kind: Shared, Needed: []string{"libdemo.so.1"}, RPath: []string{"/a", "/b"}, Needs: demo}},
		"without section headers": {read(t, bare), Object{Kind: Shared, Needed: []string{"libdemo.so.1"}, Needs: demo}},
		"static program":          {read(t, compile(t, dir, "static", "void _start(void) { for (;;); }\n", "-static", "-nostdlib")), Object{Kind: Program}},
		"program": {read(t, compile(t, dir, "program", "void _start(void) { for (;;); }\n", "-nostdlib", "-pie", "-Wl,--dynamic-linker=/lib/ld-demo.so")),
			Object{Kind: Program, Interpreter: "/lib/ld-demo.so"}},
	} {
		tt.want.Machine, tt.want.Class = machine, lib.Class
		if !reflect.DeepEqual(*tt.got, tt.want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", name, *tt.got, tt.want)
		}
	}
}

func TestVersionsOfTheCLibraryAreRead(t *testing.T) {
	dir := t.TempDir()
	o := read(t, compile(t, dir, "hello", "#include <stdio.h>\nint main(void) { return puts(\"x\"); }\n"))
	needs := o.HighestNeeds()
	if len(needs) == 0 || needs[0].Library != "libc.so.6" || !strings.HasPrefix(needs[0].Version, "GLIBC_2.") {
		t.Errorf("hello needs %v of %v", needs, o.Needs)
	}
	if o.Interpreter == "" || o.Kind != Program {
		t.Errorf("hello is %+v", o)
	}
}

func TestFilesThatNobodyLoadsAreNoObjects(t *testing.T) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"empty":        nil,
		"short":        []byte("\x7fE"),
		"text":         []byte("#!/bin/sh\necho this is a script\n"),
		"linker text":  []byte("INPUT(-lncurses) and more text than a header has"),
		"object file":  compile(t, dir, "demo.o", "int x;\n", "-c"),
		"macOS binary": append([]byte{0xcf, 0xfa, 0xed, 0xfe}, make([]byte, 100)...),
	} {
		if o, err := Read(bytes.NewReader(data)); o != nil || err != nil {
			t.Errorf("%s: got %+v, %v", name, o, err)
		}
	}
}

// An error must name what is wrong, and never be taken for a file that is not ELF.
func TestDamagedFilesAreErrors(t *testing.T) {
	dir := t.TempDir()
	good := extension(t, dir, "-Wl,-rpath,$ORIGIN")
	if read(t, good).Class != 64 {
		t.Fatal("the offsets below are of 64-bit files")
	}
	change := func(at int, b ...byte) []byte {
		data := bytes.Clone(good)
		copy(data[at:], b)
		return data
	}
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"header":          {good[:10], "the header ends after 10 bytes"},
		"class":           {change(4, 7), "class 7 is neither 32 nor 64 bits"},
		"byte order":      {change(5, 0), "byte order 0 is neither little nor big endian"},
		"program headers": {good[:80], "it ends before offset"},
		"far headers":     {change(32, 255, 255, 255, 255, 255, 255, 255, 127), "offset 9223372036854775807 is too large"},
		"small headers":   {change(54, 3, 0), "program headers of 3 bytes"},
		"many headers":    {change(56, 255, 255), "65535 program headers of 56 bytes"},
		"cut":             {good[:len(good)/4], "it ends before offset"},
	} {
		o, err := Read(bytes.NewReader(tt.data))
		if o != nil || !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %+v, %v, want an error with %q", name, o, err, tt.want)
		}
	}
}

func TestMachinesAreNamedAsUnameNamesThem(t *testing.T) {
	header := func(class, order byte, machine ...byte) []byte {
		b := make([]byte, 64)
		copy(b, Magic)
		b[4], b[5] = class, order
		copy(b[18:], machine)
		if order == 1 {
			b[16] = typeShared
		} else {
			b[17] = typeShared
		}
		return b
	}
	for want, data := range map[string][]byte{
		"i686":        header(1, 1, 3, 0),
		"x86_64":      header(2, 1, 62, 0),
		"x32":         header(1, 1, 62, 0),
		"aarch64":     header(2, 1, 183, 0),
		"arm":         header(1, 1, 40, 0),
		"s390x":       header(2, 2, 0, 22),
		"ppc64le":     header(2, 1, 21, 0),
		"ppc64":       header(2, 2, 0, 21),
		"riscv64":     header(2, 1, 243, 0),
		"loongarch64": header(2, 1, 2, 1),
		"machine 8":   header(1, 2, 0, 8),
	} {
		if o := read(t, data); o.Machine != want {
			t.Errorf("got %q, want %q", o.Machine, want)
		}
	}
	for uname, want := range map[string]string{"x86_64": "x86_64", "armv7l": "arm", "armv6l": "arm", "i386": "i686", "arm64": "aarch64", "s390x": "s390x"} {
		if got := Machine(uname); got != want {
			t.Errorf("%s is %q, want %q", uname, got, want)
		}
	}
}

func TestOnlyTheHighestVersionOfASeriesIsNeeded(t *testing.T) {
	o := Object{Needs: []Need{
		{"libc.so.6", "GLIBC_2.4"}, {"libc.so.6", "GLIBC_2.34"}, {"libc.so.6", "GLIBC_2.17"}, {"libc.so.6", "GLIBC_ABI_DT_RELR"}, {"libc.so.6", "GLIBC_PRIVATE"},
		{"libstdc++.so.6", "GLIBCXX_3.4.9"}, {"libstdc++.so.6", "GLIBCXX_3.4"}, {"libstdc++.so.6", "CXXABI_1.3"}, {"libm.so.6", "GLIBC_2.29"},
	}}
	want := []Need{{"libc.so.6", "GLIBC_2.34"}, {"libc.so.6", "GLIBC_ABI_DT_RELR"}, {"libc.so.6", "GLIBC_PRIVATE"}, {"libm.so.6", "GLIBC_2.29"},
		{"libstdc++.so.6", "CXXABI_1.3"}, {"libstdc++.so.6", "GLIBCXX_3.4.9"}}
	if got := o.HighestNeeds(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestVersionsAreComparedByNumbers(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
		same bool
	}{
		{"GLIBC_2.4", "GLIBC_2.34", -1, true},
		{"GLIBC_2.2.5", "GLIBC_2.2", 1, true},
		{"GLIBC_2.34", "GLIBC_2.34", 0, true},
		{"GLIBCXX_3.4.9", "GLIBC_2.34", -1, false},
		{"OPENSSL_3.0.0", "OPENSSL_3.0.9", -1, true},
		{"GLIBC_ABI_DT_RELR", "GLIBC_2.36", 1, false},
		{"GLIBC_99999999999999999999", "GLIBC_2.36", 1, false},
		{"libfoo1", "libfoo2", -1, false},
	} {
		if got := CompareVersions(tt.a, tt.b); got != tt.want {
			t.Errorf("%s and %s: %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := SameSeries(tt.a, tt.b); got != tt.same {
			t.Errorf("%s and %s are of one series: %v, want %v", tt.a, tt.b, got, tt.same)
		}
	}
}

func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	f.Add(library(f, dir))
	f.Add(extension(f, dir, "-Wl,-rpath,$ORIGIN/lib"))
	f.Add(compile(f, dir, "program", "#include <stdio.h>\nint main(void) { return puts(\"x\"); }\n", "-s"))
	f.Add([]byte(Magic))
	f.Add([]byte("#!/bin/sh\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := Read(bytes.NewReader(data))
		isELF := bytes.HasPrefix(data, []byte(Magic))
		switch {
		case err != nil && (o != nil || !errors.Is(err, ErrFormat) || !isELF):
			t.Fatalf("got %+v and the error %v", o, err)
		case o == nil:
			return
		case !isELF || o.Machine == "" || o.Class != 32 && o.Class != 64 || o.Kind != Shared && o.Kind != Program:
			t.Fatalf("got %+v", o)
		}
		if again, err := Read(bytes.NewReader(data)); err != nil || !reflect.DeepEqual(o, again) {
			t.Errorf("read again: %+v, %v, not %+v", again, err, o)
		}
		// All text is in the file, and fits into JSON and a line.
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range append(append([]string{o.Soname, o.Interpreter}, o.Needed...), o.Defines...) {
			if !bytes.Contains(data, append([]byte(s), 0)) && s != "" {
				t.Errorf("%q is not in the file", s)
			}
		}
		var decoded Object
		if err := json.Unmarshal(text, &decoded); err != nil || !reflect.DeepEqual(*o, decoded) {
			t.Errorf("as JSON it is %+v, %v, not %+v", decoded, err, o)
		}
		if strings.ContainsAny(string(text), "\x00\n\x1b") {
			t.Errorf("control characters in %s", text)
		}
		have := map[Need]bool{}
		for _, n := range o.Needs {
			have[n] = true
		}
		for _, n := range o.HighestNeeds() {
			if !have[n] {
				t.Errorf("%v is not among the needs", n)
			}
		}
	})
}

// BenchmarkRead reads a shared object from the disk, as the installer does when it has written it.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	extension(b, dir, "-Wl,-rpath,$ORIGIN/lib")
	f, err := os.Open(filepath.Join(dir, "ext.so"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for b.Loop() {
		if o, err := Read(f); err != nil || o == nil {
			b.Fatal(err)
		}
	}
}
