#!/usr/bin/env python3
"""`tessera run --endpoint` from outside: a chart, a question, a plan of files and an edit, each by a model behind our own
server that says what a list tells it to; then undo. argv: the program, the scripted server."""
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server" / "clients"))
from scripted import END, QUOTE, WAIT, Server, call, check_history, thought  # noqa: E402

TESSERA, SCRIPTED = (str(Path(argument).resolve()) for argument in sys.argv[1:3])
PLAN = [{"op": "rename", "files": "IMG_*.txt", "match": "IMG_*.txt", "to": "note-{1}.txt"}]


def plan_call(apply):
    steps = ",".join("{" + ",".join(f"{key}:{QUOTE}{value}{QUOTE}" for key, value in step.items()) + "}" for step in PLAN)
    return f"<|tool_call>call:file_plan{{{'apply:true,' if apply else ''}plan:[{steps}]}}<tool_call|>"


RULES = [
    # A chart, in one call after a thought.
    {"when": "draw the sales", "reply": thought("Group, then draw.") + "I draw it." + call(
        "run_lua", code='chart.bar(data.read("sales.csv"):group("shop"):sum("amount"), {x = "shop", y = "amount", save = "sales.png"})') + WAIT},
    {"when": "pictures of the results above", "reply": "sales.png shows the sales; Bern has most, 320.5." + END},
    # A question whose first answer is made up; the number check sends it back, and two calls come at once.
    {"when": "how much did Chur sell", "reply": "Chur sold 4711." + END},
    {"when": "4711", "reply": call("run_lua", code='print(data.read("sales.csv"):where("shop", "==", "Chur"):sum("amount"))')
     + call("read_file", path="sales.csv") + WAIT},
    {"when": "sales.csv: UTF-8 text", "reply": "Chur sold 80." + END},
    {"when": "keep the sum", "reply": call("run_lua", code='data.read("sales.csv"):group("shop"):sum("amount"):save("sum.csv")') + WAIT},
    # A plan, looked at and then carried out.
    {"when": "rename the notes", "reply": plan_call(False) + WAIT},
    {"when": "done:", "reply": "The notes are renamed." + END},
    {"when": "note-1.txt", "reply": plan_call(True) + WAIT},
    # An edit whose first try fails.
    {"when": "raise Chur", "reply": call("edit_file", path="sales.csv", old="Chur,81", new="Chur,90") + WAIT},
    {"when": "error: ", "reply": call("edit_file", path="sales.csv", old="Chur,80", new="Chur,90") + WAIT},
    {"when": "+Chur,90", "reply": "Chur has 90 now." + END},
    {"when": "in colour", "reply": "red \x1b[m and \x9bm" + END},
    {"when": "cut me", "reply": "I was about to say" + END, "cut": True, "times": 9},
    {"when": "cut off", "reply": "I was about to say" + END, "cut": True, "times": 9},
]


def state(folder):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*")) if p.is_file() and ".tessera" not in p.parts}


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        folder.mkdir()
        (folder / "sales.csv").write_text("shop,amount\nBern,120.5\nChur,80\nBern,200\n")
        (folder / "IMG_1.txt").write_text("one\n")
        (folder / "IMG_2.txt").write_text("two\n")
        before = state(folder)
        with Server(SCRIPTED, name, RULES) as server:
            url = f"http://127.0.0.1:{server.port}"

            def tessera(*words):
                return subprocess.run([TESSERA, *words], cwd=folder, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)

            def run(request, *words, code=0, endpoint=url):
                done = tessera("run", "--json", "--endpoint", endpoint, *words, request)
                assert done.returncode == code, (done.returncode, done.stdout[-2000:], done.stderr)
                events = [json.loads(line) for line in done.stdout.splitlines()]
                assert events[-1]["type"] == "result", events
                return events[-1], events, done.stderr

            result, events, told = run("draw the sales")
            assert result["status"] == "ok" and result["answer"] == "sales.png shows the sales; Bern has most, 320.5.", result
            assert (folder / "sales.png").read_bytes().startswith(b"\x89PNG")
            assert result["charts"][0]["path"] == "sales.png" and result["usage"]["prompt_tokens"] > 0, result
            assert not [line for line in told.splitlines() if "go to" in line], told
            # The server saw our prompt, our tools, the chart as a picture, and the thought once more.
            first, second = server.requests()
            assert first["messages"][0]["text"].startswith("You are Tessera"), first
            assert first["stream"] and "file_plan" in first["tools"] and "run_lua" in first["tools"], first
            assert second["messages"][2]["reasoning"] == "Group, then draw.", second
            assert second["messages"][3]["call_id"] == second["messages"][2]["calls"][0]["id"], second
            assert second["messages"][-1]["media"] == 1, second

            result, events, _ = run("how much did Chur sell", "--endpoint-model", "scripted")
            assert result["answer"] == "Chur sold 80." and result["usage"]["tool_calls"] == 2, result
            assert [e["text"] for e in events if e.get("tool") == "number check"] == ["not found in any step: 4711"], events
            traced = [e for e in events if e["type"] == "numbers"][-1]
            assert [(n["number"], n["how"]) for n in traced["numbers"]] == [("80", "as shown")] and not traced["not_found"], traced

            # A budget that is used up ends the run after a step, which is told; so does a schema that is none, before any.
            result, events, _ = run("keep the sum", "--price", "1", "2", "--max-cost", "0.000001", code=4)
            assert "--max-cost" in result["answer"] and result["artifacts"][0]["path"] == "sum.csv" and result["usage"]["cost"] > 0, result
            (folder / "schema.json").write_text('{"type": "nothing"}')
            result, _, _ = run("x", "--schema", "schema.json", code=2)
            assert result["answer"].startswith("schema: "), result
            (folder / "schema.json").unlink()

            result, events, _ = run("rename the notes")
            assert result["status"] == "ok", result
            assert (folder / "note-2.txt").read_text() == "two\n" and not (folder / "IMG_1.txt").exists()

            result, events, _ = run("raise Chur")
            assert result["answer"] == "Chur has 90 now.", result
            assert "Chur,90" in (folder / "sales.csv").read_text()

            for _ in range(4):
                undone = tessera("undo")
                assert undone.returncode == 0, undone
            assert state(folder) == before, "undo did not give everything back"

            # A terminal is not steered by what a model says.
            done = tessera("run", "--endpoint", url, "in colour")
            assert done.returncode == 0 and done.stdout == "red  and ?m\n", done

            result, _, _ = run("cut me", code=6)
            assert result["status"] == "error" and "cut off" in result["answer"], result
            result, _, _ = run("x", "--endpoint-model", "gpt", code=2)
            assert "has no model gpt" in result["answer"] and "scripted" in result["answer"], result
            check_history(server.requests())
        result, _, _ = run("x", code=5)
        assert "nobody listens" in result["answer"], result
        result, _, told = run("x", endpoint="http://example.invalid/v1", code=5)
        assert "go to example.invalid, unencrypted" in told, told
        result, _, _ = run("x", endpoint="localhost:8080", code=2)
        for words in (["--model", "x"], ["--adapter", "x"]):
            assert tessera("run", "--endpoint", url, *words, "x").returncode == 2
        (folder / "key").write_text("two words\n")
        result, _, _ = run("x", "--endpoint-key-file", "key", code=2)


main()
