//go:build integration

package integration

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/klauspost/compress/zstd"
)

// canary begins every secret that is searched for, and is nowhere else. It has characters that are written in another way in addresses.
const canary = "canary+of/this?build"

// needles are the forms in which a secret could have been kept: as it is, as a part of an address, in base64 behind any number of bytes, as in a
// header with a user's name, and in hexadecimal digits.
var needles = func() (forms [][]byte) {
	texts := []string{canary, url.QueryEscape(canary), url.PathEscape(canary), url.UserPassword("", canary).String()[1:], hex.EncodeToString([]byte(canary))}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for before := range 3 {
			text := encoding.EncodeToString(append(make([]byte, before), canary...))
			texts = append(texts, text[(before*8+5)/6:(before+len(canary))*8/6]) // what no neighbour changes
		}
	}
	for _, text := range texts {
		forms = append(forms, []byte(text))
	}
	return forms
}()

// finds are the places in which a canary is.
type finds []string

// search looks into data, and into what is packed in it.
func (f *finds) search(where string, data []byte) {
	for _, needle := range needles {
		if i := bytes.Index(data, needle); i >= 0 {
			*f = append(*f, fmt.Sprintf("%s: %q", where, data[max(0, i-40):min(len(data), i+len(needle)+40)]))
			break
		}
	}
	switch {
	case bytes.HasPrefix(data, []byte("\x1f\x8b")):
		if r, err := gzip.NewReader(bytes.NewReader(data)); err == nil {
			f.unpacked(where+" | gunzip", r)
		}
	case bytes.HasPrefix(data, []byte("\x28\xb5\x2f\xfd")):
		if r, err := zstd.NewReader(bytes.NewReader(data)); err == nil {
			f.unpacked(where+" | unzstd", r)
			r.Close()
		}
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		if z, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err == nil {
			for _, file := range z.File {
				if r, err := file.Open(); err == nil {
					f.unpacked(where+" | unzip "+file.Name, r)
				}
			}
		}
	case len(data) > 512 && bytes.Equal(data[257:262], []byte("ustar")):
		for r := tar.NewReader(bytes.NewReader(data)); ; {
			h, err := r.Next()
			if err != nil {
				return
			}
			if member, err := io.ReadAll(r); err == nil && (bytes.HasPrefix(member, []byte("\x1f\x8b")) || bytes.HasPrefix(member, []byte("PK\x03\x04"))) {
				f.search(where+" | untar "+h.Name, member)
			}
		}
	}
}

// unpacked searches what a reader gives, as far as it goes.
func (f *finds) unpacked(where string, r io.Reader) {
	data, _ := io.ReadAll(r) // a damaged end hides nothing that stands before it
	f.search(where, data)
}

// image searches all that a registry has of an image or a cache: manifests with attestations, configurations, layers.
func (f *finds) image(t *testing.T, image string) {
	t.Helper()
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	top, err := remote.Get(ref)
	if err != nil {
		t.Fatal(err)
	}
	f.search("manifest of "+image, top.Manifest)
	seen := map[string]bool{}
	var follow func(manifest []byte)
	follow = func(manifest []byte) {
		var m struct {
			Manifests, Layers []struct{ MediaType, Digest string }
			Config            struct{ MediaType, Digest string }
		}
		if err := json.Unmarshal(manifest, &m); err != nil {
			t.Fatal(err)
		}
		for _, d := range slices.Concat(m.Manifests, m.Layers, append(m.Manifests[:0:0], m.Config)) {
			if d.Digest == "" || seen[d.Digest] {
				continue
			}
			seen[d.Digest] = true
			where := d.MediaType + " " + d.Digest + " of " + image
			at := ref.Context().Digest(d.Digest)
			if strings.HasSuffix(d.MediaType, "image.manifest.v1+json") || strings.HasSuffix(d.MediaType, "image.index.v1+json") {
				child, err := remote.Get(at)
				if err != nil {
					t.Fatal(err)
				}
				f.search(where, child.Manifest)
				follow(child.Manifest)
				continue
			}
			layer, err := remote.Layer(at)
			if err != nil {
				t.Fatal(err)
			}
			blob, err := layer.Compressed()
			if err != nil {
				t.Fatal(err)
			}
			f.unpacked(where, blob)
			blob.Close()
		}
	}
	follow(top.Manifest)
	if len(seen) < 2 {
		t.Fatalf("%s has %d parts", image, len(seen))
	}
}

// leaksNothing searches a pushed image and the log of its build.
func leaksNothing(t *testing.T, image, log string) {
	t.Helper()
	var found finds
	found.search("log of the build", []byte(log))
	found.image(t, image)
	for _, place := range found {
		t.Error(place)
	}
}

// files searches all files of a directory.
func (f *finds) files(t *testing.T, dir string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		n++
		data, err := os.ReadFile(file)
		f.search(strings.TrimPrefix(file, dir), data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatalf("there are no files in %s", dir)
	}
}

