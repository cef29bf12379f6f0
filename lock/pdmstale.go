package lock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// stale compares what pyproject.toml asks for with what it asked for when the lock was made, as "pdm lock --check" does: by the hash of
// its dependency tables or, in newer locks on request, by a list of them. The rest only finds words for the difference.
func (s *pdmSelection) stale() {
	p := s.settings.project
	if p == nil || p.doc.root.get("project") == nil || s.member() {
		return
	}
	if p.RequiresPython.Set() && !admits(p.RequiresPython.Value, s.request.Target.Python) {
		s.errs = append(s.errs, pythonFits(s.request.Target, p.RequiresPython, p.File))
		return
	}
	t := &pdmStaleness{pdmSelection: s, project: p}
	if s.inputs != nil {
		t.compareInputs()
		t.name()
		return
	}
	switch t.hashMatches() {
	case matches:
		return
	case unknown:
		t.name()
		return
	}
	t.name()
	t.pythons()
	t.leftovers()
	if !t.found {
		t.report(t.tables(), "the dependencies, groups, extras, requires-python or [tool.pdm] settings of pyproject.toml have changed since it was made")
	}
}

type pdmStaleness struct {
	*pdmSelection
	project *Project
	found   bool // something was reported
}

func (t *pdmStaleness) report(at pyfile.Range, format string, args ...any) {
	t.found = true
	e := pyfile.Error{File: t.project.File, Range: at, Msg: "pdm.lock is out of date: " + fmt.Sprintf(format, args...), Hint: t.hint}
	if !slices.ContainsFunc(t.errs, func(other *pyfile.Error) bool { return other.Msg == e.Msg && other.Range == e.Range }) {
		t.errs = append(t.errs, &e)
	}
}

// tables is where a difference is reported that has no place of its own.
func (t *pdmStaleness) tables() pyfile.Range {
	at := t.project.doc.root.get("project").line("dependencies")
	return t.project.doc.span(at)
}

// verdict is what a comparison of hashes comes to.
type verdict uint8

const (
	unknown verdict = iota // nothing can be said
	matches
	differs
)

// hashMatches compares content_hash. It cannot tell for a workspace, where the hash covers the members' files, and for what pdm itself
// does not hash the same way each time: a group both of PEP 735 and of pdm.
func (t *pdmStaleness) hashMatches() verdict {
	want, ok := strings.CutPrefix(t.contentHash, "sha256:")
	if !ok || t.settings.workspace {
		return unknown
	}
	root := t.project.doc.root
	project, pdm := root.get("project"), t.settings.table
	resolution := pdm.get("resolution")
	dev, certain := mergedGroups(root.get("dependency-groups"), pdm.get("dev-dependencies"))
	variants := [][2]*node{ // by what stands for the groups, and for the overrides in releases before 2.13
		{dev, nil}, {pdm.get("dev-dependencies"), nil},
		{pdm.get("dev-dependencies"), resolution.get("overrides")}, {pdm.get("dev-dependencies"), pdm.get("overrides")},
	}
	for i, v := range variants {
		j := &pythonJSON{}
		j.key("dependencies").orElse(project.get("dependencies"), "[]")
		j.key("dev-dependencies").orElse(v[0], "{}")
		j.key("optional-dependencies").orElse(project.get("optional-dependencies"), "{}")
		if i >= 2 {
			j.key("overrides").orElse(v[1], "{}")
		}
		j.key("requires-python").orElse(project.get("requires-python"), `""`)
		if i < 2 {
			j.key("resolution").orElse(resolution, "{}")
		}
		j.key("sources").orElse(pdm.get("source"), "[]")
		if hexSHA256(j.String()) == want {
			return matches
		}
		certain = certain && !j.unknown
	}
	if !certain {
		return unknown
	}
	return differs
}

// mergedGroups are the groups of PEP 735 and of pdm, by their normalised names. They are not certain when a name is in both.
func mergedGroups(standard, own *node) (groups *node, certain bool) {
	groups, certain = &node{kind: tableNode}, true
	for _, t := range []*node{standard, own} {
		if t == nil {
			continue
		}
		for _, e := range t.entries {
			name := python.NormalizeName(e.name)
			if groups.get(name) != nil {
				certain = false
				continue
			}
			groups.add(name, e.at, e.value)
		}
	}
	return groups, certain
}

