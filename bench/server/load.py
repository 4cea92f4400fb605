#!/usr/bin/env python3
"""Many clients at once on one server: do answers stay right, memory flat and headers quick?

  load.py TESSERA [--model DIR] [--clients 64] [--seconds 300] [--seed 1] [--slots 4]

TESSERA  the built program; --model  a checkpoint, by default the tiny one of the tests.

Each client sends one request after the other, drawn by its own random numbers: streamed and whole chats, with tools, with a
JSON schema; one in eight leaves in the middle, one in eight reads slowly, one in eight sends something malformed. Every
answer that is read to its end is compared with what the same request got when it was alone (greedy, so the same). A 429 is
allowed, told apart, and repeated after a pause. Time to headers is that of accepted streams, from the last byte of the
request to the first of the head. Prints one table; exit 1 if an answer differs, the server ends, or a malformed request is
not refused with 4xx.
"""
import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = [{"type": "function", "function": {"name": "read", "description": "Reads a file.", "parameters": {
    "type": "object", "properties": {"path": {"type": "string"}, "lines": {"type": "integer"}}, "required": ["path"]}}}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "point", "strict": True, "schema": {
    "type": "object", "properties": {"x": {"type": "integer"}, "ok": {"type": "boolean"}}, "required": ["x", "ok"],
    "additionalProperties": False}}}
MALFORMED = [b"GARBAGE\r\n\r\n", b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{nope",
             b"POST /v1/chat/completions HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}",
             b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
             b"GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
             b"POST /v1/responses HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n{\"nonsense\":1}"]


def bodies():
    words = ["tile", "mosaic", "river", "seven", "chart", "north", "count", "blue"]
    out = []
    for i, word in enumerate(words):
        system = {"role": "system", "content": "You answer in short words. " + "The rule is simple. " * (8 * (i % 3))}
        body = {"messages": [system, {"role": "user", "content": f"Say something of {word}."}], "temperature": 0,
                "max_tokens": 24 + 4 * i}
        out.append(body)
        out.append({**body, "tools": TOOLS})
        out.append({**body, "response_format": SCHEMA})
    return out


def answer_of(status, body, stream):
    """What an answer says, without ids and times; None when it is not complete."""
    if status != 200:
        return None
    if not stream:
        message = json.loads(body)["choices"][0]["message"]
        calls = [(c["function"]["name"], c["function"]["arguments"]) for c in message.get("tool_calls") or []]
        return (message.get("content") or "", calls)
    text, calls, done = "", {}, False
    for line in body.decode().split("\n"):
        if line == "data: [DONE]":
            done = True
        elif line.startswith("data: "):
            chunk = json.loads(line[6:])
            if "error" in chunk:
                return None
            for choice in chunk["choices"]:
                delta = choice["delta"]
                text += delta.get("content") or ""
                for one in delta.get("tool_calls") or []:
                    name, arguments = calls.get(one["index"], ("", ""))
                    calls[one["index"]] = (name or one["function"].get("name") or "",
                                           arguments + (one["function"].get("arguments") or ""))
    return (text, [calls[i] for i in sorted(calls)]) if done else None


class Connection:
    def __init__(self, port):
        self.port = port

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_):
        self.writer.transport.abort()

    async def ask(self, body, leave_after=None, slowly=False):
        """Status, body and seconds to the head; body None when left."""
        data = json.dumps(body).encode()
        self.writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                          b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
        await self.writer.drain()
        begin = time.monotonic()
        head = await self.reader.readuntil(b"\r\n\r\n")
        seconds = time.monotonic() - begin
        status = int(head[9:12])
        if leave_after is not None:
            await asyncio.sleep(leave_after)
            return status, None, seconds
        raw = b""
        while True:
            piece = await self.reader.read(64 if slowly else 65536)
            if not piece:
                break
            raw += piece
            if slowly:
                await asyncio.sleep(0.02)
        if b"chunked" in head:
            out = b""
            while raw:
                size, raw = raw.split(b"\r\n", 1)
                n = int(size, 16)
                out, raw = out + raw[:n], raw[n + 2:]
                if n == 0:
                    break
            raw = out
        return status, raw, seconds


