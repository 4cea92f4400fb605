#!/usr/bin/env python3
"""What is read again in a session of OpenCode: turn by turn, after a restart, and against a cold run.

  opencode_session.py TESSERA SCRIPTED --model CHECKPOINT [--max-tokens 24]

TESSERA     the built program; SCRIPTED  the built scripted-server; needs setup/fetch-clients.

First OpenCode works through a session of four steps with a scripted model, and what it sends is recorded on the way. Then
the recorded requests are sent, in order, to `tessera serve` with the checkpoint: once with states of prompts, once more
after a restart with what the first run left on disk, and once cold. For each turn: tokens of the prompt, those that were
cached, those that it shares with the turn before, and the seconds to the first byte of the answer. Replies must be
equal in all three runs. Exit 1 if they are not, or if less than 95 % of what could be shared was.
"""
import argparse
import http.client
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "server" / "clients"))
from scripted import CLIENTS, END, WAIT, Server, call  # noqa: E402

RULES = [{"when": "sum of the amounts", "reply": call("read", filePath="sales.csv") + WAIT},
         {"when": "north", "reply": call("bash", command="awk -F, 'NR>1{s+=$2}END{print s}' sales.csv", description="sum") + WAIT},
         {"when": "42", "reply": "The sum is 42." + END},
         {"when": "largest", "reply": "South, with 32." + END}]


def record(scripted, folder):
    """Bodies of the requests of a session."""
    bodies = []
    with Server(scripted, folder, RULES) as server:
        class Recorder(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bodies.append(json.loads(body))
                onward = http.client.HTTPConnection("127.0.0.1", server.port)
                onward.request("POST", self.path, body, {"Content-Type": "application/json"})
                answer = onward.getresponse()
                data = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass
        recorder = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
        threading.Thread(target=recorder.serve_forever, daemon=True).start()
        project = Path(folder) / "project"
        project.mkdir()
        (project / "sales.csv").write_text("region,amount\nnorth,10\nsouth,32\n")
        (project / "opencode.json").write_text(json.dumps({
            "provider": {"local": {"npm": "@ai-sdk/openai-compatible", "name": "Local",
                                   "options": {"baseURL": f"http://127.0.0.1:{recorder.server_port}/v1", "apiKey": "x"},
                                   "models": {"scripted": {"name": "Gemma", "tool_call": True, "limit": {"context": 32768, "output": 4096}}}}},
            "model": "local/scripted", "small_model": "local/scripted", "autoupdate": False, "share": "disabled"}))
        home = Path(folder) / "home"
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "PWD": str(project), "OPENCODE_DISABLE_AUTOUPDATE": "1",
               "OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}
        for words in (["--title", "t", "What is the sum of the amounts in sales.csv?"], ["-c", "And which is the largest?"]):
            subprocess.run([str(CLIENTS / "opencode"), "run", "--format", "json", *words], cwd=project, env=env, check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=180)
        recorder.shutdown()
    return bodies


def replay(args, bodies, *words):
    """Per turn: prompt tokens, cached tokens, seconds to the first piece of the reply, the reply."""
    server = subprocess.Popen([args.tessera, "serve", "--model", args.model, "--port", "0", "--id", "scripted", "--context", "16384",
                               *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    port = int(server.stdout.readline().rsplit(":", 1)[1].split("/")[0])
    turns = []
    for body in bodies:
        body = {**body, "temperature": 0, "max_tokens": args.max_tokens}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1200)
        begin = time.monotonic()
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        first, text, usage = None, "", None
        for line in answer:
            if not line.startswith(b"data: {"):
                continue
            chunk = json.loads(line[6:])
            usage = chunk.get("usage") or usage
            for choice in chunk["choices"]:
                delta = choice["delta"]
                piece = (delta.get("content") or "") + "".join(
                    (c["function"].get("name") or "") + (c["function"].get("arguments") or "") for c in delta.get("tool_calls") or [])
                if piece and first is None:
                    first = time.monotonic() - begin
                text += piece
        connection.close()
        turns.append((usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"],
                      first if first is not None else time.monotonic() - begin, text))
    server.terminate()
    server.wait(30)
    return turns


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tessera")
    parser.add_argument("scripted")
    parser.add_argument("--model", required=True)
    parser.add_argument("--max-tokens", type=int, default=24)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bodies = record(args.scripted, folder)
        prefixes = str(Path(folder) / "prefixes")
        runs = {"first": replay(args, bodies, "--prefix-folder", prefixes),
                "restarted": replay(args, bodies, "--prefix-folder", prefixes)}
        disk = sum(f.stat().st_size for f in Path(prefixes).rglob("*") if f.is_file())
        runs["cold"] = [replay(args, [body], "--no-prefix-files")[0] for body in bodies]
    bad = 0
    print(f"{len(bodies)} requests; states on disk {disk / 1e6:.1f} MB")
    print("turn  prompt   first: cached  first byte   restarted: cached  first byte   cold: first byte")
    for i in range(len(bodies)):
        a, b, c = (runs[name][i] for name in ("first", "restarted", "cold"))
        print(f"{i + 1:4}  {a[0]:6}   {a[1]:13}  {a[2]:8.2f} s   {b[1]:17}  {b[2]:8.2f} s   {c[2]:14.2f} s")
        if not a[3] == b[3] == c[3]:
            print("      replies differ:", repr(a[3][:80]), repr(b[3][:80]), repr(c[3][:80]))
            bad += 1
        if i > 0 and a[1] < 0.95 * min(a[0], runs["first"][i - 1][0]):
            print("      less than 95 % of the turn before was cached")
            bad += 1
    sys.exit(bad > 0)


main()
