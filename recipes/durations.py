"""How long something took: the time between two columns of dates, in days, or between two of dates with times, in hours."""
from datetime import date, datetime, timedelta

from context import cap, q
from derived import bracket, one_and_many, shown
from kit import ABOVE, amount, best_said, category, distinct_names, entity, file_of, number_said, set_data, style_of, table_said, workspace
from schemas import Column, styled
from tasks import finish_chart, list_answer, maybe_filter, need, new_name, period_of, question, saved_answer, scalar
from wording import keep, link, plural

# rows, files, first date (names, says), second date, nouns for the time between, verb in the past, longest, days from and to, categories
DAYS = [
    (["repair"], ["repairs", "workshop_orders"], (["received", "dropped_off"], ["drop-off", "received"]), (["finished", "ready_on"], ["finish", "ready"]), ["repair time", "turnaround"], "took", (1, 35), [(["device", "appliance"], ["device"], ["Kettle", "Laptop", "Drill", "Radio"]), (["technician"], ["technician"], ["Ada", "Finn", "Marek"])]),
    (["permit", "application"], ["permits", "building_permits"], (["applied_on", "filed"], ["application date", "filing"]), (["granted_on", "decided"], ["grant date", "decision"]), ["processing time", "waiting time"], "took", (5, 160), [(["permit_type", "kind"], ["kind of permit"], ["Garage", "Roof", "Fence", "New house"]), (["office"], ["office"], ["East", "West", "Central"])]),
    (["ticket"], ["helpdesk", "tickets", "support"], (["created", "created_at"], ["creation date", "created"]), (["solved", "solved_at"], ["solution date", "solved"]), ["resolution time", "time to solve"], "took", (0, 25), [(["topic", "queue"], ["topic"], ["Login", "Printer", "Mail", "Network"]), (["priority"], ["priority"], ["Low", "Normal", "High"])]),
    (["hospital stay", "stay"], ["stays", "ward"], (["admission", "admitted_on"], ["admission date", "admission"]), (["discharge", "discharged_on"], ["discharge date", "discharge"]), ["length of stay", "stay"], "lasted", (1, 30), [(["ward"], ["ward"], ["Surgery", "Medicine", "Children"]), (["insurance"], ["insurance"], ["Public", "Private"])]),
    (["project"], ["projects", "portfolio"], (["kickoff", "started"], ["kick-off", "start date"]), (["handover", "completed"], ["handover", "completion date"]), ["project duration", "duration", "run time"], "lasted", (20, 400), [(["team"], ["team"], ["Blue", "Red", "Green"]), (["client_type", "sector"], ["sector"], ["Public", "Retail", "Energy"])]),
    (["shipment", "consignment"], ["shipments", "freight"], (["dispatched", "sent_on"], ["dispatch date", "dispatch"]), (["arrived", "delivered_on"], ["arrival date", "delivery"]), ["transit time", "delivery time", "shipping time"], "took", (1, 28), [(["carrier"], ["carrier"], ["NordFreight", "Quickline", "Posta", "Seaway"]), (["destination"], ["destination"], ["Chile", "Norway", "Japan", "Kenya"])]),
    (["vacancy", "position"], ["vacancies", "hiring"], (["posted", "posted_on"], ["posting date", "posted"]), (["filled", "filled_on"], ["hiring date", "filled"]), ["time to hire", "hiring time"], "was open", (10, 150), [(["department"], ["department"], ["Sales", "Legal", "Care", "IT"]), (["level"], ["level"], ["Junior", "Senior"])]),
    (["experiment", "culture"], ["cultures", "growth_runs"], (["sown", "seeded_on"], ["sowing date", "sown"]), (["harvested", "harvested_on"], ["harvest date", "harvested"]), ["growing time", "time to harvest"], "grew", (8, 90), [(["strain", "variety"], ["variety"], ["V1", "V2", "Wild type"]), (["chamber"], ["chamber"], ["Cold", "Warm", "Dark"])]),
    (["rental contract", "contract"], ["contracts", "van_hire"], (["from_date", "pickup"], ["pick-up date", "pick-up"]), (["to_date", "dropoff"], ["drop-off date", "drop-off"]), ["rental period", "rental time"], "ran", (1, 60), [(["vehicle_class", "class"], ["vehicle class"], ["Small", "Van", "Truck"]), (["branch"], ["branch"], ["Airport", "City", "Station"])]),
    (["exhibition", "show"], ["exhibitions", "gallery"], (["opens", "opening_day"], ["opening day", "opening"]), (["closes", "last_day"], ["last day", "closing"]), ["running time", "duration"], "ran", (7, 180), [(["room", "hall"], ["hall"], ["Hall A", "Hall B", "Cellar"]), (["theme"], ["theme"], ["Photo", "Sculpture", "Design"])]),
    (["claim"], ["claims", "damage_claims"], (["reported", "reported_on"], ["report date", "reported"]), (["settled", "settled_on"], ["settlement date", "settled"]), ["settlement time", "handling time"], "took", (2, 120), [(["cause"], ["cause"], ["Water", "Fire", "Storm", "Theft"]), (["region"], ["region"], ["North", "South", "East"])]),
]
# The same with times of the day, in hours.
HOURS = [
    (["flight"], ["flights", "charter"], (["takeoff", "departed"], ["take-off", "departure"]), (["landing", "arrived"], ["landing", "arrival"]), ["flight time", "time in the air"], "took", (0.7, 11), [(["aircraft"], ["aircraft"], ["A32", "E19", "DH4"]), (["destination"], ["destination"], ["Oporto", "Riga", "Tunis", "Bergen"])]),
    (["shift"], ["shifts", "roster"], (["shift_start", "clock_in"], ["clock-in", "shift start"]), (["shift_end", "clock_out"], ["clock-out", "shift end"]), ["shift length", "working time"], "lasted", (3, 11), [(["station", "desk"], ["station"], ["Bar", "Kitchen", "Door"]), (["worker_type", "contract"], ["contract"], ["Full", "Part", "Student"])]),
    (["outage", "failure"], ["outages", "downtime"], (["down_since", "began"], ["beginning", "start"]), (["up_again", "ended"], ["end", "recovery"]), ["downtime", "outage time"], "lasted", (0.2, 30), [(["system", "service"], ["system"], ["Mail", "Web shop", "Backup", "VPN"]), (["cause"], ["cause"], ["Power", "Update", "Network"])]),
    (["charging session", "charge"], ["charging", "wallbox"], (["plugged_in", "plug_time"], ["plug-in time", "plugged in"]), (["unplugged", "unplug_time"], ["unplug time", "unplugged"]), ["charging time", "time at the charger"], "took", (0.4, 14), [(["charger"], ["charger"], ["Garage", "Street", "Office"]), (["car"], ["car"], ["Zoe", "Leaf", "Kona"])]),
    (["dive", "expedition"], ["dives", "dive_log"], (["descent", "submerged"], ["descent", "start of the dive"]), (["ascent", "surfaced"], ["ascent", "end of the dive"]), ["dive time", "time under water"], "lasted", (0.3, 4), [(["site"], ["dive site"], ["Wreck", "Wall", "Cave"]), (["suit"], ["suit"], ["Dry", "Wet"])]),
]
EXTRA = [(["cost_eur", "costs"], ["cost"], 20, 4000, 0), (["staff_count", "crew"], ["crew size"], 1, 12, 0), (["score"], ["score"], 1, 10, 1), (["weight_kg"], ["weight"], 1, 800, 0)]


