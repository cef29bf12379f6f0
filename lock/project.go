package lock

import (
	"errors"
	"fmt"
	"slices"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// Project is the part of a pyproject.toml that pyfile uses. Values stand as the user wrote them, with their place in that file;
// what is not set has the zero Range. Nothing is filled in for fields that the project calls dynamic. Of a project without
// [project] name, version, description, license, URLs, scripts and Python come from [tool.poetry].
type Project struct {
	File       string        // path of the pyproject.toml, as errors name it
	Name       pyfile.String // as written
	Normalized string        // Name by PEP 503
	Version    pyfile.String
	Dynamic    pyfile.List

	Description    pyfile.String
	License        pyfile.String // SPDX expression, or the text of license = {text = ...}
	URLs           []pyfile.Pair // in file order
	RequiresPython pyfile.String // specifiers (PEP 440); Poetry's syntax is translated
	Scripts        []pyfile.Pair // [project.scripts], in file order
	GUIScripts     []pyfile.Pair // [project.gui-scripts], in file order

	Dependencies         []pyfile.String // PEP 508 requirements
	OptionalDependencies []Group         // extras, in file order
	DependencyGroups     []Group         // PEP 735 groups in file order, with what they include put in

	BuildRequires pyfile.List   // [build-system] requires
	BuildBackend  pyfile.String // [build-system] build-backend; unset means PEP 517's default, setuptools
	BackendPath   pyfile.List   // [build-system] backend-path
	// BuildConstraints are the requirements of [tool.uv] build-constraint-dependencies, which limit build requirements.
	BuildConstraints []pyfile.String

	HasExtModules bool  // [tool.setuptools] ext-modules: building the wheel runs a compiler
	Package       *bool // [tool.uv] package or [tool.poetry] package-mode, nil when neither is set
	// PoetryOnly tells that the dependencies stand in [tool.poetry], where no tool but Poetry finds them: Dependencies and
	// OptionalDependencies are empty for that reason.
	PoetryOnly bool

	buildSystem bool
	doc         *document // for what one lock format alone wants to know
	// uvDev are the requirements of [tool.uv] dev-dependencies, which uv adds to the group dev.
	uvDev []pyfile.String
	// uvGroupPython tells that [tool.uv.dependency-groups] narrows requires-python.
	uvGroupPython bool
}

// Group is a named list of requirements: an extra of the project or a PEP 735 dependency group.
type Group struct {
	Name         pyfile.String // as written
	Requirements []pyfile.String
}

// HasBuildSystem tells whether the project has a [build-system] table, so that a wheel can be built from it (PEP 518).
func (p *Project) HasBuildSystem() bool { return p != nil && p.buildSystem }

// ParseProject reads a pyproject.toml. A problem is a pyfile.Errors with File = name; the project then holds what could be read.
func ParseProject(name string, data []byte) (*Project, error) {
	doc, errs := parse(name, data)
	d := &decoder{doc: doc, errs: errs}
	p := &Project{File: name, doc: doc}
	if t := d.table(doc.root, "project", "project"); t != nil {
		d.metadata(p, t)
	}
	p.DependencyGroups = d.dependencyGroups()
	if t := d.table(doc.root, "build-system", "build-system"); t != nil {
		p.buildSystem = true
		p.BuildRequires = d.list(t, "requires", "build-system.requires")
		p.BuildBackend = d.str(t, "build-backend", "build-system.build-backend")
		p.BackendPath = d.list(t, "backend-path", "build-system.backend-path")
		if t.get("requires") == nil {
			d.errs = append(d.errs, doc.errorAt(t.at, "build-system.requires is missing", `write requires = ["hatchling"] with the packages that build this project (PEP 518)`))
		}
	}
	if t := d.table(doc.root, "tool", "tool"); t != nil {
		d.tools(p, t)
	}
	return p, d.errs.Err()
}

// DynamicDependencies tells that the dependencies are known only once the project is built, or that there is no [project] at all.
func (p *Project) DynamicDependencies() bool {
	dynamic := p.Dynamic.Values()
	return slices.Contains(dynamic, "dependencies") || slices.Contains(dynamic, "optional-dependencies")
}

// LockedBy names the tool that alone can lock the project, because it says what it needs in a table of that tool: "uv" or "poetry",
// with the place of the table. It is empty for projects that any resolver understands.
func (p *Project) LockedBy() (tool string, at pyfile.Range) {
	tools := p.doc.root.get("tool")
	if uv := tools.get("uv"); uv != nil {
		for _, key := range []string{"sources", "workspace", "index", "override-dependencies", "constraint-dependencies"} {
			if n := uv.get(key); n != nil {
				return "uv", p.doc.span(n.at)
			}
		}
	}
	if p.PoetryOnly {
		poetry := tools.get("poetry")
		if n := poetry.get("dependencies"); n != nil {
			return "poetry", p.doc.span(n.at)
		}
		return "poetry", p.doc.span(poetry.at)
	}
	return "", pyfile.Range{}
}

// metadata reads [project] (PEP 621).
func (d *decoder) metadata(p *Project, t *node) {
	p.Name = d.str(t, "name", "project.name")
	if p.Name.Set() && !python.ValidName(p.Name.Value) {
		d.errorf(t.get("name").at, "project.name must be letters, digits, \".\", \"-\" and \"_\", not %q", p.Name.Value)
	}
	p.Normalized = python.NormalizeName(p.Name.Value)
	p.Version = d.str(t, "version", "project.version")
	p.Dynamic = d.list(t, "dynamic", "project.dynamic")
	p.Description = d.str(t, "description", "project.description")
	if l := t.get("license"); l != nil && l.kind == tableNode {
		p.License = d.str(l, "text", "project.license.text")
	} else {
		p.License = d.str(t, "license", "project.license")
	}
	p.URLs = d.pairs(t, "urls", "project.urls")
	p.RequiresPython = d.str(t, "requires-python", "project.requires-python")
	if p.RequiresPython.Set() {
		if _, err := python.ParseSpecifiers(p.RequiresPython.Value); err != nil {
			d.errs = append(d.errs, d.doc.errorAt(t.get("requires-python").at,
				fmt.Sprintf("project.requires-python must be versions such as \">=3.12\", not %q", p.RequiresPython.Value), ""))
		}
	}
	p.Scripts = d.pairs(t, "scripts", "project.scripts")
	p.GUIScripts = d.pairs(t, "gui-scripts", "project.gui-scripts")
	p.Dependencies = d.list(t, "dependencies", "project.dependencies").Items
	if extras := d.table(t, "optional-dependencies", "project.optional-dependencies"); extras != nil {
		for _, e := range extras.entries {
			p.OptionalDependencies = append(p.OptionalDependencies, Group{
				Name:         pyfile.String{Value: e.name, Range: d.doc.span(e.at)},
				Requirements: d.list(extras, e.name, "project.optional-dependencies."+e.name).Items,
			})
		}
	}
}

// tools reads the few settings of build backends and uv that change what pyfile does.
func (d *decoder) tools(p *Project, t *node) {
	if s := d.table(t, "setuptools", "tool.setuptools"); s != nil {
		p.HasExtModules = s.get("ext-modules") != nil
	}
	d.poetryTool(p, t)
	uv := d.table(t, "uv", "tool.uv")
	if uv == nil {
		return
	}
	if n := d.typed(uv, "package", "tool.uv.package", boolNode); n != nil {
		v := n.text == "true"
		p.Package = &v
	}
	p.BuildConstraints = d.buildConstraints(uv)
	p.uvDev = d.list(uv, "dev-dependencies", "tool.uv.dev-dependencies").Items
	if groups := d.table(uv, "dependency-groups", "tool.uv.dependency-groups"); groups != nil {
		for _, e := range groups.entries {
			p.uvGroupPython = p.uvGroupPython || e.value.get("requires-python") != nil
		}
	}
}

// errIncludes stops the reading of a group that cannot be read; the problem is in the decoder's list.
var errIncludes = errors.New("group includes cannot be read")

// dependencyGroups reads [dependency-groups] (PEP 735) and puts in what the groups include.
func (d *decoder) dependencyGroups() []Group {
	t := d.table(d.doc.root, "dependency-groups", "dependency-groups")
	if t == nil {
		return nil
	}
	r := &groupReader{decoder: d, byName: map[string]*entry{}, done: map[string][]pyfile.String{}}
	var names []string
	for i := range t.entries {
		e := &t.entries[i]
		name := python.NormalizeName(e.name)
		if first := r.byName[name]; first != nil {
			d.errs = append(d.errs, d.doc.errorAt(e.at, fmt.Sprintf("dependency-groups.%s is set twice", e.name),
				fmt.Sprintf("first set on line %d, as %q; names that differ in case, \"-\" and \"_\" are one (PEP 735)", d.doc.pos(first.at.start).Line, first.name)))
			continue
		}
		r.byName[name] = e
		names = append(names, name)
	}
	groups := make([]Group, 0, len(names))
	for _, name := range names {
		e := r.byName[name]
		reqs, err := r.read(name)
		if err != nil {
			reqs = nil
		}
		groups = append(groups, Group{Name: pyfile.String{Value: e.name, Range: d.doc.span(e.at)}, Requirements: reqs})
	}
	return groups
}

// groupReader resolves include-group.
type groupReader struct {
	*decoder
	byName map[string]*entry
	done   map[string][]pyfile.String
	open   []string // groups being read, to find cycles
	broken map[string]bool
}

// read returns the requirements of a group. A problem is reported once, in the group where it stands.
func (r *groupReader) read(name string) ([]pyfile.String, error) {
	if reqs, ok := r.done[name]; ok {
		return reqs, nil
	}
	if r.broken[name] {
		return nil, errIncludes
	}
	e := r.byName[name]
	r.open = append(r.open, name)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	var reqs []pyfile.String
	var failed bool
	if e.value.kind != listNode {
		r.mismatch(e.value, "dependency-groups."+e.name, listNode)
		failed = true
	} else {
		for _, item := range e.value.items {
			got, err := r.item(e.name, item)
			failed = failed || err != nil
			reqs = append(reqs, got...)
		}
	}
	if failed {
		if r.broken == nil {
			r.broken = map[string]bool{}
		}
		r.broken[name] = true
		return nil, errIncludes
	}
	r.done[name] = reqs
	return reqs, nil
}

func (r *groupReader) item(group string, item *node) ([]pyfile.String, error) {
	if item.kind == stringNode {
		return []pyfile.String{r.located(item)}, nil
	}
	include := item.get("include-group")
	if item.kind != tableNode || len(item.entries) != 1 || include == nil || include.kind != stringNode {
		r.errorf(item.at, "dependency-groups.%s: every item must be a requirement such as \"pytest>=8\" or {include-group = \"name\"}", group)
		return nil, errIncludes
	}
	name := python.NormalizeName(include.text)
	if r.byName[name] == nil {
		e := r.doc.errorAt(include.at, fmt.Sprintf("dependency-groups.%s includes the group %q, which does not exist", group, include.text), "")
		e.Hint = nearest(name, r.groupNames(), "groups are %s")
		r.errs = append(r.errs, e)
		return nil, errIncludes
	}
	for i, open := range r.open {
		if open == name {
			r.errorf(include.at, "dependency-groups: %s include each other in a circle", listing(append(r.open[i:len(r.open):len(r.open)], name), " -> "))
			return nil, errIncludes
		}
	}
	return r.read(name)
}

func (r *groupReader) groupNames() []string {
	var out []string
	for _, e := range r.doc.root.get("dependency-groups").entries {
		if name := python.NormalizeName(e.name); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
