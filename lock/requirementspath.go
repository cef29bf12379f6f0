package lock

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// projectFiles are those of which a directory that can be installed has one.
var projectFiles = []string{"pyproject.toml", "setup.py", "setup.cfg"}

// path reads a path of a wheel, an archive or a directory, with extras behind it.
func (r *requirementsReader) path(q *requirement, what string) {
	plain, extras := cutExtras(what)
	q.extras = append(q.extras, extras...)
	for _, e := range extras {
		if !python.ValidName(e) {
			r.errorAt(q.at, "", "%s is not the name of an extra", shown(e))
			q.broken = true
			return
		}
	}
	r.local(q, plain)
}

// localURL reads file:DIRECTORY.
func (r *requirementsReader) localURL(q *requirement, address string) {
	plain, extras := cutExtras(address)
	q.extras = append(q.extras, extras...)
	plain = plain[len("file:"):]
	if strings.HasPrefix(plain, "//") {
		plain = strings.TrimPrefix(plain, "//")
		plain = strings.TrimPrefix(plain, "localhost")
	}
	if name, err := url.PathUnescape(plain); err == nil {
		plain = name
	}
	r.local(q, plain)
}

// local finds a path in the context. pip takes it relative to the directory that it is started in, which is the root of the context
// or the directory of the requirements file; for a directory the one that has a project counts.
func (r *requirementsReader) local(q *requirement, name string) {
	var candidates []string
	for _, start := range []string{"", r.open[0]} {
		p, ok := contextPath(start, name)
		if ok && (len(candidates) == 0 || candidates[0] != p) {
			candidates = append(candidates, p)
		}
	}
	if len(candidates) == 0 {
		r.errorAt(q.at, outsideHint, "the path lies outside of the build context")
		q.broken = true
		return
	}
	if isArchive(name) {
		q.link = file{path: candidates[0], at: q.at}
		r.fileKind(q)
		return
	}
	q.kind = Directory
	var found []string
	for _, dir := range candidates {
		has := false
		for _, f := range projectFiles {
			data, known := r.files[path.Join(dir, f)]
			if !known {
				r.wanted = append(r.wanted, path.Join(dir, f))
			}
			has = has || data != nil
		}
		if has {
			found = append(found, dir)
		}
	}
	switch len(found) {
	case 0:
		q.dir = candidates[0]
		if r.allKnown(candidates) {
			r.errorAt(q.at, "a path is relative to the root of the build context", "%s has neither pyproject.toml nor setup.py", shown(q.dir))
			q.broken = true
		}
		return
	case 1:
		q.dir = found[0]
	default:
		r.errorAt(q.at, fmt.Sprintf("write ./%s for the second", found[1]), "the path could be %s or %s of the build context", shown(found[0]), shown(found[1]))
		q.broken = true
		return
	}
	if q.name == "" {
		q.name, q.inferred = r.projectName(q.dir), true
	}
	if q.name == "" {
		q.unnamed("write NAME @ file:" + q.dir)
	}
}

// allKnown tells whether the project files of the directories were asked for already.
func (r *requirementsReader) allKnown(dirs []string) bool {
	for _, dir := range dirs {
		for _, f := range projectFiles {
			if _, known := r.files[path.Join(dir, f)]; !known {
				return false
			}
		}
	}
	return true
}

// projectName is the name that the metadata of a directory gives, normalised, or "". What is wrong with them is for the build to
// say.
func (r *requirementsReader) projectName(dir string) string {
	if data := r.files[path.Join(dir, "pyproject.toml")]; data != nil {
		p, _ := ParseProject(path.Join(dir, "pyproject.toml"), data)
		name := p.Name.Value
		if name == "" {
			if n := p.doc.root.get("tool").get("poetry").get("name"); n != nil && n.kind == stringNode {
				name = n.text
			}
		}
		if python.ValidName(name) {
			return python.NormalizeName(name)
		}
	}
	section := ""
	for line := range strings.Lines(string(r.files[path.Join(dir, "setup.cfg")])) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		key, value, ok := strings.Cut(line, "=")
		if value = strings.TrimSpace(value); ok && section == "[metadata]" && strings.TrimSpace(key) == "name" && python.ValidName(value) {
			return python.NormalizeName(value)
		}
	}
	return ""
}

// include reads the file of a -r or -c, which is relative to the file that it stands in.
func (r *requirementsReader) include(o option, at span) {
	switch base := path.Base(o.text); {
	case strings.Contains(o.text, "://"):
		r.errorAt(at, "put a copy of it into the build context", "%s must be a file of the build context, not an address", o.name)
		return
	case base == "pylock.toml" || pylockName.MatchString(base):
		r.errorAt(at, fmt.Sprintf("write lock = %q in the Pyfile, without requirements files", path.Join(path.Dir(r.doc.name), o.text)),
			"pip does not read a pylock.toml that a requirements file includes")
		return
	}
	name, ok := contextPath(r.doc.name, o.text)
	if !ok {
		r.errorAt(at, outsideHint, "%s: the file lies outside of the build context", o.name)
		return
	}
	if i := slices.Index(r.open, name); i >= 0 {
		r.errorAt(at, "", "%s include each other in a circle", listing(append(slices.Clone(r.open[i:]), name), " -> "))
		return
	}
	data, known := r.files[name]
	switch {
	case !known:
		r.wanted = append(r.wanted, name)
	case data == nil:
		if r.read["absent "+name] {
			return
		}
		r.read["absent "+name] = true
		r.errorAt(at, r.nearestFile(name), "there is no file %s in the build context", shown(name))
		return
	}
	r.file(name, o.name == "--constraint")
}

// nearestFile is the hint for a file that is not there.
func (r *requirementsReader) nearestFile(name string) string {
	var known []string
	for n, data := range r.files {
		if data != nil && n != "" {
			known = append(known, n)
		}
	}
	slices.Sort(known)
	if near := pyfile.Suggest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return fmt.Sprintf("the path is relative to the file that it stands in, %s", r.doc.name)
}

// shown is a text of the user for a message; one that may hold a password is left out.
func shown(text string) string {
	const most = 80
	if strings.ContainsAny(text, "@#?") || strings.Contains(text, "//") {
		return "(not shown: it may hold a password)"
	}
	if len(text) > most {
		return fmt.Sprintf("%q...", text[:most])
	}
	return fmt.Sprintf("%q", text)
}
