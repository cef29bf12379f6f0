package install

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/pyfile/facts"
)

// sharedObject is an ELF file that needs libm of the host's C library.
func sharedObject(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "demo.so")
	source := writeFile(t, filepath.Join(dir, "demo.c"), []byte("int demo(void) { return 1; }\n"))
	cmd := exec.Command("gcc", "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libdemo.so.1", "-Wl,-rpath,$ORIGIN/../demo.libs", "-Wl,--enable-new-dtags", "-Wl,--build-id=none",
		"-o", out, source, "-Wl,--no-as-needed", "-lm")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return read(t, out)
}

// factsOf installs wheels and reads what the installer tells of them.
func factsOf(t testing.TB, o WheelsOptions) (*facts.Facts, string) {
	t.Helper()
	dir := t.TempDir()
	o.Out, o.Facts = filepath.Join(dir, "out"), filepath.Join(dir, "facts")
	if o.Prefix == "" {
		o.Prefix, o.Python = "/opt/venv", "3.13"
	}
	if err := Wheels(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	text := read(t, o.Facts, facts.Name)
	f, err := facts.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f, text
}

// withObject is a wheel with everything that facts tell: the object is damaged in one copy, and is data under another name.
func withObject(t testing.TB) []entry {
	object := sharedObject(t)
	sum := sha512.Sum512([]byte("other hash\n"))
	list := demo(
		entry{name: "demo-1.0.dist-info/METADATA", content: "Metadata-Version: 2.1\nName: Demo\nVersion: 1.0\nRequires-Dist: six (>=1.0)\nRequires-Dist: idna>=2;\n python_version < '4'\n" +
			"Requires-Python: >=3.9\nProvides-Extra: x\nRequires-Dist: attrs; extra == 'x'\nProvides-Extra: y\n\nRequires-Dist: not-this\n"},
		entry{name: "demo/ext.so", content: object, mode: 0o100755},
		entry{name: "demo/damaged.so", content: object[:100]},
		entry{name: "demo.libs/libdemo.so.1", content: object},
		entry{name: "demo/sub/data", content: "<&>\n"},
		entry{name: "demo-1.0.data/scripts/tool", content: "#!python\n"},
		entry{name: "demo-1.0.data/scripts/demo", content: "#!python\nold wrapper\n"},
		entry{name: "demo-1.0.dist-info/entry_points.txt", content: "[console_scripts]\ndemo = demo:main\n"},
		entry{name: "demo/other", content: "other hash\n", unlisted: true},
		entry{name: "demo/__pycache__/x.pyc", content: "bytecode"},
	)
	lines := append(rows(list), "demo/other,sha512="+base64.RawURLEncoding.EncodeToString(sum[:])+",", "demo-1.0.dist-info/RECORD,,")
	return append(list, entry{name: "demo-1.0.dist-info/RECORD", content: strings.Join(lines, "\n") + "\n"})
}

func TestFactsTellWhatWasInstalled(t *testing.T) {
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), packRaw(withObject(t)))
	f, text := factsOf(t, WheelsOptions{Wheels: []string{wheel}, Built: true})
	if len(f.Distributions) != 1 {
		t.Fatalf("told of %d distributions", len(f.Distributions))
	}
	machine := f.Distributions[0].Objects[0].Machine
	sum := strings.NewReplacer(`"machine":"`+machine+`"`, `"machine":"MACHINE"`)
	// The bytes of the compiled object depend on the compiler; all else is known.
	for _, d := range f.Distributions[0].Directories {
		for _, item := range d.Files {
			if got, name := facts.SplitFile(item); strings.Contains(name, ".so") {
				sum = strings.NewReplacer(`"machine":"`+machine+`"`, `"machine":"MACHINE"`, got+" ", "SUM ")
				text = sum.Replace(text)
			}
		}
	}
	golden(t, "facts.json", strings.NewReplacer(`{"path"`, "\n{\"path\"", `"requires"`, "\n\"requires\"").Replace(sum.Replace(text)))
}

func TestFactsDoNotDependOnTheNumberOfJobsAndAreSealed(t *testing.T) {
	from := t.TempDir()
	for i := range 9 {
		name := fmt.Sprintf("p%d", i)
		writeFile(t, filepath.Join(from, name+"-1.0-py3-none-any.whl"), pack(project(name, entry{name: "shared.py", content: name}, entry{name: name + "/x.so", content: sharedObject(t)})))
	}
	_, one := factsOf(t, WheelsOptions{Wheels: []string{from}, Jobs: 1})
	_, many := factsOf(t, WheelsOptions{Wheels: []string{from}, Jobs: 8})
	if one != many {
		t.Errorf("one job: %s\nmany jobs: %s", one, many)
	}
	if n := strings.Count(one, " shared.py\""); n != 9 {
		t.Errorf("%d of 9 files of one path are told of", n)
	}
	dir := t.TempDir()
	o := WheelsOptions{Out: filepath.Join(dir, "out"), Facts: filepath.Join(dir, "facts"), Prefix: "/opt/venv", Python: "3.13", Wheels: []string{from}}
	if err := Wheels(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(o.Facts, facts.Name))
	if err != nil || info.Mode() != 0o644 || !info.ModTime().Equal(Epoch) {
		t.Errorf("facts are %v of %v, %v", info.Mode(), info.ModTime(), err)
	}
	if info, err = os.Stat(o.Facts); err != nil || info.Mode().Perm() != 0o755 || !info.ModTime().Equal(Epoch) {
		t.Errorf("their directory is %v of %v, %v", info.Mode(), info.ModTime(), err)
	}
}

