package python

import "strconv"

// Tag says which Python, ABI and platform a wheel is for (PEP 425).
type Tag struct {
	Python, ABI, Platform string
}

// String returns "cp313-cp313-manylinux_2_17_x86_64".
func (t Tag) String() string { return t.Python + "-" + t.ABI + "-" + t.Platform }

// Tags returns every tag the target accepts, the best first: PEP 425 with the stable ABI of PEP 384 (abi3) or, for a
// free-threaded Python, of PEP 803 (abi3t); the platforms are those of PEP 600 and PEP 656.
func (t Target) Tags() []Tag {
	platforms := t.platforms()
	major, minor := t.major(), t.minor()
	interpreter := tagVersion("cp", major, minor)
	stable := t.stableABI()

	tags := make([]Tag, 0, len(platforms)*(2*minor+3)+minor+3)
	add := func(python, abi string) {
		for _, p := range platforms {
			tags = append(tags, Tag{python, abi, p})
		}
	}
	add(interpreter, t.abi())
	add(interpreter, stable)
	add(interpreter, "none")
	for m := minor - 1; m >= 2; m-- {
		add(tagVersion("cp", major, m), stable)
	}
	generic := []string{tagVersion("py", major, minor), "py" + strconv.Itoa(major)}
	for m := minor - 1; m >= 0; m-- {
		generic = append(generic, tagVersion("py", major, m))
	}
	for _, python := range generic {
		add(python, "none")
	}
	tags = append(tags, Tag{interpreter, "none", "any"})
	for _, python := range generic {
		tags = append(tags, Tag{python, "none", "any"})
	}
	return tags
}

func tagVersion(prefix string, major, minor int) string {
	return prefix + strconv.Itoa(major) + strconv.Itoa(minor)
}

// abi is the tag of the target's own ABI. Before 3.8 it told that Python's allocator was built in.
func (t Target) abi() string {
	abi := tagVersion("cp", t.major(), t.minor())
	switch {
	case t.FreeThreaded:
		return abi + "t"
	case t.minor() < 8:
		return abi + "m"
	}
	return abi
}

func (t Target) stableABI() string {
	if t.FreeThreaded {
		return "abi3t"
	}
	return "abi3"
}

// platforms are the platform tags the target accepts, the best first. A wheel that names plain linux was
// built on such a machine, so it comes before those that fit many.
func (t Target) platforms() []string {
	platforms := []string{"linux_" + t.Machine}
	prefix := t.Libc.policy() + "_" + strconv.Itoa(t.Libc.Major) + "_"
	switch t.Libc.Name {
	case "glibc":
		lowest := oldestGlibc(t.Machine)
		if lowest < 0 {
			break
		}
		for minor := t.Libc.Minor; minor >= lowest; minor-- {
			platforms = append(platforms, prefix+strconv.Itoa(minor)+"_"+t.Machine)
			if alias := manylinuxAlias(minor); alias != "" {
				platforms = append(platforms, alias+"_"+t.Machine)
			}
		}
	case "musl":
		for minor := t.Libc.Minor; minor >= 0; minor-- {
			platforms = append(platforms, prefix+strconv.Itoa(minor)+"_"+t.Machine)
		}
	}
	return platforms
}

// policy is the word that platform tags use for the C library.
func (l Libc) policy() string {
	if l.Name == "musl" {
		return "musllinux"
	}
	return "manylinux"
}

// oldestGlibc is the minor number of the oldest glibc 2 that manylinux tags of a machine name, or -1 when there are no
// such tags for it.
func oldestGlibc(machine string) int {
	switch machine {
	case "x86_64", "i686":
		return 5
	case "aarch64", "armv7l", "ppc64", "ppc64le", "s390x", "riscv64", "loongarch64":
		return 17
	}
	return -1
}

// manylinuxAlias is the older name of manylinux_2_MINOR (PEP 513, PEP 571, PEP 599), or "".
func manylinuxAlias(minor int) string {
	switch minor {
	case 5:
		return "manylinux1"
	case 12:
		return "manylinux2010"
	case 17:
		return "manylinux2014"
	}
	return ""
}
