"""Rows against a column that holds counts: "how many jars were sold" is a sum, "how many orders" counts rows."""
import re

from context import cap, q
from derived import one_and_many, shown
from kit import ABOVE, amount, best_said, category, counted_numbers, distinct_names, entity, file_of, number_said, style_of, workspace
from schemas import Column, category_column, styled
from tasks import finish_chart, maybe_filter, need, period_of, question, scalar
from wording import keep, link, plural, stems

TOWN = (["town", "place", "location"], ["town", "place"], ["Arnfeld", "Bexley", "Corso", "Dunmore", "Eastry", "Furnace Hill"])
DAY = (["weekday_type", "day_type"], ["kind of day"], ["Workday", "Saturday", "Sunday", "Holiday"])
# rows, files, names of the column, things, "were …", "which … … the most things", from, to, what else the table has
SPECS = [
    (["order", "sale"], ["honey_orders", "farm_shop", "orders"], ["jars", "n_jars", "jars_sold"], "jars", "sold", "sold", 1, 40, [(["honey", "flavour", "product"], ["kind of honey", "honey"], ["Acacia", "Heather", "Lime", "Forest"]), TOWN]),
    (["booking"], ["bookings", "box_office"], ["tickets", "n_tickets", "ticket_count"], "tickets", "booked", "sold", 1, 8, [(["show", "play", "performance"], ["show", "play"], ["Hamlet", "Carmen", "Puppet night", "Improv", "Swan Lake"]), (["channel", "booked_via"], ["channel"], ["Online", "Counter", "Phone"])]),
    (["trip", "run"], ["minibus", "shuttle_log", "trips"], ["passengers", "pax", "passengers_on_board"], "passengers", "carried", "carried", 0, 60, [(["line", "route"], ["line", "route"], ["Harbour", "Airport", "Campus", "Ring"]), (["driver"], ["driver"], ["Inga", "Piet", "Sora", "Matteo"]), DAY]),
    (["match", "game"], ["season", "matches", "handball"], ["goals", "goals_scored", "n_goals"], "goals", "scored", "scored", 0, 9, [(["team", "side"], ["team"], ["Falcons", "Rovers", "Comets", "Lions"]), (["venue"], ["venue"], ["Home", "Away", "Neutral"])]),
    (["delivery", "drop"], ["courier", "deliveries", "van_log"], ["parcels", "parcel_count", "n_parcels"], "parcels", "delivered", "delivered", 1, 120, [(["van", "vehicle"], ["van"], ["Van 1", "Van 2", "Van 3", "Cargo bike"]), TOWN]),
    (["shift"], ["bakehouse", "shifts", "oven_log"], ["loaves", "loaves_baked"], "loaves", "baked", "baked", 20, 400, [(["oven"], ["oven"], ["North oven", "Stone oven", "Small oven"]), (["baker"], ["baker"], ["Yara", "Ben", "Olek", "Maud"])]),
    (["visit"], ["vaccination", "clinic_days", "visits"], ["doses", "doses_given"], "doses", "given", "gave", 0, 90, [(["site", "clinic"], ["clinic"], ["Westside", "Town hall", "Mobile unit", "School"]), (["vaccine"], ["vaccine"], ["Flu", "Tetanus", "Measles"])]),
    (["inspection"], ["inspections", "quality", "line_checks"], ["defects", "n_defects", "defects_found"], "defects", "found", "had", 0, 14, [(["machine", "station"], ["machine"], ["Press A", "Press B", "Lathe", "Robot cell"]), (["inspector"], ["inspector"], ["Lena", "Rui", "Tomas"])]),
    (["donation day", "collection"], ["clothes_bank", "collections"], ["bags", "bags_collected"], "bags", "collected", "collected", 1, 70, [(["district"], ["district"], ["Old town", "Riverside", "Hillend", "Docks"]), (["vehicle"], ["vehicle"], ["Truck", "Van", "Trailer"])]),
    (["session", "workshop"], ["workshops", "evening_classes"], ["participants", "attendees", "n_participants"], "participants", "registered", "drew", 2, 35, [(["course", "topic"], ["course"], ["Pottery", "Italian", "First aid", "Yoga", "Bookkeeping"]), (["room"], ["room"], ["R1", "R2", "Hall"])]),
    (["tour"], ["tours", "guided_walks"], ["guests", "guest_count"], "guests", "guided", "brought", 1, 28, [(["guide"], ["guide"], ["Aino", "Jules", "Kim", "Rafa"]), (["language"], ["language"], ["English", "French", "Czech"])]),
    (["planting"], ["tree_planting", "plantings"], ["trees", "trees_planted", "n_trees"], "trees", "planted", "planted", 2, 300, [(["species_planted", "kind"], ["kind of tree"], ["Oak", "Birch", "Larch", "Rowan"]), (["park"], ["park"], ["Castle park", "Canal side", "North green"])]),
    (["catch", "haul"], ["hauls", "trap_log"], ["lobsters", "lobsters_caught"], "lobsters", "caught", "caught", 0, 55, [(["boat"], ["boat"], ["Grete", "Sula", "Petrel"]), (["ground"], ["fishing ground"], ["Reef", "Bay", "Outer bank"])]),
    (["print job", "job"], ["printer_jobs", "copy_room"], ["pages", "pages_printed"], "pages", "printed", "printed", 1, 220, [(["printer"], ["printer"], ["Basement", "Floor 1", "Floor 2", "Library"]), (["department"], ["department"], ["Sales", "Law", "Design", "HR"])]),
    (["rental"], ["paddle_rental", "rentals"], ["boards", "boards_rented"], "boards", "rented out", "rented out", 1, 9, [(["beach"], ["beach"], ["Sandy Cove", "Pier", "Lagoon"]), (["customer_type"], ["customer type"], ["Tourist", "Local", "School"])]),
    (["call-out", "incident"], ["rescue", "incidents"], ["people_rescued", "rescued", "persons"], "people", "rescued", "rescued", 0, 12, [(["station"], ["station"], ["Cliff", "Harbour", "Lake"]), (["weather_state", "weather"], ["weather"], ["Calm", "Storm", "Fog"])]),
    (["stall day", "market day"], ["market", "stall_days"], ["waffles", "waffles_sold"], "waffles", "sold", "sold", 10, 260, [(["stall"], ["stall"], ["Stall 1", "Stall 2", "Truck"]), (["topping"], ["topping"], ["Cherry", "Sugar", "Plain", "Cream"])]),
    (["purchase"], ["bookshop", "till", "purchases"], ["copies", "copies_bought", "quantity"], "copies", "bought", "sold", 1, 15, [(["title", "book"], ["book", "title"], ["The Ferry", "Salt", "Night Garden", "Atlas", "Nine Doors"]), (["format"], ["format"], ["Paper", "Hardcover", "Audio"])]),
]
OTHERS = [(["amount_eur", "paid_eur"], ["amount", "amount paid"], 4, 300, 2), (["duration_min", "minutes"], ["duration", "minutes"], 5, 180, 0), (["rating"], ["rating"], 1, 5, 1), (["temperature_c"], ["temperature"], -5, 33, 1)]


