"""Opens files through the open descriptors of other processes in /proc/PID/fd."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

import stat

for pid in filter(str.isdigit, os.listdir("/proc")):
    # Not its own, nor one that a control could hold up: only regular files are opened.
    try:
        names = [] if int(pid) == os.getpid() else os.listdir(f"/proc/{pid}/fd")
    except OSError:
        continue
    for name in names:
        path = f"/proc/{pid}/fd/{name}"
        try:
            if stat.S_ISREG(os.stat(path).st_mode) and os.stat(path).st_size < 4096 and reads_secret(path):
                escaped("an open file of process " + ("VICTIM" if pid == given("VICTIM") else "other"))
        except OSError:
            pass
judge()
