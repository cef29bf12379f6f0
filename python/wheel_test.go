package python

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestParseWheelName(t *testing.T) {
	for _, c := range []struct{ in, name, version, build, tags string }{
		{"requests-2.32.3-py3-none-any.whl", "requests", "2.32.3", "", "py3-none-any"},
		{"six-1.16.0-py2.py3-none-any.whl", "six", "1.16.0", "", "py2-none-any py3-none-any"},
		{"zope.interface-7.0-1a-cp313-cp313-linux_x86_64.whl", "zope-interface", "7.0", "1a", "cp313-cp313-linux_x86_64"},
		{"PyYAML-6.00-CP39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "pyyaml", "6.0", "",
			"cp39-abi3-manylinux_2_17_x86_64 cp39-abi3-manylinux2014_x86_64"},
		{"torch-2.6.0+cpu-cp313-cp313t-win_amd64.whl", "torch", "2.6.0+cpu", "", "cp313-cp313t-win_amd64"},
		{"a-1-cp38.cp39-cp38.cp39-p.q.whl", "a", "1", "",
			"cp38-cp38-p cp38-cp38-q cp38-cp39-p cp38-cp39-q cp39-cp38-p cp39-cp38-q cp39-cp39-p cp39-cp39-q"},
	} {
		w, err := ParseWheelName(c.in)
		if err != nil {
			t.Error(err)
			continue
		}
		var tags []string
		for _, tag := range w.Tags {
			tags = append(tags, tag.String())
		}
		if w.Name != c.name || w.Version != c.version || w.Build != c.build || strings.Join(tags, " ") != c.tags {
			t.Errorf("ParseWheelName(%q) = %+v", c.in, w)
		}
	}
}

func TestParseWheelNameRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a-1.0.tar.gz", `must end in .whl`},
		{"a-1.0-py3-none.whl", `must be NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl`},
		{"a-b-1.0-1-py3-none-any.whl", `must be NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl`},
		{"a-1.0-py3-none-x/any.whl", `must be a name, not a path`},
		{`..\a-1.0-py3-none-any.whl`, `must be a name, not a path`},
		{"a__b-1.0-py3-none-any.whl", `"a__b" is not the name of a project, want letters, digits, "." and single "_"`},
		{"-1.0-py3-none-any.whl", `"" is not the name of a project`},
		{"a-x-py3-none-any.whl", `"x" is not a version, want one like 1.2.3 or 2.0rc1`},
		{"a-1.0-b1-py3-none-any.whl", `build tag "b1" must start with a digit`},
		{"a-1.0--py3-none-any.whl", `build tag "" must start with a digit`},
		{"a-1.0-3-none-any.whl", `"3" is not a Python tag, want one like py3 or cp313`},
		{"a-1.0-py3.-none-any.whl", `"" is not a Python tag`},
		{"a-1.0-py3--any.whl", `tag "py3--any" has an empty part`},
		{"é-1.0-py3-none-any.whl", `must be printable ASCII`},
		{"a-1.0-1a\nb-py3-none-any.whl", `must be printable ASCII`},
		{"a-1.0-py3-none-a..b.whl", `tag "py3-none-a..b" has an empty part`},
	} {
		_, err := ParseWheelName(c.in)
		if want := `wheel file name ` + strconv.Quote(c.in) + `: ` + c.want; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
}

func TestWheelNameTellsWhetherItsTagsAreSorted(t *testing.T) {
	for tags, want := range map[string]bool{
		"py3-none-any": true, "py2.py3-none-any": true, "py3.py2-none-any": false, "cp39-abi3.none-any": true, "cp39-none.abi3-any": false,
		"cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64": true, "cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64": false,
		"py3.py3-none-any": true, "CP39.cp38-none-any": true, "cp39.CP38-none-any": false,
	} {
		if w, err := ParseWheelName("a-1-" + tags + ".whl"); err != nil || w.Sorted != want {
			t.Errorf("%s: Sorted is %v, %v", tags, w.Sorted, err)
		}
	}
}

