//go:build integration && nightly

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// fresh is a project that is built on runners with a registry cache and nothing else, with all that they fetch counted.
type fresh struct {
	dir, lock, origin string // the project, its lock, and where the lock has the files
	index, registry   *proxy
	image, cache      string
	options           []string // of each build
	built             pushed   // by the first build
	base              pushed
	blobs             []string // the layers of the cache
}

// newFresh builds a project on a fresh daemon that exports its cache.
func newFresh(t *testing.T, dir, name, mode string, options ...string) *fresh {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	f := &fresh{dir: dir, lock: string(lock), options: options}
	f.origin = regexp.MustCompile(`url = "(https?://[^/"]+)/`).FindStringSubmatch(f.lock)[1]
	f.index, f.registry = newProxy(t, f.origin), newProxy(t, "http://"+registryHost)
	f.image, f.cache = f.registry.host+"/test/fresh-"+name+":"+mode, f.registry.host+"/test/fresh-"+name+"-cache:"+mode
	f.through(t, dir)
	freshDaemon(t, f.registry.host).push(t, dir, f.image, append(options, "--export-cache", "type=registry,ref="+f.cache+",mode="+mode)...)
	if n := len(f.index.take()); n < len(lockedWheels(t, dir))-3 {
		t.Fatalf("the first build fetched %d files only", n)
	}
	f.built, f.base, f.blobs = imageOf(t, f.image), imageOf(t, registryHost+"/library/python:3.13-slim"), cacheLayers(t, f.cache)
	return f
}

// through makes a lock name the counting proxy in place of the files' own host.
func (f *fresh) through(t *testing.T, dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "uv.lock", strings.ReplaceAll(string(data), `url = "`+f.origin+"/", `url = "http://`+f.index.host+"/"))
}

// relock changes the lock with uv, which is to see the files where they are.
func (f *fresh) relock(t *testing.T, change func()) {
	t.Helper()
	write(t, f.dir, "uv.lock", f.lock)
	change()
	f.through(t, f.dir)
}

