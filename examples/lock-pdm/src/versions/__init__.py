"""Prints the packages that are installed beside it."""

from importlib.metadata import distributions

import click
import jinja2
import markupsafe._speedups  # the compiled part: without it markupsafe would be slow, and nobody would be told

PAGE = jinja2.Template("""\
{% for name, version in packages %}
{{ name }} {{ version }}
{% endfor %}
""", trim_blocks=True)


@click.command()
def main() -> None:
    packages = sorted((d.name.lower(), d.version) for d in distributions())
    click.echo(PAGE.render(packages=packages), nl=False)
