// Package plan makes every decision of a build and writes them down as plain data.
//
// Open reads the Pyfile together with the project's files and says which images are needed. With their configurations and
// the facts of the base (ParseFacts), Project.New returns a Plan: steps in the order in which they may run, each of which names only
// earlier steps, and the configuration of the image. Package llb translates it without deciding anything.
// A Plan marshals to JSON; the plan.json of every example is a golden file.
package plan

import (
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/org/pyfile/pyfile"
)

// Stages and targets that a user can name with --target.
const (
	DepBuilder = "dep-builder"
	Base       = "base"
	AppBuilder = "app-builder"
	Final      = "final"
	Test       = "test"
	Wheels     = "wheels"
)

// Targets are the values of --target with their meaning, in the order of the pipeline.
var Targets = []struct{ Name, Description string }{
	{DepBuilder, "the builder image with the wheels of all dependencies in /wheels"},
	{Base, "the slim image with all dependencies installed"},
	{AppBuilder, "the builder image with the wheel of the application in /wheels"},
	{Final, "the image to ship: base with the application"},
	{Test, "final with what [test] names, in which the tests run; its result are the files that they write, for --output type=local"},
	{Wheels, "all wheels as files, for --output type=local"},
}

// Paths inside the steps. Mounts of a step lie under /run, which is empty in every image, so that no stub of a mount point
// ever reaches a layer.
const (
	Venv          = "/opt/venv"
	programDir    = "/run/pyfile"
	failureDir    = "/run/pyfile/failure"
	factsDir      = "/run/pyfile/facts"
	wheelDir      = "/run/pyfile/wheels"
	outDir        = "/run/pyfile/out"
	sourceDir     = "/run/pyfile/src"
	envDir        = "/run/pyfile/env"
	stdlibDir     = "/run/pyfile/stdlib"
	shippedWheels = "/wheels"
)

// Epoch is the time of every file that a build makes. It is the oldest that a zip file can hold, so no tool stumbles over it,
// and it never changes, so that equal files give equal layers on any day.
var Epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Plan is a build, decided.
type Plan struct {
	Platform      string `json:"platform"`
	BuildPlatform string `json:"buildPlatform"`
	Python        string `json:"python"` // full version of the base's interpreter
	Target        string `json:"target"`
	Steps         []Step `json:"steps"`
	Result        string `json:"result"` // the step whose tree is the image
	Image         Image  `json:"image"`
	// Warnings are for the user; none of them changes the build.
	Warnings []Warning `json:"warnings,omitempty"`
	// Report is the step whose tree has ReportFile, what was found wrong with the finished tree; empty when nothing is installed.
	Report string `json:"report,omitempty"`

	places places
}

// Warning is something that the user may want to change. Short is the whole message where there is room for one line only.
type Warning struct {
	Rule *Rule `json:"rule"`
	pyfile.Error
}

// Rule is a kind of warnings. Users can skip it by its name: "# check=skip=NotLocked".
type Rule struct {
	Name        string `json:"name"`
	Description string `json:"-"`
}

// Origin is the place in the user's file that asked for a step. BuildKit shows it when the step fails.
type Origin struct{ pyfile.Range }

// MarshalText writes the place as "line:col-line:col".
func (o Origin) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d:%d-%d:%d", o.Start.Line, o.Start.Col, o.End.Line, o.End.Col), nil
}

// UnmarshalText reads what MarshalText writes.
func (o *Origin) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "%d:%d-%d:%d", &o.Start.Line, &o.Start.Col, &o.End.Line, &o.End.Col)
	return err
}

// Step is one vertex of the graph. Exactly one of the pointers and Merge says what it does.
type Step struct {
	ID    string `json:"id"`
	Stage string `json:"stage"`
	// Name is what BuildKit shows while the step runs.
	Name string `json:"name"`
	// Group folds the progress of the steps that have the same one into a single line of that text.
	Group string `json:"group,omitempty"`
	// Target tells that the step belongs to the target platform; the others run on the build platform.
	Target bool   `json:"target,omitempty"`
	Origin Origin `json:"origin"`
	// Serves tells that the step only prepares a later one, which is what the user knows.
	Serves bool `json:"-"`
	// Why is the reason for which a step of the target platform must be one, where the Pyfile and the project's files do not show it.
	Why string `json:"-"`
	// Failure is what it means when the step fails, where its command line would say nothing to the user. What the step prints is shown
	// in any case.
	Failure *pyfile.Error `json:"-"`
	// Advice is what else to do when the step's program misses something of the distribution.
	Advice string `json:"-"`
	// Always tells that the step runs in every build, because what it reads may change without its inputs.
	Always bool `json:"always,omitempty"`
	// Packages is the key of the Pyfile in which packages of the distribution are named that the step's program misses; if empty, it is the one
	// of [apt] for its stage.
	Packages string `json:"-"`
	// Words are what the user wrote that the step's program may refuse, each with its place.
	Words []pyfile.String `json:"-"`

	Image   *ImageSource `json:"image,omitempty"`
	Helper  bool         `json:"helper,omitempty"` // the frontend's own image, which carries the programs that run inside builds
	Context *Context     `json:"context,omitempty"`
	Fetch   *Fetch       `json:"fetch,omitempty"`
	Git     *Git         `json:"git,omitempty"`
	Files   *Files       `json:"files,omitempty"`
	Exec    *Exec        `json:"exec,omitempty"`
	Merge   []string     `json:"merge,omitempty"`
}

// ImageSource is an image of a registry, or the named context that replaces it.
type ImageSource struct {
	Ref string `json:"ref"` // as the user named it
}

