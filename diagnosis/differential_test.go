//go:build differential

package diagnosis

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// These tests let the real backends fail and read what they print. They need Python 3.11 or newer with its headers, gcc and a package index.
// Run: go test -tags differential ./diagnosis

// backends are what the venv holds, so that only the sources themselves are built.
var backends = []string{"pip==25.3", "setuptools==80.9.0", "wheel==0.45.1", "setuptools-rust==1.12.0", "semantic-version==2.10.0",
	"meson-python==0.18.0", "meson==1.9.1", "ninja==1.13.0", "scikit-build-core==0.11.6", "cmake==4.1.2"}

func venv(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "pyfile", "diagnosis")
	python := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(python); err != nil {
		if out, err := exec.Command("python3", "-m", "venv", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	if out, err := exec.Command(python, append([]string{"-m", "pip", "install", "--quiet"}, backends...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "bin")
}

const setupOf = `from setuptools import Extension, setup
setup(name="shop", version="1.0", ext_modules=[Extension("shop", ["shop.c"]`

const (
	mesonProject  = "[build-system]\nrequires = [\"meson-python\"]\nbuild-backend = \"mesonpy\"\n[project]\nname = \"shop\"\nversion = \"1.0\"\n"
	scikitProject = "[build-system]\nrequires = [\"scikit-build-core\"]\nbuild-backend = \"scikit_build_core.build\"\n[project]\nname = \"shop\"\nversion = \"1.0\"\n"
)

func TestRealBackendsFailAsExpected(t *testing.T) {
	bin := venv(t)
	full := bin + ":" + os.Getenv("PATH")
	for _, test := range []struct {
		name, path string
		files      map[string]string // of a project, or
		released   string            // a release of an index
		kind       Kind
		wants      string
	}{
		{name: "header", path: full, kind: Header, wants: "header:of/no-such-thing.h", files: map[string]string{
			"setup.py": setupOf + ")])", "shop.c": "#include <of/no-such-thing.h>\n"}},
		{name: "library", path: full, kind: Library, wants: "library:nosuchthing", files: map[string]string{
			"setup.py": setupOf + ", libraries=['nosuchthing'])])", "shop.c": "int shop(void) { return 1; }\n"}},
		{name: "C API", path: full, kind: Python, files: map[string]string{
			"setup.py": setupOf + ", extra_compile_args=['-Werror=implicit-function-declaration'])])",
			"shop.c":   "#include <Python.h>\nint shop(PyObject *o) { return Py_NoSuchThing(o); }\n"}},
		{name: "Python 2", path: full, kind: Python, files: map[string]string{"setup.py": "print 'hello'\n"}},
		{name: "module", path: full, kind: Requirement, wants: "module:numpy", files: map[string]string{"setup.py": "import numpy\n"}},
		{name: "meson dependency", path: full, kind: Library, wants: "pkgconfig:nosuchthing", files: map[string]string{
			"pyproject.toml": mesonProject, "meson.build": "project('shop', 'c')\ndependency('nosuchthing', method: 'pkg-config')\n"}},
		{name: "meson compiler", path: bin, kind: Compiler, wants: "program:cc", files: map[string]string{
			"pyproject.toml": mesonProject, "meson.build": "project('shop', 'c')\n"}},
		{name: "cmake package", path: full, kind: Library, wants: "cmake:NoSuchThing", files: map[string]string{
			"pyproject.toml": scikitProject, "CMakeLists.txt": "cmake_minimum_required(VERSION 3.15)\nproject(shop C)\nfind_package(NoSuchThing REQUIRED)\n"}},
		{name: "cmake compiler", path: bin, kind: Compiler, wants: "program:cc", files: map[string]string{
			"pyproject.toml": scikitProject, "CMakeLists.txt": "cmake_minimum_required(VERSION 3.15)\nproject(shop C)\n"}},
		{name: "old cmake", path: full, kind: Requirement, files: map[string]string{
			"pyproject.toml": scikitProject, "CMakeLists.txt": "cmake_minimum_required(VERSION 2.8)\nproject(shop C)\n"}},
		{name: "psutil without a compiler", path: bin, released: "psutil==7.0.0", kind: Compiler, wants: "program:cc"},
		{name: "psycopg2 without PostgreSQL", path: bin, released: "psycopg2==2.9.10", kind: Program, wants: "program:pg_config"},
		{name: "bcrypt without Rust", path: bin, released: "bcrypt==4.2.1", kind: Program, wants: "program:rustc program:cargo"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, what := t.TempDir(), test.released
			if what == "" {
				what = "."
				for name, text := range test.files {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
			cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "python"), "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-cache-dir",
				"--no-binary", ":all:", "--wheel-dir", t.TempDir(), what)
			cmd.Dir = dir
			// git, pip's cache and the user's own settings of compilers play no part; where pip looks for releases does.
			cmd.Env = []string{"PATH=" + test.path, "HOME=" + os.Getenv("HOME"), "LC_ALL=C.UTF-8", "PYTHONUNBUFFERED=1"}
			for _, v := range os.Environ() {
				if strings.HasPrefix(v, "PIP_") || strings.HasSuffix(strings.SplitN(strings.ToLower(v), "=", 2)[0], "_proxy") || strings.HasPrefix(v, "SSL_CERT") {
					cmd.Env = append(cmd.Env, v)
				}
			}
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the build did not fail\n%s", out)
			}
			d := Of(out, Facts{Name: "shop", Version: "1.0", Python: "3.13.5", Exit: 1})
			check(t, d)
			if d == nil || d.Kind != test.kind || strings.Join(d.Wants, " ") != test.wants {
				t.Errorf("%s\ngives %s", out, text(d))
			}
		})
	}
}
