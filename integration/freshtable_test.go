//go:build integration && nightly

package integration

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const freshFile = "../docs/fresh-runners.md"

const freshHead = `# Fresh runners

What a runner fetches and does that has an empty daemon and a registry cache (` + "`--import-cache`" + `, ` + "`--cache-from`" + `) from the build before the
change. The project is [examples/data](../examples/data): about a hundred wheels, 190 MB of layers. The table is written by ` + "`make fresh`" + `, which counts the
requests at a proxy before the index and at one before the registry. *Index* are the wheels of the lock; *base* are the base image's layers;
*layers* are others, of the image or of the cache alone; *registry* are all bytes from the registry: layers, manifests, configurations. The image of
pyfile itself is a row of its own, and comes on top of its others; the Dockerfile's frontend is a part of the daemon. *Steps* are those that executed
something.

The Dockerfile is the multi-stage one of uv's guide for containers, with bytecode, cache mounts (which a fresh runner has not) and ` + "`uv sync --frozen`" + `; its
cache is of ` + "`mode=max`" + `. Files that it gets besides the lock's, which are uv itself and the build backend, are not counted.

| changed | build | index | | base | layers | registry | steps | verify |
|---|---|---:|---:|---:|---:|---:|---:|---|
`

const freshTail = `
- **Nothing changed**: no file of the index, no layer but the notes that the frontend reads, no step; verify's result is one of the notes. So it is in either mode.
- **` + "`mode=max`" + `**: changed code builds and installs the application, for which the base, the build backend's environment and the standard library's bytecode are pulled; no dependency is
  fetched, pulled or installed. A changed dependency fetches the wheels of its layer and installs that one, for which Python without the rest of the base is pulled. Verify then runs on the
  facts of all layers: each is a layer of the cache alone, of some kilobytes. No layer of a dependency is pulled: the registry has them already.
- **` + "`mode=min`" + `** has the layers of the image, but neither the environment of the build backend, which is made again for changed code, nor the facts of
  what is installed: when verify has to run, all dependencies are fetched and installed again to get them. The image is the one that a warm build makes, in every row, which the test asserts.
- **Another project** finds the layers of large wheels, which each have their own, in the cache of the first. Small ones share a layer, which is another one with other
  neighbours.
`

// row adds a row to those of a table: what has changed, and how it was built.
func (f fetched) row(rows map[string]string, what, build string) {
	verified := "no"
	switch {
	case strings.HasPrefix(build, "Dockerfile"):
		verified = "–"
	case slices.Contains(f.ran, verifyStep):
		verified = "yes"
	}
	rows[rowKey(what, build)] = fmt.Sprintf(" %d | %s | %d | %d | %s | %d | %s |",
		len(f.files), megabytes(f.fileBytes), f.base, len(f.layers)+f.notes, megabytes(f.bytes), len(f.ran), verified)
}

// frontendRow is the row for pyfile's own image.
const frontendRow = "anything: the image of pyfile itself"

// tableRow is a row of the table; it begins with its key.
var tableRow = regexp.MustCompile(`(?m)^(\| [^|]+ \| (?:pyfile|Dockerfile)[^|]* \|)(.*)$`)

// areWritten compares rows, by what has changed and how it was built, with those of the table, or writes them there.
func areWritten(t *testing.T, rows map[string]string) {
	t.Helper()
	text, err := os.ReadFile(freshFile)
	if err != nil && !(*update && os.IsNotExist(err)) {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, m := range tableRow.FindAllStringSubmatch(string(text), -1) {
		all[m[1]] = m[2]
	}
	if !*update {
		for key, row := range rows {
			if !sameNumbers(numbers(row), numbers(all[key])) {
				t.Errorf("docs/fresh-runners.md has %s%s, counted now:%s; run `make fresh`", key, all[key], row)
			}
		}
		if !strings.HasPrefix(string(text), freshHead) || !strings.HasSuffix(string(text), freshTail) {
			t.Error("docs/fresh-runners.md has another text; run `make fresh`")
		}
		return
	}
	for key, row := range rows {
		all[key] = row
	}
	table := ""
	for _, what := range append(changeNames(), frontendRow) {
		for _, build := range []string{"pyfile", "pyfile, mode=max", "pyfile, mode=min", "Dockerfile, mode=max"} {
			if row, ok := all[rowKey(what, build)]; ok {
				table += rowKey(what, build) + row + "\n"
			}
		}
	}
	if err := os.WriteFile(freshFile, []byte(freshHead+table+freshTail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// changeNames are the names of the changes, in their order.
func changeNames() []string {
	var out []string
	for _, c := range changes {
		out = append(out, c.name)
	}
	return out
}

func rowKey(what, build string) string { return "| " + what + " | " + build + " |" }

// numbers are the numeric cells of a row.
func numbers(row string) []float64 {
	var out []float64
	for cell := range strings.SplitSeq(row, "|") {
		if n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(cell), " MB"), 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// sameNumbers tells whether numbers differ by a fifth at most, or by what a rounding makes.
func sameNumbers(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return x <= y*1.2+0.1 && x >= y*0.8-0.1 })
}

// megabytes writes a number of bytes.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
