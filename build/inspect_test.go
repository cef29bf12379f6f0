package build

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// source writes the files of a txtar text to a directory.
func source(t testing.TB, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		writeFile(t, filepath.Join(dir, f.Name), f.Data)
	}
	return dir
}

// pointerText is a pointer of Git LFS to an object.
func pointerText(id, size string) string {
	return "version https://git-lfs.github.com/spec/v1\noid sha256:" + id + "\nsize " + size + "\n"
}

func TestProjectsAreDescribed(t *testing.T) {
	files, err := filepath.Glob("testdata/inspect/*.txtar")
	if err != nil || len(files) < 15 {
		t.Fatalf("there are %d cases: %v", len(files), err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			subdir := strings.TrimSpace(string(a.Comment))
			dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
			var kept []txtar.File
			want := ""
			for _, f := range a.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				kept = append(kept, f)
				writeFile(t, filepath.Join(dir, f.Name), f.Data)
			}
			got := ""
			if err := Inspect(InspectOptions{Out: out, Source: dir, Subdir: subdir, Name: "demo"}); err != nil {
				got = "error: " + err.Error() + "\n"
			} else {
				if got = read(t, out, "project.json"); len(entries(t, out)) != 1 {
					t.Errorf("the output has %q", entries(t, out))
				}
				if _, err := ParseProject([]byte(got)); err != nil {
					t.Error(err)
				}
			}
			if *update {
				a.Files = append(kept, txtar.File{Name: "want", Data: []byte(got)})
				writeFile(t, name, txtar.Format(a))
			} else if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestADirectoryIsOnlyRead(t *testing.T) {
	dir := source(t, "-- pyproject.toml --\n[project]\nname = \"demo\"\n-- data.bin --\n"+pointerText(strings.Repeat("ab", 32), "5")+"-- .git/lfs/x --\n"+pointerText(strings.Repeat("ab", 32), "5"))
	before := strings.Join(entries(t, dir), " ")
	out := filepath.Join(t.TempDir(), "out")
	if err := Inspect(InspectOptions{Out: out, Source: dir}); err != nil {
		t.Fatal(err)
	}
	if after := strings.Join(entries(t, dir), " "); after != before {
		t.Errorf("the source has %s, and had %s", after, before)
	}
	p, err := ParseProject([]byte(read(t, out, "project.json")))
	if err != nil || len(p.LFS) != 1 || p.LFS[0] != "data.bin" {
		t.Errorf("the project is %+v: %v", p, err)
	}
}

func TestTheDirectoryOfTheProjectLiesInTheSource(t *testing.T) {
	dir := source(t, "-- a/setup.py --\n")
	if err := os.Symlink("/", filepath.Join(dir, "root")); err != nil {
		t.Fatal(err)
	}
	for subdir, want := range map[string]string{
		"a": "^$", "./a/": "^$", "b": `^there is no directory "b" in the source$`, "a/setup.py": `^there is no directory "a/setup.py" in the source$`,
		"../x": `^the project must be in a directory of the source, not in "../x"$`, "/etc": `must be in a directory of the source`, "root/etc": `^there is no directory "root/etc"`,
	} {
		err := Inspect(InspectOptions{Out: filepath.Join(t.TempDir(), "out"), Source: dir, Subdir: subdir})
		if !regexp.MustCompile(want).MatchString(errText(err)) {
			t.Errorf("%s: got the error %v, want one that matches %s", subdir, err, want)
		}
	}
}
