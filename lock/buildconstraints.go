package lock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// ReadConstraints reads a constraints file for build requirements, in the format of pip, and returns its lines without comments, each a
// constraint on one line, in the order of the file. Hashes are allowed and stay as they are: pip then wants one for every build requirement.
//
// What the step that installs build requirements could not follow is refused: other files and paths, because it has no files of the
// context; repositories, because it need not have git; options, because the indexes are those of the Pyfile. Problems are pyfile.Errors with
// their lines.
func ReadConstraints(name string, data []byte) ([]string, error) {
	r := newRequirementsReader(map[string][]byte{name: data})
	r.builds = true
	r.file(name, true)
	if err := r.errs.Err(); err != nil {
		return nil, err
	}
	var out []string
	for _, l := range logicalLines(r.docs[name].text) {
		out = append(out, l.text)
	}
	return out, nil
}

// forBuilds refuses what a constraints file for build requirements cannot have.
func (r *requirementsReader) forBuilds(l *logicalLine, options []option) bool {
	ok := true
	refuse := func(at span, hint, format string, args ...any) {
		r.errorAt(at, hint, format, args...)
		ok = false
	}
	for _, o := range options {
		at := l.span(o.from, o.to)
		switch {
		case o.use == include:
			refuse(at, "write its lines here", "%s: constraints for builds are one file, because the step that installs build requirements sees no other", o.name)
		case o.use == editable:
			refuse(at, "", "a constraint cannot be --editable")
		case slices.Contains([]string{"--index-url", "--extra-index-url", "--find-links", "--no-index", "--trusted-host"}, o.name):
			refuse(at, `write [index.NAME] with url = "https://..." in the Pyfile`, "%s: build requirements come from the indexes of the Pyfile", o.name)
		case o.name == "--config-settings":
			refuse(at, "write [config-settings.NAME] in the Pyfile", "%s has no effect in a constraints file", o.name)
		case o.use == ofFile:
			refuse(at, "leave it out", "%s: constraints for builds are versions only", o.name)
		}
	}
	return ok
}

// BuildConstraints are the lines of a constraints file for build requirements that the lock itself brings, sorted: those of
// [tool.uv] build-constraint-dependencies, which uv.lock repeats. It is nil for other locks.
func (l *Lock) BuildConstraints() []string {
	if s, ok := l.source.(*uvLock); ok {
		return s.buildConstraints
	}
	return nil
}

// readBuildConstraints writes the build-constraints of the manifest as lines for pip. uv keeps requirements apart in tables.
func (l *uvLock) readBuildConstraints(d *decoder, manifest *node) {
	const what = "manifest.build-constraints"
	for _, n := range d.each(manifest, "build-constraints", what, tableNode) {
		name := d.typed(n, "name", what+".name", stringNode)
		if name == nil || !python.ValidName(name.text) {
			d.errorf(n.at, "%s: every item must have the name of a package", what)
			continue
		}
		line := python.NormalizeName(name.text)
		link := d.text(n, "url", what+".url")
		switch {
		case slices.ContainsFunc([]string{"git", "path", "directory", "editable"}, func(key string) bool { return n.get(key) != nil }):
			d.errs = append(d.errs, d.doc.errorAt(n.at, fmt.Sprintf("%s: %s is a repository or a path, which the step that installs build requirements cannot read", what, name.text),
				`give it a version in build-constraint-dependencies of [tool.uv], then run "uv lock"`))
			continue
		case link != "":
			line += " @ " + link
		default:
			specifier := d.text(n, "specifier", what+".specifier")
			if _, err := python.ParseSpecifiers(specifier); err != nil {
				d.errorf(n.at, "%s: the specifier of %s cannot be read", what, name.text)
			}
			line += specifier
		}
		if m := d.text(n, "marker", what+".marker"); m != "" {
			line += " ; " + m
		}
		for _, h := range d.each(n, "hashes", what+".hashes", stringNode) {
			line += " --hash=" + h.text
		}
		l.buildConstraints = append(l.buildConstraints, line)
	}
	slices.Sort(l.buildConstraints)
	l.buildConstraints = slices.Compact(l.buildConstraints)
	// A lock is not trusted to hold what it should: its lines are read like those of a user's file.
	for _, line := range l.buildConstraints {
		if _, err := ReadConstraints(d.doc.name, []byte(line)); err != nil || strings.ContainsAny(line, "\n\r") {
			d.errorf(manifest.line("build-constraints"), "%s: an item cannot be read as a constraint", what)
			return
		}
	}
}

// buildConstraints reads build-constraint-dependencies of [tool.uv]. What is no constraint is reported.
func (d *decoder) buildConstraints(uv *node) []pyfile.String {
	const what = "tool.uv.build-constraint-dependencies"
	var out []pyfile.String
	for _, s := range d.list(uv, "build-constraint-dependencies", what).Items {
		if _, err := python.ParseRequirement(s.Value); err != nil {
			d.errs = append(d.errs, &pyfile.Error{File: d.doc.name, Range: s.Range, Msg: what + ` must be requirements such as "setuptools<80"`})
			continue
		}
		out = append(out, s)
	}
	return out
}
