//go:build differential

package lock

// ask is one question to a lock.
type ask struct {
	member string // directory of the project, "" for the root
	groups []string
	extras []string
}

type project struct {
	name  string
	files map[string]string
	asks  []ask
}

var projects = []project{
	{
		name: "fastapi",
		files: map[string]string{"pyproject.toml": `
[project]
name = "Web.App"
version = "1"
requires-python = ">=3.10"
dependencies = ["fastapi[standard]", "uvicorn[standard]>=0.30", "SQLAlchemy >=2.0, <3", "psycopg[binary]", "httpx[http2]"]
`},
		asks: []ask{{}},
	},
	{
		name: "django with extras and groups",
		files: map[string]string{"pyproject.toml": `
[project]
name = "shop"
version = "1"
requires-python = ">=3.10,<3.15"
dependencies = ["Django>=4.2,<6", "celery[redis]", "never-there; python_version < '3.4'"]
[project.optional-dependencies]
s3 = ["boto3 >= 1.35.0"]
images = ["pillow; sys_platform != 'emscripten'"]
all = ["shop[s3, images]"]
Empty_Extra = []
[dependency-groups]
dev = ["pytest>=8", {include-group = "lint"}]
lint = ["ruff~=0.9.0"]
Self_Test = ["shop[s3]", "factory-boy"]
none = []
[tool.uv]
override-dependencies = ["sqlparse>=0.5"]
constraint-dependencies = ["idna<4"]
dev-dependencies = ["coverage[toml]"]
`},
		asks: []ask{
			{},
			{extras: []string{"s3"}},
			{extras: []string{"all"}, groups: []string{"lint"}},
			{groups: []string{"dev"}},
			{groups: []string{"self.test", "none"}, extras: []string{"empty-extra"}},
		},
	},
	{
		name: "markers",
		files: map[string]string{"pyproject.toml": `
[project]
name = "markers"
version = "1"
requires-python = ">=3.10"
dependencies = [
  "colorama; sys_platform == 'win32'",
  "pyobjc-core; sys_platform == 'darwin'",
  "greenlet; platform_machine == 'aarch64' or python_version >= '3.13'",
  "cffi; platform_machine != 'aarch64' and implementation_name == 'cpython'",
  "exceptiongroup; python_full_version < '3.11.1'",
  "uvloop; platform_system == 'Linux' and os_name == 'posix'",
  "tomli; python_version < '3.11'",
  "ipython; platform_python_implementation == 'CPython'",
]
`},
		asks: []ask{{}},
	},
	{
		name: "data",
		files: map[string]string{"pyproject.toml": `
[project]
name = "data"
version = "1"
requires-python = ">=3.10"
dependencies = ["numpy", "pandas", "scipy", "matplotlib", "scikit-learn", "pyarrow", "polars", "cryptography", "lxml", "orjson", "protobuf", "grpcio"]
`},
		asks: []ask{{}},
	},
	{
		name: "forks",
		files: map[string]string{"pyproject.toml": `
[project]
name = "forks"
version = "1"
requires-python = ">=3.10"
dependencies = [
  "idna==3.4; python_version < '3.12'", "idna==3.7; python_version >= '3.12'",
  "attrs==23.1.0; platform_machine == 'x86_64'", "attrs==23.2.0; platform_machine != 'x86_64'",
  "requests", "numpy<2; python_version < '3.12'", "numpy>=2; python_version >= '3.12'",
]
`},
		asks: []ask{{}},
	},
	{
		name: "environments",
		files: map[string]string{"pyproject.toml": `
[project]
name = "environments"
requires-python = "~=3.10"
dynamic = ["version"]
dependencies = ["click", "tqdm"]
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[tool.uv]
environments = ["sys_platform == 'linux' and platform_machine != 's390x'", "sys_platform == 'darwin'"]
required-environments = ["sys_platform == 'linux' and platform_machine == 'aarch64'"]
[tool.setuptools]
py-modules = []
`},
		asks: []ask{{}},
	},
	{
		name: "conflicts",
		files: map[string]string{"pyproject.toml": `
[project]
name = "conflicts"
version = "1"
requires-python = ">=3.10"
dependencies = ["anyio"]
[project.optional-dependencies]
old = ["idna==3.4", "httpx"]
new = ["idna==3.7", "httpx[socks]; sys_platform == 'linux'"]
[dependency-groups]
early = ["attrs==23.1.0", "conflicts[old]"]
late = ["attrs==23.2.0"]
[tool.uv]
conflicts = [
  [{extra = "old"}, {extra = "new"}],
  [{group = "early"}, {group = "late"}],
]
`},
		asks: []ask{{}, {extras: []string{"old"}}, {extras: []string{"new"}}, {groups: []string{"early"}}, {groups: []string{"late"}, extras: []string{"new"}}},
	},
	{
		name: "conflicts that dependencies decide",
		files: map[string]string{
			"pyproject.toml": `
[project]
name = "decider"
version = "1"
requires-python = ">=3.10"
dependencies = ["httpx", "lib"]
[project.optional-dependencies]
x = ["lib[old]"]
y = ["lib[new]", "rich; sys_platform == 'linux'"]
[dependency-groups]
z = ["decider[x]"]
[tool.uv]
conflicts = [
  [{package = "lib", extra = "old"}, {package = "lib", extra = "new"}],
  [{extra = "x"}, {extra = "y"}],
]
[tool.uv.sources]
lib = {workspace = true}
[tool.uv.workspace]
members = ["lib"]
`,
			"lib/pyproject.toml": `
[project]
name = "lib"
version = "1"
requires-python = ">=3.10"
dependencies = ["sniffio"]
[project.optional-dependencies]
old = ["idna==3.4", "anyio<4"]
new = ["idna==3.7"]
[tool.uv]
package = false
`},
		asks: []ask{{}, {extras: []string{"x"}}, {extras: []string{"y"}}, {groups: []string{"z"}}, {member: "lib", extras: []string{"old"}}},
	},
	{
		name: "workspace without a project at its root",
		files: map[string]string{
			"pyproject.toml": `
[tool.uv.workspace]
members = ["packages/*"]
[dependency-groups]
test = ["pytest>=8", "colorama; sys_platform == 'win32'"]
`,
			"packages/api/pyproject.toml": `
[project]
name = "api"
version = "1"
requires-python = ">=3.10"
dependencies = ["starlette"]
[dependency-groups]
docs = ["markdown"]
`,
			"packages/worker/pyproject.toml": `
[project]
name = "worker"
version = "1"
requires-python = ">=3.10"
dependencies = ["celery", "tomli; python_version < '3.11'"]
`},
		asks: []ask{{}, {groups: []string{"test"}}, {groups: []string{"docs"}}, {member: "packages/api", groups: []string{"docs"}}, {member: "packages/worker", groups: []string{"test"}}},
	},
	{
		name: "workspace with a project at its root",
		files: map[string]string{
			"pyproject.toml": `
[project]
name = "main-app"
version = "1"
requires-python = ">=3.10"
dependencies = ["click"]
[project.optional-dependencies]
color = ["colorama"]
[dependency-groups]
test = ["pytest>=8"]
[tool.uv.workspace]
members = ["packages/*"]
`,
			"packages/tool/pyproject.toml": `
[project]
name = "tool"
version = "1"
requires-python = ">=3.11"
dependencies = ["rich"]
[project.optional-dependencies]
web = ["flask"]
`},
		asks: []ask{{}, {extras: []string{"color"}, groups: []string{"test"}}, {member: "packages/tool", extras: []string{"web"}}, {member: "packages/tool", groups: []string{"test"}}},
	},
	{
		name: "no dependencies",
		files: map[string]string{"pyproject.toml": `
[project]
name = "hello"
version = "1"
requires-python = ">=3.10"
`},
		asks: []ask{{}},
	},
	{
		name: "git",
		files: map[string]string{"pyproject.toml": `
[project]
name = "git-app"
version = "1"
requires-python = ">=3.10"
dependencies = ["top", "inner", "tip"]
[tool.uv.sources]
top = {git = "REPOSITORY/top.git", tag = "v1"}
inner = {git = "REPOSITORY/top.git", subdirectory = "nested/inner", rev = "COMMIT"}
tip = {git = "REPOSITORY/tip.git", branch = "main"}
`},
		asks: []ask{{}},
	},
	{
		name: "files and directories of the context",
		files: map[string]string{
			"pyproject.toml": `
[project]
name = "local-app"
version = "1"
requires-python = ">=3.10"
dependencies = ["plain", "edited", "from-archive", "unbuilt"]
[dependency-groups]
more = ["grouped"]
[tool.uv.sources]
plain = {path = "libs/plain"}
edited = {path = "libs/edited", editable = true}
from-archive = {path = "vendor/from_archive-1.0.tar.gz"}
unbuilt = {path = "libs/unbuilt", package = false}
grouped = {path = "libs/grouped"}
`,
			"libs/plain/pyproject.toml":      member("plain", `["idna"]`),
			"libs/edited/pyproject.toml":     member("edited", `["attrs; sys_platform == 'linux'"]`),
			"libs/unbuilt/pyproject.toml":    member("unbuilt", `["sniffio"]`),
			"libs/grouped/pyproject.toml":    member("grouped", `["iniconfig"]`),
			"vendor/from_archive-1.0.tar.gz": sdist("from_archive-1.0", "from-archive"),
		},
		asks: []ask{{}, {groups: []string{"more"}}},
	},
	{
		name: "three members",
		files: map[string]string{
			"pyproject.toml": `
[tool.uv.workspace]
members = ["services/*", "libs/*"]
[tool.uv.sources]
core = {workspace = true}
`,
			"services/api/pyproject.toml":    member("api", `["core[web]", "click"]`),
			"services/worker/pyproject.toml": member("worker", `["core"]`) + "[dependency-groups]\nload = [\"api\"]\n[tool.uv.sources]\napi = {workspace = true}\n",
			"libs/core/pyproject.toml":       member("core", `["attrs"]`) + "[project.optional-dependencies]\nweb = [\"h11\"]\nmore = [\"idna\"]\n",
		},
		asks: []ask{
			{},
			{member: "services/api"},
			{member: "services/worker"},
			{member: "services/worker", groups: []string{"load"}},
			{member: "libs/core", extras: []string{"more"}},
		},
	},
	{
		name: "only an sdist",
		files: map[string]string{"pyproject.toml": `
[project]
name = "builder"
version = "1"
requires-python = ">=3.10"
dependencies = ["docopt==0.6.2", "idna"]
`},
		asks: []ask{{}},
	},
	{
		name: "a wheel and an sdist at addresses of their own",
		files: map[string]string{"pyproject.toml": `
[project]
name = "linker"
version = "1"
requires-python = ">=3.10"
dependencies = ["idna @ WHEEL", "sniffio @ SDIST"]
`},
		asks: []ask{{}},
	},
	{
		name: "groups of a root that is not a project, with a dynamic member",
		files: map[string]string{
			"pyproject.toml": `
[dependency-groups]
tools = ["iniconfig", {include-group = "base"}]
base = ["attrs", "colorama; sys_platform == 'win32'"]
[tool.uv]
conflicts = [[{group = "old", package = "dyn"}, {group = "new", package = "dyn"}]]
[tool.uv.workspace]
members = ["dyn"]
`,
			"dyn/pyproject.toml": `
[project]
name = "dyn"
dynamic = ["version"]
requires-python = ">=3.10"
dependencies = ["click"]
[dependency-groups]
old = ["idna==3.4"]
new = ["idna==3.7"]
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[tool.setuptools]
py-modules = []
`},
		asks: []ask{{}, {groups: []string{"tools"}}, {member: "dyn", groups: []string{"old"}}, {member: "dyn", groups: []string{"new"}}},
	},
}
