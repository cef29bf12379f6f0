package distro

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// mostProviders is how many packages are named for one thing.
const mostProviders = 5

// firsts are preferred to other packages that have a file at the same place.
var firsts = []string{"libopenblas-dev", "libhdf5-dev", "libncurses-dev", "libgl-dev", "libc6-dev", "libopenblas0-pthread"}

// odd are parts of the names of packages that are for another machine, another C library, or debugging.
var odd = []string{"-cross", "-dbg", "-debug", "mingw", "-udeb", "klibc", "dietlibc", "musl", "uclibc", "-none-", "-avr", "djgpp", "wine", "-emscripten", "lib32", "libx32", "lib64", "-i386", "-amd64-"}

// providers are the packages that have one wanted thing, each with the smallest distance of its file.
type providers map[string]int

func (ps providers) add(name string, distance int) {
	if before, known := ps[name]; !known || distance < before {
		ps[name] = distance
	}
}

// ranked returns the packages, best first.
func (ps providers) ranked(w Want) []string {
	list := slices.Sorted(maps.Keys(ps))
	development := w.Kind == Header || w.Kind == Library || w.Kind == PkgConfig
	demerit := func(name string) int {
		d := 0
		if slices.ContainsFunc(odd, func(part string) bool { return strings.Contains(name, part) }) {
			d += 2
		}
		if strings.HasSuffix(name, "-dev") != development && w.Kind != Program {
			d++
		}
		return d
	}
	first := func(name string) int {
		if i := slices.Index(firsts, name); i >= 0 {
			return i
		}
		return len(firsts)
	}
	slices.SortStableFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(demerit(a), demerit(b)), cmp.Compare(ps[a], ps[b]), cmp.Compare(first(a), first(b)), cmp.Compare(len(a), len(b)))
	})
	return list[:min(len(list), mostProviders)]
}
