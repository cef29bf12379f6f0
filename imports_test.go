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
var order = []string{"authority", "remote", "diagnosis", "pyfile", "python", "elf", "facts", "distro", "index", "build", "verify", "lock", "plan", "llb", "frontend"}

// inside are the packages whose code runs inside builds, in small programs whose bytes are parts of cache keys: what they may import
// of this module.
var inside = map[string][]string{
	"facts":              {"elf"},
	"remote":             {"authority"},
	"index":              {"authority", "python", "remote"},
	"install":            {"elf", "facts"},
	"diagnosis":          {"authority"},
	"build":              {"authority", "install", "diagnosis", "python", "remote"},
	"distro":             {"authority", "python", "diagnosis"},
	"verify":             {"distro", "elf", "facts", "python"},
	"step":               {"authority", "diagnosis"},
	"cmd/pyfile-install": {"install"},
	"cmd/pyfile-index":   {"index"},
	"cmd/pyfile-build":   {"authority", "build", "diagnosis", "distro", "python"},
	"cmd/pyfile-distro":  {"distro", "diagnosis"},
	"cmd/pyfile-verify":  {"verify", "facts", "python"},
	"cmd/pyfile-step":    {"step", "diagnosis"},
}

// libraries are the modules that a package may import beside the standard library; tests are free.
var libraries = map[string][]string{
	"authority":          nil,
	"remote":             nil,
	"diagnosis":          nil,
	"elf":                nil,
	"facts":              nil,
	"distro":             nil,
	"verify":             nil,
	"step":               {"github.com/moby/sys/user", "golang.org/x/sys/unix"},
	"pyfile":             {"github.com/pelletier/go-toml/v2"},
	"python":             nil,
	"index":              {"golang.org/x/sys/unix"},
	"lock":               {"github.com/pelletier/go-toml/v2"},
	"plan":               {"github.com/containerd/platforms", "github.com/moby/docker-image-spec", "github.com/opencontainers/image-spec"},
	"llb":                {"github.com/moby/buildkit/client/llb", "github.com/moby/buildkit/solver/pb", "github.com/opencontainers/go-digest", "github.com/opencontainers/image-spec"},
	"install":            nil,
	"build":              {"github.com/pelletier/go-toml/v2"},
	"cmd/pyfile-install": nil,
	"cmd/pyfile-index":   nil,
	"cmd/pyfile-build":   nil,
	"cmd/pyfile-distro":  nil,
	"cmd/pyfile-verify":  nil,
	"cmd/pyfile-step":    nil,
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
		own, small := inside[name]
		at := slices.Index(order, name)
		for _, imported := range strings.Fields(imports) {
			what, isOwn := strings.CutPrefix(imported, module)
			switch {
			case isOwn && small && !slices.Contains(own, what):
				t.Errorf("%s imports %s: the programs inside builds stay small, so that their bytes rarely change", name, what)
			case isOwn && !small && what == "install":
				t.Errorf("%s imports install, which only the programs that run inside builds may", name)
			case isOwn && at >= 0 && what != "install" && slices.Index(order, what) >= at:
				t.Errorf("%s imports %s, which is not above it in %v", name, what, order)
			case !isOwn && strings.Contains(strings.Split(imported, "/")[0], "."):
				if allowed, limited := libraries[name]; limited && !slices.ContainsFunc(allowed, func(m string) bool { return imported == m || strings.HasPrefix(imported, m+"/") }) {
					t.Errorf("%s imports %s, which is not among its libraries", name, imported)
				}
			}
		}
	}
	if seen < len(order) {
		t.Fatalf("go list names only %d packages", seen)
	}
}
