"""The tasks: charts, questions and files. Each function takes a Context and returns a Built, or raises Skip."""
import csv
import io
import re

from context import Built, Context, Filter, Skip, cap, q
from schemas import is_clause, plain_name, words_of
from wording import ANSWER, NUMBER_WORDS, TITLE, adjectives, chart_request, keep, link, plural, stems, strip_marks

HIGH = ["highest", "highest", "highest", "largest", "biggest", "maximum", "max", "most", "greatest", "top", "peak"]
LOW = ["lowest", "lowest", "lowest", "smallest", "minimum", "min", "least"]
HIGH_ADJ = ["highest", "highest", "largest", "biggest", "greatest", "maximum", "top"]
LOW_ADJ = ["lowest", "lowest", "smallest", "minimum", "least"]


# Observations ------------------------------------------------------------------------------------------------------

def notes(obs):
    """Sentences for what was left out."""
    out = ""
    for line in obs.split("\n"):
        if line.startswith("note: "):
            out += f" {line[6:]}."
        m = re.search(r", (\d+ rows?) without a value left out$", line)
        if m:
            out += f" {m[1]} without a value left out."
    return out


def lines_of(obs):
    return [line for line in obs.split("\n") if not line.startswith("note: ")]


def read_table(obs):
    """(header, rows, rows in all) of a printed table of several rows."""
    lines = lines_of(obs)
    more = None
    m = re.fullmatch(r"\.\.\. (\d+) rows", lines[-1])
    if m:
        more = m[1]
        lines = lines[:-1]
    rows = list(csv.reader(io.StringIO("\n".join(lines))))
    if any(len(r) != len(rows[0]) for r in rows):  # a missing value in a table of one column
        raise Skip
    return rows[0], rows[1:], more


def one_row(obs, names):
    """The values of a printed table of one row."""
    pattern = ", ".join(re.escape(n) + ": (.*)" for n in names)
    m = re.fullmatch(pattern, lines_of(obs)[-1])
    if not m:
        raise Skip
    return m.groups()


def chart_answer(what):
    def answer(obs):
        lines = lines_of(obs)
        m = re.match(r"(\S+\.png): ([a-z ]+)(?:, (.*))?$", lines[0])
        path, kind, rest = m.groups()
        if kind == "histogram":
            n, span = re.match(r"(\d+) values?, (.*? to [^,]*)", rest).groups()
            return f"{path} shows {what}: {n} values from {span}." + notes(obs)
        if kind == "scatter chart":
            return f"{path} shows {what} ({re.match('[0-9]+ points?', rest)[0]})." + notes(obs)
        found = []
        for line in lines[1:]:
            head, tail = line.split(": ", 1)
            label, _, value = tail.rpartition(" ")
            found.append((head.split(" ")[0] + (" median" if " median " in head else ""), label, value))
        if len(found) == 1:
            return f"{path} shows {what}: {found[0][1]} {found[0][2]}." + notes(obs)
        (w1, l1, v1), (w2, l2, v2) = found
        return f"{path} shows {what}. {cap(w1)}: {l1} ({v1}), {w2}: {l2} ({v2})." + notes(obs)
    return answer


def spoken_row(cells):
    """Cells of a row as an answer can say them: two numbers need more than a space between them."""
    *keys, last = cells
    return f"{' '.join(keys) if not all(re.search('[0-9]', k) for k in keys) or len(keys) == 1 else ' and '.join(keys)}: {last}" if keys else last


def list_answer(head, unit="", keys=1, skip=()):
    """`head: a 1, b 2`; for long tables the first rows and their number."""
    def answer(obs):
        lines = lines_of(obs)
        if len(lines) == 1 and ": " in lines[0]:
            parts = [p.split(": ", 1) for p in lines[0].split(", ")]
            if all(len(p) == 2 for p in parts):
                return f"{head}: {' '.join(v for k, v in parts if k not in skip)}{unit}." + notes(obs)
            return f"{head}: {lines[0]}." + notes(obs)
        header, rows, more = read_table(obs)
        at = [i for i, n in enumerate(header) if n not in skip]
        said = [spoken_row([r[i] if r[i] else "missing" for i in at]) + unit for r in rows]
        if more:
            return f"{head} ({more} rows, the first are): {', '.join(said[:3])}." + notes(obs)
        return f"{head}: {', '.join(said)}." + notes(obs)
    return answer


def scalar(obs):
    lines = lines_of(obs)
    if "missing" in lines[-1] or lines[-1] in ("nil", "") or "nan" in lines[-1]:
        raise Skip
    return lines[-1]


# Pieces ------------------------------------------------------------------------------------------------------------

def maybe_filter(x, chance, kinds=None):
    if x.rng.random() < chance:
        if kinds:
            x.pick_filter(kinds)
        else:
            x.pick_filter()


def options(pairs):
    return ", ".join(f"{k}={'{' + ', '.join(q(v) for v in value) + '}' if isinstance(value, list) else value if isinstance(value, int) else q(value)}"
                     for k, value in pairs if value is not None)


SAVE_WORDS = ["and save it as {s}", "save it as {s}", "and call the file {s}", "and store it in {s}", "saved as {s}", "into {s}", "as {s}", "output {s}", "write it to {s}"]


NO_GAPS = [", ignore missing values", ", ignoring empty cells", ", leave out missing values", ", skip the gaps", ", without the missing ones", " and ignore what is missing", ", rows without a value left out"]


def finish_chart(x, kind, core, chain, pairs, title, said, generic=True, source=None, mention=True, text=None):
    """The request, the script and the answer of one chart."""
    rng = x.rng
    core = x.filtered(core, owner=True)
    if re.search(r":(mean|median)\(", chain) and rng.random() < 0.06:
        core += rng.choice(NO_GAPS)  # they do so by themselves
    text = text or chart_request(rng, kind, core, generic)
    if mention:
        text = x.mention(text)
    title = cap(x.clean(title)) + x.clean(x.title_tail)
    if len(title) > 90:
        raise Skip
    pairs = pairs + [("title", title)]
    if rng.random() < 0.06:
        stem = "_".join(words_of(x.clean(title))[:3]).encode("ascii", "ignore").decode().strip("_") or "figure"
        if not re.fullmatch(r"[A-Za-z0-9_]{1,40}", stem):
            stem = "figure"
        name = rng.choice((stem, rng.choice(("out", "plot", "figure", "fig1", "result", kind)))) + ".png"
        text = f"{text.rstrip('?')}{rng.choice((' ', ', '))}{rng.choice(SAVE_WORDS).format(s=keep(name))}"
        pairs = pairs + [("save", name)]
    source = source or x.read()
    script = f"t = {source}{chain}\nchart.{kind}(t, {{{options(pairs)}}})"
    return Built(text, script, chart_answer(x.clean(said + x.said_tail)))


def noun_of(x, c, say=None):
    return x.title_noun(c, say or x.say(c))


def months_of(x, c):
    return {v[:7] for v in x.f.data(c) if v is not None}


def need(test):
    if not test:
        raise Skip


def phantom(c):
    return getattr(c, "absent", False)


def n_words(rng, n):
    return NUMBER_WORDS[n] if n <= 10 and rng.random() < 0.3 else keep(str(n))


# Bars and pies -----------------------------------------------------------------------------------------------------

SORTED_DOWN = [", sorted from high to low", ", highest first", " sorted in descending order", ", sorted by value", ", biggest first", ", largest to smallest", " in descending order", ", ordered from most to least"]
SORTED_UP = [", lowest first", ", sorted ascending", " in ascending order", ", smallest first", ", from low to high"]


def group_measure(x, high=False):
    """(y phrase, chain after group, y column, title, said). high: the words follow "the highest"."""
    if x.rng.random() < 0.32:
        m, t, s = x.counted(high)
        return m, ":count()", "count", t, s
    y = x.number()
    a = x.agg(y)
    if high and a in ("max", "min"):
        a = "mean"
    m, t, s = x.measure(y, a, 0 if high else 0.08, not high)
    return m, f":{a}({q(y.name)})", y.name, t, s


def bar_agg(x):
    maybe_filter(x, 0.22)
    c, y = x.category(), x.number()
    a = x.agg(y)
    m, t, s = x.measure(y, a)
    core, tt, st = x.group_words(c, m, bars=True)
    chain = f":group({q(c.name)}):{a}({q(y.name)})"
    core, chain = ordered(x, core, chain, y.name)
    return finish_chart(x, "bar", core, chain, [("x", c.name), ("y", y.name)], f"{t} {tt}", f"{s} {st}")


def ordered(x, core, chain, y):
    r = x.rng.random()
    if r < 0.07:
        return core + x.rng.choice(SORTED_DOWN), chain + f':sort({q(y)}, "desc")'
    if r < 0.09:
        return core + x.rng.choice(SORTED_UP), chain + f":sort({q(y)})"
    return core, chain


def bar_count(x):
    maybe_filter(x, 0.22)
    c = x.category()
    m, t, s = x.counted()
    core, tt, st = x.group_words(c, m, bars=True)
    if x.rng.random() < 0.2 and c.kind != "boolean":
        say = x.say(c)
        need(not is_clause(x.clean(say)))
        tt = st = f"per {noun_of(x, c, say)}"
        r = x.row
        core = x.rng.choice([f"{link('how often', 'rows')} each {link(say, c.name)} occurs", f"{link('how many', 'rows')} {plural(r)} each {link(say, c.name)} has",
                             f"{link('frequency', 'rows')} of each {link(say, c.name)}", f"{link('counts', 'rows')} by {link(say, c.name)}",
                             f"{link('how many', 'rows')} {plural(r)} there are per {link(say, c.name)}", f"{link('occurrences', 'rows')} per {link(say, c.name)}"])
    chain = f":group({q(c.name)}):count()"
    core, chain = ordered(x, core, chain, "count")
    return finish_chart(x, "bar", core, chain, [("x", c.name), ("y", "count")], f"{t} {tt}", f"{s} {st}")


def unique_key(x, limit=30):
    """A column with one row per value."""
    n = x.f.table.rows()
    need(n <= limit)
    return x.column(("entity", "category"), lambda c: len(set(x.f.data(c))) == n and None not in x.f.data(c))


def bar_plain(x):
    c, y = unique_key(x), x.number()
    say = x.say(y, clause=True)
    m = link(say, y.name)
    name = noun_of(x, y, say)
    core, tt, st = x.group_words(c, m, bars=True)
    core, chain = ordered(x, core, "", y.name)
    return finish_chart(x, "bar", core, chain, [("x", c.name), ("y", y.name)], f"{name} {tt}", f"{name} {st}")


def bar_top(x):
    rng = x.rng
    maybe_filter(x, 0.2)
    c = x.category(limit=60, test=lambda c: c.kind != "boolean" and len(c.values) >= 5)
    low = rng.random() < 0.15
    n = rng.randint(2, min(10, len(c.values) - 1)) if rng.random() < 0.9 else 3
    n = rng.choice((3, 5, n))
    need(n < len(c.values))
    m, agg, y, t, s = group_measure(x, True)
    say = x.say(c)
    need(not is_clause(x.clean(say)))
    many = link(plural(say) if not say.startswith("\x04") else say, c.name)
    k = n_words(rng, n)
    if low:
        core = rng.choice([f"the {k} {many} with the lowest {m}", f"bottom {k} {many} by {m}", f"the {k} {many} with the smallest {m}"])
    else:
        core = rng.choice([f"the {k} {many} with the highest {m}", f"top {k} {many} by {m}", f"the top {k} {many} by {m}", f"the {k} {many} with the most {m}" if y == "count" else f"the {k} {many} with the largest {m}",
                           f"{m} of the top {k} {many}", f"{m} per {link(say, c.name)}, top {k} only", f"{m} by {link(say, c.name)}, only the {k} highest"])
        core = core.replace("the highest the ", "the highest ").replace("most number of", "highest number of")
    name = plural(noun_of(x, c, say))
    chain = f":group({q(c.name)}){agg}:{'bottom' if low else 'top'}({n}, {q(y)})"
    word = "Bottom" if low else "Top"
    return finish_chart(x, "bar", core, chain, [("x", c.name), ("y", y)], f"{word} {n} {name} by {t[0].lower() + t[1:]}", f"the {word.lower()} {n} {name} by {s.removeprefix('the ')}")


def bar_rows_top(x):
    """The n rows with the largest value, as bars."""
    rng = x.rng
    maybe_filter(x, 0.15)
    c = x.column(("entity",), lambda c: len(c.values) == x.f.table.rows() or len(set(x.f.data(c))) == x.f.table.rows())
    need(x.f.table.rows() >= 8)
    y = x.number()
    n = rng.choice((3, 5, 5, 10, rng.randint(2, 9)))
    need(n < x.f.table.rows() * (0.3 if x.filter else 1))
    say, ysay = x.say(c), x.say(y)
    many, m, k = link(plural(say) if not say.startswith("\x04") else say, c.name), link(ysay, y.name), n_words(rng, n)
    low = rng.random() < 0.2
    adj = adjectives(y)
    if adj and rng.random() < 0.35:
        core = f"the {k} {link(adj[2 if low else 1], y.name)} {many}"
    else:
        core = rng.choice([f"the {k} {many} with the {rng.choice(LOW_ADJ if low else HIGH_ADJ)} {m}", f"{'bottom' if low else 'top'} {k} {many} by {m}"])
    name = plural(noun_of(x, c, say))
    word = "Bottom" if low else "Top"
    return finish_chart(x, "bar", core, f":{word.lower()}({n}, {q(y.name)})", [("x", c.name), ("y", y.name)], f"{word} {n} {name} by {noun_of(x, y, ysay)}",
                        f"the {word.lower()} {n} {name} by {noun_of(x, y, ysay)}")


