package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// traffic is what passed a server since it was last asked.
type traffic struct {
	up, down atomic.Int64 // bytes of bodies, as a client sees it
	requests atomic.Int64
	blobs    atomic.Int64 // blobs that were sent whole
}

func (t *traffic) take() (up, down, requests, blobs int64) {
	return t.up.Swap(0), t.down.Swap(0), t.requests.Swap(0), t.blobs.Swap(0)
}

// counted counts a handler's traffic.
func (t *traffic) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.requests.Add(1)
		r.Body = countedBody{r.Body, &t.up}
		c := &countedWriter{ResponseWriter: w, n: &t.down}
		next.ServeHTTP(c, r)
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") && c.status < 300 {
			t.blobs.Add(1)
		}
	})
}

type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}

type countedWriter struct {
	http.ResponseWriter
	n      *atomic.Int64
	status int
}

func (w *countedWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.n.Add(int64(n))
	return n, err
}

// Unwrap lets the proxy flush.
func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// listen serves a handler on loopback until the returned function is called.
func listen(port int, handler http.Handler) (stop func(), err error) {
	l, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port))
	if err != nil {
		return nil, fmt.Errorf("%w; set -port", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	return func() { _ = server.Close() }, nil
}

// forward is a proxy to a server on loopback.
func forward(host string) http.Handler {
	quiet := log.New(io.Discard, "", 0) // until the server has started
	return &httputil.ReverseProxy{ErrorLog: quiet, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", host, r.In.Host
	}}
}

// mirror is a package index that keeps what it has fetched, so that every way to build downloads at the same speed: that of this disk.
// It answers in JSON (PEP 691), with file addresses of its own.
type mirror struct {
	upstream *url.URL // simple index
	dir      string
	mu       sync.Mutex
	locks    map[string]*sync.Mutex // one per kept file
	hosts    map[string]bool        // that pages named: nothing else is fetched
}

func newMirror(upstream, dir string) (*mirror, error) {
	u, err := url.Parse(strings.TrimSuffix(upstream, "/") + "/")
	if err != nil {
		return nil, err
	}
	return &mirror{upstream: u, dir: dir, locks: map[string]*sync.Mutex{}, hosts: map[string]bool{}}, os.MkdirAll(dir, 0o755)
}

const simpleJSON = "application/vnd.pypi.simple.v1+json"

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var err error
	if page, ok := strings.CutPrefix(r.URL.Path, "/simple/"); ok {
		err = m.page(w, r, page)
	} else if file, ok := strings.CutPrefix(r.URL.Path, "/files/"); ok {
		err = m.file(w, r, file)
	} else {
		err = os.ErrNotExist
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		http.NotFound(w, r)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

// page answers with the page of a project, whose files are found below /files/.
func (m *mirror) page(w http.ResponseWriter, r *http.Request, project string) error {
	at := m.upstream.JoinPath(project)
	kept, err := m.keep(at.String(), "pages/"+strings.ReplaceAll(project, "/", "_")+".json")
	if err != nil {
		return err
	}
	data, err := os.ReadFile(kept)
	if err != nil {
		return err
	}
	var page map[string]any
	if err := json.Unmarshal(data, &page); err != nil {
		return fmt.Errorf("%s answers no JSON: %w", project, err)
	}
	files, _ := page["files"].([]any)
	for _, f := range files {
		file, _ := f.(map[string]any)
		address, _ := file["url"].(string)
		u, err := at.Parse(address)
		if err != nil {
			return err
		}
		u.Fragment = ""
		m.mu.Lock()
		m.hosts[u.Host] = true
		m.mu.Unlock()
		file["url"] = "http://" + r.Host + "/files/" + u.Scheme + "/" + u.Host + u.EscapedPath()
	}
	if data, err = json.Marshal(page); err != nil {
		return err
	}
	w.Header().Set("Content-Type", simpleJSON)
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") { // as real indexes do
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write(data); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		w.Header().Set("Content-Encoding", "gzip")
		data = packed.Bytes()
	}
	_, err = w.Write(data)
	return err
}

// file answers with a file of the index: SCHEME/HOST/PATH.
func (m *mirror) file(w http.ResponseWriter, r *http.Request, file string) error {
	scheme, rest, _ := strings.Cut(file, "/")
	host, _, _ := strings.Cut(rest, "/")
	m.mu.Lock()
	known := m.hosts[host]
	m.mu.Unlock()
	if !known {
		return os.ErrNotExist
	}
	kept, err := m.keep(scheme+"://"+rest, "files/"+rest)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFile(w, r, kept)
	return nil
}

// keep fetches an address once and returns the file that holds it.
func (m *mirror) keep(address, name string) (string, error) {
	kept := filepath.Join(m.dir, filepath.Clean("/"+name))
	m.mu.Lock()
	lock := m.locks[kept]
	if lock == nil {
		lock = &sync.Mutex{}
		m.locks[kept] = lock
	}
	m.mu.Unlock()
	lock.Lock()
	defer lock.Unlock()
	if _, err := os.Stat(kept); err == nil {
		return kept, nil
	}
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Accept", simpleJSON+", */*;q=0.1")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusNotFound {
		return "", os.ErrNotExist
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the index answers %s", answer.Status)
	}
	if err := os.MkdirAll(filepath.Dir(kept), 0o755); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(kept), ".part-")
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(f, answer.Body); err != nil {
		return "", errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	return kept, os.Rename(f.Name(), kept)
}
