package plan

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	verifying "github.com/org/pyfile/verify"
)

// ids are the ids of a plan's steps that begin with one of some prefixes.
func ids(p *Plan, prefixes ...string) (out []string) {
	for _, s := range p.Steps {
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(s.ID, prefix) }) {
			out = append(out, s.ID)
		}
	}
	return out
}

// replacing plans an example with stages that build contexts replace, base by what its target base gives.
func replacing(t *testing.T, example, target string, stages ...string) *Plan {
	t.Helper()
	files := exampleFiles(t, "../examples/"+example)
	in := inputs("linux/amd64")
	if slices.Contains(stages, Base) || slices.Contains(stages, Final) {
		given, err := project(t, Base, files).New(in)
		if err != nil {
			t.Fatal(err)
		}
		account := in.Facts.account()
		in.Base = Source{Ref: stages[0], Platform: in.Base.Platform, Config: given.Image}
		in.Facts.Passwd, in.Facts.Group, in.Facts.Environments = account.passwd, account.group, []string{"python3.13"}
	}
	p, err := openWith(t, Options{Target: target, Replaced: stages}, files)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := p.New(in)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestAnImageInPlaceOfBaseGetsOneLayerAndTheSameConfiguration(t *testing.T) {
	direct, replaced := replacing(t, "fastapi", ""), replacing(t, "fastapi", "", Base)
	if steps := ids(replaced, "fetch:", "install:", "stdlib", runtimeStep, "copy:"); len(steps) > 0 {
		t.Errorf("what the base has is made again: %v", steps)
	}
	result := replaced.Steps[slices.IndexFunc(replaced.Steps, func(s Step) bool { return s.ID == replaced.Result })]
	if !slices.Equal(result.Merge, []string{baseStep, "app"}) {
		t.Errorf("the result is %+v", result)
	}
	want, _ := json.Marshal(direct.Image)
	if got, _ := json.Marshal(replaced.Image); string(got) != string(want) {
		t.Errorf("the configuration is\n%s, not\n%s", got, want)
	}
	verify := replaced.Steps[slices.IndexFunc(replaced.Steps, func(s Step) bool { return s.ID == "verify" })].Exec
	if locked := slices.Index(verify.Args, "--locked"); locked < 0 || !slices.ContainsFunc(verify.Args, func(a string) bool { return strings.HasPrefix(a, "fastapi==") }) {
		t.Errorf("verify does not know the lock: %v", verify.Args)
	}
	report := &verifying.Report{Findings: []verifying.Finding{{Kind: verifying.MissingLibrary, Severity: verifying.Error, Package: "libpq5", Message: "x", Hint: "add it"}}}
	if errs, _ := replaced.Problems(report); len(errs) != 1 || errs[0].Hint != "add it, and build the image of --build-context base anew" {
		t.Errorf("a package that the base lacks: %v", errs)
	}
}

// An image of somebody else's Dockerfile has neither the user nor the directory.
func TestAForeignImageInPlaceOfBaseGetsTheUserAndTheDirectory(t *testing.T) {
	files := map[string]string{"Pyfile": "python = \"3.13\"\nworkdir = \"/srv\"\n", "main.py": ""}
	p, err := openWith(t, Options{Replaced: []string{Base}}, files)
	if err != nil {
		t.Fatal(err)
	}
	in := inputs("linux/amd64")
	in.Base.Ref, in.Facts.Environments = Base, []string{"python3.13"}
	plan, err := p.New(in)
	if err != nil {
		t.Fatal(err)
	}
	if result := plan.step(t, plan.Result); !slices.Equal(result.Merge, []string{baseStep, runtimeStep, "app"}) {
		t.Errorf("the result is %+v", result)
	}
	in.Merge = false
	if plan, err = p.New(in); err != nil || plan.Result != "copy:app" || plan.step(t, "copy:app").Files.On != "copy:"+runtimeStep {
		t.Errorf("without merge the result is %s, %v", plan.Result, err)
	}
	in.Facts.Environments = []string{"python3.12"}
	if _, err := p.New(in); err == nil || !strings.Contains(err.Error(), "the virtual environment in /opt/venv of the image of --build-context base is one of python3.12, not of python3.13") {
		t.Errorf("an environment of another Python: %v", err)
	}
}

// A directory on the path of the image must not be there twice, whatever is built on what.
func TestAnImageOfPyfileIsABaseLikeAnyOther(t *testing.T) {
	files := map[string]string{"Pyfile": "python = \"3.13\"\n", "main.py": ""}
	in := inputs("linux/amd64")
	first, err := project(t, "", files).New(in)
	if err != nil {
		t.Fatal(err)
	}
	in.Base.Config = first.Image
	second, err := project(t, "", files).New(in)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := env(second.Image.Config.Env, "PATH"), env(first.Image.Config.Env, "PATH"); got != want {
		t.Errorf("PATH is %s, not %s", got, want)
	}
}

func TestTestsInAGivenImageBuildNothingOfIt(t *testing.T) {
	p := replacing(t, "tested", Test, Final)
	if steps := ids(p, "install:", "build-app", "source", "stdlib"); len(steps) > 0 {
		t.Errorf("the image is made again: %v", steps)
	}
	if steps := ids(p, "test-install:"); len(steps) == 0 {
		t.Error("nothing is installed for the tests")
	}
}

func TestWheelsThatAreGivenAreNeitherFetchedNorBuilt(t *testing.T) {
	p := replacing(t, "workspace", "", DepBuilder, AppBuilder)
	if steps := ids(p, "fetch:", "build", "source", "inspect:"); len(steps) > 0 {
		t.Errorf("these are fetched or built: %v", steps)
	}
	if steps, want := ids(p, "take"), []string{"take-wheels", "take:core", "take:shared", "take-app"}; !slices.Equal(slices.DeleteFunc(steps, func(id string) bool { return id == "take-python" }), want) {
		t.Errorf("taken are %v, want %v", steps, want)
	}
}
