"""Workspaces of other shapes: wide tables, months beside years, two dates, keys with two names, folders of files."""
import json
import re
import struct
import zlib
from datetime import date, datetime, timedelta, timezone

from schemas import (COMPANY_A, FIRST, MONTH_NAMES, PLACE_A, PLACE_B, PRODUCT_A, PRODUCT_B, STYLES, Column, File, Workspace, category_column, day_list, entity_values,
                     join_workspace, make_columns, make_file, note_text, fill, number_column, number_values, pick_path, short_code, styled, words_of)
from tables import MONTHS, Table, cell_text, quoted_cell

SERIES_NOUNS = {"company": ["company", "firm", "stock", "share"], "place": ["place", "town", "site", "station"], "product": ["product", "model", "item"]}


def usable_names(values):
    """Names that can head a column and stand in brackets of an expression."""
    return [v for v in values if re.fullmatch(r"[^\[\]\"\\,;=]{1,24}", v) and not re.fullmatch(r"[\d.]+", v)]


def series_names(rng, domain):
    """(noun, [(header word, what people say)]) of the columns of a wide table."""
    n = rng.choice((2, 3, 3, 3, 4, 4, 5, 6, 7))
    kind = rng.choice(("category", "category", "company", "ticker", "place", "product"))
    cats = [c for c in domain["categories"] if len(usable_names(c["values"])) >= 2] if "categories" in domain else []
    if kind == "category" and cats:
        c = rng.choice(cats)
        nouns = [s for s in c["says"] if not re.match(r"(how|what|who|where|when|which|whose|why)\b", s)] or ["group"]
        values = usable_names(c["values"])
        chosen = rng.sample(values, min(n, len(values)))
        return rng.choice(nouns), [(v, [v] + c.get("aliases", {}).get(v, [])) for v in chosen]
    if kind == "place":
        names = list(dict.fromkeys(rng.choice(PLACE_A) + rng.choice(PLACE_B) for _ in range(n + 2)))[:n]
    elif kind == "product":
        names = list(dict.fromkeys(f"{rng.choice(PRODUCT_A)} {rng.choice(PRODUCT_B)}" for _ in range(n + 2)))[:n]
    else:
        names = rng.sample(COMPANY_A, n)
    if kind == "ticker":
        codes = {}
        for name in names:
            codes.setdefault(short_code(rng, name), name)
        return rng.choice(SERIES_NOUNS["company"]), [(code, [name]) for code, name in codes.items()]
    return rng.choice(SERIES_NOUNS.get(kind, SERIES_NOUNS["company"])), [(v, [v]) for v in names]


