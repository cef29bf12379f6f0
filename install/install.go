// Package install turns wheels and source trees into the files of an image: it unpacks, checks and byte-compiles. It is what
// cmd/pyfile-install, the program that runs inside builds, is made of.
//
// There is one function per step of a build:
//
//	err := install.Wheels(ctx, install.WheelsOptions{
//		Out: "/run/pyfile/out", Prefix: "/opt/venv", Python: "3.13", Interpreter: "/usr/local/bin/python3.13",
//		Wheels: []string{"/run/pyfile/wheels/six-1.17.0-py2.py3-none-any.whl"}, Bytecode: true,
//	})
//
// Every step writes below one output directory that is absent or empty when it starts, and leaves nothing there when it fails.
// The same inputs give the same bytes, modes and times, whatever the number of processes: files are 0644 or 0755, directories
// 0755, owned by root, dated 1980-01-01.
//
// The package needs Linux and nothing but the standard library: what it is made into must stay small and change rarely, because
// its bytes are part of the cache key of every installed layer. Output, Run, Environment and Compile are also for the other programs
// that run inside builds, which keep the same rules.
package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"regexp"
	"runtime"
	"strings"
)

// jobs is the number of parallel workers to use when n were asked for; 0 means one per CPU.
func jobs(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// warnf writes one warning line for people.
func warnf(w io.Writer, format string, args ...any) {
	if w != nil {
		fmt.Fprintf(w, "warning: "+format+"\n", args...)
	}
}

// pythonVersion is what names the library directory of a Python: "3.13", or "3.13t" for a free-threaded one.
var pythonVersion = regexp.MustCompile(`^3\.[0-9]+t?$`)

// checkImagePath reports why a path of the image cannot be used. Such paths become part of files, so only one spelling is taken.
func checkImagePath(what, name string) error {
	if !path.IsAbs(name) || path.Clean(name) != name || strings.ContainsAny(name, "\x00\n") {
		return fmt.Errorf("%s must be an absolute path such as /opt/venv, without `..` and without a slash at the end, not %q", what, name)
	}
	return nil
}

func checkPython(version string) error {
	if !pythonVersion.MatchString(version) {
		return fmt.Errorf("the Python version must be of the form 3.13 or 3.13t, not %q", version)
	}
	return nil
}

// Environment is what makes Python's results repeatable. The compiler gets nothing else, so that no variable of the build can change
// bytecode; pip and build backends get it on top of the variables of the build. SOURCE_DATE_EPOCH is the time that all files get.
func Environment(more ...string) []string {
	return append([]string{
		"LC_ALL=C.UTF-8",
		"PYTHONHASHSEED=0",
		"PYTHONDONTWRITEBYTECODE=1",
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", Epoch.Unix()),
	}, more...)
}

// Run starts a program and waits for it. Its output goes to w.
func Run(ctx context.Context, w io.Writer, cmd *exec.Cmd) error {
	cmd.Stdout, cmd.Stderr = w, w
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s does not exist in this image", cmd.Path)
	}
	return err
}
