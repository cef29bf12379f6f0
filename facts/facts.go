// Package facts is what the installer tells of the files that it installed, and what package verify reads: a file of JSON per installed
// group, facts.json. Its types are the contract between two programs of a build, cmd/pyfile-install and cmd/pyfile-verify.
package facts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/elf"
)

// Name is the file name of facts.
const Name = "facts.json"

// Facts are what was installed by one step.
type Facts struct {
	Distributions []Distribution `json:"distributions"` // in the order of installation: a later one wins a path
}

// Distribution is an installed project, or the tree of an application that is not packaged, which has no name.
type Distribution struct {
	Name           string      `json:"name,omitempty"`
	Version        string      `json:"version,omitempty"`
	Built          bool        `json:"built,omitempty"`           // from source, in this build
	Requires       []string    `json:"requires,omitempty"`        // the lines Requires-Dist of METADATA
	Extras         []string    `json:"extras,omitempty"`          // the lines Provides-Extra
	RequiresPython string      `json:"requires-python,omitempty"` // as written
	Directories    []Directory `json:"directories,omitempty"`     // in the order of paths
	Objects        []Object    `json:"objects,omitempty"`         // in the order of paths
}

// Directory lists the files of one directory. Files of the distribution's own .dist-info directory and bytecode are not listed, nor is
// anything of an application.
type Directory struct {
	Path  string   `json:"path"` // absolute, in the image
	Files []string `json:"files"`
}

// SetFiles sets the directories of a distribution to those of a map from paths to items of Directory.Files, all in their order.
func (d *Distribution) SetFiles(directories map[string][]string) {
	d.Directories = nil
	for dir, items := range directories {
		slices.SortFunc(items, func(a, b string) int {
			_, nameA := SplitFile(a)
			_, nameB := SplitFile(b)
			return strings.Compare(nameA, nameB)
		})
		d.Directories = append(d.Directories, Directory{Path: dir, Files: items})
	}
	slices.SortFunc(d.Directories, func(a, b Directory) int { return strings.Compare(a.Path, b.Path) })
}

// Object is an ELF file: what a dynamic linker reads of it, with only the highest version of a series among its needs.
type Object struct {
	Path string `json:"path"` // absolute, in the image
	elf.Object
}

// SumLength is how many characters of the base64 of a SHA-256 digest tell the contents of files apart: 72 bits, enough to tell whether
// two files are the same where nobody gains anything from making them look so.
const SumLength = 12

// NoSum stands for the sum of a file whose bytes facts do not tell, because they change with every line of code: facts that stay the same
// need not be judged again.
const NoSum = "-"

// File is one item of Directory.Files, written as "sum name".
func File(sum, name string) string { return sum[:min(len(sum), SumLength)] + " " + name }

// SplitFile takes an item of Directory.Files apart.
func SplitFile(item string) (sum, name string) {
	sum, name, _ = strings.Cut(item, " ")
	return sum, name
}

// Write writes facts in their one form.
func (f *Facts) Write(w io.Writer) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(f); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Read reads what Write wrote, and checks that it could have.
func Read(data []byte) (*Facts, error) {
	f := &Facts{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(f); err != nil {
		return nil, fmt.Errorf("not the facts of an installation: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("not the facts of an installation: something follows them")
	}
	for _, d := range f.Distributions {
		for _, dir := range d.Directories {
			if err := checkPath(dir.Path); err != nil {
				return nil, err
			}
			for _, item := range dir.Files {
				if sum, name := SplitFile(item); sum == "" || len(sum) > SumLength || name == "" || strings.Contains(name, "/") {
					return nil, fmt.Errorf("not the facts of an installation: %q is not a file", item)
				}
			}
		}
		for _, o := range d.Objects {
			if err := checkPath(o.Path); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

func checkPath(name string) error {
	if !path.IsAbs(name) || path.Clean(name) != name {
		return fmt.Errorf("not the facts of an installation: %q is not a path of the image", name)
	}
	return nil
}
