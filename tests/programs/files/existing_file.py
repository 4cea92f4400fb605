"""Overwrites, appends to, renames and deletes an existing file outside."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

file = given("OUTSIDE") + "/kept.txt"


def append():
    with open(file, "a") as f:
        f.write("more\n")


attempt("append", append)
attempt("overwrite", lambda: os.write(os.open(file, os.O_WRONLY | os.O_TRUNC), b"new\n"))
attempt("truncate", lambda: os.truncate(file, 0))
attempt("change the mode", lambda: os.chmod(file, 0o777))
attempt("rename", lambda: os.rename(file, file + ".moved"))
attempt("delete", lambda: os.unlink(file + ".moved"))
attempt("delete", lambda: os.unlink(file))
judge()
