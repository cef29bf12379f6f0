//go:build integration

package integration

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// lockedWheels are the hashes of all wheels of a project's uv.lock by package and file name.
func lockedWheels(t *testing.T, dir string) map[string]map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	var l struct {
		Package []struct {
			Name   string
			Wheels []struct{ URL, Hash string }
		}
	}
	if err := toml.Unmarshal(data, &l); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	for _, p := range l.Package {
		if len(p.Wheels) == 0 {
			continue // the project itself
		}
		all[p.Name] = map[string]string{}
		for _, w := range p.Wheels {
			all[p.Name][path.Base(w.URL)] = strings.TrimPrefix(w.Hash, "sha256:")
		}
	}
	return all
}

// areLocked checks that files, hashes by name, are one wheel of each package of a lock.
func areLocked(t *testing.T, files map[string]string, lock map[string]map[string]string, except ...string) {
	t.Helper()
	files = maps.Clone(files)
	for project, wheels := range lock {
		if slices.Contains(except, project) {
			continue
		}
		found := 0
		for file, hash := range wheels {
			if got, ok := files[file]; ok {
				found++
				if got != hash {
					t.Errorf("%s has sha256 %s, the lock says %s", file, got, hash)
				}
				delete(files, file)
			}
		}
		if found != 1 {
			t.Errorf("%d wheels of %s are there", found, project)
		}
	}
	if len(files) > 0 {
		t.Errorf("these are no wheels of the lock: %v", slices.Sorted(maps.Keys(files)))
	}
}

// notForLinux are the packages of fastapi's lock whose markers do not hold in an image.
var notForLinux = []string{"colorama"}

const appWheel = "app-1.0.0-py3-none-any.whl"

func TestTargetWheelsIsTheLockAndTheApp(t *testing.T) {
	t.Parallel()
	dir, out := example(t, "fastapi"), t.TempDir()
	if log, err := labDaemon().build(t, dir, "--opt", "target=wheels", "--output", "type=local,dest="+out); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(out, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		files[e.Name()] = hex.EncodeToString(sum[:])
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o644 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
	if files[appWheel] == "" {
		t.Errorf("there is no %s", appWheel)
	}
	delete(files, appWheel)
	areLocked(t, files, lockedWheels(t, dir), notForLinux...)
}

// layerFiles are the files of an image's last layer: the hashes of their content by path.
func layerFiles(t *testing.T, image string) map[string]string {
	t.Helper()
	layers := layersOf(t, image)
	blob, err := layers[len(layers)-1].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	files := map[string]string{}
	for r := tar.NewReader(blob); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.ModTime.Year() != 1980 || h.Uid != 0 || h.Gid != 0 {
			t.Errorf("%s: %s is of %s and owned by %d:%d", image, h.Name, h.ModTime, h.Uid, h.Gid)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, r); err != nil {
			t.Fatal(err)
		}
		files[h.Name] = hex.EncodeToString(sum.Sum(nil))
	}
}

func TestBuilderTargetsHoldWheels(t *testing.T) {
	t.Parallel()
	dir := example(t, "fastapi")
	for _, target := range []string{"dep-builder", "app-builder"} {
		image := registryHost + "/test/target-" + target + ":1"
		labDaemon().push(t, dir, image, "--opt", "target="+target)
		files := map[string]string{}
		for name, sum := range layerFiles(t, image) {
			file, ok := strings.CutPrefix(name, "wheels/")
			if !ok {
				t.Errorf("%s: the last layer has %s", target, name)
			}
			files[file] = sum
		}
		if target == "app-builder" {
			if len(files) != 1 || files[appWheel] == "" {
				t.Errorf("app-builder has %v", files)
			}
			continue
		}
		areLocked(t, files, lockedWheels(t, dir), notForLinux...)
	}
	// The builder images are for looking into: the configuration is the builder's own.
	builder, made := imageOf(t, registryHost+"/library/python:3.13"), imageOf(t, registryHost+"/test/target-dep-builder:1")
	if made.config.Config.User != builder.config.Config.User || !slices.Equal(made.config.Config.Cmd, builder.config.Config.Cmd) {
		t.Errorf("dep-builder has the configuration %+v", made.config.Config)
	}
	if above := made.missingFrom(builder); len(above) != 1 || len(made.layers) != len(builder.layers)+1 {
		t.Errorf("dep-builder has the layers %v above its base", above)
	}
}

func TestTargetBaseHasDependenciesAndNoApp(t *testing.T) {
	t.Parallel()
	dir := example(t, "fastapi")
	base, final := registryHost+"/test/target-base:1", registryHost+"/test/target-final:1"
	labDaemon().push(t, dir, base, "--opt", "target=base")
	labDaemon().push(t, dir, final, "--opt", "target=final")
	const script = "import fastapi, uvicorn, importlib.util; print(importlib.util.find_spec('app') is not None)"
	if got := run(t, base, "python", "-c", script); got != "False\n" {
		t.Errorf("base has the app: %q", got)
	}
	if got := run(t, final, "python", "-c", script); got != "True\n" {
		t.Errorf("final has the app: %q", got)
	}
	if above := imageOf(t, final).missingFrom(imageOf(t, base)); len(above) != 1 {
		t.Errorf("final has the layers %v above base", above)
	}
}

func TestFinalIsTheDefaultTarget(t *testing.T) {
	t.Parallel()
	dir := example(t, "hello")
	with, _ := labDaemon().push(t, dir, registryHost+"/test/target-named:1", "--opt", "target=final")
	without, _ := labDaemon().push(t, dir, registryHost+"/test/target-none:1")
	if with != without {
		t.Errorf("--target final gives %s, no target %s", with, without)
	}
}

func TestUnknownTargetIsAnErrorThatProposesOne(t *testing.T) {
	t.Parallel()
	dir := example(t, "hello")
	for target, want := range map[string]string{
		"dep-bulder": "unknown target \"dep-bulder\"\n\thint: did you mean --target dep-builder?",
		"nothing":    "unknown target \"nothing\"\n\thint: targets are dep-builder, base, app-builder, final, test, wheels",
	} {
		log, err := command(t, dir, "docker", "buildx", "build", "--builder", labBuilder, "-f", "Pyfile", "--target", target, ".")
		if err == nil || !strings.Contains(log, want) {
			t.Errorf("--target %s: %v\n%s", target, err, log)
		}
	}
}
