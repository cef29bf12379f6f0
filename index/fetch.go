package index

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
)

// FetchOptions says what Fetch downloads.
type FetchOptions struct {
	Out      string // directory for the files; absent or empty
	Settings string
	Query    string
	Secrets  string
	CA       string
	Output   io.Writer
}

// downloads is how many files are downloaded at once.
const downloads = 8

// download is a file on its way.
type download struct {
	File
	of  string // name of the package
	url *url.URL
}

// Fetch downloads the files of a query under their names: those with a URL from there, the others from where an index has them.
// Their sha256 is checked. A file that is nowhere is an error.
func Fetch(ctx context.Context, o FetchOptions) error {
	q, l, err := open(LookupOptions(o))
	if err != nil {
		return err
	}
	defer l.client.close()
	return output(o.Out, func() error { return l.fetch(ctx, q, o.Out) })
}

// fetch downloads the files of a query into dir.
func (l *lookup) fetch(ctx context.Context, q *Query, dir string) error {
	list, err := l.locate(ctx, q)
	if err != nil {
		return err
	}
	var failed failures
	each(ctx, len(list), downloads, progress{l.output, "downloaded %d of %d files"}, func(i int) {
		if err := l.client.download(ctx, list[i], dir); err != nil {
			failed.add(list[i].Name, printable(list[i].url), err)
		}
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return failed.err("cannot be downloaded")
}

// locate gives every file of a query its address, name and hash.
func (l *lookup) locate(ctx context.Context, q *Query) ([]download, error) {
	var list []download
	var unknown []Package
	for _, p := range q.Packages {
		ask := Package{Name: p.Name, Indexes: p.Indexes}
		for _, f := range p.Files {
			if f.URL == "" {
				ask.Files = append(ask.Files, f)
				continue
			}
			list = append(list, download{File: f, of: p.Name})
		}
		if len(ask.Files) > 0 {
			unknown = append(unknown, ask)
		}
	}
	answer, err := l.run(ctx, unknown)
	if err != nil {
		return nil, err
	}
	var errs []error
	for i, found := range answer.Packages {
		for _, f := range found.Files {
			list = append(list, download{File: f, of: found.Name})
		}
		if found.Problem != "" {
			errs = append(errs, errors.New(found.Problem))
			continue
		}
		by := newMatcher(found.Files)
		for _, want := range unknown[i].Files {
			if _, ok, _ := by.match(want); !ok {
				errs = append(errs, fmt.Errorf("%s: no index has the file %s", found.Name, describeFile(want)))
			}
		}
	}
	names := map[string]download{}
	for i := range list {
		d := &list[i]
		if err := d.complete(); err != nil {
			errs = append(errs, err)
			continue
		}
		if other, ok := names[d.Name]; ok && other.SHA256 != d.SHA256 {
			errs = append(errs, fmt.Errorf("%s is the name of two different files, of %s and of %s", d.Name, other.of, d.of))
		} else if ok {
			errs = append(errs, fmt.Errorf("%s is asked for twice", d.Name))
		}
		names[d.Name] = *d
	}
	return list, errors.Join(errs...)
}

func describeFile(f File) string {
	if f.Name != "" {
		return f.Name
	}
	return "with sha256 " + f.SHA256
}

// complete reads the address, takes the name from it if there is no other, and checks that the file can be checked.
func (d *download) complete() error {
	s, err := parseSite("the url of a file of "+d.of, d.URL, false)
	if err != nil {
		return err
	}
	d.url = s.url
	if d.Name == "" {
		d.Name = path.Base(d.url.Path)
	}
	if !plainName(d.Name) || d.Name == "/" {
		return fmt.Errorf("%s: the file at %s has no name", d.of, printable(d.url))
	}
	if d.SHA256 == "" {
		return fmt.Errorf("%s: %s has no sha256, neither in the query nor at the index", d.of, d.Name)
	}
	return nil
}

// download writes a file into dir, under another name until it is whole and checked, if it has a sha256.
func (c *client) download(ctx context.Context, d download, dir string) error {
	name := filepath.Join(dir, d.Name)
	part, err := os.Create(name + ".part")
	if err != nil {
		return err
	}
	// Encodings are refused, because a server may take the compression of an archive for one.
	header := http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}}
	err = c.get(ctx, d.url, header, func(res *http.Response) error {
		if _, err := part.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if err := part.Truncate(0); err != nil {
			return err
		}
		sum := sha256.New()
		n, err := io.Copy(io.MultiWriter(part, sum), res.Body)
		if err != nil {
			return err
		}
		if got := hex.EncodeToString(sum.Sum(nil)); d.SHA256 != "" && got != d.SHA256 {
			return &failure{reason: fmt.Sprintf("the file has %d bytes with sha256 %s, not %s", n, got, d.SHA256), again: d.Size > n}
		}
		return nil
	})
	if err = errors.Join(err, part.Close()); err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return os.Rename(part.Name(), name)
}
