//go:build differential

package lock

import "strings"

// pdmAsk is what is asked of a lock: groups and extras as pdm has them, all of them groups.
type pdmAsk struct{ groups, extras []string }

func (a pdmAsk) all() []string { return append(append([]string{}, a.groups...), a.extras...) }

type pdmProject struct {
	name  string
	files map[string]string
	lock  [][]string // arguments of "pdm lock", run after each other
	asks  []pdmAsk
}

const pdmWebApp = `
[project]
name = "Web.App"
version = "1"
requires-python = ">=3.10"
dependencies = ["httpx[http2]>=0.27", "click; sys_platform != 'win32'", "colorama; sys_platform == 'win32'", "tomli; python_version < '3.11'", "pyyaml"]
[project.optional-dependencies]
S3 = ["sniffio==1.3.1", "pywin32; sys_platform == 'win32'"]
images = ["pillow; platform_machine == 'x86_64'"]
all = ["web-app[s3, images]"]
[dependency-groups]
dev = ["pluggy>=1", {include-group = "lint"}]
lint = ["markupsafe"]
Self_Test = ["web.app[s3]", "iniconfig"]
[tool.pdm.dev-dependencies]
extra_dev = ["zipp"]
`

var pdmWebAsks = []pdmAsk{
	{}, {extras: []string{"s3"}}, {extras: []string{"all"}, groups: []string{"lint"}}, {groups: []string{"dev", "extra-dev"}}, {groups: []string{"self-test"}},
}

var pdmProjects = []pdmProject{
	{name: "default", files: map[string]string{"pyproject.toml": pdmWebApp}, lock: [][]string{{"-G", ":all"}}, asks: pdmWebAsks},
	{name: "no inherit_metadata", files: map[string]string{"pyproject.toml": pdmWebApp}, lock: [][]string{{"-G", ":all", "-S", "no_inherit_metadata"}}, asks: pdmWebAsks[2:]},
	{name: "static_urls", files: map[string]string{"pyproject.toml": pdmWebApp}, lock: [][]string{{"-G", ":all", "-S", "static_urls"}}, asks: pdmWebAsks[2:4]},
	{
		name:  "static_urls, direct_minimal_versions, no inherit_metadata",
		files: map[string]string{"pyproject.toml": strings.Replace(pdmWebApp, `"markupsafe"`, `"markupsafe>=2.1.5"`, 1)},
		lock:  [][]string{{"-G", ":all", "-S", "static_urls,direct_minimal_versions,no_inherit_metadata"}},
		asks:  pdmWebAsks[1:3],
	},
	{name: "cross_platform", files: map[string]string{"pyproject.toml": pdmWebApp}, lock: [][]string{{"-S", "cross_platform"}}, asks: []pdmAsk{{}, {groups: []string{"dev"}}}},
	{
		name:  "several targets",
		files: map[string]string{"pyproject.toml": pdmWebApp},
		lock: [][]string{{"-G", ":all", "--platform", "linux"}, {"-G", ":all", "--append", "--platform", "windows"},
			{"-G", ":all", "--append", "--platform", "manylinux_2_17_aarch64", "--python", ">=3.12"}},
		asks: pdmWebAsks[:3],
	},
	{
		name:  "targets of other platforms",
		files: map[string]string{"pyproject.toml": pdmWebApp},
		lock:  [][]string{{"--platform", "macos"}, {"--append", "--platform", "alpine", "--implementation", "cpython"}},
		asks:  []pdmAsk{{}},
	},
	{
		name: "two versions by Python",
		files: map[string]string{"pyproject.toml": `
[project]
name = "forks"
version = "1"
requires-python = ">=3.10"
dependencies = ["zipp<3.20; python_version < '3.11'", "zipp>=3.20; python_version >= '3.11'", "importlib-metadata", "markupsafe<3; python_version < '3.13'", "markupsafe"]
`},
		lock: [][]string{{"--python", "==3.10.*"}, {"--append", "--python", ">=3.11,<3.13"}, {"--append", "--python", ">=3.13"}},
		asks: []pdmAsk{{}},
	},
	{
		name: "two versions by Python, no inherit_metadata",
		files: map[string]string{"pyproject.toml": `
[project]
name = "forks"
version = "1"
requires-python = ">=3.10"
dependencies = ["zipp<3.20; python_version < '3.11'", "zipp>=3.20; python_version >= '3.11'", "importlib-metadata", "markupsafe<3; python_version < '3.13'", "markupsafe"]
`},
		lock: [][]string{{"--python", "==3.10.*", "-S", "no_inherit_metadata"}, {"--append", "--python", ">=3.11"}},
		asks: []pdmAsk{{}},
	},
	{
		name: "overrides and excludes",
		files: map[string]string{"pyproject.toml": `
[project]
name = "bent"
version = "1"
requires-python = ">=3.10"
dependencies = ["httpx", "urllib3"]
[tool.pdm.resolution]
excludes = ["certifi"]
[tool.pdm.resolution.overrides]
idna = "3.7"
`},
		lock: [][]string{{}},
		asks: []pdmAsk{{}},
	},
	{
		name: "overrides and excludes, no inherit_metadata",
		files: map[string]string{"pyproject.toml": `
[project]
name = "bent"
version = "1"
requires-python = ">=3.10"
dependencies = ["httpx", "urllib3", "idna>3.7"]
[tool.pdm.resolution]
excludes = ["certifi"]
[tool.pdm.resolution.overrides]
idna = "3.7"
`},
		lock: [][]string{{"-S", "no_inherit_metadata"}},
		asks: []pdmAsk{{}},
	},
	{
		name: "sdists",
		files: map[string]string{"pyproject.toml": `
[project]
name = "sources"
version = "1"
requires-python = ">=3.10"
dependencies = ["docopt", "markupsafe==2.0.1", "cffi<1.17"]
`},
		lock: [][]string{{}},
		asks: []pdmAsk{{}},
	},
	{
		name:  "lock_inputs",
		files: map[string]string{"pyproject.toml": pdmWebApp + "[tool.pdm.resolution]\nlock_inputs = true\nallow-prereleases = false\n"},
		lock:  [][]string{{"-G", ":all"}},
		asks:  pdmWebAsks[:2],
	},
}
