package lock

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// selects walks the graph from the project as uv does when it installs: along the edges whose markers hold for the target.
func (l *uvLock) selects(r Request) ([]Artifact, pyfile.Errors) {
	w := &uvWalk{
		uvLock:  l,
		request: r,
		env:     environment(r.Target),
		parsed:  map[string]python.Marker{},
		known:   map[string]bool{},
		seen:    map[visit]bool{},
		hint:    remake[formatUV],
	}
	w.formats = readUVFormats(r.Project, l.doc.name, &w.errs)
	w.fits()
	w.findRoots()
	w.findGroups()
	w.findExtras()
	if len(w.errs) == 0 {
		w.stale()
	}
	if len(w.errs) > 0 {
		return nil, w.errs
	}
	w.start()
	if len(l.conflicts) > 0 && len(w.errs) == 0 {
		w.activate()
		w.checkConflicts()
	}
	if len(w.errs) > 0 {
		return nil, w.errs
	}
	w.walk()
	return w.artifacts(), w.errs
}

// visit is a package, or one of its extras, whose dependencies are followed.
type visit struct {
	pkg   *uvPackage
	extra string
}

// entryPoint is a visit that the roots ask for, under a marker.
type entryPoint struct {
	visit
	marker marker
}

// uvWalk is one walk through a lock.
type uvWalk struct {
	*uvLock
	request Request
	formats formatControl
	env     python.Environment // without extras
	hint    string
	errs    pyfile.Errors

	roots      []*uvPackage
	wantGroups []rootGroup              // the groups asked for
	wantExtras []string                 // the extras asked for, normalised
	asked      map[string]pyfile.String // where the Pyfile asks for what a pseudo-extra stands for

	activated []string                 // pseudo-extras of what is asked for, see conflictItem
	parsed    map[string]python.Marker // markers by their text
	known     map[string]bool          // what markers come to once activated is final
	queue     []visit
	entries   []entryPoint // what start put into the queue
	seen      map[visit]bool
	picked    []*uvPackage // every package reached, roots aside, in the order reached
	reached   map[*uvPackage]bool
	isRoot    map[*uvPackage]bool
}

// rootGroup is a dependency group with its owner; pkg is nil for a workspace root that is not a project.
type rootGroup struct {
	pkg  *uvPackage
	name string
}

func (w *uvWalk) errorAt(at span, hint, format string, args ...any) {
	w.errs = append(w.errs, w.doc.errorAt(at, fmt.Sprintf(format, args...), hint))
}

// fits checks that the lock was made for the target at all.
func (w *uvWalk) fits() {
	if e := pythonFits(w.request.Target, w.requiresPython, w.doc.name); e != nil {
		w.errs = append(w.errs, e)
		return // markers mean nothing then
	}
	if len(w.supported) > 0 && !w.any(w.supported) {
		w.errorAt(w.supported[0].at, `add the target to [tool.uv] environments in pyproject.toml, then `+w.hint,
			"uv.lock is for other environments (%s), not for %s", texts(w.supported), w.request.Target)
	} else if len(w.markers) > 0 && !w.any(w.markers) {
		w.errorAt(w.markers[0].at, w.hint, "uv.lock was not made for %s: none of its resolution-markers holds", w.request.Target)
	}
}

func texts(markers []marker) string {
	out := make([]string, len(markers))
	for i, m := range markers {
		out[i] = m.text
	}
	return listing(out, "; ")
}

// any tells whether one of the markers holds; none of them may speak of extras.
func (w *uvWalk) any(markers []marker) bool {
	return slices.ContainsFunc(markers, func(m marker) bool { return w.holds(m, nil) })
}

