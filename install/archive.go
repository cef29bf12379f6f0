package install

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"
	"unicode/utf8"
)

// The parts of a zip entry's external attributes that hold the Unix mode of the file (APPNOTE 4.4.15, Info-ZIP's convention).
const (
	modeType      = 0o170000
	modeDirectory = 0o040000
	modeSymlink   = 0o120000
	modeRegular   = 0o100000
	modeExecute   = 0o111
)

// badPath says why a path of an archive cannot be unpacked, or "" if it can. There is one spelling for every path, so that a path
// that was looked at is the path that is written.
func badPath(name string) string {
	switch {
	case name == "":
		return "has an empty name"
	case !utf8.ValidString(name):
		return "has a name that is not UTF-8"
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has a control character in its name"
	case strings.Contains(name, `\`):
		return `has a backslash in its name: wheels separate directories with "/"`
	case path.IsAbs(name):
		return "has an absolute path"
	case len(name) > 1 && name[1] == ':' && ('A' <= name[0]&^0x20 && name[0]&^0x20 <= 'Z'):
		return "has a path with a drive letter"
	}
	for _, part := range strings.Split(name, "/") {
		switch part {
		case "..":
			return "has a path that leads out of the wheel"
		case ".", "":
			return "has a path that is not in its shortest form"
		}
	}
	return ""
}

// badEntry says why an entry of an archive cannot be unpacked, apart from its path.
func badEntry(f *zip.File) string {
	mode := f.ExternalAttrs >> 16 & modeType
	switch isDir := strings.HasSuffix(f.Name, "/"); {
	case f.Flags&1 != 0:
		return "is encrypted"
	case mode == modeSymlink:
		return "is a symbolic link, which wheels cannot hold"
	case isDir && f.UncompressedSize64 != 0:
		return "is a directory with content"
	case isDir && mode != 0 && mode != modeDirectory, !isDir && mode != 0 && mode != modeRegular:
		return "is neither a file nor a directory"
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return fmt.Sprintf("is compressed by method %d: wheels must be stored or deflated", f.Method)
	}
	return ""
}

// executable says whether anyone may execute the file, by pip's rule.
func executable(f *zip.File) bool {
	mode := f.ExternalAttrs >> 16
	return mode&modeType == modeRegular && mode&modeExecute != 0
}

// checkEntries returns what is wrong with the paths and kinds of an archive's entries, and the entries that are files.
func checkEntries(list []*zip.File) (files []*zip.File, errs []error) {
	isFile := map[string]bool{} // by path; false for a directory
	claim := func(name string, file bool) {
		was, ok := isFile[name]
		switch {
		case ok && was && file:
			errs = append(errs, fmt.Errorf("%q is there twice", name))
		case ok && was != file:
			errs = append(errs, fmt.Errorf("%q is both a file and a directory", name))
		}
		isFile[name] = file
	}
	for _, f := range list {
		name := strings.TrimSuffix(f.Name, "/")
		if why := badPath(name); why != "" {
			errs = append(errs, fmt.Errorf("%q %s", f.Name, why))
			continue
		}
		if why := badEntry(f); why != "" {
			errs = append(errs, fmt.Errorf("%q %s", f.Name, why))
			continue
		}
		file := !strings.HasSuffix(f.Name, "/")
		claim(name, file)
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if was, ok := isFile[dir]; ok && !was {
				break // and so are those above it
			}
			claim(dir, false)
		}
		if file {
			files = append(files, f)
		}
	}
	return files, errs
}

// errContent says that an archive's file is not what the archive or the RECORD says it is.
var errContent = errors.New("the wheel is damaged or was changed; download it again")

// extract writes the content of an entry to w and checks it against the digest, unless that is zero, and the size of the entry's
// header, so a file that expands to more than it says is never written past that. sum may be nil; it sees the same bytes.
func extract(w io.Writer, f *zip.File, want digest, sum hash.Hash, buf []byte) error {
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("%q cannot be read: %w", f.Name, err)
	}
	defer r.Close()
	var check hash.Hash
	if want.new != nil {
		check = want.new()
	}
	var n uint64
	for {
		k, err := r.Read(buf)
		if n += uint64(k); n > f.UncompressedSize64 {
			return fmt.Errorf("%q is larger than its header says: %w", f.Name, errContent)
		}
		if check != nil {
			check.Write(buf[:k])
		}
		if sum != nil {
			sum.Write(buf[:k])
		}
		if _, err := w.Write(buf[:k]); err != nil {
			return &writeError{err}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%q cannot be read: %w: %w", f.Name, err, errContent)
		}
	}
	if n != f.UncompressedSize64 {
		return fmt.Errorf("%q is smaller than its header says: %w", f.Name, errContent)
	}
	if check != nil && !bytes.Equal(check.Sum(nil), want.sum) {
		return fmt.Errorf("%q does not have the hash that RECORD gives: %w", f.Name, errContent)
	}
	return nil
}

// writeError is a failure of the disk and not of the wheel: nothing else needs trying after it.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// maxMetadata is the most bytes that a file of .dist-info may have if it is to be read into memory.
const maxMetadata = 64 << 20

// readMetadata returns the content of a small entry.
func readMetadata(f *zip.File) ([]byte, error) {
	if f.UncompressedSize64 > maxMetadata {
		return nil, fmt.Errorf("%q has %d bytes, which is too large for a file of metadata", f.Name, f.UncompressedSize64)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%q cannot be read: %w", f.Name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, int64(f.UncompressedSize64)+1))
	if err != nil {
		return nil, fmt.Errorf("%q cannot be read: %w", f.Name, err)
	}
	if uint64(len(data)) != f.UncompressedSize64 {
		return nil, fmt.Errorf("%q is larger than its header says: %w", f.Name, errContent)
	}
	return data, nil
}