func TestBestWheel(t *testing.T) {
	tags := trixie(t).Tags()
	for _, c := range []struct{ wheels, want string }{
		{"a-1-py3-none-any.whl", "a-1-py3-none-any.whl"},
		{"", ""},
		{"a-1-cp312-cp312-manylinux_2_17_x86_64.whl a-1-cp313-cp313-macosx_11_0_arm64.whl", ""},
		{"a-1-py3-none-any.whl a-1-cp313-cp313-manylinux_2_28_x86_64.whl", "a-1-cp313-cp313-manylinux_2_28_x86_64.whl"},
		{"a-1-cp39-abi3-manylinux_2_17_x86_64.whl a-1-cp311-abi3-manylinux_2_17_x86_64.whl", "a-1-cp311-abi3-manylinux_2_17_x86_64.whl"},
		{"a-1-cp313-cp313-manylinux2014_x86_64.whl a-1-cp313-cp313-manylinux_2_28_x86_64.whl", "a-1-cp313-cp313-manylinux_2_28_x86_64.whl"},
		{"a-1-cp313-cp313-manylinux_2_42_x86_64.whl a-1-cp313-cp313-manylinux_2_41_x86_64.whl", "a-1-cp313-cp313-manylinux_2_41_x86_64.whl"},
		{"a-1-py3-none-any.whl a-1-2-py3-none-any.whl a-1-10-py3-none-any.whl a-1-9z-py3-none-any.whl", "a-1-10-py3-none-any.whl"},
		{"a-1-1a-py3-none-any.whl a-1-1b-py3-none-any.whl", "a-1-1b-py3-none-any.whl"},
		{"a-1-007-py3-none-any.whl a-1-7-py3-none-any.whl", "a-1-007-py3-none-any.whl"},
		{"a-1-py3-none-any.whl A-1-CP313-Cp313-ManyLinux_2_17_X86_64.whl", "A-1-CP313-Cp313-ManyLinux_2_17_X86_64.whl"},
		{"a-1-CP27.CP313-none-WIN32.ANY.whl", "a-1-CP27.CP313-none-WIN32.ANY.whl"},
		{"a-1.tar.gz a-x-py3-none-any.whl a-1-py2.py3-none-any.whl", "a-1-py2.py3-none-any.whl"},
	} {
		wheels := strings.Fields(c.wheels)
		i, ok := BestWheel(wheels, tags)
		got := ""
		if ok {
			got = wheels[i]
		}
		if got != c.want {
			t.Errorf("best of %v is %q, want %q", wheels, got, c.want)
		}
	}
}

func TestBestWheelOnFreeThreadedPython(t *testing.T) {
	target := trixie(t)
	target.FreeThreaded = true
	wheels := []string{
		"a-1-cp313-cp313-manylinux_2_28_x86_64.whl",
		"a-1-cp39-abi3-manylinux_2_28_x86_64.whl",
		"a-1-py3-none-any.whl",
		"a-1-cp313-cp313t-manylinux_2_28_x86_64.whl",
	}
	if i, ok := BestWheel(wheels, target.Tags()); !ok || i != 3 {
		t.Errorf("best is %d, %v", i, ok)
	}
	if i, ok := BestWheel(wheels[:3], target.Tags()); !ok || i != 2 {
		t.Errorf("without its own ABI the best is %d, %v", i, ok)
	}
}

