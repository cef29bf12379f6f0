package distro

import (
	"cmp"
	"slices"
	"strings"
)

// mostNear is how many names a message proposes for one that is unknown.
const mostNear = 3

// families are the names that one thing has in several distributions, or had in former releases of one. Of an unknown name the
// others of its family are proposed that the image's own distribution has.
var families = [][]string{
	{"build-essential", "build-base", "base-devel"},
	{"default-libmysqlclient-dev", "libmariadb-dev", "libmysqlclient-dev", "mariadb-dev", "mysql-dev", "mysql-devel", "mariadb-devel", "mariadb-connector-c-dev"},
	{"default-mysql-client", "mariadb-client", "mysql-client"},
	{"fonts-dejavu", "font-dejavu", "ttf-dejavu"},
	{"g++", "gcc-c++"},
	{"libc6-dev", "musl-dev", "glibc-devel"},
	{"libcurl4-openssl-dev", "libcurl-dev", "libcurl-devel", "curl-dev"},
	{"libgdk-pixbuf-2.0-0", "libgdk-pixbuf2.0-0", "gdk-pixbuf"},
	{"libgl1", "libgl1-mesa-glx", "mesa-gl", "mesa-libGL"},
	{"libjpeg-dev", "libjpeg-turbo-dev", "jpeg-dev", "libjpeg62-turbo-dev"},
	{"libldap-dev", "libldap2-dev", "openldap-dev"},
	{"libncurses-dev", "libncurses5-dev", "libncursesw5-dev", "ncurses-dev"},
	{"libpq-dev", "postgresql-dev", "postgresql-devel", "libpq-devel"},
	{"libssl-dev", "openssl-dev", "openssl-devel"},
	{"libxml2-dev", "libxml2-devel"},
	{"libxslt1-dev", "libxslt-dev", "libxslt-devel"},
	{"pkgconf", "pkg-config", "pkgconfig"},
	{"postgresql-client", "postgresql"},
	{"python3-dev", "python-dev", "python3-devel"},
	{"zlib1g-dev", "zlib-dev", "zlib-devel"},
}

// near returns the known names that a person who wrote word most likely meant, likeliest first: other names of the same thing, or else
// those with the same stem, which differ in the number of a library's ABI or in being for development. Where there is none, it
// returns the names with the fewest differences in spelling.
func near(word string, known []string) []string {
	word = strings.ToLower(strings.ReplaceAll(word, "_", "-"))
	const sameStem, spelled = 100, 200 // after the places of a family
	type candidate struct {
		name string
		rank int
	}
	var list []candidate
	family := familyOf(word)
	want := parseStem(word)
	letters := []rune(word)
	most := min(3, (len(letters)-1)/2)
	if len(letters) < 8 {
		most = min(most, 2)
	}
	for _, name := range known {
		rank := -1
		switch s := parseStem(name); {
		case slices.Contains(family, name):
			rank = slices.Index(family, name)
		case s.stem == want.stem && s.dev == want.dev:
			rank = sameStem
		case s.stem == want.stem && s.stem != "":
			rank = sameStem + 1
		default:
			other := []rune(name)
			if abs(len(other)-len(letters)) > most || strings.HasSuffix(name, "-dbgsym") {
				continue
			}
			if d := distance(letters, other); d <= most {
				rank = spelled + d
			}
		}
		if rank >= 0 {
			list = append(list, candidate{name, rank})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range list {
		if list[0].rank < sameStem && c.rank >= sameStem || c.rank > spelled && c.rank > list[0].rank {
			break
		}
		if len(names) < mostNear && !slices.Contains(names, c.name) {
			names = append(names, c.name)
		}
	}
	return names
}

// familyOf returns the other names of a thing.
func familyOf(word string) []string {
	for _, family := range families {
		if slices.Contains(family, word) {
			return family
		}
	}
	return nil
}

// stem is a package's name without what differs between the packages of one library: "lib", the number of its ABI with the t64 that
// Debian gave it for 64-bit times, and the ending of a development package.
type stem struct {
	stem string
	dev  bool
}

func parseStem(name string) stem {
	var s stem
	for _, suffix := range []string{"-dev", "-devel"} {
		if cut, ok := strings.CutSuffix(name, suffix); ok {
			name, s.dev = cut, true
		}
	}
	name = strings.TrimSuffix(name, "t64")
	name = strings.TrimRight(name, "0123456789.-")
	s.stem = strings.TrimPrefix(name, "lib")
	return s
}

func abs(n int) int { return max(n, -n) }

// distance counts the letters to add, drop, replace or swap with their neighbour (optimal string alignment).
func distance(a, b []rune) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(above[j+1]+1, row[j]+1, above[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
