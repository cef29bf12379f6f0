package frontend

import (
	"context"
	"encoding/json"
	"path"
	"strings"

	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	wheelbuild "github.com/org/pyfile/build"
	"github.com/org/pyfile/plan"
)

// gitSource is the source of a definition that comes from one commit of a git repository, and nil of any other.
func gitSource(def *pb.Definition) *pb.SourceOp {
	var found []*pb.SourceOp
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			return nil
		}
		if s := op.GetSource(); s != nil {
			found = append(found, s)
		}
	}
	if len(found) != 1 || !strings.HasPrefix(found[0].Identifier, "git://") {
		return nil
	}
	return found[0]
}

// repositoryOf says where a git context comes from; it is nil for another one. Part of the context is then below subdir of what the source gives.
func repositoryOf(source *pb.SourceOp, subdir string) *plan.Repository {
	if source == nil {
		return nil
	}
	// The identifier of a source is git://HOST/PATH#REF:SUBDIR.
	_, fragment, _ := strings.Cut(source.Identifier, "#")
	ref, dir, _ := strings.Cut(fragment, ":")
	if source.Attrs[pb.AttrGitFetchByCommit] == "true" && ref == "" {
		ref = source.Attrs[pb.AttrGitChecksum]
	}
	return &plan.Repository{URL: source.Attrs[pb.AttrFullRemoteURL], Ref: ref, Subdir: path.Join(dir, subdir)}
}

// refs are the names of commits in the repository of a git context, asked for in a solve of its own where a version comes from them.
func (b *build) refs(ctx context.Context, project *plan.Project, in plan.Inputs, s *sources) (refs wheelbuild.Refs, err error) {
	p, err := project.RefsPlan(in)
	if p == nil || err != nil {
		return refs, err
	}
	data, err := b.result(ctx, p, s, plan.RefsFile)
	if err != nil {
		return refs, err
	}
	return refs, json.Unmarshal(data, &refs)
}

// checkout is all of a git context's commit, with .git.
func checkout(source *pb.SourceOp, opts ...bkllb.ConstraintsOpt) bkllb.State {
	from := repositoryOf(source, "")
	git := []bkllb.GitOption{bkllb.GitRef(from.Ref), bkllb.KeepGitDir()}
	if sum := source.Attrs[pb.AttrGitChecksum]; sum != "" {
		git = append(git, bkllb.GitChecksum(sum))
	}
	if source.Attrs[pb.AttrGitFetchByCommit] == "true" {
		git = append(git, bkllb.GitFetchByCommit())
	}
	if source.Attrs[pb.AttrGitSkipSubmodules] == "true" {
		git = append(git, bkllb.GitSkipSubmodules())
	}
	for _, o := range opts {
		git = append(git, o)
	}
	return bkllb.Git(from.URL, "", git...)
}
