"""Tasks with numbers that stand in no column: percent, per head, change and growth between years, running totals, ranks, days."""
import re

from context import Built, Skip, cap, q
from schemas import is_clause, plain_name
from tasks import (ASK, HIGH_ADJ, LOW_ADJ, chart_answer, finish_chart, group_measure, list_answer, maybe_filter, need, notes, noun_of, one_row, period_of, question, scalar, unique_key)
from tables import format_number
from wording import chart_request, keep, link, plural, singular, strip_marks

PEOPLE = re.compile(r"\b(guest|visitor|people|person|staff|employee|member|passenger|pupil|student|patient|customer|worker|resident|population|inhabitant|household|reader|player|volunteer|donor|ticket|seat)s?\b")


def bracket(c):
    need(not re.search(r"[\]\[\"\\']", c if isinstance(c, str) else c.name))
    return f"[{c if isinstance(c, str) else c.name}]"


def noun_phrase(say):
    need(not is_clause(strip_marks(say)))
    return say


def say_plain(x, c):
    """Words for a column that are a noun."""
    say = noun_phrase(x.say(c))
    return say, link(say, c.name), noun_of(x, c, say)


def one_and_many(x, c):
    say, one, name = say_plain(x, c)
    return one, link(plural(say) if not say.startswith("\x04") else say, c.name), name


def shown(x, m, c, chain, y, said, unit="", charts=("bar",), source=None, mention=True, tail=""):
    """A derived number `m` per value of c: as a chart, as a table, or only the highest."""
    rng = x.rng
    one, many, name = one_and_many(x, c)
    r = rng.random()
    per = rng.choice((f"{m} per {one}", f"{m} by {one}", f"{m} for each {one}", f"{m} of each {one}", f"{m} in each {one}", f"{m} for every {one}")) + tail
    if r < 0.5:
        kind = rng.choice(charts)
        down = rng.random() < 0.15 and kind == "bar"
        core = per + (rng.choice((", highest first", ", sorted from high to low", " in descending order")) if down else "")
        return finish_chart(x, kind, core, chain + (f':sort({q(y)}, "desc")' if down else ""), [("x", c.name), ("y", y)], f"{cap(said)} per {name}", f"the {said} per {name}", generic=kind == "bar", source=source, mention=mention)
    source = source or x.read()
    if r < 0.7:
        form = x.filtered(rng.choice(("list the {c}", "{c}", "{c} as a table", "what is the {c}", "give me the {c}", "show a table of {c}", "calculate the {c}", "compute the {c}", "what are the {c}")).format(c=per))
        text = x.mention(form) if mention else form
        return Built(text, f"t = {source}{chain}\nprint(t:select({q(c.name)}, {q(y)}))", list_answer(cap(x.clean(f"{said} per {name}{x.said_tail}")), unit), form.startswith("what"))
    low = rng.random() < 0.3
    word = rng.choice(LOW_ADJ if low else HIGH_ADJ)
    if r < 0.9:
        form = rng.choice((f"which {one} has the {word} {m}", f"which {one} had the {word} {m}", f"{one} with the {word} {m}", f"what is the {one} with the {word} {m}", f"find the {one} with the {word} {m}")) + tail
        form = x.filtered(form)

        def answer(obs):
            k, v = one_row(obs, (c.name, y))
            return f"{k} has the {'lowest' if low else 'highest'} {x.clean(said)}{x.clean(x.said_tail)}: {v}{unit}." + notes(obs)
        text = x.mention(form) if mention else form
        return Built(text, f"t = {source}{chain}:{'bottom' if low else 'top'}(1, {q(y)})\nprint(t:select({q(c.name)}, {q(y)}))", answer, form.startswith(("which", "what")))
    n = rng.choice((3, 3, 5, 2, 4))
    need(phantom_or(c, n))
    form = rng.choice((f"the {n} {many} with the {word} {m}", f"{'bottom' if low else 'top'} {n} {many} by {m}", f"which {n} {many} have the {word} {m}")) + tail
    form = x.filtered(form.replace(f" {n} ", f" {keep(str(n))} "))
    text = x.mention(form) if mention else form
    return Built(text, f"t = {source}{chain}:{'bottom' if low else 'top'}({n}, {q(y)})\nprint(t:select({q(c.name)}, {q(y)}))", list_answer(f"The {n} {plural(name)} with the {'lowest' if low else 'highest'} {x.clean(said)}{x.clean(x.said_tail)}", unit), form.startswith("which"))


def phantom_or(c, n):
    return getattr(c, "absent", False) or len(c.values) > n


# Ratios ------------------------------------------------------------------------------------------------------------

