"""Writes requests/*.json: bodies in the shapes in which clients send them, shortened. Written by hand after what OpenCode,
Codex, qwen-code and the Python packages were seen to send. A file's name begins with its protocol.

    python3 requests.py
"""
import base64
import json
import pathlib
import struct
import zlib

here = pathlib.Path(__file__).parent / "requests"


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + b"\xff\0\0" * 2 + b"\0" + b"\0\0\xff" * 2))
            + chunk(b"IEND", b""))


PNG = base64.b64encode(png()).decode()
WAV = base64.b64encode(b"RIFF" + struct.pack("<I", 40) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
                       + b"data" + struct.pack("<I", 4) + b"\0\0\1\0").decode()
DATA_URL = "data:image/png;base64," + PNG


def function(name, description, properties, required=()):
    return {"type": "function", "function": {"name": name, "description": description, "parameters": {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": properties,
        "required": list(required), "additionalProperties": False}}}


STRING = {"type": "string"}
READ = function("read", "Reads a file.", {"filePath": {**STRING, "description": "Absolute path"}, "limit": {"type": "integer"}}, ["filePath"])
BASH = function("bash", "Runs a command.", {"command": STRING, "description": STRING, "timeout": {"type": "integer"}}, ["command"])
TASK = function("task", "Starts a helper.", {"description": STRING, "prompt": STRING, "subagent_type": STRING}, ["description", "prompt"])
WRITE = function("write", "Writes a file.", {"filePath": STRING, "content": STRING}, ["filePath", "content"])
SYSTEM = {"role": "system", "content": "You are an agent that helps with software.\n<env>\n  Working directory: /p\n</env>"}


def call(id, name, arguments):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def opencode(messages, tools=(READ, BASH, TASK, WRITE)):
    return {"model": "gemma-4-12b", "max_tokens": 4096, "messages": messages, "tools": list(tools), "tool_choice": "auto",
            "stream": True, "stream_options": {"include_usage": True}}


