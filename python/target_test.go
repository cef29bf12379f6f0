package python

import (
	"reflect"
	"slices"
	"testing"
)

func TestTargetString(t *testing.T) {
	target := trixie(t)
	if got := target.String(); got != "CPython 3.13 on linux x86_64, glibc 2.41" {
		t.Errorf("%q", got)
	}
	target.FreeThreaded, target.Libc, target.Machine = true, Libc{"musl", 1, 2}, "aarch64"
	if got := target.String(); got != "free-threaded CPython 3.13 on linux aarch64, musl 1.2" {
		t.Errorf("%q", got)
	}
}

func TestTargetEnvironment(t *testing.T) {
	for version, want := range map[string]string{"3.13.5": "3.13.5", "3.14.0rc1": "3.14.0rc1", "3.13": "3.13.0", "3.14rc2": "3.14.0rc2"} {
		target := trixie(t)
		target.Python = mustVersion(t, version)
		got := target.Environment()
		if !reflect.DeepEqual(got, Environment{
			OSName: "posix", SysPlatform: "linux", PlatformSystem: "Linux", PlatformMachine: "x86_64",
			PlatformPythonImplementation: "CPython", ImplementationName: "cpython",
			ImplementationVersion: want, PythonVersion: want[:4], PythonFullVersion: want,
		}) {
			t.Errorf("%s: %+v", version, got)
		}
	}
}

func TestTargetSatisfiesRequiresPython(t *testing.T) {
	for _, c := range []struct {
		version, requires string
		want              bool
	}{
		{"3.13.5", ">=3.9", true},
		{"3.13.5", "", true},
		{"3.13.5", ">=3.9,<3.13", false},
		{"3.13.5", ">=3.13.6", false},
		{"3.13.5", "~=3.12", true},
		{"3.13.5", "!=3.13.*", false},
		{"3.13", "==3.13.0", true},
		{"3.15.0rc1", ">=3.15", true},
		{"3.15.0a1", "<3.15", false},
		{"3.15.0a1", ">=3.15.0rc1", true},
	} {
		target := trixie(t)
		target.Python = mustVersion(t, c.version)
		s, err := ParseSpecifiers(c.requires)
		if err != nil {
			t.Fatal(err)
		}
		if got := target.Satisfies(s); got != c.want {
			t.Errorf("Python %s satisfies %q: %v", c.version, c.requires, got)
		}
	}
}

func TestMachine(t *testing.T) {
	for _, c := range []struct {
		goarch, variant, want string
		ok                    bool
	}{
		{"amd64", "", "x86_64", true},
		{"amd64", "v3", "x86_64", true},
		{"arm64", "v8", "aarch64", true},
		{"arm", "v7", "armv7l", true},
		{"arm", "", "armv7l", true},
		{"arm", "v6", "armv6l", true},
		{"arm", "v5", "", false},
		{"386", "", "i686", true},
		{"ppc64le", "", "ppc64le", true},
		{"s390x", "", "s390x", true},
		{"riscv64", "", "riscv64", true},
		{"loong64", "", "loongarch64", true},
		{"wasm", "", "", false},
	} {
		if got, ok := Machine(c.goarch, c.variant); got != c.want || ok != c.ok {
			t.Errorf("Machine(%q, %q) = %q, %v", c.goarch, c.variant, got, ok)
		}
	}
}

