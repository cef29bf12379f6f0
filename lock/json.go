package lock

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/org/pyfile/pyfile"
)

// maxDepth is how deep values may lie in each other. Locks need five.
const maxDepth = 500

// parseJSON reads JSON (RFC 8259) into a document, with the places that encoding/json does not keep. Reading ends at the first byte that
// is not JSON; keys that are set twice are reported together, where other readers would take the last one without a word.
func parseJSON(name string, data []byte) (*document, pyfile.Errors) {
	d := &document{name: name, text: string(data), root: &node{kind: tableNode}}
	d.lines = lineStarts(d.text)
	p := &jsonParser{document: d}
	if at := invalidUTF8(data); at >= 0 {
		p.fail(at, "a byte that is not UTF-8")
		return d, d.errs
	}
	root := p.value(0)
	p.space()
	if !p.failed && p.at < len(d.text) {
		p.fail(p.at, "something behind the end of the value")
	}
	if !p.failed {
		d.root = root
	}
	return d, d.errs
}

// jsonParser reads from left to right. After a failure it stands at the end, so that everything unwinds.
type jsonParser struct {
	*document
	at     int
	failed bool
}

func (p *jsonParser) fail(at int, msg string) *node {
	if !p.failed {
		p.failed = true
		p.errs = append(p.errs, p.errorAt(span{at, at}, "not valid JSON: "+msg, ""))
	}
	p.at = len(p.text)
	return &node{kind: nullNode, at: span{at, at}}
}

// unexpected fails at the next byte.
func (p *jsonParser) unexpected(want string) *node {
	if p.at >= len(p.text) {
		return p.fail(len(p.text), "the file ends where "+want+" should be")
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return p.fail(p.at, strconv.QuoteRune(r)+" where "+want+" should be")
}

func (p *jsonParser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// next steps over white space and returns the next byte, or 0 at the end.
func (p *jsonParser) next() byte {
	p.space()
	if p.at >= len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *jsonParser) value(depth int) *node {
	c := p.next()
	start := p.at
	switch {
	case depth > maxDepth:
		return p.fail(p.at, "values lie too deep in each other")
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		n := p.newNode()
		n.kind, n.text = stringNode, p.str()
		n.at = span{start, p.at}
		return n
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for word, kind := range map[string]kind{"true": boolNode, "false": boolNode, "null": nullNode} {
		if strings.HasPrefix(p.text[p.at:], word) {
			p.at += len(word)
			n := p.newNode()
			n.kind, n.text, n.at = kind, word, span{start, p.at}
			return n
		}
	}
	return p.unexpected("a value")
}

func (p *jsonParser) object(depth int) *node {
	n := p.newNode()
	n.kind, n.at.start = tableNode, p.at
	p.at++
	for first := true; ; first = false {
		c := p.next()
		if c == '}' && first {
			break
		}
		if c != '"' {
			return p.unexpected("a key in double quotes")
		}
		at := span{start: p.at}
		key := p.str()
		at.end = p.at
		if p.next() != ':' {
			return p.unexpected("\":\"")
		}
		p.at++
		value := p.value(depth + 1)
		if p.failed {
			return n
		}
		if old := n.get(key); old != nil {
			p.twice(at, old, nil, []string{key})
		} else {
			n.add(key, at, value)
		}
		if c = p.next(); c == '}' {
			break
		}
		if c != ',' {
			return p.unexpected("\",\" or \"}\"")
		}
		p.at++
	}
	p.at++
	n.at.end = p.at
	return n
}

func (p *jsonParser) array(depth int) *node {
	n := p.newNode()
	n.kind, n.at.start = listNode, p.at
	p.at++
	for first := true; ; first = false {
		if p.next() == ']' && first {
			break
		}
		item := p.value(depth + 1)
		if p.failed {
			return n
		}
		n.items = append(n.items, item)
		c := p.next()
		if c == ']' {
			break
		}
		if c != ',' {
			return p.unexpected("\",\" or \"]\"")
		}
		p.at++
	}
	p.at++
	n.at.end = p.at
	return n
}

// digits steps over digits and tells whether there were any.
func (p *jsonParser) digits() bool {
	start := p.at
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at > start
}

func (p *jsonParser) accept(bytes string) bool {
	if p.at < len(p.text) && strings.IndexByte(bytes, p.text[p.at]) >= 0 {
		p.at++
		return true
	}
	return false
}

func (p *jsonParser) number() *node {
	n := p.newNode()
	n.kind, n.at.start = integerNode, p.at
	p.accept("-")
	if !p.accept("0") && !p.digits() {
		return p.unexpected("a digit")
	}
	if p.accept(".") {
		n.kind = floatNode
		if !p.digits() {
			return p.unexpected("a digit")
		}
	}
	if p.accept("eE") {
		n.kind = floatNode
		p.accept("+-")
		if !p.digits() {
			return p.unexpected("a digit")
		}
	}
	n.at.end = p.at
	n.text = p.text[n.at.start:p.at]
	return n
}

// str reads a string. One without escapes shares the text of the file.
func (p *jsonParser) str() string {
	p.at++
	start := p.at
	var out []byte
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '"':
			p.at++
			if out == nil {
				return p.text[start : p.at-1]
			}
			return string(out)
		case c < ' ':
			p.fail(p.at, "a control character in a string")
			return ""
		case c != '\\':
			if out != nil {
				out = append(out, c)
			}
			p.at++
			continue
		}
		if out == nil {
			out = append(make([]byte, 0, 2*(p.at-start)+8), p.text[start:p.at]...)
		}
		var ok bool
		if out, ok = p.escape(out); !ok {
			return ""
		}
	}
	p.fail(len(p.text), "the file ends within a string")
	return ""
}

// escapes are the escapes of one letter.
var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads an escape. Half of a surrogate pair becomes U+FFFD.
func (p *jsonParser) escape(out []byte) ([]byte, bool) {
	start := p.at
	p.at++
	if p.at < len(p.text) {
		if c, ok := escapes[p.text[p.at]]; ok {
			p.at++
			return append(out, c), true
		}
	}
	r, ok := p.unicodeEscape()
	if !ok {
		p.fail(start, "an unknown escape in a string")
		return nil, false
	}
	if utf16.IsSurrogate(r) {
		rest := p.at
		low := rune(-1)
		if p.accept("\\") {
			low, _ = p.unicodeEscape()
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			p.at = rest
		}
	}
	return utf8.AppendRune(out, r), true
}

// unicodeEscape reads what follows the "\" of \uXXXX.
func (p *jsonParser) unicodeEscape() (rune, bool) {
	if p.at+5 > len(p.text) || p.text[p.at] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(p.text[p.at+1:p.at+5], 16, 16)
	if err != nil {
		return 0, false
	}
	p.at += 5
	return rune(v), true
}
