package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/org/pyfile/elf"
)

// InterpreterOptions says what Interpreter copies.
type InterpreterOptions struct {
	Out         string // directory that stands for the root of a file system; absent or empty
	Interpreter string // path of a Python that runs here
	Lib         string // directory with its standard library, "/usr/local/lib/python3.13"
}

// Interpreter copies an interpreter, its standard library and the shared libraries that it starts with, so that Out is all that compiling
// modules needs. A patched base image whose Python is the same gives the same tree, and whoever knows the tree by its content need
// not compile again.
//
// The copy is tried. An interpreter that needs more than that, because it is a script or is started by another program, is copied with
// all other files of the file system that it is on.
func Interpreter(ctx context.Context, o InterpreterOptions) error {
	out, err := filepath.Abs(o.Out)
	if err != nil {
		return err
	}
	return Output(out, func() error {
		c := copier{out}
		if err := c.interpreter(ctx, o); err != nil {
			return err
		}
		failed := try(ctx, o, out)
		if failed == nil || ctx.Err() != nil {
			return failed
		}
		if err := clear(out, false); err != nil {
			return err
		}
		if err := c.all(ctx); err != nil {
			return err
		}
		if err := try(ctx, o, out); err != nil {
			return fmt.Errorf("%s does not start: %w", o.Interpreter, errors.Join(failed, err))
		}
		return nil
	})
}

// try starts the interpreter in its new root, with the modules that the compiler imports. They get their bytecode there by that, so that
// each start of the compiler is faster. The times that it notes of the sources are those that they end with.
func try(ctx context.Context, o InterpreterOptions, root string) error {
	imports, _, _ := strings.Cut(compileScript, "\njobs,")
	cmd := exec.CommandContext(ctx, o.Interpreter, "-S", "-s", "-X", "utf8", "-c", imports)
	cmd.Dir = "/"
	for _, v := range Environment() {
		if !strings.HasPrefix(v, "PYTHONDONTWRITEBYTECODE=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if id := os.Geteuid(); id != 0 { // as in a test; builds have root
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: id, Size: 1}}
	}
	var said strings.Builder
	if err := Run(ctx, &said, cmd); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(said.String()))
	}
	return nil
}

// copier copies files to the same places below another root.
type copier struct{ to string }

// loaderFiles tell the dynamic linkers of glibc and musl where libraries are.
var loaderFiles = []string{"/etc/ld.so.cache", "/etc/ld-musl-*.path"}

func (c copier) interpreter(ctx context.Context, o InterpreterOptions) error {
	if err := c.file(o.Interpreter); err != nil {
		return err
	}
	libraries, err := startsWith(ctx, o.Interpreter)
	if err != nil {
		return err
	}
	for _, name := range libraries {
		if err := c.file(name); err != nil {
			return err
		}
	}
	for _, pattern := range loaderFiles {
		names, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := c.file(name); err != nil {
				return err
			}
		}
	}
	return c.tree(ctx, o.Lib, skipStdlib())
}

// startsWith lists what the kernel and the dynamic linker load with a program: the linker itself, and the libraries that it names when
// it is asked to list them. There are none for a script, and for a program that is linked statically.
func startsWith(ctx context.Context, program string) ([]string, error) {
	f, err := os.Open(program)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	o, err := elf.Read(f)
	if err != nil || o == nil || o.Interpreter == "" {
		return nil, err
	}
	var listed strings.Builder
	cmd := exec.CommandContext(ctx, o.Interpreter, "--list", program)
	cmd.Env = []string{}
	if err := Run(ctx, &listed, cmd); err != nil && ctx.Err() != nil {
		return nil, err
	}
	// A linker that cannot list has listed nothing, and the interpreter then does not start without the rest of the image.
	return append(listedLibraries(listed.String()), o.Interpreter), nil
}

// listedLibraries are the paths in lines such as "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f0000000000)". What has no path
// of its own comes from the kernel, or is the linker.
func listedLibraries(text string) (list []string) {
	for line := range strings.Lines(text) {
		_, file, found := strings.Cut(line, " => ")
		file, _, _ = strings.Cut(strings.TrimSpace(file), " (")
		if found && filepath.IsAbs(file) {
			list = append(list, file)
		}
	}
	return list
}

// file copies a file, and the symbolic links on the way to it.
func (c copier) file(name string) error {
	real, err := c.follow(name)
	if err != nil {
		return err
	}
	return c.copy(real)
}

// maxLinks is how many symbolic links lead to a file at most, as in Linux.
const maxLinks = 40

// follow makes the directories and symbolic links that lead to name, and returns the path without links.
func (c copier) follow(name string) (string, error) {
	real, rest := "/", strings.Split(filepath.Clean(name), "/")
	for links := 0; len(rest) > 0; {
		at := filepath.Join(real, rest[0])
		rest = rest[1:]
		info, err := os.Lstat(at)
		if err != nil {
			return "", err
		}
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			if links++; links > maxLinks {
				return "", &fs.PathError{Op: "open", Path: name, Err: syscall.ELOOP}
			}
			target, err := c.link(at)
			if err != nil {
				return "", err
			}
			if filepath.IsAbs(target) {
				real = "/"
			}
			rest = append(strings.Split(filepath.Clean(target), "/"), rest...)
			continue
		case info.IsDir():
			if err := os.Mkdir(filepath.Join(c.to, at), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
				return "", err
			}
		}
		real = at
	}
	return real, nil
}

// link copies a symbolic link and returns where it leads.
func (c copier) link(name string) (string, error) {
	target, err := os.Readlink(name)
	if err != nil {
		return "", err
	}
	if err := os.Symlink(target, filepath.Join(c.to, name)); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	return target, nil
}

// copy copies a regular file whose directory is there, with the time that all files end with.
func (c copier) copy(name string) error {
	r, err := os.Open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	to := filepath.Join(c.to, name)
	w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, sealedMode(info.Mode()).Perm())
	if errors.Is(err, fs.ErrExist) {
		return nil // it is known by another name too
	}
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, r); err != nil {
		return errors.Join(err, w.Close())
	}
	if err := w.Close(); err != nil {
		return err
	}
	return setTime(to, Epoch)
}

// tree copies a directory but for what skip names, by paths below it, and but for links to directories.
func (c copier) tree(ctx context.Context, dir string, skip func(string) bool) error {
	real, err := c.follow(dir)
	if err != nil {
		return err
	}
	return filepath.WalkDir(real, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == real {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, real), "/")
		switch {
		case skip(rel) && d.IsDir():
			return fs.SkipDir
		case skip(rel):
		case d.IsDir():
			return os.Mkdir(filepath.Join(c.to, name), 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			_, err := c.link(name)
			return err
		case d.Type().IsRegular():
			return c.copy(name)
		}
		return nil
	})
}

// all copies the file system that the root directory is on.
func (c copier) all(ctx context.Context) error {
	device := func(info fs.FileInfo) uint64 { // of the file system
		st, _ := info.Sys().(*syscall.Stat_t)
		return st.Dev
	}
	top, err := os.Stat("/")
	if err != nil {
		return err
	}
	return c.tree(ctx, "/", func(name string) bool {
		info, err := os.Lstat(filepath.Join("/", name))
		return err != nil || device(info) != device(top) || filepath.Join("/", name) == c.to
	})
}