def wide_workspace(rng, domains):
    """A table with a column per company, per year or per month. w.wide says what the columns are."""
    domain = rng.choice([d for d in domains if d.get("numbers")])
    style = rng.choice(STYLES)
    spec = rng.choice(domain["numbers"])
    measure = number_column(rng, spec, style)
    kind = rng.choices(("series", "years", "months"), (50, 32, 18))[0]
    keys = []
    if kind == "series":
        noun, names = series_names(rng, domain)
        head = rng.choice(("plain", "plain", "styled", "measure"))
        columns = []
        for v, says in names:
            name = v if head == "plain" else styled(rng, v, "snake" if style == "as is" else style)
            if head == "measure":
                name = styled(rng, f"{v}_{words_of(measure.name)[0] if words_of(measure.name) else 'value'}", "snake")
            columns.append(Column(name, "number", says, decimals=measure.decimals, lo=measure.lo, hi=measure.hi, additive=measure.additive, key=v))
        step = rng.choice((1, 7, "month", "month", "month", "year"))
        n = rng.choice((6, 8, 10, 12) if step == "year" else (12, 18, 24, 30, 36, 48, 60, 90))
        key = Column(styled(rng, {"month": rng.choice(("month", "date")), "year": "date"}.get(step, rng.choice(("date", "day", "week_start"))), style), "date", ["date", "day"] if step != "month" else ["month", "date"])
        if step == "year" and rng.random() < 0.6:
            key = Column(styled(rng, "year", style), "number", ["year"], role="year", decimals=0)
            first = rng.randint(1995, 2016)
            times = list(range(first, first + n))
        else:
            times = day_list(rng, n, step, date(rng.randint(2012, 2024), rng.randint(1, 12) if step != "year" else 1, 1))
        keys, data = [key], {key.name: times}
    else:
        noun = kind[:-1]
        cats = [c for c in domain["categories"] if 3 <= len(usable_names(c["values"])) <= 10]
        if cats and rng.random() < 0.5:
            key = category_column(rng, dict(rng.choice(cats), codes=None), style)
            key.kind = "entity"
            times = key.values = usable_names(key.values)
        else:
            e = rng.choice(("place", "company", "product", "person"))
            says = {"place": ["town", "place"], "company": ["company", "firm"], "product": ["product", "item"], "person": ["person", "name"]}[e]
            key = Column(styled(rng, rng.choice((says[0], "name")), style), "entity", says, entity=e)
            times = key.values = entity_values(rng, e, rng.choice((4, 5, 6, 8, 10, 12, 20)))
        key.spoken = {v: [v] for v in key.values}
        n = len(times)
        if kind == "years":
            first = rng.randint(1998, 2021)
            columns = [Column(str(y), "number", [str(y)]) for y in range(first, first + rng.choice((2, 3, 4, 5, 6)))]
        else:
            long = rng.random() < 0.3
            first = rng.choice((0, 0, 0, 6))
            months = range(first, first + 6 if rng.random() < 0.4 or first else 12)
            columns = [Column((MONTH_NAMES if long else MONTHS)[m], "number", [MONTH_NAMES[m], MONTHS[m]]) for m in months]
        for c in columns:
            c.lo, c.hi, c.decimals, c.additive = measure.lo, measure.hi, measure.decimals, measure.additive
        keys, data = [key], {key.name: list(times)}
        if rng.random() < 0.3:
            extra = [c for c in domain["categories"]]
            c = category_column(rng, rng.choice(extra), style)
            if c.kind == "category" and len(c.values) >= 2 and c.name.lower() != key.name.lower():
                data[c.name] = [rng.choice(c.values) for _ in range(n)]
                c.values = list(dict.fromkeys(data[c.name]))
                keys.append(c)
    seen = {k.name.lower() for k in keys}
    columns = [c for c in columns if not (c.name.lower() in seen or seen.add(c.name.lower())) and c.name]
    if len(columns) < 2:
        return wide_workspace(rng, domains)
    for c in columns:
        scale = rng.uniform(0.55, 1)
        values = number_values(rng, c, n, walk=kind == "series")
        data[c.name] = [round(v * scale, c.decimals) if c.decimals else int(v * scale) for v in values]
        if rng.random() < 0.04 and n >= 10:
            data[c.name][rng.randrange(n)] = None
    table_columns = keys + columns
    types = {"number": "number", "date": "date"}
    table = Table([c.name for c in table_columns], [types.get(c.kind, "text") for c in table_columns], [data[c.name] for c in table_columns])
    stem = "_".join(words_of(measure.name)[:2]).encode("ascii", "ignore").decode() or "values"
    stem = rng.choice((stem, stem, rng.choice(domain["files"]), f"{stem}_by_{words_of(noun)[-1]}"))
    f = File(pick_path(rng, stem), table, table_columns, [words_of(keys[0].says[0])[-1] if kind == "series" else keys[0].says[0]], domain, "wide")
    f.left_out = []
    w = Workspace("wide", [f], {})
    w.main = f
    w.wide = {"kind": kind, "key": keys[0], "keys": keys, "columns": columns, "measure": measure, "noun": noun}
    return w


