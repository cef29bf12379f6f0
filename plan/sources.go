package plan

import (
	"fmt"
	"path"
	"slices"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
	"github.com/org/pyfile/remote"
)

const (
	sourcesStep = "sources"
	archiveDir  = "/run/pyfile/archive"
	projectFile = "project.json"
)

// SourceFile is where the result of a sources plan says how a package is built.
func SourceFile(name string) string { return notesDir + "/sources/" + name + ".json" }

// SourcesPlan is the plan of a solve of its own, whose result has a SourceFile for each package that comes without a wheel. It is nil when
// there is none. The names are those of the packages.
func (p *Project) SourcesPlan(in Inputs) (plan *Plan, names []string, err error) {
	s, err := p.stages(in)
	if err != nil {
		return nil, nil, err
	}
	if err := s.choose(); err != nil {
		return nil, nil, err
	}
	all := s.allSources()
	if len(all) == 0 {
		return nil, nil, nil
	}
	for _, a := range all {
		names = append(names, a.Name)
	}
	id, err := s.inspectAll(all)
	if err != nil {
		return nil, nil, err
	}
	return s.plan(id), names, nil
}

// allSources are those of the dependencies and of what tests need besides, less those that nothing is built from.
func (s *stages) allSources() []lock.Artifact {
	switch {
	case s.replaces(DepBuilder):
		return nil
	case s.start != "":
		return s.tests.sources
	}
	return slices.Concat(s.sources, s.tests.sources)
}

// inspectAll adds the steps that read how sources are built, and returns the one that has the answers together.
func (s *stages) inspectAll(sources []lock.Artifact) (string, error) {
	var files []Copy
	for _, a := range sources {
		u, err := s.unpack(a)
		if err != nil {
			return "", err
		}
		files = append(files, Copy{From: u.inspected, Source: "/" + projectFile, Path: SourceFile(a.Name)})
	}
	return s.note(Step{ID: sourcesStep, Stage: DepBuilder, Name: "[dep-builder] note how " + count(len(sources), "package") + " is built", Origin: s.lockOrigin()}, files...), nil
}

// unpacked is a source as a tree.
type unpacked struct {
	inspected string // the step with projectFile
	tree      string // the step with the files
	part      string // below it
}

// unpack adds the steps that fetch a source and read how it is built. They run no code of the source, and need no image but for Git LFS.
func (s *stages) unpack(a lock.Artifact) (unpacked, error) {
	label := a.Name
	if a.Version != "" {
		label += " " + a.Version
	}
	inspect := func(input string, mount Mount) string {
		args := []string{"inspect", "--out", outDir, "--name", a.Name}
		if a.Subdir != "" {
			args = append(args, "--subdir", a.Subdir)
		}
		e := s.program("", "build", append(args, input), mount, Mount{Path: outDir, Output: true})
		return s.add(Step{ID: "inspect:" + a.Name, Stage: DepBuilder, Name: "[dep-builder] read how " + label + " is built", Origin: s.lockOrigin(), Exec: reports(e)})
	}
	if a.Kind == lock.Git {
		tree := s.clone(a, label)
		return unpacked{inspected: inspect(sourceDir, Mount{Path: sourceDir, From: tree}), tree: tree}, nil
	}
	files, err := s.fetch([]lock.Artifact{a})
	if err != nil {
		return unpacked{}, err
	}
	at := path.Join(archiveDir, a.Filename)
	step := inspect(at, Mount{Path: at, From: files[0].step, Source: files[0].path})
	return unpacked{inspected: step, tree: step, part: "/src"}, nil
}

// clone adds the step that fetches a commit, and the one that fetches what git LFS keeps outside of it.
func (s *stages) clone(a lock.Artifact, label string) string {
	tree := s.add(Step{ID: "git:" + a.Name, Stage: DepBuilder, Name: fmt.Sprintf("[dep-builder] fetch %s at %.12s", label, a.Commit), Origin: s.lockOrigin(),
		Failure: &pyfile.Error{File: a.Lock, Range: a.Origin, Msg: fmt.Sprintf("the commit %.12s of %s cannot be fetched from %s", a.Commit, a.Name, a.URL),
			Hint: fetchHint(a.URL)},
		Git: &Git{URL: a.URL, Commit: a.Commit}})
	if !a.LFS {
		return tree
	}
	// An image is needed for its certificates.
	e := s.program(s.packing().root, "build", []string{"lfs", "--out", outDir, "--src", sourceDir, "--url", a.URL},
		Mount{Path: sourceDir, From: tree}, Mount{Path: outDir, Output: true})
	logsIn(e, a.URL)
	return s.add(Step{ID: "lfs:" + a.Name, Stage: DepBuilder, Name: "[dep-builder] fetch the large files of " + label, Origin: s.lockOrigin(), Exec: reports(e)})
}

