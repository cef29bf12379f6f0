package index

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// epoch is the time of every file that a step writes: the first that a zip archive can say, as everywhere in an image.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// output lets fill write files into dir, which must be absent or empty, and gives them their mode and time. When fill fails, what it
// wrote is removed again; dir itself stays if it was there before, because it may be a mount.
func output(dir string, fill func() error) error {
	if dir == "" {
		return errors.New("no output directory is given: add --out DIR")
	}
	entries, err := os.ReadDir(dir)
	created := errors.Is(err, fs.ErrNotExist)
	switch {
	case created:
		err = os.MkdirAll(dir, 0o755)
	case err == nil && len(entries) > 0:
		err = fmt.Errorf("the output directory %s must be empty, but has %s", dir, entries[0].Name())
	}
	if err != nil {
		return err
	}
	if err = fill(); err == nil {
		err = seal(dir)
	}
	if err == nil {
		return nil
	}
	if created {
		return errors.Join(err, os.RemoveAll(dir))
	}
	entries, left := os.ReadDir(dir)
	for _, e := range entries {
		left = errors.Join(left, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return errors.Join(err, left)
}

// seal gives the files of a directory and itself their final mode and time. What is in an image is for every user of it.
func seal(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	modes := map[bool]fs.FileMode{false: 0o644, true: 0o755}
	finish := func(name string, isDir bool) error {
		return errors.Join(os.Chmod(name, modes[isDir]), os.Chtimes(name, epoch, epoch))
	}
	for _, e := range entries {
		if err := finish(filepath.Join(dir, e.Name()), e.IsDir()); err != nil {
			return err
		}
	}
	return finish(dir, true)
}
