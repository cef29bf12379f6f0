"""Prints fingerprints of texts."""

import sys

from fingerprint._sodium import blake2b


def main() -> None:
    for text in sys.argv[1:] or ["hello"]:
        print(blake2b(text.encode()).hex())
