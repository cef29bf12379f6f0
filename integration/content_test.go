//go:build integration

package integration

import (
	"archive/tar"
	"bufio"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// content is what an image holds.
type content struct {
	files, above []string // paths of files and links, in all layers and in those above the base
	open         []string // paths in the base that everybody may write
	packages     []string // names in the last package database, of dpkg or apk
}

// contentOf reads an image, whose base has a number of layers.
func contentOf(t *testing.T, image string, baseLayers int) content {
	t.Helper()
	layers := layersOf(t, image)
	var c content
	for i, l := range layers {
		blob, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(blob); ; {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			file := path.Clean(h.Name)
			if i < baseLayers && (h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeReg) && h.Mode&0o002 != 0 {
				c.open = append(c.open, "/"+file)
			}
			if h.Typeflag == tar.TypeDir || strings.HasPrefix(path.Base(file), ".wh.") { // what a layer takes away
				continue
			}
			c.files = append(c.files, file)
			if i >= baseLayers {
				c.above = append(c.above, file)
			}
			switch file {
			case "var/lib/dpkg/status":
				c.packages = packagesOf(t, r, "Package: ")
			case "lib/apk/db/installed", "usr/lib/apk/db/installed":
				c.packages = packagesOf(t, r, "P:")
			}
			if dir, _ := path.Split(file); dir == "var/lib/dpkg/status.d/" && !strings.HasSuffix(file, ".md5sums") {
				c.packages = append(c.packages, packagesOf(t, r, "Package: ")...) // distroless
			}
		}
		if err := blob.Close(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(c.open)
	c.open = slices.Compact(c.open)
	return c
}

// packagesOf are the names in a package database, in which each stands behind a key.
func packagesOf(t *testing.T, database io.Reader, key string) []string {
	t.Helper()
	var names []string
	lines := bufio.NewScanner(database)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), key); ok {
			names = append(names, name)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

var (
	// buildProgram is one that builds something.
	buildProgram = `(?:(?:[a-z0-9_]+-linux-(?:gnu|musl)-)?(?:cc|c\+\+|gcc|g\+\+|cpp|as|ld|ld\.bfd|pkg-config|pkgconf)|` +
		`c89|c99|clang|rustc|cargo|maturin|make|cmake|meson|ninja|patchelf|cython|cythonize|dpkg-buildpackage|pg_config|mariadb_config|mysql_config)(?:-[0-9.]+)?`
	// buildPrograms is what builds something, wherever it comes from.
	buildPrograms = regexp.MustCompile(`^(?:usr/)?(?:local/)?s?bin/` + buildProgram + `$|^opt/venv/bin/` + buildProgram + `$|^usr/lib/gcc|^usr/lib/rustlib`)
	// leavings are what package managers and builds leave behind.
	leavings = regexp.MustCompile(`\.(?:whl|deb|apk)$|(?:^|/)\.(?:cache|cargo)/|^var/lib/apt/(?:lists|periodic)/|^var/cache/(?:apt|ldconfig|apk)/|^var/(?:log|tmp)/|^etc/apt/|` +
		`^var/(?:lib/dpkg|cache/debconf)/[a-z.]+-old$|^(?:root|tmp|run)/|/direct_url\.json$`)
	// headers are what a compiler reads. In the tree of the wheels, their authors have put them there.
	headers = regexp.MustCompile(`^usr/(?:local/)?include/|\.(?:h|hpp|pyx|pxd)$|^usr/lib/.*\.pc$|/lib[^/]*\.(?:a|la)$`)
	// devPackage is a package that is only needed to build. Its first part is also in the name of gcc-14-base, which comes with every libgcc.
	devPackage = regexp.MustCompile(`-dev$|-dev-bin$|^(?:gcc|g\+\+|cpp|binutils|rustc|cargo|make|cmake|build-essential|build-base|dpkg-dev|pkgconf|pkg-config)` +
		`(?:-[0-9.]+)?(?:-[a-z0-9]+-[a-z0-9-]*linux-gnu)?$`)
)

// hasNothingOfTheBuilders checks all layers of an image for programs and packages that build, and those above its base for all that is
// left of builds and of package managers.
func (c content) hasNothingOfTheBuilders(t *testing.T, image string) {
	t.Helper()
	if len(c.above) == 0 || len(c.packages) == 0 {
		t.Fatalf("%s has %d files above its base, and %d packages", image, len(c.above), len(c.packages))
	}
	for _, file := range c.files {
		if buildPrograms.MatchString(file) {
			t.Errorf("%s has %s", image, file)
		}
	}
	for _, name := range c.packages {
		if devPackage.MatchString(name) {
			t.Errorf("%s has the package %s", image, name)
		}
	}
	for _, file := range c.above {
		if leavings.MatchString(file) || headers.MatchString(file) && !strings.HasPrefix(file, "opt/venv/lib/python3.13/site-packages/") {
			t.Errorf("%s has %s", image, file)
		}
	}
}

// TestContentIsJudged holds the expressions to paths that they must find, and to some that they must let pass.
func TestContentIsJudged(t *testing.T) {
	for file, found := range map[string]bool{
		"usr/bin/gcc-14": true, "usr/bin/x86_64-linux-gnu-gcc": true, "usr/bin/cc": true, "usr/lib/gcc/x86_64-linux-gnu/14/cc1": true, "opt/venv/bin/cython": true,
		"usr/bin/rustc": true, "usr/local/bin/python3.13": false, "usr/bin/catch": false, "opt/venv/bin/uwsgi": false,
	} {
		if got := buildPrograms.MatchString(file); got != found {
			t.Errorf("%s is of the builders: %t", file, got)
		}
	}
	for file, found := range map[string]bool{
		"usr/include/libpq-fe.h": true, "usr/lib/x86_64-linux-gnu/libpq.a": true, "usr/lib/x86_64-linux-gnu/pkgconfig/libpq.pc": true, "root/.cache/pip/http/1": true,
		"var/lib/apt/lists/lock": true, "var/log/dpkg.log": true, "var/cache/apt/pkgcache.bin": true, "opt/venv/lib/python3.13/site-packages/x.whl": true,
		"var/lib/dpkg/status-old": true, "run/pyfile/out/x": true, "opt/venv/lib/python3.13/site-packages/a-1.dist-info/WHEEL": false,
		"var/lib/dpkg/status": false, "var/cache/fontconfig/a-le64.cache-9": false, "usr/share/pkgconfig/shared-mime-info.pc": false, "usr/lib/x86_64-linux-gnu/libpq.so.5.17": false,
	} {
		if got := leavings.MatchString(file) || headers.MatchString(file); got != found {
			t.Errorf("%s is left of a build: %t", file, got)
		}
	}
	for name, found := range map[string]bool{
		"libpq-dev": true, "gcc": true, "gcc-14": true, "cpp-14-x86-64-linux-gnu": true, "build-essential": true, "gcc-14-base": false, "libgcc-s1": false, "libpq5": false,
	} {
		if got := devPackage.MatchString(name); got != found {
			t.Errorf("the package %s is only needed to build: %t", name, got)
		}
	}
}
