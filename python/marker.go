package python

import (
	"fmt"
	"slices"
	"strings"
)

// Marker is an environment marker: a condition on where a requirement applies (dependency specifiers specification,
// "Environment Markers"). The zero Marker always holds.
type Marker struct {
	root *expression
}

// expression is a comparison, or a list of expressions joined by one of the two boolean operators.
type expression struct {
	join       join
	parts      []expression // for and, or: two or more
	comparison comparison   // for comparing
}

type join uint8

const (
	comparing join = iota
	and
	or
)

// comparison compares a variable with a quoted string, in either order.
type comparison struct {
	variable variable
	op       operator
	value    string
	reversed bool       // the string stands on the left
	spec     *specifier // op and value as a version specifier, where the variable stands on the left and they are one
}

// IsZero tells whether the marker is the zero Marker.
func (m Marker) IsZero() bool { return m.root == nil }

// Eval tells whether the marker holds in an environment.
//
// Version variables are compared by the rules of PEP 440 when the other side makes a version specifier, else as strings. For
// strings >= and <= mean ==, while < and > never hold. An error says that a comparison is not defined, as for
// `os_name ~= "posix"`; such an error is found wherever in the marker it stands.
func (m Marker) Eval(e Environment) (bool, error) {
	if m.root == nil {
		return true, nil
	}
	return m.root.eval(&e)
}

func (x *expression) eval(e *Environment) (bool, error) {
	if x.join == comparing {
		return x.comparison.eval(e)
	}
	holds := x.join == and
	for i := range x.parts {
		part, err := x.parts[i].eval(e)
		if err != nil {
			return false, err
		}
		if part != (x.join == and) {
			holds = part
		}
	}
	return holds, nil
}

func (c *comparison) eval(e *Environment) (bool, error) {
	switch {
	case c.variable.isSet():
		return containsName(e.set(c.variable), c.value) == (c.op == in), nil
	case c.variable == extra:
		return c.evalExtra(e.Extra)
	}
	value := e.value(c.variable)
	if c.spec != nil {
		return c.spec.matchesText(value), nil
	}
	if !c.reversed {
		return c.compare(value, c.value)
	}
	if c.variable.isVersion() && c.op != in && c.op != notIn {
		if spec, err := parseSpecifier(trimSpace(c.op.String() + value)); err == nil {
			return spec.matchesText(c.value), nil
		}
	}
	return c.compare(c.value, value)
}

// evalExtra compares the activated extras, of which there may be several: != and "not in" hold when
// their opposite holds for none. When nothing is activated the variable is the empty string.
func (c *comparison) evalExtra(active []string) (bool, error) {
	if len(active) == 0 {
		active = []string{""}
	}
	op, negated := c.op, false
	switch c.op {
	case notEqual:
		op, negated = equal, true
	case notIn:
		op, negated = in, true
	}
	positive := comparison{variable: c.variable, op: op}
	for _, name := range active {
		l, r := NormalizeName(name), c.value
		if c.reversed {
			l, r = r, l
		}
		holds, err := positive.compare(l, r)
		if err != nil || holds {
			return holds != negated, err
		}
	}
	return negated, nil
}

// compare compares two strings.
func (c *comparison) compare(l, r string) (bool, error) {
	switch c.op {
	case equal, lessEqual, greaterEqual:
		return l == r, nil
	case notEqual:
		return l != r, nil
	case less, greater:
		return false, nil
	case in:
		return strings.Contains(r, l), nil
	case notIn:
		return !strings.Contains(r, l), nil
	}
	return false, fmt.Errorf("marker operator %s cannot compare %s %q with %q, only versions", c.op, c.variable, l, r)
}

// containsName tells whether a list of names holds one that is already normalised.
func containsName(names []string, normalized string) bool {
	for _, name := range names {
		if NormalizeName(name) == normalized {
			return true
		}
	}
	return false
}

// Extras returns every string compared with the variable extra, normalised, in order of appearance, each once.
func (m Marker) Extras() []string {
	var names []string
	if m.root != nil {
		m.root.extras(&names)
	}
	return names
}

func (x *expression) extras(names *[]string) {
	if x.join == comparing && x.comparison.variable == extra && !slices.Contains(*names, x.comparison.value) {
		*names = append(*names, x.comparison.value)
	}
	for i := range x.parts {
		x.parts[i].extras(names)
	}
}

// Variables returns the names of the variables that the marker asks about, in order of appearance, each once. Not every variable is
// known everywhere: extras and dependency_groups belong to lock files (PEP 751), extra to the metadata of packages.
func (m Marker) Variables() []string {
	var names []string
	if m.root != nil {
		m.root.variables(&names)
	}
	return names
}

func (x *expression) variables(names *[]string) {
	if x.join == comparing {
		if name := x.comparison.variable.String(); !slices.Contains(*names, name) {
			*names = append(*names, name)
		}
	}
	for i := range x.parts {
		x.parts[i].variables(names)
	}
}

// String returns the marker with the names of the specification, double quotes where they can be, and no more parentheses than
// it needs.
func (m Marker) String() string {
	if m.root == nil {
		return ""
	}
	var b strings.Builder
	m.root.write(&b)
	return b.String()
}

func (x *expression) write(b *strings.Builder) {
	if x.join == comparing {
		x.comparison.write(b)
		return
	}
	for i := range x.parts {
		if i > 0 {
			b.WriteString([...]string{and: " and ", or: " or "}[x.join])
		}
		if part := &x.parts[i]; x.join == and && part.join == or {
			b.WriteByte('(')
			part.write(b)
			b.WriteByte(')')
		} else {
			part.write(b)
		}
	}
}

func (c *comparison) write(b *strings.Builder) {
	quote := byte('"')
	if strings.IndexByte(c.value, quote) >= 0 {
		quote = '\''
	}
	value := string(quote) + c.value + string(quote)
	l, r := c.variable.String(), value
	if c.reversed {
		l, r = r, l
	}
	b.WriteString(l + " " + c.op.String() + " " + r)
}
