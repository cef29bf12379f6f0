package lock

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// file is one file that a lock lists for a package, as the lock writes it.
type file struct {
	name   string // "" means the last part of url
	url    string
	path   string // of a file beside the lock, when there is no url
	sha256 string // as the lock has it; "" when it has none
	size   int64
	at     span
}

// filename is the name that tells a wheel's tags.
func (f *file) filename() string {
	if f.name != "" {
		return f.name
	}
	name := f.url
	if name == "" {
		name = strings.ReplaceAll(f.path, `\`, "/")
	} else if i := strings.IndexAny(name, "?#"); i >= 0 {
		name = name[:i]
	}
	name = name[strings.LastIndexByte(name, '/')+1:]
	if f.url != "" && strings.Contains(name, "%") {
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
	}
	return name
}

// chosen is a package whose file is looked for.
type chosen struct {
	name    string // normalised
	version string // "" when the lock has none
	at      span   // its name in the lock
	wheels  []file
	sdists  []file // one in most formats; of several in an index the first
	unfound bool   // no index has some file that the lock lists by hash
}

func (c *chosen) String() string {
	if c.version == "" {
		return c.name
	}
	return c.name + " " + c.version
}

// chooser picks files for one target. hint is the command that makes the lock anew.
type chooser struct {
	doc        *document
	hint       string
	target     python.Target
	wheels     *python.Selector
	fromSource map[string]pyfile.String // what the Pyfile wants built although there is a wheel, by normalised name
}

func newChooser(doc *document, hint string, r *Request) *chooser {
	c := &chooser{doc: doc, hint: hint, target: r.Target, wheels: python.NewSelector(r.Target.Tags())}
	if len(r.FromSource) > 0 {
		c.fromSource = make(map[string]pyfile.String, len(r.FromSource))
		for _, s := range r.FromSource {
			if name := python.NormalizeName(s.Value); !c.fromSource[name].Set() {
				c.fromSource[name] = s
			}
		}
	}
	return c
}

// of is the chooser for packages that stand in another file.
func (c *chooser) of(doc *document) *chooser {
	other := *c
	other.doc = doc
	return &other
}

// file picks the wheel that fits best, else the sdist, and checks that it can be fetched safely. What the Pyfile wants built is the
// sdist in any case.
func (c *chooser) file(p *chosen) (Artifact, *pyfile.Error) {
	if asked, ok := c.fromSource[p.name]; ok && len(p.wheels) > 0 {
		if len(p.sdists) == 0 {
			return Artifact{}, c.noSdist(p, asked)
		}
		return c.sdist(p, "from-source names it")
	}
	names := make([]string, len(p.wheels))
	for i := range p.wheels {
		names[i] = p.wheels[i].filename()
	}
	best, ok := c.wheels.Best(names)
	switch {
	case !ok && len(p.sdists) == 0:
		return Artifact{}, c.noWheel(p)
	case !ok:
		return c.sdist(p, c.whyNoWheel(p))
	}
	f, name := &p.wheels[best], names[best]
	a := Artifact{Name: p.name, Version: p.version, Kind: Wheel, Filename: name}

	// A wheel says itself what it is; a lock that says something else was tampered with or is broken.
	w, err := python.ParseWheelName(name)
	switch {
	case err != nil:
		return Artifact{}, c.errorf(f, c.hint, "%s: %v", p, err)
	case w.Name != p.name:
		return Artifact{}, c.errorf(f, c.hint, "%s: the wheel %s is of another package", p, name)
	case p.version == "":
		a.Version = w.Version
	case !python.SameVersion(w.Version, p.version):
		return Artifact{}, c.errorf(f, c.hint, "%s: the wheel %s is of another version", p, name)
	}
	return c.located(p, f, a)
}

// sdist is the first sdist of a package. why says why it is not a wheel.
func (c *chooser) sdist(p *chosen, why string) (Artifact, *pyfile.Error) {
	f := &p.sdists[0]
	return c.located(p, f, Artifact{Name: p.name, Version: p.version, Kind: Sdist, Filename: f.filename(), NoWheel: why})
}

func (c *chooser) errorf(f *file, hint, format string, args ...any) *pyfile.Error {
	return c.doc.errorAt(f.at, fmt.Sprintf(format, args...), hint)
}

// located adds to an artifact where its file is. A file of the context needs no hash: BuildKit sees when it changes.
func (c *chooser) located(p *chosen, f *file, a Artifact) (Artifact, *pyfile.Error) {
	a.Size, a.Origin = f.size, c.doc.span(p.at)
	var ok bool
	if a.SHA256, ok = sha256Hex(f.sha256); !ok && f.sha256 != "" {
		return Artifact{}, c.errorf(f, c.hint, "%s: the sha256 of %s must be 64 hex digits", p, a.Filename)
	}
	if f.url == "" && f.path != "" {
		if a.Path, ok = contextPath(c.doc.name, f.path); !ok {
			return Artifact{}, c.errorf(f, outsideHint, "%s: the file %q lies outside of the build context", p, shownPath(f.path))
		}
		return a, nil
	}
	var problem, hint string
	if a.URL, problem, hint = fileURL(f.url); problem != "" {
		return Artifact{}, c.errorf(f, cmp.Or(hint, c.hint), problem, p)
	}
	if a.SHA256 == "" {
		return Artifact{}, c.errorf(f, "use an index that gives sha256 hashes, then "+c.hint,
			"%s: the lock has no sha256 for %s, so nobody could tell whether it changed", p, a.Filename)
	}
	return a, nil
}

// fileURL checks the address of a file and drops its fragment. A problem is a format for the package. It never shows the
// address, which may hold a password.
func fileURL(raw string) (link, problem, hint string) {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return "", "%s: the lock names neither an address nor a path of the file", ""
	case err != nil:
		return "", "%s: the address of the file is not a URL", ""
	case u.User != nil:
		return "", "%s: the address of the file has a user name or password in it, which everyone could read in the image's provenance",
			"take it out of the index address in pyproject.toml and out of the lock"
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", "%s: the address of the file must start with https://", ""
	}
	link, _, _ = strings.Cut(raw, "#")
	return link, "", ""
}

// noWheel is the error for a package without any file that fits.
func (c *chooser) noWheel(p *chosen) *pyfile.Error {
	if len(p.wheels) == 0 {
		return c.doc.errorAt(p.at, p.String()+" has neither a wheel nor an sdist in the lock", c.hint)
	}
	return c.doc.errorAt(p.at, fmt.Sprintf("%s has %s, and there is no sdist", p, c.whyNoWheel(p)),
		fmt.Sprintf("choose a version of %s that has such a wheel, or another python or base image", p.name))
}

// whyNoWheel says what was looked for and what is there: "no wheel for ...; the nearest of its 2 wheels needs ...".
func (c *chooser) whyNoWheel(p *chosen) string {
	// All wheels count as one with many tags, so that the nearest of all of them speaks.
	var all python.WheelName
	for i := range p.wheels {
		if w, err := python.ParseWheelName(p.wheels[i].filename()); err == nil {
			all.Tags = append(all.Tags, w.Tags...)
		}
	}
	why := fmt.Sprintf("no wheel for %s", c.target)
	switch len(p.wheels) {
	case 0:
		return why
	case 1:
		return why + "; its wheel " + python.WhyNot(all, c.target)
	}
	return fmt.Sprintf("%s; the nearest of its %d wheels %s", why, len(p.wheels), python.WhyNot(all, c.target))
}

// sha256Hex checks the digits of a sha256 and makes them lower-case.
func sha256Hex(s string) (string, bool) {
	if len(s) != 64 {
		return "", false
	}
	upper := false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
		case c >= 'A' && c <= 'F':
			upper = true
		default:
			return "", false
		}
	}
	if upper {
		s = strings.ToLower(s)
	}
	return s, true
}
