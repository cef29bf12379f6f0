package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/org/pyfile/remote"
)

// lfsServer is a server of repositories with the batch API of Git LFS.
type lfsServer struct {
	*httptest.Server
	objects   map[string]string // by id
	login     string            // what Authorization must be, if not empty
	elsewhere string            // another server, which has the objects
	damaged   bool
	failures  int // answers of 503 that come first

	mutex    sync.Mutex
	requests []string // method, path and whether there was an Authorization
	batches  []int    // sizes
}

func objectID(content string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(content))) }

func newLFSServer(t *testing.T, contents ...string) *lfsServer {
	s := &lfsServer{objects: map[string]string{}}
	for _, c := range contents {
		s.objects[objectID(c)] = c
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *lfsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	authorization := r.Header.Get("Authorization")
	s.requests = append(s.requests, fmt.Sprint(r.Method, " ", r.URL.Path, " ", authorization != ""))
	if s.failures > 0 {
		s.failures--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if s.login != "" && authorization != s.login {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if id, ok := strings.CutPrefix(r.URL.Path, "/objects/"); ok {
		if r.Header.Get("X-Object") != id {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		content := s.objects[id]
		if s.damaged {
			content = strings.ToUpper(content)
		}
		fmt.Fprint(w, content)
		return
	}
	if r.URL.Path != "/group/demo.git/info/lfs/objects/batch" || r.Method != http.MethodPost ||
		r.Header.Get("Accept") != lfsMediaType || r.Header.Get("Content-Type") != lfsMediaType {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var question struct {
		Operation string   `json:"operation"`
		Transfers []string `json:"transfers"`
		HashAlgo  string   `json:"hash_algo"`
		Objects   []struct {
			ID   string `json:"oid"`
			Size int    `json:"size"`
		} `json:"objects"`
	}
	if err := json.NewDecoder(r.Body).Decode(&question); err != nil || question.Operation != "download" || question.HashAlgo != "sha256" || !slices.Equal(question.Transfers, []string{"basic"}) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	s.batches = append(s.batches, len(question.Objects))
	var objects []map[string]any
	for _, o := range question.Objects {
		answer := map[string]any{"oid": o.ID, "size": o.Size}
		base := s.elsewhere
		if base == "" {
			base = s.URL
		}
		if content, ok := s.objects[o.ID]; !ok || len(content) != o.Size {
			answer["error"] = map[string]any{"code": 404, "message": "Object does not exist\x1b[31m"}
		} else {
			answer["actions"] = map[string]any{"download": map[string]any{"href": base + "/objects/" + o.ID, "header": map[string]string{"X-Object": o.ID}, "expires_in": 3600}}
		}
		objects = append(objects, answer)
	}
	w.Header().Set("Content-Type", lfsMediaType)
	_ = json.NewEncoder(w).Encode(map[string]any{"transfer": "basic", "objects": objects})
}

// pointed is a source with pointers to contents, by path.
func pointed(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := source(t, "-- setup.py --\n"+legacy+"-- .gitattributes --\n*.bin filter=lfs\n")
	for name, content := range files {
		writeFile(t, filepath.Join(dir, name), []byte(pointerText(objectID(content), fmt.Sprint(len(content)))))
	}
	return dir
}

func TestPointersBecomeTheirObjects(t *testing.T) {
	big := strings.Repeat("weights ", 100000)
	s := newLFSServer(t, big, "small", "")
	s.login = "Basic eC1hY2Nlc3MtdG9rZW46czNjcmV0" // x-access-token:s3cret
	s.failures = 1
	dir := pointed(t, map[string]string{"a/model.bin": big, "b.bin": "small", "copy.bin": "small"})
	if err := os.Chmod(filepath.Join(dir, "copy.bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("b.bin", filepath.Join(dir, "link.bin")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, ".git/objects/x"), []byte(pointerText(objectID("other"), "5")))
	before := tree(t, dir)
	out := filepath.Join(t.TempDir(), "out")
	secrets := t.TempDir()
	writeFile(t, filepath.Join(secrets, remote.TokenSecret), []byte("s3cret\n"))
	if err := LFS(context.Background(), LFSOptions{Out: out, Source: dir, URL: s.URL + "/group/demo", Secrets: secrets}); err != nil {
		t.Fatal(err)
	}
	listing(t, out) // has the times and modes
	for name, want := range map[string]string{"a/model.bin": big, "b.bin": "small", "copy.bin": "small", "link.bin": "small", "setup.py": legacy, ".git/objects/x": pointerText(objectID("other"), "5")} {
		if read(t, out, name) != want {
			t.Errorf("%s is %.100q", name, read(t, out, name))
		}
	}
	if info, err := os.Stat(filepath.Join(out, "copy.bin")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("copy.bin has lost its mode: %v", err)
	}
	if tree(t, dir) != before {
		t.Error("the source changed")
	}
	if want := []int{2}; !slices.Equal(s.batches, want) || len(s.requests) != 4 {
		t.Errorf("the batches are %v and the requests %q", s.batches, s.requests)
	}
}

// tree is a listing without a look at times and modes.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	if err := walk(dir, func(name string, _ os.DirEntry) error {
		fmt.Fprintf(&b, "%s %x\n", name, sha256.Sum256([]byte(read(t, dir, name))))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestASourceWithoutPointersAsksNobody(t *testing.T) {
	s := newLFSServer(t)
	out := filepath.Join(t.TempDir(), "out")
	if err := LFS(context.Background(), LFSOptions{Out: out, Source: pointed(t, nil), URL: s.URL + "/group/demo.git"}); err != nil {
		t.Fatal(err)
	}
	if len(s.requests) > 0 || read(t, out, "setup.py") != legacy {
		t.Errorf("the requests are %q", s.requests)
	}
}

func TestManyObjectsAreAskedForInBatches(t *testing.T) {
	files := map[string]string{}
	var all []string
	for i := range 205 {
		files[fmt.Sprintf("%03d.bin", i)] = fmt.Sprint("object ", i)
		all = append(all, fmt.Sprint("object ", i))
	}
	s := newLFSServer(t, all...)
	out := filepath.Join(t.TempDir(), "out")
	if err := LFS(context.Background(), LFSOptions{Out: out, Source: pointed(t, files), URL: s.URL + "/group/demo.git"}); err != nil {
		t.Fatal(err)
	}
	if want := []int{100, 100, 5}; !slices.Equal(s.batches, want) {
		t.Errorf("the batches are %v", s.batches)
	}
	for name, content := range files {
		if read(t, out, name) != content {
			t.Errorf("%s is another", name)
		}
	}
}

func TestCredentialsStayAtTheirOrigin(t *testing.T) {
	secrets := t.TempDir()
	writeFile(t, filepath.Join(secrets, remote.HeaderSecret), []byte("Bearer abc"))
	other := newLFSServer(t, "object")
	s := newLFSServer(t, "object")
	s.login, s.elsewhere = "Bearer abc", other.URL
	out := filepath.Join(t.TempDir(), "out")
	if err := LFS(context.Background(), LFSOptions{Out: out, Source: pointed(t, map[string]string{"x.bin": "object"}), URL: s.URL + "/group/demo.git/", Secrets: secrets}); err != nil {
		t.Fatal(err)
	}
	if want := "[POST /group/demo.git/info/lfs/objects/batch true] [GET /objects/" + objectID("object") + " false]"; fmt.Sprint(s.requests, " ", other.requests) != want {
		t.Errorf("the requests are %q and %q", s.requests, other.requests)
	}
	// .lfsconfig is the source's, so it must not lead the credentials elsewhere.
	other.requests = nil
	dir := pointed(t, map[string]string{"x.bin": "object"})
	writeFile(t, filepath.Join(dir, ".lfsconfig"), []byte("[lfs]\n\turl = "+other.URL+"/group/demo.git/info/lfs\n"))
	out = filepath.Join(t.TempDir(), "out")
	if err := LFS(context.Background(), LFSOptions{Out: out, Source: dir, URL: s.URL + "/group/demo.git", Secrets: secrets}); err != nil {
		t.Fatal(err)
	}
	if want := "[POST /group/demo.git/info/lfs/objects/batch false GET /objects/" + objectID("object") + " false]"; fmt.Sprint(other.requests) != want {
		t.Errorf("the requests are %q", other.requests)
	}
}

func TestObjectsThatCannotBeHadAreTold(t *testing.T) {
	host := regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)
	id := objectID("object")
	for _, tt := range []struct {
		promise string
		change  func(s *lfsServer, o *LFSOptions, dir string)
		want    string
	}{
		{"ssh", func(_ *lfsServer, o *LFSOptions, _ string) { o.URL = "ssh://git:pass@git.example/group/demo.git" },
			"objects of Git LFS can be downloaded by https only, not from ssh://git.example/group/demo.git: write the address of the repository as https://HOST/PATH"},
		{"scp", func(_ *lfsServer, o *LFSOptions, _ string) { o.URL = "git@git.example:group/demo.git" },
			"objects of Git LFS can be downloaded by https only, not from this one: write the address of the repository as https://HOST/PATH"},
		{"ssh of the source", func(_ *lfsServer, _ *LFSOptions, dir string) {
			_ = os.WriteFile(filepath.Join(dir, ".lfsconfig"), []byte("[lfs]\nurl = ssh://git.example/x\n"), 0o644)
		}, ".lfsconfig: objects of Git LFS can be downloaded by https only, not from ssh://git.example/x: write the address of the repository as https://HOST/PATH"},
		{"absent object", func(s *lfsServer, _ *LFSOptions, _ string) { s.objects = nil },
			"the server of Git LFS at HOST does not give the object " + id + ": 404 Object does not exist [31m"},
		{"damaged object", func(s *lfsServer, _ *LFSOptions, _ string) { s.damaged = true },
			"x.bin: the object " + id + " is not what the server of Git LFS sent: size or sha256 differ"},
		{"no token", func(s *lfsServer, _ *LFSOptions, _ string) { s.login = "Bearer abc" },
			"the server of Git LFS at HOST answers 401 Unauthorized: it needs a token, or the one given is not for this repository"},
		{"no server", func(_ *lfsServer, o *LFSOptions, _ string) { o.URL = strings.Replace(o.URL, "/group", "/other", 1) },
			"the server of Git LFS at HOST answers 404 Not Found: the repository is not there, or needs a token"},
		{"always busy", func(s *lfsServer, _ *LFSOptions, _ string) { s.failures = 100 }, "the server of Git LFS at HOST answers 503 Service Unavailable"},
		{"strange pointer", func(_ *lfsServer, _ *LFSOptions, dir string) {
			_ = os.WriteFile(filepath.Join(dir, "x.bin"), []byte(pointerPrefix+"oid md5:12\nsize 3\n"), 0o644)
		}, `x.bin: the Git LFS pointer has the oid "md5:12", and only sha256 is supported`},
		{"pointer with an extension", func(_ *lfsServer, _ *LFSOptions, dir string) {
			_ = os.WriteFile(filepath.Join(dir, "x.bin"), []byte(pointerPrefix+"ext-0-foo sha256:12\noid sha256:"+id+"\nsize 3\n"), 0o644)
		}, `x.bin: the Git LFS pointer needs the extension ext-0-foo, which is not supported`},
		{"half a pointer", func(_ *lfsServer, _ *LFSOptions, dir string) {
			_ = os.WriteFile(filepath.Join(dir, "x.bin"), []byte(pointerPrefix+"oid sha256:"+id+"\n"), 0o644)
		}, `x.bin: the Git LFS pointer has no oid or no size`},
		{"token of two lines", func(_ *lfsServer, o *LFSOptions, dir string) {
			o.Secrets = filepath.Join(dir, "..")
			_ = os.WriteFile(filepath.Join(o.Secrets, remote.TokenSecret), []byte("a\nX-Header: b\n"), 0o644)
		}, "the build secret GIT_AUTH_TOKEN must be one line"},
	} {
		t.Run(tt.promise, func(t *testing.T) {
			s := newLFSServer(t, "object")
			dir := pointed(t, map[string]string{"x.bin": "object"})
			o := LFSOptions{Out: filepath.Join(t.TempDir(), "out"), Source: dir, URL: s.URL + "/group/demo.git"}
			tt.change(s, &o, dir)
			err := LFS(context.Background(), o)
			if got := host.ReplaceAllString(errText(err), "HOST"); got != tt.want {
				t.Errorf("got the error %q, want %q", got, tt.want)
			}
			if _, err := os.Lstat(o.Out); !os.IsNotExist(err) {
				t.Errorf("left: %q", entries(t, o.Out))
			}
		})
	}
}

// FuzzPointer reads arbitrary pointers, and writes one of what it read that is read the same.
func FuzzPointer(f *testing.F) {
	f.Add([]byte(pointerText(objectID("x"), "1")))
	f.Add([]byte(pointerPrefix + "ext-0-foo sha256:12\noid sha256:" + objectID("x") + "\nsize -3\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		name := writeFile(t, filepath.Join(t.TempDir(), "x"), data)
		p, err := readPointer(name)
		if err != nil {
			return
		}
		again, err := readPointer(writeFile(t, name, []byte(pointerText(p.id, fmt.Sprint(p.size)))))
		if err != nil || again != p {
			t.Errorf("%+v became %+v: %v", p, again, err)
		}
		if strings.ContainsAny(p.id, "/.") {
			t.Errorf("the id is %q", p.id)
		}
		if p.check(new(bytes.Buffer), bytes.NewReader(data)) == nil && objectID(string(data)) != p.id {
			t.Error("another object passes")
		}
	})
}
