package verify

import (
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/elf"
	"github.com/org/pyfile/facts"
)

// object is a shared object that the dynamic linker may find: of the system, or of an installed distribution.
type object struct {
	*elf.Object
	path         string
	library      *Library            // of the system
	distribution *facts.Distribution // nil in the system
	missing      []absent            // of the system's: what it or the libraries it needs lack
	visited      bool
}

// absent is a library that is found nowhere, and the libraries of the system that lead to the need of it.
type absent struct {
	soname string
	by     []string
}

// linker finds libraries as a dynamic linker does (ld.so(8); musl, ldso/dynlink.c).
type linker struct {
	machine string
	class   int
	dirs    []string
	links   []Link
	musl    bool
	byPath  map[string]*object
	loaded  map[string]*object // by file name and soname: installed objects that a process may have loaded before
}

func newLinker(s *System, machine string, class int) *linker {
	l := &linker{machine: machine, class: class, dirs: s.Directories, links: s.Links, musl: s.Libc == "musl", byPath: map[string]*object{}, loaded: map[string]*object{}}
	for i := range s.Libraries {
		library := &s.Libraries[i]
		if !l.fits(&library.Object) {
			continue
		}
		o := &object{Object: &library.Object, path: library.Path, library: library}
		for _, name := range library.names() {
			l.byPath[name] = o
		}
	}
	return l
}

// install adds an object of a distribution. A later one takes the place of an earlier one at the same path.
func (l *linker) install(d *facts.Distribution, from *facts.Object) {
	if !l.fits(&from.Object) {
		return
	}
	o := &object{Object: &from.Object, path: from.Path, distribution: d}
	l.byPath[from.Path] = o
	for _, name := range []string{path.Base(from.Path), from.Soname} {
		if _, taken := l.loaded[name]; !taken && name != "" {
			l.loaded[name] = o
		}
	}
}

func (l *linker) fits(o *elf.Object) bool { return o.Machine == l.machine && o.Class == l.class }

// find returns the library that an object gets for a name of DT_NEEDED, or nil.
func (l *linker) find(from *elf.Object, origin, name string) *object {
	if strings.Contains(name, "/") {
		return l.byPath[path.Clean(name)]
	}
	// DT_RUNPATH comes after LD_LIBRARY_PATH, which stands first in dirs; that it comes before the others matters more.
	search := from.RunPath
	if len(search) == 0 {
		search = from.RPath
	}
	for _, item := range search {
		for _, dir := range expand(item, origin, l.machine) {
			if o := l.byPath[path.Join(l.real(dir), name)]; o != nil {
				return o
			}
			if o := l.byPath[path.Join(dir, name)]; o != nil {
				return o
			}
		}
	}
	for _, dir := range l.dirs {
		if o := l.byPath[path.Join(dir, name)]; o != nil {
			return o
		}
	}
	// What is loaded already is found by its name alone, wherever it lies; wheels of one family rely on that, and so do those that load
	// the libraries they bring with ctypes.
	if o := l.loaded[name]; o != nil {
		return o
	}
	if l.musl && ownName(name) {
		return l.libc()
	}
	return nil
}

// ownName says whether musl takes itself for a library: glibc's parts, under any version.
func ownName(name string) bool {
	for _, part := range []string{"c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."} {
		if strings.HasPrefix(name, "lib"+part) {
			return true
		}
	}
	return false
}

// libc is musl itself, which is also the dynamic linker, or nil.
func (l *linker) libc() *object {
	for _, dir := range l.dirs {
		if o := l.byPath[path.Join(dir, "ld-musl-"+muslMachine(l.machine)+".so.1")]; o != nil {
			return o
		}
	}
	return nil
}

// muslMachine is musl's name of a machine.
func muslMachine(machine string) string {
	switch machine {
	case "i686":
		return "i386"
	case "arm":
		return "armhf"
	case "ppc64le":
		return "powerpc64le"
	}
	return machine
}

// real replaces a link at the beginning of a directory by what it leads to.
func (l *linker) real(dir string) string {
	best := Link{}
	for _, link := range l.links {
		if (dir == link.Path || strings.HasPrefix(dir, link.Path+"/")) && len(link.Path) > len(best.Path) {
			best = link
		}
	}
	if best.Path == "" {
		return dir
	}
	return path.Join(best.Target, dir[len(best.Path):])
}

// lacks returns what an object needs and does not find, also by way of the libraries of the system that it finds. Installed objects
// that it finds are judged by themselves.
func (l *linker) lacks(from *elf.Object, file string) (list []absent) {
	for _, name := range from.Needed {
		o := l.find(from, path.Dir(file), name)
		switch {
		case o == nil:
			list = append(list, absent{soname: name})
		case o.library != nil:
			for _, a := range l.systemLacks(o) {
				list = append(list, absent{a.soname, append([]string{name}, a.by...)})
			}
		}
	}
	return list
}

// systemLacks is lacks for a library of the system, each worked out once. In a circle of libraries the one that is asked first tells.
func (l *linker) systemLacks(o *object) []absent {
	if !o.visited {
		o.visited = true
		for _, a := range l.lacks(o.Object, o.path) {
			if !slices.ContainsFunc(o.missing, func(b absent) bool { return a.soname == b.soname }) {
				o.missing = append(o.missing, a)
			}
		}
	}
	return o.missing
}
