"""Reads the victim's memory through /proc/PID/mem."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *



def read():
    with open(f"/proc/{given('VICTIM')}/mem", "rb", buffering=0) as memory:
        memory.seek(int(given("ADDRESS"), 16))
        return b"TESSERA-SECRET" in memory.read(64)


attempt("/proc/PID/mem", read)
attempt("/proc/PID/maps", lambda: len(open(f"/proc/{given('VICTIM')}/maps").read()) > 0)
judge()
