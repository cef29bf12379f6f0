package install

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// record replaces the RECORD of entries.
func record(list []entry, lines ...string) []byte {
	return packRaw(append(list, entry{name: "demo-1.0.dist-info/RECORD", content: strings.Join(lines, "\n") + "\n"}))
}

// rowsBut is the RECORD of a demo wheel with the row of demo/__init__.py replaced.
func rowsBut(row string) []byte {
	lines := rows(demo())
	lines[0] = row
	return record(demo(), append(lines, "demo-1.0.dist-info/RECORD,,")...)
}

func TestDamagedWheelsAreRefused(t *testing.T) {
	text := func(name string) entry { return entry{name: name, content: "x = 1\n"} }
	points := func(lines string) []byte {
		return pack(demo(entry{name: "demo-1.0.dist-info/entry_points.txt", content: "[console_scripts]\n" + lines}))
	}
	whole := pack(demo())
	for _, tt := range []struct {
		promise string
		wheel   []byte
		want    string
	}{
		{"not an archive", []byte("hello"), `^demo-1.0-py3-none-any.whl: not a zip archive`},
		{"cut off", whole[:len(whole)-30], `not a zip archive`},
		{"newer major version", pack(demo(entry{name: "demo-1.0.dist-info/WHEEL", content: "Wheel-Version: 2.0\n"})), `Wheel-Version must be 1.0, not 2.0: this wheel needs a newer installer`},
		{"version that is none", pack(demo(entry{name: "demo-1.0.dist-info/WHEEL", content: "Root-Is-Purelib: true\n"})), `Wheel-Version in WHEEL must have the form 1.0, not ""`},
		{"no WHEEL", pack(without(demo(), "demo-1.0.dist-info/WHEEL")), `demo-1.0.dist-info/WHEEL is missing`},
		{"no METADATA", pack(without(demo(), "demo-1.0.dist-info/METADATA")), `demo-1.0.dist-info/METADATA is missing`},
		{"no RECORD", packRaw(demo()), `demo-1.0.dist-info/RECORD is missing`},
		{"no .dist-info", packRaw([]entry{text("demo.py")}), `a wheel must have a .dist-info directory`},
		{"two .dist-info", pack(demo(text("other-1.0.dist-info/METADATA"))), `one .dist-info directory, not demo-1.0.dist-info and other-1.0.dist-info`},
		{"another .dist-info by way of .data", pack(demo(text("demo-1.0.data/purelib/other-1.0.dist-info/METADATA"))), `would be installed as metadata of another project, other-1.0.dist-info`},
		{"another .dist-info by way of the prefix", pack(demo(text("demo-1.0.data/data/lib/python3.13/site-packages/demo-1.B.dist-info/RECORD"))), `would be installed as metadata of another project, demo-1.B.dist-info`},
		{".dist-info of another project", pack(project("other")), `other-1.0.dist-info is not the .dist-info directory of demo`},
		{"METADATA of another project", pack(demo(entry{name: "demo-1.0.dist-info/METADATA", content: "Name: other\n"})), `the Name in METADATA must be that of the file, demo, not "other"`},

		{"file not in RECORD", pack(demo(entry{name: "demo/x.py", unlisted: true})), `"demo/x.py" is not listed in RECORD`},
		{"row without file", rowsBut("demo/gone.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0"), `RECORD lists "demo/gone.py", which is not in the wheel`},
		{"wrong hash", rowsBut("demo/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,"), `"demo/__init__.py" does not have the hash that RECORD gives: the wheel is damaged or was changed; download it again`},
		{"wrong size", rowsBut(rows(demo())[0] + "0"), `size is 30, not 300`},
		{"no hash", rowsBut("demo/__init__.py,,"), `RECORD, "demo/__init__.py": has no hash`},
		{"md5", rowsBut("demo/__init__.py,md5=1B2M2Y8AsgTpgAmY7PhCfg,"), `hash must be sha256, sha384 or sha512: md5 is not safe`},
		{"sha1", rowsBut("demo/__init__.py,sha1=2jmj7l5rSw0yVb_vlWAYkK_YBwk,"), `sha1 is not safe`},
		{"unknown hash", rowsBut("demo/__init__.py,crc=AAAA,"), `hash must be sha256, sha384 or sha512, not crc`},
		{"hash without algorithm", rowsBut("demo/__init__.py,AAAA,"), `hash must have the form sha256=`},
		{"hash that is none", rowsBut("demo/__init__.py,sha256=AAAA,"), `URL-safe base64 of a sha256 digest, not "AAAA"`},
		{"too many fields", rowsBut("demo/__init__.py,a,b,c"), `RECORD: line 1 must have the form path,hash,size, but has 4 fields`},
		{"RECORD that is not CSV", rowsBut(`demo/"`), `RECORD: .*line 1`},
		{"row twice", rowsBut(rows(demo())[0] + "\ndemo/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0"), `RECORD lists "demo/__init__.py" twice, and differently`},

		{"path upwards", pack(demo(text("../evil.py"))), `"../evil.py" has a path that leads out of the wheel`},
		{"path upwards inside", pack(demo(text("demo/../../evil.py"))), `leads out of the wheel`},
		{"path upwards in .data", pack(demo(text("demo-1.0.data/scripts/../../evil"))), `leads out of the wheel`},
		{"absolute path", pack(demo(text("/etc/evil"))), `"/etc/evil" has an absolute path`},
		{"drive letter", pack(demo(text("c:evil.py"))), `"c:evil.py" has a path with a drive letter`},
		{"backslash", pack(demo(text(`demo\evil.py`))), `has a backslash in its name`},
		{"NUL", pack(demo(text("demo/a\x00.py"))), `"demo/a\\x00.py" has a control character in its name`},
		{"line break", pack(demo(text("demo/a\n.py"))), `has a control character in its name`},
		{"not UTF-8", pack(demo(text("demo/\xff.py"))), `has a name that is not UTF-8`},
		{"double slash", pack(demo(text("demo//x.py"))), `not in its shortest form`},
		{"dot", pack(demo(text("./demo/x.py"))), `not in its shortest form`},
		{"empty name", pack(demo(text(""))), `"" has an empty name`},
		{"symbolic link", pack(demo(entry{name: "demo/link", content: "/etc/passwd", mode: 0o120777})), `"demo/link" is a symbolic link`},
		{"device", pack(demo(entry{name: "demo/null", mode: 0o020666})), `"demo/null" is neither a file nor a directory`},
		{"pipe", pack(demo(entry{name: "demo/pipe", mode: 0o010666})), `is neither a file nor a directory`},
		{"directory in disguise", pack(demo(entry{name: "demo/sub", mode: 0o040755})), `is neither a file nor a directory`},
		{"file in disguise", pack(demo(entry{name: "demo/sub/", mode: 0o100644})), `is neither a file nor a directory`},
		{"directory with content", pack(demo(entry{name: "demo/sub/", change: func(h *zip.FileHeader) { h.UncompressedSize64 = 1 }})), `is a directory with content`},
		{"encrypted", pack(demo(entry{name: "demo/x", change: func(h *zip.FileHeader) { h.Flags |= 1 }})), `"demo/x" is encrypted`},
		{"unknown compression", pack(demo(entry{name: "demo/x", change: func(h *zip.FileHeader) { h.Method = 14 }})), `is compressed by method 14: wheels must be stored or deflated`},
		{"file twice", pack(demo(text("demo/x.py"), text("demo/x.py"))), `"demo/x.py" is there twice`},
		{"file and directory", pack(demo(text("demo/x"), text("demo/x/y"))), `"demo/x" is both a file and a directory`},
		{"directory and file", pack(demo(text("demo/x/y"), text("demo/x"))), `"demo/x" is both a file and a directory`},
		{"directory entry and file", pack(demo(entry{name: "demo/x/"}, text("demo/x"))), `"demo/x" is both a file and a directory`},
		{"wrong checksum", pack(demo(entry{name: "demo/x", content: "x", change: func(h *zip.FileHeader) { h.CRC32++ }})), `"demo/x" cannot be read: zip: checksum error: the wheel is damaged`},

		{"unknown scheme", pack(demo(text("demo-1.0.data/stdlib/x.py"))), `"demo-1.0.data/stdlib/x.py" is not in one of the directories data, headers, platlib, purelib and scripts of demo-1.0.data`},
		{"file without scheme", pack(demo(text("demo-1.0.data/x.py"))), `is not in one of the directories`},
		{"two files for one path", pack(demo(text("demo-1.0.data/purelib/demo/__init__.py"))), `two of its files would be installed as /opt/venv/lib/python3.13/site-packages/demo/__init__.py`},
		{"file in the way of its directory", pack(demo(text("demo-1.0.data/data/bin"), text("demo-1.0.data/scripts/tool"))), `has the file /opt/venv/bin where demo-1.0-py3-none-any.whl has a directory`},

		{"entry point without value", points("demo\n"), `entry_points.txt, line 2: an entry point must have the form name = module:function, not "demo"`},
		{"entry point without function", points("\ndemo = demo\n"), `entry_points.txt, line 3: an entry point must have the form`},
		{"entry point with code", points("demo = demo:main();print\n"), `must have the form name = module:function`},
		{"entry point with a path", points("../demo = demo:main\n"), `the name of an entry point must be the name of a file, not "../demo"`},
		{"entry point named ..", points(".. = demo:main\n"), `must be the name of a file, not ".."`},
		{"entry point with a blank", points("a b = demo:main\n"), `must be the name of a file, not "a b"`},
	} {
		t.Run(tt.promise, func(t *testing.T) {
			name := writeFile(t, filepath.Join(t.TempDir(), demoWheel), tt.wheel)
			refused(t, WheelsOptions{Wheels: []string{name}}, tt.want)
		})
	}
}