// traced builds on a daemon of the test's own, pushes the image and a cache, and finds canaries in the image with its provenance, the cache,
// all that the daemon keeps and logs, and all that the client prints and writes.
func traced(t *testing.T, dir string, secrets map[string]string, args ...string) (found finds, log string) {
	t.Helper()
	p, out := freshProcess(t, registryHost, func(p *process) { p.server = []string{"--debug"} }), t.TempDir()
	repository := registryHost + newRepository("canary")
	for id, value := range secrets {
		file := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--secret", "id="+id+",src="+file)
	}
	args = append(args, "--opt", "attest:provenance=mode=max", "--export-cache", "type=registry,mode=max,ref="+repository+":cache",
		"--trace", filepath.Join(out, "trace"), "--metadata-file", filepath.Join(out, "metadata"), "--output", "type=image,push=true,name="+repository+":1")
	var err error
	if log, err = p.build(t, dir, args...); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	histories := must(t, ".", "buildctl", "--addr", p.addr, "debug", "histories", "--format", "{{json .}}")
	found.search("log of the build", []byte(log))
	found.search("history", []byte(histories))
	p.end(os.Interrupt) // its databases are whole then
	found.files(t, p.root)
	found.files(t, out)
	daemonLog, err := os.ReadFile(p.root + ".log")
	if err != nil {
		t.Fatal(err)
	}
	found.search("log of the daemon", daemonLog)
	found.image(t, repository+":1")
	found.image(t, repository+":cache")
	return found, log
}

// TestSecretsLeaveNoTrace gives secrets to each kind of step that takes one.
func TestSecretsLeaveNoTrace(t *testing.T) {
	one, two := newWheel(t, "one", "1.0", "two"), newWheel(t, "two", "2.0")
	s := newIndex(t, []testWheel{one, two}, func(s *indexServer) { s.user, s.passwords = "robot", []string{canary + "-index"} })
	secrets := map[string]string{"company": canary + "-index", "hub-token": canary + "-step", "GIT_AUTH_TOKEN": canary + "-git"}
	tables := "[index.company]\nurl = \"" + s.simple() + "\"\nusername = \"robot\"\nsecret = \"company\"\n" +
		"[steps.model]\nrun = [\"sh\", \"-ec\", \"wc -c < /run/secrets/hub-token > size\"]\nsecrets = [\"hub-token\"]\n"
	project := func(t *testing.T, dependency string) string {
		dir := t.TempDir()
		write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\n"+tables)
		write(t, dir, "pyproject.toml", "[project]\nname = \"shop\"\nversion = \"1.0\"\ndependencies = [\""+dependency+"\"]\n"+
			"[build-system]\nrequires = [\"hatchling\", \"two\"]\nbuild-backend = \"hatchling.build\"\n[tool.hatch.metadata]\nallow-direct-references = true\n")
		write(t, dir, "src/shop/__init__.py", "")
		return dir
	}
	for kind, test := range map[string]struct {
		project func(t *testing.T) string
		steps   []string // that must be there, since they get secrets
	}{
		"locked by hashes": {func(t *testing.T) string {
			dir := project(t, "one")
			write(t, dir, "requirements.txt", one.pinned()+two.pinned())
			return dir
		}, []string{"[internal] ask the index for 2 packages", "[dep-builder] fetch one-1.0-py3-none-any.whl", "[app-builder] install", "[final] run step model"}},
		"locked with git": {func(t *testing.T) string {
			dir, folder, _ := privateTools(t, false)
			served(t, dir, serveToken(t, folder, canary+"-git").address)
			return dir
		}, []string{"[dep-builder] fetch greeting"}},
		"resolved": {func(t *testing.T) string { return project(t, "one") }, []string{"[dep-builder] choose versions", "[app-builder] install", "[final] run step model"}},
		"resolved with git": {func(t *testing.T) string {
			_, folder, made := privateTools(t, false)
			return project(t, "greeting @ git+"+serveToken(t, folder, canary+"-git").address+"tools.git@"+made+"#subdirectory=packages/greeting")
		}, []string{"[dep-builder] choose versions", "[dep-builder] fetch greeting"}},
	} {
		t.Run(kind, func(t *testing.T) {
			found, log := traced(t, test.project(t), secrets)
			for _, place := range found {
				t.Error(place)
			}
			for _, want := range test.steps {
				if !strings.Contains(log, " "+want) {
					t.Errorf("%q did not run:\n%s", want, log)
				}
			}
		})
	}
}

// TestALeakedSecretIsFound shows that the search of TestSecretsLeaveNoTrace finds what a step leaks on purpose, in each place and form.
func TestALeakedSecretIsFound(t *testing.T) {
	dir := stepProject(t, `
[steps.leak]
run = ["python", "leak.py"]
secrets = ["hub-token"]
`)
	write(t, dir, "leak.py", `import base64, gzip, urllib.parse, zipfile
secret = open("/run/secrets/hub-token", "rb").read()
print("the token is", secret.decode())
open("plain", "wb").write(b"x" * 5000 + secret)
open("header", "wb").write(b"Basic " + base64.b64encode(b"robot:" + secret))
open("address", "w").write("https://robot:" + urllib.parse.quote(secret, safe="") + "@index.example/")
open("packed.gz", "wb").write(gzip.compress(b"x" + secret))
zipfile.ZipFile("packed.whl", "w", zipfile.ZIP_DEFLATED).writestr("token", secret * 20)
`)
	found, _ := traced(t, dir, map[string]string{"hub-token": canary + "-step"})
	all := strings.Join(found, "\n")
	for _, place := range []string{
		"log of the build: ", "/trace: ", "layer.v1.tar+gzip", "| untar app/packed.gz | gunzip", "| untar app/packed.whl | unzip token",
		"/app/plain: ", "/app/header: ", "/app/address: ", "/app/packed.gz | gunzip: ", "/content/blobs/sha256/",
	} {
		if !strings.Contains(all, place) {
			t.Errorf("not found in %q; found:\n%s", place, all)
		}
	}
}
