#!/usr/bin/env python3
"""Makes data_files.json and data_pipelines.json beside it: what other programs read in files, and what
pandas computes. Needs pandas, pyarrow, openpyxl and duckdb 1.5.5 from their packages; the tests need none of
them.

    python3 tests/tools/golden/make_data_golden.py

A cell is null, a number, a boolean, a text or {"d": "2024-01-31 12:00:00"}. A file is its text, or its bytes in
base64; "expect" is "equal" (the columns and rows as other programs read them, with the options that the file
needs), or "refuse" (a broken file: one sentence, never a table).
"""
import base64
import datetime
import gzip
import io
import json
import math
import os
import random
import re
import sqlite3
import tempfile
import zipfile

import duckdb
import openpyxl
import pandas as pd

HERE = os.path.dirname(os.path.abspath(__file__))
MISSING = ["", "NA", "N/A", "NaN", "null", "NULL", "None", "-"]
WORDS = ["Bern", "Zürich", "Genève", "wren", "owl", "long, with comma", 'say "hi"', "two\nlines", "naïve", "x y",
         "Łódź", "O'Neil", "semi;colon", "pipe|bar", "ünder_score", "50 apples", "a-b", "#1", "v1.2.3"]
NAMES = ["name", "city", "Menge", "price (EUR)", "größe", "a b", "x.y", "it's", 'the "best"', "id2", "2024", "Q1"]


def cell(value):
    """A value of pandas, DuckDB or Python as a cell."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (bool,)) or type(value).__name__ == "bool_":
        return bool(value)
    if isinstance(value, (datetime.datetime, pd.Timestamp)):
        return {"d": value.strftime("%Y-%m-%d %H:%M:%S")}
    if isinstance(value, datetime.date):
        return {"d": value.strftime("%Y-%m-%d 00:00:00")}
    if isinstance(value, str):
        return value
    return float(value)


def table(frame):
    return {"columns": [str(c) for c in frame.columns],
            "rows": [[cell(v) for v in row] for row in frame.astype(object).itertuples(index=False, name=None)]}


# Files
# ---------------------------------------------------------------------------------------------------------------

def column(draw, kind, n, style):
    """(texts as they stand in the file, how pandas reads them)."""
    gap = draw.choice([0, 0, 0.2])

    def number(x, digits):
        text = f"{abs(x):,.{digits}f}" if style.get("thousands") else f"{abs(x):.{digits}f}"
        if style.get("comma"):
            text = text.replace(",", " ").replace(".", ",").replace(" ", ".")
        return ("-" if x < 0 else "") + text

    makers = {
        # 1.234 without any comma is read as a decimal, with a note.
        "int": lambda: str(draw.randint(-5000, 90000)) if style.get("comma") else number(draw.randint(-5000, 90000), 0),
        "float": lambda: number(draw.uniform(-1e6, 1e6), draw.randint(1, 4)),
        "exp": lambda: f"{draw.uniform(1, 10):.3f}e{draw.randint(-20, 20)}",
        "percent": lambda: f"{draw.randint(0, 100)}%",
        "dollar": lambda: f"${draw.randint(1, 2_000_000):,}.{draw.randint(0, 99):02d}",
        "euro": lambda: f"{draw.randint(1, 999)} €",
        "text": lambda: draw.choice(WORDS),
        "bool": lambda: draw.choice(["true", "false"]),
        "code": lambda: f"{draw.randint(0, 999):05d}",
        "long": lambda: str(draw.randint(10**16, 10**18)),
        "iso": lambda: f"20{draw.randint(10, 29)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}",
        "time": lambda: f"20{draw.randint(10, 29)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d} "
                        f"{draw.randint(0, 23):02d}:{draw.randint(0, 59):02d}:{draw.randint(0, 59):02d}",
        "dotted": lambda: f"{draw.randint(1, 28):02d}.{draw.randint(1, 12):02d}.20{draw.randint(10, 29)}",
        "us": lambda: f"{draw.randint(1, 12)}/{draw.randint(13, 28)}/20{draw.randint(10, 29)}",
        "month": lambda: f"{draw.choice(['Jan', 'Feb', 'Mar', 'May', 'Oct'])} {draw.randint(1, 28)} 2024",
    }
    texts = [draw.choice(MISSING) if draw.random() < gap else makers[kind]() for _ in range(n)]
    texts[0] = makers[kind]()
    return texts


def as_read(kind, series, style):
    """pandas' series of texts in the column's type, with pandas' own conversions."""
    known = series.dropna()
    if kind in ("int", "float", "exp", "percent", "dollar", "euro"):
        clean = known.str.replace(r"[%$€ ]", "", regex=True)
        if style.get("comma"):
            clean = clean.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        clean = pd.to_numeric(clean.str.replace(",", "", regex=False))
    elif kind == "bool":
        clean = known.map({"true": True, "false": False})
    elif kind in ("iso", "time", "dotted", "us", "month"):
        form = {"iso": "%Y-%m-%d", "time": "%Y-%m-%d %H:%M:%S", "dotted": "%d.%m.%Y", "us": "%m/%d/%Y",
                "month": "%b %d %Y"}[kind]
        clean = pd.to_datetime(known, format=form)
    else:
        clean = known
    return clean.astype(object).reindex(series.index)


