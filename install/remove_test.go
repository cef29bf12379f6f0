package install

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/facts"
)

const fast = "demo/fast.cpython-313-x86_64-linux-gnu.so"

// slimCases are files of a wheel and the word that takes each away, "" for one that stays whatever is asked for.
var slimCases = []struct{ word, name, content string }{
	{"", fast, "compiled"},
	{"", "demo/fast.py", "x = 1\n"},
	{"", "demo/use.py", "from .helped.tests import (\n    helper,\n)\nfrom . \\\n    import x\nPLUGIN = \"demo.named.tests.plugin:Plugin\"\nimport demo.conf.conftest\n# demo.sub.tests is only told of\n"},
	{"docs", "README.md", "read me"},
	{"docs", "CHANGELOG.rst", "changed"},
	{"docs", "docs/index.md", "text"},
	{"docs", "demo-1.0.data/data/share/man/man1/demo.1", ".TH"},
	{"docs", "demo-1.0.data/data/share/doc/demo/manual.html", "text"},
	{"", "demo-1.0.data/data/share/doc/demo/LICENSE", "free"},
	{"", "demo-1.0.data/data/share/demo/README.md", "data of the program"},
	{"", "demo/README.md", "a template"},
	{"", "demo/docs/prompt.md", "a prompt"},
	{"", "docs/conf.py", "x = 1\n"},
	{"", "LICENSE.txt", "free"},
	{"headers", "demo/include/demo.h", "int x;"},
	{"headers", "demo/lib/libdemo.a", "!<arch>\n"},
	{"headers", "demo-1.0.data/headers/demo.hpp", "int x;"},
	{"headers", "demo-1.0.data/data/include/demo.h", "int x;"},
	{"", "demo-1.0.data/headers/README.md", "text"},
	{"", "demo/include/COPYING.h", "free"},
	{"sources", "demo/fast.c", "int x;"},
	{"sources", "demo/fast.pyx", "x"},
	{"sources", "demo/part.pxi", "x"},
	{"sources", "demo/fast.pxd", "x"},
	{"sources", "demo/fast.pyx.tp", "x"},
	{"", "demo/template.c", "int x;"},
	{"", "demo/kernel.f90", "end"},
	{"sources", "demo/locale/de/LC_MESSAGES/demo.po", "msgid"},
	{"", "demo/locale/de/LC_MESSAGES/demo.mo", "msg"},
	{"", "demo/locale/fr/LC_MESSAGES/demo.po", "msgid"},
	{"stubs", "demo/fast.pyi", "x: int"},
	{"stubs", "demo/__init__.pyi", "x: int"},
	{"stubs", "demo/py.typed", ""},
	{"", "demo/typeshed/os.pyi", "x: int"},
	{"", "demo/sub/__init__.py", ""},
	{"tests", "demo/sub/tests/__init__.py", ""},
	{"tests", "demo/sub/tests/test_a.py", "import demo.deep.tests\n"},
	{"tests", "demo/sub/tests/data/a.csv", "1"},
	{"tests", "demo/sub/tests/data/a.h", "1"},
	{"", "demo/sub/tests/data/LICENSE", "free"},
	{"tests", "demo/test/a_test.py", "x = 1\n"},
	{"tests", "demo/test/__pycache__/a_test.cpython-313.pyc", "x"},
	{"tests", "demo/conftest.py", "x = 1\n"},
	{"", "demo/conf/__init__.py", ""},
	{"", "demo/conf/conftest.py", "x = 1\n"},
	{"", "demo/helped/__init__.py", ""},
	{"", "demo/helped/tests/test_a.py", "from ...deeper.tests.test_b import x\n"},
	{"", "demo/helped/tests/data.csv", "1"},
	{"", "demo/deeper/__init__.py", ""},
	{"", "demo/deeper/tests/test_b.py", "x = 1\n"},
	{"", "demo/deep/__init__.py", ""},
	{"tests", "demo/deep/tests/test_c.py", "x = 1\n"},
	{"", "demo/named/__init__.py", ""},
	{"", "demo/named/tests/test_plugin.py", "x = 1\n"},
	{"", "demo/points/__init__.py", ""},
	{"", "demo/points/tests/test_points.py", "x = 1\n"},
	{"", "demo/api/__init__.py", ""},
	{"", "demo/api/test/client.py", "x = 1\n"},
	{"", "demo/macros/tests/builtin.sql", "select 1"},
	{"", "demo/template/tests/test_app.py", "x = 1\n"},
	{"", "demo/testing/test_x.py", "x = 1\n"},
	{"", "tests/__init__.py", ""},
	{"", "tests/test_all.py", "x = 1\n"},
	{"", "tests/conftest.py", "x = 1\n"},
	{"", "demo-1.0.data/scripts/run.h", "#!python\n"},
	{"", "demo-1.0.dist-info/licenses/demo/tests/test_license.py", "free"},
	{"", "demo-1.0.dist-info/entry_points.txt", "[demo.plugins]\nx = demo.points.tests.test_points:main\n"},
}

