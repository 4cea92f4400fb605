"""Questions of two steps: the largest group and its share, the top of one file against that of another, what grew, rows over a limit per period, the best row and another cell of it, empty cells and the mean of the
others, named columns since a year, and when a column was lowest whose name other columns begin with, too."""
import re
from datetime import date

from context import Built, Filter, cap, q
from derived import bracket, say_plain, two_years
from derived import one_and_many as named_column
from kit import ABOVE, distinct_names, need, style_of, workspace
from schemas import Column, File, is_clause, number_values, pick_path, plain_name, styled
from listed import noun
from several_lines import Course, drawn, kind_of, times_of, words_of_all
from several_lines import listed as enumerated
from tables import Table, format_number
from tasks import (HIGH_ADJ, LOW_ADJ, PERIODS, after_period, c_like, finish_chart, group_measure, label_column, list_answer, lines_of, maybe_filter, n_words, noun_of, notes, one_row, period_of, question, scalar, steady, yearly)
from wording import adjectives, keep, link, plural, strip_marks


def narrow(x, words):
    """The words with those of the filter right behind them, as more of the sentence follows."""
    return f"{words} {x.rng.choice([c for c in x.filter.clauses if not c.startswith(('(', 'where', 'if', 'when', 'whose'))] or x.filter.clauses)}" if x.filter else words


def one_and_many(x, c):
    """Words for a column that has a plural: not "whether they were allowed"."""
    one, many, name = named_column(x, c)
    need(not re.match("(whether|if|how|for|by)( |$)", strip_marks(one)))
    return one, many, name


def amount_of(x, test=None):
    """A number that can be high or low, other than a year in a column that is not called so."""
    return x.number(lambda c: (test is None or test(c)) and not all(v is None or 1850 <= v <= 2100 for v in x.f.data(c)))


def empty(lines):
    """A printed table of no rows."""
    return len(lines) == 1 and ": " not in lines[0]


def an(text, noun):
    """With an article, if the noun is no plural."""
    if re.search("[^s]s$", noun):
        return text
    return f"{'an' if re.match('[aeio]', strip_marks(text).lower()) else 'a'} {text}"


# The largest group and its share -----------------------------------------------------------------------------------

def best_share(x):
    rng = x.rng
    maybe_filter(x, 0.15, ("value", "value", "date", "year"))
    c = x.category(limit=30, test=lambda c: c.kind == "category")
    one, many, name = one_and_many(x, c)
    low = rng.random() < 0.25
    word = rng.choice(LOW_ADJ if low else HIGH_ADJ)
    if rng.random() < 0.4:
        rs = plural(x.row)
        y, agg, s = "count", ":count()", f"the number of {rs}"
        m = link(rs, "rows")
        best, whole = f"the {'fewest' if low else 'most'} {m}", rng.choice((f"of all {rs}", f"of all {rs}", "of the total", "of them all"))
    else:
        col = amount_of(x, lambda c: c.additive and all(v is None or v >= 0 for v in x.f.data(c)))
        m, _, s = x.measure(col, "sum", 0.4, False)
        y, agg = col.name, f":sum({q(col.name)})"
        best, whole = f"the {word} {m}", rng.choice(("of the total", "of the total", "of everything", "of the whole", "of all of it"))
    had = narrow(x, best)
    pct, big = rng.choice(("percentage", "percentage", "percent", "share in percent")), "smallest" if low else rng.choice(("largest", "biggest", "highest"))
    what = "how many percent" if pct == "percent" else f"what {pct}"
    form = rng.choice((f"which {one} has {had} and {what} {whole} is that", f"which {one} has {had}, and {what} {whole} is it", f"which {one} had {had} and how many percent {whole} was that", f"{one} with {had} and its share {whole} in percent", f"{one} with {had}, plus % {whole}",
                       f"{what} {whole} does the {one} with {had} make up, and which {one} is it", f"name the {one} with {had} and say {what} {whole} it makes up", f"which {one} has the {big} share of {narrow(x, m)} and how big is it in percent",
                       f"the {one} with the {big} share of {narrow(x, m)}, with the percentage", f"which {one} accounts for the {'least' if low else 'most'} {narrow(x, m)}, and for how many percent", f"{big} {one} by {narrow(x, m)} and % {whole}",
                       f"could you tell me which {one} has {had} and {what} {whole} that is", f"find the {one} with {had}; {what} {whole} does it have", f"which {one} brings in the {'least' if low else 'most'} {narrow(x, m)}, as a percentage too" if y != "count" else f"which {one} has {had}, as a percentage too",
                       f"i'd like to know the {one} with {had} and how much {whole} that is in percent"))
    noun, said = x.clean(s.removeprefix("the ")), x.clean(x.said_tail)
    script = f"t = {x.read()}:group({q(c.name)}){agg}:share({q(y)}):{'bottom' if low else 'top'}(1, \"share\")\nprint(t)"

    def answer(obs):
        k, v, part = one_row(obs, (c.name, y, "share"))
        need(k != "missing")
        return f"{k} has the {'lowest' if low else 'highest'} {noun}{said}: {v}, {part} % of the total." + notes(obs)
    return question(x, form, script, answer)


# The top of one file and that of another ---------------------------------------------------------------------------

def file_words(x, files):
    """Words for each of the files, alike."""
    rng = x.rng
    r = rng.random()
    if x.w.how == "year" and r < 0.65:
        said = [f.tag for f in files]
    elif x.w.how == "place" and r < 0.5 and all(len(f.tag) > 2 for f in files):
        said = [cap(f.tag) for f in files]
    else:
        said = [f.path if r < 0.9 else f.path.rsplit(".", 1)[0] for f in files]
    return [link(keep(s), f.path) for s, f in zip(said, files)], said