def bar_grouped(x):
    rng = x.rng
    maybe_filter(x, 0.12)
    c, d = x.category(limit=10), x.category(limit=6)
    m, agg, y, t, s = group_measure(x)
    core, tt, st = x.group_words(c, m)
    say = x.say(d)
    one = link(say, d.name)
    tail = rng.choice([f" and {one}"] * 4 + [f", colored by {one}", f", coloured by {one}", f", split by {one}", f", grouped by {one}", f" with one colour per {one}", f", one color for each {one}", f", by {one} too"])
    name = noun_of(x, d, say)
    return finish_chart(x, "bar", core + tail, f":group({q(c.name)}, {q(d.name)}){agg}", [("x", c.name), ("y", y), ("color", d.name)], f"{t} {tt} and {name}", f"{s} {st} and {name}")


def bar_two(x):
    """Two measures side by side."""
    rng = x.rng
    maybe_filter(x, 0.1)
    c, y1, y2 = x.category(limit=10), x.number(), x.number()
    a = "sum" if y1.additive and y2.additive and rng.random() < 0.6 else "mean"
    s1, s2 = x.say(y1), x.say(y2)
    word = rng.choice({"sum": ["total", "total", "sum of"], "mean": ["average", "average", "mean"]}[a])
    first = link(f"{word} {s1}", y1.name)
    m = f"{first} and {link(rng.choice((s2, f'{word} {s2}')), y2.name)}"
    core, tt, st = x.group_words(c, m)
    n1, n2 = noun_of(x, y1, s1), noun_of(x, y2, s2)
    return finish_chart(x, "bar", core, f":group({q(c.name)}):{a}({q(y1.name)}, {q(y2.name)})", [("x", c.name), ("y", [y1.name, y2.name])],
                        f"{TITLE[a]} {n1} and {n2} {tt}", f"the {ANSWER[a]} {n1} and {n2} {st}")


def pie(x):
    rng = x.rng
    maybe_filter(x, 0.15)
    if rng.random() < 0.25 and x.f.table.rows() <= 14 and not x.filter:
        c, y = unique_key(x, 14), x.number(lambda c: c.additive)
        say = x.say(y)
        m, t, s, chain, name = link(say, y.name), noun_of(x, y, say), "the " + noun_of(x, y, say), "", y.name
    else:
        c = x.category(limit=10)
        if rng.random() < 0.55:
            m, t, s = x.counted()
            chain, name = f":group({q(c.name)}):count()", "count"
        else:
            y = x.number(lambda c: c.additive)
            m, t, s = x.measure(y, "sum", bare=0.3)
            chain, name = f":group({q(c.name)}):sum({q(y.name)})", y.name
    core, tt, st = x.group_words(c, m)
    if rng.random() < 0.3 and c.kind != "boolean":
        say = x.say(c)
        need(not is_clause(x.clean(say)))
        tt = st = f"per {noun_of(x, c, say)}"
        one = link(say, c.name)
        core = rng.choice([f"the share of each {one} in {m}", f"how {m} is divided among the {link(plural(x.clean(say)), c.name)}", f"{m}, share of each {one}", f"the proportion of each {one} by {m}",
                           f"shares of {m} by {one}", f"{one} shares of {m}", f"{m}: shares by {one}"]) if name != "count" else rng.choice(
                          [f"{link('the share', 'rows')} of each {one}", f"{link('shares', 'rows')} by {one}", f"{link('the proportion', 'rows')} of each {one}", f"how {link(plural(x.row), 'rows')} are split by {one}"])
    return finish_chart(x, "pie", core, chain, [("x", c.name), ("y", name)], f"{t} {tt}", f"{s} {st}", generic=False)


# Scatter, histogram, box -------------------------------------------------------------------------------------------

def scatter(x):
    rng = x.rng
    maybe_filter(x, 0.15)
    a, b = x.number(), x.number()
    sa, sb = x.say(a, clause=rng.random() < 0.3), x.say(b, clause=rng.random() < 0.3)
    ma, mb = link(sa, a.name), link(sb, b.name)
    na, nb = noun_of(x, a, sa), noun_of(x, b, sb)
    # a is y, b is x: "a against b"
    core = rng.choice([f"{ma} against {mb}"] * 4 + [f"{ma} vs {mb}"] * 3 + [f"{ma} versus {mb}"] * 2 + [f"{ma} as a function of {mb}", f"{ma} over {mb}", f"{ma} by {mb}", f"{ma} plotted against {mb}",
                      f"{ma} depending on {mb}", f"{ma} (y) and {mb} (x)", f"{mb} on the x axis and {ma} on the y axis", f"{mb} (x) against {ma} (y)", f"x = {mb}, y = {ma}", f"{ma} on y, {mb} on x"])
    whole = None
    pairs = [("x", b.name), ("y", a.name)]
    title, said = f"{na} against {nb}", f"{na} against {nb}"
    r = rng.random()
    if r < 0.3:  # "a and b": the first named is x
        core = rng.choice([f"{mb} and {ma}", f"{mb} and {ma}", f"the relationship between {mb} and {ma}", f"the relation of {mb} and {ma}", f"the relation between {mb} and {ma}", f"correlation between {mb} and {ma}",
                           f"how {mb} and {ma} are related", f"how {mb} relates to {ma}", f"{mb} with {ma}", f"the connection between {mb} and {ma}", f"{mb} compared to {ma}"])
        if rng.random() < 0.18:
            whole = rng.choice([f"is there a relationship between {mb} and {ma}?", f"does {ma} depend on {mb}?", f"do {mb} and {ma} go together?", f"how do {mb} and {ma} relate? draw it", f"does {mb} affect {ma}? show me in a plot",
                                f"is {ma} related to {mb}? plot it"])
    color = ""
    if rng.random() < 0.5:
        c = x.category(limit=8)
        say = x.say(c) if c.kind != "boolean" else rng.choice(c.says)
        one = link(say, c.name)
        color = rng.choice([f", colored by {one}"] * 4 + [f", coloured by {one}"] * 3 + [f", color by {one}", f", colour by {one}", f" with colors for {one}", f", one color per {one}", f", {one} as color", f", points colored by {one}",
                           f" by {one}", f" for each {one}", f", split by {one}", f" with a different colour for each {one}", f", color = {one}", f", color-coded by {one}", f", show the {one} by colour"])
        name = noun_of(x, c, say)
        pairs.append(("color", c.name))
        title, said = f"{title} by {name}", f"{said} by {name}"
    if whole:
        if color:
            whole = whole.rstrip("?") + color
        return finish_chart(x, "scatter", core, "", pairs, title, said, text=x.filtered(whole) if not whole.endswith("?") else x.filtered(whole.rstrip("?")) + "?")
    return finish_chart(x, "scatter", core + color, "", pairs, title, said, generic="=" not in core)


def hist(x):
    rng = x.rng
    maybe_filter(x, 0.2)
    c = x.number()
    say = x.say(c, clause=rng.random() < 0.25)
    m, name = link(say, c.name), noun_of(x, c, say)
    core = rng.choice([m] * 4 + [f"the {m}", f"the {m} values", f"{m} values"] if not is_clause(x.clean(say)) else [m])
    pairs = [("x", c.name)]
    bins = ""
    if rng.random() < 0.16:
        n = rng.choice((5, 8, 10, 10, 12, 15, 20, 20, 25, 30, 40, 50))
        bins = rng.choice((" with {n} bins", ", {n} bins", " in {n} bins", " using {n} bins", " ({n} bins)", ", bins={n}", " with {n} bars", " split in {n} bins")).format(n=keep(str(n)))
        pairs.append(("bins", n))
    text = None
    if rng.random() < 0.4:
        word = rng.choice(("distribution", "distribution", "spread", "frequency distribution"))
        text = rng.choice([f"show the {word} of {m}", f"{word} of {m}", f"plot the {word} of {m}", f"how is {m} distributed?", f"what does the {word} of {m} look like?", f"how are the {m} values distributed?", f"chart the {word} of {m}",
                           f"I want to see the {word} of {m}", f"draw the {word} of {m}"])
        if is_clause(x.clean(say)):
            text = f"show the {word} of {m}"
        ask = text.endswith("?")
        text = x.filtered(text.rstrip("?")) + bins + ("?" if ask else "")
    if x.f.table.rows() < 8:
        raise Skip
    return finish_chart(x, "hist", core + bins if text is None else core, "", pairs, f"Distribution of {name}", f"the distribution of {name}", generic=False, text=text)


def box(x):
    rng = x.rng
    maybe_filter(x, 0.15)
    c, y = x.category(limit=10), x.number()
    need(x.f.table.rows() >= 3 * max(2, len(c.values)) or phantom(c))
    say = x.say(y, clause=rng.random() < 0.2)
    m, name = link(say, y.name), noun_of(x, y, say)
    core, tt, st = x.group_words(c, m)
    pairs = [("x", c.name), ("y", y.name)]
    if rng.random() < 0.12:
        d = x.category(limit=4)
        s2 = x.say(d)
        core += rng.choice([f" and {link(s2, d.name)}", f", colored by {link(s2, d.name)}", f", split by {link(s2, d.name)}"])
        pairs.append(("color", d.name))
        tt, st = f"{tt} and {noun_of(x, d, s2)}", f"{st} and {noun_of(x, d, s2)}"
    return finish_chart(x, "box", core, "", pairs, f"{name} {tt}", f"{name} {st}", generic=False)


# Time --------------------------------------------------------------------------------------------------------------

OVER = ["over time"] * 6 + ["over time", "through time", "across time", "over the whole period", "over the dates", "in the course of time", "as time goes by"]


def over_words(x, d):
    say = x.say(d)
    if d.role == "year":
        return link(x.rng.choice(OVER[:8] + ["over the years", "over the years", "by year", "per year", "through the years", "year by year"]), d.name)
    return link(x.rng.choice(OVER + [f"by {say}", f"per {say}", f"over the {say}", f"against {say}"]), d.name)


def trend(rng, m, over, d):
    return rng.choice([f"{m} {over}"] * 6 + [f"the {link('trend', d)} of {m}", f"{link('development', d)} of {m}", f"how {m} {link('changed', d)}", f"the {link('evolution', d)} of {m}", f"how {m} {link('developed', d)}",
                       f"the {link('course', d)} of {m}", f"{m} {over}", f"{over} {m}" if False else f"{m} {over}"])


def time_column(x):
    """The date column, or a column of years."""
    years = [c for c in x.f.columns if c.role == "year" and c not in x.used]
    if years and not x.f.of("date") and not getattr(x, "steal", None) == "date":
        x.used.append(years[0])
        return years[0]
    return x.date()


def line_raw(x):
    """One row a day (or month): the values as they are."""
    need(x.f.layout == "series" or getattr(x, "steal", None))
    maybe_filter(x, 0.15, ("date", "year"))
    if x.filter:
        x.used.remove(x.filter.column)
    d, y = time_column(x), x.number()
    say = x.say(y, clause=x.rng.random() < 0.2)
    m, name = link(say, y.name), noun_of(x, y, say)
    return finish_chart(x, "line", trend(x.rng, m, over_words(x, d), d.name), "", [("x", d.name), ("y", y.name)], f"{name} over time", f"{name} over time")


def line_two(x):
    need(x.f.layout == "series")
    d, a, b = time_column(x), x.number(), x.number()
    sa, sb = x.say(a), x.say(b)
    na, nb = noun_of(x, a, sa), noun_of(x, b, sb)
    core = f"{link(sa, a.name)} {x.rng.choice(('and', 'and', 'together with', 'next to', 'vs'))} {link(sb, b.name)} {over_words(x, d)}"
    return finish_chart(x, "line", core, "", [("x", d.name), ("y", [a.name, b.name])], f"{na} and {nb} over time", f"{na} and {nb} over time")


def panel_key(x):
    f = x.f
    need(f.layout == "panel")
    d = time_column(x)
    days = f.data(d)
    n, distinct = len(days), len(set(days))
    key = x.column(("category",), lambda c: len(c.values) >= 2 and len(set(f.data(c))) * distinct == n and len(set(zip(days, f.data(c)))) == n)
    return d, key


