package build

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tarred makes a tar archive of headers; a regular file has the content of its Uname, to be short.
func tarred(t testing.TB, list ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range list {
		content := ""
		if h.Typeflag == 0 || h.Typeflag == tar.TypeReg {
			content, h.Uname = h.Uname, ""
			h.Typeflag, h.Size = tar.TypeReg, int64(len(content))
		}
		if h.Mode == 0 && h.Typeflag != tar.TypeXGlobalHeader {
			h.Mode = 0o600
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

// inspected inspects an archive.
func inspected(t testing.TB, name string, data []byte, subdir string) (dir string, err error) {
	t.Helper()
	archive := writeFile(t, filepath.Join(t.TempDir(), name), data)
	dir = filepath.Join(t.TempDir(), "out")
	return dir, Inspect(InspectOptions{Out: dir, Source: archive, Subdir: subdir})
}

const legacy = "from setuptools import setup\nsetup(name='demo')\n"

func TestAnArchiveIsUnpackedWithoutItsTopDirectory(t *testing.T) {
	later := time.Date(2020, 5, 6, 7, 8, 9, 0, time.UTC)
	tarball := tarred(t,
		tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "0123456789012345678901234567890123456789"}},
		tar.Header{Name: "demo-1.0/", Typeflag: tar.TypeDir, Mode: 0o777},
		tar.Header{Name: "demo-1.0/setup.py", Uname: legacy, ModTime: later, Mode: 0o666},
		tar.Header{Name: "./demo-1.0/docs", Typeflag: tar.TypeSymlink, Linkname: "src/docs"},
		tar.Header{Name: "demo-1.0/bin/run", Uname: "#!", Mode: 0o4711},
		tar.Header{Name: "demo-1.0/src/docs/a", Uname: "a"},
		tar.Header{Name: "demo-1.0/src/docs/a", Uname: "a"},
		tar.Header{Name: "demo-1.0/src/docs/b", Typeflag: tar.TypeLink, Linkname: "demo-1.0/src/docs/a"},
		tar.Header{Name: "demo-1.0/src/" + strings.Repeat("long/", 40) + "ä.txt", Uname: "pax", Format: tar.FormatPAX},
		tar.Header{Name: "demo-1.0/gone", Typeflag: tar.TypeSymlink, Linkname: "nowhere"},
		tar.Header{Name: "demo-1.0/self", Typeflag: tar.TypeSymlink, Linkname: "self"},
	)
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	for _, e := range []struct {
		name, content string
		mode          fs.FileMode
	}{
		{"demo-1.0/", "", fs.ModeDir | 0o755}, {"demo-1.0/setup.py", legacy, 0o640}, {"demo-1.0/docs", "src/docs", fs.ModeSymlink | 0o777}, {"demo-1.0/bin/run", "#!", 0o711},
		{"demo-1.0/src/docs/a", "a", 0o644}, {"demo-1.0/src/docs/b", "a", 0o644}, {"demo-1.0/src/" + strings.Repeat("long/", 40) + "ä.txt", "pax", 0o644},
		{"demo-1.0/gone", "nowhere", fs.ModeSymlink | 0o777}, {"demo-1.0/self", "self", fs.ModeSymlink | 0o777},
	} {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: later}
		h.SetMode(e.mode)
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(e.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"demo.tar": tarball, "demo.tar.gz": gzipped(tarball), "demo.tar.bz2": readFixture(t, "demo.tar.bz2"), "demo.zip": z.Bytes()} {
		t.Run(name, func(t *testing.T) {
			dir, err := inspected(t, name, data, "")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "unpacked.tree", listing(t, dir))
		})
	}
}

func TestAnArchiveWithoutATopDirectoryStaysAsItIs(t *testing.T) {
	for _, list := range [][]tar.Header{
		{{Name: "setup.py", Uname: legacy}},
		{{Name: "setup.py", Uname: legacy}, {Name: "demo/__init__.py"}},
		{{Name: "demo/__init__.py"}, {Name: "other/" + "x"}, {Name: "setup.py", Uname: legacy}},
	} {
		dir, err := inspected(t, "demo.tar", tarred(t, list...), "")
		if err != nil {
			t.Fatal(err)
		}
		if read(t, dir, "src/setup.py") != legacy {
			t.Error("setup.py is another")
		}
	}
}

