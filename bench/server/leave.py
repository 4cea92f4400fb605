#!/usr/bin/env python3
"""How long after a client has left its slot is free: while its prompt is read, while it is answered, and while it is answered
beside another one's prompt.

  leave.py TESSERA MODEL [--times 20] [--tokens 7000] [--seed 1]

A slot is free when `slots_busy` of /metrics says so, which is asked every two milliseconds; the clock starts when the
connection is closed. Exit 1 if any took longer than 200 ms.
"""
import argparse
import http.client
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time


def busy(connection):
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    return int(float(next(line.split()[-1] for line in text.splitlines() if line.split(" ")[0].endswith("slots_busy"))))


def wait_for(connection, n):
    begin = time.monotonic()
    while busy(connection) != n:
        assert time.monotonic() - begin < 120, f"no {n} slots busy"
        time.sleep(0.002)
    return time.monotonic() - begin


def ask(port, words, draw, max_tokens):
    """A streamed chat whose prompt is no other one's."""
    text = " ".join(draw.choice(["river", "stone", "chart", "number", "north", "sum"]) + str(draw.randrange(10)) for _ in range(words))
    body = json.dumps({"messages": [{"role": "user", "content": text}], "stream": True, "max_tokens": max_tokens,
                       "logit_bias": {"1": -100, "106": -100}}).encode()
    one = socket.create_connection(("127.0.0.1", port))
    one.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                % len(body) + body)
    return one


def until_answered(one):
    """Reads on to the first piece of the answer."""
    data = b""
    while b'"content":"' not in data and b'"content": "' not in data.replace(b'"content":""', b""):
        piece = one.recv(65536)
        assert piece, data[-500:]
        data += piece


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tessera")
    parser.add_argument("model")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=7000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    draw = random.Random(args.seed)
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([args.tessera, "serve", "--model", args.model, "--port", "0", "--prefix-folder", folder,
                                   "--context", "16384"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = int(server.stdout.readline().rsplit(":", 1)[1].split("/")[0])
            watch = http.client.HTTPConnection("127.0.0.1", port)
            for name in ["a prompt is read", "an answer is written", "an answer, beside another one's prompt"]:
                took = []
                for _ in range(args.times):
                    wait_for(watch, 0)
                    other = None
                    if name == "a prompt is read":
                        one = ask(port, args.tokens // 2, draw, 4)
                        wait_for(watch, 1)
                    else:
                        one = ask(port, 10, draw, 2000)
                        until_answered(one)
                        if "beside" in name:
                            other = ask(port, args.tokens // 2, draw, 4)
                            wait_for(watch, 2)
                    time.sleep(0.2 + draw.random())
                    one.close()
                    took.append(wait_for(watch, 0 if other is None else 1))
                    if other is not None:
                        other.close()
                took.sort()
                worst = max(worst, took[-1])
                print(f"{name}: {len(took)} times, median {statistics.median(took) * 1000:.0f} ms, "
                      f"p90 {took[int(len(took) * 0.9)] * 1000:.0f} ms, most {took[-1] * 1000:.0f} ms", flush=True)
        finally:
            server.terminate()
            server.wait(60)
    sys.exit(worst > 0.2)


main()
