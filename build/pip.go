package build

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/pyfile/install"
	"github.com/org/pyfile/python"
)

//go:embed interpreter.py
var interpreterScript string

//go:embed tempnames.py
var namesScript string

//go:embed runpip.py
var pipScript string

const (
	// cuttingPip is the pip that is used to cut an index at a date when the interpreter's own cannot.
	cuttingPip       = "26.0.1"
	cuttingPipPython = "3.9" // the oldest Python that it runs on
	// firstCut is the first pip with --uploaded-prior-to.
	firstCut = "26.0"
	// firstBuildConstraint is the first pip with --build-constraint. Older ones take PIP_CONSTRAINT for build requirements, too.
	firstBuildConstraint = "25.3"
)

// found is what an interpreter has for installing packages.
type found struct {
	Python  string   `json:"python"`
	Venv    bool     `json:"venv"`
	Pip     string   `json:"pip"`     // directory of the package; empty without pip
	Version string   `json:"version"` // of pip
	Wheels  []string `json:"wheels"`  // those of pip that ensurepip has
}

// look asks an interpreter what it has.
func look(ctx context.Context, interpreter string, output io.Writer) (found, error) {
	cmd := exec.CommandContext(ctx, interpreter, "-I", "-c", interpreterScript)
	cmd.Env = append(os.Environ(), install.Environment()...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, output
	var f found
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return f, context.Cause(ctx)
	case errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound):
		return f, fmt.Errorf("%s does not exist in this image", interpreter)
	case err != nil:
		return f, err
	}
	return f, json.Unmarshal(out.Bytes(), &f)
}

// pip is a pip that installs into one environment.
type pip struct {
	dir     string // directory of the package. It is alone in the directory above: what else is there pip would take for installed
	version python.Version
	python  string // interpreter of the environment
	tmp     string // directory for its temporary files
	ca      string // file with certificates to trust besides; it need not be there
	output  io.Writer
}

// newPip makes the pip of an interpreter usable for an environment. It need not be installed there.
func newPip(f found, env, work string, output io.Writer) (pip, error) {
	p := pip{dir: filepath.Join(work, "pip", "pip"), python: filepath.Join(env, "bin", "python"), tmp: filepath.Join(work, "tmp"), output: output}
	for _, dir := range []string{filepath.Dir(p.dir), p.tmp} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return p, err
		}
	}
	version := f.Version
	switch {
	case f.Pip != "":
		if err := os.Symlink(f.Pip, p.dir); err != nil {
			return p, err
		}
	case len(f.Wheels) > 0:
		wheel := f.Wheels[len(f.Wheels)-1]
		name, err := python.ParseWheelName(filepath.Base(wheel))
		if err != nil {
			return p, err
		}
		version = name.Version
		if err := unpack(wheel, filepath.Dir(p.dir), limitsFor); err != nil {
			return p, err
		}
	default:
		return p, errors.New("this image has no pip, which installs the build requirements: use an image that has it, or install the package python3-pip " +
			"or python3-venv of Debian, py3-pip of Alpine")
	}
	var err error
	p.version, err = python.ParseVersion(version)
	return p, err
}

// elsewhere are variables by which pip would install to another place, nothing, or what it is not asked for. The user means them for
// packages of the image. Those that say where packages come from count.
var elsewhere = []string{"PIP_DRY_RUN", "PIP_NO_DEPS", "PIP_PREFIX", "PIP_PYTHON", "PIP_REPORT", "PIP_REQUIREMENT", "PIP_REQUIRE_HASHES", "PIP_ROOT", "PIP_TARGET", "PIP_USER"}

// without leaves variables out.
func without(variables []string, names ...[]string) []string {
	return slices.DeleteFunc(slices.Clone(variables), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.ContainsFunc(names, func(list []string) bool { return slices.Contains(list, name) })
	})
}

// install installs requirements. The variables are added to the environment of the process.
func (p pip) install(ctx context.Context, env, options, requirements []string) error {
	args := slices.Concat([]string{"-c", namesScript + pipScript, p.dir, "install", "--no-compile", "--no-cache-dir",
		"--disable-pip-version-check", "--no-input", "--root-user-action=ignore", "--no-warn-script-location"}, options, []string{"--"}, requirements)
	if !p.has("22.1") {
		args = slices.DeleteFunc(args, func(a string) bool { return a == "--root-user-action=ignore" })
	}
	cmd := exec.CommandContext(ctx, p.python, args...)
	cmd.Env = slices.Concat(without(os.Environ(), ownFiles, elsewhere), install.Environment("TZ=UTC", "TMPDIR="+p.tmp, "PYFILE_CA="+p.ca), env)
	output := &redacted{w: p.output}
	err := install.Run(ctx, output, cmd)
	return errors.Join(err, output.end())
}

// has tells whether the version is at least the one given.
func (p pip) has(version string) bool {
	v, err := python.ParseVersion(version)
	return err == nil && p.version.Compare(v) >= 0
}

// cutting is a pip that knows --uploaded-prior-to: p itself, or one that p gets from the index.
func (p pip) cutting(ctx context.Context, f found, work string) (pip, error) {
	if p.has(firstCut) {
		return p, nil
	}
	own, err := python.ParseVersion(f.Python)
	if err != nil {
		return p, err
	}
	if oldest, err := python.ParseVersion(cuttingPipPython); err != nil || own.Compare(oldest) < 0 {
		return p, fmt.Errorf("a cut at a date needs pip %s or later, which needs Python %s or later, and this image has Python %s", firstCut, cuttingPipPython, f.Python)
	}
	dir := filepath.Join(work, "cutting-pip")
	if err := p.install(ctx, nil, []string{"--quiet", "--no-deps", "--only-binary", ":all:", "--target", dir}, []string{"pip==" + cuttingPip}); err != nil {
		return p, fmt.Errorf("a cut at a date needs pip %s or later; pip %s could not be installed for it: %w", firstCut, cuttingPip, err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "bin")); err != nil {
		return p, err
	}
	p.dir = filepath.Join(dir, "pip")
	p.version, err = python.ParseVersion(cuttingPip)
	return p, err
}

// constraints are the options and variables that make a file of constraints hold for requirements, and for what those need to be built.
func (p pip) constraints(file string) (env, options []string) {
	if file == "" {
		return nil, nil
	}
	if p.has(firstBuildConstraint) {
		return nil, []string{"--constraint", file, "--build-constraint", file}
	}
	return []string{"PIP_CONSTRAINT=" + strings.TrimSpace(os.Getenv("PIP_CONSTRAINT")+" "+file)}, nil
}
