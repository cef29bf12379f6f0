package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
	"github.com/org/pyfile/remote"
)

// openSet is what a resolver has to choose, because no lock does. Exactly one of files, pyproject and wheel is set.
type openSet struct {
	files     []string // requirements files
	pyproject string   // the parts of a pyproject.toml that say what is needed, as a file of that name
	wheel     bool     // the metadata of the application's wheel says what is needed

	reads          []string // files of the context that the resolver reads
	extras, groups []string
	requires       []string // of pyproject, those of the extras and groups included

	file string // where the requirements stand, for warnings and errors; empty is the Pyfile
	at   pyfile.Range
}

// openFiles takes requirements files that leave versions open.
func (p *Project) openFiles(l *lock.Lock) pyfile.Errors {
	p.open = &openSet{files: l.Loose, reads: l.Requirements(), file: l.Loose[0], at: FirstLine}
	if at := p.File.Dependencies.Lock.Range; !at.IsZero() {
		p.open.file, p.open.at = "", at
	}
	var errs pyfile.Errors
	for _, asked := range slices.Concat(p.File.Dependencies.Groups.Items, p.File.Dependencies.Extras.Items) {
		errs = append(errs, &pyfile.Error{Range: asked.Range, Msg: "requirements files have no groups and extras",
			Hint: "list the files that are needed: lock = [\"requirements.txt\", \"requirements-" + asked.Value + ".txt\"]"})
	}
	return errs
}

// findOpen takes what pyproject.toml or setup.py ask for.
func (p *Project) findOpen() pyfile.Errors {
	deps := p.File.Dependencies
	if p.Target == Test { // the tests choose with the image; a lock would keep its choice
		deps.Groups.Items, deps.Extras.Items = slices.Concat(deps.Groups.Items, p.File.Test.Groups.Items), slices.Concat(deps.Extras.Items, p.File.Test.Extras.Items)
	}
	set := &openSet{extras: deps.Extras.Values(), groups: deps.Groups.Values(), at: FirstLine}
	if p.Meta == nil || len(p.Meta.Dependencies) == 0 {
		for _, source := range lockSources {
			if name := path.Join(p.Dir, source.name); p.files[name] != nil {
				return pyfile.Errors{{File: name, Range: FirstLine, Msg: "the project has a " + source.name + ", and no lock file was made of it", Hint: source.hint}}
			}
		}
	}
	if !p.app.exists() {
		if deps.Groups.Set() || deps.Extras.Set() {
			return pyfile.Errors{{Range: p.origin(deps.Groups.Range, deps.Extras.Range).Range,
				Msg: "groups and extras are chosen from a lock file or pyproject.toml, and there is neither", Hint: `run "uv lock" and commit uv.lock`}}
		}
		return nil
	}
	meta := p.Meta
	if p.app.hasSetupPy {
		set.file = path.Join(p.Dir, setupPy)
	}
	if meta != nil {
		set.file = meta.File
		if tool, at := meta.LockedBy(); tool != "" {
			return pyfile.Errors{{File: meta.File, Range: at, Msg: fmt.Sprintf("the project is one of %s, and there is no lock file", tool),
				Hint: fmt.Sprintf("run \"%s lock\", and commit the lock", tool)}}
		}
	}
	if meta == nil || meta.DynamicDependencies() || !meta.Name.Set() && p.app.hasSetupPy {
		return p.openWheel(set)
	}
	needed := slices.Clone(meta.Dependencies)
	var errs pyfile.Errors
	needed, errs = p.chosen(needed, "extra", deps.Extras.Items, meta.OptionalDependencies, errs)
	needed, errs = p.chosen(needed, "dependency group", deps.Groups.Items, meta.DependencyGroups, errs)
	if len(errs) > 0 || len(needed) == 0 {
		return errs
	}
	for _, n := range needed {
		r, err := python.ParseRequirement(n.Value)
		switch {
		case err != nil:
			errs = append(errs, &pyfile.Error{File: meta.File, Range: n.Range, Msg: fmt.Sprintf("%q is not a requirement: %v", n.Value, err), Hint: `write "flask>=3,<4" (PEP 508)`})
		case hasPassword(r.URL):
			errs = append(errs, &pyfile.Error{File: meta.File, Range: n.Range, Msg: fmt.Sprintf("the address of %s has a user name or password in it, which everyone could read in the image's provenance", r.Name),
				Hint: "take it out of the address, and write [index.NAME] with url, username and secret"})
		}
	}
	set.pyproject, set.at = reducedProject(meta), needed[0].Range
	for _, n := range needed {
		set.requires = append(set.requires, n.Value)
	}
	p.open = set
	return errs
}

// hasPassword tells whether an address holds a credential. The user of ssh is none: it is "git" nearly always.
func hasPassword(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return err != nil && urlPassword.MatchString(address)
	}
	_, password := u.User.Password()
	return password || !strings.HasSuffix(u.Scheme, "ssh")
}

