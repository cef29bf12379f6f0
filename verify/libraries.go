package verify

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/elf"
	"github.com/org/pyfile/facts"
)

// checkObjects judges every ELF file of every distribution.
func (c *check) checkObjects() {
	for _, d := range c.distributions {
		foreign, present := 0, 0
		var others []*facts.Object // for another C library
		own := false               // something is for that of the system
		for i := range d.Objects {
			o := &d.Objects[i]
			if !c.stays(d, o) {
				continue
			}
			if present++; !c.linker.fits(&o.Object) {
				foreign++
				continue
			}
			if c.otherLibc(o) {
				others = append(others, o)
				continue // its other needs would only say the same again
			}
			own = own || objectLibc(&o.Object) != ""
			c.checkLibraries(d, o)
			c.checkVersions(d, o)
		}
		// A package that has objects for several machines or C libraries picks its own when it runs.
		if foreign > 0 && foreign == present {
			c.addForeign(d)
		}
		for _, o := range others {
			if !own {
				c.addOtherLibc(d, o)
			}
		}
	}
}

// checkLibraries reports the libraries that an object does not find.
func (c *check) checkLibraries(d *facts.Distribution, o *facts.Object) {
	for _, a := range c.linker.lacks(&o.Object, o.Path) {
		f := about(d, MissingLibrary, severe(d.Built))
		f.Path, f.Soname, f.Others = o.Path, a.soname, a.by
		fromHost := hostLibrary(a.soname)
		if fromHost {
			f.Severity = Notice
		} else {
			f.Package = c.packages.of(a.soname)
		}
		c.add(observation{Finding: f, text: func(f *Finding) {
			where := "which is not in the image"
			if fromHost {
				where = "which the driver of the host must bring when the container starts"
			}
			by := ""
			if len(f.Others) > 0 {
				by = fmt.Sprintf(" (needed by %s)", strings.Join(f.Others, ", by way of "))
			}
			f.Short = fmt.Sprintf("%s needs %s%s, %s", f.subject(false), f.Soname, by, where)
			if f.Package != "" {
				f.Short += ": add the package " + f.Package
			}
			f.Message = fmt.Sprintf("%s (%s): %s %s%s, %s", f.subject(true), f.Provenance, f.objects("needs", "need"), f.Soname, by, strings.Replace(where, "the image", c.base(), 1))
			if !fromHost {
				f.Hint = packageHint(f)
			}
		}})
	}
}

// packageHint says what to write into the Pyfile for a library or program.
func packageHint(f *Finding) string {
	switch owner := wheelOf(f.Soname); {
	case f.Package != "":
		return fmt.Sprintf("add to [apt]: run = [%q]", f.Package)
	case owner != "":
		return fmt.Sprintf("%s comes with the Python package %s: add that to the dependencies", f.Soname, owner)
	}
	name := cmp.Or(f.Soname, f.Program)
	return fmt.Sprintf("add the package that has %s to [apt] run, or, if this part is not used, add to [verify]: ignore = [%q]", name, name)
}

// hostLibrary says whether a library belongs to the driver of a device, which a container gets from its host.
func hostLibrary(soname string) bool {
	stem, _, _ := strings.Cut(soname, ".so")
	return slices.Contains([]string{"libcuda", "libnvidia-ml", "libnvcuvid", "libnvidia-encode", "libnvidia-opticalflow", "libnvoptix"}, stem)
}

// addForeign reports a distribution that has objects, but none for the target.
func (c *check) addForeign(d *facts.Distribution) {
	for i := range d.Objects {
		f := about(d, Architecture, Warning)
		f.Path = d.Objects[i].Path
		f.Others = []string{d.Objects[i].Machine}
		c.add(observation{Finding: f, text: func(f *Finding) {
			f.Short = fmt.Sprintf("%s has shared objects for %s only, the image is for %s", f.subject(false), f.Others[0], c.Machine)
			f.Message = fmt.Sprintf("%s (%s): %s for %s; none is for %s", f.subject(true), f.Provenance, f.objects("is", "are"), f.Others[0], c.Machine)
			f.Hint = "choose a release that has a wheel for this platform, or build it with [dependencies] from-source"
		}})
	}
}

