package lock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// pylock is a pylock.toml (PEP 751): a flat list of packages, each with a marker that says when it is installed.
type pylock struct {
	doc            *document
	requiresPython pyfile.String
	environments   []marker
	environmentsAt *span // nil when the lock is for all environments
	extras         []string
	groups         []string // dependency-groups
	defaultGroups  []string
	packages       []*pylockPackage
	requires       []*node // what the lock was made for, when pyfile made it, which ours tells
	ours           bool
}

// pylockPackage is one [[packages]].
type pylockPackage struct {
	chosen
	marker         marker
	requiresPython pyfile.String
	source         string // "wheels", "sdist", "vcs", "directory" or "archive"
	directory      string
	subdir         string
	repository     git
	notGit         bool // the vcs is another one
	local          bool // the repository has a path and no address
}

func (l *pylock) packageNames() []string {
	out := make([]string, len(l.packages))
	for i, p := range l.packages {
		out[i] = p.name
	}
	return out
}

// query asks nothing: every file has an address or a path.
func (l *pylock) query() []index.Package { return nil }

// directories are those that packages come from.
func (l *pylock) directories() []string { return l.directoriesOf(nil) }

// readPylock reads a pylock.toml. Problems go to the decoder.
func readPylock(d *decoder) *pylock {
	root := d.doc.root
	l := &pylock{doc: d.doc}
	if !pylockVersionFits(d) {
		return l
	}
	l.requiresPython = d.str(root, "requires-python", "requires-python")
	l.environments = d.markers(root, "environments", "environments")
	if n := root.get("environments"); n != nil && n.kind == listNode {
		l.environmentsAt = &n.at
	}
	l.extras = d.names(root, "extras")
	l.groups = d.names(root, "dependency-groups")
	l.defaultGroups = d.names(root, "default-groups")
	l.readRequires(d)
	if root.get("packages") == nil {
		d.errs = append(d.errs, &pyfile.Error{File: d.doc.name, Range: firstLine,
			Msg: "the lock has no packages; one that needs none says packages = []", Hint: d.hint})
	}
	for _, t := range d.each(root, "packages", "packages", tableNode) {
		if p := readPylockPackage(d, t); p != nil {
			l.packages = append(l.packages, p)
		}
	}
	return l
}

// pylockVersionFits checks lock-version: the same major version can be read (PEP 751).
func pylockVersionFits(d *decoder) bool {
	n := d.doc.root.get("lock-version")
	switch {
	case n == nil:
		d.errs = append(d.errs, &pyfile.Error{File: d.doc.name, Range: firstLine, Msg: `the lock must have lock-version = "1.0"`, Hint: d.hint})
		return false
	case n.kind != stringNode:
		d.mismatch(n, "lock-version", stringNode)
		return false
	}
	v, err := python.ParseVersion(n.text)
	if err != nil || v.Release()[0] != 1 {
		d.errs = append(d.errs, d.doc.errorAt(n.at, fmt.Sprintf("the lock has lock-version = %q, this pyfile reads 1.0", n.text),
			`use a newer pyfile in the "# syntax=" line, or export the lock in version 1.0`))
		return false
	}
	return true
}

// names reads a list of names of extras or groups, normalised.
func (d *decoder) names(t *node, key string) []string {
	var out []string
	for _, n := range d.each(t, key, key, stringNode) {
		out = append(out, python.NormalizeName(n.text))
	}
	return out
}

func readPylockPackage(d *decoder, t *node) *pylockPackage {
	c, ok := d.identity(t, "packages")
	if !ok {
		return nil
	}
	p := &pylockPackage{chosen: c}
	if m := d.typed(t, "marker", "packages.marker", stringNode); m != nil {
		p.marker = marker{m.text, m.at}
	}
	p.requiresPython = d.str(t, "requires-python", "packages.requires-python")
	d.pylockSource(p, t)
	return p
}

