"""Tasks about the shape of a table: columns to fold, months beside years, heat maps, stacks, pivot tables, summaries."""
import re

from context import Built, Skip, cap, q
from derived import bracket, one_and_many, say_plain, shown
from schemas import MONTH_NAMES, is_clause, plain_name
from tables import MONTHS
from tasks import (ASK, HIGH_ADJ, LOW_ADJ, chart_answer, finish_chart, group_measure, list_answer, maybe_filter, need, new_name, notes, one_row, options, period_of, question, saved_answer, scalar)
from wording import NUMBER_WORDS, keep, link, plural, strip_marks


def ends(columns):
    """The columns that a plan names for "over the years": all of a few, else the first and the last."""
    names = [c.name for c in columns]
    return names if len(names) <= 3 else [names[0], names[-1]]


def braces(columns):
    return "{" + ", ".join(q(c.name) for c in columns) + "}"


def named(rng, columns):
    """Columns by their names, in a sentence, each linked."""
    words = []
    for c in columns:
        say = c.name if rng.random() < 0.6 else rng.choice(c.says)
        words.append(link(keep(say.lower() if rng.random() < 0.1 else say), c.name))
    return ", ".join(words[:-1]) + rng.choice((" and ", " and ", " and ", ", ", " & ", " vs ")) + words[-1] if len(words) > 2 else rng.choice((" and ", " and ", " vs ", " and ")).join(words)


# Wide tables -------------------------------------------------------------------------------------------------------

def wide(x, *kinds):
    need(x.w.kind == "wide" and x.w.wide["kind"] in kinds)
    return x.w.wide


def measure_words(x, w, columns):
    """The measure of the cells, in words that all its columns stand behind; or a general word."""
    rng = x.rng
    say = rng.choice([s for s in w["measure"].says if not is_clause(s)] or [plain_name(w["measure"].name)])
    if rng.random() < 0.2:
        say = rng.choice(("values", "numbers", "figures"))
    return say, say


def wide_lines(x):
    """A line (area, bars) per series."""
    rng = x.rng
    w = wide(x, "series")
    say, name = measure_words(x, w, w["columns"])
    noun = w["noun"]
    some = rng.random() < 0.45 and len(w["columns"]) > 2
    columns = w["columns"]
    if some:
        chosen = rng.sample(columns, rng.randint(2, min(4, len(columns))))
        columns = [c for c in columns if c in chosen]
    need(len(columns) <= 7)
    x.used += columns + [w["key"]]
    over = link(rng.choice(("over time", "over time", "by date", "over the dates")) if w["key"].kind == "date" else rng.choice(("over the years", "per year", "by year", "over time")), w["key"].name)
    all_of = lambda text: link(text, *[c.name for c in columns])  # noqa: E731
    if some or rng.random() < 0.4:
        names = named(rng, columns)
        core = rng.choice((f"{say} of {names} {over}", f"{names} {over}", f"{say} for {names} {over}", f"{names}, one line each, {over}", f"{names} as {len(columns)} lines {over}" if len(columns) < 5 else f"{names} as lines {over}"))
        core = re.sub(r"as (\d) lines", lambda m: "as " + ["two", "three", "four"][int(m[1]) - 2] + " lines", core)
        said = f"{name} of {', '.join(c.name for c in columns)}"
    else:
        ns = plural(noun)
        core = rng.choice((f"{say} {over}, {all_of(f'one line per {noun}')}", f"{say} {over} with {all_of(f'a line per {noun}')}", f"{say} of {all_of(f'all {ns}')} {over}", f"{all_of(f'each {noun}')} {over}", f"{say} {over} {all_of(f'for each {noun}')}",
                           f"{all_of(f'every {noun}')} as its own line {over}", f"{say} {over} {all_of(f'by {noun}')}", f"{all_of(f'the {ns}')} {over}", f"{all_of('all columns')} {over}", f"{say} of {all_of(f'the {NUMBER_WORDS[len(columns)]} {ns}')} {over}", f"{all_of(f'all {NUMBER_WORDS[len(columns)]} {ns}')} {over}"))
        said = f"{name} per {noun}"
    kind = rng.choices(("line", "area", "bar"), (80, 12, 8))[0]
    need(kind != "bar" or x.f.table.rows() <= 12)
    pairs = [("x", w["key"].name), ("y", [c.name for c in columns])]
    if kind == "area":
        pairs.append(("stack", "zero"))
        core += rng.choice((", stacked", " stacked on each other", ", stacked areas"))
    text = None
    if kind == "line" and rng.random() < 0.35:
        text = rng.choice((f"compare {core} in one chart", f"how did {core} develop? draw lines", f"plot {core}", f"show {core} in a graph", f"draw {core}", f"chart {core}", f"{core}"))
    return finish_chart(x, kind, core, "", pairs, said[:80], f"the {said}", text=text)


