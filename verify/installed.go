package verify

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/elf"
	"github.com/org/pyfile/facts"
)

// largestMetadata is the size in bytes above which the files of a .dist-info directory are not read.
const largestMetadata = 64 << 20

// Installed reads what is installed in a virtual environment of an image, whoever installed it: the facts that the installer would have
// told, by the RECORD and METADATA of each distribution (recording installed packages). Nothing counts as built in this build. Of a file that
// several have only the first is told: which one was installed last nobody knows any more.
func Installed(files fs.FS, prefix, python string) (*facts.Facts, error) {
	r := newRoot(files)
	site, names, err := r.readDir(path.Join(prefix, "lib", "python"+python, "site-packages"))
	if err != nil {
		return nil, err
	}
	out := &facts.Facts{Distributions: []facts.Distribution{}}
	seen := map[string]bool{}
	for _, name := range names {
		if !strings.HasSuffix(name, ".dist-info") {
			continue
		}
		d, err := r.distribution(site, path.Join(site, name), seen)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if d != nil {
			out.Distributions = append(out.Distributions, *d)
		}
	}
	return out, nil
}

// distribution reads a .dist-info directory; one without METADATA is what an interrupted tool left behind.
func (r *root) distribution(site, info string, seen map[string]bool) (*facts.Distribution, error) {
	metadata, err := r.readFile(path.Join(info, "METADATA"), largestMetadata)
	if err != nil || metadata == nil {
		return nil, err
	}
	d := &facts.Distribution{Name: facts.Header(metadata, "Name"), Version: facts.Header(metadata, "Version"), RequiresPython: facts.Header(metadata, "Requires-Python"),
		Requires: facts.Headers(metadata, "Requires-Dist"), Extras: facts.Headers(metadata, "Provides-Extra")}
	record, err := r.readFile(path.Join(info, "RECORD"), largestMetadata)
	if err != nil {
		return nil, err
	}
	rows := csv.NewReader(bytes.NewReader(record))
	rows.FieldsPerRecord = -1
	listed := map[string][]string{} // by directory
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("RECORD: %w", err)
		}
		file := row[0]
		if !path.IsAbs(file) {
			file = path.Join(site, file)
		}
		if file = path.Clean(file); seen[file] {
			continue
		}
		seen[file] = true
		if err := r.listFile(d, listed, info, file, row[1:]); err != nil {
			return nil, err
		}
	}
	d.SetFiles(listed)
	slices.SortFunc(d.Objects, func(a, b facts.Object) int { return strings.Compare(a.Path, b.Path) })
	return d, nil
}

// listFile adds a file of a RECORD to a distribution, with what a dynamic linker reads of it.
func (r *root) listFile(d *facts.Distribution, listed map[string][]string, info, file string, rest []string) error {
	if strings.HasPrefix(file, info+"/") || path.Base(path.Dir(file)) == "__pycache__" {
		return nil
	}
	sum := facts.NoSum
	if len(rest) > 0 && strings.HasPrefix(rest[0], "sha256=") {
		sum = rest[0][len("sha256="):]
	}
	listed[path.Dir(file)] = append(listed[path.Dir(file)], facts.File(sum, path.Base(file)))
	if slices.Contains([]string{".py", ".pyi", ".pyc", ".txt", ".json"}, path.Ext(file)) {
		return nil // thousands of them, of which none is an object
	}
	real, mode, err := r.resolve(file)
	if err != nil || real == "" || !mode.IsRegular() {
		return err
	}
	f, err := r.files.Open(inside(real))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	reader, ok := f.(io.ReaderAt)
	if !ok {
		return nil
	}
	if o, err := elf.Read(reader); err == nil && o != nil { // a damaged one is data for somebody's tests
		o.Needs = o.HighestNeeds()
		d.Objects = append(d.Objects, facts.Object{Path: file, Object: *o})
	}
	return nil
}