def ranking(x, files, n):
    """What is ranked: (column of the names, names in answers, names marked, chain before :top, y, "in the top 5 by …" marked, its words in answers)."""
    rng = x.rng
    k = n_words(rng, n)
    c = next((c for c in x.f.columns if c.kind == "entity" and all(len(set(f.data(c))) == f.table.rows() for f in files)), None)
    if c is None:
        c = x.category(limit=60, test=lambda c: c.kind == "category" and len(c.values) > n)
        m, agg, y, _, s = group_measure(x, True)
        need(not agg.startswith((":max", ":min")) and not is_clause(strip_marks(m)))
        chain, by = f":group({q(c.name)}){agg}", s.removeprefix("the ")
    else:
        need(all(f.table.rows() > n for f in files))
        x.used.append(c)
        col = x.number()
        for f in files:  # the last that is in must not be as high as the first that is out
            values = sorted((v for v in f.data(col) if v is not None), reverse=True)
            need(len(values) > n and values[n - 1] != values[n])
        ys = x.say(col)
        need(not is_clause(x.clean(ys)))
        m, y, chain, by = link(ys, col.name), col.name, "", noun(x, col) if hasattr(x.w, "things") else noun_of(x, col, ys)
    one, many, name = one_and_many(x, c)
    if hasattr(x.w, "things") and rng.random() < 0.6:  # lists of how often something occurs
        place = f"among the {k} {link(rng.choice(('most common', 'most common', 'most frequent', 'most popular')), y)}"
    elif hasattr(x.w, "things") and rng.random() < 0.5:
        place = f"in the top {k}"
    else:
        place = rng.choice((f"in the top {k} by {m}", f"in the top {k} by {m}", f"in the top {k} of {m}", f"among the top {k} by {m}", f"among the {k} with the highest {m}"))
    return c, plural(name), many, chain, y, place, f"top {n} by {x.clean(by)}"


def two_tops(x, how):
    """Names in the top n of a file and not (or also) in that of another."""
    rng = x.rng
    files = yearly(x)
    i, j = sorted(rng.sample(range(len(files)), 2))
    first, last = files[i], files[j]
    (w1, w2), (s1, s2) = file_words(x, (first, last))
    if x.w.how == "place" and rng.random() < 0.5:
        (first, last), (w1, w2), (s1, s2) = (last, first), (w2, w1), (s2, s1)
    n = rng.choice((3, 5, 5, 10, 10, rng.randint(2, 12)))
    c, name, many, chain, y, place, top = ranking(x, (first, last), n)
    timed = x.w.how != "place"
    if how == "new":
        forms = [f"that are {place} of {w2} but not of {w1}", f"that are {place} in {w2} but not in {w1}", f"{place} of {w2} that are not {place.split(' ')[0]} the same list of {w1}", f"that are {place} in {w2} and not in {w1}", f"that made it {place.replace('in the', 'into the')} in {w2} but not in {w1}"]
        forms += [f"that are new {place} of {w2} compared with {w1}", f"that are {place} in {w2} and were not there in {w1}", f"that are newly {place} of {w2}, they were not in {w1}", f"that came {place.replace('in the', 'into the')} from {w1} to {w2}", f"that were not {place} in {w1} but are in {w2}"] if timed else []
        t, a, kind, said = last, first, "anti", f"in the {top} of {s2} but not of {s1}"
    elif how == "gone":
        forms = [f"that were {place} of {w1} but no longer in {w2}", f"that were {place} in {w1} but not in {w2} any more", f"that were {place} of {w1} and are not in {w2}", f"that are no longer {place} in {w2} but were in {w1}", f"{place} of {w1} that are missing in {w2}'s top {n_words(rng, n)}"]
        forms += [f"that dropped out of the {re.sub('^(in|among) the ', '', place)} from {w1} to {w2}", f"that fell out of the {re.sub('^(in|among) the ', '', place)} between {w1} and {w2}", f"that left the {re.sub('^(in|among) the ', '', place)} between {w1} and {w2}"] if "top" in place else []
        t, a, kind, said = first, last, "anti", f"in the {top} of {s1} but not of {s2}"
    else:
        forms = [f"that are {place} of both {w1} and {w2}", f"that are {place} in {w1} and also in {w2}", f"{place} in {w1} as well as in {w2}", f"that are {place} in both {w1} and {w2}", f"{place} of {w1} and {w2} alike", f"that are {place} in {w2} and in {w1} too"]
        forms += [f"that stayed {place} from {w1} to {w2}", f"that were {place} in {w1} and are still in {w2}", f"that were {place} in {w1} and again in {w2}"] if timed else []
        t, a, kind, said = last, first, "semi", f"in the {top} of both {s1} and {s2}"
    tail = rng.choice(forms)
    direct = re.sub("^that ", "", tail) if tail.startswith("that ") else f"are {tail}"
    source = f"a = data.read({q(a.path)}){chain}:top({n}, {q(y)})\n"
    read, join = f"data.read({q(t.path)}){chain}:top({n}, {q(y)})", f":join(a, {q(c.name)}, \"{kind}\")"
    r = rng.random()
    if r < 0.2:
        form = rng.choice((f"how many {many} {direct}", f"number of {many} {tail}", f"count the {many} {tail}"))
        return Built(form, f"{source}t = {read}\nprint(t:join(a, {q(c.name)}, \"{kind}\"):count())", lambda obs: f"The number of {name} {said} is {scalar(obs)}.", form.startswith("how"))
    if r < 0.32:
        ys = link(y if y == "count" else plain_name(y), "rows" if y == "count" else y)
        core = rng.choice((f"the {many} {tail}", f"{many} {tail}", f"{ys} of the {many} {tail}"))
        built = finish_chart(x, "bar", core, f":top({n}, {q(y)}){join}", [("x", c.name), ("y", y)], cap(f"{name} {said}"), f"the {name} {said}", generic=False, source=f"data.read({q(t.path)}){chain}", mention=False)
        built.script = source + built.script
        return built
    form = rng.choice((f"which {many} {direct}", f"which {many} {direct}", f"what {many} {direct}", f"list the {many} {tail}", f"list {many} {tail}", f"show me the {many} {tail}", f"{many} {tail}", f"give me the {many} {tail}", f"could you list the {many} {tail}", f"i need all {many} {tail}", f"find the {many} {tail}"))
    if direct.startswith(("came", "made", "stayed", "dropped", "fell", "left", "were")) and form.startswith("what "):
        form = "which" + form[4:]
    some = list_answer(cap(f"{name} {said}"))

    def answer(obs):
        if empty(lines_of(obs)):
            return f"There are no {name} {said}."
        return some(obs)
    return Built(form, f"{source}t = {read}\nprint(t:join(a, {q(c.name)}, \"{kind}\"):select({q(c.name)}, {q(y)}))", answer, form.startswith(("which", "what", "could")))


def top_new(x):
    return two_tops(x, "new")


def top_gone(x):
    return two_tops(x, "gone")


def top_both(x):
    return two_tops(x, "both")


# What grew between two years ---------------------------------------------------------------------------------------

RISEN, FALLEN = ("grew", "rose", "increased", "went up"), ("fell", "dropped", "declined", "decreased", "went down")
RISE, FALL = ("grow", "rise", "increase", "go up"), ("fall", "drop", "decline", "decrease", "go down")