def wide_fold(x):
    """One number per series: folded, grouped."""
    rng = x.rng
    w = wide(x, "series")
    say, name = measure_words(x, w, w["columns"])
    columns, noun = w["columns"], w["noun"]
    x.used += columns + [w["key"]]
    additive = w["measure"].additive
    agg, word = rng.choice((("sum", "total"), ("mean", "average")) if additive else (("mean", "average"), ("mean", "average"), ("max", "highest"), ("median", "median")))
    all_of = link(rng.choice((noun, noun, noun, "column")), *[c.name for c in columns])
    m = f"{word} {say}"
    core = rng.choice((f"{m} per {all_of}", f"{m} of each {all_of}", f"{m} by {all_of}", f"{m} for every {all_of}"))
    chain = f":unpivot({braces(columns)}, \"series\", \"value\"):group(\"series\"):{agg}(\"value\")"
    r = rng.random()
    if r < 0.5:
        kind = "pie" if additive and agg == "sum" and rng.random() < 0.2 else "bar"
        return finish_chart(x, kind, core, chain, [("x", "series"), ("y", "value")], f"{cap(word)} {name} per {noun}", f"the {word} {name} per {noun}")
    if r < 0.7:
        return question(x, rng.choice(("list the ", "", "what is the ", "give me the ")) + core, f"t = {x.read()}{chain}\nprint(t)", list_answer(f"{cap(word)} {name} per {noun}"))
    low = rng.random() < 0.3
    form = rng.choice((f"which {all_of} has the {'lowest' if low else 'highest'} {m}", f"{all_of} with the {rng.choice(LOW_ADJ if low else HIGH_ADJ)} {m}", f"which {all_of} is {'lowest' if low else 'highest'} in {m}"))

    def answer(obs):
        k, v = one_row(obs, ("series", "value"))
        return f"{k} has the {'lowest' if low else 'highest'} {word} {name}: {v}."
    return question(x, form, f"t = {x.read()}{chain}:{'bottom' if low else 'top'}(1, \"value\")\nprint(t)", answer)


def wide_over(x):
    """Folded years or months: lines per row, or totals per year."""
    rng = x.rng
    w = wide(x, "years", "months")
    say, name = measure_words(x, w, w["columns"])
    columns, key = w["columns"], w["keys"][-1] if rng.random() < 0.5 else w["key"]
    noun = w["kind"][:-1]
    x.used += columns + w["keys"]
    whole = link(rng.choice({"year": ("over the years", "per year", "by year", "over time", "for each year", "year by year"), "month": ("per month", "by month", "over the months", "for each month", "month by month", "over the year")}[noun]), *ends(columns))
    fold = f":unpivot({braces(columns)}, {q(noun)}, \"value\")"
    r = rng.random()
    word = "total" if w["measure"].additive else "average"
    agg = "sum" if word == "total" else "mean"
    if r < 0.5:
        need(x.f.table.rows() <= 12 or key is not w["key"])
        one, many, kname = one_and_many(x, key)
        group = "" if key is w["key"] else f":group({q(noun)}, {q(key.name)}):{agg}(\"value\")"
        core = rng.choice((f"{say} {whole}, one line per {one}", f"{say} {whole} for each {one}", f"{say} of the {many} {whole}", f"{say} {whole} by {one}", f"{many} {whole} as lines", f"{say} {whole} with a line for every {one}"))
        kind = rng.choices(("line", "bar", "heatmap"), (75, 10, 15))[0]
        pairs = [("x", noun), ("y", "value"), ("color", key.name)] if kind != "heatmap" else [("x", noun), ("y", key.name), ("color", "value")]
        need(kind != "bar" or len(key.values) <= 5)
        return finish_chart(x, kind, core, fold + group, pairs, f"{cap(name)} per {noun} and {kname}", f"the {name} per {noun} and {kname}", generic=kind == "line")
    core = rng.choice((f"{word} {say} {whole}", f"{word} {say} {whole}", f"{word} {say} of all {link(plural(x.say(w['key'])), w['key'].name)} {whole}"))
    need(not is_clause(strip_marks(core)))
    chain = f"{fold}:group({q(noun)}):{agg}(\"value\")"
    if r < 0.8:
        return finish_chart(x, rng.choice(("line", "bar")), core, chain, [("x", noun), ("y", "value")], f"{cap(word)} {name} per {noun}", f"the {word} {name} per {noun}")
    low = rng.random() < 0.3
    every = link(noun, *ends(columns))
    form = rng.choice((f"which {every} had the {'lowest' if low else 'highest'} {word} {say}", f"in which {every} was the {word} {say} {'lowest' if low else 'highest'}"))

    def answer(obs):
        k, v = one_row(obs, (noun, "value"))
        return f"The {'lowest' if low else 'highest'} {word} {name} was in {k}: {v}."
    return question(x, form, f"t = {x.read()}{chain}:{'bottom' if low else 'top'}(1, \"value\")\nprint(t)", answer)


