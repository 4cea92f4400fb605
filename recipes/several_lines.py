"""A line, an area or bars for each of several value columns of one table over time: some of them by name, or all."""
import re
from datetime import date

from context import cap, q
from kit import amount, category, distinct_names, need, style_of
from layouts import cells_answer
from schemas import MONTH_NAMES, Column, File, Workspace, day_list, is_clause, number_values, pick_path, plain_name, styled
from tables import MONTHS, Table
from tasks import PERIODS, finish_chart, maybe_filter, noun_of, period_of, question
from wording import NUMBER_WORDS, keep, link, plural, strip_marks

# rows, files, word for a column, what the cells hold, do they add up, from, to, decimals, [(names, says)]
SETS = [
    (["count", "month"], ["ridership", "transit"], "mode", "passengers", True, 200, 9000, 0, [(["tram", "tram_riders"], ["tram", "tram passengers"]), (["bus", "bus_riders"], ["bus", "bus passengers"]), (["ferry"], ["ferry"]), (["metro"], ["metro"]), (["funicular"], ["funicular"])]),
    (["harvest"], ["crops", "grain"], "crop", "harvest", True, 10, 900, 1, [(["wheat", "wheat_t"], ["wheat"]), (["barley", "barley_t"], ["barley"]), (["oats", "oats_t"], ["oats"]), (["rye"], ["rye"]), (["maize"], ["maize"]), (["lentils"], ["lentils"])]),
    (["month"], ["household", "budget_book"], "kind of cost", "costs", True, 20, 1400, 2, [(["rent", "rent_eur"], ["rent"]), (["food", "groceries"], ["food"]), (["travel", "travel_eur"], ["travel"]), (["clothes"], ["clothes"]), (["insurance"], ["insurance"])]),
    (["day", "lunch"], ["canteen", "lunches"], "dish", "lunches", True, 5, 160, 0, [(["meat", "meat_dishes"], ["meat dishes", "meat"]), (["vegetarian"], ["vegetarian dishes", "vegetarian"]), (["vegan"], ["vegan dishes", "vegan"]), (["soup", "soups"], ["soups"])]),
    (["week"], ["library", "loans"], "kind of loan", "loans", True, 10, 2400, 0, [(["books", "books_lent"], ["books"]), (["ebooks", "e_books"], ["e-books"]), (["audio", "audiobooks"], ["audiobooks"]), (["films"], ["films"]), (["board_games"], ["board games"])]),
    (["day"], ["channels", "shop_channels"], "channel", "sales", True, 30, 5200, 2, [(["online", "online_eur"], ["online revenue"]), (["counter", "counter_eur"], ["counter revenue"]), (["phone", "phone_eur"], ["phone revenue"]), (["wholesale"], ["wholesale"])]),
    (["year"], ["population_moves", "registry"], "kind of change", "people", True, 10, 2000, 0, [(["births"], ["births"]), (["deaths"], ["deaths"]), (["arrivals", "moved_in"], ["arrivals", "people who moved in"]), (["departures", "moved_out"], ["departures", "people who moved out"])]),
    (["collection"], ["recycling", "bins"], "material", "tonnes collected", True, 1, 320, 1, [(["paper", "paper_t"], ["paper"]), (["glass", "glass_t"], ["glass"]), (["plastic", "plastic_t"], ["plastic"]), (["metal", "metal_t"], ["metal"]), (["textiles"], ["textiles"])]),
    (["reading"], ["thermometers", "sensors"], "place", "temperatures", False, -8, 39, 1, [(["cellar", "cellar_c"], ["cellar temperature", "cellar"]), (["attic", "attic_c"], ["attic temperature", "attic"]), (["pond", "pond_c"], ["pond temperature", "pond"]), (["greenhouse"], ["greenhouse temperature", "greenhouse"]), (["terrace"], ["terrace temperature"])]),
    (["quote"], ["commodity_prices", "market_prices"], "product", "prices", False, 2, 480, 2, [(["butter", "butter_eur"], ["butter price", "butter"]), (["eggs", "eggs_eur"], ["egg price", "eggs"]), (["beef"], ["beef price", "beef"]), (["sugar"], ["sugar price", "sugar"]), (["coffee"], ["coffee price"])]),
    (["week"], ["site_stats", "weekly_stats"], "figure", "figures", True, 0, 7000, 0, [(["visits"], ["visits"]), (["sign_ups", "signups"], ["sign-ups"]), (["downloads"], ["downloads"]), (["orders"], ["orders"]), (["returns"], ["returns"])]),
    (["month"], ["ward", "hospital_months"], "figure", "cases", True, 3, 900, 0, [(["admissions"], ["admissions"]), (["discharges"], ["discharges"]), (["operations", "surgeries"], ["operations"]), (["transfers"], ["transfers"])]),
    (["landing"], ["landings", "fishery"], "fish", "catch", True, 1, 700, 1, [(["cod", "cod_t"], ["cod"]), (["herring", "herring_t"], ["herring"]), (["mackerel"], ["mackerel"]), (["eel"], ["eel"]), (["sprat"], ["sprat"])]),
    (["hour", "count"], ["traffic_count", "counters"], "kind of vehicle", "vehicles", True, 0, 3800, 0, [(["cars"], ["cars"]), (["lorries", "trucks"], ["lorries"]), (["bicycles", "bikes"], ["bicycles"]), (["motorbikes"], ["motorbikes"]), (["buses"], ["buses"])]),
    (["account"], ["trade", "trade_balance"], "side", "trade", True, 40, 8000, 1, [(["exports", "exports_m"], ["exports"]), (["imports", "imports_m"], ["imports"]), (["transit"], ["transit"])]),
    (["closing"], ["club_accounts", "ledger"], "item", "amounts", True, 50, 9000, 2, [(["fees", "membership_fees"], ["fees"]), (["grants"], ["grants"]), (["wages"], ["wages"]), (["repairs"], ["repairs"]), (["events"], ["events"])]),
    (["shift"], ["plant_output", "lines_out"], "production line", "pieces", True, 20, 1800, 0, [(["east_line", "east"], ["east line"]), (["west_line", "west"], ["west line"]), (["night_line"], ["night line"]), (["by_hand"], ["pieces made by hand"])]),
]


