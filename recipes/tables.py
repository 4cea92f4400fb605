"""Tables of the recipe: the text of numbers and profiles.

Profiles say what the recipe believes about its tables; make_data.py leaves out every workspace where the program's own
differ. A Table holds columns of Python values: numbers are int or float, dates are ISO
text ("2014-03-05", with a time only when it is not midnight), booleans are bool, a missing cell is None.
"""
import math

MISSING = {"", "NA", "N/A", "NaN", "null", "NULL", "None", "-"}
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


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


def quoted_cell(text, sep=","):
    """As a CSV file has it: in quotes where it must be."""
    return '"' + text.replace('"', '""') + '"' if sep in text or '"' in text or "\n" in text else text


class Table:
    """Columns of values. types: text, number, date, boolean, empty; month_name and weekday are text in calendar order."""

    __slots__ = ("names", "types", "data")

    def __init__(self, names, types, data):
        self.names, self.types, self.data = names, types, data

    def rows(self):
        return len(self.data[0]) if self.data else 0


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
