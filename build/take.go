package build

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/pyfile/install"
	"github.com/org/pyfile/python"
)

// TakeOptions says what Take takes.
type TakeOptions struct {
	Source string        // directory with wheels, or with a directory "wheels" that has them
	Out    string        // directory for the wheels; absent or empty
	Target python.Target // what they must be for
	// Wheels are what is wanted: FILE#sha256=HEX is that file, NAME==VERSION or NAME the best wheel of a project for the target, and * the only
	// wheel there is.
	Wheels []string
}

// Take takes wheels out of a directory that somebody else filled. A file whose hash is known must have it. Problems of all wheels are reported
// together.
func Take(o TakeOptions) error {
	dir := filepath.Join(o.Source, "wheels")
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		dir = o.Source
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".whl") {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return errors.New("the build context has no wheel, neither in /wheels nor at its root")
	}
	return install.Output(o.Out, func() error {
		var errs []error
		for _, want := range o.Wheels {
			name, hash, err := o.find(names, want)
			if err == nil {
				err = takeFile(filepath.Join(dir, name), filepath.Join(o.Out, name), hash)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}

// find is the name of the file that is wanted, and the hash that it must have, if one is known.
func (o TakeOptions) find(names []string, want string) (name, hash string, err error) {
	if file, hash, ok := strings.Cut(want, "#sha256="); ok {
		if !slices.Contains(names, file) {
			return "", "", fmt.Errorf("the build context has no %s, which is the wheel that the lock names", file)
		}
		return file, hash, nil
	}
	if want == "*" {
		if len(names) > 1 {
			return "", "", fmt.Errorf("the build context has several wheels, %s, and the project has no name to choose by", strings.Join(names, ", "))
		}
		return names[0], "", nil
	}
	project, version, _ := strings.Cut(want, "==")
	var fit []string
	for _, n := range names {
		if w, err := python.ParseWheelName(n); err == nil && w.Name == python.NormalizeName(project) && (version == "" || python.SameVersion(w.Version, version)) {
			fit = append(fit, n)
		}
	}
	if len(fit) == 0 {
		return "", "", fmt.Errorf("the build context has no wheel of %s", strings.Replace(want, "==", " ", 1))
	}
	best, ok := python.BestWheel(fit, o.Target.Tags())
	if !ok {
		return "", "", fmt.Errorf("the build context has no wheel of %s for %s, but %s", project, o.Target, strings.Join(fit, ", "))
	}
	if version == "" && slices.ContainsFunc(fit, func(n string) bool { return versionOf(n) != versionOf(fit[best]) }) {
		return "", "", fmt.Errorf("the build context has several versions of %s: %s", project, strings.Join(fit, ", "))
	}
	return fit[best], "", nil
}

// versionOf is the version of a wheel by its file name.
func versionOf(name string) string {
	w, err := python.ParseWheelName(name)
	if err != nil {
		return ""
	}
	return w.Version
}

// takeFile copies a file, which must have the hash unless that is empty.
func takeFile(from, to, hash string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a wheel is no secret
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(dst, sum), src)
	if err = errors.Join(err, dst.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); hash != "" && got != hash {
		return fmt.Errorf("%s of the build context is not the file that was locked: it has the sha256 %s, not %s", filepath.Base(from), got, hash)
	}
	return nil
}
