package build

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/org/pyfile/python"
)

// Project is what a source says of itself before it is built.
type Project struct {
	// Name and Version are empty when only a build can tell them. They come from PKG-INFO, which a source distribution has,
	// from [project], from [tool.poetry] or from setup.cfg.
	Name           string `json:"name,omitempty"`    // as written
	Version        string `json:"version,omitempty"` // as written
	RequiresPython string `json:"requires-python,omitempty"`

	Backend     string   `json:"build-backend"`          // hook object: "hatchling.build"
	BackendPath []string `json:"backend-path,omitempty"` // as written
	Requires    []string `json:"requires"`               // of the build, as written

	// Compiles says why building may need a compiler or another program; without a reason it needs Python alone.
	Compiles []string `json:"compiles,omitempty"`
	// VersionTool is what takes the version from version control, "setuptools-scm". Where there is no repository, as in an archive of
	// one, it has to be told the version.
	VersionTool string `json:"version-tool,omitempty"`
	HasSetupPy  bool   `json:"has-setup-py,omitempty"`
	// LFS are the files that are pointers of Git LFS, as paths in the whole source, sorted.
	LFS []string `json:"lfs,omitempty"`
}

// LegacyBackend stands in for a project that names no backend (PEP 517, "Source trees").
const LegacyBackend = "setuptools.build_meta:__legacy__"

// LegacyRequirement is what a build needs that says nothing of it: the first setuptools with that backend, as pip asks for.
const LegacyRequirement = "setuptools>=40.8.0"

// ParseProject reads what Inspect wrote.
func ParseProject(data []byte) (*Project, error) {
	p := new(Project)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return p, d.Decode(p)
}

// pyproject is the part of a pyproject.toml that a build needs.
type pyproject struct {
	BuildSystem *struct {
		Requires    []string `toml:"requires"`
		Backend     string   `toml:"build-backend"`
		BackendPath []string `toml:"backend-path"`
	} `toml:"build-system"`
	Project table `toml:"project"`
	Tool    table `toml:"tool"`
}

// table is a table of TOML. What is looked for in it may be missing or be something else.
type table map[string]any

// at is the value below some keys, nil when there is none.
func (t table) at(keys ...string) any {
	var v any = map[string]any(t)
	for _, key := range keys {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// text is the string below some keys, "" when there is none.
func (t table) text(keys ...string) string {
	s, _ := t.at(keys...).(string)
	return s
}

// maxSettings is the most bytes that a file with settings of a project may have.
const maxSettings = 16 << 20

// Settings reads the content of a file of a project's directory, nil if there is no regular file of that name.
type Settings func(name string) ([]byte, error)

// settingsIn are the files of a directory.
func settingsIn(dir string) Settings {
	return func(name string) ([]byte, error) { return readSettings(dir, name) }
}

// readSettings is the content of a file of a source, nil if there is no regular file of that name.
func readSettings(dir, name string) ([]byte, error) {
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil || !info.Mode().IsRegular() {
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	if info.Size() > maxSettings {
		return nil, fmt.Errorf("%s has %d bytes, which is too large", name, info.Size())
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if data == nil && err == nil {
		data = []byte{}
	}
	return data, err
}

// forms are what keys that a build needs must be.
var forms = map[string]string{
	"build-system.requires":      `a list of texts, such as ["hatchling"]`,
	"build-system.build-backend": `a text, such as "hatchling.build"`,
	"build-system.backend-path":  `a list of texts, such as ["."]`,
}

// toml reads a file of TOML into v. It is false if there is none.
func (read Settings) toml(name string, v any) (bool, error) {
	data, err := read(name)
	if data == nil || err != nil {
		return false, err
	}
	err = toml.Unmarshal(data, v)
	if wrong := (*toml.DecodeError)(nil); errors.As(err, &wrong) {
		line, column := wrong.Position()
		what := strings.TrimPrefix(wrong.Error(), "toml: ")
		if key := strings.Join(wrong.Key(), "."); strings.HasPrefix(what, "cannot decode") || strings.Contains(what, ": cannot decode") {
			what = key + " must be " + cmp.Or(forms[key], "a table")
		}
		return true, fmt.Errorf("%s:%d:%d: %s", name, line, column, what)
	}
	if err != nil {
		return true, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "toml: "))
	}
	return true, nil
}

// ReadProject describes a project by its settings alone, when its other files are not at hand.
func ReadProject(read Settings) (*Project, error) {
	p, t, err := read.project()
	if err != nil {
		return nil, err
	}
	p.Compiles, err = read.compiles(p, t, "")
	return p, err
}

// compiles are the reasons why building may need a compiler or another program. Native is the first file of the project that only a
// compiler reads.
func (read Settings) compiles(p *Project, t pyproject, native string) ([]string, error) {
	var hatch table
	if strings.HasPrefix(p.Backend, "hatchling.") {
		if _, err := read.toml("hatch.toml", &hatch); err != nil {
			return nil, err
		}
	}
	setup, err := read(setupPy)
	if err != nil {
		return nil, err
	}
	return compiles(p, t, hatch, string(setup), native, func(name string) bool {
		data, err := read(name)
		return data != nil && err == nil
	}), nil
}

const setupPy = "setup.py"

// project describes the project, apart from what only its other files tell.
func (read Settings) project() (*Project, pyproject, error) {
	p := &Project{Backend: LegacyBackend, Requires: []string{LegacyRequirement}}
	var t pyproject
	isProject, err := read.toml("pyproject.toml", &t)
	if err != nil {
		return nil, t, err
	}
	setup, err := read(setupPy)
	if err != nil {
		return nil, t, err
	}
	p.HasSetupPy = setup != nil
	if !isProject && !p.HasSetupPy {
		return nil, t, errors.New("there is neither a pyproject.toml nor a setup.py")
	}
	if s := t.BuildSystem; s != nil {
		if s.Requires == nil {
			return nil, t, fmt.Errorf("pyproject.toml%s: build-system.requires is missing: it must list the packages that build the project (PEP 518)",
				read.lineOf("[build-system]"))
		}
		p.Requires, p.BackendPath = s.Requires, s.BackendPath
		if s.Backend != "" {
			p.Backend = s.Backend
		}
	}
	if err := p.identify(read, t); err != nil {
		return nil, t, err
	}
	p.VersionTool = versionTool(t, p.Requires, string(setup))
	return p, t, nil
}

// lineOf is ":LINE" of a line of pyproject.toml that begins with a text, or "".
func (read Settings) lineOf(text string) string {
	data, err := read("pyproject.toml")
	if err != nil {
		return ""
	}
	for i, line := range bytes.Split(data, []byte("\n")) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte(text)) {
			return fmt.Sprintf(":%d", i+1)
		}
	}
	return ""
}

