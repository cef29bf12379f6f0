//go:build integration

package integration

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// forARM are the options of a build for arm64.
var forARM = []string{"--opt", "platform=linux/arm64"}

// backend is a build backend that a project carries itself, so that building takes no pip, which is slow by emulation. It packs src/, the name of
// the machine and, where there is a compiler for it, an extension module, and says that the wheel is for this platform.
const backend = `
import glob, hashlib, base64, os, shutil, subprocess, sys, sysconfig, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    files = {os.path.relpath(f, "src"): open(f, "rb").read() for f in sorted(glob.glob("src/demo/*.py"))}
    files["demo/machine.py"] = f"MACHINE = {os.uname().machine!r}\n".encode()
    if os.path.exists("native.c") and shutil.which("gcc"):
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        subprocess.run(["gcc", "-shared", "-fPIC", "-I" + sysconfig.get_path("include"), "native.c", "-o", "/tmp/native.so"], check=True)
        files["demo/native" + suffix] = open("/tmp/native.so", "rb").read()
    tag = "py3-none-" + sysconfig.get_platform().replace("-", "_")
    files["demo-1.0.dist-info/METADATA"] = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
    files["demo-1.0.dist-info/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    files["demo-1.0.dist-info/entry_points.txt"] = b"[console_scripts]\ndemo = demo:main\n"
    record = "".join(f"{n},sha256={base64.urlsafe_b64encode(hashlib.sha256(d).digest()).decode().rstrip('=')},{len(d)}\n" for n, d in files.items())
    files["demo-1.0.dist-info/RECORD"] = (record + "demo-1.0.dist-info/RECORD,,\n").encode()
    name = f"demo-1.0-{tag}.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        for n, d in files.items():
            wheel.writestr(n, d)
    return name
`

// packedProject has a backend with the name of one that compiles nothing, whose wheel has that tag. It prints the tag and the machine that the wheel
// was built on.
func packedProject(t *testing.T, tag string) string {
	t.Helper()
	dir := backendProject(t, "", "flit_core.buildapi", "")
	replace(t, dir, "pyproject.toml", `requires = [""]`, "requires = []\nbackend-path = [\"vendor\"]")
	write(t, dir, "src/demo/__init__.py", `from importlib.metadata import distribution

from demo.machine import MACHINE


def main() -> None:
    print(distribution("demo").read_text("WHEEL").split("Tag: ")[1].split()[0], MACHINE)
`)
	write(t, dir, "vendor/flit_core/buildapi.py", strings.Replace(backend, `sysconfig.get_platform().replace("-", "_")`, tag, 1))
	return dir
}

// boundTag is the tag of a wheel for the platform that builds it.
const boundTag = `sysconfig.get_platform().replace("-", "_")`

// boundProject has a wheel of which nothing tells beforehand that it is for one platform, and a step and tests.
func boundProject(t *testing.T) string {
	t.Helper()
	dir := packedProject(t, boundTag)
	write(t, dir, "native.c", fmt.Sprintf(extension, "compiled"))
	write(t, dir, "Pyfile", `# syntax=org/pyfile:1
python = "3.13"

[steps.machine]
run = ["python", "-c", "import pathlib, platform; pathlib.Path('machine').write_text(platform.machine())"]

[test]
run = ["python", "-c", "import pathlib, demo.native; pathlib.Path('tested').write_text(demo.native.text())"]
`)
	return dir
}

