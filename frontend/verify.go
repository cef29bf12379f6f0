package frontend

import (
	"cmp"
	"context"

	"github.com/moby/buildkit/frontend/gateway/client"
	"golang.org/x/sync/errgroup"

	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/verify"
)

// solveVerified solves a plan, and at the same time the step that checks what it installs, so that the check costs no time of its own. What
// it finds becomes errors, and warnings if these are to be shown.
func (b *build) solveVerified(ctx context.Context, p *plan.Plan, s *sources, warn bool) (client.Reference, error) {
	if p.Report == "" {
		return b.solve(ctx, p, s)
	}
	group, groupCtx := errgroup.WithContext(ctx)
	var ref client.Reference
	group.Go(func() (err error) {
		ref, err = b.solve(groupCtx, p, s)
		return err
	})
	group.Go(func() error {
		check := *p
		check.Result = p.Report
		data, err := b.result(groupCtx, &check, s, plan.ReportFile)
		if err != nil {
			return err
		}
		report, err := verify.ReadReport(data)
		if err != nil {
			return err
		}
		b.nameProviders(groupCtx, report, s)
		errs, warnings := p.Problems(report)
		if !warn {
			return errs.Err()
		}
		if err := b.warn(groupCtx, warnings); err != nil && len(errs) == 0 {
			return err
		}
		return errs.Err()
	})
	return ref, group.Wait()
}

// nameProviders asks the distribution for the packages of missing libraries that neither the images nor the tables of verify name. It is asked
// only for what stops the build.
func (b *build) nameProviders(ctx context.Context, report *verify.Report, s *sources) {
	for i := range report.Findings {
		f := &report.Findings[i]
		if f.Kind == verify.MissingLibrary && f.Severity == verify.Error && f.Package == "" {
			f.Hint = cmp.Or(b.providers(ctx, []string{"soname:" + f.Soname}, plan.Base, "", s), f.Hint)
		}
	}
}