def changes_in(f, g, values, years, how, a, b):
    """What the pivot will say, to choose a limit: change per group that has both years."""
    found = {}
    for k, v, year in zip(f.data(g), values, years):
        if v is not None and k is not None and year in (a, b):
            found.setdefault(k, {a: [], b: []})[year].append(v)
    value = {"sum": sum, "count": len, "mean": lambda vs: sum(vs) / len(vs)}[how]
    return [value(v[b]) - value(v[a]) for v in found.values() if v[a] and v[b]]


def limit_of(rng, changes, low):
    """A round number that some of the changes exceed, or nothing."""
    found = sorted(abs(v) for v in changes if (v < 0 if low else v > 0))
    if len(found) < 2 or rng.random() > 0.22:
        return None
    n = found[len(found) // 2]
    n = int(round(n, 1 - len(str(int(n))))) if n >= 2 else 0
    return n if 0 < n < found[-1] else None


def movers(x, low):
    """Which groups grew (fell): the list, their number or bars; of one table with years, or of two files with the same names."""
    rng = x.rng
    two_files = x.w.kind == "yearly"
    if two_files:
        files = yearly(x)
        need(x.w.how == "year")
        i = rng.randrange(len(files) - 1)
        f1, f2 = files[i], files[i + 1]
        g = next((c for c in x.f.columns if c.kind == "entity" and all(len(set(f.data(c))) == f.table.rows() for f in (f1, f2))), None)
        need(g)
        x.used.append(g)
        yc = x.number()
        (ma, mb), (a, b) = file_words(x, (f1, f2))
        source, where = f"data.read({q(f1.path)}):join(data.read({q(f2.path)}), {q(g.name)})", f":derive(\"change\", {q(bracket(yc.name + '_2') + ' - ' + bracket(yc))})"
        before, after = ({k: v for k, v in zip(f.data(g), f.data(yc)) if v is not None} for f in (f1, f2))
        changes = [after[k] - before[k] for k in before if k in after]
        how, counted = "", False
    else:
        maybe_filter(x, 0.12, ("value",))
        d, chain, year, a, b, ma, mb, _ = two_years(x)
        need(a >= 1900 and b < 2100)
        g = x.category(limit=14, test=lambda c: c.kind == "category" and len(c.values) > 2)
        counted = rng.random() < 0.25
        yc = x.number()
        how = "count" if counted else "sum" if yc.additive else "mean"
        source, where = x.read(), f"{chain}:pivot({q(g.name)}, {q(year)}, {q(yc.name)}, {q(how)}):derive(\"change\", \"[{b}] - [{a}]\")"
        times = [None if v is None else int(str(v)[:4]) for v in x.f.data(d)]
        changes = changes_in(x.f, g, x.f.data(yc), times, how, a, b) if not x.filter else []
    need(x.filter or any(v < 0 if low else v > 0 for v in changes) or rng.random() < 0.3)
    one, many, gname = one_and_many(x, g)
    if counted:
        rs = plural(x.row)
        m, name = link(f"number of {rs}", "rows"), f"number of {rs}"
    elif hasattr(x.w, "things"):
        words = rng.choice((noun(x, yc), f"number of {x.w.things}", f"number of {x.w.things}"))
        m, name = link(words, yc.name), words
    else:
        say, m, name = say_plain(x, yc)
        if how == "mean":
            m, name = f"average {m}" if not re.match("(average|mean) ", say) else m, f"average {name}"
    limit = limit_of(rng, changes, low)
    n = 0 if limit is None else -limit if low else limit
    by = "" if limit is None else f" by more than {keep(str(limit))}"
    did, do = rng.choice(FALLEN if low else RISEN), rng.choice(FALL if low else RISE)
    span = rng.choice((f"from {ma} to {mb}", f"from {ma} to {mb}", f"between {ma} and {mb}", f"in {mb} compared with {ma}"))
    more = ("lower", "smaller") if low else ("higher", "larger")
    r = rng.random()
    if limit is None and rng.random() < 0.35:
        verb = f"have {'' if re.search('[^s]s$', strip_marks(m)) else 'a '}{rng.choice(more)} {m} in {mb} than in {ma}" if rng.random() < 0.6 or not counted else f"have {'fewer' if low else 'more'} {link(rs, 'rows')} in {mb} than in {ma}"
        forms = [f"which {many} {verb}", f"which {many} {verb.replace('have ', 'had ', 1)}", f"list the {many} that {verb.replace('have ', 'had ', 1)}", f"{many} that {verb}", f"show all {many} that {verb}", f"{many} with {verb[5:]}"]
        counts = [f"how many {many} {verb}", f"number of {many} that {verb}", f"count the {many} that {verb}"]
    else:
        forms = [f"which {many} {did} in {m}{by} {span}", f"in which {many} did {m} {do}{by} {span}", f"for which {many} did the {m} {do}{by} {span}", f"list the {many} whose {m} {did}{by} {span}", f"{many} whose {m} {did}{by} {span}", f"all {many} where {m} {did}{by} {span}", f"which {many} saw their {m} {do}{by} {span}",
                 f"could you list the {many} where the {m} {did}{by} {span}", f"show me only the {many} whose {m} {did}{by} {span}", f"where did {m} {do}{by} {span}, by {one}"]
        counts = [f"how many {many} {did} in {m}{by} {span}", f"in how many {many} did {m} {do}{by} {span}", f"number of {many} whose {m} {did}{by} {span}", f"count the {many} where {m} {did}{by} {span}", f"for how many {many} did the {m} {do}{by} {span}"]
    if hasattr(x.w, "things") and limit is None and rng.random() < 0.4:
        common = link(f"{'less' if low else 'more'} {rng.choice(('common', 'frequent', 'popular'))}", yc.name)
        verb = rng.choice((f"became {common} {span}", f"got {common} {span}", f"are {common} in {mb} than in {ma}", f"were {common} in {mb} than in {ma}"))
        forms = [f"which {many} {verb}", f"list the {many} that {verb}", f"{many} that {verb}"]
        counts = [f"how many {many} {verb}", f"number of {many} that {verb}", f"count the {many} that {verb}"]
    keepers = f":where(\"change\", \"{'<' if low else '>'}\", {n})"
    said = f"whose {name} {'fell' if low else 'rose'}{'' if limit is None else f' by more than {limit}'} from {a} to {b}"
    told = x.filtered
    mention = (lambda text: text) if two_files else x.mention
    if r < 0.22:
        form = told(rng.choice(counts))
        tail = x.clean(x.said_tail)
        return Built(mention(form), f"print({source}{where}{keepers}:count())", lambda obs: f"The number of {plural(gname)} {said}{tail} is {scalar(obs)}.", form.startswith(("how", "in how", "for how")))
    if r < 0.42:
        core = rng.choice((f"the change in {m} {span} for the {many} that {did}{by}", f"change of {m} per {one} {span}, only those that {did}{by}", f"how much {m} {did} {span} per {one}, only where it {did}{by or ' at all'}", f"{'drop' if low else 'increase'} of {m} {span} by {one}, only the {many} that {did}{by}"))
        return finish_chart(x, "bar", core, f"{where}{keepers}", [("x", g.name), ("y", "change")], f"{plural(gname)} {said}", f"the {plural(gname)} {said}", generic=False, source=source, mention=not two_files)
    form = told(rng.choice(forms))
    tail = x.clean(x.said_tail)
    some = list_answer(cap(f"{plural(gname)} {said}{tail}"))

    def answer(obs):
        lines = lines_of(obs)
        if len(lines) == 1:
            if empty(lines):
                return f"There are no {plural(gname)} {said}{tail}." + notes(obs)
            k, v = one_row(obs, (g.name, "change"))
            return f"Only {k} {'fell' if low else 'rose'} in {name}{tail}{'' if limit is None else f' by more than {limit}'} from {a} to {b}: {v}." + notes(obs)
        return some(obs)
    return Built(mention(form), f"t = {source}{where}{keepers}\nprint(t:select({q(g.name)}, \"change\"))", answer, form.startswith(("which", "in which", "for which", "could", "where did")))


def which_grew(x):
    return movers(x, False)


def which_fell(x):
    return movers(x, True)


# Rows over a limit per period or group -----------------------------------------------------------------------------

def limited(x, c):
    """(clause, verb clause, words for titles, where) of a limit on a number."""
    rng = x.rng
    values = sorted(v for v in x.f.data(c) if v is not None)
    need(len(values) >= 8 and values[0] < values[-1])
    v = values[int(len(values) * rng.uniform(0.3, 0.75))]
    v = round(v, 1 - len(str(int(abs(v))))) if abs(v) >= 10 else round(v, 1)
    v = int(v) if v == int(v) else v
    need(values[0] < v < values[-1])
    n = format_number(v)
    op = rng.choices(tuple(ABOVE), (50, 18, 24, 8))[0]
    say = x.say(c)
    need(not is_clause(x.clean(say)))
    long = (adjectives(c) or ("",))[0] == "long"
    able = [w for w in ABOVE[op] if long or not w.startswith("longer")]
    counts = c_like(c, x.clean(say)) and v > 1
    above = rng.choice([w for w in able if counts or not w.startswith("fewer")])
    cond, target = above.format(n=keep(n)), f"{c.name}:{n}"
    plain = above.format(n=n)
    name = noun_of(x, c, say)
    short = len(x.clean(say).split()) + len(plain.split()) <= 5  # a phrase of the plan has six words, the number among them
    with_of = link(f"{say} of {cond}", target) if short else f"{say} of {link(cond, target)}"
    with_it = link(f"{say} {cond}", target) if short else f"{say} {link(cond, target)}"
    with_is = link(f"{say} is {cond}", target) if short else f"{say} is {link(cond, target)}"
    if above.startswith("longer"):
        clause, verb, title = f"with {an(with_it, strip_marks(say))}", f"had {an(with_it, strip_marks(say))}", f"with {name} {plain}"
    elif counts:
        many = link(f"{cond} {say}", target) if short else f"{link(cond, target)} {say}"
        clause, verb, title = f"with {many}", f"had {many}", f"with {plain} {name}"
    else:
        clause = rng.choice((f"with {an(with_of, strip_marks(say))}", f"with {an(with_of, strip_marks(say))}", f"where the {with_is}", f"whose {with_is}") + (() if above.startswith("no ") else (f"with {with_it}",)))
        verb, title = rng.choice((f"had {an(with_of, strip_marks(say))}", f"had {an(with_of, strip_marks(say))}" if above.startswith("no ") else f"had {with_it}")), f"with {name} {plain}"
    return clause, verb, title, f":where({q(c.name)}, \"{op}\", {n})"


def count_where_period(x):
    rng = x.rng
    c = amount_of(x)
    if rng.random() < 0.75 and x.f.of("date"):
        d = x.date()
        unit = steady(x, d)
        p = period_of(x, d, [p for p in ("month", "month", "year", "year", "year", "quarter", "weekday") if not (unit in ("month", "year") and p in ("month", "weekday")) and unit != "year"] or ["year"])
        need(unit != p and unit != "year")
        if x.f.layout == "series" and len(set(x.f.data(d))) == x.f.table.rows():
            days = sorted({v for v in x.f.data(d)})
            gap = (date.fromisoformat(days[1][:10]) - date.fromisoformat(days[0][:10])).days
            need(unit == "month" or gap in (1, 7))
            need(unit != "month" and gap != 7 or p != "weekday")
            x.row = unit if unit == "month" else {1: "day", 7: "week"}[gap]
        group, chain, per, nouns, sort = p, f":{p}({q(d.name)})", link(rng.choice(PERIODS[p][0]), d.name), PERIODS[p][2], after_period(p)
        one, kind = link({"weekday": rng.choice(("weekday", "day of the week"))}.get(p, p), d.name), rng.choice(("bar", "bar", "line") if p != "weekday" else ("bar",))
    else:
        years = [y for y in x.f.columns if y.role == "year"]
        if years and rng.random() < 0.5 and x.f.layout != "series":
            g, per, sort = years[0], link(rng.choice(PERIODS["year"][0]), years[0].name), f":sort({q(years[0].name)})"
            x.used.append(g)
            one, nouns, kind = link("year", g.name), "year", rng.choice(("bar", "line"))
        else:
            g = x.category(limit=12, test=lambda c: c.kind == "category")
            one, many, nouns = one_and_many(x, g)
            per, sort, kind = rng.choice((f"per {one}", f"per {one}", f"by {one}", f"for each {one}", f"in each {one}")), "", "bar"
        group, chain = g.name, ""
    clause, verb, title, where = limited(x, c)
    rs = plural(x.row)
    rows, m = link(rs, "rows"), link(rng.choice((f"number of {rs}", f"number of {rs}", f"how many {rs}")), "rows")
    m2 = link(f"number of {rs}", "rows")
    core = rng.choice((f"{m2} {per} {clause}", f"{m2} {clause} {per}" if clause.startswith("with ") else f"{m2} {per} {clause}", f"{m2} {clause}, {per}", f"{rows} {clause} {per}" if clause.startswith("with ") else f"{rows} {clause}, {per}", f"count of {rows} {clause}, {per}", f"{rows} {clause}, counted {per}"))
    chain = f"{where}{chain}:group({q(group)}):count()"
    said = f"number of {rs} {title}"
    r = rng.random()
    if r < 0.5:
        text = None
        if rng.random() < 0.35:
            text = rng.choice((f"plot how many {rows} {per} {verb}", f"show how many {rows} {per} {verb} as {'bars' if kind == 'bar' else 'a line'}", f"how many {rows} {per} {verb}? draw {'bars' if kind == 'bar' else 'a line'}", f"draw a {kind} chart of how many {rows} {verb} {per}",
                               f"count the {rows} {clause} {per} and plot them as {'bars' if kind == 'bar' else 'a line'}"))
            if text.startswith("plot how"):
                kind = "line" if kind == "line" or sort and rng.random() < 0.5 else "bar"
                text += " as a line" if kind == "line" else " as bars"
        return finish_chart(x, kind, core, chain + sort, [("x", group), ("y", "count")], f"{said} per {nouns}", f"the {said} per {nouns}", generic=False, text=text)
    if r < 0.75:
        form = rng.choice((f"how many {rows} {per} {verb}", f"how many {rows} {verb} {per}", f"{link(f'how many {rs}', 'rows')} {clause} were there {per}", f"list the {core}", f"table of {core}", f"{core}, as a table", f"give me the {m2} {clause}, {per}", f"count the {rows} {clause} {per}", f"{per.replace('per ', 'for each ') if per.startswith('per ') else per}, how many {rows} {verb}"))
        return question(x, form, f"t = {x.read()}{chain}{sort}\nprint(t)", list_answer(cap(f"{said} per {nouns}")))
    low = rng.random() < 0.25
    most = "fewest" if low else "most"
    form = rng.choice((f"which {one} had the {most} {rows} {clause}", f"{'on' if group == 'weekday' else 'in'} which {one} were there the {most} {rows} {clause}", f"{one} with the {most} {rows} {clause}", f"what {one} has the {most} {rows} {clause}", f"find the {one} with the {most} {rows} {clause}", f"which {one} has the {'lowest' if low else 'highest'} {m2} {clause}",
                       f"can you tell me which {one} had the {most} {rows} {clause}"))

    def answer(obs):
        k, v = one_row(obs, (group, "count"))
        need(k != "missing")
        return f"{k} had the {'lowest' if low else 'highest'} {said}: {v}." + notes(obs)
    return question(x, form, f"t = {x.read()}{chain}:{'bottom' if low else 'top'}(1, \"count\")\nprint(t)", answer)


# The best row, and another cell of it ------------------------------------------------------------------------------

def with_other(x, one, best, zs, mz, person=False, adjective=None, file_tail=""):
    """Requests for the best and one more thing of it."""
    rng = x.rng
    who = f"which {one}"
    forms = [f"{who} has {best} and what is its {mz}", f"{who} has {best}, and what's the {mz} there", f"{one} with {best} and its {mz}", f"find the {one} with {best} and tell me its {mz}", f"{who} has {best}? also give me the {mz}", f"what is the {mz} of the {one} with {best}", f"{mz} of the {one} with {best}",
             f"tell me the {one} with {best} as well as its {mz}", f"{one} with {best}, plus {mz}", f"could you look up the {mz} of the {one} that has {best}", f"{who} had {best} and which {mz} does it have"]
    if person:
        forms = [f.replace("its ", "their ").replace(" does it have", " do they have").replace("the name of ", "") for f in forms if " there" not in f] + [f"{link('who', x.label.name)} has {best} and what is their {mz}"] * 2
    if adjective:
        forms += [f"what is the {mz} of the {adjective} {one}", f"which is the {adjective} {one} and what is its {mz}", f"{mz} of the {adjective} {one}"]
    return rng.choice(forms) + file_tail


def best_then_other(x):
    rng = x.rng
    maybe_filter(x, 0.15, ("value", "value", "number", "boolean"))
    c, y = label_column(x), amount_of(x)
    z = x.column(("number", "category", "category", "date", "entity"), lambda c: not c.role)
    x.label = c
    low = rng.random() < 0.3
    values = [v for v in x.f.data(y) if v is not None]
    need(x.filter or values.count(min(values) if low else max(values)) == 1)
    one, _, _ = one_and_many(x, c)
    ys, zs = x.say(y), x.say(z)
    need(not is_clause(x.clean(ys)) and not is_clause(x.clean(zs)))
    best = narrow(x, f"the {link(f'{rng.choice(LOW_ADJ if low else HIGH_ADJ)} {ys}', y.name)}")
    adj = adjectives(y)
    form = with_other(x, one, best, zs, link(zs, z.name), getattr(c, "entity", "") == "person", link(adj[2 if low else 1], y.name) if adj and not x.filter else None)
    name, other, said = noun_of(x, y, ys), noun_of(x, z, zs), x.clean(x.said_tail)

    def answer(obs):
        k, v, w = one_row(obs, (c.name, y.name, z.name))
        need("missing" not in (k, v, w))
        return f"{k} has the {'lowest' if low else 'highest'} {name}{said}: {v}; {other}: {w}."
    return question(x, form, f"t = {x.read()}:{'bottom' if low else 'top'}(1, {q(y.name)})\nprint(t:select({q(c.name)}, {q(y.name)}, {q(z.name)}))", answer)


def best_then_there(x):
    """The best group of a table, and what the other table says of it."""
    rng = x.rng
    w = x.w
    need(w.kind in ("join", "keyed"))
    there = getattr(w, "there", w.key.name)
    z = rng.choice([c for c in w.other.columns[1:] if c.kind in ("category", "number")])
    x.used.append(w.key)
    m, agg, y, t, s = group_measure(x, True)
    need(not is_clause(strip_marks(m)) and not agg.startswith((":max", ":min")))
    low = rng.random() < 0.3
    one, many, _ = one_and_many(x, w.key)
    zs = rng.choice(z.says + [plain_name(z.name)])
    best = f"the {rng.choice(LOW_ADJ if low else HIGH_ADJ)} {m}" if y != "count" or rng.random() < 0.4 else f"the {'fewest' if low else 'most'} {link(plural(x.row), 'rows')}"
    file = link(keep(w.other.path), w.other.path)
    tail = rng.choice((f" ({file})", f" (see {file})", f" from {file}", f", it is in {file}")) if rng.random() < 0.35 else ""
    form = with_other(x, one, best, zs, link(zs, z.name), False, None, tail)
    on = q(w.key.name) if there == w.key.name else "{[" + q(w.key.name) + "]=" + q(there) + "}"
    noun, k_name = x.clean(s.removeprefix("the ")), w.key.name
    script = f"t = data.read({q(w.main.path)}):group({q(k_name)}){agg}:{'bottom' if low else 'top'}(1, {q(y)}):join(data.read({q(w.other.path)}), {on})\nprint(t:select({q(k_name)}, {q(y)}, {q(z.name)}))"

    def answer(obs):
        k, v, other = one_row(obs, (k_name, y, z.name))
        need("missing" not in (k, v, other))
        return f"{k} has the {'lowest' if low else 'highest'} {noun}: {v}; {x.clean(zs)}: {other}." + notes(obs)
    return Built(form, script, answer, form.startswith(("which", "what", "could")))


# Empty cells, and the mean of the others ---------------------------------------------------------------------------

def missing_and_stat(x):
    rng = x.rng
    maybe_filter(x, 0.1, ("value",))
    y = x.column(("number",), lambda c: not c.role and None in x.f.data(c))
    how = rng.choice(("mean", "mean", "mean", "median", "median", "max", "min") + (("sum", "sum") if y.additive else ()))
    say, m, name = say_plain(x, y)
    rs = plural(x.row)
    rows = link(rs, "rows")
    a = {"mean": rng.choice(("average", "mean")), "median": "median", "sum": rng.choice(("total", "sum")), "max": rng.choice(("highest", "maximum", "largest")), "min": rng.choice(("lowest", "minimum", "smallest"))}[how]
    lack = rng.choice((f"have no {m}", f"lack a {m}", f"have no value in {m}", f"are missing the {m}", f"have an empty {m}"))
    rest = rng.choice(("the others", "the rest", "the other ones", "the remaining ones"))
    word = a if how in ("mean", "median", "sum") else f"{a} value"
    form = rng.choice((f"how many {rows} {lack} and what is the {word} of {rest}", f"how many {m} values are missing, and what is the {word} of {rest}", f"how many {rows} {lack}, and what's the {word} for {rest}", f"number of missing {m} values and the {word} of {rest}", f"missing {m} values and {word} of the known ones",
                       f"count the {rows} without {m} and give the {word} of {rest}", f"tell me how many {rows} {lack} and the {word} of those that have one", f"for how many {rows} is the {m} unknown, and what is the {word} where it is known", f"could you say how often {m} is missing and what the {word} otherwise is",
                       f"{m}: how many missing, and {word} of {rest}", f"empty {m} cells? and the {word} of {rest}", f"{word} of {m} where there is one, and how many {rows} have none"))
    swap = form.endswith("have none")
    form = x.filtered(form)
    tail = x.clean(x.said_tail)
    exprs = [f"t:missing({q(y.name)})", f"t:{how}({q(y.name)})"]
    script = f"t = {x.read()}\nprint({', '.join(reversed(exprs) if swap else exprs)})"
    called = {"mean": "average", "max": "highest", "min": "lowest", "sum": "total", "median": "median"}[how]

    def answer(obs):
        found = scalar(obs).split(" ")
        need(len(found) == 2)
        none, value = reversed(found) if swap else found
        return f"The number of missing values of {name}{tail} is {none}. The {called} of the others is {value}."
    return question(x, form, script, answer)


# Named columns since a year ----------------------------------------------------------------------------------------

NAMES = "January February March April May June July August September October November December".split()


def stretch(x, time):
    """Filter of a stretch of time: (since, until, between), and the values that it keeps."""
    rng = x.rng
    values = sorted({v for v in x.f.data(time) if v is not None})
    need(len(values) >= 6)
    i, j = sorted(rng.sample(range(len(values)), 2))
    months = time.kind == "date" and (values[0][:4] == values[-1][:4] or rng.random() < 0.4)
    days = time.kind == "date" and not months and rng.random() < 0.12
    digits, letters = rng.random() < 0.25, rng.choice((None, None, 3))

    def at(v):
        """(as a script has it, as people say it)"""
        if time.role == "year":
            return str(v), keep(str(v)), str(v)
        if days:
            return q(v[:10]), keep(v[:10]), v[:10]
        if months:
            spoken = v[:7] if digits else f"{NAMES[int(v[5:7]) - 1][:letters]} {v[:4]}"
            return q(v[:7]), keep(spoken) if spoken[0].isdigit() else spoken, v[:7]
        return q(v[:4]), keep(v[:4]), v[:4]
    (a, sa, ta), (b, sb, tb) = at(values[i]), at(values[j])
    name, first, last = q(time.name), f"{time.name}:{ta}", f"{time.name}:{tb}"
    how = rng.choices(("since", "until", "between", "before", "after"), (36, 16, 32, 8, 8))[0]
    if how == "between":
        need(ta < tb)
        form = rng.choice(("between {a} and {b}", "between {a} and {b}", "from {a} to {b}", "from {a} until {b}", "from {a} to {b}", "from {a} through {b}"))
        words = form.format(a=link(sa, first), b=link(sb, last))
        said, where = form.format(a=x.clean(sa), b=x.clean(sb)), f":where({name}, \">=\", {a}):where({name}, \"<=\", {b})"
        kept = [v for v in values if ta <= str(v)[:len(ta)] and str(v)[:len(tb)] <= tb]
    else:
        op, forms, v, s, t = {"since": (">=", ("since {v}", "since {v}", "since {v}", "from {v} on", "from {v} onwards", "starting in {v}", "only since {v}"), a, sa, ta), "until": ("<=", ("until {v}", "up to {v}", "up to and including {v}", "through {v}", "only until {v}"), b, sb, tb),
                              "before": ("<", ("before {v}",), b, sb, tb), "after": (">", ("after {v}",), a, sa, ta)}[how]
        form = rng.choice(forms)
        words, said, where = link(form.format(v=s), f"{time.name}:{t}"), form.format(v=x.clean(s)), f":where({name}, \"{op}\", {v})"
        test = {">=": lambda k: k >= t, "<=": lambda k: k <= t, "<": lambda k: k < t, ">": lambda k: k > t}[op]
        kept = [v for v in values if test(str(v)[:len(t)])]
    said = said.replace("only ", "")
    need(4 <= len(kept) < len(values))
    return Filter([words], where, " " + said, " " + said, time), kept


def since_of(x, columns, time):
    rng = x.rng
    x.filter, kept = stretch(x, time)
    kind = kind_of(x, columns, time) if len(columns) > 1 else rng.choice(("line", "line", "line", "area" if columns[0].additive else "line"))
    if kind == "area" and len(columns) == 1:
        kind = "line"
    course = Course(x, columns, time, kind == "bar")
    cut = {"year": lambda v: v[:4], "month": lambda v: v[:7], "quarter": lambda v: v[:4] + str((int(v[5:7]) - 1) // 3)}.get(course.x if time.kind == "date" and course.x != time.name else "", lambda v: v)
    need(len({cut(v) for v in kept}) >= 3)
    marked, said = words_of_all(x, columns)
    if rng.random() < 0.4 and kind == "line":  # "since 2015" says that it is about time
        course.words = rng.choice((course.words, course.words, ""))
        if course.grouped:
            course.words = course.words or link(rng.choice(PERIODS[course.x][0][:4]), time.name) if course.x in PERIODS else course.words
    need(course.words or not course.grouped)
    if len(columns) == 1:
        word = "average " if course.mean else "total " if course.grouped else ""
        need(not word or not re.match(r"(avg|average|mean|total|sum)\b", said[0]))
        m = f"{word}{marked[0]} {course.words}".rstrip()
        text = x.filtered(rng.choice((f"plot {m}", f"draw {m} as a line", f"how did {m} develop", f"show {m} in a line chart"))) if rng.random() < 0.4 else None
        if text and text.startswith("how did"):
            text += ", as a line"
        return finish_chart(x, "line", m, course.chain, [("x", course.x), ("y", columns[0].name)], f"{cap(word + said[0])} {course.title}", f"{'the ' if word else ''}{word}{said[0]} {course.title}", generic=False, text=text)
    built = drawn(x, enumerated(rng, marked), course, columns, said, kind)
    clause = x.filter.clauses[0]
    built.marked = built.marked.replace(f"{keep('?')} draw a line for each {clause}", f" {clause}{keep('?')} draw a line for each")
    built.marked = re.sub(r" ([?,:])", r"\1", re.sub("  +", " ", built.marked))
    return built


def since(x):
    """Some value columns by name, over a stretch of time only."""
    rng = x.rng
    s = x.w.strands
    need(s["step"] != "name")
    n = rng.choice((1, 2, 2, 2, 3, 3, 4))
    need(n <= len(s["columns"]))
    columns = rng.sample(s["columns"], n)
    x.used += columns + [s["time"]]
    return since_of(x, columns, s["time"])


def since_any(x):
    """The same of any table."""
    times = [c for c in x.f.columns if c.kind == "date" or c.role == "year"]
    need(times)
    x.used.append(times[0])
    return since_of(x, [x.number() for _ in range(x.rng.choice((1, 1, 2, 2, 3)))], times[0])


def number_between(x):
    """One number of a stretch of time."""
    rng = x.rng
    times = [c for c in x.f.columns if c.kind == "date" or c.role == "year"]
    need(times)
    x.used.append(times[0])
    x.filter, _ = stretch(x, times[0])
    words, tail = x.filter.clauses[0], x.clean(x.said_tail)
    if rng.random() < 0.35:
        rs = plural(x.row)
        m = link(rng.choice((f"number of {rs}", f"how many {rs}")), "rows")
        form = f"{m} were there {words}" if strip_marks(m).startswith("how") else rng.choice((f"what is the {m} {words}", f"{m} {words}", f"give me the {m} {words}"))
        return question(x, form, f"print({x.read()}:count())", lambda obs: f"The number of {rs}{tail} is {scalar(obs)}.")
    y = x.number()
    a = x.agg(y)
    m, _, s = x.measure(y, a, 0, False)
    form = rng.choice((f"what is the {m} {words}", f"what was the {m} {words}", f"{m} {words}", f"the {m} {words} please", f"give me the {m} {words}", f"{words}, what was the {m}", f"calculate the {m} {words}", f"tell me the {m} {words}"))
    return question(x, form, f"print({x.read()}:{a}({q(y.name)}))", lambda obs: f"{cap(x.clean(s))}{tail} is {scalar(obs)}.")


# A column whose name others begin with -----------------------------------------------------------------------------

# names, what people call it, from, to, decimals, does it add up, files
BASES = [
    (["berths", "moorings"], 900, 16000, 0, False, ["harbour", "marina_months"]), (["unemployment", "jobless"], 2, 14, 1, False, ["labour", "jobs"]), (["exports", "imports"], 200, 9000, 0, True, ["trade", "foreign_trade"]), (["sales", "turnover"], 2000, 80000, 0, True, ["shop_months", "sales_report"]),
    (["visitors", "members"], 100, 9000, 0, True, ["museum", "attendance"]), (["snow", "rain"], 0, 120, 1, True, ["weather", "station"]), (["gas", "power"], 40, 2600, 0, True, ["energy", "utility"]), (["cpi", "ppi"], 80, 190, 2, False, ["prices", "inflation"]), (["milk", "eggs"], 50, 4000, 0, True, ["dairy", "farm"]),
    (["level", "flow"], 1, 60, 2, False, ["river", "gauge"]), (["subscribers", "views"], 900, 70000, 0, True, ["channel", "newsletter"]), (["wheat", "maize"], 90, 480, 2, False, ["grain_prices", "market"]), (["cases", "tests"], 5, 4000, 0, True, ["health", "surveillance"]), (["weight", "pulse"], 40, 130, 1, False, ["diary", "body_log"]),
    (["rent", "wages"], 600, 4200, 0, False, ["cost_of_living", "index"]), (["output", "orders"], 20, 900, 0, True, ["factory", "plant"]), (["downloads", "installs"], 30, 20000, 0, True, ["app_stats", "store"]), (["harvest", "stock"], 10, 700, 1, True, ["granary", "crops"]),
]
# suffix, words with the name in them, value from (this, the previous, a random number)
KIN = [
    (["change", "chg", "diff"], ["{b} change", "change in {b}"], lambda v, p, r: v - p), (["pct", "pct_change", "percent_change"], ["{b} percent change", "percent change of {b}"], lambda v, p, r: (v - p) / p * 100 if p else 0), (["target", "goal"], ["{b} target", "target for {b}"], lambda v, p, r: v * (0.9 + 0.2 * r)),
    (["forecast", "estimate"], ["{b} forecast", "forecast of {b}"], lambda v, p, r: v * (0.85 + 0.3 * r)), (["prev", "last_month"], ["previous {b}"], lambda v, p, r: p), (["adjusted", "sa"], ["adjusted {b}"], lambda v, p, r: v * (0.95 + 0.1 * r)), (["index"], ["{b} index"], lambda v, p, r: 60 + 80 * r),
    (["budget", "plan"], ["planned {b}"], lambda v, p, r: v * (0.8 + 0.4 * r)), (["north", "east"], ["{b} in the north"], lambda v, p, r: v * r * 0.6),
]


def kin_workspace(rng, domains):
    """A series with one or two columns and others that are called the same and more: "berths", "berths_change", "berths_pct"."""
    names, lo, hi, decimals, additive, files = rng.choice(BASES)
    style = style_of(rng)
    time, times, step = times_of(rng, style)
    while step == "name":
        time, times, step = times_of(rng, style)
    bases = rng.sample(names, rng.choice((1, 1, 2)))
    kin = rng.sample(KIN, rng.randint(2, 4))
    columns, data = [time], {time.name: times}
    for b in bases:
        base = Column(styled(rng, b, style), "number", [b], lo=lo, hi=hi, decimals=decimals, additive=additive, key=b)
        values = number_values(rng, base, len(times), walk=True)
        family = [base]
        data[base.name] = values
        for suffixes, says, value in kin if b == bases[0] or rng.random() < 0.7 else kin[:1]:
            c = Column(styled(rng, f"{b}_{suffixes[0] if rng.random() < 0.5 else rng.choice(suffixes)}", style), "number", [s.format(b=b) for s in says], decimals=max(decimals, 1), additive=False, key=b)
            c.says = [s if not c.name.lower().endswith("east") else s.replace("north", "east") for s in c.says]
            data[c.name] = [round(value(v, p, rng.random()), 1 if decimals < 2 else 2) for v, p in zip(values, values[:1] + values)]
            family.append(c)
        if rng.random() < 0.25:
            rng.shuffle(family)
        columns += family
    if not distinct_names(columns):
        return kin_workspace(rng, domains)
    table = Table([c.name for c in columns], ["date" if c.kind == "date" else "number" for c in columns], [data[c.name] for c in columns])
    f = File(pick_path(rng, rng.choice(files)), table, columns, [step], {"domain": files[0]}, "series")
    f.left_out = []
    return workspace("kin", f, kin=(time, [c for c in columns[1:] if c.says == [c.key]], [c for c in columns[1:] if c.says != [c.key]], step))


def kin_column(x):
    """Mostly the short name, which is not one of the longer ones."""
    rng = x.rng
    time, bases, longer, step = x.w.kin
    y = rng.choice(bases if rng.random() < 0.7 else longer)
    x.used += [y, time]
    name = plain_name(y.name)
    say = keep(y.name) if rng.random() < 0.15 else name if name.isascii() and rng.random() < 0.35 and y in longer else rng.choice(y.says)
    return y, time, step, link(say, y.name), x.clean(say) if x.clean(say) != y.name else name


def lowest_when(x):
    rng = x.rng
    y, d, step, m, name = kin_column(x)
    low = rng.random() < 0.5
    values = [v for v in x.f.data(y) if v is not None]
    extreme = min(values) if low else max(values)
    need(values.count(extreme) == 1)
    word, at = rng.choice(LOW_ADJ[:-1] if low else HIGH_ADJ[:-1]), "lowest" if low else "highest"
    unit, at_unit = link(step, d.name), f"{'on' if step == 'day' else 'in'} which {link(step, d.name)}"
    when = link("when", d.name)
    reach = rng.choice(("hit its low", "reach its low", "bottom out", "reach its minimum") if low else ("peak", "reach its peak", "hit its high", "reach its maximum"))
    many = re.search(r"[^s]s\x02", m) and y.says == [y.key] and y.key != "gas"
    was = "were" if many else "was"
    form = rng.choice((f"{at_unit} {was} {m} {at}", f"{at_unit} {was} the {m} {at}", f"which {unit} had the {word} {m}", f"{unit} with the {word} {m}", f"{when} {was} {m} at {'their' if many else 'its'} {at}", f"{when} {was} {m} the {at}", f"{when} did {m} {reach.replace('its', 'their') if many else reach}", f"what was the {word} {m} and {when} was that",
                       f"find the {unit} with the {word} {m}", f"the {word} {m} and its {unit}", f"could you tell me {at_unit} {m} {was} {at}", f"{link('date', d.name)} of the {word} {m}", f"what {unit} saw the {word} {m}", f"{'min' if low else 'max'} {m} and {when}"))

    def answer(obs):
        k, v = one_row(obs, (d.name, y.name))
        return f"The {at} {name} was {v} {'in' if d.role == 'year' else 'on'} {k}."
    return question(x, form, f"t = {x.read()}:{'bottom' if low else 'top'}(1, {q(y.name)})\nprint(t:select({q(d.name)}, {q(y.name)}))", answer)


def kin_number(x):
    rng = x.rng
    y, d, step, m, name = kin_column(x)
    a = rng.choice(("mean", "mean", "max", "min", "median") + (("sum",) if y.additive else ()))
    words = {"mean": "average", "max": "highest", "min": "lowest", "median": "median", "sum": "total"}[a]
    form = rng.choice((f"what is the {words} {m}", f"{words} {m}", f"give me the {words} {m}", f"the {words} {m} please", f"tell me the {words} {m}", f"what was the {words} {m}", f"i need the {words} {m}"))
    return question(x, form, f"print({x.read()}:{a}({q(y.name)}))", lambda obs: f"The {words} {name} is {scalar(obs)}.")


def kin_line(x):
    rng = x.rng
    y, d, step, m, name = kin_column(x)
    over = link(rng.choice(("over time", "over time", "over the years" if step == "year" else "over the whole period", f"by {step}" if step in ("year", "month") else "over time")), d.name)
    return finish_chart(x, "line", f"{m} {over}", "", [("x", d.name), ("y", y.name)], f"{name} over time", f"{name} over time")


TASKS = [(3, best_share, "table"), (0.5, best_share, "family"), (1.1, top_new, "yearly"), (1.1, top_new, "lists"), (0.6, top_gone, "yearly"), (0.7, top_gone, "lists"), (0.7, top_both, "yearly"), (0.8, top_both, "lists"), (1.6, which_grew, "table"), (1.5, which_fell, "table"), (0.5, which_grew, "lists"), (0.5, which_fell, "lists"),
         (0.3, which_grew, "yearly"), (0.3, which_fell, "yearly"), (3.4, count_where_period, "table"), (2.6, best_then_other, "table"), (1, best_then_there, "join"), (0.5, best_then_there, "keyed"), (1, missing_and_stat, "table"), (1, missing_and_stat, "gaps"), (2.4, since, "strands"), (0.8, since_any, "table"), (0.6, number_between, "table"),
         (2.2, lowest_when, "kin"), (0.5, kin_number, "kin"), (0.5, kin_line, "kin")]
