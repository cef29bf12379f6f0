package frontend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	"github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/org/pyfile/llb"
	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
)

// planRequest is `docker buildx build --call=pyfile.plan`: the decided build as JSON.
var planRequest = subrequests.Request{
	Name:        "frontend.pyfile.plan",
	Version:     "1.0.0",
	Type:        subrequests.TypeRPC,
	Description: "Print the plan of the build as JSON",
	Opts:        []subrequests.Named{{Name: "target", Description: "Target build stage"}},
	Metadata:    []subrequests.Named{{Name: "result.json"}, {Name: "result.txt"}},
}

// lockRequest is `docker buildx build --call=pyfile.lock`: a pylock.toml for a project that has no lock, or a newer one.
var lockRequest = subrequests.Request{
	Name:        "frontend.pyfile.lock",
	Version:     "1.0.0",
	Type:        subrequests.TypeRPC,
	Description: "Choose versions and print them as a pylock.toml",
	Metadata:    []subrequests.Named{{Name: "result.txt"}},
}

// subrequest answers a --call of the client. Docker's own frontend would answer in our place for those that are not answered here.
func (b *build) subrequest(ctx context.Context) (*client.Result, bool, error) {
	switch b.BuildOpts().Opts["requestid"] {
	case subrequests.RequestSubrequestsDescribe:
		// dockerui's own answer leaves lint out.
		res, err := describe()
		return res, true, err
	case planRequest.Name:
		res, err := b.planResult(ctx)
		return res, true, err
	case lockRequest.Name:
		res, err := b.lockResult(ctx)
		return res, true, err
	}
	return b.HandleSubrequest(ctx, dockerui.RequestHandler{
		Lint:        b.lint,
		Outline:     b.outline,
		ListTargets: b.targets,
	})
}

func describe() (*client.Result, error) {
	lintRequest := lint.SubrequestLintDefinition
	lintRequest.Description = "Report all problems of the Pyfile and its project"
	all := []subrequests.Request{lintRequest, outline.SubrequestsOutlineDefinition, targets.SubrequestsTargetsDefinition, planRequest, lockRequest, subrequests.SubrequestsDescribeDefinition}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := subrequests.PrintDescribe(data, &text); err != nil {
		return nil, err
	}
	return result(data, text.Bytes(), subrequests.SubrequestsDescribeDefinition.Version), nil
}

// result is the answer to a subrequest: the same as JSON and as text.
func result(data, text []byte, version string) *client.Result {
	res := client.NewResult()
	res.AddMeta("result.json", data)
	res.AddMeta("result.txt", text)
	res.AddMeta("version", []byte(version))
	return res
}

// lint reports everything that would stop the build before its first step.
func (b *build) lint(ctx context.Context) (*lint.LintResults, error) {
	results := &lint.LintResults{Warnings: []lint.Warning{}}
	warnings, err := b.check(ctx)
	var problems pyfile.Errors
	switch {
	case err == nil:
		// With error=true the warnings are in the result as well, whose status says that there are some.
		if err := b.addWarnings(results, warnings); err != nil && len(results.Warnings) == 0 {
			return nil, err
		}
		return results, nil
	case !errors.As(err, &problems):
		return nil, err
	}
	located := b.locate(err)
	results.Error = &lint.BuildError{Message: located.Error()}
	// One location is all that the result has room for, and buildx writes the name of the build file above its lines whatever they are
	// of. So problems of other files have their place in the message only. There must be a source in any case.
	var ranges []*pb.Range
	for _, p := range problems {
		if p.File == "" || p.File == b.source.Filename {
			ranges = append(ranges, llb.Range(p.Range))
		}
	}
	results.Sources = []*pb.SourceInfo{b.sourceInfo(b.source.Filename, ranges)}
	results.Error.Location = pb.Location{SourceIndex: 0, Ranges: ranges}
	return results, nil
}

// check plans the build for every platform, as a build would, and builds nothing but what the plan depends on. The warnings are those
// of the first platform.
func (b *build) check(ctx context.Context) ([]plan.Warning, error) {
	project, err := b.open(ctx, plan.Options{Target: b.Target})
	if err != nil {
		return nil, err
	}
	var warnings []plan.Warning
	for i, platform := range b.platforms() {
		p, _, err := b.plan(ctx, project, &platform)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			warnings = p.Warnings
		}
	}
	return warnings, nil
}

// platforms are those to build for: the ones asked for, else the daemon's own.
func (b *build) platforms() []ocispecs.Platform {
	if len(b.TargetPlatforms) > 0 {
		return b.TargetPlatforms
	}
	return b.BuildPlatforms[:1]
}

// outline lists the build arguments and the secrets.
func (b *build) outline(context.Context) (*outline.Outline, error) {
	file, err := pyfile.Parse(b.source.Filename, b.source.Data, b.BuildArgs)
	if err != nil {
		return nil, b.locate(err)
	}
	out := &outline.Outline{Name: plan.Final, Sources: [][]byte{b.source.Data}}
	if b.Target != "" {
		out.Name = b.Target
	}
	for _, t := range plan.Targets {
		if t.Name == out.Name {
			out.Description = t.Description
		}
	}
	for _, a := range file.Args {
		out.Args = append(out.Args, outline.Arg{Name: a.Name.Value, Value: a.Value,
			Location: &pb.Location{Ranges: []*pb.Range{llb.Range(a.Name.Range)}}})
	}
	for _, i := range file.Indexes {
		if i.Secret.Set() {
			out.Secrets = append(out.Secrets, outline.Secret{Name: i.Secret.Value, Required: true,
				Location: &pb.Location{Ranges: []*pb.Range{llb.Range(i.Secret.Range)}}})
		}
	}
	return out, nil
}

// targets lists what --target takes.
func (b *build) targets(context.Context) (*targets.List, error) {
	list := &targets.List{Sources: [][]byte{b.source.Data}}
	for _, t := range plan.Targets {
		list.Targets = append(list.Targets, targets.Target{Name: t.Name, Default: t.Name == plan.Final, Description: t.Description})
	}
	return list, nil
}

// planResult prints the plan for the first platform.
func (b *build) planResult(ctx context.Context) (*client.Result, error) {
	project, err := b.open(ctx, plan.Options{Target: b.Target})
	if err != nil {
		return nil, err
	}
	p, _, err := b.plan(ctx, project, &b.platforms()[0])
	if err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("the plan as JSON: %w", err)
	}
	return result(data, append(data, '\n'), planRequest.Version), nil
}

// lockResult prints a lock that is ready to be committed as pylock.toml. An old one is left aside: with a redirection of the shell
// the file is there already, and empty.
func (b *build) lockResult(ctx context.Context) (*client.Result, error) {
	project, err := b.open(ctx, plan.Options{Target: b.Target, Relock: true})
	if err != nil {
		return nil, err
	}
	if err := project.CheckRelock(); err != nil {
		return nil, err
	}
	in, sources, err := b.inputs(ctx, project, &b.platforms()[0])
	if err != nil {
		return nil, err
	}
	data, err := b.resolved(ctx, project, in, sources)
	if err != nil {
		return nil, err
	}
	res := client.NewResult()
	res.AddMeta("result.txt", data)
	res.AddMeta("version", []byte(lockRequest.Version))
	return res, nil
}