// refused checks that wheels are not installed, that the error has the text in one line, and that nothing is left.
func refused(t *testing.T, o WheelsOptions, want string) {
	t.Helper()
	dir, _, err := installed(t, o)
	if err == nil {
		t.Fatalf("was installed:\n%s", listing(t, dir))
	}
	if !regexp.MustCompile("(?m)" + want).MatchString(err.Error()) {
		t.Errorf("got the error\n%v\nwant one that matches\n%s", err, want)
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Errorf("left in the output directory: %q", entries(t, dir))
	}
}

// A header that says less than there is must not make the installer write more than it says, whether the file is stored or deflated.
func TestContentBeyondTheDeclaredSizeIsRefused(t *testing.T) {
	bomb := bytes.Repeat([]byte("0"), 1<<20)
	var small bytes.Buffer
	w, err := flate.NewWriter(&small, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(bomb); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for method, content := range map[uint16][]byte{zip.Store: bomb, zip.Deflate: small.Bytes()} {
		list := demo(entry{name: "demo/bomb", content: string(content), change: func(h *zip.FileHeader) {
			h.Method, h.UncompressedSize64 = method, 1
		}})
		name := writeFile(t, filepath.Join(t.TempDir(), demoWheel), record(list, append(rows(demo()), rows([]entry{{name: "demo/bomb", content: "0"}})...)...))
		refused(t, WheelsOptions{Wheels: []string{name}}, `"demo/bomb" (is larger than its header says|cannot be read: zip: not a valid zip file): the wheel is damaged`)
	}
}

func TestWheelsThatDoNotGoTogetherAreRefused(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, data []byte) string { return writeFile(t, filepath.Join(dir, name), data) }
	a := write("a-1.0-py3-none-any.whl", pack(project("a", entry{name: "shared/x", content: "x"})))
	for _, tt := range []struct {
		promise string
		options WheelsOptions
		want    string
	}{
		{"file in the way of a directory", WheelsOptions{Wheels: []string{a, write("b-1.0-py3-none-any.whl", pack(project("b", entry{name: "shared/x/y", content: "y"})))}},
			`^a-1.0-py3-none-any.whl has the file /opt/venv/lib/python3.13/site-packages/shared/x where b-1.0-py3-none-any.whl has a directory$`},
		{"same project twice", WheelsOptions{Wheels: []string{a, write("A-1.0-1-py3-none-any.whl", pack(project("A")))}},
			`^a-1.0-py3-none-any.whl and A-1.0-1-py3-none-any.whl are the same project: give one of them$`},
		{"name that is no wheel's", WheelsOptions{Wheels: []string{write("demo.whl", pack(demo()))}}, `^demo.whl: the name of a wheel must have the form`},
		{"no wheel", WheelsOptions{}, `^no wheel is given$`},
		{"directory without wheels", WheelsOptions{Wheels: []string{t.TempDir()}}, `^there is no wheel in `},
		{"absent file", WheelsOptions{Wheels: []string{filepath.Join(dir, "gone.whl")}}, `no such file`},
		{"relative prefix", WheelsOptions{Wheels: []string{a}, Prefix: "opt/venv"}, `^--prefix must be an absolute path such as /opt/venv, .* not "opt/venv"$`},
		{"prefix upwards", WheelsOptions{Wheels: []string{a}, Prefix: "/opt/../.."}, `must be an absolute path`},
		{"version that is a path", WheelsOptions{Wheels: []string{a}, Python: "3/.."}, `the Python version must be of the form 3.13`},
		{"every problem at once", WheelsOptions{Wheels: []string{write("d-1.0-py3-none-any.whl", []byte("no")), write("e-1.0-py3-none-any.whl", []byte("no"))}},
			`(?s)d-1.0-py3-none-any.whl: not a zip archive.*\ne-1.0-py3-none-any.whl: not a zip archive`},
	} {
		t.Run(tt.promise, func(t *testing.T) { refused(t, tt.options, tt.want) })
	}
}