// holds evaluates a marker with pseudo-extras activated. One that cannot be evaluated is reported, once.
func (w *uvWalk) holds(m marker, activated []string) bool {
	if m.text == "" {
		return true
	}
	parsed, ok := w.parsed[m.text]
	if !ok {
		var err error
		if parsed, err = python.ParseMarker(m.text); err != nil {
			w.errorAt(m.at, w.hint, "the marker cannot be read: %v", err)
		}
		w.parsed[m.text] = parsed
	}
	env := w.env
	env.Extra = activated
	ok, err := parsed.Eval(env)
	if err != nil {
		w.errorAt(m.at, w.hint, "the marker cannot be evaluated: %v", err)
		w.parsed[m.text] = python.Marker{}
	}
	return ok && err == nil
}

// follows is holds with all that is activated, remembered by the marker's text.
func (w *uvWalk) follows(m marker) bool {
	if m.text == "" {
		return true
	}
	ok, known := w.known[m.text]
	if !known {
		ok = w.holds(m, w.activated)
		w.known[m.text] = ok
	}
	return ok
}

// start puts what the roots need into the queue.
func (w *uvWalk) start() {
	w.reached, w.isRoot = map[*uvPackage]bool{}, map[*uvPackage]bool{}
	conflicting := len(w.conflicts) > 0
	for _, pkg := range w.roots {
		w.isRoot[pkg] = true
		if conflicting {
			w.activateItem(conflictItem{pkg: pkg.name})
		}
		w.enter(visit{pkg, ""}, marker{})
		for _, e := range pkg.extras {
			if slices.Contains(w.wantExtras, e.name) {
				if conflicting {
					w.activateItem(conflictItem{pkg: pkg.name, extra: e.name})
				}
				w.enter(visit{pkg, e.name}, marker{})
			}
		}
	}
	if conflicting {
		for _, g := range w.wantGroups {
			if g.pkg != nil {
				w.activateItem(conflictItem{pkg: g.pkg.name, group: g.name})
			}
		}
	}
	for _, g := range w.wantGroups {
		if g.pkg == nil {
			continue
		}
		if set := g.pkg.group(g.name); set != nil {
			for i := range set.deps {
				w.groupEdge(g.pkg, &set.deps[i])
			}
		}
	}
	w.manifest()
}

// groupEdge follows an edge of a group. It may activate extras of the package it leads to, often the project itself.
func (w *uvWalk) groupEdge(from *uvPackage, e *edge) {
	activated := w.withExtras(e)
	if !w.holds(e.marker, activated) {
		return
	}
	w.activated = activated
	w.pick(e.to, from)
	w.enter(visit{e.to, ""}, e.marker)
	for _, extra := range e.extras {
		w.enter(visit{e.to, extra}, e.marker)
	}
}

// withExtras is what is activated once an edge is followed.
func (w *uvWalk) withExtras(e *edge) []string {
	activated := w.activated
	for _, extra := range e.extras {
		if name := (conflictItem{pkg: e.to.name, extra: extra}).encode(); !slices.Contains(activated, name) {
			activated = append(activated[:len(activated):len(activated)], name)
		}
	}
	return activated
}

func (w *uvWalk) activateItem(c conflictItem) {
	if name := c.encode(); !slices.Contains(w.activated, name) {
		w.activated = append(w.activated, name)
	}
}

// enter puts into the queue what the roots ask for.
func (w *uvWalk) enter(v visit, m marker) {
	w.entries = append(w.entries, entryPoint{v, m})
	w.push(v)
}

func (w *uvWalk) push(v visit) {
	if !w.seen[v] {
		w.seen[v] = true
		w.queue = append(w.queue, v)
	}
}

// reach adds the package of an edge and what it needs.
func (w *uvWalk) reach(from *uvPackage, e *edge) {
	w.pick(e.to, from)
	w.push(visit{e.to, ""})
	for _, extra := range e.extras {
		w.push(visit{e.to, extra})
	}
}

// pick adds a package to those that are installed. The project is installed by other means, so it is left out; of several
// projects in one workspace one that another needs would have to be built first. Virtual packages have dependencies only.
func (w *uvWalk) pick(p, from *uvPackage) {
	if p.source.kind == "virtual" || w.isRoot[p] && (len(w.roots) == 1 || from == p) || w.reached[p] {
		return
	}
	w.reached[p] = true
	w.picked = append(w.picked, p)
}

