//go:build differential

package lock

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/python"
)

// hostTarget is the Python that the tests run with.
func hostTarget(t *testing.T) python.Target {
	t.Helper()
	var host struct{ Version, Machine, Libc, LibcVersion string }
	out := run(t, ".", "", "python3", "-c", "import json, platform as p; print(json.dumps({'Version': p.python_version(), 'Machine': p.machine(), 'Libc': p.libc_ver()[0], 'LibcVersion': p.libc_ver()[1]}))")
	if err := json.Unmarshal([]byte(out), &host); err != nil || host.Libc != "glibc" {
		t.Fatalf("these tests need glibc, have %s (%v)", out, err)
	}
	target := python.Target{Python: mustVersion(host.Version), Machine: host.Machine, Libc: python.Libc{Name: "glibc"}}
	if _, err := fmt.Sscanf(host.LibcVersion, "%d.%d", &target.Libc.Major, &target.Libc.Minor); err != nil {
		t.Fatal(err)
	}
	return target
}

// foreignTarget is one that the tests do not run on.
var foreignTarget = python.Target{Python: mustVersion("3.12.3"), Machine: "aarch64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 36}}

// foreignFlags make pip choose for a target. It expands no platform into the older ones, so that all are listed.
func foreignFlags(target python.Target) []string {
	version := fmt.Sprintf("%d.%d", target.Python.Release()[0], target.Python.Release()[1])
	flags := []string{"--only-binary=:all:", "--implementation", "cp", "--python-version", version, "--abi", "cp" + strings.ReplaceAll(version, ".", "")}
	var seen []string
	for _, tag := range target.Tags() {
		if tag.Platform != "any" && !slices.Contains(seen, tag.Platform) {
			seen = append(seen, tag.Platform)
			flags = append(flags, "--platform", tag.Platform)
		}
	}
	return flags
}

// pipPicks asks pip what it would install from requirements files: its picks, or why it refuses.
func pipPicks(t *testing.T, bin, dir string, args ...string) (picks []pick, refusal string) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.json")
	cmd := exec.Command(filepath.Join(bin, "python"), append([]string{"-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--report", report}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		if !strings.Contains(string(out), "ERROR") {
			t.Fatalf("pip: %v\n%s", err, out)
		}
		return nil, string(out)
	}
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Install []struct {
			Metadata struct{ Name, Version string }
			Download struct {
				URL     string
				Dir     *struct{}                          `json:"dir_info"`
				Archive struct{ Hashes map[string]string } `json:"archive_info"`
			} `json:"download_info"`
		}
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		t.Fatal(err)
	}
	for _, i := range answer.Install {
		u, err := url.Parse(i.Download.URL)
		if err != nil {
			t.Fatal(err)
		}
		p := pick{Name: python.NormalizeName(i.Metadata.Name), Version: i.Metadata.Version, Filename: path.Base(u.Path), SHA256: i.Download.Archive.Hashes["sha256"]}
		if i.Download.Dir != nil {
			p.Filename, p.Version = "", "" // a directory
		}
		picks = append(picks, p)
	}
	slices.SortFunc(picks, func(a, b pick) int { return strings.Compare(a.Name, b.Name) })
	return picks, ""
}

