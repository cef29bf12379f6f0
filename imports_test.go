// Package pyfile_test guards the shape of the whole module.
package pyfile_test

import (
	"bufio"
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/org/pyfile/"

// order is the pipeline: a package may import only what stands above it.
var order = []string{"pyfile", "python", "index", "lock", "plan", "llb", "frontend"}

// libraries are the modules that a package may import beside the standard library; tests are free.
var libraries = map[string][]string{
	"pyfile":             {"github.com/pelletier/go-toml/v2"},
	"python":             nil,
	"index":              nil,
	"lock":               {"github.com/pelletier/go-toml/v2"},
	"plan":               {"github.com/containerd/platforms", "github.com/moby/docker-image-spec", "github.com/opencontainers/image-spec"},
	"llb":                {"github.com/moby/buildkit/client/llb", "github.com/moby/buildkit/solver/pb", "github.com/opencontainers/go-digest", "github.com/opencontainers/image-spec"},
	"install":            nil,
	"cmd/pyfile-install": nil,
	"cmd/pyfile-index":   nil,
}

func TestImportsPointOnlyUpThePipeline(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		path, imports, _ := strings.Cut(lines.Text(), " ")
		name := strings.TrimPrefix(path, module)
		seen++
		for _, imported := range strings.Fields(imports) {
			own, isOwn := strings.CutPrefix(imported, module)
			switch {
			case isOwn && own == "install":
				if name != "cmd/pyfile-install" {
					t.Errorf("%s imports install, which only the helper may", name)
				}
			case isOwn && slices.Contains(order, name) && slices.Index(order, own) >= slices.Index(order, name):
				t.Errorf("%s imports %s, which is not above it in %v", name, own, order)
			case isOwn && (name == "install" || name == "cmd/pyfile-install"):
				t.Errorf("%s imports %s: the helper stays small, so that its bytes rarely change", name, own)
			case isOwn && name == "cmd/pyfile-index" && own != "index":
				t.Errorf("%s imports %s: the helper stays small, so that its bytes rarely change", name, own)
			case !isOwn && strings.Contains(strings.Split(imported, "/")[0], "."):
				if allowed, limited := libraries[name]; limited && !slices.ContainsFunc(allowed, func(m string) bool { return imported == m || strings.HasPrefix(imported, m+"/") }) {
					t.Errorf("%s imports %s, which is not among its libraries", name, imported)
				}
			}
		}
	}
	if seen < len(order)+4 {
		t.Fatalf("go list told of %d packages only", seen)
	}
}

func TestOnlyFrontendAndCommandsDoInputAndOutput(t *testing.T) {
	for _, name := range []string{"pyfile", "python", "lock", "plan"} {
		out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, "./"+name).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range strings.Fields(string(out)) {
			if slices.Contains([]string{"os", "os/exec", "net", "net/http", "math/rand", "io/ioutil"}, imported) {
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
}
