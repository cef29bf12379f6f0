package build

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// limits are what an archive may expand to.
type limits struct {
	bytes   int64
	entries int
}

// limitsFor are the limits of an archive of a size. Real sources expand to some twenty times their archive at most.
func limitsFor(size int64) limits { return limits{bytes: 1<<30 + 100*size, entries: 1_000_000} }

// maxProblems is how many entries that cannot be unpacked one error lists.
const maxProblems = 20

// kind is what an archive has under a path.
type kind uint8

const (
	isFile kind = iota + 1
	isDirectory
	isLink
)

// unpacker writes the entries of an archive below a directory, and nothing anywhere else.
//
// Symbolic links are made when all else is written, so no file is written through one. A file may be there twice if it is the
// same: some tools list a file twice. Modes are 0755 for what anyone may execute, else 0644.
type unpacker struct {
	root    *os.Root
	limits  limits
	kinds   map[string]kind // by path
	links   []symlink       // in the archive's order
	errs    []error         // of entries; the others are unpacked all the same, so that all problems are told
	written int64
	entries int
	buf     []byte
}

type symlink struct{ name, target string }

// unpack unpacks an archive, which may be a tar archive, plain or compressed with gzip or bzip2, or a zip archive, into a directory.
func unpack(archive, dir string, limit func(size int64) limits) error {
	u, err := readArchive(archive, dir, limit)
	if err != nil {
		return err
	}
	defer u.root.Close()
	return named(archive, u.finish("."))
}

// named puts the name of the archive before an error.
func named(archive string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", filepath.Base(archive), err)
}

// readArchive writes all of an archive but its links.
func readArchive(archive, dir string, limit func(size int64) limits) (*unpacker, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	u := &unpacker{root: root, limits: limit(info.Size()), kinds: map[string]kind{}, buf: make([]byte, 128<<10)}
	if err := u.archive(f, info.Size()); err != nil {
		root.Close()
		return nil, named(archive, err)
	}
	return u, nil
}

// refused are archives that there is no reader for, by how they begin.
var refused = []struct{ magic, name string }{
	{"\xfd7zXZ\x00", "xz"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"LZIP", "lzip"}, {"\x1f\x9d", "compress"}, {"7z\xbc\xaf\x27\x1c", "7-Zip"}, {"Rar!", "RAR"},
}

func (u *unpacker) archive(f *os.File, size int64) error {
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	head = head[:n]
	begins := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	for _, r := range refused {
		if begins(r.magic) {
			return fmt.Errorf("archives of %s are not supported: a source must be a .tar.gz, .tar.bz2, .tar or .zip file", r.name)
		}
	}
	switch {
	case begins("\x1f\x8b"):
		return u.gzip(f)
	case begins("BZh"):
		return u.bzip2(f)
	case begins("PK\x03\x04"), begins("PK\x05\x06"):
		return u.zip(f, size)
	case len(head) == 512 && (string(head[257:262]) == "ustar" || plausibleTar(head)):
		return u.tar(f)
	}
	return errors.New("this is no archive: a source must be a .tar.gz, .tar.bz2, .tar or .zip file")
}

// problem notes that an entry cannot be unpacked.
func (u *unpacker) problem(name, format string, args ...any) error {
	u.errs = append(u.errs, fmt.Errorf("%q "+format, append([]any{name}, args...)...))
	if len(u.errs) == maxProblems {
		return errors.Join(append(u.errs, errors.New("and perhaps more"))...)
	}
	return nil
}

// clean is the one spelling of an entry's path, "." for the root; or what is wrong with the path.
func clean(name string) (cleaned, problem string) {
	switch {
	case name == "":
		return "", "has an empty name"
	case strings.Contains(name, "\x00"):
		return "", "has a NUL in its name"
	case path.IsAbs(name):
		return "", "has an absolute path"
	case slices.Contains(strings.Split(name, "/"), ".."):
		return "", "has a path with `..`"
	}
	return path.Clean(name), ""
}

// claim notes what is under a path, and makes the directories above it. It is false when that cannot be.
func (u *unpacker) claim(name string, k kind) (again, ok bool, err error) {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		switch was := u.kinds[dir]; was {
		case isDirectory:
		case 0:
			u.kinds[dir] = isDirectory
			continue
		default:
			return false, false, u.problem(dir, "is both a file and a directory")
		}
		break
	}
	switch was := u.kinds[name]; was {
	case 0:
		u.kinds[name] = k
	case k:
		again = true
	default:
		return false, false, u.problem(name, "is there as two kinds of file")
	}
	dir := path.Dir(name)
	if k == isDirectory {
		dir = name
	}
	return again, true, u.root.MkdirAll(dir, 0o755)
}

// entry counts an entry and cleans its name, which is empty when there is nothing to unpack.
func (u *unpacker) entry(name string) (string, error) {
	if u.entries++; u.entries > u.limits.entries {
		return "", fmt.Errorf("the archive has more than %d entries", u.limits.entries)
	}
	cleaned, problem := clean(name)
	if problem != "" {
		return "", u.problem(name, "%s", problem)
	}
	return cleaned, nil
}

