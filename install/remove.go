package install

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// rule says which files of a wheel a word takes away. All conditions that a rule has must hold. A license is never taken away, nor what
// is in .dist-info, nor a command, nor a file that can be imported unless the rule says so.
type rule struct {
	word string

	ends    []string // base names with one of these endings,
	names   []string // or one of these base names,
	dirs    []string // or files below a directory of one of these names, inside of a package and with test modules in it;
	trees   []string // or files below these directories of the scheme data,
	atRoot  []string // or files that begin so in site-packages itself, in lower case, with one of these endings, or in a directory that is called so
	modules bool     // importable files too, but never those that the rest of the wheel imports, and then none of their directory

	beside    []string // there is a file beside it, of the same name but for one of these endings
	extension bool     // the wheel has an extension module
	unless    []string // no module of the wheel has one of these texts
	notWith   []string // the wheel has no file with one of these endings
	except    []string // the wheel is not of one of these projects, in normal form; a star stands for any ending
}

// extensionModule is the ending of a compiled module.
const extensionModule = ".so"

// runTimeCompilers are projects that compile C or Cython while a program runs, and so need their headers and sources then. They are not
// the only ones: what has CUDA or OpenCL sources is taken for one too.
var runTimeCompilers = []string{
	"apache-tvm*", "brian2*", "cffi", "cmake", "cppyy*", "cuda-*", "cupy*", "cython*", "deepspeed", "flashinfer*", "httpstan", "jittor", "mypy",
	"nanobind", "nuitka", "numba*", "nvidia-*", "paddlepaddle*", "pybind11*", "pycuda", "pyopencl", "pystan", "pytensor", "pythran", "rocm*", "theano*",
	"tilelang", "torch", "triton*", "pytorch-triton*", "warp-lang", "ziglang",
}

var runTimeSources = []string{".cu", ".cuh", ".cl", ".metal", ".hip"}

// rules are all that --remove can do, in the order of their words.
//
//   - docs: man pages and the like; what authors put beside their package by mistake. Documents inside of a package stay, because
//     programs read them: templates, prompts, descriptions of data.
//   - headers: C headers and static libraries.
//   - sources: what was compiled, if the result lies beside it; Cython's files in a wheel with compiled modules. CUDA, OpenCL and
//     Fortran stay.
//   - stubs: type stubs whose module lies beside them. A stub that stands alone is data of a type checker.
//   - tests: directories test and tests of packages, and conftest.py. The packages called testing are API and stay, as does a top-level
//     package of any name.
var rules = []rule{
	{word: "docs", trees: []string{"share/doc", "share/gtk-doc", "share/info", "share/man"}},
	{word: "docs", atRoot: []string{"readme", "changelog", "changes", "history", "contributing", "news"}, ends: []string{".md", ".rst", ".txt"}},
	{word: "docs", atRoot: []string{"doc/", "docs/"}, ends: []string{".md", ".rst", ".txt", ".html", ".css", ".png", ".svg", ".jpg", ".gif", ".pdf", ".ipynb"}},
	{word: "headers", ends: []string{".h", ".hh", ".hpp", ".hxx", ".h++", ".a"}, notWith: runTimeSources, except: runTimeCompilers},
	{word: "sources", ends: []string{".c", ".cc", ".cpp", ".cxx", ".c++"}, beside: []string{extensionModule}, notWith: runTimeSources, except: runTimeCompilers},
	{word: "sources", ends: []string{".pyx", ".pxd", ".pxi", ".pyx.tp", ".pxd.tp", ".pyx.in", ".pxd.in", ".pxi.in"}, extension: true, except: runTimeCompilers},
	{word: "sources", ends: []string{".po"}, beside: []string{".mo"}},
	{word: "stubs", ends: []string{".pyi"}, beside: []string{".py", extensionModule}, unless: []string{"attach_stub", `.pyi"`, `.pyi'`}},
	{word: "stubs", names: []string{"py.typed"}, unless: []string{`py.typed"`, `py.typed'`}},
	{word: "tests", dirs: []string{"test", "tests"}, modules: true},
	{word: "tests", names: []string{"conftest.py"}, modules: true},
}

// RemoveWords returns the words that WheelsOptions.Remove may have, sorted.
func RemoveWords() (words []string) {
	for _, r := range rules {
		words = append(words, r.word)
	}
	return slices.Compact(words)
}

func checkRemove(words []string) error {
	known := RemoveWords()
	for _, word := range words {
		if !slices.Contains(known, word) {
			return fmt.Errorf("--remove must have some of the words %s, not %q", strings.Join(known, ", "), word)
		}
	}
	return nil
}

// license says whether a file may hold the terms that its package is under, which go with every copy of it.
func license(name string) bool {
	for part := range strings.SplitSeq(strings.ToLower(name), "/") {
		for _, begin := range []string{"license", "licence", "copying", "copyright", "notice", "authors"} {
			if strings.HasPrefix(part, begin) && path.Ext(part) != ".py" {
				return true
			}
		}
	}
	return false
}

// importable says whether Python may load a file by itself.
func importable(name string) bool {
	return slices.Contains([]string{".py", ".pyc", ".so", ".pth"}, path.Ext(name))
}

