package pyfile

import (
	"slices"
	"strings"
	"testing"
)

func TestGrammars(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0123456789abcdef", 4)
	for _, c := range []struct {
		name  string
		g     *grammar
		right []string
		wrong []string
	}{
		{"python", pythonVersion,
			[]string{"3.9", "3.13", "3.13.0", "3.13.12", "3.13t", "3.14.1t", "3.100"},
			[]string{"", "3", "3.", "3.8", "3.08", "3.013", "2.7", "4.0", "3.13.5.1", "3.13rc1", "3.15-rc", "3.12t", "3.13 t", " 3.13", "v3.13",
				"python3.13", "3.13-slim", ">=3.13", "3.13.*", "^3.13", "3.99999999999999999999", "٣.13", "latest"}},
		{"image", imageReference,
			[]string{"python", "python:3.13-slim", "library/python", "python" + digest, "python:3.13" + digest, "localhost/x", "localhost:5000/x/y:z",
				"registry.example:5000/a/b_c/d__e/f-g/h--i.j", "Host/x", "[::1]:5000/x", "a/b", "ghcr.example/o/r:v1.0_A-b"},
			[]string{"", "scratch", "Python", "python:", "python:a b", "python:.x", "python@", "python@sha256:abc", "python@sha256:" + strings.Repeat("A", 64),
				"python@md5:" + strings.Repeat("a", 31), ":3.13", "/x", "x/", "a//b", "a/B", "-x", "x_", "a___b", "a..b", "host.example:x/y", "https://h.example/x",
				"a b", "x\n", strings.Repeat("a", 256), "x:" + strings.Repeat("a", 129), "python:3.13:4"}},
		{"volume", volumePath, []string{"/a", "/a b", "/a/", "/..a"}, []string{"", "/", "//", "/.", "a", "~/a", "$HOME/a", "/a/..", `C:\a`, `/a\b`}},
		{"workdir", absolutePath, []string{"/", "/a/b"}, []string{"", "a", "./a", "/../a"}},
		{"file", filePath, []string{"uv.lock", "./uv.lock", "a/b", "...", "a b", "..a"}, []string{"", "/a", "/", "../a", "a/../b", "..", `a\b`}},
		{"glob", glob, []string{"*", "**/*.py", "src", "a[a-z]?", "[!a]x", ".x"}, []string{"", "/a", "!a", "a[", "a[b", "../*", "a/.."}},
		{"user", userName, []string{"root", "nonroot", "_apt", "www-data", "a.b", "svc$", "0", "1000", "2147483647", "a:b", "1:2", "a:0"},
			[]string{"", ":", "a:", ":a", "a:b:c", "-a", "1a", "a b", "2147483648", "0:2147483648", "1.5"}},
		{"signal", signal, []string{"SIGTERM", "TERM", "SIGRTMIN", "RTMIN+15", "SIGRTMAX-14", "1", "64", "SIGWINCH"},
			[]string{"", "SIG", "sigterm", "SIGFOO", "0", "65", "-1", "RTMIN+16", "RTMIN-1", "RTMAX+1", "1.5", "99999999999999999999"}},
		{"duration", duration, []string{"30s", "1m30s", "1.5h", "1ms", "1000us", "1000µs", "1.s"},
			[]string{"", "30", "0", "0s", "-1s", "+1s", "1us", "1 s", "1d", "s", "1S", ".5s", "999999999999h"}},
		{"port", port, []string{"1", "8000", "65535", "53/udp", "80/tcp", "5060/sctp"},
			[]string{"", "0", "65536", "080", "80/", "80/icmp", "80/TCP", "80:80", "1-2", "http", "-1", "+80", "8e3", "000000"}},
		{"size", size, []string{"0", "4MB", "512kB", "1MiB", "2GiB", "1B", "0MB", "10KiB", "3GB"},
			[]string{"", "4", "4M", "4mb", "4 MB", "4KB", "1.5MB", "-1MB", "MB", "999999999999999GB", "4TB", "1e3MB"}},
		{"url", indexURL, []string{"https://a.example", "https://a.example:1/x/", "http://[::1]/x", "https://a.example/@b/"},
			[]string{"", "a.example", "https://", "https:///x", "https://u@a.example", "https://u:p@a.example", "https://:p@a.example", "ftp://a.example",
				"https://a.example/?x", "https://a.example/#x", "https://a example", "https://%zz", "file:///x", "https://:80/"}},
		{"package", packageName, []string{"a", "A", "a.b-c_d", "0"}, []string{"", "-a", "a-", "a b", "a==1", "a[b]", "a @ b", "é"}},
		{"system", systemPackage, []string{"g++", "libc6", "libc6:arm64", "curl=1:2.3+dfsg-4~bpo", "0ad", "sdl2_image-dev", "libfoo=1.2_p3-r0"},
			[]string{"", "a", "-y", "A", "a b", "curl=", "a/b", "curl:", "curl-", "curl_", "@edge", ".build-deps", "curl>1"}},
		{"ignored", ignored, []string{"libcuda.so.1", "libstdc++.so.6", "torch", "nvidia-*", "lib[ab]*.so", "/opt/x", "**/tests/*.so", "/opt/a b/@x", "*"},
			[]string{"", " ", " torch", "torch ", "torch==2.0", "torch >= 2", "torch[gpu", "torch @ https://a.example", "torch/lib/x.so", "./x", "../x", "/opt/../x", `C:\x`, "lib[a.so", "/opt/[x"}},
		{"secret", secretID, []string{"a", "A_b.c-d/e", "_"}, []string{"", "a b", "a,b", "/a", "-a", "id=a"}},
		{"variable", variableName, []string{"A", "_", "a1", "a.b", "a-b"}, []string{"", "1", "A B", "A=B", "é", ".a"}},
		{"arg", argName, []string{"A", "_", "a1"}, []string{"", "1", "a-b", "a.b"}},
		{"label", labelName, []string{"a", "org.x/y", "é", "A:b"}, []string{"", "a b", "a=b", `a"b`, "a\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, v := range c.right {
				if f := c.g.check(v); f != nil {
					t.Errorf("%q must %s", v, f.must)
				}
			}
			for _, v := range c.wrong {
				f := c.g.check(v)
				if f == nil {
					t.Errorf("%q is taken", v)
					continue
				}
				if f.must == "" {
					t.Errorf("%q: nothing is said", v)
				}
				if f.fix != "" && c.g.check(f.fix) != nil {
					t.Errorf("%q: the right form is said to be %q, which is wrong", v, f.fix)
				}
			}
		})
	}
}