def wide_rows(x):
    """Total of each row over its columns."""
    rng = x.rng
    w = wide(x, "years", "months")
    need(len(w["columns"]) <= 6)
    say, name = measure_words(x, w, w["columns"])
    columns, key = w["columns"], w["key"]
    x.used += columns + w["keys"]
    noun = w["kind"]
    word, agg = ("total", "sum") if w["measure"].additive else ("average", "mean")
    all_of = link(rng.choice((f"over all {noun}", f"of all {noun}", f"of the {noun} together" if agg == "sum" else f"over the {noun}", f"across the {noun}")), *ends(columns))
    m = f"{word} {say} {all_of}"
    return shown(x, m, key, f":unpivot({braces(columns)}, {q(noun[:-1])}, \"value\"):group({q(key.name)}):{agg}(\"value\")", "value", f"{word} {name}")


def wide_change(x):
    """Change or growth between two of the columns, by row; or both side by side."""
    rng = x.rng
    w = wide(x, "years", "months")
    columns, key = w["columns"], w["key"]
    i, j = sorted(rng.sample(range(len(columns)), 2))
    if rng.random() < 0.3:
        i, j = 0, len(columns) - 1
    a, b = columns[i], columns[j]
    say, name = measure_words(x, w, [a, b])
    x.used += columns + w["keys"]
    ma, mb = link(keep(rng.choice([a.name] + a.says[:1])), a.name), link(keep(rng.choice([b.name] + b.says[:1])), b.name)
    r = rng.random()
    if r < 0.35:
        one, many, kname = one_and_many(x, key)
        need(x.f.table.rows() <= 12)
        core = rng.choice((f"{say} per {one} in {ma} and {mb}", f"{say} of each {one}, {ma} vs {mb}", f"{ma} and {mb} side by side for each {one}", f"{ma} against {mb} per {one}", f"{say} by {one} in {ma} compared with {mb}"))
        text = None if rng.random() < 0.7 else rng.choice((f"compare {ma} and {mb} per {one} in a chart", f"compare the {say} of {ma} and {mb} by {one}, as bars"))
        return finish_chart(x, "bar", core, "", [("x", key.name), ("y", [a.name, b.name])], f"{cap(name)} per {kname}, {a.name} and {b.name}", f"the {name} per {kname} in {a.name} and {b.name}", generic=False, text=text)
    if r < 0.7:
        m = rng.choice((f"change in {say} from {ma} to {mb}", f"increase in {say} from {ma} to {mb}", f"difference in {say} between {ma} and {mb}", f"change from {ma} to {mb}", f"{say} change between {ma} and {mb}"))
        return shown(x, m, key, f":derive(\"change\", {q(f'{bracket(b)} - {bracket(a)}')})", "change", f"change from {a.name} to {b.name}")
    m = rng.choice((f"growth from {ma} to {mb} in percent", f"percentage change in {say} from {ma} to {mb}", f"percent growth of {say} between {ma} and {mb}", f"growth of {say} from {ma} to {mb}", f"relative change from {ma} to {mb} in %"))
    return shown(x, m, key, f":derive(\"growth\", {q(f'({bracket(b)} - {bracket(a)}) / {bracket(a)} * 100')})", "growth", f"growth from {a.name} to {b.name} in percent", " %")


# Years and months in columns of their own --------------------------------------------------------------------------

def split_time(x):
    """(chain that makes one column of the time, its name, phrase) of a table with year and month columns."""
    rng = x.rng
    s = x.w.split
    y, m = s["year"], s["month"]
    x.used += [c for c in (y, m) if c]
    whole = link(rng.choice(("over time", "over time", "per month", "by month", "month by month", "through the years and months")), *([y.name] if y else []), m.name)
    if y and not s["named"]:
        return f":derive(\"month\", \"concat({bracket(y)}, '-', right(concat('0', {bracket(m)}), 2))\"):group(\"month\")", ":sort(\"month\")", "month", whole
    need(not y or len(s["years"]) == 1)
    if s["named"]:
        return f":group({q(m.name)})", "", m.name, link(rng.choice(("over time", "per month", "by month", "over the months", "for each month")), m.name)
    return f":month_name({q(m.name)}):group(\"month_name\")", "", "month_name", link(rng.choice(("over time", "per month", "by month", "over the months", "for each month")), m.name)


