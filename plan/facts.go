package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/pyfile/distro"
	"github.com/org/pyfile/pyfile"
)

// Facts is what the plan needs to know of the base image. It is read from files of the image; no program of it runs.
type Facts distro.Facts

// notesDir is where the image has what the frontend read in solves of its own: a registry cache of mode=min carries only what is a layer of
// the result. Without these small layers a fresh runner would pull the base, and do everything again, just to read them once more.
const notesDir = Venv + "/share/pyfile"

// FactsFile is where the result of a facts plan has the facts.
const FactsFile = notesDir + "/base.json"

const (
	factsStep  = "facts"
	baseStep   = "base-image"
	stdlibStep = "stdlib"
)

// note adds the step that keeps some files of other steps, and returns it: its tree is a layer.
func (b *builder) note(step Step, files ...Copy) string {
	step.Files = &Files{}
	for _, f := range files {
		step.Files.Actions = append(step.Files.Actions, Action{Copy: &f})
	}
	return b.add(step)
}

// FactsPlan is the plan of a solve of its own, whose result has FactsFile.
func (p *Project) FactsPlan(base Source) *Plan {
	var b builder
	p.factsOf(&b, base)
	return &Plan{Steps: b.steps, Result: factsStep, Platform: base.Platform}
}

func (b *builder) base(p *Project, base Source) string {
	return b.add(Step{
		ID: baseStep, Stage: Base, Target: true, Origin: p.origin(p.File.Base.Range),
		Name: "[base] FROM " + base.Ref, Image: &ImageSource{Ref: base.Ref},
	})
}

// factsOf adds the steps that read the facts of the base. The helper is started in the tree of the base, but as a program of the build
// platform that needs nothing from it.
func (p *Project) factsOf(b *builder, base Source) string {
	b.base(p, base)
	origin := p.origin(p.File.Base.Range)
	search, environments := searchPath(base), []string(nil)
	if p.start != "" {
		search = strings.ReplaceAll(search, Venv+"/bin:", "") // what is linked there is found at its own place
		environments = []string{"--venv", Venv}
	}
	read := b.add(Step{ID: "read-facts", Stage: Base, Origin: origin, Name: "[base] read Python, users and packages",
		Exec: b.program(baseStep, "distro", slices.Concat([]string{"facts", "--path", search}, environments, []string{"--out", outDir}), Mount{Path: outDir, Output: true})})
	return b.note(Step{ID: factsStep, Stage: Base, Origin: origin, Name: "[base] note what the base is"}, Copy{From: read, Source: "/" + distro.FactsFile, Path: FactsFile})
}

// defaultPath is the PATH of an image that has none, and of every exec.
const defaultPath = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"

// searchPath is where an image's own programs are found.
func searchPath(image Source) string { return or(env(image.Config.Config.Env, "PATH"), defaultPath) }

// ParseFacts reads the facts. It is an error when they do not tell the C library.
func ParseFacts(data []byte) (Facts, error) {
	var f distro.Facts
	if err := json.Unmarshal(data, &f); err != nil {
		return Facts{}, fmt.Errorf("the facts of the image: %w", err)
	}
	if f.Libc.Name == "" {
		return Facts(f), errors.New("the image does not say which C library it has")
	}
	return Facts(f), nil
}

// interpreter finds the Python that the project asks for. The image's own word for its version, which official images give, decides
// between several; it is also believed where the files do not tell the last number.
func (p *Project) interpreter(f Facts, base Source) (distro.Interpreter, *pyfile.Error) {
	said := env(base.Config.Config.Env, "PYTHON_VERSION")
	asked, free := strings.CutSuffix(p.Python.Value, "t")
	var others []string
	for _, i := range f.Interpreters {
		if said != "" && strings.HasPrefix(said, i.Version) {
			i.Version = said
		}
		if i.FreeThreaded == free && (i.Version == asked || strings.HasPrefix(i.Version, asked+".")) {
			return i, nil
		}
		name := i.Version
		if i.FreeThreaded {
			name += "t"
		}
		others = append(others, name)
	}
	if len(others) == 0 {
		return distro.Interpreter{}, &pyfile.Error{Range: p.origin(p.File.Base.Range).Range, Msg: fmt.Sprintf("%s has no Python on its PATH %s", p.label(base), searchPath(base)),
			Hint: "use python:" + p.Python.Value + "-slim, or an image made from it"}
	}
	return distro.Interpreter{}, p.otherPython(base, others)
}