// pylockSource finds where a package comes from. Exactly one of vcs, directory, archive, or wheels and sdist may be there.
func (d *decoder) pylockSource(p *pylockPackage, t *node) {
	var sources []string
	for _, key := range []string{"vcs", "directory", "archive"} {
		if d.table(t, key, "packages."+key) != nil {
			sources = append(sources, key)
		}
	}
	if n := d.table(t, "sdist", "packages.sdist"); n != nil {
		p.sdists = []file{d.pylockFile(n, "packages.sdist")}
	}
	p.wheels = d.pylockWheels(t)
	switch {
	case len(p.wheels) > 0:
		sources = append(sources, "wheels")
	case len(p.sdists) > 0:
		sources = append(sources, "sdist")
	}
	if len(sources) != 1 {
		d.errorf(p.at, "%s must have exactly one of vcs, directory, archive, or wheels and sdist; it has %s", p, orNone(sources))
		return
	}
	p.source = sources[0]
	p.subdir = d.text(t.get(p.source), "subdirectory", "packages."+p.source+".subdirectory")
	switch p.source {
	case "directory":
		p.directory = d.text(t.get("directory"), "path", "packages.directory.path")
	case "vcs":
		vcs := t.get("vcs")
		p.notGit = d.text(vcs, "type", "packages.vcs.type") != "git"
		p.repository = git{
			url:    longGitURL(d.text(vcs, "url", "packages.vcs.url")),
			ref:    d.text(vcs, "requested-revision", "packages.vcs.requested-revision"),
			commit: strings.ToLower(d.text(vcs, "commit-id", "packages.vcs.commit-id")),
			subdir: p.subdir,
		}
		p.local = p.repository.url == "" && vcs.get("path") != nil
	case "archive":
		// An archive at a URL of its own may be a wheel.
		f := d.pylockFile(t.get("archive"), "packages.archive")
		if strings.HasSuffix(f.filename(), ".whl") {
			p.source, p.wheels = "wheels", []file{f}
		} else {
			p.sdists = []file{f}
		}
	}
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, " and ")
}

func (d *decoder) pylockWheels(t *node) []file {
	list := d.each(t, "wheels", "packages.wheels", tableNode)
	if len(list) == 0 {
		return nil
	}
	out := make([]file, len(list))
	for i, n := range list {
		out[i] = d.pylockFile(n, "packages.wheels")
	}
	return out
}

// pylockFile reads a wheel or an archive. Its name is that of the file, else the last part of path or url.
func (d *decoder) pylockFile(n *node, what string) file {
	f := file{
		at:   n.at,
		name: d.text(n, "name", what+".name"),
		url:  d.text(n, "url", what+".url"),
		path: d.text(n, "path", what+".path"),
		size: d.integer(n, "size", what+".size"),
	}
	if u := n.get("url"); u != nil {
		f.at = u.at
	}
	switch _, inside := contextPath(d.doc.name, f.path); {
	case n.get("url") == nil && n.get("path") == nil:
		d.errorf(n.at, "%s must have a url or a path", what)
	case f.path == "" || f.url == "":
	case inside:
		f.url = "" // PEP 751: the path goes first
	default:
		f.name, f.path = cmp.Or(f.name, (&file{path: f.path}).filename()), ""
	}
	hashes := d.table(n, "hashes", what+".hashes")
	if hashes == nil {
		return f
	}
	for _, e := range hashes.entries {
		if e.value.kind != stringNode {
			d.mismatch(e.value, what+".hashes."+e.name, stringNode)
			continue
		}
		if strings.EqualFold(e.name, "sha256") {
			f.sha256 = e.value.text
		}
	}
	return f
}

// selects follows the steps that PEP 751 prescribes under "Installation".
func (l *pylock) selects(r Request) ([]Artifact, pyfile.Errors) {
	s := &pylockSelection{pylock: l, request: r, env: environment(r.Target), hint: remake[formatPylock]}
	s.env.Extras = s.asked("extra", r.Extras, l.extras, nil)
	s.env.DependencyGroups = s.asked("dependency group", r.Groups, slices.Concat(l.groups, l.defaultGroups), l.defaultGroups)
	s.fits()
	if len(s.errs) == 0 {
		s.stale()
	}
	if len(s.errs) > 0 {
		return nil, s.errs
	}
	return s.artifacts(), s.errs
}

type pylockSelection struct {
	*pylock
	request Request
	env     python.Environment
	hint    string
	errs    pyfile.Errors
}

func (s *pylockSelection) errorAt(at span, format string, args ...any) {
	s.errs = append(s.errs, s.doc.errorAt(at, fmt.Sprintf(format, args...), s.hint))
}

