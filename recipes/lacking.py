"""What is not there: keys of one table without rows in another, groups without rows of a value, empty cells."""
import re

from context import Built, cap, q
from derived import shown
from kit import amount, category, distinct_names, entity_values, need, workspace
from schemas import Column, File, fill, is_clause, make_file, styled
from tables import Table
from tasks import list_answer, maybe_filter, new_name, question, saved_answer, scalar
from wording import keep, link, plural, strip_marks

# One (row, files, key, name (what kind), category), many (row, files, key there, number, status: (names, says, values)), "never …"
PAIRS = [
    (("customer", ["customers", "clients"], ["customer_id", "id"], "person", (["city", "town"], ["city"], ["Gent", "Turku", "Vigo", "Split"])), ("order", ["orders", "purchases"], ["customer_id", "customer"], (["amount_eur", "total_eur"], ["amount"], 5, 900, 2), (["status"], ["status"], ["paid", "open", "cancelled"])), ("ordered", "ordered anything", "placed an order")),
    (("member", ["members", "club"], ["member_no", "id"], "person", (["tariff", "plan"], ["tariff"], ["Day", "Month", "Year"])), ("visit", ["visits", "check_ins"], ["member_no", "member"], (["minutes"], ["minutes"], 10, 150, 0), (["area"], ["area"], ["Sauna", "Gym", "Pool"])), ("visited", "come", "checked in")),
    (("student", ["students", "pupils"], ["student_id", "id"], "person", (["class", "group"], ["class"], ["7a", "7b", "8a"])), ("submission", ["submissions", "homework"], ["student_id", "student"], (["points"], ["points"], 0, 20, 0), (["subject"], ["subject"], ["Maths", "Biology", "Latin"])), ("submitted", "handed in anything", "submitted anything")),
    (("product", ["products", "catalogue"], ["sku", "product_id"], "product", (["shelf", "section"], ["section"], ["Garden", "Kitchen", "Bath"])), ("sale", ["sales", "till"], ["sku", "product_id"], (["pieces", "qty"], ["pieces"], 1, 30, 0), (["branch"], ["branch"], ["Mitte", "Ost", "West"])), ("sold", "been sold", "sold at all")),
    (("machine", ["machines", "plant"], ["machine_id", "id"], "code", (["hall"], ["hall"], ["H1", "H2", "H3"])), ("service", ["services", "maintenance"], ["machine_id", "machine"], (["cost_eur"], ["cost"], 40, 2000, 0), (["kind"], ["kind of service"], ["Oil", "Repair", "Check"])), ("serviced", "been serviced", "had a service")),
    (("author", ["authors"], ["author_id", "id"], "person", (["country"], ["country"], ["Chile", "Ghana", "Latvia", "Oman"])), ("book", ["books", "titles"], ["author_id", "author"], (["pages"], ["pages"], 60, 700, 0), (["genre"], ["genre"], ["Crime", "Poetry", "Essay"])), ("published", "published a book", "written a book")),
    (("patient", ["patients"], ["patient_id", "id"], "code", (["ward"], ["ward"], ["A1", "B2", "C3"])), ("measurement", ["measurements", "lab_values"], ["patient_id", "patient"], (["value_mmol"], ["value"], 1, 20, 1), (["test"], ["test"], ["Glucose", "Sodium", "Iron"])), ("tested", "been tested", "had a measurement")),
    (("volunteer", ["volunteers", "helpers"], ["volunteer_id", "id"], "person", (["district"], ["district"], ["Hill", "Dock", "Park"])), ("shift", ["shifts", "rota"], ["volunteer_id", "volunteer"], (["hours"], ["hours"], 1, 9, 1), (["task"], ["task"], ["Kitchen", "Door", "Driving"])), ("signed up", "worked a shift", "taken a shift")),
    (("room", ["rooms"], ["room", "room_no"], "code", (["floor_name", "wing"], ["wing"], ["East", "West", "Tower"])), ("booking", ["bookings", "reservations"], ["room", "room_no"], (["persons"], ["persons"], 1, 60, 0), (["purpose"], ["purpose"], ["Lecture", "Exam", "Meeting"])), ("booked", "been booked", "had a booking")),
    (("country", ["countries"], ["iso", "code"], "code", (["continent"], ["continent"], ["Asia", "Africa", "Europe"])), ("medal", ["medals"], ["iso", "code"], (["year_won"], ["year"], 1990, 2022, 0), (["medal_kind", "kind"], ["kind of medal"], ["Gold", "Silver", "Bronze"])), ("won", "won a medal", "won anything")),
]


