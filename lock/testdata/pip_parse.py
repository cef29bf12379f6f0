"""Reads sets of requirements files with pip's own parser and prints what it makes of each.

Standard input is a list of {"files": {name: text in base64}, "names": [...]}; the output is a list, in order, of
{"error": text} or {"requirements": [...], "options": {...}}.
"""
import base64
import json
import logging
import optparse
import os
import sys
import tempfile

from pip._internal.index.collector import LinkCollector
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.format_control import FormatControl
from pip._internal.models.release_control import ReleaseControl
from pip._internal.models.search_scope import SearchScope
from pip._internal.models.selection_prefs import SelectionPreferences
from pip._internal.network.session import PipSession
from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._internal.req.req_file import parse_requirements
from pip._internal.req.req_install import check_invalid_constraint_type

ENVIRONMENTS = json.loads(sys.argv[1])
logging.disable(logging.CRITICAL)


def requirement(ireq):
    link = None
    if ireq.link:
        link = ireq.link.url_without_fragment.replace("file://" + os.getcwd(), "file:.")
    spec = sorted(str(s) for s in ireq.req.specifier) if ireq.req else []
    return {
        "name": ireq.name,
        "extras": sorted(ireq.extras),
        "specifiers": ",".join(spec),
        "markers": [ireq.markers.evaluate({**e, "extra": ""}) if ireq.markers else True for e in ENVIRONMENTS],
        "link": link,
        "subdirectory": (ireq.link.subdirectory_fragment if ireq.link else None) or "",
        "egg": (ireq.link.egg_fragment if ireq.link else None) or "",
        "hashes": {a: sorted(d.lower() for d in ds) for a, ds in ireq.hashes(trust_internet=False)._allowed.items()},
        "editable": ireq.editable,
        "constraint": ireq.constraint,
        "settings": {k: v if isinstance(v, list) else [v] for k, v in (ireq.config_settings or {}).items()},
        "mode": ireq.has_hash_options,
    }


def read(case):
    with tempfile.TemporaryDirectory() as root:
        root = os.path.realpath(root)
        os.chdir(root)
        for name, data in case["files"].items():
            os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
            with open(os.path.join(root, name), "wb") as f:
                f.write(base64.b64decode(data))
        session = PipSession()
        finder = PackageFinder.create(
            link_collector=LinkCollector(session, SearchScope.create([], ["default"], False)),
            selection_prefs=SelectionPreferences(allow_yanked=True, format_control=FormatControl(), release_control=ReleaseControl()),
        )
        options = optparse.Values({"require_hashes": False, "no_require_hashes": False, "features_enabled": [], "isolated_mode": False})
        out = []
        try:
            for name in case["names"]:
                for parsed in parse_requirements(name, session=session, finder=finder, options=options):
                    settings = parsed.options.get("config_settings") if parsed.options else None
                    ireq = install_req_from_parsed_requirement(parsed, user_supplied=True, config_settings=settings)
                    if ireq.constraint and check_invalid_constraint_type(ireq):
                        return {"error": check_invalid_constraint_type(ireq)}
                    out.append(requirement(ireq))
        except BaseException as e:
            return {"error": f"{type(e).__name__}: {e}"}
        finally:
            os.chdir("/")
    return {
        "requirements": out,
        "options": {
            "indexes": finder.index_urls,
            "no_index": finder.search_scope.no_index,
            "find_links": len(finder.find_links),
            "no_binary": sorted(finder.format_control.no_binary),
            "only_binary": sorted(finder.format_control.only_binary),
            "require_hashes": options.require_hashes,
            "no_require_hashes": options.no_require_hashes,
        },
    }


print(json.dumps([read(c) for c in json.load(sys.stdin)]))
