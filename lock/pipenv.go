package lock

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// pipenvSpec is the version of Pipfile.lock that is understood; it has been the same since 2017.
const pipenvSpec = "6"

// The sections of a Pipfile.lock that are not custom categories.
const (
	pipenvDefault = "default"
	pipenvDevelop = "develop"
)

// pipenvLock is a Pipfile.lock: flat lists of packages, one for each category of the Pipfile. A package knows its files by hash only.
type pipenvLock struct {
	doc      *document
	pipfile  *document // nil when there is none
	hash     string    // of the Pipfile that the lock was made for
	requires pyfile.String
	sources  []pipenvSource
	sections []pipenvSection
}

// pipenvSource is an index. Its address is "" when it cannot be known in a build.
type pipenvSource struct{ name, address string }

type pipenvSection struct {
	name     string
	packages []*pipenvPackage
}

// pipenvPackage is an entry of a section.
type pipenvPackage struct {
	chosen  // its name in the lock is the key of the entry
	section string
	marker  marker
	index   string // name of a source
	hashes  []file
	git     *git
	dir     string // of the lock's directory
	link    file   // of a file that is named by address or path
	noPin   span   // a version that is not pinned
	isNoPin bool
}

// readPipenv reads a Pipfile.lock and parses the Pipfile beside it.
func readPipenv(l *Lock, names []string, files map[string][]byte) pyfile.Errors {
	doc, errs := parseJSON(names[0], files[names[0]])
	if len(errs) > 0 {
		for _, e := range errs {
			e.Hint = cmp.Or(e.Hint, "the file is cut off or was changed by hand; "+replace[l.Format])
		}
		return errs
	}
	d := &decoder{doc: doc, hint: replace[l.Format]}
	p := &pipenvLock{doc: doc}
	p.read(d)
	if name := pipfileOf(names[0]); files[name] != nil {
		pipfile, errs := parse(name, files[name])
		d.errs = append(d.errs, errs...)
		p.pipfile = pipfile
	}
	l.source = p
	return d.errs
}

// pipfileOf is the path of the Pipfile that a lock belongs to.
func pipfileOf(lock string) string { return path.Join(path.Dir(lock), "Pipfile") }

func (l *pipenvLock) read(d *decoder) {
	root := d.doc.root
	if root.kind != tableNode {
		d.mismatch(root, "Pipfile.lock", tableNode)
		return
	}
	meta := d.table(root, "_meta", "_meta")
	if root.get("_meta") == nil {
		d.errs = append(d.errs, &pyfile.Error{File: d.doc.name, Range: firstLine, Msg: "the lock has no _meta", Hint: d.hint})
		return
	}
	if !pipenvSpecFits(d, meta) {
		return
	}
	l.hash = d.text(d.table(meta, "hash", "_meta.hash"), "sha256", "_meta.hash.sha256")
	requires := d.table(meta, "requires", "_meta.requires")
	l.requires = d.str(requires, "python_full_version", "_meta.requires.python_full_version")
	if l.requires.Value == "" {
		l.requires = d.str(requires, "python_version", "_meta.requires.python_version")
	}
	for _, t := range d.each(meta, "sources", "_meta.sources", tableNode) {
		l.source(d, t)
	}
	for _, e := range root.entries {
		if e.name == "_meta" {
			continue
		}
		if e.value.kind != tableNode {
			d.mismatch(e.value, e.name, tableNode)
			continue
		}
		l.sections = append(l.sections, l.section(d, e))
	}
}

func pipenvSpecFits(d *decoder, meta *node) bool {
	n := meta.get("pipfile-spec")
	switch {
	case meta == nil:
		return false
	case n == nil:
		d.errorf(meta.at, "_meta has no pipfile-spec")
		return false
	case n.kind != integerNode:
		d.mismatch(n, "_meta.pipfile-spec", integerNode)
		return false
	case n.text != pipenvSpec:
		d.errorf(n.at, "the lock has pipfile-spec %s, this pyfile reads %s", n.text, pipenvSpec)
		return false
	}
	return true
}