// openWheel takes what the metadata of the application's wheel asks for.
func (p *Project) openWheel(set *openSet) pyfile.Errors {
	if p.Install != installWheel {
		return pyfile.Errors{{File: set.file, Range: FirstLine, Msg: "what the project needs is known only once its wheel is built, and there is no lock file",
			Hint: "write install = \"wheel\" in [app], or name requirements files with lock = [\"requirements.txt\"] in [dependencies]"}}
	}
	if len(set.groups) > 0 {
		return pyfile.Errors{{Range: p.File.Dependencies.Groups.Range, Msg: "without a lock file, groups can only be added to dependencies that [project] lists",
			Hint: `run "uv lock" and commit uv.lock`}}
	}
	set.wheel = true
	p.open = set
	return nil
}

// chosen adds the requirements of the extras or groups that the Pyfile asks for.
func (p *Project) chosen(needed []pyfile.String, what string, asked []pyfile.String, groups []lock.Group, errs pyfile.Errors) ([]pyfile.String, pyfile.Errors) {
	for _, a := range asked {
		i := slices.IndexFunc(groups, func(g lock.Group) bool { return python.NormalizeName(g.Name.Value) == python.NormalizeName(a.Value) })
		if i < 0 {
			errs = append(errs, unknown(what, a, groups))
			continue
		}
		needed = append(needed, groups[i].Requirements...)
	}
	return needed, errs
}

// unknown is the error for an extra or group that the project does not have.
func unknown(what string, asked pyfile.String, groups []lock.Group) *pyfile.Error {
	e := &pyfile.Error{Range: asked.Range, Msg: fmt.Sprintf("the project has no %s %q", what, asked.Value), Hint: fmt.Sprintf("it has no %ss at all", what)}
	var names []string
	for _, g := range groups {
		names = append(names, g.Name.Value)
	}
	if len(names) > 0 {
		e.Hint = what + "s are " + strings.Join(names, ", ")
	}
	if near := pyfile.Suggest(asked.Value, names); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e
}

// reducedProject writes the parts of a pyproject.toml that say what is needed. The rest would make the resolver run again whenever it
// changes.
func reducedProject(meta *lock.Project) string {
	var b strings.Builder
	list := func(key string, values []pyfile.String) {
		fmt.Fprintf(&b, "%s = [\n", key)
		for _, v := range values {
			fmt.Fprintf(&b, "    %s,\n", quoted(v.Value))
		}
		b.WriteString("]\n")
	}
	b.WriteString("[project]\nname = " + quoted(or(meta.Name.Value, "project")) + "\nversion = \"0\"\n")
	if meta.RequiresPython.Set() {
		b.WriteString("requires-python = " + quoted(meta.RequiresPython.Value) + "\n")
	}
	list("dependencies", meta.Dependencies)
	groups := func(table string, groups []lock.Group) {
		if len(groups) > 0 {
			b.WriteString("\n[" + table + "]\n")
		}
		for _, g := range groups {
			list(quoted(g.Name.Value), g.Requirements)
		}
	}
	groups("project.optional-dependencies", meta.OptionalDependencies)
	groups("dependency-groups", meta.DependencyGroups)
	return b.String()
}

// quoted writes a basic string of TOML, whose escapes are those of JSON.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return `""` // strings always have a form in JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// CheckRelock refuses to print a lock for a project that has another one, or needs none.
func (p *Project) CheckRelock() error {
	switch {
	case p.Lock != nil:
		return pyfile.Errors{{File: p.Lock.Name, Range: FirstLine, Msg: fmt.Sprintf("the project is locked by %s already", p.Lock.Name),
			Hint: p.Lock.Remake()}}
	case p.open == nil:
		return pyfile.Errors{{Range: FirstLine, Msg: "the project has no dependencies to lock", Hint: "add them to dependencies of [project] in pyproject.toml"}}
	}
	return nil
}

// NotLocked is the rule that a build should have a lock.
var NotLocked = &Rule{Name: "NotLocked", Description: "The versions of dependencies are not locked"}

// notLocked warns of a build whose result depends on the day.
func (s *stages) notLocked() Warning {
	return Warning{Rule: NotLocked, Error: pyfile.Error{File: s.open.file, Range: s.open.at,
		Msg:  "the dependencies are not locked, so that another day's build may get other versions",
		Hint: fmt.Sprintf("run \"docker buildx build --call=pyfile.lock -f %s . > pylock.toml\", and commit pylock.toml", s.File.Name)}}
}

