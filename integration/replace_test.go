//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ociLayout writes an image of the lab's registry as an OCI layout and returns its directory and digest.
func ociLayout(t *testing.T, image string) (dir, digest string) {
	t.Helper()
	dir = t.TempDir()
	must(t, dir, "crane", "pull", "--insecure", "--format=oci", image, dir)
	var index struct{ Manifests []struct{ Digest string } }
	data, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil || json.Unmarshal(data, &index) != nil || len(index.Manifests) != 1 {
		t.Fatalf("the layout of %s: %s, %v", image, data, err)
	}
	return dir, index.Manifests[0].Digest
}

// TestAnImageInPlaceOfBaseGivesTheSameImage puts what --target base gives in the place of base in every way that there is, and what
// --target dep-builder gives in that of dep-builder.
func TestAnImageInPlaceOfBaseGivesTheSameImage(t *testing.T) {
	t.Parallel()
	dir, repository := example(t, "fastapi"), registryHost+"/test/replaced-base"
	labDaemon().push(t, dir, repository+":base", "--opt", "target=base")
	want, _ := labDaemon().push(t, dir, repository+":direct")
	store, digest := ociLayout(t, repository+":base")
	for name, args := range map[string][]string{
		"image":  {"--opt", "context:base=docker-image://" + repository + ":base"},
		"layout": {"--opt", "context:base=oci-layout:store@" + digest, "--oci-layout", "store=" + store},
	} {
		got, log := labDaemon().push(t, dir, repository+":"+name, args...)
		if got != want {
			t.Errorf("%s gives %s, not %s\n%s", name, got, want, imageOf(t, repository+":"+name).differences(imageOf(t, repository+":direct")))
		}
		if strings.Contains(log, "[dep-builder]") || strings.Contains(log, "[base] install") {
			t.Errorf("%s: dependencies are fetched or installed\n%s", name, log)
		}
	}
	// The same as one target of bake that another one needs. Of an image that another build makes, only its graph is given.
	write(t, dir, "docker-bake.hcl", fmt.Sprintf(`
target "base" {
  dockerfile = "Pyfile"
  target     = "base"
}
target "app" {
  dockerfile = "Pyfile"
  contexts   = { base = "target:base" }
  tags       = [%q]
  attest     = ["type=provenance,disabled=true"]
}
target "builder" {
  dockerfile = "Pyfile"
  target     = "dep-builder"
}
target "packed" {
  inherits = ["app"]
  contexts = { base = "", dep-builder = "target:builder" }
  tags     = [%q]
}
`, repository+":bake", repository+":packed"))
	if stdout, stderr, code := call(t, dir, "bake", "--builder", labBuilder, "--check", "app"); code != 0 || !strings.Contains(stdout, "no warnings found") {
		t.Errorf("bake --check ends with %d\n%s%s", code, stdout, stderr)
	}
	must(t, dir, "docker", "buildx", "bake", "--builder", labBuilder, "--push", "app", "packed")
	for _, tag := range []string{"bake", "packed"} {
		if got := imageOf(t, repository+":"+tag); got.digest != want {
			t.Errorf("%s gives %s, not %s\n%s", tag, got.digest, want, got.differences(imageOf(t, repository+":direct")))
		}
	}
	must(t, dir, "docker", "buildx", "bake", "--builder", "default", "--load", "app")
	if diff := saved(t, repository+":bake").differences(imageOf(t, repository+":direct")); diff != "" {
		t.Errorf("the Docker Engine gives another image:\n%s", diff)
	}
}

// TestWhatIsBuiltOnAReplacedBaseIsTheSame has a project without dependencies, and one with steps that need packages.
func TestWhatIsBuiltOnAReplacedBaseIsTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"hello", "collectstatic"} {
		dir, image := example(t, name), registryHost+"/test/replaced-"+name+":"
		labDaemon().push(t, dir, image+"base", "--opt", "target=base")
		want, _ := labDaemon().push(t, dir, image+"direct")
		if got, _ := labDaemon().push(t, dir, image+"replaced", "--opt", "context:base=docker-image://"+image+"base"); got != want {
			t.Errorf("%s is %s, not %s\n%s", name, got, want, imageOf(t, image+"replaced").differences(imageOf(t, image+"direct")))
		}
	}
}

