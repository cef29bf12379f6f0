package verify

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/elf"
	"github.com/org/pyfile/facts"
	"github.com/org/pyfile/python"
)

const site = "/opt/venv/lib/python3.13/site-packages/"

// project is a distribution whose files are given as "path content" below site-packages.
func project(name, version string, built bool, files ...string) facts.Distribution {
	d := facts.Distribution{Name: name, Version: version, Built: built}
	for _, f := range files {
		file, content, _ := strings.Cut(f, " ")
		dir, base := site[:len(site)-1], file
		if i := strings.LastIndex(file, "/"); i >= 0 {
			dir, base = site+file[:i], file[i+1:]
		}
		d.Directories = append(d.Directories, facts.Directory{Path: dir, Files: []string{facts.File(content+"sum", base)}})
	}
	return d
}

// with adds objects, whose paths are below site-packages unless absolute.
func with(d facts.Distribution, file string, o elf.Object) facts.Distribution {
	if o.Machine == "" {
		o.Machine = "x86_64"
	}
	o.Class, o.Kind = 64, elf.Shared
	if !strings.HasPrefix(file, "/") {
		file = site + file
	}
	d.Objects = append(slices.Clone(d.Objects), facts.Object{Path: file, Object: o})
	return d
}

func group(list ...facts.Distribution) *facts.Facts { return &facts.Facts{Distributions: list} }

// needs is an object that needs libraries.
func needs(sonames ...string) elf.Object { return elf.Object{Needed: sonames} }

func mustVersion(s string) python.Version {
	v, err := python.ParseVersion(s)
	if err != nil {
		panic(err)
	}
	return v
}

// checked checks groups of distributions on the system of the tests.
func checked(t testing.TB, o Options, groups ...*facts.Facts) *Report {
	t.Helper()
	if o.System == nil {
		o.System = describe(t, debian())
	}
	if o.Machine == "" {
		o.Machine = "x86_64"
	}
	o.Python, o.Facts = mustVersion("3.13.5"), groups
	r, err := Check(o)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ReadReport([]byte(text(t, r))); err != nil || text(t, again) != text(t, r) {
		t.Errorf("written and read again it is %+v, %v", again, err)
	}
	return r
}

// lines are the findings in short.
func lines(r *Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s: %s\n", f.Severity, f.Kind, f.Short)
	}
	return b.String()
}

