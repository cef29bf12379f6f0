package diagnosis

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// packagesFile lists the packages that bring what builds ask for most, so that a hint can be given where the package database cannot be asked.
// A line is a list of wants, the packages of Debian, and those of Alpine, separated by "|". "-" stands for none.
//
//go:embed packages.txt
var packagesFile string

// provision is the packages that bring a want, by distribution.
type provision struct{ debian, alpine []string }

var provisions = sync.OnceValue(func() map[string]provision {
	all := map[string]provision{}
	for l := range strings.Lines(packagesFile) {
		l, _, _ = strings.Cut(l, "#")
		fields := strings.Split(l, "|")
		if len(fields) != 3 {
			continue
		}
		list := func(i int) []string {
			return slices.DeleteFunc(strings.Fields(fields[i]), func(name string) bool { return name == "-" })
		}
		for _, want := range list(0) {
			all[want] = provision{list(1), list(2)}
		}
	}
	return all
})

// packagesFor are the packages that bring all the wants, in their order, or none when one of them is not known.
func packagesFor(wants []string, distribution string) []string {
	var packages []string
	for _, want := range wants {
		p := provisions()[want]
		names := p.debian
		if distribution == "alpine" {
			names = p.alpine
		}
		if len(names) == 0 {
			return nil
		}
		for _, name := range names {
			if !slices.Contains(packages, name) {
				packages = append(packages, name)
			}
		}
	}
	return packages
}

// known is the want that a bare name stands for, empty when the list has none.
func known(name string) string {
	for _, prefix := range []string{"program:", "pkgconfig:", "library:", "header:", "cmake:"} {
		if _, ok := provisions()[prefix+name]; ok {
			return prefix + name
		}
	}
	return ""
}
