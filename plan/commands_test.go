package plan

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// withCommands is an example with a Pyfile of its own.
func withCommands(t *testing.T, pyfile string) map[string]string {
	t.Helper()
	files := exampleFiles(t, "../examples/lock-uv")
	files["Pyfile"] = "python = \"3.13\"\n" + pyfile
	return files
}

const twoSteps = `
env = { MODE = "image", DEBUG = "0" }
[steps.collect]
run = ["python", "manage.py", "collectstatic", "--no-input"]
env = { MODE = "step" }
[steps.messages]
run = ["make", "messages"]
apt = ["gettext", "make"]
network = true
secrets = ["token"]
user = "nonroot"
`

func TestStepsRunInTheFinishedTreeAndLeaveWhatIsInWorkdir(t *testing.T) {
	p := decided(t, withCommands(t, twoSteps), inputs("linux/amd64"))
	first, second := p.step(t, "step:collect"), p.step(t, "step:messages")
	if p.Result != second.ID {
		t.Errorf("the image is %s", p.Result)
	}
	if want := []string{"/run/pyfile/step", "run", "--failure", "/app/failure.json", "--dir", "/app", "--user", "root", "--", "python", "manage.py", "collectstatic", "--no-input"}; !slices.Equal(first.Exec.Args, want) {
		t.Errorf("the first is %q", first.Exec.Args)
	}
	if first.Exec.Root != Final || from(first, "/app") != Final || first.Exec.Network || len(first.Exec.Secrets) > 0 {
		t.Errorf("the first runs as %+v", first.Exec)
	}
	env := map[string]string{}
	for _, v := range first.Exec.Env {
		env[v.Name] = v.Value
	}
	for name, value := range map[string]string{"MODE": "step", "DEBUG": "0", "VIRTUAL_ENV": "/opt/venv", "SOURCE_DATE_EPOCH": "315532800", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"} {
		if env[name] != value {
			t.Errorf("%s is %q", name, env[name])
		}
	}
	if !strings.HasPrefix(env["PATH"], "/opt/venv/bin:") {
		t.Errorf("PATH is %q", env["PATH"])
	}
	// The second sees what the first left, and its packages lie below the layers of the image.
	if from(second, "/app") != "step:collect" || second.Exec.Root != "tree-for-step:messages" || !second.Exec.Network ||
		!slices.Equal(second.Exec.Secrets, []Secret{{ID: "token", Path: "/run/secrets/token", Mode: 0o444}, {ID: CASecret, Path: "/run/pyfile/secrets/ca-bundle"}}) {
		t.Errorf("the second runs as %+v", second.Exec)
	}
	if args := strings.Join(second.Exec.Args, " "); !strings.Contains(args, " --user nonroot --secret /run/secrets/token -- make messages") {
		t.Errorf("the second is %s", args)
	}
	if tree := p.step(t, "tree-for-step:messages").Merge; tree[0] != "packages-for-step:messages" || !slices.Equal(tree[1:], p.step(t, Final).Merge[1:]) {
		t.Errorf("its tree is %v", tree)
	}
	if packages := p.step(t, "packages-for-step:messages"); packages.Exec.Root != baseStep || slices.Contains(packages.Exec.Args, "token") {
		t.Errorf("its packages are installed by %+v", packages.Exec)
	}
	if history := p.Image.History; !strings.HasSuffix(history[len(history)-2].CreatedBy, "step collect") || !strings.HasSuffix(history[len(history)-1].CreatedBy, "step messages") {
		t.Errorf("the history ends with %+v", history[len(history)-2:])
	}
}

func TestStepsAreForTheFinishedImageOnly(t *testing.T) {
	for _, target := range []string{Base, Wheels, DepBuilder, AppBuilder} {
		p, err := project(t, target, withCommands(t, twoSteps)).New(inputs("linux/amd64"))
		if err != nil {
			t.Fatal(err)
		}
		if p.has("step:collect") || p.has("packages-for-step:messages") {
			t.Errorf("target %s runs steps", target)
		}
	}
}

func TestTheTestTargetHasTheStepsOfTheImage(t *testing.T) {
	files := withCommands(t, twoSteps+"[test]\ngroups = [\"dev\"]\nextras = [\"toml\"]\nrun = [\"pytest\", \"-q\"]\n")
	final := decided(t, files, inputs("linux/amd64"))
	tested, err := project(t, Test, files).New(inputs("linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range final.Steps {
		got := tested.step(t, s.ID)
		s.Name, got.Name, s.Stage, got.Stage, s.Group, got.Group = "", "", "", "", "", ""
		if a, b := text(t, s), text(t, got); a != b {
			t.Errorf("%s is another step in the test target:\n%s\n%s", s.ID, a, b)
		}
	}
	if final.has("test") {
		t.Error("the image has the tests")
	}
	run := tested.step(t, "test")
	if tested.Result != "test" || run.Exec.Root != "test-tree" || run.Exec.Network {
		t.Errorf("the tests run as %+v", run.Exec)
	}
	if args := strings.Join(run.Exec.Args, " "); !strings.HasSuffix(args, " --dir /app --user 65532:65532 --own --out /run/pyfile/out -- pytest -q") {
		t.Errorf("they are %s", args)
	}
	installed := ""
	for _, s := range tested.Steps {
		if s.Stage == Test && strings.Contains(s.Name, "install") {
			installed += s.Name + "\n"
		}
	}
	for _, name := range []string{"pytest", "tomlkit"} {
		if !strings.Contains(installed, name) {
			t.Errorf("%s is not among what the tests need:\n%s", name, installed)
		}
	}
	if strings.Contains(installed, "jinja2") {
		t.Errorf("the tests install what the image has:\n%s", installed)
	}
	if c := tested.Image.Config; !reflect.DeepEqual(c.Env, []string(nil)) || c.Cmd != nil {
		t.Errorf("the files of the tests have the configuration of an image: %+v", c)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestCommandsThatCannotRunAreErrorsAtTheirLine(t *testing.T) {
	for _, test := range []struct{ name, target, pyfile, want string }{
		{"no tests", Test, "[dependencies]\n", "1:10: target test: the Pyfile does not say how to run the tests"},
		{"a table without a command", Test, "[test]\ngroups = [\"dev\"]\n", "target test: the Pyfile does not say how to run the tests"},
		{"the root as workdir", "", "workdir = \"/\"\n[steps.a]\nrun = [\"true\"]\n[test]\nrun = [\"true\"]\n", "3:8: steps.a needs a workdir of its own, because what it leaves there is what counts"},
		{"the root as workdir of tests", "", "workdir = \"/\"\n[test]\nrun = [\"true\"]\n", "4: test.run needs a workdir of its own"},
		{"an unknown group", Test, "[test]\ngroups = [\"tests\"]\nrun = [\"pytest\"]\n", "tests"},
	} {
		p, err := open(t, test.target, withCommands(t, test.pyfile))
		if err == nil {
			_, err = p.New(inputs("linux/amd64"))
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}
