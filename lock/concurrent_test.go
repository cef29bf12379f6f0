package lock

import (
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/python"
)

// TestSelectIsSafeForConcurrentUse selects for several targets at once, as a build for several platforms does. The race detector
// sees what the results do not show.
func TestSelectIsSafeForConcurrentUse(t *testing.T) {
	for _, fixture := range []string{"uv-fresh", "uv-walk", "uv-conflicts", "pylock-walk", "requirements-compiled", "requirements-targets-live", "pipenv-sections", "pipenv-fresh"} {
		data, err := os.ReadFile(filepath.Join("testdata", "select", fixture+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		a := parseArchive(string(data))
		name, lock := lockOf(t, a)
		l, err := Read([]string{name}, map[string][]byte{name: lock})
		if err != nil {
			t.Fatal(err)
		}
		var project *Project
		if text, ok := a.part("pyproject.toml"); ok {
			if project, err = ParseProject("pyproject.toml", []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		var found *index.Answer
		if text, ok := a.part("found"); ok {
			found = answer(t, text, l.Query())
		}
		want, wantErr := l.Select(Request{Target: fuzzTarget, Project: project, Found: found})
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				target := fuzzTarget
				if i%2 == 1 {
					target.Machine, _ = python.Machine("arm64", "")
				}
				got, err := l.Select(Request{Target: target, Project: project, Found: found})
				if i%2 == 0 && (!reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil)) {
					t.Errorf("%s: got %v and %v, alone %v and %v", fixture, got, err, want, wantErr)
				}
			})
		}
		wg.Wait()
	}
}
