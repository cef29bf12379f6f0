package plan

import (
	"path"

	"github.com/org/pyfile/build"
	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
)

// tree is a directory of the context that a wheel may be built from.
type tree struct {
	dir        string        // path in the context, "." for its root
	meta       *lock.Project // nil without a pyproject.toml
	hasSetupPy bool
	project    build.Project // how its wheel is built
}

// buildSettings are the files of a directory that say how its wheel is built.
func buildSettings(dir string) []string {
	return []string{path.Join(dir, pyproject), path.Join(dir, setupPy), path.Join(dir, "hatch.toml"), path.Join(dir, "pdm_build.py")}
}

// tree reads a directory's metadata, which must have been asked for.
func (r *reading) tree(dir string) (tree, pyfile.Errors) {
	t := tree{dir: dir, hasSetupPy: r.has(path.Join(dir, setupPy))}
	var errs pyfile.Errors
	if name := path.Join(dir, pyproject); r.has(name) {
		meta, err := lock.ParseProject(name, r.files[name])
		t.meta, errs = meta, collect(err)
	}
	if len(errs) > 0 || !t.builds() {
		return t, errs
	}
	p, err := build.ReadProject(func(name string) ([]byte, error) { return r.files[path.Join(dir, name)], nil })
	if err != nil {
		return t, pyfile.Errors{{File: path.Join(dir, pyproject), Range: FirstLine, Msg: err.Error()}}
	}
	if t.hasSetupPy {
		// It is a program that may ask for anything, and may import what it asks for from other files of the directory.
		p.Compiles = append(p.Compiles, "there is a setup.py")
	}
	t.project = *p
	return t, nil
}

// exists tells whether there is a project in the directory.
func (t tree) exists() bool { return t.meta != nil || t.hasSetupPy }

// builds tells whether the directory says how to build a wheel of it: by [build-system], or by a setup.py, which PEP 517
// takes for setuptools.
func (t tree) builds() bool { return t.meta.HasBuildSystem() || t.hasSetupPy }

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
