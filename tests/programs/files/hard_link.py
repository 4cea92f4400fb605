"""Hard-links an outside file into the workspace and writes through the link."""
import sys

sys.path.insert(0, sys.path[0] + "/..")
from escape import *



def through_link():
    os.link(given("OUTSIDE") + "/kept.txt", "hard")
    with open("hard", "a") as file:
        file.write("more\n")


attempt("a hard link", through_link)
attempt("a hard link to the secret", lambda: os.link(given("SECRET"), "hard-secret") or reads_secret("hard-secret"))
judge()
