package pyfile

import (
	"slices"
	"strconv"
	"strings"
)

// key reads the value of one key into its place.
func (d *decoder) key(k *key, shown string, e *entry) {
	switch to := places[k.path](d.file).(type) {
	case *String:
		*to = d.string(k, shown, e)
	case *List:
		*to = d.list(k, shown, e)
	case stringOrList:
		*to.isList = e.value.kind == listNode
		if *to.isList {
			*to.list = d.list(k, shown, e)
		} else if s := d.string(k, shown, e); s.Set() {
			*to.list = List{Items: []String{s}, Range: e.at}
		}
	case *Bool:
		*to = d.bool(k, shown, e)
	case *Int:
		*to = d.int(k, shown, e)
	case *[]Pair:
		*to = d.pairs(k, shown, e)
	case *[]Setting:
		*to = d.settings(k, shown, e)
	case *[]Arg: // not a table: the table was read before
		d.wrongTable(k, shown, e)
	}
}

// text reads a string and replaces what stands for arguments. hint is asked when it is something else.
func (d *decoder) text(n *node, shown string, hint func() string) (String, bool) {
	if n.kind != stringNode {
		note := ""
		if n.kind == floatNode && strings.HasSuffix(n.text, "0") && strings.HasSuffix(shown, "python") {
			note = " (" + n.text + " would mean " + strings.TrimRight(n.text, "0") + ")"
		}
		d.report(n.at, hint(), "%s must be a string, not %s%s", shown, n.kind, note)
		return String{}, false
	}
	value, ok := d.replace(n.text, n.at, shown)
	if ok && strings.ContainsRune(value, 0) {
		d.report(n.at, "", "%s must not contain a NUL character", shown)
		ok = false
	}
	return String{Value: value, Range: n.at}, ok
}

// string reads a string that follows the key's grammar. It returns the zero String for a wrong one.
func (d *decoder) string(k *key, shown string, e *entry) String {
	left := dottedName(e.name) + " = "
	if k.typ == typeStringOrList && e.value.kind != stringNode {
		d.report(e.value.at, writeExample(k), "%s must be a string or a list of strings, not %s", shown, e.value.kind)
		return String{}
	}
	s, ok := d.text(e.value, shown, func() string {
		n := e.value
		if n.kind == listNode && len(n.items) == 1 {
			n = n.items[0]
		}
		if n.kind != tableNode && n.kind != listNode {
			if value, ok := k.rightForm(n.text); ok {
				return "write " + left + quote(value)
			}
		}
		return writeExample(k)
	})
	if !ok || !d.check(k, shown, left, e.value, s) {
		return String{}
	}
	return s
}

// list reads a list of strings. Range is that of the key, so that an empty list differs from none.
func (d *decoder) list(k *key, shown string, e *entry) List {
	left := dottedName(e.name) + " = "
	if e.value.kind != listNode {
		want := "a list of strings"
		if k.typ == typePorts {
			want = "a list of ports"
		}
		d.report(e.value.at, d.listHint(k, left, e.value), "%s must be %s, not %s", shown, want, e.value.kind)
		return List{}
	}
	if len(e.value.items) == 0 && k.nonEmpty {
		d.report(e.value.at, writeExample(k), "%s must not be empty", shown)
		return List{}
	}
	out := List{Range: e.at}
	for i, n := range e.value.items {
		item := shown + ": every item"
		if k.typ == typePorts && n.kind == integerNode {
			if v, err := strconv.ParseInt(n.text, 0, 64); err == nil {
				n = &node{kind: stringNode, text: strconv.FormatInt(v, 10), at: n.at}
			}
		}
		s, ok := d.text(n, item, func() string {
			if n.kind == listNode || n.kind == tableNode {
				return writeExample(k)
			}
			return "write " + quote(n.text)
		})
		if !ok || !d.check(k, item, "", n, s) {
			continue
		}
		if k.typ == typeCommand && i == 0 && s.Value == "" {
			d.report(s.Range, writeExample(k), "%s: the first item must not be empty", shown)
			continue
		}
		out.Items = append(out.Items, s)
	}
	return out
}

// listHint writes out the list that a single value was meant to be, when that is certain.
func (d *decoder) listHint(k *key, left string, n *node) string {
	switch n.kind {
	case integerNode:
		if k.typ == typePorts {
			return "write " + left + "[" + n.text + "]"
		}
	case stringNode:
		words, ok := splitWords(n.text)
		if k.typ != typeCommand {
			words = strings.FieldsFunc(n.text, func(r rune) bool { return r == ',' || r == ' ' })
			for _, w := range words {
				_, right := k.rightForm(w)
				ok = ok && right
			}
		}
		if ok && len(words) > 0 && isPublic(n.text) {
			for i := range words {
				words[i] = quote(words[i])
			}
			return "write " + left + "[" + strings.Join(words, ", ") + "]"
		}
		if k.typ == typeCommand {
			return "write each argument as a string of its own, as in " + k.example
		}
	}
	return writeExample(k)
}

func (d *decoder) bool(k *key, shown string, e *entry) Bool {
	if e.value.kind == boolNode {
		return Bool{Value: e.value.text == "true", Range: e.value.at}
	}
	hint := writeExample(k)
	switch strings.ToLower(e.value.text) {
	case "true", "yes", "on", "1":
		hint = "write " + dottedName(e.name) + " = true"
	case "false", "no", "off", "0":
		hint = "write " + dottedName(e.name) + " = false"
	}
	d.report(e.value.at, hint, "%s must be true or false, not %s", shown, e.value.kind)
	return Bool{}
}

