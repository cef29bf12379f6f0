package diagnosis

import (
	"strings"
	"testing"
)

// The lines are those that the tools print, in builds that are too large or too old to be among the fixtures.
func TestLinesOfToolsAreUnderstood(t *testing.T) {
	for _, test := range []struct {
		lines string
		kind  Kind
		wants string
	}{
		{"x.cpp:1:10: fatal error: 'openssl/ssl.h' file not found", Header, "header:openssl/ssl.h"},
		{"a.c:1:10: fatal error: numpy/arrayobject.h: No such file or directory", Requirement, "module:numpy"},
		{"a.c:1:10: fatal error: pybind11/pybind11.h: No such file or directory", Requirement, "module:pybind11"},
		{"_websocket.c:1:10: fatal error: longintrepr.h: No such file or directory", Python, ""},
		{"cc1: fatal error: src/_speedups.c: No such file or directory", Backend, ""},
		{"gcc: fatal error: cannot execute 'cc1plus': execvp: No such file or directory", Compiler, "program:c++"},
		{"/usr/bin/ld: cannot find -lssl: No such file or directory", Library, "library:ssl"},
		{"/usr/bin/ld: cannot find -lssl", Library, "library:ssl"},
		{"ld.lld: error: unable to find library -lpq", Library, "library:pq"},
		{"error: linker `cc` not found", Compiler, "program:cc"},
		{"error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory", Compiler, "program:cc"},
		{"error: command 'gcc-12' failed: No such file or directory", Compiler, "program:cc"},
		{"unable to execute 'swig': No such file or directory", Program, "program:swig"},
		{"configure: error: no acceptable C compiler found in $PATH", Compiler, "program:cc"},
		{"configure: error: C compiler cannot create executables", Compiler, "program:cc"},
		{"/bin/sh: 1: pg_config: not found\nerror: something", Program, "program:pg_config"},
		{"make: cmake: command not found", Program, "program:cmake"},
		{"meson.build:3:0: ERROR: Program 'bison' not found or not executable", Program, "program:bison"},
		{"meson.build:3:0: ERROR: C shared or static library 'gmp' not found", Library, "library:gmp"},
		{"meson.build:3:0: ERROR: C header 'gmp.h' not found", Header, "header:gmp.h"},
		{"meson.build:3:0: ERROR: python3 is missing modules: numpy", Requirement, "module:numpy"},
		{`../meson.build:9:1: ERROR: Dependency "OpenBLAS" not found, tried pkgconfig and cmake`, Library, "pkgconfig:OpenBLAS"},
		{"configure: error: Package requirements (libxml-2.0 >= 2.9) were not met:\n\nNo package 'libxml-2.0' found", Library, "pkgconfig:libxml-2.0"},
		{"The system library `libgit2` required by crate `libgit2-sys` was not found.", Library, "pkgconfig:libgit2"},
		{"  Could not find directory of OpenSSL installation, and this `-sys` crate cannot", Library, "pkgconfig:openssl"},
		{"  Caused by: Cargo metadata failed. Do you have cargo in your PATH?", Program, "program:rustc program:cargo"},
		{"error: package `x v1` cannot be built because it requires rustc 1.90 or newer, while the currently active rustc version is 1.85.0", Program, ""},
		{"CMake Error at CMakeLists.txt:3 (find_package):\n  Could not find a package configuration file provided by \"Arrow\" with any\n  of the following names:\n", Library, "cmake:Arrow"},
		{"CMake Error at /usr/share/cmake/Modules/FindPackageHandleStandardArgs.cmake:230 (message):\n  Could NOT find PNG (missing: PNG_LIBRARY)\nCall Stack", Library, "cmake:PNG"},
		{"CMake Error at CMakeLists.txt:5 (project):\n  No CMAKE_Fortran_COMPILER could be found.\n", Program, "program:gfortran"},
		{"-- Could NOT find Git (missing: GIT_EXECUTABLE)\nCMake Error at CMakeLists.txt:9 (message):\n  the frobnicator is off\n", Backend, ""},
		{"RuntimeError: Cannot install on Python version 3.13.5; only versions >=3.6,<3.11 are supported.", Python, ""},
		{"ERROR: Package 'x' requires a different Python: 3.13.5 not in '<3.12,>=3.8'", Python, ""},
		{"AttributeError: module 'configparser' has no attribute 'SafeConfigParser'. Did you mean: 'RawConfigParser'?", Python, ""},
		{"AttributeError: module 'pkgutil' has no attribute 'ImpImporter'. Did you mean: 'zipimporter'?", Python, ""},
		{"ImportError: cannot import name 'Mapping' from 'collections' (/usr/lib/python3.13/collections/__init__.py)", Python, ""},
		{"ImportError: cannot import name 'Feature' from 'setuptools' (/run/pyfile/env/lib/python3.13/site-packages/setuptools/__init__.py)", Requirement, "module:setuptools"},
		{"ModuleNotFoundError: No module named 'imp'", Python, "module:imp"},
		{"ModuleNotFoundError: No module named 'pkg_resources'", Requirement, "module:pkg_resources"},
		{"ModuleNotFoundError: No module named 'urllib2'", Python, ""},
		{"pip._vendor.pyproject_hooks._impl.BackendUnavailable: Cannot import 'poetry.core.masonry.api'", Requirement, "module:poetry"},
		{"NameError: name 'unicode' is not defined", Python, ""},
		{"Cython.Compiler.Errors.CompileError: src/a.pyx", Requirement, "module:Cython"},
		{"a.c:3:9: error: implicit declaration of function 'PyUnicode_AS_UNICODE'; did you mean 'PyUnicode_AsUTF8'? [-Wimplicit-function-declaration]", Python, ""},
		{"a.c:3:9: error: \u2018PyUnicode_WCHAR_KIND\u2019 undeclared (first use in this function)", Python, ""},
		{"a.c:3:9: error: too few arguments to function \u2018_PyLong_AsByteArray\u2019", Python, ""},
		{"a.c:3:9: error: expected ';' before '}' token", Backend, ""},
		{"a.c:3:9: warning: implicit declaration of function 'PyUnicode_AS_UNICODE'", Backend, ""},
		{"error: could not compile `x` (lib)\n\nCaused by:\n  process didn't exit successfully: `rustc --crate-name x` (signal: 9, SIGKILL: kill)", Memory, ""},
		{"c++: internal compiler error: Killed (program cc1plus)", Memory, ""},
		{"MemoryError", Memory, ""},
		{"error: [Errno 28] No space left on device: 'build/lib'", Disk, ""},
		{"fatal: unable to access 'https://git.example/x/': Could not resolve host: git.example", Network, ""},
		{"dial tcp: lookup proxy.example on 10.0.0.1:53: no such host", Network, ""},
		{"curl: (60) SSL certificate problem: unable to get local issuer certificate", Certificate, ""},
		{"error: failed to download from `https://crates.example/x`\n[60] SSL peer certificate or SSH remote key was not OK (SSL certificate problem: self-signed certificate in certificate chain)", Certificate, ""},
		{"npm error network request to https://npm.example/x failed, reason: getaddrinfo EAI_AGAIN npm.example", Network, ""},
	} {
		d := Of([]byte(test.lines), Facts{Name: "shop", Version: "1.0", Python: "3.13.5", Exit: 1})
		check(t, d)
		if d == nil || d.Kind != test.kind || strings.Join(d.Wants, " ") != test.wants {
			t.Errorf("%s\n\tgives %+v", test.lines, d)
		}
	}
}