func slimWheel(t testing.TB, name string, more ...entry) string {
	var list []entry
	for _, c := range slimCases {
		list = append(list, entry{name: strings.ReplaceAll(c.name, "demo-1.0.", name+"-1.0."), content: c.content})
	}
	return writeFile(t, filepath.Join(t.TempDir(), name+"-1.0-py3-none-any.whl"), pack(project(name, append(list, more...)...)))
}

// removedOf are the files of a wheel that words take away.
func removedOf(t testing.TB, wheel string, words ...string) (names []string) {
	t.Helper()
	w, err := openWheel(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer w.closer.Close()
	gone, err := removed(w, words)
	if err != nil {
		t.Fatal(err)
	}
	for m := range gone {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return names
}

func TestAWordTakesAwayWhatItsRulesSay(t *testing.T) {
	wheel := slimWheel(t, "demo")
	for _, words := range append(slices.Collect(slices.Chunk(RemoveWords(), 1)), RemoveWords()) {
		var want []string
		for _, c := range slimCases {
			if slices.Contains(words, c.word) || slices.Contains(words, "headers") && c.name == "demo/sub/tests/data/a.h" {
				want = append(want, c.name)
			}
		}
		slices.Sort(want)
		if got := removedOf(t, wheel, words...); !slices.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant\n%s", words, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if got := removedOf(t, wheel); len(got) > 0 {
		t.Errorf("no word removes %q", got)
	}
}

func TestAWheelThatNeedsItsFilesWhileItRunsKeepsThem(t *testing.T) {
	all := removedOf(t, slimWheel(t, "demo"), "headers", "sources", "stubs")
	for _, tt := range []struct {
		name, reason string
		more         []entry
		stays        []string // endings
	}{
		{"cffi", "compiles while it runs", nil, []string{".h", ".a", ".c", ".pyx", ".pxd"}},
		{"cupy_cuda12x", "compiles while it runs", nil, []string{".h", ".c", ".pyx"}},
		{"kernels", "has CUDA sources", []entry{{name: "demo/kernel.cu", content: "x"}}, []string{".h", ".a", ".c"}},
		{"lazy", "reads its stubs", []entry{{name: "demo/lazy.py", content: "lazy.attach_stub(__name__, __file__)\n"}}, []string{".pyi"}},
		{"checker", "reads stubs", []entry{{name: "demo/find.py", content: "name = module + '.pyi'\n"}}, []string{".pyi"}},
	} {
		got := removedOf(t, slimWheel(t, tt.name, tt.more...), "headers", "sources", "stubs")
		for _, name := range got {
			if slices.ContainsFunc(tt.stays, func(end string) bool { return strings.HasSuffix(name, end) }) {
				t.Errorf("%s, which %s, lost %s", tt.name, tt.reason, name)
			}
		}
		if len(got) == 0 || len(got) >= len(all) {
			t.Errorf("%s lost %q", tt.name, got)
		}
	}
}

// Whatever a rule says: modules go with their tests only.
func TestNoWordButTestsRemovesAModule(t *testing.T) {
	var list []entry
	for _, dir := range []string{"", "demo/", "docs/", "doc/", "demo/docs/", "demo/include/", "demo-1.0.data/purelib/man/", "demo/test/"} {
		for _, end := range []string{".py", ".so", ".cpython-313-x86_64-linux-gnu.so", ".pyc", ".pth"} {
			for _, stem := range []string{"readme", "test_x", "changes", "py", "x"} {
				list = append(list, entry{name: dir + stem + end, content: "x = 1\n"})
			}
		}
	}
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo(list...)))
	words := slices.DeleteFunc(RemoveWords(), func(w string) bool { return w == "tests" })
	if got := removedOf(t, wheel, words...); len(got) > 0 {
		t.Errorf("%s remove %q", words, got)
	}
	for i := range rules {
		if r := &rules[i]; r.modules != (r.word == "tests") {
			t.Errorf("a rule of %s says of modules %v", r.word, r.modules)
		}
	}
}

