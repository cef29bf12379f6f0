package distro

import (
	"io/fs"
	"path"
	"strings"
)

const (
	dpkgStatus     = "var/lib/dpkg/status"
	dpkgInfo       = "var/lib/dpkg/info"
	dpkgDiversions = "var/lib/dpkg/diversions"
	dpkgStatusDir  = "var/lib/dpkg/status.d" // distroless has a file for each package here
)

// readDpkg reads dpkg's own database: one file of paragraphs, and for each package a list of its paths.
func (db *Database) readDpkg() error {
	data, err := db.root.readFile(dpkgStatus)
	if err != nil || data == nil {
		return err
	}
	db.Kind = Dpkg
	// A list is info/NAME.list, or info/NAME:ARCH.list for a package that may be installed for several architectures at once.
	lists := map[string]int{}
	for p := range parseControl(string(data)) {
		i := db.add(p)
		lists[p.Name+":"+p.Arch] = i
		if _, taken := lists[p.Name]; !taken {
			lists[p.Name] = i
		}
	}
	data, err = db.root.readFile(dpkgDiversions)
	if err != nil {
		return err
	}
	diverted := parseDiversions(string(data))
	return db.eachFile(dpkgInfo, ".list", func(name, text string) {
		if i, known := lists[name]; known {
			for file := range parseList(text) {
				if d, is := diverted[file]; is && d.by != db.packages[i].Name {
					file = d.to
				}
				db.own(file, i)
			}
		}
	})
}

// readDistroless reads the database of an image that was put together from Debian's packages without dpkg.
func (db *Database) readDistroless() error {
	stems := map[string]int{}
	if err := db.eachFile(dpkgStatusDir, "", func(name, text string) {
		if strings.HasSuffix(name, ".md5sums") {
			return
		}
		for p := range parseControl(text) {
			db.Kind = Dpkg
			stems[name] = db.add(p)
		}
	}); err != nil || len(stems) == 0 {
		return err
	}
	return db.eachFile(dpkgStatusDir, ".md5sums", func(name, text string) {
		if i, known := stems[name]; known {
			for file := range parseSums(text) {
				db.own(file, i)
			}
		}
	})
}

// eachFile reads the files of a directory whose names end so, in the order of their names.
func (db *Database) eachFile(dir, suffix string, do func(name, text string)) error {
	dir, list, err := db.root.readDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range list {
		name, ok := strings.CutSuffix(entry.Name(), suffix)
		if !ok || entry.IsDir() {
			continue
		}
		file := path.Join(dir, entry.Name())
		var data []byte
		if entry.Type().IsRegular() {
			data, err = fs.ReadFile(db.root.FS, file)
		} else {
			data, err = db.root.readFile(file)
		}
		if err != nil {
			return err
		}
		do(name, string(data))
	}
	return nil
}

// parseControl yields the packages of a status file (deb822(5)) whose files are in the image. Packages that were removed keep a
// paragraph while they have configuration files.
func parseControl(text string) func(yield func(Package) bool) {
	return func(yield func(Package) bool) {
		p, gone := Package{}, false
		end := func() bool {
			done, skip := p, gone
			p, gone = Package{}, false
			return done.Name == "" || skip || yield(done)
		}
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, " \t\r\n")
			if line == "" {
				if !end() {
					return
				}
				continue
			}
			name, value, ok := strings.Cut(line, ":")
			if !ok || line[0] == ' ' || line[0] == '\t' || line[0] == '#' {
				continue
			}
			value = strings.TrimLeft(value, " \t")
			switch {
			case strings.EqualFold(name, "Package"):
				p.Name = value
			case strings.EqualFold(name, "Version"):
				p.Version = value
			case strings.EqualFold(name, "Architecture"):
				p.Arch = value
			case strings.EqualFold(name, "Source"):
				p.Source, _, _ = strings.Cut(value, " ") // "glibc (2.41-12)" where the versions differ
			case strings.EqualFold(name, "Status"):
				gone = strings.HasSuffix(value, " not-installed") || strings.HasSuffix(value, " config-files")
			}
		}
		end()
	}
}

// parseList yields the files of a list of dpkg's. Directories are listed before what they hold and are left out: they belong to
// many packages.
func parseList(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		before := ""
		for line := range strings.Lines(text) {
			file := strings.TrimRight(line, "\n")
			inside := before != "" && len(file) > len(before) && file[len(before)] == '/' && file[:len(before)] == before
			if before != "" && !inside && !yield(before) {
				return
			}
			before = ""
			if len(file) > 1 && file[0] == '/' && file != "/." {
				before = file
			}
		}
		if before != "" {
			yield(before)
		}
	}
}

// parseSums yields the files of a list of md5 sums: a sum, two spaces, and a path without its first slash.
func parseSums(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			_, file, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "  ")
			if file = strings.TrimPrefix(file, "./"); ok && file != "" && !yield("/"+strings.TrimPrefix(file, "/")) {
				return
			}
		}
	}
}

// diversion is a path that dpkg gives to one package alone: what other packages have there lies elsewhere (dpkg-divert(1)).
type diversion struct{ to, by string }

// parseDiversions reads dpkg's diversions: three lines for each, the path, the other path, and the package that keeps the first, or
// ":" for none.
func parseDiversions(text string) map[string]diversion {
	all := map[string]diversion{}
	lines := strings.Split(text, "\n")
	for ; len(lines) >= 3; lines = lines[3:] {
		all[lines[0]] = diversion{to: lines[1], by: lines[2]}
	}
	return all
}
