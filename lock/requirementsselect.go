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

// formatControl is what --no-binary and --only-binary say, by the rules of pip: a later option takes back an earlier one.
type formatControl struct {
	noBinary, onlyBinary map[string]bool // names, or ":all:"
}

// set applies the value of an option to target.
func (f *formatControl) set(only bool, value string) {
	if f.noBinary == nil {
		f.noBinary, f.onlyBinary = map[string]bool{}, map[string]bool{}
	}
	target, other := f.noBinary, f.onlyBinary
	if only {
		target, other = other, target
	}
	names := strings.Split(value, ",")
	for i := slices.Index(names, ":all:"); i >= 0; i = slices.Index(names, ":all:") {
		clear(target)
		clear(other)
		target[":all:"] = true
		names = names[i+1:]
		if !slices.Contains(names, ":none:") {
			return
		}
	}
	for _, name := range names {
		if name == ":none:" {
			clear(target)
			continue
		}
		name = python.NormalizeName(name)
		delete(other, name)
		target[name] = true
	}
}

// leavesOut tells whether wheels or sdists of a package are not taken.
func (f *formatControl) leavesOut(name string) (wheels, sdists bool) {
	switch {
	case f.onlyBinary[name]:
		return false, true
	case f.noBinary[name]:
		return true, false
	case f.onlyBinary[":all:"]:
		return false, true
	}
	return f.noBinary[":all:"], false
}

// fileOption applies an option of the whole set.
func (r *requirementsReader) fileOption(o option, at span) {
	s := r.set
	switch o.name {
	case "--index-url":
		if r.noIndex == nil && r.indexAddress(o, at) {
			s.indexes = []string{o.text}
		}
	case "--extra-index-url":
		if r.noIndex == nil && r.indexAddress(o, at) {
			s.indexes = append(s.indexes, o.text)
		}
	case "--no-index":
		s.indexes = nil
		r.noIndex = r.doc.errorAt(at, "--no-index leaves no index to look for the files in",
			"leave it out, or name the files: ./wheels/NAME-1.0-py3-none-any.whl --hash=...")
	case "--find-links":
		r.findLinks(o, at)
	case "--no-binary", "--only-binary":
		if strings.HasPrefix(o.text, "-") {
			r.errorAt(at, "", "%s needs names of packages, :all: or :none:", o.name)
			return
		}
		s.formats.set(o.name == "--only-binary", o.text)
	case "--require-hashes":
		r.require = r.doc.errorAt(at, "--require-hashes and --no-require-hashes exclude each other", "write one of them")
	case "--no-require-hashes":
		r.noRequire = true
	}
}

// indexAddress checks the address of an index. It never shows it, for it may hold a password.
func (r *requirementsReader) indexAddress(o option, at span) bool {
	u, err := url.Parse(o.text)
	switch {
	case err == nil && u.User != nil, err != nil && strings.Contains(o.text, "@"):
		r.errorAt(at, secretHint, "%s has a user name or password in its address", o.name)
		return false
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		r.errorAt(at, "", "%s must be an address that starts with https://", o.name)
		return false
	}
	return true
}

// findLinks notes where pip would look for files besides the indexes. It is relative to the file it stands in.
func (r *requirementsReader) findLinks(o option, at span) {
	var links findLinks
	if strings.Contains(o.text, "://") && !strings.HasPrefix(o.text, "file:") {
		if !r.indexAddress(o, at) {
			return
		}
	} else {
		dir, ok := contextPath(r.doc.name, strings.TrimPrefix(o.text, "file://"))
		if ok {
			links.path = dir
		} else {
			// pip-compile writes the user's own setting into the file. An index has the files as well, mostly.
			links.problem = r.doc.errorAt(at, fmt.Sprintf("%s: the directory lies outside of the build context", o.name), outsideHint)
		}
	}
	r.set.findLinks = append(r.set.findLinks, links)
}