# Headers that only say that something is counted, and what people say for them.
BARE = {"count": ("count", "count", "count", "total count", "overall count"), "cnt": ("count", "total count"), "number": ("number", "number", "total number"), "num": ("number",), "total_count": ("total count", "count")}


def topic_spec(rng, domains):
    """Like one of SPECS, from a topic: columns of counts are called after hundreds of things."""
    for _ in range(40):
        domain = rng.choice(domains)
        found = [(spec, things) for spec, things in counted_numbers(domain) if not any(stems(things) & stems(r) for r in domain["rows"])]
        if found and domain["categories"]:
            spec, things = rng.choice(found)
            cats = rng.sample(domain["categories"], min(3, len(domain["categories"])))
            return domain["rows"], domain["files"], spec["names"], things, rng.choice(("recorded", "counted", "noted")), "had", spec["lo"], spec["hi"], cats
    return rng.choice(SPECS)


def group_column(rng, spec, style):
    return category_column(rng, spec, style) if isinstance(spec, dict) else category(rng, spec, style)


def counted_workspace(rng, domains):
    """A table whose rows are events and that has a column of how many things there were in each."""
    rows, files, names, things, done, active, lo, hi, cats = rng.choice(SPECS) if rng.random() < 0.45 else topic_spec(rng, domains)
    style = style_of(rng)
    bare = rng.choice(sorted(BARE)) if rng.random() < 0.22 else None
    things_column = amount(rng, ([bare] if bare else names, [things, f"{things} {done}"], lo, hi, 0), style)
    things_column.bare = BARE.get(bare)
    columns = [group_column(rng, c, style) for c in rng.sample(cats, rng.randint(1, len(cats)))] + [things_column]
    if rng.random() < 0.75:
        columns.insert(0, Column(styled(rng, rng.choice(("date", "day", "held_on")), style), "date", ["date", "day"]))
    if rng.random() < 0.5:
        spec = rng.choice(OTHERS)
        columns.append(amount(rng, spec, style, additive=spec[0][0] not in ("rating", "temperature_c")))
    if rng.random() < 0.25:
        columns.insert(0, entity(rng, (f"{rows[0].split()[0]}_id", "nr", "code"), ["code"], "code", style))
    if not distinct_names(columns) or any(c.kind == "skip" for c in columns):
        return counted_workspace(rng, domains)
    f = file_of(rng, rng.choice(files), rows, columns, rng.choice((14, 20, 30, 45, 60, 90, 150)), {"domain": things})
    return workspace("counted", f, things=things_column, said=(things, done, active))


