package verify

import (
	"fmt"

	"github.com/org/pyfile/facts"
	"github.com/org/pyfile/python"
)

// checkRequirements reports what distributions ask for and do not get, by the rules of pip check: requirements of extras are left out,
// because an extra is what somebody asks for, and pre-releases satisfy a requirement. All are warnings: the lock is the user's decision,
// and many requirements are stricter than they must be.
func (c *check) checkRequirements() {
	target := python.Target{Python: c.Python, Machine: c.Machine}
	if major, minor, err := libcVersion(c.System.LibcVersion); err == nil {
		target.Libc = python.Libc{Name: c.System.Libc, Major: major, Minor: minor}
	}
	environment := target.Environment()
	installed := map[string]*facts.Distribution{}
	for _, d := range c.distributions {
		if d.Name != "" {
			installed[python.NormalizeName(d.Name)] = d
		}
	}
	for _, d := range c.distributions {
		if specifiers, err := python.ParseSpecifiers(d.RequiresPython); err == nil && !target.Satisfies(specifiers) {
			c.addRequirement(d, "Python", "Python "+d.RequiresPython, "the image has Python "+c.Python.String(), "choose a release for this Python, or another `python`")
		}
		for _, line := range d.Requires {
			// What cannot be read was no hindrance to the tool that made the lock.
			if r, err := python.ParseRequirement(line); err == nil {
				c.checkRequirement(d, r, environment, installed)
			}
		}
	}
}

func (c *check) checkRequirement(d *facts.Distribution, r python.Requirement, environment python.Environment, installed map[string]*facts.Distribution) {
	if holds, err := r.Marker.Eval(environment); err != nil || !holds {
		return
	}
	what := r
	what.Marker = python.Marker{}
	other := installed[python.NormalizeName(r.Name)]
	if other == nil {
		c.addRequirement(d, r.Name, what.String(), "which is not installed", fmt.Sprintf("add %s to the dependencies and lock again", r.Name))
		return
	}
	version, err := python.ParseVersion(other.Version)
	if err != nil || r.URL != "" || r.Specifiers.Contains(version, true) {
		return
	}
	c.addRequirement(d, r.Name, what.String(), "but "+other.Version+" is installed", fmt.Sprintf("lock again with releases of %s and %s that fit", d.Name, other.Name))
}

func (c *check) addRequirement(d *facts.Distribution, other, what, but, hint string) {
	f := about(d, Requirement, Warning)
	f.Others = []string{other}
	c.add(observation{Finding: f, group: what, text: func(f *Finding) {
		f.Short = fmt.Sprintf("%s requires %s, %s", f.subject(false), what, but)
		f.Message = fmt.Sprintf("%s requires %s, %s", f.subject(true), what, but)
		f.Hint = hint
	}})
}
