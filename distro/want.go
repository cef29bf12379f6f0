package distro

import (
	"fmt"
	"path"
	"strings"
)

// Want is something that a build misses and a package may have.
type Want struct {
	Kind string // one of the kinds below
	Name string // "mysql.h", "libxml/xpath.h", "pg_config", "ssl", "libpq.so.5", "cairo"
}

// The kinds of a Want.
const (
	Header    = "header"    // the name after #include
	Program   = "program"   // the name of a command
	Library   = "library"   // the name after -l: "ssl" is libssl.so
	Soname    = "soname"    // the name of a shared library that a program needs when it runs
	PkgConfig = "pkgconfig" // the name that pkg-config is asked for
)

// ParseWant reads KIND:NAME.
func ParseWant(s string) (Want, error) {
	kind, name, _ := strings.Cut(s, ":")
	w := Want{kind, name}
	switch kind {
	case Header, Program, Library, Soname, PkgConfig:
		clean := path.Clean(name) == name && !path.IsAbs(name) && name != "." && name != ".." && !strings.HasPrefix(name, "../")
		if clean && !strings.ContainsAny(name, " \t\n") && (kind == Header || !strings.Contains(name, "/")) {
			return w, nil
		}
	}
	return Want{}, fmt.Errorf("what is wanted must have the form header:mysql.h, program:pg_config, library:ssl, soname:libpq.so.5 or pkgconfig:cairo, not %q", s)
}

// String returns KIND:NAME.
func (w Want) String() string { return w.Kind + ":" + w.Name }

// file is the name of the file that is wanted, which may have directories before it.
func (w Want) file() string {
	switch w.Kind {
	case Library:
		return "lib" + w.Name + ".so"
	case PkgConfig:
		return w.Name + ".pc"
	}
	return w.Name
}

// The distances of a file from where it is looked for.
const (
	standard  = 0 // where it is found without any option
	nested    = 1 // one directory below, which a -I of pkg-config or a *-config program adds
	deeper    = 2
	private   = 5  // below a directory of some program's own
	elsewhere = -1 // it is another thing of the same name
)

// distance tells how far a file with a path such as "usr/include/mariadb/mysql.h" is from where the build looks for it.
func (w Want) distance(file string) int {
	file = strings.TrimPrefix(file, "/")
	rest, ok := strings.CutSuffix(file, "/"+w.file())
	if !ok {
		return elsewhere
	}
	rest = strings.TrimPrefix(rest, "usr/")
	parts := strings.Split(rest, "/")
	switch w.Kind {
	case Header:
		switch {
		case parts[0] == "include":
			parts = parts[1:]
			if len(parts) > 0 && isTriplet(parts[0]) {
				parts = parts[1:]
			}
			return min(len(parts), private)
		case parts[0] == "lib" && parts[len(parts)-1] == "include":
			return deeper
		case parts[0] == "lib":
			return private
		}
	case Program:
		switch {
		case rest == "bin" || rest == "sbin":
			return standard
		case rest == "games":
			return nested
		case parts[0] == "lib" && parts[len(parts)-1] == "bin":
			return private
		}
	case Library, Soname:
		switch {
		case rest == "lib" || rest == "lib64" || len(parts) == 2 && parts[0] == "lib" && isTriplet(parts[1]):
			return standard
		case parts[0] == "lib":
			return private
		}
	case PkgConfig:
		dir, found := strings.CutSuffix(rest, "/pkgconfig")
		switch {
		case !found:
			return elsewhere
		case dir == "share" || dir == "lib" || strings.HasPrefix(dir, "lib/") && isTriplet(dir[len("lib/"):]):
			return standard
		case strings.HasPrefix(dir, "lib/"):
			return private
		}
	}
	return elsewhere
}

// isTriplet tells whether a directory is Debian's for one architecture, such as x86_64-linux-gnu.
func isTriplet(dir string) bool {
	return strings.Contains(dir, "-linux-") && !strings.Contains(dir, "/")
}
