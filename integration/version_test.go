//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestVersionsOfGitContextsAreThoseOfACheckout builds from the address of a repository, of which BuildKit fetches one commit without tags.
func TestVersionsOfGitContextsAreThoseOfACheckout(t *testing.T) {
	work, folder := t.TempDir(), t.TempDir()
	bare := filepath.Join(folder, "versioned.git")
	git := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(must(t, work, "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...))
	}
	git("init", "--quiet", "--initial-branch=main")
	for _, dir := range []string{".", "services/api"} {
		if err := os.CopyFS(filepath.Join(work, dir), os.DirFS("../examples/versioned")); err != nil {
			t.Fatal(err)
		}
	}
	replace(t, work, "services/api/pyproject.toml", `source = "vcs"`, "source = \"vcs\"\nraw-options = { root = \"../..\" }")
	publish := func(file string) {
		t.Helper()
		write(t, work, file, work) // so that no build has seen the commit
		git("add", "--all")
		git("commit", "--quiet", "-m", file)
		git("push", "--quiet", "--force", bare, "main", "--tags")
	}
	git("init", "--quiet", "--bare", "--initial-branch=main", bare)
	publish("first.txt")
	git("tag", "v1.2.3")
	publish("second.txt")
	middle := git("rev-parse", "HEAD")
	publish("third.txt")

	daemonOfGit, ssh, token := gitServer(t, folder), serveSSH(t, folder), serveToken(t, folder, secret)
	t.Setenv("GIT_AUTH_TOKEN", secret)
	t.Setenv("SSH_AUTH_SOCK", agent(t, ssh.key))
	image := registryHost + "/test/version:git"
	build := func(address string, args ...string) (version, log string) {
		t.Helper()
		log = buildx(t, ".", image, append(append([]string{"-f", "Pyfile"}, args...), address)...)
		if strings.Contains(log, secret) {
			t.Errorf("the log shows the token:\n%s", log)
		}
		return strings.TrimSpace(run(t, image)), log
	}
	checkout := func(ref string) string {
		t.Helper()
		git("checkout", "--quiet", ref)
		defer git("checkout", "--quiet", "main")
		labDaemon().push(t, work, image)
		return strings.TrimSpace(run(t, image))
	}
	want, wantMiddle := checkout("main"), checkout(middle)
	if !strings.HasPrefix(want, "1.2.4.dev2+g") || !strings.HasPrefix(wantMiddle, "1.2.4.dev1+g") {
		t.Fatalf("the checkouts have the versions %s and %s", want, wantMiddle)
	}
	for _, test := range []struct {
		address, want string
		args          []string
	}{
		{daemonOfGit + "versioned.git#main", want, nil},
		{daemonOfGit + "versioned.git", want, []string{"--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1"}},
		{daemonOfGit + "versioned.git#main:services/api", want, nil},
		{daemonOfGit + "versioned.git#v1.2.3", "1.2.3", nil},
		{ssh.address + "versioned.git?branch=main&keep-git-dir=true", want, []string{"--ssh", "default"}},
		{token.address + "versioned.git#" + middle, wantMiddle, []string{"--secret", "id=GIT_AUTH_TOKEN"}},
	} {
		if got, _ := build(test.address, test.args...); got != test.want {
			t.Errorf("%s has the version %s, its checkout %s", test.address, got, test.want)
		}
	}

	// The tags are looked at in every build, and nothing is built when they are the same.
	address := daemonOfGit + "versioned.git#main"
	if _, log := build(address); strings.Contains(strings.Join(ranSteps(log), "\n"), "build the wheel") {
		t.Errorf("an unchanged repository is built again: %v", ranSteps(log))
	}
	git("tag", "v2.0", "main")
	git("push", "--quiet", bare, "v2.0")
	if got, _ := build(address); got != "2.0" {
		t.Errorf("with a tag on the same commit the version is %s", got)
	}

	log, err := command(t, ".", "docker", "buildx", "build", "--builder", labBuilder, "--progress", "plain", "-f", "Pyfile",
		strings.Replace(token.address, "http://", "http://x-access-token:"+secret+"@", 1)+"versioned.git#main")
	refusedAt(t, log, err, "the address of the git context has a password or token in it", "--secret id=GIT_AUTH_TOKEN,env=GIT_AUTH_TOKEN")
}

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
