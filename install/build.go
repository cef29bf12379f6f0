package install

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed build.py
var buildScript string

// BuildOptions says what Build builds.
type BuildOptions struct {
	Source      string   // directory of the project; backends may write to it
	Env         string   // virtual environment with the build requirements
	Out         string   // directory for the wheel; absent or empty
	Backend     string   // build-backend of pyproject.toml, "hatchling.build"
	BackendPath []string // backend-path of pyproject.toml, below Source
	Output      io.Writer
}

// Build makes the wheel of a project with its build backend (PEP 517), in an environment that has all it needs: nothing is
// installed. What the backend prints goes to Output. The wheel keeps the bytes the backend gave it.
func Build(ctx context.Context, o BuildOptions) error {
	source, err := filepath.Abs(o.Source)
	if err != nil {
		return err
	}
	if o.Env, err = filepath.Abs(o.Env); err != nil {
		return err
	}
	var paths []string
	for _, p := range o.BackendPath {
		if !filepath.IsAbs(p) {
			p = filepath.Join(source, p)
		}
		if rel, err := filepath.Rel(source, p); err != nil || !filepath.IsLocal(rel) {
			return fmt.Errorf("backend-path must name directories of the project, not %s", p)
		}
		paths = append(paths, p)
	}
	return output(o.Out, func() error {
		out, err := filepath.Abs(o.Out)
		if err != nil {
			return err
		}
		name, err := callBackend(ctx, o, source, out, paths)
		if err != nil {
			return err
		}
		entries, err := os.ReadDir(out)
		if err != nil {
			return err
		}
		if len(entries) != 1 || entries[0].Name() != name || filepath.Ext(name) != ".whl" || !entries[0].Type().IsRegular() {
			return fmt.Errorf("the build backend %s must leave one wheel, the one that it names: it named %q and left %d files", o.Backend, name, len(entries))
		}
		return nil
	})
}

// callBackend runs the hooks in a process of the environment and returns the name of the wheel.
func callBackend(ctx context.Context, o BuildOptions, source, out string, paths []string) (string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	bin := filepath.Join(o.Env, "bin")
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "python"), slices.Concat([]string{"-c", buildScript, "3", out, o.Backend}, paths)...)
	cmd.Dir = source
	cmd.ExtraFiles = []*os.File{w}
	// Compilers are found as usual, and commands of build requirements before them.
	cmd.Env = append(os.Environ(), environment("PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))...)
	failed := run(ctx, o.Output, cmd)
	w.Close()
	if ctx.Err() != nil {
		return "", failed
	}
	report, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	what, text, _ := strings.Cut(strings.TrimSuffix(string(report), "\n"), " ")
	switch {
	case what == "missing":
		return "", fmt.Errorf("the build backend %s needs %s: add to [build-system] requires in pyproject.toml", o.Backend, text)
	case what == "failed":
		return "", fmt.Errorf("the build backend %s failed: %s", o.Backend, text)
	case failed != nil:
		return "", fmt.Errorf("the build backend %s failed: %w", o.Backend, failed)
	case what != "wheel":
		return "", errors.New("the build backend " + o.Backend + " ended the process")
	}
	return text, nil
}
