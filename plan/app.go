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
	if p.Install == "" {
		p.Install = installSource
		if p.app.builds() {
			p.Install = installWheel
		}
	}
	if p.Install == installWheel && !p.app.builds() {
		return pyfile.Errors{{Range: app.Install.Range,
			Msg:  "app.install = \"wheel\" needs a [build-system] table in pyproject.toml, and there is none",
			Hint: "add [build-system] with requires = [\"hatchling\"] and build-backend = \"hatchling.build\", or write install = \"source\""}}
	}
	return nil
}

// NeedsBuilder tells whether the plan may start anything from the builder image by what the context says. Packages of the lock may have to be
// compiled as well.
func (p *Project) NeedsBuilder() bool {
	switch p.Target {
	case DepBuilder, AppBuilder:
		return true
	}
	if p.File.Builder.Set() {
		return true // its configuration says which index to ask, for addresses and for what builds need
	}
	if !p.replaces(DepBuilder) && (p.start == "" || p.Target == Test) {
		for _, t := range p.trees {
			if p.compiles(t.name(), t.project) {
				return true
			}
		}
	}
	return p.Install == installWheel && p.compiles(p.app.name(), p.app.project) && !p.replaces(AppBuilder) && p.start != Final &&
		(p.Target != Base || p.open != nil && p.open.wheel)
}

// addApp adds the steps of the application and its layer.
func (s *stages) addApp() error {
	origin := s.origin(s.File.App.Range)
	switch s.Install {
	case installWheel:
		args := append(s.installArgs(), "--built", "--changing")
		wheel, err := s.appWheel()
		if err != nil {
			return err
		}
		s.installs(Step{ID: "install-app", Stage: Final, Name: "[final] install " + s.app.name(), Origin: origin,
			Exec: s.installer(append(args, wheelDir), Mount{Path: wheelDir, From: wheel})}, "install "+s.app.name())
	case installSource:
		args := []string{"source", "--out", outDir, "--dir", s.workdir(), "--python", s.minor, "--interpreter", s.runs.Path, "--facts", factsDir, "--built"}
		if b := s.File.Bytecode.Dependencies; b.Set() && !b.Value {
			args = append(args, "--bytecode=false")
		}
		s.installs(Step{ID: "install-app", Stage: Final, Name: "[final] add the source to " + s.workdir(), Origin: origin,
			Exec: s.installer(append(args, sourceDir), Mount{Path: sourceDir, From: s.appSource(), Source: subtree(s.app.dir)})}, "source of "+s.app.name())
	}
	return nil
}

// subtree is the path of a directory of the context in the tree of a Context step; empty for all of it.
func subtree(dir string) string {
	if dir == "." {
		return ""
	}
	return "/" + dir
}

// notSource are the files of the context that say how to build, and are no part of the project.
func (s *stages) notSource() []string {
	exclude := []string{".dockerignore", "*.dockerignore"}
	if s.File.Name != pyproject {
		exclude = append(exclude, s.File.Name)
		if s.Dir != "." { // a Pyfile beside its project, in a context that holds more
			exclude = append(exclude, path.Join(s.Dir, path.Base(s.File.Name)))
		}
	}
	return exclude
}

// appSource is the part of the context that makes the application. The Pyfile and the lock are left out: a changed option or a bumped
// dependency must not rebuild the application. So are the directories of other packages below it, which are built for themselves.
func (s *stages) appSource() string {
	exclude := append(s.notSource(), s.locks...)
	exclude = append(exclude, s.othersBelow(s.Dir)...)
	for _, pattern := range s.File.App.Exclude.Values() {
		exclude = append(exclude, path.Join(s.Dir, pattern))
	}
	c := &Context{Usual: neverSource, Exclude: exclude}
	for _, pattern := range s.File.App.Include.Values() {
		c.Include = append(c.Include, path.Join(s.Dir, pattern))
	}
	switch {
	case s.File.App.Include.Set() && s.Install == installWheel:
		c.Include = append(c.Include, path.Join(s.Dir, pyproject))
	case !s.File.App.Include.Set() && s.Dir != ".":
		c.Include = []string{s.Dir}
	}
	return s.add(Step{ID: "source", Stage: AppBuilder, Name: "[app-builder] load the source", Origin: s.origin(s.File.App.Range), Context: c})
}

// appWheel adds the steps that build the application's wheel and returns the one whose tree holds it.
func (s *stages) appWheel() (string, error) {
	if s.replaces(AppBuilder) {
		want := "*"
		if s.Meta != nil {
			want = or(s.Meta.Name.Value, want)
		}
		return s.takeWheels(AppBuilder, "take-app", s.origin(s.File.App.Range), want), nil
	}
	return s.buildWheel(s.treeSource(s.app, "", AppBuilder, s.appSource(), s.origin(s.File.App.Range)))
}
