package verify

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// root is the root of an image. Links are followed here, where an absolute one begins at the root of the image, so none leads out of it.
// What was looked up is kept, because the libraries of a system are reached by many paths.
type root struct {
	files fs.FS
	known map[string]entry // by path in the form of package fs
}

// entry is what one path is, not following a link.
type entry struct {
	mode   fs.FileMode
	target string // of a link
	err    error
}

// mostLinks is how many links Linux follows on one path (path_resolution(7)).
const mostLinks = 40

func newRoot(files fs.FS) *root { return &root{files, map[string]entry{}} }

func (r *root) lookup(name string) entry {
	if e, ok := r.known[name]; ok {
		return e
	}
	var e entry
	if info, err := fs.Lstat(r.files, name); err != nil {
		e.err = err
	} else if e.mode = info.Mode(); e.mode.Type() == fs.ModeSymlink {
		e.target, e.err = fs.ReadLink(r.files, name)
	}
	r.known[name] = e
	return e
}

// resolve returns the absolute path without links of what an absolute path leads to, and its mode. A path that leads nowhere, or round
// and round, is "".
func (r *root) resolve(name string) (string, fs.FileMode, error) {
	rest := strings.Split(name, "/")
	done, mode, links := ".", fs.ModeDir, 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done, mode = path.Dir(done), fs.ModeDir // of "." it is "."
			continue
		}
		next := path.Join(done, part)
		if !fs.ValidPath(next) {
			return "", 0, nil
		}
		e := r.lookup(next)
		switch {
		case missing(e.err):
			return "", 0, nil
		case e.err != nil:
			return "", 0, e.err
		case e.mode.Type() != fs.ModeSymlink:
			done, mode = next, e.mode
			continue
		}
		if links++; links > mostLinks {
			return "", 0, nil
		}
		if path.IsAbs(e.target) {
			done = "."
		}
		rest = append(strings.Split(e.target, "/"), rest...)
		mode = fs.ModeDir
	}
	return path.Join("/", done), mode, nil
}

// readDir lists the names of a directory in their order; one that is missing is empty. The path it returns is without links.
func (r *root) readDir(name string) (dir string, names []string, err error) {
	dir, mode, err := r.resolve(name)
	if err != nil || dir == "" || !mode.IsDir() {
		return "", nil, err
	}
	list, err := fs.ReadDir(r.files, inside(dir))
	for _, e := range list {
		names = append(names, e.Name())
	}
	return dir, names, err
}

// readFile reads a small regular file. One that is missing or larger than most bytes is nil.
func (r *root) readFile(name string, most int64) ([]byte, error) {
	file, mode, err := r.resolve(name)
	if err != nil || file == "" || !mode.IsRegular() {
		return nil, err
	}
	if info, err := fs.Stat(r.files, inside(file)); err != nil || info.Size() > most {
		return nil, err
	}
	return fs.ReadFile(r.files, inside(file))
}

// inside is the form that package fs has for an absolute path.
func inside(name string) string {
	if name == "/" {
		return "."
	}
	return name[1:]
}

// missing tells whether there is nothing that could be read.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) || errors.Is(err, fs.ErrInvalid)
}
