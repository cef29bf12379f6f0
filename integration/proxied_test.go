//go:build integration

package integration

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// companyBase makes a base image of the slim one, by lines of a Dockerfile, and returns its name.
func companyBase(t *testing.T, name, lines string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "Dockerfile", "FROM python:3.13-slim\n"+lines)
	must(t, dir, "buildctl", "--addr", labDaemon().addr, "build", "--progress", "plain", "--frontend", "dockerfile.v0", "--local", "context=.", "--local", "dockerfile=.",
		"--output", "type=image,name="+registryHost+"/"+name+",push=true")
	return name
}

// registryProxy passes requests to the lab's registry.
var registryProxy = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", registryHost }}

// large is a file that is kept by Git LFS, at an address of its server.
const large, largeAt = "a large file\n", "https://git.example/objects/1"

// largeFiles serves a repository with a Python package that has such a file. It returns where it listens and the commit.
func largeFiles(t *testing.T) (address, commitID string) {
	t.Helper()
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(large)))
	files, root := t.TempDir(), t.TempDir()
	write(t, files, "pyproject.toml", "[build-system]\nrequires = [\"flit_core\"]\nbuild-backend = \"flit_core.buildapi\"\n[project]\nname = \"large\"\nversion = \"1.0\"\ndescription = \"Has a file.\"\n")
	write(t, files, "large/__init__.py", "from pathlib import Path\ntext = (Path(__file__).parent / \"data.bin\").read_text()\n")
	write(t, files, "large/data.bin", fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", id, len(large)))
	write(t, files, ".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
	commit(t, files, filepath.Join(root, "large.git"))
	commitID = strings.TrimSpace(must(t, filepath.Join(root, "large.git"), "git", "rev-parse", "main"))
	mux := http.NewServeMux()
	mux.Handle("/", &cgi.Handler{Path: filepath.Join(strings.TrimSpace(must(t, ".", "git", "--exec-path")), "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"}})
	mux.HandleFunc("POST /large.git/info/lfs/objects/batch", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
		_ = json.NewEncoder(w).Encode(map[string]any{"objects": []any{map[string]any{"oid": id, "size": len(large), "actions": map[string]any{"download": map[string]string{"href": largeAt}}}}})
	})
	mux.HandleFunc("GET /objects/1", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(large)) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), commitID
}

// A project that needs the package of largeFiles, and one whose build fetches something.
const (
	lfsProject = `[project]
name = "app"
version = "1.0"
requires-python = ">=3.13"
dependencies = ["large"]

[tool.uv.sources]
large = { git = "https://git.example/large.git", rev = "main", lfs = true }
`
	lfsLock = `version = 1
revision = 3
requires-python = ">=3.13"

[[package]]
name = "app"
version = "1.0"
source = { virtual = "." }
dependencies = [{ name = "large" }]

[package.metadata]
requires-dist = [{ name = "large", git = "https://git.example/large.git?lfs=true&rev=main" }]

[[package]]
name = "large"
version = "1.0"
source = { git = "https://git.example/large.git?lfs=true&rev=main#COMMIT" }
`
	fetchingProject = `[build-system]
requires = ["flit_core"]
build-backend = "fetching"
backend-path = ["."]

[project]
name = "main"
version = "VERSION"
description = "Is built with a network"
`
	fetchingBackend = `import urllib.request

from flit_core import buildapi
from flit_core.buildapi import *


def build_wheel(*args):
    urllib.request.urlopen("` + largeAt + `").read()
    return buildapi.build_wheel(*args)
`
)

// sdistOnly and sixWheel are files of the public index, by their hashes: a source distribution in pure Python, and a wheel.
const (
	sdistOnly = "docopt==0.6.2 --hash=sha256:49b3a825280bd66b3aa83585ef59c4a8c82f2c8a522dbe754a8bc8d08c85c491\n"
	sixWheel  = "six==1.9.0 --hash=sha256:418a93c397a7edab23e5588dbc067ac74a723edb3d541bd4936f79476e7645da\n"
)

