//go:build integration

package integration

import (
	"slices"
	"strings"
	"testing"
)

// TestOtherMembersOfAWorkspaceNeverEnterACacheKey changes files of the workspace and looks at what runs again.
func TestOtherMembersOfAWorkspaceNeverEnterACacheKey(t *testing.T) {
	dir, image := example(t, "workspace"), registryHost+"/test/workspace:1"
	d := freshDaemon(t, registryHost)
	first, log := d.push(t, dir, image)
	if strings.Contains(log, "worker") {
		t.Errorf("the build speaks of a member that the project does not need:\n%s", log)
	}
	before := imageOf(t, image)
	for _, change := range []struct {
		file, text string
		ran        []string // steps
	}{
		{"packages/worker/src/worker/__init__.py", "changed = True\n", nil},
		{"packages/worker/new/file.txt", "x\n", nil},
		{"NOTES.md", "x\n", nil},
		{"packages/core/src/core/more.py", "x = 1\n", []string{"[base] install core", "[dep-builder] build the wheel of core", "[final] verify what was installed"}},
		{"packages/api/src/api/more.py", "x = 1\n", []string{"[app-builder] build the wheel of api", "[final] install api", "[final] verify what was installed"}},
	} {
		write(t, dir, change.file, change.text)
		digest, log := d.push(t, dir, image)
		ran := slices.DeleteFunc(ranSteps(log), func(s string) bool { return strings.Contains(s, "merge") || strings.Contains(s, "load") })
		slices.Sort(ran)
		if !slices.Equal(ran, change.ran) {
			t.Errorf("%s: %v ran, want %v", change.file, ran, change.ran)
		}
		after := imageOf(t, image)
		if len(change.ran) == 0 && digest != first {
			t.Errorf("%s: another image", change.file)
		}
		if layers := after.missingFrom(before); len(change.ran) > 0 && len(layers) != 1 {
			t.Errorf("%s: new layers %v", change.file, layers)
		}
		before = after
	}
}
