package install

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/elf"
)

// Files that hold the checksum or the signature of the file that they are named after: NAME.hmac or .NAME.hmac beside NAME, and
// NAME.chk beside NAME.so. A library that checks itself refuses to work if it was changed.
var (
	checksumEndings = []string{".hmac", ".sha1", ".sha256", ".sha384", ".sha512", ".md5", ".sig", ".asc", ".p7s", ".minisig"}
	checksumOfStem  = ".chk" // NSS
	// selfChecking are libraries that check their own file, against a checksum in a configuration or in themselves: the module of OpenSSL
	// for FIPS 140, and libgcrypt.
	selfChecking = []string{"fips.so", "libgcrypt.so", "libgcrypt-"}
)

// sealed returns the files of a wheel whose bytes must not change.
func (w *wheel) sealed() map[string]bool {
	out, names := map[string]bool{}, map[string]bool{}
	for i := range w.members {
		names[w.members[i].Name] = true
	}
	for name := range names {
		dir, base := path.Split(name)
		stem, _, _ := strings.Cut(base, ".so")
		out[name] = names[dir+stem+checksumOfStem] ||
			slices.ContainsFunc(checksumEndings, func(end string) bool { return names[name+end] || names[dir+"."+base+end] }) ||
			slices.ContainsFunc(selfChecking, func(begin string) bool { return strings.HasPrefix(base, begin) })
	}
	return out
}

// strip strips a file that was written, and fills its row of RECORD anew. A file that elf.Strip is not sure of stays as it is.
func (f *file) strip(w *os.File) error {
	st, err := w.Stat()
	if err != nil {
		return err
	}
	edit, err := elf.Strip(w, st.Size())
	if errors.Is(err, elf.ErrFormat) || err == nil && edit == nil {
		return nil
	}
	if err == nil {
		err = edit.Apply(w)
	}
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, io.NewSectionReader(w, 0, edit.Size()))
	if err != nil {
		return err
	}
	f.record = formatRow("", [32]byte(sum.Sum(nil)), n)
	return nil
}
