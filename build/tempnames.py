import sys

# Modules of the working directory, which may be a source, must not stand for Python's.
sys.path = [p for p in sys.path if p]

import itertools
import tempfile


class Names:
    # Names of temporary files. The usual ones are random, and end up in what compilers and linkers write.
    def __init__(self):
        self.numbers = itertools.count()

    def __iter__(self):
        return self

    def __next__(self):
        return "%08d" % next(self.numbers)


tempfile._name_sequence = Names()