def lasting_workspace(rng, domains):
    """Rows with a first and a last date."""
    hours = rng.random() < 0.25
    rows, files, first, last, nouns, verb, (lo, hi), cats = rng.choice(HOURS if hours else DAYS)
    style = style_of(rng)
    a, b = (Column(styled(rng, rng.choice(names), style), "date", says) for names, says in (first, last))
    label = entity(rng, (f"{rows[-1].split()[0]}_no", "id", "ref", "name"), [f"{rows[-1]} number"], "code", style) if rng.random() < 0.7 else None
    columns = ([label] if label else []) + [a, b] + [category(rng, c, style) for c in rng.sample(cats, rng.randint(1, 2))]
    if rng.random() < 0.6:
        columns.append(amount(rng, rng.choice(EXTRA), style))
    if rng.random() < 0.25:
        columns = columns[:1] + sorted(columns[1:], key=lambda c: (c.kind == "date", c is b))
    if not distinct_names(columns):
        return lasting_workspace(rng, domains)
    n = rng.choice((12, 16, 24, 40, 60, 90, 140))
    f = file_of(rng, rng.choice(files), rows, columns, n, {"domain": rows[0]}, "events")
    if label:  # each row has a name of its own
        names = [f"{rng.choice(('R', 'K', 'T', 'A'))}{i}" for i in rng.sample(range(100, 100 + 4 * n), n)]
        set_data(f, label, names)
        label.values, label.spoken = names, {v: [v] for v in names}
    starts, ends = [], []
    for day in f.data(a):
        began = datetime.fromisoformat(day) + timedelta(minutes=5 * rng.randrange(0, 288) + (5 if hours else 0)) if hours else date.fromisoformat(day)
        ended = began + (timedelta(minutes=5 * max(1, int(12 * rng.uniform(lo, hi)))) if hours else timedelta(days=rng.randint(lo, hi)))
        text = (lambda t: t.isoformat(sep=" ") if not (t.hour == t.minute == 0) else t.date().isoformat()) if hours else (lambda t: t.isoformat())
        starts.append(text(began))
        ends.append(text(ended))
    set_data(f, a, starts)
    set_data(f, b, [None if rng.random() < 0.05 else e for e in ends] if rng.random() < 0.12 else ends)
    return workspace("lasting", f, lasts=(a, b, nouns, verb, hours), label=label)


