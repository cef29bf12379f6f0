package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/lock"
)

// find returns the steps that a plan's result comes from, by id.
func find(p *Plan) map[string]Step {
	all, needed := map[string]Step{}, map[string]Step{}
	for _, s := range p.Steps {
		all[s.ID] = s
	}
	var walk func(id string)
	walk = func(id string) {
		if _, known := needed[id]; known || id == "" {
			return
		}
		needed[id] = all[id]
		for _, u := range uses(all[id]) {
			walk(u)
		}
	}
	walk(p.Result)
	return needed
}

const workspaceLock = `version = 1
revision = 3
requires-python = ">=3.12"

[manifest]
members = ["api", "core", "worker"]

[[package]]
name = "api"
version = "1.0"
source = { editable = "packages/api" }
dependencies = [{ name = "core" }]

[[package]]
name = "core"
version = "1.0"
source = { editable = "packages/core" }

[[package]]
name = "worker"
version = "1.0"
source = { editable = "packages/worker" }
dependencies = [{ name = "core" }]
`

func member(name string) string {
	return "[project]\nname = \"" + name + "\"\nversion = \"1.0\"\nrequires-python = \">=3.12\"\n[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n"
}

func workspace(pyfile string) map[string]string {
	return map[string]string{
		"Pyfile":                         "python = \"3.13\"\n" + pyfile,
		"uv.lock":                        workspaceLock,
		"packages/api/pyproject.toml":    strings.Replace(member("api"), "[build", "dependencies = [\"core\"]\n[build", 1),
		"packages/core/pyproject.toml":   member("core"),
		"packages/worker/pyproject.toml": strings.Replace(member("worker"), "[build", "dependencies = [\"core\"]\n[build", 1),
	}
}

