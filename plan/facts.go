package plan

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// Facts is what the plan needs to know of the base image. It is read from files of the image; no program of it runs.
type Facts struct {
	Libc   python.Libc
	Passwd string
	Group  string
}

// FactFiles are the files of the base image that tell its facts. Each may be missing.
var FactFiles = []string{"/etc/passwd", "/etc/group", dpkgStatus}

const (
	dpkgStatus = "/var/lib/dpkg/status"
	factsStep  = "facts"
	baseStep   = "base-image"
)

// FactsPlan is the plan of a solve of its own: it copies the fact files out of the base image. The same step is also the first
// layer of every image that New plans, although it changes nothing there: a registry cache of mode=min carries only what is a layer
// of the result. Without it a fresh runner would pull the base image just to read these files again.
func (p *Project) FactsPlan(base Source) *Plan {
	var b builder
	b.base(p, base)
	b.facts(p)
	return &Plan{Steps: b.steps, Result: factsStep, Platform: base.Platform}
}

func (b *builder) base(p *Project, base Source) string {
	return b.add(Step{
		ID: baseStep, Stage: Base, Target: true, Origin: p.origin(p.File.Base.Range),
		Name: "[base] FROM " + base.Ref, Image: &ImageSource{Ref: base.Ref},
	})
}

func (b *builder) facts(p *Project) string {
	files := &Files{}
	for _, f := range FactFiles {
		files.Actions = append(files.Actions, Action{Copy: &Copy{From: baseStep, Source: f, Path: f, Optional: true}})
	}
	return b.add(Step{
		ID: factsStep, Stage: Base, Target: true, Origin: p.origin(p.File.Base.Range),
		Name: "[base] read users and packages", Files: files,
	})
}

var dpkgVersion = regexp.MustCompile(`^(?:\d+:)?(\d+)\.(\d+)`)

// ParseFacts reads the fact files. It is an error when they do not tell the C library.
func ParseFacts(files map[string][]byte) (Facts, error) {
	f := Facts{Passwd: string(files["/etc/passwd"]), Group: string(files["/etc/group"])}
	m := dpkgVersion.FindStringSubmatch(packageVersion(files[dpkgStatus], "libc6"))
	if m == nil {
		return f, fmt.Errorf("the image does not say which C library it has: %s names no libc6", dpkgStatus)
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	f.Libc = python.Libc{Name: "glibc", Major: major, Minor: minor}
	return f, nil
}

// packageVersion looks a package's version up in dpkg's database (deb822 paragraphs).
func packageVersion(status []byte, name string) string {
	found := false
	for line := range strings.Lines(string(status)) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "":
			found = false
		case line == "Package: "+name:
			found = true
		case found && strings.HasPrefix(line, "Version: "):
			return strings.TrimPrefix(line, "Version: ")
		}
	}
	return ""
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
		errs = append(errs, &pyfile.Error{Range: p.File.User.Range, Msg: fmt.Sprintf("the %s %q is not in %s of the base %s", part.what, part.name, part.path, p.Base),
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