def line_entity(x):
    rng = x.rng
    d, key = panel_key(x)
    y = x.number()
    v = rng.choice(key.values)
    words = x.value_words(key, v)
    m, ms = link(words, f"{key.name}:{v}"), x.say(y)
    my, over = link(ms, y.name), over_words(x, d)
    core = rng.choice([f"{my} of {m} {over}"] * 4 + [f"{m}'s {my} {over}"] * 3 + [f"{m} {my} {over}"] * 3 + [f"{my} for {m} {over}"] * 3 + [f"the {link('trend', d.name)} of {my} for {m}", f"how {my} of {m} {link('changed', d.name)}", f"{my} {over} for {m}",
                      f"{my} {over} for {m} only", f"{my} {over}, only {m}", f"{my} {over} ({m})", f"{my} {over} for the {x.say(key)} {m}", f"how {my} {link('developed', d.name)} for {m}", f"{m}: {my} {over}"])
    x.filter = None
    name, clean = noun_of(x, y, ms), x.clean(words)
    return finish_chart(x, "line", core, "", [("x", d.name), ("y", y.name)], f"{name} of {clean} over time", f"{name} of {clean} over time",
                        source=f"data.read({q(x.f.path)}):where({q(key.name)}, \"==\", {q(v)})")


def line_panel(x):
    rng = x.rng
    d, key = panel_key(x)
    need(len(key.values) <= 8)
    y = x.number()
    say, ks = x.say(y), x.say(key)
    m, over, one = link(say, y.name), over_words(x, d), link(ks, key.name)
    name, kn = noun_of(x, y, say), noun_of(x, key, ks)
    core = rng.choice([f"{m} {over} for each {one}", f"{m} {over} by {one}", f"{m} {over}, one line per {one}", f"{m} per {one} {over}", f"{m} {over}, colored by {one}", f"{m} {over}, a line for every {one}", f"{m} of every {one} {over}",
                       f"{m} of each {one} {over}", f"{m} {over} split by {one}", f"{m} {over} with one colour per {one}"])
    return finish_chart(x, "line", core, "", [("x", d.name), ("y", y.name), ("color", key.name)], f"{name} per {kn} over time", f"{name} per {kn} over time")


PERIODS = {
    "month": (["per month"] * 4 + ["by month"] * 4 + ["each month", "every month", "month by month", "for each month", "a month"], ["monthly"], "month"),
    "year": (["per year"] * 4 + ["by year"] * 4 + ["each year", "every year", "for each year", "year by year", "a year", "over the years"], ["yearly", "annual"], "year"),
    "quarter": (["per quarter", "by quarter", "each quarter", "for every quarter", "quarter by quarter"], ["quarterly"], "quarter"),
    "weekday": (["per weekday", "by weekday", "by day of the week", "for each weekday", "per day of the week", "on each day of the week", "by weekday"], [], "weekday"),
    "month_name": (["per calendar month", "by calendar month", "by month of the year", "for each month of the year", "per month of the year", "by month, all years together", "per month name", "by month regardless of the year"], [], "calendar month"),
}


def period_of(x, d, choices):
    """A period that makes sense for the dates of column d."""
    rng = x.rng
    if phantom(d):
        return rng.choice(choices)
    days = [v for v in x.f.data(d) if v is not None]
    months, years = {v[:7] for v in days}, {v[:4] for v in days}
    ok = []
    for p in choices:
        if p == "month" and len(months) >= 3 or p == "year" and len(years) >= 2 or p == "quarter" and len(months) >= 7:
            ok.append(p)
        if p == "weekday" and len(set(days)) > 20 and len({v[8:] for v in days}) > 3 or p == "month_name" and len({v[5:7] for v in days}) >= 4 and len(years) >= 2:
            ok.append(p)
    need(ok)
    return rng.choice(ok)


def period_words(x, d, p, m):
    """The core phrase of y (marked m) per period."""
    rng = x.rng
    per, adjective, _ = PERIODS[p]
    if adjective and rng.random() < 0.4:
        return f"{link(rng.choice(adjective), d.name)} {m}"
    return f"{m} {link(rng.choice(per), d.name)}"


def period_measure(x):
    if x.rng.random() < 0.25:
        m, t, s = x.counted()
        return m, ":count()", "count", t, s
    y = x.number()
    a = x.agg(y, ["sum"] * 6 + ["mean"] * 3 if y.additive else ["mean"] * 8 + ["max", "min", "median"])
    m, t, s = x.measure(y, a)
    return m, f":{a}({q(y.name)})", y.name, t, s


def after_period(p):
    return f":sort({q(p)})" if p in ("month", "year", "quarter") else ""


def line_period(x):
    maybe_filter(x, 0.2, ("value", "value", "number", "not", "entity"))
    d = x.date()
    m, agg, y, t, s = period_measure(x)
    p = period_of(x, d, ("month", "month", "month", "month", "year", "year", "quarter"))
    core = period_words(x, d, p, m)
    chain = f":{p}({q(d.name)}):group({q(p)}){agg}:sort({q(p)})"
    kind = "line" if x.rng.random() < 0.75 else "bar"
    return finish_chart(x, kind, core, chain, [("x", p), ("y", y)], f"{t} per {PERIODS[p][2]}", f"{s} per {PERIODS[p][2]}", generic=kind == "line")


def bar_period(x):
    maybe_filter(x, 0.15, ("value", "number", "not"))
    d = x.date()
    m, agg, y, t, s = period_measure(x)
    p = period_of(x, d, ("weekday", "month_name", "year"))
    core = period_words(x, d, p, m)
    chain = f":{p}({q(d.name)}):group({q(p)}){agg}{after_period(p)}"
    return finish_chart(x, "bar", core, chain, [("x", p), ("y", y)], f"{t} per {PERIODS[p][2]}", f"{s} per {PERIODS[p][2]}", generic=p != "year")


def line_period_color(x):
    rng = x.rng
    d, c = x.date(), x.category(limit=6)
    m, agg, y, t, s = period_measure(x)
    p = period_of(x, d, ("month", "month", "year", "quarter"))
    say = x.say(c)
    one, name = link(say, c.name), noun_of(x, c, say)
    core = period_words(x, d, p, m) + rng.choice([f" for each {one}", f" and {one}", f", one line per {one}", f" by {one}", f", colored by {one}", f", split by {one}"])
    chain = f":{p}({q(d.name)}):group({q(p)}, {q(c.name)}){agg}:sort({q(p)})"
    return finish_chart(x, "line", core, chain, [("x", p), ("y", y), ("color", c.name)], f"{t} per {PERIODS[p][2]} and {name}", f"{s} per {PERIODS[p][2]} and {name}", generic=False)


def line_year_column(x):
    """A column that holds years as numbers."""
    rng = x.rng
    maybe_filter(x, 0.25, ("value", "value", "entity"))
    d = x.column(("number",), lambda c: c.role == "year")
    m, agg, y, t, s = period_measure(x)
    core = rng.choice([f"{m} {link(rng.choice(PERIODS['year'][0]), d.name)}", f"{link('yearly', d.name)} {m}", f"{m} {link('over the years', d.name)}", f"{m} {link('over time', d.name)}", f"{link('annual', d.name)} {m}"])
    kind = "line" if rng.random() < 0.75 else "bar"
    return finish_chart(x, kind, core, f":group({q(d.name)}){agg}:sort({q(d.name)})", [("x", d.name), ("y", y)], f"{t} per year", f"{s} per year", generic=kind == "line")


# Questions ---------------------------------------------------------------------------------------------------------

ASK = ["what is the {m}", "what is the {m}", "what's the {m}", "what was the {m}", "tell me the {m}", "give me the {m}", "calculate the {m}", "{m}", "{m}", "compute the {m}", "find the {m}", "i need the {m}", "can you tell me the {m}",
       "could you work out the {m}", "show the {m}", "the {m}", "please give me the {m}", "do you know the {m}", "work out the {m}"]


def asked(x, form, chance=0.2):
    """(marked text with mention, is it a question)."""
    text = x.mention(form, chance)
    question = bool(re.match(r"(what|which|who|how|when|where|is|are|does|do|did|can|could|in which|on which|for which|between|from when|at what)\b", strip_marks(text)))
    return text, question


def question(x, form, script, answer, chance=0.2):
    text, ask = asked(x, form, chance)
    return Built(text, script, answer, ask)


def count_rows(x):
    rng = x.rng
    maybe_filter(x, 0.6)
    r = x.row
    rs = plural(r)
    how = link("how many", "rows")
    if x.filter:
        m = link(rng.choice((f"how many {rs}", f"how many {rs}", f"number of {rs}")), "rows")
        c = x.rng.choice(x.filter.clauses)
        form = (f"{m} are there {c}" if rng.random() < 0.5 else f"{m} {c}") if strip_marks(m).startswith("how") else f"{rng.choice(('what is the ', 'give me the ', '', 'what is the total '))}{m} {c}"
        if strip_marks(c).startswith("for ") and rng.random() < 0.3:
            form = f"count the {link(rs, 'rows')} {c}"
    else:
        form = rng.choice([f"{how} {rs} are there", f"{how} {rs} are there", f"{how} rows does the table have", f"{how} rows", f"{how} {rs}", f"{how} {rs} do we have", f"what is the {link(f'number of {rs}', 'rows')}", f"count the {link(rs, 'rows')}",
                           f"{how} {rs} are in the file", f"{how} entries are there", f"{link('number of rows', 'rows')}", f"{how} {rs} were recorded", f"{how} records does it have", f"total {link(f'number of {rs}', 'rows')}"])
    said = x.clean(x.said_tail)
    return question(x, form, f"print({x.read()}:count())", lambda obs: f"The number of {rs}{said} is {scalar(obs)}.")


def c_like(y, words):
    """A column of counts: tickets, visitors."""
    last = words.split()[-1]
    return y.additive and y.decimals == 0 and len(last) > 3 and last.endswith("s") and last not in ("minutes", "hours", "kilometres", "metres", "euros", "seconds", "sales", "days", "costs", "earnings", "takings")


def agg_number(x):
    rng = x.rng
    maybe_filter(x, 0.5)
    y = x.number()
    a = x.agg(y, ["mean"] * 6 + ["median"] * 2 + ["max"] * 2 + ["min"] * 2 + (["sum"] * 6 if y.additive else []))
    m, t, s = x.measure(y, a, bare=0)
    adj = adjectives(y)
    if is_clause(strip_marks(m)):
        form = m
    elif a == "sum" and c_like(y, strip_marks(m)) and rng.random() < 0.5:
        say = x.say(y)
        need(not is_clause(x.clean(say)) and not stems(x.clean(say)) & {w for r in x.f.rows for w in stems(r)})
        s = "the total " + noun_of(x, y, say)
        form = rng.choice((f"{link(f'how many {say}', y.name)} in total", f"{link(f'how many {say}', y.name)} were there in total", f"{link(f'how many {say}', y.name)} altogether", f"{link(f'how many {say}', y.name)} overall"))
    elif adj and rng.random() < 0.15 and a == "mean":
        form = f"how {link(adj[0], y.name)} is the average {x.row}" if adj[0] != "expensive" else f"how {link('expensive', y.name)} is a {x.row} on average"
    else:
        form = rng.choice(ASK).format(m=m)
    form = x.filtered(form)
    said = x.clean(s + x.said_tail)
    return question(x, form, f"print({x.read()}:{a}({q(y.name)}))", lambda obs: f"{cap(said)} is {scalar(obs)}.")


def two_aggs(x):
    """Smallest and largest, or mean and median of one column."""
    rng = x.rng
    maybe_filter(x, 0.3)
    y = x.number()
    a, b = rng.choice((("min", "max"), ("min", "max"), ("mean", "median")))
    say = x.say(y)
    name = noun_of(x, y, say)
    if a == "min":
        form = rng.choice([f"what is the {link(f'range of {say}', y.name)}", f"the {link(f'lowest and highest {say}', y.name)}", f"what are the {link(f'minimum and maximum {say}', y.name)}", f"{link(f'min and max {say}', y.name)}",
                           f"between which values does {link(say, y.name)} lie", f"smallest and largest {link(say, y.name)}", f"how low and how high does the {link(say, y.name)} get"])
        done = lambda v, w: f"The lowest {name} is {v}, the highest is {w}."
    else:
        form = rng.choice([f"what are the {link(f'mean and median {say}', y.name)}", f"{link(f'average and median {say}', y.name)}", f"the mean and the median of {link(say, y.name)}"])
        done = lambda v, w: f"The average {name} is {v}, the median is {w}."
    form = x.filtered(form)
    script = f"t = {x.read()}\nprint(t:{a}({q(y.name)}), t:{b}({q(y.name)}))"

    def answer(obs):
        v, w = scalar(obs).split(" ")
        return done(v, w)
    return question(x, form, script, answer)


def group_table(x):
    rng = x.rng
    maybe_filter(x, 0.2)
    c = x.category(limit=12)
    m, agg, y, t, s = group_measure(x)
    core, tt, st = x.group_words(c, m)
    if rng.random() < 0.7:
        form = rng.choice(["what is the {c}", "list the {c}", "{c}", "give me the {c}", "table of {c}", "tell me the {c}", "calculate the {c}", "show a table of {c}", "what are the {c}", "list {c}", "compute {c}", "i need the {c} as numbers",
                           "give me a table with the {c}", "{c}, as a table", "{c} in a table", "{c}, no chart", "print the {c}"]).format(c=core)
    else:
        form = f"list the {core}"
    if y == "count" and rng.random() < 0.3:
        rs = plural(x.row)
        say = x.say(c)
        need(not is_clause(x.clean(say)))
        st, one = f"per {noun_of(x, c, say)}", link(say, c.name)
        form = rng.choice([f"{link(f'how many {rs}', 'rows')} are there per {one}", f"{link(f'how many {rs}', 'rows')} does each {one} have", f"count the {link(rs, 'rows')} per {one}"])
    form = x.filtered(form)
    return question(x, form, f"t = {x.read()}:group({q(c.name)}){agg}\nprint(t)", list_answer(cap(x.clean(f"{s} {st}{x.said_tail}"))))


