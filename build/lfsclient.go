package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/org/pyfile/remote"
)

// lfsClient downloads objects of Git LFS.
type lfsClient struct {
	http          *http.Client
	endpoint      *url.URL
	origin        string // of the repository; credentials go nowhere else
	authorization string // empty without credentials
}

const (
	lfsMediaType = "application/vnd.git-lfs+json"
	// lfsBatch is how many objects one request asks for, as git-lfs does.
	lfsBatch = 100
	// lfsTries is how often a request is sent that a server may answer the next time.
	lfsTries = 4
	// maxAnswer is the most bytes of an answer of the batch API.
	maxAnswer = 16 << 20
)

func newLFSClient(o LFSOptions, endpoint *url.URL) (*lfsClient, error) {
	repository, err := parseRemote(o.URL)
	if err != nil {
		return nil, err
	}
	c := &lfsClient{endpoint: endpoint, origin: origin(repository)}
	if c.authorization, err = remote.Authorization(o.URL, o.Secrets); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // that is what it is
	if o.CA != "" {
		pem, err := os.ReadFile(o.CA)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a secret that is not given is not there
			return nil, err
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if pem != nil && !pool.AppendCertsFromPEM(pem) {
			return nil, errors.New("the file of certificate authorities has no certificate in PEM")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	transport.ResponseHeaderTimeout = time.Minute
	// The headers of an action are meant for its own address: a redirect elsewhere gets none of them.
	c.http = &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("too many redirects")
		}
		if origin(r.URL) != origin(via[0].URL) {
			r.Header = http.Header{} //nolint:gosec // which drops what is sensitive
		}
		return nil
	}}
	return c, nil
}

// origin is scheme, host and port of an address.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// lfsObject is an object in a question or an answer.
type lfsObject struct {
	ID            string `json:"oid"`
	Size          int64  `json:"size"`
	Authenticated bool   `json:"authenticated,omitempty"`
	Actions       struct {
		Download *struct {
			Href   string            `json:"href"`
			Header map[string]string `json:"header"`
		} `json:"download,omitempty"`
	} `json:"actions,omitzero"`
	Error *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// download gets objects, in the order of their ids.
func (c *lfsClient) download(ctx context.Context, wanted map[string]pointer, put func(pointer, io.Reader) error) error {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(wanted)), lfsBatch) {
		objects, err := c.batch(ctx, ids, wanted)
		if err != nil {
			return err
		}
		var errs []error
		for _, id := range ids {
			o, ok := objects[id]
			switch {
			case !ok:
				errs = append(errs, fmt.Errorf("the server of Git LFS at %s did not answer for the object %s", c.endpoint.Host, id))
			case o.Error != nil:
				errs = append(errs, fmt.Errorf("the server of Git LFS at %s does not give the object %s: %d %s", c.endpoint.Host, id, o.Error.Code, printable(o.Error.Message)))
			case o.Actions.Download == nil:
				errs = append(errs, fmt.Errorf("the server of Git LFS at %s does not say where the object %s is", c.endpoint.Host, id))
			default:
				if err := c.get(ctx, wanted[id], o, put); err != nil {
					return err
				}
			}
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

// printable is a server's text without what a terminal would obey.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text[:min(len(text), 200)])
}

// batch asks where objects are.
func (c *lfsClient) batch(ctx context.Context, ids []string, wanted map[string]pointer) (map[string]lfsObject, error) {
	list := make([]map[string]any, 0, len(ids))
	for _, id := range ids {
		list = append(list, map[string]any{"oid": id, "size": wanted[id].size})
	}
	body, err := json.Marshal(map[string]any{"operation": "download", "transfers": []string{"basic"}, "objects": list, "hash_algo": "sha256"})
	if err != nil {
		return nil, err
	}
	address := c.endpoint.JoinPath("objects", "batch")
	out := map[string]lfsObject{}
	err = c.try(ctx, func() error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Accept", lfsMediaType)
		r.Header.Set("Content-Type", lfsMediaType)
		if c.authorization != "" && origin(address) == c.origin {
			r.Header.Set("Authorization", c.authorization)
		}
		return c.do(r, func(content io.Reader) error {
			data, err := io.ReadAll(io.LimitReader(content, maxAnswer))
			if err != nil {
				return err
			}
			var answer struct {
				Transfer string      `json:"transfer"`
				Objects  []lfsObject `json:"objects"`
			}
			if err := json.Unmarshal(data, &answer); err != nil {
				return &permanent{fmt.Errorf("the server of Git LFS at %s answers with something else than the batch API", address.Host)}
			}
			if answer.Transfer != "" && answer.Transfer != "basic" {
				return &permanent{fmt.Errorf("the server of Git LFS at %s wants the transfer %q, and only basic is supported", address.Host, answer.Transfer)}
			}
			for _, o := range answer.Objects {
				out[o.ID] = o
			}
			return nil
		})
	})
	return out, err
}

