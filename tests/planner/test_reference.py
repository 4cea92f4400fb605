#!/usr/bin/env python3
"""The reference scripts, run by the real worker: the agent's grammar spells them and its watch lets them through, the judges take them, and no judge takes
another request's result of the same workspace. argv: tessera-worker, reply-check."""
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "recipes")]

from checks import declines  # noqa: E402
from reference import REFERENCE  # noqa: E402
from requests import REQUESTS, TABLES  # noqa: E402
from worker import Worker  # noqa: E402


def script_of(request):
    found = [s for start, s in REFERENCE.items() if request.startswith(start)]
    assert len(found) == 1, f"{request}: {len(found)} references"
    return found[0]


def main():
    worker = Worker(sys.argv[1])
    lines, bad, crossed, done = [], [], [], 0
    for name, level, request, judge in REQUESTS:
        if judge is declines:
            continue
        worker.fill({p: (t if isinstance(t, bytes) else t.encode(), 1_700_000_000) for p, t in TABLES[name].items()})
        profiles = worker.profiles(sorted(TABLES[name]))
        script = script_of(request)
        events = worker.ask({"mode": "lua", "script": script, "seed": 1, "own": True})
        error = next((e["message"] for e in events if e["type"] == "error"), None)
        result = {"status": "ok" if error is None else "error", "answer": "\n".join(e["text"] for e in events if e["type"] == "print"),
                  "charts": [{"path": e["path"], "spec": e["spec"]} for e in events if e["type"] == "chart"]}
        done += 1
        if not judge(result, worker.folder):
            bad.append(f"{name}: {request}: {error or result['answer']}")
        crossed += [f"{r} | {request}" for n, _, r, other in REQUESTS if n == name and r != request and other is not declines and other(result, worker.folder)]
        files = [{"path": p, "columns": profiles[p].get("columns", [])} for p in sorted(profiles)]
        lines.append(json.dumps({"files": files, "first": [], "next": [f"<48>call:run_lua{{code:<52>{script}<52>}}<49><50>"], "wrong": [], "answers": []}))
    worker.close()
    spelled = subprocess.run([sys.argv[2]], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True).stdout.splitlines()
    bad += [p for p in spelled if p]
    assert len(spelled) == done and not bad, "\n".join(bad)
    assert not crossed, "judges that take the result of another request:\n" + "\n".join(crossed)
    print(f"{done} references are spelled by the grammar and taken by their judges")


if __name__ == "__main__":
    main()
