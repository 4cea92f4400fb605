#!/usr/bin/env python3
"""`tessera mcp` from outside: the protocol, the tools, what goes wrong. argv: the program."""
import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from queue import Empty, Queue

TESSERA = str(Path(sys.argv[1]).resolve())
OFFERED = {"profile", "run_lua", "find_files", "read_file", "write_file", "edit_file", "file_plan", "data_query", "draw_chart", "undo"}


class Mcp:
    def __init__(self, folder, *words, config="/nonexistent"):
        self.process = subprocess.Popen([TESSERA, "mcp", "--workspace", str(folder), *words], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=os.environ | {"XDG_CONFIG_HOME": str(config)})
        self.lines, self.last = Queue(), 0
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.process.stdout] + [self.lines.put(None)], daemon=True).start()

    def send(self, line):
        self.process.stdin.write(line if isinstance(line, bytes) else (json.dumps(line) + "\n").encode())
        self.process.stdin.flush()

    def read(self, seconds=60):
        line = self.lines.get(timeout=seconds)
        return None if line is None else json.loads(line)

    def ask(self, method, **params):
        self.last += 1
        self.send({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params})
        reply = self.read()
        assert reply["id"] == self.last and reply["jsonrpc"] == "2.0", reply
        return reply

    def call(self, name, error=False, **arguments):
        result = self.ask("tools/call", name=name, arguments=arguments)["result"]
        assert result["isError"] is error, result
        return result["content"][0]["text"], result["content"][1:]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        assert self.read() is None, "more than answers on standard output"


def tools(folder):
    with Mcp(folder) as mcp:
        for wanted, given in (("2025-06-18", "2025-06-18"), ("2025-03-26", "2025-03-26"), ("1999-01-01", "2025-11-25")):
            hello = mcp.ask("initialize", protocolVersion=wanted, capabilities={}, clientInfo={"name": "t", "version": "1"})["result"]
            assert hello["protocolVersion"] == given and "tools" in hello["capabilities"], hello
        mcp.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert mcp.ask("ping")["result"] == {}
        listed = {tool["name"]: tool for tool in mcp.ask("tools/list")["result"]["tools"]}
        assert set(listed) == OFFERED, set(listed)
        assert "data.read(" in listed["run_lua"]["description"] and '"op"' in listed["file_plan"]["description"]
        assert all(tool["inputSchema"]["type"] == "object" for tool in listed.values())

        text, _ = mcp.call("profile", path="sales.csv")
        assert "amount" in text and "shop" in text, text
        text, _ = mcp.call("data_query", sql="SELECT shop, sum(amount) AS total FROM 'sales.csv' GROUP BY shop ORDER BY total", format="csv")
        assert text.split() == ["shop,total", "Chur,80", "Bern,320.5"], text
        text, _ = mcp.call("data_query", error=True, sql="SELECT * FROM 'none.csv'")
        assert text.startswith("error: ") and "none.csv" in text, text

        text, pictures = mcp.call("run_lua", code='chart.bar(data.read("sales.csv"):group("shop"):sum("amount"), {x = "shop", y = "amount", save = "a.png"})')
        assert "saved: a.png" in text and pictures[0]["mimeType"] == "image/png", text
        assert base64.b64decode(pictures[0]["data"]) == (folder / "a.png").read_bytes()
        spec = {"mark": "bar", "data": {"url": "sales.csv"}, "encoding": {"x": {"field": "shop", "type": "nominal"},
                "y": {"field": "amount", "aggregate": "sum", "type": "quantitative"}}}
        text, pictures = mcp.call("draw_chart", spec=spec, save="b.png")
        assert "saved: b.png" in text and base64.b64decode(pictures[0]["data"]) == (folder / "b.png").read_bytes(), text
        text, _ = mcp.call("draw_chart", error=True, spec=spec, save="../b.png")
        text, _ = mcp.call("draw_chart", error=True, spec={"mark": "nonsense"}, save="c.png")
        text, pictures = mcp.call("read_file", path="b.png")
        assert len(pictures) == 1, text

        mcp.call("write_file", path="note.txt", text="one\n")
        mcp.call("edit_file", path="note.txt", old="one", new="two")
        assert (folder / "note.txt").read_text() == "two\n"
        plan = [{"op": "rename", "files": "note.txt", "match": "note*", "to": "kept.txt"}]
        text, _ = mcp.call("file_plan", plan=plan)
        assert "kept.txt" in text and (folder / "note.txt").exists(), text
        mcp.call("file_plan", plan=plan, apply=True)
        assert (folder / "kept.txt").exists() and not (folder / "note.txt").exists()
        text, _ = mcp.call("undo")
        assert "is undone" in text and (folder / "note.txt").read_text() == "two\n", text
        mcp.call("undo")
        assert (folder / "note.txt").read_text() == "one\n"
        assert "outside" in mcp.call("profile", error=True, path="../x.csv")[0]
        assert "kept.txt" not in mcp.call("find_files", glob="*")[0]


