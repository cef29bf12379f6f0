//go:build integration

package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// engine is a daemon that users have, reached with `docker buildx`.
type engine struct {
	name    string
	docker  []string          // arguments of docker, before its command
	builder string            // of buildx
	options []string          // of each build
	bake    string            // the same as lines of a target of bake
	refuses map[string]string // what it cannot do, by the name of the check: a part of what Docker or BuildKit says then
	// pair are two of its kind that share a registry cache, new ones: the history of a daemon is a part of each cache that it exports. nil
	// where it has no such cache.
	pair func(t *testing.T) (writes, reads engine)
}

// newEngines are the engines of the table, started where the lab does not have them.
func newEngines(t *testing.T) []engine {
	const noCache, noPlatforms = "Cache export is not supported for the docker driver", "Multi-platform build is not supported for the docker driver"
	buildkitd := func(t *testing.T, builder string) engine {
		t.Helper()
		return engine{builder: newBuilder(t, builder, freshDaemon(t, registryHost).addr)}
	}
	docker := func(t *testing.T, node string) engine {
		t.Helper()
		return engine{docker: []string{"--host", newNode(t, node)}, builder: "default", options: []string{"--network", "host"}}
	}
	tls := engine{name: "buildkitd, TCP with TLS", builder: overTLS(t)}
	tls.pair = func(t *testing.T) (writes, reads engine) { return tls, buildkitd(t, "pyfile-reads") }
	return []engine{
		{name: "buildkitd", builder: labBuilder, pair: func(t *testing.T) (writes, reads engine) {
			return buildkitd(t, "pyfile-writes"), buildkitd(t, "pyfile-reads")
		}},
		tls,
		{name: "Docker Engine, containerd store", builder: "default", pair: func(t *testing.T) (writes, reads engine) {
			return docker(t, "containerd"), docker(t, "containerd2")
		}},
		{
			name: "Docker Engine, overlay2", builder: "default", docker: []string{"--host", newOverlay2(t).addr}, options: []string{"--network", "host"}, bake: "\n  network = \"host\"",
			refuses: map[string]string{"registry cache": noCache, "several platforms": noPlatforms},
		},
	}
}

// newBuilder makes a builder of buildx for a daemon.
func newBuilder(t *testing.T, name, addr string, options ...string) string {
	t.Helper()
	remove := func() error { return exec.Command("docker", "buildx", "rm", name).Run() }
	_ = remove() // what a killed test has left
	args := []string{"buildx", "create", "--name", name, "--driver", "remote"}
	for _, o := range options {
		args = append(args, "--driver-opt", o)
	}
	must(t, ".", "docker", append(args, addr)...)
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Errorf("the builder %s stays: %v", name, err)
		}
	})
	return name
}

