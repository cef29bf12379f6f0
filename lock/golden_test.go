package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

var update = flag.Bool("update", false, "write what the tests get into testdata")

// archive is a text file of several: a comment, then parts that begin with "-- NAME --".
type archive struct {
	comment string
	parts   []part
}

type part struct{ name, text string }

var partHeader = regexp.MustCompile(`(?m)^-- (\S+) --\n`)

func parseArchive(text string) archive {
	var a archive
	at := partHeader.FindAllStringSubmatchIndex(text, -1)
	if len(at) == 0 {
		return archive{comment: text}
	}
	a.comment = text[:at[0][0]]
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		a.parts = append(a.parts, part{text[m[2]:m[3]], text[m[1]:end]})
	}
	return a
}

func (a *archive) String() string {
	out := a.comment
	for _, p := range a.parts {
		out += "-- " + p.name + " --\n" + p.text
	}
	return out
}

func (a *archive) part(name string) (string, bool) {
	for _, p := range a.parts {
		if p.name == name {
			return p.text, true
		}
	}
	return "", false
}

// HASH(x) in a fixture stands for the sha256 of x.
var hashes = regexp.MustCompile(`HASH\(([^)]*)\)`)

func expandHashes(text string) []byte {
	return hashes.ReplaceAllFunc([]byte(text), func(m []byte) []byte {
		sum := sha256.Sum256(m[len("HASH(") : len(m)-1])
		return []byte(hex.EncodeToString(sum[:]))
	})
}

