"""Invented workspaces: domains -> columns with random names -> tables of random rows -> files.

A Column keeps what people may call it (`says`) next to what the file calls it (`name`); the tasks link the two.
"""
import json
import re
from datetime import date, timedelta
from pathlib import Path

from tables import MISSING, Table

UNITS = {"eur", "usd", "gbp", "kg", "g", "t", "km", "m", "cm", "mm", "min", "h", "s", "ms", "pct", "percent", "c", "kwh", "kw", "w", "l", "ml", "wm2",
         "ha", "m2", "m3", "kmh", "bpm", "db", "hz", "bar", "years", "days", "months", "hours", "minutes", "sec", "mg", "deg", "v", "mb", "gb", "%", "€", "$"}
FIRST = ("Amara Bruno Carla Dario Edda Farid Greta Hugo Ilse Jonas Kaja Lars Mirela Nadia Otto Petra Quentin Rosa Sven Tilda Umar Vera Wanda Xenia "
         "Yusuf Zora Anton Birgit Cem Dunja Emil Frieda Goran Hanne Ivo Jana Karim Leonie Malte Nils Orla Pavel Runa Stella Timo Ursula Viktor Wim").split()
LAST = ("Adler Brandt Costa Dubois Eriksen Fontana Greco Haas Iversen Jansen Keller Lindner Moreau Novak Okoro Petrov Quist Romano Schulz Tanaka "
        "Ullmann Vidal Weber Young Zeller Bakker Cohen Diaz Engel Fuchs Gruber Holm Ito Koch Lange Maier Nagy Olsen Pohl Rossi").split()
PLACE_A = "Alder Birch Clay Dover Elm Fair Glen Hazel Iron Kings Lark Maple North Oak Pine Quarry River Stone Thorn West".split()
PLACE_B = "bridge bury dale field ford gate ham haven hill mouth port stead ton view wick wood".split()
COMPANY_A = "Norde Vanta Kappa Lumo Ardent Bexel Corva Delmar Estra Fenwick Gavia Helix Intra Jovo Kestrel Lorca Meridian Nubis Orbis Pelka".split()
COMPANY_B = ["Ltd", "GmbH", "Works", "Group", "Partners", "Foods", "Logistics", "Labs", "Systems", "& Sons", "Energy", "Motors", "Bank", "Media"]
PRODUCT_A = "Classic Compact Deluxe Eco Family Grand Junior Light Mini Nordic Prime Pro Royal Smart Trail Urban Vista".split()
PRODUCT_B = "A3 B12 Box Case Duo Edge Flex Kit Line Max Nova One Plus Set Star Two X4".split()
PAIRS = [("gross", "net"), ("planned", "actual"), ("start", "end"), ("front", "rear"), ("inner", "outer"), ("left", "right"), ("upper", "lower"),
         ("morning", "evening"), ("opening", "closing"), ("indoor", "outdoor"), ("expected", "measured"), ("old", "new"), ("summer", "winter"),
         ("home", "away"), ("first", "second"), ("online", "local"), ("domestic", "foreign"), ("fixed", "variable")]
# Things with several measured parts: columns that are close in name and meaning.
MEASURED = [
    {"domain": "vessels", "rows": ["vessel", "find", "pot"], "files": ["finds", "vessels", "dig", "ceramics"], "parts": ["rim", "wall", "base", "neck", "handle"],
     "categories": [{"names": ["trench", "area"], "says": ["trench", "dig area"], "values": ["T1", "T2", "T3", "North pit"]},
                    {"names": ["ware", "ware_type"], "says": ["ware", "kind of pottery"], "values": ["Coarse", "Fine", "Glazed", "Painted"]}]},
    {"domain": "boats", "rows": ["boat", "yacht"], "files": ["boats", "harbour", "fleet", "marina"], "parts": ["hull", "mast", "keel", "deck", "rudder"],
     "categories": [{"names": ["boat_class", "class"], "says": ["class", "kind of boat"], "values": ["Dinghy", "Cutter", "Ketch", "Catamaran"]},
                    {"names": ["jetty", "pier"], "says": ["jetty", "pier", "mooring"], "values": ["A", "B", "C", "East"]}]},
    {"domain": "bridges", "rows": ["bridge"], "files": ["bridges", "crossings", "structures"], "parts": ["span", "deck", "pier", "arch", "railing"],
     "categories": [{"names": ["material", "built_of"], "says": ["material", "building material"], "values": ["Stone", "Steel", "Timber", "Concrete"]},
                    {"names": ["road_class", "road"], "says": ["road class", "kind of road"], "values": ["Motorway", "Main road", "Footpath", "Rail"]}]},
    {"domain": "knives", "rows": ["knife", "blank"], "files": ["knives", "workshop", "forge"], "parts": ["blade", "handle", "tang", "sheath", "guard"],
     "categories": [{"names": ["steel", "steel_grade"], "says": ["steel", "grade of steel"], "values": ["Carbon", "Stainless", "Damascus"]},
                    {"names": ["smith", "maker"], "says": ["smith", "maker"], "values": ["Anders", "Bea", "Coen", "Dag"]}]},
    {"domain": "chairs", "rows": ["chair", "prototype"], "files": ["chairs", "furniture", "prototypes"], "parts": ["seat", "back", "leg", "armrest", "cushion"],
     "categories": [{"names": ["wood", "timber"], "says": ["wood", "kind of wood"], "values": ["Oak", "Beech", "Walnut", "Ash", "Pine"]},
                    {"names": ["designer", "design_by"], "says": ["designer"], "values": ["Studio Vik", "Amundsen", "Form&Co"]}]},
]
DIMS = {"length": ("length", "mm", 8, 420, 1), "width": ("width", "mm", 4, 190, 1), "height": ("height", "cm", 3, 95, 1), "depth": ("depth", "mm", 2, 80, 1),
        "thickness": ("thickness", "mm", 1, 24, 1), "diameter": ("diameter", "mm", 12, 380, 0), "weight": ("weight", "g", 15, 3900, 0)}


