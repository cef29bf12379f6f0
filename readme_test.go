package pyfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

func TestReportsInTheDocumentationAreThoseThatIntegrationTests(t *testing.T) {
	for file, wrong := range map[string]string{"README.md": "readme", "docs/locks.md": "lock-poetry"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		archive, err := txtar.ParseFile(filepath.Join("integration", "testdata", "errors", wrong+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		shown := false
		for _, f := range archive.Files {
			shown = shown || f.Name == "want" && strings.Contains(string(text), "```\n"+string(f.Data)+"```\n")
		}
		if !shown {
			t.Errorf("%s does not show what the build of %s prints", file, wrong)
		}
	}
}

func TestPyfileInTheReadmeIsThatOfTheExample(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(filepath.Join("examples", "fastapi", "Pyfile"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(example)) {
		if !strings.HasPrefix(line, "expose") && !strings.Contains(string(readme), line) {
			t.Errorf("README.md lacks the line %s", line)
		}
	}
}