def per_words(x, a, b):
    """(marked phrase, words for an answer) of a per b."""
    sa, ma, na = say_plain(x, a)
    sb, mb, nb = say_plain(x, b)
    bare_b = x.clean(sb)
    need(not re.search(r" (readings|values|figures|numbers|measurements|data)$", bare_b))
    one = link(singular(bare_b) if sb == bare_b else sb, b.name)
    forms = [f"{ma} per {one}"] * 4 + [f"{ma} per {mb}", f"{ma} for each {one}", f"{ma} for every {one}", f"rate of {ma} per {one}"]
    if PEOPLE.search(bare_b):
        forms += [f"{ma} {link('per head', b.name)}", f"{ma} {link('per person', b.name)}", f"{link('per capita', b.name)} {ma}"]
    return x.rng.choice(forms), f"{na} per {singular(nb)}"


def ratio_words(x, a, b):
    """(marked phrase, column of the result, expression, words for an answer, unit) of a over b."""
    rng = x.rng
    how = rng.choice(("percent", "percent", "per", "per", "ratio", "thousand"))
    if how == "per":
        m, said = per_words(x, a, b)
        return m, "rate", f"{bracket(a)} / {bracket(b)}", said, ""
    sa, ma, na = say_plain(x, a)
    sb, mb, nb = say_plain(x, b)
    if how == "percent":
        m = rng.choice((f"{ma} in percent of {mb}", f"{ma} as a percentage of {mb}", f"{ma} as percent of the {mb}", f"{ma} as % of {mb}", f"percentage of {mb} that is {ma}", f"share of {ma} in {mb} in percent", f"{ma} relative to {mb} in percent",
                        f"{ma} percentage of the {mb}", f"{ma} as a share of {mb} (%)", f"{link('percent ' + sa, a.name)} of {mb}"))
        return m, "percent", f"{bracket(a)} / {bracket(b)} * 100", f"{na} in percent of {nb}", " %"
    if how == "thousand":
        m = rng.choice((f"{ma} per thousand {mb}", f"{ma} per {keep('1000')} {mb}", f"{ma} for every {keep('1000')} {mb}"))
        return m, "rate", f"{bracket(a)} / {bracket(b)} * 1000", f"{na} per 1000 {nb}", ""
    m = rng.choice((f"ratio of {ma} to {mb}", f"ratio between {ma} and {mb}", f"{ma} to {mb} ratio", f"{ma} divided by {mb}"))
    return m, "ratio", f"{bracket(a)} / {bracket(b)}", f"{na} divided by {nb}", ""


def of_totals(x, a, b, y):
    """True for the quotient of two sums, False for the mean of the rows' own quotients. "Average price per kilo" is the first: only of percents
    and of what does not add up the mean is meant by "average"."""
    return a.additive and b.additive and (y == "rate" or x.rng.random() < 0.5)


def ratio_group(x):
    """Of sums per group; "average …" may be the mean of the rows' own ratios."""
    rng = x.rng
    maybe_filter(x, 0.1, ("value", "number"))
    c, a, b = x.category(limit=12, test=lambda c: c.kind == "category"), x.number(), x.number()
    m, y, expr, said, unit = ratio_words(x, a, b)
    word = rng.choice(("average", "average", "mean", "avg", "typical"))
    if of_totals(x, a, b, y):
        chain = f":group({q(c.name)}):sum({q(a.name)}, {q(b.name)}):derive({q(y)}, {q(expr)})"
        return shown(x, f"{word} {m}" if y == "rate" and rng.random() < 0.4 else m, c, chain, y, said, unit)
    chain = f":derive({q(y)}, {q(expr)}):group({q(c.name)}):mean({q(y)})"
    return shown(x, f"{word} {m}", c, chain, y, f"average {said}", unit)


def ratio_rows(x):
    """Of each row, where a row has a name."""
    c, a, b = unique_key(x, 40), x.number(), x.number()
    m, y, expr, said, unit = ratio_words(x, a, b)
    return shown(x, m, c, f":derive({q(y)}, {q(expr)})", y, said, unit)


def ratio_all(x):
    rng = x.rng
    maybe_filter(x, 0.25, ("value", "value", "number", "date"))
    a, b = x.number(), x.number()
    m, y, expr, said, unit = ratio_words(x, a, b)
    tail = x.clean(x.said_tail)
    if not of_totals(x, a, b, y):
        form = x.filtered(rng.choice(ASK).format(m=f"{rng.choice(('average', 'average', 'mean', 'avg'))} {m}"))
        script = f"t = {x.read()}:derive({q(y)}, {q(expr)})\nprint(t:mean({q(y)}))"
        return question(x, form, script, lambda obs: f"The average {said}{tail} is {scalar(obs)}{unit}.")
    form = x.filtered(rng.choice(ASK).format(m=f"{rng.choice(('overall', 'average', 'overall') if y == 'rate' else ('overall', 'total', 'overall'))} {m}"))
    times = {"percent": " * 100", "rate": " * 1000" if "1000" in expr else ""}.get(y, "")
    script = f"t = {x.read()}\nprint(t:sum({q(a.name)}) / t:sum({q(b.name)}){times})"
    return question(x, form, script, lambda obs: f"The overall {said}{tail} is {scalar(obs)}{unit}.")