def times_of(rng, style):
    """(column, its values, how far apart they are)."""
    step = rng.choice(("day", "week", "month", "month", "month", "year", "year", "name"))
    if step == "year":
        first, n = rng.randint(1988, 2012), rng.choice((6, 8, 10, 12, 15))
        return Column(styled(rng, rng.choice(("year", "year", "Year", "yr")), style), "number", ["year"], role="year", decimals=0), list(range(first, first + n)), step
    if step == "name":
        c = Column(styled(rng, "month", style), "entity", ["month"])
        c.values = list(MONTH_NAMES if rng.random() < 0.5 else MONTHS)
        return c, list(c.values), step
    n = rng.choice((18, 24, 36, 48, 60))
    name = rng.choice({"day": ("date", "day"), "week": ("week_start", "date", "week_of"), "month": ("month", "date", "month")}[step])
    days = day_list(rng, n, {"day": 1, "week": 7, "month": "month"}[step], date(rng.randint(2010, 2023), rng.randint(1, 12), rng.choice((1, 1, 5)) if step != "month" else 1))
    return Column(styled(rng, name, style), "date", ["month", "date"] if name == "month" else ["date", "day"]), days, step


def strands_workspace(rng, domains):
    """Several value columns over time; in a third of the cases several rows a time, one per place."""
    rows, files, word, measure, additive, lo, hi, decimals, specs = rng.choice(SETS)
    style = style_of(rng)
    chosen = rng.sample(specs, rng.randint(2, len(specs)))
    columns = [amount(rng, (names, says, lo, hi, decimals), style, additive) for names, says in chosen]
    time, times, step = times_of(rng, style)
    head, data = [time], {}
    place = None
    if rng.random() < 0.33:
        place = category(rng, rng.choice(((["site", "branch"], ["site", "branch"], ["Aalen", "Birk", "Corda", "Duns"]), (["district"], ["district"], ["North", "South", "Old town"]))), style)
        head.append(place)
        data[place.name] = [v for _ in times for v in place.values]
    width = len(place.values) if place else 1
    data[time.name] = [t for t in times for _ in range(width)]
    n = len(times) * width
    other = [amount(rng, (["staff", "helpers"], ["staff"], 2, 30, 0), style, False)] if rng.random() < 0.25 else []
    values = columns + other
    if rng.random() < 0.4:
        rng.shuffle(values)
    for c in values:
        scale = rng.uniform(0.4, 1)
        found = number_values(rng, c, n, walk=width == 1)
        data[c.name] = [round(v * scale, c.decimals) if c.decimals else int(v * scale) for v in found]
    if not distinct_names(head + values):
        return strands_workspace(rng, domains)
    types = {"number": "number", "date": "date"}
    table = Table([c.name for c in head + values], [types.get(c.kind, "text") for c in head + values], [data[c.name] for c in head + values])
    f = File(pick_path(rng, rng.choice(files)), table, head + values, rows, {"domain": files[0]}, "series" if width == 1 else "panel")
    f.left_out = []
    w = Workspace("strands", [f], {})
    w.main, w.strands = f, {"columns": columns, "other": other, "time": time, "place": place, "step": step, "noun": word, "measure": measure}
    return w


