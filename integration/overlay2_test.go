//go:build integration

package integration

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// overlay2 is a Docker Engine of the test's own, with the overlay2 store: its BuildKit cannot merge.
type overlay2 struct{ addr string }

// newOverlay2 starts one, which has nothing yet and is removed with the test.
func newOverlay2(t *testing.T) overlay2 {
	t.Helper()
	return overlay2{newNode(t, "overlay2")}
}

// newNode starts a Docker Engine with a store, which has nothing yet and is removed with the test, and returns its address.
func newNode(t *testing.T, store string) string {
	t.Helper()
	remove := func() {
		if _, err := labScript("node", store, "--remove"); err != nil {
			t.Error(err)
		}
	}
	remove() // what a killed test has left
	t.Cleanup(remove)
	bridge := func() string { // of the other engine; one that was deleted and made again has another number
		index, err := os.ReadFile("/sys/class/net/docker0/ifindex")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return string(index)
	}
	before := bridge()
	out, err := labScript("node", store)
	if err != nil {
		t.Fatal(err)
	}
	if after := bridge(); after != before {
		t.Fatalf("the engine replaced or deleted docker0: interface %q became %q", before, after)
	}
	return strings.TrimSpace(out)
}

// labScript runs a script of the lab; its output is what it prints for programs, and its error has what it says to people.
func labScript(script string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(filepath.Join("lab", script), args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("lab/%s: %w\n%s", script, err, stderr.String())
	}
	return stdout.String(), nil
}

// docker runs a command of its client.
func (o overlay2) docker(t *testing.T, dir string, args ...string) string {
	t.Helper()
	return must(t, dir, "docker", append([]string{"--host", o.addr}, args...)...)
}

// push builds an image and pushes it; it returns what the build printed. There is no bridge, so what needs a network has that of the host.
func (o overlay2) push(t *testing.T, dir, image string, args ...string) (log string) {
	t.Helper()
	log = o.docker(t, dir, slices.Concat([]string{"build", "-f", "Pyfile", "--network", "host", "--progress", "plain", "-t", image}, args, []string{"."})...)
	o.docker(t, dir, "push", "-q", image)
	return log
}

// run starts a container as the image says, with a read-only root and no network.
func (o overlay2) run(t *testing.T, image string, args ...string) string {
	t.Helper()
	return o.docker(t, ".", slices.Concat([]string{"run", "--rm", "--read-only", "--network", "none", image}, args)...)
}

// TestEngineWithoutMerge builds on one Docker Engine with the overlay2 store, with what earlier parts have left in its cache.
func TestEngineWithoutMerge(t *testing.T) {
	o := newOverlay2(t)
	t.Run("copies give the image of the merge", func(t *testing.T) { o.sameImages(t) })
	t.Run("packages of the distribution are the same tree", func(t *testing.T) { o.samePackages(t) })
	t.Run("a change is one new layer and copies what is above it", func(t *testing.T) { o.changes(t) })
	t.Run("targets", func(t *testing.T) { o.targets(t) })
	t.Run("errors have their line", func(t *testing.T) { o.errors(t) })
}

