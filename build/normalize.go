package build

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// normalize rewrites a wheel so that what is in it alone decides about its bytes, and not the clock, the order of a directory or the
// file system: entries are in the order of their names, those of .dist-info last and RECORD at the end, as the format recommends;
// all are dated 1980-01-01 and have the modes 0644 or 0755; the lines of RECORD are sorted; fields that only one tool knows are left
// out, and so are directories. Compressed bytes stay as they are. The work directory is for the new file.
func normalize(wheel, work string) error {
	r, err := zip.OpenReader(wheel)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return fmt.Errorf("the build backend made %s, which is no wheel: %w", filepath.Base(wheel), err)
	}
	defer func() { _ = r.Close() }() // it is only read
	name := filepath.Join(work, "wheel")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // it is for every user
	if err != nil {
		return err
	}
	err = rewrite(f, r.File)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(wheel), err)
	}
	return replace(wheel, name)
}

// replace puts a file in the place of another, which may be on another file system.
func replace(old, name string) error {
	if os.Rename(name, old) == nil {
		return nil
	}
	src, err := os.Open(name)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(old)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

// place is where in a wheel an entry stands: files, then metadata, then RECORD and its signatures.
func place(name string) int {
	dir, rest, _ := strings.Cut(name, "/")
	switch {
	case !strings.HasSuffix(dir, ".dist-info"):
		return 0
	case rest == "RECORD" || strings.HasPrefix(rest, "RECORD."):
		return 2
	}
	return 1
}

// firstDate is 1980-01-01 as an entry has it.
const firstDate = 1<<5 | 1

func rewrite(w io.Writer, entries []*zip.File) error {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e *zip.File) bool { return strings.HasSuffix(e.Name, "/") })
	slices.SortStableFunc(entries, func(a, b *zip.File) int {
		return cmp.Or(cmp.Compare(place(a.Name), place(b.Name)), strings.Compare(a.Name, b.Name))
	})
	z := zip.NewWriter(w)
	for _, e := range entries {
		h := zip.FileHeader{Name: e.Name, Method: e.Method, NonUTF8: e.NonUTF8, CreatorVersion: 3 << 8,
			ModifiedDate: firstDate} //nolint:staticcheck // Modified adds a field that only some tools write
		mode := uint32(0o644)
		if e.CreatorVersion>>8 == 3 && e.Mode()&0o111 != 0 {
			mode = 0o755
		}
		if kind := e.ExternalAttrs >> 16 & 0o170000; e.CreatorVersion>>8 == 3 && kind != 0 && kind != 0o100000 {
			return fmt.Errorf("%q is neither a file nor a directory", e.Name)
		}
		h.ExternalAttrs = (0o100000 | mode) << 16
		if place(e.Name) == 2 && strings.HasSuffix(e.Name, "/RECORD") {
			if err := writeRecord(z, &h, e); err != nil {
				return err
			}
			continue
		}
		h.Flags = e.Flags &^ 0x8 // the sizes are known before the content
		h.CRC32, h.CompressedSize64, h.UncompressedSize64 = e.CRC32, e.CompressedSize64, e.UncompressedSize64
		content, err := e.OpenRaw()
		if err != nil {
			return err
		}
		f, err := z.CreateRaw(&h)
		if err != nil {
			return err
		}
		if n, err := io.Copy(f, content); err != nil || uint64(n) != e.CompressedSize64 {
			return fmt.Errorf("%q cannot be read: %w", e.Name, cmp.Or(err, io.ErrUnexpectedEOF))
		}
	}
	return z.Close()
}

// maxRecord is the most bytes that a RECORD may have.
const maxRecord = 64 << 20

// writeRecord writes a RECORD with its lines sorted. A field may hold a line break in quotes; such a file stays as it is.
func writeRecord(z *zip.Writer, h *zip.FileHeader, e *zip.File) error {
	r, err := e.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxRecord+1))
	if err != nil || len(data) > maxRecord {
		return fmt.Errorf("%q cannot be read: %w", e.Name, cmp.Or(err, errors.New("it is too large")))
	}
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n"), "\n")
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.Count(line, `"`)%2 != 0 }) {
		slices.SortStableFunc(lines, func(a, b string) int {
			return cmp.Or(cmp.Compare(recordPlace(a), recordPlace(b)), strings.Compare(a, b))
		})
		data = []byte(strings.Join(lines, "\n") + "\n")
	}
	h.Method = zip.Deflate
	f, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(data))
	return err
}

// recordPlace sorts the rows as the entries are sorted.
func recordPlace(line string) int {
	name, _, _ := strings.Cut(strings.TrimPrefix(line, `"`), ",")
	return place(name)
}
