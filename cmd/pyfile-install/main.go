// Command pyfile-install does the work of one build step. The frontend mounts it into the containers of a build; people have no use
// for it. Its command line is the frontend's contract with the steps it plans.
//
// It carries no version: its bytes are part of the cache key of every installed layer, and a release that does not change how
// things are installed must not change them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/org/pyfile/install"
)

const usage = `usage: pyfile-install COMMAND [--OPTION VALUE]... [ARGUMENT]..., where COMMAND is one of

  wheels  --out DIR --prefix DIR --python X.Y --interpreter FILE [--bytecode=false] [--tests] [--jobs N] [--any] WHEEL|DIR...
  source  --out DIR --dir DIR --python X.Y --interpreter FILE [--bytecode=false] [--jobs N] DIR
  stdlib  --out DIR --interpreter FILE --lib DIR --dir DIR [--jobs N]
  env     --out DIR --interpreter FILE REQUIREMENT...
  build   --out DIR --src DIR --env DIR --interpreter FILE --backend NAME [--backend-path DIR]...`

func main() {
	syscall.Umask(0o022) // of the programs started here
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New(usage) //nolint:staticcheck // it ends with an ellipsis
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	out := flags.String("out", "", "")
	interpreter := flags.String("interpreter", "", "")
	parse := func() error {
		if err := flags.Parse(args[1:]); err != nil {
			return fmt.Errorf("pyfile-install %s: %w", args[0], err)
		}
		return nil
	}
	switch args[0] {
	case "wheels":
		o := install.WheelsOptions{Output: os.Stderr}
		flags.StringVar(&o.Prefix, "prefix", "", "")
		flags.StringVar(&o.Python, "python", "", "")
		flags.BoolVar(&o.Bytecode, "bytecode", true, "")
		flags.BoolVar(&o.Tests, "tests", false, "")
		flags.BoolVar(&o.Any, "any", false, "")
		flags.IntVar(&o.Jobs, "jobs", 0, "")
		if err := parse(); err != nil {
			return err
		}
		o.Out, o.Interpreter, o.Wheels = *out, *interpreter, flags.Args()
		return install.Wheels(ctx, o)
	case "source":
		o := install.SourceOptions{Output: os.Stderr}
		flags.StringVar(&o.Dir, "dir", "", "")
		flags.StringVar(&o.Python, "python", "", "")
		flags.BoolVar(&o.Bytecode, "bytecode", true, "")
		flags.IntVar(&o.Jobs, "jobs", 0, "")
		if err := parse(); err != nil {
			return err
		}
		if flags.NArg() != 1 {
			return fmt.Errorf("pyfile-install source: one directory must be given, not %d", flags.NArg())
		}
		o.Out, o.Interpreter, o.Source = *out, *interpreter, flags.Arg(0)
		return install.Source(ctx, o)
	case "stdlib":
		o := install.StdlibOptions{Output: os.Stderr}
		flags.StringVar(&o.Lib, "lib", "", "")
		flags.StringVar(&o.Dir, "dir", "", "")
		flags.IntVar(&o.Jobs, "jobs", 0, "")
		if err := parse(); err != nil {
			return err
		}
		o.Out, o.Interpreter = *out, *interpreter
		return install.Stdlib(ctx, o)
	case "env":
		o := install.EnvOptions{Output: os.Stderr}
		if err := parse(); err != nil {
			return err
		}
		o.Out, o.Interpreter, o.Requirements = *out, *interpreter, flags.Args()
		return install.Env(ctx, o)
	case "build":
		o := install.BuildOptions{Output: os.Stderr}
		flags.StringVar(&o.Source, "src", "", "")
		flags.StringVar(&o.Env, "env", "", "")
		flags.StringVar(&o.Backend, "backend", "", "")
		flags.Func("backend-path", "", func(p string) error { o.BackendPath = append(o.BackendPath, p); return nil })
		if err := parse(); err != nil {
			return err
		}
		o.Out = *out
		return install.Build(ctx, o)
	}
	return fmt.Errorf("%q is not a command of pyfile-install\n%s", strings.TrimSpace(args[0]), usage)
}
