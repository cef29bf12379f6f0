package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/org/pyfile/build"
	"github.com/org/pyfile/distro"
	"github.com/org/pyfile/python"
)

// sourcesLock has a wheel, two sdists and a commit with the project in a directory of the repository.
const sourcesLock = `version = 1
requires-python = ">=3.12"

[[package]]
name = "shop"
version = "1.0"
source = { virtual = "." }
dependencies = [
    { name = "plain" },
    { name = "native" },
    { name = "words" },
    { name = "tools" },
]

[[package]]
name = "native"
version = "2.1"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://files.example/native-2.1.tar.gz", hash = "sha256:1111111111111111111111111111111111111111111111111111111111111111", size = 3000 }

[[package]]
name = "words"
version = "1.0.9"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://files.example/words-1.0.9.tar.gz", hash = "sha256:2222222222222222222222222222222222222222222222222222222222222222", size = 1000 }

[[package]]
name = "tools"
version = "0.3"
source = { git = "https://git.example/mono.git?subdirectory=py/tools&tag=v0.3#0123456789012345678901234567890123456789" }

[[package]]
name = "plain"
version = "3.0"
source = { registry = "https://index.example/simple" }
wheels = [{ url = "https://files.example/plain-3.0-py3-none-any.whl", hash = "sha256:3333333333333333333333333333333333333333333333333333333333333333", size = 900 }]
`

// sourcesProject is a project with that lock.
func sourcesProject(more string) map[string]string {
	return map[string]string{
		"Pyfile":         "python = \"3.13\"\n" + more,
		"pyproject.toml": "[project]\nname = \"shop\"\nversion = \"1.0\"\nrequires-python = \">=3.12\"\ndependencies = [\"plain\", \"native\", \"words\", \"tools\"]\n",
		"uv.lock":        sourcesLock,
	}
}

// sourcesInputs are inputs with what the sources say: native has code in C, the others have not.
func sourcesInputs() Inputs {
	in := inputs("linux/amd64")
	in.Sources = map[string]build.Project{
		"native": {Name: "native", Version: "2.1", Backend: build.LegacyBackend, Requires: []string{build.LegacyRequirement}, Compiles: []string{"there are sources in C"}},
		"words":  {Name: "words", Version: "1.0.9", Backend: build.LegacyBackend, Requires: []string{build.LegacyRequirement}},
		"tools":  {Name: "tools", Backend: "hatchling.build", Requires: []string{"hatchling", "hatch-vcs"}},
	}
	return in
}

// decided is the plan of files that are right.
func decided(t *testing.T, files map[string]string, in Inputs) *Plan {
	t.Helper()
	p, err := project(t, "", files).New(in)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// step finds a step.
func (p *Plan) step(t *testing.T, id string) Step {
	t.Helper()
	for _, s := range p.Steps {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("there is no step %s", id)
	return Step{}
}

// has tells whether there is a step.
func (p *Plan) has(id string) bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.ID == id })
}

// from is the step that an exec has at a path.
func from(s Step, at string) string {
	for _, m := range s.Exec.Mounts {
		if m.Path == at {
			return m.From
		}
	}
	return ""
}

func TestSourcesAreReadWithoutAnImageBeforeTheBuildIsPlanned(t *testing.T) {
	p, names, err := project(t, "", sourcesProject("")).SourcesPlan(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"native", "tools", "words"}; !slices.Equal(names, want) {
		t.Errorf("names %v, want %v", names, want)
	}
	for _, s := range p.Steps {
		if s.Image != nil {
			t.Errorf("%s needs the image %s", s.ID, s.Image.Ref)
		}
		if s.Exec != nil && (s.Exec.Network || s.Exec.Root != "") {
			t.Errorf("%s runs with the network or in an image", s.ID)
		}
	}
	if s := p.step(t, "git:tools"); s.Git == nil || s.Git.Commit != "0123456789012345678901234567890123456789" || s.Git.URL != "https://git.example/mono.git" {
		t.Errorf("the commit is %+v", s.Git)
	}
	for _, name := range names {
		if !slices.ContainsFunc(p.step(t, p.Result).Files.Actions, func(a Action) bool { return a.Copy.Path == SourceFile(name) }) {
			t.Errorf("the result does not say how %s is built", name)
		}
	}
	if p, _, err := project(t, "", exampleFiles(t, "../examples/hello")).SourcesPlan(inputs("linux/amd64")); p != nil || err != nil {
		t.Errorf("a project without sources: %v, %v", p, err)
	}
}