def split_workspace(rng, domains):
    """Year and month (and perhaps day) as columns of their own, the month as a number or a name."""
    domain = rng.choice([d for d in domains if d.get("numbers")])
    style = rng.choice(STYLES)
    columns, left = make_columns(rng, domain, style, "events")
    columns = [c for c in columns if c.kind in ("category", "number") and not c.role][:5]
    if not any(c.kind == "number" for c in columns):
        columns.append(number_column(rng, rng.choice(domain["numbers"]), style))
    names = {c.name.lower() for c in columns}
    year = Column(styled(rng, rng.choice(("year", "year", "yr", "jahr")), style), "number", ["year"], role="year", decimals=0)
    month = Column(styled(rng, rng.choice(("month", "month", "month", "mon", "month_no")), style), "number", ["month"], role="month", decimals=0)
    named = rng.random() < 0.4
    if named:
        month.name = styled(rng, rng.choice(("month", "month", "month_name", "mon")), style)
        month.kind, month.role = "category", "month"
    if {year.name.lower(), month.name.lower()} & names or year.name.lower() == month.name.lower():
        return split_workspace(rng, domains)
    first = rng.randint(1995, 2021)
    years = [first + i for i in range(rng.choice((1, 2, 2, 3, 3, 4, 6, 10)))]
    per = rng.choice((1, 1, 1, 2, 3))
    months = range(1, 13)
    if len(years) == 1 and rng.random() < 0.4:  # part of a year, day by day
        begin = rng.randint(1, 8)
        months, per = range(begin, begin + rng.randint(4, 5)), rng.randint(8, 28)
    stamps = [(y, m) for y in years for m in months for _ in range(per)]
    n = len(stamps)
    spoken = MONTH_NAMES if rng.random() < 0.5 else MONTHS
    data = {year.name: [y for y, _ in stamps], month.name: [spoken[m - 1] if named else m for _, m in stamps]}
    head = [year, month] if len(years) > 1 or rng.random() < 0.5 else [month]
    if year not in head:
        del data[year.name]
    month.values = list(spoken) if named else []
    month.spoken = {v: [MONTH_NAMES[i], MONTHS[i]] for i, v in enumerate(spoken)}
    daily = per >= 8
    if rng.random() < (0.8 if daily else 0.2 if per == 1 else 0):
        day = Column(styled(rng, "day", style), "number", ["day of the month"], role="day", decimals=0, lo=1, hi=28)
        if day.name.lower() not in names:
            head.append(day)
            data[day.name] = [i % per + 1 if daily else rng.randint(1, 28) for i in range(n)]
    for c in columns:
        if c.kind == "category":
            data[c.name] = rng.choices(c.values, k=n)
            c.values = [v for v in c.values if v in set(data[c.name])]
        else:
            data[c.name] = number_values(rng, c, n, walk=per == 1)
            if daily and rng.random() < 0.3:
                data[c.name] = [None if rng.random() < 0.15 else v for v in data[c.name]]
    columns = head + columns if rng.random() < 0.8 else columns + head
    table = Table([c.name for c in columns], ["text" if c.kind == "category" else "number" for c in columns], [data[c.name] for c in columns])
    f = File(pick_path(rng, rng.choice(domain["files"])), table, columns, domain["rows"], domain, "split")
    f.left_out = left
    w = Workspace("split", [f], {})
    w.main = f
    w.split = {"year": year if year in head else None, "month": month, "named": named, "years": years, "per": per}
    return w


SPANS = [(["ordered", "order_date", "ordered_on"], ["shipped", "ship_date", "shipped_on"], ["order", "order date"], ["shipping", "shipping date"], ["shipping took", "it took to ship"], (0, 14)),
         (["opened", "opened_on", "created"], ["closed", "closed_on", "resolved"], ["opening", "opening date"], ["closing", "closing date"], ["a case was open", "it took to close"], (0, 60)),
         (["start_date", "start", "begin"], ["end_date", "end", "finish"], ["start", "start date"], ["end", "end date"], ["it lasted", "it ran"], (1, 200)),
         (["borrowed", "loan_date"], ["returned", "return_date"], ["loan", "loan date"], ["return", "return date"], ["it was lent", "it was kept"], (1, 45)),
         (["admitted", "arrival", "check_in"], ["discharged", "departure", "check_out"], ["arrival", "admission"], ["departure", "discharge"], ["the stay was", "they stayed"], (1, 21)),
         (["invoice_date", "invoiced"], ["paid_date", "paid_on"], ["invoice", "invoice date"], ["payment", "payment date"], ["payment took", "it took to pay"], (1, 90))]


