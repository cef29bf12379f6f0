package plan

import (
	"path"
	"slices"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
)

// tree is a directory of the context that a wheel may be built from.
type tree struct {
	dir        string        // path in the context, "." for its root
	meta       *lock.Project // nil without a pyproject.toml
	hasSetupPy bool
}

// tree reads a directory's metadata, which must have been asked for.
func (r *reading) tree(dir string) (tree, pyfile.Errors) {
	t := tree{dir: dir, hasSetupPy: r.has(path.Join(dir, setupPy))}
	name := path.Join(dir, pyproject)
	if !r.has(name) {
		return t, nil
	}
	meta, err := lock.ParseProject(name, r.files[name])
	t.meta = meta
	return t, collect(nil, err)
}

// exists tells whether there is a project in the directory.
func (t tree) exists() bool { return t.meta != nil || t.hasSetupPy }

// builds tells whether the directory says how to build a wheel of it: by [build-system], or by a setup.py, which PEP 517
// takes for setuptools.
func (t tree) builds() bool { return t.meta.HasBuildSystem() || t.hasSetupPy }

// legacyBackend is what PEP 517 says stands in for a project that names no backend.
const legacyBackend = "setuptools.build_meta:__legacy__"

// backend is the build backend.
func (t tree) backend() string {
	if t.meta == nil {
		return legacyBackend
	}
	return or(t.meta.BuildBackend.Value, legacyBackend)
}

// requires are the requirements of the build (PEP 518).
func (t tree) requires() []string {
	if !t.meta.HasBuildSystem() {
		return []string{"setuptools"}
	}
	return t.meta.BuildRequires.Values()
}

// backendPath is the backend-path of the build system.
func (t tree) backendPath() []string {
	if t.meta == nil {
		return nil
	}
	return t.meta.BackendPath.Values()
}

// packers are build backends that only pack files, unless told otherwise: they need no compiler, so the slim image does. A setup.py is
// a program that may ask for anything.
var packers = []string{"hatchling.build", "flit_core.buildapi", "poetry.core.masonry.api", "pdm.backend", "uv_build", "setuptools.build_meta", legacyBackend}

// compiles tells whether building the wheel may need a compiler, and with it the full builder image.
func (t tree) compiles() bool {
	return !slices.Contains(packers, t.backend()) || t.hasSetupPy || t.meta != nil && t.meta.HasExtModules
}

// name is the project's name for people.
func (t tree) name() string {
	switch {
	case t.meta != nil && t.meta.Name.Value != "":
		return t.meta.Name.Value
	case t.dir != ".":
		return path.Base(t.dir)
	}
	return "the application"
}
