package distro

import (
	"slices"
	"strings"
	"testing"
)

// trixieNames are some packages of a Debian.
var trixieNames = strings.Fields(`bmagic build-essential default-libmysqlclient-dev default-mysql-client ffmpeg g++ gcc libc6-dev libcairo2 libcairo2-dev
	libcue2 libffi-dev libffi8 libgl1 libgl1-mesa-dev libglib2.0-0t64 libglib2.0-dev libicu-dev libicu76 libjpeg-dev libjte2 libmagic-dev libmagic1t64
	libmariadb-dev libmariadb3 libopenblas-dev libpq-dev libpq5 libpython3.13 libssl-dev libssl3t64 libvips42t64 libxml2-dev libxml2 libxmlsec1t64 libxslt1-dev
	linux-libc-dev mariadb-client pkgconf postgresql postgresql-17 postgresql-client python3 python3-dev python3.13 xml2 zlib1g zlib1g-dev`)

func TestNearestNamesAreOfTheSameThingThenOfTheSameStemThenSimilar(t *testing.T) {
	for _, tt := range []struct{ word, want string }{
		{"libpq", "libpq5 libpq-dev"},
		{"libpq4", "libpq5 libpq-dev"},
		{"libpq5-dev", "libpq-dev libpq5"},
		{"pq", "libpq5 libpq-dev"},
		{"postgresql-devel", "libpq-dev"},
		{"build-base", "build-essential"},
		{"mysql-dev", "default-libmysqlclient-dev libmariadb-dev"},
		{"mysql-client", "default-mysql-client mariadb-client"},
		{"libglib2.0-0", "libglib2.0-0t64 libglib2.0-dev"},
		{"libicu72", "libicu76 libicu-dev"},
		{"libmagic", "libmagic1t64 libmagic-dev"},
		{"libgl1-mesa-glx", "libgl1"},
		{"libssl1.1", "libssl3t64 libssl-dev"},
		{"libffi-devel", "libffi-dev libffi8"},
		{"ffmepg", "ffmpeg"},
		{"FFmpeg", "ffmpeg"},
		{"gcc-c++", "g++"},
		{"python3.1", "python3 python3.13 libpython3.13"},
		{"python_dev", "python3-dev"},
		{"libjpg", ""},
		{"nothing-like-it", ""},
		{"x", ""},
	} {
		if got := strings.Join(near(tt.word, trixieNames), " "); got != tt.want {
			t.Errorf("near %q is %q, want %q", tt.word, got, tt.want)
		}
	}
}

func FuzzNear(f *testing.F) {
	f.Add("libpq", "libpq5 libpq-dev")
	f.Add("", "-dev lib t64 0")
	f.Add("größe-dev", "\xff libgrosse1")
	f.Fuzz(func(t *testing.T, word, list string) {
		known := newNames(strings.Fields(list))
		got := near(word, known)
		if len(got) > mostNear {
			t.Errorf("%d names are near %q", len(got), word)
		}
		for i, name := range got {
			if !known.has(name) || slices.Contains(got[:i], name) {
				t.Errorf("near %q is %q", word, got)
			}
		}
		backwards := slices.Clone([]string(known))
		slices.Reverse(backwards)
		if other := near(word, backwards); !slices.Equal(other, got) {
			t.Errorf("near %q is %q or %q, as the names are ordered", word, got, other)
		}
		for _, w := range []Want{{Header, word}, {Soname, word}, {Library, word}, {Program, word}} {
			for _, name := range slices.Concat(known.guess(w), known.usual(w)) {
				if !known.has(name) {
					t.Errorf("guessed %q for %v, which there is not", name, w)
				}
			}
		}
	})
}
