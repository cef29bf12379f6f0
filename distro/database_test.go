package distro

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/org/pyfile/python"
)

// image makes the root of an image of files by path; a text that begins with "-> " is a link, and a path with a slash at its end a directory.
func image(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		switch target, link := strings.CutPrefix(text, "-> "); {
		case link:
			m[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
		case strings.HasSuffix(name, "/"):
			m[strings.TrimSuffix(name, "/")] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
		default:
			m[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
		}
	}
	return m
}

func open(t testing.TB, files fs.FS) *Database {
	t.Helper()
	db, err := Open(files)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

const trixie = `PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
NAME="Debian GNU/Linux"
VERSION_ID="13"
VERSION_CODENAME=trixie
ID=debian
`

const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.41-12
Conffiles:
 /etc/ld.so.conf.d/x86_64-linux-gnu.conf d4e7a7b88a71b5ffd9e2644e71a0cfab
Description: GNU C Library
 Package: not-a-field
 .
 .

Package: libc6
Status: install ok installed
Architecture: i386
Source: glibc
Version: 2.41-12

Package: dash
Status: install ok triggers-awaited
Architecture: amd64
Version: 0.5.12-12

Package: bash
Status: install ok installed
Architecture: amd64
Source: bash (5.2.37-2)
Version: 5.2.37-2+b5

Package: libblas3
Status: install ok installed
Architecture: amd64
Source: lapack
Version: 3.12.1-6

Package: nano
Status: deinstall ok config-files
Architecture: amd64
Version: 8.4-1

Package: vim
Status: unknown ok not-installed
Architecture: amd64
`

// debian is a Debian of a few packages, with a merged /usr, files that the lists name either way, diversions and an alternative.
func debian() fstest.MapFS {
	return image(map[string]string{
		"etc/os-release":      "-> ../usr/lib/os-release",
		"usr/lib/os-release":  trixie,
		"lib":                 "-> usr/lib",
		"bin":                 "-> usr/bin",
		"var/lib/dpkg/status": status,
		"var/lib/dpkg/info/libc6:amd64.list": "/.\n/etc\n/etc/ld.so.conf.d\n/etc/ld.so.conf.d/x86_64-linux-gnu.conf\n/usr\n/usr/lib\n/usr/lib/x86_64-linux-gnu\n" +
			"/usr/lib/x86_64-linux-gnu/libm.so.6\n/usr/lib/x86_64-linux-gnu/libc.so.6\n/usr/lib64\n/usr/lib64/ld-linux-x86-64.so.2\n",
		"var/lib/dpkg/info/libc6:i386.list":     "/.\n/usr\n/usr/lib\n/usr/lib/i386-linux-gnu\n/usr/lib/i386-linux-gnu/libc.so.6\n",
		"var/lib/dpkg/info/dash.list":           "/.\n/bin\n/bin/dash\n/bin/sh\n/usr/share/empty\n",
		"var/lib/dpkg/info/bash.list":           "/.\n/bin\n/bin/bash\n/bin/sh\n/usr/lib\n/usr/lib/bash.so\n",
		"var/lib/dpkg/info/libblas3:amd64.list": "/.\n/usr\n/usr/lib\n/usr/lib/x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu/blas\n/usr/lib/x86_64-linux-gnu/blas/libblas.so.3\n",
		"var/lib/dpkg/info/nano.list":           "/.\n/etc\n/etc/nanorc\n",
		"var/lib/dpkg/info/stranger.list":       "/.\n/etc/stranger\n",
		"var/lib/dpkg/info/bash.md5sums":        "x  bin/other\n",
		"var/lib/dpkg/diversions":               "/bin/sh\n/bin/sh.distrib\ndash\n",

		"usr/lib/x86_64-linux-gnu/blas/libblas.so.3":     "ELF",
		"usr/lib/x86_64-linux-gnu/libblas.so.3":          "-> /etc/alternatives/libblas.so.3-x86_64-linux-gnu",
		"etc/alternatives/libblas.so.3-x86_64-linux-gnu": "-> /usr/lib/x86_64-linux-gnu/blas/libblas.so.3",
		"usr/local/lib/outside":                          "-> ../../../../../../etc/ld.so.conf.d/x86_64-linux-gnu.conf",
		"etc/ld.so.conf.d/x86_64-linux-gnu.conf":         "",
		"usr/local/lib/loop":                             "-> loop",
	})
}

const apkInstalled = `C:Q1rrc=
P:musl
V:1.2.5-r10
A:x86_64
o:musl
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1s=
R:libc.musl-x86_64.so.1
a:0:0:777

C:Q1x=
P:libpq
V:17.5-r0
A:x86_64
o:postgresql17
p:so:libpq.so.5=5.17
F:usr
F:usr/lib
R:libpq.so.5
R:libpq.so.5.17
F:
R:root-file
`

func alpine() fstest.MapFS {
	return image(map[string]string{
		"etc/os-release":       "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.22.1\nPRETTY_NAME=\"Alpine Linux v3.22\"\n",
		"lib/apk/db/installed": apkInstalled,
		"usr/lib/libpq.so.5":   "-> libpq.so.5.17",
	})
}

// distroless is an image without dpkg, whose lists have no links.
func distroless() fstest.MapFS {
	return image(map[string]string{
		"etc/os-release":                         "-> /usr/lib/os-release",
		"usr/lib/os-release":                     strings.Replace(trixie, "Debian GNU/Linux 13 (trixie)", "Distroless", 1),
		"var/lib/dpkg/status.d/libc6":            "Package: libc6\nVersion: 2.41-12\nArchitecture: amd64\nSource: glibc\n",
		"var/lib/dpkg/status.d/libc6.md5sums":    "0123  usr/lib/x86_64-linux-gnu/libc.so.6\n",
		"var/lib/dpkg/status.d/zlib1g":           "Package: zlib1g\nVersion: 1:1.3\nArchitecture: amd64\nSource: zlib (1:1.3)",
		"var/lib/dpkg/status.d/zlib1g.md5sums":   "4567  ./usr/lib/x86_64-linux-gnu/libz.so.1.3.1\n",
		"usr/lib/x86_64-linux-gnu/libz.so.1.3.1": "ELF",
		"usr/lib/x86_64-linux-gnu/libz.so.1":     "-> libz.so.1.3.1",
		"lib":                                    "-> /usr/lib",
	})
}

func TestEveryKindOfImageIsRead(t *testing.T) {
	for _, tt := range []struct {
		name     string
		files    fs.FS
		kind     string
		release  Release
		packages string
		libc     string
	}{
		{"debian", debian(), Dpkg, Release{"debian", "13", "trixie", "Debian GNU/Linux 13 (trixie)"},
			"bash 5.2.37-2+b5 amd64 bash, dash 0.5.12-12 amd64 dash, libblas3 3.12.1-6 amd64 lapack, libc6 2.41-12 amd64 glibc, libc6 2.41-12 i386 glibc", "glibc 2.41"},
		{"alpine", alpine(), Apk, Release{"alpine", "3.22.1", "", "Alpine Linux v3.22"},
			"libpq 17.5-r0 x86_64 postgresql17, musl 1.2.5-r10 x86_64 musl", "musl 1.2"},
		{"distroless", distroless(), Dpkg, Release{"debian", "13", "trixie", "Distroless"},
			"libc6 2.41-12 amd64 glibc, zlib1g 1:1.3 amd64 zlib", "glibc 2.41"},
		{"wolfi, whose database is below /usr", image(map[string]string{"etc/os-release": "ID='wolfi'\n# ID=no\nVERSION_ID=\"a\\\"b\"", "usr/lib/apk/db/installed": "P:glibc\nV:2.42-r1\nA:x86_64\n"}),
			Apk, Release{"wolfi", `a"b`, "", ""}, "glibc 2.42-r1 x86_64 glibc", "glibc 2.42"},
		{"empty", image(nil), "", Release{}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := open(t, tt.files)
			var packages []string
			for _, p := range db.Packages() {
				packages = append(packages, strings.Join([]string{p.Name, p.Version, p.Arch, p.Source}, " "))
			}
			if got := strings.Join(packages, ", "); got != tt.packages {
				t.Errorf("packages are %s\nwant %s", got, tt.packages)
			}
			if db.Kind != tt.kind || db.Release != tt.release {
				t.Errorf("is %q, %+v; want %q, %+v", db.Kind, db.Release, tt.kind, tt.release)
			}
			libc, ok := db.Libc()
			if ok != (tt.libc != "") || ok && libc.String() != tt.libc {
				t.Errorf("C library is %v, %v; want %q", libc, ok, tt.libc)
			}
		})
	}
}

