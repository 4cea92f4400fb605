"""MCP servers of the tests: run as a program it speaks over stdio; `http_server` answers the same over HTTP. They are made of
plain Python, so that they run in the sandbox and can misbehave."""
import base64
import json
import os
import socket
import struct
import sys
import threading
import time
import urllib.request
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}
NAMES = ["echo", "picture", "probe", "roots", "hang", "die", "long", "broken.name", "reach"]


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + b"\xff\x00\x00" * 8 for _ in range(8))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def probe():
    """What a server can do that it should not be able to."""
    done = []

    def attempt(name, what):
        try:
            what()
            done.append(name)
        except OSError:
            pass
    attempt("write", lambda: open("planted.txt", "w"))
    attempt("home", lambda: open(os.environ.get("PROBE", "/root/.profile")).read())
    attempt("network", lambda: socket.create_connection(("127.0.0.1", int(os.environ.get("PROBE_PORT", "1"))), 1))
    attempt("read", lambda: open("sales.csv").read())
    return ", ".join(done) or "nothing"


def reach():
    """What a page says that is asked for as programs do it: through the proxy that the environment names."""
    try:
        return urllib.request.urlopen(os.environ["PROBE_URL"], timeout=5).read().decode()
    except OSError as error:
        return f"not reached: {error}"


def result(message, ask):
    """The result of a request, or an error's message as a str."""
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        return {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}, "resources": {}}, "serverInfo": {"name": "fake", "version": "1"}}
    if method == "tools/list":  # two pages
        half = len(NAMES) // 2
        if "cursor" not in params:
            return {"tools": [{"name": n, "description": f"Does {n}.", "inputSchema": SCHEMA} for n in NAMES[:half]], "nextCursor": "2"}
        return {"tools": [{"name": n, "inputSchema": SCHEMA} for n in NAMES[half:]]}
    if method == "resources/list":
        return {"resources": [{"uri": "memo://1", "name": "memo", "description": "A memo for all."}, {"uri": "memo://red", "name": "red"}]}
    if method == "resources/templates/list":
        return {"resourceTemplates": [{"uriTemplate": "memo://{n}", "name": "any memo"}]}
    if method == "resources/read":
        if params["uri"] == "memo://red":
            return {"contents": [{"uri": "memo://red", "mimeType": "image/png", "blob": base64.b64encode(png()).decode()}]}
        return {"contents": [{"uri": "memo://1", "text": "The memo says 7."}]} if params["uri"] == "memo://1" else "no such memo"
    if method != "tools/call":
        return "no such method"
    name, text = params["name"], params.get("arguments", {}).get("text", "")
    if name == "hang":
        time.sleep(1000)
    if name == "die":
        print("I have had enough", file=sys.stderr)
        os._exit(7)
    if name == "picture":
        return {"content": [{"type": "text", "text": "look"},
                            {"type": "image", "data": base64.b64encode(png()).decode(), "mimeType": "image/png"}]}
    if name == "roots":
        return {"content": [{"type": "text", "text": json.dumps(ask("roots/list"))}]}
    return {"content": [{"type": "text", "text": {"probe": probe, "reach": reach, "long": lambda: "x" * 500_000}.get(name, lambda: "echo: " + text)()}]}


def reply(message, ask):
    out = {"jsonrpc": "2.0", "id": message["id"]}
    got = result(message, ask)
    return out | ({"error": {"code": -32000, "message": got}} if isinstance(got, str) else {"result": got})


def over_stdio():
    def send(message):
        print(json.dumps(message), flush=True)

    def ask(method):
        send({"jsonrpc": "2.0", "id": "q1", "method": method})
        return json.loads(sys.stdin.readline())
    print("a line that is no message", flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message and "method" in message:
            send({"jsonrpc": "2.0", "id": 99, "result": "an answer that nobody waits for"})
            send(reply(message, ask))


def http_server(seen):
    """A server on a port of its own; `seen` gets the heads of requests. tools/list comes as JSON, all else as a stream of
    events, which breaks off before the first result of a call. It forgets its session once, before the first call."""
    state = {"session": 0, "forgotten": False, "owed": None}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self.send_response(200)
            seen.append(("GET", dict(self.headers)))
            owed = state["owed"] if self.headers.get("Last-Event-ID") == "e7" else None
            self.send_header("Content-Type", "text/event-stream" if owed else "text/plain")
            self.end_headers()
            self.wfile.write(b"data: " + owed + b"\n\n" if owed else b"a page")

        def do_POST(self):
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((message.get("method"), dict(self.headers)))
            method = message.get("method")
            known = self.headers.get("Mcp-Session-Id") == f"s{state['session']}"
            if method == "tools/call" and not state["forgotten"]:
                state["forgotten"], known = True, False
            if method != "initialize" and not known:
                return self.send_error(404)
            if "id" not in message:
                self.send_response(202)
                self.send_header("Content-Length", "0")
                return self.end_headers()
            if method == "initialize":
                state["session"] += 1
            self.send_response(200)
            if method == "initialize":
                self.send_header("Mcp-Session-Id", f"s{state['session']}")
            body = json.dumps(reply(message, None)).encode()
            if method == "tools/list":
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                return self.wfile.write(body)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            if method == "tools/call" and not state["owed"]:
                state["owed"] = body
                return self.wfile.write(b"id: e7\nretry: 50\ndata:\n\n")
            note = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {}}).encode()
            self.wfile.write(b": hello\n\nevent: message\nid: 1\ndata: " + note + b"\n\ndata: " + body + b"\n\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    over_stdio()
