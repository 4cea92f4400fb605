"""Tasks of several parts: two questions in one, repeated values, text and HTML reports, joins that keep or leave rows."""
import re

from context import Built, Skip, cap, q
from derived import one_and_many, say_plain
from layouts import plain
from schemas import is_clause, plain_name
from tasks import (HIGH_ADJ, LOW_ADJ, chart_answer, group_measure, list_answer, maybe_filter, need, new_name, notes, one_row, question, read_table, saved_answer, scalar)
from wording import keep, link, plural, strip_marks


# Parts of a request ------------------------------------------------------------------------------------------------

def part_count(x):
    rs = plural(x.row)
    return f"{link('how many ' + rs, 'rows')} there are", link(f"the number of {rs}", "rows"), "t:count()", f"number of {rs}", f"Number of {rs}"


def part_number(x, kinds=("mean", "sum", "max", "min", "median")):
    y = x.number()
    a = x.agg(y, [k for k in kinds if k != "sum" or y.additive])
    m, t, s = x.measure(y, a, 0, False)
    return f"what the {m} is", f"the {m}", f"t:{a}({q(y.name)})", x.clean(s).removeprefix("the "), x.clean(t)


def part_best(x):
    """The group with the highest number."""
    c = x.category(limit=14, test=lambda c: c.kind == "category")
    one, _, name = one_and_many(x, c)
    m, agg, y, t, s = group_measure(x, True)
    need(not is_clause(strip_marks(m)))
    low = x.rng.random() < 0.3
    word = x.rng.choice(LOW_ADJ if low else HIGH_ADJ)
    said = f"{name} with the {'lowest' if low else 'highest'} {x.clean(s).removeprefix('the ')}"
    return f"which {one} has the {word} {m}", f"the {one} with the {word} {m}", f"t:group({q(c.name)}){agg}:{'bottom' if low else 'top'}(1, {q(y)}):value({q(c.name)})", said, cap(said)


def part_distinct(x):
    c = x.column(("category", "entity"), lambda c: len(c.values) >= 2)
    say, _, name = say_plain(x, c)
    many = link(f"how many different {plural(x.clean(say))}", c.name)
    return f"{many} there are", link(f"the number of different {plural(x.clean(say))}", c.name), f"t:distinct({q(c.name)})", f"number of different {plural(name)}", f"Different {plural(name)}"


def parts(x, n, kinds=None):
    """n different parts: (clauses, nouns, expressions, what they are, titles)."""
    rng = x.rng
    makers = kinds or [part_count, part_number, part_number, part_best, part_distinct]
    chosen = []
    for _ in range(8 * n):
        maker = rng.choice(makers)
        if maker in chosen and maker in (part_count, part_distinct, part_best):
            continue
        chosen.append(maker)
        if len(chosen) == n:
            return list(zip(*[maker(x) for maker in chosen]))
    raise Skip


def sentence(items):
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def two_questions(x):
    """Several numbers or names asked for in one breath."""
    rng = x.rng
    maybe_filter(x, 0.3, ("value", "value", "date", "number", "entity"))
    n = rng.choice((2, 2, 2, 3))
    clauses, nouns, exprs, said, _ = parts(x, n)
    rng_form = rng.random()
    if rng_form < 0.45:
        form = rng.choice(("what is ", "tell me ", "give me ", "i need ", "what are ", "")) + sentence(nouns)
    elif rng_form < 0.8:
        form = rng.choice(("tell me ", "i want to know ", "can you say ", "find out ", "")) + sentence(clauses)
    else:
        form = "; ".join(nouns) if rng.random() < 0.5 else f"{nouns[0]}? and {sentence(nouns[1:])}"
    form = x.filtered(form)
    names = "abr"[:n]
    script = f"t = {x.read()}\n" + "".join(f"{v} = {e}\n" for v, e in zip(names, exprs)) + f"print({', '.join(names)})"
    # Values are told apart by commas only if none of them holds a space: printed one a line.
    script = f"t = {x.read()}\n" + "\n".join(f"print({e})" for e in exprs)

    def answer(obs):
        lines = obs.split("\n")
        need(len(lines) == n and all(line and line != "missing" and not line.startswith("note") for line in lines))
        tail = x.clean(x.said_tail)
        return " ".join(f"The {s}{tail} is {line}." for s, line in zip(said, lines))
    return question(x, form, script, answer)


