package lock

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/org/pyfile/python"
)

// readUVPackage reads one [[package]]; nil when it has no name.
func readUVPackage(d *decoder, t *node) *uvPackage {
	c, ok := d.identity(t, "package")
	if !ok {
		return nil
	}
	p := &uvPackage{chosen: c}
	p.source = d.uvSource(t, "package.source")
	p.markers = d.markers(t, "resolution-markers", "package.resolution-markers")
	p.deps = d.edges(t, "dependencies", "package.dependencies")
	p.extras = d.edgeSets(t, "optional-dependencies", "package.optional-dependencies")
	p.groups = append(d.edgeSets(t, "dev-dependencies", "package.dev-dependencies"),
		d.edgeSets(t, "dependency-groups", "package.dependency-groups")...)
	p.metadata = d.uvMetadata(t)
	for _, n := range d.each(t, "wheels", "package.wheels", tableNode) {
		p.wheels = append(p.wheels, d.uvFile(n, "package.wheels", p.source))
	}
	if n := d.table(t, "sdist", "package.sdist"); n != nil {
		p.sdists = []file{d.uvFile(n, "package.sdist", p.source)}
	}
	switch {
	case p.source.kind == "":
		if t.get("source") == nil {
			d.errorf(p.at, "package.source is missing")
		}
	case p.version == "" && !p.source.local() && (t.get("version") == nil || t.get("version").kind == stringNode):
		d.errorf(p.at, "package.version is missing")
	}
	return p
}

// line is the stretch from a key to the end of its value.
func (n *node) line(key string) span {
	for _, e := range n.entries {
		if e.name == key {
			return span{e.at.start, e.value.at.end}
		}
	}
	return n.at
}

// sourceKinds are the keys of a source, in the order of uv's documentation.
var sourceKinds = []string{"registry", "git", "url", "path", "directory", "editable", "virtual"}

func (d *decoder) uvSource(t *node, what string) uvSource {
	s := d.table(t, "source", what)
	if s == nil {
		return uvSource{}
	}
	for _, kind := range sourceKinds {
		if s.get(kind) == nil {
			continue
		}
		if n := d.typed(s, kind, what+"."+kind, stringNode); n != nil {
			subdir := d.text(s, "subdirectory", what+".subdirectory")
			out := uvSource{kind: kind, value: n.text, at: n.at, subdir: subdir, key: kind + " " + n.text + " " + subdir}
			if kind == "git" {
				out.fields = d.uvGit(s, what)
				out.fields.subdir = subdir
				out.key += fmt.Sprintf(" %s %s %s %v", out.fields.commit, out.fields.ref, out.fields.file, out.fields.lfs)
			}
			return out
		}
		return uvSource{}
	}
	d.errorf(s.at, "%s must have one of %s", what, strings.Join(sourceKinds, ", "))
	return uvSource{}
}

// uvGit reads the keys of a git source beside its address.
func (d *decoder) uvGit(t *node, what string) git {
	asked := d.text(t, "rev", what+".rev")
	return git{
		commit: d.text(t, "commit", what+".commit"),
		asked:  asked,
		ref:    cmp.Or(d.text(t, "tag", what+".tag"), d.text(t, "branch", what+".branch"), asked),
		file:   d.text(t, "path", what+".path"),
		lfs:    d.boolean(t, "lfs", what+".lfs"),
	}
}

func (d *decoder) edgeSets(t *node, key, what string) []edges {
	table := d.table(t, key, what)
	if table == nil {
		return nil
	}
	out := make([]edges, 0, len(table.entries))
	for _, e := range table.entries {
		out = append(out, edges{python.NormalizeName(e.name), d.edges(table, e.name, what+"."+e.name)})
	}
	return out
}

func (d *decoder) edges(t *node, key, what string) []edge {
	list := d.each(t, key, what, tableNode)
	if len(list) == 0 {
		return nil
	}
	out := make([]edge, 0, len(list))
	for _, n := range list {
		e := edge{
			name:    python.NormalizeName(d.text(n, "name", what+".name")),
			version: d.text(n, "version", what+".version"),
			source:  d.uvSource(n, what+".source").key,
			at:      n.at,
		}
		if e.name == "" {
			if n.get("name") == nil {
				d.errorf(n.at, "%s.name is missing", what)
			}
			continue
		}
		for _, extra := range d.each(n, "extra", what+".extra", stringNode) {
			e.extras = append(e.extras, python.NormalizeName(extra.text))
		}
		if m := d.typed(n, "marker", what+".marker", stringNode); m != nil {
			e.marker = marker{m.text, m.at}
		}
		out = append(out, e)
	}
	return out
}

func (d *decoder) uvMetadata(t *node) *uvMetadata {
	m := d.table(t, "metadata", "package.metadata")
	if m == nil {
		return nil
	}
	out := &uvMetadata{
		requires: d.uvRequirements(m, "requires-dist", "package.metadata.requires-dist"),
		groups: append(d.uvGroups(m, "requires-dev", "package.metadata.requires-dev"),
			d.uvGroups(m, "dependency-groups", "package.metadata.dependency-groups")...),
	}
	for _, n := range d.each(m, "provides-extras", "package.metadata.provides-extras", stringNode) {
		out.extras = append(out.extras, python.NormalizeName(n.text))
	}
	return out
}

func (d *decoder) uvGroups(t *node, key, what string) []uvGroup {
	table := d.table(t, key, what)
	if table == nil {
		return nil
	}
	out := make([]uvGroup, 0, len(table.entries))
	for _, e := range table.entries {
		out = append(out, uvGroup{python.NormalizeName(e.name), d.uvRequirements(table, e.name, what+"."+e.name)})
	}
	return out
}

func (d *decoder) uvRequirements(t *node, key, what string) []uvRequirement {
	var out []uvRequirement
	for _, n := range d.each(t, key, what, tableNode) {
		r := uvRequirement{
			name:      python.NormalizeName(d.text(n, "name", what+".name")),
			specifier: d.text(n, "specifier", what+".specifier"),
			at:        n.at,
		}
		for _, extra := range d.each(n, "extras", what+".extras", stringNode) {
			r.extras = append(r.extras, python.NormalizeName(extra.text))
		}
		for _, kind := range sourceKinds[1:] {
			r.direct = r.direct || n.get(kind) != nil
		}
		if m := d.typed(n, "marker", what+".marker", stringNode); m != nil {
			r.marker = marker{m.text, m.at}
		}
		out = append(out, r)
	}
	return out
}

// uvFile reads a wheel or an sdist. The path of a file in a local index is relative to that.
func (d *decoder) uvFile(n *node, what string, source uvSource) file {
	f := file{
		at:   n.at,
		url:  d.text(n, "url", what+".url"),
		path: d.text(n, "path", what+".path"),
		size: d.integer(n, "size", what+".size"),
	}
	switch {
	case f.url != "":
		f.at = n.get("url").at
	case source.kind == "url":
		f.url = source.value // the file has its hash only
	case source.kind == "path":
		f.path = source.value
	case source.kind == "registry" && f.path != "" && !path.IsAbs(f.path):
		f.path = strings.TrimPrefix(source.value, "file://") + "/" + f.path
	}
	if f.url == "" && f.path == "" || n.get("filename") != nil {
		f.name = d.text(n, "filename", what+".filename")
	}
	if hash := d.typed(n, "hash", what+".hash", stringNode); hash != nil {
		if digits, ok := strings.CutPrefix(hash.text, "sha256:"); ok {
			f.sha256 = digits
		}
	}
	return f
}
