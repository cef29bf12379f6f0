package facts

import (
	"bytes"
	"strings"
	"testing"

	"github.com/org/pyfile/elf"
)

// demo are facts with every field.
func demo() *Facts {
	return &Facts{Distributions: []Distribution{
		{
			Name: "Demo", Version: "1.0", Built: true, Requires: []string{"six>=1; python_version < '4'"}, Extras: []string{"x"}, RequiresPython: ">=3.9",
			Directories: []Directory{{Path: "/opt/venv/lib/python3.13/site-packages/demo", Files: []string{File("0123456789abcdef", "a <b>.py"), File("short", "x")}}},
			Objects: []Object{{Path: "/opt/venv/lib/x.so", Object: elf.Object{
				Kind: elf.Shared, Machine: "x86_64", Class: 64, Soname: "x.so", Needed: []string{"libc.so.6"}, RunPath: []string{"$ORIGIN"}, Needs: []elf.Need{{Library: "libc.so.6", Version: "GLIBC_2.17"}},
			}}},
		},
		{Objects: []Object{{Path: "/app/y.so", Object: elf.Object{Kind: elf.Program, Machine: "aarch64", Class: 64}}}},
	}}
}

func written(t testing.TB, f *Facts) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFactsAreReadAsTheyWereWritten(t *testing.T) {
	for _, f := range []*Facts{demo(), {Distributions: []Distribution{}}} {
		want := written(t, f)
		got, err := Read([]byte(want))
		if err != nil {
			t.Fatal(err)
		}
		if got := written(t, got); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if strings.Count(want, "\n") != 1 {
			t.Errorf("%q is not one line", want)
		}
	}
}

func TestAFileIsItsSumAndItsName(t *testing.T) {
	if sum, name := SplitFile(File("0123456789abcdef", "a b")); sum != "0123456789ab" || name != "a b" {
		t.Errorf("got %q and %q", sum, name)
	}
}

func TestWhatAreNoFactsIsRefused(t *testing.T) {
	for _, data := range []string{
		"", "[]", "null {}", `{"distribution": []}`,
		`{"distributions": [{"directories": [{"path": "relative"}]}]}`,
		`{"distributions": [{"directories": [{"path": "/a/../b"}]}]}`,
		`{"distributions": [{"directories": [{"path": "/a", "files": ["nosum"]}]}]}`,
		`{"distributions": [{"directories": [{"path": "/a", "files": ["sum ../b"]}]}]}`,
		`{"distributions": [{"directories": [{"path": "/a", "files": ["0123456789abc x"]}]}]}`,
		`{"distributions": [{"objects": [{"path": "x.so"}]}]}`,
	} {
		if f, err := Read([]byte(data)); err == nil || f != nil || !strings.HasPrefix(err.Error(), "not the facts of an installation: ") {
			t.Errorf("%q: got %v, %v", data, f, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(written(f, demo())))
	f.Add([]byte(`{"distributions":[{"directories":[{"path":"/","files":["a b c"]}],"objects":[{"path":"/x","class":-1,"needed":null}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := Read(data)
		if err != nil {
			return
		}
		text := written(t, facts)
		again, err := Read([]byte(text))
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if got := written(t, again); got != text {
			t.Errorf("got %s, want %s", got, text)
		}
		for _, d := range facts.Distributions {
			for _, dir := range d.Directories {
				for _, item := range dir.Files {
					if sum, name := SplitFile(item); File(sum, name) != item {
						t.Errorf("%q is %q and %q", item, sum, name)
					}
				}
			}
		}
	})
}
