package python

import "strings"

// Requirement names a project and says which of its releases will do (dependency specifiers specification).
type Requirement struct {
	Name       string     // as written, see NormalizeName
	Extras     []string   // as written
	Specifiers Specifiers // zero when there is a URL
	URL        string     // of "name @ url", not checked
	Marker     Marker
}

// ParseRequirement reads a requirement like `name[extra] >=1.0,<2; python_version < "3.13"` or
// `name @ https://index.example/name.whl`. Specifiers in parentheses (PEP 345) are accepted. A URL ends at white space,
// so a marker behind a URL needs some before its semicolon.
func ParseRequirement(s string) (Requirement, error) {
	p := requirementParser{scanner{kind: "requirement", text: s}}
	r, err := p.requirement()
	if err != nil {
		return Requirement{}, err
	}
	return r, nil
}

// String returns the requirement in one form that ParseRequirement reads again.
func (r Requirement) String() string {
	var b strings.Builder
	b.WriteString(r.Name)
	if len(r.Extras) > 0 {
		b.WriteString("[" + strings.Join(r.Extras, ",") + "]")
	}
	b.WriteString(r.Specifiers.String())
	if r.URL != "" {
		b.WriteString(" @ " + r.URL)
		if !r.Marker.IsZero() {
			b.WriteByte(' ')
		}
	}
	if !r.Marker.IsZero() {
		b.WriteString("; " + r.Marker.String())
	}
	return b.String()
}

type requirementParser struct {
	scanner
}

func (p *requirementParser) requirement() (r Requirement, err error) {
	p.space()
	if r.Name, err = p.projectName("the name of a project"); err != nil {
		return r, err
	}
	p.space()
	if p.accept('[') {
		if r.Extras, err = p.extras(); err != nil {
			return r, err
		}
		p.space()
	}
	if p.accept('@') {
		p.space()
		if r.URL = p.url(); r.URL == "" {
			return r, p.errorf(p.pos, "expected a URL after @, found %s", p.found())
		}
	} else if r.Specifiers, err = p.specifiers(); err != nil {
		return r, err
	}
	p.space()
	if p.end() {
		return r, nil
	}
	if !p.accept(';') {
		return r, p.errorf(p.pos, `expected %s or the end, found %s`, p.expected(r), p.found())
	}
	m := markerParser{scanner: p.scanner}
	r.Marker, err = m.marker()
	return r, err
}

// expected names what may follow the part of the requirement that was read, for a message.
func (p *requirementParser) expected(r Requirement) string {
	switch {
	case r.URL != "":
		return `";"`
	case len(r.Specifiers.list) > 0:
		return `",", ";"`
	case len(r.Extras) > 0:
		return `a specifier like >=1.0, "@", ";"`
	}
	return `a specifier like >=1.0, "[", "@", ";"`
}

func (p *requirementParser) projectName(what string) (string, error) {
	start := p.pos
	name := p.identifier()
	switch {
	case name == "":
		return "", p.errorf(start, "expected %s, found %s", what, p.found())
	case !ValidName(name):
		return "", p.errorf(start, "%q is not a name, want a letter or digit at both ends", name)
	}
	return name, nil
}

// extras reads names up to "]".
func (p *requirementParser) extras() ([]string, error) {
	var names []string
	p.space()
	if p.accept(']') {
		return nil, nil
	}
	for {
		name, err := p.projectName("the name of an extra")
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		p.space()
		if p.accept(']') {
			return names, nil
		}
		if !p.accept(',') {
			return nil, p.errorf(p.pos, `expected "," or "]", found %s`, p.found())
		}
		p.space()
	}
}

// url reads up to white space.
func (p *requirementParser) url() string {
	start := p.pos
	for !p.end() && p.peek() != ' ' && p.peek() != '\t' {
		p.pos++
	}
	return p.text[start:p.pos]
}

func (p *requirementParser) specifiers() (Specifiers, error) {
	open := p.pos
	parenthesised := p.accept('(')
	p.space()
	start := p.pos
	for {
		op := scanOperator(p.text[p.pos:])
		if op == noOperator {
			break
		}
		p.pos += len(op.String())
		p.versionText(op)
		p.space()
		if !p.accept(',') {
			break
		}
		p.space()
	}
	specs, err := ParseSpecifiers(p.text[start:p.pos])
	if err != nil {
		return specs, p.errorf(start, "%v", err)
	}
	if parenthesised && !p.accept(')') {
		return specs, p.errorf(open, `expected "," or ")" after the specifiers, found %s`, p.found())
	}
	return specs, nil
}

// versionText steps over the version behind an operator. That of === may hold commas.
func (p *requirementParser) versionText(op operator) {
	rest := strings.TrimLeftFunc(p.text[p.pos:], isSpace)
	length := strings.IndexFunc(rest, func(r rune) bool {
		return isSpace(r) || r == ';' || r == ')' || r == ',' && op != arbitrary
	})
	if length < 0 {
		length = len(rest)
	}
	p.pos = len(p.text) - len(rest) + length
}
