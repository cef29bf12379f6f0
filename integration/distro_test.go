//go:build integration

package integration

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// distroHelper compiles pyfile-distro and returns the directory in which it lies.
func distroHelper(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("CGO_ENABLED", "0")
	must(t, "..", "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", dir+"/", "./cmd/pyfile-distro")
	return dir
}

// distroRun is a step that runs pyfile-distro as the frontend does: with cache mounts below /run/pyfile, and without a shell.
func distroRun(cache string, args ...string) string {
	command, err := json.Marshal(append([]string{"/run/pyfile/pyfile-distro"}, args...))
	if err != nil {
		panic(err)
	}
	return "RUN --mount=type=bind,source=pyfile-distro,target=/run/pyfile/pyfile-distro" +
		" --mount=type=cache,sharing=locked,id=" + cache + "-archives,target=/run/pyfile/archives" +
		" --mount=type=cache,sharing=locked,id=" + cache + "-lists,target=/run/pyfile/lists " + string(command) + "\n"
}

// dockerfile builds one, whose context has the helper.
func dockerfile(t *testing.T, helper, text, output string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return command(t, dir, "buildctl", "--addr", labDaemon().addr, "build", "--progress", "plain", "--frontend", "dockerfile.v0",
		"--local", "context="+helper, "--local", "dockerfile=.", "--output", output)
}

// aptLayer installs packages on the slim image and returns the layer. Nothing of it comes from the build cache.
func aptLayer(t *testing.T, helper, cache, base string, packages ...string) v1.Layer {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "image")
	text := "FROM " + base + "\nENV UNIQUE=" + dir + "\n" +
		distroRun(cache, append([]string{"install", "--archives", "/run/pyfile/archives", "--lists", "/run/pyfile/lists", "--failure", "/run/pyfile/lists/failure"}, packages...)...)
	if out, err := dockerfile(t, helper, text, "type=oci,tar=false,dest="+dir); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	return layers[len(layers)-1]
}

// distroPackages have what is different each time under plain apt: users, caches of fonts and types, bytecode, identities, alternatives.
var distroPackages = []string{"libpq5", "libmariadb3", "libmagic1t64", "libpango-1.0-0", "fonts-dejavu-core", "fontconfig", "python3-yaml", "dbus", "shared-mime-info", "openssh-client"}

func TestAptLayerIsAlwaysTheSameAndCarriesNothingElse(t *testing.T) {
	helper := distroHelper(t)
	unique := filepath.Base(t.TempDir()) + fmt.Sprint(os.Getpid())
	first := aptLayer(t, helper, "distro-"+unique, "python:3.13-slim", distroPackages...)
	warm := aptLayer(t, helper, "distro-"+unique, "python:3.13-slim", distroPackages...)
	cold := aptLayer(t, helper, "distro-cold-"+unique, "python:3.13-slim", distroPackages...)
	want, err := first.Digest()
	if err != nil {
		t.Fatal(err)
	}
	for name, layer := range map[string]v1.Layer{"warm": warm, "cold": cold} {
		if got, err := layer.Digest(); err != nil || got != want {
			t.Errorf("with %s caches the layer is %v, %v; the first was %v", name, got, err, want)
		}
	}
	content, err := first.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	epoch, files := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), map[string]bool{}
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := path.Clean(header.Name)
		files[name] = true
		if strings.HasPrefix(path.Base(name), ".wh.") || header.Typeflag == tar.TypeDir {
			continue
		}
		if !header.ModTime.Equal(epoch) {
			t.Errorf("%s is dated %v", name, header.ModTime)
		}
		if slices.ContainsFunc([]string{"var/lib/apt/lists/", "var/log/", "var/cache/apt/", "var/cache/ldconfig/", "tmp/", "var/tmp/", "run/", "proc/", "dev/"}, func(dir string) bool { return strings.HasPrefix(name, dir) }) ||
			strings.HasSuffix(name, "-old") || strings.HasSuffix(name, "machine-id") || strings.HasSuffix(name, ".deb") {
			t.Errorf("%s is left", name)
		}
	}
	for _, name := range []string{"usr/lib/x86_64-linux-gnu/libpq.so.5", "var/lib/dpkg/info/libpq5:amd64.list", "var/lib/dpkg/status", "etc/ld.so.cache", "usr/lib/python3/dist-packages/yaml/__init__.py"} {
		if !files[strings.Replace(name, "x86_64", machine(t), 1)] && !strings.Contains(name, ":amd64") {
			t.Errorf("%s is missing", name)
		}
	}
	if slices.ContainsFunc([]string{"usr/sbin/policy-rc.d", "run/pyfile"}, func(name string) bool { return files[name] }) {
		t.Error("what the helper made for itself is in the layer")
	}
}

// machine is the name of the architecture in Debian's directories.
func machine(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(must(t, ".", "uname", "-m"))
}

