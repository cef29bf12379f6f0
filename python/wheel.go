package python

import (
	"fmt"
	"strings"
)

// WheelName is what the file name of a wheel says (binary distribution format, "File name convention").
type WheelName struct {
	Name    string // normalised
	Version string // normalised
	Build   string // the build tag, "" when there is none: "1", "202203a"
	Tags    []Tag  // every tag the name stands for: "py2.py3-none-any" is two
	Sorted  bool   // each part of the tag lists its values in order, as PEP 425 asks of new wheels
}

// ParseWheelName reads the file name of a wheel.
func ParseWheelName(filename string) (WheelName, error) {
	fail := func(format string, args ...any) (WheelName, error) {
		return WheelName{}, fmt.Errorf("wheel file name %q: %s", filename, fmt.Sprintf(format, args...))
	}
	stem, ok := strings.CutSuffix(filename, ".whl")
	if !ok {
		return fail("must end in .whl")
	}
	if problem := fileNameProblem(filename); problem != "" {
		return fail("%s", problem)
	}
	dashes := strings.Count(stem, "-")
	if dashes != 4 && dashes != 5 {
		return fail("must be NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl")
	}
	name, rest, _ := strings.Cut(stem, "-")
	if !isWheelProject(name) {
		return fail(`%q is not the name of a project, want letters, digits, "." and single "_"`, name)
	}
	number, rest, _ := strings.Cut(rest, "-")
	version, err := ParseVersion(number)
	if err != nil {
		return fail("%v", err)
	}
	w := WheelName{Name: NormalizeName(name), Version: version.text}
	if dashes == 5 {
		w.Build, rest, _ = strings.Cut(rest, "-")
		if w.Build == "" || !isDigit(w.Build[0]) {
			return fail("build tag %q must start with a digit", w.Build)
		}
	}
	if w.Tags, err = expandTags(rest); err != nil {
		return fail("%v", err)
	}
	w.Sorted = isSorted(rest)
	return w, nil
}

// isWheelProject tells whether a name is escaped as a wheel's file name wants it.
func isWheelProject(name string) bool {
	for i := range len(name) {
		if !isAlphanumeric(name[i]) && name[i] != '.' && name[i] != '_' {
			return false
		}
	}
	return name != "" && !strings.Contains(name, "__")
}

// expandTags reads a compressed tag set: each part may be several, joined by dots (PEP 425, "Compressed Tag Sets").
func expandTags(s string) ([]Tag, error) {
	s = lowerASCII(s)
	pythons, rest, _ := strings.Cut(s, "-")
	abis, platforms, _ := strings.Cut(rest, "-")
	for part := range strings.SplitSeq(pythons, ".") {
		if !isPythonTag(part) {
			return nil, fmt.Errorf("%q is not a Python tag, want one like py3 or cp313", part)
		}
	}
	if hasEmptyPart(abis) || hasEmptyPart(platforms) {
		return nil, fmt.Errorf("tag %q has an empty part", s)
	}
	tags := make([]Tag, 0, (1+strings.Count(pythons, "."))*(1+strings.Count(abis, "."))*(1+strings.Count(platforms, ".")))
	for python := range strings.SplitSeq(pythons, ".") {
		for abi := range strings.SplitSeq(abis, ".") {
			for platform := range strings.SplitSeq(platforms, ".") {
				tags = append(tags, Tag{python, abi, platform})
			}
		}
	}
	return tags, nil
}

// isPythonTag tells whether s is an identifier, as every Python tag is.
func isPythonTag(s string) bool {
	for i := range len(s) {
		if s[i] != '_' && (!isAlphanumeric(s[i]) || i == 0 && isDigit(s[0])) {
			return false
		}
	}
	return s != ""
}

// isSorted tells whether the values in each part of a compressed tag set stand in order (PEP 425, "Compressed Tag Sets").
func isSorted(tags string) bool {
	for part := range strings.SplitSeq(tags, "-") {
		last := ""
		for value, rest, more := strings.Cut(part, "."); ; value, rest, more = strings.Cut(rest, ".") {
			if value < last {
				return false
			}
			if last = value; !more {
				break
			}
		}
	}
	return true
}

func hasEmptyPart(dotted string) bool {
	return dotted == "" || dotted[0] == '.' || dotted[len(dotted)-1] == '.' || strings.Contains(dotted, "..")
}

// compareBuild orders build tags: none, then by the leading number, then by the rest.
func compareBuild(a, b string) int {
	if a == "" || b == "" {
		return len(a) - len(b)
	}
	aNumber, aRest := splitBuild(a)
	bNumber, bRest := splitBuild(b)
	if c := compareDigits(aNumber, bNumber); c != 0 {
		return c
	}
	return strings.Compare(aRest, bRest)
}

func splitBuild(build string) (number, rest string) {
	end := 0
	for end < len(build) && isDigit(build[end]) {
		end++
	}
	return trimZeros(build[:end]), build[end:]
}