// The tree must be the same with and without facts, or facts would change the layer.
func TestFactsDoNotChangeTheTree(t *testing.T) {
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), packRaw(withObject(t)))
	o := WheelsOptions{Prefix: "/opt/venv", Python: "3.13", Wheels: []string{wheel}}
	var trees []string
	for _, told := range []string{"", filepath.Join(t.TempDir(), "facts")} {
		o.Out, o.Facts = filepath.Join(t.TempDir(), "out"), told
		if err := Wheels(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		trees = append(trees, listing(t, o.Out))
	}
	if trees[0] != trees[1] {
		t.Errorf("without facts %s\nwith facts %s", trees[0], trees[1])
	}
}

func TestFailureLeavesNeitherTreeNorFacts(t *testing.T) {
	dir := t.TempDir()
	good := writeFile(t, filepath.Join(dir, demoWheel), pack(demo()))
	bad := writeFile(t, filepath.Join(dir, "bad-1.0-py3-none-any.whl"), bytes.Replace(pack(project("bad", entry{name: "x", content: "content"})), []byte("content"), []byte("CONTENT"), 1))
	full := filepath.Join(dir, "full")
	writeFile(t, filepath.Join(full, "x"), nil)
	for name, o := range map[string]WheelsOptions{
		"damaged wheel":        {Facts: filepath.Join(dir, "facts"), Wheels: []string{good, bad}},
		"failed compilation":   {Facts: filepath.Join(dir, "facts"), Wheels: []string{good}, Bytecode: true, Interpreter: "/nowhere/python"},
		"facts has a file":     {Facts: full, Wheels: []string{good}},
		"facts cannot be made": {Facts: filepath.Join(full, "x", "facts"), Wheels: []string{good}},
	} {
		o.Out, o.Prefix, o.Python = filepath.Join(dir, "out"), "/opt/venv", "3.13"
		if err := Wheels(context.Background(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
		for _, left := range []string{"out", "facts"} {
			if _, err := os.Lstat(filepath.Join(dir, left)); !os.IsNotExist(err) {
				t.Errorf("%s: %s is left", name, left)
			}
		}
		if _, err := os.Lstat(filepath.Join(full, "x")); err != nil {
			t.Errorf("%s: the file that was there is gone", name)
		}
	}
}

func TestFactsOfASourceTreeAreItsObjects(t *testing.T) {
	src := t.TempDir()
	writeFile(t, filepath.Join(src, "main.py"), []byte("x = 1\n"))
	run := func() *facts.Facts {
		o := SourceOptions{Out: filepath.Join(t.TempDir(), "out"), Facts: filepath.Join(t.TempDir(), "facts"), Dir: "/app", Python: "3.13", Source: src, Built: true}
		if err := Source(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		f, err := facts.Read([]byte(read(t, o.Facts, facts.Name)))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if f := run(); len(f.Distributions) != 0 {
		t.Errorf("told of %+v", f.Distributions)
	}
	object := sharedObject(t)
	writeFile(t, filepath.Join(src, "lib/libdemo.so.1.2"), []byte(object))
	if err := os.Symlink("libdemo.so.1.2", filepath.Join(src, "lib/libdemo.so.1")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(src, "lib/dangling.so")); err != nil {
		t.Fatal(err)
	}
	f := run()
	if len(f.Distributions) != 1 || !f.Distributions[0].Built || len(f.Distributions[0].Objects) != 2 {
		t.Fatalf("told of %+v", f.Distributions)
	}
	if o := f.Distributions[0].Objects; o[0].Path != "/app/lib/libdemo.so.1" || o[1].Path != "/app/lib/libdemo.so.1.2" || o[0].Soname != "libdemo.so.1" {
		t.Errorf("told of %+v", o)
	}
}

// BenchmarkWheels installs a wheel of 2000 small modules and 20 shared objects, without and with facts.
func BenchmarkWheels(b *testing.B) {
	object := sharedObject(b) + strings.Repeat("\x00", 200<<10)
	list := demo()
	for i := range 2000 {
		list = append(list, entry{name: fmt.Sprintf("demo/p%d/m%d.py", i/50, i), content: strings.Repeat(fmt.Sprintf("def f%d():\n    return %d\n", i, i), 100)})
	}
	for i := range 20 {
		list = append(list, entry{name: fmt.Sprintf("demo/e%d.so", i), content: object})
	}
	record := rows(list)
	list = append(list, entry{name: "demo-1.0.dist-info/RECORD", content: strings.Join(record, "\n") + "\n"})
	wheel := writeFile(b, filepath.Join(b.TempDir(), demoWheel), deflated(list))
	for _, name := range []string{"plain", "facts"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				dir := b.TempDir()
				o := WheelsOptions{Out: filepath.Join(dir, "out"), Prefix: "/opt/venv", Python: "3.13", Wheels: []string{wheel}}
				if name == "facts" {
					o.Facts = filepath.Join(dir, "facts")
				}
				if err := Wheels(context.Background(), o); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := os.RemoveAll(dir); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}
