#!/usr/bin/env python3
"""Codex against the real server with a scripted model, by the Responses protocol."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scripted import CLIENTS, END, WAIT, Server, call, check_history, main, skip, thought

PROGRAM = str(Path(sys.argv[1]).resolve())
CODEX = CLIENTS / "codex"
if not CODEX.exists():
    skip("Codex is not here")


# An MCP server over pipes with one tool.
CALCULATOR = """import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    parameters = message.get("params") or {}
    result = {}
    if message["method"] == "initialize":
        result = {"protocolVersion": parameters["protocolVersion"], "capabilities": {"tools": {}},
                  "serverInfo": {"name": "calculator", "version": "1"}}
    elif message["method"] == "tools/list":
        result = {"tools": [{"name": "join", "description": "Joins two texts.", "inputSchema": {
            "type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]}}]}
    elif message["method"] == "tools/call":
        result = {"content": [{"type": "text", "text": parameters["arguments"]["a"] + parameters["arguments"]["b"]}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
"""


def codex(rules, *prompts, mcp=None):
    """Each prompt in turn, the later ones in the same session; the events of the last and all requests.
    mcp: the program of an MCP server."""
    # Its sandbox helper does not start from /tmp.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix="codex-") as name:
        folder = Path(name)
        project = folder / "project"
        project.mkdir()
        (project / "sales.csv").write_text("region,amount\nnorth,10\nsouth,32\n")
        with Server(PROGRAM, folder, rules) as server:
            (folder / ".codex").mkdir()
            (folder / ".codex" / "config.toml").write_text(f"""model = "scripted"
model_provider = "local"
[model_providers.local]
name = "local"
base_url = "http://127.0.0.1:{server.port}/v1"
wire_api = "responses"
requires_openai_auth = false
""" + (f"""[mcp_servers.my-calc]
command = "{sys.executable}"
args = ["{folder / "mcp.py"}"]
default_tools_approval_mode = "approve"
""" if mcp else ""))
            (folder / "mcp.py").write_text(mcp or "")
            for i, prompt in enumerate(prompts):
                more = ["resume", "--last"] if i else []
                done = subprocess.run([str(CODEX), "exec", *more, "--skip-git-repo-check", "--json", prompt],
                                      cwd=project, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                                      env={"PATH": os.environ["PATH"], "HOME": str(folder),
                                           "CODEX_HOME": str(folder / ".codex")})
                events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
                assert done.returncode == 0, (done.returncode, events[-3:], done.stderr[-2000:])
                assert not any(event["type"] in ("error", "turn.failed") for event in events), events
            return events, server.requests()


def items(events, kind):
    return [event["item"] for event in events
            if event["type"] == "item.completed" and event["item"]["type"] == kind]


def text():
    events, requests = codex([{"when": "say hello", "reply": thought("Easy.") + "Hello." + END}], "say hello")
    assert [item["text"] for item in items(events, "agent_message")] == ["Hello."], events
    assert len(requests) == 1
    usage = next(event["usage"] for event in events if event["type"] == "turn.completed")
    assert usage["input_tokens"] > 1000 and usage["output_tokens"] > 0, usage


def a_command():
    events, requests = codex([{"when": "count the rows", "reply": call("exec_command", cmd="wc -l < sales.csv") + WAIT},
                              {"when": "3", "reply": "There are 2 rows." + END}], "count the rows")
    ran = items(events, "command_execution")
    assert len(ran) == 1 and ran[0]["exit_code"] == 0 and ran[0]["aggregated_output"].strip() == "3", ran
    assert [item["text"] for item in items(events, "agent_message")] == ["There are 2 rows."]
    check_history(requests)


def two_commands_at_once():
    events, requests = codex([{"when": "run both", "reply": call("exec_command", cmd="echo first") +
                               call("exec_command", cmd="echo second") + WAIT},
                              {"when": "", "reply": "Both ran." + END}], "run both")
    assert sorted(item["aggregated_output"].strip() for item in items(events, "command_execution")) == ["first", "second"]
    check_history(requests)
    assert sum(m["role"] == "tool" for m in requests[-1]["messages"]) == 2


def a_session_goes_on():
    events, requests = codex([{"when": "first", "reply": call("exec_command", cmd="echo one") + WAIT},
                              {"when": "one", "reply": "One." + END},
                              {"when": "second", "reply": "Two." + END}], "first", "second")
    assert [item["text"] for item in items(events, "agent_message")] == ["Two."]
    said = [m["text"] for m in requests[-1]["messages"] if m["role"] == "model" and m["text"]]
    assert said == ["One."], said
    check_history(requests)


def a_helper():
    events, requests = codex([{"when": "use a helper", "reply": call("multi_agent_v1__spawn_agent", message="look around") + WAIT},
                              {"when": "look around", "reply": "I looked." + END},
                              {"when": "", "reply": "It looks." + END, "times": 9}], "use a helper")
    assert [(item["tool"], item["status"]) for item in items(events, "collab_tool_call")] == [("spawn_agent", "completed")], events
    assert "multi_agent_v1__spawn_agent" in requests[0]["tools"], requests[0]["tools"]
    assert any(one["name"] == "multi_agent_v1__spawn_agent" for request in requests for message in request["messages"]
               for one in message["calls"]), "the call's name in the history is another"
    check_history(requests)


def a_tool_of_an_mcp_server():
    events, requests = codex([{"when": "join them", "reply": call("mcp__my_calc__join", a="left", b="right") + WAIT},
                              {"when": "leftright", "reply": "Joined." + END}], "join them", mcp=CALCULATOR)
    called = items(events, "mcp_tool_call")
    assert [(one["server"], one["tool"], one["status"]) for one in called] == [("my-calc", "join", "completed")], events
    assert [item["text"] for item in items(events, "agent_message")] == ["Joined."]
    check_history(requests)


main(text, a_command, two_commands_at_once, a_session_goes_on, a_helper, a_tool_of_an_mcp_server)
