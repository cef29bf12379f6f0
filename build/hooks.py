

# Calls hooks of a build backend (PEP 517).
#
# The argument is a JSON object: "report", the number of a file to report to; "hook", which is "requires", "wheel", "version" or "versioneer";
# "backend", as build-backend of pyproject.toml has it; "paths", the directories of backend-path; "settings", the config settings or null; and
# "out", the directory for the wheel or the metadata. The working directory is the source.
#
# One JSON object is written to the report: "missing" with requirements, "failed" with a line about an exception, "requires" with
# requirements, "version" with a version, or "wheel" with a file name. "interpreter" says what the interpreter is, with the last of these.
import email
import importlib
import importlib.metadata
import json
import os
import platform
import re
import sysconfig
import traceback
import zipfile

# Backends change sys.argv, as setup.py wants its own.
arguments = json.loads(sys.argv[1])
del sys.argv[1:]


def report(result):
    with os.fdopen(arguments["report"], "w", encoding="utf-8", errors="replace") as f:
        json.dump(result, f)


def load(backend, paths):
    paths = [os.path.realpath(p) for p in paths]
    sys.path[:0] = paths
    module, _, attributes = backend.partition(":")
    loaded = importlib.import_module(module)
    if paths:
        place = os.path.realpath(getattr(loaded, "__file__", None) or os.devnull)
        if not any(place.startswith(p.rstrip(os.sep) + os.sep) for p in paths):
            raise ImportError(f"{module} is not in backend-path, but at {place}")
    for name in attributes.split(".") if attributes else ():
        loaded = getattr(loaded, name)
    return loaded


def installed(requirement):
    # The environment has what was asked for and its dependencies; "packaging" need not be among them. A requirement with a marker
    # is only judged if it is: a missing one may not be needed here, and if it is, the backend says so.
    text, _, marker = requirement.partition(";")
    if marker.strip():
        try:
            from packaging.markers import Marker

            if not Marker(marker).evaluate({"extra": ""}):
                return True
        except ImportError:
            return True
    name = re.match(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)", text)
    if not name:
        return False
    try:
        importlib.metadata.distribution(name[1])
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def interpreter():
    libc, version = platform.libc_ver()
    machine = sysconfig.get_platform().partition("-")[2]
    if sys.maxsize < 2**32:  # a 32-bit Python on a 64-bit kernel
        machine = {"x86_64": "i686", "aarch64": "armv7l"}.get(machine, machine)
    return {
        "implementation": sys.implementation.name,
        "version": "%d.%d.%d" % sys.version_info[:3],
        "machine": machine,
        "glibc": version if libc == "glibc" else "",
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    }


def version(backend, settings):
    # What the metadata says, which a backend can make without building anything, mostly.
    prepare = getattr(backend, "prepare_metadata_for_build_wheel", None)
    if prepare:
        with open(os.path.join(arguments["out"], os.fspath(prepare(arguments["out"], settings)), "METADATA"), encoding="utf-8") as f:
            text = f.read()
    else:
        with zipfile.ZipFile(os.path.join(arguments["out"], backend.build_wheel(arguments["out"], settings, None))) as wheel:
            text = wheel.read(next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))).decode()
    return email.message_from_string(text)["Version"]


def versioneer():
    # It is a module of the project, or else one that the build requires.
    sys.path.insert(0, os.getcwd())
    import versioneer

    found = versioneer.get_versions()
    if found.get("error"):
        raise RuntimeError(found["error"])
    return {"version": found["version"], "versioneer": found, "file": versioneer.get_config_from_root(versioneer.get_root()).versionfile_source}


def call():
    if arguments["hook"] == "versioneer":
        return versioneer()
    backend = load(arguments["backend"], arguments["paths"])
    settings = arguments["settings"]
    hook = getattr(backend, "get_requires_for_build_wheel", lambda settings: [])
    requires = [str(r) for r in hook(settings) or ()]
    if arguments["hook"] == "requires":
        return {"requires": requires, "interpreter": interpreter()}
    missing = [r for r in requires if not installed(r)]
    if missing:
        return {"missing": missing}
    if arguments["hook"] == "version":
        return {"version": version(backend, settings)}
    return {"wheel": os.fspath(backend.build_wheel(arguments["out"], settings, None)), "interpreter": interpreter()}


try:
    result = call()
except BaseException as error:
    if not isinstance(error, SystemExit):
        traceback.print_exc()
    lines = [line.strip() for line in f"{type(error).__name__}: {error}".splitlines() if line.strip()]
    result = {"failed": lines[0]}
sys.stdout.flush()
sys.stderr.flush()
report(result)
