//go:build differential

package python

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// generate makes the questions of the differential test, the same in every run.
func generate() []question {
	g := generator{rand.New(rand.NewPCG(2, 440))}
	var qs []question
	for range 6000 {
		qs = append(qs, ask("version", g.mutated(g.version(true))), ask("name", g.mutated(g.name())))
		qs = append(qs, g.compare(), g.contains())
	}
	for range 4000 {
		qs = append(qs, ask("specifiers", g.mutated(g.specifiers())))
		qs = append(qs, ask("wheel", g.mutated(g.wheel())), ask("sdist", g.mutated(g.sdist())))
	}
	envs := environments()
	for range 12000 {
		text := g.mutated(g.marker(2))
		env := pick(g, envs...)
		qs = append(qs, askIn("marker", text, env))
		// What we print must mean the same to others.
		if m, err := ParseMarker(text); err == nil {
			qs = append(qs, askIn("marker", m.String(), env))
		}
	}
	for range 6000 {
		text := g.mutated(g.requirement())
		env := pick(g, envs...)
		qs = append(qs, askIn("requirement", text, env))
		if r, err := ParseRequirement(text); err == nil {
			qs = append(qs, askIn("requirement", r.String(), env))
		}
	}
	for _, t := range targets() {
		qs = append(qs, question{
			Kind: "tag_list",
			Args: []any{packagingTarget(t)},
			ours: func() (string, error) { return joinTags(t.Tags()), nil },
		})
	}
	for range 400 {
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
	switch g.IntN(4) {
	case 0:
		return s[:at] + s[at+1:]
	case 1:
		return s[:at] + s[at:at+1] + s[at:]
	case 2:
		return s[:at] + pick(g, "-", "_", ".", "*", "+", "!", "(", ")", "[", "]", ",", ";", "=", "<", "~", " ", "\t", "'", `"`, "0", "a", "v", "@") + s[at:]
	}
	return s[at:]
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
		s += "+" + pick(g, "a", "1", "01", "ubuntu.1", "A-b_3", "1.a", "99999999999999999999", "1a")
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
		s += pick(g, "1", "1.0", "0.1", "1.1", "2.1.0", "1!1", "v1.1") + ".*"
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

// contains asks about a specifier and a version that is often the specifier's own with something added.
func (g generator) contains() question {
	text, number := g.specifiers(), g.version(false)
	if s, err := ParseSpecifiers(text); err == nil && g.chance(70) {
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
	return question{Kind: "contains", Args: []any{text, number}, ours: func() (string, error) {
		s, err := ParseSpecifiers(text)
		if err != nil {
			return "", err
		}
		v, err := ParseVersion(number)
		return fmt.Sprintf("%t %t", s.Contains(v, true), s.Contains(v, false)), err
	}}
}

func (g generator) name() string {
	return pick(g, "a", "Foo", "zope.interface", "B__c", "x-.y", "9Z", "typing_extensions") + g.maybe(20, "_", "-", ".", "-2", "_B")
}

// environments are targets and some that no target has.
func environments() []Environment {
	var envs []Environment
	for i, t := range targets() {
		e := t.Environment()
		e.Extra = [][]string{nil, {"foo-bar"}, {"X"}}[i%3]
		e.Extras = [][]string{nil, {"Foo.Bar", "x"}}[i%2]
		e.DependencyGroups = [][]string{{"dev"}, nil, {"X", "test"}}[i%3]
		e.PlatformRelease = []string{"", "6.1.0-18-amd64", "6.1.0", "6.12.38+deb13-amd64"}[i%4]
		e.PlatformVersion = []string{"", "#1 SMP Debian", "13"}[i%3]
		envs = append(envs, e)
	}
	odd := envs[0]
	odd.PythonFullVersion, odd.ImplementationVersion = "3.14.0a1+", "7.3.17"
	odd.ImplementationName, odd.PlatformPythonImplementation = "pypy", "PyPy"
	empty := Environment{}
	return append(envs, odd, empty)
}

func (g generator) comparison() string {
	quote := func(s string) string {
		q := pick(g, `"`, `'`)
		return q + s + q
	}
	space := func() string { return g.maybe(85, " ", " ", "\t", "  ") }
	operators := []string{"==", "!=", "<", "<=", ">", ">=", "in", "not in"}
	l, op, r := "", "", ""
	switch g.IntN(10) {
	case 0, 1, 2:
		l = pick(g, "python_version", "python_full_version", "implementation_version", "platform_release")
		op = pick(g, append(operators, "~=", "===", "==", ">=", "<")...)
		r = quote(pick(g, "3.8", "3.13", "3.13.*", "3.13.5", "3.*", "3", "3.14.0rc1", "3.9, 3.13", "surprise", "", " 3.12 ", "=3.13", "6.1", "6.1.0-18-amd64", "3.14.0a1+local", "3.13.5+"))
	case 3:
		l = "extra"
		op = pick(g, append(operators, "==", "!=", "==")...)
		r = quote(pick(g, "foo-bar", "Foo_Bar", "x", "", "docs", "x foo.bar"))
	case 4:
		l, op, r = quote(pick(g, "x", "foo_bar", "dev", "X", "none")), pick(g, "in", "not in"), pick(g, "extras", "dependency_groups")
		return l + " " + op + " " + r
	default:
		l = pick(g, "os_name", "sys_platform", "platform_system", "platform_machine", "platform_version", "platform_python_implementation",
			"implementation_name", "os.name", "sys.platform", "platform.version", "platform.machine", "platform.python_implementation", "python_implementation")
		op = pick(g, append(operators, "==", "==", "!=")...)
		r = quote(pick(g, "posix", "nt", "linux", "win32", "Linux", "x86_64", "aarch64", "CPython", "cpython", "", "posix linux x86_64", "13", "3.13", "ä"))
		if g.chance(2) {
			op = pick(g, "~=", "===")
		}
	}
	if g.chance(25) {
		l, r = r, l
	}
	if strings.HasSuffix(op, "in") {
		return l + " " + op + " " + r
	}
	return l + space() + op + space() + r
}

func (g generator) marker(depth int) string {
	s := g.operand(depth)
	for g.chance(45) {
		s += pick(g, " and ", " or ") + g.operand(depth)
	}
	return s
}

func (g generator) operand(depth int) string {
	if depth > 0 && g.chance(30) {
		return "(" + g.maybe(20, " ") + g.marker(depth-1) + g.maybe(20, " ") + ")"
	}
	return g.comparison()
}

func (g generator) requirement() string {
	s := g.maybe(5, " ") + g.name() + g.maybe(10, " ")
	if g.chance(30) {
		s += "[" + g.maybe(20, " ") + g.maybe(90, "x", "a,b", "A_b , c", "x,x") + "]" + g.maybe(20, " ")
	}
	url := g.chance(15)
	switch {
	case url:
		s += pick(g, "@ ", " @", " @ ") + pick(g, "https://index.example/a-1.0.zip", "git+ssh://host.example/a@v1#egg=a;b", "../dir")
	case g.chance(15):
		s += "(" + g.specifiers() + ")"
	case g.chance(70):
		s += g.specifiers()
	}
	if g.chance(40) {
		if url {
			s += " "
		}
		s += ";" + g.maybe(70, " ") + g.marker(1)
	}
	return s + g.maybe(5, " ")
}

func (g generator) tags() string {
	several := func(percent int, of ...string) string {
		s := pick(g, of...)
		for g.chance(percent) {
			s += "." + pick(g, of...)
		}
		return s
	}
	return several(15, "py3", "py2", "cp313", "CP312", "cp39", "cp314", "py313", "pp310", "cp38") + "-" +
		several(10, "none", "none", "abi3", "abi3t", "cp313", "cp312", "cp313t", "cp314t") + "-" +
		several(30, "any", "any", "linux_x86_64", "manylinux_2_17_x86_64", "manylinux2014_aarch64", "manylinux_2_28_aarch64",
			"manylinux1_x86_64", "manylinux_2_42_x86_64", "musllinux_1_2_x86_64", "musllinux_1_1_aarch64", "macosx_11_0_arm64", "win_amd64", "linux_armv7l")
}

func (g generator) wheel() string {
	name := strings.NewReplacer("-", "_").Replace(g.name())
	return name + "-" + strings.ReplaceAll(g.version(false), "-", "_") + g.maybe(20, "-1", "-2a", "-10", "-01") + "-" + g.tags() + ".whl"
}

func (g generator) sdist() string {
	return g.name() + "-" + strings.ReplaceAll(g.version(false), "-", "_") + pick(g, ".tar.gz", ".tar.gz", ".zip")
}

func targets() []Target {
	var ts []Target
	for _, python := range []string{"3.13.5", "3.14.0rc1", "3.9.0", "3.12.11", "3.15.0a1", "3.7.17"} {
		for i, machine := range []string{"x86_64", "aarch64", "armv7l", "i686", "ppc64le", "s390x", "riscv64", "loongarch64", "armv6l"} {
			v, err := ParseVersion(python)
			if err != nil {
				panic(err)
			}
			libc := []Libc{{"glibc", 2, 41}, {"glibc", 2, 36}, {"musl", 1, 2}}
			ts = append(ts, Target{Python: v, Machine: machine, Libc: libc[i%3]}, Target{Python: v, Machine: machine, Libc: libc[(i+1)%3]})
			if v.Release()[1] >= 13 {
				ts = append(ts, Target{Python: v, Machine: machine, Libc: libc[(i+2)%3], FreeThreaded: true})
			}
		}
	}
	return ts
}

func packagingTarget(t Target) map[string]any {
	return map[string]any{
		"machine": t.Machine, "libc": t.Libc.Name, "major": t.Libc.Major, "minor": t.Libc.Minor,
		"free_threaded": t.FreeThreaded, "python_major": t.major(), "python_minor": t.minor(),
	}
}

func joinTags(tags []Tag) string {
	texts := make([]string, len(tags))
	for i, tag := range tags {
		texts[i] = tag.String()
	}
	return strings.Join(texts, " ")
}

func (g generator) best() question {
	t := pick(g, slices.DeleteFunc(targets(), func(t Target) bool { return t.Python.Compare(targets()[0].Python) != 0 })...)
	wheels := make([]string, 1+g.IntN(12))
	tags := g.tags()
	for i := range wheels {
		if g.chance(60) { // otherwise another build, or the same one again
			tags = g.tags()
		}
		wheels[i] = "a-1.0" + g.maybe(40, "-1", "-01", "-2", "-10", "-2b") + "-" + tags + ".whl"
	}
	return question{Kind: "best", Args: []any{wheels, packagingTarget(t)}, ours: func() (string, error) {
		if i, ok := BestWheel(wheels, t.Tags()); ok {
			return fmt.Sprint(i), nil
		}
		return "none", nil
	}}
}
