//go:build differential

package distro

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPackagesAndOwnersAreThoseOfDpkg reads the database of the machine, which the lab needs to be a Debian.
func TestPackagesAndOwnersAreThoseOfDpkg(t *testing.T) {
	db := open(t, os.DirFS("/"))
	out, err := exec.Command("dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package}\n").Output()
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for line := range strings.Lines(string(out)) {
		if status, rest, _ := strings.Cut(strings.TrimSpace(line), " "); status != "not-installed" && status != "config-files" {
			want = append(want, rest)
		}
	}
	for _, p := range db.Packages() {
		got = append(got, fmt.Sprintf("%s %s %s %s", p.Name, p.Version, p.Arch, p.Source))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%d packages are read, dpkg has %d", len(got), len(want))
	}

	var files []string
	for _, dir := range []string{"/etc", "/usr/bin", "/usr/sbin", "/usr/include", "/usr/lib"} {
		if err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && !strings.ContainsAny(file, "*?[\\\n") { // which dpkg-query takes for patterns
				files = append(files, file)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	compared := 0
	for part := range slices.Chunk(files, 500) {
		var found bytes.Buffer
		cmd := exec.Command("dpkg-query", append([]string{"--search", "--"}, part...)...)
		cmd.Stdout, cmd.Env = &found, append(os.Environ(), "LC_ALL=C")
		_ = cmd.Run() // it fails when one of the files has no owner
		for line := range strings.Lines(found.String()) {
			owners, file, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
			if strings.HasPrefix(owners, "diversion by") || strings.HasPrefix(owners, "local diversion") {
				continue
			}
			var names []string
			for _, owner := range strings.Split(owners, ", ") {
				name, _, _ := strings.Cut(owner, ":")
				names = append(names, name)
			}
			compared++
			if owner, ok := db.Owner(file); !ok || !slices.Contains(names, owner) {
				t.Errorf("the owner of %s is %q; dpkg says %q", file, owner, owners)
			}
		}
	}
	if compared < 1000 {
		t.Errorf("only %d files were compared", compared)
	}
	t.Logf("%d packages, %d files", len(got), compared)
}