// fetchHint says what to do when a commit cannot be fetched.
func fetchHint(address string) string {
	switch {
	case remote.UsesSSH(address):
		return "check the address and the commit; build with --ssh default, and with a key in the ssh agent that may read the repository"
	case remote.Secrets(address) != nil:
		return "check the address and the commit; a private repository needs --secret id=" + remote.TokenSecret + ",env=" + remote.TokenSecret
	}
	return "check the address and the commit"
}

// artifactSource is a package of the lock that has no wheel, as the source of one.
func (s *stages) artifactSource(a lock.Artifact) (source, error) {
	project, ok := s.in.Sources[a.Name]
	if !ok {
		panic("nothing is known of the source of " + a.Name) // the frontend has to ask, and reports a panic as a bug
	}
	u, err := s.unpack(a)
	if err != nil {
		return source{}, err
	}
	b := source{id: a.Name, stage: DepBuilder, tree: u.tree, part: u.part, dir: or(a.Subdir, "."), name: a.Name, version: a.Version,
		origin: s.lockOrigin(), project: project}
	if a.Kind == lock.Git && a.Version == "" {
		b.git = &Git{URL: a.URL, Commit: a.Commit, Repository: true}
	}
	return b, nil
}

// treeSource is a directory of the context as the source of a wheel.
func (s *stages) treeSource(t tree, id, stage, step string, origin Origin) source {
	b := source{id: id, stage: stage, tree: step, part: subtree(t.dir), context: true, dir: ".", origin: origin, project: t.project}
	if t.meta != nil {
		b.name = t.meta.Name.Value
	}
	return b
}

// checkSources refuses what cannot be built for the target, by what the sources say themselves.
func (s *stages) checkSources() pyfile.Errors {
	var errs pyfile.Errors
	for _, a := range s.allSources() {
		project, ok := s.in.Sources[a.Name]
		if !ok || project.RequiresPython == "" {
			continue
		}
		if spec, err := python.ParseSpecifiers(project.RequiresPython); err == nil && !s.wanted.Satisfies(spec) {
			errs = append(errs, &pyfile.Error{File: a.Lock, Range: a.Origin, Msg: fmt.Sprintf("%s %s is for Python %s, and the image has Python %s", a.Name, a.Version, project.RequiresPython, s.python),
				Hint: "choose a release that supports it, or another python in the Pyfile"})
		}
	}
	return errs
}

// NotBuilt is the rule that what the Pyfile says of a package's build is needed.
var NotBuilt = &Rule{Name: "NotBuilt", Description: "A setting is for a package that is not built here"}

// checkNames refuses names of packages in the Pyfile that stand for nothing, and warns of those whose build it describes though there is a
// wheel.
func (s *stages) checkNames(l *lock.Lock, artifacts []lock.Artifact) pyfile.Errors {
	names := slices.Clone(s.File.Dependencies.AllowNetwork.Items)
	for _, settings := range s.File.ConfigSettings {
		names = append(names, settings.Name)
	}
	for _, e := range lock.NotBuilt(names, artifacts) {
		s.warnings = append(s.warnings, Warning{Rule: NotBuilt, Error: *e})
	}
	return l.UnknownNames(names, s.Meta)
}

// NetworkBuild is the rule that builds have no network.
var NetworkBuild = &Rule{Name: "NetworkBuild", Description: "A build may use the network, so that its result depends on the day"}

// checkNetwork warns of builds that may use the network.
func (s *stages) checkNetwork() {
	for _, name := range s.File.Dependencies.AllowNetwork.Items {
		s.warnings = append(s.warnings, Warning{Rule: NetworkBuild, Error: pyfile.Error{Range: name.Range,
			Msg:  fmt.Sprintf("the build of %s may use the network, so that the same files may give another image tomorrow", name.Value),
			Hint: "take the name out of allow-network when a release builds without"}})
	}
}

// settingsOf are the config settings for the build of a package (PEP 517), as the arguments of its backend.
func (s *stages) settingsOf(name string) []string {
	var out []string
	for _, setting := range s.lock().Settings(name, s.File.ConfigSettings) {
		for _, v := range setting.Values.Values() {
			out = append(out, setting.Key.Value+"="+v)
		}
	}
	return out
}

// lock is the lock that packages are chosen from; an empty one when there is nothing to choose.
func (s *stages) lock() *lock.Lock {
	switch {
	case s.in.Resolved != nil:
		return s.in.Resolved
	case s.Lock != nil:
		return s.Lock
	}
	return &lock.Lock{}
}
