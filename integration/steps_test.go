//go:build integration

package integration

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// stepProject is a project without dependencies whose Pyfile has some steps.
func stepProject(t *testing.T, steps string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\ncmd = [\"python\", \"main.py\"]\n"+steps)
	write(t, dir, "main.py", "print('run')\n")
	return dir
}

// entries are the headers of a layer of an image, by path, with the text of regular files.
func entries(t *testing.T, image string, layer int) (map[string]tar.Header, map[string]string) {
	t.Helper()
	layers := layersOf(t, image)
	if layer < 0 {
		layer += len(layers)
	}
	data, err := layers[layer].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	headers, texts := map[string]tar.Header{}, map[string]string{}
	for r := tar.NewReader(data); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return headers, texts
		}
		if err != nil {
			t.Fatal(err)
		}
		name := "/" + strings.Trim(h.Name, "/")
		headers[name] = *h
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(text)
	}
}

// TestEachStepIsALayerOfWhatItChangesInWorkdir looks at the two layers of an example, on two daemons.
func TestEachStepIsALayerOfWhatItChangesInWorkdir(t *testing.T) {
	dir := example(t, "collectstatic")
	image := registryHost + newRepository("steps") + ":1"
	first, _ := labDaemon().push(t, dir, image)
	fresh := freshDaemon(t, registryHost)
	if second, _ := fresh.push(t, dir, image); second != first {
		t.Errorf("two daemons give %s and %s", first, second)
	}
	pushed := imageOf(t, image)
	names := pushed.names(t)
	last := pushed.layers[len(pushed.layers)-2:]
	if names[last[0]] != "step static" || names[last[1]] != "step messages" {
		t.Fatalf("the last layers are %q and %q", names[last[0]], names[last[1]])
	}
	for layer, want := range map[int]string{-2: "/app/collected", -1: "/app/shop/locale/de/LC_MESSAGES/django.mo"} {
		headers, _ := entries(t, image, layer)
		found := false
		for name, h := range headers {
			if !strings.HasPrefix(name, "/app") || h.Uid != 0 || h.Gid != 0 {
				t.Errorf("a step left %s of %d:%d", name, h.Uid, h.Gid)
			}
			if !h.ModTime.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) {
				t.Errorf("%s is of %s", name, h.ModTime)
			}
			found = found || strings.HasPrefix(name, want)
		}
		if !found || len(headers) > 20 {
			t.Errorf("a step left %d entries, and %s is among them: %v", len(headers), want, found)
		}
	}
	if out := run(t, image, "sh", "-c", "command -v msgfmt || echo none"); out != "none\n" {
		t.Errorf("the image has the packages of a step: %s", out)
	}

	// Another line of code runs them again, but installs nothing; another label runs nothing.
	write(t, dir, "shop/more.py", "x = 1\n")
	_, log := fresh.push(t, dir, image)
	ran := ranSteps(log)
	for _, name := range ran {
		if strings.Contains(name, "install gettext") {
			t.Errorf("packages of a step were installed again: %v", ran)
		}
	}
	if !slices.ContainsFunc(ran, func(name string) bool { return strings.HasPrefix(name, "[final] run step static") }) {
		t.Errorf("the step did not see the changed code: %v", ran)
	}
	replace(t, dir, "Pyfile", "expose = [\"8000\"]", "expose = [\"8000\"]\nlabels = { a = \"b\" }")
	_, log = fresh.push(t, dir, image)
	for _, name := range ranSteps(log) {
		if strings.Contains(name, "run step") {
			t.Errorf("another label runs %s", name)
		}
	}
}

