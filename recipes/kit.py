"""What the classes with tables of their own share: columns and files from short specifications, and sentences of several tasks."""
import re

from context import cap, q
from schemas import STYLES, Column, File, Workspace, entity_values, fill, pick_path, styled
from tasks import list_answer, need, one_row, question, scalar

ABOVE = {">": ("more than {n}", "over {n}", "above {n}", "longer than {n}"), ">=": ("at least {n}", "{n} or more", "no less than {n}"), "<": ("less than {n}", "under {n}", "fewer than {n}", "below {n}"), "<=": ("at most {n}", "no more than {n}", "up to {n}")}


def category(rng, spec, style):
    """Column of (names, says, values)."""
    names, says, values = spec
    c = Column(styled(rng, rng.choice(names), style), "category", says)
    c.values = rng.sample(values, rng.randint(3, len(values))) if len(values) > 3 and rng.random() < 0.5 else list(values)
    c.spoken = {v: [v] for v in c.values}
    return c


def amount(rng, spec, style, additive=True):
    """Column of (names, says, lo, hi, decimals)."""
    names, says, lo, hi, decimals = spec
    return Column(styled(rng, rng.choice(names), style), "number", says, lo=lo, hi=hi, decimals=decimals, additive=additive, key=names[0])


def entity(rng, names, says, kind, style):
    return Column(styled(rng, rng.choice(names), style), "entity", says, entity=kind)


# Plurals that are no things one counts.
UNCOUNTED = re.compile(r"(cost|earning|taking|saving|expense|good|sale|mas|gros|les|los|proces|acces|busines|hour|minute|second|gram|litre|metre|kilometre|day|ton|tonne|mean|result|percent|afterward)s?$")


def counted_numbers(domain):
    """(number of the topic, what it counts) where that is a plural of one or two words: "assists", "brood frames"."""
    found = []
    for spec in domain.get("numbers", ()):
        say = spec["says"][0]
        if spec["additive"] and spec["decimals"] == 0 and spec["lo"] >= 0 and re.fullmatch(r"(?!total )[a-z]+( [a-z]+)?s", say) and not UNCOUNTED.search(say):
            found.append((spec, say))
    return found


def style_of(rng):
    return rng.choice(STYLES)


def distinct_names(columns):
    return len({c.name.lower() for c in columns}) == len(columns)


def file_of(rng, stem, rows, columns, n, topic, layout="events"):
    table = fill(rng, columns, layout, n)
    f = File(pick_path(rng, stem), table, columns, rows, topic, layout)
    f.left_out = []
    return f


def workspace(kind, f, *others, **more):
    w = Workspace(kind, [f, *others], {})
    w.main = f
    w.__dict__.update(more)
    return w


def set_data(f, column, values):
    f.table.data[f.table.names.index(column.name)] = values


def number_said(x, form, script, said, unit=""):
    """A question whose answer is one number: "The … is 5 days."."""
    tail = x.clean(x.said_tail)
    return question(x, form, script, lambda obs: f"The {said}{tail} is {scalar(obs)}{unit}.")


def best_said(x, form, chain, key, y, said, low, unit="", source=None):
    """The one row or group with the most."""
    tail = x.clean(x.said_tail)

    def answer(obs):
        k, v = one_row(obs, (key, y))
        return f"{k} has the {'lowest' if low else 'highest'} {said}{tail}: {v}{unit}."
    return question(x, form, f"t = {source or x.read()}{chain}:{'bottom' if low else 'top'}(1, {q(y)})\nprint(t:select({q(key)}, {q(y)}))", answer)


def table_said(x, form, chain, columns, said, unit="", source=None):
    """A printed table of a few columns."""
    script = f"t = {source or x.read()}{chain}\nprint(t:select({', '.join(q(c) for c in columns)}))"
    return question(x, form, script, list_answer(cap(x.clean(f"{said}{x.said_tail}")), unit))


__all__ = ["ABOVE", "amount", "best_said", "category", "counted_numbers", "distinct_names", "entity", "entity_values", "file_of", "need", "number_said", "set_data", "style_of", "table_said", "workspace"]
