package plan

import (
	"fmt"
	"path"
	"slices"

	"github.com/org/pyfile/build"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
	"github.com/org/pyfile/remote"
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

// tellVersion lets a build know the version that its tool takes from git: that of a directory of the context, or of a package of a lock that does not say it. The
// tool is asked in a step of its own, which has the repository; the build has the answer, so that it is in the cache while that stays the same.
func (s *stages) tellVersion(e *Exec, b source, at workplace, env string) (err error) {
	if !b.asksGit() || build.NeedsRepository(b.project.VersionTool) {
		return nil
	}
	if b.context && s.in.Version != "" {
		e.Args = append(e.Args, "--version", s.in.Version)
		return nil
	}
	if b, at.root, err = s.inRepository(b, at); err != nil {
		return err
	}
	v := s.backend("version", b, at, env)
	v.Args = append(v.Args, "--tool", b.project.VersionTool)
	id := s.add(Step{ID: s.stepID("version", b), Stage: b.stage, Target: at.target, Serves: true, Origin: b.origin, Exec: v,
		Name: "[" + b.stage + "] ask " + b.project.VersionTool + " for the version of " + b.label()})
	e.Args = append(e.Args, "--version-file", versionPath)
	e.Mounts = append(e.Mounts, Mount{Path: versionPath, From: id, Source: "/" + build.VersionFile})
	return nil
}

// gitPlace is where a wheel is built whose version comes from git.
func (s *stages) gitPlace(b source) workplace {
	at := s.place(b)
	if at.slim && s.in.Facts.Manager == "" { // which cannot install git
		return s.slimImage()
	}
	return at
}

// inRepository is a source as a part of the whole checkout, with its repository, and the image of a workplace with git. Of the repository of a directory
// stays away what no version comes from and other commands of git change.
func (s *stages) inRepository(b source, at workplace) (_ source, root string, err error) {
	if b.part != "" {
		b.dir = b.part[1:]
	}
	b.part = ""
	switch {
	case b.git != nil:
		// The lock holds the commit, so the tags are those of the day on which it was fetched first.
		checkout := s.add(Step{ID: s.stepID("checkout", b), Stage: b.stage, Name: "[" + b.stage + "] fetch the commit of " + b.label(), Origin: b.origin, Git: b.git})
		b.tree, err = s.history(b, at, s.stepID("repository", b), b.git.URL, checkout)
		return b, s.withGit(at, b.git.URL), err
	case s.in.Repository != nil:
		b.dir = path.Join(s.in.Repository.Subdir, b.dir)
		checkout := s.add(Step{ID: "checkout", Stage: b.stage, Name: "[" + b.stage + "] fetch the commit", Origin: b.origin, Context: &Context{Repository: true}})
		args := []string{"--own", "--tags", s.in.Refs.Tags}
		if s.in.Refs.Branch != "" {
			args = append(args, "--branch", s.in.Refs.Branch)
		}
		b.tree, err = s.history(b, at, "repository", s.in.Repository.URL, checkout, args...)
		return b, s.withGit(at, s.in.Repository.URL), err
	}
	root = s.withGit(at)
	b.tree = s.add(Step{ID: "repository", Stage: b.stage, Name: "[" + b.stage + "] load the repository", Origin: b.origin,
		Context: &Context{Usual: neverSource, Exclude: []string{"!.git", ".git/hooks", ".git/logs", ".git/lfs", ".git/*_HEAD", ".git/COMMIT_EDITMSG"}}})
	return b, root, nil
}

// RefsFile is where the result of a refs plan has the build.Refs of a git context.
const RefsFile = build.RefsFile

// RefsPlan is the plan of a solve of its own, whose result has RefsFile. It is nil unless the context is one of git and a version comes from it. The
// repository is asked in every build: a tag that was added or moved gives the same commit another version.
func (p *Project) RefsPlan(in Inputs) (*Plan, error) {
	if in.Repository == nil || in.Version != "" {
		return nil, nil
	}
	var asking []tree
	if p.Install == installWheel && !p.replaces(AppBuilder) {
		asking = append(asking, p.app)
	}
	if !p.replaces(DepBuilder) {
		for _, dir := range sortedKeys(p.trees) {
			asking = append(asking, p.trees[dir])
		}
	}
	asking = slices.DeleteFunc(asking, func(t tree) bool { return t.project.VersionTool == "" })
	if len(asking) == 0 {
		return nil, nil
	}
	return p.aside(in, func(s *stages) (string, error) {
		b := s.treeSource(asking[0], "", AppBuilder, "", s.origin(s.File.App.Range))
		at := s.gitPlace(b)
		args := []string{"--own", "--out", outDir}
		if ref := in.Repository.Ref; ref != "" {
			args = append(args, "--ref", ref)
		}
		e, err := s.asksRepository(at, in.Repository.URL, "refs", args, Mount{Path: outDir, Output: true})
		return s.add(Step{ID: "refs", Stage: AppBuilder, Target: at.target, Origin: b.origin, Always: true, Name: "[app-builder] ask the repository for its tags", Exec: e}), err
	})
}

// asksRepository is an exec that asks a repository, in a workplace's image with git.
func (s *stages) asksRepository(at workplace, address, command string, args []string, mounts ...Mount) (*Exec, error) {
	if hasPassword(address) {
		return nil, pyfile.Errors{{Range: FirstLine, Msg: "the address of the git context has a password or token in it, which everyone could read in the image's provenance",
			Hint: "take it out of the address, and build with --secret id=" + remote.TokenSecret + ",env=" + remote.TokenSecret}}
	}
	e := s.program(s.withGit(at, address), "build", append([]string{command, "--url", address}, args...), mounts...)
	logsIn(e, address)
	return reports(e), nil
}

// history adds the step that fetches the repository of a commit, because BuildKit fetches that alone.
func (s *stages) history(b source, at workplace, id, address, checkout string, args ...string) (string, error) {
	e, err := s.asksRepository(at, address, "history", append([]string{"--src", sourceDir}, args...), Mount{Path: sourceDir, From: checkout, Output: true})
	return s.add(Step{ID: id, Stage: b.stage, Target: at.target, Origin: b.origin, Name: "[" + b.stage + "] fetch the history of " + b.label(), Exec: e}), err
}

// logsIn gives an exec the network, and what git may need to reach a repository: the build secrets that BuildKit's own git takes, certificates, the ssh
// agent. None of them is part of a cache key.
func logsIn(e *Exec, address string) {
	e.Network, e.SSH = true, remote.UsesSSH(address)
	e.Args = append(e.Args, "--secrets", secretDir)
	e.Secrets = append(e.Secrets, gitSecrets([]string{address})...)
	trusts(e)
}

// gitSecrets are the build secrets that git logs in with.
func gitSecrets(addresses []string) []Secret {
	var out []Secret
	for _, address := range addresses {
		ids := remote.Secrets(address)
		if remote.UsesSSH(address) {
			ids = []string{remote.KnownHostsSecret}
		}
		for _, id := range ids {
			if s := (Secret{ID: id, Path: path.Join(secretDir, id)}); !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

// withGit is a workplace's image with git, and with ssh where an address needs it. A builder has them, or else they can be named in [apt] build; a
// slim image has not.
func (s *stages) withGit(at workplace, addresses ...string) string {
	if !at.slim {
		return at.root
	}
	id, names := "git-packages:", []pyfile.String{{Value: "git"}}
	for _, address := range addresses {
		if remote.UsesSSH(address) {
			id, names = "ssh-packages:", []pyfile.String{{Value: "git"}, {Value: "openssh-client"}}
		}
	}
	return s.installPackages(id+at.root, DepBuilder, at.root, at.target, pyfile.List{Items: names})
}
