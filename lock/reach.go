package lock

import (
	"path"
	"slices"
)

// projectSource is a source that can tell which directories a project may need. Of other formats all directories of the lock count.
type projectSource interface {
	directoriesOf(project *Project) []string
}

// directoriesOf lists the directories of packages that can be reached from the project along edges of any marker, with all extras and
// groups that it can be asked for. The project's own is not among them, nor are those of virtual packages, which are not built.
func (l *uvLock) directoriesOf(project *Project) []string {
	w := &uvWalk{uvLock: l, request: Request{Project: project}, seen: map[visit]bool{}}
	w.findRoots()
	for _, root := range w.roots {
		w.push(visit{root, ""})
		for _, set := range root.extras {
			w.push(visit{root, set.name})
		}
		w.pushGroups(root)
	}
	if root := w.workspaceRoot(); root != nil && !slices.Contains(w.roots, root) {
		w.pushGroups(root) // a member may be asked for them
	}
	for _, r := range w.requirements {
		w.pushRequirement(r)
	}
	for _, g := range w.groups {
		for _, r := range g.requires {
			w.pushRequirement(r)
		}
	}
	for len(w.queue) > 0 {
		v := w.queue[0]
		w.queue = w.queue[1:]
		w.pushEdges(v.dependencies())
	}
	return l.directoriesIf(func(p *uvPackage) bool {
		return w.seen[visit{p, ""}] && p.source.kind != "virtual" && !(len(w.roots) == 1 && w.roots[0] == p)
	})
}

func (w *uvWalk) pushGroups(p *uvPackage) {
	for _, set := range p.groups {
		w.pushEdges(set.deps)
	}
}

func (w *uvWalk) pushEdges(deps []edge) {
	for i := range deps {
		w.push(visit{deps[i].to, ""})
		for _, extra := range deps[i].extras {
			w.push(visit{deps[i].to, extra})
		}
	}
}

func (w *uvWalk) pushRequirement(r uvRequirement) {
	for _, p := range w.byName[r.name] {
		w.push(visit{p, ""})
		for _, extra := range r.extras {
			w.push(visit{p, extra})
		}
	}
}

// directoriesIf lists the directories of some packages, sorted.
func (l *uvLock) directoriesIf(wanted func(*uvPackage) bool) []string {
	var out []string
	for _, p := range l.packages {
		if !p.source.local() || !wanted(p) {
			continue
		}
		if dir, ok := contextPath(l.doc.name, p.source.value); ok {
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// directoriesOf are those of all packages but the project.
func (l *pylock) directoriesOf(project *Project) []string {
	var out []string
	for _, p := range l.packages {
		if p.source != "directory" || l.isProject(p, project) {
			continue
		}
		if dir, ok := contextPath(l.doc.name, p.directory); ok {
			out = append(out, path.Join(dir, p.subdir))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// isProject tells whether the package is the project itself, which is installed by other means.
func (l *pylock) isProject(p *pylockPackage, project *Project) bool {
	if p.source != "directory" {
		return false
	}
	if project != nil && project.Name.Set() {
		return project.Normalized == p.name
	}
	return path.Clean(p.directory) == "."
}
