package pyfile

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// This file is the only one that knows the TOML library. It turns bytes into a tree of nodes with positions. Problems
// of the syntax go into the tree's errs; what could be read is in the tree all the same.

// maxSyntaxErrors ends the reading of a file that is not TOML at all, such as a Dockerfile.
const maxSyntaxErrors = 10

// tree is a TOML file.
type tree struct {
	*source
	root     *node
	comments []comment
	errs     Errors // what is not TOML, and what is set twice
	broken   bool   // a part of the file could not be read

	table *node  // that of the last header
	path  *trail // its name
}

// trail is the name of a value: its last part, and the table that it is in. It is a chain, so that values nested a
// thousand deep do not each hold a thousand names.
type trail struct {
	in   *trail
	name string
}

func (p *trail) to(name string) *trail { return &trail{in: p, name: name} }

func (p *trail) String() string {
	var parts []string
	for ; p != nil; p = p.in {
		parts = append(parts, p.name)
	}
	slices.Reverse(parts)
	return dottedName(parts...)
}

// parseTree reads TOML. A line that is not TOML is reported and left out, if it is certain where it ends.
func parseTree(data []byte) *tree {
	root := &node{kind: tableNode}
	t := &tree{source: newSource(data), root: root, table: root}
	base := 0
	if strings.HasPrefix(string(data), "\uFEFF") {
		base = len("\uFEFF")
	}
	for base < len(data) && len(t.errs) < maxSyntaxErrors {
		p := &unstable.Parser{KeepComments: true}
		// The library finds the offset of a slice by its capacity, so the capacity must end with the data.
		p.Reset(data[base:len(data):len(data)])
		r := reader{tree: t, p: p, base: base}
		for p.NextExpression() {
			r.expression(p.Expression())
		}
		if p.Error() == nil {
			break
		}
		next := r.syntaxError(p.Error())
		if next <= base {
			break
		}
		base = next
	}
	return t
}

// reader reads one stretch of the file that has no syntax error but at its end.
type reader struct {
	*tree
	p    *unstable.Parser
	base int // offset of the stretch in the file
	end  int // offset in the file behind the last expression read
}

func (r *reader) offset(raw unstable.Range) (start, end int) {
	start = r.base + int(raw.Offset)
	return start, start + int(raw.Length)
}

func (r *reader) rangeOf(raw unstable.Range) Range { return r.span(r.offset(raw)) }

// syntaxError reports err and returns the offset to go on from, or 0 when that is not certain: the rest of an unfinished
// list, or the keys below a broken header, would be reported as what they are not.
func (r *reader) syntaxError(err error) (next int) {
	r.broken = true
	at, msg := len(r.data), err.Error()
	width := 0
	var perr *unstable.ParserError
	if errors.As(err, &perr) {
		msg = perr.Message
		if o := len(r.data) - cap(perr.Highlight); o >= 0 && o <= len(r.data) {
			at = o
			width = len(strings.TrimRight(string(perr.Highlight[:min(len(perr.Highlight), len(r.data)-o)]), "\r\n"))
		}
	}
	where := r.span(at, at+width)
	// The broken expression begins at the first byte behind what was read that is not blank.
	first := max(r.end, r.base)
	for first < at && strings.IndexByte(" \t\r\n", r.data[first]) >= 0 {
		first++
	}
	line, begun := r.line(where.Start.Line), r.pos(first).Line
	var hint string
	if begun == where.Start.Line {
		msg, hint = syntaxAdvice(line, msg)
	} else {
		msg, hint = "not valid TOML: "+msg, "the value that begins on line "+strconv.Itoa(begun)+" is not closed before this"
	}
	r.errs = append(r.errs, &Error{Range: where, Msg: msg, Hint: hint})
	if begun != where.Start.Line || strings.HasPrefix(strings.TrimSpace(line), "[") {
		return 0
	}
	return r.nextLine(at)
}

// expression adds one line of the file, or one value of several lines, to the tree.
func (r *reader) expression(n *unstable.Node) {
	switch n.Kind {
	case unstable.Comment:
		start, end := r.offset(n.Raw)
		r.comments = append(r.comments, comment{text: string(r.data[start:end]), at: r.span(start, end)})
		r.end = r.nextLine(start)
	case unstable.KeyValue:
		_, end := r.offset(n.Raw)
		r.end = r.nextLine(end)
		r.keyValue(r.table, r.path, n)
	case unstable.Table, unstable.ArrayTable:
		parts, end := r.parts(n.Key())
		r.end = r.nextLine(end)
		r.header(parts, n.Kind == unstable.ArrayTable)
	}
}

// parts reads a dotted key and the offset of its end.
func (r *reader) parts(it unstable.Iterator) (parts []part, end int) {
	for it.Next() {
		k := it.Node()
		parts = append(parts, part{name: string(k.Data), at: r.rangeOf(k.Raw)})
		_, end = r.offset(k.Raw)
	}
	return parts, end
}