// resolve adds the step that chooses versions: a pinned uv, which is fetched from the index like any wheel. The lock that it makes holds
// for all platforms, so that they get the same versions.
func (s *stages) resolve() (string, error) {
	settings, err := s.settings()
	if err != nil {
		return "", err
	}
	uv, err := s.uv(settings)
	if err != nil {
		return "", err
	}
	args := []string{"resolve", "--uv", uvDir, "--src", sourceDir, "--interpreter", s.runs.Path, "--python", strings.TrimSuffix(s.minor, "t")}
	for _, e := range s.open.extras {
		args = append(args, "--extra", e)
	}
	for _, g := range s.open.groups {
		args = append(args, "--group", g)
	}
	for _, r := range s.open.requires {
		args = append(args, "--requires", r)
	}
	source, inputs, err := s.resolverSource()
	if err != nil {
		return "", err
	}
	e := s.ask(args, settings, s.query("indexes", index.Query{Indexes: s.indexes(), Packages: []index.Package{}}), Mount{Path: uvDir, From: uv}, Mount{Path: sourceDir, From: source})
	e.Root, e.Env = s.tool(), execEnv
	failure := &pyfile.Error{File: s.open.file, Range: s.open.at, Msg: "no versions could be chosen for the requirements; uv's reason is above"}
	if repositories := s.open.repositories(s.files); len(repositories) > 0 {
		if s.in.Facts.Manager == "" { // which cannot install git
			return "", pyfile.Errors{{File: s.open.file, Range: s.open.at, Msg: fmt.Sprintf("a requirement comes from git, and base %s has no apt-get and no apk to install git with, which choosing versions needs", s.in.Base.Ref),
				Hint: "lock the project, for example with \"uv lock\""}}
		}
		e.Root = s.withGit(workplace{root: s.tool(), slim: true}, repositories...)
		for _, address := range repositories {
			e.Args = append(e.Args, "--repository", address)
			failure.Hint = or(failure.Hint, fetchHint(address))
		}
		e.SSH = slices.ContainsFunc(repositories, remote.UsesSSH)
		e.Secrets = append(e.Secrets, gitSecrets(repositories)...)
	}
	e.Args = append(e.Args, inputs...)
	return s.add(Step{ID: resolveStep, Stage: DepBuilder, Name: "[dep-builder] choose versions, because there is no lock", Origin: s.openOrigin(), Exec: e,
		Failure: failure}), nil
}

// repositories are the addresses of git that the requirements name. What the requirements of those name in their turn nobody knows yet, and neither what a
// wheel asks for that is built first.
func (o *openSet) repositories(files map[string][]byte) []string {
	texts := slices.Concat(o.requires, []string{o.pyproject})
	for _, name := range o.reads {
		texts = append(texts, string(files[name]))
	}
	return remote.Addresses(texts...)
}

// openOrigin is the place of what has to be resolved, if that is in the Pyfile.
func (s *stages) openOrigin() Origin {
	if s.open.file == "" {
		return s.origin(s.open.at)
	}
	return s.lockOrigin()
}

// resolverSource adds the step with what the resolver reads, and returns it with the arguments that name it.
func (s *stages) resolverSource() (step string, inputs []string, err error) {
	if s.open.wheel {
		step, err = s.appWheel()
		return step, []string{"."}, err
	}
	files := &Files{}
	write := func(name, text string) {
		files.Actions = append(files.Actions, Action{Write: &Write{Path: "/" + name, Mode: 0o644, Data: text}})
	}
	mkdir := func(dir string) {
		if dir != "." {
			files.Actions = append(files.Actions, Action{Mkdir: &Mkdir{Path: "/" + dir, Mode: 0o755}})
		}
	}
	if s.open.pyproject != "" {
		write(pyproject, s.open.pyproject)
		inputs = []string{pyproject}
	} else {
		for _, name := range s.open.reads {
			mkdir(path.Dir(name))
			if text := s.files[name]; text != nil {
				write(name, string(text))
				continue
			}
			// A wheel or an archive of the context: the frontend has not read it.
			c := s.add(Step{ID: "load:" + name, Stage: DepBuilder, Name: "[dep-builder] load " + name, Origin: s.lockOrigin(), Context: &Context{Include: []string{name}}})
			files.Actions = append(files.Actions, Action{Copy: &Copy{From: c, Source: "/" + name, Path: "/" + name}})
		}
		inputs = s.open.files
	}
	for _, dir := range sortedKeys(s.trees) {
		t := s.trees[dir]
		mkdir(dir)
		if t.meta != nil && t.meta.Name.Set() && !t.meta.DynamicDependencies() && len(t.meta.Dynamic.Items) == 0 {
			write(path.Join(dir, pyproject), string(s.files[path.Join(dir, pyproject)]))
			continue
		}
		c := s.add(Step{ID: "load:" + dir, Stage: DepBuilder, Name: "[dep-builder] load " + dir, Origin: s.lockOrigin(), Context: &Context{Usual: neverSource, Include: []string{dir}}})
		files.Actions = append(files.Actions, Action{Copy: &Copy{From: c, Source: "/" + dir, Path: "/" + dir, Contents: true}})
	}
	return s.add(Step{ID: "requirements", Stage: DepBuilder, Name: "[dep-builder] load the requirements", Origin: s.openOrigin(), Files: files}), inputs, nil
}
