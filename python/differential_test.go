//go:build differential

package python

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// packagingVersion is the release of the library "packaging" that answers are compared with.
const packagingVersion = "26.3"

// question is one case: a function of testdata/oracle.py with its arguments, and our answer in the same form.
type question struct {
	Kind string `json:"kind"`
	Args []any  `json:"args"`
	ours func() (string, error)
}

// difference is a place where our answer differs from packaging's on purpose. We refuse what packaging accepts; the
// refusal is known by its message.
type difference struct {
	reason  string
	message string   // part of our error
	example question // must differ in this way, so that the table cannot outlive its reasons
}

var differences = []difference{
	{
		"the specification allows only membership for sets; packaging answers with what Python does for a string and a set",
		" is a set, want ", ask("marker", `"x" != extras`),
	},
	{
		"the specification knows only a variable against a string; packaging takes the name on the right for a string",
		" is compared with the variable ", ask("marker", `os_name != sys_platform`),
	},
	{
		"a string may be an accident of quoting; packaging takes a string on the right for the name of a variable",
		"two strings are compared", ask("marker", `"posix" == "os_name"`),
	},
	{
		"the specification has no escapes; packaging reads those of Python",
		" is not allowed in a string", ask("marker", `os_name == "p\x6fsix"`),
	},
	{
		"the stack is bounded on purpose; packaging's bound is Python's",
		"more than 100 parentheses", ask("marker", strings.Repeat("(", 101)+`os_name == "posix"`+strings.Repeat(")", 101)),
	},
	{
		"the specification wants a letter or digit at the end of a name; packaging lets an underscore pass",
		" is not a name, want a letter or digit at both ends", ask("requirement", "name_"),
	},
	{
		"numbers are Go's int; Python's have no bound",
		"has a number that is too large", ask("version", "1.99999999999999999999"),
	},
	{
		"packaging does not mind a path in the tags of a wheel",
		"must be a name, not a path", ask("wheel", "a-1-py3-none-x/any.whl"),
	},
	{
		"packaging does not mind a path in the name of a source distribution",
		"must be a name, not a path", ask("sdist", "../a-1.tar.gz"),
	},
	{
		"names of projects are ASCII; packaging lets other letters pass in a wheel's file name",
		"is not the name of a project", ask("wheel", "é-1-py3-none-any.whl"),
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
		if err == nil || !strings.Contains(err.Error(), d.message) || theirs == "error" {
			t.Errorf("%v: ours %q, %v; packaging %q; not the difference that is listed: %s", d.example.Args, ours, err, theirs, d.reason)
		}
	}
}

func TestAnswersEqualPackagings(t *testing.T) {
	questions := generate()
	answers := askPackaging(t, questions)
	type tally struct{ asked, refused, excused int }
	tallies := make(map[string]tally)
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
			if err != nil && slices.ContainsFunc(differences, func(d difference) bool { return strings.Contains(err.Error(), d.message) }) {
				n.excused++
			} else if failures++; failures <= 50 {
				t.Errorf("%s %q:\nours      %s (%v)\npackaging %s", q.Kind, q.Args, ours, err, answers[i])
			}
		}
		tallies[q.Kind] = n
	}
	if failures > 50 {
		t.Errorf("%d more differences", failures-50)
	}
	// A generator that makes nothing but nonsense, or nothing but sense, would prove nothing.
	for _, kind := range []string{"version", "compare", "specifiers", "contains", "marker", "requirement", "wheel", "sdist", "name", "tag_list", "best"} {
		n := tallies[kind]
		t.Logf("%-11s %6d asked, %5d refused, %4d known differences", kind, n.asked, n.refused, n.excused)
		if n.asked == 0 || n.refused*2 > n.asked || n.excused*20 > n.asked {
			t.Errorf("%s: the questions are too few or too wild", kind)
		}
	}
}

