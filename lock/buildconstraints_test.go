package lock

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/pyfile"
)

func TestConstraintsForBuildsAreKeptLineByLine(t *testing.T) {
	digest := strings.Repeat("ab", 32)
	got, err := ReadConstraints("c.txt", []byte("\xef\xbb\xbf# made by hand\r\nsetuptools < 80  # old\r\n\r\n"+
		"Cython==3.0.11 \\\r\n    --hash=sha256:"+digest+" \\\r\n    --hash=sha512:00\r\n"+
		"numpy>=2 ; python_version >= '3.12'\r\nwheel @ https://files.example/wheel-0.45.1-py3-none-any.whl#sha256="+digest+"\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"setuptools < 80",
		"Cython==3.0.11     --hash=sha256:" + digest + "     --hash=sha512:00",
		"numpy>=2 ; python_version >= '3.12'",
		"wheel @ https://files.example/wheel-0.45.1-py3-none-any.whl#sha256=" + digest,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, empty := range []string{"", "# nothing\n", "\n \\\n"} {
		if got, err := ReadConstraints("c.txt", []byte(empty)); err != nil || len(got) > 0 {
			t.Errorf("%q: %q, %v", empty, got, err)
		}
	}
}

func TestConstraintsForBuildsRefuseWhatTheirStepCannotFollow(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"-r other.txt", "-r other.txt|--requirement: constraints for builds are one file"},
		{"--constraint=other.txt", "--constraint: constraints for builds are one file"},
		{"-e ./lib", "a constraint cannot be --editable"},
		{"--index-url https://packages.example/simple", "--index-url: build requirements come from the indexes of the Pyfile"},
		{"-f ./wheels", "--find-links: build requirements come from the indexes of the Pyfile"},
		{"--no-binary :all:", "--no-binary: constraints for builds are versions only"},
		{"--pre", "--pre: constraints for builds are versions only"},
		{"numpy==1 -C a=b", "--config-settings has no effect in a constraints file"},
		{"numpy[x]==1", "a constraint cannot have extras"},
		{"./wheels/numpy-1.0-py3-none-any.whl", "a constraint must name a package|numpy is a repository or a path"},
		{"https://files.example/numpy.zip", "a constraint must name a package"},
		{"numpy @ file:wheels/numpy-1.0-py3-none-any.whl", "numpy is a repository or a path"},
		{"numpy @ file:libs/numpy", "numpy is a repository or a path"},
		{"numpy @ git+https://git.example/numpy@0123456789012345678901234567890123456789", "numpy is a repository or a path"},
		{"numpy @ https://me:hunter2@files.example/numpy-1.0-py3-none-any.whl", "the address has a user name or password in it"},
		{"numpy == ${VERSION}", "${VERSION} is not set"},
		{"numpy=1", "the line is not a requirement"},
		{"numpy==1 --hash=md5:00", "a --hash must be sha256:DIGEST"},
		{"numpy ; python_version", "the marker cannot be read"},
		{"numpy --frozzle", "pip knows no option --frozzle"},
	} {
		got, err := ReadConstraints("build/c.txt", []byte("# one\n\n"+c.line+"\n"))
		var errs pyfile.Errors
		if !errors.As(err, &errs) || got != nil {
			t.Errorf("%s: %q, %v", c.line, got, err)
			continue
		}
		e := errs[0]
		ok := false
		for _, want := range strings.Split(c.want, "|") {
			ok = ok || strings.Contains(e.Msg, want)
		}
		if !ok || len(errs) != 1 || e.File != "build/c.txt" || e.Range.Start.Line != 3 || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", c.line, err)
		}
	}
}

func TestConstraintsForBuildsReportAllLines(t *testing.T) {
	_, err := ReadConstraints("c.txt", []byte("-r a\nsetuptools<80\nnumpy=1\n--pre\n"))
	var errs pyfile.Errors
	if !errors.As(err, &errs) || len(errs) != 3 || errs[2].Range.Start.Line != 4 {
		t.Errorf("%v", err)
	}
}

