"""Connects to a service of the host whose Unix socket lies inside the workspace."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

import socket


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)




def send_datagram():
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", "datagram.sock")


attempt("connect", lambda: connect("service.sock"))
attempt("sendto", send_datagram)
judge()
