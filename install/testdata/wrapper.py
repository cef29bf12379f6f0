#!/opt/venv/bin/python
import sys

from demo.cli import App

if __name__ == "__main__":
    for ending in (".exe", "-script.pyw"):
        if sys.argv[0].endswith(ending):
            sys.argv[0] = sys.argv[0][: -len(ending)]
    sys.exit(App.run())
