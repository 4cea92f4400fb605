"""Connects to an abstract Unix socket of a host process."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

import socket


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)


attempt("connect", lambda: connect("\0" + given("ABSTRACT")))
judge()
