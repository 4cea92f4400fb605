"""Runs the scripts of the recipe: a small Lua (assignments, calls, methods, tables, arithmetic) and the data, chart and
file libraries in plain Python. An independent twin of the native worker: a test compares the two on many scripts.

run(script, files) -> observation text. files: path -> Table, or str for a text file; saved files are added to it.
Errors become one line starting with "error: ".
"""
import math
import re
import zlib
from collections import Counter
from datetime import date

from tables import CALENDAR, MONTHS, WEEKDAYS, Table, cell_text, format_number, read_table

OUTPUT_LIMIT = 4000


class LuaError(Exception):
    pass


# The language ------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(r'\s*(?:--[^\n]*|(\d+\.?\d*)|("(?:[^"\\\n]|\\.)*")|([A-Za-z_]\w*)|(\.\.|==|~=|<=|>=|[-+*/%^#<>={}()\[\].,:;]))')


def tokens(script):
    out, lines, i, n = [], [], 0, len(script.rstrip())
    while i < n:
        m = _TOKEN.match(script, i)
        if not m or m.end() == i:
            raise LuaError(f"unexpected symbol near '{script[i:i + 10].strip()}'")
        i = m.end()
        if len(lines) == len(out):
            lines.append(1 + script.count("\n", 0, i))
        if m[1]:
            out.append(("number", float(m[1]) if "." in m[1] else int(m[1])))
        elif m[2]:
            out.append(("string", re.sub(r"\\(.)", lambda k: {"n": "\n", "t": "\t"}.get(k[1], k[1]), m[2][1:-1])))
        elif m[3]:
            out.append(("name", m[3]))
        elif m[4]:
            out.append((m[4], m[4]))
    out.append(("end", "end of script"))
    lines.append(1 + script.count("\n"))
    return out, lines


class Machine:
    def __init__(self, files):
        self.files, self.out, self.vars, self.at = files, [], {}, 0
        self.vars.update(data=DataLibrary(self), chart=ChartLibrary(self), print=self.print, read_text=self.read_text,
                         tostring=lambda v: text_of(v), table={"concat": lambda t, sep="": sep.join(text_of(v) for v in t)})

    def print(self, *values):
        self.out.append(" ".join(text_of(v) for v in values))

    def read_text(self, path):
        if not isinstance(self.files.get(path), str):
            raise LuaError(f'read_text: no file "{path}"; files: ' + ", ".join(sorted(self.files)))
        return self.files[path]

    def run(self, script):
        (self.toks, self.lines), self.at = tokens(script), 0
        while self.peek() != "end":
            if self.peek() == ";":
                self.at += 1
                continue
            self.statement()

    def peek(self, k=0):
        return self.toks[self.at + k][0]

    def take(self, kind):
        if self.peek() != kind:
            raise LuaError(f"'{kind}' expected near '{self.toks[self.at][1]}'")
        self.at += 1
        return self.toks[self.at - 1][1]

    def statement(self):
        if self.toks[self.at] == ("name", "local"):
            self.at += 1
        if self.peek() == "name" and self.peek(1) == "=":
            name = self.take("name")
            self.take("=")
            self.vars[name] = self.expression()
        else:
            self.suffixed()

    LEVELS = [("==", "~=", "<", "<=", ">", ">="), ("..",), ("+", "-"), ("*", "/", "%")]

    def expression(self, level=0):
        if level == len(self.LEVELS):
            return self.unary()
        left = self.expression(level + 1)
        while self.peek() in self.LEVELS[level]:
            op = self.take(self.peek())
            left = operate(op, left, self.expression(level + 1))
        return left

    def unary(self):
        if self.peek() == "-":
            self.at += 1
            return -self.unary()
        if self.peek() == "#":
            self.at += 1
            v = self.unary()
            return v.rows() if isinstance(v, Table) else len(v)
        return self.suffixed()

    def suffixed(self):
        kind, value = self.toks[self.at]
        self.at += 1
        if kind in ("number", "string"):
            return value
        if kind == "{":
            self.at -= 1
            return self.braces()
        if kind == "(":
            v = self.expression()
            self.take(")")
        elif kind == "name":
            if value in ("true", "false", "nil"):
                return {"true": True, "false": False, "nil": None}[value]
            v = self.vars.get(value)
            if v is None:
                raise LuaError(f"attempt to use a nil value (global '{value}')")
        else:
            raise LuaError(f"unexpected symbol near '{value}'")
        while True:
            if self.peek() == ".":
                self.at += 1
                name = self.take("name")
                v = v[name] if isinstance(v, dict) else getattr(v, "lib_" + name, None)
                if v is None:
                    raise LuaError(f"attempt to call a nil value (field '{name}')")
            elif self.peek() == ":":
                self.at += 1
                name = self.take("name")
                method = METHODS.get(name) if isinstance(v, (Table, Grouped)) else None
                if method is None:
                    raise LuaError(f"attempt to call a nil value (method '{name}')")
                v = method(self, v, *self.arguments())
            elif self.peek() == "(":
                v = v(*self.arguments())
            else:
                return v

    def arguments(self):
        self.take("(")
        args = []
        while self.peek() != ")":
            args.append(self.expression())
            if self.peek() == ",":
                self.at += 1
        self.take(")")
        return args

    def braces(self):
        self.take("{")
        named, items = {}, []
        while self.peek() != "}":
            if self.peek() == "name" and self.peek(1) == "=":
                name = self.take("name")
                self.take("=")
                named[name] = self.expression()
            else:
                items.append(self.expression())
            if self.peek() in (",", ";"):
                self.at += 1
        self.take("}")
        return named or items


