package lock

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// walked are the packages that the project needs, by a walk through a lock of version 2.0 or older from the dependencies in
// pyproject.toml. Poetry resolves such a lock again for the interpreter at hand, with the locked versions as the only ones.
func (s *poetrySelection) walked() []*poetryPackage {
	if s.tool == nil {
		s.errs = append(s.errs, &pyfile.Error{File: s.doc.name, Range: s.doc.span(s.metadataAt),
			Msg:  fmt.Sprintf("a lock of version %s does not say which packages the project itself needs, and there is no pyproject.toml beside it", s.version),
			Hint: `put the pyproject.toml beside poetry.lock, or run "poetry lock" with Poetry 2`})
		return nil
	}
	var roots []poetryDependency
	for _, g := range s.groups {
		roots = append(roots, s.tool.group(g)...)
	}
	w := &poetryWalk{poetrySelection: s, choice: map[string]*poetryPackage{}}
	// Which of several versions of a package is meant depends on all who need it, and who needs it on the choices.
	for range maxRounds {
		before := maps.Clone(w.choice)
		w.run(roots)
		if len(s.errs) > 0 {
			return nil
		}
		w.choose()
		if maps.Equal(before, w.choice) {
			break
		}
	}
	w.check()
	all := w.reached
	required := slices.DeleteFunc(slices.Clone(roots), func(dep poetryDependency) bool { return dep.optional })
	wanted := w.named(all)
	w.run(required)
	return slices.DeleteFunc(slices.Clone(s.packages), func(p *poetryPackage) bool {
		_, needed := w.reached[p]
		return !needed && !wanted[p]
	})
}

// maxRounds bounds the search for versions that fit each other. Every real lock needs two or three.
const maxRounds = 50

// poetryWalk is a walk with one version of every package chosen.
type poetryWalk struct {
	*poetrySelection
	choice  map[string]*poetryPackage      // of names of which the lock has several versions
	asked   map[string][]*poetryDependency // by name, all that were followed
	reached map[*poetryPackage][]string    // with the extras that were asked of it
	queue   []*poetryPackage
	missing map[string]bool
}

// run follows dependencies from the roots.
func (w *poetryWalk) run(roots []poetryDependency) {
	w.asked, w.reached, w.queue = map[string][]*poetryDependency{}, map[*poetryPackage][]string{}, nil
	w.missing = map[string]bool{}
	for i := range roots {
		dep := &roots[i]
		report := func(format string, args ...any) {
			w.errs = append(w.errs, w.tool.doc.errorAt(dep.at, fmt.Sprintf("%q: ", dep.name)+fmt.Sprintf(format, args...), ""))
		}
		if w.follows(dep, w.poetrySelection.extras, report) {
			w.reach(dep, func(problem string) {
				w.errs = append(w.errs, w.tool.doc.errorAt(dep.at, "poetry.lock is out of date: it "+problem, w.hint))
			})
		}
	}
	for len(w.queue) > 0 {
		p := w.queue[0]
		w.queue = w.queue[1:]
		w.needs(p, func(dep *poetryDependency) {
			w.reach(dep, func(problem string) { w.errorAt(p.at, w.hint, "%s needs %q, but the lock %s", p, dep.shown(), problem) })
		})
	}
}

// needs calls f for every dependency of a package that holds, for the extras that were asked of it.
func (w *poetryWalk) needs(p *poetryPackage, f func(*poetryDependency)) {
	extras := p.withOwnExtras(w.reached[p])
	optional := map[string]bool{}
	for _, x := range p.extras {
		if slices.Contains(extras, x.name) {
			for _, n := range x.needs {
				optional[n.name] = true
			}
		}
	}
	for i := range p.deps {
		dep := &p.deps[i]
		if dep.name == p.name || dep.optional && !optional[dep.name] {
			continue
		}
		report := func(format string, args ...any) { w.errorAt(dep.at, w.hint, format, args...) }
		if w.follows(dep, extras, report) {
			f(dep)
		}
	}
}

// withOwnExtras adds the extras that extras of the package ask of the package itself.
func (p *poetryPackage) withOwnExtras(extras []string) []string {
	out := slices.Clone(extras)
	for i := 0; i < len(out); i++ {
		for _, x := range p.extras {
			if x.name != out[i] {
				continue
			}
			for _, n := range x.needs {
				if n.name != p.name {
					continue
				}
				for _, e := range n.extras {
					if !slices.Contains(out, e) {
						out = append(out, e)
					}
				}
			}
		}
	}
	return out
}

