# Prints what an interpreter has for installing packages, as JSON.
import glob
import json
import os
import sys

found = {"python": "%d.%d.%d" % sys.version_info[:3]}
try:
    import venv
except ImportError:
    pass
else:
    found["venv"] = True
try:
    import pip

    found["pip"], found["version"] = os.path.dirname(os.path.abspath(pip.__file__)), pip.__version__
except ImportError:
    # The wheel that ensurepip would install; distributions keep it in a directory of their own.
    try:
        import ensurepip
        import sysconfig

        directories = [
            os.path.join(os.path.dirname(ensurepip.__file__), "_bundled"),
            getattr(ensurepip, "_WHEEL_PKG_DIR", None) or sysconfig.get_config_var("WHEEL_PKG_DIR"),
            "/usr/share/python-wheels",
        ]
        found["wheels"] = [w for d in directories if d for w in sorted(glob.glob(os.path.join(d, "pip-*.whl")))]
    except ImportError:
        pass
print(json.dumps(found))