def split_line(x):
    rng = x.rng
    need(x.w.kind == "split")
    maybe_filter(x, 0.2, ("value",))
    chain, after, per, whole = split_time(x)
    if x.w.split["per"] == 1 and not x.filter:
        y = x.number(lambda c: not c.role)
        _, m, said = say_plain(x, y)
        agg, t, y = ":sum" if y.additive else ":mean", said, y.name
        agg = f"{agg}({q(y)})"
        if rng.random() < 0.3:
            m = ("total " if ":sum" in agg else "average ") + m
    else:
        m, agg, y, t, said = group_measure(x)
        need(not is_clause(strip_marks(m)))
    core = rng.choice((f"{m} {whole}", f"{m} {whole}", f"{m} {whole}"))
    kind = "line" if rng.random() < 0.75 else "bar"
    need(kind == "line" or len(x.w.split["years"]) <= 2)
    return finish_chart(x, kind, core, chain + agg + after, [("x", per), ("y", y)], f"{cap(t)} per month", f"{said} per month")


def split_calendar(x):
    """Per month of the year, all years together."""
    rng = x.rng
    need(x.w.kind == "split")
    s = x.w.split
    maybe_filter(x, 0.15, ("value",))
    y = x.number(lambda c: not c.role)
    mon = s["month"]
    x.used.append(mon)
    _, my, name = say_plain(x, y)
    agg, word = ("mean", "average") if not y.additive or rng.random() < 0.5 else ("sum", "total")
    per = mon.name if s["named"] else "month_name"
    chain = ("" if s["named"] else f":month_name({q(mon.name)})") + f":group({q(per)}):{agg}({q(y.name)})"
    when = link(rng.choice(("per calendar month", "by month of the year", "for each month of the year", "per month", "by month", "for january to december", "in each month")), mon.name)
    if len(s["years"]) > 1 and s["year"]:
        when = link(rng.choice(("per calendar month", "by month of the year", "for each month of the year", "by month, all years together", "per month of the year", "for each calendar month")), mon.name)
    m = f"{rng.choice((word, word, {'average': 'mean', 'total': 'summed'}[word]))} {my}"
    r = rng.random()
    if r < 0.55:
        return finish_chart(x, rng.choice(("bar", "bar", "line")), f"{m} {when}", chain, [("x", per), ("y", y.name)], f"{cap(word)} {name} per month of the year", f"the {word} {name} per month of the year", generic=False)
    low = rng.random() < 0.4
    which = link(rng.choice(("month", "month", "calendar month", "month of the year")), mon.name)
    form = x.filtered(rng.choice((f"which {which} has the {rng.choice(LOW_ADJ if low else HIGH_ADJ)} {m}", f"in which {which} is the {m} {'lowest' if low else 'highest'}", f"{which} with the {'lowest' if low else 'highest'} {m}")))

    def answer(obs):
        k, v = one_row(obs, (per, y.name))
        return f"The {'lowest' if low else 'highest'} {word} {name}{x.clean(x.said_tail)} is in {k}: {v}."
    return question(x, form, f"t = {x.read()}{chain}:{'bottom' if low else 'top'}(1, {q(y.name)})\nprint(t)", answer)


def split_years(x):
    """A line per year over the months, or a heat map of both."""
    rng = x.rng
    need(x.w.kind == "split")
    s = x.w.split
    year, mon = s["year"], s["month"]
    need(year and 2 <= len(s["years"]))
    x.used += [year, mon]
    y = x.number(lambda c: not c.role)
    _, my, name = say_plain(x, y)
    agg = "sum" if y.additive else "mean"
    per = mon.name if s["named"] else "month_name"
    chain = ("" if s["named"] else f":month_name({q(mon.name)})") + f":group({q(per)}, {q(year.name)}):{agg}({q(y.name)})"
    mm, yy = link(rng.choice(("month", "month", "calendar month")), mon.name), link("year", year.name)
    if rng.random() < 0.4:
        core = rng.choice((f"{my} by {mm} and {yy}", f"{my} per {mm} and {yy}", f"{my}, {mm} by {yy}", f"{my} with the {plural('month')} across and the years down" if False else f"{my} for each {mm} of each {yy}"))
        return finish_chart(x, "heatmap", core, chain, [("x", per), ("y", year.name), ("color", y.name)], f"{cap(name)} per month and year", f"the {name} per month and year", generic=False)
    need(len(s["years"]) <= 6)
    core = rng.choice((f"{my} per {mm}, one line per {yy}", f"{my} by {mm} with a line for each {yy}", f"{my} over the {link('months', mon.name)}, coloured by {yy}", f"{my} by {mm}, {link('years', year.name)} as separate lines", f"{my} per {mm} for every {yy}"))
    return finish_chart(x, "line", core, chain, [("x", per), ("y", y.name), ("color", year.name)], f"{cap(name)} per month and year", f"the {name} per month and year", generic=False)