// follows tells whether a dependency is one for the target.
func (w *poetryWalk) follows(dep *poetryDependency, extras []string, report func(format string, args ...any)) bool {
	env := w.env
	env.Extra = extras
	for _, m := range dep.markers {
		if !w.holds(m, env, report) {
			return false
		}
	}
	for _, text := range dep.python {
		c, ok := parsePoetryConstraint(text)
		if !ok {
			report("python must be a constraint such as \">=3.12\", not %q", text)
			return false
		}
		// "3.12" is any 3.12.x here: it stands for python_version, which has two numbers.
		if v, err := python.ParseVersion(text); err == nil && len(v.Release()) < 3 {
			c, _ = parsePoetryConstraint(text + ".*")
		}
		if !c.allows(w.python) {
			return false
		}
	}
	for _, text := range dep.platforms {
		if !platformAllows(text, w.env.SysPlatform) {
			return false
		}
	}
	return true
}

// reach adds the package that a dependency leads to.
func (w *poetryWalk) reach(dep *poetryDependency, report func(problem string)) {
	w.asked[dep.name] = append(w.asked[dep.name], dep)
	p := w.find(dep)
	if p == nil {
		if !w.missing[dep.name] && !w.leftOut(dep.name) {
			w.missing[dep.name] = true
			report(fmt.Sprintf("does not hold %q", dep.name))
		}
		return
	}
	extras, known := w.reached[p]
	grown := slices.Clone(extras)
	for _, e := range dep.extras {
		if !slices.Contains(grown, e) {
			grown = append(grown, e)
		}
	}
	if !known || len(grown) > len(extras) {
		w.reached[p] = grown
		w.queue = append(w.queue, p)
	}
}

// leftOut tells whether Poetry kept a package out of locks: until 1.2 it took these for part of every environment.
func (w *poetryWalk) leftOut(name string) bool {
	return w.version.Release()[0] < 2 && slices.Contains([]string{"setuptools", "pip", "wheel", "distribute"}, name)
}

// find is the package that a dependency leads to: the only one of its name, or the one that was chosen.
func (w *poetryWalk) find(dep *poetryDependency) *poetryPackage {
	switch all := w.byName[dep.name]; len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	if p := w.choice[dep.name]; p != nil {
		return p
	}
	w.choice[dep.name] = w.best(dep.name)
	return w.choice[dep.name]
}

// choose chooses the versions again, with all dependencies known that lead to them.
func (w *poetryWalk) choose() {
	for name := range w.choice {
		w.choice[name] = w.best(name)
	}
}

// best is the version of a package that most of its dependents take, of several the newest.
func (w *poetryWalk) best(name string) *poetryPackage {
	return slices.MaxFunc(w.byName[name], func(a, b *poetryPackage) int {
		return cmp.Or(-cmp.Compare(w.refusals(a), w.refusals(b)), a.release.Compare(b.release))
	})
}

// refusals counts the dependencies that do not take a package.
func (w *poetryWalk) refusals(p *poetryPackage) int {
	count := 0
	if ok, _ := w.admits(p.python.Value); !ok {
		count = len(w.asked[p.name]) + 1
	}
	for _, dep := range w.asked[p.name] {
		if !dep.comesFrom(p.source) || !dep.allows(p.release) {
			count++
		}
	}
	return count
}

// check reports packages that do not fit: a version that not all who need it take, or that is for another Python.
func (w *poetryWalk) check() {
	for _, p := range w.packages {
		if _, ok := w.reached[p]; !ok {
			continue
		}
		if ok, readable := w.admits(p.python.Value); readable && !ok {
			w.errs = append(w.errs, &pyfile.Error{File: w.doc.name, Range: p.python.Range, Hint: w.hint,
				Msg: fmt.Sprintf("%s is for Python %s, the image has Python %s", p, p.python.Value, w.request.Target.Python)})
		} else if w.choice[p.name] != nil && w.refusals(p) > 0 {
			w.errorAt(p.at, w.hint, "none of the %d versions of %s in the lock is one that all who need it take", len(w.byName[p.name]), p.name)
		}
	}
}

// named are the packages that the extras asked for name, and what these need. Poetry goes by name here: it follows all
// dependencies that hold, whoever asked for the extras that they belong to.
func (w *poetryWalk) named(all map[*poetryPackage][]string) map[*poetryPackage]bool {
	byName := map[string]*poetryPackage{}
	for p := range all {
		byName[p.name] = p
	}
	var queue []string
	for _, x := range w.tool.extras {
		if slices.Contains(w.poetrySelection.extras, x.name) {
			for _, n := range x.needs {
				queue = append(queue, n.name)
			}
		}
	}
	out := map[*poetryPackage]bool{}
	for len(queue) > 0 {
		p := byName[queue[0]]
		queue = queue[1:]
		if p == nil || out[p] {
			continue
		}
		out[p] = true
		w.needs(p, func(dep *poetryDependency) { queue = append(queue, dep.name) })
	}
	return out
}
