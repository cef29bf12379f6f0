package index

import (
	"bytes"
	"fmt"
	"html"
	"net/url"
	"path"
	"slices"
	"strings"
)

// parseHTML reads a page of PEP 503: every link that names an archive or has a hash is a file. Its name is the last part of the
// address, and where that names no archive, as in "download?id=7", the text of the link.
func parseHTML(base *url.URL, body []byte) ([]entry, error) {
	files := []entry{}
	s := htmlScanner{rest: string(body)}
	var link *entry // whose text is being read
	var text strings.Builder
	based := false
	end := func() {
		if link == nil {
			return
		}
		if name := strings.TrimSpace(html.UnescapeString(text.String())); !isArchive(link.Name) && isArchive(name) {
			link.Name = name
		}
		if plainName(link.Name) && (link.SHA256 != "" || isArchive(link.Name)) {
			files = append(files, *link)
		}
		link = nil
		text.Reset()
	}
	for {
		before, tag, more := s.next()
		if link != nil {
			text.WriteString(before)
		}
		if !more {
			break
		}
		switch tag.name {
		case "meta":
			if strings.EqualFold(tag.attr("name"), "pypi:repository-version") {
				if err := checkVersion(tag.attr("content")); err != nil {
					return nil, err
				}
			}
		case "base":
			if u, ok := resolve(base, tag.attr("href")); ok && !based {
				base, based = u, true
			}
		case "a":
			end()
			if u, ok := resolve(base, tag.attr("href")); ok {
				link = tag.file(u)
			}
		case "/a":
			end()
		}
	}
	if s.cut {
		return nil, &brokenPage{"the answer is HTML that ends within a tag"}
	}
	end()
	return files, nil
}

// file is what a link says of the file at u.
func (t *htmlTag) file(u *url.URL) *entry {
	e := &entry{File: File{Name: path.Base(u.Path), URL: address(u), RequiresPython: t.attr("data-requires-python")}, hashes: fragmentHashes(u.Fragment)}
	e.SHA256 = cleanHash(e.hashes["sha256"])
	if reason := t.attr("data-yanked"); t.has("data-yanked") {
		e.yanked = &reason
	}
	for _, name := range []string{"data-core-metadata", "data-dist-info-metadata"} { // the later name goes before the earlier one (PEP 714)
		if value := t.attr(name); value != "" && !strings.EqualFold(value, "false") {
			hashes := fragmentHashes(value)
			e.metadata = &hashes
			break
		}
	}
	return e
}

// writeHTML writes a page of PEP 503.
func writeHTML(project string, files []entry) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"1.0\"><title>%s</title></head><body>\n", html.EscapeString(project))
	attr := func(name, value string) { fmt.Fprintf(&b, " %s=\"%s\"", name, html.EscapeString(value)) }
	for _, f := range files {
		b.WriteString("<a")
		attr("href", f.URL+writeHash("#", f.hashes, ""))
		if f.RequiresPython != "" {
			attr("data-requires-python", f.RequiresPython)
		}
		if f.yanked != nil {
			attr("data-yanked", *f.yanked)
		}
		if f.metadata != nil {
			attr("data-core-metadata", writeHash("", *f.metadata, "true"))
			attr("data-dist-info-metadata", writeHash("", *f.metadata, "true"))
		}
		fmt.Fprintf(&b, ">%s</a><br>\n", html.EscapeString(f.Name))
	}
	b.WriteString("</body></html>\n")
	return b.Bytes()
}

// writeHash writes the strongest of some hashes, or what stands for none.
func writeHash(before string, hashes map[string]string, none string) string {
	for _, name := range algorithms {
		if hashes[name] != "" {
			return before + name + "=" + hashes[name]
		}
	}
	return none
}

// fragmentHashes takes the hashes out of "sha256=0123...", which may have company: "sha256=0123...&egg=name".
func fragmentHashes(fragment string) map[string]string {
	hashes := map[string]string{}
	for part := range strings.SplitSeq(fragment, "&") {
		if name, sum, ok := strings.Cut(part, "="); ok && slices.Contains(algorithms, name) && hashes[name] == "" {
			hashes[name] = sum
		}
	}
	return hashes
}

// algorithms are the names of hashes that a page may have, those of Python's hashlib that are there always (PEP 503). The first are preferred.
var algorithms = []string{"sha256", "sha384", "sha512", "sha224", "sha1", "md5"}

var archives = []string{".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.Z", ".tar", ".tbz", ".txz", ".egg", ".exe", ".msi", ".rpm", ".deb", ".dmg"}

func isArchive(name string) bool {
	return slices.ContainsFunc(archives, func(ext string) bool { return len(name) > len(ext) && strings.HasSuffix(name, ext) })
}

// htmlScanner walks over the tags of a page: as much of the HTML standard's tokenization as a list of links needs.
type htmlScanner struct {
	rest string
	cut  bool // the page ended within a tag or comment
}

// htmlTag is a start tag, or an end tag, whose name begins with "/".
type htmlTag struct {
	name  string
	attrs [][2]string
}

