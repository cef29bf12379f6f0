package pyfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	wantHere = regexp.MustCompile(`# want:((?: "(?:[^"\\]|\\.)*")+)`)
	wantAt   = regexp.MustCompile(`^# want-at (\d+):((?: "(?:[^"\\]|\\.)*")+)`)
	quoted   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// wanted reads the expected errors of a file: regular expressions on the line that must raise them, or, where a comment
// cannot stand, on a line of their own that names it.
func wanted(data string) map[int][]string {
	want := map[int][]string{}
	for i, line := range strings.Split(data, "\n") {
		n, list := i+1, ""
		if m := wantAt.FindStringSubmatch(line); m != nil {
			n, _ = strconv.Atoi(m[1])
			list = m[2]
		} else if m := wantHere.FindStringSubmatch(line); m != nil {
			list = m[1]
		}
		for _, q := range quoted.FindAllString(list, -1) {
			// Only the quote is escaped for the string: the rest is the regular expression's.
			want[n] = append(want[n], strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`))
		}
	}
	return want
}

// errorText is what a user reads of a problem, on one line.
func errorText(e *Error) string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + " | " + e.Hint
}

func errorFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/errors/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no error files: %v", err)
	}
	return files
}

// parseTestFile parses a file of testdata. The name tells whether it is a pyproject.toml; a comment "# args: A=1 B=2" gives
// build arguments.
func parseTestFile(t *testing.T, file string) (data []byte, name string, args map[string]string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	name = "Pyfile"
	if strings.HasPrefix(filepath.Base(file), "pyproject") {
		name = "pyproject.toml"
	}
	args = map[string]string{}
	for line := range strings.Lines(string(data)) {
		if list, ok := strings.CutPrefix(strings.TrimSpace(line), "# args: "); ok {
			for _, a := range strings.Fields(list) {
				k, v, _ := strings.Cut(a, "=")
				args[k] = v
			}
		}
	}
	return data, name, args
}

func TestEveryErrorIsOnItsLine(t *testing.T) {
	for _, file := range errorFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, name, args := parseTestFile(t, file)
			want := wanted(string(data))
			f, err := Parse(name, data, args)
			if f != nil || err == nil {
				t.Fatalf("Parse gave a File %v and the error %v", f != nil, err)
			}
			var errs Errors
			if !errors.As(err, &errs) {
				t.Fatalf("the error is %T", err)
			}
			for _, e := range errs {
				line := e.Range.Start.Line
				text := errorText(e)
				found := false
				for i, re := range want[line] {
					if ok, err := regexp.MatchString(re, text); err != nil {
						t.Fatal(err)
					} else if ok {
						want[line] = append(want[line][:i:i], want[line][i+1:]...)
						found = true
						break
					}
				}
				if !found {
					t.Errorf("line %d: unexpected: %s", line, text)
				}
				checkWording(t, e)
			}
			for line, list := range want {
				for _, re := range list {
					t.Errorf("line %d: missing: %s", line, re)
				}
			}
		})
	}
}

// checkWording holds every message to the rules of error.go.
func checkWording(t *testing.T, e *Error) {
	t.Helper()
	for _, s := range []string{e.Msg, e.Hint} {
		if strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "..") || strings.ContainsAny(s, "\n\r") {
			t.Errorf("line %d: badly worded: %s", e.Range.Start.Line, s)
		}
		if s != "" && 'A' <= s[0] && s[0] <= 'Z' && !strings.HasPrefix(s, "Python packages") {
			t.Errorf("line %d: begins with a capital: %s", e.Range.Start.Line, s)
		}
	}
}

// Every key must be refused somewhere in testdata/errors, by its name.
func TestEveryKeyHasAWrongCase(t *testing.T) {
	var all []string
	cases := 0
	for _, file := range errorFiles(t) {
		data, name, args := parseTestFile(t, file)
		_, err := Parse(name, data, args)
		var errs Errors
		if !errors.As(err, &errs) {
			t.Fatalf("%s: %v", file, err)
		}
		cases += len(errs)
		for _, e := range errs {
			all = append(all, e.Msg)
		}
	}
	for i := range keys {
		name := strings.ReplaceAll(regexp.QuoteMeta(keys[i].path), "NAME", `[a-z]+`)
		re := regexp.MustCompile(`(?m)^(?:unknown key )?` + name + `\b.* (?:must|is missing|has no effect)`)
		if !re.MatchString(strings.Join(all, "\n")) {
			t.Errorf("no wrong case for %s", keys[i].path)
		}
	}
	if cases < 60 {
		t.Errorf("only %d wrong cases", cases)
	}
}

func TestUnreadableFilesSayWhy(t *testing.T) {
	for _, c := range []struct {
		name, data string
		at         string
		want       string
	}{
		{"NUL", "python = \"3.13\"\nuser = \"a\x00b\"\n", "2:10", "the file contains a NUL byte"},
		{"Latin-1", "# caf\xe9\n", "1:6", "the file is not UTF-8"},
		{"truncated UTF-8", "python = \"3.13\" # \xe2\x82", "1:19", "the file is not UTF-8"},
		{"UTF-16", "\xff\xfep\x00y\x00", "1:1", "the file is UTF-16, not UTF-8"},
		{"too big", strings.Repeat("# x\n", maxSize/4+1), "1:1", "the file is larger than 1 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse("Pyfile", []byte(c.data), nil)
			var errs Errors
			if f != nil || !errors.As(err, &errs) || len(errs) != 1 {
				t.Fatalf("got %v, %v", f, err)
			}
			e := errs[0]
			if at := fmt.Sprintf("%d:%d", e.Range.Start.Line, e.Range.Start.Col); at != c.at || e.Msg != c.want || e.Hint == "" {
				t.Errorf("got %s %q hint %q, want %s %q", at, e.Msg, e.Hint, c.at, c.want)
			}
		})
	}
}

// The columns are for tools; BuildKit shows lines. They point at the value when the value is wrong, else at the key.
func TestErrorsPointAtTheBytes(t *testing.T) {
	const bom = "\uFEFF"
	for _, c := range []struct{ data, want string }{
		{"python = 3.13\n", "1:10-1:14"},
		{bom + "python = 3.13\n", "1:13-1:17"},
		{"# é\n\"pythön\" = 1\n", "2:1-2:10"},
		{"[dependencies]\ngroups = [\"a\", 7]", "2:16-2:17"},
		{"cmd = \"a\"\r\n", "1:7-1:10"},
		{"cmd = [\n  [1],\n]\n", "1:7-3:2"},
		{"env = {A = 1}\n", "1:12-1:13"},
		{"app.instal = 1\n", "1:5-1:11"},
		{"python = \"3.13\"\npython   = \"3.12\"\n", "2:1-2:7"},
		{"[healthcheck]\n", "1:2-1:13"},
		{"user = nonroot\n", "1:8-1:11"},
		{"cmd = [\"a\"", "1:10-1:11"},
		{"workdir = \"\"\"\n\"\"\"\n", "1:11-2:4"},
	} {
		_, err := Parse("Pyfile", []byte(c.data), nil)
		var errs Errors
		if !errors.As(err, &errs) {
			t.Errorf("%q: %v", c.data, err)
			continue
		}
		r := errs[0].Range
		if got := rangeText(r); got != c.want {
			t.Errorf("%q: %s: got %s, want %s", c.data, errs[0].Msg, got, c.want)
		}
	}
}

func rangeText(r Range) string {
	return fmt.Sprintf("%d:%d-%d:%d", r.Start.Line, r.Start.Col, r.End.Line, r.End.Col)
}

// A password must not get from the file into a message, wherever it was put.
func TestNoMessageRepeatsACredential(t *testing.T) {
	const address = "https://bob:hunter2@packages.example/simple"
	for _, data := range []string{
		"[index.a]\nurl = \"" + address + "\"\n",
		"[index.a]\nurl = [\"" + address + "\"]\n",
		"[index.a]\nurl = " + address + "\n",
		"[index.a]\nurl = \"https://bob:hun ter2@packages.example/%zz\"\n",
		"[index.a]\nurl = \"https:/bob:hunter2@packages.example\"\n",
		"[index.a]\nurl = \"https://packages.example?token=hunter2\"\n",
		"[index.a]\nurl = \"${A}\"\n[args]\nA = \"" + address + "\"\n",
		"[index]\nurl = \"" + address + "\"\n",
		"index = \"" + address + "\"\n",
		"index-url = \"" + address + "\"\n",
		"base = \"" + address + "\"\n",
		"user = \"" + address + "\"\n",
		"python = [\"" + address + "\"]\n",
		"cmd = \"pip --index-url " + address + "\"\n",
		"[dependencies]\ngroups = \"" + address + "\"\nlock = \"/" + address + "\"\nextras = [\"" + address + "\"]\n",
		"[dependencies]\nfrom-source = \"x @ " + address + "\"\n",
		"[app]\ninstall = \"" + address + "\"\n",
	} {
		f, err := Parse("Pyfile", []byte(data), nil)
		if err == nil {
			t.Errorf("%q was taken: %v", data, f)
			continue
		}
		if text := err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "ter2") {
			t.Errorf("%q: %s", data, text)
		}
	}
}
