package diagnosis

import (
	"path"
	"regexp"
	"strings"
)

// tools are the causes that compilers, linkers, shells, configure, meson, cmake, pkg-config, cargo and setup scripts name themselves.
func tools(o *output, _ Facts) []*finding {
	return append(apply(toolRules, o), cmake(o)...)
}

var toolRules = []rule{
	// Compilers and linkers.
	{"fatal error:", regexp.MustCompile(`fatal error: '?([^':]+)'?(?:: No such file or directory| file not found)`), header},
	{"cannot execute", regexp.MustCompile(`cannot execute '(cc1\w*|as|ld)'`), named(program)},
	{"error trying to exec", regexp.MustCompile(`error trying to exec '([^']+)'`), named(program)},
	{"cannot find -l", regexp.MustCompile(`cannot find -l([\w.+-]+)`), named(linked)},
	{"unable to find library -l", regexp.MustCompile(`unable to find library -l([\w.+-]+)`), named(linked)},
	{"cannot open shared object file", regexp.MustCompile(`\blib([\w+-]+)\.so[\d.]*: cannot open shared object file`), named(linked)},
	{"library not found: ", regexp.MustCompile(`^mold: (?:fatal|error): library not found: ([\w.+-]+)`), named(linked)},
	{"linker `", regexp.MustCompile("error: linker `([^`]+)` not found"), named(program)},
	{"error: ", regexp.MustCompile(`error: (implicit declaration of function|too (?:few|many) arguments to function|unknown type name|invalid use of incomplete typedef) '(_?Py\w*)`), capi},
	{"undeclared", regexp.MustCompile(`error: ('?)(_?Py\w+)'? undeclared`), capi},
	{"was not declared", regexp.MustCompile(`error: ('?)(_?Py\w+)'? was not declared`), capi},
	{"has no member named", regexp.MustCompile(`error: '(?:const )?(_?Py\w+|struct _ts|_?struct _?Py\w+|struct _frame)'.* has no member named '(\w+)'`), func(m []string, _ *output, _ int) *finding {
		return capiName(m[1] + "." + m[2])
	}},
	{"Py", regexp.MustCompile(`undefined (?:reference to|symbol:) ['` + "`" + `]?()(_?Py\w+)`), capi},

	// Programs.
	{"No such file or directory: '", regexp.MustCompile(`^(?:FileNotFoundError: |error: |.*\bOSError: |.*: )?\[Errno 2\] No such file or directory: '([^']+)'`), spawned},
	{"failed: No such file", regexp.MustCompile(`error: [Cc]ommand '([^']+)' failed: No such file or directory`), named(program)},
	{"failed with exit status 127", regexp.MustCompile(`error: [Cc]ommand '([^']+)' failed with exit (?:status|code) 127`), named(program)},
	{"returned non-zero exit status 127", regexp.MustCompile(`CalledProcessError: Command '?\[?'?([\w.+/-]+).* returned non-zero exit status 127`), named(program)},
	{"unable to execute '", regexp.MustCompile(`unable to execute '([^']+)': No such file`), named(program)},
	{"not found", regexp.MustCompile(`^(?:Error: |error: |OSError: |\w+Error: |Exception: )?(?:The |the )?([\w.+-]+)(?: executable| command| program| binary)?(?: is| was)? not (?:found|installed)(?:[.,!]| or | in | on |$)`), told},
	{"not installed", regexp.MustCompile(`^(?:Error: |error: |OSError: |\w+Error: |Exception: )?(?:The |the )?([\w.+-]+)(?: executable| command| program| binary)?(?: is| was)? not installed`), told},
	{"is required to ", regexp.MustCompile(`^(?:\w*Error: |error: )?([\w.+-]+)(?: binary| executable| program| command| tool)? is required to (?:compile|build)`), told},
	{"executable not found", regexp.MustCompile(`\b([\w.+-]+) executable not found`), named(program)},
	{"command not found", regexp.MustCompile(`\b([\w.+-]+): command not found`), shell},
	{": not found", regexp.MustCompile(`\bsh: (?:\d+: |line \d+: )?([\w.+/-]+): not found`), shell},
	{"Could not run ", regexp.MustCompile(`Could not run ([\w.+-]+-config)\b`), named(program)},
	{"-config", regexp.MustCompile(`(?i)(?:could not|cannot|couldn't|can't|unable to|failed to) (?:find|locate|run|execute)(?: the)? ['"` + "`" + `]?([\w.+]+-config)\b`), named(program)},
	{"_config", regexp.MustCompile(`(?i)(?:could not|cannot|couldn't|can't|unable to|failed to) (?:find|locate|run|execute)(?: the)? ['"` + "`" + `]?([\w.+]+_config)\b`), named(program)},
	{"C compiler", regexp.MustCompile(`(?i)\b(?:you need a|no(?: acceptable| working)?|need a(?: working)?|cannot find a|could not find a|unable to find a) C compiler\b`), always(func() *finding { return compiler("C") })},
	{"C compiler cannot create executables", regexp.MustCompile(`C compiler cannot create executables`), always(func() *finding { return compiler("C") })},
	{"C++ compiler", regexp.MustCompile(`(?i)\b(?:you need a|no(?: acceptable| working)?|need a(?: working)?|cannot find a|could not find a) C\+\+ compiler\b`), always(func() *finding { return compiler("C++") })},
	{"Fortran compiler", regexp.MustCompile(`(?i)\b(?:no|need a|cannot find a|could not find a)\w* Fortran compiler\b`), always(func() *finding { return program("gfortran") })},
	{"CMake is not installed", regexp.MustCompile(`CMake is not installed`), always(func() *finding { return program("cmake") })},
	{"CMake must be installed", regexp.MustCompile(`CMake must be installed`), always(func() *finding { return program("cmake") })},
	{"ould not find CMake", regexp.MustCompile(`[Cc]ould not find CMake`), always(func() *finding { return program("cmake") })},
	{"Could not find ", regexp.MustCompile(`Could not find (cmake|ninja|swig|make|cargo|rustc|pkg-config|protoc)\b`), named(program)},

	// Rust.
	{"can't find Rust compiler", regexp.MustCompile(`can't find Rust compiler`), always(rust)},
	{"Rust not found", regexp.MustCompile(`^Rust not found`), always(rust)},
	{"Rust", regexp.MustCompile(`Cargo, the Rust package manager, is not installed`), always(rust)},
	{"cargo in your PATH", regexp.MustCompile(`Cargo metadata failed\. Do you have cargo in your PATH`), always(rust)},
	{"rustc", regexp.MustCompile(`(?:could not execute process .*rustc|rustc: not found|rustc.*is not installed)`), always(rust)},
	{"cannot be built because it requires rustc", regexp.MustCompile(`cannot be built because it requires rustc ([\d.]+)`), newerRust},
	{"requires rustc ", regexp.MustCompile(`requires rustc ([\d.]+) or newer`), newerRust},
	{"is not supported by the following package", regexp.MustCompile(`rustc [\d.]+ is not supported by the following package()`), newerRust},
	{"lock file version", regexp.MustCompile("lock file version (?:`)?\\d+(?:`)? (?:requires|was found, but this version of Cargo)()"), newerRust},
	{"The system library", regexp.MustCompile("The system library `([^`]+)` required by crate"), named(library)},
	{"Could not find directory of OpenSSL", regexp.MustCompile(`Could not find directory of OpenSSL installation`), always(func() *finding { return library("openssl") })},
	{"pkg-config command could not be found", regexp.MustCompile(`pkg-config command could not be found`), always(func() *finding { return program("pkg-config") })},

	// meson.
	{"ERROR: Unknown compiler(s)", regexp.MustCompile(`ERROR: Unknown compiler\(s\): \[\['?([^'\],]+)`), named(program)},
	{"cannot compile programs", regexp.MustCompile(`ERROR: Compiler \S+ (?:cannot|can not) compile programs`), always(func() *finding { return compiler("C") })},
	{"ERROR: Dependency ", regexp.MustCompile(`ERROR: Dependency ['"]([^'"]+)['"] (?:is required but )?not found`), dependency},
	{"ERROR: Dependency lookup for ", regexp.MustCompile(`ERROR: Dependency lookup for (\S+) with method`), dependency},
	{"ERROR: Program ", regexp.MustCompile(`ERROR: Program ['"]([^'"]+)['"] not found`), named(program)},
	{"library '", regexp.MustCompile(`ERROR: \S+ (?:shared or static |shared |static )?library '([^']+)' not found`), named(linked)},
	{"header '", regexp.MustCompile(`ERROR: \S+ header '([^']+)' not found`), named(included)},
	{"missing modules: ", regexp.MustCompile(`is missing modules: ([\w.]+)`), named(module)},

	// pkg-config prints the same whether the build can go on or not.
	{"pkg-config", regexp.MustCompile(`Package '?([\w.+-]+)'? was not found in the pkg-config search path`), weak(library)},
	{"not found", regexp.MustCompile(`Package '([\w.+-]+)'(?:, required by '[^']*',)? not found`), weak(library)},
	{"No package '", regexp.MustCompile(`No package '([\w.+-]+)' found`), weak(library)},
	{"No package '", regexp.MustCompile(`configure: error: .*No package '([\w.+-]+)' found`), named(library)},
	{"Package requirements (", regexp.MustCompile(`configure: error: Package requirements \(([\w.+-]+)[^)]*\) were not met`), named(library)},
	{"configure: error: ", regexp.MustCompile(`configure: error: (?:cannot find|could not find|missing|unable to find) (?:the )?(?:required )?(?:header )?['"<]?([\w./+-]+\.h)\b`), named(included)},

	// Scripts of packages that are built often, in their own words.
	{"Can not find valid pkg-config name", regexp.MustCompile(`Can not find valid pkg-config name`), func(_ []string, o *output, _ int) *finding {
		found := library("mysqlclient")
		if o.has("returned non-zero exit status 127") || o.has("pkg-config: not found") {
			found.with("program:pkg-config")
		}
		return found
	}},
	{"ind ", regexp.MustCompile(`(?i)(?:did not|could not|cannot|can't|couldn't|unable to) find (?:the )?([\w.+-]+) (?:headers?|librar(?:y|ies)|development files|header files|shared library|installation)\b`), unfound},
	{"libxml2 and libxslt development packages", regexp.MustCompile(`make sure the libxml2 and libxslt development packages are installed`), always(func() *finding {
		return &finding{rank: certain, kind: Library, name: "libxml2", wants: []string{"pkgconfig:libxml-2.0", "pkgconfig:libxslt"}}
	})},
	{"could not be found for ", regexp.MustCompile(`^The headers or library files could not be found for (\w+)`), pillow},

	// What ends for want of memory or disk.
	{"illed", regexp.MustCompile(`(?:fatal error|internal compiler error|error): Killed\b|terminated with signal 9|: Killed\s+\S*(?:gcc|g\+\+|cc1|clang|rustc|ld)`), exhausted(Memory)},
	{"SIGKILL", regexp.MustCompile(`signal: 9, SIGKILL`), exhausted(Memory)},
	{"memory", regexp.MustCompile(`virtual memory exhausted|out of memory allocating|LLVM ERROR: out of memory|Cannot allocate memory|(?:memory allocation of \d+ bytes failed)`), exhausted(Memory)},
	{"bad_alloc", regexp.MustCompile(`std::bad_alloc`), exhausted(Memory)},
	{"MemoryError", regexp.MustCompile(`^MemoryError\b`), exhausted(Memory)},
	{"No space left on device", regexp.MustCompile(`No space left on device`), exhausted(Disk)},
	{"Disk quota exceeded", regexp.MustCompile(`Disk quota exceeded`), exhausted(Disk)},
	{"ENOSPC", regexp.MustCompile(`\bENOSPC\b`), exhausted(Disk)},
}

