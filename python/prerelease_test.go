package python

import (
	"strings"
	"testing"
)

func TestFilterAdmitsPrereleasesAsAsked(t *testing.T) {
	for _, c := range []struct{ specs, versions, ifNeeded, allowed, excluded string }{
		{"", "1.0 2.0rc1", "1.0", "1.0 2.0rc1", "1.0"},
		{"", "1.0.dev1 2.0rc1", "1.0.dev1 2.0rc1", "1.0.dev1 2.0rc1", ""},
		{">=1.5", "1.0 2.0rc1 1.9b1", "2.0rc1 1.9b1", "2.0rc1 1.9b1", ""},
		{">=1.5", "2.0rc1 2.0 1.9b1", "2.0", "2.0rc1 2.0 1.9b1", "2.0"},
		{">=1.5b1", "2.0rc1 2.0 1.0", "2.0rc1 2.0", "2.0rc1 2.0", "2.0"},
		{"!=1.5b1", "2.0rc1 2.0 1.5b1", "2.0", "2.0rc1 2.0", "2.0"},
		{"==1.5.*", "1.5b1 1.5", "1.5", "1.5b1 1.5", "1.5"},
		{"===1.5B1", "1.5b1 1.5", "1.5b1", "1.5b1", ""},
		{"===foo", "1.5b1 1.5", "", "", ""},
		{">=1.0,<2.0.dev1", "1.5a1 1.6", "1.5a1 1.6", "1.5a1 1.6", "1.6"},
		{"<1.0", "1.0rc1 1.0", "", "", ""},
	} {
		s, err := ParseSpecifiers(c.specs)
		if err != nil {
			t.Fatal(err)
		}
		var versions []Version
		for v := range strings.FieldsSeq(c.versions) {
			versions = append(versions, mustVersion(t, v))
		}
		for p, want := range map[Prereleases]string{
			PrereleasesIfNeeded: c.ifNeeded, PrereleasesAllowed: c.allowed, PrereleasesExcluded: c.excluded,
		} {
			var kept []string
			for _, v := range s.Filter(versions, p) {
				kept = append(kept, v.String())
			}
			if got := strings.Join(kept, " "); got != want {
				t.Errorf("%q of %s, %d: %q, want %q", c.specs, c.versions, p, got, want)
			}
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add(">=1.0,<2", "1.5a1", "1.6", "2.0")
	f.Add("!=1.0rc1,===1.5A1", "1.5a1", "1.0rc1", "1.5")
	f.Fuzz(func(t *testing.T, specs, a, b, c string) {
		s, err := ParseSpecifiers(specs)
		if err != nil {
			return
		}
		var versions []Version
		for _, text := range []string{a, b, c} {
			if v, err := ParseVersion(text); err == nil {
				versions = append(versions, v)
			}
		}
		allowed, final := s.Filter(versions, PrereleasesAllowed), s.Filter(versions, PrereleasesExcluded)
		kept := s.Filter(versions, PrereleasesIfNeeded)
		if len(kept) != len(allowed) && len(kept) != len(final) || len(final) > len(kept) || len(kept) == 0 && len(allowed) > 0 {
			t.Fatalf("%q keeps %v of %v, all %v, final %v", specs, kept, versions, allowed, final)
		}
		for _, v := range allowed {
			if !s.Contains(v, true) {
				t.Fatalf("%q keeps %s, which it does not contain", specs, v)
			}
		}
		for _, v := range final {
			if v.IsPrerelease() || !s.Contains(v, false) {
				t.Fatalf("%q keeps %s, which it does not contain", specs, v)
			}
		}
	})
}
