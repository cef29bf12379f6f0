//go:build differential

package install

import (
	"bytes"
	"compress/gzip"
	"context"
	debugelf "debug/elf"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/elf"
)

// objects are more wheels with shared objects, many of them changed by patchelf and with debug information. They are installed without
// what they depend on.
var objects = []string{"pyarrow", "opencv-python-headless", "lxml", "pillow", "pyqt6", "pyqt6-qt6", "rasterio", "soundfile", "ruff", "uvloop", "grpcio", "cryptography"}

// foreign are wheels for other machines with something to strip.
var foreign = map[string][]string{
	"manylinux2014_aarch64": {"charset-normalizer", "lxml"},
	"manylinux2014_i686":    {"cffi", "markupsafe", "psutil"},
	"manylinux2014_ppc64le": {"charset-normalizer", "lxml"},
	"manylinux2014_s390x":   {"charset-normalizer", "lxml"},
	"manylinux_2_31_armv7l": {"charset-normalizer", "lxml"},
}

// slimmed installs wheels at a prefix, which is then a virtual environment.
func slimmed(t *testing.T, prefix string, o WheelsOptions, wheels ...string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	_, version := python()
	o.Out, o.Prefix, o.Python, o.Wheels = out, prefix, version, wheels
	if err := Wheels(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(prefix); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(prefix), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(out, prefix), prefix); err != nil {
		t.Fatal(err)
	}
	must(t, hostPython("-m", "venv", "--without-pip", prefix))
}

// ask runs a script with the Python of an environment and decodes what it writes to the file that it is given.
func ask(t *testing.T, prefix, script string, out any) {
	t.Helper()
	dir := t.TempDir()
	answer := filepath.Join(dir, "answer")
	cmd := exec.Command(filepath.Join(prefix, "bin/python"), "-B", "-W", "ignore", "-c", script, answer)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + dir, "LC_ALL=C.UTF-8", "PYTHONHASHSEED=0", "MPLBACKEND=agg", "DJANGO_SETTINGS_MODULE=django.conf.global_settings"}
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text[max(0, len(text)-4000):])
	}
	if err := json.Unmarshal([]byte(read(t, answer)), out); err != nil {
		t.Fatal(err)
	}
}

// importAll imports every module, each top-level package in a process of its own, and tells how it ended. Modules that only run as a
// program are left out.
const importAll = `
import concurrent.futures, importlib, json, os, subprocess, sys, sysconfig
site = sysconfig.get_path("purelib")
child = '''
import importlib, io, json, os, sys
answer = open(sys.argv[1], "w")
sys.stdout = sys.stderr = io.StringIO()
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
        result = "ok"
    except BaseException as e:
        result = type(e).__name__
    answer.write(json.dumps([name, result]) + chr(10))
    answer.flush()
os._exit(0)
'''
modules = {}
for base, dirs, files in os.walk(site):
    dirs[:] = [d for d in dirs if d.isidentifier() and d != "__pycache__"]
    for f in files:
        stem = f.split(".")[0]
        if (f.endswith(".py") or f.endswith(".so")) and stem.isidentifier() and stem not in ("__main__", "conftest"):
            parts = os.path.relpath(base, site).split(os.sep) if base != site else []
            name = ".".join(parts + ([] if stem == "__init__" else [stem]))
            if name:
                modules.setdefault(name.split(".")[0], set()).add(name)
def run(top):
    answer = sys.argv[1] + "." + top
    try:
        subprocess.run([sys.executable, "-B", "-W", "ignore", "-c", child, answer, *sorted(modules[top])], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=900)
    except subprocess.TimeoutExpired:
        pass
    return [json.loads(line) for line in open(answer)]
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    results = dict(pair for list in pool.map(run, sorted(modules, key=lambda top: -len(modules[top]))) for pair in list)
json.dump(results, open(sys.argv[1], "w"))
`