func TestOwnerIsFoundByAnyNameOfTheFile(t *testing.T) {
	for _, tt := range []struct {
		files fs.FS
		path  string
		owner string // "" for none
	}{
		{debian(), "/usr/lib/x86_64-linux-gnu/libc.so.6", "libc6"},
		{debian(), "usr/lib/x86_64-linux-gnu/libc.so.6", "libc6"},
		{debian(), "/lib/x86_64-linux-gnu/libc.so.6", "libc6"},
		{debian(), "/lib/../lib//x86_64-linux-gnu/./libc.so.6", "libc6"},
		{debian(), "/lib/i386-linux-gnu/libc.so.6", "libc6"},
		{debian(), "/lib64/ld-linux-x86-64.so.2", "libc6"},
		{debian(), "/usr/bin/dash", "dash"},
		{debian(), "/bin/dash", "dash"},
		{debian(), "/bin/sh", "dash"},
		{debian(), "/usr/bin/sh", "dash"},
		{debian(), "/bin/sh.distrib", "bash"},
		{debian(), "/usr/lib/bash.so", "bash"},
		{debian(), "/usr/lib/x86_64-linux-gnu/libblas.so.3", "libblas3"},
		{debian(), "/lib/x86_64-linux-gnu/libblas.so.3", "libblas3"},
		{debian(), "/usr/local/lib/outside", "libc6"},
		{debian(), "/usr/local/lib/loop", ""},
		{debian(), "/usr/lib/os-release/x", ""},
		{debian(), "/usr/lib", ""},
		{debian(), "/usr/lib/x86_64-linux-gnu", ""},
		{debian(), "/", ""},
		{debian(), "", ""},
		{debian(), "/etc/nanorc", ""},
		{debian(), "/etc/stranger", ""},
		{debian(), "/bin/other", ""},
		{debian(), "/x/\xff", ""},
		{distroless(), "/usr/lib/x86_64-linux-gnu/libz.so.1", "zlib1g"},
		{distroless(), "/lib/x86_64-linux-gnu/libz.so.1", "zlib1g"},
		{distroless(), "/lib/x86_64-linux-gnu/libc.so.6", "libc6"},
		{alpine(), "/lib/ld-musl-x86_64.so.1", "musl"},
		{alpine(), "/usr/lib/ld-musl-x86_64.so.1", ""}, // /lib is a directory of its own
		{alpine(), "/usr/lib/libpq.so.5", "libpq"},
		{alpine(), "/root-file", "libpq"},
		{image(nil), "/bin/sh", ""},
	} {
		if owner, ok := open(t, tt.files).Owner(tt.path); owner != tt.owner || ok != (tt.owner != "") {
			t.Errorf("owner of %s is %q, %v; want %q", tt.path, owner, ok, tt.owner)
		}
	}
}

