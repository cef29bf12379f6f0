// Command pyfile-step runs a command of the Pyfile in the finished image: a step, or the tests. The frontend mounts it into the containers of
// a build; people have no use for it. Its command line is the frontend's contract with the steps it plans.
//
// It carries no version: its bytes are part of the cache key of every layer that a step makes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/org/pyfile/diagnosis"
	"github.com/org/pyfile/step"
)

const usage = `usage: pyfile-step run --dir DIR [--user USER] [--own] [--secret FILE]... [--ca FILE] [--out DIR] [--failure FILE] -- COMMAND [ARGUMENT]...`

func main() {
	syscall.Umask(0o022) // of the command too
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "run" {
		return errors.New(usage) //nolint:staticcheck // it ends with an ellipsis
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	o := step.Options{Env: os.Environ(), Output: os.Stderr}
	flags.StringVar(&o.Dir, "dir", "", "")
	flags.StringVar(&o.User, "user", "", "")
	flags.BoolVar(&o.Own, "own", false, "")
	flags.StringVar(&o.Out, "out", "", "")
	flags.StringVar(&o.CA, "ca", "", "")
	flags.Func("secret", "", func(file string) error { o.Secrets = append(o.Secrets, file); return nil })
	report := flags.String("failure", "", "")
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("pyfile-step run: %w", err)
	}
	if o.Args = flags.Args(); len(o.Args) == 0 || o.Dir == "" {
		return errors.New(usage) //nolint:staticcheck // it ends with an ellipsis
	}
	err := step.Run(ctx, o)
	if err == nil || *report == "" || ctx.Err() != nil {
		return err
	}
	var f *step.Failure
	if !errors.As(err, &f) {
		f = &step.Failure{Failure: diagnosis.Failure{Message: err.Error()}}
	}
	return errors.Join(err, os.WriteFile(*report, f.Marshal(), 0o644)) //nolint:gosec // the frontend reads it
}
