#!/usr/bin/env python3
"""`tessera run` and `tessera chat` as a person sees them: in tmux, by a model behind our own server that says what a list tells it
to. Screens are compared with tests/golden/terminal (UPDATE_GOLDEN=1 rewrites them). argv: the program, the scripted server."""
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "server" / "clients"))
from scripted import END, WAIT, Server, call, check_history  # noqa: E402
from screen import Screen, compare, need_tmux  # noqa: E402

TESSERA, SCRIPTED = (str(Path(argument).resolve()) for argument in sys.argv[1:3])
CHART = 'chart.bar(data.read("sales.csv"):group("shop"):sum("amount"), {x = "shop", y = "amount", save = "sales.png"})'
TABLE = """**Bern** sells most.

| shop | amount | what was looked at to know it |
|---|---|---|
| Bern | 320.5 | the sum of its two rows in `sales.csv`, the only table |
| Chur | 80 | its only row |

1. The chart is in *sales.png*.
2. Nothing else was changed.
"""
HOSTILE = "Safe \x1b[2J\x1b[H\x1b]0;owned\x07\x1b]2;owned\x1b\\text."
RULES = [
    {"when": "draw the sales", "reply": "I draw it first." + call("run_lua", code=CHART) + WAIT, "times": 99},
    {"when": "pictures of the results above", "reply": TABLE + END, "times": 99},
    {"when": "and Chur?", "reply": "You asked for Bern before; **Chur** has 80." + END, "times": 9},
    {"when": "name both", "reply": call("edit_file", path="note.txt", old="Bern", new="Bern and Chur") + WAIT, "times": 9},
    {"when": "+Sold in Bern and Chur", "reply": "Both are named now." + END, "times": 9},
    {"when": "hostile", "reply": call("run_lua", code='print("\\27[2J\\27]0;owned\\7 said by a script")') + WAIT, "times": 9},
    {"when": "said by a script", "reply": HOSTILE + END, "times": 9},
    {"when": "hello", "reply": "Hello." + END, "times": 9},
    {"when": "slowly", "reply": "The first part is here.\n\nThe second " + "goes on " * 400 + END, "times": 9, "delay_ms": 50},
    {"when": "stall", "reply": "It takes " + "long " * 400 + END, "times": 9, "delay_ms": 50},
]


