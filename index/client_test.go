package index

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const good = `{"meta":{"api-version":"1.0"},"files":[{"filename":"demo-1.whl","url":"demo-1.whl","hashes":{}}]}`

func TestTransientTroubleIsRetried(t *testing.T) {
	cut := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, good[:20])
	}
	for _, tt := range []struct {
		name  string
		bad   func(http.ResponseWriter)
		fails string // the reason, when it never gets better
	}{
		{"500", func(w http.ResponseWriter) { w.WriteHeader(500) }, "it answers 500 Internal Server Error (5 attempts)"},
		{"503", func(w http.ResponseWriter) { w.WriteHeader(503); fmt.Fprint(w, "hunter2") }, "it answers 503 Service Unavailable (5 attempts)"},
		{"429", func(w http.ResponseWriter) { w.WriteHeader(429) }, "it answers 429 Too Many Requests (5 attempts)"},
		{"cut", cut, "the answer is cut off (5 attempts)"},
		{"html as json", func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") }, "the answer is not the JSON of the simple API: invalid character '<' looking for beginning of value (5 attempts)"},
		{"half json", func(w http.ResponseWriter) { fmt.Fprint(w, good[:50]) }, "the answer is not the JSON of the simple API: unexpected end of JSON input (5 attempts)"},
		{"login page", func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/plain"); fmt.Fprint(w, "log in") }, "the answer is text/plain and neither JSON nor HTML (5 attempts)"},
		{"bad gzip", func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "gzip"); fmt.Fprint(w, good) }, "the answer broke off: gzip: invalid header (5 attempts)"},
		{"reset", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "EOF (5 attempts)"},
	} {
		for _, times := range []int{1, 4, 5} {
			main := newServer(t, (*httptest.Server).Start)
			left := atomic.Int32{}
			left.Store(int32(times))
			main.mux.HandleFunc("/simple/demo/", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", jsonType)
				if left.Add(-1) >= 0 {
					tt.bad(w)
					return
				}
				fmt.Fprint(w, good)
			})
			s := newStep(t, nil, Settings{Default: main.URL + "/simple"}, wants("demo", File{Name: "demo-1.whl"}), nil)
			answer, err := s.run(t)
			pauses := []time.Duration{time.Second / 2, time.Second, 2 * time.Second, 4 * time.Second}[:min(times, 4)]
			if !slices.Equal(s.pauses, pauses) {
				t.Errorf("%s: waited %v, want %v", tt.name, s.pauses, pauses)
			}
			if times < 5 {
				if err != nil || len(answer.Packages[0].Files) != 1 {
					t.Errorf("%s, %d times: %+v, %v", tt.name, times, answer, err)
				}
				continue
			}
			if want := "demo cannot be looked up at " + main.URL + "/simple: " + tt.fails; err == nil || err.Error() != want {
				t.Errorf("%s: %v\nwant %s", tt.name, err, want)
			}
		}
	}
}

func TestFinalTroubleIsNotRetried(t *testing.T) {
	for _, tt := range []struct {
		name string
		bad  http.HandlerFunc
		want string
	}{
		{"400", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400) }, "it answers 400 Bad Request"},
		{"version", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", jsonType)
			fmt.Fprint(w, `{"meta":{"api-version":"3.1"},"files":[]}`)
		}, `the index speaks version "3.1" of the simple API, and only 1.x is known`},
		{"loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/simple/demo/", http.StatusFound) }, "it redirects more than 10 times"},
		{"nowhere", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
		}, "it redirects to an address that is neither http nor https"},
		{"401", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401); fmt.Fprint(w, "hunter2") },
			"it answers 401 Unauthorized\n\thint: if it needs a login, write an [index.NAME] table with its url and secret = \"my-index\", and build with --secret id=my-index,env=MY_INDEX"},
		{"403", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) },
			"it answers 403 Forbidden\n\thint: if it needs a login, write an [index.NAME] table with its url and secret = \"my-index\", and build with --secret id=my-index,env=MY_INDEX"},
		{"big", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			zeros := make([]byte, 1<<20)
			for range largestPage>>20 + 1 {
				if _, err := z.Write(zeros); err != nil {
					return
				}
			}
			z.Close()
		}, "the answer has more than 64 MiB"},
	} {
		main := newServer(t, (*httptest.Server).Start)
		main.mux.HandleFunc("/simple/demo/", tt.bad)
		s := newStep(t, nil, Settings{Default: main.URL + "/simple"}, wants("demo", File{Name: "demo-1.whl"}), nil)
		_, err := s.run(t)
		if want := "demo cannot be looked up at " + main.URL + "/simple: " + tt.want; err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", tt.name, err, want)
		}
		if len(s.pauses) > 0 {
			t.Errorf("%s: tried again", tt.name)
		}
	}
}

