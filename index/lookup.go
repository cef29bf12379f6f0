package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// largestPage is how many bytes of a page are read. The largest known ones have a tenth of that.
const largestPage = 64 << 20

// LookupOptions says what Lookup asks.
type LookupOptions struct {
	Out      string    // directory for answer.json; absent or empty
	Settings string    // directory that WriteSettings wrote
	Query    string    // file with a Query
	Secrets  string    // directory with a file per secret, named by its id; need not exist where no secret is needed
	CA       string    // more certificate authorities, PEM, named by the secret's id; the file need not exist
	Output   io.Writer // progress, for people
}

// Lookup asks the indexes for the files of a query and writes the answer. What no index has is no error: the answer says so. An
// index that does not answer properly is one, and the error names all of them.
func Lookup(ctx context.Context, o LookupOptions) error {
	q, l, err := open(o)
	if err != nil {
		return err
	}
	defer l.client.close()
	return output(o.Out, func() error {
		answer, err := l.run(ctx, q.Packages)
		if err != nil {
			return err
		}
		data, err := encode(answer)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(o.Out, "answer.json"), data, 0o600)
	})
}

// lookup is what the work on a query needs.
type lookup struct {
	client   *client
	settings *Settings
	sites    *sites
	output   io.Writer
	flat     sync.Map // address -> func() ([]entry, error), for pages that are the same for all packages
}

// open reads the files of a step.
func open(o LookupOptions) (*Query, *lookup, error) {
	data, err := os.ReadFile(o.Query)
	if err != nil {
		return nil, nil, err
	}
	q, err := ParseQuery(data)
	if err != nil {
		return nil, nil, err
	}
	if data, err = os.ReadFile(filepath.Join(o.Settings, "settings.json")); err != nil {
		return nil, nil, err
	}
	settings, err := ParseSettings(data)
	if err != nil {
		return nil, nil, err
	}
	all, ls, err := arrange(settings, q.Indexes, o.Secrets)
	if err != nil {
		return nil, nil, err
	}
	c, err := newClient(settings, o.Settings, o.CA, ls)
	if err != nil {
		return nil, nil, err
	}
	return q, &lookup{client: c, settings: settings, sites: all, output: o.Output}, nil
}

// run looks up packages, several at a time.
func (l *lookup) run(ctx context.Context, packages []Package) (*Answer, error) {
	answer := &Answer{Packages: make([]Found, len(packages))}
	var failed failures
	each(ctx, len(packages), parallel, progress{l.output, "asked the index for %d of %d packages"}, func(i int) {
		found, where, err := l.find(ctx, packages[i])
		if err != nil {
			failed.add(packages[i].Name, where, err)
		}
		answer.Packages[i] = found
	})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return answer, failed.err("cannot be looked up")
}

// find asks one index after the other until all files of a package are found. With an error it says where it happened.
func (l *lookup) find(ctx context.Context, p Package) (found Found, where string, err error) {
	found.Name = p.Name
	list, err := l.sites.of(p)
	if err != nil {
		return found, "", err
	}
	missing := p.Files
	exists := false
	var changed []string // names that an index knows by another hash
	// What a hash does not tell from another file of that name may come only from the first index that knows the project.
	mayBe := func(f File) bool { return f.SHA256 != "" || !exists }
	for _, s := range list {
		if !slices.ContainsFunc(missing, mayBe) {
			break
		}
		found.Asked = append(found.Asked, s.String())
		entries, here, err := l.page(ctx, s, p.Name)
		if err != nil {
			return found, s.String(), err
		}
		if !here {
			continue
		}
		left := missing[:0:0]
		by := newMatcher(filesOf(entries))
		for _, want := range missing {
			f, ok, other := by.match(want)
			if !ok || !mayBe(want) {
				left = append(left, want)
				if other {
					changed = append(changed, want.Name)
				}
				continue
			}
			if u, err := url.Parse(f.URL); err == nil {
				f.Secret = l.client.logins.secret(u)
			}
			found.Files = append(found.Files, f)
		}
		missing = left
		exists = exists || !s.flat
	}
	slices.SortFunc(found.Files, compareFiles)
	found.Files = slices.CompactFunc(found.Files, func(a, b File) bool { return a.Name == b.Name && a.SHA256 == b.SHA256 })
	if len(found.Files) == 0 && len(missing) > 0 {
		found.Problem = describeMissing(p, found.Asked, exists, changed)
	}
	return found, "", nil
}

