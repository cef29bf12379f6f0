package lock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// stale compares what pyproject.toml asks for with what it asked for when uv.lock was made. It only speaks up when it is sure: uv
// rewrites requirements (sources, workspace members, markers), so names are compared, and specifiers where
// the requirement comes from an index in both files.
func (w *uvWalk) stale() {
	p := w.request.Project
	if p == nil || len(w.roots) != 1 || !p.Name.Set() {
		return
	}
	root := w.roots[0]
	s := &staleness{uvWalk: w, project: p}
	s.python()
	meta := root.metadata
	if meta == nil {
		// uv may leave the metadata out, but a project without any dependency in the lock had no requirements, or only such
		// whose markers never hold.
		if len(root.deps)+len(root.extras)+len(root.groups) > 0 {
			return
		}
		meta, s.certain = &uvMetadata{}, true
	}
	locked := requirementSets{}
	for _, r := range meta.requires {
		locked.add(s.extraOf(r.marker), r.name, r.extras, r.specifier, r.direct)
	}
	dynamic := p.Dynamic.Values()
	if !slices.Contains(dynamic, "dependencies") {
		s.compare(requirementKey{}, p.Dependencies, locked)
	}
	if !slices.Contains(dynamic, "optional-dependencies") {
		for _, g := range p.OptionalDependencies {
			s.compare(requirementKey{extra: python.NormalizeName(g.Name.Value)}, g.Requirements, locked)
		}
	}
	for _, g := range meta.groups {
		for _, r := range g.requires {
			locked.add(requirementKey{group: g.name}, r.name, r.extras, r.specifier, r.direct)
		}
	}
	dev := false
	for _, g := range p.DependencyGroups {
		name, reqs := python.NormalizeName(g.Name.Value), g.Requirements
		if name == "dev" {
			dev = true
			reqs = append(slices.Clone(reqs), p.uvDev...)
		}
		s.compare(requirementKey{group: name}, reqs, locked)
	}
	if !dev && len(p.uvDev) > 0 {
		s.compare(requirementKey{group: "dev"}, p.uvDev, locked)
	}
	s.leftovers(locked, dynamic)
}

type staleness struct {
	*uvWalk
	project *Project
	certain bool                    // to count only requirements without a marker
	seen    map[requirementKey]bool // compared
}

// requirementKey tells where a requirement stands: in an extra, a group or, with neither, among the dependencies; and its name.
type requirementKey struct{ extra, group, name string }

func (k requirementKey) place() string {
	switch {
	case k.extra != "":
		return fmt.Sprintf(" in the extra %q", k.extra)
	case k.group != "":
		return fmt.Sprintf(" in the group %q", k.group)
	}
	return ""
}

// requirementSets holds the extras and specifiers of each requirement. direct tells that one of them comes from git, a URL or a path.
type requirementSets map[requirementKey]*requirementSet

type requirementSet struct {
	wanted  []string // "[extra]>=1.0"; several where markers differ
	shown   []string // the same as written
	direct  bool
	at      pyfile.Range
	written string
}

func (sets requirementSets) add(k requirementKey, name string, extras []string, specifier string, direct bool) *requirementSet {
	k.name = name
	set := sets[k]
	if set == nil {
		set = &requirementSet{}
		sets[k] = set
	}
	set.direct = set.direct || direct
	wanted, shown := canonicalSpecifier(specifier), specifier
	if len(extras) > 0 {
		names := make([]string, len(extras))
		for i, e := range extras {
			names[i] = python.NormalizeName(e)
		}
		slices.Sort(names)
		list := "[" + strings.Join(slices.Compact(names), ",") + "]"
		wanted, shown = list+wanted, list+shown
	}
	if !slices.Contains(set.wanted, wanted) {
		set.wanted, set.shown = append(set.wanted, wanted), append(set.shown, shown)
		slices.Sort(set.wanted)
	}
	return set
}

