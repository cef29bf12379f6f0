package distro

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/org/pyfile/python"
)

// Facts are what a build needs to know of an image before it is planned. They come from the image's files.
type Facts struct {
	ID           string        `json:"id,omitempty"`      // of os-release(5): debian, alpine
	Version      string        `json:"version,omitempty"` // VERSION_ID of os-release
	Name         string        `json:"name,omitempty"`    // PRETTY_NAME of os-release
	Manager      string        `json:"manager,omitempty"` // the program that installs packages: "apt-get" or "apk"; empty when there is none
	Libc         python.Libc   `json:"libc"`              // empty when nothing tells
	Shell        bool          `json:"shell,omitempty"`   // there is a /bin/sh
	Interpreters []Interpreter `json:"interpreters"`      // in the order of PATH
	Passwd       string        `json:"passwd,omitempty"`  // the text of /etc/passwd
	Group        string        `json:"group,omitempty"`   // the text of /etc/group
	Indexes      bool          `json:"indexes,omitempty"` // a file of pip's configuration says where packages come from
	// Environments are the Pythons that a virtual environment has libraries of, as python3.13; only read when one is named.
	Environments []string `json:"environments,omitempty"`
}

// Describe reads the facts of the image whose root is given. Interpreters are searched in the directories of a PATH. A virtual environment is
// looked at unless its name is empty. What is not there stays empty.
func Describe(files fs.FS, searchPath, environment string) (Facts, error) {
	db, err := Open(files)
	if err != nil {
		return Facts{}, err
	}
	r := root{files}
	f := Facts{ID: db.Release.ID, Version: db.Release.VersionID, Name: db.Release.Name, Manager: r.manager(), Shell: r.has("/bin/sh")}
	f.Libc, _ = db.Libc()
	if f.Interpreters, err = r.interpreters(splitPath(searchPath)); err != nil {
		return Facts{}, err
	}
	if environment != "" {
		lib, entries, err := r.readDir(path.Join(environment, "lib"))
		if err != nil {
			return Facts{}, err
		}
		for _, e := range entries {
			if interpreterName.MatchString(e.Name()) && r.has(path.Join("/", lib, e.Name(), "site-packages")) {
				f.Environments = append(f.Environments, e.Name())
			}
		}
	}
	for _, text := range []struct {
		file string
		into *string
	}{{"/etc/passwd", &f.Passwd}, {"/etc/group", &f.Group}} {
		data, err := r.readFile(text.file)
		if err != nil {
			return Facts{}, err
		}
		*text.into = string(data)
	}
	f.Indexes, err = r.namesIndexes(f.Interpreters)
	return f, err
}

// namesIndexes tells whether pip of the image is configured by a file for other indexes than its own: for everybody, for root, or for one of
// the interpreters.
func (r root) namesIndexes(interpreters []Interpreter) (bool, error) {
	files := []string{"/etc/pip.conf", "/etc/xdg/pip/pip.conf", "/root/.pip/pip.conf", "/root/.config/pip/pip.conf"}
	for _, i := range interpreters {
		files = append(files, path.Join(i.Lib, "../..", "pip.conf")) // below sys.prefix
	}
	for _, file := range files {
		data, err := r.readFile(file)
		if err != nil {
			return false, err
		}
		if bytes.Contains(data, []byte("index")) || bytes.Contains(data, []byte("find-links")) {
			return true, nil
		}
	}
	return false, nil
}

// FactsFile is the name of the file that WriteFacts writes.
const FactsFile = "facts.json"

// WriteFacts writes what Describe tells of an image to FactsFile in a directory.
func WriteFacts(files fs.FS, searchPath, environment, dir string) error {
	f, err := Describe(files, searchPath, environment)
	if err != nil {
		return err
	}
	data, err := json.Marshal(f) //nolint:gosec // passwd(5) holds no passwords
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, FactsFile), append(data, '\n'), 0o644) //nolint:gosec // it holds no secret
}

// manager is the program of an image that installs packages.
func (r root) manager() string {
	for _, program := range []string{"/usr/bin/apt-get", "/sbin/apk"} {
		if r.has(program) {
			return path.Base(program)
		}
	}
	return ""
}

// named matches the entries of a directory whose name begins so.
func named(prefix string) func(fs.DirEntry) bool {
	return func(e fs.DirEntry) bool { return strings.HasPrefix(e.Name(), prefix) }
}
