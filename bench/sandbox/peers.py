#!/usr/bin/env python3
"""How many programs of the escape suite are contained by us, by bubblewrap and by nothing.

peers.py SANDBOX_TEST: runs the controls of the suite (tests/sandbox/escape_test.cpp) under each peer, and our own side
as the test has it, and prints a table. What has no control is left out everywhere, so that all are measured on the
same programs; known holes are counted for all.
"""
import collections
import os
import re
import subprocess
import sys

BWRAP = ("bwrap --unshare-all --die-with-parent --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp "
         "--bind {workspace} {workspace} --chdir {workspace}")


def run(test, filter, environment):
    return subprocess.run([test, "--gtest_filter=" + filter], env={**os.environ, **environment}, text=True,
                          errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout


def under(test, command):
    text = run(test, "*EscapeControl*", {"TESSERA_ESCAPE_PEER": command})
    return dict(re.findall(r"^peer (\S+) (contained|escaped)", text, re.M)), text


def ours(test):
    text = run(test, "*EscapeInside*", {})
    found = {}
    for result, name in re.findall(r"^\[ +(OK|FAILED|SKIPPED) +\] \S*IsContained/(\w+)", text, re.M):
        found[name] = "contained" if result == "OK" else "escaped"
    return found


def main():
    test = sys.argv[1]
    bare, _ = under(test, "env")
    bubblewrap, text = under(test, BWRAP)
    if "-v" in sys.argv:
        print(text)
    here = ours(test)
    groups = collections.OrderedDict()
    for name in bare:
        groups.setdefault(name.split("/")[0], []).append(name)
    print(f"{'group':12} {'programs':>8} {'ours':>6} {'bubblewrap':>10} {'none':>6}")
    total = [0, 0, 0, 0]
    for group, names in groups.items():
        row = [len(names), sum(here.get(n.replace("/", "_", 1)) == "contained" for n in names),
               sum(bubblewrap.get(n) == "contained" for n in names), sum(bare[n] == "contained" for n in names)]
        total = [a + b for a, b in zip(total, row)]
        print(f"{group:12} {row[0]:8} {row[1]:6} {row[2]:10} {row[3]:6}")
    print(f"{'all':12} {total[0]:8} {total[1]:6} {total[2]:10} {total[3]:6}")


main()