func TestWhyNot(t *testing.T) {
	glibc := trixie(t)
	free := glibc
	free.FreeThreaded = true
	musl := glibc
	musl.Libc = Libc{"musl", 1, 2}
	for _, c := range []struct {
		target Target
		tags   string
		want   string
	}{
		{glibc, "py3-none-any", ""},
		{glibc, "cp313-cp313-manylinux_2_17_x86_64", ""},
		{glibc, "cp312-cp312-manylinux_2_17_x86_64", "needs CPython 3.12"},
		{glibc, "cp38.cp312.cp37-none-any", "needs CPython 3.12"},
		{glibc, "cp314-abi3-manylinux_2_17_x86_64", "needs CPython 3.14 or newer"},
		{glibc, "py314-none-any", "needs Python 3.14 or newer"},
		{glibc, "py2-none-any", "needs Python 2"},
		{glibc, "cp27-cp27mu-manylinux1_x86_64", "needs CPython 2.7"},
		{glibc, "pp310-pypy310_pp73-manylinux_2_17_x86_64", "needs PyPy 3.10"},
		{glibc, "graalpy311-graalpy242_311_native-linux_x86_64", "needs GraalPy"},
		{glibc, "jy27-none-any", "needs the interpreter jy 2.7"},
		{glibc, "cp313-cp313-manylinux_2_42_x86_64", "needs glibc 2.42"},
		{glibc, "cp313-cp313-manylinux_2_45_x86_64.manylinux_2_42_x86_64", "needs glibc 2.42"},
		{glibc, "cp313-cp313-manylinux_2_17_aarch64.manylinux2014_aarch64", "is for aarch64"},
		{glibc, "cp313-cp313-linux_armv7l", "is for armv7l"},
		{glibc, "cp313-cp313-macosx_11_0_arm64", "is for macOS"},
		{glibc, "cp313-cp313-win_amd64", "is for Windows"},
		{glibc, "cp313-cp313-win32", "is for Windows"},
		{glibc, "cp313-cp313-android_21_x86_64", "is for Android"},
		{glibc, "cp313-cp313-solaris_11", "is for the platform solaris_11"},
		{glibc, "cp313-cp313-manylinux_x_y_x86_64", "is for the platform manylinux_x_y_x86_64"},
		{glibc, "cp313-cp313-musllinux_1_2_x86_64", "needs musl"},
		{glibc, "cp312-cp312-musllinux_1_2_x86_64", "needs musl"},
		{glibc, "cp312-cp312-win32.manylinux_2_99_x86_64", "needs CPython 3.12"},
		{glibc, "cp313-cp313t-manylinux_2_17_x86_64", "needs free-threaded CPython 3.13"},
		{glibc, "cp313-cp313d-manylinux_2_17_x86_64", "needs the ABI cp313d"},
		{glibc, "py3-cp313-any", "needs the ABI cp313"},
		{glibc, "cp313-cp313-manylinux_2_4_x86_64", "is for the tag cp313-cp313-manylinux_2_4_x86_64"},
		{glibc, "", "has no tag"},
		{free, "cp313-cp313t-manylinux_2_17_x86_64", ""},
		{free, "cp313-cp313-manylinux_2_17_x86_64", "needs CPython 3.13 with the global interpreter lock"},
		{free, "cp39-abi3-manylinux_2_17_x86_64", "uses the stable ABI abi3, which free-threaded CPython does not load"},
		{musl, "cp313-cp313-musllinux_1_2_x86_64", ""},
		{musl, "cp313-cp313-musllinux_1_3_x86_64", "needs musl 1.3"},
		{musl, "cp313-cp313-manylinux2014_x86_64", "needs glibc"},
	} {
		var w WheelName
		if c.tags != "" {
			var err error
			if w, err = ParseWheelName("a-1-" + c.tags + ".whl"); err != nil {
				t.Error(err)
				continue
			}
		}
		if got := WhyNot(w, c.target); got != c.want {
			t.Errorf("%s on %s: %q, want %q", c.tags, c.target, got, c.want)
		}
	}
}

func FuzzWheelName(f *testing.F) {
	for _, s := range []string{
		"PyYAML-6.0-2b-cp39.py3-abi3.none-manylinux_2_17_x86_64.manylinux2014_x86_64.any.whl",
		"a-1-cp313-cp313-musllinux_1_2_x86_64.whl",
		"a-1-cp313-cp313t-macosx_11_0_arm64.whl",
		"a-1-py314.cp3-none-win32.whl",
		"a-1-cp9.py-abi3t-linux_x86_64.whl",
	} {
		f.Add(s)
	}
	glibc := trixie(f)
	free := glibc
	free.FreeThreaded = true
	targets := []Target{glibc, free}
	tags := [][]Tag{glibc.Tags(), free.Tags()}
	f.Fuzz(func(t *testing.T, s string) {
		w, err := ParseWheelName(s)
		if err != nil {
			return
		}
		if w.Name != NormalizeName(w.Name) || mustVersion(t, w.Version).String() != w.Version || len(w.Tags) == 0 {
			t.Fatalf("%q is %+v", s, w)
		}
		for _, tag := range w.Tags {
			if tag.Python == "" || tag.ABI == "" || tag.Platform == "" || strings.Contains(tag.Platform, "/") {
				t.Fatalf("%q has the tag %q", s, tag)
			}
		}
		for _, tag := range w.Tags {
			one, err := ParseWheelName(strings.ReplaceAll(w.Name, "-", "_") + "-" + w.Version + "-1-" + tag.String() + ".whl")
			if err != nil || one.Name != w.Name || one.Version != w.Version || len(one.Tags) != 1 || one.Tags[0] != tag || !one.Sorted {
				t.Fatalf("%q of %s alone is %+v, %v", s, tag, one, err)
			}
		}
		for i, target := range targets {
			reason := WhyNot(w, target)
			if _, fits := BestWheel([]string{s}, tags[i]); fits != (reason == "") {
				t.Fatalf("%q on %s: fits %v, but the reason against it is %q", s, target, fits, reason)
			}
		}
	})
}

