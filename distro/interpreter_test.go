package distro

import (
	"io/fs"
	"reflect"
	"slices"
	"testing"
	"testing/fstest"
)

// file is a regular file of an image in memory, and link a symbolic link.
func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o644} }

func link(target string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
}

func TestInterpretersAreFoundByTheirFilesAlone(t *testing.T) {
	const elf = "\x7fELF\x02\x01\x01"
	for _, c := range []struct {
		name, path string
		files      fstest.MapFS
		want       []Interpreter
	}{
		{"the official image: libpython beside it", "/usr/local/bin:/usr/bin", fstest.MapFS{
			"usr/local/bin/python3.13":                                   file(elf),
			"usr/local/bin/python3":                                      link("python3.13"),
			"usr/local/bin/python3.13-config":                            file("#!/bin/sh\n"),
			"usr/local/lib/libpython3.13.so.1.0":                         file(elf + "OpenSSL 3.13.0 x\x00 13.13.9\x003.13.5\x00Python 3.13\x00"),
			"usr/local/lib/python3.13/os.py":                             file(""),
			"usr/local/lib/python3.13/site-packages/pip/__init__.py":     file(""),
			"usr/local/lib/python3.13/__pycache__/re.cpython-313.pyc":    file(""),
			"usr/local/lib/python3.13/__pycache__/os.cpython-313.pyc":    file(""),
			"usr/local/lib/python3.12/site-packages/left/from/before.py": file(""),
		}, []Interpreter{{Path: "/usr/local/bin/python3.13", Version: "3.13.5", Lib: "/usr/local/lib/python3.13", Pip: true, Bytecode: true}}},
		{"Debian: linked into the program, compiled, no pip", "/usr/local/bin:/usr/bin:/bin", fstest.MapFS{
			"usr/bin/python3.13":       file(elf + "\x003.13.5+\x00"),
			"usr/bin/python3":          link("python3.13"),
			"bin":                      link("usr/bin"),
			"usr/lib/python3.13/os.py": file(""),
			"usr/lib/python3.13/__pycache__/os.cpython-313.pyc":    file(""),
			"usr/lib/python3/dist-packages/pip/__init__.py":        file(""),
			"usr/lib/python3.13/site-packages/other/__init__.py":   file(""),
			"usr/lib/x86_64-linux-gnu/libpython3.13.so.1.0.backup": file(elf + "3.13.9\x00"),
		}, []Interpreter{{Path: "/usr/bin/python3.13", Version: "3.13.5", Lib: "/usr/lib/python3.13", Bytecode: true}}},
		{"free-threaded and usual side by side, a pre-release", "/opt/bin", fstest.MapFS{
			"opt/bin/python3.14":                  file(elf),
			"opt/bin/python3.14t":                 file(elf),
			"opt/lib/python3.14/os.py":            file(""),
			"opt/lib/python3.14t/os.py":           file(""),
			"opt/lib/libpython3.14.so.1.0":        file(elf + "3.14.0rc2\x00"),
			"opt/lib/libpython3.14t.so.1.0":       file(elf + "3.14.0\x00"),
			"opt/lib/libpython3.14t.so.1.0.debug": file("3.14.7\x00"),
		}, []Interpreter{
			{Path: "/opt/bin/python3.14", Version: "3.14.0rc2", Lib: "/opt/lib/python3.14"},
			{Path: "/opt/bin/python3.14t", Version: "3.14.0", Lib: "/opt/lib/python3.14t", FreeThreaded: true}}},
		{"a link to a python that a tool unpacked elsewhere", "/usr/local/bin", fstest.MapFS{
			"usr/local/bin/python3.12":                         link("/root/pythons/cpython-3.12.7/bin/python3.12"),
			"root/pythons/cpython-3.12.7/bin/python3.12":       file(elf + "x3.12.7\x00"),
			"root/pythons/cpython-3.12.7/lib/python3.12/os.py": file(""),
		}, []Interpreter{{Path: "/usr/local/bin/python3.12", Version: "3.12.7", Lib: "/root/pythons/cpython-3.12.7/lib/python3.12"}}},
		{"nothing tells the last number", "/usr/bin", fstest.MapFS{
			"usr/bin/python3.11":       file("#!/bin/sh\n3.11.2\x00"),
			"usr/lib/python3.11/os.py": file(""),
		}, []Interpreter{{Path: "/usr/bin/python3.11", Version: "3.11", Lib: "/usr/lib/python3.11"}}},
		{"no library, a loop, a PATH that is relative", "bin:/usr/bin:/loop", fstest.MapFS{
			"bin/python3.13":       file(elf),
			"lib/python3.13/os.py": file(""),
			"usr/bin/python3.13":   link("python3.13"),
			"usr/bin/python3.12":   file(elf),
			"loop":                 link("loop"),
		}, []Interpreter{}},
	} {
		got, err := root{c.files}.interpreters(splitPath(c.path))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.name, got, c.want)
		}
	}
}

func TestFactsComeFromTheFilesOfAnImage(t *testing.T) {
	f, err := Describe(fstest.MapFS{
		"etc/os-release":      file("ID=debian\nVERSION_ID=\"13\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n"),
		"etc/passwd":          file("root:x:0:0:root:/root:/bin/bash\n"),
		"etc/group":           file("root:x:0:\n"),
		"usr/bin/apt-get":     file("\x7fELF"),
		"usr/bin/dash":        file("\x7fELF"),
		"usr/bin/sh":          link("dash"),
		"bin":                 link("usr/bin"),
		"var/lib/dpkg/status": file("Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.41-12\n\n"),
		"opt/venv/lib/python3.13/site-packages/six.py": file(""),
		"opt/venv/lib/python3.9":                       file(""),
	}, "/usr/bin", "/opt/venv")
	if err != nil {
		t.Fatal(err)
	}
	if f.ID != "debian" || f.Version != "13" || f.Manager != "apt-get" || !f.Shell || f.Libc.String() != "glibc 2.41" || f.Passwd == "" || f.Group == "" || len(f.Interpreters) != 0 ||
		!slices.Equal(f.Environments, []string{"python3.13"}) {
		t.Errorf("got %+v", f)
	}
	for name, want := range map[string]bool{"etc/pip.conf": true, "root/.config/pip/pip.conf": true, "usr/local/pip.conf": false} {
		f, err := Describe(fstest.MapFS{name: file("[global]\nextra-index-url = https://index.example/\n"), "etc/xdg/pip/pip.conf": file("[global]\ncert = /ca.pem\n")}, "/usr/bin", "")
		if err != nil || f.Indexes != want { // no interpreter has the last one
			t.Errorf("with %s: %v, %v", name, f.Indexes, err)
		}
	}
	if f, err = Describe(fstest.MapFS{}, "/usr/bin", "/opt/venv"); err != nil || f.Environments != nil || f.Manager != "" || f.Shell || f.Libc.Name != "" {
		t.Errorf("an empty image: %+v, %v", f, err)
	}
}
