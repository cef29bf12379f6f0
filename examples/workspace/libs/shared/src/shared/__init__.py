"""How a package is written."""


def line(name: str, version: str) -> str:
    return f"{name} {version}"