// otherLibc says whether an object is made for another C library than those of the system.
func (c *check) otherLibc(o *facts.Object) bool {
	needs := objectLibc(&o.Object)
	if needs == "" || c.System.Libc == "" || needs == c.System.Libc {
		return false
	}
	for _, name := range slices.Concat(o.Needed, []string{path.Base(o.Interpreter)}) {
		// A system may have both, as Alpine has with gcompat.
		if libcNames(name) == needs && (strings.HasPrefix(name, "ld-") || needs == "musl") && c.linker.find(&o.Object, path.Dir(o.Path), name) != nil {
			return false
		}
	}
	return true
}

// addOtherLibc reports an object that is made for another C library.
func (c *check) addOtherLibc(d *facts.Distribution, o *facts.Object) {
	needs := objectLibc(&o.Object)
	f := about(d, Libc, severe(d.Built))
	f.Path = o.Path
	f.Others = []string{needs}
	c.add(observation{Finding: f, group: needs, text: func(f *Finding) {
		f.Short = fmt.Sprintf("%s is made for %s, the image has %s", f.subject(false), f.Others[0], c.System.Libc)
		f.Message = fmt.Sprintf("%s (%s): %s %s; %s has %s", f.subject(true), f.Provenance, f.objects("needs", "need"), f.Others[0], c.base(), c.System.Libc)
		f.Hint = fmt.Sprintf("use a base with %s, or a wheel that is made for %s", f.Others[0], c.System.Libc)
	}})
}

// objectLibc is the C library that an object was linked with: "glibc", "musl", or "" if it tells nothing.
func objectLibc(o *elf.Object) string {
	for _, name := range append(slices.Clone(o.Needed), path.Base(o.Interpreter)) {
		if libc := libcNames(name); libc != "" {
			return libc
		}
	}
	return ""
}

// libcNames is the C library that a file name is a part of.
func libcNames(name string) string {
	switch {
	case strings.HasPrefix(name, "libc.musl-"), strings.HasPrefix(name, "ld-musl-"):
		return "musl"
	case name == "libc.so.6", strings.HasPrefix(name, "ld-linux"), strings.HasPrefix(name, "ld64.so."), name == "libc.so.6.1":
		return "glibc"
	}
	return ""
}

// checkVersions reports the libraries of the system that are too old for an object.
func (c *check) checkVersions(d *facts.Distribution, o *facts.Object) {
	for _, n := range o.Needs {
		found := c.linker.find(&o.Object, path.Dir(o.Path), n.Library)
		if found == nil || found.library == nil || len(found.Defines) == 0 || defines(found.Defines, n.Version) {
			continue
		}
		kind := Symbols
		if libcNames(n.Library) != "" || strings.HasPrefix(n.Version, "GLIBC_") {
			kind = Libc
		}
		series := strings.TrimRight(n.Version, "0123456789.")
		f := about(d, kind, severe(d.Built))
		f.Path, f.Soname = o.Path, n.Library
		if kind == Libc {
			f.Soname = "libc.so.6" // whichever part of it defines the version
		}
		c.add(observation{Finding: f, group: series, value: n.Version, text: func(f *Finding) { c.tooOld(f, n.Version, found) }})
	}
}

// tooOld writes the text of a finding about a version that a library does not define.
func (c *check) tooOld(f *Finding, version string, found *object) {
	has := "an older one"
	if f.Kind == Libc {
		has = "glibc " + c.System.LibcVersion
	} else if same := highest(found.Defines, version); same != "" {
		has = same
	}
	f.Short = fmt.Sprintf("%s needs %s of %s, the image has %s", f.subject(false), version, f.Soname, has)
	f.Message = fmt.Sprintf("%s (%s): %s %s of %s; %s has %s", f.subject(true), f.Provenance, f.objects("needs", "need"), version, f.Soname, c.base(), has)
	f.Hint = "use a newer base, or a release with a wheel for an older one"
	if f.Provenance == Built {
		f.Hint = "use a builder of the same release as the base, or a newer base"
	}
}

// defines says whether a version is defined. One of the same series with a higher number defines it too, as libraries only add.
func defines(list []string, version string) bool {
	return slices.ContainsFunc(list, func(v string) bool {
		return v == version || elf.SameSeries(v, version) && elf.CompareVersions(v, version) > 0
	})
}

// highest returns the highest version of a series.
func highest(list []string, like string) (best string) {
	for _, v := range list {
		if elf.SameSeries(v, like) && (best == "" || elf.CompareVersions(v, best) > 0) {
			best = v
		}
	}
	return best
}