func TestDatabasesAfterInstallingAreValid(t *testing.T) {
	out := t.TempDir()
	// The slim images leave manuals out, by an option of dpkg's, and their own packages' directories of logs and lists.
	text := "FROM python:3.13-slim AS base\nRUN dpkg --verify | sort > /before\n" +
		distroRun("distro-valid", append([]string{"install", "--archives", "/run/pyfile/archives", "--lists", "/run/pyfile/lists"}, distroPackages...)...) +
		`RUN --network=none mkdir /out && dpkg --verify | sort > /after; \
    comm -13 /before /after | grep -v -E ' /usr/share/(man|doc|locale)(/|$)' > /out/verify; dpkg --audit > /out/audit; \
    apt-get check > /out/check 2>&1 || echo failed >> /out/check; fc-cache -v > /out/fonts; getent shadow messagebus > /out/user; \
    /usr/bin/python3 -B -v -c 'import yaml' 2> /out/python
FROM scratch
COPY --from=base /out /
`
	if printed, err := dockerfile(t, distroHelper(t), text, "type=local,dest="+out); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, name := range []string{"verify", "audit"} {
		if text := read(name); text != "" {
			t.Errorf("dpkg --%s says\n%s", name, text)
		}
	}
	if text := read("check"); strings.Contains(text, "failed") || !strings.Contains(text, "Reading package lists") {
		t.Errorf("apt-get check says\n%s", text)
	}
	if text := read("fonts"); strings.Contains(text, "caching, new") || !strings.Contains(text, "dejavu: skipping, existing cache is valid: 8 fonts") {
		t.Errorf("the list of fonts is not valid:\n%s", text)
	}
	if text := read("user"); !strings.HasPrefix(text, "messagebus:!") || !strings.Contains(text, ":3652:") { // days from 1970 to 1980
		t.Errorf("a user is %q", text)
	}
	if text := read("python"); !strings.Contains(text, "yaml/__pycache__/__init__.cpython-313.pyc matches") {
		t.Errorf("Debian's Python compiles its modules again:\n%s", text)
	}
}

func TestUnknownPackagesAreNamedWithTheNearest(t *testing.T) {
	out := t.TempDir()
	// Steps from the cache print nothing.
	text := "FROM python:3.13-slim AS base\nENV UNIQUE=" + out + "\n" + strings.Replace(distroRun("distro-valid", "install"), `["/run/pyfile/pyfile-distro","install"]`,
		`/run/pyfile/pyfile-distro install --archives /run/pyfile/archives --lists /run/pyfile/lists --failure /out/failure.json libpq tzdata libpq5=1.0 netcat ; echo $? > /out/status`, 1) +
		"FROM scratch\nCOPY --from=base /out /\n"
	printed, err := dockerfile(t, distroHelper(t), text, "type=local,dest="+out)
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	data, err := os.ReadFile(filepath.Join(out, "failure.json"))
	if err != nil {
		t.Fatal(err)
	}
	var failure struct {
		Message  string
		Packages []struct {
			Name, Reason string
			Near         []string
		}
	}
	if err := json.Unmarshal(data, &failure); err != nil {
		t.Fatal(err)
	}
	if failure.Message != "3 packages cannot be installed" || len(failure.Packages) != 3 || !slices.Equal(failure.Packages[0].Near, []string{"libpq5", "libpq-dev"}) ||
		len(failure.Packages[1].Near) == 0 || !strings.HasPrefix(failure.Packages[1].Near[0], "libpq5=") || !slices.Equal(failure.Packages[2].Near, []string{"netcat-openbsd", "netcat-traditional"}) {
		t.Errorf("the failure is\n%s", data)
	}
	if !strings.Contains(printed, `has no package "libpq": did you mean "libpq5" or "libpq-dev"?`) {
		t.Errorf("printed\n%s", printed)
	}
}

func TestProvidersAreFoundInTheImagesOwnIndex(t *testing.T) {
	out := t.TempDir()
	want := map[string]string{
		"header:mysql.h": "default-libmysqlclient-dev", "header:libpq-fe.h": "libpq-dev", "program:pg_config": "libpq-dev", "program:mysql_config": "default-libmysqlclient-dev",
		"header:cairo.h": "libcairo2-dev", "header:ffi.h": "libffi-dev", "program:cargo": "cargo", "library:ssl": "libssl-dev", "pkgconfig:cairo": "libcairo2-dev",
		"header:libxml/xpath.h": "libxml2-dev", "soname:libglib-2.0.so.0": "libglib2.0-0t64", "soname:libGL.so.1": "libgl1", "soname:libmagic.so.1": "libmagic1t64",
		"soname:libpq.so.5": "libpq5", "soname:libmariadb.so.3": "libmariadb3", "soname:libc.so.6": "libc6", "header:no-such-header.h": "",
	}
	args := []string{"providers", "--archives", "/run/pyfile/archives", "--lists", "/run/pyfile/lists", "--out", "/out"}
	for w := range want {
		args = append(args, w)
	}
	slices.Sort(args[7:])
	text := "FROM python:3.13-slim AS base\n" + distroRun("distro-valid", args...) + "FROM scratch\nCOPY --from=base /out /\n"
	if printed, err := dockerfile(t, distroHelper(t), text, "type=local,dest="+out); err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	data, err := os.ReadFile(filepath.Join(out, "providers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string][]string
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	for w, first := range want {
		packages, answered := got[w]
		if !answered || strings.Join(packages[:min(1, len(packages))], "") != first {
			t.Errorf("%s is in %q, want %q first", w, packages, first)
		}
	}
}
