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
	sdist   bool
}

func (c *chosen) String() string {
	if c.version == "" {
		return c.name
	}
	return c.name + " " + c.version
}

// chooser picks wheels for one target. hint is the command that makes the lock anew.
type chooser struct {
	doc    *document
	hint   string
	target python.Target
	tags   []python.Tag
}

// wheel picks the wheel that fits best and checks that it can be fetched safely.
func (c *chooser) wheel(p *chosen) (Artifact, *pyfile.Error) {
	var fits []*file
	var names []string
	for i := range p.wheels {
		f := &p.wheels[i]
		if name := f.filename(); c.mayFit(name) {
			fits, names = append(fits, f), append(names, name)
		}
	}
	best, ok := python.BestWheel(names, c.tags)
	if !ok {
		return Artifact{}, c.noWheel(p)
	}
	f, name := fits[best], names[best]
	a := Artifact{Name: p.name, Version: p.version, Kind: Wheel, Filename: name, Size: f.size, Origin: c.doc.span(p.at)}
	fail := func(hint, format string, args ...any) (Artifact, *pyfile.Error) {
		return Artifact{}, c.doc.errorAt(f.at, fmt.Sprintf(format, args...), hint)
	}

	// A wheel says itself what it is; a lock that says something else was tampered with or is broken.
	w, err := python.ParseWheelName(name)
	switch {
	case err != nil:
		return fail(c.hint, "%s: %v", p, err)
	case w.Name != p.name:
		return fail(c.hint, "%s: the wheel %s is of another package", p, name)
	case p.version == "":
		a.Version = w.Version
	case !sameVersion(w.Version, p.version):
		return fail(c.hint, "%s: the wheel %s is of another version", p, name)
	}
	var problem, hint string
	if a.URL, problem, hint = fileURL(f.url); problem != "" {
		return fail(cmp.Or(hint, c.hint), problem, p)
	}
	if a.SHA256, ok = sha256Hex(f.sha256); !ok && f.sha256 != "" {
		return fail(c.hint, "%s: the sha256 of the wheel %s must be 64 hex digits", p, name)
	}
	if a.SHA256 == "" {
		return fail("use an index that gives sha256 hashes, then "+c.hint,
			"%s: the lock has no sha256 for the wheel %s, so nobody could tell whether it changed", p, name)
	}
	return a, nil
}

// mayFit passes over wheels for other machines without taking their names apart: most wheels of a lock are such. Every
// platform tag of a target is "any" or ends with its machine.
func (c *chooser) mayFit(name string) bool {
	platforms := strings.TrimSuffix(name[strings.LastIndexByte(name, '-')+1:], ".whl")
	for more := true; more; {
		var p string
		p, platforms, more = strings.Cut(platforms, ".")
		machine := p[max(0, len(p)-len(c.target.Machine)):]
		if strings.EqualFold(p, "any") || strings.EqualFold(machine, c.target.Machine) {
			return true
		}
	}
	return false
}

// sameVersion compares the version in a wheel's name with the package's. A lock may leave out the local part.
func sameVersion(wheel, locked string) bool {
	w, err := python.ParseVersion(wheel)
	if err != nil {
		return false
	}
	l, err := python.ParseVersion(locked)
	if err != nil {
		return false
	}
	return w.Compare(l) == 0 || l.Local() == "" && w.Public() == l.Public()
}

// fileURL checks the address of a file and drops its fragment. A problem is a format for the package. It never shows the
// address, which may hold a password.
func fileURL(raw string) (link, problem, hint string) {
	u, err := url.Parse(raw)
	switch {
	case raw == "" || err == nil && u.Scheme == "file":
		return "", "not supported yet: %s is a wheel on a local path", "use an index with an http or https address"
	case err != nil:
		return "", "%s: the address of the wheel is not a URL", ""
	case u.User != nil:
		return "", "%s: the address of the wheel has a user name or password in it, which everyone could read in the image's provenance",
			"take it out of the index address in pyproject.toml and out of the lock"
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", "%s: the address of the wheel must start with https://", ""
	}
	link, _, _ = strings.Cut(raw, "#")
	return link, "", ""
}

// noWheel says what was looked for and what is there.
func (c *chooser) noWheel(p *chosen) *pyfile.Error {
	e := c.doc.errorAt(p.at, "", fmt.Sprintf("choose a version of %s that has such a wheel, or another python or base image", p.name))
	// All wheels count as one with many tags, so that the nearest of all of them speaks.
	var all python.WheelName
	for i := range p.wheels {
		if w, err := python.ParseWheelName(p.wheels[i].filename()); err == nil {
			all.Tags = append(all.Tags, w.Tags...)
		}
	}
	nearest := ""
	switch len(p.wheels) {
	case 0:
	case 1:
		nearest = "; its wheel " + python.WhyNot(all, c.target)
	default:
		nearest = fmt.Sprintf("; the nearest of its %d wheels %s", len(p.wheels), python.WhyNot(all, c.target))
	}
	wanted := fmt.Sprintf("%s has no wheel for %s", p, c.target)
	switch {
	case p.sdist:
		e.Msg = "not supported yet: " + wanted + ", only an sdist" + nearest
	case len(p.wheels) == 0:
		e.Msg = p.String() + " has neither a wheel nor an sdist in the lock"
		e.Hint = c.hint
	default:
		e.Msg = wanted + nearest + ", and there is no sdist"
	}
	return e
}

// sha256Hex checks the digits of a sha256.
func sha256Hex(s string) (string, bool) {
	if len(s) != 64 {
		return "", false
	}
	s = strings.ToLower(s)
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", false
		}
	}
	return s, true
}
