package plan

import (
	"fmt"
	"path"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// pythonError is a problem with the version of Python, at the line that asks for it.
func (p *Project) pythonError(msg, hint string) pyfile.Errors {
	switch {
	case p.File.Python.Set():
		return pyfile.Errors{{Range: p.File.Python.Range, Msg: msg, Hint: hint}}
	case p.Python.Set():
		return pyfile.Errors{{File: p.pythonFile, Range: p.Python.Range, Msg: msg, Hint: hint}}
	}
	return pyfile.Errors{{Range: FirstLine, Msg: msg, Hint: hint}}
}

// writePython is what to write for another version, in the file that asks for one.
func (p *Project) writePython(version string) string {
	if !p.File.Python.Set() && p.Python.Set() {
		return version + " in " + p.pythonFile
	}
	return fmt.Sprintf("python = %q", version)
}

// findPython takes the version from the Pyfile, else from the nearest .python-version.
func (p *Project) findPython(files map[string][]byte) pyfile.Errors {
	p.Python = p.File.Python
	if p.Python.Set() {
		return nil
	}
	for _, dir := range upward(p.Dir) {
		p.pythonFile = path.Join(dir, pythonVersion)
		if found, errs := p.readPythonVersion(files[p.pythonFile]); found || len(errs) > 0 {
			return errs
		}
	}
	propose := "3.13"
	if p.Meta != nil {
		propose = proposePython(p.Meta.RequiresPython.Value)
	}
	msg, place := "the Pyfile does not say which Python to use", "below the first"
	if path.Base(p.File.Name) == pyproject {
		msg, place = "[tool.pyfile] does not say which Python to use", "below [tool.pyfile]"
	}
	return pyfile.Errors{{Range: FirstLine, Msg: msg, Hint: fmt.Sprintf("add a line %s: python = %q", place, propose)}}
}

// readPythonVersion reads a .python-version: the first line that is not a comment.
func (p *Project) readPythonVersion(data []byte) (found bool, errs pyfile.Errors) {
	for i, line := range strings.Split(string(data), "\n") {
		version := strings.TrimSpace(line)
		if version == "" || strings.HasPrefix(version, "#") {
			continue
		}
		version = strings.TrimPrefix(version, "cpython-")
		at := pyfile.Range{Start: pyfile.Pos{Line: i + 1, Col: 1}, End: pyfile.Pos{Line: i + 1, Col: len(line) + 1}}
		v, err := python.ParseVersion(strings.TrimSuffix(version, "t")) // 3.13t is the free-threaded one
		if err != nil || len(v.Release()) < 2 || v.Release()[0] != 3 || v.Release()[1] < 9 {
			return false, pyfile.Errors{{File: p.pythonFile, Range: at,
				Msg:  fmt.Sprintf("%q is not a CPython such as 3.13; 3.9 is the oldest", version),
				Hint: `write python = "3.13" in the Pyfile, or 3.13 in .python-version`}}
		}
		p.Python = pyfile.String{Value: version, Range: at}
		return true, nil
	}
	return false, nil
}

// proposePython names the newest common Python that a requires-python allows.
func proposePython(requires string) string {
	spec, err := python.ParseSpecifiers(requires)
	if err != nil {
		return "3.13"
	}
	for _, minor := range []int{13, 14, 12, 11, 10, 9} {
		v, _ := python.ParseVersion(fmt.Sprintf("3.%d.99", minor))
		if spec.Contains(v, false) {
			return fmt.Sprintf("3.%d", minor)
		}
	}
	return "3.13"
}
