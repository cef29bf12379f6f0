package distro

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// epoch is the time of every file that an installation makes or changes: the same as that of all other files which pyfile makes.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// snapshot is the state of all files of a root at one time. Other file systems that are mounted there are left out.
type snapshot struct {
	root   string // "/"
	mounts map[string]bool
	files  map[string]state  // by path below the root, without a first slash; "." is the root
	kept   map[string]former // the files that must stay as they are
}

// state is what tells that a file was changed: every change sets the change time, which no program can set back.
type state struct {
	mode         uint32
	size         int64
	mtime, ctime syscall.Timespec
	names        []string // of a directory
}

// former is what a file was.
type former struct {
	data     []byte
	mode     uint32
	uid, gid int
	mtime    syscall.Timespec
}

// identities are files that name one machine. An image that made one for itself would give it to all its containers, and would be
// another image each time.
var identities = []string{"etc/machine-id", "var/lib/dbus/machine-id"}

// scratch are directories in which nothing new may stay.
var scratch = []string{"tmp", "var/tmp", "var/lib/apt/lists", "var/lib/apt/periodic"}

// caches are the directories of files that programs make again when they miss them, and scraps those of packages' running programs.
var caches, scraps = []string{"var/cache"}, []string{"run", "var/log"}

// lasting are the files below the caches that are more than that: debconf's answers, without which a package asks again, and the
// list of fonts.
var lasting = []string{"var/cache/debconf/*.dat", "var/cache/fontconfig/*"}

// backups are the former versions of files, which dpkg and the programs that edit the lists of users leave, and the one cache that every
// installation writes. One that the base has stays as it was: to take it away would be an entry in the layer too, and some engines write that
// entry with the time of the build.
var backups = []string{"var/lib/dpkg/*-old", "var/cache/debconf/*-old", "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-", "etc/subgid-", "var/cache/ldconfig/aux-cache"}

// takeSnapshot reads the state of all files of a root.
func takeSnapshot(root string) (*snapshot, error) {
	mounts, err := mountPoints()
	if err != nil {
		return nil, err
	}
	s := &snapshot{root: root, mounts: mounts, kept: map[string]former{}}
	if s.files, err = s.read(); err != nil {
		return nil, err
	}
	s.forgetMountTimes()
	for name, before := range s.files {
		if !stays(name) || before.mode&syscall.S_IFMT != syscall.S_IFREG {
			continue
		}
		var stat syscall.Stat_t
		if err := syscall.Lstat(s.file(name), &stat); err != nil {
			return nil, &fs.PathError{Op: "lstat", Path: s.file(name), Err: err}
		}
		data, err := os.ReadFile(s.file(name))
		if err != nil {
			return nil, err
		}
		s.kept[name] = former{data: data, mode: stat.Mode, uid: int(stat.Uid), gid: int(stat.Gid), mtime: stat.Mtim}
	}
	return s, nil
}

// stays tells of a file that it must stay as it is, or missing.
func stays(name string) bool { return slices.Contains(identities, name) || matches(name, backups) }

// forgetMountTimes gives the directories above mounts the epoch as their time before, where they have that of a mount point which was made in
// them for this build: a time that the file system set itself is also that of the change. What they had is not known.
func (s *snapshot) forgetMountTimes() {
	for mount := range s.mounts {
		name, err := filepath.Rel(s.root, mount)
		if err != nil || !filepath.IsLocal(name) {
			continue
		}
		for name != "." {
			name = path.Dir(name)
			if dir, ok := s.files[name]; ok && dir.mtime == dir.ctime {
				dir.mtime, dir.ctime = syscall.NsecToTimespec(epoch.UnixNano()), syscall.Timespec{}
				s.files[name] = dir
			}
		}
	}
}

func (s *snapshot) file(name string) string { return filepath.Join(s.root, name) }

// read walks the root without leaving its file system.
func (s *snapshot) read() (map[string]state, error) {
	files := map[string]state{}
	err := filepath.WalkDir(s.root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(s.root, file)
		if err != nil {
			return err
		}
		if name != "." && s.mounts[file] {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		var stat syscall.Stat_t
		if err := syscall.Lstat(file, &stat); err != nil {
			return &fs.PathError{Op: "lstat", Path: file, Err: err}
		}
		files[name] = state{mode: stat.Mode, size: stat.Size, mtime: stat.Mtim, ctime: stat.Ctim}
		if name != "." {
			dir := files[path.Dir(name)]
			dir.names = append(dir.names, path.Base(name))
			files[path.Dir(name)] = dir
		}
		return nil
	})
	return files, err
}