// comparePicks compares artifacts with what pip would install. A path in place of a file name is a directory's.
func comparePicks(t *testing.T, what string, got []Artifact, err error, want []pick, refusal string) {
	t.Helper()
	if refusal != "" {
		if err == nil {
			t.Errorf("%s: pip says %s, Select picks %v", what, refusal, got)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	var picks []pick
	for _, a := range got {
		picks = append(picks, pick{a.Name, a.Version, a.Filename, a.SHA256})
	}
	if !slices.Equal(picks, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, picks, want)
	}
	t.Logf("%s: %d packages alike", what, len(want))
}

// compiledSet is a set of requirements that a tool compiles with hashes.
type compiledSet struct {
	name    string
	files   map[string]string
	compile []string // the tool and its arguments
	names   []string // the files to install; nil means requirements.txt
	foreign bool     // also for a target that the tests do not run on: pip evaluates markers for its own Python, so without any
	refused bool
}

var compiledSets = []compiledSet{
	{name: "pip-compile with extras", files: map[string]string{"requirements.in": "flask\nrequests[socks]\nPyYAML\ncolorama ; sys_platform == 'win32'\n"},
		compile: []string{"pip-compile", "--quiet", "--generate-hashes", "--allow-unsafe", "requirements.in"}},
	{name: "pip-compile with extras stripped and an index", files: map[string]string{"requirements.in": "click>=8\nzope.interface\nuvicorn\n"},
		compile: []string{"pip-compile", "--quiet", "--generate-hashes", "--strip-extras", "--emit-index-url", "--emit-options", "requirements.in"}},
	{name: "uv for every platform", files: map[string]string{"requirements.in": "ipython\ntomli ; python_version < '3.11'\nuvloop ; sys_platform != 'win32'\nidna==3.4 ; python_version < '3.11'\nidna==3.7 ; python_version >= '3.11'\npywin32 ; sys_platform == 'win32'\n"},
		compile: []string{"uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.10", "--generate-hashes", "requirements.in", "-o", "requirements.txt"}},
	{name: "uv for one target", foreign: true, files: map[string]string{"requirements.in": "cryptography\nMarkupSafe\npydantic\norjson\nregex\n"},
		compile: []string{"uv", "pip", "compile", "--quiet", "--generate-hashes", "--python-version", "3.12", "--python-platform", "aarch64-manylinux_2_36", "requirements.in", "-o", "requirements.txt"}},
	{name: "only an sdist", files: map[string]string{"requirements.in": "docopt==0.6.2\nidna\n"},
		compile: []string{"uv", "pip", "compile", "--quiet", "--generate-hashes", "requirements.in", "-o", "requirements.txt"}},
	{name: "options", files: map[string]string{"requirements.in": "six\niniconfig\n", "options.txt": "--only-binary :all:\n--no-binary six\n-r requirements.txt\n"},
		compile: []string{"uv", "pip", "compile", "--quiet", "--generate-hashes", "requirements.in", "-o", "requirements.txt"}, names: []string{"options.txt"}},
	{name: "constraints with the hashes", files: map[string]string{"requirements.in": "attrs\nidna\n", "sub/app.txt": "idna\n-r ../more.txt\n-c ../requirements.txt\n", "more.txt": "attrs>20\n"},
		compile: []string{"uv", "pip", "compile", "--quiet", "--generate-hashes", "requirements.in", "-o", "requirements.txt"}, names: []string{"sub/app.txt"}},
	{name: "two files", files: map[string]string{"requirements.in": "attrs\nidna\n", "dev.txt": "-r requirements.txt\n"},
		compile: []string{"uv", "pip", "compile", "--quiet", "--generate-hashes", "requirements.in", "-o", "requirements.txt"}, names: []string{"requirements.txt", "dev.txt"}},
	{name: "a requirement without hash", files: map[string]string{"requirements.in": "attrs\n", "all.txt": "-r requirements.txt\nidna==3.7\n"},
		compile: []string{"uv", "pip", "compile", "--quiet", "--generate-hashes", "requirements.in", "-o", "requirements.txt"}, names: []string{"all.txt"}, refused: true},
	{name: "a requirement without hash for another platform", files: map[string]string{"requirements.in": "attrs\n", "all.txt": "-r requirements.txt\nidna==3.7 ; os_name == 'nt'\nsix ; os_name == 'nt'\n"},
		compile: []string{"uv", "pip", "compile", "--quiet", "--generate-hashes", "requirements.in", "-o", "requirements.txt"}, names: []string{"all.txt"}},
	{name: "a version that a constraint excludes", files: map[string]string{"requirements.in": "idna==3.7\n", "all.txt": "-r requirements.txt\n-c limits.txt\n", "limits.txt": "idna<3.7\n"},
		compile: []string{"uv", "pip", "compile", "--quiet", "--generate-hashes", "requirements.in", "-o", "requirements.txt"}, names: []string{"all.txt"}, refused: true},
	{name: "an unpinned line first", files: map[string]string{"requirements.in": "idna==3.7\n", "all.txt": "idna\n-r requirements.txt\n"},
		compile: []string{"uv", "pip", "compile", "--quiet", "--generate-hashes", "requirements.in", "-o", "requirements.txt"}, names: []string{"all.txt"}, refused: true},
	{name: "an unpinned line with an extra first", files: map[string]string{"requirements.in": "idna==3.7\n", "all.txt": "idna[all]\n-r requirements.txt\n"},
		compile: []string{"uv", "pip", "compile", "--quiet", "--generate-hashes", "requirements.in", "-o", "requirements.txt"}, names: []string{"all.txt"}},
}

// TestRequirementsPickWhatPipPicks compiles sets with the real tools and compares Select with a dry run of pip.
func TestRequirementsPickWhatPipPicks(t *testing.T) {
	bin, uv := pipTools(t), tools(t)
	host := hostTarget(t)
	for _, s := range compiledSets {
		t.Run(s.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range s.files {
				write(t, filepath.Join(dir, name), text)
			}
			tool := filepath.Join(bin, s.compile[0])
			if s.compile[0] == "uv" {
				tool = filepath.Join(uv, "uv")
			}
			run(t, dir, "", tool, s.compile[1:]...)
			names := s.names
			if names == nil {
				names = []string{"requirements.txt"}
			}
			comparePip(t, bin, dir, names, host, s.refused)
			if s.foreign {
				comparePip(t, bin, dir, names, foreignTarget, false, foreignFlags(foreignTarget)...)
			}
		})
	}
}

