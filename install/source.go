package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// SourceOptions says what Source copies.
type SourceOptions struct {
	Out         string // directory that stands for the root of the image; absent or empty
	Dir         string // the tree's path in the image, "/app"
	Python      string // "3.13"
	Interpreter string // a Python of that version which runs here; only needed with Bytecode
	Source      string // the tree
	Bytecode    bool   // compile the modules; the bytecode is checked against them, as people do change sources
	Jobs        int    // parallel compilers, 0 for one per CPU
	Facts       string // directory that gets the facts of the ELF files in the tree, see package facts; absent or empty; "" for none
	Built       bool   // see WheelsOptions
	Output      io.Writer
}

// Source copies the source of an application, without bytecode that lies in it, and compiles its modules. Modes, owners and times
// are made uniform. Symbolic links stay links and must lead to somewhere in the tree; devices, pipes and sockets are refused.
// All refusals are reported together.
func Source(ctx context.Context, o SourceOptions) error {
	if err := errors.Join(checkImagePath("--dir", o.Dir), checkPython(o.Python)); err != nil {
		return err
	}
	root, err := os.OpenRoot(o.Source)
	if err != nil {
		return err
	}
	defer root.Close()
	return outputs(withFacts(o.Out, o.Facts), func() error {
		target := filepath.Join(o.Out, o.Dir)
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		if err := copyTree(ctx, root, target); err != nil {
			return err
		}
		if o.Facts != "" {
			objects, err := findObjects(ctx, root, o.Dir)
			if err == nil {
				err = writeFacts(o.Facts, sourceFacts(objects, o.Built))
			}
			if err != nil {
				return err
			}
		}
		if !o.Bytecode {
			return nil
		}
		return compilation{
			Interpreter: o.Interpreter, Source: target, Image: o.Dir, Out: target, Checked: true, Jobs: o.Jobs, Output: o.Output,
		}.run(ctx)
	})
}

// copyTree copies all but bytecode from root to the existing directory target.
func copyTree(ctx context.Context, root *os.Root, target string) error {
	var refused []error
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		to := filepath.Join(target, name)
		switch ext := path.Ext(name); {
		case d.IsDir() && d.Name() == "__pycache__":
			return fs.SkipDir
		case d.IsDir():
			return os.Mkdir(to, 0o755)
		case ext == ".pyc" || ext == ".pyo":
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			link, err := root.Readlink(name)
			if err != nil {
				return err
			}
			if why := badLink(root, name, link); why != "" {
				refused = append(refused, fmt.Errorf("%s is a symbolic link to %s, %s: copy the file, or exclude the link", name, link, why))
				return nil
			}
			return os.Symlink(link, to)
		case d.Type().IsRegular():
			return copyFile(root, name, to)
		}
		refused = append(refused, fmt.Errorf("%s is a %s, which an image cannot hold: exclude it", name, kind(d.Type())))
		return nil
	})
	return errors.Join(append(refused, err)...)
}

// badLink says why a symbolic link cannot be kept, or "" if it leads to a place in the tree, whether or not a file is there.
func badLink(root *os.Root, name, link string) string {
	if path.IsAbs(link) {
		return "an absolute path"
	}
	to := path.Join(path.Dir(name), link)
	if to == ".." || strings.HasPrefix(to, "../") {
		return "which is outside the source"
	}
	// The way there may lead through other links, which the path alone does not show.
	if _, err := root.Stat(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "which does not lead to a place in the source"
	}
	return ""
}

func kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

func copyFile(root *os.Root, name, to string) error {
	r, err := root.Open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, sealedMode(info.Mode()).Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}
