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
)

const site = "opt/venv/lib/python3.13/site-packages"

// everything is a wheel that uses every part of the format.
func everything() []entry {
	sum := sha512.Sum384([]byte("other hash\n"))
	list := demo(
		entry{name: "demo/run.sh", content: "#!/bin/sh\n", mode: 0o100711},
		entry{name: "demo/setuid", content: "x", mode: 0o106755},
		entry{name: "demo/secret.txt", content: "x", mode: 0o100600},
		entry{name: "demo/größe, \"x\".txt", content: "umlaut, comma, quote"},
		entry{name: "demo/empty/"},
		entry{name: "demo/other", content: "other hash\n", unlisted: true},
		entry{name: "demo/__pycache__/__init__.cpython-313.pyc", content: "of the wheel"},
		entry{name: "demo-1.0.dist-info/entry_points.txt", content: "[console_scripts]\ndemo = demo:main\ntool = demo.cli:App.run [extra]\n\n[gui_scripts]\ndemo-gui=demo:main\n[demo.plugins]\nplugin = demo.plugin\n"},
		entry{name: "demo-1.0.dist-info/RECORD.jws", content: "signature", unlisted: true},
		entry{name: "demo-1.0.dist-info/INSTALLER", content: "conda\n"},
		entry{name: "demo-1.0.dist-info/REQUESTED"},
		entry{name: "demo-1.0.dist-info/direct_url.json", content: "{}"},
		entry{name: "demo-1.0.dist-info/licenses/LICENSE", content: "free\n"},
		entry{name: "demo-1.0.data/purelib/pure.py", content: "pure = 1\n"},
		entry{name: "demo-1.0.data/platlib/plat.so", content: "ELF", mode: 0o100755},
		entry{name: "demo-1.0.data/headers/sub/demo.h", content: "int x;\n"},
		entry{name: "demo-1.0.data/data/share/demo/data.txt", content: "data\n"},
		entry{name: "demo-1.0.data/data/etc/demo.conf", content: "conf\n", mode: 0o100777},
		entry{name: "demo-1.0.data/scripts/script", content: "#!python -u\nprint(1)\n"},
		entry{name: "demo-1.0.data/scripts/window", content: "#!pythonw\r\nprint(2)\r\n"},
		entry{name: "demo-1.0.data/scripts/bare", content: "#!python"},
		entry{name: "demo-1.0.data/scripts/shell", content: "#!/bin/sh\n:\n"},
		entry{name: "demo-1.0.data/scripts/binary", content: "\x7fELF\x00\xff"},
		entry{name: "demo-1.0.data/scripts/short", content: "#!py"},
		entry{name: "demo-1.0.data/scripts/demo", content: "#!python\nold wrapper\n"},
		entry{name: "demo-1.0.data/scripts/tool-script.py", content: "#!python\nold wrapper\n"},
		entry{name: "demo-1.0.data/scripts/tool.exe", content: "MZ"},
	)
	lines := append(rows(list),
		"demo/other,sha384="+base64.RawURLEncoding.EncodeToString(sum[:])+",",
		"demo/empty/,,",
		`"demo/größe, ""x"".txt",sha256=`+strings.Split(rows(list)[6], ",sha256=")[1],
		"demo-1.0.dist-info/RECORD,,")
	lines = append(lines[:6], lines[7:]...)
	return append(list, entry{name: "demo-1.0.dist-info/RECORD", content: strings.Join(lines, "\r\n") + "\r\n"})
}

func TestEveryPartOfAWheelIsInstalled(t *testing.T) {
	for name, data := range map[string][]byte{"stored": packRaw(everything()), "deflated": deflated(everything())} {
		t.Run(name, func(t *testing.T) {
			wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), data)
			dir, printed, err := installed(t, WheelsOptions{Wheels: []string{wheel}})
			if err != nil {
				t.Fatal(err)
			}
			if printed != "" {
				t.Errorf("printed %q", printed)
			}
			golden(t, "everything.tree", listing(t, dir))
			golden(t, "everything.RECORD", read(t, dir, site, "demo-1.0.dist-info/RECORD"))
			golden(t, "wrapper.py", read(t, dir, "opt/venv/bin/tool"))
			for name, want := range map[string]string{
				"bin/script": "#!/opt/venv/bin/python\nprint(1)\n",
				"bin/window": "#!/opt/venv/bin/python\nprint(2)\r\n",
				"bin/bare":   "#!/opt/venv/bin/python\n",
				"bin/shell":  "#!/bin/sh\n:\n",
				"bin/binary": "\x7fELF\x00\xff",
				"lib/python3.13/site-packages/demo-1.0.dist-info/INSTALLER": "pyfile\n",
			} {
				if got := read(t, dir, "opt/venv", name); got != want {
					t.Errorf("%s is %q, not %q", name, got, want)
				}
			}
		})
	}
}

