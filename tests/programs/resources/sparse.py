"""Makes sparse files of 1 and 2 TB in the workspace, for a later copy to fill the disk."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

import signal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
fd = os.open("sparse", os.O_CREAT | os.O_RDWR, 0o644)
attempt("ftruncate to 2 TB", lambda: os.truncate(fd, 2 << 40))
os.truncate(fd, 0)
attempt("a byte at 1 TB", lambda: os.pwrite(fd, b"x", 1 << 40))
attempt("posix_fallocate of 1 TB", lambda: os.environ.get("CONTROL") != "1" and os.posix_fallocate(fd, 0, 1 << 40))
judge()
