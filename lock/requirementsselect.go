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

// packageNames are those of all requirements. Constraints alone ask for nothing.
func (s *requirementsSet) packageNames() []string {
	var out []string
	for _, q := range s.requirements {
		if q.name != "" {
			out = append(out, q.name)
		}
	}
	return out
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
	c := &requirementsChooser{requirementsSet: s, request: r, env: environment(r.Target), chooser: newChooser(nil, compileHint, &r), found: foundBy(r.Found)}
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
	chooser  *chooser // without a document
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
	ch := c.chooser.of(m.doc)
	p := chosen{name: m.name, version: m.pin, at: m.at}
	switch m.kind {
	case Git:
		return m.git.artifact(a), nil
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
	return ch.controlled(&p, &c.formats, ch.file)
}

// compileHint is how to make a set of requirements with hashes.
const compileHint = `run "uv pip compile --generate-hashes requirements.in -o requirements.txt", or "pip-compile --generate-hashes"`

// belowLock writes a path of the context as a file of a directory names it.
func belowLock(from, file string) string {
	depth := strings.Count(path.Clean(from), "/")
	return strings.Repeat("../", depth) + file
}
