package lock

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/pyfile"
)

// TestTruncatedLocksAreErrorsOrSound cuts locks off at every 200th byte: what is left is refused at a line of it, or every artifact that
// comes out is sound.
func TestTruncatedLocksAreErrorsOrSound(t *testing.T) {
	for _, name := range []string{"uv.lock", "pylock.toml"} {
		whole := []byte(lockText(name, 30))
		refused, cuts := 0, 0
		for end := 0; end < len(whole); end += 200 {
			cuts++
			data := whole[:end]
			artifacts, err := readAndSelect(name, data)
			if err == nil {
				checkArtifacts(t, artifacts, data)
				continue
			}
			refused++
			checkProblems(t, err, name, data)
			var errs pyfile.Errors
			if errors.As(err, &errs) && errs[0].File != name {
				t.Errorf("%s cut off at byte %d: %v", name, end, err)
			}
		}
		if refused < cuts*9/10 {
			t.Errorf("%s: %d of %d cuts are refused", name, refused, cuts)
		}
	}
}

// assignment finds keys with their values at the start of a line or in an inline table.
var assignment = regexp.MustCompile(`(?m)(?:^|[{,] ?)([a-z0-9-]+) = `)

// unread are keys whose value does not matter, so that any will do.
var unread = []string{"created-by", "index", "upload-time"}

// TestWrongTypesAreErrorsAtTheirLine replaces the value of every key that a lock has, once each, by one of every other type.
func TestWrongTypesAreErrorsAtTheirLine(t *testing.T) {
	values := []string{`7`, `1.5`, `"x"`, `true`, `2026-01-02`, `[]`, `[7]`, `["x"]`, `[[]]`, `{}`, `[{}]`, `{x = 7}`}
	for _, name := range []string{"uv.lock", "pylock.toml"} {
		text := lockText(name, 3)
		seen := map[string]bool{}
		for _, at := range assignment.FindAllStringSubmatchIndex(text, -1) {
			key, start := text[at[2]:at[3]], at[1]
			end := start + valueLength(text[start:])
			context := key + " " + shape(text[start:end])
			if seen[context] {
				continue
			}
			seen[context] = true
			for _, value := range values {
				data := []byte(text[:start] + value + text[end:])
				_, err := readAndSelect(name, data)
				if err != nil {
					checkProblems(t, err, name, data)
				}
				if shape(value) == shape(text[start:end]) || slices.Contains(unread, key) {
					continue
				}
				// A list of tables may well be empty, and an empty list is of every type.
				if value == "[]" && shape(text[start:end])[0] == '[' {
					continue
				}
				line := strings.Count(text[:start], "\n") + 1
				var errs pyfile.Errors
				if !errors.As(err, &errs) || !slices.ContainsFunc(errs, func(e *pyfile.Error) bool {
					return e.Range.Start.Line == line && strings.Contains(e.Msg, key)
				}) {
					t.Errorf("%s:%d: %s = %s gives %v", name, line, key, value, err)
				}
			}
		}
		if len(seen) < 10 {
			t.Errorf("%s: only %d keys", name, len(seen))
		}
	}
}

// shape is the type of a value, for lists with that of the first item.
func shape(value string) string {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return "-"
	case value[0] == '[':
		return "[" + shape(strings.TrimRight(value[1:], "] \n"))[:1]
	case value[0] == '{':
		return "{"
	case value[0] == '"':
		return `"`
	case strings.HasPrefix(value, "2026-"):
		return "date"
	case strings.HasPrefix(value, "true"):
		return "t"
	case strings.HasPrefix(value, "1.5"):
		return "1.5"
	}
	return "7"
}

// valueLength is where a value ends, by its brackets and quotes.
func valueLength(text string) int {
	depth, quoted := 0, false
	for i, c := range []byte(text) {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
		case depth > 0 && (c == ']' || c == '}'):
			depth--
		case depth == 0 && strings.IndexByte(",}]\n", c) >= 0:
			return len(strings.TrimRight(text[:i], " "))
		}
	}
	return len(text)
}

// TestCyclesEnd locks packages that all need all, with extras that need the package itself.
func TestCyclesEnd(t *testing.T) {
	const packages = 150
	var b strings.Builder
	b.WriteString("version = 1\n[[package]]\nname = \"app\"\nversion = \"1\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"p0\", extra = [\"x\"] }, { name = \"app\" }]\n")
	for i := range packages {
		fmt.Fprintf(&b, "[[package]]\nname = \"p%d\"\nversion = \"1\"\nsource = { registry = \"r\" }\nwheels = [{ url = \"https://files.example/p%d-1-py3-none-any.whl\", hash = \"sha256:%064d\" }]\ndependencies = [\n", i, i, i)
		for j := range packages {
			fmt.Fprintf(&b, "{ name = \"p%d\", extra = [\"x\"] },\n", j)
		}
		fmt.Fprintf(&b, "]\n[package.optional-dependencies]\nx = [{ name = \"p%d\", extra = [\"x\"] }, { name = \"app\" }]\n", (i+1)%packages)
	}
	artifacts, err := readAndSelect("uv.lock", []byte(b.String()))
	if err != nil || len(artifacts) != packages {
		t.Errorf("%d artifacts and %v, want %d", len(artifacts), err, packages)
	}
}

