#!/usr/bin/env python3
"""The ten examples: `tessera examples` lists and copies them, and what each script there makes is computed again here
from the same files, without Tessera. argv[1]: the program."""
import collections
import csv
import datetime
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml
import zipfile

PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
NAMES = sorted(p.name for p in EXAMPLES.iterdir() if p.is_dir())


def call(*args, **more):
    return subprocess.run([PROGRAM, *map(str, args)], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, **more)


def records(path, delimiter=","):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def workbook(path):
    """The first sheet of an XLSX file as records."""
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as book:
        shared = []
        if "xl/sharedStrings.xml" in book.namelist():
            shared = ["".join(t.text or "" for t in item.iterfind(".//m:t", space)) for item in xml.fromstring(book.read("xl/sharedStrings.xml"))]
        sheet = xml.fromstring(book.read("xl/worksheets/sheet1.xml"))
    rows = []
    for row in sheet.iterfind(".//m:row", space):
        cells = []
        for cell in row.iterfind("m:c", space):
            text = "".join(t.text or "" for t in cell.iterfind(".//m:t", space)) or cell.findtext("m:v", "", space)
            cells.append(shared[int(text)] if cell.get("t") == "s" else text)
        rows.append(cells)
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def totals(pairs):
    sums = collections.defaultdict(float)
    for key, value in pairs:
        sums[key] += value
    return dict(sums)


def grouped(pairs):
    lists = collections.defaultdict(list)
    for key, value in pairs:
        lists[key].append(value)
    return lists


