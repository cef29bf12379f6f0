package build

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/org/pyfile/python"
)

// RequiresOptions says whom Requires asks.
type RequiresOptions struct {
	Backend
	Out     string // directory for requires.txt; absent or empty
	Project string // normalized or not; empty when nobody knows
	Version string // that tools which take it from version control are told, as for Wheel; empty when nobody knows, and then they are told some version
	File    string // requirements file with what the project asks for statically, as FormatRequirements writes it
}

// Requires asks a build backend what it needs besides what pyproject.toml says (PEP 517, get_requires_for_build_wheel), in an
// environment that has the latter, and writes both to requires.txt, without what does not apply to the interpreter. When there is nothing new, that has the bytes of File.
func Requires(ctx context.Context, o RequiresOptions) error {
	static, err := readRequirements(o.File)
	if err != nil {
		return err
	}
	return output(o.Out, func(work string) error {
		// What is needed depends on no version, but backends find it out before they answer.
		a, err := o.call(ctx, "requires", "", work, versionVariables(o.versionTool(), o.Project, cmp.Or(o.Version, "0")))
		if err != nil {
			return err
		}
		applying, err := applying(*a.Requires, a.Interpreter)
		if err != nil {
			return err
		}
		file := FormatRequirements(slices.Concat(static, applying))
		return os.WriteFile(filepath.Join(o.Out, "requires.txt"), file, 0o644) //nolint:gosec // it holds no secret
	})
}

// applying are the requirements whose marker holds for the interpreter. Some backends name all extras of the project, and none is asked
// for when it is built; they must not make another environment.
func applying(requirements []string, i *interpreter) ([]string, error) {
	if i == nil || i.Implementation != "cpython" {
		return requirements, nil
	}
	target, err := i.target()
	if err != nil {
		return nil, err
	}
	environment := target.Environment()
	var out []string
	for _, text := range requirements {
		r, err := python.ParseRequirement(text)
		if err == nil {
			if holds, err := r.Marker.Eval(environment); err == nil && !holds {
				continue
			}
		}
		out = append(out, text)
	}
	return out, nil
}
