package distro

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOnlyWhatWasAskedForIsLeft does by hand what an installation does to a root.
func TestOnlyWhatWasAskedForIsLeft(t *testing.T) {
	root := t.TempDir()
	old := time.Date(2020, 2, 3, 4, 5, 6, 7, time.UTC)
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"etc/passwd": "root", "etc/passwd-": "roo", "etc/gshadow-": "gone", "etc/machine-id": "", "usr/lib/base.so": "base", "usr/lib/upgraded.so": "1", "usr/lib/moded.so": "1", "usr/bin/removed": "",
		"var/log/dpkg.log": "line\n", "var/log/old.log": "line\n", "var/lib/dpkg/status": "a", "var/lib/dpkg/status-old": "", "var/lib/dpkg/lock": "",
		"var/cache/apt/old.bin": "x", "var/cache/debconf/config.dat": "a", "var/cache/ldconfig/aux-cache": "a", "tmp/base": "", "srv/x": "", "mount/base": "",
	} {
		write(name, text)
	}
	if err := filepath.WalkDir(root, func(file string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chtimes(file, old, old)
	}); err != nil {
		t.Fatal(err)
	}
	s, err := takeSnapshot(root)
	if err != nil {
		t.Fatal(err)
	}
	s.mounts[filepath.Join(root, "mount")] = true
	if s.files, err = s.read(); err != nil {
		t.Fatal(err)
	}

	time.Sleep(20 * time.Millisecond) // a change within one tick of the kernel's clock has the same change time
	for name, text := range map[string]string{
		"etc/passwd": "root user", "etc/passwd-": "root", "etc/group-": "", "etc/machine-id": "0123", "var/lib/dbus/machine-id": "0123", "usr/lib/new.so": "new", "usr/lib/upgraded.so": "2",
		"var/log/dpkg.log": "line\nmore\n", "var/log/new/new.log": "", "var/lib/dpkg/status": "ab", "var/lib/dpkg/status-old": "a", "var/lib/dpkg/lock": "",
		"var/cache/apt/pkgcache.bin": "x", "var/cache/debconf/config.dat": "ab", "var/cache/debconf/config.dat-old": "a", "var/cache/ldconfig/aux-cache": "ab",
		"var/cache/fontconfig/1.cache-9": "", "tmp/left/over": "", "run/adduser": "", "var/lib/apt/lists/x": "", "srv/temporary": "", "mount/other": "",
	} {
		write(name, text)
	}
	for _, err := range []error{
		os.Remove(filepath.Join(root, "srv/temporary")), os.Remove(filepath.Join(root, "usr/bin/removed")), os.Symlink("new.so", filepath.Join(root, "usr/lib/new.so.1")),
		os.Chmod(filepath.Join(root, "usr/lib/moded.so"), 0o755), os.Mkdir(filepath.Join(root, "run/service"), 0o755),
		os.Remove(filepath.Join(root, "etc/gshadow-")), os.Remove(filepath.Join(root, "var/lib/dpkg/status-old")),
		os.Link(filepath.Join(root, "var/lib/dpkg/status"), filepath.Join(root, "var/lib/dpkg/status-old")), // as dpkg makes it
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.tidy(); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := filepath.WalkDir(root, func(file string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(file)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, file)
		when := "changed"
		switch {
		case info.ModTime().Equal(old):
			when = "old"
		case info.ModTime().Equal(epoch):
			when = "epoch"
		}
		text := ""
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			text = fmt.Sprintf(" %q", data)
		}
		got = append(got, name+" "+when+text)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := strings.Split(`. epoch
etc old
etc/gshadow- old "gone"
etc/machine-id old ""
etc/passwd epoch "root user"
etc/passwd- old "roo"
mount changed
mount/base old ""
mount/other changed ""
run epoch
run/service epoch
srv old
srv/x old ""
tmp old
tmp/base old ""
usr old
usr/bin epoch
usr/lib epoch
usr/lib/base.so old "base"
usr/lib/moded.so old "1"
usr/lib/new.so epoch "new"
usr/lib/new.so.1 epoch
usr/lib/upgraded.so epoch "2"
var old
var/cache epoch
var/cache/apt old
var/cache/apt/old.bin old "x"
var/cache/debconf old
var/cache/debconf/config.dat epoch "ab"
var/cache/fontconfig epoch
var/cache/fontconfig/1.cache-9 epoch ""
var/cache/ldconfig old
var/cache/ldconfig/aux-cache old "a"
var/lib epoch
var/lib/apt epoch
var/lib/apt/lists epoch
var/lib/dbus epoch
var/lib/dpkg old
var/lib/dpkg/lock old ""
var/lib/dpkg/status epoch "ab"
var/lib/dpkg/status-old old ""
var/log epoch
var/log/dpkg.log old "line\n"
var/log/new epoch
var/log/old.log old "line\n"`, "\n")
	if !slices.Equal(got, want) {
		t.Errorf("left are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// dpkg makes a backup by a second name of the file, which must not be written through it.
func TestBackupsGetTheirModeBack(t *testing.T) {
	root := t.TempDir()
	backup := filepath.Join(root, "etc/shadow-")
	if err := os.Mkdir(filepath.Dir(backup), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(backup, []byte("root:*"), 0o640); err != nil {
		t.Fatal(err)
	}
	s, err := takeSnapshot(root)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	if err := errors.Join(os.Remove(backup), os.WriteFile(filepath.Join(root, "etc/shadow"), []byte("root:*:user"), 0o600), os.Link(filepath.Join(root, "etc/shadow"), backup)); err != nil {
		t.Fatal(err)
	}
	if err := s.tidy(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"etc/shadow-": "-rw-r----- root:*", "etc/shadow": "-rw------- root:*:user"} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if got := fmt.Sprint(info.Mode(), " ", string(data)); err != nil || got != want {
			t.Errorf("%s is %q, %v, not %q", name, got, err, want)
		}
	}
}

// The time that making a mount point gave to a directory is that of the build.
func TestDirectoriesAboveMountPointsHaveNoTimeOfTheBuild(t *testing.T) {
	root := t.TempDir()
	old := time.Date(2020, 2, 3, 4, 5, 6, 7, time.UTC)
	for _, dir := range []string{"proc", "run/other", "run/pyfile/lists", "srv/data"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"proc", "run/other", "srv"} { // as the base has them
		if err := os.Chtimes(filepath.Join(root, dir), old, old); err != nil {
			t.Fatal(err)
		}
	}
	s := &snapshot{root: root, mounts: map[string]bool{"/": true, "/elsewhere/x": true}}
	for _, dir := range []string{"proc", "run/pyfile/lists", "srv/data"} {
		s.mounts[filepath.Join(root, dir)] = true
	}
	var err error
	if s.files, err = s.read(); err != nil {
		t.Fatal(err)
	}
	s.forgetMountTimes()
	if err := s.tidy(); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]time.Time{"run": epoch, "run/pyfile": epoch, "run/other": old, "srv": old, "proc": old} {
		info, err := os.Stat(filepath.Join(root, dir))
		if err != nil || !info.ModTime().Equal(want) {
			t.Errorf("%s is dated %v, %v, not %v", dir, info.ModTime(), err, want)
		}
	}
}

func TestMountsAreReadWithTheirEscapes(t *testing.T) {
	got := parseMounts("22 1 0:21 / / rw - overlay overlay rw\n23 22 0:22 / /run/my\\040dir\\134x rw - tmpfs tmpfs rw\nshort\n")
	if len(got) != 2 || !got["/"] || !got[`/run/my dir\x`] {
		t.Errorf("mounts are %v", got)
	}
}