# Words -------------------------------------------------------------------------------------------------------------

def listed(rng, words):
    """ "a, b and c"."""
    last = rng.choice((" and ", " and ", " and ", " and ", ", ", " & ", " plus ")) if len(words) > 2 else rng.choice((" and ", " and ", " and ", " vs ", " versus "))
    return ", ".join(words[:-1]) + last + words[-1]


def words_of_all(x, columns):
    """(marked words, words for titles) of each column."""
    said, marked = [], []
    for c in columns:
        say = x.say(c)
        need(not is_clause(strip_marks(say)))
        said.append(noun_of(x, c, say))
        marked.append(link(say, c.name))
    return marked, said


def whole(x, columns):
    """Words that mean every value column."""
    rng, s, names = x.rng, x.w.strands, [c.name for c in columns]
    noun, many, n = s["noun"], plural(s["noun"]), NUMBER_WORDS[len(names)]
    forms = [f"all {many}", f"every {noun}", f"each {noun}", f"all {n} {many}", f"the {n} {many}"]
    forms += [] if s["other"] else ["all columns", "all the columns", "every column", f"all {n} columns"]
    return link(rng.choice(forms).replace("all two", "both"), *names)


class Course:
    """The time axis of a request: chain (with what is summed), x, marked words, words for titles, number of points."""

    def __init__(self, x, columns, time, bars=False):
        rng = x.rng
        f = x.f
        values = f.data(time)
        one_place = f.layout == "panel" and x.filter and x.filter.column.kind == "category" and '"=="' in x.where
        once = len(set(values)) == len(values) or one_place and len(set(zip(values, f.data(x.filter.column)))) == len(values)
        agg = "sum" if all(c.additive for c in columns) else "mean"
        names = ", ".join(q(c.name) for c in columns)
        self.mean = self.grouped = False
        if time.kind == "date" and (bars or not once or rng.random() < 0.3):
            self.x = period_of(x, time, ("month", "quarter", "year") if not bars else ("year", "quarter", "year"))
            per, _, noun = PERIODS[self.x]
            self.words, self.title = link(rng.choice(per), time.name), f"per {noun}"
            self.chain = f":{self.x}({q(time.name)}):group({q(self.x)}):{agg}({names}):sort({q(self.x)})"
            self.mean, self.grouped = agg == "mean", True
            return
        self.x, self.title = time.name, "over time"
        if time.role == "year":
            self.words, self.title = link(rng.choice(("over the years", "over the years", "per year", "by year", "over time", "year by year", "through the years", "in each year")), time.name), "per year"
        elif time.kind == "entity":
            self.words, self.title = link(rng.choice(("per month", "by month", "over the months", "month by month", "over the year", "for each month")), time.name), "per month"
        else:
            self.words = link(rng.choice(("over time", "over time", "over time", "through time", "over the whole period", "by date")), time.name)
        self.chain = ""
        if not once:
            self.chain = f":group({q(time.name)}):{agg}({names})" + (f":sort({q(time.name)})" if time.kind != "entity" else "")
            self.mean, self.grouped = agg == "mean", True


