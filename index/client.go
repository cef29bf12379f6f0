package index

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/org/pyfile/authority"
)

const (
	parallel       = 16               // requests at once
	attempts       = 5                // of one request
	firstPause     = time.Second / 2  // between the first and the second attempt; it doubles
	longestPause   = 30 * time.Second // whatever Retry-After says
	redirects      = 10               // of one request
	defaultTimeout = 15 * time.Second // pip's
)

// client sends requests, with credentials, and again when that may help.
type client struct {
	logins  logins
	trusted []string // hosts, with or without port
	checked http.RoundTripper
	trust   http.RoundTripper // for trusted hosts: certificates are not checked
	timeout time.Duration     // without a byte
	accept  string            // what kinds of pages
	pause   func(context.Context, time.Duration) error
	down    sync.Map // origin -> *failure of one that could not be reached in all attempts; others then try once only
	hint    string   // for certificates that cannot be verified
}

// newClient makes the client for a step: settings is the directory that WriteSettings wrote, authorities a file that need not exist.
func newClient(settings *Settings, dir, authorities string, logins logins) (*client, error) {
	pool, err := certificates(settings, dir, authorities)
	if err != nil {
		return nil, err
	}
	if settings.Proxy != "" {
		// The environment of the program is the one place that knows NO_PROXY in all its forms; what is set there wins.
		for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY"} {
			if os.Getenv(name) == "" && os.Getenv(strings.ToLower(name)) == "" {
				if err := os.Setenv(name, settings.Proxy); err != nil {
					return nil, err
				}
			}
		}
	}
	c := &client{logins: logins, trusted: settings.Trusted, timeout: defaultTimeout, accept: accept, pause: sleep}
	if t := time.Duration(settings.Timeout) * time.Second; t > c.timeout {
		c.timeout = t
	}
	c.checked = transport(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, c.timeout)
	c.trust = transport(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, c.timeout) //nolint:gosec // as pip's trusted-host
	c.hint = authority.Hint(authorities)
	return c, nil
}

// certificates are the authorities to believe: the image's, or else the system's, and those of the file.
func certificates(settings *Settings, dir, authorities string) (*x509.CertPool, error) {
	var pool *x509.CertPool
	if settings.CA != "" {
		data, err := os.ReadFile(filepath.Join(dir, filepath.Base(settings.CA)))
		if err != nil {
			return nil, err
		}
		pool = x509.NewCertPool()
		pool.AppendCertsFromPEM(data)
	} else if system, err := x509.SystemCertPool(); err == nil {
		pool = system
	} else {
		pool = x509.NewCertPool()
	}
	if authorities == "" {
		return pool, nil
	}
	data, err := os.ReadFile(authorities)
	if errors.Is(err, os.ErrNotExist) {
		return pool, nil
	}
	if err != nil {
		return nil, err
	}
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("the build secret %s must be a bundle of certificates in PEM form, and holds none", filepath.Base(authorities))
	}
	return pool, nil
}

func transport(config *tls.Config, timeout time.Duration) *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
			if res.StatusCode == http.StatusOK {
				return nil
			}
			return &failure{reason: fmt.Sprintf("the proxy answers %d %s", res.StatusCode, http.StatusText(res.StatusCode)), again: res.StatusCode >= 500}
		},
		DialContext:           (&net.Dialer{Timeout: timeout}).DialContext,
		TLSClientConfig:       config,
		TLSHandshakeTimeout:   timeout,
		ResponseHeaderTimeout: timeout,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   parallel,
		MaxConnsPerHost:       parallel,
		IdleConnTimeout:       timeout,
	}
}

func (c *client) close() {
	for _, t := range []http.RoundTripper{c.checked, c.trust} {
		if t, ok := t.(*http.Transport); ok {
			t.CloseIdleConnections()
		}
	}
}

// failure is why a request has no good answer.
type failure struct {
	status int           // 0 without an answer
	reason string        // without address and credentials
	hint   string        // may be empty
	again  bool          // another attempt may help
	after  time.Duration // how long the server wants to be left alone
	dead   bool          // the server could not be reached
}

func (f *failure) Error() string { return (&problem{f.reason, f.hint}).Error() }

// get requests u and hands the answer to read, again and again while that may help. An error of read is final, unless it is a
// failure that says otherwise or comes from the connection. The error is a *failure or that of ctx.
func (c *client) get(ctx context.Context, u *url.URL, header http.Header, read func(*http.Response) error) error {
	return c.request(ctx, http.MethodGet, u, header, read)
}

