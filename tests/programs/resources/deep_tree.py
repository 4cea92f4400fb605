"""A folder tree 1500 levels deep, past PATH_MAX, to break whoever walks the workspace."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

depth = 0
try:
    for depth in range(1500):
        os.mkdir("level")
        os.chdir("level")
    print("made it")
except OSError:
    print("could not")
