//go:build differential

package elf

import (
	"debug/elf"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryLibraryOfTheHostIsReadAsByDebugELF compares with Go's own reader, which goes by section headers.
func TestEveryLibraryOfTheHostIsReadAsByDebugELF(t *testing.T) {
	n := 0
	for _, dir := range []string{"/usr/lib", "/usr/bin", "/usr/local/lib"} {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || n >= 4000 {
				return nil //nolint:nilerr // what cannot be read is not compared
			}
			f, err := os.Open(name)
			if err != nil {
				return nil //nolint:nilerr
			}
			defer f.Close()
			got, err := Read(f)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got == nil {
				return nil
			}
			n++
			compare(t, name, f, got)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < 200 {
		t.Errorf("only %d files were compared", n)
	}
	t.Logf("%d files are read alike", n)
}

func compare(t *testing.T, name string, f *os.File, got *Object) {
	t.Helper()
	theirs, err := elf.NewFile(f)
	if err != nil {
		t.Errorf("%s: debug/elf: %v", name, err)
		return
	}
	if theirs.SectionByType(elf.SHT_DYNAMIC) == nil {
		return
	}
	strings := func(tag elf.DynTag) []string {
		list, err := theirs.DynString(tag)
		if err != nil {
			t.Errorf("%s: debug/elf: %v", name, err)
		}
		return list
	}
	check := func(what string, got, want []string) {
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s is %q, debug/elf says %q", name, what, got, want)
		}
	}
	check("needed", got.Needed, strings(elf.DT_NEEDED))
	check("soname", one(got.Soname), strings(elf.DT_SONAME))
	check("runpath", got.RunPath, directories(strings(elf.DT_RUNPATH)))
	check("rpath", got.RPath, directories(strings(elf.DT_RPATH)))
	needs, err := theirs.DynamicVersionNeeds()
	if err != nil && !missing(err) {
		t.Errorf("%s: debug/elf: %v", name, err)
	}
	var want []string
	for _, n := range needs {
		for _, v := range n.Needs {
			if v.Flags&elf.VER_FLG_WEAK == 0 {
				want = append(want, n.Name+" "+v.Dep)
			}
		}
	}
	var have []string
	for _, n := range got.Needs {
		have = append(have, n.Library+" "+n.Version)
	}
	check("needed versions", have, want)
	versions, err := theirs.DynamicVersions()
	if err != nil && !missing(err) {
		t.Errorf("%s: debug/elf: %v", name, err)
	}
	want = nil
	for _, v := range versions {
		if v.Flags&elf.VER_FLG_BASE == 0 {
			want = append(want, v.Name)
		}
	}
	check("defined versions", got.Defines, want)
}

// missing says that debug/elf failed because the file has no versions.
func missing(err error) bool { return strings.Contains(err.Error(), "missing version table") }

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func directories(list []string) (out []string) {
	for _, s := range list {
		for _, dir := range strings.Split(s, ":") {
			if dir != "" {
				out = append(out, dir)
			}
		}
	}
	return out
}
