package lock

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

var fuzzTarget = python.Target{Python: mustVersion("3.13.5"), Machine: "x86_64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 41}}

func FuzzUV(f *testing.F)     { fuzzLock(f, "uv.lock") }
func FuzzPylock(f *testing.F) { fuzzLock(f, "pylock.toml") }
func FuzzPoetry(f *testing.F) { fuzzLock(f, "poetry.lock") }

// fuzzLock reads any bytes as a lock and, if that works, selects from it.
func fuzzLock(f *testing.F, name string) {
	for _, a := range fixtures(f, "select") {
		lock, ok := a.part(name)
		if !ok {
			continue
		}
		project, _ := a.part("pyproject.toml")
		f.Add(expandHashes(lock), []byte(project), "dev", "s3")
	}
	f.Fuzz(func(t *testing.T, data, pyproject []byte, group, extra string) {
		l, err := Read([]string{name}, map[string][]byte{name: data})
		if (l == nil) == (err == nil) {
			t.Fatalf("Read returned %v and %v", l, err)
		}
		if err != nil {
			checkProblems(t, err, name, data)
			return
		}
		for _, r := range []Request{{}, {Groups: located(group), Extras: located(extra)}} {
			r.Target, r.Found = fuzzTarget, listedFiles(l.Query())
			if len(pyproject) > 0 {
				if r.Project, err = ParseProject("pyproject.toml", pyproject); err != nil {
					checkProblems(t, err, "pyproject.toml", pyproject)
					r.Project = nil
				}
			}
			artifacts, err := l.Select(r)
			if err != nil {
				if artifacts != nil {
					t.Fatalf("Select returned %d artifacts and %v", len(artifacts), err)
				}
				checkProblems(t, err, name, data)
				continue
			}
			checkArtifacts(t, artifacts, data)
			listed := l.Directories(r.Project)
			for _, a := range artifacts {
				if a.Kind == Directory && !slices.Contains(listed, a.Path) {
					t.Errorf("%s is selected from %q, which is not among %q", a.Name, a.Path, listed)
				}
			}
			if e := CUDA(artifacts, r.Project); e != nil {
				checkRange(t, e.Range, pyproject)
			}
			checkFromSource(t, l, r, artifacts)
			again, err := l.Select(r)
			if err != nil || len(again) != len(artifacts) {
				t.Fatalf("Select gave %d artifacts, then %d and %v", len(artifacts), len(again), err)
			}
		}
	})
}

// checkFromSource checks that a package that the Pyfile wants built is no wheel, or an error of the Pyfile, and that nothing else changes.
func checkFromSource(t *testing.T, l *Lock, r Request, artifacts []Artifact) {
	t.Helper()
	for i, a := range artifacts {
		if a.Kind != Wheel || i > 3 {
			continue
		}
		r.FromSource = located(strings.ToUpper(a.Name))
		built, err := l.Select(r)
		if err != nil {
			if errs := (pyfile.Errors)(nil); !errors.As(err, &errs) || errs[0].File != "" && errs[0].File != l.Name {
				t.Errorf("%s from source: %v", a.Name, err)
			}
			continue
		}
		if len(built) != len(artifacts) || built[i].Name != a.Name || built[i].Kind != Sdist {
			t.Errorf("%s from source: %+v", a.Name, built)
		}
	}
}

// FuzzParseProject reads any bytes as a pyproject.toml.
func FuzzParseProject(f *testing.F) {
	for _, a := range append(fixtures(f, "project"), fixtures(f, "select")...) {
		if text, ok := a.part("pyproject.toml"); ok {
			f.Add([]byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProject("pyproject.toml", data)
		if p == nil {
			t.Fatal("no project")
		}
		if err != nil {
			checkProblems(t, err, "pyproject.toml", data)
		}
		for _, s := range []pyfile.String{p.Name, p.Version, p.RequiresPython, p.BuildBackend} {
			if s.Set() {
				checkRange(t, s.Range, data)
			} else if s.Value != "" {
				t.Errorf("%q has no place", s.Value)
			}
		}
		for _, s := range p.Dependencies {
			checkRange(t, s.Range, data)
		}
	})
}

func fixtures(f *testing.F, folder string) []archive {
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no fixtures in testdata/%s: %v", folder, err)
	}
	var out []archive
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		out = append(out, parseArchive(string(data)))
	}
	return out
}