// TestHostileTextEnds reads what costs a careless reader much time or stack.
func TestHostileTextEnds(t *testing.T) {
	const many = 100_000
	for what, text := range map[string]string{
		"open lists":        "version = 1\na = " + strings.Repeat("[", many),
		"open tables":       "version = 1\na = " + strings.Repeat("{a=", many),
		"closed lists":      "version = 1\na = " + strings.Repeat("[", many) + strings.Repeat("]", many),
		"a long header":     "version = 1\n[a" + strings.Repeat(".a", many) + "]",
		"one table again":   "version = 1\n" + strings.Repeat("[a]\n", many),
		"one key again":     "version = 1\n" + strings.Repeat("a = 1\n", many),
		"a wrong package":   "version = 1\n" + strings.Repeat("[[package]]\n", many),
		"open string":       "version = 1\na = \"" + strings.Repeat("x", many),
		"zero bytes":        strings.Repeat("\x00", many),
		"bytes not of text": strings.Repeat("\xff", many),
		"a deep marker":     "version = 1\nresolution-markers = [\"" + strings.Repeat("(", many) + "\"]\n[[package]]\nname = \"a\"\nsource = {virtual = \".\"}\ndependencies = [{name = \"a\", marker = \"" + strings.Repeat("(", many) + "\"}]",
		"a long marker":     "version = 1\n[[package]]\nname = \"a\"\nsource = {virtual = \".\"}\ndependencies = [{name = \"a\", marker = \"os_name == 'x'" + strings.Repeat(" or os_name == 'x'", many/10) + "\"}]",
	} {
		t.Run(what, func(t *testing.T) {
			for _, name := range []string{"uv.lock", "pylock.toml"} {
				text := text
				if name == "pylock.toml" {
					text = strings.Replace(text, "version = 1", "lock-version = '1.0'", 1)
				}
				if _, err := readAndSelect(name, []byte(text)); err != nil {
					checkProblems(t, err, name, []byte(text))
				} else if what != "a long marker" && what != "a long header" { // these two are right
					t.Errorf("%s is taken", name)
				}
			}
		})
	}
}

// TestVersionsThatAreNotKnown reads locks of other schemas: one error at the line, and nothing about the rest of the file.
func TestVersionsThatAreNotKnown(t *testing.T) {
	cases := map[string][]string{
		"uv.lock":     {"version = 0", "version = 2", "version = 1.0", "version = -1", "version = '1'", "version = 99999999999999999999"},
		"pylock.toml": {"lock-version = '2.0'", "lock-version = '0.9'", "lock-version = 1", "lock-version = 'x'", "lock-version = ''"},
	}
	for name, versions := range cases {
		for _, version := range versions {
			_, err := Read([]string{name}, map[string][]byte{name: []byte("# made by hand\n" + version + "\npackage = 7\npackages = 7\n")})
			var errs pyfile.Errors
			if !errors.As(err, &errs) || len(errs) != 1 || errs[0].Range.Start.Line != 2 {
				t.Errorf("%s with %s: %v", name, version, err)
			}
		}
		for _, version := range []string{"version = 1\nrevision = 99", "lock-version = '1.99'"} {
			_, err := Read([]string{name}, map[string][]byte{name: []byte(version + "\npackages = []\n")})
			if strings.HasPrefix(version, "version") == (name == "uv.lock") && err != nil {
				t.Errorf("%s with %s: %v", name, version, err)
			}
		}
	}
}

// TestMemoryIsBoundedByTheLock reads 2000 packages and checks that memory grows with the file and not faster.
func TestMemoryIsBoundedByTheLock(t *testing.T) {
	for _, name := range []string{"uv.lock", "pylock.toml"} {
		data := []byte(lockText(name, 2000))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		artifacts, err := readAndSelect(name, data)
		runtime.ReadMemStats(&after)
		if err != nil || len(artifacts) != 2000 {
			t.Fatalf("%d artifacts and %v", len(artifacts), err)
		}
		const most = 10
		if got := after.TotalAlloc - before.TotalAlloc; got > most*uint64(len(data)) {
			t.Errorf("%s of %d bytes takes %d bytes, more than %d times as many", name, len(data), got, most)
		}
	}
}

func readAndSelect(name string, data []byte) ([]Artifact, error) {
	l, err := Read([]string{name}, map[string][]byte{name: data})
	if err != nil {
		return nil, err
	}
	return l.Select(Request{Target: fuzzTarget})
}

func lockText(name string, packages int) string {
	if name == "uv.lock" {
		return largeLock(packages)
	}
	return largePylock(packages)
}
