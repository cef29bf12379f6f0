"""Answers the questions of differential_test.go with the library "packaging", and with pip where packaging has no answer.

Reads {"environments": [...], "cases": [...]} from standard input and writes a JSON list of texts, one for each case: the
answer, or "error".
"""

import json
import struct
import subprocess
import sys
import sysconfig
import tempfile
import types

from packaging import _manylinux, _musllinux, markers, tags, utils
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from pip._internal.index.package_finder import _extract_version_from_fragment
from pip._internal.utils.misc import splitext
from pip._internal.utils.unpacking import SUPPORTED_EXTENSIONS

ENVIRONMENTS = []


def show(value):
    return "true" if value else "false"


def version(text):
    v = Version(text)
    release = ".".join(map(str, v.release))
    pre = "" if v.pre is None else "%s%d" % v.pre
    post = "" if v.post is None else str(v.post)
    dev = "" if v.dev is None else str(v.dev)
    return "|".join([str(v), v.public, v.local or "", str(v.epoch), release, pre, post, dev, show(v.is_prerelease)])


def compare(a, b):
    a, b = Version(a), Version(b)
    return str((a > b) - (a < b))


def specifier_set(text):
    # A specifier that stands twice is dropped by packaging's own order.
    return " ".join(sorted({str(s) for s in text}))


def specifiers(text):
    return specifier_set(SpecifierSet(text))


def contains(text, number):
    s, v = SpecifierSet(text), Version(number)
    return " ".join(show(s.contains(v, prereleases=p)) for p in (True, False, None))


def keep(text, numbers, prereleases):
    kept = SpecifierSet(text).filter([Version(n) for n in numbers], prereleases=prereleases)
    return " ".join(map(str, kept))


def requires(text, python):
    return show(Version(python) in SpecifierSet(text))


def tree(expression):
    """The expression with "and" bound tighter than "or", and what is joined by one operator taken as one list."""
    if isinstance(expression, tuple):
        return (" ".join(operand(o) for o in expression),)
    groups = [[]]
    for part in expression:
        if part == "or":
            groups.append([])
        elif part != "and":
            groups[-1].append(tree(part))
    return joined("or", [joined("and", group) for group in groups])


def joined(word, parts):
    if len(parts) == 1:
        return parts[0]
    flat = []
    for part in parts:
        flat += part[1:] if part[0] == word else [part]
    return (word, *flat)


def operand(node):
    if type(node).__name__ == "Value":
        return "%d:%s" % (len(node.value.encode()), node.value)
    return node.value


def written(node):
    if len(node) == 1:
        return node[0]
    return "(" + " ".join([node[0], *map(written, node[1:])]) + ")"


def evaluated(m, number):
    env = ENVIRONMENTS[number]
    try:
        return show(m.evaluate(env))
    except (ValueError, KeyError):
        return "error"


def marker(text, numbers):
    m = Marker(text)
    return " ".join([written(tree(m._markers)), *(evaluated(m, n) for n in numbers)])


def extra(text, names):
    """One comparison with several extras: it holds if it does with one of them, a negated one if it does with all."""
    m = Marker(text)
    held = [m.evaluate({"extra": n}) for n in names]
    return show(all(held) if m._markers[0][1].value in ("!=", "not in") else any(held))


def context(text, kind):
    """Whether the marker asks for a variable that the context does not have."""
    m = Marker(text)
    compare, markers._eval_op = markers._eval_op, lambda *args, **names: True
    try:
        m.evaluate(context=kind)
    except markers.UndefinedEnvironmentName:
        return "undefined"
    finally:
        markers._eval_op = compare
    return "defined"


def requirement(text, numbers):
    r = Requirement(text)
    parts = [r.name, " ".join(sorted(r.extras)), specifier_set(r.specifier), r.url or ""]
    if r.marker is not None:
        parts += [written(tree(r.marker._markers)), *(evaluated(r.marker, n) for n in numbers)]
    return "|".join(parts)


def wheel(filename):
    name, number, build, found = utils.parse_wheel_filename(filename)
    try:
        utils.parse_wheel_filename(filename, validate_order=True)
        ordered = True
    except utils.InvalidWheelFilename:
        ordered = False
    parts = [name, str(number), "".join(map(str, build)), " ".join(sorted(map(str, found))), show(ordered)]
    return "|".join(parts)