def operate(op, a, b):
    if op == "..":
        return text_of(a) + text_of(b)
    if op == "==":
        return a == b
    if op == "~=":
        return a != b
    if a is None or b is None:
        raise LuaError("attempt to perform arithmetic on a nil value")
    return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b if b else float("nan"), "%": lambda: a % b,
            "<": lambda: a < b, "<=": lambda: a <= b, ">": lambda: a > b, ">=": lambda: a >= b}[op]()


def text_of(v):
    if isinstance(v, Table):
        return v.printed()
    if v is None or v != v:
        return "missing"
    return cell_text(v)


# Tables ------------------------------------------------------------------------------------------------------------

def find(t, col, who):
    try:
        return t.names.index(col)
    except ValueError:
        raise LuaError(f'{who}: no column "{col}"; columns: ' + ", ".join(t.names)) from None


def number_column(t, col, who, also_dates=False):
    i = find(t, col, who)
    if t.types[i] not in (("number", "date", "empty") if also_dates else ("number", "empty")):
        numbers = [n for n, k in zip(t.names, t.types) if k == "number"]
        raise LuaError(f'{who}: column "{col}" is {plain(t.types[i])}; number columns: ' + ", ".join(numbers))
    return i


def plain(kind):
    return "text" if kind in CALENDAR else kind


class Grouped:
    def __init__(self, table, keys):
        self.table, self.keys = table, keys


def aggregate(name, values):
    if name == "count":
        return len(values)
    values = [v for v in values if v is not None]
    if not values:
        return 0 if name == "sum" else None
    if name == "sum" or name == "mean":
        s = math.fsum(values)
        return s if name == "sum" else s / len(values)
    if name == "median":
        values.sort()
        n, h = len(values), len(values) // 2
        return values[h] if n % 2 else values[h - 1] + (values[h] - values[h - 1]) / 2
    return min(values) if name == "min" else max(values)


def aggregator(name):
    def method(machine, v, *cols):
        if isinstance(v, Table):
            if name == "count":
                return v.rows()
            i = number_column(v, cols[0], name, name in ("min", "max"))
            return aggregate(name, v.data[i])
        t = v.table
        if name != "count" and not cols:
            raise LuaError(f"{name}: needs a column")
        keys = [find(t, k, "group") for k in v.keys]
        places = [number_column(t, c, name, name in ("min", "max")) for c in cols] if name != "count" else []
        groups = {}
        if len(keys) == 1:
            for r, k in enumerate(t.data[keys[0]]):
                if k is not None:
                    groups.setdefault(k, []).append(r)
            rows = [[k for k in groups]]
        else:
            for r, k in enumerate(zip(*(t.data[k] for k in keys))):
                if None not in k:
                    groups.setdefault(k, []).append(r)
            rows = [[k[j] for k in groups] for j in range(len(keys))]
        left = t.rows() - sum(map(len, groups.values()))
        if left:
            machine.out.append(f"note: {counted(left, 'row')} without {' or '.join(v.keys)} left out")
        names = list(v.keys)
        if name == "count":
            rows.append([len(g) for g in groups.values()])
        for p in places:
            column = t.data[p]
            rows.append([aggregate(name, [column[i] for i in g]) for g in groups.values()])
        for c in cols or ("count",):
            names.append(fresh(names, c))
        out = Table(names, [t.types[k] for k in keys] + ([t.types[p] for p in places] or ["number"]), rows)
        for i in reversed(range(len(keys))):
            if out.types[i] in CALENDAR:  # groups of months and weekdays come in calendar order
                known, missing = sorted_rows(out, i, range(out.rows()), False)
                out = out.pick(known + missing)
        return out
    return method


