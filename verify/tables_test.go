package verify

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/python"
)

func TestTheTablesAreSound(t *testing.T) {
	programs := map[string]bool{}
	for _, u := range starts() {
		for _, name := range u.names {
			programs[name] = true
		}
	}
	seen := map[string]bool{}
	for line := range strings.Lines(packageTable) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0][0] == '#' {
			continue
		}
		if len(fields) != 4 && len(fields) != 5 || seen[fields[0]] || !objectName.MatchString(fields[0]) && !programs[fields[0]] {
			t.Errorf("packages.txt: %q is twice or has another form", strings.TrimSpace(line))
		}
		seen[fields[0]] = true
		if fields[1] == "-" && fields[2] == "-" && fields[3] == "-" && len(fields) == 4 {
			t.Errorf("packages.txt: %q tells nothing", strings.TrimSpace(line))
		}
	}
	if len(rows()) != len(seen) {
		t.Errorf("packages.txt has %d lines, of which %d are read", len(seen), len(rows()))
	}
	debian12, debian13 := &System{ID: "debian", VersionID: "12", Database: "dpkg"}, &System{ID: "debian", VersionID: "13", Database: "dpkg"}
	ubuntu, alpine := &System{ID: "ubuntu", VersionID: "24.04", Database: "dpkg"}, &System{ID: "alpine", Database: "apk"}
	for name, table := range map[string]struct {
		text    string
		uses    []use
		systems []*System // on which a package is known for every line
	}{
		"dlopen.txt":   {dlopenTable, openings(), []*System{debian12, debian13, ubuntu, alpine}},
		"programs.txt": {programTable, starts(), []*System{debian12}},
	} {
		lines := map[string]bool{}
		for _, u := range table.uses {
			lines[u.distribution+": "+strings.Join(u.names, " ")] = true
			if u.distribution != python.NormalizeName(u.distribution) || len(u.names) == 0 {
				t.Errorf("%s: %+v", name, u)
			}
			for _, other := range u.unless {
				if other != python.NormalizeName(other) {
					t.Errorf("%s: %+v", name, u)
				}
			}
			for _, s := range table.systems {
				if !slices.ContainsFunc(u.names, func(name string) bool { return tablePackage(s, name) != "" }) {
					t.Errorf("%s: no package of %s %s is known for %s", name, s.ID, s.VersionID, u.distribution)
				}
			}
		}
		want := strings.Count(table.text, "\n") - strings.Count(table.text, "#") - strings.Count(table.text, "\n\n")
		if len(table.uses) != want || len(lines) != want {
			t.Errorf("%s has %d lines, of which %d are read and %d differ", name, want, len(table.uses), len(lines))
		}
	}
}

func TestPackagesHaveTheNamesOfTheRelease(t *testing.T) {
	for _, tt := range []struct {
		system System
		want   string
	}{
		{System{ID: "debian", VersionID: "12", Database: "dpkg"}, "libglib2.0-0"},
		{System{ID: "debian", VersionID: "13", Database: "dpkg"}, "libglib2.0-0t64"},
		{System{ID: "debian", Database: "dpkg"}, "libglib2.0-0t64"}, // testing and sid have no number
		{System{ID: "ubuntu", VersionID: "22.04", Database: "dpkg"}, "libglib2.0-0"},
		{System{ID: "ubuntu", VersionID: "24.04", Database: "dpkg"}, "libglib2.0-0t64"},
		{System{ID: "kali", VersionID: "2025.1", Database: "dpkg", Libraries: []Library{{Path: "/lib/x.so", Package: "libssl3t64"}}}, "libglib2.0-0t64"},
		{System{ID: "devuan", VersionID: "5", Database: "dpkg"}, "libglib2.0-0"},
		{System{ID: "alpine", VersionID: "3.22.1", Database: "apk"}, "glib"},
		{System{ID: "fedora", VersionID: "42"}, ""},
	} {
		if got := (packages{system: &tt.system}).of("libglib-2.0.so.0"); got != tt.want {
			t.Errorf("%s %s: got %q, want %q", tt.system.ID, tt.system.VersionID, got, tt.want)
		}
	}
}