def main():
    need_tmux()
    # Of one length, as lines are wrapped with it.
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="term") as name:
        top = Path(name)
        base = {"XDG_STATE_HOME": str(top / "state"), "HOME": str(top), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
        n_folders = 0

        def workspace():
            nonlocal n_folders
            n_folders += 1
            folder = top / f"work{n_folders}"
            folder.mkdir()
            (folder / "sales.csv").write_text("shop,amount\nBern,120.5\nChur,80\nBern,200\n")
            (folder / "note.txt").write_text("Sold in Bern\nin one year\n")
            return folder

        with Server(SCRIPTED, name, RULES) as server:
            asked = ["--endpoint", f"http://127.0.0.1:{server.port}"]

            def screen(*words, environment={}, **more):
                folder = workspace()
                return Screen(top, folder, {**base, **environment}, [TESSERA, words[0], *asked, *words[1:]], **more)

            # A run with a table and a chart.
            with screen("run", "--charts", "blocks", "draw the sales") as one:
                compare("run", one.wait("exit"), one.folder)
                assert "\x1b[1m" in one.text("-e"), "nothing is bold"

            # Narrow, and without colours.
            with screen("run", "draw the sales", environment={"NO_COLOR": "1"}, columns=60) as one:
                compare("run-narrow-no-color", one.wait("exit"), one.folder)
                assert not re.search(r"\x1b\[[0-9;]*m", one.text("-e")), one.text("-e")

            # Two turns; what is no command; another model; the line before comes again and is thrown away.
            with screen("chat", "--charts", "none") as one:
                one.wait("Ctrl-D leaves(.|\n)*› *$")
                one.ask("draw the sales", r"changed\.(.|\n)*sales\.png\n")
                one.ask("and Chur?", "Chur has 80")
                one.ask("/modle", "did you mean")
                one.ask("/model", "of http")
                one.ask("/model nobody", "nobody(.|\n)*nobody")
                one.ask("/data sales.csv", "/data(.|\n)*amount(.|\n)*› *$")
                one.key("Up")
                one.wait("› /data sales.csv\n$")
                one.key("C-c")
                one.wait("› /data sales.csv\n›\n$")
                one.key("C-d")
                compare("chat", one.wait("exit 0"), one.folder)
            turns = [m["role"] for m in server.requests()[-1]["messages"]]
            assert turns == ["system", "user", "model", "tool", "user", "model", "user"], turns

            # A person is asked, with the lines that change; then it is taken back.
            with screen("chat", "--policy", "review") as one:
                one.wait("Ctrl-D leaves(.|\n)*› *$")
                one.ask("name both", r"\[y/N\]")
                assert (one.folder / "note.txt").read_text() == "Sold in Bern\nin one year\n"
                one.ask("y", "named now")
                assert "Bern and Chur" in (one.folder / "note.txt").read_text()
                one.ask("/changes", "committed")
                one.ask("/undo", "is undone")
                compare("chat-approval-undo", one.wait("› *$"), one.folder)
                assert (one.folder / "note.txt").read_text() == "Sold in Bern\nin one year\n"
                assert "\x1b[32m" in one.text("-e") and "\x1b[31m" in one.text("-e"), "the diff has no colours"

            # Ctrl-C ends a turn and not the chat; the title and the screen are ours.
            with screen("chat") as one:
                one.wait("Ctrl-D leaves(.|\n)*› *$")
                one.ask("stall", "writing · It takes", still=False)
                one.key("C-c")
                one.wait("stopped(.|\n)*› *$")
                now = one.ask("hostile", r"Safe .*text\.")
                assert "Ctrl-D leaves" in now and "said by a script" in now, now
                assert "owned" not in one.tmux("display-message", "-p", "#{pane_title}")

            # A reply is shown while it comes, and what has come stays when it is stopped.
            with screen("chat") as one:
                one.wait("Ctrl-D leaves(.|\n)*› *$")
                one.ask("slowly", r"The first part is here\.\n. writing · .*goes on", still=False)
                one.key("C-c")
                now = one.wait("stopped(.|\n)*› *$")
                assert "The first part is here.\n\nThe second goes on" in now, now
                one.ask("hello", r"Hello\.\n")

            # Tab completes commands and names of files, or shows what there is; a model behind a server does not hear.
            with screen("chat") as one:
                one.wait("Ctrl-D leaves(.|\n)*› *$")
                for keys, sign in ((("/da", "Tab", "sa", "Tab"), r"› /data sales\.csv\n$"), (("C-c", "/s", "Tab"), r"sessions +speak\n› /s\n$"),
                                   (("C-c", "what is in no", "Tab"), r"› what is in note\.txt\n$"), (("C-c",), r"note\.txt\n›\n$")):
                    for key in keys:
                        one.tmux("send-keys", *(() if key in ("Tab", "C-c") else ("-l",)), key)
                    one.wait(sign)
                one.ask("/speak", "does not hear")
                compare("chat-completion", one.wait("› *$"), one.folder)

            # Several tasks, one of which fails; then what stands in the list of sessions, and one of them.
            folder = workspace()
            tasks = [{"id": "sales", "request": "draw the sales"}, {"id": "greeting", "request": "hello"}, {"id": "lost", "request": "no rule has this"}]
            (top / "tasks.jsonl").write_text("".join(json.dumps(task) + "\n" for task in tasks))
            lasting = {**base, "XDG_STATE_HOME": str(top / "batch")}
            for name, words in (("batch", ["batch", *asked, "--jobs", "1", "../tasks.jsonl"]), ("batch-again", ["batch", *asked, "../tasks.jsonl"]),
                                ("sessions", ["sessions"])):
                with Screen(top, folder, lasting, [TESSERA, *words]) as one:
                    compare(name, one.wait("exit"), folder)
            listed = json.loads(subprocess.run([TESSERA, "sessions", "--json"], env=lasting, capture_output=True, text=True, check=True).stdout)
            drawn = next(session["id"] for session in listed if session["request"] == "draw the sales")
            with Screen(top, folder, lasting, [TESSERA, "sessions", "show", drawn]) as one:
                compare("sessions-show", one.wait("exit"), folder)

            # A file comes into a folder that is watched.
            with screen("watch", "--task", "draw the sales", "--settle-ms", "50", ".") as one:
                one.wait("watch")
                (one.folder / "new.csv").write_text("shop,amount\nBern,1\n")
                one.wait("else was changed")
                one.key("C-c")
                compare("watch", one.wait("exit"), one.folder)

            # Without a terminal: a request a line, nothing but text.
            folder = workspace()
            done = subprocess.run([TESSERA, "chat", *asked], input="hello\n/modle\nand Chur?\n", cwd=folder, env={**base, "TERM": "xterm"},
                                  capture_output=True, text=True, timeout=60)
            assert done.returncode == 2 and done.stdout == "Hello.\nYou asked for Bern before; **Chur** has 80.\n", done
            assert "did you mean /model?" in done.stderr and "\x1b" not in done.stdout + done.stderr, done
            check_history(server.requests())


main()