func (d *decoder) int(k *key, shown string, e *entry) Int {
	v, err := strconv.ParseInt(e.value.text, 0, 64)
	inRange := err == nil && v >= k.min && (k.max == 0 || v <= k.max)
	if e.value.kind == integerNode && err == nil {
		if inRange {
			return Int{Value: v, Range: e.value.at}
		}
		want := "at least " + strconv.FormatInt(k.min, 10)
		if k.max != 0 {
			want = "from " + strconv.FormatInt(k.min, 10) + " to " + strconv.FormatInt(k.max, 10)
		}
		d.report(e.value.at, "", "%s must be %s, not %d", shown, want, v)
		return Int{}
	}
	hint := writeExample(k)
	if e.value.kind == stringNode && inRange {
		hint = "write " + dottedName(e.name) + " = " + strconv.FormatInt(v, 10)
	}
	is := e.value.kind.String()
	if e.value.kind == floatNode {
		is = e.value.text
	}
	d.report(e.value.at, hint, "%s must be a whole number, not %s", shown, is)
	return Int{}
}

// pairs reads a table of strings in file order.
func (d *decoder) pairs(k *key, shown string, e *entry) []Pair {
	if e.value.kind != tableNode {
		d.wrongTable(k, shown, e)
		return nil
	}
	var out []Pair
	for _, p := range e.value.entries {
		if !d.checkName(k.names, shown, p) {
			continue
		}
		value, ok := d.text(p.value, join(shown, p.name), func() string { return d.pairHint(shown, p) })
		if ok {
			out = append(out, Pair{Key: String{Value: p.name, Range: p.at}, Value: value})
		}
	}
	return out
}

// pairHint says what was meant by an entry of a table of strings that is not a string.
func (d *decoder) pairHint(shown string, p *entry) string {
	switch n := p.value; {
	case n.kind == tableNode && len(n.entries) > 0:
		// org.opencontainers.image.title = "x" without quotes is a table in a table.
		parts := []string{p.name}
		for n.kind == tableNode && len(n.entries) > 0 {
			parts = append(parts, n.entries[0].name)
			n = n.entries[0].value
		}
		return "put a name with dots in quotes: write " + quote(strings.Join(parts, ".")) + ` = "..."`
	case keyAt[p.name] != nil && keyAt[p.name].typ != typeString, tableAt[p.name] != nil:
		return p.name + " does not belong to [" + shown + "]: keys of the file itself stand above the first [table]"
	case n.kind == listNode || n.kind == tableNode:
		return "write " + dottedName(p.name) + ` = "..."`
	default:
		return "write " + dottedName(p.name) + " = " + quote(n.text)
	}
}

// settings reads a table of strings and lists of strings in file order.
func (d *decoder) settings(k *key, shown string, e *entry) []Setting {
	if e.value.kind != tableNode {
		d.wrongTable(k, shown, e)
		return nil
	}
	var out []Setting
	for _, p := range e.value.entries {
		if !d.checkName(k.names, shown, p) {
			continue
		}
		setting := Setting{Key: String{Value: p.name, Range: p.at}, Values: List{Range: p.at}}
		values := []*node{p.value}
		name := join(shown, p.name)
		if p.value.kind == listNode {
			values = p.value.items
			name += ": every item"
		}
		for _, v := range values {
			s, ok := d.text(v, name, func() string {
				if v.kind == listNode || v.kind == tableNode {
					return "write " + dottedName(p.name) + ` = "...", or a list of strings`
				}
				return "write " + quote(v.text)
			})
			if ok {
				setting.Values.Items = append(setting.Values.Items, s)
			}
		}
		out = append(out, setting)
	}
	return out
}

func (d *decoder) wrongTable(k *key, shown string, e *entry) {
	example, _, _ := strings.Cut(k.example, "\n")
	d.report(e.value.at, "write a line ["+shown+"], and below it lines such as "+example, "%s must be a table, not %s", shown, e.value.kind)
}

// check tells whether the value is one that the key takes, and reports it otherwise. left is what stands before the value
// in a hint that writes it out; n is the value as the user wrote it.
func (d *decoder) check(k *key, shown, left string, n *node, s String) bool {
	var f *flaw
	switch {
	case k.words != nil && !slices.Contains(k.words, s.Value):
		f = &flaw{must: "be " + choice(k.words)}
		if near := Suggest(s.Value, k.words); near != "" {
			f.hint = "did you mean " + quote(near) + "?"
		}
	case k.syntax != nil:
		f = k.syntax.check(s.Value)
	}
	if f == nil {
		return true
	}
	hint := f.hint
	// A value made of arguments is mended where the argument is set.
	if f.fix != "" && n.text == s.Value && isPublic(f.fix) {
		hint = "write " + left + quote(f.fix)
	}
	if hint == "" && n.text != s.Value {
		hint = "the value comes from [" + d.prefix + "args] or --build-arg"
	}
	msg := shown + " must " + f.must
	if isPublic(s.Value) && (k.syntax == nil || !k.syntax.mute) {
		if strings.HasPrefix(f.must, "be ") && !strings.Contains(f.must, ", not ") {
			msg += ", not " + quote(s.Value)
		} else {
			msg += ": " + quote(s.Value)
		}
	}
	d.report(s.Range, hint, "%s", msg)
	return false
}

// rightForm returns the value in a form that the key takes.
func (k *key) rightForm(value string) (string, bool) {
	if k.words != nil {
		return value, slices.Contains(k.words, value)
	}
	if k.syntax == nil {
		return value, isPublic(value)
	}
	if f := k.syntax.check(value); f != nil {
		value = f.fix
	}
	return value, value != "" && !k.syntax.mute && isPublic(value)
}

func writeExample(k *key) string { return "write it as in " + k.example }

// choice writes "a", "b" or "c".
func choice(words []string) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(quote(w))
	}
	return b.String()
}