// overTLS starts a buildkitd that is reached over TCP by clients with a certificate only, and returns a builder.
func overTLS(t *testing.T) string {
	t.Helper()
	dir, now := t.TempDir(), time.Now()
	file := func(name string) string { return filepath.Join(dir, name) }
	put := func(name, kind string, der []byte) {
		if err := os.WriteFile(file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var ca *x509.Certificate
	var caKey *ecdsa.PrivateKey
	for i, name := range []string{"ca", "server", "client"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		cert := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
			IsCA: i == 0, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		if ca == nil {
			ca, caKey = cert, key
		}
		der, err := x509.CreateCertificate(rand.Reader, cert, ca, &key.PublicKey, caKey)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		put(name+".pem", "CERTIFICATE", der)
		put(name+"-key.pem", "PRIVATE KEY", secret)
	}
	p := freshProcess(t, registryHost, func(p *process) {
		p.addr = fmt.Sprintf("tcp://127.0.0.1:%d", freePort(t))
		p.server = []string{"--tlscacert", file("ca.pem"), "--tlscert", file("server.pem"), "--tlskey", file("server-key.pem")}
		p.client = []string{"--tlscacert", file("ca.pem"), "--tlscert", file("client.pem"), "--tlskey", file("client-key.pem")}
	})
	if out, err := command(t, ".", "buildctl", "--addr", p.addr, "--tlscacert", file("ca.pem"), "debug", "workers"); err == nil {
		t.Fatalf("a client without a certificate is let in:\n%s", out)
	}
	return newBuilder(t, "pyfile-tls", p.addr, "cacert="+file("ca.pem"), "cert="+file("client.pem"), "key="+file("client-key.pem"))
}

// buildx runs a command of buildx with the engine's builder.
func (e engine) buildx(t *testing.T, dir, what string, args ...string) (string, error) {
	t.Helper()
	return command(t, dir, "docker", slices.Concat(e.docker, []string{"buildx", what, "--builder", e.builder, "--progress", "plain"}, args)...)
}

// build builds the project in a directory.
func (e engine) build(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	return e.buildx(t, dir, "build", slices.Concat([]string{"-f", "Pyfile"}, e.options, args, []string{"."})...)
}

// push builds and pushes an image, which must succeed.
func (e engine) push(t *testing.T, dir, image string, args ...string) (pushed, string) {
	t.Helper()
	log, err := e.build(t, dir, append(args, "-t", image, "--push")...)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	return imageOf(t, image), log
}

// check is a row of the table. It returns the output and the error of a build that an engine may refuse, and fails the test otherwise.
type check struct {
	name string
	run  func(t *testing.T, e engine, image string) (string, error)
}

var checks = []check{
	{"the image of every other daemon", func(t *testing.T, e engine, image string) (string, error) {
		dir := example(t, "fastapi")
		labDaemon().push(t, dir, image+":lab")
		got, _ := e.push(t, dir, image+":1")
		if diff := got.differences(imageOf(t, image+":lab")); diff != "" {
			t.Errorf("the image (+) is not the one that the lab's daemon makes (-):\n%s", diff)
		}
		return "", nil
	}},
	{"nothing changed: nothing runs", func(t *testing.T, e engine, image string) (string, error) {
		if _, log := e.push(t, example(t, "fastapi"), image+":1"); len(ranSteps(log)) > 0 {
			t.Errorf("these run: %q", ranSteps(log))
		}
		return "", nil
	}},
	{"one line: one layer", func(t *testing.T, e engine, image string) (string, error) {
		dir := example(t, "fastapi")
		before, _ := e.push(t, dir, image+":1")
		replace(t, dir, "app/main.py", "hello", "good day")
		after, _ := e.push(t, dir, image+":2")
		if missing := after.missingFrom(before); !slices.Equal(missing, after.layers[len(after.layers)-1:]) {
			t.Errorf("new layers: %v of %v", missing, after.layers)
		}
		return "", nil
	}},
	{"errors at their line", func(t *testing.T, e engine, _ string) (string, error) {
		w := wrongCase(t, "uv-stale")
		out, err := e.build(t, w.dir, "--output", "type=cacheonly")
		marked, message := w.message(t)
		if got, want := report(out), marked+"ERROR: failed to build: failed to solve: "+message; err == nil || got != want {
			t.Errorf("%v, got:\n%s\nwant:\n%s", err, got, want)
		}
		return "", nil
	}},
	{"`--call`, warnings", func(t *testing.T, e engine, _ string) (string, error) {
		const warning = "the dependencies are not locked, so that another day's build may get other versions"
		if out, err := e.build(t, example(t, "lock-none"), "--call=check"); !strings.Contains(out, warning) {
			t.Errorf("check of a project without a lock: %v\n%s", err, out)
		}
		if out, err := e.build(t, example(t, "hello"), "--call=check"); err != nil || !strings.Contains(out, "Check complete, no warnings found.") {
			t.Errorf("check: %v\n%s", err, out)
		}
		if out, err := e.build(t, example(t, "hello"), "--call=targets"); err != nil || !strings.Contains(out, "app-builder") {
			t.Errorf("targets: %v\n%s", err, out)
		}
		return "", nil
	}},
	{"`--target wheels`, into a directory", func(t *testing.T, e engine, _ string) (string, error) {
		out := t.TempDir()
		if log, err := e.build(t, example(t, "fastapi"), "--target", "wheels", "--output", out); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		if wheels, err := filepath.Glob(filepath.Join(out, "*.whl")); err != nil || len(wheels) < 8 {
			t.Errorf("%v, %v", wheels, err)
		}
		return "", nil
	}},
	{"`--target test`, reports into a directory", func(t *testing.T, e engine, _ string) (string, error) {
		out := t.TempDir()
		if log, err := e.build(t, example(t, "tested"), "--target", "test", "--output", out); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		if report, err := os.ReadFile(filepath.Join(out, "junit.xml")); err != nil || !strings.Contains(string(report), `tests="5"`) {
			t.Errorf("the report is %s, %v", report, err)
		}
		return "", nil
	}},
	{"secrets", func(t *testing.T, e engine, image string) (string, error) {
		dir := stepProject(t, "[steps.look]\nrun = [\"sh\", \"-ec\", \"wc -c < /run/secrets/token > size\"]\nsecrets = [\"token\"]\n")
		token := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(token, []byte("twelve chars"), 0o600); err != nil {
			t.Fatal(err)
		}
		e.push(t, dir, image+":secret", "--secret", "id=token,src="+token)
		if _, texts := entries(t, image+":secret", -1); texts["/app/size"] != "12\n" {
			t.Errorf("the step left %q", texts)
		}
		return "", nil
	}},
	{"the base as a named context", func(t *testing.T, e engine, image string) (string, error) {
		company := derivedBase(t, "company-base", "ENV COMPANY=1")
		got, _ := e.push(t, example(t, "hello"), image+":base", "--build-context", "python:3.13-slim=docker-image://"+company)
		if base := imageOf(t, company); !slices.Equal(got.layers[:len(base.layers)], base.layers) || !slices.Contains(got.config.Config.Env, "COMPANY=1") {
			t.Errorf("the image stands on %v", got.layers)
		}
		return "", nil
	}},
	{"git contexts", func(t *testing.T, e engine, image string) (string, error) {
		dir, folder := example(t, "hello"), t.TempDir()
		commit(t, dir, filepath.Join(folder, "hello.git"))
		return e.same(t, dir, image, gitServer(t, folder)+"hello.git#main")
	}},
	{"HTTP contexts", func(t *testing.T, e engine, image string) (string, error) {
		dir, archive := example(t, "hello"), filepath.Join(t.TempDir(), "context.tar.gz")
		must(t, dir, "tar", "-czf", archive, ".")
		server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(archive))))
		t.Cleanup(server.Close)
		return e.same(t, dir, image, server.URL+"/context.tar.gz")
	}},
	{"bake", func(t *testing.T, e engine, image string) (string, error) {
		dir := example(t, "hello")
		write(t, dir, "docker-bake.hcl", `target "default" {
  dockerfile = "Pyfile"
  tags = ["`+image+`:baked"]
  output = ["type=registry"]`+e.bake+`
}
`)
		if log, err := e.buildx(t, dir, "bake", "--allow", "network.host"); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		labDaemon().push(t, dir, image+":lab")
		if diff := imageOf(t, image+":baked").differences(imageOf(t, image+":lab")); diff != "" {
			t.Errorf("the image of bake (+) is another:\n%s", diff)
		}
		return "", nil
	}},
	{"several platforms", func(t *testing.T, e engine, image string) (string, error) {
		log, err := e.build(t, example(t, "hello"), "-t", image+":platforms", "--push", "--platform", "linux/amd64,linux/arm64")
		if err != nil {
			return log, err
		}
		for _, arch := range []string{"amd64", "arm64"} {
			if got := imageFor(t, image+":platforms", arch).config.Architecture; got != arch {
				t.Errorf("the image for %s is of %s", arch, got)
			}
		}
		return "", nil
	}},
	{"registry cache", func(t *testing.T, e engine, image string) (string, error) {
		dir, cache := example(t, "fastapi"), "type=registry,ref="+image+":cache"
		writes, reads := e, e
		if e.pair != nil {
			writes, reads = e.pair(t)
		}
		if log, err := writes.build(t, dir, "-t", image+":1", "--push", "--cache-to", cache+",mode=max"); err != nil {
			return log, err
		}
		got, log := reads.push(t, dir, image+":2", "--cache-from", cache)
		if diff := got.differences(imageOf(t, image+":1")); diff != "" || len(ranSteps(log)) > 0 {
			t.Errorf("another daemon runs %q and makes another image:\n%s\n%s", ranSteps(log), diff, log)
		}
		return "", nil
	}},
}