def split_yearly(x):
    """Per year, its months together."""
    rng = x.rng
    need(x.w.kind == "split")
    year = x.w.split["year"]
    need(year and len(x.w.split["years"]) >= 3)
    x.used += [year, x.w.split["month"]]
    maybe_filter(x, 0.15, ("value",))
    y = x.number(lambda c: not c.role)
    _, my, name = say_plain(x, y)
    agg, word = ("sum", "total") if y.additive and rng.random() < 0.7 else ("mean", "average")
    m = f"{rng.choice((word, word, {'average': 'mean', 'total': 'summed'}[word]))} {my}"
    when = link(rng.choice(("per year", "by year", "for each year", "over the years", "in each year", "year by year")), year.name)
    chain = f":group({q(year.name)}):{agg}({q(y.name)}):sort({q(year.name)})"
    if rng.random() < 0.6:
        return finish_chart(x, rng.choice(("line", "line", "bar")), f"{m} {when}", chain, [("x", year.name), ("y", y.name)], f"{cap(word)} {name} per year", f"the {word} {name} per year")
    low = rng.random() < 0.35
    which = link("year", year.name)
    form = x.filtered(rng.choice((f"which {which} has the {rng.choice(LOW_ADJ if low else HIGH_ADJ)} {m}", f"in which {which} was the {m} {'lowest' if low else 'highest'}", f"{which} with the {'lowest' if low else 'highest'} {m}")))

    def answer(obs):
        k, v = one_row(obs, (year.name, y.name))
        return f"The {'lowest' if low else 'highest'} {word} {name}{x.clean(x.said_tail)} is in {k}: {v}."
    return question(x, form, f"t = {x.read()}:group({q(year.name)}):{agg}({q(y.name)}):{'bottom' if low else 'top'}(1, {q(y.name)})\nprint(t)", answer)


def split_one(x):
    """One month of one year, or one month, or one year."""
    rng = x.rng
    need(x.w.kind == "split")
    s = x.w.split
    year, mon = s["year"], s["month"]
    x.used += [c for c in (year, mon) if c]
    i = rng.randrange(12)
    y = rng.choice(s["years"])
    which = rng.choice(("both", "both", "month", "year")) if year else "month"
    value = mon.values[i] if s["named"] else i + 1
    spoken = rng.choice((MONTH_NAMES[i], MONTHS[i], MONTH_NAMES[i]))
    mw = link(spoken, f"{mon.name}:{value}")
    yw = link(keep(str(y)), f"{year.name}:{y}") if year else ""
    where = (f":where({q(year.name)}, \"==\", {y})" if which != "month" else "") + (f":where({q(mon.name)}, \"==\", {q(value) if s['named'] else value})" if which != "year" else "")
    when = {"both": rng.choice((f"in {mw} {yw}", f"for {mw} {yw}", f"of {mw} {yw}")), "month": rng.choice((f"in {mw}", f"for {mw}", f"of all {mw} rows" if False else f"in {mw}")), "year": rng.choice((f"in {yw}", f"for {yw}", f"for the year {yw}"))}[which]
    said = {"both": f"in {spoken} {y}", "month": f"in {spoken}", "year": f"in {y}"}[which]
    if rng.random() < 0.25:
        cats = x.category(limit=10, test=lambda c: c.kind == "category" and not c.role)
        m, agg, yy, t, sd = group_measure(x)
        need(not is_clause(strip_marks(m)))
        one, many, cname = one_and_many(x, cats)
        return finish_chart(x, "bar", f"{m} per {one} {when}", f"{where}:group({q(cats.name)}){agg}", [("x", cats.name), ("y", yy)], f"{t} per {cname} {said}", f"{sd} per {cname} {said}")
    c = x.number(lambda c: not c.role)
    a = x.agg(c)
    m, t, sd = x.measure(c, a, 0.05, False)
    form = rng.choice(ASK).format(m=m) + " " + when
    return question(x, form, f"print({x.read()}{where}:{a}({q(c.name)}))", lambda obs: f"{cap(x.clean(sd))} {said} is {scalar(obs)}.")