def sdist(filename):
    name, number = utils.parse_sdist_filename(filename)
    return f"{name}|{number}"


def sdist_of(filename, project):
    """The version that pip sees when it looks for a project among the files of an index."""
    stem, ending = splitext(filename)
    if ending not in SUPPORTED_EXTENSIONS or ending == ".whl":
        return "none"
    number = _extract_version_from_fragment(stem, utils.canonicalize_name(project))
    try:
        return str(Version(number or ""))
    except ValueError:
        return "none"


def name(text):
    return utils.canonicalize_name(text) + "|" + show(utils._validate_regex.fullmatch(text))


# Machines: class of the ELF file (32 or 64 bits), byte order, machine number, flags. The flags of ARM say EABI 5, hard float.
MACHINES = {
    "x86_64": (64, "<", 62, 0),
    "aarch64": (64, "<", 183, 0),
    "armv7l": (32, "<", 40, 0x05000400),
    "armv6l": (32, "<", 40, 0x05000400),
    "i686": (32, "<", 3, 0),
    "ppc64le": (64, "<", 21, 2),
    "s390x": (64, ">", 22, 0),
    "riscv64": (64, "<", 243, 5),
    "loongarch64": (64, "<", 258, 0x43),
}


def executable(target):
    """The start of an executable as the target's Python has it: header, one program header, and the loader it names."""
    bits, order, number, flags = MACHINES[target["machine"]]
    loader = b"/lib/ld-musl.so.1\0" if target["libc"] == "musl" else b"/lib/ld-linux.so.2\0"
    head = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]) + bytes(9)
    size = 52 if bits == 32 else 64
    entry = 32 if bits == 32 else 56
    at = size + entry
    word = "I" if bits == 32 else "Q"
    head += struct.pack(order + "HHI" + 3 * word + "IHHH", 2, number, 1, 0, size, 0, flags, size, entry, 1)
    head = head.ljust(size, b"\0")
    if bits == 32:
        head += struct.pack(order + "8I", 3, at, 0, 0, len(loader), len(loader), 4, 1)
    else:
        head += struct.pack(order + "II6Q", 3, 4, at, 0, 0, len(loader), len(loader), 1)
    return head + loader


def target_tags(target):
    """The tags that packaging gives on the target: what it asks the system for is answered as the target would."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(executable(target))
        file.flush()
        musl = target["libc"] == "musl"
        libc = "%d.%d" % (target["major"], target["minor"])
        python = (target["python_major"], target["python_minor"])
        config = {
            "Py_DEBUG": 0,
            "Py_GIL_DISABLED": int(target["free_threaded"]),
            "py_version_nodot": "%d%d" % python,
        }
        kept = sys.version_info, sys.executable
        sys.version_info, sys.executable = (*python, 0, "final", 0), file.name
        sysconfig.get_platform = lambda: "linux-" + target["machine"]
        tags.platform = types.SimpleNamespace(system=lambda: "Linux")
        tags._get_config_var = lambda key, warn=False: config.get(key)
        tags._linux_platforms.__defaults__ = (MACHINES[target["machine"]][0] == 32,)
        _manylinux._glibc_version_string = lambda: None if musl else libc
        loader = types.SimpleNamespace(stderr="musl libc (any)\nVersion %s.5\n" % libc)
        _musllinux.subprocess = types.SimpleNamespace(PIPE=subprocess.PIPE, run=lambda *args, **names: loader)
        _manylinux._get_glibc_version.cache_clear()
        _musllinux._get_musl_version.cache_clear()
        try:
            return list(tags.sys_tags())
        finally:
            sys.version_info, sys.executable = kept


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
    except (ValueError, KeyError, RecursionError, AssertionError):
        return "error"


questions = json.load(sys.stdin)
for env in questions["environments"]:
    sets = {key: set(env[key]) for key in ("extras", "dependency_groups")}
    ENVIRONMENTS.append(dict(env, **sets))
json.dump([answer(case) for case in questions["cases"]], sys.stdout)