def flagged(x):
    """(words for the rows of which something is true, condition of `if`, words for an answer, what it is about)."""
    rng = x.rng
    rs = plural(x.row)
    r = rng.random()
    flags = [c for c in x.f.columns if getattr(c, "flag", None)]
    if flags and r < 0.75:
        c = rng.choice(flags)
        x.used.append(c)
        word = rng.choice(c.flag)
        return link(f"{word} {rs}" if len(f"{word} {rs}".split()) <= 5 else word, c.name), f"{bracket(c)} == 1", f"{word} {rs}", c
    if x.f.of("boolean") and r < 0.5:
        c = x.column(("boolean",))
        word = rng.choice(c.says)
        return link(f"{word} {rs}", f"{c.name}:true"), bracket(c), f"{word} {rs}", c
    if r < 0.75:
        c = x.column(("category",), lambda c: 2 <= len(set(x.f.data(c)) - {None}) <= 14 and not any(set("'\"\\") & set(v) for v in x.f.data(c) if v))
        v = rng.choice(c.values)
        words = x.value_words(c, v)
        need(len(words.split()) <= 3)
        m = link(f"{words} {rs}" if rng.random() < 0.5 and len(f"{words} {rs}".split()) <= 5 else words, f"{c.name}:{v}")
        return m, f"{bracket(c)} == '{v}'", x.clean(words), c
    c = x.number()
    values = sorted(v for v in x.f.data(c) if v is not None)
    need(len(values) >= 8 and values[0] >= 0)
    v = values[int(len(values) * rng.uniform(0.3, 0.7))]
    v = round(v, 1 - len(str(int(v)))) if v >= 10 else v
    v = int(v) if v == int(v) else v
    need(values[0] < v < values[-1])
    say = noun_phrase(x.say(c))
    n = format_number(v)
    up = rng.random() < 0.7
    word = rng.choice(("above", "over", "of more than", "higher than") if up else ("below", "under", "of less than"))
    m = f"{rs} with {link(say, f'{c.name}:{n}')} {word} {keep(n)}"
    return m, f"{bracket(c)} {'>' if up else '<'} {n}", f"{rs} with {x.clean(say)} {word} {n}", c


def flag_rate(x):
    """The percentage of rows of which something is true, per group or of all."""
    rng = x.rng
    m, condition, said, c = flagged(x)
    chain = f":derive(\"percent\", {q(f'if({condition}, 100, 0)')})"
    named = getattr(c, "rate", None)
    if named and rng.random() < 0.6:
        core = link(rng.choice(named), c.name)
        said = x.clean(strip_marks(core))
    else:
        core = rng.choice((f"percentage of {m}", f"share of {m} in percent", f"percent of {m}", f"proportion of {m} in percent", f"rate of {m} in percent"))
        said = f"percentage of {said}"
    if rng.random() < 0.2 and named:
        form = rng.choice(ASK).format(m=core)
        return question(x, form, f"t = {x.read()}{chain}\nprint(t:mean(\"percent\"))", lambda obs: f"The {said} is {scalar(obs)} %.")
    g = x.category(limit=12, test=lambda c: c.kind == "category")
    return shown(x, core, g, f"{chain}:group({q(g.name)}):mean(\"percent\")", "percent", said, " %")


def concept(x):
    """A derived number that has a name of its own: profit, speed, density."""
    rng = x.rng
    need(x.w.kind == "concept")
    a, b, kind, names = x.w.concept
    x.used += [a, b]
    expr, y, unit, said = {"difference": (f"{bracket(a)} - {bracket(b)}", "difference", "", rng.choice(names)),
                           "percent": (f"{bracket(a)} / {bracket(b)} * 100", "percent", " %", rng.choice(names)),
                           "rate": (f"{bracket(a)} / {bracket(b)}", "rate", "", rng.choice(names)),
                           "margin": (f"({bracket(a)} - {bracket(b)}) / {bracket(a)} * 100", "percent", " %", rng.choice(names))}[kind]
    m = link(said, a.name, b.name)
    if rng.random() < 0.2:
        m += rng.choice((f" ({x.say(a)} {'minus' if kind == 'difference' else 'by'} {x.say(b)})", f", {x.say(a)} {'minus' if kind == 'difference' else 'divided by'} {x.say(b)},")) if kind != "margin" else ""
    r = rng.random()
    names_rows = [c for c in x.f.of("entity") if len(set(x.f.data(c))) == x.f.table.rows()]
    if names_rows and (r < 0.5 or not x.f.of("category")):
        return shown(x, m, names_rows[0], f":derive({q(y)}, {q(expr)})", y, said, unit)
    if r < 0.2 and not names_rows:
        if kind == "difference":
            form = rng.choice(ASK).format(m=f"total {m}")
            return question(x, form, f"t = {x.read()}:derive({q(y)}, {q(expr)})\nprint(t:sum({q(y)}))", lambda obs: f"The total {said} is {scalar(obs)}.")
        form = rng.choice(ASK).format(m=f"average {m}")
        if kind == "rate":
            return question(x, form, f"t = {x.read()}\nprint(t:sum({q(a.name)}) / t:sum({q(b.name)}))", lambda obs: f"The average {said} is {scalar(obs)}.")
        return question(x, form, f"t = {x.read()}:derive({q(y)}, {q(expr)})\nprint(t:mean({q(y)}))", lambda obs: f"The average {said} is {scalar(obs)}{unit}.")
    g = x.category(limit=12, test=lambda c: c.kind == "category")
    if kind != "rate" and rng.random() < 0.4:
        chain = f":derive({q(y)}, {q(expr)}):group({q(g.name)}):mean({q(y)})"
        return shown(x, f"average {m}", g, chain, y, f"average {said}", unit)
    chain = f":group({q(g.name)}):sum({q(a.name)}, {q(b.name)}):derive({q(y)}, {q(expr)})"
    lead = {"difference": ("", "", "total "), "rate": ("", "", "average ")}.get(kind, ("",))
    return shown(x, rng.choice(lead) + m, g, chain, y, said, unit)