class Examples(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)

    def solve(self, name):
        """Copies an example, runs its solution there, and gives the folder, what was said and the charts' specifications."""
        folder = self.root / name
        copied = call("examples", name, folder)
        self.assertEqual(copied.returncode, 0, copied.stderr)
        self.assertEqual((self.root / (name + ".md")).read_bytes(), (EXAMPLES / (name + ".md")).read_bytes())
        done = call("sandbox", "lua", "--json", "--workspace", folder, EXAMPLES / (name + ".lua"))
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        result = json.loads(done.stdout)
        specs = []
        for chart in result["charts"]:
            self.assertEqual(chart["warnings"], [], name)
            self.assertEqual((folder / chart["path"]).read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
            spec = self.root / (name + ".vl.json")
            spec.write_text(json.dumps(chart["spec"]))
            checked = call("chart", spec, "--check", "--json")
            self.assertEqual(json.loads(checked.stdout)["findings"], [], name)
            specs.append(chart["spec"])
        return folder, result, specs

    def drawn(self, spec, *key):
        """The rows of a chart: key columns to the one that is left."""
        rows = {}
        for row in spec["data"]["values"]:
            (value,) = (v for k, v in row.items() if k not in key)
            name = tuple(row[k] for k in key)
            self.assertNotIn(name, rows, "a row twice")
            rows[name if len(key) > 1 else name[0]] = value
        return rows

    def same(self, drawn, computed):
        self.assertEqual(set(drawn), set(computed))
        for key, value in computed.items():
            self.assertAlmostEqual(drawn[key], value, 6, key)

    def test_list_and_copy(self):
        self.assertEqual(len(NAMES), 10)
        listed = call("examples").stdout
        for name in NAMES:
            request = re.search(r"^> (.*)$", (EXAMPLES / (name + ".md")).read_text(), re.M).group(1)
            self.assertIn(name, listed)
            self.assertIn(request, listed)
        copied = call("examples", "sales", cwd=self.root)
        self.assertEqual(copied.returncode, 0, copied.stderr)
        self.assertIn("tessera run --workspace sales", copied.stdout)
        self.assertEqual((self.root / "sales/orders.csv").read_bytes(), (EXAMPLES / "sales/orders.csv").read_bytes())
        self.assertEqual(call("examples", "sales", cwd=self.root).returncode, 3, "a folder that is there is left alone")
        self.assertEqual(call("examples", "sales", ".", cwd=self.root).returncode, 2)
        for wrong in ["nothing", "../examples", ".", "sales/.."]:
            self.assertEqual(call("examples", wrong, cwd=self.root).returncode, 2, wrong)

    def test_names(self):
        folder, _, (spec,) = self.solve("names")
        top = {}
        for year in ("girls_2024", "girls_2025"):
            rows = sorted(records(folder / (year + ".csv")), key=lambda r: -int(r["count"]))[:10]
            top.update({(r["name"], year): int(r["count"]) for r in rows})
        self.same(self.drawn(spec, "name", "file"), top)

    def test_weather(self):
        folder, _, (spec,) = self.solve("weather")
        months = grouped((r["date"][:7], float(r["t_max_c"])) for r in records(folder / "daily.csv"))
        self.same(self.drawn(spec, "month"), {m: statistics.fmean(v) for m, v in months.items()})

    def test_sales(self):
        folder, _, (spec,) = self.solve("sales")
        rows = records(folder / "orders.csv")
        self.same(self.drawn(spec, "region"), totals((r["region"], int(r["quantity"]) * float(r["unit_price"])) for r in rows))

    def test_photos(self):
        names = sorted(p.name for p in (EXAMPLES / "photos").glob("*.jpg"))
        folder, _, _ = self.solve("photos")
        expected = sorted(f"{n[4:8]}/{n[8:10]}/{n}" for n in names)
        self.assertEqual(sorted(str(p.relative_to(folder)) for p in folder.rglob("*.jpg")), expected)
        self.assertEqual(call("undo", "--workspace", folder).returncode, 0)
        self.assertEqual(sorted(p.name for p in folder.glob("*.jpg")), names)

    def test_log(self):
        folder, _, (spec,) = self.solve("log")
        lines = [re.match(r'\S+ - - \[.*\] "GET (\S+) .*" (\d+) \d+$', line).groups() for line in (folder / "access.log").read_text().splitlines()]
        self.same(self.drawn(spec, "status"), collections.Counter(status for _, status in lines))
        failed = {(r["path"], r["status"]): int(r["count"]) for r in records(folder / "failed.csv")}
        self.assertEqual(failed, collections.Counter(pair for pair in lines if pair[1] >= "400"))
        page = (folder / "report.html").read_text()
        self.assertIn("data:image/png;base64,", page)
        self.assertIn("/old-page", page)

    def test_budget(self):
        folder, result, (spec,) = self.solve("budget")
        rows = records(folder / "spending.csv", ";")
        for row in rows:
            datetime.datetime.strptime(row["date"], "%d.%m.%Y")
        sums = totals((r["category"], float(r["amount"].replace(".", "").replace(",", "."))) for r in rows)
        self.same(self.drawn(spec, "category"), sums)
        self.assertIn(f"all {sum(sums.values()):.2f}".rstrip("0"), result["text"])

    def test_survey(self):
        folder, _, (spec,) = self.solve("survey")
        department = {r["person"]: r["department"] for r in records(folder / "staff.csv")}
        answers = grouped((department[r["person"]], float(r["satisfaction"])) for r in workbook(folder / "answers.xlsx"))
        self.same(self.drawn(spec, "department"), {d: statistics.fmean(v) for d, v in answers.items()})

    def test_duplicates(self):
        before = {p.relative_to(EXAMPLES / "duplicates"): p.read_bytes() for p in (EXAMPLES / "duplicates").rglob("*") if p.is_file()}
        folder, _, _ = self.solve("duplicates")
        left = {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file() and ".tessera" not in p.parts}
        shortest = {}
        for path, content in before.items():
            if content not in shortest or len(path.name) < len(shortest[content].name):
                shortest[content] = path
        self.assertEqual(left, {path: content for content, path in shortest.items()})
        self.assertEqual(len(before) - len(left), 4)

    def test_api(self):
        folder, result, (spec,) = self.solve("api")
        calls = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
        times = grouped((c["endpoint"], c["ms"]) for c in calls)
        self.same(self.drawn(spec, "endpoint"), {e: statistics.median(v) for e, v in times.items()})
        self.assertIn(f"failed {sum(c['status'] == 500 for c in calls)}", result["text"])

    def test_timesheets(self):
        folder, _, (spec,) = self.solve("timesheets")
        rows = [r for path in folder.glob("*.csv") for r in records(path)]
        self.same(self.drawn(spec, "person", "project"), totals(((r["person"], r["project"]), float(r["hours"])) for r in rows))


unittest.main(verbosity=1)
