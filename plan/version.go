package plan

import (
	"fmt"

	"github.com/org/pyfile/build"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// versionPath is where a build is told what a step found of its version.
const versionPath = "/run/pyfile/version.json"

// checkVersion refuses a version of the command line that is none.
func (p *Project) checkVersion(version string) pyfile.Errors {
	if _, err := python.ParseVersion(version); version != "" && err != nil {
		return pyfile.Errors{{Range: FirstLine, Msg: fmt.Sprintf("build argument %s must be a version such as 1.2.3, not %q", build.VersionArg, version),
			Hint: "build with --build-arg " + build.VersionArg + "=1.2.3"}}
	}
	return nil
}

// tellVersion lets the build of a directory of the context know the version that its tool takes from git. The tool is asked in a step of its
// own, which has the repository; the build has the answer, so that it is in the cache while that stays the same.
func (s *stages) tellVersion(e *Exec, b source, at workplace, env string) {
	if !b.context || b.project.VersionTool == "" || build.NeedsRepository(b.project.VersionTool) {
		return
	}
	if s.in.Version != "" {
		e.Args = append(e.Args, "--version", s.in.Version)
		return
	}
	at.root = s.withGit(at)
	v := s.backend("version", s.inRepository(b), at, env)
	v.Args = append(v.Args, "--tool", b.project.VersionTool)
	id := s.add(Step{ID: s.stepID("version", b), Stage: b.stage, Target: at.target, Origin: b.origin, Exec: v,
		Name: "[" + b.stage + "] ask " + b.project.VersionTool + " for the version of " + b.label()})
	e.Args = append(e.Args, "--version-file", versionPath)
	e.Mounts = append(e.Mounts, Mount{Path: versionPath, From: id, Source: "/" + build.VersionFile})
}

// inRepository is a directory of the context as a part of the whole checkout, with its repository. Of that stays away what no version comes from
// and other commands of git change.
func (s *stages) inRepository(b source) source {
	b.tree = s.add(Step{ID: "repository", Stage: b.stage, Name: "[" + b.stage + "] load the repository", Origin: b.origin,
		Context: &Context{Usual: neverSource, Exclude: []string{"!.git", ".git/hooks", ".git/logs", ".git/lfs", ".git/*_HEAD", ".git/COMMIT_EDITMSG"}}})
	if b.part != "" {
		b.dir = b.part[1:]
	}
	b.part = ""
	return b
}

// withGit is a workplace's image with git. A builder has it, or else it can be named in [apt] build; a slim image has not.
func (s *stages) withGit(at workplace) string {
	if !at.slim {
		return at.root
	}
	return s.installPackages("git-packages:"+at.root, DepBuilder, at.root, at.target, pyfile.List{Items: []pyfile.String{{Value: "git"}}})
}