def no_echo(said, word):
    """A column called "avg load" has no average."""
    need(not word or not any(re.match(r"(avg|average|mean|total|sum)\b", s) for s in said))


def lead(x, course):
    """What is said before columns that are summed up."""
    if course.mean:
        return x.rng.choice(("average ", "average ", "mean ", ""))
    return x.rng.choice(("total ", "", "", "")) if course.grouped else ""


def drawn(x, names, course, columns, said, kind):
    """A chart of the columns; most people name no kind of chart for lines."""
    rng = x.rng
    before = lead(x, course)
    count = NUMBER_WORDS[len(columns)]
    core = rng.choice((f"{before}{names} {course.words}", f"{before}{names} {course.words}", f"{before}{names} {course.words} in one chart", f"{before}{names} {course.words}, one {kind if kind != 'area' else 'colour'} each"))
    text = None
    if kind == "line" and rng.random() < 0.6:
        text = rng.choice((f"plot {before}{names} {course.words}", f"plot {before}{names} {course.words}", f"compare {before}{names} {course.words}", f"compare {before}{names} {course.words} in a chart", f"show {before}{names} {course.words} in one graph", f"draw {before}{names} {course.words}",
                           f"a line each for {before}{names} {course.words}", f"{before}{names} {course.words} as {count} lines", f"how did {names} develop {course.words}? draw a line for each", f"one line for each of {before}{names} {course.words}",
                           f"{count} lines {course.words}: {names}", f"draw {before}{names} {course.words} as separate lines", f"graph {before}{names} against each other {course.words}", f"{before}{names} {course.words} in the same chart"))
        text = re.sub("(line|lines|each) (each for|for each of) (\x01?)(all|the|each|every) ", lambda m: f"{m[1]} for {m[3]}{'each' if m[4] in ('each', 'every') else 'each of the'} ", text)
        text = x.filtered(text.replace("? draw", f"{keep('?')} draw"))
    if kind == "bar" and rng.random() < 0.4:
        text = x.filtered(rng.choice((f"compare {before}{names} {course.words} as bars", f"{before}{names} side by side {course.words}, bars", f"grouped bars of {before}{names} {course.words}", f"bars for {before}{names} {course.words}")))
    pairs = [("x", course.x), ("y", [c.name for c in columns])]
    if kind == "area":
        core += rng.choice((", stacked", " stacked on top of each other", ", stacked areas"))
        pairs.append(("stack", "zero"))
    word = "average " if course.mean else "total " if course.grouped else ""
    no_echo(said, word)
    title = f"{word}{', '.join(said[:-1])} and {said[-1]} {course.title}"
    return finish_chart(x, kind, core, course.chain, pairs, cap(title), f"the {title}" if word else title, generic=False, text=text)


def kind_of(x, columns, time):
    """A line mostly; areas only of what adds up, bars only of few times."""
    few = time.kind == "date" or len(set(x.f.data(time))) <= 12
    return x.rng.choices(("line", "area", "bar"), (76, 10 if all(c.additive for c in columns) else 0, 14 if few else 0))[0]


# Tasks -------------------------------------------------------------------------------------------------------------

