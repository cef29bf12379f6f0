//go:build integration

package integration

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// pushBases pushes the images that the wrong projects name as their base. Nothing runs in them.
func pushBases(t *testing.T) {
	t.Helper()
	passwd := "root:x:0:0:root:/root:/bin/sh\n"
	debian := map[string]string{"etc/passwd": passwd, "var/lib/dpkg/status": "Package: libc6\nStatus: install ok installed\nVersion: 2.41-12\n"}
	python := maps.Clone(debian)
	python["usr/local/bin/python3.13"], python["usr/local/lib/python3.13/os.py"] = "", ""
	for _, base := range []struct {
		name, architecture string
		env                []string
		files              map[string]string
	}{
		{"nopython", "amd64", nil, debian},
		{"nolibc", "amd64", []string{"PYTHON_VERSION=3.13.5"}, map[string]string{"etc/passwd": passwd, "var/empty": ""}},
		{"python312", "amd64", []string{"PYTHON_VERSION=3.12.9"}, debian},
		{"single", "amd64", []string{"PYTHON_VERSION=3.13.5"}, debian},
		{"arm64", "arm64", []string{"PYTHON_VERSION=3.13.5"}, python},
	} {
		var content bytes.Buffer
		w := tar.NewWriter(&content)
		for _, name := range slices.Sorted(maps.Keys(base.files)) {
			data := base.files[name]
			if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, data); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil })
		if err != nil {
			t.Fatal(err)
		}
		img, err := mutate.AppendLayers(empty.Image, layer)
		if err != nil {
			t.Fatal(err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		config = config.DeepCopy()
		config.OS, config.Architecture, config.Config = "linux", base.architecture, v1.Config{Env: base.env}
		if img, err = mutate.ConfigFile(img, config); err != nil {
			t.Fatal(err)
		}
		ref, err := name.ParseReference(registryHost+"/test/"+base.name+":1", name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		if base.name == "single" {
			if err := remote.Write(ref, img, remote.WithAuth(authn.Anonymous)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		// An index, as official images have one, so that a platform can be missing.
		index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
			Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: base.architecture}},
		})
		if err := remote.WriteIndex(ref, index, remote.WithAuth(authn.Anonymous)); err != nil {
			t.Fatal(err)
		}
	}
}

// entry is a file of a wheel.
type entry struct{ name, data string }

// demoWheel makes the wheel of a package demo 1.0. listed is what RECORD claims of a file, given its data.
func demoWheel(t *testing.T, listed func(e entry) string, more ...entry) []byte {
	t.Helper()
	entries := append([]entry{
		{"demo/__init__.py", "answer = 42\n"},
		{"demo-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"},
		{"demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
	}, more...)
	var record strings.Builder
	for _, e := range entries {
		data := listed(e)
		sum := sha256.Sum256([]byte(data))
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", e.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(data))
	}
	record.WriteString("demo-1.0.dist-info/RECORD,,\n")
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range append(entries, entry{"demo-1.0.dist-info/RECORD", record.String()}) {
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
	return out.Bytes()
}

// serveWheels serves wheels of demo 1.0 below /sound, /lies and so on. It returns what the projects write for the server's address and
// for the hash of each wheel, with what stands for it.
func serveWheels(t *testing.T) (replace []string) {
	t.Helper()
	truth := func(e entry) string { return e.data }
	wheels := map[string][]byte{
		"sound": demoWheel(t, truth),
		// Its RECORD has the hash of another text of the same length.
		"lies": demoWheel(t, func(e entry) string { return strings.Replace(e.data, "42", "41", 1) }),
		// One of its files would be written outside of site-packages.
		"leaves":  demoWheel(t, truth, entry{"../../../../../etc/profile.d/demo.sh", "echo\n"}),
		"damaged": demoWheel(t, truth)[:200],
	}
	mux := http.NewServeMux()
	for name, data := range wheels {
		mux.HandleFunc("/"+name+"/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })
		sum := sha256.Sum256(data)
		replace = append(replace, "SHA256-OF-"+name, hex.EncodeToString(sum[:]))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return append(replace, "SERVER", server.URL)
}