SCRIPT = "for i = 1, 3 do\n  print(\"row \" .. i)\nend\n"
chats = {
    "chat-opencode-title": {
        "model": "gemma-4-12b", "max_tokens": 4096, "reasoning_effort": "low", "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "You are a title generator."},
                     {"role": "user", "content": "Generate a title for this conversation:\n"},
                     {"role": "user", "content": "\"count the rows of sales.csv\""}]},
    "chat-opencode-first": opencode([SYSTEM, {"role": "user", "content": "\"count the rows of sales.csv\""}]),
    "chat-opencode-after-a-call": opencode([
        SYSTEM, {"role": "user", "content": "count"},
        {"role": "assistant", "content": "", "reasoning_content": "I read it first.",
         "tool_calls": [call("call_a1_1", "read", "{\"filePath\":\"/p/sales.csv\"}")]},
        {"role": "tool", "tool_call_id": "call_a1_1", "content": "<file>\n00001| a,b\n</file>"}]),
    "chat-opencode-two-calls": opencode([
        SYSTEM, {"role": "user", "content": "both"},
        {"role": "assistant", "content": "I look at both.",
         "tool_calls": [call("call_a1_1", "read", "{\"filePath\":\"/a\"}"), call("call_a1_2", "bash", "{\"command\":\"ls\",\"description\":\"List\"}")]},
        {"role": "tool", "tool_call_id": "call_a1_2", "content": "a\nb"},
        {"role": "tool", "tool_call_id": "call_a1_1", "content": "one"},
        {"role": "assistant", "content": "Done."}, {"role": "user", "content": "and now?"}]),
    "chat-opencode-image-of-a-tool": opencode([
        SYSTEM, {"role": "user", "content": "what is on it?"},
        {"role": "assistant", "content": "", "tool_calls": [call("call_a1_1", "read", "{\"filePath\":\"/p/x.png\"}")]},
        {"role": "tool", "tool_call_id": "call_a1_1", "content": "Image read successfully"},
        {"role": "user", "content": [{"type": "text", "text": "Attached media from tool result:"},
                                     {"type": "image_url", "image_url": {"url": DATA_URL}}]}]),
    "chat-opencode-file-flag": opencode([SYSTEM, {"role": "user", "content": [
        {"type": "text", "text": "Called the Read tool"}, {"type": "text", "text": "Image read successfully"},
        {"type": "image_url", "image_url": {"url": DATA_URL}}]}]),
    "chat-opencode-script": opencode([
        SYSTEM, {"role": "user", "content": "write it"},
        {"role": "assistant", "content": "", "tool_calls": [call("call_b2_1", "write", json.dumps({"filePath": "/p/a.lua", "content": SCRIPT}))]},
        {"role": "tool", "tool_call_id": "call_b2_1", "content": ""}]),
    "chat-opencode-subagent": opencode([{"role": "system", "content": "You search files."}, {"role": "user", "content": "find x"}], (READ, BASH)),
    "chat-opencode-compaction": opencode([
        SYSTEM, {"role": "user", "content": "one"}, {"role": "assistant", "content": "two"},
        {"role": "user", "content": [{"type": "text", "text": "Provide a detailed prompt for continuing our conversation above."}]}]),
    "chat-qwen-code": {
        "model": "gemma-4-12b", "max_tokens": 8000, "stream": True, "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "You are an interactive agent."},
                     {"role": "user", "content": [{"type": "text", "text": "This is the context."}]},
                     {"role": "assistant", "content": "Got it. Thanks for the context!"},
                     {"role": "user", "content": [{"type": "text", "text": "list the files"}]}],
        "tools": [function("list_directory", "Lists.", {"path": STRING}, ["path"]),
                  function("agent", "Starts a helper.", {"description": STRING, "type": STRING, "properties": {"type": "object"}})]},
    "chat-qwen-code-error-result": {
        "model": "gemma-4-12b", "max_tokens": 8000,
        "messages": [{"role": "user", "content": "x"},
                     {"role": "assistant", "content": None, "tool_calls": [call("call_1", "list_directory", "")]},
                     {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "Error: no path"}]}]},
    "chat-python-plain": {"messages": [{"role": "user", "content": "Say hi"}], "model": "gemma-4-12b"},
    "chat-python-parse": {
        "model": "m", "messages": [{"role": "developer", "content": "Extract."}, {"role": "user", "content": "Ann is 5"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "Person", "strict": True, "schema": {
            "type": "object", "properties": {"name": STRING, "age": {"type": "integer"}}, "required": ["name", "age"],
            "additionalProperties": False}}}},
    "chat-python-sampling": {
        "model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": 0.2, "top_p": 0.9, "seed": 7, "n": 2,
        "stop": ["\n\n", "END"], "presence_penalty": 0.5, "frequency_penalty": -0.5, "logit_bias": {"50256": -100},
        "logprobs": True, "top_logprobs": 3, "max_completion_tokens": 50, "max_tokens": 80, "user": "u-1",
        "top_k": 20, "min_p": 0.05},
    "chat-python-audio": {"model": "m", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is said?"}, {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}]}]},
    "chat-python-detail": {"model": "m", "messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": DATA_URL, "detail": "low"}}, {"type": "text", "text": "and"},
        {"type": "image_url", "image_url": {"url": DATA_URL, "detail": "high"}}]}]},
    "chat-python-allowed-tools": {"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": [READ, BASH, WRITE],
                                  "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
                                      {"type": "function", "function": {"name": "read"}}]}}},
    "chat-python-named-tool": {"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": [READ, BASH],
                               "tool_choice": {"type": "function", "function": {"name": "bash"}}, "parallel_tool_calls": False},
    "chat-thinking-off": {"model": "m", "messages": [{"role": "user", "content": "x"}],
                          "chat_template_kwargs": {"enable_thinking": False}, "image_budget": 560},
    "completions-python": {"model": "m", "prompt": "Once upon", "max_tokens": 20, "logprobs": 2, "stop": "\n"},
    "completions-echo": {"model": "m", "prompt": ["a"], "echo": True, "n": 2, "best_of": 2, "stream": True},
}
CODEX_TOOLS = [
    {"type": "function", "name": "exec_command", "description": "Runs a command in a PTY.", "strict": False,
     "parameters": {"type": "object", "properties": {"cmd": STRING, "workdir": STRING}, "required": ["cmd"], "additionalProperties": False}},
    {"type": "function", "name": "view_image", "description": "Shows a picture.", "strict": False,
     "parameters": {"type": "object", "properties": {"path": STRING}, "required": ["path"]}},
    {"type": "namespace", "name": "multi_agent_v1", "description": "Helpers", "tools": [
        {"type": "function", "name": "spawn_agent", "parameters": {"type": "object", "properties": {"message": STRING}}}]},
    {"type": "custom", "name": "apply_patch", "description": "Edits", "format": {"type": "grammar", "syntax": "lark", "definition": "start: x"}},
    {"type": "web_search", "external_web_access": False},
]


