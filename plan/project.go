package plan

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// Project is what the Pyfile and the files of the context say, before any image is looked at.
type Project struct {
	File     *pyfile.File
	Meta     *lock.Project // nil without a pyproject.toml
	Lock     *lock.Lock    // nil when the project has no dependencies
	LockName string        // path of the lock in the context
	Target   string        // one of Targets

	Python  pyfile.String // as asked: "3.13" or "3.13.5"; the file it stands in is pythonFile
	Base    string        // image reference
	Builder string        // image reference
	Install string        // what [app] install comes to: "wheel", "source" or "none"

	hasSetupPy bool // the context has a setup.py
}

// The values of [app] install.
const (
	installWheel  = "wheel"
	installSource = "source"
	installNone   = "none"
)

const (
	pyproject     = "pyproject.toml"
	setupPy       = "setup.py"
	pythonVersion = ".python-version"
)

// Needs lists the files of the context that Open wants to see, as paths and patterns. Most of them do not exist.
func Needs(f *pyfile.File) []string {
	needs := []string{pyproject, setupPy, pythonVersion}
	for _, n := range lock.Names {
		needs = append(needs, n.Pattern)
	}
	for _, l := range f.Dependencies.Lock.Items {
		if !slices.Contains(needs, l.Value) {
			needs = append(needs, path.Clean(l.Value))
		}
	}
	return needs
}

// Open decides what can be decided without an image: the Python, the lock, the images to start from, and what becomes of the
// application. Files are those of the context by path. All problems come at once, as pyfile.Errors.
func Open(f *pyfile.File, files map[string][]byte, target string) (*Project, error) {
	p := &Project{File: f, Target: target, hasSetupPy: files[setupPy] != nil}
	var errs pyfile.Errors
	if target == "" {
		p.Target = Final
	} else if !slices.ContainsFunc(Targets, func(t struct{ Name, Description string }) bool { return t.Name == target }) {
		errs = append(errs, unknownTarget(target))
	}
	if data, ok := files[pyproject]; ok {
		meta, err := lock.ParseProject(pyproject, data)
		errs = collect(errs, err)
		p.Meta = meta
	}
	errs = append(errs, p.findPython(files)...)
	errs = append(errs, p.findLock(files)...)
	errs = append(errs, p.decideApp()...)
	errs = append(errs, p.checkWorkdir()...)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	p.Base = or(f.Base.Value, "python:"+p.Python.Value+"-slim")
	p.Builder = or(f.Builder.Value, "python:"+p.Python.Value)
	return p, nil
}

// collect adds an error of another package to the list.
func collect(errs pyfile.Errors, err error) pyfile.Errors {
	switch e := err.(type) { //nolint:errorlint // these packages return the list itself
	case nil:
		return errs
	case pyfile.Errors:
		return append(errs, e...)
	default:
		return append(errs, &pyfile.Error{Msg: err.Error()})
	}
}

func unknownTarget(target string) *pyfile.Error {
	names := make([]string, len(Targets))
	for i, t := range Targets {
		names[i] = t.Name
	}
	e := &pyfile.Error{Range: firstLine, Msg: fmt.Sprintf("unknown target %q", target), Hint: "targets are " + strings.Join(names, ", ")}
	if near := pyfile.Suggest(target, names); near != "" {
		e.Hint = fmt.Sprintf("did you mean --target %s?", near)
	}
	return e
}

// StageReplaced is the error for a --build-context that names a stage.
func StageReplaced(stage string) *pyfile.Error {
	return &pyfile.Error{Range: firstLine, Msg: fmt.Sprintf("--build-context %s=...: replacing a stage is not supported yet", stage),
		Hint: "replace an image instead, such as --build-context python:3.13-slim=docker-image://..."}
}

// firstLine is where a problem stands that no line of the Pyfile causes.
var firstLine = pyfile.Range{Start: pyfile.Pos{Line: 1, Col: 1}, End: pyfile.Pos{Line: 1, Col: 1}}