// recorded compares RECORD with the files, and finds files of site-packages that no RECORD has.
const recorded = `
import base64, hashlib, importlib.metadata, json, os, sys, sysconfig
site = sysconfig.get_path("purelib")
wrong, known = [], set()
for d in importlib.metadata.distributions(path=[site]):
    for f in d.files:
        path = os.path.realpath(f.locate())
        known.add(path)
        if not os.path.exists(path):
            wrong.append("missing: %s" % path)
        elif f.hash:
            data = open(path, "rb").read()
            digest = base64.urlsafe_b64encode(hashlib.new(f.hash.mode, data).digest()).rstrip(b"=").decode()
            if digest != f.hash.value or f.size is not None and f.size != len(data):
                wrong.append("changed: %s" % path)
for base, dirs, files in os.walk(site):
    wrong += ["unknown: " + os.path.join(base, f) for f in files if os.path.realpath(os.path.join(base, f)) not in known]
json.dump(wrong, open(sys.argv[1], "w"))
`

// dlopenAll loads every shared object with all its symbols bound, each in a process of its own.
const dlopenAll = `
import ctypes, json, os, sys, sysconfig
site = sysconfig.get_path("purelib")
results = {}
for base, dirs, files in os.walk(site):
    for f in files:
        path = os.path.join(base, f)
        if open(path, "rb").read(4) != b"\x7fELF":
            continue
        r, w = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                ctypes.CDLL(path, mode=os.RTLD_NOW)
                text = "ok"
            except OSError as e:
                text = str(e)
            os.write(w, text.encode())
            os._exit(0)
        os.close(w)
        text = b""
        while part := os.read(r, 4096):
            text += part
        os.close(r)
        results[os.path.relpath(path, site)] = "%s %d" % (text.decode(), os.waitpid(pid, 0)[1])
json.dump(results, open(sys.argv[1], "w"))
`

// weigh returns the files and bytes of a tree, and the bytes of an archive of its files compressed by gzip.
func weigh(t *testing.T, dir string) (files int, size, packed int64) {
	t.Helper()
	var count counter
	w := gzip.NewWriter(&count)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files++
		size += int64(len(data))
		_, err = w.Write(append(data, make([]byte, 512+(512-len(data)%512)%512)...)) // as in a tar archive
		return err
	})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return files, size, int64(count)
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// TestRealWheelsWorkWithoutWhatIsRemoved imports all modules before and after, and lets pip take the packages away again.
func TestRealWheelsWorkWithoutWhatIsRemoved(t *testing.T) {
	wheels := realWheels(t)
	prefix := filepath.Join(t.TempDir(), "venv")
	slimmed(t, prefix, WheelsOptions{}, wheels)
	files, size, packed := weigh(t, prefix)
	t.Logf("%-8s %6d files %10d bytes %10d packed", "all", files, size, packed)
	var before, after map[string]string
	ask(t, prefix, importAll, &before)
	for _, word := range RemoveWords() {
		slimmed(t, prefix, WheelsOptions{Remove: []string{word}}, wheels)
		n, s, p := weigh(t, prefix)
		t.Logf("%-8s %6d files %10d bytes %10d packed less", word, files-n, size-s, packed-p)
		if n == files {
			t.Errorf("%s removes nothing", word)
		}
	}
	slimmed(t, prefix, WheelsOptions{Remove: RemoveWords(), Strip: true}, wheels)
	n, s, p := weigh(t, prefix)
	t.Logf("%-8s %6d files %10d bytes %10d packed less", "together", files-n, size-s, packed-p)
	ask(t, prefix, importAll, &after)
	gone, same, failed := 0, 0, 0
	for name, was := range before {
		switch is, ok := after[name]; {
		case !ok:
			gone++
			if !slices.ContainsFunc(strings.Split(name, "."), func(part string) bool { return part == "test" || part == "tests" }) {
				t.Errorf("%s is no module any more", name)
			}
		case was == "ok" && is != was:
			t.Errorf("%s can no longer be imported: %s", name, is)
		case was == "ok":
			same++
		default:
			failed++
		}
	}
	t.Logf("%d modules are imported as before, %d never could be, %d are gone", same, failed, gone)
	if same < 4000 || gone < 1000 {
		t.Errorf("only %d modules were imported, %d are gone", same, gone)
	}
	var wrong []string
	slimmed(t, prefix, WheelsOptions{Remove: RemoveWords(), Strip: true}, wheels)
	if ask(t, prefix, recorded, &wrong); len(wrong) > 0 {
		t.Errorf("%d files are not as RECORD says, as %s", len(wrong), wrong[0])
	}
	var names []string
	ask(t, prefix, "import importlib.metadata as m, json, sys; json.dump([d.name for d in m.distributions() if d.name not in ('pip', 'setuptools')], open(sys.argv[1], 'w'))", &names)
	pip := func(args ...string) *exec.Cmd {
		return hostPython(slices.Concat([]string{"-m", "pip", "--disable-pip-version-check", "--python", filepath.Join(prefix, "bin/python")}, args)...)
	}
	must(t, pip("check"))
	must(t, pip(slices.Concat([]string{"uninstall", "--quiet", "--yes"}, names)...))
	if left, _, _ := weigh(t, filepath.Join(prefix, "lib")); left > 0 {
		t.Errorf("pip leaves %d files", left)
	}
}

