package python

import (
	"fmt"
	"slices"
	"strings"
)

// Specifiers is a list of version specifiers of PEP 440 that must all hold: ">=3.9,!=3.10.*,<4".
// The zero Specifiers contains every version.
type Specifiers struct {
	list []specifier
}

// ParseSpecifiers reads specifiers separated by commas; an empty text gives the zero Specifiers.
// The text of "===" may hold anything but white space, ";", ")" and the comma.
func ParseSpecifiers(s string) (Specifiers, error) {
	var list []specifier
	for rest, more := s, true; more; {
		var piece string
		piece, rest, more = strings.Cut(rest, ",")
		if piece = trimSpace(piece); piece == "" {
			continue
		}
		spec, err := parseSpecifier(piece)
		if err != nil {
			return Specifiers{}, err
		}
		list = append(list, spec)
	}
	return Specifiers{list}, nil
}

// Contains tells whether v satisfies every specifier. Without prereleases no pre-release is contained, not
// even one that a specifier names; see [Specifiers.Filter] for the choice among several versions.
func (s Specifiers) Contains(v Version, prereleases bool) bool {
	if !prereleases && v.IsPrerelease() {
		return false
	}
	for i := range s.list {
		if !s.list[i].matches(v) {
			return false
		}
	}
	return true
}

// String returns the specifiers in the order written, without white space.
func (s Specifiers) String() string {
	var b strings.Builder
	for i, spec := range s.list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(spec.op.String())
		b.WriteString(spec.text)
	}
	return b.String()
}

// specifier is one comparison. bound is what v is really compared with: see parseSpecifier.
type specifier struct {
	op       operator
	text     string // the version as written, without white space around it
	wildcard bool   // the text ends in ".*"
	version  Version
	bound    Version
}

// operator is a comparison operator of versions and markers.
type operator uint8

const (
	noOperator operator = iota
	compatible
	equal
	notEqual
	lessEqual
	greaterEqual
	less
	greater
	arbitrary
	in    // markers only
	notIn // markers only
)

func (o operator) String() string {
	return [...]string{"", "~=", "==", "!=", "<=", ">=", "<", ">", "===", "in", "not in"}[o]
}

// scanOperator returns the comparison operator at the start of s, the longest that fits.
func scanOperator(s string) operator {
	var next byte
	if len(s) > 1 {
		next = s[1]
	}
	switch {
	case s == "":
		return noOperator
	case strings.HasPrefix(s, "==="):
		return arbitrary
	case next == '=':
		switch s[0] {
		case '=':
			return equal
		case '~':
			return compatible
		case '!':
			return notEqual
		case '<':
			return lessEqual
		case '>':
			return greaterEqual
		}
	case s[0] == '<':
		return less
	case s[0] == '>':
		return greater
	}
	return noOperator
}

// parseSpecifier reads one specifier without white space around it.
func parseSpecifier(s string) (specifier, error) {
	op := scanOperator(s)
	if op == noOperator {
		return specifier{}, fmt.Errorf("specifier %q must start with ~=, ==, !=, <=, >=, <, > or ===", s)
	}
	spec := specifier{op: op, text: trimSpace(s[len(op.String()):])}
	if op == arbitrary {
		if strings.ContainsFunc(spec.text, func(r rune) bool { return isSpace(r) || r == ';' || r == ')' }) {
			return specifier{}, fmt.Errorf(`specifier %q must not hold white space, ";" or ")" behind ===`, s)
		}
		return spec, nil
	}
	digits := spec.text
	if (op == equal || op == notEqual) && strings.HasSuffix(digits, ".*") {
		spec.wildcard = true
		digits = digits[:len(digits)-2]
	}
	v, err := ParseVersion(digits)
	if err != nil {
		if strings.HasSuffix(digits, ".*") {
			return specifier{}, fmt.Errorf("specifier %q must not end in .*, only == and != may", s)
		}
		return specifier{}, fmt.Errorf("specifier %q: %w", s, err)
	}
	spec.version = v
	return spec, spec.check(s, digits)
}

// check refuses what PEP 440 excludes, and sets the bound of the two exclusive operators.
//
// PEP 440, "Exclusive ordered comparison": <V admits no pre-release of V unless V is one, so the bound is V.dev0;
// >V admits no post-release of V unless V is one, and no local version of V, so the bound of a post-release is the
// first development release of the next one.
func (s *specifier) check(written, digits string) error {
	v := s.version
	switch {
	case s.wildcard && (v.pre != noPre || v.post != 0 || v.dev != 0 || v.local != "" || !isDigit(digits[len(digits)-1])):
		return fmt.Errorf("specifier %q must have only numbers before .*", written)
	case v.local != "" && s.op != equal && s.op != notEqual:
		return fmt.Errorf("specifier %q must not have a local version (+%s), only == and != may", written, v.local)
	case s.op == compatible && len(v.release) < 2:
		return fmt.Errorf("specifier %q must have at least two numbers, like ~=%s.0", written, v)
	}
	s.bound = v
	switch {
	case s.op == less && !v.IsPrerelease():
		s.bound.dev = 1
	case s.op == greater && v.dev != 0:
		s.bound.dev++
	case s.op == greater && v.post != 0:
		s.bound.post++
		s.bound.dev = 1
	}
	return nil
}

// matches tells whether v satisfies the specifier; whether pre-releases are welcome is the caller's question.
func (s *specifier) matches(v Version) bool {
	switch s.op {
	case compatible:
		// PEP 440, "Compatible release": ~=2.2.1 is >=2.2.1 and ==2.2.*.
		return v.Compare(s.version) >= 0 && v.hasPrefix(s.version.epoch, s.version.release[:len(s.version.release)-1])
	case equal:
		return s.equals(v)
	case notEqual:
		return !s.equals(v)
	case lessEqual:
		return v.comparePublic(s.version) <= 0
	case greaterEqual:
		return v.comparePublic(s.version) >= 0
	case less:
		return v.comparePublic(s.bound) < 0
	case greater:
		if s.version.dev != 0 || s.version.post != 0 {
			return v.comparePublic(s.bound) >= 0
		}
		return v.comparePublic(s.version) > 0 && !s.isPostReleaseOf(v)
	}
	return s.matchesText(v.text)
}

// matchesText tells whether a text that need not be a version satisfies the specifier. PEP 440, "Arbitrary equality",
// compares the texts themselves, ASCII letters in any case; anything else needs a version.
func (s *specifier) matchesText(text string) bool {
	if s.op == arbitrary {
		return lowerASCII(text) == lowerASCII(s.text)
	}
	v, err := ParseVersion(text)
	return err == nil && s.matches(v)
}

// equals is PEP 440, "Version matching": a local part counts only if the specifier has one.
func (s *specifier) equals(v Version) bool {
	switch {
	case s.wildcard:
		return v.hasPrefix(s.version.epoch, s.version.release)
	case s.version.local == "":
		return v.comparePublic(s.version) == 0
	}
	return v.Compare(s.version) == 0
}

// isPostReleaseOf tells whether v is a post-release of the specifier's version.
func (s *specifier) isPostReleaseOf(v Version) bool {
	return v.epoch == s.version.epoch && v.pre == s.version.pre && v.preN == s.version.preN &&
		compareRelease(v.release, s.version.release) == 0
}

// hasPrefix tells whether the release part of v starts with the given numbers, zeros added where v is shorter.
func (v Version) hasPrefix(epoch int, release []int) bool {
	return v.epoch == epoch && (len(v.release) >= len(release) && slices.Equal(v.release[:len(release)], release) ||
		len(v.release) < len(release) && compareRelease(v.release, release) == 0)
}
