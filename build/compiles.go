package build

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/python"
)

// packers are build backends that only pack files, unless the project tells them to run something.
var packers = []string{
	"hatchling.build", "hatchling.ouroboros", "flit_core.buildapi", "flit.buildapi", "flit_scm:buildapi", "poetry.core.masonry.api", "poetry.masonry.api",
	"poetry_dynamic_versioning.backend", "pdm.backend", "pdm.pep517.api", "uv_build", setuptoolsBackend, LegacyBackend, "pbr.build",
}

const setuptoolsBackend = "setuptools.build_meta"

// compilers are build requirements that are there to compile something, or to run another program.
var compilers = []string{
	"cffi", "cmake", "cython", "hatch-cython", "hatch-jupyter-builder", "hatch-mypyc", "jupyter-packaging", "meson", "milksnake", "mypy", "nanobind", "ninja", "numpy",
	"oldest-supported-numpy", "pybind11", "pythran", "scikit-build", "scikit-build-core", "setuptools-golang", "setuptools-rust", "swig",
}

// asksForProgram finds what setup.py is written with when it builds extension modules or starts programs.
var asksForProgram = regexp.MustCompile(`\b(ext_modules|cffi_modules|build_ext|build_clib|rust_extensions|cythonize|subprocess|os\.system)\b|\b\w*Extension\(`)

// nativeSources are the endings of sources that a compiler reads, and buildFiles the names of what tells other tools to build.
var (
	nativeSources = []string{
		".c", ".cc", ".cpp", ".cxx", ".cu", ".m", ".mm", ".pyx", ".rs", ".f", ".for", ".f77", ".f90", ".f95", ".f03", ".f08", ".s", ".asm", ".go", ".zig", ".swg", ".i",
	}
	buildFiles = []string{"CMakeLists.txt", "meson.build", "Cargo.toml", "configure"}
)

// apart are directories whose sources no build needs.
var apart = []string{"test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "node_modules"}

// isNative tells whether a compiler or another program may be needed for a file of the project, by its path in it.
func isNative(name string) bool {
	dir, file := path.Split(name)
	for part := range strings.SplitSeq(strings.ToLower(dir), "/") {
		if slices.Contains(apart, part) {
			return false
		}
	}
	return slices.Contains(buildFiles, file) || slices.Contains(nativeSources, strings.ToLower(path.Ext(file)))
}

// compiles are the reasons why building the project may need a compiler or another program. Native is the first of its files that
// isNative holds for.
func compiles(p *Project, t pyproject, hatch table, setup, native string, has func(string) bool) []string {
	var out []string
	add := func(format string, args ...any) {
		if why := fmt.Sprintf(format, args...); !slices.Contains(out, why) {
			out = append(out, why)
		}
	}
	packs := slices.Contains(packers, p.Backend)
	if !packs {
		add("the build backend %s may run a compiler", p.Backend)
	}
	for _, text := range p.Requires {
		if r, err := python.ParseRequirement(text); err == nil && slices.Contains(compilers, python.NormalizeName(r.Name)) {
			add("the build needs %s", python.NormalizeName(r.Name))
		}
	}
	hooks := projectHooks(p, t, hatch, has)
	for _, h := range hooks {
		add("%s", h)
	}
	usesSetuptools := p.Backend == setuptoolsBackend || p.Backend == LegacyBackend || p.Backend == "pbr.build"
	if p.HasSetupPy && (usesSetuptools || len(hooks) > 0) {
		if m := asksForProgram.FindString(setup); m != "" {
			add("setup.py mentions %s", m)
		}
	}
	if native != "" && (usesSetuptools || len(hooks) > 0 || !packs) {
		add("the source has %s", native)
	}
	return out
}

// projectHooks are the places where a project tells a backend that packs files to run something of its own.
func projectHooks(p *Project, t pyproject, hatch table, has func(string) bool) []string {
	var out []string
	set := func(keys ...string) bool {
		v := t.Tool.at(keys...)
		return v != nil && v != false && v != ""
	}
	add := func(why string) { out = append(out, why) }
	switch p.Backend {
	case setuptoolsBackend, LegacyBackend:
		if set("setuptools", "ext-modules") {
			add("tool.setuptools.ext-modules is set")
		}
		if set("setuptools", "cmdclass") {
			add("tool.setuptools.cmdclass is set")
		}
	case "hatchling.build", "hatchling.ouroboros":
		for _, at := range []struct {
			table table
			name  string
			keys  []string
		}{
			{t.Tool, "tool.", []string{"hatch", "build", "hooks"}}, {t.Tool, "tool.", []string{"hatch", "build", "targets", "wheel", "hooks"}},
			{hatch, "", []string{"build", "hooks"}}, {hatch, "", []string{"build", "targets", "wheel", "hooks"}},
		} {
			hooks, _ := at.table.at(at.keys...).(map[string]any)
			for name := range hooks {
				if name != "version" && name != "vcs" { // these write a file with the version
					add(at.name + strings.Join(at.keys, ".") + " has " + name)
				}
			}
		}
	case "poetry.core.masonry.api", "poetry.masonry.api", "poetry_dynamic_versioning.backend":
		if _, isText := t.Tool.at("poetry", "build").(string); isText || set("poetry", "build", "script") {
			add("tool.poetry.build has a script")
		}
	case "pdm.backend", "pdm.pep517.api":
		for _, key := range []string{"run-setuptools", "custom-hook", "setup-script"} {
			if set("pdm", "build", key) {
				add("tool.pdm.build." + key + " is set")
			}
		}
		if has("pdm_build.py") {
			add("the project has pdm_build.py")
		}
	}
	slices.Sort(out)
	return out
}
