"""Lists of how often something occurs, a row each ("surname,count"): the most common are those with the highest count, and nothing is grouped."""
import re
from datetime import date

from context import cap, q
from kit import amount, best_said, category, distinct_names, entity, need, number_said, set_data, style_of, table_said, workspace
from schemas import FIRST, LAST, PLACE_A, PLACE_B, Column, File, alike, fill, pick_path
from tasks import finish_chart, in_both, n_words, one_row, question, top_each, total_each, union_total
from wording import keep, link, plural

# headers, words for one entry, entries, what is counted, file stems
SPECS = [
    (["surname", "last_name", "name", "family_name"], ["surname", "last name", "family name"], LAST, "people", ["surnames", "last_names", "phone_book", "names"]),
    (["word", "term", "token"], ["word", "term"], "and river letter under song paper winter green house travel stone between morning sugar wolf garden window story quiet bread ship island music candle forest hammer silver cloud mirror orange".split(), "occurrences", ["words", "word_list", "book_words", "vocabulary"]),
    (["dog_name", "name", "pet"], ["dog name", "name"], "Bella Rocky Nala Bruno Luna Balu Emma Sam Kira Max Lotte Rex Amy Paul Mia Oskar Frieda Fips Hera Lucky Pepe Ronja Sunny Teddy Wilma Zorro".split(), "dogs", ["dog_names", "dog_register", "dogs"]),
    (["boat_name", "name", "boat"], ["boat name", "name"], "Aurora Seagull Albatros Odin Neptun Mermaid Nordlys Calypso Windsong Pelikan Sirius Vega Marlin Dolphin Tern Ariel Cormoran Freya Skipper Undine Zephyr Isolde".split(), "boats", ["boat_names", "harbour_register", "boats"]),
    (["street", "street_name", "name"], ["street name", "street"], [f"{a} Street" for a in PLACE_A] + "Station Road,Church Lane,Mill Road,School Lane,High Street,Chapel Hill".split(","), "addresses", ["street_names", "gazetteer", "streets"]),
    (["breed", "kind", "name"], ["breed", "kind of dog"], "Labrador,Poodle,Beagle,Dachshund,Boxer,Collie,Terrier,Spaniel,Mastiff,Pug,Whippet,Setter,Husky,Maltese,Pointer,Samoyed,Vizsla,Akita".split(","), "dogs", ["breeds", "kennel_club", "dog_tax"]),
    (["title", "book", "name"], ["book", "title"], "The Ferry,Salt,Night Garden,Atlas,Nine Doors,The Orchard,Paper Moon,Low Tide,Ash and Ember,Lost Letters,The Clockmaker,Wild Honey,North Wind,A Small House,Blue Glass,The Lantern,Second Sun,River Bend".split(","), "loans", ["most_read", "titles", "book_chart"]),
    (["toy", "article", "name"], ["toy", "article"], "Kite,Teddy bear,Puzzle,Yo-yo,Train set,Doll,Drum,Marbles,Robot,Scooter,Spinning top,Bricks,Paint box,Balloon,Jump rope,Hand puppet,Rocking horse,Whistle".split(","), "toys", ["toys", "wish_list", "toy_sales"]),
    (["page", "url", "path"], ["page", "web page"], "/home,/about,/contact,/blog,/pricing,/login,/help,/jobs,/news,/team,/docs,/search,/shop,/cart,/faq,/terms,/events,/map".split(","), "visits", ["pages", "page_views", "site_stats"]),
    (["dish", "meal", "item"], ["dish", "meal"], "Lasagne,Goulash,Falafel,Ratatouille,Schnitzel,Risotto,Curry,Paella,Pancakes,Dal,Moussaka,Pierogi,Ramen,Burrito,Quiche,Gnocchi,Tagine,Chili".split(","), "orders", ["dishes", "canteen_orders", "menu"]),
    (["species", "plant", "name"], ["species", "plant"], "Nettle,Clover,Dandelion,Yarrow,Plantain,Thistle,Mint,Sorrel,Burdock,Chicory,Fennel,Mallow,Tansy,Vetch,Bracken,Heather,Gorse,Rush".split(","), "plants", ["plants", "meadow_survey", "species_list"]),
    (["error", "error_code", "code"], ["error", "error code"], [f"E{n}" for n in range(101, 131)], "errors", ["errors", "crash_report", "error_list"]),
    (["tag", "hashtag", "keyword"], ["tag", "keyword"], "travel food sunset coffee running books cats design music garden ocean vintage sports winter baking hiking yoga art family street nature diy retro film".split(), "posts", ["tags", "hashtags", "keywords"]),
    (["village", "place", "town"], ["village", "place"], [a + b for a in PLACE_A[:10] for b in PLACE_B[:4]], "inhabitants", ["villages", "census", "places"]),
    (["game", "name", "app"], ["game", "app"], "Tile Run,Moon Base,Farm Story,Word Hunt,Card Duel,Block City,Star Race,Pixel Golf,Maze Craft,Dragon Den,Jelly Jump,Chess Pro,Rail Boss,Hero Camp,Fish Tank,Cave Quest".split(","), "downloads", ["games", "downloads", "app_chart"]),
    (["nickname", "username", "name"], ["nickname", "user name"], [f.lower() for f in FIRST], "users", ["nicknames", "chat_users", "users"]),
]
COUNTS = ["count", "count", "count", "count", "Count", "n", "number", "frequency", "freq", "total", "occurrences", "cnt"]
SAYS = {"n": ["n", "number"], "number": ["number"], "frequency": ["frequency"], "freq": ["frequency"], "total": ["total"], "occurrences": ["occurrences", "number of occurrences"]}
GROUPS = [(["region", "district"], ["region", "district"], ["North", "South", "East", "West"]), (["list", "section"], ["section"], ["A", "B", "C"]), (["source", "origin"], ["source"], ["Archive", "Survey", "Online"])]
PLACES = [["north", "south"], ["lisbon", "porto"], ["old", "new"], ["spring", "autumn"]]
MOST, LEAST = ("most common", "most common", "most frequent", "most popular", "top", "top"), ("least common", "least common", "rarest", "least frequent", "least popular")


