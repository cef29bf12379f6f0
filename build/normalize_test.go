package build

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// shuffled makes a wheel whose entries are in an order and dated, by a tool that writes more than is needed.
func shuffled(t *testing.T, when time.Time, comment string, order ...string) []byte {
	t.Helper()
	contents := map[string]string{
		"demo/__init__.py": "", "demo/run.sh": "#!/bin/sh\n", "demo/long.txt": strings.Repeat("text ", 5000), "demo-1.0.data/scripts/demo": "#!python\n",
		"demo-1.0.dist-info/METADATA": "Name: demo\n", "demo-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\n", "demo-1.0.dist-info/RECORD.jws": "{}",
	}
	record := ""
	for _, name := range order {
		if !strings.HasSuffix(name, "/") {
			record += name + ",sha256=x,1\n"
		}
	}
	contents["demo-1.0.dist-info/RECORD"] = record
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range order {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: when, Comment: comment}
		switch {
		case strings.HasSuffix(name, "/"):
			h.Method = zip.Store
			h.SetMode(fs.ModeDir | 0o700)
		case strings.HasSuffix(name, ".sh"):
			h.SetMode(0o711)
		case comment != "":
			h.SetMode(0o664)
		default:
			h.SetMode(0o600)
		}
		f, err := w.CreateHeader(h)
		if err == nil && !strings.HasSuffix(name, "/") {
			_, err = f.Write([]byte(contents[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.SetComment(comment); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOnlyWhatIsInAWheelDecidesAboutItsBytes(t *testing.T) {
	names := []string{
		"demo-1.0.data/scripts/demo", "demo/__init__.py", "demo/long.txt", "demo/run.sh",
		"demo-1.0.dist-info/METADATA", "demo-1.0.dist-info/WHEEL", "demo-1.0.dist-info/RECORD", "demo-1.0.dist-info/RECORD.jws",
	}
	backwards := slices.Clone(names)
	slices.Reverse(backwards)
	first := ""
	for i, data := range [][]byte{
		shuffled(t, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC), "", names...),
		shuffled(t, time.Date(2020, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600)), "made by a tool", append([]string{"demo/"}, backwards...)...),
	} {
		wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), data)
		before := contents(t, wheel)
		if err := normalize(wheel, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		z, err := zip.OpenReader(wheel)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		var got []string
		for _, f := range z.File {
			got = append(got, f.Name)
			mode := fs.FileMode(0o644)
			if strings.HasSuffix(f.Name, ".sh") {
				mode = 0o755
			}
			if !f.Modified.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)) || f.Mode() != mode || len(f.Extra) > 0 || f.Comment != "" {
				t.Errorf("%s is dated %s, has mode %s, %d extra bytes and the comment %q", f.Name, f.Modified, f.Mode(), len(f.Extra), f.Comment)
			}
		}
		if !slices.Equal(got, names) {
			t.Errorf("the order is %q", got)
		}
		after := contents(t, wheel)
		for name, data := range before {
			if name != "demo-1.0.dist-info/RECORD" && after[name] != data {
				t.Errorf("%s changed", name)
			}
		}
		if i == 0 {
			first = read(t, wheel)
		} else if read(t, wheel) != first {
			t.Error("the same files make another wheel")
		}
		rows := strings.Split(strings.TrimSpace(after["demo-1.0.dist-info/RECORD"]), "\n")
		for i, row := range rows {
			if want := names[i] + ",sha256=x,1"; len(rows) != len(names) || row != want {
				t.Errorf("row %d of RECORD is %s, not %s", i, row, want)
			}
		}
	}
}

func TestWhatIsNoWheelIsTold(t *testing.T) {
	var link bytes.Buffer
	w := zip.NewWriter(&link)
	h := &zip.FileHeader{Name: "demo/link"}
	h.SetMode(fs.ModeSymlink | 0o777)
	if _, err := w.CreateHeader(h); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for want, data := range map[string][]byte{
		"the build backend made demo-1.0-py3-none-any.whl, which is no wheel: zip: not a valid zip file": []byte("text"),
		`demo-1.0-py3-none-any.whl: "demo/link" is neither a file nor a directory`:                       link.Bytes(),
	} {
		err := normalize(writeFile(t, filepath.Join(t.TempDir(), demoWheel), data), t.TempDir())
		if errText(err) != want {
			t.Errorf("got the error %v, want %s", err, want)
		}
	}
}

// In a build the output is a mount, and so another file system than what is beside it.
func TestAFileIsReplacedFromAnotherFileSystem(t *testing.T) {
	other, err := os.MkdirTemp("/dev/shm", "pyfile-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(other) })
	old := writeFile(t, filepath.Join(t.TempDir(), "wheel"), []byte("old and longer"))
	if err := replace(old, writeFile(t, filepath.Join(other, "wheel"), []byte("new"))); err != nil || read(t, old) != "new" {
		t.Errorf("the file is %q: %v", read(t, old), err)
	}
}

// FuzzWheel normalises arbitrary wheels: what is left has the same files, and is the same when it is done again.
func FuzzWheel(f *testing.F) {
	f.Add(demo())
	f.Add(zipped(entry{"a", "b"}, entry{"a-1.dist-info/RECORD", "a,,\n\"x\ny\",,\n"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), data)
		if normalize(wheel, t.TempDir()) != nil {
			return
		}
		once := read(t, wheel)
		if err := normalize(wheel, t.TempDir()); err != nil || read(t, wheel) != once {
			t.Errorf("a normal wheel changes: %v", err)
		}
	})
}
