package plan

import (
	"fmt"
	"path"
	"slices"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

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
			return "", pyfile.Errors{{Range: FirstLine, Msg: "target wheels: the project has no dependencies and builds no wheel of its own", Hint: "leave --target away"}}
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
	return s.installMembers()
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
	return s.add(Step{ID: "helper", Stage: Base, Name: "[internal] pyfile-install", Helper: true, Origin: Origin{FirstLine}})
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
