package diagnosis

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// raisedLine is the end of a traceback, or an error that setuptools prints in its place.
var raisedLine = regexp.MustCompile(`^(?:[A-Za-z_][\w.]*\.)?([A-Z]\w*(?:Error|Exception|Exit|Interrupt|Unavailable|Warning|Failure|Missing)|Exception)(?:: ?(.*))?$`)

// exceptions find the cause in the exception that ended the build: the last one, because those before it may have been caught.
func exceptions(o *output, f Facts) []*finding {
	var all []*finding
	for i := len(o.lines) - 1; i >= 0 && len(all) == 0; i-- {
		if o.code[i] || noise.MatchString(o.lines[i]) {
			continue
		}
		if m := toolError.FindStringSubmatch(o.lines[i]); m != nil {
			all = at(i, setup(m[1]))
		} else if m := raisedLine.FindStringSubmatch(o.lines[i]); m != nil && !strings.HasSuffix(m[1], "Warning") {
			found := exception(m[1], m[2], f)
			if found == nil {
				found = words(cmp.Or(said(o, i, m[2]), m[1]))
			}
			all = at(i, found)
		}
	}
	if len(all) > 0 && all[0].rank < general {
		return all
	}
	for i := o.resumed; i < len(o.lines); i++ {
		if m := compileError.FindStringSubmatch(o.lines[i]); m != nil && !o.code[i] {
			return at(i, &finding{rank: general, kind: Backend, about: "its code does not compile: " + m[1]})
		}
	}
	if len(all) > 0 {
		return all
	}
	return ending(o)
}

