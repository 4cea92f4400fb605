"""Judges of a finished run, from outside: the result line and the files that are there. Each returns a function of
(result, folder) that says whether the request was done."""
import csv
import re
import zipfile
from pathlib import Path


def numbers(text):
    return [float(n) for n in re.findall(r"(?<![\w.-])-?\d+(?:\.\d+)?(?!\w)", text.replace("%", " "))]


def close(a, b):
    """As far as the program rounds."""
    return abs(a - b) <= max(abs(b) * 0.0006, 0.0006) or round(b, 1) == a or round(b) == a and abs(b) >= 10


def says(*wanted):
    """The answer has these numbers and names."""
    def judge(result, folder):
        found = numbers(result["answer"])
        return result["status"] == "ok" and all(w.lower() in result["answer"].lower() if isinstance(w, str) else any(close(n, w) for n in found) for w in wanted)
    return judge


def names(wanted, others):
    """The answer names this one and none of the others."""
    def judge(result, folder):
        answer = result["answer"].lower()
        return result["status"] == "ok" and wanted.lower() in answer and not any(o.lower() in answer for o in others if o != wanted)
    return judge


def declines(result, folder):
    return result["status"] == "refused"


def text_of(value):
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


def contents(folder):
    """What the files of a folder hold, members of zip archives too."""
    found = set()
    for path in Path(folder).rglob("*"):
        if not path.is_file() or ".tessera" in path.relative_to(folder).parts:
            continue
        found.add(path.read_bytes())
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                found.update(archive.read(name) for name in archive.namelist())
    return found


def chart(marks, rows=None, count=None, stack=None, n_charts=1, only=True, colored=False, fields=()):
    """A chart with one of the marks. rows: {label or (labels): number} as drawn; count: its number of rows; colored: several
    series; fields: columns that stand on some axis."""
    marks = (marks,) if isinstance(marks, str) else marks

    def judge(result, folder):
        charts = result.get("charts", [])
        if result["status"] != "ok" or len(charts) != n_charts:
            return False
        spec = charts[0]["spec"]
        mark = spec["mark"] if isinstance(spec["mark"], str) else spec["mark"]["type"]
        if mark not in marks or not (Path(folder) / charts[0]["path"]).exists():
            return False
        if stack is not None and spec["encoding"].get("y", {}).get("stack") != stack:
            return False
        if colored and "color" not in spec["encoding"]:
            return False
        if not set(fields) <= {channel.get("field") for channel in spec["encoding"].values() if isinstance(channel, dict)}:
            return False
        drawn = spec["data"]["values"]
        if count is not None and len(drawn) != count:
            return False
        for labels, value in (rows or {}).items():
            labels = labels if isinstance(labels, tuple) else (labels,)
            if not any(all(any(text_of(v).startswith(str(label)) for v in row.values()) for label in labels) and any(isinstance(v, (int, float)) and close(v, value) for v in row.values()) for row in drawn):
                return False
        return not (only and rows and count is None) or len(drawn) == len(rows)
    return judge


def table(path, rows, header=None):
    """A CSV with these rows: {first cells: last number}, in any order."""
    def judge(result, folder):
        full = Path(folder) / path
        if result["status"] != "ok" or not full.exists():
            return False
        got = list(csv.reader(full.open(encoding="utf-8")))
        if len(got) - 1 != len(rows):
            return False
        return all(any(r[0] == str(k) and any(re.fullmatch(r"-?[\d.]+(e-?\d+)?", c) and close(float(c), v) for c in r[1:]) for r in got[1:]) for k, v in rows.items())
    return judge


def files(there=(), gone=(), holds=None):
    """Files that must (not) be there; holds: path -> texts that must stand in it."""
    def judge(result, folder):
        folder = Path(folder)
        if result["status"] != "ok" or any(not (folder / p).exists() for p in there) or any((folder / p).exists() for p in gone):
            return False
        for path, texts in (holds or {}).items():
            if not (folder / path).exists():
                return False
            body = (folder / path).read_text(encoding="utf-8", errors="replace")
            if not all(t in body if isinstance(t, str) else any(close(n, t) for n in numbers(body)) for t in texts):
                return False
        return True
    return judge


def both(*judges):
    return lambda result, folder: all(j(result, folder) for j in judges)


def either(*judges):
    return lambda result, folder: any(j(result, folder) for j in judges)
