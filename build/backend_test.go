//go:build differential

package build

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/org/pyfile/install"
)

// backends are the usual ones, by what build-system.requires asks for.
var backends = []struct{ requirement, name string }{
	{"setuptools", "setuptools.build_meta"},
	{"setuptools<58", "setuptools.build_meta:__legacy__"},
	{"hatchling", "hatchling.build"},
	{"flit-core>=3.2", "flit_core.buildapi"},
	{"poetry-core>=2", "poetry.core.masonry.api"},
	{"pdm-backend", "pdm.backend"},
}

// Real backends change the process they run in, and write to the source. Their wheels must be installable, and must be the same from two
// copies of a source that were made at different times in different places.
func TestRealBackendsBuildTheSameWheelTwice(t *testing.T) {
	for _, name := range []string{"PIP_FIND_LINKS", "PIP_NO_INDEX"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	interpreter, version := hostPython()
	for _, b := range backends {
		t.Run(b.requirement, func(t *testing.T) {
			root := t.TempDir()
			env := filepath.Join(root, "env")
			requirements := []string{b.requirement}
			if strings.HasSuffix(b.name, "__legacy__") {
				requirements = append(requirements, "wheel<0.40")
			}
			var printed bytes.Buffer
			if err := Env(context.Background(), EnvOptions{Out: env, Interpreter: interpreter, Requirements: requirements, Output: &printed}); err != nil {
				t.Fatal(err, printed.String())
			}
			var first string
			for i, place := range []string{"one", "another/place"} {
				src, out := filepath.Join(root, place), filepath.Join(root, "out", place)
				writeFile(t, filepath.Join(src, "demo/__init__.py"), []byte("\"\"\"A demo.\"\"\"\n__version__ = '1.0'\n\ndef main():\n    print('hello')\n"))
				writeFile(t, filepath.Join(src, "README.md"), []byte("# demo\n"))
				writeFile(t, filepath.Join(src, "pyproject.toml"), []byte("[project]\nname = \"demo\"\nversion = \"1.0\"\ndescription = \"A demo\"\n\n[project.scripts]\ndemo = \"demo:main\"\n"))
				writeFile(t, filepath.Join(src, "setup.py"), []byte("from setuptools import setup\nsetup(name='demo', version='1.0', packages=['demo'], entry_points={'console_scripts': ['demo=demo:main']})\n"))
				when := time.Date(2001+i, 2, 3, 4, 5, 6, 0, time.UTC)
				for _, name := range []string{"demo/__init__.py", "README.md", "pyproject.toml", "setup.py"} {
					if err := os.Chtimes(filepath.Join(src, name), when, when); err != nil {
						t.Fatal(err)
					}
				}
				if err := Wheel(context.Background(), WheelOptions{Out: out, Backend: Backend{Source: src, Env: env, Name: b.name, Output: &printed}}); err != nil {
					t.Fatal(err, printed.String())
				}
				wheel := filepath.Join(out, entries(t, out)[0])
				if i == 0 {
					first = read(t, wheel)
				} else if read(t, wheel) != first {
					t.Errorf("%s differs between two builds", filepath.Base(wheel))
				}
				dir := filepath.Join(root, "installed", place)
				if err := install.Wheels(context.Background(), install.WheelsOptions{
					Out: dir, Prefix: "/opt/venv", Wheels: []string{out}, Python: version, Interpreter: interpreter, Bytecode: true,
				}); err != nil {
					t.Fatal(err)
				}
				if got := read(t, dir, "opt/venv/bin/demo"); !strings.Contains(got, "from demo import main") {
					t.Errorf("the command is %s", got)
				}
			}
		})
	}
}
