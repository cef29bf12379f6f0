//go:build differential

package build

import (
	"bytes"
	"context"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// cuttingWheel is the pip that Env gets for a cut, as a file of an index.
func cuttingWheel(t *testing.T) release {
	t.Helper()
	file := "pip-" + cuttingPip + "-py3-none-any.whl"
	return release{file, "", []byte(read(t, sdist(t, "pip", file)))}
}

// An index whose certificate is a company's own is trusted with the certificates of the build secret, and not without.
func TestARealPipTrustsTheCertificatesOfTheBuild(t *testing.T) {
	s := httptest.NewTLSServer(indexOf([]release{wheelOfModule("tool", "1.0", "version = 1\n", "")}))
	defer s.Close()
	configure(t, s)
	interpreter, _ := hostPython()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	ca := writeFile(t, filepath.Join(t.TempDir(), "ca-bundle"), certificate)
	for file, trusted := range map[string]bool{ca: true, "/nowhere/ca-bundle": false, "": false} {
		var b bytes.Buffer
		o := EnvOptions{Out: filepath.Join(t.TempDir(), "env"), Interpreter: interpreter, Requirements: []string{"tool"}, CA: file, Output: &b}
		if err := Env(context.Background(), o); (err == nil) != trusted {
			t.Errorf("with %q: %v\n%s", file, err, &b)
		}
		if !trusted && !strings.Contains(strings.ToLower(b.String()), "certificate") {
			t.Errorf("with %q it is not the certificate that fails:\n%s", file, &b)
		}
	}
}

// Of the real pip, what is uploaded before a day is installed, and what builds it, too.
func TestARealPipCutsAnIndexAtADay(t *testing.T) {
	days := func(day1, day2 string) []release {
		return []release{cuttingWheel(t), needsTool(t, day1), wheelOfModule("tool", "1.0", "version = 1\n", day1), wheelOfModule("tool", "2.0", "version = 2\n", day2)}
	}
	interpreter, _ := hostPython()
	for _, tt := range []struct {
		promise, before, constraint string
		releases                    []release
		tool, want                  string
	}{
		{"before both", "2024-01-02", "", days("2024-01-01", "2024-06-01"), "tool = 1\n", "^$"},
		{"on the day", "2024-06-01", "", days("2024-01-01", "2024-06-01"), "tool = 1\n", "^$"},
		{"after both", "2024-06-02", "", days("2024-01-01", "2024-06-01"), "tool = 2\n", "^$"},
		{"with a constraint", "2024-06-02", "tool<2\n", days("2024-01-01", "2024-06-01"), "tool = 1\n", "^$"},
		{"nothing is left", "2023-01-01", "", days("2024-01-01", "2024-06-01"), "", `^the build requirements built could not be installed: exit status 1$`},
		{"no times", "2024-06-02", "", days("", ""), "", `^the build requirements built could not be installed: an index does not say when its files were uploaded \(PEP 700\), so they cannot be cut at 2024-06-02$`},
	} {
		t.Run(tt.promise, func(t *testing.T) {
			useIndex(t, tt.releases...)
			o := EnvOptions{Out: filepath.Join(t.TempDir(), "env"), Interpreter: interpreter, Requirements: []string{"built"}, Before: tt.before}
			if tt.constraint != "" {
				o.Constraints = writeFile(t, filepath.Join(t.TempDir(), "constraints.txt"), []byte(tt.constraint))
			}
			var b bytes.Buffer
			o.Output = &b
			err := Env(context.Background(), o)
			if !regexp.MustCompile(tt.want).MatchString(errText(err)) {
				t.Fatalf("got the error %v, want one that matches %s; printed %s", err, tt.want, &b)
			}
			if err == nil && !strings.HasPrefix(builtModule(t, o.Out), tt.tool) {
				t.Errorf("the build had %s", builtModule(t, o.Out))
			}
			if err == nil && installedIn(t, o.Out) != "built-1.0" {
				t.Errorf("installed are %s", installedIn(t, o.Out))
			}
		})
	}
}

// The distribution's Python is managed by the distribution, and its pip sees the distribution's packages: neither may matter.
func TestTheDistributionsPythonInstallsIntoTheEnvironment(t *testing.T) {
	needPackages(t)
	const system = "/usr/bin/python3"
	if list, err := filepath.Glob("/usr/lib/python3*/EXTERNALLY-MANAGED"); err != nil || len(list) == 0 {
		t.Fatalf("the distribution's Python is not managed: %v", err)
	}
	// What the distribution has of some project, so that its pip would take it for installed.
	out, err := exec.Command(system, "-c", "import importlib.metadata as m; print(*sorted({d.metadata['Name'] + ' ' + d.version for d in m.distributions()} - {''}), sep='\\n')").Output()
	name, version, _ := strings.Cut(strings.TrimSpace(strings.SplitN(string(out), "\n", 2)[0]), " ")
	if err != nil || version == "" {
		t.Fatalf("the distribution has no Python packages: %q, %v", out, err)
	}
	name = strings.ToLower(strings.NewReplacer("-", "_", ".", "_").Replace(name))
	useIndex(t, needsTool(t, ""), wheelOfModule("tool", "1.0", "version = 1\n", ""), wheelOfModule(name, version, "", ""))
	env := filepath.Join(t.TempDir(), "env")
	var b bytes.Buffer
	if err := Env(context.Background(), EnvOptions{Out: env, Interpreter: system, Requirements: []string{"built", name}, Output: &b}); err != nil {
		t.Fatal(err, b.String())
	}
	if got := " " + installedIn(t, env); !strings.Contains(got, " built-1.0") || !strings.Contains(got, " "+name+"-"+version) {
		t.Errorf("installed are %s; printed %s", got, &b)
	}
}

// A requirement that has to be compiled first is the same in an environment that is made again.
func TestACompiledRequirementIsTheSameInAnEnvironmentMadeAgain(t *testing.T) {
	needPackages(t)
	for _, name := range []string{"PIP_FIND_LINKS", "PIP_NO_INDEX"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("PIP_NO_BINARY", "markupsafe")
	t.Setenv("CFLAGS", "-O0 -g")
	interpreter, _ := hostPython()
	out := filepath.Join(t.TempDir(), "env")
	var first string
	for i := range 2 {
		if err := os.RemoveAll(out); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := Env(context.Background(), EnvOptions{Out: out, Interpreter: interpreter, Requirements: []string{"markupsafe==3.0.2"}, Output: &b}); err != nil {
			t.Fatal(err, b.String())
		}
		got := listing(t, out)
		if !strings.Contains(got, "_speedups.cpython-") {
			t.Fatalf("nothing was compiled:\n%s", got)
		}
		if i == 0 {
			first = got
		} else if got != first {
			t.Errorf("the second is\n%s\nand the first was\n%s", got, first)
		}
	}
}