func TestRecordAndFactsDoNotTellOfRemovedFiles(t *testing.T) {
	wheel := slimWheel(t, "demo")
	f, _ := factsOf(t, WheelsOptions{Wheels: []string{wheel}, Remove: RemoveWords(), Strip: true, Prefix: "/opt/venv", Python: "3.13"})
	dir, printed, err := installed(t, WheelsOptions{Wheels: []string{wheel}, Remove: RemoveWords(), Strip: true})
	if err != nil || printed != "" || len(f.Distributions) != 1 {
		t.Fatalf("printed %q: %v", printed, err)
	}
	record := "\n" + read(t, dir, site, "demo-1.0.dist-info/RECORD")
	told := map[string]bool{}
	for _, d := range f.Distributions[0].Directories {
		for _, item := range d.Files {
			_, name := facts.SplitFile(item)
			told[filepath.Join(d.Path, name)] = true
		}
	}
	for _, c := range slimCases {
		if strings.Contains(c.name, ".data/") {
			continue
		}
		_, err := os.Stat(filepath.Join(dir, site, c.name))
		if there, listed := err == nil, strings.Contains(record, "\n"+c.name+","); there != (c.word == "") || listed != there {
			t.Errorf("%s: installed %v, in RECORD %v", c.name, there, listed)
		}
		if told["/"+filepath.Join(site, c.name)] != (c.word == "") && !strings.Contains(c.name, ".dist-info/") {
			t.Errorf("%s: facts tell of it: %v", c.name, c.word != "")
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "opt/venv/share/man")); !os.IsNotExist(err) {
		t.Errorf("an empty directory is left: %v", err)
	}
}

// A damaged file is found whether it is wanted or not.
func TestAWheelIsCheckedWholeWhateverIsRemoved(t *testing.T) {
	list := demo(entry{name: "demo/test/test_a.py", content: "x = 1\n"})
	lines := rows(list)
	lines[len(lines)-1] = "demo/test/test_a.py,sha256=" + strings.Repeat("A", 43) + ",6"
	lines = append(lines, "demo-1.0.dist-info/RECORD,,")
	list = append(list, entry{name: "demo-1.0.dist-info/RECORD", content: strings.Join(lines, "\n") + "\n"})
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), packRaw(list))
	if _, _, err := installed(t, WheelsOptions{Wheels: []string{wheel}, Remove: []string{"tests"}}); err == nil || !strings.Contains(err.Error(), "does not have the hash") {
		t.Errorf("got the error %v", err)
	}
}

