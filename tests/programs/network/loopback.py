"""Connects to a TCP listener on 127.0.0.1 of the host."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

import socket

for address in ("127.0.0.1", "127.0.0.2", "0.0.0.0"):
    attempt("connect to " + address, lambda: socket.create_connection((address, int(given("TCP4"))), 2))
judge()