def parts(rng):
    """(columns, rows, things, stem) of one list."""
    names, says, values, things, stems = rng.choice(SPECS)
    style = style_of(rng)
    entries = entity(rng, names, says, "product", style)
    entries.pool = rng.sample(list(values), rng.randint(min(14, len(values)), len(values)))
    head = rng.choice(COUNTS) if rng.random() < 0.75 else things
    top = rng.choice((60, 300, 2500, 18000))
    number = amount(rng, ([head], SAYS.get(head.lower(), ["count", f"number of {things}"] if head != things else [things, f"number of {things}"]), 1, top, 0), style)
    columns = [entries, number]
    if rng.random() < 0.25:
        columns.insert(1, category(rng, rng.choice(GROUPS), style))
    if rng.random() < 0.15:
        columns.insert(0, Column("rank", "id", ["rank"]))
    if not distinct_names(columns):
        return parts(rng)
    return columns, [says[0]], things, rng.choice(stems)


def of_kind(columns, kind):
    return next(c for c in columns if c.kind == kind)


def table_of(rng, path, columns, rows, things, n, span=None):
    f = File(path, fill(rng, columns, "entities", n, span), columns, rows, {"domain": things}, "entities")
    f.left_out = []
    # As such lists are: from the most common down, without two of the same count.
    y = of_kind(columns, "number")
    counts = {v for v in f.data(y) if v is not None}
    while len(counts) < n:
        above = min(counts) + 1
        counts.add(above if above not in counts else max(counts) + rng.randint(1, 9))
    set_data(f, y, sorted(counts, reverse=True))
    if rng.random() < 0.3:
        order = list(range(n))
        rng.shuffle(order)
        f.table.data = [[values[i] for i in order] if c.kind != "id" else values for c, values in zip(columns, f.table.data)]
    return f


def listed_workspace(rng, domains):
    columns, rows, things, stem = parts(rng)
    f = table_of(rng, pick_path(rng, stem), columns, rows, things, rng.randint(10, len(of_kind(columns, "entity").pool)))
    return workspace("listed", f, things=things)


