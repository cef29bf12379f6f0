//go:build differential

package python

import (
	"strings"
)

// environments are some that no target has, the first with a letter beyond ASCII and the second empty, and targets.
var environments = func() []Environment {
	v, err := ParseVersion("3.12.11")
	if err != nil {
		panic(err)
	}
	accent := Target{Python: v, Machine: "x86_64", Libc: Libc{"glibc", 2, 41}}.Environment()
	accent.PlatformRelease = "é"
	odd := accent
	odd.PythonFullVersion, odd.ImplementationVersion, odd.PlatformRelease = "3.14.0a1+", "7.3.17", "6.1"
	odd.ImplementationName, odd.PlatformPythonImplementation = "pypy", "PyPy"
	windows := Environment{
		OSName: "nt", SysPlatform: "win32", PlatformSystem: "Windows", PlatformMachine: "AMD64", PlatformRelease: "11", PlatformVersion: "10.0.26100",
		PlatformPythonImplementation: "CPython", ImplementationName: "cpython", ImplementationVersion: "3.11.0",
		PythonVersion: "3.11", PythonFullVersion: "3.11.0",
	}
	envs := []Environment{accent, {}, odd, windows}
	for i, t := range targets() {
		if i%20 != 0 {
			continue
		}
		i /= 20
		e := t.Environment()
		e.Extra = [][]string{nil, {"foo-bar"}, {"X"}, {"extra-4-demo-cpu"}}[i%4]
		e.Extras = [][]string{nil, {"Foo.Bar", "x"}}[i%2]
		e.DependencyGroups = [][]string{{"dev"}, nil, {"X", "test"}}[i%3]
		e.PlatformRelease = []string{"", "6.1.0-18-amd64", "6.1.0", "6.12.38+deb13-amd64", "5.15.167.4-microsoft-standard-WSL2"}[i%5]
		e.PlatformVersion = []string{"", "#1 SMP Debian", "13"}[i%3]
		envs = append(envs, e)
	}
	return envs
}()

// someEnvironments picks environments by their numbers.
func (g generator) someEnvironments() []int {
	some := make([]int, 4)
	for i := range some {
		some[i] = g.IntN(len(environments))
	}
	return some
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
		r = quote(pick(g, "3.8", "3.13", "3.13.*", "3.13.5", "3.*", "3", "3.14.0rc1", "3.9, 3.13", "surprise", "", " 3.12 ", "=3.13",
			"6.1", "6.1.0-18-amd64", "3.14.0a1+local", "3.13.5+",
			"3.10", "3.12", "3.9.0", "v3.12", "3.12.dev0", "1!3.12", "3.12 or 3.13", "3.9.post1", "3.15", "3.14.0rc1+x", "6.12.38+deb13-amd64", "*"))
	case 3:
		l = "extra"
		op = pick(g, append(operators, "==", "!=", "==")...)
		r = quote(pick(g, "foo-bar", "Foo_Bar", "x", "", "docs", "x foo.bar", "extra-4-demo-cpu", "group-4-demo-dev", "project-4-demo"))
	case 4:
		l, op, r = quote(pick(g, "x", "foo_bar", "dev", "X", "none", "")), pick(g, "in", "not in"), pick(g, "extras", "dependency_groups")
		if g.chance(3) { // undefined, whatever stands on the right
			return pick(g, "extras", "dependency_groups") + " " + pick(g, operators...) + " " + l
		}
		return l + " " + op + " " + r
	default:
		l = pick(g, "os_name", "sys_platform", "platform_system", "platform_machine", "platform_version", "platform_python_implementation",
			"implementation_name", "os.name", "sys.platform", "platform.version", "platform.machine",
			"platform.python_implementation", "python_implementation")
		op = pick(g, append(operators, "==", "==", "!=")...)
		r = quote(pick(g, "posix", "nt", "linux", "win32", "Linux", "x86_64", "aarch64", "CPython", "cpython",
			"", "posix linux x86_64", "13", "3.13", "ä"))
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
		s += pick(g, "@", "@ ", " @", " @ ", " @\t") + pick(g, "https://index.example/a-1.0.zip", "git+ssh://host.example/a@v1#egg=a;b", "../dir",
			"file:///a%20b.whl", "https://index.example/a.zip#sha256=00&subdirectory=b", "https://files.example/é.zip", "a\nb", "(x)", "[y]")
	case g.chance(15):
		s += "(" + g.maybe(20, " ") + g.maybe(90, g.specifiers()) + g.maybe(20, " ") + ")" + g.maybe(20, " ")
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

// extra compares several extras, as they are activated together in a lock.
func (g generator) extra() question {
	word := func() string { return pick(g, "a", "A_b", "a.b", "x", "extra-4-demo-cpu", "group-4-demo-dev", "") }
	names := []string{word()}
	for g.chance(60) {
		names = append(names, word())
	}
	l, r := "extra", `"`+word()+g.maybe(30, " ", "-x")+`"`
	if g.chance(30) {
		l, r = r, l
	}
	return askExtra(l+" "+pick(g, "==", "==", "!=", "in", "not in", "<", ">=", "~=")+" "+r, names)
}