func TestLibrariesAreLookedForAsTheLinkerDoes(t *testing.T) {
	builder := describe(t, debian())
	builder.Libraries = append(builder.Libraries, Library{Path: "/usr/lib/x86_64-linux-gnu/libodd.so.9", Package: "libodd9t64", Object: elf.Object{Machine: "x86_64", Class: 64}})
	other := *builder
	other.VersionID = "12"
	alpine := &System{ID: "alpine", VersionID: "3.22.1", Database: "apk", Libc: "musl", LibcVersion: "1.2", Machine: "x86_64", Class: 64, Directories: []string{"/lib", "/usr/lib"}, Libraries: []Library{
		{Path: "/lib/ld-musl-x86_64.so.1", Links: []string{"/lib/libc.musl-x86_64.so.1"}, Object: elf.Object{Machine: "x86_64", Class: 64}},
	}}
	demo := project("demo", "1.0", false)
	for name, tt := range map[string]struct {
		options Options
		groups  []*facts.Facts
		want    string
	}{
		"in the system":            {groups: []*facts.Facts{group(with(demo, "demo.so", needs("libc.so.6", "libblas.so.3", "ld-linux-x86-64.so.2", "libpulse.so.0", "libpython3.13.so.1.0")))}},
		"missing in a wheel":       {groups: []*facts.Facts{group(with(demo, "demo.so", needs("libc.so.6", "libpq.so.5")))}, want: "warning library: demo needs libpq.so.5, which is not in the image: add the package libpq5\n"},
		"missing and built":        {groups: []*facts.Facts{group(with(project("demo", "1.0", true), "demo.so", needs("libpq.so.5")))}, want: "error library: demo needs libpq.so.5, which is not in the image: add the package libpq5\n"},
		"missing in a source tree": {groups: []*facts.Facts{group(with(facts.Distribution{Built: true}, "/app/x.so", needs("libpq.so.5")))}, want: "error library: the application needs libpq.so.5, which is not in the image: add the package libpq5\n"},
		"unknown":                  {groups: []*facts.Facts{group(with(demo, "demo.so", needs("libodd.so.9")))}, want: "warning library: demo needs libodd.so.9, which is not in the image\n"},
		"the builder knows": {Options{Builder: builder}, []*facts.Facts{group(with(demo, "demo.so", needs("libodd.so.9")))},
			"warning library: demo needs libodd.so.9, which is not in the image: add the package libodd9t64\n"},
		"a builder of another release is asked last": {Options{Builder: &other}, []*facts.Facts{group(with(demo, "demo.so", needs("libodd.so.9")))},
			"warning library: demo needs libodd.so.9, which is not in the image: add the package libodd9t64\n"},
		"names of another release": {Options{System: &other}, []*facts.Facts{group(with(demo, "demo.so", needs("libglib-2.0.so.0")))},
			"warning library: demo needs libglib-2.0.so.0, which is not in the image: add the package libglib2.0-0\n"},
		"names of this release": {groups: []*facts.Facts{group(with(demo, "demo.so", needs("libglib-2.0.so.0")))},
			want: "warning library: demo needs libglib-2.0.so.0, which is not in the image: add the package libglib2.0-0t64\n"},
		"names of Alpine": {Options{System: alpine}, []*facts.Facts{group(with(demo, "demo.so", needs("libglib-2.0.so.0", "libc.musl-x86_64.so.1")))},
			"warning library: demo needs libglib-2.0.so.0, which is not in the image: add the package glib\n"},
		"runpath":                       {groups: []*facts.Facts{group(with(with(demo, "demo/x.so", elf.Object{Needed: []string{"libown-1234.so.1"}, RunPath: []string{"$ORIGIN/../demo.libs"}}), "demo.libs/libown-1234.so.1", needs("libc.so.6")))}},
		"rpath by a link of the system": {groups: []*facts.Facts{group(with(demo, "demo/x.so", elf.Object{Needed: []string{"odd.so"}, RPath: []string{"/lib/x86_64-linux-gnu/pulseaudio/deep"}}))}},
		"$LIB":                          {groups: []*facts.Facts{group(with(demo, "demo/x.so", elf.Object{Needed: []string{"odd.so"}, RunPath: []string{"/usr/${LIB}/pulseaudio/deep"}}))}},
		"a wrong runpath": {groups: []*facts.Facts{group(with(demo, "demo/x.so", elf.Object{Needed: []string{"odd.so"}, RunPath: []string{"lib", "/usr/lib/deep"}}))},
			want: "warning library: demo needs odd.so, which is not in the image\n"},
		"a directory that is not the linker's": {groups: []*facts.Facts{group(with(demo, "demo/x.so", needs("libnot.so")))}, want: "warning library: demo needs libnot.so, which is not in the image\n"},
		"in another wheel":                     {groups: []*facts.Facts{group(with(demo, "demo.so", needs("libtorch.so"))), group(with(project("torch", "2.0", false), "torch/lib/libtorch.so", elf.Object{}))}},
		"in another wheel by its soname":       {groups: []*facts.Facts{group(with(demo, "demo.so", needs("libarrow.so.20"))), group(with(project("pyarrow", "20", false), "pyarrow/libarrow.so", elf.Object{Soname: "libarrow.so.20"}))}},
		"in a wheel for another machine": {groups: []*facts.Facts{group(with(demo, "demo.so", needs("libx.so.1")), with(with(project("x", "1", false), "x/libx.so.1", elf.Object{Machine: "aarch64"}), "x/x.so", elf.Object{}))},
			want: "warning library: demo needs libx.so.1, which is not in the image\n"},
		"a Python package has it": {groups: []*facts.Facts{group(with(demo, "demo.so", needs("libtorch.so")))}, want: "warning library: demo needs libtorch.so, which is not in the image\n"},
		"the host has it":         {groups: []*facts.Facts{group(with(project("demo", "1", true), "demo.so", needs("libcuda.so.1")))}, want: "notice library: demo needs libcuda.so.1, which the driver of the host must bring when the container starts\n"},
		"the system itself lacks it": {Options{System: describe(t, without(debian(), multiarch+"pulseaudio/libpulsecommon-17.so"))}, []*facts.Facts{group(with(demo, "demo.so", needs("libpulse.so.0")))},
			"warning library: demo needs libpulsecommon-17.so (needed by libpulse.so.0), which is not in the image\n"},
		"all objects are for another machine": {groups: []*facts.Facts{group(with(with(demo, "a.so", elf.Object{Machine: "aarch64"}), "b.so", elf.Object{Machine: "aarch64"}))},
			want: "warning architecture: demo has shared objects for aarch64 only, the image is for x86_64\n"},
		"some objects are for another machine": {groups: []*facts.Facts{group(with(with(demo, "a.so", elf.Object{Machine: "aarch64", Needed: []string{"libgone.so"}}), "b.so", elf.Object{}))}},
		"a foreign image":                      {Options{Machine: "aarch64"}, []*facts.Facts{group(with(demo, "a.so", elf.Object{Machine: "aarch64", Needed: []string{"libc.so.6"}}))}, ""},
		"a foreign image lacks a library": {Options{Machine: "aarch64"}, []*facts.Facts{group(with(demo, "a.so", elf.Object{Machine: "aarch64", Needed: []string{"libm.so.6"}}))},
			"warning library: demo needs libm.so.6, which is not in the image: add the package libc6\n"},
		"glibc is too old": {groups: []*facts.Facts{group(with(with(with(project("demo", "1", true), "a.so", glibc("GLIBC_2.50")), "b.so", glibc("GLIBC_2.100")), "c.so", glibc("GLIBC_2.41")))},
			want: "error libc: demo needs GLIBC_2.100 of libc.so.6, the image has glibc 2.41\n"},
		"glibc is new enough for a version that it does not name": {groups: []*facts.Facts{group(with(demo, "a.so", glibc("GLIBC_2.17")))}},
		"a library is too old": {Options{System: describe(t, added(debian(), multiarch+"libstdc++.so.6", shared(elf.Object{Soname: "libstdc++.so.6", Defines: []string{"GLIBCXX_3.4.9", "GLIBCXX_3.4.30"}})))},
			[]*facts.Facts{group(with(demo, "a.so", elf.Object{Needed: []string{"libstdc++.so.6"}, Needs: []elf.Need{{Library: "libstdc++.so.6", Version: "GLIBCXX_3.4.32"}}}))},
			"warning symbols: demo needs GLIBCXX_3.4.32 of libstdc++.so.6, the image has GLIBCXX_3.4.30\n"},
		"glibc on musl":                 {Options{System: alpine}, []*facts.Facts{group(with(demo, "a.so", needs("libc.so.6", "libgone.so.1")))}, "warning libc: demo is made for glibc, the image has musl\n"},
		"musl on glibc":                 {groups: []*facts.Facts{group(with(demo, "a.so", needs("libc.musl-x86_64.so.1")))}, want: "warning libc: demo is made for musl, the image has glibc\n"},
		"musl and glibc on glibc":       {groups: []*facts.Facts{group(with(with(demo, "a.so", needs("libc.musl-x86_64.so.1", "libgone.so")), "b.so", needs("libc.so.6")))}},
		"musl and static on glibc":      {groups: []*facts.Facts{group(with(with(demo, "a.so", needs("libc.musl-x86_64.so.1")), "b.so", needs()))}, want: "warning libc: demo is made for musl, the image has glibc\n"},
		"musl on glibc with musl":       {Options{System: describe(t, added(debian(), multiarch+"libc.musl-x86_64.so.1", lib("")))}, []*facts.Facts{group(with(demo, "a.so", needs("libc.musl-x86_64.so.1")))}, ""},
		"glibc's parts are musl itself": {Options{System: alpine}, []*facts.Facts{group(with(demo, "a.so", needs("libm.so.6", "libpthread.so.0")))}, ""},
	} {
		if got := lines(checked(t, tt.options, tt.groups...)); got != tt.want {
			t.Errorf("%s\ngot  %swant %s", name, got, tt.want)
		}
	}
}