// attr is the value of the first attribute of that name, as browsers take it.
func (t *htmlTag) attr(name string) string {
	for _, a := range t.attrs {
		if a[0] == name {
			return unescapeAttribute(a[1])
		}
	}
	return ""
}

// has tells whether there is an attribute of that name.
func (t *htmlTag) has(name string) bool {
	return slices.ContainsFunc(t.attrs, func(a [2]string) bool { return a[0] == name })
}

// next returns the text before the next tag, and the tag. At the end of the page more is false.
func (s *htmlScanner) next() (text string, tag htmlTag, more bool) {
	var before strings.Builder
	for {
		at := strings.IndexByte(s.rest, '<')
		if at < 0 {
			before.WriteString(s.rest)
			s.rest = ""
			return before.String(), htmlTag{}, false
		}
		before.WriteString(s.rest[:at])
		s.rest = s.rest[at+1:]
		switch {
		case strings.HasPrefix(s.rest, "!--"):
			s.skip("-->", 1) // "<!-->" is a whole comment
		case s.rest == "":
			s.cut = true
		case s.rest[0] == '!' || s.rest[0] == '?' || s.rest[0] == '/' && (len(s.rest) == 1 || !isLetter(s.rest[1])):
			s.skip(">", 0)
		case s.rest[0] == '/' || isLetter(s.rest[0]):
			tag, ok := s.tag()
			if !ok {
				s.rest, s.cut = "", true
				return before.String(), htmlTag{}, false
			}
			return before.String(), tag, true
		default:
			before.WriteByte('<')
		}
	}
}

// skip goes behind the next end, which may begin at byte from.
func (s *htmlScanner) skip(end string, from int) {
	at := strings.Index(s.rest[from:], end)
	if at < 0 {
		s.rest, s.cut = "", true
		return
	}
	s.rest = s.rest[from+at+len(end):]
}

const htmlSpace = " \t\n\f\r"

// tag reads a tag from its name on. It reports false when the page ends before the tag does.
func (s *htmlScanner) tag() (htmlTag, bool) {
	n := strings.IndexAny(s.rest[1:], htmlSpace+"/>")
	if n < 0 {
		return htmlTag{}, false
	}
	tag := htmlTag{name: strings.ToLower(s.rest[:n+1])}
	s.rest = s.rest[n+1:]
	for {
		s.rest = strings.TrimLeft(s.rest, htmlSpace+"/")
		if s.rest == "" {
			return tag, false
		}
		if s.rest[0] == '>' {
			s.rest = s.rest[1:]
			s.raw(tag.name)
			return tag, true
		}
		n := strings.IndexAny(s.rest[1:], htmlSpace+"/>=") // a name may begin with "="
		if n < 0 {
			return tag, false
		}
		name, value := strings.ToLower(s.rest[:n+1]), ""
		s.rest = strings.TrimLeft(s.rest[n+1:], htmlSpace)
		if after, ok := strings.CutPrefix(s.rest, "="); ok {
			if value, ok = s.value(strings.TrimLeft(after, htmlSpace)); !ok {
				return tag, false
			}
		}
		tag.attrs = append(tag.attrs, [2]string{name, value})
	}
}

// value reads the value of an attribute, with or without quotes, at the start of rest.
func (s *htmlScanner) value(rest string) (string, bool) {
	if rest == "" {
		return "", false
	}
	if quote := rest[0]; quote == '"' || quote == '\'' {
		value, after, ok := strings.Cut(rest[1:], string(quote))
		s.rest = after
		return value, ok
	}
	n := strings.IndexAny(rest, htmlSpace+">")
	if n < 0 {
		return "", false
	}
	s.rest = rest[n:]
	return rest[:n], true
}

// raw skips the content of the elements in which a tag is only text.
func (s *htmlScanner) raw(name string) {
	switch name {
	case "script", "style", "title", "textarea":
	default:
		return
	}
	for {
		at := strings.Index(s.rest, "</")
		if at < 0 {
			s.rest, s.cut = "", true
			return
		}
		if end := s.rest[at+2:]; len(end) >= len(name) && strings.EqualFold(end[:len(name)], name) {
			s.rest = s.rest[at:]
			return
		}
		s.rest = s.rest[at+2:]
	}
}

// unescapeAttribute decodes the character references of an attribute's value. Without a semicolon they are text there, so that the
// "&copy=" of an address stays what it is (HTML standard, "named character reference state").
func unescapeAttribute(s string) string {
	if !strings.Contains(s, "&") {
		return s
	}
	var b strings.Builder
	for {
		at := strings.IndexByte(s, '&')
		if at < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:at])
		s = s[at:]
		end := strings.IndexFunc(s[1:], func(r rune) bool { return r != '#' && (r > 'z' || !isLetter(byte(r)) && (r < '0' || r > '9')) }) + 1
		if end > 1 && s[end] == ';' {
			b.WriteString(html.UnescapeString(s[:end+1]))
			s = s[end+1:]
			continue
		}
		b.WriteByte('&')
		s = s[1:]
	}
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
