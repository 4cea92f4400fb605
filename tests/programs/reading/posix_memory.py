"""Reads the POSIX shared memory of a host process in /dev/shm."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

attempt("/dev/shm", lambda: reads_secret("/dev/shm/" + given("SHM_NAME")))
for name in os.listdir("/dev/shm"):
    if name == given("SHM_NAME"):
        escaped("its name can be seen")
judge()