func TestRetryAfterIsObeyedWithinBounds(t *testing.T) {
	for _, tt := range []struct {
		header, date string
		want         time.Duration
	}{
		{"7", "", 7 * time.Second},
		{"86400", "", longestPause},
		{"-5", "", firstPause},
		{"soon", "", firstPause},
		{"Mon, 02 Jan 2006 15:04:15 GMT", "Mon, 02 Jan 2006 15:04:05 GMT", 10 * time.Second},
		{"Mon, 02 Jan 2036 15:04:15 GMT", "Mon, 02 Jan 2006 15:04:05 GMT", longestPause},
		{"Mon, 02 Jan 2006 15:04:15 GMT", "Mon, 02 Jan 2016 15:04:05 GMT", firstPause},
	} {
		main := newServer(t, (*httptest.Server).Start)
		main.mux.HandleFunc("/simple/demo/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", jsonType)
			if main.count("/simple/demo/") == 1 {
				w.Header().Set("Retry-After", tt.header)
				if tt.date != "" {
					w.Header().Set("Date", tt.date)
				}
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			fmt.Fprint(w, good)
		})
		s := newStep(t, nil, Settings{Default: main.URL + "/simple"}, wants("demo", File{Name: "demo-1.whl"}), nil)
		if _, err := s.run(t); err != nil || !slices.Equal(s.pauses, []time.Duration{tt.want}) {
			t.Errorf("%q: %v, %v", tt.header, s.pauses, err)
		}
	}
}

func TestRedirectsAreFollowedAndLinksAreRelativeToTheirEnd(t *testing.T) {
	main, other := newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start)
	main.mux.HandleFunc("/simple/demo/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", strings.Replace(other.URL, "http://", "http://bob:hunter2@", 1)+"/mirror/demo/?token=hunter2&name=a b") // servers refuse a request line with a blank
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	other.page("/mirror/demo/", File{Name: "demo-1.whl", URL: "../files/demo-1.whl"})
	q := wants("demo", File{Name: "demo-1.whl"})
	q.Indexes = []Source{{Name: "default", Username: "bob", Secret: "pw"}}
	answer, err := newStep(t, nil, Settings{Default: main.URL + "/simple"}, q, map[string]string{"pw": "hunter2"}).run(t)
	if err != nil {
		t.Fatal(err)
	}
	if f := answer.Packages[0].Files; len(f) != 1 || f[0].URL != other.URL+"/mirror/files/demo-1.whl" || f[0].Secret != "" {
		t.Errorf("%+v", f)
	}
	if a := main.authorization("/simple/demo/"); a != basic("bob", "hunter2") {
		t.Errorf("the index got %q", a)
	}
	if a := other.authorization("/mirror/demo/"); a != "" {
		t.Errorf("another origin got %q", a)
	}
}

