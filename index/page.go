package index

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"
)

// accept is the Accept header of a request for a page (PEP 691): JSON, else HTML.
const accept = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

// A brokenPage is a page that is not what its server says it is: cut off, or the text of a proxy. The next answer may be better.
type brokenPage struct{ reason string }

func (e *brokenPage) Error() string { return e.reason }

// An entry is a file of a page with all that pip and uv go by when they choose.
type entry struct {
	File
	hashes   map[string]string  // by the name of the algorithm, as the page has them
	yanked   *string            // why it should not be chosen (PEP 592), which may be empty; nil if it may be
	metadata *map[string]string // hashes of the metadata that lies beside the file (PEP 658), which may be none; nil without it
	uploaded string             // time of the upload (PEP 700)
}

// parsePage returns the files of a page of the simple API that was read from base, in the page's order. Files without an address or
// a proper name are left out. The error is a brokenPage, or says that the page is of a later version of the API (PEP 629).
func parsePage(base *url.URL, contentType string, body []byte) ([]entry, error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	kind, _, _ := mime.ParseMediaType(contentType)
	if version, _, ok := strings.Cut(strings.TrimPrefix(kind, "application/vnd.pypi.simple.v"), "+"); ok && strings.HasPrefix(kind, "application/vnd.pypi.simple.") {
		if err := checkVersion(version); err != nil {
			return nil, err
		}
	}
	switch first := bytes.TrimLeft(body, " \t\r\n"); {
	case strings.HasSuffix(kind, "json"), !strings.HasSuffix(kind, "html") && bytes.HasPrefix(first, []byte("{")):
		return parseJSON(base, body)
	case strings.HasSuffix(kind, "html"), bytes.HasPrefix(first, []byte("<")):
		return parseHTML(base, body)
	}
	return nil, &brokenPage{fmt.Sprintf("the answer is %s and neither JSON nor HTML", describeType(kind))}
}

func describeType(kind string) string {
	if kind == "" {
		return "of no type"
	}
	return kind
}

// checkVersion refuses a version of the simple API after 1.x.
func checkVersion(version string) error {
	major, _, _ := strings.Cut(strings.TrimSpace(version), ".")
	if n, err := strconv.Atoi(major); err != nil || n == 1 {
		return nil // a version that is no version says nothing
	}
	return fmt.Errorf("the index speaks version %.20q of the simple API, and only 1.x is known", version)
}

