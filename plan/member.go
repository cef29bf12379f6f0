package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
)

// divide tells wheels from members: packages that are built from directories of the context, which are members of the workspace and path
// dependencies. The application is neither.
func (s *stages) divide(artifacts []lock.Artifact) pyfile.Errors {
	var errs pyfile.Errors
	for _, a := range artifacts {
		switch {
		case a.Kind == lock.Directory && a.Path == s.Dir:
		case a.Kind == lock.Directory && !s.trees[a.Path].exists():
			errs = append(errs, &pyfile.Error{File: a.Lock, Range: a.Origin,
				Msg:  fmt.Sprintf("%s is the directory %q, and there is no pyproject.toml or setup.py in it", a.Name, a.Path),
				Hint: "check that the directory is in the build context"})
		case a.Kind == lock.Directory:
			s.members = append(s.members, a)
		case a.Kind == lock.Wheel:
			s.wheels = append(s.wheels, a)
		default:
			errs = append(errs, notBuilt(a))
		}
	}
	return errs
}

// notBuilt refuses what there is no wheel of.
func notBuilt(a lock.Artifact) *pyfile.Error {
	e := &pyfile.Error{File: a.Lock, Range: a.Origin, Hint: "choose a release that has a wheel, from an index"}
	what := map[lock.Kind]string{
		lock.Sdist:   "has only an sdist, and " + a.NoWheel,
		lock.Git:     "comes from a git repository",
		lock.Archive: "is the source archive " + a.Filename,
	}[a.Kind]
	e.Msg = fmt.Sprintf("not supported yet: %s %s %s", a.Name, a.Version, what)
	if a.Version == "" {
		e.Msg = fmt.Sprintf("not supported yet: %s %s", a.Name, what)
	}
	return e
}

// maxMembers is the number of members with a layer of their own. The others share one, because layers are limited.
const maxMembers = 16

// installMembers adds the steps that build packages from their directories, and their layers. The keys of a member's steps hold its
// directory alone.
func (s *stages) installMembers() error {
	own := s.members[:min(maxMembers, len(s.members))]
	for _, a := range own {
		if err := s.installTrees("install:"+a.Name, a); err != nil {
			return err
		}
	}
	if more := s.members[len(own):]; len(more) > 0 {
		return s.installTrees("install more members", more...)
	}
	return nil
}

// installTrees adds the layer of some members.
func (s *stages) installTrees(id string, members ...lock.Artifact) error {
	args := s.installArgs()
	if s.foreign {
		args = append(args, "--any")
	}
	var mounts []Mount
	for _, a := range members {
		wheel, err := s.memberWheel(a)
		if err != nil {
			return err
		}
		dir := path.Join(wheelDir, a.Name)
		args, mounts = append(args, dir), append(mounts, Mount{Path: dir, From: wheel})
	}
	what := members[0].Name
	if len(members) > 1 {
		what += fmt.Sprintf(" and %d more", len(members)-1)
	}
	s.layer(Step{ID: id, Stage: Base, Name: "[base] install " + what, Origin: s.lockOrigin(),
		Exec: s.run(s.tool(), args, append(mounts, Mount{Path: outDir, Output: true})...)}, "install "+what)
	return nil
}

// memberWheel adds the steps that build the wheel of a directory and returns the one whose tree holds it.
func (s *stages) memberWheel(a lock.Artifact) (string, error) {
	t := s.trees[a.Path]
	c := &Context{Usual: neverSource, Include: []string{a.Path}, Exclude: s.othersBelow(a.Path)}
	if a.Path == "." {
		c.Include = nil
	}
	source := s.add(Step{ID: "source:" + a.Name, Stage: DepBuilder, Name: "[dep-builder] load " + a.Path, Origin: s.lockOrigin(), Context: c})
	return s.buildWheel(built{tree: t, source: source, env: "build-env:" + a.Name, id: "build:" + a.Name, stage: DepBuilder, origin: s.lockOrigin(), full: s.Target == DepBuilder})
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