def lists_workspace(rng, domains):
    """The same list of two or three years, or of two places; one of them is asked about."""
    columns, rows, things, stem = parts(rng)
    how = rng.choice(("year", "year", "year", "place"))
    year = rng.randint(2012, 2024)
    tags = [str(year + i) for i in range(rng.choice((2, 2, 3)))] if how == "year" else rng.choice(PLACES)
    spans = [(date(2020, 1, 1), date(2020, 12, 28))] * len(tags)
    joiner = rng.choice(("_", "_", "-"))
    n = rng.randint(11, len(of_kind(columns, "entity").pool))
    tables = alike(columns, tags, spans, lambda tag, span: table_of(rng, f"{stem}{joiner}{tag}.csv", columns, rows, things, n, span))
    if tables is None:
        return lists_workspace(rng, domains)
    for f, tag in zip(tables, tags):
        f.tag = tag
        f.place = tag if how == "year" or rng.random() < 0.5 else None
    return workspace("yearly", *tables, how=how, things=things, main=rng.choice(tables))


def columns_of(x):
    """(column of the entries, of their counts, words for one entry and several, unmarked; "the most common surnames" is both columns)."""
    need(hasattr(x.w, "things"))
    c, y = of_kind(x.f.columns, "entity"), of_kind(x.f.columns, "number")
    x.used += [c, y]
    say = x.rng.choice(x.clear_says(c) or c.says)
    return c, y, say, plural(say)


def noun(x, y):
    """What titles and answers call the counts: the header, where it says something."""
    name = y.name.lower()
    return name if name in ("number", "frequency", "total", "occurrences", x.w.things) else "count"


def narrowed(x):
    """Half of the lists with a group are asked about one of it. How many rows are left."""
    groups = [c for c in x.f.columns if c.kind == "category" and len(c.values) > 1]
    if groups and x.rng.random() < 0.5:
        x.pick_filter(("value",))
        chosen = re.search(r'"([^"]*)"\)$', x.filter.where)[1]
        return sum(v == chosen for v in x.f.data(x.filter.column))
    return x.f.table.rows()


def ranked(x, low, k, many, c, y):
    """"the 5 most common surnames"."""
    rng = x.rng
    adjective = rng.choice(LEAST if low else MOST)
    names = link(many, c.name)
    if adjective == "top":
        by = rng.choice(("", "", f" by {link(noun(x, y), y.name)}", f" by {link(f'number of {x.w.things}', y.name)}"))
        return f"top {k} {names}{by}"
    if rng.random() < 0.2:
        return f"{k} {names} with the {rng.choice(('lowest', 'smallest') if low else ('highest', 'largest'))} {link(noun(x, y), y.name)}"
    return f"{k} {link(adjective, y.name)} {names}"


def chart_of_most(x):
    rng = x.rng
    c, y, one, many = columns_of(x)
    rows = narrowed(x)
    n = rng.choice((3, 5, 5, 8, 10, 10))
    need(n < rows)
    low = rng.random() < 0.15
    chain = f":{'bottom' if low else 'top'}({n}, {q(y.name)})"
    said = f"{'bottom' if low else 'top'} {n} {many} by {noun(x, y)}"
    kind = rng.choice(("bar", "bar", "bar", "bar", "pie"))
    return finish_chart(x, kind, ranked(x, low, n_words(rng, n), many, c, y), chain, [("x", c.name), ("y", y.name)], cap(said), f"the {said}")


def all_of_them(x):
    """Every entry as bars."""
    c, y, one, many = columns_of(x)
    need(x.f.table.rows() <= 30)
    m = link(x.rng.choice((noun(x, y), noun(x, y), f"number of {x.w.things}")), y.name)
    core = x.rng.choice((f"{m} per {link(one, c.name)}", f"{m} of each {link(one, c.name)}", f"{link(many, c.name)} by {m}", f"{m} for all {link(many, c.name)}"))
    return finish_chart(x, "bar", core, "", [("x", c.name), ("y", y.name)], f"{cap(noun(x, y))} per {one}", f"the {noun(x, y)} per {one}")


def list_of_most(x):
    rng = x.rng
    c, y, one, many = columns_of(x)
    rows = narrowed(x)
    n = rng.choice((2, 3, 5, 5, 10))
    need(n < rows)
    low = rng.random() < 0.2
    form = rng.choice(("what are the ", "list the ", "list ", "show the ", "give me the ", "which are the ", "the ", "")) + ranked(x, low, n_words(rng, n), many, c, y)
    return table_said(x, x.filtered(form), f":{'bottom' if low else 'top'}({n}, {q(y.name)})", [c.name, y.name], f"the {'bottom' if low else 'top'} {n} {many} by {noun(x, y)}")


