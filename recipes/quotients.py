"""Quotients of two totals: fares per passenger, cost per page; per group, over all, over time, as charts and as questions."""
from context import cap, q
from derived import bracket, one_and_many, per_words, say_plain, shown
from layouts import cells_answer
from kit import amount, best_said, category, counted_numbers, distinct_names, entity, file_of, need, number_said, style_of, workspace
from schemas import Column, category_column, is_clause, number_column, styled
from tasks import ASK, PERIODS, finish_chart, maybe_filter, period_of, period_words, question
from wording import keep, link, plural, singular, stems, strip_marks

# rows, files, (names, says, from, to, decimals) of what is divided and by what, what people say for both, categories
SPECS = [
    (["crossing"], ["ferry", "crossings"], (["fares_eur", "fares", "fare_income"], ["fares", "fare income"], 90, 2400, 2), (["passengers", "pax"], ["passengers"], 12, 260, 0), [("fares", "passenger"), ("fare income", "passenger"), ("income", "person on board")],
     [(["vessel", "ship"], ["ship"], ["Freya", "Skua", "Tern"]), (["route"], ["route"], ["North Sound", "Islet", "Mainland"])]),
    (["wash", "run"], ["laundry", "machines"], (["water_l", "litres"], ["water", "water used"], 40, 900, 0), (["loads", "n_loads"], ["loads"], 1, 12, 0), [("water", "load"), ("water use", "load"), ("litres", "load")],
     [(["machine"], ["machine"], ["M1", "M2", "M3", "M4"]), (["programme"], ["programme"], ["Cotton", "Wool", "Quick", "Eco"])]),
    (["round", "tour"], ["couriers", "rounds"], (["earnings", "pay_eur"], ["earnings", "pay"], 20, 210, 2), (["drops", "deliveries"], ["drops", "deliveries"], 4, 60, 0), [("earnings", "drop"), ("pay", "delivery"), ("money earned", "drop")],
     [(["rider"], ["rider"], ["Anouk", "Deniz", "Filip", "Gwen"]), (["zone"], ["zone"], ["Centre", "Harbour", "Hills"])]),
    (["print", "copy job"], ["print_costs", "copies"], (["cost", "cost_eur"], ["cost", "costs"], 1, 160, 2), (["pages", "n_pages"], ["pages"], 5, 900, 0), [("cost", "page"), ("costs", "page"), ("price", "page")],
     [(["device", "printer"], ["printer"], ["Laser 1", "Laser 2", "Plotter"]), (["office"], ["office"], ["Ulm", "Gent", "Cork"])]),
    (["barn day", "milking"], ["milk_book", "barns"], (["milk_l", "milk"], ["milk", "milk yield"], 200, 2600, 0), (["cows", "cows_milked"], ["cows", "cows milked"], 12, 110, 0), [("milk", "cow"), ("milk yield", "cow")],
     [(["barn"], ["barn"], ["Upper barn", "Lower barn", "New barn"]), (["breed"], ["breed"], ["Jersey", "Angler", "Fleckvieh"])]),
    (["batch"], ["cluster", "jobs_energy"], (["energy_kwh", "kwh"], ["energy", "energy used"], 3, 700, 1), (["jobs", "jobs_done"], ["jobs", "jobs done"], 2, 320, 0), [("energy", "job"), ("kWh", "job"), ("energy use", "job")],
     [(["cluster"], ["cluster"], ["Ada", "Babbage", "Curie"]), (["queue"], ["queue"], ["short", "long", "gpu"])]),
    (["open day", "day"], ["donation_boxes", "boxes"], (["donations_eur", "donations"], ["donations", "money donated"], 5, 800, 2), (["visitors", "people"], ["visitors"], 10, 600, 0), [("donations", "visitor"), ("donations", "head"), ("money given", "visitor")],
     [(["house"], ["house"], ["Chapel", "Mill", "Castle", "Barn"]), (["season"], ["season"], ["Spring", "Summer", "Autumn"])]),
    (["vintage lot", "parcel"], ["vineyard", "vintage"], (["bottles", "bottles_filled"], ["bottles"], 300, 9000, 0), (["hectares", "area_ha"], ["hectares", "area"], 0.3, 6, 1), [("bottles", "hectare"), ("yield in bottles", "hectare")],
     [(["grape"], ["grape"], ["Riesling", "Merlot", "Silvaner", "Syrah"]), (["slope"], ["slope"], ["South", "West", "Terraces"])]),
    (["shift", "desk day"], ["hotline", "desk"], (["talk_minutes", "minutes"], ["talk time", "minutes"], 20, 420, 0), (["calls", "calls_taken"], ["calls"], 5, 80, 0), [("talk time", "call"), ("minutes", "call"), ("time", "call")],
     [(["agent"], ["agent"], ["Bodo", "Ceri", "Dalia", "Ewan"]), (["desk"], ["desk"], ["Tickets", "Refunds", "Lost items"])]),
    (["day", "till day"], ["museum_shop", "till"], (["sales_eur", "sales"], ["sales", "money taken"], 60, 2400, 2), (["customers", "n_customers"], ["customers"], 6, 140, 0), [("sales", "customer"), ("spend", "customer"), ("money spent", "customer")],
     [(["till"], ["till"], ["Main", "Terrace", "Foyer"]), (["exhibition"], ["exhibition"], ["Maps", "Masks", "Moths"])]),
    (["trip", "bus day"], ["bus_fuel", "garage"], (["diesel_l", "diesel"], ["diesel", "diesel used"], 20, 240, 1), (["km", "kilometres"], ["kilometres", "distance"], 60, 800, 0), [("diesel", "kilometre"), ("fuel use", "km"), ("litres", "km")],
     [(["bus_type"], ["bus type"], ["Midi", "Articulated", "Coach"]), (["driver"], ["driver"], ["Rune", "Sanna", "Tariq"])]),
    (["campaign day"], ["clicks", "advert_days"], (["spend_eur", "spend"], ["spend", "ad spend"], 8, 900, 2), (["clicks"], ["clicks"], 15, 2600, 0), [("spend", "click"), ("cost", "click"), ("ad spend", "click")],
     [(["site"], ["site"], ["Search", "Feed", "Banner"]), (["audience"], ["audience"], ["Students", "Parents", "Seniors"])]),
    (["coop day"], ["hen_house", "eggs"], (["eggs", "eggs_laid"], ["eggs", "eggs laid"], 30, 900, 0), (["hens", "n_hens"], ["hens"], 40, 1000, 0), [("eggs", "hen"), ("eggs laid", "hen")],
     [(["coop"], ["coop"], ["Coop A", "Coop B", "Meadow"]), (["feed"], ["feed"], ["Maize", "Mixed", "Organic"])]),
    (["quarter bill", "bill"], ["heating", "flats"], (["gas_kwh", "gas"], ["gas", "gas use"], 500, 6000, 0), (["floor_m2", "area_m2"], ["floor area", "area"], 35, 260, 0), [("gas", "square metre"), ("gas use", "square metre"), ("kWh", "square metre")],
     [(["building"], ["building"], ["Elm Court", "Mill Row", "Station House"]), (["boiler"], ["boiler"], ["old", "new"])]),
    (["repair", "order"], ["garage_jobs", "workshop"], (["invoice_eur", "invoiced"], ["amount invoiced", "invoices"], 60, 2900, 2), (["hours", "work_hours"], ["hours", "work hours"], 0.5, 24, 1), [("amount invoiced", "hour"), ("income", "hour"), ("money earned", "working hour")],
     [(["mechanic"], ["mechanic"], ["Olga", "Paul", "Quirin"]), (["make"], ["make"], ["Avanti", "Borgo", "Castra"])]),
    (["issue"], ["newspaper", "issues"], (["misprints", "errors"], ["misprints", "errors"], 1, 60, 0), (["pages"], ["pages"], 8, 64, 0), [("misprints", "page"), ("errors", "page"), ("number of misprints", "page")],
     [(["section"], ["section"], ["Local", "Sports", "Culture"]), (["editor"], ["editor"], ["Ravn", "Sole", "Tight"])]),
]


