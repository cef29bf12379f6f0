# Asks pdm whether its lock fits other texts of the pyproject.toml: a list of texts on standard input, a list of booleans on standard
# output, true where "pdm lock --check" fails.
import json
import sys
from pathlib import Path

from pdm.cli.actions import check_lockfile
from pdm.core import Core
from pdm.exceptions import PdmException

answers = []
for text in json.load(sys.stdin):
    Path("pyproject.toml").write_text(text)
    try:
        answers.append(check_lockfile(Core().create_project(".")) is not None)
    except PdmException:
        answers.append(True)
json.dump(answers, sys.stdout)
