package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// Source is an image of a registry with its configuration.
type Source struct {
	Ref      string // as the user named it, without digest
	Platform string
	Config   dockerspec.DockerOCIImage
}

// Inputs is what New needs beside the project: the platforms, the images and what the daemon can do.
type Inputs struct {
	Platform      ocispecs.Platform
	BuildPlatform ocispecs.Platform
	Base          Source
	Builder       Source // empty unless Project.NeedsBuilder
	Facts         Facts
	Merge         bool          // the daemon can merge layers; without it they are copied one on the other
	Found         *index.Answer // the answer that the result of LookupPlan has
	Resolved      *lock.Lock    // the lock that the result of ResolvePlan has
	Labels        []Var         // of the command line, sorted by name
	Created       *time.Time    // of the image and its layers; nil means that of the base
}

// New decides the build for one platform. Errors are pyfile.Errors.
func (p *Project) New(in Inputs) (*Plan, error) {
	s, err := p.stages(in)
	if err != nil {
		return nil, err
	}
	if err := p.checkUser(in.Facts).Err(); err != nil {
		return nil, err
	}
	if err := s.choose(); err != nil {
		return nil, err
	}
	result, err := s.target()
	if err != nil {
		return nil, err
	}
	return s.plan(result), nil
}

// stages begins a plan.
func (p *Project) stages(in Inputs) (*stages, error) {
	target, err := p.target(in)
	if err != nil {
		return nil, err
	}
	release := target.Python.Release()
	s := &stages{Project: p, in: in, python: target.Python, wanted: target, minor: fmt.Sprintf("%d.%d", release[0], release[1]),
		foreign: platforms.FormatAll(in.Platform) != platforms.FormatAll(in.BuildPlatform)}
	s.interpreter = "/usr/local/bin/python" + s.minor
	return s, nil
}

// plan is the plan of the steps so far.
func (s *stages) plan(result string) *Plan {
	p := &Plan{
		Platform:      platforms.FormatAll(s.in.Platform),
		BuildPlatform: platforms.FormatAll(s.in.BuildPlatform),
		Python:        s.python.String(),
		Target:        s.Target,
		Steps:         s.steps,
		Result:        result,
		Warnings:      s.warnings,
	}
	if result != lookupStep && result != resolveStep {
		p.Image = s.image()
	}
	return p
}

// request is what is asked of the lock.
func (s *stages) request() lock.Request {
	return lock.Request{
		Target: s.wanted, Project: s.Meta, Found: s.in.Found,
		Groups: s.File.Dependencies.Groups.Items, Extras: s.File.Dependencies.Extras.Items,
	}
}

// choose selects what the target needs from the lock.
func (s *stages) choose() error {
	l, request := s.Lock, s.request()
	if s.open != nil {
		l = s.in.Resolved
		request.Groups, request.Extras = nil, nil // the resolver knew them
		s.warnings = append(s.warnings, s.notLocked())
	}
	if l == nil {
		return nil
	}
	artifacts, err := l.Select(request)
	if err != nil {
		return err
	}
	if e := lock.CUDA(artifacts, s.Meta); e != nil {
		s.warnings = append(s.warnings, Warning{Rule: CUDAWheels, Error: *e})
	}
	return s.divide(artifacts).Err()
}

// CUDAWheels is the rule that a project with an index of CPU builds installs no CUDA builds.
var CUDAWheels = &Rule{Name: "CUDAWheels", Description: "CUDA builds are installed though an index of CPU builds is declared"}

// CheckPlatform refuses a platform that no wheel can be chosen for. New does the same.
func (p *Project) CheckPlatform(platform ocispecs.Platform) error {
	_, err := machine(platform)
	return err
}

// machine is what Python calls the platform's architecture.
func machine(p ocispecs.Platform) (string, error) {
	name, ok := python.Machine(p.Architecture, p.Variant)
	if !ok || p.OS != "linux" {
		return "", pyfile.Errors{{Range: firstLine, Msg: fmt.Sprintf("platform %s is not supported", platforms.FormatAll(p)),
			Hint: "build with --platform linux/amd64 or linux/arm64"}}
	}
	return name, nil
}

// CheckBase refuses a base that cannot be right by its configuration alone, before anything of it is read. New does the same.
func (p *Project) CheckBase(in Inputs) error {
	_, err := p.target(in)
	return err
}

