"""The usual tasks in harder words: telegraph style, abbreviations, typical, spread, breakdown, trend, "but only", titles and files asked for."""
import re

from context import Built, cap, q
from derived import one_and_many, say_plain
from kit import need
from schemas import is_clause
from tasks import list_answer, maybe_filter, n_words, new_name, one_row, options, chart_answer, period_of, saved_answer, scalar
from wording import keep, link, plural, strip_marks

SHORT = {"mean": ["avg", "avg", "mean", "ave", "avg."], "sum": ["tot", "total", "sum", "tot.", "sum of"], "median": ["med", "median", "med."], "max": ["max", "max.", "highest"], "min": ["min", "min.", "lowest"]}
WORDS = {"mean": ["typical", "usual", "average", "mean"], "sum": ["overall", "total", "combined", "total"], "median": ["median", "middle"], "max": ["highest", "maximum"], "min": ["lowest", "minimum"]}
SAID = {"mean": "average", "sum": "total", "median": "median", "max": "highest", "min": "lowest"}
ORDER = [(", sorted", "desc"), (", sorted desc", "desc"), (" desc", "desc"), (", biggest first", "desc"), (", high to low", "desc"), (", ranked", "desc"), (", descending", "desc"), (" sorted by size", "desc"), (", low to high", "asc"), (", ascending", "asc"), (", sorted asc", "asc")]
CUT = {"duration": "dur", "temperature": "temp", "quantity": "qty", "revenue": "rev", "department": "dept", "category": "cat", "number": "no", "weight": "wt", "amount": "amt", "average": "avg", "minutes": "mins", "percentage": "pct", "price": "price"}


def shortened(rng, say):
    """A word of the phrase cut as people do in a hurry."""
    if say.startswith("\x04") or rng.random() > 0.3:
        return say
    return " ".join(CUT.get(w, w) for w in say.split())


def measure(x, style):
    """(marked words, step, y, words for an answer)."""
    rng = x.rng
    if rng.random() < 0.22:
        rs = plural(x.row)
        text = rng.choice((f"nr of {rs}", f"no. of {rs}", f"# {rs}", f"{rs} count", f"count {rs}", f"how many {rs}", f"num {rs}") if style == "short" else (f"number of {rs}", f"volume of {rs}", f"tally of {rs}", f"count of {rs}"))
        return link(text, "rows"), ":count()", "count", f"number of {rs}"
    y = x.number()
    a = x.agg(y)
    say, _, name = say_plain(x, y)
    word = rng.choice((SHORT if style == "short" else WORDS)[a])
    return link(f"{word} {shortened(rng, say) if style == 'short' else say}", y.name), f":{a}({q(y.name)})", y.name, f"{SAID[a]} {name}"


def tail(x):
    """The filter in few words."""
    if not x.filter:
        return ""
    clause = x.rng.choice(x.filter.clauses)
    if clause.startswith("for ") and x.rng.random() < 0.6:
        bare = clause[4:].removesuffix(" only")
        return x.rng.choice((f", only {bare}", f", {bare} only", f" - {bare}", f" ({bare})", f" but only {bare}", f", just {bare}"))
    return f" {clause}"


def told(x, form, script, answer):
    return Built(x.mention(form, 0.15), script, answer, bool(re.match(r"(what|which|how)\b", strip_marks(form))))


def telegraph(x):
    """"avg dur by line, sorted"."""
    rng = x.rng
    maybe_filter(x, 0.2, ("value", "value", "number"))
    c = x.category(limit=12, test=lambda c: c.kind == "category")
    say = x.say(c)
    need(not is_clause(x.clean(say)))
    one, name = link(shortened(rng, say), c.name), x.title_noun(c, say)
    m, agg, y, said = measure(x, "short")
    words, order = rng.choice(ORDER) if rng.random() < 0.5 else ("", "")
    core = rng.choice((f"{m} by {one}", f"{m} per {one}", f"{m} / {one}", f"{one}: {m}", f"{m}, by {one}"))
    chain = f":group({q(c.name)}){agg}" + {"desc": f':sort({q(y)}, "desc")', "asc": f":sort({q(y)})", "": ""}[order]
    core += tail(x) + words
    if rng.random() < 0.55:
        kind = rng.choice(("bar", "bar", "bar", "pie")) if agg == ":count()" or ":sum" in agg else "bar"
        short = {"bar": ["bars", "bar", "bar chart", "barplot", "as bars", "chart", "graph"], "pie": ["pie", "pie chart", "as pie"]}[kind]
        text = x.mention(rng.choice((f"{core}, {rng.choice(short)}", f"{rng.choice(short)}: {core}", f"{rng.choice(short)} {core}", f"{core} {rng.choice(short)}")), 0.15)
        return drawn(x, kind, text, f"{x.read()}{chain}", [("x", c.name), ("y", y)], f"{said} per {name}")
    script = f"t = {x.read()}{chain}\nprint(t)"
    return told(x, rng.choice((core, core, f"{core}, table", f"{core}, numbers only", f"list {core}", f"{core} (no chart)")), script, list_answer(cap(x.clean(f"{said} per {name}{x.said_tail}"))))


