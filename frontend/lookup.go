package frontend

import (
	"context"
	"errors"
	"fmt"

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