def fresh(names, wanted):
    """wanted, or wanted_2, wanted_3, … when there is such a column."""
    name, n = wanted, 2
    while name in names:
        name, n = f"{wanted}_{n}", n + 1
    return name


def group(machine, t, *keys):
    for k in keys:
        find(t, k, "group")
    return Grouped(t, keys)


def where(machine, t, col, op, value):
    i = find(t, col, "where")
    kind, column = t.types[i], t.data[i]
    if op not in ("==", "~=", "<", "<=", ">", ">=", "contains"):
        raise LuaError(f'where: unknown operator "{op}"; operators: ==, ~=, <, <=, >, >=, contains')
    if value is None:
        raise LuaError(f'where: the value for "{col}" is missing; use known() or missing()')
    if op == "contains":
        if kind in ("number", "boolean"):
            raise LuaError(f'where: contains needs a text column; "{col}" is {kind}')
        return t.pick([r for r, v in enumerate(column) if v is not None and str(value) in cell_text(v)])
    if kind == "date":
        value = cell_text(value)
        if not re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", value):
            raise LuaError(f'where: column "{col}" is date, not "{value}"; write 2014, 2014-03 or 2014-03-05')
        n = len(value)
        test = {"==": lambda v: v[:n] == value, "~=": lambda v: v[:n] != value, "<": lambda v: v[:n] < value,
                ">=": lambda v: v[:n] >= value, ">": lambda v: v[:n] > value, "<=": lambda v: v[:n] <= value}[op]
    else:
        if kind == "number" and isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                raise LuaError(f'where: column "{col}" is number, not "{value}"') from None
        elif kind in ("text", "month_name", "weekday") and not isinstance(value, str):
            value = cell_text(value)
        order = CALENDAR.get(kind)
        key = (lambda v: order.get(v, 99)) if order else (lambda v: v)
        w = value if op in ("==", "~=") else key(value)
        test = {"==": lambda v: v == w, "~=": lambda v: v != w, "<": lambda v: key(v) < w, "<=": lambda v: key(v) <= w,
                ">": lambda v: key(v) > w, ">=": lambda v: key(v) >= w}[op]
    return t.pick([r for r, v in enumerate(column) if v is not None and test(v)])


def sorted_rows(t, i, rows, descending):
    """Row numbers in the order of column i, stable; missing values last."""
    column, order = t.data[i], CALENDAR.get(t.types[i])
    known = [r for r in rows if column[r] is not None]
    key = (lambda r: order.get(column[r], 99)) if order else (lambda r: column[r])
    known.sort(key=key, reverse=descending)  # Python keeps ties in order in both directions
    return known, [r for r in rows if column[r] is None]


def sort(machine, t, col, order="asc"):
    known, missing = sorted_rows(t, find(t, col, "sort"), range(t.rows()), order == "desc")
    return t.pick(known + missing)


def extreme(name, descending):
    def method(machine, t, n, col, percol=None):
        i = find(t, col, name)
        known, _ = sorted_rows(t, i, range(t.rows()), descending)
        if percol is None:
            return t.pick(known[:n])
        p = find(t, percol, name)
        groups = {v: [] for v in t.data[p] if v is not None}
        for r in known:
            if t.data[p][r] is not None and len(groups[t.data[p][r]]) < n:
                groups[t.data[p][r]].append(r)
        return t.pick([r for g in groups.values() for r in g])
    return method


def select(machine, t, *cols):
    at = [find(t, c, "select") for c in cols]
    return Table(list(cols), [t.types[i] for i in at], [t.data[i] for i in at])


