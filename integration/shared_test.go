//go:build integration

package integration

import (
	"fmt"
	"maps"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// numpy is the wheel that projects share, and the history's name for its layer.
const (
	numpy      = "numpy==2.4.6"
	numpyLayer = "install numpy 2.4.6"
)

// numpyProject is a project with numpy and nothing else in common with the others of sharing.
func numpyProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\ncmd = [\"python\", \"main.py\"]\n")
	write(t, dir, "pyproject.toml", "[project]\nname = \"first\"\nversion = \"1\"\nrequires-python = \">=3.11\"\ndependencies = [\""+numpy+"\", \"idna\"]\n")
	write(t, dir, "main.py", "import numpy\nprint(numpy.__version__)\n")
	uvLock(t, dir)
	return dir
}

const (
	hatchling = "[build-system]\nrequires = [\"hatchling==1.27.0\"]\nbuild-backend = \"hatchling.build\"\n"
	printer   = "import numpy\n\n\ndef main():\n    print(numpy.__version__)\n"
)

// sharing are projects that differ in all but numpy: each writes its files and its lock.
var sharing = map[string]func(t *testing.T, dir string){
	// Another user, another directory, packages of the distribution, a wheel of its own.
	"other": func(t *testing.T, dir string) {
		write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\nuser = \"1000:1000\"\nworkdir = \"/srv/other\"\nenv = { A = \"b\" }\n[apt]\nrun = [\"tini\"]\n")
		write(t, dir, "pyproject.toml", "[project]\nname = \"other\"\nversion = \"7\"\nrequires-python = \">=3.11\"\ndependencies = [\"markupsafe\", \""+numpy+
			"\", \"six\"]\n[project.scripts]\nother = \"other:main\"\n"+hatchling)
		write(t, dir, "src/other/__init__.py", printer)
		uvLock(t, dir)
	},
	"member": func(t *testing.T, dir string) {
		write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\n[dependencies]\nproject = \"packages/api\"\n")
		write(t, dir, "pyproject.toml", "[tool.uv.workspace]\nmembers = [\"packages/*\"]\n")
		write(t, dir, "packages/api/pyproject.toml", "[project]\nname = \"api\"\nversion = \"1\"\nrequires-python = \">=3.11\"\ndependencies = [\"click\", \""+numpy+
			"\"]\n[project.scripts]\napi = \"api:main\"\n"+hatchling)
		write(t, dir, "packages/api/src/api/__init__.py", printer)
		write(t, dir, "packages/worker/pyproject.toml", "[project]\nname = \"worker\"\nversion = \"1\"\nrequires-python = \">=3.11\"\ndependencies = [\"pandas\"]\n"+hatchling)
		write(t, dir, "packages/worker/src/worker/__init__.py", "")
		uvLock(t, dir)
	},
	"pylock": func(t *testing.T, dir string) { exported(t, dir, "pylock.toml") },
	// These locks have neither addresses nor sizes.
	"requirements": func(t *testing.T, dir string) { exported(t, dir, "requirements.txt") },
	"poetry": func(t *testing.T, dir string) {
		write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\ncmd = [\"python\", \"-m\", \"verse\"]\n")
		name, version, _ := strings.Cut(numpy, "==")
		write(t, dir, "pyproject.toml", "[tool.poetry]\nname = \"verse\"\nversion = \"3\"\ndescription = \"\"\nauthors = [\"Someone <someone@example.com>\"]\n"+
			"packages = [{ include = \"verse\", from = \"src\" }]\n[tool.poetry.dependencies]\npython = \"^3.11\"\n"+name+" = \""+version+"\"\ncertifi = \"2025.8.3\"\n"+
			"[build-system]\nrequires = [\"poetry-core==2.2.1\"]\nbuild-backend = \"poetry.core.masonry.api\"\n")
		write(t, dir, "src/verse/__init__.py", "")
		write(t, dir, "src/verse/__main__.py", "import numpy\nprint(numpy.__version__)\n")
		poetryLock(t, dir)
	},
}

// exported makes a project whose lock is one that uv exports.
func exported(t *testing.T, dir, lock string) {
	t.Helper()
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\nworkdir = \"/work\"\ncmd = [\"python\", \"start.py\"]\n")
	write(t, dir, "pyproject.toml", "[project]\nname = \"exported\"\nversion = \"2\"\nrequires-python = \">=3.11\"\ndependencies = [\""+numpy+"\", \"packaging\"]\n")
	write(t, dir, "start.py", "import numpy\nprint(numpy.__version__)\n")
	uvLock(t, dir)
	must(t, dir, lockTool(t, "uv"), "export", "--quiet", "--no-config", "--frozen", "--no-emit-project", "-o", lock)
	must(t, dir, "rm", "uv.lock")
}

