package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Run runs a command that starts pip or uv, which then see one index, on loopback: of each project it has what the first place has
// that knows it. The query says which indexes are declared. The command has the streams of this process.
func Run(ctx context.Context, o LookupOptions, command []string) error {
	if len(command) == 0 {
		return errors.New("no command is given")
	}
	return serve(ctx, o, func(m *mirror, env []string) error {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		out, errs := &restored{w: os.Stdout, m: m}, &restored{w: os.Stderr, m: m}
		cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = os.Stdin, out, errs, env
		cmd.WaitDelay = defaultTimeout // of what it started, which may have its streams
		err := start(cmd)
		if err == nil {
			err = cmd.Wait()
		}
		if flushed := errors.Join(out.end(), errs.end()); err == nil {
			err = flushed
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		return fmt.Errorf("%s: %w", filepath.Base(command[0]), err)
	})
}

// serve calls do with a mirror of the places that a lookup would ask, and with the whole environment of a program that is to ask it. If
// do fails, the error says, too, what went wrong with those places.
func serve(ctx context.Context, o LookupOptions, do func(*mirror, []string) error) error {
	_, l, err := open(o)
	if err != nil {
		return err
	}
	defer l.client.close()
	for _, s := range l.sites.usual {
		if _, err := l.client.logins.authorization(s.url); err != nil {
			return unavailable(err, nil) // before anything is started
		}
	}
	dir, err := os.MkdirTemp("", "pyfile-run-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	m, err := startMirror(ctx, l, dir)
	if err != nil {
		return err
	}
	defer m.close()
	env, err := environment(o, l.settings, m.simple(), dir)
	if err != nil {
		return err
	}
	if err = do(m, append(os.Environ(), env...)); err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if reason := m.err(); reason != nil {
		return unavailable(reason, err)
	}
	return err
}

// Unavailable is the error of a program that could not have what it asked for, because a place that was to be asked failed.
type Unavailable struct {
	Message, Hint string // of the first reason, one line each
	all           error
}

func unavailable(reason, failed error) error {
	first, hint, _ := strings.Cut(reason.Error(), "\n\thint: ")
	first, _, more := strings.Cut(first, "\n")
	if hint, _, _ = strings.Cut(hint, "\n"); more { // it is that of a later one
		hint = ""
	}
	return &Unavailable{first, hint, errors.Join(reason, failed)}
}

func (u *Unavailable) Error() string { return u.all.Error() }

// environment are the variables by which pip and uv are told about the index and nothing else. Files that they name are put into dir.
func environment(o LookupOptions, settings *Settings, index, dir string) ([]string, error) {
	var env []string
	set := func(value string, names ...string) {
		for _, name := range names {
			env = append(env, name+"="+value)
		}
	}
	set(index, "PIP_INDEX_URL", "UV_DEFAULT_INDEX")
	set("0", "PIP_NO_INDEX")
	set("600", "PIP_DEFAULT_TIMEOUT", "UV_HTTP_TIMEOUT") // it answers when it has asked, again and again where that may help
	// The variables and the files of pip's configuration are only overridden by a value that is not empty.
	set(index, "PIP_EXTRA_INDEX_URL")
	if len(settings.FindLinks) > 0 || strings.Contains(os.Getenv("PIP_FIND_LINKS"), "://") { // directories of the image stay
		nothing := filepath.Join(dir, "find-links")
		if err := os.Mkdir(nothing, 0o755); err != nil {
			return nil, err
		}
		set(nothing, "PIP_FIND_LINKS")
	}
	if settings.Proxy != "" {
		set(os.DevNull, "PIP_CONFIG_FILE") // of the proxy that a file names pip makes no exception
		set("", "PIP_PROXY")
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		set(strings.TrimPrefix(os.Getenv(name)+",127.0.0.1", ","), name)
	}
	// For requirements that are addresses.
	bundle, err := authorityBundle(o, settings, dir)
	if err != nil {
		return nil, err
	}
	if bundle != "" {
		set(bundle, "SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
	}
	if len(settings.Trusted) > 0 {
		set(strings.Join(settings.Trusted, " "), "PIP_TRUSTED_HOST", "UV_INSECURE_HOST")
	}
	return env, nil
}

// restored passes on lines in which the mirror's addresses are those that they stand for.
type restored struct {
	w    io.Writer
	m    *mirror
	line []byte // the last, which has not ended
}

func (r *restored) Write(p []byte) (int, error) {
	r.line = append(r.line, p...)
	end := bytes.LastIndexAny(r.line, "\r\n") + 1
	if end == 0 && len(r.line) > 1<<20 {
		end = len(r.line)
	}
	if end == 0 {
		return len(p), nil
	}
	_, err := io.WriteString(r.w, r.m.upstream(string(r.line[:end])))
	r.line = append(r.line[:0], r.line[end:]...)
	return len(p), err
}

// end passes on the last line.
func (r *restored) end() error {
	_, err := io.WriteString(r.w, r.m.upstream(string(r.line)))
	r.line = nil
	return err
}

// authorityBundle is a file with the authorities of the image and those of the build secret; empty for the system's own.
func authorityBundle(o LookupOptions, settings *Settings, dir string) (string, error) {
	var all []byte
	for _, file := range []string{settings.CA, o.CA} {
		if file == settings.CA && file != "" {
			file = filepath.Join(o.Settings, filepath.Base(file))
		}
		if file == "" {
			continue
		}
		data, err := os.ReadFile(file) //nolint:gosec,nolintlint // the plan names it, which the linter sees on some runs
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		all = append(append(all, data...), '\n')
	}
	if len(all) == 0 {
		return "", nil
	}
	name := filepath.Join(dir, "ca.pem")
	return name, os.WriteFile(name, all, 0o600) //nolint:gosec // dir is a directory of this process
}