// contents is the files of a wheel as they will lie in site-packages, and in the other places of an environment.
type contents struct {
	wheel  *wheel
	site   map[string]*member
	data   map[string]*member  // of the scheme data, by the path in it
	header map[string]*member  // of the scheme headers, likewise
	dirs   map[string][]string // base names by directory of site-packages
	tested map[string]bool     // directories of site-packages with test modules, those above them too
}

func newContents(w *wheel) *contents {
	c := &contents{wheel: w, site: map[string]*member{}, data: map[string]*member{}, header: map[string]*member{}, dirs: map[string][]string{}, tested: map[string]bool{}}
	for i := range w.members {
		m := &w.members[i]
		top, rest, _ := strings.Cut(m.Name, "/")
		in, name := c.site, m.Name
		if strings.HasSuffix(top, ".data") {
			scheme, below, _ := strings.Cut(rest, "/")
			name = below
			switch scheme {
			case "data":
				in = c.data
			case "headers":
				in = c.header
			case "scripts":
				continue
			}
		} else if top == w.info {
			continue
		}
		in[name] = m
		if dir, base := path.Dir(name), path.Base(name); in[name] == c.site[name] {
			c.dirs[dir] = append(c.dirs[dir], base)
			if stem, ok := strings.CutSuffix(base, ".py"); ok && (strings.HasPrefix(stem, "test_") || strings.HasSuffix(stem, "_test")) {
				for ; dir != "."; dir = path.Dir(dir) {
					c.tested[dir] = true
				}
			}
		}
	}
	return c
}

// removed returns the files that the words take away.
func removed(w *wheel, words []string) (map[*member]bool, error) {
	out := map[*member]bool{}
	c := newContents(w)
	for i := range rules {
		r := &rules[i]
		if !slices.Contains(words, r.word) || !c.allow(r) {
			continue
		}
		found := map[string]*member{}
		take := func(list map[string]*member, matches func(*rule, string) bool) {
			for name, m := range list {
				if matches(r, name) && !license(name) && (r.modules || !importable(name)) {
					found[m.Name] = m
				}
			}
		}
		take(c.site, c.matches)
		take(c.header, func(r *rule, name string) bool { return r.word == "headers" && endsAs(r, name) })
		take(c.data, func(r *rule, name string) bool {
			return r.word == "headers" && endsAs(r, name) || slices.ContainsFunc(r.trees, func(tree string) bool { return strings.HasPrefix(name, tree+"/") })
		})
		if len(found) == 0 {
			continue
		}
		if len(r.unless) > 0 {
			if speaks, err := c.speaks(r.unless); err != nil || speaks {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		for _, m := range found {
			out[m] = true
		}
	}
	if slices.Contains(words, "tests") {
		if err := c.keepImported(out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// allow says whether a rule may touch this wheel at all.
func (c *contents) allow(r *rule) bool {
	name := normalize(c.wheel.name)
	for _, project := range r.except {
		if prefix, ok := strings.CutSuffix(project, "*"); name == project || ok && strings.HasPrefix(name, prefix) {
			return false
		}
	}
	extension := false
	for i := range c.wheel.members {
		end := path.Ext(c.wheel.members[i].Name)
		if slices.Contains(r.notWith, end) {
			return false
		}
		extension = extension || end == extensionModule
	}
	return extension || !r.extension
}

func endsAs(r *rule, name string) bool {
	return slices.ContainsFunc(r.ends, func(end string) bool { return strings.HasSuffix(name, end) })
}

// matches says whether a rule is about a file of site-packages.
func (c *contents) matches(r *rule, name string) bool {
	dir, base := path.Split(name)
	switch {
	case len(r.dirs) > 0:
		return c.testDir(r, name) != ""
	case len(r.names) > 0:
		top, _, below := strings.Cut(name, "/")
		return below && slices.Contains(r.names, base) && (!r.modules || c.site[dir+"__init__.py"] != nil && top != "test" && top != "tests")
	case len(r.atRoot) > 0:
		lower := strings.ToLower(name)
		return endsAs(r, lower) && slices.ContainsFunc(r.atRoot, func(begin string) bool {
			return strings.HasPrefix(lower, begin) && (dir == "") != strings.HasSuffix(begin, "/")
		})
	}
	for _, end := range r.ends {
		stem, ok := strings.CutSuffix(base, end)
		if !ok {
			continue
		}
		if len(r.beside) == 0 {
			return true
		}
		for _, other := range c.dirs[path.Clean(dir)] {
			for _, kind := range r.beside {
				if other != base && strings.HasPrefix(other, stem+".") && strings.HasSuffix(other, kind) && (kind == extensionModule || other == stem+kind) {
					return true
				}
			}
		}
	}
	return false
}

// testDir returns the directory of tests that a file is in, the outermost one, or "". It must be in a package, and have a module whose
// name is a test's: django.test has none, and neither have the many directories of data and templates that are called so.
func (c *contents) testDir(r *rule, name string) string {
	parts := strings.Split(name, "/")
	for i := 1; i < len(parts)-1; i++ {
		if !slices.Contains(r.dirs, parts[i]) || c.site[path.Join(append(slices.Clone(parts[:i]), "__init__.py")...)] == nil {
			continue
		}
		if dir := path.Join(parts[:i+1]...); c.tested[dir] {
			return dir
		}
	}
	return ""
}
