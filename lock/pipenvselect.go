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

// pipenvSelection selects for one request.
type pipenvSelection struct {
	*pipenvLock
	request Request
	env     python.Environment
	hint    string
	errs    pyfile.Errors
}

// selects takes the default section and the categories asked for, as "pipenv sync --categories" does.
func (l *pipenvLock) selects(r Request) ([]Artifact, pyfile.Errors) {
	s := &pipenvSelection{pipenvLock: l, request: r, env: environment(r.Target), hint: remake[formatPipenv]}
	for _, a := range r.Extras {
		s.errs = append(s.errs, &pyfile.Error{Range: a.Range, Msg: fmt.Sprintf("a Pipfile has no extras, so there is no %q", a.Value),
			Hint: "name a category of the Pipfile in groups instead"})
	}
	sections := s.asked()
	s.stale()
	s.python()
	if len(s.errs) > 0 {
		return nil, s.errs
	}
	artifacts := s.artifacts(sections)
	if len(s.errs) > 0 {
		return nil, s.errs
	}
	return artifacts, nil
}

func (s *pipenvSelection) errorAt(at span, hint, format string, args ...any) {
	s.errs = append(s.errs, s.doc.errorAt(at, fmt.Sprintf(format, args...), hint))
}

// pipenvSectionOf is the section of a category. pipenv calls develop "dev-packages" in a Pipfile and "dev" in its options.
func pipenvSectionOf(category string) string {
	switch category {
	case "dev", "dev-packages":
		return pipenvDevelop
	case "packages":
		return pipenvDefault
	}
	return category
}

