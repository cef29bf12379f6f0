package pyfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

func TestReportInTheReadmeIsTheOneThatIntegrationTests(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := txtar.ParseFile(filepath.Join("integration", "testdata", "errors", "readme.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range wrong.Files {
		if f.Name == "want" && !strings.Contains(string(readme), "```\n"+string(f.Data)+"```\n") {
			t.Errorf("README.md does not show what the build prints:\n%s", f.Data)
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
