package plan

import (
	"slices"
	"testing"

	"github.com/org/pyfile/pyfile"
)

// TestFirstFilesAreReadInAnyCase holds what the frontend reads ahead to what Open then asks for.
func TestFirstFilesAreReadInAnyCase(t *testing.T) {
	for _, text := range []string{
		"python = \"3.13\"\n",
		"python = \"3.13\"\n[dependencies]\nproject = \"packages/api\"\n",
		"[dependencies]\nlock = [\"locks/production.txt\"]\n",
	} {
		file, err := pyfile.Parse("Pyfile", []byte("# syntax=org/pyfile:1\n"+text), nil)
		if err != nil {
			t.Fatal(err)
		}
		var asked []string
		_, _ = Open(file, func(patterns []string) (map[string][]byte, error) {
			if asked == nil {
				asked = patterns
			}
			return nil, nil
		}, Options{})
		for _, p := range FirstFiles() {
			if !slices.Contains(asked, p) {
				t.Errorf("%q: %s is not asked for", text, p)
			}
		}
	}
}

func TestForeseenBaseIsThatOfTheProject(t *testing.T) {
	for _, test := range []struct {
		text     string
		replaced []string
		want     string // empty if the Pyfile alone does not tell
	}{
		{"python = \"3.13\"\n", nil, "python:3.13-slim"},
		{"python = \"3.13\"\nbase = \"example.com/base:1\"\n", nil, "example.com/base:1"},
		{"base = \"example.com/base:1\"\n", nil, "example.com/base:1"},
		{"", nil, ""},
		{"python = \"3.13\"\n", []string{Base}, ""},
	} {
		files := map[string]string{"Pyfile": "# syntax=org/pyfile:1\n" + test.text + "cmd = [\"python\"]\n", ".python-version": "3.12\n", "uv.lock": "version = 1\nrequires-python = \">=3.12\"\n",
			"pyproject.toml": "[project]\nname = \"x\"\nversion = \"1\"\n"}
		file, err := pyfile.Parse("Pyfile", []byte(files["Pyfile"]), nil)
		if err != nil {
			t.Fatal(err)
		}
		foreseen := Foresee(file, Options{Replaced: test.replaced})
		if foreseen == nil || test.want == "" {
			if foreseen != nil || test.want != "" {
				t.Errorf("%q: foreseen %v, want %q", test.text, foreseen, test.want)
			}
			continue
		}
		p, err := openWith(t, Options{Replaced: test.replaced}, files)
		if err != nil {
			t.Fatalf("%q: %v", test.text, err)
		}
		if foreseen.Base != test.want || p.Base != test.want {
			t.Errorf("%q: foreseen %s, opened %s, want %s", test.text, foreseen.Base, p.Base, test.want)
		}
	}
}
