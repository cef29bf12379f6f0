package lock

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
)

// FuzzPipfile reads any bytes as a Pipfile.lock beside any Pipfile, and selects from it.
func FuzzPipfile(f *testing.F) {
	for _, a := range fixtures(f, "select") {
		if lock, ok := a.part("Pipfile.lock"); ok {
			pipfile, _ := a.part("Pipfile")
			f.Add(expandHashes(lock), []byte(pipfile), "dev", "docs")
		}
	}
	f.Fuzz(func(t *testing.T, data, pipfile []byte, first, second string) {
		names := []string{"Pipfile.lock"}
		files := map[string][]byte{"Pipfile.lock": data, "Pipfile": pipfile}
		if more := Needs(names, files); len(more) > 0 {
			t.Fatalf("Needs asks for %q", more)
		}
		l, err := Read(names, files)
		if (l == nil) == (err == nil) {
			t.Fatalf("Read returned %v and %v", l, err)
		}
		check := func(err error) {
			checkProblems(t, err, "Pipfile.lock", data)
			checkProblems(t, err, "Pipfile", pipfile)
		}
		if err != nil {
			check(err)
			return
		}
		found := &index.Answer{}
		for i, p := range l.Query() {
			answer := index.Found{Name: p.Name}
			for _, file := range p.Files {
				name := p.Name + []string{"-1.0.tar.gz", "-1.0-py3-none-any.whl"}[i%2]
				answer.Files = append(answer.Files, index.File{Name: name, URL: "https://files.example/" + name, SHA256: file.SHA256})
			}
			found.Packages = append(found.Packages, answer)
		}
		for _, r := range []Request{{Found: found}, {}, {Found: found, Groups: append(located(first), located(second)...)}} {
			r.Target = fuzzTarget
			artifacts, err := l.Select(r)
			if err != nil {
				if artifacts != nil {
					t.Fatalf("Select returned %d artifacts and %v", len(artifacts), err)
				}
				check(err)
				continue
			}
			checkArtifacts(t, artifacts, data)
			again, err := l.Select(r)
			if err != nil || !reflect.DeepEqual(again, artifacts) {
				t.Fatalf("Select gave %v, then %v and %v", artifacts, again, err)
			}
		}
	})
}

// FuzzJSON compares parseJSON with encoding/json: both take the same bytes, but for what parseJSON refuses on purpose, and read the
// same values.
func FuzzJSON(f *testing.F) {
	for _, a := range fixtures(f, "select") {
		if lock, ok := a.part("Pipfile.lock"); ok {
			f.Add(expandHashes(lock))
		}
	}
	for _, s := range []string{"", " ", "null", "[1,-0.5e+3,true,false,{}]", `"\ud83d\ude00\ud83d\\\/\b\f\n\r\t\u00e9"`, "[[[[]]]]", "{\"a\":1,\"a\":2}", "\"\xff\"", "1e", "-", "[1,]", "\ufeff1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, errs := parseJSON("x.json", data)
		if len(errs) > 0 {
			checkProblems(t, errs, "x.json", data)
			refused := !utf8.Valid(data) || depthOf(data) > maxDepth || bytes.Contains([]byte(errs.Error()), []byte("is set twice"))
			if json.Valid(data) && !refused {
				t.Fatalf("encoding/json takes what parseJSON does not: %v", errs)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatal("parseJSON takes what encoding/json does not")
		}
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := plain(t, d, d.root); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %#v, want %#v", got, want)
		}
	})
}

// depthOf is how deep brackets lie in each other, at most: those in strings count.
func depthOf(data []byte) int {
	depth, most := 0, 0
	for _, c := range data {
		switch c {
		case '[', '{':
			depth++
			most = max(most, depth)
		case ']', '}':
			depth--
		}
	}
	return most
}

// plain turns a node into what encoding/json makes, and checks its place.
func plain(t *testing.T, d *document, n *node) any {
	t.Helper()
	checkRange(t, d.span(n.at), []byte(d.text))
	switch n.kind {
	case stringNode:
		return n.text
	case integerNode, floatNode:
		return json.Number(n.text)
	case boolNode:
		return n.text == "true"
	case nullNode:
		return nil
	case listNode:
		out := make([]any, 0, len(n.items))
		for _, item := range n.items {
			out = append(out, plain(t, d, item))
		}
		return out
	}
	out := map[string]any{}
	for _, e := range n.entries {
		checkRange(t, pyfile.Range{Start: d.pos(e.at.start), End: d.pos(e.at.end)}, []byte(d.text))
		out[e.name] = plain(t, d, e.value)
	}
	return out
}
