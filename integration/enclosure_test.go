//go:build integration

package integration

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// enclosure is a network namespace from which this process is reached, at one address, and nothing else. Whatever is sent elsewhere goes to a link
// that leads nowhere, and is counted there.
type enclosure struct {
	name     string
	host     string // the address of this process
	resolver string // a file like /etc/resolv.conf, whose server is not there
}

// nowhere is the server of names of an enclosure (RFC 5737), and elsewhere an address that is tried to see that what strays is counted.
const nowhere, elsewhere = "192.0.2.53", "192.0.2.1"

// enclose makes an enclosure, and removes it with the test.
func enclose(t *testing.T) *enclosure {
	t.Helper()
	id := os.Getpid() % 200
	e := &enclosure{name: fmt.Sprintf("pyfile-%d", id), host: fmt.Sprintf("198.18.%d.1", id), resolver: filepath.Join(t.TempDir(), "resolv.conf")}
	write(t, filepath.Dir(e.resolver), "resolv.conf", "nameserver "+nowhere+"\n")
	outer := fmt.Sprintf("pyf-%d", id)
	ip := func(args ...string) { t.Helper(); must(t, ".", "ip", args...) }
	ip("netns", "add", e.name)
	t.Cleanup(func() {
		// Not with the context of the test, which has ended.
		if out, err := exec.Command("ip", "netns", "delete", e.name).CombinedOutput(); err != nil {
			t.Logf("ip netns delete: %v\n%s", err, out)
		}
	})
	// IPv6 announces itself on every link, which would be counted.
	e.inside(t, "sh", "-c", "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do [ ! -e $f ] || echo 1 > $f; done")
	ip("link", "add", outer, "type", "veth", "peer", "name", "host", "netns", e.name)
	ip("address", "add", e.host+"/30", "dev", outer)
	ip("link", "set", outer, "up")
	for _, args := range []string{
		"link add stray type veth peer name drain", "address add " + fmt.Sprintf("198.18.%d.2/30", id) + " dev host", "link set lo up", "link set host up", "link set drain up", "link set stray up",
		"route add default dev stray", "neighbour add " + elsewhere + " lladdr 02:00:00:00:00:01 dev stray",
	} {
		ip(append([]string{"-netns", e.name}, strings.Fields(args)...)...)
	}
	before := e.sent(t)
	e.inside(t, "bash", "-c", "echo > /dev/udp/"+elsewhere+"/9")
	if after := e.sent(t); after != before+1 {
		t.Fatalf("a packet to %s is not counted: %d before, and %d after", elsewhere, before, after)
	}
	return e
}

// inside runs a program there.
func (e *enclosure) inside(t *testing.T, args ...string) string {
	t.Helper()
	return must(t, ".", "ip", append([]string{"netns", "exec", e.name}, args...)...)
}

// sent is how many packets have strayed.
func (e *enclosure) sent(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(e.inside(t, "cat", "/sys/class/net/stray/statistics/tx_packets")))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// checkStrays fails the test if anything but the packet of enclose was sent to another place than this process.
func (e *enclosure) checkStrays(t *testing.T) {
	t.Helper()
	if n := e.sent(t); n != 1 {
		t.Errorf("%d packets strayed, to\n%s", n-1, must(t, ".", "ip", "-netns", e.name, "neighbour", "show", "dev", "stray"))
	}
}

// serve serves on the address that is reached from inside, and returns its URL without a path.
func (e *enclosure) serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	listener, err := net.Listen("tcp", e.host+":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}

// daemon starts a buildkitd with an empty root inside, whose containers are inside too. It takes the names of docker.io from the registry at mirror,
// and trusts the authorities of the file; with none those of this machine.
func (e *enclosure) daemon(t *testing.T, mirror, authorities string, env ...string) daemon {
	t.Helper()
	const store = "/etc/ssl/certs/ca-certificates.crt" // git, which BuildKit starts, is told of no other
	if authorities == "" {
		authorities = store
	}
	return freshProcess(t, mirror, func(p *process) {
		p.env = env
		p.within = []string{"nsenter", "--net=/run/netns/" + e.name, "unshare", "--mount", "--propagation", "private", "sh", "-euc",
			`mount --bind "$1" /etc/resolv.conf; mount --bind "$2" ` + store + `; shift 2; exec "$@"`, "sh", e.resolver, authorities}
	}).daemon
}
