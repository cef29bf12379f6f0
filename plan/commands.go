package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
)

// secretsDir is where a command finds the secrets that it may read, as in a Dockerfile.
const secretsDir = "/run/secrets"

// checkCommands refuses commands that have no directory of their own to work in, and a test target without a command.
func (p *Project) checkCommands() (errs pyfile.Errors) {
	if p.workdir() == "/" {
		const msg, hint = "needs a workdir of its own, because what it leaves there is what counts", `write workdir = "/app"`
		for _, step := range p.File.Steps {
			errs = append(errs, &pyfile.Error{Range: step.Name.Range, Msg: fmt.Sprintf("steps.%s %s", step.Name.Value, msg), Hint: hint})
		}
		if run := p.File.Test.Run; run.Set() {
			errs = append(errs, &pyfile.Error{Range: run.Range, Msg: "test.run " + msg, Hint: hint})
		}
	}
	if p.Target == Test && !p.File.Test.Run.Set() {
		errs = append(errs, &pyfile.Error{Range: p.origin(p.File.Test.Range).Range, Msg: "target test: the Pyfile does not say how to run the tests",
			Hint: `write [test] with run = ["pytest"], and groups = ["test"] for what they need`})
	}
	return errs
}

// userCommand is an exec of a command of the user. Of what it writes only what is below workdir or in another mount remains.
func (s *stages) userCommand(root, user string, env []Var, options []string, run pyfile.List, mounts ...Mount) *Exec {
	args := append([]string{"run", "--dir", s.workdir(), "--user", user}, options...)
	e := s.program(root, "step", slices.Concat(args, []string{"--"}, run.Values()), mounts...)
	e.Env = env
	return reports(e)
}

// commandEnv is the environment of the finished image, with more variables.
func (s *stages) commandEnv(more ...pyfile.Pair) []Var {
	list := s.imageEnv()
	for _, v := range more {
		list = setEnv(list, v.Key.Value, v.Value.Value)
	}
	out := make([]Var, len(list))
	for i, v := range list {
		out[i].Name, out[i].Value, _ = strings.Cut(v, "=")
	}
	return out
}

// repeatable are variables that make tools write the same on every day: the time of files that they make, and the order of Python's sets.
var repeatable = []Var{{"SOURCE_DATE_EPOCH", fmt.Sprint(Epoch.Unix())}, {"PYTHONHASHSEED", "0"}}

// runSteps adds what [steps] runs, in the order of the file, and returns the step whose tree is the image with what they leave. Each runs
// in the finished tree, in which workdir is mounted as the command before left it. So it may write anywhere, and what it writes
// elsewhere, the packages that it needs among that, is in no layer.
func (s *stages) runSteps(tree, base string) string {
	result := tree
	for _, step := range s.File.Steps {
		name := step.Name.Value
		root := tree
		if len(step.Apt.Items) > 0 {
			// Below the layers of the image, so that a changed line of code does not install them again.
			root = s.stack("tree-for-step:"+name, Final, s.installPackages("packages-for-step:"+name, Final, base, true, step.Apt), s.layers)
		}
		env := s.commandEnv(step.Env...)
		for _, v := range repeatable {
			if !slices.ContainsFunc(env, func(have Var) bool { return have.Name == v.Name }) {
				env = append(env, v)
			}
		}
		var options []string
		var secrets []Secret
		for _, id := range step.Secrets.Values() {
			file := path.Join(secretsDir, id)
			options, secrets = append(options, "--secret", file), append(secrets, Secret{ID: id, Path: file, Mode: 0o444})
		}
		e := s.userCommand(root, or(step.User.Value, "root"), env, options, step.Run, Mount{Path: s.workdir(), From: result, Source: s.workdir(), Output: true})
		e.Network, e.Secrets = step.Network.Value, secrets
		if e.Network {
			trusts(e)
		}
		result = s.add(Step{ID: "step:" + name, Stage: Final, Target: true, Name: "[final] run step " + name + ": " + short(step.Run.Values()),
			Origin: s.origin(step.Run.Range), Exec: e, Packages: "steps." + name + ".apt"})
		s.stepLayers = append(s.stepLayers, layer{step: result, history: "step " + name})
	}
	return result
}

// short is a command for people, in one line.
func short(command []string) string {
	const longest = 60
	text := strings.Join(strings.Fields(strings.Join(command, " ")), " ")
	if r := []rune(text); len(r) > longest {
		return string(r[:longest-1]) + "…"
	}
	return text
}

// chooseTests selects what the tests need besides what the image has.
func (s *stages) chooseTests(l *lock.Lock, request lock.Request, shipped []lock.Artifact) error {
	test := s.File.Test
	if s.open == nil {
		request.Groups, request.Extras = slices.Concat(request.Groups, test.Groups.Items), slices.Concat(request.Extras, test.Extras.Items)
	}
	all, err := l.Select(request)
	errs := collect(err)
	have := map[string]lock.Artifact{}
	for _, a := range shipped {
		have[a.Name] = a
	}
	var more []lock.Artifact
	for _, a := range all {
		was, ok := have[a.Name]
		switch {
		case !ok:
			more = append(more, a)
		case was.Version != a.Version || was.Filename != a.Filename:
			errs = append(errs, &pyfile.Error{Range: s.origin(test.Groups.Range, test.Extras.Range).Range,
				Msg:  fmt.Sprintf("the tests need %s %s, and the image has %s", a.Name, a.Version, was.Version),
				Hint: "tests are of use only with what is shipped: name groups that go with the dependencies of the image"})
		}
	}
	if len(errs) > 0 {
		return errs
	}
	var problems pyfile.Errors
	s.tests, problems = s.divide(more)
	return problems.Err()
}

// test adds the tests: on the image, with what they need besides, and with the project's files in workdir, they run as the image's user. The
// result is what they write.
func (s *stages) test(final string) (string, error) {
	s.layers = nil
	if err := s.installAll(s.tests, "test-", Test); err != nil {
		return "", err
	}
	tree := s.stack("tree-for-test", Test, final, s.layers)
	c := &Context{Usual: neverSource, Exclude: append(s.notSource(), s.othersBelow(s.Dir)...)}
	if s.Dir != "." {
		c.Include = []string{s.Dir}
	}
	origin := s.origin(s.File.Test.Run.Range)
	files := s.add(Step{ID: "test-source", Stage: Test, Name: "[test] load the project", Origin: origin, Context: c})
	tree = s.add(Step{ID: "test-tree", Stage: Test, Target: true, Name: "[test] add the project", Origin: origin,
		Files: &Files{On: tree, Actions: []Action{{Copy: &Copy{From: files, Source: or(subtree(s.Dir), "/"), Path: s.workdir(), Contents: true}}}}})
	e := s.userCommand(tree, s.user(), s.commandEnv(), []string{"--own", "--out", outDir}, s.File.Test.Run, Mount{Path: outDir, Output: true})
	return s.add(Step{ID: "test", Stage: Test, Target: true, Name: "[test] run " + short(s.File.Test.Run.Values()), Origin: origin, Exec: e, Packages: "apt.run"}), nil
}
