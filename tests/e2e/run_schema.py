"""Checks lines of `tessera run --json` against docs/run-events.schema.json, by the keywords that the file uses; any other
keyword is an error, so that nothing in it goes unchecked."""
import json
import re
from pathlib import Path

SCHEMA = json.loads((Path(__file__).resolve().parents[2] / "docs" / "run-events.schema.json").read_text())
WORDS = {"$schema", "$id", "$defs", "title", "description"}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}


def problem(schema, value, at="line"):
    """What is wrong with a value, or None."""
    if "$ref" in schema:
        assert set(schema) == {"$ref"} and schema["$ref"].startswith("#/$defs/"), schema
        schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    unknown = set(schema) - WORDS - {"oneOf", "type", "const", "enum", "required", "additionalProperties", "properties", "items", "minimum", "pattern"}
    assert not unknown, f"the schema uses {unknown}, which is not checked"
    if "oneOf" in schema:
        why = [problem(one, value, at) for one in schema["oneOf"]]
        fits = why.count(None)
        return None if fits == 1 else f"{at} fits {fits} of the events: {why}"
    if "const" in schema and value != schema["const"]:
        return f"{at} is not {schema['const']}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{at} is none of {schema['enum']}"
    if "type" in schema and (not isinstance(value, TYPES[schema["type"]]) or isinstance(value, bool)):
        return f"{at} is no {schema['type']}"
    if "minimum" in schema and value < schema["minimum"]:
        return f"{at} is below {schema['minimum']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{at} does not match {schema['pattern']}"
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                return f"{at} has no {name}"
        for name, inner in value.items():
            if name not in schema.get("properties", {}):
                if schema.get("additionalProperties") is False:
                    return f"{at} has {name}"
                continue
            if wrong := problem(schema["properties"][name], inner, f"{at}.{name}"):
                return wrong
    if isinstance(value, list) and "items" in schema:
        for i, inner in enumerate(value):
            if wrong := problem(schema["items"], inner, f"{at}[{i}]"):
                return wrong
    return None


def check(text):
    """The lines of a run as events. Each fits the schema, and the last alone is a result."""
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        assert (wrong := problem(SCHEMA, event)) is None, (wrong, event)
    assert [e["type"] == "result" for e in events] == [False] * (len(events) - 1) + [True], events
    return events


for bad in ({"type": "plan"}, {"type": "call", "tool": "x", "arguments": []}, {"type": "other", "text": ""},
            {"type": "result", "status": "fine", "answer": "", "artifacts": [], "charts": [], "usage": {}}):
    assert problem(SCHEMA, bad), bad