// asked returns the sections to install, default first.
func (s *pipenvSelection) asked() []string {
	out := []string{pipenvDefault}
	for _, a := range s.request.Groups {
		name := pipenvSectionOf(a.Value)
		if !slices.ContainsFunc(s.sections, func(p pipenvSection) bool { return p.name == name }) {
			var known []string
			for _, p := range s.sections {
				switch p.name {
				case pipenvDefault:
				case pipenvDevelop:
					known = append(known, "dev")
				default:
					known = append(known, p.name)
				}
			}
			e := unknownName(s.doc.name, "category", a, known)
			e.Hint = strings.Replace(e.Hint, "categorys", "categories", 1)
			s.errs = append(s.errs, e)
			continue
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// python compares the Python that the Pipfile requires with the target's, by as many numbers as it has.
func (s *pipenvSelection) python() {
	want, have := s.requires.Value, s.request.Target.Python
	if want == "" || want == "*" {
		return
	}
	fits := false
	if strings.ContainsAny(want, "<>=!~") {
		spec, err := python.ParseSpecifiers(want)
		fits = err != nil || spec.Contains(release(have), true)
	} else if v, err := python.ParseVersion(want); err == nil {
		numbers := v.Release()
		fits = slices.Equal(numbers, have.Release()[:min(len(numbers), len(have.Release()))])
	} else {
		fits = true // pipenv only warns
	}
	if !fits {
		s.errs = append(s.errs, &pyfile.Error{File: s.doc.name, Range: s.requires.Range,
			Msg:  fmt.Sprintf("the lock is for Python %s, the image has Python %s", want, have),
			Hint: "choose another python in the Pyfile, or change [requires] in the Pipfile and " + s.hint})
	}
}

// holds evaluates the marker of a package.
func (s *pipenvSelection) holds(p *pipenvPackage) bool {
	if p.marker.text == "" {
		return true
	}
	m, err := python.ParseMarker(p.marker.text)
	if err != nil {
		s.errorAt(p.marker.at, replace[formatPipenv], "the marker cannot be read: %v", err)
		return false
	}
	ok, err := m.Eval(s.env)
	if err != nil {
		s.errorAt(p.marker.at, replace[formatPipenv], "the marker cannot be evaluated: %v", err)
	}
	return ok && err == nil
}

func (s *pipenvSelection) artifacts(sections []string) []Artifact {
	c := newChooser(s.doc, s.hint, &s.request)
	found := foundBy(s.request.Found)
	live := map[string]*pipenvPackage{}
	var out []Artifact
	for _, name := range sections {
		i := slices.IndexFunc(s.sections, func(p pipenvSection) bool { return p.name == name })
		if i < 0 {
			continue
		}
		for _, p := range s.sections[i].packages {
			if !s.holds(p) || s.isProject(p) {
				continue
			}
			if first := live[p.name]; first != nil {
				if p.source() != first.source() {
					s.errorAt(p.at, s.hint, "%s is asked for by %q, and as %s by %q on line %d", p, p.section, first, first.section, s.doc.pos(first.at.start).Line)
				}
				continue
			}
			live[p.name] = p
			a, e := s.artifact(c, p, found)
			if e != nil {
				s.errs = append(s.errs, e)
				continue
			}
			out = append(out, a)
		}
	}
	return out
}

// source is equal for packages that are the same.
func (p *pipenvPackage) source() string {
	out := []string{p.version, p.dir, p.link.url, p.link.path}
	if p.git != nil {
		out = append(out, p.git.url, p.git.commit, p.git.subdir)
	}
	return strings.Join(out, "\n")
}

// isProject tells whether the package is the project itself, which is installed by other means.
func (s *pipenvSelection) isProject(p *pipenvPackage) bool {
	dir, ok := contextPath(s.doc.name, p.dir)
	if p.dir == "" || !ok {
		return false
	}
	project := s.request.Project
	if project == nil {
		return dir == path.Dir(s.doc.name)
	}
	return dir == path.Dir(project.File) && (!project.Name.Set() || project.Normalized == p.name)
}

// artifact is what is built or unpacked for a package.
func (s *pipenvSelection) artifact(c *chooser, p *pipenvPackage, found foundFiles) (Artifact, *pyfile.Error) {
	a := Artifact{Name: p.name, Version: p.version, Origin: s.doc.span(p.at)}
	switch {
	case p.git != nil:
		if problem, hint := p.git.problem(); problem != "" {
			return a, s.doc.errorAt(p.at, fmt.Sprintf(problem, p), cmp.Or(hint, s.hint))
		}
		return p.git.artifact(a), nil
	case p.dir != "":
		var ok bool
		if a.Path, ok = contextPath(s.doc.name, p.dir); !ok {
			return a, s.doc.errorAt(p.at, fmt.Sprintf("%s: the directory lies outside of the build context", p), outsideHint)
		}
		a.Kind = Directory
		return a, nil
	case p.link != (file{}):
		return s.link(c, p, found)
	case p.isNoPin:
		return a, s.doc.errorAt(p.noPin, fmt.Sprintf("%s is not pinned in the lock; pipenv pins nothing whose marker does not hold where it locks", p),
			`lock on Linux with the Python of the image, or give the package a version in the Pipfile; then run "pipenv lock"`)
	case len(p.hashes) == 0:
		return a, s.doc.errorAt(p.at, fmt.Sprintf("%s has no sha256 in the lock, so nobody could tell whether it changed", p), s.hint)
	}
	files := p.chosen // the lock itself stays as it is
	if e := c.lookUp(&files, p.hashes, found); e != nil {
		return a, e
	}
	return c.file(&files)
}

// link is a file that is named by address or path. Of several hashes an index tells which is that of the file.
func (s *pipenvSelection) link(c *chooser, p *pipenvPackage, found foundFiles) (Artifact, *pyfile.Error) {
	link := p.link
	hashes := p.hashes
	if link.path != "" || link.sha256 != "" {
		hashes = nil // pipenv lists those that an index has of the release, which the file need not be
	}
	if len(hashes) == 1 {
		link.sha256 = hashes[0].sha256
	}
	if f := found[p.name]; f != nil && len(hashes) > 1 {
		for _, have := range f.Files {
			if have.Name == link.filename() && slices.ContainsFunc(hashes, func(h file) bool { return h.sha256 == have.SHA256 }) {
				link.sha256 = have.SHA256
			}
		}
	}
	if link.sha256 == "" && len(hashes) > 1 {
		return Artifact{}, s.doc.errorAt(p.at, fmt.Sprintf("%s is one file and has %d hashes, and no index says which is that of the file", p, len(hashes)),
			"give the release in the Pipfile instead of the address, "+s.hint)
	}
	if link.sha256 == "" && link.url != "" {
		return Artifact{}, s.doc.errorAt(link.at, fmt.Sprintf("%s: the lock has no sha256 for %s, so nobody could tell whether it changed", p, link.filename()),
			`write "#sha256=" and the 64 digits behind the address in the Pipfile, then `+s.hint)
	}
	files := p.chosen
	if strings.HasSuffix(strings.ToLower(link.filename()), ".whl") {
		files.wheels = []file{link}
		return c.file(&files)
	}
	files.sdists = []file{link}
	a, e := c.file(&files)
	a.Kind = Archive
	return a, e
}
