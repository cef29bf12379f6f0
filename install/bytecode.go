package install

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed compile.py
var compileScript string

// The flags of a hash-based bytecode file (PEP 552). An unchecked file is used without a look at its source: right for files that
// only another build changes, and the fastest. A checked one is used if its source has the hash it names.
const (
	unchecked = 1
	checked   = 3
)

const (
	// chunkSize is the bytes of source that one process compiles. A process costs a few milliseconds, this much source half a second.
	chunkSize = 512 << 10
	// moduleCost is what a module costs besides its size, in the same unit.
	moduleCost = 1 << 10
	// maxModule is the size from which a module is left to be compiled by who imports it: the compiler needs some hundred times its size.
	maxModule = 8 << 20
)

// compilation is a run of the compiler over a tree. The bytes of a file depend on the modules of its top-level directory in the tree
// and on the interpreter, and on nothing else, in particular not on Jobs.
//
// Modules that cannot be compiled are left out: wheels carry templates and modules for other versions.
type compilation struct {
	Interpreter string
	Source      string // directory with the modules
	Image       string // what the image calls it; the file name in tracebacks
	Out         string // where the bytecode goes; Source, or another directory of the same shape
	Checked     bool
	Skip        func(name string) bool // says which directories and modules to leave out, by their slash-separated path in Source
	Jobs        int
	Output      io.Writer
}

func (c compilation) run(ctx context.Context) error {
	chunks, err := c.chunks()
	if err != nil || len(chunks) == 0 {
		return err
	}
	var input bytes.Buffer
	for _, chunk := range chunks {
		for _, name := range chunk.modules {
			input.WriteString(name + "\x00")
		}
		input.WriteByte(0)
	}
	flags := unchecked
	if c.Checked {
		flags = checked
	}
	// Isolated but for the environment, as -I would drop PYTHONHASHSEED.
	cmd := exec.CommandContext(ctx, c.Interpreter, "-S", "-s", "-B", "-X", "utf8", "-c", compileScript,
		strconv.Itoa(jobs(c.Jobs)), strconv.Itoa(flags), c.Source, c.Image, c.Out)
	cmd.Env = Environment()
	cmd.Stdin = &input
	if err := Run(ctx, c.Output, cmd); err != nil {
		return fmt.Errorf("the bytecode could not be compiled: %w", err)
	}
	return nil
}

// chunk is the modules that one process compiles.
type chunk struct {
	modules []string // slash-separated paths in Source
	cost    int64
}

// chunks divides the modules into chunks, the largest first. No chunk has modules of two top-level directories, so that what a
// package compiles to does not depend on what is installed beside it.
func (c compilation) chunks() ([]chunk, error) {
	c.Source = filepath.Clean(c.Source)
	var list []chunk
	open := "" // top-level directory of the last chunk
	err := filepath.WalkDir(c.Source, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if name == c.Source && errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(name, c.Source), "/")
		if d.IsDir() {
			if rel != "" && c.Skip != nil && c.Skip(rel) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(rel) != ".py" || !d.Type().IsRegular() || c.Skip != nil && c.Skip(rel) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > maxModule {
			return nil
		}
		top, _, _ := strings.Cut(rel, "/")
		if n := len(list); n == 0 || open != top || list[n-1].cost >= chunkSize {
			list = append(list, chunk{})
			open = top
		}
		last := &list[len(list)-1]
		last.modules = append(last.modules, rel)
		last.cost += info.Size() + moduleCost
		return nil
	})
	slices.SortStableFunc(list, func(a, b chunk) int {
		return cmp.Or(cmp.Compare(b.cost, a.cost), strings.Compare(a.modules[0], b.modules[0]))
	})
	return list, err
}

// Compile gives every module of a site-packages directory its bytecode, in place and unchecked, but for the tests of packages. It
// needs the path that the directory will be used by.
func Compile(ctx context.Context, interpreter, site string, output io.Writer) error {
	return compilation{Interpreter: interpreter, Source: site, Image: site, Out: site, Skip: skipTests(false), Output: output}.run(ctx)
}

// skipTests returns what to leave out of a compilation of site-packages: directories named test or tests in a package. They are a
// quarter of the modules of a scientific environment and nobody imports them. A top-level package of such a name stays.
func skipTests(keep bool) func(string) bool {
	return func(dir string) bool {
		name := path.Base(dir)
		return !keep && (name == "tests" || name == "test") && strings.Contains(dir, "/")
	}
}