def topic_pair(rng, domains, style):
    """(rows, files, columns of both, what people say, categories) of a topic: anything that adds up over things that are counted; or None."""
    domain = rng.choice(domains)
    counted = [(spec, things) for spec, things in counted_numbers(domain) if not any(stems(things) & stems(r) for r in domain["rows"])]
    if not counted or not domain["categories"]:
        return None
    below, things = rng.choice(counted)
    above = [n for n in domain["numbers"] if n["additive"] and n is not below and n["lo"] >= 0 and not stems(n["says"][0]) & stems(things)]
    if not above:
        return None
    spec = rng.choice(above)
    a, b = number_column(rng, spec, style), number_column(rng, dict(below, lo=max(1, below["lo"]), hi=max(5, below["hi"])), style)
    cats = [category_column(rng, c, style) for c in rng.sample(domain["categories"], min(2, len(domain["categories"])))]
    says = [s for s in spec["says"][:2] if not is_clause(s)]
    return domain["rows"], domain["files"], a, b, [(s, singular(things)) for s in says], [c for c in cats if c.kind == "category" and len(c.values) >= 2]


def paired_workspace(rng, domains):
    """A table with two numbers whose totals people divide."""
    style = style_of(rng)
    found = topic_pair(rng, domains, style) if rng.random() < 0.5 else None
    if found:
        rows, files, a, b, ways, groups = found
    else:
        rows, files, first, second, ways, cats = rng.choice(SPECS)
        a, b = amount(rng, first, style), amount(rng, second, style)
        groups = [category(rng, c, style) for c in cats]
    if not groups or not ways:
        return paired_workspace(rng, domains)
    return pair_table(rng, rows, files, a, b, ways, groups[:rng.choice((1, 2, 2))], style)