// TestAnUntrustedHostIsNamedBeforeWhatFollows has the output of pip, which goes on to say that nothing was found.
func TestAnUntrustedHostIsNamedBeforeWhatFollows(t *testing.T) {
	const refused = "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1028)'))"
	const log = "WARNING: Retrying (Retry(total=0)) after connection broken by '" + refused + "': /simple/hatchling/\n" +
		"Could not fetch URL https://index.example/simple/hatchling/: There was a problem confirming the ssl certificate: HTTPSConnectionPool(host='index.example', port=443): (Caused by " + refused + ") - skipping\n" +
		"ERROR: Could not find a version that satisfies the requirement hatchling (from versions: none)\nERROR: No matching distribution found for hatchling\n"
	for _, test := range []struct{ ca, hint string }{
		{"/nowhere/ca-bundle", "--secret id=ca-bundle,src=FILE"},
		{"rule_test.go", "the secret ca-bundle lacks the authority"}, // a file that is there
	} {
		d := Of([]byte(log), Facts{Name: "shop", CA: test.ca, Network: true})
		if d == nil || d.Message != "shop cannot be built: the certificate of index.example is not trusted" || !strings.Contains(d.Hint, test.hint) {
			t.Errorf("%+v", d)
		}
	}
}

func TestWhatTheBuildSurvivedIsNotTheCause(t *testing.T) {
	const optional = `building 'fast._speedups' extension
gcc -c fast.c -o fast.o
fast.c:1:10: fatal error: fast.h: No such file or directory
compilation terminated.
WARNING: building extension "fast._speedups" failed: command '/usr/bin/gcc' failed with exit code 1
building 'fast._core' extension
gcc -c core.c -o core.o
core.c:1:10: fatal error: core.h: No such file or directory
compilation terminated.
error: command '/usr/bin/gcc' failed with exit code 1
`
	d := Of([]byte(optional), Facts{})
	if d == nil || d.Name != "core.h" {
		t.Errorf("%+v", d)
	}
	// What only was looked for counts when nothing else is known, and not beside what ended the build.
	const probes = `/bin/sh: 1: git: not found
zlib not found, using the bundled one
-- Could NOT find Doxygen (missing: DOXYGEN_EXECUTABLE)
ModuleNotFoundError: No module named 'versioneer'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
FileNotFoundError: [Errno 2] No such file or directory: 'pg_config'
`
	if d = Of([]byte(probes), Facts{}); d == nil || d.Name != "pg_config" {
		t.Errorf("%+v", d)
	}
}