func (u *unpacker) directory(name string) error {
	cleaned, err := u.entry(name)
	if cleaned == "" || cleaned == "." || err != nil {
		return err
	}
	_, _, err = u.claim(cleaned, isDirectory)
	return err
}

// file writes a file with the bytes of r.
func (u *unpacker) file(name string, executable bool, r io.Reader) error {
	cleaned, err := u.entry(name)
	if cleaned == "" || err != nil {
		return err
	}
	if cleaned == "." {
		return u.problem(name, "is a file without a name")
	}
	again, ok, err := u.claim(cleaned, isFile)
	if !ok || err != nil {
		return err
	}
	if again {
		return u.same(cleaned, r)
	}
	mode := fs.FileMode(0o644)
	if executable {
		mode = 0o755
	}
	f, err := u.root.OpenFile(cleaned, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	err = u.each(r, func(p []byte) error {
		_, err := f.Write(p)
		return err
	})
	return errors.Join(err, f.Close())
}

// same checks that a file which was unpacked already has the bytes of r.
func (u *unpacker) same(name string, r io.Reader) error {
	f, err := u.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	other, same := make([]byte, len(u.buf)), true
	if err := u.each(r, func(p []byte) error {
		if n, err := io.ReadFull(f, other[:len(p)]); same && (err != nil || !bytes.Equal(other[:n], p)) {
			same = false
		}
		return nil
	}); err != nil {
		return err
	}
	if n, _ := f.Read(other[:1]); n > 0 || !same {
		return u.problem(name, "is there twice, with different content")
	}
	return nil
}

// each hands on the bytes of r, as long as the archive stays within its limits.
func (u *unpacker) each(r io.Reader, use func([]byte) error) error {
	for {
		n, err := r.Read(u.buf)
		if u.written += int64(n); u.written > u.limits.bytes {
			return fmt.Errorf("the archive expands to more than %d MiB", u.limits.bytes>>20)
		}
		if err := use(u.buf[:n]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
	}
}

func damaged(err error) error { return fmt.Errorf("the archive is damaged: %w", err) }

// link notes a symbolic link.
func (u *unpacker) link(name, target string) error {
	cleaned, err := u.entry(name)
	if cleaned == "" || err != nil {
		return err
	}
	again, ok, err := u.claim(cleaned, isLink)
	if !ok || err != nil {
		return err
	}
	if again {
		if i := slices.IndexFunc(u.links, func(l symlink) bool { return l.name == cleaned }); u.links[i].target != target {
			return u.problem(cleaned, "is there twice, with different targets")
		}
		return nil
	}
	u.links = append(u.links, symlink{cleaned, target})
	return nil
}

// copy writes a file with the bytes of one that was unpacked before: what a hard link comes to.
func (u *unpacker) copy(name, of string) error {
	of, problem := clean(of)
	if problem != "" {
		return u.problem(name, "is a hard link to a file that %s", problem)
	}
	switch u.kinds[of] {
	case isLink:
		i := slices.IndexFunc(u.links, func(l symlink) bool { return l.name == of })
		return u.link(name, u.links[i].target)
	case isFile:
	default:
		return u.problem(name, "is a hard link to %q, which is not a file before it", of)
	}
	if cleaned, _ := clean(name); cleaned == of {
		return nil
	}
	f, err := u.root.Open(of)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return u.file(name, info.Mode()&0o111 != 0, f)
}

// top is the directory that all is in, "." if there is no single one. Archives of sources have one, with the name and version.
func (u *unpacker) top() string {
	top := "."
	for name, k := range u.kinds {
		if strings.Contains(name, "/") {
			continue
		}
		if top != "." || k != isDirectory {
			return "."
		}
		top = name
	}
	return top
}

// finish makes the symbolic links and reports all problems. No link may lead out of the directory top, which is what remains.
func (u *unpacker) finish(top string) error {
	var made []symlink
	for _, l := range u.links {
		lexically := path.Join(path.Dir(l.name), l.target)
		if path.IsAbs(l.target) || l.target == "" || top != "." && lexically != top && !strings.HasPrefix(lexically, top+"/") || !filepath.IsLocal(lexically) {
			if err := u.problem(l.name, "is a link to %q, which leads out of the source", l.target); err != nil {
				return err
			}
			continue
		}
		if err := u.root.Symlink(l.target, l.name); err != nil {
			return err
		}
		made = append(made, l)
	}
	tree, err := u.root.OpenRoot(top)
	if err != nil {
		return err
	}
	defer tree.Close()
	for _, l := range made {
		rel := l.name
		if top != "." {
			rel = strings.TrimPrefix(l.name, top+"/")
		}
		// A link whose target is not there leads nowhere: tests have such links, and circles of them.
		if _, err := tree.Stat(rel); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ELOOP) && !errors.Is(err, syscall.ENOTDIR) {
			if err := u.problem(l.name, "is a link to %q, which leads out of the source", l.target); err != nil {
				return err
			}
		}
	}
	return errors.Join(u.errs...)
}