def sides(x):
    """(column, things, done, active, rows) of the table, the column taken."""
    need(x.w.kind == "counted")
    x.used.append(x.w.things)
    return (x.w.things, *x.w.said, plural(x.row))


def things_words(x, c, things, done):
    """(a noun for the sum of the column, words for titles and answers). A column called "count" is called so by half of the people."""
    if c.bare and x.rng.random() < 0.55:
        word = x.rng.choice(c.bare)
        return link(word, c.name), "total count" if "count" in word else "total number"
    words = (things, things, f"number of {things}", f"total number of {things}", f"total {things}", f"{things} {done}", f"number of {things} {done}", f"amount of {things}")
    return link(x.rng.choice(words), c.name), f"total number of {things}"


def row_words(x, c, rs):
    """A noun for the number of rows; beside a column called "count" only one that names them."""
    words = (f"number of {rs}", f"number of {rs}", rs) if c.bare else (f"number of {rs}", f"{x.row} count", rs, f"count of {rs}", f"number of {rs}")
    return link(x.rng.choice(words), "rows")


def either(x, share):
    """(marked noun, words for titles, method of the group, its column): what is counted in the column, or the rows."""
    c, things, done, active, rs = sides(x)
    if x.rng.random() < share:
        m, said = things_words(x, c, things, done)
        return m, said, f":sum({q(c.name)})", c.name
    return row_words(x, c, rs), f"number of {rs}", ":count()", "count"


def how_many(x):
    """Things (a sum) or rows (a count), with and without a condition."""
    rng = x.rng
    c, things, done, active, rs = sides(x)
    maybe_filter(x, 0.5, ("value", "value", "value", "date", "not"))
    if rng.random() < 0.58:
        every = link(f"how many {things}", c.name)
        form = rng.choice((f"{every} were {done}", f"{every} were {done}", f"{every} were {done} in total", f"{every} {done}", f"{every} altogether", f"{every} are there in all {link(rs, 'rows')} together", f"{every} did we have", f"{every} in total",
                           f"total {link(f'number of {things}', c.name)}", f"{link(f'{things} {done}', c.name)} in total", f"what is the {link(f'total number of {things}', c.name)}", f"add up the {link(things, c.name)}", f"count the {link(f'{things} {done}', c.name)}"))
        return number_said(x, x.filtered(form), f"print({x.read()}:sum({q(c.name)}))", f"total number of {things}")
    r = rng.random()
    word = rs if r < 0.75 else rng.choice(("rows", "entries", "records", "lines"))
    every = link(f"how many {word}", "rows")
    form = rng.choice((f"{every} were there", f"{every} are there", f"{every} do we have", f"{every} are in the table", f"{every}", f"{link(f'number of {word}', 'rows')}", f"what is the {link(f'number of {word}', 'rows')}", f"count the {link(word, 'rows')}", f"{every} (not {things})"))
    return number_said(x, x.filtered(form), f"print({x.read()}:count())", f"number of {word if word != 'lines' else 'rows'}")


def both_numbers(x):
    rng = x.rng
    c, things, done, active, rs = sides(x)
    maybe_filter(x, 0.3, ("value", "value", "date"))
    rows_first = rng.random() < 0.6
    a, b = link(f"how many {rs}", "rows"), link(f"how many {things}", c.name)
    m, n = link(f"number of {rs}", "rows"), link(f"total {things}", c.name)
    pair = (a, b, m, n) if rows_first else (b, a, n, m)
    form = x.filtered(rng.choice((f"{pair[0]} and {pair[1]} were there", f"{pair[0]} were there and {pair[1]}", f"{pair[2]} and {pair[3]}", f"give me the {pair[2]} and the {pair[3]}", f"{pair[0]}? and {pair[1]} in all")))
    script = f"t = {x.read()}\nprint({'t:count(), ' if rows_first else ''}t:sum({q(c.name)}){'' if rows_first else ', t:count()'})"
    tail = x.clean(x.said_tail)

    def answer(obs):
        v, w = scalar(obs).split(" ")
        count, total = (v, w) if rows_first else (w, v)
        return f"The number of {rs}{tail} is {count}, the total number of {things} is {total}."
    return question(x, form, script, answer)


