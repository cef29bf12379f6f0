package python

import (
	"math"
	"strings"
	"unicode"
)

// versionParser reads one version from the left of text. Its rules are those of the regular expression in PEP 440,
// appendix B; no part of a version can be read in two ways, so it never goes back.
type versionParser struct {
	text     string
	pos      int
	overflow bool
}

// The words of PEP 440 for the suffixes. A word that begins with another one stands before it.
var (
	preWords = []struct {
		word  string
		phase prePhase
	}{
		{"alpha", alpha}, {"a", alpha}, {"beta", beta}, {"b", beta},
		{"preview", candidate}, {"pre", candidate}, {"rc", candidate}, {"c", candidate},
	}
	postWords = []string{"post", "rev", "r"}
)

func (p *versionParser) version() (v Version, ok bool) {
	if c := p.peek(); c == 'v' || c == 'V' {
		p.pos++
	}
	n, ok := p.number()
	if !ok {
		return v, false
	}
	if p.peek() == '!' {
		p.pos++
		v.epoch = n
		if n, ok = p.number(); !ok {
			return v, false
		}
	}
	v.release = make([]int, 1, 1+strings.Count(p.text[p.pos:], "."))
	v.release[0] = n
	for p.peek() == '.' && p.pos+1 < len(p.text) && isDigit(p.text[p.pos+1]) {
		p.pos++
		n, _ = p.number()
		v.release = append(v.release, n)
	}
	if p.pos == len(p.text) {
		return v, true
	}
	p.pre(&v)
	p.post(&v)
	if p.separatedWord("dev") {
		v.dev = p.suffixNumber() + 1
	}
	if p.peek() == '+' {
		p.pos++
		v.local, ok = p.local()
	}
	return v, ok
}

func (p *versionParser) pre(v *Version) {
	for _, w := range preWords {
		if p.separatedWord(w.word) {
			v.pre, v.preN = w.phase, p.suffixNumber()
			return
		}
	}
}

func (p *versionParser) post(v *Version) {
	if p.peek() == '-' && p.pos+1 < len(p.text) && isDigit(p.text[p.pos+1]) {
		p.pos++
		n, _ := p.number()
		v.post = n + 1
		return
	}
	for _, w := range postWords {
		if p.separatedWord(w) {
			v.post = p.suffixNumber() + 1
			return
		}
	}
}

// separatedWord steps over a word, in any case, and the separator before it.
func (p *versionParser) separatedWord(word string) bool {
	at := p.pos
	if at < len(p.text) && isSeparator(p.text[at]) {
		at++
	}
	if len(p.text)-at < len(word) || !equalFoldASCII(p.text[at:at+len(word)], word) {
		return false
	}
	p.pos = at + len(word)
	return true
}

// suffixNumber reads the number behind a word and the separator before it. No number means 0.
func (p *versionParser) suffixNumber() int {
	if p.pos < len(p.text) && isSeparator(p.text[p.pos]) {
		p.pos++
	}
	n, _ := p.number()
	return n
}

// number reads digits. A number that is too large sets overflow; the result plus two always fits an int.
func (p *versionParser) number() (n int, ok bool) {
	start := p.pos
	for ; p.pos < len(p.text) && isDigit(p.text[p.pos]); p.pos++ {
		digit := int(p.text[p.pos] - '0')
		if n > (math.MaxInt-2-digit)/10 {
			p.overflow = true
			n = 0
		}
		n = n*10 + digit
	}
	return n, p.pos > start
}

// local reads what follows the "+" and returns it normalised: lower case, ".", numbers without leading zeros.
func (p *versionParser) local() (string, bool) {
	var b strings.Builder
	for {
		start := p.pos
		for p.pos < len(p.text) && isAlphanumeric(p.text[p.pos]) {
			p.pos++
		}
		if start == p.pos {
			return "", false
		}
		segment := p.text[start:p.pos]
		if isDigits(segment) {
			segment = trimZeros(segment)
		}
		b.WriteString(lowerASCII(segment))
		if p.pos == len(p.text) || !isSeparator(p.text[p.pos]) {
			return b.String(), true
		}
		p.pos++
		b.WriteByte('.')
	}
}

// peek returns the next byte, or 0 at the end.
func (p *versionParser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isSeparator(c byte) bool { return c == '.' || c == '-' || c == '_' }

func isAlphanumeric(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// trimZeros removes leading zeros and leaves one digit.
func trimZeros(digits string) string {
	trimmed := strings.TrimLeft(digits, "0")
	if trimmed == "" {
		return "0"
	}
	return trimmed
}

// lowerASCII lowers A to Z only, so that no locale and no Unicode version has a say.
func lowerASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// equalFoldASCII compares s in any case with a lower-case word of the same length.
func equalFoldASCII(s, lower string) bool {
	for i := range len(lower) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// isSpace is white space as Python's str.isspace sees it; the four separators 0x1c to 0x1f are the difference to Unicode.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

func trimSpace(s string) string {
	if s == "" || s[0] > ' ' && s[0] < 0x80 && s[len(s)-1] > ' ' && s[len(s)-1] < 0x80 {
		return s
	}
	return strings.TrimFunc(s, isSpace)
}