// sameImages compares configuration, history and layers, compressed, by both of the engine's clients with those of a daemon that merges.
func (o overlay2) sameImages(t *testing.T) {
	all := examples(t)
	for _, name := range []string{"hello", "fastapi", "workspace", "distroless", "data"} {
		dir, image := example(t, name), registryHost+"/test/overlay2-"+name
		labDaemon().push(t, dir, image+":merged")
		merged := imageOf(t, image+":merged")
		o.push(t, dir, image+":copied")
		if diff := imageOf(t, image+":copied").differences(merged); diff != "" {
			t.Errorf("%s: images of docker build on overlay2 (+) and of a daemon that merges (-) differ:\n%s", name, diff)
		}
		o.docker(t, dir, "buildx", "build", "--builder", "default", "-f", "Pyfile", "--network", "host", "-t", image+":buildx", "--push", ".")
		if diff := imageOf(t, image+":buildx").differences(merged); diff != "" {
			t.Errorf("%s: images of docker buildx build on overlay2 (+) and of a daemon that merges (-) differ:\n%s", name, diff)
		}
		if name == "workspace" {
			labDaemon().push(t, dir, image+":base", "--opt", "target=base")
			o.push(t, dir, image+":replaced", "--build-context", "base=docker-image://"+image+":base")
			if diff := imageOf(t, image+":replaced").differences(merged); diff != "" {
				t.Errorf("%s: the image on overlay2 with an image in place of base (+) and that of a daemon that merges (-) differ:\n%s", name, diff)
			}
		}
		if want := all[name].Stdout; want != "" {
			if got := o.run(t, image+":copied"); !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("%s prints %q, which does not match %s", name, got, want)
			}
		}
	}
	if got, want := o.run(t, registryHost+"/test/overlay2-fastapi:copied", "python", "-c", "import app.main; print(app.main.root())"), "{'message': 'hello'}\n"; got != want {
		t.Errorf("the route of fastapi returns %q, not %q", got, want)
	}
}

// samePackages: the layer of [apt] run is the engine's own difference of two trees. It also has files that were opened for writing and are as
// they were, so it is another layer; the image is the same.
func (o overlay2) samePackages(t *testing.T) {
	dir, image := example(t, "cython"), registryHost+"/test/overlay2-cython"
	labDaemon().push(t, dir, image+":merged")
	o.push(t, dir, image+":copied")
	merged, copied := imageOf(t, image+":merged"), imageOf(t, image+":copied")
	apt := layersOfBase(t, dir) + 1 // above the default user's
	if other := copied.missingFrom(merged); !slices.Equal(other, copied.layers[apt:apt+1]) || len(copied.layers) != len(merged.layers) {
		t.Errorf("layers that differ: %v of %v; want only that of [apt] run", other, copied.layers)
	}
	got, want := treeOf(t, image+":copied"), treeOf(t, image+":merged")
	if len(want) < 1000 {
		t.Fatalf("the image has %d files", len(want))
	}
	files := maps.Clone(got)
	maps.Copy(files, want)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		g, w := got[file], want[file]
		if file == "run" { // a mount point was made in it, and only one of the two takes that for a change
			g, _, _ = strings.Cut(g, " dated ")
			w, _, _ = strings.Cut(w, " dated ")
		}
		if g != w {
			t.Errorf("/%s is %q, not %q", file, g, w)
		}
	}
	if got := o.run(t, image+":copied"); !regexp.MustCompile(examples(t)["cython"].Stdout).MatchString(got) {
		t.Errorf("cython prints %q", got)
	}

	o.push(t, dir, image+":again", "--no-cache-filter", "base")
	if diff := imageOf(t, image+":again").differences(copied); diff != "" {
		t.Errorf("the packages installed again (+) give another image:\n%s", diff)
	}
}

