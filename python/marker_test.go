package python

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// trixie is the target most tests use.
func trixie(t testing.TB) Target {
	return Target{Python: mustVersion(t, "3.13.5"), Machine: "x86_64", Libc: Libc{"glibc", 2, 41}}
}

func TestMarkerEval(t *testing.T) {
	env := trixie(t).Environment()
	env.PlatformRelease = "6.1.0-18-amd64"
	env.PlatformVersion = "#1 SMP Debian"
	env.Extra = []string{"Foo_Bar", "tls"}
	env.Extras = []string{"Cli.x"}
	env.DependencyGroups = []string{"test"}
	for _, c := range []struct {
		marker string
		want   bool
	}{
		{`os_name == "posix"`, true},
		{`"posix" == os_name`, true},
		{`sys_platform == 'win32'`, false},
		{`sys_platform != "win32"`, true},
		{`sys_platform == "Linux"`, false},
		{`"lin" in sys_platform`, true},
		{`sys_platform in "linux darwin"`, true},
		{`sys_platform not in "win32 darwin"`, true},
		{`platform_machine >= "x86_64"`, true},
		{`platform_machine <= "x86_64"`, true},
		{`platform_machine > "a"`, false},
		{`platform_machine < "z"`, false},

		{`python_version >= "3.9"`, true},
		{`python_version < "3.10"`, false},
		{`python_version<"3.13"`, false},
		{`python_version == "3.13.0"`, true},
		{`python_version == "3.*"`, true},
		{`python_version ~= "3.12"`, true},
		{`python_version === "3.13"`, true},
		{`python_version === "3.13.0"`, false},
		{`"3.9" <= python_version`, true},
		{`"3.14" <= python_version`, false},
		{`python_full_version < "3.13.6"`, true},
		{`python_full_version >= "3.13.5"`, true},
		{`python_version in "3.12, 3.13"`, true},
		{`python_version not in "3.0, 3.1"`, true},
		{`python_version > "surprise"`, false},
		{`python_version == "surprise"`, false},
		{`python_version != "surprise"`, true},
		{`implementation_version >= "3.13.4"`, true},
		{`platform_release >= "5"`, false}, // no version, so no comparison holds
		{`platform_release == "6.1.0-18-amd64"`, true},
		{`platform_release != "5"`, false},
		{`"-18-" in platform_release`, true},
		{`"SMP" in platform_version`, true},

		{`os.name == "posix" and sys.platform == "linux"`, true},
		{`platform.machine == "x86_64" and platform.version != "" and platform.python_implementation == "CPython"`, true},
		{`python_implementation == "CPython"`, true},

		{`extra == "foo-bar"`, true},
		{`extra == "FOO.bar"`, true},
		{`"tls" == extra`, true},
		{`extra == "docs"`, false},
		{`extra != "docs"`, true},
		{`extra != "tls"`, false},
		{`extra == "foo-bar" and extra == "tls"`, true},
		{`extra in "tls docs"`, true},
		{`extra not in "docs"`, true},
		{`"cli-x" in extras`, true},
		{`"CLI_X" in extras`, true},
		{`"cli" in extras`, false},
		{`"cli" not in extras`, true},
		{`"test" in dependency_groups`, true},
		{`"docs" in dependency_groups or "test" in dependency_groups`, true},

		{`os_name == "x" and os_name == "y" or os_name == "posix"`, true},
		{`os_name == "posix" or os_name == "x" and os_name == "y"`, true},
		{`(os_name == "posix" or os_name == "x") and os_name == "y"`, false},
		{`((os_name == "posix"))and(sys_platform=="linux")`, true},
	} {
		m, err := ParseMarker(c.marker)
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := m.Eval(env); err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", c.marker, got, err, c.want)
		}
	}
}

func TestMarkerEvalWithoutExtras(t *testing.T) {
	env := trixie(t).Environment()
	for marker, want := range map[string]bool{
		`extra == "x"`: false, `extra != "x"`: true, `extra == ""`: true, `"x" in extras`: false, `"x" not in dependency_groups`: true,
	} {
		m, err := ParseMarker(marker)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.Eval(env); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", marker, got, err, want)
		}
	}
}

func TestMarkerEvalAcceptsThePythonOfACheckout(t *testing.T) {
	env := trixie(t).Environment()
	env.PythonFullVersion = "3.14.0+"
	m, err := ParseMarker(`python_full_version >= "3.14" and python_full_version === "3.14.0+local"`)
	if err != nil {
		t.Fatal(err)
	}
	if holds, err := m.Eval(env); !holds || err != nil {
		t.Errorf("%v, %v", holds, err)
	}
}

