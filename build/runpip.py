

# Runs pip. Arguments: the directory of the package, and those of pip.
import runpy
import uuid

# pip builds a source in a directory that has such a name, too.
numbers = itertools.count()
uuid.uuid4 = lambda: uuid.UUID(int=next(numbers))

del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
