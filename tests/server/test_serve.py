#!/usr/bin/env python3
"""`tessera serve` on the tiny checkpoint, whose weights are random: what it writes means nothing, but its form, its
repeatability and what is kept between requests can be judged. Asked over plain HTTP."""
import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TESSERA = str(Path(sys.argv[1]).resolve())
TINY = Path(__file__).resolve().parents[1] / "golden" / "tiny"
TOOLS = [{"type": "function", "function": {"name": "read", "description": "Reads lines of a file.", "parameters": {
    "type": "object", "properties": {"path": {"type": "string", "maxLength": 20}, "lines": {"type": "integer", "minimum": 1, "maximum": 99},
                                     "type": {"enum": ["text", "binary"]}},
    "required": ["path", "lines", "type"]}}}]
POINT = {"type": "object", "properties": {"x": {"type": "integer", "minimum": -9, "maximum": 9}, "ok": {"type": "boolean"},
                                          "word": {"enum": ["a", "b c"]}},
         "required": ["x", "ok", "word"], "additionalProperties": False}


class Serve:
    def __init__(self, folder, *words, model=TINY / "model", env=None):
        self.process = subprocess.Popen(
            [TESSERA, "serve", "--model", str(model), "--port", "0", "--id", "tiny", "--prefix-folder", str(folder), *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        line = self.process.stdout.readline()
        assert "/v1" in line, (line, self.process.stderr.read())
        self.port = int(line.rsplit(":", 1)[1].split("/")[0])

    def ask(self, path, body=None, method=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method or ("GET" if body is None else "POST"), path,
                           None if body is None else json.dumps(body), headers or {})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data.decode()

    def chat(self, messages, **fields):
        status, text = self.ask("/v1/chat/completions", {"messages": messages, "temperature": 0, **fields})
        assert status == 200, (status, text)
        return json.loads(text)

    def metric(self, name):
        for line in self.ask("/metrics")[1].splitlines():
            if line.startswith(f"tessera_{name} "):
                return float(line.split()[1])
        raise AssertionError(f"no metric {name}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(30)
        errors = self.process.stderr.read()
        if kind is None:
            assert code == 0, (code, errors)


def user(text):
    return [{"role": "user", "content": text}]


def content(reply):
    return reply["choices"][0]["message"]["content"]


def streamed(text):
    said, calls, finish, usage = "", {}, None, None
    assert text.rstrip().endswith("data: [DONE]"), text[-200:]
    for line in text.splitlines():
        if not line.startswith("data: {"):
            continue
        chunk = json.loads(line[6:])
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            said += choice["delta"].get("content") or ""
            finish = choice["finish_reason"] or finish
            for call in choice["delta"].get("tool_calls") or []:
                name, arguments = calls.get(call["index"], ("", ""))
                calls[call["index"]] = (name or call["function"].get("name", ""),
                                        arguments + (call["function"].get("arguments") or ""))
    return said, [calls[i] for i in sorted(calls)], finish, usage


def replies(serve):
    whole = serve.chat(user("hello"), max_tokens=12)
    assert whole["usage"]["completion_tokens"] <= 12 and whole["choices"][0]["finish_reason"] in ("length", "stop")
    assert content(serve.chat(user("hello"), max_tokens=12)) == content(whole), "greedy replies differ"
    status, text = serve.ask("/v1/chat/completions", {"messages": user("hello"), "temperature": 0, "max_tokens": 12,
                                                      "stream": True, "stream_options": {"include_usage": True}})
    said, _, finish, usage = streamed(text)
    assert said == content(whole) and finish == whole["choices"][0]["finish_reason"], (said, whole)
    assert usage["completion_tokens"] == whole["usage"]["completion_tokens"]
    drawn = [content(serve.chat(user("hello"), max_tokens=12, temperature=1, seed=seed)) for seed in (5, 5, 6)]
    assert drawn[0] == drawn[1] != drawn[2], drawn
    three = serve.chat(user("hello"), max_tokens=12, temperature=1, seed=5, n=3)
    assert [c["index"] for c in three["choices"]] == [0, 1, 2] and content(three) == drawn[0]
    assert three["choices"][1]["message"]["content"] == drawn[2], "the second choice is drawn with the next seed"


def forms(serve):
    for seed in range(6):
        point = json.loads(content(serve.chat(user("a point"), temperature=1.5, seed=seed, max_tokens=200, response_format={
            "type": "json_schema", "json_schema": {"name": "point", "schema": POINT}})))
        assert set(point) == {"x", "ok", "word"} and -9 <= point["x"] <= 9 and point["word"] in ("a", "b c"), point
        reply = serve.chat(user("read"), tools=TOOLS, tool_choice="required", temperature=1.5, seed=seed, max_tokens=400,
                           parallel_tool_calls=False)
        choice = reply["choices"][0]
        assert choice["finish_reason"] == "tool_calls" and len(choice["message"]["tool_calls"]) == 1, choice
        arguments = json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"])
        assert 1 <= arguments["lines"] <= 99 and arguments["type"] in ("text", "binary"), arguments
        assert len(arguments["path"]) <= 20 and set(arguments) == {"path", "lines", "type"}
    _, text = serve.ask("/v1/chat/completions", {"messages": user("read"), "tools": TOOLS, "temperature": 1.5, "seed": 1,
                                                 "max_tokens": 400, "stream": True, "parallel_tool_calls": False,
                                                 "tool_choice": {"type": "function", "function": {"name": "read"}}})
    _, calls, finish, _ = streamed(text)
    assert finish == "tool_calls" and calls[0][0] == "read" and json.loads(calls[0][1])["lines"] >= 1, calls
    status, text = serve.ask("/v1/chat/completions", {"messages": user("x"), "response_format": {
        "type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "unevaluatedProperties": False,
                                                                       "if": {"minProperties": 1}, "then": False}}}})
    assert status == 400 and json.loads(text)["error"]["param"] == "response_format", text
    odd = {"type": "function", "function": {"name": "odd", "parameters": {"type": "object", "required": ["a", "n"], "properties": {
        "a": {"type": "array", "items": {"enum": ["x", "y"]}, "minItems": 2, "maxItems": 2, "uniqueItems": True},
        "n": {"type": "integer", "minimum": 3, "maximum": 5}}, "if": {}, "then": {}}}}
    connection = http.client.HTTPConnection("127.0.0.1", serve.port, timeout=60)
    connection.request("POST", "/v1/chat/completions", json.dumps({
        "messages": user("x"), "tools": [odd], "tool_choice": "required", "parallel_tool_calls": False, "max_tokens": 300, "seed": 1}))
    answer = connection.getresponse()
    reply = json.loads(answer.read())
    connection.close()
    assert answer.status == 200 and "tool odd" in answer.headers["X-Tessera-Not-Enforced"], (answer.status, reply)
    arguments = json.loads(reply["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])
    assert len(arguments["a"]) == 2 and 3 <= arguments["n"] <= 5, arguments
    odd["function"]["strict"] = True
    refused = serve.ask("/v1/chat/completions", {"messages": user("x"), "tools": [odd]})
    assert refused[0] == 400 and "odd" in refused[1] and json.loads(refused[1])["error"]["param"] == "tools", refused
    refused = serve.ask("/v1/chat/completions", {"messages": user("x" * 20000)})
    assert refused[0] == 400 and json.loads(refused[1])["error"]["code"] == "context_length_exceeded", refused


def media(serve):
    picture = base64.b64encode((TINY / "media" / "A_200x150_rgb.png").read_bytes()).decode()
    sound = base64.b64encode((TINY / "media" / "speech_7777.wav").read_bytes()).decode()
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64," + picture}},
             {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}}]
    reply = serve.chat([{"role": "user", "content": parts}], max_tokens=8, image_budget=70)
    assert reply["usage"]["prompt_tokens"] > 50, reply["usage"]
    assert content(reply) != content(serve.chat(user("look"), max_tokens=8)), "the picture changed nothing"
    again = serve.chat([{"role": "user", "content": parts}], max_tokens=8, image_budget=70)
    assert content(again) == content(reply) and again["usage"]["prompt_tokens_details"]["cached_tokens"] > 0
    status, text = serve.ask("/v1/chat/completions", {"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]})
    assert status == 400 and "messages" in text, text
    boundary = "xyz"
    body = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ntiny\r\n--{boundary}\r\n"
            f"Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n").encode()
    body += (TINY / "media" / "speech_7777.wav").read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    connection = http.client.HTTPConnection("127.0.0.1", serve.port, timeout=60)
    connection.request("POST", "/v1/audio/transcriptions", body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    answer = connection.getresponse()
    heard = json.loads(answer.read())
    connection.close()
    assert answer.status == 200 and isinstance(heard["text"], str) and heard["usage"]["input_tokens"] > 10, heard


def plain(serve):
    vectors = json.loads(serve.ask("/v1/embeddings", {"input": ["one", "two", "one"]})[1])["data"]
    assert vectors[0]["embedding"] == vectors[2]["embedding"] != vectors[1]["embedding"]
    assert abs(sum(v * v for v in vectors[0]["embedding"]) - 1) < 1e-3
    assert json.loads(serve.ask("/v1/models/tiny")[1])["context_length"] == json.loads(
        serve.ask("/props")[1])["default_generation_settings"]["n_ctx"] == 2048
    tokens = json.loads(serve.ask("/tokenize", {"content": "a <|turn>", "with_pieces": True})[1])["tokens"]
    assert "".join(t["piece"] for t in tokens) == "a <|turn>" and len(tokens) > 2, tokens


def conversation(turns):
    messages = [{"role": "system", "content": "You are careful. " * 30}]
    for i in range(turns):
        messages += user(f"Question {i}: what is in the file number {i * 7}?")
        if i + 1 < turns:
            messages += [{"role": "assistant", "content": None, "tool_calls": [{
                "id": f"c{i}", "type": "function", "function": {"name": "read", "arguments": json.dumps(
                    {"path": f"f{i}", "lines": 3, "type": "text"})}}]},
                {"role": "tool", "tool_call_id": f"c{i}", "content": f"line of {i} " * 6},
                {"role": "assistant", "content": f"It holds {i}."}]
    return messages


def cached(reply):
    return reply["usage"]["prompt_tokens_details"]["cached_tokens"]


def prefixes():
    with tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder) / "prefixes"
        replies_cold = {}
        with Serve(Path(folder) / "none", "--context", "2048", "--no-prefix-files") as cold:
            for turns in (3, 4):
                replies_cold[turns] = cold.chat(conversation(turns), tools=TOOLS, max_tokens=16)
        with Serve(prefix, "--context", "2048") as first:
            one = first.chat(conversation(3), tools=TOOLS, max_tokens=16)
            assert cached(one) == 0
            two = first.chat(conversation(4), tools=TOOLS, max_tokens=16)
            shared = one["usage"]["prompt_tokens"]
            assert cached(two) >= 0.95 * shared, (cached(two), shared)
            assert content(two) == content(replies_cold[4]) and content(one) == content(replies_cold[3])
        files = list(prefix.rglob("*"))
        assert any(f.is_file() for f in files), "nothing was kept"
        with Serve(prefix, "--context", "2048") as second:
            again = second.chat(conversation(4), tools=TOOLS, max_tokens=16)
            assert cached(again) >= 0.95 * shared, (cached(again), shared)
            assert content(again) == content(replies_cold[4]), "a restored state gave another reply"
            assert second.metric("prefixes_restored_total") >= 1
        for file in files:
            if file.is_file():
                data = bytearray(file.read_bytes())
                data[len(data) // 2] ^= 1
                file.write_bytes(data)
        with Serve(prefix, "--context", "2048") as third:
            again = third.chat(conversation(4), tools=TOOLS, max_tokens=16)
            assert content(again) == content(replies_cold[4]), "a damaged state was used"
        with Serve(prefix, "--context", "2048", "--adapter", str(TINY / "lora-f32.gguf")) as other:
            reply = other.chat(conversation(4), tools=TOOLS, max_tokens=16)
            assert cached(reply) == 0, "states of another model were used"


def many_at_once(serve):
    texts = [f"word {i} " * (1 + 9 * (i % 3)) for i in range(12)]
    alone = [content(serve.chat(user(text), max_tokens=20)) for text in texts]
    together = [None] * len(texts)

    def ask(i):
        together[i] = content(serve.chat(user(texts[i]), max_tokens=20))
    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone, "answers were mixed up"


def who_leaves(serve):
    before = serve.metric("requests_cancelled_total")
    body = json.dumps({"messages": user("go on"), "max_tokens": 1900, "temperature": 1, "stream": True,
                       "logit_bias": {"1": -100, "106": -100}})
    with socket.create_connection(("127.0.0.1", serve.port)) as client:
        client.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        assert b"200" in client.recv(100)
    end = time.monotonic() + 20
    while serve.metric("requests_cancelled_total") == before:
        assert time.monotonic() < end, "the request of a client that left goes on"
        time.sleep(0.02)
    assert serve.metric("slots_busy") == 0


def the_door():
    with tempfile.TemporaryDirectory() as folder:
        refused = subprocess.run([TESSERA, "serve", "--model", str(TINY / "model"), "--host", "0.0.0.0", "--port", "0"],
                                 capture_output=True, text=True, env={k: v for k, v in os.environ.items() if k != "TESSERA_API_KEY"})
        assert refused.returncode == 2 and "--api-key-file" in refused.stderr, refused
        missing = subprocess.run([TESSERA, "serve", "--model", "/nowhere.gguf", "--port", "0"], capture_output=True, text=True)
        assert missing.returncode == 2 and "/nowhere.gguf" in missing.stderr, missing
        with Serve(folder, env={"TESSERA_API_KEY": "secret"}) as serve:
            assert serve.ask("/v1/models")[0] == 401
            assert serve.ask("/v1/models", headers={"Authorization": "Bearer secret"})[0] == 200
            assert serve.ask("/v1/models", headers={"Authorization": "Bearer secret", "Host": "evil.example"})[0] == 403


def tls():
    import ssl
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                               "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem", "-days", "2", "-subj",
                               "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], capture_output=True)
        assert made.returncode == 0, made.stderr
        with Serve(folder, "--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem") as serve:
            context = ssl.create_default_context(cafile=f"{folder}/cert.pem")
            connection = http.client.HTTPSConnection("localhost", serve.port, context=context, timeout=30)
            for _ in range(2):
                connection.request("POST", "/v1/chat/completions", json.dumps({"messages": user("hi"), "max_tokens": 4}))
                assert connection.getresponse().read().startswith(b"{")
            connection.close()


def main():
    failed = 0

    def run(name, test):
        nonlocal failed
        try:
            test()
            print("ok", name)
        except Exception as error:
            failed += 1
            print("FAILED", name, "-", type(error).__name__, error)
    with tempfile.TemporaryDirectory() as folder, Serve(folder, "--context", "2048") as serve:
        for test in (replies, forms, media, plain, many_at_once, who_leaves):
            run(test.__name__, lambda: test(serve))
    for test in (prefixes, the_door, tls):
        run(test.__name__, test)
    print(f"{9 - failed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