func read(t testing.TB, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestADirectoryMeansAllItsWheels(t *testing.T) {
	from := t.TempDir()
	for _, name := range []string{"b", "a"} {
		writeFile(t, filepath.Join(from, name+"-1.0-py3-none-any.whl"), pack(project(name)))
	}
	writeFile(t, filepath.Join(from, "notes.txt"), nil)
	dir, _, err := installed(t, WheelsOptions{Wheels: []string{from}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(entries(t, filepath.Join(dir, site))), "[a a-1.0.dist-info b b-1.0.dist-info]"; got != want {
		t.Errorf("installed %s, not %s", got, want)
	}
}

func TestAFreeThreadedPythonHasADirectoryOfItsOwn(t *testing.T) {
	wheel := writeFile(t, filepath.Join(t.TempDir(), "pip-1.0-py3-none-any.whl"), pack(project("pip", entry{name: "pip-1.0.dist-info/entry_points.txt",
		content: "[console_scripts]\npip = pip:main\npip3 = pip:main\npip3.9 = pip:main\npipx = pip:main\n"})))
	dir, _, err := installed(t, WheelsOptions{Wheels: []string{wheel}, Python: "3.14t"})
	if err != nil {
		t.Fatal(err)
	}
	if got := entries(t, filepath.Join(dir, "opt/venv/lib")); got[0] != "python3.14t" {
		t.Errorf("lib has %q", got)
	}
	if got, want := fmt.Sprint(entries(t, filepath.Join(dir, "opt/venv/bin"))), "[pip pip3 pip3.14 pipx]"; got != want {
		t.Errorf("bin has %s, not %s", got, want)
	}
}

// The order of arguments decides, not the order in which the workers finish: the first wheel's file is the larger one, so it is
// written last when one worker does it all.
func TestTheLaterWheelWinsAPathAndTheLossIsToldOnce(t *testing.T) {
	from := t.TempDir()
	write := func(name, shared string) string {
		return writeFile(t, filepath.Join(from, name+"-1.0-py3-none-any.whl"), pack(project(name,
			entry{name: "shared/__init__.py", content: "same\n"},
			entry{name: "shared/x.py", content: shared},
			entry{name: name + "-1.0.data/scripts/tool", content: "#!python\n" + shared},
		)))
	}
	a, b, c := write("a", strings.Repeat("a", 100000)), write("b", "b"), write("c", "c")
	for _, jobs := range []int{1, 8} {
		dir, printed, err := installed(t, WheelsOptions{Wheels: []string{a, b, c}, Jobs: jobs})
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, dir, site, "shared/x.py"); got != "c" {
			t.Errorf("jobs %d: shared/x.py is of %.1s", jobs, got)
		}
		golden(t, "overwritten.txt", printed)
		if got := read(t, dir, site, "a-1.0.dist-info/RECORD"); !strings.Contains(got, "\nshared/x.py,sha256=") {
			t.Errorf("RECORD of a does not list the file it shares: %s", got)
		}
	}
}

func TestANewerMinorVersionOfTheFormatIsTold(t *testing.T) {
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo(entry{name: "demo-1.0.dist-info/WHEEL", content: "Wheel-Version: 1.9\n"})))
	_, printed, err := installed(t, WheelsOptions{Wheels: []string{wheel}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "warning: demo-1.0-py3-none-any.whl is written to a newer version of the wheel format than 1.0\n"; printed != want {
		t.Errorf("printed %q, not %q", printed, want)
	}
}

// The prefix is a directory of the test here, so that the installed commands run.
func TestInstalledCommandsRun(t *testing.T) {
	interpreter, version := python()
	root := t.TempDir()
	prefix := filepath.Join(root, "venv")
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo(
		entry{name: "demo/__init__.py", content: "import sys\nclass App:\n    @staticmethod\n    def run():\n        print(sys.argv, __name__)\n        return 'the end'\n"},
		entry{name: "demo-1.0.dist-info/entry_points.txt", content: "[console_scripts]\nrun = demo:App.run\n"},
		entry{name: "demo-1.0.data/scripts/hello", content: "#!python\nimport demo\nprint('hello', demo.__name__)\n"},
	)))
	out := filepath.Join(root, "out")
	err := Wheels(context.Background(), WheelsOptions{Out: out, Prefix: prefix, Python: version, Interpreter: interpreter, Wheels: []string{wheel}, Bytecode: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(out, prefix), prefix); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(prefix, "pyvenv.cfg"), []byte("home = "+filepath.Dir(interpreter)+"\n"))
	if err := os.Symlink(interpreter, filepath.Join(prefix, "bin/python")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(prefix, "bin/run"), filepath.Join(prefix, "bin/run.exe")); err != nil {
		t.Fatal(err)
	}
	got, err := exec.Command(filepath.Join(prefix, "bin/run.exe"), "x").CombinedOutput()
	if want := fmt.Sprintf("['%s/bin/run', 'x'] demo\nthe end\n", prefix); string(got) != want || err == nil {
		t.Errorf("run printed %q and ended with %v, not %q and exit status 1", got, err, want)
	}
	if got, err := exec.Command(filepath.Join(prefix, "bin/hello")).CombinedOutput(); string(got) != "hello demo\n" || err != nil {
		t.Errorf("hello printed %q and ended with %v", got, err)
	}
}

// Interrupting a build leaves nothing.
func TestACancelledInstallationLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out := filepath.Join(t.TempDir(), "out")
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo()))
	var b bytes.Buffer
	err := Wheels(ctx, WheelsOptions{Out: out, Prefix: "/opt/venv", Python: "3.13", Wheels: []string{wheel}, Output: &b})
	if err != context.Canceled {
		t.Errorf("got the error %v", err)
	}
	if _, err := os.Lstat(out); !os.IsNotExist(err) {
		t.Errorf("left: %q", entries(t, out))
	}
}