// same builds a context elsewhere, which must give the image of the directory.
func (e engine) same(t *testing.T, dir, image, context string) (string, error) {
	t.Helper()
	labDaemon().push(t, dir, image+":lab")
	log, err := e.buildx(t, dir, "build", slices.Concat([]string{"-f", "Pyfile", "-t", image + ":elsewhere", "--push"}, e.options, []string{context})...)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if diff := imageOf(t, image+":elsewhere").differences(imageOf(t, image+":lab")); diff != "" {
		t.Errorf("the image of %s (+) is another than that of the directory (-):\n%s", context, diff)
	}
	return "", nil
}

const (
	enginesFile = "../docs/engines.md"
	tableStart  = "<!-- make engines writes this table -->\n"
	tableEnd    = "<!-- end -->\n"
)

// TestEnginesDoWhatTheirTableSays runs each check with each engine. What an engine is said to refuse must be refused.
func TestEnginesDoWhatTheirTableSays(t *testing.T) {
	engines := newEngines(t)
	table := "|"
	for _, e := range engines {
		table += " | " + e.name
	}
	table += " |\n|---|" + strings.Repeat("---|", len(engines)) + "\n"
	for _, c := range checks {
		table += "| " + c.name
		for i, e := range engines {
			cell := "no"
			t.Run(strings.ReplaceAll(c.name+"/"+e.name, ",", ""), func(t *testing.T) {
				image := fmt.Sprintf("%s/test/engine-%d", registryHost, i)
				out, err := c.run(t, e, image)
				refusal, refuses := e.refuses[c.name]
				switch {
				case !refuses && err == nil:
					cell = "yes"
				case !refuses:
					t.Errorf("%v\n%s", err, out)
				case err == nil || !strings.Contains(out, refusal):
					t.Errorf("it is said to refuse this with %q: %v\n%s", refusal, err, out)
				default:
					cell = "refused by Docker"
				}
			})
			table += " | " + cell
		}
		table += " |\n"
	}
	tableIsWritten(t, table)
}

// tableIsWritten compares the table with that of the page, or writes it there.
func tableIsWritten(t *testing.T, table string) {
	t.Helper()
	page, err := os.ReadFile(enginesFile)
	if err != nil {
		t.Fatal(err)
	}
	between := regexp.MustCompile(`(?s)` + regexp.QuoteMeta(tableStart) + `.*` + regexp.QuoteMeta(tableEnd))
	if !between.Match(page) {
		t.Fatalf("%s has no place for the table", enginesFile)
	}
	written := between.ReplaceAllLiteral(page, []byte(tableStart+"\n"+table+"\n"+tableEnd))
	switch {
	case string(written) == string(page):
	case t.Failed():
	case !*update:
		t.Errorf("%s has another table than this; run `make engines`:\n%s", enginesFile, table)
	default:
		if err := os.WriteFile(enginesFile, written, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
