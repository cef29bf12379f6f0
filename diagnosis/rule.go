package diagnosis

import (
	"regexp"
	"strings"
)

// rule finds a cause in one line. The text `has` stands in every line that the pattern matches; looking for it first is much faster.
type rule struct {
	has     string
	pattern *regexp.Regexp
	find    func(m []string, o *output, at int) *finding // m are the groups of the pattern; nil when it is no cause after all
}

// apply runs rules over all lines.
func apply(rules []rule, o *output) []*finding {
	var all []*finding
	for _, r := range rules {
		for i, l := range o.lines {
			if o.code[i] || !strings.Contains(l, r.has) {
				continue
			}
			m := r.pattern.FindStringSubmatch(l)
			if m == nil {
				continue
			}
			found := r.find(m, o, i)
			if found == nil {
				continue
			}
			found.at = i
			all = append(all, found)
		}
	}
	return all
}

// missing makes the cause that a thing of a kind is not there.
func missing(kind Kind, prefix, name string) *finding {
	return &finding{rank: certain, kind: kind, name: name, wants: []string{prefix + ":" + name}}
}

// compilers are the programs that compile, by what they compile.
var compilers = map[string]string{
	"cc": "C", "gcc": "C", "clang": "C", "cc1": "C", "c99": "C", "as": "C", "ld": "C",
	"c++": "C++", "g++": "C++", "clang++": "C++", "cc1plus": "C++",
}

// program is the cause that a program is not there. A compiler has names with a prefix and a version: x86_64-linux-gnu-gcc-14.
func program(name string) *finding {
	name = name[strings.LastIndexByte(name, '/')+1:]
	plain := versioned.ReplaceAllString(name, "")
	if i := strings.LastIndex(plain, "-gnu-"); i >= 0 {
		plain = plain[i+len("-gnu-"):]
	}
	if i := strings.LastIndex(plain, "-musl-"); i >= 0 {
		plain = plain[i+len("-musl-"):]
	}
	if language := compilers[plain]; language != "" {
		return compiler(language)
	}
	return missing(Program, "program", name)
}

var versioned = regexp.MustCompile(`-?[0-9.]+$`)

// compiler is the cause that there is none for a language.
func compiler(language string) *finding {
	name := "cc"
	if language == "C++" {
		name = "c++"
	}
	return &finding{rank: certain, kind: Compiler, name: language, wants: []string{"program:" + name}}
}

// library is the cause that pkg-config, or what asks it, does not know a library.
func library(name string) *finding { return missing(Library, "pkgconfig", name) }

// module is the cause that a Python module is not in the environment of the build.
func module(name string) *finding { return missing(Requirement, "module", name) }

// with adds what is wanted too.
func (found *finding) with(wants ...string) *finding {
	found.wants = append(found.wants, wants...)
	return found
}

func (found *finding) ranked(r rank) *finding {
	found.rank = r
	return found
}

// always answers with the same cause.
func always(make func() *finding) func([]string, *output, int) *finding {
	return func([]string, *output, int) *finding { return make() }
}

// named answers with the cause that the first group names.
func named(make func(string) *finding) func([]string, *output, int) *finding {
	return func(m []string, _ *output, _ int) *finding { return make(m[1]) }
}
