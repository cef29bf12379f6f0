package diagnosis

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "rewrite the diagnoses in testdata")

// fixture is the shortened output of a real build, with what is known of it.
type fixture struct {
	name    string
	archive *txtar.Archive
	facts   Facts
	log     []byte
}

func fixtures(t testing.TB) []fixture {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	var all []fixture
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f := fixture{name: strings.TrimSuffix(filepath.Base(file), ".txt"), archive: archive}
		for _, part := range archive.Files {
			switch part.Name {
			case "facts.json":
				if err := json.Unmarshal(part.Data, &f.facts); err != nil {
					t.Fatalf("%s: %v", file, err)
				}
			case "log":
				f.log = part.Data
			}
		}
		all = append(all, f)
	}
	return all
}

// text is a diagnosis for people who read the golden files.
func text(d *Diagnosis) string {
	if d == nil {
		return "nothing\n"
	}
	return fmt.Sprintf("kind: %s\nname: %s\nwants: %s\npackages: %s\nmessage: %s\nhint: %s\nline: %s\n",
		d.Kind, d.Name, strings.Join(d.Wants, " "), strings.Join(d.Packages, " "), d.Message, d.Hint, d.Line)
}

func TestRealOutputGivesTheGoldenDiagnosis(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			got := text(Of(f.log, f.facts))
			var golden []byte
			for _, part := range f.archive.Files {
				if part.Name == "diagnosis" {
					golden = part.Data
				}
			}
			if *update {
				f.archive.Files = append(f.archive.Files[:min(2, len(f.archive.Files))], txtar.File{Name: "diagnosis", Data: []byte(got)})
				if err := os.WriteFile(filepath.Join("testdata", f.name+".txt"), txtar.Format(f.archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(golden) {
				t.Errorf("the diagnosis differs; run `go test ./diagnosis -update` and read the difference\n%s\nwant\n%s", got, golden)
			}
		})
	}
}

// check are the promises for any output.
func check(t *testing.T, d *Diagnosis) {
	t.Helper()
	if d == nil {
		return
	}
	for _, s := range append([]string{d.Name, d.Message, d.Hint, d.Line}, d.Wants...) {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			t.Errorf("control characters or broken text: %q", s)
		}
	}
	if d.Kind == "" || d.Message == "" || d.Hint == "" || len(d.Message) > longestMessage || len(d.Hint) > longestHint || len(d.Line) > longestMessage {
		t.Errorf("%+v", d)
	}
	back, err := ParseFailure(d.Failure().Marshal())
	if err != nil || back.Message != d.Message || back.Hint != d.Hint || back.Kind != d.Kind || strings.Join(back.Wants, " ") != strings.Join(d.Wants, " ") {
		t.Errorf("%+v becomes %+v: %v", d, back, err)
	}
}

func TestEveryFixtureKeepsThePromises(t *testing.T) {
	for _, f := range fixtures(t) {
		d := Of(f.log, f.facts)
		check(t, d)
		if d == nil {
			t.Errorf("%s: no diagnosis", f.name)
		}
	}
}

func TestLongOutputBeforeTheEndChangesNothing(t *testing.T) {
	before := bytes.Repeat([]byte("copying src/a.py -> build/lib/a.py\n"), mostOutput/30)
	for _, f := range fixtures(t) {
		switch f.name {
		case "psycopg2-gcc", "numpy-slim", "ldap-gcc":
			if got, want := text(Of(append(bytes.Clone(before), f.log...), f.facts)), text(Of(f.log, f.facts)); got != want {
				t.Errorf("%s: %s\nwant\n%s", f.name, got, want)
			}
		}
	}
}

func FuzzOf(f *testing.F) {
	for _, fixture := range fixtures(f) {
		f.Add(fixture.log, fixture.facts.Name, fixture.facts.Python, fixture.facts.Own, fixture.facts.Exit)
	}
	f.Add([]byte("\x1b[31merror: \x1b]0;x\x07\xff"), "\x1b[2J", "3", true, -9)
	f.Add([]byte("fatal error: \x1b[31m\u202e/\u2028.h: No such file or directory"), "", "", false, 137)
	f.Fuzz(func(t *testing.T, log []byte, name, python string, own bool, exit int) {
		facts := Facts{Name: name, Version: name, Python: python, Own: own, Exit: exit}
		d := Of(log, facts)
		check(t, d)
		if got := Of(log, facts); text(got) != text(d) {
			t.Errorf("two answers: %s and %s", text(d), text(got))
		}
	})
}

func BenchmarkOf(b *testing.B) {
	for _, f := range fixtures(b) {
		if f.name != "greenlet-old" {
			continue
		}
		log := bytes.Repeat(f.log, 100)
		b.SetBytes(int64(len(log)))
		for b.Loop() {
			Of(log, f.facts)
		}
	}
}
