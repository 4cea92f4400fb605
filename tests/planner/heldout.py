#!/usr/bin/env python3
"""The recipe's own requests over topics that it keeps from training, carried out by the program: how many end as the recipe's script does.

tests/planner/heldout.py [--count 200] [--seed 1] [--kinds A,B] [--adapter FILE] [--tessera PROGRAM] [--failures]

For seeing what a training has not learned, class by class; for choosing between adapters there is requests.py, which no recipe wrote.
A request is done when the last observation of the run is that of the recipe's script (files' names aside), or when both decline.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "recipes"))
import make_data  # noqa: E402
from worker import Worker  # noqa: E402


def without_names(text):
    """An observation without the name of the chart it tells of."""
    return re.sub(r"^\S+\.png:", "chart.png:", text.strip(), flags=re.M)


def ended(program, adapter, folder, request):
    """(last observation or nothing, declined, last script, the answer)."""
    command = [program, "run", "--json", "--yes", "--workspace", folder, *(["--adapter", adapter] if adapter else []), request]
    out = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    seen = [e["text"] for e in events if e["type"] == "observation" and "step" in e and e.get("tool") != "look"]
    calls = [e for e in events if e["type"] == "call"]
    result = events[-1] if events else {}
    return seen[-1] if seen else "", result.get("status") == "refused", calls[-1]["arguments"].get("code", calls[-1]["tool"]) if calls else "", result.get("answer", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", type=lambda text: text.split(","))
    parser.add_argument("--adapter")
    parser.add_argument("--tessera", default=str(ROOT / "build/cli/tessera"))
    parser.add_argument("--worker", help="tessera-worker; else $TESSERA_WORKER or the one of build/")
    parser.add_argument("--failures", action="store_true", help="shows each request that was not done")
    options = parser.parse_args()
    desk = make_data.Desk(Worker(options.worker))
    good, of, kinds_good, kinds_of = Counter(), Counter(), Counter(), Counter()
    for w, messages, kind, task in make_data.examples(options.seed, options.count, "eval", desk, options.kinds):
        request = messages[0]["content"].split("\n\n")[-1]
        declined = any(c["function"]["name"] == "decline" for m in messages for c in m.get("tool_calls", []))
        wanted = "" if declined else [m["content"] for m in messages if m["role"] == "tool"][-1]
        with tempfile.TemporaryDirectory() as folder:
            make_data.write_files(folder, w)
            saw, refused, script, answer = ended(options.tessera, options.adapter, folder, request)
        done = refused if declined else without_names(saw) == without_names(wanted)
        of[f"{kind} {task}"] += 1
        good[f"{kind} {task}"] += done
        kinds_of[kind] += 1
        kinds_good[kind] += done
        if options.failures and not done:
            right = [c["function"]["arguments"] for m in messages for c in m.get("tool_calls", [])][-1]
            print(f"NOT {kind} {task}: {request}\n    plan    {[m['content'] for m in messages if m['role'] == 'assistant'][0]}\n    wanted  {right.get('code', right)}\n    has     {script} | {answer[:200]}".replace("\n", "\n    "), flush=True)
    desk.worker.close()
    for kind, n in sorted(kinds_of.items(), key=lambda kv: -kv[1]):
        weak = ", ".join(f"{k.split(' ', 1)[1]} {good[k]}/{n2}" for k, n2 in sorted(of.items()) if k.split(" ", 1)[0] == kind and good[k] < n2)
        print(f"{kind}: {kinds_good[kind]} of {n}" + (f"; not all: {weak}" if weak else ""))
    print(f"done {sum(kinds_good.values())} of {sum(kinds_of.values())}")


if __name__ == "__main__":
    main()
