"""Tests of the training data generator: python3 -m unittest tests/recipes/test_recipe.py"""
import json
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "recipes"))

import lua  # noqa: E402
import make_data  # noqa: E402
import tables  # noqa: E402
from tables import Table, format_number  # noqa: E402

NUMBER = re.compile(r"\d+(?:\.\d+)?")
PHRASE = re.compile(r"[^ =;A-Z\x00-\x1f\x7f]+( [^ =;A-Z\x00-\x1f\x7f]+){0,5}\Z")
NEW = {"count", "share", "year", "month", "quarter", "month_name", "weekday", "file", "value", "total", "difference", "ratio", "series"}


def made(seed, count, split="train"):
    return list(make_data.examples(seed, count, split))


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.examples = made(11, 400) + made(12, 150, "eval")

    def test_same_seed_same_text(self):
        a = [json.dumps(m) for _, m, _, _ in made(3, 60)]
        b = [json.dumps(m) for _, m, _, _ in made(3, 60)]
        self.assertEqual(a, b)
        self.assertNotEqual(a, [json.dumps(m) for _, m, _, _ in made(4, 60)])

    def test_no_domain_is_in_both_splits(self):
        train = {d["domain"] for d in make_data.domains_of("train")}
        held_out = {d["domain"] for d in make_data.domains_of("eval")}
        self.assertGreaterEqual(len(held_out), 6)
        self.assertFalse(train & held_out)

    def test_order_of_messages(self):
        for _, messages, kind, _ in self.examples:
            roles = [m["role"] for m in messages]
            self.assertEqual(roles[:2], ["user", "assistant"])
            if messages[1]["tool_calls"][0]["function"]["name"] == "decline":
                self.assertEqual(roles, ["user", "assistant"])
            elif kind == "repair":
                self.assertEqual(roles, ["user", "assistant", "tool", "assistant", "tool", "assistant"])
                self.assertIs(messages[1]["train"], False)
                self.assertIn("error: ", messages[2]["content"])
            else:
                self.assertEqual(roles, ["user", "assistant", "tool", "assistant"])

    def test_numbers_of_answers_are_observed_or_asked(self):
        for _, messages, _, _ in self.examples:
            if messages[-1]["role"] != "assistant" or "tool_calls" in messages[-1]:
                continue
            seen = set(NUMBER.findall(messages[-2]["content"])) | set(NUMBER.findall(messages[0]["content"]))
            self.assertTrue(set(NUMBER.findall(messages[-1]["content"])) <= seen, messages[-1]["content"])

    def test_plans_name_what_exists(self):
        for w, messages, _, _ in self.examples:
            plan = messages[1]["content"]
            call = messages[1]["tool_calls"][0]["function"]["name"]
            columns = {}
            for f in w.tables:
                for name, kind, values in zip(f.table.names, f.table.types, f.table.data):
                    columns.setdefault(name, set()).update(tables.cell_text(v) for v in values if v is not None)
            declined = False
            for part in plan.split("; "):
                phrase, target = part.split("=", 1)
                self.assertRegex(phrase, PHRASE)
                if target in ("none", "outside"):
                    declined = True
                elif target not in columns and target != "rows" and target not in w.files:
                    name = max((c for c in columns if target.startswith(c + ":")), key=len, default=None)
                    self.assertIsNotNone(name, plan)
                    value = target[len(name) + 1:]
                    known = columns[name]
                    self.assertTrue(value in known or re.fullmatch(r"-?\d+(\.\d+)?|\d{4}(-\d\d){0,2}", value), plan)
            self.assertEqual(declined, call == "decline", plan)

    def test_scripts_read_as_written(self):
        for w, messages, _, _ in self.examples:
            for i, m in enumerate(messages):
                if m["role"] == "assistant" and m.get("tool_calls") and m["tool_calls"][0]["function"]["name"] == "run_lua":
                    code = m["tool_calls"][0]["function"]["arguments"]["code"]
                    self.assertEqual(lua.run(code, dict(w.files)), messages[i + 1]["content"])
                    self.assertLessEqual(code.count("\n"), 4)
                    last = code.split("\n")[-1]
                    self.assertTrue(last.startswith(("print(", "chart.")) or ":save(" in last, code)

    def test_profiles_of_written_files(self):
        for w, _, _, _ in self.examples[:120]:
            for f in w.tables:
                again = tables.read_table(f.path, make_data.file_text(f))
                self.assertEqual(tables.profile(f.path, again), tables.profile(f.path, f.table))


class NumberText(unittest.TestCase):
    def test_digits(self):
        for value, text in ((5076.0163, "5076.02"), (3, "3"), (3.0, "3"), (31.25, "31.25"), (0.12345, "0.1235"), (1234567, "1234567"), (-2.5, "-2.5"), (1.0004, "1"), (float("nan"), ""), (0.00001234, "1.234e-05")):
            self.assertEqual(format_number(value), text)


class Scripts(unittest.TestCase):
    def setUp(self):
        self.files = {"a.csv": Table(["name", "day", "x"], ["text", "date", "number"], [["u", "v", "u"], ["2020-01-05", "2020-02-01", "2021-01-01"], [1, 2, None]])}

    def run_lua(self, code):
        return lua.run(code, dict(self.files))

    def test_groups_and_charts(self):
        self.assertEqual(self.run_lua('t = data.read("a.csv"):group("name"):count()\nprint(t)'), "name,count\nu,2\nv,1")
        self.assertEqual(self.run_lua('t = data.read("a.csv"):group("name"):sum("x")\nchart.bar(t, {x="name", y="x"})'), "chart.png: bar chart, 2 rows\nhighest x: v 2\nlowest x: u 1")
        self.assertEqual(self.run_lua('print(data.read("a.csv"):where("day", "==", "2020"):count())'), "2")

    def test_errors_name_what_exists(self):
        self.assertEqual(self.run_lua('print(data.read("a.csv"):sum("y"))'), 'error: line 1: sum: no column "y"; columns: name, day, x')
        self.assertIn('no file "b.csv"; files: a.csv', self.run_lua('print(data.read("b.csv"):count())'))


if __name__ == "__main__":
    unittest.main()