func TestHostileArchivesAreRefused(t *testing.T) {
	setup := tar.Header{Name: "d/setup.py", Uname: legacy}
	one := func(h tar.Header) []byte { return tarred(t, setup, h) }
	for _, tt := range []struct {
		promise string
		data    []byte
		want    string
	}{
		{"absolute path", one(tar.Header{Name: "/etc/x", Uname: "x"}), `"/etc/x" has an absolute path$`},
		{"traversal", one(tar.Header{Name: "d/../../x", Uname: "x"}), "\"d/../../x\" has a path with `..`$"},
		{"traversal that comes back", one(tar.Header{Name: "d/../d/x", Uname: "x"}), "has a path with `..`$"},
		{"all problems", tarred(t, setup, tar.Header{Name: "/a"}, tar.Header{Name: "../b"}), "\"/a\" has .*\n\"../b\" has "},
		{"device", one(tar.Header{Name: "d/null", Typeflag: tar.TypeChar}), `"d/null" is a device, a pipe or another special file$`},
		{"pipe", one(tar.Header{Name: "d/pipe", Typeflag: tar.TypeFifo}), `"d/pipe" is a device`},
		{"absolute link", one(tar.Header{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}), `"d/l" is a link to "/etc/passwd", which leads out of the source$`},
		{"link out", one(tar.Header{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "../../x"}), `leads out of the source$`},
		{"link above the top directory", one(tar.Header{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "../x"}), `leads out of the source$`},
		{"link out by way of another", tarred(t, setup, tar.Header{Name: "d/a/b/c/" + "x"}, tar.Header{Name: "d/a/b/up", Typeflag: tar.TypeSymlink, Linkname: "../.."},
			tar.Header{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "a/b/up/../x"}), `"d/l" is a link to "a/b/up/../x", which leads out of the source$`},
		{"file below a link", tarred(t, setup, tar.Header{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "."}, tar.Header{Name: "d/l/x", Uname: "x"}), `"d/l" is both a file and a directory$`},
		{"file in the place of a link", tarred(t, setup, tar.Header{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "setup.py"}, tar.Header{Name: "d/l", Uname: "x"}), `"d/l" is there as two kinds of file$`},
		{"link in the place of a directory", tarred(t, setup, tar.Header{Name: "d/l/x"}, tar.Header{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "setup.py"}), `"d/l" is there as two kinds`},
		{"hard link out", one(tar.Header{Name: "d/l", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"}), `"d/l" is a hard link to a file that has a path`},
		{"hard link to what comes later", one(tar.Header{Name: "d/l", Typeflag: tar.TypeLink, Linkname: "d/later"}), `"d/l" is a hard link to "d/later", which is not a file before it$`},
		{"the same file with other content", one(tar.Header{Name: "d/setup.py", Uname: "x"}), `"d/setup.py" is there twice, with different content$`},
		{"the same file with more content", one(tar.Header{Name: "d/setup.py", Uname: legacy + "x"}), `is there twice, with different content$`},
		{"other targets", tarred(t, setup, tar.Header{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "a"}, tar.Header{Name: "d/l", Typeflag: tar.TypeSymlink, Linkname: "b"}), `different targets$`},
		{"cut", gzipped(tarred(t, setup))[:60], `^demo.src: the archive is damaged: unexpected EOF$`},
		{"cut within a file", tarred(t, setup)[:530], `the archive is damaged: unexpected EOF$`},
		{"xz", []byte("\xfd7zXZ\x00\x00"), `^demo.src: archives of xz are not supported: a source must be a .tar.gz, .tar.bz2, .tar or .zip file$`},
		{"zstd", []byte("\x28\xb5\x2f\xfd\x00"), `archives of zstd are not supported`},
		{"page of a server", []byte("<html>not found</html>"), `this is no archive`},
		{"nothing", nil, `this is no archive`},
		{"encrypted zip", encrypted(zipped(entry{"d/setup.py", legacy})), `"d/setup.py" is encrypted$`},
		{"traversal in a zip", zipped(entry{"../x", "x"}), "\"../x\" has a path with `..`$"},
		{"cut zip", zipped(entry{"d/setup.py", legacy})[:50], `the archive is damaged: zip: not a valid zip file$`},
		{"nothing of Python", tarred(t, tar.Header{Name: "d/x"}), `^demo.src: there is neither a pyproject.toml nor a setup.py$`},
	} {
		t.Run(tt.promise, func(t *testing.T) {
			dir, err := inspected(t, "demo.src", tt.data, "")
			if err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) {
				t.Errorf("got the error %v, want one that matches %s", err, tt.want)
			}
			if _, err := os.Lstat(dir); !os.IsNotExist(err) {
				t.Errorf("left: %q", entries(t, dir))
			}
		})
	}
}

// encrypted sets the flag of encryption in every header of a zip archive.
func encrypted(data []byte) []byte {
	for _, h := range []struct {
		magic string
		flags int
	}{{"PK\x03\x04", 6}, {"PK\x01\x02", 8}} {
		for i := bytes.Index(data, []byte(h.magic)); i >= 0 && i < len(data); {
			data[i+h.flags] |= 1
			next := bytes.Index(data[i+4:], []byte(h.magic))
			if next < 0 {
				break
			}
			i += 4 + next
		}
	}
	return data
}

func TestArchivesExpandToNoMoreThanTheirLimits(t *testing.T) {
	for _, tt := range []struct {
		promise string
		limits  limits
		want    string
	}{
		{"bytes", limits{bytes: 3 << 20, entries: 10}, "the archive expands to more than 3 MiB"},
		{"entries", limits{bytes: 1 << 30, entries: 2}, "the archive has more than 2 entries"},
		{"enough", limits{bytes: 4 << 20, entries: 4}, ""},
	} {
		var list []tar.Header
		for _, name := range []string{"d/a", "d/b", "d/c", "d/d"} {
			list = append(list, tar.Header{Name: name, Uname: strings.Repeat("\x00", 1<<20)})
		}
		for name, data := range map[string][]byte{"bomb.tar.gz": gzipped(tarred(t, list...)), "bomb.zip": zipped(
			entry{"d/a", list[0].Uname}, entry{"d/b", list[0].Uname}, entry{"d/c", list[0].Uname}, entry{"d/d", list[0].Uname})} {
			dir := t.TempDir()
			err := unpack(writeFile(t, filepath.Join(t.TempDir(), name), data), dir, func(int64) limits { return tt.limits })
			if got := errText(err); got != tt.want && got != name+": "+tt.want {
				t.Errorf("%s, %s: %v, want %q", tt.promise, name, err, tt.want)
			}
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// What stands between entries is expanded, too, though nothing of it is written.
func TestAnArchiveIsSkippedOverNoFurtherThanItsLimits(t *testing.T) {
	data := tarred(t, tar.Header{Name: "d/x", Uname: strings.Repeat("\x00", 4<<20)})
	was := data[156]
	data[156] = 'Z' // a kind that nobody knows
	sum := 0
	for _, digit := range data[148:154] {
		sum = sum*8 + int(digit-'0')
	}
	copy(data[148:], fmt.Sprintf("%06o", sum-int(was)+'Z'))
	err := unpack(writeFile(t, filepath.Join(t.TempDir(), "x.tar.gz"), gzipped(data)), t.TempDir(), func(int64) limits { return limits{bytes: 1 << 20, entries: 10} })
	if got, want := errText(err), "x.tar.gz: the archive is damaged: it expands without end"; got != want {
		t.Errorf("got the error %q, want %q", got, want)
	}
}

func BenchmarkInspect(b *testing.B) {
	list := []tar.Header{{Name: "d/setup.py", Uname: legacy}}
	for i := range 1000 {
		list = append(list, tar.Header{Name: fmt.Sprintf("d/package%d/module%d.py", i%30, i), Uname: strings.Repeat(fmt.Sprintln("line =", i), 500)})
	}
	archive := writeFile(b, filepath.Join(b.TempDir(), "d.tar.gz"), gzipped(tarred(b, list...)))
	for b.Loop() {
		out := filepath.Join(b.TempDir(), "out")
		if err := Inspect(InspectOptions{Out: out, Source: archive}); err != nil {
			b.Fatal(err)
		}
		if err := os.RemoveAll(out); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzArchive unpacks arbitrary bytes. Whatever they are, nothing but the output may change; an error leaves nothing; after success there
// are only directories, files and links, and no link leads out.
func FuzzArchive(f *testing.F) {
	setup := tar.Header{Name: "d/setup.py", Uname: legacy}
	link := func(name, target string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}
	}
	f.Add(tarred(f, setup, link("d/l", "setup.py"), link("d/m", "../x")))
	f.Add(tarred(f, setup, link("d/l", "."), tar.Header{Name: "d/l/x", Uname: "x"}))
	f.Add(tarred(f, setup, tar.Header{Name: "d/hard", Typeflag: tar.TypeLink, Linkname: "d/setup.py"}, tar.Header{Name: "/x"}))
	f.Add(tarred(f, tar.Header{Name: "d/../x", Uname: "x"}, tar.Header{Name: "d/p", Typeflag: tar.TypeFifo}))
	f.Add(gzipped(tarred(f, setup)))
	f.Add(zipped(entry{"d/setup.py", legacy}, entry{"../x", "x"}))
	f.Fuzz(checkUnpacked)
}

// FuzzEntries unpacks sound archives with three entries of any names and kinds: mutated archives seldom get as far as that.
func FuzzEntries(f *testing.F) {
	f.Add("a/b", "c", byte('2'), "a/b/x", "", byte('0'), "a/c", "../..", byte('2'))
	f.Add("a/b/up", "../..", byte('2'), "l", "a/b/up/../x", byte('2'), "a/b/up/f", "", byte('0'))
	f.Add("./a", ".", byte('2'), "a", "", byte('5'), "h", "a", byte('1'))
	f.Add("x/l", "y/../../z", byte('2'), "x/y", "..", byte('2'), "x/y/z", "", byte('0'))
	f.Fuzz(func(t *testing.T, a, aTarget string, aKind byte, b, bTarget string, bKind byte, c, cTarget string, cKind byte) {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, h := range []tar.Header{{Name: a, Linkname: aTarget, Typeflag: aKind}, {Name: b, Linkname: bTarget, Typeflag: bKind}, {Name: c, Linkname: cTarget, Typeflag: cKind}} {
			if len(h.Name) > 200 || len(h.Linkname) > 200 || h.Typeflag < '0' || h.Typeflag > '6' {
				return
			}
			h.Mode = 0o644
			if w.WriteHeader(&h) != nil {
				return // what the archive's writer does not write
			}
		}
		if w.Close() == nil {
			checkUnpacked(t, out.Bytes())
		}
	})
}

func checkUnpacked(t *testing.T, data []byte) {
	base := t.TempDir()
	outside := writeFile(t, filepath.Join(base, "outside"), []byte("before"))
	archive := writeFile(t, filepath.Join(base, "archive"), data)
	out := filepath.Join(base, "a/b/out")
	for _, dir := range []string{filepath.Dir(out), out} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	src := filepath.Join(out, "src")
	err := output(out, func(string) error { return unpackSource(archive, src, out) })
	if got := read(t, outside); got != "before" {
		t.Errorf("a file outside became %q", got)
	}
	if list := strings.Join(entries(t, base), " ") + strings.Join(entries(t, filepath.Join(base, "a")), " ") + strings.Join(entries(t, filepath.Join(base, "a/b")), " "); list != "a archive outside"+"b"+"out" {
		t.Errorf("there are the files %q", list)
	}
	if err != nil {
		if left := entries(t, out); len(left) > 0 {
			t.Errorf("left after an error: %q", left)
		}
		return
	}
	if list := entries(t, out); len(list) != 1 || list[0] != "src" {
		t.Errorf("the output has %q", list)
	}
	walked := filepath.WalkDir(src, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch d.Type() {
		case 0, fs.ModeDir:
			info, err := d.Info()
			if err != nil {
				return err
			}
			if mode := info.Mode().Perm(); mode != 0o755 && (d.IsDir() || mode != 0o644) {
				t.Errorf("%s has mode %o", name, mode)
			}
		case fs.ModeSymlink:
			if to, err := filepath.EvalSymlinks(name); err == nil && to != src && !strings.HasPrefix(to, src+"/") {
				t.Errorf("%s leads to %s", name, to)
			}
		default:
			t.Errorf("%s is a %s", name, d.Type())
		}
		return nil
	})
	if walked != nil {
		t.Fatal(walked)
	}
}

// readFixture is a file of testdata.
func readFixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
