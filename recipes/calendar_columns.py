"""Months: in two columns or as names in one, one year's months only, two years month by month, monthly totals of a part."""
from context import cap, q
from derived import bracket, one_and_many, say_plain
from kit import need, table_said
from schemas import MONTH_NAMES
from shapes import split_workspace
from tables import MONTHS
from tasks import ASK, HIGH_ADJ, LOW_ADJ, finish_chart, maybe_filter, one_row, question, scalar
from wording import keep, link


def calendar_workspace(rng, domains):
    """A table with a column of months, and mostly one of years beside it, its rows in order or not."""
    w = split_workspace(rng, domains)
    w.kind = "calendar"
    t, n = w.main.table, w.main.table.rows()
    w.split["mixed"] = rng.random() < 0.35
    if w.split["mixed"]:
        order = list(range(n))
        rng.shuffle(order)
        t.data = [[values[i] for i in order] for values in t.data]
    return w


class Months:
    """How a request's time becomes columns: year() makes the column of years, month() that of month names, both() "2014-03"."""

    def __init__(self, x):
        self.x = x
        if x.w.kind == "calendar":
            s = x.w.split
            year, mon, self.named = s["year"], s["month"], s["named"]
            self.years, self.year_column, self.month_column, self.mixed = s["years"], year, mon, s["mixed"]
            x.used += [c for c in (year, mon) if c]
            self.targets = [c.name for c in (year, mon) if c]
            self.make_year, self.year_name = "", year.name if year else None
            self.make_name, self.name = ("", mon.name) if self.named else (f":month_name({q(mon.name)})", "month_name")
            # Month names beside years cannot become one column of dates.
            self.make_both, self.both = (f":derive(\"month\", \"concat({bracket(year)}, '-', right(concat('0', {bracket(mon)}), 2))\")", "month") if year and not self.named else (None, None)
        else:
            d = x.date()
            days = [v for v in x.f.data(d) if v]
            self.years, self.named, self.mixed = sorted({int(v[:4]) for v in days}), False, False
            self.targets, self.year_column, self.month_column, self.date = [d.name], d, d, d
            self.make_year, self.year_name = f":year({q(d.name)})", "year"
            self.make_name, self.name = f":month_name({q(d.name)})", "month_name"
            self.make_both, self.both = f":month({q(d.name)})", "month"
        self.is_date = x.w.kind != "calendar"

    def only(self, y):
        """The step that keeps one year."""
        return f":where({q(self.year_column.name)}, \"==\", {q(str(y)) if self.is_date else y})"

    def year_words(self, y):
        return link(keep(str(y)), f"{self.year_column.name}:{y}")

    def when(self, *words):
        return link(self.x.rng.choice(words or ("per month", "by month", "month by month", "each month", "for each month", "over the months")), self.month_column.name)

    def in_year(self, y, least=4):
        """Whether that year has several months."""
        x = self.x
        need(not self.is_date or len({v[:7] for v in x.f.data(self.date) if v and v[:4] == str(y)}) >= least)


def names_shown(x, per, mo):
    """What is said of an axis of months that are names."""
    return x.rng.choice((" with the month names on the axis", ", month names on the x axis", ", with the names of the months", ", months by name", " with the months as names")) if per == mo.name and x.rng.random() < 0.2 else ""


def measured(x, number=True):
    """(marked words, step after group, y, words for an answer) of a total, an average or a count."""
    rng = x.rng
    if not number or rng.random() < 0.15:
        m, t, s = x.counted()
        return m, ":count()", "count", x.clean(s).removeprefix("the ")
    y = x.number()
    _, m, name = say_plain(x, y)
    agg, word = ("sum", "total") if y.additive and rng.random() < 0.75 else ("mean", "average")
    spoken = rng.choice({"sum": ("total", "total", "sum of", "", ""), "mean": ("average", "average", "mean", "avg")}[agg])
    return f"{spoken} {m}".strip(), f":{agg}({q(y.name)})", y.name, f"{word} {name}"


