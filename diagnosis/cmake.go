package diagnosis

import (
	"regexp"
	"strings"
)

// cmakeRules find causes in the text of a "CMake Error", which is set in several lines.
var cmakeRules = []struct {
	pattern *regexp.Regexp
	find    func(m []string) *finding
}{
	{regexp.MustCompile(`No CMAKE_(\w+)_COMPILER could be found`), func(m []string) *finding { return cmakeCompiler(m[1]) }},
	{regexp.MustCompile(`CMAKE_(\w+)_COMPILER(?::| not set)`), func(m []string) *finding { return cmakeCompiler(m[1]) }},
	{regexp.MustCompile(`unable to find a build program corresponding to "(Ninja|Unix Makefiles)"`), func(m []string) *finding {
		if m[1] == "Ninja" {
			return program("ninja")
		}
		return program("make")
	}},
	{regexp.MustCompile(`Compatibility with CMake < ([\d.]+) has been removed`), func([]string) *finding {
		return &finding{rank: certain, kind: Requirement, name: "cmake", about: "it was made for an older CMake",
			hint: `put "cmake<4" into the file of build-constraints, or %s`}
	}},
	{regexp.MustCompile(`CMake ([\d.]+) or higher is required`), func(m []string) *finding {
		return &finding{rank: certain, kind: Program, name: "cmake", about: "it needs CMake " + m[1] + " or newer",
			hint: "use a builder image with a newer CMake, or %s"}
	}},
	{regexp.MustCompile(`The following required packages were not found: - ([\w.+-]+)`), func(m []string) *finding { return library(m[1]) }},
	{regexp.MustCompile(`(?i)could not find (?:a package configuration file provided by )?"?(Py(?:thon3?|bind11|ThonInterp|thonLibs))\b`), func(m []string) *finding {
		if strings.EqualFold(m[1], "pybind11") {
			return module("pybind11")
		}
		return nil
	}},
	{regexp.MustCompile(`Could not find a package configuration file provided by "([\w.+-]+)"`), func(m []string) *finding { return cmakePackage(m[1]) }},
	{regexp.MustCompile(`Could NOT find ([\w.+-]+)`), func(m []string) *finding { return cmakePackage(m[1]) }},
	{regexp.MustCompile(`(?i)could not find (?:the )?(?:following static library: )?(?:library )?"?(?:lib)?([\w.+-]+)"? library`), func(m []string) *finding { return linked(m[1]) }},
}

// cmake finds the errors of cmake. What it does not find while it only looks is printed too, but not as an error.
func cmake(o *output) []*finding {
	var all []*finding
	for i, l := range o.lines {
		if !strings.HasPrefix(l, "CMake Error") {
			continue
		}
		_, text, _ := strings.Cut(l, "): ")
		text = strings.TrimSpace(text + " " + o.block(i))
		if strings.HasPrefix(l, "CMake Error: ") {
			text = strings.TrimPrefix(l, "CMake Error: ")
		}
		var found *finding
		for _, r := range cmakeRules {
			if m := r.pattern.FindStringSubmatch(text); m != nil {
				if found = r.find(m); found != nil {
					break
				}
			}
		}
		if found != nil && found.name == "make" && o.has("_COMPILER not set") {
			found.with("program:c++") // cmake asks for make first, and for the compilers only when it is there
		}
		if found == nil && text != "" {
			text, _, _ = strings.Cut(text, " Call Stack ")
			found = &finding{rank: likely, kind: Backend, about: "cmake says: " + text}
		}
		if found != nil {
			found.at = i
			all = append(all, found)
		}
	}
	return all
}

func cmakeCompiler(language string) *finding {
	switch language {
	case "CXX":
		return compiler("C++")
	case "Fortran":
		return program("gfortran")
	}
	return compiler("C")
}

// cmakePackage is a library by the name that cmake has for it.
func cmakePackage(name string) *finding {
	switch name {
	case "Git":
		return program("git")
	case "PkgConfig":
		return program("pkg-config")
	case "SWIG":
		return program("swig")
	}
	return missing(Library, "cmake", name)
}