func glibc(version string) elf.Object {
	return elf.Object{Needed: []string{"libc.so.6"}, Needs: []elf.Need{{Library: "libc.so.6", Version: version}}}
}

func without(files map[string]string, name string) map[string]string {
	delete(files, name)
	return files
}

func added(files map[string]string, name, content string) map[string]string {
	files[name] = content
	return files
}

func TestAReportSaysWhatToDo(t *testing.T) {
	objects := with(with(with(project("psycopg2", "2.9.10", true), "psycopg2/b.so", needs("libpq.so.5")), "psycopg2/a.so", needs("libpq.so.5", "libodd.so.1")), "psycopg2/c.so", needs("libpq.so.5"))
	magic := project("python_magic", "0.4.27", false)
	magic.Requires = []string{"six>=1.0", "idna; extra == 'x'", "PyJWT ~= 3.0", "tomli; python_version < '3.11'", "broken requirement >"}
	magic.RequiresPython = "<3.13"
	r := checked(t, Options{Ignore: []string{"libnothing.so.*", "six"}},
		group(objects, magic, with(project("torch-geometric", "1", false), "g.so", needs("libtorch.so")), with(project("cuda", "1", false), "c.so", needs("libcuda.so.1"))),
		group(project("jwt", "1.4.0", false, "jwt/__init__.py a", "jwt/utils.py a", "jwt/same.py same", "LICENSE a", "tests/__init__.py a", "dir a", "exact/x.py a"),
			with(project("foreign", "2", false), "f.so", elf.Object{Machine: "aarch64"}), with(project("new", "3", true), "n.so", glibc("GLIBC_2.99"))),
		group(project("PyJWT", "2.10", false, "jwt/__init__.py b", "jwt/utils.py b", "jwt/same.py same", "LICENSE b"),
			project("other", "1", false, "tests/__init__.py b", "dir/x.py b", "exact/x.py b")))
	golden(t, "report.json", text(t, r))
}

