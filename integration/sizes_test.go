//go:build integration

package integration

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const sizesFile = "../docs/sizes.md"

const sizesHead = `# Sizes of the examples

What each example's image adds to its base image: compressed layers, as a registry holds them. The table is written by ` + "`make sizes`" + ` from real
builds. *System* are the packages in ` + "`[apt]` `run`" + `; *Python* is all else: the virtual environment with the dependencies and the
application, their bytecode, and the bytecode of the standard library (3 MB), which the base images lack.

| example | base | system | Python | together | layers |
|---|---|---:|---:|---:|---:|
`

// size is what an example's image adds to its base.
type size struct {
	base           string
	system, python int64 // bytes
	layers         int
}

func (s size) row(name string) string {
	mb := func(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
	return fmt.Sprintf("| [%s](../examples/%s) | %s | %s | %s | %s | %d |\n", name, name, s.base, mb(s.system), mb(s.python), mb(s.system+s.python), s.layers)
}

// baseOf is the base image of an example's project.
func baseOf(t *testing.T, dir string) string {
	t.Helper()
	var file struct{ Python, Base string }
	readTOML(t, filepath.Join(dir, "Pyfile"), &file)
	return cmp.Or(file.Base, "python:"+file.Python+"-slim")
}

// layersOfBase is the number of layers that an example's base has.
func layersOfBase(t *testing.T, dir string) int {
	t.Helper()
	return len(imageOf(t, labImage(baseOf(t, dir))).layers)
}

// labImage is where the lab's registry has an image of docker.io.
func labImage(image string) string {
	if strings.Contains(image, "/") {
		return registryHost + "/" + image
	}
	return registryHost + "/library/" + image
}

// sizeOf measures the image of an example.
func sizeOf(t *testing.T, dir, image string) size {
	t.Helper()
	img, from := imageOf(t, image), layersOfBase(t, dir)
	s := size{base: baseOf(t, dir), layers: len(img.layers) - from}
	system := 0
	if len(listed(t, dir, "run")) > 0 {
		system = 2 // the user, and on it the packages
	}
	for i, n := range img.sizes[from:] {
		if i < system {
			s.system += n
		} else {
			s.python += n
		}
	}
	return s
}

var sizeRow = regexp.MustCompile(`(?m)^\| \[([^\]]+)\]\(.*\) \|.*\| ([0-9.]+) MB \| \d+ \|$`)

// TestSizesOfTheExamplesAreInTheirTable writes the table with -update. Without it, the sizes may differ a little from those written:
// distributions mend their packages, and some examples take the newest versions.
func TestSizesOfTheExamplesAreInTheirTable(t *testing.T) {
	all, sizes := examples(t), map[string]size{}
	for name := range all {
		dir, image := example(t, name), registryHost+"/test/size:"+name
		labDaemon().push(t, dir, image)
		sizes[name] = sizeOf(t, dir, image)
	}
	if *update {
		text := sizesHead
		for _, name := range slices.Sorted(maps.Keys(sizes)) {
			text += sizes[name].row(name)
		}
		if err := os.WriteFile(sizesFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(sizesFile)
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]float64{}
	for _, m := range sizeRow.FindAllStringSubmatch(string(text), -1) {
		if written[m[1]], err = strconv.ParseFloat(m[2], 64); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.HasPrefix(string(text), sizesHead) || !slices.Equal(slices.Sorted(maps.Keys(written)), slices.Sorted(maps.Keys(sizes))) {
		t.Errorf("docs/sizes.md has the examples %v; run `make sizes`", slices.Sorted(maps.Keys(written)))
	}
	for name, s := range sizes {
		if got := float64(s.system+s.python) / 1e6; got > written[name]*1.2+0.1 || got < written[name]*0.8-0.1 {
			t.Errorf("%s: %.1f MB over the base, in docs/sizes.md %.1f; run `make sizes`", name, got, written[name])
		}
	}
}
