"""Prints the version of the distribution."""

from importlib.metadata import version


def main() -> None:
    print(version("versioned"))
