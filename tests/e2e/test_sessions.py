#!/usr/bin/env python3
"""`tessera sessions` and `run --continue` from outside, by a model behind our own server that says what a list tells it to: a
run that is killed and resumed ends as one that was left alone. argv: the program, the scripted server."""
import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server" / "clients"))
from run_schema import check  # noqa: E402
from scripted import END, WAIT, Server, call, check_history  # noqa: E402

TESSERA, SCRIPTED = (str(Path(argument).resolve()) for argument in sys.argv[1:3])
CHART = 'chart.bar(data.read("sales.csv"):group("shop"):sum("amount"), {x = "shop", y = "amount", save = "sales.png"})'
SLOW = {"times": 99, "delay_ms": 15}  # a piece of five bytes: time to be killed in
QUICK = {"times": 99, "delay_ms": 5}
RULES = [
    # Calls side by side, a sub-task that writes and reads, an edit.
    {"when": "look widely", "reply": "I look." + call("read_file", path="sales.csv") + call("profile", path="sales.csv")
        + call("find_files", glob="*.csv") + WAIT, **QUICK},
    {"when": "40 bytes  2", "reply": call("task", request="list the towns apart") + WAIT, **QUICK},
    {"when": "list the towns apart", "reply": call("write_file", path="towns.txt", text="Bern\nChur\n") + WAIT, **QUICK},
    {"when": "made towns.txt", "reply": "I read both." + call("read_file", path="towns.txt") + call("read_file", path="sales.csv") + WAIT, **QUICK},
    {"when": "sales.csv: UTF-8 text", "reply": "The towns are Bern and Chur." + END, **QUICK},
    {"when": "The towns are Bern", "reply": call("edit_file", path="towns.txt", old="Chur", new="Chur.") + WAIT, **QUICK},
    {"when": "+Chur.", "reply": "towns.txt lists Bern and Chur." + END, **QUICK},
    {"when": "draw and note", "reply": "I draw it first." + call("run_lua", code=CHART) + WAIT, **SLOW},
    {"when": "pictures of the results above", "reply": call("write_file", path="note.txt", text="Bern 320.5\n") + WAIT, **SLOW},
    {"when": "made note.txt, 11 bytes", "reply": call("edit_file", path="note.txt", old="Bern", new="Bern and Bern") + WAIT, **SLOW},
    {"when": "+Bern and Bern", "reply": "It is drawn and noted; Bern has 320.5." + END, **SLOW},
    {"when": "and Chur?", "reply": "You asked for Bern: 320.5." + END, "times": 9},
    {"when": "hello", "reply": "Hello." + END, "times": 9},
    {"when": "stall", "reply": "Wait." + call("run_lua", code="print(1)") + WAIT, "times": 9, "delay_ms": 150},
    {"when": "1", "reply": "It is 1." + END, "times": 9},
    {"when": "error: ", "reply": "It failed." + END, "times": 9},
]


def files(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir() if p.is_file()}


def without_tokens(events):
    return re.sub(r'"(prompt|completion)_tokens":[0-9]+', "", events)


def descendants(pid):
    found = []
    for child in Path(f"/proc/{pid}/task").glob("*/children"):
        for one in child.read_text().split():
            found += [int(one)] + descendants(int(one))
    return found


