package step

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tree is a directory with files; names that end with a slash are directories. All of it has a time of its own.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(full, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(name, former, former)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var former = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)

// shell runs a script in a directory.
func shell(dir, script string, change func(*Options)) error {
	o := Options{Args: []string{"sh", "-ec", script}, Env: os.Environ(), Dir: dir}
	if change != nil {
		change(&o)
	}
	return Run(context.Background(), o)
}

// contents are the files below a directory with what is in them, each as "path text", and whether its time is the epoch (=) or the
// former one (-).
func contents(t *testing.T, dir string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mark := "?"
		switch {
		case info.ModTime().Equal(epoch):
			mark = "="
		case info.ModTime().Equal(former):
			mark = "-"
		}
		text := ""
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			text, err = os.Readlink(name)
		case info.Mode().IsRegular():
			var data []byte
			data, err = os.ReadFile(name)
			text = string(data)
		}
		rel, _ := filepath.Rel(dir, name)
		list = append(list, strings.TrimSpace(mark+rel+" "+text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatACommandLeavesIsAMatterOfItsFilesAlone(t *testing.T) {
	dir := tree(t, map[string]string{"app.py": "x", "touched.py": "y", "written.py": "z", "gone.py": "", "sub/a": "1", "quiet/b": "2"})
	err := shell(dir, `
		echo new > app.py
		touch touched.py
		printf z > written.py
		rm gone.py
		mkdir -p static/css
		echo body > static/css/a.css
		ln -s a.css static/css/b.css
		echo more > sub/c
		mkfifo pipe
	`, nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, contents(t, dir), "=app.py new", "-quiet", "-quiet/b 2", "=static", "=static/css", "=static/css/a.css body", "=static/css/b.css a.css",
		"-sub", "-sub/a 1", "=sub/c more", "-touched.py y", "-written.py z")
}

func TestChangedModesAndLinksAreChanges(t *testing.T) {
	dir := tree(t, map[string]string{"run": "", "was-file": "", "was-dir/": ""})
	if err := shell(dir, `chmod 755 run; rm was-file; ln -s run was-file; rmdir was-dir; : > was-dir`, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, contents(t, dir), "=run", "=was-dir", "=was-file run")
}

func TestNewFilesAreCollectedWithoutCaches(t *testing.T) {
	dir, out := tree(t, map[string]string{"tests/test_a.py": "x", "old.xml": "1", "same.txt": "2"}), t.TempDir()
	err := shell(dir, `
		echo '<testsuites/>' > junit.xml
		echo 2 > old.xml
		touch same.txt
		mkdir -p htmlcov .cache/v empty
		echo page > htmlcov/index.html
		echo 'Signature: 8a477f597d28d172789f06886806bc55' > .cache/CACHEDIR.TAG
		echo x > .cache/v/lastfailed
		ln -s junit.xml latest
		printf '#!/bin/sh\n' > tool; chmod 700 tool
	`, func(o *Options) { o.Out = out })
	if err != nil {
		t.Fatal(err)
	}
	equal(t, contents(t, out), "=htmlcov", "=htmlcov/index.html page", "=junit.xml <testsuites/>", "=latest junit.xml", "=old.xml 2", "=tool #!/bin/sh")
	if info, err := os.Stat(filepath.Join(out, "tool")); err != nil || info.Mode().Perm() != 0o744 {
		t.Errorf("a program has %v, %v", info.Mode(), err)
	}
}

func TestACommandRunsAsItsUser(t *testing.T) {
	user, home := "65532:65532", "/"
	if os.Geteuid() != 0 { // who may run a command as nobody else
		user, home = fmt.Sprintf("%d:%d", os.Geteuid(), os.Getegid()), os.Getenv("HOME")
	}
	dir := tree(t, map[string]string{"a": ""})
	for p := dir; len(p) > len(os.TempDir()); p = filepath.Dir(p) {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := shell(dir, `echo "$(id -u):$(id -g) $HOME" > who`, func(o *Options) {
		o.User, o.Own = user, true
		o.Env = []string{"PATH=" + os.Getenv("PATH")}
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, contents(t, dir), "-a", "=who "+user+" "+home)
}

func TestFailuresSayWhatToDo(t *testing.T) {
	secrets := tree(t, map[string]string{"there": "x"})
	for _, test := range []struct {
		name, script  string
		change        func(*Options)
		message, hint string
	}{
		{"status", "exit 3", nil, "sh ended with status 3", "what it printed is above"},
		{"signal", "kill -SEGV $$", nil, "sh was ended by the signal segmentation fault", ""},
		{"memory", "kill -KILL $$", nil, "sh was ended by the signal killed", "the builder may have too little memory"},
		{"program", "", func(o *Options) { o.Args = []string{"no-such-program", "ci"} }, `there is no program "no-such-program" in the image`, ""},
		{"file", "", func(o *Options) { o.Args = []string{"./build.sh"} }, "there is no file DIR/build.sh in the image", ""},
		{"user", "", func(o *Options) { o.User = "nobody-here" }, `the image has no user "nobody-here"`, `write names that the image has, such as "nonroot", or numbers such as "1000:1000"`},
		{"group", "", func(o *Options) { o.User = "0:nobody-here" }, `the image has no user "0:nobody-here"`, `write names that the image has, such as "nonroot", or numbers such as "1000:1000"`},
		{"secret", "", func(o *Options) { o.Secrets = []string{secrets + "/there", secrets + "/token"} }, `the build was not given the secret "token"`, "build with --secret id=token,src=FILE"},
		{"authority", "echo 'curl: (60) SSL certificate problem: unable to get local issuer certificate' >&2; exit 60", func(o *Options) { o.CA = secrets + "/ca-bundle" },
			"sh ended with status 60, because it does not trust the certificate of a host",
			"build with --secret id=ca-bundle,src=FILE, a file with the certificate of the authority that signed it, as that of your proxy"},
		{"no certificates", "", func(o *Options) { o.CA = secrets + "/there" }, "the build secret ca-bundle must hold certificates in PEM form, and has none",
			"give it the certificate, as a text that begins with -----BEGIN CERTIFICATE-----"},
		{"secrets", "", func(o *Options) { o.Secrets = []string{secrets + "/a", secrets + "/b"} }, `the build was not given the secrets ["a" "b"]`, "build with --secret id=a,src=FILE --secret id=b,src=FILE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := tree(t, nil)
			err := shell(dir, test.script, test.change)
			var f *Failure
			if !errors.As(err, &f) {
				t.Fatalf("got %v", err)
			}
			if got := strings.ReplaceAll(f.Message, dir, "DIR"); got != test.message || f.Hint != test.hint {
				t.Errorf("got %q, %q", got, f.Hint)
			}
			if want := test.name == "program"; want != slices.Equal(f.Wants, []string{"program:no-such-program"}) {
				t.Errorf("it wants %v", f.Wants)
			}
		})
	}
}

func TestAProcessThatACommandLeavesDoesNotKeepAStepWaiting(t *testing.T) {
	begin := time.Now()
	if err := shell(tree(t, nil), "sleep 30 & echo started", func(o *Options) { o.CA = filepath.Join(t.TempDir(), "ca-bundle") }); err != nil || time.Since(begin) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}

// writes keeps what each call wrote.
type writes []string

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, string(p))
	return len(p), nil
}

func TestWhatACommandPrintsComesInItsOrderAndByWholeLines(t *testing.T) {
	script, want := "", ""
	for i := range 20 {
		script += fmt.Sprintf("printf %d; echo; printf %d >&2; echo >&2; ", 2*i, 2*i+1)
		want += fmt.Sprintf("%d\n%d\n", 2*i, 2*i+1)
	}
	var out writes
	if err := shell(t.TempDir(), script+"printf end", func(o *Options) { o.Output = &out }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(out, ""); got != want+"end" {
		t.Errorf("got %q", got)
	}
	for _, w := range out[:len(out)-1] {
		if !strings.HasSuffix(w, "\n") {
			t.Errorf("%q was written, which is no line", w)
		}
	}
}

func TestAQuestionIsShownBeforeItsLineEnds(t *testing.T) {
	var out writes
	if err := shell(t.TempDir(), "printf 'sure? '; sleep 1; echo yes", func(o *Options) { o.Output = &out }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(out, []string{"sure? ", "yes\n"}) {
		t.Errorf("got %q", []string(out))
	}
}

func TestACanceledCommandEnds(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	err := Run(ctx, Options{Args: []string{"sh", "-c", "sleep 60"}, Env: os.Environ(), Dir: t.TempDir()})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 30*time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}
