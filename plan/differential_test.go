//go:build differential

package plan

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestATorchStackWithCUDAStaysUnderTheLayersOfEveryEngine locks the replayed project with torch as the index has it today.
func TestATorchStackWithCUDAStaysUnderTheLayersOfEveryEngine(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	run := func(dir, name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
	venv := filepath.Join(cache, "pyfile", "locks", "uv-0.13.9")
	if _, err := os.Stat(filepath.Join(venv, "bin", "uv")); err != nil {
		run(".", "python3", "-m", "venv", venv)
		run(".", filepath.Join(venv, "bin", "pip"), "install", "--quiet", "uv==0.13.9")
	}
	dir := t.TempDir()
	text, err := os.ReadFile("../bench/grouping/projects/ml/pyproject.toml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pyproject.toml"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	run(dir, filepath.Join(venv, "bin", "uv"), "lock", "--quiet", "--no-config", "--no-python-downloads")
	files := exampleFiles(t, dir)
	files["Pyfile"] = "python = \"3.13\"\ncmd = [\"python\"]\n[app]\ninstall = \"none\"\n"
	p, err := project(t, "", files).New(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	groups, nvidia := 0, 0
	for _, s := range p.Steps {
		if strings.HasPrefix(s.ID, "install:") {
			groups++
		}
		if strings.HasPrefix(s.ID, "install:nvidia-") {
			nvidia++
		}
	}
	if groups != defaultLayers || nvidia < 8 {
		t.Errorf("%d groups, %d of them one nvidia package each", groups, nvidia)
	}
	var layers int
	for _, s := range p.Steps {
		if s.ID == p.Result {
			layers = len(s.Merge) - 1 // without the base
		}
	}
	if layers < groups || 5+layers > 127 {
		t.Errorf("%d layers over a base of 5", layers)
	}
	t.Logf("%d groups, %d layers over the base", groups, layers)
}
