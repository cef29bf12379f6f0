//go:build integration

package integration

import (
	"encoding/json"
	"regexp"
	"testing"
)

// nature prints what a base is, as far as its Python and its files tell.
const nature = `
import importlib.util, json, os, sys, sysconfig
version = os.environ.get("PYTHON_VERSION")
print(json.dumps({
    "Executable": os.path.realpath(sys.executable),
    "Stdlib": sysconfig.get_path("stdlib"),
    "Purelib": sysconfig.get_path("purelib"),
    "Suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    "Says": version is not None,
    "Lies": version not in (None, sys.version.split()[0]),
    "Shell": os.path.exists("/bin/sh"),
    "Pip": importlib.util.find_spec("pip") is not None,
    "Managed": os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")),
    "Packages": next(p for p in ("/var/lib/dpkg/status", "/var/lib/dpkg/status.d/libc6", "/lib/apk/db/installed", "/usr/lib/apk/db/installed") if os.path.exists(p)),
}))
`

// base is what tests expect of a base image of the lab.
type base struct {
	Executable, Stdlib, Purelib string
	Suffix                      string // of extension modules
	Says, Lies                  bool   // PYTHON_VERSION is set; to another version than Python's
	Shell, Pip                  bool
	Managed                     bool // by the distribution: pip must not install there
	Packages                    string
}

// TestBasesAreWhatTheyStandFor guards the images that tests of unusual bases stand on.
func TestBasesAreWhatTheyStandFor(t *testing.T) {
	t.Parallel()
	const (
		gnu, musl, threads  = ".cpython-313-x86_64-linux-gnu.so", ".cpython-313-x86_64-linux-musl.so", ".cpython-313t-x86_64-linux-gnu.so"
		dpkg, perPackage    = "/var/lib/dpkg/status", "/var/lib/dpkg/status.d/libc6"
		local, debian, dist = "/usr/local/lib/python3.13", "/usr/lib/python3.13", "/usr/local/lib/python3.13/dist-packages"
	)
	for image, want := range map[string]base{
		"library/python:3.13-slim":          {"/usr/local/bin/python3.13", local, local + "/site-packages", gnu, true, false, true, true, false, dpkg},
		"lab/debian-python:13":              {"/usr/bin/python3.13", debian, dist, gnu, false, false, true, false, true, dpkg},
		"lab/debian-python-full:13":         {"/usr/bin/python3.13", debian, dist, gnu, false, false, true, true, true, dpkg},
		"lab/python-distroless:3.13":        {"/usr/bin/python3.13", debian, dist, gnu, false, false, false, false, true, perPackage},
		"lab/python-distroless-copied:3.13": {"/usr/local/bin/python3.13", local, local + "/site-packages", gnu, false, false, false, true, false, perPackage},
		"lab/python-unsaid:3.13-slim":       {"/usr/local/bin/python3.13", local, local + "/site-packages", gnu, false, false, true, true, false, dpkg},
		"lab/python-opt:3.13-slim":          {"/opt/python/bin/python3.13", "/opt/python/lib/python3.13", "/opt/python/lib/python3.13/site-packages", gnu, false, false, true, true, false, dpkg},
		"lab/python:3.13t-slim":             {"/usr/local/bin/python3.13", local + "t", local + "t/site-packages", threads, true, false, true, true, false, dpkg},
		"lab/python:3.13t":                  {"/usr/local/bin/python3.13", local + "t", local + "t/site-packages", threads, true, false, true, true, false, dpkg},
	} {
		t.Run(image, func(t *testing.T) { is(t, image, want) })
	}
	t.Run("library/python:3.13-alpine", func(t *testing.T) {
		want := base{"/usr/local/bin/python3.13", local, local + "/site-packages", musl, true, false, true, true, false, "/lib/apk/db/installed"}
		if got := natureOf(t, "library/python:3.13-alpine"); got.Packages == "/usr/lib/apk/db/installed" {
			want.Packages = got.Packages // of newer Alpine
		}
		is(t, "library/python:3.13-alpine", want)
	})
}

// is compares a base with what it should be.
func is(t *testing.T, image string, want base) {
	t.Helper()
	if got := natureOf(t, image); got != want {
		t.Errorf("%s is\n%+v, not\n%+v", image, got, want)
	}
}

// natureOf runs a base's python3, which is found by its PATH.
func natureOf(t *testing.T, image string) (got base) {
	t.Helper()
	image = registryHost + "/" + image
	must(t, ".", "docker", "pull", "-q", image)
	out := container(t, image, []string{"--network", "none", "--entrypoint", "python3"}, "-c", nature)
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return got
}

// TestBasesTakeTheWheelsOfTheirKind installs compiled wheels of the index with pip and imports them.
func TestBasesTakeTheWheelsOfTheirKind(t *testing.T) {
	t.Parallel()
	const install = `python -m pip install -q --disable-pip-version-check --root-user-action=ignore --only-binary :all: --target /tmp/site markupsafe numpy &&
cd /tmp/site && cat markupsafe*.dist-info/WHEEL numpy-*.dist-info/WHEEL && python -c 'import markupsafe._speedups, numpy; print("sum", numpy.ones(9).sum())'`
	for image, tag := range map[string]string{
		"library/python:3.13-alpine": `cp313-cp313-musllinux_1_2_x86_64`,
		"lab/python:3.13t-slim":      `cp313-cp313t-manylinux.*_x86_64`,
		"lab/python-opt:3.13-slim":   `cp313-cp313-manylinux.*_x86_64`,
	} {
		t.Run(image, func(t *testing.T) {
			image := registryHost + "/" + image
			must(t, ".", "docker", "pull", "-q", image)
			out := container(t, image, []string{"--network", "host", "--entrypoint", "sh"}, "-c", install)
			if got := regexp.MustCompile(`(?m)^Tag: `+tag+`\r?$`).FindAllString(out, -1); len(got) < 2 || !regexp.MustCompile(`(?m)^sum 9.0$`).MatchString(out) {
				t.Errorf("%s: %s", image, out)
			}
		})
	}
}