class Span:
    """The derived time of a workspace: its steps, its column, its unit, and words for it."""

    def __init__(self, x):
        need(x.w.kind == "lasting")
        rng = x.rng
        a, b, nouns, self.verb, hours = x.w.lasts
        x.used += [a, b]
        self.a, self.b, self.unit = a, b, "hours" if hours else "days"
        self.chain = f":derive(\"days\", \"days({bracket(a)}, {bracket(b)})\")" + (":derive(\"value\", \"[days] * 24\")" if hours else "")
        self.y = "value" if hours else "days"
        self.noun = rng.choice(nouns)
        say = lambda c: link(rng.choice([x.say(c), *c.says]), c.name)  # noqa: E731
        both = (a.name, b.name)
        r = rng.random()
        if r < 0.5:
            self.m, self.said = link(self.noun + rng.choice(("", "", f" in {self.unit}")), *both), self.noun
        elif r < 0.85:
            ma, mb = say(a), say(b)
            self.m = rng.choice((f"time between {ma} and {mb}", f"time from {ma} to {mb}", f"{self.unit} from {ma} to {mb}", f"{self.unit} between {ma} and {mb}", f"number of {self.unit} between {ma} and {mb}"))
            self.said = f"time from {x.clean(a.says[0])} to {x.clean(b.says[0])}"
        else:
            self.m, self.said = link(rng.choice(("duration", f"duration in {self.unit}", "length", f"number of {self.unit}")), *both), self.noun
        self.said += f" in {self.unit}"

    def words(self, text):
        return link(text, self.a.name, self.b.name)


