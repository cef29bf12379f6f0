package index

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/authority"
	"github.com/org/pyfile/remote"
)

// ResolveOptions says what Resolve chooses versions for.
type ResolveOptions struct {
	LookupOptions
	UV             string   // directory with the wheel of uv
	Source         string   // directory with what Inputs name; or with the one wheel that says what it needs
	Interpreter    string   // a Python of the version below
	Python         string   // "3.13"
	Extras, Groups []string // of the project
	Requires       []string // what the project asks for, which the lock repeats
	Repositories   []string // addresses of git that the inputs name, at which uv's git logs in with Secrets
	Inputs         []string // requirements files or a pyproject.toml in Source; "." is the wheel there
}

// Resolve chooses versions with uv and writes them as pylock.toml (PEP 751), for all platforms. What uv prints goes to Output.
func Resolve(ctx context.Context, o ResolveOptions) error {
	return serve(ctx, o.LookupOptions, func(m *mirror, env []string) error { return o.resolve(ctx, m, env) })
}

func (o *ResolveOptions) resolve(ctx context.Context, m *mirror, env []string) error {
	work := filepath.Join(m.dir, "resolve")
	if err := os.Mkdir(work, 0o700); err != nil {
		return err
	}
	// uv writes paths relative to the lock, so the lock must come to lie beside the sources, which cannot be written to.
	src := filepath.Join(work, "src")
	if err := os.CopyFS(src, os.DirFS(o.Source)); err != nil {
		return err
	}
	uv := filepath.Join(work, "uv")
	if err := extractUV(o.UV, uv); err != nil {
		return err
	}
	if len(o.Repositories) > 0 {
		git, err := remote.Environment(o.Repositories, o.Secrets, o.CA, work)
		if err != nil {
			return err
		}
		env = append(env, git...)
	}
	args := []string{"pip", "compile", "--universal", "--python-version", o.Python, "--python", o.Interpreter, "--no-progress", "--quiet",
		"--no-header", "--no-annotate", "--format", "pylock.toml", "--output-file", lockName}
	for _, g := range o.Groups {
		args = append(args, "--group", g)
	}
	inputs, err := o.inputs(src)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, uv, append(args, inputs...)...)
	cmd.Dir = src
	cmd.Env = append(env, "UV_NO_CONFIG=1", "UV_PYTHON_DOWNLOADS=never", "UV_NO_ENV_FILE=1", "UV_CACHE_DIR="+filepath.Join(work, "cache"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &said
	if err = start(cmd); err == nil {
		err = cmd.Wait()
	}
	fmt.Fprintf(o.Output, "%s", hideLogin(m.upstream(said.String())))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		err = fmt.Errorf("uv found no versions: %w", err)
		if slices.ContainsFunc(strings.Split(said.String(), "\n"), authority.Untrusted) {
			return &problem{err.Error(), authority.Hint(o.CA)}
		}
		return err
	}
	written, err := os.ReadFile(filepath.Join(src, lockName))
	if err != nil {
		return err
	}
	text, err := m.lock(string(written))
	if err != nil {
		return err
	}
	lock := []byte(text)
	if holdsPassword(lock) {
		return errors.New("the lock would hold a password, because an index puts it into the addresses of its files")
	}
	return output(o.Out, func() error {
		return os.WriteFile(filepath.Join(o.Out, lockName), withRequires(withNames(lock, o.Extras, o.Groups), o.Requires), 0o644) //nolint:gosec // it is for every user of the step's result
	})
}

const lockName = "pylock.toml"

// withLogin is an address with a user in it, in parts: scheme, user and password.
var withLogin = regexp.MustCompile(`([a-z]*)://([^/@\s"']+)@`)

// holdsPassword tells whether a text has an address with a credential. The user of ssh is none: it is "git" nearly always.
func holdsPassword(text []byte) bool {
	return slices.ContainsFunc(withLogin.FindAllSubmatch(text, -1), func(m [][]byte) bool {
		return string(m[1]) != "ssh" || bytes.ContainsRune(m[2], ':')
	})
}

// inputs are the arguments that say what is needed. The wheel of the project itself says what it needs and is not part of the lock.
func (o *ResolveOptions) inputs(src string) ([]string, error) {
	if !slices.Equal(o.Inputs, []string{"."}) {
		var out []string
		for _, e := range o.Extras {
			out = append(out, "--extra", e)
		}
		return append(out, o.Inputs...), nil
	}
	wheels, err := filepath.Glob(filepath.Join(src, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return nil, fmt.Errorf("there must be one wheel of the project, not %d", len(wheels))
	}
	name, _, _ := strings.Cut(filepath.Base(wheels[0]), "-")
	extras := ""
	if len(o.Extras) > 0 {
		extras = "[" + strings.Join(o.Extras, ",") + "]"
	}
	const file = "pyfile.in"
	line := fmt.Sprintf("%s%s @ file://%s\n", name, extras, wheels[0])
	return []string{"--no-emit-package", name, file}, os.WriteFile(filepath.Join(src, file), []byte(line), 0o600)
}

// extractUV takes the program out of its wheel.
func extractUV(dir, to string) error {
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return fmt.Errorf("there must be one wheel of uv, not %d", len(wheels))
	}
	z, err := zip.OpenReader(wheels[0])
	if err != nil {
		return err
	}
	defer func() { _ = z.Close() }()
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".data/scripts/uv") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700) //nolint:gosec // it is a program
		if err != nil {
			return err
		}
		_, err = io.Copy(w, io.LimitReader(r, 1<<30))
		return errors.Join(err, w.Close())
	}
	return errors.New("the wheel of uv has no program in it")
}

// withRequires says in the lock what it was made for, in a table of our own ([tool] of PEP 751), so that a lock that is out of date can be told.
func withRequires(lock []byte, requires []string) []byte {
	if len(requires) == 0 {
		return lock
	}
	var table bytes.Buffer
	table.WriteString("\n[tool.pyfile]\nrequires = [\n")
	for _, r := range requires {
		var quoted bytes.Buffer // a string of JSON is one of TOML
		e := json.NewEncoder(&quoted)
		e.SetEscapeHTML(false)
		if err := e.Encode(r); err == nil { // strings have a form always
			fmt.Fprintf(&table, "    %s,\n", bytes.TrimSpace(quoted.Bytes()))
		}
	}
	table.WriteString("]\n")
	return slices.Concat(bytes.TrimRight(lock, "\n"), []byte("\n"), table.Bytes())
}

// withNames says in the lock which extras and groups it is for (PEP 751), so that a project that asks for them finds them.
func withNames(lock []byte, extras, groups []string) []byte {
	var lines strings.Builder
	for _, key := range []struct {
		name   string
		values []string
	}{{"extras", extras}, {"dependency-groups", groups}} {
		if len(key.values) == 0 {
			continue
		}
		quoted := make([]string, len(key.values))
		for i, v := range key.values {
			quoted[i] = `"` + v + `"`
		}
		fmt.Fprintf(&lines, "%s = [%s]\n", key.name, strings.Join(quoted, ", "))
	}
	at := bytes.Index(lock, []byte("\n[")) + 1
	if lines.Len() == 0 || at == 0 {
		return lock
	}
	head := bytes.TrimRight(lock[:at], "\n")
	return slices.Concat(head, []byte("\n"), []byte(lines.String()), []byte("\n"), lock[at:])
}