def drawn(x, kind, text, source, pairs, said, title=None, save=None):
    """A chart whose request is finished already."""
    title = title or cap(x.clean(said)) + x.clean(x.title_tail)
    need(len(title) <= 90)
    script = f"t = {source}\nchart.{kind}(t, {{{options(pairs + [('title', title), ('save', save)])}}})"
    return Built(text, script, chart_answer(f"the {x.clean(said + x.said_tail)}"), bool(re.match(r"(what|which|how)\b", strip_marks(text))))


def one_number(x):
    """"typical delay?", "med price, only diesel"."""
    rng = x.rng
    maybe_filter(x, 0.45, ("value", "value", "number", "date"))
    style = rng.choice(("short", "words"))
    m, agg, y, said = measure(x, style)
    form = rng.choice((f"{m}", f"{m}?", f"what's the {m}", f"{m} pls", f"need {m}", f"{m} overall", f"quick: {m}")) if style == "short" else rng.choice((f"what is the {m}", f"what's a {m}" if strip_marks(m).startswith(("typical", "usual")) else f"what's the {m}", f"{m}", f"tell me the {m}"))
    if form.endswith("?"):
        form = form[:-1] + tail(x) + "?"
    else:
        form += tail(x)
    s = x.clean(x.said_tail)
    return told(x, form, f"print({x.read()}{agg})", lambda obs: f"The {said}{s} is {scalar(obs)}.")


def breakdown(x):
    """"breakdown of revenue by region", "split orders by status"."""
    rng = x.rng
    maybe_filter(x, 0.2, ("value", "date"))
    c = x.category(limit=10, test=lambda c: c.kind == "category")
    one, many, name = one_and_many(x, c)
    if rng.random() < 0.45:
        rs = plural(x.row)
        m, agg, y, said = link(rs, "rows"), ":count()", "count", f"number of {rs}"
    else:
        col = x.number(lambda c: c.additive)
        _, m, noun = say_plain(x, col)
        agg, y, said = f":sum({q(col.name)})", col.name, f"total {noun}"
    core = rng.choice((f"breakdown of {m} by {one}", f"a breakdown of the {m} by {one}", f"{m} broken down by {one}", f"{m} split by {one}", f"how {m} {'split' if y == 'count' else 'splits'} by {one}", f"{m} by {one}, breakdown", f"the split of {m} across {many}", f"make-up of {m} by {one}", f"{m} grouped into {many}")) + tail(x)
    chain = f"{x.read()}:group({q(c.name)}){agg}"
    if rng.random() < 0.6:
        kind, words = rng.choice((("bar", ", as a chart"), ("bar", " in bars"), ("bar", ", bar chart"), ("pie", ", as a pie"), ("pie", ", pie chart"), ("bar", ", chart it")))
        head = rng.choice(("", "", "show ", "give me ", "i want "))
        return drawn(x, kind, x.mention(f"{head}{core}{words}", 0.15), chain, [("x", c.name), ("y", y)], f"{said} per {name}")
    return told(x, rng.choice(("", "give me ", "list ", "i need ")) + core + rng.choice(("", "", ", as a table", ", numbers only")), f"t = {chain}\nprint(t)", list_answer(cap(x.clean(f"{said} per {name}{x.said_tail}"))))


