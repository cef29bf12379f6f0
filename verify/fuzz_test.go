package verify

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/elf"
	"github.com/org/pyfile/facts"
)

// FuzzCheck judges any facts on any system.
func FuzzCheck(f *testing.F) {
	system := text(f, describe(f, debian()))
	var b strings.Builder
	magic := with(project("python-magic", "1", true, "x/y a", "x b"), "x.so", elf.Object{Needed: []string{"libpulse.so.0", "libgone.so"}, RunPath: []string{"$ORIGIN"}, Needs: []elf.Need{{Library: "libc.so.6", Version: "GLIBC_9.9"}}})
	magic.Requires = []string{"a>=1; python_version > '3'"}
	if err := group(magic, project("pydub", "1", false), project("b", "2", false, "x/y b")).Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(system, b.String(), "lib*")
	f.Add(`{"libc":"musl","directories":["/lib"],"libraries":[{"path":"/lib/a.so","links":["/lib/b.so"],"kind":"shared","machine":"x86_64","class":64,"needed":["b.so","c.so"]}]}`, b.String(), "/opt/*")
	f.Add(`{"id":"debian","version-id":"13","database":"dpkg","directories":[],"libraries":[],"programs":[]}`, b.String(), "ff*")
	f.Add(`{"directories":[],"libraries":[],"programs":["avconv"]}`, b.String(), "ffmpeg")
	f.Fuzz(func(t *testing.T, system, installed, ignore string) {
		s, err := ReadSystem([]byte(system))
		if err != nil {
			return
		}
		list, err := facts.Read([]byte(installed))
		if err != nil {
			return
		}
		o := Options{System: s, Python: mustVersion("3.13.5"), Machine: "x86_64", Facts: []*facts.Facts{list, list}, Ignore: []string{ignore}}
		r, err := Check(o)
		if err != nil {
			if _, bad := parseIgnores(o.Ignore); bad == nil {
				t.Fatal(err)
			}
			return
		}
		for _, f := range r.Findings {
			if f.Short == "" || f.Message == "" || !slices.Contains(kinds, f.Kind) || f.Severity == "" {
				t.Errorf("%+v", f)
			}
		}
		if !slices.IsSortedFunc(r.Findings, compareFindings) {
			t.Errorf("not sorted: %s", lines(r))
		}
		if again, err := Check(o); err != nil || text(t, again) != text(t, r) {
			t.Errorf("a second time: %v, %s, not %s", err, text(t, again), text(t, r))
		}
	})
}
