//go:build integration

package integration

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite what testdata/errors wants, and the tables of docs/sizes.md and docs/engines.md, to be what the builds give")

// wrong is a project that cannot be built, with the report that its user must get. It is a txtar archive: the files of the project, and
//
//	args      arguments for buildctl, one a line
//	mended/   the files that a user who did as the report says has changed; the project must then build
//	want      the whole report
//	match     instead of want, where a part of the report is another program's: regular expressions of lines, in their order
type wrong struct {
	name  string
	file  string
	about string
	txt   *txtar.Archive
	parts map[string]string // args, want and match
	dir   string            // where the project is
}

// slots keep the daemon from too many builds at once.
var slots = make(chan struct{}, 4)

func readWrong(t *testing.T, file string) *wrong {
	t.Helper()
	txt, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := &wrong{
		name: strings.TrimSuffix(filepath.Base(file), ".txtar"), file: file, about: string(txt.Comment), txt: txt, parts: map[string]string{},
	}
	for _, f := range txt.Files {
		switch f.Name {
		case "args", "want", "match":
			w.parts[f.Name] = string(f.Data)
		}
	}
	return w
}

// put writes the project's files, or those of a mended project over them. Texts are replaced in them, such as addresses of servers.
func (w *wrong) put(t *testing.T, mended bool, replace ...string) {
	t.Helper()
	if w.dir == "" {
		w.dir = t.TempDir()
	}
	for _, f := range w.txt.Files {
		name, isMended := strings.CutPrefix(f.Name, "mended/")
		if _, part := w.parts[f.Name]; !part && isMended == mended {
			write(t, w.dir, name, strings.NewReplacer(replace...).Replace(string(f.Data)))
		}
	}
}

// mends tells whether the case has a mended project.
func (w *wrong) mends() bool {
	for _, f := range w.txt.Files {
		if strings.HasPrefix(f.Name, "mended/") {
			return true
		}
	}
	return false
}

// build builds the project, which must fail, and returns the report.
func (w *wrong) build(t *testing.T) string {
	t.Helper()
	out, err := labDaemon().build(t, w.dir, strings.Fields(w.parts["args"])...)
	if err == nil {
		t.Fatalf("the build succeeds:\n%s", out)
	}
	got := report(out)
	wellWorded(t, got)
	return got
}

// check compares a report with what the case wants, or makes it what the case wants.
func (w *wrong) check(t *testing.T, got string) {
	t.Helper()
	if patterns, ok := w.parts["match"]; ok {
		t.Log(got)
		matchLines(t, got, patterns)
		return
	}
	if got == w.parts["want"] {
		return
	}
	if !*update {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s", w.about, got, w.parts["want"])
		return
	}
	for i := range w.txt.Files {
		if w.txt.Files[i].Name == "want" {
			w.txt.Files[i].Data = []byte(got)
		}
	}
	if _, ok := w.parts["want"]; !ok {
		w.txt.Files = append(w.txt.Files, txtar.File{Name: "want", Data: []byte(got)})
	}
	if err := os.WriteFile(w.file, txtar.Format(w.txt), 0o644); err != nil {
		t.Fatal(err)
	}
}

var (
	progressLine = regexp.MustCompile(`(?m)^#[0-9]+ .*\n`)
	timing       = regexp.MustCompile(`(?m)^[0-9]+\.[0-9]+ `)
)

// report is what a client prints of a failure after its progress: the output of a failed step, the marked lines, the message. Times
// before the lines of output are left out. The first words of the message depend on which end of the client's connection hears of the
// failure first.
func report(out string) string {
	if all := progressLine.FindAllStringIndex(out, -1); len(all) > 0 {
		out = out[all[len(all)-1][1]:]
	}
	out = strings.Replace(out, "\nerror: failed to run Build function: ", "\nerror: failed to solve: ", 1)
	return timing.ReplaceAllString(strings.TrimLeft(out, "\n"), "")
}

// matchLines looks for a line for each regular expression, in their order.
func matchLines(t *testing.T, got, patterns string) {
	t.Helper()
	lines := strings.Split(got, "\n")
	for pattern := range strings.Lines(patterns) {
		re, err := regexp.Compile("^(?:" + strings.TrimSuffix(pattern, "\n") + ")$")
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for i < len(lines) && !re.MatchString(lines[i]) {
			i++
		}
		if i == len(lines) {
			t.Errorf("no line, or none in that order: %s\ngot:\n%s", re, got)
			return
		}
		lines = lines[i+1:]
	}
}

