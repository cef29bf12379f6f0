package lock

import (
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
)

// readAll reads requirements files with all that they need, as the frontend does.
func readAll(t testing.TB, names []string, context map[string]string) (*Lock, error) {
	t.Helper()
	files := map[string][]byte{}
	rounds := 0
	for need := names; len(need) > 0; need = Needs(names, files) {
		if rounds++; rounds > len(context)+5 {
			t.Fatalf("Needs asks for %q again and again", need)
		}
		for _, name := range need {
			files[name] = nil
			if text, ok := context[name]; ok {
				files[name] = []byte(text)
			}
		}
	}
	l, err := Read(names, files)
	return l, err
}

// sha is a sha256 option.
func sha(text string) string { return "--hash=sha256:" + string(expandHashes("HASH("+text+")")) }

func TestRequirementsListsWhatAResolverReads(t *testing.T) {
	l, err := readAll(t, []string{"in/a.in", "b.txt"}, map[string]string{
		"in/a.in":            "-r sub/c.txt\n-c ../limits.txt\nflask\n./wheels/x-1.0-py3-none-any.whl\n",
		"in/sub/c.txt":       "-r ../../b.txt\nsix @ file:vendor/six-1.tar.gz\n-e ./lib\n--find-links ../links\n",
		"limits.txt":         "flask<3\n",
		"b.txt":              "# nothing\n",
		"lib/pyproject.toml": "[project]\nname = \"lib\"\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"in/a.in", "b.txt"}; !slices.Equal(l.Loose, want) {
		t.Errorf("Loose = %q, want %q", l.Loose, want)
	}
	want := []string{"in/a.in", "in/sub/c.txt", "b.txt", "limits.txt", "vendor/six-1.tar.gz", "wheels/x-1.0-py3-none-any.whl"}
	if got := l.Requirements(); !slices.Equal(got, want) {
		t.Errorf("Requirements() = %q, want %q", got, want)
	}
	if got, want := l.Directories(nil), []string{"lib", "in/links"}; !slices.Equal(got, want) {
		t.Errorf("Directories() = %q, want %q", got, want)
	}
	if q := l.Query(); q != nil {
		t.Errorf("a loose set asks an index for %v", q)
	}
}

func TestNeedsAsksForWhatIncludesInclude(t *testing.T) {
	context := map[string]string{"a.txt": "-r sub/b.txt\n-c c.txt\n./lib\n-r ../out.txt", "sub/b.txt": "-r d.txt\n", "sub/d.txt": "-r ../a.txt\n"}
	files := map[string][]byte{"a.txt": []byte(context["a.txt"])}
	for _, want := range [][]string{
		{"c.txt", "lib/pyproject.toml", "lib/setup.cfg", "lib/setup.py", "sub/b.txt"},
		{"sub/d.txt"},
		nil,
	} {
		got := Needs([]string{"a.txt"}, files)
		if !slices.Equal(got, want) {
			t.Fatalf("Needs = %q, want %q", got, want)
		}
		for _, name := range got {
			files[name] = nil
			if text, ok := context[name]; ok {
				files[name] = []byte(text)
			}
		}
	}
}

func TestConfigSettingsOfRequirementsAreKept(t *testing.T) {
	l, err := readAll(t, []string{"requirements.txt"}, map[string]string{"requirements.txt": `
Py.Yaml --config-settings "--build-option=--with-libyaml" -C a=1 --config-setting 'a=2=3'
six
`})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range l.ConfigSettings() {
		for _, s := range p.Settings {
			got = append(got, fmt.Sprintf("%d %s %s=%q", p.Name.Range.Start.Line, p.Name.Value, s.Key.Value, s.Values.Values()))
		}
	}
	want := []string{`2 py-yaml --build-option=["--with-libyaml"]`, `2 py-yaml a=["1" "2=3"]`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestEveryEncodingOfPipIsRead reads one file in the encodings that pip knows by a mark or a line.
func TestEveryEncodingOfPipIsRead(t *testing.T) {
	const text = "# é 😀 comment\nidna==3.7\n"
	wide := func(order func([]byte, uint16) []byte, mark string) string {
		out := []byte(mark)
		for _, u := range utf16.Encode([]rune(text)) {
			out = order(out, u)
		}
		return string(out)
	}
	little := func(b []byte, u uint16) []byte { return append(b, byte(u), byte(u>>8)) }
	big := func(b []byte, u uint16) []byte { return append(b, byte(u>>8), byte(u)) }
	var utf32LE, utf32BE strings.Builder
	for _, r := range text {
		utf32LE.WriteString(string([]byte{byte(r), byte(r >> 8), byte(r >> 16), 0}))
		utf32BE.WriteString(string([]byte{0, byte(r >> 16), byte(r >> 8), byte(r)}))
	}
	for name, data := range map[string]string{
		"utf-8":         text,
		"utf-8 mark":    "\xef\xbb\xbf" + text,
		"utf-16le":      wide(little, "\xff\xfe"),
		"utf-16be":      wide(big, "\xfe\xff"),
		"utf-32le":      "\xff\xfe\x00\x00" + utf32LE.String(),
		"utf-32be":      "\x00\x00\xfe\xff" + utf32BE.String(),
		"latin-1":       "# -*- coding: latin-1 -*-\n# \xe9\nidna==3.7\n",
		"second line":   "\n# vim: set fileencoding=iso-8859-1 :\n# \xe9\nidna==3.7\n",
		"windows lines": "# one\r\nidna==\\\r\n3.7\r\n",
		"old mac lines": "# one\ridna==3.7\r",
		"line tabs":     "# one\vidna==3.7\f",
		"next line":     "# one\u0085idna==3.7\u2028",
	} {
		l, err := readAll(t, []string{"requirements.txt"}, map[string]string{"requirements.txt": data})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		set := l.source.(*requirementsSet)
		if len(set.requirements) != 1 || set.requirements[0].name != "idna" || set.requirements[0].version != "3.7" {
			t.Errorf("%s: read %+v", name, set.requirements)
		}
	}
	for name, c := range map[string]struct{ data, want string }{
		"not utf-8":      {"idna\n# \xe9", "requirements.txt:2: the line is not UTF-8, and the file has no encoding line (PEP 263)"},
		"declared utf-8": {"# coding: utf-8\n\xe9", "requirements.txt:2: the line is not utf-8, as the encoding line says"},
		"third line":     {"\n\n# coding: latin-1\n\xe9", "requirements.txt:4: the line is not UTF-8, and the file has no encoding line (PEP 263)"},
		"other":          {"# coding: koi8-r\n", "requirements.txt:1: the encoding \"koi8-r\" is not one that pyfile reads"},
		"half utf-16":    {"\xff\xfea", "requirements.txt:1: the file is not UTF-16, as its byte order mark says"},
		"surrogate":      {"\xff\xfe\x00\xd8a\x00", "requirements.txt:1: the file is not UTF-16, as its byte order mark says"},
		"utf-8 mark":     {"\xef\xbb\xbf\na\xff", "requirements.txt:2: the file is not UTF-8, as its byte order mark says"},
	} {
		_, err := readAll(t, []string{"requirements.txt"}, map[string]string{"requirements.txt": c.data})
		if err == nil || err.Error() != c.want+"\n\thint: save the file as UTF-8" {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// TestProblemsOfJoinedLinesStandAtTheirOwnLine: a hash in the third line of a requirement is reported there.
func TestProblemsOfJoinedLinesStandAtTheirOwnLine(t *testing.T) {
	_, err := readAll(t, []string{"requirements.txt"}, map[string]string{
		"requirements.txt": "# one\nidna==3.7 \\\n  " + sha("x") + " \\\n    --hash=sha256:zz \\\n    # end\n"})
	var errs pyfile.Errors
	if !errors.As(err, &errs) || len(errs) != 1 {
		t.Fatalf("got %v, want one problem", err)
	}
	want := pyfile.Range{Start: pyfile.Pos{Line: 4, Col: 12}, End: pyfile.Pos{Line: 4, Col: 21}}
	if errs[0].Range != want {
		t.Errorf("the problem stands at %+v, want %+v", errs[0].Range, want)
	}
}

// TestLogicalLinesAreThoseOfPip has the cases that pip's own tests have, and some more.
func TestLogicalLinesAreThoseOfPip(t *testing.T) {
	for text, want := range map[string][]string{
		"a\nb":               {"a", "b"},
		"a\\\nb":             {"ab"},
		"a \\\n b":           {"a  b"},
		"a\\\n# c\nb":        {"a", "b"},
		"a\\\n  # c \\\nb":   {"a", "b"},
		"# c \\\nb":          {"b"},
		"a # c \\\nb":        {"a"},
		"a#b":                {"a#b"},
		"a #b":               {"a"},
		"a\t#b#c":            {"a"},
		"a#b #c":             {"a#b"},
		"#":                  nil,
		"\\\n\\\na":          {"a"},
		"a\\":                {"a"},
		"a\\\\\nb":           {"ab"},
		"\\\\a\\\nb":         {"ab"},
		"a\\\n":              {"a"},
		"a\\\n\nb":           {"a", "b"},
		"\u00a0a\u00a0#b":    {"a"},
		"a\\ \nb":            {`a\`, "b"},
		"-e git+x#egg=y # z": {"-e git+x#egg=y"},
	} {
		var got []string
		for _, l := range logicalLines(text) {
			got = append(got, l.text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestIncludesThatMultiplyAreReadOnce: sixty files that each include the next one twice would be 2^60 lines.
func TestIncludesThatMultiplyAreReadOnce(t *testing.T) {
	context := map[string]string{"r60.txt": "six==1.0 " + sha("x") + "\n"}
	for i := range 60 {
		context[fmt.Sprintf("r%d.txt", i)] = fmt.Sprintf("-r r%d.txt\n-r ./r%d.txt\n-c r%d.txt\n", i+1, i+1, i+1)
	}
	l, err := readAll(t, []string{"r0.txt"}, context)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(l.Query()); got != 1 {
		t.Errorf("%d packages, want 1", got)
	}
}

func TestSelectDoesNotChangeTheLock(t *testing.T) {
	l, err := readAll(t, []string{"requirements.txt"}, map[string]string{"requirements.txt": "b==1.0 " + sha("b-1.0-py3-none-any.whl") + "\na==1.0 " + sha("a-1.0.tar.gz") + "\n"})
	if err != nil {
		t.Fatal(err)
	}
	r := Request{Target: fuzzTarget, Found: answer(t, "a a-1.0.tar.gz\nb b-1.0-py3-none-any.whl\n", nil)}
	first, err := l.Select(r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := l.Select(r)
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("first %v, then %v and %v", first, again, err)
	}
}

// largeRequirements is a file as pip-compile writes it, with ten hashes a package, and what an index has of it.
func largeRequirements(packages int) (text string, found *index.Answer) {
	var b strings.Builder
	found = &index.Answer{}
	for i := range packages {
		name := fmt.Sprintf("package-%d", i)
		fmt.Fprintf(&b, "%s==1.%d.0 ; python_version >= \"3.%d\" \\\n", name, i, i%10)
		f := index.Found{Name: name}
		for j := range 10 {
			file := fmt.Sprintf("package_%d-1.%d.0-cp3%d-cp3%d-manylinux_2_17_x86_64.whl", i, i, 5+j, 5+j)
			digest := string(expandHashes("HASH(" + file + ")"))
			f.Files = append(f.Files, index.File{Name: file, URL: "https://files.example/" + file, SHA256: digest, Size: 1000})
			end := " \\"
			if j == 9 {
				end = ""
			}
			fmt.Fprintf(&b, "    --hash=sha256:%s%s\n", digest, end)
		}
		b.WriteString("    # via -r requirements.in\n")
		found.Packages = append(found.Packages, f)
	}
	return b.String(), found
}

func BenchmarkRequirements300(b *testing.B)   { benchmarkRequirements(b, 300) }
func BenchmarkRequirements10000(b *testing.B) { benchmarkRequirements(b, 10000) }

func benchmarkRequirements(b *testing.B, packages int) {
	text, found := largeRequirements(packages)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		files := map[string][]byte{"requirements.txt": []byte(text)}
		Needs([]string{"requirements.txt"}, files)
		l, err := Read([]string{"requirements.txt"}, files)
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

// TestHugeRequirementsAreRead reads 10 MB of each kind of line that a file may be full of.
func TestHugeRequirementsAreRead(t *testing.T) {
	const size = 10 << 20
	for name, line := range map[string]string{
		"comments":      "# comment\n",
		"backslashes":   "\\\n",
		"one line":      "x",
		"hashes":        "--hash=sha256:" + hex.EncodeToString(make([]byte, 32)) + " ",
		"blank":         " ",
		"quotes":        "-f '' ",
		"hash signs":    "#",
		"semicolons":    ";",
		"brackets":      "[",
		"dollars":       "${",
		"at signs":      "a@",
		"line ends":     "\r\n\u2028",
		"continuations": "a \\\n",
	} {
		t.Run(name, func(t *testing.T) {
			prefix := map[string]string{"hashes": "a==1 ", "hash signs": "a", "brackets": "a", "blank": "a"}[name]
			files := map[string][]byte{"requirements.txt": []byte(prefix + strings.Repeat(line, size/len(line)))}
			_, err := Read([]string{"requirements.txt"}, files)
			var errs pyfile.Errors
			if err != nil && !errors.As(err, &errs) {
				t.Errorf("the error is a %T", err)
			}
			for _, e := range errs {
				if len(e.Msg)+len(e.Hint) > 1000 {
					t.Errorf("a message of %d bytes", len(e.Msg))
				}
			}
		})
	}
}

// TestRequirementsOfSubdirectoriesNameTheirFile: problems and artifacts name the file that the line stands in.
func TestRequirementsOfSubdirectoriesNameTheirFile(t *testing.T) {
	l, err := readAll(t, []string{filepath.Join("a", "requirements.txt")}, map[string]string{
		"a/requirements.txt":   "-r b/requirements.txt\n./w/x-1.0-py3-none-any.whl " + sha("x") + "\n",
		"a/b/requirements.txt": "\n./w/y-1.0-py3-none-any.whl " + sha("y") + "\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	artifacts, err := l.Select(Request{Target: fuzzTarget})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range artifacts {
		got = append(got, fmt.Sprintf("%s:%d %s", a.Lock, a.Origin.Start.Line, a.Path))
	}
	if want := []string{"a/requirements.txt:2 w/x-1.0-py3-none-any.whl", "a/b/requirements.txt:2 w/y-1.0-py3-none-any.whl"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
