package lock

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// pdmLock is a pdm.lock. With the strategy inherit_metadata every package says which groups it belongs to and under which marker,
// so that the list can be filtered; without it the graph has to be walked from the requirements of pyproject.toml.
type pdmLock struct {
	doc         *document
	inherit     bool     // the strategy inherit_metadata
	groups      []string // what was locked, normalised, "default" among them; nil in old locks, which hold every group
	targets     []pdmTarget
	contentHash string
	inputs      *node // lock_inputs, nil when the lock has a content_hash instead
	packages    []*pdmPackage
}

// pdmPackage is one [[package]]. A package that is needed with extras has an entry of its own for each set of them.
type pdmPackage struct {
	chosen
	extras         []string // normalised and sorted
	requiresPython pyfile.String
	groups         []string // normalised
	marker         marker
	deps           []marker // requirements as pdm writes them
	files          []file
	source         string // "" for an index, else "git", another vcs, "url" or "path"
	value          string // address or path
	revision       string
	ref            string // that revision was found by
	subdir         string
}

// defaultGroup is pdm's name for the project's dependencies.
const defaultGroup = "default"

// pdmMinor is the newest minor version of the format that is understood. By pdm's rule a reader takes an older one, and no newer.
const pdmMinor = 5

func (l *pdmLock) packageNames() []string {
	out := make([]string, len(l.packages))
	for i, p := range l.packages {
		out[i] = p.name
	}
	return out
}

