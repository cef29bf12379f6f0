package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/containerd/platforms"

	"github.com/org/pyfile/build"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
	"github.com/org/pyfile/remote"
)

// Paths of the steps that build wheels.
const (
	requiresFile    = "requires.txt"
	requiresPath    = "/run/pyfile/requires.txt"
	constraintsPath = "/run/pyfile/constraints.txt"
)

// source is what a wheel is built from, and how.
type source struct {
	id      string // of its steps: the name of the package; empty for the application
	stage   string
	tree    string // the step that has its files
	part    string // the directory of the tree that counts, "/src"; empty for all of it
	context bool   // it is a directory of the context
	git     *Git   // it is a commit of which nobody knows the version but its repository
	dir     string // of the project below that, "." when it is the project
	name    string // the wheel must be of this project; empty when nobody knows
	version string // and of this version; empty when nobody knows
	origin  Origin
	project build.Project
}

// workplace is an image, and the interpreter in it that wheels are built with.
type workplace struct {
	root, interpreter string
	target            bool // of the target platform
	slim              bool // not the builder
}

// packing is where nothing is compiled: the base, if it has pip, or else the official slim image.
func (s *stages) packing() workplace {
	if s.runs.Pip {
		return workplace{root: s.tool(), interpreter: s.runs.Path, slim: true}
	}
	return s.slimImage()
}

// slimImage is the official slim image, which has pip and a package manager.
func (s *stages) slimImage() workplace {
	return workplace{slim: true, interpreter: "/usr/local/bin/" + s.runs.Name(), root: s.add(Step{ID: "slim-image", Stage: DepBuilder, Origin: s.origin(s.File.Base.Range),
		Name: "[dep-builder] FROM " + s.slim(), Image: &ImageSource{Ref: s.slim()}})}
}

// slim is the official image for the project's Python.
func (p *Project) slim() string { return "python:" + p.Python.Value + "-slim" }

// compiling is the builder image with the packages that [apt] build names. Code is compiled on the platform that it is for.
func (s *stages) compiling(full bool) workplace {
	target := full || s.foreign
	return workplace{root: s.builderPackages(target), interpreter: s.runs.Name(), target: s.foreign}
}

// place is where a wheel is built.
func (s *stages) place(b source) workplace {
	full := b.stage == s.Target // the full image is there anyway
	if s.compiles(b.name, b.project) || full {
		s.compiled = true
		return s.compiling(full)
	}
	return s.packing()
}

// buildWheel adds the steps that build a wheel, and returns the one whose tree holds it. What the project and its backend require is
// installed in steps of its own, which all sources with the same requirements share.
func (s *stages) buildWheel(b source) (wheel string, err error) {
	bound := s.bound(b)
	if bound != "" {
		b.project.Compiles = append(slices.Clip(b.project.Compiles), bound+" is of one platform")
	}
	at := s.place(b)
	if tool := b.project.VersionTool; b.asksGit() {
		at = s.gitPlace(b)
		if build.NeedsRepository(tool) {
			if b.context && s.in.Version != "" {
				return "", pyfile.Errors{{Range: b.origin.Range, Msg: fmt.Sprintf("%s takes the version of %s from git alone, and cannot be told the one of the build argument %s", tool, b.label(), build.VersionArg),
					Hint: "leave the argument away, and build from a checkout"}}
			}
			if b, at.root, err = s.inRepository(b, at); err != nil {
				return "", err
			}
		}
	}
	if apt := s.File.Apt.Build.Range; s.compiles(b.name, b.project) && !apt.IsZero() {
		b.origin = Origin{apt} // where the likeliest failure is mended
	}
	list := ""
	if s.asksBackend(b) {
		list = s.requirements(b)
	}
	env, err := s.environment(b, at, list, false)
	if err != nil {
		return "", err
	}
	if list != "" {
		e := s.backend("requires", b, at, env)
		e.Args = append(e.Args, "--requirements", requiresPath)
		e.Mounts = append(e.Mounts, Mount{Path: requiresPath, From: list, Source: "/" + requiresFile})
		more := s.add(Step{ID: s.stepID("requires", b), Stage: b.stage, Target: at.target, Serves: true, Origin: b.origin, Exec: e,
			Name: "[" + b.stage + "] ask " + b.project.Backend + " what it needs to build " + b.label()})
		if env, err = s.environment(b, at, more, true); err != nil {
			return "", err
		}
	}
	e := s.backend("build", b, at, env)
	if err := s.tellVersion(e, b, at, env); err != nil {
		return "", err
	}
	if e.Network = named(s.File.Dependencies.AllowNetwork, b.name); e.Network {
		e.Args = append(e.Args, "--network")
		trusts(e)
	}
	step := Step{ID: s.stepID("build", b), Stage: b.stage, Target: at.target, Name: "[" + b.stage + "] build the wheel of " + b.label(), Origin: b.origin, Exec: e}
	if !s.compiles(b.name, b.project) && b.name != "" {
		step.Advice = fmt.Sprintf("add %q to from-source in [dependencies], so that it is built in the builder image", b.name)
	}
	if bound != "" {
		step.Why = bound + ", which was built for " + platforms.FormatAll(s.in.BuildPlatform) + ", is of that platform alone"
	}
	id := s.add(step)
	if s.foreign && !at.target {
		s.packed = append(s.packed, packedWheel{step: id, source: b.id})
	}
	return id, nil
}

// asksGit tells whether the version of a source is known to a repository alone.
func (b source) asksGit() bool { return b.project.VersionTool != "" && (b.context || b.git != nil) }