// request is get with another method. With a header Range, read gets the answers to that, too: 206 and 416.
func (c *client) request(ctx context.Context, method string, u *url.URL, header http.Header, read func(*http.Response) error) error {
	for n := 1; ; n++ {
		err := c.once(ctx, method, u, header, read)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f := asFailure(err)
		if !f.again {
			return f
		}
		if known, ok := c.down.Load(origin(u)); ok && f.dead {
			return known.(*failure)
		}
		if n == attempts {
			f.reason += fmt.Sprintf(" (%d attempts)", n)
			if f.dead {
				c.down.Store(origin(u), f)
			}
			return f
		}
		if err := c.pause(ctx, min(max(firstPause<<(n-1), f.after), longestPause)); err != nil {
			return err
		}
	}
}

// asFailure keeps a failure, and judges every other error.
func asFailure(err error) *failure {
	if f := (*failure)(nil); errors.As(err, &f) {
		copied := *f
		return &copied
	}
	if broken := (*brokenPage)(nil); errors.As(err, &broken) {
		return &failure{reason: broken.reason, again: true}
	}
	if p := (*problem)(nil); errors.As(err, &p) {
		return &failure{reason: p.msg, hint: p.hint}
	}
	return &failure{reason: err.Error()}
}

// once makes one attempt, through all redirects.
func (c *client) once(ctx context.Context, method string, u *url.URL, header http.Header, read func(*http.Response) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for range redirects {
		res, sent, err := c.send(ctx, method, u, header)
		if err != nil {
			return err
		}
		if to := res.Header.Get("Location"); to != "" && slices.Contains([]int{301, 302, 303, 307, 308}, res.StatusCode) {
			res.Body.Close()
			next, ok := resolve(u, to)
			if !ok {
				return &failure{status: res.StatusCode, reason: "it redirects to an address that is neither http nor https"}
			}
			u = next
			u.User = nil
			continue
		}
		defer res.Body.Close()
		idle := time.AfterFunc(c.timeout, func() { stop(errIdle) })
		defer idle.Stop()
		res.Body = &idleBody{ReadCloser: res.Body, ctx: ctx, timer: idle, timeout: c.timeout}
		res.Request = &http.Request{URL: u}
		ranged := header.Get("Range") != "" && slices.Contains([]int{http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable}, res.StatusCode)
		if res.StatusCode != http.StatusOK && !ranged {
			return c.refusal(res, sent)
		}
		return read(res)
	}
	return &failure{reason: fmt.Sprintf("it redirects more than %d times", redirects)}
}

// send makes one request and tells whether it had credentials.
func (c *client) send(ctx context.Context, method string, u *url.URL, header http.Header) (res *http.Response, sent bool, err error) {
	req := (&http.Request{Method: method, URL: u, Host: u.Host, Header: header.Clone()}).WithContext(ctx)
	req.Header.Set("User-Agent", "pyfile")
	authorization, err := c.logins.authorization(u)
	if err != nil {
		return nil, false, err
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	by := c.checked
	if slices.ContainsFunc(c.trusted, func(h string) bool { return strings.EqualFold(h, u.Host) || strings.EqualFold(h, u.Hostname()) }) {
		by = c.trust
	}
	res, err = by.RoundTrip(req)
	if err != nil {
		return nil, false, c.broken(err)
	}
	return res, authorization != "", nil
}

// unreachedHint is what to do about an index that is not reached.
const unreachedHint = "behind a proxy, build with --build-arg HTTPS_PROXY=http://HOST:PORT; an index that is reached is named by [index.default], or by pip's settings in the base image"

// broken judges an error of a connection, or of the way to it.
func (c *client) broken(err error) *failure {
	f := &failure{reason: err.Error(), again: true, dead: true}
	if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
		f.hint = unreachedHint
	}
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	var proxy *failure
	switch {
	case errors.As(err, &proxy):
		return proxy
	case errors.As(err, &certificate):
		f.reason, f.again = "its certificate cannot be verified: "+certificate.Err.Error(), false
		if authority.Untrusted(f.reason) {
			f.hint = c.hint
		}
	case errors.As(err, &dns):
		f.reason = fmt.Sprintf("the name %s cannot be resolved", dns.Name)
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		f.reason = fmt.Sprintf("no answer in %v", c.timeout)
	}
	return f
}

func isTimeout(err error) bool {
	t := net.Error(nil)
	return errors.As(err, &t) && t.Timeout()
}

var errIdle = errors.New("the server stopped sending")

// idleBody stops a request whose server sends nothing for too long, and says how an answer broke off.
type idleBody struct {
	io.ReadCloser
	ctx     context.Context // of the request that the body belongs to
	timer   *time.Timer
	timeout time.Duration
}

func (b *idleBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
		b.timer.Reset(b.timeout)
	case errors.Is(err, io.EOF):
	case errors.Is(context.Cause(b.ctx), errIdle):
		err = &failure{reason: fmt.Sprintf("the server stopped sending for %v", b.timeout), again: true}
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = &failure{reason: "the answer is cut off", again: true}
	default:
		err = &failure{reason: "the answer broke off: " + err.Error(), again: true}
	}
	return n, err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
