//go:build integration

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// postgres starts a PostgreSQL of Debian on a free port of 127.0.0.1 and ends it with the test. A container with --network host reaches
// it. The user postgres has no password and a database of the same name.
func postgres(t *testing.T) (host string, port int) {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		t.Fatalf("no PostgreSQL, which `make lab` installs: %v", err)
	}
	bin := filepath.Dir(found[len(found)-1])
	s := newServer(t, "postgres", freePort(t))
	data := filepath.Join(s.dir, "data")
	s.run(t, bin+"/initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync")
	s.start(t, bin+"/postgres", "-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-k", s.dir, "-c", "fsync=off")
	s.wait(t, bin+"/psql", "--host", "127.0.0.1", "--port", strconv.Itoa(s.port), "--username", "postgres", "--no-psqlrc", "--command", "select 1")
	return "127.0.0.1", s.port
}

// mariadb starts a MariaDB of Debian on a free port of 127.0.0.1 and ends it with the test. A container with --network host reaches it.
// Every user may do everything without a password; the database test is there.
func mariadb(t *testing.T) (host string, port int) {
	t.Helper()
	s := newServer(t, "nobody", freePort(t))
	data := filepath.Join(s.dir, "data")
	s.run(t, "mariadb-install-db", "--no-defaults", "--datadir="+data, "--skip-name-resolve")
	s.start(t, "mariadbd", "--no-defaults", "--datadir="+data, "--bind-address=127.0.0.1", "--port="+strconv.Itoa(s.port),
		"--socket="+filepath.Join(s.dir, "socket"), "--skip-grant-tables", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0")
	s.wait(t, "mariadb", "--no-defaults", "--host=127.0.0.1", "--port="+strconv.Itoa(s.port), "--execute=create database if not exists test")
	return "127.0.0.1", s.port
}

// server is a database server of a test: its folder, and the user without privileges that it runs as.
type server struct {
	dir  string
	port int
	as   *syscall.SysProcAttr
	cmd  *exec.Cmd
	log  string
	gone chan struct{} // closed when the process has ended
}

// newServer makes the folder of a server that runs as that user of the machine.
func newServer(t *testing.T, account string, port int) *server {
	t.Helper()
	u, err := user.Lookup(account)
	if err != nil {
		t.Fatalf("%v; `make lab` installs what the tests need", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	// Not t.TempDir, which only its owner may enter.
	dir, err := os.MkdirTemp("", "pyfile-"+account+"-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &server{dir: dir, port: port, log: filepath.Join(dir, "log"),
		as: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}} // #nosec G115 -- ids of the system
}

// command is a program of the server, run as its user in its folder and without the environment of the test.
func (s *server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, s.as
	cmd.Env = []string{"HOME=" + s.dir, "LC_ALL=C", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
	return cmd
}

// run runs a program that must succeed.
func (s *server) run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := s.command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}

// start starts the server itself.
func (s *server) start(t *testing.T, program string, args ...string) {
	t.Helper()
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd, s.gone = s.command(program, args...), make(chan struct{})
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.gone)
	}()
	t.Cleanup(func() {
		// SIGTERM ends MariaDB; PostgreSQL waits for its clients then, but not after SIGINT, which MariaDB ignores.
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		_ = s.cmd.Process.Signal(os.Interrupt)
		select {
		case <-s.gone:
		case <-time.After(20 * time.Second):
			_ = s.cmd.Process.Kill()
			<-s.gone
		}
	})
}

// wait repeats a program of the client until it succeeds.
func (s *server) wait(t *testing.T, program string, args ...string) {
	t.Helper()
	var out []byte
	var err error
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		select {
		case <-s.gone:
			log, _ := os.ReadFile(s.log)
			t.Fatalf("%s has ended:\n%s", s.cmd.Path, log)
		default:
		}
		if out, err = s.command(program, args...).CombinedOutput(); err == nil {
			return
		}
	}
	log, _ := os.ReadFile(s.log)
	t.Fatalf("%s does not answer: %v\n%s%s", s.cmd.Path, err, out, log)
}

// greeting speaks the first words of a database's protocol, with the standard library alone.
const greeting = `
import socket, struct, sys
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
with socket.create_connection((host, port), 10) as s:
    if kind == "postgres":
        words = struct.pack("!i", 196608) + b"user\0postgres\0database\0postgres\0\0"
        s.sendall(struct.pack("!i", len(words) + 4) + words)
    print(s.recv(4096))
`

// TestDatabasesAnswerAContainer guards the servers that tests of database drivers stand on.
func TestDatabasesAnswerAContainer(t *testing.T) {
	t.Parallel()
	image := registryHost + "/library/python:3.13-slim"
	must(t, ".", "docker", "pull", "-q", image)
	for _, d := range []struct {
		name  string
		start func(*testing.T) (string, int)
		want  string
	}{
		{"postgres", postgres, `b'R\x00\x00\x00\x08\x00\x00\x00\x00`}, // AuthenticationOk
		{"mariadb", mariadb, "MariaDB"},
	} {
		t.Run(d.name, func(t *testing.T) {
			host, port := d.start(t)
			for _, network := range []string{"host", "none"} {
				args := []string{"run", "--rm", "--network", network, image, "python", "-c", greeting, d.name, host, fmt.Sprint(port)}
				out, err := command(t, ".", "docker", args...)
				if reached := err == nil && strings.Contains(out, d.want); reached != (network == "host") {
					t.Errorf("%s from a container with --network %s: %v\n%s", d.name, network, err, out)
				}
			}
		})
	}
}
