package step

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// file is what a layer says of a file, and its time.
type file struct {
	mode     uint32 // with the type
	uid, gid uint32
	device   uint64
	link     string // of a symbolic link
	sum      [sha256.Size]byte
	mtime    syscall.Timespec
}

func (f file) kind() uint32 { return f.mode & syscall.S_IFMT }

// same tells whether two files are equal but for their times.
func (f file) same(g file) bool {
	f.mtime, g.mtime = syscall.Timespec{}, syscall.Timespec{}
	return f == g
}

// read is what is in a directory, by path below it; "." is the directory.
func read(dir string) (map[string]file, error) {
	files := map[string]file{}
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		var stat syscall.Stat_t
		if err := syscall.Lstat(name, &stat); err != nil {
			return &fs.PathError{Op: "lstat", Path: name, Err: err}
		}
		f := file{mode: stat.Mode, uid: stat.Uid, gid: stat.Gid, mtime: stat.Mtim}
		switch f.kind() {
		case syscall.S_IFLNK:
			f.link, err = os.Readlink(name)
		case syscall.S_IFREG:
			f.sum, err = sum(name)
		case syscall.S_IFCHR, syscall.S_IFBLK:
			f.device = stat.Rdev
		}
		files[rel] = f
		return err
	})
	return files, err
}

func sum(name string) (out [sha256.Size]byte, err error) {
	r, err := os.Open(name)
	if err != nil {
		return out, err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return out, err
	}
	h.Sum(out[:0])
	return out, nil
}

// tidy makes the directory a matter of its files: what is as before has its former time, everything else the epoch.
func tidy(dir string, before, after map[string]file) error {
	var list []string
	for name, f := range after {
		full := filepath.Join(dir, name)
		switch f.kind() {
		case syscall.S_IFSOCK, syscall.S_IFIFO:
			if err := os.Remove(full); err != nil {
				return err
			}
			continue
		case syscall.S_IFCHR, syscall.S_IFBLK:
			if was, ok := before[name]; !ok || !was.same(f) {
				return fmt.Errorf("the command made the device %s, which a layer must not have", full)
			}
		}
		list = append(list, name)
	}
	slices.Sort(list)
	for _, name := range list { // after all removals, which change the times of directories
		at := syscall.NsecToTimespec(epoch.UnixNano())
		// A directory is as before when it is there; what changed in it is told by its files.
		if was, ok := before[name]; ok && was.same(after[name]) {
			at = was.mtime
		}
		if err := setTime(filepath.Join(dir, name), at); err != nil {
			return err
		}
	}
	return nil
}

// cacheTag marks a directory as a cache.
const cacheTag = "CACHEDIR.TAG"

// collect copies regular files and links that are new or changed, with the directories above them. Owners are dropped.
func collect(dir, out string, before, after map[string]file) error {
	var list []string
	for name, f := range after {
		if was, ok := before[name]; ok && was.same(f) || f.kind() != syscall.S_IFREG && f.kind() != syscall.S_IFLNK || cached(name, after) {
			continue
		}
		list = append(list, name)
	}
	slices.Sort(list)
	for _, name := range list {
		from, to := filepath.Join(dir, name), filepath.Join(out, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if after[name].kind() == syscall.S_IFLNK {
			if err := os.Symlink(after[name].link, to); err != nil {
				return err
			}
			continue
		}
		if err := copyFile(from, to, fs.FileMode(after[name].mode&0o111)); err != nil {
			return err
		}
	}
	return sealTimes(out)
}

// cached tells whether a file lies in a cache.
func cached(name string, files map[string]file) bool {
	for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
		if _, ok := files[filepath.Join(dir, cacheTag)]; ok {
			return true
		}
	}
	return false
}

func copyFile(from, to string, executable fs.FileMode) (err error) {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644|executable)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	_, err = io.Copy(w, r)
	return err
}

// sealTimes gives everything in a directory the epoch.
func sealTimes(dir string) error {
	return filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return setTime(name, syscall.NsecToTimespec(epoch.UnixNano()))
	})
}

// setTime sets both times of a file, of the link itself if it is a symbolic link: os.Chtimes would follow it.
func setTime(name string, t syscall.Timespec) error {
	ts := unix.Timespec(t)
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, name, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &fs.PathError{Op: "utimensat", Path: name, Err: err}
	}
	return nil
}
