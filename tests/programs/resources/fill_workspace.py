"""fill_workspace FILES: writes 300 MB into the workspace, in that many files."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

files = int(sys.argv[1])
block = bytes(1 << 20)
try:
    for n in range(files):
        with open(f"big-{n}", "wb", buffering=0) as file:
            for _ in range(300 // files):
                file.write(block)
    escaped("300 MB")
except OSError:
    pass
judge()