func TestSourceLinesOfTracebacksAreNoCause(t *testing.T) {
	const log = "Traceback (most recent call last):\n  File \"setup.py\", line 3, in <module>\n    raise SystemExit(\"you need a C compiler\") if not cc else None\nValueError: the moon is full\n"
	if d := Of([]byte(log), Facts{}); d == nil || d.Kind != Backend || !strings.Contains(d.Message, "the moon is full") {
		t.Errorf("%+v", d)
	}
}

func TestHintsAreWhatTheUserCanType(t *testing.T) {
	const header, module, python = "a.c:1:2: fatal error: ffi.h: No such file or directory", "ModuleNotFoundError: No module named 'yaml'", "ModuleNotFoundError: No module named 'imp'"
	const network = "curl: (6) Could not resolve host: files.example"
	for _, test := range []struct {
		log   string
		facts Facts
		hint  string
	}{
		{header, Facts{}, `add to [apt]: build = ["libffi-dev"]`},
		{header, Facts{Distribution: "alpine"}, `add to [apt]: build = ["libffi-dev"]`},
		{"error: command 'gcc' failed: No such file or directory", Facts{Distribution: "alpine"}, `add to [apt]: build = ["build-base"]`},
		{strings.ReplaceAll(header, "ffi.h", "unheard-of.h"), Facts{}, "add the package that has it to [apt]: build"},
		{module, Facts{Name: "shop", Own: true}, `add "PyYAML" to requires of [build-system] in pyproject.toml`},
		{module, Facts{Name: "shop"}, "lock a release that declares it or that has a wheel, or make a wheel of it yourself and lock that"},
		{python, Facts{Name: "shop"}, "lock a newer release of shop, or set python to an older version"},
		{python, Facts{Name: "shop", Own: true}, "change the project, or set python to an older version"},
		{network, Facts{Name: "shop"}, `add to [dependencies]: allow-network = ["shop"]`},
		{network, Facts{Name: "shop", Network: true}, "check that the machine of the builder reaches it; behind a proxy, build with --build-arg HTTPS_PROXY=http://HOST:PORT"},
		{"MemoryError", Facts{}, "give the machine of the builder more memory, or let it build fewer things at a time"},
	} {
		d := Of([]byte(test.log), test.facts)
		if d == nil || d.Hint != test.hint {
			t.Errorf("%s with %+v: %+v", test.log, test.facts, d)
		}
	}
}

func TestOutputWithoutAnErrorLineIsToldByItsEnd(t *testing.T) {
	d := Of([]byte("running bdist_wheel\nrunning build_ext\n\nThe frobnicator is off.\nSwitch it on.\n"), Facts{Name: "shop"})
	if d == nil || d.Message != "shop cannot be built: its build says: The frobnicator is off" {
		t.Errorf("%+v", d)
	}
}

func TestWordsOfTheBuildAreLeftAsTheyAre(t *testing.T) {
	d := Of([]byte("ValueError: 100% of %s and %d, \\n"), Facts{Name: "shop", Python: "3.13.5"})
	if d == nil || d.Message != `shop cannot be built: its build says: 100% of %s and %d, \n` {
		t.Errorf("%+v", d)
	}
}

func TestKilledBuildRanOutOfMemoryWhenItSaysNothingElse(t *testing.T) {
	for _, exit := range []int{137, -9} {
		if d := Of([]byte("[12/80] Compiling C++ object a.o"), Facts{Exit: exit}); d == nil || d.Kind != Memory {
			t.Errorf("%d: %+v", exit, d)
		}
	}
	if d := Of(nil, Facts{Exit: 1}); d != nil {
		t.Errorf("an empty output gives %+v", d)
	}
}

func TestNoCredentialLeavesTheOutput(t *testing.T) {
	for _, log := range []string{
		"fatal: unable to access 'https://bob:hunter2@git.example/x/': Could not resolve host: git.example",
		"error: cannot read https://files.example/x.tar.gz?token=hunter2#hunter2",
		"ERROR: No matching distribution found for x @ git+https://hunter2@git.example/x.git",
		"ERROR: No matching distribution found for x @ https://files.example/x.whl?X-Signature=hunter2",
		"RuntimeError: API_TOKEN=hunter2 is wrong",
		"ValueError: password: hunter2",
		"ValueError: Authorization: Bearer hunter2hunter2",
		"FileNotFoundError: [Errno 2] No such file or directory: 'https://bob:hunter2@x.example/a.h'",
	} {
		d := Of([]byte(log), Facts{Name: "shop"})
		if d == nil {
			t.Errorf("%s: no diagnosis", log)
			continue
		}
		if all := string(d.Failure().Marshal()) + d.Line + d.Name; strings.Contains(all, "hunter2") {
			t.Errorf("%s: %s", log, all)
		}
	}
}
