package index

import "io"

// SettingsOptions says whose settings WriteSettings reads.
type SettingsOptions struct {
	Out         string    // directory for settings.json and ca.pem; absent or empty
	Interpreter string    // the Python of the image
	Output      io.Writer // warnings, for people
}

// LookupOptions says what Lookup asks.
type LookupOptions struct {
	Out      string    // directory for answer.json; absent or empty
	Settings string    // directory that WriteSettings wrote
	Query    string    // file with a Query
	Secrets  string    // directory with a file per secret, named by its id; need not exist where no secret is needed
	CA       string    // more certificate authorities, PEM; the file need not exist
	Output   io.Writer // progress, for people
}

// FetchOptions says what Fetch downloads.
type FetchOptions struct {
	Out      string // directory for the files; absent or empty
	Settings string
	Query    string
	Secrets  string
	CA       string
	Output   io.Writer
}
