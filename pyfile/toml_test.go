package pyfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

// corpus is every file of testdata, and what is hard in TOML.
func corpus(t testing.TB) [][]byte {
	t.Helper()
	var out [][]byte
	for _, pattern := range []string{"testdata/errors/*.toml", "testdata/valid/*.toml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, data)
		}
	}
	for _, s := range hardTOML {
		out = append(out, []byte(s))
	}
	return out
}

var hardTOML = []string{
	"", "\n", "\r\n", "\uFEFF", "\uFEFFpython = 1", "# only a comment", "a", "=", "[", "[]", "[[", "[[]]", "[a", "a =", "a = [", "a = {",
	"a = \"", "a = \"\"\"", "a = '''\n", "\"\" = 1", "a.b = 1\na.c = 2\n", "a.b = 1\n[a]\n", "a.b = 1\n[a.c]\n", "[a.b]\n[a]\n[a]\n",
	"[a]\nb.c = 1\n[a.b]\n", "[a]\nb.c = 1\n[a.b.d]\nx = 1\n[a.b.d]\n", "[a.b]\n[a]\nb.c = 1\n", "a = {b = 1}\n[a.c]\n", "a = {b.c = 1, b.d = 2}\n",
	"a = {b = 1, b.c = 2}\n", "a = [{b = 1}, {b = 1, b = 2}]\n", "[[a]]\nb = 1\n[[a]]\nb = 1\n[a.c]\n[[a]]\n[a.c]\n", "a = []\n[[a]]\n",
	"[a]\n[[a]]\n", "[[a]]\n[a]\n", "[[a.b]]\n[a]\nb = 1\n", "[[a.b]]\n[a.b.c]\n[[a.b.c]]\n", "a = 1\n[a.b]\n", "a = 1\n[[a.b]]\n",
	"a = 2024-02-30\n", "a = 2024-02-29T25:00:00Z\n", "a = 07:32:00\n", "a = 1_000\n", "a = 1__0\n", "a = 0x_1\n", "a = 9223372036854775808\n",
	"a = 1e999\n", "a = inf\n", "a = +nan\n", "a = 1.\n", "a = truey\n", "a = [1, # one\n 2, # two\n # three\n]\n", "a = {b = 1, # c\n d = 2}\n",
	"a = \"\\u00e9\\ud800\"\n", "a = \"\\q\"\n", "a = 1 b = 2\n", "[a] b = 1\n", "a = 1\r", "a = '\x01'\n", "a\t=\t1\t#\tx\n", " [ a . b ] \nc . d = 1\n",
	"a = [[1], [2, [3]]]\n", "a = [{b = [{c = 1}]}]\n", "a = \"\"\"\\\n   x\"\"\"\n", "a = \"${\"\n", "é = 1\n", "\"é\" = 1\n", "a = 1 # é\n",
}

// agrees tells whether this package and the TOML library agree that data is TOML or not.
func agrees(data []byte) (ours, theirs error) {
	t := parseTree(data)
	var v map[string]any
	return t.errs.Err(), toml.Unmarshal(bytes.TrimPrefix(data, []byte("\uFEFF")), &v)
}

func TestTreeTakesWhatTOMLTakes(t *testing.T) {
	for _, data := range corpus(t) {
		if ours, theirs := agrees(data); (ours == nil) != (theirs == nil) {
			t.Errorf("%q\nours: %v\ntheirs: %v", data, ours, theirs)
		}
	}
}

// plain is a tree as the TOML library gives it: values are compared as text.
func plain(n *node) any {
	switch n.kind {
	case tableNode:
		m := map[string]any{}
		for _, e := range n.entries {
			m[e.name] = plain(e.value)
		}
		return m
	case listNode:
		list := []any{}
		for _, i := range n.items {
			list = append(list, plain(i))
		}
		return list
	case stringNode:
		return n.text
	case boolNode:
		return n.text == "true"
	}
	return nil
}

// withoutNumbers drops what plain does not compare.
func withoutNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = withoutNumbers(v[k])
		}
		return v
	case []any:
		for i := range v {
			v[i] = withoutNumbers(v[i])
		}
		return v
	case string, bool:
		return v
	}
	return nil
}

