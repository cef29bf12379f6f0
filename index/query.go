// Package index asks package indexes (PEP 503, PEP 691) for the files that a lock names by hash only.
package index

// Query is what a lookup asks.
type Query struct {
	Indexes  []Source  `json:"indexes,omitempty"`
	Packages []Package `json:"packages"`
}

// Source is an [index.NAME] of the Pyfile. The one named "default" stands for the default index; the others are asked before it, in
// order.
type Source struct {
	Name     string `json:"name"`
	URL      string `json:"url"`
	Username string `json:"username,omitempty"`
	Secret   string `json:"secret,omitempty"` // id of a build secret
}

// Package is a package whose files are wanted.
type Package struct {
	Name    string   `json:"name"`              // normalised (PEP 503)
	Indexes []string `json:"indexes,omitempty"` // addresses that the lock names for it, asked instead of the others; "" among them stands for those
	Files   []File   `json:"files"`
}

// File is a file of an index. In a query Name or SHA256 may be empty, but not both.
type File struct {
	Name   string `json:"name,omitempty"`
	URL    string `json:"url,omitempty"`
	SHA256 string `json:"sha256,omitempty"` // 64 lower-case hex digits
	Size   int64  `json:"size,omitempty"`   // bytes; 0 when the index does not say
}

// Answer is what the indexes have of a query, in its order.
type Answer struct {
	Packages []Found `json:"packages"`
}

// Found is what was found of one package.
type Found struct {
	Name    string   `json:"name"`
	Asked   []string `json:"asked,omitempty"` // addresses of the indexes, without credentials
	Files   []File   `json:"files,omitempty"` // sorted by name
	Problem string   `json:"problem,omitempty"`
}
