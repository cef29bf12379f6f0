//go:build integration

package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/plan"
)

// call runs `docker buildx` and returns what it printed, apart, and its exit code.
func call(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, diagnostics bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "docker", append([]string{"buildx"}, args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &diagnostics
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), diagnostics.String(), cmd.ProcessState.ExitCode()
}

// askable is a project whose Pyfile has build arguments.
func askable(t *testing.T) string {
	t.Helper()
	dir := example(t, "hello")
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\nlabels = { level = \"${LEVEL}\" }\n\n[args]\nLEVEL = \"info\"\nPORT = \"8000\"\n")
	return dir
}

// broken is a project whose Pyfile has two problems.
func broken(t *testing.T) string {
	t.Helper()
	dir := example(t, "hello")
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npyton = \"3.13\"\ncmd = \"hello\"\n")
	return dir
}

// problems is what every client prints about the broken project.
const problems = "2 problems\n" +
	"\tPyfile:2: unknown key \"pyton\"\n\t\thint: did you mean \"python\"?\n" +
	"\tPyfile:3:7: cmd must be a list of strings, not a string\n\t\thint: write cmd = [\"hello\"]"

// builders are BuildKit and the Docker Engine, as buildx names them.
var builders = []string{labBuilder, "default"}

func TestCallsAnswerInText(t *testing.T) {
	t.Parallel()
	right, wrong := askable(t), broken(t)
	for _, test := range []struct {
		call        string
		args        []string
		wrong       bool
		code        int
		out, stderr []string // must be there
	}{
		{call: "check", out: []string{"Check complete, no warnings found.\n"}},
		{call: "lint", out: []string{"Check complete, no warnings found.\n"}},
		{call: "check", wrong: true, code: 1, stderr: []string{"ERROR: " + problems, "Pyfile:2\n", "   2 | >>> pyton = \"3.13\"\n   3 | >>> cmd = \"hello\"\n"}},
		{call: "outline", out: []string{"final", "the image to ship", "LEVEL", "info", "PORT", "8000"}},
		{call: "outline", args: []string{"--build-arg", "LEVEL=debug", "--target", "base"}, out: []string{"base", "the slim image", "LEVEL", "debug"}},
		{call: "outline", wrong: true, code: 1, stderr: []string{problems}},
		{call: "targets", out: []string{"dep-builder ", "base ", "app-builder ", "final (default) ", "wheels "}},
		// What --target takes does not depend on the Pyfile.
		{call: "targets", wrong: true, out: []string{"final (default) "}},
		{call: "subrequests.describe", out: []string{"\nlint ", "\noutline ", "\ntargets ", "\npyfile.plan ", "\npyfile.lock ", "\nsubrequests.describe "}},
		{call: "subrequests.describe", wrong: true, out: []string{"\nlint "}},
		{call: "pyfile.plan", out: []string{`"target": "final"`, `"result": "final"`}},
		{call: "pyfile.plan", args: []string{"--target", "base"}, out: []string{`"target": "base"`, `"result": "base"`}},
		{call: "pyfile.plan", wrong: true, code: 1, stderr: []string{problems}},
	} {
		dir, name := right, test.call+" of a right Pyfile"
		if test.wrong {
			dir, name = wrong, test.call+" of a wrong Pyfile"
		}
		for _, builder := range builders {
			args := append([]string{"build", "--builder", builder, "-f", "Pyfile", "--progress", "plain", "--call=" + test.call}, test.args...)
			stdout, stderr, code := call(t, dir, append(args, ".")...)
			if code != test.code {
				t.Errorf("%s by %s: exit code %d, not %d\n%s", name, builder, code, test.code, stderr)
			}
			if (stdout == "") != (test.out == nil) {
				t.Errorf("%s by %s prints %q", name, builder, stdout)
			}
			for _, want := range test.out {
				if !strings.Contains(stdout, want) {
					t.Errorf("%s by %s does not print %q:\n%s", name, builder, want, stdout)
				}
			}
			for _, want := range test.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("%s by %s does not say %q:\n%s", name, builder, want, stderr)
				}
			}
		}
	}
}

// ask makes a call whose answer is JSON and returns the exit code.
func ask(t *testing.T, dir, what string, answer any) int {
	t.Helper()
	stdout, stderr, code := call(t, dir, "build", "--builder", labBuilder, "-f", "Pyfile", "--call="+what+",format=json", ".")
	if err := json.Unmarshal([]byte(stdout), answer); err != nil {
		t.Fatalf("--call=%s: %v\n%s%s", what, err, stdout, stderr)
	}
	return code
}

