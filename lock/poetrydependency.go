package lock

import (
	"slices"
	"strings"

	"github.com/org/pyfile/python"
)

// poetryDependency is a dependency in Poetry's own syntax, of a package in the lock or of the project in pyproject.toml; or a
// requirement of PEP 508 of a project, which Poetry turns into one.
type poetryDependency struct {
	name        string // normalised
	at          span
	constraints []string // all must hold; in Poetry's syntax, so "*" or "" is any version
	direct      string   // "git", "path" or "url": not from an index
	source      string   // name of the index
	optional    bool
	extras      []string // of the package that it leads to, normalised
	markers     []string // all must hold
	python      []string // constraints for the version of Python, all must hold
	platforms   []string // for sys_platform
	inExtras    []string // of the project: the extras that ask for it
}

// poetryDependencies reads a table of dependencies. The value of one is a constraint, a table, or a list of these of which
// markers choose.
func (d *decoder) poetryDependencies(t *node, what string) []poetryDependency {
	if t == nil {
		return nil
	}
	out := make([]poetryDependency, 0, len(t.entries))
	for _, e := range t.entries {
		if !python.ValidName(e.name) {
			d.errorf(e.at, "%s: %q is not the name of a package", what, e.name)
			continue
		}
		values := []*node{e.value}
		if e.value.kind == listNode {
			values = e.value.items
		}
		for _, v := range values {
			if dep, ok := d.poetryDependency(&e, v, what); ok {
				out = append(out, dep)
			}
		}
	}
	return out
}

func (d *decoder) poetryDependency(e *entry, v *node, what string) (poetryDependency, bool) {
	dep := poetryDependency{name: python.NormalizeName(e.name), at: span{e.at.start, max(e.at.end, v.at.end)}}
	switch v.kind {
	case stringNode:
		dep.constraints = []string{v.text}
		return dep, true
	case tableNode:
	default:
		what += "." + e.name
		d.errorf(v.at, "%s must be a version such as \"^1.2\", a table or a list of these, not %s", what, v.kind)
		return dep, false
	}
	what += "." + e.name + "."
	for _, field := range v.entries {
		switch field.name {
		case "version":
			d.addText(&dep.constraints, v, "version", what)
		case "markers":
			d.addText(&dep.markers, v, "markers", what)
		case "python":
			d.addText(&dep.python, v, "python", what)
		case "platform":
			d.addText(&dep.platforms, v, "platform", what)
		case "source":
			dep.source = d.text(v, "source", what+"source")
		case "optional":
			dep.optional = d.boolean(v, "optional", what+"optional")
		case "extras":
			for _, n := range d.each(v, "extras", what+"extras", stringNode) {
				dep.extras = append(dep.extras, python.NormalizeName(n.text))
			}
		}
	}
	switch {
	case v.get("git") != nil:
		dep.direct = "git"
	case v.get("path") != nil, v.get("file") != nil:
		dep.direct = "path"
	case v.get("url") != nil:
		dep.direct = "url"
	}
	return dep, true
}

// addText adds the text of a key to a list, if there is one.
func (d *decoder) addText(list *[]string, t *node, key, table string) {
	if text := d.text(t, key, table+key); text != "" {
		*list = append(*list, text)
	}
}

// comesFrom tells whether a package may be what the dependency leads to, by where it comes from. An index dependency takes a
// package of any origin, since another dependency may name that.
func (dep *poetryDependency) comesFrom(s poetrySource) bool {
	switch dep.direct {
	case "git", "url":
		return s.kind == dep.direct
	case "path":
		return s.kind == "directory" || s.kind == "file"
	}
	return dep.source == "" || s.kind != "legacy" && s.kind != "" || strings.EqualFold(s.reference, dep.source)
}

// allows tells whether a version fits all constraints. One that cannot be read is no bound.
func (dep *poetryDependency) allows(v python.Version) bool {
	if dep.direct != "" {
		return true
	}
	return !slices.ContainsFunc(dep.constraints, func(text string) bool {
		c, ok := parsePoetryConstraint(text)
		return ok && !c.allows(v)
	})
}

// shown is the dependency as a message names it.
func (dep *poetryDependency) shown() string {
	out := dep.name
	if len(dep.extras) > 0 {
		out += "[" + strings.Join(dep.extras, ",") + "]"
	}
	if c := strings.Join(dep.constraints, ","); c != "" && c != "*" {
		out += " " + c
	}
	return out
}

// directKind is what the URL of a requirement leads to.
func directKind(link string) string {
	switch {
	case strings.HasPrefix(link, "git+"):
		return "git"
	case strings.HasPrefix(link, "file:"):
		return "path"
	}
	return "url"
}

// platformAllows evaluates Poetry's old "platform": values of sys_platform with "!=" or "==" before them, joined by commas, and
// alternatives with "||".
func platformAllows(text, platform string) bool {
	if text == "*" {
		return true
	}
	for alternative := range strings.SplitSeq(strings.ReplaceAll(text, "||", "|"), "|") {
		holds := true
		for clause := range strings.SplitSeq(alternative, ",") {
			value, not := strings.CutPrefix(strings.TrimSpace(clause), "!=")
			holds = holds && (strings.TrimSpace(strings.TrimLeft(value, "=")) == platform) != not
		}
		if holds {
			return true
		}
	}
	return false
}