// origin is the place of a step whose key the user may have left out.
func (p *Project) origin(ranges ...pyfile.Range) Origin {
	for _, r := range append(ranges, p.File.Python.Range) {
		if !r.IsZero() {
			return Origin{r}
		}
	}
	return Origin{firstLine}
}

// pythonError is a problem with the version of Python, at the line that asks for it.
func (p *Project) pythonError(msg, hint string) pyfile.Errors {
	switch {
	case p.File.Python.Set():
		return pyfile.Errors{{Range: p.File.Python.Range, Msg: msg, Hint: hint}}
	case p.Python.Set():
		return pyfile.Errors{{File: pythonVersion, Range: p.Python.Range, Msg: msg, Hint: hint}}
	}
	return pyfile.Errors{{Range: firstLine, Msg: msg, Hint: hint}}
}

// writePython is what to write for another version, in the file that asks for one.
func (p *Project) writePython(version string) string {
	if !p.File.Python.Set() && p.Python.Set() {
		return version + " in " + pythonVersion
	}
	return fmt.Sprintf("python = %q", version)
}

// ImageError is a problem with the image that base, or else builder, names. It stands at that key or, when the key was left out, at the
// version of Python that the image follows from. An empty hint becomes one that fits any problem with finding the image.
func (p *Project) ImageError(ref, msg, hint string) pyfile.Errors {
	key, name := p.File.Base.Range, "base"
	if ref != p.Base {
		key, name = p.File.Builder.Range, "builder"
	}
	if key.IsZero() {
		return p.pythonError(msg, or(hint, fmt.Sprintf("check the version and that images can be pulled, or name another image with %s", name)))
	}
	return pyfile.Errors{{Range: key, Msg: msg, Hint: or(hint, "check the name, and that the image can be pulled")}}
}