def one_year(x):
    """The months of one year."""
    rng = x.rng
    mo = Months(x)
    need(mo.year_name and len(mo.years) >= 2)
    maybe_filter(x, 0.15, ("value",))
    y = rng.choice(mo.years)
    mo.in_year(y)
    m, agg, col, said = measured(x)
    yw, when = mo.year_words(y), mo.when()
    if mo.is_date:
        make, per, sort = mo.make_both, mo.both, f":sort({q(mo.both)})"
    else:
        make, per, sort = mo.make_name, mo.name, ""
    chain = f"{mo.only(y)}{make}:group({q(per)}){agg}"
    core = rng.choice((f"{m} {when} in {yw}", f"{m} {when} of {yw}", f"{m} {when}, {yw} only", f"{link('monthly', mo.month_column.name)} {m} in {yw}", f"{link('monthly', mo.month_column.name)} {m} of {yw}", f"{m} of {yw} {when}", f"{m} {mo.when('from january to december', 'per month', 'by month')} {yw}", f"{m} in {yw}, {when}", f"only {yw}: {m} {when}"))
    r = rng.random()
    if r < 0.6:
        return finish_chart(x, rng.choice(("line", "line", "bar")), core + names_shown(x, per, mo), chain + sort, [("x", per), ("y", col)], f"{cap(said)} per month in {y}", f"the {said} per month in {y}", generic=False)
    if r < 0.75 and not (mo.mixed and mo.named):
        return table_said(x, x.filtered(rng.choice(("list the ", "", "what is the ", "table of ")) + core), chain + sort, (per, col), f"{said} per month in {y}")
    low = rng.random() < 0.35
    word = rng.choice(LOW_ADJ if low else HIGH_ADJ)
    which = link("month", mo.month_column.name)
    form = x.filtered(rng.choice((f"which {which} of {yw} had the {word} {m}", f"in which {which} of {yw} was the {m} {'lowest' if low else 'highest'}", f"{'worst' if low else 'best'} {which} of {yw} by {m}", f"{which} with the {word} {m} in {yw}")))
    return best_month(x, form, chain, per, col, said, low, f" in {y}")


def best_month(x, form, chain, per, col, said, low, tail=""):
    def answer(obs):
        k, v = one_row(obs, (per, col))
        return f"The {'lowest' if low else 'highest'} {said}{x.clean(x.said_tail)}{tail} was in {k}: {v}."
    return question(x, form, f"t = {x.read()}{chain}:{'bottom' if low else 'top'}(1, {q(col)})\nprint(t:select({q(per)}, {q(col)}))", answer)


def two_years(x):
    """Two years month by month: side by side, or the change."""
    rng = x.rng
    mo = Months(x)
    need(mo.year_name and len(mo.years) >= 2)
    i = rng.randrange(len(mo.years) - 1)
    a, b = mo.years[i], mo.years[i + 1] if rng.random() < 0.7 else rng.choice(mo.years[i + 1:])
    mo.in_year(a)
    mo.in_year(b)
    maybe_filter(x, 0.1, ("value",))
    m, agg, col, said = measured(x)
    how = "count" if agg == ":count()" else agg[1:].split("(")[0]
    value = x.number().name if how == "count" else col
    ma, mb, when = mo.year_words(a), mo.year_words(b), mo.when("month by month", "per month", "by month", "for each month")
    chain = f"{mo.make_year}{mo.make_name}:pivot({q(mo.name)}, {q(mo.year_name)}, {q(value)}, {q(how)})"
    if rng.random() < 0.72:
        both = rng.choice((f"{ma} and {mb}", f"{ma} vs {mb}", f"{ma} against {mb}", f"{ma} compared with {mb}", f"{ma} next to {mb}"))
        core = rng.choice((f"{m} {when}, {both}", f"{m} in {both} {when}", f"{both}: {m} {when}", f"{m} {when} for {both}"))
        text = None
        if rng.random() < 0.4:
            text = rng.choice((f"compare {m} in {ma} and {mb} {when} in a {{k}} chart", f"compare {ma} with {mb} {when}: {m} as {{k}}s", f"how did {m} in {ma} compare to {mb}, {when}? {{k}} chart"))
        kind = rng.choice(("line", "bar", "bar"))
        return finish_chart(x, kind, core, chain, [("x", mo.name), ("y", [str(a), str(b)])], f"{cap(said)} per month, {a} and {b}", f"the {said} per month in {a} and {b}", generic=False, text=x.filtered(text.format(k=kind)) if text else None)
    low = rng.random() < 0.3
    verb = rng.choice(("fall", "drop") if low else ("grow", "rise", "increase"))
    which = link("month", mo.month_column.name)
    if rng.random() < 0.5:
        form = x.filtered(rng.choice((f"in which {which} did {m} {verb} most from {ma} to {mb}", f"which {which} saw the biggest {'drop' if low else 'increase'} in {m} from {ma} to {mb}")))
        return best_month(x, form, f"{chain}:derive(\"change\", \"[{b}] - [{a}]\")", mo.name, "change", f"change of {said} from {a} to {b}", low)
    core = rng.choice((f"change in {m} from {ma} to {mb} {when}", f"difference in {m} between {ma} and {mb} {when}", f"{m}: {mb} minus {ma} {when}"))
    return finish_chart(x, "bar", core, f"{chain}:derive(\"change\", \"[{b}] - [{a}]\")", [("x", mo.name), ("y", "change")], f"Change of {said} from {a} to {b} per month", f"the change of {said} from {a} to {b} per month", generic=False)


