

# Runs pip. Arguments: the directory of the package, and those of pip. The file that PYFILE_CA names holds certificates which pip trusts besides
# those that it is configured for, or else carries.
import os
import runpy
import tempfile
import uuid

# pip builds a source in a directory that has such a name, too.
numbers = itertools.count()
uuid.uuid4 = lambda: uuid.UUID(int=next(numbers))

del sys.argv[0]

authority = os.environ.pop("PYFILE_CA", "")
if os.path.exists(authority):
    sys.path.insert(0, os.path.dirname(sys.argv[0]))
    from pip._internal.commands import create_command
    from pip._vendor.certifi import where

    with tempfile.NamedTemporaryFile("wb", suffix=".pem", delete=False) as bundle:
        for name in (create_command("install").parse_args(["x"])[0].cert or where(), authority):
            with open(name, "rb") as file:
                bundle.write(file.read() + b"\n")
    # requests asks the second before it asks pip.
    os.environ["PIP_CERT"] = os.environ["REQUESTS_CA_BUNDLE"] = bundle.name
    for name in [m for m in sys.modules if m == "pip" or m.startswith("pip.")]:
        del sys.modules[name]
    del sys.path[0]

runpy.run_path(sys.argv[0], run_name="__main__")
