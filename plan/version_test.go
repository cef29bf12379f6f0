package plan

import (
	"slices"
	"strings"
	"testing"
)

// versionedProject is one whose version comes from git, by some tool.
func versionedProject(requires, more string) map[string]string {
	return map[string]string{
		"Pyfile": "python = \"3.13\"\n",
		"pyproject.toml": "[project]\nname = \"shop\"\ndynamic = [\"version\"]\nrequires-python = \">=3.12\"\n[build-system]\nrequires = [\"hatchling\", \"" + requires +
			"\"]\nbuild-backend = \"hatchling.build\"\n" + more,
	}
}

func TestTheBuildIsToldTheVersionAndHasNoRepository(t *testing.T) {
	p := decided(t, versionedProject("hatch-vcs", ""), inputs("linux/amd64"))
	version, built := p.step(t, "version-app"), p.step(t, "build-app")
	if from(version, sourceDir) != "repository" || version.Exec.Root != "git-packages:"+baseStep || version.Exec.Network {
		t.Errorf("the version is asked in %+v", version.Exec)
	}
	if args := strings.Join(version.Exec.Args, " "); !strings.Contains(args, "version --failure") || !strings.HasSuffix(args, "--tool hatch-vcs") {
		t.Errorf("it is asked by %s", args)
	}
	if from(built, sourceDir) != "source" || from(built, versionPath) != "version-app" || !slices.Contains(built.Exec.Args, "--version-file") {
		t.Errorf("the wheel is built by %+v", built.Exec)
	}
	for id, want := range map[string]bool{"source": false, "repository": true} {
		left := p.step(t, id).Context.Without([]string{".git"})
		if got := slices.Index(left, "!.git") > slices.Index(left, ".git"); got != want {
			t.Errorf("%s is the context without %v", id, left)
		}
	}
}

func TestAVersionOfTheCommandLineNeedsNoRepository(t *testing.T) {
	in := inputs("linux/amd64")
	in.Version = "1.2.3"
	p := decided(t, versionedProject("hatch-vcs", ""), in)
	if p.has("repository") || p.has("git-packages:"+baseStep) {
		t.Error("the repository is read")
	}
	if args := strings.Join(p.step(t, "build-app").Exec.Args, " "); !strings.HasSuffix(args, " --version 1.2.3") {
		t.Errorf("the wheel is built by %s", args)
	}
	in.Version = "latest"
	if _, err := project(t, "", versionedProject("hatch-vcs", "")).New(in); err == nil || !strings.Contains(err.Error(), `build argument PYFILE_PROJECT_VERSION must be a version such as 1.2.3, not "latest"`) {
		t.Errorf("got %v", err)
	}
}

func TestAToolThatCannotBeToldBuildsInTheRepository(t *testing.T) {
	in := inputs("linux/amd64")
	files := versionedProject("versioningit", "[tool.versioningit]\n")
	p := decided(t, files, in)
	built := p.step(t, "build-app")
	if from(built, sourceDir) != "repository" || built.Exec.Root != "git-packages:"+baseStep || p.has("version-app") {
		t.Errorf("the wheel is built by %+v", built.Exec)
	}
	in.Version = "1.2.3"
	if _, err := project(t, "", files).New(in); err == nil || !strings.Contains(err.Error(), "versioningit takes the version of shop from git alone") {
		t.Errorf("got %v", err)
	}
}

func TestAMemberIsAskedInItsDirectoryOfTheRepository(t *testing.T) {
	files := versionedProject("hatch-vcs", "")
	files["packages/api/pyproject.toml"] = files["pyproject.toml"]
	delete(files, "pyproject.toml")
	files["Pyfile"] = "python = \"3.13\"\n[dependencies]\nproject = \"packages/api\"\n"
	p := decided(t, files, inputs("linux/amd64"))
	if args := strings.Join(p.step(t, "version-app").Exec.Args, " "); !strings.Contains(args, " --subdir packages/api ") {
		t.Errorf("it is asked by %s", args)
	}
}

func TestWithoutAPackageManagerTheSlimImageHasGit(t *testing.T) {
	in := inputs("linux/amd64")
	in.Facts.Manager = ""
	p := decided(t, versionedProject("hatch-vcs", ""), in)
	if root := p.step(t, "version-app").Exec.Root; root != "git-packages:slim-image" {
		t.Errorf("the version is asked in %s", root)
	}
}
