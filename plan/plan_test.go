package plan

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/org/pyfile/distro"
	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// inputs are those of a real python:3.13-slim on linux/amd64.
func inputs(platform string) Inputs {
	config := dockerspec.DockerOCIImage{}
	config.Config.Env = []string{"PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "PYTHON_VERSION=3.13.5"}
	config.Config.Cmd = []string{"python3"}
	return Inputs{
		Platform:      platforms.MustParse(platform),
		BuildPlatform: platforms.MustParse("linux/amd64"),
		Base:          Source{Ref: "python:3.13-slim", Platform: platform, Config: config},
		Builder:       Source{Ref: "python:3.13", Platform: platform, Config: config},
		Facts: Facts{Libc: python.Libc{Name: "glibc", Major: 2, Minor: 41}, Manager: "apt-get", Shell: true,
			Interpreters: []distro.Interpreter{{Path: "/usr/local/bin/python3.13", Version: "3.13.5", Lib: "/usr/local/lib/python3.13", Pip: true}},
			Passwd:       "root:x:0:0:root:/root:/bin/bash\n", Group: "root:x:0:\n"},
		Merge: true,
	}
}

// open opens a project made of these files, one of which is the Pyfile.
func open(t *testing.T, target string, files map[string]string) (*Project, error) {
	t.Helper()
	return openWith(t, Options{Target: target}, files)
}

func openWith(t *testing.T, o Options, files map[string]string) (*Project, error) {
	t.Helper()
	file, err := pyfile.Parse("Pyfile", []byte(files["Pyfile"]), nil)
	if err != nil {
		t.Fatal(err)
	}
	context := map[string][]byte{}
	for name, data := range files {
		context[name] = []byte(data)
	}
	return Open(file, ReaderOf(context), o)
}

// project is open for files that are right.
func project(t *testing.T, target string, files map[string]string) *Project {
	t.Helper()
	p, err := open(t, target, files)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// golden compares a value's JSON with a golden file.
func golden(t *testing.T, name string, value any) {
	t.Helper()
	got, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s differs; run `go test ./plan -update` and read the difference\n%s", name, diff(t, name, got))
	}
}

// diff shows the first lines that differ.
func diff(t *testing.T, name string, got []byte) string {
	t.Helper()
	tmp := filepath.Join(t.TempDir(), "got")
	if err := os.WriteFile(tmp, got, 0o644); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command("diff", "-u", name, tmp).CombinedOutput()
	lines := strings.SplitAfterN(string(out), "\n", 60)
	return strings.Join(lines[:min(len(lines), 59)], "")
}

// exampleFiles reads an example's folder.
func exampleFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		name, err = filepath.Rel(dir, name)
		files[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestPlanOfEveryExampleIsTheGoldenOne(t *testing.T) {
	dirs, err := filepath.Glob("../examples/*/Pyfile")
	if err != nil || len(dirs) < 4 {
		t.Fatalf("examples: %v, %v", dirs, err)
	}
	host := regexp.MustCompile(`https?://[^/"]+`)
	for _, pyfile := range dirs {
		dir := filepath.Dir(pyfile)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			p, err := planOf(project(t, "", exampleFiles(t, dir)), inputs("linux/amd64"))
			if err != nil {
				t.Fatalf("%v\n(the locks of the examples are made by `make locks`)", err)
			}
			// What comes from the lock names the package index of the machine that made it.
			for _, s := range p.Steps {
				if s.Fetch != nil {
					s.Fetch.URL = host.ReplaceAllString(s.Fetch.URL, "https://index.example")
				}
				if s.ID == "query:lookup" {
					w := s.Files.Actions[0].Write
					w.Data = host.ReplaceAllString(w.Data, "https://index.example")
				}
			}
			golden(t, filepath.Join(dir, "plan.json"), p)
		})
	}
}

// planOf is a project's plan or, where that depends on an answer from outside, the plan that asks for it.
func planOf(p *Project, in Inputs) (*Plan, error) {
	sources := func(in Inputs) (*Plan, error) {
		plan, _, err := p.SourcesPlan(in)
		return plan, err
	}
	for _, aside := range []func(Inputs) (*Plan, error){p.ResolvePlan, p.LookupPlan, sources} {
		if plan, err := aside(in); plan != nil || err != nil {
			return plan, err
		}
	}
	return p.New(in)
}

func TestTwoPlansOfTheSameInputsAreEqual(t *testing.T) {
	files := map[string]string{
		"Pyfile":         "python = \"3.13\"\n[labels]\nb = \"1\"\na = \"2\"\n[env]\nZ = \"1\"\nA = \"2\"\n",
		"pyproject.toml": "[project]\nname = \"x\"\nversion = \"1\"\n[project.urls]\nSource = \"https://code.example/x\"\nDocs = \"https://docs.example\"\n",
	}
	var first string
	for range 20 {
		p, err := project(t, "", files).New(inputs("linux/amd64"))
		if err != nil {
			t.Fatal(err)
		}
		data, _ := json.Marshal(p)
		if first == "" {
			first = string(data)
		}
		if string(data) != first {
			t.Fatalf("two plans differ:\n%s\n%s", first, data)
		}
	}
}

