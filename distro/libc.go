package distro

import (
	"bytes"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/org/pyfile/python"
)

// Libc returns the C library of the image: from its package's version, else from the file of the library itself. ok is false when
// nothing tells.
func (db *Database) Libc() (libc python.Libc, ok bool) {
	// Alpine may have a foreign glibc beside its own musl, and Debian a foreign musl.
	packages := []struct{ kind, name, libc string }{{Dpkg, "libc6", "glibc"}, {Apk, "musl", "musl"}, {Apk, "glibc", "glibc"}}
	for _, want := range packages {
		if want.kind != db.Kind {
			continue
		}
		if p, installed := db.Package(want.name); installed {
			if m := packageVersion.FindStringSubmatch(p.Version); m != nil {
				return makeLibc(want.libc, m)
			}
		}
	}
	return db.libcOfFiles()
}

var (
	packageVersion = regexp.MustCompile(`^(?:\d+:)?(\d+)\.(\d+)`)
	// glibc prints this when it is run as a program, and musl, whose loader and library are one file, has its version as a string.
	glibcBanner = regexp.MustCompile(`GNU C Library [^\n\x00]{0,200}release version (\d+)\.(\d+)`)
	muslVersion = regexp.MustCompile(`\x00(\d+)\.(\d+)\.\d+(?:-git[^\x00]{0,60})?\x00`)
)

func makeLibc(name string, match []string) (python.Libc, bool) {
	major, err := strconv.Atoi(match[1])
	if err != nil {
		return python.Libc{}, false
	}
	minor, err := strconv.Atoi(match[2])
	return python.Libc{Name: name, Major: major, Minor: minor}, err == nil
}

// libcOfFiles finds the library in the directories where distributions have it, those of Debian's architectures included. glibc
// comes first: a musl beside it is there for a few programs only.
func (db *Database) libcOfFiles() (python.Libc, bool) {
	var dirs []string
	for _, dir := range []string{"lib64", "usr/lib64", "lib", "usr/lib"} {
		resolved, list, err := db.root.readDir(dir)
		if err != nil || resolved == "" {
			continue
		}
		dirs = append(dirs, resolved)
		for _, entry := range list {
			if strings.Contains(entry.Name(), "-linux-") {
				dirs = append(dirs, path.Join(resolved, entry.Name()))
			}
		}
	}
	for _, libc := range []struct {
		name, prefix, suffix string
		version              *regexp.Regexp
		mark                 string
	}{
		{"glibc", "libc.so.6", "", glibcBanner, "GNU C Library "},
		{"musl", "ld-musl-", ".so.1", muslVersion, "musl libc ("},
	} {
		for _, dir := range dirs {
			resolved, list, err := db.root.readDir(dir)
			if err != nil {
				continue
			}
			for _, entry := range list {
				if !strings.HasPrefix(entry.Name(), libc.prefix) || !strings.HasSuffix(entry.Name(), libc.suffix) {
					continue
				}
				data, err := db.root.readFile(path.Join(resolved, entry.Name()))
				if err != nil || !bytes.Contains(data, []byte(libc.mark)) {
					continue
				}
				if m := libc.version.FindSubmatch(data); m != nil {
					return makeLibc(libc.name, []string{"", string(m[1]), string(m[2])})
				}
			}
		}
	}
	return python.Libc{}, false
}
