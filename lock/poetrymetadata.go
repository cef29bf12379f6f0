package lock

import (
	"fmt"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// poetryTool reads what [tool.poetry] says of the project itself. Metadata counts only where there is no [project], as for Poetry.
func (d *decoder) poetryTool(p *Project, tool *node) {
	if tool.get("poetry") == nil {
		return
	}
	project := d.doc.root.get("project")
	if project != nil && tool.get("poetry").kind != tableNode {
		return // no business of a project that does not use it
	}
	t := d.table(tool, "poetry", "tool.poetry")
	if t == nil {
		return
	}
	if n := d.typed(t, "package-mode", "tool.poetry.package-mode", boolNode); n != nil {
		v := n.text == "true"
		p.Package = &v
	}
	p.PoetryOnly = project.get("dependencies") == nil && project.get("optional-dependencies") == nil && poetryHasDependencies(t)
	if project == nil {
		d.poetryMetadata(p, t)
	}
}

// poetryHasDependencies tells whether there is a dependency in any table, not counting Python.
func poetryHasDependencies(t *node) bool {
	tables := []*node{t.get("dependencies"), t.get("dev-dependencies")}
	if groups := t.get("group"); groups != nil {
		for _, e := range groups.entries {
			tables = append(tables, e.value.get("dependencies"))
		}
	}
	for _, table := range tables {
		if table == nil {
			continue
		}
		for _, e := range table.entries {
			if python.NormalizeName(e.name) != "python" {
				return true
			}
		}
	}
	return false
}

// poetryMetadata reads the metadata of a project of Poetry 1, which has no [project].
func (d *decoder) poetryMetadata(p *Project, t *node) {
	p.Name = d.str(t, "name", "tool.poetry.name")
	if p.Name.Set() && !python.ValidName(p.Name.Value) {
		d.errorf(t.get("name").at, "tool.poetry.name must be letters, digits, \".\", \"-\" and \"_\", not %q", p.Name.Value)
	}
	p.Normalized = python.NormalizeName(p.Name.Value)
	p.Version = d.str(t, "version", "tool.poetry.version")
	p.Description = d.str(t, "description", "tool.poetry.description")
	p.License = d.str(t, "license", "tool.poetry.license")
	// The labels are those that Poetry writes into the metadata of the wheel.
	for _, u := range []struct{ key, label string }{{"homepage", "Homepage"}, {"repository", "Repository"}, {"documentation", "Documentation"}} {
		if v := d.str(t, u.key, "tool.poetry."+u.key); v.Set() {
			p.URLs = append(p.URLs, pyfile.Pair{Key: pyfile.String{Value: u.label, Range: v.Range}, Value: v})
		}
	}
	p.URLs = append(p.URLs, d.pairs(t, "urls", "tool.poetry.urls")...)
	p.Scripts = d.poetryScripts(t)
	p.RequiresPython = d.poetryPython(d.table(t, "dependencies", "tool.poetry.dependencies"))
}

// poetryScripts reads [tool.poetry.scripts]: a reference, or a table with one. Scripts that are files have no reference to a
// function, and are no entry points.
func (d *decoder) poetryScripts(t *node) []pyfile.Pair {
	table := d.table(t, "scripts", "tool.poetry.scripts")
	if table == nil {
		return nil
	}
	var out []pyfile.Pair
	for _, e := range table.entries {
		what := "tool.poetry.scripts." + e.name
		var value pyfile.String
		switch e.value.kind {
		case stringNode:
			value = d.located(e.value)
		case tableNode:
			if d.text(e.value, "type", what+".type") == "file" {
				continue
			}
			value = d.str(e.value, "reference", what+".reference")
			if !value.Set() {
				value = d.str(e.value, "callable", what+".callable") // until Poetry 2
			}
		default:
			d.errorf(e.value.at, "%s must be a string such as \"package.module:function\" or a table, not %s", what, e.value.kind)
		}
		if value.Set() {
			out = append(out, pyfile.Pair{Key: pyfile.String{Value: e.name, Range: d.doc.span(e.at)}, Value: value})
		}
	}
	return out
}

// poetryPython translates the Python among the dependencies to specifiers, where it is one list of them. A bare "3.12" is any 3.12.x, as in
// the metadata that Poetry writes.
func (d *decoder) poetryPython(dependencies *node) pyfile.String {
	n := dependencies.get("python")
	if n == nil || n.kind != stringNode {
		return pyfile.String{}
	}
	text := n.text
	if v, err := python.ParseVersion(text); err == nil {
		switch r := v.Release(); len(r) {
		case 1:
			text = fmt.Sprintf("^%d.0", r[0])
		case 2:
			text = "~" + text
		}
	}
	c, ok := parsePoetryConstraint(text)
	if !ok {
		d.errorf(n.at, "tool.poetry.dependencies.python must be versions such as \"^3.12\", not %q", n.text)
		return pyfile.String{}
	}
	spec, one := c.pep440()
	if spec == "" || !one {
		return pyfile.String{}
	}
	return pyfile.String{Value: spec, Range: d.doc.span(n.at)}
}