def row_share(x):
    """Each group's or row's part of the total, in percent."""
    rng = x.rng
    if rng.random() < 0.3:
        c, y = unique_key(x, 20), x.number(lambda c: c.additive)
        chain = f":share({q(y.name)})"
    else:
        maybe_filter(x, 0.15, ("value", "date", "number"))
        c, y = x.category(limit=12, test=lambda c: c.kind == "category"), x.number(lambda c: c.additive)
        chain = f":group({q(c.name)}):sum({q(y.name)}):share({q(y.name)})"
    say, my, name = say_plain(x, y)
    m = rng.choice((f"share of total {my}", f"percentage of the total {my}", f"percent of total {my}", f"{my} as a percentage of the total", f"{my} in percent of all", f"share of {my} in percent", f"contribution to total {my} in percent", f"{link(say + ' share', y.name)} in %"))
    return shown(x, m, c, chain, "share", f"share of {name} in percent", " %", ("bar", "bar", "pie"))


def between_columns(x):
    """Difference of two columns, per row or per group."""
    rng = x.rng
    a, b = x.number(), x.number()
    sa, ma, na = say_plain(x, a)
    sb, mb, nb = say_plain(x, b)
    m = rng.choice((f"difference between {ma} and {mb}", f"{ma} minus {mb}", f"gap between {ma} and {mb}", f"{ma} less {mb}", f"how much {ma} exceeds {mb}", f"surplus of {ma} over {mb}"))
    expr, said = f"{bracket(a)} - {bracket(b)}", f"difference between {na} and {nb}"
    m = m if not m.startswith("how") else f"difference of {ma} and {mb}"
    if rng.random() < 0.35:
        return shown(x, m, unique_key(x, 40), f":derive(\"difference\", {q(expr)})", "difference", said)
    c = x.category(limit=12, test=lambda c: c.kind == "category")
    if a.additive and b.additive and rng.random() < 0.5:
        return shown(x, rng.choice(("", "total ")) + m, c, f":group({q(c.name)}):sum({q(a.name)}, {q(b.name)}):derive(\"difference\", {q(expr)})", "difference", said)
    return shown(x, f"average {m}", c, f":derive(\"difference\", {q(expr)}):group({q(c.name)}):mean(\"difference\")", "difference", f"average {said}")


def between_values(x):
    """How much higher one group's number is than another's."""
    rng = x.rng
    c, y = x.category(limit=12, test=lambda c: c.kind == "category"), x.number()
    need(len(c.values) >= 2)
    v, w = rng.sample(c.values, 2)
    a = x.agg(y, ["mean", "mean", "sum"] if y.additive else ["mean", "mean", "median", "max"])
    m, t, said = x.measure(y, a, 0, False)
    wv, ww = x.value_words(c, v), x.value_words(c, w)
    mv, mw = link(wv, f"{c.name}:{v}"), link(ww, f"{c.name}:{w}")
    form = rng.choice((f"how much higher is the {m} of {mv} than of {mw}", f"what is the difference in {m} between {mv} and {mw}", f"difference between {mv} and {mw} in {m}", f"by how much does the {m} of {mv} differ from that of {mw}",
                       f"compare the {m} of {mv} and {mw}: how big is the difference", f"{m}: {mv} minus {mw}", f"how much more is the {m} for {mv} than for {mw}", f"how far apart are {mv} and {mw} in {m}"))
    script = f"t = data.read({q(x.f.path)})\na = t:where({q(c.name)}, \"==\", {q(v)}):{a}({q(y.name)})\nb = t:where({q(c.name)}, \"==\", {q(w)}):{a}({q(y.name)})\nprint(a, b, a - b)"

    def answer(obs):
        parts = scalar(obs).split(" ")
        need(len(parts) == 3)
        return f"{cap(x.clean(said))} is {parts[0]} for {x.clean(wv)} and {parts[1]} for {x.clean(ww)}, a difference of {parts[2]}."
    return question(x, form, script, answer)


