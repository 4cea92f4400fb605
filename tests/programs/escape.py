"""For the programs of the escape suite in Python: escaped(WHAT) for each way that worked, judge() at the end."""
import os
import sys

worked = []


def escaped(what):
    print("escaped:", what, flush=True)
    worked.append(what)


def judge():
    if not worked:
        print("contained", flush=True)
    sys.exit(10 if worked else 0)


def given(name):
    return os.environ[name]


def attempt(what, action):
    """Whether `action` ran without an error and did not answer False; what it answers otherwise does not matter."""
    try:
        if action() is False:
            return False
    except (OSError, ValueError, AttributeError):
        return False
    escaped(what)
    return True


def plant(path):
    with open(path, "w") as file:
        file.write("planted\n")


def reads_secret(path):
    with open(path, "rb") as file:
        return b"TESSERA-SECRET" in file.read(65536)