func TestSizesInBytes(t *testing.T) {
	for v, want := range map[string]int64{
		"0": 0, "1B": 1, "512kB": 512_000, "4MB": 4_000_000, "2GB": 2_000_000_000, "1KiB": 1024, "1MiB": 1 << 20, "3GiB": 3 << 30,
	} {
		if got, ok := parseSize(v); !ok || got != want {
			t.Errorf("%s: %d, %v; want %d", v, got, ok, want)
		}
	}
}

func TestSplitWordsOnlyWhenCertain(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string // nil: not certain
	}{
		{"python -m app", []string{"python", "-m", "app"}},
		{"  a\tb  ", []string{"a", "b"}},
		{"gunicorn --bind=0.0.0.0:8000 'my app':main", []string{"gunicorn", "--bind=0.0.0.0:8000", "my app:main"}},
		{`a "" '' "b c"`, []string{"a", "", "", "b c"}},
		{`echo "it's"`, []string{"echo", "it's"}},
		{"", nil}, {"   ", nil}, {"a && b", nil}, {"a | b", nil}, {"a; b", nil}, {"a > b", nil}, {"echo $A", nil}, {`echo "$A"`, nil}, {"echo `a`", nil},
		{"a *.py", nil}, {"a ~/b", nil}, {"A=1 b", nil}, {"a 'b", nil}, {`a "b`, nil}, {`a\ b`, nil}, {"a #b", nil}, {"a {b,c}", nil}, {"a\nb", nil}, {"! a", nil},
	} {
		got, ok := splitWords(c.line)
		if ok != (c.want != nil) || ok && !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, %v; want %q", c.line, got, ok, c.want)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"python", "base", "builder", "cmd", "entrypoint", "env", "expose", "stop-signal", "user", "healthcheck"}
	for word, want := range map[string]string{
		"pyhton": "python", "PYTHON": "python", "pythn": "python", "bse": "base", "buidler": "builder", "cdm": "cmd", "entry-point": "entrypoint",
		"evn": "env", "exposed": "expose", "stop_signal": "stop-signal", "stopsignal": "stop-signal", "StopSignal": "stop-signal", "users": "user",
		"heathcheks": "healthcheck", "name": "", "run": "", "": "", "x": "", "en": "", "requirements": "", "volumes": "",
	} {
		if got := Suggest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if got := Suggest("aab", []string{"aaa", "aac", "aab"}); got != "aab" {
		t.Errorf("the same name is the nearest, not %q", got)
	}
	if got := Suggest("aab", []string{"aac", "aaa"}); got != "aac" {
		t.Errorf("of equally near names the first wins, not %q", got)
	}
	if got := Suggest("anything", nil); got != "" {
		t.Errorf("nothing is near in nothing, not %q", got)
	}
}

// What the user sees, as BuildKit prints it under the lines of the file.
func TestErrorsPrintAsAList(t *testing.T) {
	_, err := Parse("Pyfile", []byte(`# syntax=org/pyfile:1
python = 3.10
wrkdir = "/app"
cmd = "python -m app"
python = "3.11"
`), nil)
	const want = "4 problems\n" +
		"\t2:10: python must be a string, not a number (3.10 would mean 3.1)\n\t\thint: write python = \"3.10\"\n" +
		"\t3: unknown key \"wrkdir\"\n\t\thint: did you mean \"workdir\"?\n" +
		"\t4:7: cmd must be a list of strings, not a string\n\t\thint: write cmd = [\"python\", \"-m\", \"app\"]\n" +
		"\t5: python is set twice\n\t\thint: first set on line 2"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	_, err = Parse("Pyfile", []byte("wrkdir = \"/app\"\n"), nil)
	if want := "1: unknown key \"wrkdir\"\n\thint: did you mean \"workdir\"?"; err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestErrorsOfSeveralFilesAreSortedByFileAndPlace(t *testing.T) {
	at := func(line, col int) Range { return Range{Start: Pos{line, col}, End: Pos{line, col + 1}} }
	err := Errors{
		{File: "uv.lock", Range: at(7, 1), Msg: "c"},
		{Range: at(3, 2), Msg: "b"},
		{File: "uv.lock", Msg: "whole file"},
		{Range: at(3, 2), Msg: "a"},
		{Range: at(2, 9), Msg: "z"},
	}.Err()
	const want = "5 problems\n\t2:9: z\n\t3:2: a\n\t3:2: b\n\tuv.lock: whole file\n\tuv.lock:7: c"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if err := (Errors{}).Err(); err != nil {
		t.Errorf("no problem is no error, not %v", err)
	}
}

func TestTheHundredthProblemIsTheLast(t *testing.T) {
	_, err := Parse("Pyfile", []byte(strings.Repeat("a = 1\n", 250)), nil)
	errs, _ := err.(Errors)
	if len(errs) != maxErrors+1 || errs[maxErrors].Msg != "150 problems more, from here on" || errs[maxErrors].Range.Start.Line != maxErrors+1 {
		t.Errorf("%d problems: %v", len(errs), errs[len(errs)-1])
	}
}

// What a hint says to write must be what the user meant.
func TestQuotedValuesReadBack(t *testing.T) {
	for _, v := range []string{"", "a b", `a"b\c`, "a\nb\tc\r", "é", "\u200b", "\x01\x7f", "\U000e0001", "\uFFFD", "${A}", "🐍"} {
		tree := parseTree([]byte("v = " + quote(v) + "\n"))
		if e := tree.root.get("v"); tree.errs != nil || e.value.text != v {
			t.Errorf("%q: %s is read as %q: %v", v, quote(v), e.value.text, tree.errs)
		}
	}
	if got := quote(strings.Repeat("é", 200)); got != `"`+strings.Repeat("é", 80)+`..."` {
		t.Errorf("a long value is not clipped: %s", got)
	}
}

func TestSetTellsWrittenFromAbsent(t *testing.T) {
	f, err := Parse("Pyfile", []byte("cmd = []\nvolumes = [\"/a\", \"/b\"]\n[layers]\nmax = 1\n[bytecode]\nstdlib = false\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !f.Cmd.Set() || f.Entrypoint.Set() || f.Python.Set() || !f.Layers.Max.Set() || f.Layers.Own.Set() || !f.Bytecode.Stdlib.Set() || f.Bytecode.Tests.Set() {
		t.Errorf("%+v", f)
	}
	if got := f.Volumes.Values(); !slices.Equal(got, []string{"/a", "/b"}) {
		t.Errorf("values %q", got)
	}
}
