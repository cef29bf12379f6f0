//go:build differential

package build

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gitContext makes of a repository what BuildKit's git source with KeepGitDir does, one commit under a name of its own, and completes it.
func gitContext(t *testing.T, repository, ref string) string {
	t.Helper()
	root := t.TempDir()
	dir, url := filepath.Join(root, "checkout"), "file://"+repository
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	gitIn(t, repository, "config", "uploadpack.allowFilter", "true")
	gitIn(t, dir, "init", "--quiet", "--initial-branch=master")
	gitIn(t, dir, "remote", "add", "origin", "file:///nowhere")
	wanted := ref
	if ref != "" && len(ref) != 40 {
		wanted += ":refs/tags/" + ref
	}
	if ref == "" {
		wanted = "HEAD"
	}
	gitIn(t, dir, "fetch", "--quiet", "--depth=1", "--no-tags", url, wanted)
	gitIn(t, dir, "checkout", "--quiet", "FETCH_HEAD")
	var printed strings.Builder
	o, out := RemoteOptions{URL: url, Output: &printed}, filepath.Join(root, "refs")
	if err := ListRefs(context.Background(), o, ref, out); err != nil {
		t.Fatal(err, printed.String())
	}
	var refs Refs
	if err := json.Unmarshal([]byte(read(t, out, RefsFile)), &refs); err != nil {
		t.Fatal(err)
	}
	if err := History(context.Background(), o, dir, refs); err != nil {
		t.Fatal(err, printed.String())
	}
	return dir
}

// TestHistoryIsThatOfAClone compares what tools ask of git with the answers in a clone.
func TestHistoryIsThatOfAClone(t *testing.T) {
	repository := t.TempDir()
	gitIn(t, repository, "init", "--quiet", "--initial-branch=main")
	for i, file := range []string{"a", "b", "c"} {
		writeFile(t, filepath.Join(repository, file), []byte(file))
		gitIn(t, repository, "add", "--all")
		gitIn(t, repository, "commit", "--quiet", "-m", file)
		switch i {
		case 0:
			gitIn(t, repository, "tag", "-a", "v1.0", "-m", "release")
		case 1:
			gitIn(t, repository, "tag", "v1.1rc1")
			gitIn(t, repository, "branch", "feature/x")
		}
	}
	gitIn(t, repository, "rm", "--quiet", "a")
	gitIn(t, repository, "commit", "--quiet", "-m", "d")
	said := func(dir string, args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	middle := said(repository, "rev-parse", "main~1")
	for _, ref := range []string{"", "main", "feature/x", "v1.0", "v1.1rc1", middle} {
		clone, got := filepath.Join(t.TempDir(), "clone"), gitContext(t, repository, ref)
		gitIn(t, ".", "clone", "--quiet", "file://"+repository, clone)
		if ref != "" {
			gitIn(t, clone, "checkout", "--quiet", ref)
		}
		for _, question := range []string{
			"rev-parse HEAD", "rev-parse --abbrev-ref HEAD", "describe --long --tags --dirty", "describe --long --dirty", "rev-list --count HEAD", "log --format=%H%ct%s",
			"for-each-ref refs/tags", "status --porcelain", "rev-parse --is-shallow-repository",
		} {
			if a, b := said(got, strings.Fields(question)...), said(clone, strings.Fields(question)...); a != b {
				t.Errorf("%q: git %s says %q, in a clone %q", ref, question, a, b)
			}
		}
	}
	// Nothing is fetched that no version needs.
	if missing := said(gitContext(t, repository, "main"), "rev-list", "--objects", "--missing=print", "HEAD"); !strings.Contains(missing, "\n?") {
		t.Errorf("files of other commits are there:\n%s", missing)
	}
}

func TestHistoryThatCannotBeFetchedSaysWhatToType(t *testing.T) {
	for own, want := range map[bool]string{true: "say the version: --build-arg PYFILE_PROJECT_VERSION=1.2.3", false: ""} {
		var printed strings.Builder
		err := ListRefs(context.Background(), RemoteOptions{URL: "file:///nowhere.git", Own: own, Output: &printed}, "main", filepath.Join(t.TempDir(), "out"))
		var e *Explained
		if !errors.As(err, &e) || !strings.Contains(e.Message, "the history of file:///nowhere.git cannot be fetched: '/nowhere.git' does not appear to be a git repository") || e.Hint != want {
			t.Errorf("got %v, %s", err, printed.String())
		}
	}
}
