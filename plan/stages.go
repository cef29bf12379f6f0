package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/distro"
	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// stages builds the steps of one plan.
type stages struct {
	builder
	*Project
	in         Inputs
	wanted     python.Target
	selection            // the dependencies
	tests      selection // what tests need besides
	python     python.Version
	runs       distro.Interpreter // of the base
	minor      string             // "3.13", or "3.13t" for a free-threaded Python
	foreign    bool               // target and build platform differ
	layers     []layer
	stepLayers []layer           // above them, what the commands of [steps] leave
	written    map[string]string // steps that list build requirements, by those
	envs       map[string]string // steps that install build requirements, by image and list
	facts      []string          // steps with the facts of what is installed
	compiled   bool              // something is built in the builder image
	report     string            // the step that checks the result
	warnings   []Warning
	packed     []packedWheel // built on the build platform for another one
	result     string        // the step that is the target
}

// packedWheel is a step whose tree has the wheel of a source.
type packedWheel struct{ step, source string }

// selection is packages of the lock, by what is done with them.
type selection struct {
	wheels  []lock.Artifact
	sources []lock.Artifact // without a wheel: sdists, archives and commits
	members []lock.Artifact // built from directories of the context
}

// layer is one layer above the base image: the step that makes it, and its line in the image's history.
type layer struct{ step, history string }

// target adds the steps of the chosen target and returns the one that is its result.
func (s *stages) target() (string, error) {
	switch s.Target {
	case DepBuilder:
		return s.shipWheels(DepBuilder, s.builderPackages(true), shippedWheels, false)
	case AppBuilder:
		return s.shipWheels(AppBuilder, s.builderPackages(true), shippedWheels, true)
	case Wheels:
		if len(s.wheels)+len(s.sources)+len(s.members) == 0 && s.Install != installWheel {
			return "", pyfile.Errors{{Range: FirstLine, Msg: "target wheels: the project has no dependencies and builds no wheel of its own", Hint: "leave --target away"}}
		}
		return s.shipWheels(Wheels, "", "/", true)
	}
	if s.start != "" {
		return s.onReplaced()
	}
	base := s.basePackages()
	if err := s.dependencies(); err != nil {
		return "", err
	}
	if s.Target != Base {
		if err := s.addApp(); err != nil {
			return "", err
		}
	}
	if s.report = s.verify(); s.report != "" {
		s.layers = slices.Insert(s.layers, 1, layer{step: s.report, history: "what verify found"}) // beside the other notes
	}
	if err := s.runtime(); err != nil {
		return "", err
	}
	if s.Target == Base {
		return s.merge(Base, base), nil
	}
	final := s.runSteps(s.merge(Final, base), base)
	if s.Target == Test {
		return s.test(final)
	}
	return final, nil
}

// dependencies adds the layers of the base stage.
func (s *stages) dependencies() error {
	s.layers = append(s.layers, layer{step: s.factsOf(&s.builder, s.in.Base), history: "what the base is"})
	if len(s.sources) > 0 && !s.replaces(DepBuilder) {
		noted, err := s.inspectAll(s.sources)
		if err != nil {
			return err
		}
		s.layers = append(s.layers, layer{step: noted, history: "how packages are built"})
	}
	s.stdlib()
	if err := s.installWheels(s.wheels, "", Base); err != nil {
		return err
	}
	s.layers = append(s.layers, layer{step: runtimeStep, history: "virtual environment, user and working directory"})
	return s.installBuilt(s.selection, Base)
}

// installAll adds the layers of a selection, with a prefix to the ids of what groups of wheels are.
func (s *stages) installAll(all selection, prefix, stage string) error {
	if err := s.installWheels(all.wheels, prefix, stage); err != nil {
		return err
	}
	return s.installBuilt(all, stage)
}

// installWheels adds the layers of wheels.
func (s *stages) installWheels(wheels []lock.Artifact, prefix, stage string) error {
	max, own := defaultLayers, int64(defaultOwn)
	if s.File.Layers.Max.Set() {
		max = int(s.File.Layers.Max.Value)
	}
	if s.File.Layers.Own.Set() {
		own = s.File.Layers.OwnBytes
	}
	for _, g := range NewGrouping(max, own).Groups(wheels) {
		if err := s.install(g, prefix, stage); err != nil {
			return err
		}
	}
	return nil
}

