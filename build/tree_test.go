package build

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/org/pyfile/install"
)

// entry is a file of an archive made by a test.
type entry struct{ name, content string }

const demoWheel = "demo-1.0-py3-none-any.whl"

// demo is a sound wheel named demo-1.0-py3-none-any.whl with more files.
func demo(more ...entry) []byte {
	info := "demo-1.0.dist-info/"
	list := append([]entry{
		{"demo/__init__.py", "def main():\n    print('demo')\n"},
		{info + "METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
	}, more...)
	record := ""
	for _, e := range list {
		sum := sha256.Sum256([]byte(e.content))
		record += fmt.Sprintf("%s,sha256=%s,%d\n", e.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(e.content))
	}
	return zipped(append(list, entry{info + "RECORD", record + info + "RECORD,,\n"})...)
}

// zipped makes a zip archive.
func zipped(list ...entry) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range list {
		f, err := w.Create(e.name)
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

func read(t testing.TB, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// hostPython is the real path of the host's Python and its version, "3.13".
var hostPython = sync.OnceValues(func() (string, string) {
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

// pycName is the name that the host's Python gives to the bytecode of a module.
func pycName(module string) string {
	_, version := hostPython()
	return module + ".cpython-" + strings.ReplaceAll(version, ".", "") + ".pyc"
}

// listing shows a tree: mode, size, digest and path of each file, in order. It fails the test where a promise about all trees is
// broken: times and the modes of directories.
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
		if !info.ModTime().Equal(install.Epoch) {
			t.Errorf("%s is dated %s, not %s", rel, info.ModTime().UTC(), install.Epoch)
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

// member is the content of a file in a wheel.
func member(t testing.TB, wheel, name string) string {
	t.Helper()
	z, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	data, err := fs.ReadFile(z, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// contents are the files of a wheel, by name.
func contents(t testing.TB, wheel string) map[string]string {
	t.Helper()
	z, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string]string{}
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, "/") {
			data, err := fs.ReadFile(z, f.Name)
			if err != nil {
				t.Fatal(err)
			}
			out[f.Name] = string(data)
		}
	}
	return out
}

var update = flag.Bool("update", false, "rewrite the golden files")

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