# Heat maps, stacks, pivot tables -----------------------------------------------------------------------------------

def heat(x):
    rng = x.rng
    maybe_filter(x, 0.1, ("value", "number", "date"))
    c = x.category(limit=14, test=lambda c: c.kind == "category")
    one, _, cname = one_and_many(x, c)
    r = rng.random()
    if r < 0.45:
        d = x.date()
        p = period_of(x, d, ("month", "weekday", "month_name", "year", "quarter", "month"))
        two = link({"month_name": "calendar month"}.get(p, p), d.name)
        chain, xn, pname = f":{p}({q(d.name)})", p, {"month_name": "month of the year"}.get(p, p)
        m, agg, y, t, s = group_measure(x)
        need(not is_clause(strip_marks(m)))
        after = f":sort({q(p)})" if p in ("month", "year", "quarter") else ""
        core = rng.choice((f"{m} by {one} and {two}", f"{m} per {two} and {one}", f"{m} for each {one} and {two}", f"{m}, {two} by {one}", f"{m} by {two} and {one}"))
        return finish_chart(x, "heatmap", core, f"{chain}:group({q(xn)}, {q(c.name)}){agg}{after}", [("x", xn), ("y", c.name), ("color", y)], f"{t} per {pname} and {cname}", f"{s} per {pname} and {cname}", generic=False)
    d = x.category(limit=14, test=lambda c: c.kind == "category")
    two, _, dname = one_and_many(x, d)
    m, agg, y, t, s = group_measure(x)
    need(not is_clause(strip_marks(m)))
    core = rng.choice((f"{m} by {one} and {two}", f"{m} per {one} and {two}", f"{m} for each {one} and {two}", f"{m} for every combination of {one} and {two}", f"{m}, {one} against {two}", f"{one} vs {two}, coloured by {m}", f"{one} and {two}, colour shows {m}"))
    return finish_chart(x, "heatmap", core, f":group({q(c.name)}, {q(d.name)}){agg}", [("x", c.name), ("y", d.name), ("color", y)], f"{t} per {cname} and {dname}", f"{s} per {cname} and {dname}", generic=False)


def stacked(x):
    """Stacked bars or areas; normalised ones show parts of 100 %."""
    rng = x.rng
    maybe_filter(x, 0.1, ("value", "number"))
    d = x.category(limit=7, test=lambda c: c.kind == "category")
    two, many, dname = one_and_many(x, d)
    normal = rng.random() < 0.42
    area = rng.random() < 0.3
    if area or rng.random() < 0.3:
        date = x.date()
        p = period_of(x, date, ("month", "year", "quarter"))
        per = link({"month": "per month", "year": "per year", "quarter": "per quarter"}[p], date.name)
        chain, xn, xname, after = f":{p}({q(date.name)})", p, p, f":sort({q(p)})"
    else:
        c = x.category(limit=12, test=lambda c: c.kind == "category")
        one, _, xname = one_and_many(x, c)
        per, chain, xn, after = rng.choice((f"per {one}", f"by {one}", f"for each {one}")), "", c.name, ""
    if rng.random() < 0.4:
        m, t, s = x.counted()
        agg, y = ":count()", "count"
    else:
        yc = x.number(lambda c: c.additive)
        m, t, s = x.measure(yc, "sum", 0.3, False)
        agg, y = f":sum({q(yc.name)})", yc.name
    kind = "area" if area else "bar"
    noun = rng.choice(("area chart", "areas") if area else ("bar chart", "bars", "bar chart", "column chart"))
    if normal:
        tail = rng.choice((f"stacked to {keep('100')} %", f"as {keep('100')}% stacked {noun}", f"normalised to {keep('100')} percent", f"normalized stacked {noun}", f"as shares of {keep('100')} %, stacked", f"as percentages stacked to {keep('100')}%", "with all bars of the same height" if not area else "normalised",
                           f"relative stacked {noun}", f"in proportion, stacked {noun}"))
        core = f"{m} {per} by {two}, {tail}"
        forms = (f"{core}", f"{keep('100')}% stacked {noun} of {m} {per} and {two}", f"normalised stacked {noun} of {m} {per}, split by {two}", f"share of each {two} in {m} {per} as a stacked {noun} up to {keep('100')} %", f"stacked {noun} of {m} {per} by {two}, normalised")
    else:
        forms = (f"stacked {noun} of {m} {per} by {two}", f"{m} {per}, stacked by {two}", f"{m} {per} stacked by {two} as {noun}", f"stacked {noun}: {m} {per} and {two}", f"draw {m} {per} with the {many} on top of each other", f"{m} {per} and {two} as stacked {noun}", f"stack the {many}: {m} {per}", f"make a stacked {noun} showing {m} {per}, one colour per {two}")
    text = x.filtered(rng.choice(forms))
    return finish_chart(x, kind, "", f"{chain}:group({q(xn)}, {q(d.name)}){agg}{after}", [("x", xn), ("y", y), ("color", d.name), ("stack", "normalize" if normal else "zero")], f"{t} per {xname} and {dname}", f"{s} per {xname} and {dname}", text=text)