// query asks for the files of every package that is known by hash only. One name is asked for once, with the hashes of all its lines.
func (s *requirementsSet) query() []index.Package {
	if !s.hashMode {
		return nil
	}
	var out []index.Package
	for name, group := range s.byName {
		p := index.Package{Name: name}
		wanted := false
		for _, q := range group {
			wanted = wanted || q.kind == "" && !q.constraint
			for _, h := range q.hashes {
				if f := (index.File{SHA256: h.digest}); h.algorithm == "sha256" && q.kind == "" && !slices.Contains(p.Files, f) {
					p.Files = append(p.Files, f)
				}
			}
		}
		if !wanted || len(p.Files) == 0 {
			continue
		}
		slices.SortFunc(p.Files, func(a, b index.File) int { return cmp.Compare(a.SHA256, b.SHA256) })
		if len(s.indexes) != 1 || s.indexes[0] != "" {
			p.Indexes = slices.Clone(s.indexes)
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b index.Package) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// directories are those that lines name. A resolver needs those of --find-links as well.
func (s *requirementsSet) directories() []string {
	var out []string
	for _, q := range slices.Concat(s.requirements, s.constraints) {
		if dir := path.Join(q.dir, q.subdir); q.kind == Directory && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	if !s.hashMode {
		for _, l := range s.findLinks {
			if l.path != "" && !slices.Contains(out, l.path) {
				out = append(out, l.path)
			}
		}
	}
	return out
}

// merged is what all lines of one package come to.
type merged struct {
	*requirement              // whose place counts
	line         *requirement // that needs the hashes
	pin          string       // version
	listed       []file       // by hash
	digests      []string     // sha256
}

// mergeRequirements brings the lines of one package together, by the rules of pip's resolver: the first line without extras
// must be pinned and have hashes, itself or by a constraint; the version must suit the others; hashes are those that all lines with hashes
// have.
func mergeRequirements(group []*requirement) (merged, pyfile.Errors) {
	var lines, direct []*requirement
	var errs pyfile.Errors
	for _, q := range group {
		if q.kind != "" {
			direct = append(direct, q)
		}
		if !q.constraint {
			lines = append(lines, q)
			if q.problem != nil {
				errs = append(errs, q.problem)
			}
		}
	}
	if len(lines) == 0 || len(errs) > 0 {
		return merged{}, errs
	}
	m := merged{requirement: lines[0]}
	m.line = m.requirement
	if i := slices.IndexFunc(lines, func(q *requirement) bool { return len(q.extras) == 0 }); i >= 0 {
		m.requirement, m.line = lines[i], lines[i]
	}
	complain := func(q *requirement, hint, format string, args ...any) {
		errs = append(errs, q.doc.errorAt(q.at, fmt.Sprintf(format, args...), hint))
	}
	if len(direct) > 0 {
		m.line, m.requirement = m.requirement, direct[0]
		m.pin = direct[0].version
		for _, q := range direct[1:] {
			if q.source() != direct[0].source() {
				complain(q, "", "%s is asked for from two places, the first on line %d of %s", q.name, direct[0].lineNumber(), direct[0].doc.name)
			}
		}
	} else {
		m.findPin(group, complain)
	}
	if m.pin != "" {
		m.checkOthers(group, complain)
	}
	if m.kind != Git && m.kind != Directory && len(errs) == 0 {
		m.findHashes(group, complain)
	}
	return m, errs
}

// complaint reports a problem at a line.
type complaint func(q *requirement, hint, format string, args ...any)

func (m *merged) findPin(group []*requirement, complain complaint) {
	m.pin = m.version
	for _, q := range group {
		if m.pin == "" && q.constraint {
			m.pin = q.version
		}
	}
	if m.pin != "" {
		return
	}
	hint := "compile the file: " + compileHint
	if strings.HasSuffix(m.name, "-txt") || strings.HasSuffix(m.name, "-in") {
		hint = "to read another file write -r FILE"
	}
	complain(m.requirement, hint, "%s must be pinned with ==, because the requirements have hashes", m.name)
}

// checkOthers compares the version with what the other lines ask for.
func (m *merged) checkOthers(group []*requirement, complain complaint) {
	for _, q := range group {
		if q == m.requirement || q.kind != "" {
			continue
		}
		if v, err := python.ParseVersion(m.pin); err == nil && !q.spec.Contains(v, true) {
			complain(q, "", "%s must be %s here and is %s on line %d of %s", q.name, shown(q.spec.String()), m.pin, m.lineNumber(), m.doc.name)
		}
	}
}

// findHashes finds the hashes that the file may have.
func (m *merged) findHashes(group []*requirement, complain complaint) {
	hasOwn, other := len(m.line.hashes) > 0 || !m.constraint && len(m.hashes) > 0, ""
	first := true
	for _, q := range group {
		if len(q.hashes) == 0 {
			continue
		}
		if q.constraint && q.kind == "" {
			hasOwn = true
		}
		var digests []string
		for _, h := range q.hashes {
			if h.algorithm == "sha256" {
				digests = append(digests, h.digest)
			} else {
				other = h.algorithm
			}
		}
		if first {
			m.digests, first = digests, false
		} else {
			m.digests = slices.DeleteFunc(m.digests, func(d string) bool { return !slices.Contains(digests, d) })
		}
	}
	slices.Sort(m.digests)
	m.digests = slices.Compact(m.digests)
	switch {
	case !hasOwn:
		complain(m.line, "compile the file: "+compileHint, "%s has no --hash, and other requirements have", m.name)
	case len(m.digests) == 0 && other != "":
		complain(m.requirement, "lock with sha256: "+compileHint, "%s has a hash of %s only; pyfile needs sha256", m.name, other)
	case len(m.digests) == 0:
		complain(m.requirement, "", "the lines of %s have no hash in common", m.name)
	case m.kind != "" && len(m.digests) > 1:
		complain(m.requirement, "leave one", "%s is one file and has %d hashes", m.name, len(m.digests))
	}
	for _, d := range m.digests {
		m.listed = append(m.listed, file{sha256: d, at: m.at})
	}
}

// source tells equal sources.
func (q *requirement) source() string {
	return strings.Join([]string{string(q.kind), q.link.url, q.link.path, q.git.url, q.git.commit, q.dir, q.subdir}, "\n")
}

func (q *requirement) lineNumber() int { return q.doc.pos(q.at.start).Line }

// selects takes the lines whose marker holds.
func (s *requirementsSet) selects(r Request) ([]Artifact, pyfile.Errors) {
	var errs pyfile.Errors
	refuse := func(what string, asked []pyfile.String) {
		for _, a := range asked {
			errs = append(errs, &pyfile.Error{Range: a.Range, Msg: fmt.Sprintf("requirements files have no %ss, so there is no %q", what, a.Value),
				Hint: fmt.Sprintf("list the files that are wanted: lock = [%q, \"requirements-dev.txt\"]", s.names[0])})
		}
	}
	refuse("group", r.Groups)
	refuse("extra", r.Extras)
	if len(errs) > 0 {
		return nil, errs
	}
	c := &requirementsChooser{requirementsSet: s, request: r, env: environment(r.Target), tags: r.Target.Tags(), found: foundBy(r.Found)}
	var out []Artifact
	done := map[string]bool{}
	for _, q := range s.requirements {
		if done[q.name] && q.name != "" || !c.holds(q) || c.isProject(q) {
			continue
		}
		done[q.name] = true
		group := []*requirement{q}
		if q.name != "" {
			group = slices.DeleteFunc(slices.Clone(s.byName[q.name]), func(q *requirement) bool { return !c.holds(q) })
		}
		m, problems := mergeRequirements(group)
		if len(problems) > 0 {
			c.errs = append(c.errs, problems...)
			continue
		}
		a, e := c.artifact(&m)
		if e != nil {
			c.errs = append(c.errs, e)
			continue
		}
		a.Lock = m.doc.name
		out = append(out, a)
	}
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	return out, nil
}

// requirementsChooser selects for one target.
type requirementsChooser struct {
	*requirementsSet
	request  Request
	env      python.Environment
	tags     []python.Tag
	found    foundFiles
	reported map[*requirement]bool
	errs     pyfile.Errors
}

// holds evaluates the marker of a line.
func (c *requirementsChooser) holds(q *requirement) bool {
	ok, err := q.marker.Eval(c.env)
	if err != nil {
		if c.reported == nil {
			c.reported = map[*requirement]bool{}
		}
		if !c.reported[q] {
			c.reported[q] = true
			c.errs = append(c.errs, q.doc.errorAt(q.at, fmt.Sprintf("the marker cannot be evaluated: %v", err), ""))
		}
	}
	return ok && err == nil
}

// isProject tells whether the line asks for the project itself, which is installed by other means.
func (c *requirementsChooser) isProject(q *requirement) bool {
	if q.kind != Directory {
		return false
	}
	project := c.request.Project
	if project == nil {
		return q.dir == "."
	}
	return q.dir == path.Dir(project.File) && (!project.Name.Set() || q.name == "" || q.name == project.Normalized)
}

// artifact is what is built or unpacked for a package.
func (c *requirementsChooser) artifact(m *merged) (Artifact, *pyfile.Error) {
	a := Artifact{Name: m.name, Version: m.pin, Kind: m.kind, Subdir: m.subdir, Origin: m.doc.span(m.at)}
	ch := &chooser{doc: m.doc, hint: compileHint, target: c.request.Target, tags: c.tags}
	p := chosen{name: m.name, version: m.pin, at: m.at}
	switch m.kind {
	case Git:
		a.URL, a.Commit = m.git.url, m.git.commit
		return a, nil
	case Directory:
		a.Path = m.dir
		return a, nil
	case Wheel, Archive:
		link := m.link
		link.sha256 = m.digests[0]
		if link.path != "" {
			link.path = belowLock(m.doc.name, link.path)
		}
		if m.kind == Wheel {
			p.wheels = []file{link}
			return ch.file(&p)
		}
		p.sdists = []file{link}
		a, e := ch.file(&p)
		a.Kind, a.Subdir = Archive, m.subdir
		return a, e
	}
	if e := ch.lookUp(&p, m.listed, c.found); e != nil {
		if len(c.findLinks) > 0 {
			e.Hint = "pyfile does not search --find-links: name the file by its path or address, NAME @ https://... --hash=...; else " + e.Hint
		}
		return a, e
	}
	noWheels, noSdists := c.formats.leavesOut(m.name)
	switch {
	case noWheels && len(p.sdists) == 0:
		return a, m.doc.errorAt(m.at, fmt.Sprintf("%s has no sdist, and --no-binary leaves out its wheels", &p), "take it out of --no-binary")
	case noSdists && len(p.wheels) == 0:
		return a, m.doc.errorAt(m.at, fmt.Sprintf("%s has no wheel, and --only-binary leaves out its sdist", &p), "take it out of --only-binary")
	case noWheels:
		p.wheels = nil
	case noSdists && len(p.sdists) > 0:
		p.sdists = nil
		a, e := ch.file(&p)
		if e != nil {
			e.Msg = strings.Replace(e.Msg, "there is no sdist", "--only-binary leaves out its sdist", 1)
		}
		return a, e
	}
	return ch.file(&p)
}

// compileHint is how to make a set of requirements with hashes.
const compileHint = `run "uv pip compile --generate-hashes requirements.in -o requirements.txt", or "pip-compile --generate-hashes"`

// belowLock writes a path of the context as a file of a directory names it.
func belowLock(from, file string) string {
	depth := strings.Count(path.Clean(from), "/")
	return strings.Repeat("../", depth) + file
}