def span_workspace(rng, domains):
    """Rows with two dates, so that something lasts a number of days."""
    domain = rng.choice([d for d in domains if d.get("numbers")])
    style = rng.choice(STYLES)
    columns, left = make_columns(rng, domain, style, "events")
    columns = [c for c in columns if c.kind != "date" and not c.role][:5]
    a_names, b_names, a_says, b_says, took, (lo, hi) = rng.choice(SPANS)
    a = Column(styled(rng, rng.choice(a_names), style), "date", a_says)
    b = Column(styled(rng, rng.choice(b_names), style), "date", b_says)
    names = {c.name.lower() for c in columns}
    if {a.name.lower(), b.name.lower()} & names or not any(c.kind == "category" for c in columns):
        return span_workspace(rng, domains)
    n = rng.choice((12, 20, 30, 50, 80, 120))
    columns = [a, b] + columns if rng.random() < 0.5 else columns[:1] + [a, b] + columns[1:]
    table = fill(rng, columns, "events", n)
    i, j = table.names.index(a.name), table.names.index(b.name)
    table.data[j] = [(date.fromisoformat(d) + timedelta(days=rng.randint(lo, hi))).isoformat() for d in table.data[i]]
    if rng.random() < 0.15:
        table.data[j] = [None if rng.random() < 0.06 else d for d in table.data[j]]
    f = File(pick_path(rng, rng.choice(domain["files"])), table, columns, domain["rows"], domain, "events")
    f.left_out = left
    w = Workspace("span", [f], {})
    w.main, w.span = f, (a, b, took)
    return w


# (rows, files, (name, says, lo, hi, decimals) of a and b, kind, what people call the derived number)
CONCEPTS = [
    (["order", "sale"], ["accounts", "branches", "projects"], (["revenue", "income_eur", "sales_eur"], ["revenue", "income"], 500, 9000, 0), (["costs", "cost_eur", "expenses"], ["costs", "expenses"], 200, 7000, 0), "difference", ["profit", "profit", "net result", "earnings after costs"]),
    (["order", "sale"], ["accounts", "products", "shops"], (["revenue", "turnover"], ["revenue", "turnover"], 800, 9000, 0), (["costs", "cost"], ["costs"], 200, 800, 0), "margin", ["profit margin", "margin", "profit margin in percent", "margin in %"]),
    (["trip", "ride", "drive"], ["trips", "drives", "journeys"], (["distance_km", "km"], ["distance", "kilometres"], 2, 300, 1), (["hours", "duration_h"], ["hours", "duration"], 0.2, 6, 2), "rate", ["speed", "speed in km per hour", "kilometres per hour"]),
    (["trip", "tank filling"], ["fuel", "fleet", "tankings"], (["litres", "fuel_l"], ["litres", "fuel"], 5, 80, 1), (["km", "distance_km"], ["kilometres", "distance"], 60, 900, 0), "rate", ["fuel consumption per km", "litres per km", "consumption per kilometre"]),
    (["municipality", "district"], ["municipalities", "districts", "census"], (["population", "inhabitants"], ["population", "inhabitants"], 800, 90000, 0), (["area_km2", "area"], ["area", "size"], 4, 400, 1), "rate", ["population density", "density", "people per square kilometre"]),
    (["field", "plot"], ["fields", "harvests", "farm"], (["harvest_t", "tonnes"], ["harvest", "tonnes"], 10, 900, 1), (["area_ha", "hectares"], ["area", "hectares"], 1, 90, 1), "rate", ["yield per hectare", "yield", "harvest per hectare"]),
    (["class", "exam"], ["exams", "tests", "results"], (["passed", "n_passed"], ["passed"], 3, 20, 0), (["candidates", "entered"], ["candidates", "entered"], 20, 40, 0), "percent", ["pass rate", "pass rate in percent", "success rate"]),
    (["night", "report"], ["hotels", "occupancy", "houses"], (["rooms_sold", "occupied"], ["rooms sold", "occupied rooms"], 5, 90, 0), (["rooms", "capacity"], ["rooms", "capacity"], 90, 140, 0), "percent", ["occupancy", "occupancy rate", "utilisation", "occupancy in percent"]),
    (["campaign", "week"], ["webshop", "campaigns", "traffic"], (["orders", "purchases"], ["orders", "purchases"], 5, 200, 0), (["visits", "visitors"], ["visits", "visitors"], 300, 9000, 0), "percent", ["conversion rate", "conversion", "conversion in percent"]),
    (["team", "season"], ["seasons", "clubs", "standings"], (["wins", "won"], ["wins", "won games"], 1, 20, 0), (["games", "played"], ["games", "games played"], 20, 40, 0), "percent", ["win rate", "share of games won", "winning percentage"]),
    (["purchase", "delivery"], ["purchases", "groceries", "deliveries"], (["amount_eur", "paid"], ["amount", "amount paid"], 3, 200, 2), (["weight_kg", "kg"], ["weight", "kilos"], 0.5, 40, 1), "rate", ["price per kilo", "price per kg", "cost per kilo"]),
    (["shift", "day"], ["production", "line_output", "shifts"], (["pieces", "output"], ["pieces", "output"], 20, 800, 0), (["work_hours", "hours"], ["working hours", "hours"], 4, 60, 1), "rate", ["productivity", "output per hour", "pieces per hour"]),
    (["bill", "table"], ["bills", "evening", "waiters"], (["tip", "tip_eur"], ["tip"], 0.5, 20, 2), (["total_bill", "bill", "amount"], ["bill", "total bill"], 8, 120, 2), "percent", ["tip percentage", "tip rate", "tip in percent of the bill"]),
]
FLAGS = [("late", ["late", "delayed"], ["delay rate", "percentage of delays"]), ("returned", ["returned"], ["return rate"]), ("survived", ["surviving"], ["survival rate", "percentage of survivors"]), ("cancelled", ["cancelled"], ["cancellation rate"]),
         ("paid", ["paid"], ["payment rate"]), ("damaged", ["damaged"], ["damage rate"]), ("first_visit", ["first"], ["share of first visits"]), ("complaint", ["complained about"], ["complaint rate"])]


