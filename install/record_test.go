package install

import (
	"encoding/csv"
	"reflect"
	"strings"
	"testing"
)

func TestRecordRowsSurviveWritingAndReading(t *testing.T) {
	rows := []row{{Path: "b", Hash: "sha256=x", Size: "1"}, {Path: "a,b"}, {Path: `a"b`}, {Path: "a b"}, {Path: "ä"}, {Path: "B"}}
	data := formatRecord(rows)
	want := "B,,\r\na b,,\r\n\"a\"\"b\",,\r\n\"a,b\",,\r\nb,sha256=x,1\r\nä,,\r\n"
	if string(data) != want {
		t.Errorf("written: %q, not %q", data, want)
	}
	fields, err := csv.NewReader(strings.NewReader(want)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	again, err := parseRecord(data)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range again {
		if !reflect.DeepEqual([]string{r.Path, r.Hash, r.Size}, fields[i]) || r.line != i+1 {
			t.Errorf("read: %v, not %v", r, fields[i])
		}
	}
}

func TestRecordRowsMayBeShort(t *testing.T) {
	rows, err := parseRecord([]byte("a\nb,sha256=x\n\nc,,3\n"))
	if want := []row{{Path: "a", line: 1}, {Path: "b", Hash: "sha256=x", line: 2}, {Path: "c", Size: "3", line: 4}}; err != nil || !reflect.DeepEqual(rows, want) {
		t.Errorf("got %v, %v, not %v", rows, err, want)
	}
}

func TestEntryPointsOfScriptsAreRead(t *testing.T) {
	text := `
# comment
before = any:section
[console_scripts]
  one = pkg.mod:main
two=pkg:Class.method
three = pkg : f [extra, other]
one = later:main
both = console:main
Größe-1.2 = größe:f
[other]
garbage
[ gui_scripts ]
both = gui:main
[console_scripts]
last = pkg:f
`
	got, err := parseEntryPoints([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	want := []entryPoint{
		{"one", "later", "main"}, {"two", "pkg", "Class.method"}, {"three", "pkg", "f"}, {"both", "gui", "main"}, {"Größe-1.2", "größe", "f"}, {"last", "pkg", "f"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, not %v", got, err, want)
	}
}

func TestAllMalformedEntryPointsAreTold(t *testing.T) {
	_, err := parseEntryPoints([]byte("[console_scripts]\na\nb = c:d\ne = f\n"))
	want := "line 2: an entry point must have the form name = module:function, not \"a\"\nline 4: an entry point must have the form name = module:function, not \"e = f\""
	if err == nil || err.Error() != want {
		t.Errorf("got %v, not %s", err, want)
	}
}

func TestVersionedCommandsAreNamedAfterThePython(t *testing.T) {
	got := setVersions([]entryPoint{{Name: "pip"}, {Name: "pip2"}, {Name: "pip-tool"}, {Name: "easy_install-3.9"}, {Name: "easy_install"}}, "3.13t")
	var names []string
	for _, p := range got {
		names = append(names, p.Name)
	}
	if want := "pip-tool pip pip3 pip3.13 easy_install easy_install-3.13"; strings.Join(names, " ") != want {
		t.Errorf("got %s, not %s", strings.Join(names, " "), want)
	}
}
