package python

import (
	"strings"
	"testing"
)

func TestSpecifiersContain(t *testing.T) {
	for _, c := range []struct{ spec, in, out string }{
		{"", "0.dev0 1 2!1 1+x", ""},
		{"==1.1", "1.1 1.1.0 1.1+local", "1.1.dev1 1.1a1 1.1.post1 1.1.1"},
		{"==1.1+local.1", "1.1+local.1 1.1+LOCAL-1", "1.1 1.1+local.2 1.1+local"},
		{"==1.1.*", "1.1 1.1.5 1.1a1 1.1.dev1 1.1.post1 1.1+x", "1.2 1 1.10 1!1.1"},
		{"==1.0.*", "1 1.0 1.0.7", "1.1 0.9"},
		{"==1!1.*", "1!1.3", "1.3"},
		{"!=1.1", "1.1.post1 1.1a1 1.0", "1.1 1.1.0 1.1+local"},
		{"!=1.1.*", "1.2 1.0", "1.1 1.1.2 1.1a1"},
		{"!=1.1+local", "1.1", "1.1+local"},
		{"~=2.2", "2.2 2.3 2.2.post3 2.99", "3.0 2.1 2.2a1 3.0.dev1 2.2.dev0"},
		{"~=1.4.5", "1.4.5 1.4.9", "1.5 1.4.4 1.5.dev0"},
		{"~=2.2.0", "2.2 2.2.5", "2.3"},
		{"~=2.2.post3", "2.2.post3 2.3", "2.2 3.0"},
		{"~=1.4.5a4", "1.4.5a4 1.4.5 1.4.6", "1.4.5a3 1.5"},
		{">=3.13", "3.13 3.13.0 3.13+x 3.13.post1 3.14a1", "3.13rc1 3.12.99"},
		{"<=3.13", "3.13 3.13+x 3.13rc1", "3.13.post1 3.13.1"},
		{"<3.13", "3.12.99 3.12.post1", "3.13 3.13.0rc1 3.13.dev0 3.13.0a1 3.13+x"},
		{"<3.13rc1", "3.13b1 3.13rc1.dev1", "3.13rc1 3.13"},
		{"<1.0.post1", "1.0 1.0.post0", "1.0.post1 1.0.post1.dev0"},
		{">1.0", "1.1 1.0.1 1.1.dev0", "1.0 1.0.post1 1.0+local 1.0.post1+x 1.0.post1.dev0 1.0rc1"},
		{">1.0.post1", "1.0.post2 1.1", "1.0.post1 1.0 1.0.post1+x"},
		{">1.0a1", "1.0a2 1.0", "1.0a1 1.0a1.post1 1.0a1+x"},
		{">1.0.dev1", "1.0.dev2 1.0", "1.0.dev1 1.0.dev1+x"},
		{"===1.0", "1.0", "1.0.0 1 1.0+x"},
		{"===1.0RC1", "1.0rc1", "1.0"},
		{"===1.0.po\u017ft1,===1.0.post1", "", "1.0.post1"}, // the long s is another letter
		{">=3.9, !=3.10.*, <4", "3.9 3.11 3.99", "3.10 3.10.4 4 4.0.dev1 3.8"},
		{" >= v3.9 ,, ", "3.9", "3.8"},
		{"<0", "", "0 0.dev0 0a1"},
	} {
		s, err := ParseSpecifiers(c.spec)
		if err != nil {
			t.Error(err)
			continue
		}
		for v := range strings.FieldsSeq(c.in) {
			if !s.Contains(mustVersion(t, v), true) {
				t.Errorf("%q does not contain %s", c.spec, v)
			}
		}
		for v := range strings.FieldsSeq(c.out) {
			if s.Contains(mustVersion(t, v), true) {
				t.Errorf("%q contains %s", c.spec, v)
			}
		}
	}
}