func TestFilesAreInOrderAndHaveTheirOwner(t *testing.T) {
	var got []string
	for file, owner := range open(t, debian()).Files() {
		got = append(got, file+" "+owner)
	}
	want := []string{
		"/bin/bash bash", "/bin/dash dash", "/bin/sh dash", "/bin/sh.distrib bash", "/etc/ld.so.conf.d/x86_64-linux-gnu.conf libc6",
		"/usr/lib/bash.so bash", "/usr/lib/i386-linux-gnu/libc.so.6 libc6", "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3 libblas3",
		"/usr/lib/x86_64-linux-gnu/libc.so.6 libc6", "/usr/lib/x86_64-linux-gnu/libm.so.6 libc6", "/usr/lib64/ld-linux-x86-64.so.2 libc6", "/usr/share/empty dash",
	}
	if !slices.Equal(got, want) {
		t.Errorf("files are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for file := range open(t, debian()).Files() {
		if file == "/bin/dash" {
			break // a loop may end early
		}
	}
}

func TestLibcIsReadFromItsFileWithoutAPackage(t *testing.T) {
	const glibc = "\x7fELF\x00GNU C Library (Debian GLIBC 2.41-12) stable release version 2.41.\nCopyright\x00"
	const musl = "\x7fELF\x001.2.5\x00musl libc (x86_64)\nVersion %s\n\x00"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"glibc of a distribution with /usr/lib64", map[string]string{"usr/lib64/libc.so.6": glibc, "lib64": "-> usr/lib64"}, "glibc 2.41"},
		{"glibc of a Debian", map[string]string{"usr/lib/aarch64-linux-gnu/libc.so.6": "-> libc-2.31.so", "usr/lib/aarch64-linux-gnu/libc-2.31.so": strings.ReplaceAll(glibc, "2.41", "2.31")}, "glibc 2.31"},
		{"development version", map[string]string{"lib/libc.so.6": strings.ReplaceAll(glibc, "stable release version 2.41", "development release version 2.42.9000")}, "glibc 2.42"},
		{"musl", map[string]string{"lib/ld-musl-x86_64.so.1": musl}, "musl 1.2"},
		{"musl beside glibc", map[string]string{"lib/ld-musl-x86_64.so.1": musl, "lib/x86_64-linux-gnu/libc.so.6": glibc}, "glibc 2.41"},
		{"glibc's names on musl", map[string]string{"lib/ld-musl-x86_64.so.1": musl, "lib/libc.so.6": "\x7fELF gcompat"}, "musl 1.2"},
		{"a database without it", map[string]string{"var/lib/dpkg/status": "Package: bash\nVersion: 5\n", "lib/libc.so.6": glibc}, "glibc 2.41"},
		{"a package with a strange version", map[string]string{"var/lib/dpkg/status": "Package: libc6\nVersion: new\n", "lib/libc.so.6": glibc}, "glibc 2.41"},
		{"nothing", map[string]string{"lib/libc.so.6": "ELF", "lib/ld-musl-x86_64.so.1": "1.2.5"}, ""},
	} {
		libc, ok := open(t, image(tt.files)).Libc()
		if ok != (tt.want != "") || ok && libc.String() != tt.want {
			t.Errorf("%s: %v, %v; want %q", tt.name, libc, ok, tt.want)
		}
	}
}

