package lock

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// stale compares the hash that pipenv keeps of the Pipfile with the Pipfile. pipenv compares nothing else, so a lock with an equal hash
// is never stale. The lock does not hold what the Pipfile asked for then, so the difference is named where it can be seen.
func (s *pipenvSelection) stale() {
	if s.pipfile == nil || s.hash == "" {
		return
	}
	f := &pipfile{document: s.pipfile, lock: s.pipenvLock}
	for _, v := range []pipfileHash{{categories: true, normalized: true}, {categories: true}, {}} {
		sum, ok := f.hash(v)
		if !ok || sum == s.hash {
			return
		}
	}
	before := len(s.errs)
	for _, e := range s.pipfile.root.entries {
		switch {
		case e.value.kind != tableNode, e.name == "build-system", e.name == "tool":
		case e.name == "packages", e.name == "dev-packages", !slices.Contains(pipfileSections, e.name):
			s.compare(e)
		}
	}
	if len(s.errs) == before && s.pipfile.root.get("source") != nil {
		s.errs = append(s.errs, s.outOfDate(firstLine, "the Pipfile was changed since it was made"))
	}
}

func (s *pipenvSelection) outOfDate(at pyfile.Range, format string, args ...any) *pyfile.Error {
	return &pyfile.Error{File: s.pipfile.name, Range: at, Msg: "Pipfile.lock is out of date: " + fmt.Sprintf(format, args...), Hint: s.hint}
}

// compare names the packages of a category that the lock does not have, or has in a version that the Pipfile excludes, and
// those that it has on the Pipfile's behalf and that are gone from there.
func (s *pipenvSelection) compare(category entry) {
	name := pipenvSectionOf(category.name)
	i := slices.IndexFunc(s.sections, func(p pipenvSection) bool { return p.name == name })
	locked := map[string]*pipenvPackage{}
	if i >= 0 {
		for _, p := range s.sections[i].packages {
			locked[p.name] = p
		}
	}
	asked := map[string]bool{}
	for _, e := range category.value.entries {
		key := python.NormalizeName(e.name)
		asked[key] = true
		p := locked[key]
		spec := e.value
		if spec.kind == tableNode {
			spec = spec.get("version")
		}
		at := s.pipfile.span(e.at)
		switch {
		case p == nil:
			s.errs = append(s.errs, s.outOfDate(at, "[%s] asks for %q, which the lock does not know", category.name, e.name))
		case spec == nil || spec.kind != stringNode || p.version == "":
		default:
			allowed, err := python.ParseSpecifiers(strings.TrimSuffix(spec.text, "*"))
			v, versionErr := python.ParseVersion(p.version)
			if err == nil && versionErr == nil && spec.text != "*" && !strings.Contains(spec.text, "*") && !allowed.Contains(v, true) {
				s.errs = append(s.errs, s.outOfDate(at, "[%s] asks for %s %s, the lock has %s", category.name, e.name, shown(spec.text), p.version))
			}
		}
	}
	if i < 0 {
		return
	}
	for _, p := range s.sections[i].packages {
		if p.index != "" && !asked[p.name] { // pipenv names the index of what the Pipfile asks for
			s.errs = append(s.errs, s.outOfDate(s.pipfile.span(category.at), "the lock was made for %q, which [%s] does not ask for", p.name, category.name))
		}
	}
}

// pipfileSections are those that are no categories of packages.
var pipfileSections = []string{"source", "packages", "dev-packages", "requires", "scripts", "pipfile", "pipenv", "default", "develop"}

// pipfileHash is a variant of the hash. Since 2025 pipenv normalises the names of packages (PEP 503); before 2022 it had no
// categories of the user.
type pipfileHash struct{ categories, normalized bool }

// pipfile writes a Pipfile as the JSON that pipenv hashes: with the sections called as in the lock, keys sorted, no white space.
type pipfile struct {
	*document
	lock   *pipenvLock
	failed bool
}

// hash is the sha256 of the JSON. It is not ok when pipenv could not write the file as JSON either.
func (f *pipfile) hash(v pipfileHash) (string, bool) {
	packages := func(n *node) []byte {
		if n == nil {
			return []byte("{}")
		}
		if n.kind != tableNode {
			f.failed = true
			return nil
		}
		return f.object(n, v.normalized)
	}
	optional := func(n *node, otherwise string) []byte {
		if n == nil {
			return []byte(otherwise)
		}
		return f.json(n)
	}
	sources := f.root.get("source")
	var source []byte
	if sources == nil {
		// pipenv takes its default index then, and writes that into the lock.
		lock := &pipfile{document: f.lock.doc}
		source = lock.json(f.lock.doc.root.get("_meta").get("sources"))
	} else {
		source = f.json(sources)
	}
	meta := slices.Concat([]byte(`{"requires":`), optional(f.root.get("requires"), "{}"), []byte(`,"sources":`), source, []byte("}"))
	parts := map[string][]byte{
		"_meta":       meta,
		pipenvDefault: packages(f.root.get("packages")),
		pipenvDevelop: packages(f.root.get("dev-packages")),
	}
	if v.categories {
		for _, e := range f.root.entries {
			if !slices.Contains(pipfileSections, e.name) {
				parts[e.name] = packages(e.value)
			}
		}
	}
	sum := sha256.Sum256(sortedObject(parts))
	return hex.EncodeToString(sum[:]), !f.failed
}

// sortedObject writes an object by its keys in order.
func sortedObject(parts map[string][]byte) []byte {
	keys := make([]string, 0, len(parts))
	for k := range parts {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := []byte("{")
	for i, k := range keys {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, pythonString(k)...), ':'), parts[k]...)
	}
	return append(out, '}')
}

func (f *pipfile) object(n *node, normalized bool) []byte {
	parts := make(map[string][]byte, len(n.entries))
	for _, e := range n.entries {
		name := e.name
		if normalized {
			name = python.NormalizeName(name)
		}
		parts[name] = f.json(e.value)
	}
	return sortedObject(parts)
}

// json writes a value as Python's json.dumps does.
func (f *pipfile) json(n *node) []byte {
	switch {
	case n == nil:
		return []byte("[]")
	case n.kind == stringNode:
		return []byte(pythonString(n.text))
	case n.kind == boolNode || n.kind == nullNode:
		return []byte(n.text)
	case n.kind == integerNode:
		v, err := strconv.ParseInt(strings.ReplaceAll(n.text, "_", ""), 0, 64)
		f.failed = f.failed || err != nil
		return strconv.AppendInt(nil, v, 10)
	case n.kind == floatNode:
		v, err := strconv.ParseFloat(strings.ReplaceAll(n.text, "_", ""), 64)
		f.failed = f.failed || err != nil
		return []byte(pythonFloat(v))
	case n.kind == listNode:
		items := make([][]byte, len(n.items))
		for i, item := range n.items {
			items[i] = f.json(item)
		}
		return slices.Concat([]byte("["), bytes.Join(items, []byte(",")), []byte("]"))
	case n.kind == tableNode:
		return f.object(n, false)
	}
	f.failed = true // a date: pipenv fails
	return nil
}

// pythonString writes a string with all but ASCII escaped.
func pythonString(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\t':
			out.WriteString(`\t`)
		case r == '\b':
			out.WriteString(`\b`)
		case r == '\f':
			out.WriteString(`\f`)
		case r >= ' ' && r <= '~':
			out.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

// pythonFloat writes a number as Python's repr does.
func pythonFloat(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	case math.IsNaN(v):
		return "NaN"
	}
	if abs := math.Abs(v); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