def concept_workspace(rng, domains):
    """Two numbers whose quotient or difference has a name, and a column of zeros and ones."""
    rows, files, first, second, kind, names = rng.choice(CONCEPTS)
    style = rng.choice(STYLES)
    domain = rng.choice([d for d in domains if d.get("categories")])
    a, b = (Column(styled(rng, rng.choice(n), style), "number", says, lo=lo, hi=hi, decimals=dec, additive=True) for n, says, lo, hi, dec in (first, second))
    cats = [category_column(rng, c, style) for c in rng.sample(domain["categories"], min(2, len(domain["categories"])))]
    columns = [c for c in cats if c.kind == "category" and len(c.values) >= 2][:rng.choice((1, 1, 2))] + [a, b]
    entities = rng.random() < 0.45
    if entities:
        e = rng.choice(("place", "company", "product", "person"))
        columns.insert(0, Column(styled(rng, rng.choice(("name", rows[0])), style), "entity", ["name", rows[0]], entity=e))
    if rng.random() < 0.5:
        name, words, rates = rng.choice(FLAGS)
        flag = Column(styled(rng, name, style), "number", [name.replace("_", " ")], decimals=0, lo=0, hi=1, flag=words, rate=rates, role="flag")
        columns.append(flag)
    if rng.random() < 0.35:
        columns.append(Column(styled(rng, rng.choice(("date", "day")), style), "date", ["date", "day"]))
    seen = set()
    columns = [c for c in columns if not (c.name.lower() in seen or seen.add(c.name.lower()))]
    if a not in columns or b not in columns or not any(c.kind == "category" for c in columns):
        return concept_workspace(rng, domains)
    if rng.random() < 0.4:
        rng.shuffle(columns)
    table = fill(rng, columns, "entities" if entities else "events", rng.choice((6, 8, 10, 15)) if entities else rng.choice((20, 40, 80, 150)))
    for c in columns:
        if c.role == "flag":
            table.data[table.names.index(c.name)] = [int(rng.random() < 0.35) for _ in range(table.rows())]
    f = File(pick_path(rng, rng.choice(files)), table, columns, rows, domain, "events")
    f.left_out = []
    w = Workspace("concept", [f], {})
    w.main, w.concept = f, (a, b, kind, names)
    return w


