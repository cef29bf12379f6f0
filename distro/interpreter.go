package distro

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Interpreter is a CPython of an image.
type Interpreter struct {
	Path         string `json:"path"`                   // of the program as users start it: /usr/local/bin/python3.13
	Version      string `json:"version"`                // 3.13.5, or 3.13 when nothing says more
	FreeThreaded bool   `json:"freeThreaded,omitempty"` // built without the global interpreter lock (PEP 703)
	Lib          string `json:"lib"`                    // its standard library: /usr/local/lib/python3.13
	Pip          bool   `json:"pip,omitempty"`          // pip can be imported
	Bytecode     bool   `json:"bytecode,omitempty"`     // the standard library comes with its bytecode
}

// Name is the file name of the interpreter: python3.13, or python3.13t for a free-threaded one.
func (i Interpreter) Name() string { return path.Base(i.Path) }

var interpreterName = regexp.MustCompile(`^python(3\.\d+)(t?)$`)

// interpreters finds those in some directories, in the order of these. Nothing is started: names and libraries tell what they are.
func (r root) interpreters(dirs []string) ([]Interpreter, error) {
	out, seen := []Interpreter{}, map[string]bool{}
	for _, dir := range dirs {
		real, entries, err := r.readDir(dir)
		if err != nil {
			return nil, err
		}
		if seen[real] { // /bin is a link to /usr/bin
			continue
		}
		seen[real] = true
		for _, e := range entries {
			m := interpreterName.FindStringSubmatch(e.Name())
			file := path.Join(dir, e.Name())
			if m == nil {
				continue
			}
			if i, ok := r.interpreter(file, m[1], m[2] != ""); ok {
				out = append(out, i)
			}
		}
	}
	return out, nil
}

// splitPath are the absolute directories of a PATH. What is relative depends on where a program runs.
func splitPath(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ":"), func(dir string) bool { return !path.IsAbs(dir) })
}

// interpreter describes one. Its library lies beside the directory of the program, which may be a link to it.
func (r root) interpreter(file, minor string, free bool) (Interpreter, bool) {
	i := Interpreter{Path: file, Version: minor, FreeThreaded: free}
	program, err := r.resolve(file)
	if err != nil {
		return i, false
	}
	for _, prefix := range []string{path.Dir(path.Dir(file)), path.Dir(path.Dir("/" + program))} {
		lib := path.Join(prefix, "lib", path.Base(file))
		if !r.has(path.Join(lib, "os.py")) {
			continue
		}
		i.Lib = lib
		i.Version = r.patchLevel(minor, program, lib)
		i.Pip = r.has(path.Join(lib, "site-packages/pip/__init__.py"))
		_, cached, err := r.readDir(path.Join(lib, "__pycache__"))
		i.Bytecode = err == nil && slices.ContainsFunc(cached, named("os.cpython-"))
		return i, true
	}
	return i, false
}

// patchLevel finds the full version, which the interpreter has as a string in its code: in libpython, or in the program when that is linked
// into it.
func (r root) patchLevel(minor, program, lib string) string {
	name := "lib" + path.Base(lib) + ".so.1.0"
	places := []string{path.Join(path.Dir(lib), name)}
	if _, entries, err := r.readDir("/usr/lib"); err == nil {
		for _, e := range entries {
			if strings.Contains(e.Name(), "-linux-") {
				places = append(places, path.Join("/usr/lib", e.Name(), name))
			}
		}
	}
	version := regexp.MustCompile(`(?:^|[^0-9.])(` + regexp.QuoteMeta(minor) + `\.[0-9]+(?:(?:a|b|rc)[0-9]+)?)\+?\x00`)
	for _, file := range append(places, program) {
		data, err := r.readFile(file)
		if err != nil || !bytes.HasPrefix(data, []byte("\x7fELF")) {
			continue
		}
		if m := version.FindSubmatch(data); m != nil {
			return string(m[1])
		}
	}
	return minor
}

// has tells whether a file is there.
func (r root) has(file string) bool {
	_, err := r.resolve(file)
	return err == nil
}
