package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/distro"
	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
)

// What --build-context NAME=... means when NAME is a stage. As in a Dockerfile, nothing of the stage is built, and what is given takes the
// place of its result:
//
//   - base and final are images. The application is put on the one, and tests run in the other.
//   - dep-builder and app-builder are where wheels come from: an image that has them in /wheels, or a directory of them.

// replaceStages takes the stages that a build context replaces.
func (p *Project) replaceStages(stages []string) (errs pyfile.Errors) {
	for _, stage := range stages {
		why, hint := "", ""
		switch {
		case stage == Test || stage == Wheels:
			why = "nothing is built from the target " + stage
			hint = "for tests of an image that is there already write --target test --build-context final=docker-image://..."
			if stage == Wheels {
				hint = "for wheels that are there already write --build-context dep-builder=DIRECTORY, and app-builder=DIRECTORY"
			}
		case stage == p.Target:
			why, hint = "this is what --target "+stage+" makes", "leave the target away, or the build context"
			if stage == Final {
				why, hint = "this is what the build makes", "add --target test, which runs the tests in that image"
			}
		case stage == AppBuilder && p.Install != installWheel:
			why, hint = fmt.Sprintf("the application is installed as %q, and needs no wheel", p.Install), `write install = "wheel" in [app], or leave the build context away`
		}
		if why != "" {
			errs = append(errs, &pyfile.Error{Range: FirstLine, Msg: fmt.Sprintf("--build-context %s=...: %s", stage, why), Hint: hint})
		}
	}
	p.replaced = stages
	switch {
	case p.Target == Test && p.replaces(Final):
		p.start = Final
	case p.replaces(Base):
		p.start = Base
	}
	return errs
}

// replaces tells whether a build context replaces the stage.
func (p *Project) replaces(stage string) bool { return slices.Contains(p.replaced, stage) }

// label names the image that everything starts from, for messages.
func (p *Project) label(base Source) string {
	if p.start != "" {
		return "the image of --build-context " + p.start
	}
	return "base " + base.Ref
}

// checkEnvironment refuses an image that is to stand for a stage and has no virtual environment of its Python that the application could be
// put into.
func (p *Project) checkEnvironment(in Inputs, runs distro.Interpreter) pyfile.Errors {
	if p.start == "" || slices.Contains(in.Facts.Environments, runs.Name()) {
		return nil
	}
	e := &pyfile.Error{Range: FirstLine, Msg: fmt.Sprintf("%s has no virtual environment in %s", p.label(in.Base), Venv),
		Hint: fmt.Sprintf("give an image that was built with --target base, or one with an environment there: RUN %s -m venv %s", runs.Name(), Venv)}
	if others := in.Facts.Environments; len(others) > 0 {
		e.Msg = fmt.Sprintf("the virtual environment in %s of %s is one of %s, not of %s", Venv, p.label(in.Base), others[0], runs.Name())
		e.Hint = "build that image anew"
	}
	return pyfile.Errors{e}
}

// onReplaced puts the application on the image that replaces base, or tests the one that replaces final.
//
// What the frontend reads of that image in solves of its own must be among what the result comes from, or a registry cache does not carry
// it. Here it is no layer, since the image has its own notes already, and final is then the same image as without a build context.
func (s *stages) onReplaced() (string, error) {
	root := s.basePackages()
	s.factsOf(&s.builder, s.in.Base)
	asked, err := s.asked()
	if err != nil {
		return "", err
	}
	installed := s.add(Step{ID: "installed", Stage: s.start, Name: "[" + s.start + "] read what is installed", Origin: s.origin(),
		Exec: s.program(root, "verify", []string{"installed", "--root", "/", "--prefix", Venv, "--python", s.minor, "--out", outDir}, Mount{Path: outDir, Output: true})})
	s.facts = append(s.facts, installed)
	if s.start == Base {
		if err := s.addApp(); err != nil {
			return "", err
		}
	}
	s.report = s.verify()
	if n := len(s.layers); n > 0 {
		files := &Files{Actions: []Action{{Copy: &Copy{From: s.layers[n-1].step, Source: "/", Path: "/", Contents: true}}}}
		for _, id := range append(asked, s.report) {
			files.Actions = append(files.Actions, Action{Copy: &Copy{From: id, Source: "/none", Path: "/none", Optional: true}})
		}
		s.layers[n-1].step = s.add(Step{ID: "app", Stage: Final, Name: "[final] add the application", Origin: s.origin(s.File.App.Range), Files: files})
	}
	final := root
	if s.start == Base {
		s.layers = append(s.surroundings(), s.layers...)
		final = s.runSteps(s.merge(Final, root), root)
	}
	if s.Target == Test {
		return s.test(final)
	}
	return final, nil
}

// surroundings is the layer with the user and the working directory, where the image that replaces base lacks them. One that was built for
// this Pyfile has both.
func (s *stages) surroundings() []layer {
	actions := s.account()
	if dir := s.workdir(); dir != path.Clean(or(s.in.Base.Config.Config.WorkingDir, "/")) {
		actions = append(actions, Action{Mkdir: &Mkdir{Path: dir, Mode: 0o755}})
	}
	if len(actions) == 0 {
		return nil
	}
	return []layer{{step: s.add(Step{ID: runtimeStep, Stage: Base, Name: "[base] add the user and the working directory", Origin: s.origin(s.File.User.Range, s.File.Workdir.Range),
		Files: &Files{Actions: actions}}), history: "user and working directory"}}
}

// lockedArgs tell verify which versions the lock has, to be compared with what the image that replaces a stage has.
func (s *stages) lockedArgs() (args []string) {
	if s.start == "" {
		return nil
	}
	for _, a := range slices.Concat(s.wheels, s.sources, s.members) {
		args = append(args, "--locked", a.Name+"=="+a.Version)
	}
	return args
}

// takeWheels adds the step that takes wheels out of what replaces a builder, and puts them side by side. Each is asked for as pyfile-build
// writes it.
func (s *stages) takeWheels(stage, id string, origin Origin, wants ...string) string {
	from := s.add(Step{ID: "context:" + stage, Stage: stage, Target: true, Name: "[" + stage + "] load the build context", Origin: origin, Image: &ImageSource{Ref: stage}})
	args := []string{"take", "--src", archiveDir, "--out", outDir, "--python", s.python.String(), "--machine", s.wanted.Machine, "--libc", s.wanted.Libc.String()}
	if s.wanted.FreeThreaded {
		args = append(args, "--free-threaded")
	}
	e := reports(s.program("", "build", append(args, wants...), Mount{Path: archiveDir, From: from}, Mount{Path: outDir, Output: true}))
	return s.add(Step{ID: id, Stage: stage, Name: "[" + stage + "] take " + firstOf(wants) + " from the build context", Origin: origin, Exec: e})
}

// takeLocked takes all wheels of the lock, which must have its hashes.
func (s *stages) takeLocked() string {
	var wants []string
	for _, w := range slices.Concat(s.wheels, s.tests.wheels) {
		if w.Path == "" { // it is in the main context
			wants = append(wants, w.Filename+"#sha256="+w.SHA256)
		}
	}
	return s.takeWheels(DepBuilder, "take-wheels", s.lockOrigin(), wants...)
}

// takeBuilt takes the wheel of a package that the lock has no wheel of.
func (s *stages) takeBuilt(a lock.Artifact) string {
	return s.takeWheels(DepBuilder, "take:"+a.Name, s.lockOrigin(), strings.TrimSuffix(a.Name+"=="+a.Version, "=="))
}
