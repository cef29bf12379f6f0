package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/org/pyfile/python"
)

// Poetry tells a stale lock by metadata.content-hash: the sha256 of parts of pyproject.toml, written as JSON by Python's json.dumps
// with sort_keys. Which parts has changed over time, so several hashes may be the right one.

// fresh tells whether the lock was made for pyproject.toml as it is; known is false when that cannot be told.
func (s *poetrySelection) fresh() (fresh, known bool) {
	for _, content := range s.relevant() {
		sum, ok := contentHash(content)
		if !ok {
			return false, false // a date, which Poetry cannot hash either
		}
		if sum == s.contentHash.Value {
			return true, true
		}
	}
	return false, true
}

// relevant are the parts of pyproject.toml, in every form that a Poetry that may have made the lock takes.
func (s *poetrySelection) relevant() []*node {
	out := []*node{s.content(true)}
	if s.before(2, 3) {
		out = append(out, s.content(false)) // without [dependency-groups]
	}
	if !s.grouped() {
		out = append(out, s.legacyContent(true)) // Poetry 1 knows [tool.poetry] only
	}
	if s.version.Release()[0] < 2 {
		out = append(out, s.legacyContent(false)) // Poetry 1.1 knows no groups
	}
	return out
}

var poetryGenerator = regexp.MustCompile(`Poetry ([^ ]+)`)

// before tells whether the first line of the lock says that a Poetry older than a release made it.
func (s *poetrySelection) before(major, minor int) bool {
	first, _, _ := strings.Cut(s.doc.text, "\n")
	m := poetryGenerator.FindStringSubmatch(first)
	if m == nil {
		return false
	}
	v, err := python.ParseVersion(m[1])
	if err != nil {
		return false
	}
	r := append(v.Release(), 0)
	return r[0] < major || r[0] == major && r[1] < minor
}

// content is what Poetry 2 hashes.
func (s *poetrySelection) content(groups bool) *node {
	root := s.tool.doc.root
	project := &node{kind: tableNode}
	for _, key := range []string{"requires-python", "dependencies", "optional-dependencies"} {
		if v := root.get("project").get(key); v != nil {
			project.add(key, span{}, v)
		}
	}
	pep735 := root.get("dependency-groups")
	if !groups || pep735 != nil && len(pep735.entries) == 0 {
		pep735 = nil
	}
	if len(project.entries) == 0 && pep735 == nil {
		return s.legacyContent(true)
	}
	poetry := &node{kind: tableNode}
	for _, key := range []string{"dependencies", "source", "extras", "dev-dependencies", "group"} {
		if v := poetryTable(s.tool.doc).get(key); v != nil {
			poetry.add(key, span{}, v)
		}
	}
	tool := &node{kind: tableNode}
	tool.add("poetry", span{}, poetry)
	out := &node{kind: tableNode}
	if len(project.entries) > 0 {
		out.add("project", span{}, project)
	}
	if pep735 != nil {
		out.add("dependency-groups", span{}, pep735)
	}
	out.add("tool", span{}, tool)
	return out
}

// legacyContent is what Poetry 1 hashes: keys that are absent count as null, but for the younger "group".
func (s *poetrySelection) legacyContent(groups bool) *node {
	out := &node{kind: tableNode}
	for _, key := range []string{"dependencies", "source", "extras", "dev-dependencies"} {
		out.add(key, span{}, poetryTable(s.tool.doc).get(key))
	}
	if v := poetryTable(s.tool.doc).get("group"); v != nil && groups {
		out.add("group", span{}, v)
	}
	return out
}

func contentHash(content *node) (string, bool) {
	text, ok := appendPythonJSON(nil, content)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), ok
}

// appendPythonJSON writes a value as json.dumps(value, sort_keys=True) of Python does: ASCII only, a space behind commas and colons,
// floats as repr. A nil node is null. It is not ok when Python raises an error.
func appendPythonJSON(b []byte, n *node) ([]byte, bool) {
	if n == nil {
		return append(b, "null"...), true
	}
	switch n.kind {
	case stringNode:
		return appendPythonString(b, n.text), utf8.ValidString(n.text)
	case integerNode:
		v, ok := new(big.Int).SetString(strings.ReplaceAll(n.text, "_", ""), 0)
		if !ok {
			return b, false
		}
		return v.Append(b, 10), true
	case floatNode:
		return appendPythonFloat(b, strings.ReplaceAll(n.text, "_", "")), true
	case boolNode:
		return append(b, n.text...), true
	case listNode:
		b = append(b, '[')
		ok := true
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ", "...)
			}
			var good bool
			b, good = appendPythonJSON(b, item)
			ok = ok && good
		}
		return append(b, ']'), ok
	case tableNode:
		entries := slices.Clone(n.entries)
		slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
		b = append(b, '{')
		ok := true
		for i, e := range entries {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(appendPythonString(b, e.name), ": "...)
			var good bool
			b, good = appendPythonJSON(b, e.value)
			ok = ok && good && utf8.ValidString(e.name)
		}
		return append(b, '}'), ok
	}
	return b, false
}

// appendPythonString escapes everything that is not printable ASCII; characters beyond 16 bits as two surrogates.
func appendPythonString(b []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	unit := func(r rune) {
		b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
	}
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case ' ' <= r && r <= '~':
			b = append(b, byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r > 0xffff:
			unit(0xd800 + (r-0x10000)>>10)
			unit(0xdc00 + (r-0x10000)&0x3ff)
		default:
			unit(r)
		}
	}
	return append(b, '"')
}

// appendPythonFloat writes a float as Python's repr does: the shortest digits that give the same number, with an exponent below
// 1e-04 and from 1e+16 on. TOML spells the special values in lower case, JSON of Python does not.
func appendPythonFloat(b []byte, text string) []byte {
	f, _ := strconv.ParseFloat(text, 64) // what is too large is infinite in Python too
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case f > math.MaxFloat64:
		return append(b, "Infinity"...)
	case f < -math.MaxFloat64:
		return append(b, "-Infinity"...)
	}
	exponential := strconv.FormatFloat(f, 'e', -1, 64)
	_, exponent, _ := strings.Cut(exponential, "e")
	if e, err := strconv.Atoi(exponent); err == nil && f != 0 && (e < -4 || e >= 16) {
		return append(b, exponential...)
	}
	plain := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(plain, ".") {
		plain += ".0"
	}
	return append(b, plain...)
}
