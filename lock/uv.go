package lock

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// uvVersion is the schema of uv.lock that is understood. Revisions of it only add what a reader may ignore.
const uvVersion = 1

// uvLock is a uv.lock: a graph whose edges have markers. Markers are only meaningful for interpreters that requires-python
// admits, because uv leaves out of them what requires-python says already.
type uvLock struct {
	doc            *document
	revision       int64
	requiresPython pyfile.String
	markers        []marker         // resolution-markers: the environments that the lock was made for, empty for all
	supported      []marker         // supported-markers: the user's [tool.uv] environments
	conflicts      [][]conflictItem // extras and groups that exclude each other
	conflictsAt    span
	members        []string        // names of the workspace's projects; empty for a single project
	requirements   []uvRequirement // of a workspace root that is not a project
	groups         []uvGroup       // PEP 735 groups of a workspace root that is not a project
	packages       []*uvPackage
	// buildConstraints are lines of pip's constraints format.
	buildConstraints []string
	byName           map[string][]*uvPackage
}

// marker is a marker with its place.
type marker struct {
	text string
	at   span
}

// uvPackage is one [[package]].
type uvPackage struct {
	chosen
	source   uvSource
	markers  []marker // resolution-markers: the forks that this version belongs to
	deps     []edge
	extras   []edges // optional-dependencies
	groups   []edges // dev-dependencies
	metadata *uvMetadata
}

// edges are the dependencies of an extra or a group.
type edges struct {
	name string
	deps []edge
}

// edge is a dependency of a package on another.
type edge struct {
	to     *uvPackage
	extras []string
	marker marker
	at     span
	// what the lock writes to tell to; version and source only where the name alone does not
	name, version, source string
}

// uvSource tells where a package comes from.
type uvSource struct {
	kind   string // "registry", "git", "url", "path", "directory", "editable" or "virtual"
	value  string
	subdir string
	fields git    // of git: what the lock says beside the address
	key    string // equal for equal sources
	at     span
}

// git takes a git source apart: uv writes how the commit was asked for into the query and the commit into the fragment, or each into a
// key of its own.
func (s uvSource) git() git {
	g := s.fields
	g.url = s.value
	var query, commit string
	g.url, commit, _ = strings.Cut(g.url, "#")
	g.url, query, _ = strings.Cut(g.url, "?")
	if values, err := url.ParseQuery(query); err == nil {
		g.subdir, g.file = cmp.Or(values.Get("subdirectory"), g.subdir), cmp.Or(values.Get("path"), g.file)
		g.lfs = g.lfs || strings.EqualFold(values.Get("lfs"), "true")
		g.asked = cmp.Or(values.Get("rev"), g.asked)
		g.ref = cmp.Or(values.Get("tag"), values.Get("branch"), g.asked, g.ref)
	}
	if g.asked = strings.ToLower(g.asked); !commitHash.MatchString(g.asked) {
		g.asked = ""
	}
	g.commit = strings.ToLower(cmp.Or(commit, g.commit))
	return g
}

// local tells whether the package is a directory of the workspace or beside it.
func (s uvSource) local() bool {
	return s.kind == "editable" || s.kind == "virtual" || s.kind == "directory"
}

// uvMetadata is what the project's pyproject.toml said when the lock was made.
type uvMetadata struct {
	requires []uvRequirement
	extras   []string
	groups   []uvGroup
}

type uvGroup struct {
	name     string
	requires []uvRequirement
}

// uvRequirement is a requirement as uv writes it into the lock.
type uvRequirement struct {
	name      string
	extras    []string
	specifier string
	direct    bool // from git, a URL or a path: the specifier does not count
	marker    marker
	at        span
}

// conflictItem is an extra, a group or, with neither, the project itself.
type conflictItem struct {
	pkg, extra, group string
}

// encode is the pseudo-extra that uv's markers use for the item.
func (c conflictItem) encode() string {
	length := strconv.Itoa(len(c.pkg))
	switch {
	case c.extra != "":
		return "extra-" + length + "-" + c.pkg + "-" + c.extra
	case c.group != "":
		return "group-" + length + "-" + c.pkg + "-" + c.group
	}
	return "project-" + length + "-" + c.pkg
}

func (c conflictItem) String() string {
	switch {
	case c.extra != "":
		return fmt.Sprintf("the extra %q", c.extra)
	case c.group != "":
		return fmt.Sprintf("the group %q", c.group)
	}
	return fmt.Sprintf("the project %q", c.pkg)
}

// packageNames are those of all packages, the projects of the workspace among them.
func (l *uvLock) packageNames() []string { return slices.Collect(maps.Keys(l.byName)) }

// query asks nothing: uv writes the address of every file.
func (l *uvLock) query() []index.Package { return nil }

// directories are those of the workspace's members and of path dependencies.
func (l *uvLock) directories() []string {
	return l.directoriesIf(func(*uvPackage) bool { return true })
}

// readUV reads a uv.lock. Problems go to the decoder.
func readUV(d *decoder) *uvLock {
	root := d.doc.root
	l := &uvLock{doc: d.doc, byName: map[string][]*uvPackage{}}
	if !uvVersionFits(d) {
		return l
	}
	l.revision = d.integer(root, "revision", "revision")
	l.requiresPython = d.str(root, "requires-python", "requires-python")
	l.markers = d.markers(root, "resolution-markers", "resolution-markers")
	l.supported = d.markers(root, "supported-markers", "supported-markers")
	l.readConflicts(d)
	l.readManifest(d)
	for _, key := range [2]string{"package", "distribution"} { // the second is the older name
		for _, t := range d.each(root, key, key, tableNode) {
			if p := readUVPackage(d, t); p != nil {
				l.add(d, p)
			}
		}
	}
	if len(d.errs) == 0 {
		l.connect(d)
	}
	return l
}

