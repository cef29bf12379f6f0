//go:build differential

package install

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/facts"
)

// TestFactsOfRealWheelsAreTrue compares facts with the installed files themselves: every file with its hash, every ELF file with what Go's own
// reader says of it, and nothing else.
func TestFactsOfRealWheelsAreTrue(t *testing.T) {
	dir := t.TempDir()
	_, version := python()
	o := WheelsOptions{Out: filepath.Join(dir, "out"), Facts: filepath.Join(dir, "facts"), Prefix: "/opt/venv", Python: version, Wheels: []string{realWheels(t)}}
	if err := Wheels(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	data := read(t, o.Facts, facts.Name)
	f, err := facts.Read([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	sums, objects := map[string]string{}, map[string]facts.Object{}
	for _, d := range f.Distributions {
		if d.Name == "" || d.Version == "" {
			t.Errorf("%+v has no name or version", d)
		}
		for _, dir := range d.Directories {
			for _, item := range dir.Files {
				sum, name := facts.SplitFile(item)
				sums[filepath.Join(dir.Path, name)] = sum // of the later distribution, which wins
			}
		}
		for _, o := range d.Objects {
			objects[o.Path] = o
		}
	}
	files, programs := 0, 0
	err = filepath.WalkDir(o.Out, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		inside := strings.TrimPrefix(name, o.Out)
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !strings.Contains(inside, ".dist-info/") {
			digest := sha256.Sum256(content)
			if want := base64.RawURLEncoding.EncodeToString(digest[:])[:facts.SumLength]; sums[inside] != want {
				t.Errorf("%s has the sum %q, not %q", inside, sums[inside], want)
			}
			delete(sums, inside)
		}
		theirs, err := elf.Open(name)
		if err != nil {
			if object, ok := objects[inside]; ok {
				t.Errorf("%s is told as %+v, debug/elf says %v", inside, object, err)
			}
			return nil //nolint:nilerr // no ELF file
		}
		defer theirs.Close()
		if theirs.Type != elf.ET_DYN && theirs.Type != elf.ET_EXEC {
			return nil
		}
		programs++
		object, ok := objects[inside]
		if !ok {
			t.Errorf("%s is not told as an object", inside)
		}
		if needed, err := theirs.ImportedLibraries(); err != nil || !slices.Equal(needed, object.Needed) {
			t.Errorf("%s needs %q, debug/elf says %q, %v", inside, object.Needed, needed, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range sums {
		t.Errorf("%s is told of, but not there", name)
	}
	if programs != len(objects) || programs < 100 {
		t.Errorf("%d ELF files are there, %d are told of", programs, len(objects))
	}
	t.Logf("%d files, %d objects, %d bytes of facts", files, programs, len(data))
	if len(data) > 2<<20 {
		t.Errorf("facts have %d bytes", len(data))
	}
}
