package plan

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
)

// findLock finds the one lock of the project and reads it, with all that it names. Without a lock, it finds what a resolver has to
// choose. The error is one of reading; problems of the files come as a list.
func (p *Project) findLock(r *reading, relock bool) (pyfile.Errors, error) {
	names, problems := p.lockNames(r, relock)
	if len(problems) > 0 {
		return problems, nil
	}
	if len(names) == 0 {
		return p.findOpen(), nil
	}
	for more := lock.Needs(names, r.files); len(more) > 0; more = lock.Needs(names, r.files) {
		if err := r.want(more...); err != nil {
			return nil, err
		}
	}
	l, err := lock.Read(names, r.files)
	if err != nil {
		return collect(err), nil
	}
	p.locks = names
	if more := l.Requirements(); len(more) > 0 {
		p.locks = more
	}
	if l.Loose != nil {
		problems = p.openFiles(l)
	} else {
		p.Lock, p.asks = l, l.Query()
	}
	more, err := p.readTrees(r, l)
	return append(problems, more...), err
}

// lockNames are the paths of the lock, or of the requirements files: those that the Pyfile names, else the one lock in the
// project's directory or the nearest above it. There may be none.
func (p *Project) lockNames(r *reading, relock bool) ([]string, pyfile.Errors) {
	var errs pyfile.Errors
	var names []string
	var there []pyfile.String
	for _, l := range p.File.Dependencies.Lock.Items {
		name := path.Clean(l.Value)
		if !r.has(name) {
			errs = append(errs, &pyfile.Error{Range: l.Range, Msg: fmt.Sprintf("dependencies.lock: there is no file %q in the build context", name),
				Hint: missingLock(name, p.locksNear(r))})
		} else {
			there = append(there, l)
		}
		names = append(names, name)
	}
	if errs = append(errs, lock.CheckNames(there)...); len(errs) > 0 {
		return nil, errs
	}
	if names == nil {
		found := p.locksNear(r)
		if relock {
			found = slices.DeleteFunc(found, isPylock)
		}
		if len(found) > 1 {
			return nil, pyfile.Errors{{Range: p.origin(p.File.Dependencies.Range).Range,
				Msg:  "there are several lock files: " + strings.Join(found, " and "),
				Hint: fmt.Sprintf("write lock = %q in [dependencies], if that one counts, or delete the others", found[0])}}
		}
		names = found
	}
	if relock {
		names = slices.DeleteFunc(names, isPylock)
	}
	return names, nil
}

func isPylock(name string) bool {
	format, _ := lock.IsLock(name)
	return format == "pylock"
}

// locksNear are the lock files in the project's directory, else in the nearest above it that has some.
func (p *Project) locksNear(r *reading) []string {
	for _, dir := range upward(p.Dir) {
		if found := locksIn(r, dir, dir == p.Dir); len(found) > 0 {
			return found
		}
	}
	return nil
}

// locksIn are the lock files in a directory, in the order of lock.Names. Requirements files count only in the project's own directory
// and where there is no other, because tools export one beside their lock. Of several, requirements.txt is the one.
func locksIn(r *reading, dir string, own bool) []string {
	var found, loose []string
	for name := range r.files {
		format, ok := lock.IsLock(name)
		switch {
		case !ok || !r.has(name) || path.Dir(name) != dir:
		case format == "requirements":
			loose = append(loose, name)
		default:
			found = append(found, name)
		}
	}
	if len(found) == 0 && own {
		found = loose
		if usual := path.Join(dir, "requirements.txt"); slices.Contains(loose, usual) {
			found = []string{usual}
		}
	}
	rank := func(name string) int {
		return slices.IndexFunc(lock.Names, func(n lock.Name) bool { ok, _ := path.Match(n.Pattern, path.Base(name)); return ok })
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	return found
}

// missingLock says what to write instead of the name of a lock that is not there.
func missingLock(name string, found []string) string {
	near := pyfile.Suggest(name, found)
	if near == "" && len(found) == 1 {
		near = found[0]
	}
	if near != "" {
		return fmt.Sprintf("write lock = %q", near)
	}
	return "write the lock's path relative to the build context, such as lock = \"uv.lock\""
}

// readTrees reads the metadata of the directories that packages of the lock are built from.
func (p *Project) readTrees(r *reading, l *lock.Lock) (pyfile.Errors, error) {
	p.trees, p.others = map[string]tree{}, l.AllDirectories()
	var dirs, wanted []string
	for _, dir := range l.Directories(p.Meta) {
		if dir != p.Dir {
			dirs = append(dirs, dir)
			wanted = append(wanted, buildSettings(dir)...)
		}
	}
	if err := r.want(wanted...); err != nil {
		return nil, err
	}
	var errs pyfile.Errors
	for _, dir := range dirs {
		t, problems := r.tree(dir)
		p.trees[dir] = t
		errs = append(errs, problems...)
	}
	return errs, nil
}
