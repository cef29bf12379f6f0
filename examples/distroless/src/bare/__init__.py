"""Says which programs are not there."""

from shutil import which

import jinja2
import markupsafe._speedups  # the compiled part

PAGE = jinja2.Template("{% for program in programs %}no {{ program }}\n{% endfor %}", keep_trailing_newline=True)


def main() -> None:
    print(PAGE.render(programs=[p for p in ("sh", "bash", "apt-get", "pip") if not which(p)]), end="")
