package pyfile

import (
	"slices"
	"strings"
)

// This file is the language as data. The decoder, the JSON schema and docs/reference.md are made from these two tables;
// a key that is not here does not exist. Docs are written for a Python developer who does not know BuildKit.

// valueType is what TOML value a key takes, in the words of the reference.
type valueType string

const (
	typeString       valueType = "string"
	typeBool         valueType = "true or false"
	typeInt          valueType = "whole number"
	typeList         valueType = "list of strings"
	typeCommand      valueType = "list of strings, one per argument"
	typePorts        valueType = "list of numbers or strings"
	typeStringOrList valueType = "string, or list of strings"
	typePairs        valueType = "table of strings"
	typeSettings     valueType = "table of strings or lists of strings"
)

// key is one key of the language.
type key struct {
	path     string // "dependencies.lock"; NAME stands for a name that the user chooses
	typ      valueType
	doc      string
	fallback string   // what holds when the key is absent; empty when nothing does
	words    []string // the only values, when there are only some
	syntax   *grammar // of the string, or of each item or value; nil when every string will do
	names    *grammar // of the names in a table
	min, max int64    // of a number; a max of 0 is none
	nonEmpty bool     // of a list: it must have an item
	required bool     // in its table
	example  string   // one line, or several for a table
}

// table is a table of the language. Its keys are fixed, unless the user names them. Tables of strings only, such as
// [env], are keys.
type table struct {
	path    string
	doc     string
	names   *grammar // of the user's names, when the keys are "path.NAME" or "path.NAME.key"
	example string   // a name for the examples
}

var tables = []table{
	{path: "healthcheck", doc: "How the container engine asks a running container whether it is well. Durations are written like `30s` or `1m30s`."},
	{path: "dependencies", doc: "Which packages are installed. Their names and versions stand in the lock file, never here."},
	{path: "config-settings", names: packageName, example: "numpy",
		doc: "Settings for the build backends of packages that are built from source, the project included. One table per package."},
	{path: "app", doc: "How your own code gets into the image."},
	{path: "apt", doc: "Packages of the distribution: Debian's or Ubuntu's by apt, and on an Alpine image Alpine's by apk. A version can stand behind `=`, as for apt-get and apk. Nothing of apt or apk stays in the image but the packages: no lists, archives and logs."},
	{path: "steps", names: entryName, example: "assets",
		doc: "Commands that are run at build time on the finished tree, in `workdir`, in the order of the file. One table per step. What a step changes under `workdir` becomes one layer of the image, and everything else that it writes is dropped; [commands.md](commands.md) has the details."},
	{path: "test", doc: "What the build target `test` adds to the finished image, and runs there as the image's user, with the project's files in `workdir`. The result of the target are the files that the command writes; [commands.md](commands.md) has the details."},
	{path: "index", names: entryName, example: "company",
		doc: "Package indexes besides or instead of the default one. One table per index: `[index.default]` stands for the default index, all others are asked before it, in the order of the file. A package that one of them has never comes from a later one. Passwords never stand in the file: they come from a build secret, which is named by its id. A file at the scheme, host and port of an index is fetched with its secret; [private.md](private.md) has the details."},
	{path: "verify", doc: "The finished image is checked without running anything of it: every shared library that a file of a package needs is there, no two packages have one path with different bytes, every requirement of a package is met, and no wheel needs a newer C library than the base has. What was compiled here must pass; what a wheel brought along is a warning, because such a wheel may have parts that nobody uses. Each finding says how to mend it, such as the line of `[apt]` to add."},
	{path: "layers", doc: "How dependencies are spread over the layers of the image. A layer that did not change is neither built, pushed nor pulled again."},
	{path: "bytecode", doc: "What is compiled to bytecode when the image is built, so that a container does not do it at each start."},
	{path: "slim", doc: "What is taken out of dependencies to make the image smaller. The application is installed as it is packed."},
}

