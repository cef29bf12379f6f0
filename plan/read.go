package plan

import (
	"path"
	"slices"

	"github.com/org/pyfile/lock"
)

// Reader reads the files of the build context that match patterns, and returns them by path. A pattern is one of path.Match in its
// last part. What is not there is no error.
type Reader func(patterns []string) (map[string][]byte, error)

// ReaderOf reads from files that are known already, by path.
func ReaderOf(files map[string][]byte) Reader {
	return func(patterns []string) (map[string][]byte, error) {
		out := map[string][]byte{}
		for name, data := range files {
			if slices.ContainsFunc(patterns, func(p string) bool { return Matches(p, name) }) {
				out[name] = data
			}
		}
		return out, nil
	}
}

// Matches tells whether a path is one of those that a Reader's pattern stands for.
func Matches(pattern, name string) bool {
	ok, err := path.Match(path.Base(pattern), path.Base(name))
	return ok && err == nil && path.Dir(pattern) == path.Dir(name)
}

// reading is what Open has read so far. An absent file is in files as nil, so that nothing is asked twice.
type reading struct {
	read  Reader
	files map[string][]byte
}

// want reads what matches the patterns and is not known yet.
func (r *reading) want(patterns ...string) error {
	patterns = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(patterns))), func(p string) bool { _, known := r.files[p]; return known })
	if len(patterns) == 0 {
		return nil
	}
	files, err := r.read(patterns)
	if err != nil {
		return err
	}
	for _, p := range patterns {
		r.files[p] = nil // a pattern too, which is then the name of no file
	}
	for name, data := range files {
		if data == nil {
			data = []byte{}
		}
		r.files[name] = data
	}
	return nil
}

// has tells whether a file is there.
func (r *reading) has(name string) bool { return r.files[name] != nil }

// metadata are the files of a project's directory that say what to build.
func metadata(dir string) []string {
	out := append(buildSettings(dir), path.Join(dir, setupCfg), path.Join(dir, pythonVersion))
	for _, source := range lockSources {
		out = append(out, path.Join(dir, source.name))
	}
	return out
}

// FirstFiles are patterns of the files of the build context that Open reads in any case.
func FirstFiles() []string { return filesOf(".") }

// filesOf are the patterns of the files that tell what a directory is.
func filesOf(dir string) []string { return append(metadata(dir), lockPatterns(dir)...) }

// lockSources are files that a tool makes a lock of, and that are none themselves.
var lockSources = []struct{ name, hint string }{
	{"Pipfile", `run "pipenv lock", and commit Pipfile.lock`},
	{"requirements.in", `run "uv pip compile --generate-hashes requirements.in -o requirements.txt", and commit requirements.txt; to build without a lock, write lock = ["requirements.in"] in [dependencies]`},
}

// lockPatterns are the names of lock files in a directory.
func lockPatterns(dir string) []string {
	out := make([]string, len(lock.Names))
	for i, n := range lock.Names {
		out[i] = path.Join(dir, n.Pattern)
	}
	return out
}

// upward lists a directory of the context and those above it, up to the root of the context.
func upward(dir string) []string {
	out := []string{dir}
	for dir != "." {
		dir = path.Dir(dir)
		out = append(out, dir)
	}
	return out
}
