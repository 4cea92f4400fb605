"""Numbers that are products or sums of columns: quantity times price per group and over time, prices from another table, points added up; and
the same tables with the product in a column, where the price is a quotient and the total a plain sum."""
from context import cap, q
import quotients
from derived import bracket, one_and_many, say_plain, shown
from kit import amount, best_said, category, distinct_names, entity, file_of, need, number_said, set_data, style_of, table_said, workspace
from schemas import Column, File, styled
from tables import Table
from tasks import ASK, finish_chart, maybe_filter, period_of, unique_key
from wording import keep, link, plural, singular

# rows, files, (names, says, from, to, decimals) of both, what people call the product, categories; the second column may stand in a list of its own
WARES = (["item", "product", "article"], ["item", "product"], ["Lamp", "Chair", "Vase", "Rug", "Clock", "Mirror"])
SPECS = [
    (["sale", "order line"], ["sales", "order_lines", "receipts"], (["quantity", "qty", "units"], ["quantity", "units"], 1, 40, 0), (["unit_price", "price_eur", "price"], ["unit price", "price"], 2, 240, 2), ["revenue", "turnover", "sales value", "money made"], [WARES, (["branch", "shop"], ["branch"], ["Bergen", "Graz", "Nantes"])]),
    (["purchase"], ["purchases", "procurement"], (["pieces", "amount_ordered"], ["pieces", "number of pieces"], 1, 90, 0), (["cost_per_piece", "piece_price"], ["cost per piece", "piece price"], 0.5, 80, 2), ["spending", "total cost", "costs"], [(["material"], ["material"], ["Steel", "Foam", "Cable", "Paint"]), (["supplier"], ["supplier"], ["Ortek", "Balmer", "Wexo"])]),
    (["work entry", "time entry"], ["timesheet", "work_log"], (["hours", "hours_worked"], ["hours", "hours worked"], 0.5, 9, 1), (["hourly_rate", "rate_eur"], ["hourly rate"], 18, 140, 0), ["pay", "earnings", "fee", "wages"], [(["client"], ["client"], ["Museum", "Clinic", "Harbour", "School"]), (["consultant", "worker"], ["consultant"], ["Ines", "Paolo", "Britta"])]),
    (["delivery"], ["fuel_deliveries", "tanker"], (["litres", "volume_l"], ["litres", "volume"], 100, 9000, 0), (["price_per_litre", "eur_per_l"], ["price per litre"], 0.7, 2.2, 3), ["delivery value", "value", "invoice amount"], [(["depot"], ["depot"], ["North depot", "Quay", "Airport"]), (["fuel"], ["fuel"], ["Diesel", "Kerosene", "Heating oil"])]),
    (["lot", "batch"], ["harvest_lots", "orchard"], (["crates", "boxes"], ["crates"], 2, 120, 0), (["kg_per_crate", "crate_kg"], ["weight per crate"], 5, 25, 1), ["total weight", "weight in all", "harvest weight"], [(["variety"], ["variety"], ["Gala", "Boskoop", "Elstar", "Cox"]), (["orchard"], ["orchard"], ["Hillside", "Lower field", "Old garden"])]),
    (["rental"], ["ski_rental", "bike_rentals"], (["days_rented", "days_out"], ["days"], 1, 14, 0), (["day_rate", "per_day_eur"], ["day rate"], 8, 65, 0), ["rental income", "income", "takings"], [(["equipment"], ["equipment"], ["Skis", "Board", "Sledge", "Helmet"]), (["counter"], ["counter"], ["Valley", "Top"])]),
    (["donation"], ["pledges", "sponsors"], (["laps", "laps_run"], ["laps"], 1, 60, 0), (["eur_per_lap", "pledge_per_lap"], ["pledge per lap"], 0.5, 10, 2), ["money raised", "donation", "amount raised"], [(["class", "team"], ["team"], ["Red", "Blue", "Yellow"]), (["age_group"], ["age group"], ["Kids", "Teens", "Adults"])]),
    (["trip"], ["freight_trips", "hauls"], (["tonnes", "load_t"], ["load", "tonnes"], 1, 26, 1), (["km", "distance_km"], ["distance", "kilometres"], 20, 900, 0), ["tonne-kilometres", "transport work"], [(["truck"], ["truck"], ["MK1", "MK2", "MK3"]), (["goods"], ["goods"], ["Gravel", "Timber", "Grain"])]),
]


