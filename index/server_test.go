package index

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// server is an index for tests. It counts the requests of every path.
type server struct {
	*httptest.Server
	mux *http.ServeMux

	mutex sync.Mutex
	asked map[string]int
	auth  map[string]string // path -> Authorization of the last request
}

func newServer(t *testing.T, start func(*httptest.Server)) *server {
	t.Helper()
	s := &server{mux: http.NewServeMux(), asked: map[string]int{}, auth: map[string]string{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		s.asked[r.URL.Path]++
		s.auth[r.URL.Path] = r.Header.Get("Authorization")
		s.mutex.Unlock()
		s.mux.ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not trust it are part of the tests
	start(s.Server)
	t.Cleanup(s.Close)
	return s
}

// count is how often a path was asked for.
func (s *server) count(path string) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.asked[path]
}

func (s *server) authorization(path string) string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.auth[path]
}

// page serves a JSON page.
func (s *server) page(path string, files ...File) {
	s.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		fmt.Fprint(w, pageJSON(files...))
	})
}

func pageJSON(files ...File) string {
	list := []map[string]any{}
	for _, f := range files {
		hashes := map[string]string{}
		if f.SHA256 != "" {
			hashes["sha256"] = f.SHA256
		}
		list = append(list, map[string]any{"filename": f.Name, "url": f.URL, "hashes": hashes, "size": f.Size})
	}
	data, err := json.Marshal(map[string]any{"meta": map[string]string{"api-version": "1.1"}, "files": list})
	if err != nil {
		panic(err)
	}
	return string(data)
}

func (s *server) status(path string, code int, body string) {
	s.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	})
}

// step is the directory of a step's inputs.
type step struct {
	LookupOptions
	pauses []time.Duration
	mutex  sync.Mutex
}

// newStep writes the settings and the query of a step, and the certificate authority of a server.
func newStep(t *testing.T, authority *httptest.Server, settings Settings, query Query, secrets map[string]string) *step {
	t.Helper()
	dir := t.TempDir()
	s := &step{LookupOptions: LookupOptions{
		Out: filepath.Join(dir, "out"), Settings: filepath.Join(dir, "settings"), Query: filepath.Join(dir, "query.json"), Secrets: filepath.Join(dir, "secrets"),
		Output: &bytes.Buffer{},
	}}
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	settings.CA = "ca.pem"
	write(filepath.Join(s.Settings, "ca.pem"), nil)
	if authority != nil && authority.Certificate() != nil {
		write(filepath.Join(s.Settings, "ca.pem"), certificate(authority))
	}
	data, err := encode(settings)
	if err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(s.Settings, "settings.json"), data)
	if data, err = query.Encode(); err != nil {
		t.Fatal(err)
	}
	write(s.Query, data)
	for id, value := range secrets {
		write(filepath.Join(s.Secrets, id), []byte(value))
	}
	return s
}

func certificate(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// lookup is open without waiting between attempts.
func (s *step) lookup(t *testing.T) (*Query, *lookup) {
	t.Helper()
	q, l, err := open(s.LookupOptions)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.client.close)
	l.client.pause = func(ctx context.Context, d time.Duration) error {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.pauses = append(s.pauses, d)
		return ctx.Err()
	}
	return q, l
}

// run looks the query up.
func (s *step) run(t *testing.T) (*Answer, error) {
	t.Helper()
	q, l := s.lookup(t)
	return l.run(t.Context(), q.Packages)
}

// checkHidden fails when a text has a secret in it.
func checkHidden(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{"hunter2", "token=", "Basic ", "Bearer "} {
		if strings.Contains(text, secret) {
			t.Errorf("the text shows %q: %s", secret, text)
		}
	}
}

func wants(name string, files ...File) Query {
	return Query{Packages: []Package{{Name: name, Files: files}}}
}