def rename(machine, t, old, new):
    i = find(t, old, "rename")
    return Table([new if j == i else n for j, n in enumerate(t.names)], t.types, t.data)


def unique(machine, t, col):
    i = find(t, col, "unique")
    return Table([col], [t.types[i]], [list(dict.fromkeys(v for v in t.data[i] if v is not None))])


def add_column(t, name, kind, values):
    if name in t.names:
        i = t.names.index(name)
        return Table(t.names, t.types[:i] + [kind] + t.types[i + 1:], t.data[:i] + [values] + t.data[i + 1:])
    return Table(t.names + [name], t.types + [kind], t.data + [values])


def derive(machine, t, name, expr):
    parts = re.findall(r"\[([^\]]+)\]|([-+*/()])|(\d+\.?\d*)", expr)
    code, columns = [], []
    for col, op, num in parts:
        if col:
            columns.append(t.data[number_column(t, col, "derive")])
            code.append(f"a[{len(columns) - 1}]")
        else:
            code.append(op or str(float(num)))
    f = eval("lambda a: " + "".join(code))
    out = []
    for row in zip(*columns):
        try:
            out.append(None if None in row else f(row))
        except ZeroDivisionError:
            out.append(None)
    return add_column(t, name, "number", out)


def dated(name, f, kind):
    def method(machine, t, col):
        i = find(t, col, name)
        if name == "month_name" and t.types[i] == "number":
            return add_column(t, name, kind, [MONTHS[int(v) - 1] if v is not None and 1 <= v <= 12 else None for v in t.data[i]])
        if name == "year" and t.types[i] == "number":
            return add_column(t, name, kind, t.data[i])
        if t.types[i] != "date":
            dates = [n for n, k in zip(t.names, t.types) if k == "date"]
            raise LuaError(f'{name}: column "{col}" is {plain(t.types[i])}; date columns: ' + ", ".join(dates))
        return add_column(t, name, kind, [None if v is None else f(v) for v in t.data[i]])
    return method


def share(machine, t, col):
    i = number_column(t, col, "share")
    total = aggregate("sum", t.data[i])
    return add_column(t, "share", "number", [None if v is None or not total else v / total * 100 for v in t.data[i]])


def join(machine, t, other, col):
    i, j = find(t, col, "join"), find(other, col, "join")
    index = {}
    for r, v in enumerate(other.data[j]):
        if v is not None:
            index.setdefault(v, []).append(r)
    pairs = [(r, s) for r, v in enumerate(t.data[i]) if v is not None for s in index.get(v, ())]
    rest = [k for k in range(len(other.names)) if k != j]
    names = list(t.names)
    for k in rest:
        names.append(fresh(names, other.names[k]))
    return Table(names, t.types + [other.types[k] for k in rest],
                 [[c[r] for r, _ in pairs] for c in t.data] + [[other.data[k][s] for _, s in pairs] for k in rest])


def save(machine, t, path):
    if path in machine.files:
        raise LuaError(f'save: "{path}" exists already')
    if not path.endswith((".csv", ".json")):
        raise LuaError(f'save: "{path}" must end in .csv or .json')
    machine.files[path] = t
    machine.out.append(f"{path}: {counted(t.rows(), 'row')}")


def counted(n, noun):
    return f"{n} {noun}" if n == 1 else f"{n} {noun}{'es' if noun == 'box' else 's'}"


def known_rows(machine, t, col):
    i = find(t, col, "known")
    return t.pick([r for r, v in enumerate(t.data[i]) if v is not None])


METHODS = {
    "where": where, "known": known_rows, "group": group, "sort": sort, "select": select, "rename": rename, "unique": unique,
    "missing": lambda m, t, c: sum(v is None for v in t.data[find(t, c, "missing")]),
    "distinct": lambda m, t, c: len({v for v in t.data[find(t, c, "distinct")] if v is not None}),
    "top": extreme("top", True), "bottom": extreme("bottom", False), "derive": derive, "share": share, "join": join, "save": save,
    "head": lambda m, t, n: t.pick(range(min(n, t.rows()))),
    "year": dated("year", lambda v: int(v[:4]), "number"), "month": dated("month", lambda v: v[:7], "text"),
    "quarter": dated("quarter", lambda v: f"{v[:4]} Q{(int(v[5:7]) + 2) // 3}", "text"),
    "month_name": dated("month_name", lambda v: MONTHS[int(v[5:7]) - 1], "month_name"),
    "weekday": dated("weekday", lambda v: WEEKDAYS[date(int(v[:4]), int(v[5:7]), int(v[8:10])).weekday()], "weekday"),
    "value": lambda m, t, c: t.data[find(t, c, "value")][0] if t.rows() else None,
    "columns": lambda m, t: list(t.names),
    **{name: aggregator(name) for name in ("count", "sum", "mean", "median", "min", "max")},
}


