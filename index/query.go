package index

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/python"
)

// Query is what a lookup asks.
type Query struct {
	Indexes  []Source  `json:"indexes,omitempty"`
	Packages []Package `json:"packages"`
}

// Source is an [index.NAME] table of the Pyfile. The one named "default" stands for the index that the image's pip is configured
// for, and without a URL it only says how to log in there; the others are asked before it, in their order.
type Source struct {
	Name     string `json:"name,omitempty"`
	URL      string `json:"url,omitempty"`
	Username string `json:"username,omitempty"`
	Secret   string `json:"secret,omitempty"` // id of the build secret with the password or token; see the package's doc comment
}

// Package is a project and the files of it that are wanted.
type Package struct {
	Name    string   `json:"name"`
	Indexes []string `json:"indexes,omitempty"` // addresses that the lock names for this package, asked instead of the others; "" stands for those
	Files   []File   `json:"files"`
}

// File is one file of a package: of a query, where Name or SHA256 may be empty and URL mostly is, or of an answer.
type File struct {
	Name           string `json:"name,omitempty"` // file name, which stands for the file where the hash is unknown
	URL            string `json:"url,omitempty"`  // absolute, without user and fragment; it may hold a token, so it is not for messages
	SHA256         string `json:"sha256,omitempty"`
	Size           int64  `json:"size,omitempty"` // bytes; 0 is unknown
	RequiresPython string `json:"requires-python,omitempty"`
	Secret         string `json:"secret,omitempty"` // of an answer: id of the build secret that a request for URL needs
}

// Answer is what the indexes know of the files of a query.
type Answer struct {
	Packages []Found `json:"packages"`
}

// Found is what was found of one package: of every wanted file that an index has, one entry.
type Found struct {
	Name    string   `json:"name"`              // normalised (PEP 503)
	Asked   []string `json:"asked,omitempty"`   // addresses of the indexes that were asked, without user and query
	Files   []File   `json:"files,omitempty"`   // sorted by name
	Problem string   `json:"problem,omitempty"` // why nothing was found; files that are merely missing beside others have none
}

// Encode returns the query as deterministic JSON, packages and files sorted.
func (q Query) Encode() ([]byte, error) {
	q.sort()
	return encode(q)
}

// ParseQuery reads and checks what Encode wrote.
func ParseQuery(data []byte) (*Query, error) {
	q := &Query{}
	if err := decode(data, q); err != nil {
		return nil, fmt.Errorf("the query cannot be read: %w", err)
	}
	q.sort()
	return q, q.check()
}

// ParseAnswer reads what a lookup wrote.
func ParseAnswer(data []byte) (*Answer, error) {
	a := &Answer{}
	if err := decode(data, a); err != nil {
		return nil, fmt.Errorf("the answer of the index lookup cannot be read: %w", err)
	}
	return a, nil
}

// sort brings packages and files in order, in new slices, and normalises names and hashes.
func (q *Query) sort() {
	q.Packages = slices.Clone(q.Packages)
	for i, p := range q.Packages {
		p.Name = python.NormalizeName(p.Name)
		p.Files = slices.Clone(p.Files)
		for j := range p.Files {
			p.Files[j].SHA256 = strings.ToLower(p.Files[j].SHA256)
		}
		slices.SortFunc(p.Files, compareFiles)
		p.Files = slices.Compact(p.Files)
		q.Packages[i] = p
	}
	slices.SortStableFunc(q.Packages, func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(a.Indexes, b.Indexes))
	})
}

func compareFiles(a, b File) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.SHA256, b.SHA256), cmp.Compare(a.URL, b.URL))
}

// check reports everything that makes a query senseless.
func (q *Query) check() error {
	var errs []error
	for _, p := range q.Packages {
		if !python.ValidName(p.Name) {
			errs = append(errs, fmt.Errorf("a package's name must be made of letters, digits, `.`, `-` and `_`, not %q", p.Name))
		}
		for _, f := range p.Files {
			switch {
			case f.Name == "" && f.SHA256 == "":
				errs = append(errs, fmt.Errorf("%s: a file must have a name or a sha256", p.Name))
			case f.Name != "" && !plainName(f.Name):
				errs = append(errs, fmt.Errorf("%s: %q must be a file name without a directory", p.Name, f.Name))
			case f.SHA256 != "" && !isSHA256(f.SHA256):
				errs = append(errs, fmt.Errorf("%s: a sha256 must be 64 hexadecimal digits, not %q", p.Name, f.SHA256))
			}
		}
	}
	return errors.Join(errs...)
}

// plainName tells whether name may become a file of the output directory.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && path.Base(name) == name && !strings.ContainsAny(name, "\\\x00\n\r")
}

func isSHA256(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// encode writes indented JSON, whose lines make differences easy to read, with URLs as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	err := e.Encode(v)
	return b.Bytes(), err
}

// decode reads JSON that this package wrote, of the same release: an unknown field is an error.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("something follows the value")
	}
	return nil
}
