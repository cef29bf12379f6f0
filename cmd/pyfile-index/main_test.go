package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestMain lets the test's program stand for pyfile-index when a test starts it so.
func TestMain(m *testing.M) {
	if os.Getenv("PYFILE_INDEX") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// helper runs pyfile-index as a process.
func helper(t *testing.T, env []string, args ...string) (stderr string, status int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "PYFILE_INDEX=1")
	cmd.Env = append(cmd.Env, env...)
	return finish(t, cmd)
}

func finish(t *testing.T, cmd *exec.Cmd) (stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if out.Len() > 0 {
		t.Errorf("%q printed %q to the standard output", cmd.Args, &out)
	}
	return errs.String(), cmd.ProcessState.ExitCode()
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sum is the sha256 of "wheel".
const sum = "ba59926159d2aa256eb8739b8da7e2b574b960e1202c6d624cbe981cef996c91"

// company serves one file, demo-1.whl, to those who know the password.
func company() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		switch {
		case password != "hunter2":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/simple/demo/":
			w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
			fmt.Fprintf(w, `{"meta":{"api-version":"1.0"},"files":[{"filename":"demo-1.whl","url":"demo-1.whl","hashes":{"sha256":%q}}]}`, sum)
		case r.URL.Path == "/simple/demo/demo-1.whl":
			fmt.Fprint(w, "wheel")
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
}

// inputs writes the inputs of a step below dir.
func inputs(t *testing.T, dir, settings, address, authority string) {
	t.Helper()
	write(t, filepath.Join(dir, "settings", "settings.json"), settings)
	write(t, filepath.Join(dir, "settings", "ca.pem"), authority)
	write(t, filepath.Join(dir, "query.json"), fmt.Sprintf(`{"indexes":[{"name":"default","url":%q,"username":"bob","secret":"pw"}],"packages":[{"name":"demo","files":[{"sha256":%q}]}]}`, address, sum))
	write(t, filepath.Join(dir, "secrets", "pw"), "hunter2\n")
}

func certificate(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// In a build the program is alone: there is no file but its own and what is mounted.
func TestItWorksInAnEmptyRoot(t *testing.T) {
	root := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(root, "pyfile-index"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	server := httptest.NewTLSServer(company())
	defer server.Close()
	inputs(t, root, `{"ca":"ca.pem"}`, server.URL+"/simple", certificate(server))
	for command, want := range map[string]string{"lookup": "answer.json", "fetch": "demo-1.whl"} {
		cmd := exec.Command("/pyfile-index", command, "--settings", "/settings", "--query", "/query.json", "--secrets", "/secrets", "--ca", "/ca", "--out", "/"+command)
		cmd.Env = []string{"PATH=/"}
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
		if os.Geteuid() != 0 {
			cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
		}
		if printed, status := finish(t, cmd); printed != "" || status != 0 {
			t.Errorf("%s printed %q and ended with %d", command, printed, status)
		}
		data, err := os.ReadFile(filepath.Join(root, command, want))
		if err != nil || len(data) == 0 {
			t.Errorf("%s: %q, %v", command, data, err)
		}
		if strings.Contains(string(data), "hunter2") {
			t.Errorf("%s wrote the password: %s", command, data)
		}
	}
}

// proxy lets requests for example.com reach a server, whatever its address.
func proxy(t *testing.T, to *httptest.Server) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	used := &atomic.Int32{}
	address := to.Listener.Addr().String()
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		used.Add(1)
		if _, password, _ := proxyLogin(r); password != "letmein" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			r.URL.Host, r.RequestURI = address, ""
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
			w.WriteHeader(res.StatusCode)
			io.Copy(w, res.Body)
			return
		}
		server, err := net.Dial("tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		client, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			io.Copy(server, client)
			server.Close()
		}()
		io.Copy(client, server)
		client.Close()
	}))
	t.Cleanup(p.Close)
	return p, used
}