def chart_and_number(x):
    """A chart and a number or name beside it."""
    rng = x.rng
    maybe_filter(x, 0.15, ("value", "date"))
    c = x.category(limit=12, test=lambda c: c.kind == "category")
    one, many, name = one_and_many(x, c)
    m, agg, y, t, s = group_measure(x)
    need(not is_clause(strip_marks(m)))
    core = rng.choice((f"{m} per {one}", f"{m} by {one}", f"{m} for each {one}"))
    title = f"{cap(x.clean(t))} per {name}{x.clean(x.title_tail)}"
    need(len(title) <= 90)
    draw = f"chart.bar({{t}}, {{{{x={q(c.name)}, y={q(y)}, title={q(title)}}}}})"
    if rng.random() < 0.5:
        low = rng.random() < 0.3
        tail = rng.choice((f"and tell me which {one} is {'lowest' if low else 'highest'}", f"and say which {one} has the {'least' if low else 'most'}", f"and name the {one} with the {rng.choice(LOW_ADJ if low else HIGH_ADJ)}", f"which {one} is {'at the bottom' if low else 'on top'}?"))
        script = f"t = {x.read()}:group({q(c.name)}){agg}\n" + draw.format(t="t")

        def answer(obs):
            m = re.search(rf"^{'lowest' if low else 'highest'} \S.*?: (.*) (\S+)$", obs, re.M)
            need(m)
            path = obs.split(":")[0]
            return f"{path} shows {x.clean(s)} per {name}{x.clean(x.said_tail)}. {m[1]} is {'lowest' if low else 'highest'} with {m[2]}." + notes(obs)
    else:
        (clause,), (noun,), (expr,), (said,), _ = parts(x, 1, [part_count, part_number])
        tail = rng.choice((f"and tell me {clause}", f"and give me {noun}", f"plus {noun}", f"and also {noun}"))
        script = f"t = {x.read()}\nr = t:group({q(c.name)}){agg}\n" + draw.format(t="r") + f"\nprint({expr})"

        def answer(obs):
            lines = obs.split("\n")
            need(len(lines) >= 3 and lines[-1] and ":" not in lines[-1] and lines[-1] != "missing")
            return chart_answer(x.clean(f"{s} per {name}{x.said_tail}"))("\n".join(lines[:-1])) + f" The {said}{x.clean(x.said_tail)} is {lines[-1]}."
    verb = rng.choice(("bar chart of", "draw", "show", "plot", "make a bar chart of", "chart", "draw a bar chart of"))
    form = x.filtered(f"{verb} {core}") + rng.choice((" ", ", ")) + tail
    return question(x, form, script, answer)


def charts_both(x):
    """Two charts in one request."""
    rng = x.rng
    c, d = x.category(limit=12, test=lambda c: c.kind == "category"), x.category(limit=12, test=lambda c: c.kind == "category")
    one, _, cname = one_and_many(x, c)
    two, _, dname = one_and_many(x, d)
    m, agg, y, t, s = group_measure(x)
    need(not is_clause(strip_marks(m)))
    form = rng.choice((f"two charts: {m} per {one} and {m} per {two}", f"bar charts of {m} by {one} and by {two}", f"draw {m} per {one}, and another chart per {two}", f"one chart with {m} per {one} and one with {m} per {two}", f"{m} once per {one} and once per {two}, as two bar charts"))
    title = x.clean(t)
    script = (f"t = {x.read()}\nchart.bar(t:group({q(c.name)}){agg}, {{x={q(c.name)}, y={q(y)}, title={q(cap(f'{title} per {cname}'))}}})\n"
              f"chart.bar(t:group({q(d.name)}){agg}, {{x={q(d.name)}, y={q(y)}, title={q(cap(f'{title} per {dname}'))}}})")
    need(len(title) + max(len(cname), len(dname)) < 85)

    def answer(obs):
        paths = re.findall(r"^(\S+\.png): ", obs, re.M)
        need(len(paths) == 2)
        return f"{paths[0]} shows {x.clean(s)} per {cname}, {paths[1]} per {dname}." + notes(obs)
    return question(x, form, script, answer)


# Repeated values ---------------------------------------------------------------------------------------------------

