//go:build differential

package python

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// generate makes the questions of the differential test, the same in every run.
func generate() []question {
	g := generator{rand.New(rand.NewPCG(2, 440))}
	var qs []question
	for range 6000 {
		qs = append(qs, ask("version", g.mutated(g.version(true))), g.compare(), g.contains(), g.keep())
	}
	for range 5000 {
		qs = append(qs, ask("specifiers", g.mutated(g.specifiers())))
	}
	for range 2500 {
		qs = append(qs, ask("version", g.soup(versionWords...)), ask("specifiers", pick(g, operatorWords...)+g.soup(versionWords...)))
		qs = append(qs, askIn("marker", g.soup(markerWords...), g.someEnvironments()...), askIn("requirement", "a"+g.soup(requirementWords...), 0))
	}
	for range 3000 {
		qs = append(qs, ask("name", g.mutated(g.name())), g.requires(), g.sdistOf(), ask("sdist", g.mutated(g.sdist())))
	}
	for range 4000 {
		qs = append(qs, ask("wheel", g.mutated(g.wheel())))
	}
	for range 8000 {
		text := g.mutated(g.marker(3))
		envs := g.someEnvironments()
		qs = append(qs, askIn("marker", text, envs...))
		// What we print must mean the same to others.
		if m, err := ParseMarker(text); err == nil {
			qs = append(qs, askIn("marker", m.String(), envs...))
		}
	}
	for range 2000 {
		qs = append(qs, g.extra(), askContext(g.marker(1), pick(g, "metadata", "lock_file", "requirement")))
	}
	for range 6000 {
		text := g.mutated(g.requirement())
		envs := g.someEnvironments()
		qs = append(qs, askIn("requirement", text, envs...))
		if r, err := ParseRequirement(text); err == nil {
			qs = append(qs, askIn("requirement", r.String(), envs...))
		}
	}
	for _, t := range targets() {
		qs = append(qs, question{
			Kind: "tag_list",
			Args: []any{packagingTarget(t)},
			ours: func() (string, error) { return joinTags(t.Tags()), nil },
		})
	}
	for range 500 {
		qs = append(qs, g.best())
	}
	return qs
}

type generator struct{ *rand.Rand }

func pick[T any](g generator, of ...T) T { return of[g.IntN(len(of))] }

func (g generator) chance(percent int) bool { return g.IntN(100) < percent }

// maybe returns one of the texts, or with the rest of the percentage nothing.
func (g generator) maybe(percent int, of ...string) string {
	if g.chance(percent) {
		return pick(g, of...)
	}
	return ""
}

// mutated leaves most texts alone and damages some in one place.
func (g generator) mutated(s string) string {
	if s == "" || !g.chance(20) {
		return s
	}
	at := g.IntN(len(s))
	if s[at] >= utf8.RuneSelf { // not within a character
		return s
	}
	switch g.IntN(4) {
	case 0:
		return s[:at] + s[at+1:]
	case 1:
		return s[:at] + s[at:at+1] + s[at:]
	case 2:
		stray := pick(g, "-", "_", ".", "*", "+", "!", "(", ")", "[", "]", ",", ";", "=", "<", "~", " ", "\t", "'", `"`, "0", "a", "v", "@")
		return s[:at] + stray + s[at:]
	}
	return s[at:]
}

// The words that soups are made of. Most are no version, marker or requirement; where the line is drawn is what they ask.
var (
	versionWords = []string{
		"0", "1", "1", "02", ".", ".", ".", "-", "_", "+", "!", "v", "a", "rc", "c", "pre", "post", "r", "rev", "dev", "x", "*", " ",
	}
	operatorWords = []string{"~=", "==", "!=", "<=", ">=", "<", ">", "===", "=", "~", "!", ""}
	markerWords   = []string{
		"os_name", "os.name", "python_version", "extra", "extras", `"x"`, `"x"`, `'3.1'`, "==", ">=", "<", "~=", "in", "not", "not in",
		" ", " ", "\t", "and", "or", "(", ")", "'", `os_name == "x"`, `os_name == "x"`, `"3" <= python_version`, `"x" in extras`, ` and `, ` or `,
	}
	requirementWords = []string{
		"b", "-", "_", ".", "1", " ", "[x]", "[", "]", ",", "(", ")", ">=1", "==1.*", "===y", "~=1.0", ">=", "<2",
		"@", "@ b", " @ b ", ";", `; os_name == "x"`,
		`os_name == "x"`, "\t", "\n",
	}
)

// soup puts a few words together without sense.
func (g generator) soup(words ...string) string {
	s := ""
	for range 1 + g.IntN(6) {
		s += pick(g, words...)
	}
	return s
}

// version makes versions in a small space, so that equal and neighbouring ones are frequent.
func (g generator) version(wild bool) string {
	separator := func() string {
		if wild {
			return g.maybe(60, ".", "-", "_")
		}
		return ""
	}
	number := func() string { return pick(g, "0", "1", "1", "2", "3", "10", "01") }
	s := g.maybe(5, "0!", "1!") + number()
	for range g.IntN(4) {
		s += "." + number()
	}
	if g.chance(30) {
		s += separator() + pick(g, "a", "b", "rc", "c", "alpha", "beta", "pre", "preview", "RC") + separator() + g.maybe(80, "0", "1", "2")
	}
	if g.chance(25) {
		if wild && g.chance(30) {
			s += "-" + number()
		} else {
			s += pick(g, ".post", "post", "-r", ".rev", "POST") + separator() + g.maybe(80, "0", "1", "2")
		}
	}
	if g.chance(25) {
		s += pick(g, ".dev", "dev", "-DEV", "_dev") + separator() + g.maybe(80, "0", "1", "2")
	}
	if g.chance(20) {
		s += "+" + pick(g, "a", "1", "1.1", "a.1", "a.b", "01", "ubuntu.1", "A-b_3", "1.a", "99999999999999999999", "1a")
	}
	if wild {
		s = g.maybe(5, "v", "V", " ", "\n", "\u00a0") + s + g.maybe(5, " ", "\t", "\x1e")
	}
	return s
}

