//go:build integration

package integration

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stop starts a build of a project and disturbs it while a step runs.
func (d daemon) stop(t *testing.T, dir, step string, disturb func(build *os.Process)) {
	t.Helper()
	cmd := exec.Command("buildctl", "--addr", d.addr, "build", "--progress", "plain", "--frontend", "dockerfile.v0", "--opt", "filename=Pyfile",
		"--local", "context="+dir, "--local", "dockerfile="+dir, "--output", "type=oci,dest="+filepath.Join(t.TempDir(), "image.tar"))
	progress, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	reached := false
	lines := bufio.NewScanner(io.TeeReader(progress, &log))
	for lines.Scan() {
		if !reached && strings.Contains(lines.Text(), step) {
			reached = true
			time.Sleep(300 * time.Millisecond)
			disturb(cmd.Process)
		}
	}
	if err := cmd.Wait(); err == nil || !reached {
		t.Fatalf("the build was to be stopped at %q: %v\n%s", step, err, log.String())
	}
	if got := log.String(); slices.Contains(ranSteps(got), "[final] merge") || strings.Contains(got, "exporting to image") {
		t.Fatalf("the build was stopped too late\n%s", got)
	}
}

// disturbed are the steps in whose middle a build is stopped, in the order in which they first run.
var disturbed = []string{"[base] compile the standard library", "[base] install django"}

// succeeds builds a project, and once more with another line of code, and compares with the images of an undisturbed daemon.
func (d daemon) succeeds(t *testing.T, dir, image string) {
	t.Helper()
	code := "hello from django"
	for range 2 {
		want, _ := labDaemon().push(t, dir, image+"-undisturbed")
		got, log := d.push(t, dir, image)
		if got != want {
			t.Errorf("the image is %s, that of an undisturbed build %s\n%s\n%s", got, want, imageOf(t, image).differences(imageOf(t, image+"-undisturbed")), log)
		}
		changed := unique()
		replace(t, dir, "site_config/urls.py", code, changed)
		code = changed
	}
}

func TestInterruptedBuildSpoilsNothing(t *testing.T) {
	t.Parallel()
	dir, d := example(t, "django-pylock"), freshDaemon(t, registryHost)
	for _, step := range disturbed {
		d.stop(t, dir, step, func(build *os.Process) { _ = build.Signal(os.Interrupt) })
	}
	d.succeeds(t, dir, registryHost+"/test/cancel:interrupted")
}

func TestKilledDaemonSpoilsNothing(t *testing.T) {
	t.Parallel()
	dir, p := example(t, "django-pylock"), freshProcess(t, registryHost)
	t.Cleanup(func() { p.abandon(t) })
	for _, step := range disturbed {
		p.stop(t, dir, step, func(*os.Process) { p.end(syscall.SIGKILL) })
		p.start(t)
	}
	p.succeeds(t, dir, registryHost+"/test/cancel:killed")
}

// abandon ends what a killed buildkitd leaves behind: its containers' mounts.
func (p *process) abandon(t *testing.T) {
	t.Helper()
	p.end(os.Interrupt)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	left := slices.Collect(strings.Lines(string(mounts)))
	for _, line := range slices.Backward(left) {
		if at := strings.Fields(line)[4]; strings.HasPrefix(at, p.root+"/") {
			if err := syscall.Unmount(at, syscall.MNT_DETACH); err != nil {
				t.Errorf("unmount %s: %v", at, err)
			}
		}
	}
}
