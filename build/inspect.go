package build

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// InspectOptions says what Inspect looks at.
type InspectOptions struct {
	Out    string // directory for project.json, and for src, the unpacked archive; absent or empty
	Source string // archive, or directory, which is only read
	Subdir string // directory of the project in the source, "" for its root
	Name   string // of the source in messages; empty means that of the file
}

// Inspect describes a source as a Project, in project.json. An archive is unpacked to src on the way, without the one directory that
// archives of sources have at their top. It runs nothing of the source.
func Inspect(o InspectOptions) error {
	info, err := os.Stat(o.Source)
	if err != nil {
		return err
	}
	if o.Name == "" && !info.IsDir() {
		o.Name = filepath.Base(o.Source)
	}
	return output(o.Out, func(work string) error {
		source := o.Source
		if !info.IsDir() {
			source = filepath.Join(o.Out, "src")
			if err := unpackSource(o.Source, source, o.Out); err != nil {
				return err
			}
		}
		p, err := inspect(source, o.Subdir)
		if err != nil {
			if o.Name != "" {
				return fmt.Errorf("%s: %w", o.Name, err)
			}
			return err
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(p); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(o.Out, "project.json"), b.Bytes(), 0o644) //nolint:gosec // it holds no secret
	})
}

// unpackSource unpacks an archive to dst, without its top directory. The directory out is that of dst.
func unpackSource(archive, dst, out string) error {
	all := filepath.Join(out, "archive")
	if err := os.Mkdir(all, 0o755); err != nil {
		return err
	}
	u, err := readArchive(archive, all, limitsFor)
	if err != nil {
		return err
	}
	defer u.root.Close()
	top := u.top()
	if err := u.finish(top); err != nil {
		return named(archive, err)
	}
	if err := os.Rename(filepath.Join(all, top), dst); err != nil || top == "." {
		return err
	}
	return os.Remove(all)
}

// projectDir is the directory of the project in a source. A link on the way that leads out of it is refused.
func projectDir(source, subdir string) (string, error) {
	if subdir == "" {
		subdir = "."
	}
	if !filepath.IsLocal(subdir) {
		return "", fmt.Errorf("the project must be in a directory of the source, not in %q", subdir)
	}
	root, err := os.OpenRoot(source)
	if err != nil {
		return "", err
	}
	defer root.Close()
	info, err := root.Stat(subdir)
	if err != nil || !info.IsDir() {
		return "", fmt.Errorf("there is no directory %q in the source", subdir)
	}
	return filepath.Join(source, subdir), nil
}

// inspect describes the project in a directory of a source.
func inspect(source, subdir string) (*Project, error) {
	dir, err := projectDir(source, subdir)
	if err != nil {
		return nil, err
	}
	inSubdir := func(err error) error {
		if rel := filepath.Clean(subdir); err != nil && rel != "." {
			return fmt.Errorf("in %s: %w", rel, err)
		}
		return err
	}
	read := settingsIn(dir)
	p, t, err := read.project()
	if err != nil {
		return nil, inSubdir(err)
	}
	native := ""
	if err := walk(source, func(name string, d fs.DirEntry) error {
		if pointer, err := isPointer(filepath.Join(source, name), d); err != nil {
			return err
		} else if pointer {
			p.LFS = append(p.LFS, name)
		}
		rel, inside := name, true
		if sub := path.Clean(filepath.ToSlash(subdir)); sub != "." && sub != "" {
			rel, inside = strings.CutPrefix(name, sub+"/")
		}
		if native == "" && inside && isNative(rel) {
			native = rel
		}
		return nil
	}); err != nil {
		return nil, err
	}
	p.Compiles, err = read.compiles(p, t, native)
	return p, inSubdir(err)
}

// walk calls do for each regular file of a source but for those of version control, in order, with its slash-separated path.
func walk(source string, do func(name string, d fs.DirEntry) error) error {
	return filepath.WalkDir(source, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == ".git" && name != source {
			return fs.SkipDir
		}
		if !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(source, name)
		if err != nil {
			return err
		}
		return do(filepath.ToSlash(rel), d)
	})
}

// pointerPrefix is how a pointer of Git LFS begins (Git LFS specification, "The Pointer").
const pointerPrefix = "version https://git-lfs.github.com/spec/v1\n"

// maxPointer is less than what a pointer may have (the same).
const maxPointer = 1024

// isPointer tells whether a file is a pointer of Git LFS.
func isPointer(name string, d fs.DirEntry) (bool, error) {
	info, err := d.Info()
	if err != nil || info.Size() < int64(len(pointerPrefix)) || info.Size() >= maxPointer {
		return false, err
	}
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, len(pointerPrefix))
	if _, err := io.ReadFull(f, head); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return false, nil
		}
		return false, err
	}
	return bytes.Equal(head, []byte(pointerPrefix)), nil
}
