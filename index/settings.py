# Prints what pip is configured for as JSON. pip has no stable interface for that: its parser knows best and has kept its shape; where
# it has not, what pip prints for people does.
import json
import os
import sys

out = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever else is printed is for people

NAMES = {
    "index_url": "index-url",
    "extra_index_urls": "extra-index-url",
    "find_links": "find-links",
    "no_index": "no-index",
    "trusted_hosts": "trusted-host",
    "cert": "cert",
    "client_cert": "client-cert",
    "proxy": "proxy",
    "timeout": "timeout",
}


def parsed():
    # A parser of what is needed only: a whole command imports most of pip, which takes seconds where there is no bytecode.
    from pip._internal.cli import cmdoptions
    from pip._internal.cli.parser import ConfigOptionParser

    parser = ConfigOptionParser(name="download", prog="pip", isolated=False, add_help_option=False)
    for group in (cmdoptions.general_group, cmdoptions.index_group):
        parser.add_option_group(cmdoptions.make_option_group(group, parser))
    options, _ = parser.parse_args([])
    values = {name: getattr(options, name) for name in NAMES}
    values["no_index"] = bool(values["no_index"])  # 0 or 1 when it comes from a file
    return values


def pip(*args, **more):
    import subprocess

    env = dict(os.environ, COLUMNS="1000", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_COLOR="1", **more)
    return subprocess.check_output([sys.executable, "-I", "-m", "pip"] + list(args), env=env).decode("utf-8")


def printed():
    import ast

    found = {}
    lines = pip("config", "list").splitlines()
    # Later ones win: the file's [global], its [download], the environment.
    for prefix in ("global.", "download.", ":env:."):
        for line in lines:
            key, _, value = line.partition("=")
            if key.startswith(prefix):
                found[key[len(prefix):]] = ast.literal_eval(value)
    values = {}
    for name, option in NAMES.items():
        value = found.get(option)
        if name in ("extra_index_urls", "find_links", "trusted_hosts"):
            value = value.split() if value else []
        elif name == "no_index":
            value = str(value).lower() in ("1", "true", "yes", "on", "y", "t")
        elif name == "timeout":
            value = float(value or found.get("default-timeout") or 0)
        values[name] = value
    values["index_url"] = values["index_url"] or helped()
    return values


def builtin():
    from pip._internal.models.index import PyPI

    return PyPI.simple_url


def helped():
    import re

    # Isolated from the environment's options, and with this name for a file from all files.
    text = " ".join(pip("--isolated", "download", "--help", PIP_CONFIG_FILE=os.devnull).split())
    return re.search(r"--index-url <url> .*?\(default:? ([^\s)]+)\)", text).group(1)


def certifi():
    from pip._vendor.certifi import where

    return where()


def first(*ways):
    problem = None
    for way in ways:
        try:
            return way()
        except Exception as e:
            problem = problem or e
    raise problem


settings = {}
try:
    import pip as _
except ImportError:
    pass
else:
    settings = first(parsed, printed)
    settings["builtin"] = first(builtin, helped)
    settings["certifi"] = first(certifi, lambda: None)

try:
    import ssl

    paths = ssl.get_default_verify_paths()
    settings["cafile"], settings["capath"] = paths.cafile, paths.capath
except ImportError:
    pass

json.dump(settings, out)
out.close()
