//go:build integration

package integration

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// inspector is a proxy that reads all that passes it: to the client of an https connection it is the server, with a certificate that its own
// authority signs on the spot. It notes every request, and sends it on to where it was meant for.
type inspector struct {
	url     string // http://HOST:PORT, for HTTPS_PROXY
	ca      string // file with the certificate of its authority
	store   string // file with that and those of this machine
	signer  *x509.Certificate
	key     *ecdsa.PrivateKey
	forward *httputil.ReverseProxy
	hosts   map[string]string // a host that does not exist -> the address, host:port, of the server that answers for it, by http

	mu   sync.Mutex
	seen []string // "UserAgent/1.0 GET https://host/path"
}

// newInspector starts one that is reached from an enclosure.
func newInspector(t *testing.T, e *enclosure, hosts map[string]string) *inspector {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &inspector{key: key, hosts: hosts}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Company proxy"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if p.signer, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	machine, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p.ca, p.store = filepath.Join(dir, "company.pem"), filepath.Join(dir, "store.pem")
	write(t, dir, "company.pem", string(own))
	write(t, dir, "store.pem", string(slices.Concat(machine, own)))
	p.forward = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if to := p.hosts[r.In.URL.Hostname()]; to != "" {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", to
		}
	}}
	p.url = e.serve(t, p)
	return p
}

// ServeHTTP takes a request for http, or makes a tunnel of which it is both ends.
func (p *inspector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		p.pass(w, r)
		return
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := client.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		client.Close()
		return
	}
	host := r.URL.Hostname()
	inner := tls.Server(&unread{client, buffered.Reader}, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.sign(host) }})
	quiet := log.New(io.Discard, "", 0) // of clients that do not trust
	server := &http.Server{ErrorLog: quiet, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		in.URL.Scheme, in.URL.Host = "https", strings.TrimSuffix(r.URL.Host, ":443")
		p.pass(w, in)
	})}
	_ = server.Serve(&single{conn: inner}) // it ends at once, and the connection lives on
}

// pass notes a request and sends it on.
func (p *inspector) pass(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen = append(p.seen, r.UserAgent()+" "+r.Method+" "+r.URL.Scheme+"://"+r.URL.Host+r.URL.Path)
	p.mu.Unlock()
	p.forward.ServeHTTP(w, r)
}

// sign makes a certificate for a host.
func (p *inspector) sign(host string) (*tls.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: p.signer.NotBefore, NotAfter: p.signer.NotAfter}, p.signer, p.key.Public(), p.key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: p.key}, err
}

// take returns the requests since the last take.
func (p *inspector) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.seen
	p.seen = nil
	return out
}

// unread is a connection of which something was read already.
type unread struct {
	net.Conn
	r *bufio.Reader
}

func (c *unread) Read(b []byte) (int, error) { return c.r.Read(b) }

// single is a listener with one connection.
type single struct{ conn net.Conn }

func (l *single) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	c := l.conn
	l.conn = nil
	return c, nil
}

func (l *single) Close() error   { return nil }
func (l *single) Addr() net.Addr { return &net.TCPAddr{} }
