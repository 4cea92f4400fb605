"""Connects to Unix sockets outside the workspace: docker, ssh-agent, D-Bus, also through $SSH_AUTH_SOCK."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

import socket


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)


for path in (given("SOCKET_OUTSIDE"), os.environ.get("SSH_AUTH_SOCK", ""), "../outside/service.sock",
             "/var/run/docker.sock", "/run/dbus/system_bus_socket", "/run/systemd/private", "/dev/log"):
    if path:
        attempt("a socket of the host" if path.startswith("/") else "a socket beside", lambda: connect(path))
judge()
