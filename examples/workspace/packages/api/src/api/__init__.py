"""Prints the packages that are installed beside it."""

from importlib.metadata import distributions

import click
import core
import shared


@click.command()
def main() -> None:
    packages = sorted((d.name.lower(), d.version) for d in distributions())
    click.echo(core.page([shared.line(name, version) for name, version in packages]), nl=False)