def priced_workspace(rng, domains):
    """Amounts and prices whose product stands nowhere; in a third of the cases the prices have a table of their own."""
    rows, files, first, second, names, cats = rng.choice(SPECS)
    style = style_of(rng)
    a, b = amount(rng, first, style), amount(rng, second, style, additive=False)
    apart = rng.random() < 0.3
    groups = [category(rng, c, style) for c in (cats if apart or rng.random() < 0.7 else rng.sample(cats, 1))]
    columns = groups + [a] + ([] if apart else [b])
    if rng.random() < 0.7:
        columns.insert(0, Column(styled(rng, rng.choice(("date", "day", "sold_on" if "sale" in rows else "date")), style), "date", ["date", "day"]))
    label = None
    if rng.random() < 0.35:
        label = entity(rng, (f"{rows[0].split()[0]}_id", "nr", "ref"), [f"{rows[0]} number"], "code", style)
        columns.insert(0, label)
    discount = None
    if not apart and rng.random() < 0.15 and first[0][0] != "crates":
        discount = amount(rng, (["discount_eur", "discount"], ["discount"], 0, 5, 2), style)
        columns.append(discount)
    if rng.random() < 0.3:
        columns.append(amount(rng, (["rating"], ["rating"], 1, 5, 0), style, additive=False))
    if not distinct_names(columns + ([b] if apart else [])):
        return priced_workspace(rng, domains)
    n = rng.choice((12, 20, 30, 50, 80, 130))
    topic = {"domain": rows[0]}
    f = file_of(rng, rng.choice(files), rows, columns, n, topic)
    if label:
        f.table.data[f.table.names.index(label.name)] = label.values = [f"{rng.choice('KLM')}{i}" for i in rng.sample(range(100, 100 + 3 * n), n)]
    others = []
    if apart:
        key = groups[0]
        values = list(key.values)
        low, high = second[2], second[3]
        prices = [round(rng.uniform(low, high), second[4]) if second[4] else rng.randint(int(low), int(high)) for _ in values]
        kc = Column(key.name, "category", key.says)
        kc.values, kc.spoken = values, key.spoken
        g = File(rng.choice(("prices.csv", "price_list.csv", "rates.csv", "list.csv")), Table([kc.name, b.name], ["text", "number"], [values, prices]), [kc, b], [key.says[0]], topic, "summary")
        g.left_out = []
        others = [g]
    return workspace("priced", f, *others, priced=(a, b, names, discount, groups), label=label)


def sold_workspace(rng, domains):
    """The product has a column and the price has none: now the price is a quotient, and nothing is multiplied."""
    rows, files, first, second, names, cats = rng.choice(SPECS)
    style = style_of(rng)
    name = rng.choice([n for n in names if n.isalpha() or " " in n])
    total = amount(rng, ([name.replace(" ", "_")], [name], first[2] * second[2], first[3] * second[3], 2), style)
    a = amount(rng, first, style)
    price = second[1][0]
    ways = [price, *second[1], (name, singular(first[1][0]))] if "per" not in price else [price, price, (name, singular(first[1][0]))]
    groups = [category(rng, c, style) for c in rng.sample(cats, rng.choice((1, 2, 2)))]
    w = quotients.pair_table(rng, rows, files, total, a, ways, groups, style)
    f = w.main
    known = (f.data(a), f.data(total))
    values = [None if n is None or t is None else round(n * rng.uniform(second[2], second[3]), 2) for n, t in zip(*known)]
    set_data(f, total, values)
    return w


