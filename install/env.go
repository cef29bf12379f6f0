package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// EnvOptions says what Env installs.
type EnvOptions struct {
	Out          string // path of the virtual environment, where it is used too; absent or empty
	Interpreter  string // a Python with venv and pip
	Requirements []string
	Output       io.Writer
}

// Env makes a virtual environment without pip and installs requirements into it with the interpreter's own pip, which may use the
// network. The installed modules are compiled, because the environment serves many builds.
func Env(ctx context.Context, o EnvOptions) error {
	for _, r := range o.Requirements {
		if r == "" || strings.HasPrefix(r, "-") {
			return fmt.Errorf("a requirement must have the form name>=1.0, not %q", r)
		}
	}
	dir, err := filepath.Abs(o.Out)
	if err != nil {
		return err
	}
	return output(o.Out, func() error {
		python := func(args ...string) error {
			cmd := exec.CommandContext(ctx, o.Interpreter, slices.Concat([]string{"-m"}, args)...)
			cmd.Env = append(os.Environ(), environment()...)
			return run(ctx, o.Output, cmd)
		}
		if err := python("venv", "--without-pip", dir); err != nil {
			return fmt.Errorf("the environment for the build could not be made: %w", err)
		}
		if len(o.Requirements) == 0 {
			return nil
		}
		pip := []string{
			"pip", "--python", filepath.Join(dir, "bin", "python"), "install",
			"--no-compile", "--no-cache-dir", "--disable-pip-version-check", "--no-input", "--root-user-action=ignore", "--",
		}
		if err := python(append(pip, o.Requirements...)...); err != nil {
			return fmt.Errorf("the build requirements %s could not be installed: %w", strings.Join(o.Requirements, ", "), err)
		}
		sites, err := filepath.Glob(filepath.Join(dir, "lib", "python*", "site-packages"))
		if err != nil {
			return err
		}
		var errs []error
		for _, site := range sites {
			errs = append(errs, compilation{
				Interpreter: o.Interpreter, Source: site, Image: site, Out: site, Skip: skipTests(false), Output: o.Output,
			}.run(ctx))
		}
		return errors.Join(errs...)
	})
}
