package verify

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// triplet is the name of a directory for the libraries of one machine, as Debian has them: x86_64-linux-gnu.
var triplet = regexp.MustCompile(`^[a-z0-9_]+-linux-(gnu|musl)[a-z0-9_]*$`)

// maxConfig is the most bytes that a file of the loader's configuration may have.
const maxConfig = 1 << 20

// loaderDirs are the directories in which the dynamic linker of the system looks for a library, in its order, without links and each
// once. Directories for other machines may be among them; what lies there does not fit. first and last are put at the ends.
func (r *root) loaderDirs(musl bool, first, last []string) ([]string, error) {
	dirs := slices.Clone(first)
	if musl {
		configured, err := r.muslDirs()
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, configured...)
	} else {
		// glibc reads a cache that ldconfig makes of these; it holds nothing else.
		if err := r.readConfig("/etc/ld.so.conf", &dirs, map[string]bool{}); err != nil {
			return nil, err
		}
		for _, top := range []string{"/lib", "/usr/lib", "/usr/local/lib"} {
			_, names, err := r.readDir(top)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				if triplet.MatchString(name) {
					dirs = append(dirs, path.Join(top, name))
				}
			}
		}
		dirs = append(dirs, "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib")
	}
	var out []string
	for _, dir := range append(dirs, last...) {
		resolved, mode, err := r.resolve(dir)
		if err != nil {
			return nil, err
		}
		if resolved != "" && mode.IsDir() && utf8.ValidString(resolved) && !slices.Contains(out, resolved) {
			out = append(out, resolved)
		}
	}
	return out, nil
}

// readConfig reads a file in the form of ld.so.conf (ldconfig(8)): directories, and lines "include PATTERN".
func (r *root) readConfig(name string, dirs *[]string, seen map[string]bool) error {
	if seen[name] || len(seen) > 1000 {
		return nil
	}
	seen[name] = true
	data, err := r.readFile(name, maxConfig)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n,:", r) })
		if len(words) > 0 && words[0] == "hwcap" {
			continue
		}
		if len(words) == 0 || words[0] != "include" {
			for _, word := range words {
				word, _, _ = strings.Cut(word, "=") // "directory=libc6" is an old form
				if path.IsAbs(word) {
					*dirs = append(*dirs, word)
				}
			}
			continue
		}
		for _, pattern := range words[1:] {
			if !path.IsAbs(pattern) {
				pattern = path.Join(path.Dir(name), pattern)
			}
			dir, names, err := r.readDir(path.Dir(pattern))
			if err != nil {
				return err
			}
			for _, file := range names {
				if ok, err := path.Match(path.Base(pattern), file); ok && err == nil {
					if err := r.readConfig(path.Join(dir, file), dirs, seen); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// muslDirs are what /etc/ld-musl-MACHINE.path says, else musl's own default (musl, ldso/dynlink.c).
func (r *root) muslDirs() ([]string, error) {
	_, names, err := r.readDir("/etc")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if ok, _ := path.Match("ld-musl-*.path", name); !ok {
			continue
		}
		data, err := r.readFile(path.Join("/etc", name), maxConfig)
		if err != nil {
			return nil, err
		}
		if dirs := strings.FieldsFunc(string(data), func(r rune) bool { return r == ':' || r == '\n' }); len(dirs) > 0 {
			return dirs, nil
		}
	}
	return []string{"/lib", "/usr/local/lib", "/usr/lib"}, nil
}

// expand returns the directories that an item of RPATH or RUNPATH means for an object in the directory origin (ld.so(8), dynamic string
// tokens). $LIB has several values, of which all are tried; a relative path, which depends on where a process runs, means none.
func expand(dir, origin, machine string) []string {
	replace := func(token, value string) {
		dir = strings.ReplaceAll(strings.ReplaceAll(dir, "${"+token+"}", value), "$"+token, value)
	}
	replace("ORIGIN", origin)
	replace("PLATFORM", machine)
	all := []string{dir}
	if strings.Contains(dir, "$LIB") || strings.Contains(dir, "${LIB}") {
		all = all[:0]
		pattern := dir
		for _, lib := range []string{"lib/" + machine + "-linux-gnu", "lib64", "lib"} {
			dir = pattern
			replace("LIB", lib)
			all = append(all, dir)
		}
	}
	return slices.DeleteFunc(all, func(dir string) bool { return !path.IsAbs(dir) })
}
