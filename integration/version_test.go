//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestVersionsComeFromGitWithoutTheRepositoryInTheBuild builds a checkout whose ignore file leaves .git out, as most do.
func TestVersionsComeFromGitWithoutTheRepositoryInTheBuild(t *testing.T) {
	dir, d := example(t, "versioned"), freshDaemon(t, registryHost)
	image := registryHost + newRepository("versioned") + ":1"
	write(t, dir, ".dockerignore", ".git\nexpect\n")
	commit := func(args ...string) {
		t.Helper()
		must(t, dir, "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
	}
	commit("add", "--all")
	commit("commit", "--quiet", "--amend", "--no-edit")
	commit("tag", "--force", "v1.2.3")
	_, log := d.push(t, dir, image)
	if got := run(t, image); got != "1.2.3\n" {
		t.Errorf("the image prints %q", got)
	}
	if !strings.Contains(log, "hatch-vcs says 1.2.3") {
		t.Errorf("the log does not say the version:\n%s", log)
	}
	for layer := range layersOf(t, image) {
		headers, _ := entries(t, image, layer)
		for name := range headers {
			if strings.Contains(name, "/.git/") {
				t.Fatalf("the image has %s", name)
			}
		}
	}
	built := func(log string) bool {
		return slices.ContainsFunc(ranSteps(log), func(name string) bool { return strings.Contains(name, "build the wheel") })
	}
	// What git does beside is no other version, and builds nothing.
	commit("branch", "other")
	commit("gc", "--quiet")
	if _, log = d.push(t, dir, image); built(log) {
		t.Errorf("another branch builds the wheel again: %v", ranSteps(log))
	}
	write(t, dir, "notes.txt", "changed\n")
	commit("add", "--all")
	commit("commit", "--quiet", "-m", "second")
	d.push(t, dir, image)
	if got := run(t, image); !strings.HasPrefix(got, "1.2.4.dev1+g") {
		t.Errorf("one commit later it prints %q", got)
	}
	write(t, dir, "src/versioned/more.py", "x = 1\n")
	write(t, dir, "notes.txt", "changed again\n")
	d.push(t, dir, image)
	if got := run(t, image); !strings.Contains(got, ".d20") {
		t.Errorf("of a changed checkout it prints %q", got)
	}

	if err := os.Rename(filepath.Join(dir, ".git"), filepath.Join(t.TempDir(), "git")); err != nil {
		t.Fatal(err)
	}
	log, err := d.build(t, dir)
	if err == nil || !strings.Contains(log, "the build context has no .git") || !strings.Contains(log, "--build-arg PYFILE_PROJECT_VERSION=1.2.3") {
		t.Errorf("without a repository: %v\n%s", err, log)
	}
	d.push(t, dir, image, "--opt", "build-arg:PYFILE_PROJECT_VERSION=2.0")
	if got := run(t, image); got != "2.0\n" {
		t.Errorf("told a version it prints %q", got)
	}
}