# Years -------------------------------------------------------------------------------------------------------------

def years_of(x):
    """(column, method that makes the column of years, name of that column, its years) or Skip."""
    for c in x.f.columns:
        if c.role == "year":
            x.used.append(c)
            return c, "", c.name, sorted({int(v) for v in x.f.data(c) if v is not None})
    d = x.date()
    return d, f":year({q(d.name)})", "year", sorted({int(v[:4]) for v in x.f.data(d) if v is not None})


def two_years(x):
    """Years of a table, both marked as filters: (chain that makes years, column of years, first, second, words for both)."""
    rng = x.rng
    c, chain, name, years = years_of(x)
    need(len(years) >= 2)
    i = rng.randrange(len(years) - 1)
    a, b = years[i], rng.choice(years[i + 1:]) if rng.random() < 0.4 else years[i + 1]
    ma, mb = link(keep(str(a)), f"{c.name}:{a}"), link(keep(str(b)), f"{c.name}:{b}")
    return c, chain, name, a, b, ma, mb, years


def year_sides(x):
    """Two years side by side: two bars per group."""
    rng = x.rng
    c, chain, name, a, b, ma, mb, years = two_years(x)
    need(a >= 1900 and b < 2100)
    g = x.category(limit=10, test=lambda c: c.kind == "category")
    if rng.random() < 0.3:
        m, t, s = x.counted()
        y, how = x.number().name, "count"
    else:
        yc = x.number()
        how = x.agg(yc, ["sum", "sum", "mean"] if yc.additive else ["mean", "mean", "median", "max"])
        m, t, s = x.measure(yc, how, 0.1, False)
        y = yc.name
    need(not is_clause(strip_marks(m)))
    one, many, gname = one_and_many(x, g)
    both = rng.choice((f"in {ma} and {mb}", f"for {ma} and {mb}", f"{ma} vs {mb}", f"{ma} against {mb}", f"in {ma} compared with {mb}", f"{ma} and {mb} side by side", f"of {ma} next to {mb}"))
    core = rng.choice((f"{m} per {one} {both}", f"{m} by {one}, {both}", f"{m} for each {one} {both}"))
    text = None
    if rng.random() < 0.4:
        text = rng.choice((f"compare {m} per {one} in {ma} and {mb} in a chart", f"compare {ma} with {mb}: {m} per {one} as bars", f"put {ma} and {mb} side by side: {m} per {one}", f"bar chart comparing {ma} and {mb} by {one}, {m}",
                           f"how did {m} per {one} differ between {ma} and {mb}? draw it"))
    return finish_chart(x, "bar", core, f"{chain}:pivot({q(g.name)}, {q(name)}, {q(y)}, {q(how)})", [("x", g.name), ("y", [str(a), str(b)])], f"{t} per {gname}, {a} and {b}", f"{s} per {gname} in {a} and {b}", generic=False, text=text)


def year_change(x):
    """Change or growth from one year to another, per group."""
    rng = x.rng
    c, chain, name, a, b, ma, mb, _ = two_years(x)
    need(a >= 1900 and b < 2100)
    g = x.category(limit=14, test=lambda c: c.kind == "category")
    if rng.random() < 0.2:
        my, how, y, noun = x.counted(True)[0], "count", x.number().name, f"number of {plural(x.row)}"
    else:
        yc = x.number()
        how = "sum" if yc.additive and rng.random() < 0.8 else "mean"
        say, my, noun = say_plain(x, yc)
        if how == "mean":
            my, noun = f"average {my}", f"average {noun}"
        elif rng.random() < 0.3:
            my = f"total {my}"
        y = yc.name
    pivot = f"{chain}:pivot({q(g.name)}, {q(name)}, {q(y)}, {q(how)})"
    if rng.random() < 0.5:
        m = rng.choice((f"change in {my} from {ma} to {mb}", f"change of {my} between {ma} and {mb}", f"increase in {my} from {ma} to {mb}", f"difference in {my} between {ma} and {mb}", f"how {my} changed from {ma} to {mb}", f"{my} change {ma} to {mb}"))
        m = m if not m.startswith("how") else f"change in {my} from {ma} to {mb}"
        return shown(x, m, g, f"{pivot}:derive(\"change\", \"[{b}] - [{a}]\")", "change", f"change in {noun} from {a} to {b}")
    m = rng.choice((f"growth of {my} from {ma} to {mb} in percent", f"percentage change in {my} from {ma} to {mb}", f"percent change of {my} between {ma} and {mb}", f"growth in {my} between {ma} and {mb}", f"growth rate of {my} from {ma} to {mb}",
                    f"{my} growth from {ma} to {mb} in %", f"relative change in {my} from {ma} to {mb}"))
    return shown(x, m, g, f"{pivot}:derive(\"growth\", \"([{b}] - [{a}]) / [{a}] * 100\")", "growth", f"growth of {noun} from {a} to {b} in percent", " %")