// uvVersionFits checks the schema before anything else, because nothing else means something under another one.
func uvVersionFits(d *decoder) bool {
	root := d.doc.root
	n := root.get("version")
	if n == nil {
		d.errs = append(d.errs, &pyfile.Error{File: d.doc.name, Range: firstLine, Msg: "uv.lock must start with version = 1", Hint: d.hint})
		return false
	}
	if n.kind != integerNode {
		d.mismatch(n, "version", integerNode)
		return false
	}
	if n.text != strconv.Itoa(uvVersion) {
		d.errs = append(d.errs, d.doc.errorAt(n.at, fmt.Sprintf("uv.lock has version = %s, this pyfile reads version 1", n.text),
			`use a newer pyfile in the "# syntax=" line, or make the lock with an older uv: delete uv.lock and run "uv lock"`))
		return false
	}
	return true
}

func (d *decoder) markers(t *node, key, what string) []marker {
	var out []marker
	for _, n := range d.each(t, key, what, stringNode) {
		out = append(out, marker{n.text, n.at})
	}
	return out
}

func (l *uvLock) readConflicts(d *decoder) {
	for _, set := range d.each(d.doc.root, "conflicts", "conflicts", listNode) {
		l.conflictsAt = set.at
		var items []conflictItem
		for _, t := range d.all(set, "conflicts", tableNode) {
			items = append(items, conflictItem{
				pkg:   python.NormalizeName(d.text(t, "package", "conflicts.package")),
				extra: python.NormalizeName(d.text(t, "extra", "conflicts.extra")),
				group: python.NormalizeName(d.text(t, "group", "conflicts.group")),
			})
		}
		l.conflicts = append(l.conflicts, items)
	}
}

func (l *uvLock) readManifest(d *decoder) {
	t := d.table(d.doc.root, "manifest", "manifest")
	if t == nil {
		return
	}
	for _, n := range d.each(t, "members", "manifest.members", stringNode) {
		l.members = append(l.members, python.NormalizeName(n.text))
	}
	l.requirements = d.uvRequirements(t, "requirements", "manifest.requirements")
	l.readBuildConstraints(d, t)
	l.groups = d.uvGroups(t, "dependency-groups", "manifest.dependency-groups")
}

// add takes a package into the lock unless it is there already.
func (l *uvLock) add(d *decoder, p *uvPackage) {
	for _, other := range l.byName[p.name] {
		if other.version == p.version && other.source.key == p.source.key {
			d.errorf(p.at, "%s is in the lock twice, first on line %d", p, d.doc.pos(other.at.start).Line)
			return
		}
	}
	l.packages = append(l.packages, p)
	l.byName[p.name] = append(l.byName[p.name], p)
}

// connect finds the package of every edge.
func (l *uvLock) connect(d *decoder) {
	reported := map[string]bool{}
	for _, p := range l.packages {
		l.connectAll(d, p, p.deps, reported)
		for _, set := range p.extras {
			l.connectAll(d, p, set.deps, reported)
		}
		for _, set := range p.groups {
			l.connectAll(d, p, set.deps, reported)
		}
	}
}

func (l *uvLock) connectAll(d *decoder, p *uvPackage, deps []edge, reported map[string]bool) {
	for i := range deps {
		e := &deps[i]
		to, problem := l.find(e)
		e.to = to
		if problem != "" && !reported[e.name] {
			reported[e.name] = true
			d.errorf(e.at, "%s needs %s, %s", p, e.describe(), problem)
		}
		// uv leaves out extras that the package turned out not to have.
		if to != nil && len(e.extras) > 0 {
			kept := e.extras[:0]
			for _, extra := range e.extras {
				if to.extra(extra) != nil {
					kept = append(kept, extra)
				}
			}
			e.extras = kept
		}
	}
}

func (e *edge) describe() string {
	if e.version == "" {
		return fmt.Sprintf("%q", e.name)
	}
	return fmt.Sprintf("%q %s", e.name, e.version)
}

// find returns the package that an edge leads to. Version and source narrow the name down where the lock has several.
func (l *uvLock) find(e *edge) (*uvPackage, string) {
	var found []*uvPackage
	for _, p := range l.byName[e.name] {
		if (e.version == "" || p.version == e.version) && (e.source == "" || p.source.key == e.source) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0:
		return nil, "which the lock does not hold"
	case len(found) == 1:
		return found[0], ""
	}
	// A project with a dynamic version has none in the lock.
	if e.version == "" {
		for _, p := range found {
			if p.version == "" && p.source.local() {
				return p, ""
			}
		}
	}
	return nil, "and the lock does not say which of several"
}

// extra returns the dependencies of an extra, or nil if the package does not have it.
func (p *uvPackage) extra(name string) *edges { return edgesOf(p.extras, name) }

// group returns the dependencies of a group, or nil.
func (p *uvPackage) group(name string) *edges { return edgesOf(p.groups, name) }

func edgesOf(sets []edges, name string) *edges {
	for i := range sets {
		if sets[i].name == name {
			return &sets[i]
		}
	}
	return nil
}
