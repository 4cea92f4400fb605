"""Opens the tree of control groups for writing, to leave its limits."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

for folder, folders, files in os.walk("/sys/fs/cgroup"):
    if folder.count("/") > 5:
        folders.clear()
    if "cgroup.procs" in files and attempt("cgroup.procs", lambda: os.close(os.open(folder + "/cgroup.procs", os.O_WRONLY))):
        break
attempt("a mounted tree", lambda: os.path.exists("/sys/fs/cgroup/cgroup.procs") or os.path.exists("/sys/fs/cgroup/memory"))
judge()