func TestMemberOfAWorkspaceLoadsOnlyWhatItNeeds(t *testing.T) {
	p, err := project(t, "", workspace("[dependencies]\nproject = \"packages/api\"\n")).New(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	steps := find(p)
	var loaded []string
	for _, s := range steps {
		if s.Context != nil {
			loaded = append(loaded, s.Context.Include...)
			if len(s.Context.Include) == 0 {
				t.Errorf("step %s loads the whole context", s.ID)
			}
		}
	}
	slices.Sort(loaded)
	if want := []string{"packages/api", "packages/core"}; !slices.Equal(loaded, want) {
		t.Errorf("loaded %v, want %v", loaded, want)
	}
	for _, id := range []string{"build-app", "build:core", "install-app", "install:core"} {
		if _, ok := steps[id]; !ok {
			t.Errorf("no step %s", id)
		}
	}
	if a, b := steps["build-app"].Exec.Mounts[2].From, steps["build:core"].Exec.Mounts[2].From; a != b {
		t.Errorf("equal build requirements are installed twice, in %s and %s", a, b)
	}
}

func TestProjectAtTheRootOfAWorkspaceLeavesItsMembersAside(t *testing.T) {
	files := workspace("")
	files["pyproject.toml"] = member("root")
	files["uv.lock"] += "\n[[package]]\nname = \"root\"\nversion = \"1.0\"\nsource = { editable = \".\" }\n"
	p, err := project(t, "", files).New(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	source := find(p)["source"]
	for _, dir := range []string{"packages/api", "packages/core", "packages/worker", "uv.lock"} {
		if !slices.Contains(source.Context.Exclude, dir) {
			t.Errorf("%s changes the application's wheel", dir)
		}
	}
}

func TestManyMembersStayBelowTheLimitOfLayers(t *testing.T) {
	files := map[string]string{"Pyfile": "python = \"3.13\"\n[dependencies]\nproject = \"packages/m000\"\n"}
	lock, deps := "version = 1\nrequires-python = \">=3.12\"\n", ""
	for i := range 200 {
		name := fmt.Sprintf("m%03d", i)
		files["packages/"+name+"/pyproject.toml"] = member(name)
		if i > 0 {
			lock += "\n[[package]]\nname = \"" + name + "\"\nversion = \"1.0\"\nsource = { editable = \"packages/" + name + "\" }\n"
			deps += "    { name = \"" + name + "\" },\n"
		}
	}
	files["uv.lock"] = lock + "\n[[package]]\nname = \"m000\"\nversion = \"1.0\"\nsource = { editable = \"packages/m000\" }\ndependencies = [\n" + deps + "]\n"
	p, err := project(t, "", files).New(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	steps, built := find(p), 0
	for id := range steps {
		if strings.HasPrefix(id, "build:") {
			built++
		}
	}
	if layers := len(steps[Final].Merge); layers > 60 || built != 199 {
		t.Errorf("%d layers, %d members built", layers, built)
	}
}

func TestNoNameOfAPackageHidesAStep(t *testing.T) {
	files := workspace("[dependencies]\nproject = \"packages/api\"\n")
	for name, text := range files {
		files[name] = strings.ReplaceAll(text, "core", "app")
	}
	files["packages/app/pyproject.toml"] = files["packages/core/pyproject.toml"]
	files["uv.lock"] = strings.ReplaceAll(files["uv.lock"], "packages/core", "packages/app")
	p, err := project(t, "", files).New(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range p.Steps {
		if seen[s.ID] {
			t.Errorf("two steps %s", s.ID)
		}
		seen[s.ID] = true
	}
	var wheels []string
	for _, s := range find(p) {
		if strings.Contains(s.Name, "build the wheel of") {
			wheels = append(wheels, s.Name)
		}
	}
	if len(wheels) != 2 {
		t.Errorf("builds %v", wheels)
	}
}

func TestProjectDirectoryWithoutAProjectIsAnError(t *testing.T) {
	_, err := open(t, "", workspace("[dependencies]\nproject = \"packages/apy\"\n"))
	if err == nil || !strings.Contains(err.Error(), `there is no pyproject.toml or setup.py in "packages/apy"`) {
		t.Errorf("%v", err)
	}
}

func TestServiceSharesRequirementsOfAFolderAboveIt(t *testing.T) {
	const hash = " --hash=sha256:0123456789012345678901234567890123456789012345678901234567890123\n"
	files := map[string]string{
		"services/api/Pyfile":           "",
		"Pyfile":                        "python = \"3.13\"\n[dependencies]\nproject = \"services/api\"\n",
		"services/api/pyproject.toml":   "[project]\nname = \"api\"\nversion = \"1\"\n",
		"services/api/requirements.txt": "-r ../../requirements/base.txt\na==1" + hash,
		"requirements/base.txt":         "-c constraints.txt\nb==2" + hash,
		"requirements/constraints.txt":  "b<3\n",
		"requirements/other.txt":        "c==3\n",
		"requirements.txt":              "d==4\n",
	}
	p := project(t, "", files)
	in := inputs("linux/amd64")
	lookup, err := p.LookupPlan(in)
	if err != nil || lookup == nil {
		t.Fatalf("%v, %v", lookup, err)
	}
	query := find(lookup)["query:lookup"].Files.Actions[0].Write.Data
	for name, want := range map[string]bool{"a": true, "b": true, "c": false, "d": false} {
		if strings.Contains(query, "\""+name+"\"") != want {
			t.Errorf("asks for %s: %v\n%s", name, !want, query)
		}
	}
	in.Found = &index.Answer{Packages: []index.Found{
		{Name: "a", Files: []index.File{{Name: "a-1-py3-none-any.whl", URL: "https://files.example/a-1-py3-none-any.whl", SHA256: hash[15:79]}}},
		{Name: "b", Files: []index.File{{Name: "b-2-py3-none-any.whl", URL: "https://files.example/b-2-py3-none-any.whl", SHA256: hash[15:79]}}},
	}}
	got, err := p.New(in)
	if err != nil {
		t.Fatal(err)
	}
	if include := find(got)["source"].Context.Include; !slices.Equal(include, []string{"services/api"}) {
		t.Errorf("the source is %v", include)
	}
	for _, name := range []string{"services/api/requirements.txt", "requirements/base.txt"} {
		if !slices.Contains(find(got)["source"].Context.Exclude, name) {
			t.Errorf("%s changes the application", name)
		}
	}
}

func TestCUDAWheelsBesideAnIndexOfCPUBuildsAreAWarning(t *testing.T) {
	wheel := func(name, version, size string) string {
		return "\n[[package]]\nname = \"" + name + "\"\nversion = \"" + version + "\"\nsource = { registry = \"https://index.example/simple\" }\nwheels = [{ url = \"https://files.example/" +
			strings.ReplaceAll(name, "-", "_") + "-" + version + "-py3-none-any.whl\", hash = \"sha256:0123456789012345678901234567890123456789012345678901234567890123\", size = " + size + " }]\n"
	}
	files := map[string]string{
		"Pyfile":         "python = \"3.13\"\n",
		"pyproject.toml": "[project]\nname = \"ml\"\nversion = \"1\"\nrequires-python = \">=3.12\"\ndependencies = [\"torch\"]\n\n[[tool.uv.index]]\nname = \"pytorch-cpu\"\nurl = \"https://torch.example/whl/cpu\"\nexplicit = true\n",
		"uv.lock": "version = 1\nrequires-python = \">=3.12\"\n\n[[package]]\nname = \"ml\"\nversion = \"1\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"torch\" }, { name = \"nvidia-cublas-cu12\" }]\n" +
			"[package.metadata]\nrequires-dist = [{ name = \"torch\" }]\n" + wheel("torch", "2.8.0", "888000000") + wheel("nvidia-cublas-cu12", "12.8.4", "594000000"),
	}
	p, err := project(t, "", files).New(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Warnings) != 1 || p.Warnings[0].Rule != CUDAWheels || p.Warnings[0].File != "pyproject.toml" || !strings.Contains(p.Warnings[0].Msg, "1.5 GB") {
		t.Errorf("%+v", p.Warnings)
	}
}

// loose is a project without a lock.
func loose(pyfile string) map[string]string {
	return map[string]string{
		"Pyfile":         "python = \"3.13\"\n" + pyfile,
		"pyproject.toml": "[project]\nname = \"shop\"\nversion = \"1.0\"\ndescription = \"x\"\ndependencies = [\"click>=8\"]\n[project.optional-dependencies]\npg = [\"psycopg; sys_platform == 'linux'\"]\n[dependency-groups]\ntasks = [\"rq\"]\n",
	}
}

func TestResolverSeesOnlyWhatSaysWhatIsNeeded(t *testing.T) {
	text := func(files map[string]string) string {
		p, err := project(t, "", files).ResolvePlan(inputs("linux/amd64"))
		if err != nil {
			t.Fatal(err)
		}
		data, _ := json.Marshal(find(p)["requirements"])
		return string(data)
	}
	before := loose("")
	after := loose("")
	after["pyproject.toml"] = strings.Replace(after["pyproject.toml"], "\"x\"", "\"another description\"\nreadme = \"README.md\"", 1) + "[tool.ruff]\nline-length = 100\n"
	if text(before) != text(after) {
		t.Error("a changed description would choose versions anew")
	}
	after["pyproject.toml"] = strings.Replace(after["pyproject.toml"], "click>=8", "click>=8.1", 1)
	if text(before) == text(after) {
		t.Error("a changed dependency does not choose versions anew")
	}
}

func TestUnlockedProjectWarnsAtTheLineAndInstallsWhatWasResolved(t *testing.T) {
	p := project(t, "", loose("[dependencies]\nextras = [\"pg\"]\ngroups = [\"tasks\"]\n"))
	in := inputs("linux/amd64")
	resolve, err := p.ResolvePlan(in)
	if err != nil || resolve == nil {
		t.Fatalf("%v, %v", resolve, err)
	}
	exec := find(resolve)[resolveStep].Exec
	if args := strings.Join(exec.Args, " "); !strings.Contains(args, "--extra pg --group tasks") || !exec.Network {
		t.Errorf("resolver runs %s, network %v", args, exec.Network)
	}
	const text = "lock-version = \"1.0\"\ncreated-by = \"uv\"\n[[packages]]\nname = \"click\"\nversion = \"8.1.0\"\n" +
		"wheels = [{ url = \"https://files.example/click-8.1.0-py3-none-any.whl\", hashes = { sha256 = \"0123456789012345678901234567890123456789012345678901234567890123\" } }]\n"
	in.Resolved, err = lock.Read([]string{ResolvedFile}, map[string][]byte{ResolvedFile: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.New(in)
	if err != nil {
		t.Fatal(err)
	}
	steps := find(got)
	if _, ok := steps["fetch:click-8.1.0-py3-none-any.whl"]; !ok {
		t.Error("the resolved wheel is not installed")
	}
	if _, ok := steps[resolveStep]; !ok {
		t.Error("a registry cache would not carry what was resolved")
	}
	if len(got.Warnings) != 1 || got.Warnings[0].Rule != NotLocked || got.Warnings[0].File != "pyproject.toml" || got.Warnings[0].Range.Start.Line != 5 {
		t.Errorf("warnings %+v", got.Warnings)
	}
}

func TestAskedNamesThatTheProjectLacksAreErrors(t *testing.T) {
	_, err := open(t, "", loose("[dependencies]\nextras = [\"pq\"]\ngroups = [\"nothing\"]\n"))
	for _, want := range []string{`3:11: the project has no extra "pq"`, "extras are pg", `4:11: the project has no dependency group "nothing"`, "dependency groups are tasks"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestProjectsThatOneToolCanLockAreSentThere(t *testing.T) {
	for tool, text := range map[string]string{
		"uv":     "[project]\nname = \"x\"\nversion = \"1\"\ndependencies = [\"click\"]\n[tool.uv.sources]\nclick = { path = \"click\" }\n",
		"poetry": "[tool.poetry]\nname = \"x\"\nversion = \"1\"\n[tool.poetry.dependencies]\nclick = \"^8\"\n",
	} {
		_, err := open(t, "", map[string]string{"Pyfile": "python = \"3.13\"\n", "pyproject.toml": text})
		if err == nil || !strings.Contains(err.Error(), "run \""+tool+" lock\"") {
			t.Errorf("%s: %v", tool, err)
		}
	}
}

func TestPoetryProjectWithoutDependenciesNeedsNoLock(t *testing.T) {
	p, err := open(t, "", map[string]string{"Pyfile": "python = \"3.13\"\n",
		"pyproject.toml": "[tool.poetry]\nname = \"x\"\nversion = \"1\"\n[tool.poetry.dependencies]\npython = \"^3.12\"\n"})
	if err != nil {
		t.Fatal(err)
	}
	if plan, err := p.ResolvePlan(inputs("linux/amd64")); plan != nil || err != nil {
		t.Errorf("%v, %v", plan, err)
	}
}

func TestNeitherGroupsNorThePlatformChangeWhatTheIndexIsAsked(t *testing.T) {
	asked := map[string]bool{}
	for _, groups := range []string{"", "groups = [\"production\"]\n", "groups = [\"production\", \"dev\"]\nextras = [\"yaml\"]\n"} {
		for _, platform := range []string{"linux/amd64", "linux/arm64"} {
			files := exampleFiles(t, "../examples/lock-poetry")
			files["Pyfile"] = "python = \"3.13\"\n[dependencies]\n" + groups
			p, err := project(t, "", files).LookupPlan(inputs(platform))
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal([]Step{find(p)["query:lookup"], find(p)[lookupStep]})
			if err != nil {
				t.Fatal(err)
			}
			var steps []map[string]any
			if err := json.Unmarshal(data, &steps); err != nil {
				t.Fatal(err)
			}
			delete(steps[0], "origin")
			delete(steps[1], "origin")
			data, _ = json.Marshal(steps)
			asked[string(data)] = true
		}
	}
	if len(asked) != 1 {
		t.Errorf("%d different questions", len(asked))
	}
}

func TestRelockLeavesAnEmptyPylockAside(t *testing.T) {
	files := loose("")
	files["pylock.toml"] = ""
	if _, err := open(t, "", files); err == nil {
		t.Error("an empty lock is no error")
	}
	p, err := openWith(t, Options{Relock: true}, files)
	if err != nil || p.CheckRelock() != nil {
		t.Errorf("%v, %v", err, p.CheckRelock())
	}
	files["uv.lock"] = "version = 1\n[[package]]\nname = \"shop\"\nversion = \"1.0\"\nsource = { virtual = \".\" }\n"
	p, err = openWith(t, Options{Relock: true}, files)
	if err != nil || p.CheckRelock() == nil {
		t.Errorf("a project with uv.lock can be locked another time: %v", err)
	}
}

func TestFilesAtAnIndexWithASecretAreFetchedWithIt(t *testing.T) {
	files := map[string]string{
		"Pyfile": "python = \"3.13\"\n[index.company]\nurl = \"https://packages.example/simple/\"\nsecret = \"company\"\nusername = \"me\"\n",
		"pylock.toml": "lock-version = \"1.0\"\ncreated-by = \"x\"\npackages = [\n" +
			"  { name = \"a\", version = \"1\", wheels = [{ url = \"https://packages.example/files/a-1-py3-none-any.whl\", hashes = { sha256 = \"0123456789012345678901234567890123456789012345678901234567890123\" } }] },\n" +
			"  { name = \"b\", version = \"1\", wheels = [{ url = \"https://files.example/b-1-py3-none-any.whl\", hashes = { sha256 = \"0123456789012345678901234567890123456789012345678901234567890123\" } }] },\n]\n",
	}
	p, err := project(t, "", files).New(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	steps := find(p)
	a, b := steps["fetch:a-1-py3-none-any.whl"], steps["fetch:b-1-py3-none-any.whl"]
	if a.Exec == nil || b.Fetch == nil {
		t.Fatalf("a %+v, b %+v", a, b)
	}
	var ids []string
	for _, s := range a.Exec.Secrets {
		ids = append(ids, s.ID)
	}
	if !slices.Equal(ids, []string{CASecret, "company"}) || a.Exec.Root != "" {
		t.Errorf("the fetch sees the secrets %v and the tree of %q", ids, a.Exec.Root)
	}
}

func TestUserOfSSHIsNoPassword(t *testing.T) {
	for address, want := range map[string]bool{
		"git+ssh://git@git.example/a": false, "git+ssh://git:hunter2@git.example/a": true, "https://token@files.example/a.whl": true,
		"https://files.example/a@1.whl": false, "": false, "https://me:hun%ter2@files.example/a": true,
	} {
		if got := hasPassword(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}

func TestAddressThatAnIndexSignsIsNotKept(t *testing.T) {
	const hash = "0123456789012345678901234567890123456789012345678901234567890123"
	p := project(t, "", map[string]string{"Pyfile": "python = \"3.13\"\n", "requirements.txt": "a==1 --hash=sha256:" + hash + "\n"})
	in := inputs("linux/amd64")
	in.Found = &index.Answer{Packages: []index.Found{{Name: "a", Files: []index.File{{Name: "a-1-py3-none-any.whl", URL: "https://files.example/a-1-py3-none-any.whl?token=hunter2", SHA256: hash}}}}}
	got, err := p.New(in)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := json.Marshal(got)
	if strings.Contains(string(data), "hunter2") {
		t.Errorf("the plan has the token: %s", data)
	}
	if s := find(got)["fetch:a-1-py3-none-any.whl"]; s.Exec == nil || !strings.Contains(string(data), hash) {
		t.Errorf("%+v", s)
	}
}

func TestPasswordsInRequirementsWithoutALockAreRefused(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"pyproject.toml":   {"pyproject.toml": "[project]\nname = \"x\"\nversion = \"1\"\ndependencies = [\"a @ https://me:hunter2@files.example/a-1-py3-none-any.whl\"]\n"},
		"requirements.txt": {"requirements.txt": "--index-url https://me:hunter2@packages.example/simple\na @ https://me:hunter2@files.example/a-1-py3-none-any.whl\n"},
	} {
		files["Pyfile"] = "python = \"3.13\"\n"
		_, err := open(t, "", files)
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), name+":") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBuildRequirementsComeFromTheIndexOfTheirImage has variables in the images, which steps do not inherit.
func TestBuildRequirementsComeFromTheIndexOfTheirImage(t *testing.T) {
	in := inputs("linux/amd64")
	in.Base.Config.Config.Env = append(in.Base.Config.Config.Env, "PIP_INDEX_URL=https://base.example/simple", "SECRET_PLAN=x")
	in.Builder.Config.Config.Env = []string{"PIP_INDEX_URL=https://builder.example/simple", "SSL_CERT_FILE=/etc/company.pem"}
	own := func(more string) map[string]string {
		return map[string]string{"Pyfile": "python = \"3.13\"\nbuilder = \"company/python:3.13\"\ncmd = [\"x\"]\n",
			"pyproject.toml": "[project]\nname = \"shop\"\nversion = \"1.0\"\n[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n" + more}
	}
	for name, tt := range map[string]struct {
		files map[string]string
		want  []Var
	}{
		"packed":   {own(""), []Var{{"PIP_INDEX_URL", "https://base.example/simple"}}},
		"compiled": {own("[[tool.setuptools.ext-modules]]\nname = \"shop\"\nsources = [\"shop.c\"]\n"), []Var{{"PIP_INDEX_URL", "https://builder.example/simple"}, {"SSL_CERT_FILE", "/etc/company.pem"}}},
	} {
		p := project(t, "", tt.files)
		got, err := p.New(in)
		if err != nil {
			t.Fatal(err)
		}
		if env := find(got)["build-env-app"].Exec; !p.NeedsBuilder() || !slices.Equal(env.Env, slices.Concat(execEnv, tt.want)) {
			t.Errorf("%s: the environment is %v", name, env.Env)
		}
	}
}

func TestPasswordInTheImagesSettingsOfPipIsRefused(t *testing.T) {
	in := inputs("linux/amd64")
	in.Base.Config.Config.Env = append(in.Base.Config.Config.Env, "PIP_INDEX_URL=https://me:hunter2@packages.example/simple")
	_, err := project(t, "", loose("")).ResolvePlan(in)
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "PIP_INDEX_URL") {
		t.Errorf("%v", err)
	}
}
