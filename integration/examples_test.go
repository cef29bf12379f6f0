//go:build integration

package integration

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// expectation is what an example's expect file says: what the image's command prints, or what it answers over HTTP.
type expectation struct {
	Stdout string
	HTTP   *struct {
		Port       int
		Path, Body string
	}
	Database string // "postgres" or "mariadb": the container finds its address in its environment
}

// readTOML reads a file that may have more than is asked of it.
func readTOML(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := toml.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// examples are the names of all examples with what they expect.
func examples(t *testing.T) map[string]expectation {
	t.Helper()
	files, err := filepath.Glob("../examples/*/Pyfile")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	all := map[string]expectation{}
	for _, f := range files {
		dir := filepath.Dir(f)
		var e expectation
		readTOML(t, filepath.Join(dir, "expect"), &e)
		if (e.Stdout == "") == (e.HTTP == nil) {
			t.Fatalf("%s/expect: one of stdout and [http] must be there", dir)
		}
		all[filepath.Base(dir)] = e
	}
	return all
}

// compiled are the examples with something that is compiled, or with packages of the distribution.
var compiled = []string{"django-postgres", "mysql", "uwsgi", "cython", "meson", "rust", "ffmpeg"}

// skips tells whether an example is not built by a client: storing the image of a large one once more and compiling on one more daemon take
// their time, and the examples of lock formats and of bases differ in what the frontend reads, which is the same for every client. One of them
// asks the index from every one, and one compiles there.
func skips(name, client string) bool {
	formats := strings.HasPrefix(name, "lock-") && name != "lock-poetry"
	compiles := slices.Contains(compiled, name) && name != "cython"
	bases := slices.Contains([]string{"alpine", "distroless", "git-dependency", "multi-platform", "private-git", "private-index"}, name)
	return client != clients[0].name && (name == "data" || formats || compiles || bases)
}

// TestExamplesBuildAndRunWithEveryClient also checks that the image is the same whoever built it: configuration and layers.
func TestExamplesBuildAndRunWithEveryClient(t *testing.T) {
	for name, expect := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := example(t, name)
			var first pushed
			var builtBy string
			for _, c := range clients {
				if skips(name, c.name) {
					continue
				}
				image := registryHost + "/test/example-" + name + ":" + c.name
				img := c.build(t, dir, image)
				if builtBy == "" {
					first, builtBy = img, c.name
				}
				if diff := img.differences(first); diff != "" {
					t.Errorf("images by %s (+) and %s (-) differ:\n%s", c.name, builtBy, diff)
				}
				behaves(t, image, expect)
			}
			image := registryHost + "/test/example-" + name + ":" + builtBy
			content := contentOf(t, image, layersOfBase(t, dir))
			isSealed(t, image, content.open)
			content.hasNothingOfTheBuilders(t, image)
		})
	}
}

// behaves runs an image's own command with a read-only root.
func behaves(t *testing.T, image string, expect expectation) {
	t.Helper()
	got, want := "", expect.Stdout
	var options []string
	if expect.Database != "" {
		options = database(t, expect.Database)
	}
	switch {
	case expect.HTTP != nil:
		got, want = get(t, image, expect.HTTP.Port, expect.HTTP.Path, options...), expect.HTTP.Body
	case expect.Database != "":
		got = container(t, image, append(options, "--read-only"))
	default:
		got = container(t, image, []string{"--read-only", "--network", "none"})
	}
	if !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("%s gives %q, which does not match %s", image, got, want)
	}
}

// database starts a database and returns the options with which a container of the Docker Engine gets its address.
func database(t *testing.T, kind string) []string {
	t.Helper()
	start, prefix := postgres, "PG"
	switch kind {
	case "postgres":
	case "mariadb":
		start, prefix = mariadb, "MYSQL_"
	default:
		t.Fatalf("no database %s", kind)
	}
	host, port := start(t)
	host, port = fromContainers(t, host, port)
	return []string{"--env", prefix + "HOST=" + host, "--env", prefix + "PORT=" + strconv.Itoa(port)}
}

// fromContainers makes a port of this machine's loopback reachable from the Docker Engine's bridge, and returns where, until the test ends.
func fromContainers(t *testing.T, host string, port int) (bridge string, open int) {
	t.Helper()
	bridge = strings.TrimSpace(must(t, ".", "docker", "network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}"))
	l, err := net.Listen("tcp", net.JoinHostPort(bridge, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return // closed
			}
			to, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
			if err != nil {
				_ = from.Close()
				continue
			}
			go relay(from, to)
			go relay(to, from)
		}
	}()
	return bridge, l.Addr().(*net.TCPAddr).Port
}

// relay copies what one end sends to the other, until either closes.
func relay(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
}

