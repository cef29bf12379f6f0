"""Answers the questions of differential_test.go with the library "packaging".

Reads a JSON list of cases from standard input, writes a JSON list of texts, one for each case: the answer, or "error".
"""

import json
import sys
import sysconfig

from packaging import _manylinux, _musllinux, tags, utils
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version


def show(value):
    return "true" if value else "false"


def environment(env):
    return dict(env, extras=set(env["extras"]), dependency_groups=set(env["dependency_groups"]))


def version(text):
    v = Version(text)
    release = ".".join(map(str, v.release))
    return "|".join([str(v), v.public, v.local or "", release, show(v.is_prerelease)])


def compare(a, b):
    a, b = Version(a), Version(b)
    return str((a > b) - (a < b))


def specifiers(text):
    # A specifier that stands twice is dropped by packaging's own order.
    return " ".join(sorted({str(s) for s in SpecifierSet(text)}))


def contains(text, number):
    s, v = SpecifierSet(text), Version(number)
    return show(s.contains(v, prereleases=True)) + " " + show(s.contains(v, prereleases=False))


def marker(text, env):
    return show(Marker(text).evaluate(environment(env)))


def requirement(text, env):
    r = Requirement(text)
    holds = "none" if r.marker is None else show(r.marker.evaluate(environment(env)))
    specs = " ".join(sorted({str(s) for s in r.specifier}))
    return "|".join([r.name, " ".join(sorted(r.extras)), specs, r.url or "", holds])


def wheel(filename):
    name, number, build, found = utils.parse_wheel_filename(filename)
    return "|".join([name, str(number), "".join(map(str, build)), " ".join(sorted(map(str, found)))])


def sdist(filename):
    name, number = utils.parse_sdist_filename(filename)
    return f"{name}|{number}"


def name(text):
    return utils.canonicalize_name(text) + "|" + show(utils._validate_regex.fullmatch(text))


def target_tags(target):
    """The tags packaging would give if it ran on the target."""
    sysconfig.get_platform = lambda: "linux-" + target["machine"]
    libc = (target["major"], target["minor"])
    glibc = target["libc"] == "glibc"
    _manylinux._get_glibc_version = lambda: libc if glibc else (-1, -1)
    _manylinux._is_linux_armhf = _manylinux._is_linux_i686 = lambda executable: True
    _musllinux._get_musl_version = lambda executable: None if glibc else _musllinux._MuslVersion(*libc)
    config = {"Py_DEBUG": 0, "Py_GIL_DISABLED": int(target["free_threaded"])}
    tags._get_config_var = lambda key, warn=False: config.get(key)
    python = (target["python_major"], target["python_minor"])
    yield from tags.cpython_tags(python)
    yield from tags.compatible_tags(python, interpreter="cp%d%d" % python)


def tag_list(target):
    return " ".join(map(str, target_tags(target)))


def best(filenames, target):
    index = {}
    for i, tag in enumerate(target_tags(target)):
        index.setdefault(tag, i)
    found = []
    for i, filename in enumerate(filenames):
        try:
            _, _, build, wheel_tags = utils.parse_wheel_filename(filename)
        except utils.InvalidWheelFilename:
            continue
        places = [index[tag] for tag in wheel_tags if tag in index]
        if places:
            # The highest build tag wins among equal places; a key that negates texts is not worth it.
            found.append((min(places), build, i))
    if not found:
        return "none"
    place = min(f[0] for f in found)
    build = max(f[1] for f in found if f[0] == place)
    return str(min(f[2] for f in found if f[:2] == (place, build)))


def answer(case):
    try:
        return globals()[case["kind"]](*case["args"])
    except (ValueError, KeyError, RecursionError):
        return "error"


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
