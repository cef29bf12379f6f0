package index

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// login is how to log in at one origin.
type login struct {
	Source
	url *url.URL
}

// logins finds the credentials of a request.
type logins struct {
	dir string // of the secrets
	all []login
}

// origin is what credentials are bound to: scheme, host and port (RFC 6454).
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// find returns the login for a request: among those of its origin the one whose path it shares most of, and the first of equals.
func (ls *logins) find(u *url.URL) *login {
	var found *login
	best := -1
	for i, l := range ls.all {
		if origin(l.url) != origin(u) {
			continue
		}
		if n := commonPath(l.url.Path, u.Path); n > best {
			found, best = &ls.all[i], n
		}
	}
	return found
}

// commonPath counts the leading parts that two paths share.
func commonPath(a, b string) int {
	n := 0
	as, bs := strings.Split(strings.Trim(a, "/"), "/"), strings.Split(strings.Trim(b, "/"), "/")
	for n < len(as) && n < len(bs) && as[n] == bs[n] {
		n++
	}
	return n
}

// secret is the id of the build secret that a request needs, or "".
func (ls *logins) secret(u *url.URL) string {
	if l := ls.find(u); l != nil {
		return l.Secret
	}
	return ""
}

// authorization is the value of the Authorization header of a request, or "".
func (ls *logins) authorization(u *url.URL) (string, error) {
	l := ls.find(u)
	if l == nil {
		return "", nil
	}
	data, err := os.ReadFile(filepath.Join(ls.dir, l.Secret)) //nolint:gosec,nolintlint // the plan names it, which the linter sees on some runs
	secret := strings.TrimRight(string(data), "\r\n")
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", &problem{fmt.Sprintf("the index %s needs the build secret %s, which the build was not given", l.Name, l.Secret), secretFlag(l.Secret)}
	case err != nil:
		return "", fmt.Errorf("the build secret %s of the index %s cannot be read: %w", l.Secret, l.Name, errors.Unwrap(err)) // the path says nothing
	case secret == "":
		return "", &problem{fmt.Sprintf("the build secret %s of the index %s is empty", l.Secret, l.Name), secretFlag(l.Secret)}
	}
	if strings.HasPrefix(strings.TrimLeft(secret, " \t\r\n"), "machine") && len(strings.Fields(secret)) > 2 {
		user, password, ok := netrc(secret, u.Hostname(), l.Username)
		if !ok {
			return "", fmt.Errorf("the build secret %s of the index %s is a netrc file without a login for %s", l.Secret, l.Name, u.Hostname())
		}
		return basic(user, password), nil
	}
	if strings.ContainsAny(secret, "\r\n") {
		return "", &problem{
			fmt.Sprintf("the build secret %s of the index %s has several lines and is no netrc file", l.Secret, l.Name),
			"it holds a password, a token, user:password, or a netrc file that starts with machine",
		}
	}
	return authorize(l.Username, secret), nil
}

// authorize makes the header of a secret of one line; the package's doc comment has the rules.
func authorize(username, secret string) string {
	if username != "" {
		return basic(username, secret)
	}
	if scheme, rest, ok := strings.Cut(secret, " "); ok && rest != "" && (strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "basic")) {
		return secret
	}
	if user, password, ok := strings.Cut(secret, ":"); ok {
		return basic(user, password)
	}
	return basic("__token__", secret)
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// netrc finds the login for a host in a netrc file, of the given user if one is given. The entry "default" is for every host.
func netrc(text, host, username string) (user, password string, ok bool) {
	words := strings.Fields(text)
	for i := 0; i < len(words); {
		name := ""
		switch {
		case words[i] == "machine" && i+1 < len(words):
			name = words[i+1]
			i += 2
		case words[i] == "default":
			name = host
			i++
		default:
			i++
			continue
		}
		user, password = "", ""
		for ; i < len(words) && words[i] != "machine" && words[i] != "default"; i += 2 {
			if i+1 == len(words) {
				break
			}
			switch words[i] {
			case "login":
				user = words[i+1]
			case "password":
				password = words[i+1]
			}
		}
		if strings.EqualFold(name, host) && password != "" && (username == "" || username == user) {
			return user, password, true
		}
	}
	return "", "", false
}

// secretFlag is the hint that shows how a build is given a secret.
func secretFlag(id string) string {
	variable := strings.Map(func(r rune) rune {
		if r < 0x80 && (isLetter(byte(r)) || '0' <= r && r <= '9') {
			return r
		}
		return '_'
	}, strings.ToUpper(id))
	return fmt.Sprintf("build with --secret id=%s,env=%s", id, variable)
}

// problem is an error with a hint that says what to do.
type problem struct{ msg, hint string }

func (p *problem) Error() string {
	if p.hint == "" {
		return p.msg
	}
	return p.msg + "\n\thint: " + p.hint
}