// exhausted is the cause that the machine has too little of something.
func exhausted(kind Kind) func([]string, *output, int) *finding {
	return func([]string, *output, int) *finding { return &finding{rank: machine, kind: kind} }
}

// rust is the cause that there is no Rust. cargo needs a linker, which only a C compiler brings, but this is not known to be missing.
func rust() *finding { return missing(Program, "program", "rustc").with("program:cargo") }

func newerRust(m []string, _ *output, _ int) *finding {
	found := &finding{rank: certain, kind: Program, name: "rustc", about: "it needs a newer Rust than the one that is installed",
		hint: "use a builder image with a newer Rust, or %s"}
	if m[1] != "" {
		found.about = "it needs Rust " + m[1] + " or newer"
	}
	return found
}

// extensions are how names of headers end.
var extensions = map[string]bool{".h": true, ".hpp": true, ".hh": true, ".hxx": true, ".inc": true, ".cuh": true}

// header is the cause that a file is not there that a source includes, or that a source is not there.
func header(m []string, _ *output, _ int) *finding {
	name := m[1]
	if ext := path.Ext(name); ext != "" && !extensions[ext] {
		return &finding{rank: certain, kind: Backend, name: name, about: "its source has no file " + name,
			hint: "%s: this one has not all the files that its build needs"}
	}
	return included(name)
}

