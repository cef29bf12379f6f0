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

// TestMain lets the test's program stand for pyfile-distro when a test starts it so.
func TestMain(m *testing.M) {
	if os.Getenv("PYFILE_DISTRO") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestProblemsAreLinesAndExitStatusOne asks for nothing that would be done: a test installs no packages on the machine it runs on.
func TestProblemsAreLinesAndExitStatusOne(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"", `^usage: pyfile-distro COMMAND`},
		{"remove", `^"remove" is not a command of pyfile-distro\nusage: `},
		{"install --speed 3", `^pyfile-distro install: flag provided but not defined: -speed\n$`},
		{"install", `^no package is named\n$`},
		{"install --archives DIR --lists DIR --failure DIR/failure -- -y", `^a package must have the form name, name:arch or name=version, not "-y"\n$`},
		{"install libpq5 Libpq", `^a package must have the form name, name:arch or name=version, not "Libpq"\n$`},
		{"providers --out DIR", `^pyfile-distro providers: --out and at least one WANT must be given\n$`},
		{"providers header:mysql.h", `^pyfile-distro providers: --out and at least one WANT must be given\n$`},
		{"providers --archives DIR --lists DIR --out DIR header:mysql.h mysql.h", `^what is wanted must have the form header:mysql\.h, .*, not "mysql\.h"\n$`},
	} {
		dir := filepath.Join(t.TempDir(), "dir")
		cmd := exec.Command(program, strings.Fields(strings.ReplaceAll(tt.args, "DIR", dir))...)
		cmd.Env = append(os.Environ(), "PYFILE_DISTRO=1")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); cmd.ProcessState == nil {
			t.Fatal(err)
		}
		if status := cmd.ProcessState.ExitCode(); status != 1 || out.Len() > 0 || !regexp.MustCompile(tt.want).Match(errs.Bytes()) {
			t.Errorf("%s: printed %q and %q and ended with %d, want a match of %s", tt.args, &out, &errs, status, tt.want)
		}
		if _, err := os.Lstat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: made a directory", tt.args)
		}
	}
}