func proxyLogin(r *http.Request) (user, password string, ok bool) {
	return (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
}

func TestProxiesAreUsed(t *testing.T) {
	plain, secure := httptest.NewServer(company()), httptest.NewTLSServer(company())
	defer plain.Close()
	defer secure.Close()
	for _, server := range []*httptest.Server{plain, secure} {
		scheme, authority := "http", ""
		if server == secure {
			scheme, authority = "https", certificate(secure)
		}
		p, used := proxy(t, server)
		address := strings.Replace(p.URL, "http://", "http://eve:letmein@", 1)
		wrong := strings.Replace(address, "letmein", "letmeout", 1)
		for _, tt := range []struct {
			name, settings string
			env            []string
			fails          string
		}{
			{name: "of the environment", settings: `{"ca":"ca.pem"}`, env: []string{"HTTP_PROXY=" + address, "https_proxy=" + address}},
			{name: "of pip", settings: fmt.Sprintf(`{"ca":"ca.pem","proxy":%q}`, address)},
			{name: "of the environment before pip's", settings: fmt.Sprintf(`{"ca":"ca.pem","proxy":%q}`, wrong), env: []string{"HTTP_PROXY=" + address, "HTTPS_PROXY=" + address}},
			{name: "wrong password", settings: `{"ca":"ca.pem"}`, env: []string{"HTTP_PROXY=" + wrong, "HTTPS_PROXY=" + wrong}, fails: " answers 407 Proxy Authentication Required\n"},
		} {
			before := used.Load()
			printed, status := lookup(t, tt.settings, scheme+"://example.com/simple", authority, tt.env...)
			if tt.fails != "" {
				if status != 1 || !strings.HasSuffix(printed, tt.fails) || strings.Contains(printed, "letme") {
					t.Errorf("%s, %s: printed %q and ended with %d", scheme, tt.name, printed, status)
				}
				continue
			}
			if printed != "" || status != 0 || used.Load() == before {
				t.Errorf("%s, %s: printed %q and ended with %d; the proxy was used %d times", scheme, tt.name, printed, status, used.Load()-before)
			}
		}
	}
}

func TestHostsMayBeExceptedFromAProxy(t *testing.T) {
	server := httptest.NewServer(company())
	defer server.Close()
	p, used := proxy(t, server)
	settings := fmt.Sprintf(`{"proxy":%q}`, strings.Replace(p.URL, "http://", "http://eve:letmein@", 1))
	address := strings.Replace(server.URL, "127.0.0.1", "0.0.0.0", 1) + "/simple" // the loopback's own address is never proxied
	for _, tt := range []struct {
		env   string
		proxy bool
	}{{"NO_PROXY=", true}, {"NO_PROXY=other.example,0.0.0.0", false}, {"no_proxy=*", false}} {
		before := used.Load()
		if printed, status := lookup(t, settings, address, "", tt.env); printed != "" || status != 0 || used.Load() > before != tt.proxy {
			t.Errorf("%s: printed %q and ended with %d; the proxy was used %d times", tt.env, printed, status, used.Load()-before)
		}
	}
}

// lookup runs a lookup for the proxies of env and no others.
func lookup(t *testing.T, settings, address, authority string, env ...string) (stderr string, status int) {
	t.Helper()
	dir := t.TempDir()
	inputs(t, dir, settings, address, authority)
	env = append([]string{"HTTP_PROXY=", "http_proxy=", "HTTPS_PROXY=", "https_proxy=", "NO_PROXY=", "no_proxy="}, env...)
	return helper(t, env, "lookup", "--settings", filepath.Join(dir, "settings"), "--query", filepath.Join(dir, "query.json"), "--secrets", filepath.Join(dir, "secrets"), "--out", filepath.Join(dir, "out"))
}

func TestProblemsAreLinesAndExitStatusOne(t *testing.T) {
	dir := t.TempDir()
	inputs(t, dir, `{}`, "https://index.example/simple", "")
	for _, tt := range []struct{ args, want string }{
		{"", `^usage: pyfile-index COMMAND`},
		{"ask", `^"ask" is not a command of pyfile-index\nusage: `},
		{"lookup --speed 3", `^pyfile-index lookup: flag provided but not defined: -speed\n$`},
		{"fetch x", `^pyfile-index fetch: "x" is not an option\n$`},
		{"settings --out OUT --interpreter /nowhere/python3", `^/nowhere/python3 does not exist in this image\n$`},
		{"settings --interpreter python3", `^no output directory is given: add --out DIR\n$`},
		{"lookup --out OUT --settings DIR/settings --query DIR/absent.json", `^open .*/absent.json: no such file or directory\n$`},
		{"lookup --out OUT --settings DIR --query DIR/query.json", `^open .*/settings.json: no such file or directory\n$`},
		{"lookup --out OUT --settings DIR/settings --query DIR/query.json --secrets DIR/none", `^demo cannot be looked up at https://index.example/simple: the index default needs the build secret pw, which the build was not given\n\thint: build with --secret id=pw,env=PW\n$`},
	} {
		out := filepath.Join(t.TempDir(), "out")
		printed, status := helper(t, nil, strings.Fields(strings.NewReplacer("OUT", out, "DIR", dir).Replace(tt.args))...)
		if status != 1 || !regexp.MustCompile(tt.want).MatchString(printed) {
			t.Errorf("%s: printed %q and ended with %d, want a match of %s", tt.args, printed, status, tt.want)
		}
		if _, err := os.Lstat(out); !os.IsNotExist(err) {
			t.Errorf("%s: left an output directory", tt.args)
		}
	}
}

// An interrupted build ends a request that takes long, and leaves nothing.
func TestAnInterruptEndsTheWork(t *testing.T) {
	asked := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	dir := t.TempDir()
	inputs(t, dir, `{}`, server.URL+"/simple", "")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	cmd := exec.Command(program, "lookup", "--settings", filepath.Join(dir, "settings"), "--query", filepath.Join(dir, "query.json"), "--secrets", filepath.Join(dir, "secrets"), "--out", out)
	cmd.Env = append(os.Environ(), "PYFILE_INDEX=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	if _, err := os.Lstat(out); !os.IsNotExist(err) {
		t.Error("left an output directory")
	}
}

// What a command makes of an index that fails is less than the index says.
func TestFailureOfAnIndexIsToldOverThatOfTheCommand(t *testing.T) {
	server := httptest.NewServer(company())
	defer server.Close()
	for secret, want := range map[string]string{
		"":      `{"hint":"build with --secret id=pw,env=PW","message":"the index default needs the build secret pw, which the build was not given"}`,
		"wrong": `{"hint":"the secret must hold a password, a token, user:password, or a netrc file; the user name is bob","message":"demo cannot be fetched at ` + server.URL + `/simple: it answers 401 Unauthorized to the login with the build secret pw"}`,
	} {
		dir := t.TempDir()
		inputs(t, dir, `{}`, server.URL+"/simple", "")
		if write(t, filepath.Join(dir, "secrets", "pw"), secret); secret == "" {
			os.Remove(filepath.Join(dir, "secrets", "pw"))
		}
		write(t, filepath.Join(dir, "failure.json"), `{"message":"no index has demo"}`)
		_, status := helper(t, nil, "run", "--settings", filepath.Join(dir, "settings"), "--query", filepath.Join(dir, "query.json"), "--secrets", filepath.Join(dir, "secrets"), "--failure", filepath.Join(dir, "failure.json"),
			"python3", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open(os.environ['PIP_INDEX_URL'] + 'demo/')")
		data, err := os.ReadFile(filepath.Join(dir, "failure.json"))
		if err != nil || status != 1 || string(data) != want {
			t.Errorf("with the secret %q it ended with %d, and says\n%s\nwant\n%s", secret, status, data, want)
		}
	}
}
