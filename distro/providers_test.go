package distro

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const contentsIndex = `bin/bash						    shells/bash
usr/bin/cargo                                           rust/cargo,universe/devel/rustup
usr/bin/icecc/gcc                                       devel/icecc
usr/include/cairo/cairo.h	libdevel/libcairo2-dev
usr/include/geos_c.h                                    libdevel/libgeos-dev
usr/include/my dir/geos_c.h                             libdevel/libspace-dev
usr/include/sqlite3.h                                   libdevel/libsqlite3-dev,devel/sqlite-tool
usr/include/x86_64-linux-gnu/hdf5.h                     libdevel/libhdf5-dev
usr/aarch64-linux-gnu/include/sqlite3.h                 libdevel/libsqlite3-dev-arm64-cross
usr/include/other/sqlite3.h                             libdevel/libsqlcipher-dev
usr/include/flann/ext/hdf5.h                            libdevel/libflann-dev
usr/lib/x86_64-linux-gnu/libgeos_c.so                   libdevel/libgeos-dev
usr/lib/x86_64-linux-gnu/libgeos_c.so.1                 libs/libgeos-c1t64
usr/lib/debug/libgeos_c.so.1                            debug/libgeos-c1t64-dbg
usr/lib/x86_64-linux-gnu/pkgconfig/geos.pc              libdevel/libgeos-dev
usr/share/x                                             ,
nothing
`

func wants(t testing.TB, list ...string) []Want {
	t.Helper()
	var ws []Want
	for _, s := range list {
		w, err := ParseWant(s)
		if err != nil {
			t.Fatal(err)
		}
		ws = append(ws, w)
	}
	return ws
}

func TestContentsNameThePackagesBestFirst(t *testing.T) {
	for want, packages := range map[string]string{
		"header:cairo.h":        "libcairo2-dev",
		"header:geos_c.h":       "libgeos-dev libspace-dev",
		"header:sqlite3.h":      "libsqlite3-dev libsqlcipher-dev sqlite-tool",
		"header:hdf5.h":         "libhdf5-dev libflann-dev",
		"program:cargo":         "cargo rustup",
		"program:bash":          "bash",
		"program:gcc":           "", // it is not in the path
		"library:geos_c":        "libgeos-dev",
		"soname:libgeos_c.so.1": "libgeos-c1t64 libgeos-c1t64-dbg",
		"pkgconfig:geos":        "libgeos-dev",
		"header:nothing":        "",
	} {
		w := wants(t, want)
		found := map[Want]providers{w[0]: {}}
		if err := newSearch(w).contents(strings.NewReader(contentsIndex), found); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(found[w[0]].ranked(w[0]), " "); got != packages {
			t.Errorf("%s is in %q, want %q", want, got, packages)
		}
	}
}