func TestLoginsAreSentAndExplained(t *testing.T) {
	main := newServer(t, (*httptest.Server).Start)
	main.mux.HandleFunc("/simple/demo/", func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "bob" || password != "hunter2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", jsonType)
		fmt.Fprint(w, pageJSON(File{Name: "demo-1.whl", URL: "/files/demo-1.whl?token=hunter2"}))
	})
	at := "demo cannot be looked up at " + main.URL + "/simple/: "
	for _, tt := range []struct {
		name    string
		source  Source
		index   string
		secrets map[string]string
		want    string
	}{
		{"a login", Source{Name: "company", URL: main.URL + "/simple/", Username: "bob", Secret: "pw"}, "", map[string]string{"pw": "hunter2"}, ""},
		{"a login for an index of the lock", Source{Name: "company", URL: main.URL + "/other/", Secret: "pw"}, main.URL + "/simple/", map[string]string{"pw": "bob:hunter2"}, ""},
		{"no secret", Source{Name: "company", URL: main.URL + "/simple/", Username: "bob", Secret: "pw"}, "", nil,
			at + "the index company needs the build secret pw, which the build was not given\n\thint: build with --secret id=pw,env=PW"},
		{"a wrong secret", Source{Name: "company", URL: main.URL + "/simple/", Username: "bob", Secret: "pw"}, "", map[string]string{"pw": "hunter2x"},
			at + "it answers 401 Unauthorized to the login with the build secret pw\n\thint: the secret must hold a password, a token, user:password, or a netrc file; the user name is bob"},
		{"a token where a user is wanted", Source{Name: "company", URL: main.URL + "/simple/", Secret: "pw"}, "", map[string]string{"pw": "hunter2"},
			at + "it answers 401 Unauthorized to the login with the build secret pw\n\thint: the secret must hold a password, a token, user:password, or a netrc file; an index that wants a user name gets it with username in [index.company]"},
		{"no login at all", Source{Name: "company", URL: main.URL + "/simple/"}, "", nil,
			at + "it answers 401 Unauthorized\n\thint: if it needs a login, write an [index.NAME] table with its url and secret = \"my-index\", and build with --secret id=my-index,env=MY_INDEX"},
	} {
		q := wants("demo", File{Name: "demo-1.whl"})
		q.Indexes = []Source{tt.source}
		if tt.index != "" {
			q.Packages[0].Indexes = []string{tt.index}
		}
		answer, err := newStep(t, nil, Settings{}, q, tt.secrets).run(t)
		if tt.want != "" {
			if err == nil || err.Error() != tt.want {
				t.Errorf("%s: %v\nwant %s", tt.name, err, tt.want)
			}
			checkHidden(t, strings.ReplaceAll(fmt.Sprint(err), "user:password", ""))
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if f := answer.Packages[0].Files; len(f) != 1 || f[0].Secret != "pw" {
			t.Errorf("%s: %+v", tt.name, f)
		}
	}
}

func TestCertificatesAreChecked(t *testing.T) {
	secure := newServer(t, (*httptest.Server).StartTLS)
	secure.page("/simple/demo/", File{Name: "demo-1.whl", URL: "x"})
	bundle := filepath.Join(t.TempDir(), "company-ca")
	if err := os.WriteFile(bundle, certificate(secure.Server), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		authority *httptest.Server
		file      string
		trusted   []string
		want      string
	}{
		{name: "in the image", authority: secure.Server},
		{name: "in the secret", file: bundle},
		{name: "in neither", file: bundle + "-absent", want: "its certificate cannot be verified: x509: certificate signed by unknown authority" +
			"\n\thint: build with --secret id=ca-bundle,src=FILE, a file with the certificate of the authority that signed it, as that of your proxy"},
		{name: "trusted host", trusted: []string{"127.0.0.1"}},
		{name: "trusted host and port", trusted: []string{secure.Listener.Addr().String()}},
		{name: "another host is trusted", trusted: []string{"127.0.0.1:1"}, want: "its certificate cannot be verified: x509: certificate signed by unknown authority" +
			"\n\thint: build with --secret id=ca-bundle,src=FILE, a file with the certificate of the authority that signed it, as that of your proxy"},
	} {
		s := newStep(t, tt.authority, Settings{Default: secure.URL + "/simple", Trusted: tt.trusted}, wants("demo", File{Name: "demo-1.whl"}), nil)
		s.CA = tt.file
		_, err := s.run(t)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != "demo cannot be looked up at "+secure.URL+"/simple: "+tt.want) {
			t.Errorf("%s: %v\nwant %s", tt.name, err, tt.want)
		}
		if len(s.pauses) > 0 {
			t.Errorf("%s: tried again", tt.name)
		}
	}
	if err := os.WriteFile(bundle, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStep(t, nil, Settings{Default: secure.URL}, wants("demo"), nil)
	s.CA = bundle
	if _, _, err := open(s.LookupOptions); err == nil || err.Error() != "the build secret company-ca must be a bundle of certificates in PEM form, and holds none" {
		t.Error(err)
	}
}

