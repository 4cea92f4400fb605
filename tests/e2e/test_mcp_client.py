#!/usr/bin/env python3
"""`tessera run --endpoint` with MCP servers, skills, AGENTS.md and hooks, by a scripted model. argv: the program, the scripted
server; `--real`: with two MCP servers of others instead, where they are there (setup/fetch-clients)."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "server" / "clients"))
from mcp_servers import http_server  # noqa: E402
from scripted import CLIENTS, END, WAIT, Server, call, check_history, skip  # noqa: E402

TESSERA, SCRIPTED = (str(Path(argument).resolve()) for argument in sys.argv[1:3])
FAKE = Path(__file__).resolve().parent / "mcp_servers.py"
PICTURE = "(a picture, image/png)"
PYTHON = "/usr/bin/python3"  # one that the sandbox has


class World:
    """A workspace, a config folder, and runs in them."""

    def __init__(self, name, url):
        self.folder, self.config, self.url = Path(name) / "work", Path(name) / "config" / "tessera", url
        for path in (self.folder, self.config):
            path.mkdir(parents=True)
        (self.folder / "sales.csv").write_text("shop,amount\nBern,120.5\nChur,80\n")

    def run(self, request, *words, code=0, yes=True):
        env = os.environ | {"XDG_CONFIG_HOME": str(self.config.parent), "MCP_TOKEN": "secret-7"}
        done = subprocess.run([TESSERA, "run", "--json", *(["--yes"] if yes else []), "--endpoint", self.url, *words, request],
                              cwd=self.folder, env=env, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        assert done.returncode == code, (done.returncode, done.stdout[-3000:], done.stderr)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        return [e["text"] for e in events if e["type"] == "observation" and e["tool"].startswith(("mcp__", "skill", "write_file", "after_run"))], events, done.stderr


def fake_servers(name):
    inside = lambda tool, **a: call(f"mcp__fake__{tool}", **a) + WAIT  # noqa: E731
    memo = lambda *uri: inside("read_resource", **dict(zip(["uri"], uri)))  # noqa: E731
    steps = [(inside("echo", text="hi"), "echo: hi"), (inside("picture"), "pictures of the results"), (inside("probe"), "read"),
             (inside("roots"), "workspace"), (inside("long"), "bytes left out"), (inside("broken_name"), "echo: "), (inside("reach"), "not reached"),
             (memo(), "A memo for all."), (memo("memo://1"), "says 7"), (memo("memo://red"), "pictures of the results"), (memo("memo://2"), "no such memo"),
             (inside("die"), "did not answer"), (call("mcp__web__echo", text="over HTTP") + WAIT, None)]
    rules = [{"when": "use them all", "reply": steps[0][0]}]
    rules += [{"when": mark, "reply": reply} for (_, mark), (reply, _) in zip(steps, steps[1:])]
    rules += [{"when": "over HTTP", "reply": call("mcp__net__reach") + WAIT}, {"when": "a page", "reply": "All were used." + END},
              {"when": "ask nobody", "reply": inside("echo", text="x")}, {"when": "wants you to be asked", "reply": "Not allowed." + END},
              {"when": "wait for it", "reply": inside("hang")}, {"when": "took too long", "reply": "It hangs." + END}]
    with Server(SCRIPTED, name, rules) as server:
        world = World(name, f"http://127.0.0.1:{server.port}")
        secret = Path(name) / "secret.txt"
        secret.write_text("secret")
        listener = socket.create_server(("127.0.0.1", 0))
        seen = []
        web = http_server(seen)
        fake = {"command": PYTHON, "args": [str(FAKE)], "read": [str(FAKE)], "tool_timeout_sec": 5,
                "env": {"PROBE": str(secret), "PROBE_PORT": str(listener.getsockname()[1]), "PROBE_URL": f"http://127.0.0.1:{web.server_port}/"}}
        servers = Path(name) / "servers.json"
        servers.write_text(json.dumps({"mcpServers": {
            "fake": fake, "net": fake | {"network": [f"127.0.0.1:{web.server_port}"]}, "web": {"type": "http", "url": f"http://127.0.0.1:{web.server_port}/mcp", "headers": {"X-Token": "${MCP_TOKEN}"}},
            "absent": {"command": "no-such-program"}, "off": {"command": "x", "disabled": True},
            "gone": {"url": f"http://127.0.0.1:{listener.getsockname()[1]}/x", "startup_timeout_sec": 1}}}))
        shown, events, told = world.run("use them all", "--mcp", str(servers))
        assert events[-1]["answer"] == "All were used.", events
        assert shown[0] == "echo: hi" and shown[1].startswith("look"), shown
        assert shown[2] == "read", "the server could also: " + shown[2]
        assert json.loads(shown[3])["result"]["roots"][0]["uri"] == f"file://{world.folder}", shown[3]
        assert len(shown[4]) < 20000 and "exit code 7" in shown[11] and "I have had enough" in shown[11], shown
        assert shown[7] == "memo://1  memo: A memo for all.\nmemo://red  red\nmemo://{n}  any memo\n", shown[7]
        assert shown[8] == "memo://1:\nThe memo says 7." and shown[9] == PICTURE and shown[10] == "error: no such memo", shown[8:11]
        assert "the MCP server absent cannot be used" in told and "the MCP server gone cannot be used" in told and "off" not in told, told
        requests = server.requests()
        assert "mcp__fake__broken_name" in requests[0]["tools"] and "mcp__web__echo" in requests[0]["tools"], requests[0]["tools"]
        assert any(m["media"] for m in requests[2]["messages"]), "the picture is not shown"
        check_history(requests)
        assert [heads["Last-Event-ID"] for method, heads in seen if method == "GET" and "Last-Event-ID" in heads] == ["e7"], seen
        calls = [heads for method, heads in seen if method == "tools/call"]
        assert len(calls) == 2 and calls[0]["Mcp-Session-Id"] == "s1" and calls[1]["Mcp-Session-Id"] == "s2", calls
        assert calls[1]["X-Token"] == "secret-7" and calls[1]["MCP-Protocol-Version"] == "2025-06-18", calls
        web.shutdown()

        # The policy asks about each call; without --yes and without a terminal that is a no.
        del fake["tool_timeout_sec"]
        (world.config / "mcp.json").write_text(json.dumps({"mcpServers": {"fake": fake | {"tool_timeout_sec": 1}}}))
        shown, events, _ = world.run("ask nobody", yes=False)
        assert "mcp__fake__echo" in shown[0] and events[-1]["answer"] == "Not allowed.", shown
        shown, events, _ = world.run("wait for it")
        assert events[-1]["answer"] == "It hangs.", events
        for text, why in (("{}", "mcpServers"), ('{"mcpServers": {"a": {}}}', "command"), ('{"mcpServers": {"a": {"command": "x", "env": {"A": "${NO_SUCH}"}}}}', "NO_SUCH")):
            servers.write_text(text)
            _, events, _ = world.run("x", "--mcp", str(servers), code=2)
            assert why in events[-1]["answer"], events
        # A file of the workspace is not used by itself, and does not get the environment.
        (world.folder / ".mcp.json").write_text(json.dumps({"mcpServers": {"evil": {"url": "http://127.0.0.1:1/x", "headers": {"A": "${MCP_TOKEN}"}}}}))
        _, events, _ = world.run("x", "--mcp", ".mcp.json", code=2)
        assert "file of the workspace" in events[-1]["answer"], events


def skills_notes_and_hooks(name):
    rules = [{"when": "write the report", "reply": call("skill", name="reports") + WAIT},
             {"when": "three parts", "reply": call("skill", name="reports", file="more/form.md") + WAIT},
             {"when": "The form", "reply": call("skill", name="reports", file="../../secret.txt") + WAIT},
             {"when": "no such file", "reply": call("write_file", path="report.md", text="x") + WAIT},
             {"when": "not on Sundays", "reply": "Done." + END}, {"when": "plain", "reply": "Plain." + END}]
    with Server(SCRIPTED, name, rules) as server:
        world = World(name, f"http://127.0.0.1:{server.port}")
        skill = world.config / "skills" / "reports"
        (skill / "more").mkdir(parents=True)
        (skill / "SKILL.md").write_text('---\nname: reports\ndescription: >\n  How reports\n  are written.\n---\nA report has three parts.\n')
        (skill / "more" / "form.md").write_text("The form.")
        (world.config / "secret.txt").write_text("secret")
        extra = Path(name) / "extra" / "broken"
        extra.mkdir(parents=True)
        (extra / "SKILL.md").write_text("no front matter")
        (world.folder / "AGENTS.md").write_text("Sums are in francs.\n" + "x" * 20000)
        (world.config / "no.sh").write_text("cat > before.json; echo 'not on Sundays' >&2; exit 2\n")
        (world.config / "hooks.json").write_text(json.dumps({"before_call": [{"command": ["sh", "no.sh"], "tools": "write_file"}],
                                                             "after_run": [{"command": ["sh", "-c", "cat > ended.json; exit 3"]}]}))
        shown, events, told = world.run("write the report", "--skills", str(extra.parent), yes=False)
        assert events[-1]["answer"] == "Done." and not (world.folder / "report.md").exists(), events
        assert shown[0].strip() == "A report has three parts." and shown[1] == "The form." and "secret" not in shown[2].replace("secret.txt", ""), shown
        assert shown[3] == "error: not on Sundays" and "code 3" in shown[4], shown
        assert "broken/SKILL.md is left out" in told, told
        assert json.loads((world.config / "before.json").read_text())["arguments"]["path"] == "report.md"
        ended = json.loads((world.config / "ended.json").read_text())
        assert ended["status"] == "ok" and ended["answer"] == "Done.", ended
        first = server.requests()[0]
        assert "- reports: How reports are written." in first["messages"][0]["text"] and "skill" in first["tools"], first
        text = first["messages"][1]["text"]
        assert "Sums are in francs." in text and "left out" in text and len(text) < 10000 and text.endswith("write the report"), text[-200:]
        # Without any of it, nothing of it is in the prompt.
        shutil.rmtree(world.config)
        world.run("plain")
        last = server.requests()[-1]
        assert "skill" not in last["tools"] and "Skills" not in last["messages"][0]["text"], last


def real_servers(name):
    """Two servers of others: one in JavaScript, over stdio and over HTTP, and one in Python."""
    everything = CLIENTS / "mcp-node" / "node_modules" / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
    python = CLIENTS / "mcp-python"
    node = shutil.which("node", path="/usr/local/bin:/usr/bin:/bin")
    here = {"node": node is not None and everything.exists(),
            "time": subprocess.run([PYTHON, "-c", "import mcp_server_time"], env={"PYTHONPATH": str(python)}, capture_output=True).returncode == 0}
    if not any(here.values()):
        skip("no MCP server of others is here")
    servers, steps, web = {}, [], None
    if here["node"]:
        servers["all"] = {"command": "node", "args": [str(everything), "stdio"], "read": [str(CLIENTS.resolve() / "mcp-node")]}
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        web = subprocess.Popen([node, str(everything), "streamableHttp"], env={"PATH": os.environ["PATH"], "PORT": str(port)},
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while "listening" not in (line := web.stderr.readline()).lower():
            assert line, "the server did not start"
        servers["web"] = {"url": f"http://127.0.0.1:{port}/mcp"}
        steps += [(call("mcp__all__echo", message="over stdio"), "over stdio"), (call("mcp__all__get-tiny-image"), PICTURE),
                  (call("mcp__web__echo", message="over HTTP"), "over HTTP")]
    if here["time"]:
        servers["time"] = {"command": PYTHON, "args": ["-m", "mcp_server_time", "--local-timezone", "Europe/Zurich"],
                           "env": {"PYTHONPATH": str(python.resolve())}, "read": [str(python.resolve())]}
        steps.append((call("mcp__time__convert_time", source_timezone="Europe/Zurich", time="12:00", target_timezone="Asia/Tokyo"), "Asia/Tokyo"))
    # A picture follows its result in a message of its own.
    marks = ["pictures of the results" if mark is PICTURE else mark for _, mark in steps]
    rules = [{"when": when, "reply": made + WAIT} for when, (made, _) in zip(["begin"] + marks, steps)]
    rules.append({"when": marks[-1], "reply": "It works." + END})
    try:
        with Server(SCRIPTED, name, rules) as server:
            world = World(name, f"http://127.0.0.1:{server.port}")
            (world.config / "mcp.json").write_text(json.dumps({"mcpServers": servers}))
            shown, events, told = world.run("begin")
            assert events[-1]["answer"] == "It works.", (events, told)
            for text, (_, mark) in zip(shown, steps, strict=True):
                assert mark in text and not text.startswith("error"), (text, mark)
            assert not here["node"] or sum(m["media"] for m in server.requests()[-1]["messages"]) == 1
            print("used:", ", ".join(servers))
    finally:
        if web:
            web.kill()
            web.wait()
    if not all(here.values()):
        skip("of two MCP servers one is not here: " + ", ".join(key for key, is_here in here.items() if not is_here))


def main():
    tests = [real_servers] if "--real" in sys.argv else [fake_servers, skills_notes_and_hooks]
    for test in tests:
        with tempfile.TemporaryDirectory() as name:
            test(name)


main()
