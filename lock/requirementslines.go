package lock

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/org/pyfile/pyfile"
)

// logicalLine is a line of a requirements file as pip sees it: joined at "\", without comment and white space around it.
type logicalLine struct {
	text   string
	pieces []piece // in order; the first begins at or before the text
	shift  int     // what was cut off before the text
}

// piece tells where a stretch of a joined line stands in the file.
type piece struct{ at, offset int }

// span is where a stretch of the line stands in the file.
func (l *logicalLine) span(from, to int) span {
	start := l.offset(from)
	if to <= from {
		return span{start, start}
	}
	return span{start, l.offset(to-1) + 1}
}

func (l *logicalLine) offset(at int) int {
	at += l.shift
	i := len(l.pieces) - 1
	for i > 0 && l.pieces[i].at > at {
		i--
	}
	return l.pieces[i].offset + at - l.pieces[i].at
}

// logicalLines follows pip's rules for reading requirements files: lines end where Python's str.splitlines says, those that
// end with "\" are joined first, a comment ends a joined line, and only then comments are cut off. An empty line is left out.
func logicalLines(text string) []logicalLine {
	var out []logicalLine
	var joined strings.Builder
	var pieces []piece
	finish := func() {
		if l := trimmedLine(joined.String(), pieces); l.text != "" {
			out = append(out, l)
		}
		joined.Reset()
		pieces = nil
	}
	for at := 0; at < len(text); {
		line, next := physicalLine(text, at)
		comment := strings.HasPrefix(strings.TrimLeftFunc(line, isPythonSpace), "#")
		switch {
		case comment && len(pieces) == 0:
		case comment:
			finish()
		case strings.HasSuffix(line, `\`):
			inner := strings.TrimLeft(line, `\`)
			pieces = append(pieces, piece{joined.Len(), at + len(line) - len(inner)})
			joined.WriteString(strings.TrimRight(inner, `\`))
		case len(pieces) == 0:
			if l := trimmedLine(line, []piece{{0, at}}); l.text != "" {
				out = append(out, l)
			}
		default:
			pieces = append(pieces, piece{joined.Len(), at})
			joined.WriteString(line)
			finish()
		}
		at = next
	}
	if len(pieces) > 0 {
		finish()
	}
	return out
}

// trimmedLine cuts off the comment and the white space around.
func trimmedLine(line string, pieces []piece) logicalLine {
	if strings.Contains(line, "#") {
		for i := 0; i < len(line); i++ {
			if line[i] != '#' {
				continue
			}
			before := strings.TrimRightFunc(line[:i], isPythonSpace)
			if len(before) < i || i == 0 {
				line = before
				break
			}
		}
	}
	start := len(line) - len(strings.TrimLeftFunc(line, isPythonSpace))
	return logicalLine{text: strings.TrimFunc(line, isPythonSpace), pieces: pieces, shift: start}
}

// physicalLine returns the line that begins at an offset, and where the next one begins.
func physicalLine(text string, at int) (line string, next int) {
	for i := at; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\r' && i+1 < len(text) && text[i+1] == '\n':
			return text[at:i], i + 2
		case c >= '\n' && c <= '\r', c >= 0x1c && c <= 0x1e:
			return text[at:i], i + 1
		case c == 0xc2 && strings.HasPrefix(text[i:], "\u0085"):
			return text[at:i], i + 2
		case c == 0xe2 && (strings.HasPrefix(text[i:], "\u2028") || strings.HasPrefix(text[i:], "\u2029")):
			return text[at:i], i + 3
		}
	}
	return text[at:], len(text)
}

// isPythonSpace is the white space of Python's str.
func isPythonSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// byteOrderMarks are those that pip knows, longer ones first where one begins with another.
var byteOrderMarks = []struct {
	mark   string
	width  int
	order  binary.ByteOrder
	inUTF8 bool
}{
	{mark: "\xef\xbb\xbf", inUTF8: true},
	{mark: "\xff\xfe\x00\x00", width: 4, order: binary.LittleEndian},
	{mark: "\x00\x00\xfe\xff", width: 4, order: binary.BigEndian},
	{mark: "\xff\xfe", width: 2, order: binary.LittleEndian},
	{mark: "\xfe\xff", width: 2, order: binary.BigEndian},
}

// codingLine is the encoding line of PEP 263.
var codingLine = regexp.MustCompile(`coding[:=]\s*([-\w.]+)`)

// decodeRequirements turns a requirements file into text: UTF-8, or what a byte order mark or an encoding line (PEP 263) in the
// first two lines says. pip would fall back to the user's locale, which a build does not have. The text of a file with
// another encoding has the same lines; columns count in it as UTF-8. A mark stays as blanks, so that offsets are those of the file.
func decodeRequirements(name string, data []byte) (string, *pyfile.Error) {
	failed := func(at int, msg string) (string, *pyfile.Error) {
		line := 1 + bytes.Count(data[:at], []byte("\n"))
		place := pyfile.Pos{Line: line, Col: 1}
		return "", &pyfile.Error{File: name, Range: pyfile.Range{Start: place, End: place}, Msg: msg, Hint: "save the file as UTF-8"}
	}
	for _, m := range byteOrderMarks {
		if !bytes.HasPrefix(data, []byte(m.mark)) {
			continue
		}
		if m.inUTF8 {
			if at := invalidUTF8(data); at >= 0 {
				return failed(at, "the file is not UTF-8, as its byte order mark says")
			}
			return "   " + string(data[len(m.mark):]), nil
		}
		text, ok := decodeWide(data[len(m.mark):], m.width, m.order)
		if !ok {
			return failed(0, fmt.Sprintf("the file is not UTF-%d, as its byte order mark says", 8*m.width))
		}
		return text, nil
	}
	encoding, declared := declaredEncoding(data)
	switch encoding {
	case "utf-8", "utf8", "u8", "ascii", "us-ascii", "utf-8-sig":
		if at := invalidUTF8(data); at >= 0 {
			if declared {
				return failed(at, fmt.Sprintf("the line is not %s, as the encoding line says", encoding))
			}
			return failed(at, "the line is not UTF-8, and the file has no encoding line (PEP 263)")
		}
		return string(data), nil
	case "latin-1", "latin1", "iso-8859-1", "iso8859-1", "l1":
		runes := make([]rune, len(data))
		for i, c := range data {
			runes[i] = rune(c)
		}
		return string(runes), nil
	}
	return failed(0, fmt.Sprintf("the encoding %q is not one that pyfile reads", encoding))
}

// declaredEncoding is the encoding line's, else utf-8.
func declaredEncoding(data []byte) (name string, declared bool) {
	rest := data
	for range 2 {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if !bytes.HasPrefix(line, []byte("#")) {
			continue
		}
		if m := codingLine.FindSubmatch(line); m != nil {
			return strings.ReplaceAll(strings.ToLower(string(m[1])), "_", "-"), true
		}
	}
	return "utf-8", false
}

// invalidUTF8 is the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for at := 0; at < len(data); {
		r, n := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && n == 1 {
			return at
		}
		at += n
	}
	return -1
}

// decodeWide reads UTF-16 (width 2) or UTF-32 (width 4).
func decodeWide(data []byte, width int, order binary.ByteOrder) (string, bool) {
	if len(data)%width != 0 {
		return "", false
	}
	var out strings.Builder
	for at := 0; at < len(data); at += width {
		var r rune
		if width == 4 {
			r = rune(order.Uint32(data[at:]))
		} else {
			r = rune(order.Uint16(data[at:]))
			if utf16.IsSurrogate(r) && at+4 <= len(data) {
				r = utf16.DecodeRune(r, rune(order.Uint16(data[at+2:])))
				at += 2
			}
		}
		if r < 0 || r == utf8.RuneError || !utf8.ValidRune(r) {
			return "", false
		}
		out.WriteRune(r)
	}
	return out.String(), true
}