def pair_table(rng, rows, files, a, b, ways, groups, style):
    """The numbers stand in either order, and others beside them."""
    numbers = [a, b]
    if rng.random() < 0.35:
        numbers.append(amount(rng, rng.choice(((["rating"], ["rating"], 1, 5, 0), (["temperature"], ["temperature"], -5, 33, 1), (["staff"], ["staff"], 1, 14, 0))), style, additive=False))
    rng.shuffle(numbers)
    columns = groups + numbers
    if rng.random() < 0.8:
        columns.insert(0, Column(styled(rng, rng.choice(("date", "day")), style), "date", ["date", "day"]))
    if rng.random() < 0.2:
        columns.insert(0, entity(rng, ("nr", "ref", "code"), ["code"], "code", style))
    if rng.random() < 0.25:
        rng.shuffle(columns)
    if not distinct_names(columns):
        numbers[:] = [a, b]
        columns = groups + [b, a]
    f = file_of(rng, rng.choice(files), rows, columns, rng.choice((12, 20, 30, 45, 70, 110, 160)), {"domain": rows[0]})
    return workspace("paired", f, pair=(a, b, ways))


class Quotient:
    """m: marked words; said: words for titles and answers; chain(by): its totals per group, divided."""

    def __init__(self, x):
        need(x.w.kind == "paired")
        rng = x.rng
        a, b, ways = x.w.pair
        need(distinct_names([a, b]) and a.name in x.f.table.names)
        x.used += [a, b]
        self.a, self.b, self.y = a, b, "rate"
        if rng.random() < 0.4:
            self.m, self.said = per_words(x, a, b)
            need(not is_clause(strip_marks(self.m)))
        else:
            way = rng.choice(ways)
            over, under = way if isinstance(way, tuple) else (way, None)
            self.said = f"{over} per {under}" if under else over
            self.m = f"{link(over, a.name)} {rng.choice(('per', 'per', 'per', 'per', 'for each', 'for every'))} {link(under, b.name)}" if under else link(over, a.name, b.name)
        if rng.random() < 0.1:
            (_, ma, na), (_, mb, nb) = say_plain(x, a), say_plain(x, b)
            self.m, self.said, self.y = rng.choice((f"{ma} divided by {mb}", f"total {ma} divided by total {mb}", f"ratio of {ma} to {mb}")), f"{na} divided by {nb}", "ratio"
        elif rng.random() < 0.3:
            self.m = f"{rng.choice(('average', 'average', 'mean', 'avg', 'overall'))} {self.m}"
            self.said = f"average {self.said}"
        self.derive = f":derive({q(self.y)}, {q(f'{bracket(a)} / {bracket(b)}')})"

    def chain(self, *by):
        return f":group({', '.join(q(n) for n in by)}):sum({q(self.a.name)}, {q(self.b.name)}){self.derive}"


def quotient_group(x):
    maybe_filter(x, 0.15, ("value", "date", "not"))
    p = Quotient(x)
    c = x.category(limit=12, test=lambda c: c.kind == "category")
    return shown(x, p.m, c, p.chain(c.name), p.y, p.said)


def quotient_top(x):
    """The few groups with the highest or lowest quotient, as bars."""
    rng = x.rng
    maybe_filter(x, 0.1, ("value", "date"))
    p = Quotient(x)
    c = x.category(limit=14, test=lambda c: c.kind == "category" and len(c.values) >= 4)
    one, many, name = one_and_many(x, c)
    n = rng.choice((2, 3, 3, 5))
    need(n < len(c.values))
    low = rng.random() < 0.25
    how, k = "bottom" if low else "top", keep(str(n))
    core = rng.choice((f"{how} {k} {many} by {p.m}", f"the {k} {many} with the {'lowest' if low else 'highest'} {p.m}", f"{p.m} of the {how} {k} {many}", f"the {k} {'worst' if low else 'best'} {many} by {p.m}"))
    return finish_chart(x, "bar", core, f"{p.chain(c.name)}:{how}({n}, {q(p.y)})", [("x", c.name), ("y", p.y)], f"{cap(how)} {n} {plural(name)} by {p.said}", f"the {how} {n} {plural(name)} by {p.said}")


def quotient_all(x):
    """Over all rows, or those of a filter."""
    rng = x.rng
    maybe_filter(x, 0.45, ("value", "value", "date", "not"))
    p = Quotient(x)
    form = rng.choice(ASK).format(m=p.m) if rng.random() < 0.85 else f"how high is the {p.m}"
    return number_said(x, x.filtered(form), f"t = {x.read()}\nprint(t:sum({q(p.a.name)}) / t:sum({q(p.b.name)}))", p.said)