def area_chart(x):
    """A plain area over time."""
    rng = x.rng
    maybe_filter(x, 0.15, ("value",))
    d = x.date()
    m, agg, y, t, s = group_measure(x)
    need(not is_clause(strip_marks(m)))
    p = period_of(x, d, ("month", "year", "quarter"))
    when = link(rng.choice({"month": ("per month", "by month"), "year": ("per year", "by year"), "quarter": ("per quarter", "by quarter")}[p]), d.name)
    return finish_chart(x, "area", f"{m} {when}", f":{p}({q(d.name)}):group({q(p)}){agg}:sort({q(p)})", [("x", p), ("y", y)], f"{t} per {p}", f"{s} per {p}", generic=False)


def pivot_table(x):
    """Rows, columns, a summary in each cell: printed or saved."""
    rng = x.rng
    maybe_filter(x, 0.1, ("value", "number"))
    c = x.category(limit=12, test=lambda c: c.kind == "category")
    one, cmany, cname = one_and_many(x, c)
    chain = ""
    if rng.random() < 0.35:
        d = x.date()
        p = period_of(x, d, ("year", "quarter", "weekday", "month_name"))
        two, dmany, dname, across, chain = link({"month_name": "calendar month"}.get(p, p), d.name), link(plural({"month_name": "calendar month"}.get(p, p)), d.name), p, p, f":{p}({q(d.name)})"
        limit = 12
    else:
        d = x.category(limit=8, test=lambda c: c.kind == "category")
        two, dmany, dname = one_and_many(x, d)
        across = d.name
    if rng.random() < 0.3:
        value, how, m, s = x.number().name, "count", x.counted(True)[0], f"number of {plural(x.row)}"
    else:
        yc = x.number()
        how = x.agg(yc, ["sum", "sum", "mean"] if yc.additive else ["mean", "mean", "max"])
        m, t, s = x.measure(yc, how, 0, False)
        s = s.removeprefix("the ")
        value = yc.name
    core = rng.choice((f"pivot table of {m} by {one} and {two}", f"pivot table with {cmany} as rows, {dmany} as columns and {m} in the cells", f"cross table of {m}: {cmany} down, {dmany} across", f"crosstab of {one} and {two} with {m}", f"pivot {m} by {one} and {two}",
                       f"table with one row per {one} and one column per {two}: {m}", f"{m} per {one} (rows) and {two} (columns)", f"matrix of {m}, {cmany} by {dmany}", f"a table of {m} with the {cmany} as rows and the {dmany} as columns"))
    script = f"{chain}:pivot({q(c.name)}, {q(across)}, {q(value)}, {q(how)})"
    if rng.random() < 0.5:
        ext = rng.choice(("csv", "csv", "xlsx"))
        name = new_name(x, ["pivot", "table", "crosstab", "matrix", plain(cname)], ext)
        form = x.mention(x.filtered(rng.choice((f"{core}, saved as {keep(name)}", f"save a {core.removeprefix('a ')} as {keep(name)}", f"make a {core.removeprefix('a ')} and save it as {keep(name)}", f"write a {core.removeprefix('a ')} to {keep(name)}"))))
        save = f":to_xlsx({q(name)})" if ext == "xlsx" else f":save({q(name)})"
        return Built(form, f"{x.read()}{script}{save}", saved_answer(x.clean(f"the {s} per {cname} and {dname}{x.said_tail}")))
    form = x.filtered(rng.choice(("", "make a ", "show a ", "give me a ", "print a ", "i need a ")) + core.removeprefix("a "))
    return question(x, form, f"t = {x.read()}{script}\nprint(t)", cells_answer(x.clean(f"{s} per {cname} and {dname}{x.said_tail}")))


def cells_answer(what):
    """A printed pivot table, row by row: "North: 2021 5, 2022 7"."""
    def answer(obs):
        from tasks import read_table
        need("\n" in obs)
        header, rows, more = read_table(obs)
        need(len(header) <= 9)
        said = [f"{r[0]}: " + ", ".join(f"{v or 'none'} ({h})" for h, v in zip(header[1:], r[1:])) for r in rows[:4]]
        head = f"{cap(what)}" + (f" ({more or len(rows)} rows, the first are)" if more or len(rows) > 4 else "")
        return f"{head}: {'; '.join(said)}." + notes(obs)
    return answer


