"""Histograms, box plots, scatter plots and lines of one group only, and histograms of what stands in no column."""
import re

from context import cap, q
from derived import bracket, ratio_words, say_plain
from kit import need
from schemas import is_clause
from tasks import finish_chart
from wording import chart_request, keep, link


def tail_words(x):
    """The filter at the end, in the words of people who think of the group first."""
    rng = x.rng
    clause = rng.choice(x.filter.clauses)
    if clause.startswith("for ") and rng.random() < 0.35:
        return rng.choice((f", {clause.replace('for ', 'only for ', 1)}", f", {clause.replace('for ', 'just ', 1)}", f" - {clause}", f" ({clause})"))
    return f" {clause}"


def only_rows(x, least=8):
    """Draws a filter that leaves enough rows."""
    x.pick_filter(("value", "value", "value", "value", "value", "boolean", "not", "year", "date"))
    c = x.filter.column
    need(x.f.table.rows() >= 20)
    chosen = re.search(r', "(==|~=)", "(.*)"\)$', x.filter.where)
    if c.kind == "category" and chosen:
        need(sum((v == chosen[2]) == (chosen[1] == "==") for v in x.f.data(c) if v is not None) >= least)


def finish(x, kind, core, chain, pairs, title, said, text=None):
    """finish_chart with our own words for the filter."""
    tail = tail_words(x)
    text = text + tail if text else chart_request(x.rng, kind, core + tail, False)
    return finish_chart(x, kind, core, chain, pairs, title, said, generic=False, text=text)


def bins_of(x, pairs):
    rng = x.rng
    if rng.random() > 0.15:
        return "", pairs
    n = rng.choice((5, 8, 10, 12, 15, 20, 25))
    return rng.choice((f" with {keep(str(n))} bins", f", {keep(str(n))} bins", f" in {keep(str(n))} bins")), pairs + [("bins", n)]


def hist_of_group(x):
    rng = x.rng
    only_rows(x)
    y = x.number()
    _, m, name = say_plain(x, y)
    bins, pairs = bins_of(x, [("x", y.name)])
    text = None
    if rng.random() < 0.45:
        text = rng.choice((f"distribution of {m}", f"show the distribution of {m}", f"how is {m} distributed", f"{m} distribution", f"spread of {m} as a histogram", f"how often does each {m} occur, as a histogram", f"plot how {m} is spread", f"frequency of the {m} values, histogram")) + bins
    return finish(x, "hist", m + bins if text is None else m, "", pairs, f"Distribution of {name}", f"the distribution of {name}", text)


def box_of_group(x):
    rng = x.rng
    only_rows(x, 10)
    c, y = x.category(limit=8, test=lambda c: c.kind == "category"), x.number()
    one, many = link(x.say(c), c.name), None
    need(not is_clause(x.clean(one)))
    name = x.clean(one.split("\x02")[0])
    _, m, noun = say_plain(x, y)
    core = rng.choice((f"{m} per {one}", f"{m} by {one}", f"{m} for each {one}", f"spread of {m} per {one}", f"{m} across the values of {one}"))
    text = rng.choice((f"how does {m} spread per {one}, box plot", f"compare the spread of {m} by {one}", f"box plots of {m}, one per {one}")) if rng.random() < 0.25 else None
    return finish(x, "box", core, "", [("x", c.name), ("y", y.name)], f"{cap(noun)} per {name}", f"{noun} per {name}", text)


def scatter_of_group(x):
    rng = x.rng
    only_rows(x, 6)
    a, b = x.number(), x.number()
    _, ma, na = say_plain(x, a)
    _, mb, nb = say_plain(x, b)
    core = rng.choice((f"{ma} against {mb}", f"{ma} vs {mb}", f"{ma} versus {mb}", f"{ma} over {mb}"))
    return finish(x, "scatter", core, "", [("x", b.name), ("y", a.name)], f"{cap(na)} against {nb}", f"{na} against {nb}")


def hist_derived(x):
    """Of a quotient, a difference or a product of two columns."""
    rng = x.rng
    if rng.random() < 0.35:
        only_rows(x)
    need(x.f.table.rows() >= 12)
    a, b = x.number(), x.number()
    if rng.random() < 0.55:
        m, y, expr, said, unit = ratio_words(x, a, b)
    else:
        _, ma, na = say_plain(x, a)
        _, mb, nb = say_plain(x, b)
        m = rng.choice((f"difference between {ma} and {mb}", f"{ma} minus {mb}", f"gap between {ma} and {mb}"))
        y, expr, said, unit = "difference", f"{bracket(a)} - {bracket(b)}", f"{na} minus {nb}", ""
    bins, pairs = bins_of(x, [("x", y)])
    chain = f":derive({q(y)}, {q(expr)})"
    text = rng.choice((f"distribution of the {m}", f"show the distribution of the {m}", f"how is the {m} distributed")) + bins if rng.random() < 0.35 else None
    if x.filter:
        return finish(x, "hist", m + bins if text is None else m, chain, pairs, f"Distribution of {said}", f"the distribution of {said}", text)
    return finish_chart(x, "hist", m + bins if text is None else m, chain, pairs, f"Distribution of {said}", f"the distribution of {said}", generic=False, text=text)


TASKS = [(4.5, hist_of_group, "table"), (1.8, box_of_group, "table"), (1.6, scatter_of_group, "table"), (2.2, hist_derived, "table")]