class Product:
    def __init__(self, x):
        need(x.w.kind == "priced")
        rng = x.rng
        a, b, names, discount, groups = x.w.priced
        x.used += [a, b] + ([discount] if discount else [])
        name = rng.choice(names)
        self.apart = b.name not in x.f.table.names
        self.said, self.y = name, "total"
        expr = f"{bracket(a)} * {bracket(b)}"
        targets = [a.name, b.name]
        if discount and rng.random() < 0.6:
            expr += f" - {bracket(discount)}"
            targets.append(discount.name)
            name = self.said = f"{name} after discount"
        self.m = link(name, *targets)
        if rng.random() < 0.25 and len(targets) == 2:
            sa, sb = (link(rng.choice([c.name if " " not in c.name else c.says[0], *c.says]), c.name) for c in (a, b))
            times = rng.choice((f"{sa} times {sb}", f"{sa} x {sb}", f"{sa} multiplied by {sb}"))
            self.m = rng.choice((f"{self.m} ({times})", f"{times}", f"{self.m}, that is {times},"))
            if "(" not in self.m and "that is" not in self.m:
                self.said = x.clean(f"{a.says[0]} times {b.says[0]}")
        self.join = f":join(data.read({q(x.w.tables[1].path)}), {q(groups[0].name)})" if self.apart else ""
        self.total = "" if name.startswith("total ") else "total "
        self.chain = f":derive(\"total\", {q(expr)})"

    def source(self, x):
        """What the steps begin with: the filter is done before the join."""
        return x.read() + self.join


def product_total(x):
    rng = x.rng
    maybe_filter(x, 0.4, ("value", "value", "date"))
    p = Product(x)
    agg, word = rng.choice((("sum", "total"),) * 4 + (("mean", "average"), ("max", "highest"), ("median", "median")))
    spoken = rng.choice({"sum": (p.total, p.total, "overall" if p.total else "", ""), "mean": ("average", "mean", "avg"), "max": ("highest", "largest"), "median": ("median",)}[agg])
    per = rng.choice(("", f" per {link(x.row, 'rows')}")) if agg != "sum" else ""
    form = x.filtered(rng.choice(ASK).format(m=f"{spoken.strip()} {p.m}".strip() + per)) if agg != "sum" or rng.random() < 0.8 else x.filtered(f"how much {p.m} {rng.choice(('was there in total', 'is there altogether', 'do we have in all'))}")
    return number_said(x, form, f"t = {p.source(x)}{p.chain}\nprint(t:{agg}(\"total\"))", f"{word} {p.said}".replace("total total", "total"))


def product_group(x):
    rng = x.rng
    maybe_filter(x, 0.15, ("value", "date"))
    p = Product(x)
    c = x.category(limit=10, test=lambda c: c.kind == "category")
    agg, word = rng.choice((("sum", "total"),) * 4 + (("mean", "average"),))
    m = f"{rng.choice((p.total, '', '') if agg == 'sum' else ('average ', 'mean '))}{p.m}"
    return shown(x, m, c, f"{p.chain}:group({q(c.name)}):{agg}(\"total\")", "total", f"{word} {p.said}".replace("total total", "total"), charts=("bar", "bar", "bar", "pie") if agg == "sum" else ("bar",), source=p.source(x), mention=not p.apart)


def product_best(x):
    """"Which product brought in the most money"."""
    rng = x.rng
    maybe_filter(x, 0.15, ("value", "date"))
    p = Product(x)
    c = x.category(limit=10, test=lambda c: c.kind == "category")
    one, many, name = one_and_many(x, c)
    low = rng.random() < 0.3
    word = rng.choice(("lowest", "least") if low else ("highest", "most", "largest"))
    form = x.filtered(rng.choice((f"which {one} has the {word} {p.m}", f"which {one} had the {word} {p.m}", f"{one} with the {word} {p.m}", f"{'worst' if low else 'best'} {one} by {p.m}")))
    return best_said(x, form, f"{p.chain}:group({q(c.name)}):sum(\"total\")", c.name, "total", f"total {p.said}".replace("total total", "total"), low, source=p.source(x))


def product_time(x):
    rng = x.rng
    maybe_filter(x, 0.2, ("value",))
    p = Product(x)
    d = x.date()
    period = period_of(x, d, ("month", "month", "month", "quarter", "year", "weekday"))
    per = link(rng.choice({"month": ("per month", "by month", "month by month"), "quarter": ("per quarter", "by quarter"), "year": ("per year", "by year"), "weekday": ("per weekday", "by weekday")}[period]), d.name)
    m = f"{rng.choice((p.total, '', ''))}{p.m}"
    core = f"{link('monthly', d.name)} {m}" if period == "month" and rng.random() < 0.3 else f"{m} {per}"
    said = f"total {p.said}".replace("total total", "total")
    chain = f"{p.chain}:{period}({q(d.name)}):group({q(period)}):sum(\"total\")"
    if rng.random() < 0.2:
        low = rng.random() < 0.3
        form = x.filtered(rng.choice((f"which {link(period, d.name)} had the {'lowest' if low else 'highest'} {p.m}", f"{'worst' if low else 'best'} {link(period, d.name)} by {p.m}")))
        return best_said(x, form, chain, period, "total", said, low, source=p.source(x))
    kind = "bar" if period == "weekday" else rng.choice(("line", "line", "bar"))
    return finish_chart(x, kind, core, chain + ("" if period == "weekday" else f":sort({q(period)})"), [("x", period), ("y", "total")], f"{cap(said)} per {period}", f"the {said} per {period}", source=p.source(x), mention=not p.apart, generic=kind == "line")