// TestEveryStepWithANetworkGoesThroughAProxyThatInspects builds where nothing but such a proxy is reached, beside a mirror of images.
func TestEveryStepWithANetworkGoesThroughAProxyThatInspects(t *testing.T) {
	base := companyBase(t, "test/inspected:slim", "RUN sed -i 's|http://|https://|' $(find /etc/apt/sources.list /etc/apt/sources.list.d -type f)\n")
	address, commitID := largeFiles(t)
	e := enclose(t)
	p := newInspector(t, e, map[string]string{"git.example": address})
	registry := strings.TrimPrefix(e.serve(t, registryProxy), "http://")
	d := e.daemon(t, registry, p.store, "HTTP_PROXY="+p.url, "HTTPS_PROXY="+p.url, "NO_PROXY="+e.host)
	proxied := []string{"--opt", "build-arg:HTTP_PROXY=" + p.url, "--opt", "build-arg:HTTPS_PROXY=" + p.url, "--opt", "build-arg:NO_PROXY=" + e.host}
	trusting := append(slices.Clone(proxied), "--secret", "id=ca-bundle,src="+p.ca)
	project := func(pyfile string, files ...string) string {
		dir := t.TempDir()
		write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\nbase = \""+base+"\"\ncmd = [\"python\", \"main.py\"]\n"+pyfile)
		write(t, dir, "main.py", "import six, docopt\nprint(six.__version__, docopt.__version__)\n")
		for i := 0; i < len(files); i += 2 {
			write(t, dir, files[i], files[i+1])
		}
		return dir
	}
	open := func(name string) string {
		return "[project]\nname = \"app\"\nversion = \"1.0\"\ndependencies = [\"" + name + "\"]\n"
	}
	download := "[steps.get]\nrun = [\"pip\", \"download\", \"--no-deps\", \"--retries\", \"0\", \"--dest\", \"/tmp/got\", \"%s\"]\nnetwork = true\nuser = \"nobody\"\n"
	withLFS := []string{"pyproject.toml", lfsProject, "uv.lock", strings.Replace(lfsLock, "COMMIT", commitID, 1), "main.py", "import large\nprint(large.text)\n"}
	building := func(version string) string {
		return project("[dependencies]\nallow-network = [\"main\"]\n", "fetching.py", fetchingBackend, "pyproject.toml", strings.Replace(fetchingProject, "VERSION", version, 1))
	}

	// What each build does with a network, as the proxy sees it: who asks, and for what.
	near := fmt.Sprintf("[steps.near]\nrun = [\"python\", \"-c\", \"import urllib.request as u; u.urlopen('http://%s/v2/')\"]\nnetwork = true\n", registry) // in NO_PROXY
	locked := project("[apt]\nrun = [\"libyaml-0-2\"]\n"+fmt.Sprintf(download, "idna")+near, "requirements.txt", sdistOnly+sixWheel)
	for _, tt := range []struct {
		name, dir string
		want      [][2]string
	}{
		{"a lock without addresses", locked, [][2]string{
			{"pyfile ", "/docopt/"}, {"buildkit/", "/six-1.9.0-"}, {"buildkit/", "/docopt-0.6.2.tar.gz"}, {"pip/", "/setuptools/"}, {"pip/", "/idna/"}, {"APT-HTTP/", "/InRelease"},
			{"APT-HTTP/", "/main/binary-"}, {"APT-HTTP/", "/libyaml-0-2_"},
		}},
		{"Git LFS", project("", withLFS...), [][2]string{
			{"git/", "https://git.example/large.git/info/refs"}, {"Go-http-client/", "POST https://git.example/large.git/info/lfs/objects/batch"},
			{"Go-http-client/", "GET https://git.example/objects/"}, {"pip/", "/flit-core/"},
		}},
		{"a build", building("1.0"), [][2]string{{"Python-urllib/", largeAt}}},
	} {
		log, err := d.build(t, tt.dir, append(slices.Clone(trusting), "--output", "type=image,name="+registry+"/test/inspected:"+strings.ReplaceAll(strings.ToLower(tt.name), " ", "-")+",push=true")...)
		seen := p.take()
		if err != nil {
			t.Fatalf("%s: %v\n%s\n%s", tt.name, err, log, strings.Join(seen, "\n"))
		}
		checkSeen(t, tt.name, seen, tt.want)
		if direct := matching(seen, e.host); len(direct) > 0 {
			t.Errorf("%s: a host that NO_PROXY names is asked through the proxy: %q", tt.name, direct)
		}
	}
	if got := run(t, registryHost+"/test/inspected:git-lfs"); got != "a large file\n\n" {
		t.Errorf("the package with a large file prints %q", got)
	}

	// docker takes the proxy from the configuration of the client.
	config := t.TempDir()
	must(t, ".", "cp", "-r", filepath.Join(os.Getenv("DOCKER_CONFIG"), "cli-plugins"), config)
	write(t, config, "config.json", fmt.Sprintf(`{"proxies": {"default": {"httpProxy": %q, "httpsProxy": %q, "noProxy": %q}}}`, p.url, p.url, e.host))
	docker := []string{"DOCKER_CONFIG=" + config, "BUILDX_CONFIG=" + config + "/buildx", "docker", "buildx"}
	must(t, ".", "env", append(docker, "create", "--name", "inside", "--driver", "remote", d.addr)...)
	unlocked := project("", "pyproject.toml", open("six"))
	log, err := command(t, unlocked, "env", append(docker, "build", "--builder", "inside", "--progress", "plain", "--secret", "id=ca-bundle,src="+p.ca, "-f", "Pyfile", ".")...)
	seen := p.take()
	if err != nil {
		t.Fatalf("without a lock: %v\n%s\n%s", err, log, strings.Join(seen, "\n"))
	}
	checkSeen(t, "without a lock", seen, [][2]string{{"pyfile ", "/uv-"}, {"pyfile ", "/simple/six/"}, {"buildkit/", "/six-"}})

	if log, err := d.build(t, locked); err != nil || len(p.take()) > 0 {
		t.Errorf("without the proxy and the secret, of which no key knows, something is fetched again: %v\n%s", err, log)
	}
	log, err = d.build(t, project("[steps.tool]\nrun = [\"jq\", \"--version\"]\n"), trusting...)
	if err == nil || !strings.Contains(log, `add to [steps.tool]: apt = ["jq"]`) {
		t.Errorf("a missing program is not looked up: %v\n%s", err, log)
	}
	checkSeen(t, "a missing program", p.take(), [][2]string{{"APT-HTTP/", "/InRelease"}})

	// Nothing but the certificate is missing. The builds run at the same time, because programs try again for a while.
	var builds sync.WaitGroup
	for name, dir := range map[string]string{
		"a lock without addresses": project("", "requirements.txt", sixWheel+strings.ReplaceAll(sixWheel, "six==1.9.0", "idna==3.9")),
		"without a lock":           project("", "pyproject.toml", open("idna")),
		"build requirements":       project("", "pyproject.toml", "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n[project]\nname = \"main\"\nversion = \"1.0\"\n"),
		"a build":                  building("1.1"),
		"packages":                 project("[apt]\nrun = [\"jq\"]\n"),
		"a step":                   project(fmt.Sprintf(download, "six")),
		"Git LFS":                  project("", withLFS...),
	} {
		args := slices.Clone(proxied)
		if name == "Git LFS" {
			args = append(args, "--no-cache")
		}
		builds.Go(func() {
			log, err := d.build(t, dir, args...)
			if err == nil || !strings.Contains(log, "--secret id=ca-bundle,src=") {
				t.Errorf("%s: without the certificate of the proxy: %v\n%s", name, err, report(log))
			}
		})
	}
	builds.Wait()
	e.checkStrays(t)
}

// checkSeen compares the requests of a build with those that it must have made: pairs of the client, and of what stands in the request.
func checkSeen(t *testing.T, what string, seen []string, want [][2]string) {
	t.Helper()
	for _, w := range want {
		if !slices.ContainsFunc(seen, func(r string) bool { return strings.Contains(r, w[0]) && strings.Contains(r, w[1]) }) {
			t.Errorf("%s: no request of %s for %s passed the proxy:\n%s", what, w[0], w[1], strings.Join(seen, "\n"))
		}
	}
}
