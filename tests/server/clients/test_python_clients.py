#!/usr/bin/env python3
"""The Python packages `openai` and `anthropic` against the real server with a scripted model."""
import json
import sys
import tempfile
from pathlib import Path

from scripted import CLIENTS, END, WAIT, Server, call, main, skip, thought

PROGRAM = str(Path(sys.argv[1]).resolve())
sys.path.insert(0, str(CLIENTS / "python"))
try:
    import anthropic
    import openai
    from pydantic import BaseModel
except ImportError:
    skip("the Python packages are not here")

TOOL = {"type": "function", "function": {"name": "add", "description": "adds", "parameters": {
    "type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]}}}


def with_server(rules, use):
    with tempfile.TemporaryDirectory() as folder, Server(PROGRAM, folder, rules) as server:
        with openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="x", max_retries=0) as client:
            use(client)
        return server.requests()


def user(text):
    return [{"role": "user", "content": text}]


def models():
    def use(client):
        assert [m.id for m in client.models.list()] == ["scripted"]
        assert client.models.retrieve("scripted").id == "scripted"
        try:
            client.models.retrieve("gpt")
            raise AssertionError("an unknown model was found")
        except openai.NotFoundError as error:
            assert error.code == "model_not_found"
    with_server([], use)


def chat_whole_and_streamed():
    def use(client):
        whole = client.chat.completions.create(model="scripted", messages=user("hi"), seed=1, temperature=0.5)
        assert whole.choices[0].message.content == "Hello wörld." and whole.choices[0].finish_reason == "stop"
        assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens > 1
        parts = list(client.chat.completions.create(model="scripted", messages=user("hi"), stream=True,
                                                    stream_options={"include_usage": True}))
        assert "".join(p.choices[0].delta.content or "" for p in parts if p.choices) == "Hello wörld."
        assert parts[-1].usage.prompt_tokens == whole.usage.prompt_tokens and not parts[-1].choices
        with client.chat.completions.stream(model="scripted", messages=user("hi")) as stream:
            assert stream.get_final_completion().choices[0].message.content == "Hello wörld."
    with_server([{"when": "hi", "times": 3, "reply": "Hello wörld." + END}], use)


def chat_with_tools():
    reply = thought("Adding.") + call("add", a="1", b='2 "two" \\ ü') + call("add", a="3", b="") + WAIT

    def use(client):
        whole = client.chat.completions.create(model="scripted", messages=user("add"), tools=[TOOL])
        calls = whole.choices[0].message.tool_calls
        assert whole.choices[0].finish_reason == "tool_calls" and len({c.id for c in calls}) == 2
        assert json.loads(calls[0].function.arguments) == {"a": "1", "b": '2 "two" \\ ü'}
        assert whole.choices[0].message.reasoning_content == "Adding."
        with client.chat.completions.stream(model="scripted", messages=user("add"), tools=[TOOL]) as stream:
            final = stream.get_final_completion().choices[0].message.tool_calls
        assert [json.loads(c.function.arguments) for c in final] == [json.loads(c.function.arguments) for c in calls]
        back = client.chat.completions.create(model="scripted", tools=[TOOL], messages=[
            *user("add"), whole.choices[0].message.model_dump(exclude_none=True),
            *({"role": "tool", "tool_call_id": c.id, "content": "3"} for c in calls)])
        assert back.choices[0].message.content == "Three."
    requests = with_server([{"when": "add", "times": 2, "reply": reply}, {"when": "3", "reply": "Three." + END}], use)
    history = requests[-1]["messages"]
    assert [m["role"] for m in history] == ["user", "model", "tool", "tool"] and len(history[1]["calls"]) == 2


def structured_output():
    class Point(BaseModel):
        x: int
        name: str

    def use(client):
        done = client.chat.completions.parse(model="scripted", messages=user("point"), response_format=Point)
        assert done.choices[0].message.parsed == Point(x=1, name="a")
    with_server([{"when": "point", "reply": '{"x": 1, "name": "a"}' + END}], use)


def several_choices_and_a_cut_reply():
    def use(client):
        done = client.chat.completions.create(model="scripted", messages=user("hi"), n=3)
        assert [c.message.content for c in done.choices] == ["Hello."] * 3 and [c.index for c in done.choices] == [0, 1, 2]
        assert client.chat.completions.create(model="scripted", messages=user("cut")).choices[0].finish_reason == "length"
    with_server([{"when": "hi", "reply": "Hello." + END}, {"when": "cut", "reply": "Half an", "cut": True}], use)


def responses_whole_and_streamed():
    tool = {"type": "function", "name": "add", "parameters": TOOL["function"]["parameters"], "strict": False}

    def use(client):
        whole = client.responses.create(model="scripted", input="hi", store=False)
        assert whole.output_text == "Hello." and whole.status == "completed" and whole.usage.output_tokens > 0
        with client.responses.stream(model="scripted", input="hi", store=False) as stream:
            kinds = [event.type for event in stream]
            assert stream.get_final_response().output_text == "Hello."
        assert kinds[0] == "response.created" and kinds[-1] == "response.completed", kinds
        made = client.responses.create(model="scripted", input="add", tools=[tool], store=False)
        one = next(item for item in made.output if item.type == "function_call")
        assert json.loads(one.arguments) == {"a": "1", "b": "2"}
        back = client.responses.create(model="scripted", store=False, tools=[tool], input=[
            {"role": "user", "content": "add"}, one.model_dump(exclude_none=True),
            {"type": "function_call_output", "call_id": one.call_id, "output": "3"}])
        assert back.output_text == "Three."
    with_server([{"when": "hi", "times": 2, "reply": "Hello." + END}, {"when": "add", "reply": call("add", a="1", b="2") + WAIT},
                 {"when": "3", "reply": "Three." + END}], use)


def transcription_and_embeddings():
    def use(client):
        file = ("a.wav", b"RIFF....", "audio/x-wav")
        assert client.audio.transcriptions.create(model="scripted", file=file).text == "hello world"
        kinds = [e.type for e in client.audio.transcriptions.create(model="scripted", file=file, stream=True)]
        assert kinds == ["transcript.text.delta"] * 2 + ["transcript.text.done"], kinds
        vectors = client.embeddings.create(model="scripted", input=["a", "bc"])  # asks for base64
        assert len(vectors.data) == 2 and abs(vectors.data[0].embedding[1] - 0.8) < 1e-6
        assert client.completions.create(model="scripted", prompt="Once", max_tokens=5).choices[0].text == " upon"
    with_server([{"when": "Once", "reply": " upon" + END}], use)


def errors_are_the_clients_own():
    def use(client):
        for wrong in ({"top_p": 3}, {"messages": []}, {"n": 100}, {"extra_body": {"nonsense": 1}},
                      {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]},
                      {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1/a.png"}}]}]}):
            try:
                client.chat.completions.create(**{"model": "scripted", "messages": user("hi"), **wrong})
                raise AssertionError(f"accepted {wrong}")
            except openai.BadRequestError as error:
                assert error.param or "nonsense" in str(error), error
        try:
            client.chat.completions.create(model="scripted", messages=user("x" * 200000))
            raise AssertionError("more than the context was accepted")
        except openai.BadRequestError as error:
            assert error.code == "context_length_exceeded"
    with_server([], use)


def anthropic_messages():
    tool = {"name": "add", "description": "adds", "input_schema": TOOL["function"]["parameters"]}
    with tempfile.TemporaryDirectory() as folder, Server(PROGRAM, folder, [
            {"when": "hi", "times": 2, "reply": "Hello." + END},
            {"when": "add", "times": 2, "reply": "I add." + call("add", a="1", b="2") + WAIT},
            {"when": "3", "reply": "Three." + END}]) as server:
        with anthropic.Anthropic(base_url=f"http://127.0.0.1:{server.port}", api_key="x", max_retries=0) as client:
            whole = client.messages.create(model="scripted", max_tokens=50, system="Be short.", messages=user("hi"))
            assert whole.content[0].text == "Hello." and whole.stop_reason == "end_turn"
            with client.messages.stream(model="scripted", max_tokens=50, messages=user("hi")) as stream:
                assert stream.get_final_text() == "Hello."
            made = client.messages.create(model="scripted", max_tokens=50, messages=user("add"), tools=[tool])
            assert made.stop_reason == "tool_use" and made.content[-1].input == {"a": "1", "b": "2"}, made
            with client.messages.stream(model="scripted", max_tokens=50, messages=user("add"), tools=[tool]) as stream:
                streamed = stream.get_final_message()
            assert [b.type for b in streamed.content] == [b.type for b in made.content]
            assert streamed.content[-1].input == made.content[-1].input
            back = client.messages.create(model="scripted", max_tokens=50, tools=[tool], messages=[
                *user("add"), {"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in made.content]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": made.content[-1].id, "content": "3"}]}])
            assert back.content[0].text == "Three."
            try:
                client.messages.create(model="scripted", max_tokens=50, messages=user("hi"), extra_body={"top_k": -3})
                raise AssertionError("top_k -3 was accepted")
            except anthropic.BadRequestError:
                pass


main(models, chat_whole_and_streamed, chat_with_tools, structured_output, several_choices_and_a_cut_reply,
     responses_whole_and_streamed, transcription_and_embeddings, errors_are_the_clients_own, anthropic_messages)
