"""Lists the processes of the host."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

import subprocess

for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/comm") as file:
            if file.read() == "tessera-victim\n":
                escaped("/proc shows the victim")
    except OSError:
        pass
try:
    if "tessera-victim" in subprocess.run(["ps", "-e"], capture_output=True, text=True).stdout:
        escaped("ps shows the victim")
except OSError:
    pass
judge()
