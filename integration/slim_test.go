//go:build integration

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recordCheck compares what every distribution of an image says of its files with the files.
const recordCheck = `
import base64, hashlib, importlib.metadata, json, pathlib
wrong, unlisted, listed, total = [], [], set(), 0
for d in importlib.metadata.distributions():
    for f in d.files:
        path = pathlib.Path(d.locate_file(f)).resolve()
        listed.add(path)
        if not path.exists():
            wrong.append(f"{d.name}: {f} is missing")
        elif f.hash:
            total += 1
            digest = hashlib.new(f.hash.mode, path.read_bytes()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != f.hash.value or path.stat().st_size != f.size:
                wrong.append(f"{d.name}: {f} is another file")
site = pathlib.Path(importlib.metadata.distribution("numpy").locate_file("")).resolve()
for path in site.rglob("*"):
    if path.is_file() and path not in listed and path.suffix != ".pyc" and "__pycache__" not in path.parts:
        unlisted.append(str(path))
print(json.dumps({"wrong": wrong, "unlisted": unlisted, "total": total}))
`

// A slim image is smaller, everything in it can be imported, and its RECORD files are true.
func TestSlimImageIsSmallerAndWhole(t *testing.T) {
	dir, image := example(t, "data"), registryHost+"/test/slim:data"
	labDaemon().push(t, dir, image)
	whole := imageOf(t, image)
	pyfile, err := os.ReadFile(filepath.Join(dir, "Pyfile"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "Pyfile", string(pyfile)+"\n[slim]\nremove = [\"tests\", \"headers\", \"sources\", \"stubs\", \"docs\"]\nstrip = true\n")
	labDaemon().push(t, dir, image)
	slim := imageOf(t, image)
	sum := func(p pushed) (n int64) {
		for _, size := range p.sizes {
			n += size
		}
		return n
	}
	if saved := sum(whole) - sum(slim); saved < 10_000_000 {
		t.Errorf("slim saves %d of %d bytes only", saved, sum(whole))
	}
	t.Logf("%d bytes whole, %d slim", sum(whole), sum(slim))

	must(t, ".", "docker", "pull", "-q", image)
	importEverything(t, image, true)
	if out := run(t, image, "report"); strings.TrimSpace(out) != "slope 2.0 and 2.0" {
		t.Errorf("the application prints %q", out)
	}
	var got struct {
		Wrong, Unlisted []string
		Total           int
	}
	out := container(t, image, []string{"--read-only", "--network", "none"}, "python", "-c", recordCheck)
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if len(got.Wrong) > 0 || len(got.Unlisted) > 0 || got.Total < 5000 {
		t.Errorf("of %d files these are not as their RECORD says: %v; and these are in none: %v", got.Total, got.Wrong, got.Unlisted)
	}
}
