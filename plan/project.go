package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
)

// Project is what the Pyfile and the files of the context say, before any image is looked at.
type Project struct {
	File   *pyfile.File
	Dir    string        // the project's directory in the context, "." for its root
	Meta   *lock.Project // nil without a pyproject.toml
	Lock   *lock.Lock    // nil when the project has no dependencies, and when they have to be resolved
	Target string        // one of Targets

	Python  pyfile.String // as asked: "3.13" or "3.13.5"
	Base    string        // image reference
	Builder string        // image reference
	Install string        // what [app] install comes to: "wheel", "source" or "none"

	replaced []string // stages that a build context replaces
	start    string   // Base or Final when that is the one that everything starts from

	app         tree            // the project's own directory
	trees       map[string]tree // directories that packages of the lock are built from, by path
	others      []string        // all directories that the lock has a package in
	open        *openSet        // what a resolver has to choose, nil with a lock and without dependencies
	asks        []index.Package // what the lock leaves to an index
	locks       []string        // the lock, or the requirements files with what they include, as paths in the context
	files       map[string][]byte
	constraints []string // what build requirements are held by, as the lines of a file of pip's form
	pythonFile  string   // where Python stands when it is not in the Pyfile
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
	setupCfg      = "setup.cfg"
	pythonVersion = ".python-version"
)

// Options say how a project is opened beside what its Pyfile says.
type Options struct {
	Target   string   // --target; empty means Final
	Replaced []string // stages that a --build-context replaces
	// Relock leaves a pylock.toml aside and resolves anew, to print another one.
	Relock bool
}

// Open decides what can be decided without an image: the Python, the lock, the images to start from, and what becomes of the
// application. It reads the files that it needs. Problems of the user's files come all at once, as pyfile.Errors.
func Open(f *pyfile.File, read Reader, o Options) (*Project, error) {
	p := &Project{File: f, Target: or(o.Target, Final), Dir: path.Clean(or(f.Dependencies.Project.Value, "."))}
	r := &reading{read: read, files: map[string][]byte{}}
	p.files = r.files
	var first []string
	for _, dir := range upward(p.Dir) {
		first = append(first, filesOf(dir)...)
	}
	for _, l := range f.Dependencies.Lock.Items {
		first = append(first, path.Clean(l.Value))
	}
	if c := f.Dependencies.BuildConstraints; c.Set() {
		first = append(first, path.Clean(c.Value))
	}
	if err := r.want(first...); err != nil {
		return nil, err
	}
	var errs pyfile.Errors
	if !slices.ContainsFunc(Targets, func(t struct{ Name, Description string }) bool { return t.Name == p.Target }) {
		errs = append(errs, unknownTarget(o.Target))
	}
	var problems pyfile.Errors
	p.app, problems = r.tree(p.Dir)
	p.Meta = p.app.meta
	errs = append(errs, problems...)
	errs = append(errs, p.checkDir()...)
	errs = append(errs, p.findPython(r.files)...)
	errs = append(errs, p.decideApp()...)
	errs = append(errs, p.replaceStages(o.Replaced)...)
	problems, err := p.findLock(r, o.Relock)
	if err != nil {
		return nil, err
	}
	errs = append(errs, problems...)
	errs = append(errs, p.readConstraints(r.files)...)
	errs = append(errs, p.checkWorkdir()...)
	errs = append(errs, p.checkCommands()...)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	if p.start != "" && p.Target != Test {
		p.open = nil // the image has what was chosen for it
	}
	p.Base = or(p.start, p.baseImage())
	p.Builder = or(f.Builder.Value, "python:"+p.Python.Value)
	return p, nil
}

// baseImage is the image that the Pyfile names, or the official one for its Python.
func (p *Project) baseImage() string { return or(p.File.Base.Value, p.slim()) }

// Foresee is a project of which nothing is known but the base, as far as the Pyfile alone tells it; else it is nil.
func Foresee(f *pyfile.File, o Options) *Project {
	p := &Project{File: f, Python: f.Python}
	if f.Base.Value == "" && !f.Python.Set() || len(o.Replaced) > 0 {
		return nil
	}
	p.Base = p.baseImage()
	return p
}

// readConstraints reads what holds the build requirements: the lock's own constraints, and the file that the Pyfile names.
func (p *Project) readConstraints(files map[string][]byte) pyfile.Errors {
	if p.Lock != nil {
		p.constraints = p.Lock.BuildConstraints()
	}
	c := p.File.Dependencies.BuildConstraints
	if !c.Set() {
		return nil
	}
	name := path.Clean(c.Value)
	if files[name] == nil {
		return pyfile.Errors{{Range: c.Range, Msg: fmt.Sprintf("dependencies.build-constraints: there is no file %q in the build context", name),
			Hint: "write the path of the file relative to the build context"}}
	}
	lines, err := lock.ReadConstraints(name, files[name])
	p.constraints = append(p.constraints, lines...)
	return collect(err)
}

// checkDir refuses a project directory in which there is no project.
func (p *Project) checkDir() pyfile.Errors {
	if p.Dir == "." || p.app.exists() || len(p.File.Dependencies.Lock.Items) > 0 {
		return nil
	}
	return pyfile.Errors{{Range: p.File.Dependencies.Project.Range,
		Msg:  fmt.Sprintf("dependencies.project: there is no pyproject.toml or setup.py in %q of the build context", p.Dir),
		Hint: "write the directory of the project relative to the build context, such as project = \"packages/api\""}}
}

// collect makes a list of an error of another package.
func collect(err error) pyfile.Errors {
	switch e := err.(type) { //nolint:errorlint // these packages return the list itself
	case nil:
		return nil
	case pyfile.Errors:
		return e
	default:
		return pyfile.Errors{{Msg: err.Error()}}
	}
}

func unknownTarget(target string) *pyfile.Error {
	names := make([]string, len(Targets))
	for i, t := range Targets {
		names[i] = t.Name
	}
	e := &pyfile.Error{Range: FirstLine, Msg: fmt.Sprintf("unknown target %q", target), Hint: "targets are " + strings.Join(names, ", ")}
	if near := pyfile.Suggest(target, names); near != "" {
		e.Hint = fmt.Sprintf("did you mean --target %s?", near)
	}
	return e
}

// FirstLine is where a problem stands that no line of the Pyfile causes.
var FirstLine = pyfile.Range{Start: pyfile.Pos{Line: 1, Col: 1}, End: pyfile.Pos{Line: 1, Col: 1}}

// origin is the place of a step whose key the user may have left out.
func (p *Project) origin(ranges ...pyfile.Range) Origin {
	for _, r := range append(ranges, p.File.Python.Range) {
		if !r.IsZero() {
			return Origin{r}
		}
	}
	return Origin{FirstLine}
}

// ImageError is a problem with the image that base, or else builder, names. It stands at that key or, when the key was left out, at the
// version of Python that the image follows from. An empty hint becomes one that fits any problem with finding the image.
func (p *Project) ImageError(ref, msg, hint string) pyfile.Errors {
	if p.replaces(ref) {
		return pyfile.Errors{{Range: FirstLine, Msg: fmt.Sprintf("--build-context %s=...: %s", ref, msg), Hint: or(hint, "check what the build context names")}}
	}
	key, name := p.File.Base.Range, "base"
	if ref != p.Base {
		key, name = p.File.Builder.Range, "builder"
	}
	if key.IsZero() {
		return p.pythonError(msg, or(hint, fmt.Sprintf("check the version and that images can be pulled, or name another image with %s", name)))
	}
	return pyfile.Errors{{Range: key, Msg: msg, Hint: or(hint, "check the name, and that the image can be pulled")}}
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