func TestTagsAreBestFirst(t *testing.T) {
	glibc := trixie(t)
	free := glibc
	free.FreeThreaded = true
	musl := Target{Python: glibc.Python, Machine: "aarch64", Libc: Libc{"musl", 1, 2}}
	for _, c := range []struct {
		target Target
		count  int
		order  []string // these tags, in this order, among the others
		absent []string
	}{
		{glibc, 41*(3+11) + 41*15 + 16, []string{
			"cp313-cp313-linux_x86_64",
			"cp313-cp313-manylinux_2_41_x86_64",
			"cp313-cp313-manylinux_2_17_x86_64",
			"cp313-cp313-manylinux2014_x86_64",
			"cp313-cp313-manylinux_2_16_x86_64",
			"cp313-cp313-manylinux2010_x86_64",
			"cp313-cp313-manylinux_2_5_x86_64",
			"cp313-cp313-manylinux1_x86_64",
			"cp313-abi3-linux_x86_64",
			"cp313-none-manylinux_2_41_x86_64",
			"cp312-abi3-manylinux_2_41_x86_64",
			"cp32-abi3-manylinux_2_41_x86_64",
			"py313-none-manylinux_2_41_x86_64",
			"py3-none-manylinux_2_41_x86_64",
			"py312-none-manylinux_2_41_x86_64",
			"py30-none-manylinux1_x86_64",
			"cp313-none-any",
			"py313-none-any",
			"py3-none-any",
			"py312-none-any",
			"py30-none-any",
		}, []string{
			"cp313-cp313-manylinux_2_42_x86_64", "cp313-cp313-manylinux_2_4_x86_64", "cp313-cp313t-linux_x86_64",
			"cp312-cp312-linux_x86_64", "cp312-none-linux_x86_64", "cp313-abi3-any", "py2-none-any", "cp313-cp313-musllinux_1_0_x86_64",
		}},
		{free, 41*(3+11) + 41*15 + 16, []string{
			"cp313-cp313t-linux_x86_64", "cp313-abi3t-linux_x86_64", "cp313-none-linux_x86_64", "cp312-abi3t-linux_x86_64", "py3-none-any",
		}, []string{"cp313-cp313-linux_x86_64", "cp313-abi3-linux_x86_64", "cp312-abi3-linux_x86_64"}},
		{musl, 4*(3+11) + 4*15 + 16, []string{
			"cp313-cp313-linux_aarch64", "cp313-cp313-musllinux_1_2_aarch64", "cp313-cp313-musllinux_1_0_aarch64", "cp313-abi3-linux_aarch64",
		}, []string{"cp313-cp313-musllinux_1_3_aarch64", "cp313-cp313-manylinux_2_17_aarch64"}},
	} {
		tags := c.target.Tags()
		if len(tags) != c.count || cap(tags) != len(tags) {
			t.Errorf("%s: %d tags, capacity %d, want %d", c.target, len(tags), cap(tags), c.count)
		}
		index := make(map[string]int)
		for i, tag := range tags {
			if j, twice := index[tag.String()]; twice {
				t.Errorf("%s: %s stands at %d and %d", c.target, tag, j, i)
			}
			index[tag.String()] = i
		}
		last := -1
		for _, tag := range c.order {
			i, ok := index[tag]
			if !ok || i < last {
				t.Errorf("%s: %s stands at %d, %v, the one before it at %d", c.target, tag, i, ok, last)
			}
			last = i
		}
		if c.order[0] != tags[0].String() {
			t.Errorf("%s: the best tag is %s", c.target, tags[0])
		}
		for _, tag := range c.absent {
			if _, ok := index[tag]; ok {
				t.Errorf("%s accepts %s", c.target, tag)
			}
		}
	}
}

func TestOldestGlibcOfEachMachine(t *testing.T) {
	for machine, want := range map[string]string{
		"x86_64": "manylinux1_x86_64", "i686": "manylinux1_i686", "aarch64": "manylinux2014_aarch64", "armv7l": "manylinux2014_armv7l",
		"s390x": "manylinux2014_s390x", "riscv64": "manylinux2014_riscv64", "armv6l": "linux_armv6l",
	} {
		target := trixie(t)
		target.Machine = machine
		platforms := target.platforms()
		if got := platforms[len(platforms)-1]; got != want || !slices.Contains(platforms, "linux_"+machine) {
			t.Errorf("%s: the last platform is %s, want %s", machine, got, want)
		}
	}
}

func BenchmarkTags(b *testing.B) {
	target := trixie(b)
	b.ReportAllocs()
	for b.Loop() {
		if len(target.Tags()) == 0 {
			b.Fatal("no tags")
		}
	}
}
