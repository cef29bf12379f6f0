package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/org/pyfile/install"
)

// output lets fill write the tree out, as install.Output does. work is the directory beside it for files that are no part of it.
func output(out string, fill func(work string) error) error {
	if out == "" {
		return errors.New("no output directory is given: add --out DIR")
	}
	work, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	work += ".work"
	return install.Output(out, func() (err error) {
		if err := os.Mkdir(work, 0o755); errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s must not exist: it is for what this program needs beside %s", work, out)
		} else if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, removeAll(work)) }()
		return fill(work)
	})
}

// removeAll removes a tree, also one with directories that were made read-only, as the caches of some languages are.
func removeAll(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(name, 0o755) //nolint:gosec // to remove it
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(dir))
}
