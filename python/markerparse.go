package python

import "strings"

// maxNesting bounds the parentheses of a marker, and with them the stack.
const maxNesting = 100

// ParseMarker reads a marker. The variables of PEP 345 (os.name, python_implementation, ...) are accepted too. An unknown
// variable is an error, and so are a comparison without exactly one variable, and any use of extras and
// dependency_groups but `"x" in extras` and `"x" not in extras`.
func ParseMarker(s string) (Marker, error) {
	p := markerParser{scanner: scanner{kind: "marker", text: s}}
	return p.marker()
}

type markerParser struct {
	scanner
	nesting int
}

// marker reads a marker up to the end of the text.
func (p *markerParser) marker() (Marker, error) {
	x, err := p.expression()
	if err != nil {
		return Marker{}, err
	}
	if !p.end() {
		return Marker{}, p.errorf(p.pos, `expected "and", "or" or the end, found %s`, p.found())
	}
	return Marker{&x}, nil
}

// expression reads terms joined by "or"; "and" binds tighter.
func (p *markerParser) expression() (expression, error) {
	return p.joined(or, func() (expression, error) { return p.joined(and, p.term) })
}

// joined reads one operand or several with the same operator between them. Operands that are themselves joined by that
// operator are taken apart, so that equal markers have equal trees.
func (p *markerParser) joined(j join, operand func() (expression, error)) (expression, error) {
	x, err := operand()
	if err != nil {
		return x, err
	}
	for word := [...]string{and: "and", or: "or"}[j]; p.word(word); {
		y, err := operand()
		if err != nil {
			return y, err
		}
		if x.join != j {
			x = expression{join: j, parts: []expression{x}}
		}
		if y.join == j {
			x.parts = append(x.parts, y.parts...)
		} else {
			x.parts = append(x.parts, y)
		}
	}
	return x, nil
}

// term reads a comparison or an expression in parentheses, with the white space around it.
func (p *markerParser) term() (expression, error) {
	p.space()
	start := p.pos
	if !p.accept('(') {
		c, err := p.comparison()
		p.space()
		return expression{comparison: c}, err
	}
	if p.nesting++; p.nesting > maxNesting {
		return expression{}, p.errorf(start, "more than %d parentheses within each other", maxNesting)
	}
	x, err := p.expression()
	if err != nil {
		return x, err
	}
	if !p.accept(')') {
		return x, p.errorf(p.pos, `expected "and", "or" or ")", found %s`, p.found())
	}
	p.nesting--
	p.space()
	return x, nil
}

func (p *markerParser) comparison() (comparison, error) {
	start := p.pos
	var c comparison
	l, lValue, err := p.operand()
	if err != nil {
		return c, err
	}
	p.space()
	if c.op, err = p.operator(); err != nil {
		return c, err
	}
	p.space()
	r, rValue, err := p.operand()
	if err != nil {
		return c, err
	}
	switch {
	case l != noVariable && r != noVariable:
		return c, p.errorf(start, `%s is compared with the variable %s, want a string like "x"`, l, r)
	case l == noVariable && r == noVariable:
		return c, p.errorf(start, "two strings are compared, want a variable like python_version on one side")
	case l != noVariable:
		c.variable, c.value = l, rValue
	default:
		c.variable, c.value, c.reversed = r, lValue, true
	}
	return c, p.finish(start, &c)
}

// finish normalises names and prepares the comparison with a version, which is then parsed once only.
func (p *markerParser) finish(start int, c *comparison) error {
	switch {
	case c.variable.isSet():
		if !c.reversed || c.op != in && c.op != notIn {
			return p.errorf(start, `%s is a set, want "x" in %[1]s or "x" not in %[1]s`, c.variable)
		}
		c.value = NormalizeName(c.value)
	case c.variable == extra:
		c.value = NormalizeName(c.value)
	case c.variable.isVersion() && !c.reversed && c.op != in && c.op != notIn:
		if spec, err := parseSpecifier(trimSpace(c.op.String() + c.value)); err == nil {
			c.spec = &spec
		}
	}
	return nil
}

// operand reads a variable or a quoted string.
func (p *markerParser) operand() (variable, string, error) {
	start := p.pos
	switch quote := p.peek(); {
	case quote == '"' || quote == '\'':
		value, err := p.quoted(quote)
		return noVariable, value, err
	case isWordByte(quote):
		name := p.name()
		if v := variableNamed(name); v != noVariable {
			return v, "", nil
		}
		return noVariable, "", p.errorf(start, "unknown variable %q, want one of %s",
			name, strings.Join(variableNames[osName:], ", "))
	}
	return noVariable, "", p.errorf(start, "expected a variable or a quoted string, found %s", p.found())
}

// quoted reads a string. There are no escapes in it: the specification does not define any.
func (p *markerParser) quoted(quote byte) (string, error) {
	start := p.pos
	length := strings.IndexByte(p.text[start+1:], quote)
	if length < 0 {
		return "", p.errorf(start, "the string is not closed, want %c at its end", quote)
	}
	p.pos = start + length + 2
	value := p.text[start+1 : p.pos-1]
	if i := strings.IndexAny(value, "\\\n\r\x00"); i >= 0 {
		return "", p.errorf(start+1+i, "character %q is not allowed in a string", value[i])
	}
	return value, nil
}

func (p *markerParser) operator() (operator, error) {
	if op := scanOperator(p.text[p.pos:]); op != noOperator {
		p.pos += len(op.String())
		return op, nil
	}
	if p.word("in") {
		return in, nil
	}
	start := p.pos
	if p.word("not") {
		if p.space() && p.word("in") {
			return notIn, nil
		}
		return noOperator, p.errorf(p.pos, `expected "in" after "not", found %s`, p.found())
	}
	return noOperator, p.errorf(start, "expected ==, !=, <=, >=, <, >, ~=, ===, in or not in, found %s", p.found())
}
