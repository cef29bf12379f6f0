// Package frontend is the conversation with BuildKit: it reads the Pyfile and the project's files through the gateway, asks package plan
// what to do, and answers with the graph that package llb makes of it. It is the only package that does I/O.
package frontend

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/platforms"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	wheelbuild "github.com/org/pyfile/build"
	"github.com/org/pyfile/llb"
	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
)

// DefaultName is the name of the build file when the client names none.
const DefaultName = "Pyfile"

// Build answers one build request, or one subrequest of `docker buildx build --call`. Every error that the user can mend has the place
// in the file that causes it, because BuildKit otherwise blames the syntax line.
func Build(ctx context.Context, c client.Client) (res *client.Result, err error) {
	defer func() {
		// A panic must reach the user as a message: the process's own output goes to the daemon's log.
		if r := recover(); r != nil {
			err = fmt.Errorf("pyfile failed, which is a bug of its own: %v\n%s", r, debug.Stack())
		}
	}()
	opts := c.BuildOpts().Opts
	if opts["filename"] == "" {
		opts["filename"] = DefaultName
	}
	if err := checkCaps(opts["frontend.caps"]); err != nil {
		return nil, err
	}
	if opts["requestid"] != "" {
		leaveTargets(opts)
	}
	dc, err := dockerui.NewClient(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // of what is fetched ahead, if it is not needed
	b := &build{Client: dc, gateway: c, files: map[string][]byte{}}
	b.ahead.files = fetch(func() (map[string][]byte, error) { return b.readAhead(ctx) })
	if b.source, err = dc.ReadEntrypoint(ctx, "TOML"); err != nil {
		return nil, err
	}
	res, err = b.answer(ctx)
	return res, b.locate(err)
}

// leaveTargets leaves out the build contexts that are targets of a bake file: for a --call, bake builds no target that another one needs. What
// is asked is then answered as without them.
func leaveTargets(opts map[string]string) {
	maps.DeleteFunc(opts, func(key, value string) bool {
		return strings.HasPrefix(key, "context:") && strings.HasPrefix(value, "target:")
	})
}

// build is one request.
type build struct {
	*dockerui.Client
	gateway client.Client
	source  *dockerui.Source
	mu      sync.Mutex        // of files, since platforms are planned at the same time
	files   map[string][]byte // of the context, by path, and a lock that was resolved
	remote  *bkllb.State      // the context when it is not the client's directory
	images  images
	ahead   ahead
	// repository is the source of a git context.
	repository *pb.SourceOp
	created    *time.Time // of the images, when the user says so
}

func (b *build) answer(ctx context.Context) (*client.Result, error) {
	if res, ok, err := b.subrequest(ctx); ok || err != nil {
		return res, err
	}
	project, err := b.open(ctx, plan.Options{Target: b.Target})
	if err != nil {
		return nil, err
	}
	if b.created, err = b.epoch(ctx); err != nil {
		return nil, err
	}
	rb, err := b.Build(ctx, func(ctx context.Context, platform *ocispecs.Platform, idx int) (*dockerui.BuildResult, error) {
		p, sources, err := b.plan(ctx, project, platform)
		if err != nil {
			return nil, err
		}
		if idx == 0 {
			if err := b.warn(ctx, p.Warnings); err != nil {
				return nil, err
			}
		}
		ref, err := b.solveVerified(ctx, p, sources, idx == 0)
		if err != nil {
			return nil, err
		}
		base := sources.base.Config
		return &dockerui.BuildResult{Reference: ref, Image: &p.Image, BaseImage: &base, Epoch: b.created}, nil
	})
	if err != nil {
		return nil, err
	}
	return rb.Finalize()
}

// runs are the platforms of which the daemon can start programs, by emulation too.
func (b *build) runs() []ocispecs.Platform {
	if workers := b.gateway.BuildOpts().Workers; len(workers) > 0 {
		return workers[0].Platforms
	}
	return nil
}

// open reads the Pyfile, and the files of the context that say what to build.
func (b *build) open(ctx context.Context, o plan.Options) (*plan.Project, error) {
	file, err := pyfile.Parse(b.source.Filename, b.source.Data, b.BuildArgs)
	if err != nil {
		return nil, err
	}
	o.Replaced = replacedStages(b.BuildOpts().Opts)
	b.readBaseAhead(ctx, file, o)
	return plan.Open(file, func(patterns []string) (map[string][]byte, error) { return b.readContext(ctx, patterns) }, o)
}

// replacedStages are the stages that a --build-context replaces, for all platforms or for some. What is given is taken where an image of
// that name is resolved, as with one that replaces an image.
func replacedStages(opts map[string]string) (stages []string) {
	for _, stage := range plan.Targets {
		for key := range opts {
			if name, ok := strings.CutPrefix(key, "context:"+stage.Name); ok && (name == "" || strings.HasPrefix(name, "::")) {
				stages = append(stages, stage.Name)
				break
			}
		}
	}
	return stages
}

// sources are the images of one plan beside its llb.Sources.
type sources struct {
	llb.Sources
	base    plan.Source
	project *plan.Project
	in      plan.Inputs
}

// plan gathers what the plan for one platform depends on, and decides the build.
func (b *build) plan(ctx context.Context, project *plan.Project, platform *ocispecs.Platform) (*plan.Plan, *sources, error) {
	in, s, err := b.inputs(ctx, project, platform)
	if err != nil {
		return nil, nil, err
	}
	if in.Resolved, err = b.resolve(ctx, project, in, s); err != nil {
		return nil, nil, err
	}
	if in.Found, err = b.lookup(ctx, project, in, s); err != nil {
		return nil, nil, err
	}
	p, err := b.decide(ctx, project, in, s)
	if err != nil && in.Found != nil {
		// That an index lacked a file yesterday is in the cache too, so it is asked once more before the user hears of it.
		again := *s
		again.NoCache = func(stage string) bool { return stage == plan.DepBuilder }
		if in.Found, err = b.lookup(ctx, project, in, &again); err != nil {
			return nil, nil, err
		}
		p, err = b.decide(ctx, project, in, s)
	}
	return p, s, err
}

// decide reads the sources of what has no wheel, and decides the build.
func (b *build) decide(ctx context.Context, project *plan.Project, in plan.Inputs, s *sources) (*plan.Plan, error) {
	var err error
	if in.Sources, err = b.inspect(ctx, project, in, s); err != nil {
		return nil, err
	}
	if in.Packed, err = b.packed(ctx, project, in, s); err != nil {
		return nil, err
	}
	return project.New(in)
}

// inputs resolves the images for one platform and reads the base's facts.
func (b *build) inputs(ctx context.Context, project *plan.Project, platform *ocispecs.Platform) (plan.Inputs, *sources, error) {
	target, on := platforms.Normalize(b.BuildPlatforms[0]), platforms.Normalize(b.BuildPlatforms[0])
	if platform != nil {
		target = platforms.Normalize(*platform)
	}
	in := plan.Inputs{
		Platform: target, BuildPlatform: on, Runs: b.runs(),
		Merge:  b.supports(pb.CapMergeOp),
		Labels: sortedVars(b.Labels), Created: b.created, Version: b.BuildArgs[wheelbuild.VersionArg],
		Repository: repositoryOf(b.repository, b.BuildOpts().Opts["contextsubdir"]),
	}
	if err := project.CheckPlatform(target); err != nil {
		return in, nil, err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		in.Base, err = b.images.config(groupCtx, b, project, project.Base, target)
		return err
	})
	if project.NeedsBuilder() {
		group.Go(func() (err error) {
			in.Builder, err = b.images.config(groupCtx, b, project, project.Builder, target)
			return err
		})
	}
	err := group.Wait()
	if err != nil {
		return in, nil, err
	}
	if err := project.CheckBase(in); err != nil {
		return in, nil, err
	}
	s := b.sources(ctx, project, in.Base, target)
	if in.Facts, err = b.facts(ctx, project, in.Base, s); err == nil {
		in.Refs, err = b.refs(ctx, project, in, s)
	}
	s.project, s.in = project, in
	return in, s, err
}

