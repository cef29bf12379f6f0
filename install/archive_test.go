package install

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// entry is a file of a wheel made by a test.
type entry struct {
	name, content string
	mode          uint32 // Unix mode with the kind of the file; 0 for none, as Windows tools write
	unlisted      bool   // not in RECORD
	change        func(*zip.FileHeader)
}

const demoWheel = "demo-1.0-py3-none-any.whl"

// demo is a sound wheel named demo-1.0-py3-none-any.whl with more files, which take the place of its own of the same name.
func demo(more ...entry) []entry { return project("demo", more...) }

func project(name string, more ...entry) []entry {
	info := name + "-1.0.dist-info/"
	list := []entry{
		{name: name + "/__init__.py", content: "def main():\n    print('" + name + "')\n"},
		{name: info + "METADATA", content: "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n\nName: not this\n"},
		{name: info + "WHEEL", content: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
	}
	for _, m := range more {
		i := 0
		for i < len(list) && list[i].name != m.name {
			i++
		}
		if i == len(list) || i >= 3 {
			list = append(list, m)
		} else {
			list[i] = m
		}
	}
	return list
}

// without leaves out the entries of a name.
func without(list []entry, name string) []entry {
	var out []entry
	for _, e := range list {
		if e.name != name {
			out = append(out, e)
		}
	}
	return out
}

// rows are the lines of RECORD for the entries.
func rows(list []entry) []string {
	var out []string
	for _, e := range list {
		if !e.unlisted && !strings.HasSuffix(e.name, "/") {
			sum := sha256.Sum256([]byte(e.content))
			out = append(out, fmt.Sprintf("%s,sha256=%s,%d", e.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(e.content)))
		}
	}
	return out
}

// pack makes a wheel. RECORD is written to the .dist-info directory of the first entry that has one, unless there is a RECORD.
func pack(list []entry) []byte {
	for _, e := range list {
		if dir, _, ok := strings.Cut(e.name, ".dist-info/"); ok {
			record := dir + ".dist-info/RECORD"
			list = append(list, entry{name: record, content: strings.Join(append(rows(without(list, record)), record+",,"), "\n") + "\n", mode: 0o100644})
			break
		}
	}
	return packRaw(list)
}

// packRaw makes an archive of the entries and nothing else. Headers are written as they are, true or not.
func packRaw(list []entry) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range list {
		h := &zip.FileHeader{
			Name: e.name, Method: zip.Store, CreatorVersion: 3 << 8, ExternalAttrs: e.mode << 16,
			CRC32: crc32.ChecksumIEEE([]byte(e.content)), UncompressedSize64: uint64(len(e.content)), CompressedSize64: uint64(len(e.content)),
		}
		if e.change != nil {
			e.change(h)
		}
		f, err := w.CreateRaw(h)
		if err == nil {
			_, err = f.Write([]byte(e.content))
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// deflated makes an archive as real tools do.
func deflated(list []entry) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range list {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Deflate, CreatorVersion: 3 << 8, ExternalAttrs: e.mode << 16})
		if err == nil {
			_, err = f.Write([]byte(e.content))
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// python is the real path of the host's Python and its version, "3.13".
var python = sync.OnceValues(func() (string, string) {
	name, err := exec.LookPath("python3")
	if err != nil {
		panic(err)
	}
	out, err := exec.Command(name, "-c", "import sys; print(sys.executable, '%d.%d' % sys.version_info[:2])").Output()
	if err != nil {
		panic(err)
	}
	fields := strings.Fields(string(out))
	return fields[0], fields[1]
})

// listing shows a tree: mode, size, digest and path of each file, in order. It fails the test where a promise about all trees is
// broken: owners, times and the modes of directories.
func listing(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel := "/" + strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
		if !info.ModTime().Equal(Epoch) {
			t.Errorf("%s is dated %s, not %s", rel, info.ModTime().UTC(), Epoch)
		}
		switch {
		case d.IsDir():
			if info.Mode().Perm() != 0o755 {
				t.Errorf("directory %s has mode %o, not 755", rel, info.Mode().Perm())
			}
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "link %s -> %s\n", rel, link)
		default:
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%04o %5d %.12x %s\n", info.Mode().Perm(), len(data), sha256.Sum256(data), rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// golden compares with testdata/NAME.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		writeFile(t, name, []byte(got))
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs\ngot:\n%s\nwant:\n%s", name, got, want)
	}
}

// entries are the names in a directory.
func entries(t testing.TB, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

// installed installs wheels without compiling them and returns the tree and what was printed.
func installed(t testing.TB, o WheelsOptions) (dir, printed string, err error) {
	t.Helper()
	var b bytes.Buffer
	dir = filepath.Join(t.TempDir(), "out")
	o.Out, o.Output = dir, &b
	if o.Prefix == "" {
		o.Prefix = "/opt/venv"
	}
	if o.Python == "" {
		o.Python = "3.13"
	}
	err = Wheels(context.Background(), o)
	return dir, b.String(), err
}
