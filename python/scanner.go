package python

import "fmt"

// scanner reads a marker or a requirement from left to right. Its methods report whether they found what they look for
// and leave the place alone if not.
type scanner struct {
	kind string // "marker" or "requirement", for messages
	text string
	pos  int
}

// errorf makes an error that shows the whole text and the column, in bytes from 1, where reading stopped.
func (s *scanner) errorf(at int, format string, args ...any) error {
	return fmt.Errorf("%s %q, column %d: %s", s.kind, s.text, at+1, fmt.Sprintf(format, args...))
}

// space steps over white space; the specification knows blank and tab only.
func (s *scanner) space() bool {
	start := s.pos
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\t') {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) end() bool { return s.pos == len(s.text) }

// peek returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	if s.end() {
		return 0
	}
	return s.text[s.pos]
}

// accept steps over one byte.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

// word steps over the given word if no letter, digit or underscore follows it.
func (s *scanner) word(word string) bool {
	end := s.pos + len(word)
	if end > len(s.text) || s.text[s.pos:end] != word || end < len(s.text) && isWordByte(s.text[end]) {
		return false
	}
	s.pos = end
	return true
}

// name reads a variable: letters, digits, "_", and "." between them for the names of PEP 345.
func (s *scanner) name() string {
	start := s.pos
	for s.pos < len(s.text) && (isWordByte(s.text[s.pos]) || s.text[s.pos] == '.') {
		s.pos++
	}
	return s.text[start:s.pos]
}

// identifier reads the letters, digits and separators of a name; see ValidName for what else a name must be.
func (s *scanner) identifier() string {
	start := s.pos
	for s.pos < len(s.text) && (isAlphanumeric(s.text[s.pos]) || isSeparator(s.text[s.pos])) {
		s.pos++
	}
	return s.text[start:s.pos]
}

// found names what stands at the current place, for a message.
func (s *scanner) found() string {
	if s.end() {
		return "the end"
	}
	rest := []rune(s.text[s.pos:])
	return fmt.Sprintf("%q", string(rest[:1]))
}

// isWordByte includes every byte of a character outside ASCII, so that no word ends within one.
func isWordByte(c byte) bool { return isAlphanumeric(c) || c == '_' || c >= 0x80 }
