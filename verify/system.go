package verify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/org/pyfile/distro"
	"github.com/org/pyfile/elf"
)

// System is what matters of a root file system to what will be put there: its libraries and how they are found, and its programs.
type System struct {
	ID          string    `json:"id,omitempty"`         // of os-release: "debian"
	VersionID   string    `json:"version-id,omitempty"` // "13"
	Database    string    `json:"database,omitempty"`   // kind of the package database: distro.Dpkg, distro.Apk or ""
	Libc        string    `json:"libc,omitempty"`       // "glibc" or "musl"
	LibcVersion string    `json:"libc-version,omitempty"`
	Machine     string    `json:"machine,omitempty"` // in the form of package elf
	Class       int       `json:"class,omitempty"`
	Directories []string  `json:"directories"`     // where the dynamic linker looks, in its order, without links
	Links       []Link    `json:"links,omitempty"` // directories that are links, as far as libraries are looked for there
	Libraries   []Library `json:"libraries"`       // in the order of paths
	// Programs are those of programs.txt that are found on the image's PATH, sorted; nil if that was not looked at.
	Programs []string `json:"programs,omitzero"`
}

// Link is a path that leads to another directory.
type Link struct {
	Path   string `json:"path"`
	Target string `json:"target"` // without links
}

// Library is a shared library of a system.
type Library struct {
	Path    string   `json:"path"`              // of the file itself, without links
	Links   []string `json:"links,omitempty"`   // other paths that lead to it, each in a directory without links
	Package string   `json:"package,omitempty"` // whose file it is
	elf.Object
}

// names are all paths of a library.
func (l *Library) names() []string { return append([]string{l.Path}, l.Links...) }

// SystemFile is the file name of a description.
const SystemFile = "system.json"

// libraryName is what libraries are called, apart from plugins, which are found by other means than their names.
var (
	objectName  = regexp.MustCompile(`\.so(\.[0-9A-Za-z_.+-]+)?$`)
	libraryName = regexp.MustCompile(`^lib.*\.so(\.[0-9A-Za-z_.+-]+)?$`)
)

// Image is what an image says beside its files. All of it may be empty.
type Image struct {
	LibraryPath []string // directories of LD_LIBRARY_PATH in its environment
	Interpreter string   // absolute path of its Python
	Path        []string // directories of PATH; with none, its programs are not looked at
}