def the_most(x):
    rng = x.rng
    c, y, one, many = columns_of(x)
    narrowed(x)
    low = rng.random() < 0.2
    common = link(rng.choice([a for a in (LEAST if low else MOST) if a != "top"]), y.name)
    form = rng.choice((f"which {link(one, c.name)} is the {common}", f"what is the {common} {link(one, c.name)}", f"the {common} {link(one, c.name)}", f"which is the {common} {link(one, c.name)}", f"{common} {link(one, c.name)}"))
    return best_said(x, x.filtered(form), "", c.name, y.name, noun(x, y), low)


def how_many_entries(x):
    rng = x.rng
    c, y, one, many = columns_of(x)
    if rng.random() < 0.4:
        values = sorted(x.f.data(y))
        n = values[int(len(values) * rng.uniform(0.2, 0.8))]
        cond = link(rng.choice(("more than {n}", "over {n}", "at least {n}")).format(n=keep(str(n))), f"{y.name}:{n}")
        least = "at least" in x.clean(cond)
        form = rng.choice((f"{link(f'how many {many}', 'rows')} have a {link(noun(x, y), y.name)} of {cond}", f"{link(f'how many {many}', 'rows')} occur {cond} times", f"{link(f'number of {many}', 'rows')} with {cond} {link(x.w.things, y.name)}"))
        return number_said(x, form, f"print({x.read()}:where({q(y.name)}, \"{'>=' if least else '>'}\", {n}):count())", f"number of {many} with {'at least' if least else 'more than'} {n}")
    narrowed(x)
    form = rng.choice((f"{link(f'how many {many}', 'rows')} are there", f"{link(f'how many different {many}', 'rows')} are there", f"{link(f'number of {many}', 'rows')}", f"{link(f'how many {many}', 'rows')} are in the list"))
    return number_said(x, x.filtered(form), f"print({x.read()}:count())", f"number of {many}")


def count_of_one(x):
    """The count of one entry."""
    rng = x.rng
    c, y, one, many = columns_of(x)
    v = rng.choice(x.f.data(c))
    m = link(keep(v.lower() if rng.random() < 0.1 else v), f"{c.name}:{v}")
    often = link("how often", y.name)
    form = rng.choice((f"{often} does {m} occur", f"{often} is {m} in the list", f"{link(f'how many {x.w.things}', y.name)} for {m}", f"what is the {link(noun(x, y), y.name)} of {m}", f"{link(noun(x, y), y.name)} of the {one} {m}", f"{link('how common', y.name)} is {m}", f"{link('how common', y.name)} is the {one} {m}"))
    script = f"t = {x.read()}:where({q(c.name)}, \"==\", {q(v)})\nprint(t:select({q(c.name)}, {q(y.name)}))"
    return question(x, form, script, lambda obs: f"The {noun(x, y)} of {v} is {one_row(obs, (c.name, y.name))[1]}.")


def all_together(x):
    c, y, one, many = columns_of(x)
    narrowed(x)
    m = link(x.rng.choice((f"total {noun(x, y)}" if noun(x, y) != "total" else "total", f"total number of {x.w.things}", f"how many {x.w.things}", f"sum of the {noun(x, y)} column")), y.name)
    form = m + x.rng.choice((" in total", " altogether", "", " over all " + link(many, c.name))) if not x.clean(m).startswith("total") else m
    return number_said(x, x.filtered(form), f"print({x.read()}:sum({q(y.name)}))", f"total number of {x.w.things}")


SINGLE = [(3.2, chart_of_most), (0.7, all_of_them), (2, list_of_most), (1.6, the_most), (1, how_many_entries), (1.2, count_of_one), (0.8, all_together)]
TASKS = [(w, task, "listed") for w, task in SINGLE] + [(w / 3, task, "lists") for w, task in SINGLE] + [(2.4, top_each, "lists"), (0.5, total_each, "lists"), (0.5, union_total, "lists"), (0.4, in_both, "lists")]
