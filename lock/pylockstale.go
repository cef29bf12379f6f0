package lock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// relock is the hint for a lock that pyfile itself has made.
const relock = `run "docker buildx build --call=pyfile.lock -f Pyfile . > pylock.toml"`

// readRequires reads what a lock was made for. PEP 751 has no place for that; pyfile writes it into its own table, [tool.pyfile].
func (l *pylock) readRequires(d *decoder) {
	tool := d.doc.root.get("tool").get("pyfile")
	if tool == nil || tool.kind != tableNode {
		return
	}
	if list := tool.get("requires"); list != nil && list.kind == listNode {
		l.requires = d.all(list, "tool.pyfile.requires", stringNode)
		l.ours = true
	}
}

// stale compares what the project asks for, with the extras and groups that the lock is for, with what the lock was made for.
func (s *pylockSelection) stale() {
	p := s.request.Project
	if !s.ours || p == nil || !p.Name.Set() || p.DynamicDependencies() {
		return
	}
	locked, asked := map[string]bool{}, map[string]bool{}
	for _, n := range s.requires {
		locked[canonicalRequirement(n.text)] = true
	}
	requirements := slices.Clone(p.Dependencies)
	for _, g := range p.OptionalDependencies {
		if slices.Contains(s.extras, python.NormalizeName(g.Name.Value)) {
			requirements = append(requirements, g.Requirements...)
		}
	}
	for _, g := range p.DependencyGroups {
		if slices.Contains(s.groups, python.NormalizeName(g.Name.Value)) {
			requirements = append(requirements, g.Requirements...)
		}
	}
	for _, r := range requirements {
		key := canonicalRequirement(r.Value)
		if !locked[key] && !asked[key] {
			s.errs = append(s.errs, &pyfile.Error{File: p.File, Range: r.Range, Hint: relock,
				Msg: fmt.Sprintf("%s is out of date: pyproject.toml asks for %q, which the lock was not made for", s.doc.name, r.Value)})
		}
		asked[key] = true
	}
	for _, n := range s.requires {
		if !asked[canonicalRequirement(n.text)] {
			s.errs = append(s.errs, s.doc.errorAt(n.at, fmt.Sprintf("%s is out of date: it was made for %q, which pyproject.toml does not ask for", s.doc.name, n.text), relock))
		}
	}
}

// canonicalRequirement is the same for requirements that mean the same to a resolver. What cannot be read stands for itself.
func canonicalRequirement(text string) string {
	r, err := python.ParseRequirement(text)
	if err != nil {
		return text
	}
	extras := make([]string, len(r.Extras))
	for i, e := range r.Extras {
		extras[i] = python.NormalizeName(e)
	}
	slices.Sort(extras)
	return python.NormalizeName(r.Name) + "[" + strings.Join(slices.Compact(extras), ",") + "]" + canonicalSpecifier(r.Specifiers.String()) + "@" + r.URL + ";" + r.Marker.String()
}
