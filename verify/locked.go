package verify

import (
	"fmt"
	"strings"

	"github.com/org/pyfile/facts"
	"github.com/org/pyfile/python"
)

// checkLocked compares what is installed with what a lock says, where another build installed it: NAME==VERSION, or NAME== for any version.
// The lock is not the image's, so that all are warnings.
func (c *check) checkLocked() {
	installed := map[string]*facts.Distribution{}
	for _, d := range c.distributions {
		if !d.Built {
			installed[python.NormalizeName(d.Name)] = d
		}
	}
	for _, entry := range c.Locked {
		name, version, _ := strings.Cut(entry, "==")
		d := installed[python.NormalizeName(name)]
		text := ""
		switch {
		case d == nil:
			d, text = &facts.Distribution{Name: name, Version: version}, fmt.Sprintf("the image lacks %s, which the lock has", name)
		case version != "" && d.Version != version && !python.SameVersion(d.Version, version):
			text = fmt.Sprintf("the image has %s %s, and the lock %s", name, d.Version, version)
		default:
			continue
		}
		c.add(observation{Finding: about(d, Locked, Warning), text: func(f *Finding) {
			f.Short, f.Message, f.Hint = text, text, "build the image anew, or lock what it has"
		}})
	}
}
