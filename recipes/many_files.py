"""Three or more files of the same shape, a month, year, week or shop each: what is asked is asked of all of them."""
import re
from datetime import date

from context import Built, cap, q
from derived import one_and_many, say_plain
from kit import need
from schemas import STYLES, File, Workspace, alike, fill, is_clause, make_columns
from tasks import ASK, HIGH_ADJ, LOW_ADJ, finish_chart, group_measure, list_answer, maybe_filter, new_name, notes, one_row, period_measure, saved_answer, scalar, union_of
from wording import NUMBER_WORDS, keep, link, plural, strip_marks

MONTH_TAGS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
SETS = {"shop": ["altona", "harburg", "wedding", "mitte", "pankow", "linden", "sued"], "region": ["north", "east", "south", "west", "centre"], "team": ["red", "blue", "green", "gold", "black"],
        "sensor": ["s1", "s2", "s3", "s4", "s5", "s6"], "site": ["harbour", "hill", "lakeside", "oldtown", "park"]}


def many_workspace(rng, domains):
    """w.of says what each file stands for."""
    domain = rng.choice(domains)
    style = rng.choice(STYLES)
    for _ in range(20):
        columns, left = make_columns(rng, domain, style, "events")
        if any(c.kind == "category" and 2 <= len(c.values) <= 12 for c in columns) and any(c.kind == "number" and not c.role for c in columns) and len(columns) <= 5:
            break
    else:
        return many_workspace(rng, domains)
    of = rng.choice(("month", "month", "month", "year", "year", "quarter", "week", rng.choice(sorted(SETS))))
    n = rng.choice((3, 3, 3, 4, 4, 5))
    year = rng.randint(2013, 2024)
    if of == "month":
        i = rng.randint(0, 12 - n)
        months = list(range(i + 1, i + n + 1))
        how = rng.choice(("short", "number", "number", "full"))
        tags = [MONTH_TAGS[m - 1] if how == "short" else f"{year}-{m:02d}" if how == "number" else f"{MONTH_TAGS[m - 1]}_{year}" for m in months]
        spans = [(date(year, m, 1), date(year, m, 28)) for m in months]
    elif of == "year":
        tags = [str(year - n + 1 + i) for i in range(n)]
        spans = [(date(int(t), 1, 1), date(int(t), 12, 28)) for t in tags]
    elif of == "quarter":
        n = rng.choice((3, 4))
        tags = [f"q{i + 1}" for i in range(n)]
        spans = [(date(year, 3 * i + 1, 1), date(year, 3 * i + 3, 28)) for i in range(n)]
    elif of == "week":
        tags = [f"week{i}" for i in range(rng.choice((1, 14, 30)), 60)][:n]
        spans = [(date(year, 5, 1 + 5 * i), date(year, 5, 5 + 5 * i)) for i in range(n)]
    else:
        pool = SETS[of]
        tags = sorted(rng.sample(pool, min(n, len(pool))))
        spans = [(date(year, 1, 1), date(year, 12, 28))] * len(tags)
    stem = re.sub(r"_?\d{4}$", "", rng.choice(domain["files"])) or "table"
    if not stem.isascii() or any(t in stem for t in tags):
        return many_workspace(rng, domains)
    joiner, folder = rng.choice(("_", "_", "-")), rng.choice(("", "", "", "data/", f"{stem}/"))

    def one(tag, span):
        f = File(f"{folder}{stem}{joiner}{tag}.csv", fill(rng, columns, "events", rng.choice((8, 12, 18, 25, 40)), span), columns, domain["rows"], domain, "events")
        f.left_out, f.tag = left, tag
        return f
    tables = alike(columns, tags, spans, one)
    if tables is None:
        return many_workspace(rng, domains)
    w = Workspace("many", tables, {})
    w.main, w.of, w.stem = tables[0], of, stem
    return w


def files_of(x):
    need(x.w.kind == "many")
    return x.w.tables


