#!/usr/bin/env python3
"""OpenCode against the real server with a scripted model: what it asks, runs and shows, and Tessera's tools over MCP.
argv: the scripted server, the program."""
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from scripted import CLIENTS, END, WAIT, Server, call, check_history, main, skip, thought

PROGRAM = str(Path(sys.argv[1]).resolve())
TESSERA = str(Path(sys.argv[2]).resolve())
OPENCODE = CLIENTS / "opencode"
if not OPENCODE.exists():
    skip("OpenCode is not here")


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + b"\xff\x00\x00" * 8 for _ in range(8))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Project:
    def __init__(self, folder, port, context=32768, output=4096):
        self.folder = Path(folder)
        self.project = self.folder / "project"
        self.project.mkdir(exist_ok=True)
        (self.project / "sales.csv").write_text("region,amount\nnorth,10\nsouth,32\n")
        (self.project / "red.png").write_bytes(png())
        self.configure(port, context, output)

    def configure(self, port, context, output, mcp=None):
        model = {"name": "Gemma", "attachment": True, "reasoning": True, "tool_call": True,
                 "modalities": {"input": ["text", "image"], "output": ["text"]},
                 "limit": {"context": context, "output": output}}
        (self.project / "opencode.json").write_text(json.dumps({
            "provider": {"local": {"npm": "@ai-sdk/openai-compatible", "name": "Local",
                                   "options": {"baseURL": f"http://127.0.0.1:{port}/v1", "apiKey": "local"},
                                   "models": {"scripted": model}}},
            "model": "local/scripted", "small_model": "local/scripted", "autoupdate": False, "share": "disabled", "mcp": mcp or {}}))

    def run(self, text, *words):
        home = self.folder / "home"
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "PWD": str(self.project), "TERM": "dumb",
               "XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data"),
               "XDG_CACHE_HOME": str(home / "cache"), "XDG_STATE_HOME": str(home / "state"),
               "OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1",
               "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
        done = subprocess.run([str(OPENCODE), "run", "--format", "json", *words, text], cwd=self.project, env=env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert done.returncode == 0, (done.returncode, events, done.stderr[-2000:])
        errors = [event for event in events if event["type"] == "error"]
        assert not errors, errors
        return events


def texts(events):
    return [event["part"]["text"] for event in events if event["type"] == "text"]


def calls(events):
    return [(event["part"]["tool"], event["part"]["state"]["status"]) for event in events
            if event["type"] == "tool_use"]


def scene(rules, context=32768):
    folder = tempfile.TemporaryDirectory()
    return folder, Server(PROGRAM, folder.name, rules, context)


def text_and_title():
    folder, server = scene([{"when": "say hello", "tools": 1, "reply": "Hello." + END},
                            {"when": "say hello", "tools": 0, "reply": "Greeting" + END}])
    with folder, server:
        assert texts(Project(folder.name, server.port).run("say hello")) == ["Hello."]
        requests = server.requests()
        assert len(requests) == 2, "the title and the answer"
        main_request = next(r for r in requests if r["tools"])
        assert main_request["max_tokens"] == 4096 and main_request["stream"]


def two_calls_at_once():
    folder, server = scene([
        {"when": "count the rows", "reply": thought("I read it.") + call("read", filePath="sales.csv") +
            call("bash", command="wc -l < sales.csv", description="count") + WAIT},
        {"when": "", "reply": "There are 2 rows." + END}])
    with folder, server:
        events = Project(folder.name, server.port).run("count the rows", "--title", "t", "--thinking")
        assert sorted(calls(events)) == [("bash", "completed"), ("read", "completed")], calls(events)
        assert texts(events) == ["There are 2 rows."]
        assert [e["part"]["text"] for e in events if e["type"] == "reasoning"] == ["I read it."]
        check_history(server.requests())
        last = server.requests()[-1]["messages"]
        assert [m["reasoning"].strip() for m in last if m["role"] == "model"] == ["I read it."], last[-4:]
        assert sum(m["role"] == "tool" for m in last) == 2


def a_long_script_arrives_whole():
    script = "".join(f'echo "line {i} \'single\' $((1+{i})) \\\\ <tag> {{}}"\n' for i in range(300))
    folder, server = scene([{"when": "write it", "reply": call("write", content=script, filePath="long.sh") + WAIT},
                            {"when": "", "reply": "Written." + END}])
    with folder, server:
        project = Project(folder.name, server.port)
        events = project.run("write it", "--title", "t")
        assert calls(events) == [("write", "completed")], events
        assert (project.project / "long.sh").read_text() == script
        check_history(server.requests())


def a_picture_from_a_tool():
    folder, server = scene([{"when": "look at", "reply": call("read", filePath="red.png") + WAIT},
                            {"when": "", "reply": "It is red." + END}])
    with folder, server:
        events = Project(folder.name, server.port).run("look at red.png", "--title", "t")
        assert texts(events) == ["It is red."]
        assert sum(m["media"] for m in server.requests()[-1]["messages"]) == 1
        check_history(server.requests())


def a_sub_agent():
    folder, server = scene([
        {"when": "ask a helper", "reply": call("task", description="count", prompt="count for me",
                                               subagent_type="general") + WAIT},
        {"when": "count for me", "reply": call("bash", command="wc -l < sales.csv", description="count") + WAIT},
        {"when": "3", "reply": "Three lines." + END},
        {"when": "Three lines.", "reply": "The helper says three." + END}])
    with folder, server:
        events = Project(folder.name, server.port).run("ask a helper", "--title", "t")
        assert calls(events) == [("task", "completed")], calls(events)
        assert texts(events)[-1] == "The helper says three."
        check_history(server.requests())


def a_session_goes_on_in_a_new_process():
    folder, server = scene([{"when": "first", "reply": call("bash", command="echo one", description="say") + WAIT},
                            {"when": "one", "reply": "One." + END},
                            {"when": "second", "reply": "Two." + END}])
    with folder, server:
        project = Project(folder.name, server.port)
        assert texts(project.run("first", "--title", "t")) == ["One."]
        before = server.requests()[-1]["messages"]
        assert texts(project.run("second", "-c")) == ["Two."]
        after = server.requests()[-1]["messages"]
        assert after[:len(before)] == before, "the beginning of the conversation has changed"
        check_history(server.requests())


def compaction_near_the_limit():
    # The scripted model counts four bytes a token; the file fills what is left of the context.
    folder, server = scene([{"when": "read big", "tools": 1, "reply": call("read", filePath="big.txt") + WAIT},
                            {"when": "WORD0", "tools": 1, "reply": "A long list." + END},
                            {"when": "", "times": 4, "reply": "Summary: a list was read." + END}])
    with folder, server:
        project = Project(folder.name, server.port, context=11000, output=1000)
        (project.project / "big.txt").write_text("".join(f"WORD{i} " + "x" * 90 + "\n" for i in range(150)))
        events = project.run("read big.txt", "--title", "t")
        assert calls(events) == [("read", "completed")], calls(events)
        requests = server.requests()
        assert len(requests) >= 3, "no compaction was asked for"
        check_history(requests)
        assert any("ummary" in text for text in texts(events)) or "A long list." in texts(events), texts(events)


def tools_of_tessera():
    script = 'chart.bar(data.read("sales.csv"), {x = "region", y = "amount", save = "sales.png"})'
    folder, server = scene([
        {"when": "ask tessera", "reply": call("tessera_data_query", sql="SELECT sum(amount) AS total FROM 'sales.csv'") + WAIT},
        {"when": "42", "reply": call("tessera_run_lua", code=script) + WAIT},
        {"when": "", "reply": "The total is 42; sales.png shows it." + END}])
    with folder, server:
        project = Project(folder.name, server.port)
        project.configure(server.port, 65536, 4096, {"tessera": {
            "type": "local", "command": [TESSERA, "mcp", "--workspace", str(project.project)], "enabled": True}})
        events = project.run("ask tessera", "--title", "t")
        assert calls(events) == [("tessera_data_query", "completed"), ("tessera_run_lua", "completed")], events
        assert texts(events)[-1] == "The total is 42; sales.png shows it."
        assert (project.project / "sales.png").read_bytes().startswith(b"\x89PNG")
        check_history(server.requests())
        last = server.requests()[-1]
        assert "tessera_file_plan" in last["tools"] and "tessera_undo" in last["tools"], last["tools"]
        assert sum(m["media"] for m in last["messages"]) == 1, "the chart is not shown"


main(text_and_title, two_calls_at_once, a_long_script_arrives_whole, a_picture_from_a_tool, a_sub_agent,
     a_session_goes_on_in_a_new_process, compaction_near_the_limit, tools_of_tessera)