// cacheLayers are the layers of a registry cache, by the manifest that BuildKit exports.
func cacheLayers(t *testing.T, cache string) []string {
	t.Helper()
	ref, err := name.ParseReference(cache, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Get(ref, remote.WithAuth(authn.Anonymous))
	if err != nil {
		t.Fatal(err)
	}
	type descriptor struct{ MediaType, Digest string }
	var manifest struct{ Layers, Manifests []descriptor }
	if err := json.Unmarshal(got.Manifest, &manifest); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range append(manifest.Layers, manifest.Manifests...) {
		if !strings.Contains(d.MediaType, "cacheconfig") {
			out = append(out, d.Digest)
		}
	}
	if len(out) == 0 {
		t.Fatalf("the cache has no layers: %s", got.Manifest)
	}
	return out
}

// fetched is what a fresh runner fetched and did.
type fetched struct {
	files     []string // of the index
	fileBytes int64
	base      int      // layers of the base image
	layers    []string // other layers, by the image's history; those of the cache alone have no name
	notes     int      // layers of the image that the frontend reads
	bytes     int64    // from the registry: layers, and all else but the frontend's image
	frontend  int64    // bytes of the frontend's image
	ran       []string // steps
	digest    string
	image     pushed
}

// noteNames are what the history says of layers that the frontend reads.
var noteNames = []string{"what the base is", "what verify found", "how packages are built"}

// onlyCached is a layer of the cache that is none of the image.
const onlyCached = "of the cache only"

// build builds a project on a fresh daemon with the cache, and counts.
func (f *fresh) build(t *testing.T, dir string) fetched {
	t.Helper()
	d := freshDaemon(t, f.registry.host)
	f.index.take()
	f.registry.take()
	digest, log := d.push(t, dir, f.image+"-next", append(f.options, "--import-cache", "type=registry,ref="+f.cache)...)
	out := fetched{digest: digest, image: imageOf(t, registryHost+strings.TrimPrefix(f.image, f.registry.host)+"-next"), ran: executed(log)}
	for _, m := range f.index.takeTransfers() {
		if m.status == 200 || m.status == 206 {
			out.files = append(out.files, m.path[strings.LastIndex(m.path, "/")+1:])
			out.fileBytes += m.received
		}
	}
	names := f.built.names(t)
	for _, m := range f.registry.takeTransfers() {
		if m.method != "GET" || m.status != 200 && m.status != 206 {
			continue
		}
		if strings.HasPrefix(m.path, "/v2/org/pyfile/") {
			out.frontend += m.received
			continue
		}
		out.bytes += m.received
		digest := m.path[strings.LastIndex(m.path, "/")+1:]
		switch {
		case !strings.Contains(m.path, "/blobs/"):
		case slices.Contains(f.base.layers, digest):
			out.base++
		case slices.Contains(noteNames, names[digest]):
			out.notes++
		case names[digest] != "":
			out.layers = append(out.layers, names[digest])
		case slices.Contains(f.blobs, digest):
			out.layers = append(out.layers, onlyCached)
		}
	}
	slices.Sort(out.files)
	slices.Sort(out.layers)
	out.files = slices.Compact(out.files)
	return out
}

var (
	// runStep is a command of a Dockerfile in BuildKit's plain progress.
	runStep  = regexp.MustCompile(`(?m)^#(\d+) (\[[^\]]+\] RUN .*)$`)
	doneStep = regexp.MustCompile(`(?m)^#(\d+) DONE`)
)

// executed are the steps that executed something, those of ranSteps and more: with a cache of mode=min an install is found in the cache for its
// layer, and is then executed for its facts. Commands of a Dockerfile count too.
func executed(log string) []string {
	ran := ranSteps(log)
	done, cached := map[string]bool{}, map[string]bool{}
	for _, m := range doneStep.FindAllStringSubmatch(log, -1) {
		done[m[1]] = true
	}
	for _, m := range vertexEnd.FindAllStringSubmatch(log, -1) {
		cached[m[1]] = cached[m[1]] || m[2] == "CACHED"
	}
	read := map[string]bool{}
	for _, m := range loaded.FindAllStringSubmatch(log, -1) {
		read[m[1]] = true
	}
	for _, m := range vertexName.FindAllStringSubmatch(log, -1) {
		if strings.HasPrefix(m[2], "[base] install ") && done[m[1]] && !read[m[1]] && !slices.Contains(ran, m[2]) {
			ran = append(ran, m[2])
		}
	}
	for _, m := range runStep.FindAllStringSubmatch(log, -1) {
		if done[m[1]] && !cached[m[1]] && !slices.Contains(ran, m[2]) {
			ran = append(ran, m[2])
		}
	}
	return ran
}

const verifyStep = "[final] verify what was installed"

// change is what has happened since the cache was made, and what a runner with a cache of mode=max does then.
type change struct {
	name   string
	change func(t *testing.T, f *fresh) (dir string) // returns the project to build
	ran    []string                                  // beginnings of the steps that run, sorted
	files  func(t *testing.T) []string               // distributions that are fetched, and no others
	pulled []string                                  // layers of the image that are pulled, since steps need what is in them
	shared []string                                  // distributions that are neither fetched nor installed; in place of ran and files
	more   []string                                  // steps that run besides with mode=min; nil if dependencies are installed again
}

// The dependencies of changes: the small one shares its layer with others, the big one has its own.
const (
	smallBump, bigBump = "certifi==2025.8.3", "sqlalchemy==2.1.5"
	addition, besideIt = "humanize", "click" // which share a layer

	buildApp, installApp = "[app-builder] build the wheel of data", "[final] install data"

	stdlib = "bytecode of the standard library" // with which the build backend starts faster
)

// nameOf is the name in a pinned requirement.
func nameOf(requirement string) string { return strings.Split(requirement, "==")[0] }

var changes = []change{
	{name: "nothing", change: func(_ *testing.T, f *fresh) string { return f.dir }, more: []string{}},
	{name: "one line of code", change: func(t *testing.T, f *fresh) string {
		replace(t, f.dir, "src/data/report.py", "slope {slope", "The slope {slope")
		return f.dir
	}, ran: []string{buildApp, installApp}, pulled: []string{stdlib}, more: []string{"[app-builder] install hatchling.build", "[base] add bytecode for what builds"}},
	{name: "a small dependency bumped", change: func(t *testing.T, f *fresh) string {
		replace(t, f.dir, "src/data/report.py", "The slope {slope", "slope {slope")
		f.relock(t, func() { bump(t, f.dir, smallBump) })
		return f.dir
	}, ran: []string{"[base] install ", verifyStep}, files: func(t *testing.T) []string { return groupOf(t, nameOf(smallBump)) }},
	{name: "a big dependency bumped", change: func(t *testing.T, f *fresh) string {
		f.relock(t, func() { bump(t, f.dir, bigBump) })
		return f.dir
	}, ran: []string{"[base] install ", verifyStep}, files: func(*testing.T) []string { return []string{nameOf(bigBump)} }},
	{name: "a dependency added", change: func(t *testing.T, f *fresh) string {
		f.relock(t, func() {
			replace(t, f.dir, "pyproject.toml", `    "boto3",`, `    "boto3", "`+addition+`",`)
			uvLock(t, f.dir)
		})
		return f.dir
	}, ran: []string{buildApp, "[base] install ", installApp, verifyStep}, pulled: []string{stdlib}, files: func(t *testing.T) []string { return append(groupOf(t, besideIt), addition) }},
	{name: "another project, with numpy and pandas too", change: func(t *testing.T, f *fresh) string {
		// Its lock starts as the first one's, so that uv keeps the versions.
		dir := t.TempDir()
		write(t, dir, "pyproject.toml", "[project]\nname = \"second\"\nversion = \"1\"\nrequires-python = \">=3.11\"\ndependencies = [\"numpy\", \"pandas\", \""+addition+"\"]\n")
		write(t, dir, "main.py", "import humanize, numpy, pandas\n")
		write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\ncmd = [\"python\", \"main.py\"]\n")
		write(t, dir, "Dockerfile", uvDockerfile)
		write(t, dir, "uv.lock", f.lock)
		uvLock(t, dir)
		f.through(t, dir)
		return dir
	}, shared: []string{"numpy", "pandas"}},
}

// uvDockerfile is the multi-stage Dockerfile of uv's guide for containers, with uv from the index.
const uvDockerfile = `FROM python:3.13-slim AS builder
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=0 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml uv sync --frozen --no-install-project --no-dev
COPY . /app
RUN --mount=type=cache,target=/root/.cache/uv uv sync --frozen --no-dev

FROM python:3.13-slim
RUN groupadd --system --gid 999 nonroot && useradd --system --gid 999 --uid 999 --create-home nonroot
COPY --from=builder --chown=nonroot:nonroot /app /app
ENV PATH=/app/.venv/bin:$PATH
USER nonroot
WORKDIR /app
CMD ["report"]
`

// check compares what a runner did with what is promised; ran are the steps.
func (c change) check(t *testing.T, got fetched, ran []string) {
	t.Helper()
	for _, l := range got.layers {
		if l != onlyCached && !slices.Contains(c.pulled, l) {
			t.Errorf("%s: the layer %q was pulled", c.name, l)
		}
	}
	if len(got.ran) == 0 && got.base > 0 {
		t.Errorf("%s: the base image was pulled, and nothing ran", c.name)
	}
	slices.Sort(got.ran)
	var own []string
	for _, file := range got.files {
		name, _, _ := strings.Cut(file, "-")
		own = append(own, name)
	}
	if c.shared != nil {
		for _, name := range c.shared {
			if slices.Contains(own, name) || slices.ContainsFunc(got.ran, func(s string) bool { return strings.HasPrefix(s, "[base] install "+name+" ") }) {
				t.Errorf("%s: %s was fetched or installed: %v, %v", c.name, name, got.files, got.ran)
			}
		}
		return
	}
	if !slices.EqualFunc(got.ran, ran, strings.HasPrefix) {
		t.Errorf("%s: these steps ran: %v; want %v", c.name, got.ran, ran)
	}
	var want []string
	if c.files != nil {
		want = slices.Sorted(slices.Values(c.files(t)))
	}
	if !slices.Equal(own, want) {
		t.Errorf("%s: fetched %v, want %v", c.name, own, want)
	}
}

// TestFreshRunnersFetchWhatIsInTheirTable counts what runners fetch that have a registry cache and nothing else. It writes the table with
// -update. Without it, numbers may differ a little from those written, because base images do; what is promised is asserted for each row.
func TestFreshRunnersFetchWhatIsInTheirTable(t *testing.T) {
	for _, mode := range []string{"max", "min"} {
		t.Run("mode="+mode, func(t *testing.T) {
			f := newFresh(t, example(t, "data"), "pyfile", mode)
			for _, c := range changes {
				t.Run(c.name, func(t *testing.T) { // of its own, so that its daemon ends with it
					dir, rows := c.change(t, f), map[string]string{}
					got := f.build(t, dir)
					got.row(rows, c.name, "pyfile, mode="+mode)
					if mode == "max" && c.name == "nothing" {
						fetched{bytes: got.frontend}.row(rows, frontendRow, "pyfile")
					}
					if warm, _ := labDaemon().push(t, dir, registryHost+"/test/fresh-warm:"+mode); warm != got.digest {
						t.Errorf("image %s; a warm build makes %s", got.digest, warm)
					}
					if mode == "max" {
						c.check(t, got, c.ran)
					} else if c.more != nil {
						c.check(t, got, slices.Sorted(slices.Values(append(c.more, c.ran...))))
					}
					areWritten(t, rows)
				})
			}
		})
	}
	t.Run("Dockerfile", func(t *testing.T) {
		dir := example(t, "data")
		write(t, dir, "Dockerfile", uvDockerfile)
		f := newFresh(t, dir, "uv", "max", "--opt", "filename=Dockerfile")
		for _, c := range changes {
			t.Run(c.name, func(t *testing.T) {
				rows := map[string]string{}
				f.build(t, c.change(t, f)).row(rows, c.name, "Dockerfile, mode=max")
				areWritten(t, rows)
			})
		}
	})
}
