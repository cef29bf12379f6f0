# Says what Poetry would install of a locked project, for every target and every set of groups and extras on standard input:
# {"dir": ..., "targets": [{"python", "machine", "libc", "version", "threads"}], "asks": [{"groups": [...], "extras": [...]}]}
# Prints one answer for each ask and target, in this order. Poetry's own installer finds the operations and its own chooser the files; only the
# environment is made up. Poetry must be importable, and the index is that of the mirror plugin.
import json
import os
import sys
from pathlib import Path

from cleo.io.null_io import NullIO
from packaging import _manylinux, tags
from packaging.utils import canonicalize_name
from poetry.core.constraints.version import Version
from poetry.factory import Factory
from poetry.installation.chooser import Chooser
from poetry.installation.installer import Installer
from poetry.repositories.installed_repository import InstalledRepository
from poetry.utils.env import NullEnv
from poetry_plugin_pypi_mirror.plugins import PyPIMirrorPlugin

request = json.load(sys.stdin)


class TargetEnv(NullEnv):
    def __init__(self, python, machine, libc, version, threads):
        super().__init__()
        major, minor, *_ = (int(n) for n in python.split("."))
        release = tuple(int(n) for n in version.split("."))
        if libc == "glibc":
            _manylinux._get_glibc_version = lambda: release
            _manylinux._have_compatible_abi = lambda executable, archs: True
            platforms = list(_manylinux.platform_tags([machine]))
        else:
            platforms = [f"musllinux_{release[0]}_{n}_{machine}" for n in range(release[1], -1, -1)]
        platforms.append(f"linux_{machine}")
        interpreter = f"cp{major}{minor}"
        abi = interpreter + ("t" if threads else "")
        self._supported_tags = [
            *tags.cpython_tags((major, minor), abis=[abi], platforms=platforms),
            *tags.compatible_tags((major, minor), interpreter=interpreter, platforms=platforms),
        ]
        self._supported_tags_set = None
        self.made_up = {
            "implementation_name": "cpython",
            "implementation_version": python,
            "os_name": "posix",
            "platform_machine": machine,
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": python,
            "platform_python_implementation": "CPython",
            "python_version": f"{major}.{minor}",
            "sys_platform": "linux",
            "version_info": (*(int(n) for n in python.split(".")), "final", 0),
            "interpreter_name": "cp",
            "interpreter_version": f"{major}{minor}",
        }

    def get_marker_env(self):
        return self.made_up

    @property
    def marker_env(self):
        return self.made_up

    @property
    def version_info(self):
        return self.made_up["version_info"]


class Recorder:
    enabled = True

    def execute(self, operations):
        self.operations = operations
        return 0

    def __getattr__(self, name):
        return lambda *args, **kwargs: self


poetry = Factory().create_poetry(Path(request["dir"]), disable_cache=False)
PyPIMirrorPlugin().activate(poetry, NullIO())
links = {}


def chosen(env, package):
    pick = {"name": package.name, "version": str(package.version), "filename": "", "sha256": "", "from": package.source_type or ""}
    if package.source_type == "git":
        pick["sha256"] = package.source_resolved_reference
    elif package.source_type == "directory":
        pick["filename"] = os.path.relpath(package.source_url, request["dir"])
    elif package.source_type in ("url", "file"):
        pick["filename"] = package.source_url.rsplit("/", 1)[-1]
        pick["sha256"] = package.files[0]["hash"].removeprefix("sha256:")
    else:
        link = Chooser(poetry.pool, env).choose_for(package)
        pick["filename"] = link.filename
        pick["sha256"] = link.hashes["sha256"]
    return pick


answers = []
for ask in request["asks"]:
    for target in request["targets"]:
        env = TargetEnv(**target)
        try:
            if not poetry.package.python_constraint.allows(Version.parse(target["python"])):
                raise ValueError("the project is for another Python")
            recorder = Recorder()
            installer = Installer(NullIO(), env, poetry.package, poetry.locker, poetry.pool, poetry.config,
                                  installed=InstalledRepository(), executor=recorder)
            groups = [canonicalize_name(g) for g in ["main", *ask["groups"]]]
            for g in groups:
                if not poetry.package.has_dependency_group(g) and g != "main":
                    raise ValueError(f"no group {g}")
            installer.only_groups(groups)
            installer.extras(ask["extras"])
            installer.run()
            picks = [chosen(env, op.package) for op in recorder.operations if not op.skipped]
            answers.append({"picks": sorted(picks, key=lambda p: p["name"])})
        except Exception as e:  # whatever Poetry raises is its refusal
            answers.append({"error": f"{type(e).__name__}: {e}"})
json.dump(answers, sys.stdout)