// TestRealObjectsAreLoadedAsBefore loads every object before and after. readelf must find nothing wrong, and GNU strip not much more.
func TestRealObjectsAreLoadedAsBefore(t *testing.T) {
	for name, wheels := range map[string]string{"data": realWheels(t), "objects": download(t, "object-wheels", objects, "--no-deps")} {
		prefix := filepath.Join(t.TempDir(), "venv")
		var before, after map[string]string
		slimmed(t, prefix, WheelsOptions{}, wheels)
		ask(t, prefix, dlopenAll, &before)
		compareStrip(t, name, filepath.Join(prefix, "lib"))
		slimmed(t, prefix, WheelsOptions{Strip: true}, wheels)
		ask(t, prefix, dlopenAll, &after)
		loaded := 0
		for name, was := range before {
			if is := after[name]; is != was {
				t.Errorf("%s: loading it said %q, and says %q", name, was, is)
			}
			if strings.HasPrefix(was, "ok ") {
				loaded++
			}
		}
		t.Logf("%s: of %d objects %d are loaded", name, len(before), loaded)
		if len(before) != len(after) || loaded < 150 {
			t.Errorf("%s: %d and %d objects, %d loaded", name, len(before), len(after), loaded)
		}
	}
}

// TestObjectsOfForeignMachinesAreStripped is about 32 bits and big endian, which are rare: their segments stay, and readelf finds nothing.
func TestObjectsOfForeignMachinesAreStripped(t *testing.T) {
	for platform, names := range foreign {
		wheels := download(t, "object-wheels-"+platform, names, "--no-deps", "--platform", platform)
		dir := filepath.Join(t.TempDir(), "out")
		if err := Wheels(context.Background(), WheelsOptions{Out: dir, Prefix: "/opt/venv", Python: "3.11", Wheels: []string{wheels}}); err != nil {
			t.Fatal(err)
		}
		changed := 0
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || filepath.Ext(name) != ".so" {
				return err
			}
			data := []byte(read(t, name))
			edit, err := elf.Strip(bytes.NewReader(data), int64(len(data)))
			if err != nil || edit == nil {
				return err
			}
			changed++
			after, err := io.ReadAll(io.NewSectionReader(edit, 0, edit.Size()))
			if err != nil {
				return err
			}
			checkSegments(t, name, data, after)
			stripped := writeFile(t, filepath.Join(t.TempDir(), "stripped"), after)
			cmd := exec.Command("readelf", "-lSdW", stripped)
			if out, err := cmd.CombinedOutput(); err != nil || bytes.Contains(out, []byte("readelf: ")) {
				t.Errorf("%s: %v: %s", name, err, out)
			}
			return nil
		})
		if err != nil || changed == 0 {
			t.Errorf("%s: %d objects are stripped: %v", platform, changed, err)
		}
		t.Logf("%s: %d objects are stripped", platform, changed)
	}
}

