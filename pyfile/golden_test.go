package pyfile

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew; read the diff")

// golden compares got with a file, or writes it.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code makes; go test -update writes it\n%s", file, firstDifference(string(want), string(got)))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range w {
		if i >= len(g) || w[i] != g[i] {
			return "want: " + w[i] + "\ngot:  " + strings.Join(g[min(i, len(g)):min(i+1, len(g))], "")
		}
	}
	return "got more than wanted"
}

func validFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/valid/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no valid files: %v", err)
	}
	return files
}

// shown is a value of a File for the golden files: every string, number and boolean with its place.
func shown(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case String:
		if x == (String{}) {
			return nil
		}
		return x.Value + " @ " + rangeText(x.Range)
	case Range:
		if x.IsZero() {
			return nil
		}
		return rangeText(x)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return shown(v.Elem())
	case reflect.Slice:
		if v.Len() == 0 {
			return nil
		}
		out := []any{}
		for i := range v.Len() {
			out = append(out, shown(v.Index(i)))
		}
		return out
	case reflect.Struct:
		out := map[string]any{}
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "Data" {
				if x := shown(v.Field(i)); x != nil {
					out[name] = x
				}
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	}
	if v.IsZero() {
		return nil
	}
	return v.Interface()
}

func TestValidFilesAreReadWhole(t *testing.T) {
	for _, file := range validFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, name, args := parseTestFile(t, file)
			d := decode(name, data, args)
			if err := d.errs.Err(); err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			enc := json.NewEncoder(&b)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(shown(reflect.ValueOf(d.file))); err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".toml")+".json", b.Bytes())

			f, err := Parse(name, data, args)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(f, d.file) || !bytes.Equal(f.Data, data) || f.Name != name {
				t.Error("Parse gave another File")
			}
		})
	}
}

// Every key must be set in some valid file, to a value that is not the zero value.
func TestEveryKeyHasARightCase(t *testing.T) {
	set := map[string]bool{}
	for _, file := range validFiles(t) {
		data, name, args := parseTestFile(t, file)
		f := decode(name, data, args).file
		for i := range keys {
			k := &keys[i]
			switch {
			case strings.HasPrefix(k.path, "healthcheck.") && f.Healthcheck == nil,
				strings.HasPrefix(k.path, "steps.") && len(f.Steps) == 0,
				strings.HasPrefix(k.path, "index.") && len(f.Indexes) == 0,
				strings.HasPrefix(k.path, "config-settings.") && len(f.ConfigSettings) == 0:
				continue
			}
			v := reflect.ValueOf(places[k.path](f))
			if sl, ok := v.Interface().(stringOrList); ok {
				v = reflect.ValueOf(sl.list)
			}
			set[k.path] = set[k.path] || !v.Elem().IsZero()
		}
	}
	for i := range keys {
		if !set[keys[i].path] {
			t.Errorf("no right case for %s", keys[i].path)
		}
	}
}
