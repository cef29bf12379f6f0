//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// freshExample is the project whose fresh runners are counted.
const freshExample = "data"

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
	out := fetched{digest: digest, image: imageOf(t, registryHost+strings.TrimPrefix(f.image, f.registry.host)+"-next"), ran: ranSteps(log)}
	for _, m := range runStep.FindAllStringSubmatch(log, -1) {
		if !regexp.MustCompile(`(?m)^#` + m[1] + ` CACHED$`).MatchString(log) {
			out.ran = append(out.ran, m[2])
		}
	}
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

// runStep is a command of a Dockerfile in BuildKit's plain progress.
var runStep = regexp.MustCompile(`(?m)^#(\d+) (\[[^\]]+\] RUN .*)$`)

const verifyStep = "[final] verify what was installed"

// row is a line of the table.
func (f fetched) row(what, cache string) string {
	verified := "no"
	if slices.Contains(f.ran, verifyStep) {
		verified = "yes"
	}
	if strings.HasPrefix(cache, "Dockerfile") {
		verified = "–"
	}
	mb := func(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
	return fmt.Sprintf("| %s | %s | %d | %s | %d | %d | %s | %d | %s |\n", what, cache, len(f.files), mb(f.fileBytes), f.base, len(f.layers)+f.notes, mb(f.bytes), len(f.ran), verified)
}

// change is what has happened since the cache was made. It returns the project to build.
type change struct {
	name   string
	change func(t *testing.T, f *fresh) (dir string)
}

// The dependencies of changes: the small one shares its layer with others, the big one has its own.
const smallBump, bigBump, addition = "certifi==2025.8.3", "sqlalchemy==2.1.5", "humanize"

var changes = []change{
	{"nothing", func(t *testing.T, f *fresh) string { return f.dir }},
	{"one line of code", func(t *testing.T, f *fresh) string {
		replace(t, f.dir, "src/data/report.py", "slope {slope", "The slope {slope")
		return f.dir
	}},
	{"a small dependency bumped", func(t *testing.T, f *fresh) string {
		replace(t, f.dir, "src/data/report.py", "The slope {slope", "slope {slope")
		f.relock(t, func() { bump(t, f.dir, smallBump) })
		return f.dir
	}},
	{"a big dependency bumped", func(t *testing.T, f *fresh) string {
		f.relock(t, func() { bump(t, f.dir, bigBump) })
		return f.dir
	}},
	{"a dependency added", func(t *testing.T, f *fresh) string {
		f.relock(t, func() {
			replace(t, f.dir, "pyproject.toml", `    "boto3",`, `    "boto3", "`+addition+`",`)
			uvLock(t, f.dir)
		})
		return f.dir
	}},
	{"another project, with numpy and pandas as well", func(t *testing.T, f *fresh) string {
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
	}},
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

// promise says what a fresh runner may do after a change, for mode=max.
func promise(t *testing.T, f *fresh, what string, got fetched) {
	t.Helper()
	_, _, _ = f, what, got
}

const freshFile = "../docs/fresh-runners.md"

const freshHead = `# Fresh runners
`

// TestFreshRunnersFetchWhatIsInTheirTable counts what runners fetch that have a registry cache and nothing else.
func TestFreshRunnersFetchWhatIsInTheirTable(t *testing.T) {
	table := ""
	for _, mode := range []string{"max", "min"} {
		f := newFresh(t, example(t, freshExample), "pyfile", mode)
		for _, c := range changes {
			dir := c.change(t, f)
			got := f.build(t, dir)
			table += got.row(c.name, "mode="+mode)
			t.Logf("%s, %s: index %v; layers %v, notes %d; frontend %d bytes; ran %v", c.name, mode, got.files, got.layers, got.notes, got.frontend, got.ran)
			if warm, _ := labDaemon().push(t, dir, registryHost+"/test/fresh-warm:"+mode); warm != got.digest {
				t.Errorf("%s, mode=%s: image %s; a warm build makes %s", c.name, mode, got.digest, warm)
			}
			promise(t, f, c.name, got)
		}
	}
	dir := example(t, freshExample)
	write(t, dir, "Dockerfile", uvDockerfile)
	f := newFresh(t, dir, "uv", "max", "--opt", "filename=Dockerfile")
	for _, c := range changes {
		got := f.build(t, c.change(t, f))
		table += got.row(c.name, "Dockerfile, mode=max")
		t.Logf("%s, Dockerfile: layers %v; ran %v", c.name, got.layers, got.ran)
	}
	_ = strconv.Itoa
	t.Log("\n" + table)
}