// ending is what a build said that raised no exception: the first line of a short output, the last one of a long.
func ending(o *output) []*finding {
	const short = 15
	first, last, count := -1, -1, 0
	for i, l := range o.lines {
		if i < o.resumed || onward.MatchString(l) || o.code[i] || noise.MatchString(l) || !strings.ContainsFunc(l, unicode.IsLetter) {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
		count++
	}
	if count == 0 {
		return nil
	}
	i := last
	if count <= short {
		i = first
	}
	return at(i, words(o.lines[i]))
}

var (
	// toolError is how setuptools, pip, meson, cargo and cmake end; a path and a line may stand before it.
	toolError = regexp.MustCompile(`^(?:[\w./-]+:\d+:\d+: )?(?:error|ERROR|Error|configure: error|ninja: error|error in \S+ setup command): (.+)$`)
	// compileError is an error of a C compiler.
	compileError = regexp.MustCompile(`^[^\s:]+:\d+:\d+: (?:fatal )?error: (.+)$`)
	// noise says only that something else failed.
	noise = regexp.MustCompile(`(?i)returned non-zero exit status|failed with exit (?:code|status)|exited with an error|subprocess-exited-with-error|metadata-generation-failed|` +
		`failed building wheel|failed to build installable wheels|this is an issue with the package|compilation terminated|subcommand failed|a full log can be found`)
	onlyPython2 = regexp.MustCompile(`(?i)for python 2(?:\.\d)?(?:\.x)? only|only (?:supports|for|works (?:with|on)) python 2\b`)
)

func at(i int, found *finding) []*finding {
	found.at = i
	return []*finding{found}
}

// words is the cause that only the build's own words tell.
func words(text string) *finding {
	if onlyPython2.MatchString(text) {
		return python2("")
	}
	if pyRange.MatchString(text) {
		return &finding{rank: raised, kind: Python, about: "its build says: " + strings.TrimRight(text, ".")}
	}
	return &finding{rank: general, kind: Backend, about: "its build says: " + strings.TrimRight(text, ".")}
}

// said is the text of an exception, which may begin on the next line.
func said(o *output, i int, text string) string {
	for j := i + 1; text == "" && j < min(i+4, len(o.lines)); j++ {
		text = o.lines[j]
	}
	return strings.TrimSpace(text)
}

// setup is the cause in an error line of setuptools.
func setup(text string) *finding {
	if strings.Contains(text, "use_2to3 is invalid") {
		return python2("use_2to3")
	}
	return words(text)
}

// python2 is the cause that a source was written for Python 2.
func python2(name string) *finding {
	return &finding{rank: raised, kind: Python, name: name, about: "it was written for Python 2"}
}

// removed are modules of the standard library that are gone, with the version that has them no more; ModuleNotFoundError names them.
var removed = map[string]string{
	"distutils": "3.12", "imp": "3.12", "asyncore": "3.12", "asynchat": "3.12", "smtpd": "3.12",
	"lib2to3": "3.13", "cgi": "3.13", "cgitb": "3.13", "crypt": "3.13", "pipes": "3.13", "telnetlib": "3.13", "imghdr": "3.13", "sndhdr": "3.13",
	"uu": "3.13", "xdrlib": "3.13", "nntplib": "3.13", "mailcap": "3.13", "msilib": "3.13", "nis": "3.13", "audioop": "3.13", "aifc": "3.13",
	"chunk": "3.13", "sunau": "3.13", "spwd": "3.13", "ossaudiodev": "3.13",
	"parser": "3.10", "formatter": "3.10", "symbol": "3.10", "macpath": "3.8", "binhex": "3.11",
}

// old are modules of Python 2 only.
var old = []string{
	"ConfigParser", "urllib2", "urlparse", "StringIO", "cStringIO", "cPickle", "Queue", "commands", "httplib", "Tkinter", "__builtin__", "HTMLParser",
	"cookielib", "xmlrpclib", "SocketServer", "exceptions", "sets", "md5", "sha", "itertools.izip", "dummy_thread", "copy_reg", "BaseHTTPServer",
}

// standard are modules of the standard library from which names were removed that setup scripts use.
var standard = []string{
	"ast", "asyncio", "collections", "configparser", "fractions", "gettext", "importlib", "inspect", "locale", "os", "pkgutil", "platform", "random", "re",
	"string", "sys", "threading", "time", "typing", "types", "unittest", "plistlib", "tarfile", "sysconfig", "xml.etree", "distutils",
}

var (
	noModule    = regexp.MustCompile(`No module named '?"?([A-Za-z_][\w.]*)`)
	noName      = regexp.MustCompile(`cannot import name '?(\w+)'? from '?([A-Za-z_][\w.]*)`)
	noAttribute = regexp.MustCompile(`module '([\w.]+)' has no attribute '(\w+)'`)
	noBackend   = regexp.MustCompile(`Cannot import '?([\w.]+)`)
	pyRange     = regexp.MustCompile(`(?i)(?:cannot install on python version|requires? (?:at least )?(?:a )?(?:different )?python|python (?:version )?[\w., <>=!*~-]*(?:is|are) (?:not|required)|only (?:python|versions)|unsupported python|not supported (?:on|by|with) python|python (?:version )?(?:>=|<|3\.\d+ or)|your python version)`)
)

// exception is the cause that an exception tells, nil when it tells only what its text says.
func exception(class, text string, f Facts) *finding {
	switch class {
	case "ModuleNotFoundError", "ImportError", "BackendUnavailable":
		return imported(text)
	case "SyntaxError", "TabError", "IndentationError":
		for _, words := range []string{"Missing parentheses in call to", "multiple exception types must be parenthesized", "leading zeros in decimal integer", "invalid hexadecimal literal", "inconsistent use of tabs"} {
			if strings.Contains(text, words) {
				return python2("print")
			}
		}
		return &finding{rank: raised, kind: Python, about: "its code is no Python that " + f.python() + " reads"}
	case "NameError":
		for _, name := range []string{"unicode", "xrange", "raw_input", "execfile", "basestring", "unichr", "reduce", "file", "long"} {
			if strings.Contains(text, "'"+name+"'") {
				return python2(name)
			}
		}
	case "AttributeError":
		if strings.Contains(text, "cython_sources") {
			return olderCython()
		}
		if m := noAttribute.FindStringSubmatch(text); m != nil {
			first, _, _ := strings.Cut(m[1], ".")
			if slices.Contains(standard, m[1]) || slices.Contains(standard, first) {
				name := m[1] + "." + m[2]
				return &finding{rank: raised, kind: Python, name: name, about: "it uses " + name + ", which is gone"}
			}
			return otherVersion(m[1], m[1]+"."+m[2])
		}
	case "CompileError":
		if strings.HasSuffix(text, ".pyx") || strings.HasSuffix(text, ".pxd") {
			return olderCython()
		}
	}
	return nil
}

func olderCython() *finding {
	return &finding{rank: raised, kind: Requirement, name: "Cython", wants: []string{"module:Cython"}, about: "its sources are for an older Cython than the one of today",
		hint: `put "Cython<3" into the file of build-constraints, or %s`}
}

// otherVersion is the cause that the environment has a module in a version that the build is not made for.
func otherVersion(module, name string) *finding {
	first, _, _ := strings.Cut(module, ".")
	dist := distributionOf(first)
	return &finding{rank: raised, kind: Requirement, name: first, wants: []string{"module:" + first},
		about: "it uses " + name + ", which the " + dist + " of its build environment does not have",
		hint:  "hold an older " + dist + " with the file of build-constraints, or %s"}
}

// imported is the cause in the text of an exception of an import.
func imported(text string) *finding {
	if m := noName.FindStringSubmatch(text); m != nil {
		first, _, _ := strings.Cut(m[2], ".")
		if slices.Contains(standard, first) {
			name := m[2] + "." + m[1]
			return &finding{rank: raised, kind: Python, name: name, about: "it uses " + name + ", which is gone"}
		}
		return otherVersion(m[2], m[2]+"."+m[1])
	}
	m := noModule.FindStringSubmatch(text)
	if m == nil {
		if m = noBackend.FindStringSubmatch(text); m == nil {
			return nil
		}
	}
	name := strings.TrimRight(m[1], ".")
	first, _, nested := strings.Cut(name, ".")
	switch {
	case slices.Contains(old, name), slices.Contains(old, first):
		return python2(name)
	case first == "pkg_resources":
		found := module("pkg_resources").ranked(raised)
		found.about = "it uses pkg_resources, which the setuptools of today does not have"
		found.hint = `put "setuptools<81" into the file of build-constraints, or %s`
		return found
	case removed[first] != "":
		return &finding{rank: raised, kind: Python, name: first, wants: []string{"module:" + first},
			about: "it uses the module " + first + ", which is gone since " + removed[first]}
	case nested && (first == "setuptools" || first == "numpy" || first == "Cython"):
		return otherVersion(first, name)
	}
	return module(first).ranked(raised)
}

// distributions are the projects of modules that have another name.
var distributions = map[string]string{
	"yaml": "PyYAML", "skbuild": "scikit-build", "scikit_build_core": "scikit-build-core", "PIL": "Pillow", "mesonpy": "meson-python", "pkg_resources": "setuptools",
	"setuptools_scm": "setuptools-scm", "setuptools_rust": "setuptools-rust", "poetry": "poetry-core", "flit_core": "flit-core", "google": "protobuf",
	"bs4": "beautifulsoup4", "sklearn": "scikit-learn", "dateutil": "python-dateutil", "attr": "attrs", "pdm": "pdm-backend", "hatch_vcs": "hatch-vcs",
	"sipbuild": "sip", "pyqtbuild": "PyQt-builder", "cffi": "cffi", "py_build_cmake": "py-build-cmake", "extension_helpers": "extension-helpers", "pbr": "pbr",
}

// distributionOf is the project that a module is in, as people write it in a requirement.
func distributionOf(module string) string {
	if name := distributions[module]; name != "" {
		return name
	}
	return module
}
