package distro

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// The kinds of package database.
const (
	Dpkg = "dpkg" // Debian, Ubuntu, distroless
	Apk  = "apk"  // Alpine, Wolfi
)

// Release is what an image says of itself in os-release(5). What it does not say is empty.
type Release struct {
	ID        string // "debian", "alpine"
	VersionID string // "13", "3.22.1"
	Codename  string // "trixie"
	Name      string // for people: "Debian GNU/Linux 13 (trixie)"
}

// Package is an installed package.
type Package struct {
	Name    string // without an architecture: "libpq5"
	Version string // in the words of the distribution: "17.6-0+deb13u1"
	Arch    string // in the words of the distribution: "amd64", "all", "x86_64"
	Source  string // the source package it was made from: "postgresql-17"
}

// Database is what an image has of packages.
type Database struct {
	Release Release
	Kind    string // Dpkg, Apk, or "" where the image has no database

	root     root
	packages []Package
	owners   map[string]int // absolute path to the index of a package
	split    map[string]bool
	provides map[string][]string // apk: what a package is known as beside its name
}

// merged are the directories of the root that a merged /usr has as links to directories of the same name below /usr (usr-merge).
// dpkg's lists may name files of a merged system either way.
var merged = []string{"bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin"}

// Open reads the database of the image whose root is given. An image without one is no error. The file system must stay open as
// long as the Database is used.
func Open(files fs.FS) (*Database, error) {
	db := &Database{root: root{files}, owners: map[string]int{}, split: map[string]bool{}, provides: map[string][]string{}}
	for _, read := range []func() error{db.readRelease, db.readMerged, db.readDpkg, db.readDistroless, db.readApk} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("the image's packages cannot be read: %w", err)
		}
	}
	return db, nil
}

// Packages returns the installed packages in the order of name and architecture.
func (db *Database) Packages() []Package {
	list := slices.Clone(db.packages)
	slices.SortStableFunc(list, func(a, b Package) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch)) })
	return list
}

// Package looks an installed package up by its name. Of several architectures it returns the one that the database names first.
func (db *Database) Package(name string) (Package, bool) {
	i := slices.IndexFunc(db.packages, func(p Package) bool { return p.Name == name })
	if i < 0 {
		return Package{}, false
	}
	return db.packages[i], true
}

// Owner returns the name of the package that a file came with. /lib/x and /usr/lib/x are the same file where /lib is a link, and
// what no package has under its own name is followed as a link: so the libraries that Debian's alternatives choose, and those that
// distroless' lists leave out because they are links, have an owner too. A directory that packages share has none.
func (db *Database) Owner(file string) (name string, ok bool) {
	file = path.Join("/", file)
	if i, ok := db.owner(file); ok {
		return db.packages[i].Name, true
	}
	if len(db.owners) == 0 {
		return "", false
	}
	if resolved, err := db.root.resolve(file[1:]); err == nil {
		if i, ok := db.owner("/" + resolved); ok {
			return db.packages[i].Name, true
		}
	}
	return "", false
}

func (db *Database) owner(file string) (int, bool) {
	if i, ok := db.owners[file]; ok {
		return i, true
	}
	i, ok := db.owners[db.otherName(file)]
	return i, ok
}

// otherName is the other name that a file of a merged /usr has, or "".
func (db *Database) otherName(file string) string {
	inside, below := strings.CutPrefix(file, "/usr/")
	inside = strings.TrimPrefix(inside, "/")
	top, _, deep := strings.Cut(inside, "/")
	switch {
	case !deep || !slices.Contains(merged, top) || db.split[top]:
		return ""
	case below:
		return "/" + inside
	}
	return "/usr" + file
}

// Files returns the path of every file that a package has, in the order of paths, with the name of the package.
func (db *Database) Files() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, file := range slices.Sorted(maps.Keys(db.owners)) {
			if !yield(file, db.packages[db.owners[file]].Name) {
				return
			}
		}
	}
}

// readMerged finds the directories that are not links into /usr. One that is missing counts as a link: the root may be only a part
// of an image.
func (db *Database) readMerged() error {
	for _, top := range merged {
		switch info, err := fs.Lstat(db.root.FS, top); {
		case err == nil:
			db.split[top] = info.IsDir()
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return nil
}

// add notes a package and returns its index.
func (db *Database) add(p Package) int {
	if p.Source == "" {
		p.Source = p.Name
	}
	db.packages = append(db.packages, p)
	return len(db.packages) - 1
}

// own notes that a package has a file. The first to say so has it. A path that is not in its shortest form is no file's name.
func (db *Database) own(file string, i int) {
	if !path.IsAbs(file) || file == "/" || path.Clean(file) != file {
		return
	}
	if _, taken := db.owners[file]; !taken {
		db.owners[file] = i
	}
}
