package build

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/org/pyfile/install"
	"github.com/org/pyfile/python"
)

//go:embed hooks.py
var hooksScript string

// Backend is a build backend and how to call it.
type Backend struct {
	Source      string    // directory of the source; backends may write to it
	Subdir      string    // directory of the project in it, "" for its root
	Env         string    // virtual environment with the build requirements
	Name        string    // build-backend of pyproject.toml, "hatchling.build"
	BackendPath []string  // backend-path of pyproject.toml, in the project
	Settings    []Setting // config settings, in the order given
	Jobs        int       // of tools that do not count the processors themselves; 0 means one per CPU
	Output      io.Writer // gets what is printed, while it is
}

// Setting is a config setting of a build backend (PEP 517). A key that is given again makes a list.
type Setting struct{ Key, Value string }

// ParseSetting reads KEY=VALUE.
func ParseSetting(text string) (Setting, error) {
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		return Setting{}, fmt.Errorf("a setting must have the form KEY=VALUE, not %q", text)
	}
	return Setting{key, value}, nil
}

// settings are what the hooks get: a text for each key, or a list of them; nil for none.
func settings(list []Setting) map[string]any {
	var out map[string]any
	for _, s := range list {
		if out == nil {
			out = map[string]any{}
		}
		switch was := out[s.Key].(type) {
		case nil:
			out[s.Key] = s.Value
		case string:
			out[s.Key] = []string{was, s.Value}
		case []string:
			out[s.Key] = append(was, s.Value)
		}
	}
	return out
}

// answer is what hooks.py reports.
type answer struct {
	Missing     []string     `json:"missing"`
	Failed      string       `json:"failed"`
	Requires    *[]string    `json:"requires"`
	Wheel       string       `json:"wheel"`
	Version     string       `json:"version"`
	Versioneer  any          `json:"versioneer"` // what its get_versions returns
	File        string       `json:"file"`       // where its versionfile_source is
	Interpreter *interpreter `json:"interpreter"`
}

// grace is how long output is waited for when the process has ended.
const grace = 2 * time.Second

// call runs a hook in a process of the environment: "requires", "wheel", "version" or "versioneer".
func (b Backend) call(ctx context.Context, hook, out, work string, variables []string) (answer, error) {
	var a answer
	source, err := filepath.Abs(b.Source)
	if err != nil {
		return a, err
	}
	env, err := filepath.Abs(b.Env)
	if err != nil {
		return a, err
	}
	dir, err := projectDir(source, b.Subdir)
	if err != nil {
		return a, err
	}
	paths, err := b.paths(dir)
	if err != nil {
		return a, err
	}
	arguments, err := json.Marshal(map[string]any{"report": 3, "hook": hook, "backend": b.Name, "paths": paths, "settings": settings(b.Settings), "out": out})
	if err != nil {
		return a, err
	}
	variables, err = b.environment(env, work, variables)
	if err != nil {
		return a, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return a, err
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, filepath.Join(env, "bin", "python"), "-c", namesScript+hooksScript, string(arguments))
	cmd.Dir, cmd.Env, cmd.ExtraFiles = dir, variables, []*os.File{w}
	// Compilers end with the backend, and servers that they leave behind do not keep the build waiting.
	cmd.SysProcAttr, cmd.WaitDelay = &syscall.SysProcAttr{Setpgid: true}, grace
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	reported := make(chan []byte, 1)
	go func() { // a report may be larger than a pipe holds
		data, _ := io.ReadAll(r)
		reported <- data
	}()
	failed := install.Run(ctx, b.Output, cmd)
	if errors.Is(failed, exec.ErrWaitDelay) {
		failed = nil
	}
	w.Close()
	if ctx.Err() != nil {
		return a, failed
	}
	var report []byte
	select {
	case report = <-reported:
	case <-time.After(grace):
		return a, errors.New("the build backend " + b.Name + " left a process behind that keeps its report open")
	}
	if len(report) > 0 {
		if err := json.Unmarshal(report, &a); err != nil {
			return a, fmt.Errorf("the build backend %s failed: %w", b.Name, err)
		}
	}
	switch {
	case a.Missing != nil:
		return a, fmt.Errorf("the build backend %s needs %s: add to [build-system] requires in pyproject.toml", b.Name, strings.Join(a.Missing, ", "))
	case a.Failed != "":
		return a, fmt.Errorf("the build backend %s failed: %s", b.Name, a.Failed)
	case failed != nil:
		return a, fmt.Errorf("the build backend %s failed: %w", b.Name, failed)
	case a.Wheel == "" && a.Version == "" && a.Requires == nil:
		return a, errors.New("the build backend " + b.Name + " ended the process")
	}
	return a, nil
}

