//go:build differential

package python

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// packagingVersion is the release of the library "packaging" that answers are compared with, and pipVersion that of pip, which is
// asked about the file names of old source distributions.
const (
	packagingVersion = "26.3"
	pipVersion       = "26.2"
)

// question is one case: a function of testdata/oracle.py with its arguments, and our answer in the same form.
type question struct {
	Kind string `json:"kind"`
	Args []any  `json:"args"`
	ours func() (string, error)
}

// text is the first argument of most kinds.
func (q question) text() string {
	text, _ := q.Args[0].(string)
	return text
}

// difference is a place where our answer differs from packaging's on purpose.
type difference struct {
	reason  string
	excuses func(q question, err error) bool // err is our refusal
	example question                         // must differ in this way, so that the table cannot outlive its reasons
}

// refusal excuses what we refuse with the message and packaging accepts.
func refusal(message string) func(question, error) bool {
	return func(_ question, err error) bool { return err != nil && strings.Contains(err.Error(), message) }
}

// beyondASCII excuses questions of a kind about other letters than those of ASCII.
func beyondASCII(kind, part string) func(question, error) bool {
	return func(q question, _ error) bool {
		return q.Kind == kind && strings.Contains(q.text(), part) && strings.ContainsFunc(q.text(), func(r rune) bool { return r >= utf8.RuneSelf })
	}
}

// differences is the one list of known differences.
var differences = []difference{
	{
		"the specification allows only membership for sets; packaging answers with what Python does for a string and a set",
		refusal(" is a set, want "), ask("marker", `"x" != extras`),
	},
	{
		"the specification knows only a variable against a string; packaging takes the name on the right for a string",
		refusal(" is compared with the variable "), ask("marker", `os_name != sys_platform`),
	},
	{
		"a string may be an accident of quoting; packaging takes a string on the right for the name of a variable",
		refusal("two strings are compared"), ask("marker", `"posix" == "os_name"`),
	},
	{
		"the specification has no escapes; packaging reads those of Python",
		refusal(" is not allowed in a string"), ask("marker", `os_name == "p\x6fsix"`),
	},
	{
		"the stack is bounded on purpose; packaging's bound is Python's",
		refusal("more than 100 parentheses"), ask("marker", strings.Repeat("(", 101)+`os_name == "posix"`+strings.Repeat(")", 101)),
	},
	{
		"=== compares ASCII letters in any case, so that no version of Unicode has a say; packaging compares all letters so",
		beyondASCII("marker", "==="), ask("marker", `platform_release === "É"`),
	},
	{
		"the specification wants a letter or digit at the end of a name; packaging lets an underscore pass",
		refusal(" is not a name, want a letter or digit at both ends"), ask("requirement", "name_"),
	},
	{
		"numbers are Go's int; Python's have no bound",
		refusal("has a number that is too large"), ask("version", "1.99999999999999999999"),
	},
	{
		"packaging's expression for ~= takes the long s for an s; the specifier then fails when it is asked about a version",
		refusal(`"1.0.poſt1" is not a version`), ask("specifiers", "~=1.0.poſt1"),
	},
	{
		"packaging does not mind a path in the tags of a wheel",
		refusal("must be a name, not a path"), ask("wheel", "a-1-py3-none-x/any.whl"),
	},
	{
		"packaging does not mind a path in the name of a source distribution",
		refusal("must be a name, not a path"), ask("sdist", "../a-1.tar.gz"),
	},
	{
		"file names in an index are printable ASCII; packaging lets other letters pass in the name of a wheel",
		refusal("must be printable ASCII"), ask("wheel", "é-1-py3-none-any.whl"),
	},
	{
		"packaging drops what follows a new line in the build tag of a wheel",
		refusal("must be printable ASCII"), ask("wheel", "a-1-1a\nb-py3-none-any.whl"),
	},
	{
		"file names in an index are printable ASCII; packaging lets anything pass in the name of a source distribution",
		refusal("must be printable ASCII"), ask("sdist", "é-1.tar.gz"),
	},
	{
		"a file name that is a path is refused; pip has cut the path off before it asks",
		func(q question, _ error) bool { return q.Kind == "sdist_of" && fileNameProblem(q.text()) != "" },
		askSdistOf("a/b-1.0.tar.gz", "a/b"),
	},
	{
		"names are ASCII, so other letters are left alone: no other name may turn into one of ASCII, as the Kelvin sign would",
		beyondASCII("name", ""), ask("name", "Kivy"),
	},
}

