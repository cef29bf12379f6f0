// Command pyfile-index asks package indexes during a build. The frontend mounts it into the containers of a build; people have no
// use for it. Its command line is the frontend's contract with the steps it plans.
//
// settings, resolve and run need an image with Python; lookup and fetch need nothing but their arguments, not even a file of the system's. Like
// pyfile-install it carries no version, because its bytes are part of the cache keys.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/org/pyfile/index"
)

const usage = `usage: pyfile-index COMMAND [--OPTION VALUE]..., where COMMAND is one of

  settings  --out DIR --interpreter FILE
  lookup    --out DIR --settings DIR --query FILE --secrets DIR [--ca FILE]
  fetch     --out DIR --settings DIR --query FILE --secrets DIR [--ca FILE]
  resolve   --out DIR --settings DIR --query FILE --secrets DIR [--ca FILE] --uv DIR --src DIR --interpreter FILE --python X.Y
            [--extra NAME]... [--group NAME]... [--requires REQUIREMENT]... [--repository URL]... FILE...
  run       --settings DIR --query FILE --secrets DIR [--ca FILE] [--failure FILE] COMMAND...`

func main() {
	syscall.Umask(0o022)
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
	parse := func() error {
		if err := flags.Parse(args[1:]); err != nil {
			return fmt.Errorf("pyfile-index %s: %w", args[0], err)
		}
		if flags.NArg() > 0 && args[0] != "resolve" && args[0] != "run" {
			return fmt.Errorf("pyfile-index %s: %q is not an option", args[0], flags.Arg(0))
		}
		return nil
	}
	switch args[0] {
	case "settings":
		o := index.SettingsOptions{Output: os.Stderr}
		flags.StringVar(&o.Interpreter, "interpreter", "", "")
		if err := parse(); err != nil {
			return err
		}
		o.Out = *out
		return index.WriteSettings(ctx, o)
	case "lookup", "fetch", "resolve", "run":
		o := index.ResolveOptions{LookupOptions: index.LookupOptions{Output: os.Stderr}}
		flags.StringVar(&o.Settings, "settings", "", "")
		flags.StringVar(&o.Query, "query", "", "")
		flags.StringVar(&o.Secrets, "secrets", "", "")
		flags.StringVar(&o.CA, "ca", "", "")
		var failure string
		if args[0] == "run" {
			flags.StringVar(&failure, "failure", "", "")
		}
		if args[0] == "resolve" {
			flags.StringVar(&o.UV, "uv", "", "")
			flags.StringVar(&o.Source, "src", "", "")
			flags.StringVar(&o.Interpreter, "interpreter", "", "")
			flags.StringVar(&o.Python, "python", "", "")
			flags.Func("extra", "", func(v string) error { o.Extras = append(o.Extras, v); return nil })
			flags.Func("repository", "", func(v string) error { o.Repositories = append(o.Repositories, v); return nil })
			flags.Func("requires", "", func(v string) error { o.Requires = append(o.Requires, v); return nil })
			flags.Func("group", "", func(v string) error { o.Groups = append(o.Groups, v); return nil })
		}
		if err := parse(); err != nil {
			return err
		}
		o.Out, o.Inputs = *out, flags.Args()
		switch args[0] {
		case "fetch":
			return index.Fetch(ctx, index.FetchOptions(o.LookupOptions))
		case "resolve":
			return index.Resolve(ctx, o)
		case "run":
			return explain(index.Run(ctx, o.LookupOptions, flags.Args()), failure)
		}
		return index.Lookup(ctx, o.LookupOptions)
	}
	return fmt.Errorf("%q is not a command of pyfile-index\n%s", strings.TrimSpace(args[0]), usage)
}

// explain says in a file why an index could not be had, over what the command made of it. It is a diagnosis.Failure, whose package would make
// this program larger.
func explain(err error, file string) error {
	u := (*index.Unavailable)(nil)
	if file == "" || !errors.As(err, &u) {
		return err
	}
	data, wrong := json.Marshal(map[string]string{"message": u.Message, "hint": u.Hint})
	if wrong == nil {
		wrong = os.WriteFile(file, data, 0o644) //nolint:gosec // it was printed
	}
	return errors.Join(err, wrong)
}