def quoted(text, separator, draw, always):
    plain = not re.search(r'["\r\n]', text) and separator not in text and text == text.strip()
    return text if plain and not always else '"' + text.replace('"', '""') + '"'


def delimited(draw, number):
    separator = draw.choice([",", ",", ";", "\t", "|"])
    style = {"comma": separator == ";" and draw.random() < 0.6, "thousands": draw.random() < 0.3}
    if separator == ";" and not style["comma"]:
        style["thousands"] = False  # 45,765 is read as a decimal there, with a note
    kinds = ["int", "float", "text", "bool", "code", "long", "iso", "time", "dotted", "us", "month"]
    if not style["comma"]:
        kinds += ["exp", "percent", "dollar", "euro"]
    n = draw.randint(2, 12)
    chosen = [draw.choice(kinds) for _ in range(draw.randint(2, 6))]
    names = draw.sample(NAMES, len(chosen))
    # A file of semicolons whose numbers have no comma at all would be read as having none.
    columns = [column(draw, kind, n, style) for kind in chosen]
    always = draw.random() < 0.2
    end = draw.choice(["\n", "\r\n"])
    lines = [separator.join(quoted(x, separator, draw, always) for x in row) for row in [names] + list(zip(*columns))]
    text = end.join(lines) + draw.choice(["", end])
    encoding = draw.choice(["utf-8", "utf-8", "utf-8-sig", "cp1252"])
    if "€" in text:
        encoding = "utf-8"  # the sign's one byte of Windows-1252 leaves a column text
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        encoding = "utf-8"
        data = text.encode(encoding)
    if encoding == "cp1252":
        try:
            data.decode("utf-8")
            encoding = "utf-8"
        except UnicodeDecodeError:
            pass
    frame = pd.read_csv(io.BytesIO(data), sep=separator, dtype=str, encoding=encoding, keep_default_na=False,
                        na_values=MISSING, skip_blank_lines=True)
    for name, kind in zip(frame.columns, chosen):
        frame[name] = as_read(kind, frame[name], style)
    return f"t{number:03d}{'.tsv' if separator == chr(9) else '.csv'}", data, table(frame)


def some_rows(draw, n):
    start = datetime.datetime(2020, 1, 1)
    return pd.DataFrame({
        "id": range(1, n + 1),
        "city": [draw.choice(["Bern", "Zürich", "Chur", None]) for _ in range(n)],
        "amount": [draw.choice([None, round(draw.uniform(-100, 1000), 2)]) for _ in range(n)],
        "day": [start + datetime.timedelta(days=draw.randint(0, 2000)) for _ in range(n)],
        "ok": [draw.random() < 0.5 for _ in range(n)],
    })