// target is what wheels are chosen for: the base's own Python, C library and architecture.
func (p *Project) target(in Inputs) (python.Target, error) {
	fail := func(at pyfile.Range, msg, hint string) (python.Target, error) {
		return python.Target{}, pyfile.Errors{{Range: p.origin(at).Range, Msg: msg, Hint: hint}}
	}
	machine, err := machine(in.Platform)
	if err != nil {
		return python.Target{}, err
	}
	full := env(in.Base.Config.Config.Env, "PYTHON_VERSION")
	version, err := python.ParseVersion(full)
	if err != nil || len(version.Release()) < 3 {
		return fail(p.File.Base.Range, fmt.Sprintf("base %s does not say its Python: its environment has no PYTHON_VERSION", in.Base.Ref),
			"use python:"+p.Python.Value+"-slim or an image made from it; other bases are not supported yet")
	}
	if asked := p.Python.Value; full != asked && !strings.HasPrefix(full, asked+".") {
		at := p.Python.Range
		if !p.File.Python.Set() {
			at = p.File.Base.Range
		}
		return fail(at, fmt.Sprintf("python is %q, but base %s has Python %s", asked, in.Base.Ref, full),
			fmt.Sprintf("write python = %q, or choose another base", strings.Join(strings.Split(full, ".")[:2], ".")))
	}
	if p.Meta != nil && p.Meta.RequiresPython.Set() {
		spec, err := python.ParseSpecifiers(p.Meta.RequiresPython.Value)
		if err == nil && !spec.Contains(version, true) {
			return python.Target{}, p.pythonError(
				fmt.Sprintf("python is %s, but pyproject.toml has requires-python = %q", full, p.Meta.RequiresPython.Value),
				fmt.Sprintf("write %s, or change requires-python", p.writePython(proposePython(p.Meta.RequiresPython.Value))))
		}
	}
	return python.Target{Python: version, Machine: machine, Libc: in.Facts.Libc}, nil
}

// env looks a variable up in an image's environment.
func env(list []string, name string) string {
	for _, v := range list {
		if k, value, _ := strings.Cut(v, "="); k == name {
			return value
		}
	}
	return ""
}

// stages builds the steps of one plan.
type stages struct {
	builder
	*Project
	in          Inputs
	wanted      python.Target
	wheels      []lock.Artifact // of dependencies
	members     []lock.Artifact // dependencies that are built from directories of the context
	python      python.Version
	minor       string // "3.13"
	interpreter string // inside base and builder
	foreign     bool   // target and build platform differ
	layers      []layer
	envs        map[string]string // steps that install build requirements, by those
	warnings    []Warning
}

// layer is one layer above the base image: the step that makes it, and its line in the image's history.
type layer struct{ step, history string }

// target adds the steps of the chosen target and returns the one that is its result.
func (s *stages) target() (string, error) {
	switch s.Target {
	case DepBuilder:
		return s.shipWheels(DepBuilder, s.builderImage(true), shippedWheels, false)
	case AppBuilder:
		return s.shipWheels(AppBuilder, s.builderImage(true), shippedWheels, true)
	case Wheels:
		if len(s.wheels)+len(s.members) == 0 && s.Install != installWheel {
			return "", pyfile.Errors{{Range: firstLine, Msg: "target wheels: the project has no dependencies and builds no wheel of its own", Hint: "leave --target away"}}
		}
		return s.shipWheels(Wheels, "", "/", true)
	}
	base, facts := s.baseImage()
	if err := s.dependencies(facts); err != nil {
		return "", err
	}
	if s.Target == Base {
		return s.merge(Base, base), nil
	}
	if err := s.addApp(); err != nil {
		return "", err
	}
	return s.merge(Final, base), nil
}

// dependencies adds the layers of the base stage.
func (s *stages) dependencies(facts string) error {
	s.stdlib()
	max, own := defaultLayers, int64(defaultOwn)
	if s.File.Layers.Max.Set() {
		max = int(s.File.Layers.Max.Value)
	}
	if s.File.Layers.Own.Set() {
		own = s.File.Layers.OwnBytes
	}
	for _, g := range groups(s.wheels, max, own) {
		if err := s.install(g); err != nil {
			return err
		}
	}
	asked, err := s.asked()
	if err != nil {
		return err
	}
	s.runtime(facts, asked)
	for _, a := range s.members {
		if err := s.member(a); err != nil {
			return err
		}
	}
	return nil
}

