package lock

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pythonJSON writes values of a TOML file as Python's json.dumps(..., sort_keys=True) does, for hashes of that text.
type pythonJSON struct {
	b       strings.Builder
	unknown bool // a value was met that Python writes in a way that is not followed here: decimal numbers and dates
}

// key begins a member of the outermost object; keys must come sorted.
func (j *pythonJSON) key(name string) *pythonJSON {
	if j.b.Len() > 0 {
		j.b.WriteString(", ")
	}
	j.quote(name)
	j.b.WriteString(": ")
	return j
}

// orElse writes a value, or a text when there is none.
func (j *pythonJSON) orElse(n *node, text string) {
	if n == nil {
		j.b.WriteString(text)
		return
	}
	j.value(n)
}

func (j *pythonJSON) String() string { return "{" + j.b.String() + "}" }

func (j *pythonJSON) value(n *node) {
	switch n.kind {
	case stringNode:
		j.quote(n.text)
	case boolNode:
		j.b.WriteString(n.text)
	case integerNode:
		v, err := strconv.ParseInt(strings.ReplaceAll(n.text, "_", ""), 0, 64)
		j.unknown = j.unknown || err != nil
		j.b.WriteString(strconv.FormatInt(v, 10))
	case listNode:
		j.b.WriteByte('[')
		for i, item := range n.items {
			if i > 0 {
				j.b.WriteString(", ")
			}
			j.value(item)
		}
		j.b.WriteByte(']')
	case tableNode:
		entries := slices.SortedFunc(slices.Values(n.entries), func(a, b entry) int { return strings.Compare(a.name, b.name) })
		j.b.WriteByte('{')
		for i, e := range entries {
			if i > 0 {
				j.b.WriteString(", ")
			}
			j.quote(e.name)
			j.b.WriteString(": ")
			j.value(e.value)
		}
		j.b.WriteByte('}')
	default:
		j.unknown = true
	}
}

// quote writes a string with everything but ASCII escaped.
func (j *pythonJSON) quote(s string) {
	j.b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			j.b.WriteByte('\\')
			j.b.WriteRune(r)
		case r == '\n':
			j.b.WriteString(`\n`)
		case r == '\r':
			j.b.WriteString(`\r`)
		case r == '\t':
			j.b.WriteString(`\t`)
		case r == '\b':
			j.b.WriteString(`\b`)
		case r == '\f':
			j.b.WriteString(`\f`)
		case r >= ' ' && r <= '~':
			j.b.WriteRune(r)
		case r >= 0x10000 && r <= utf8.MaxRune:
			r -= 0x10000
			fmt.Fprintf(&j.b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&j.b, `\u%04x`, r)
		}
	}
	j.b.WriteByte('"')
}