def grow_most(x):
    """"Which … grew most" in the speaker's own words."""
    rng = x.rng
    c, chain, name, a, b, ma, mb, _ = two_years(x)
    need(a >= 1900 and b < 2100)
    g, yc = x.category(limit=14, test=lambda c: c.kind == "category"), x.number(lambda c: c.additive)
    say, my, noun = say_plain(x, yc)
    one, many, gname = one_and_many(x, g)
    low = rng.random() < 0.3
    percent = rng.random() < 0.35
    tail = rng.choice((" in percent", " in relative terms", " in %", " percentage-wise")) if percent else ""
    grew = rng.choice(("fell", "dropped", "declined", "shrank") if low else ("grew", "rose", "increased", "went up"))
    form = rng.choice((f"which {one} {grew} most in {my} from {ma} to {mb}", f"in which {one} did {my} {'fall' if low else 'grow'} the most between {ma} and {mb}", f"{my} of which {one} {grew} the most from {ma} to {mb}",
                       f"where did {my} {'drop' if low else 'rise'} most from {ma} to {mb}, by {one}")) + tail
    y = "growth" if percent else "change"
    expr = f"([{b}] - [{a}]) / [{a}] * 100" if percent else f"[{b}] - [{a}]"
    script = f"t = {x.read()}{chain}:pivot({q(g.name)}, {q(name)}, {q(yc.name)}, \"sum\"):derive({q(y)}, {q(expr)}):{'bottom' if low else 'top'}(1, {q(y)})\nprint(t:select({q(g.name)}, {q(y)}))"

    def answer(obs):
        k, v = one_row(obs, (g.name, y))
        return f"{k} {'fell' if low else 'grew'} most in {noun} from {a} to {b}: {v}{' %' if percent else ''}." + notes(obs)
    return question(x, form, script, answer)


def year_on_year(x):
    """Change from each year (or month) to the next."""
    rng = x.rng
    maybe_filter(x, 0.15, ("value",))
    c, chain, name, years = years_of(x)
    period, per = "year", name
    if chain and rng.random() < 0.5:
        period = period_of(x, c, ("month", "quarter", "year"))
        chain, per = f":{period}({q(c.name)})", period
    else:
        need(len(years) >= 3)
    yc = x.number(lambda c: c.additive)
    say, my, noun = say_plain(x, yc)
    growth = rng.random() < 0.45
    y = "growth" if growth else "change"
    expr = f"({bracket(yc)} - [previous]) / [previous] * 100" if growth else f"{bracket(yc)} - [previous]"
    words = {"year": ("from year to year", "year on year", "year over year", "compared with the year before", "to the previous year", "YoY"), "month": ("from month to month", "month on month", "compared with the month before", "to the previous month", "month over month"),
             "quarter": ("from quarter to quarter", "quarter on quarter", "compared with the previous quarter")}[period]
    when = link(rng.choice(words), c.name)
    m = rng.choice((f"growth of {my} {when} in percent", f"percentage change of {my} {when}", f"growth rate of {my} {when}", f"percent change in {my} {when}") if growth else (f"change in {my} {when}", f"change of {my} {when}", f"difference in {my} {when}", f"increase of {my} {when}"))
    script = f"{chain}:group({q(per)}):sum({q(yc.name)}):sort({q(per)}):window(\"previous\", \"lag\", {{column={q(yc.name)}, order={q(per)}}}):derive({q(y)}, {q(expr)})"
    said = f"{'growth' if growth else 'change'} of {noun} from {period} to {period}{' in percent' if growth else ''}"
    r = rng.random()
    if r < 0.6:
        return finish_chart(x, rng.choice(("line", "bar", "bar")), m, script, [("x", per), ("y", y)], cap(said), f"the {said}", generic=False)
    if r < 0.75:
        return question(x, x.filtered(rng.choice(("list the {c}", "{c} as a table", "what is the {c}", "give me the {c}")).format(c=m)), f"t = {x.read()}{script}\nprint(t:select({q(per)}, {q(y)}))", list_answer(cap(x.clean(said + x.said_tail))))
    low = rng.random() < 0.35
    form = x.filtered(rng.choice((f"in which {link(period, c.name)} was the {'drop' if low else 'growth'} of {my} {when} the biggest", f"which {link(period, c.name)} had the {'lowest' if low else 'highest'} {m}", f"when did {my} {'fall' if low else 'rise'} the most {when}{' in percent' if growth else ''}")))

    def answer(obs):
        k, v = one_row(obs, (per, y))
        return f"The {'lowest' if low else 'highest'} {x.clean(said)}{x.clean(x.said_tail)} was in {k}: {v}{' %' if growth else ''}."
    return question(x, form, f"t = {x.read()}{script}:{'bottom' if low else 'top'}(1, {q(y)})\nprint(t:select({q(per)}, {q(y)}))", answer)


# Along the rows ----------------------------------------------------------------------------------------------------