def per_group(x):
    """Things or rows per group: charts, tables, the most."""
    rng = x.rng
    c, things, done, active, rs = sides(x)
    maybe_filter(x, 0.15, ("value", "date"))
    g = x.category(limit=10, test=lambda c: c.kind == "category")
    r = rng.random()
    if r < 0.8:
        m, said, agg, y = either(x, 0.7)
        return shown(x, m, g, f":group({q(g.name)}){agg}", y, said, charts=("bar", "bar", "bar", "pie"))
    m = rng.choice((f"average {link(things, c.name)} per {link(x.row, 'rows')}", f"mean {link(f'number of {things}', c.name)} per {link(x.row, 'rows')}", f"{link(things, c.name)} per {link(x.row, 'rows')} on average"))
    return shown(x, m, g, f":group({q(g.name)}):mean({q(c.name)})", c.name, f"average number of {things} per {x.row}")


def most(x):
    """"Which town sold the most jars", "which town had the most orders"."""
    rng = x.rng
    c, things, done, active, rs = sides(x)
    maybe_filter(x, 0.2, ("value", "date"))
    g = x.category(limit=12, test=lambda c: c.kind == "category")
    one, many, name = one_and_many(x, g)
    low = rng.random() < 0.3
    word = "fewest" if low else "most"
    if c.bare and rng.random() < 0.4:
        m, said = things_words(x, c, things, done)
        form = rng.choice((f"which {one} has the {'lowest' if low else 'highest'} {m}", f"{one} with the {'smallest' if low else 'largest'} {m}"))
        return best_said(x, x.filtered(form), f":group({q(g.name)}):sum({q(c.name)})", g.name, c.name, said, low)
    if rng.random() < 0.65:
        verb = rng.choice((active, "had", active))
        form = rng.choice((f"which {one} {verb} the {link(f'{word} {things}', c.name)}", f"{one} with the {link(f'{word} {things}', c.name)}", f"where were the {link(f'{word} {things}', c.name)} {done}, by {one}", f"for which {one} were the {link(f'{word} {things}', c.name)} {done}", f"{link(f'{word} {things}', c.name)}: which {one}"))
        return best_said(x, x.filtered(form), f":group({q(g.name)}):sum({q(c.name)})", g.name, c.name, f"number of {things}", low)
    m = link(f"{word} {rs}", "rows")
    form = rng.choice((f"which {one} had the {m}", f"which {one} has the {m}", f"{one} with the {m}", f"what {one} has the {m}", f"{m}: which {one}"))
    return best_said(x, x.filtered(form), f":group({q(g.name)}):count()", g.name, "count", f"number of {rs}", low)


def over_months(x):
    rng = x.rng
    maybe_filter(x, 0.2, ("value",))
    d = x.date()
    p = period_of(x, d, ("month", "month", "weekday", "quarter"))
    per = link(rng.choice({"month": ("per month", "by month", "each month", "month by month"), "weekday": ("per weekday", "by day of the week"), "quarter": ("per quarter", "by quarter")}[p]), d.name)
    m, said, agg, y = either(x, 0.65)
    chain = f":{p}({q(d.name)}):group({q(p)}){agg}" + (f":sort({q(p)})" if p != "weekday" else "")
    kind = rng.choice(("line", "line", "bar")) if p != "weekday" else "bar"
    return finish_chart(x, kind, f"{m} {per}", chain, [("x", p), ("y", y)], f"{cap(said)} per {p}", f"the {said} per {p}", generic=kind == "line")


