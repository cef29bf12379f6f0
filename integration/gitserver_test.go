//go:build integration

package integration

import (
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// sshServer is OpenSSH's server on loopback with a host key of its own, which serves the bare repositories of a folder to one key.
type sshServer struct {
	address string // start of the URLs
	key     string // file of the client's private key
	log     string // file with a line for each command that a client asked for
	host    string // the server's name, as known_hosts has it
	known   string // file with the server's key
}

// serveSSH starts an sshServer.
func serveSSH(t *testing.T, folder string) sshServer {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	s := sshServer{address: fmt.Sprintf("ssh://root@127.0.0.1:%d/", port), key: newKey(t), log: filepath.Join(dir, "log")}
	must(t, dir, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "host")
	host, err := os.ReadFile(filepath.Join(dir, "host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	s.host, s.known = fmt.Sprintf("[127.0.0.1]:%d ", port), filepath.Join(dir, "known_hosts")
	write(t, dir, "known_hosts", s.host+string(host))
	public, err := os.ReadFile(s.key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "authorized_keys", "restrict "+string(public))
	// An absolute path of a client is one below the folder, as on the hosts of repositories.
	write(t, dir, "command", fmt.Sprintf("echo \"$SSH_ORIGINAL_COMMAND\" >>%s\ncd %s && exec git-shell -c \"$(echo \"$SSH_ORIGINAL_COMMAND\" | sed \"s,'/,',\")\"\n", s.log, folder))
	write(t, dir, "sshd_config", fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %[2]s/host\nPidFile none\nStrictModes no\nAuthorizedKeysFile %[2]s/authorized_keys\n"+
		"PermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nForceCommand sh %[2]s/command\n", port, dir))
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // which sshd gives up its rights in
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(dir, "sshd_config"))
	said := &strings.Builder{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said)
		}
	})
	for range 100 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return s
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("sshd does not answer")
	return s
}

// newKey makes a private key for ssh.
func newKey(t *testing.T) string {
	t.Helper()
	key := filepath.Join(t.TempDir(), "id")
	must(t, ".", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	return key
}

// agent starts an ssh agent with a key and returns its socket.
func agent(t *testing.T, key string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "socket")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		os.RemoveAll(dir)
	})
	for range 100 {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	must(t, dir, "env", "SSH_AUTH_SOCK="+socket, "ssh-add", "-q", key)
	return socket
}

// asked counts what clients asked for.
func (s sshServer) asked(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile(s.log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Count(string(data), "\n")
}

// tokenServer is git's own server for http, behind a login with a token.
type tokenServer struct {
	address string // start of the URLs
	token   atomic.Value
	asked   atomic.Int64 // requests with the token
}

// serveToken starts a tokenServer of the bare repositories of a folder.
func serveToken(t *testing.T, folder, token string) *tokenServer {
	t.Helper()
	programs := strings.TrimSpace(must(t, ".", "git", "--exec-path"))
	git := &cgi.Handler{Path: filepath.Join(programs, "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + folder, "GIT_HTTP_EXPORT_ALL=1"}}
	s := &tokenServer{}
	s.token.Store(token)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := r.BasicAuth(); !ok || user != "x-access-token" || password != s.token.Load() {
			w.Header().Set("WWW-Authenticate", "Basic realm=git")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.asked.Add(1)
		git.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.address = server.URL + "/"
	return s
}
