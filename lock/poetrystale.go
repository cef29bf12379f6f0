package lock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// stale reports a lock that Poetry would refuse because pyproject.toml changed. The content hash tells that it did, not what; so
// what is asked for is compared with what is locked, and if that tells nothing, the error says so.
func (s *poetrySelection) stale() {
	if s.tool == nil {
		return
	}
	fresh, known := s.fresh()
	if fresh || !known {
		return
	}
	before := len(s.errs)
	s.stalePython()
	s.staleDependencies()
	s.staleExtras()
	if len(s.errs) > before {
		return
	}
	if !s.contentHash.Set() {
		s.outOfDate(s.tables(), "it has no content-hash, by which Poetry tells what pyproject.toml it was made for")
		return
	}
	s.outOfDate(s.tables(), "the dependency tables of pyproject.toml changed since the lock was made")
}

func (s *poetrySelection) outOfDate(at span, format string, args ...any) {
	s.errs = append(s.errs, s.tool.doc.errorAt(at, "poetry.lock is out of date: "+fmt.Sprintf(format, args...), s.hint))
}

// tables is the place of the project's dependencies.
func (s *poetrySelection) tables() span {
	root := s.tool.doc.root
	for _, n := range []*node{root.get("project").get("dependencies"), poetryTable(s.tool.doc).get("dependencies"), root.get("project"), poetryTable(s.tool.doc)} {
		if n != nil {
			return n.at
		}
	}
	return span{}
}

// stalePython compares the versions of Python. The lock has the project's as it is written.
func (s *poetrySelection) stalePython() {
	now, then := s.tool.python, s.poetryLock.python
	if now.Set() && then.Set() && now.Value != then.Value {
		s.errs = append(s.errs, &pyfile.Error{File: s.tool.doc.name, Range: now.Range, Hint: s.hint,
			Msg: fmt.Sprintf("poetry.lock is out of date: pyproject.toml is for Python %s, the lock was made for %s", now.Value, then.Value)})
	}
}

// staleDependencies compares what is asked for with the packages of the lock.
func (s *poetrySelection) staleDependencies() {
	direct := map[string]bool{}
	reported := map[string]bool{}
	groups := []string{poetryMain}
	for _, g := range s.tool.groups {
		groups = append(groups, g.name)
	}
	for _, group := range groups {
		for i, deps := 0, s.tool.group(group); i < len(deps); i++ {
			dep := &deps[i]
			direct[dep.name] = true
			problem := s.notLocked(dep, group)
			// A group that includes another has its dependencies too.
			if key := fmt.Sprint(dep.at, problem); problem != "" && !reported[key] {
				reported[key] = true
				s.outOfDate(dep.at, "pyproject.toml asks for %q%s, %s", dep.shown(), poetryPlace(group), problem)
			}
		}
	}
	for _, p := range s.packages {
		for _, dep := range p.deps {
			direct[dep.name] = direct[dep.name] || dep.name != p.name
		}
	}
	for i, p := range s.packages {
		if !direct[p.name] && (i == 0 || s.packages[i-1].name != p.name) {
			s.outOfDate(s.tables(), "the lock has %s, which nothing asks for any more", p)
		}
	}
}

func poetryPlace(group string) string {
	if group == poetryMain {
		return ""
	}
	return fmt.Sprintf(" in the group %q", group)
}

// notLocked is what the lock lacks for a dependency. Dependencies with markers may be left out of a lock, where the project's
// versions of Python rule them out.
func (s *poetrySelection) notLocked(dep *poetryDependency, group string) string {
	locked := s.byName[dep.name]
	conditional := len(dep.markers)+len(dep.python)+len(dep.platforms) > 0
	if len(locked) == 0 {
		if conditional {
			return ""
		}
		return "which the lock does not know"
	}
	fits := func(p *poetryPackage) bool { return dep.allows(p.release) }
	if !slices.ContainsFunc(locked, fits) {
		return "the lock has " + versionsOf(locked)
	}
	if !slices.ContainsFunc(locked, func(p *poetryPackage) bool { return fits(p) && dep.direct == p.source.direct() }) {
		return "the lock has it from " + locked[0].source.describe()
	}
	inGroup := func(p *poetryPackage) bool {
		return slices.ContainsFunc(p.groups, func(g string) bool { return python.NormalizeName(g) == group })
	}
	if s.grouped() && !conditional && !slices.ContainsFunc(locked, inGroup) {
		return "the lock has it for other groups only"
	}
	return ""
}

func versionsOf(packages []*poetryPackage) string {
	var out []string
	for _, p := range packages {
		out = append(out, p.version)
	}
	return listing(out, " and ")
}

// direct is the kind of dependency that leads to the source.
func (s poetrySource) direct() string {
	switch s.kind {
	case "git", "url":
		return s.kind
	case "directory", "file":
		return "path"
	}
	return ""
}

func (s poetrySource) describe() string {
	switch s.direct() {
	case "git":
		return "git"
	case "url":
		return "a URL"
	case "path":
		return "a path"
	}
	return "an index"
}

// staleExtras compares the extras of the project.
func (s *poetrySelection) staleExtras() {
	for _, x := range s.tool.extras {
		// Poetry passes over names that are not among the dependencies.
		x.needs = slices.DeleteFunc(slices.Clone(x.needs), func(n poetryNeed) bool {
			return !slices.ContainsFunc(s.tool.main, func(dep poetryDependency) bool { return dep.name == n.name })
		})
		i := slices.IndexFunc(s.poetryLock.extras, func(o poetryExtra) bool { return o.name == x.name })
		switch {
		case i < 0:
			s.outOfDate(s.extrasTable(), "pyproject.toml has the extra %q, which the lock does not know", x.name)
		case !slices.Equal(neededNames(x), neededNames(s.poetryLock.extras[i])):
			s.outOfDate(s.extrasTable(), "the extra %q is of %s, in the lock of %s", x.name,
				orNone(neededNames(x)), orNone(neededNames(s.poetryLock.extras[i])))
		}
	}
	for _, o := range s.poetryLock.extras {
		if !slices.ContainsFunc(s.tool.extras, func(x poetryExtra) bool { return o.name == x.name }) {
			s.outOfDate(s.tables(), "the lock has the extra %q, which pyproject.toml does not have", o.name)
		}
	}
}

func neededNames(x poetryExtra) []string {
	var out []string
	for _, n := range x.needs {
		out = append(out, n.name)
	}
	slices.SortFunc(out, strings.Compare)
	return slices.Compact(out)
}

func (s *poetrySelection) extrasTable() span {
	if n := s.tool.doc.root.get("project").get("optional-dependencies"); n != nil {
		return n.at
	}
	if n := poetryTable(s.tool.doc).get("extras"); n != nil {
		return n.at
	}
	return s.tables()
}