def keyed_workspace(rng, domains):
    """A join whose key may be called differently there, with keys that have no partner on either side."""
    w = join_workspace(rng, domains)
    if w.kind != "join":
        return keyed_workspace(rng, domains)
    f, i = w.other, w.other.table.names.index(w.key.name)
    w.there = w.key.name
    if rng.random() < 0.55:
        name = rng.choice(("id", "name", "code", "key", plain(w.key.name) + "_id"))
        if name not in f.table.names and re.fullmatch(r"[a-z_]+", name):
            f.table.names[i] = w.there = name
            f.columns[i].name = name
    extra = [v for v in ("Zeta", "Omega", "Kilo", "Sigma", "Tango") if v not in w.key.values][:rng.choice((1, 1, 2, 3))]
    for c, values, kind in zip(f.columns, f.table.data, f.table.types):
        for v in extra:
            values.append(v if c is f.columns[i] else rng.choice(values) if kind == "text" else rng.choice(values))
    w.lonely = extra
    w.kind = "keyed"
    return w


def plain(name):
    return "_".join(words_of(name)).encode("ascii", "ignore").decode() or "key"


# Folders -----------------------------------------------------------------------------------------------------------

def png(rng):
    """A real picture of a few pixels."""
    w, h = rng.randint(2, 6), rng.randint(2, 6)
    raw = b"".join(b"\0" + bytes(rng.randrange(256) for _ in range(3 * w)) for _ in range(h))
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))  # noqa: E731
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def bytes_of(rng, name):
    ext = name.rsplit(".", 1)[-1].lower()
    if ext == "png":
        return png(rng)
    if ext in ("jpg", "jpeg"):
        return b"\xff\xd8\xff\xe0" + bytes(rng.randrange(256) for _ in range(rng.randint(40, 300)))
    if ext == "pdf":
        return b"%PDF-1.4\n" + bytes(rng.randrange(256) for _ in range(rng.randint(40, 300)))
    if ext in ("mp3", "mp4", "docx", "zip", "wav", "mov"):
        return bytes(rng.randrange(1, 256) for _ in range(rng.randint(60, 400)))
    if ext == "csv":
        head = rng.choice(("name,amount", "item,count", "day,visits"))
        return (head + "\n" + "".join(f"{rng.choice(FIRST)},{rng.randint(1, 900)}\n" for _ in range(rng.randint(2, 6)))).encode()
    if ext == "json":
        return json.dumps([{"name": rng.choice(FIRST), "amount": rng.randint(1, 900)} for _ in range(rng.randint(2, 6))], indent=1).encode()
    return note_text(rng)[0].encode()


DOC_STEMS = "report letter invoice minutes contract offer memo agenda budget draft summary plan recipe poem thesis essay protocol quote".split()
PHOTO_STEMS = ["IMG_", "DSC", "photo", "scan_", "P", "holiday ", "PICT", "Screenshot "]