// Context is the build context, or the part of it that the patterns leave.
type Context struct {
	Include []string `json:"include,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
	Usual   []string `json:"usual,omitempty"` // left out too, unless the ignore file asks for them by name
	// Repository is, of a git context, all of its commit with .git, whatever part of it is the context.
	Repository bool `json:"repository,omitempty"`
}

// Fetch is one file of the lock, fetched by BuildKit and checked against its hash.
type Fetch struct {
	URL      string `json:"url"`
	SHA256   string `json:"sha256"`
	Filename string `json:"filename"`

	// The place of the package in the lock, for errors.
	Lock string       `json:"-"`
	At   pyfile.Range `json:"-"`
}

// Git is a commit of a git repository, fetched by BuildKit.
type Git struct {
	URL    string `json:"url"`
	Commit string `json:"commit"` // the full hash
	// Repository is that .git stays, with this one commit.
	Repository bool `json:"repository,omitempty"`
}

// Files is a sequence of file operations on a tree. They need no program in it.
type Files struct {
	On      string   `json:"on,omitempty"` // the step whose tree they change; empty means a new one
	Actions []Action `json:"actions"`
}

// Action is one file operation; exactly one of the pointers is set. Owner is root and the times are fixed.
type Action struct {
	Mkdir   *Mkdir   `json:"mkdir,omitempty"`
	Write   *Write   `json:"write,omitempty"`
	Symlink *Symlink `json:"symlink,omitempty"`
	Copy    *Copy    `json:"copy,omitempty"`
}

// Mkdir makes a directory and its parents.
type Mkdir struct {
	Path  string `json:"path"`
	Mode  int    `json:"mode"`
	Owner int    `json:"owner,omitempty"` // uid and gid
}

// Write writes a file.
type Write struct {
	Path string `json:"path"`
	Mode int    `json:"mode"`
	Data string `json:"data"`
}

// Symlink makes a symbolic link at Path.
type Symlink struct {
	Path   string `json:"path"`
	Target string `json:"target"`
}

// Copy copies from another step's tree. Optional copies match a pattern, so that a missing file is no error.
type Copy struct {
	From     string `json:"from"`
	Source   string `json:"source"`
	Path     string `json:"path"`
	Optional bool   `json:"optional,omitempty"`
	Contents bool   `json:"contents,omitempty"` // of a directory, not the directory itself
}

// Exec runs a program in the tree of Root. Its result is the tree of the mount that is Output, or Root as the program left it when there
// is none.
type Exec struct {
	Root    string   `json:"root"`
	Args    []string `json:"args"`
	Env     []Var    `json:"env"`
	Mounts  []Mount  `json:"mounts"`
	Secrets []Secret `json:"secrets,omitempty"`
	Network bool     `json:"network,omitempty"`
	SSH     bool     `json:"ssh,omitempty"` // the program may use the user's ssh agent, if there is one
	// Failure is the file in which the program says why it failed (diagnosis.Failure). It lies below a mount of its own, which is not the
	// result.
	Failure string `json:"failure,omitempty"`
}

// Secret is a build secret as a file, which is not there when the user gives none of that id. It is part of no cache key.
type Secret struct {
	ID   string `json:"id"`
	Path string `json:"path"`
	Mode int    `json:"mode,omitempty"` // 0400 if 0
	User int    `json:"user,omitempty"` // whose file it is
}

// Var is one environment variable.
type Var struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Mount puts a step's tree, or the file Source of it, at Path. It is read-only unless one of the last four says otherwise.
type Mount struct {
	Path    string `json:"path"`
	From    string `json:"from,omitempty"` // empty: a new tree
	Source  string `json:"source,omitempty"`
	Output  bool   `json:"output,omitempty"`  // its tree is the result
	As      string `json:"as,omitempty"`      // its tree is a second result, which later steps know by this id
	Discard bool   `json:"discard,omitempty"` // may be written to; the changes are thrown away
	Cache   string `json:"cache,omitempty"`   // a directory of that name that builds share, one at a time
}

// builder collects the steps of a plan.
type builder struct {
	steps []Step
	known map[string]bool
}

// execEnv is the environment of every exec. It is not the image's, so that a changed variable there runs nothing again.
var execEnv = []Var{
	{"PATH", defaultPath},
	{"HOME", "/root"},
	{"LANG", "C.UTF-8"},
}

// helper is the frontend's own image, which holds the programs that run inside builds.
func (b *builder) helper() string {
	return b.add(Step{ID: "helper", Stage: Base, Name: "[internal] the programs of pyfile", Helper: true, Origin: Origin{FirstLine}})
}

// program is an exec of one of them in the tree of a step; an empty one will do. Each is a file of its own, so that a change in one leaves
// the cache of the others as it is.
func (b *builder) program(root, name string, args []string, mounts ...Mount) *Exec {
	at := path.Join(programDir, name)
	return &Exec{
		Root: root, Env: execEnv, Args: append([]string{at}, args...),
		Mounts: append([]Mount{{Path: at, From: b.helper(), Source: "/pyfile-" + name}}, mounts...),
	}
}

// reports lets the program of an exec say why it failed, in a file that nobody sees when it does not.
func reports(e *Exec) *Exec {
	i := slices.IndexFunc(e.Mounts, func(m Mount) bool { return m.Output })
	if i < 0 {
		i = len(e.Mounts)
		e.Mounts = append(e.Mounts, Mount{Path: failureDir, Discard: true})
	}
	e.Failure = path.Join(e.Mounts[i].Path, "failure.json")
	e.Args = slices.Insert(e.Args, 2, "--failure", e.Failure)
	return e
}

// add appends a step once and returns its id.
func (b *builder) add(s Step) string {
	if b.known == nil {
		b.known = map[string]bool{}
	}
	if !b.known[s.ID] {
		b.known[s.ID] = true
		b.steps = append(b.steps, s)
	}
	return s.ID
}