func TestTheFileOfTheLaterDistributionIsJudged(t *testing.T) {
	first := with(project("opencv-python", "4", false, "cv2/cv2.so a"), "cv2/cv2.so", needs("libGL.so.1"))
	second := with(project("opencv-python-headless", "4", false, "cv2/cv2.so b"), "cv2/cv2.so", needs("libc.so.6"))
	const collision = "warning collision: %s and %s both have cv2/cv2.so: the image has that of %[2]s\n"
	if got, want := lines(checked(t, Options{}, group(first), group(second))), fmt.Sprintf(collision, "opencv-python", "opencv-python-headless"); got != want {
		t.Errorf("headless later: got %s, want %s", got, want)
	}
	want := "warning library: opencv-python needs libGL.so.1, which is not in the image: add the package libgl1\n" + fmt.Sprintf(collision, "opencv-python-headless", "opencv-python")
	if got := lines(checked(t, Options{}, group(second), group(first))); got != want {
		t.Errorf("headless first: got %s, want %s", got, want)
	}
	if got := lines(checked(t, Options{}, group(second, first))); got != want {
		t.Errorf("in one group: got %s, want %s", got, want)
	}
}

func TestCollisions(t *testing.T) {
	for name, tt := range map[string]struct {
		a, b facts.Distribution
		want string
	}{
		"equal bytes":     {project("a", "1", false, "ns/__init__.py x"), project("b", "1", false, "ns/__init__.py x"), ""},
		"other bytes":     {project("a", "1", false, "ns/__init__.py x"), project("b", "1", false, "ns/__init__.py y"), "warning collision: a and b both have ns/__init__.py: the image has that of b\n"},
		"documents":       {project("a", "1", false, "README.md x", "LICENSE x"), project("b", "1", false, "README.md y", "LICENSE y"), "notice collision: a and b both have LICENSE and 1 more of its files: the image has that of b\n"},
		"file, directory": {project("a", "1", false, "x x"), project("b", "1", false, "x/sub/y y", "x/z z"), "error collision: x is a file of a and a directory of b\n"},
		"directory, file": {project("a", "1", false, "x/sub/y y"), project("b", "1", false, "x x"), "error collision: x is a file of b and a directory of a\n"},
		"deep directory":  {project("a", "1", false, "x/sub/deep/y y"), project("b", "1", false, "x/sub x"), "error collision: x/sub is a file of b and a directory of a\n"},
		"one directory":   {project("a", "1", false, "ns/a.py x"), project("b", "1", false, "ns/b.py y"), ""},
	} {
		if got := lines(checked(t, Options{}, group(tt.a), group(tt.b))); got != tt.want {
			t.Errorf("%s\ngot  %swant %s", name, got, tt.want)
		}
	}
}

