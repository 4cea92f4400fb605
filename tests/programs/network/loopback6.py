"""Connects to a TCP listener on ::1 of the host."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

import socket

attempt("connect to ::1", lambda: socket.create_connection(("::1", int(given("TCP6"))), 2))
judge()
