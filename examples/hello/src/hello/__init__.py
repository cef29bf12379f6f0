"""The smallest example of a Pyfile."""

import os
import sys


def main() -> None:
    print(f"hello from Python {sys.version_info.major}.{sys.version_info.minor} as user {os.getuid()}")