// asked are the steps whose result the frontend has read in a solve of its own, beside the facts. A registry cache carries only what the
// image comes from, so they must be among that.
func (s *stages) asked() ([]string, error) {
	var out []string
	for _, step := range []struct {
		needed bool
		add    func() (string, error)
	}{{s.AsksIndex(), s.lookup}, {s.open != nil, s.resolve}} {
		if !step.needed {
			continue
		}
		id, err := step.add()
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// baseImage adds the base image and its facts, which are the first layer, and returns both.
func (s *stages) baseImage() (base, facts string) {
	base, facts = s.base(s.Project, s.in.Base), s.facts(s.Project)
	s.layers = append(s.layers, layer{step: facts, history: "users and packages of the base"})
	return base, facts
}

// tool is the image whose Python runs the helper's work: the base, on the build platform.
func (s *stages) tool() string {
	if !s.foreign {
		return s.base(s.Project, s.in.Base)
	}
	return s.add(Step{ID: "tool-image", Stage: Base, Origin: s.origin(s.File.Base.Range),
		Name: "[base] FROM " + s.in.Base.Ref + " for the build platform", Image: &ImageSource{Ref: s.in.Base.Ref}})
}

// builderImage is the full image, for the build platform unless it is a target itself.
func (s *stages) builderImage(target bool) string {
	return s.add(Step{ID: "builder-image", Stage: DepBuilder, Target: target, Origin: s.origin(s.File.Builder.Range),
		Name: "[dep-builder] FROM " + s.in.Builder.Ref, Image: &ImageSource{Ref: s.in.Builder.Ref}})
}

// execEnv is the environment of every exec. It is not the image's, so that a changed variable there runs nothing again.
var execEnv = []Var{
	{"PATH", "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"},
	{"HOME", "/root"},
	{"LANG", "C.UTF-8"},
}

// helper is the frontend's own image, which holds the programs that run inside builds.
func (s *stages) helper() string {
	return s.add(Step{ID: "helper", Stage: Base, Name: "[internal] pyfile-install", Helper: true, Origin: Origin{firstLine}})
}

// run is an exec of the installer in an image.
func (s *stages) run(root string, args []string, mounts ...Mount) *Exec {
	return &Exec{
		Root: root, Env: execEnv, Args: append([]string{helperPath}, args...),
		Mounts: append([]Mount{{Path: helperPath, From: s.helper(), Source: "/pyfile-install"}}, mounts...),
	}
}

// install adds the vertex of one group and its layer.
func (s *stages) install(g group) error {
	args := s.installArgs()
	files, err := s.fetch(g.Wheels)
	if err != nil {
		return err
	}
	var mounts []Mount
	for i, f := range files {
		at := path.Join(wheelDir, g.Wheels[i].Filename)
		mounts = append(mounts, Mount{Path: at, From: f.step, Source: f.path})
		args = append(args, at)
	}
	what := wheelNames(g.Wheels)
	s.layer(Step{ID: "install:" + g.ID, Stage: Base, Name: "[base] install " + what,
		Origin: s.origin(s.File.Dependencies.Range),
		Exec:   s.run(s.tool(), args, append(mounts, Mount{Path: outDir, Output: true})...)}, "install "+what)
	return nil
}

// installArgs are the arguments of `pyfile-install wheels` but for the wheels.
func (s *stages) installArgs() []string {
	args := []string{"wheels", "--out", outDir, "--prefix", Venv, "--python", s.minor, "--interpreter", s.interpreter}
	if b := s.File.Bytecode.Dependencies; b.Set() && !b.Value {
		args = append(args, "--bytecode=false")
	}
	if s.File.Bytecode.Tests.Value {
		args = append(args, "--tests")
	}
	return args
}

// stdlib adds the layer with the bytecode of the standard library, which the official images leave out.
func (s *stages) stdlib() {
	if b := s.File.Bytecode.Stdlib; b.Set() && !b.Value {
		return
	}
	lib := "/usr/local/lib/python" + s.minor
	args := []string{"stdlib", "--out", outDir, "--interpreter", s.interpreter, "--dir", lib}
	mounts := []Mount{{Path: outDir, Output: true}}
	if s.foreign {
		args = append(args, "--lib", stdlibDir)
		mounts = append(mounts, Mount{Path: stdlibDir, From: baseStep, Source: lib})
	} else {
		args = append(args, "--lib", lib)
	}
	s.layer(Step{ID: "stdlib", Stage: Base, Name: "[base] compile the standard library", Origin: s.origin(s.File.Bytecode.Range),
		Exec: s.run(s.tool(), args, mounts...)}, "bytecode of the standard library")
}

// runtime adds the layer with the virtual environment's own files, the user and the working directory. File operations
// make it, so it needs no program in the base. It copies the users from the facts first: a cache does not carry a step without inputs.
// Of the steps that were asked it copies a file that they do not have: they are then among what the image comes from, and change
// nothing in it.
func (s *stages) runtime(facts string, asked []string) {
	files := &Files{}
	add := func(a Action) { files.Actions = append(files.Actions, a) }
	for _, id := range asked {
		add(Action{Copy: &Copy{From: id, Source: "/none", Path: "/none", Optional: true}})
	}
	for _, f := range []string{"/etc/passwd", "/etc/group"} {
		add(Action{Copy: &Copy{From: facts, Source: f, Path: f, Optional: true}})
	}
	if s.wantsNonroot() {
		a := s.in.Facts.account()
		if a.passwd != "" {
			add(Action{Mkdir: &Mkdir{Path: "/etc", Mode: 0o755}})
			add(Action{Write: &Write{Path: "/etc/passwd", Mode: 0o644, Data: a.passwd}})
		}
		if a.group != "" {
			add(Action{Write: &Write{Path: "/etc/group", Mode: 0o644, Data: a.group}})
		}
		if a.home != "" {
			// Parents that do not exist yet get the owner of what is made below them, and would carry it into the image.
			add(Action{Mkdir: &Mkdir{Path: path.Dir(a.home), Mode: 0o755}})
			add(Action{Mkdir: &Mkdir{Path: a.home, Mode: 0o700, Owner: a.uid}})
		}
	}
	site := path.Join(Venv, "lib/python"+s.minor, "site-packages")
	add(Action{Mkdir: &Mkdir{Path: site, Mode: 0o755}})
	add(Action{Mkdir: &Mkdir{Path: path.Join(Venv, "bin"), Mode: 0o755}})
	add(Action{Write: &Write{Path: path.Join(Venv, "pyvenv.cfg"), Mode: 0o644,
		Data: fmt.Sprintf("home = %s\ninclude-system-site-packages = false\nversion = %s\nexecutable = %s\n", path.Dir(s.interpreter), s.python, s.interpreter)}})
	add(Action{Symlink: &Symlink{Path: path.Join(Venv, "bin/python"), Target: s.interpreter}})
	add(Action{Symlink: &Symlink{Path: path.Join(Venv, "bin/python3"), Target: "python"}})
	add(Action{Symlink: &Symlink{Path: path.Join(Venv, "bin/python"+s.minor), Target: "python"}})
	add(Action{Symlink: &Symlink{Path: path.Join(Venv, "lib64"), Target: "lib"}})
	if dir := s.workdir(); dir != "/" {
		add(Action{Mkdir: &Mkdir{Path: dir, Mode: 0o755}})
	}
	s.layer(Step{ID: "runtime", Stage: Base, Name: "[base] add the virtual environment and the user", Origin: s.origin(s.File.User.Range, s.File.Workdir.Range),
		Files: files}, "virtual environment, user and working directory")
}

// layer adds a step that makes a layer of the image.
func (s *stages) layer(step Step, history string) {
	s.layers = append(s.layers, layer{step: s.add(step), history: history})
}

// merge puts the layers on the base image.
func (s *stages) merge(stage, base string) string {
	origin := s.origin()
	if s.in.Merge {
		inputs := []string{base}
		for _, l := range s.layers {
			inputs = append(inputs, l.step)
		}
		return s.add(Step{ID: stage, Stage: stage, Target: true, Name: "[" + stage + "] merge " + count(len(s.layers), "layer"), Origin: origin, Merge: inputs})
	}
	on := base
	for _, l := range s.layers {
		on = s.add(Step{ID: "copy:" + l.step, Stage: stage, Target: true, Name: "[" + stage + "] copy " + l.history, Origin: origin,
			Files: &Files{On: on, Actions: []Action{{Copy: &Copy{From: l.step, Source: "/", Path: "/", Contents: true}}}}})
	}
	return on
}

// workdir is where the application starts.
func (s *stages) workdir() string { return or(s.File.Workdir.Value, "/app") }

// sortedKeys makes a map's order that of its keys.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