func TestDlopenedLibraries(t *testing.T) {
	magic := project("Python_Magic", "1", false)
	has := added(debian(), multiarch+"libmagic.so.1", lib("libmagic.so.1"))
	wand := describe(t, added(debian(), multiarch+"libMagickWand-6.Q16.so.6", lib("libMagickWand-6.Q16.so.6")))
	for name, tt := range map[string]struct {
		options Options
		group   *facts.Facts
		want    string
	}{
		"missing":              {Options{}, group(magic), "warning dlopen: Python_Magic loads libmagic.so.1, which is not in the image: add the package libmagic1t64\n"},
		"in the system":        {Options{System: describe(t, has)}, group(magic), ""},
		"in another directory": {Options{}, group(with(magic, "x/libmagic2.so.1", elf.Object{})), "warning dlopen: Python_Magic loads libmagic.so.1, which is not in the image: add the package libmagic1t64\n"},
		"brought along":        {Options{}, group(with(magic, "x/libmagic-a1b2.so.1", elf.Object{})), ""},
		"brought by another":   {Options{}, group(magic, with(project("pillow", "1", false), "pillow.libs/libmagic-a1b2.so.1", elf.Object{})), "warning dlopen: Python_Magic loads libmagic.so.1, which is not in the image: add the package libmagic1t64\n"},
		"for another machine":  {Options{}, group(with(with(magic, "x/libmagic.so.1", elf.Object{Machine: "aarch64"}), "x.so", elf.Object{})), "warning dlopen: Python_Magic loads libmagic.so.1, which is not in the image: add the package libmagic1t64\n"},
		"needless":             {Options{}, group(project("psycopg", "3", false), project("psycopg-binary", "3", false)), ""},
		"needed":               {Options{}, group(project("psycopg", "3", false)), "warning dlopen: psycopg loads libpq.so.5, which is not in the image: add the package libpq5\n"},
		"an alternative":       {Options{System: wand}, group(project("Wand", "1", false)), ""},
		"the known alternative": {Options{System: &System{ID: "debian", VersionID: "12", Database: "dpkg", Libc: "glibc", LibcVersion: "2.36"}}, group(project("Wand", "1", false)),
			"warning dlopen: Wand loads libMagickWand-6.Q16.so.6, which is not in the image: add the package libmagickwand-6.q16-6\n"},
	} {
		r := checked(t, tt.options, tt.group)
		if got := lines(r); got != tt.want {
			t.Errorf("%s\ngot  %swant %s", name, got, tt.want)
		}
		for _, f := range r.Findings {
			if slices.Contains(f.Others, f.Soname) {
				t.Errorf("%s: %s is one of its own alternatives %q", name, f.Soname, f.Others)
			}
		}
	}
}

