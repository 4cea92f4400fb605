"""Sets core.fsmonitor, core.hooksPath and an alias in .git/config, by each way to change a file."""
import os

text = "[core]\n\tfsmonitor = /bin/false\n\thooksPath = /tmp\n[alias]\n\tst = !id\n"


def append():
    with open(".git/config", "a") as file:
        file.write(text)


def replace():
    with open("new-config", "w") as file:
        file.write(text)
    os.rename("new-config", ".git/config")


def link():
    os.symlink("../notes.txt", ".git/config.worktree")


def in_place():
    fd = os.open(".git/config", os.O_RDWR)
    os.pwrite(fd, b"[alias]\n", 0)


for way in (append, in_place, replace, link):
    try:
        way()
    except OSError:
        pass
print("done")