// ask makes a question of a kind whose first argument is a text.
func ask(kind, text string) question {
	q := question{Kind: kind, Args: []any{text}}
	switch kind {
	case "version":
		q.ours = func() (string, error) { return versionAnswer(text) }
	case "specifiers":
		q.ours = func() (string, error) {
			s, err := ParseSpecifiers(text)
			return sortedSpecifiers(s), err
		}
	case "marker", "requirement":
		return askIn(kind, text, environments()[0])
	case "wheel":
		q.ours = func() (string, error) { return wheelAnswer(text) }
	case "sdist":
		q.ours = func() (string, error) {
			name, version, err := ParseSdistName(text)
			return name + "|" + version, err
		}
	case "name":
		q.ours = func() (string, error) { return fmt.Sprintf("%s|%t", NormalizeName(text), ValidName(text)), nil }
	default:
		panic("no such kind: " + kind)
	}
	return q
}

// askIn makes a question whose answer depends on the environment.
func askIn(kind, text string, env Environment) question {
	q := question{Kind: kind, Args: []any{text, packagingEnvironment(env)}}
	if kind == "marker" {
		q.ours = func() (string, error) { return markerAnswer(text, env) }
	} else {
		q.ours = func() (string, error) { return requirementAnswer(text, env) }
	}
	return q
}

func versionAnswer(text string) (string, error) {
	v, err := ParseVersion(text)
	var release []string
	for _, n := range v.Release() {
		release = append(release, fmt.Sprint(n))
	}
	return fmt.Sprintf("%s|%s|%s|%s|%t", v, v.Public(), v.Local(), strings.Join(release, "."), v.IsPrerelease()), err
}

func sortedSpecifiers(s Specifiers) string {
	var each []string
	for _, spec := range s.list {
		each = append(each, Specifiers{[]specifier{spec}}.String())
	}
	slices.Sort(each)
	return strings.Join(slices.Compact(each), " ")
}

func markerAnswer(text string, env Environment) (string, error) {
	m, err := ParseMarker(text)
	if err != nil {
		return "", err
	}
	holds, err := m.Eval(env)
	return fmt.Sprint(holds), err
}

func requirementAnswer(text string, env Environment) (string, error) {
	r, err := ParseRequirement(text)
	if err != nil {
		return "", err
	}
	holds := "none"
	if !r.Marker.IsZero() {
		b, err := r.Marker.Eval(env)
		if err != nil {
			return "", err
		}
		holds = fmt.Sprint(b)
	}
	extras := slices.Clone(r.Extras)
	slices.Sort(extras)
	extras = slices.Compact(extras)
	return strings.Join([]string{r.Name, strings.Join(extras, " "), sortedSpecifiers(r.Specifiers), r.URL, holds}, "|"), nil
}

func wheelAnswer(filename string) (string, error) {
	w, err := ParseWheelName(filename)
	if err != nil {
		return "", err
	}
	var tags []string
	for _, tag := range w.Tags {
		tags = append(tags, tag.String())
	}
	slices.Sort(tags)
	build := w.Build
	if build != "" {
		number, rest := splitBuild(build)
		build = number + rest
	}
	return strings.Join([]string{w.Name, w.Version, build, strings.Join(slices.Compact(tags), " ")}, "|"), nil
}

func packagingEnvironment(e Environment) map[string]any {
	env := map[string]any{"extras": append([]string{}, e.Extras...), "dependency_groups": append([]string{}, e.DependencyGroups...)}
	env["extra"] = strings.Join(e.Extra, "") // packaging knows one at a time
	for v := osName; v < extra; v++ {
		env[v.String()] = e.value(v)
	}
	env["python_full_version"] = e.PythonFullVersion
	return env
}

// askPackaging lets the real library answer.
func askPackaging(t *testing.T, questions []question) []string {
	t.Helper()
	input, err := json.Marshal(questions)
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
	dir := filepath.Join(cache, "pyfile", "packaging-"+packagingVersion)
	python := filepath.Join(dir, "bin", "python")
	works := func() bool {
		out, err := exec.Command(python, "-I", "-c", "import packaging; print(packaging.__version__)").Output()
		return err == nil && strings.TrimSpace(string(out)) == packagingVersion
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
		{filepath.Join(fresh, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "packaging==" + packagingVersion},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	renameErr := os.Rename(fresh, dir)
	if !works() {
		t.Fatalf("%s has no packaging %s: %v", dir, packagingVersion, renameErr)
	}
	return python
}
