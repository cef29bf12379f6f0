package verify

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/org/pyfile/facts"
	"github.com/org/pyfile/python"
)

//go:embed dlopen.txt
var dlopenTable string

// use is one line of a table: a distribution that looks for something of the system by its name, a library or a program.
type use struct {
	distribution string
	names        []string // any of them will do
	unless       []string // distributions that make it needless
}

// without are the other names.
func (u use) without(name string) []string {
	return slices.DeleteFunc(slices.Clone(u.names), func(other string) bool { return other == name })
}

// parseUses reads a table of lines "distribution: NAME... [unless DISTRIBUTION...]".
func parseUses(table string) (list []use) {
	for line := range strings.Lines(table) {
		line, _, _ = strings.Cut(line, "#")
		distribution, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		names, unless, _ := strings.Cut(rest, " unless ")
		list = append(list, use{distribution, strings.Fields(names), strings.Fields(unless)})
	}
	return list
}

var openings = sync.OnceValue(func() []use { return parseUses(dlopenTable) })

// unmet calls do for each distribution that uses something of a table which is not there, with the name that is meant: the first whose
// package is known, because the distribution has one of the names.
func (c *check) unmet(table []use, found func(d *facts.Distribution, name string) bool, do func(u use, d *facts.Distribution, name, pkg string)) {
	installed := map[string]bool{}
	for _, d := range c.distributions {
		installed[python.NormalizeName(d.Name)] = true
	}
	for _, u := range table {
		for _, d := range c.distributions {
			if d.Name == "" || python.NormalizeName(d.Name) != u.distribution {
				continue
			}
			if slices.ContainsFunc(u.unless, func(name string) bool { return installed[name] }) || slices.ContainsFunc(u.names, func(name string) bool { return found(d, name) }) {
				continue
			}
			meant, pkg := u.names[0], ""
			for _, name := range u.names {
				if pkg = c.packages.of(name); pkg != "" {
					meant = name
					break
				}
			}
			do(u, d, meant, pkg)
		}
	}
}

// checkDlopen reports libraries that no ELF file names, because Python code loads them with ctypes or cffi.
func (c *check) checkDlopen() {
	c.unmet(openings(), c.opens, func(u use, d *facts.Distribution, soname, pkg string) {
		f := about(d, Dlopen, Warning)
		f.Soname, f.Package, f.Others = soname, pkg, u.without(soname)
		c.add(observation{Finding: f, text: func(f *Finding) {
			f.Short = fmt.Sprintf("%s loads %s, which is not in the image", f.subject(false), f.Soname)
			if f.Package != "" {
				f.Short += ": add the package " + f.Package
			}
			f.Message = fmt.Sprintf("%s loads %s when it is imported or used, which is not in %s", f.subject(true), strings.Join(u.names, " or "), c.base())
			f.Hint = packageHint(f)
		}})
	})
}

// opens says whether dlopen would find a library, or the distribution itself brings it, maybe under a name of its own as
// libsndfile_x86_64.so. That another distribution brings it for itself does not help.
func (c *check) opens(d *facts.Distribution, soname string) bool {
	for _, dir := range c.linker.dirs {
		if o := c.linker.byPath[path.Join(dir, soname)]; o != nil {
			return true
		}
	}
	stem, _, _ := strings.Cut(soname, ".so")
	return slices.ContainsFunc(d.Objects, func(o facts.Object) bool {
		rest, ok := strings.CutPrefix(path.Base(o.Path), stem)
		return ok && rest != "" && strings.ContainsRune(".-_", rune(rest[0])) && c.linker.fits(&o.Object)
	})
}