func TestAThousandProblemsAreToldInAFewLines(t *testing.T) {
	var many []entry
	for i := range 1000 {
		many = append(many, entry{name: "demo/" + strings.Repeat("x", i+1), unlisted: true})
	}
	name := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo(many...)))
	_, _, err := installed(t, WheelsOptions{Wheels: []string{name}})
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 9 || lines[8] != demoWheel+": and 992 more" {
		t.Errorf("got %d lines, the last one %q", len(lines), lines[len(lines)-1])
	}
}

// An output directory that has something in it is not ours to write to, and above all not ours to empty.
func TestAnOutputDirectoryWithFilesIsLeftAlone(t *testing.T) {
	out := t.TempDir()
	writeFile(t, filepath.Join(out, "precious"), nil)
	name := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo()))
	err := Wheels(context.Background(), WheelsOptions{Out: out, Prefix: "/opt/venv", Python: "3.13", Wheels: []string{name}})
	if err == nil || !strings.Contains(err.Error(), "must be empty, but has precious") {
		t.Errorf("got the error %v", err)
	}
	if got := entries(t, out); len(got) != 1 {
		t.Errorf("the directory has %q", got)
	}
}

// A mount cannot be removed, so what is made in it is.
func TestAnOutputDirectoryThatWasThereIsEmptiedOnFailure(t *testing.T) {
	out := t.TempDir()
	name := writeFile(t, filepath.Join(t.TempDir(), demoWheel), rowsBut("demo/__init__.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,"))
	if err := Wheels(context.Background(), WheelsOptions{Out: out, Prefix: "/opt/venv", Python: "3.13", Wheels: []string{name}}); err == nil {
		t.Error("was installed")
	}
	if got := entries(t, out); len(got) != 0 {
		t.Errorf("the directory has %q", got)
	}
}
