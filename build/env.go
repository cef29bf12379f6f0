package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/org/pyfile/diagnosis"
	"github.com/org/pyfile/install"
	"github.com/org/pyfile/remote"
)

// EnvOptions says what Env installs.
type EnvOptions struct {
	Out          string // path of the virtual environment, where it is used too; absent or empty
	Interpreter  string // a Python with venv, and with pip or ensurepip
	Requirements []string
	File         string // requirements file with more of them, as FormatRequirements writes it; may be empty
	Constraints  string // file of the same form that limits versions, also those of what builds the requirements; may be empty
	Before       string // day, 2024-12-31: nothing that was uploaded on it or later is installed; empty for no limit
	CA           string // file with certificates to trust besides those that pip does; empty for none, and it need not be there
	Secrets      string // directory with those of remote.Secrets that are given, for requirements from git; may be empty
	Output       io.Writer
}

// Env makes a virtual environment without pip and installs requirements into it with the interpreter's own pip, or with that of
// ensurepip. It may use the network, and asks the index that pip is configured for. A cut at a date needs pip 26.0: an older one gets
// that from the index first, and uses it for this alone. The installed modules are compiled, because the environment serves many builds.
func Env(ctx context.Context, o EnvOptions) error {
	for _, r := range o.Requirements {
		if r == "" || strings.HasPrefix(r, "-") {
			return fmt.Errorf("a requirement must have the form name>=1.0, not %q", shown(r))
		}
	}
	requirements := slices.Clone(o.Requirements)
	for _, file := range []string{o.File, o.Constraints} {
		if file == "" {
			continue
		}
		more, err := readRequirements(file)
		if err != nil {
			return err
		}
		if file == o.File {
			requirements = append(requirements, more...)
		}
	}
	if o.Before != "" {
		if _, err := time.Parse(time.DateOnly, o.Before); err != nil {
			return fmt.Errorf("--before must be a day such as 2024-12-31, not %q", o.Before)
		}
	}
	dir, err := filepath.Abs(o.Out)
	if err != nil {
		return err
	}
	return output(o.Out, func(work string) error {
		f, err := look(ctx, o.Interpreter, o.Output)
		if err == nil && !f.Venv {
			err = errors.New("the Python of this image has no module venv: use an image that has it, or install the package python3-venv of Debian")
		}
		if err == nil {
			cmd := exec.CommandContext(ctx, o.Interpreter, "-I", "-m", "venv", "--without-pip", dir) // without the modules of the working directory
			cmd.Env = append(os.Environ(), install.Environment()...)
			err = install.Run(ctx, o.Output, cmd)
		}
		if err != nil {
			return fmt.Errorf("the environment for the build could not be made: %w", err)
		}
		if len(requirements) == 0 {
			return nil
		}
		if err := o.install(ctx, f, dir, work, requirements); err != nil {
			names := make([]string, len(requirements))
			for i, r := range requirements {
				names[i] = shown(r)
			}
			return fmt.Errorf("the build requirements %s could not be installed: %w", strings.Join(names, ", "), err)
		}
		sites, err := filepath.Glob(filepath.Join(dir, "lib", "python*", "site-packages"))
		if err != nil {
			return err
		}
		var errs []error
		for _, site := range sites {
			errs = append(errs, install.Compile(ctx, o.Interpreter, site, o.Output))
		}
		return errors.Join(errs...)
	})
}

// noUploadTimes is how pip says that the index does not tell when files were uploaded (PEP 700).
var noUploadTimes = []byte("does not provide upload-time metadata")

// install installs requirements into the environment dir.
func (o EnvOptions) install(ctx context.Context, f found, dir, work string, requirements []string) error {
	printed := &diagnosis.Transcript{To: o.Output}
	p, err := newPip(f, dir, work, printed)
	if err != nil {
		return err
	}
	p.ca = o.CA
	var cut []string
	if o.Before != "" {
		if p, err = p.cutting(ctx, f, work); err != nil {
			return err
		}
		cut = []string{"--uploaded-prior-to", o.Before + "T00:00:00Z"}
	}
	constraints := o.Constraints
	if constraints != "" {
		// Beside the other temporary files, as pip takes white space in PIP_CONSTRAINT for the end of a name.
		data, err := os.ReadFile(constraints)
		if err != nil {
			return err
		}
		constraints = filepath.Join(work, "constraints.txt")
		if err := os.WriteFile(constraints, data, 0o644); err != nil { //nolint:gosec // it holds no secret
			return err
		}
	}
	env, options := p.constraints(constraints)
	repositories := remote.Addresses(requirements...)
	if len(repositories) > 0 {
		git, err := o.git(repositories, work)
		if err != nil {
			return err
		}
		env = append(env, git...)
	}
	err = p.install(ctx, env, slices.Concat(options, cut), requirements)
	if err != nil && ctx.Err() == nil && o.Before != "" && bytes.Contains(printed.End(), noUploadTimes) {
		return fmt.Errorf("an index does not say when its files were uploaded (PEP 700), so they cannot be cut at %s", o.Before)
	}
	if said := string(printed.End()); err != nil && len(repositories) > 0 && strings.Contains(said, "fatal: ") {
		return &Explained{diagnosis.Failure{Message: "a build requirement cannot be fetched from git: " + diagnosis.Clean(remote.Reason(said)),
			Hint: strings.TrimSuffix(remote.Hint(repositories[0]), ", ")}}
	}
	return err
}

// git are the variables by which pip's git logs in at repositories. pip puts a command of its own in the place of that for ssh, which then finds ours.
func (o EnvOptions) git(repositories []string, work string) ([]string, error) {
	env, err := remote.Environment(repositories, o.Secrets, o.CA, work)
	if err != nil {
		return nil, err
	}
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		return env, nil //nolint:nilerr // no address needs it
	}
	bin := filepath.Join(work, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return nil, err
	}
	for _, v := range env {
		if options, ok := strings.CutPrefix(v, "GIT_SSH_COMMAND=ssh "); ok {
			if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte("#!/bin/sh\nexec "+ssh+" "+options+" \"$@\"\n"), 0o755); err != nil { //nolint:gosec // it is a program
				return nil, err
			}
		}
	}
	return append(env, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH")), nil
}