// The base image is an input of a step by its digest, which no plan has; all else that a patch release of Python changes is in the plan.
func TestPatchReleaseOfPythonChangesNoStepThatInstalls(t *testing.T) {
	p := project(t, "", exampleFiles(t, "../examples/fastapi"))
	before, err := p.New(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	in := inputs("linux/amd64")
	in.Facts.Interpreters[0].Version = "3.13.99"
	in.Base.Config.Config.Env[2] = "PYTHON_VERSION=3.13.99"
	after, err := p.New(in)
	if err != nil {
		t.Fatal(err)
	}
	if after.Python == before.Python {
		t.Fatalf("the version is %s", after.Python)
	}
	var changed []string
	for i, s := range after.Steps {
		was, _ := json.Marshal(before.Steps[i])
		if is, _ := json.Marshal(s); string(is) != string(was) {
			changed = append(changed, s.ID)
		}
	}
	if !slices.Equal(changed, []string{"verify"}) || len(after.Steps) != len(before.Steps) {
		t.Errorf("these steps changed: %v", changed)
	}
}

func TestEveryStepNamesOnlyEarlierSteps(t *testing.T) {
	for _, target := range Targets {
		for _, platform := range []string{"linux/amd64", "linux/arm64"} {
			for _, merge := range []bool{true, false} {
				in := inputs(platform)
				in.Merge = merge
				files := exampleFiles(t, "../examples/hello")
				files["Pyfile"] += "[steps.assets]\nrun = [\"make\"]\napt = [\"make\"]\n[steps.more]\nrun = [\"true\"]\n[test]\nrun = [\"pytest\"]\n"
				p, err := project(t, target.Name, files).New(in)
				if err != nil {
					t.Fatalf("%s %s: %v", target.Name, platform, err)
				}
				known := map[string]bool{"": true}
				for _, s := range p.Steps {
					for _, id := range uses(s) {
						if !known[id] {
							t.Errorf("%s %s: step %s uses %s, which is not before it", target.Name, platform, s.ID, id)
						}
					}
					known[s.ID] = true
					if s.Exec != nil {
						for _, m := range s.Exec.Mounts {
							known[m.As] = true
						}
					}
				}
				if !known[p.Result] {
					t.Errorf("%s: no step %s", target.Name, p.Result)
				}
			}
		}
	}
}

// A daemon that cannot merge gets the same steps up to the last, and copies of them in the order of the merge.
func TestWithoutMergeTheSameLayersAreCopied(t *testing.T) {
	in := sourcesInputs()
	merged := decided(t, sourcesProject("[apt]\nrun = [\"libpq5\"]\n"), in)
	in.Merge = false
	copied := decided(t, sourcesProject("[apt]\nrun = [\"libpq5\"]\n"), in)
	same := len(merged.Steps) - 1
	if !reflect.DeepEqual(copied.Steps[:same], merged.Steps[:same]) {
		t.Fatal("the steps below the copies are others than those below the merge")
	}
	layers := merged.step(t, merged.Result).Merge
	if on := layers[0]; on != "base-packages" || copied.Steps[same].Files.On != on {
		t.Errorf("the merge starts from %s, the copies from %s", on, copied.Steps[same].Files.On)
	}
	var from []string
	for i, s := range copied.Steps[same:] {
		if i > 0 && s.Files.On != copied.Steps[same+i-1].ID {
			t.Errorf("%s is copied onto %s", s.ID, s.Files.On)
		}
		if len(s.Files.Actions) != 1 || !s.Target {
			t.Fatalf("%s has %d file operations; target platform: %t", s.ID, len(s.Files.Actions), s.Target)
		}
		from = append(from, s.Files.Actions[0].Copy.From)
	}
	if !slices.Equal(from, layers[1:]) || copied.Result != copied.Steps[len(copied.Steps)-1].ID {
		t.Errorf("copied are %v, not %v; the result is %s", from, layers[1:], copied.Result)
	}
	if !reflect.DeepEqual(copied.Image, merged.Image) {
		t.Error("the configuration of the image is another one")
	}
}

// uses are the steps that a step names.
func uses(s Step) []string {
	ids := append([]string{}, s.Merge...)
	if s.Files != nil {
		ids = append(ids, s.Files.On)
		for _, a := range s.Files.Actions {
			if a.Copy != nil {
				ids = append(ids, a.Copy.From)
			}
		}
	}
	if s.Exec != nil {
		ids = append(ids, s.Exec.Root)
		for _, m := range s.Exec.Mounts {
			ids = append(ids, m.From)
		}
	}
	return ids
}

func TestWhatTheFrontendReadsIsALayerOfEveryImage(t *testing.T) {
	for _, target := range []string{Base, Final} {
		p, err := project(t, target, exampleFiles(t, "../examples/hello")).New(inputs("linux/amd64"))
		if err != nil {
			t.Fatal(err)
		}
		result := p.step(t, p.Result).Merge
		for _, id := range []string{factsStep, p.Report} { // in the base of this project nothing is installed, and it has the same notes
			if !slices.Contains(result, id) {
				t.Errorf("target %s: a cache of mode=min would not carry %q", target, id)
			}
		}
	}
}

func TestOnlyNetworkedStepsAreTheBuildRequirements(t *testing.T) {
	p, err := project(t, "", exampleFiles(t, "../examples/hello")).New(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Steps {
		if s.Exec != nil && s.Exec.Network != (s.ID == "build-env-app") {
			t.Errorf("step %s: network %v", s.ID, s.Exec.Network)
		}
	}
}

func TestFactsMustTellTheCLibrary(t *testing.T) {
	for text, fails := range map[string]bool{`{"libc":{"Name":"glibc","Major":2,"Minor":41}}`: false, `{"libc":{}}`: true, `{}`: true, `no`: true} {
		got, err := ParseFacts([]byte(text))
		if (err != nil) != fails || !fails && got.Libc.String() != "glibc 2.41" {
			t.Errorf("%s: %v, %v", text, got.Libc, err)
		}
	}
}

func TestWorkdirBelowADirectoryOfTheBaseIsRefused(t *testing.T) {
	for workdir, fails := range map[string]bool{"/app": false, "/tmpfiles": false, "/srv/tmp": false, "/tmp": true, "/tmp/x": true, "/var/tmp/x": true} {
		_, err := open(t, "", map[string]string{"Pyfile": fmt.Sprintf("python = \"3.13\"\nworkdir = %q\n", workdir)})
		if (err != nil) != fails {
			t.Errorf("workdir %s: %v", workdir, err)
		}
	}
}

func TestDefaultUserIsCreatedOnlyWhereItIsMissing(t *testing.T) {
	f := Facts{Passwd: "root:x:0:0:root:/root:/bin/bash", Group: "root:x:0:\n"}
	a := f.account()
	if !strings.HasSuffix(a.passwd, "\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n") || !strings.HasPrefix(a.passwd, f.Passwd+"\n") {
		t.Errorf("passwd %q", a.passwd)
	}
	f.Passwd = "root:x:0:0:root:/root:/bin/bash\nother:x:65532:65532::/:/bin/false\n"
	if a := f.account(); a.passwd != "" || a.home != "" {
		t.Errorf("the base has the uid already, and got %+v", a)
	}
}

func TestUserMustBeKnownToTheBaseOrANumber(t *testing.T) {
	for user, fails := range map[string]bool{"root": false, "nonroot": false, "nonroot:nonroot": false, "1000:1000": false, "1000": false, "www-data": true, "root:staff": true} {
		p, err := project(t, "", map[string]string{"Pyfile": fmt.Sprintf("python = \"3.13\"\nuser = %q\n", user)}).New(inputs("linux/amd64"))
		if (err != nil) != fails {
			t.Errorf("user %s: %v", user, err)
		}
		if fails {
			continue
		}
		data, _ := json.Marshal(p)
		if made := strings.Contains(string(data), "nonroot:x:65532"); made != strings.HasPrefix(user, nonroot) {
			t.Errorf("user %s: nonroot made: %v", user, made)
		}
		if p.Image.Config.User != user {
			t.Errorf("user %s became %s", user, p.Image.Config.User)
		}
	}
}

// wheels makes artifacts of these sizes, named w0, w1, ...
func wheels(sizes ...int64) []lock.Artifact {
	var out []lock.Artifact
	for i, size := range sizes {
		name := "w" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		out = append(out, lock.Artifact{Name: name, Version: "1", Kind: lock.Wheel, Filename: name + "-1-py3-none-any.whl", Size: size})
	}
	return out
}

func TestSlimIsForDependenciesAndNotForTheApplication(t *testing.T) {
	files := exampleFiles(t, "../examples/fastapi")
	files["Pyfile"] += "\n[slim]\nremove = [\"tests\", \"docs\", \"tests\"]\nstrip = true\n"
	p, err := project(t, "", files).New(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	installed := 0
	for _, s := range p.Steps {
		if !strings.HasPrefix(s.ID, "install") {
			continue
		}
		installed++
		slim := strings.Contains(strings.Join(s.Exec.Args, " "), " --remove docs,tests --strip ")
		if slim != (s.ID != "install-app") {
			t.Errorf("%s: %v", s.ID, s.Exec.Args)
		}
	}
	if installed < 3 {
		t.Errorf("%d steps install", installed)
	}
}