func TestUVLocksBringConstraintsForBuilds(t *testing.T) {
	lock := func(items string) (*Lock, error) {
		return Read([]string{"uv.lock"}, map[string][]byte{"uv.lock": []byte("version = 1\nrequires-python = \">=3.12\"\n\n[manifest]\nbuild-constraints = [\n" + items + "]\n")})
	}
	l, err := lock(`    { name = "Setuptools", specifier = ">=70,!=72.0.0" },
    { name = "numpy", marker = "python_full_version >= '3.13'", specifier = "<3" },
    { name = "wheel", specifier = "==0.45.1", hashes = ["sha256:` + strings.Repeat("0", 64) + `"] },
    { name = "cython", url = "https://files.example/cython-3.0-py3-none-any.whl" },
    { name = "plain" },
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"cython @ https://files.example/cython-3.0-py3-none-any.whl",
		"numpy<3 ; python_full_version >= '3.13'",
		"plain",
		"setuptools>=70,!=72.0.0",
		"wheel==0.45.1 --hash=sha256:" + strings.Repeat("0", 64),
	}
	if got := l.BuildConstraints(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, err := ReadConstraints("c", []byte(strings.Join(want, "\n"))); err != nil {
		t.Errorf("the lines are not what ReadConstraints takes: %v", err)
	}
	for _, c := range []struct{ item, want string }{
		{`{ name = "a", git = "https://git.example/a?rev=main" }`, "6:5: manifest.build-constraints: a is a repository or a path"},
		{`{ name = "a", path = "a.whl" }`, "6:5: manifest.build-constraints: a is a repository or a path"},
		{`{ specifier = "<1" }`, "6:5: manifest.build-constraints: every item must have the name of a package"},
		{`{ name = "a", specifier = "<1\n--index-url https://evil.example" }`, "6:5: manifest.build-constraints: the specifier of a cannot be read"},
		{`{ name = "a", specifier = "nonsense" }`, "6:5: manifest.build-constraints: the specifier of a cannot be read"},
		{`{ name = "a", marker = "python_version" }`, "5: manifest.build-constraints: an item cannot be read"},
		{`{ name = "a", url = "https://u:hunter2@files.example/a.whl" }`, "5: manifest.build-constraints: an item cannot be read"},
		{`"a<1"`, "6:5: manifest.build-constraints: every item must be a table"},
	} {
		_, err := lock("    " + c.item + ",\n")
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", c.item, err)
		}
	}
}

func TestProjectsBringConstraintsForBuilds(t *testing.T) {
	p, err := ParseProject("pyproject.toml", []byte("[tool.uv]\nbuild-constraint-dependencies = [\n  \"setuptools<80\",\n  \"numpy; python_version<'3.13'\",\n]\n"))
	if err != nil || fmt.Sprint(p.BuildConstraints) != "[{setuptools<80 {{3 3} {3 18}}} {numpy; python_version<'3.13' {{4 3} {4 33}}}]" {
		t.Errorf("%v, %v", p.BuildConstraints, err)
	}
	if _, err := ParseProject("pyproject.toml", []byte("[tool.uv]\nbuild-constraint-dependencies = [\"a b\"]\n")); err == nil || !strings.Contains(err.Error(), "build-constraint-dependencies must be requirements") {
		t.Error(err)
	}
}

func FuzzConstraints(f *testing.F) {
	for _, seed := range []string{"setuptools<80\n", "a==1 \\\n --hash=sha256:" + strings.Repeat("0", 64) + "\n# x\n", "-r x\n", "a @ https://files.example/a.whl\n", "\xff\xfea\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, err := ReadConstraints("c.txt", data)
		if err != nil {
			var errs pyfile.Errors
			if !errors.As(err, &errs) || lines != nil {
				t.Fatalf("%q: %q and a %T", data, lines, err)
			}
			return
		}
		// What is passed on means the same once more, and is one line each.
		text := strings.Join(lines, "\n")
		again, err := ReadConstraints("c.txt", []byte(text))
		if err != nil || !slices.Equal(again, lines) {
			t.Fatalf("%q gives %q, and that gives %q, %v", data, lines, again, err)
		}
	})
}
