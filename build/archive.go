package build

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

func (u *unpacker) gzip(r io.Reader) error {
	z, err := gzip.NewReader(bufio.NewReaderSize(r, 1<<20))
	if err != nil {
		return damaged(err)
	}
	return u.tar(z)
}

func (u *unpacker) bzip2(r io.Reader) error {
	return u.tar(bzip2.NewReader(bufio.NewReaderSize(r, 1<<20)))
}

// plausibleTar tells whether a block is the header of a tar archive from before POSIX: its checksum is right.
func plausibleTar(block []byte) bool {
	digits := strings.Trim(string(block[148:156]), " \x00")
	want, err := strconv.ParseInt(digits, 8, 64)
	var sum int64
	for i, b := range block {
		if i >= 148 && i < 156 {
			b = ' '
		}
		sum += int64(b)
	}
	return err == nil && sum == want
}

// tar unpacks a tar archive. What is behind its end is not looked at: tools fill blocks with it.
func (u *unpacker) tar(r io.Reader) error {
	// Holes of sparse files are read as zeros, and so counted; what is skipped over is not. Beside its content an entry has headers.
	t := tar.NewReader(&counted{r: r, left: u.limits.bytes + 4096*int64(u.limits.entries)})
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // this package looks at paths itself
			return damaged(err)
		}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
			err = u.file(h.Name, h.Mode&0o111 != 0, t)
		case tar.TypeDir:
			err = u.directory(h.Name)
		case tar.TypeSymlink:
			err = u.link(h.Name, h.Linkname)
		case tar.TypeLink:
			err = u.copy(h.Name, h.Linkname)
		case tar.TypeXGlobalHeader: // git's, with the commit
			err = nil
		default:
			err = u.problem(h.Name, "is a device, a pipe or another special file")
		}
		if err != nil {
			return err
		}
	}
}

// counted reads no more than a number of bytes: an archive that is skipped over is expanded, too.
type counted struct {
	r    io.Reader
	left int64
}

var errExpands = errors.New("it expands without end")

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, errExpands
	}
	return n, err
}

// maxTarget is the most bytes that the target of a link may have; Linux takes no more either.
const maxTarget = 4096

func (u *unpacker) zip(f *os.File, size int64) error {
	z, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return damaged(err)
	}
	for _, e := range z.File {
		if err := u.zipEntry(e); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) zipEntry(e *zip.File) error {
	switch {
	case e.Flags&1 != 0:
		return u.problem(e.Name, "is encrypted")
	case e.Method != zip.Store && e.Method != zip.Deflate:
		return u.problem(e.Name, "is compressed by method %d: it must be stored or deflated", e.Method)
	case strings.HasSuffix(e.Name, "/"):
		return u.directory(e.Name)
	}
	mode := e.Mode()
	if mode&fs.ModeType != 0 && mode&fs.ModeSymlink == 0 {
		return u.problem(e.Name, "is a device, a pipe or another special file")
	}
	r, err := e.Open()
	if err != nil {
		return damaged(err)
	}
	defer r.Close()
	if mode&fs.ModeSymlink == 0 {
		// Only what came from Unix has permissions.
		return u.file(e.Name, e.CreatorVersion>>8 == 3 && mode&0o111 != 0, r)
	}
	target, err := io.ReadAll(io.LimitReader(r, maxTarget+1))
	if err != nil {
		return damaged(err)
	}
	if len(target) > maxTarget || bytes.IndexByte(target, 0) >= 0 {
		return u.problem(e.Name, "is a link with a target that is no path")
	}
	return u.link(e.Name, string(target))
}
