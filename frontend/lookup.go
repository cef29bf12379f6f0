package frontend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/moby/buildkit/frontend/gateway/client"
	"golang.org/x/sync/errgroup"

	wheelbuild "github.com/org/pyfile/build"
	"github.com/org/pyfile/distro"
	"github.com/org/pyfile/index"
	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
)

// lookup asks the indexes where the files of the lock are, in a solve of its own. It is nil when the lock says so itself.
func (b *build) lookup(ctx context.Context, project *plan.Project, in plan.Inputs, s *sources) (*index.Answer, error) {
	p, err := project.LookupPlan(in)
	if p == nil || err != nil {
		return nil, err
	}
	data, err := b.result(ctx, p, s, plan.AnswerFile)
	if err != nil {
		return nil, err
	}
	return index.ParseAnswer(data)
}

// resolve has the versions chosen that no lock names, in a solve of its own. It is nil when there is nothing to choose.
func (b *build) resolve(ctx context.Context, project *plan.Project, in plan.Inputs, s *sources) (*lock.Lock, error) {
	data, err := b.resolved(ctx, project, in, s)
	if data == nil || err != nil {
		return nil, err
	}
	l, err := lock.Read([]string{plan.ResolvedFile}, map[string][]byte{plan.ResolvedFile: data})
	var problems pyfile.Errors
	if errors.As(err, &problems) {
		b.mu.Lock()
		b.files[plan.ResolvedFile] = data // errors show its lines
		b.mu.Unlock()
	}
	return l, err
}

// resolved is the text of the lock that the resolver makes.
func (b *build) resolved(ctx context.Context, project *plan.Project, in plan.Inputs, s *sources) ([]byte, error) {
	p, err := project.ResolvePlan(in)
	if p == nil || err != nil {
		return nil, err
	}
	return b.result(ctx, p, s, plan.ResolvedFile)
}

// result solves a plan and reads a file of its result.
func (b *build) result(ctx context.Context, p *plan.Plan, s *sources, name string) ([]byte, error) {
	ref, err := b.solve(ctx, p, s)
	if err != nil {
		return nil, err
	}
	data, err := readFile(ctx, ref, name)
	if err == nil && data == nil {
		err = fmt.Errorf("step %s left no %s", p.Result, name)
	}
	return data, err
}

// packed builds the wheels of another platform that need no compiler, and reads their names.
func (b *build) packed(ctx context.Context, project *plan.Project, in plan.Inputs, s *sources) (map[string]string, error) {
	wheels, err := project.Packed(in)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	out := map[string]string{}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, w := range wheels {
		group.Go(func() error {
			ref, err := b.solve(groupCtx, w.Plan, s)
			if err != nil {
				return err
			}
			entries, err := ref.ReadDir(groupCtx, client.ReadDirRequest{Path: "/", IncludePattern: "*.whl"})
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, e := range entries {
				out[w.Source] = e.Path
			}
			return nil
		})
	}
	return out, group.Wait()
}

// providers asks the distribution which packages have what a build misses, and says how to add them, to a list of the Pyfile or, if key is empty,
// to the one of [apt] for the stage. It is empty when nobody knows: the build
// has failed already, so that a second failure is no news.
func (b *build) providers(ctx context.Context, wants []string, stage, key string, s *sources) string {
	wants = slices.DeleteFunc(slices.Clone(wants), func(want string) bool {
		_, err := distro.ParseWant(want) // modules of Python are no business of the distribution
		return err != nil
	})
	if len(wants) == 0 || s.project == nil {
		return ""
	}
	p, err := s.project.ProvidersPlan(s.in, stage, wants)
	if p == nil || err != nil {
		return ""
	}
	data, err := b.result(ctx, p, s, plan.ProvidersFile)
	if err != nil {
		return ""
	}
	var found map[string][]string
	if err := json.Unmarshal(data, &found); err != nil {
		return ""
	}
	var names []string
	for _, want := range wants {
		if have := found[want]; len(have) > 0 && !slices.Contains(names, have[0]) {
			names = append(names, have[0])
		}
	}
	if len(names) == 0 {
		return ""
	}
	if key == "" {
		key = "apt.build"
		if stage == plan.Base {
			key = "apt.run"
		}
	}
	return s.project.AddPackages(key, names)
}

// inspect reads how the packages are built that come without a wheel, in a solve of its own.
func (b *build) inspect(ctx context.Context, project *plan.Project, in plan.Inputs, s *sources) (map[string]wheelbuild.Project, error) {
	p, names, err := project.SourcesPlan(in)
	if p == nil || err != nil {
		return nil, err
	}
	ref, err := b.solve(ctx, p, s)
	if err != nil {
		return nil, err
	}
	out := make(map[string]wheelbuild.Project, len(names))
	for _, name := range names {
		data, err := readFile(ctx, ref, plan.SourceFile(name))
		if err != nil {
			return nil, err
		}
		source, err := wheelbuild.ParseProject(data)
		if err != nil {
			return nil, fmt.Errorf("what is known of the source of %s: %w", name, err)
		}
		out[name] = *source
	}
	return out, nil
}
