package llb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/org/pyfile/distro"
	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// BenchmarkFrontendOwnTime is the frontend's own time for the large example: from the files read to the graph marshalled, with
// nothing of BuildKit's or the network's.
func BenchmarkFrontendOwnTime(b *testing.B) {
	dir := filepath.Join("..", "examples", "data")
	files := map[string][]byte{}
	for _, name := range []string{"Pyfile", "pyproject.toml", "uv.lock"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			b.Fatalf("%v\n(the locks of the examples are made by `make locks`)", err)
		}
		files[name] = data
	}
	benchmarkOwnTime(b, files)
}

// BenchmarkFrontendOwnTime300 is the same for a lock of 300 packages.
func BenchmarkFrontendOwnTime300(b *testing.B) {
	benchmarkOwnTime(b, map[string][]byte{
		"Pyfile":         []byte("# syntax=org/pyfile:1\npython = \"3.13\"\n"),
		"pyproject.toml": []byte("[project]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\"package-0\"]\n\n[build-system]\nrequires = [\"hatchling==1.27.0\"]\nbuild-backend = \"hatchling.build\"\n"),
		"uv.lock":        []byte(lockOf(300)),
	})
}

// lockOf is a uv.lock in which each package needs the next one, and every third is compiled and has wheels for many platforms.
func lockOf(packages int) string {
	var out strings.Builder
	out.WriteString("version = 1\nrevision = 3\nrequires-python = \">=3.11\"\n\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\n" +
		"source = { editable = \".\" }\ndependencies = [\n    { name = \"package-0\" },\n]\n")
	for i := range packages {
		fmt.Fprintf(&out, "\n[[package]]\nname = \"package-%d\"\nversion = \"1.%d.0\"\nsource = { registry = \"https://index.example/simple\" }\n", i, i)
		if i+1 < packages {
			fmt.Fprintf(&out, "dependencies = [\n    { name = \"package-%d\" },\n]\n", i+1)
		}
		stem := fmt.Sprintf("package_%d-1.%d.0", i, i)
		fmt.Fprintf(&out, "sdist = { %s }\nwheels = [\n", lockedFile(stem+".tar.gz"))
		if i%3 != 0 {
			fmt.Fprintf(&out, "    { %s },\n", lockedFile(stem+"-py3-none-any.whl"))
		} else {
			for minor := 11; minor < 15; minor++ {
				for _, platform := range []string{"macosx_11_0_arm64", "manylinux_2_28_aarch64", "manylinux_2_28_x86_64", "musllinux_1_2_x86_64", "win_amd64"} {
					fmt.Fprintf(&out, "    { %s },\n", lockedFile(fmt.Sprintf("%s-cp3%d-cp3%d-%s.whl", stem, minor, minor, platform)))
				}
			}
		}
		out.WriteString("]\n")
	}
	return out.String()
}

func lockedFile(name string) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("url = \"https://files.index.example/%x/%s\", hash = \"sha256:%x\", size = %d", sum[:8], name, sum, 10_000*len(name))
}

func benchmarkOwnTime(b *testing.B, files map[string][]byte) {
	config := dockerspec.DockerOCIImage{}
	config.Config.Env = []string{"PYTHON_VERSION=3.13.5"}
	p := platforms.MustParse("linux/amd64")
	in := plan.Inputs{Platform: p, BuildPlatform: p, Merge: true, Base: plan.Source{Ref: "python:3.13-slim", Config: config},
		Facts: plan.Facts{Libc: python.Libc{Name: "glibc", Major: 2, Minor: 41},
			Interpreters: []distro.Interpreter{{Path: "/usr/local/bin/python3.13", Version: "3.13.5", Lib: "/usr/local/lib/python3.13", Pip: true}}}}
	for b.Loop() {
		file, err := pyfile.Parse("Pyfile", files["Pyfile"], nil)
		if err != nil {
			b.Fatal(err)
		}
		project, err := plan.Open(file, plan.ReaderOf(files), plan.Options{})
		if err != nil {
			b.Fatal(err)
		}
		decided, err := project.New(in)
		if err != nil {
			b.Fatal(err)
		}
		st, err := State(decided, sources())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := st.Marshal(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
