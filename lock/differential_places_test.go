//go:build differential

package lock

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// member is the pyproject.toml of a package that can be built.
func member(name, dependencies string) string {
	return fmt.Sprintf("[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n"+
		"[project]\nname = %q\nversion = \"1.0\"\nrequires-python = \">=3.10\"\ndependencies = %s\n", name, dependencies)
}

// sdist is a source archive whose metadata can be read without building it.
func sdist(stem, name string) string {
	return tarGz(map[string]string{
		stem + "/pyproject.toml": member(name, `["h11"]`),
		stem + "/PKG-INFO":       fmt.Sprintf("Metadata-Version: 2.2\nName: %s\nVersion: 1.0\nRequires-Python: >=3.10\nRequires-Dist: h11\n", name),
	})
}

func tarGz(texts map[string]string) string {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	for file, text := range texts {
		if err := files.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: int64(len(text))}); err != nil {
			panic(err)
		}
		if _, err := files.Write([]byte(text)); err != nil {
			panic(err)
		}
	}
	if files.Close() != nil || zipped.Close() != nil {
		panic("a buffer refuses bytes")
	}
	return out.String()
}

// places serves git repositories on loopback and finds files of the index; it puts their addresses into the projects' files.
func places(t *testing.T, bin string) *strings.Replacer {
	t.Helper()
	root := t.TempDir()
	commit := ""
	for name, files := range map[string]map[string]string{
		"top": {"pyproject.toml": member("top", `["idna"]`), "nested/inner/pyproject.toml": member("inner", `["attrs"]`)},
		"tip": {"pyproject.toml": member("tip", `[]`)},
	} {
		work := filepath.Join(t.TempDir(), name)
		for file, text := range files {
			write(t, filepath.Join(work, file), text)
		}
		git := func(args ...string) string {
			return strings.TrimSpace(run(t, work, "", "git", append([]string{"-c", "user.name=test", "-c", "user.email=test@host.example"}, args...)...))
		}
		git("init", "--quiet", "--initial-branch=main")
		git("add", ".")
		git("commit", "--quiet", "--message=one")
		git("tag", "v1")
		if name == "top" {
			commit = git("rev-parse", "HEAD")
		}
		run(t, work, "", "git", "clone", "--quiet", "--bare", work, filepath.Join(root, name+".git"))
	}
	backend := filepath.Join(strings.TrimSpace(run(t, ".", "", "git", "--exec-path")), "git-http-backend")
	server := httptest.NewServer(&cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"}})
	t.Cleanup(server.Close)
	for _, name := range []string{"no_proxy", "NO_PROXY"} {
		t.Setenv(name, strings.TrimPrefix(os.Getenv(name)+",127.0.0.1", ","))
	}

	dir := t.TempDir()
	write(t, filepath.Join(dir, "pyproject.toml"), "[project]\nname = \"first\"\nversion = \"1\"\nrequires-python = \">=3.10\"\ndependencies = [\"idna==3.7\", \"sniffio==1.3.1\"]\n")
	run(t, dir, "", filepath.Join(bin, "uv"), "lock", "--quiet")
	data, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	wheel := regexp.MustCompile(`"(https://[^"]*idna-3\.7-py3[^"]*\.whl)"`).FindSubmatch(data)
	archive := regexp.MustCompile(`"(https://[^"]*sniffio-1\.3\.1\.tar\.gz)"`).FindSubmatch(data)
	if wheel == nil || archive == nil {
		t.Fatalf("no wheel of idna or no sdist of sniffio in\n%s", data)
	}
	return strings.NewReplacer("REPOSITORY", server.URL, "COMMIT", commit, "WHEEL", string(wheel[1]), "SDIST", string(archive[1]))
}