func TestSpecifiersWithoutPrereleasesContainNone(t *testing.T) {
	for _, spec := range []string{"", ">=1.0", ">=1.0a1", "==1.0a2"} {
		s, err := ParseSpecifiers(spec)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []string{"1.0a2", "1.0.dev1", "1.0.post1.dev1"} {
			if s.Contains(mustVersion(t, v), false) {
				t.Errorf("%q contains the pre-release %s", spec, v)
			}
		}
	}
}

func TestZeroSpecifiersContainEverything(t *testing.T) {
	var s Specifiers
	if !s.Contains(mustVersion(t, "1.0rc1+x"), true) || !s.Contains(mustVersion(t, "1"), false) || s.String() != "" {
		t.Errorf("zero Specifiers %q do not contain everything", s)
	}
}

func TestSpecifiersStringKeepsTheOrder(t *testing.T) {
	s, err := ParseSpecifiers(" >= 1.0 , != 1.3.* ,=== foo,<2")
	if err != nil || s.String() != ">=1.0,!=1.3.*,===foo,<2" {
		t.Errorf("%q, %v", s, err)
	}
}

func TestParseSpecifiersRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"1.0", `specifier "1.0" must start with ~=, ==, !=, <=, >=, <, > or ===`},
		{"=1.0", `specifier "=1.0" must start with`},
		{"<>1.0", `specifier "<>1.0": ">1.0" is not a version`},
		{"^1.0", `specifier "^1.0" must start with`},
		{">=1.0.*", `specifier ">=1.0.*" must not end in .*, only == and != may`},
		{"~=1", `specifier "~=1" must have at least two numbers, like ~=1.0`},
		{"==1.0a1.*", `specifier "==1.0a1.*" must have only numbers before .*`},
		{"==1.0+x.*", `specifier "==1.0+x.*" must have only numbers before .*`},
		{"==1.0 .*", `specifier "==1.0 .*" must have only numbers before .*`},
		{">1.0+x", `specifier ">1.0+x" must not have a local version (+x), only == and != may`},
		{">=", `specifier ">=": "" is not a version, want one like 1.2.3 or 2.0rc1`},
		{">=1.0;", `specifier ">=1.0;": "1.0;" is not a version`},
		{"===a b", `specifier "===a b" must not hold white space, ";" or ")" behind ===`},
		{">=1.0,foo", `specifier "foo" must start with`},
	} {
		_, err := ParseSpecifiers(c.in)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("ParseSpecifiers(%q): %v; want %s", c.in, err, c.want)
		}
	}
}

func FuzzSpecifiers(f *testing.F) {
	for _, s := range []string{">=3.9,!=3.10.*,<4", "~=1.4.5a4", "===x,==1!1.0+l", " > 1.0.post1 , <= V2"} {
		f.Add(s, "3.10.1")
		f.Add(s, "1.0.post2.dev1+x")
	}
	f.Fuzz(func(t *testing.T, s, version string) {
		a, err := ParseSpecifiers(s)
		if err != nil {
			return
		}
		b, err := ParseSpecifiers(a.String())
		if err != nil || a.String() != b.String() {
			t.Fatalf("%q is %q, which reads as %q, %v", s, a, b, err)
		}
		v, err := ParseVersion(version)
		if err != nil {
			return
		}
		if a.Contains(v, true) != b.Contains(v, true) {
			t.Fatalf("%q and %q differ about %s", s, a, v)
		}
		if a.Contains(v, false) && !a.Contains(v, true) {
			t.Fatalf("%q contains %s only without pre-releases", s, v)
		}
		for i := range a.list {
			spec := a.list[i]
			if spec.op == equal || spec.op == notEqual {
				opposite := spec
				opposite.op = equal + notEqual - spec.op
				if spec.matches(v) == opposite.matches(v) {
					t.Fatalf("%s%s and its opposite agree about %s", spec.op, spec.text, v)
				}
			}
		}
	})
}