// keyValue adds "key = value" to a table. path is the table's name, for messages.
func (r *reader) keyValue(table *node, path *trail, n *unstable.Node) {
	parts, start := r.parts(n.Key())
	_, end := r.offset(n.Raw)
	// The library keeps no range of lists and tables; they begin behind the equals sign.
	for start < end && strings.IndexByte(" \t=", r.data[start]) >= 0 {
		start++
	}
	full := path
	for _, p := range parts {
		full = full.to(p.name)
	}
	value := r.value(n.Value(), r.span(start, end), full)

	last := len(parts) - 1
	for _, p := range parts[:last] {
		path = path.to(p.name)
		e := table.get(p.name)
		if e == nil {
			e = table.add(p.name, p.at, &node{kind: tableNode, at: p.at, form: dotted})
		} else if e.value.kind != tableNode || e.value.form != dotted {
			r.twice(e, parts[last].at, path.String())
			return
		}
		table = e.value
	}
	if e := table.get(parts[last].name); e != nil {
		r.twice(e, parts[last].at, full.String())
		return
	}
	table.add(parts[last].name, parts[last].at, value)
}

// header makes the table of [a.b] or [[a.b]] the one that the following keys go to.
func (r *reader) header(parts []part, list bool) {
	r.path = nil
	table, last := r.root, len(parts)-1
	for _, p := range parts[:last] {
		r.path = r.path.to(p.name)
		e := table.get(p.name)
		switch {
		case e == nil:
			e = table.add(p.name, p.at, &node{kind: tableNode, at: p.at, form: implied})
			table = e.value
		case e.value.kind == tableNode && e.value.form != inline:
			table = e.value
		case e.value.kind == listNode && e.value.form == headed:
			table = e.value.items[len(e.value.items)-1]
		default:
			r.twice(e, p.at, "["+r.path.String()+"]")
			r.table = &node{kind: tableNode} // its keys have no place
			return
		}
	}
	p := parts[last]
	r.path = r.path.to(p.name)
	e := table.get(p.name)
	made := &node{kind: tableNode, at: p.at, form: headed}
	switch {
	case e == nil && list:
		table.add(p.name, p.at, &node{kind: listNode, at: p.at, form: headed, items: []*node{made}})
	case e == nil:
		table.add(p.name, p.at, made)
	case list && e.value.kind == listNode && e.value.form == headed:
		e.value.items = append(e.value.items, made)
	case !list && e.value.kind == tableNode && e.value.form == implied:
		e.value.form = headed
		made = e.value
	default:
		r.twice(e, p.at, "["+r.path.String()+"]")
		if e.value.kind == tableNode {
			made = e.value // what its keys are is checked all the same
		}
	}
	r.table = made
}

// twice reports a name that has a value already.
func (r *reader) twice(first *entry, at Range, name string) {
	r.errs = append(r.errs, &Error{
		Range: at,
		Msg:   name + " is set twice",
		Hint:  "first set on line " + strconv.Itoa(first.at.Start.Line),
	})
}

// value reads a value that stands at the given range. path is its name, for messages about the keys in it.
func (r *reader) value(n *unstable.Node, at Range, path *trail) *node {
	out := &node{at: at, text: string(n.Data)}
	switch n.Kind {
	case unstable.String:
		out.kind = stringNode
	case unstable.Integer:
		out.kind = integerNode
	case unstable.Float:
		out.kind = floatNode
	case unstable.Bool:
		out.kind = boolNode
	case unstable.Array:
		out.kind, out.text = listNode, ""
		for it := n.Children(); it.Next(); {
			item := it.Node()
			if item.Kind == unstable.Comment {
				continue
			}
			where := at // of a list in a list the library does not tell more
			if item.Kind != unstable.Array {
				where = r.rangeOf(item.Raw)
			}
			out.items = append(out.items, r.value(item, where, path))
		}
	case unstable.InlineTable:
		out.kind, out.text = tableNode, ""
		for it := n.Children(); it.Next(); {
			if it.Node().Kind == unstable.KeyValue {
				r.keyValue(out, path, it.Node())
			}
		}
	default:
		out.kind = dateNode
	}
	if out.kind == dateNode || out.kind == integerNode || out.kind == floatNode {
		r.scalar(out)
	}
	return out
}

// scalar checks what the library's parser leaves to its decoder: that a date exists, and that a number fits.
func (r *reader) scalar(n *node) {
	var v struct{ V any }
	if err := toml.Unmarshal([]byte("V = "+n.text+"\n"), &v); err != nil {
		r.errs = append(r.errs, &Error{
			Range: n.at,
			Msg:   clip(n.text) + " is not " + n.kind.String() + " of TOML",
		})
	}
}