// otherPython is the error for a base that has no Python of the version asked for, but others.
func (p *Project) otherPython(base Source, others []string) *pyfile.Error {
	at := p.Python.Range
	if !p.File.Python.Set() {
		at = p.File.Base.Range
	}
	number, free := strings.CutSuffix(others[0], "t")
	parts := strings.Split(number, ".")
	write := strings.Join(parts[:min(2, len(parts))], ".")
	if free {
		write += "t"
	}
	return &pyfile.Error{Range: p.origin(at).Range, Msg: fmt.Sprintf("python is %q, but %s has Python %s", p.Python.Value, p.label(base), strings.Join(others, " and ")),
		Hint: fmt.Sprintf("write python = %q, or choose another base", write)}
}

// account is the user that the image runs as, and what must be written for it to exist.
type account struct {
	passwd, group string // whole new files; empty when nothing is missing
	home          string // made when not empty
	uid           int
}

// nonroot is the default user: numeric, so that Kubernetes can see that it is not root.
const (
	nonroot   = "nonroot"
	nonrootID = 65532
)

// account returns the account of the default user, created if the base lacks it.
func (f Facts) account() account {
	a := account{}
	if !hasEntry(f.Passwd, nonroot, nonrootID) {
		a.passwd = line(f.Passwd) + fmt.Sprintf("%s:x:%d:%d:%s:/home/%s:/sbin/nologin\n", nonroot, nonrootID, nonrootID, nonroot, nonroot)
		a.home, a.uid = "/home/"+nonroot, nonrootID
		if !hasEntry(f.Group, nonroot, nonrootID) {
			a.group = line(f.Group) + fmt.Sprintf("%s:x:%d:\n", nonroot, nonrootID)
		}
	}
	return a
}

// checkUser refuses a user or group that the image would not know by name, because the container would not start.
func (p *Project) checkUser(f Facts) pyfile.Errors {
	if !p.File.User.Set() {
		return nil
	}
	var errs pyfile.Errors
	user, group, _ := strings.Cut(p.File.User.Value, ":")
	for _, part := range []struct{ what, name, file, path string }{{"user", user, f.Passwd, "/etc/passwd"}, {"group", group, f.Group, "/etc/group"}} {
		if _, err := strconv.Atoi(part.name); part.name == "" || part.name == nonroot || err == nil || hasEntry(part.file, part.name, -1) {
			continue
		}
		errs = append(errs, &pyfile.Error{Range: p.File.User.Range, Msg: fmt.Sprintf("the %s %q is not in %s of %s", part.what, part.name, part.path, p.label(Source{Ref: p.Base})),
			Hint: "write user = \"nonroot\", which is made where it is missing, or a number such as \"1000:1000\""})
	}
	return errs
}

// wantsNonroot tells whether the image runs as the default user, or as one that the Pyfile gives the same name.
func (p *Project) wantsNonroot() bool {
	user, group, _ := strings.Cut(p.File.User.Value, ":")
	return !p.File.User.Set() || user == nonroot || group == nonroot
}

// line ends a text with a newline unless it is empty.
func line(s string) string {
	if s != "" && !strings.HasSuffix(s, "\n") {
		return s + "\n"
	}
	return s
}

// hasEntry tells whether a passwd or group file has an entry of that name or number.
func hasEntry(file, name string, id int) bool {
	for entry := range strings.Lines(file) {
		fields := strings.Split(strings.TrimSpace(entry), ":")
		if len(fields) >= 3 && (fields[0] == name || fields[2] == strconv.Itoa(id)) {
			return true
		}
	}
	return false
}