// debugObject is a shared object with debug information.
func debugObject(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	source := writeFile(t, filepath.Join(dir, "demo.c"), []byte("static int hidden(int x) { return x + 1; }\nint demo(int x) { return hidden(x); }\n"))
	out := filepath.Join(dir, "demo.so")
	if text, err := exec.Command("gcc", "-g3", "-shared", "-fPIC", "-Wl,-soname,libdemo.so.1", "-o", out, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return read(t, out)
}

func TestStrippedFilesHaveTheirRowOfRecord(t *testing.T) {
	object := debugObject(t)
	from := t.TempDir()
	both := func(name string) {
		writeFile(t, filepath.Join(from, name+"-1.0-py3-none-any.whl"), pack(project(name,
			entry{name: "shared/libdemo.so.1", content: object, mode: 0o100755},
			entry{name: name + "/sealed.so", content: object}, entry{name: name + "/.sealed.so.hmac", content: "x"},
			entry{name: name + "/ossl-modules/fips.so", content: object},
			entry{name: name + "/signed.so", content: object + "~Module signature appended~\n"},
			entry{name: name + "-1.0.data/scripts/tool", content: object},
		)))
	}
	both("a")
	both("b")
	if err := os.Remove(filepath.Join(from, "b-1.0-py3-none-any.whl")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(from, "b-1.0-py3-none-any.whl"), pack(project("b", entry{name: "shared/libdemo.so.1", content: object})))
	dir, printed, err := installed(t, WheelsOptions{Wheels: []string{from}, Strip: true})
	if err != nil || printed != "" {
		t.Fatalf("printed %q: %v", printed, err)
	}
	for name, same := range map[string]bool{
		"a/sealed.so": true, "a/ossl-modules/fips.so": true, "a/signed.so": true, "shared/libdemo.so.1": false, "../../../bin/tool": false,
	} {
		if got := read(t, dir, site, name); strings.HasPrefix(got, object) != same || !same && len(got) >= len(object) {
			t.Errorf("%s has %d bytes, in the wheel %d", name, len(got), len(object))
		}
	}
	for _, project := range []string{"a", "b"} {
		rows, err := parseRecord([]byte(read(t, dir, site, project+"-1.0.dist-info/RECORD")))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if want, err := parseDigest(r.Hash); r.Hash != "" && (err != nil || !hashed(want.new(), read(t, dir, site, r.Path), want.sum)) {
				t.Errorf("%s: RECORD has %s for %s, which is another file", project, r.Hash, r.Path)
			}
		}
	}
}

func TestFactsOfStrippedObjectsStayTrue(t *testing.T) {
	wheel := writeFile(t, filepath.Join(t.TempDir(), demoWheel), pack(demo(entry{name: "demo/libdemo.so.1", content: debugObject(t)})))
	objects := func(o WheelsOptions) (list []facts.Object) {
		o.Wheels = []string{wheel}
		f, _ := factsOf(t, o)
		return f.Distributions[0].Objects
	}
	was, is := objects(WheelsOptions{}), objects(WheelsOptions{Strip: true})
	if len(was) != 1 || !reflect.DeepEqual(was, is) {
		a, _ := json.Marshal(was)
		b, _ := json.Marshal(is)
		t.Errorf("stripped, it is\n%s, not\n%s", b, a)
	}
}

func TestASlimInstallationIsTheSameForAnyNumberOfJobs(t *testing.T) {
	wheel := slimWheel(t, "demo", entry{name: "demo/libdemo.so.1", content: debugObject(t)})
	first := ""
	for _, jobs := range []int{1, 8, 8} {
		dir, _, err := installed(t, WheelsOptions{Wheels: []string{wheel}, Remove: RemoveWords(), Strip: true, Jobs: jobs})
		if err != nil {
			t.Fatal(err)
		}
		if got := listing(t, dir); first == "" {
			first = got
		} else if got != first {
			t.Errorf("with %d jobs:\n%s\nnot\n%s", jobs, got, first)
		}
	}
}

func TestAnUnknownWordIsRefused(t *testing.T) {
	err := Wheels(context.Background(), WheelsOptions{Prefix: "/opt/venv", Python: "3.13", Remove: []string{"tests", "locales"}})
	if want := `--remove must have some of the words docs, headers, sources, stubs, tests, not "locales"`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