// identify finds the name, the version and the Python that is asked for. What was written for a release says most.
func (p *Project) identify(read Settings, t pyproject) error {
	metadata, err := read("PKG-INFO")
	if err != nil {
		return err
	}
	fields := headers(metadata)
	setup, err := read("setup.cfg")
	if err != nil {
		return err
	}
	cfg := sections(setup)
	first := func(values ...string) string {
		for _, v := range values {
			if v != "" && v != "UNKNOWN" && !strings.HasPrefix(v, "attr:") && !strings.HasPrefix(v, "file:") {
				return v
			}
		}
		return ""
	}
	p.Name = first(fields["name"], t.Project.text("name"), t.Tool.text("poetry", "name"), cfg["metadata.name"])
	p.Version = first(fields["version"], t.Project.text("version"), t.Tool.text("poetry", "version"), cfg["metadata.version"])
	p.RequiresPython = first(fields["requires-python"], t.Project.text("requires-python"), cfg["options.python_requires"])
	if p.Version == t.Tool.text("poetry", "version") && fields["version"] == "" && t.Tool.at("poetry-dynamic-versioning", "enable") == true {
		p.Version = "" // it stands for the real one
	}
	if _, err := python.ParseVersion(p.Version); err != nil {
		p.Version = "" // setuptools makes another of what is none
	}
	if !python.ValidName(p.Name) {
		p.Name = ""
	}
	return nil
}

// headers are the fields of core metadata, by their name in lower case: the first of each.
func headers(data []byte) map[string]string {
	out := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan() && s.Text() != ""; {
		name, value, ok := strings.Cut(s.Text(), ":")
		name = strings.ToLower(name)
		if _, there := out[name]; ok && !there && !strings.HasPrefix(name, " ") {
			out[name] = strings.TrimSpace(value)
		}
	}
	return out
}

// sections are the options of a setup.cfg whose value is on their own line, as "section.option".
func sections(data []byte) map[string]string {
	out := map[string]string{}
	section := ""
	for line := range strings.Lines(string(data)) {
		text := strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(text, "["); ok && strings.HasSuffix(rest, "]") {
			section = strings.TrimSuffix(rest, "]")
			continue
		}
		if i := strings.IndexAny(text, "=:"); i > 0 && line[0] != ' ' && line[0] != '\t' && line[0] != '#' && line[0] != ';' {
			out[section+"."+strings.ToLower(strings.TrimSpace(text[:i]))] = strings.TrimSpace(text[i+1:])
		}
	}
	return out
}
