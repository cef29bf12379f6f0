// Package step runs a command of the user in a finished image and makes what it leaves in one directory a matter of its files alone:
// of no clock, and of no file that was only touched.
//
//	err := step.Run(ctx, step.Options{Args: []string{"python", "manage.py", "collectstatic"}, Dir: "/app", Env: os.Environ()})
package step

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/moby/sys/user"

	"github.com/org/pyfile/authority"
	"github.com/org/pyfile/diagnosis"
)

// Options says what Run runs.
type Options struct {
	Args    []string // the command, one string per argument; a name without a slash is found in PATH
	Env     []string // its environment, NAME=value; HOME is added where it lacks
	Dir     string   // where it runs, and whose changes count
	User    string   // who runs it: user or user:group, names or numbers of the image; empty for root
	Secrets []string // files that must be there, each named for the id of a build secret
	CA      string   // file with certificates to trust besides those of the image; empty for none, and it need not be there
	Own     bool     // Dir and all in it is given to the user first
	// Output gets what the command prints, on its standard output and its standard error, in its order and by whole lines.
	Output io.Writer
	// Out, if not empty, is an existing empty directory that gets a copy of the files that are new or changed, and nothing of caches
	// (directories with a CACHEDIR.TAG, https://bford.info/cachedir/).
	Out string
}

// epoch is the time of every file that a step makes or changes.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Failure is why Run failed, for the author of a Pyfile. What the command itself had to say it has printed.
type Failure struct{ diagnosis.Failure }

// Error is the message, with the hint on a line of its own.
func (f *Failure) Error() string {
	if f.Hint == "" {
		return f.Message
	}
	return f.Message + "\n\thint: " + f.Hint
}

func failure(hint, format string, args ...any) *Failure {
	return &Failure{diagnosis.Failure{Message: fmt.Sprintf(format, args...), Hint: hint}}
}

// Run runs the command. Files that it made or changed below Dir end with the time 1980-01-01, what
// is as before gets its former time, and sockets and pipes are removed. An error that the user can mend is a Failure.
func Run(ctx context.Context, o Options) error {
	if err := o.checkSecrets(); err != nil {
		return err
	}
	who, err := find(o.User)
	if err != nil {
		return err
	}
	if o.Own {
		if err := give(o.Dir, who); err != nil {
			return err
		}
	}
	before, err := read(o.Dir)
	if err != nil {
		return err
	}
	if err := o.startTrusting(ctx, who); err != nil {
		return err
	}
	after, err := read(o.Dir)
	if err != nil {
		return err
	}
	if o.Out != "" {
		return collect(o.Dir, o.Out, before, after)
	}
	return tidy(o.Dir, before, after)
}

// checkSecrets tells which secrets the build was not given. BuildKit makes no file for one that is missing.
func (o Options) checkSecrets() error {
	var missing []string
	for _, file := range o.Secrets {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, filepath.Base(file))
		} else if err != nil {
			return err
		}
	}
	switch len(missing) {
	case 0:
		return nil
	case 1:
		return failure(flags(missing), "the build was not given the secret %q", missing[0])
	}
	return failure(flags(missing), "the build was not given the secrets %q", missing)
}

// flags are what to add to the command line for secrets.
func flags(ids []string) string {
	words := []string{"build with"}
	for _, id := range ids {
		words = append(words, "--secret id="+id+",src=FILE")
	}
	return strings.Join(words, " ")
}

// grace is how long the output of what the command left behind is waited for.
const grace = 2 * time.Second

// startTrusting is start for a command that trusts CA too. When it fails because it does not trust whom it asks, the failure says what to do.
func (o Options) startTrusting(ctx context.Context, who *user.ExecUser) error {
	if o.CA == "" {
		return o.start(ctx, who)
	}
	trusted, err := authority.Trust(o.CA, filepath.Join(filepath.Dir(o.CA), "authorities.pem"), o.Env)
	if err != nil {
		return failure("give it the certificate, as a text that begins with -----BEGIN CERTIFICATE-----", "%v", err)
	}
	o.Env = slices.Concat(o.Env, trusted)
	printed := &diagnosis.Transcript{To: o.Output}
	o.Output = printed
	err = o.start(ctx, who)
	var failed *Failure
	if errors.As(err, &failed) {
		for line := range strings.Lines(string(printed.End())) {
			if authority.Untrusted(line) {
				return failure(authority.Hint(o.CA), "%s, because it does not trust the certificate of a host", failed.Message)
			}
		}
	}
	return err
}

// start runs the command and waits for it. All that it started ends with the container.
func (o Options) start(ctx context.Context, who *user.ExecUser) error {
	env := o.Env
	if !slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "HOME=") }) {
		env = append(slices.Clone(env), "HOME="+who.Home)
	}
	program, err := lookUp(o.Args[0], o.Dir, env)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, o.Args[1:]...)
	cmd.Args[0] = o.Args[0]
	cmd.Dir, cmd.Env = o.Dir, env
	if o.Output != nil {
		out := &lines{to: o.Output}
		defer out.end()
		cmd.Stdout, cmd.Stderr = out, out
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 {
		c := &syscall.Credential{Uid: uint32(who.Uid), Gid: uint32(who.Gid)}
		for _, id := range who.Sgids {
			c.Groups = append(c.Groups, uint32(id))
		}
		cmd.SysProcAttr.Credential = c
	}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = grace
	err = cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var ended *exec.ExitError
	if !errors.As(err, &ended) {
		return err
	}
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		hint := ""
		if status.Signal() == syscall.SIGKILL {
			hint = "the builder may have too little memory"
		}
		return failure(hint, "%s was ended by the signal %s", o.Args[0], status.Signal())
	}
	return failure("what it printed is above", "%s ended with status %d", o.Args[0], ended.ExitCode())
}

// lookUp finds a program by the PATH of the command, not by that of this process.
func lookUp(name, dir string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		file := name
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		if _, err := os.Stat(file); err != nil {
			return "", failure("", "there is no file %s in the image", file)
		}
		return file, nil
	}
	search := ""
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			search = value
		}
	}
	for _, at := range filepath.SplitList(search) {
		file := filepath.Join(at, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	f := failure("", "there is no program %q in the image", name)
	f.Wants = []string{"program:" + name}
	return "", f
}
