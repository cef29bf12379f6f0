"""Prints how often each word is in a text."""

import sys

from wordcount._native import count


def main() -> None:
    text = " ".join(sys.argv[1:]) or "to be or not to be"
    print(*(f"{word}={n}" for word, n in sorted(count(text).items())))
