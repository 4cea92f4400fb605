"""Packs the official JSON Schema test suite, draft 2020-12, into suite.json.

usage: make.py FOLDER, a checkout of github.com/json-schema-org/JSON-Schema-Test-Suite

Left out: refRemote, vocabulary, cross-draft and format-assertion, which need documents outside the
schema, and formats that are not known to our grammars. Descriptions of groups stay,
those of single tests do not.
"""
import json
import pathlib
import sys

LEFT_OUT = {"refRemote", "vocabulary", "optional/cross-draft", "optional/format-assertion",
            "optional/format/idn-email",
            "optional/format/idn-hostname", "optional/format/iri", "optional/format/iri-reference",
            "optional/format/uri-template", "optional/format/regex",
            "optional/format/ecmascript-regex"}
root = pathlib.Path(sys.argv[1]) / "tests" / "draft2020-12"
suite = {}
for path in sorted(root.rglob("*.json")):
    name = str(path.relative_to(root))[:-5]
    if name in LEFT_OUT:
        continue
    suite[name] = [{"description": group["description"], "schema": group["schema"],
                    "tests": [[test["data"], test["valid"]] for test in group["tests"]]}
                   for group in json.loads(path.read_text())]
here = pathlib.Path(__file__).parent
text = "{\n" + ",\n".join(json.dumps(name) + ": " + json.dumps(groups, ensure_ascii=False, separators=(",", ":"))
                          for name, groups in suite.items()) + "\n}\n"
(here / "suite.json").write_text(text)
print(len(text), "bytes,", sum(map(len, suite.values())), "schemas")
