package build

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheSameRequirementsAreTheSameFile(t *testing.T) {
	want := "cython<3.1,>=3\nmeson-python>=0.15; python_version < \"3.13\"\nnumpy\ntool[a,b] @ https://files.example/tool.zip\n./strange one\n"
	lists := [][]string{
		{"numpy", "cython<3.1,>=3", `meson-python>=0.15; python_version < "3.13"`, "tool[a,b] @ https://files.example/tool.zip", "./strange  one"},
		{"Cython >=3, <3.1", "./strange\none", "numpy", "NumPy", `meson_python (>=0.15) ; python_version<'3.13'`, "tool[b, a]@https://files.example/tool.zip", "cython<3.1,>=3"},
	}
	sorted := strings.SplitAfter(want, "\n")
	want = sorted[4] + strings.Join(sorted[:4], "")
	for _, list := range lists {
		if got := string(FormatRequirements(list)); got != want {
			t.Errorf("%q became\n%s\nwant\n%s", list, got, want)
		}
	}
	if got := FormatRequirements(nil); len(got) != 0 {
		t.Errorf("no requirements became %q", got)
	}
}

func TestRequirementsFilesHoldRequirementsOnly(t *testing.T) {
	for text, want := range map[string]string{
		"# made by hand\n\n numpy >=2 \r\ncython\n": `[numpy >=2 cython] <nil>`,
		"":                              `[] <nil>`,
		"numpy\n--index-url=x\n":        `[] requires.txt:2: a requirement must have the form name>=1.0, not "--index-url=x"`,
		"numpy\n-r other.txt\n":         `[] requires.txt:2: a requirement must have the form name>=1.0, not "-r other.txt"`,
		"numpy --hash=sha256:1234567\n": `[] requires.txt:1: a requirement must have the form name>=1.0, not "numpy --hash=sha256:1234567"`,
	} {
		got, err := readRequirements(writeFile(t, filepath.Join(t.TempDir(), "requires.txt"), []byte(text)))
		if got := fmt.Sprint(got, " ", err); got != want {
			t.Errorf("%q gives %s, want %s", text, got, want)
		}
	}
}

// FuzzRequirements formats what is read from a file again: that must change nothing, and each requirement stays one line.
func FuzzRequirements(f *testing.F) {
	f.Add("numpy>=2", "cython ; python_version<'3'")
	f.Add("a @ https://files.example/x ;x", "a\nb")
	f.Add("A_b.C[x , Y]~=1.0", "-r x")
	f.Fuzz(func(t *testing.T, a, b string) {
		text := FormatRequirements([]string{a, b})
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(lines) > 2 {
			t.Fatalf("two requirements became %q", lines)
		}
		if again := FormatRequirements(lines); string(again) != string(text) {
			t.Errorf("%q became %q", text, again)
		}
	})
}
