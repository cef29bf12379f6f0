package python

import (
	"slices"
	"strings"
	"testing"
)

func TestParseVersionNormalises(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"1.0", "1.0"},
		{" v1.0\n", "1.0"},
		{"V1.0", "1.0"},
		{"\u00a01.0\x1c", "1.0"},
		{"01.002.0", "1.2.0"},
		{"1!2.0", "1!2.0"},
		{"0!2.0", "2.0"},
		{"1.1RC1", "1.1rc1"},
		{"1.1.a1", "1.1a1"},
		{"1.1-a1", "1.1a1"},
		{"1.1_a.1", "1.1a1"},
		{"1.1alpha", "1.1a0"},
		{"1.1beta2", "1.1b2"},
		{"1.1c3", "1.1rc3"},
		{"1.1pre4", "1.1rc4"},
		{"1.1preview5", "1.1rc5"},
		{"1.2post2", "1.2.post2"},
		{"1.2-post-2", "1.2.post2"},
		{"1.2.post", "1.2.post0"},
		{"1.0-r4", "1.0.post4"},
		{"1.0rev", "1.0.post0"},
		{"1.0-1", "1.0.post1"},
		{"1.0a-1", "1.0a1"},
		{"1.0a--1", "1.0a0.post1"},
		{"1.2-dev2", "1.2.dev2"},
		{"1.2dev", "1.2.dev0"},
		{"1.0a2.post3.dev4", "1.0a2.post3.dev4"},
		{"1.0+Ubuntu-1_x", "1.0+ubuntu.1.x"},
		{"1.0+001.0a.00", "1.0+1.0a.0"},
		{"1.0+123456789012345678901234567890", "1.0+123456789012345678901234567890"},
		{"2025.7.14", "2025.7.14"},
	} {
		v, err := ParseVersion(c.in)
		if err != nil || v.String() != c.want {
			t.Errorf("ParseVersion(%q) = %q, %v; want %q", c.in, v, err, c.want)
		}
	}
}

func TestParseVersionRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `"" is not a version, want one like 1.2.3 or 2.0rc1`},
		{"french toast", `"french toast" is not a version`},
		{"1.0+", `"1.0+" is not a version`},
		{"1.0+a+", `"1.0+a+" is not a version`},
		{"1.0+a..b", `"1.0+a..b" is not a version`},
		{"1.0+é", `"1.0+é" is not a version`},
		{"1..0", `"1..0" is not a version`},
		{".1", `".1" is not a version`},
		{"1.", `"1." is not a version`},
		{"!1", `"!1" is not a version`},
		{"1!", `"1!" is not a version`},
		{"1.0-1-1", `"1.0-1-1" is not a version`},
		{"1.0.*", `"1.0.*" is not a version`},
		{"1.0foo", `"1.0foo" is not a version`},
		{"1 .0", `"1 .0" is not a version`},
		{"1.99999999999999999999", `version "1.99999999999999999999" has a number that is too large`},
		{"1.0.dev9223372036854775807", `version "1.0.dev9223372036854775807" has a number that is too large`},
	} {
		_, err := ParseVersion(c.in)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("ParseVersion(%q): %v; want %s", c.in, err, c.want)
		}
	}
}

// ordered holds one line for each place in the order of PEP 440; the versions of a line are equal.
var ordered = [][]string{
	{"0", "0.0"},
	{"1.dev0", "1.0.dev0"},
	{"1.0.dev456"},
	{"1.0a1"},
	{"1.0a2.dev456"},
	{"1.0a12.dev456"},
	{"1.0a12"},
	{"1.0b1.dev456"},
	{"1.0b2"},
	{"1.0b2.post345.dev456"},
	{"1.0b2.post345"},
	{"1.0rc1.dev456"},
	{"1.0rc1", "1.0c1", "v1.0.0-rc.1"},
	{"1", "1.0", "1.0.0", "1.0.0.0"},
	{"1.0+a"},
	{"1.0+abc.5", "1.0+abc-5", "1.0+ABC_05"},
	{"1.0+abc.7"},
	{"1.0+abc.7.0"},
	{"1.0+5"},
	{"1.0+5.0"},
	{"1.0+10"},
	{"1.0+123456789012345678901234567890"},
	{"1.0.post456.dev34"},
	{"1.0.post456"},
	{"1.0.1"},
	{"1.1.dev1"},
	{"1.1"},
	{"1.10"},
	{"1!0.1"},
	{"1!1.0"},
	{"2!0.dev0"},
}

func TestCompareFollowsTheOrderOfPEP440(t *testing.T) {
	for i, line := range ordered {
		for _, a := range line {
			for j, other := range ordered {
				for _, b := range other {
					want := 0
					if i < j {
						want = -1
					} else if i > j {
						want = 1
					}
					if got := mustVersion(t, a).Compare(mustVersion(t, b)); got != want {
						t.Errorf("%s compared with %s = %d, want %d", a, b, got, want)
					}
				}
			}
		}
	}
}

