package plan

import (
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
)

// neverSource is what no application needs: version control, environments, caches.
var neverSource = []string{
	"**/.git", "**/.hg", "**/.svn", "**/.venv", "**/__pycache__", "**/*.pyc",
	"**/.mypy_cache", "**/.pytest_cache", "**/.ruff_cache", "**/.tox", "**/.nox", "**/.coverage", "**/.DS_Store",
}

// Without returns the patterns of what the context leaves out, given those of the ignore file. Of patterns that match the same file the
// last one counts, so the Pyfile's come last: `!src` in an ignore file means less than `exclude = ["src/private"]`, and
// brings no cache below src back. `!.venv` does.
func (c Context) Without(ignored []string) []string {
	out := slices.Clone(ignored)
	for _, u := range c.Usual {
		asked := slices.ContainsFunc(ignored, func(i string) bool {
			name, ok := strings.CutPrefix(i, "!")
			same, err := path.Match(path.Base(u), path.Base(name))
			return ok && same && err == nil
		})
		if !asked {
			out = append(out, u)
		}
	}
	return append(out, c.Exclude...)
}

// decideApp decides what becomes of the application.
func (p *Project) decideApp() pyfile.Errors {
	app := p.File.App
	p.Install = app.Install.Value
	hasBackend := p.Meta != nil && p.Meta.HasBuildSystem()
	if p.Install == "" {
		p.Install = installSource
		if hasBackend {
			p.Install = installWheel
		}
	}
	if p.Install == installWheel && !hasBackend {
		return pyfile.Errors{{Range: app.Install.Range,
			Msg:  "app.install = \"wheel\" needs a [build-system] table in pyproject.toml, and there is none",
			Hint: "add [build-system] with requires = [\"hatchling\"] and build-backend = \"hatchling.build\", or write install = \"source\""}}
	}
	return nil
}

// packers are build backends that only pack files, unless told otherwise: they need no compiler, so the slim image does. A setup.py is
// a program that may ask for anything.
var packers = []string{"hatchling.build", "flit_core.buildapi", "poetry.core.masonry.api", "pdm.backend", "uv_build", "setuptools.build_meta", "setuptools.build_meta:__legacy__"}

// Compiles tells whether building the application's wheel may need a compiler, and with it the full builder image.
func (p *Project) Compiles() bool {
	if p.Install != installWheel {
		return false
	}
	return !slices.Contains(packers, p.backend()) || p.Meta.HasExtModules || p.hasSetupPy
}

// backend is the build backend, or the one that PEP 517 says stands in for none.
func (p *Project) backend() string {
	return or(p.Meta.BuildBackend.Value, "setuptools.build_meta:__legacy__")
}

// NeedsBuilder tells whether the plan starts anything from the builder image.
func (p *Project) NeedsBuilder() bool {
	return p.Target == DepBuilder || p.Target == AppBuilder || (p.Target != Base && p.Compiles())
}

// app adds the steps of the application and its layer.
func (s *stages) app() {
	origin := s.origin(s.File.App.Range)
	out := Mount{Path: outDir, Output: true}
	switch s.Install {
	case installWheel:
		args := s.installArgs()
		if s.foreign {
			args = append(args, "--any")
		}
		s.layer(Step{ID: "install:app", Stage: Final, Name: "[final] install " + s.appName(), Origin: origin,
			Exec: s.run(s.tool(), append(args, wheelDir), Mount{Path: wheelDir, From: s.appWheel()}, out)}, "install "+s.appName())
	case installSource:
		args := []string{"source", "--out", outDir, "--dir", s.workdir(), "--python", s.minor, "--interpreter", s.interpreter}
		if b := s.File.Bytecode.Dependencies; b.Set() && !b.Value {
			args = append(args, "--bytecode=false")
		}
		s.layer(Step{ID: "install:app", Stage: Final, Name: "[final] add the source to " + s.workdir(), Origin: origin,
			Exec: s.run(s.tool(), append(args, sourceDir), Mount{Path: sourceDir, From: s.source()}, out)}, "source of "+s.appName())
	}
}

// appName is the application's name for people.
func (s *stages) appName() string {
	if s.Meta != nil && s.Meta.Name.Value != "" {
		return s.Meta.Name.Value
	}
	return "the application"
}

// source is the part of the context that makes the application. The Pyfile and the lock are left out: a changed option or a bumped
// dependency must not rebuild the application.
func (s *stages) source() string {
	exclude := []string{".dockerignore", "*.dockerignore"}
	if s.File.Name != pyproject {
		exclude = append(exclude, s.File.Name)
	}
	if s.LockName != "" {
		exclude = append(exclude, s.LockName)
	}
	c := &Context{Usual: neverSource, Exclude: append(exclude, s.File.App.Exclude.Values()...)}
	if s.File.App.Include.Set() {
		c.Include = s.File.App.Include.Values()
		if s.Install == installWheel {
			c.Include = append(c.Include, pyproject)
		}
	}
	return s.add(Step{ID: "source", Stage: AppBuilder, Name: "[app-builder] load the source", Origin: s.origin(s.File.App.Range), Context: c})
}

// appWheel adds the steps that build the application's wheel and returns the one whose tree holds it.
func (s *stages) appWheel() string {
	root := s.tool()
	if s.Compiles() {
		root = s.builderImage(s.Target == AppBuilder)
	}
	origin := s.origin(s.File.App.Range)
	env := s.run(root, append([]string{"env", "--out", envDir, "--interpreter", s.interpreter}, s.Meta.BuildRequires.Values()...), Mount{Path: envDir, Output: true})
	env.Network = true
	backend := s.add(Step{ID: "build-env", Stage: AppBuilder, Name: "[app-builder] install " + s.backend(), Origin: origin, Exec: env})

	src := sourceDir
	args := []string{"build", "--src", src, "--env", envDir, "--interpreter", s.interpreter, "--out", outDir, "--backend", s.backend()}
	for _, p := range s.Meta.BackendPath.Values() {
		args = append(args, "--backend-path", p)
	}
	return s.add(Step{ID: "build-app", Stage: AppBuilder, Name: "[app-builder] build the wheel of " + s.appName(), Origin: origin,
		Exec: s.run(root, args,
			Mount{Path: src, From: s.source(), Discard: true},
			Mount{Path: envDir, From: backend},
			Mount{Path: outDir, Output: true})})
}
