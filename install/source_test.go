package install

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestSourceIsCopiedWithUniformModes(t *testing.T) {
	interpreter, version := python()
	src := t.TempDir()
	for name, mode := range map[string]os.FileMode{
		"main.py": 0o600, "run.sh": 0o700, "pkg/__init__.py": 0o664, "pkg/tests/test_x.py": 0o644, "pkg/__pycache__/old.pyc": 0o644,
		"pkg/legacy.pyc": 0o644, "data/deep/x.txt": 0o777, "über.txt": 0o444, ".hidden": 0o644,
	} {
		writeFile(t, filepath.Join(src, name), []byte("x = 1\n"))
		if err := os.Chmod(filepath.Join(src, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, link := range map[string]string{"link": "data/deep", "data/up": "../main.py", "dangling": "gone", "data/loop": ".."} {
		if err := os.Symlink(link, filepath.Join(src, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(src, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	o := SourceOptions{Out: out, Dir: "/srv/app", Python: version, Interpreter: interpreter, Source: src}
	if err := Source(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	golden(t, "source.tree", listing(t, out))
	if got := entries(t, filepath.Join(out, "srv/app")); len(got) != 9 {
		t.Errorf("the application has %q", got)
	}

	o.Out, o.Bytecode = filepath.Join(t.TempDir(), "out"), true
	if err := Source(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	files := bytecodeFiles(t, filepath.Join(o.Out, "srv/app"))
	if len(files) != 3 {
		t.Errorf("%d files are compiled", len(files))
	}
	if data := files["/main"]; len(data) < 16 || data[4] != checked || !strings.Contains(data, "/srv/app/main.py") {
		t.Errorf("main is compiled to %q", data)
	}

	o.Out, o.Dir = filepath.Join(t.TempDir(), "out"), "/"
	if err := Source(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if data := bytecodeFiles(t, o.Out)["/main"]; !strings.Contains(data, "/main.py") || strings.Contains(data, "//main.py") {
		t.Errorf("main is compiled to %q", data)
	}
}

func TestSourceRefusesWhatAnImageCannotHold(t *testing.T) {
	for _, tt := range []struct {
		promise string
		make    func(src string) error
		want    string
	}{
		{"absolute link", func(src string) error { return os.Symlink("/etc/passwd", filepath.Join(src, "a")) },
			`^a is a symbolic link to /etc/passwd, an absolute path: copy the file, or exclude the link$`},
		{"link out of the tree", func(src string) error { return os.Symlink("../../x", filepath.Join(src, "sub/a")) },
			`^sub/a is a symbolic link to ../../x, which is outside the source`},
		{"link to the tree's parent", func(src string) error { return os.Symlink("..", filepath.Join(src, "a")) }, `outside the source`},
		{"link that leaves through another link", func(src string) error {
			if err := os.Symlink("..", filepath.Join(src, "sub/up")); err != nil {
				return err
			}
			return os.Symlink("sub/up/..", filepath.Join(src, "a"))
		}, `^a is a symbolic link to sub/up/.., which does not lead to a place in the source`},
		{"loop", func(src string) error { return os.Symlink("a", filepath.Join(src, "a")) }, `does not lead to a place in the source`},
		{"pipe", func(src string) error { return syscall.Mkfifo(filepath.Join(src, "a"), 0o644) }, `^a is a named pipe, which an image cannot hold: exclude it$`},
		{"socket", func(src string) error {
			l, err := net.Listen("unix", filepath.Join(src, "a"))
			if err == nil {
				l.(*net.UnixListener).SetUnlinkOnClose(false)
				err = l.Close()
			}
			return err
		}, `^a is a socket`},
		{"all of them at once", func(src string) error {
			if err := os.Symlink("/x", filepath.Join(src, "a")); err != nil {
				return err
			}
			return os.Symlink("/y", filepath.Join(src, "b"))
		}, `(?s)^a is .*\nb is `},
		{"no tree", os.RemoveAll, `no such file`},
	} {
		t.Run(tt.promise, func(t *testing.T) {
			base, err := os.MkdirTemp("", "s") // short: the path of a socket is bounded
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(base)
			src := filepath.Join(base, "src")
			writeFile(t, filepath.Join(src, "sub/main.py"), nil)
			if err := tt.make(src); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(base, "out")
			err = Source(context.Background(), SourceOptions{Out: out, Dir: "/app", Python: "3.13", Source: src})
			if err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) {
				t.Errorf("got the error %v, want one that matches %s", err, tt.want)
			}
			if _, err := os.Lstat(out); !os.IsNotExist(err) {
				t.Errorf("left: %q", entries(t, out))
			}
		})
	}
}
