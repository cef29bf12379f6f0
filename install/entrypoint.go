package install

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// entryPoint is a command that a wheel asks for: NAME = MODULE:OBJECT.
type entryPoint struct {
	Name   string
	Module string // dotted
	Object string // dotted, called without arguments
}

var (
	// entryPointName leaves out whatever could name a file outside the directory of scripts, or is a blank in a shell.
	entryPointName = regexp.MustCompile(`^[^\s/\\\[\]=\x00-\x1f\x7f]+$`)
	// entryPointObject is the reference of the entry points specification: a module, an object in it, and the deprecated extras.
	entryPointObject = regexp.MustCompile(`^([\pL_][\pL\pN_]*(?:\.[\pL_][\pL\pN_]*)*)\s*:\s*([\pL_][\pL\pN_]*(?:\.[\pL_][\pL\pN_]*)*)\s*(\[[^\]]*\])?$`)
)

// parseEntryPoints reads the console_scripts and gui_scripts of an entry_points.txt, in order. Where a name comes twice, the last
// one counts and takes the place of the first; a gui script takes the place of a console script. Other groups are plugins of
// libraries and none of an installer's business.
func parseEntryPoints(data []byte) ([]entryPoint, error) {
	var errs []error
	scripts := map[string][]entryPoint{}
	group := ""
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' && line[len(line)-1] == ']' {
			group = strings.TrimSpace(line[1 : len(line)-1])
			continue
		}
		if group != "console_scripts" && group != "gui_scripts" {
			continue
		}
		p, err := parseEntryPoint(line)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", i+1, err))
			continue
		}
		scripts[group] = setEntryPoint(scripts[group], p)
	}
	list := scripts["console_scripts"]
	for _, p := range scripts["gui_scripts"] {
		list = setEntryPoint(list, p)
	}
	return list, errors.Join(errs...)
}

func setEntryPoint(list []entryPoint, p entryPoint) []entryPoint {
	for i := range list {
		if list[i].Name == p.Name {
			list[i] = p
			return list
		}
	}
	return append(list, p)
}

func parseEntryPoint(line string) (entryPoint, error) {
	name, value, _ := strings.Cut(line, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	m := entryPointObject.FindStringSubmatch(value)
	if m == nil {
		return entryPoint{}, fmt.Errorf("an entry point must have the form name = module:function, not %q", line)
	}
	if !entryPointName.MatchString(name) || name == "." || name == ".." {
		return entryPoint{}, fmt.Errorf("the name of an entry point must be the name of a file, not %q", name)
	}
	return entryPoint{Name: name, Module: m[1], Object: m[2]}, nil
}

// versionedCommands are commands whose wheels name them with the version of the Python that built the wheel, which need not be the
// one they are installed for. pip gives them names of its own, and so must whoever replaces it.
var versionedCommands = []struct {
	name  string
	stale *regexp.Regexp
	names func(python string) []string
}{
	{"pip", regexp.MustCompile(`^pip[0-9]+(\.[0-9]+)?$`), func(python string) []string { return []string{"pip", "pip3", "pip" + python} }},
	{"easy_install", regexp.MustCompile(`^easy_install-[0-9]+\.[0-9]+$`), func(python string) []string { return []string{"easy_install", "easy_install-" + python} }},
}

// setVersions replaces the versioned names of such commands by those of the Python that is installed for, "3.13".
func setVersions(list []entryPoint, python string) []entryPoint {
	python = strings.TrimSuffix(python, "t")
	for _, v := range versionedCommands {
		i := slices.IndexFunc(list, func(p entryPoint) bool { return p.Name == v.name })
		if i < 0 {
			continue
		}
		command := list[i]
		list = slices.DeleteFunc(slices.Clone(list), func(p entryPoint) bool { return p.Name == v.name || v.stale.MatchString(p.Name) })
		for _, name := range v.names(python) {
			command.Name = name
			list = append(list, command)
		}
	}
	return list
}