// source reads an index. pipenv leaves environment variables in addresses, mostly for credentials. A build does not see them:
// credentials are left out, and an index whose address needs a variable is not asked.
func (l *pipenvLock) source(d *decoder, t *node) {
	s := pipenvSource{name: d.text(t, "name", "_meta.sources.name"), address: d.text(t, "url", "_meta.sources.url")}
	n := t.get("url")
	if scheme, rest, ok := strings.Cut(s.address, "://"); ok {
		host, more, hasPath := strings.Cut(rest, "/")
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			if !strings.Contains(host[:i], "$") {
				d.errs = append(d.errs, d.doc.errorAt(n.at, fmt.Sprintf("the address of the source %q has a user name or password in it", s.name), secretHint))
				return
			}
			host = host[i+1:]
		}
		s.address = scheme + "://" + host
		if hasPath {
			s.address += "/" + more
		}
	}
	u, err := url.Parse(s.address)
	switch {
	case strings.Contains(s.address, "$"):
		s.address = ""
	case n != nil && n.kind == stringNode && (err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http"):
		d.errorf(n.at, "the address of the source %q must start with https://", s.name)
		return
	}
	l.sources = append(l.sources, s)
}

func (l *pipenvLock) section(d *decoder, section entry) pipenvSection {
	s := pipenvSection{name: section.name}
	seen := map[string]span{}
	for _, e := range section.value.entries {
		what := section.name + "." + e.name
		switch {
		case !python.ValidName(e.name):
			d.errorf(e.at, "%s is not the name of a package", shown(e.name))
			continue
		case e.value.kind != tableNode:
			d.mismatch(e.value, what, tableNode)
			continue
		}
		p := &pipenvPackage{section: section.name}
		p.name, p.at = python.NormalizeName(e.name), e.at
		if first, twice := seen[p.name]; twice {
			d.errorf(e.at, "%s is in %q twice, first on line %d", p.name, s.name, d.doc.pos(first.start).Line)
			continue
		}
		seen[p.name] = e.at
		l.entry(d, p, e.value, what)
		s.packages = append(s.packages, p)
	}
	return s
}

// entry reads what a package is: pinned, from a repository, from an address or a path.
func (l *pipenvLock) entry(d *decoder, p *pipenvPackage, t *node, what string) {
	if m := d.typed(t, "markers", what+".markers", stringNode); m != nil {
		p.marker = marker{m.text, m.at}
	}
	if n := d.typed(t, "index", what+".index", stringNode); n != nil {
		p.index = n.text
		if !slices.ContainsFunc(l.sources, func(s pipenvSource) bool { return s.name == p.index }) {
			d.errorf(n.at, "%s comes from the index %q, which is not among the sources", p.name, p.index)
		}
	}
	for _, n := range d.each(t, "hashes", what+".hashes", stringNode) {
		algorithm, digest, _ := strings.Cut(n.text, ":")
		if algorithm != "sha256" {
			continue
		}
		hex, ok := sha256Hex(digest)
		if !ok {
			d.errorf(n.at, "%s: a sha256 must be 64 hex digits", p.name)
			continue
		}
		p.hashes = append(p.hashes, file{sha256: hex, at: n.at})
	}
	git := d.text(t, "git", what+".git")
	ref := d.text(t, "ref", what+".ref")
	subdir := d.text(t, "subdirectory", what+".subdirectory")
	for _, system := range []string{"hg", "svn", "bzr"} {
		if n := t.get(system); n != nil {
			d.errorf(n.at, "%s comes from a repository that is not of git", p.name)
			return
		}
	}
	switch {
	case t.get("git") != nil:
		p.repository(git, ref, subdir)
	case t.get("path") != nil:
		p.local(d.text(t, "path", what+".path"), t.get("path").at)
	case t.get("file") != nil:
		p.direct(d.text(t, "file", what+".file"), t.get("file").at)
	default:
		p.pin(d, t, what)
	}
}

// pin reads the version. pipenv writes "*" for what it did not resolve, because its marker does not hold where it locked.
func (p *pipenvPackage) pin(d *decoder, t *node, what string) {
	n := d.typed(t, "version", what+".version", stringNode)
	if n == nil {
		p.isNoPin, p.noPin = true, p.at
		return
	}
	version, ok := strings.CutPrefix(n.text, "==")
	version = strings.TrimSpace(strings.TrimPrefix(version, "="))
	if !ok || version == "" || strings.ContainsAny(version, "*,<>=!~ ") {
		p.isNoPin, p.noPin = true, n.at
		return
	}
	p.version = version
	if v, err := python.ParseVersion(version); err == nil {
		p.version = v.String()
	}
}

