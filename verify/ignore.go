package verify

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/python"
)

// ignores are the entries of [verify] ignore. An entry with a slash is a pattern of paths, and stands for all that lies below too; any other is
// a pattern of sonames and programs and the name of a distribution. Patterns are those of package path; in one of paths the part "**" stands for
// any number of directories.
type ignores []*ignored

type ignored struct {
	entry string
	used  bool
}

func parseIgnores(entries []string) (ignores, error) {
	var list ignores
	for _, entry := range entries {
		if _, err := path.Match(entry, ""); err != nil || entry == "" {
			return nil, fmt.Errorf("ignore must be a soname like libfoo.so.1 or libfoo.so.*, the name of a program or distribution, or a path, not %q", entry)
		}
		if !slices.ContainsFunc(list, func(i *ignored) bool { return i.entry == entry }) {
			list = append(list, &ignored{entry: entry})
		}
	}
	return list, nil
}

// filter leaves out the observations that an entry ignores. All entries that fit are noted as used.
func (list ignores) filter(found []observation) (kept []observation) {
	for _, o := range found {
		skip := false
		for _, i := range list {
			if i.matches(&o.Finding) {
				i.used, skip = true, true
			}
		}
		if !skip {
			kept = append(kept, o)
		}
	}
	return kept
}

func (i *ignored) matches(f *Finding) bool {
	if strings.Contains(i.entry, "/") {
		pattern := strings.TrimSuffix(i.entry, "/")
		for name := f.Path; name != "" && name != "/" && name != "."; name = path.Dir(name) {
			if matchPath(strings.Split(pattern, "/"), strings.Split(name, "/")) {
				return true
			}
		}
		return false
	}
	for _, name := range []string{f.Soname, f.Program} {
		if ok, err := path.Match(i.entry, name); ok && err == nil && name != "" {
			return true
		}
	}
	name := python.NormalizeName(i.entry)
	if f.Distribution != "" && python.NormalizeName(f.Distribution) == name {
		return true
	}
	return (f.Kind == Collision || f.Kind == Requirement) && slices.ContainsFunc(f.Others, func(other string) bool { return python.NormalizeName(other) == name })
}

// matchPath matches the parts of a path with those of a pattern.
func matchPath(pattern, parts []string) bool {
	if len(pattern) == 0 {
		return len(parts) == 0
	}
	if pattern[0] == "**" {
		return matchPath(pattern[1:], parts) || len(parts) > 0 && matchPath(pattern, parts[1:])
	}
	if len(parts) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], parts[0])
	return ok && err == nil && matchPath(pattern[1:], parts[1:])
}

// unused tells of the entries that ignored nothing.
func (list ignores) unused() (found []observation) {
	for _, i := range list {
		if !i.used {
			f := Finding{Kind: Ignore, Severity: Notice, Others: []string{i.entry}}
			found = append(found, observation{Finding: f, group: i.entry, text: func(f *Finding) {
				f.Short = fmt.Sprintf("[verify] ignore: nothing is found about %q", i.entry)
				f.Message, f.Hint = f.Short, "delete the entry"
			}})
		}
	}
	return found
}