def duplicates(x):
    """Values that occur more than once, and rows without their repetitions."""
    rng = x.rng
    f = x.f
    r = rng.random()
    if r < 0.65:
        c = x.column(("entity", "category", "entity"))
        one, many, name = one_and_many(x, c)
        twice = {v for v in f.data(c) if v is not None and f.data(c).count(v) > 1}
        word = rng.choice(("more than once", "several times", "twice or more", "repeatedly"))
        form = rng.choice((f"which {many} occur {word}", f"are there duplicate {many}", f"which {many} are duplicated", f"list the {many} that appear {word}", f"find duplicate {many}", f"do any {many} appear {word}", f"name the repeated {many}", f"show {many} that are in there {word}", f"{many} that occur {word}"))
        script = f"t = {x.read()}:group({q(c.name)}):count():where(\"count\", \">\", 1)\nprint(t)"

        def answer(obs):
            if obs == f"{c.name},count":
                return f"No {name} occurs more than once."
            if "\n" not in obs:
                k, v = one_row(obs, (c.name, "count"))
                return f"{k} occurs {v} times; no other {name} occurs more than once." + notes(obs)
            header, rows, more = read_table(obs)
            said = ", ".join(f"{a} ({b} times)" for a, b in rows[:8])
            if more:
                return f"{more} {plural(name)} occur more than once, such as {said}." + notes(obs)
            return f"{'Some of the' if len(rows) > 8 else 'The'} {plural(name)} that occur more than once: {said}." + notes(obs)
        return question(x, form, script, answer)
    need(2 <= len(f.columns) <= 4 and not any(c.kind == "id" for c in f.columns))
    rs = plural(x.row)
    keys = ", ".join(q(n) for n in f.table.names)
    need(not any(None in col for col in f.table.data))
    if r < 0.8:
        form = x.mention(rng.choice((f"are there duplicate {link('rows', 'rows')}", f"how many {link(rng.choice(('rows', rs)), 'rows')} are exact duplicates", f"which {link('rows', 'rows')} occur more than once", f"any {link('rows', 'rows')} that are in there twice", f"find repeated {link('rows', 'rows')}")), 0.5)

        def answer(obs):
            if obs.split("\n")[-1] == ",".join(list(f.table.names) + ["count"]):
                return f"No row of {f.path} occurs more than once."
            if "\n" not in obs:
                return f"One row of {f.path} occurs more than once: {obs}."
            header, rows, more = read_table(obs)
            return f"{more or 'Several'} rows of {f.path} occur more than once, such as {', '.join(rows[0][:-1])} ({rows[0][-1]} times)."
        return Built(form, f"t = {x.read()}:group({keys}):count():where(\"count\", \">\", 1)\nprint(t)", answer, form.startswith(("are", "how", "which", "any")))
    name = new_name(x, ["unique", "clean", "deduplicated", "without_duplicates", "distinct_rows"], rng.choice(("csv", "csv", "xlsx", "json")))
    form = x.mention(rng.choice((f"remove duplicate {link('rows', 'rows')} and save as {keep(name)}", f"drop repeated {link('rows', 'rows')}, write the result to {keep(name)}", f"save only the unique {link('rows', 'rows')} to {keep(name)}", f"deduplicate the {link('rows', 'rows')} into {keep(name)}")), 0.5)
    save = f":to_xlsx({q(name)})" if name.endswith("xlsx") else f":save({q(name)})"
    return Built(form, f"{x.read()}:group({keys}):count():select({keys}){save}", saved_answer(f"the rows of {f.path} without repetitions"))


# Reports -----------------------------------------------------------------------------------------------------------

def heading(x, f):
    stem = f.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return cap(x.rng.choice((f"summary of {f.path}", stem.replace("_", " ").replace("-", " "), "summary", f"report on {f.domain['domain'].replace('_', ' ')}" if "domain" in f.domain else "report")))


