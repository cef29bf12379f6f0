package lock

import (
	"fmt"
	"strings"
	"testing"

	"github.com/org/pyfile/pyfile"
)

// at is a string of the Pyfile.
func at(line int, value string) pyfile.String {
	return pyfile.String{Value: value, Range: pyfile.Range{Start: pyfile.Pos{Line: line, Col: 3}, End: pyfile.Pos{Line: line, Col: 3 + len(value)}}}
}

func TestNamesThatTheLockDoesNotHaveAreErrorsOfThePyfile(t *testing.T) {
	l, err := readAll(t, []string{"requirements.txt"}, map[string]string{
		"requirements.txt": "psycopg2==2.9 " + sha("a") + "\nwin32==1 ; sys_platform == 'win32' " + sha("b") + "\n-c limits.txt\n",
		"limits.txt":       "limited<3\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	project := &Project{Name: at(2, "My.Shop"), Normalized: "my-shop"}
	if errs := l.UnknownNames([]pyfile.String{at(1, "Psycopg2"), at(1, "win32"), at(1, "my_shop")}, project); errs != nil {
		t.Errorf("known names: %v", errs)
	}
	errs := l.UnknownNames([]pyfile.String{at(4, "psycopg3"), at(5, "limited"), at(6, "my-shop")}, nil)
	want := "3 problems\n" +
		"\t4:3: requirements.txt has no package \"psycopg3\"\n\t\thint: did you mean \"psycopg2\"?\n" +
		"\t5:3: requirements.txt has no package \"limited\"\n\t\thint: packages are psycopg2, win32\n" +
		"\t6:3: requirements.txt has no package \"my-shop\"\n\t\thint: packages are psycopg2, win32"
	if got := errs.Error(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestWhatIsSaidAboutABuildThatDoesNotHappenIsTold(t *testing.T) {
	artifacts := []Artifact{
		{Name: "numpy", Kind: Wheel, Filename: "numpy-2.0-cp313-cp313-manylinux_2_28_x86_64.whl"},
		{Name: "psycopg2", Kind: Sdist}, {Name: "lib", Kind: Directory}, {Name: "tools", Kind: Git}, {Name: "old", Kind: Archive},
	}
	errs := NotBuilt([]pyfile.String{at(3, "psycopg2"), at(4, "NumPy"), at(5, "lib"), at(6, "tools"), at(7, "old"), at(8, "elsewhere")}, artifacts)
	want := "4:3: NumPy is not built here: the wheel numpy-2.0-cp313-cp313-manylinux_2_28_x86_64.whl is installed as it is\n" +
		"\thint: add it to from-source in [dependencies]: \"NumPy\""
	if got := errs.Error(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestSettingsOfThePyfileGoBeforeThoseOfTheLock(t *testing.T) {
	l, err := readAll(t, []string{"r.txt"}, map[string]string{"r.txt": "NumPy==2 " + sha("a") + " -C z=1 -C a=lock -C a=more\n" +
		"numpy==2 ; python_version > '3' " + sha("a") + " -C a=third\nscipy==1 " + sha("b") + " -C other=1\n"})
	if err != nil {
		t.Fatal(err)
	}
	setting := func(key string, values ...string) pyfile.Setting {
		s := pyfile.Setting{Key: at(9, key)}
		for _, v := range values {
			s.Values.Items = append(s.Values.Items, at(9, v))
		}
		return s
	}
	file := []pyfile.PackageSettings{
		{Name: at(8, "NUMPY"), Settings: []pyfile.Setting{setting("m", "x", "y"), setting("z")}},
		{Name: at(12, "pandas"), Settings: []pyfile.Setting{setting("p", "q")}},
	}
	for _, c := range []struct{ name, want string }{
		{"numpy", "a=lock,more,third m=x,y z="},
		{"scipy", "other=1"},
		{"Pandas", "p=q"},
		{"none", ""},
	} {
		var got []string
		for _, s := range l.Settings(c.name, file) {
			got = append(got, fmt.Sprintf("%s=%s", s.Key.Value, strings.Join(s.Values.Values(), ",")))
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: got %q, want %q", c.name, text, c.want)
		}
	}
	// The lock's own list stays as it is for the next package.
	if got := len(l.Settings("numpy", nil)[0].Values.Items); got != 3 {
		t.Errorf("%d values", got)
	}
}
