package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/python"
)

// The releases that the replay sees: those of the weeks that end with the last day. They are fixed, and with them the answer of every
// index that does not take files back.
const (
	uvVersion = "0.13.9" // as in examples/locks
	lastDay   = "2026-11-01"
	weeks     = 52
)

//go:embed projects
var projects embed.FS

// target is what the projects are installed for: python:3.13-slim on linux/amd64.
var target = python.Target{Python: mustVersion("3.13.5"), Machine: "x86_64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 41}}

func mustVersion(text string) python.Version {
	v, err := python.ParseVersion(text)
	if err != nil {
		panic(err)
	}
	return v
}

// history is the wheels of one project, of the first day and of the end of each week after it.
type history struct {
	project string
	days    [][]lock.Artifact // sorted by name
}

// projectNames are the replayed projects, in the order of their size.
var projectNames = []string{"service", "web", "django", "ml", "data", "agents"}

// days are the dates of the locks, oldest first.
func days() []string {
	last, err := time.Parse(time.DateOnly, lastDay)
	if err != nil {
		panic(err)
	}
	out := make([]string, weeks+1)
	for i := range out {
		out[i] = last.AddDate(0, 0, 7*(i-weeks)).Format(time.DateOnly)
	}
	return out
}

// histories reads the locks of all projects, and makes those that the cache does not have.
func histories(ctx context.Context, cache string) ([]history, error) {
	var out []history
	for _, name := range projectNames {
		text, err := fs.ReadFile(projects, "projects/"+name+"/pyproject.toml")
		if err != nil {
			return nil, err
		}
		h := history{project: name}
		for _, day := range days() {
			data, err := lockOf(ctx, cache, name, day, text)
			if err != nil {
				return nil, err
			}
			wheels, err := read(text, data)
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", name, day, err)
			}
			h.days = append(h.days, wheels)
		}
		out = append(out, h)
	}
	return out, nil
}

// read selects from a lock the wheels that the target installs.
func read(pyproject, data []byte) ([]lock.Artifact, error) {
	project, err := lock.ParseProject("pyproject.toml", pyproject)
	if err != nil {
		return nil, err
	}
	l, err := lock.Read([]string{"uv.lock"}, map[string][]byte{"uv.lock": data})
	if err != nil {
		return nil, err
	}
	all, err := l.Select(lock.Request{Target: target, Project: project})
	if err != nil {
		return nil, err
	}
	var out []lock.Artifact
	for _, a := range all {
		if a.Kind == lock.Wheel { // what is built has a layer of its own, whatever the rule
			out = append(out, a)
		}
	}
	return out, nil
}

// lockOf is the lock that "uv lock --upgrade" would have made on a day. It is in the cache under a name that says what it was made of.
func lockOf(ctx context.Context, cache, name, day string, pyproject []byte) ([]byte, error) {
	stamp := sha256.Sum256(append([]byte(uvVersion+"\n"), pyproject...))
	file := filepath.Join(cache, "grouping", fmt.Sprintf("%s-%x", name, stamp[:8]), day+".lock")
	if data, err := os.ReadFile(file); err == nil {
		return data, nil
	}
	fmt.Fprintf(os.Stderr, "grouping: locking %s as of %s\n", name, day)
	uv, err := installUV(ctx, cache)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "grouping-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "pyproject.toml"), pyproject, 0o600); err != nil {
		return nil, err
	}
	err = run(ctx, dir, uv, "lock", "--quiet", "--no-config", "--no-python-downloads", "--upgrade", "--exclude-newer", day+"T00:00:00Z")
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", name, day, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(file+".part", data, 0o600); err != nil {
		return nil, err
	}
	return data, os.Rename(file+".part", file)
}

// installUV returns the path of the pinned uv, which it installs where examples/locks has it too.
func installUV(ctx context.Context, cache string) (string, error) {
	dir := filepath.Join(cache, "locks", "uv-"+uvVersion)
	uv := filepath.Join(dir, "bin", "uv")
	if _, err := os.Stat(uv); err == nil {
		return uv, nil
	}
	if err := run(ctx, ".", "python3", "-m", "venv", dir); err != nil {
		return "", err
	}
	return uv, run(ctx, ".", filepath.Join(dir, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "uv=="+uvVersion)
}

// run runs a program; the error has what it printed. Like examples/locks it asks the index alone.
func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PIP_FIND_LINKS=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, &printed)
	}
	return nil
}
