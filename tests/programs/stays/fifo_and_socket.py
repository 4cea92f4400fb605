"""Leaves a FIFO and a socket in the workspace, to hang whoever reads the tree later."""
import os
import socket
import stat


def bind():
    socket.socket(socket.AF_UNIX).bind("socket")


for way in (lambda: os.mkfifo("fifo"), lambda: os.mknod("fifo-2", stat.S_IFIFO | 0o600),
            lambda: os.mknod("socket-2", stat.S_IFSOCK | 0o600), bind):
    try:
        way()
    except OSError:
        pass
print("done")