def quotient_time(x):
    rng = x.rng
    maybe_filter(x, 0.2, ("value",))
    p = Quotient(x)
    d = x.date()
    period = period_of(x, d, ("month", "month", "month", "quarter", "year", "weekday"))
    chain = f":{period}({q(d.name)}){p.chain(period)}"
    pname = PERIODS[period][2]
    r = rng.random()
    if r < 0.22:
        low = rng.random() < 0.35
        word = "lowest" if low else "highest"
        form = rng.choice((f"which {link(pname, d.name)} had the {word} {p.m}", f"{link(pname, d.name)} with the {word} {p.m}", f"in which {link(pname, d.name)} was the {p.m} {word}"))
        return best_said(x, x.filtered(form), chain, period, p.y, p.said, low)
    core = period_words(x, d, period, p.m)
    if period != "weekday":
        chain += f":sort({q(period)})"
    kind = "bar" if period == "weekday" else rng.choice(("line", "line", "bar"))
    return finish_chart(x, kind, core, chain, [("x", period), ("y", p.y)], f"{cap(p.said)} per {pname}", f"the {p.said} per {pname}", generic=kind == "line")


def quotient_lines(x):
    """Over time with a line per group, or bars of two groups."""
    rng = x.rng
    p = Quotient(x)
    c = x.category(limit=6, test=lambda c: c.kind == "category")
    one, many, name = one_and_many(x, c)
    d = x.date()
    period = period_of(x, d, ("month", "quarter", "year"))
    core = period_words(x, d, period, p.m) + rng.choice((f" for each {one}", f", one line per {one}", f" by {one}", f", a line for every {one}", f" and {one}"))
    return finish_chart(x, "line", core, f":{period}({q(d.name)}){p.chain(period, c.name)}:sort({q(period)})", [("x", period), ("y", p.y), ("color", c.name)], f"{cap(p.said)} per {period} and {name}", f"the {p.said} per {period} and {name}", generic=False)


def both_totals(x):
    """The quotient and what it is made of, as a table."""
    rng = x.rng
    p = Quotient(x)
    c = x.category(limit=10, test=lambda c: c.kind == "category")
    one, many, name = one_and_many(x, c)
    (_, ma, na), (_, mb, nb) = say_plain(x, p.a), say_plain(x, p.b)
    form = x.filtered(rng.choice((f"{ma}, {mb} and {p.m} per {one}", f"table of {ma}, {mb} and {p.m} for each {one}", f"for each {one}: {ma}, {mb} and {p.m}")))
    return question(x, form, f"t = {x.read()}{p.chain(c.name)}\nprint(t)", cells_answer(f"{na}, {nb} and {p.said} per {name}"))


def either_total(x):
    """One of the two columns of the pair."""
    need(x.w.kind == "paired")
    y = x.rng.choice(x.w.pair[:2])
    x.used.append(y)
    return y


def one_total(x):
    """One of the two alone: "fares per ship" is a total, as a ship is no number."""
    rng = x.rng
    maybe_filter(x, 0.15, ("value", "date"))
    y = either_total(x)
    c = x.category(limit=12, test=lambda c: c.kind == "category")
    _, m, name = say_plain(x, y)
    return shown(x, rng.choice((m, m, f"total {m}", f"sum of {m}")), c, f":group({q(c.name)}):sum({q(y.name)})", y.name, f"total {name}", charts=("bar", "bar", "pie"))


def per_event(x):
    """"Fares per crossing", where a row is a crossing: a mean."""
    rng = x.rng
    maybe_filter(x, 0.2, ("value", "date"))
    y = either_total(x)
    _, m, name = say_plain(x, y)
    row = link(x.row, "rows")
    words = rng.choice((f"average {m} per {row}", f"mean {m} per {row}", f"average {m} of a {row}", f"{m} per {row} on average"))
    if rng.random() < 0.5:
        return number_said(x, x.filtered(rng.choice(ASK).format(m=words)), f"print({x.read()}:mean({q(y.name)}))", f"average {name} per {x.row}")
    c = x.category(limit=12, test=lambda c: c.kind == "category")
    return shown(x, words, c, f":group({q(c.name)}):mean({q(y.name)})", y.name, f"average {name} per {x.row}")


TASKS = [(4.4, quotient_group, "paired"), (1.6, quotient_top, "paired"), (2.2, quotient_all, "paired"), (2.4, quotient_time, "paired"), (0.8, quotient_lines, "paired"), (0.6, both_totals, "paired"), (1.4, one_total, "paired"), (1, per_event, "paired")]