RUNNING = ["running total of {m}", "cumulative {m}", "cumulated {m}", "cumulative sum of {m}", "running sum of {m}", "accumulated {m}", "{m} added up", "{m} so far", "year to date {m}"]
SMOOTH = ["moving average of {m}", "rolling average of {m}", "rolling mean of {m}", "running average of {m}", "smoothed {m}", "moving mean of {m}"]


def running(x):
    """Running total or moving average over time."""
    rng = x.rng
    maybe_filter(x, 0.2, ("value", "value", "entity"))
    d = x.date()
    y = x.number(lambda c: c.additive)
    say, my, noun = say_plain(x, y)
    days = [v for v in x.f.data(d) if v is not None]
    unique = len(set(days)) == len(days) and not x.filter
    total = rng.random() < 0.55
    n = rng.choice((2, 3, 3, 3, 4, 5, 6, 7, 7, 10, 12, 30))
    per, chain, when = d.name, "", rng.choice((" over time", "", f" {link('over time', d.name)}", f" by {link(x.say(d), d.name)}"))
    if not unique or rng.random() < 0.4:
        per = period_of(x, d, ("month", "month", "year", "quarter"))
        chain = f":{per}({q(d.name)}):group({q(per)}):sum({q(y.name)}):sort({q(per)})"
        my = rng.choice((f"{link({'month': 'monthly', 'year': 'yearly', 'quarter': 'quarterly'}[per], d.name)} {my}", f"{my} {link({'month': 'per month', 'year': 'per year', 'quarter': 'per quarter'}[per], d.name)}"))
        when = ""
    groups = len({v[:7 if per == "month" else 4] for v in days}) if per != d.name else len(days)
    need(groups >= 4 and (total or groups > n + 1))
    unit = {"month": "month", "year": "year", "quarter": "quarter"}.get(per, rng.choice(("day", "row", "point")) if unique else "row")
    if total:
        name, chain = "running_total", chain + f":window(\"running_total\", \"cumulative_sum\", {{column={q(y.name)}, order={q(per)}}})"
        core, said = rng.choice(RUNNING).format(m=my) + when, f"running total of {noun}"
    else:
        name, chain = "moving_average", chain + f":window(\"moving_average\", \"moving_average\", {{column={q(y.name)}, order={q(per)}, n={n}}})"
        core = rng.choice(SMOOTH).format(m=my) + rng.choice((f" over {keep(str(n))} {unit}s", f" with a window of {keep(str(n))}", f" ({keep(str(n))} {unit}s)", f", window {keep(str(n))}"))
        core = core if rng.random() < 0.7 else f"{keep(str(n))}-{unit} " + rng.choice(SMOOTH[:4]).format(m=my)
        said = f"moving average of {noun} over {n}"
    r = rng.random()
    if r < 0.75:
        return finish_chart(x, rng.choice(("line", "line", "line", "area" if total else "line")), core, chain, [("x", per), ("y", name)], cap(said), f"the {said}", generic=True)
    if r < 0.9 and per != d.name:
        return question(x, x.filtered(rng.choice(("list the {c}", "{c} as a table", "table of the {c}", "show the {c} as numbers")).format(c=core)), f"t = {x.read()}{chain}\nprint(t:select({q(per)}, {q(name)}))", list_answer(cap(x.clean(said + x.said_tail))))
    file = f"{name}.csv"
    form = x.mention(x.filtered(rng.choice((f"save the {core} as {keep(file)}", f"write the {core} to {keep(file)}", f"add a column with the {core} and save it as {keep(file)}"))))
    need(file not in x.w.files)

    def answer(obs):
        m = re.fullmatch(r"(\S+): (\d+ rows?)", obs.split("\n")[-1])
        need(m)
        return f"{m[1]} holds the {said} ({m[2]})."
    return Built(form, f"{x.read()}{chain}:save({q(file)})", answer)


def running_panel(x):
    """A running total per group, as lines."""
    rng = x.rng
    d, c = x.date(), x.category(limit=6, test=lambda c: c.kind == "category")
    y = x.number(lambda c: c.additive)
    say, my, noun = say_plain(x, y)
    one, many, name = one_and_many(x, c)
    p = period_of(x, d, ("month", "month", "year", "quarter"))
    core = rng.choice(RUNNING[:6]).format(m=my) + rng.choice((f" per {link(p, d.name)} for each {one}", f" by {link(p, d.name)}, one line per {one}", f" of each {one} per {link(p, d.name)}"))
    chain = f":{p}({q(d.name)}):group({q(p)}, {q(c.name)}):sum({q(y.name)}):sort({q(p)}):window(\"running_total\", \"cumulative_sum\", {{column={q(y.name)}, by={q(c.name)}, order={q(p)}}})"
    return finish_chart(x, "line", core, chain, [("x", p), ("y", "running_total"), ("color", c.name)], f"Running total of {noun} per {name}", f"the running total of {noun} per {name}", generic=False)


