package lock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// merged is what all lines of one package come to.
type merged struct {
	*requirement              // whose place counts
	line         *requirement // that needs the hashes
	pin          string       // version
	listed       []file       // by hash
	digests      []string     // sha256
}

// mergeRequirements brings the lines of one package together, by the rules of pip's resolver: the first line without extras
// must be pinned and have hashes, itself or by a constraint; the version must suit the others; hashes are those that all lines with hashes
// have.
func mergeRequirements(group []*requirement) (merged, pyfile.Errors) {
	var lines, direct []*requirement
	var errs pyfile.Errors
	for _, q := range group {
		if q.kind != "" {
			direct = append(direct, q)
		}
		if !q.constraint {
			lines = append(lines, q)
		}
		if q.problem != nil {
			errs = append(errs, q.problem)
		}
	}
	switch {
	case len(lines) == 0:
		return merged{}, nil // constraints alone ask for nothing
	case len(errs) > 0:
		return merged{}, errs
	}
	m := merged{requirement: lines[0]}
	m.line = m.requirement
	if i := slices.IndexFunc(lines, func(q *requirement) bool { return len(q.extras) == 0 }); i >= 0 {
		m.requirement, m.line = lines[i], lines[i]
	}
	complain := func(q *requirement, hint, format string, args ...any) {
		errs = append(errs, q.doc.errorAt(q.at, fmt.Sprintf(format, args...), hint))
	}
	if len(direct) > 0 {
		m.line, m.requirement = m.requirement, direct[0]
		m.pin = direct[0].version
		for _, q := range direct[1:] {
			if q.source() != direct[0].source() {
				complain(q, "", "%s is asked for from two places, the first on line %d of %s", q.name, direct[0].lineNumber(), direct[0].doc.name)
			}
		}
	} else {
		m.findPin(group, complain)
	}
	if m.pin != "" {
		m.checkOthers(group, complain)
	}
	if m.kind != Git && m.kind != Directory && len(errs) == 0 {
		m.findHashes(group, complain)
	}
	return m, errs
}

// complaint reports a problem at a line.
type complaint func(q *requirement, hint, format string, args ...any)

func (m *merged) findPin(group []*requirement, complain complaint) {
	m.pin = m.version
	for _, q := range group {
		if m.pin == "" && q.constraint {
			m.pin = q.version
		}
	}
	if m.pin != "" {
		return
	}
	hint := "compile the file: " + compileHint
	if strings.HasSuffix(m.name, "-txt") || strings.HasSuffix(m.name, "-in") {
		hint = "to read another file write -r FILE"
	}
	complain(m.requirement, hint, "%s must be pinned with ==, because the requirements have hashes", m.name)
}

// checkOthers compares the version with what the other lines ask for.
func (m *merged) checkOthers(group []*requirement, complain complaint) {
	for _, q := range group {
		if q == m.requirement || q.kind != "" {
			continue
		}
		if v, err := python.ParseVersion(m.pin); err == nil && !q.spec.Contains(v, true) {
			complain(q, "", "%s must be %s here and is %s on line %d of %s", q.name, shown(q.spec.String()), m.pin, m.lineNumber(), m.doc.name)
		}
	}
}

// findHashes finds the hashes that the file may have.
func (m *merged) findHashes(group []*requirement, complain complaint) {
	hasOwn, other := len(m.line.hashes) > 0 || !m.constraint && len(m.hashes) > 0, ""
	first := true
	for _, q := range group {
		if len(q.hashes) == 0 {
			continue
		}
		if q.constraint && q.kind == "" {
			hasOwn = true
		}
		var digests []string
		for _, h := range q.hashes {
			if h.algorithm == "sha256" {
				digests = append(digests, h.digest)
			} else {
				other = h.algorithm
			}
		}
		if first {
			m.digests, first = digests, false
		} else {
			m.digests = slices.DeleteFunc(m.digests, func(d string) bool { return !slices.Contains(digests, d) })
		}
	}
	slices.Sort(m.digests)
	m.digests = slices.Compact(m.digests)
	switch {
	case !hasOwn:
		complain(m.line, "compile the file: "+compileHint, "%s has no --hash, and other requirements have", m.name)
	case len(m.digests) == 0 && other != "":
		complain(m.requirement, "lock with sha256: "+compileHint, "%s has a hash of %s only; pyfile needs sha256", m.name, other)
	case len(m.digests) == 0:
		complain(m.requirement, "", "the lines of %s have no hash in common", m.name)
	case m.kind != "" && len(m.digests) > 1:
		complain(m.requirement, "leave one", "%s is one file and has %d hashes", m.name, len(m.digests))
	}
	for _, d := range m.digests {
		m.listed = append(m.listed, file{sha256: d, at: m.at})
	}
}

// source tells equal sources.
func (q *requirement) source() string {
	return strings.Join([]string{string(q.kind), q.link.url, q.link.path, q.git.url, q.git.commit, q.dir, q.subdir}, "\n")
}

func (q *requirement) lineNumber() int { return q.doc.pos(q.at.start).Line }