// describeMissing says why nothing of a package was found.
func describeMissing(p Package, asked []string, exists bool, changed []string) string {
	at := strings.Join(asked, ", ")
	if !exists {
		return fmt.Sprintf("there is no project %s at %s", p.Name, at)
	}
	if len(changed) > 0 {
		slices.Sort(changed)
		return fmt.Sprintf("%s has another hash at %s", strings.Join(slices.Compact(changed), ", "), at)
	}
	if len(p.Files) == 1 && p.Files[0].Name != "" {
		return fmt.Sprintf("%s is not at %s", p.Files[0].Name, at)
	}
	return fmt.Sprintf("none of the files of %s is at %s", p.Name, at)
}

// page reads the page of a project. It reports whether the place knows it: one page with the files of many knows every project.
func (l *lookup) page(ctx context.Context, s site, project string) (files []entry, here bool, err error) {
	if s.flat {
		read, _ := l.flat.LoadOrStore(s.key(), sync.OnceValues(func() ([]entry, error) { return l.client.page(ctx, s.url) }))
		files, err = read.(func() ([]entry, error))()
	} else {
		files, err = l.client.page(ctx, s.page(project))
	}
	if isMissing(err) {
		return nil, false, nil
	}
	return files, err == nil, err
}

// isMissing tells whether an error is the answer that there is no such thing.
func isMissing(err error) bool {
	f := (*failure)(nil)
	return errors.As(err, &f) && (f.status == http.StatusNotFound || f.status == http.StatusGone)
}

// page requests a page of the simple API and parses it.
func (c *client) page(ctx context.Context, u *url.URL) (files []entry, err error) {
	err = c.get(ctx, u, http.Header{"Accept": {c.accept}}, func(res *http.Response) error {
		body, err := io.ReadAll(io.LimitReader(res.Body, largestPage+1))
		if err != nil {
			return err
		}
		if len(body) > largestPage {
			return &failure{reason: fmt.Sprintf("the answer has more than %d MiB", largestPage>>20)}
		}
		files, err = parsePage(res.Request.URL, res.Header.Get("Content-Type"), body)
		return err
	})
	return files, err
}

func filesOf(entries []entry) []File {
	files := make([]File, len(entries))
	for i, e := range entries {
		files[i] = e.File
	}
	return files
}

// matcher finds files of a page.
type matcher struct{ bySum, byName map[string][]File }

func newMatcher(files []File) matcher {
	m := matcher{bySum: map[string][]File{}, byName: map[string][]File{}}
	for _, f := range files {
		if f.SHA256 != "" {
			m.bySum[f.SHA256] = append(m.bySum[f.SHA256], f)
		}
		m.byName[f.Name] = append(m.byName[f.Name], f)
	}
	return m
}

// match returns the file that is wanted: the one with the hash, or where the page or the query has no hash, the one with the name.
// other is true when the page has the name with another hash.
func (m matcher) match(want File) (f File, ok, other bool) {
	var candidates []File
	if want.SHA256 == "" {
		candidates = m.byName[want.Name]
	} else if candidates = m.bySum[want.SHA256]; len(candidates) == 0 && want.Name != "" {
		for _, f := range m.byName[want.Name] {
			if f.SHA256 == "" {
				f.SHA256 = want.SHA256
				candidates = append(candidates, f)
			} else {
				other = true
			}
		}
	}
	if len(candidates) == 0 {
		return File{}, false, other
	}
	// The order of a page may change from day to day, so it does not decide.
	return slices.MinFunc(candidates, func(a, b File) int {
		named := func(f File) int {
			if f.Name == want.Name {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(named(a), named(b)), compareFiles(a, b))
	}), true, false
}