def message(role, text, kind="input_text"):
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def codex(items):
    return {"model": "gemma-4-12b", "instructions": "", "stream": True, "store": False, "tool_choice": "auto", "parallel_tool_calls": True,
            "reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"], "prompt_cache_key": "0199-ab",
            "client_metadata": {"origin": "exec"}, "tools": CODEX_TOOLS,
            "input": [message("developer", "<permissions instructions>"), message("developer", "<skills>"),
                      message("user", "<environment_context>"), message("user", "count the rows")] + items}


COMMAND = {"type": "function_call", "id": "fc_r1_1", "call_id": "call_r1_1", "name": "exec_command",
           "arguments": "{\"cmd\":\"wc -l sales.csv\"}", "status": "completed"}
responses = {
    "responses-codex-first": codex([]),
    "responses-codex-after-a-call": codex([
        {"type": "reasoning", "id": "rs_r1_0", "summary": [{"type": "summary_text", "text": "I count lines."}], "encrypted_content": None},
        COMMAND, {"type": "function_call_output", "call_id": "call_r1_1", "output": "Exit code: 0\n41 sales.csv"}]),
    "responses-codex-two-calls-and-an-image": codex([
        message("assistant", "I look.", "output_text"), COMMAND,
        {"type": "function_call", "call_id": "call_r1_2", "name": "view_image", "arguments": "{\"path\":\"a.png\"}"},
        {"type": "function_call_output", "call_id": "call_r1_1", "output": "41"},
        {"type": "function_call_output", "call_id": "call_r1_2", "output": [{"type": "input_image", "image_url": DATA_URL}]}]),
    "responses-python-plain": {"model": "m", "input": "hi", "instructions": "Be short.", "max_output_tokens": 100, "temperature": 0},
    "responses-python-parse": {"model": "m", "input": [{"role": "user", "content": "Ann is 5"}],
                               "text": {"format": {"type": "json_schema", "name": "P", "strict": True, "schema": {
                                   "type": "object", "properties": {"z": STRING, "a": STRING}, "required": ["z", "a"], "additionalProperties": False}}}},
    "responses-python-named-tool": {"model": "m", "input": "hi", "tools": CODEX_TOOLS[:2], "reasoning": {"effort": "medium"},
                                    "tool_choice": {"type": "function", "name": "view_image"}},
}
messages = {
    "messages-python-plain": {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]},
    "messages-agent": {
        "model": "m", "max_tokens": 8000, "stream": True, "metadata": {"user_id": "session_1"},
        "system": [{"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "Rules."}],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tools": [{"name": "Read", "description": "Reads.", "input_schema": READ["function"]["parameters"]}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "look", "cache_control": {"type": "ephemeral"}}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "Two files.", "signature": ""},
                                              {"type": "text", "text": "I read both."},
                                              {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"filePath": "/a"}},
                                              {"type": "tool_use", "id": "toolu_2", "name": "Read", "input": {"filePath": "/b"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "A"}, {"type": "image", "source": {
                    "type": "base64", "media_type": "image/png", "data": PNG}}]},
                {"type": "tool_result", "tool_use_id": "toolu_2", "content": "no such file", "is_error": True},
                {"type": "text", "text": "go on"}]}]},
    "messages-stop-and-tool": {"model": "m", "max_tokens": 10, "stop_sequences": ["STOP"], "top_k": 5, "messages": [{"role": "user", "content": "x"}],
                               "tools": [{"type": "custom", "name": "f", "input_schema": {"type": "object", "properties": {}}}],
                               "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}},
}
here.mkdir(exist_ok=True)
for name, body in {**chats, **responses, **messages}.items():
    (here / (name + ".json")).write_text(json.dumps(body, ensure_ascii=False) + "\n")