def place_filter(x, chance):
    """Only one place, or a stretch of years."""
    s = x.w.strands
    if x.rng.random() < chance:
        x.pick_filter(("value", "value", "year", "date") if s["place"] else ("year", "date"))
        x.used = [c for c in x.used if c is not s["time"]]
        need(x.filter.column is not s["time"] or '"=="' not in x.where)


def named_lines(x):
    """Some of the value columns, by name, in the order of the speaker."""
    rng = x.rng
    s = x.w.strands
    place_filter(x, 0.2)
    n = rng.choice((2, 2, 3, 3, 4))
    need(n <= len(s["columns"]))
    columns = rng.sample(s["columns"], n)
    x.used += columns + [s["time"]]
    kind = kind_of(x, columns, s["time"])
    course = Course(x, columns, s["time"], kind == "bar")
    marked, said = words_of_all(x, columns)
    return drawn(x, listed(rng, marked), course, columns, said, kind)


def all_lines(x):
    rng = x.rng
    s = x.w.strands
    place_filter(x, 0.15)
    columns = [c for c in x.f.columns if c in s["columns"]]  # nobody names them, so they stand as in the table
    x.used += columns + [s["time"]]
    kind = kind_of(x, columns, s["time"])
    course = Course(x, columns, s["time"], kind == "bar")
    return drawn(x, whole(x, columns), course, columns, [c.says[0] for c in columns], kind)


def one_line(x):
    """Only one of the columns is asked for."""
    rng = x.rng
    s = x.w.strands
    place_filter(x, 0.15)
    y = rng.choice(s["columns"])
    x.used += [y, s["time"]]
    course = Course(x, [y], s["time"])
    (m,), (said,) = words_of_all(x, [y])
    word = "average " if course.mean else "total " if course.grouped else ""
    no_echo([said], word)
    m = f"{lead(x, course)}{m}"
    text = x.filtered(rng.choice((f"plot {m} {course.words}", f"draw {m} {course.words}", f"how did {m} develop {course.words}", f"show {m} {course.words} in a chart"))) if rng.random() < 0.4 else None
    return finish_chart(x, "line", f"{m} {course.words}", course.chain, [("x", course.x), ("y", y.name)], f"{cap(word + said)} {course.title}", f"{'the ' if word else ''}{word}{said} {course.title}", text=text)


def lines_as_table(x):
    """The same numbers in print."""
    rng = x.rng
    s = x.w.strands
    n = rng.choice((2, 2, 3))
    need(n <= len(s["columns"]))
    columns = rng.sample(s["columns"], n)
    x.used += columns + [s["time"]]
    course = Course(x, columns, s["time"])
    need(course.grouped)
    marked, said = words_of_all(x, columns)
    word = "average " if course.mean else "total "
    m = f"{rng.choice((word, '')) if not course.mean else 'average '}{listed(rng, marked)} {course.words}"
    form = rng.choice((f"list {m}", f"{m} as a table", f"table of {m}", f"give me {m} in numbers", f"print {m}"))
    return question(x, form, f"t = {x.read()}{course.chain}\nprint(t)", cells_answer(f"{word}{', '.join(said[:-1])} and {said[-1]} {course.title}"))


def measures_over_time(x):
    """Two to four numbers of any table over its dates or years."""
    rng = x.rng
    maybe_filter(x, 0.12, ("value", "value", "entity"))
    times = [c for c in x.f.columns if c.kind == "date" or c.role == "year"]
    need(times)
    time = times[0]
    x.used.append(time)
    columns = [x.number() for _ in range(rng.choice((2, 2, 3, 3, 4)))]
    kind = kind_of(x, columns, time)
    course = Course(x, columns, time, kind == "bar")
    marked, said = words_of_all(x, columns)
    return drawn(x, listed(rng, marked), course, columns, said, kind)


TASKS = [(5, named_lines, "strands"), (1.6, all_lines, "strands"), (1, one_line, "strands"), (0.5, lines_as_table, "strands"), (3.6, measures_over_time, "table")]