// asked returns the names asked for, added to those that are installed by default.
func (s *pylockSelection) asked(what string, asked []pyfile.String, known, defaults []string) []string {
	out := slices.Clone(defaults)
	for _, a := range asked {
		name := python.NormalizeName(a.Value)
		if !slices.Contains(known, name) {
			e := unknownName(s.doc.name, what, a, slices.Clone(known))
			if len(known) == 0 {
				flag := map[string]string{"extra": "--extra", "dependency group": "--group"}[what]
				e.Hint = fmt.Sprintf("the lock leaves no choice; export it with what you need, such as \"uv export %s %s --format pylock.toml -o pylock.toml\", and ask for no %s in the Pyfile", flag, a.Value, what)
			}
			s.errs = append(s.errs, e)
			continue
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// fits checks that the lock was made for the target at all.
func (s *pylockSelection) fits() {
	if e := pythonFits(s.request.Target, s.requiresPython, s.doc.name); e != nil {
		s.errs = append(s.errs, e)
		return
	}
	if s.environmentsAt == nil {
		return
	}
	if len(s.environments) == 0 {
		s.errorAt(*s.environmentsAt, "the lock is for no environment at all: environments is empty")
		return
	}
	plain := environment(s.request.Target)
	if !slices.ContainsFunc(s.environments, func(m marker) bool { return s.holds(m, plain) }) {
		s.errorAt(s.environments[0].at, "the lock is for other environments (%s), not for %s", texts(s.environments), s.request.Target)
	}
}

// holds evaluates a marker. One that cannot be evaluated is reported and does not hold.
func (s *pylockSelection) holds(m marker, env python.Environment) bool {
	if m.text == "" {
		return true
	}
	parsed, err := python.ParseMarker(m.text)
	if err != nil {
		s.errorAt(m.at, "the marker cannot be read: %v", err)
		return false
	}
	ok, err := parsed.Eval(env)
	if err != nil {
		s.errorAt(m.at, "the marker cannot be evaluated: %v", err)
	}
	return ok && err == nil
}

func (s *pylockSelection) artifacts() []Artifact {
	c := newChooser(s.doc, s.hint, &s.request)
	live := map[string]*pylockPackage{}
	var out []Artifact
	for _, p := range s.packages {
		if !s.holds(p.marker, s.env) {
			continue
		}
		if p.requiresPython.Set() {
			if e := pythonFits(s.request.Target, p.requiresPython, s.doc.name); e != nil {
				e.Msg = fmt.Sprintf("%s is for Python %s, the image has Python %s", p, p.requiresPython.Value, s.request.Target.Python)
				s.errs = append(s.errs, e)
				continue
			}
		}
		if first := live[p.name]; first != nil {
			s.errorAt(p.at, "%s is in the lock twice for %s, first on line %d", p, s.request.Target, s.doc.pos(first.at.start).Line)
			continue
		}
		live[p.name] = p
		if s.isProject(p, s.request.Project) {
			continue
		}
		a, e := s.artifact(c, p)
		if e != nil {
			s.errs = append(s.errs, e)
			continue
		}
		out = append(out, a)
	}
	return out
}

// artifact is what is built or unpacked for a package.
func (s *pylockSelection) artifact(c *chooser, p *pylockPackage) (Artifact, *pyfile.Error) {
	a := Artifact{Name: p.name, Version: p.version, Subdir: p.subdir, Origin: s.doc.span(p.at)}
	switch p.source {
	case "vcs":
		if p.notGit {
			return a, s.doc.errorAt(p.at, fmt.Sprintf("%s comes from a repository that is not of git", p), "use a release from an index")
		}
		if p.local {
			return a, s.doc.errorAt(p.at, fmt.Sprintf("%s comes from a git repository at a path; only one at an address can be fetched", p), s.hint)
		}
		if problem, hint := p.repository.problem(); problem != "" {
			return a, s.doc.errorAt(p.at, fmt.Sprintf(problem, p), cmp.Or(hint, s.hint))
		}
		return p.repository.artifact(a), nil
	case "directory":
		var ok bool
		if a.Path, ok = contextPath(s.doc.name, p.directory); !ok {
			return a, s.doc.errorAt(p.at, fmt.Sprintf("%s: the directory %q lies outside of the build context", p, shownPath(p.directory)), outsideHint)
		}
		a.Kind = Directory
		return a, nil
	case "archive":
		a, e := c.file(&p.chosen)
		a.Kind, a.Subdir = Archive, p.subdir
		return a, e
	}
	return c.indexFile(&p.chosen)
}