# Codes that stand for names everybody knows: (header, what people call it, code -> names).
CODED = [
    (["country", "country_code", "iso", "nation", "land"], ["country", "nation"],
     {"DE": ["Germany"], "FR": ["France"], "ES": ["Spain"], "IT": ["Italy"], "PT": ["Portugal"], "NL": ["Netherlands", "the Netherlands"], "SE": ["Sweden"], "NO": ["Norway"], "FI": ["Finland"], "DK": ["Denmark"], "PL": ["Poland"], "AT": ["Austria"],
      "CH": ["Switzerland"], "JP": ["Japan"], "BR": ["Brazil"], "CA": ["Canada"], "GR": ["Greece"], "IE": ["Ireland"], "MX": ["Mexico"], "KR": ["South Korea", "Korea"]}),
    (["country", "iso3", "country_code", "code"], ["country", "nation"],
     {"DEU": ["Germany"], "FRA": ["France"], "ESP": ["Spain"], "ITA": ["Italy"], "PRT": ["Portugal"], "NLD": ["Netherlands"], "SWE": ["Sweden"], "NOR": ["Norway"], "FIN": ["Finland"], "POL": ["Poland"], "AUT": ["Austria"], "CHE": ["Switzerland"],
      "JPN": ["Japan"], "BRA": ["Brazil"], "CHN": ["China"], "IND": ["India"], "ZAF": ["South Africa"], "EGY": ["Egypt"], "TUR": ["Turkey"], "AUS": ["Australia"]}),
    (["currency", "cur", "ccy"], ["currency"],
     {"EUR": ["euro", "euros"], "USD": ["dollar", "US dollar"], "GBP": ["pound", "British pound"], "JPY": ["yen"], "CHF": ["Swiss franc", "franc"], "SEK": ["Swedish krona"], "NOK": ["Norwegian krone"], "PLN": ["zloty"], "INR": ["rupee"], "CNY": ["yuan"]}),
    (["airport", "origin", "iata", "hub"], ["airport"],
     {"LIS": ["Lisbon"], "OSL": ["Oslo"], "FRA": ["Frankfurt"], "MUC": ["Munich"], "CDG": ["Paris"], "FCO": ["Rome"], "MAD": ["Madrid"], "VIE": ["Vienna"], "ZRH": ["Zurich"], "HEL": ["Helsinki"], "CPH": ["Copenhagen"], "DUB": ["Dublin"], "ATH": ["Athens"]}),
    (["lang", "language"], ["language"], {"en": ["English"], "de": ["German"], "fr": ["French"], "es": ["Spanish"], "it": ["Italian"], "pt": ["Portuguese"], "nl": ["Dutch"], "pl": ["Polish"], "sv": ["Swedish"], "ja": ["Japanese"]}),
    (["element", "metal", "material"], ["element", "metal"], {"Fe": ["iron"], "Cu": ["copper"], "Au": ["gold"], "Ag": ["silver"], "Pb": ["lead"], "Zn": ["zinc"], "Al": ["aluminium", "aluminum"], "Ni": ["nickel"], "Sn": ["tin"], "Ti": ["titanium"]}),
    (["gas", "pollutant", "substance"], ["gas", "pollutant"], {"CO2": ["carbon dioxide"], "NO2": ["nitrogen dioxide"], "O3": ["ozone"], "CH4": ["methane"], "SO2": ["sulphur dioxide", "sulfur dioxide"], "NH3": ["ammonia"]}),
]


