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

// versioned are projects whose version comes from git, each by another tool: their files, and what builds them.
var versioned = map[string]struct {
	tool, backend string
	requires      []string
	files         map[string]string
}{
	"setuptools-scm": {"setuptools-scm", "setuptools.build_meta", []string{"setuptools>=77", "setuptools-scm>=8"}, map[string]string{
		"pyproject.toml": "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n[build-system]\nrequires = [\"setuptools>=77\", \"setuptools-scm>=8\"]\nbuild-backend = \"setuptools.build_meta\"\n" +
			"[tool.setuptools_scm]\nversion_file = \"demo/_version.py\"\n[tool.setuptools]\npackages = [\"demo\"]\n",
		".gitignore": "_version.py\n*.egg-info\nbuild\n"}},
	"hatch-vcs": {"hatch-vcs", "hatchling.build", []string{"hatchling", "hatch-vcs"}, map[string]string{
		"pyproject.toml": "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n[build-system]\nrequires = [\"hatchling\", \"hatch-vcs\"]\nbuild-backend = \"hatchling.build\"\n[tool.hatch.version]\nsource = \"vcs\"\n"}},
	"poetry-dynamic-versioning": {"poetry-dynamic-versioning", "poetry_dynamic_versioning.backend", []string{"poetry-core>=2", "poetry-dynamic-versioning>=1.8,<2"}, map[string]string{
		"pyproject.toml": "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n[tool.poetry]\nversion = \"0.0.0\"\n[tool.poetry-dynamic-versioning]\nenable = true\n" +
			"[build-system]\nrequires = [\"poetry-core>=2\", \"poetry-dynamic-versioning>=1.8,<2\"]\nbuild-backend = \"poetry_dynamic_versioning.backend\"\n"}},
	"pdm": {"pdm-backend", "pdm.backend", []string{"pdm-backend"}, map[string]string{
		"pyproject.toml": "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n[tool.pdm.version]\nsource = \"scm\"\n[build-system]\nrequires = [\"pdm-backend\"]\nbuild-backend = \"pdm.backend\"\n"}},
	"versioneer": {"versioneer", "setuptools.build_meta", []string{"setuptools>=77", "versioneer[toml]==0.29"}, map[string]string{
		"pyproject.toml": "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n[tool.versioneer]\nVCS = \"git\"\nstyle = \"pep440\"\nversionfile_source = \"demo/_version.py\"\nversionfile_build = \"demo/_version.py\"\ntag_prefix = \"v\"\n" +
			"[build-system]\nrequires = [\"setuptools>=77\", \"versioneer[toml]==0.29\"]\nbuild-backend = \"setuptools.build_meta\"\n[tool.setuptools]\npackages = [\"demo\"]\n",
		"setup.py": "import versioneer\nfrom setuptools import setup\nsetup(version=versioneer.get_version(), cmdclass=versioneer.get_cmdclass())\n"}},
	"uv-dynamic-versioning": {"uv-dynamic-versioning", "hatchling.build", []string{"hatchling", "uv-dynamic-versioning"}, map[string]string{
		"pyproject.toml": "[project]\nname = \"demo\"\ndynamic = [\"version\"]\n[build-system]\nrequires = [\"hatchling\", \"uv-dynamic-versioning\"]\nbuild-backend = \"hatchling.build\"\n[tool.hatch.version]\nsource = \"uv-dynamic-versioning\"\n"}},
}

