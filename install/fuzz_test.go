package install

import (
	"bytes"
	"context"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// FuzzWheel installs arbitrary bytes as a wheel.
func FuzzWheel(f *testing.F) {
	f.Add(pack(demo()))
	f.Add(packRaw(everything()))
	f.Add(deflated(everything()))
	f.Add(pack(demo(entry{name: "../x", content: "x"}, entry{name: "/x", content: "x"})))
	f.Add(pack(demo(entry{name: "demo-1.0.data/data/../../x", content: "x"}, entry{name: "link", content: "/", mode: 0o120777}, entry{name: "link/x"})))
	f.Fuzz(checkInstallation)
}

// FuzzMember installs wheels that are sound but for one file of any name, kind and content, one of any name, and any entry points.
// Mutated archives seldom get as far as that.
func FuzzMember(f *testing.F) {
	f.Add("demo/x.py", "demo/x.py/y", "x = 1\n", uint32(0o100644), "[console_scripts]\ndemo = demo:main\n")
	f.Add("demo-1.0.data/scripts/../../../../x", "link/x", "#!python\n", uint32(0o120777), "[gui_scripts]\n../x = demo:main\n")
	f.Add("demo-1.0.data/data/lib/python3.13/site-packages/demo-1.0.dist-info/RECORD", "demo-1.0.data/headers/x", "#!pythonw", uint32(0o100755), "[console_scripts]\n. = a:b")
	f.Add("demo-1.0.dist-info/INSTALLER", "demo-1.0.dist-info/RECORD.p7s", "", uint32(0), "")
	f.Fuzz(func(t *testing.T, name, other, content string, mode uint32, points string) {
		if len(name) > 200 || len(other) > 200 || strings.HasSuffix(name, "/") || strings.HasSuffix(other, "/") {
			return // the disk's limits, and what the archive's writer does not write
		}
		checkInstallation(t, pack(demo(entry{name: name, content: content, mode: mode}, entry{name: other}, entry{name: "demo-1.0.dist-info/entry_points.txt", content: points})))
	})
}

// checkInstallation installs a wheel. Whatever it is, nothing outside the output directory may change; after an error the directory
// must be gone; after success all of it must be below the prefix, plain, and listed in RECORD, and nothing else may be listed.
func checkInstallation(t *testing.T, data []byte) {
	t.Helper()
	checkInstalled(t, data, WheelsOptions{})
	checkInstalled(t, data, WheelsOptions{Remove: RemoveWords(), Strip: true})
}

func checkInstalled(t *testing.T, data []byte, o WheelsOptions) {
	t.Helper()
	base := t.TempDir()
	wheel := writeFile(t, filepath.Join(base, demoWheel), data)
	out := filepath.Join(base, "a/b/c/out")
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		t.Fatal(err)
	}
	o.Out, o.Prefix, o.Python, o.Wheels, o.Jobs = out, "/opt/venv", "3.13", []string{wheel}, 1
	err := Wheels(context.Background(), o)
	if err != nil {
		if _, err := os.Lstat(out); !os.IsNotExist(err) {
			t.Errorf("left after an error: %q", entries(t, out))
		}
		if text := err.Error(); text == "" || strings.ContainsAny(text, "\x00\x1b") {
			t.Errorf("the error is %q", text)
		}
	}
	inside := map[string]bool{}
	if walk := filepath.WalkDir(base, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(base, name)
		switch prefix := "a/b/c/out/opt/venv/"; {
		case strings.HasPrefix(rel, prefix):
			if !d.IsDir() && !d.Type().IsRegular() {
				t.Errorf("%s is a %s", rel, d.Type())
			}
			if !d.IsDir() {
				inside[strings.TrimPrefix(rel, prefix)] = true
			}
		case rel != demoWheel && !strings.HasPrefix(prefix, rel+"/") && rel != ".":
			t.Errorf("%s was written", rel)
		}
		return nil
	}); walk != nil {
		t.Fatal(walk)
	}
	if err != nil {
		return
	}
	records, _ := filepath.Glob(filepath.Join(out, site, "*.dist-info/RECORD"))
	if len(records) != 1 {
		t.Fatalf("installed are the records %q", records)
	}
	rows, err := parseRecord([]byte(read(t, records[0])))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		name := filepath.Join("lib/python3.13/site-packages", r.Path)
		if !inside[name] {
			t.Errorf("RECORD lists %s, which is not there", r.Path)
			continue
		}
		delete(inside, name)
		if r.Hash == "" {
			continue
		}
		want, err := parseDigest(r.Hash)
		if err != nil {
			t.Fatal(err)
		}
		data := read(t, out, "opt/venv", name)
		if h := want.new(); r.Size != "" && r.Size != strconv.Itoa(len(data)) || !hashed(h, data, want.sum) {
			t.Errorf("RECORD has %s,%s for %s, which is another file", r.Hash, r.Size, r.Path)
		}
	}
	for name := range inside {
		t.Errorf("RECORD does not list %s", name)
	}
}

func hashed(h hash.Hash, data string, sum []byte) bool {
	h.Write([]byte(data))
	return bytes.Equal(h.Sum(nil), sum)
}