def how_long(x):
    """Mean, median, longest, shortest, total."""
    rng = x.rng
    maybe_filter(x, 0.35, ("value", "value", "number"))
    s = Span(x)
    agg, word = rng.choice((("mean", "average"),) * 4 + (("median", "median"), ("max", "longest"), ("min", "shortest"), ("sum", "total")))
    spoken = rng.choice({"mean": ("average", "average", "mean", "avg", "typical"), "median": ("median",), "max": ("longest", "maximum", "highest"), "min": ("shortest", "minimum", "lowest"), "sum": ("total", "summed up")}[agg])
    form = rng.choice((f"what is the {spoken} {s.m}", f"{spoken} {s.m}", f"what was the {spoken} {s.m}", f"tell me the {spoken} {s.m}", f"calculate the {spoken} {s.m}"))
    if agg == "mean" and rng.random() < 0.45:
        r, rs = x.row, plural(x.row)
        took = {"was open": f"how long were {rs} open on average", "lasted": f"how long did {rs} last on average", "took": f"how long did {rs} take on average", "ran": f"how long did {rs} run on average", "grew": f"how long did {rs} grow on average"}[s.verb]
        now = {"was open": f"how long is a {r} open on average", "lasted": f"how long does a {r} last on average", "took": f"how long does a {r} take on average", "ran": f"how long does a {r} run on average", "grew": f"how long does a {r} grow on average"}[s.verb]
        start = rng.choice((took, now)).replace(" a a", " an a").replace(" a e", " an e").replace(" a o", " an o")
        form = s.words("how long") + start[8:] + rng.choice(("", "", f", in {s.unit}"))
    if agg == "max" and rng.random() < 0.4:
        verb = {"was open": "was a {r} open", "lasted": "did a {r} last", "took": "did a {r} take", "ran": "did a {r} run", "grew": "did a {r} grow"}[s.verb].format(r=x.row)
        form = f"{s.words('how long')} {verb} at most".replace(" a a", " an a").replace(" a e", " an e").replace(" a o", " an o")
    return number_said(x, x.filtered(form), f"t = {x.read()}{s.chain}\nprint(t:{agg}({q(s.y)}))", f"{word} {s.said}")


def per_group(x):
    rng = x.rng
    maybe_filter(x, 0.12, ("value", "number"))
    s = Span(x)
    c = x.category(limit=10, test=lambda c: c.kind == "category")
    agg, word = rng.choice((("mean", "average"),) * 5 + (("median", "median"), ("max", "longest"), ("sum", "total")))
    spoken = rng.choice({"mean": ("average", "average", "mean", "avg", "typical"), "median": ("median",), "max": ("longest", "maximum"), "sum": ("total", "summed")}[agg])
    return shown(x, f"{spoken} {s.m}", c, f"{s.chain}:group({q(c.name)}):{agg}({q(s.y)})", s.y, f"{word} {s.said}")


def slowest_group(x):
    """"Which office takes longest"."""
    rng = x.rng
    maybe_filter(x, 0.15, ("number", "value"))
    s = Span(x)
    c = x.category(limit=10, test=lambda c: c.kind == "category")
    one, _, name = one_and_many(x, c)
    low = rng.random() < 0.35
    extreme = "shortest" if low else "longest"
    rs = plural(x.row)
    do = {"was open": ("stay open", "stayed open"), "lasted": ("last", "lasted"), "took": ("take", "took"), "ran": ("run", "ran"), "grew": ("grow", "grew")}[s.verb]
    form = rng.choice((f"for which {one} do {rs} {s.words(f'{do[0]} {extreme}')} on average", f"{rs} of which {one} {s.words(f'{do[1]} {extreme}')} on average", f"which {one} has the {s.words(f'{extreme} average {s.noun}')}", f"{one} with the {extreme} average {s.m}", f"where do {rs} {s.words(f'{do[0]} {extreme}')} on average, by {one}"))
    return best_said(x, x.filtered(form), f"{s.chain}:group({q(c.name)}):mean({q(s.y)})", c.name, s.y, f"average {s.said}", low)


def label_of(x):
    need(x.w.label)
    x.used.append(x.w.label)
    return x.w.label


