package lock

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// noSdist is the error for a package that the Pyfile wants built and of which there are wheels only.
func (c *chooser) noSdist(p *chosen, asked pyfile.String) *pyfile.Error {
	msg := fmt.Sprintf("%s has no sdist in %s, so it cannot be built from source", p, c.doc.name)
	if p.unfound {
		msg = fmt.Sprintf("no index has an sdist of %s with a hash of %s, so it cannot be built from source", p, c.doc.name)
	}
	return &pyfile.Error{Range: asked.Range, Msg: msg, Hint: "take it out of from-source, or lock a release that has an sdist"}
}

// UnknownNames finds names of the Pyfile that no package of the lock has, whatever the target, groups and extras: one that another
// platform needs is known. The name of the project itself is known too; the project is nil when there is no pyproject.toml.
func (l *Lock) UnknownNames(asked []pyfile.String, project *Project) pyfile.Errors {
	if len(asked) == 0 {
		return nil
	}
	known := l.source.packageNames()
	if project != nil && project.Name.Set() {
		known = append(known, project.Normalized)
	}
	var errs pyfile.Errors
	for _, a := range asked {
		if !slices.Contains(known, python.NormalizeName(a.Value)) {
			errs = append(errs, unknownName(l.Name, "package", a, slices.Clone(known)))
		}
	}
	return errs
}

// NotBuilt finds names of the Pyfile whose package is installed from a wheel, so that what the Pyfile says about its build is read by
// nobody. What is not among the artifacts is passed over. These are warnings: on another platform the package may have no wheel.
func NotBuilt(asked []pyfile.String, artifacts []Artifact) pyfile.Errors {
	var errs pyfile.Errors
	for _, s := range asked {
		name := python.NormalizeName(s.Value)
		i := slices.IndexFunc(artifacts, func(a Artifact) bool { return a.Name == name })
		if i < 0 || artifacts[i].Kind != Wheel {
			continue
		}
		errs = append(errs, &pyfile.Error{Range: s.Range,
			Msg:  fmt.Sprintf("%s is not built here: the wheel %s is installed as it is", s.Value, artifacts[i].Filename),
			Hint: fmt.Sprintf("add it to from-source in [dependencies]: %q", s.Value)})
	}
	return errs
}

// Settings are the PEP 517 config settings of one package, sorted by key: those of the lock (see ConfigSettings), and those of
// the Pyfile. A key that both have has the Pyfile's values. Lines of requirements files for one package add up, as do several tables.
func (l *Lock) Settings(name string, file []pyfile.PackageSettings) []pyfile.Setting {
	var out []pyfile.Setting
	name = python.NormalizeName(name)
	for _, tables := range [][]pyfile.PackageSettings{l.ConfigSettings(), file} {
		var own []pyfile.Setting
		for _, t := range tables {
			if python.NormalizeName(t.Name.Value) != name {
				continue
			}
			for _, s := range t.Settings {
				if i := settingIndex(own, s.Key.Value); i >= 0 {
					own[i].Values.Items = slices.Concat(own[i].Values.Items, s.Values.Items)
				} else {
					own = append(own, s)
				}
			}
		}
		out = slices.DeleteFunc(out, func(s pyfile.Setting) bool { return settingIndex(own, s.Key.Value) >= 0 })
		out = append(out, own...)
	}
	slices.SortFunc(out, func(a, b pyfile.Setting) int { return cmp.Compare(a.Key.Value, b.Key.Value) })
	return out
}

func settingIndex(settings []pyfile.Setting, key string) int {
	return slices.IndexFunc(settings, func(s pyfile.Setting) bool { return s.Key.Value == key })
}