# Libraries ---------------------------------------------------------------------------------------------------------

class DataLibrary:
    def __init__(self, machine):
        self.machine = machine

    def lib_read(self, path, who="data.read"):
        t = self.machine.files.get(path)
        if t is None:
            tables = sorted(p for p, v in self.machine.files.items() if isinstance(v, Table))
            raise LuaError(f'{who}: no file "{path}"; files: ' + ", ".join(tables or sorted(self.machine.files)))
        return t if isinstance(t, Table) else read_table(path, t)

    def lib_union(self, *paths):
        tables = [self.lib_read(p, "data.union") for p in paths]
        first = tables[0]
        for p, t in zip(paths, tables):
            for name in first.names:
                if name not in t.names:
                    raise LuaError(f'data.union: {p} has no column "{name}"; columns: ' + ", ".join(t.names))
        data = [[v for t in tables for v in t.data[t.names.index(n)]] for n in first.names]
        stems = [p.rsplit("/", 1)[-1].rsplit(".", 1)[0] for p, t in zip(paths, tables) for _ in range(t.rows())]
        return Table(first.names + [fresh(first.names, "file")], first.types + ["text"], data + [stems])

    def lib_files(self, glob="*"):
        pattern = re.compile("".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in glob) + r"\Z")
        out = [[] for _ in range(7)]
        for path in sorted(self.machine.files):
            if pattern.match(path):
                text = self.machine.files[path]
                text = text if isinstance(text, str) else ""
                name = path.rsplit("/", 1)[-1]
                row = (path, name, name.rsplit(".", 1)[-1], len(text.encode()), len(text.splitlines()), len(text.split()), "%08x" % zlib.crc32(text.encode()))
                for column, v in zip(out, row):
                    column.append(v)
        return Table(["file", "name", "ext", "bytes", "lines", "words", "hash"], ["text"] * 3 + ["number"] * 3 + ["text"], out)

    def lib_lines(self, path):
        text = self.machine.files.get(path)
        if not isinstance(text, str):
            raise LuaError(f'data.lines: no file "{path}"; files: ' + ", ".join(sorted(self.machine.files)))
        lines = text.splitlines()
        return Table(["line", "text"], ["number", "text"], [list(range(1, len(lines) + 1)), lines])

    def lib_frame(self, rows):
        names = list(rows[0])
        data = [[r.get(n) for r in rows] for n in names]
        types = ["text" if any(isinstance(v, str) for v in c) else "number" for c in data]
        return Table(names, types, data)


