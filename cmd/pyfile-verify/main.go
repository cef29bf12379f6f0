// Command pyfile-verify judges an image in a step of a build. The frontend mounts it into an empty root, beside what it reads; people have
// no use for it. Its command line is the frontend's contract with the steps it plans.
//
// It carries no version: its bytes are part of the cache key of the steps.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/org/pyfile/facts"
	"github.com/org/pyfile/python"
	"github.com/org/pyfile/verify"
)

const usage = `usage: pyfile-verify COMMAND [--OPTION VALUE]... [ARGUMENT]..., where COMMAND is one of

  system     --root DIR --out DIR [--library-path DIR:DIR...] [--interpreter FILE] [--path DIR:DIR...]
  installed  --root DIR --prefix DIR --python X.Y --out DIR
  check      --system FILE [--builder FILE] --python X.Y.Z --machine NAME --out DIR [--locked NAME==VERSION]... [--ignore NAME]... FACTS...`

func main() {
	syscall.Umask(0o022)
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New(usage) //nolint:staticcheck // it ends with an option
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	out := flags.String("out", "", "")
	parse := func() error {
		if err := flags.Parse(args[1:]); err != nil {
			return fmt.Errorf("pyfile-verify %s: %w", args[0], err)
		}
		return nil
	}
	switch args[0] {
	case "system":
		root := flags.String("root", "", "")
		libraryPath := flags.String("library-path", "", "")
		searchPath := flags.String("path", "", "")
		var image verify.Image
		flags.StringVar(&image.Interpreter, "interpreter", "", "")
		if err := parse(); err != nil {
			return err
		}
		if flags.NArg() > 0 {
			return fmt.Errorf("pyfile-verify system: takes no argument, but has %q", flags.Arg(0))
		}
		image.LibraryPath, image.Path = filepath.SplitList(*libraryPath), filepath.SplitList(*searchPath)
		return system(*root, image, *out)
	case "installed":
		root, prefix, python := flags.String("root", "", ""), flags.String("prefix", "", ""), flags.String("python", "", "")
		if err := parse(); err != nil {
			return err
		}
		return installed(*root, *prefix, *python, *out)
	case "check":
		var o checkOptions
		flags.StringVar(&o.system, "system", "", "")
		flags.StringVar(&o.builder, "builder", "", "")
		flags.StringVar(&o.python, "python", "", "")
		flags.StringVar(&o.Machine, "machine", "", "")
		flags.Func("locked", "", func(entry string) error { o.Locked = append(o.Locked, entry); return nil })
		flags.Func("ignore", "", func(name string) error { o.Ignore = append(o.Ignore, name); return nil })
		if err := parse(); err != nil {
			return err
		}
		o.facts = flags.Args()
		return check(o, *out)
	}
	return fmt.Errorf("%q is not a command of pyfile-verify\n%s", strings.TrimSpace(args[0]), usage)
}

// system describes the root file system in dir.
func system(dir string, image verify.Image, out string) error {
	if dir == "" {
		return errors.New("no root is given: add --root DIR")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	s, err := verify.Describe(root.FS(), image)
	if err != nil {
		return err
	}
	return write(out, verify.SystemFile, s.Write)
}

// installed reads what is installed in a virtual environment of the root file system in dir.
func installed(dir, prefix, python, out string) error {
	if dir == "" {
		return errors.New("no root is given: add --root DIR")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := verify.Installed(root.FS(), prefix, python)
	if err != nil {
		return err
	}
	return write(out, facts.Name, f.Write)
}

type checkOptions struct {
	verify.Options
	system, builder, python string
	facts                   []string
}

// check reads what it is to judge and judges it. All files that cannot be read are told.
func check(o checkOptions, out string) error {
	var errs []error
	read := func(name, what string) *verify.System {
		data, err := os.ReadFile(name)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		s, err := verify.ReadSystem(data)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
		return s
	}
	if o.system == "" {
		errs = append(errs, errors.New("no system is given: add --system FILE"))
	} else {
		o.System = read(o.system, o.system)
	}
	if o.builder != "" {
		o.Builder = read(o.builder, o.builder)
	}
	if o.Machine == "" {
		errs = append(errs, errors.New("no machine is given: add --machine, with a name as uname prints it"))
	}
	var err error
	if o.Python, err = python.ParseVersion(o.python); err != nil {
		errs = append(errs, fmt.Errorf("--python must be a full version like 3.13.5: %w", err))
	}
	for _, name := range o.facts {
		if st, err := os.Stat(name); err == nil && st.IsDir() {
			name = filepath.Join(name, facts.Name)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		f, err := facts.Read(data)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		o.Facts = append(o.Facts, f)
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	report, err := verify.Check(o.Options)
	if err != nil {
		return err
	}
	return write(out, verify.ReportFile, report.Write)
}

// epoch is the time of every file that a build makes, as of those that are installed.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// write writes the one file of an output directory, which must be absent or empty, with a fixed mode and time.
func write(dir, name string, fill func(io.Writer) error) error {
	if dir == "" {
		return errors.New("no output directory is given: add --out DIR")
	}
	var b bytes.Buffer
	if err := fill(&b); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the plan names the directory
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("the output directory %s must be empty, but has %s", dir, entries[0].Name())
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil { //nolint:gosec // everybody may read it
		return err
	}
	for _, name := range []string{file, dir} {
		if err := os.Chtimes(name, epoch, epoch); err != nil {
			return err
		}
	}
	return nil
}