def rows_with(x):
    """"How many orders had more than 3 jars", "how many games without a goal": rows counted by the column."""
    rng = x.rng
    c, things, done, active, rs = sides(x)
    values = sorted(v for v in x.f.data(c) if v is not None)
    n = values[int(len(values) * rng.uniform(0.25, 0.8))]
    if c.lo == 0 and 0 in values and rng.random() < 0.4:
        none = link(f"no {things}", f"{c.name}:0")
        form = rng.choice((f"{link(f'how many {rs}', 'rows')} had {none}", f"{link(f'number of {rs}', 'rows')} with {none}", f"{link(f'how many {rs}', 'rows')} were without {link(things, f'{c.name}:0')}", f"{link(f'how many {rs}', 'rows')} with {link(f'zero {things}', f'{c.name}:0')}"))
        return question(x, form, f"print({x.read()}:where({q(c.name)}, \"==\", 0):count())", lambda obs: f"The number of {rs} with no {things} is {scalar(obs)}.")
    need(values[0] < n < values[-1])
    op = rng.choice((">", ">", ">=", "<", "<="))
    words = rng.choice([w for w in ABOVE[op] if "longer" not in w])
    cond = link(f"{words.format(n=keep(str(n)))} {things}", f"{c.name}:{n}")
    form = rng.choice((f"{link(f'how many {rs}', 'rows')} had {cond}", f"{link(f'number of {rs}', 'rows')} with {cond}", f"{link(f'how many {rs}', 'rows')} are there with {cond}", f"count the {link(rs, 'rows')} with {cond}"))
    return question(x, form, f"print({x.read()}:where({q(c.name)}, \"{op}\", {n}):count())", lambda obs: f"The number of {rs} with {x.clean(words.format(n=n))} {things} is {scalar(obs)}.")


def per_row(x):
    """Things per row: mean, median, largest."""
    rng = x.rng
    c, things, done, active, rs = sides(x)
    maybe_filter(x, 0.3, ("value", "date"))
    one = link(x.row, "rows")
    agg, word = rng.choice((("mean", "average"), ("mean", "average"), ("median", "median"), ("max", "highest"), ("min", "lowest")))
    m = link(things, c.name)
    form = {"mean": rng.choice((f"average {m} per {one}", f"how many {m} per {one} on average", f"how many {m} does an average {one} have", f"mean {link(f'number of {things}', c.name)} per {one}")), "median": f"median {link(f'number of {things}', c.name)} per {one}",
            "max": rng.choice((f"most {m} in one {one}", f"largest {link(f'number of {things}', c.name)} in a single {one}")), "min": rng.choice((f"fewest {m} in one {one}", f"smallest {link(f'number of {things}', c.name)} in a single {one}"))}[agg]
    return number_said(x, x.filtered(form), f"print({x.read()}:{agg}({q(c.name)}))", f"{word} number of {things} per {x.row}")


def top_things(x):
    """The few groups with the most things, or rows, as bars."""
    rng = x.rng
    maybe_filter(x, 0.1, ("value", "date"))
    g = x.category(limit=14, test=lambda c: c.kind == "category" and len(c.values) >= 4)
    one, many, name = one_and_many(x, g)
    n = rng.choice((2, 3, 3, 5))
    need(n < len(g.values))
    m, said, agg, y = either(x, 0.7)
    k = keep(str(n))
    core = rng.choice((f"top {k} {many} by {m}", f"the {k} {many} with the most {m}", f"the {k} {many} with the highest {m}", f"{m} of the top {k} {many}", f"{k} best {many} by {m}"))
    counts = re.search(r"with the most \x01(?=(number|amount|total|count|overall)|[^\x02]* count\b)", core)
    core = core.replace("with the most", "with the highest") if counts else core if "number" in core or "count" in core else core.replace("with the highest", "with the most")
    return finish_chart(x, "bar", core, f":group({q(g.name)}){agg}:top({n}, {q(y)})", [("x", g.name), ("y", y)], f"Top {n} {plural(name)} by {said}", f"the top {n} {plural(name)} by {said}")


def chart_of_things(x):
    """Bars of things, split by a second group."""
    rng = x.rng
    g, h = x.category(limit=8, test=lambda c: c.kind == "category"), x.category(limit=6, test=lambda c: c.kind == "category")
    one, _, name = one_and_many(x, g)
    two, _, other = one_and_many(x, h)
    m, said, agg, y = either(x, 0.65)
    core = rng.choice((f"{m} per {one} and {two}", f"{m} by {one}, split by {two}", f"{m} per {one}, coloured by {two}"))
    return finish_chart(x, "bar", core, f":group({q(g.name)}, {q(h.name)}){agg}", [("x", g.name), ("y", y), ("color", h.name)], f"{cap(said)} per {name} and {other}", f"the {said} per {name} and {other}", generic=False)


TASKS = [(5, how_many, "counted"), (1.4, both_numbers, "counted"), (3.5, per_group, "counted"), (3.4, most, "counted"), (1.4, top_things, "counted"), (2, over_months, "counted"), (1.5, rows_with, "counted"), (1.5, per_row, "counted"), (0.8, chart_of_things, "counted")]