def text_report(x):
    """A Markdown file with a few numbers."""
    rng = x.rng
    maybe_filter(x, 0.12, ("value", "date"))
    n = rng.choice((2, 2, 3, 3, 4))
    clauses, nouns, exprs, said, titles = parts(x, n)
    name = new_name(x, ["summary", "summary", "report", "notes", "overview", "result", "stats"], rng.choice(("md", "md", "md", "txt")))
    head = heading(x, x.f) + x.clean(x.title_tail)
    lines = "".join(f", {q(('' if i else '') + f'- {t}: ')}, {v}, \"\\n\"" for i, (t, v) in enumerate(zip(titles, exprs)))
    first = f"# {head}\\n\\n" if name.endswith("md") else f"{head}\\n\\n"
    if name.endswith("txt"):
        lines = lines.replace('"- ', '"')
    need(not re.search(r"[\"\\]", head + "".join(titles)))
    text = f"table.concat({{\"{first}\"{lines}}})"
    what = sentence(nouns)
    form = x.filtered(rng.choice((f"write a {rng.choice(('short ', 'brief ', ''))}{rng.choice(('summary', 'report', 'text report'))} {keep(name)} with {what}", f"{keep(name)} with {what}", f"write {keep(name)} with {what}", f"make a {rng.choice(('markdown', 'text'))} file {keep(name)} that says {what}", f"put {what} into {keep(name)}",
                                  f"create {keep(name)}: {what}", f"summarise in {keep(name)}: {what}", f"save {what} as text in {keep(name)}", f"I need {keep(name)} stating {what}")))
    script = f"t = {x.read()}\nprint(files.write({q(name)}, {text}))"

    def answer(obs):
        m = re.match(r"made (\S+), (\d+) bytes", obs.strip().split("\n")[-1])
        need(m)
        return f"{m[1]} has the {sentence(list(said))}."
    if rng.random() < 0.5:  # what was written is said too
        script = f"t = {x.read()}\n" + "".join(f"{v} = {e}\n" for v, e in zip("abrt"[:n], exprs)) if n <= 3 else script
        if n <= 3:
            names = list("abr"[:n])
            lines = "".join(f", {q(('- ' if name.endswith('md') else '') + t + ': ')}, {v}, \"\\n\"" for t, v in zip(titles, names))
            script = f"t = {x.read()}\n" + "".join(f"{v} = {e}\n" for v, e in zip(names, exprs)) + f"print({', '.join(names)})\nprint(files.write({q(name)}, table.concat({{\"{first}\"{lines}}})))"
            if all(not e.endswith(")") or ":value(" not in e for e in exprs):
                def answer(obs):  # noqa: F811
                    ls = obs.strip().split("\n")
                    values, m = ls[0].split(" "), re.match(r"made (\S+), ", ls[-1])
                    need(m and len(values) == n and "missing" not in values)
                    return f"{m[1]} has the {sentence([f'{s} ({v})' for s, v in zip(said, values)])}."
    return Built(x.mention(form, 0.3), script, answer)


def table_report(x):
    """A text file with a table per group, and perhaps a number above it."""
    rng = x.rng
    maybe_filter(x, 0.1, ("value", "date"))
    c = x.category(limit=11, test=lambda c: c.kind == "category")
    one, many, cname = one_and_many(x, c)
    m, agg, y, t, s = group_measure(x)
    need(not is_clause(strip_marks(m)))
    name = new_name(x, ["summary", "report", "overview", f"by_{plain(cname)}"], rng.choice(("md", "md", "txt")))
    title = f"{cap(x.clean(t))} per {cname}{x.clean(x.title_tail)}"
    need(len(title) < 100 and not re.search(r"[\"\\]", title))
    head = f"# {title}\\n\\n" if name.endswith("md") else f"{title}\\n\\n"
    asked, number, source = [f"{m} per {one}"], "", f"t = {x.read()}:group({q(c.name)}){agg}\n"
    table = "tostring(t)"
    if rng.random() < 0.45:
        (clause,), (noun,), (expr,), (said,), (label,) = parts(x, 1, [part_count, part_number])
        need(not re.search(r"[\"\\]", label))
        asked.insert(0, noun)
        source = f"t = {x.read()}\n"
        number, table = f", \"{label}: \", {expr}, \"\\n\\n\"", f"tostring(t:group({q(c.name)}){agg})"
    what = sentence(asked)
    form = x.filtered(rng.choice((f"write {keep(name)} with {what}", f"{keep(name)} with {what}", f"make a text report {keep(name)} with {what}", f"put {what} into {keep(name)}", f"write a summary {keep(name)} that lists {what}", f"create {keep(name)} with a table of {what}")))
    script = f"{source}print(files.write({q(name)}, table.concat({{\"{head}\"{number}, {table}, \"\\n\"}})))"

    def answer(obs):
        made = re.match(r"made (\S+), (\d+) bytes", obs.strip().split("\n")[-1])
        need(made)
        return f"{made[1]} has {x.clean(s)} per {cname}{x.clean(x.said_tail)}" + (f" and the {said}." if number else ".")
    return Built(x.mention(form, 0.25), script, answer)