def best_group(x):
    """Which group has the most."""
    rng = x.rng
    maybe_filter(x, 0.25)
    c = x.category(limit=30, test=lambda c: c.kind != "boolean")
    low = rng.random() < 0.3
    m, agg, y, t, s = group_measure(x, True)
    if agg.startswith((":max", ":min")):
        low = agg.startswith(":min")
    say = x.say(c)
    need(not is_clause(x.clean(say)) and not is_clause(strip_marks(m)))
    one = link(say, c.name)
    word = rng.choice(LOW_ADJ if low else HIGH_ADJ)
    if y == "count":
        rs = plural(x.row)
        mr = link(rng.choice((rs, f"{'fewest' if low else 'most'} {rs}")), "rows")
        if strip_marks(mr) == rs:
            mr = f"{'fewest' if low else 'most'} {mr}"
        form = rng.choice([f"which {one} has the {mr}", f"which {one} has the {mr}", f"{one} with the {mr}", f"which {one} had the {mr}", f"what {one} has the {mr}", f"which is the {link('least' if low else 'most', 'rows')} common {one}",
                           f"what is the {link('rarest' if low else 'most frequent', 'rows')} {one}", f"which {one} occurs {link('least' if low else 'most', 'rows')} often", f"find the {one} with the {mr}"])
        s = f"the number of {rs}"
    elif agg.startswith((":max", ":min")):
        form = rng.choice([f"which {one} has the {m}", f"{one} with the {m}", f"in which {one} do we find the {m}"])
    else:
        form = rng.choice([f"which {one} has the {word} {m}", f"which {one} has the {word} {m}", f"which {one} had the {word} {m}", f"{one} with the {word} {m}", f"what {one} has the {word} {m}", f"find the {one} with the {word} {m}",
                           f"for which {one} is the {m} {'lowest' if low else 'highest'}", f"tell me which {one} has the {word} {m}", f"the {one} with the {word} {m}"])
    form = x.filtered(form)
    noun = x.clean(s.removeprefix("the "))
    said = x.clean(x.said_tail)
    word = "lowest" if low else "highest"
    if noun.startswith(("highest ", "lowest ")):
        word, noun = noun.split(" ", 1)
    script = f"t = {x.read()}:group({q(c.name)}){agg}:{'bottom' if low else 'top'}(1, {q(y)})\nprint(t)"

    def answer(obs):
        k, v = one_row(obs, (c.name, y))
        return f"{k} has the {word} {noun}{said}: {v}." + notes(obs)
    return question(x, form, script, answer)


def top_groups(x):
    rng = x.rng
    maybe_filter(x, 0.2)
    c = x.category(limit=60, test=lambda c: c.kind != "boolean" and len(c.values) >= 4)
    m, agg, y, t, s = group_measure(x, True)
    n = rng.choice((2, 3, 3, 3, 5, 5, 10, 4))
    need(n < len(c.values))
    low = rng.random() < 0.2
    say = x.say(c)
    need(not is_clause(x.clean(say)) and not is_clause(strip_marks(m)))
    many = link(plural(say) if not say.startswith("\x04") else say, c.name)
    k = n_words(rng, n)
    w = "bottom" if low else "top"
    form = rng.choice([f"{w} {k} {many} by {m}", f"what are the {w} {k} {many} by {m}", f"which {k} {many} have the {'lowest' if low else 'highest'} {m}", f"the {k} {many} with the {'lowest' if low else 'highest'} {m}", f"list the {w} {k} {many} by {m}",
                       f"give me the {k} {many} with the {rng.choice(LOW_ADJ if low else HIGH_ADJ)} {m}"])
    form = x.filtered(form)
    name = plural(noun_of(x, c, say))
    return question(x, form, f"t = {x.read()}:group({q(c.name)}){agg}:{w}({n}, {q(y)})\nprint(t)", list_answer(f"The {w} {n} {x.clean(name)} by {x.clean(s.removeprefix('the ') + x.said_tail)}"))


def label_column(x):
    """The column that names a row."""
    f = x.f
    n = f.table.rows()
    found = [c for c in f.of("entity") if c not in x.used and len(set(f.data(c))) > 0.5 * n]
    if not found:
        found = [c for c in f.of("category") if c not in x.used and len(set(f.data(c))) == n]
    need(found)
    c = x.rng.choice(found)
    x.used.append(c)
    return c


def best_row(x):
    """Which row has the highest value; its name."""
    rng = x.rng
    maybe_filter(x, 0.25)
    c, y = label_column(x), x.number()
    low = rng.random() < 0.35
    word = rng.choice(LOW_ADJ if low else HIGH_ADJ)
    say, ys = x.say(c), x.say(y)
    need(not is_clause(x.clean(say)))
    one, m = link(say, c.name), link(f"{word} {ys}" if rng.random() < 0.5 else ys, y.name)
    if strip_marks(m) == x.clean(ys):
        m = f"{word} {m}"
    adj = adjectives(y)
    forms = [f"which {one} has the {m}"] * 3 + [f"which {one} had the {m}", f"what is the {one} with the {m}", f"{one} with the {m}", f"find the {one} with the {m}", f"tell me the {one} with the {m}", f"the {one} that has the {m}"]
    if getattr(c, "entity", "") == "person":
        forms += [f"{link('who', c.name)} has the {m}"] * 3 + [f"{link('who', c.name)} had the {m}"]
    if adj:
        a = link(adj[2 if low else 1], y.name)
        forms += [f"which {one} is the {a}", f"what is the {a} {one}", f"the {a} {one}"]
    form = x.filtered(rng.choice(forms))
    name, said = noun_of(x, y, ys), x.clean(x.said_tail)
    script = f"t = {x.read()}:{'bottom' if low else 'top'}(1, {q(y.name)})\nprint(t:select({q(c.name)}, {q(y.name)}))"

    def answer(obs):
        k, v = one_row(obs, (c.name, y.name))
        return f"{k} has the {'lowest' if low else 'highest'} {name}{said}: {v}."
    return question(x, form, script, answer)


def steady(x, d):
    """What one row of a series stands for: day, month or year."""
    if d.role == "year":
        return "year"
    days = [v for v in x.f.data(d) if v is not None]
    if x.f.layout in ("series", "panel") and days and all(v[8:] == "01" for v in days):
        return "month" if len({v[5:7] for v in days}) > 1 else "year"
    return "day"


def best_date(x):
    rng = x.rng
    maybe_filter(x, 0.25, ("value", "entity", "not", "value"))
    d, y = time_column(x), x.number()
    need(d.role != "year" or x.f.layout in ("series", "panel"))
    low = rng.random() < 0.35
    word = rng.choice(LOW_ADJ if low else HIGH_ADJ)
    ys = x.say(y)
    name = noun_of(x, y, ys)
    m, when, day = link(f"{word} {ys}", y.name), link("when", d.name), x.say(d)
    unit = steady(x, d)
    forms = [f"{when} was the {m}", f"{when} was the {m}", f"{when} was {link(ys, y.name)} {link('lowest' if low else 'highest', y.name)}", f"on which {link(rng.choice((day, 'date', 'day')), d.name)} was {link(ys, y.name)} {'lowest' if low else 'highest'}",
             f"what was the {m} and {when} was it", f"the {m} and its {link('date', d.name)}", f"{link('date', d.name)} of the {m}", f"what is the {m} and on which {link('date', d.name)}", f"on what {link('day', d.name)} did we have the {m}",
             f"which {link('day', d.name)} had the {m}", f"{when} did {link(ys, y.name)} {'hit its low' if low else 'peak'}", f"tell me the {m} and the {link('date', d.name)} it was reached", f"find the {m} and {when} it happened", f"{m} and {link('date', d.name)}"]
    if unit != "day" and rng.random() < 0.7:
        u = link(unit, d.name)
        forms = [f"in which {u} was the {m}", f"which {u} had the {m}", f"the {m} and its {u}", f"what was the {m} and in which {u}", f"{u} with the {m}", f"{m} and the {u} it happened", f"in which {u} was {link(ys, y.name)} {'lowest' if low else 'highest'}",
                 f"what was the {m}, and in what {u} was it", f"tell me the {m} and its {u}", f"find the {u} with the {m}", f"in what {u} did {link(ys, y.name)} {'reach its minimum' if low else 'reach its maximum'}"]
    form = x.filtered(rng.choice(forms))
    said = x.clean(x.said_tail)
    if d.role == "year":
        script = f"t = {x.read()}:{'bottom' if low else 'top'}(1, {q(y.name)})\nprint(t:select({q(d.name)}, {q(y.name)}))"

        def answer_year(obs):
            k, v = one_row(obs, (d.name, y.name))
            return f"The {'lowest' if low else 'highest'} {name}{said} was {v} in {k}."
        return question(x, form, script, answer_year)
    script = f"t = {x.read()}:{'bottom' if low else 'top'}(1, {q(y.name)})\nprint(t:select({q(d.name)}, {q(y.name)}))"

    def answer(obs):
        k, v = one_row(obs, (d.name, y.name))
        return f"The {'lowest' if low else 'highest'} {name}{said} was {v} on {k}."
    return question(x, form, script, answer)


def best_period(x):
    """Which month, year or weekday had the most."""
    rng = x.rng
    maybe_filter(x, 0.2, ("value", "entity", "number"))
    d = x.date()
    m, agg, y, t, s = period_measure(x)
    need(not is_clause(strip_marks(m)))
    if agg.startswith((":max", ":min")):
        raise Skip
    p = period_of(x, d, ("month", "month", "month", "year", "weekday", "quarter"))
    need(phantom(d) or steady(x, d) not in (p, "year"))  # else the row itself is meant
    low = rng.random() < 0.35
    word = rng.choice(LOW_ADJ if low else HIGH_ADJ)
    w = link({"weekday": rng.choice(("weekday", "day of the week")), "month": "month", "year": "year", "quarter": "quarter"}[p], d.name)
    pre = "on which" if p == "weekday" else "in which"
    forms = [f"which {w} had the {word} {m}"] * 3 + [f"{w} with the {word} {m}", f"what {w} had the {word} {m}", f"{pre} {w} was the {m} {'lowest' if low else 'highest'}", f"find the {w} with the {word} {m}", f"what was the {w} with the {word} {m}",
            f"the {word} {m} and its {w}", f"what was the {word} {m} of any {w} and which {w} was it"]
    if y == "count":
        rs = plural(x.row)
        mr = link(rs, "rows")
        f = "fewest" if low else "most"
        forms = [f"which {w} had the {f} {mr}", f"{pre} {w} were there the {f} {mr}", f"{w} with the {f} {mr}", f"what {w} had the {f} {mr}"]
        s = f"the number of {rs}"
    form = x.filtered(rng.choice(forms))
    noun, said = x.clean(s.removeprefix("the ")), x.clean(x.said_tail)
    script = f"t = {x.read()}:{p}({q(d.name)}):group({q(p)}){agg}:{'bottom' if low else 'top'}(1, {q(y)})\nprint(t)"

    def answer(obs):
        k, v = one_row(obs, (p, y))
        return f"{k} had the {'lowest' if low else 'highest'} {noun}{said}: {v}." + notes(obs)
    return question(x, form, script, answer)


def period_table(x):
    d = x.date()
    maybe_filter(x, 0.15, ("value", "number"))
    m, agg, y, t, s = period_measure(x)
    p = period_of(x, d, ("month", "year", "year", "weekday", "quarter", "month_name"))
    core = period_words(x, d, p, m)
    form = x.filtered(x.rng.choice(["list the {c}", "{c}", "what is the {c}", "give me the {c}", "table of {c}", "calculate the {c}", "{c} as a table", "tell me the {c}"]).format(c=core))
    return question(x, form, f"t = {x.read()}:{p}({q(d.name)}):group({q(p)}){agg}{after_period(p)}\nprint(t)", list_answer(cap(x.clean(f"{s} per {PERIODS[p][2]}{x.said_tail}"))))


def top_rows(x):
    rng = x.rng
    maybe_filter(x, 0.2)
    c, y = label_column(x), x.number()
    n = rng.choice((2, 3, 3, 3, 5, 5, 10, 4))
    need(n < x.f.table.rows())
    low = rng.random() < 0.25
    say, ys = x.say(c), x.say(y)
    need(not is_clause(x.clean(say)))
    many, m = link(plural(say) if not say.startswith("\x04") else say, c.name), link(ys, y.name)
    k, w = n_words(rng, n), "bottom" if low else "top"
    adj = adjectives(y)
    forms = [f"{w} {k} {many} by {m}", f"what are the {w} {k} {many} by {m}", f"which {k} {many} have the {'lowest' if low else 'highest'} {m}", f"list the {k} {many} with the {rng.choice(LOW_ADJ if low else HIGH_ADJ)} {m}", f"the {k} {many} with the {'lowest' if low else 'highest'} {m}"]
    if adj:
        forms += [f"the {k} {link(adj[2 if low else 1], y.name)} {many}", f"what are the {k} {link(adj[2 if low else 1], y.name)} {many}"]
    form = x.filtered(rng.choice(forms))
    name = plural(noun_of(x, c, say))
    script = f"t = {x.read()}:{w}({n}, {q(y.name)})\nprint(t:select({q(c.name)}, {q(y.name)}))"
    return question(x, form, script, list_answer(f"The {w} {n} {x.clean(name)} by {x.clean(noun_of(x, y, ys) + x.said_tail)}"))


