package distro

import (
	"strings"
	"testing"
)

func TestWantsHaveOneForm(t *testing.T) {
	for _, s := range []string{"header:mysql.h", "header:libxml/xpath.h", "program:pg_config", "library:ssl", "soname:libpq.so.5", "pkgconfig:cairo", "program:g++"} {
		if w, err := ParseWant(s); err != nil || w.String() != s {
			t.Errorf("%s is %v, %v", s, w, err)
		}
	}
	for _, s := range []string{"", "header", "header:", "file:x", "program:a/b", "header:/usr/x.h", "header:../x.h", "header:a//b.h", "header:..", "program:a b", "header:a/../b"} {
		if w, err := ParseWant(s); err == nil || !strings.Contains(err.Error(), "header:mysql.h") {
			t.Errorf("%q is %v, %v", s, w, err)
		}
	}
}

func TestDistanceIsFromWhereABuildLooks(t *testing.T) {
	for _, tt := range []struct {
		want, file string
		distance   int
	}{
		{"header:zlib.h", "usr/include/zlib.h", standard},
		{"header:zlib.h", "/usr/include/zlib.h", standard},
		{"header:ffi.h", "usr/include/x86_64-linux-gnu/ffi.h", standard},
		{"header:cairo.h", "usr/include/cairo/cairo.h", nested},
		{"header:libxml/xpath.h", "usr/include/libxml2/libxml/xpath.h", nested},
		{"header:libxml/xpath.h", "usr/include/xpath.h", elsewhere},
		{"header:xml/xpath.h", "usr/include/libxml/xpath.h", elsewhere},
		{"header:x.h", "usr/include/a/b/x.h", deeper},
		{"header:x.h", "usr/include/a/b/c/d/e/f/g/x.h", private},
		{"header:glibconfig.h", "usr/lib/x86_64-linux-gnu/glib-2.0/include/glibconfig.h", deeper},
		{"header:x.h", "usr/lib/python3/dist-packages/numpy/core/x.h", private},
		{"header:stdio.h", "usr/aarch64-linux-gnu/include/stdio.h", elsewhere}, // of a compiler for another machine
		{"header:x.h", "usr/share/doc/x/x.h", elsewhere},
		{"header:x.h", "x.h", elsewhere},
		{"program:cargo", "usr/bin/cargo", standard},
		{"program:bash", "bin/bash", standard},
		{"program:ldconfig", "sbin/ldconfig", standard},
		{"program:pg_config", "usr/lib/postgresql/17/bin/pg_config", private},
		{"program:fortune", "usr/games/fortune", nested},
		{"program:cargo", "usr/share/bash-completion/completions/cargo", elsewhere},
		{"library:ssl", "usr/lib/x86_64-linux-gnu/libssl.so", standard},
		{"library:ssl", "usr/lib/libssl.so", standard},
		{"library:ssl", "lib/x86_64-linux-gnu/libssl.so", standard},
		{"library:ssl", "usr/lib/x86_64-linux-gnu/libssl.so.3", elsewhere},
		{"library:ssl", "usr/lib/x86_64-linux-gnu/private/libssl.so", private},
		{"soname:libpq.so.5", "usr/lib/x86_64-linux-gnu/libpq.so.5", standard},
		{"soname:libpq.so.5", "usr/lib64/libpq.so.5", standard},
		{"soname:libpq.so.5", "usr/lib/i386-linux-gnu/x/libpq.so.5", private},
		{"soname:libpq.so.5", "opt/x/libpq.so.5", elsewhere},
		{"pkgconfig:cairo", "usr/lib/x86_64-linux-gnu/pkgconfig/cairo.pc", standard},
		{"pkgconfig:cairo", "usr/share/pkgconfig/cairo.pc", standard},
		{"pkgconfig:cairo", "usr/lib/x/y/pkgconfig/cairo.pc", private},
		{"pkgconfig:cairo", "usr/share/doc/cairo.pc", elsewhere},
	} {
		w, err := ParseWant(tt.want)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.distance(tt.file); got != tt.distance {
			t.Errorf("%s at %s is %d far, want %d", tt.want, tt.file, got, tt.distance)
		}
	}
}
