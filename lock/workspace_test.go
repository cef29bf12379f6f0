package lock

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestDirectoriesAreThoseThatTheProjectReaches asks for the directories of each member of a workspace. A marker does not matter, an
// extra does; what no edge leads to, or what lies outside of the context, is not read.
func TestDirectoriesAreThoseThatTheProjectReaches(t *testing.T) {
	workspace := fixtureLock(t, "uv-three-members")
	member := fixtureLock(t, "uv-workspace-member")
	pylock := fixtureLock(t, "pylock-kinds")
	cases := []struct {
		name    string
		lock    *Lock
		project string
		want    []string
	}{
		{"a member with an extra and a group", workspace, "Api", []string{"libs/core", "vendor/vendored"}},
		{"a member that nothing needs but its own", workspace, "core", []string{"vendor/unused", "vendor/vendored"}},
		{"a virtual member", workspace, "worker", []string{"libs/core", "vendor/vendored"}},
		{"all members, without a project", workspace, "", []string{"libs/core", "services/api", "vendor/unused", "vendor/vendored"}},
		{"a project that the lock does not know", workspace, "stranger", nil},
		{"the project at the root", member, "app", []string{"packages/lib"}},
		{"a member that needs no other", member, "tool", nil},
		{"a pylock of another project", pylock, "app", []string{"foo-directory/sub"}},
		{"a pylock of the project itself", pylock, "Foo.Directory", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var project *Project
			if c.project != "" {
				var err error
				if project, err = ParseProject("pyproject.toml", []byte("[project]\nname = \""+c.project+"\"\n")); err != nil {
					t.Fatal(err)
				}
			}
			if got := c.lock.Directories(project); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestSelectedDirectoriesAreListed checks on every fixture that Directories lists what Select may pick.
func TestSelectedDirectoriesAreListed(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "select", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a := parseArchive(string(data))
		names, files := filesOf(t, a)
		l, err := Read(names, files)
		if err != nil || l.Loose != nil {
			continue
		}
		var project *Project
		if text, ok := a.part("pyproject.toml"); ok {
			if project, err = ParseProject("pyproject.toml", []byte(text)); err != nil {
				continue
			}
		}
		listed := l.Directories(project)
		artifacts, err := l.Select(Request{Target: fuzzTarget, Project: project, Found: listedFiles(l.Query())})
		if err != nil {
			continue
		}
		for _, a := range artifacts {
			if a.Kind != Directory {
				continue
			}
			seen++
			if !slices.Contains(listed, a.Path) {
				t.Errorf("%s: %s is selected from %s, which is not among %q", file, a.Name, a.Path, listed)
			}
		}
	}
	if seen < 3 {
		t.Errorf("only %d directories in the fixtures", seen)
	}
}

func fixtureLock(t *testing.T, fixture string) *Lock {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "select", fixture+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	name, text := lockOf(t, parseArchive(string(data)))
	l, err := Read([]string{name}, map[string][]byte{name: text})
	if err != nil {
		t.Fatal(err)
	}
	return l
}