func TestIgnores(t *testing.T) {
	groups := []*facts.Facts{
		group(with(with(project("Demo_X", "1", false, "a/x.py a"), "demo/x.so", needs("libone.so.1")), "demo/sub/y.so", needs("libone.so.1", "libtwo.so.2"))),
		group(project("other", "1", false, "a/x.py b")),
	}
	groups[0].Distributions[0].Requires = []string{"six"}
	const (
		one       = "warning library: Demo_X needs libone.so.1, which is not in the image\n"
		two       = "warning library: Demo_X needs libtwo.so.2, which is not in the image\n"
		collision = "warning collision: Demo_X and other both have a/x.py: the image has that of other\n"
		six       = "warning requirement: Demo_X requires six, which is not installed\n"
		unused    = "notice ignore: [verify] ignore: nothing is found about %q\n"
	)
	for _, tt := range []struct{ ignore, want string }{
		{"", one + two + collision + six},
		{"libone.so.1", two + collision + six},
		{"lib*.so.[12]", collision + six},
		{"demo.x", ""},
		{"other", one + two + six},
		{"Six", one + two + collision},
		{"/opt/venv/lib/python3.13/site-packages/demo/sub", one + collision + six},
		{"/opt/venv/lib/python3.13/site-packages/demo/", collision + six},
		{"/opt/venv/lib/python3.13/site-packages/*/x.*", one + two + six},
		{"/opt/venv/*/python3.13", six},
		{"libone.so", one + two + collision + six + fmt.Sprintf(unused, "libone.so")},
		{"libone.so.1 libone.so.1 lib*.so.1 nothing", two + collision + six + fmt.Sprintf(unused, "nothing")},
	} {
		r := checked(t, Options{Ignore: strings.Fields(tt.ignore)}, groups...)
		if got := lines(r); got != tt.want {
			t.Errorf("%q\ngot  %swant %s", tt.ignore, got, tt.want)
		}
	}
	// What a path leaves out does not count.
	r := checked(t, Options{Ignore: []string{site + "demo/sub/y.so"}}, groups...)
	if f := r.Findings[0]; f.Count != 1 || f.Path != site+"demo/x.so" {
		t.Errorf("the finding is about %d objects, the first %s", f.Count, f.Path)
	}
	for _, bad := range []string{"", "[", "lib[.so"} {
		if _, err := Check(Options{System: &System{}, Machine: "x86_64", Ignore: []string{bad}}); err == nil || !strings.HasPrefix(err.Error(), "ignore must be a soname like libfoo.so.1") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Findings must not depend on the order of what does not matter: the objects of one distribution.
func TestAReportDoesNotDependOnTheOrderOfObjects(t *testing.T) {
	d := project("demo", "1", true)
	for i := range 9 {
		d = with(d, fmt.Sprintf("x%d.so", i), elf.Object{Needed: []string{"libpq.so.5", "libodd.so.1", "libc.so.6"}, Needs: []elf.Need{{Library: "libc.so.6", Version: fmt.Sprintf("GLIBC_2.%d", 90+i)}}})
	}
	want := text(t, checked(t, Options{}, group(d)))
	slices.Reverse(d.Objects)
	if got := text(t, checked(t, Options{}, group(d))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRequirements(t *testing.T) {
	d := func(name, version string, requires ...string) facts.Distribution {
		return facts.Distribution{Name: name, Version: version, Requires: requires}
	}
	for _, tt := range []struct {
		list []facts.Distribution
		want string
	}{
		{[]facts.Distribution{d("a", "1", "B_x>=1,<2"), d("b.X", "1.5")}, ""},
		{[]facts.Distribution{d("a", "1", "b (>=1)"), d("b", "0.9")}, "a requires b>=1, but 0.9 is installed"},
		{[]facts.Distribution{d("a", "1", "b>=2.0rc1"), d("b", "2.0rc1")}, ""},
		{[]facts.Distribution{d("a", "1", "b>=1"), d("b", "1.5a1")}, ""},
		{[]facts.Distribution{d("a", "1", "b[x]; sys_platform == 'win32'", "c; platform_machine == 'x86_64'")}, "a requires c, which is not installed"},
		{[]facts.Distribution{d("a", "1", "b[x,y]>1; extra != 'z'")}, "a requires b[x,y]>1, which is not installed"},
		{[]facts.Distribution{d("a", "1", "b @ https://files.example/b.whl"), d("b", "9")}, ""},
		{[]facts.Distribution{d("a", "1", "b>=1"), d("b", "not a version")}, ""},
		{[]facts.Distribution{{Name: "a", Version: "1", RequiresPython: ">=3.14"}}, "a requires Python >=3.14, the image has Python 3.13.5"},
		{[]facts.Distribution{{Name: "a", Version: "1", RequiresPython: "~=3.13"}}, ""},
	} {
		r := checked(t, Options{}, group(tt.list...))
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.Short)
			if f.Kind != Requirement || f.Severity != Warning || len(f.Others) != 1 {
				t.Errorf("%+v", f)
			}
		}
		if strings.Join(got, "\n") != tt.want {
			t.Errorf("%+v\ngot  %q\nwant %q", tt.list, got, tt.want)
		}
	}
}

func TestACheckNeedsASystemAndAMachine(t *testing.T) {
	for _, o := range []Options{{}, {System: &System{}}, {Machine: "x86_64"}} {
		if r, err := Check(o); err == nil || r != nil {
			t.Errorf("got %v, %v", r, err)
		}
	}
}
