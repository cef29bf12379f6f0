package verify

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/facts"
	"github.com/org/pyfile/python"
)

// tree writes files below a directory and opens it as a root.
func tree(t *testing.T, files map[string]string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

func TestWhatIsInstalledIsReadWhoeverInstalledIt(t *testing.T) {
	program, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	const site = "opt/venv/lib/python3.13/site-packages/"
	root := tree(t, map[string]string{
		site + "demo/__init__.py":                 "x = 1\n",
		site + "demo/fast.so":                     string(program),
		site + "demo-1.0.dist-info/METADATA":      "Metadata-Version: 2.1\nName: Demo\nVersion: 1.0\nRequires-Dist: six\n  >=1\nProvides-Extra: x\nRequires-Python: >=3.9\n\nName: not this\n",
		site + "demo-1.0.dist-info/RECORD":        "demo/__init__.py,sha256=0123456789abcdef,6\ndemo/__pycache__/__init__.cpython-313.pyc,,\ndemo/fast.so,,\n../../../bin/demo,sha256=fedcba9876543210,3\ndemo-1.0.dist-info/RECORD,,\n",
		site + "twin-2.dist-info/METADATA":        "Name: twin\nVersion: 2\n\n",
		site + "twin-2.dist-info/RECORD":          "demo/__init__.py,sha256=fedcba9876543210,6\n",
		site + "interrupted-1.dist-info/RECORD":   "",
		site + "editable.egg-link":                "",
		"opt/venv/bin/demo":                       "#!x",
		"opt/venv/lib/python3.12/site-packages/y": "",
	})
	got, err := Installed(root.FS(), "/opt/venv", "3.13")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := got.Write(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := facts.Read(b.Bytes()); err != nil {
		t.Errorf("verify cannot read it: %v", err)
	}
	demo := got.Distributions[0]
	if len(demo.Objects) != 1 || demo.Objects[0].Path != "/"+site+"demo/fast.so" || !slices.Contains(demo.Objects[0].Needed, "libc.so.6") {
		t.Errorf("objects: %+v", demo.Objects)
	}
	demo.Objects = nil
	want := []facts.Distribution{
		{Name: "Demo", Version: "1.0", Requires: []string{"six >=1"}, Extras: []string{"x"}, RequiresPython: ">=3.9", Directories: []facts.Directory{
			{Path: "/opt/venv/bin", Files: []string{"fedcba987654 demo"}},
			{Path: "/" + strings.TrimSuffix(site, "/") + "/demo", Files: []string{"0123456789ab __init__.py", "- fast.so"}},
		}},
		{Name: "twin", Version: "2"},
	}
	if all := append([]facts.Distribution{demo}, got.Distributions[1:]...); !reflect.DeepEqual(all, want) {
		t.Errorf("got\n%+v, want\n%+v", all, want)
	}
	if empty, err := Installed(root.FS(), "/opt/venv", "3.14"); err != nil || len(empty.Distributions) > 0 {
		t.Errorf("without an environment: %+v, %v", empty, err)
	}
}

func TestWhatIsInstalledIsComparedWithTheLock(t *testing.T) {
	version, err := python.ParseVersion("3.13.5")
	if err != nil {
		t.Fatal(err)
	}
	report, err := Check(Options{System: &System{}, Python: version, Machine: "x86_64", Locked: []string{"same==1.0", "other==2", "absent==1", "member==", "quiet==1"}, Ignore: []string{"quiet"},
		Facts: []*facts.Facts{{Distributions: []facts.Distribution{{Name: "Same", Version: "1"}, {Name: "other", Version: "1.9"}, {Name: "member", Version: "7"}, {Name: "quiet", Version: "2"}}},
			{Distributions: []facts.Distribution{{Name: "absent", Version: "1", Built: true}}}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range report.Findings {
		if f.Kind != Locked || f.Severity != Warning {
			t.Errorf("%+v", f)
		}
		got = append(got, f.Distribution+": "+f.Short)
	}
	want := []string{"absent: the image lacks absent, which the lock has", "other: the image has other 1.9, and the lock 2"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
