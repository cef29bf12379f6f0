package lock

import (
	"fmt"
	"slices"
)

// With [tool.uv] conflicts a lock may hold several versions of a package, of which the extras and groups in use choose one. The
// markers on its edges then speak of pseudo-extras, such as extra == 'extra-3-app-cpu'. Which extras are in use is known
// only after a walk, since every edge may ask for some; so there are two walks, the first of which only collects extras.
//
// In the first walk a package counts as reached only while some whole path to it holds: uv simplifies markers under the condition
// that the path to them holds. Whether a path holds depends on extras that are not known yet, so it is kept as a truth table
// over them.

// maxOpen is the number of extras that may be open at once: a truth table has 2^maxOpen bits.
const maxOpen = 10

// table is a truth table: bit i tells whether the condition holds when exactly the open extras of i's bits are in use.
type table []uint64

func (t table) and(u table) table {
	out := make(table, len(t))
	for i := range t {
		out[i] = t[i] & u[i]
	}
	return out
}

func (t table) or(u table) table {
	out := make(table, len(t))
	for i := range t {
		out[i] = t[i] | u[i]
	}
	return out
}

func (t table) at(i int) bool { return t[i/64]&(1<<(i%64)) != 0 }

// activation is the first walk.
type activation struct {
	*uvWalk
	base   []string // what is activated before the walk: it counts always
	open   []string // pseudo-extras that an edge may activate and that a marker speaks of
	tables map[string]table
	reach  map[visit]table
	todo   []visit
}

// activate adds to w.activated every extra that a dependency of the roots asks for.
func (w *uvWalk) activate() {
	a := &activation{uvWalk: w, base: slices.Clone(w.activated), tables: map[string]table{}, reach: map[visit]table{}}
	if !a.findOpen() {
		return
	}
	for _, p := range w.entries {
		a.add(p.visit, a.table(p.marker))
	}
	for len(a.todo) > 0 {
		v := a.todo[0]
		a.todo = a.todo[1:]
		from := a.reach[v]
		deps := v.dependencies()
		for i := range deps {
			e := &deps[i]
			path := from.and(a.table(e.marker))
			activated := w.withExtras(e)
			if !path.at(a.assignment(activated)) {
				continue
			}
			w.activated = activated
			a.add(visit{e.to, ""}, path)
			for _, extra := range e.extras {
				a.add(visit{e.to, extra}, path)
			}
		}
	}
}

// add notes one more path to a visit, and visits it if the path is news.
func (a *activation) add(v visit, path table) {
	before, known := a.reach[v]
	if known {
		path = before.or(path)
		if slices.Equal(path, before) {
			return
		}
	}
	a.reach[v] = path
	a.todo = append(a.todo, v)
}

// findOpen finds the pseudo-extras that markers speak of and that edges may activate. All others are decided already.
func (a *activation) findOpen() bool {
	named := map[string]bool{}
	asked := map[string]bool{}
	a.eachEdge(func(e *edge) {
		if e.marker.text != "" && !named[e.marker.text] {
			named[e.marker.text] = true
			a.holds(e.marker, nil) // parses it
			for _, name := range a.parsed[e.marker.text].Extras() {
				asked[name] = true
			}
		}
	})
	a.eachEdge(func(e *edge) {
		for _, extra := range e.extras {
			name := conflictItem{pkg: e.to.name, extra: extra}.encode()
			if asked[name] && !slices.Contains(a.activated, name) && !slices.Contains(a.open, name) {
				a.open = append(a.open, name)
			}
		}
	})
	if len(a.open) > maxOpen {
		a.errorAt(a.conflictsAt, "ask for fewer extras of other packages, or split the project",
			"not supported yet: %d conflicting extras that dependencies ask for; pyfile follows %d", len(a.open), maxOpen)
		return false
	}
	return len(a.errs) == 0
}

func (a *activation) eachEdge(f func(*edge)) {
	for _, p := range a.packages {
		for i := range p.deps {
			f(&p.deps[i])
		}
		for _, set := range p.extras {
			for i := range set.deps {
				f(&set.deps[i])
			}
		}
	}
}

// table is the truth table of a marker.
func (a *activation) table(m marker) table {
	t, ok := a.tables[m.text]
	if !ok {
		t = a.fill(func(extras []string) bool { return a.holds(m, extras) })
		a.tables[m.text] = t
	}
	return t
}

// fill makes a truth table of a condition on what is activated.
func (a *activation) fill(holds func(extras []string) bool) table {
	size := 1 << len(a.open)
	t := make(table, (size+63)/64)
	for i := range size {
		extras := slices.Clone(a.base)
		for bit, name := range a.open {
			if i&(1<<bit) != 0 {
				extras = append(extras, name)
			}
		}
		if holds(extras) {
			t[i/64] |= 1 << (i % 64)
		}
	}
	return t
}

// assignment is the index into truth tables for what is activated.
func (a *activation) assignment(activated []string) int {
	i := 0
	for bit, name := range a.open {
		if slices.Contains(activated, name) {
			i |= 1 << bit
		}
	}
	return i
}

// checkConflicts reports what is asked for together, or what dependencies ask for together, though the project says that it
// cannot be.
func (w *uvWalk) checkConflicts() {
	for _, set := range w.conflicts {
		var asked, extras []conflictItem
		for _, item := range set {
			name := item.encode()
			if !slices.Contains(w.activated, name) {
				continue
			}
			if _, ok := w.asked[name]; ok || item.extra == "" && item.group == "" {
				asked = append(asked, item)
			}
			if item.extra != "" {
				extras = append(extras, item)
			}
		}
		used := asked
		if len(used) < 2 {
			used = extras
		}
		if len(used) < 2 {
			continue
		}
		e := w.doc.errorAt(w.conflictsAt, fmt.Sprintf("%s and %s cannot be installed together ([tool.uv] conflicts)", used[0], used[1]), "ask for one of them")
		for _, item := range used {
			if at, ok := w.asked[item.encode()]; ok {
				e.File, e.Range = "", at.Range
			}
		}
		w.errs = append(w.errs, e)
	}
}
