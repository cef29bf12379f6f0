package pyfile

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxSize is far more than a person writes, and small enough to read at once.
const maxSize = 1 << 20

// checkText finds what makes a file something else than text. It returns nil when the file can be read.
func checkText(data []byte) *Error {
	top := Range{Start: Pos{1, 1}, End: Pos{1, 1}}
	if len(data) > maxSize {
		return &Error{Range: top, Msg: "the file is larger than 1 MiB", Hint: "name the Pyfile with -f: this does not look like one"}
	}
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}) {
		return &Error{Range: top, Msg: "the file is UTF-16, not UTF-8", Hint: "save it as UTF-8 in your editor"}
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return &Error{Range: newSource(data).span(i, i+1), Msg: "the file contains a NUL byte", Hint: "name the Pyfile with -f: this is not a text file"}
	}
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return &Error{Range: newSource(data).span(i, i+1), Msg: "the file is not UTF-8", Hint: "save it as UTF-8 in your editor"}
		}
		i += n
	}
	return nil
}

var syntaxDirective = regexp.MustCompile(`(?i)^#\s*syntax\s*=\s*\S`)

// checkSyntaxLine finds a "# syntax=" that is not line 1. BuildKit reads it there only, and would take the file for a
// Dockerfile without a word about it. To have none is fine: the frontend can be named on the command line.
func checkSyntaxLine(comments []comment) *Error {
	for _, c := range comments {
		if !syntaxDirective.MatchString(c.text) {
			continue
		}
		if c.at.Start.Line == 1 {
			return nil
		}
		return &Error{
			Range: c.at,
			Msg:   "the syntax line must be line 1",
			Hint:  "move it above every other line, blank ones too",
		}
	}
	return nil
}

var (
	dockerfileLine = regexp.MustCompile(`^\s*([A-Za-z]+)\s+[^=\s]`)
	yamlLine       = regexp.MustCompile(`^\s*([A-Za-z][A-Za-z0-9_-]*)\s*:(?:\s|$)`)
	bareValue      = regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*=\s*([^\s"'\[{#=][^"'#\[\]{}]*?)\s*(?:#.*)?$`)
)

// syntaxAdvice words the problem of a line that is not TOML. msg is the parser's own text.
func syntaxAdvice(line, msg string) (text, hint string) {
	text = "not valid TOML: " + msg
	if m := bareValue.FindStringSubmatch(line); m != nil {
		key, value := m[1], m[2]
		switch lower := strings.ToLower(value); {
		case lower == "true" || lower == "false":
			return "not valid TOML: true and false are written in lower case", "write " + key + " = " + lower
		case lower == "none" || lower == "null":
			return "not valid TOML: there is no such value", "delete the line: a key that is not there has no value"
		case isPublic(value):
			return "not valid TOML: a string must be in quotes", "write " + key + " = " + quote(value)
		}
		return "not valid TOML: a string must be in quotes", "put the value in quotes"
	}
	if strings.Contains(msg, "strings cannot have new lines") || strings.Contains(msg, "string not terminated") {
		return "not valid TOML: the string has no end", "close it with the quote that it begins with, on the same line"
	}
	if m := yamlLine.FindStringSubmatch(line); m != nil {
		return text, "write " + m[1] + " = with an equals sign"
	}
	if m := dockerfileLine.FindStringSubmatch(line); m != nil {
		if advice := dockerfileAdvice(m[1]); advice != "" {
			return "not valid TOML: this looks like a line of a Dockerfile", advice
		}
	}
	return text, `a line is key = "value", or [table]`
}

// isPublic tells whether a message may repeat a value: not when it could hold a password, as in https://user:word@host.
func isPublic(value string) bool {
	return !strings.Contains(value, "@") || !strings.Contains(value, "://")
}

// clip shortens a value that is too long for a message.
func clip(value string) string {
	const most = 80
	if utf8.RuneCountInString(value) <= most {
		return value
	}
	return string([]rune(value)[:most]) + "..."
}

// quote writes a value into a message, on one line and not too long, so that TOML would read it as that value.
func quote(value string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range clip(value) {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			fmt.Fprintf(&b, `\u%04X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
