//go:build integration

package integration

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// bothPlatforms are the options of a build for the lab's own platform and another one.
var bothPlatforms = []string{"--opt", "platform=linux/amd64,linux/arm64"}

// emulation gives a mount namespace the emulator of arm64. The kernel keeps a registration of binfmt_misc for each user namespace, so it is there
// for nobody else on the machine.
const emulation = `set -e
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
printf '%s' ':arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$0:F" >/proc/sys/fs/binfmt_misc/register
exec "$@"`

// emulate lets a command and what it starts run programs of arm64.
func emulate(cmd *exec.Cmd) {
	ids := []syscall.SysProcIDMap{{Size: 1 << 16}} // fewer than all, so that buildkitd and runc see that they are in a namespace
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true}
	cmd.Args = append([]string{"sh", "-c", emulation, filepath.Join(os.Getenv("PYFILE_LAB"), "bin/qemu-aarch64"), cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// rootOf unpacks an image of a registry for an architecture.
func rootOf(t *testing.T, image, arch string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, dir, "crane", "export", "--insecure", "--platform", "linux/"+arch, image, "image.tar")
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	must(t, dir, "tar", "--extract", "--file", "image.tar", "--directory", root, "--same-owner", "--same-permissions")
	return root
}

// startIn runs a command in the unpacked image, by emulation if it is foreign, as the image's user and with its environment.
func startIn(t *testing.T, root string, image pushed, args ...string) string {
	t.Helper()
	args = append([]string{"--userspec=" + image.config.Config.User, root}, args...)
	cmd := exec.CommandContext(t.Context(), "chroot", args...)
	cmd.Env = image.config.Config.Env
	if image.config.Architecture != "amd64" {
		emulate(cmd)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// machines counts the files of a tree that are programs or shared objects, by the machine that they are for.
func machines(t *testing.T, dir string) map[elf.Machine]int {
	t.Helper()
	found := map[elf.Machine]int{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if f, err := elf.Open(path); err == nil {
			found[f.Machine]++
			f.Close()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// architectures are those of the images that an index has.
func architectures(t *testing.T, image string) (all []string) {
	t.Helper()
	_, manifest := indexOf(t, image)
	for _, m := range manifest.Manifests {
		all = append(all, m.Platform.String())
	}
	return all
}

// bytecode are the modules whose bytecode was used and those that were compiled, by what python -v prints.
func bytecode(log string) (used, compiled []string) {
	for line := range strings.Lines(log) {
		from, ok := strings.CutPrefix(strings.TrimSpace(line), "# code object from ")
		switch from = strings.Trim(from, "'"); {
		case !ok:
		case strings.HasSuffix(from, ".pyc"):
			used = append(used, from)
		default:
			compiled = append(compiled, from)
		}
	}
	return used, compiled
}

// importCompiled imports every top module and every compiled one of the environment, and prints how many. Python tells with -v of each module
// whether it had to compile it.
const importCompiled = `
import importlib, importlib.metadata, sysconfig
from pathlib import Path
site = Path(sysconfig.get_path("purelib"))
names = {n for n, of in importlib.metadata.packages_distributions().items() if n.isidentifier()}
names |= {".".join([*p.parent.relative_to(site).parts, p.name.split(".")[0]]) for p in site.rglob("*.so") if ".libs" not in str(p) and "test" not in p.name}
for name in sorted(names):
    importlib.import_module(name)
print("imported", len(names), "of", len(list(importlib.metadata.distributions())))
`

func TestWheelsForAnotherPlatformNeedNoEmulation(t *testing.T) {
	t.Parallel()
	dir, image := example(t, "multi-platform"), registryHost+"/test/platforms:wheels"
	write(t, dir, "src/readings/fresh.py", fmt.Sprintf("TEXT = %q\n", unique()))
	_, log := labDaemon().push(t, dir, image, bothPlatforms...)
	if got, want := architectures(t, image), []string{"linux/amd64", "linux/arm64"}; !slices.Equal(got, want) {
		t.Errorf("the index has %q", got)
	}
	for _, step := range []string{"[app-builder] build the wheel of readings", "[final] install readings"} {
		if n := len(slices.DeleteFunc(ranSteps(log), func(s string) bool { return s != step })); n != 1 {
			t.Errorf("%s: %d times, not once for both platforms", step, n)
		}
	}
	native, foreign := imageOf(t, image), imageFor(t, image, "arm64")
	names := foreign.names(t)
	compiled := []string{"install markupsafe ", "install numpy ", "install pydantic-core "}
	for _, layer := range foreign.layers {
		if !strings.HasPrefix(names[layer], "install ") {
			continue
		}
		one := slices.ContainsFunc(compiled, func(c string) bool { return strings.HasPrefix(names[layer], c) })
		if shared := slices.Contains(native.layers, layer); shared == one {
			t.Errorf("the layer %q is in both images: %t", names[layer], shared)
		}
	}
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		root, img := rootOf(t, image, arch), imageFor(t, image, arch)
		if got := machines(t, root); len(got) != 1 || got[machine] < 200 {
			t.Errorf("%s: the image has programs for %v", arch, got)
		}
		if got := machines(t, filepath.Join(root, "opt/venv")); got[machine] < 20 {
			t.Errorf("%s: the environment has programs for %v", arch, got)
		}
		want := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[arch] + ": &lt;cellar&gt; 12.0\n"
		if got := startIn(t, root, img, img.config.Config.Cmd...); got != want {
			t.Errorf("%s: the command prints %q, not %q", arch, got, want)
		}
		out := startIn(t, root, img, "python", "-v", "-c", importCompiled)
		if !regexp.MustCompile(`(?m)^imported 2\d of 9$`).MatchString(out) {
			t.Errorf("%s: not everything is imported\n%s", arch, out)
		}
		if used, compiled := bytecode(out); len(used) < 250 || len(compiled) > 0 {
			t.Errorf("%s: the bytecode of %d modules is used, and Python compiles %q itself", arch, len(used), compiled)
		}
		out = startIn(t, root, img, "env", "PYTHONPYCACHEPREFIX=/none", "python", "-v", "-c", "import jinja2")
		if used, compiled := bytecode(out); len(used) > 0 || len(compiled) < 50 {
			t.Errorf("%s: where bytecode is not looked for, that of %d modules is used, and %d are compiled", arch, len(used), len(compiled))
		}
	}
}

// armAlpine pushes the lab's Alpine image as one of two platforms. That for arm64 tells all that a base is asked for by its files, but its programs
// are not of arm64: there is no such Python to be had where docker.io does not answer.
func armAlpine(t *testing.T, image string) {
	t.Helper()
	from, err := name.ParseReference(registryHost+"/library/python:3.13-alpine", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	to, err := name.ParseReference(image, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	native, err := remote.Image(from)
	if err != nil {
		t.Fatal(err)
	}
	config, err := native.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Architecture = "arm64"
	foreign, err := mutate.ConfigFile(native, config)
	if err != nil {
		t.Fatal(err)
	}
	platform := func(arch string) v1.Descriptor {
		return v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}
	}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: native, Descriptor: platform("amd64")}, mutate.IndexAddendum{Add: foreign, Descriptor: platform("arm64")})
	if err := remote.WriteIndex(to, index); err != nil {
		t.Fatal(err)
	}
}

func TestWheelsForMuslOnAnotherPlatform(t *testing.T) {
	t.Parallel()
	base, image := registryHost+"/test/platforms:alpine", registryHost+"/test/platforms:musl"
	armAlpine(t, base)
	dir := example(t, "multi-platform")
	replace(t, dir, "Pyfile", `python = "3.13"`, fmt.Sprintf("python = \"3.13\"\nbase = %q", base))
	labDaemon().push(t, dir, image, forARM...)
	venv := filepath.Join(rootOf(t, image, "arm64"), "opt/venv")
	if got := machines(t, venv); len(got) != 1 || got[elf.EM_AARCH64] < 20 {
		t.Errorf("the environment has programs for %v", got)
	}
	modules, err := filepath.Glob(filepath.Join(venv, "lib/python3.13/site-packages/*/*.so"))
	if err != nil || len(modules) < 2 {
		t.Errorf("modules are %q, %v", modules, err)
	}
	for _, file := range modules {
		f, err := elf.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		needs, err := f.ImportedLibraries()
		f.Close()
		module := strings.HasSuffix(file, "-aarch64-linux-musl.so") || strings.HasSuffix(filepath.Dir(file), ".libs")
		if err != nil || slices.Contains(needs, "libc.so.6") || !module {
			t.Errorf("%s needs %q, %v", file, needs, err)
		}
	}
}