// TestABaseThatIsReplacedIsNotPulledByAFreshRunner builds on an image of a registry with nothing but a registry cache.
func TestABaseThatIsReplacedIsNotPulledByAFreshRunner(t *testing.T) {
	t.Parallel()
	dir, registry := example(t, "fastapi"), newProxy(t, "http://"+registryHost)
	repository := registry.host + "/test/replaced-fresh"
	labDaemon().push(t, dir, registryHost+"/test/replaced-fresh:base", "--opt", "target=base")
	base := []string{"--opt", "context:base=docker-image://" + repository + ":base"}
	first, _ := freshDaemon(t, registry.host).push(t, dir, repository+":1", append(base, "--export-cache", "type=registry,ref="+repository+":cache,mode=max")...)
	given := imageOf(t, repository+":base")
	registry.take()
	again, log := freshDaemon(t, registry.host).push(t, dir, repository+":1", append(base, "--import-cache", "type=registry,ref="+repository+":cache")...)
	if again != first {
		t.Errorf("a fresh runner gives %s, not %s", again, first)
	}
	names := given.names(t)
	for _, l := range pulledLayers(registry.take(), given) {
		if names[l] != "what verify found" { // it has no other bytes than what verify found here, which the frontend reads
			t.Errorf("nothing changed, and a layer of the base was pulled: %s, %s", l, names[l])
		}
	}
	if ran := ranSteps(log); len(ran) > 0 {
		t.Errorf("nothing changed, and these steps ran: %v", ran)
	}
}

// TestAForeignImageInPlaceOfBaseIsComparedWithTheLock builds on an image of a Dockerfile, whose packages are not all those of the lock.
func TestAForeignImageInPlaceOfBaseIsComparedWithTheLock(t *testing.T) {
	t.Parallel()
	dir, image := example(t, "lock-uv"), registryHost+"/test/foreign-base:1"
	write(t, dir, "company/Dockerfile", "FROM python:3.13-slim\nRUN python -m venv --without-pip /opt/venv && "+
		"pip --python /opt/venv/bin/python install --no-cache-dir click==8.2.1 jinja2==3.1.6 markupsafe==3.0.4 structlog==26.1.0\n")
	write(t, dir, "docker-bake.hcl", fmt.Sprintf(`
target "company" {
  context = "company"
}
target "app" {
  dockerfile = "Pyfile"
  contexts   = { base = "target:company" }
  tags       = [%q]
}
`, image))
	log := must(t, dir, "docker", "buildx", "bake", "--builder", labBuilder, "--progress", "plain", "--push", "app")
	for _, want := range []string{"OtherVersion: uv.lock:", "the image has click 8.2.1, and the lock 8.5.0", "the image lacks pyyaml, which the lock has"} {
		if !strings.Contains(log, want) {
			t.Errorf("the build does not say %q:\n%s", want, log)
		}
	}
	if n := strings.Count(log, " - OtherVersion: "); n != 2 {
		t.Errorf("%d warnings of versions:\n%s", n, log)
	}
	if got, want := run(t, image), "click 8.2.1\njinja2 3.1.6\nmarkupsafe 3.0.4\nstructlog 26.1.0\nversions 1.0.0\n"; got != want {
		t.Errorf("the container prints %q, not %q", got, want)
	}
	if got := run(t, image, "python", "-c", "import os; print(os.getcwd(), os.getuid(), os.path.expanduser('~nonroot'))"); got != "/app 65532 /home/nonroot\n" {
		t.Errorf("the image lacks the user or the working directory: %q", got)
	}
	out, err := command(t, dir, "docker", "buildx", "bake", "--builder", labBuilder, "--set", "app.args.BUILDKIT_DOCKERFILE_CHECK=error=true", "app")
	if err == nil || !strings.Contains(out, "the image lacks pyyaml, which the lock has (rule OtherVersion)") {
		t.Errorf("with error=true: %v\n%s", err, out)
	}
}

