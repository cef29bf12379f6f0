//go:build differential

package lock

const poetryHead = `[tool.poetry]
name = "demo"
version = "0.1.0"
description = ""
authors = ["A <a@a.example>"]

[tool.poetry.dependencies]
`

// lockedProject is a project that releases of Poetry lock.
type lockedProject struct {
	name     string
	releases []string // of Poetry, which lock it
	files    map[string]string
	asks     []ask
}

var poetryProjects = []lockedProject{
	{
		name:     "groups and extras",
		releases: []string{"2.5.1", "1.8.5"},
		files: map[string]string{"pyproject.toml": poetryHead + `
python = "^3.10"
Django = ">=4.2,<6"
celery = {version = "^5.4", extras = ["redis"]}
boto3 = {version = "~1.35", optional = true}
pillow = {version = "*", optional = true, markers = "sys_platform != 'win32'"}
psycopg = {version = "^3", extras = ["binary"], optional = true}
redis = "*"
[tool.poetry.extras]
S3 = ["boto3"]
images = ["pillow"]
all = ["boto3", "pillow", "psycopg"]
[tool.poetry.group.dev.dependencies]
pytest = "^8"
ipython = {version = "*", python = ">=3.11"}
[tool.poetry.group.Docs]
optional = true
[tool.poetry.group.Docs.dependencies]
markdown = "*"
colorama = {version = "*", platform = "win32"}
celery = "*"
`},
		asks: []ask{{}, {extras: []string{"s3"}}, {extras: []string{"all"}, groups: []string{"docs"}}, {groups: []string{"dev", "docs"}}, {extras: []string{"images"}}},
	},
	{
		name:     "first format",
		releases: []string{"1.1.15"},
		files: map[string]string{"pyproject.toml": poetryHead + `
python = "^3.10"
requests = {version = "^2.31", extras = ["socks"]}
rich = {version = "13.7.0", optional = true}
idna = [
  {version = "3.4", python = "<3.12"},
  {version = "3.7", python = ">=3.12"},
]
anyio = "4.4.*"
tomli = {version = "^2", markers = "python_version < '3.11'"}
[tool.poetry.extras]
pretty = ["rich"]
[tool.poetry.dev-dependencies]
iniconfig = "~2.0"
`},
		asks: []ask{{}, {extras: []string{"pretty"}}, {groups: []string{"dev"}}},
	},
	{
		name:     "standard tables",
		releases: []string{"2.5.1"},
		files: map[string]string{"pyproject.toml": `
[project]
name = "standard"
version = "1"
requires-python = ">=3.10,<4.0"
dependencies = ["httpx[http2]>=0.27", "tomli; python_version < '3.11'", "uvloop ; sys_platform == 'linux'"]
[project.optional-dependencies]
s3 = ["boto3>=1.35", "idna"]
images = ["pillow; platform_machine == 'x86_64'"]
[dependency-groups]
dev = ["pytest>=8", {include-group = "lint"}]
lint = ["ruff>=0.9", "httpx[socks]"]
[tool.poetry]
package-mode = false
[tool.poetry.group.extra-docs]
optional = true
[tool.poetry.group.extra-docs.dependencies]
mkdocs = "^1.6"
[tool.poetry.group.ci]
include-groups = ["extra-docs", "lint"]
`},
		asks: []ask{{}, {extras: []string{"s3"}}, {extras: []string{"images", "s3"}, groups: []string{"lint"}}, {groups: []string{"dev"}}, {groups: []string{"ci"}}},
	},
	{
		name:     "half dynamic",
		releases: []string{"2.5.1"},
		files: map[string]string{"pyproject.toml": `
[project]
name = "half"
version = "1"
requires-python = ">=3.10"
dynamic = ["dependencies"]
[project.optional-dependencies]
fast = ["orjson>=3.9"]
[tool.poetry]
package-mode = false
[tool.poetry.dependencies]
python = ">=3.10,<3.14"
click = "^8"
`},
		asks: []ask{{}, {extras: []string{"fast"}}},
	},
	{
		name:     "several versions",
		releases: []string{"2.5.1", "1.8.5", "1.4.2"},
		files: map[string]string{"pyproject.toml": poetryHead + `
python = ">=3.10"
idna = [
  {version = "3.4", markers = "python_version < '3.12'"},
  {version = "3.7", markers = "python_version >= '3.12'"},
]
attrs = [
  {version = "23.1.0", markers = "platform_machine == 'x86_64'"},
  {version = "23.2.0", markers = "platform_machine != 'x86_64'"},
]
requests = "^2.31"
numpy = [
  {version = "<2", python = "<3.12"},
  {version = ">=2", python = ">=3.12"},
]
`},
		asks: []ask{{}},
	},
	{
		name:     "python versions with a hole",
		releases: []string{"2.5.1", "1.8.5"},
		files: map[string]string{"pyproject.toml": poetryHead + `
python = "{hole}"
anyio = "^4"
ipython = "^8"
`},
		asks: []ask{{}},
	},
	{
		name:     "paths",
		releases: []string{"2.5.1"},
		files: map[string]string{
			"pyproject.toml": poetryHead + `
python = "^3.10"
lib = {path = "packages/lib", develop = true, extras = ["more"]}
"other.tool" = {path = "packages/other"}
`,
			"packages/lib/pyproject.toml": `
[tool.poetry]
name = "lib"
version = "2.0"
description = ""
authors = []
packages = []
[tool.poetry.dependencies]
python = "^3.10"
sniffio = "*"
six = {version = "*", optional = true}
other-tool = {path = "../other"}
[tool.poetry.extras]
more = ["six"]
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
`,
			"packages/other/pyproject.toml": "[project]\nname = \"other.tool\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [\"idna\"]\n",
		},
		asks: []ask{{}},
	},
	{
		name:     "sources only",
		releases: []string{"2.5.1"},
		files: map[string]string{"pyproject.toml": poetryHead + `
python = ">=3.10,<3.15"
docopt = "0.6.2"
langdetect = "*"
mysqlclient = {version = "^2.2", optional = true}
[tool.poetry.extras]
mysql = ["mysqlclient"]
`},
		asks: []ask{{}, {extras: []string{"mysql"}}},
	},
	{
		name:     "data",
		releases: []string{"2.5.1"},
		files: map[string]string{"pyproject.toml": poetryHead + `
python = ">=3.11,<3.15"
numpy = "*"
pandas = "*"
cryptography = "*"
lxml = "*"
orjson = "*"
protobuf = "*"
grpcio = "*"
greenlet = "*"
`},
		asks: []ask{{}},
	},
	{
		name:     "markers",
		releases: []string{"2.5.1", "1.8.5"},
		files: map[string]string{"pyproject.toml": poetryHead + `
python = "^3.10"
colorama = {version = "*", markers = "sys_platform == 'win32'"}
greenlet = {version = "*", markers = "platform_machine == 'aarch64' or python_version >= '3.13'"}
cffi = {version = "*", markers = "platform_machine != 'aarch64' and implementation_name == 'cpython'"}
exceptiongroup = {version = "*", markers = "python_full_version < '3.11.1'"}
tomli = {version = "*", python = "3.10"}
tornado = {version = "*", python = "<=3.11"}
six = {version = "*", python = ">3.11", platform = "linux"}
sniffio = {version = "*", platform = "!=linux"}
zipp = {version = "*", python = "~3.12 || >=3.14"}
`},
		asks: []ask{{}},
	},
	{
		name:     "one package for two groups",
		releases: []string{"2.5.1"},
		files: map[string]string{"pyproject.toml": poetryHead + `
python = "^3.10"
idna = {version = "*", markers = "platform_machine == 'aarch64'"}
[tool.poetry.group.a.dependencies]
idna = {version = "*", markers = "python_version >= '3.13'"}
[tool.poetry.group.b.dependencies]
idna = "*"
`},
		asks: []ask{{}, {groups: []string{"a"}}, {groups: []string{"b"}}, {groups: []string{"a", "b"}}},
	},
}