def spread_of(x):
    """"spread of ages by team", "how spread out are the prices"."""
    rng = x.rng
    maybe_filter(x, 0.2, ("value", "value"))
    y = x.number()
    _, m, name = say_plain(x, y)
    need(x.f.table.rows() >= 16)
    if rng.random() < 0.55:
        c = x.category(limit=8, test=lambda c: c.kind == "category")
        one, many, cname = one_and_many(x, c)
        text = rng.choice((f"spread of {m} by {one}", f"spread of {m} per {one}, boxes", f"how much does {m} vary within each {one}, as box plot", f"{m} spread per {one}", f"variation of {m} across {many}, box plot", f"range and quartiles of {m} by {one}, as a chart", f"box: {m} / {one}")) + tail(x)
        return drawn(x, "box", x.mention(text, 0.15), x.read(), [("x", c.name), ("y", y.name)], f"{name} per {cname}")
    text = rng.choice((f"how spread out is {m}", f"show the spread of {m}", f"distribution: {m}", f"hist {m}", f"{m} hist", f"how does {m} vary? histogram", f"what values does {m} take, as a histogram", f"frequency chart of {m}")) + tail(x)
    return drawn(x, "hist", x.mention(text, 0.15), x.read(), [("x", y.name)], f"distribution of {name}")


def trend_of(x):
    """"trend of sales", "rev per mo", "orders/month"."""
    rng = x.rng
    maybe_filter(x, 0.25, ("value", "value"))
    d = x.date()
    p = period_of(x, d, ("month", "month", "month", "year", "quarter"))
    m, agg, y, said = measure(x, rng.choice(("short", "words")))
    per = {"month": ("per mo", "/ month", "monthly", "by mo.", "m by m", "per month"), "year": ("per yr", "/ year", "yearly", "p.a.", "per year"), "quarter": ("per qtr", "/ quarter", "quarterly", "by quarter")}[p]
    when = link(rng.choice(per), d.name)
    core = rng.choice((f"{m} {when}", f"{m} {when}", f"trend of {m} {when}", f"{m} trend, {when}", f"how is {m} trending {when}", f"evolution of {m} {when}", f"ups and downs of {m} {when}"))
    kind, words = rng.choice((("line", ", line"), ("line", ", as a line"), ("line", ", line chart"), ("line", " as curve"), ("line", ", trend line"), ("bar", ", bars"), ("bar", " as bar chart")))
    text = x.mention(core + tail(x) + words, 0.15)
    return drawn(x, kind, text, f"{x.read()}:{p}({q(d.name)}):group({q(p)}){agg}:sort({q(p)})", [("x", p), ("y", y)], f"{said} per {p}")


def top_but_only(x):
    """"top 5 lines by delay but only on workdays"."""
    rng = x.rng
    x.pick_filter(("value", "value", "value", "number", "date", "not"))
    c = x.category(limit=60, test=lambda c: c.kind == "category" and len(c.values) >= 4)
    one, many, name = one_and_many(x, c)
    m, agg, y, said = measure(x, rng.choice(("short", "words")))
    n = rng.choice((2, 3, 3, 3, 5, 5))
    need(n < len(c.values))
    low = rng.random() < 0.2
    k = n_words(rng, n)
    word = "bottom" if low else "top"
    clause = rng.choice(x.filter.clauses)
    only = rng.choice((f" but only {clause}", f", but {clause}", f", {clause} only" if not clause.endswith(("only", ")")) and not clause.startswith(("only", "just")) else f", {clause}", f" {clause}", f" - {clause}"))
    only = re.sub(r"only (only|just|limited)", r"\1", only)
    core = rng.choice((f"{word} {k} {many} by {m}{only}", f"{word} {k} {many}, {m}{only}", f"{word}-{k} {many} in terms of {m}{only}"))
    chain = f"{x.read()}:group({q(c.name)}){agg}:{word}({n}, {q(y)})"
    if rng.random() < 0.45:
        text = x.mention(core + rng.choice((", chart", ", as bars", ", bar chart")), 0.15)
        return drawn(x, "bar", text, chain, [("x", c.name), ("y", y)], f"{word} {n} {plural(name)} by {said}")
    return told(x, core, f"t = {chain}\nprint(t)", list_answer(cap(x.clean(f"{word} {n} {plural(name)} by {said}{x.said_tail}"))))


TITLES = ["overview", "figure 1", "for the board", "annual report", "status", "our numbers", "summary", "draft", "key figures", "results", "team review", "comparison"]


