package lock

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// selects gives what "pdm sync --prod" installs, with "-G" for each group and extra asked for.
func (l *pdmLock) selects(r Request) ([]Artifact, pyfile.Errors) {
	s := &pdmSelection{
		pdmLock: l,
		request: r,
		env:     environment(r.Target),
		parsed:  map[string]python.Marker{},
		known:   map[string]bool{},
		wanted:  []string{defaultGroup},
		hint:    remake[formatPDM],
	}
	s.settings = readPDMSettings(r.Project, &s.errs)
	s.fits()
	s.findGroups()
	if len(s.errs) == 0 {
		s.stale()
	}
	if len(s.errs) > 0 {
		return nil, s.errs
	}
	var picked []*pdmPackage
	if l.inherit && !s.member() {
		picked = s.filter()
	} else {
		picked = s.walk()
	}
	if len(s.errs) > 0 {
		return nil, s.errs
	}
	return s.artifacts(picked), s.errs
}

// pdmSelection is one selection from a lock.
type pdmSelection struct {
	*pdmLock
	request  Request
	settings pdmSettings
	env      python.Environment
	hint     string
	errs     pyfile.Errors
	wanted   []string                 // the groups and extras to install, normalised, "default" first
	parsed   map[string]python.Marker // markers by their text
	known    map[string]bool          // what markers come to
}

func (s *pdmSelection) errorAt(at span, format string, args ...any) {
	s.errs = append(s.errs, s.doc.errorAt(at, fmt.Sprintf(format, args...), s.hint))
}

// holds evaluates a marker of the lock. One that cannot be read is reported, once.
func (s *pdmSelection) holds(m marker) bool {
	if m.text == "" {
		return true
	}
	ok, known := s.known[m.text]
	if known {
		return ok
	}
	parsed, err := python.ParseMarker(m.text)
	if err != nil {
		s.errorAt(m.at, "the marker cannot be read: %v", err)
	} else if ok, err = parsed.Eval(s.env); err != nil {
		s.errorAt(m.at, "the marker cannot be evaluated: %v", err)
	}
	s.known[m.text] = ok && err == nil
	return s.known[m.text]
}

// findGroups checks the groups and extras asked for. For pdm both are groups; which is which, pyproject.toml says.
func (s *pdmSelection) findGroups() {
	s.find("dependency group", "groups", s.request.Groups, s.settings.groupNames(), s.settings.extraNames())
	s.find("extra", "extras", s.request.Extras, s.settings.extraNames(), s.settings.groupNames())
}

// find adds what is asked for to what is wanted. Without a pyproject.toml the groups of the lock are what is known. Other are the names
// of the other kind.
func (s *pdmSelection) find(what, key string, asked []pyfile.String, known, other []string) {
	if s.settings.project == nil {
		known = slices.DeleteFunc(slices.Clone(s.groups), func(g string) bool { return g == defaultGroup })
	}
	for _, a := range asked {
		name := python.NormalizeName(a.Value)
		switch {
		case slices.Contains(known, name) && (len(s.groups) == 0 || slices.Contains(s.groups, name)):
			s.wanted = append(s.wanted, name)
		case slices.Contains(known, name):
			s.errs = append(s.errs, &pyfile.Error{Range: a.Range, Msg: fmt.Sprintf("%s was made without the %s %q", s.doc.name, what, a.Value),
				Hint: fmt.Sprintf(`run "pdm lock -G :all", or "pdm lock -G %s"`, name)})
		case slices.Contains(other, name):
			s.errs = append(s.errs, &pyfile.Error{Range: a.Range, Msg: fmt.Sprintf("%s has no %s %q", s.doc.name, what, a.Value),
				Hint: fmt.Sprintf("pyproject.toml has it the other way: write %s = [%q] instead of %s", otherKey(key), name, key)})
		default:
			s.errs = append(s.errs, unknownName(s.doc.name, what, a, slices.Clone(known)))
		}
	}
}

func otherKey(key string) string {
	if key == "groups" {
		return "extras"
	}
	return "groups"
}

// member tells whether the project is a member of the workspace that the lock is for, rather than its root.
func (s *pdmSelection) member() bool {
	if s.request.Project == nil {
		return false
	}
	dir := path.Dir(s.request.Project.File)
	if dir == path.Dir(s.doc.name) {
		return false
	}
	return slices.ContainsFunc(s.packages, func(p *pdmPackage) bool {
		local, ok := contextPath(s.doc.name, p.value)
		return p.source == "path" && ok && local == dir
	})
}

// filter picks the packages whose groups are wanted and whose markers hold.
func (s *pdmSelection) filter() []*pdmPackage {
	var picked []*pdmPackage
	for _, p := range s.packages {
		if s.active(p) && p.in(s.wanted) && !s.settings.excludes[p.name] {
			picked = append(picked, p)
		}
	}
	return picked
}

// active tells whether a package is for the target.
func (s *pdmSelection) active(p *pdmPackage) bool { return s.holds(p.marker) }

// in tells whether a package belongs to one of the groups. One without any group belongs to all.
func (p *pdmPackage) in(groups []string) bool {
	return len(p.groups) == 0 || slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(p.groups, g) })
}