def all_words(x, files):
    """Words for all files, linked to the first and the last; sometimes none: what is asked of a folder is asked of all of it."""
    rng = x.rng
    n, of = len(files), x.w.of
    many = of + "s"
    text = rng.choice([f"all {many}", f"all {n if rng.random() < 0.3 else NUMBER_WORDS[n]} {many}", "all files", f"all {NUMBER_WORDS[n]} files", f"the {NUMBER_WORDS[n]} files", f"all {x.w.stem.replace('_', ' ')} files", f"all the {many}", "all the tables", f"every {of}", "every file"])
    marked = link(keep(text) if re.search(r"\d", text) else text, files[0].path, files[-1].path)
    return rng.choice((f"over {marked}", f"across {marked}", f"in {marked}", f"over {marked} together", f"of {marked}", f"in {marked} combined") if not text.startswith("every") else (f"from {marked}", f"over {marked}"))


def each_words(x, files):
    of = x.w.of
    return link(x.rng.choice([f"per {of}", f"by {of}", f"for each {of}", f"of each {of}", "per file", "for each file", f"in every {of}", f"{of} by {of}"]), files[0].path, files[-1].path)


def silent(x, words, chance=0.3):
    """Nothing at all, or these words."""
    return "" if x.rng.random() < chance else " " + words


def told(form, script, answer):
    return Built(form, script, answer, bool(re.match(r"(what|which|how|in which)\b", strip_marks(form))))


def whole_number(x):
    """One number over all files."""
    rng = x.rng
    files = files_of(x)
    maybe_filter(x, 0.3, ("value", "value", "number"))
    where = silent(x, all_words(x, files))
    if rng.random() < 0.3:
        rs = plural(x.row)
        form = rng.choice((f"{link(f'how many {rs}', 'rows')} are there{where}", f"{link(f'number of {rs}', 'rows')}{where}", f"{link(f'how many {rs}', 'rows')}{where}{' in total' if rng.random() < 0.4 else ''}", f"{link(f'total number of {rs}', 'rows')}{where}"))
        agg, said = ":count()", f"the number of {rs}"
    else:
        y = x.number()
        a = x.agg(y, ["sum"] * 5 + ["mean"] * 2 + ["max"] if y.additive else ["mean"] * 5 + ["max", "min", "median"])
        m, _, said = x.measure(y, a, bare=0)
        need(not is_clause(strip_marks(m)))
        form = rng.choice(ASK).format(m=m) + where
        agg = f":{a}({q(y.name)})"
    tail = x.clean(said + x.said_tail)
    return told(x.filtered(form), f"print({union_of(files)}{x.where}{agg})", lambda obs: f"{cap(tail)} over all {len(files)} files is {scalar(obs)}." if str(len(files)) in obs.split() else f"{cap(tail)} over all files is {scalar(obs)}.")


def whole_groups(x):
    """Per group, all files together: a chart, a table, the first."""
    rng = x.rng
    files = files_of(x)
    maybe_filter(x, 0.12, ("value", "number"))
    c = x.category(limit=10, test=lambda c: c.kind == "category")
    one, many, name = one_and_many(x, c)
    r = rng.random()
    m, agg, y, t, s = group_measure(x, r > 0.75)
    need(not is_clause(strip_marks(m)))
    where = silent(x, all_words(x, files))
    core = rng.choice((f"{m} per {one}", f"{m} by {one}", f"{m} for each {one}")) + where
    chain = f"{x.where}:group({q(c.name)}){agg}"
    if r < 0.5:
        return finish_chart(x, "bar", core, chain, [("x", c.name), ("y", y)], f"{t} per {name}, all files", f"{s} per {name} over all files", source=union_of(files), mention=False)
    if r < 0.75:
        return told(x.filtered(rng.choice(("list the ", "", "what is the ", "table of ")) + core), f"t = {union_of(files)}{chain}\nprint(t)", list_answer(cap(x.clean(f"{s} per {name}{x.said_tail} over all files"))))
    low = rng.random() < 0.3
    need(not agg.startswith((":max", ":min")))
    form = x.filtered(rng.choice((f"which {one} has the {rng.choice(LOW_ADJ if low else HIGH_ADJ)} {m}{where}", f"{one} with the {'lowest' if low else 'highest'} {m}{where}")))
    noun, tail = x.clean(s.removeprefix("the ")), x.clean(x.said_tail)

    def answer(obs):
        k, v = one_row(obs, (c.name, y))
        return f"{k} has the {'lowest' if low else 'highest'} {noun}{tail} over all files: {v}." + notes(obs)
    return told(form, f"t = {union_of(files)}{chain}:{'bottom' if low else 'top'}(1, {q(y)})\nprint(t)", answer)


