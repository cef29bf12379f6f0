package pyfile

import (
	"slices"
	"strings"
)

// kind is what a node of the tree is. Its String is the word a message uses.
type kind int

const (
	stringNode kind = iota + 1
	integerNode
	floatNode
	boolNode
	dateNode // dates and times of every sort: no key takes one
	listNode
	tableNode
)

// String completes "must be a string, not ...".
func (k kind) String() string {
	switch k {
	case stringNode:
		return "a string"
	case integerNode, floatNode:
		return "a number"
	case boolNode:
		return "true or false"
	case dateNode:
		return "a date"
	case listNode:
		return "a list"
	case tableNode:
		return "a table"
	}
	return "unknown"
}

// node is one value of the file.
type node struct {
	kind kind
	text string // a string's value; any other scalar as it stands in the file
	at   Range  // a table made by a header has the range of its name there

	items   []*node  // of a list
	entries []*entry // of a table, in file order
	index   map[string]*entry
	form    form // of a table, or of a list of tables
}

// form is how a table came to be. TOML lets a header reopen only what another header implied.
type form int

const (
	inline  form = iota // { ... }, or a list [ ... ]: complete where it stands
	implied             // a part of a longer header: [implied.x]
	headed              // [headed] or [[headed]]
	dotted              // a part of a dotted key: dotted.x = 1
)

// entry is one key of a table.
type entry struct {
	name  string
	at    Range
	value *node
}

// get returns the entry of that name, or nil.
func (n *node) get(name string) *entry { return n.index[name] }

// add puts a new entry behind the others. The name must not be there yet.
func (n *node) add(name string, at Range, value *node) *entry {
	if n.index == nil {
		n.index = map[string]*entry{}
	}
	e := &entry{name: name, at: at, value: value}
	n.index[name] = e
	n.entries = append(n.entries, e)
	return e
}

// part is one part of a dotted key.
type part struct {
	name string
	at   Range
}

// comment is a comment that has a line for itself.
type comment struct {
	text string // with its #
	at   Range
}

// source knows where the lines of a file begin.
type source struct {
	data  []byte
	lines []int // offset of the first byte of each line
}

func newSource(data []byte) *source {
	s := &source{data: data, lines: []int{0}}
	for i, c := range data {
		if c == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// pos turns a byte offset into line and column.
func (s *source) pos(offset int) Pos {
	line, found := slices.BinarySearch(s.lines, offset)
	if !found {
		line--
	}
	return Pos{Line: line + 1, Col: offset - s.lines[line] + 1}
}

// span is the range from one offset up to another.
func (s *source) span(start, end int) Range {
	return Range{Start: s.pos(start), End: s.pos(end)}
}

// nextLine is the offset behind the line that holds offset.
func (s *source) nextLine(offset int) int {
	if line := s.pos(offset).Line; line < len(s.lines) {
		return s.lines[line]
	}
	return len(s.data)
}

// line returns the text of a line, counted from 1, without its end.
func (s *source) line(n int) string {
	start, end := s.lines[n-1], len(s.data)
	if n < len(s.lines) {
		end = s.lines[n]
	}
	return strings.TrimRight(string(s.data[start:end]), "\r\n")
}

// dottedName writes the parts of a key the way TOML does, with quotes where a part needs them.
func dottedName(parts ...string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		if isBare(p) {
			out[i] = clip(p)
		} else {
			out[i] = quote(p)
		}
	}
	return strings.Join(out, ".")
}

// isBare tells whether TOML takes the word as a key without quotes.
func isBare(s string) bool {
	for _, c := range []byte(s) {
		if !isAlnum(c) && c != '-' && c != '_' {
			return false
		}
	}
	return s != ""
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
