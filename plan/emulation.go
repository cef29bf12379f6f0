package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"

	"github.com/org/pyfile/pyfile"
)

// checkEmulation refuses steps that start programs of a platform that the builder cannot run, before anything is built. Wheels are installed
// without: their bytecode is compiled by the Python of the builder's own platform.
func (s *stages) checkEmulation() (errs pyfile.Errors) {
	if !s.foreign || len(s.in.Runs) == 0 || platforms.Any(s.in.Runs...).Match(s.in.Platform) {
		return nil
	}
	target := platforms.FormatAll(s.in.Platform)
	for _, step := range s.steps {
		if step.Exec == nil || !step.Target || step.Serves {
			continue
		}
		_, what, _ := strings.Cut(step.Name, "] ")
		why := ""
		if step.Why != "" {
			why = " (" + step.Why + ")"
		}
		e := &pyfile.Error{Range: step.Origin.Range, Msg: fmt.Sprintf("to %s, programs of %s must run%s, and that is none of the builder's platforms", what, target, why),
			Hint: fmt.Sprintf("add a node of that platform (docker buildx create --append), or emulation (docker run --privileged --rm tonistiigi/binfmt --install %s)", s.in.Platform.Architecture)}
		if !slices.ContainsFunc(errs, func(other *pyfile.Error) bool { return other.Range == e.Range && other.Msg == e.Msg }) {
			errs = append(errs, e)
		}
	}
	return errs
}

// Packed is a wheel that the builder's own platform makes for another one.
type Packed struct {
	Source string // for Inputs.Packed
	Plan   *Plan  // of a solve of its own, whose result is a directory with the wheel
}

// Packed are the wheels that are built without a compiler, and so on the builder's platform, for another one. Their names tell whether they are
// of every platform. It is an error when other steps of the build need emulation that is not there.
func (p *Project) Packed(in Inputs) ([]Packed, error) {
	s, err := p.stages(in)
	if err != nil || !s.foreign {
		return nil, err
	}
	if err := s.decide(); err != nil {
		return nil, err
	}
	var out []Packed
	for _, w := range s.packed {
		out = append(out, Packed{Source: w.source, Plan: s.plan(w.step)})
	}
	return out, nil
}

// bound is the file name of the wheel that a source turned out to give for the build platform alone; empty when it is of every platform, or was
// not built there.
func (s *stages) bound(b source) string {
	if file := s.in.Packed[b.id]; s.foreign && file != "" && !strings.HasSuffix(file, "-any.whl") {
		return file
	}
	return ""
}