def distinct(x):
    rng = x.rng
    maybe_filter(x, 0.15)
    c = x.column(("category", "entity"), lambda c: len(c.values) >= 2)
    say = x.say(c)
    need(not is_clause(x.clean(say)))
    many = link(plural(say) if not say.startswith("\x04") else say, c.name)
    if rng.random() < 0.55:
        form = rng.choice([f"how many different {many} are there", f"how many {many} are there", f"number of distinct {many}", f"count the different {many}", f"how many unique {many} do we have", f"how many distinct {many}", f"number of different {many}"])
        name, said = plural(noun_of(x, c, say)), x.clean(x.said_tail)
        return question(x, x.filtered(form), f"print({x.read()}:distinct({q(c.name)}))", lambda obs: f"There are {scalar(obs)} different {name}{said}.")
    form = rng.choice([f"which {many} are there", f"list all {many}", f"what {many} occur", f"list the different {many}", f"all {many}", f"show the unique {many}", f"what are the {many}", f"which {many} do we have", f"name all {many}"])
    return question(x, x.filtered(form), f"t = {x.read()}:unique({q(c.name)})\nprint(t)", list_answer(cap(plural(noun_of(x, c, say))) + x.clean(x.said_tail)))


def share_one(x):
    """The share of one value in percent."""
    rng = x.rng
    c = x.category(limit=14, test=lambda c: c.kind == "category")
    v = rng.choice(c.values)
    words = x.value_words(c, v)
    m = link(words, f"{c.name}:{v}")
    said = x.clean(words)
    where = f':where({q(c.name)}, "==", {q(v)})'
    pct = rng.choice(("percentage", "percentage", "share", "percent", "proportion", "what percent", "fraction in percent"))
    if rng.random() < 0.6:
        rs = plural(x.row)
        mr = link(rs, "rows")
        form = rng.choice([f"what {pct} of {mr} is {m}", f"what {pct} of the {mr} are {m}", f"what share of the {mr} is {m}", f"share of {m} among all {mr} in percent", f"{pct} of {mr} with {x.say(c)} {m}", f"how many percent of the {mr} are {m}",
                           f"which {pct} of {mr} belongs to {m}", f"{m} {mr} as a percentage of all", f"what percentage do {m} {mr} make up"]).replace("what what", "what").replace("which what", "what")
        script = f"t = data.read({q(x.f.path)})\nprint(t{where}:count() / t:count() * 100)"
        return question(x, form, script, lambda obs: f"The share of {said} among the {rs} is {scalar(obs)} %.")
    y = x.number(lambda c: c.additive)
    ys = x.say(y)
    my = link(ys, y.name)
    form = rng.choice([f"what percentage of the total {my} comes from {m}", f"what share of {my} is from {m}", f"{m}'s share of total {my} in percent", f"how many percent of the {my} come from {m}", f"what percent of {my} is due to {m}",
                       f"share of {m} in the total {my}, in percent", f"what part of the {my} in percent belongs to {m}", f"{pct} of the {my} for {m}"]).replace("what percent of the", "what percent of the")
    script = f"t = data.read({q(x.f.path)})\nprint(t{where}:sum({q(y.name)}) / t:sum({q(y.name)}) * 100)"
    name = noun_of(x, y, ys)
    return question(x, form, script, lambda obs: f"The share of {said} in the total {name} is {scalar(obs)} %.")


def share_table(x):
    rng = x.rng
    maybe_filter(x, 0.12)
    c = x.category(limit=12, test=lambda c: c.kind == "category")
    say = x.say(c)
    need(not is_clause(x.clean(say)))
    one, many, name = link(say, c.name), link(plural(say) if not say.startswith("\x04") else say, c.name), noun_of(x, c, say)
    pc = rng.choice(("in percent", "as percentages", "in %", "(percent)", "as a percentage", "in percent"))
    if rng.random() < 0.5:
        m = link(plural(x.row), "rows")
        agg, y, what = ":count()", "count", strip_marks(m)
        form = rng.choice([f"share of each {one} {pc}", f"what share of the {m} does each {one} have, {pc}", f"{pc} shares of the {many}" if False else f"shares of the {many} {pc}", f"percentage of {m} per {one}", f"{one} shares {pc}", f"what percentage of {m} falls on each {one}", f"{m} by {one} {pc}"])
    else:
        col = x.number(lambda c: c.additive)
        ys = x.say(col)
        m = link(rng.choice((ys, f"total {ys}")), col.name)
        agg, y, what = f":sum({q(col.name)})", col.name, noun_of(x, col, ys)
        form = rng.choice([f"share of each {one} in {m} {pc}", f"{m} per {one} {pc}", f"percentage of {m} per {one}", f"what share of the {m} does each {one} have, {pc}", f"each {one}'s share of {m} {pc}", f"{m} shares by {one} {pc}"])
    chart = rng.random() < 0.3
    chain = f":group({q(c.name)}){agg}:share({q(y)})"
    title = f"Share of {what} per {name}"
    if chart:
        core = re.sub("^what (share|percentage)", r"the \1", form).replace(" does each ", " of each ").replace(" have,", "") if form.startswith("what") else form
        return finish_chart(x, "bar", core, chain, [("x", c.name), ("y", "share")], title + " in percent", f"the share of {what} per {name} in percent", generic=False)
    form = x.filtered(form)
    if not form.startswith("what") and rng.random() < 0.5:
        form = rng.choice(("list the ", "give me the ", "what is the ", "calculate the ", "tell me the ")) + form
    return question(x, form, f"t = {x.read()}{chain}\nprint(t)", list_answer(f"{title}{x.clean(x.said_tail)} in percent", skip=(y,)))


def missing(x):
    rng = x.rng
    found = [c for c in x.f.columns if None in x.f.data(c)]
    need(found or rng.random() < 0.1)
    c = rng.choice(found or x.f.columns)
    x.used.append(c)
    say = x.say(c)
    rs = plural(x.row)
    form = rng.choice([f"how many {link(say, c.name)} values are missing", f"how many {rs} have no {link(say, c.name)}", f"how often is {link(say, c.name)} missing", f"number of missing values in {link(say, c.name)}", f"how many missing {link(say, c.name)} entries are there",
                       f"count the empty {link(say, c.name)} cells", f"how many {rs} lack a {link(say, c.name)}"])
    name = noun_of(x, c, say)
    return question(x, form, f"print({x.read()}:missing({q(c.name)}))", lambda obs: f"The number of missing values of {name} is {scalar(obs)}.")


def date_range(x):
    rng = x.rng
    maybe_filter(x, 0.15, ("value", "entity"))
    d = x.date()
    say = x.say(d)
    m = link(say, d.name)
    r = rng.random()
    rs = x.row
    if r < 0.4:
        form = rng.choice([f"which {link('period', d.name)} does the data cover", f"from {link('when', d.name)} to when do the data go", f"the first and last {m}", f"what {link('date range', d.name)} is covered", f"{link('time span', d.name)} of the data", f"what are the earliest and the latest {m}"])
        script = f"t = {x.read()}\nprint(t:min({q(d.name)}), t:max({q(d.name)}))"

        def answer(obs):
            v = re.fullmatch(r"(\d{4}-\d\d-\d\d(?: \S+)?) (\d{4}-\d\d-\d\d(?: \S+)?)", lines_of(obs)[-1])
            need(v)
            return f"The dates go from {v[1]} to {v[2]}."
    else:
        first = r < 0.7
        form = rng.choice([f"what is the {'earliest' if first else 'latest'} {m}", f"{link('when', d.name)} was the {'first' if first else 'last'} {rs}", f"{'first' if first else 'most recent'} {m}", f"{'earliest' if first else 'newest'} {link('date', d.name)}"])
        script = f"print({x.read()}:{'min' if first else 'max'}({q(d.name)}))"
        answer = lambda obs: f"The {'earliest' if first else 'latest'} date is {scalar(obs)}."
    return question(x, x.filtered(form), script, answer)


def compare_values(x):
    """One aggregate for two values of a category and the difference."""
    rng = x.rng
    c = x.category(limit=14, test=lambda c: c.kind == "category" and len(c.values) >= 2)
    u, v = rng.sample(c.values, 2)
    wu, wv = x.value_words(c, u), x.value_words(c, v)
    mu, mv = link(wu, f"{c.name}:{u}"), link(wv, f"{c.name}:{v}")
    if rng.random() < 0.25:
        rs = plural(x.row)
        m, agg, s = link(rng.choice((f"number of {rs}", rs)), "rows"), ":count()", f"the number of {rs}"
    else:
        y = x.number()
        a = x.agg(y, ["mean"] * 4 + ["sum"] * 3 if y.additive else ["mean"] * 4 + ["median"])
        m, t, s = x.measure(y, a, bare=0)
        need(not is_clause(strip_marks(m)))
        agg = f":{a}({q(y.name)})"
    form = rng.choice([f"what is the difference in {m} between {mu} and {mv}", f"compare the {m} of {mu} and {mv}", f"difference of {m} between {mu} and {mv}", f"how much does the {m} differ between {mu} and {mv}", f"{m} of {mu} compared with {mv}",
                       f"{m}: {mu} vs {mv}", f"compare {mu} and {mv} by {m}", f"is the {m} higher for {mu} or for {mv}", f"who has more, {mu} or {mv}, by {m}" if False else f"{mu} or {mv}: which has the higher {m}"])
    script = (f"t = data.read({q(x.f.path)})\na = t:where({q(c.name)}, \"==\", {q(u)}){agg}\nb = t:where({q(c.name)}, \"==\", {q(v)}){agg}\nprint(a, b, a - b)")
    cu, cv = x.clean(wu), x.clean(wv)

    def answer(obs):
        a, b, d = scalar(obs).split(" ")
        return f"{cap(x.clean(s))} is {a} for {cu} and {b} for {cv}, a difference of {d}."
    return question(x, form, script, answer)


def lookup(x):
    """A value of one named row."""
    rng = x.rng
    f = x.f
    n = f.table.rows()
    e = x.column(("entity", "category"), lambda c: len(set(f.data(c))) == n and None not in f.data(c))
    v = rng.choice(f.data(e))
    y = x.column(("number", "category", "date"), lambda c: not c.role)
    ys = x.say(y)
    need(not is_clause(x.clean(ys)))
    words = x.entity_words(v) if e.kind == "entity" else x.value_words(e, v)
    m, mv = link(ys, y.name), link(words, f"{e.name}:{v}")
    form = rng.choice([f"what is the {m} of {mv}", f"{m} of {mv}", f"what {m} does {mv} have", f"tell me the {m} of {mv}", f"{mv} {m}", f"look up the {m} for {mv}", f"what is {mv}'s {m}", f"give me the {m} of {mv}"])
    name = noun_of(x, y, ys)

    def answer(obs):
        k, w = one_row(obs, (e.name, y.name))
        need(w != "missing")
        return f"The {name} of {x.clean(words)} is {w}."
    script = f"t = data.read({q(f.path)}):where({q(e.name)}, \"==\", {q(v)})\nprint(t:select({q(e.name)}, {q(y.name)}))"
    return question(x, form, script, answer)


def list_rows(x):
    """The rows that meet a condition."""
    rng = x.rng
    flt = x.pick_filter(("number", "number", "value", "boolean"))
    c = label_column(x)
    say = x.say(c)
    need(not is_clause(x.clean(say)))
    many = link(plural(say) if not say.startswith("\x04") else say, c.name)
    cl = rng.choice(flt.clauses)
    form = rng.choice([f"list the {many} {cl}", f"which {many} are there {cl}", f"show all {many} {cl}", f"{many} {cl}", f"give me the {many} {cl}"])
    cols = [c.name] + ([flt.column.name] if flt.column.kind == "number" else [])
    script = f"t = {x.read()}\nprint(t:select({', '.join(q(n) for n in cols)}))"

    def answer(obs):
        need(len(lines_of(obs)) > 1 or ": " in obs)
        return list_answer(cap(x.clean(plural(noun_of(x, c, say)) + x.said_tail)))(obs)
    return question(x, form, script, answer)


