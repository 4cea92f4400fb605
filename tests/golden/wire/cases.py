"""Writes cases.json: for every field of fields.json and our own what is accepted and what is refused. Written by hand
after the protocols' documentation; the test sets each value in a smallest request.

    python3 cases.py > cases.json
"""
import json

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
USER = {"role": "user", "content": "hi"}
SCHEMA = {"type": "object", "properties": {"b": {"type": "integer"}, "a": {"type": "string"}}}


def both(accepted=(), refused=()):
    return {"accepted": list(accepted), "refused": list(refused)}


sampler = {
    "temperature": both([0, 0.7, 2, None], [-0.1, 2.1, "1", True, 1e300]),
    "top_p": both([0, 0.5, 1], [1.5, -1, "x"]),
    "presence_penalty": both([-2, 0, 2], [2.5, "x"]),
    "frequency_penalty": both([-2, 0, 2], [-3, []]),
    "seed": both([0, -1, 9223372036854775807, 3.0], [0.5, "7", 1e30]),
    "logit_bias": both([{}, {"5": -100, "7": 1.5}], [{"x": 1}, {"5": 101}, {"5": "a"}, {"-1": 1}, {"99999999999": 1}, []]),
}
own = {
    "top_k": both([0, 40, -1], [-2, 1.5, "x"]),
    "min_p": both([0, 0.1, 1], [1.1, -0.1]),
    "repetition_penalty": both([1, 1.3], [0, -1, "x"]),
    "image_budget": both([70, 140, 280, 560, 1120], [71, 0, "70"]),
    "include_reasoning": both([True, False], [1]),
    "enable_thinking": both([True, False], ["true", 1]),
    "thinking_budget": both([0, 100], [-1, "x"]),
    "chat_template_kwargs": both([{}, {"enable_thinking": True}, {"thinking_budget": 5}],
                                 [{"enable_thinking": 1}, {"other": 1}, []]),
}
identity = {
    "user": both(["u"], [1]),
    "metadata": both([{"a": "b"}], ["x"]),
    "store": both([False, None], [True, "x"]),
    "service_tier": both(["auto", "default"], [1]),
    "safety_identifier": both(["x"], [1]),
    "prompt_cache_key": both(["k"], [1]),
    "prompt_cache_retention": both(["24h"]),
    "prompt_cache_options": both([{}]),
}
stream = {
    "stream": both([True, False], ["true", 1]),
    "stream_options": both([{}, {"include_usage": True}, {"include_obfuscation": False}],
                           [{"include_obfuscation": True}, {"other": 1}, {"include_usage": 1}, True]),
}
stop = both([None, "x", ["a", "b"], []], ["", [""], [1], ["x"] * 17, "y" * 257, 5])
tokens = both([1, 4096, -1], [0, -2, 1.5, "x", 1e12])
n = both([1, 8, None], [0, 9, "x"])
cases = {
    "chat": {
        **sampler, **own, **identity, **stream, "stop": stop, "n": n, "max_tokens": tokens, "max_completion_tokens": tokens,
        "model": both(["m", None], [5]),
        "messages": both([[USER]], [None, [], "x", [5], [{"role": "user"}], [{"role": "king", "content": ""}],
                                    [{"content": "x"}], [{"role": "user", "content": 5}],
                                    [{"role": "user", "content": [{"type": "file", "file": {}}]}],
                                    [{"role": "user", "content": [{"type": "video_url", "video_url": {"url": "x"}}]}],
                                    [{"role": "system", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]]),
        "logprobs": both([True, False], [1, "x"]),
        "top_logprobs": both([0], [5, 21, -1, "x"]),
        "tools": both([[], [TOOL], [{**TOOL, "function": {"name": "a.b-c_1", "description": "d", "strict": True}}]],
                      [{}, [5], [{"type": "custom", "custom": {"name": "x"}}], [{"type": "function"}], [TOOL, TOOL],
                       [{**TOOL, "function": {"name": "a b"}}], [{**TOOL, "function": {"name": ""}}],
                       [{**TOOL, "function": {"name": "f", "parameters": 5}}],
                       [{**TOOL, "function": {"name": "f", "strict": "yes"}}]]),
        "tool_choice": both(["auto", "none"], ["required", "sometimes", 5, {"type": "function", "function": {"name": "f"}},
                                               {"type": "custom", "custom": {"name": "f"}}]),
        "parallel_tool_calls": both([True, False], [1]),
        "response_format": both([{"type": "text"}, {"type": "json_object"},
                                 {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}}],
                                [{"type": "grammar"}, {}, "json", {"type": "json_schema"}, {"type": "text", "x": 1},
                                 {"type": "json_schema", "json_schema": {"name": "n"}},
                                 {"type": "json_schema", "json_schema": {"name": "n", "schema": 5}},
                                 {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "other": 1}}]),
        "reasoning_effort": both(["none", "minimal", "low", "medium", "high", "xhigh", "max"], ["lots", 5]),
        "thinking": both([{"type": "enabled", "budget_tokens": 5}, {"type": "disabled"}, {"type": "adaptive"}],
                         [{"type": "maybe"}, {}, {"type": "enabled", "budget_tokens": 0}, {"type": "disabled", "x": 1}, True]),
        "modalities": both([["text"]], [["text", "audio"], ["audio"], "text"]),
        "verbosity": both(["medium"], ["low", "high", "x"]),
        "prediction": both([{"type": "content", "content": "x"}], [{"type": "x"}, 5]),
        "audio": both([None], [{"voice": "x"}]),
        "functions": both([None], [[{"name": "f"}]]),
        "function_call": both([None], ["auto"]),
        "web_search_options": both([None], [{}]),
        "moderation": both([None], [{}, "x"]),
    },
    "completions": {
        **sampler, **own, **identity, **stream, "stop": stop, "n": n, "max_tokens": tokens,
        "enable_thinking": None, "thinking_budget": None, "chat_template_kwargs": None,
        "model": both(["m"], [5]),
        "prompt": both(["x", ["x"]], [None, "", [], ["a", "b"], [1, 2], 5]),
        "best_of": both([1], [2, 0]),
        "echo": both([True, False], [1]),
        "logprobs": both([0, 5, None], [True, 21, -1]),
        "suffix": both([None, ""], ["x", 5]),
    },
    "responses": {
        **sampler, **own, **identity, **stream, "stop": stop, "max_output_tokens": tokens,
        "model": both(["m"], [5]),
        "input": both(["hi", [USER], [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}]],
                      [None, [], 5, [5], [{"type": "item_reference", "id": "x"}], [{"role": "tool", "content": "x"}],
                       [{"type": "function_call_output", "call_id": "c", "output": "x"}],
                       [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{"}],
                       [{"role": "user", "content": [{"type": "input_file", "file_id": "x"}]}],
                       [{"role": "user", "content": [{"type": "input_image", "file_id": "x"}]}]]),
        "instructions": both(["x", None], [5]),
        "include": both([[], ["reasoning.encrypted_content"], ["message.output_text.logprobs"]],
                        [["file_search_call.results"], "x", [5]]),
        "top_logprobs": both([0, 20], [21, -1, "x"]),
        "tools": both([[], [{"type": "function", "name": "f", "parameters": {}}], [{"type": "web_search"}],
                       [{"type": "namespace", "name": "n", "tools": []}], [{"type": "custom", "name": "p"}],
                       [{"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}]}]],
                      [5, [{}], [5], [{"type": "function"}], [{"type": "function", "name": "a b"}],
                       [{"type": "namespace"}], [{"type": "namespace", "name": "n", "tools": [{"type": "function"}]}]]),
        "tool_choice": both(["auto", "none"], ["required", "x", {"type": "function", "name": "f"}, {"type": "mcp"}, {}]),
        "parallel_tool_calls": both([True, False], ["x"]),
        "text": both([{}, {"verbosity": "medium"}, {"format": {"type": "text"}}, {"format": {"type": "json_object"}},
                      {"format": {"type": "json_schema", "name": "n", "strict": True, "schema": SCHEMA}}],
                     [5, {"x": 1}, {"verbosity": "low"}, {"format": {"type": "x"}}, {"format": {"type": "json_schema"}},
                      {"format": {"type": "text", "x": 1}}]),
        "reasoning": both([{}, {"effort": "none"}, {"effort": "high", "summary": "auto"}, {"generate_summary": "auto"},
                           {"mode": "standard"}, {"context": "auto"}],
                          [5, {"effort": "x"}, {"summary": "x"}, {"x": 1}, {"mode": "pro"}, {"context": "all_turns"}]),
        "previous_response_id": both([None], ["resp_1"]),
        "conversation": both([None], ["conv_1", {"id": "x"}]),
        "prompt": both([None], [{"id": "x"}]),
        "background": both([False, None], [True, "x"]),
        "truncation": both(["disabled", None], ["auto", "x"]),
        "max_tool_calls": both([None], [3]),
        "access_programs": both([None], [[]]), "background_options": both([None], [{}]), "image": both([None], [{}]),
        "context_management": both([None], [[]]), "moderation": both([None], [{}]),
        "client_metadata": both([{"a": "b"}]),
    },
    "messages": {
        **{k: v for k, v in sampler.items()}, **own,
        "model": both(["m"], [5]), "max_tokens": both([1, 4096], [None, 0, "x"]), "stream": stream["stream"],
        "stop_sequences": stop,
        "messages": both([[USER]], [None, [], "x", [5], [{"role": "user"}], [USER, {"role": "assistant", "content": "x"}],
                                    [{"role": "user", "content": []}], [{"role": "user", "content": [{"type": "document"}]}],
                                    [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}],
                                    [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}],
                                    [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "http://x"}}]}]]),
        "system": both(["x", [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}], None],
                       [5, [{"type": "image"}], [5]]),
        "metadata": both([{"user_id": "u"}], ["x", {"user_id": 5}]),
        "service_tier": both(["auto", "standard_only"], ["x"]),
        "speed": both(["standard"], ["fast"]),
        "thinking": both([{"type": "enabled", "budget_tokens": 1024}, {"type": "disabled"}, {"type": "adaptive", "display": "omitted"}],
                         [{"type": "x"}, {}, {"type": "enabled", "budget_tokens": 0}, {"type": "between_tools"}, 5]),
        "tools": both([[], [{"name": "f", "input_schema": {"type": "object"}, "cache_control": {"type": "ephemeral"}}]],
                      [5, [{}], [{"name": "f"}], [{"type": "bash_20250124", "name": "bash"}], [{"name": "a b", "input_schema": {}}]]),
        "tool_choice": both([{"type": "auto"}, {"type": "none"}, {"type": "auto", "disable_parallel_tool_use": True}],
                            [{"type": "any"}, {"type": "tool", "name": "f"}, {"type": "x"}, {}, "auto", {"type": "auto", "x": 1}]),
        "output_config": both([{}, {"effort": "low"}, {"format": {"type": "json_schema", "schema": SCHEMA}}],
                              [5, {"effort": "x"}, {"x": 1}, {"format": {"type": "x"}}, {"format": {"type": "json_schema"}}]),
        "cache_control": both([{"type": "ephemeral"}]), "inference_geo": both(["eu"]), "diagnostics": both([{}]),
        "user_profile_id": both(["x"]), "workspace_id": both(["x"]),
        "container": both([None], ["x"]), "mcp_servers": both([None], [[]]), "context_management": both([None, {}]),
    },
    "embeddings": {
        "input": both(["x", ["a", "b"], [1, 2, 3], [[1], [2, 3]]],
                      [None, "", [], [""], 5, [{}], ["a", [1]], [1, "a"], [-1], [1.5], [[]], ["x"] * 257]),
        "model": both(["m"], [5]),
        "encoding_format": both(["float", "base64"], ["hex", 5]),
        "dimensions": both([8, None], [0, "x"]),
        "user": both(["u"]),
    },
    "transcriptions": {
        "file": both(["RIFF"], [None, ""]),
        "model": both(["m"]), "language": both(["en"], ["x" * 33]), "prompt": both(["p"]),
        "response_format": both(["json", "text", "verbose_json"], ["srt", "vtt", "diarized_json"]),
        "temperature": both(["0", "0.5"], ["2", "x"]),
        "stream": both(["true", "false"], ["maybe"]),
        "chunking_strategy": both(["auto"], ["x"]),
        "timestamp_granularities": both([], [["word"], ["segment"]]),
        "include": both([], [["logprobs"]]), "keywords": both([], [["x"]]), "languages": both([], [["en"]]),
        "known_speaker_names": both([], [["x"]]), "known_speaker_references": both([], [["x"]]),
    },
}
for fields in cases.values():
    for name in [k for k, v in fields.items() if v is None]:
        del fields[name]
print(json.dumps(cases, separators=(",", ":")).replace('},"', '},\n"'))
