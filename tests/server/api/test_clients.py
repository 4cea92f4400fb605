"""The replies that print_replies writes, read by the protocols' own clients: the Python packages `openai` and `anthropic`
talk to a server on loopback that plays the bytes back. Every chunk is also checked against the packages' types.

    test_clients.py PROGRAM        exits 77 (skipped) where the packages are missing
"""
import http.server
import json
import subprocess
import os
import sys
import threading
from pathlib import Path

# Where setup/fetch-clients puts them.
sys.path.insert(0, str(Path(os.environ.get("TESSERA_CLIENTS",
                                           Path(__file__).resolve().parents[3] / ".deps" / "clients")) / "python"))
try:
    import anthropic
    import openai
    import pydantic
    from anthropic.types import Message, RawMessageStreamEvent
    from openai.types import Completion
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from openai.types.responses import Response, ResponseStreamEvent
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

replies = json.loads(subprocess.run([sys.argv[1]], check=True, capture_output=True).stdout)
current = None


class Player(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        data = current["stream" if body.get("stream") else "whole"].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if body.get("stream") else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Player)
threading.Thread(target=httpd.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{httpd.server_port}"
gpt = openai.OpenAI(base_url=url + "/v1", api_key="x", max_retries=0)
claude = anthropic.Anthropic(base_url=url, api_key="x", max_retries=0)
HI = [{"role": "user", "content": "hi"}]
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
         for name in ("read", "bash", "now", "write", "f")]


def check_types(adapter, stream):
    """Each event of a stream against its type; returns the events."""
    events = [line[6:] for line in stream.split("\n") if line.startswith("data: ") and line != "data: [DONE]"]
    for event in events:
        adapter.validate_json(event)
    return [json.loads(event) for event in events]


def same_calls(read, reply):
    """read: [(id, name, arguments as text or object)]"""
    whole = [(id, name, json.loads(arguments) if isinstance(arguments, str) else arguments) for id, name, arguments in read]
    assert [{"name": name, "arguments": arguments} for _, name, arguments in whole] == reply["calls"], (whole, reply["calls"])
    assert all(id for id, _, _ in whole) and len({id for id, _, _ in whole}) == len(whole)


def chat(reply):
    check_types(pydantic.TypeAdapter(ChatCompletionChunk), reply["stream"])
    ChatCompletion.model_validate_json(reply["whole"])
    whole = gpt.chat.completions.create(model="m", messages=HI)
    message = whole.choices[0].message
    if not reply["errors"]:
        assert (message.content or "") == reply["text"]
        same_calls([(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or []], reply)
    with gpt.chat.completions.stream(model="m", messages=HI, stream_options={"include_usage": True}) as stream:
        reasoning = ""
        for event in stream:
            if event.type == "chunk" and event.chunk.choices:
                reasoning += (event.chunk.choices[0].delta.model_extra or {}).get("reasoning_content", "") or ""
        # The helper raises where a reply was cut off; its snapshot is whole all the same.
        final = stream.current_completion_snapshot
    choice = final.choices[0]
    assert reasoning == reply["reasoning"]
    assert choice.finish_reason == reply["finish"] == whole.choices[0].finish_reason
    assert final.usage.completion_tokens == reply["n_tokens"] and final.usage.prompt_tokens_details.cached_tokens == 60
    if reply["logprobs"]:
        assert len(choice.logprobs.content) == len(whole.choices[0].logprobs.content)
    if not reply["errors"]:
        assert (choice.message.content or "") == reply["text"]
        same_calls([(c.id, c.function.name, c.function.arguments) for c in choice.message.tool_calls or []], reply)


def completions(reply):
    check_types(pydantic.TypeAdapter(dict), reply["stream"])
    Completion.model_validate_json(reply["whole"])
    whole = gpt.completions.create(model="m", prompt="Once").choices[0]
    text = ""
    for chunk in gpt.completions.create(model="m", prompt="Once", stream=True):
        if chunk.choices:
            text += chunk.choices[0].text
            assert chunk.choices[0].finish_reason in (None, whole.finish_reason)
    if not reply["errors"]:
        assert text == whole.text


def responses(reply):
    check_types(pydantic.TypeAdapter(ResponseStreamEvent), reply["stream"])
    Response.model_validate_json(reply["whole"])
    whole = gpt.responses.create(model="m", input="hi")
    with gpt.responses.stream(model="m", input="hi") as stream:
        last = None
        for event in stream:
            last = event
    final = last.response
    cut = reply["finish"] == "length"
    assert last.type == ("response.incomplete" if cut else "response.completed"), last.type
    for response in (whole, final):
        assert response.status == ("incomplete" if cut else "completed")
        assert response.usage.output_tokens == reply["n_tokens"] and response.usage.input_tokens_details.cached_tokens == 60
        thought = "".join(part.text for item in response.output if item.type == "reasoning" for part in item.summary)
        assert thought == reply["reasoning"]
        if not reply["errors"]:
            assert response.output_text == reply["text"]
            same_calls([(c.call_id, c.name, c.arguments) for c in response.output if c.type == "function_call"], reply)


def messages(reply):
    check_types(pydantic.TypeAdapter(RawMessageStreamEvent), reply["stream"])
    Message.model_validate_json(reply["whole"])
    whole = claude.messages.create(model="m", max_tokens=5, messages=HI)
    with claude.messages.stream(model="m", max_tokens=5, messages=HI) as stream:
        final = stream.get_final_message()
    expected = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}[reply["finish"]]
    for message in (whole, final):
        assert message.stop_reason == expected
        assert message.usage.output_tokens == reply["n_tokens"] and message.usage.cache_read_input_tokens == 60
        assert "".join(b.thinking for b in message.content if b.type == "thinking") == reply["reasoning"]
        if not reply["errors"]:
            assert "".join(b.text for b in message.content if b.type == "text") == reply["text"]
            same_calls([(b.id, b.name, b.input) for b in message.content if b.type == "tool_use"], reply)


failed = 0
for current in replies:
    try:
        globals()[current["protocol"]](current)
    except Exception as error:  # each reply is looked at
        failed += 1
        print(f"{current['protocol']}, {current['name']}: {type(error).__name__}: {str(error)[:600]}")
print(f"{len(replies)} replies read by openai {openai.__version__} and anthropic {anthropic.__version__}, {failed} of them wrongly")
sys.exit(1 if failed or len(replies) < 40 else 0)