// checkSegments compares what is loaded, and the sections that are, as Go's own reader sees them.
func checkSegments(t *testing.T, name string, before, after []byte) {
	t.Helper()
	was, err := debugelf.NewFile(bytes.NewReader(before))
	if err != nil {
		t.Fatal(err)
	}
	is, err := debugelf.NewFile(bytes.NewReader(after))
	if err != nil || len(was.Progs) != len(is.Progs) {
		t.Errorf("%s: %v", name, err)
		return
	}
	for i, p := range was.Progs {
		if q := is.Progs[i]; p.ProgHeader != q.ProgHeader {
			t.Errorf("%s: segment %d was %+v, and is %+v", name, i, p.ProgHeader, q.ProgHeader)
		}
		// The first bytes are the ELF header, which says where the section headers are.
		if from, to := max(p.Off, 64), p.Off+p.Filesz; from < to && !bytes.Equal(before[from:to], after[from:min(to, uint64(len(after)))]) {
			t.Errorf("%s: segment %d has other bytes", name, i)
		}
	}
	for i, s := range was.Sections {
		if s.Flags&debugelf.SHF_ALLOC != 0 && (i >= len(is.Sections) || is.Sections[i].SectionHeader != s.SectionHeader) {
			t.Errorf("%s: section %s is not the same", name, s.Name)
		}
	}
}

// compareStrip strips every object of a tree, in a copy, and compares with GNU strip.
func compareStrip(t *testing.T, name, dir string) {
	t.Helper()
	var total struct{ files, changed, refused, small, zeroedFiles, size, ours, zeroed, unneeded, all int64 }
	temporary := t.TempDir()
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", cmd, err, out)
		}
		return string(out)
	}
	warnings := func(file string) (list []string) {
		for line := range strings.Lines(run("readelf", "-lSdW", file)) {
			if strings.HasPrefix(line, "readelf:") {
				list = append(list, line)
			}
		}
		return list
	}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil || !bytes.HasPrefix(data, []byte(elf.Magic)) {
			return err
		}
		total.files++
		total.size += int64(len(data))
		edit, err := elf.Strip(bytes.NewReader(data), int64(len(data)))
		ours := int64(len(data))
		switch {
		case err != nil:
			total.refused++
			t.Logf("%s: %v", file, err)
		case edit == nil:
			total.small++
		default:
			total.changed++
			if ours = edit.Size(); edit.Zeroed() > 0 {
				total.zeroedFiles++
				total.zeroed += edit.Zeroed()
			}
			stripped, err := io.ReadAll(io.NewSectionReader(edit, 0, edit.Size()))
			if err != nil {
				return err
			}
			copied := writeFile(t, filepath.Join(temporary, "stripped"), stripped)
			if list := warnings(copied); len(list) > 0 && len(warnings(file)) == 0 {
				t.Errorf("%s: %q", file, list)
			}
		}
		total.ours += ours
		for option, sum := range map[string]*int64{"--strip-unneeded": &total.unneeded, "-s": &total.all} {
			run("strip", option, "-o", filepath.Join(temporary, "gnu"), file)
			st, err := os.Stat(filepath.Join(temporary, "gnu"))
			if err != nil {
				return err
			}
			*sum += st.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d files, %d changed, %d had too little to gain, %d refused; %d bytes became %d, of which %d in %d files are zero now; GNU strip --strip-unneeded makes %d, -s %d",
		name, total.files, total.changed, total.small, total.refused, total.size, total.ours, total.zeroed, total.zeroedFiles, total.unneeded, total.all)
	if total.changed < 50 || total.ours-total.zeroed > total.all+total.all/50 {
		t.Errorf("%s: the stripped files are larger than GNU strip's", name)
	}
}