// tidy takes away what an installation left beside what it was asked for, and gives every file that it made or changed the epoch as
// its time. What is back to the state before gets its former time back, so that it is no part of a layer.
func (s *snapshot) tidy() error {
	after, err := s.read()
	if err != nil {
		return err
	}
	if err := s.clean(after); err != nil {
		return err
	}
	if after, err = s.read(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		now := after[name]
		before, existed := s.files[name]
		switch {
		case existed && now.ctime == before.ctime:
			continue
		case existed && now.mode&syscall.S_IFMT == before.mode&syscall.S_IFMT && now.same(before):
			err = setTime(s.file(name), before.mtime)
		default:
			err = setTime(s.file(name), syscall.NsecToTimespec(epoch.UnixNano()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// unchanged tells of a file that it is as it was.
func (s *snapshot) unchanged(name string) bool {
	var stat syscall.Stat_t
	if err := syscall.Lstat(s.file(name), &stat); err != nil {
		return true
	}
	before, existed := s.files[name]
	return existed && stat.Ctim == before.ctime
}

// same tells of two states of one file whether it still has what it had: the same entries in a directory, and in a file what was
// written at the same time, or nothing, as in the locks of dpkg.
func (a state) same(b state) bool {
	if a.mode&syscall.S_IFMT == syscall.S_IFDIR {
		return slices.Equal(a.names, b.names)
	}
	return a.size == b.size && (a.size == 0 || a.mtime == b.mtime)
}

// clean removes leftovers among the files.
func (s *snapshot) clean(after map[string]state) error {
	var errs []error
	names := slices.Sorted(maps.Keys(after))
	slices.Reverse(names) // what a directory holds comes before it
	for _, name := range names {
		now := after[name]
		before, existed := s.files[name]
		if existed && now.ctime == before.ctime {
			continue
		}
		isDir := now.mode&syscall.S_IFMT == syscall.S_IFDIR
		switch {
		case stays(name): // below
		case !existed && below(name, scratch), !isDir && below(name, caches) && !matches(name, lasting):
			errs = append(errs, os.Remove(s.file(name)))
		case !existed && !isDir && below(name, scraps):
			errs = append(errs, os.Remove(s.file(name)))
		case existed && !isDir && below(name, scraps) && now.mode&syscall.S_IFMT == syscall.S_IFREG && now.size > before.size:
			// A log only grows. Its first part is what the base has.
			errs = append(errs, os.Truncate(s.file(name), before.size), setTime(s.file(name), before.mtime))
		}
	}
	for name := range after {
		if _, existed := s.files[name]; !existed && stays(name) {
			errs = append(errs, os.Remove(s.file(name)))
		}
	}
	for name, file := range s.kept {
		if now, exists := after[name]; !exists || now.ctime != s.files[name].ctime {
			errs = append(errs, file.restore(s.file(name)))
		}
	}
	return errors.Join(errs...)
}

// restore makes a file again as it was, unless its directory is gone. It is a new file, because what is there now may have another name too.
func (f former) restore(file string) error {
	if _, err := os.Lstat(filepath.Dir(file)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.RemoveAll(file); err != nil {
		return err
	}
	if err := os.WriteFile(file, f.data, 0o600); err != nil {
		return err
	}
	if err := os.Chown(file, f.uid, f.gid); err != nil {
		return err
	}
	if err := syscall.Chmod(file, f.mode&0o7777); err != nil { // after chown(2), which clears bits
		return &fs.PathError{Op: "chmod", Path: file, Err: err}
	}
	return setTime(file, f.mtime)
}

func below(name string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(name, dir+"/") })
}

func matches(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

// mountPoints returns the paths on which something is mounted (proc_pid_mountinfo(5)).
func mountPoints() (map[string]bool, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("the mounts of the build cannot be read: %w", err)
	}
	return parseMounts(string(data)), nil
}

func parseMounts(text string) map[string]bool {
	mounts := map[string]bool{}
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 4 {
			mounts[strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(fields[4])] = true
		}
	}
	return mounts
}

// setTime sets the times of a file, or of a link itself, which the standard library cannot do.
func setTime(name string, t syscall.Timespec) error {
	const atFdcwd, atSymlinkNofollow = -100, 0x100
	p, err := syscall.BytePtrFromString(name)
	if err != nil {
		return &fs.PathError{Op: "utimensat", Path: name, Err: err}
	}
	ts, cwd := [2]syscall.Timespec{t, t}, atFdcwd
	_, _, errno := syscall.Syscall6(syscall.SYS_UTIMENSAT, uintptr(cwd), uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&ts)), atSymlinkNofollow, 0, 0)
	if errno != 0 {
		return &fs.PathError{Op: "utimensat", Path: name, Err: errno}
	}
	return nil
}