// paths are the directories of backend-path, which must be the project's.
func (b Backend) paths(dir string) ([]string, error) {
	paths := []string{}
	for _, p := range b.BackendPath {
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		if rel, err := filepath.Rel(dir, p); err != nil || !filepath.IsLocal(rel) {
			return nil, fmt.Errorf("backend-path must name directories of the project, not %s", p)
		}
		paths = append(paths, p)
	}
	return paths, nil
}

// ownFiles are variables that name files of a user, or change which modules Python finds. No build gets them.
var ownFiles = []string{
	"PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONPLATLIBDIR", "PYTHONPYCACHEPREFIX", "PYTHONOPTIMIZE", "PYTHONWARNINGS",
	"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "DIST_EXTRA_CONFIG",
}

// countProcessors are variables by which build tools are told how many processes to start that do not count the processors themselves:
// the extensions of PyTorch, CMake, NumPy's distutils and gRPC. They change no result.
var countProcessors = []string{"MAX_JOBS", "CMAKE_BUILD_PARALLEL_LEVEL", "NPY_NUM_BUILD_JOBS", "GRPC_PYTHON_BUILD_EXT_COMPILER_JOBS"}

// told are settings of build tools. What Python prints comes in the order of the programs that it starts, by which a diagnosis finds the first
// cause. maturin must not fetch a toolchain that the image lacks: it is said to be missing.
var told = []string{"PYTHONUNBUFFERED=1", "MATURIN_NO_INSTALL_RUST=1"}

// environment is that of the hooks: the build's own, so that CC, CFLAGS and the like count, with what makes results repeatable, and with
// a home directory that is empty.
func (b Backend) environment(env, work string, more []string) ([]string, error) {
	home, tmp, bin := filepath.Join(work, "home"), filepath.Join(work, "tmp"), filepath.Join(env, "bin")
	for _, dir := range []string{home, tmp} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	variables := append(without(os.Environ(), ownFiles), told...)
	jobs := b.Jobs
	if jobs <= 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	for _, name := range countProcessors {
		if os.Getenv(name) == "" {
			variables = append(variables, name+"="+strconv.Itoa(jobs))
		}
	}
	// rustup keeps compilers in the home directory, which is another one now.
	if old, err := os.UserHomeDir(); err == nil && os.Getenv("RUSTUP_HOME") == "" {
		if dir := filepath.Join(old, ".rustup"); isDir(dir) {
			variables = append(variables, "RUSTUP_HOME="+dir)
		}
	}
	// Compilers are found as usual, and commands of build requirements before them.
	variables = append(variables, install.Environment("PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+home, "TMPDIR="+tmp,
		"LANG=C.UTF-8", "TZ=UTC", "PYTHONNOUSERSITE=1", "PYTHONUNBUFFERED=1")...)
	return append(variables, more...), nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// interpreter is the Python that a wheel was built with.
type interpreter struct {
	Implementation string `json:"implementation"` // "cpython"
	Version        string `json:"version"`        // 3.13.5
	Machine        string `json:"machine"`        // x86_64
	Glibc          string `json:"glibc"`          // 2.41; empty with another C library
	FreeThreaded   bool   `json:"free_threaded"`
}

// target is the interpreter as wheels are chosen for it.
func (i interpreter) target() (python.Target, error) {
	v, err := python.ParseVersion(i.Version)
	t := python.Target{Python: v, Machine: i.Machine, Libc: python.Libc{Name: "musl", Major: 1, Minor: 2}, FreeThreaded: i.FreeThreaded}
	if i.Glibc != "" {
		t.Libc = python.Libc{Name: "glibc"}
		if _, err := fmt.Sscanf(i.Glibc, "%d.%d", &t.Libc.Major, &t.Libc.Minor); err != nil {
			return t, fmt.Errorf("the version of glibc is %q", i.Glibc)
		}
	}
	return t, err
}