// lockTool is uv or poetry, of the version with which examples/locks makes the locks of the examples.
func lockTool(t *testing.T, tool string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "../examples/locks", "--tool", tool).Output()
	if err != nil {
		t.Fatalf("no %s: %v", tool, err)
	}
	return strings.TrimSpace(string(out))
}

// poetryLock locks a project with the pinned Poetry, against the index that pip is configured for.
func poetryLock(t *testing.T, dir string) {
	t.Helper()
	index := strings.TrimSpace(must(t, dir, "python3", "-c",
		"from pip._internal.commands import create_command; print(create_command('download').parse_args([])[0].index_url)"))
	must(t, dir, "env", "POETRY_PYPI_MIRROR_URL="+index, "POETRY_VIRTUALENVS_CREATE=false", lockTool(t, "poetry"), "lock", "--quiet", "--no-interaction")
}

// newRepository is a path in the lab's registry that no earlier test has pushed to.
func newRepository(name string) string {
	return fmt.Sprintf("/test/%s-%d", name, time.Now().UnixNano())
}

// uploads are the blobs that a registry was sent, with their bytes, by digest. A blob that another repository of the registry has is
// mounted from there and not sent.
func uploads(transfers []transfer) map[string]int64 {
	sent := map[string]int64{}
	parts := map[string]int64{} // by the path of the upload
	for _, m := range transfers {
		if !strings.Contains(m.path, "/blobs/uploads/") {
			continue
		}
		parts[m.path] += m.sent
		query, _ := url.ParseQuery(m.query)
		if digest := query.Get("digest"); digest != "" && m.method == "PUT" {
			sent[digest] += parts[m.path]
		}
	}
	return sent
}

// numpy is the image's layer of numpy.
func (p pushed) numpy(t *testing.T) string {
	t.Helper()
	for l, n := range p.names(t) {
		if n == numpyLayer {
			return l
		}
	}
	t.Fatalf("no layer of numpy: %v", slices.Sorted(maps.Values(p.names(t))))
	return ""
}

// newNames are the names of the layers that an image has and another one has not.
func (p pushed) newNames(t *testing.T, other pushed) []string {
	t.Helper()
	names := p.names(t)
	var out []string
	for _, l := range p.missingFrom(other) {
		out = append(out, names[l])
	}
	slices.Sort(out)
	return out
}

// TestProjectsShareTheLayerOfAWheel builds projects that have nothing in common but one wheel, each in a repository of its own.
func TestProjectsShareTheLayerOfAWheel(t *testing.T) {
	registry, repository := newProxy(t, "http://"+registryHost), newRepository("shared")
	d := freshDaemon(t, registryHost)
	d.push(t, numpyProject(t), registry.host+repository+"-first:1")
	first := imageOf(t, registryHost+repository+"-first:1")
	layer := first.numpy(t)
	if uploads(registry.takeTransfers())[layer] < 10<<20 {
		t.Fatal("the first push of numpy was not seen")
	}
	for _, name := range slices.Sorted(maps.Keys(sharing)) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			sharing[name](t, dir)
			registry.take()
			_, log := d.push(t, dir, registry.host+repository+"-"+name+":1")
			image := imageOf(t, registryHost+repository+"-"+name+":1")
			if got := image.numpy(t); got != layer {
				t.Errorf("the layer of numpy is %s, not %s", got, layer)
			}
			if ran := ranSteps(log); slices.Contains(ran, "[base] "+numpyLayer) {
				t.Errorf("numpy was installed again: %v", ran)
			}
			sent := uploads(registry.takeTransfers())
			for _, l := range image.layers {
				if slices.Contains(first.layers, l) && sent[l] > 0 {
					t.Errorf("%d bytes of %s were pushed again", sent[l], image.names(t)[l])
				}
			}
			for _, l := range image.missingFrom(first) {
				delete(sent, l)
			}
			for digest, n := range sent {
				if n > 32<<10 { // the configuration
					t.Errorf("%d bytes of %s were pushed, which is no layer", n, digest)
				}
			}
			if got := run(t, registryHost+repository+"-"+name+":1"); "numpy=="+got != numpy+"\n" {
				t.Errorf("it prints %q", got)
			}
		})
	}
}

