package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/org/pyfile/authority"
	"github.com/org/pyfile/python"
)

// WheelOptions says what Wheel builds.
type WheelOptions struct {
	Backend
	Out     string // directory for the wheel; absent or empty
	Project string // name that the wheel must have, in any spelling; empty for any
	Version string // version that it must have; empty when only the build tells
	// Told names a file with what Version found, which then is the version; empty for none.
	Told string
	CA   string // file with certificates that what the backend starts trusts besides those of the image; empty for none, and it need not be there
}

// Wheel makes the wheel of a project with its build backend (PEP 517), in an environment that has all it needs: nothing is
// installed. What the backend prints goes to Output. The wheel must be of the project and version asked for and fit the interpreter;
// it gets the form that normalize describes.
//
// Tools that take the version from version control are told Version, as a source may come without its repository.
func Wheel(ctx context.Context, o WheelOptions) error {
	var told Told
	if o.Told != "" {
		var err error
		if told, err = readTold(o.Told); err != nil {
			return err
		}
		o.Version = told.Version
	}
	var version python.Version
	if o.Version != "" {
		var err error
		if version, err = python.ParseVersion(o.Version); err != nil {
			return err
		}
	}
	return output(o.Out, func(work string) error {
		out, err := filepath.Abs(o.Out)
		if err != nil {
			return err
		}
		tool := o.versionTool()
		if dir, err := projectDir(o.Source, o.Subdir); err == nil {
			if tool == versioneer && told.Versioneer == nil && o.Version != "" {
				told = tellVersioneer(dir, o.Version)
			}
			if err := told.tell(dir); err != nil {
				return err
			}
		}
		variables := versionVariables(tool, o.Project, o.Version)
		if o.CA != "" {
			trusted, err := authority.Trust(o.CA, filepath.Join(work, "authorities.pem"), os.Environ())
			if err != nil {
				return err
			}
			variables = append(variables, trusted...)
		}
		a, err := o.call(ctx, "wheel", out, work, variables)
		if err != nil {
			return err
		}
		entries, err := os.ReadDir(out)
		if err != nil {
			return err
		}
		if len(entries) != 1 || entries[0].Name() != a.Wheel || filepath.Ext(a.Wheel) != ".whl" || !entries[0].Type().IsRegular() {
			return fmt.Errorf("the build backend %s must leave one wheel, the one that it names: it named %q and left %d files", o.Name, a.Wheel, len(entries))
		}
		if err := o.check(a, version, tool); err != nil {
			return err
		}
		return normalize(filepath.Join(out, a.Wheel), work)
	})
}

// versionTool is what takes the version of the project from version control, or "".
func (b Backend) versionTool() string {
	dir, err := projectDir(b.Source, b.Subdir)
	if err != nil {
		return "" // the call of the backend says so
	}
	p, _, err := settingsIn(dir).project()
	if err != nil {
		return "" // backends need not be of projects
	}
	return p.VersionTool
}

// check refuses a wheel that is another than the one asked for, or that the interpreter would not install.
func (o WheelOptions) check(a answer, version python.Version, tool string) error {
	name, err := python.ParseWheelName(a.Wheel)
	if err != nil {
		return fmt.Errorf("the build backend %s made a wheel that cannot be installed: %w", o.Name, err)
	}
	if o.Project != "" && name.Name != python.NormalizeName(o.Project) {
		return fmt.Errorf("the source is that of %s and not of %s: it built %s", name.Name, o.Project, a.Wheel)
	}
	if o.Version != "" {
		if v, err := python.ParseVersion(name.Version); err != nil || v.Compare(version) != 0 {
			why := ""
			if NeedsRepository(tool) || tool == versioneer {
				why = fmt.Sprintf("; its version comes from version control by %s, which needs the repository or a source distribution", tool)
			}
			return fmt.Errorf("the source is that of version %s and not of %s: it built %s%s", name.Version, version, a.Wheel, why)
		}
	}
	if a.Interpreter == nil || a.Interpreter.Implementation != "cpython" {
		return nil
	}
	target, err := a.Interpreter.target()
	if err != nil {
		return err
	}
	if why := python.WhyNot(name, target); why != "" {
		return fmt.Errorf("the build backend %s made a wheel that %s does not take: %s %s", o.Name, target, a.Wheel, why)
	}
	return nil
}
