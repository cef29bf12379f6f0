package lock

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// pdmTarget is one [[metadata.targets]]: an environment that the lock was made for. What is empty is not restricted.
type pdmTarget struct {
	requiresPython pyfile.String
	platform       string // "linux", "manylinux_2_17_x86_64", "windows_amd64"
	implementation string // "cpython"
	freeThreaded   bool   // counts with an implementation only
	at             span
}

func (d *decoder) pdmTarget(t *node) pdmTarget {
	out := pdmTarget{
		at:             t.at,
		requiresPython: d.str(t, "requires_python", "metadata.targets.requires_python"),
		platform:       d.text(t, "platform", "metadata.targets.platform"),
		implementation: d.text(t, "implementation", "metadata.targets.implementation"),
	}
	if n := d.typed(t, "gil_disabled", "metadata.targets.gil_disabled", boolNode); n != nil {
		out.freeThreaded = n.text == "true"
	}
	return out
}

// String writes a target as pdm does.
func (t *pdmTarget) String() string {
	parts := []string{t.requiresPython.Value}
	if t.platform != "" {
		parts = append(parts, t.platform)
	}
	if t.implementation != "" {
		parts = append(parts, t.implementation)
	}
	return "(" + strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ") + ")"
}

// fits checks that one of the lock's targets includes ours. Old locks name none: they are for every environment, or for the one of
// whoever made them, which they do not say.
func (s *pdmSelection) fits() {
	if len(s.targets) == 0 {
		return
	}
	var names, pythons []string
	var at pyfile.Range
	for i := range s.targets {
		t := &s.targets[i]
		names = append(names, t.String())
		if !t.platformFits(s.request.Target) {
			continue
		}
		if admits(t.requiresPython.Value, s.request.Target.Python) {
			return
		}
		if pythons = append(pythons, t.requiresPython.Value); len(pythons) == 1 {
			at = t.requiresPython.Range
		}
	}
	if len(pythons) > 0 {
		s.errs = append(s.errs, &pyfile.Error{File: s.doc.name, Range: at,
			Msg:  fmt.Sprintf("the lock is for Python %s, the image has Python %s", listing(pythons, " or "), s.request.Target.Python),
			Hint: "choose another python in the Pyfile, or change requires-python in pyproject.toml and lock again"})
		return
	}
	s.errs = append(s.errs, s.doc.errorAt(s.targets[0].at,
		fmt.Sprintf("pdm.lock is for other environments %s, not for %s", listing(names, ", "), s.request.Target),
		fmt.Sprintf(`run "pdm lock --append --platform %s"`, platformName(s.request.Target))))
}

// platformTag takes a platform with a version of its C library apart.
var platformTag = regexp.MustCompile(`^(manylinux|musllinux)_(\d+)_(\d+)_([a-z0-9_]+)$`)

// platformFits follows pdm's rule: the machine and the C library must be the same; one that needs a newer C library than the
// target has will do, because whether a wheel fits is seen later.
func (t *pdmTarget) platformFits(target python.Target) bool {
	if t.implementation != "" && (t.implementation != "cpython" || t.freeThreaded != target.FreeThreaded) {
		return false
	}
	var libc, machine string
	switch t.platform {
	case "":
		return true
	case "linux":
		libc, machine = "glibc", "x86_64"
	case "alpine":
		libc, machine = "musl", "x86_64"
	default:
		m := platformTag.FindStringSubmatch(t.platform)
		if m == nil {
			return false
		}
		libc, machine = map[string]string{"manylinux": "glibc", "musllinux": "musl"}[m[1]], m[4]
	}
	return libc == target.Libc.Name && pdmMachine(machine) == pdmMachine(target.Machine)
}

// pdmMachine is pdm's name of a machine.
func pdmMachine(name string) string {
	switch name {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	case "i386", "i686":
		return "x86"
	}
	return name
}

// platformName is what pdm calls the platform of a target.
func platformName(t python.Target) string {
	policy := "manylinux_"
	if t.Libc.Name == "musl" {
		policy = "musllinux_"
	}
	return policy + strconv.Itoa(t.Libc.Major) + "_" + strconv.Itoa(t.Libc.Minor) + "_" + pdmMachine(t.Machine)
}

// admits tells whether a requires-python contains a version. pdm joins ranges with "||". A pre-release of Python counts as its
// release, and what cannot be read admits everything.
func admits(requires string, v python.Version) bool {
	for part := range strings.SplitSeq(requires, "||") {
		if strings.TrimSpace(part) == "<empty>" {
			continue
		}
		spec, err := python.ParseSpecifiers(part)
		if err != nil || spec.Contains(release(v), true) {
			return true
		}
	}
	return false
}