// repository reads the address of a repository, which may name the commit itself.
func (p *pipenvPackage) repository(address, ref, subdir string) {
	g := &git{commit: ref, subdir: subdir}
	address, _, _ = strings.Cut(strings.TrimPrefix(address, "git+"), "#")
	if host := strings.Index(address, "://"); host >= 0 {
		host += len("://")
		if slash := strings.IndexByte(address[host:], '/'); slash >= 0 {
			if i := strings.LastIndexByte(address[host+slash:], '@'); i >= 0 {
				g.commit = cmp.Or(ref, address[host+slash+i+1:])
				address = address[:host+slash+i]
			}
		}
	}
	g.url = longGitURL(address)
	p.git = g
}

// direct reads the address of a file, or its path.
func (p *pipenvPackage) direct(address string, at span) {
	if urlScheme(address) == "" || urlScheme(address) == "file" {
		p.local(address, at)
		return
	}
	address, fragment, _ := strings.Cut(address, "#")
	p.link = file{url: address, at: at}
	for part := range strings.SplitSeq(fragment, "&") {
		if digits, ok := sha256Hex(strings.TrimPrefix(part, "sha256=")); ok {
			p.link.sha256 = digits
		}
	}
}

// local reads a path of the context, relative to the lock.
func (p *pipenvPackage) local(name string, at span) {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "file://"), "file:")
	plain, _, _ := strings.Cut(name, "#")
	plain, _ = cutExtras(plain)
	if isArchive(plain) {
		p.link = file{path: plain, at: at}
		return
	}
	p.dir = cmp.Or(plain, ".")
}

// packageNames are those of all sections.
func (l *pipenvLock) packageNames() []string {
	var out []string
	for _, s := range l.sections {
		for _, p := range s.packages {
			out = append(out, p.name)
		}
	}
	return out
}

// query asks for the files of all sections, since nothing is known of the groups that are asked for.
func (l *pipenvLock) query() []index.Package {
	byName := map[string]*index.Package{}
	for _, s := range l.sections {
		for _, p := range s.packages {
			if p.git != nil || p.dir != "" || p.link.path != "" || len(p.hashes) == 0 || p.link.url != "" && len(p.hashes) == 1 || p.link.sha256 != "" {
				continue
			}
			q := byName[p.name]
			if q == nil {
				q = &index.Package{Name: p.name}
				byName[p.name] = q
			}
			for _, address := range l.indexesOf(p) {
				if !slices.Contains(q.Indexes, address) {
					q.Indexes = append(q.Indexes, address)
				}
			}
			for _, h := range p.hashes {
				f := index.File{SHA256: h.sha256}
				if p.link.url != "" {
					f.Name = p.link.filename() // pipenv lists the hashes of all files of the release
				}
				q.Files = append(q.Files, f)
			}
		}
	}
	out := make([]index.Package, 0, len(byName))
	for _, q := range byName {
		slices.SortFunc(q.Files, func(a, b index.File) int { return cmp.Or(cmp.Compare(a.SHA256, b.SHA256), cmp.Compare(a.Name, b.Name)) })
		q.Files = slices.Compact(q.Files)
		out = append(out, *q)
	}
	slices.SortFunc(out, func(a, b index.Package) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// indexesOf are the addresses of the sources that a package may come from: the one that its entry names, else all of
// several. A single source that no entry names says no more than the default index.
func (l *pipenvLock) indexesOf(p *pipenvPackage) []string {
	var out []string
	if p.index == "" && len(l.sources) < 2 {
		return nil
	}
	for _, s := range l.sources {
		if p.index != "" && s.name != p.index {
			continue
		}
		if s.address == "" {
			return nil // a build can only ask what the Pyfile declares instead
		}
		out = append(out, s.address)
	}
	return out
}

// directories are those that packages are built from.
func (l *pipenvLock) directories() []string {
	var out []string
	for _, s := range l.sections {
		for _, p := range s.packages {
			if p.dir == "" {
				continue
			}
			if dir, ok := contextPath(l.doc.name, p.dir); ok && !slices.Contains(out, dir) {
				out = append(out, dir)
			}
		}
	}
	return out
}
