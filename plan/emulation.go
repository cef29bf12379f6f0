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
		if step.Exec == nil || !step.Target {
			continue
		}
		_, what, _ := strings.Cut(step.Name, "] ")
		e := &pyfile.Error{Range: step.Origin.Range, Msg: fmt.Sprintf("for %s, programs of that platform must run to %s, and this builder runs none", target, what),
			Hint: fmt.Sprintf("add a node of that platform (docker buildx create --append), or emulation (docker run --privileged --rm tonistiigi/binfmt --install %s)", s.in.Platform.Architecture)}
		if !slices.ContainsFunc(errs, func(other *pyfile.Error) bool { return other.Range == e.Range && other.Msg == e.Msg }) {
			errs = append(errs, e)
		}
	}
	return errs
}
