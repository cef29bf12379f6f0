package python

import (
	"fmt"
	"strings"
)

// ParseSdistName reads the file name of a source distribution, NAME-VERSION.tar.gz or .zip (PEP 625 and what came before
// it). Name and version are normalised. The last dash stands before the version, so a version written with a dash needs
// [SdistVersion].
func ParseSdistName(filename string) (name, version string, err error) {
	stem, ok := strings.CutSuffix(filename, ".tar.gz")
	if !ok {
		stem, ok = strings.CutSuffix(filename, ".zip")
	}
	if !ok {
		return "", "", fmt.Errorf("sdist file name %q: must end in .tar.gz or .zip", filename)
	}
	if problem := fileNameProblem(filename); problem != "" {
		return "", "", fmt.Errorf("sdist file name %q: %s", filename, problem)
	}
	dash := strings.LastIndexByte(stem, '-')
	if dash <= 0 {
		return "", "", fmt.Errorf("sdist file name %q: must be NAME-VERSION.tar.gz", filename)
	}
	v, err := ParseVersion(stem[dash+1:])
	if err != nil {
		return "", "", fmt.Errorf("sdist file name %q: %w", filename, err)
	}
	return NormalizeName(stem[:dash]), v.text, nil
}

// archives are the endings of the archives that pip takes for source distributions. PEP 625 allows the first only; the others
// are those of releases made before it.
var archives = []string{
	".tar.gz", ".zip", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar.lz", ".tlz", ".tar.lzma", ".tar",
}

// SdistVersion returns the version in the file name of a source distribution of the project called name, in any spelling. Knowing
// the name, it reads what older tools wrote: dashes within name and version ("python-dateutil-2.9.0-1.zip"), and every archive that
// pip takes (.tar.bz2, .tgz, ...). It is false when the file is of another project, or no source distribution.
func SdistVersion(filename, name string) (v Version, ok bool) {
	if fileNameProblem(filename) != "" {
		return Version{}, false
	}
	for _, ending := range archives {
		stem, found := strings.CutSuffix(filename, ending)
		if !found {
			continue
		}
		// The local part of a version could hold it, but an archive of an archive it is.
		if !strings.HasPrefix(ending, ".tar.") && strings.HasSuffix(lowerASCII(stem), ".tar") {
			return Version{}, false
		}
		name = NormalizeName(name)
		for i := range len(stem) {
			if stem[i] == '-' && NormalizeName(stem[:i]) == name {
				v, err := ParseVersion(stem[i+1:])
				return v, err == nil
			}
		}
		return Version{}, false
	}
	return Version{}, false
}

// fileNameProblem says what is wrong with a text as the name of a file in an index: it must not lead out of the directory that it is
// put in, and what is not printable ASCII is another text to another tool.
func fileNameProblem(filename string) string {
	for i := range len(filename) {
		switch c := filename[i]; {
		case c == '/' || c == '\\':
			return "must be a name, not a path"
		case c < ' ' || c > '~':
			return "must be printable ASCII"
		}
	}
	return ""
}
