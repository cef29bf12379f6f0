package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/build"
	"github.com/org/pyfile/lock"
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

func TestTheRepositoryOfAGitContextIsFetchedForTheVersionAlone(t *testing.T) {
	in := inputs("linux/amd64")
	in.Repository = &Repository{URL: "ssh://git@git.example/shop.git", Ref: "main", Subdir: "services/shop"}
	in.Refs = build.Refs{Branch: "main", Tags: "0123"}
	p := decided(t, versionedProject("hatch-vcs", ""), in)
	const root = "ssh-packages:" + baseStep
	version, repository := p.step(t, "version-app"), p.step(t, "repository")
	if args := strings.Join(version.Exec.Args, " "); from(version, sourceDir) != "repository" || !strings.Contains(args, " --subdir services/shop ") || version.Exec.Network {
		t.Errorf("the version is asked by %+v", version.Exec)
	}
	if args := strings.Join(repository.Exec.Args, " "); from(repository, sourceDir) != "checkout" || repository.Exec.Root != root || !repository.Exec.SSH ||
		!strings.Contains(args, " --tags 0123 --branch main ") {
		t.Errorf("the history is fetched by %+v", repository.Exec)
	}
	if built := p.step(t, "build-app"); from(built, sourceDir) != "source" || built.Exec.Network || built.Exec.SSH {
		t.Errorf("the wheel is built by %+v", built.Exec)
	}

	open := project(t, "", versionedProject("hatch-vcs", ""))
	asks, err := open.RefsPlan(in)
	if err != nil {
		t.Fatal(err)
	}
	if refs := asks.Steps[len(asks.Steps)-1]; refs.ID != asks.Result || !refs.Always || refs.Exec.Root != root || !strings.Contains(strings.Join(refs.Exec.Args, " "), " --ref main ") {
		t.Errorf("the tags are asked for by %+v", refs)
	}
	for name, change := range map[string]func(in *Inputs, files map[string]string){
		"a version of the command line": func(in *Inputs, _ map[string]string) { in.Version = "1.0" },
		"another context":               func(in *Inputs, _ map[string]string) { in.Repository = nil },
		"a version of the project": func(_ *Inputs, files map[string]string) {
			files["pyproject.toml"] = strings.Replace(files["pyproject.toml"], "dynamic = [\"version\"]", "version = \"1\"", 1)
		},
	} {
		in, files := in, versionedProject("hatch-vcs", "")
		change(&in, files)
		if asks, err := project(t, "", files).RefsPlan(in); asks != nil || err != nil {
			t.Errorf("with %s the repository is asked: %v", name, err)
		}
	}

	replaced, err := openWith(t, Options{Replaced: []string{AppBuilder}}, versionedProject("hatch-vcs", ""))
	if err != nil {
		t.Fatal(err)
	}
	if asks, err := replaced.RefsPlan(in); asks != nil || err != nil {
		t.Errorf("for a wheel that is there already the repository is asked: %v", err)
	}

	in.Repository.URL = "https://robot:hunter2@git.example/shop.git"
	if _, err := open.RefsPlan(in); err == nil || !strings.Contains(err.Error(), "has a password or token in it") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("an address with a token: %v", err)
	}
}

func TestAPackageOfACommitWithoutAVersionIsAskedInItsRepository(t *testing.T) {
	const commit = "0123456789012345678901234567890123456789"
	files := map[string]string{
		"Pyfile":           "python = \"3.13\"\n",
		"requirements.txt": "six==1.17.0 --hash=sha256:" + strings.Repeat("a", 64) + "\ntools @ git+ssh://git@git.example/tools.git@" + commit + "#subdirectory=py\n",
	}
	in := inputs("linux/amd64")
	in.Version = "1.0" // of the application
	in.Sources = map[string]build.Project{"tools": {Backend: "hatchling.build", Requires: []string{"hatchling", "hatch-vcs"}, VersionTool: "hatch-vcs"}}
	s, err := project(t, "", files).stages(in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.artifactSource(lock.Artifact{Name: "tools", Kind: lock.Git, URL: "ssh://git@git.example/tools.git", Commit: commit, Subdir: "py"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.buildWheel(b); err != nil {
		t.Fatal(err)
	}
	p := s.plan("build:tools")
	version, history, checkout := p.step(t, "version:tools"), p.step(t, "repository:tools"), p.step(t, "checkout:tools")
	if args := strings.Join(version.Exec.Args, " "); from(version, sourceDir) != "repository:tools" || !strings.Contains(args, " --subdir py ") || version.Exec.Network {
		t.Errorf("the version is asked by %+v", version.Exec)
	}
	if from(history, sourceDir) != "checkout:tools" || !history.Exec.SSH || *checkout.Git != (Git{URL: "ssh://git@git.example/tools.git", Commit: commit, Repository: true}) {
		t.Errorf("the history is fetched by %+v of %+v", history.Exec, checkout.Git)
	}
	if built := p.step(t, "build:tools"); from(built, sourceDir) != "git:tools" || from(built, versionPath) != "version:tools" || slices.Contains(built.Exec.Args, "1.0") {
		t.Errorf("the wheel is built by %+v", built.Exec)
	}

	b.git = nil // of a lock that says the version
	if b.version = "3.1"; b.asksGit() {
		t.Error("a version that the lock has is asked for")
	}
}
