#!/usr/bin/env python3
"""`tessera batch` and `tessera watch` from outside, by a model behind our own server. argv: the program, the scripted server."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server" / "clients"))
from scripted import END, WAIT, Server, call  # noqa: E402

TESSERA, SCRIPTED = (str(Path(argument).resolve()) for argument in sys.argv[1:3])
TASKS = 200
RULES = [
    {"when": "count the shops", "reply": "There are two shops." + END, "times": 9999},
    {"when": "copy", "reply": call("write_file", path="copies/done.txt", text="done\n") + WAIT, "times": 9},
    {"when": "made copies/done.txt", "reply": "It is copied." + END, "times": 9},
    {"when": "had that content already", "reply": "It is copied." + END, "times": 9},
    {"when": "weather", "reply": call("decline", reason="There is no weather here.") + WAIT, "times": 9},
]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def main():
    with tempfile.TemporaryDirectory() as name, Server(SCRIPTED, name, RULES) as server:
        top = Path(name)
        environment = dict(os.environ, XDG_STATE_HOME=str(top / "state"))
        asked = ["--endpoint", f"http://127.0.0.1:{server.port}"]
        work = top / "work"
        work.mkdir()
        (work / "sales.csv").write_text("shop,amount\nBern,120.5\nChur,80\n")

        def start(*words):
            return subprocess.Popen([TESSERA, *map(str, words), *asked], cwd=top, env=environment, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

        def tessera(*words, code=0):
            process = start(*words)
            out, told = process.communicate(timeout=300)
            assert process.returncode == code, (words, process.returncode, out[-2000:], told[-2000:])
            return out, told

        # Bad lines are named, all at once, and nothing is run.
        bad = top / "bad.jsonl"
        bad.write_text('{"id":"a","request":"count the shops"}\nno JSON\n{"id":"b"}\n{"id":"a","request":"x"}\n'
                       '{"id":"c","request":"x","workspace":"nowhere"}\n{"id":"d","request":"x","policy":"nope"}\n{"id":"e","request":"x","more":1}\n'
                       '{"request":"x"}\n')
        _, told = tessera("batch", bad, "--workspace", work, code=2)
        assert [f"bad.jsonl:{n}: " in told for n in range(1, 9)] == [False] + [True] * 7, told
        assert "the id a is that of line 1" in told and not lines(server.log_path), told

        # Killed in the middle; then the same command does the rest.
        tasks, out = top / "tasks.jsonl", top / "tasks.results.jsonl"
        tasks.write_text("".join(json.dumps({"id": f"t{i}", "request": f"count the shops, {i}", "workspace": "work"}) + "\n" for i in range(TASKS)))
        began = time.monotonic()
        process = start("batch", tasks, "--jobs", 3)
        until(lambda: len(lines(out)) >= TASKS // 3)
        process.kill()
        process.communicate()
        first = {line["id"] for line in lines(out)}
        assert TASKS // 3 <= len(first) < TASKS, len(first)
        with out.open("a") as file:
            file.write('{"id":"t19')  # as a process leaves it that is killed while it writes
        _, told = tessera("batch", tasks, "--jobs", 3)
        results = lines(out)
        assert sorted(r["id"] for r in results) == sorted(f"t{i}" for i in range(TASKS)), len(results)
        assert all(r["status"] == "ok" and r["answer"] == "There are two shops." and r["session"] for r in results), results
        assert f"{TASKS} of {TASKS}: " in told, told[-300:]
        assert len({r["session"] for r in results}) == TASKS
        print(f"{TASKS} tasks, killed once: {time.monotonic() - began:.1f} s")
        n_asked = len(server.requests())
        assert tessera("batch", tasks, "--jobs", 3)[1] == "" and len(server.requests()) == n_asked, "what is done was done again"
        sessions = json.loads(subprocess.run([TESSERA, "sessions", "--json"], env=environment, capture_output=True, check=True).stdout)
        assert len(sessions) == TASKS and {s["status"] for s in sessions} == {"ok"}, "a task that was interrupted began anew"

        # What is refused has its line, too, and the exit code says that not all went well.
        (top / "few.jsonl").write_text('{"id":"x","request":"weather?"}\n{"id":"y","request":"count the shops"}\n')
        printed, _ = tessera("batch", top / "few.jsonl", "--workspace", work, "--out", "-", code=6)
        assert {r["id"]: r["status"] for r in map(json.loads, printed.splitlines())} == {"x": "refused", "y": "ok"}, printed

        # A folder that is watched: each new file once, when it is whole, and none that a run made.
        inbox, results = top / "inbox", top / "inbox.jsonl"
        (inbox / "sub").mkdir(parents=True)
        (inbox / "old.csv").write_text("a\n1\n")
        process = start("watch", inbox, "--task", "copy {file}", "--settle-ms", 300, "--out", results)
        assert process.stderr.readline().startswith("asking")
        assert process.stderr.readline().startswith("watching")
        with (inbox / "sub" / "new.csv").open("w") as file:
            for i in range(6):  # slowly, so that it must be waited for
                file.write(f"{i}\n")
                file.flush()
                time.sleep(0.15)
                assert not lines(results), "it was not whole yet"
        until(lambda: lines(results))
        (inbox / ".hidden.csv").write_text("a\n")
        (inbox / "late").mkdir()
        (inbox / "late" / "late.csv").write_text("a\n2\n")
        until(lambda: len(lines(results)) == 2)
        time.sleep(0.8)
        process.send_signal(signal.SIGTERM)
        out_text, told = process.communicate(timeout=20)
        assert process.returncode == 0, (process.returncode, told)
        assert [(r["id"], r["status"]) for r in lines(results)] == [("sub/new.csv", "ok"), ("late/late.csv", "ok")], lines(results)
        assert (inbox / "copies" / "done.txt").read_text() == "done\n"
        requests = [r["messages"][-1]["text"] for r in server.requests() if r["messages"][-1]["role"] == "user"]
        assert any("copy sub/new.csv" in text for text in requests), requests[-3:]
        # What came while nobody watched.
        process = start("watch", inbox, "--task", "copy {file}", "--settle-ms", 50, "--out", results, "--existing")
        until(lambda: {r["id"] for r in lines(results)} >= {"old.csv"})
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        assert process.returncode == 0


main()
