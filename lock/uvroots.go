package lock

import (
	"fmt"
	"slices"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// findRoots finds the project in the lock. Without one, all members of the workspace are roots, as for uv.
func (w *uvWalk) findRoots() {
	if p := w.request.Project; p != nil && p.Name.Set() {
		for _, pkg := range w.byName[p.Normalized] {
			if pkg.source.local() {
				w.roots = append(w.roots, pkg)
			}
		}
		if len(w.roots) != 1 {
			w.roots = nil
			w.errs = append(w.errs, &pyfile.Error{File: p.File, Range: p.Name.Range,
				Msg: fmt.Sprintf("uv.lock is out of date: it does not know the project %q", p.Name.Value), Hint: w.hint})
		}
		return
	}
	if root := w.workspaceRoot(); root != nil {
		w.roots = []*uvPackage{root}
		return
	}
	for _, name := range w.members {
		for _, pkg := range w.byName[name] {
			if pkg.source.local() {
				w.roots = append(w.roots, pkg)
			}
		}
	}
	if len(w.roots) == 0 && len(w.requirements) == 0 && len(w.groups) == 0 && len(w.packages) > 0 {
		w.errs = append(w.errs, &pyfile.Error{File: w.doc.name, Range: firstLine, Msg: "uv.lock has packages but no project that needs them", Hint: w.hint})
	}
}

// workspaceRoot is the project at the root of the workspace, whose groups a member inherits.
func (w *uvWalk) workspaceRoot() *uvPackage {
	for _, pkg := range w.packages {
		if pkg.source.local() && pkg.source.value == "." {
			return pkg
		}
	}
	return nil
}

// findGroups finds the owners of the groups asked for: the roots that define them, else the root of the workspace.
func (w *uvWalk) findGroups() {
	w.asked = map[string]pyfile.String{}
	for _, asked := range w.request.Groups {
		name := python.NormalizeName(asked.Value)
		found := len(w.wantGroups)
		for _, pkg := range w.roots {
			if slices.Contains(w.groupsOf(pkg), name) {
				w.ask(rootGroup{pkg, name}, asked)
			}
		}
		if root := w.workspaceRoot(); len(w.wantGroups) == found && root != nil && slices.Contains(w.groupsOf(root), name) {
			w.ask(rootGroup{root, name}, asked)
		}
		member := len(w.wantGroups) > found && len(w.members) > 0 && w.request.Project != nil && w.request.Project.Name.Set()
		if slices.ContainsFunc(w.groups, func(g uvGroup) bool { return g.name == name }) && !member {
			w.wantGroups = append(w.wantGroups, rootGroup{nil, name})
		}
		if len(w.wantGroups) == found {
			w.errs = append(w.errs, unknownName(w.doc.name, "dependency group", asked, w.allGroups()))
		}
	}
}

func (w *uvWalk) ask(g rootGroup, asked pyfile.String) {
	w.wantGroups = append(w.wantGroups, g)
	w.asked[conflictItem{pkg: g.pkg.name, group: g.name}.encode()] = asked
}

// groupsOf are the names of a project's groups. An empty one leaves a trace in the metadata or the pyproject.toml only.
func (w *uvWalk) groupsOf(pkg *uvPackage) []string {
	var out []string
	for _, g := range pkg.groups {
		out = append(out, g.name)
	}
	if pkg.metadata != nil {
		for _, g := range pkg.metadata.groups {
			out = append(out, g.name)
		}
	}
	if p := w.request.Project; p != nil && p.Normalized == pkg.name {
		for _, g := range p.DependencyGroups {
			out = append(out, python.NormalizeName(g.Name.Value))
		}
	}
	return out
}

func (w *uvWalk) allGroups() []string {
	var out []string
	for _, pkg := range w.roots {
		out = append(out, w.groupsOf(pkg)...)
	}
	if root := w.workspaceRoot(); root != nil {
		out = append(out, w.groupsOf(root)...)
	}
	for _, g := range w.groups {
		out = append(out, g.name)
	}
	return out
}

// findExtras checks the extras asked for.
func (w *uvWalk) findExtras() {
	var known []string
	for _, pkg := range w.roots {
		known = append(known, pkg.uvExtras()...)
		if p := w.request.Project; p != nil && p.Normalized == pkg.name {
			for _, e := range p.OptionalDependencies {
				known = append(known, python.NormalizeName(e.Name.Value))
			}
		}
	}
	for _, asked := range w.request.Extras {
		name := python.NormalizeName(asked.Value)
		if !slices.Contains(known, name) {
			w.errs = append(w.errs, unknownName(w.doc.name, "extra", asked, known))
			continue
		}
		w.wantExtras = append(w.wantExtras, name)
		for _, pkg := range w.roots {
			w.asked[conflictItem{pkg: pkg.name, extra: name}.encode()] = asked
		}
	}
}

func (p *uvPackage) uvExtras() []string {
	var out []string
	for _, e := range p.extras {
		out = append(out, e.name)
	}
	if p.metadata != nil {
		out = append(out, p.metadata.extras...)
	}
	return out
}