func TestKnownDifferencesFromPackagingStillDiffer(t *testing.T) {
	questions := make([]question, len(differences))
	for i, d := range differences {
		questions[i] = d.example
	}
	for i, theirs := range askPackaging(t, questions) {
		d := differences[i]
		ours, err := d.example.ours()
		if err != nil {
			ours = "error"
		}
		if ours == theirs || theirs == "error" || !d.excuses(d.example, err) {
			t.Errorf("%q: ours %q, %v; packaging %q; not the difference that is listed: %s", d.example.Args, ours, err, theirs, d.reason)
		}
	}
}

// least is how many questions of each kind are asked.
var least = map[string]int{
	"version": 6000, "compare": 6000, "specifiers": 5000, "contains": 6000, "keep": 6000, "requires": 2000,
	"marker": 12000, "context": 2000, "extra": 2000, "requirement": 6000, "name": 3000,
	"wheel": 4000, "sdist": 3000, "sdist_of": 3000, "tag_list": 500, "best": 400,
}

func TestAnswersEqualPackagings(t *testing.T) {
	questions := generate()
	answers := askPackaging(t, questions)
	type tally struct{ asked, refused, excused int }
	tallies := make(map[string]tally)
	given := make(map[string]map[string]int)
	failures := 0
	for i, q := range questions {
		n := tallies[q.Kind]
		n.asked++
		ours, err := q.ours()
		if err != nil {
			ours = "error"
			n.refused++
		}
		if ours != answers[i] {
			if slices.ContainsFunc(differences, func(d difference) bool { return d.excuses(q, err) }) {
				n.excused++
			} else if failures++; failures <= 50 {
				t.Errorf("%s %q:\nours      %s (%v)\npackaging %s", q.Kind, q.Args, from(ours, answers[i]), err, from(answers[i], ours))
			}
		}
		tallies[q.Kind] = n
		if given[q.Kind] == nil {
			given[q.Kind] = make(map[string]int)
		}
		given[q.Kind][ours]++
	}
	if failures > 50 {
		t.Errorf("%d more differences", failures-50)
	}
	// A generator that makes nothing but nonsense, or nothing but sense, would prove nothing.
	for _, kind := range slices.Sorted(maps.Keys(least)) {
		n := tallies[kind]
		t.Logf("%-11s %6d asked, %5d refused, %4d known differences, %5d answers", kind, n.asked, n.refused, n.excused, len(given[kind]))
		if n.asked < least[kind] || n.refused*2 > n.asked || n.excused*20 > n.asked {
			t.Errorf("%s: the questions are too few or too wild", kind)
		}
		for ours, count := range given[kind] {
			if count*100 > n.asked*85 {
				t.Errorf("%s: the answer to %d of %d questions is %q", kind, count, n.asked, ours)
			}
		}
	}
}

// from cuts a long answer down to the place where it starts to differ from the other.
func from(answer, other string) string {
	same := 0
	for same < min(len(answer), len(other)) && answer[same] == other[same] {
		same++
	}
	if same < 200 {
		return answer
	}
	return fmt.Sprintf("...%.300s (byte %d)", answer[same-100:], same)
}

// askPackaging lets the real library answer.
func askPackaging(t *testing.T, questions []question) []string {
	t.Helper()
	var envs []map[string]any
	for _, e := range environments {
		envs = append(envs, packagingEnvironment(e))
	}
	input, err := json.Marshal(map[string]any{"environments": envs, "cases": questions})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(packagingPython(t), "-I", "-W", "ignore", filepath.Join("testdata", "oracle.py"))
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []string
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions: %v", len(answers), len(questions), err)
	}
	return answers
}

// packagingPython returns a Python that has the library. It is made once and kept in the user's cache.
func packagingPython(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	dir := filepath.Join(cache, "pyfile", "packaging-"+packagingVersion+"-pip-"+pipVersion)
	python := filepath.Join(dir, "bin", "python")
	works := func() bool {
		out, err := exec.Command(python, "-I", "-c", "import packaging, pip; print(packaging.__version__, pip.__version__)").Output()
		return err == nil && strings.TrimSpace(string(out)) == packagingVersion+" "+pipVersion
	}
	if works() {
		return python
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	// It appears under its name when it is complete, so that a test killed on the way leaves no half of it.
	fresh, err := os.MkdirTemp(filepath.Dir(dir), "packaging-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(fresh)
	for _, args := range [][]string{
		{"python3", "-m", "venv", fresh},
		{filepath.Join(fresh, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
			"packaging==" + packagingVersion, "pip==" + pipVersion},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	renameErr := os.Rename(fresh, dir)
	if !works() {
		t.Fatalf("%s has no packaging %s and pip %s: %v", dir, packagingVersion, pipVersion, renameErr)
	}
	return python
}
