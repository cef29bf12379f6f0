//go:build integration

package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// backends are the build backends with a version that makes the build requirements the same on any day.
var backends = []struct{ requires, backend string }{
	{"hatchling==1.26.3", "hatchling.build"},
	{"setuptools==80.9.0", "setuptools.build_meta"},
	{"uv_build==0.9.5", "uv_build"},
	{"flit_core==3.12.0", "flit_core.buildapi"},
	{"poetry-core==2.1.3", "poetry.core.masonry.api"},
	{"pdm-backend==2.4.5", "pdm.backend"},
}

// backendProject is a project with one module and one console script that prints a text.
func backendProject(t *testing.T, requires, backend, text string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\n")
	write(t, dir, "pyproject.toml", fmt.Sprintf(`[project]
name = "demo"
version = "1.0"
description = "One module and one console script"
scripts = { demo = "demo:main" }

[build-system]
requires = [%q]
build-backend = %q
`, requires, backend))
	write(t, dir, "src/demo/__init__.py", fmt.Sprintf("def main() -> None:\n    print(%q)\n", text))
	return dir
}

// unique is a text that no earlier run of the tests has used, so that what depends on it is not in the cache.
func unique() string { return fmt.Sprintf("text %d", time.Now().UnixNano()) }

func TestEveryBuildBackendMakesAWheelThatRuns(t *testing.T) {
	for _, b := range backends {
		t.Run(b.backend, func(t *testing.T) {
			t.Parallel()
			text := unique()
			dir, image := backendProject(t, b.requires, b.backend, text), registryHost+"/test/backend:"+b.backend
			labDaemon().push(t, dir, image)
			if got := run(t, image); got != text+"\n" {
				t.Errorf("the script prints %q, not %q", got, text)
			}
			changed := unique()
			replace(t, dir, "src/demo/__init__.py", text, changed)
			_, log := labDaemon().push(t, dir, image)
			if got, want := ranSteps(log), []string{"[app-builder] build the wheel of demo", "[final] install demo"}; !slices.Equal(got, want) {
				t.Errorf("after a change of the code %q run, not %q\n%s", got, want, log)
			}
			if strings.Contains(log, "] FROM python:3.13\n") {
				t.Errorf("the full image is there, although nothing is compiled\n%s", log)
			}
			if got := run(t, image); got != changed+"\n" {
				t.Errorf("after a change of the code the script prints %q, not %q", got, changed)
			}
		})
	}
}

// loneBackend is a build backend of the project itself. It refuses to build where there is a network.
const loneBackend = `
import socket
from hatchling.build import *
from hatchling import build

def build_wheel(directory, config_settings=None, metadata_directory=None):
    interfaces = [name for _, name in socket.if_nameindex()]
    assert interfaces == ["lo"], interfaces
    try:
        socket.create_connection(("192.0.2.1", 80), 5)
    except OSError as e:
        print("no network:", e)
    else:
        raise AssertionError("there is a network")
    return build.build_wheel(directory, config_settings, metadata_directory)
`

func TestWheelIsBuiltWithoutNetworkByABackendOfTheProject(t *testing.T) {
	t.Parallel()
	text := unique()
	dir, image := backendProject(t, "hatchling==1.26.3", "lone", text), registryHost+"/test/backend:lone"
	replace(t, dir, "pyproject.toml", `build-backend = "lone"`, "build-backend = \"lone\"\nbackend-path = [\"tools\"]")
	write(t, dir, "tools/lone.py", loneBackend)
	_, log := labDaemon().push(t, dir, image)
	if !strings.Contains(log, "no network: [Errno 101] Network is unreachable") {
		t.Errorf("the backend does not say that there is no network\n%s", log)
	}
	if got := run(t, image); got != text+"\n" {
		t.Errorf("the script prints %q, not %q", got, text)
	}
}

// extension is a module in C.
const extension = `#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *text(PyObject *self, PyObject *args) { return PyUnicode_FromString(%q); }
static PyMethodDef methods[] = {{"text", text, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "native", NULL, -1, methods};
PyMODINIT_FUNC PyInit_native(void) { return PyModule_Create(&module); }
`

func TestExtensionModulesAreCompiledInTheFullImage(t *testing.T) {
	for declared, file := range map[string]struct{ name, text string }{
		"pyproject": {"pyproject.toml", "\n[tool.setuptools]\next-modules = [{ name = \"demo.native\", sources = [\"native.c\"] }]\n"},
		"setup-py":  {"setup.py", "from setuptools import Extension, setup\n\nsetup(ext_modules=[Extension(\"demo.native\", [\"native.c\"])])\n"},
	} {
		t.Run(declared, func(t *testing.T) {
			t.Parallel()
			text := unique()
			dir, image := backendProject(t, "setuptools==80.9.0", "setuptools.build_meta", ""), registryHost+"/test/extension:"+declared
			if file.name == "pyproject.toml" {
				replace(t, dir, file.name, "\n[build-system]", file.text+"\n[build-system]")
			} else {
				write(t, dir, file.name, file.text)
			}
			write(t, dir, "src/demo/__init__.py", "from demo.native import text\n\n\ndef main() -> None:\n    print(text())\n")
			write(t, dir, "native.c", fmt.Sprintf(extension, text))
			_, log := labDaemon().push(t, dir, image)
			if !strings.Contains(log, "] FROM python:3.13\n") {
				t.Errorf("the full image is not used\n%s", log)
			}
			if got := run(t, image); got != text+"\n" {
				t.Errorf("the script prints %q, not %q", got, text)
			}
			changed := unique()
			write(t, dir, "native.c", fmt.Sprintf(extension, changed))
			_, log = labDaemon().push(t, dir, image)
			if got, want := ranSteps(log), []string{"[app-builder] ask setuptools.build_meta what it needs to build demo", "[app-builder] build the wheel of demo", "[final] install demo"}; !slices.Equal(got, want) {
				t.Errorf("after a change of the code %q run, not %q\n%s", got, want, log)
			}
			if got := run(t, image); got != changed+"\n" {
				t.Errorf("after a change of the code the script prints %q, not %q", got, changed)
			}
		})
	}
}
