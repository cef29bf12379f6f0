package lock

import (
	"fmt"
	"strings"

	"github.com/org/pyfile/python"
)

// poetryConstraint is a version constraint in Poetry's own syntax: PEP 440 specifiers, and beside them "^1.2", "~1.2", "1.*", "*",
// bare versions, spaces for commas and alternatives with "||".
type poetryConstraint struct {
	any  bool                // no bound at all
	sets []python.Specifiers // of which one must hold
}

// parsePoetryConstraint translates a constraint to PEP 440. It is not ok when Poetry could not read it either.
func parsePoetryConstraint(text string) (c poetryConstraint, ok bool) {
	for alternative := range strings.SplitSeq(strings.ReplaceAll(text, "||", "|"), "|") {
		clauses, ok := pep440Clauses(alternative)
		if !ok {
			return poetryConstraint{}, false
		}
		spec, err := python.ParseSpecifiers(strings.Join(clauses, ","))
		if err != nil {
			return poetryConstraint{}, false
		}
		c.any = c.any || len(clauses) == 0
		c.sets = append(c.sets, spec)
	}
	return c, true
}

// allows tells whether a version fits. Pre-releases count like any version: what is locked was chosen already.
func (c poetryConstraint) allows(v python.Version) bool {
	if c.any {
		return true
	}
	for _, s := range c.sets {
		if s.Contains(v, true) {
			return true
		}
	}
	return false
}

// pep440 is the constraint as one list of specifiers; "" when it has no bound, not ok when it has alternatives.
func (c poetryConstraint) pep440() (string, bool) {
	if c.any {
		return "", true
	}
	if len(c.sets) != 1 {
		return "", false
	}
	return c.sets[0].String(), true
}

// pep440Clauses translates what commas or spaces join.
func pep440Clauses(text string) ([]string, bool) {
	isSeparator := func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }
	var out []string
	rest := strings.TrimFunc(text, isSeparator)
	if rest == "" {
		return nil, false
	}
	for rest != "" {
		version := strings.TrimLeft(rest, "^~=><!")
		op := rest[:len(rest)-len(version)]
		version = strings.TrimLeft(version, " \t")
		end := strings.IndexFunc(version, isSeparator)
		if end < 0 {
			end = len(version)
		}
		clause, ok := pep440Clause(op, version[:end])
		if !ok {
			return nil, false
		}
		if clause != "" {
			out = append(out, clause)
		}
		rest = strings.TrimLeftFunc(version[end:], isSeparator)
	}
	return out, true
}

// pep440Clause translates one operator with its version; "" is every version.
func pep440Clause(op, version string) (string, bool) {
	if op == "" && strings.Trim(strings.ToLower(version), "vx*.") == "" && strings.ContainsAny(version, "xX*") {
		return "", true
	}
	plain, wild := version, false
	for strings.HasSuffix(plain, ".*") {
		plain, wild = strings.TrimSuffix(plain, ".*"), true
	}
	v, err := python.ParseVersion(plain)
	if err != nil {
		return "", false
	}
	switch op {
	case "^", "~":
		if wild {
			return "", false
		}
		return fmt.Sprintf(">=%s,<%s", v, bump(v, op)), true
	case "~=":
		if len(v.Release()) == 1 { // PEP 440 has no such clause
			return fmt.Sprintf(">=%s,<%s", v, bump(v, "~")), true
		}
		return "~=" + v.String(), true
	case "", "=", "==":
		op = "=="
	case "<>":
		op = "!="
	case "!=", "<", "<=", ">", ">=":
	default:
		return "", false
	}
	if wild && (op == "==" || op == "!=") {
		return op + v.String() + ".*", true
	}
	return op + v.String(), true
}

// bump is the first version that "^V" or "~V" does not allow any more: the next one that may break something (the leftmost number
// that is not zero goes up), or the next minor one. It has as many numbers as V.
func bump(v python.Version, op string) string {
	release := v.Release()
	at := 0
	if op == "~" {
		at = min(1, len(release)-1)
	} else {
		for at < len(release)-1 && at < 2 && release[at] == 0 {
			at++
		}
	}
	out := ""
	if epoch, _, ok := strings.Cut(v.String(), "!"); ok {
		out = epoch + "!"
	}
	for i, n := range release {
		if i > 0 {
			out += "."
		}
		switch {
		case i == at:
			n++
		case i > at:
			n = 0
		}
		out += fmt.Sprint(n)
	}
	return out
}