// TestTestsRunInTheImageThatWasPushed changes the project after its image was pushed: the tests see what was pushed.
func TestTestsRunInTheImageThatWasPushed(t *testing.T) {
	t.Parallel()
	dir, image, out := example(t, "tested"), registryHost+"/test/replaced-final:1", t.TempDir()
	labDaemon().push(t, dir, image)
	write(t, dir, "src/prices/__init__.py", "def price(cents):\n    return \"changed\"\n")
	args := []string{"--opt", "target=test", "--output", "type=local,dest=" + out}
	if log, err := labDaemon().build(t, dir, args...); err == nil {
		t.Fatalf("the tests do not see the change without the image:\n%s", log)
	}
	log, err := labDaemon().build(t, dir, append(args, "--opt", "context:final=docker-image://"+image)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if strings.Contains(log, "[app-builder]") || strings.Contains(log, "install prices") || strings.Contains(log, "install babel") {
		t.Errorf("the image is built again:\n%s", log)
	}
	if report, err := os.ReadFile(filepath.Join(out, "junit.xml")); err != nil || !strings.Contains(string(report), `failures="0"`) || !strings.Contains(string(report), `tests="5"`) {
		t.Errorf("the report is %s, %v", report, err)
	}
}

// TestWheelsComeFromADirectory builds with the wheels of an earlier build, and asks no index and no backend.
func TestWheelsComeFromADirectory(t *testing.T) {
	t.Parallel()
	dir, repository, wheels := example(t, "cython"), registryHost+"/test/replaced-wheels", t.TempDir()
	want, _ := labDaemon().push(t, dir, repository+":direct")
	if log, err := labDaemon().build(t, dir, "--opt", "target=wheels", "--output", "type=local,dest="+wheels); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	from := []string{"--local", "wheels=" + wheels, "--opt", "context:dep-builder=local:wheels", "--opt", "context:app-builder=local:wheels"}
	got, log := labDaemon().push(t, dir, repository+":taken", from...)
	if got != want {
		t.Errorf("the image is %s, not %s\n%s", got, want, imageOf(t, repository+":taken").differences(imageOf(t, repository+":direct")))
	}
	if regexp.MustCompile(`\] (fetch|build|install [a-z._]+$|\[internal\] load metadata for .*python:3.13$)`).MatchString(log) {
		t.Errorf("something is fetched or built:\n%s", log)
	}
	if got := run(t, repository+":taken"); !regexp.MustCompile(examples(t)["cython"].Stdout).MatchString(got) {
		t.Errorf("the container prints %q", got)
	}
	files, err := filepath.Glob(filepath.Join(wheels, "*.whl"))
	if err != nil || len(files) < 2 {
		t.Fatalf("wheels: %v, %v", files, err)
	}
	locked := lockedWheels(t, dir)
	i := slices.IndexFunc(files, func(f string) bool {
		name, _, _ := strings.Cut(filepath.Base(f), "-")
		return locked[name] != nil
	})
	changed := filepath.Base(files[i])
	write(t, wheels, changed, "x")
	for _, want := range []string{changed + " of the build context is not the file that was locked", "the build context has no " + changed + ", which is the wheel that the lock names"} {
		if log, err := labDaemon().build(t, dir, from...); err == nil || !strings.Contains(log, want) {
			t.Errorf("want %q: %v\n%s", want, err, log)
		}
		if err := os.RemoveAll(filepath.Join(wheels, changed)); err != nil {
			t.Fatal(err)
		}
	}
}
