package lock

import (
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// pdmSettings are what a pyproject.toml says to pdm, beside the standard tables.
type pdmSettings struct {
	project   *Project        // nil without a pyproject.toml
	table     *node           // [tool.pdm]
	dev       []Group         // [tool.pdm.dev-dependencies]
	excludes  map[string]bool // names that are never installed, [tool.pdm.resolution] excludes
	overrides map[string]bool // names whose requirements do not count, [tool.pdm.resolution.overrides]
	workspace bool            // [tool.pdm.workspace]: members are dependencies too
}

func readPDMSettings(p *Project, errs *pyfile.Errors) pdmSettings {
	out := pdmSettings{project: p, excludes: map[string]bool{}, overrides: map[string]bool{}}
	if p == nil {
		return out
	}
	d := &decoder{doc: p.doc}
	out.table = d.table(p.doc.root.get("tool"), "pdm", "tool.pdm")
	if groups := d.table(out.table, "dev-dependencies", "tool.pdm.dev-dependencies"); groups != nil {
		for _, e := range groups.entries {
			out.dev = append(out.dev, Group{
				Name:         pyfile.String{Value: e.name, Range: p.doc.span(e.at)},
				Requirements: d.list(groups, e.name, "tool.pdm.dev-dependencies."+e.name).Items,
			})
		}
	}
	resolution := d.table(out.table, "resolution", "tool.pdm.resolution")
	for _, n := range d.each(resolution, "excludes", "tool.pdm.resolution.excludes", stringNode) {
		out.excludes[python.NormalizeName(n.text)] = true
	}
	for _, t := range []*node{d.table(resolution, "overrides", "tool.pdm.resolution.overrides"), d.table(out.table, "overrides", "tool.pdm.overrides")} {
		if t != nil {
			for _, e := range t.entries {
				out.overrides[python.NormalizeName(e.name)] = true
			}
		}
	}
	out.workspace = out.table.get("workspace") != nil
	*errs = append(*errs, d.errs...)
	return out
}

// groupNames are the names of the dependency groups, both of PEP 735 and of pdm.
func (s *pdmSettings) groupNames() []string {
	if s.project == nil {
		return nil
	}
	return append(groupNames(s.project.DependencyGroups), groupNames(s.dev)...)
}

func (s *pdmSettings) extraNames() []string {
	if s.project == nil {
		return nil
	}
	return groupNames(s.project.OptionalDependencies)
}

func groupNames(groups []Group) []string {
	var out []string
	for _, g := range groups {
		out = append(out, python.NormalizeName(g.Name.Value))
	}
	return out
}

// asked is a requirement of pyproject.toml.
type asked struct {
	pdmRequirement
	text pyfile.String
}

// requirements are those of a group or an extra, with what it includes. An extra may include extras of its own project, as in
// "project[extra]", and a group both. A requirement that cannot be read is left out, and unread counts it.
func (s *pdmSettings) requirements(group string) (out []asked, unread int) {
	r := &pdmGroupReader{pdmSettings: s, seen: map[string]bool{}}
	r.read(group, false)
	return r.out, r.unread
}

type pdmGroupReader struct {
	*pdmSettings
	seen   map[string]bool
	out    []asked
	unread int
}

// read adds the requirements of a group. Extras are looked up before groups, as pdm does.
func (r *pdmGroupReader) read(name string, extrasOnly bool) {
	if r.seen[name] {
		return
	}
	r.seen[name] = true
	if name == defaultGroup {
		r.add(r.project.Dependencies, true)
		return
	}
	for _, g := range r.project.OptionalDependencies {
		if python.NormalizeName(g.Name.Value) == name {
			r.add(g.Requirements, true)
			return
		}
	}
	if extrasOnly {
		return
	}
	for _, list := range [][]Group{r.project.DependencyGroups, r.dev} {
		for _, g := range list {
			if python.NormalizeName(g.Name.Value) == name {
				r.add(g.Requirements, false)
			}
		}
	}
}

func (r *pdmGroupReader) add(requirements []pyfile.String, extra bool) {
	for _, text := range requirements {
		if extra && strings.HasPrefix(text.Value, "-e ") {
			continue // pdm leaves these out, with a warning
		}
		req, err := parsePDMRequirement(text.Value)
		if err != nil {
			r.unread++
			continue
		}
		if r.project.Name.Set() && req.name == r.project.Normalized {
			for _, e := range req.extras {
				r.read(e, extra)
			}
			continue
		}
		r.out = append(r.out, asked{req, text})
	}
}
