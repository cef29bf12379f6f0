package lock

import (
	"slices"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// poetryProject is what Poetry reads of a pyproject.toml about dependencies: [tool.poetry], and since Poetry 2 [project] and
// [dependency-groups].
type poetryProject struct {
	project *Project
	doc     *document
	main    []poetryDependency
	groups  []poetryGroup // main is not among them
	extras  []poetryExtra
	python  pyfile.String // constraint in Poetry's syntax
	errs    pyfile.Errors
}

// poetryGroup is a dependency group of the project.
type poetryGroup struct {
	name     string // normalised
	at       span
	deps     []poetryDependency // with those of included groups
	includes []string
}

// poetryTable is [tool.poetry], or nil.
func poetryTable(doc *document) *node { return doc.root.get("tool").get("poetry") }

// readPoetryProject reads the dependencies. Problems are in errs.
func readPoetryProject(p *Project) *poetryProject {
	return readPoetryTables(p, p.doc.root.get("project"), p.doc.root.get("dependency-groups"))
}

func readPoetryTables(p *Project, project, pep735 *node) *poetryProject {
	out := &poetryProject{project: p, doc: p.doc}
	d := &decoder{doc: p.doc}
	tool := poetryTable(p.doc)
	own := d.table(tool, "dependencies", "tool.poetry.dependencies")
	out.readMain(d, project, tool, own)
	out.python = d.str(project, "requires-python", "project.requires-python")
	if n := own.get("python"); n != nil && n.kind == stringNode {
		out.python = d.located(n)
	}
	out.readGroups(d, tool, pep735)
	out.errs = d.errs
	return out
}

// readMain reads the project's dependencies and extras. Where [project] has dependencies, [tool.poetry.dependencies] only says more
// about some of them, such as another source.
func (p *poetryProject) readMain(d *decoder, project, tool, own *node) {
	var standard []poetryDependency
	for _, n := range d.each(project, "dependencies", "project.dependencies", stringNode) {
		standard = p.requirement(d, standard, n, "")
	}
	extras := d.table(project, "optional-dependencies", "project.optional-dependencies")
	if extras != nil {
		for _, e := range extras.entries {
			x := poetryExtra{name: python.NormalizeName(e.name)}
			from := len(standard)
			for _, n := range d.each(extras, e.name, "project.optional-dependencies."+e.name, stringNode) {
				standard = p.requirement(d, standard, n, x.name)
			}
			for _, dep := range standard[from:] {
				x.needs = append(x.needs, poetryNeed{name: dep.name})
			}
			p.extras = append(p.extras, x)
		}
	}
	poetry := slices.DeleteFunc(d.poetryDependencies(own, "tool.poetry.dependencies"), isPython)
	if len(standard) == 0 && extras == nil || project.get("dependencies") == nil && extras == nil {
		p.extras = d.poetryExtras(tool, "extras", "tool.poetry.extras")
		for i := range poetry {
			for _, x := range p.extras {
				if slices.ContainsFunc(x.needs, func(n poetryNeed) bool { return n.name == poetry[i].name }) {
					poetry[i].inExtras = append(poetry[i].inExtras, x.name)
				}
			}
		}
	}
	dynamic := d.list(project, "dynamic", "project.dynamic").Values()
	mixed := slices.Contains(dynamic, "dependencies") || slices.Contains(dynamic, "optional-dependencies")
	p.main = enriched(standard, poetry, mixed)
}

// isPython tells whether a "dependency" is the interpreter, which Poetry lists among them.
func isPython(dep poetryDependency) bool { return dep.name == "python" }

// requirement adds a requirement of PEP 508. One that cannot be read is reported.
func (p *poetryProject) requirement(d *decoder, to []poetryDependency, n *node, extra string) []poetryDependency {
	r, err := python.ParseRequirement(n.text)
	if err != nil {
		d.errorf(n.at, "%q cannot be read: %v", n.text, err)
		return to
	}
	dep := poetryDependency{name: python.NormalizeName(r.Name), at: n.at, constraints: []string{r.Specifiers.String()}}
	for _, e := range r.Extras {
		dep.extras = append(dep.extras, python.NormalizeName(e))
	}
	if r.URL != "" {
		dep.direct = directKind(r.URL)
	}
	if !r.Marker.IsZero() {
		dep.markers = []string{r.Marker.String()}
	}
	if extra != "" {
		dep.optional, dep.inExtras = true, []string{extra}
	}
	return append(to, dep)
}

// enriched are the dependencies of one group: those of the standard tables, and what [tool.poetry] says beside them. Where there are no
// standard ones, or where they are half dynamic, [tool.poetry] has its own.
func enriched(standard, poetry []poetryDependency, mixed bool) []poetryDependency {
	if len(standard) == 0 {
		return poetry
	}
	optional := func(dep poetryDependency) bool { return dep.optional }
	required := func(dep poetryDependency) bool { return !dep.optional }
	all := slices.Clone(standard)
	if mixed {
		switch {
		case !slices.ContainsFunc(standard, required):
			all = append(all, slices.DeleteFunc(slices.Clone(poetry), optional)...)
		case !slices.ContainsFunc(standard, optional):
			all = append(all, slices.DeleteFunc(slices.Clone(poetry), required)...)
		}
	}
	var out []poetryDependency
	for i, dep := range all {
		found := false
		for _, more := range poetry {
			if i >= len(standard) || more.name != dep.name {
				continue
			}
			found = true
			both := more
			both.at, both.extras, both.optional, both.inExtras = dep.at, dep.extras, dep.optional, dep.inExtras
			both.constraints = slices.Concat(dep.constraints, more.constraints)
			both.markers = slices.Concat(dep.markers, more.markers)
			if dep.direct != "" {
				both.direct = dep.direct
			}
			out = append(out, both)
		}
		if !found {
			out = append(out, dep)
		}
	}
	return out
}

// readGroups reads [dependency-groups], [tool.poetry.group] and the older [tool.poetry.dev-dependencies], and puts in what groups
// include.
func (p *poetryProject) readGroups(d *decoder, tool, pep735 *node) {
	standard, poetry := map[string][]poetryDependency{}, map[string][]poetryDependency{}
	add := func(name string, at span) *poetryGroup {
		name = python.NormalizeName(name)
		i := slices.IndexFunc(p.groups, func(g poetryGroup) bool { return g.name == name })
		if i < 0 {
			i = len(p.groups)
			p.groups = append(p.groups, poetryGroup{name: name, at: at})
		}
		return &p.groups[i]
	}
	if pep735 != nil {
		for _, e := range pep735.entries {
			g := add(e.name, e.at)
			for _, item := range e.value.items {
				switch include := item.get("include-group"); {
				case item.kind == stringNode:
					standard[g.name] = p.requirement(d, standard[g.name], item, "")
				case include != nil && include.kind == stringNode:
					g.includes = append(g.includes, python.NormalizeName(include.text))
				}
			}
		}
	}
	if groups := d.table(tool, "group", "tool.poetry.group"); groups != nil {
		for _, e := range groups.entries {
			what := "tool.poetry.group." + e.name
			t := d.table(groups, e.name, what)
			g := add(e.name, e.at)
			poetry[g.name] = append(poetry[g.name], d.poetryDependencies(d.table(t, "dependencies", what+".dependencies"), what+".dependencies")...)
			for _, n := range d.each(t, "include-groups", what+".include-groups", stringNode) {
				g.includes = append(g.includes, python.NormalizeName(n.text))
			}
		}
	}
	if dev := d.table(tool, "dev-dependencies", "tool.poetry.dev-dependencies"); dev != nil {
		g := add("dev", dev.at)
		poetry[g.name] = append(poetry[g.name], d.poetryDependencies(dev, "tool.poetry.dev-dependencies")...)
	}
	for i := range p.groups {
		g := &p.groups[i]
		g.deps = enriched(standard[g.name], slices.DeleteFunc(poetry[g.name], isPython), false)
	}
	p.include()
}

// include adds to every group the dependencies of the groups that it includes, however deep.
func (p *poetryProject) include() {
	byName := map[string]*poetryGroup{}
	own := map[string][]poetryDependency{}
	for i := range p.groups {
		byName[p.groups[i].name], own[p.groups[i].name] = &p.groups[i], p.groups[i].deps
	}
	for i := range p.groups {
		g := &p.groups[i]
		seen := map[string]bool{g.name: true}
		queue := slices.Clone(g.includes)
		for len(queue) > 0 {
			name := queue[0]
			queue = queue[1:]
			if seen[name] || byName[name] == nil {
				continue
			}
			seen[name] = true
			g.deps = append(g.deps[:len(g.deps):len(g.deps)], own[name]...)
			queue = append(queue, byName[name].includes...)
		}
	}
}

// group returns the dependencies of a group.
func (p *poetryProject) group(name string) []poetryDependency {
	if name == poetryMain {
		return p.main
	}
	for _, g := range p.groups {
		if g.name == name {
			return g.deps
		}
	}
	return nil
}
