package install

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// text returns a module's source. A module that is too large for that has no imports worth the name; it is generated data.
func (m *member) text() ([]byte, error) {
	if m.UncompressedSize64 > maxModule {
		return nil, nil
	}
	return readMetadata(m.File)
}

// speaks says whether a module of the wheel, but for those in directories of tests, has one of some texts.
func (c *contents) speaks(texts []string) (bool, error) {
	tests := &rules[slices.IndexFunc(rules, func(r rule) bool { return len(r.dirs) > 0 })]
	for _, name := range slices.Sorted(maps.Keys(c.site)) {
		if path.Ext(name) != ".py" || c.testDir(tests, name) != "" {
			continue
		}
		text, err := c.site[name].text()
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(texts, func(s string) bool { return bytes.Contains(text, []byte(s)) }) {
			return true, nil
		}
	}
	return false, nil
}

// keepImported takes out of the files to remove the directories of tests, and each conftest.py, that a module which stays imports, or
// names in a string, as far as its text tells. Some packages have helpers there that others use. Modules of a directory that stays are
// looked at in turn.
func (c *contents) keepImported(gone map[*member]bool) error {
	tests := &rules[slices.IndexFunc(rules, func(r rule) bool { return len(r.dirs) > 0 })]
	units := map[string]string{} // of the files that would go: by dotted name of the directory or module, its path
	for name, m := range c.site {
		if !gone[m] {
			continue
		}
		if dir := c.testDir(tests, name); dir != "" {
			units[strings.ReplaceAll(dir, "/", ".")] = dir
		} else if path.Base(name) == "conftest.py" {
			units[strings.ReplaceAll(strings.TrimSuffix(name, ".py"), "/", ".")] = name
		}
	}
	if len(units) == 0 {
		return nil
	}
	var queue []string
	for name, m := range c.site {
		if path.Ext(name) == ".py" && !gone[m] {
			queue = append(queue, name)
		}
	}
	for i := range c.wheel.members {
		if m := &c.wheel.members[i]; m.Name == c.wheel.info+"/entry_points.txt" {
			text, err := m.text()
			if err != nil {
				return err
			}
			queue = append(queue, c.keep(units, gone, func(unit string) bool { return mentions(text, unit, true) })...)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		name := queue[0]
		text, err := c.site[name].text()
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte("test")) {
			continue
		}
		froms := fromImports(text, strings.Split(path.Dir(name), "/"))
		queue = append(queue, c.keep(units, gone, func(unit string) bool {
			return mentions(text, unit, false) || slices.ContainsFunc(froms, func(s string) bool { return s == unit || strings.HasPrefix(s, unit+".") })
		})...)
	}
	return nil
}

// keep lets the units stay that are used, and returns their modules.
func (c *contents) keep(units map[string]string, gone map[*member]bool, used func(unit string) bool) (modules []string) {
	for unit, at := range units {
		if !used(unit) {
			continue
		}
		delete(units, unit)
		for name, m := range c.site {
			if (name == at || strings.HasPrefix(name, at+"/")) && gone[m] {
				delete(gone, m)
				if path.Ext(name) == ".py" {
					modules = append(modules, name)
				}
			}
		}
	}
	return modules
}

func isName(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b >= 0x80
}

// Limits of what is looked at, so that no text takes long: the part of a line around a name, and the names after "import".
const (
	maxLine  = 1 << 10
	maxNames = 16 << 10
)

// mentions says whether a text has a dotted name at the beginning of a string or on a line with an import, or anywhere.
func mentions(text []byte, name string, anywhere bool) bool {
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(name))
		if i < 0 {
			return false
		}
		start, end := at+i, at+i+len(name)
		at = end
		if end < len(text) && isName(text[end]) || start > 0 && (isName(text[start-1]) || text[start-1] == '.') {
			continue
		}
		if anywhere || start > 0 && (text[start-1] == '"' || text[start-1] == '\'') {
			return true
		}
		line := text[max(0, start-maxLine):min(len(text), end+maxLine)]
		before := min(start, maxLine)
		line = line[bytes.LastIndexByte(line[:before], '\n')+1:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end]
		}
		if bytes.Contains(line, []byte("import")) {
			return true
		}
	}
}

// fromImports returns what a module of a package imports by "from", as dotted names: for "from .a import b" the package's a and a.b.
func fromImports(text []byte, pkg []string) (list []string) {
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte("from "))
		if i < 0 {
			return list
		}
		start := at + i
		at = start + len("from ")
		if start > 0 && isName(text[start-1]) {
			continue
		}
		head := text[at:min(len(text), at+maxLine)]
		module, _, ok := bytes.Cut(head, []byte("import"))
		if !ok || bytes.ContainsAny(bytes.ReplaceAll(module, []byte("\\\n"), nil), "\n\"'`,;:()") {
			continue
		}
		module = bytes.ReplaceAll(module, []byte("\\\n"), nil)
		rest := text[at+bytes.Index(head, []byte("import"))+len("import"):]
		rest = rest[:min(len(rest), maxNames)]
		end := bytes.IndexByte(rest, '\n')
		if bytes.HasPrefix(bytes.TrimLeft(rest, " \t\\\n"), []byte("(")) {
			end = bytes.IndexByte(rest, ')')
		} else {
			for end > 0 && rest[end-1] == '\\' {
				next := bytes.IndexByte(rest[end+1:], '\n')
				if next < 0 {
					end = -1
				} else {
					end += 1 + next
				}
			}
		}
		if end >= 0 {
			rest = rest[:end]
		}
		name := strings.ReplaceAll(strings.TrimSpace(string(module)), " ", "")
		if below := strings.TrimLeft(name, "."); below != name {
			up := len(name) - len(below) - 1
			if up >= len(pkg) {
				continue
			}
			base := strings.Join(pkg[:len(pkg)-up], ".")
			if name = base; below != "" {
				name += "." + below
			}
		}
		list = append(list, name)
		for _, word := range bytes.FieldsFunc(rest, func(r rune) bool { return r < 0x80 && !isName(byte(r)) }) {
			list = append(list, fmt.Sprintf("%s.%s", name, word))
		}
	}
}
