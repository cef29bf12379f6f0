# Compiles modules to hash-based bytecode files (PEP 552).
#
# Arguments: the number of processes, the flags of the bytecode files, and three directories: where the sources are, where the image
# will have them, and where the bytecode files go. Standard input has the chunks: the paths of the modules relative to the first
# directory, each ended by a NUL, and a NUL after each chunk.
#
# Each chunk is compiled by a process that was forked from this one and compiled nothing before: what a string is shared with
# decides about bytes in the result, and which strings exist depends on what was compiled earlier. So the chunks alone
# decide about the bytes, and not how many processes there are or which of them is faster.
import sys

sys.path = [p for p in sys.path if p]

import gc
import importlib.util
import marshal
import os
import signal
import warnings

jobs, flags = int(sys.argv[1]), int(sys.argv[2]).to_bytes(4, "little")
source, image, out = (os.fsencode(arg) for arg in sys.argv[3:6])
header = importlib.util.MAGIC_NUMBER + flags
tag = os.fsencode(sys.implementation.cache_tag)
source_hash = importlib.util.source_hash


def target(path):
    directory, name = os.path.split(path)
    return os.path.join(out, directory, b"__pycache__", name[: -len(b".py")] + b"." + tag + b".pyc")


def compile_module(path):
    with open(os.path.join(source, path), "rb") as f:
        text = f.read()
    name = os.fsdecode(os.path.join(image, path))
    try:
        code = compile(text, name, "exec", dont_inherit=True, optimize=0)
        data = header + source_hash(text) + marshal.dumps(code)
    except Exception:
        return  # not for this Python: a template, a test of syntax errors
    pyc = target(path)
    os.makedirs(os.path.dirname(pyc), exist_ok=True)
    with open(pyc, "wb") as f:
        os.fchmod(f.fileno(), 0o644)
        f.write(data)


def fork(chunk):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        for path in chunk:
            compile_module(path)
        status = 0
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode("utf-8", "replace"))
    finally:
        os._exit(status)


# A module can bring the compiler down, by nesting too deeply for the stack. Then the modules of its chunk are compiled
# one by one, and only that one has no bytecode. A process that was killed says nothing about its module.
crashes = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL}


def main():
    chunks = [c.split(b"\0") for c in sys.stdin.buffer.read().split(b"\0\0") if c]
    chunks.reverse()
    running = {}
    while chunks or running:
        if chunks and len(running) < jobs:
            chunk = chunks.pop()
            running[fork(chunk)] = chunk
            continue
        pid, status = os.wait()
        chunk = running.pop(pid)
        if status == 0:
            continue
        if not os.WIFSIGNALED(status):
            sys.exit(1)
        if os.WTERMSIG(status) not in crashes:
            sys.exit(f"a compiler process was ended by signal {os.WTERMSIG(status)}: is there enough memory?")
        if len(chunk) > 1:
            chunks.extend([path] for path in reversed(chunk))


os.umask(0o022)
warnings.simplefilter("ignore")
# The objects that exist now are those of every process; nothing that is made later lives longer than its module.
gc.disable()
gc.freeze()
main()