class ChartLibrary:
    def __init__(self, machine):
        self.machine = machine

    def begin(self, who, t, options, needed):
        if not isinstance(t, Table):
            raise LuaError(f"{who}: the first argument is not a table")
        if not isinstance(options, dict):
            options = {}
        for field in needed:
            if options.get(field) is None:
                raise LuaError(f"{who}: needs {field}=")
        y = options.get("y")
        if isinstance(y, list) and len(y) == 1:
            y = options["y"] = y[0]
        if isinstance(y, list):
            for c in y:
                number_column(t, c, who)
            keep = [i for i, n in enumerate(t.names) if n not in y]
            n = t.rows()
            order = [r for r in range(n) for _ in y]
            data = [[t.data[i][r] for r in order] for i in keep]
            columns = [t.data[t.names.index(c)] for c in y]
            t = Table([t.names[i] for i in keep] + ["series", "value"], [t.types[i] for i in keep] + ["text", "number"],
                      data + [[c for _ in range(n) for c in y], [c[r] for r in range(n) for c in columns]])
            options = dict(options, y="value", color="series")
        for field in ("x", "y", "color"):
            if options.get(field) is not None:
                find(t, options[field], who)
        used = [find(t, options[f], who) for f in ("x", "y") if options.get(f)]
        rows = [r for r in range(t.rows()) if all(t.data[i][r] is not None for i in used)]
        left = t.rows() - len(rows)
        if not rows:
            raise LuaError(f"{who}: no rows to draw")
        if who in ("chart.bar", "chart.line", "chart.pie"):
            for name, n in Counter(self.label(t, r, options) for r in rows).items():
                if n > 1:
                    raise LuaError(f'{who}: {n} rows for "{name}"; group the rows first, or name a color')
        path = options.get("save")
        if path is None:
            path, k = "chart.png", 2
            while path in self.machine.files:
                path, k = f"chart-{k}.png", k + 1
        elif path in self.machine.files:
            raise LuaError(f'{who}: "{path}" exists already')
        self.machine.files[path] = "\x89PNG"
        note = f", {counted(left, 'row')} without a value left out" if left else ""
        return t.pick(rows) if left else t, options, path, note

    def label(self, t, r, options):
        parts = [cell_text(t.data[t.names.index(options["x"])][r])]
        color = options.get("color")
        if color and color != options["x"]:
            parts.append(cell_text(t.data[t.names.index(color)][r]))
        return " ".join(parts)

    def extremes(self, path, first, t, options, note):
        y = options["y"]
        i = number_column(t, y, "chart")
        values = t.data[i]
        lines = [f"{path}: {first}{note}"]
        if len(values) == 1:
            lines.append(f"{y}: {self.label(t, 0, options)} {format_number(values[0])}")
        else:
            for word, r in (("highest", values.index(max(values))), ("lowest", values.index(min(values)))):
                lines.append(f"{word} {y}: {self.label(t, r, options)} {format_number(values[r])}")
        self.machine.out.append("\n".join(lines))

    def lib_bar(self, t, options=None):
        t, options, path, note = self.begin("chart.bar", t, options, ("x", "y"))
        self.extremes(path, f"bar chart, {counted(t.rows(), 'row')}", t, options, note)

    def lib_line(self, t, options=None):
        t, options, path, note = self.begin("chart.line", t, options, ("x", "y"))
        self.extremes(path, f"line chart, {counted(t.rows(), 'row')}", t, options, note)

    def lib_pie(self, t, options=None):
        t, options, path, note = self.begin("chart.pie", t, options, ("x", "y"))
        self.extremes(path, f"pie chart, {counted(t.rows(), 'slice')}", t, options, note)

    def lib_scatter(self, t, options=None):
        t, options, path, note = self.begin("chart.scatter", t, options, ("x", "y"))
        self.machine.out.append(f"{path}: scatter chart, {counted(t.rows(), 'point')}{note}")

    def lib_hist(self, t, options=None):
        if isinstance(t, Table) and isinstance(options, dict) and options.get("x"):
            number_column(t, options["x"], "chart.hist")
        t, options, path, note = self.begin("chart.hist", t, options, ("x",))
        v = t.data[t.names.index(options["x"])]
        self.machine.out.append(f"{path}: histogram, {counted(len(v), 'value')}, {format_number(min(v))} to {format_number(max(v))}{note}")

    def lib_box(self, t, options=None):
        t, options, path, note = self.begin("chart.box", t, options, ("x", "y"))
        x, y, color = options["x"], options["y"], options.get("color")
        keys = (x,) if color is None or color == x else (x, color)
        medians = METHODS["median"](self.machine, Grouped(t, keys), y)
        v = medians.data[-1]
        lines = [f"{path}: box plot, {counted(len(v), 'box')}{note}"]
        if len(v) == 1:
            lines.append(f"median {y}: {self.label(medians, 0, options)} {format_number(v[0])}")
        else:
            for word, r in (("highest", v.index(max(v))), ("lowest", v.index(min(v)))):
                lines.append(f"{word} median {y}: {self.label(medians, r, options)} {format_number(v[r])}")
        self.machine.out.append("\n".join(lines))


def run(script, files):
    machine = Machine(files)
    try:
        machine.run(script)
    except LuaError as e:
        line = f"line {machine.lines[machine.at - 1]}: " if machine.at else ""
        return "\n".join(machine.out + [f"error: {line}{e}"])
    text = "\n".join(machine.out)
    return text if len(text) <= OUTPUT_LIMIT else text[:OUTPUT_LIMIT]