func TestTreeHoldsWhatTOMLHolds(t *testing.T) {
	compared := 0
	for _, data := range corpus(t) {
		var want map[string]any
		if toml.Unmarshal(bytes.TrimPrefix(data, []byte("\uFEFF")), &want) != nil {
			continue
		}
		compared++
		if got := plain(parseTree(data).root); !reflect.DeepEqual(got, withoutNumbers(want)) && len(want) > 0 {
			t.Errorf("%q\ngot  %v\nwant %v", data, got, want)
		}
	}
	if compared < 20 {
		t.Errorf("only %d files are TOML", compared)
	}
}

// checkRanges walks through a value and holds every Range in it against the data.
func checkRanges(t *testing.T, data []byte, v reflect.Value) {
	t.Helper()
	if r, ok := v.Interface().(Range); ok {
		if !r.IsZero() {
			checkRange(t, data, r)
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			checkRanges(t, data, v.Elem())
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			for i := range v.Len() {
				checkRanges(t, data, v.Index(i))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			checkRanges(t, data, v.Field(i))
		}
	}
}

func checkRange(t *testing.T, data []byte, r Range) {
	t.Helper()
	lines := strings.SplitAfter(string(data), "\n")
	for _, p := range []Pos{r.Start, r.End} {
		if p.Line < 1 || p.Line > len(lines) || p.Col < 1 || p.Col > len(lines[p.Line-1])+1 {
			t.Fatalf("%s is outside of %q", rangeText(r), data)
		}
	}
	if r.End.Line < r.Start.Line || r.End.Line == r.Start.Line && r.End.Col < r.Start.Col {
		t.Fatalf("%s ends before it begins", rangeText(r))
	}
}

// textAt is what stands in the file at a range.
func textAt(data []byte, r Range) string {
	s := newSource(data)
	return string(data[s.lines[r.Start.Line-1]+r.Start.Col-1 : s.lines[r.End.Line-1]+r.End.Col-1])
}

func TestRangesHoldTheValue(t *testing.T) {
	data := []byte("\uFEFFpython = \"3.13\"\r\ncmd = [ 'a' , \"b\\n\" ]\nworkdir = \"\"\"/é\"\"\" # é\nvolumes=[\n  '''/x''',\n]\n[ layers ]\nmax = 0x10\n")
	f, err := Parse("Pyfile", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		r    Range
		want string
	}{
		{f.Python.Range, `"3.13"`}, {f.Cmd.Range, "cmd"}, {f.Cmd.Items[0].Range, "'a'"}, {f.Cmd.Items[1].Range, `"b\n"`},
		{f.Workdir.Range, `"""/é"""`}, {f.Volumes.Items[0].Range, "'''/x'''"}, {f.Layers.Range, "layers"}, {f.Layers.Max.Range, "0x10"},
	} {
		if got := textAt(data, c.r); got != c.want {
			t.Errorf("%s holds %q, want %q", rangeText(c.r), got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, data := range corpus(f) {
		f.Add("Pyfile", data, "3.12")
		f.Add("pyproject.toml", data, "${X}")
	}
	f.Fuzz(func(t *testing.T, name string, data []byte, arg string) {
		args := map[string]string{"PYTHON": arg, "A": arg}
		before := bytes.Clone(data)
		file, err := Parse(name, data, args)
		again, errAgain := Parse(name, data, args)
		if !bytes.Equal(before, data) {
			t.Fatal("Parse changed the data")
		}
		if !reflect.DeepEqual(file, again) || !reflect.DeepEqual(err, errAgain) {
			t.Fatal("Parse gave two answers")
		}
		if utf8.Valid(data) && len(data) <= maxSize && bytes.IndexByte(data, 0) < 0 {
			if ours, theirs := agrees(data); (ours == nil) != (theirs == nil) {
				t.Fatalf("ours: %v\ntheirs: %v", ours, theirs)
			}
		}
		if err == nil {
			checkRanges(t, data, reflect.ValueOf(file))
			return
		}
		if file != nil {
			t.Fatal("a File and an error")
		}
		var errs Errors
		if !errors.As(err, &errs) || len(errs) == 0 {
			t.Fatalf("the error is %T %v", err, err)
		}
		for _, e := range errs {
			checkRange(t, data, e.Range)
			if e.Msg == "" || e.File != "" || strings.ContainsAny(e.Msg+e.Hint, "\n\r\x00") {
				t.Fatalf("bad error %#v", e)
			}
		}
	})
}
