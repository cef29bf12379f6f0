package frontend

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/pb"

	"github.com/org/pyfile/llb"
	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
)

// checkWarnings gives those warnings to show that the user did not skip, by `# check=skip=RULE` below the first line or by the build
// argument BUILDKIT_DOCKERFILE_CHECK, as with a Dockerfile. With error=true it returns an error for them.
func (b *build) checkWarnings(warnings []plan.Warning, show func(plan.Warning)) error {
	config := &linter.Config{}
	directive, _, _, _ := parser.ParseDirective("check", b.source.Data)
	parsed, err := linter.ParseLintOptions(directive)
	if err != nil {
		return errors.New("the directive \"# check=...\": " + err.Error())
	}
	for _, c := range []*linter.Config{parsed, b.LinterConfig} {
		if c == nil {
			continue
		}
		config.SkipAll = config.SkipAll || c.SkipAll
		config.SkipRules = append(config.SkipRules, c.SkipRules...)
		config.ReturnAsError = config.ReturnAsError || c.ReturnAsError
	}
	l := linter.New(config)
	for _, w := range warnings {
		l.Warn = func(string, string, string, string, []parser.Range) { show(w) }
		l.Run(&linter.LinterRule[any]{Name: w.Rule.Name, Description: w.Rule.Description}, nil, w.Msg)
	}
	return l.Error()
}

// warn shows warnings while the build goes on. Plain progress shows their first line only. Those that the user wants to be errors are errors as
// any other: at their lines, with what to do.
func (b *build) warn(ctx context.Context, warnings []plan.Warning) error {
	var shown pyfile.Errors
	violated := b.checkWarnings(warnings, func(w plan.Warning) {
		e := w.Error
		e.Msg += " (rule " + w.Rule.Name + ")"
		shown = append(shown, &e)
		ranges := []*pb.Range{llb.Range(w.Range)}
		opts := client.WarnOpts{Range: ranges, SourceInfo: b.sourceInfo(b.fileOf(&w), ranges)}
		if w.Hint != "" {
			opts.Detail = [][]byte{[]byte(w.Hint)}
		}
		line := w.Range.Start.Line
		if w.File != "" {
			line = 0 // the place is in the text, because clients take every line for one of the build file
		}
		b.source.Warn(ctx, linter.LintFormatShort(w.Rule.Name, placed(&w), line), opts)
	})
	if violated != nil && len(shown) > 0 {
		return shown
	}
	return violated
}

// addWarnings adds warnings to the answer of a check.
func (b *build) addWarnings(results *lint.LintResults, warnings []plan.Warning) error {
	return b.checkWarnings(warnings, func(w plan.Warning) {
		ranges := []*pb.Range{llb.Range(w.Range)}
		results.Sources = append(results.Sources, b.sourceInfo(b.fileOf(&w), ranges))
		detail := placed(&w)
		if w.Hint != "" {
			detail += "; " + w.Hint
		}
		results.Warnings = append(results.Warnings, lint.Warning{RuleName: w.Rule.Name, Description: w.Rule.Description, Detail: detail,
			Location: &pb.Location{SourceIndex: int32(len(results.Sources) - 1), Ranges: ranges}})
	})
}

// placed is the warning's text, with its place where that is not in the build file.
func placed(w *plan.Warning) string {
	if w.File == "" {
		return w.Msg
	}
	return fmt.Sprintf("%s:%d: %s", w.File, w.Range.Start.Line, w.Msg)
}

// fileOf is the file that a warning is about.
func (b *build) fileOf(w *plan.Warning) string {
	if w.File == "" {
		return b.source.Filename
	}
	return w.File
}
