package build

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/org/pyfile/diagnosis"
	"github.com/org/pyfile/install"
	"github.com/org/pyfile/python"
)

// VersionArg is the build argument that says the version of a project whose repository is not at hand.
const VersionArg = "PYFILE_PROJECT_VERSION"

// VersionFile is the file that Version writes: a Told.
const VersionFile = "version.json"

// Told is what a build without its repository is told of the version.
type Told struct {
	Version string `json:"version"`
	// Versioneer is what versioneer found, and File where a source distribution would have it, because versioneer listens to no variable.
	Versioneer any    `json:"versioneer,omitempty"`
	File       string `json:"file,omitempty"`
}

// VersionOptions says whose version Version asks for.
type VersionOptions struct {
	Backend
	Out  string // directory for VersionFile; absent or empty
	Tool string // Project.VersionTool
}

// Version asks the tool that takes a project's version from git what it says on this checkout, and writes that down for a build that
// does not have the repository. Source is the top of the checkout, and is written to. Where the tool would write today's date it writes that of the commit. Files of
// the repository that are missing are taken for unchanged, because the context of a build may leave them out.
func Version(ctx context.Context, o VersionOptions) error {
	return output(o.Out, func(work string) error {
		source, err := filepath.Abs(o.Source)
		if err != nil {
			return err
		}
		g := git{dir: source, home: filepath.Join(work, "git")}
		if err := os.Mkdir(g.home, 0o755); err != nil {
			return err
		}
		if err := g.check(ctx); err != nil {
			return err
		}
		committed, err := g.output(ctx, nil, "log", "-1", "--no-show-signature", "--format=%ct")
		if err != nil {
			return err
		}
		hook := "version"
		if o.Tool == versioneer {
			hook = versioneer
		}
		metadata := filepath.Join(work, "metadata")
		if err := os.Mkdir(metadata, 0o755); err != nil {
			return err
		}
		a, err := o.call(ctx, hook, metadata, work, append(g.settings(), "SOURCE_DATE_EPOCH="+strings.TrimSpace(committed)))
		if err != nil {
			return err
		}
		if _, err := python.ParseVersion(a.Version); err != nil {
			return fmt.Errorf("%s says of this checkout that its version is %q: %w", o.Tool, a.Version, err)
		}
		data, err := json.Marshal(Told{Version: a.Version, Versioneer: a.Versioneer, File: a.File})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(o.Output, "%s says %s\n", o.Tool, a.Version); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(o.Out, VersionFile), append(data, '\n'), 0o644) //nolint:gosec // it holds no secret
	})
}

// versioneer is the tool that is told a version by a file.
const versioneer = "versioneer"

// tell writes the file of versioneer into a project's directory, in the form that a source distribution has.
func (t Told) tell(dir string) error {
	if t.Versioneer == nil {
		return nil
	}
	if !filepath.IsLocal(t.File) {
		return fmt.Errorf("versionfile_source must be a file of the project, not %q", t.File)
	}
	data, err := json.MarshalIndent(t.Versioneer, "", " ")
	if err != nil {
		return err
	}
	text := "import json\n\nversion_json = '''\n" + string(data) + "\n'''  # END VERSION_JSON\n\n\ndef get_versions():\n    return json.loads(version_json)\n"
	return os.WriteFile(filepath.Join(dir, t.File), []byte(text), 0o644) //nolint:gosec // it holds no secret
}

// tellVersioneer is what versioneer is told of a version that it did not find. What the project sets is where it looks; without that nothing is told.
func tellVersioneer(dir, version string) (t Told) {
	var p pyproject
	if _, err := settingsIn(dir).toml("pyproject.toml", &p); err != nil {
		return t
	}
	setup, err := settingsIn(dir)("setup.cfg")
	if err != nil {
		return t
	}
	t.File = cmp.Or(p.Tool.text("versioneer", "versionfile_source"), sections(setup)["versioneer.versionfile_source"])
	if t.File != "" {
		t.Versioneer = map[string]any{"version": version, "full-revisionid": nil, "dirty": false, "error": nil, "date": nil}
	}
	return t
}

// readTold reads VersionFile.
func readTold(file string) (Told, error) {
	var t Told
	data, err := os.ReadFile(file)
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(data, &t)
}

// git is git in a checkout.
type git struct {
	dir, home string
	env       []string // by which it reaches a remote repository; nil for none
}

// Explained is a failure that says what to do about it, such as a checkout that does not tell a version.
type Explained struct{ diagnosis.Failure }

func (u *Explained) Error() string { return u.Message }

func unversioned(message, hint string) error {
	return &Explained{diagnosis.Failure{Message: message, Hint: hint + "--build-arg " + VersionArg + "=1.2.3"}}
}

// check refuses a checkout without its history, and makes git take missing files for unchanged.
func (g git) check(ctx context.Context) error {
	info, err := os.Lstat(filepath.Join(g.dir, ".git"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return unversioned("the version of this project comes from git, and the build context has no .git", "build from a checkout, or say the version: ")
	case err != nil:
		return err
	case !info.IsDir():
		return unversioned("the version of this project comes from git, and this checkout is a worktree or submodule, whose repository is elsewhere",
			"build from a clone, or say the version: ")
	}
	if _, err := exec.LookPath("git"); err != nil {
		return &Explained{diagnosis.Failure{Message: "there is no git in this image, which tells the version of this project", Wants: []string{"program:git"}}}
	}
	if _, err := os.Stat(filepath.Join(g.dir, ".git", "shallow")); err == nil {
		if _, err := g.output(ctx, nil, "describe", "--exact-match", "--tags"); err != nil {
			return unversioned("the version of this project comes from git, and this is a shallow clone, whose tags are out of sight",
				"fetch the history with \"git fetch --unshallow --tags\" (fetch-depth: 0 of actions/checkout), or say the version: ")
		}
	}
	listed, err := g.output(ctx, nil, "ls-files", "-z")
	if err != nil {
		return err
	}
	var missing bytes.Buffer
	for name := range strings.SplitSeq(listed, "\x00") {
		if name == "" {
			continue
		}
		if _, err := os.Lstat(filepath.Join(g.dir, name)); errors.Is(err, fs.ErrNotExist) {
			missing.WriteString(name + "\x00")
		}
	}
	if missing.Len() == 0 {
		return nil
	}
	_, err = g.output(ctx, &missing, "update-index", "--skip-worktree", "-z", "--stdin")
	return err
}

// settings are the variables by which git takes the checkout for ours, whoever owns it, and listens to no file of a machine.
func (g git) settings() []string {
	if g.env != nil {
		return g.env
	}
	return []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}
}

// output runs git and returns what it prints.
func (g git) output(ctx context.Context, input io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = g.dir
	cmd.Env = append(append(without(os.Environ(), []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}), g.settings()...), install.Environment("HOME="+g.home)...)
	cmd.Stdin = input
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(said.String()))
	}
	return out.String(), nil
}