def whatever_comes(folder):
    with Mcp(folder) as mcp:
        for line, code in ((b"nonsense\n", -32700), (b"\xff\xfe\n", -32700), (b"[" * 5000 + b"\n", -32700), (b"[]\n", -32600),
                           (b"7\n", -32600), (b'{"jsonrpc":"2.0","id":{},"method":"ping"}\n', -32600),
                           (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}\n', -32600),
                           (b"{" + b" " * (17 << 20) + b"}\n", -32700)):
            mcp.send(line)
            assert mcp.read()["error"]["code"] == code, line[:50]
        mcp.send(b"\n  \r\n" + b'{"jsonrpc":"2.0","id":5,"result":{}}\n' + b'{"jsonrpc":"2.0","method":"notifications/none"}\n')
        for method, params, code in (("resources/list", {}, -32601), ("tools/call", {"name": "rm"}, -32602), ("tools/call", {}, -32602),
                                     ("tools/call", {"name": "undo", "arguments": []}, -32602)):
            assert mcp.ask(method, **params)["error"]["code"] == code, method
        mcp.call("write_file", error=True, wrong=1)
        # A batch has one answer, in which notifications have none.
        mcp.send([{"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": {"name": "find_files", "arguments": {}}},
                  {"jsonrpc": "2.0", "method": "notifications/initialized"}, {"jsonrpc": "2.0", "id": "b", "method": "ping"}, 3])
        answers = {str(one["id"]): one for one in mcp.read()}
        assert set(answers) == {"a", "b", "None"} and "sales.csv" in json.dumps(answers["a"]), answers


def a_call_is_called_off(folder):
    # 3 to the 24th rows.
    endless = "SELECT sum(" + " * ".join(f"t{i}.amount" for i in range(24)) + ") AS s FROM " + ", ".join(f"'sales.csv' t{i}" for i in range(24))
    with Mcp(folder) as mcp:
        for name in ("long", "waiting"):
            mcp.send({"jsonrpc": "2.0", "id": name, "method": "tools/call", "params": {
                "name": "data_query", "arguments": {"sql": endless}, "_meta": {"progressToken": name}}})
        signs = [mcp.read(), mcp.read()]
        assert [s["method"] for s in signs] == ["notifications/progress"] * 2, signs
        assert signs[0]["params"]["progressToken"] == "long" and signs[1]["params"]["progress"] > signs[0]["params"]["progress"], signs
        for name in ("waiting", "long", "unknown"):
            mcp.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": name}})
        began = time.monotonic()
        while mcp.last < 3:  # no answer to either of them comes in between
            assert mcp.ask("ping")["result"] == {}
        mcp.call("find_files")
        assert time.monotonic() - began < 20, "the call went on"
        try:
            assert False, mcp.read(1)
        except Empty:
            pass


def who_may_do_what(folder, home):
    with Mcp(folder, "--policy", "strict") as mcp:
        mcp.call("profile", path="sales.csv")
        text, _ = mcp.call("write_file", error=True, path="x.txt", text="x")
        assert "strict" in text and not (folder / "x.txt").exists(), text
        assert "strict" in mcp.call("undo", error=True)[0]
    with Mcp(folder, "--policy", "review") as mcp:  # nobody can be asked
        assert "wants you to be asked" in mcp.call("write_file", error=True, path="x.txt", text="x")[0]
    assert not (folder / "x.txt").exists()
    config = home / "tessera"
    config.mkdir(parents=True)
    (config / "refuse.py").write_text("""import json, sys
path = json.load(sys.stdin)["arguments"]["path"]
if path == "x.txt":
    print("not", path, file=sys.stderr)
    sys.exit(2)
""")
    (config / "hooks.json").write_text(json.dumps({
        "before_call": [{"command": ["python3", "refuse.py"], "tools": "write_*"}, {"command": ["sleep", "60"], "tools": "undo", "timeout_sec": 1}],
        "after_call": [{"command": ["sh", "-c", "cat >> log.jsonl"]}]}))
    with Mcp(folder, config=home) as mcp:
        assert mcp.call("write_file", error=True, path="x.txt", text="x")[0] == "error: not x.txt"
        mcp.call("write_file", path="y.txt", text="y")
        assert "took longer" in mcp.call("undo", error=True)[0]
    seen = [json.loads(line) for line in (config / "log.jsonl").read_text().splitlines()]
    assert [(e["event"], e["tool"], e["error"]) for e in seen] == [("after_call", "write_file", False)], seen
    assert not (folder / "x.txt").exists() and (folder / "y.txt").exists()
    for text, code in (("{", 2), ('{"before": []}', 2), ('{"before_call": [{"command": "x"}]}', 2)):
        (config / "hooks.json").write_text(text)
        done = subprocess.run([TESSERA, "mcp", "--workspace", str(folder)], env=os.environ | {"XDG_CONFIG_HOME": str(home)},
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        assert done.returncode == code and b"hooks.json" in done.stderr and not done.stdout, done
    done = subprocess.run([TESSERA, "mcp", "--workspace", str(home)], env=os.environ | {"XDG_CONFIG_HOME": str(home)},
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert done.returncode == 3 and b"config folder" in done.stderr, done


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        folder.mkdir()
        (folder / "sales.csv").write_text("shop,amount\nBern,120.5\nChur,80\nBern,200\n")
        tools(folder)
        whatever_comes(folder)
        a_call_is_called_off(folder)
        who_may_do_what(folder, Path(name) / "home")
        # What was asked is answered although nothing more comes.
        done = subprocess.run([TESSERA, "mcp", "--workspace", str(folder)], capture_output=True, text=True, timeout=60, input=json.dumps(
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "find_files", "arguments": {"glob": "*.csv"}}}))
        assert done.returncode == 0 and "sales.csv" in json.loads(done.stdout)["result"]["content"][0]["text"], done


main()