def titled(x):
    """A chart with the title, and perhaps the file, that the request gives."""
    rng = x.rng
    maybe_filter(x, 0.15, ("value", "date"))
    c = x.category(limit=12, test=lambda c: c.kind == "category")
    one, many, name = one_and_many(x, c)
    m, agg, y, said = measure(x, "words")
    kind = rng.choice(("bar", "bar", "bar", "pie")) if agg == ":count()" or ":sum" in agg else "bar"
    title = rng.choice((cap(rng.choice(TITLES)), f"{cap(name)} {rng.choice(TITLES)}", f"{cap(said)}, {rng.choice(TITLES)}", rng.choice(TITLES), f"{cap(plural(name))} compared", f"All {plural(name)}"))
    need(not re.search(r"[\"\\\x00-\x1f]", title) and len(title) < 70)
    quoted = rng.choice(("\"{t}\"", "\"{t}\"", "'{t}'", "{t}")).format(t=keep(title))
    core = f"{rng.choice(('bar chart', 'bar chart', 'bars', 'column chart') if kind == 'bar' else ('pie chart', 'pie'))} of {rng.choice((f'{m} per {one}', f'{m} by {one}'))}" + tail(x)
    text = rng.choice((f"{core}, title {quoted}", f"{core} with the title {quoted}", f"{core}, titled {quoted}", f"{core}, call it {quoted}" if quoted[0] in "\"'" else f"{core} with the heading {quoted}", f"{core}, heading {quoted}", f"draw a {core} and put {quoted} above it"))
    save = None
    if rng.random() < 0.4:
        save = new_name(x, ["chart1", "figure", "fig2", "overview", "plot", "result", "bars", "for_report"], "png")
        text += rng.choice((", save as {s}", " into {s}", ", file name {s}", ", output to {s}", " ({s})")).format(s=keep(save))
    return drawn(x, kind, x.mention(text, 0.1) if not save else text, f"{x.read()}:group({q(c.name)}){agg}", [("x", c.name), ("y", y)], f"{said} per {name}", title, save)


def named_output(x):
    """"dump avg price by type to by_type.csv"."""
    rng = x.rng
    maybe_filter(x, 0.2, ("value", "number"))
    c = x.category(limit=14, test=lambda c: c.kind == "category")
    one, many, name = one_and_many(x, c)
    m, agg, y, said = measure(x, rng.choice(("short", "words")))
    words, order = rng.choice(ORDER) if rng.random() < 0.25 else ("", "")
    ext = rng.choice(("csv", "csv", "csv", "json", "xlsx"))
    out = new_name(x, ["out", "by_group", "stats", "totals" if ":sum" in agg else "values", "table1", "export", "breakdown", "agg"], ext)
    core = f"{m} by {one}" + tail(x) + words
    form = rng.choice((f"dump {core} to {keep(out)}", f"{core} -> {keep(out)}", f"{core}, to file {keep(out)}", f"{core}, out: {keep(out)}", f"export {core} ({keep(out)})", f"{core} as {keep(out)}", f"store {core} in {keep(out)}"))
    chain = f":group({q(c.name)}){agg}" + {"desc": f':sort({q(y)}, "desc")', "asc": f":sort({q(y)})", "": ""}[order]
    save = f":to_xlsx({q(out)})" if ext == "xlsx" else f":save({q(out)})"
    return Built(x.mention(form, 0.1), f"{x.read()}{chain}{save}", saved_answer(x.clean(f"the {said} per {name}{x.said_tail}")))


def which_one(x):
    """"best shop by rev?", "who leads in points"."""
    rng = x.rng
    maybe_filter(x, 0.2, ("value", "date"))
    c = x.category(limit=30, test=lambda c: c.kind == "category" and len(c.values) > 1)
    one, many, name = one_and_many(x, c)
    m, agg, y, said = measure(x, rng.choice(("short", "words")))
    need(not agg.startswith((":max", ":min")))
    low = rng.random() < 0.3
    form = rng.choice((f"{'worst' if low else 'best'} {one} by {m}", f"{one} w/ {'lowest' if low else 'highest'} {m}", f"{'lowest' if low else 'highest'} {m} - which {one}", f"which {one} {'comes last' if low else 'leads'} in {m}", f"{one} {'at the bottom' if low else 'on top'} for {m}", f"no. 1 {one} by {m}" if not low else f"{one} ranking last by {m}", f"{m}: {one} with {'min' if low else 'max'}")) + tail(x)
    s = x.clean(x.said_tail)

    def answer(obs):
        k, v = one_row(obs, (c.name, y))
        return f"{k} has the {'lowest' if low else 'highest'} {said}{s}: {v}."
    return told(x, form, f"t = {x.read()}:group({q(c.name)}){agg}:{'bottom' if low else 'top'}(1, {q(y)})\nprint(t)", answer)


TASKS = [(4, telegraph, "table"), (2, one_number, "table"), (2.4, breakdown, "table"), (1.8, spread_of, "table"), (2.2, trend_of, "table"), (2, top_but_only, "table"), (1.6, titled, "table"), (1.2, named_output, "table"), (1.5, which_one, "table")]
