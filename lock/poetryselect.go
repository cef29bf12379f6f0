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

// poetryMain is the group of the project's own dependencies, which is always installed.
const poetryMain = "main"

// selects takes what "poetry install --only main --no-root" installs, with the groups and extras asked for.
func (l *poetryLock) selects(r Request) ([]Artifact, pyfile.Errors) {
	s := &poetrySelection{
		poetryLock: l,
		request:    r,
		env:        environment(r.Target),
		python:     release(r.Target.Python),
		parsed:     map[string]*python.Marker{},
		groups:     []string{poetryMain},
		hint:       remake[formatPoetry],
	}
	if r.Project != nil && r.Project.doc != nil {
		s.tool = readPoetryProject(r.Project)
		s.errs = append(s.errs, s.tool.errs...)
	}
	s.fits()
	s.findGroups()
	s.findExtras()
	if len(s.errs) == 0 {
		s.stale()
	}
	if len(s.errs) > 0 {
		return nil, s.errs
	}
	var picked []*poetryPackage
	if l.grouped() {
		picked = s.marked()
	} else {
		picked = s.walked()
	}
	if len(s.errs) > 0 {
		return nil, s.errs
	}
	return s.artifacts(picked), s.errs
}

type poetrySelection struct {
	*poetryLock
	request Request
	tool    *poetryProject // nil when there is no pyproject.toml
	env     python.Environment
	python  python.Version            // of the target
	parsed  map[string]*python.Marker // by their text, nil for what cannot be read
	groups  []string                  // normalised, main among them
	extras  []string                  // asked for, normalised
	hint    string
	errs    pyfile.Errors
}

func (s *poetrySelection) errorAt(at span, hint, format string, args ...any) {
	s.errs = append(s.errs, s.doc.errorAt(at, fmt.Sprintf(format, args...), hint))
}

// fits checks that the lock was made for the target's Python at all: its markers assume so.
func (s *poetrySelection) fits() {
	if ok, readable := s.admits(s.poetryLock.python.Value); !readable {
		s.errs = append(s.errs, &pyfile.Error{File: s.doc.name, Range: s.poetryLock.python.Range, Hint: s.hint,
			Msg: fmt.Sprintf("python-versions must be a constraint such as \">=3.12\", not %q", s.poetryLock.python.Value)})
	} else if !ok {
		s.errs = append(s.errs, &pyfile.Error{File: s.doc.name, Range: s.poetryLock.python.Range,
			Msg:  fmt.Sprintf("the lock is for Python %s, the image has Python %s", s.poetryLock.python.Value, s.request.Target.Python),
			Hint: "choose another python in the Pyfile, or change the project's python in pyproject.toml and lock again"})
	}
}

// admits tells whether a constraint admits the target's Python.
func (s *poetrySelection) admits(constraint string) (ok, readable bool) {
	if constraint == "" || constraint == "*" {
		return true, true
	}
	c, readable := parsePoetryConstraint(constraint)
	return c.allows(s.python), readable
}

// findGroups checks the groups asked for. pyproject.toml names them; without it those count that some package is for.
func (s *poetrySelection) findGroups() {
	var known []string
	switch {
	case s.tool != nil:
		for _, g := range s.tool.groups {
			known = append(known, g.name)
		}
	default:
		for _, p := range s.packages {
			for _, g := range p.groups {
				known = append(known, python.NormalizeName(g))
			}
		}
		known = slices.DeleteFunc(known, func(g string) bool { return g == poetryMain })
	}
	for _, asked := range s.request.Groups {
		name := python.NormalizeName(asked.Value)
		switch {
		case name != poetryMain && !slices.Contains(known, name):
			s.errs = append(s.errs, unknownName(s.doc.name, "dependency group", asked, slices.Clone(known)))
		case !slices.Contains(s.groups, name):
			s.groups = append(s.groups, name)
		}
	}
}

// findExtras checks the extras asked for, all of which stand in the lock.
func (s *poetrySelection) findExtras() {
	var known []string
	for _, x := range s.poetryLock.extras {
		known = append(known, x.name)
	}
	for _, asked := range s.request.Extras {
		name := python.NormalizeName(asked.Value)
		if !slices.Contains(known, name) {
			s.errs = append(s.errs, unknownName(s.doc.name, "extra", asked, slices.Clone(known)))
			continue
		}
		if !slices.Contains(s.extras, name) {
			s.extras = append(s.extras, name)
		}
	}
}

