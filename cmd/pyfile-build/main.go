// Command pyfile-build makes wheels of sources during a build. The frontend mounts it into the containers of a build; people have no
// use for it. Its command line is the frontend's contract with the steps it plans.
//
// Like pyfile-install it carries no version, because its bytes are part of the cache keys.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/org/pyfile/authority"
	"github.com/org/pyfile/build"
	"github.com/org/pyfile/diagnosis"
	"github.com/org/pyfile/distro"
	"github.com/org/pyfile/python"
)

const usage = `usage: pyfile-build COMMAND [--OPTION VALUE]... [ARGUMENT]..., where COMMAND is one of

  inspect   --out DIR [--subdir DIR] [--name NAME] ARCHIVE|DIR
  lfs       --out DIR --src DIR --url URL --secrets DIR [--ca FILE]
  env       --out DIR --interpreter FILE [--requirements FILE] [--constraints FILE] [--before YYYY-MM-DD] [--ca FILE] [--secrets DIR]
            [REQUIREMENT]...
  requires  --out DIR --src DIR [--subdir DIR] --env DIR --backend NAME [--backend-path DIR]... [--setting KEY=VALUE]...
            [--name NAME] [--version VERSION] --requirements FILE [--failure FILE]
  build     --out DIR --src DIR [--subdir DIR] --env DIR --backend NAME [--backend-path DIR]... [--setting KEY=VALUE]...
            [--name NAME] [--version VERSION | --version-file FILE] [--jobs N] [--network] [--ca FILE] [--failure FILE]
  version   --out DIR --src DIR [--subdir DIR] --env DIR --backend NAME [--backend-path DIR]... [--setting KEY=VALUE]... --tool NAME
            [--failure FILE]
  take      --out DIR --src DIR --python X.Y.Z --machine NAME --libc "NAME X.Y" [--free-threaded] [--failure FILE] WHEEL...
  refs      --out DIR --url URL [--ref NAME] --secrets DIR [--ca FILE] [--failure FILE]
  history   --src DIR --url URL [--branch NAME] [--tags SHA256] --secrets DIR [--ca FILE] [--failure FILE]

requires, build and version also take --interpreter, which they do not need.` + "\n"

