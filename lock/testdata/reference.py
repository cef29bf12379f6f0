# Selects from a pylock.toml on standard input what a target installs, with the reference implementation of PEP 751.
# Arguments: full Python version, machine, libc, libc version, "threads" for a free-threaded Python or "".
import json
import os
import sys
import tomllib

from packaging import _manylinux, tags
from packaging.pylock import Pylock, PylockSelectError

full, machine, libc, libc_version, threads = sys.argv[1:6]
major, minor, *_ = (int(n) for n in full.split("."))
libc_release = tuple(int(n) for n in libc_version.split("."))

if libc == "glibc":
    _manylinux._get_glibc_version = lambda: libc_release
    _manylinux._have_compatible_abi = lambda executable, archs: True
    platforms = list(_manylinux.platform_tags([machine]))
else:
    platforms = [f"musllinux_{libc_release[0]}_{n}_{machine}" for n in range(libc_release[1], -1, -1)]
platforms.append(f"linux_{machine}")

interpreter = f"cp{major}{minor}"
abi = interpreter + ("t" if threads else "")
accepted = [
    *tags.cpython_tags((major, minor), abis=[abi], platforms=platforms),
    *tags.compatible_tags((major, minor), interpreter=interpreter, platforms=platforms),
]
environment = {
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": machine,
    "platform_release": "",
    "platform_version": "",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "implementation_version": full,
    "python_version": f"{major}.{minor}",
    "python_full_version": full,
}
lock = Pylock.from_dict(tomllib.load(sys.stdin.buffer))
picked = []
try:
    selected = list(lock.select(environment=environment, tags=accepted))
except PylockSelectError as e:
    json.dump({"error": str(e)}, sys.stdout)
    sys.exit()
for package, file in selected:
    match type(file).__name__:
        case "PackageWheel" | "PackageSdist":
            source, sha256 = file.filename, file.hashes["sha256"]
        case "PackageArchive":
            source, sha256 = (file.path or file.url).rsplit("/", 1)[-1], file.hashes["sha256"]
        case "PackageVcs":
            source, sha256 = f"{file.type} {file.url} {file.commit_id} {file.subdirectory or ''}", ""
        case "PackageDirectory":
            source, sha256 = f"directory {os.path.normpath(file.path)} {file.subdirectory or ''}", ""
    picked.append({"name": package.name, "version": str(package.version or ""), "filename": source, "sha256": sha256})
json.dump({"picks": picked}, sys.stdout)
