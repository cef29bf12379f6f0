package lock

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/org/pyfile/pyfile"
)

// This file is the only one that knows the TOML library. A lock of a few hundred packages has tens of thousands of values, so
// nodes hold byte offsets, and strings share the text of the file. Once parsed, a document does not change.

// kind is what a node is.
type kind uint8

const (
	stringNode kind = iota + 1
	integerNode
	floatNode
	boolNode
	dateNode
	listNode
	tableNode
	nullNode // of JSON
)

// String completes "must be a string, not ...".
func (k kind) String() string {
	switch k {
	case stringNode:
		return "a string"
	case integerNode:
		return "a whole number"
	case floatNode:
		return "a decimal number"
	case boolNode:
		return "true or false"
	case dateNode:
		return "a date"
	case listNode:
		return "a list"
	case tableNode:
		return "a table"
	case nullNode:
		return "null"
	}
	return "nothing"
}

// form is how a table came to be. A header may go on with some forms and not with others.
type form uint8

const (
	inline  form = iota // { ... }, or a list [ ... ]: complete where it stands
	implied             // a part of a longer header
	headed              // [name] or [[name]]
	dotted              // a part of a dotted key
)

// node is one value of the file.
type node struct {
	kind    kind
	form    form
	at      span
	text    string  // a string's value; any other scalar as it stands in the file
	items   []*node // of a list
	entries []entry // of a table, in file order
	index   map[string]*node
}

// entry is one key of a table.
type entry struct {
	name  string
	at    span
	value *node
}

// span is a stretch of the file in bytes; end is exclusive.
type span struct{ start, end int }

// wideTable is the number of entries from which a table has an index.
const wideTable = 16

// get returns the value of a key, or nil.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	if n.index != nil {
		return n.index[name]
	}
	for i := range n.entries {
		if n.entries[i].name == name {
			return n.entries[i].value
		}
	}
	return nil
}

// add puts a new key behind the others.
func (n *node) add(name string, at span, value *node) {
	n.entries = append(n.entries, entry{name, at, value})
	switch {
	case n.index != nil:
		n.index[name] = value
	case len(n.entries) == wideTable:
		n.index = make(map[string]*node, 2*wideTable)
		for _, e := range n.entries {
			n.index[e.name] = e.value
		}
	}
}

// document is a TOML file.
type document struct {
	name  string // path, for errors
	text  string
	lines []int // offsets of the first byte of each line
	root  *node
	slab  []node // nodes to hand out

	table *node    // that of the last header
	path  []string // its name
	errs  pyfile.Errors
}

// parse reads TOML. Reading ends at the first line that is not TOML; keys that are set twice are reported together.
func parse(name string, data []byte) (*document, pyfile.Errors) {
	data = data[:len(data):len(data)] // the library finds the offset of a slice by its capacity
	d := &document{name: name, text: string(data), root: &node{kind: tableNode, form: headed}}
	d.table, d.lines = d.root, lineStarts(d.text)
	p := &unstable.Parser{}
	p.Reset(data)
	for p.NextExpression() {
		switch n := p.Expression(); n.Kind {
		case unstable.KeyValue:
			d.keyValue(d.table, d.path, n)
		case unstable.Table, unstable.ArrayTable:
			d.header(n)
		}
	}
	if err := p.Error(); err != nil {
		d.syntax(err, cap(data))
	}
	return d, d.errs
}

func (d *document) syntax(err error, size int) {
	at := span{len(d.text), len(d.text)}
	var perr *unstable.ParserError
	if errors.As(err, &perr) {
		if o := size - cap(perr.Highlight); o >= 0 && o+len(perr.Highlight) <= len(d.text) {
			at = span{o, o + len(strings.TrimRight(string(perr.Highlight), "\r\n"))} // the next line is no part of it
		}
	}
	d.errs = append(d.errs, d.errorAt(at, "not valid TOML: "+err.Error(), ""))
}

// errorAt is a problem at a place of the file.
func (d *document) errorAt(at span, msg, hint string) *pyfile.Error {
	return &pyfile.Error{File: d.name, Range: d.span(at), Msg: msg, Hint: hint}
}

func (d *document) span(at span) pyfile.Range {
	return pyfile.Range{Start: d.pos(at.start), End: d.pos(at.end)}
}

func (d *document) pos(offset int) pyfile.Pos {
	line, found := slices.BinarySearch(d.lines, offset)
	if !found {
		line--
	}
	return pyfile.Pos{Line: line + 1, Col: offset - d.lines[line] + 1}
}

// lineStarts are the offsets of the first byte of each line.
func lineStarts(text string) []int {
	lines := make([]int, 1, 1+strings.Count(text, "\n"))
	for at := 0; ; {
		n := strings.IndexByte(text[at:], '\n')
		if n < 0 {
			return lines
		}
		at += n + 1
		lines = append(lines, at)
	}
}

// newNode hands out nodes from a slab: one allocation for many.
func (d *document) newNode() *node {
	if len(d.slab) == 0 {
		d.slab = make([]node, 512)
	}
	n := &d.slab[0]
	d.slab = d.slab[1:]
	return n
}

