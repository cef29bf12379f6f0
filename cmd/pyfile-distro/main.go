// Command pyfile-distro does what a build needs of an image's Linux distribution: it installs packages, and it finds the package
// that would have a header, a program or a library. The frontend mounts it into the containers of a build; people have no use for
// it. Its command line is the frontend's contract with the steps it plans.
//
// It carries no version: its bytes are part of the cache key of every layer of packages.
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

	"github.com/org/pyfile/distro"
)

const usage = `usage: pyfile-distro COMMAND [--OPTION VALUE]... [ARGUMENT]..., where COMMAND is one of

  facts      [--root DIR] --path PATH [--venv DIR] --out DIR
  install    [--archives DIR] [--lists DIR] [--ca FILE] [--failure FILE] PACKAGE...
  providers  [--archives DIR] [--lists DIR] [--ca FILE] --out DIR WANT...`

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
	archives := flags.String("archives", "", "")
	lists := flags.String("lists", "", "")
	ca := flags.String("ca", "", "")
	parse := func() error {
		if err := flags.Parse(args[1:]); err != nil {
			return fmt.Errorf("pyfile-distro %s: %w", args[0], err)
		}
		return nil
	}
	switch args[0] {
	case "facts":
		venv := flags.String("venv", "", "")
		root, search, out := flags.String("root", "/", ""), flags.String("path", "", ""), flags.String("out", "", "")
		if err := parse(); err != nil {
			return err
		}
		return distro.WriteFacts(os.DirFS(*root), *search, *venv, *out)
	case "install":
		o := distro.InstallOptions{Output: os.Stderr}
		flags.StringVar(&o.Failure, "failure", "", "")
		if err := parse(); err != nil {
			return err
		}
		o.Archives, o.Lists, o.CA, o.Packages = *archives, *lists, *ca, flags.Args()
		return distro.Install(ctx, o)
	case "providers":
		o := distro.ProvidersOptions{Output: os.Stderr}
		flags.StringVar(&o.Out, "out", "", "")
		if err := parse(); err != nil {
			return err
		}
		if o.Out == "" || flags.NArg() == 0 {
			return errors.New("pyfile-distro providers: --out and at least one WANT must be given")
		}
		for _, arg := range flags.Args() {
			w, err := distro.ParseWant(arg)
			if err != nil {
				return err
			}
			o.Wants = append(o.Wants, w)
		}
		o.Archives, o.Lists, o.CA = *archives, *lists, *ca
		return distro.Providers(ctx, o)
	}
	return fmt.Errorf("%q is not a command of pyfile-distro\n%s", strings.TrimSpace(args[0]), usage)
}
