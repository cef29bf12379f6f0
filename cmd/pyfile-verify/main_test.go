package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMain lets the test's program stand for pyfile-verify when a test starts it so.
func TestMain(m *testing.M) {
	if os.Getenv("PYFILE_VERIFY") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// helper runs pyfile-verify as a process.
func helper(t *testing.T, args ...string) (stderr string, status int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = []string{"PYFILE_VERIFY=1"}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("%q printed %q to the standard output", args, &out)
	}
	return errs.String(), cmd.ProcessState.ExitCode()
}

func put(t *testing.T, name, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// From a root and facts to a report, as a build does it, with files that are dated like all others.
func TestASystemIsDescribedAndChecked(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "root/etc/os-release"), "ID=debian\nVERSION_ID=13\n")
	put(t, filepath.Join(dir, "root/var/lib/dpkg/status"), "")
	if err := os.Chmod(put(t, filepath.Join(dir, "root/opt/tools/git"), ""), 0o755); err != nil {
		t.Fatal(err)
	}
	group := put(t, filepath.Join(dir, "group/facts.json"), `{"distributions":[{"name":"demo","version":"1","built":true,"requires":["six"],"objects":[{"path":"/opt/x.so","kind":"shared","machine":"x86_64","class":64,"needed":["libpq.so.5","libx.so.1"]}]},{"name":"GitPython","version":"3"},{"name":"pydub","version":"1"}]}`)
	system := filepath.Join(dir, "system")
	if printed, status := helper(t, "system", "--root", filepath.Join(dir, "root"), "--out", system, "--library-path", "/opt/lib:/opt/x", "--interpreter", "/usr/local/bin/python3",
		"--path", "/usr/bin:/opt/tools"); printed != "" || status != 0 {
		t.Fatalf("system printed %q and ended with %d", printed, status)
	}
	var reports []string
	for i, named := range []string{group, filepath.Dir(group)} {
		out := filepath.Join(dir, "out", string(rune('a'+i)))
		args := []string{"check", "--system", filepath.Join(system, "system.json"), "--builder", filepath.Join(system, "system.json"), "--python", "3.13.5", "--machine", "x86_64",
			"--out", out, "--ignore", "libx.so.*", "--ignore", "nothing", named}
		if printed, status := helper(t, args...); printed != "" || status != 0 {
			t.Fatalf("check printed %q and ended with %d", printed, status)
		}
		data, err := os.ReadFile(filepath.Join(out, "report.json"))
		if err != nil {
			t.Fatal(err)
		}
		reports = append(reports, string(data))
		for _, name := range []string{out, filepath.Join(out, "report.json"), system, filepath.Join(system, "system.json")} {
			info, err := os.Stat(name)
			if err != nil || !info.ModTime().Equal(epoch) || info.Mode().Perm()&^0o111 != 0o644 {
				t.Errorf("%s is %v of %v, %v", name, info.Mode(), info.ModTime(), err)
			}
		}
	}
	if reports[0] != reports[1] {
		t.Errorf("a file and its directory differ: %s and %s", reports[0], reports[1])
	}
	for _, want := range []string{`demo needs libpq.so.5, which is not in the image: add the package libpq5`, `pydub starts ffmpeg, which is not in the image: add the package ffmpeg`, `demo requires six, which is not installed`, `nothing is found about \"nothing\"`} {
		if !strings.Contains(reports[0], want) {
			t.Errorf("the report lacks %s: %s", want, reports[0])
		}
	}
	if strings.Contains(reports[0], "libx.so.1") || strings.Contains(reports[0], "GitPython") {
		t.Errorf("what is ignored or there is in the report: %s", reports[0])
	}
}

func TestProblemsAreLinesAndExitStatusOne(t *testing.T) {
	dir := t.TempDir()
	good := put(t, filepath.Join(dir, "system.json"), `{"directories":[],"libraries":[]}`)
	bad := put(t, filepath.Join(dir, "bad.json"), `{`)
	for _, tt := range []struct{ args, want string }{
		{"", `^usage: pyfile-verify COMMAND`},
		{"judge", `^"judge" is not a command of pyfile-verify\nusage: `},
		{"check --speed 3", `^pyfile-verify check: flag provided but not defined: -speed\n$`},
		{"system --out OUT", `^no root is given: add --root DIR\n$`},
		{"system --root /nowhere --out OUT", `/nowhere`},
		{"system --root . --out OUT x", `^pyfile-verify system: takes no argument, but has "x"\n$`},
		{"system --root " + dir, `^no output directory is given: add --out DIR\n$`},
		{"system --root " + dir + " --out " + dir, `^the output directory .* must be empty, but has bad.json\n$`},
		{"check --out OUT", "^no system is given: add --system FILE\nno machine is given: .*\n--python must be a full version like 3.13.5: .*\n$"},
		{"check --system " + bad + " --builder " + bad + " --python 3.13.5 --machine x86_64 --out OUT " + bad + " /nowhere.json",
			"^[^ ]*bad.json: not the description of a system: .*\n[^ ]*bad.json: not the description of a system: .*\n[^ ]*bad.json: not the facts of an installation: .*\n.*/nowhere.json.*\n$"},
		{"check --system " + good + " --python 3.13.5 --machine x86_64 --out OUT --ignore [", `^ignore must be a soname like libfoo.so.1`},
	} {
		out := filepath.Join(t.TempDir(), "out")
		printed, status := helper(t, strings.Fields(strings.ReplaceAll(tt.args, "OUT", out))...)
		if status != 1 || !regexp.MustCompile(tt.want).MatchString(printed) {
			t.Errorf("%s: printed %q and ended with %d, want a match of %s", tt.args, printed, status, tt.want)
		}
		if _, err := os.Lstat(out); !os.IsNotExist(err) {
			t.Errorf("%s: left an output directory", tt.args)
		}
	}
}
