package verify

import (
	"slices"
	"testing"

	"github.com/org/pyfile/elf"
	"github.com/org/pyfile/facts"
)

// searched describes an image with what lies on a search path.
func searched(t testing.TB, files map[string]string, dirs ...string) *System {
	t.Helper()
	s, err := Describe(image(files), Image{Path: dirs})
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadSystem([]byte(text(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := text(t, s), text(t, again); a != b || (again.Programs == nil) != (s.Programs == nil) {
		t.Errorf("written and read again it is %s, not %s", b, a)
	}
	return s
}

func TestProgramsAreThoseOnThePath(t *testing.T) {
	files := map[string]string{
		"bin":                     "-> usr/bin",
		"usr/bin/ffmpeg":          "#!",
		"usr/bin/dot":             "not to be executed",
		"usr/local/bin/dot":       "#!",
		"usr/bin/java":            "-> /etc/alternatives/java",
		"etc/alternatives/java":   "-> /usr/lib/jvm/bin/java",
		"usr/lib/jvm/bin/java":    "#!",
		"usr/bin/hg":              "-> ../lib/gone",
		"usr/bin/svn":             "-> svn",
		"usr/bin/git/git":         "#!",
		"usr/bin/unknown-program": "#!",
		"opt/own/sox":             "#!",
		"nmap":                    "#!",
	}
	for _, tt := range []struct {
		path, want []string
	}{
		{nil, nil},
		{[]string{"/nowhere", "usr/bin", "", "."}, []string{}},
		{[]string{"/usr/bin"}, []string{"ffmpeg", "java"}},
		{[]string{"/usr/local/bin", "/bin", "/usr/bin", "/usr/bin/"}, []string{"dot", "ffmpeg", "java"}},
		{[]string{"/usr/bin/git", "/opt/own"}, []string{"git", "sox"}},
		{[]string{"/../opt/../"}, []string{"nmap"}},
		{[]string{"/usr/bin/ffmpeg"}, []string{}},
	} {
		got := searched(t, files, tt.path...).Programs
		if !slices.Equal(got, tt.want) || (got == nil) != (tt.want == nil) {
			t.Errorf("%q: found are %#v, want %#v", tt.path, got, tt.want)
		}
	}
}

func TestProgramsThatDistributionsStart(t *testing.T) {
	on := func(s System, programs ...string) Options {
		s.Programs = append([]string{}, programs...)
		return Options{System: &s}
	}
	debian12, debian13 := System{ID: "debian", VersionID: "12", Database: "dpkg"}, System{ID: "debian", VersionID: "13", Database: "dpkg"}
	alpine := System{ID: "alpine", VersionID: "3.22.1", Database: "apk", Libc: "musl"}
	ignoring := func(names ...string) Options {
		o := on(debian13)
		o.Ignore = names
		return o
	}
	// brings is a distribution with a file in a directory.
	brings := func(name, dir, file string) facts.Distribution {
		return facts.Distribution{Name: name, Version: "1", Directories: []facts.Directory{{Path: dir, Files: []string{facts.File("sum", file)}}}}
	}
	ffmpeg := project("FFmpeg_Python", "0.2", false)
	const missing = "warning program: FFmpeg_Python starts ffmpeg, which is not in the image: add the package ffmpeg\n"
	for name, tt := range map[string]struct {
		options Options
		group   *facts.Facts
		want    string
	}{
		"missing":                       {on(debian13), group(ffmpeg), missing},
		"missing in a built one":        {on(debian13), group(project("FFmpeg_Python", "0.2", true)), missing},
		"in the system":                 {on(debian13, "ffmpeg"), group(ffmpeg), ""},
		"not looked at":                 {Options{System: &debian13}, group(ffmpeg), ""},
		"an alternative":                {on(debian13, "avconv"), group(project("pydub", "0.25", false)), ""},
		"an alternative, not listed":    {on(debian13, "avconv"), group(ffmpeg), missing},
		"the known alternative":         {on(debian13), group(project("PyVirtualDisplay", "3", false)), "warning program: PyVirtualDisplay starts Xvfb, which is not in the image: add the package xvfb\n"},
		"a package of another name":     {on(debian13), group(project("pytesseract", "0.3", false)), "warning program: pytesseract starts tesseract, which is not in the image: add the package tesseract-ocr\n"},
		"a package of Debian 12":        {on(debian12), group(project("pdfkit", "1", false)), "warning program: pdfkit starts wkhtmltopdf, which is not in the image: add the package wkhtmltopdf\n"},
		"no package of Debian 13":       {on(debian13), group(project("pdfkit", "1", false)), "warning program: pdfkit starts wkhtmltopdf, which is not in the image\n"},
		"a package of Alpine":           {on(alpine), group(project("pypandoc", "1", false)), "warning program: pypandoc starts pandoc, which is not in the image: add the package pandoc-cli\n"},
		"an unknown distribution":       {on(System{ID: "fedora"}), group(ffmpeg), "warning program: FFmpeg_Python starts ffmpeg, which is not in the image\n"},
		"needless":                      {on(debian13), group(project("pypandoc", "1", false), project("pypandoc_binary", "1", false)), ""},
		"a script of the distribution":  {on(debian13), group(brings("ffmpeg-python", "/opt/venv/bin", "ffmpeg")), ""},
		"a script of another":           {on(debian13), group(ffmpeg, brings("static-ffmpeg", "/opt/venv/bin", "ffmpeg")), ""},
		"a module's file is not on it":  {on(debian13), group(ffmpeg, brings("imageio-ffmpeg", site+"imageio_ffmpeg/bin", "ffmpeg")), missing},
		"a header's file is not on it":  {on(debian13), group(ffmpeg, brings("x", "/opt/venv/share", "ffmpeg")), missing},
		"an unknown one starts nothing": {on(debian13), group(project("ffmpeg", "1", false), facts.Distribution{Built: true}), ""},
		"twice":                         {on(debian13), group(ffmpeg, project("ffmpy", "1", false)), missing + "warning program: ffmpy starts ffmpeg, which is not in the image: add the package ffmpeg\n"},
		"ignored by distribution":       {ignoring("ffmpeg.python"), group(ffmpeg), ""},
		"ignored by program":            {ignoring("ffmpeg"), group(ffmpeg, project("ffmpy", "1", false)), ""},
		"ignored by pattern":            {ignoring("ff*"), group(ffmpeg), ""},
		"another is ignored":            {ignoring("ffprobe"), group(ffmpeg), missing + "notice ignore: [verify] ignore: nothing is found about \"ffprobe\"\n"},
		"after libraries that are loaded": {on(debian13), group(project("aaa", "1", false, "x a"), project("graphviz", "1", false, "x b"), project("cairocffi", "1", false)),
			"warning dlopen: cairocffi loads libcairo.so.2, which is not in the image: add the package libcairo2\n" +
				"warning program: graphviz starts dot, which is not in the image: add the package graphviz\n" +
				"warning collision: aaa and graphviz both have x: the image has that of graphviz\n"},
	} {
		if got := lines(checked(t, tt.options, tt.group)); got != tt.want {
			t.Errorf("%s\ngot  %swant %s", name, got, tt.want)
		}
	}
}

func TestAReportSaysWhatToDoForPrograms(t *testing.T) {
	s := searched(t, debian(), "/usr/bin")
	r := checked(t, Options{System: s}, group(project("pdfkit", "1.0", false), project("pydub", "0.25", false), with(project("demo", "1", true), "x.so", elf.Object{Needed: []string{"libpq.so.5"}})))
	golden(t, "programs.json", text(t, r))
	if want := []string{"ffmpeg", "libpq5"}; !slices.Equal(r.Packages, want) {
		t.Errorf("the packages are %q, want %q", r.Packages, want)
	}
}