// spanOf turns a range of the library into a span.
func spanOf(r unstable.Range) span {
	return span{int(r.Offset), int(r.Offset) + int(r.Length)}
}

// share returns the text of a node. Where the file has the same bytes between quotes or bare, it shares the file's memory.
func (d *document) share(n *unstable.Node) string {
	for quotes := 0; quotes <= 3; quotes++ {
		from, to := int(n.Raw.Offset)+quotes, int(n.Raw.Offset+n.Raw.Length)-quotes
		if to-from == len(n.Data) && d.text[from:to] == string(n.Data) {
			return d.text[from:to]
		}
	}
	return string(n.Data)
}

// keyValue adds key = value to a table whose name is path.
func (d *document) keyValue(table *node, path []string, n *unstable.Node) {
	var keys []entry
	var first [4]entry
	keys = first[:0]
	for it := n.Key(); it.Next(); {
		keys = append(keys, entry{name: d.share(it.Node()), at: spanOf(it.Node().Raw)})
	}
	last := len(keys) - 1
	for i, k := range keys[:last] {
		next := table.get(k.name)
		switch {
		case next == nil:
			next = d.newNode()
			*next = node{kind: tableNode, form: dotted, at: k.at}
			table.add(k.name, k.at, next)
		case next.kind != tableNode || next.form != dotted:
			d.twice(keys[last].at, next, path, names(keys[:i+1]))
			return
		}
		table = next
	}
	k := keys[last]
	if old := table.get(k.name); old != nil {
		d.twice(k.at, old, path, names(keys))
		return
	}
	value := d.value(n.Value(), k.at, path)
	table.add(k.name, k.at, value)
}

func names(keys []entry) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.name
	}
	return out
}

// twice reports a key that has a value already.
func (d *document) twice(at span, first *node, path, keys []string) {
	name := strings.Join(append(slices.Clone(path), keys...), ".")
	d.errs = append(d.errs, d.errorAt(at, name+" is set twice", "first set on line "+strconv.Itoa(d.pos(first.at.start).Line)))
}

// header makes the table of [a.b] or [[a.b]] the one that the following keys go to.
func (d *document) header(n *unstable.Node) {
	var keys []entry
	for it := n.Key(); it.Next(); {
		keys = append(keys, entry{name: d.share(it.Node()), at: spanOf(it.Node().Raw)})
	}
	d.path = names(keys)
	table, last := d.root, len(keys)-1
	for i, k := range keys[:last] {
		next := table.get(k.name)
		switch {
		case next == nil:
			next = d.newNode()
			*next = node{kind: tableNode, form: implied, at: k.at}
			table.add(k.name, k.at, next)
		case next.kind == listNode && next.form == headed:
			next = next.items[len(next.items)-1]
		case next.kind != tableNode || next.form == inline:
			d.twice(k.at, next, nil, d.path[:i+1])
			d.table = &node{kind: tableNode} // its keys have no place
			return
		}
		table = next
	}
	k := keys[last]
	old := table.get(k.name)
	list := n.Kind == unstable.ArrayTable
	switch {
	case old == nil || list && old.kind == listNode && old.form == headed:
		made := d.newNode()
		*made = node{kind: tableNode, form: headed, at: k.at}
		d.table = made
		switch {
		case !list:
			table.add(k.name, k.at, made)
		case old == nil:
			table.add(k.name, k.at, &node{kind: listNode, form: headed, at: k.at, items: []*node{made}})
		default:
			old.items = append(old.items, made)
		}
	case !list && old.kind == tableNode && old.form == implied:
		old.form, old.at = headed, k.at
		d.table = old
	default:
		d.twice(k.at, old, nil, d.path)
		d.table = &node{kind: tableNode}
	}
}

// value reads a value. The library keeps no place of a list or an inline table, so they have that of their key.
func (d *document) value(n *unstable.Node, key span, path []string) *node {
	out := d.newNode()
	switch n.Kind {
	case unstable.Array:
		*out = node{kind: listNode, at: key}
		count := 0
		for it := n.Children(); it.Next(); {
			count++
		}
		out.items = make([]*node, 0, count)
		for it := n.Children(); it.Next(); {
			item := it.Node()
			at := key
			if item.Kind == unstable.InlineTable {
				at = spanOf(item.Raw) // the opening brace
			}
			out.items = append(out.items, d.value(item, at, path))
		}
	case unstable.InlineTable:
		*out = node{kind: tableNode, at: key, entries: make([]entry, 0, 4)}
		for it := n.Children(); it.Next(); {
			d.keyValue(out, path, it.Node())
		}
	default:
		*out = node{kind: scalarKind(n.Kind), at: spanOf(n.Raw), text: d.share(n)}
	}
	return out
}

func scalarKind(k unstable.Kind) kind {
	switch k {
	case unstable.String:
		return stringNode
	case unstable.Integer:
		return integerNode
	case unstable.Float:
		return floatNode
	case unstable.Bool:
		return boolNode
	}
	return dateNode
}
