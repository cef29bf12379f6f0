package verify

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/elf"
)

// lib is a library of a test's system.
func lib(soname string, needed ...string) string {
	return shared(elf.Object{Soname: soname, Needed: needed})
}

const multiarch = "usr/lib/x86_64-linux-gnu/"

// debian is an image with a merged /usr and every way in which a library is found or must not be.
func debian() map[string]string {
	return map[string]string{
		"etc/os-release":                                 "ID=debian\nVERSION_ID=\"13\"\n",
		"var/lib/dpkg/status":                            "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.41-12\n\nPackage: libblas3\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.12\n\nPackage: libpulse0\nStatus: install ok installed\nArchitecture: amd64\nVersion: 17\n",
		"var/lib/dpkg/info/libc6:amd64.list":             "/.\n/usr\n/usr/lib/x86_64-linux-gnu/libc.so.6\n/lib/x86_64-linux-gnu/libm.so.6\n/usr/lib64/ld-linux-x86-64.so.2\n",
		"var/lib/dpkg/info/libblas3:amd64.list":          "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.12.0\n",
		"var/lib/dpkg/info/libpulse0:amd64.list":         "/usr/lib/x86_64-linux-gnu/libpulse.so.0.24\n/usr/lib/x86_64-linux-gnu/pulseaudio/libpulsecommon-17.so\n",
		"lib":                                            "-> usr/lib",
		"lib64":                                          "-> usr/lib64",
		"etc/ld.so.conf":                                 "# comment\ninclude ld.so.conf.d/*.conf\nhwcap 1 x\n/opt/old=libc6, /opt/more\n",
		"etc/ld.so.conf.d/libc.conf":                     "/usr/local/lib\n",
		"etc/ld.so.conf.d/own.conf":                      "include /etc/ld.so.conf\n/opt/own # twice\n/opt/own:/opt/nowhere\nrelative\n",
		"etc/ld.so.conf.d/no.txt":                        "/opt/not-read\n",
		"opt/own/libown.so.1":                            lib("libown.so.1"),
		"opt/old/libold.so.1":                            lib("libold.so.1"),
		"opt/more/libmore.so.1":                          lib("libmore.so.1"),
		"opt/not-read/libnot.so":                         lib("libnot.so"),
		"usr/local/lib/libpython3.13.so.1.0":             lib("libpython3.13.so.1.0", "libm.so.6"),
		"usr/local/lib/python3.13/lib-dynload/_x.so":     lib(""),
		multiarch + "libc.so.6":                          shared(elf.Object{Soname: "libc.so.6", Defines: []string{"GLIBC_2.2.5", "GLIBC_2.41", "GLIBC_PRIVATE"}}),
		multiarch + "libm.so.6":                          shared(elf.Object{Soname: "libm.so.6", Needed: []string{"libc.so.6"}, Needs: []elf.Need{{Library: "libc.so.6", Version: "GLIBC_2.4"}, {Library: "libc.so.6", Version: "GLIBC_2.34"}}}),
		"usr/lib64/ld-linux-x86-64.so.2":                 "-> ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
		multiarch + "ld-linux-x86-64.so.2":               lib("ld-linux-x86-64.so.2"),
		multiarch + "libblas.so.3":                       "-> /etc/alternatives/libblas.so.3-x86_64-linux-gnu",
		"etc/alternatives/libblas.so.3-x86_64-linux-gnu": "-> /usr/lib/x86_64-linux-gnu/blas/libblas.so.3",
		multiarch + "blas/libblas.so.3":                  "-> libblas.so.3.12.0",
		multiarch + "blas/libblas.so.3.12.0":             lib("libblas.so.3", "libm.so.6"),
		multiarch + "libpulse.so.0":                      "-> libpulse.so.0.24",
		multiarch + "libpulse.so.0.24":                   shared(elf.Object{Soname: "libpulse.so.0", Needed: []string{"libpulsecommon-17.so"}, RunPath: []string{"/lib/x86_64-linux-gnu/pulseaudio", "$ORIGIN/private/${LIB}"}}),
		multiarch + "pulseaudio/libpulsecommon-17.so":    shared(elf.Object{Soname: "libpulsecommon-17.so", RunPath: []string{"$ORIGIN/deep"}}),
		multiarch + "pulseaudio/deep/odd.so":             lib("odd.so"),
		multiarch + "private/lib/plugin.so":              lib("plugin.so"),
		multiarch + "gconv/UTF-16.so":                    lib(""), // a plugin
		multiarch + "libc.so":                            "/* GNU ld script */\nGROUP ( /lib/x86_64-linux-gnu/libc.so.6 )\n and more",
		multiarch + "libdamaged.so.1":                    lib("libdamaged.so.1")[:90],
		multiarch + "libstatic.a":                        "!<arch>\n",
		multiarch + "libloop.so.1":                       "-> libloop.so.2",
		multiarch + "libloop.so.2":                       "-> libloop.so.1",
		multiarch + "libgone.so.1":                       "-> /opt/nowhere/libgone.so.1",
		multiarch + "libout.so.1":                        "-> ../../../../../../opt/not-read/libnot.so",
		multiarch + "libdir.so/x":                        "",
		"usr/lib/aarch64-linux-gnu/libc.so.6":            shared(elf.Object{Machine: "aarch64", Soname: "libc.so.6"}),
	}
}

