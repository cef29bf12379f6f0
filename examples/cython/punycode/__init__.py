"""Prints the names of the Domain Name System for names in any script."""

import click

from punycode.idn import ascii_name


@click.command()
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    for name in names or ["bücher.example", "παράδειγμα.example"]:
        click.echo(ascii_name(name))
