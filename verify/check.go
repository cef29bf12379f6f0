package verify

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/pyfile/elf"
	"github.com/org/pyfile/facts"
	"github.com/org/pyfile/python"
)

// Options say what Check judges.
type Options struct {
	System  *System        // the base, with all packages that the image will have
	Builder *System        // where distributions were built, nil if there was no such image; it tells what package has a library
	Python  python.Version // of the image: 3.13.5
	Machine string         // as uname prints it
	Facts   []*facts.Facts // of all that is installed, in the order of layers
	Locked  []string       // what the lock says is installed, as NAME==VERSION; only where another build installed it
	Ignore  []string       // sonames, programs, names of distributions and paths whose findings are left out, see ignores
}

// Check judges an image. An error says that it could not; what is wrong with the image is in the report.
func Check(o Options) (*Report, error) {
	ignored, err := parseIgnores(o.Ignore)
	if err != nil {
		return nil, err
	}
	if o.System == nil || o.Machine == "" {
		return nil, errors.New("a check needs the description of a system and a machine")
	}
	c := &check{Options: o, machine: elf.Machine(o.Machine), packages: packages{system: o.System, builder: o.Builder}, files: map[string]installedFile{}}
	for _, f := range o.Facts {
		for i := range f.Distributions {
			c.distributions = append(c.distributions, &f.Distributions[i])
		}
	}
	c.checkCollisions() // first, as it finds which files are there in the end
	c.index()
	c.checkObjects()
	c.checkDlopen()
	c.checkPrograms()
	c.checkRequirements()
	c.checkLocked()
	kept := ignored.filter(c.found)
	kept = append(kept, ignored.unused()...)
	r := &Report{Findings: merge(kept)}
	for _, f := range r.Findings {
		if f.Package != "" && (f.Kind == MissingLibrary || f.Kind == Dlopen || f.Kind == Program) {
			r.Packages = append(r.Packages, f.Package)
		}
	}
	slices.Sort(r.Packages)
	r.Packages = slices.Compact(r.Packages)
	return r, nil
}

// check is the work of Check.
type check struct {
	Options
	machine       string // in the form of package elf
	class         int
	packages      packages
	distributions []*facts.Distribution
	linker        *linker
	files         map[string]installedFile // by path
	found         []observation
}

func (c *check) add(o observation) { c.found = append(c.found, o) }

// about begins an observation about a distribution.
func about(d *facts.Distribution, kind Kind, severity Severity) Finding {
	return Finding{Kind: kind, Severity: severity, Distribution: d.Name, Version: d.Version, Provenance: provenance(d.Built)}
}

// index lists all objects by the paths and names by which they are found.
func (c *check) index() {
	c.class = machineClass(c.machine)
	c.linker = newLinker(c.System, c.machine, c.class)
	for _, d := range c.distributions {
		for i := range d.Objects {
			if c.stays(d, &d.Objects[i]) {
				c.linker.install(d, &d.Objects[i])
			}
		}
	}
}

// stays says whether an object is in the image, and not replaced by a file of a later distribution.
func (c *check) stays(d *facts.Distribution, o *facts.Object) bool {
	f, listed := c.files[o.Path]
	return !listed || f.distribution == d
}

// machineClass is the number of bits of an address of a machine.
func machineClass(machine string) int {
	switch machine {
	case "i686", "arm", "x32":
		return 32
	}
	return 64
}

// libcVersion returns the numbers of a version like "2.41".
func libcVersion(text string) (major, minor int, err error) {
	a, b, _ := strings.Cut(text, ".")
	if major, err = strconv.Atoi(a); err != nil {
		return 0, 0, fmt.Errorf("%q is not the version of a C library", text)
	}
	minor, err = strconv.Atoi(b)
	return major, minor, err
}

// base names the base for a message: "the base (debian 13)".
func (c *check) base() string {
	if c.System.ID == "" {
		return "the image"
	}
	return strings.TrimSpace("the image (" + strings.TrimSpace(c.System.ID+" "+c.System.VersionID) + ")")
}