// artifacts turns the packages into files. Entries of one package with different extras are one; the files stand in each or in one.
func (s *pdmSelection) artifacts(picked []*pdmPackage) []Artifact {
	c := newChooser(s.doc, s.hint, &s.request)
	found := foundBy(s.request.Found)
	live := make(map[string]*pdmPackage, len(picked))
	order := make([]*pdmPackage, 0, len(picked))
	for _, p := range picked {
		if s.isProject(p) {
			continue
		}
		first := live[p.name]
		switch {
		case first == nil:
			one := *p
			live[p.name] = &one
			order = append(order, &one)
		case first.version != p.version || first.source != p.source || first.value != p.value || first.revision != p.revision:
			s.errorAt(p.at, "%s and %s (line %d) are both needed for %s", p, first, s.doc.pos(first.at.start).Line, s.request.Target)
		case len(first.files) == 0:
			first.files = p.files
		}
	}
	out := make([]Artifact, 0, len(order))
	for _, p := range order {
		if !admits(p.requiresPython.Value, s.request.Target.Python) {
			s.errs = append(s.errs, &pyfile.Error{File: s.doc.name, Range: p.requiresPython.Range, Hint: s.hint,
				Msg: fmt.Sprintf("%s is for Python %s, the image has Python %s", p, p.requiresPython.Value, s.request.Target.Python)})
			continue
		}
		a, e := s.artifact(c, p, found)
		if e != nil {
			s.errs = append(s.errs, e)
			continue
		}
		out = append(out, a)
	}
	return out
}

// isProject tells whether the package is the project itself, which is installed by other means.
func (s *pdmSelection) isProject(p *pdmPackage) bool {
	project := s.request.Project
	return project != nil && project.Name.Set() && project.Normalized == p.name
}

// artifact is what is built or unpacked for a package.
func (s *pdmSelection) artifact(c *chooser, p *pdmPackage, found foundFiles) (Artifact, *pyfile.Error) {
	a := Artifact{Name: p.name, Version: p.version, Subdir: p.subdir, Origin: s.doc.span(p.at)}
	if p.source != "" && strings.Contains(p.value, "${") {
		return a, s.doc.errorAt(p.at, fmt.Sprintf("%s: its address has a variable in it, whose value the lock does not tell", p),
			"write the address without it in pyproject.toml, then "+s.hint)
	}
	switch p.source {
	case "":
		return s.indexed(c, p, found)
	case "git":
		g := git{url: longGitURL(p.value), commit: p.revision, subdir: p.subdir, ref: p.ref}
		if problem, hint := g.problem(); problem != "" {
			if p.revision == "" {
				hint = `take "-e" away from it in pyproject.toml, then ` + s.hint // pdm locks no commit of what it installs editable
			}
			return a, s.doc.errorAt(p.at, fmt.Sprintf(problem, p), cmp.Or(hint, s.hint))
		}
		return g.artifact(a), nil
	case "path":
		if isFile(p.value) {
			return s.direct(c, p, file{path: p.value})
		}
		var ok bool
		if a.Path, ok = contextPath(s.doc.name, p.value); !ok {
			return a, s.doc.errorAt(p.at, fmt.Sprintf("%s: the directory %q lies outside of the build context", p, p.value), outsideHint)
		}
		a.Kind = Directory
		return a, nil
	case "url":
		return s.direct(c, p, file{url: p.value})
	}
	return a, s.doc.errorAt(p.at, fmt.Sprintf("%s comes from a repository that is not of git", p), "use a release from an index")
}

// direct is a file with an address or a path of its own. The lock has its hash in the list of files.
func (s *pdmSelection) direct(c *chooser, p *pdmPackage, f file) (Artifact, *pyfile.Error) {
	f.at = p.at
	name := f.filename()
	for i := range p.files {
		if p.files[i].filename() == name || len(p.files) == 1 {
			f.sha256 = p.files[i].sha256
			break
		}
	}
	if strings.HasSuffix(name, ".whl") {
		p.wheels = []file{f}
		return c.file(&p.chosen)
	}
	p.sdists = []file{f}
	a, e := c.file(&p.chosen)
	a.Kind, a.Subdir = Archive, p.subdir
	return a, e
}

// indexed is a file of an index: one that the lock has the address of, else one that was found by its hash.
func (s *pdmSelection) indexed(c *chooser, p *pdmPackage, found foundFiles) (Artifact, *pyfile.Error) {
	hashed := false
	for i := range p.files {
		f := &p.files[i]
		if !hashed {
			_, hashed = sha256Hex(f.sha256)
		}
		switch name := f.filename(); {
		case f.url == "":
		case strings.HasSuffix(name, ".whl"):
			p.wheels = append(p.wheels, *f)
		case isSdist(name):
			p.sdists = append(p.sdists, *f)
		}
	}
	if len(p.wheels)+len(p.sdists) > 0 {
		return c.file(&p.chosen)
	}
	switch {
	case len(p.files) == 0:
		return Artifact{}, s.doc.errorAt(p.at, fmt.Sprintf("%s has no files in the lock", p), s.hint)
	case !hashed:
		return Artifact{}, s.doc.errorAt(p.at, fmt.Sprintf("%s: the lock has no sha256 for its files, so nobody could tell whether they changed", p),
			"use an index that gives sha256 hashes, then "+s.hint)
	}
	if e := c.lookUp(&p.chosen, p.files, found); e != nil {
		return Artifact{}, e
	}
	return c.file(&p.chosen)
}