// golden runs f on every file of a folder of testdata and compares the part "want" with what it returns.
func golden(t *testing.T, folder string, f func(t *testing.T, a archive) string) {
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures in testdata/%s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			a := parseArchive(string(data))
			got := f(t, a)
			want, _ := a.part("want")
			if got == want {
				return
			}
			if !*update {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
				return
			}
			a.parts = slices.DeleteFunc(a.parts, func(p part) bool { return p.name == "want" })
			a.parts = append(a.parts, part{"want", got})
			if err := os.WriteFile(file, []byte(a.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestSelect reads the lock of a fixture and asks it every question of the part "ask", one a line:
//
//	3.13.5 x86_64 glibc-2.41 group=dev extra=s3 source=numpy free-threaded no-project
//	query
//
// A fixture without that part only reads. The part "found" is what the index answers, see answer. The part "lock" names the lock
// where that is not the first part with the name of one. Read sees only the files that Needs asks for.
// A fixture without that part only reads. The part "found" is what the index answers, see answer.
func TestSelect(t *testing.T) {
	golden(t, "select", func(t *testing.T, a archive) string {
		names, files := filesOf(t, a)
		l, err := Read(names, files)
		if err != nil {
			if l != nil {
				t.Error("Read returned a lock and an error")
			}
			return problemsIn(t, err, files)
		}
		var project *Project
		if text, ok := a.part("pyproject.toml"); ok {
			if project, err = ParseProject("pyproject.toml", []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		var found *index.Answer
		if text, ok := a.part("found"); ok {
			found = answer(t, text, l.Query())
		}
		asks, _ := a.part("ask")
		var out strings.Builder
		if l.Loose != nil {
			fmt.Fprintf(&out, "loose %s\n", strings.Join(l.Loose, " "))
		}
		for ask := range strings.Lines(asks) {
			ask = strings.TrimSuffix(ask, "\n")
			out.WriteString("> " + ask + "\n")
			if ask == "query" {
				out.WriteString(describeQuery(l))
				continue
			}
			request := parseAsk(t, ask, project)
			request.Found = found
			artifacts, err := l.Select(request)
			if err != nil {
				if artifacts != nil {
					t.Error("Select returned artifacts and an error")
				}
				out.WriteString(problemsIn(t, err, files))
				continue
			}
			for _, a := range artifacts {
				out.WriteString(describe(a))
			}
		}
		return out.String()
	})
}

// describe writes an artifact in a few lines; those that are empty for its kind are left out.
func describe(a Artifact) string {
	out := fmt.Sprintf("%s %s line %d", a.Name, a.Version, a.Origin.Start.Line)
	if a.Kind != Wheel {
		out += " " + string(a.Kind)
	}
	if a.Size > 0 {
		out += fmt.Sprintf(" size %d", a.Size)
	}
	if a.LFS {
		out += " lfs"
	}
	for _, line := range []string{a.Filename, a.URL, a.Path, a.Subdir, a.Commit, a.Ref, a.SHA256[:min(8, len(a.SHA256))]} {
		if line != "" {
			out += "\n\t" + line
		}
	}
	if a.NoWheel != "" && !strings.HasPrefix(a.NoWheel, "no wheel for ") {
		out += "\n\t" + a.NoWheel
	}
	return out + "\n"
}

func lockOf(t *testing.T, a archive) (name string, data []byte) {
	for _, p := range a.parts {
		if _, ok := IsLock(p.name); ok {
			return p.name, expandHashes(strings.TrimSuffix(p.text, "~~~\n")) // cuts a file off in the middle of a line
		}
	}
	t.Fatal("the fixture has no lock")
	return "", nil
}

// filesOf returns the names of the lock of a fixture and the files that Read needs, which it asks for as the frontend does.
func filesOf(t *testing.T, a archive) (names []string, files map[string][]byte) {
	if text, ok := a.part("lock"); ok {
		names = strings.Fields(text)
	} else {
		name, _ := lockOf(t, a)
		names = []string{name}
	}
	files = map[string][]byte{}
	for need := names; len(need) > 0; need = Needs(names, files) {
		for _, name := range need {
			files[name] = nil
			if text, ok := a.part(name); ok {
				files[name] = expandHashes(strings.TrimSuffix(text, "~~~\n"))
			}
		}
	}
	return names, files
}

func parseAsk(t *testing.T, ask string, project *Project) Request {
	words := strings.Fields(ask)
	if len(words) < 3 {
		t.Fatalf("ask %q: want Python, machine and libc", ask)
	}
	r := Request{Project: project, Target: python.Target{Python: mustVersion(words[0]), Machine: words[1]}}
	if _, err := fmt.Sscanf(strings.ReplaceAll(words[2], "-", " "), "%s %d.%d", &r.Target.Libc.Name, &r.Target.Libc.Major, &r.Target.Libc.Minor); err != nil {
		t.Fatalf("ask %q: %v", ask, err)
	}
	for i, word := range words[3:] {
		key, value, _ := strings.Cut(word, "=")
		at := pyfile.String{Value: value, Range: pyfile.Range{Start: pyfile.Pos{Line: 10 + i, Col: 1}, End: pyfile.Pos{Line: 10 + i, Col: 2}}}
		switch key {
		case "group":
			r.Groups = append(r.Groups, at)
		case "extra":
			r.Extras = append(r.Extras, at)
		case "source":
			r.FromSource = append(r.FromSource, at)
		case "free-threaded":
			r.Target.FreeThreaded = true
		case "no-project":
			r.Project = nil
		default:
			t.Fatalf("ask %q: unknown word %q", ask, word)
		}
	}
	return r
}

// problems prints an error with the line of the file it points at, and checks that it is a list in order with places inside the file.
func problems(t *testing.T, err error, data []byte) string {
	t.Helper()
	return problemsIn(t, err, map[string][]byte{"": data})
}

// problemsIn is problems for several files. One that is not among them is that of the name "".
func problemsIn(t *testing.T, err error, files map[string][]byte) string {
	t.Helper()
	var errs pyfile.Errors
	if !errors.As(err, &errs) {
		t.Fatalf("the error is a %T, want pyfile.Errors", err)
	}
	sorted := slices.Clone(errs)
	sorted.Sort()
	if !slices.Equal(errs, sorted) {
		t.Error("the problems are not sorted")
	}
	var out strings.Builder
	for _, e := range errs {
		data, ok := files[e.File]
		if !ok {
			data = files[""]
		}
		lines := strings.Split(string(data), "\n")
		name := e.File
		if name == "" {
			name = "Pyfile"
		}
		if strings.Contains(e.Error(), ":secret") || strings.Contains(e.Error(), "hunter2") {
			t.Errorf("the message shows a password: %s", e.Error())
		}
		fmt.Fprintf(&out, "%s:%s\n", name, e.Error())
		if _, lock := IsLock(e.File); lock || ok {
			if n := e.Range.Start.Line; n < 1 || n > len(lines) {
				t.Errorf("%s: line %d is not in the file", e.Msg, n)
			} else if line := strings.TrimSpace(lines[n-1]); line != "" {
				out.WriteString("\t| " + abbreviate(line) + "\n")
			}
		}
	}
	return out.String()
}

func abbreviate(line string) string {
	if len(line) > 70 {
		return line[:70] + "..."
	}
	return line
}

// TestParseProject prints what is read of a pyproject.toml.
func TestParseProject(t *testing.T) {
	golden(t, "project", func(t *testing.T, a archive) string {
		text, ok := a.part("pyproject.toml")
		if !ok {
			t.Fatal("the fixture has no pyproject.toml")
		}
		p, err := ParseProject("pyproject.toml", []byte(text))
		if err != nil {
			return problems(t, err, []byte(text))
		}
		return dump(p)
	})
}

func dump(p *Project) string {
	var out strings.Builder
	str := func(key string, s pyfile.String) {
		if s.Set() {
			fmt.Fprintf(&out, "%s = %q, line %d\n", key, s.Value, s.Range.Start.Line)
		}
	}
	list := func(key string, l []pyfile.String) {
		for _, s := range l {
			str(key, s)
		}
	}
	pairs := func(key string, l []pyfile.Pair) {
		for _, kv := range l {
			str(key+" "+strconv.Quote(kv.Key.Value), kv.Value)
		}
	}
	groups := func(key string, l []Group) {
		for _, g := range l {
			str(key, g.Name)
			list("\t"+key, g.Requirements)
		}
	}
	str("name", p.Name)
	fmt.Fprintf(&out, "normalized %q\n", p.Normalized)
	str("version", p.Version)
	list("dynamic", p.Dynamic.Items)
	str("description", p.Description)
	str("license", p.License)
	pairs("url", p.URLs)
	str("requires-python", p.RequiresPython)
	pairs("script", p.Scripts)
	pairs("gui-script", p.GUIScripts)
	list("dependency", p.Dependencies)
	groups("extra", p.OptionalDependencies)
	groups("group", p.DependencyGroups)
	fmt.Fprintf(&out, "build system %v\n", p.HasBuildSystem())
	list("build requires", p.BuildRequires.Items)
	str("build backend", p.BuildBackend)
	list("backend path", p.BackendPath.Items)
	fmt.Fprintf(&out, "ext modules %v\n", p.HasExtModules)
	if p.Package != nil {
		fmt.Fprintf(&out, "package %v\n", *p.Package)
	}
	if p.PoetryOnly {
		out.WriteString("dependencies in [tool.poetry] only\n")
	}
	return out.String()
}