// changes builds examples/data through a proxy that counts what is uploaded.
func (o overlay2) changes(t *testing.T) {
	dir, registry := example(t, "data"), newProxy(t, "http://"+registryHost)
	image := fmt.Sprintf("%s/test/overlay2-%d:x", registry.host, time.Now().UnixNano()) // of this run: it has no layer yet
	first := copiesOf(o.push(t, dir, image, "--no-cache-filter", "final"))
	before := imageOf(t, image)
	uploaded := func() int {
		n := 0
		for _, r := range registry.take() {
			if strings.HasPrefix(r, "PUT ") && strings.Contains(r, "/blobs/uploads/") {
				n++
			}
		}
		return n
	}
	if n := uploaded(); len(first) != len(before.layers)-layersOfBase(t, dir) || n != len(before.layers)+1 {
		t.Fatalf("%d copies, %d uploads and %d layers: %v", len(first), n, len(before.layers), first)
	}

	// A line of code: what is below stays.
	replace(t, dir, "src/data/report.py", "slope {slope", "The slope {slope")
	copies := copiesOf(o.push(t, dir, image))
	after := imageOf(t, image)
	if layers := after.missingFrom(before); !slices.Equal(layers, after.layers[len(after.layers)-1:]) || len(after.layers) != len(before.layers) {
		t.Errorf("code: new layers %v of %v", layers, after.layers)
	}
	if n := uploaded(); n != 2 || !slices.Equal(copies, []string{"install data"}) { // the layer and the configuration
		t.Errorf("code: %d uploads, and these copies ran: %v", n, copies)
	}

	// A bump: the layers above are copied again, for the same bytes.
	for _, requirement := range []string{"certifi==2025.8.3", "sqlalchemy==2.1.5"} {
		before = after
		bump(t, dir, requirement)
		copies = copiesOf(o.push(t, dir, image))
		after = imageOf(t, image)
		if layers := after.missingFrom(before); len(layers) != 1 || len(after.layers) != len(before.layers) {
			t.Errorf("%s: new layers %v of %v", requirement, layers, after.layers)
		}
		if n := uploaded(); n != 2 {
			t.Errorf("%s: %d uploads", requirement, n)
		}
		bumped, _, _ := strings.Cut(requirement, "==")
		i := slices.IndexFunc(first, func(c string) bool { return strings.Contains(c, " "+bumped+" ") })
		if i < 0 || len(copies) != len(first)-i || !slices.Equal(copies[1:], first[i+1:]) {
			t.Errorf("%s: these copies ran: %v; all were %v", requirement, copies, first)
			continue
		}
		first = append(first[:i:i], copies...)
	}
	merged := registryHost + "/test/overlay2-data:bumped"
	labDaemon().push(t, dir, merged)
	if diff := after.differences(imageOf(t, merged)); diff != "" {
		t.Errorf("the image after changes (+) and that of a daemon that merges (-) differ:\n%s", diff)
	}
}

// copiesOf are the layers that a build copied, without what came from its cache.
func copiesOf(log string) []string {
	var out []string
	for _, step := range ranSteps(log) {
		if what, ok := strings.CutPrefix(step, "[final] copy "); ok {
			out = append(out, what)
		}
	}
	return out
}

// targets compares the image or the files of each target.
func (o overlay2) targets(t *testing.T) {
	dir, image := example(t, "workspace"), registryHost+"/test/overlay2-target"
	for _, target := range []string{"dep-builder", "base", "app-builder", "final"} {
		labDaemon().push(t, dir, image+":merged-"+target, "--opt", "target="+target)
		o.push(t, dir, image+":"+target, "--target", target)
		if diff := imageOf(t, image+":"+target).differences(imageOf(t, image+":merged-"+target)); diff != "" {
			t.Errorf("%s: images of overlay2 (+) and of a daemon that merges (-) differ:\n%s", target, diff)
		}
	}
	names := func(dir string) []string {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range files {
			files[i] = filepath.Base(f)
		}
		return files
	}
	merged, copied := t.TempDir(), t.TempDir()
	if out, err := labDaemon().build(t, dir, "--opt", "target=wheels", "--output", "type=local,dest="+merged); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	o.docker(t, dir, "buildx", "build", "--builder", "default", "-f", "Pyfile", "--network", "host", "--target", "wheels", "--output", "type=local,dest="+copied, ".")
	if got, want := names(copied), names(merged); len(want) < 5 || !slices.Equal(got, want) {
		t.Errorf("the wheels are %v, not %v", got, want)
	}
}

