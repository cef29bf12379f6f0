// Package llb translates a plan into BuildKit's low-level build graph. It is a fold over the plan's steps and decides nothing.
package llb

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
)

// Sources are the states that come from outside the plan.
type Sources struct {
	Platform      ocispecs.Platform
	BuildPlatform ocispecs.Platform

	Image   func(ref string, target bool, opts ...llb.ConstraintsOpt) (llb.State, error) // of the target platform, else of the build platform
	Context func(c plan.Context, opts ...llb.ConstraintsOpt) (llb.State, error)
	Helper  func() (llb.State, error) // the image that holds /pyfile-install

	SourceMap *llb.SourceMap          // of the Pyfile; nil gives ops without locations
	NoCache   func(stage string) bool // nil means never
	Run       []llb.RunOption         // for every exec: limits, hosts, cgroup
	Network   []llb.RunOption         // for the execs that may use the network: mode, proxy
}

// State returns the state of the plan's result. The steps that it does not need are not in its graph.
func State(p *plan.Plan, s Sources) (llb.State, error) {
	f := fold{sources: s, states: make(map[string]llb.State, len(p.Steps))}
	for _, step := range p.Steps {
		st, err := f.step(step)
		if err != nil {
			return llb.State{}, fmt.Errorf("step %s: %w", step.ID, err)
		}
		f.states[step.ID] = st
	}
	result, ok := f.states[p.Result]
	if !ok {
		return llb.State{}, fmt.Errorf("the plan has no step %s", p.Result)
	}
	return result, nil
}

// fold is the translation of the steps so far.
type fold struct {
	sources Sources
	states  map[string]llb.State
}

// from returns the state of an earlier step; an empty id is an empty tree.
func (f *fold) from(id string) (llb.State, error) {
	if id == "" {
		return llb.Scratch(), nil
	}
	st, ok := f.states[id]
	if !ok {
		return llb.State{}, fmt.Errorf("no earlier step %s", id)
	}
	return st, nil
}

func (f *fold) step(s plan.Step) (llb.State, error) {
	opts := f.options(s)
	switch {
	case s.Image != nil:
		return f.sources.Image(s.Image.Ref, s.Target, opts...)
	case s.Helper:
		return f.sources.Helper()
	case s.Context != nil:
		return f.sources.Context(*s.Context, opts...)
	case s.Fetch != nil:
		file := []llb.HTTPOption{llb.Filename(s.Fetch.Filename), llb.Chmod(0o644), llb.Checksum(digest.NewDigestFromEncoded(digest.SHA256, s.Fetch.SHA256))}
		return llb.HTTP(s.Fetch.URL, append(file, as[llb.HTTPOption](opts)...)...), nil
	case s.Git != nil:
		git := as[llb.GitOption](opts)
		if s.Git.Repository {
			git = append(git, llb.KeepGitDir())
		}
		return llb.Git(s.Git.URL, s.Git.Commit, git...), nil
	case s.Files != nil:
		return f.files(s.Files, opts)
	case s.Exec != nil:
		return f.exec(s, opts)
	default:
		inputs := make([]llb.State, len(s.Merge))
		for i, id := range s.Merge {
			st, err := f.from(id)
			if err != nil {
				return llb.State{}, err
			}
			inputs[i] = st
		}
		return llb.Merge(inputs, opts...), nil
	}
}

// as gives constraints the type that one kind of op wants them in.
func as[T any](opts []llb.ConstraintsOpt) []T {
	out := make([]T, len(opts))
	for i, o := range opts {
		out[i] = any(o).(T)
	}
	return out
}

// options are those that every op of a step has: its name, its place in the Pyfile, its platform, whether the cache counts.
func (f *fold) options(s plan.Step) []llb.ConstraintsOpt {
	platform := f.sources.BuildPlatform
	if s.Target {
		platform = f.sources.Platform
	}
	opts := []llb.ConstraintsOpt{llb.Platform(platform), llb.WithCustomName(s.Name)}
	if f.sources.SourceMap != nil {
		opts = append(opts, f.sources.SourceMap.Location([]*pb.Range{Range(s.Origin.Range)}))
	}
	if s.Group != "" {
		opts = append(opts, llb.ProgressGroup(s.Group+" for "+f.sources.Platform.Architecture, s.Group, false))
	}
	// An image is its digest and a context is its files. Ignoring their cache would run all stages again that start from them.
	source := s.Image != nil || s.Context != nil
	if s.Always || f.sources.NoCache != nil && f.sources.NoCache(s.Stage) && !source {
		opts = append(opts, llb.IgnoreCache)
	}
	return opts
}

// Range is a place of the user's file as BuildKit writes it: lines from 1, characters from 0.
func Range(r pyfile.Range) *pb.Range {
	return &pb.Range{
		Start: &pb.Position{Line: int32(r.Start.Line), Character: int32(max(r.Start.Col-1, 0))},
		End:   &pb.Position{Line: int32(r.End.Line), Character: int32(max(r.End.Col-1, 0))},
	}
}

