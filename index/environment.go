package index

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Run runs a command that starts pip or uv, which then ask the same indexes as a lookup would, with the same logins and authorities. The
// query says which indexes are declared. The command has the streams of this process.
func Run(ctx context.Context, o LookupOptions, command []string) error {
	if len(command) == 0 {
		return errors.New("no command is given")
	}
	dir, err := os.MkdirTemp("", "pyfile-run-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	env, err := environment(o, dir)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = os.Stdin, os.Stdout, os.Stderr, append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%s: %w", filepath.Base(command[0]), err)
	}
	return nil
}

// environment are the variables by which pip and uv are told about indexes. Files that they name are put into dir. They hold
// passwords, so they are for the environment of one process only.
func environment(o LookupOptions, dir string) ([]string, error) {
	_, l, err := open(o)
	if err != nil {
		return nil, err
	}
	defer l.client.close()
	data, err := os.ReadFile(filepath.Join(o.Settings, "settings.json"))
	if err != nil {
		return nil, err
	}
	settings, err := ParseSettings(data)
	if err != nil {
		return nil, err
	}
	var env []string
	set := func(name, value string) { env = append(env, name+"="+value) }
	bundle, err := authorityBundle(o, settings, dir)
	if err != nil {
		return nil, err
	}
	if bundle != "" {
		for _, name := range []string{"SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"} {
			set(name, bundle)
		}
	}
	var pipExtra, uvExtra, links []string
	for i, s := range l.sites.usual {
		user, password, err := l.login(s.url)
		if err != nil {
			return nil, err
		}
		withLogin := *s.url
		if password != "" {
			withLogin.User = url.UserPassword(user, password)
		}
		isDefault := l.sites.index != nil && s.key() == l.sites.index.key()
		name := fmt.Sprintf("pyfile%d", i)
		switch {
		case s.flat:
			links = append(links, withLogin.String())
			continue
		case isDefault:
			set("PIP_INDEX_URL", withLogin.String())
			set("UV_DEFAULT_INDEX", name+"="+s.url.String())
		default:
			pipExtra, uvExtra = append(pipExtra, withLogin.String()), append(uvExtra, name+"="+s.url.String())
		}
		if password != "" {
			set("UV_INDEX_"+strings.ToUpper(name)+"_USERNAME", user)
			set("UV_INDEX_"+strings.ToUpper(name)+"_PASSWORD", password)
		}
	}
	for name, values := range map[string][]string{"PIP_EXTRA_INDEX_URL": pipExtra, "UV_INDEX": uvExtra, "PIP_FIND_LINKS": links, "PIP_TRUSTED_HOST": settings.Trusted, "UV_INSECURE_HOST": settings.Trusted} {
		if len(values) > 0 {
			set(name, strings.Join(values, " "))
		}
	}
	if len(links) > 0 {
		set("UV_FIND_LINKS", strings.Join(links, ","))
	}
	return env, nil
}

// login is the user and the password for an address. pip and uv can send no other kind of credentials.
func (l *lookup) login(u *url.URL) (user, password string, err error) {
	header, err := l.client.logins.authorization(u)
	if err != nil || header == "" {
		return "", "", err
	}
	digits, ok := strings.CutPrefix(header, "Basic ")
	data, wrong := base64.StdEncoding.DecodeString(digits)
	if user, password, found := strings.Cut(string(data), ":"); ok && wrong == nil && found {
		return user, password, nil
	}
	return "", "", &problem{fmt.Sprintf("the build secret %s holds a header, but pip and uv can only log in with a user and a password", l.client.logins.secret(u)),
		"let it hold the password or token alone, and write username in the [index] table"}
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
		data, err := os.ReadFile(file)
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
