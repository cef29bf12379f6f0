# Builds a wheel with a build backend (PEP 517).
#
# Arguments: the number of a file to report to, the directory for the wheel, the backend as build-backend of pyproject.toml has it,
# and the directories of backend-path. The working directory is the source.
#
# One line is written to the report: "wheel NAME", "missing REQUIREMENT, REQUIREMENT...", or "failed EXCEPTION: MESSAGE".
import sys

sys.path = [p for p in sys.path if p]

import importlib
import importlib.metadata
import os
import re
import traceback

# Backends change sys.argv, as setup.py wants its own.
number, directory, name, *paths = sys.argv[1:]
del sys.argv[1:]


def report(what, text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    with os.fdopen(int(number), "w", encoding="utf-8", errors="replace") as f:
        f.write(what + " " + (lines[0] if lines else "") + "\n")


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
    # The environment has what [build-system] asks for and its dependencies; "packaging" need not be among them. A requirement
    # with a marker is only judged if it is: a missing one may not be needed here, and if it is, the backend says so.
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


def build():
    backend = load(name, paths)
    requires = getattr(backend, "get_requires_for_build_wheel", lambda settings: [])
    missing = [r for r in requires(None) or () if not installed(r)]
    if missing:
        return "missing", ", ".join(missing)
    return "wheel", backend.build_wheel(directory, None, None)


try:
    what, text = build()
except BaseException as error:
    if not isinstance(error, SystemExit):
        traceback.print_exc()
    what, text = "failed", f"{type(error).__name__}: {error}"
sys.stdout.flush()
sys.stderr.flush()
report(what, text)