def page_report(x):
    """One HTML page with a chart, numbers and perhaps a table."""
    rng = x.rng
    maybe_filter(x, 0.1, ("value", "date"))
    c = x.category(limit=12, test=lambda c: c.kind == "category")
    one, many, cname = one_and_many(x, c)
    m, agg, y, t, s = group_measure(x)
    need(not is_clause(strip_marks(m)))
    title = f"{cap(x.clean(t))} per {cname}"
    name = new_name(x, ["report", "report", "page", "overview", "summary", "dashboard"], "html")
    picture, table = "chart.png", "table.csv"
    need(picture not in x.w.files and table not in x.w.files and len(title) <= 80 and not re.search(r"[\"\\]", title))
    with_table, with_number = rng.random() < 0.4, rng.random() < 0.55
    if with_number:
        (clause,), (noun,), (expr,), (said,), (label,) = parts(x, 1, [part_count, part_number])
        need(not re.search(r"[\"\\]", label))
    core = rng.choice((f"{m} per {one}", f"{m} by {one}", f"{m} for each {one}"))
    asked = [f"a chart of {core}"] + (["a table of it"] if with_table else []) + ([noun] if with_number else [])
    pagew = rng.choice(("HTML report", "html page", "one-page report", "web page", "HTML page", "one page html report", "page"))
    form = x.filtered(rng.choice((f"make a {pagew} {keep(name)} with {sentence(asked)}", f"{pagew} {keep(name)}: {sentence(asked)}", f"create {keep(name)}, a {pagew} with {sentence(asked)}", f"build a {pagew} with {sentence(asked)} and save it as {keep(name)}", f"I need a {pagew} ({keep(name)}) showing {sentence(asked)}",
                                  f"put {sentence(asked)} on a {pagew}, {keep(name)}")))
    body = [f"# {title}\\n\\n"]
    cells = ""
    if with_number:
        cells = f", \"{label}: \", {expr.replace('t:', 't:')}, \"\\n\\n\""
    rest = f"![{title}]({picture})\\n" + (f"\\n![{title}]({table})\\n" if with_table else "")
    if with_number:
        text = f"table.concat({{\"{body[0]}\"{cells}, \"{rest}\"}})"
    else:
        text = f"\"{body[0]}{rest}\""
        need(len(text.replace("\\n", " ")) <= 162)  # the grammar's bound of a text, and two quotes
    need(len(rest) <= 150)
    source = f"t = {x.read()}\nr = t:group({q(c.name)}){agg}\n" if with_number else f"r = {x.read()}:group({q(c.name)}){agg}\n"
    script = source + f"chart.bar(r, {{x={q(c.name)}, y={q(y)}, title={q(title)}, save={q(picture)}}})\n" + (f"r:save({q(table)})\n" if with_table else "") + f"print(report.markdown({text}, {q(name)}))"

    def answer(obs):
        lines = obs.split("\n")
        need(lines[-1] == name)
        high = next((line for line in lines if line.startswith("highest ")), None)
        need(high)
        label, value = re.match(r"highest .*?: (.*) (\S+)$", high).groups()
        return f"{name} shows {x.clean(s)} per {cname} as a chart" + (" and a table" if with_table else "") + (f", with the {said}" if with_number else "") + f". Highest: {label} ({value})." + notes(obs)
    return Built(x.mention(form, 0.2), script, answer)


# Joins -------------------------------------------------------------------------------------------------------------

def keyed(x):
    """(source of a join of this kind, words for the two tables)."""
    need(x.w.kind == "keyed")
    w = x.w
    on = q(w.key.name) if w.there == w.key.name else "{[" + q(w.key.name) + "]=" + q(w.there) + "}"
    return w, on


