"""Makes 10000 empty files."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

made = 0
try:
    os.mkdir("many")
    for n in range(10000):
        os.close(os.open(f"many/{n}", os.O_CREAT | os.O_WRONLY, 0o644))
        made += 1
except OSError:
    pass
if made == 10000:
    escaped("10000 files")
judge()
