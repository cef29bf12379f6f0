package diagnosis

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Addresses in a log may carry a password, and after the question mark a token.
var (
	userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*:/+)[^\s/"'<>]*@`)
	query    = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*:/+[^\s?#"'<>]*)[?#][^\s"'<>]*`)
	// What programs write before a secret in a header, a variable or an option.
	assigned = regexp.MustCompile(`(?i)\b((?:[a-z0-9_-]*(?:token|passw(?:or)?d|secret|api[_-]?key))\s*[=:]\s*)[^\s,;"']+`)
	bearer   = regexp.MustCompile(`(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{6,}`)
)

// redact takes credentials out of a text, and the queries and fragments of addresses.
func redact(s string) string {
	s = userinfo.ReplaceAllString(s, "${1}***@")
	s = query.ReplaceAllString(s, "${1}")
	s = assigned.ReplaceAllString(s, "${1}***")
	return bearer.ReplaceAllString(s, "${1}***")
}

// line makes one line of at most limit bytes of a text of unknown origin: no control characters, no invisible ones, valid UTF-8, no credentials.
func line(s string, limit int) string {
	const most = 16 << 10
	s = strings.ToValidUTF8(s[:min(len(s), most)], "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(redact(s)), " ")
	if len(s) <= limit {
		return s
	}
	const more = "..."
	cut := limit - len(more)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + more
}

// Clean makes a text of another program fit for a message: one line of a few hundred bytes, without control characters and credentials.
func Clean(s string) string { return line(s, longestMessage) }
