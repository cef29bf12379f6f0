package distro

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// root is the file system of an image. Its links are followed here, and an absolute one begins at the root of the image, so that no
// link leads outside, whatever kind of file system it is.
type root struct{ fs.FS }

// mostLinks is how many links Linux follows on one path (path_resolution(7)).
const mostLinks = 40

// resolve returns the path of what name is in the end, without links, in the form of package fs: "usr/lib/os-release".
func (r root) resolve(name string) (string, error) {
	rest := strings.Split(name, "/")
	done, links := ".", 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			done = path.Dir(done) // of "." it is "."
			continue
		}
		next := path.Join(done, part)
		if !fs.ValidPath(next) {
			return "", &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
		}
		info, err := fs.Lstat(r.FS, next)
		if err != nil {
			return "", err
		}
		if info.Mode().Type() != fs.ModeSymlink {
			done = next
			continue
		}
		if links++; links > mostLinks {
			return "", &fs.PathError{Op: "open", Path: name, Err: errLoop}
		}
		target, err := fs.ReadLink(r.FS, next)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			done = "."
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return done, nil
}

// readFile reads a regular file; a file that is missing is nil, and so is what is no file.
func (r root) readFile(name string) ([]byte, error) {
	file, err := r.resolve(name)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(r.FS, file)
	if err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	return fs.ReadFile(r.FS, file)
}

// readDir lists a directory in the order of its names; one that is missing is empty. The path it returns is that of the directory
// without links, to which a name may be joined.
func (r root) readDir(name string) (string, []fs.DirEntry, error) {
	dir, err := r.resolve(name)
	if missing(err) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	if info, err := fs.Stat(r.FS, dir); err != nil || !info.IsDir() {
		return "", nil, err
	}
	list, err := fs.ReadDir(r.FS, dir)
	return dir, list, err
}

// errNotDirectory is what the system says of a path that goes through a file, and errLoop of links that never end.
var errNotDirectory, errLoop error = syscall.ENOTDIR, syscall.ELOOP

// missing tells whether there is nothing that could be read: no such file, or only a link that leads nowhere.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDirectory) || errors.Is(err, errLoop) || errors.Is(err, fs.ErrInvalid)
}
