package install

import (
	"slices"
	"strings"
	"testing"
)

var importCases = []struct{ text, pkg, want string }{
	{"from a.b import c\n", "p", "a.b a.b.c"},
	{"from .a import b, c as d\n", "p.q", "p.q.a p.q.a.b p.q.a.c p.q.a.as p.q.a.d"},
	{"from . import (\n    tests,  # why\n    x,\n)\ny = 1\n", "p", "p p.tests p.why p.x"},
	{"from .. import a, \\\n    b\nc = 1\n", "p.q", "p p.a p.b"},
	{"from . \\\n    import a\n", "p", "p p.a"},
	{"try:\n    from ...a.b import c\nexcept ImportError: from d import e\n", "p.q.r", "p.a.b p.a.b.c d d.e"},
	{"from ....a import c\n", "p.q", ""},
	{"\"far from here, we import\"\n", "p", ""},
	{"xfrom a import b\n", "p", ""},
	{"from a import b", "p", "a a.b"},
	{"from a", "p", ""},
	{"from a import (b", "p", "a a.b"},
	{"yield from f(x)\nimport a\n", "p", ""},
}

// Too much may be found, which keeps a file that could go, but never too little.
func TestWhatAModuleImportsIsFound(t *testing.T) {
	for _, tt := range importCases {
		if got := strings.Join(fromImports([]byte(tt.text), strings.Split(tt.pkg, ".")), " "); got != tt.want {
			t.Errorf("%q in %s: got %s, want %s", tt.text, tt.pkg, got, tt.want)
		}
	}
	for text, want := range map[string]bool{
		"import a.tests\n": true, "import a.tests.b as c\n": true, "import os, a.tests": true, "x = import_module('a.tests')": true, `"a.tests.b:C"`: true,
		"# see a.tests\n": false, "import b.a.tests\n": false, "import a.tests_more\n": false, "x = a.tests\nimport y\n": false, "import y\nx = a.tests\n": false,
	} {
		if got := mentions([]byte(text), "a.tests", false); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
	if !mentions([]byte("x = a.tests.b:main\n"), "a.tests", true) {
		t.Error("an entry point is not found")
	}
}

func FuzzImports(f *testing.F) {
	for _, tt := range importCases {
		f.Add(tt.text)
	}
	f.Add(strings.Repeat("from a import (", 100))
	f.Fuzz(func(t *testing.T, text string) {
		found := fromImports([]byte(text), []string{"p", "q"})
		for _, name := range found {
			if strings.ContainsAny(name, "\n \"'") || len(name) > 2*maxNames {
				t.Errorf("found %q", name)
			}
		}
		// What stands before changes nothing, and an import at the end of any text is found.
		if after := fromImports([]byte(text+"\n)\nfrom .tests import z\n"), []string{"p", "q"}); !slices.Contains(after, "p.q.tests") {
			t.Errorf("the last import is not found: %q", after)
		}
	})
}
