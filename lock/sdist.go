package lock

import (
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// indexFile picks the file of a package that comes from an index.
func (c *chooser) indexFile(p *chosen) (Artifact, *pyfile.Error) {
	a, e := c.file(p)
	if e == nil && a.Kind == Sdist {
		e = c.sdistOf(p, a.Filename)
	}
	if e != nil {
		return Artifact{}, e
	}
	return a, nil
}

// sdistOf checks that the name of an index's sdist is of the package, as indexes and installers demand (PEP 625, and the older names
// with any spelling of the name). An archive at an address of its own may have any name.
func (c *chooser) sdistOf(p *chosen, filename string) *pyfile.Error {
	stem, ok := sdistStem(filename)
	if !ok {
		return c.errorf(&p.sdists[0], c.hint, "%s: %s is not the name of an sdist", p, filename)
	}
	named := false
	for i := range len(stem) {
		if stem[i] != '-' || python.NormalizeName(stem[:i]) != p.name {
			continue
		}
		named = true
		if p.version == "" || python.SameVersion(stem[i+1:], p.version) {
			return nil
		}
	}
	if named {
		return c.errorf(&p.sdists[0], c.hint, "%s: the sdist %s is of another version", p, filename)
	}
	return c.errorf(&p.sdists[0], c.hint, "%s: the sdist %s is of another package", p, filename)
}

func sdistStem(filename string) (string, bool) {
	for _, s := range sdistSuffixes {
		if stem, ok := strings.CutSuffix(filename, s); ok && stem != "" {
			return stem, true
		}
	}
	return "", false
}