func TestVersionParts(t *testing.T) {
	for _, c := range []struct {
		in            string
		release       []int
		prerelease    bool
		local, public string
	}{
		{"3.13.5", []int{3, 13, 5}, false, "", "3.13.5"},
		{"1!2", []int{2}, false, "", "1!2"},
		{"3.14.0rc1", []int{3, 14, 0}, true, "", "3.14.0rc1"},
		{"1.0.dev1", []int{1, 0}, true, "", "1.0.dev1"},
		{"1.0.post1", []int{1, 0}, false, "", "1.0.post1"},
		{"1.0.post1.dev2", []int{1, 0}, true, "", "1.0.post1.dev2"},
		{"2.6.0+CPU", []int{2, 6, 0}, false, "cpu", "2.6.0"},
	} {
		v := mustVersion(t, c.in)
		if !slices.Equal(v.Release(), c.release) || v.IsPrerelease() != c.prerelease || v.Local() != c.local || v.Public() != c.public {
			t.Errorf("%s: Release %v, IsPrerelease %v, Local %q, Public %q", c.in, v.Release(), v.IsPrerelease(), v.Local(), v.Public())
		}
	}
}

func TestZeroVersionPrintsNothing(t *testing.T) {
	var v Version
	if v.String() != "" || v.Public() != "" || v.Local() != "" || len(v.Release()) != 0 || v.IsPrerelease() {
		t.Errorf("zero Version: %q %q %q %v", v, v.Public(), v.Local(), v.Release())
	}
	if v.Compare(mustVersion(t, "0")) != 0 || v.Compare(mustVersion(t, "0.dev0")) != 1 {
		t.Error("zero Version is not ordered like 0")
	}
}

func TestReleaseIsACopy(t *testing.T) {
	v := mustVersion(t, "1.2")
	v.Release()[0] = 9
	if v.Compare(mustVersion(t, "1.2")) != 0 {
		t.Error("writing to the result of Release changed the version")
	}
}

func mustVersion(t testing.TB, s string) Version {
	t.Helper()
	v, err := ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func FuzzVersion(f *testing.F) {
	for _, line := range ordered {
		for _, s := range line {
			f.Add(s)
		}
	}
	f.Add("V1-R.2.DEV+Q_7")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseVersion(s)
		if err != nil {
			return
		}
		w, err := ParseVersion(v.String())
		if err != nil || w.String() != v.String() {
			t.Fatalf("%q is %q, which reads as %q, %v", s, v, w, err)
		}
		if v.Compare(w) != 0 || v.IsPrerelease() != w.IsPrerelease() || v.Local() != w.Local() {
			t.Fatalf("%q and its normalised form %q differ", s, v)
		}
		public := mustVersion(t, v.Public())
		if (v.Compare(public) == 0) != (v.Local() == "") || v.Compare(public) < 0 {
			t.Fatalf("%q is not ordered behind %q", v, public)
		}
	})
}

func FuzzVersionCompareIsAnOrder(f *testing.F) {
	for i := 2; i < len(ordered); i++ {
		f.Add(ordered[i-2][0], ordered[i-1][0], ordered[i][0])
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		vs := make([]Version, 3)
		for i, s := range []string{a, b, c} {
			var err error
			if vs[i], err = ParseVersion(s); err != nil {
				return
			}
		}
		for _, x := range vs {
			for _, y := range vs {
				if x.Compare(y) != -y.Compare(x) {
					t.Fatalf("%s and %s: not antisymmetric", x, y)
				}
				for _, z := range vs {
					if x.Compare(y) <= 0 && y.Compare(z) <= 0 && x.Compare(z) > 0 {
						t.Fatalf("%s <= %s <= %s but not %s <= %s", x, y, z, x, z)
					}
				}
			}
		}
	})
}

func BenchmarkParseVersion(b *testing.B) {
	texts := []string{"2.32.3", "1.0", "2025.7.14", "3.14.0rc1", "2.6.0+cpu", "1.0.post1", "V1.0-Alpha.1"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := ParseVersion(texts[i%len(texts)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVersionCompare(b *testing.B) {
	var vs []Version
	for _, line := range ordered {
		vs = append(vs, mustVersion(b, line[0]))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		vs[i%len(vs)].Compare(vs[(i+1)%len(vs)])
	}
}

func TestALockMayLeaveOutTheLocalPartOfAVersion(t *testing.T) {
	for _, test := range []struct {
		found, locked string
		want          bool
	}{
		{"1.0", "1.0.0", true}, {"2.5.0+cpu", "2.5.0", true}, {"2.5.0", "2.5.0+cpu", false}, {"2.5.0+cpu", "2.5.0+cu121", false},
		{"1.0rc1", "1.0", false}, {"1.1", "1.0", false}, {"x", "x", false},
	} {
		if got := SameVersion(test.found, test.locked); got != test.want {
			t.Errorf("%s of a lock with %s: %t", test.found, test.locked, got)
		}
	}
}