def best_each(x):
    """The first few of each group."""
    rng = x.rng
    g = x.category(limit=8, test=lambda c: c.kind == "category")
    n = rng.choice((1, 1, 2, 3, 3))
    low = rng.random() < 0.2
    word = rng.choice(LOW_ADJ if low else HIGH_ADJ)
    how = "bottom" if low else "top"
    one, many, gname = one_and_many(x, g)
    if rng.random() < 0.5:
        c = x.category(limit=14, test=lambda c: c.kind == "category")
        m, agg, y, t, s = group_measure(x, True)
        need(not is_clause(strip_marks(m)))
        chain = f":group({q(g.name)}, {q(c.name)}){agg}"
    else:
        c = x.column(("entity",))
        yc = x.number()
        _, m, s = say_plain(x, yc)
        y, chain = yc.name, ""
    cone, cmany, cname = one_and_many(x, c)
    k = keep(str(n))
    form = rng.choice((f"the {cone} with the {word} {m} in each {one}", f"which {cone} has the {word} {m} per {one}", f"{cone} with the {word} {m} for every {one}", f"for each {one} the {cone} with the {word} {m}")) if n == 1 else rng.choice(
        (f"the {k} {cmany} with the {word} {m} in each {one}", f"top {k} {cmany} by {m} per {one}" if not low else f"bottom {k} {cmany} by {m} per {one}", f"{k} {'worst' if low else 'best'} {cmany} of every {one} by {m}", f"for each {one} the {k} {cmany} with the {word} {m}"))
    script = f"t = {x.read()}{chain}:{how}({n}, {q(y)}, {q(g.name)})\nprint(t:select({q(g.name)}, {q(c.name)}, {q(y)}))"
    return question(x, form, script, list_answer(f"The {'lowest' if low else 'highest'} per {gname}"))


def lasting(x):
    """Days between two dates."""
    rng = x.rng
    need(x.w.kind == "span")
    a, b, took = x.w.span
    took = rng.choice(took)
    x.used += [a, b]
    maybe_filter(x, 0.2, ("value", "number"))
    ma, mb = link(rng.choice([plain_name(a.name)] + a.says), a.name), link(rng.choice([plain_name(b.name)] + b.says), b.name)
    core = rng.choice((f"number of days between {ma} and {mb}", f"days from {ma} to {mb}", f"time between {ma} and {mb}", f"time from {ma} to {mb} in days", f"days that {link(took, a.name, b.name)}", f"duration from {ma} to {mb}", f"{link('duration in days', a.name, b.name)}", f"{link('how many days ' + took, a.name, b.name)}"))
    core = core if not strip_marks(core).startswith("how") else f"{link('days ' + took, a.name, b.name)}"
    derive = f":derive(\"days\", \"days({bracket(a)}, {bracket(b)})\")"
    said = f"number of days from {plain_name(a.name)} to {plain_name(b.name)}"
    r = rng.random()
    tail = x.clean(x.said_tail)
    if r < 0.35:
        agg, word = rng.choice((("mean", "average"), ("mean", "average"), ("median", "median"), ("max", "highest"), ("min", "lowest")))
        spoken = rng.choice({"mean": ("average", "mean", "avg"), "median": ("median",), "max": ("longest", "highest", "maximum"), "min": ("shortest", "lowest", "minimum")}[agg])
        form = x.filtered(rng.choice(ASK).format(m=f"{spoken} {core}"))
        return question(x, form, f"t = {x.read()}{derive}\nprint(t:{agg}(\"days\"))", lambda obs: f"The {word} {said}{tail} is {scalar(obs)}.")
    if r < 0.5:
        need(x.f.table.rows() >= 10)
        return finish_chart(x, "hist", core, derive, [("x", "days")], f"Distribution of the {said}", f"the distribution of the {said}", generic=False)
    c = x.category(limit=10, test=lambda c: c.kind == "category")
    if r < 0.6:
        return finish_chart(x, "box", f"{core} per {one_and_many(x, c)[0]}", derive, [("x", c.name), ("y", "days")], f"{cap(said)} per {plain_name(c.name)}", f"the {said} per {plain_name(c.name)}", generic=False)
    return shown(x, f"{rng.choice(('average', 'mean', 'avg'))} {core}", c, f"{derive}:group({q(c.name)}):mean(\"days\")", "days", f"average {said}")


TASKS = [(3, ratio_group, "table"), (1.6, ratio_rows, "table"), (1.6, ratio_all, "table"), (1.6, row_share, "table"), (1.6, flag_rate, "table"), (1.4, flag_rate, "concept"), (2, concept, "concept"), (1.2, between_columns, "table"), (1.4, between_values, "table"), (2, year_sides, "table"), (2.2, year_change, "table"), (1.2, grow_most, "table"),
         (2, year_on_year, "table"), (0.8, year_on_year, "split"), (0.6, year_change, "split"), (0.4, year_sides, "split"), (3, running, "table"), (0.9, running_panel, "table"), (1.5, best_each, "table"), (1.6, lasting, "span")]