def plain(text):
    return re.sub(r"[^a-z0-9]+", "_", text.lower().encode("ascii", "ignore").decode()).strip("_") or "table"


SUMMARIES = {"count": ("number of {rs}", "count"), "total": ("total {s}", "sum"), "average": ("average {s}", "mean"), "median": ("median {s}", "median"), "lowest": ("lowest {s}", "min"), "highest": ("highest {s}", "max")}


def summary_table(x):
    """Several summaries per group at once."""
    rng = x.rng
    maybe_filter(x, 0.15, ("value", "date", "number"))
    c = x.category(limit=12, test=lambda c: c.kind == "category")
    one, many, cname = one_and_many(x, c)
    y = x.number()
    _, my, noun = say_plain(x, y)
    say = x.clean(strip_marks(my))
    chosen = rng.choice((("count", "average"), ("count", "total"), ("total", "average"), ("lowest", "highest"), ("average", "median"), ("count", "total", "average"), ("lowest", "average", "highest"), ("average", "highest")))
    if not y.additive:
        chosen = tuple("average" if k == "total" else k for k in chosen)
        need(len(set(chosen)) == len(chosen))
    rs = plural(x.row)
    phrases = []
    for k in chosen:
        word = {"count": f"number of {rs}", "total": f"total {say}", "average": f"average {say}", "median": f"median {say}", "lowest": f"lowest {say}", "highest": f"highest {say}"}[k]
        phrases.append(link(word, "rows" if k == "count" else y.name))
    words = ", ".join(phrases[:-1]) + " and " + phrases[-1]
    fields = ", ".join("count=\"count\"" if k == "count" else f"{k}={{{q(SUMMARIES[k][1])}, {q(y.name)}}}" for k in chosen)
    chain = f":group({q(c.name)}, {{{fields}}})"
    core = rng.choice((f"{words} per {one}", f"{words} for each {one}", f"{words} by {one}", f"for each {one}: {words}"))
    if rng.random() < 0.2 and len(c.values) > 4:
        n, by = rng.choice((2, 3, 3)), rng.choice([k for k in chosen if k not in ("lowest", "highest")] or [None])
        need(by)
        chain += f":top({n}, {q(by)})"
        core = f"{words} of the {keep(str(n))} {many} with the highest {x.clean(strip_marks(phrases[chosen.index(by)]))}"
    if rng.random() < 0.4:
        ext = rng.choice(("csv", "csv", "json", "xlsx"))
        name = new_name(x, ["summary", "overview", "stats", f"by_{plain(cname)}"], ext)
        form = x.mention(x.filtered(rng.choice((f"save the {core} as {keep(name)}", f"write a table with the {core} to {keep(name)}", f"{core}, into {keep(name)}", f"make {keep(name)} with the {core}"))))
        save = f":to_xlsx({q(name)})" if ext == "xlsx" else f":save({q(name)})"
        return Built(form, f"{x.read()}{chain}{save}", saved_answer(f"the {x.clean(strip_marks(words))} per {cname}"))
    form = x.filtered((rng.choice(("", "what are the ", "give me the ", "list the ", "a table with ", "summarise the ", "show the ")) if not core.startswith("for each") else "") + core)

    def answer(obs):
        from tasks import read_table
        need("\n" in obs)
        header, rows, more = read_table(obs)
        said = [f"{r[0]}: " + ", ".join(f"{v or 'none'} ({h})" for h, v in zip(header[1:], r[1:])) for r in rows[:5]]
        return f"{cap(x.clean(strip_marks(words)))} per {cname}" + (f" ({more or len(rows)} rows, the first are)" if more or len(rows) > 5 else "") + ": " + "; ".join(said) + "." + notes(obs)
    return question(x, form, f"t = {x.read()}{chain}\nprint(t)", answer)


TASKS = [(4, wide_lines, "wide"), (2.2, wide_fold, "wide"), (2.6, wide_over, "wide"), (0.8, wide_rows, "wide"), (2.6, wide_change, "wide"), (3, split_line, "split"), (1.6, split_calendar, "split"), (2, split_years, "split"), (1.6, split_yearly, "split"),
         (1.8, split_one, "split"), (3, heat, "table"), (3, stacked, "table"), (0.8, area_chart, "table"), (2.6, pivot_table, "table"), (1.8, summary_table, "table")]
