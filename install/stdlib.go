package install

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// StdlibOptions says what Stdlib compiles.
type StdlibOptions struct {
	Out         string // directory that stands for the root of the image; absent or empty
	Interpreter string // a Python of the same version, which runs here
	Lib         string // directory with the standard library, of any platform
	Dir         string // its path in the image, "/usr/local/lib/python3.13"
	Jobs        int    // parallel compilers, 0 for one per CPU
	Output      io.Writer
}

// Stdlib compiles a standard library, which the official images ship without bytecode. Out receives the bytecode only. It is checked
// against the sources, because the layer may end up on a base whose Python was patched.
func Stdlib(ctx context.Context, o StdlibOptions) error {
	if err := checkImagePath("--dir", o.Dir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(o.Lib, "os.py")); err != nil {
		return fmt.Errorf("there is no standard library in %s: %w", o.Lib, err)
	}
	return Output(o.Out, func() error {
		target := filepath.Join(o.Out, o.Dir)
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		return compilation{
			Interpreter: o.Interpreter, Source: o.Lib, Image: o.Dir, Out: target, Checked: true,
			Skip: skipStdlib(), Jobs: o.Jobs, Output: o.Output,
		}.run(ctx)
	})
}

// unused.txt lists what of the standard library gets no bytecode.
//
//go:embed unused.txt
var unusedList string

// skipStdlib leaves out tests, what is not the library's own, and what servers do not import: see unused.txt. A module without bytecode works as
// before, it is compiled when it is imported.
func skipStdlib() func(string) bool {
	unused := map[string]bool{}
	for line := range strings.Lines(unusedList) {
		if name := strings.TrimSpace(line); name != "" && name[0] != '#' {
			unused[name] = true
		}
	}
	return func(name string) bool {
		switch path.Base(name) {
		case "test", "tests", "__pycache__":
			return true
		}
		return unused[name]
	}
}