// unreadable is what never helps a user: words of Go, of its formatting and of the wire, and a message in a message.
var unreadable = regexp.MustCompile(`%!|<nil>|\b(?:pyfile|lock|plan|install|errors)\.[A-Z*]|\*[a-z]+\.|interface \{\}|goroutine|panic|rpc error|` +
	`code = |failed to solve: failed to solve|Pyfile:[0-9:]* Pyfile:|hint: hint|hint: *\n|\\u[0-9a-f]{4}`)

// secret stands for a password in the projects. No report may show it.
const secret = "hunter2"

func wellWorded(t *testing.T, report string) {
	t.Helper()
	if found := unreadable.FindString(report); found != "" {
		t.Errorf("the report has %q:\n%s", found, report)
	}
	if strings.Contains(report, secret) {
		t.Errorf("the report shows a password:\n%s", report)
	}
}

func TestErrorsAreReportedAtTheLineThatCausesThem(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 40 {
		t.Fatalf("only %d wrong projects", len(files))
	}
	pushBases(t)
	replace := serveWheels(t)
	for _, file := range files {
		w := readWrong(t, file)
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			w.put(t, false, replace...)
			w.check(t, w.build(t))
			if w.mends() {
				w.put(t, true, replace...)
				if out, err := labDaemon().build(t, w.dir, strings.Fields(w.parts["args"])...); err != nil {
					t.Errorf("the mended project does not build: %v\n%s", err, out)
				}
			}
		})
	}
}

// wrongCase is one of the cases, with its project written.
func wrongCase(t *testing.T, name string) *wrong {
	t.Helper()
	w := readWrong(t, filepath.Join("testdata", "errors", name+".txtar"))
	w.put(t, false)
	return w
}

// buildx runs `docker buildx build` on the lab's builder. The result stays in its cache.
func (w *wrong) buildx(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return command(t, w.dir, "docker", append([]string{"buildx", "build", "--builder", "pyfile-lab", "--progress", "plain"}, append(args, ".")...)...)
}

// message splits what a case wants into the marked lines and the message.
func (w *wrong) message(t *testing.T) (marked, message string) {
	t.Helper()
	marked, message, ok := strings.Cut(w.parts["want"], "error: failed to solve: ")
	if !ok {
		t.Fatalf("%s wants no message", w.file)
	}
	return marked, message
}

func TestErrorsAreTheSameThroughDockerBuildx(t *testing.T) {
	for name, args := range map[string][]string{
		"several-problems": {"-f", "Pyfile"},
		"pyproject-table":  {"-f", "pyproject.toml"},
		"uv-stale":         {"-f", "Pyfile"},
		"wheel-macos-only": {"-f", "Pyfile"},
		"target-unknown":   {"-f", "Pyfile", "--target", "finale"},
		"arg-given-wrong":  {"-f", "Pyfile", "--build-arg", "PYTHON=3.x"},
		"python-no-image":  {"-f", "Pyfile"},
	} {
		t.Run(name, func(t *testing.T) {
			w := wrongCase(t, name)
			out, err := w.buildx(t, append(args, "--output", "type=cacheonly")...)
			if err == nil {
				t.Fatalf("the build succeeds:\n%s", out)
			}
			marked, message := w.message(t)
			if got, want := report(out), marked+"ERROR: failed to build: failed to solve: "+message; got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// ofPyfile is the marked lines of the Pyfile.
var ofPyfile = regexp.MustCompile(`(?m)^Pyfile:[0-9]+\n-+\n(?: .*\n)*-+\n`)

// TestErrorsAreFoundByCheck holds `docker buildx build --call=check` to the build: the same message, and exit status 1.
func TestErrorsAreFoundByCheck(t *testing.T) {
	pushBases(t)
	for _, name := range []string{"several-problems", "several-files", "lock-two", "base-other-python", "build-names", "group-unknown", "wheel-credentials"} {
		t.Run(name, func(t *testing.T) {
			w := wrongCase(t, name)
			out, err := w.buildx(t, "--call=check", "-f", "Pyfile")
			if err == nil {
				t.Fatalf("the check succeeds:\n%s", out)
			}
			got := report(out)
			wellWorded(t, got)
			marked, message := w.message(t)
			// buildx shows lines of the build file only.
			if marked = ofPyfile.FindString(marked); marked == "" && strings.Contains(message, "Pyfile:") {
				t.Fatal("no lines of the Pyfile are wanted")
			}
			if want := "ERROR: " + message + marked; strings.TrimRight(got, "\n") != strings.TrimRight(want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestErrorsAreNotFoundInRightProjects(t *testing.T) {
	for _, name := range []string{"hello", "fastapi"} {
		t.Run(name, func(t *testing.T) {
			w := &wrong{dir: example(t, name)}
			out, err := w.buildx(t, "--call=check", "-f", "Pyfile")
			if err != nil || !strings.Contains(out, "Check complete, no warnings found.") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
