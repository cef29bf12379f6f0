// Package lab tests the shell of the lab where a test of the product would not notice.
package lab

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A daemon whose program is slow to load, from a cold disk, is waited for and not taken for one that ended.
func TestServeWaitsForASlowStart(t *testing.T) {
	state := t.TempDir()
	for _, dir := range []string{"bin", "log", "run"} {
		if err := os.Mkdir(filepath.Join(state, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// lib.sh starts daemons by setsid, and looks for programs in bin first.
	slow := "#!/bin/sh\nsleep 0.3\nexec \"$@\"\n"
	if err := os.WriteFile(filepath.Join(state, "bin", "setsid"), []byte(slow), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(script string) (string, error) {
		cmd := exec.Command("bash", "-c", ". ./lib.sh\n"+script)
		cmd.Env = append(os.Environ(), "PYFILE_LAB="+state)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("serve daemon sleep 60; wait_for 5 daemon true; running daemon; stop daemon; ! running daemon"); err != nil {
		t.Errorf("a slow daemon: %v\n%s", err, out)
	}
	if out, err := run("serve daemon sh -c 'echo no such disk; exit 3'; wait_for 5 daemon false"); err == nil {
		t.Errorf("a daemon that ends at once is accepted: %s", out)
	}
}
