"""Quotes a text for HTML, with a module in C, and says for which C library that was made."""

from sysconfig import get_config_var

from markupsafe import _speedups, escape


def main() -> None:
    print(escape("<musl>"), _speedups.__file__.endswith("-musl.so"), get_config_var("SOABI"))
