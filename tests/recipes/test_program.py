#!/usr/bin/env python3
"""What the recipe says the model is shown is what `tessera run` shows it: the user's message and the observations of
workspaces of every kind, by a model behind our own server. argv: tessera, scripted-server, tessera-worker."""
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[2] / "recipes"), str(HERE.parents[1] / "server" / "clients")]

import make_data  # noqa: E402
from scripted import END, WAIT, Server, call  # noqa: E402
from worker import Worker, user_text  # noqa: E402

TESSERA, SCRIPTED, WORKER = (str(Path(argument).resolve()) for argument in sys.argv[1:4])
KINDS = ["chart", "question", "files", "derived", "layout", "parts", "folder", "text_files"]


def chosen(desk):
    """(workspace, its files as bytes, messages) of each kind, a few of each."""
    rng, domains, out = random.Random(5), make_data.domains_of("train"), []
    for kind in KINDS * 3:
        while True:
            try:
                w, messages, _ = make_data.make(rng, kind, domains, desk)
            except make_data.Skip:
                continue
            called = messages[1].get("tool_calls", [{}])[0].get("function", {})
            if called.get("name") == "run_lua" and "<" not in called["arguments"]["code"]:
                out.append((w, dict(desk.profiles), messages))
                break
    return out


def main():
    desk = make_data.Desk(Worker(WORKER))
    examples = chosen(desk)
    rules = [{"when": f"example {i};", "reply": call("run_lua", code=m[1]["tool_calls"][0]["function"]["arguments"]["code"]) + WAIT} for i, (_, _, m) in enumerate(examples)]
    rules.append({"when": "", "reply": "Done." + END, "times": 10 * len(examples)})
    with tempfile.TemporaryDirectory() as name, Server(SCRIPTED, name, rules) as server:
        for i, (w, profiles, messages) in enumerate(examples):
            folder = Path(name) / f"work{i}"
            make_data.write_files(folder, w)
            before = len(server.requests()) if server.log_path.exists() else 0
            done = subprocess.run([TESSERA, "run", "--json", "--yes", "--endpoint", f"http://127.0.0.1:{server.port}", "--workspace", str(folder), f"example {i};"], capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, (done.stdout[-2000:], done.stderr)
            asked = server.requests()[before:]
            said = [m["text"] for m in asked[0]["messages"] if m["role"] == "user"][0]
            expected = user_text(profiles, f"example {i};", with_pictures=True)
            assert said == expected, f"the program:\n{said}\nthe recipe:\n{expected}"
            seen = [json.loads(line) for line in done.stdout.splitlines()]
            observed = [e["text"] for e in seen if e["type"] == "observation" and e["tool"] == "run_lua"]
            recipe = messages[2]["content"]
            assert observed == [recipe], f"the program:\n{observed}\nthe recipe:\n{recipe}"
    desk.worker.close()
    print(f"{len(examples)} workspaces: the same messages, the same observations")


if __name__ == "__main__":
    main()