// TestLayersAreTheSameFromEveryDaemon builds with one processor and with all, and the targets in another order.
func TestLayersAreTheSameFromEveryDaemon(t *testing.T) {
	dir := numpyProject(t)
	first, _ := labDaemon().push(t, dir, registryHost+"/test/shared-daemon:first", "--no-cache")
	single := freshProcess(t, registryHost)
	must(t, dir, "taskset", "--all-tasks", "--pid", "--cpu-list", "0", strconv.Itoa(single.cmd.Process.Pid))
	single.push(t, dir, registryHost+"/test/shared-daemon:base", "--opt", "target=base")
	if log, err := single.build(t, dir, "--opt", "target=wheels", "--output", "type=local,dest="+t.TempDir()); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	second, _ := single.push(t, dir, registryHost+"/test/shared-daemon:second")
	if first != second {
		t.Errorf("two images: %s, %s", first, second)
	}
	final, base := imageOf(t, registryHost+"/test/shared-daemon:second"), imageOf(t, registryHost+"/test/shared-daemon:base")
	if got := base.missingFrom(final); len(got) != 0 {
		t.Errorf("target base has layers that the image has not: %v", base.newNames(t, final))
	}
}

// TestAnotherBaseChangesNoLayerOfAWheel replaces the base of a project.
func TestAnotherBaseChangesNoLayerOfAWheel(t *testing.T) {
	registry, d := newProxy(t, "http://"+registryHost), freshDaemon(t, registryHost)
	dir, image := numpyProject(t), newRepository("shared-base")
	d.push(t, dir, registry.host+image+":1")
	if len(uploads(registry.takeTransfers())) == 0 {
		t.Fatal("the first push was not seen")
	}
	before, beforeBase := imageOf(t, registryHost+image+":1"), imageOf(t, registryHost+"/library/python:3.13-slim")
	given := "cmd ="
	for _, test := range []struct {
		name, base string
		changed    []string // layers above the base
		installs   bool     // some step runs that installs or compiles
	}{
		{"patched", derivedBase(t, "shared-patched", "RUN touch /etc/patched"), nil, false},
		{"rebuilt", derivedBase(t, "shared-rebuilt", "RUN touch /etc/rebuilt\nFROM scratch\nCOPY --from=0 / /\n"+envLines(beforeBase)), nil, false},
		{"next patch release of Python", registryHost + "/lab/python:3.13.next-slim",
			[]string{"bytecode of the standard library", "what the base is"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			line := "base = \"" + test.base + "\"\ncmd ="
			replace(t, dir, "Pyfile", given, line)
			given = line
			base := imageOf(t, test.base)
			if len(base.missingFrom(beforeBase)) == 0 {
				t.Fatal("the base is the same")
			}
			registry.take()
			_, log := d.push(t, dir, registry.host+image+":1")
			sent := uploads(registry.takeTransfers())
			ran := slices.DeleteFunc(ranSteps(log), func(name string) bool {
				return !strings.HasPrefix(name, "[base] install ") && !strings.HasPrefix(name, "[base] compile ")
			})
			if len(ran) > 0 != test.installs {
				t.Errorf("these steps ran: %v", ran)
			}
			after := imageOf(t, registryHost+image+":1")
			names := after.names(t)
			var changed []string
			for _, l := range after.missingFrom(before) {
				if !slices.Contains(base.layers, l) {
					changed = append(changed, names[l])
				}
			}
			slices.Sort(changed)
			if !slices.Equal(changed, test.changed) {
				t.Errorf("these layers changed above the base: %v; want %v", changed, test.changed)
			}
			if after.numpy(t) != before.numpy(t) {
				t.Error("numpy has another layer")
			}
			for _, l := range after.layers {
				if slices.Contains(before.layers, l) && sent[l] > 0 {
					t.Errorf("%d bytes of %s were pushed again", sent[l], names[l])
				}
			}
			if got := run(t, registryHost+image+":1"); "numpy=="+got != numpy+"\n" {
				t.Errorf("it prints %q", got)
			}
			if t.Failed() {
				t.Log(log)
			}
		})
	}
}

// TestAnInterpreterThatNeedsOtherFilesKeepsThem builds on a base whose python3.13 is a script.
func TestAnInterpreterThatNeedsOtherFilesKeepsThem(t *testing.T) {
	dir, image := numpyProject(t), registryHost+newRepository("wrapped")+":1"
	base := derivedBase(t, "wrapped", `RUN cd /usr/local/bin && mv python3.13 real && printf '#!/bin/bash\nexec -a "$0" /usr/local/bin/real "$@"\n' > python3.13 && chmod 755 python3.13`)
	replace(t, dir, "Pyfile", "cmd =", "base = \""+base+"\"\ncmd =")
	labDaemon().push(t, dir, image)
	if got := run(t, image); "numpy=="+got != numpy+"\n" {
		t.Errorf("it prints %q", got)
	}
}

// envLines are lines of a Dockerfile that give an image the environment of another one.
func envLines(image pushed) string {
	out := ""
	for _, v := range image.config.Config.Env {
		out += "ENV " + v + "\n"
	}
	return out
}