// marked are the packages of a lock of version 2.1 whose markers hold for one of the groups.
func (s *poetrySelection) marked() []*poetryPackage {
	var out []*poetryPackage
	env := s.env
	env.Extra = s.extras
	for _, p := range s.packages {
		if slices.ContainsFunc(p.groups, func(group string) bool {
			if !slices.Contains(s.groups, python.NormalizeName(group)) {
				return false
			}
			m := p.marker
			if p.markers != nil {
				m = p.markers[group] // a group without one needs the package always
			}
			return s.holds(m.text, env, func(format string, args ...any) { s.errorAt(m.at, s.hint, format, args...) })
		}) {
			out = append(out, p)
		}
	}
	return out
}

// holds evaluates a marker. One that cannot be evaluated is reported once and does not hold.
func (s *poetrySelection) holds(text string, env python.Environment, report func(format string, args ...any)) bool {
	if text == "" || text == "*" {
		return true
	}
	parsed, known := s.parsed[text]
	if !known {
		m, err := python.ParseMarker(text)
		if err != nil {
			report("the marker cannot be read: %v", err)
		} else {
			parsed = &m
		}
		s.parsed[text] = parsed
	}
	if parsed == nil {
		return false
	}
	ok, err := parsed.Eval(env)
	if err != nil {
		report("the marker cannot be evaluated: %v", err)
		s.parsed[text] = nil
	}
	return ok && err == nil
}

// artifacts turns the packages into files.
func (s *poetrySelection) artifacts(picked []*poetryPackage) []Artifact {
	c := newChooser(s.doc, s.hint, &s.request)
	found := foundBy(s.request.Found)
	live := make(map[string]*poetryPackage, len(picked))
	out := make([]Artifact, 0, len(picked))
	for _, p := range picked {
		if first := live[p.name]; first != nil {
			s.errorAt(p.at, s.hint, "%s and %s are both needed for %s", p, first, s.request.Target)
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
	return out
}

// artifact is what is built or unpacked for a package.
func (s *poetrySelection) artifact(c *chooser, p *poetryPackage, found foundFiles) (Artifact, *pyfile.Error) {
	a := Artifact{Name: p.name, Version: p.version, Subdir: p.source.subdir, Origin: s.doc.span(p.at)}
	switch p.source.kind {
	case "git":
		g := p.source.git()
		if problem, hint := g.problem(); problem != "" {
			return a, s.doc.errorAt(p.source.at, fmt.Sprintf(problem, p), cmp.Or(hint, s.hint))
		}
		return g.artifact(a), nil
	case "directory":
		var ok bool
		if a.Path, ok = contextPath(s.doc.name, p.source.url); !ok {
			return a, s.doc.errorAt(p.source.at, fmt.Sprintf("%s: the directory %q lies outside of the build context", p, p.source.url), outsideHint)
		}
		a.Kind = Directory
		return a, nil
	case "url", "file":
		return s.single(c, p)
	}
	if !slices.ContainsFunc(p.files, func(f file) bool { return f.sha256 != "" }) {
		return a, s.doc.errorAt(p.at, fmt.Sprintf("%s: the lock has no sha256 of a file, so nobody could tell what it is", p), s.hint)
	}
	filled := p.chosen // what is found is for this selection only
	if e := c.lookUp(&filled, p.files, s.ofVersion(p, found)); e != nil {
		return a, e
	}
	return c.file(&filled)
}

// single is the one file of a package at a URL or a path of its own. The lock lists its hash under its name.
func (s *poetrySelection) single(c *chooser, p *poetryPackage) (Artifact, *pyfile.Error) {
	f := file{at: p.source.at}
	if p.source.kind == "url" {
		f.url = p.source.url
	} else {
		f.path = p.source.url
	}
	name := f.filename()
	for _, listed := range p.files {
		if listed.name == name || len(p.files) == 1 && listed.name == "" {
			f.sha256 = listed.sha256
		}
	}
	filled := p.chosen
	if strings.HasSuffix(name, ".whl") {
		filled.wheels = []file{f}
		return c.file(&filled)
	}
	filled.sdists = []file{f}
	a, e := c.file(&filled)
	a.Kind, a.Subdir = Archive, p.source.subdir
	return a, e
}

// ofVersion leaves out files of other versions, where the lock keeps the files of all versions of a package together.
func (s *poetrySelection) ofVersion(p *poetryPackage, found foundFiles) foundFiles {
	if _, shared := s.shared[p.name]; !shared || len(s.byName[p.name]) == 1 || found[p.name] == nil {
		return found
	}
	own := *found[p.name]
	own.Files = slices.DeleteFunc(slices.Clone(own.Files), func(f index.File) bool {
		if w, err := python.ParseWheelName(f.Name); err == nil {
			return !python.SameVersion(w.Version, p.version)
		}
		_, version, err := python.ParseSdistName(path.Base(f.Name))
		return err == nil && !python.SameVersion(version, p.version)
	})
	return foundFiles{p.name: &own}
}