// parseJSON reads a page of PEP 691.
func parseJSON(base *url.URL, body []byte) ([]entry, error) {
	var page struct {
		Meta struct {
			Version string `json:"api-version"`
		} `json:"meta"`
		Files *[]struct {
			Filename       string            `json:"filename"`
			URL            string            `json:"url"`
			Hashes         map[string]string `json:"hashes"`
			RequiresPython string            `json:"requires-python"`
			Size           json.Number       `json:"size"`
			UploadTime     string            `json:"upload-time"`
			Yanked         json.RawMessage   `json:"yanked"`
			Metadata       json.RawMessage   `json:"core-metadata"`
			OldMetadata    json.RawMessage   `json:"dist-info-metadata"` // its name before PEP 714
		} `json:"files"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, &brokenPage{"the answer is not the JSON of the simple API: " + describeJSON(err)}
	}
	if err := checkVersion(page.Meta.Version); err != nil {
		return nil, err
	}
	if page.Files == nil {
		return nil, &brokenPage{"the answer is JSON without a list of files"}
	}
	files := make([]entry, 0, len(*page.Files))
	for _, f := range *page.Files {
		u, ok := resolve(base, f.URL)
		if !ok || !plainName(f.Filename) {
			continue
		}
		size, err := f.Size.Int64()
		if err != nil || size < 0 {
			size = 0
		}
		e := entry{File: File{Name: f.Filename, URL: address(u), SHA256: cleanHash(f.Hashes["sha256"]), Size: size, RequiresPython: f.RequiresPython},
			hashes: f.Hashes, uploaded: f.UploadTime}
		e.yanked = either[string](f.Yanked)
		if e.metadata = either[map[string]string](f.Metadata); len(f.Metadata) == 0 {
			e.metadata = either[map[string]string](f.OldMetadata)
		}
		files = append(files, e)
	}
	return files, nil
}

// either reads a value that is false, true or says more than true: nil, an empty one, or that. What is neither is nil.
func either[T any](data json.RawMessage) *T {
	value, is := new(T), false
	if bytes.Equal(data, []byte("null")) || json.Unmarshal(data, &is) == nil && !is || !is && json.Unmarshal(data, value) != nil {
		return nil
	}
	return value
}

// describeJSON says what is wrong with JSON in words of JSON, not of Go.
func describeJSON(err error) string {
	if kind := (*json.UnmarshalTypeError)(nil); errors.As(err, &kind) {
		return fmt.Sprintf("%s is of type %s", kind.Field, kind.Value)
	}
	return err.Error()
}

// cleanHash returns a sha256 in lower case, or "" for anything else.
func cleanHash(s string) string {
	if s = strings.ToLower(s); isSHA256(s) {
		return s
	}
	return ""
}

// resolve makes a link of a page absolute. Only http and https lead anywhere.
func resolve(base *url.URL, link string) (*url.URL, bool) {
	link = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return -1 // browsers drop them
		}
		return r
	}, strings.TrimSpace(link))
	if link == "" {
		return nil, false
	}
	u, err := base.Parse(link)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, false
	}
	u.RawQuery = escapeQuery(u.RawQuery)
	return u, true
}

// escapeQuery encodes what net/url leaves as it is in a query and a request line must not have: servers refuse one with a blank. What is
// escaped already stays (URL standard, "query percent-encode set").
func escapeQuery(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"<>`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// address is a URL without user and fragment: what may be written, though not printed when it has a query.
func address(u *url.URL) string {
	plain := *u
	plain.User, plain.Fragment, plain.RawFragment = nil, "", ""
	return plain.String()
}

// printable is a URL for messages: without user, query and fragment.
func printable(u *url.URL) string {
	plain := *u
	plain.RawQuery, plain.ForceQuery = "", false
	return address(&plain)
}

// writePage writes a page of the simple API, in JSON for who accepts it (PEP 691), else in HTML (PEP 503).
func writePage(accepted []string, project string, files []entry) (kind string, page []byte) {
	const jsonKind = "application/vnd.pypi.simple.v1+json"
	if !strings.Contains(strings.Join(accepted, ","), jsonKind) {
		return "text/html; charset=utf-8", writeHTML(project, files)
	}
	type file struct {
		Name           string            `json:"filename"`
		URL            string            `json:"url"`
		Hashes         map[string]string `json:"hashes"`
		RequiresPython string            `json:"requires-python,omitempty"`
		Size           int64             `json:"size,omitempty"`
		Uploaded       string            `json:"upload-time,omitempty"`
		Yanked         any               `json:"yanked,omitempty"`
		Metadata       any               `json:"core-metadata,omitempty"`
		OldMetadata    any               `json:"dist-info-metadata,omitempty"`
	}
	list := make([]file, len(files))
	for i, f := range files {
		list[i] = file{Name: f.Name, URL: f.URL, Hashes: f.hashes, RequiresPython: f.RequiresPython, Size: f.Size, Uploaded: f.uploaded}
		if f.hashes == nil {
			list[i].Hashes = map[string]string{} // the key must be there
		}
		if f.yanked != nil {
			list[i].Yanked = orTrue(*f.yanked, *f.yanked == "")
		}
		if f.metadata != nil {
			list[i].Metadata = orTrue(*f.metadata, len(*f.metadata) == 0)
			list[i].OldMetadata = list[i].Metadata
		}
	}
	page, err := json.Marshal(map[string]any{"meta": map[string]string{"api-version": "1.1"}, "name": project, "files": list})
	if err != nil {
		panic(err) // plain data always has a form in JSON
	}
	return jsonKind, page
}

// orTrue is what a key holds that says more than true, or nothing more.
func orTrue(value any, empty bool) any {
	if empty {
		return true
	}
	return value
}