// errors are found in all the ways that they are found in: by the frontend, by a step's program, by verify, and by --call.
func (o overlay2) errors(t *testing.T) {
	build := func(dir string, args ...string) (string, error) {
		return command(t, dir, "docker", slices.Concat([]string{"--host", o.addr, "build", "-f", "Pyfile", "--network", "host", "--progress", "plain"}, args, []string{"."})...)
	}
	unknown, library := example(t, "hello"), example(t, "cython")
	relist(t, unknown, "run", []string{"libpq55"})
	relist(t, library, "run", nil)
	for dir, want := range map[string]string{
		unknown: `(?s)>>> run = \["libpq55"\]\n.*has no package "libpq55"\n\thint: did you mean "libpq5"`,
		library: `(?s)>>> \[apt\]\n.*punycode .*needs libidn2\.so\.0, .*\n\thint: add to \[apt\]: run = \["libidn2-0"\]`,
	} {
		if out, err := build(dir); err == nil || !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%v; the report does not match %s:\n%s", err, want, out)
		}
	}
	w := wrongCase(t, "uv-stale")
	out, err := build(w.dir)
	marked, message := w.message(t)
	if got, want := report(out), marked+"ERROR: failed to build: failed to solve: "+message; err == nil || got != want {
		t.Errorf("%v, got:\n%s\nwant:\n%s", err, got, want)
	}
	const warning = "NotLocked: pyproject.toml:6: the dependencies are not locked, so that another day's build may get other versions"
	if out, err := build(example(t, "lock-none")); err != nil || !strings.Contains(out, warning) {
		t.Errorf("%v; no warning:\n%s", err, out)
	}
	if out, err := build(example(t, "hello"), "--call=check"); err != nil || !strings.Contains(out, "Check complete, no warnings found.") {
		t.Errorf("check: %v\n%s", err, out)
	}
}

// treeOf is what a container of an image sees: each path with its type, mode, owner, time and content.
func treeOf(t *testing.T, image string) map[string]string {
	t.Helper()
	layers := layersOf(t, image)
	tree := map[string]string{}
	for _, l := range layers {
		blob, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		addLayer(t, tree, blob)
		if err := blob.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return tree
}

// addLayer applies a layer to a tree (the OCI image specification, "Representing Changes"). What it takes away is of the layers below, wherever
// in the layer that is said.
func addLayer(t *testing.T, tree map[string]string, layer io.Reader) {
	t.Helper()
	remove := func(file string, itself bool) {
		maps.DeleteFunc(tree, func(f, _ string) bool { return itself && f == file || strings.HasPrefix(f, file+"/") })
	}
	added := map[string]string{}
	for r := tar.NewReader(layer); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		file := path.Clean(h.Name)
		dir, base := path.Split(file)
		if base == ".wh..wh..opq" {
			remove(path.Clean(dir), false)
			continue
		}
		if hidden, ok := strings.CutPrefix(base, ".wh."); ok {
			remove(dir+hidden, true)
			continue
		}
		hash := sha256.New()
		if _, err := io.Copy(hash, r); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeDir {
			remove(file, true)
		}
		maps.DeleteFunc(h.PAXRecords, func(key, _ string) bool { return strings.HasSuffix(key, "time") }) // ModTime is it too
		records, err := json.Marshal(h.PAXRecords)
		if err != nil {
			t.Fatal(err)
		}
		added[file] = fmt.Sprintf("%c %o %d:%d %d bytes, %x, link %q, records %s dated %s", h.Typeflag, h.Mode, h.Uid, h.Gid, h.Size, hash.Sum(nil)[:8], h.Linkname, records, h.ModTime.UTC())
	}
	maps.Copy(tree, added)
}

func TestLayersAreAppliedInOrder(t *testing.T) {
	tree := map[string]string{}
	for _, layer := range [][]string{{"a/", "a/old", "a/kept", "b/", "b/c/", "b/c/old", "d"}, {"a/", "a/.wh.old", "b/c/", "b/c/new", "b/c/.wh..wh..opq", "d/", "d/e"}} {
		var data strings.Builder
		w := tar.NewWriter(&data)
		for _, file := range layer {
			h := tar.Header{Name: file, Typeflag: tar.TypeReg}
			if strings.HasSuffix(file, "/") {
				h.Typeflag = tar.TypeDir
			}
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		addLayer(t, tree, strings.NewReader(data.String()))
	}
	if got, want := slices.Sorted(maps.Keys(tree)), []string{"a", "a/kept", "b", "b/c", "b/c/new", "d", "d/e"}; !slices.Equal(got, want) {
		t.Errorf("the tree has %v, not %v", got, want)
	}
}
