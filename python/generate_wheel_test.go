//go:build differential

package python

import (
	"fmt"
	"slices"
	"strings"
)

func (g generator) tags() string {
	several := func(percent int, of ...string) string {
		s := pick(g, of...)
		for g.chance(percent) {
			s += "." + pick(g, of...)
		}
		if g.chance(50) {
			parts := strings.Split(s, ".")
			slices.Sort(parts)
			s = strings.Join(parts, ".")
		}
		return s
	}
	return several(15, "py3", "py2", "cp313", "CP312", "cp39", "cp314", "py313", "pp310", "cp38") + "-" +
		several(10, "none", "none", "abi3", "abi3t", "cp313", "cp312", "cp313t", "cp314t") + "-" +
		several(30, "any", "any", "linux_x86_64", "manylinux_2_17_x86_64", "manylinux2014_aarch64", "manylinux_2_28_aarch64",
			"manylinux1_x86_64", "manylinux_2_42_x86_64", "musllinux_1_2_x86_64", "musllinux_1_1_aarch64",
			"macosx_11_0_arm64", "win_amd64", "linux_armv7l")
}

func (g generator) wheel() string {
	name := strings.NewReplacer("-", "_").Replace(g.name())
	build := g.maybe(20, "-1", "-2a", "-10", "-01", "-1_x", "-0", "-3.4")
	return name + "-" + strings.ReplaceAll(g.version(false), "-", "_") + build + "-" + g.tags() + ".whl"
}

func (g generator) sdist() string {
	return g.name() + "-" + strings.ReplaceAll(g.version(false), "-", "_") + pick(g, ".tar.gz", ".tar.gz", ".zip")
}

// sdistOf asks for the version in the name of a file, of this project or another.
func (g generator) sdistOf() question {
	project := g.name()
	name := project
	switch g.IntN(4) {
	case 0:
		name = NormalizeName(project)
	case 1:
		name = strings.ReplaceAll(NormalizeName(project), "-", "_")
	}
	number := g.version(true)
	if g.chance(70) {
		number = strings.TrimSpace(number)
	}
	if g.chance(5) { // which looks like the start of the ending
		number = strings.Split(number, "+")[0] + "+x.tar"
	}
	ending := pick(g, ".tar.gz", ".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar", ".tbz", ".txz", ".tar.lzma", ".tar.lz", ".tlz",
		".whl", ".egg", ".TAR.GZ", ".tar.zip", ".exe", "")
	filename := g.mutated(name+"-"+number) + ending
	if g.chance(10) {
		project = g.name()
	}
	return askSdistOf(filename, project)
}

// targets are every CPython from 3.9 to 3.15, with and without its lock where there is the choice, with every C library on every machine.
func targets() []Target {
	libcs := []Libc{
		{"glibc", 2, 17}, {"glibc", 2, 28}, {"glibc", 2, 31}, {"glibc", 2, 36}, {"glibc", 2, 41}, {"glibc", 2, 42}, {"musl", 1, 1}, {"musl", 1, 2},
	}
	machines := []string{"x86_64", "aarch64", "armv7l", "i686", "ppc64le", "s390x", "riscv64", "loongarch64", "armv6l"}
	var ts []Target
	for _, python := range []string{"3.9.0", "3.10.18", "3.11.13", "3.12.11", "3.13.5", "3.14.0rc1", "3.15.0a1"} {
		v, err := ParseVersion(python)
		if err != nil {
			panic(err)
		}
		for _, machine := range machines {
			for _, libc := range libcs {
				ts = append(ts, Target{Python: v, Machine: machine, Libc: libc})
				if v.Release()[1] >= 13 {
					ts = append(ts, Target{Python: v, Machine: machine, Libc: libc, FreeThreaded: true})
				}
			}
		}
	}
	return ts
}

func (g generator) best() question {
	t := pick(g, slices.DeleteFunc(targets(), func(t Target) bool { return t.minor() != 13 })...)
	wheels := make([]string, 1+g.IntN(12))
	tags := g.tags()
	for i := range wheels {
		switch g.IntN(5) {
		case 0, 1: // another build, or the same one again
		case 2:
			tags = g.tags()
		default:
			tags = pick(g, "cp313-cp313", "cp313-cp313t", "cp312-abi3", "cp39-abi3", "cp313-abi3t", "py3-none", "cp313-none", "py2.py3-none") + "-" +
				pick(g, "any", "manylinux_2_17_M.manylinux2014_M", "manylinux_2_28_M", "manylinux_2_36_M", "linux_M", "musllinux_1_1_M", "musllinux_1_2_M")
			tags = strings.ReplaceAll(tags, "M", t.Machine)
		}
		wheels[i] = "a-1.0" + g.maybe(40, "-1", "-01", "-2", "-10", "-2b") + "-" + tags + ".whl"
	}
	return question{Kind: "best", Args: []any{wheels, packagingTarget(t)}, ours: func() (string, error) {
		if i, ok := BestWheel(wheels, t.Tags()); ok {
			return fmt.Sprint(i), nil
		}
		return "none", nil
	}}
}
