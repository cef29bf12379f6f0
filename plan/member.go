package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
)

// divide tells wheels from what has to be built: sources, and members, which are directories of the context: members of the workspace and
// path dependencies. The application is neither.
func (s *stages) divide(artifacts []lock.Artifact) (out selection, errs pyfile.Errors) {
	for _, a := range artifacts {
		switch {
		case a.Kind == lock.Directory && a.Path == s.Dir:
		case a.Kind == lock.Directory && !s.trees[a.Path].exists():
			errs = append(errs, &pyfile.Error{File: a.Lock, Range: a.Origin,
				Msg:  fmt.Sprintf("%s is the directory %q, and there is no pyproject.toml or setup.py in it", a.Name, a.Path),
				Hint: "check that the directory is in the build context"})
		case a.Kind == lock.Directory:
			out.members = append(out.members, a)
		case a.Kind == lock.Wheel:
			out.wheels = append(out.wheels, a)
		default:
			out.sources = append(out.sources, a)
		}
	}
	return out, errs
}

// maxBuilt is the number of packages without a wheel that have a layer of their own. The others share one, because layers are limited.
const maxBuilt = 16

// built are the dependencies that are built here, by name.
func (s selection) built() []lock.Artifact {
	all := slices.Concat(s.sources, s.members)
	slices.SortFunc(all, func(a, b lock.Artifact) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// installBuilt adds the steps that build dependencies, and their layers. The keys of a package's steps hold its own source alone.
func (s *stages) installBuilt(of selection, stage string) error {
	all := of.built()
	own := all[:min(maxBuilt, len(all))]
	for _, a := range own {
		if err := s.installTrees("install:"+a.Name, stage, a); err != nil {
			return err
		}
	}
	if more := all[len(own):]; len(more) > 0 {
		return s.installTrees("install more packages", stage, more...)
	}
	return nil
}

// installTrees adds the layer of some packages that are built.
func (s *stages) installTrees(id, stage string, packages ...lock.Artifact) error {
	args := append(s.dependencyArgs(), "--built")
	if slices.ContainsFunc(packages, func(a lock.Artifact) bool { return a.Kind == lock.Directory }) {
		args = append(args, "--changing")
	}
	var mounts []Mount
	for _, a := range packages {
		wheel, err := s.builtWheel(a)
		if err != nil {
			return err
		}
		dir := path.Join(wheelDir, a.Name)
		args, mounts = append(args, dir), append(mounts, Mount{Path: dir, From: wheel})
	}
	what := packages[0].Name
	if len(packages) > 1 {
		what += fmt.Sprintf(" and %d more", len(packages)-1)
	}
	s.installs(Step{ID: id, Stage: stage, Name: "[" + stage + "] install " + what, Origin: s.lockOrigin(), Exec: s.installer(args, mounts...)}, "install "+what)
	return nil
}

// builtWheel adds the steps that build the wheel of a dependency and returns the one whose tree holds it.
func (s *stages) builtWheel(a lock.Artifact) (string, error) {
	if s.replaces(DepBuilder) {
		return s.takeBuilt(a), nil
	}
	if a.Kind != lock.Directory {
		b, err := s.artifactSource(a)
		if err != nil {
			return "", err
		}
		return s.buildWheel(b)
	}
	t := s.trees[a.Path]
	c := &Context{Usual: neverSource, Include: []string{a.Path}, Exclude: s.othersBelow(a.Path)}
	if a.Path == "." {
		c.Include = nil
	}
	step := s.add(Step{ID: "source:" + a.Name, Stage: DepBuilder, Name: "[dep-builder] load " + a.Path, Origin: s.lockOrigin(), Context: c})
	return s.buildWheel(s.treeSource(t, a.Name, DepBuilder, step, s.lockOrigin()))
}

// othersBelow are the directories of other packages below one.
func (s *stages) othersBelow(dir string) []string {
	var out []string
	for _, other := range slices.Sorted(slices.Values(append(slices.Clone(s.others), s.Dir))) {
		if below(other, dir) {
			out = append(out, other)
		}
	}
	return slices.Compact(out)
}

// below tells whether a directory of the context lies below another.
func below(dir, above string) bool {
	return dir != above && (above == "." || strings.HasPrefix(dir, above+"/"))
}

// lockOrigin is the place of steps that a lock asks for.
func (s *stages) lockOrigin() Origin {
	return s.origin(s.File.Dependencies.Lock.Range, s.File.Dependencies.Range)
}