func TestMarkerEvalRefusesUndefinedComparisons(t *testing.T) {
	env := trixie(t).Environment()
	for _, c := range []struct{ marker, want string }{
		{`os_name ~= "posix"`, `marker operator ~= cannot compare os_name "posix" with "posix", only versions`},
		{`python_version ~= "surprise"`, `marker operator ~= cannot compare python_version "3.13" with "surprise", only versions`},
		{`extra === "x"`, `marker operator === cannot compare extra "" with "x", only versions`},
		{`os_name == "posix" or os_name === "x"`, `marker operator === cannot compare os_name "posix" with "x", only versions`},
		{`os_name == "nt" and os_name === "x"`, `marker operator === cannot compare os_name "posix" with "x", only versions`},
	} {
		m, err := ParseMarker(c.marker)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Eval(env); fmt.Sprint(err) != c.want {
			t.Errorf("%s: %v; want %s", c.marker, err, c.want)
		}
	}
}

func TestParseMarkerRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, `marker "", column 1: expected a variable or a quoted string, found the end`},
		{`os_nam == "nt"`, `marker "os_nam == \"nt\"", column 1: unknown variable "os_nam", want one of os_name, sys_platform, platform_system, `},
		{`python_versions >= "3"`, `marker "python_versions >= \"3\"", column 1: unknown variable "python_versions"`},
		{`os_name = "nt"`, `marker "os_name = \"nt\"", column 9: expected ==, !=, <=, >=, <, >, ~=, ===, in or not in, found "="`},
		{`os_name == nt`, `marker "os_name == nt", column 12: unknown variable "nt"`},
		{`os_name == "nt`, `marker "os_name == \"nt", column 12: the string is not closed, want " at its end`},
		{`os_name == 'n\t'`, `marker "os_name == 'n\\t'", column 14: character '\\' is not allowed in a string`},
		{`os_name == sys_platform`, `marker "os_name == sys_platform", column 1: os_name is compared with the variable sys_platform, want a string like "x"`},
		{`"a" == "b"`, `marker "\"a\" == \"b\"", column 1: two strings are compared, want a variable like python_version on one side`},
		{`(os_name == "nt"`, `marker "(os_name == \"nt\"", column 17: expected "and", "or" or ")", found the end`},
		{`os_name == "nt")`, `marker "os_name == \"nt\")", column 16: expected "and", "or" or the end, found ")"`},
		{`os_name == "nt" and`, `marker "os_name == \"nt\" and", column 20: expected a variable or a quoted string, found the end`},
		{`os_name == "nt" xor os_name == "x"`, `marker "os_name == \"nt\" xor os_name == \"x\"", column 17: expected "and", "or" or the end, found "x"`},
		{`os_name not "nt"`, `marker "os_name not \"nt\"", column 13: expected "in" after "not", found "\""`},
		{`os_name not`, `marker "os_name not", column 12: expected "in" after "not", found the end`},
		{`extras == "x"`, `marker "extras == \"x\"", column 1: extras is a set, want "x" in extras or "x" not in extras`},
		{`dependency_groups in "x"`, `marker "dependency_groups in \"x\"", column 1: dependency_groups is a set, want "x" in dependency_groups`},
		{`os_name == "é" and ö`, `marker "os_name == \"é\" and ö", column 21: unknown variable "ö"`},
		{`os_name ä "x"`, `marker "os_name ä \"x\"", column 9: expected ==, !=, <=, >=, <, >, ~=, ===, in or not in, found "ä"`},
		{strings.Repeat("(", 101) + `os_name == "x"` + strings.Repeat(")", 101),
			`marker "` + strings.Repeat("(", 101) + `os_name == \"x\"` + strings.Repeat(")", 101) + `", column 101: more than 100 parentheses within each other`},
	} {
		_, err := ParseMarker(c.in)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("ParseMarker(%q):\n%v; want\n%s", c.in, err, c.want)
		}
	}
}