// canonicalSpecifier sorts the clauses and normalises the versions, as uv does when it writes them.
func canonicalSpecifier(s string) string {
	var out []string
	for _, clause := range strings.Split(s, ",") {
		clause = strings.TrimSpace(clause)
		digits := strings.TrimLeft(clause, "<>=!~")
		op := clause[:len(clause)-len(digits)]
		digits, wild := strings.CutSuffix(strings.TrimSpace(digits), ".*")
		if v, err := python.ParseVersion(digits); err == nil && op != "===" {
			digits = v.String()
		}
		if wild {
			digits += ".*"
		}
		if clause != "" {
			out = append(out, op+digits)
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ",")
}

// extraOf finds the extra that a marker of requires-dist puts the requirement into.
func (w *uvWalk) extraOf(m marker) requirementKey {
	w.holds(m, nil) // parses it
	if extras := w.parsed[m.text].Extras(); len(extras) > 0 {
		return requirementKey{extra: extras[0]}
	}
	return requirementKey{}
}

// compare checks the requirements of one place in pyproject.toml.
func (s *staleness) compare(place requirementKey, requirements []pyfile.String, locked requirementSets) {
	if s.seen == nil {
		s.seen = map[requirementKey]bool{}
	}
	asked := requirementSets{}
	var order []requirementKey
	for _, text := range requirements {
		r, err := python.ParseRequirement(text.Value)
		if err != nil {
			continue // uv will have something to say about it
		}
		if s.certain && !r.Marker.IsZero() {
			continue
		}
		name := python.NormalizeName(r.Name)
		set := asked.add(place, name, r.Extras, r.Specifiers.String(), r.URL != "")
		if set.at.IsZero() {
			set.at, set.written = text.Range, text.Value
			key := place
			key.name = name
			order = append(order, key)
		}
	}
	for _, key := range order {
		s.seen[key] = true
		set, old := asked[key], locked[key]
		switch {
		case key.name == s.project.Normalized: // uv may put in what project[extra] stands for
		case old == nil:
			s.report(set.at, "pyproject.toml asks for %q%s, which the lock does not know", set.written, key.place())
		case set.direct || old.direct || slices.Equal(set.wanted, old.wanted):
		default:
			s.report(set.at, "pyproject.toml asks for %q%s, the lock was made for %q", set.written, key.place(), key.name+strings.Join(old.shown, " or "))
		}
	}
}

// leftovers reports what the lock was made for and pyproject.toml does not ask for any more.
func (s *staleness) leftovers(locked requirementSets, dynamic []string) {
	var gone []requirementKey
	for key := range locked {
		switch {
		case s.seen[key], key.name == s.project.Normalized:
		case key.group == "" && key.extra == "" && slices.Contains(dynamic, "dependencies"):
		case key.extra != "" && slices.Contains(dynamic, "optional-dependencies"):
		case s.unread():
		default:
			gone = append(gone, key)
		}
	}
	slices.SortFunc(gone, func(a, b requirementKey) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.extra, b.extra), cmp.Compare(a.name, b.name))
	})
	for _, key := range gone {
		s.report(s.project.Name.Range, "the lock was made for %q%s, which pyproject.toml does not ask for", key.name, key.place())
	}
}

// unread tells whether a requirement of pyproject.toml cannot be read, so that nothing is known about what is missing there.
func (s *staleness) unread() bool {
	lists := [][]pyfile.String{s.project.Dependencies, s.project.uvDev}
	for _, g := range slices.Concat(s.project.OptionalDependencies, s.project.DependencyGroups) {
		lists = append(lists, g.Requirements)
	}
	for _, list := range lists {
		for _, text := range list {
			if _, err := python.ParseRequirement(text.Value); err != nil {
				return true
			}
		}
	}
	return false
}

// python compares requires-python, where the lock has that of this project alone.
func (s *staleness) python() {
	p := s.project
	if !p.RequiresPython.Set() || !s.requiresPython.Set() || len(s.members) > 1 || p.uvGroupPython {
		return
	}
	if canonicalSpecifier(p.RequiresPython.Value) == canonicalSpecifier(s.requiresPython.Value) {
		return
	}
	now, err := python.ParseSpecifiers(p.RequiresPython.Value)
	if err != nil {
		return
	}
	then, err := python.ParseSpecifiers(s.requiresPython.Value)
	if err != nil {
		return
	}
	// The two may be written differently, so they are compared by the releases of Python that they admit.
	for minor := range 40 {
		for patch := range 31 {
			v, err := python.ParseVersion(fmt.Sprintf("3.%d.%d", minor, patch))
			if err == nil && now.Contains(v, false) != then.Contains(v, false) {
				s.report(p.RequiresPython.Range, "pyproject.toml has requires-python = %q, the lock was made for %q", p.RequiresPython.Value, s.requiresPython.Value)
				return
			}
		}
	}
}

func (s *staleness) report(at pyfile.Range, format string, args ...any) {
	s.errs = append(s.errs, &pyfile.Error{File: s.project.File, Range: at, Msg: "uv.lock is out of date: " + fmt.Sprintf(format, args...), Hint: s.hint})
}