def main():
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        database = top / "state" / "tessera" / "sessions.db"
        environment = dict(os.environ, XDG_STATE_HOME=str(top / "state"))
        n_folders = 0

        def workspace():
            nonlocal n_folders
            n_folders += 1
            folder = top / f"work{n_folders}"
            folder.mkdir()
            (folder / "sales.csv").write_text("shop,amount\nBern,120.5\nChur,80\nBern,200\n")
            return folder

        def tessera(*words, code=0, folder=top, typed=""):
            done = subprocess.run([TESSERA, *map(str, words)], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, input=typed)
            assert done.returncode == code, (words, done.returncode, done.stdout[-2000:], done.stderr)
            return done

        def listed(*words):
            return json.loads(tessera("sessions", "--json", *words).stdout)

        with Server(SCRIPTED, name, RULES) as server:
            asked = ["--endpoint", f"http://127.0.0.1:{server.port}"]

            def start(folder, request):
                return subprocess.Popen([TESSERA, "run", "--json", *asked, request], cwd=folder, env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)

            # One that is left alone.
            calm = workspace()
            done = tessera("run", "--json", *asked, "draw and note", folder=calm)
            result = check(done.stdout)[-1]
            assert result["answer"] == "It is drawn and noted; Bern has 320.5." and result["usage"]["tool_calls"] == 3, result
            assert (calm / "note.txt").read_text() == "Bern and Bern 320.5\n"
            assert database.stat().st_mode & 0o777 == 0o600
            one = result["session"]
            assert tessera("sessions", "replay", one[:5]).stdout == done.stdout, "a replay has other bytes"
            assert [(s["id"], s["status"], s["request"]) for s in listed()] == [(one, "ok", "draw and note")]
            assert f"session {one}" in tessera("changes", folder=calm).stdout
            shown = tessera("sessions", "show", one).stdout
            assert "## Step 4" in shown and "I draw it first." in shown and "chart.bar" in shown, shown
            whole = json.loads(tessera("sessions", "export", one).stdout)
            assert [s["kind"] for s in whole["steps"]] == ["files"] + ["reply", "call"] * 3 + ["reply"], whole["steps"]
            assert [bool(s["run"]) for s in whole["steps"] if s["kind"] == "call"] == [True] * 3, whole["steps"]
            assert len(whole["pictures"]) == 1 and [json.dumps(e) for e in whole["events"]] == [json.dumps(json.loads(e)) for e in done.stdout.splitlines()]
            tessera("sessions", "export", "--markdown", "--out", top / "one.md", one)
            assert (top / "one.md").read_text().startswith("# draw and note\n")

            def killed_and_resumed(request, calm, done, until, named):
                """A run that is killed once until() says so, and resumed, against one that was left alone; the replies it had to ask for again."""
                folder = workspace()
                process = start(folder, request)
                while not until():
                    if process.poll() is not None:
                        process.communicate()
                        return None
                    time.sleep(0.003)
                process.kill()
                process.communicate()
                latest = listed("--workspace", folder)
                if not latest:  # before its first write there is no session
                    return None
                latest = latest[0]
                if latest["status"] == "ok":  # it had its end written down before the kill came: then all of it is there
                    replayed = tessera("sessions", "replay", latest["id"]).stdout
                    assert replayed.replace(latest["id"], check(done.stdout)[-1]["session"]) == done.stdout, f"killed {named}: {replayed}"
                    assert files(folder) == files(calm), f"killed {named}: other files"
                    return 0
                assert latest["status"] == "interrupted", (named, latest)
                tessera("sessions", "show", latest["id"])
                asked_before = server.n_requests()
                again = tessera("sessions", "resume", "--json", latest["id"])
                assert again.stdout.replace(latest["id"], check(done.stdout)[-1]["session"]) == done.stdout, f"killed {named}: {again.stdout}"
                assert files(folder) == files(calm), f"killed {named}: other files"
                assert tessera("sessions", "replay", latest["id"]).stdout == again.stdout
                return server.n_requests() - asked_before

            # Killed while the model says something, each time one reply later; then resumed.
            for replies in range(1, 5):
                before = server.n_requests()
                again = killed_and_resumed("draw and note", calm, done, lambda: server.n_requests() >= before + replies, f"in reply {replies}")
                # On a busy machine it may be killed a little later.
                assert again is not None and again <= 5 - replies, "a reply that was there was asked for again"
            check_history(server.requests())

            # In each reply of a run with calls side by side and a sub-task; and whatever it does at some time.
            wide = workspace()
            began, before = time.monotonic(), server.n_requests()
            left_alone = tessera("run", "--json", *asked, "look widely", folder=wide)
            took, n_replies = time.monotonic() - began, server.n_requests() - before
            events = check(left_alone.stdout)
            assert events[-1]["answer"] == "towns.txt lists Bern and Chur." and n_replies == 7, events[-1]
            assert sum("task" in e for e in events) > 4 and (wide / "towns.txt").read_text() == "Bern\nChur.\n"
            for replies in range(1, n_replies + 1):
                before = server.n_requests()
                again = killed_and_resumed("look widely", wide, left_alone, lambda: server.n_requests() >= before + replies, f"in reply {replies} of all")
                assert again is not None and again <= n_replies + 1 - replies, (replies, again)
            for part in range(1, 7):
                end = time.monotonic() + took * part / 7
                killed_and_resumed("look widely", wide, left_alone, lambda: time.monotonic() >= end, f"after {part} sevenths of {took:.1f} s")
            check_history(server.requests())

            # Time that is used up comes back with a resume.
            folder = workspace()
            late = subprocess.run([TESSERA, "run", "--json", "--max-seconds", "1", *asked, "draw and note"], cwd=folder, env=environment,
                                  capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
            latest = check(late.stdout)[-1]
            assert late.returncode == 4 or latest["status"] == "ok", late
            if late.returncode == 4:
                again = tessera("sessions", "resume", "--json", "--max-seconds", 60, latest["session"])
                # The time may be over after a whole reply and before the server's count of its tokens; then they are estimated.
                assert without_tokens(again.stdout.replace(latest["session"], one)) == without_tokens(done.stdout), again.stdout
                assert files(folder) == files(calm)

            # A follow-up is told what was said; a fork, a part of it.
            done = tessera("run", "--json", "--continue", *asked, "and Chur?", folder=calm)
            assert check(done.stdout)[-1]["answer"] == "You asked for Bern: 320.5.", done.stdout
            roles = [m["role"] for m in server.requests()[-1]["messages"]]
            # The user's message after the first result holds its chart.
            assert roles == ["system", "user", "model", "tool", "user"] + ["model", "tool"] * 2 + ["model", "user"], roles
            assert sum(m["media"] for m in server.requests()[-1]["messages"]) == 1
            assert listed("--workspace", calm)[0]["parent"] == one
            tessera("sessions", "fork", "--json", "--at", 1, one, "and Chur?")
            roles = [m["role"] for m in server.requests()[-1]["messages"]]
            assert roles == ["system", "user", "model", "tool", "user", "user"], roles
            assert "has 4 steps" in tessera("sessions", "fork", "--at", 7, one, "and Chur?", code=2).stderr
            assert "is done" in json.loads(tessera("sessions", "resume", "--json", one, code=2).stdout)["answer"]

            # `run` and `chat` fail alike: one exit code, one sentence.
            def fails_alike(code, sentence, *options, folder=calm):
                run = tessera("run", "--continue", *options, "and Chur?", folder=folder, code=code)
                chat = tessera("chat", "--continue", *options, folder=folder, code=code, typed="and Chur?\n")
                said = [line for line in run.stderr.splitlines() if line.startswith("tessera: ")]
                assert said and said == [line for line in chat.stderr.splitlines() if line.startswith("tessera: ")], (run.stderr, chat.stderr)
                assert sentence in said[0], said

            fails_alike(2, "to continue; run it without --continue", *asked, folder=workspace())
            fails_alike(2, "there is no such folder (--workspace)", *asked, "--workspace", "nowhere")
            fails_alike(2, "nopolicy", *asked, "--policy", "nopolicy")
            fails_alike(5, "", "--endpoint", "http://127.0.0.1:9")
            result = check(tessera("run", "--json", "--continue", *asked, "and Chur?", folder=workspace(), code=2).stdout)[-1]
            assert result["status"] == "error" and "to continue" in result["answer"], result

            # The sandbox is killed under a run: it is an observation or the end, and nothing is lost.
            folder = workspace()
            process = start(folder, "stall")
            time.sleep(0.1)
            while len([p for p in descendants(process.pid)]) < 2 and process.poll() is None:
                time.sleep(0.01)
            for pid in descendants(process.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            process.communicate(timeout=60)
            latest = listed("--workspace", folder)[0]
            assert latest["status"] in ("ok", "error"), latest
            if latest["status"] == "error":
                tessera("sessions", "resume", "--json", latest["id"])
            assert files(folder).keys() == {"sales.csv"}

            tessera("sessions", "delete", one)
            assert one not in [s["id"] for s in listed()]
            assert "no session" in tessera("sessions", "show", one, code=2).stderr

        # The server is gone; when there is one again, the session goes on.
        folder = workspace()
        result = check(tessera("run", "--json", *asked, "draw and note", folder=folder, code=5).stdout)[-1]
        with Server(SCRIPTED, name, RULES) as server:
            asked = ["--endpoint", f"http://127.0.0.1:{server.port}"]
            tessera("sessions", "resume", *asked, result["session"])
            assert files(folder) == files(calm)

            # A file of another version, and one that is no database: the run is none the worse.
            with sqlite3.connect(database) as db:
                db.execute("PRAGMA user_version = 99")
            db.close()
            done = tessera("sessions", code=2)
            assert "newer version" in done.stderr and len(done.stderr.splitlines()) == 1, done
            done = tessera("run", "--json", *asked, "hello", folder=folder)
            assert "newer version" in done.stderr and "session" not in check(done.stdout)[-1], done
            for command in (["run", "--continue", *asked, "hello"], ["chat", "--continue", *asked]):
                assert "newer version" in tessera(*command, folder=folder, code=2).stderr
            for part in database.parent.glob("sessions.db*"):
                part.unlink()
            database.write_bytes(b"no database at all, but long enough to be looked at" * 99)
            done = tessera("run", "--json", *asked, "hello", folder=folder)
            assert "damaged" in done.stderr, done
            assert [s["id"] for s in listed()] == [check(done.stdout)[-1]["session"]]
            assert len(list(database.parent.glob("sessions.db.damaged-*"))) == 1


main()
