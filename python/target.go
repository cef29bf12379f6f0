package python

import (
	"fmt"
	"strconv"
)

// Libc is a C library and its version: glibc 2.41, musl 1.2.
type Libc struct {
	Name         string // "glibc" or "musl"
	Major, Minor int
}

// String returns "glibc 2.41".
func (l Libc) String() string { return fmt.Sprintf("%s %d.%d", l.Name, l.Major, l.Minor) }

// Target is a CPython on Linux that packages are chosen for.
type Target struct {
	Python       Version // the full version: 3.13.5
	Machine      string  // as uname prints it: x86_64, aarch64, armv7l, i686, ppc64le, s390x, riscv64
	Libc         Libc
	FreeThreaded bool // built without the global interpreter lock (PEP 703)
}

// String returns "CPython 3.13 on linux x86_64, glibc 2.41".
func (t Target) String() string {
	name := "CPython"
	if t.FreeThreaded {
		name = "free-threaded CPython"
	}
	return fmt.Sprintf("%s %d.%d on linux %s, %s", name, t.major(), t.minor(), t.Machine, t.Libc)
}

func (t Target) major() int { return numberAt(t.Python.release, 0) }
func (t Target) minor() int { return numberAt(t.Python.release, 1) }

// Environment returns the values of the marker variables on the target. No extras and groups are activated, and the
// release and the version of the kernel are unknown, so empty.
func (t Target) Environment() Environment {
	full := t.fullVersion()
	return Environment{
		OSName:                       "posix",
		SysPlatform:                  "linux",
		PlatformSystem:               "Linux",
		PlatformMachine:              t.Machine,
		PlatformPythonImplementation: "CPython",
		ImplementationName:           "cpython",
		ImplementationVersion:        full,
		PythonVersion:                strconv.Itoa(t.major()) + "." + strconv.Itoa(t.minor()),
		PythonFullVersion:            full,
	}
}

// Satisfies tells whether the target's Python is one that a Requires-Python allows. A pre-release of Python counts as the release that
// it leads to, so that it can be tried before that day; pip looks at the three numbers only, too.
func (t Target) Satisfies(requiresPython Specifiers) bool {
	v := Version{release: []int{t.major(), t.minor(), numberAt(t.Python.release, 2)}}
	v.text = string(v.append(nil))
	return requiresPython.Contains(v, true)
}

// fullVersion is the version with three numbers, as Python prints its own.
func (t Target) fullVersion() string {
	v := t.Python
	if len(v.release) >= 3 {
		return v.text
	}
	v.release = []int{t.major(), t.minor(), 0}
	return string(v.append(nil))
}

// Machine returns the machine name of an OCI architecture and variant: "amd64" is x86_64, "arm" with "v7" is armv7l.
func Machine(goarch, variant string) (string, bool) {
	switch goarch {
	case "amd64":
		return "x86_64", true
	case "arm64":
		return "aarch64", true
	case "386":
		return "i686", true
	case "ppc64le", "s390x", "riscv64":
		return goarch, true
	case "loong64":
		return "loongarch64", true
	case "arm":
		switch variant {
		case "", "v7":
			return "armv7l", true
		case "v6":
			return "armv6l", true
		}
	}
	return "", false
}