def derived(x):
    """A difference, sum or ratio of two columns."""
    rng = x.rng
    maybe_filter(x, 0.1, ("value",))
    a, b = x.number(), x.number()
    sa, sb = x.say(a), x.say(b)
    na, nb = noun_of(x, a, sa), noun_of(x, b, sb)
    ma, mb = link(sa, a.name), link(sb, b.name)
    how = rng.choice(("ratio", "ratio", "difference", "percent"))
    name = how
    expr = {"ratio": f"[{a.name}] / [{b.name}]", "difference": f"[{a.name}] - [{b.name}]", "percent": f"[{a.name}] / [{b.name}] * 100"}[how]
    need(not re.search(r"[\]\[]", a.name + b.name))
    phrase = {"ratio": rng.choice((f"ratio of {ma} to {mb}", f"{ma} divided by {mb}", f"ratio between {ma} and {mb}")),
              "difference": rng.choice((f"difference between {ma} and {mb}", f"{ma} minus {mb}", f"{ma} less {mb}")),
              "percent": rng.choice((f"{ma} as a percentage of {mb}", f"{ma} in percent of {mb}"))}[how]
    said = {"ratio": f"{na} divided by {nb}", "difference": f"{na} minus {nb}", "percent": f"{na} in percent of {nb}"}[how]
    if rng.random() < 0.5:
        c = x.category(limit=10, test=lambda c: c.kind == "category")
        say = x.say(c)
        need(not is_clause(x.clean(say)))
        core = f"average {phrase} {rng.choice(('per', 'by', 'for each'))} {link(say, c.name)}"
        chain = f":derive({q(name)}, {q(expr)}):group({q(c.name)}):mean({q(name)})"
        k = noun_of(x, c, say)
        if rng.random() < 0.6:
            return finish_chart(x, "bar", core, chain, [("x", c.name), ("y", name)], f"Average {said} per {k}", f"the average {said} per {k}", generic=False)
        return question(x, x.filtered(rng.choice(ASK).format(m=core)), f"t = {x.read()}{chain}\nprint(t)", list_answer(cap(x.clean(f"the average {said} per {k}{x.said_tail}"))))
    form = x.filtered(rng.choice(ASK).format(m=f"average {phrase}"))
    tail = x.clean(x.said_tail)
    return question(x, form, f"print({x.read()}:derive({q(name)}, {q(expr)}):mean({q(name)}))", lambda obs: f"The average {said}{tail} is {scalar(obs)}.")


# Several files -----------------------------------------------------------------------------------------------------

def yearly(x):
    need(x.w.kind == "yearly")
    return x.w.tables


def union_of(files):
    return f"data.union({', '.join(q(f.path) for f in files)})"


def both_words(x, files):
    """Words for two or three files, each linked."""
    rng = x.rng
    stems = [f.path.rsplit(".", 1)[0] for f in files]
    r = rng.random()
    if x.w.how == "year" and r < 0.55:
        names = [keep(f.tag) for f in files]
    elif x.w.how == "place" and r < 0.4 and all(len(f.tag) > 2 for f in files):
        names = [cap(f.tag) for f in files]
    elif r < 0.7:
        names = [keep(f.path) for f in files]
    else:
        names = [keep(s) for s in stems]
    names = [link(n, f.path) for n, f in zip(names, files)]
    return ", ".join(names[:-1]) + f" and {names[-1]}"


def every(x, files):
    """Words for all files together, linked or not."""
    rng = x.rng
    if rng.random() < 0.4:
        text = {2: rng.choice(("both files", "both files together", "the two files")), 3: rng.choice(("all files", "the three files", "all three files"))}[len(files)]
        return link(text, files[0].path)
    return both_words(x, files)


def total_each(x):
    """One number per file."""
    rng = x.rng
    files = yearly(x)
    maybe_filter(x, 0.15, ("value",))
    high = rng.random() < 0.3
    m, agg, y, t, s = group_measure(x, high)
    need(not is_clause(strip_marks(m)))
    both = both_words(x, files)
    per = {"year": "year"}.get(x.w.how, "file")
    forms = [f"{m} in {both}", f"{m} of {both}", f"compare {m} of {both}", f"compare {m} in {both}", f"{m} for {both}", f"compare {both} by {m}"]
    chart = rng.random() < 0.7 and not high
    chain = f"{x.where}:group(\"file\"){agg}"
    if chart:
        core = rng.choice(forms)
        core = re.sub("^compare ", "", core) if rng.random() < 0.5 and "by " not in core else core
        if core.startswith("compare"):
            text = x.filtered(core) + rng.choice((" in a bar chart", " as bars", " with a bar chart", " in a chart"))
            return finish_chart(x, "bar", core, chain, [("x", "file"), ("y", y)], f"{t} per {per}", f"{s} per {per}", source=union_of(files), mention=False, text=text)
        return finish_chart(x, "bar", core, chain, [("x", "file"), ("y", y)], f"{t} per {per}", f"{s} per {per}", source=union_of(files), mention=False)
    if high:
        low = rng.random() < 0.25
        which = rng.choice(("which file", "which one")) if per == "file" or rng.random() < 0.3 else "which year"
        form = rng.choice((f"{which} has the {'lowest' if low else 'highest'} {m}, {both}", f"{both}: {which} had the {'lower' if low else 'higher'} {m}", f"{which} had the {'lowest' if low else 'highest'} {m}: {both}"))
        form = x.filtered(form)
        noun, said = x.clean(s.removeprefix("the ")), x.clean(x.said_tail)

        def answer(obs):
            k, v = one_row(obs, ("file", y))
            return f"{k} has the {'lowest' if low else 'highest'} {noun}{said}: {v}."
        return Built(form, f"t = {union_of(files)}{chain}:{'bottom' if low else 'top'}(1, {q(y)})\nprint(t)", answer, True)
    form = x.filtered(rng.choice(forms + [f"what is the {m} in {both}"]))
    return Built(form, f"t = {union_of(files)}{chain}\nprint(t)", list_answer(cap(x.clean(f"{s} per {per}{x.said_tail}"))), form.startswith("what"))


def union_groups(x):
    """A measure per category in every file, or over all files."""
    rng = x.rng
    files = yearly(x)
    c = x.category(limit=8, test=lambda c: c.kind == "category")
    m, agg, y, t, s = group_measure(x)
    core, tt, st = x.group_words(c, m)
    if rng.random() < 0.6:
        both = both_words(x, files)
        core = rng.choice((f"{core} in {both}", f"{core}, {both} side by side", f"{core} for {both}", f"{core}, comparing {both}", f"{core} of {both} compared"))
        return finish_chart(x, "bar", core, f":group({q(c.name)}, \"file\"){agg}", [("x", c.name), ("y", y), ("color", "file")], f"{t} {tt} and file", f"{s} {st} and file", source=union_of(files), mention=False)
    both = every(x, files)
    core = rng.choice((f"{core} over {both} together", f"{core} in {both} combined", f"{core} from {both} taken together", f"{core}, {both} combined"))
    core = core.replace("together together", "together")
    if rng.random() < 0.6:
        return finish_chart(x, "bar", core, f":group({q(c.name)}){agg}", [("x", c.name), ("y", y)], f"{t} {tt}, all files", f"{s} {st} over all files", source=union_of(files), mention=False)
    return Built(rng.choice(("list the ", "", "what is the ", "give me the ")) + core, f"t = {union_of(files)}:group({q(c.name)}){agg}\nprint(t)", list_answer(cap(x.clean(f"{s} {st} over all files"))))


def union_total(x):
    rng = x.rng
    files = yearly(x)
    maybe_filter(x, 0.3, ("value", "number"))
    both = every(x, files)
    if rng.random() < 0.4:
        rs = plural(x.row)
        form = rng.choice((f"{link('how many', 'rows')} {rs} are there in {both}", f"{link(f'number of {rs}', 'rows')} in {both} together", f"{link('how many', 'rows')} {rs} do {both} have in total"))
        agg, s = ":count()", f"the number of {rs}"
    else:
        y = x.number()
        a = x.agg(y, ["sum"] * 4 + ["mean", "max"] if y.additive else ["mean"] * 4 + ["max", "min"])
        m, t, s = x.measure(y, a, bare=0)
        form = rng.choice(ASK).format(m=m) if not is_clause(strip_marks(m)) else m
        form = f"{form} {rng.choice(('over', 'in', 'across', 'of'))} {both}{rng.choice((' combined', ' together', '', ''))}".replace("together together", "together").replace("together combined", "together")
        agg = f":{a}({q(y.name)})"
    form = x.filtered(form)
    said = x.clean(s + x.said_tail)
    return Built(form, f"print({union_of(files)}{x.where}{agg})", lambda obs: f"{cap(said)} over all files is {scalar(obs)}.", form.startswith(("what", "how")))


def top_each(x):
    """The n largest of each file."""
    rng = x.rng
    files = yearly(x)
    n = rng.choice((2, 3, 3, 3, 4, 5, 5, 10))
    k = n_words(rng, n)
    names = [c for c in x.f.columns if c.kind == "entity" and all(len(set(f.data(c))) == f.table.rows() for f in files)]
    if names:
        need(all(n < f.table.rows() for f in files))
        c = names[0]
        x.used.append(c)
        y = x.number()
        ys = x.say(y)
        # With one column of numbers "top 10 names" needs no word for it.
        only = sum(o.kind == "number" and not o.role for o in x.f.columns) == 1
        m, y, chain, t = None if only and rng.random() < 0.5 else link(ys, y.name), y.name, "", noun_of(x, y, ys)
    else:
        c = x.category(limit=14, test=lambda c: c.kind == "category" and len(c.values) > n)
        m, agg, y, t, s = group_measure(x, True)
        need(not agg.startswith((":max", ":min")) and not is_clause(strip_marks(m)))
        chain = f":group(\"file\", {q(c.name)}){agg}"
        t = s.removeprefix("the ")
    say = x.say(c)
    need(not is_clause(x.clean(say)))
    many = link(plural(say) if not say.startswith("\x04") else say, c.name)
    both = both_words(x, files)
    each = rng.choice(("of each file", "from each file", "in every file", "of each", "each", "for each file")) if rng.random() < 0.4 else ""
    if m is None:
        core = rng.choice((f"top {k} {many} of {both}", f"the top {k} {many} in {both}", f"{k} biggest {many} of {both}", f"top {k} {many} of {both} compared", f"top {k} {many}, {both}", f"{both}: top {k} {many}"))
    elif each:
        core = rng.choice((f"top {k} {many} by {m} {each}, {both}", f"the {k} {many} with the highest {m} {each}: {both}", f"{both}: top {k} {many} by {m} {each}"))
    else:
        core = rng.choice((f"top {k} {many} by {m} in {both}", f"the {k} {many} with the highest {m} in {both}", f"the top {k} {many} of {both} by {m}", f"top {k} {many} of {both} by {m}"))
    name = plural(noun_of(x, c, say))
    chain = f"{chain}:top({n}, {q(y)}, \"file\")"
    if rng.random() < 0.6:
        core += rng.choice(("", "", ", colored by file", ", one colour per file", ", coloured by year" if x.w.how == "year" else ""))
        text = None
        if rng.random() < 0.3 and not core.startswith("\x01"):
            text = f"{rng.choice(('compare', 'compare', 'put side by side', 'set against each other'))} {core}{rng.choice((' in a bar chart', ' as bars', ' in a chart', ' with a chart', ' in a grouped bar chart', ' as a chart'))}"
        return finish_chart(x, "bar", core, chain, [("x", c.name), ("y", y), ("color", "file")], f"Top {n} {name} by {t} in each file", f"the top {n} {name} by {t} in each file", source=union_of(files), mention=False, text=text)
    cols = ["file", c.name, y]
    return Built(rng.choice(("list the ", "", "what are the ", "give me the ", "show the ")) + core.removeprefix("the "), f"t = {union_of(files)}{chain}\nprint(t:select({', '.join(map(q, cols))}))", list_answer(x.clean(f"The top {n} {name} by {t} in each file")))


def in_both(x):
    """Names that occur in both files, or how a value changed between them."""
    rng = x.rng
    files = yearly(x)
    need(len(files) == 2)
    c = next((c for c in x.f.columns if c.kind == "entity" and all(len(set(f.data(c))) == f.table.rows() for f in files)), None)
    need(c)
    x.used.append(c)
    a, b = files
    both = both_words(x, files)
    say = x.say(c)
    many, one = link(plural(say) if not say.startswith("\x04") else say, c.name), link(say, c.name)
    name = noun_of(x, c, say)
    join = f"data.read({q(a.path)}):join(data.read({q(b.path)}), {q(c.name)})"
    r = rng.random()
    if r < 0.35:
        form = rng.choice((f"how many {many} are in both {both}", f"number of {many} that occur in {both}", f"how many {many} do {both} have in common"))
        return Built(form, f"print({join}:count())", lambda obs: f"The number of {plural(name)} in both files is {scalar(obs)}.", form.startswith("how"))
    if r < 0.5:
        form = rng.choice((f"which {many} are in both {both}", f"list the {many} that occur in {both}", f"common {many} of {both}"))
        return Built(form, f"t = {join}:unique({q(c.name)})\nprint(t)", list_answer(f"{cap(plural(name))} in both files"), form.startswith("which"))
    y = x.number()
    ys = x.say(y)
    m, yn = link(ys, y.name), noun_of(x, y, ys)
    need(not re.search(r"[\]\[]", y.name))
    chain = f":derive(\"change\", {q(f'[{y.name}_2] - [{y.name}]')})"
    if r < 0.8:
        low = rng.random() < 0.3
        form = rng.choice((f"which {one} had the biggest {'drop' if low else 'increase'} in {m} between {both}", f"the {one} whose {m} {'fell' if low else 'grew'} the most from {both}", f"{one} with the largest {'decrease' if low else 'rise'} of {m} between {both}"))

        def answer(obs):
            k, v = one_row(obs, (c.name, "change"))
            return f"{k} has the largest {'decrease' if low else 'increase'} of {yn}: {v}."
        return Built(form, f"t = {join}{chain}:{'bottom' if low else 'top'}(1, \"change\")\nprint(t:select({q(c.name)}, \"change\"))", answer, form.startswith("which"))
    core = rng.choice((f"change in {m} per {one} between {both}", f"change of {m} from {both} for each {one}", f"difference in {m} between {both} by {one}"))
    return finish_chart(x, "bar", core, chain, [("x", c.name), ("y", "change")], f"Change in {yn} per {name}", f"the change in {yn} per {name}", source=join, mention=False)


