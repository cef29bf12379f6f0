package frontend

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/patternmatcher/ignorefile"
	"golang.org/x/sync/errgroup"

	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
)

// metadataOptions are those of a transfer of the files that say what to build.
func metadataOptions(patterns []string) []bkllb.LocalOption {
	return []bkllb.LocalOption{
		bkllb.FollowPaths(patterns),
		bkllb.ExcludePatterns(nil),
		bkllb.SharedKeyHint("context-pyfile"),
		bkllb.Differ(bkllb.DiffNone, false),
		dockerui.WithInternalName("load project metadata"),
	}
}

// readContext reads the files that match the patterns from the build context, in one solve, and keeps them. Ignore files do not count
// here: a lock that the application leaves out still decides the build.
func (b *build) readContext(ctx context.Context, patterns []string) (map[string][]byte, error) {
	st, err := b.MainContext(ctx, metadataOptions(patterns)...)
	if err != nil {
		return nil, err
	}
	def, err := st.Marshal(ctx, bkllb.WithCaps(b.BuildOpts().LLBCaps))
	if err != nil {
		return nil, err
	}
	found := map[string][]byte{}
	if !isLocal(def.ToPB()) {
		if b.remote == nil {
			b.remote, b.repository = st, gitSource(def.ToPB())
			patterns = append(b.ignoreFiles(), patterns...)
		}
	} else if early, ok := b.ahead.files.wait(); ok {
		maps.Copy(found, early)
		first := plan.FirstFiles()
		patterns = slices.DeleteFunc(slices.Clone(patterns), func(p string) bool { return slices.Contains(first, p) })
	}
	if len(patterns) > 0 {
		rest, err := b.load(ctx, def, patterns)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, rest)
	}
	maps.Copy(b.files, found)
	return found, nil
}

// load solves a definition and reads the files that match.
func (b *build) load(ctx context.Context, def *bkllb.Definition, patterns []string) (map[string][]byte, error) {
	res, err := b.gateway.Solve(ctx, client.SolveRequest{Definition: def.ToPB(), CacheImports: b.CacheImports})
	if err != nil {
		return nil, err
	}
	ref, err := res.SingleRef()
	if err != nil || ref == nil {
		return nil, err
	}
	names, err := matching(ctx, ref, patterns)
	if err != nil {
		return nil, err
	}
	contents := make([][]byte, len(names))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, name := range names {
		group.Go(func() (err error) {
			contents[i], err = readFile(groupCtx, ref, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	found := map[string][]byte{}
	for i, name := range names {
		if contents[i] != nil {
			found[name] = contents[i]
		}
	}
	return found, nil
}

// matching lists the files that match.
func matching(ctx context.Context, ref client.Reference, patterns []string) ([]string, error) {
	byDir := map[string][]string{}
	for _, p := range patterns {
		byDir[path.Dir(p)] = append(byDir[path.Dir(p)], p)
	}
	var names []string
	for dir, patterns := range byDir {
		entries, err := ref.ReadDir(ctx, client.ReadDirRequest{Path: "/" + dir})
		if isMissing(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list %s of the build context: %w", dir, err)
		}
		for _, e := range entries {
			name := path.Join(dir, e.Path)
			if !e.IsDir() && slices.ContainsFunc(patterns, func(p string) bool { return plan.Matches(p, name) }) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// isMissing tells whether the gateway did not find a file. It turns that into a plain text, so the text is all there is to go by.
func isMissing(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "no such file") || strings.Contains(err.Error(), "not a directory"))
}

// The gateway hands out at most 16 MiB at a time, and locks of large monorepos are larger.
const (
	chunk       = 8 << 20  // bytes of one answer
	largestFile = 64 << 20 // bytes
)

// readFile reads a file, or returns nil when there is none. It does not ask for the size first, because the daemon mounts the tree for every
// question.
func readFile(ctx context.Context, ref client.Reference, name string) ([]byte, error) {
	if ref == nil {
		return nil, nil
	}
	data := []byte{}
	for {
		part, err := ref.ReadFile(ctx, client.ReadRequest{Filename: name, Range: &client.FileRange{Offset: len(data), Length: chunk}})
		if isMissing(err) && len(data) == 0 {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if data = append(data, part...); len(data) > largestFile {
			break
		}
		if len(part) < chunk {
			return data, nil
		}
	}
	stat, err := ref.StatFile(ctx, client.StatRequest{Path: name})
	if err != nil {
		return nil, err
	}
	return nil, pyfile.Errors{{File: name, Range: plan.FirstLine, Msg: fmt.Sprintf("the file has %d MB, and pyfile reads at most %d MB of one", stat.Size/1e6, largestFile/1000/1000),
		Hint: "this is more than any tool writes for a project: check what made it"}}
}

// isLocal tells whether a definition is the client's own directory.
func isLocal(def *pb.Definition) bool {
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			return false
		}
		if s := op.GetSource(); s != nil && strings.HasPrefix(s.Identifier, "local://") {
			return true
		}
	}
	return false
}

// ignored are the patterns of the ignore file. BuildKit reads it only from a client's directory.
func (b *build) ignored(ctx context.Context) ([]string, error) {
	if b.remote == nil {
		return b.DockerIgnorePatterns(ctx)
	}
	for _, name := range b.ignoreFiles() {
		if data, ok := b.files[name]; ok {
			patterns, err := ignorefile.ReadAll(bytes.NewReader(data))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return patterns, nil
		}
	}
	return nil, nil
}

// ignoreFiles are the names of ignore files; the first that is there counts.
func (b *build) ignoreFiles() []string {
	return []string{b.source.Filename + ".dockerignore", dockerui.DefaultDockerignoreName}
}

// context is the build context, less what the ignore file and the plan leave out.
func (b *build) context(ctx context.Context, c plan.Context, opts ...bkllb.ConstraintsOpt) (bkllb.State, error) {
	if c.Repository {
		return checkout(b.repository, opts...), nil
	}
	ignored, err := b.ignored(ctx)
	if err != nil {
		return bkllb.State{}, err
	}
	exclude := c.Without(ignored)
	if b.remote != nil {
		// The patterns of a local transfer do not count for git, http and input contexts.
		return bkllb.Scratch().File(bkllb.Copy(*b.remote, "/", "/", &bkllb.CopyInfo{
			CopyDirContentsOnly: true, IncludePatterns: c.Include, ExcludePatterns: exclude,
		}), opts...), nil
	}
	local := []bkllb.LocalOption{bkllb.ExcludePatterns(exclude), bkllb.IncludePatterns(c.Include)}
	for _, o := range opts {
		local = append(local, o)
	}
	st, err := b.MainContext(ctx, local...)
	if err != nil {
		return bkllb.State{}, err
	}
	return *st, nil
}