def short_code(rng, name):
    """A code for a name, as tables have them: ticker, site code."""
    words = re.findall(r"[A-Za-z]+", name)
    joined = "".join(words).upper()
    how = rng.random()
    if how < 0.35:
        return joined[:rng.choice((3, 4))]
    if how < 0.75:
        rest = re.sub("[AEIOU]", "", joined[1:])
        return (joined[0] + rest)[:rng.choice((3, 4))]
    if len(words) > 1:
        return "".join(w[0] for w in words).upper() + words[0][1].upper()
    return joined[0] + joined[len(joined) // 2] + joined[-1]


def coded_column(rng, style):
    """A category of codes that people call by their full names."""
    r = rng.random()
    if r < 0.5:
        names, says, codes = rng.choice(CODED)
        chosen = rng.sample(sorted(codes), rng.randint(3, min(8, len(codes))))
        spoken = {k: codes[k] for k in chosen}
    else:
        spoken = {}
        place = rng.random() < 0.35
        names, says = (["site", "station", "stop", "site_code"], ["site", "station"]) if place else (["symbol", "ticker", "stock", "company", "code"], ["company", "firm", "stock"])
        for _ in range(40):
            if len(spoken) == 8 or len(spoken) >= 3 and rng.random() < 0.2:
                break
            if place:
                name = rng.choice(PLACE_A) + rng.choice(PLACE_B)
                full = [name]
            else:
                a = rng.choice(COMPANY_A)
                full = [a, a, f"{a} {rng.choice(COMPANY_B)}"]
            code = short_code(rng, full[-1])
            if code not in spoken and code not in MISSING and not any(full[0] == s[0] for s in spoken.values()):
                spoken[code] = full
    c = Column(styled(rng, rng.choice(names), style), "category", says)
    c.values, c.spoken, c.coded, c.always_coded = list(spoken), spoken, True, True
    return c


class Column:
    def __init__(self, name, kind, says, **more):
        self.name, self.kind, self.says = name, kind, list(says)
        self.values, self.spoken, self.decimals, self.lo, self.hi, self.additive = [], {}, 2, 0, 1, False
        self.role = ""  # "year" for a column of years
        self.__dict__.update(more)


class File:
    """One table of a workspace and what the tasks need to know about it."""

    def __init__(self, path, table, columns, rows, domain, layout):
        self.path, self.table, self.columns, self.rows, self.domain, self.layout = path, table, columns, rows, domain, layout
        self.date_style = "%Y-%m-%d"
        self.place = None  # a place in the file's name that no column has: "oslo_rides.csv"

    def of(self, *kinds):
        return [c for c in self.columns if c.kind in kinds]

    def data(self, column):
        return self.table.data[self.table.names.index(column.name)]


class Workspace:
    def __init__(self, kind, tables, texts):
        self.kind, self.tables, self.texts = kind, tables, texts
        self.files = {f.path: f.table for f in tables}
        self.files.update(texts)


def load_domains(folder, wanted=lambda stem: True):
    domains = []
    for path in sorted(Path(folder).glob("*.json")):
        if wanted(path.stem):
            domains.append(json.loads(path.read_text(encoding="utf-8")))
    english = {w for d in domains for k in ("categories", "numbers", "dates", "entities") for c in d[k] for s in c["says"] for w in words_of(s)}
    for d in domains:
        for k in ("categories", "numbers", "dates", "entities"):
            for c in d[k]:
                # A name without any word that people say is a foreign or a short one: three times rarer.
                usual = [n for n in c["names"] if any(w in english for w in words_of(n) if len(w) > 2)]
                c["names"] = usual * 2 + c["names"]
    return domains


# Names -------------------------------------------------------------------------------------------------------------

def words_of(name):
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+[^\W\d_]*|[%€$]", name)
    return [p.lower() for p in parts]


def plain_name(name):
    """The name as words without a unit: "revenue_eur" -> "revenue"."""
    words = words_of(name)
    # What is left of "t_min_c" or "mag_min" alone would name nothing.
    while len(words) > 1 and words[-1] in UNITS and len(" ".join(words[:-1])) > 3:
        words.pop()
    return " ".join(words)


def styled(rng, name, style):
    words = words_of(name)
    # A unit in brackets, a formula or a number in a word ("CO2 [t]", "FEV1") would be torn apart.
    if style == "as is" or not words or re.search(r"[^\w -]|\d", name):
        return name
    if len(words) > 1 and words[-1] in UNITS and rng.random() < 0.15:
        words.pop()
    if rng.random() < 0.07:
        i = rng.randrange(len(words))
        w = words[i]
        if len(w) > 6 and w.isascii():
            words[i] = w[:rng.choice((3, 4))] if rng.random() < 0.6 else w[0] + re.sub("[aeiou]", "", w[1:])[:4]
    if style == "snake":
        return "_".join(words)
    if style == "camel":
        return words[0] + "".join(w.capitalize() for w in words[1:])
    if style == "Pascal":
        return "".join(w.capitalize() for w in words)
    if style == "kebab":
        return "-".join(words)
    if style == "UPPER":
        return "_".join(words).upper()
    unit = words.pop() if len(words) > 1 and words[-1] in UNITS else None
    text = " ".join(w.capitalize() for w in words) if style == "Title" else " ".join(words)
    if unit:
        text += f" ({unit.upper() if unit in ('eur', 'usd', 'gbp') else {'c': '°C', 'pct': '%', 'percent': '%'}.get(unit, unit)})"
    return text


STYLES = ["as is"] * 8 + ["snake"] * 4 + ["camel"] * 2 + ["Pascal", "Title", "Title", "Title", "lower", "lower", "UPPER", "kebab"]


# Values ------------------------------------------------------------------------------------------------------------

def entity_values(rng, kind, n):
    seen = {}
    prefix = rng.choice(("K-", "A", "ID-", "N", "X-", "R", "P-", "SN"))
    start = rng.choice((100, 1000, 4000))
    lone = rng.random() < 0.3 and n <= 40
    tries = 0
    while len(seen) < n:
        tries += 1
        if kind == "person":
            v = rng.choice(FIRST) if lone else f"{rng.choice(FIRST)} {rng.choice(LAST)}"
        elif kind == "company":
            v = f"{rng.choice(COMPANY_A)} {rng.choice(COMPANY_B)}"
        elif kind == "place":
            v = rng.choice(PLACE_A) + rng.choice(PLACE_B)
        elif kind == "product":
            v = f"{rng.choice(PRODUCT_A)} {rng.choice(PRODUCT_B)}"
        else:
            v = f"{prefix}{start + rng.randrange(3 * n + 40)}"
        if v in seen and tries > 8 * n:
            v = f"{v} {len(seen)}"
        seen[v] = True
    return list(seen)


def number_values(rng, c, n, walk=False):
    lo, hi, d = c.lo, c.hi, c.decimals
    span = hi - lo
    if walk:
        x, out = lo + span * rng.uniform(0.2, 0.8), []
        for _ in range(n):
            x += span * rng.gauss(0, 0.06)
            x = min(max(x, lo), hi)
            out.append(round(x, d))
    else:
        shape, r = rng.choice((1, 1, 1.6, 2.5)), rng.random
        out = [round(lo + span * r() ** shape, d) for _ in range(n)]
    return [int(v) for v in out] if d == 0 else out


def day_list(rng, n, step, start):
    if step == "month":
        y, m, out = start.year, start.month, []
        for _ in range(n):
            out.append(f"{y:04d}-{m:02d}-01")
            y, m = (y + 1, 1) if m == 12 else (y, m + 1)
        return out
    if step == "year":
        return [f"{start.year + i:04d}-01-01" for i in range(n)]
    return [(start + timedelta(days=step * i)).isoformat() for i in range(n)]


# Columns of one table ----------------------------------------------------------------------------------------------

def category_column(rng, spec, style):
    c = Column(styled(rng, rng.choice(spec["names"]), style), "category", spec["says"])
    values = [v for v in spec["values"] if v not in MISSING and v.lower() not in ("none", "true", "false") and not re.fullmatch(r"[\d.,]+", v)]
    if len(values) > 3 and rng.random() < 0.5:
        values = rng.sample(values, rng.randint(3, len(values)))
    codes = spec.get("codes") if rng.random() < 0.4 else None
    change = rng.choice((str.lower, str.upper)) if codes is None and rng.random() < 0.1 else None
    for v in values:
        if codes:
            stored = codes.get(v, v)
        else:
            stored = change(v) if change else v
        if stored in c.spoken:
            continue
        c.values.append(stored)
        c.spoken[stored] = [v] + spec.get("aliases", {}).get(v, [])
    if codes and (len({v.lower() for v in c.values}) < len(c.values) or any(v.isdigit() or v in MISSING or v in ("true", "false") for v in c.values)):
        return category_column(rng, dict(spec, codes=None), style)
    if {v.lower() for v in c.values} <= {"true", "false"}:
        c.kind = "skip"
    c.coded = bool(codes)
    return c


def number_column(rng, spec, style):
    lo, hi = spec["lo"], spec["hi"]
    if rng.random() < 0.3:  # another stretch of the same range
        a, b = sorted((rng.random(), rng.random()))
        if b - a > 0.3:
            lo, hi = lo + (hi - lo) * a, lo + (hi - lo) * b
    return Column(styled(rng, rng.choice(spec["names"]), style), "number", spec["says"], decimals=spec["decimals"], lo=lo, hi=hi,
                  additive=spec["additive"], key=spec["names"][0])


CLAUSE = re.compile(r"(how|what|who|where|when|which|whose|why)\b")


def is_clause(say):
    return bool(CLAUSE.match(say))


def sibling_columns(rng, spec, style):
    """Two columns like gross_weight and net_weight."""
    a, b = rng.choice(PAIRS)
    names = [n for n in spec["names"] if n.isascii() and len(words_of(n)) <= 3]
    says = [s for s in spec["says"] if not is_clause(s) and len(s.split()) <= 2]
    if not names or not says:
        return [number_column(rng, spec, style)]
    name = rng.choice(names)
    out = []
    for q in (a, b):
        words = [q] + words_of(name)
        c = number_column(rng, dict(spec, names=["_".join(words)], says=[f"{q} {s}" for s in says]), "snake" if style == "as is" else style)
        out.append(c)
    return out


def measured_columns(rng, thing, style):
    parts = rng.sample(thing["parts"], rng.randint(2, 3))
    dims = rng.sample(sorted(DIMS), rng.randint(2, 3))
    columns = []
    for p in parts:
        for d in dims:
            if rng.random() < 0.75 or not columns:
                say, unit, lo, hi, dec = DIMS[d]
                tail = {"": "", "unit": "_" + unit}[rng.choice(("", "unit"))]
                spec = {"names": [f"{p}_{d}{tail}"], "says": [f"{p} {say}", f"{say} of the {p}"], "lo": lo, "hi": hi, "decimals": dec, "additive": False}
                if d == "thickness":
                    spec["says"].append(f"how thick the {p} is")
                if d == "length":
                    spec["says"].append(f"how long the {p} is")
                columns.append(number_column(rng, spec, "snake" if style == "as is" else style))
    return columns[:6]


DATE_STYLES = ["%Y-%m-%d"] * 8 + ["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%b %d %Y", "%d %b %Y", "%Y/%m/%d"]


def pick_path(rng, stem):
    ext = rng.choices(("csv", "json", "tsv", "ndjson"), (90, 5, 3, 2))[0]
    stem = re.sub(r"_?(19|20)\d\d$", "", stem) or "table"
    folder = rng.choice(("data/", "input/", "files/", "raw/")) if rng.random() < 0.05 else ""
    if not stem.isascii():
        stem = stem.encode("ascii", "ignore").decode() or "table"
    if rng.random() < 0.12:
        stem = rng.choice((stem.replace("_", "-"), stem.capitalize(), stem + "_export", stem + "_final", stem.upper()))
    return f"{folder}{stem}.{ext}"


def make_columns(rng, domain, style, layout):
    """(columns, specs of numbers left out)."""
    measured = "parts" in domain
    cats = rng.sample(domain["categories"], min(len(domain["categories"]), rng.choices((1, 2, 3, 4), (30, 40, 22, 8))[0]))
    columns = [category_column(rng, spec, style) for spec in cats]
    if rng.random() < {"panel": 0.4, "events": 0.08, "series": 0.0, "entities": 0.05, "summary": 0.15}[layout] and not measured:
        if layout in ("panel", "summary"):
            columns = columns[1:]
        columns.insert(0, coded_column(rng, style))
    left = []
    if measured:
        columns += measured_columns(rng, domain, style)
    else:
        specs = list(domain["numbers"])
        rng.shuffle(specs)
        k = rng.choices((1, 2, 3, 4, 5, 6, 8), (8, 16, 22, 20, 15, 12, 7))[0]
        if rng.random() < 0.5:
            # Columns that are near to each other ("bill length", "wing length") stand in one table.
            heads = set(words_of(specs[0]["says"][0]))
            specs[1:] = sorted(specs[1:], key=lambda spec: not heads & set(words_of(spec["says"][0])))
        wide = rng.random() < 0.06
        if wide:
            k = len(specs)
            columns += [category_column(rng, spec, style) for spec in domain["categories"] if spec not in cats]
            kind = rng.choice(("q", "v", "item_", "sensor_", "test_", "m", "field_"))
            for i in range(1, rng.randint(4, 16)):
                columns.append(Column(styled(rng, f"{kind}{i}", style), "number", [f"{kind.strip('_')} {i}"], lo=0, hi=rng.choice((1, 10, 100)), decimals=rng.choice((0, 1, 2))))
        chosen, left = specs[:k], specs[k:]
        for i, spec in enumerate(chosen):
            if rng.random() < 0.04:
                columns += sibling_columns(rng, spec, style)
            else:
                columns.append(number_column(rng, spec, style))
        for spec in domain["entities"]:
            if layout == "entities" or rng.random() < 0.35:
                if not any(c.kind == "entity" for c in columns) or rng.random() < 0.3:
                    columns.append(Column(styled(rng, rng.choice(spec["names"]), style), "entity", spec["says"], entity=spec["kind"]))
    if layout == "entities" and not any(c.kind == "entity" for c in columns):
        columns.append(Column(styled(rng, rng.choice(("name", "id", "code")), style), "entity", ["name", domain["rows"][0]], entity=rng.choice(("code", "product"))))
    dates = domain.get("dates") or [{"names": ["date", "recorded_on"], "says": ["date", "day"]}]
    years = layout in ("series", "panel") and rng.random() < 0.2
    want_date = 0 if years else {"series": 1, "panel": 1, "events": 0.75, "entities": 0.25, "summary": 0.0}[layout]
    if rng.random() < want_date:
        spec = dates[0] if rng.random() < 0.85 else rng.choice(dates)
        if rng.random() < 0.35:
            spec = {"names": rng.choice((["date"], ["date"], ["Date"], ["day"], ["timestamp"], ["time"], ["datum"], ["dt"])), "says": ["date", "day"]}
        columns.append(Column(styled(rng, rng.choice(spec["names"]), style), "date", spec["says"]))
        if len(dates) > 1 and layout in ("events", "entities") and rng.random() < 0.15:
            other = next(d for d in dates if d is not spec)
            columns.append(Column(styled(rng, rng.choice(other["names"]), style), "date", other["says"]))
    elif years or rng.random() < 0.3:
        columns.append(Column(styled(rng, "year", style), "number", ["year"], role="year", decimals=0, lo=rng.randint(1985, 2012), hi=rng.randint(2014, 2024)))
    if rng.random() < 0.08:
        spec = rng.choice([(["active", "is_active"], ["active"]), (["paid"], ["paid"]), (["returned"], ["returned"]), (["late"], ["late"]), (["confirmed", "is_confirmed"], ["confirmed"])])
        columns.append(Column(styled(rng, rng.choice(spec[0]), style), "boolean", spec[1]))
    if rng.random() < 0.1:
        columns.append(Column(styled(rng, rng.choice(("id", "row_id", "nr")), style), "id", ["id"]))
    # Usual orders: date or name first; else at random.
    if rng.random() < 0.6:
        first = {"date": 0, "id": -1, "entity": 1, "category": 2, "boolean": 4}
        columns.sort(key=lambda c: (first.get(c.kind, 3), rng.random()))
    else:
        rng.shuffle(columns)
    seen, out = set(), []
    for c in columns:
        if c.name.lower() not in seen and c.kind != "skip":
            seen.add(c.name.lower())
            out.append(c)
    return out, left


def fill(rng, columns, layout, n, span=None):
    """Table of n rows or so. span: (first day, last day) of the dates."""
    data = {}
    dates = [c for c in columns if c.kind == "date"]
    cats = [c for c in columns if c.kind == "category" and c.values]
    first = span[0] if span else date(rng.randint(2009, 2024), rng.randint(1, 12), rng.randint(1, 28))
    if layout == "series" and dates:
        step = rng.choice((1, 1, 7, "month" if n <= 200 else 1, "month" if n <= 200 else 7, "year" if n <= 30 else 1))
        if span:
            step = 1
            n = min(n, (span[1] - span[0]).days + 1)
        data[dates[0].name] = day_list(rng, n, step, first)
    elif layout == "panel" and dates and cats:
        key = rng.choice(cats)
        per = max(3, n // len(key.values))
        days = day_list(rng, per, rng.choice((1, 7, "month" if per <= 150 else 1, "month" if per <= 150 else 7, "year" if per <= 25 else 7)), first)
        data[dates[0].name] = [d for d in days for _ in key.values]
        data[key.name] = key.values * per
        n = len(days) * len(key.values)
    elif layout in ("series", "panel") and any(c.role == "year" for c in columns):
        c = next(c for c in columns if c.role == "year")
        key = rng.choice(cats) if layout == "panel" and cats else None
        per = min(rng.randint(6, 40), max(4, n // len(key.values))) if key else min(n, rng.randint(8, 45))
        last = rng.randint(2008, 2024)
        years = list(range(last - per + 1, last + 1))
        data[c.name] = [y for y in years for _ in key.values] if key else years
        if key:
            data[key.name] = key.values * per
        n = len(data[c.name])
    elif layout == "summary" and cats:
        key = max(cats, key=lambda c: len(c.values))
        n = len(key.values)
        data[key.name] = list(key.values)
    for c in columns:
        if c.name in data:
            continue
        if c.kind == "category":
            w = [rng.uniform(0.3, 1.6) for _ in c.values]
            data[c.name] = rng.choices(c.values, w, k=n)
        elif c.kind == "entity":
            if layout in ("entities", "summary"):
                pool = getattr(c, "pool", None)
                data[c.name] = rng.sample(pool, min(n, len(pool))) if pool else entity_values(rng, c.entity, n)
            else:
                data[c.name] = rng.choices(entity_values(rng, c.entity, max(3, min(n, rng.randint(6, 60)))), k=n)
            c.values = list(dict.fromkeys(data[c.name]))
            c.spoken = {v: [v] for v in c.values}
        elif c.kind == "boolean":
            data[c.name] = [rng.random() < 0.6 for _ in range(n)]
        elif c.kind == "id":
            data[c.name] = list(range(1, n + 1))
        elif c.kind == "date":
            days = (span[1] - span[0]).days + 1 if span else rng.choice((20, 60, 120, 365, 365, 730, 1500, 2600))
            days = [(first + timedelta(days=int(rng.random() * days))).isoformat() for _ in range(n)]
            data[c.name] = sorted(days) if rng.random() < 0.6 else days
        elif c.role == "year":
            data[c.name] = [rng.randint(c.lo, c.hi) for _ in range(n)]
            if layout == "summary" or (layout == "entities" and rng.random() < 0.2):
                data[c.name].sort()
        else:
            data[c.name] = number_values(rng, c, n, walk=layout == "series")
        missing = {"number": 0.1, "category": 0.015, "entity": 0.01}.get(c.kind, 0)
        if n >= 15 and rng.random() < missing and c.role != "year":
            share = rng.uniform(0.01, 0.08)
            data[c.name] = [None if rng.random() < share else v for v in data[c.name]]
    for c in columns:
        if c.kind == "category":  # only what occurs can be asked for
            present = set(data[c.name])
            c.unused = [v for v in c.values if v not in present]
            c.values = [v for v in c.values if v in present]
    types = {"category": "text", "entity": "text", "number": "number", "id": "number", "date": "date", "boolean": "boolean"}
    return Table([c.name for c in columns], [types[c.kind] for c in columns], [data[c.name] for c in columns])


def row_count(rng, layout):
    if layout in ("entities", "summary"):
        return rng.choice((5, 6, 8, 10, 12, 15, 20, 30, 45, 60, 90, 150))
    return rng.choice((12, 18, 24, 30, 36, 40, 52, 60, 75, 90, 120, 150, 200, 260, 330, 400))


PLACES = ["oslo", "bergen", "lyon", "nantes", "turin", "bari", "graz", "basel", "ghent", "delft", "aarhus", "malmo", "tampere", "riga", "tallinn", "krakow", "gdansk", "brno", "varna", "zagreb", "split", "patras",
          "izmir", "haifa", "cairo", "tunis", "dakar", "accra", "nairobi", "durban", "mumbai", "pune", "hanoi", "manila", "osaka", "kobe", "busan", "perth", "hobart", "auckland", "lima", "quito", "bogota", "rosario",
          "montreal", "halifax", "denver", "austin", "boise", "tulsa", "omaha", "norway", "chile", "kenya", "wales", "quebec", "bavaria", "tuscany"]


def make_file(rng, domain, layout=None, stem=None, n=None):
    layout = layout or rng.choices(("events", "series", "panel", "entities", "summary"), (46, 16, 14, 18, 6))[0]
    style = rng.choice(STYLES)
    columns, left = make_columns(rng, domain, style, layout)
    table = fill(rng, columns, layout, n or row_count(rng, layout))
    place = None
    stem = stem or rng.choice(domain["files"])
    if rng.random() < 0.12:
        place = rng.choice(PLACES)
        if any(isinstance(v, str) and place in v.lower() for values in table.data for v in values) or any(place in s for c in columns for s in c.says):
            place = None
        else:
            stem = place + rng.choice("_-") + stem
    f = File(pick_path(rng, stem), table, columns, domain["rows"], domain, layout)
    f.place, f.left_out = place, left
    f.date_style = rng.choice(DATE_STYLES)
    return f


# Workspaces --------------------------------------------------------------------------------------------------------

def table_workspace(rng, domains):
    domain = rng.choice(domains)
    if rng.random() < 0.12:
        domain = rng.choice(MEASURED)
    main = make_file(rng, domain)
    tables = [main]
    if rng.random() < 0.22:
        other = make_file(rng, rng.choice(domains), n=rng.choice((6, 12, 25, 40)))
        if other.path.lower() != main.path.lower():
            tables.append(other)
    w = Workspace("table", tables, side_files(rng) if rng.random() < 0.15 else {})
    w.main = main
    return w


def alike(columns, tags, spans, one):
    """one(tag, span) for each tag, as files of the same columns; their categories then know only values that every file has. None where
    the types differ."""
    tables, values = [], {c.name: list(c.values) for c in columns}
    for tag, span in zip(tags, spans):
        tables.append(one(tag, span))
        for c in columns:
            c.present = [set(c.values)] + getattr(c, "present", [])
            if c.kind == "category":
                c.values = list(values[c.name])
    for c in columns:
        if c.kind == "category":
            c.values = [v for v in c.values if all(v in p for p in c.present)]
    return tables if all(f.table.types == tables[0].table.types for f in tables) else None


def yearly_workspace(rng, domains):
    """Two or three files with the same columns, one a year (or month, or place)."""
    domain = rng.choice(domains)
    style = rng.choice(STYLES)
    layout = rng.choice(("events", "events", "series", "entities", "entities"))
    for _ in range(20):
        columns, left = make_columns(rng, domain, style, layout)
        if any(c.kind == "category" or layout == "entities" for c in columns) and any(c.kind == "number" and not c.role for c in columns):
            break
    if layout == "entities":
        first = True
        for c in [c for c in columns if c.kind == "entity"]:
            if first:
                c.pool, first = entity_values(rng, c.entity, rng.choice((14, 20, 30, 60))), False
            else:
                columns.remove(c)
    stem = re.sub(r"_?\d{4}$", "", rng.choice(domain["files"])) or "table"
    year = rng.randint(2012, 2023)
    how = rng.choice(("year", "year", "year", "place", "month"))
    if how == "year":
        tags = [str(year + i) for i in range(rng.choice((2, 2, 2, 3)))]
        spans = [(date(int(t), 1, 1), date(int(t), 12, 28)) for t in tags]
    elif how == "month":
        names = ["jan", "feb", "mar", "apr", "may", "jun"]
        i = rng.randrange(4)
        tags = names[i:i + 2]
        spans = [(date(year, i + 1 + k, 1), date(year, i + 1 + k, 28)) for k in range(2)]
    else:
        tags = rng.choice((["north", "south"], ["east", "west"], ["lisbon", "porto"], ["a", "b"], ["old", "new"]))
        spans = [(date(year, 1, 1), date(year, 12, 28))] * 2
    ext = rng.choice(("csv", "csv", "csv", "csv", "json"))
    joiner = rng.choice(("_", "_", "-", ""))

    def one(tag, span):
        n = rng.choice((12, 20, 40, 80, 150))
        table = fill(rng, columns, layout, n if layout != "entities" else min([n] + [len(c.pool) for c in columns if c.kind == "entity"]), span)
        f = File(f"{stem}{joiner}{tag}.{ext}", table, columns, domain["rows"], domain, layout)
        f.left_out, f.tag = left, tag
        return f
    tables = alike(columns, tags, spans, one)
    if tables is None:
        return yearly_workspace(rng, domains)
    w = Workspace("yearly", tables, {})
    w.main, w.how = tables[0], how
    return w


EXTRA = [(["region", "district", "zone"], ["region", "district"], ["North", "South", "East", "West", "Centre"]),
         (["manager", "contact"], ["manager", "person in charge"], None),
         (["level", "grade"], ["level", "grade"], ["A", "B", "C"]),
         (["city", "town"], ["city", "town"], ["Aldham", "Birchport", "Clayford", "Dovergate", "Elmwick"]),
         (["contract", "contract_type"], ["contract", "kind of contract"], ["Basic", "Plus", "Full"])]
EXTRA_NUMBERS = [(["staff", "employees"], ["staff", "number of employees"], 2, 60, 0, True), (["floor_area_m2", "area_m2"], ["floor area", "area"], 20, 900, 0, True),
                 (["budget_eur", "budget"], ["budget", "money planned"], 500, 90000, 0, True), (["target", "goal"], ["target", "goal"], 10, 500, 0, True),
                 (["rating_points", "score_points"], ["rating points"], 1, 10, 1, False), (["founded", "since_year"], ["founding year", "year of founding"], 1950, 2020, 0, False)]


def join_workspace(rng, domains):
    """A table of events and one that describes the values of one of its columns."""
    for _ in range(60):
        domain = rng.choice(domains)
        main = make_file(rng, domain, layout="events")
        cats = [c for c in main.of("category") if len(c.values) >= 3 and all(c.name.lower() not in " ".join(a) for a, _, _ in EXTRA)]
        if cats and any(not c.role for c in main.of("number")):
            break
    else:
        return table_workspace(rng, domains)
    key = rng.choice(cats)
    style = "snake" if "_" in main.path or key.name.islower() else "Title" if " " in key.name else "as is"
    columns = [Column(key.name, "category", key.says)]
    columns[0].values, columns[0].spoken = list(key.values), key.spoken
    taken = {w for c in main.columns for w in words_of(c.name)} | {w for c in main.columns for s in c.says for w in s.split()}
    extras = [e for e in EXTRA if not taken & {w for n in e[0] for w in words_of(n)} and not taken & {w for n in e[1] for w in n.split()}]
    numbers = [e for e in EXTRA_NUMBERS if not taken & {w for n in e[0] for w in words_of(n)} and not taken & {w for n in e[1] for w in n.split()} - {"number", "of"}]
    if not extras or not numbers:
        return join_workspace(rng, domains)
    for names, says, values in rng.sample(extras, min(len(extras), rng.randint(1, 2))):
        c = Column(styled(rng, rng.choice(names), style), "category", says)
        c.values = (values or entity_values(rng, "person", 4))[:max(2, len(key.values) - 1)]
        c.spoken = {v: [v] for v in c.values}
        columns.append(c)
    for names, says, lo, hi, dec, add in rng.sample(numbers, min(len(numbers), rng.randint(1, 2))):
        columns.append(Column(styled(rng, rng.choice(names), style), "number", says, lo=lo, hi=hi, decimals=dec, additive=add))
    data = {key.name: list(key.values)}
    n = len(key.values)
    for c in columns[1:]:
        data[c.name] = [rng.choice(c.values) for _ in range(n)] if c.kind == "category" else number_values(rng, c, n)
    for c in columns[1:]:
        if c.kind == "category":
            c.values = list(dict.fromkeys(data[c.name]))
            c.unused = []
    table = Table([c.name for c in columns], ["text" if c.kind == "category" else "number" for c in columns], [data[c.name] for c in columns])
    stem = plain_name(key.name).replace(" ", "_").encode("ascii", "ignore").decode() or "list"
    stem = rng.choice((stem + "s", stem + "_list", stem + "_info", "master_data"))
    other = File(f"{stem}.csv", table, columns, [plain_name(key.name)], domain, "summary")
    other.left_out = []
    if other.path.lower() == main.path.lower():
        return join_workspace(rng, domains)
    w = Workspace("join", [main, other], {})
    w.main, w.other, w.key = main, other, key
    return w


TOPICS = [("delivery", "The next delivery comes on {day} at {h}:30."), ("meeting", "The meeting is on {day} at {h}:00 in room {n}."), ("key", "The spare key is with {person}."),
          ("phone number", "{person} can be reached under 0{n}5 {m}."), ("invoice", "Invoice {m} is still open."), ("holiday", "We are closed from {n} to {k} August."),
          ("password", "{person} will set a new password for the printer."), ("budget", "The budget for next year is {m} euros."), ("repair", "The repair of the heating costs {m} euros."),
          ("contract", "The contract with {company} ends in {month}."), ("training", "The training on {day} is led by {person}."), ("visitors", "We expect {n} visitors on {day}."),
          ("order", "{company} will send {n} boxes by {day}."), ("parking", "The parking space costs {n} euros a month."), ("lunch", "Lunch on {day} is paid by {person}."),
          ("insurance", "The insurance runs until {month}."), ("train", "The train leaves at {h}:15 from platform {k}."), ("size", "The new shelf is {m} mm wide.")]
FILLERS = ["Please keep the door closed.", "More on this next week.", "Thanks to everybody who helped.", "Nothing else to report.", "Bring your own cup.", "See the other list too.",
           "The lamps in the hall were changed.", "Questions go to the office.", "It was a quiet week.", "We will talk about it again."]
TEXT_NAMES = ["notes.txt", "readme.txt", "README.md", "todo.txt", "minutes.txt", "memo.txt", "info.md", "letter.txt", "agenda.txt", "plan.md", "remarks.txt", "journal.txt"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTH_NAMES = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]


def note_text(rng, lines=None):
    """(text, [(topic, sentence)])."""
    facts = []
    for topic, sentence in rng.sample(TOPICS, rng.randint(1, 4)):
        facts.append((topic, sentence.format(day=rng.choice(DAYS), h=rng.randint(8, 18), n=rng.randint(11, 99), m=rng.randint(120, 9800), k=rng.randint(2, 9),
                                             person=f"{rng.choice(FIRST)} {rng.choice(LAST)}", company=f"{rng.choice(COMPANY_A)} {rng.choice(COMPANY_B)}", month=rng.choice(MONTH_NAMES))))
    body = [s for _, s in facts] + rng.sample(FILLERS, rng.randint(0, 2) if lines is None else lines)
    rng.shuffle(body)
    return "\n".join(body) + "\n", facts


def side_files(rng):
    out = {}
    for _ in range(rng.choice((1, 1, 2))):
        if rng.random() < 0.15:
            out[rng.choice(("logo.png", "photo.png", "map.png"))] = "\x89PNG" + "x" * rng.randint(300, 90000)
        else:
            out[rng.choice(TEXT_NAMES)] = note_text(rng)[0]
    return out


def notes_workspace(rng, domains):
    """Several text files, perhaps with a table."""
    texts, facts = {}, {}
    names = rng.sample(TEXT_NAMES, rng.randint(1, 4))
    if rng.random() < 0.4:
        stem = rng.choice(("chapter", "report", "letter", "essay", "part", "page"))
        ext = rng.choice(("txt", "md"))
        names = [f"{stem}{rng.choice(('', '_'))}{i}.{ext}" for i in range(1, rng.randint(3, 6))]
    folder = rng.choice(("", "", "", "notes/", "texts/", "docs/"))
    for name in names:
        texts[folder + name], facts[folder + name] = note_text(rng)
    tables = [make_file(rng, rng.choice(domains), n=12)] if rng.random() < 0.35 else []
    w = Workspace("notes", tables, texts)
    w.facts, w.main = facts, tables[0] if tables else None
    return w


LOG_NAMES = ["server.log", "app.log", "backup.log", "sync.log", "gate.log", "import.log", "mail.log", "access.log", "build.log", "printer.log", "logs/today.log", "events.txt"]
LOG_SYSTEMS = ["disk", "queue", "door", "printer", "sensor", "backup", "login", "payment", "camera", "cache", "scheduler", "mailer"]
LOG_EVENTS = {"INFO": ["started", "finished", "connected", "checked"], "WARN": ["slow answer", "almost full", "retry"], "ERROR": ["failed", "timeout", "not reachable"], "DEBUG": ["tick", "state saved"]}


def log_workspace(rng, domains):
    path = rng.choice(LOG_NAMES)
    levels = {"INFO": "INFO", "WARN": rng.choice(("WARN", "WARNING")), "ERROR": rng.choice(("ERROR", "ERROR", "FATAL", "FAIL")), "DEBUG": "DEBUG"}
    if rng.random() < 0.2:
        levels = {k: v.lower() for k, v in levels.items()}
    used = ["INFO", "ERROR"] + rng.sample(["WARN", "DEBUG"], rng.randint(0, 2))
    t = rng.randint(0, 3000)
    day = date(rng.randint(2019, 2025), rng.randint(1, 12), rng.randint(1, 28)).isoformat()
    lines, systems = [], rng.sample(LOG_SYSTEMS, rng.randint(3, 6))
    for _ in range(rng.choice((12, 25, 40, 70))):
        t += rng.randint(1, 900)
        level = rng.choice(used + ["INFO"])
        stamp = f"{day} {t // 3600 % 24:02d}:{t // 60 % 60:02d}:{t % 60:02d}"
        lines.append(f"{stamp} {levels[level]} {rng.choice(systems)} {rng.choice(LOG_EVENTS[level])}" + (f" after {rng.randint(2, 90)} s" if rng.random() < 0.2 else ""))
    tables = [make_file(rng, rng.choice(domains), n=12)] if rng.random() < 0.3 else []
    texts = {path: "\n".join(lines) + "\n"}
    if rng.random() < 0.25:
        texts[rng.choice(TEXT_NAMES)] = note_text(rng)[0]
    w = Workspace("log", tables, texts)
    w.log, w.levels, w.systems, w.main = path, [levels[u] for u in used], systems, tables[0] if tables else None
    return w