// name looks for requirements that the lock has no package for, or none that they admit.
func (t *pdmStaleness) name() {
	groups := t.groups
	if len(groups) == 0 {
		groups = t.wanted
	}
	byName := map[string][]*pdmPackage{}
	for _, p := range t.packages {
		byName[p.name] = append(byName[p.name], p)
	}
	seen := map[pyfile.Range]bool{}
	for _, g := range groups {
		reqs, _ := t.settings.requirements(g)
		for _, r := range reqs {
			name := t.nameOf(r.pdmRequirement)
			if seen[r.text.Range] || t.settings.excludes[name] || name == "" && r.path == "" || !t.applies(r.marker) {
				continue
			}
			seen[r.text.Range] = true
			t.compare(r, g, byName[name])
		}
	}
}

// compare checks a requirement of a group against the packages of its name.
func (t *pdmStaleness) compare(r asked, group string, held []*pdmPackage) {
	var live []*pdmPackage
	extras := false // an entry with the extras that are asked for
	for _, p := range held {
		if p.in([]string{group}) && t.active(p) {
			live = append(live, p)
			extras = extras || slices.Equal(p.extras, r.extras)
		}
	}
	if len(live) == 0 || !extras && !t.settings.overrides[live[0].name] {
		t.report(r.text.Range, "pyproject.toml asks for %q%s, which the lock does not know", r.text.Value, t.place(group))
		return
	}
	meets := func(p *pdmPackage) bool { return t.meets(p, r.pdmRequirement) }
	if slices.ContainsFunc(live, meets) {
		return // without inherit_metadata, any of several may be meant
	}
	from := ""
	if r.direct {
		from = " of an index"
	}
	t.report(r.text.Range, "pyproject.toml asks for %q%s, the lock holds %s%s", r.text.Value, t.place(group), live[0], from)
}

// place completes a message with where a requirement stands.
func (t *pdmStaleness) place(group string) string {
	switch {
	case group == defaultGroup:
		return ""
	case slices.Contains(t.settings.extraNames(), group):
		return requirementKey{extra: group}.place()
	}
	return requirementKey{group: group}.place()
}

// pythons compares requires-python with that of a lock for a single, unrestricted target.
func (t *pdmStaleness) pythons() {
	if t.found || len(t.targets) != 1 || t.targets[0].platform != "" || t.targets[0].implementation != "" {
		return
	}
	now, then := t.project.RequiresPython, t.targets[0].requiresPython.Value
	if pythonsDiffer(now.Value, then) {
		at := now.Range
		if !now.Set() {
			at = t.tables()
		}
		t.report(at, "pyproject.toml has requires-python = %q, the lock was made for %q", now.Value, then)
	}
}

// pythonsDiffer compares two requires-python, which may be written differently, by the releases of Python that they admit.
func pythonsDiffer(a, b string) bool {
	for minor := range 40 {
		for patch := range 31 {
			if v, err := python.ParseVersion(fmt.Sprintf("3.%d.%d", minor, patch)); err == nil && admits(a, v) != admits(b, v) {
				return true
			}
		}
	}
	return false
}

// leftovers finds packages that nothing asks for any more.
func (t *pdmStaleness) leftovers() {
	needed := map[string]bool{}
	for _, g := range slices.Concat([]string{defaultGroup}, t.settings.extraNames(), t.settings.groupNames()) {
		reqs, unread := t.settings.requirements(g)
		if unread > 0 || t.settings.workspace {
			return
		}
		for _, r := range reqs {
			needed[t.nameOf(r.pdmRequirement)] = true
		}
	}
	for _, p := range t.packages {
		for _, line := range p.deps {
			r, err := parsePDMRequirement(line.text)
			if err != nil {
				return
			}
			if name := t.nameOf(r); name != p.name { // an entry with extras needs the one without
				needed[name] = true
			}
		}
	}
	var gone []string
	for _, p := range t.packages {
		if !needed[p.name] && !slices.Contains(gone, p.name) {
			gone = append(gone, p.name)
		}
	}
	slices.Sort(gone)
	for _, name := range gone {
		t.report(t.tables(), "the lock holds %q, which pyproject.toml does not ask for", name)
	}
}
