package llb

import (
	"context"
	"os"
	"path/filepath"
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