def joined(x):
    """Main table grouped or filtered by a column of the other table."""
    rng = x.rng
    w = x.w
    need(w.kind == "join")
    source = f"data.read({q(w.main.path)}):join(data.read({q(w.other.path)}), {q(w.key.name)})"
    c = rng.choice([c for c in w.other.columns if c.kind == "category" and c.name != w.key.name and len(c.values) >= 2] or [None])
    need(c)
    high = rng.random() < 0.3
    m, agg, y, t, s = group_measure(x, high)
    need(not is_clause(strip_marks(m)))
    say = rng.choice(c.says + [plain_name(c.name)])
    one, name = link(say, c.name), x.clean(say)
    tail = ""
    if rng.random() < 0.3:
        tail = rng.choice((f" of the {plural(x.say(w.key))}", f" (see {link(keep(w.other.path), w.other.path)})", f", using {link(keep(w.other.path), w.other.path)}", f" from {link(keep(w.other.path), w.other.path)}"))
    r = rng.random() if not high else 0.7
    if r < 0.5:
        core = rng.choice((f"{m} per {one}{tail}", f"{m} by {one}{tail}", f"{m} for each {one}{tail}"))
        kind = "pie" if y == "count" and rng.random() < 0.25 else "bar"
        return finish_chart(x, kind, core, f":group({q(c.name)}){agg}", [("x", c.name), ("y", y)], f"{t} per {name}", f"{s} per {name}", source=source, mention=False, generic=kind == "bar")
    if not high and r < 0.75:
        core = rng.choice((f"{m} per {one}{tail}", f"{m} by {one}{tail}", f"{m} for each {one}{tail}"))
        return Built(rng.choice(("list the ", "", "what is the ", "give me the ")) + core, f"t = {source}:group({q(c.name)}){agg}\nprint(t)", list_answer(cap(x.clean(f"{s} per {name}"))))
    if high:
        low = rng.random() < 0.3
        form = f"which {one} has the {'lowest' if low else 'highest'} {m}{tail}"
        noun = x.clean(s.removeprefix("the "))

        def answer(obs):
            k, v = one_row(obs, (c.name, y))
            return f"{k} has the {'lowest' if low else 'highest'} {noun}: {v}." + notes(obs)
        return Built(form, f"t = {source}:group({q(c.name)}){agg}:{'bottom' if low else 'top'}(1, {q(y)})\nprint(t)", answer, True)
    v = rng.choice(c.values)
    f = rng.choice((f"for {one} {link(v, f'{c.name}:{v}')}", f"where the {one} is {link(v, f'{c.name}:{v}')}", f"for the {one} {link(keep(v), f'{c.name}:{v}')}"))
    return Built(rng.choice(ASK).format(m=m) + f" {f}", f"print({source}:where({q(c.name)}, \"==\", {q(v)}){agg})", lambda obs: f"{cap(x.clean(s))} for {name} {v} is {scalar(obs)}.")


# Files -------------------------------------------------------------------------------------------------------------

def new_name(x, stems, ext="csv"):
    rng = x.rng
    for _ in range(5):
        stem = re.sub(r"[^A-Za-z0-9_-]", "", rng.choice(stems))[:50] or "out"
        name = f"{stem}.{ext}"
        if name not in x.w.files:
            return name
    raise Skip


def saved_answer(what):
    def answer(obs):
        m = re.fullmatch(r"(\S+): (\d+ rows?)", lines_of(obs)[-1])
        need(m)
        return f"{m[1]} holds {what} ({m[2]})." + notes(obs)
    return answer


INTO = ["save {it} as {s}", "save {it} as {s}", "save {it} to {s}", "write {it} to {s}", "write {it} into {s}", "export {it} to {s}", "export {it} as {s}", "put {it} into {s}", "store {it} in {s}", "create {s} with {it}", "make a file {s} with {it}",
        "i need {s} with {it}", "please save {it} in {s}", "can you write {it} to {s}", "generate {s} from {it}", "make {s} containing {it}", "dump {it} to {s}"]


def convert(x):
    rng = x.rng
    f = x.f
    stem = f.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    ext = "json" if f.path.endswith((".csv", ".tsv")) else "csv"
    name = f"{stem}.{ext}" if rng.random() < 0.75 else new_name(x, [stem + "_new", "converted", "out", "export", "copy"], ext)
    need(name not in x.w.files and re.fullmatch(r"[A-Za-z0-9_-]+\.\w+", name))
    me = link(keep(f.path), f.path) if rng.random() < 0.8 or len(x.w.tables) > 1 else link("the table", f.path)
    explicit = name != f"{stem}.{ext}" or rng.random() < 0.3
    kind = rng.choice((ext, ext.upper()))
    if explicit:
        form = rng.choice([f"convert {me} to {keep(name)}", f"save {me} as {keep(name)}", f"turn {me} into {kind}, name it {keep(name)}", f"export {me} to {keep(name)}", f"write {me} as {kind} to {keep(name)}", f"copy {me} to {keep(name)}"])
    else:
        form = rng.choice([f"convert {me} to {kind}", f"convert {me} to {kind}", f"turn {me} into {kind}", f"turn {me} into a {kind} file", f"save {me} as {kind}", f"make a {kind} version of {me}", f"export {me} as {kind}", f"i need {me} as {kind}", f"{me} as {kind} please",
                           f"{me} to {kind}", f"please convert {me} into {kind}", f"write {me} as {kind}", f"can you give me {me} in {kind} format", f"transform {me} to {kind}", f"change the format of {me} to {kind}"])
    return Built(form, f"data.read({q(f.path)}):save({q(name)})", saved_answer(f"the rows of {f.path}"), form.startswith("can"))


def save_rows(x):
    """Filtered, sorted, cut or cleaned rows into a file."""
    rng = x.rng
    f = x.f
    rs = plural(x.row)
    how = rng.choice(("filter", "filter", "filter", "sort", "top", "columns", "known"))
    ext = rng.choice(("csv", "csv", "csv", "json"))
    stems = ["out", "result", "selection", f"{words_of(rs)[0]}_selected", "filtered", "export"]
    if how == "filter":
        flt = x.pick_filter()
        v = x.clean(x.title_tail).strip(", ").lower()
        stem = re.sub(r"[^a-z0-9]+", "_", v.encode("ascii", "ignore").decode()).strip("_")
        if stem and len(stem) < 20:
            stems += [stem] * 4
        it = f"the {link(rs, f.path) if rng.random() < 0.3 else rng.choice((rs, 'rows'))} {rng.choice(flt.clauses)}"
        chain, what = x.where, f"the {rs}{x.clean(flt.said)}"
    elif how == "sort":
        c = x.column(("number", "date", "category", "entity"))
        say = x.say(c)
        need(not is_clause(x.clean(say)))
        down = rng.random() < 0.4
        m = link(say, c.name)
        it = rng.choice((f"the {rs} sorted by {m}", f"the table sorted by {m}", f"the rows ordered by {m}")) + (rng.choice((" descending", ", highest first", " from high to low", " in descending order")) if down else "")
        if c.kind in ("category", "entity", "date"):
            it = it.replace(", highest first", " descending").replace(" from high to low", " in descending order")
        chain, what = f":sort({q(c.name)}" + (', "desc")' if down else ")"), f"the {rs} sorted by {noun_of(x, c, say)}"
        stems += ["sorted", "sorted_" + words_of(c.name)[0]]
    elif how == "top":
        y = x.number()
        n = rng.choice((3, 5, 10, 10, 20))
        need(n < f.table.rows())
        say = x.say(y)
        it = rng.choice((f"the {n_words(rng, n)} {rs} with the highest {link(say, y.name)}", f"the top {n_words(rng, n)} {rs} by {link(say, y.name)}"))
        chain, what = f":top({n}, {q(y.name)})", f"the {n} {rs} with the highest {noun_of(x, y, say)}"
        stems += [f"top{n}", f"top_{n}", "best"]
    elif how == "known":
        c = rng.choice([c for c in f.columns if None in f.data(c)] or [None])
        need(c)
        x.used.append(c)
        say = x.say(c)
        m = link(say, c.name)
        it = rng.choice((f"the {rs} that have a {m}", f"only the rows where {m} is not missing", f"all rows with a known {m}", f"the rows without missing {m}"))
        chain, what = f":known({q(c.name)})", f"the rows with a known {noun_of(x, c, say)}"
        stems += ["clean", "cleaned", "complete"]
    else:
        a, b = x.column(("number", "date", "category", "entity", "boolean")), x.column(("number", "date", "category", "entity"))
        cols, says = [a, b], [x.say(a), x.say(b)]
        need(not any(is_clause(x.clean(s)) for s in says))
        it = rng.choice(("only the columns {a} and {b}", "just {a} and {b}", "the {a} and {b} columns", "{a} and {b} only")).format(a=link(says[0], a.name), b=link(says[1], b.name))
        chain, what = f":select({q(a.name)}, {q(b.name)})", f"the columns {a.name} and {b.name}"
        stems += ["small", "columns", "subset"]
    name = new_name(x, stems, ext)
    form = x.mention(rng.choice(INTO).format(it=it, s=keep(name)), 0.3)
    return Built(form, f"data.read({q(f.path)}){chain}:save({q(name)})", saved_answer(what), form.startswith("can"))


def save_groups(x):
    rng = x.rng
    maybe_filter(x, 0.12)
    if rng.random() < 0.35:
        d = x.date()
        m, agg, y, t, s = period_measure(x)
        p = period_of(x, d, ("month", "year"))
        core, chain, what = period_words(x, d, p, m), f":{p}({q(d.name)}):group({q(p)}){agg}:sort({q(p)})", f"{s} per {PERIODS[p][2]}"
        stems = [f"by_{p}", "monthly" if p == "month" else "yearly", "summary", f"per_{p}"]
    else:
        c = x.category()
        m, agg, y, t, s = group_measure(x)
        core, tt, st = x.group_words(c, m)
        chain, what = f":group({q(c.name)}){agg}", f"{s} {st}"
        stems = ["by_" + words_of(c.name)[0], "summary", "counts" if y == "count" else "totals" if ":sum" in agg else "averages" if ":mean" in agg else "result", "table"]
    name = new_name(x, stems, rng.choice(("csv", "csv", "csv", "json")))
    form = x.mention(rng.choice(INTO).format(it=rng.choice(("the ", "")) + x.filtered(core), s=keep(name)), 0.2)
    return Built(form, f"{x.read()}{chain}:save({q(name)})", saved_answer(x.clean(what + x.said_tail)), form.startswith("can"))


def merge_files(x):
    rng = x.rng
    files = yearly(x)
    name = new_name(x, ["all", "combined", "merged", "total", "everything", "all_years" if x.w.how == "year" else "together"], rng.choice(("csv", "csv", "csv", "json")))
    both = every(x, files)
    s = keep(name)
    form = rng.choice((f"combine {both} into {s}", f"merge {both} into {s}", f"put {both} into one file {s}", f"append {both} and save as {s}", f"stack {both} in {s}", f"join {both} one below the other in {s}", f"make one file {s} out of {both}", f"write {both} together to {s}"))
    return Built(form, f"{union_of(files)}:save({q(name)})", saved_answer("the rows of all files" if len(files) > 2 else "the rows of both files"))


def save_joined(x):
    rng = x.rng
    w = x.w
    need(w.kind == "join")
    name = new_name(x, ["joined", "merged", "combined", "with_details", "full"])
    a, b, s, k = link(keep(w.main.path), w.main.path), link(keep(w.other.path), w.other.path), keep(name), link(x.say(w.key), w.key.name)
    form = rng.choice((f"join {a} and {b} on {k} and save it as {s}", f"merge {a} with {b} by {k} into {s}", f"add the columns of {b} to {a} by {k}, save as {s}", f"combine {a} and {b} on {k} in {s}"))
    return Built(form, f"data.read({q(w.main.path)}):join(data.read({q(w.other.path)}), {q(w.key.name)}):save({q(name)})", saved_answer(f"{w.main.path} joined with {w.other.path}"))


def text_names(x):
    return [p for p, t in x.w.texts.items() if not p.endswith(".png")]


def glob_of(x):
    """(glob, words) that match at least two text files, or one."""
    names = text_names(x)
    need(names)
    exts = {p.rsplit(".", 1)[-1] for p in names}
    ext = x.rng.choice(sorted(exts))
    folder = names[0].rsplit("/", 1)[0] + "/" if "/" in names[0] else ""
    return f"{folder}*.{ext}", ext, [p for p in names if p.endswith("." + ext)], folder


