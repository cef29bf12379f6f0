// Package remote lets git reach repositories that are not public, from a step that has a network: with the build secrets that BuildKit's own git
// logs in with, and with the keys of the user's ssh agent.
//
//	variables, err := remote.Environment([]string{"https://git.example/tools.git"}, "/run/pyfile/secrets", "/run/pyfile/secrets/ca-bundle", "/tmp/work")
package remote

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/authority"
)

// Build secrets with a login for http and https, as BuildKit names them: a token, or the whole value of the header Authorization.
const (
	TokenSecret  = "GIT_AUTH_TOKEN"  //nolint:gosec // the id of a secret
	HeaderSecret = "GIT_AUTH_HEADER" //nolint:gosec // the id of a secret
)

// KnownHostsSecret is the id of a build secret with the keys of servers of ssh, in the form of ~/.ssh/known_hosts. With it no other server is believed.
const KnownHostsSecret = "known-hosts"

// Secrets are the ids of the build secrets that may hold the login for an address, in the order of BuildKit: the first that is given counts.
// Those with the host behind them, GIT_AUTH_TOKEN.git.example, are for that host alone. There are none but for http and https.
func Secrets(address string) []string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil
	}
	return []string{HeaderSecret + "." + u.Host, TokenSecret + "." + u.Host, HeaderSecret, TokenSecret}
}

// UsesSSH tells whether git reaches an address by ssh: "ssh://git@git.example/tools.git" or "git@git.example:tools.git".
func UsesSSH(address string) bool {
	scheme, _, isURL := strings.Cut(address, "://")
	return isURL && scheme == "ssh" || !isURL && strings.Contains(address, ":")
}

// Hint says how to give a build the login for an address, as the start of a sentence that goes on; "" where there is none.
func Hint(address string) string {
	switch {
	case UsesSSH(address):
		return "check that a key of --ssh default may read it, "
	case Secrets(address) != nil:
		return "a private repository needs --secret id=" + TokenSecret + ",env=" + TokenSecret + ", "
	}
	return ""
}

// Reason is the line of git's output that says why it failed, or all of it when no line does. What ssh says stands before what git makes of it.
func Reason(said string) string {
	before := ""
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		for _, word := range []string{"fatal: ", "error: "} {
			_, reason, ok := strings.Cut(line, word)
			switch {
			case ok && before != "" && strings.HasPrefix(reason, "Could not read from remote repository"):
				return before
			case ok:
				return reason
			}
		}
		before = line
	}
	return said
}

// requirement is the address of a repository in a requirement, without the revision behind it.
var requirement = regexp.MustCompile(`git\+((?:https?|ssh|git)://(?:[^\s"'#?;@/]*@)?[^\s"'#?;@]+)`)

// Addresses are those of the repositories that requirements name, "greeting @ git+https://git.example/tools.git@main", sorted. The texts may be files of
// requirements or of TOML.
func Addresses(texts ...string) []string {
	var out []string
	for _, text := range texts {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			for _, m := range requirement.FindAllStringSubmatch(line, -1) {
				out = append(out, m[1])
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Authorization is the value of the header Authorization for an address, "" when none of its secrets is given. Those are files of dir, named
// by their ids.
func Authorization(address, dir string) (string, error) {
	for _, id := range Secrets(address) {
		data, err := os.ReadFile(filepath.Join(dir, id))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		text := strings.TrimSpace(string(data))
		switch {
		case strings.ContainsAny(text, "\r\n\x00"):
			return "", fmt.Errorf("the build secret %s must be one line", id)
		case text == "":
			continue
		case strings.HasPrefix(id, TokenSecret):
			// The name that the hosts of repositories take with any token.
			text = "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+text))
		}
		return text, nil
	}
	return "", nil
}

// Environment are the variables by which git logs in at addresses, and takes every checkout for the user's own. dir has the build secrets, as for
// Authorization; ca is a file with certificates to trust besides those of the system, which need not be there, and work a directory for what git reads. The variables
// hold passwords, so they are for the environment of one process only. git asks nobody. Without KnownHostsSecret it takes any key of a server of ssh,
// as BuildKit's git does for a frontend.
func Environment(addresses []string, dir, ca, work string) ([]string, error) {
	settings := [][2]string{{"safe.directory", "*"}}
	bundle := filepath.Join(work, "authorities.pem")
	trusted, err := authority.Trust(ca, bundle, os.Environ())
	if err != nil {
		return nil, err
	}
	if trusted != nil {
		settings = append(settings, [2]string{"http.sslCAInfo", bundle})
	}
	for _, address := range addresses {
		header, err := Authorization(address, dir)
		if err != nil {
			return nil, err
		}
		if header != "" {
			settings = append(settings, [2]string{"http." + address + ".extraHeader", "Authorization: " + header})
		}
	}
	ssh := "ssh -F /dev/null -o BatchMode=yes -o LogLevel=ERROR -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
	if known := filepath.Join(dir, KnownHostsSecret); dir != "" {
		if _, err := os.Stat(known); err == nil {
			ssh = "ssh -F /dev/null -o BatchMode=yes -o LogLevel=ERROR -o StrictHostKeyChecking=yes -o UserKnownHostsFile=" + known
		}
	}
	env := []string{"GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_SSH_COMMAND=" + ssh, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(settings))}
	for i, s := range settings {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, s[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, s[1]))
	}
	return env, nil
}
