package pyfile

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A key without a place, or a place without a key, would be a key that is read and ignored, or documented and unknown.
func TestTheDecoderHasTheKeysOfTheTable(t *testing.T) {
	f := &File{
		Healthcheck:    &Healthcheck{},
		ConfigSettings: []PackageSettings{{}},
		Steps:          []Step{{}},
		Indexes:        []Index{{}},
	}
	for i := range keys {
		k := &keys[i]
		place := places[k.path]
		if place == nil {
			t.Errorf("%s has no place", k.path)
			continue
		}
		ok := false
		switch place(f).(type) {
		case *String:
			ok = k.typ == typeString
		case *List:
			ok = k.typ == typeList || k.typ == typeCommand || k.typ == typePorts
		case stringOrList:
			ok = k.typ == typeStringOrList
		case *Bool:
			ok = k.typ == typeBool
		case *Int:
			ok = k.typ == typeInt
		case *[]Pair, *[]Arg:
			ok = k.typ == typePairs
		case *[]Setting:
			ok = k.typ == typeSettings
		}
		if !ok {
			t.Errorf("%s is a %s in the table, and goes to a %T", k.path, k.typ, place(f))
		}
	}
	for path := range places {
		if keyAt[path] == nil {
			t.Errorf("the place of %s has no key", path)
		}
	}
	if len(keyAt) != len(keys) || len(tableAt) != len(tables) {
		t.Error("a path is in the table twice")
	}
}

func TestEveryKeyIsInATableAndDescribed(t *testing.T) {
	for i := range keys {
		k := &keys[i]
		if dot := strings.IndexByte(k.path, '.'); dot > 0 && tableAt[k.path[:dot]] == nil {
			t.Errorf("%s has no table", k.path)
		}
		if !strings.HasSuffix(k.doc, ".") || k.example == "" || strings.HasSuffix(k.fallback, ".") {
			t.Errorf("%s is badly described", k.path)
		}
		if k.typ == typeInt && k.min == 0 || (k.typ == typePairs || k.typ == typeSettings) && k.names == nil {
			t.Errorf("%s is not limited", k.path)
		}
	}
	for i := range tables {
		if !strings.HasSuffix(tables[i].doc, ".") || (tables[i].names != nil) != (tables[i].example != "") {
			t.Errorf("%s is badly described", tables[i].path)
		}
	}
}

var codeBlock = regexp.MustCompile("(?s)```toml\n(.*?)```")

func TestReferenceIsCurrentAndItsExamplesAreRight(t *testing.T) {
	text := Reference()
	golden(t, "../docs/reference.md", []byte(text))
	blocks := codeBlock.FindAllStringSubmatch(text, -1)
	if len(blocks) <= len(keys) {
		t.Errorf("%d examples for %d keys", len(blocks), len(keys))
	}
	for _, m := range blocks {
		name := "Pyfile"
		if strings.Contains(m[1], "[tool.pyfile]") {
			name = "pyproject.toml"
		}
		d := decode(name, []byte(m[1]), nil)
		for _, e := range d.errs {
			// An example shows one key, not the others that the table must have.
			if !strings.HasSuffix(e.Msg, " is missing") && !strings.HasSuffix(e.Msg, "has no effect without a secret") {
				t.Errorf("%s\n%v", m[1], e)
			}
		}
	}
	for i := range keys {
		if !strings.Contains(text, "\n"+keys[i].example+"\n") {
			t.Errorf("%s is not in the reference", keys[i].path)
		}
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json") // also holds the schema against the draft's own
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON reads the keys of a test file the way an editor does. It returns false when the file is not TOML.
func asJSON(t *testing.T, file string) (any, bool) {
	t.Helper()
	data, name, _ := parseTestFile(t, file)
	var v map[string]any
	if toml.Unmarshal(bytes.TrimPrefix(data, []byte("\uFEFF")), &v) != nil {
		return nil, false
	}
	if name == "pyproject.toml" {
		tool, _ := v["tool"].(map[string]any)
		if v, _ = tool["pyfile"].(map[string]any); v == nil {
			return nil, false
		}
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc, true
}

func TestSchemaIsCurrent(t *testing.T) {
	golden(t, "schema.json", Schema())
}

func TestSchemaAcceptsWhatParseAccepts(t *testing.T) {
	s := compiledSchema(t)
	for _, file := range validFiles(t) {
		doc, ok := asJSON(t, file)
		if !ok {
			t.Errorf("%s is not TOML", file)
		} else if err := s.Validate(doc); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// onlyParseKnows are the mistakes in testdata/errors that the schema cannot tell.
var onlyParseKnows = map[string]bool{
	"unknown.toml: app.install":                true, // contradicts the next two
	"unknown.toml: app.include":                true,
	"unknown.toml: app.exclude":                true,
	"values-top.toml: python":                  true, // 3.8
	"values-top.toml: base":                    true, // the grammar of images is more than one pattern
	"values-top.toml: builder":                 true,
	"values-top.toml: cmd":                     true, // an empty first item
	"values-top.toml: entrypoint":              true,
	"values-top.toml: stop-signal":             true, // no such signal
	"values-top.toml: env.NUL":                 true,
	"values-tables.toml: dependencies.project": true, // ..
	"values-commands.toml: index.d":            true, // an address without a host
	"values-commands.toml: index.e":            true, // ?
}

// A schema that took everything would pass the test above.
func TestSchemaRefusesWhatItCan(t *testing.T) {
	s := compiledSchema(t)
	tried := 0
	try := func(name string, doc any) {
		tried++
		if accepted := s.Validate(doc) == nil; accepted != onlyParseKnows[name] {
			t.Errorf("%s: accepted: %v", name, accepted)
		}
	}
	for _, file := range errorFiles(t) {
		base := filepath.Base(file)
		if !strings.HasPrefix(base, "types-") && !strings.HasPrefix(base, "values-") && base != "unknown.toml" {
			continue
		}
		doc, ok := asJSON(t, file)
		if !ok {
			t.Errorf("%s is not TOML", file)
			continue
		}
		// Each key on its own, so that one mistake does not hide another.
		for name, value := range doc.(map[string]any) {
			table, ok := value.(map[string]any)
			if !ok {
				try(base+": "+name, map[string]any{name: value})
			}
			for k, v := range table {
				try(base+": "+name+"."+k, map[string]any{name: map[string]any{k: v}})
			}
		}
	}
	if tried < 60 {
		t.Errorf("only %d keys were tried", tried)
	}
}