func (f *fold) exec(s plan.Step, opts []llb.ConstraintsOpt) (llb.State, error) {
	e := s.Exec
	root, err := f.from(e.Root)
	if err != nil {
		return llb.State{}, err
	}
	// An image state carries the environment of its configuration; the plan's is the whole one.
	run := append(as[llb.RunOption](opts), llb.Args(e.Args), llb.Dir("/"))
	run = append(run, f.sources.Run...)
	for _, v := range e.Env {
		run = append(run, llb.AddEnv(v.Name, v.Value))
	}
	if e.Network {
		run = append(run, f.sources.Network...)
	} else {
		run = append(run, llb.Network(llb.NetModeNone))
	}
	for _, secret := range e.Secrets {
		run = append(run, llb.AddSecret(secret.Path, llb.SecretID(secret.ID), llb.SecretOptional, llb.SecretFileOpt(secret.User, 0, cmp.Or(secret.Mode, 0o400))))
	}
	if e.SSH {
		run = append(run, llb.AddSSHSocket(llb.SSHID("default"), llb.SSHOptional))
	}
	ex := llb.Scratch().WithOutput(root.Output()).Run(run...)
	result := ex.Root()
	for _, m := range e.Mounts {
		from, err := f.from(m.From)
		if err != nil {
			return llb.State{}, err
		}
		var mount []llb.MountOption
		if m.Source != "" {
			mount = append(mount, llb.SourcePath(m.Source))
		}
		switch {
		case m.Cache != "":
			mount = append(mount, llb.AsPersistentCacheDir(m.Cache, llb.CacheMountLocked))
		case m.Discard:
			mount = append(mount, llb.ForceNoOutput)
		case !m.Output && m.As == "":
			mount = append(mount, llb.Readonly)
		}
		st := ex.AddMount(m.Path, from, mount...)
		switch {
		case m.As != "":
			f.states[m.As] = st
		case m.Output:
			result = st
		}
	}
	return result, nil
}

func (f *fold) files(files *plan.Files, opts []llb.ConstraintsOpt) (llb.State, error) {
	st, err := f.from(files.On)
	if err != nil {
		return llb.State{}, err
	}
	var all *llb.FileAction // the actions of a step are one op, and so one layer
	for _, a := range files.Actions {
		if all, err = f.action(a, all); err != nil {
			return llb.State{}, err
		}
	}
	if len(files.Actions) > 1 {
		// Every action gives the directory that it changes the time of now. A copy of the finished tree gives all the fixed time.
		tree := all.WithState(llb.Scratch())
		all = llb.Copy(tree, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true, CreatedTime: &plan.Epoch})
	}
	return st.File(all, opts...), nil
}

// action appends one file operation to those before it, which may be none.
func (f *fold) action(a plan.Action, before *llb.FileAction) (*llb.FileAction, error) {
	mkdir, mkfile, symlink, copied := llb.Mkdir, llb.Mkfile, llb.Symlink, llb.Copy
	if before != nil {
		mkdir, mkfile, symlink, copied = before.Mkdir, before.Mkfile, before.Symlink, before.Copy
	}
	switch {
	case a.Mkdir != nil:
		return mkdir(a.Mkdir.Path, os.FileMode(a.Mkdir.Mode),
			llb.WithParents(true), llb.WithCreatedTime(plan.Epoch), llb.WithUIDGID(a.Mkdir.Owner, a.Mkdir.Owner)), nil
	case a.Write != nil:
		return mkfile(a.Write.Path, os.FileMode(a.Write.Mode), []byte(a.Write.Data), llb.WithCreatedTime(plan.Epoch)), nil
	case a.Symlink != nil:
		return symlink(a.Symlink.Target, a.Symlink.Path, llb.WithCreatedTime(plan.Epoch)), nil
	}
	from, err := f.from(a.Copy.From)
	if err != nil {
		return nil, err
	}
	info := &llb.CopyInfo{CreateDestPath: true}
	if a.Copy.Contents {
		info.CopyDirContentsOnly = true // a tree made by a step has its times and owners already
	} else {
		info.CreatedTime, info.ChownOpt = &plan.Epoch, &llb.ChownOpt{User: &llb.UserOpt{}, Group: &llb.UserOpt{}}
	}
	source := a.Copy.Source
	if a.Copy.Optional {
		source = onlyName(source)
		info.AllowWildcard, info.AllowEmptyWildcard = true, true
	}
	return copied(from, source, a.Copy.Path, info), nil
}

// onlyName is a pattern that matches this path only: a missing file is then no error. Neither is a missing directory, but for the first,
// below which the file is searched.
func onlyName(file string) string {
	parts := strings.Split(strings.TrimPrefix(path.Clean(file), "/"), "/")
	for i, p := range parts {
		if i > 0 || len(parts) == 1 {
			parts[i] = "[" + p[:1] + "]" + p[1:]
		}
	}
	return "/" + strings.Join(parts, "/")
}
