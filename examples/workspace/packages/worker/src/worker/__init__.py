"""Prints a table."""

import core
import pandas as pd


def main() -> None:
    table = pd.DataFrame({"n": range(3)})
    print(core.page(table.to_string().splitlines()), end="")
