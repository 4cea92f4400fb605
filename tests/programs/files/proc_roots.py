"""Goes through the roots and working folders that /proc shows, of the first process, itself and the victim."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

outside, victim = given("OUTSIDE"), given("VICTIM")
for n, root in enumerate(["/proc/1/root", "/proc/self/root", "/proc/thread-self/root", f"/proc/{victim}/root",
                          f"/proc/{os.getppid()}/root"]):
    attempt(root.replace(victim, "VICTIM") if n == 3 else root if n < 4 else "the parent's root",
            lambda: plant(f"{root}{outside}/planted-{n}"))
attempt("the victim's cwd", lambda: plant(f"/proc/{victim}/cwd/planted"))
attempt("the parent's cwd", lambda: plant(f"/proc/{os.getppid()}/cwd/../outside/planted-cwd"))
judge()