func FuzzBestWheelDoesNotDependOnTheOrder(f *testing.F) {
	f.Add("a-1-py2.py3-none-any.whl a-1-cp313-cp313-manylinux_2_17_x86_64.whl a-1-cp39-abi3-manylinux_2_28_x86_64.whl")
	f.Add("a-1-2-py3-none-any.whl a-1-10-py3-none-any.whl a-1-10b-py3-none-any.whl x")
	f.Add("a-1-cp313-none-any.whl a-1-1-cp313-none-any.cp39.whl")
	tags := trixie(f).Tags()
	f.Fuzz(func(t *testing.T, s string) {
		names := strings.Fields(s)
		reversed := slices.Clone(names)
		slices.Reverse(reversed)
		i, ok := BestWheel(names, tags)
		j, ok2 := BestWheel(reversed, tags)
		if ok != ok2 {
			t.Fatalf("%q: %v, the other way round %v", names, ok, ok2)
		}
		if !ok {
			return
		}
		// Two wheels may have the same best tag and build; then the first wins, whichever it is.
		a, _ := ParseWheelName(names[i])
		b, _ := ParseWheelName(reversed[j])
		if compareBuild(a.Build, b.Build) != 0 {
			t.Fatalf("%q: best is %q, the other way round %q", names, names[i], reversed[j])
		}
		for _, name := range names {
			if _, ok := BestWheel([]string{name}, tags); ok {
				return
			}
		}
		t.Fatalf("%q: %q is the best, but none fits alone", names, names[i])
	})
}

// BenchmarkBestWheel chooses the wheels of a lock of 300 packages: 240 pure ones and 60 with 60 wheels each.
func BenchmarkBestWheel(b *testing.B) {
	var many []string
	for _, python := range []string{"cp310-cp310", "cp311-cp311", "cp312-cp312", "cp313-cp313", "cp313-cp313t", "cp314-cp314"} {
		for _, platform := range []string{
			"macosx_10_13_x86_64", "macosx_11_0_arm64", "macosx_14_0_arm64", "win32", "win_amd64", "win_arm64",
			"manylinux_2_17_aarch64.manylinux2014_aarch64", "manylinux_2_17_x86_64.manylinux2014_x86_64",
			"musllinux_1_2_aarch64", "musllinux_1_2_x86_64",
		} {
			many = append(many, "numpy-2.1.0-"+python+"-"+platform+".whl")
		}
	}
	target := trixie(b)
	b.ReportAllocs()
	for b.Loop() {
		tags := target.Tags()
		for i := range 300 {
			wheels := []string{"pure-1.0-py3-none-any.whl"}
			if i%5 == 0 {
				wheels = many
			}
			if _, ok := BestWheel(wheels, tags); !ok {
				b.Fatal("no wheel fits")
			}
		}
	}
}

// BenchmarkBestWheelOfAnIndex chooses among 30 wheels for each of 10 000 packages, as a resolver would.
func BenchmarkBestWheelOfAnIndex(b *testing.B) {
	packages := make([][]string, 10_000)
	for i := range packages {
		for _, python := range []string{"cp310-cp310", "cp311-cp311", "cp312-cp312", "cp313-cp313", "cp314-cp314"} {
			for _, platform := range []string{
				"macosx_10_13_x86_64", "macosx_11_0_arm64", "win_amd64",
				"manylinux_2_17_aarch64.manylinux2014_aarch64", "manylinux_2_17_x86_64.manylinux2014_x86_64", "musllinux_1_2_x86_64",
			} {
				packages[i] = append(packages[i], "package_"+strconv.Itoa(i)+"-2.1."+strconv.Itoa(i%50)+"-"+python+"-"+platform+".whl")
			}
		}
	}
	tags := trixie(b).Tags()
	b.ReportAllocs()
	for b.Loop() {
		for _, wheels := range packages {
			if i, ok := BestWheel(wheels, tags); !ok || i != 22 {
				b.Fatal(i, ok)
			}
		}
	}
}

func TestBestWheelDoesNotDependOnTheOrderOfFileNames(t *testing.T) {
	target := trixie(t)
	names := []string{
		"a-1-py2.py3-none-any.whl", "a-1-cp313-cp313-manylinux_2_17_x86_64.whl", "a-1-cp39-abi3-manylinux_2_28_x86_64.whl",
		"a-1-cp313-cp313-manylinux_2_28_x86_64.whl", "a-1-py3-none-manylinux_2_17_x86_64.whl",
	}
	want := "a-1-cp313-cp313-manylinux_2_28_x86_64.whl"
	for range names {
		names = append(names[1:], names[0])
		if i, ok := BestWheel(slices.Clone(names), target.Tags()); !ok || names[i] != want {
			t.Errorf("best of %v is %d, %v", names, i, ok)
		}
	}
}
