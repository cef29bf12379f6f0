//go:build integration

// Package integration runs the gateway image against real daemons, registries, wheels and containers of the lab.
package integration

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// registryHost is the lab's registry, which holds the frontend image and the Python images.
var registryHost string

func TestMain(m *testing.M) {
	if err := enterLab(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// enterLab takes over the environment that `make lab` wrote.
func enterLab() error {
	state, err := exec.Command("lab/state").Output()
	if err != nil {
		return fmt.Errorf("lab/state: %w", err)
	}
	env, err := exec.Command("bash", "-c", `. "$1/env" && env -0`, "bash", strings.TrimSpace(string(state))).Output()
	if err != nil {
		return fmt.Errorf("the lab is not there; run `make lab image locks`: %w", err)
	}
	for _, v := range strings.Split(string(env), "\x00") {
		if key, value, ok := strings.Cut(v, "="); ok && (key == "PATH" || key == "BUILDKIT_HOST" || strings.HasPrefix(key, "DOCKER_") || strings.HasPrefix(key, "BUILDX_") || strings.HasPrefix(key, "PYFILE_")) {
			if err := os.Setenv(key, value); err != nil {
				return err
			}
		}
	}
	registryHost = os.Getenv("PYFILE_LAB_REGISTRY")
	return nil
}

// command runs a program and returns what it printed. It is ended when the test is.
func command(t *testing.T, dir, program string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	err := cmd.Run()
	return out.String(), err
}

// must is command for what has to succeed.
func must(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	out, err := command(t, dir, program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

// daemon is a buildkitd.
type daemon struct{ addr string }

// labDaemon is the lab's own, which keeps its cache from one test to the next.
func labDaemon() daemon { return daemon{os.Getenv("BUILDKIT_HOST")} }

// freshDaemon starts a buildkitd with an empty root and ends it with the test. It pulls the names of docker.io from the registry at
// mirror. Its containers have the host's network.
func freshDaemon(t *testing.T, mirror string) daemon {
	t.Helper()
	return freshProcess(t, mirror).daemon
}

// process is the buildkitd of a test, which can be killed and started again on its root.
type process struct {
	daemon
	root, config   string
	server, client []string        // options of buildkitd, and those that buildctl then needs
	within, env    []string        // a command that starts the one that follows it, and variables besides the test's
	prepare        func(*exec.Cmd) // before each start; may be nil
	cmd            *exec.Cmd
}

// freshProcess is freshDaemon for a test that disturbs it, or that has options of its own.
func freshProcess(t *testing.T, mirror string, options ...func(*process)) *process {
	t.Helper()
	lab := os.Getenv("PYFILE_LAB")
	config, err := os.ReadFile(filepath.Join(lab, "buildkitd.toml"))
	if err != nil {
		t.Fatal(err)
	}
	p := &process{config: filepath.Join(t.TempDir(), "buildkitd.toml")}
	if err := os.WriteFile(p.config, bytes.ReplaceAll(config, []byte(registryHost), []byte(mirror)), 0o644); err != nil {
		t.Fatal(err)
	}
	if p.root, err = os.MkdirTemp(lab, "fresh-"); err != nil {
		t.Fatal(err)
	}
	p.daemon = daemon{"unix://" + p.root + "/buildkitd.sock"}
	for _, o := range options {
		o(p)
	}
	t.Cleanup(func() {
		p.end(os.Interrupt)
		if err := os.RemoveAll(p.root); err != nil {
			t.Log(err)
		}
		os.Remove(p.root + ".log")
	})
	p.start(t)
	return p
}

// start starts the process and waits until it answers.
func (p *process) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(p.root+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	command := slices.Concat(p.within, []string{"buildkitd", "--config", p.config, "--root", p.root, "--addr", p.addr}, p.server)
	p.cmd = exec.Command(command[0], command[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(append(os.Environ(), "TMPDIR="+p.root), p.env...) // for mounts, which a killed process leaves
	if p.prepare != nil {
		p.prepare(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if exec.Command("buildctl", slices.Concat([]string{"--addr", p.addr}, p.client, []string{"debug", "workers"})...).Run() == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("buildkitd does not answer; see %s.log", p.root)
}

// end sends a signal to the process and waits for its end.
func (p *process) end(signal os.Signal) {
	_ = p.cmd.Process.Signal(signal)
	_ = p.cmd.Wait()
}

// build runs `buildctl build` with the gateway image on a project's folder, in plain progress.
func (d daemon) build(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	return command(t, dir, "buildctl", append([]string{"--addr", d.addr, "build", "--progress", "plain",
		"--frontend", "dockerfile.v0", "--opt", "filename=Pyfile", "--local", "context=.", "--local", "dockerfile=."}, append(args, secretsOf(dir)...)...)...)
}

// push is build for what has to succeed and be pushed; it returns the digest and what the build printed.
func (d daemon) push(t *testing.T, dir, image string, args ...string) (digest, log string) {
	t.Helper()
	log, err := d.build(t, dir, append(args, "--output", "type=image,name="+image+",push=true")...)
	if err != nil {
		t.Fatalf("build of %s: %v\n%s", dir, err, log)
	}
	return imageOf(t, image).digest, log
}

// pushed is an image in a registry.
type pushed struct {
	digest string
	layers []string // digests, base first
	sizes  []int64  // of the layers, compressed
	config *v1.ConfigFile
}

// imageOf reads an image's manifest for linux/amd64 from a registry on localhost.
func imageOf(t *testing.T, image string) pushed {
	t.Helper()
	return imageFor(t, image, "amd64")
}

// imageFor is imageOf for an architecture.
func imageFor(t *testing.T, image, arch string) pushed {
	t.Helper()
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref, remote.WithAuth(authn.Anonymous), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch}))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	p := pushed{digest: digest.String(), config: config}
	for _, l := range manifest.Layers {
		p.layers = append(p.layers, l.Digest.String())
		p.sizes = append(p.sizes, l.Size)
	}
	return p
}

// names are what the image's history says of each layer, by digest.
func (p pushed) names(t *testing.T) map[string]string {
	t.Helper()
	var lines []string
	for _, h := range p.config.History {
		if !h.EmptyLayer {
			lines = append(lines, strings.TrimPrefix(h.CreatedBy, "pyfile: "))
		}
	}
	if len(lines) != len(p.layers) {
		t.Fatalf("%s has %d layers, and a history of %d", p.digest, len(p.layers), len(lines))
	}
	names := map[string]string{}
	for i, l := range p.layers {
		names[l] = lines[i]
	}
	return names
}

// layersOf are the layers of an image for this platform, base first.
func layersOf(t *testing.T, image string) []v1.Layer {
	t.Helper()
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref, remote.WithAuth(authn.Anonymous))
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	return layers
}

// missingFrom lists the layers of p that other does not have.
func (p pushed) missingFrom(other pushed) []string {
	var out []string
	for _, l := range p.layers {
		found := false
		for _, o := range other.layers {
			found = found || l == o
		}
		if !found {
			out = append(out, l)
		}
	}
	return out
}

// example copies an example's folder, with its lock. The repository that git-dependency and private-git name is served to everybody, as are the
// indexes of private-index, versioned is a checkout with a tag, and distroless is built on the lab's stand-in for its base.
func example(t *testing.T, which string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "examples", which))); err != nil {
		t.Fatal(err)
	}
	switch which {
	case "git-dependency":
		serveRepository(t, dir, "https://git.example/")
	case "private-git":
		serveRepository(t, dir, "ssh://git@git.example/")
	case "private-index":
		serveIndexes(t, dir)
	case "versioned":
		tagged(t, dir, "v1.2.3")
	case "distroless":
		replace(t, dir, "Pyfile", `"gcr.io/distroless/python3-debian13"`, `"lab/python-distroless:3.13"`)
	}
	return dir
}

// tagged makes a directory a repository whose only commit has a tag.
func tagged(t *testing.T, dir, tag string) {
	t.Helper()
	for _, args := range [][]string{{"init", "--quiet", "--initial-branch=main"}, {"add", "--all"}, {"commit", "--quiet", "-m", "first"}, {"tag", tag}} {
		must(t, dir, "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
	}
}

// write writes a file of a project.
func write(t *testing.T, dir, file, data string) {
	t.Helper()
	path := filepath.Join(dir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replace changes a text in a file of a project, once.
func replace(t *testing.T, dir, file, old, new string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s does not contain %q", file, old)
	}
	write(t, dir, file, strings.Replace(string(data), old, new, 1))
}

// proxy forwards to one server and counts what passes.
type proxy struct {
	host      string // localhost:port
	mu        sync.Mutex
	requests  []string // "GET /path"
	transfers []transfer
}

// transfer is what one request moved.
type transfer struct {
	method, path, query string
	status              int
	sent, received      int64 // bytes of the bodies, by the client's side
}

// newProxy starts a proxy for the server at target, such as http://localhost:5055.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	p := &proxy{}
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	p.host = fmt.Sprintf("localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			host, _ := strings.CutPrefix(target, "http://")
			r.Out.URL.Scheme, r.Out.URL.Host = "http", host
			if secure, ok := strings.CutPrefix(target, "https://"); ok {
				r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "https", secure, secure
			}
		},
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.requests = append(p.requests, r.Method+" "+r.URL.Path)
		p.mu.Unlock()
		body, answer := &countingReader{ReadCloser: r.Body}, &countingWriter{ResponseWriter: w}
		r.Body = body
		forward.ServeHTTP(answer, r)
		p.mu.Lock()
		p.transfers = append(p.transfers, transfer{r.Method, r.URL.Path, r.URL.RawQuery, answer.status, body.n.Load(), answer.n})
		p.mu.Unlock()
	}), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Shutdown(context.Background()) })
	return p
}

