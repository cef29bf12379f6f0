package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/pyfile/elf"
)

// WheelsOptions says what Wheels installs.
type WheelsOptions struct {
	Out         string   // directory that stands for the root of the image; absent or empty
	Prefix      string   // the virtual environment's path in the image, "/opt/venv"
	Python      string   // "3.13", or "3.13t" for a free-threaded Python
	Interpreter string   // a Python of that version which runs here; only needed with Bytecode
	Wheels      []string // wheel files, or directories of them; where two have the same path, the later one wins
	Bytecode    bool     // compile the modules, see compilation
	Tests       bool     // compile modules of test packages too
	Remove      []string // leave out files that a running program does not need: some of RemoveWords
	Strip       bool     // take symbol tables and debug information out of programs and shared objects, see elf.Strip
	Jobs        int      // parallel workers, 0 for one per CPU
	Facts       string   // directory that gets the facts of the installation, see package facts; absent or empty; "" for none
	Built       bool     // the wheels were made from source in this build, which Facts tell
	Changing    bool     // Facts do not tell the bytes of files that are not empty, see facts.NoSum
	Output      io.Writer
}

// Wheels installs wheels into the tree of a virtual environment, as pip would with --no-compile --no-deps, and compiles them. All
// wheels are checked whole: an archive that does not agree with its RECORD is refused. Problems of all wheels are reported together.
// Warnings go to Output.
//
// In a virtual environment purelib and platlib are one directory, so Root-Is-Purelib makes no difference.
func Wheels(ctx context.Context, o WheelsOptions) error {
	if err := errors.Join(checkImagePath("--prefix", o.Prefix), checkPython(o.Python), checkRemove(o.Remove)); err != nil {
		return err
	}
	names, err := expandWheels(o.Wheels)
	if err != nil {
		return err
	}
	wheels := make([]*wheel, len(names))
	defer func() {
		for _, w := range wheels {
			if w != nil {
				w.closer.Close()
			}
		}
	}()
	var errs []error
	byName := map[string]*wheel{}
	for i, name := range names {
		w, err := openWheel(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		wheels[i] = w
		if w.minor {
			warnf(o.Output, "%s is written to a newer version of the wheel format than 1.0", w.file)
		}
		if was := byName[normalize(w.name)]; was != nil {
			errs = append(errs, fmt.Errorf("%s and %s are the same project: give one of them", was.file, w.file))
		}
		byName[normalize(w.name)] = w
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	site := path.Join(o.Prefix, "lib", "python"+o.Python, "site-packages")
	return outputs(withFacts(o.Out, o.Facts), func() error {
		l := layout{options: o, site: site}
		for _, w := range wheels {
			l.add(w)
		}
		if err := l.check(); err != nil {
			return err
		}
		if err := l.unpack(ctx); err != nil {
			return err
		}
		if err := l.writeRecords(); err != nil {
			return err
		}
		if o.Facts != "" {
			if err := writeFacts(o.Facts, l.facts()); err != nil {
				return err
			}
		}
		if !o.Bytecode {
			return nil
		}
		return compilation{
			Interpreter: o.Interpreter, Source: filepath.Join(o.Out, site), Image: site, Out: filepath.Join(o.Out, site),
			Skip: skipTests(o.Tests), Jobs: o.Jobs, Output: o.Output,
		}.run(ctx)
	})
}

// file is one file of the tree: a member of a wheel, or one that is generated.
type file struct {
	wheel  *wheel
	member *member // nil if generated
	data   []byte  // if generated
	dest   string  // slash-separated path in the image, without the first slash
	record row     // of the installed RECORD
	exec   bool
	script bool        // its first line may change
	last   bool        // RECORD, which is made when the hashes of the others are known
	hidden bool        // checked, but not written: another file has the same path, or stands for it, or it is not wanted
	shared bool        // another wheel has the same path
	seal   bool        // its bytes must not change, as another file has their checksum
	sum    [32]byte    // of the content in the wheel
	object *elf.Object // if it is one, and facts are wanted
	err    error
}

// layout is where every file of the wheels goes, in the order of wheels and archives.
type layout struct {
	options WheelsOptions
	site    string
	files   []*file
	errs    []error
	dirs    []string // all directories, parents first
}

// add places the files of a wheel: those of .data by their scheme, the others in site-packages, and the wrappers of its commands.
func (l *layout) add(w *wheel) {
	prefix := strings.TrimPrefix(l.options.Prefix, "/")
	site := strings.TrimPrefix(l.site, "/")
	schemes := map[string]string{
		"purelib": site,
		"platlib": site,
		"scripts": path.Join(prefix, "bin"),
		"headers": path.Join(prefix, "include", "site", "python"+l.options.Python, w.name),
		"data":    prefix,
	}
	var unwanted map[*member]bool
	if len(l.options.Remove) > 0 {
		var err error
		if unwanted, err = removed(w, l.options.Remove); err != nil {
			l.errs = append(l.errs, fmt.Errorf("%s: %w", w.file, err))
		}
	}
	sealed := map[string]bool{}
	if l.options.Strip {
		sealed = w.sealed()
	}
	for i := range w.members {
		m := &w.members[i]
		f := &file{wheel: w, member: m, dest: path.Join(site, m.Name), exec: executable(m.File), record: m.row, hidden: unwanted[m], seal: sealed[m.Name]}
		top, rest, _ := strings.Cut(m.Name, "/")
		switch {
		case strings.HasSuffix(top, ".data"):
			scheme, below, ok := strings.Cut(rest, "/")
			dir, known := schemes[scheme]
			if !ok || !known {
				l.errs = append(l.errs, fmt.Errorf("%s: %q is not in one of the directories data, headers, platlib, purelib and scripts of %s", w.file, m.Name, top))
				continue
			}
			f.dest = path.Join(dir, below)
			if other := infoDir(f.dest, site); other != "" && other != w.info {
				l.errs = append(l.errs, fmt.Errorf("%s: %q would be installed as metadata of another project, %s", w.file, m.Name, other))
				continue
			}
			if scheme == "scripts" {
				f.script, f.exec = true, true
				f.hidden = replaced(below, w.points)
			}
		case m.Name == w.info+"/RECORD":
			continue
		case top == w.info && slices.Contains(ownMetadata, rest):
			f.hidden = true
		}
		if l.options.Bytecode && path.Base(path.Dir(m.Name)) == "__pycache__" && path.Ext(m.Name) == ".pyc" {
			f.record.Hash, f.record.Size = "", "" // may be compiled again
		}
		l.files = append(l.files, f)
	}
	python := path.Join(l.options.Prefix, "bin", "python")
	for _, p := range setVersions(w.points, l.options.Python) {
		l.files = append(l.files, &file{wheel: w, dest: path.Join(prefix, "bin", p.Name), exec: true, data: wrapper(p, python)})
	}
	l.files = append(l.files,
		&file{wheel: w, dest: path.Join(site, w.info, "INSTALLER"), data: []byte("pyfile\n")},
		&file{wheel: w, dest: path.Join(site, w.info, "RECORD"), last: true})
}

// infoDir is the .dist-info directory of site-packages that a path lies in, or "".
func infoDir(dest, site string) string {
	rest, ok := strings.CutPrefix(dest, site+"/")
	top, _, below := strings.Cut(rest, "/")
	if ok && below && strings.HasSuffix(top, ".dist-info") {
		return top
	}
	return ""
}

// ownMetadata are the files of .dist-info that only the installer can write (recording installed packages). A wheel that brings one
// of them was made out of an installed tree, and what it says about the installation is not true of this one.
var ownMetadata = []string{"INSTALLER", "REQUESTED", "direct_url.json"}

// check finds the files that want the same path, and the directories that are needed.
func (l *layout) check() error {
	owner := map[string]*file{}
	for _, f := range l.files {
		if f.hidden {
			continue
		}
		if was := owner[f.dest]; was != nil {
			if was.wheel == f.wheel {
				l.errs = append(l.errs, fmt.Errorf("%s: two of its files would be installed as /%s", f.wheel.file, f.dest))
			}
			was.hidden, was.shared, f.shared = true, true, true
		}
		owner[f.dest] = f
	}
	seen := map[string]bool{".": true}
	for _, f := range l.files {
		if f.hidden && !f.shared {
			continue
		}
		for dir := path.Dir(f.dest); !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			l.dirs = append(l.dirs, dir)
			if was := owner[dir]; was != nil {
				l.errs = append(l.errs, fmt.Errorf("%s has the file /%s where %s has a directory", was.wheel.file, dir, f.wheel.file))
			}
		}
	}
	slices.Sort(l.dirs)
	return errors.Join(l.errs...)
}

// writeRecords writes the RECORD of each wheel, when the hashes of the scripts are known. It lists the files that another wheel
// replaced too, as they are there, and as pip does.
func (l *layout) writeRecords() error {
	rows := map[*wheel][]row{}
	for _, f := range l.files {
		if f.hidden && !f.shared {
			continue
		}
		name, err := filepath.Rel(l.site, "/"+f.dest)
		if err != nil {
			return err
		}
		f.record.Path = name
		rows[f.wheel] = append(rows[f.wheel], f.record)
	}
	for _, f := range l.files {
		if !f.last {
			continue
		}
		data := formatRecord(rows[f.wheel])
		if err := l.create(f, func(w io.Writer) error { _, err := w.Write(data); return err }); err != nil {
			return err
		}
	}
	return nil
}