def word_counts(x):
    rng = x.rng
    glob, ext, names, folder = glob_of(x)
    what = rng.choice(("words", "words", "words", "lines", "bytes"))
    unit = {"words": ["words", "word count", "number of words"], "lines": ["lines", "line count", "number of lines"], "bytes": ["size", "size in bytes", "number of bytes"]}[what]
    u = rng.choice(unit)
    m = link(u if not u.startswith("size") else u, "rows")
    plural_u = {"words": "words", "lines": "lines", "bytes": "bytes"}[what]
    kinds = [f"{keep(ext)} file", f".{keep(ext)} file"]
    if len(names) == len(text_names(x)):
        kinds += [f"{keep('text')} file", f"{keep('text')} file"]
    kind = rng.choice(kinds)
    if len(names) == len(x.w.files) and rng.random() < 0.3:
        kind = "file"
    place = f" in {keep(folder.rstrip('/'))}" if folder and rng.random() < 0.7 else ""
    r = rng.random()
    cols = f"data.files({q(glob)}):select(\"file\", {q(what)})"
    each = rng.choice((f"{m} of each {kind}{place}", f"{m} per {kind}{place}", f"{m} for every {kind}{place}", f"{m} in each {kind}{place}", f"{m} of all {kind}s{place}"))
    if r < 0.4:
        name = new_name(x, {"words": ["word_counts", "words", "counts"], "lines": ["line_counts", "lines"], "bytes": ["sizes", "file_sizes"]}[what], rng.choice(("csv", "csv", "csv", "json")))
        form = rng.choice(INTO).format(it="the " + each, s=keep(name)) if rng.random() < 0.8 else f"count the {m} of each {kind}{place} and save the result as {keep(name)}"
        return Built(form, f"{cols}:save({q(name)})", saved_answer(f"the {unit[-1]} of each file"), form.startswith("can"))
    if r < 0.75:
        if rng.random() < 0.5 and what != "bytes":
            form = rng.choice((f"how many {link(plural_u, 'rows')} does each {kind}{place} have", f"how many {link(plural_u, 'rows')} are in each {kind}{place}", f"count the {link(plural_u, 'rows')} in every {kind}{place}"))
        else:
            form = rng.choice(("list the ", "", "what is the ", "give me the ", "show the ")) + each
        return Built(form, f"t = {cols}\nprint(t)", list_answer(f"{cap(unit[-1])} of each file"), form.startswith(("how", "what")))
    need(len(names) > 1)
    low = rng.random() < 0.3
    word = {"words": ("most words", "fewest words"), "lines": ("most lines", "fewest lines"), "bytes": ("most bytes", "fewest bytes")}[what][low]
    form = rng.choice((f"which {kind}{place} has the {link(word, 'rows')}", f"what is the {link('shortest' if low else 'longest', 'rows')} {kind}{place}, by {plural_u}", f"{kind} with the {link(word, 'rows')}{place}"))

    def answer(obs):
        k, v = one_row(obs, ("file", what))
        return f"{k} has the {word}: {v}."
    return Built(form, f"t = data.files({q(glob)}):{'bottom' if low else 'top'}(1, {q(what)})\nprint(t:select(\"file\", {q(what)}))", answer, form.startswith(("which", "what")))


def text_size(x):
    rng = x.rng
    names = text_names(x)
    need(names)
    path = rng.choice(names)
    what = rng.choice(("words", "words", "lines", "bytes"))
    me = link(keep(path), path)
    form = rng.choice((f"how many {what} does {me} have", f"how many {what} are in {me}", f"number of {what} in {me}", f"count the {what} in {me}", f"{what} in {me}"))
    return Built(form, f"print(data.files({q(path)}):value({q(what)}))", lambda obs: f"{path} has {scalar(obs)} {what}.", form.startswith("how"))


def log_need(x):
    need(x.w.kind == "log")
    rng = x.rng
    w = x.w
    if rng.random() < 0.7:
        word = rng.choice([v for v in w.levels if v.upper() not in ("INFO", "DEBUG")] + [rng.choice(w.levels)])
        spoken = {"ERROR": ["error", "errors"], "WARN": ["warning", "warn"], "WARNING": ["warning"], "FATAL": ["fatal"], "FAIL": ["fail", "failure"], "INFO": ["info"], "DEBUG": ["debug"]}[word.upper()]
        say = keep(word) if rng.random() < 0.6 else rng.choice(spoken[:1])
    else:
        word = rng.choice(w.systems)
        say = rng.choice((keep(word), f'"{keep(word)}"'))
    text = w.texts[w.log]
    need(word in text)
    return word, say


def log_lines(x):
    rng = x.rng
    word, say = log_need(x)
    log = x.w.log
    me = link(keep(log), log) if rng.random() < 0.75 or len(x.w.files) > 1 else link(rng.choice(("the log", "the log file", "the logfile")), log)
    find = f"data.lines({q(log)}):where(\"text\", \"contains\", {q(word)})"
    clean = x.clean(say).strip('"')
    quoted = rng.choice((f"the {say} lines in {me}", f"all lines with {say} in {me}", f"all {say} lines of {me}", f"the lines of {me} that contain {say}", f"every line with {say} from {me}", f"the {say} messages in {me}", f"lines containing {say} from {me}", f"all {say} entries of {me}"))
    r = rng.random()
    if r < 0.5:
        base = re.sub(r"[^a-z]", "", word.lower())
        name = new_name(x, [base, base + "s" if base not in ("info", "debug") else base + "_lines", base + "_lines", "lines", "found", "problems" if "err" in base else base], rng.choice(("csv", "csv", "csv", "csv", "json")))
        if rng.random() < 0.85:
            form = rng.choice(INTO).format(it=quoted, s=keep(name))
        else:
            form = f"find {quoted} and save them in {keep(name)}"
        return Built(form, f"{find}:save({q(name)})", saved_answer(f"the lines of {log} with {word}"), form.startswith("can"))
    if r < 0.8:
        form = rng.choice((f"how many {say} lines are in {me}", f"how many lines of {me} contain {say}", f"count {quoted}", f"number of {say} lines in {me}", f"how often does {say} occur in {me}", f"how many {say} messages are there in {me}", f"count the lines with {say} in {me}"))
        return Built(form, f"print({find}:count())", lambda obs: f"{log} has {scalar(obs)} lines with {word}.", form.startswith("how"))
    need(sum(word in line for line in x.w.texts[log].splitlines()) <= 6)
    form = rng.choice(("show ", "print ", "list ", "give me ", "what are ")) + quoted
    return Built(form, f"t = {find}\nprint(t)", lambda obs: list_answer(f"Lines of {log} with {word}")(obs).replace(": line: ", ": line "), form.startswith("what"))


# Reading -----------------------------------------------------------------------------------------------------------

def read_note(x):
    rng = x.rng
    need(x.w.kind == "notes")
    path = rng.choice(sorted(x.w.facts))
    text, facts = x.w.texts[path], x.w.facts[path]
    me = link(keep(path), path)
    if rng.random() < 0.5:
        topic, sentence = rng.choice(facts)
        form = rng.choice((f"what does {me} say about the {topic}", f"what is in {me} about the {topic}", f"read {me} and tell me about the {topic}", f"look up the {topic} in {me}", f"find out what {me} says about the {topic}", f"check {me}: what about the {topic}"))
        return Built(form, None, lambda obs: f"{path} says: {sentence}", form.startswith("what"), "read_file", {"path": path})
    form = rng.choice((f"what does {me} say", f"read {me}", f"show me {me}", f"what is in {me}", f"open {me}", f"print {me}", f"show the text of {me}", f"what's written in {me}", f"display {me}", f"let me see {me}", f"give me the content of {me}", f"read {me} to me", f"what are the contents of {me}"))
    body = " ".join(text.split("\n")).strip()
    return Built(form, None, lambda obs: f"{path} says: {body}", form.startswith("what"), "read_file", {"path": path})


def list_all(x):
    rng = x.rng
    m = link(rng.choice(("files", "files", "which files", "files")), "rows")
    text = strip_marks(m)
    m = m if text == "files" else link("files", "rows")
    form = rng.choice((f"which {m} are there", f"list the {m}", f"what {m} do i have here", f"show all {m}", f"list all {m} in the folder", f"what {m} are in the workspace", f"show me the {m}", f"which {m} can you see", f"{m}?" if False else f"list {m}", f"what's in this folder, list the {m}"))
    names = ", ".join(sorted(x.w.files))
    return Built(form, None, lambda obs: f"The files are {names}.", form.startswith(("which", "what")), "list_files", {})


def show_columns(x):
    rng = x.rng
    f = x.f
    need(len(f.columns) <= 16)
    me = link(keep(f.path), f.path)
    form = rng.choice((f"which columns does {me} have", f"what columns are in {me}", f"describe {me}", f"list the columns of {me}", f"what is in {me}", f"what does {me} contain", f"give me an overview of {me}", f"show the columns of {me}", f"column names of {me}", f"summarize the structure of {me}"))
    names = ", ".join(f.table.names)
    n = f.table.rows()
    return Built(form, None, lambda obs: f"{f.path} has {n} row{'s' if n != 1 else ''} and the columns {names}.", form.startswith(("which", "what")), "profile", {"path": f.path})


def first_rows(x):
    rng = x.rng
    f = x.f
    need(len(f.columns) <= 8 and f.table.rows() > 5)
    n = rng.choice((3, 5, 5, 10))
    need(n < f.table.rows())
    rs = plural(x.row)
    form = x.mention(rng.choice((f"show the first {n_words(rng, n)} {link('rows', 'rows')}", f"first {n_words(rng, n)} {link('lines', 'rows')}", f"print the first {n_words(rng, n)} {link(rs, 'rows')}", f"give me the first {n_words(rng, n)} {link('rows', 'rows')}")), 0.6)
    return Built(form, f"t = {x.read()}:head({n})\nprint(t)", lambda obs: f"Here are the first {n} rows of {f.path}.")


def save_unique(x):
    rng = x.rng
    c = x.column(("category", "entity"), lambda c: len(c.values) >= 2)
    say = x.say(c)
    need(not is_clause(x.clean(say)))
    many = link(plural(say) if not say.startswith("\x04") else say, c.name)
    name = new_name(x, [plural(words_of(c.name)[0]), "unique", "values", "list"])
    form = x.mention(rng.choice(INTO).format(it=rng.choice((f"all different {many}", f"the list of {many}", f"the unique {many}")), s=keep(name)))
    return Built(form, f"{x.read()}:unique({q(c.name)}):save({q(name)})", saved_answer(f"the different {plural(noun_of(x, c, say))}"), form.startswith("can"))


# kind -> [(weight, function, workspace kind)]
CHARTS = [(7, bar_agg, "table"), (4.5, bar_count, "table"), (2.5, bar_plain, "table"), (2.2, bar_top, "table"), (1, bar_rows_top, "table"), (3, bar_grouped, "table"), (1.3, bar_two, "table"), (4, pie, "table"), (4.5, scatter, "table"),
          (3.2, hist, "table"), (3, box, "table"), (1.8, line_raw, "table"), (0.7, line_two, "table"), (3, line_entity, "table"), (2, line_panel, "table"), (3.4, line_period, "table"), (1.6, bar_period, "table"), (1, line_period_color, "table"),
          (1.4, line_year_column, "table"), (1.3, total_each, "yearly"), (1, union_groups, "yearly"), (2.2, top_each, "yearly"), (0.5, in_both, "yearly"), (1.3, joined, "join"), (0.6, derived, "table"), (0.5, share_table, "table")]
QUESTIONS = [(5, count_rows, "table"), (6.5, agg_number, "table"), (1.6, two_aggs, "table"), (4, group_table, "table"), (3.2, best_group, "table"), (2, top_groups, "table"), (2.6, best_row, "table"), (2.6, best_date, "table"), (2.6, best_period, "table"),
             (1, period_table, "table"), (1.6, top_rows, "table"), (1.6, distinct, "table"), (2.2, share_one, "table"), (1.6, share_table, "table"), (1.2, missing, "table"), (0.8, date_range, "table"), (1.4, compare_values, "table"), (1, lookup, "table"),
             (0.9, list_rows, "table"), (0.6, derived, "table"), (0.8, total_each, "yearly"), (0.4, union_groups, "yearly"), (1, union_total, "yearly"), (0.8, top_each, "yearly"), (0.8, in_both, "yearly"), (1.2, joined, "join")]
FILES = [(2.2, convert, "table"), (2, save_rows, "table"), (1.4, save_groups, "table"), (0.4, save_unique, "table"), (1.1, merge_files, "yearly"), (0.3, save_joined, "join"), (2, word_counts, "notes"), (0.7, text_size, "notes"), (2.6, log_lines, "log")]
READING = [(3.2, read_note, "notes"), (0.5, list_all, "notes"), (0.3, list_all, "table"), (0.7, show_columns, "table"), (0.5, first_rows, "table")]
ABSENT = [(7, bar_agg), (2, bar_count), (2, pie), (3, scatter), (3, hist), (2.5, box), (3, line_period), (2, line_raw), (6, agg_number), (3, group_table), (3, best_group), (1.5, best_date), (2, best_period), (1, top_groups), (1, share_table), (1, bar_top), (1, bar_grouped)]