// TestRequirementsPickURLsThatPipPicks has a wheel and an sdist by their addresses.
func TestRequirementsPickURLsThatPipPicks(t *testing.T) {
	bin := pipTools(t)
	sdist, wheel := addressesOf(t, "idna", "3.7")
	for i, text := range []string{
		fmt.Sprintf("idna @ %s --hash=sha256:%s\n", wheel.URL, wheel.SHA256),
		fmt.Sprintf("%s#sha256=%s\n--require-hashes\n", wheel.URL, wheel.SHA256),
		fmt.Sprintf("%s#sha256=%s&egg=idna ; python_version > '3'\n--require-hashes\n", sdist.URL, sdist.SHA256),
		"idna\n-c limits.txt\n",
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "requirements.txt"), text)
		write(t, filepath.Join(dir, "limits.txt"), fmt.Sprintf("idna @ %s --hash=sha256:%s\n", wheel.URL, wheel.SHA256))
		comparePip(t, bin, dir, []string{"requirements.txt"}, hostTarget(t), i == 3) // a constraint gives no hash for an address
	}
}

// addressesOf finds the sdist and the wheel of a release in the index.
func addressesOf(t *testing.T, name, version string) (sdist, wheel index.File) {
	t.Helper()
	script := `
import json, sys, urllib.parse, urllib.request
from pip._internal.commands import create_command
url = create_command("download").parse_args([])[0].index_url.rstrip("/") + "/" + sys.argv[1] + "/"
page = json.load(urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": "application/vnd.pypi.simple.v1+json"}), timeout=60))
print(json.dumps([{"name": f["filename"], "url": urllib.parse.urljoin(url, f["url"]), "sha256": f["hashes"]["sha256"]} for f in page["files"]]))
`
	var files []index.File
	if err := json.Unmarshal([]byte(run(t, ".", "", "python3", "-c", script, name)), &files); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		switch f.Name {
		case name + "-" + version + ".tar.gz":
			sdist = f
		case name + "-" + version + "-py3-none-any.whl":
			wheel = f
		}
	}
	if sdist.URL == "" || wheel.URL == "" {
		t.Fatalf("%s %s is not in the index", name, version)
	}
	return sdist, wheel
}

// comparePip reads a set from a directory, and compares what Select picks with a dry run of pip.
func comparePip(t *testing.T, bin, dir string, names []string, target python.Target, refused bool, flags ...string) {
	t.Helper()
	args := append([]string{"--require-hashes"}, flags...)
	for _, name := range names {
		args = append(args, "-r", name)
	}
	want, refusal := pipPicks(t, bin, dir, args...)
	if (refusal != "") != refused {
		t.Errorf("pip refuses: %v\n%s", !refused, refusal)
	}
	l, err := readDir(t, dir, names)
	if err != nil {
		comparePicks(t, fmt.Sprint(names), nil, err, want, refusal)
		return
	}
	if l.Loose != nil {
		t.Fatal("the set is loose")
	}
	request := Request{Target: target}
	if query := l.Query(); len(query) > 0 {
		request.Found = lookup(t, query)
	}
	got, err := l.Select(request)
	for i := range got {
		if got[i].Kind == Archive && got[i].Filename != "" && i < len(want) && got[i].Version == "" {
			got[i].Version = want[i].Version
		}
	}
	comparePicks(t, fmt.Sprintf("%v for %s", names, target), got, err, want, refusal)
}

// readDir reads a lock from a directory, asking for files as the frontend does.
func readDir(t *testing.T, dir string, names []string) (*Lock, error) {
	t.Helper()
	files := map[string][]byte{}
	for need := names; len(need) > 0; need = Needs(names, files) {
		for _, name := range need {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				data = nil
			}
			files[name] = data
		}
	}
	return Read(names, files)
}