func (g generator) specifier() string {
	op := pick(g, "~=", "==", "==", "!=", "<=", ">=", "<", ">", "===")
	s := op + g.maybe(20, " ", "  ")
	switch {
	case (op == "==" || op == "!=") && g.chance(40):
		s += pick(g, "1", "1.0", "0.1", "1.1", "2.1.0", "1!1", "v1.1", "0", "1.0.0", "01.1") + ".*"
	case op == "===" && g.chance(50):
		s += pick(g, "1.0", "1.0.0", "foo", "1.0RC1", "", "1_x")
	case op == "==" || op == "!=" || g.chance(5):
		s += g.version(false)
	default:
		v, _, _ := strings.Cut(g.version(false), "+")
		s += v
	}
	return s
}

func (g generator) specifiers() string {
	parts := make([]string, g.IntN(3)+1)
	for i := range parts {
		parts[i] = g.specifier()
	}
	return strings.Join(parts, pick(g, ",", ", ", " , ")) + g.maybe(5, ",")
}

func (g generator) compare() question {
	a, b := g.version(false), g.version(false)
	return question{Kind: "compare", Args: []any{a, b}, ours: func() (string, error) {
		v, err := ParseVersion(a)
		if err != nil {
			return "", err
		}
		w, err := ParseVersion(b)
		return fmt.Sprint(v.Compare(w)), err
	}}
}

// near makes a version that is often the specifiers' own with something added.
func (g generator) near(text string) string {
	number := g.version(false)
	if s, err := ParseSpecifiers(text); err == nil && len(s.list) > 0 && g.chance(70) {
		near := pick(g, s.list...).version.String()
		if last := strings.LastIndexAny(near, "0123456789"); last >= 0 && g.chance(30) {
			near = near[:last] + pick(g, "0", "1", "2", "3") + near[last+1:]
		} else if near != "" {
			near += pick(g, "", ".0", ".1", "a1", ".post1", ".dev0", ".dev1", "+x", ".post1.dev1")
		}
		if _, err := ParseVersion(near); err == nil {
			number = near
		}
	}
	return number
}

// contains asks whether specifiers admit one version, with pre-releases, without, and by default.
func (g generator) contains() question {
	text := g.specifiers()
	number := g.near(text)
	return question{Kind: "contains", Args: []any{text, number}, ours: func() (string, error) {
		s, err := ParseSpecifiers(text)
		if err != nil {
			return "", err
		}
		v, err := ParseVersion(number)
		byDefault := len(s.Filter([]Version{v}, PrereleasesIfNeeded)) == 1
		return fmt.Sprintf("%t %t %t", s.Contains(v, true), s.Contains(v, false), byDefault), err
	}}
}

// keep asks which of several versions specifiers keep.
func (g generator) keep() question {
	text := g.maybe(90, g.specifier(), g.specifiers())
	numbers := make([]string, 1+g.IntN(6))
	for i := range numbers {
		numbers[i] = g.near(text)
	}
	p := pick(g, PrereleasesIfNeeded, PrereleasesIfNeeded, PrereleasesAllowed, PrereleasesExcluded)
	theirs := map[Prereleases]any{PrereleasesIfNeeded: nil, PrereleasesAllowed: true, PrereleasesExcluded: false}[p]
	return question{Kind: "keep", Args: []any{text, numbers, theirs}, ours: func() (string, error) {
		s, err := ParseSpecifiers(text)
		if err != nil {
			return "", err
		}
		var versions []Version
		for _, n := range numbers {
			v, err := ParseVersion(n)
			if err != nil {
				return "", err
			}
			versions = append(versions, v)
		}
		var kept []string
		for _, v := range s.Filter(versions, p) {
			kept = append(kept, v.String())
		}
		return strings.Join(kept, " "), nil
	}}
}

// requires asks whether a Python is one that a Requires-Python allows. As pip does, packaging is asked about its three numbers.
func (g generator) requires() question {
	operator := func() string { return pick(g, ">=", ">=", ">", "<", "<=", "!=", "~=", "==") }
	text := ""
	for range g.IntN(3) + 1 {
		number := pick(g, "3.8", "3.9", "3.10", "3.13", "3.13.5", "3.14", "3.15", "3.15.0rc1", "4.0")
		op := operator()
		if op == "==" || op == "!=" {
			number += g.maybe(60, ".*")
		}
		text += g.maybe(30, " ") + op + g.maybe(20, " ") + number + ","
	}
	numbers := pick(g, "3.9.0", "3.10.4", "3.13.5", "3.13.0", "3.14.1", "3.15.0")
	suffix := g.maybe(30, "rc1", "a2", "b3")
	text = strings.TrimSuffix(text, ",")
	return question{Kind: "requires", Args: []any{text, numbers}, ours: func() (string, error) {
		s, err := ParseSpecifiers(text)
		if err != nil {
			return "", err
		}
		v, err := ParseVersion(numbers + suffix)
		return fmt.Sprint(Target{Python: v}.Satisfies(s)), err
	}}
}

func (g generator) name() string {
	return pick(g, "a", "Foo", "zope.interface", "B__c", "x-.y", "9Z", "typing_extensions") + g.maybe(20, "_", "-", ".", "-2", "_B")
}