// manifest adds what a workspace root that is not a project asks for.
func (w *uvWalk) manifest() {
	for _, r := range w.requirements {
		w.manifestRequirement(r)
	}
	for _, g := range w.wantGroups {
		if g.pkg != nil {
			continue
		}
		for _, set := range w.groups {
			if set.name != g.name {
				continue
			}
			for _, r := range set.requires {
				if to := w.manifestRequirement(r); to != nil {
					for _, extra := range r.extras {
						w.activateItem(conflictItem{pkg: to.name, extra: extra})
					}
				}
			}
		}
	}
}

// manifestRequirement finds the package of a requirement by name and, where there are several, by the fork that the target is in.
func (w *uvWalk) manifestRequirement(r uvRequirement) *uvPackage {
	if !w.holds(r.marker, nil) {
		return nil
	}
	var found []*uvPackage
	for _, p := range w.byName[r.name] {
		if len(p.markers) == 0 || w.any(p.markers) {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		w.errorAt(r.at, w.hint, "uv.lock needs %q, but holds %d packages of that name for %s", r.name, len(found), w.request.Target)
		return nil
	}
	w.pick(found[0], nil)
	w.enter(visit{found[0], ""}, marker{})
	for _, extra := range r.extras {
		w.enter(visit{found[0], extra}, marker{})
	}
	return found[0]
}

// walk follows the edges until no new package is reached.
func (w *uvWalk) walk() {
	for len(w.queue) > 0 {
		v := w.queue[0]
		w.queue = w.queue[1:]
		deps := v.dependencies()
		for i := range deps {
			if w.follows(deps[i].marker) {
				w.reach(v.pkg, &deps[i])
			}
		}
	}
}

func (v visit) dependencies() []edge {
	if v.extra == "" {
		return v.pkg.deps
	}
	if set := v.pkg.extra(v.extra); set != nil {
		return set.deps
	}
	return nil
}

// artifacts turns the packages into files.
func (w *uvWalk) artifacts() []Artifact {
	c := newChooser(w.doc, w.hint, &w.request)
	live := map[string]*uvPackage{}
	out := make([]Artifact, 0, len(w.picked))
	for _, p := range w.picked {
		if first := live[p.name]; first != nil {
			w.errorAt(p.at, w.hint, "%s and %s are both needed for %s", p, first, w.request.Target)
			continue
		}
		live[p.name] = p
		a, e := w.artifact(c, p)
		if e != nil {
			w.errs = append(w.errs, e)
			continue
		}
		out = append(out, a)
	}
	return out
}

// artifact is what is built or unpacked for a package.
func (w *uvWalk) artifact(c *chooser, p *uvPackage) (Artifact, *pyfile.Error) {
	a := Artifact{Name: p.name, Version: p.version, Subdir: p.source.subdir, Origin: w.doc.span(p.at)}
	switch p.source.kind {
	case "git":
		g := p.source.git()
		if problem, hint := g.problem(); problem != "" {
			return a, w.doc.errorAt(p.source.at, fmt.Sprintf(problem, p), cmp.Or(hint, w.hint))
		}
		return g.artifact(a), nil
	case "directory", "editable":
		var ok bool
		if a.Path, ok = contextPath(w.doc.name, p.source.value); !ok {
			return a, w.doc.errorAt(p.source.at, fmt.Sprintf("%s: the directory %q lies outside of the build context", p, shownPath(p.source.value)), outsideHint)
		}
		a.Kind = Directory
		return a, nil
	case "url", "path":
		if len(p.wheels) == 0 && len(p.sdists) > 0 {
			a, e := c.file(&p.chosen)
			a.Kind, a.Subdir = Archive, p.source.subdir
			return a, e
		}
	case "registry":
		return c.controlled(&p.chosen, &w.formats, c.indexFile)
	}
	return c.file(&p.chosen)
}
