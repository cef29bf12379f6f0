"""Greets the one who runs it."""

import getpass

from greeting import greet


def main() -> None:
    print(greet(getpass.getuser()))