def product_share(x):
    rng = x.rng
    p = Product(x)
    c = x.category(limit=10, test=lambda c: c.kind == "category")
    m = rng.choice((f"share of {p.m} in percent", f"percentage of {p.m}", f"share of the total {p.m} in percent", f"contribution to {p.m} in %"))
    return shown(x, m, c, f"{p.chain}:group({q(c.name)}):sum(\"total\"):share(\"total\")", "share", f"share of {p.said} in percent", " %", ("bar", "bar", "pie"), source=p.source(x), mention=not p.apart)


def product_rows(x):
    """The rows with the largest product, or its histogram."""
    rng = x.rng
    maybe_filter(x, 0.2, ("value",))
    p = Product(x)
    if rng.random() < 0.45 or not x.w.label:
        need(x.f.table.rows() >= 20)
        return finish_chart(x, "hist", rng.choice((p.m, f"{p.m} per {link(x.row, 'rows')}")), p.chain, [("x", "total")], f"Distribution of the {p.said}", f"the distribution of the {p.said}", source=p.source(x), mention=not p.apart, generic=False)
    label = x.w.label
    x.used.append(label)
    n = rng.choice((1, 3, 3, 5))
    need(x.f.table.rows() > 3 * n)
    rs = link(plural(x.row) if n > 1 else x.row, label.name)
    form = x.filtered(f"which {rs} had the highest {p.m}" if n == 1 else rng.choice((f"top {keep(str(n))} {rs} by {p.m}", f"the {keep(str(n))} {rs} with the highest {p.m}")))
    if n == 1:
        return best_said(x, form, p.chain, label.name, "total", p.said, False, source=p.source(x))
    return table_said(x, form, f"{p.chain}:top({n}, \"total\")", (label.name, "total"), f"the top {n} {plural(x.row)} by {p.said}", source=p.source(x))


def added_columns(x):
    """The sum of two or three columns, of each row or per group."""
    rng = x.rng
    columns = []
    for _ in range(rng.choice((2, 2, 3))):
        first = columns[0] if columns else None
        columns.append(x.number(lambda c: c.additive and (first is None or 0.1 < (c.hi + 1) / (first.hi + 1) < 10)))
    said = [say_plain(x, c) for c in columns]
    words = ", ".join(s[1] for s in said[:-1]) + f" and {said[-1][1]}"
    name = ", ".join(s[2] for s in said[:-1]) + f" and {said[-1][2]}"
    need(len(name) < 70)
    m = rng.choice((f"sum of {words}", f"{words} together", f"{words} added up", f"{' plus '.join(s[1] for s in said)}", f"combined {words}"))
    expr = " + ".join(bracket(c) for c in columns)
    if rng.random() < 0.35:
        return shown(x, m, unique_key(x, 40), f":derive(\"total\", {q(expr)})", "total", f"sum of {name}")
    c = x.category(limit=10, test=lambda c: c.kind == "category")
    agg, word = rng.choice((("sum", "total"), ("mean", "average")))
    return shown(x, f"{rng.choice(('', 'total ') if agg == 'sum' else ('average ', 'mean '))}{m}", c, f":derive(\"total\", {q(expr)}):group({q(c.name)}):{agg}(\"total\")", "total", f"{word} of {name}")


TASKS = [(2.4, product_total, "priced"), (3, product_group, "priced"), (1.6, product_best, "priced"), (2, product_time, "priced"), (1.2, product_share, "priced"), (1.4, product_rows, "priced"), (1.2, added_columns, "table"),
         (2.4, quotients.quotient_group, "sold"), (1, quotients.quotient_all, "sold"), (1, quotients.quotient_time, "sold"), (2, quotients.one_total, "sold"), (0.8, quotients.quotient_top, "sold")]