def longest_rows(x):
    """"Which repair took longest", the five that took longest."""
    rng = x.rng
    label = label_of(x)
    maybe_filter(x, 0.25, ("value", "value", "number"))
    s = Span(x)
    low = rng.random() < 0.3
    extreme, rs = ("shortest", plural(x.row)) if low else ("longest", plural(x.row))
    verb = {"was open": "was open"}.get(s.verb, s.verb)
    many = {"was open": "were open"}.get(s.verb, s.verb)
    if rng.random() < 0.6:
        form = rng.choice((f"which {link(x.row, label.name)} {s.words(f'{verb} {extreme}')}", f"which {link(x.row, label.name)} {verb} {s.words(f'the {extreme}')}", f"{link(x.row, label.name)} with the {extreme} {s.m}", f"what is the {s.words(extreme)} {link(x.row, label.name)}", f"{s.words(extreme)} {link(x.row, label.name)}"))
        return best_said(x, x.filtered(form), s.chain, label.name, s.y, s.said, low)
    n = rng.choice((3, 3, 5, 4, 10))
    need(n < x.f.table.rows() / (3 if x.filter else 1))
    k = keep(str(n))
    form = x.filtered(rng.choice((f"the {k} {link(rs, label.name)} that {s.words(f'{many} {extreme}')}", f"which {k} {link(rs, label.name)} {s.words(f'{many} {extreme}')}", f"{k} {s.words(extreme)} {link(rs, label.name)}", f"list the {k} {link(rs, label.name)} with the {extreme} {s.m}")))
    chain = f"{s.chain}:{'bottom' if low else 'top'}({n}, {q(s.y)})"
    if rng.random() < 0.3:
        return finish_chart(x, "bar", rng.choice((f"the {k} {s.words(extreme)} {link(rs, label.name)}", f"the {k} {link(rs, label.name)} that {s.words(f'{many} {extreme}')}")), chain, [("x", label.name), ("y", s.y)], f"The {n} {extreme} {rs}", f"the {s.said} of the {n} {extreme} {rs}", generic=True)
    return table_said(x, form, chain, (label.name, s.y), f"the {n} {extreme} {rs}, {s.said}")


def threshold(x, s):
    """(operator, number, marked words, words) of a limit that some rows pass and some do not."""
    rng = x.rng
    pairs = [(datetime.fromisoformat(e) - datetime.fromisoformat(b)).total_seconds() / (3600 if s.unit == "hours" else 86400) for b, e in zip(x.f.data(s.a), x.f.data(s.b)) if b and e]
    pairs.sort()
    n = int(pairs[int(len(pairs) * rng.uniform(0.25, 0.8))])
    if n > 20 and rng.random() < 0.6:
        n = n // 10 * 10
    need(n >= 2 and pairs[0] < n < pairs[-1])
    op = rng.choice((">", ">", ">=", ">=", "<", "<="))
    words = rng.choice([w for w in ABOVE[op] if "above" not in w and "below" not in w])
    return op, n, words.format(n=keep(str(n))) + f" {s.unit}", words.format(n=n) + f" {s.unit}"


def at_least(x):
    """How many, which, what percentage took at least N days."""
    rng = x.rng
    r = rng.random()
    label = label_of(x) if r > 0.75 else None
    maybe_filter(x, 0.25, ("value",))
    s = Span(x)
    op, n, words, said = threshold(x, s)
    rs = plural(x.row)
    verb = {"was open": "were open"}.get(s.verb, s.verb)
    cond = rng.choice((s.words(f"{verb} {words}") if len(f"{verb} {words}".split()) <= 6 else f"{s.words(verb)} {words}", f"{s.words(verb)} {words}"))
    where = f":where({q(s.y)}, \"{op}\", {n})"
    tail = x.clean(x.said_tail)
    if r < 0.5:
        form = x.filtered(rng.choice((f"{link(f'how many {rs}', 'rows')} {cond}", f"{link(f'number of {rs}', 'rows')} that {cond}", f"count the {link(rs, 'rows')} that {cond}", f"{link(f'how many {rs}', 'rows')} are there with a {s.m} of {words}")))
        return question(x, form, f"print({x.read()}{s.chain}{where}:count())", lambda obs: f"The number of {rs}{tail} that {verb} {said} is {scalar(obs)}.")
    if r < 0.75:
        form = x.filtered(rng.choice((f"what percentage of {link(rs, 'rows')} {cond}", f"share of {link(rs, 'rows')} that {cond}, in percent", f"percent of {link(rs, 'rows')} that {cond}")))
        return question(x, form, f"t = {x.read()}{s.chain}:derive(\"percent\", \"if([{s.y}] {op} {n}, 100, 0)\")\nprint(t:mean(\"percent\"))", lambda obs: f"The percentage of {rs}{tail} that {verb} {said} is {scalar(obs)} %.")
    many = link(rs, label.name)
    if rng.random() < 0.3:
        name = new_name(x, ["long", "slow", "late", "filtered"] if op.startswith(">") else ["quick", "short", "filtered"])
        form = x.filtered(rng.choice((f"save the {many} that {cond} as {keep(name)}", f"write all {many} that {cond} to {keep(name)}")))
        return question(x, form, f"{x.read()}{s.chain}{where}:save({q(name)})", saved_answer(f"the {rs} that {verb} {said}"))
    form = x.filtered(rng.choice((f"which {many} {cond}", f"list the {many} that {cond}", f"show all {many} that {cond}")))
    script = f"t = {x.read()}{s.chain}{where}\nprint(t:select({q(label.name)}, {q(s.y)}))"

    def answer(obs):
        need("\n" in obs or ": " in obs)
        return list_answer(f"{cap(rs)}{tail} that {verb} {said}")(obs)
    return question(x, form, script, answer)