// query asks for the files of all packages of an index whose addresses the lock does not have: without static_urls all of them.
func (l *pdmLock) query() []index.Package {
	asked := make(map[string]int, len(l.packages))
	seen := map[int]map[index.File]bool{} // the files of packages with several entries
	out := make([]index.Package, 0, len(l.packages))
	for _, p := range l.packages {
		files := p.unlocated()
		if len(files) == 0 {
			continue
		}
		at, again := asked[p.name]
		if !again {
			asked[p.name] = len(out)
			out = append(out, index.Package{Name: p.name, Files: files})
			continue
		}
		known := seen[at]
		if known == nil {
			known = make(map[index.File]bool, len(out[at].Files))
			for _, f := range out[at].Files {
				known[f] = true
			}
			seen[at] = known
		}
		for _, f := range files {
			if !known[f] {
				known[f] = true
				out[at].Files = append(out[at].Files, f)
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	slices.SortFunc(out, func(a, b index.Package) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// unlocated are the files of an index that the lock has no address of.
func (p *pdmPackage) unlocated() []index.File {
	if p.source != "" {
		return nil
	}
	out := make([]index.File, 0, len(p.files))
	for i := range p.files {
		if sum, ok := sha256Hex(p.files[i].sha256); ok && p.files[i].url == "" {
			out = append(out, index.File{Name: p.files[i].name, SHA256: sum})
		}
	}
	return out
}

// directories are those of path dependencies and of members of the workspace.
func (l *pdmLock) directories() []string {
	var out []string
	for _, p := range l.packages {
		if p.source != "path" || isFile(p.value) {
			continue
		}
		if dir, ok := contextPath(l.doc.name, p.value); ok && !slices.Contains(out, path.Join(dir, p.subdir)) {
			out = append(out, path.Join(dir, p.subdir))
		}
	}
	return out
}

// isFile tells whether a path dependency is a wheel or an archive, by its name; all others are directories.
func isFile(name string) bool { return strings.HasSuffix(name, ".whl") || isSdist(name) }

// readPDM reads a pdm.lock. Problems go to the decoder.
func readPDM(d *decoder) *pdmLock {
	root := d.doc.root
	l := &pdmLock{doc: d.doc}
	meta := d.table(root, "metadata", "metadata")
	if !pdmVersionFits(d, meta) {
		return l
	}
	l.inherit = slices.ContainsFunc(d.each(meta, "strategy", "metadata.strategy", stringNode),
		func(n *node) bool { return n.text == "inherit_metadata" })
	for _, n := range d.each(meta, "groups", "metadata.groups", stringNode) {
		l.groups = append(l.groups, python.NormalizeName(n.text))
	}
	for _, t := range d.each(meta, "targets", "metadata.targets", tableNode) {
		l.targets = append(l.targets, d.pdmTarget(t))
	}
	l.contentHash = d.text(meta, "content_hash", "metadata.content_hash")
	l.inputs = d.table(meta, "lock_inputs", "metadata.lock_inputs")
	old := d.oldPDMFiles(meta)
	first := map[string]*pdmPackage{}
	for _, t := range d.each(root, "package", "package", tableNode) {
		p := readPDMPackage(d, t)
		if p == nil {
			continue
		}
		if p.source == "" && len(p.files) == 0 {
			p.files = old[p.name+" "+p.version]
		}
		key := p.name + "\n" + strings.Join(p.extras, ",") + "\n" + p.version + "\n" + p.source + "\n" + p.value
		if other := first[key]; other != nil {
			d.errorf(p.at, "%s is in the lock twice, first on line %d", p, d.doc.pos(other.at.start).Line)
			continue
		}
		first[key] = p
		l.packages = append(l.packages, p)
	}
	return l
}

// pdmVersionFits checks the version of the format before anything else, because nothing else means something under another one.
func pdmVersionFits(d *decoder, meta *node) bool {
	n := meta.get("lock_version")
	switch {
	case n == nil && d.doc.root.get("metadata") != nil && meta == nil:
		return false // has been reported
	case n == nil:
		d.errs = append(d.errs, &pyfile.Error{File: d.doc.name, Range: firstLine, Msg: `pdm.lock must have lock_version = "4.5.1" in [metadata]`, Hint: d.hint})
		return false
	case n.kind != stringNode:
		d.mismatch(n, "metadata.lock_version", stringNode)
		return false
	}
	v, err := python.ParseVersion(n.text)
	if err != nil || v.Release()[0] != 4 || len(v.Release()) > 1 && v.Release()[1] > pdmMinor {
		d.errs = append(d.errs, d.doc.errorAt(n.at, fmt.Sprintf("pdm.lock has lock_version = %q, this pyfile reads 4.0 to 4.%d", n.text, pdmMinor),
			`use a newer pyfile in the "# syntax=" line, or make the lock with pdm 2: delete pdm.lock and run "pdm lock"`))
		return false
	}
	return true
}

// oldPDMFiles reads [metadata.files], where locks before version 4.3 have the files of all packages, by name and version.
func (d *decoder) oldPDMFiles(meta *node) map[string][]file {
	t := d.table(meta, "files", "metadata.files")
	if t == nil {
		return nil
	}
	out := make(map[string][]file, len(t.entries))
	for _, e := range t.entries {
		name, version, _ := strings.Cut(e.name, " ")
		out[python.NormalizeName(name)+" "+version] = d.pdmFiles(t, e.name, "metadata.files")
	}
	return out
}

func readPDMPackage(d *decoder, t *node) *pdmPackage {
	c, ok := d.identity(t, "package")
	if !ok {
		return nil
	}
	p := &pdmPackage{chosen: c}
	p.requiresPython = d.str(t, "requires_python", "package.requires_python")
	p.extras = d.pdmNames(t, "extras", "package.extras")
	slices.Sort(p.extras)
	p.groups = d.pdmNames(t, "groups", "package.groups")
	if m := d.typed(t, "marker", "package.marker", stringNode); m != nil {
		p.marker = marker{m.text, m.at}
	}
	p.deps = d.markers(t, "dependencies", "package.dependencies")
	p.files = d.pdmFiles(t, "files", "package.files")
	p.subdir = d.text(t, "subdirectory", "package.subdirectory")
	d.pdmSource(p, t)
	if p.source == "" && p.version == "" && (t.get("version") == nil || t.get("version").kind == stringNode) {
		d.errorf(p.at, "package.version is missing")
	}
	return p
}

func (d *decoder) pdmNames(t *node, key, what string) []string {
	list := d.each(t, key, what, stringNode)
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = python.NormalizeName(n.text)
	}
	return out
}

// vcsKinds are the version control systems that pdm knows. They are keys of a package, with the repository's address.
var vcsKinds = []string{"git", "hg", "svn", "bzr"}

// pdmSource finds where a package comes from: a repository, an address, a path, or else an index.
func (d *decoder) pdmSource(p *pdmPackage, t *node) {
	for _, key := range slices.Concat(vcsKinds, []string{"path", "url"}) {
		if n := d.typed(t, key, "package."+key, stringNode); n != nil && p.source == "" {
			p.source, p.value = key, n.text
		}
	}
	p.revision = d.text(t, "revision", "package.revision")
	p.ref = d.text(t, "ref", "package.ref")
	if p.source != "url" {
		return
	}
	if local, ok := rootedPath(p.value); ok {
		p.source, p.value = "path", local
	}
	if link, fragment, ok := strings.Cut(p.value, "#"); ok {
		p.value = link
		if sub, ok := strings.CutPrefix(fragment, "subdirectory="); ok && p.subdir == "" {
			p.subdir, _, _ = strings.Cut(sub, "&")
		}
	}
}

// rootedPath is the path of an address that begins with a variable for the project's directory, as pdm-backend and hatchling have it.
func rootedPath(link string) (string, bool) {
	for _, prefix := range [...]string{"file:///${PROJECT_ROOT}", "{root:uri}"} {
		if rest, ok := strings.CutPrefix(link, prefix); ok {
			rest, _, _ = strings.Cut(rest, "#")
			return "." + rest, rest == "" || rest[0] == '/'
		}
	}
	return "", false
}

// pdmFiles reads a list of files, each with its name or its address.
func (d *decoder) pdmFiles(t *node, key, what string) []file {
	list := d.each(t, key, what, tableNode)
	if len(list) == 0 {
		return nil
	}
	out := make([]file, 0, len(list))
	for _, n := range list {
		f := file{at: n.at, name: d.text(n, "file", what+".file"), url: d.text(n, "url", what+".url")}
		if u := n.get("url"); u != nil {
			f.at = u.at
		}
		switch {
		case n.get("file") == nil && n.get("url") == nil:
			d.errorf(n.at, "%s must have a file or a url", what)
			continue
		case f.name == "" && f.url == "":
			if file, link := n.get("file"), n.get("url"); (file == nil || file.kind == stringNode) && (link == nil || link.kind == stringNode) {
				d.errorf(n.at, "%s has a file without a name", what)
			}
			continue
		case strings.ContainsAny(f.filename(), "/\\\x00"):
			d.errorf(f.at, "%s has a file whose name is a path", what)
			continue
		}
		hash := d.text(n, "hash", what+".hash")
		if len(hash) > len("sha256:") && strings.EqualFold(hash[:len("sha256:")], "sha256:") {
			f.sha256 = hash[len("sha256:"):]
		}
		out = append(out, f)
	}
	return out
}