// get downloads an object.
func (c *lfsClient) get(ctx context.Context, p pointer, o lfsObject, put func(pointer, io.Reader) error) error {
	address, err := url.Parse(o.Actions.Download.Href)
	if err == nil {
		address = c.endpoint.ResolveReference(address)
	}
	if err != nil || address.Scheme != "http" && address.Scheme != "https" || address.Scheme == "http" && c.endpoint.Scheme == "https" {
		return fmt.Errorf("the server of Git LFS at %s names an address for the object %s that is not https", c.endpoint.Host, p.id)
	}
	return c.try(ctx, func() error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
		if err != nil {
			return &permanent{fmt.Errorf("the server of Git LFS at %s names an address for the object %s that is none", c.endpoint.Host, p.id)}
		}
		for name, value := range o.Actions.Download.Header {
			r.Header.Set(name, value)
		}
		if c.authorization != "" && !o.Authenticated && r.Header.Get("Authorization") == "" && origin(address) == c.origin {
			r.Header.Set("Authorization", c.authorization)
		}
		return c.do(r, func(content io.Reader) error { return put(p, content) })
	})
}

// permanent is an error that another try does not mend.
type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// try calls do until it succeeds, but not often.
func (c *lfsClient) try(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		err := do()
		if never := (*permanent)(nil); err == nil || errors.As(err, &never) || n == lfsTries {
			return err
		}
		wait := time.NewTimer(time.Second << n / 4)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return context.Cause(ctx)
		}
	}
}

// do sends a request and hands the content of the answer to use. Messages name the host alone, as an address may hold a signature.
func (c *lfsClient) do(r *http.Request, use func(io.Reader) error) error {
	response, err := c.http.Do(r)
	if err != nil {
		if failed := (*url.Error)(nil); errors.As(err, &failed) {
			err = failed.Err
		}
		return fmt.Errorf("the server of Git LFS at %s cannot be asked: %w", r.URL.Host, err)
	}
	defer response.Body.Close()
	switch code := response.StatusCode; {
	case code == http.StatusOK:
		return use(response.Body)
	case code == http.StatusUnauthorized || code == http.StatusForbidden || code == http.StatusNotFound:
		hint := "it needs a token, or the one given is not for this repository"
		if code == http.StatusNotFound {
			hint = "the repository is not there, or needs a token"
		}
		return &permanent{fmt.Errorf("the server of Git LFS at %s answers %s: %s", r.URL.Host, response.Status, hint)}
	case code == http.StatusTooManyRequests || code >= 500:
		return fmt.Errorf("the server of Git LFS at %s answers %s", r.URL.Host, response.Status)
	}
	return &permanent{fmt.Errorf("the server of Git LFS at %s answers %s", r.URL.Host, response.Status)}
}

// check copies an object and compares it with its pointer.
func (p pointer) check(w io.Writer, content io.Reader) error {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(content, p.size+1))
	if err != nil {
		return err
	}
	if n != p.size || hex.EncodeToString(sum.Sum(nil)) != p.id {
		return &permanent{fmt.Errorf("the object %s is not what the server of Git LFS sent: size or sha256 differ", p.id)}
	}
	return nil
}
