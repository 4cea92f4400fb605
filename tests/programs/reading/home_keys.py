"""Reads the keys in the home of the user."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *

for home in {given("USER_HOME"), os.path.expanduser("~"), os.environ.get("HOME", "/"), "/root"}:
    for name in [".ssh/id_ed25519", ".aws/credentials"]:
        attempt("~/" + name, lambda: reads_secret(f"{home}/{name}"))
judge()
