# Says for every project directory of the JSON list on standard input whether its lock fits its pyproject.toml. This is what
# "poetry check --lock" and "poetry install" ask.
import json
import sys
from pathlib import Path

from poetry.factory import Factory

json.dump([Factory().create_poetry(Path(d)).locker.is_fresh() for d in json.load(sys.stdin)], sys.stdout)
