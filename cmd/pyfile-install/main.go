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

  wheels  --out DIR --prefix DIR --python X.Y --interpreter FILE [--bytecode=false] [--tests] [--jobs N]
          [--remove WORD,...] [--strip] [--facts DIR [--built] [--changing]] WHEEL|DIR...
  source  --out DIR --dir DIR --python X.Y --interpreter FILE [--bytecode=false] [--jobs N] [--facts DIR [--built]] DIR
  stdlib  --out DIR --interpreter FILE --lib DIR --dir DIR [--jobs N]
  python  --out DIR --interpreter FILE --lib DIR`

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
		return errors.New(usage)
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
		flags.Func("remove", "", func(words string) error {
			o.Remove = append(o.Remove, strings.Split(words, ",")...)
			return nil
		})
		flags.BoolVar(&o.Strip, "strip", false, "")
		flags.StringVar(&o.Facts, "facts", "", "")
		flags.BoolVar(&o.Built, "built", false, "")
		flags.BoolVar(&o.Changing, "changing", false, "")
		flags.IntVar(&o.Jobs, "jobs", 0, "")
		if err := parse(); err != nil {
			return err
		}
		o.Out, o.Interpreter, o.Wheels = *out, *interpreter, flags.Args()
		return install.Wheels(ctx, o)
	case "source":
		o := install.SourceOptions{Output: os.Stderr}
		flags.StringVar(&o.Dir, "dir", "", "")
		flags.StringVar(&o.Facts, "facts", "", "")
		flags.BoolVar(&o.Built, "built", false, "")
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
	case "python":
		var o install.InterpreterOptions
		flags.StringVar(&o.Lib, "lib", "", "")
		if err := parse(); err != nil {
			return err
		}
		o.Out, o.Interpreter = *out, *interpreter
		return install.Interpreter(ctx, o)
	}
	return fmt.Errorf("%q is not a command of pyfile-install\n%s", strings.TrimSpace(args[0]), usage)
}