def monthly_part(x):
    """Monthly numbers of one value of another column."""
    rng = x.rng
    need(x.f.of("category"))
    x.pick_filter(("value", "value", "value", "not"))
    mo = Months(x)
    m, agg, col, said = measured(x)
    if mo.make_both and len(mo.years) >= 2 or mo.is_date:
        make, per, sort, label = mo.make_both, mo.both, f":sort({q(mo.both)})", "month"
        when = link(rng.choice(("per month", "by month", "month by month", "over time", "each month", "over the months")), *mo.targets)
    else:
        need(len(mo.years) == 1 or not mo.year_name)
        make, per, sort, label, when = mo.make_name, mo.name, "", "month", mo.when()
    if mo.is_date:
        mo.in_year(mo.years[-1], 3)
    core = rng.choice((f"{m} {when}", f"{link('monthly', *mo.targets)} {m}"))
    chain = f"{make}:group({q(per)}){agg}"
    r = rng.random()
    if r < 0.65:
        return finish_chart(x, rng.choice(("line", "line", "line", "bar")), core + names_shown(x, per, mo), chain + sort, [("x", per), ("y", col)], f"{cap(said)} per {label}", f"the {said} per {label}", generic=True)
    if r < 0.8 and not (mo.mixed and per != "month"):
        return table_said(x, x.filtered(rng.choice(("list the ", "", "what is the ", "table of ")) + core), chain + sort, (per, col), f"{said} per {label}")
    low = rng.random() < 0.35
    which = link("month", *mo.targets)
    form = x.filtered(rng.choice((f"which {which} had the {rng.choice(LOW_ADJ if low else HIGH_ADJ)} {m}", f"in which {which} was {m} {'lowest' if low else 'highest'}")))
    return best_month(x, form, chain, per, col, said, low)


def whole_time(x):
    """All months of all years, as one line; of names, a line per year."""
    rng = x.rng
    need(x.w.kind == "calendar")
    mo = Months(x)
    maybe_filter(x, 0.12, ("value",))
    m, agg, col, said = measured(x)
    when = link(rng.choice(("over time", "per month", "by month", "month by month", "through the years and months", "over all months")), *mo.targets)
    if mo.make_both:
        if rng.random() < 0.25:
            low = rng.random() < 0.3
            which = link("month", *mo.targets)
            form = x.filtered(rng.choice((f"which {which} had the {rng.choice(LOW_ADJ if low else HIGH_ADJ)} {m} of all", f"{which} and year with the {'lowest' if low else 'highest'} {m}", f"in which {which} of which year was {m} {'lowest' if low else 'highest'}")))
            return best_month(x, form, f"{mo.make_both}:group(\"month\"){agg}", "month", col, said, low)
        return finish_chart(x, rng.choice(("line", "line", "line", "bar")) if len(mo.years) < 3 else "line", f"{m} {when}", f"{mo.make_both}:group(\"month\"){agg}:sort(\"month\")", [("x", "month"), ("y", col)], f"{cap(said)} per month", f"the {said} per month")
    need(len(mo.years) <= 6)
    if not mo.year_name or len(mo.years) == 1:
        return finish_chart(x, rng.choice(("line", "line", "bar")), f"{m} {mo.when()}{names_shown(x, mo.name, mo)}", f"{mo.make_name}:group({q(mo.name)}){agg}", [("x", mo.name), ("y", col)], f"{cap(said)} per month", f"the {said} per month")
    tail = rng.choice((f", one line per {link('year', mo.year_name)}", f", {link('years', mo.year_name)} as separate lines", f" for each {link('year', mo.year_name)}", ""))
    return finish_chart(x, "line", f"{m} {when}{tail}", f":group({q(mo.name)}, {q(mo.year_name)}){agg}", [("x", mo.name), ("y", col), ("color", mo.year_name)], f"{cap(said)} per month and year", f"the {said} per month and year")