func TestOnlyWhatHasCodeToCompileIsBuiltInTheBuilderImage(t *testing.T) {
	p := decided(t, sourcesProject("[apt]\nbuild = [\"libpq-dev\", \"gcc\"]\nrun = [\"libpq5\"]\n"), sourcesInputs())
	for id, root := range map[string]string{"build:native": "builder-packages", "build:words": "quick-tool", "build:tools": "quick-tool", "install:native": "python"} {
		if got := p.step(t, id).Exec.Root; got != root {
			t.Errorf("%s runs in %s, want %s", id, got, root)
		}
	}
	if args := strings.Join(p.step(t, "builder-packages").Exec.Args, " "); !strings.HasSuffix(args, " gcc libpq-dev") {
		t.Errorf("packages of the builder: %s", args)
	}
	if got := p.step(t, p.Result).Merge[0]; got != "base-packages" {
		t.Errorf("the image starts from %s", got)
	}
	if p := decided(t, sourcesProject(""), sourcesInputs()); p.has("base-packages") || p.step(t, "build:native").Exec.Root != "builder-image" {
		t.Error("without [apt] there are steps that install packages")
	}
}

func TestASourceIsKeyedByItsOwnInputs(t *testing.T) {
	plain := decided(t, sourcesProject("[apt]\nbuild = [\"gcc\"]\n"), sourcesInputs())
	// reach are the steps that a step comes from.
	reach := func(p *Plan, id string) map[string]Step {
		out := map[string]Step{}
		var walk func(string)
		walk = func(id string) {
			if id == "" || out[id].ID != "" {
				return
			}
			out[id] = p.step(t, id)
			for _, more := range uses(out[id]) {
				walk(more)
			}
		}
		walk(id)
		return out
	}
	for _, name := range []string{"native", "words", "tools"} {
		for id := range reach(plain, "build:"+name) {
			for _, other := range []string{"native", "words", "tools", "plain"} {
				// The list of build requirements is shared by those that have the same.
				if other != name && strings.Contains(id, other) && !strings.HasPrefix(id, "build-") {
					t.Errorf("the wheel of %s comes from step %s", name, id)
				}
			}
		}
	}
	for id := range reach(plain, "build:words") {
		if id == "builder-packages" || id == "builder-image" {
			t.Errorf("a pure-Python source is built again when [apt] build changes: by %s", id)
		}
	}
	for id := range reach(decided(t, sourcesProject("[apt]\nrun = [\"libpq5\"]\n"), sourcesInputs()), "build:native") {
		if id == "base-packages" {
			t.Error("[apt] run is part of the key of a compiled wheel")
		}
	}
}

func TestEqualBuildRequirementsAreInstalledOnce(t *testing.T) {
	in := sourcesInputs()
	native := in.Sources["native"]
	native.Compiles = nil
	in.Sources["native"] = native
	p := decided(t, sourcesProject(""), in)
	var environments []string
	for _, s := range p.Steps {
		if strings.HasPrefix(s.ID, "build-env:") {
			environments = append(environments, s.ID)
			if !s.Exec.Network {
				t.Errorf("%s has no network", s.ID)
			}
		}
	}
	if want := []string{"build-env:native", "build-env:tools"}; !slices.Equal(environments, want) {
		t.Errorf("environments %v, want %v", environments, want)
	}
	// What the backend asks for beyond its project is installed by a step that differs in the list alone: the same list is the same step to
	// BuildKit.
	first, more := p.step(t, "build-env:native").Exec, p.step(t, "build-env-more:native").Exec
	if !slices.Equal(first.Args, more.Args) || first.Root != more.Root || len(first.Mounts) != len(more.Mounts) {
		t.Errorf("the two steps differ:\n%v\n%v", first, more)
	}
}

