package python

import (
	"strings"
	"testing"
)

func TestNormalizeName(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"requests", "requests"},
		{"Django", "django"},
		{"zope.interface", "zope-interface"},
		{"Foo__Bar.-._baz", "foo-bar-baz"},
		{"a--b", "a-b"},
		{"-a_", "-a-"},
	} {
		if got := NormalizeName(c.in); got != c.want {
			t.Errorf("NormalizeName(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "A9": true, "zope.interface": true, "a_-.b": true, "3to2": true,
		"": false, "_a": false, "a-": false, ".a": false, "a b": false, "é": false, "a/b": false, "a\n": false,
	} {
		if ValidName(name) != want {
			t.Errorf("ValidName(%q) = %v", name, !want)
		}
	}
}

func FuzzNormalizeName(f *testing.F) {
	f.Add("Foo__Bar.-._baz")
	f.Add("requests")
	f.Fuzz(func(t *testing.T, name string) {
		n := NormalizeName(name)
		if NormalizeName(n) != n {
			t.Fatalf("%q normalises to %q and that to %q", name, n, NormalizeName(n))
		}
		if strings.ContainsAny(n, "_.ABCDEFGHIJKLMNOPQRSTUVWXYZ") || strings.Contains(n, "--") {
			t.Fatalf("%q normalises to %q", name, n)
		}
		if ValidName(name) != ValidName(n) {
			t.Fatalf("%q and %q: one is valid only", name, n)
		}
	})
}
