"""The company's build backend (PEP 517): packs the one module of a project, and says in it who did. It refuses to work where it sees a password."""

import base64
import glob
import hashlib
import os
import zipfile


def passwords():
    """Where one can be read in a build. Outside of it, as where a lock is made, uv may have it."""
    for file in glob.glob("/run/pyfile/secrets/company*") + glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(file, "rb") as f:
                if b"c4n4ry" in f.read():
                    yield file
        except OSError:
            pass


def line(file, text):
    sum = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    return f"{file},sha256={sum},{len(text.encode())}\n"


def build_wheel(directory, config_settings=None, metadata_directory=None):
    if os.path.isdir("/run/pyfile") and (seen := list(passwords())):
        raise SystemExit(f"the password is in {seen}")
    with open("PKG-INFO") as f:
        metadata = f.read()
    fields = dict(line.split(": ", 1) for line in metadata.splitlines())
    name, version = fields["Name"].replace("-", "_"), fields["Version"]
    with open(name + ".py") as f:
        module = f.read().replace("built_with = None", 'built_with = "acme-backend 1.0"' if name == "acme_tax" else "built_with = None")
    info = f"{name}-{version}.dist-info/"
    wheel = "Wheel-Version: 1.0\nGenerator: acme-backend\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {name + ".py": module, info + "METADATA": metadata, info + "WHEEL": wheel}
    record = "".join(line(*file) for file in files.items()) + info + "RECORD,,\n"
    with zipfile.ZipFile(os.path.join(directory, f"{name}-{version}-py3-none-any.whl"), "w") as z:
        for file, text in {**files, info + "RECORD": record}.items():
            z.writestr(file, text)
    return f"{name}-{version}-py3-none-any.whl"