def per_file(x):
    """A number per file: bars or a line, a table, the highest."""
    rng = x.rng
    files = files_of(x)
    maybe_filter(x, 0.15, ("value", "number"))
    r = rng.random()
    m, agg, y, t, s = group_measure(x, r > 0.7)
    need(not is_clause(strip_marks(m)))
    of, each = x.w.of, each_words(x, files)
    chain = f"{x.where}:group(\"file\"){agg}"
    core = f"{m} {each}"
    if r < 0.5:
        ordered = of in ("month", "year", "quarter", "week")
        kind = rng.choice(("bar", "bar", "line")) if ordered and all(f.tag[0].isdigit() for f in files) else "bar"
        text = None
        if kind == "bar" and rng.random() < 0.35:
            whole = link(rng.choice((f"the {NUMBER_WORDS[len(files)]} {of}s", "all files", f"the {of}s")), files[0].path, files[-1].path)
            text = x.filtered(rng.choice((f"compare {m} of {whole} in a bar chart", f"compare {whole} by {m} as bars", f"bar chart that compares {m} in {whole}")))
        return finish_chart(x, kind, core, chain, [("x", "file"), ("y", y)], f"{t} per {of}", f"{s} per {of}", source=union_of(files), mention=False, text=text, generic=kind == "bar")
    if r < 0.7:
        return told(x.filtered(rng.choice(("list the ", "", "what is the ", "give me the ")) + core), f"t = {union_of(files)}{chain}\nprint(t)", list_answer(cap(x.clean(f"{s} per {of}{x.said_tail}"))))
    need(not agg.startswith((":max", ":min")))
    low = rng.random() < 0.35
    which = link(rng.choice((of, of, "file")), files[0].path, files[-1].path)
    word = rng.choice(LOW_ADJ if low else HIGH_ADJ)
    form = x.filtered(rng.choice((f"which {which} had the {word} {m}", f"which {which} has the {word} {m}", f"{which} with the {word} {m}", f"in which {which} was the {m} {'lowest' if low else 'highest'}", f"{'worst' if low else 'best'} {which} by {m}")))
    noun, tail = x.clean(s.removeprefix("the ")), x.clean(x.said_tail)

    def answer(obs):
        k, v = one_row(obs, ("file", y))
        return f"{k} has the {'lowest' if low else 'highest'} {noun}{tail}: {v}." + notes(obs)
    return told(form, f"t = {union_of(files)}{chain}:{'bottom' if low else 'top'}(1, {q(y)})\nprint(t)", answer)


def group_and_file(x):
    """Per group in each file, colours for the files."""
    rng = x.rng
    files = files_of(x)
    need(len(files) <= 5)
    c = x.category(limit=8, test=lambda c: c.kind == "category")
    one, many, name = one_and_many(x, c)
    m, agg, y, t, s = group_measure(x)
    need(not is_clause(strip_marks(m)))
    each = link(x.w.of, files[0].path, files[-1].path)
    if rng.random() < 0.5:
        core = rng.choice((f"{m} per {one} and {each}", f"{m} by {one}, coloured by {each}", f"{m} per {one}, one colour per {each}", f"{m} by {one}, split by {each}"))
        return finish_chart(x, "bar", core, f":group({q(c.name)}, \"file\"){agg}", [("x", c.name), ("y", y), ("color", "file")], f"{t} per {name} and {x.w.of}", f"{s} per {name} and {x.w.of}", source=union_of(files), mention=False, generic=False)
    core = rng.choice((f"{m} per {each} and {one}", f"{m} by {each}, split by {one}", f"{m} per {each}, coloured by {one}"))
    return finish_chart(x, "bar", core, f":group(\"file\", {q(c.name)}){agg}", [("x", "file"), ("y", y), ("color", c.name)], f"{t} per {x.w.of} and {name}", f"{s} per {x.w.of} and {name}", source=union_of(files), mention=False, generic=False)


