package diagnosis

import (
	"regexp"
	"strings"
	"testing"
)

func TestListOfPackagesIsWellFormed(t *testing.T) {
	want := regexp.MustCompile(`^(program|header|library|pkgconfig|cmake):\S+$`)
	name := regexp.MustCompile(`^[a-z0-9][a-z0-9.+_-]+$`)
	seen := map[string]int{}
	n := 0
	for l := range strings.Lines(packagesFile) {
		n++
		l, _, _ = strings.Cut(strings.TrimSpace(l), "#")
		if l == "" {
			continue
		}
		fields := strings.Split(l, "|")
		if len(fields) != 3 {
			t.Errorf("line %d has %d fields", n, len(fields))
			continue
		}
		for _, w := range strings.Fields(fields[0]) {
			if !want.MatchString(w) {
				t.Errorf("line %d: %q is no want", n, w)
			}
			if seen[w] != 0 {
				t.Errorf("line %d: %s stands on line %d too", n, w, seen[w])
			}
			seen[w] = n
		}
		for _, p := range strings.Fields(fields[1] + " " + fields[2]) {
			if p != "-" && !name.MatchString(p) {
				t.Errorf("line %d: %q is no package", n, p)
			}
		}
	}
	if len(provisions()) != len(seen) || len(seen) < 300 {
		t.Errorf("%d wants are known of %d", len(provisions()), len(seen))
	}
}

func TestPackagesOfSeveralWantsAreAllOrNone(t *testing.T) {
	for _, test := range []struct{ wants, distribution, packages string }{
		{"header:libpq-fe.h", "debian", "libpq-dev"},
		{"pkgconfig:mysqlclient program:pkg-config", "debian", "default-libmysqlclient-dev pkg-config"},
		{"pkgconfig:mysqlclient program:pkg-config", "alpine", "mariadb-connector-c-dev pkgconf"},
		{"pkgconfig:cairo program:pkg-config", "ubuntu", "libcairo2-dev pkg-config"},
		{"header:libpq-fe.h header:unheard-of.h", "debian", ""},
		{"header:systemd/sd-daemon.h", "alpine", ""},
	} {
		if got := strings.Join(packagesFor(strings.Fields(test.wants), test.distribution), " "); got != test.packages {
			t.Errorf("%s on %s: %q", test.wants, test.distribution, got)
		}
	}
}