// backend is an exec that calls a source's build backend.
func (s *stages) backend(command string, b source, at workplace, env string) *Exec {
	args := []string{command, "--src", sourceDir, "--env", envDir, "--interpreter", at.interpreter, "--out", outDir, "--backend", b.project.Backend}
	if b.dir != "." {
		args = append(args, "--subdir", b.dir)
	}
	for _, p := range b.project.BackendPath {
		args = append(args, "--backend-path", p)
	}
	for _, setting := range s.settingsOf(b.name) {
		args = append(args, "--setting", setting)
	}
	if b.name != "" {
		args = append(args, "--name", b.name)
	}
	if b.version != "" {
		args = append(args, "--version", b.version)
	}
	if b.context {
		args = append(args, "--own")
	}
	return reports(s.program(s.quick(at.root), "build", args,
		Mount{Path: sourceDir, From: b.tree, Source: b.part, Discard: true}, Mount{Path: envDir, From: env}, Mount{Path: outDir, Output: true}))
}

// compiles tells whether building a wheel may need a compiler or another program, and with it the builder image: because its files look like it,
// or because the Pyfile names it.
func (p *Project) compiles(name string, project build.Project) bool {
	return len(project.Compiles) > 0 || named(p.File.Dependencies.FromSource, name)
}

// named tells whether a list of the Pyfile names a package.
func named(list pyfile.List, name string) bool {
	return slices.ContainsFunc(list.Items, func(n pyfile.String) bool { return python.NormalizeName(n.Value) == python.NormalizeName(name) })
}

// label is the source for people.
func (b source) label() string {
	switch {
	case b.name != "" && b.version != "" && b.stage == DepBuilder:
		return b.name + " " + b.version
	case b.name != "":
		return b.name
	case b.dir != ".":
		return path.Base(b.dir)
	}
	return "the application"
}

// stepID is the id of a source's step.
func (s *stages) stepID(what string, b source) string {
	if b.id == "" {
		return what + "-app"
	}
	return what + ":" + b.id
}

// asksBackend tells whether the backend is asked what else it requires. One that packs a directory of the context is not: its requirements
// stand in a pyproject.toml that the user can complete, and a changed line of code would ask it again.
func (s *stages) asksBackend(b source) bool {
	return s.compiles(b.name, b.project) || !b.context
}

// requirements adds the step that writes what a source requires for its build by its own files.
func (s *stages) requirements(b source) string {
	text := string(build.FormatRequirements(b.project.Requires))
	if s.written == nil {
		s.written = map[string]string{}
	}
	if s.written[text] == "" {
		s.written[text] = s.add(Step{ID: s.stepID("build-requires", b), Stage: b.stage, Name: "[" + b.stage + "] list what building needs", Origin: b.origin,
			Files: &Files{Actions: []Action{{Write: &Write{Path: "/" + requiresFile, Mode: 0o644, Data: text}}}}})
	}
	return s.written[text]
}

// environment adds the step that installs build requirements: those that the source lists or, where its backend is asked, those of the file that
// another step has. A file is known by its content, so that equal ones are installed once whoever wrote them.
func (s *stages) environment(b source, at workplace, list string, more bool) (string, error) {
	args := []string{"env", "--out", envDir, "--interpreter", at.interpreter}
	mounts := []Mount{{Path: envDir, Output: true}}
	if list != "" {
		args = append(args, "--requirements", requiresPath)
		mounts = append(mounts, Mount{Path: requiresPath, From: list, Source: "/" + requiresFile})
	}
	if len(s.constraints) > 0 {
		args = append(args, "--constraints", constraintsPath)
		mounts = append(mounts, Mount{Path: constraintsPath, Source: "/constraints.txt", From: s.add(Step{ID: "build-constraints", Stage: DepBuilder,
			Name: "[dep-builder] list the build constraints", Origin: s.origin(s.File.Dependencies.BuildConstraints.Range),
			Files: &Files{Actions: []Action{{Write: &Write{Path: "/constraints.txt", Mode: 0o644, Data: strings.Join(s.constraints, "\n") + "\n"}}}}})})
	}
	if day := s.cut(); day != "" {
		args = append(args, "--before", day)
	}
	root, repositories := at.root, remote.Addresses(b.project.Requires...)
	if len(repositories) > 0 {
		root = s.withGit(at, repositories...)
		args = append(args, "--secrets", secretDir)
	}
	if list == "" {
		args = append(args, b.project.Requires...)
	}
	key := strings.Join(append([]string{root, list}, args...), "\x00")
	if s.envs == nil {
		s.envs = map[string]string{}
	}
	if s.envs[key] != "" {
		return s.envs[key], nil
	}
	e := reports(s.program(root, "build", args, mounts...))
	e.Network = true
	if err := s.askIndexes(e, at); err != nil {
		return "", err
	}
	e.SSH = slices.ContainsFunc(repositories, remote.UsesSSH)
	e.Secrets = append(e.Secrets, gitSecrets(repositories)...)
	id, what := s.stepID("build-env", b), "install "+b.project.Backend
	if more {
		id, what = s.stepID("build-env-more", b), "install what building "+b.label()+" needs"
	}
	s.envs[key] = s.add(Step{ID: id, Stage: b.stage, Target: at.target, Serves: true, Name: "[" + b.stage + "] " + what, Origin: b.origin, Exec: e})
	return s.envs[key], nil
}

// pep518 is the year in which projects began to say what their build needs.
const pep518 = 2016

// cut is the day, in UTC, from which on releases do not count as build requirements: that of SOURCE_DATE_EPOCH, so that a later build gets the
// same. A time before there were build requirements, such as 0, only sets times, and cuts nothing.
func (s *stages) cut() string {
	if s.in.Created == nil || s.in.Created.UTC().Year() < pep518 {
		return ""
	}
	return s.in.Created.UTC().Format("2006-01-02")
}