// poetryEdit changes a pyproject.toml: pairs of old and new text. says is a part of the error.
type poetryEdit struct {
	name    string
	replace []string
	stale   bool
	says    string
}

var poetryEdits = []struct {
	name, release, text string
	edits               []poetryEdit
}{
	{
		name: "tool tables", release: "2.5.1",
		text: poetryHead + `
python = "^3.10"
idna = "^3.4"
attrs = "*"
rich = {version = "^13", optional = true}
[tool.poetry.extras]
pretty = ["rich"]
[tool.poetry.group.dev.dependencies]
iniconfig = ">=1"
`,
		edits: []poetryEdit{
			{name: "order", replace: []string{"idna = \"^3.4\"\nattrs = \"*\"", "attrs = \"*\"\nidna = \"^3.4\""}},
			{name: "quotes and comments", replace: []string{"idna = \"^3.4\"", "\"idna\" = '''^3.4''' # why"}},
			{name: "inline table", replace: []string{"rich = {version = \"^13\", optional = true}", "rich = {optional = true, version = \"\\u005e13\"}"}},
			{name: "description", replace: []string{"description = \"\"", "description = \"é\""}},
			{name: "other tools", replace: []string{"[tool.poetry.extras]", "[tool.ruff]\nline-length = 1.0\n[tool.poetry.extras]"}},
			{name: "empty groups of the standard", replace: []string{"[tool.poetry.extras]", "[dependency-groups]\n[tool.poetry.extras]"}},
			{name: "spaces in a constraint", replace: []string{"\"^3.4\"", "\"^ 3.4\""}, stale: true, says: "the dependency tables of pyproject.toml changed"},
			{name: "case of a name", replace: []string{"attrs = ", "Attrs = "}, stale: true, says: "the dependency tables of pyproject.toml changed"},
			{name: "empty table", replace: []string{"[tool.poetry.extras]", "[tool.poetry.dev-dependencies]\n[tool.poetry.extras]"}, stale: true},
			{name: "new dependency", replace: []string{"attrs = \"*\"", "attrs = \"*\"\nsniffio = \"^1\""}, stale: true, says: `asks for "sniffio ^1", which the lock does not know`},
			{name: "lost dependency", replace: []string{"attrs = \"*\"\n", ""}, stale: true, says: "the lock has attrs"},
			{name: "new bound", replace: []string{"\"^3.4\"", "\"~3.4\""}, stale: true, says: `asks for "idna ~3.4", the lock has 3.`},
			{name: "other group", replace: []string{"attrs = \"*\"\n", "", "iniconfig = \">=1\"", "iniconfig = \">=1\"\nattrs = \"*\""}, stale: true, says: `in the group "dev", the lock has it for other groups only`},
			{name: "other python", replace: []string{"\"^3.10\"", "\"^3.11\""}, stale: true, says: "pyproject.toml is for Python ^3.11, the lock was made for ^3.10"},
			{name: "other extra", replace: []string{"pretty = ", "nice = "}, stale: true, says: `pyproject.toml has the extra "nice"`},
			{name: "standard groups", replace: []string{"[tool.poetry.extras]", "[dependency-groups]\nlint = [\"idna\"]\n[tool.poetry.extras]"}, stale: true},
			{name: "new source", replace: []string{"[tool.poetry.extras]", "[[tool.poetry.source]]\nname = \"x\"\nurl = \"https://index.example/simple\"\n[tool.poetry.extras]"}, stale: true},
		},
	},
	{
		name: "standard tables", release: "2.5.1",
		text: `[project]
name = "demo"
version = "1"
requires-python = ">=3.10"
dependencies = ["idna>=3.4", "attrs"]
[project.optional-dependencies]
pretty = ["rich>=13"]
[dependency-groups]
dev = ["iniconfig>=1"]
[tool.poetry]
package-mode = false
`,
		edits: []poetryEdit{
			{name: "version", replace: []string{"version = \"1\"", "version = \"2\""}},
			{name: "order of tables", replace: []string{"[tool.poetry]", "[tool.black]\n[tool.poetry]"}},
			{name: "several lines", replace: []string{`["idna>=3.4", "attrs"]`, "[\n  'idna>=3.4', # x\n  \"attrs\",\n]"}},
			{name: "order of dependencies", replace: []string{`["idna>=3.4", "attrs"]`, `["attrs", "idna>=3.4"]`}, stale: true, says: "the dependency tables of pyproject.toml changed"},
			{name: "new dependency", replace: []string{`"attrs"`, `"attrs", "sniffio"`}, stale: true, says: `asks for "sniffio", which the lock does not know`},
			{name: "bound", replace: []string{"idna>=3.4", "idna<3.4"}, stale: true, says: `asks for "idna <3.4", the lock has 3.`},
			{name: "python", replace: []string{">=3.10", ">=3.11"}, stale: true, says: "pyproject.toml is for Python >=3.11"},
			{name: "group", replace: []string{"iniconfig>=1", "iniconfig>=1.1"}, stale: true},
		},
	},
	{
		name: "an older Poetry", release: "1.8.5",
		text: poetryHead + "python = \"^3.10\"\nidna = \"^3.4\"\n[tool.poetry.group.dev.dependencies]\niniconfig = \"*\"\n",
		edits: []poetryEdit{
			{name: "description", replace: []string{"description = \"\"", "description = \"x\""}},
			{name: "project table", replace: []string{"[tool.poetry]", "[project]\nname = \"demo\"\n[tool.poetry]"}},
			{name: "bound", replace: []string{"^3.4", "~3.4"}, stale: true, says: `asks for "idna ~3.4", the lock has 3.`},
			{name: "group", replace: []string{"iniconfig", "iniConfig"}, stale: true},
		},
	},
}