// findPython takes the version from the Pyfile, else from .python-version.
func (p *Project) findPython(files map[string][]byte) pyfile.Errors {
	p.Python = p.File.Python
	if p.Python.Set() {
		return nil
	}
	for i, line := range strings.Split(string(files[pythonVersion]), "\n") {
		version := strings.TrimSpace(line)
		if version == "" || strings.HasPrefix(version, "#") {
			continue
		}
		version = strings.TrimPrefix(version, "cpython-")
		at := pyfile.Range{Start: pyfile.Pos{Line: i + 1, Col: 1}, End: pyfile.Pos{Line: i + 1, Col: len(line) + 1}}
		v, err := python.ParseVersion(version)
		if err != nil || len(v.Release()) < 2 || v.Release()[0] != 3 || v.Release()[1] < 9 {
			return pyfile.Errors{{File: pythonVersion, Range: at,
				Msg:  fmt.Sprintf("%q is not a CPython such as 3.13; 3.9 is the oldest", version),
				Hint: `write python = "3.13" in the Pyfile, or 3.13 in .python-version`}}
		}
		p.Python = pyfile.String{Value: version, Range: at}
		return nil
	}
	propose := "3.13"
	if p.Meta != nil {
		propose = proposePython(p.Meta.RequiresPython.Value)
	}
	msg, place := "the Pyfile does not say which Python to use", "below the first"
	if path.Base(p.File.Name) == pyproject {
		msg, place = "[tool.pyfile] does not say which Python to use", "below [tool.pyfile]"
	}
	return pyfile.Errors{{Range: firstLine, Msg: msg, Hint: fmt.Sprintf("add a line %s: python = %q", place, propose)}}
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

// findLock finds the one lock of the project and reads it.
func (p *Project) findLock(files map[string][]byte) pyfile.Errors {
	deps := p.File.Dependencies
	var at pyfile.Range
	var name string
	if deps.Lock.Set() && len(deps.Lock.Items) == 1 {
		name, at = path.Clean(deps.Lock.Items[0].Value), deps.Lock.Items[0].Range
		if _, ok := files[name]; !ok {
			return pyfile.Errors{{Range: at, Msg: fmt.Sprintf("dependencies.lock: there is no file %q in the build context", name),
				Hint: missingLock(name, locks(files))}}
		}
		if _, ok := lock.IsLock(name); !ok {
			return pyfile.Errors{noLockName(name, at)}
		}
	} else {
		found := locks(files)
		switch {
		case len(found) > 1:
			return pyfile.Errors{{Range: p.origin(deps.Range).Range,
				Msg:  "there are several lock files: " + strings.Join(found, " and "),
				Hint: fmt.Sprintf("write lock = %q in [dependencies], if that one counts, or delete the others", found[0])}}
		case len(found) == 1:
			name = found[0]
		default:
			return p.noLock(deps)
		}
	}
	l, err := lock.Read([]string{name}, files)
	if err != nil {
		return collect(nil, err)
	}
	p.Lock, p.LockName = l, name
	return nil
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

// noLockName refuses a file that the Pyfile calls a lock and whose name is not that of one.
func noLockName(name string, at pyfile.Range) *pyfile.Error {
	e := &pyfile.Error{Range: at, Msg: fmt.Sprintf("dependencies.lock: %q is not the name of a lock file that pyfile knows", name),
		Hint: "use uv.lock, pylock.toml or pylock.NAME.toml"}
	if path.Ext(name) == ".txt" {
		e.Msg = fmt.Sprintf("dependencies.lock: %q looks like a requirements file, which is not supported yet", name)
		e.Hint = fmt.Sprintf("make a pylock.toml of it: run \"uv pip compile --universal %s -o pylock.toml\", and write lock = \"pylock.toml\"", name)
	}
	return e
}

// locks are the lock files among the files, those first that pyfile reads. A requirements.txt counts only where there is no other, because tools export one beside their lock.
func locks(files map[string][]byte) []string {
	var found, loose []string
	for name := range files {
		format, ok := lock.IsLock(name)
		switch {
		case !ok || strings.Contains(name, "/"):
		case format == "requirements":
			loose = append(loose, name)
		default:
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		found = loose
	}
	rank := func(name string) int {
		return slices.IndexFunc(lock.Names, func(n lock.Name) bool { ok, _ := path.Match(n.Pattern, name); return ok })
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	return found
}

// noLock is right for a project without dependencies, and an error for every other.
func (p *Project) noLock(deps pyfile.Dependencies) pyfile.Errors {
	if deps.Groups.Set() || deps.Extras.Set() {
		return pyfile.Errors{{Range: p.origin(deps.Groups.Range, deps.Extras.Range).Range, Msg: "groups and extras are chosen from a lock file, and there is none", Hint: `run "uv lock" and commit uv.lock`}}
	}
	if p.Meta == nil || len(p.Meta.Dependencies) == 0 {
		return nil
	}
	return pyfile.Errors{{File: pyproject, Range: p.Meta.Dependencies[0].Range,
		Msg:  "the project has dependencies but no lock file was found; looked for uv.lock and pylock.toml",
		Hint: `run "uv lock" and commit uv.lock`}}
}

// ownedByBase are directories whose modes a layer would change by holding them: /tmp would no longer be everybody's.
var ownedByBase = []string{"/tmp", "/var/tmp", "/run", "/dev", "/proc", "/sys"}

// checkWorkdir refuses a working directory below one of them.
func (p *Project) checkWorkdir() pyfile.Errors {
	w := p.File.Workdir
	for _, dir := range ownedByBase {
		if clean := path.Clean(w.Value); w.Set() && (clean == dir || strings.HasPrefix(clean, dir+"/")) {
			return pyfile.Errors{{Range: w.Range, Msg: fmt.Sprintf("workdir must not lie in %s, which belongs to the base image or the container", dir),
				Hint: "write workdir = \"/app\""}}
		}
	}
	return nil
}

// or returns the first string that is not empty.
func or(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
