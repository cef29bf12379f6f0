package pyfile

import (
	"slices"
	"strings"
)

// decodeArgs reads [args] before everything else, because every other string may use them. given are the values that
// the user builds with; they are taken as they are.
func (d *decoder) decodeArgs(given map[string]string) {
	shown := d.prefix + "args"
	for _, e := range d.argTable.entries {
		if !d.checkName(argName, shown, e) {
			continue
		}
		value, ok := d.text(e.value, join(shown, e.name), func() string { return d.pairHint(shown, e) })
		d.known = append(d.known, e.name)
		if !ok {
			continue
		}
		arg := Arg{Name: String{Value: e.name, Range: e.at}, Default: value, Value: value.Value}
		if v, ok := given[e.name]; ok {
			arg.Value = v
		}
		d.args[e.name] = arg.Value
		d.file.Args = append(d.file.Args, arg)
	}
}

// replace puts the values of [args] in the place of ${NAME}. It returns false when that is not possible. shown names the
// key, for messages.
func (d *decoder) replace(s string, at Range, shown string) (string, bool) {
	ok := true
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		switch {
		case strings.HasPrefix(s, "$${"):
			b.WriteString("${")
			s = s[len("$${"):]
		case strings.HasPrefix(s, "${"):
			name, rest, closed := strings.Cut(s[len("${"):], "}")
			if !closed {
				d.report(at, "write ${NAME}, or $${ for a plain ${", "%s: ${ without }", shown)
				return "", false
			}
			value, found := d.args[name]
			if !found {
				ok = false
				d.unknownArg(name, at, shown)
			}
			b.WriteString(value)
			s = rest
		default:
			b.WriteByte('$')
			s = s[1:]
		}
	}
	b.WriteString(s)
	return b.String(), ok
}

func (d *decoder) unknownArg(name string, at Range, shown string) {
	table := "[" + d.prefix + "args]"
	near := Suggest(name, d.known)
	switch {
	case slices.Contains(d.known, name):
		// Its default is wrong, and that is reported there.
	case d.argTable != nil && d.argTable.get(name) != nil:
		d.report(at, "move "+name+" above it", "%s: ${%s} stands further down; a default may use the arguments above it", shown, name)
	case near != "":
		d.report(at, "did you mean ${"+near+"}?", "%s: ${%s} is not in %s", shown, clip(name), table)
	case argName.check(name) != nil:
		d.report(at, "write ${NAME} with a name of "+table+", or $${ for a plain ${", "%s: ${%s} is not in %s", shown, clip(name), table)
	default:
		d.report(at, "add "+name+" to "+table+", or write $${"+name+"} for the plain text", "%s: ${%s} is not in %s", shown, clip(name), table)
	}
}