def whole_time(x):
    """Over the dates of all files."""
    rng = x.rng
    files = files_of(x)
    maybe_filter(x, 0.15, ("value",))
    d = x.date()
    days = [v for f in files for v in f.data(d) if v]
    need(len({v[:7] for v in days}) >= 3)
    m, agg, y, t, s = period_measure(x)
    need(not is_clause(strip_marks(m)))
    p = "month" if len({v[:7] for v in days}) <= 40 else "year"
    when = link(rng.choice((f"per {p}", f"by {p}", "over time", f"{p} by {p}")), d.name)
    return finish_chart(x, rng.choice(("line", "line", "bar")), f"{m} {when}{silent(x, all_words(x, files), 0.5)}", f"{x.where}:{p}({q(d.name)}):group({q(p)}){agg}:sort({q(p)})", [("x", p), ("y", y)], f"{t} per {p}", f"{s} per {p}", source=union_of(files), mention=False, generic=False)


def whole_rows(x):
    """The largest rows of all files, or a histogram of them."""
    rng = x.rng
    files = files_of(x)
    y = x.number()
    _, m, noun = say_plain(x, y)
    where = silent(x, all_words(x, files), 0.25)
    if rng.random() < 0.6:
        return finish_chart(x, "hist", f"{m}{where}", x.where, [("x", y.name)], f"Distribution of {noun}, all files", f"the distribution of {noun} over all files", source=union_of(files), mention=False, generic=False)
    n = rng.choice((1, 3, 3, 5))
    low = rng.random() < 0.25
    labels = x.f.of("entity") or x.f.of("category")
    need(labels)
    c = labels[0]
    x.used.append(c)
    one, many, name = one_and_many(x, c)
    word = rng.choice(LOW_ADJ if low else HIGH_ADJ)
    rs = link(plural(x.row) if n > 1 else x.row, "rows")
    form = f"the {keep(str(n))} {rs} with the {word} {m}{where}, with {one} and file" if n > 1 else f"{rs} with the {word} {m}{where}, with its {one} and file"
    script = f"t = {union_of(files)}:{'bottom' if low else 'top'}({n}, {q(y.name)})\nprint(t:select(\"file\", {q(c.name)}, {q(y.name)}))"
    return told(form, script, list_answer(f"The {'lowest' if low else 'highest'} {noun} over all files"))


def one_file(x):
    """Among many files the one that is named."""
    rng = x.rng
    files = files_of(x)
    f = rng.choice(files)
    c = x.category(limit=10, test=lambda c: c.kind == "category" and c.name in f.table.names)
    one, many, name = one_and_many(x, c)
    m, agg, y, t, s = group_measure(x)
    need(not is_clause(strip_marks(m)))
    me = link(keep(f.path if rng.random() < 0.5 else f.tag.replace("_", " ")), f.path)
    core = rng.choice((f"{m} per {one} in {me}", f"{m} by {one}, only {me}", f"{m} per {one} for {me} only"))
    return finish_chart(x, "bar", core, f":group({q(c.name)}){agg}", [("x", c.name), ("y", y)], f"{t} per {name}, {f.tag}", f"{s} per {name} in {f.path}", source=f"data.read({q(f.path)})", mention=False)


def save_all(x):
    rng = x.rng
    files = files_of(x)
    ext = rng.choice(("csv", "csv", "csv", "json", "xlsx"))
    name = new_name(x, ["all", "combined", "merged", "total", "everything", f"all_{x.w.of}s", x.w.stem + "_all"], ext)
    text = rng.choice(("all files", f"all {NUMBER_WORDS[len(files)]} files", f"the {NUMBER_WORDS[len(files)]} tables", f"all {x.w.stem.replace('_', ' ')} files"))
    whole = link(text, files[0].path, files[-1].path)
    s = keep(name)
    form = rng.choice((f"combine {whole} into {s}", f"merge {whole} into {s}", f"append {whole} and save as {s}", f"put {whole} below each other in {s}", f"stack {whole} in one table {s}"))
    save = f":to_xlsx({q(name)})" if ext == "xlsx" else f":save({q(name)})"
    return Built(form, f"{union_of(files)}{save}", saved_answer("the rows of all files"))


TASKS = [(3.5, whole_number, "many"), (3, whole_groups, "many"), (3.5, per_file, "many"), (1.4, group_and_file, "many"), (1.2, whole_time, "many"), (1, whole_rows, "many"), (1, one_file, "many"), (0.6, save_all, "many")]