// take returns the requests since the last take.
func (p *proxy) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.requests
	p.requests, p.transfers = nil, nil
	return out
}

// takeTransfers returns what was moved since the last take.
func (p *proxy) takeTransfers() []transfer {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.transfers
	p.requests, p.transfers = nil, nil
	return out
}

// countingReader counts what a server is sent. The proxy may still read when the request is answered.
type countingReader struct {
	io.ReadCloser
	n atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.n.Add(int64(n))
	return n, err
}

// countingWriter counts what a server answers.
type countingWriter struct {
	http.ResponseWriter
	status int
	n      int64
}

func (w *countingWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.n += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController flush.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// matching lists the requests that contain a text.
func matching(requests []string, text string) []string {
	var out []string
	for _, r := range requests {
		if strings.Contains(r, text) {
			out = append(out, r)
		}
	}
	return out
}

// run starts a container as the image says, with a read-only root file system and no network but loopback, and returns its output.
func run(t *testing.T, image string, args ...string) string {
	t.Helper()
	must(t, ".", "docker", "pull", "-q", image)
	var stdout bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "docker", append([]string{"run", "--rm", "--read-only", "--network", "none", image}, args...)...)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("run %s: %v\n%s%s", image, err, stdout.String(), stderr.String())
	}
	return stdout.String()
}