// sources are the images and directories that a plan names.
func (b *build) sources(ctx context.Context, project *plan.Project, base plan.Source, target ocispecs.Platform) *sources {
	on := platforms.Normalize(b.BuildPlatforms[0])
	return &sources{base: base, Sources: llb.Sources{
		Platform: target, BuildPlatform: on,
		Image: func(ref string, isTarget bool, opts ...bkllb.ConstraintsOpt) (bkllb.State, error) {
			p := on
			if isTarget {
				p = target
			}
			return b.images.state(ctx, b, project, ref, p, opts...)
		},
		Context: func(c plan.Context, opts ...bkllb.ConstraintsOpt) (bkllb.State, error) {
			return b.context(ctx, c, opts...)
		},
		Helper:    ownImage,
		SourceMap: b.source.SourceMap,
		NoCache:   b.IsNoCache,
		Run:       b.execOptions(),
		Network:   b.networkOptions(),
	}}
}

// facts reads what the base image says of itself, in a small solve of its own.
func (b *build) facts(ctx context.Context, project *plan.Project, base plan.Source, s *sources) (plan.Facts, error) {
	data, ok := b.ahead.facts[sourceKey{base.Ref, base.Platform}].wait()
	if !ok {
		var err error
		if data, err = b.result(ctx, project.FactsPlan(base), s, plan.FactsFile); err != nil {
			return plan.Facts{}, err
		}
	}
	facts, err := plan.ParseFacts(data)
	if err != nil {
		return facts, project.ImageError(base.Ref, fmt.Sprintf("base %s: %v", base.Ref, err),
			"use a Debian image such as python:"+project.Python.Value+"-slim")
	}
	return facts, nil
}

