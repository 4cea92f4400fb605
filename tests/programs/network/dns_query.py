"""Sends the data inside a DNS query over UDP to a resolver on 127.0.0.1."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

import socket
import struct

query = struct.pack("!6H", 0x7E55, 0x0100, 1, 0, 0, 0) + b"\x06stolen\x07example\x00" + struct.pack("!2H", 1, 1)


def send():
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return udp.sendto(query, ("127.0.0.1", int(given("UDP")))) == len(query)


attempt("sendto", send)
judge()