def folder_workspace(rng, domains):
    """A folder that wants tidying: w.blobs path -> bytes, w.times path -> seconds. w.traits says what is special."""
    kind = rng.choice(("photos", "numbered", "mixed", "mixed", "mixed", "copies", "tables", "spaces", "months", "nested"))
    names, traits = [], {"kind": kind}
    if kind == "photos":
        stem, digits = rng.choice(PHOTO_STEMS), rng.choice((1, 3, 4))
        ext = rng.choice(("jpg", "JPG", "png", "jpeg"))
        start = rng.randint(1, 60)
        names = [f"{stem}{start + 3 * i:0{digits}d}.{ext}" for i in range(rng.randint(3, 7))]
        names += rng.sample(["notes.txt", "list.csv", "readme.md", "todo.txt"], rng.randint(0, 2))
        traits |= {"stem": stem, "ext": ext}
    elif kind == "numbered":
        stem, ext = rng.choice(DOC_STEMS), rng.choice(("txt", "md", "csv", "pdf"))
        sep = rng.choice(("_", "-", " ", ""))
        names = [f"{stem}{sep}{i}.{ext}" for i in range(1, rng.randint(4, 8))]
        traits |= {"stem": stem + sep, "ext": ext}
    elif kind == "mixed":
        exts = rng.sample(["txt", "csv", "pdf", "png", "jpg", "md", "docx", "mp3", "json", "log"], rng.randint(3, 5))
        for ext in exts:
            for stem in rng.sample(DOC_STEMS, rng.randint(1, 3)):
                names.append(f"{stem}.{ext}")
        if rng.random() < 0.4:  # some kinds lie in folders
            inside = {ext: rng.choice(("stuff", "misc", "data", "old", "inbox", "work", f"{ext}s")) for ext in rng.sample(exts, rng.randint(1, len(exts) - 1))}
            names = [f"{inside[n.rsplit('.', 1)[1]]}/{n}" if n.rsplit(".", 1)[1] in inside else n for n in names]
    elif kind == "copies":
        stems = rng.sample(DOC_STEMS, rng.randint(2, 4))
        names = [f"{s}.{rng.choice(('txt', 'md', 'csv'))}" for s in stems]
        for s in rng.sample(names, rng.randint(1, 2)):
            base, ext = s.rsplit(".", 1)
            names.append(rng.choice((f"{base} copy.{ext}", f"copy of {s}", f"{base}_old.{ext}", f"{base} (1).{ext}", f"backup/{s}")))
    elif kind == "tables":
        stem, sep = rng.choice(("sales", "visits", "orders", "stock", "hours", "costs")), rng.choice(("_", "-"))
        tags = rng.choice((["jan", "feb", "mar"], ["2021", "2022", "2023"], ["q1", "q2", "q3", "q4"], ["north", "south"], ["week1", "week2", "week3"]))
        names = [f"{stem}{sep}{t}.csv" for t in tags] + rng.sample(["notes.txt", "readme.md"], rng.randint(0, 1))
        traits |= {"stem": stem + sep, "tags": tags}
    elif kind == "spaces":
        ext = rng.choice(("txt", "md", "pdf", "csv"))
        names = [f"{a} {b}.{rng.choice((ext, ext, 'txt'))}" for a, b in zip(rng.sample(("my", "the", "old", "new", "final", "first"), 4), rng.sample(DOC_STEMS, 4))]
        if rng.random() < 0.5:
            names = [n.rsplit(".", 1)[0].title() + "." + n.rsplit(".", 1)[1] if rng.random() < 0.5 else n for n in names]
    elif kind == "months":
        stem = rng.choice(("report", "invoice", "bill", "statement", "notes"))
        year = rng.randint(2015, 2024)
        names = [f"{stem}_{year + (i // 12)}-{i % 12 + 1:02d}.{rng.choice(('pdf', 'txt'))}" for i in range(rng.randint(0, 6), rng.randint(8, 14), 2)]
        traits |= {"stem": stem + "_"}
    else:
        folder = rng.choice(("inbox", "downloads", "old", "scans", "2023", "stuff"))
        names = [f"{folder}/{s}.{rng.choice(('txt', 'csv', 'pdf', 'png'))}" for s in rng.sample(DOC_STEMS, rng.randint(3, 5))] + [f"{s}.{rng.choice(('txt', 'md'))}" for s in rng.sample(("notes", "readme", "list"), rng.randint(1, 2))]
        traits |= {"folder": folder}
    names = list(dict.fromkeys(names))
    blobs = {n: bytes_of(rng, n) for n in names}
    if kind == "copies":
        for n in names:  # the copies are copies
            base = re.sub(r"^copy of |^backup/| copy(?=\.)|_old(?=\.)| \(1\)(?=\.)", "", n)
            blobs[n] = blobs.get(base, blobs[n])
    if kind == "tables":
        for n in names:
            if n.endswith(".csv"):
                blobs[n] = ("name,amount\n" + "".join(f"{rng.choice(FIRST)},{rng.randint(1, 900)}\n" for _ in range(rng.randint(2, 9)))).encode()
    for n in [n for n in names if n.endswith(".csv")][:2] if kind in ("mixed", "photos", "spaces") else []:
        if rng.random() < 0.4:  # a table of a topic, as real folders have them
            table = make_file(rng, rng.choice(domains)).table
            blobs[n] = "".join(",".join(quoted_cell(cell_text(v)) for v in row) + "\n" for row in (table.names, *zip(*table.data))).encode()
    first = datetime(rng.randint(2015, 2024), rng.randint(1, 12), rng.randint(1, 28), 12, tzinfo=timezone.utc)
    spread = rng.choice((40, 200, 900))
    times = {n: int((first + timedelta(days=rng.randint(0, spread))).timestamp()) for n in names}
    w = Workspace("folder", [], {n: "" for n in names})
    w.blobs, w.times, w.traits, w.main = blobs, times, traits, None
    return w