func TestWithoutEmulationTheBuildSaysWhatNeedsIt(t *testing.T) {
	t.Parallel()
	const lacks = ", programs of linux/arm64 must run, and that is none of the builder's platforms"
	compiled := backendProject(t, "setuptools==80.9.0", "setuptools.build_meta", "")
	replace(t, compiled, "pyproject.toml", "\n[build-system]", "\n[tool.setuptools]\next-modules = [{ name = \"demo.native\", sources = [\"native.c\"] }]\n\n[build-system]")
	write(t, compiled, "Pyfile", `# syntax=org/pyfile:1
python = "3.13"

[apt]
run = ["libyaml-0-2"]
build = ["libyaml-dev"]

[steps.machine]
run = ["uname", "-m"]

[test]
run = ["pytest", "-q"]
`)
	bound := packedProject(t, boundTag)
	for _, test := range []struct {
		dir  string
		args []string
		want []string
	}{
		{compiled, nil, []string{"5: to install libyaml-0-2" + lacks, "6: to install libyaml-dev" + lacks, "6: to build the wheel of demo" + lacks, "9: to run step machine: uname -m" + lacks}},
		{compiled, []string{"--opt", "target=test"}, []string{"12: to run pytest -q" + lacks}},
		{bound, nil, []string{"to build the wheel of demo, programs of linux/arm64 must run (demo-1.0-py3-none-linux_x86_64.whl, which was built for linux/amd64, is of that platform alone), and that is none of"}},
	} {
		out, err := labDaemon().build(t, test.dir, slices.Concat(forARM, test.args)...)
		if err == nil {
			t.Fatalf("%s is built\n%s", test.want, out)
		}
		for _, want := range append(test.want, "docker buildx create --append", "tonistiigi/binfmt --install arm64") {
			if !strings.Contains(out, want) {
				t.Errorf("no %q in\n%s", want, out)
			}
		}
		for _, step := range ranSteps(out) {
			if test.dir == compiled && !strings.Contains(step, "[internal]") && !strings.Contains(step, "read ") {
				t.Errorf("%q was run", step)
			}
		}
	}
	// For the builder's own platform nothing is looked at beforehand.
	out, err := labDaemon().build(t, bound)
	if err != nil || strings.Count(out, "] build the wheel of demo") == 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWithEmulationProgramsOfTheTargetRun(t *testing.T) {
	t.Parallel()
	d := freshProcess(t, registryHost, func(p *process) { p.prepare = emulate })
	dir, image := boundProject(t), registryHost+"/test/platforms:emulated"
	_, log := d.push(t, dir, image, forARM...)
	if n := strings.Count(log, "] build the wheel of demo\n"); n < 2 {
		t.Errorf("the wheel is built %d times: on the builder's platform, where it turns out to be for that, and on the target\n%s", n, log)
	}
	root, img := rootOf(t, image, "arm64"), imageFor(t, image, "arm64")
	if got := machines(t, root); len(got) != 1 || got[elf.EM_AARCH64] < 200 {
		t.Errorf("the image has programs for %v", got)
	}
	if got := machines(t, filepath.Join(root, "opt/venv")); got[elf.EM_AARCH64] != 1 {
		t.Errorf("the environment has extension modules for %v", got)
	}
	if got, want := startIn(t, root, img, img.config.Config.Cmd...), "py3-none-linux_aarch64 aarch64\n"; got != want {
		t.Errorf("the command prints %q, not %q", got, want)
	}
	if got, err := os.ReadFile(filepath.Join(root, "app/machine")); string(got) != "aarch64" {
		t.Errorf("the step has written %q, %v", got, err)
	}
	out := t.TempDir()
	if log, err := d.build(t, dir, slices.Concat(forARM, []string{"--opt", "target=test", "--output", "type=local,dest=" + out})...); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if got, err := os.ReadFile(filepath.Join(out, "tested")); string(got) != "compiled" {
		t.Errorf("the tests have written %q, %v", got, err)
	}
}

func TestEveryPlatformIsBuiltOnItsNode(t *testing.T) {
	t.Parallel()
	node := freshProcess(t, registryHost, func(p *process) { p.prepare, p.server = emulate, []string{"--oci-worker-platform", "linux/arm64"} })
	const builder = "pyfile-nodes"
	_, _ = command(t, ".", "docker", "buildx", "rm", builder) // of a test that was killed
	must(t, ".", "docker", "buildx", "create", "--name", builder, "--driver", "remote", "--platform", "linux/amd64", labDaemon().addr)
	t.Cleanup(func() { _ = exec.Command("docker", "buildx", "rm", builder).Run() })
	must(t, ".", "docker", "buildx", "create", "--name", builder, "--append", "--driver", "remote", "--platform", "linux/arm64", node.addr)
	dir, image := packedProject(t, `"any"`), registryHost+"/test/platforms:nodes"
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\n\n[bytecode]\nstdlib = false\n")
	log := must(t, dir, "docker", "buildx", "build", "--builder", builder, "-f", "Pyfile", "--progress", "plain", "--provenance=false",
		"--platform", "linux/amd64,linux/arm64", "-t", image, "--push", ".")
	if got, want := architectures(t, image), []string{"linux/amd64", "linux/arm64"}; !slices.Equal(got, want) {
		t.Errorf("the index has %q", got)
	}
	// What only packs runs on the platform of the node that is asked, and this is another machine for each.
	for arch, want := range map[string]string{"amd64": "py3-none-any x86_64\n", "arm64": "py3-none-any aarch64\n"} {
		if got := startIn(t, rootOf(t, image, arch), imageFor(t, image, arch), "demo"); got != want {
			t.Errorf("%s: the command prints %q, not %q\n%s", arch, got, want, log)
		}
	}
	if strings.Contains(log, "for the build platform") {
		t.Errorf("a node takes the platform that it builds for another one\n%s", log)
	}
}