var keys = []key{
	{path: "python", typ: typeString, syntax: pythonVersion,
		doc:      "The version of Python: a minor version, or an exact one. 3.9 is the oldest. A `t` behind it, as in `3.13t`, is the free-threaded build, which 3.13 is the first to have. It is a string, because the number 3.10 is the number 3.1.",
		fallback: "what `.python-version` says; without that file the key must be there",
		example:  `python = "3.13"`},
	{path: "base", typ: typeString, syntax: imageReference,
		doc:      "The image that the finished image starts from. It must have that Python.",
		fallback: "`python:<python>-slim`",
		example:  `base = "python:3.13-slim-bookworm"`},
	{path: "builder", typ: typeString, syntax: imageReference,
		doc:      "The image in which packages without a wheel are compiled. Nothing of it ends up in the finished image.",
		fallback: "`python:<python>`; on a base with musl, such as Alpine, the base itself",
		example:  `builder = "python:3.13-bookworm"`},

	{path: "cmd", typ: typeCommand, syntax: argument,
		doc:      "What the container runs, one string per argument. No shell is involved; an empty list means no command.",
		fallback: "the only entry of `[project.scripts]`, if there is exactly one",
		example:  `cmd = ["uvicorn", "app.main:app", "--host", "0.0.0.0"]`},
	{path: "entrypoint", typ: typeCommand, syntax: argument,
		doc:      "What stands before `cmd`, and stays when somebody gives the container another command. An empty list removes that of the base image.",
		fallback: "that of the base image",
		example:  `entrypoint = ["python", "-m", "app"]`},
	{path: "env", typ: typePairs, names: variableName,
		doc:      "Environment variables of the container.",
		fallback: "`PATH`, `VIRTUAL_ENV`, `PYTHONUNBUFFERED=1` and `PYTHONDONTWRITEBYTECODE=1` are set in any case",
		example:  "APP_ENV = \"production\"\nWEB_CONCURRENCY = \"4\""},
	{path: "labels", typ: typePairs, names: labelName,
		doc:      "Labels of the image. A name with dots needs quotes.",
		fallback: "the OCI labels that follow from `[project]`",
		example:  `"org.opencontainers.image.source" = "https://git.example/shop"`},
	{path: "expose", typ: typePorts, syntax: port,
		doc:     "Ports that the container listens on: a number, or a string with the protocol `tcp`, `udp` or `sctp`. This publishes nothing; it tells others which ports to publish.",
		example: `expose = [8000, "8125/udp"]`},
	{path: "volumes", typ: typeList, syntax: volumePath,
		doc:     "Directories that hold data which outlives the container.",
		example: `volumes = ["/data"]`},
	{path: "workdir", typ: typeString, syntax: absolutePath,
		doc:      "The directory that the container starts in, and where source code is copied to.",
		fallback: "`/app`",
		example:  `workdir = "/srv/shop"`},
	{path: "user", typ: typeString, syntax: userName,
		doc:      "Who the container runs as: a name or a number, with a group behind a colon if need be.",
		fallback: "`nonroot` (65532), which is created when the base image lacks it",
		example:  `user = "1000:1000"`},
	{path: "stop-signal", typ: typeString, syntax: signal,
		doc:      "The signal that asks the container to end, by name or number.",
		fallback: "`SIGTERM`",
		example:  `stop-signal = "SIGINT"`},

	{path: "healthcheck.cmd", typ: typeCommand, syntax: argument, nonEmpty: true, required: true,
		doc:     "The command that asks. It says with exit status 0 that all is well.",
		example: `cmd = ["python", "-m", "app.health"]`},
	{path: "healthcheck.interval", typ: typeString, syntax: duration,
		doc: "Time between two checks.", fallback: "`30s`", example: `interval = "30s"`},
	{path: "healthcheck.timeout", typ: typeString, syntax: duration,
		doc: "A check that takes longer has failed.", fallback: "`30s`", example: `timeout = "5s"`},
	{path: "healthcheck.start-period", typ: typeString, syntax: duration,
		doc: "Time that the application has to start, in which a failed check does not count.", fallback: "none", example: `start-period = "20s"`},
	{path: "healthcheck.start-interval", typ: typeString, syntax: duration,
		doc: "Time between two checks during `start-period`.", fallback: "`5s`", example: `start-interval = "1s"`},
	{path: "healthcheck.retries", typ: typeInt, min: 1,
		doc: "So many checks must fail in a row before the container counts as unhealthy.", fallback: "3", example: `retries = 5`},

	{path: "dependencies.lock", typ: typeStringOrList, syntax: filePath, nonEmpty: true,
		doc:      "The lock file, or a list of requirements files, as paths in the build context. It may have any name that ends in `.txt` or `.in` if it is a requirements file.",
		fallback: "the only lock file in the project's directory, else in the nearest directory above it; two of them are an error",
		example:  `lock = "uv.lock"`},
	{path: "dependencies.project", typ: typeString, syntax: directory,
		doc:      "The directory of the workspace member or project to install, in the build context. Other members' files change nothing.",
		fallback: "`.`",
		example:  `project = "packages/api"`},
	{path: "dependencies.groups", typ: typeList, syntax: groupName,
		doc:      "Dependency groups to install besides the default dependencies: those of `[dependency-groups]`, of poetry, of pdm, or categories of a Pipfile.",
		fallback: "none; the group `dev` is only installed when it is named here",
		example:  `groups = ["production"]`},
	{path: "dependencies.extras", typ: typeList, syntax: groupName,
		doc:      "Extras of the project to install: names of `[project.optional-dependencies]`.",
		fallback: "none",
		example:  `extras = ["postgres"]`},
	{path: "dependencies.from-source", typ: typeList, syntax: packageName,
		doc:      "Packages to build from their source distribution although there is a wheel. The lock must have the source distribution.",
		fallback: "none",
		example:  `from-source = ["psycopg2"]`},
	{path: "dependencies.build-constraints", typ: typeString, syntax: filePath,
		doc:     "A constraints file, as pip takes one, for the build requirements of everything that is built from source, the project included. It cannot include other files.",
		example: `build-constraints = "build-constraints.txt"`},
	{path: "dependencies.allow-network", typ: typeList, syntax: packageName,
		doc:      "Dependencies whose build may use the network, or the name of the project itself. Whatever such a build fetches is neither locked nor checked, so it may give other bytes tomorrow.",
		fallback: "none",
		example:  `allow-network = ["some-package"]`},

	{path: "config-settings.NAME", typ: typeSettings, names: settingName,
		doc:     "The settings of one package (PEP 517): what pip calls `--config-settings`. A list gives one setting several values.",
		example: "setup-args = [\"-Dblas=openblas\", \"-Dlapack=openblas\"]"},

	{path: "app.install", typ: typeString, words: []string{"wheel", "source", "none"},
		doc:      "`wheel` builds your project with its own build backend and installs the wheel. `source` copies the files to `workdir`. `none` installs the dependencies only.",
		fallback: "`wheel` if `pyproject.toml` has `[build-system]` or there is a `setup.py`, otherwise `source`",
		example:  `install = "source"`},
	{path: "app.include", typ: typeList, syntax: glob,
		doc:      "Files that belong to the application, as patterns below the project's directory: `*` within a directory, `**` across directories.",
		fallback: "everything",
		example:  `include = ["src/**", "alembic.ini"]`},
	{path: "app.exclude", typ: typeList, syntax: glob,
		doc:      "Files that do not belong to the application, besides those of `.dockerignore` and what never does: `.git`, `.venv`, caches.",
		fallback: "none",
		example:  `exclude = ["tests/**", "docs/**"]`},

	{path: "apt.run", typ: typeList, syntax: systemPackage,
		doc: "Packages that the finished image needs, such as shared libraries and programs.", fallback: "none", example: `run = ["libpq5"]`},
	{path: "apt.build", typ: typeList, syntax: systemPackage,
		doc: "Packages needed to compile dependencies or the project, such as headers. They do not end up in the finished image.", fallback: "none", example: `build = ["libpq-dev"]`},

	{path: "steps.NAME.run", typ: typeCommand, syntax: argument, nonEmpty: true, required: true,
		doc: "The command, one string per argument.", example: `run = ["python", "manage.py", "collectstatic", "--no-input"]`},
	{path: "steps.NAME.env", typ: typePairs, names: variableName,
		doc: "Environment variables for this command only.", example: `env = { DJANGO_SETTINGS_MODULE = "shop.settings" }`},
	{path: "steps.NAME.network", typ: typeBool,
		doc: "Whether the command may use the network.", fallback: "`false`", example: `network = true`},
	{path: "steps.NAME.secrets", typ: typeList, syntax: secretID,
		doc: "Ids of the build secrets that the command may read.", fallback: "none", example: `secrets = ["npm-token"]`},
	{path: "steps.NAME.user", typ: typeString, syntax: userName,
		doc: "Who runs the command.", fallback: "`root`", example: `user = "nonroot"`},
	{path: "steps.NAME.apt", typ: typeList, syntax: systemPackage,
		doc: "Packages of the distribution for this command only. They do not end up in the finished image.", fallback: "none", example: `apt = ["nodejs"]`},

	{path: "test.groups", typ: typeList, syntax: groupName,
		doc: "Dependency groups that the tests need.", fallback: "none", example: `groups = ["test"]`},
	{path: "test.extras", typ: typeList, syntax: groupName,
		doc: "Extras that the tests need.", fallback: "none", example: `extras = ["test"]`},
	{path: "test.run", typ: typeCommand, syntax: argument, nonEmpty: true,
		doc: "The command that runs the tests.", example: `run = ["pytest", "-q"]`},

	{path: "index.NAME.url", typ: typeString, syntax: indexURL, required: true,
		doc: "The address of the index (PEP 503), without user and password.", example: `url = "https://packages.example/simple/"`},
	{path: "index.NAME.secret", typ: typeString, syntax: secretID,
		doc: "Id of the build secret that holds the password or token.", example: `secret = "company-index"`},
	{path: "index.NAME.username", typ: typeString, syntax: loginName,
		doc: "The name that goes with the secret.", example: `username = "builder"`},

	{path: "verify.ignore", typ: typeList, syntax: ignored,
		doc:      "What the check leaves alone: the soname of a missing library, the name of a missing program or of a package of the lock, or a path in the image. `*` stands for anything but a `/`, and a part `**` of a path for any number of directories; a path begins with `/` or `**/`, and stands for all below it too.",
		fallback: "none",
		example:  `ignore = ["libcuda.so.1", "torch", "/opt/venv/lib/python3.13/site-packages/*/tests"]`},

	{path: "layers.max", typ: typeInt, min: 1, max: 90,
		doc: "At most this many layers hold dependencies that are wheels. Container engines take 127 layers, those of the base among them.", fallback: "48", example: `max = 16`},
	{path: "layers.own", typ: typeString, syntax: size,
		doc:      "A wheel of at least this size gets a layer of its own; smaller ones share. Units are `kB`, `MB`, `GB` (1000) and `KiB`, `MiB`, `GiB` (1024).",
		fallback: "`1MB`",
		example:  `own = "10MB"`},

	{path: "bytecode.dependencies", typ: typeBool,
		doc: "Compile the dependencies.", fallback: "`true`", example: `dependencies = false`},
	{path: "bytecode.stdlib", typ: typeBool,
		doc: "Compile the standard library. The official Python images come without its bytecode.", fallback: "`true`", example: `stdlib = false`},
	{path: "bytecode.tests", typ: typeBool,
		doc: "Compile test modules too.", fallback: "`false`", example: `tests = true`},

	{path: "slim.remove", typ: typeList, words: []string{"tests", "headers", "sources", "stubs", "docs"},
		doc: "Sorts of files to leave out of dependencies: `tests` (directories of tests that nothing else imports), `headers` (of C, and static libraries), `sources` (of compiled modules), `stubs` (types that stand beside their module) and `docs`. Nothing that a program imports goes, nor a license; [slim.md](slim.md) has the rules.", fallback: "none", example: `remove = ["tests", "stubs"]`},
	{path: "slim.strip", typ: typeBool,
		doc: "Take symbol tables and debug information out of programs and shared objects. No byte that is loaded changes.", fallback: "`false`", example: `strip = true`},

	{path: "args", typ: typePairs, names: argName,
		doc:     "Build arguments with their defaults. `${NAME}` in any string of the file stands for the value, which `--build-arg NAME=value` changes. A default may use the arguments above it. `$${` is a plain `${`.",
		example: `VERSION = "dev"`},
}

// keyAt and tableAt find a row by its path.
var (
	keyAt   = byPath(keys, func(k *key) string { return k.path })
	tableAt = byPath(tables, func(t *table) string { return t.path })
)

func byPath[T any](rows []T, path func(*T) string) map[string]*T {
	m := make(map[string]*T, len(rows))
	for i := range rows {
		m[path(&rows[i])] = &rows[i]
	}
	return m
}

// name is the last part of the path.
func (k *key) name() string { return k.path[strings.LastIndexByte(k.path, '.')+1:] }

// namesIn lists the keys and tables that may stand in the table of that path ("" is the file itself), in the order of the
// rows. A name that the user chooses is NAME.
func namesIn(path string) []string {
	var out []string
	add := func(p string) {
		if path != "" {
			rest, ok := strings.CutPrefix(p, path+".")
			if !ok {
				return
			}
			p = rest
		}
		if name, _, _ := strings.Cut(p, "."); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for i := range keys {
		add(keys[i].path)
	}
	for i := range tables {
		add(tables[i].path)
	}
	return out
}
