# Asks pdm itself what it would install from the pdm.lock of a project. On standard input: {"groups": [[...]], "targets": [{"python":
# "3.13.5", "machine": "x86_64", "libc": "glibc", "version": "2.41", "threads": false}]}. Groups are those of "pdm sync --prod -G".
# Prints a list of answers for each list of groups, one answer for each target: {"picks": [...]} or {"error": text}.
import json
import sys

from pdm.cli.actions import resolve_from_lockfile
from pdm.core import Core
from pdm.exceptions import PdmException
from pdm.models.candidates import _find_best_match_link
from pdm.models.markers import EnvSpec
from pdm.models.requirements import strip_extras
from pdm.utils import normalize_name

question = json.load(sys.stdin)
project = Core().create_project(".")
links = {}  # what the index has for a package and a target


def spec_of(target):
    policy = "manylinux" if target["libc"] == "glibc" else "musllinux"
    platform = f"{policy}_{target['version'].replace('.', '_')}_{target['machine']}"
    return EnvSpec.from_spec(f"=={target['python']}", platform, "cpython", target["threads"])


def answer(groups, target):
    spec = spec_of(target)
    dependencies = project._resolve_dependencies(list(groups))
    requirements = [r for group in groups for r in project.get_dependencies(group, dependencies)]
    packages = resolve_from_lockfile(project, requirements, groups=groups, env_spec=spec)
    # As pdm's synchronizer: the last of equal names counts, and entries with extras stand for the package itself.
    candidates = {p.candidate.identify(): p.candidate for p in packages}
    names = sorted({strip_extras(key)[0] for key in candidates} - {normalize_name(project.name or "")})
    picks = []
    with project.environment.get_finder(project.sources, env_spec=spec) as finder:
        for name in names:
            candidate = candidates[name]
            pick = {"name": name, "version": candidate.version, "filename": "", "sha256": ""}
            picks.append(pick)
            if candidate.req.is_vcs:
                pick["sha256"] = candidate.req.revision or ""
                continue
            if candidate.req.is_named:
                key = (name, candidate.version, spec)
                if key not in links:
                    links[key] = _find_best_match_link(finder, candidate.req.as_pinned_version(candidate.version), candidate.hashes)
                link = links[key]
                if link is None:
                    raise PdmException(f"no file of {name}")
            else:
                link = candidate.link
                if link.is_wheel and spec.wheel_compatibility(link.filename) is None:
                    raise PdmException(f"the wheel of {name} does not fit")
            if not (link.is_file and link.file_path.is_dir()):
                pick["filename"] = link.filename
    return {"picks": picks}


answers = []
for groups in question["groups"]:
    row = []
    for target in question["targets"]:
        try:
            row.append(answer(["default", *groups], target))
        except PdmException as e:
            row.append({"error": str(e) or type(e).__name__})
    answers.append(row)
json.dump(answers, sys.stdout)