// TestAStepIsAloneWithWhatItIsGiven looks from inside at user, network, secrets and what is kept.
func TestAStepIsAloneWithWhatItIsGiven(t *testing.T) {
	dir := stepProject(t, `
[steps.prepare]
run = ["sh", "-ec", "mkdir out; chown 65532:65532 out; rm main.py; echo root > root.txt; touch /tmp/dropped /usr/local/dropped"]
[steps.look]
run = ["sh", "-ec", "id -u > out/id; cat /run/secrets/token > /tmp/t; wc -c < /tmp/t > out/size; (ip link 2>/dev/null || cat /proc/net/dev) | grep -c eth0 > out/net || true; ls /usr/local | grep -c dropped > out/dropped || true; ! touch /app/mine 2>/dev/null"]
user = "nonroot"
secrets = ["token"]
`)
	write(t, dir, "main.py.orig", "x\n")
	image := registryHost + newRepository("step-alone") + ":1"
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("canary-of-the-step"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, log := labDaemon().push(t, dir, image, "--secret", "id=token,src="+token)
	headers, texts := entries(t, image, -1)
	for name, want := range map[string]string{"/app/out/id": "65532\n", "/app/out/size": "18\n", "/app/out/net": "0\n", "/app/out/dropped": "0\n"} {
		if texts[name] != want {
			t.Errorf("%s has %q, want %q", name, texts[name], want)
		}
	}
	if h := headers["/app/out/id"]; h.Uid != 65532 {
		t.Errorf("the file of the step's user is of %d", h.Uid)
	}
	headers, _ = entries(t, image, -2)
	if _, ok := headers["/app/.wh.main.py"]; !ok {
		t.Errorf("what a step removed is there: %v", headers)
	}
	if strings.Contains(log, "canary-of-the-step") {
		t.Error("the secret is in the log")
	}
	// Another secret is no reason to run it again.
	if err := os.WriteFile(token, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, log = labDaemon().push(t, dir, image, "--secret", "id=token,src="+token); slices.ContainsFunc(ranSteps(log), func(n string) bool { return strings.Contains(n, "run step") }) {
		t.Errorf("another secret runs steps again: %v", ranSteps(log))
	}
}

// TestAStepMayUseTheNetworkThatItAsksFor fetches from the test's own index.
func TestAStepMayUseTheNetworkThatItAsksFor(t *testing.T) {
	s := newIndex(t, []testWheel{newWheel(t, "one", "1.0")})
	dir := stepProject(t, `
[steps.fetch]
run = ["python", "-c", "import sys, urllib.request as u; open('page', 'wb').write(u.urlopen(sys.argv[1]).read())", "`+s.URL+`/simple/one/"]
network = true
`)
	image := registryHost + newRepository("step-network") + ":1"
	labDaemon().push(t, dir, image)
	if _, texts := entries(t, image, -1); !strings.Contains(texts["/app/page"], "one-1.0") {
		t.Errorf("the step left %q", texts)
	}
	replace(t, dir, "Pyfile", "network = true", "network = false")
	if log, err := labDaemon().build(t, dir); err == nil || !strings.Contains(log, "urlopen error") {
		t.Errorf("a step without a network reached the index: %v\n%s", err, log)
	}
}

// TestTestsRunOnTheImageAndLeaveTheirReports also checks that the image is the same whether or not they ran.
func TestTestsRunOnTheImageAndLeaveTheirReports(t *testing.T) {
	dir, d := example(t, "tested"), freshDaemon(t, registryHost)
	image, out := registryHost+newRepository("tested")+":1", t.TempDir()
	log, err := d.build(t, dir, "--opt", "target=test", "--output", "type=local,dest="+out)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if !strings.Contains(log, "5 passed") {
		t.Errorf("the output of the tests is not in the log:\n%s", log)
	}
	report, err := os.ReadFile(filepath.Join(out, "junit.xml"))
	if err != nil || !strings.Contains(string(report), `tests="5"`) {
		t.Errorf("the report is %s, %v", report, err)
	}
	coverage, err := os.ReadFile(filepath.Join(out, "coverage.xml"))
	if err != nil || !strings.Contains(string(coverage), "prices/__init__.py") {
		t.Errorf("the coverage is %s, %v", coverage, err)
	}
	files, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name())
	}
	if !slices.Equal(names, []string{".coverage", "coverage.xml", "junit.xml"}) {
		t.Errorf("the tests left %v", names)
	}
	after, _ := d.push(t, dir, image)
	if alone, _ := freshDaemon(t, registryHost).push(t, dir, image); after != alone {
		t.Errorf("the image is %s after the tests and %s without", after, alone)
	}
	if out := run(t, image, "python", "-c", "import importlib.util; print(importlib.util.find_spec('pytest'))"); out != "None\n" {
		t.Errorf("the image has pytest: %s", out)
	}

	replace(t, dir, "tests/test_prices.py", `(5, "0.05 EUR")`, `(5, "0.5 EUR")`)
	log, err = d.build(t, dir, "--opt", "target=test")
	if err == nil {
		t.Fatal("failing tests fail no build")
	}
	for _, want := range []string{"1 failed, 4 passed", ">>> run = [\"pytest\"", "pytest ended with status 1"} {
		if !strings.Contains(log, want) {
			t.Errorf("%q is not in the log:\n%s", want, log)
		}
	}
	if fixed, _ := d.push(t, dir, image); fixed != after {
		t.Errorf("a changed test changes the image: %s, %s", fixed, after)
	}
}
