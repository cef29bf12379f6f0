package verify

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/org/pyfile/facts"
)

//go:embed programs.txt
var programTable string

var starts = sync.OnceValue(func() []use { return parseUses(programTable) })

// programs lists those of the table that are found in the directories of a search path, sorted: regular files that somebody may execute.
func (r *root) programs(dirs []string) ([]string, error) {
	var names []string
	for _, u := range starts() {
		names = append(names, u.names...)
	}
	slices.Sort(names)
	found := []string{}
	for _, name := range slices.Compact(names) {
		for _, dir := range dirs {
			if !path.IsAbs(dir) {
				continue // it depends on where a process runs
			}
			target, mode, err := r.resolve(path.Join(dir, name))
			if err != nil {
				return nil, err
			}
			if target != "" && mode.IsRegular() && mode&0o111 != 0 {
				found = append(found, name)
				break
			}
		}
	}
	return found, nil
}

// checkPrograms reports programs that Python code starts. Nothing is known of them if the system's were not looked at.
func (c *check) checkPrograms() {
	if c.System.Programs == nil {
		return
	}
	scripts := map[string]bool{}
	for name := range c.files {
		if dir, base := path.Split(name); strings.HasSuffix(dir, "/bin/") && !strings.Contains(dir, "/site-packages/") {
			scripts[base] = true
		}
	}
	found := func(_ *facts.Distribution, name string) bool {
		return scripts[name] || slices.Contains(c.System.Programs, name)
	}
	c.unmet(starts(), found, func(u use, d *facts.Distribution, program, pkg string) {
		f := about(d, Program, Warning)
		f.Program, f.Package, f.Others = program, pkg, u.without(program)
		c.add(observation{Finding: f, group: program, text: func(f *Finding) {
			f.Short = fmt.Sprintf("%s starts %s, which is not in the image", f.subject(false), f.Program)
			if f.Package != "" {
				f.Short += ": add the package " + f.Package
			}
			f.Message = fmt.Sprintf("%s starts %s when it is imported or used, which is not on the PATH of %s", f.subject(true), strings.Join(u.names, " or "), c.base())
			f.Hint = packageHint(f)
		}})
	})
}
