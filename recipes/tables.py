"""Tables of the recipe: number text, type inference, profiles and the text of printed tables.

A plain twin of the native data tools. A Table holds columns of Python values: numbers are int or float, dates are ISO
text ("2014-03-05", with a time only when it is not midnight), booleans are bool, a missing cell is None.
"""
import csv
import io
import json
import math
import re
from datetime import datetime

MISSING = {"", "NA", "N/A", "NaN", "null", "NULL", "None", "-"}
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
CALENDAR = {"month_name": {m: i for i, m in enumerate(MONTHS)}, "weekday": {d: i for i, d in enumerate(WEEKDAYS)}}


def format_number(x):
    """The one text of a number: in profiles, observations and answers."""
    if x is None:
        return ""
    if x is True or x is False:
        return "true" if x else "false"
    x = float(x)
    if math.isnan(x):
        return ""
    if x == int(x) if abs(x) < 1e15 else False:
        text = "%.0f" % x
        return "0" if text == "-0" else text
    if abs(x) >= 100:
        text = "%.2f" % x
    elif abs(x) >= 1:
        text = "%.3f" % x
    else:
        text = "%.4g" % x
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return text


def cell_text(value):
    """Text of one value, without quoting; a missing value is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return format_number(value)


def csv_cell(value):
    text = cell_text(value)
    if "," in text or '"' in text or "\n" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


class Table:
    """Columns of values. types: text, number, date, boolean, empty; month_name and weekday are text in calendar order."""

    __slots__ = ("names", "types", "data")

    def __init__(self, names, types, data):
        self.names, self.types, self.data = names, types, data

    def rows(self):
        return len(self.data[0]) if self.data else 0

    def pick(self, indices):
        return Table(self.names, self.types, [[c[i] for i in indices] for c in self.data])

    def printed(self):
        """What print(t) says: one row as `name: value, …`, else CSV with at most 12 rows."""
        n = self.rows()
        if n == 1:
            return ", ".join(f"{name}: {cell_text(c[0]) if c[0] is not None else 'missing'}" for name, c in zip(self.names, self.data))
        lines = [",".join(csv_cell(name) for name in self.names)]
        for i in range(min(n, 12)):
            lines.append(",".join(csv_cell(c[i]) for c in self.data))
        if n > 12:
            lines.append(f"... {n} rows")
        return "\n".join(lines)


def _shown(value):
    value = value.replace(",", " ").replace("\n", " ")
    return value if len(value) <= 24 else value[:23] + "…"


def column_profile(name, kind, values, short=False):
    known = [v for v in values if v is not None]
    if not known:
        return f"{name}: empty"
    if short:
        return f"{name}: text, {len(set(known))} values" if kind == "text" else f"{name}: {kind}"
    if kind == "text":
        seen = list(dict.fromkeys(known))
        if len(seen) <= 8:
            text = f"{name}: text, {len(seen)} value{'s' if len(seen) != 1 else ''}: " + ", ".join(_shown(v) for v in seen)
        else:
            text = f"{name}: text, {len(seen)} values: " + ", ".join(_shown(v) for v in seen[:3]) + ", ..."
    elif kind == "number":
        text = f"{name}: number {format_number(min(known))} to {format_number(max(known))}"
    elif kind == "date":
        text = f"{name}: date {min(known)} to {max(known)}"
    else:
        text = f"{name}: {kind}"
    missing = len(values) - len(known)
    return text + (f", {missing} missing" if missing else "")


def profile(path, table):
    """The block of one table that the model reads."""
    n = table.rows()
    lines = [f"{path}: {n} row{'s' if n != 1 else ''}"]
    many = len(table.names) > 16
    for i, (name, kind, values) in enumerate(zip(table.names, table.types, table.data)):
        if i == 40:
            lines.append(f"and {len(table.names) - 40} more columns")
            break
        lines.append(column_profile(name, kind, values, short=many and i >= 12))
    return "\n".join(lines)


def text_profile(path, text):
    n = len(text.splitlines())
    return f"{path}: text file, {n} line{'s' if n != 1 else ''}, {len(text.encode())} bytes"


# Reading -----------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)([ T](\d\d):(\d\d)(:(\d\d))?)?\Z")
_FORMATS = ["%b %d %Y", "%d %b %Y", "%B %d, %Y", "%d.%m.%Y", "%Y/%m/%d", "%Y-%m"]


def _iso(text):
    m = _ISO.match(text)
    if not m:
        return None
    try:
        datetime(int(m[1]), int(m[2]), int(m[3]))
    except ValueError:
        return None
    day = f"{m[1]}-{m[2]}-{m[3]}"
    time = f"{m[5]}:{m[6]}:{m[8] or '00'}" if m[4] else "00:00:00"
    return day if time == "00:00:00" else f"{day} {time}"


def _parse_all(values, fmt):
    out = []
    for v in values:
        if v is None:
            out.append(None)
            continue
        try:
            out.append(datetime.strptime(v, fmt).strftime("%Y-%m-%d"))
        except ValueError:
            return None
    return out


def infer(values):
    """(type, typed values) of a column of cell texts, None where missing."""
    known = [v for v in values if v is not None]
    if not known:
        return "empty", values
    if all(_NUMBER.match(v) for v in known):
        return "number", [None if v is None else (float(v) if not re.fullmatch(r"[+-]?\d+", v) else int(v)) for v in values]
    if all(v in ("true", "false") for v in known):
        return "boolean", [None if v is None else v == "true" for v in values]
    if _iso(known[0]):
        dates = [None if v is None else _iso(v) for v in values]
        if all(d is not None for d, v in zip(dates, values) if v is not None):
            return "date", dates
        return "text", values
    if known[0][:1].isdigit() and "/" in known[0] and known[0].count("/") == 2 and len(known[0].split("/")[0]) <= 2:
        first = [int(v.split("/")[0]) for v in known if v.split("/")[0].isdigit()]
        order = ["%d/%m/%Y", "%m/%d/%Y"] if any(f > 12 for f in first) else ["%m/%d/%Y", "%d/%m/%Y"]
        for fmt in order:
            dates = _parse_all(values, fmt)
            if dates:
                return "date", dates
        return "text", values
    for fmt in _FORMATS:
        try:
            datetime.strptime(known[0], fmt)
        except ValueError:
            continue
        dates = _parse_all(values, fmt)
        if dates:
            return "date", dates
    return "text", values


def read_table(path, text):
    """The table in the text of a CSV, TSV, JSON or NDJSON file."""
    ext = path.rsplit(".", 1)[-1].lower()
    if ext in ("json", "ndjson", "jsonl"):
        records = json.loads(text) if ext == "json" else [json.loads(line) for line in text.splitlines() if line.strip()]
        names = list(dict.fromkeys(k for r in records for k in r))
        columns = [[r.get(k) for r in records] for k in names]
        types, data = [], []
        for c in columns:
            known = [v for v in c if v is not None]
            if known and all(isinstance(v, bool) for v in known):
                kind, values = "boolean", c
            elif known and all(isinstance(v, (int, float)) for v in known):
                kind, values = "number", c
            else:
                kind, values = infer([None if v is None or str(v) in MISSING else str(v) for v in c])
            types.append(kind)
            data.append(values)
        return Table(names, types, data)
    rows = list(csv.reader(io.StringIO(text), delimiter="\t" if ext == "tsv" else ","))
    names, body = rows[0], [r for r in rows[1:] if r]
    types, data = [], []
    for i in range(len(names)):
        kind, values = infer([None if r[i] in MISSING else r[i] for r in body])
        types.append(kind)
        data.append(values)
    return Table(names, types, data)