func describe(t testing.TB, files map[string]string, libraryPath ...string) *System {
	t.Helper()
	s, err := Describe(image(files), Image{LibraryPath: libraryPath})
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadSystem([]byte(text(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := text(t, s), text(t, again); a != b {
		t.Errorf("written and read again it is %s, not %s", b, a)
	}
	return s
}

func TestASystemIsDescribedAsItsLinkerSeesIt(t *testing.T) {
	golden(t, "debian.json", text(t, describe(t, debian())))
}

func TestLibraryPathOfTheEnvironmentComesFirst(t *testing.T) {
	s := describe(t, debian(), "/opt/not-read", "/lib/x86_64-linux-gnu")
	if s.Directories[0] != "/opt/not-read" || s.Directories[1] != "/usr/lib/x86_64-linux-gnu" || len(s.Directories) != len(describe(t, debian()).Directories)+1 {
		t.Errorf("the directories are %q", s.Directories)
	}
}

func TestThePathOfTheInterpreterComesLast(t *testing.T) {
	files := debian()
	files["opt/python/bin/python3"] = "-> python3.13"
	files["opt/python/bin/python3.13"] = shared(elf.Object{RPath: []string{"$ORIGIN/../lib"}, RunPath: []string{"/opt/not-read"}})
	files["opt/python/lib/libpython3.13.so.1.0"] = lib("libpython3.13.so.1.0")
	without := describe(t, files).Directories
	for interpreter, want := range map[string][]string{
		"/opt/python/bin/python3": append(slices.Clone(without), "/opt/python/lib", "/opt/not-read"),
		"/opt/python/bin/python":  without,
		"/etc/os-release":         without,
		"":                        without,
	} {
		s, err := Describe(image(files), Image{Interpreter: interpreter})
		if err != nil || !slices.Equal(s.Directories, want) {
			t.Errorf("%q: the directories are %q, %v, want %q", interpreter, s.Directories, err, want)
		}
	}
}

func TestMuslHasAPathOfItsOwn(t *testing.T) {
	files := map[string]string{
		"etc/os-release":                "ID=alpine\nVERSION_ID=3.22.1\n",
		"lib/apk/db/installed":          "P:musl\nV:1.2.5-r10\nA:x86_64\nF:lib\nR:ld-musl-x86_64.so.1\nR:libc.musl-x86_64.so.1\n\nP:libpq\nV:17.5-r0\nA:x86_64\nF:usr/lib\nR:libpq.so.5\nR:libpq.so.5.17\n",
		"lib/ld-musl-x86_64.so.1":       lib(""),
		"lib/libc.musl-x86_64.so.1":     "-> ld-musl-x86_64.so.1",
		"usr/lib/libpq.so.5":            "-> libpq.so.5.17",
		"usr/lib/libpq.so.5.17":         lib("libpq.so.5", "libc.musl-x86_64.so.1"),
		"usr/local/lib/libpython3.so":   lib("libpython3.so"),
		"usr/lib/x86_64-linux-gnu/x.so": lib("x.so"), // glibc's way
		"opt/lib/libopt.so.1":           lib("libopt.so.1"),
	}
	golden(t, "alpine.json", text(t, describe(t, files)))
	files["etc/ld-musl-x86_64.path"] = "/opt/lib:/lib\n/usr/lib\n"
	if s := describe(t, files); !slices.Equal(s.Directories, []string{"/opt/lib", "/lib", "/usr/lib"}) {
		t.Errorf("the directories are %q", s.Directories)
	}
}

func TestARootWithNothingIsDescribed(t *testing.T) {
	s := describe(t, map[string]string{"app": "x"})
	if len(s.Libraries) != 0 || s.Machine != "" || s.Libc != "" || s.Database != "" {
		t.Errorf("it is %+v", s)
	}
}

// A real directory with a link that leads out of it: what lies outside must not be described.
func TestLinksDoNotLeadOutOfTheRoot(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("secret/libsecret.so.1", lib("libsecret.so.1"))
	put("root/usr/lib/libx.so.1", lib("libx.so.1"))
	put("root/secret/libinner.so.1", lib("libinner.so.1"))
	for link, target := range map[string]string{
		"root/usr/lib/libsecret.so.1":   "../../../secret/libsecret.so.1",
		"root/usr/lib/libhost.so.1":     filepath.Join(dir, "secret/libsecret.so.1"),
		"root/usr/lib/x86_64-linux-gnu": "../../../secret",
		"root/lib64":                    filepath.Join(dir, "secret"),
		"root/usr/lib/libinner.so.1":    "/../../secret/libinner.so.1",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(filepath.Join(dir, "root"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s, err := Describe(root.FS(), Image{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range s.Libraries {
		names = append(names, l.names()...)
	}
	if got, want := strings.Join(names, " "), "/secret/libinner.so.1 /usr/lib/libinner.so.1 /usr/lib/libx.so.1"; got != want {
		t.Errorf("described are %s, want %s", got, want)
	}
}

func TestWhatIsNoDescriptionIsRefused(t *testing.T) {
	for _, data := range []string{
		"", "null x", "[]", `{"libraries": [{"path": "relative"}]}`, `{"libraries": [{"path": "/a/../b"}]}`, `{"links": [{"path": "x", "target": "/y"}]}`, `{"unknown": 1}`,
		`{"directories": []} {}`,
	} {
		if s, err := ReadSystem([]byte(data)); err == nil || s != nil || !strings.HasPrefix(err.Error(), "not the description of a system: ") {
			t.Errorf("%q: got %v, %v", data, s, err)
		}
	}
}

// FuzzDescribe describes a system whose configuration, links and libraries are anything.
func FuzzDescribe(f *testing.F) {
	f.Add("include /etc/*\n/opt/own", "/usr/lib/../..", "../../opt/own/libx.so", []byte(lib("libx.so.1", "liby.so.2")))
	f.Add("/lib=libc6:/lib64 # x\nhwcap 1 nosegneg", "/etc/a", "/etc/a", []byte(shared(elf.Object{RunPath: []string{"$ORIGIN/../own", "/opt/$LIB", "${PLATFORM}"}})))
	f.Add("/usr/own", "/opt/own", "/opt/own/dot", []byte(elf.Magic))
	f.Add("include ld.so.conf\ninclude [", "libx.so.1", "/", []byte(elf.Magic))
	f.Fuzz(func(t *testing.T, config, first, second string, library []byte) {
		root := image(map[string]string{
			"etc/ld.so.conf": config, "lib/libx.so.1": "-> " + first, "usr/lib/libx.so.2": "-> " + second, "etc/a": "-> " + second,
			"lib/liby.so": string(library), "usr/lib/own": "-> " + first, "opt/own/libx.so": string(library), "etc/ld-musl-x86_64.path": config,
			"opt/own/dot": "#!", "usr/own/git": "-> " + first, "opt/own/sox": "-> " + second,
		})
		s, err := Describe(root, Image{LibraryPath: []string{first}, Interpreter: second, Path: []string{first, "/opt/own", second, config}})
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadSystem([]byte(text(t, s)))
		if err != nil {
			t.Fatalf("%v: %s", err, text(t, s))
		}
		if !bytes.Equal([]byte(text(t, again)), []byte(text(t, s))) {
			t.Errorf("written and read again it is %s, not %s", text(t, again), text(t, s))
		}
		if !slices.IsSorted(s.Programs) || !slices.Contains(s.Programs, "dot") {
			t.Errorf("the programs are %q", s.Programs)
		}
		for _, l := range s.Libraries {
			for _, name := range l.names() {
				if _, ok := root[name[1:]]; !ok && name == l.Path {
					t.Errorf("%s is not in the image", name)
				}
			}
		}
	})
}

// An ELF file that points behind its end must not keep the rest of a system from being described.
func TestALibraryThatPointsBehindItsEndIsLeftOut(t *testing.T) {
	far := []byte(lib("libfar.so.1"))
	copy(far[32:], "\x00\x00\x00\x10") // where its program headers are
	s := describe(t, map[string]string{"usr/lib/libfar.so.1": string(far), "usr/lib/libx.so.1": lib("libx.so.1")})
	if len(s.Libraries) != 1 || s.Libraries[0].Path != "/usr/lib/libx.so.1" {
		t.Errorf("described are %+v", s.Libraries)
	}
}