// brought are headers that no package of the distribution should bring, by their first part: a Python module does, in its own version.
var brought = map[string]string{"numpy": "numpy", "pybind11": "pybind11", "nanobind": "nanobind", "mpi4py": "mpi4py", "torch": "torch", "greenlet": "greenlet"}

func included(name string) *finding {
	name = strings.TrimPrefix(name, "./")
	first, _, nested := strings.Cut(name, "/")
	switch {
	case name == "longintrepr.h":
		return capiName(name)
	case nested && brought[first] != "":
		return module(brought[first])
	}
	return missing(Header, "header", name)
}

func linked(name string) *finding { return missing(Library, "library", name) }

// spawned is the cause that Python could not start a program, or not open a file. Files have a directory or a suffix.
func spawned(m []string, _ *output, _ int) *finding {
	name := m[1]
	switch ext := path.Ext(name); {
	case compilers[path.Base(name)] != "", strings.HasPrefix(name, "/usr/bin/"), strings.HasPrefix(name, "/usr/local/bin/"):
		return program(name)
	case strings.Contains(name, "/"), ext != "" && !versioned.MatchString(ext), strings.ToUpper(name) == name:
		return &finding{rank: raised, kind: Backend, name: name, about: "its build needs a file that is not there: " + name,
			hint: "%s: this one has not all the files that its build needs"}
	}
	return program(name)
}