def spread(x):
    """Histogram, box plot per group, scatter against a number."""
    rng = x.rng
    maybe_filter(x, 0.3, ("value", "value"))
    need(x.f.table.rows() >= (24 if x.filter else 12))
    s = Span(x)
    r = rng.random()
    if r < 0.6:
        core = s.m if rng.random() < 0.7 else f"how many {s.words(f'{s.unit} it {s.verb}')}" if s.verb != "was open" else s.m
        pairs, bins = [("x", s.y)], ""
        if rng.random() < 0.2:
            n = rng.choice((6, 8, 10, 15, 20))
            bins, pairs = f" with {keep(str(n))} bins", pairs + [("bins", n)]
        text = None
        if rng.random() < 0.35:
            text = x.filtered(rng.choice((f"distribution of the {s.m}", f"how is the {s.m} distributed", f"show the distribution of the {s.m}"))) + bins
        return finish_chart(x, "hist", core + bins if text is None else core, s.chain, pairs, f"Distribution of the {s.said}", f"the distribution of the {s.said}", generic=False, text=text)
    if r < 0.85:
        c = x.category(limit=8, test=lambda c: c.kind == "category")
        one, _, name = one_and_many(x, c)
        return finish_chart(x, "box", f"{s.m} {rng.choice(('per', 'by', 'for each'))} {one}", s.chain, [("x", c.name), ("y", s.y)], f"{cap(s.said)} per {name}", f"the {s.said} per {name}", generic=False)
    c = x.number()
    say = x.say(c)
    return finish_chart(x, "scatter", rng.choice((f"{s.m} against {link(say, c.name)}", f"{s.m} vs {link(say, c.name)}")), s.chain, [("x", c.name), ("y", s.y)], f"{cap(s.said)} against {x.clean(say)}", f"the {s.said} against {x.clean(say)}", generic=False)


def over_time(x):
    """Average time by the month in which it began."""
    rng = x.rng
    maybe_filter(x, 0.2, ("value",))
    s = Span(x)
    p = period_of(x, s.a, ("month", "month", "year", "quarter", "weekday"))
    word = rng.choice(("average", "average", "mean", "median"))
    agg = "median" if word == "median" else "mean"
    when = link(rng.choice({"month": ("per month", "by month", "month by month"), "year": ("per year", "by year"), "quarter": ("per quarter", "by quarter"), "weekday": ("per weekday", "by weekday")}[p]) + rng.choice(("", "", f" of {x.clean(s.a.says[0])}")), s.a.name)
    chain = f"{s.chain}:{p}({q(s.a.name)}):group({q(p)}):{agg}({q(s.y)})" + (f":sort({q(p)})" if p != "weekday" else "")
    said = f"{'median' if agg == 'median' else 'average'} {s.said}"
    return finish_chart(x, "bar" if p == "weekday" else rng.choice(("line", "line", "bar")), f"{word} {s.m} {when}", chain, [("x", p), ("y", s.y)], f"{cap(said)} per {p}", f"the {said} per {p}", generic=False)


TASKS = [(3.5, how_long, "lasting"), (3, per_group, "lasting"), (2, slowest_group, "lasting"), (2.5, longest_rows, "lasting"), (3, at_least, "lasting"), (2.5, spread, "lasting"), (1.5, over_time, "lasting")]
