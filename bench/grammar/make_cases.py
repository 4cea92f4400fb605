"""Writes cases.json: tool sets and schemas with replies that fit them, for bench/grammar/masks.cpp.

The ten tools have the names and fields of OpenCode's; their descriptions are not needed here.
"""
import json
import pathlib

S, N, B = {"type": "string"}, {"type": "number"}, {"type": "boolean"}


def obj(properties, required=None):
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": properties,
            "required": list(properties) if required is None else required, "additionalProperties": False}


def tool(name, properties, required=None):
    return {"name": name, "parameters": obj(properties, required)}


TOOLS = [
    tool("bash", {"command": S, "timeout": N, "workdir": S, "description": S}, ["command", "description"]),
    tool("edit", {"filePath": S, "oldString": S, "newString": S, "replaceAll": B}, ["filePath", "oldString", "newString"]),
    tool("glob", {"pattern": S, "path": S}, ["pattern"]),
    tool("grep", {"pattern": S, "path": S, "include": S}, ["pattern"]),
    tool("read", {"filePath": S, "offset": {"type": "integer", "minimum": 0, "maximum": 9007199254740991}, "limit": {"type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991}}, ["filePath"]),
    tool("skill", {"name": S}),
    tool("task", {"description": S, "prompt": S, "subagent_type": S, "task_id": S, "command": S}, ["description", "prompt", "subagent_type"]),
    tool("todowrite", {"todos": {"type": "array", "items": {"type": "object", "properties": {"content": S, "status": {"type": "string", "enum": ["pending", "in_progress", "completed", "cancelled"]}, "priority": {"type": "string", "enum": ["high", "medium", "low"]}}, "required": ["content", "status", "priority"], "additionalProperties": False}}}),
    tool("webfetch", {"url": S, "format": {"type": "string", "enum": ["text", "markdown", "html"], "default": "markdown"}, "timeout": N}, ["url", "format"]),
    tool("write", {"content": S, "filePath": S}),
]
SCRIPT = "import csv\nimport statistics\n\nwith open('sales.csv', newline='') as f:\n    rows = list(csv.DictReader(f))\n\n" + "".join(
    f"def column_{i}(rows):\n    \"\"\"Mean of column {i}, without the empty cells.\"\"\"\n    values = [float(r['c{i}']) for r in rows if r['c{i}']]\n    return statistics.mean(values) if values else None\n\n" for i in range(12)) + "print({'n': len(rows)})\n"
TEXT = ("I looked at the file: it has 1,204 rows and eleven columns. The largest month is August with 12.4 %, the smallest "
        "February. Prices are in euros, and three of them are missing (rows 17, 230 and 231).\n\n| month | sum |\n|---|---|\n| Aug | 48,120.50 |\n")


def call(name, **arguments):
    return {"name": name, "arguments": arguments}


AGENT = [
    {"text": "Let me look at the table first.", "calls": [call("read", filePath="/home/u/sales.csv", offset=0, limit=2000)]},
    {"text": "", "calls": [call("bash", command="grep -rn \"TODO\" src | wc -l && echo 'done'", description="Counts open points", timeout=120000)]},
    {"text": "", "calls": [call("write", content=SCRIPT, filePath="/home/u/means.py"), call("bash", command="python3 means.py", description="Runs it")]},
    {"text": "", "calls": [call("todowrite", todos=[{"content": f"Step {i}: check \"column {i}\"", "status": "pending", "priority": "high"} for i in range(5)])]},
    {"text": "", "calls": [call("edit", filePath="a.py", oldString="x = 1\n", newString="x = 2\ny = [x, {'a': 3}]\n", replaceAll=True), call("webfetch", url="https://example.org/a?b=c", format="markdown")]},
    {"text": TEXT, "calls": []},
]
INVOICE = obj({"number": S, "date": {"type": "string", "format": "date"}, "total": {"type": "number", "minimum": 0}, "currency": {"enum": ["EUR", "USD", "CHF"]},
               "positions": {"type": "array", "minItems": 1, "maxItems": 20, "items": obj({"text": {"type": "string", "maxLength": 80}, "count": {"type": "integer", "minimum": 1, "maximum": 9999}, "price": N})},
               "paid": {"type": ["boolean", "null"]}})
INVOICE_JSON = json.dumps({"number": "2024-117", "date": "2024-02-29", "total": 1204.5, "currency": "EUR", "positions": [
    {"text": f"Chair \"model {i}\", oak, Größe M", "count": i + 1, "price": 99.9} for i in range(6)], "paid": None}, ensure_ascii=False)
PEOPLE = {"type": "object", "properties": {"people": {"type": "array", "items": {"$ref": "#/$defs/person"}}}, "required": ["people"], "$defs": {
    "person": {"type": "object", "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0, "maximum": 130}, "email": {"type": "string", "format": "email"},
                                                "children": {"type": "array", "items": {"$ref": "#/$defs/person"}}}, "required": ["name"]}}}
PEOPLE_JSON = json.dumps({"people": [{"name": "Ada King", "age": 36, "email": "ada@example.org", "children": [{"name": "Byron"}, {"name": "Anne", "age": 3}]}, {"name": "Bo", "note": "extra", "tags": [1, 2.5, "x"]}]})
SHAPES = {"oneOf": [obj({"kind": {"const": "circle"}, "r": N}), obj({"kind": {"const": "box"}, "w": N, "h": N}), obj({"kind": {"const": "text"}, "text": S})]}
cases = [
    {"name": "ten tools, text or calls", "tools": TOOLS, "replies": AGENT},
    {"name": "ten tools, a call required", "tools": TOOLS, "choice": "required", "replies": [r for r in AGENT if r["calls"] and not r["text"]]},
    {"name": "ten tools or an invoice", "tools": TOOLS, "schema": INVOICE, "replies": [r for r in AGENT if r["calls"] and not r["text"]] + [{"text": INVOICE_JSON, "calls": []}]},
    {"name": "open arguments", "tools": [{"name": "run", "parameters": {"type": "object", "properties": {"code": S, "seed": {"type": "integer"}}, "required": ["code"]}}], "open": True,
     "replies": [{"text": "", "calls": [call("run", code=SCRIPT, seed=3, zeta={"a": [1, None, {"b c": "d"}]})]}]},
    {"name": "an invoice", "schema": INVOICE, "replies": [{"text": INVOICE_JSON, "calls": []}]},
    {"name": "people, recursive and open", "schema": PEOPLE, "replies": [{"text": PEOPLE_JSON, "calls": []}]},
    {"name": "one of three shapes", "schema": SHAPES, "replies": [{"text": json.dumps({"kind": "box", "w": 3, "h": 4.25}), "calls": []}, {"text": json.dumps({"kind": "text", "text": TEXT}), "calls": []}]},
    {"name": "any JSON object", "schema": {"type": "object"}, "replies": [{"text": json.dumps({"a": [1, 2, {"b": None}], "title": TEXT, "n": -1.5}), "calls": []}]},
]
text = json.dumps(cases, ensure_ascii=False, indent=1) + "\n"
(pathlib.Path(__file__).parent / "cases.json").write_text(text)