// gitIn runs git in a directory, as a user with a name at a fixed time.
func gitIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_AUTHOR_DATE=2026-03-04T05:06:07Z", "GIT_COMMITTER_DATE=2026-03-04T05:06:07Z", "GIT_CONFIG_GLOBAL=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// TestVersionsAreThoseThatTheToolTellsOnTheCheckout compares with a build by the backend in the checkout itself, as pip does it, and then
// builds without the repository.
func TestVersionsAreThoseThatTheToolTellsOnTheCheckout(t *testing.T) {
	interpreter, _ := hostPython()
	for name, p := range versioned {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			env, checkout := filepath.Join(root, "env"), filepath.Join(root, "checkout")
			var printed strings.Builder
			if err := Env(context.Background(), EnvOptions{Out: env, Interpreter: interpreter, Requirements: p.requires, Output: &printed}); err != nil {
				t.Fatal(err, printed.String())
			}
			for file, text := range p.files {
				writeFile(t, filepath.Join(checkout, file), []byte(text))
			}
			writeFile(t, filepath.Join(checkout, "demo/__init__.py"), []byte("x = 1\n"))
			writeFile(t, filepath.Join(checkout, "docs/index.md"), []byte("# demo\n"))
			gitIn(t, checkout, "init", "--quiet", "--initial-branch=main")
			if p.tool == versioneer {
				install := exec.Command(filepath.Join(env, "bin", "python"), "-m", "versioneer", "install", "--no-vendor")
				install.Dir = checkout
				if out, err := install.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			gitIn(t, checkout, "add", "--all")
			gitIn(t, checkout, "commit", "--quiet", "-m", "first")
			gitIn(t, checkout, "tag", "-a", "v1.2.3", "-m", "release")
			state := func(what string, prepare func(context string)) {
				t.Helper()
				want := versionByPip(t, env, checkout, p.backend)
				context := filepath.Join(root, "context-"+strings.ReplaceAll(what, " ", "-"))
				if err := os.CopyFS(context, os.DirFS(checkout)); err != nil {
					t.Fatal(err)
				}
				if prepare != nil {
					prepare(context)
				}
				got := versionBySteps(t, env, context, p.backend, p.tool)
				if got != want {
					t.Errorf("%s: %s, and %s says %s", what, got, p.tool, want)
				}
				t.Logf("%s: %s", what, got)
			}
			state("tagged", nil)
			state("without files that the context leaves out", func(context string) {
				if err := os.RemoveAll(filepath.Join(context, "docs")); err != nil {
					t.Fatal(err)
				}
			})
			writeFile(t, filepath.Join(checkout, "demo/more.py"), []byte("y = 2\n"))
			gitIn(t, checkout, "add", "--all")
			gitIn(t, checkout, "commit", "--quiet", "-m", "second")
			state("one commit later", nil)
			state("fetched as a git context", func(context string) {
				if err := os.RemoveAll(context); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(gitContext(t, checkout, "main"), context); err != nil {
					t.Fatal(err)
				}
			})
			writeFile(t, filepath.Join(checkout, "demo/more.py"), []byte("y = 3\n"))
			state("changed", nil)
		})
	}
}

// versionByPip is the version of the wheel that a backend builds in a copy of the checkout, at the time of its commit.
func versionByPip(t *testing.T, env, checkout, backend string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "checkout")
	if err := os.CopyFS(dir, os.DirFS(checkout)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(env, "bin", "python"), "-c", "import importlib, os, sys; sys.path.insert(0, os.getcwd()); b = importlib.import_module(sys.argv[1]); print('wheel:' + b.build_wheel(sys.argv[2]))", backend, t.TempDir())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1772600767", "PATH="+filepath.Join(env, "bin")+":"+os.Getenv("PATH"))
	out, err := cmd.Output()
	_, name, found := strings.Cut(string(out), "wheel:")
	if err != nil || !found {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.Split(name, "-")[1]
}

// versionBySteps is the version of the wheel that is built without the repository, told by the step before.
func versionBySteps(t *testing.T, env, source, backend, tool string) string {
	t.Helper()
	var printed strings.Builder
	b := Backend{Source: source, Env: env, Name: backend, Output: &printed}
	told := t.TempDir()
	if err := Version(context.Background(), VersionOptions{Backend: b, Out: told, Tool: tool}); err != nil {
		t.Fatalf("%v\n%s", err, printed.String())
	}
	if err := os.RemoveAll(filepath.Join(source, ".git")); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "wheel")
	if err := Wheel(context.Background(), WheelOptions{Backend: b, Out: out, Project: "demo", Told: filepath.Join(told, VersionFile)}); err != nil {
		t.Fatalf("%v\n%s", err, printed.String())
	}
	var said Told
	if err := json.Unmarshal([]byte(read(t, told, VersionFile)), &said); err != nil {
		t.Fatal(err)
	}
	return strings.Split(entries(t, out)[0], "-")[1]
}

func TestCheckoutsThatTellNoVersionAreFailuresWithTheArgument(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(dir string)
		want    string
	}{
		"no repository": {func(string) {}, "the build context has no .git"},
		"a worktree":    {func(dir string) { writeFile(t, filepath.Join(dir, ".git"), []byte("gitdir: /elsewhere\n")) }, "is a worktree or submodule"},
		"shallow": {func(dir string) {
			origin := t.TempDir()
			gitIn(t, origin, "init", "--quiet", "--initial-branch=main")
			for range 2 {
				gitIn(t, origin, "commit", "--quiet", "--allow-empty", "-m", "x")
			}
			gitIn(t, filepath.Dir(dir), "clone", "--quiet", "--depth=1", "file://"+origin, dir)
		}, "this is a shallow clone"},
	} {
		dir := filepath.Join(t.TempDir(), "src")
		if name != "shallow" {
			writeFile(t, filepath.Join(dir, "pyproject.toml"), []byte("[project]\nname = \"demo\"\ndynamic = [\"version\"]\n"))
		}
		test.prepare(dir)
		err := Version(context.Background(), VersionOptions{Backend: Backend{Source: dir, Env: "/nowhere", Name: "hatchling.build", Output: new(strings.Builder)}, Out: t.TempDir(), Tool: "hatch-vcs"})
		var u *Explained
		if !errors.As(err, &u) || !strings.Contains(u.Message, test.want) || !strings.Contains(u.Hint, "--build-arg "+VersionArg+"=1.2.3") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