func TestMarkerString(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`os.name=='nt'`, `os_name == "nt"`},
		{`'nt'==os_name`, `"nt" == os_name`},
		{`python_implementation not   in 'a"b'`, `platform_python_implementation not in 'a"b'`},
		{`extra == 'Foo_Bar'`, `extra == "foo-bar"`},
		{`((os_name == "a"))`, `os_name == "a"`},
		{`(os_name == "a" and os_name == "b") and os_name == "c"`, `os_name == "a" and os_name == "b" and os_name == "c"`},
		{`(os_name == "a" or os_name == "b") and os_name == "c"`, `(os_name == "a" or os_name == "b") and os_name == "c"`},
		{`(os_name == "a" and os_name == "b") or os_name == "c"`, `os_name == "a" and os_name == "b" or os_name == "c"`},
		{`os_name == "a" or (os_name == "b" or os_name == "c")`, `os_name == "a" or os_name == "b" or os_name == "c"`},
	} {
		m, err := ParseMarker(c.in)
		if err != nil || m.String() != c.want {
			t.Errorf("ParseMarker(%q) = %s, %v; want %s", c.in, m, err, c.want)
		}
	}
}

func TestMarkerExtras(t *testing.T) {
	m, err := ParseMarker(`extra == "B_b" and os_name == "x" or ("a" != extra or extra == 'b-b') and "c" in extras`)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Extras(); !slices.Equal(got, []string{"b-b", "a"}) {
		t.Errorf("Extras() = %q", got)
	}
}

func TestMarkerVariables(t *testing.T) {
	m, err := ParseMarker(`extra == "b" and os.name == "x" or ("a" != extra or python_implementation == 'x') and "c" in extras`)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Variables(); !slices.Equal(got, []string{"extra", "os_name", "platform_python_implementation", "extras"}) {
		t.Errorf("Variables() = %q", got)
	}
	if got := (Marker{}).Variables(); got != nil {
		t.Errorf("the zero Marker has %q", got)
	}
}

func TestZeroMarkerAlwaysHolds(t *testing.T) {
	var m Marker
	holds, err := m.Eval(Environment{})
	if !holds || err != nil || !m.IsZero() || m.String() != "" || m.Extras() != nil {
		t.Errorf("zero Marker: %v, %v, %q, %q", holds, err, m, m.Extras())
	}
}

func FuzzMarker(f *testing.F) {
	for _, s := range []string{
		`python_version >= "3.9" and (os_name == 'nt' or "x" in extras)`,
		`extra == "Foo" or "3.8" <= python_full_version and platform.machine not in "a b"`,
		`((((implementation_version ~= "3.1"))))`,
		`python_version > "=3" or platform_release === "a"`,
		`"g" not in dependency_groups and os_name == 'a"b'`,
	} {
		f.Add(s)
	}
	env := trixie(f).Environment()
	env.Extra = []string{"foo"}
	env.Extras = []string{"x"}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseMarker(s)
		if err != nil {
			return
		}
		b, err := ParseMarker(a.String())
		if err != nil || a.String() != b.String() {
			t.Fatalf("%q is %q, which reads as %q, %v", s, a, b, err)
		}
		for _, e := range []Environment{env, {}} {
			aHolds, aErr := a.Eval(e)
			bHolds, bErr := b.Eval(e)
			if aHolds != bHolds || fmt.Sprint(aErr) != fmt.Sprint(bErr) {
				t.Fatalf("%q: %v, %v; %q: %v, %v", s, aHolds, aErr, a, bHolds, bErr)
			}
		}
		if !slices.Equal(a.Extras(), b.Extras()) {
			t.Fatalf("%q has extras %q, %q has %q", s, a.Extras(), a, b.Extras())
		}
		if r, err := ParseRequirement("name ; " + s); err != nil || r.Marker.String() != a.String() {
			t.Fatalf("%q is not the same in a requirement: %q, %v", s, r.Marker, err)
		}
	})
}

// BenchmarkMarkerEval parses and evaluates the markers of a lock of 300 packages, ten for each.
func BenchmarkMarkerEval(b *testing.B) {
	texts := []string{
		`python_full_version < '3.11' and sys_platform == 'win32'`,
		`platform_machine == 'aarch64' and platform_python_implementation == 'CPython' and sys_platform == 'linux'`,
		`(python_full_version >= '3.12' and platform_machine != 's390x') or sys_platform == 'darwin'`,
		`extra == 'extra-4-demo-cpu' or (extra == 'group-4-demo-dev' and extra == 'extra-4-demo-cu126')`,
		`implementation_name != 'pypy'`,
	}
	env := trixie(b).Environment()
	b.Run("parse+eval/3000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i := range 3000 {
				m, err := ParseMarker(texts[i%len(texts)])
				if err != nil {
					b.Fatal(err)
				}
				if _, err := m.Eval(env); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	markers := make([]Marker, len(texts))
	for i, s := range texts {
		var err error
		if markers[i], err = ParseMarker(s); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("eval/3000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for i := range 3000 {
				if _, err := markers[i%len(markers)].Eval(env); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