func TestBuildsHaveNoNetworkUnlessTheirNameIsAllowedIt(t *testing.T) {
	p := decided(t, sourcesProject("[dependencies]\nallow-network = [\"Native\"]\n"), sourcesInputs())
	for _, name := range []string{"native", "words", "tools"} {
		for _, id := range []string{"inspect:", "requires:", "build:"} {
			if got, want := p.step(t, id+name).Exec.Network, id+name == "build:native"; got != want {
				t.Errorf("%s%s: network %v, want %v", id, name, got, want)
			}
		}
	}
	if !slices.ContainsFunc(p.Warnings, func(w Warning) bool { return w.Rule == NetworkBuild && strings.Contains(w.Msg, "Native") }) {
		t.Errorf("no warning says that a build has the network: %v", p.Warnings)
	}
	_, err := project(t, "", sourcesProject("[dependencies]\nallow-network = [\"nativ\"]\n")).New(sourcesInputs())
	if err == nil || !strings.Contains(err.Error(), `did you mean "native"`) {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestBuildRequirementsAreHeldByConstraintsAndTheDayOfTheSource(t *testing.T) {
	files := sourcesProject("[dependencies]\nbuild-constraints = \"constraints.txt\"\n")
	files["constraints.txt"] = "setuptools<80\n"
	in := sourcesInputs()
	for created, want := range map[string]string{"": "", "1970-01-01T00:00:00Z": "", "2026-03-01T23:59:59Z": "2026-03-01", "2026-03-02T01:00:00+02:00": "2026-03-01"} {
		in.Created = nil
		if created != "" {
			day, err := time.Parse(time.RFC3339, created)
			if err != nil {
				t.Fatal(err)
			}
			in.Created = &day
		}
		p := decided(t, files, in)
		args := p.step(t, "build-env:native").Exec.Args
		if i := slices.Index(args, "--before"); (i < 0) != (want == "") || i >= 0 && args[i+1] != want {
			t.Errorf("%q: arguments %v, want %q", created, args, want)
		}
		if from(p.step(t, "build-env:native"), constraintsPath) == "" || p.step(t, "build-constraints").Files.Actions[0].Write.Data != "setuptools<80\n" {
			t.Error("the constraints are not there")
		}
	}
	delete(files, "constraints.txt")
	if _, err := open(t, "", files); err == nil || !strings.Contains(err.Error(), `there is no file "constraints.txt"`) {
		t.Errorf("missing constraints: %v", err)
	}
}

func TestConfigSettingsReachTheirPackageAlone(t *testing.T) {
	p := decided(t, sourcesProject("[config-settings.native]\n\"--global-option\" = [\"-a\", \"-b\"]\nfast = \"yes\"\n"), sourcesInputs())
	for _, id := range []string{"build:native", "requires:native"} {
		if args := strings.Join(p.step(t, id).Exec.Args, " "); !strings.Contains(args, "--setting --global-option=-a --setting --global-option=-b --setting fast=yes") {
			t.Errorf("%s: %s", id, args)
		}
	}
	if slices.Contains(p.step(t, "build:words").Exec.Args, "--setting") {
		t.Error("another package got them too")
	}
}

func TestASourceForAnotherPythonIsAnErrorAtItsLine(t *testing.T) {
	in := sourcesInputs()
	words := in.Sources["words"]
	words.RequiresPython = "<3"
	in.Sources["words"] = words
	_, err := project(t, "", sourcesProject("")).New(in)
	if err == nil || !strings.Contains(err.Error(), "uv.lock:22: words 1.0.9 is for Python <3, and the image has Python 3.13.5") {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsAskedOfABaseThatItCannotDo(t *testing.T) {
	in := sourcesInputs()
	in.Facts.Shell, in.Facts.Manager = false, ""
	in.Facts.Interpreters = []distro.Interpreter{{Path: "/usr/bin/python3.13", Version: "3.13.5", Lib: "/usr/lib/python3.13", Bytecode: true}}
	in.Base.Config.Config.Env = nil
	p := decided(t, sourcesProject("base = \"distroless:13\"\n"), in)
	if p.has("stdlib") {
		t.Error("the standard library is compiled although it comes with its bytecode")
	}
	if got := p.step(t, "build:words").Exec.Root; got != "slim-image" {
		t.Errorf("a wheel is built in %s, and the base has no pip", got)
	}
	if root, args := p.step(t, "install:native").Exec.Root, p.step(t, "install:native").Exec.Args; root != "python" || !slices.Contains(args, "/usr/bin/python3.13") {
		t.Errorf("wheels are installed in %s by %v", root, args)
	}
	if link := p.step(t, runtimeStep); !slices.ContainsFunc(link.Files.Actions, func(a Action) bool { return a.Symlink != nil && a.Symlink.Target == "/usr/bin/python3.13" }) {
		t.Error("the virtual environment does not lead to the base's Python")
	}
	if _, err := project(t, "", sourcesProject("base = \"distroless:13\"\n[apt]\nrun = [\"libpq5\"]\n")).New(in); err == nil || !strings.Contains(err.Error(), "has no apt-get and no apk") {
		t.Errorf("packages for an image that cannot install any: %v", err)
	}
}

func TestAnAlpineBaseIsItsOwnBuilder(t *testing.T) {
	in := sourcesInputs()
	in.Facts.Libc = python.Libc{Name: "musl", Major: 1, Minor: 2}
	in.Facts.Manager = "apk"
	p := decided(t, sourcesProject("base = \"python:3.13-alpine\"\n"), in)
	if got := p.step(t, "builder-image").Image.Ref; got != "python:3.13-alpine" {
		t.Errorf("the builder is %s", got)
	}
	p = decided(t, sourcesProject("base = \"python:3.13-alpine\"\nbuilder = \"mine:alpine\"\n"), in)
	if got := p.step(t, "builder-image").Image.Ref; got != "mine:alpine" {
		t.Errorf("the builder is %s", got)
	}
}

func TestAFreeThreadedPythonHasItsOwnNames(t *testing.T) {
	in := inputs("linux/amd64")
	in.Base.Ref = "python:3.13t-slim"
	in.Facts.Interpreters = []distro.Interpreter{
		{Path: "/usr/local/bin/python3.13", Version: "3.13.5", Lib: "/usr/local/lib/python3.13", Pip: true},
		{Path: "/usr/local/bin/python3.13t", Version: "3.13.5", Lib: "/usr/local/lib/python3.13t", FreeThreaded: true, Pip: true}}
	files := exampleFiles(t, "../examples/hello")
	files["Pyfile"] = strings.Replace(files["Pyfile"], `python = "3.13"`, `python = "3.13t"`, 1)
	opened := project(t, "", files)
	if opened.Base != "python:3.13t-slim" || opened.Builder != "python:3.13t" {
		t.Errorf("images %s and %s", opened.Base, opened.Builder)
	}
	p, err := opened.New(in)
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Join(p.step(t, "install-app").Exec.Args, " ")
	if !strings.Contains(args, "--python 3.13t --interpreter /usr/local/bin/python3.13t") {
		t.Errorf("installed by %s", args)
	}
	if !slices.ContainsFunc(p.step(t, runtimeStep).Files.Actions, func(a Action) bool { return a.Mkdir != nil && a.Mkdir.Path == Venv+"/lib/python3.13t/site-packages" }) {
		t.Error("the virtual environment has no python3.13t")
	}
	in.Facts.Interpreters = in.Facts.Interpreters[:1]
	if _, err := opened.New(in); err == nil || !strings.Contains(err.Error(), `write python = "3.13"`) {
		t.Errorf("a base without it: %v", err)
	}
}

func TestTheDefaultUserIsThereBeforePackagesAddTheirs(t *testing.T) {
	passwd := func(s Step) bool {
		return s.Files != nil && slices.ContainsFunc(s.Files.Actions, func(a Action) bool { return a.Write != nil && a.Write.Path == "/etc/passwd" })
	}
	for run, want := range map[string]string{"": runtimeStep, "run = []": runtimeStep, `run = ["libpq5"]`: accountStep} {
		p := decided(t, sourcesProject("[apt]\nbuild = [\"gcc\"]\n"+run+"\n"), sourcesInputs())
		for _, s := range p.Steps {
			if passwd(s) != (s.ID == want) {
				t.Errorf("%q: step %s writes /etc/passwd: %v", run, s.ID, passwd(s))
			}
		}
		if want == accountStep && (p.step(t, basePackagesStep).Exec.Root != accountStep || p.step(t, p.Result).Merge[0] != basePackagesStep) {
			t.Errorf("%q: the packages are not installed on the account, or are not the lowest layers", run)
		}
	}
}
