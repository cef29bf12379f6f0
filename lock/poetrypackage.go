package lock

import (
	"strings"

	"github.com/org/pyfile/python"
)

// readPackage reads one [[package]]; nil when it cannot be told which one it is.
func (l *poetryLock) readPackage(d *decoder, t *node) *poetryPackage {
	c, ok := d.identity(t, "package")
	if !ok {
		return nil
	}
	p := &poetryPackage{chosen: c}
	p.release, _ = python.ParseVersion(p.version)
	if t.get("version") == nil {
		d.errorf(p.at, "package.version is missing")
	}
	p.python = d.str(t, "python-versions", "package.python-versions")
	p.optional = d.boolean(t, "optional", "package.optional")
	d.poetrySource(p, t)
	if l.grouped() {
		d.poetryGroups(p, t)
	}
	p.deps = d.poetryDependencies(d.table(t, "dependencies", "package.dependencies"), "package.dependencies")
	p.extras = d.poetryExtras(t, "extras", "package.extras")
	switch {
	case t.get("files") != nil:
		p.files = d.poetryFiles(t, "files", "package.files")
	default:
		p.files = l.shared[p.name]
	}
	return p
}

func (d *decoder) boolean(t *node, key, what string) bool {
	n := d.typed(t, key, what, boolNode)
	return n != nil && n.text == "true"
}

// poetryGroups reads what lock-version 2.1 brought: the groups that need a package, and the markers under which they do.
func (d *decoder) poetryGroups(p *poetryPackage, t *node) {
	for _, n := range d.each(t, "groups", "package.groups", stringNode) {
		p.groups = append(p.groups, n.text)
	}
	if t.get("groups") == nil {
		d.errorf(p.at, "package.groups is missing")
	}
	m := t.get("markers")
	switch {
	case m == nil:
	case m.kind == stringNode:
		p.marker = marker{m.text, m.at}
	case m.kind == tableNode:
		p.markers = map[string]marker{}
		for _, e := range m.entries {
			if e.value.kind != stringNode {
				d.mismatch(e.value, "package.markers."+e.name, stringNode)
				continue
			}
			p.markers[e.name] = marker{e.value.text, e.value.at}
		}
	default:
		d.errorf(m.at, "package.markers must be a string or a table, not %s", m.kind)
	}
}

// poetrySource reads [package.source].
func (d *decoder) poetrySource(p *poetryPackage, t *node) {
	s := d.table(t, "source", "package.source")
	if s == nil {
		return
	}
	p.source = poetrySource{
		kind:      d.text(s, "type", "package.source.type"),
		url:       d.text(s, "url", "package.source.url"),
		reference: d.text(s, "reference", "package.source.reference"),
		resolved:  d.text(s, "resolved_reference", "package.source.resolved_reference"),
		subdir:    d.text(s, "subdirectory", "package.source.subdirectory"),
		at:        s.line("url"),
	}
	switch p.source.kind {
	case "git", "url", "file", "directory":
		if s.get("url") == nil {
			d.errorf(s.at, "%s: package.source.url is missing", p)
		}
	case "legacy":
		if problem, hint := indexProblem(p.source.url); problem != "" {
			e := d.doc.errorAt(p.source.at, p.String()+": "+problem, d.hint)
			if hint != "" {
				e.Hint = hint
			}
			d.errs = append(d.errs, e)
		}
	default:
		if n := s.get("type"); n == nil {
			d.errorf(s.at, "%s: package.source.type is missing", p)
		} else if n.kind == stringNode {
			d.errorf(n.at, "%s: package.source.type must be one of git, url, file, directory, legacy, not %q", p, n.text)
		}
	}
}

// poetryFiles reads a list of files. Those whose hash is not a sha256 keep their name only.
func (d *decoder) poetryFiles(t *node, key, what string) []file {
	list := d.each(t, key, what, tableNode)
	out := make([]file, 0, len(list))
	whatFile, whatHash := what+".file", what+".hash"
	for _, n := range list {
		f := file{at: n.at, name: d.text(n, "file", whatFile)}
		if f.name == "" || strings.ContainsAny(f.name, `/\`) {
			d.errorf(n.at, "%s: every file must have a plain name", what)
			continue
		}
		hash := d.typed(n, "hash", whatHash, stringNode)
		if hash == nil {
			out = append(out, f)
			continue
		}
		f.at = n.line("file")
		if f, ok := d.poetryHash(hash, f); ok {
			out = append(out, f)
		}
	}
	return out
}

// poetryHash adds a hash to a file: "sha256:" and digits, the oldest locks digits alone. Other algorithms are passed over.
func (d *decoder) poetryHash(n *node, f file) (file, bool) {
	algorithm, digits, ok := strings.Cut(n.text, ":")
	if !ok {
		algorithm, digits = "sha256", n.text
	}
	if algorithm != "sha256" {
		return f, true
	}
	if f.sha256, ok = sha256Hex(digits); !ok {
		d.errorf(n.at, "a sha256 must be 64 hex digits")
	}
	return f, ok
}

// poetryExtras reads a table of extras, each a list of requirements such as "foo", "foo (>=1.0)" or "foo[bar]>=1.0".
func (d *decoder) poetryExtras(t *node, key, what string) []poetryExtra {
	table := d.table(t, key, what)
	if table == nil {
		return nil
	}
	out := make([]poetryExtra, 0, len(table.entries))
	for _, e := range table.entries {
		x := poetryExtra{name: python.NormalizeName(e.name)}
		for _, n := range d.each(table, e.name, what+"."+e.name, stringNode) {
			x.needs = append(x.needs, readPoetryNeed(n.text))
		}
		out = append(out, x)
	}
	return out
}

// readPoetryNeed reads the name and extras at the start of a requirement. The constraint does not matter: it stands among the
// dependencies too.
func readPoetryNeed(text string) poetryNeed {
	end := strings.IndexFunc(text, func(r rune) bool { return strings.ContainsRune(" \t([;<>=!~@", r) })
	if end < 0 {
		return poetryNeed{name: python.NormalizeName(text)}
	}
	need := poetryNeed{name: python.NormalizeName(text[:end])}
	if list, ok := strings.CutPrefix(strings.TrimLeft(text[end:], " \t"), "["); ok {
		list, _, _ = strings.Cut(list, "]")
		for extra := range strings.SplitSeq(list, ",") {
			need.extras = append(need.extras, python.NormalizeName(strings.TrimSpace(extra)))
		}
	}
	return need
}
