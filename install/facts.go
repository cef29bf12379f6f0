package install

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/pyfile/elf"
	"github.com/org/pyfile/facts"
)

// magic keeps the first bytes of what is written, so that ELF files are noticed in passing.
type magic struct {
	io.Writer
	head []byte
}

func (m *magic) Write(p []byte) (int, error) {
	if missing := len(elf.Magic) - len(m.head); missing > 0 {
		m.head = append(m.head, p[:min(missing, len(p))]...)
	}
	return m.Writer.Write(p)
}

func (m *magic) isELF() bool { return string(m.head) == elf.Magic }

// readObject returns what a dynamic linker reads of a file, nil if it is no ELF file or a damaged one: that it does not load is not for
// an installer to say, and packages carry such files as data for their tests.
func readObject(r io.ReaderAt) *elf.Object {
	o, err := elf.Read(r)
	if err != nil || o == nil {
		return nil
	}
	o.Needs = o.HighestNeeds()
	return o
}

// facts tells what was installed. It must be called when all files are written, because it uses their hashes.
func (l *layout) facts() *facts.Facts {
	out := &facts.Facts{Distributions: []facts.Distribution{}}
	for i := 0; i < len(l.files); {
		w := l.files[i].wheel
		d := facts.Distribution{
			Name: w.name, Version: w.version, Built: l.options.Built, Requires: w.requires, Extras: w.extras, RequiresPython: w.requiresPython,
		}
		own := path.Join(strings.TrimPrefix(l.site, "/"), w.info) + "/"
		files := map[string][]string{} // by directory
		for ; i < len(l.files) && l.files[i].wheel == w; i++ {
			f := l.files[i]
			if f.object != nil {
				d.Objects = append(d.Objects, facts.Object{Path: "/" + f.dest, Object: *f.object})
			}
			if f.hidden && !f.shared || strings.HasPrefix(f.dest, own) || path.Base(path.Dir(f.dest)) == "__pycache__" {
				continue
			}
			dir, name := path.Split(f.dest)
			dir = path.Join("/", dir)
			files[dir] = append(files[dir], facts.File(l.sumOf(f), name))
		}
		d.SetFiles(files)
		slices.SortFunc(d.Objects, func(a, b facts.Object) int { return cmp.Compare(a.Path, b.Path) })
		out.Distributions = append(out.Distributions, d)
	}
	return out
}

// emptySum is the sum of no bytes, which many __init__.py are.
const emptySum = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

// sumOf is what facts tell of the bytes of a file.
func (l *layout) sumOf(f *file) string {
	if sum := f.shortSum(); !l.options.Changing || sum == emptySum {
		return sum
	}
	return facts.NoSum
}

// shortSum is the beginning of the SHA-256 of a file, which RECORD mostly gives.
func (f *file) shortSum() string {
	if f.listed() {
		return f.record.Hash[len("sha256="):]
	}
	return base64.RawURLEncoding.EncodeToString(f.sum[:])
}

// listed says whether RECORD tells the SHA-256 of a file.
func (f *file) listed() bool {
	return len(f.record.Hash) > len("sha256=") && strings.EqualFold(f.record.Hash[:len("sha256=")], "sha256=")
}

// withFacts returns the output directories of a step.
func withFacts(out, facts string) []string {
	if facts == "" {
		return []string{out}
	}
	return []string{out, facts}
}

// writeFacts writes the file of facts into an output directory.
func writeFacts(dir string, f *facts.Facts) error {
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, facts.Name), b.Bytes(), 0o644) //nolint:gosec // everybody may read an image
}

// sourceFacts are those of an application that is not packaged: nothing, if it has no ELF files.
func sourceFacts(objects []facts.Object, built bool) *facts.Facts {
	f := &facts.Facts{Distributions: []facts.Distribution{}}
	if len(objects) > 0 {
		f.Distributions = append(f.Distributions, facts.Distribution{Built: built, Objects: objects})
	}
	return f
}

// findObjects returns the ELF files of a tree that will lie at dir. A link to one is an object too, as libraries are found by the names
// of links.
func findObjects(ctx context.Context, root *os.Root, dir string) (list []facts.Object, err error) {
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		info, err := root.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return nil //nolint:nilerr // a link that leads nowhere
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if o := readObject(f); o != nil {
			list = append(list, facts.Object{Path: path.Join(dir, name), Object: *o})
		}
		return nil
	})
	slices.SortFunc(list, func(a, b facts.Object) int { return cmp.Compare(a.Path, b.Path) })
	return list, err
}
