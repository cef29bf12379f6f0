//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

// testWheel is a wheel of one module that says its version.
type testWheel struct {
	project, version string
	data             []byte
	sha256           string
}

func (w testWheel) filename() string { return w.project + "-" + w.version + "-py3-none-any.whl" }

// pinned is the wheel's line in a requirements file.
func (w testWheel) pinned() string {
	return w.project + "==" + w.version + " --hash=sha256:" + w.sha256 + "\n"
}

// newWheel makes a wheel; requires are the requirements in its metadata.
func newWheel(t *testing.T, project, version string, requires ...string) testWheel {
	t.Helper()
	info := project + "-" + version + ".dist-info/"
	metadata := "Metadata-Version: 2.1\nName: " + project + "\nVersion: " + version + "\n"
	for _, r := range requires {
		metadata += "Requires-Dist: " + r + "\n"
	}
	entries := []entry{
		{project + ".py", "version = \"" + version + "\"\n"},
		{info + "METADATA", metadata},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range append(entries, entry{info + "RECORD", recordOf(entries) + info + "RECORD,,\n"}) {
		w, err := z.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(out.Bytes())
	return testWheel{project, version, out.Bytes(), hex.EncodeToString(sum[:])}
}

// recordOf are the lines of a RECORD for the files of a wheel.
func recordOf(entries []entry) string {
	var record strings.Builder
	for _, e := range entries {
		sum := sha256.Sum256([]byte(e.data))
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", e.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(e.data))
	}
	return record.String()
}

// indexServer is a package index on loopback, which the containers of the lab's daemons reach. It counts what it is asked.
type indexServer struct {
	*httptest.Server
	wheels    []testWheel
	html      bool     // it speaks HTML only
	user      string   // with it, every request needs one of the passwords
	passwords []string // that are good
	mu        sync.Mutex
	requests  []string
}

// newIndex serves wheels. Options may change the server before it starts.
func newIndex(t *testing.T, wheels []testWheel, options ...func(*indexServer)) *indexServer {
	t.Helper()
	s := &indexServer{wheels: wheels}
	s.Server = httptest.NewUnstartedServer(s)
	start := s.Start
	for _, o := range options {
		o(s)
	}
	if s.TLS != nil {
		start = s.StartTLS
	}
	start()
	t.Cleanup(s.Close)
	return s
}

// simple is the index's address.
func (s *indexServer) simple() string { return s.URL + "/simple/" }

// ServeHTTP answers with pages below /simple/ (PEP 503, PEP 691) and files below /files/.
func (s *indexServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r.URL.Path)
	s.mu.Unlock()
	if s.user != "" {
		user, password, ok := r.BasicAuth()
		if !ok || user != s.user || !slices.Contains(s.passwords, password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="index"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
	}
	if file, ok := strings.CutPrefix(r.URL.Path, "/files/"); ok {
		for _, wheel := range s.wheels {
			if wheel.filename() == file {
				_, _ = w.Write(wheel.data)
				return
			}
		}
	}
	project := path.Base(r.URL.Path)
	type link struct {
		Filename string            `json:"filename"`
		URL      string            `json:"url"`
		Hashes   map[string]string `json:"hashes"`
		Size     int               `json:"size"`
	}
	var links []link
	for _, wheel := range s.wheels {
		if wheel.project == project {
			links = append(links, link{wheel.filename(), "../../files/" + wheel.filename(), map[string]string{"sha256": wheel.sha256}, len(wheel.data)})
		}
	}
	if len(links) == 0 {
		http.NotFound(w, r)
		return
	}
	if s.html || !strings.Contains(r.Header.Get("Accept"), "json") {
		w.Header().Set("Content-Type", "text/html")
		for _, l := range links {
			fmt.Fprintf(w, "<a href=\"%s#sha256=%s\">%s</a><br>\n", l.URL, l.Hashes["sha256"], l.Filename)
		}
		return
	}
	w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
	_ = json.NewEncoder(w).Encode(map[string]any{"meta": map[string]string{"api-version": "1.1"}, "name": project, "files": links})
}

// take returns the pages and the files that were asked for since the last take, each without the path before its name.
func (s *indexServer) take() (pages, files []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		if strings.HasPrefix(r, "/simple/") {
			pages = append(pages, path.Base(r))
		} else {
			files = append(files, path.Base(r))
		}
	}
	s.requests = nil
	slices.Sort(pages)
	slices.Sort(files)
	return pages, files
}
