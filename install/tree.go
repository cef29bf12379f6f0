package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"
)

// Epoch is the time of every file: the first that a zip archive can say.
var Epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Output lets fill write the tree dir, which must be absent or empty, and seals it. When fill fails, what it wrote is removed again;
// dir itself stays if it was there before, because it may be a mount.
func Output(dir string, fill func() error) error { return outputs([]string{dir}, fill) }

// outputs is Output for several trees, which are all left or all removed.
func outputs(dirs []string, fill func() error) error {
	created := make([]bool, len(dirs))
	for i, dir := range dirs {
		var err error
		if created[i], err = emptyDir(dir); err != nil {
			return errors.Join(err, clearAll(dirs[:i], created))
		}
	}
	err := fill()
	for _, dir := range dirs {
		if err == nil {
			err = seal(dir)
		}
	}
	if err == nil {
		return nil
	}
	if left := clearAll(dirs, created); left != nil {
		return errors.Join(err, left)
	}
	return err
}

func clearAll(dirs []string, created []bool) (err error) {
	for i, dir := range dirs {
		err = errors.Join(err, clear(dir, created[i]))
	}
	return err
}

// emptyDir makes dir if it is absent, and refuses it if it has entries.
func emptyDir(dir string) (created bool, err error) {
	if dir == "" {
		return false, errors.New("no output directory is given: add --out DIR")
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, os.MkdirAll(dir, 0o755)
	case err != nil:
		return false, err
	case len(entries) > 0:
		return false, fmt.Errorf("the output directory %s must be empty, but has %s", dir, entries[0].Name())
	}
	return false, nil
}

// clear removes what is in dir, and dir itself if it was created.
func clear(dir string, created bool) error {
	if created {
		return os.RemoveAll(dir)
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// seal gives every file of a tree, the root included, its final mode, owner and times: directories 0755, files 0644, or 0755 if
// anyone may execute them. Owners change only for root, as nobody else can.
func seal(dir string) error {
	root := os.Geteuid() == 0
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && root && (st.Uid != 0 || st.Gid != 0) {
			if err := os.Lchown(name, 0, 0); err != nil {
				return err
			}
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			if mode := sealedMode(info.Mode()); info.Mode() != mode {
				if err := os.Chmod(name, mode.Perm()); err != nil {
					return err
				}
			}
		}
		return setTime(name, Epoch)
	})
}

// sealedMode is the mode that a directory or regular file ends with.
func sealedMode(mode fs.FileMode) fs.FileMode {
	switch {
	case mode.IsDir():
		return fs.ModeDir | 0o755
	case mode&0o111 != 0:
		return 0o755
	}
	return 0o644
}

// setTime sets both times of a file, of the link itself if it is a symbolic link: os.Chtimes would follow it.
func setTime(name string, t time.Time) error {
	const atFdcwd, atSymlinkNofollow = -100, 0x100
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		return err
	}
	ts := [2]syscall.Timespec{syscall.NsecToTimespec(t.UnixNano()), syscall.NsecToTimespec(t.UnixNano())}
	cwd := atFdcwd
	_, _, errno := syscall.Syscall6(syscall.SYS_UTIMENSAT, uintptr(cwd), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&ts)), atSymlinkNofollow, 0, 0)
	if errno != 0 {
		return &fs.PathError{Op: "utimensat", Path: name, Err: errno}
	}
	return nil
}