// asked are the steps whose result the frontend reads in a solve of its own, and which are no layer: what an index answers is nobody's business
// who has the image. A registry cache of mode=max carries what the image comes from, so they must be among that.
func (s *stages) asked() ([]string, error) {
	out := []string{factsStep} // a cache does not carry a step without inputs
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

// builderRef is the image in which code is compiled. What is compiled against glibc does not run with musl, so that an Alpine base without a
// builder of its own is its own builder.
func (s *stages) builderRef() string {
	if !s.File.Builder.Set() && s.in.Facts.Libc.Name == "musl" {
		return s.Base
	}
	return s.Builder
}

// builderImage is the full image, for the build platform unless it is to be that of the target.
func (s *stages) builderImage(target bool) string {
	id := "builder-image"
	if s.foreign && !target {
		id += ":build-platform"
	}
	return s.add(Step{ID: id, Stage: DepBuilder, Target: target, Origin: s.origin(s.File.Builder.Range),
		Name: "[dep-builder] FROM " + s.builderRef(), Image: &ImageSource{Ref: s.builderRef()}})
}

// install adds the vertex of one group and its layer.
func (s *stages) install(g Group, prefix, stage string) error {
	args := s.dependencyArgs()
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
	s.installs(Step{ID: prefix + "install:" + g.ID, Stage: stage, Name: "[" + stage + "] install " + what, Origin: s.origin(s.File.Dependencies.Range),
		Exec: s.installer(args, mounts...)}, "install "+what)
	return nil
}

// installs adds a step that installs wheels: its tree is a layer, and what is to be checked of it are its facts.
func (s *stages) installs(step Step, history string) {
	facts := "facts:" + step.ID
	step.Exec.Mounts = append(step.Exec.Mounts, Mount{Path: outDir, Output: true}, Mount{Path: factsDir, As: facts})
	s.layer(step, history)
	s.facts = append(s.facts, facts)
}

// installArgs are the arguments of `pyfile-install wheels` but for the wheels.
func (s *stages) installArgs() []string {
	args := []string{"wheels", "--out", outDir, "--prefix", Venv, "--python", s.minor, "--interpreter", s.runs.Path, "--facts", factsDir}
	if b := s.File.Bytecode.Dependencies; b.Set() && !b.Value {
		args = append(args, "--bytecode=false")
	}
	if s.File.Bytecode.Tests.Value {
		args = append(args, "--tests")
	}
	return args
}

// dependencyArgs are installArgs for what is not the application: [slim] leaves that as its author packs it.
func (s *stages) dependencyArgs() []string {
	args := s.installArgs()
	if words := s.File.Slim.Remove.Values(); len(words) > 0 {
		args = append(args, "--remove", strings.Join(slices.Compact(slices.Sorted(slices.Values(words))), ","))
	}
	if s.File.Slim.Strip.Value {
		args = append(args, "--strip")
	}
	return args
}

// stdlib adds the layer with the bytecode of the standard library, which the official images leave out.
func (s *stages) stdlib() {
	if b := s.File.Bytecode.Stdlib; b.Set() && !b.Value || s.runs.Bytecode {
		return
	}
	step := s.stdlibOf(s.runs.Lib)
	if s.foreign {
		step = s.stdlibOf(stdlibDir, Mount{Path: stdlibDir, From: baseStep, Source: s.runs.Lib})
	}
	s.layer(step, "bytecode of the standard library")
}

// stdlibOf is a step that compiles a standard library.
func (s *stages) stdlibOf(lib string, mounts ...Mount) Step {
	args := []string{"stdlib", "--out", outDir, "--interpreter", s.runs.Path, "--dir", s.runs.Lib, "--lib", lib}
	return Step{ID: stdlibStep, Stage: Base, Name: "[base] compile the standard library", Origin: s.origin(s.File.Bytecode.Range),
		Exec: s.installer(args, append([]Mount{{Path: outDir, Output: true}}, mounts...)...)}
}

// runtime adds the layer with the virtual environment's own files, the user and the working directory. File operations
// make it, so it needs no program in the base. Of the steps that were asked it copies a file that they do not have: they are then among what
// the image comes from, and change nothing in it.
func (s *stages) runtime() error {
	asked, err := s.asked()
	if err != nil {
		return err
	}
	files := &Files{}
	add := func(a Action) { files.Actions = append(files.Actions, a) }
	for _, id := range asked {
		add(Action{Copy: &Copy{From: id, Source: "/none", Path: "/none", Optional: true}})
	}
	if len(s.File.Apt.Run.Items) == 0 {
		files.Actions = append(files.Actions, s.account()...)
	}
	site := path.Join(Venv, "lib/python"+s.minor, "site-packages")
	add(Action{Mkdir: &Mkdir{Path: site, Mode: 0o755}})
	add(Action{Mkdir: &Mkdir{Path: path.Join(Venv, "bin"), Mode: 0o755}})
	// The version is without its last number, which nothing of the environment depends on: the next patch release has the same layer.
	add(Action{Write: &Write{Path: path.Join(Venv, "pyvenv.cfg"), Mode: 0o644,
		Data: fmt.Sprintf("home = %s\ninclude-system-site-packages = false\nversion = %s\nexecutable = %s\n",
			path.Dir(s.runs.Path), strings.TrimSuffix(s.minor, "t"), s.runs.Path)}})
	add(Action{Symlink: &Symlink{Path: path.Join(Venv, "bin/python"), Target: s.runs.Path}})
	add(Action{Symlink: &Symlink{Path: path.Join(Venv, "bin/python3"), Target: "python"}})
	add(Action{Symlink: &Symlink{Path: path.Join(Venv, "bin/python"+s.minor), Target: "python"}})
	add(Action{Symlink: &Symlink{Path: path.Join(Venv, "lib64"), Target: "lib"}})
	if dir := s.workdir(); dir != "/" {
		add(Action{Mkdir: &Mkdir{Path: dir, Mode: 0o755}})
	}
	s.add(Step{ID: runtimeStep, Stage: Base, Name: "[base] add the virtual environment and the user", Origin: s.origin(s.File.User.Range, s.File.Workdir.Range),
		Files: files})
	return nil
}

// account are the file operations that make the default user, if the image is to run as that and the base lacks it.
func (s *stages) account() []Action {
	if !s.wantsNonroot() {
		return nil
	}
	var out []Action
	a := s.in.Facts.account()
	if a.passwd != "" {
		out = append(out, Action{Mkdir: &Mkdir{Path: "/etc", Mode: 0o755}}, Action{Write: &Write{Path: "/etc/passwd", Mode: 0o644, Data: a.passwd}})
	}
	if a.group != "" {
		out = append(out, Action{Write: &Write{Path: "/etc/group", Mode: 0o644, Data: a.group}})
	}
	if a.home != "" {
		// Parents that do not exist yet get the owner of what is made below them, and would carry it into the image.
		out = append(out, Action{Mkdir: &Mkdir{Path: path.Dir(a.home), Mode: 0o755}}, Action{Mkdir: &Mkdir{Path: a.home, Mode: 0o700, Owner: a.uid}})
	}
	return out
}

// runtimeStep makes the layer that is above the groups, though it is the last one to be made.
const runtimeStep = "runtime"

// layer adds a step that makes a layer of the image.
func (s *stages) layer(step Step, history string) {
	s.layers = append(s.layers, layer{step: s.add(step), history: history})
}

// merge puts the layers of a stage on the base image.
func (s *stages) merge(stage, base string) string { return s.stack(stage, stage, base, s.layers) }

// stack puts layers on a tree. Without MergeOp each is copied onto the one before.
func (s *stages) stack(id, stage, on string, layers []layer) string {
	origin := s.origin()
	if len(layers) == 0 {
		return on
	}
	if s.in.Merge {
		inputs := []string{on}
		for _, l := range layers {
			inputs = append(inputs, l.step)
		}
		return s.add(Step{ID: id, Stage: stage, Target: true, Name: "[" + stage + "] merge " + count(len(layers), "layer"), Origin: origin, Merge: inputs})
	}
	prefix := "copy:"
	if id != stage {
		prefix += id + ":"
	}
	for _, l := range layers {
		on = s.add(Step{ID: prefix + l.step, Stage: stage, Target: true, Name: "[" + stage + "] copy " + l.history, Origin: origin,
			Files: &Files{On: on, Actions: []Action{{Copy: &Copy{From: l.step, Source: "/", Path: "/", Contents: true}}}}})
	}
	return on
}

// workdir is where the application starts.
func (p *Project) workdir() string { return or(p.File.Workdir.Value, "/app") }

// sortedKeys makes a map's order that of its keys.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