func TestCallsAnswerInJSON(t *testing.T) {
	t.Parallel()
	right, wrong := askable(t), broken(t)

	type lint struct {
		Warnings   []any
		BuildError *struct {
			Message  string
			Location struct {
				Ranges []struct {
					Start struct{ Line, Character int }
				}
			}
		}
	}
	var good, bad lint
	if code := ask(t, right, "check", &good); code != 0 || good.Warnings == nil || len(good.Warnings) != 0 || good.BuildError != nil {
		t.Errorf("check of a right Pyfile: exit code %d, %+v", code, good)
	}
	if code := ask(t, wrong, "check", &bad); code != 1 || bad.BuildError == nil || bad.BuildError.Message != problems {
		t.Fatalf("check of a wrong Pyfile: exit code %d, %+v", code, bad)
	}
	if at := bad.BuildError.Location.Ranges; len(at) != 2 || at[0].Start.Line != 2 || at[1].Start.Line != 3 || at[1].Start.Character != 6 {
		t.Errorf("check of a wrong Pyfile points at %+v", at)
	}

	var outline struct {
		Name    string
		Args    []struct{ Name, Value string }
		Secrets []struct{ Name string }
	}
	replace(t, right, "Pyfile", "[args]", "[index.company]\nurl = \"https://packages.example/simple/\"\nsecret = \"company-token\"\n\n[args]")
	ask(t, right, "outline", &outline)
	if outline.Name != "final" || len(outline.Args) != 2 || outline.Args[0].Name != "LEVEL" || outline.Args[0].Value != "info" || outline.Args[1].Name != "PORT" ||
		len(outline.Secrets) != 1 || outline.Secrets[0].Name != "company-token" {
		t.Errorf("outline: %+v", outline)
	}

	var targets struct {
		Targets []struct {
			Name, Description string
			Default           bool
		}
	}
	ask(t, right, "targets", &targets)
	var names []string
	for _, target := range targets.Targets {
		names = append(names, target.Name)
		if target.Default != (target.Name == "final") || target.Description == "" {
			t.Errorf("targets: %+v", target)
		}
	}
	if want := []string{"dep-builder", "base", "app-builder", "final", "test", "wheels"}; !slices.Equal(names, want) {
		t.Errorf("targets are %v", names)
	}

	var requests []struct{ Name, Description string }
	ask(t, right, "subrequests.describe", &requests)
	names = nil
	for _, r := range requests {
		names = append(names, r.Name)
	}
	for _, want := range []string{"lint", "outline", "targets", "pyfile.plan", "pyfile.lock", "subrequests.describe"} {
		if !slices.Contains(names, "frontend."+want) {
			t.Errorf("describe lists %v, not %s", names, want)
		}
	}

	var p plan.Plan
	ask(t, right, "pyfile.plan", &p)
	if p.Result != "final" || p.Platform != "linux/amd64" || p.Image.Config.Labels["level"] != "info" || len(p.Steps) == 0 {
		t.Errorf("plan: %+v", p)
	}
}

func TestUnknownCallIsAnError(t *testing.T) {
	t.Parallel()
	_, stderr, code := call(t, askable(t), "build", "--builder", labBuilder, "-f", "Pyfile", "--call=pyfile.nothing", ".")
	if code == 0 || !strings.Contains(stderr, "pyfile.nothing") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

func TestBakeBuildsAndChecksPyfiles(t *testing.T) {
	t.Parallel()
	image := registryHost + "/test/bake:1"
	bake := `target "default" {
  dockerfile = "Pyfile"
  tags = ["` + image + `"]
  args = { LEVEL = "warning" }
  labels = { baked = "yes" }
  output = ["type=registry"]
}
`
	dir := askable(t)
	write(t, dir, "docker-bake.hcl", bake)
	if stdout, stderr, code := call(t, dir, "bake", "--builder", labBuilder, "--check"); code != 0 || !strings.Contains(stdout, "Check complete, no warnings found.") {
		t.Errorf("bake --check: exit code %d\n%s%s", code, stdout, stderr)
	}
	if _, stderr, code := call(t, dir, "bake", "--builder", labBuilder, "--progress", "plain"); code != 0 {
		t.Fatalf("bake: exit code %d\n%s", code, stderr)
	}
	if labels := imageOf(t, image).config.Config.Labels; labels["level"] != "warning" || labels["baked"] != "yes" {
		t.Errorf("the image has the labels %v", labels)
	}

	dir = broken(t)
	write(t, dir, "docker-bake.hcl", bake)
	if stdout, stderr, code := call(t, dir, "bake", "--builder", labBuilder, "--check"); code == 0 || !strings.Contains(stdout+stderr, problems) {
		t.Errorf("bake --check of a wrong Pyfile: exit code %d\n%s%s", code, stdout, stderr)
	}
}