def rss(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


async def run(args, port, pid):
    requests = bodies()
    expected = {}
    for i, body in enumerate(requests):
        for stream in (False, True):
            async with Connection(port) as connection:
                status, raw, _ = await connection.ask({**body, "stream": stream})
                expected[i, stream] = answer_of(status, raw, stream)
                assert expected[i, stream] is not None, (status, raw[:500])
    end = time.monotonic() + args.seconds
    counts = dict.fromkeys(["right", "wrong", "left", "busy", "refused", "not refused", "broken"], 0)
    heads, memory = [], []

    async def client(number):
        draw = random.Random(args.seed * 1000 + number)
        while time.monotonic() < end:
            kind = draw.randrange(8)
            try:
                async with Connection(port) as connection:
                    if kind == 0:
                        connection.writer.write(draw.choice(MALFORMED))
                        head = await connection.reader.readuntil(b"\r\n")
                        counts["refused" if head[9:10] == b"4" else "not refused"] += 1
                        continue
                    i, stream = draw.randrange(len(requests)), kind == 1 or draw.random() < 0.7
                    leave = draw.random() * 0.3 if kind == 1 else None
                    if leave is not None and draw.random() < 0.3:  # before there is any answer
                        stream = False
                        task = asyncio.create_task(connection.ask({**requests[i], "stream": False}))
                        await asyncio.sleep(leave)
                        task.cancel()
                        counts["left"] += 1
                        continue
                    status, raw, seconds = await connection.ask({**requests[i], "stream": stream}, leave, kind == 2)
                    if status == 429 or status == 503:
                        counts["busy"] += 1
                        await asyncio.sleep(0.2 + draw.random())
                        continue
                    if stream:
                        heads.append(seconds)
                    if raw is None:
                        counts["left"] += 1
                    elif answer_of(status, raw, stream) == expected[i, stream]:
                        counts["right"] += 1
                    else:
                        counts["wrong"] += 1
                        print("wrong:", requests[i], stream, status, raw[:300], expected[i, stream], file=sys.stderr)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                counts["broken"] += 1
                print("broken:", repr(error), file=sys.stderr)

    async def watch():
        while time.monotonic() < end:
            memory.append(rss(pid))
            await asyncio.sleep(1)

    await asyncio.gather(watch(), *(client(n) for n in range(args.clients)))
    heads.sort()
    print(f"{args.clients} clients, {args.seconds} s, {args.slots} slots: " +
          ", ".join(f"{value} {name}" for name, value in counts.items()))
    if heads:
        print(f"time to headers of {len(heads)} streams: median {statistics.median(heads) * 1000:.1f} ms, "
              f"p99 {heads[int(len(heads) * 0.99)] * 1000:.1f} ms, most {heads[-1] * 1000:.1f} ms")
    third = max(1, len(memory) // 3)
    print(f"resident memory, MiB: first third {statistics.mean(memory[:third]):.1f}, "
          f"last third {statistics.mean(memory[-third:]):.1f}, most {max(memory):.1f}")
    return counts["wrong"] + counts["not refused"] + counts["broken"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tessera")
    parser.add_argument("--model", default=str(ROOT / "tests" / "golden" / "tiny" / "model"))
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slots", type=int, default=4)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([args.tessera, "serve", "--model", args.model, "--port", "0", "--slots", str(args.slots),
                                   "--prefix-folder", folder, "--context", "1024", "--max-queued", "128"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = int(server.stdout.readline().rsplit(":", 1)[1].split("/")[0])
            bad = asyncio.run(run(args, port, server.pid))
            assert server.poll() is None, f"the server ended with {server.returncode}"
        finally:
            server.terminate()
            code = server.wait(20)
    print(f"the server ended with {code}")
    sys.exit(1 if bad or code else 0)


main()
