package python

import (
	"strings"
	"testing"
)

func TestParseRequirement(t *testing.T) {
	for _, c := range []struct{ in, name, extras, specs, url, marker string }{
		{"requests", "requests", "", "", "", ""},
		{" A.b-c_D \t", "A.b-c_D", "", "", "", ""},
		{"name>=1.0", "name", "", ">=1.0", "", ""},
		{"name >= 1.0 , != 1.5.* ,<2", "name", "", ">=1.0,!=1.5.*,<2", "", ""},
		{"name>=1,", "name", "", ">=1", "", ""},
		{"name (>=1.0,<2)", "name", "", ">=1.0,<2", "", ""},
		{"name()", "name", "", "", "", ""},
		{"name[]", "name", "", "", "", ""},
		{"uvicorn[standard, b_b]~=0.30", "uvicorn", "standard b_b", "~=0.30", "", ""},
		{"name[x] ; os_name=='nt'", "name", "x", "", "", `os_name == "nt"`},
		{`name>=1;python_version<"3.13"`, "name", "", ">=1", "", `python_version < "3.13"`},
		{"name @ https://index.example/a-1.zip", "name", "", "", "https://index.example/a-1.zip", ""},
		{"name[x]@git+https://host.example/a.git@v1#subdirectory=b ", "name", "x", "", "git+https://host.example/a.git@v1#subdirectory=b", ""},
		{`name @ https://index.example/a;b.zip ; os_name == "nt"`, "name", "", "", "https://index.example/a;b.zip", `os_name == "nt"`},
		{"name===x;extra=='e'", "name", "", "===x", "", `extra == "e"`},
	} {
		r, err := ParseRequirement(c.in)
		if err != nil {
			t.Error(err)
			continue
		}
		if r.Name != c.name || strings.Join(r.Extras, " ") != c.extras || r.Specifiers.String() != c.specs || r.URL != c.url || r.Marker.String() != c.marker {
			t.Errorf("ParseRequirement(%q) = %+v", c.in, r)
		}
	}
}

func TestParseRequirementRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", `requirement "", column 1: expected the name of a project, found the end`},
		{">=1.0", `requirement ">=1.0", column 1: expected the name of a project, found ">"`},
		{"./dir", `requirement "./dir", column 1: "." is not a name, want a letter or digit at both ends`},
		{"name-", `requirement "name-", column 1: "name-" is not a name, want a letter or digit at both ends`},
		{"name 1.0", `requirement "name 1.0", column 6: expected a specifier like >=1.0, "[", "@", ";" or the end, found "1"`},
		{"name[x] y", `requirement "name[x] y", column 9: expected a specifier like >=1.0, "@", ";" or the end, found "y"`},
		{"name=1.0", `requirement "name=1.0", column 5: expected a specifier like >=1.0, "[", "@", ";" or the end, found "="`},
		{"name>=1.0 <2", `requirement "name>=1.0 <2", column 11: expected ",", ";" or the end, found "<"`},
		{"name>=1.0,,<2", `requirement "name>=1.0,,<2", column 11: expected ",", ";" or the end, found ","`},
		{"name>=x", `requirement "name>=x", column 5: specifier ">=x": "x" is not a version, want one like 1.2.3 or 2.0rc1`},
		{"name===1.0,2", `requirement "name===1.0,2", column 5: specifier "2" must start with ~=`},
		{"name (>=1.0", `requirement "name (>=1.0", column 6: expected "," or ")" after the specifiers, found the end`},
		{"name[x", `requirement "name[x", column 7: expected "," or "]", found the end`},
		{"name[x,]", `requirement "name[x,]", column 8: expected the name of an extra, found "]"`},
		{"name[x y]", `requirement "name[x y]", column 8: expected "," or "]", found "y"`},
		{"name @", `requirement "name @", column 7: expected a URL after @, found the end`},
		{"name @ https://index.example/a.zip os_name", `requirement "name @ https://index.example/a.zip os_name", column 36: expected ";" or the end, found "o"`},
		{"name;", `requirement "name;", column 6: expected a variable or a quoted string, found the end`},
		{"name; foo == 'x'", `requirement "name; foo == 'x'", column 7: unknown variable "foo", want one of os_name, `},
		{"name\n", `requirement "name\n", column 5: expected a specifier like >=1.0, "[", "@", ";" or the end, found "\n"`},
	} {
		_, err := ParseRequirement(c.in)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("ParseRequirement(%q):\n%v; want\n%s", c.in, err, c.want)
		}
	}
}

func FuzzRequirement(f *testing.F) {
	for _, s := range []string{
		`name[a,B_b] >=1.0, !=1.5.* ; python_version < "3.13" and extra == 'X'`,
		`name @ https://index.example/a-1.zip ; os_name == 'nt'`,
		"name (===a,>=1)", "n===", "a@b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseRequirement(s)
		if err != nil {
			return
		}
		b, err := ParseRequirement(a.String())
		if err != nil || a.String() != b.String() {
			t.Fatalf("%q is %q, which reads as %q, %v", s, a, b, err)
		}
		if !ValidName(a.Name) || a.URL != "" && a.Specifiers.String() != "" {
			t.Fatalf("%q is %+v", s, a)
		}
	})
}
