//go:build integration

package integration

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// mirror is a company's only host. At /v2/ it has the images of the lab's registry, at /git/ repositories, and at /https/HOST/ and /http/HOST/ what
// another host has: an index, whose pages it makes name itself, and an archive of Debian.
type mirror struct {
	url   string
	other *httputil.ReverseProxy
	git   http.Handler

	mu   sync.Mutex
	seen []string // "GET /path"
}

func newMirror(t *testing.T, e *enclosure, repositories string) *mirror {
	t.Helper()
	m := &mirror{git: &cgi.Handler{Path: filepath.Join(strings.TrimSpace(must(t, ".", "git", "--exec-path")), "git-http-backend"), Root: "/git",
		Env: []string{"GIT_PROJECT_ROOT=" + repositories, "GIT_HTTP_EXPORT_ALL=1"}}}
	m.other = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			parts := strings.SplitN(r.In.URL.Path, "/", 4)
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host, r.Out.URL.Path, r.Out.URL.RawPath = parts[1], parts[2], parts[2], "/"+parts[3], ""
			r.Out.Header.Del("Accept-Encoding") // so that pages come as they are
		},
		ModifyResponse: func(r *http.Response) error {
			if kind := r.Header.Get("Content-Type"); !strings.Contains(kind, "simple") && !strings.Contains(kind, "html") {
				return nil
			}
			page, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			r.Body.Close()
			page = bytes.ReplaceAll(page, []byte("https://"), []byte(m.url+"/https/"))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(page)), int64(len(page))
			r.Header.Set("Content-Length", strconv.Itoa(len(page)))
			return nil
		},
	}
	m.url = e.serve(t, m)
	return m
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.seen = append(m.seen, r.Method+" "+r.URL.Path)
	m.mu.Unlock()
	switch first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); first {
	case "v2":
		registryProxy.ServeHTTP(w, r)
	case "git":
		m.git.ServeHTTP(w, r)
	case "http", "https":
		m.other.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

// take returns the requests since the last take.
func (m *mirror) take() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.seen
	m.seen = nil
	return out
}

// kind is what a mirror is asked for, by what the requests have in common.
type kind struct {
	name string
	is   func(request string) bool
}

var kinds = []kind{
	{"images", func(r string) bool { return strings.Contains(r, " /v2/") }},
	{"git", func(r string) bool { return strings.Contains(r, " /git/tools.git/") }},
	{"pages of the index", func(r string) bool { return strings.Contains(r, "/simple/") }},
	{"files of the index", func(r string) bool {
		return slices.ContainsFunc([]string{".whl", ".metadata", ".tar.gz"}, func(end string) bool { return strings.HasSuffix(r, end) })
	}},
	{"lists of Debian", func(r string) bool { return strings.Contains(r, "/dists/") }},
	{"packages of Debian", func(r string) bool { return strings.HasSuffix(r, ".deb") }},
}

// TestOneMirrorIsEnoughWithoutTheInternet builds where nothing but a mirror is reached, which the base image's apt and pip are configured for.
func TestOneMirrorIsEnoughWithoutTheInternet(t *testing.T) {
	repositories := t.TempDir()
	tools, err := filepath.Abs("testdata/git-dependency")
	if err != nil {
		t.Fatal(err)
	}
	commit(t, tools, filepath.Join(repositories, "tools.git"))
	e := enclose(t)
	m := newMirror(t, e, repositories)
	host := strings.TrimPrefix(m.url, "http://")
	index := strings.TrimSpace(must(t, ".", "python3", "-c", "from pip._internal.commands import create_command; print(create_command('download').parse_args([])[0].index_url)"))
	base := companyBase(t, "test/airgapped:slim", fmt.Sprintf("RUN sed -i -E 's#(https?)://#%s/\\1/#' $(find /etc/apt/sources.list /etc/apt/sources.list.d -type f)\n", m.url)+
		fmt.Sprintf("ENV PIP_INDEX_URL=%s/%s PIP_TRUSTED_HOST=%s\n", m.url, strings.Replace(index, "://", "/", 1), host))
	d := e.daemon(t, host, "")

	dir := t.TempDir()
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\nbase = \""+base+"\"\nbuilder = \""+base+"\"\n[apt]\nrun = [\"acl\"]\nbuild = [\"gcc\", \"libc6-dev\", \"libacl1-dev\"]\n")
	write(t, dir, "pyproject.toml", "[build-system]\nrequires = [\"flit_core\"]\nbuild-backend = \"flit_core.buildapi\"\n[project]\nname = \"rights\"\nversion = \"1.0\"\ndescription = \"Rights of a file.\"\n"+
		"dependencies = [\"markupsafe\", \"pylibacl\"]\n[project.scripts]\nrights = \"rights:main\"\n")
	write(t, dir, "rights.py", "import shutil\nimport markupsafe, posix1e\ndef main():\n    print(markupsafe.escape('<' + str(posix1e.ACL(text='u::rw,g::r,o::-').valid()) + '>'), shutil.which('getfacl'))\n")
	log, err := d.build(t, dir, "--output", "type=image,name="+host+"/test/airgapped:built,push=true")
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, log, strings.Join(m.take(), "\n"))
	}
	seen := m.take()
	if got := run(t, registryHost+"/test/airgapped:built"); got != "&lt;True&gt; /usr/bin/getfacl\n" {
		t.Errorf("the container prints %q", got)
	}

	hall := t.TempDir()
	if err := os.CopyFS(hall, os.DirFS("../examples/git-dependency")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"uv.lock", "pyproject.toml"} {
		write(t, hall, name, strings.ReplaceAll(must(t, hall, "cat", name), "https://git.example/", m.url+"/git/"))
	}
	replace(t, hall, "Pyfile", "python =", "base = \""+base+"\"\npython =")
	if log, err := d.build(t, hall); err != nil {
		t.Errorf("a dependency from git: %v\n%s", err, log)
	}
	seen = append(seen, m.take()...)
	for _, kind := range kinds {
		if !slices.ContainsFunc(seen, kind.is) {
			t.Errorf("the mirror was not asked for %s:\n%s", kind.name, strings.Join(seen, "\n"))
		}
	}
	for _, r := range seen {
		if !slices.ContainsFunc(kinds, func(k kind) bool { return k.is(r) }) {
			t.Errorf("the mirror was asked for %s, which no step needs", r)
		}
	}
	e.checkStrays(t)
}