// told is what a script says to be missing. Its words are those of people, so they count only when the name is known, and less when they are
// not said to be an error.
func told(m []string, o *output, at int) *finding {
	name := strings.TrimRight(m[1], ".")
	if compilers[name] != "" {
		return program(name)
	}
	want := known(name)
	if want == "" {
		return nil
	}
	prefix, _, _ := strings.Cut(want, ":")
	kind := map[string]Kind{"program": Program, "header": Header}[prefix]
	if kind == "" {
		kind = Library
	}
	found := &finding{rank: certain, kind: kind, name: name, wants: []string{want}}
	if l := o.lines[at]; strings.HasPrefix(l, m[1]) && !strings.HasPrefix(l[len(m[1]):], " executable") {
		found.rank = likely
	}
	return found
}

// unfound is a library that a script did not find, under a name that may be written for people.
func unfound(m []string, _ *output, _ int) *finding {
	for _, name := range []string{m[1], strings.ToLower(m[1]), strings.TrimPrefix(strings.ToLower(m[1]), "lib")} {
		if want := known(name); want != "" && !strings.HasPrefix(want, "program:") {
			return &finding{rank: certain, kind: Library, name: m[1], wants: []string{want}}
		}
	}
	return nil
}

// shell is what a shell did not find. Scripts ask for programs that they can do without, such as git.
func shell(m []string, _ *output, _ int) *finding { return program(m[1]).ranked(likely) }

func weak(make func(string) *finding) func([]string, *output, int) *finding {
	return func(m []string, _ *output, _ int) *finding { return make(m[1]).ranked(likely) }
}

// dependency is a library that meson does not find. It asks pkg-config first, which may be missing too.
func dependency(m []string, o *output, at int) *finding {
	name := m[1]
	if brought[name] != "" {
		return module(brought[name])
	}
	found := library(name)
	if strings.Contains(o.lines[at], "Pkg-config for machine") || o.has("Found pkg-config: NO") || o.has("Did not find pkg-config") {
		found.with("program:pkg-config")
	}
	return found
}

// has tells whether a text stands anywhere in the output.
func (o *output) has(text string) bool {
	for _, l := range o.lines {
		if strings.Contains(l, text) {
			return true
		}
	}
	return false
}

// pillow names libraries in its own way.
func pillow(m []string, _ *output, _ int) *finding {
	names := map[string]string{"zlib": "pkgconfig:zlib", "jpeg": "header:jpeglib.h", "tiff": "pkgconfig:libtiff-4", "freetype": "pkgconfig:freetype2", "webp": "pkgconfig:libwebp"}
	found := missing(Library, "library", m[1])
	if want := names[m[1]]; want != "" {
		found.wants = []string{want}
	}
	return found
}

// capi is the cause that the C API of this Python lacks a name that the source uses.
func capi(m []string, _ *output, _ int) *finding { return capiName(m[2]) }

func capiName(name string) *finding {
	return &finding{rank: certain, kind: Python, name: name, about: "it uses " + name + " of the C API, which is gone or has changed"}
}