def orphans_workspace(rng, domains):
    """A list and a table of what happened; some of the list have nothing there, and now and then the other way round."""
    (one, one_files, keys, kind, cat), (row, files, there, number, status), never = rng.choice(PAIRS)
    style = rng.choice(("as is", "as is", "as is", "Title", "camel"))
    i = 0 if rng.random() < 0.5 else 1
    key = styled(rng, keys[i], style)
    other_key = key if rng.random() < 0.55 else styled(rng, there[1 - i if i == 0 else 1], style)
    n = rng.choice((8, 12, 15, 20, 30, 45))
    ids = [f"{rng.choice('ABC')}{v}" for v in rng.sample(range(10, 999), n)] if rng.random() < 0.6 or kind == "code" else rng.sample(range(1, 900), n)
    number_key = isinstance(ids[0], int)
    names = entity_values(rng, kind, n) if kind != "code" else None
    k = Column(key, "id" if number_key else "entity", [f"{one} number"], entity="code")
    c = category(rng, cat, style)
    columns = [k] + ([Column(styled(rng, rng.choice(("name", f"{one}_name")), style), "entity", ["name", one])] if names else []) + [c]
    data = [ids] + ([names] if names else []) + [rng.choices(c.values, k=n)]
    if len(names or []) != len(set(names or [])):
        return orphans_workspace(rng, domains)
    c.values = list(dict.fromkeys(data[-1]))
    kinds = ["number" if number_key else "text"] + (["text"] if names else []) + ["text"]
    lonely = rng.sample(ids, rng.randint(1, max(1, n // 3)))
    able = [v for v in ids if v not in lonely]
    m = rng.choice((15, 25, 40, 60, 90))
    s, y = category(rng, status, style), amount(rng, number, style)
    many = [Column(other_key, k.kind, [one], entity="code"), s, y]
    if rng.random() < 0.4:
        many.append(Column(styled(rng, "date", style), "date", ["date"]))
    strange = []
    if rng.random() < 0.3:
        strange = rng.sample([v for v in (range(901, 990) if number_key else [f"X{v}" for v in range(10, 60)]) if v not in ids], rng.randint(1, 3))
    table = fill(rng, many, "events", m)
    table.data[0] = rng.choices(able, k=m - len(strange)) + strange
    s.values = list(dict.fromkeys(v for v in table.data[1] if v))
    table.types[0] = kinds[0]
    for columns_, values in ((columns, data), (many, table.data)):
        for column, vs in zip(columns_, values):
            if column.kind == "entity":
                column.values = list(dict.fromkeys(vs))
                column.spoken = {v: [v] for v in column.values}
    if not distinct_names(columns) or not distinct_names(many) or key != other_key and (key in table.names or other_key in [c.name for c in columns]):
        return orphans_workspace(rng, domains)
    topic = {"domain": one}
    f = File(f"{rng.choice(one_files)}.csv", Table([c.name for c in columns], kinds, data), columns, [one], topic, "entities")
    g = File(f"{rng.choice(files)}.csv", table, many, [row], topic, "events")
    f.left_out = g.left_out = []
    return workspace("orphans", f, g, pair=(f, g, k, other_key, c, s, never, one, row), named=columns[1] if names else k, strange=strange)


def asks(x, form, script, answer):
    """A question over both tables of a pair: what happened says which files are meant."""
    return Built(form, script, answer, bool(re.match(r"(how|which|what)\b", strip_marks(form))))


def anti(here, there, source, kind="anti"):
    """A join that keeps the rows without (or with) a partner."""
    on = q(here) if here == there else "{[" + q(here) + "]=" + q(there) + "}"
    return f":join({source}, {on}, \"{kind}\")"


def listed(x, form, script, column, said):
    def answer(obs):
        need("\n" in obs or ": " in obs)
        return list_answer(cap(x.clean(said)))(obs)
    return asks(x, form, f"{script}\nprint(t:select({q(column)}))", answer)


def never_at_all(x):
    """"Which customers have never ordered", of whom there is no row in the other table."""
    rng = x.rng
    f, g, k, there, c, s, never, one, row = x.w.pair
    ones, rows = plural(one), plural(row)
    x.used.append(k)
    maybe_filter(x, 0.2, ("value",))
    some = rng.random() < 0.15  # those that have
    name = x.w.named
    many, other = link(ones, name.name), link(rows, g.path)
    none = rng.choice(("no", "no", "not a single", "no"))
    tail = rng.choice((f"with {none} {other if none == 'no' else link(row, g.path)}", f"without {rng.choice((other, f'any {other}', f'a {link(row, g.path)}'))}", f"that have {none} {other if none == 'no' else link(row, g.path)}", f"that have {link(f'never {never[1]}', g.path)}", f"that {link(f'never {never[2]}', g.path)}" if never[2].split()[0] not in ("been", "come", "had", "taken", "sold", "written") else f"that have {link(f'never {never[1]}', g.path)}",
                       f"that are not in {link(keep(g.path), g.path)}", f"that do not appear in {link(keep(g.path), g.path)}", f"missing from {link(keep(g.path), g.path)}"))
    if some:
        tail = rng.choice((f"with at least one {link(row, g.path)}", f"that have {other}", f"that appear in {link(keep(g.path), g.path)}"))
    source = f"data.read({q(f.path)}){x.where}" + anti(k.name, there, f"data.read({q(g.path)})", "semi" if some else "anti")
    said = f"{ones} {'with' if some else 'without'} {rows}{x.clean(x.said_tail)}"
    r = rng.random()
    if r < 0.5:
        head = rng.choice((f"which {many} {tail.removeprefix('that ')}" if tail.startswith("that ") else f"which {many} are {tail}" if tail.startswith("missing") else f"which {many} are there {tail}" if rng.random() < 0.5 else f"{many} {tail}", f"list the {many} {tail}", f"show all {many} {tail}", f"{many} {tail}", f"list {many} {tail}"))
        return listed(x, x.filtered(head), f"t = {source}", name.name, said)
    if r < 0.75:
        m = link(f"how many {ones}", name.name)
        form = rng.choice((f"{m} {tail.removeprefix('that ')}" if tail.startswith("that ") else f"{m} are there {tail}", f"{link(f'number of {ones}', name.name)} {tail}", f"count the {many} {tail}"))
        return asks(x, x.filtered(form), f"print({source}:count())", lambda obs: f"The number of {said} is {scalar(obs)}.")
    if r < 0.88:
        need(c not in x.used)
        x.used.append(c)
        m = link(rng.choice((ones, f"number of {ones}")), name.name)
        return shown(x, f"{m} {tail}", c, f":group({q(c.name)}):count()", "count", f"number of {ones} {'with' if some else 'without'} {rows}", source=source, mention=False)
    out = new_name(x, ["without", f"no_{rows}".replace(" ", "_"), "missing", "inactive", "unmatched"])
    form = rng.choice((f"save the {many} {tail} as {keep(out)}", f"write all {many} {tail} to {keep(out)}", f"put the {many} {tail} into {keep(out)}"))
    return asks(x, x.filtered(form), f"{source}:save({q(out)})", saved_answer(said))


def never_this(x):
    """"Which customers have no cancelled orders": rows of the other table with a value."""
    rng = x.rng
    f, g, k, there, c, s, never, one, row = x.w.pair
    ones, rows = plural(one), plural(row)
    v = rng.choice(s.values)
    need(v in s.spoken)
    mv = link(v, f"{s.name}:{v}")
    name = x.w.named
    many = link(ones, name.name)
    what = f"{mv} {link(rows, g.path)}" if v.islower() else rng.choice((f"{link(rows, g.path)} with {s.says[0]} {mv}", f"{mv} {link(rows, g.path)}", f"{link(rows, g.path)} of {s.says[0]} {mv}"))
    said = f"{ones} without {v} {rows}"
    script = f"a = data.read({q(g.path)}):where({q(s.name)}, \"==\", {q(v)})\nt = data.read({q(f.path)})" + anti(k.name, there, "a")
    if rng.random() < 0.35:
        m = link(f"how many {ones}", name.name)
        form = rng.choice((f"{m} have no {what}", f"{m} are without {what}", f"{link(f'number of {ones}', name.name)} with no {what}"))
        return asks(x, form, f"{script}\nprint(t:count())", lambda obs: f"The number of {said} is {scalar(obs)}.")
    form = rng.choice((f"which {many} have no {what}", f"list the {many} without {what}", f"{many} that have no {what}", f"which {many} never had {what}", f"show me the {many} with no {what}"))
    return listed(x, form, script, name.name, said)


def strangers(x):
    """Rows of the other table whose key is in no list."""
    rng = x.rng
    f, g, k, there, c, s, never, one, row = x.w.pair
    need(x.w.strange or rng.random() < 0.2)
    rows = plural(row)
    many, lst = link(rows, g.path), link(keep(f.path), f.path)
    source = f"data.read({q(g.path)})" + anti(there, k.name, f"data.read({q(f.path)})")
    what = rng.choice((f"{many} whose {link(one, there)} is not in {lst}", f"{many} of {link(plural(one), there)} that {lst} does not have", f"{many} without a matching {link(one, there)} in {lst}", f"{many} with an unknown {link(one, there)} (not in {lst})"))
    said = f"{rows} whose {one} is not in {f.path}"
    if rng.random() < 0.55 or not x.w.strange:
        return asks(x, rng.choice((f"how many {what} are there", f"count the {what}", f"number of {what}")), f"print({source}:count())", lambda obs: f"The number of {said} is {scalar(obs)}.")
    form = rng.choice((f"list the {what}", f"show the {what}", f"{what}"))
    return listed(x, form, f"t = {source}", there, said)


def groups_without(x):
    """"Which products were never sold in June": groups of one table without a row of some value."""
    rng = x.rng
    c = x.column(("category", "entity"), lambda c: 4 <= len(set(x.f.data(c)) - {None}) <= 40)
    s = x.column(("category",), lambda s: 2 <= len(s.values) <= 10)
    v = rng.choice(s.values)
    has = {a for a, b in zip(x.f.data(c), x.f.data(s)) if b == v}
    without = set(x.f.data(c)) - has - {None}
    need(without and has)
    say, words = x.say(c), x.value_words(s, v)
    need(not is_clause(x.clean(say)))
    many, mv = link(plural(say) if not say.startswith("\x04") else say, c.name), link(words, f"{s.name}:{v}")
    rs, name = plural(x.row), plural(x.clean(say)) if not say.startswith("\x04") else c.name
    rest = rng.choice((f"{mv} {link(rs, 'rows')}", f"{link(rs, 'rows')} with {x.say(s)} {mv}", f"{link(rs, 'rows')} for {mv}"))
    script = f"t = data.read({q(x.f.path)})\na = t:where({q(s.name)}, \"==\", {q(v)})\n"
    join = f"t:join(a, {q(c.name)}, \"anti\")"
    said = f"{name} without {x.clean(words)} {rs}"
    if rng.random() < 0.3:
        form = rng.choice((f"how many {many} have no {rest}", f"number of {many} without {rest}", f"how many {many} never had {rest}"))
        return question(x, form, f"{script}print({join}:distinct({q(c.name)}))", lambda obs: f"The number of {said} is {scalar(obs)}.")
    form = rng.choice((f"which {many} have no {rest}", f"which {many} never had {rest}", f"list the {many} without {rest}", f"{many} that have no {rest} at all", f"which {many} have not a single {mv} {link(x.row, 'rows')}", f"{many} with no {rest}"))
    return question(x, form, f"{script}t = {join}:unique({q(c.name)})\nprint(t)", list_answer(cap(x.clean(said))))


def gaps_workspace(rng, domains):
    """A table with empty cells and a column that names its rows."""
    for _ in range(40):
        f = make_file(rng, rng.choice(domains), layout="entities", n=rng.choice((8, 12, 20, 30, 45)))
        n = f.table.rows()
        keys = [c for c in f.of("entity", "id") if len(set(f.data(c))) == n]
        able = [c for c in f.of("number", "category", "date") if not c.role and len(set(f.data(c)) - {None}) > 1]
        if keys and able and n >= 6:
            break
    else:
        return gaps_workspace(rng, domains)
    gappy = rng.sample(able, min(len(able), rng.choice((1, 1, 2))))
    for c in gappy:
        i, holes = f.table.names.index(c.name), set(rng.sample(range(n), rng.randint(1, max(1, n // 4))))
        f.table.data[i] = [None if j in holes else v for j, v in enumerate(f.table.data[i])]
        if c.kind == "category":
            c.values = [v for v in c.values if v in set(f.table.data[i])]
    key = next((c for c in keys if c.kind == "entity"), keys[0])
    return workspace("gaps", f, gaps=(key, gappy))


def empty_cells(x):
    """How many, which rows, what percentage have no value; only rows with one."""
    rng = x.rng
    key, gappy = x.w.gaps
    c = rng.choice(gappy)
    x.used += [c, key]
    say = x.say(c)
    need(not is_clause(x.clean(say)))
    m = link(say, c.name)
    name = x.title_noun(c, say)
    rs = plural(x.row)
    rows = link(rs, "rows")
    lack = rng.choice((f"have no {m}", f"lack a {m}", f"have an empty {m}", f"have a missing {m}", f"are missing the {m}", f"have nothing in {m}"))
    r = rng.random()
    if r < 0.2:
        form = rng.choice((f"how many {rows} {lack}", f"how many {m} values are missing", f"number of {rows} without a {m}", f"how many empty {m} cells", f"for how many {rows} is the {m} unknown", f"how often is the {m} not filled in"))
        return question(x, form, f"print({x.read()}:missing({q(c.name)}))", lambda obs: f"The number of missing values of {name} is {scalar(obs)}.")
    if r < 0.4:
        form = rng.choice((f"how many {rows} have a {m}", f"number of {rows} with a known {m}", f"how many {m} values are there", f"for how many {rows} do we know the {m}", f"how many {rows} have {m} filled in"))
        return question(x, form, f"print({x.read()}:known({q(c.name)}):count())", lambda obs: f"The number of {rs} with a known {name} is {scalar(obs)}.")
    if r < 0.52:
        form = rng.choice((f"what percentage of {rows} {lack}", f"share of missing {m} values in percent", f"percent of {rows} without {m}"))
        return question(x, form, f"t = {x.read()}\nprint(t:missing({q(c.name)}) / t:count() * 100)", lambda obs: f"The share of {rs} without {name} is {scalar(obs)} %.")
    many = link(rng.choice((rs, rs, plural(x.clean(x.say(key))) if key.kind == "entity" and not is_clause(x.say(key)) else rs)), key.name)
    script = f"t = {x.read()}\na = t:known({q(c.name)})\n"
    if r < 0.8:
        form = rng.choice((f"which {many} {lack}", f"list the {many} without a {m}", f"{many} whose {m} is missing", f"show the {many} with an empty {m}", f"{many} that {lack}", f"where is the {m} missing? list the {many}"))
        return question(x, form, f"{script}t = t:join(a, {q(key.name)}, \"anti\"):select({q(key.name)})\nprint(t)", list_answer(cap(f"{rs} without {name}")))
    if r < 0.9:
        g = x.category(limit=10, test=lambda g: g.kind == "category" and None not in x.f.data(g))
        gs = x.say(g)
        need(not is_clause(x.clean(gs)))
        one = link(gs, g.name)
        form = rng.choice((f"number of {rows} without {m} per {one}", f"how many {rows} {lack}, by {one}", f"missing {m} values per {one}", f"{rows} without {m}, counted by {one}"))
        return question(x, form, f"{script}t = t:join(a, {q(key.name)}, \"anti\"):group({q(g.name)}):count()\nprint(t)", list_answer(f"Number of {rs} without {name} per {x.clean(gs)}"))
    out = new_name(x, ["complete", "known", "without_gaps", "filled", "clean"])
    form = rng.choice((f"save only the {rows} that have a {m} as {keep(out)}", f"drop {rows} without {m} and save as {keep(out)}", f"leave out {rows} with a missing {m}, write the rest to {keep(out)}", f"remove {rows} where {m} is empty and save the result as {keep(out)}"))
    return question(x, form, f"{x.read()}:known({q(c.name)}):save({q(out)})", saved_answer(f"the {rs} with a known {name}"))


TASKS = [(5, never_at_all, "orphans"), (2.5, never_this, "orphans"), (1.2, strangers, "orphans"), (2.2, groups_without, "table"), (5, empty_cells, "gaps")]