func located(value string) []pyfile.String {
	return []pyfile.String{{Value: value, Range: firstLine}}
}

// checkProblems checks that an error is a list of problems, each with a text and a place in its file.
func checkProblems(t *testing.T, err error, name string, data []byte) {
	t.Helper()
	var errs pyfile.Errors
	if !errors.As(err, &errs) || len(errs) == 0 {
		t.Fatalf("the error is %#v, want a list of problems", err)
	}
	for _, e := range errs {
		if e.Msg == "" {
			t.Error("a problem without a message")
		}
		if e.File == name {
			checkRange(t, e.Range, data)
		}
	}
}

// checkRange checks that a range lies in the data: Start before End, on lines that exist, at columns that exist.
func checkRange(t *testing.T, r pyfile.Range, data []byte) {
	t.Helper()
	start, end := offset(data, r.Start), offset(data, r.End)
	if start < 0 || end < start {
		t.Errorf("range %+v is not in the data", r)
	}
}

// offset turns a place into a byte offset, or -1 when there is no such place.
func offset(data []byte, p pyfile.Pos) int {
	if p.Line < 1 || p.Col < 1 {
		return -1
	}
	at := 0
	for line := 1; line < p.Line; line++ {
		for at < len(data) && data[at] != '\n' {
			at++
		}
		if at == len(data) {
			return -1
		}
		at++
	}
	if at += p.Col - 1; at > len(data) {
		return -1
	}
	return at
}

var (
	hex64     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	plainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
)

// checkArtifacts checks what every reader promises of what it selects, whatever the lock.
func checkArtifacts(t *testing.T, artifacts []Artifact, data []byte) {
	t.Helper()
	for i, a := range artifacts {
		if i > 0 && artifacts[i-1].Name >= a.Name {
			t.Errorf("%q after %q", a.Name, artifacts[i-1].Name)
		}
		if !plainName.MatchString(a.Name) || a.Size < 0 || a.Lock == "" || (a.URL == "") == (a.Path == "") {
			t.Errorf("not sound: %+v", a)
		}
		if a.Path != "" && (path.IsAbs(a.Path) || a.Path != path.Clean(a.Path) || strings.HasPrefix(a.Path+"/", "../")) {
			t.Errorf("%s: path %q", a.Name, a.Path)
		}
		if dir, inside := subdirectory(a.Subdir); !inside || dir != a.Subdir {
			t.Errorf("%s: subdirectory %q", a.Name, a.Subdir)
		}
		if (a.LFS || a.Ref != "") && a.Kind != Git || a.Ref != "" && !plainRef.MatchString(a.Ref) {
			t.Errorf("%s: %+v", a.Name, a)
		}
		checkRange(t, a.Origin, data)
		switch a.Kind {
		case Wheel:
			w, err := python.ParseWheelName(a.Filename)
			if err != nil || w.Name != a.Name {
				t.Errorf("%s: file name %q: %v", a.Name, a.Filename, err)
			}
		case Git:
			g := git{url: a.URL, commit: a.Commit}
			if problem, _ := g.problem(); problem != "" || a.Filename != "" {
				t.Errorf("%s: %s %+v", a.Name, problem, a)
			}
			continue
		case Directory:
			if a.Path == "" || a.Filename != "" {
				t.Errorf("%s: %+v", a.Name, a)
			}
			continue
		case Sdist, Archive:
		default:
			t.Errorf("%s: kind %q", a.Name, a.Kind)
		}
		if strings.Contains(a.Filename, "/") {
			t.Errorf("%s: file name %q", a.Name, a.Filename)
		}
		if a.URL != "" {
			if link, problem, _ := fileURL(a.URL); problem != "" || link != a.URL || !hex64.MatchString(a.SHA256) {
				t.Errorf("%s: URL %q, sha256 %q: %s", a.Name, a.URL, a.SHA256, problem)
			}
		}
	}
}