def sheet(frame, style, draw):
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Data"
    if style == "title":
        page.append(["Report of the year"])
        page.append([])
    page.append(list(frame.columns))
    for row in frame.astype(object).itertuples(index=False, name=None):
        page.append([None if v is None or v is pd.NaT or (isinstance(v, float) and math.isnan(v)) else
                     v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for v in row])
    if style == "hidden":
        other = book.create_sheet("First", 0)
        other.append(["not", "this"])
        other.sheet_state = "hidden"
        book.active = 1
    if style == "formats":
        for cells in page.iter_rows(min_row=2, min_col=4, max_col=4):
            cells[0].number_format = draw.choice(["d/m/yyyy", "[$-409]mmm\\ d\\,\\ yyyy;@", "yyyy\\-mm\\-dd", 'd" of "mmmm'])
    out = io.BytesIO()
    book.save(out)
    # Parts that say nothing about cells only make the file large.
    small = io.BytesIO()
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(small, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if "theme" not in name and "docProps" not in name:
                info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
                new.writestr(info, old.read(name), zipfile.ZIP_DEFLATED)
    data = small.getvalue()
    read = pd.read_excel(io.BytesIO(out.getvalue()), sheet_name="Data", header=2 if style == "title" else 0,
                         keep_default_na=False, na_values=[""])
    return data, table(read)


def files():
    draw = random.Random(20241)
    made = []

    def add(name, data, expected, expect="equal"):
        try:
            content = {"text": data.decode("utf-8")}
            if "\0" in content["text"] or content["text"].startswith("\ufeff"):
                raise UnicodeError
        except UnicodeError:
            content = {"base64": base64.b64encode(data).decode()}
        made.append({"name": name, **content, "expect": expect, **(expected or {})})

    for i in range(80):
        add(*delimited(draw, i))
    connection = duckdb.connect()
    for i in range(20):
        frame = some_rows(draw, draw.randint(2, 8))
        records = json.loads(frame.to_json(orient="records", date_format="iso"))
        for record in records:
            if draw.random() < 0.1:
                del record["amount"]
            record["day"] = record["day"][:19]
        records[0].setdefault("amount", None)
        lines = i % 2 == 0
        text = "\n".join(json.dumps(r, ensure_ascii=i % 3 == 0) for r in records) if lines else json.dumps(records, indent=i % 4)
        name = f"j{i:02d}.{'ndjson' if lines else 'json'}"
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
            read = connection.execute(f"SELECT id, city, amount, day::TIMESTAMP AS day, ok FROM read_json('{path}')")
            columns = [d[0] for d in read.description]
            rows = [[cell(v) for v in row] for row in read.fetchall()]
        order = list(records[0])
        for record in records:
            order += [k for k in record if k not in order]
        places = [columns.index(k) for k in order]
        add(name, text.encode(), {"columns": order, "rows": [[row[p] for p in places] for row in rows]})
    for i in range(20):
        frame = some_rows(draw, draw.randint(1, 8))
        frame["small"] = pd.array([draw.randint(-100, 100) for _ in range(len(frame))], dtype=draw.choice(["int8", "int32", "float32"]))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.parquet")
            if i % 2:
                frame.to_parquet(path, compression=["snappy", "zstd", "gzip", None][i // 2 % 4], index=False)
            else:
                connection.register("frame", frame)
                connection.execute(f"COPY (SELECT * FROM frame) TO '{path}' (FORMAT parquet)")
            with open(path, "rb") as data:
                add(f"p{i:02d}.parquet", data.read(), table(pd.read_parquet(path)))
    for i in range(14):
        data, expected = sheet(some_rows(draw, draw.randint(2, 6)), ["plain", "title", "hidden", "formats"][i % 4], draw)
        add(f"x{i:02d}.xlsx", data, expected)
    for i in range(6):
        frame = some_rows(draw, draw.randint(2, 8))
        frame["day"] = frame["day"].dt.strftime("%Y-%m-%d")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.db")
            with sqlite3.connect(path) as db:
                db.execute("PRAGMA page_size = 512")
                frame.drop(columns="ok").to_sql("rows", db, index=False)
                read = pd.read_sql("SELECT * FROM rows", db, parse_dates=["day"])
            db.close()
            with open(path, "rb") as data:
                add(f"s{i:02d}.{['db', 'sqlite', 'sqlite3'][i % 3]}", data.read(), table(read))
    for i in range(6):
        name, data, expected = delimited(draw, 90 + i)
        add(name + ".gz", gzip.compress(data, mtime=0), expected)

    def broken(name, data):
        add(name, data, None, "refuse")

    broken("empty.csv", b"")
    broken("blank.csv", b"\n \n\n")
    broken("short.csv", b"a,b,c\n1,2,3\n4,5\n")
    broken("long.csv", b"a,b\n1,2\n3,4,5\n")
    broken("open_quote.csv", b'a,b\n1,"two\n3,4\n')
    broken("zero.csv", b"a,b\n1,\0\n")
    broken("utf16.csv", "a,b\n1,2\n".encode("utf-16"))
    broken("binary.csv", bytes(range(256)) * 4)
    broken("empty.json", b"")
    broken("scalar.json", b"3")
    broken("array.json", b"[1, 2]")
    broken("cut.json", b'[{"a": 1}, {"a"')
    broken("trailing.json", b'[{"a": 1}] x')
    broken("comma.json", b'[{"a": 1},]')
    broken("deep.json", b"[" * 100000)
    broken("single.json", b'{"a": 1}')
    broken("line.ndjson", b'{"a": 1}\n{"a": \n')
    broken("infinite.json", b'[{"a": Infinity}]')
    good = next(f for f in made if f["name"] == "p01.parquet")
    data = base64.b64decode(good["base64"])
    broken("empty.parquet", b"")
    broken("cut.parquet", data[:len(data) // 2])
    broken("footer.parquet", data[:-8] + b"\xff\xff\xff\x7fPAR1")
    broken("text.parquet", b"PAR1 is no more than a word")
    sheet_bytes = base64.b64decode(next(f for f in made if f["name"] == "x00.xlsx")["base64"])
    broken("empty.xlsx", b"")
    broken("cut.xlsx", sheet_bytes[:len(sheet_bytes) // 2])
    broken("flipped.xlsx", sheet_bytes[:300] + bytes([sheet_bytes[300] ^ 255]) + sheet_bytes[301:])
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("hello.txt", "no workbook")
    broken("other.xlsx", other.getvalue())
    database = base64.b64decode(next(f for f in made if f["name"] == "s00.db")["base64"])
    broken("empty.db", b"")
    broken("text.db", b"no database" * 20)
    broken("cut.db", database[:600])
    broken("garbage.db", database[:512] + b"\xff" * (len(database) - 512))
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 1000, mtime=0)
    broken("cut.csv.gz", packed[:-12])
    broken("crc.csv.gz", packed[:-8] + b"\0\0\0\0" + packed[-4:])
    broken("empty.csv.gz", b"")
    return made


# Pipelines
# ---------------------------------------------------------------------------------------------------------------

def base_tables():
    draw = random.Random(7)
    start = datetime.date(2022, 11, 20)
    n = 60
    sales = pd.DataFrame({
        "shop": [draw.choice(["North", "South", "East", "West", None]) for _ in range(n)],
        "product": [draw.choice(["apple", "Pear", "plum", "fig tart"]) for _ in range(n)],
        "amount": [draw.choice([None, 0, 1, 2, 2, 5, round(draw.uniform(-20, 300), 2)]) for _ in range(n)],
        "price": [round(draw.uniform(0, 9), 1) for _ in range(n)],
        "day": [start + datetime.timedelta(days=draw.randint(0, 500)) for _ in range(n)],
    })
    shops = pd.DataFrame({"shop": ["North", "South", "North", "Central", None], "size": [10, 20, 30, 40, 50],
                          "product": ["apple", "plum", "Pear", "apple", "fig tart"]})
    return {"sales": sales, "shops": shops}


def typed(frame):
    frame = frame.copy()
    for name in frame.columns:
        if name == "day":
            frame[name] = pd.to_datetime(frame[name])
    return frame


def numbers(frame):
    return [c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c]) and not pd.api.types.is_bool_dtype(frame[c])]


def texts(frame):
    return [c for c in frame.columns if pd.api.types.is_object_dtype(frame[c]) or pd.api.types.is_string_dtype(frame[c])]


def known_value(draw, frame, name):
    values = [v for v in frame[name] if cell(v) is not None]
    return draw.choice(values) if values else None


def distinct(names, wanted):
    name, n = wanted, 2
    while name in names:
        name, n = f"{wanted}_{n}", n + 1
    return name


def put(frame, name, values):
    frame = frame.copy()
    frame[name] = values
    return frame


AGGREGATES = {"count": "count", "sum": "sum", "mean": "mean", "median": "median", "min": "min", "max": "max",
              "distinct": "nunique", "first": "first", "last": "last", "stdev": "std"}


def joined(left, right, on, how):
    """Row by row, so that the order is that of the tables."""
    a, b = left.astype(object).to_dict("records"), right.astype(object).to_dict("records")
    hits = [[j for j, y in enumerate(b) if all(cell(x[k]) is not None and cell(x[k]) == cell(y[l]) for k, l in on)]
            for x in a]
    if how in ("semi", "anti"):
        return left[[bool(h) == (how == "semi") for h in hits]].reset_index(drop=True)
    columns = list(left.columns)
    others = [c for c in right.columns if c not in [l for _, l in on]]
    names = []
    for c in others:
        names.append(distinct(columns + names, c))
    rows = []
    for x, h in zip(a, hits):
        for j in h:
            rows.append([x[c] for c in columns] + [b[j][c] for c in others])
        if not h and how in ("left", "full"):
            rows.append([x[c] for c in columns] + [None] * len(others))
    if how in ("right", "full"):
        used = {j for h in hits for j in h}
        keys = dict(on)
        for j, y in enumerate(b):
            if j not in used:
                rows.append([y[keys[c]] if c in keys else None for c in columns] + [y[c] for c in others])
    out = pd.DataFrame(rows, columns=columns + names)
    for c in out.columns:
        source = left[c] if c in left.columns else right[others[names.index(c)]]
        out[c] = out[c].astype(source.dtype if source.dtype != "int64" else "float64")
    return out


def step(draw, frame, tables):
    """A random step: (its description, the frame after it), or None."""
    number, text = numbers(frame), texts(frame)
    dates = [c for c in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[c])]
    kind = draw.choice(["where", "where_text", "where_date", "known", "sort", "head", "select", "derive", "text", "group",
                        "group", "top", "join", "join", "pivot", "unpivot", "window", "window", "part", "unique", "share"])
    if kind == "where" and number:
        name, op = draw.choice(number), draw.choice(["==", "~=", "<", "<=", ">", ">="])
        value = known_value(draw, frame, name)
        if value is None:
            return None
        value = float(value)
        x = frame[name]
        test = {"==": x == value, "~=": (x != value) & x.notna(), "<": x < value, "<=": x <= value, ">": x > value,
                ">=": x >= value}[op]
        return {"op": "where", "column": name, "how": op, "value": value}, frame[test].reset_index(drop=True)
    if kind == "where_text" and text:
        name = draw.choice(text)
        value = known_value(draw, frame, name)
        if value is None:
            return None
        op = draw.choice(["==", "~=", "contains"])
        known = frame[name].notna()
        if op == "contains":
            value = value[:2]
            test = known & frame[name].fillna("").str.contains(value, regex=False)
        else:
            test = known & ((frame[name] == value) == (op == "=="))
        return {"op": "where", "column": name, "how": op, "value": value}, frame[test].reset_index(drop=True)
    if kind == "where_date" and dates:
        name, year = draw.choice(dates), draw.choice([2022, 2023, 2024])
        op = draw.choice(["==", "<", ">="])
        y = frame[name].dt.year
        test = {"==": y == year, "<": y < year, ">=": y >= year}[op]
        return {"op": "where", "column": name, "how": op, "value": str(year)}, frame[test].reset_index(drop=True)
    if kind == "known":
        name = draw.choice(list(frame.columns))
        return {"op": "known", "column": name}, frame[frame[name].notna()].reset_index(drop=True)
    if kind == "sort":
        name, down = draw.choice(list(frame.columns)), draw.random() < 0.5
        # Order by code point, as DuckDB does.
        return ({"op": "sort", "column": name, "desc": down},
                frame.sort_values(name, ascending=not down, kind="stable", na_position="last").reset_index(drop=True))
    if kind == "head":
        n = draw.randint(1, 40)
        return {"op": "head", "n": n}, frame.head(n)
    if kind == "select" and len(frame.columns) > 3:
        names = draw.sample(list(frame.columns), draw.randint(3, len(frame.columns)))
        return {"op": "select", "columns": names}, frame[names]
    if kind == "derive" and number:
        a, b = draw.choice(number), draw.choice(number)
        name = draw.choice(["made", a])
        what = draw.randint(0, 4)
        x, y = frame[a].astype(float), frame[b].astype(float)
        text_of, made = [
            (f"[{a}] + [{b}] * 2", x + y * 2), (f"([{a}] - 1.5) / [{b}]", (x - 1.5) / y.where(y != 0)),
            (f"-[{a}] * [{b}]", -x * y), (f"round(abs([{a}]), 1)", None),
            (f"if([{a}] > 2, 1, coalesce([{b}], 7))", x.gt(2).map({True: 1.0, False: None}).astype(float).where(x.gt(2), y.fillna(7.0))),
        ][what]
        if what == 3:
            # Halves are rounded away from zero, numpy rounds them to even: only what is no half is compared.
            scaled = x.abs() * 10
            if ((scaled - scaled.round(0)).abs() > 0.499).any():
                return None
            made = x.abs().round(1)
        return {"op": "derive", "name": name, "expression": text_of}, put(frame, name, made)
    if kind == "text" and text:
        a = draw.choice(text)
        s = frame[a].astype("string")
        made = [(f"upper([{a}])", s.str.upper()), (f"lower(trim([{a}]))", s.str.strip().str.lower()),
                (f"length([{a}])", s.str.len().astype("float64")), (f"replace([{a}], 'a', 'oo')", s.str.replace("a", "oo", regex=False)),
                (f"left([{a}], 3)", s.str[:3]), (f"concat([{a}], '-', upper([{a}]))", s + "-" + s.str.upper()),
                (f"if(contains([{a}], 'a'), 'yes', 'no')", s.fillna("").str.contains("a", regex=False).map({True: "yes", False: "no"})),
                (f"substring([{a}], 2, 2)", s.str[1:3])]
        expression, values = draw.choice(made)
        values = values.astype(object).where(values.notna(), None) if values.dtype != "float64" else values
        return {"op": "derive", "name": "label", "expression": expression}, put(frame, "label", values)
    if kind == "group":
        keys = [k for k in draw.sample(list(frame.columns), min(len(frame.columns), draw.randint(1, 2)))]
        rest = [c for c in number if c not in keys]
        if not rest:
            return None
        summaries, frames = [], {}
        groups = frame.groupby(keys, sort=False, dropna=True)
        for i in range(draw.randint(1, 3)):
            how, of = draw.choice(list(AGGREGATES)), draw.choice(rest)
            summaries.append({"name": f"s{i}", "how": how, "column": of})
            frames[f"s{i}"] = groups[of].agg(AGGREGATES[how])
        if len(frame.dropna(subset=keys)) == 0:
            return None
        return {"op": "group", "keys": keys, "summaries": summaries}, pd.DataFrame(frames).reset_index().astype(
            {f"s{i}": "float64" for i in range(len(summaries))})
    if kind == "top" and number:
        name, n, largest = draw.choice(number), draw.randint(1, 10), draw.random() < 0.5
        known = frame[frame[name].notna()].sort_values(name, ascending=not largest, kind="stable")
        return {"op": "top", "n": n, "column": name, "largest": largest}, known.head(n).reset_index(drop=True)
    if kind == "join" and "shop" in frame.columns and len(frame.columns) < 9:
        how = draw.choice(["inner", "left", "right", "full", "semi", "anti"])
        on = [["shop", "shop"]]
        if "product" in frame.columns and draw.random() < 0.4:
            on.append(["product", "product"])
        return {"op": "join", "on": on, "how": how}, joined(frame, tables["shops"], [tuple(p) for p in on], how)
    if kind == "pivot" and number and len(text) >= 2:
        rows, across = draw.sample(text, 2)
        value, how = draw.choice(number), draw.choice(["count", "sum", "mean", "min", "max"])
        known = frame.dropna(subset=[rows])
        if known.empty or frame[across].nunique() == 0:
            return None
        order = [v for v in dict.fromkeys(frame[across]) if cell(v) is not None]
        out = pd.DataFrame({rows: list(dict.fromkeys(known[rows]))})
        names = [rows]
        for v in order:
            part = known[known[across] == v]
            if how == "count":
                made = [float((part[rows] == key).sum()) for key in out[rows]]
            else:
                made = [getattr(part[part[rows] == key][value], how)() if (part[rows] == key).any() else None for key in out[rows]]
            names.append(distinct(names, v))
            out[names[-1]] = pd.Series(made, dtype="float64")
        return {"op": "pivot", "rows": [rows], "across": across, "value": value, "how": how}, out
    if kind == "unpivot" and len(number) >= 2:
        chosen = draw.sample(number, 2)
        kept = [c for c in frame.columns if c not in chosen]
        rows = [list(row[:len(kept)]) + [c, frame[c].iloc[i]] for i, row in
                enumerate(frame[kept].itertuples(index=False, name=None)) for c in chosen]
        names = kept + [distinct(kept, "name")]
        names.append(distinct(names, "value"))
        out = pd.DataFrame(rows, columns=names)
        for c in kept:
            out[c] = out[c].astype(frame[c].dtype)
        out[names[-1]] = out[names[-1]].astype("float64")
        return {"op": "unpivot", "columns": chosen, "name": "name", "value": "value"}, out
    if kind == "window" and number:
        how = draw.choice(["row_number", "rank", "dense_rank", "lag", "lead", "cumulative_sum", "moving_average"])
        name = draw.choice(number)
        by = [c for c in text[:1] if draw.random() < 0.5 and frame[c].notna().all()]
        groups = frame.groupby(by, sort=False)[name] if by else frame[name]
        down = draw.random() < 0.5
        option = {"op": "window", "name": "w", "how": how, "by": by}
        if how in ("rank", "dense_rank"):
            made = groups.rank(method="min" if how == "rank" else "dense", ascending=not down)
            return {**option, "order": name, "desc": down}, put(frame, "w", made)
        if how == "row_number":
            made = (frame.groupby(by, sort=False).cumcount() if by else pd.Series(range(len(frame)))) + 1
            return option, put(frame, "w", made.astype("float64"))
        if how in ("lag", "lead"):
            n = draw.randint(1, 3)
            return {**option, "column": name, "n": n}, put(frame, "w", groups.shift(n if how == "lag" else -n))
        if how == "cumulative_sum":
            filled = frame[name].fillna(0)
            made = filled.groupby([frame[c] for c in by], sort=False).cumsum() if by else filled.cumsum()
            return {**option, "column": name}, put(frame, "w", made)
        n = draw.randint(2, 4)
        made = groups.rolling(n).mean()
        if by:
            made = made.reset_index(level=0, drop=True).sort_index()
        return {**option, "column": name, "n": n}, put(frame, "w", made)
    if kind == "part" and dates:
        name, part = draw.choice(dates), draw.choice(["year", "month", "quarter", "week", "day", "hour"])
        d = frame[name]
        iso = d.dt.isocalendar()
        made = {"year": lambda: d.dt.year.astype("float64"), "month": lambda: d.dt.strftime("%Y-%m"),
                "quarter": lambda: d.dt.year.astype("Int64").astype("string") + " Q" + d.dt.quarter.astype("Int64").astype("string"),
                "week": lambda: iso.year.astype("string") + " W" + iso.week.astype("string").str.zfill(2),
                "day": lambda: d.dt.normalize(), "hour": lambda: d.dt.hour.astype("float64")}[part]()
        if part in ("month", "quarter", "week"):
            made = made.astype(object).where(made.notna(), None)
        if part in frame.columns:
            return None
        return {"op": "part", "part": part, "column": name}, put(frame, part, made)
    if kind == "unique":
        name = draw.choice(list(frame.columns))
        return {"op": "unique", "column": name}, frame[[name]].dropna().drop_duplicates().reset_index(drop=True)
    if kind == "share" and number:
        name = draw.choice(number)
        total = frame[name].sum()
        if total == 0:
            return None
        return {"op": "share", "column": name}, put(frame, "share", frame[name] / total * 100)
    return None


def pipelines(wanted):
    tables = base_tables()
    texts_of = {}
    for name, frame in tables.items():
        out = io.StringIO()
        frame.to_csv(out, index=False)
        texts_of[name] = out.getvalue()
    tables = {name: typed(frame) for name, frame in tables.items()}
    made = []
    seed = 0
    while len(made) < wanted:
        seed += 1
        draw = random.Random(seed)
        frame, steps = tables["sales"], []
        for _ in range(draw.randint(2, 6)):
            try:
                done = step(draw, frame, tables)
            except (KeyError, AttributeError, TypeError, ValueError):
                done = None  # pandas cannot do this step with such columns
            if done is None or len(done[1]) == 0:
                continue
            steps.append(done[0])
            frame = done[1].reset_index(drop=True)
        if len(steps) < 2:
            continue
        expected = table(frame.head(25))
        made.append({"seed": seed, "steps": steps, "count": len(frame), **expected})
    return {"tables": texts_of, "pipelines": made}


def main():
    for name, value in (("data_files.json", files()), ("data_pipelines.json", pipelines(205))):
        with open(os.path.join(HERE, name), "w", encoding="utf-8") as out:
            if isinstance(value, list):
                out.write("[\n" + ",\n".join(json.dumps(v, ensure_ascii=False) for v in value) + "\n]\n")
            else:
                out.write('{"tables": ' + json.dumps(value["tables"], ensure_ascii=False) + ',\n"pipelines": [\n' +
                          ",\n".join(json.dumps(v, ensure_ascii=False) for v in value["pipelines"]) + "\n]}\n")
        print(name, os.path.getsize(os.path.join(HERE, name)))


if __name__ == "__main__":
    main()