// Describe reads a root file system.
//
// The search path of the interpreter counts as one of the dynamic linker's own, after the others: what Python itself was linked with is in
// every process, and a DT_RPATH is handed down to all modules. So the libraries of a Python in a directory of its own are found.
//
// Described are the libraries in the dynamic linker's directories, those one level below, where some lie that a search path of an object
// names, and those in the search paths of any of these.
//
// Of programs only those are described that a distribution is known to start.
func Describe(files fs.FS, image Image) (*System, error) {
	db, err := distro.Open(files)
	if err != nil {
		return nil, err
	}
	s := &System{ID: db.Release.ID, VersionID: db.Release.VersionID, Database: db.Kind, Libraries: []Library{}}
	if libc, ok := db.Libc(); ok {
		s.Libc, s.LibcVersion = libc.Name, fmt.Sprintf("%d.%d", libc.Major, libc.Minor)
	}
	r := newRoot(files)
	d := description{root: r, libraries: map[string]*Library{}, done: map[string]bool{}, links: map[string]string{}}
	last, err := d.searchPath(image.Interpreter)
	if err != nil {
		return nil, err
	}
	if s.Directories, err = r.loaderDirs(s.Libc == "musl", image.LibraryPath, last); err != nil {
		return nil, err
	}
	if err := d.readSystem(s.Directories); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(d.libraries)) {
		l := d.libraries[name]
		if l == nil {
			continue
		}
		slices.Sort(l.Links)
		l.Package, _ = db.Owner(l.Path)
		for i := 0; l.Package == "" && i < len(l.Links); i++ {
			l.Package, _ = db.Owner(l.Links[i])
		}
		s.Libraries = append(s.Libraries, *l)
	}
	for _, name := range slices.Sorted(maps.Keys(d.links)) {
		s.Links = append(s.Links, Link{name, d.links[name]})
	}
	s.Machine, s.Class = commonMachine(s.Libraries)
	if len(image.Path) > 0 {
		if s.Programs, err = r.programs(image.Path); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// description is the work of Describe.
type description struct {
	*root
	libraries map[string]*Library // by path; nil is a file that is no library
	done      map[string]bool     // directories read
	links     map[string]string   // directories that are links
}

func (d *description) readSystem(dirs []string) error {
	for _, dir := range []string{"/lib", "/lib64", "/lib32", "/usr/lib64", "/usr/lib32"} {
		if err := d.noteLink(dir); err != nil {
			return err
		}
	}
	for _, dir := range dirs {
		if err := d.readLibraries(dir, objectName); err != nil {
			return err
		}
	}
	for _, dir := range dirs {
		resolved, names, err := d.readDir(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			if !strings.Contains(name, ".so") {
				if err := d.readLibraries(path.Join(resolved, name), libraryName); err != nil {
					return err
				}
			}
		}
	}
	// What the libraries' own search paths lead to may have search paths again.
	for seen := map[string]bool{}; ; {
		var next []string
		for _, name := range slices.Sorted(maps.Keys(d.libraries)) {
			l := d.libraries[name]
			if l == nil || seen[name] {
				continue
			}
			seen[name] = true
			for _, dir := range slices.Concat(l.RPath, l.RunPath) {
				next = append(next, expand(dir, path.Dir(l.Path), l.Machine)...)
			}
		}
		if len(next) == 0 {
			return nil
		}
		for _, dir := range next {
			if err := d.noteLink(dir); err != nil {
				return err
			}
			if err := d.readLibraries(dir, objectName); err != nil {
				return err
			}
		}
	}
}

// searchPath returns the directories that a program names for libraries; none if it is no ELF file.
func (d *description) searchPath(name string) (dirs []string, err error) {
	target, mode, err := d.resolve(name)
	if err != nil || target == "" || !mode.IsRegular() {
		return nil, err
	}
	l, err := d.readLibrary(target)
	if err != nil || l == nil {
		return nil, err
	}
	for _, dir := range slices.Concat(l.RPath, l.RunPath) {
		dirs = append(dirs, expand(dir, path.Dir(target), l.Machine)...)
	}
	return dirs, nil
}

func (d *description) noteLink(dir string) error {
	dir = path.Clean(dir)
	resolved, mode, err := d.resolve(dir)
	if err == nil && resolved != "" && resolved != dir && mode.IsDir() && utf8.ValidString(dir+resolved) {
		d.links[dir] = resolved
	}
	return err
}

// readLibraries reads the libraries of a directory whose names match.
func (d *description) readLibraries(name string, pattern *regexp.Regexp) error {
	if resolved, mode, err := d.resolve(name); err != nil || resolved == "" || !mode.IsDir() || d.done[resolved+" "+pattern.String()] || d.done[resolved+" "+objectName.String()] {
		return err
	}
	dir, names, err := d.readDir(name)
	if err != nil {
		return err
	}
	d.done[dir+" "+pattern.String()] = true
	for _, name := range names {
		file := path.Join(dir, name)
		if !pattern.MatchString(name) || !utf8.ValidString(file) {
			continue
		}
		target, mode, err := d.resolve(file)
		if err != nil {
			return err
		}
		if target == "" || !mode.IsRegular() {
			continue
		}
		l, known := d.libraries[target]
		if !known {
			if l, err = d.readLibrary(target); err != nil {
				return err
			}
			d.libraries[target] = l
		}
		if l != nil && file != target && !slices.Contains(l.Links, file) {
			l.Links = append(l.Links, file)
		}
	}
	return nil
}

// readLibrary returns nil for a file that the dynamic linker would not load.
func (d *description) readLibrary(name string) (*Library, error) {
	f, err := d.files.Open(inside(name))
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	r, ok := f.(io.ReaderAt)
	if !ok {
		data, err := io.ReadAll(f)
		if err != nil {
			return nil, err
		}
		r = bytes.NewReader(data)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	// Not every file system says in the same way that an offset is behind the end of a file.
	o, err := elf.Read(io.NewSectionReader(r, 0, info.Size()))
	if errors.Is(err, elf.ErrFormat) || err == nil && o == nil {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	o.Needs = o.HighestNeeds()
	return &Library{Path: name, Object: *o}, nil
}

// commonMachine is the machine of most libraries: a multiarch system has those of other machines beside its own.
func commonMachine(list []Library) (machine string, class int) {
	type key struct {
		machine string
		class   int
	}
	counts := map[key]int{}
	for _, l := range list {
		counts[key{l.Machine, l.Class}]++
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b key) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.machine, b.machine), cmp.Compare(a.class, b.class))
	})
	if len(keys) == 0 {
		return "", 0
	}
	return keys[0].machine, keys[0].class
}

// Write writes a description in its one form.
func (s *System) Write(w io.Writer) error { return write(w, s) }

// write writes a value as JSON, with a line for each item of its lists, so that people can read it and compare two.
func write(w io.Writer, value any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// ReadSystem reads what Write wrote, and checks that it could have.
func ReadSystem(data []byte) (*System, error) {
	s := &System{}
	if err := readJSON(data, s); err != nil {
		return nil, fmt.Errorf("not the description of a system: %w", err)
	}
	for _, l := range s.Libraries {
		for _, name := range l.names() {
			if !path.IsAbs(name) || path.Clean(name) != name {
				return nil, fmt.Errorf("not the description of a system: %q is not a path of the image", name)
			}
		}
	}
	for _, l := range s.Links {
		if !path.IsAbs(l.Path) || !path.IsAbs(l.Target) {
			return nil, fmt.Errorf("not the description of a system: %q is not a link of the image", l.Path)
		}
	}
	return s, nil
}

func readJSON(data []byte, value any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("something follows it")
	}
	return nil
}

// major is the first number of VersionID: 13 of Debian 13, 22 of Ubuntu 22.04. Without one it is that of the future: testing and sid.
func (s *System) major() int {
	text, _, _ := strings.Cut(s.VersionID, ".")
	n, err := strconv.Atoi(text)
	if err != nil {
		return 1 << 20
	}
	return n
}
