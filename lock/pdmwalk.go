package lock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// pdmWalk finds what the requirements of pyproject.toml need, in a lock whose packages do not say so themselves. Where the lock has
// several versions of a package, the requirements choose.
type pdmWalk struct {
	*pdmSelection
	byID     map[string][]*pdmPackage
	deps     map[*pdmPackage][]pdmRequirement
	excluded map[*pdmPackage]bool // turned out not to fit
	picked   []*pdmPackage
	chosen   map[string]*pdmPackage      // by id
	wants    map[string][]pdmRequirement // by name
	broken   bool                        // a problem was reported
}

// walk picks the packages that the wanted groups need.
func (s *pdmSelection) walk() []*pdmPackage {
	if s.request.Project == nil {
		s.errs = append(s.errs, &pyfile.Error{File: s.doc.name, Range: firstLine,
			Msg:  "pdm.lock does not say what the project needs, and there is no pyproject.toml that does",
			Hint: `add the pyproject.toml, or run "pdm lock --strategy inherit_metadata"`})
		return nil
	}
	w := &pdmWalk{pdmSelection: s, byID: map[string][]*pdmPackage{}, deps: map[*pdmPackage][]pdmRequirement{}, excluded: map[*pdmPackage]bool{}}
	for _, p := range s.packages {
		w.byID[p.id()] = append(w.byID[p.id()], p)
	}
	for _, versions := range w.byID { // pdm tries them in this order, which is that of the text
		slices.SortStableFunc(versions, func(a, b *pdmPackage) int { return strings.Compare(b.version, a.version) })
	}
	var roots []asked
	for _, g := range s.wanted {
		reqs, _ := s.settings.requirements(g)
		roots = append(roots, reqs...)
	}
	// Each round that fails excludes one more package.
	for !w.round(roots) {
	}
	return w.picked
}

// id is what a requirement must name to get the entry: the name with its extras.
func (p *pdmPackage) id() string { return requirementID(p.name, p.extras) }

func requirementID(name string, extras []string) string {
	if len(extras) == 0 {
		return name
	}
	return name + "[" + strings.Join(extras, ",") + "]"
}

// round walks the graph once. It is not ok when a requirement came up that a package chosen before does not meet: that package is
// excluded then, and the next round may choose another.
func (w *pdmWalk) round(roots []asked) bool {
	w.picked, w.chosen, w.wants = nil, map[string]*pdmPackage{}, map[string][]pdmRequirement{}
	for _, r := range roots {
		if !w.follow(r.pdmRequirement, nil, r.text) {
			return w.broken
		}
	}
	for i := 0; i < len(w.picked); i++ {
		p := w.picked[i]
		if len(p.extras) > 0 {
			base := pdmRequirement{name: p.name}
			base.specifiers, _ = python.ParseSpecifiers("==" + p.version)
			if !w.follow(base, p, pyfile.String{}) {
				return w.broken
			}
		}
		for _, r := range w.dependencies(p) {
			if !w.follow(r, p, pyfile.String{}) {
				return w.broken
			}
		}
	}
	return true
}

// dependencies parses those of a package, once. A line that cannot be read is reported.
func (w *pdmWalk) dependencies(p *pdmPackage) []pdmRequirement {
	out, known := w.deps[p]
	if known {
		return out
	}
	for _, line := range p.deps {
		r, err := parsePDMRequirement(line.text)
		if err != nil {
			w.errorAt(line.at, "%s: the dependency %q cannot be read: %v", p, line.text, err)
			continue
		}
		out = append(out, r)
	}
	w.deps[p] = out
	return out
}

// follow picks the package of a requirement, of a package or else of the project.
func (w *pdmWalk) follow(r pdmRequirement, from *pdmPackage, text pyfile.String) bool {
	if w.settings.excludes[r.name] || !w.applies(r.marker) {
		return true
	}
	r.name = w.nameOf(r)
	project := w.request.Project
	if project.Name.Set() && r.name == project.Normalized {
		return true
	}
	w.wants[r.name] = append(w.wants[r.name], r)
	id := requirementID(r.name, r.extras)
	for _, other := range []string{id, r.name} {
		p := w.chosen[other]
		if p == nil || w.meets(p, r) {
			continue
		}
		w.excluded[p] = true
		if slices.ContainsFunc(w.byID[other], func(q *pdmPackage) bool { return !w.excluded[q] }) {
			return false
		}
		return w.fail(r, from, text)
	}
	if w.chosen[id] != nil {
		return true
	}
	for _, p := range w.byID[id] {
		if !w.excluded[p] && admits(p.requiresPython.Value, w.request.Target.Python) &&
			!slices.ContainsFunc(w.wants[r.name], func(r pdmRequirement) bool { return !w.meets(p, r) }) {
			w.chosen[id] = p
			w.picked = append(w.picked, p)
			return true
		}
	}
	return w.fail(r, from, text)
}

// fail reports a requirement that no package of the lock meets. It was the last round.
func (w *pdmWalk) fail(r pdmRequirement, from *pdmPackage, text pyfile.String) bool {
	w.broken, w.picked = true, nil
	id, what := requirementID(r.name, r.extras), "which the lock does not hold"
	if len(w.byID[id]) > 0 {
		what = fmt.Sprintf("of which the lock holds no version that fits all that need it and Python %s", w.request.Target.Python)
	}
	if from != nil {
		w.errorAt(from.at, "%s needs %q, %s", from, id, what)
	} else {
		w.errs = append(w.errs, &pyfile.Error{File: w.request.Project.File, Range: text.Range, Hint: w.hint,
			Msg: fmt.Sprintf("pdm.lock is out of date: pyproject.toml asks for %q, %s", text.Value, what)})
	}
	return false
}

// applies evaluates the marker of a requirement. Extras count for nothing in it: pdm has resolved them.
func (s *pdmSelection) applies(m python.Marker) bool {
	if m.IsZero() {
		return true
	}
	ok, err := m.Eval(s.env)
	return ok && err == nil
}

// nameOf is the name of a requirement, which the lock knows when it has only a path.
func (s *pdmSelection) nameOf(r pdmRequirement) string {
	if r.name != "" || r.path == "" {
		return r.name
	}
	want, _ := contextPath(s.doc.name, r.path)
	for _, p := range s.packages {
		if p.source != "path" {
			continue
		}
		if have, ok := contextPath(s.doc.name, p.value); ok && have == want {
			return p.name
		}
	}
	return ""
}

// meets tells whether a package is one that a requirement admits.
func (s *pdmSelection) meets(p *pdmPackage, r pdmRequirement) bool {
	if s.settings.overrides[p.name] || r.direct && p.source != "" {
		return true
	}
	if r.direct {
		return false
	}
	v, err := python.ParseVersion(p.version)
	return err != nil || r.specifiers.Contains(v, true)
}