func main() {
	syscall.Umask(0o022) // of the programs started here
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		if !errors.As(err, &told{}) {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	if len(args) == 0 {
		return errors.New(usage) //nolint:staticcheck // it ends with an ellipsis
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	out := flags.String("out", "", "")
	interpreter := flags.String("interpreter", "", "")
	parse := func() error {
		if err := flags.Parse(args[1:]); err != nil {
			return fmt.Errorf("pyfile-build %s: %w", args[0], err)
		}
		if flags.NArg() > 0 && !slices.Contains([]string{"env", "inspect", "take"}, args[0]) {
			return fmt.Errorf("pyfile-build %s: %q is not an option", args[0], flags.Arg(0))
		}
		return nil
	}
	log := &diagnosis.Transcript{To: os.Stderr}
	backend := build.Backend{Output: log}
	var failure string
	var about diagnosis.Facts
	var before string // a day that cuts build requirements
	flags.StringVar(&failure, "failure", "", "")
	flags.BoolVar(&about.Own, "own", false, "")
	flags.BoolVar(&about.Network, "network", false, "")
	flags.StringVar(&about.CA, "ca", "", "")
	flags.StringVar(&about.Name, "name", "", "")
	flags.StringVar(&about.Version, "version", "", "")
	defer func() {
		if err != nil && failure != "" && ctx.Err() == nil {
			about.Python = pythonOf(backend.Env)
			report(failure, err, log.End(), about, before)
			err = told{err}
		}
	}()
	takeBackend := func() {
		flags.StringVar(&backend.Source, "src", "", "")
		flags.StringVar(&backend.Subdir, "subdir", "", "")
		flags.StringVar(&backend.Env, "env", "", "")
		flags.StringVar(&backend.Name, "backend", "", "")
		flags.Func("backend-path", "", func(p string) error { backend.BackendPath = append(backend.BackendPath, p); return nil })
		flags.Func("setting", "", func(v string) error {
			s, err := build.ParseSetting(v)
			backend.Settings = append(backend.Settings, s)
			return err
		})
		flags.IntVar(&backend.Jobs, "jobs", 0, "")
	}
	switch args[0] {
	case "inspect":
		var o build.InspectOptions
		flags.StringVar(&o.Subdir, "subdir", "", "")
		if err := parse(); err != nil {
			return err
		}
		if flags.NArg() != 1 {
			return fmt.Errorf("pyfile-build inspect: one archive or directory must be given, not %d", flags.NArg())
		}
		o.Out, o.Source, o.Name = *out, flags.Arg(0), about.Name
		return build.Inspect(o)
	case "lfs":
		var o build.LFSOptions
		flags.StringVar(&o.Source, "src", "", "")
		flags.StringVar(&o.URL, "url", "", "")
		flags.StringVar(&o.Secrets, "secrets", "", "")
		if err := parse(); err != nil {
			return err
		}
		o.Out, o.CA = *out, about.CA
		return build.LFS(ctx, o)
	case "env":
		o := build.EnvOptions{Output: log}
		about.Network = true
		flags.StringVar(&o.File, "requirements", "", "")
		flags.StringVar(&o.Constraints, "constraints", "", "")
		flags.StringVar(&before, "before", "", "")
		flags.StringVar(&o.Secrets, "secrets", "", "")
		if err := parse(); err != nil {
			return err
		}
		o.Out, o.Interpreter, o.Requirements, o.Before, o.CA = *out, *interpreter, flags.Args(), before, about.CA
		return build.Env(ctx, o)
	case "requires":
		var o build.RequiresOptions
		takeBackend()
		flags.StringVar(&o.File, "requirements", "", "")
		if err := parse(); err != nil {
			return err
		}
		o.Out, o.Backend, o.Project, o.Version = *out, backend, about.Name, about.Version
		return build.Requires(ctx, o)
	case "build":
		var o build.WheelOptions
		takeBackend()
		flags.StringVar(&o.Told, "version-file", "", "")
		if err := parse(); err != nil {
			return err
		}
		o.Out, o.Backend, o.Project, o.Version, o.CA = *out, backend, about.Name, about.Version, about.CA
		return build.Wheel(ctx, o)
	case "take":
		var o build.TakeOptions
		var version, libc string
		flags.StringVar(&o.Source, "src", "", "")
		flags.StringVar(&version, "python", "", "")
		flags.StringVar(&o.Target.Machine, "machine", "", "")
		flags.StringVar(&libc, "libc", "", "")
		flags.BoolVar(&o.Target.FreeThreaded, "free-threaded", false, "")
		if err := parse(); err != nil {
			return err
		}
		var err error
		if o.Target.Python, err = python.ParseVersion(version); err != nil {
			return fmt.Errorf("--python must be a full version like 3.13.5: %w", err)
		}
		c := &o.Target.Libc
		if _, err := fmt.Sscanf(libc, "%s %d.%d", &c.Name, &c.Major, &c.Minor); err != nil {
			return fmt.Errorf("--libc must be like \"glibc 2.41\", not %q", libc)
		}
		o.Out, o.Wheels = *out, flags.Args()
		return build.Take(o)
	case "refs", "history":
		o := build.RemoteOptions{Output: log}
		var source, ref string
		var refs build.Refs
		flags.StringVar(&source, "src", "", "")
		flags.StringVar(&o.URL, "url", "", "")
		flags.StringVar(&ref, "ref", "", "")
		flags.StringVar(&refs.Branch, "branch", "", "")
		flags.StringVar(&refs.Tags, "tags", "", "")
		flags.StringVar(&o.Secrets, "secrets", "", "")
		if err := parse(); err != nil {
			return err
		}
		o.CA, o.Own = about.CA, about.Own
		if args[0] == "refs" {
			return build.ListRefs(ctx, o, ref, *out)
		}
		return build.History(ctx, o, source, refs)
	case "version":
		var o build.VersionOptions
		takeBackend()
		flags.StringVar(&o.Tool, "tool", "", "")
		if err := parse(); err != nil {
			return err
		}
		o.Out, o.Backend = *out, backend
		return build.Version(ctx, o)
	}
	return fmt.Errorf("%q is not a command of pyfile-build\n%s", strings.TrimSpace(args[0]), usage)
}

// told is an error that was printed.
type told struct{ error }

// report prints an error, and below it what the output says of the cause where a backend failed. It writes the same for the frontend.
func report(file string, failed error, log []byte, about diagnosis.Facts, before string) {
	if db, err := distro.Open(os.DirFS("/")); err == nil {
		about.Distribution = db.Release.ID
	}
	if ended := (*exec.ExitError)(nil); errors.As(failed, &ended) {
		about.Exit = ended.ExitCode()
	}
	f := diagnosis.Failure{Message: failed.Error()}
	if u := (*build.Explained)(nil); errors.As(failed, &u) {
		f = u.Failure
	} else if d := diagnosis.Of(log, about); d != nil {
		f = d.Failure()
	} else if authority.Untrusted(failed.Error()) {
		f.Hint = authority.Hint(about.CA)
	}
	if before != "" {
		f.Hint = fmt.Sprintf("SOURCE_DATE_EPOCH is set, so that releases from %s on do not count as build requirements: set it to a later day, or leave it away", before)
	}
	fmt.Fprintln(os.Stderr, failed)
	if f.Message != failed.Error() {
		fmt.Fprintln(os.Stderr, "\n"+f.Message)
	}
	if f.Hint != "" {
		fmt.Fprintln(os.Stderr, "hint: "+f.Hint)
	}
	if err := os.WriteFile(file, f.Marshal(), 0o644); err != nil { //nolint:gosec // it was printed
		fmt.Fprintln(os.Stderr, err)
	}
}

// pythonOf is the version of the Python of a virtual environment, "" when it does not say.
func pythonOf(env string) string {
	data, err := os.ReadFile(filepath.Join(env, "pyvenv.cfg"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if name, value, _ := strings.Cut(line, "="); strings.TrimSpace(name) == "version" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
