package python

import (
	"strings"
	"testing"
)

func TestParseSdistName(t *testing.T) {
	for _, c := range []struct{ in, name, version, err string }{
		{"Flask_Cors-4.0.tar.gz", "flask-cors", "4.0", ""},
		{"python-dateutil-2.9.0.post0.tar.gz", "python-dateutil", "2.9.0.post0", ""},
		{"a-1.0.zip", "a", "1.0", ""},
		{"a-1.0.tar.bz2", "", "", "must end in .tar.gz or .zip"},
		{"a.tar.gz", "", "", "must be NAME-VERSION.tar.gz"},
		{"-1.0.tar.gz", "", "", "must be NAME-VERSION.tar.gz"},
		{"é-1.0.tar.gz", "", "", "must be printable ASCII"},
		{"../a-1.0.tar.gz", "", "", "must be a name, not a path"},
		{"a-b.tar.gz", "", "", `"b" is not a version, want one like 1.2.3 or 2.0rc1`},
	} {
		name, version, err := ParseSdistName(c.in)
		message := ""
		if err != nil {
			message = err.Error()
		}
		want := ""
		if c.err != "" {
			want = `sdist file name "` + c.in + `": ` + c.err
		}
		if name != c.name || version != c.version || message != want {
			t.Errorf("ParseSdistName(%q) = %q, %q, %v", c.in, name, version, err)
		}
	}
}

func TestSdistVersion(t *testing.T) {
	for _, c := range []struct{ filename, name, want string }{
		{"Flask_Cors-4.0.tar.gz", "flask-cors", "4.0"},
		{"flask-cors-4.0.tar.gz", "Flask_Cors", "4.0"},
		{"python-dateutil-2.9.0.post0.tar.gz", "python-dateutil", "2.9.0.post0"},
		{"python-dateutil-2.9.0-1.tar.gz", "python-dateutil", "2.9.0.post1"},
		{"zope.interface-7.0.zip", "zope-interface", "7.0"},
		{"a-1.0-rc-1.tar.bz2", "a", "1.0rc1"},
		{"a-1.0.tgz", "a", "1.0"},
		{"a-1.0.tar.xz", "a", "1.0"},
		{"a-1.0.tar", "a", "1.0"},
		{"a-2-1.0.tar.gz", "a-2", "1.0"},
		{"a-2-1.tar.gz", "a", "2.post1"},
		{"a--1.0.tar.gz", "a", ""},
		{"a-2-1.0.tar.gz", "a", ""},
		{"a-b-1.0.tar.gz", "a", ""},
		{"b-1.0.tar.gz", "a", ""},
		{"a-1.0-py3-none-any.whl", "a", ""},
		{"a-1.0.egg", "a", ""},
		{"a-1.0.TAR.GZ", "a", ""},
		{"a-1+x.tar.zip", "a", ""},
		{"a-1+x.tar.tar.gz", "a", "1+x.tar"},
		{"a-.tar.gz", "a", ""},
		{"a.tar.gz", "a", ""},
		{".tar.gz", "", ""},
		{"-1.0.tar.gz", "", "1.0"},
		{"../a-1.0.tar.gz", "../a", ""},
		{"a-1.0\n.tar.gz", "a", ""},
	} {
		v, ok := SdistVersion(c.filename, c.name)
		if v.String() != c.want || ok != (c.want != "") {
			t.Errorf("SdistVersion(%q, %q) = %q, %v; want %q", c.filename, c.name, v, ok, c.want)
		}
	}
}

func FuzzSdistName(f *testing.F) {
	for _, s := range []string{"Flask_Cors-4.0.tar.gz", "python-dateutil-2.9.0.post0.zip", "a-1.0-1.tar.bz2", "a.b--1.tgz", "-1.tar.gz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, version, err := ParseSdistName(s)
		if err != nil {
			return
		}
		if name != NormalizeName(name) || mustVersion(t, version).String() != version || strings.ContainsAny(s, "/\\\n") {
			t.Fatalf("%q is %q %q", s, name, version)
		}
		again := strings.ReplaceAll(name, "-", "_") + "-" + version + ".tar.gz"
		if n, v, err := ParseSdistName(again); n != name || v != version || err != nil {
			t.Fatalf("%q is %q %q, but %q is %q %q, %v", s, name, version, again, n, v, err)
		}
		if v, ok := SdistVersion(again, name); !ok || v.String() != version {
			t.Fatalf("%q of %q has version %q, %v; want %s", again, name, v, ok, version)
		}
	})
}
