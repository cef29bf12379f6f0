//go:build integration

package integration

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// labBuilder is the buildx builder that stands for the lab's buildkitd (remote driver).
const labBuilder = "pyfile-lab"

// client is a way to build that users have. It leaves the image in the Docker Engine.
type client struct {
	name  string
	build func(t *testing.T, dir, image string) pushed
}

// clients are buildctl, buildx on a remote BuildKit, and both commands of the Docker Engine, which builds with its own BuildKit into
// the containerd image store.
var clients = []client{
	{"buildctl", func(t *testing.T, dir, image string) pushed {
		t.Helper()
		labDaemon().push(t, dir, image)
		must(t, dir, "docker", "pull", "-q", image)
		return imageOf(t, image)
	}},
	{"buildx", func(t *testing.T, dir, image string) pushed {
		t.Helper()
		must(t, dir, "docker", "buildx", "build", "--builder", labBuilder, "-f", "Pyfile", "--progress", "plain", "-t", image, "--push", ".")
		must(t, dir, "docker", "pull", "-q", image)
		return imageOf(t, image)
	}},
	{"engine-buildx", func(t *testing.T, dir, image string) pushed {
		t.Helper()
		must(t, dir, "docker", "buildx", "build", "--builder", "default", "-f", "Pyfile", "--progress", "plain", "-t", image, "--load", ".")
		return saved(t, image)
	}},
	{"engine", func(t *testing.T, dir, image string) pushed {
		t.Helper()
		must(t, dir, "docker", "build", "-f", "Pyfile", "--progress", "plain", "-t", image, ".")
		return saved(t, image)
	}},
}

// saved reads an image of the Docker Engine for linux/amd64.
func saved(t *testing.T, image string) pushed {
	t.Helper()
	out := filepath.Join(t.TempDir(), "image.tar")
	must(t, ".", "docker", "save", "--platform", "linux/amd64", "-o", out, image)
	blobs := map[string][]byte{}
	file, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for r := tar.NewReader(file); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Size > 1<<20 {
			continue // a layer
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		blobs[h.Name] = data
	}
	var manifests []struct {
		Config string
		Layers []string
	}
	if err := json.Unmarshal(blobs["manifest.json"], &manifests); err != nil || len(manifests) != 1 {
		t.Fatalf("manifest.json of %s: %v\n%s", image, err, blobs["manifest.json"])
	}
	p := pushed{config: &v1.ConfigFile{}}
	if err := json.Unmarshal(blobs[manifests[0].Config], p.config); err != nil {
		t.Fatal(err)
	}
	for _, l := range manifests[0].Layers {
		p.layers = append(p.layers, "sha256:"+path.Base(l))
	}
	return p
}

// differences lists the lines in which the layers and the configurations of two images differ; those of p have a plus.
func (p pushed) differences(other pushed) string {
	lines := func(p pushed) []string {
		config, err := json.MarshalIndent(p.config, "", " ")
		if err != nil {
			panic(err)
		}
		return append(slices.Clone(p.layers), strings.Split(string(config), "\n")...)
	}
	mine, others := lines(p), lines(other)
	if slices.Equal(mine, others) {
		return ""
	}
	var out []string
	for _, l := range mine {
		if !slices.Contains(others, l) {
			out = append(out, "+"+l)
		}
	}
	for _, l := range others {
		if !slices.Contains(mine, l) {
			out = append(out, "-"+l)
		}
	}
	return "different lines, or the same in another order:\n" + strings.Join(out, "\n")
}

// container runs a command of an image of the Docker Engine and returns what it printed.
func container(t *testing.T, image string, options []string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "docker", slices.Concat([]string{"run", "--rm"}, options, []string{image}, args)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// get starts an image's own command with a read-only root and more options, and returns the answer to an HTTP request.
func get(t *testing.T, image string, port int, path string, options ...string) string {
	t.Helper()
	start := slices.Concat([]string{"run", "-d", "--read-only", "-p", fmt.Sprintf("127.0.0.1::%d", port)}, options, []string{image})
	id := strings.TrimSpace(must(t, ".", "docker", start...))
	defer func() { _ = exec.Command("docker", "rm", "-f", id).Run() }()
	address := strings.TrimSpace(must(t, ".", "docker", "port", id, fmt.Sprintf("%d/tcp", port)))
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var res *http.Response
		if res, err = http.Get("http://" + address + path); err != nil {
			continue
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s answers %s, %v\n%s", image, res.Status, err, body)
		}
		return string(body)
	}
	t.Fatalf("%s does not answer: %v\n%s", image, err, must(t, ".", "docker", "logs", id))
	return ""
}

// freePort is a port of 127.0.0.1 that nothing listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