// writable lists what the user may write: files, and directories where it may make some.
const writable = `
import json, os
found = []
for top, dirs, files in os.walk("/"):
    if top == "/":
        dirs[:] = [d for d in dirs if d not in ("proc", "sys", "dev")]
    paths = [top] + [os.path.join(top, f) for f in files]
    found += [p for p in paths if not os.path.islink(p) and os.access(p, os.W_OK)]
print(json.dumps({"uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(), "workdir": os.getcwd(), "writable": sorted(found)}))
`

// isSealed checks that the image's user is not root and owns nothing but its home. What everybody may write in the base image is open.
func isSealed(t *testing.T, image string, open []string) {
	t.Helper()
	var got struct {
		UID, GID int
		Groups   []int
		Workdir  string
		Writable []string
	}
	probe := func(options ...string) {
		t.Helper()
		options = append(options, "--network", "none", "--entrypoint", "/opt/venv/bin/python")
		if err := json.Unmarshal([]byte(container(t, image, options, "-c", writable)), &got); err != nil {
			t.Fatal(err)
		}
	}
	probe()
	if got.UID != 65532 || got.GID != 65532 || !slices.Equal(got.Groups, []int{65532}) || got.Workdir != "/app" {
		t.Errorf("%s runs as %d:%d %v in %s", image, got.UID, got.GID, got.Groups, got.Workdir)
	}
	if want := slices.Concat([]string{"/home/nonroot"}, open); !slices.Equal(got.Writable, want) {
		t.Errorf("%s: its user may write %v, not just %v", image, got.Writable, want)
	}
	probe("--read-only")
	if len(got.Writable) != 0 {
		t.Errorf("%s with a read-only root: its user may write %v", image, got.Writable)
	}
}

// unimportable are the modules of examples/data that cannot be imported, by design of their projects.
var unimportable = []struct {
	prefix    string // of the module's name
	error     string
	temporary bool // it can be imported where a directory can be written
}{
	{"matplotlib", "writable cache directory", true},
	{"mpl_toolkits.", "writable cache directory", true},
	{"pylab", "writable cache directory", true},
	{"google.longrunning.operations_", "No module named 'grpc'", false}, // comes with an extra of googleapis-common-protos
}

// importAll imports the topmost modules of every distribution. A directory without __init__.py is a namespace, which several
// distributions share; what lies below it is imported.
const importAll = `
import importlib, importlib.metadata, json, warnings
warnings.simplefilter("ignore")
modules, empty, failed = set(), [], {}
for d in importlib.metadata.distributions():
    files = [f for f in d.files if f.suffix in (".py", ".so") and all(p.isidentifier() for p in f.parts[:-1]) and "__pycache__" not in f.parts]
    packages = {f.parts[:-1] for f in files if f.name == "__init__.py"}
    found = set()
    for f in files:
        parts = (*f.parts[:-1], f.name.split(".")[0])
        top = next((parts[:i] for i in range(1, len(parts)) if parts[:i] in packages), parts)
        found.add(".".join(top))
    modules |= found
    if not found:
        empty.append(d.name)
for name in sorted(modules):
    try:
        importlib.import_module(name)
    except BaseException as e:
        failed[name] = f"{type(e).__name__}: {e}"
print(json.dumps({"distributions": len(list(importlib.metadata.distributions())), "modules": sorted(modules), "empty": empty, "failed": failed}))
`

func TestEveryModuleOfDataCanBeImported(t *testing.T) {
	t.Parallel()
	image := registryHost + "/test/example-data:buildctl"
	labDaemon().push(t, "../examples/data", image)
	must(t, ".", "docker", "pull", "-q", image)
	for _, temporary := range []bool{false, true} {
		importEverything(t, image, temporary)
	}
}

// importEverything imports the modules of all distributions of an image of examples/data, with a read-only root and perhaps a /tmp.
func importEverything(t *testing.T, image string, temporary bool) {
	t.Helper()
	options := []string{"--read-only", "--network", "none"}
	if temporary {
		options = append(options, "--tmpfs", "/tmp")
	}
	var got struct {
		Distributions  int
		Modules, Empty []string
		Failed         map[string]string
	}
	out := container(t, image, options, "python", "-c", importAll)
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got.Distributions < 95 || len(got.Modules) < 95 || len(got.Empty) > 0 {
		t.Errorf("%d distributions with the modules %v; these have none: %v", got.Distributions, got.Modules, got.Empty)
	}
	excused := map[string]bool{}
	for name, why := range got.Failed {
		found := false
		for _, u := range unimportable {
			if strings.HasPrefix(name, u.prefix) && strings.Contains(why, u.error) && !(temporary && u.temporary) {
				found, excused[u.prefix] = true, true
			}
		}
		if !found {
			t.Errorf("import %s: %s", name, why)
		}
	}
	for _, u := range unimportable {
		if !excused[u.prefix] && !(temporary && u.temporary) {
			t.Errorf("%s can be imported after all", u.prefix)
		}
	}
	t.Logf("%d distributions, %d modules", got.Distributions, len(got.Modules))
}