// A server that is away costs one package its attempts, and not all of them.
func TestADeadIndexIsGivenUpOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	l.Close()
	var q Query
	for i := range 100 {
		q.Packages = append(q.Packages, Package{Name: fmt.Sprintf("demo-%02d", i), Files: []File{{SHA256: sumA}}})
	}
	s := newStep(t, nil, Settings{Default: address}, q, nil)
	_, err = s.run(t)
	want := "demo-00, demo-01, demo-02, demo-03, demo-04 and 95 more cannot be looked up at " + address + ": dial tcp " + l.Addr().String() + ": connect: connection refused (5 attempts)\n\thint: " + unreachedHint
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	if len(s.pauses) > parallel*(attempts-1) {
		t.Errorf("waited %d times", len(s.pauses))
	}
}

func TestASilentServerIsLeft(t *testing.T) {
	release := make(chan struct{})
	main := newServer(t, (*httptest.Server).Start)
	defer close(release)
	main.mux.HandleFunc("/simple/silent/", func(http.ResponseWriter, *http.Request) { <-release })
	main.mux.HandleFunc("/simple/stuck/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, good[:20])
		w.(http.Flusher).Flush()
		<-release
	})
	for name, want := range map[string]string{"silent": "no answer in 50ms (5 attempts)", "stuck": "the server stopped sending for 50ms (5 attempts)"} {
		q, l := newStep(t, nil, Settings{Default: main.URL + "/simple"}, wants(name, File{SHA256: sumA}), nil).lookup(t)
		l.client.timeout = 50 * time.Millisecond
		l.client.checked = transport(nil, l.client.timeout)
		_, err := l.run(t.Context(), q.Packages)
		if want := name + " cannot be looked up at " + main.URL + "/simple: " + want; err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

func TestACancelledLookupEndsAndLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	started, release := make(chan struct{}, 100), make(chan struct{})
	main := newServer(t, (*httptest.Server).Start)
	main.mux.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) {
		started <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	var q Query
	for i := range 100 {
		q.Packages = append(q.Packages, Package{Name: fmt.Sprintf("demo-%02d", i), Files: []File{{SHA256: sumA}}})
	}
	s := newStep(t, nil, Settings{Default: main.URL}, q, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	if err := Lookup(ctx, s.LookupOptions); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := os.Stat(s.Out); !os.IsNotExist(err) {
		t.Error("an output directory is left")
	}
	close(release)
	main.Close()
	for i := 0; runtime.NumGoroutine() > before; i++ {
		if i == 500 {
			buf := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestRequestsAreParallelOverHTTP2(t *testing.T) {
	var now, most, two atomic.Int32
	secure := newServer(t, func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.StartTLS()
	})
	both := make(chan struct{})
	secure.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 {
			two.Add(1)
		}
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == 2 && !isClosed(both) {
			close(both)
		}
		<-both // no request ends before two are there
		w.Header().Set("Content-Type", jsonType)
		fmt.Fprint(w, pageJSON(File{Name: "x.whl", URL: "x", SHA256: sumA}))
	})
	var q Query
	for i := range 60 {
		q.Packages = append(q.Packages, Package{Name: fmt.Sprintf("demo-%02d", i), Files: []File{{SHA256: sumA}}})
	}
	if _, err := newStep(t, secure.Server, Settings{Default: secure.URL}, q, nil).run(t); err != nil {
		t.Fatal(err)
	}
	if two.Load() != 60 || most.Load() > parallel {
		t.Errorf("%d of 60 requests by HTTP/2, %d at once", two.Load(), most.Load())
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
