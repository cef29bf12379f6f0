package build

import (
	"slices"
	"strings"

	"github.com/org/pyfile/python"
)

// versionTools are the build tools that take the version from version control, by their normalised name. Variables are those by
// which they are told a version, where NAME stands for the project; without any a tool cannot be told.
var versionTools = []struct {
	name      string
	table     []string // of [tool], that turns it on
	words     string   // in setup.py, that turn it on
	variables []string
}{
	{"setuptools-scm", []string{"setuptools_scm"}, "use_scm_version", scmVariables},
	{"hatch-vcs", nil, "", scmVariables},
	{"flit-scm", []string{"flit_scm"}, "", scmVariables},
	{"vcs-versioning", []string{"vcs-versioning"}, "", scmVariables},
	{"pdm-backend", []string{"pdm", "version"}, "", []string{"PDM_BUILD_SCM_VERSION"}},
	{"poetry-dynamic-versioning", []string{"poetry-dynamic-versioning"}, "", []string{"POETRY_DYNAMIC_VERSIONING_BYPASS"}},
	{"uv-dynamic-versioning", []string{"uv-dynamic-versioning"}, "", []string{"UV_DYNAMIC_VERSIONING_BYPASS"}},
	{"pbr", nil, "pbr=", []string{"PBR_VERSION"}},
	{"versioneer", []string{"versioneer"}, "versioneer", nil},
	{"setuptools-git-versioning", []string{"setuptools-git-versioning"}, "setuptools_git_versioning", nil},
	{"versioningit", []string{"versioningit"}, "versioningit", nil},
}

// scmVariables are those of setuptools-scm and what is made of it. Its core is vcs-versioning from version 10 on.
var scmVariables = []string{
	"SETUPTOOLS_SCM_PRETEND_VERSION", "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_NAME", "VCS_VERSIONING_PRETEND_VERSION", "VCS_VERSIONING_PRETEND_VERSION_FOR_NAME",
}

// versionTool is the name of the tool that takes the project's version from version control, or "".
func versionTool(t pyproject, requires []string, setup string) string {
	if t.Project.text("version") != "" {
		return ""
	}
	needs := map[string]bool{}
	for _, text := range requires {
		if r, err := python.ParseRequirement(text); err == nil {
			needs[python.NormalizeName(r.Name)] = true
		}
	}
	for _, tool := range versionTools {
		used := needs[tool.name] || tool.table != nil && t.Tool.at(tool.table...) != nil || tool.words != "" && strings.Contains(setup, tool.words)
		if tool.name == "pdm-backend" { // a backend that can do it
			used = t.Tool.text("pdm", "version", "source") == "scm"
		}
		if used {
			return tool.name
		}
	}
	return ""
}

// versionVariables are the variables that tell a tool the version of a project.
func versionVariables(tool, name, version string) []string {
	var out []string
	for _, t := range versionTools {
		if t.name != tool || version == "" {
			continue
		}
		for _, v := range t.variables {
			if stem, ok := strings.CutSuffix(v, "NAME"); ok {
				if name == "" {
					continue
				}
				v = stem + strings.ToUpper(strings.ReplaceAll(python.NormalizeName(name), "-", "_"))
			}
			out = append(out, v+"="+version)
		}
	}
	return out
}

// NeedsRepository tells whether a tool takes the version from version control alone, so that a build must have the repository.
func NeedsRepository(tool string) bool {
	return tool != versioneer && slices.ContainsFunc(versionTools, func(t struct {
		name      string
		table     []string
		words     string
		variables []string
	}) bool {
		return t.name == tool && t.variables == nil
	})
}