// solve evaluates a plan. A failure passes through here, and is explained.
func (b *build) solve(ctx context.Context, p *plan.Plan, s *sources) (client.Reference, error) {
	def, err := b.definition(ctx, p, s)
	if err != nil {
		return nil, err
	}
	ref, err := b.evaluate(ctx, def)
	if err != nil {
		return nil, b.explain(ctx, err, def, p, s)
	}
	return ref, nil
}

// definition is a plan's graph.
func (b *build) definition(ctx context.Context, p *plan.Plan, s *sources) (*bkllb.Definition, error) {
	st, err := llb.State(p, s.Sources)
	if err != nil {
		return nil, err
	}
	return st.Marshal(ctx, bkllb.WithCaps(b.BuildOpts().LLBCaps))
}

// evaluate hands a graph to BuildKit and waits until it has run.
func (b *build) evaluate(ctx context.Context, def *bkllb.Definition) (client.Reference, error) {
	// Without CacheImports a --cache-from of the user would be ignored for this solve.
	res, err := b.gateway.Solve(ctx, client.SolveRequest{Definition: def.ToPB(), CacheImports: b.CacheImports, Evaluate: true})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}

// supports asks whether the daemon knows an LLB capability.
func (b *build) supports(id apicaps.CapID) bool {
	caps := b.BuildOpts().LLBCaps
	return caps.Supports(id) == nil
}

// epoch is SOURCE_DATE_EPOCH, in seconds since 1970, or that of the context's commit when the value is "context". It changes times in the
// image's configuration only: those of files are fixed anyway.
func (b *build) epoch(ctx context.Context) (*time.Time, error) {
	value, ok := b.BuildArgs["SOURCE_DATE_EPOCH"]
	switch {
	case !ok || value == "":
		return nil, nil
	case value == "context":
		return b.ResolveMainContextSourceDateEpoch(ctx)
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("SOURCE_DATE_EPOCH must be seconds since 1970 or \"context\", not %q", value)
	}
	t := time.Unix(seconds, 0).UTC()
	return &t, nil
}

// sortedVars gives the labels of the command line a fixed order.
func sortedVars(m map[string]string) []plan.Var {
	vars := make([]plan.Var, 0, len(m))
	for name, value := range m {
		vars = append(vars, plan.Var{Name: name, Value: value})
	}
	slices.SortFunc(vars, func(a, b plan.Var) int { return cmp.Compare(a.Name, b.Name) })
	return vars
}