def join_lonely(x):
    """Rows of the list without partner."""
    rng = x.rng
    w, on = keyed(x)
    back = q(w.key.name) if w.there == w.key.name else "{[" + q(w.there) + "]=" + q(w.key.name) + "}"
    here, there = link(keep(w.other.path), w.other.path), link(keep(w.main.path), w.main.path)
    say = rng.choice([s for s in w.key.says if not is_clause(s)] + [plain_name(w.key.name)])
    many, rs = link(plural(say), w.there if w.there != w.key.name else w.key.name), plural(x.row)
    form = rng.choice((f"which {many} in {here} have no {link(rs, w.main.path)}", f"{many} of {here} that do not occur in {there}", f"which {many} are in {here} but not in {there}", f"list the {many} of {here} without any {link(rs, w.main.path)}", f"what {many} from {here} are missing in {there}"))
    source = f"data.read({q(w.other.path)}):join(data.read({q(w.main.path)}), {back}, \"anti\")"
    if rng.random() < 0.25:
        return Built(f"how many {many} in {here} have no {link(rs, w.main.path)}", f"print({source}:count())", lambda obs: f"The number of {plural(say)} without {rs} is {scalar(obs)}.", True)

    def answer(obs):
        if "\n" not in obs:
            return f"{cap(plural(say))} without {rs}: {one_row(obs, (w.there,))[0]}."
        header, rows, more = read_table(obs)
        return f"{cap(plural(say))} without {rs}: {', '.join(r[0] for r in rows[:10])}."
    return Built(form, f"t = {source}:select({q(w.there)})\nprint(t)", answer, form.startswith(("which", "what")))


def join_group(x):
    """Numbers of one table per column of the other, with a key of two names."""
    rng = x.rng
    w, on = keyed(x)
    c = rng.choice([c for c in w.other.columns if c.kind == "category" and c.name not in (w.key.name, w.there) and len(c.values) >= 2] or [None])
    need(c and c.name not in w.main.table.names)
    m, agg, y, t, s = group_measure(x)
    need(not is_clause(strip_marks(m)))
    say = rng.choice([v for v in c.says if not is_clause(v)] + [plain_name(c.name)])
    one, name = link(say, c.name), x.clean(say)
    source = f"data.read({q(w.main.path)}):join(data.read({q(w.other.path)}), {on})"
    core = rng.choice((f"{m} per {one}", f"{m} by {one}", f"{m} for each {one}"))
    tail = rng.choice(("", "", f", using {link(keep(w.other.path), w.other.path)}", f" ({link(keep(w.other.path), w.other.path)} has the {plural(name)})"))
    from tasks import finish_chart
    if rng.random() < 0.55:
        return finish_chart(x, "bar", core + tail, f":group({q(c.name)}){agg}", [("x", c.name), ("y", y)], f"{t} per {name}", f"{s} per {name}", source=source, mention=False)
    return Built(rng.choice(("list the ", "", "what is the ", "give me the ")) + core + tail, f"t = {source}:group({q(c.name)}){agg}\nprint(t)", list_answer(cap(x.clean(f"{s} per {name}"))))


def join_keep(x):
    """All rows of one table with what the other adds, saved."""
    rng = x.rng
    w, on = keyed(x)
    a, b = link(keep(w.main.path), w.main.path), link(keep(w.other.path), w.other.path)
    k = link(rng.choice([s for s in w.key.says if not is_clause(s)] + [plain_name(w.key.name)]), w.key.name)
    ext = rng.choice(("csv", "csv", "xlsx", "json"))
    name = new_name(x, ["joined", "merged", "combined", "with_details", "full", "all"], ext)
    left = rng.random() < 0.6
    form = rng.choice((f"join {a} with {b} by {k}, keep all {link(plural(x.row), 'rows')}, save as {keep(name)}", f"add the columns of {b} to {a} and keep {link('rows', 'rows')} without a match, into {keep(name)}", f"left join {a} and {b} on {k} as {keep(name)}", f"save {a} with the details from {b} as {keep(name)}, also {link('rows', 'rows')} that have none")) if left else \
        rng.choice((f"join {a} with {b} by {k} and save it as {keep(name)}", f"merge {a} and {b} on {k}, only matching {link('rows', 'rows')}, into {keep(name)}", f"combine {a} and {b} by {k} in {keep(name)}"))
    save = f":to_xlsx({q(name)})" if ext == "xlsx" else f":save({q(name)})"
    kind = ", \"left\"" if left else ""
    return Built(form, f"data.read({q(w.main.path)}):join(data.read({q(w.other.path)}), {on}{kind}){save}", saved_answer(f"{w.main.path} joined with {w.other.path}"))


TASKS = [(4, two_questions, "table"), (2.2, chart_and_number, "table"), (0.8, charts_both, "table"), (2.6, duplicates, "table"), (2.4, text_report, "table"), (1.6, table_report, "table"), (3, page_report, "table"), (1.6, join_lonely, "keyed"), (1.6, join_group, "keyed"), (1, join_keep, "keyed")]
