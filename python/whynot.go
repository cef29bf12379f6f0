package python

import (
	"strconv"
	"strings"
)

// WhyNot returns the reason why a wheel does not fit a target, to be put behind the wheel's name: "needs CPython 3.12", "is for
// aarch64". Of a wheel with several tags the one that comes nearest speaks. The result is "" when the wheel fits.
func WhyNot(w WheelName, t Target) string {
	accepted := make(map[Tag]bool)
	for _, tag := range t.Tags() {
		accepted[tag] = true
	}
	var nearest obstacle
	for _, tag := range w.Tags {
		if accepted[tag] {
			return ""
		}
		if o := t.obstacle(tag); nearest.reason == "" || o.nearer(nearest) {
			nearest = o
		}
	}
	if nearest.reason == "" {
		return "has no tag"
	}
	return nearest.reason
}

// obstacle is the first thing in the way of a tag.
type obstacle struct {
	passed int // how many of the checks the tag passed
	gap    int // the distance from what would fit, in minor versions
	reason string
}

func (o obstacle) nearer(p obstacle) bool {
	return o.passed > p.passed || o.passed == p.passed && o.gap < p.gap
}

// obstacle runs the checks from the one that no rebuild of the image mends to the one that another base image would.
func (t Target) obstacle(tag Tag) obstacle {
	p := parsePlatform(tag.Platform)
	abiGap, abiReason := t.abiObstacle(tag)
	libcGap := p.libc.Minor - t.Libc.Minor
	checks := []struct {
		fails  bool
		gap    int
		reason string
	}{
		{p.system != "", 0, "is for " + p.system},
		{p.machine != "" && p.machine != t.Machine, 0, "is for " + p.machine},
		{p.libc.Name != "" && p.libc.Name != t.Libc.Name, 0, "needs " + p.libc.Name},
		{abiReason != "", abiGap, abiReason},
		{p.libc.Name != "" && (p.libc.Major != t.Libc.Major || libcGap > 0), libcGap, "needs " + p.libc.String()},
	}
	for i, c := range checks {
		if c.fails {
			return obstacle{i, c.gap, c.reason}
		}
	}
	return obstacle{len(checks), 0, "is for the tag " + tag.String()}
}

// platform is a platform tag taken apart. A part that the tag leaves open is zero.
type platform struct {
	system  string // a system that is not Linux: "macOS"
	machine string
	libc    Libc
}

var otherSystems = []struct{ prefix, name string }{
	{"macosx_", "macOS"}, {"win", "Windows"}, {"ios_", "iOS"}, {"android_", "Android"},
	{"emscripten_", "Emscripten"}, {"pyodide_", "Emscripten"}, {"pyemscripten_", "Emscripten"}, {"wasi", "WASI"},
}

func parsePlatform(tag string) platform {
	if tag == "any" {
		return platform{}
	}
	if machine, ok := strings.CutPrefix(tag, "linux_"); ok {
		return platform{machine: machine}
	}
	for _, minor := range []int{5, 12, 17} {
		if machine, ok := strings.CutPrefix(tag, manylinuxAlias(minor)+"_"); ok {
			return platform{machine: machine, libc: Libc{"glibc", 2, minor}}
		}
	}
	for _, name := range []string{"glibc", "musl"} {
		numbers, ok := strings.CutPrefix(tag, Libc{Name: name}.policy()+"_")
		if !ok {
			continue
		}
		parts := strings.SplitN(numbers, "_", 3)
		if len(parts) < 3 {
			break
		}
		major, majorErr := strconv.Atoi(parts[0])
		minor, minorErr := strconv.Atoi(parts[1])
		if majorErr == nil && minorErr == nil {
			return platform{machine: parts[2], libc: Libc{name, major, minor}}
		}
	}
	for _, s := range otherSystems {
		if strings.HasPrefix(tag, s.prefix) {
			return platform{system: s.name}
		}
	}
	return platform{system: "the platform " + tag}
}

// abiObstacle says what is wrong with the Python and ABI of a tag, and how many minor versions of Python it is off. An empty
// reason means that both fit.
func (t Target) abiObstacle(tag Tag) (gap int, reason string) {
	name, major, minor := splitPythonTag(tag.Python)
	version := strconv.Itoa(major)
	if minor >= 0 {
		version += "." + strconv.Itoa(minor)
		gap = max(minor-t.minor(), t.minor()-minor)
	}
	// Wheels for another major version are further away than any minor version.
	if major != t.major() {
		gap = 1000
	}
	stable := tag.ABI == "abi3" || tag.ABI == "abi3t"
	switch {
	case name == "py" && major == t.major() && minor <= t.minor():
		if tag.ABI != "none" {
			return gap, "needs the ABI " + tag.ABI
		}
	case name == "py" && major == t.major():
		return gap, "needs Python " + version + " or newer"
	case name == "py":
		return gap, "needs Python " + version
	case name != "cp":
		return gap, "needs " + interpreterName(name, major, version)
	case major == t.major() && minor > t.minor() && stable:
		return gap, "needs CPython " + version + " or newer"
	case major != t.major() || minor != t.minor() && !(stable && minor < t.minor()):
		return gap, "needs CPython " + version
	case tag.ABI == "abi3" && t.FreeThreaded:
		return gap, "uses the stable ABI abi3, which free-threaded CPython does not load"
	case tag.ABI == "abi3t" && !t.FreeThreaded, tag.ABI == t.abi()+"t":
		return gap, "needs free-threaded CPython " + version
	case tag.ABI+"t" == t.abi():
		return gap, "needs CPython " + version + " with the global interpreter lock"
	case !stable && tag.ABI != "none" && tag.ABI != t.abi():
		return gap, "needs the ABI " + tag.ABI
	}
	return gap, ""
}

// splitPythonTag takes "cp313" apart; the minor number is -1 when there is none. The first digit is the major version.
func splitPythonTag(tag string) (name string, major, minor int) {
	start := strings.IndexAny(tag, "0123456789")
	if start < 0 {
		return tag, 0, -1
	}
	major = int(tag[start] - '0')
	minor, err := strconv.Atoi(tag[start+1:])
	if err != nil {
		minor = -1
	}
	return tag[:start], major, minor
}

func interpreterName(name string, major int, version string) string {
	switch {
	case name == "pp" || name == "pypy":
		return "PyPy " + version
	case strings.HasPrefix(name, "graalpy"):
		return "GraalPy"
	case major == 0:
		return "the interpreter " + name
	}
	return "the interpreter " + name + " " + version
}