def by_group_in_time(x):
    """A line per group over the months, or groups within one month of one year."""
    rng = x.rng
    mo = Months(x)
    c = x.category(limit=6, test=lambda c: c.kind == "category" and not c.role)
    one, _, name = one_and_many(x, c)
    m, agg, col, said = measured(x)
    if rng.random() < 0.55 or mo.is_date:
        if mo.make_both and len(mo.years) > 1 or mo.is_date:
            make, per, sort = mo.make_both, mo.both, f":sort({q(mo.both)})"
        else:
            need(len(mo.years) == 1)
            make, per, sort = mo.make_name, mo.name, ""
        when = link(rng.choice(("per month", "by month", "over time", "month by month")), *mo.targets)
        core = rng.choice((f"{m} {when} for each {one}", f"{m} {when}, one line per {one}", f"{m} {when} by {one}", f"{m} per {one} {when}"))
        return finish_chart(x, "line", core, f"{make}:group({q(per)}, {q(c.name)}){agg}{sort}", [("x", per), ("y", col), ("color", c.name)], f"{cap(said)} per month and {name}", f"the {said} per month and {name}", generic=False)
    i = rng.randrange(12)
    value = mo.month_column.values[i] if mo.named else i + 1
    spoken = rng.choice((MONTH_NAMES[i], MONTHS[i], MONTH_NAMES[i]))
    y = rng.choice(mo.years)
    yw = f" {mo.year_words(y)}" if mo.year_name else ""
    where = (mo.only(y) if mo.year_name else "") + f":where({q(mo.month_column.name)}, \"==\", {q(value) if mo.named else value})"
    said_when = f"in {spoken}{f' {y}' if mo.year_name else ''}"
    core = f"{m} per {one} in {link(spoken, f'{mo.month_column.name}:{value}')}{yw}"
    return finish_chart(x, rng.choice(("bar", "bar", "pie")) if agg == ":count()" or ":sum" in agg else "bar", core, f"{where}:group({q(c.name)}){agg}", [("x", c.name), ("y", col)], f"{cap(said)} per {name} {said_when}", f"the {said} per {name} {said_when}", generic=False)


def year_sum(x):
    """One number of a year, or of a span of years."""
    rng = x.rng
    need(x.w.kind == "calendar")
    mo = Months(x)
    need(mo.year_name and len(mo.years) >= 2)
    maybe_filter(x, 0.4, ("value",))
    m, agg, col, said = measured(x)
    y = rng.choice(mo.years)
    yw = mo.year_words(y)
    if rng.random() < 0.3 and mo.years[0] < y < mo.years[-1]:
        op, when, tail = rng.choice(((">=", f"since {yw}", f"since {y}"), ("<", f"before {yw}", f"before {y}"), (">", f"after {yw}", f"after {y}")))
        where = f":where({q(mo.year_name)}, \"{op}\", {y})"
    else:
        where, when, tail = mo.only(y), rng.choice((f"in {yw}", f"in the whole of {yw}", f"for {yw}", f"over all {link('months', mo.month_column.name)} of {yw}")), f"in {y}"
    form = x.filtered(f"{rng.choice(ASK).format(m=m)} {when}")
    said_tail = x.clean(x.said_tail)
    return question(x, form, f"print({x.read()}{where}{agg})", lambda obs: f"The {said}{said_tail} {tail} is {scalar(obs)}.")


TASKS = [(2.5, one_year, "calendar"), (1.2, one_year, "table"), (2.5, two_years, "calendar"), (1.2, two_years, "table"), (2, monthly_part, "calendar"), (1, monthly_part, "table"), (2.5, whole_time, "calendar"), (1.5, by_group_in_time, "calendar"), (1, year_sum, "calendar")]
