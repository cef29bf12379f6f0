//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// buildx builds a project with `docker buildx build` on the lab's buildkitd and pushes the image; it returns what was printed.
func buildx(t *testing.T, dir, image string, args ...string) string {
	t.Helper()
	return must(t, dir, "docker", append([]string{"buildx", "build", "--builder", labBuilder, "--progress", "plain", "--push", "-t", image}, args...)...)
}

func TestPyprojectIsAPyfileToo(t *testing.T) {
	t.Parallel()
	dir := example(t, "hello")
	if err := os.Remove(filepath.Join(dir, "Pyfile")); err != nil {
		t.Fatal(err)
	}
	project, err := os.ReadFile(filepath.Join(dir, "pyproject.toml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "pyproject.toml", "# syntax=org/pyfile:1\n"+string(project)+"\n[tool.pyfile]\npython = \"3.13\"\nenv = { FROM = \"pyproject\" }\n")
	image := registryHost + "/test/pyproject:1"
	buildx(t, dir, image, "-f", "pyproject.toml", ".")
	if got := run(t, image); got != "hello from Python 3.13 as user 65532\n" {
		t.Errorf("the container prints %q", got)
	}
	if env := imageOf(t, image).config.Config.Env; !slices.Contains(env, "FROM=pyproject") {
		t.Errorf("the image has the environment %v", env)
	}
}

// TestFrontendIsFoundWithoutASyntaxLine also checks that the way a build is started makes no difference to the image.
func TestFrontendIsFoundWithoutASyntaxLine(t *testing.T) {
	t.Parallel()
	dir := example(t, "hello")
	image := registryHost + "/test/syntax:"
	line, _ := labDaemon().push(t, dir, image+"line")
	write(t, dir, "Pyfile", "python = \"3.13\"\n")

	buildx(t, dir, image+"arg", "-f", "Pyfile", "--provenance=false", "--build-arg", "BUILDKIT_SYNTAX=org/pyfile:1", ".")
	must(t, dir, "buildctl", "--addr", labDaemon().addr, "build", "--progress", "plain", "--frontend", "gateway.v0", "--opt", "source=docker.io/org/pyfile:1",
		"--local", "context=.", "--local", "dockerfile=.", "--output", "type=image,name="+image+"gateway,push=true")
	for _, how := range []string{"arg", "gateway"} {
		if got := imageOf(t, image+how); got.digest != line {
			t.Errorf("%s: the image is %s, with the syntax line %s\n%s", how, got.digest, line, got.differences(imageOf(t, image+"line")))
		}
	}
}

func TestLabelsAndBuildArgsOfTheCommandLine(t *testing.T) {
	t.Parallel()
	dir := askable(t)
	replace(t, dir, "Pyfile", "labels = {", "labels = { kept = \"yes\", both = \"Pyfile\",")
	for arg, level := range map[string]string{"PORT=1": "info", "LEVEL=debug": "debug"} {
		image := registryHost + "/test/options:" + level
		buildx(t, dir, image, "-f", "Pyfile", "--build-arg", arg, "--label", "both=command line", "--label", "org.opencontainers.image.revision=abc", ".")
		labels := imageOf(t, image).config.Config.Labels
		for name, want := range map[string]string{
			"level": level, "kept": "yes", "both": "command line", "org.opencontainers.image.revision": "abc", "org.opencontainers.image.title": "hello",
		} {
			if labels[name] != want {
				t.Errorf("--build-arg %s: label %s is %q, not %q", arg, name, labels[name], want)
			}
		}
	}
	log, err := command(t, dir, "docker", "buildx", "build", "--builder", labBuilder, "-f", "Pyfile", "--build-arg", "OTHER=debug", ".")
	if err != nil {
		t.Errorf("a build argument that the Pyfile does not have, as bake and compose pass them to every build: %v\n%s", err, log)
	}
}

// TestNoCacheFilterRunsOneStageAgain is alone, because BuildKit shows the steps of other builds that are the same.
func TestNoCacheFilterRunsOneStageAgain(t *testing.T) {
	dir, image := example(t, "hello"), registryHost+"/test/no-cache:1"
	before, _ := labDaemon().push(t, dir, image)
	for filter, want := range map[string][]string{
		"":            nil,
		"final":       {"[final] install hello", "[final] verify what was installed"},
		"app-builder": {"[app-builder] install hatchling.build", "[app-builder] build the wheel of hello"},
		// The application is built and installed in what the stage makes, as in a Dockerfile.
		"base": {"[base] compile the standard library", "[base] add the virtual environment and the user", "[base] read Python, users and packages",
			"[base] read the shared libraries", "[base] take Python out of the image", "[base] look whether Python changed", "[base] add bytecode for what builds",
			"[app-builder] build the wheel of hello", "[final] install hello"},
		"dep-builder": nil,
	} {
		var args []string
		if filter != "" {
			args = []string{"--no-cache-filter=" + filter}
		}
		log := buildx(t, dir, image, append(args, "-f", "Pyfile", "--provenance=false", ".")...)
		got := ranSteps(log)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("--no-cache-filter=%s runs %q, not %q\n%s", filter, got, want, log)
		}
		if after := imageOf(t, image).digest; after != before {
			t.Errorf("--no-cache-filter=%s: the image was %s, now it is %s", filter, before, after)
		}
	}
}

func TestSourceDateEpochIsTheTimeOfTheImage(t *testing.T) {
	t.Parallel()
	dir, image := example(t, "hello"), registryHost+"/test/epoch:"
	labDaemon().push(t, dir, image+"none")
	none := imageOf(t, image+"none")
	base := imageOf(t, registryHost+"/library/python:3.13-slim")
	if !none.config.Created.Equal(base.config.Created.Time) {
		t.Errorf("without SOURCE_DATE_EPOCH the image is of %s, its base of %s", none.config.Created, base.config.Created)
	}
	for _, epoch := range []int64{1_750_000_000, 4_000_000_000} { // older and newer than any base, and not older than the build requirements, which it cuts
		tag := fmt.Sprint(image, epoch)
		labDaemon().push(t, dir, tag, "--opt", fmt.Sprint("build-arg:SOURCE_DATE_EPOCH=", epoch))
		got, want := imageOf(t, tag), time.Unix(epoch, 0)
		if !got.config.Created.Equal(want) {
			t.Errorf("the image is of %s, not %s", got.config.Created, want)
		}
		for i, h := range got.config.History {
			if i < len(base.config.History) {
				if !reflect.DeepEqual(h, base.config.History[i]) {
					t.Errorf("a layer of the base changes: %+v", h)
				}
			} else if !h.Created.Equal(want) {
				t.Errorf("layer %q is of %s, not %s", h.CreatedBy, h.Created, want)
			}
		}
		if !slices.Equal(got.layers, none.layers) {
			t.Errorf("the layers change:\n%v\n%v", none.layers, got.layers)
		}
	}
	if log, err := labDaemon().build(t, dir, "--opt", "build-arg:SOURCE_DATE_EPOCH=yesterday"); err == nil || !strings.Contains(log, `SOURCE_DATE_EPOCH must be seconds since 1970 or "context", not "yesterday"`) {
		t.Errorf("SOURCE_DATE_EPOCH=yesterday: %v\n%s", err, log)
	}
}

// provenance is the part of an SLSA provenance (version 1) that tells what a build used and did.
type provenance struct {
	BuildDefinition struct {
		ResolvedDependencies []struct {
			URI    string
			Digest map[string]string
		}
		InternalParameters struct {
			BuildConfig struct {
				LLBDefinition []struct {
					Op struct {
						Op struct {
							Exec *struct {
								Meta    struct{ Args []string }
								Network int // pb.NetMode: 2 is none
							}
						}
					}
				}
			}
		}
	}
}

// indexOf reads the index that a name of a registry stands for.
func indexOf(t *testing.T, image string) (v1.ImageIndex, *v1.IndexManifest) {
	t.Helper()
	ref, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(ref)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	return index, manifest
}

// provenanceOf reads the attestation that lies beside a pushed image.
func provenanceOf(t *testing.T, image string) provenance {
	t.Helper()
	index, manifest := indexOf(t, image)
	for _, m := range manifest.Manifests {
		if m.Annotations["vnd.docker.reference.type"] != "attestation-manifest" {
			continue
		}
		img, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		layers, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range layers {
			blob, err := l.Uncompressed()
			if err != nil {
				t.Fatal(err)
			}
			var statement struct {
				PredicateType string
				Predicate     provenance
			}
			err = json.NewDecoder(blob).Decode(&statement)
			blob.Close()
			if err != nil {
				t.Fatal(err)
			}
			if statement.PredicateType == "https://slsa.dev/provenance/v1" {
				return statement.Predicate
			}
		}
	}
	t.Fatalf("%s has no provenance: %+v", image, manifest.Manifests)
	return provenance{}
}

func TestProvenanceListsEveryWheelAndNoNetworkButOfBuildRequirements(t *testing.T) {
	t.Parallel()
	dir, image := example(t, "fastapi"), registryHost+"/test/provenance:1"
	buildx(t, dir, image, "-f", "Pyfile", "--provenance=mode=max", ".")
	p := provenanceOf(t, image).BuildDefinition
	wheels, images := map[string]string{}, []string{}
	for _, d := range p.ResolvedDependencies {
		if strings.HasSuffix(d.URI, ".whl") {
			wheels[path.Base(d.URI)] = d.Digest["sha256"]
			continue
		}
		if len(d.Digest["sha256"]) != 64 {
			t.Errorf("%s has no digest: %v", d.URI, d.Digest)
		}
		before, _, _ := strings.Cut(d.URI, "?")
		images = append(images, before)
	}
	areLocked(t, wheels, lockedWheels(t, dir), notForLinux...)
	slices.Sort(images)
	if want := []string{"pkg:docker/org/pyfile@1", "pkg:docker/python@3.13-slim"}; !slices.Equal(images, want) {
		t.Errorf("beside the wheels the build used %v, not %v", images, want)
	}
	var execs, networked [][]string
	for _, step := range p.InternalParameters.BuildConfig.LLBDefinition {
		if exec := step.Op.Op.Exec; exec != nil {
			execs = append(execs, exec.Meta.Args)
			if exec.Network != 2 {
				networked = append(networked, exec.Meta.Args)
			}
		}
	}
	if len(networked) != 1 || len(networked[0]) < 2 || networked[0][1] != "env" {
		t.Errorf("these may use the network: %q", networked)
	}
	if len(execs) < 5 {
		t.Errorf("there should be execs for the standard library, the groups, the backend and the application: %q", execs)
	}
}
