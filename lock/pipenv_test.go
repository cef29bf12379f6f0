package lock

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
)

// largePipfileLock is a lock as pipenv writes it, with ten hashes a package, and what an index has of it.
func largePipfileLock(packages int) (text string, found *index.Answer) {
	var b strings.Builder
	found = &index.Answer{}
	b.WriteString("{\n    \"_meta\": {\"hash\": {\"sha256\": \"\"}, \"pipfile-spec\": 6, \"requires\": {}, \"sources\": []},\n    \"develop\": {},\n    \"default\": {")
	for i := range packages {
		name := fmt.Sprintf("package-%d", i)
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "\n        %q: {\n            \"hashes\": [\n", name)
		f := index.Found{Name: name}
		for j := range 10 {
			file := fmt.Sprintf("package_%d-1.%d.0-cp3%d-cp3%d-manylinux_2_17_x86_64.whl", i, i, 5+j, 5+j)
			digest := string(expandHashes("HASH(" + file + ")"))
			f.Files = append(f.Files, index.File{Name: file, URL: "https://files.example/" + file, SHA256: digest, Size: 1000})
			end := ","
			if j == 9 {
				end = ""
			}
			fmt.Fprintf(&b, "                \"sha256:%s\"%s\n", digest, end)
		}
		fmt.Fprintf(&b, "            ],\n            \"markers\": \"python_version >= '3.%d'\",\n            \"version\": \"==1.%d.0\"\n        }", i%10, i)
		found.Packages = append(found.Packages, f)
	}
	b.WriteString("\n    }\n}\n")
	return b.String(), found
}

func BenchmarkPipfile300(b *testing.B)   { benchmarkPipfile(b, 300) }
func BenchmarkPipfile10000(b *testing.B) { benchmarkPipfile(b, 10000) }

func benchmarkPipfile(b *testing.B, packages int) {
	text, found := largePipfileLock(packages)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		l, err := Read([]string{"Pipfile.lock"}, map[string][]byte{"Pipfile.lock": []byte(text)})
		if err != nil {
			b.Fatal(err)
		}
		if len(l.Query()) != packages {
			b.Fatal("packages are missing in the query")
		}
		artifacts, err := l.Select(Request{Target: fuzzTarget, Found: found})
		if err != nil || len(artifacts) != packages {
			b.Fatalf("%d artifacts, %v", len(artifacts), err)
		}
	}
}

// TestHostileJSONIsAnError reads what would bring down a careless reader.
func TestHostileJSONIsAnError(t *testing.T) {
	const many = 10 << 20
	for name, text := range map[string]string{
		"open lists":    strings.Repeat("[", many),
		"open tables":   strings.Repeat(`{"a":`, many/5),
		"deep lists":    strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2),
		"open string":   `{"` + strings.Repeat("a", many),
		"escapes":       `"` + strings.Repeat(`\u0041`, many/6),
		"half escape":   `"\u00`,
		"number":        strings.Repeat("1", many),
		"blanks":        strings.Repeat(" ", many),
		"not UTF-8":     "\"" + strings.Repeat("a", many) + "\xff\"",
		"byte mark":     "\xef\xbb\xbf{}",
		"cut off":       `{"_meta": {"pipfile-spec": 6}, "default": {"a": {"version": "==1`,
		"list of lists": "[" + strings.Repeat("[],", many/3) + "[]]",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Read([]string{"Pipfile.lock"}, map[string][]byte{"Pipfile.lock": []byte(text)})
			var errs pyfile.Errors
			if l != nil || !errors.As(err, &errs) || len(errs) != 1 {
				t.Fatalf("Read returned %v and %v, want one problem", l, err)
			}
			if len(errs[0].Msg) > 300 {
				t.Errorf("a message of %d bytes", len(errs[0].Msg))
			}
		})
	}
}

// TestPythonFloatIsThatOfPython has what repr prints.
func TestPythonFloatIsThatOfPython(t *testing.T) {
	for v, want := range map[float64]string{0: "0.0", 1: "1.0", 0.1: "0.1", 1e15: "1000000000000000.0", 1e16: "1e+16", 1.5e300: "1.5e+300", 1e-4: "0.0001", 1e-5: "1e-05", -2.5: "-2.5"} {
		if got := pythonFloat(v); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}