// TestLinksStayInsideTheRoot uses a real directory, whose absolute links would lead to the files of the machine.
func TestLinksStayInsideTheRoot(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	inside := filepath.Join(dir, "root")
	for name, text := range map[string]string{
		"outside/os-release": "ID=outside\n", "outside/status": "Package: outside\nVersion: 1\n", "root/usr/lib/os-release": "ID=inside\n",
		"root/usr/lib/x.so": "", "root/var/lib/dpkg/status": "Package: x\nVersion: 1\n", "root/var/lib/dpkg/info/x.list": "/.\n/usr\n/usr/lib\n/usr/lib/x.so\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(inside, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(inside, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("/usr/lib/x.so", "etc/absolute.so")
	for _, tt := range []struct{ target, id string }{
		{"/usr/lib/os-release", "inside"},
		{"../../../../../../../../usr/lib/os-release", "inside"},
		{filepath.Join(outside, "os-release"), "inside"}, // it is missing inside, so the other place counts
		{"os-release", "inside"},
	} {
		link(tt.target, "etc/os-release")
		db := open(t, os.DirFS(inside))
		if db.Release.ID != tt.id {
			t.Errorf("a link to %s reads %q", tt.target, db.Release.ID)
		}
		if owner, _ := db.Owner("/etc/absolute.so"); owner != "x" {
			t.Errorf("the owner of an absolute link is %q", owner)
		}
		os.Remove(filepath.Join(inside, "etc/os-release"))
	}
	os.RemoveAll(filepath.Join(inside, "var/lib/dpkg"))
	link(outside, "var/lib/dpkg")
	if db := open(t, os.DirFS(inside)); len(db.Packages()) != 0 || db.Kind != "" {
		t.Errorf("read %v from outside", db.Packages())
	}
}

func TestADatabaseThatCannotBeReadIsAnError(t *testing.T) {
	for _, name := range []string{"etc/os-release", "var/lib/dpkg/status", "var/lib/dpkg/diversions", "var/lib/dpkg/info", "var/lib/dpkg/info/bash.list", "lib"} {
		if _, err := Open(broken{debian(), name}); err == nil || !strings.Contains(err.Error(), "cannot be read") || !strings.Contains(err.Error(), "permission") {
			t.Errorf("%s that cannot be read: %v", name, err)
		}
	}
}

// broken is a file system that refuses one path.
type broken struct {
	fstest.MapFS
	name string
}

func (b broken) refuse(name string) error {
	if name == b.name {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return nil
}

func (b broken) Open(name string) (fs.File, error) {
	if err := b.refuse(name); err != nil {
		return nil, err
	}
	return b.MapFS.Open(name)
}

func (b broken) ReadFile(name string) ([]byte, error) {
	if err := b.refuse(name); err != nil {
		return nil, err
	}
	return b.MapFS.ReadFile(name)
}

func (b broken) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := b.refuse(name); err != nil {
		return nil, err
	}
	return b.MapFS.ReadDir(name)
}

func (b broken) Lstat(name string) (fs.FileInfo, error) {
	if err := b.refuse(name); err != nil {
		return nil, err
	}
	return b.MapFS.Lstat(name)
}

// FuzzDatabase reads databases of any text. Every file must be found again by its owner, and owners must be installed packages.
func FuzzDatabase(f *testing.F) {
	d := debian()
	f.Add(status, string(d["var/lib/dpkg/info/bash.list"].Data), string(d["var/lib/dpkg/diversions"].Data), "", trixie)
	f.Add("Package: bash\n", "/.\n/a\n/a/b\n/a b\n//\nx\n", "/a\n/b\n:\n/b\n/a\nbash\n", "", "ID=\"\nVERSION_ID='")
	f.Add("", "", "", apkInstalled, "ID=alpine")
	f.Add("\n\nPackage:\nPackage: \n\n", "", "\n\n\n\n", "P:a\nF:\nR:/\nR:..\nF:../x\nR:y\n\nP:\n", "=")
	f.Fuzz(func(t *testing.T, status, list, diversions, apk, release string) {
		for _, files := range []fs.FS{
			image(map[string]string{"var/lib/dpkg/status": status, "var/lib/dpkg/info/bash.list": list, "var/lib/dpkg/diversions": diversions, "etc/os-release": release}),
			image(map[string]string{"lib/apk/db/installed": apk, "etc/os-release": release}),
			image(map[string]string{"var/lib/dpkg/status.d/bash": status, "var/lib/dpkg/status.d/bash.md5sums": list}),
		} {
			db := open(t, files)
			names := map[string]bool{}
			for _, p := range db.Packages() {
				if p.Name == "" || p.Source == "" || strings.ContainsAny(p.Name+p.Version+p.Arch+p.Source, "\n") {
					t.Errorf("package %+v", p)
				}
				names[p.Name] = true
				if found, ok := db.Package(p.Name); !ok || found.Name != p.Name {
					t.Errorf("package %q is %+v", p.Name, found)
				}
			}
			for file, owner := range db.Files() {
				if !names[owner] {
					t.Errorf("%q belongs to %q, which is not installed", file, owner)
				}
				if found, ok := db.Owner(file); !ok || found != owner {
					t.Errorf("owner of %q is %q, %v; want %q", file, found, ok, owner)
				}
				if found, ok := db.Owner(strings.TrimPrefix(file, "/")); !ok || found != owner {
					t.Errorf("owner of %q without its slash is %q, %v; want %q", file, found, ok, owner)
				}
			}
			db.Libc()
		}
	})
}

// BenchmarkOpen reads a database of the size of the full Python image's: 450 packages, 60,000 files.
func BenchmarkOpen(b *testing.B) {
	files := maps.Clone(debian())
	var all strings.Builder
	for i := range 450 {
		name := "package-" + strings.Repeat("x", i%9) + string(rune('a'+i%26)) + "-" + strings.Repeat("y", i/26)
		all.WriteString("Package: " + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\nDescription: " + strings.Repeat("text ", 20) + "\n" + strings.Repeat(" text\n", 30) + "\n")
		list := "/.\n/usr\n/usr/share\n"
		for j := range 133 {
			list += "/usr/share/" + name + "-file-" + strings.Repeat("z", j) + "\n"
		}
		files["var/lib/dpkg/info/"+name+".list"] = &fstest.MapFile{Data: []byte(list), Mode: 0o644}
	}
	files["var/lib/dpkg/status"] = &fstest.MapFile{Data: []byte(status + "\n" + all.String()), Mode: 0o644}
	dir := b.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if libc, ok := open(b, os.DirFS(dir)).Libc(); !ok || libc != (python.Libc{Name: "glibc", Major: 2, Minor: 41}) {
			b.Fatal(libc)
		}
	}
}
