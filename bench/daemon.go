package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// daemon is a buildkitd with a root of its own.
type daemon struct {
	root string
	cmd  *exec.Cmd
}

func (d *daemon) address() string { return "unix://" + d.root + "/buildkitd.sock" }

// startDaemon starts an empty buildkitd, which pulls the names of docker.io from the registry.
func (b *bench) startDaemon(ctx context.Context) (*daemon, error) {
	config, err := os.ReadFile(filepath.Join(b.lab, "buildkitd.toml"))
	if err != nil {
		return nil, err
	}
	d := &daemon{}
	if d.root, err = os.MkdirTemp(b.lab, "bench-"); err != nil {
		return nil, err
	}
	file := filepath.Join(d.root, "buildkitd.toml")
	if err := os.WriteFile(file, bytes.ReplaceAll(config, []byte(b.registryOfLab), []byte(b.registry())), 0o644); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(d.root, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	d.cmd = exec.Command("buildkitd", "--config", file, "--root", filepath.Join(d.root, "root"), "--addr", d.address())
	d.cmd.Stdout, d.cmd.Stderr = log, log
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	for range 200 {
		if exec.CommandContext(ctx, "buildctl", "--addr", d.address(), "debug", "workers").Run() == nil {
			return d, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, fmt.Errorf("buildkitd does not answer; see %s", log.Name())
}

// end stops the daemon and deletes all it has.
func (d *daemon) end() {
	_ = d.cmd.Process.Signal(os.Interrupt)
	_ = d.cmd.Wait()
	_ = os.RemoveAll(d.root)
}

// disk is the bytes below the daemon's root. Nothing is collected during a round, so that it is the peak.
func (d *daemon) disk() (int64, error) {
	out, err := exec.Command("du", "-s", "-x", "--block-size=1", filepath.Join(d.root, "root")).Output()
	if err != nil && len(out) == 0 {
		return 0, fmt.Errorf("du: %w", err)
	}
	var n int64
	_, err = fmt.Sscan(string(out), &n)
	return n, err
}

// freeDisk is the bytes that are free where dir is.
func freeDisk(dir string) (int64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", dir, err)
	}
	return int64(fs.Bavail) * fs.Bsize, nil
}

// build runs buildctl once and returns its seconds.
func (d *daemon) build(ctx context.Context, args ...string) (seconds float64, err error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "buildctl", append([]string{"--addr", d.address(), "build", "--progress", "plain"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	err = cmd.Run()
	seconds = time.Since(start).Seconds()
	if err != nil {
		return 0, fmt.Errorf("buildctl build %s: %w\n%s", strings.Join(args, " "), err, tail(out.String(), 4000))
	}
	return seconds, nil
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