func TestContentsWithAnEndlessLineAreRead(t *testing.T) {
	w := wants(t, "header:cairo.h")
	found := map[Want]providers{w[0]: {}}
	text := strings.Repeat("x", 3<<20) + "/cairo.h a/b\n" + contentsIndex
	if err := newSearch(w).contents(strings.NewReader(text), found); err != nil || len(found[w[0]]) != 1 {
		t.Errorf("found %v, %v", found, err)
	}
	broken := io.MultiReader(strings.NewReader("x"), failing{})
	if err := newSearch(w).contents(broken, found); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a broken index is %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestNamesTellThePackageWithoutAnIndex(t *testing.T) {
	known := newNames(slices.Clone(trixieNames))
	for want, packages := range map[string]string{
		"soname:libpq.so.5":       "libpq5",
		"soname:libglib-2.0.so.0": "libglib2.0-0t64",
		"soname:libmagic.so.1":    "libmagic1t64",
		"soname:libmariadb.so.3":  "libmariadb3",
		"soname:libvips.so.42":    "libvips42t64",
		"soname:libxmlsec1.so.1":  "libxmlsec1t64",
		"soname:libGL.so.1":       "libgl1", // usual
		"soname:.so.1":            "",
		"soname:libunknown.so.1":  "",
		"soname:libpython3.13.so": "libpython3.13",
		"program:ffmpeg":          "ffmpeg",
		"program:unknown":         "",
		"program:cc":              "gcc",
		"program:pkg-config":      "pkgconf",
		"program:pg_config":       "libpq-dev",
		"header:mysql.h":          "default-libmysqlclient-dev libmariadb-dev",
		"header:cairo.h":          "libcairo2-dev",
		"header:libxml/xpath.h":   "libxml2-dev",
		"header:openssl/ssl.h":    "libssl-dev",
		"header:unknown.h":        "",
		"library:magic":           "libmagic-dev",
		"pkgconfig:glib-2.0":      "libglib2.0-dev",
		"pkgconfig:libxslt":       "libxslt1-dev",
	} {
		w := wants(t, want)[0]
		got := known.usual(w)
		if len(got) == 0 {
			got = known.guess(w)
		}
		if strings.Join(got, " ") != packages {
			t.Errorf("%s is guessed in %q, want %q", want, got, packages)
		}
	}
}

func TestInstalledPackagesAnswer(t *testing.T) {
	db := open(t, debian())
	for want, packages := range map[string]string{
		"program:bash": "bash", "program:sh": "dash", "soname:libc.so.6": "libc6", "soname:libblas.so.3": "libblas3", "header:stdio.h": "", "soname:bash.so": "bash",
	} {
		w := wants(t, want)[0]
		if got := strings.Join(db.Installed([]Want{w})[w], " "); got != packages {
			t.Errorf("%s is installed with %q, want %q", want, got, packages)
		}
	}
}

const alpineIndex = `P:libpq
V:17.5-r0
p:so:libpq.so.5=5.17

P:libpq-dev
V:17.5-r0
p:pc:libpq=17.5 cmd:pg_config=17.5-r0

P:postgresql17-dev
V:17.5-r0
p:cmd:ecpg=17.5-r0

P:mariadb-dev
V:11

P:libxml2-dev
V:2.13
p:pc:libxml-2.0=2.13.8

P:cairo-dev
V:1.18
p:pc:cairo=1.18 pc:cairo-ft=1.18

P:openssl-dev
V:3.5
p:pc:libssl=3.5 pc:openssl=3.5

P:libffi-dev
V:3.4
p:pc:libffi=3.4

P:gcc
V:14
p:cmd:gcc=14
`

// writeIndex writes an index as apk keeps it: the archive of a signature without an end, and that of the index.
func writeIndex(t testing.TB, file, text string) {
	t.Helper()
	var all bytes.Buffer
	for i, member := range []struct{ name, text string }{{".SIGN.RSA.alpine.pub", "signature"}, {"APKINDEX", text}} {
		z := gzip.NewWriter(&all)
		w := tar.NewWriter(z)
		err := w.WriteHeader(&tar.Header{Name: member.name, Mode: 0o644, Size: int64(len(member.text))})
		if err == nil {
			_, err = w.Write([]byte(member.text))
		}
		if err == nil && i == 0 {
			err = w.Flush()
		} else if err == nil {
			err = w.Close()
		}
		if err := errors.Join(err, z.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, all.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAlpinesIndexAnswers(t *testing.T) {
	programs(t, map[string]string{"apk": "exit 0"})
	dir := t.TempDir()
	writeIndex(t, filepath.Join(dir, "APKINDEX.0123abcd.tar.gz"), alpineIndex)
	var out bytes.Buffer
	a := apk{InstallOptions{Archives: dir, Output: &out}}
	for want, packages := range map[string]string{
		"soname:libpq.so.5":     "libpq",
		"program:pg_config":     "libpq-dev", // usual
		"program:ecpg":          "postgresql17-dev",
		"program:cc":            "gcc",
		"pkgconfig:cairo":       "cairo-dev",
		"library:ssl":           "openssl-dev",
		"library:ffi":           "libffi-dev",
		"header:libpq-fe.h":     "libpq-dev",
		"header:mysql.h":        "mariadb-dev",
		"header:cairo.h":        "cairo-dev",
		"header:ffi.h":          "libffi-dev",
		"header:libxml/xpath.h": "libxml2-dev",
		"header:openssl/ssl.h":  "openssl-dev",
		"header:unknown.h":      "",
		"program:unknown":       "",
	} {
		w := wants(t, want)
		got, err := a.provide(context.Background(), w)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(got[w[0]], " ") != packages {
			t.Errorf("%s is in %q, want %q", want, got[w[0]], packages)
		}
	}
	if text := "Alpine's index does not tell which package has the header unknown.h\n"; out.String() != text {
		t.Errorf("printed %q, want %q", &out, text)
	}
	for _, text := range []string{"", "no gzip"} {
		if err := os.WriteFile(filepath.Join(dir, "APKINDEX.0.tar.gz"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := a.provide(context.Background(), wants(t, "program:x")); err == nil || !strings.HasPrefix(err.Error(), "APKINDEX.0.tar.gz cannot be read") {
			t.Errorf("an index %q: %v", text, err)
		}
	}
}

func FuzzContents(f *testing.F) {
	f.Add(contentsIndex, "header:geos_c.h")
	f.Add("a/b c/d,e\n\n x\n/x.h y", "program:b")
	f.Add("usr/bin/x ,,/", "program:x")
	f.Fuzz(func(t *testing.T, text, want string) {
		w, err := ParseWant(want)
		if err != nil {
			return
		}
		if again, err := ParseWant(w.String()); err != nil || again != w {
			t.Errorf("%q is %v, %v", want, again, err)
		}
		found := map[Want]providers{w: {}}
		if err := newSearch([]Want{w}).contents(strings.NewReader(text), found); err != nil {
			t.Error(err)
		}
		for _, name := range found[w].ranked(w) {
			if name == "" || strings.ContainsAny(name, ",/\n") || !strings.Contains(text, name) {
				t.Errorf("package %q", name)
			}
		}
	})
}
