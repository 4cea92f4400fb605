"""How people put a request: phrases, registers, typos, and the plan that falls out of the marked words.

Requests are written with marks: link(text, target) says that these words mean this target; keep(text) protects a file
name, a value or a number from typos and lower case. render() takes the marks out and returns (request, plan).
"""
import re

from schemas import is_clause, plain_name, words_of

OPEN, MID, CLOSE, KEEP, END, AND = "\x01", "\x02", "\x03", "\x04", "\x05", "\x06"


def link(text, *targets):
    """Words that mean a target, or several: "each company" the columns of all companies."""
    return f"{OPEN}{text}{MID}{AND.join(targets)}{CLOSE}"


def keep(text):
    return f"{KEEP}{text}{END}"


def strip_marks(text):
    text = re.sub(f"{MID}[^{CLOSE}]*{CLOSE}", "", text)
    return re.sub("[\x01-\x05]", "", text)


# Words -------------------------------------------------------------------------------------------------------------

IRREGULAR = {"person": "people", "man": "men", "woman": "women", "child": "children", "foot": "feet", "mouse": "mice", "knife": "knives", "shelf": "shelves",
             "leaf": "leaves", "loaf": "loaves", "bus": "buses", "day of the week": "days of the week", "staff": "staff", "sheep": "sheep", "fish": "fish", "status": "statuses", "weather": "weather",
             "species": "species", "series": "series"}


def plural(noun):
    m = re.match(r"(.+?) (of|for|in|at|on|to|used|sold|with|where|that|from) (.*)", noun)
    if m:
        return f"{plural(m[1])} {m[2]} {m[3]}"
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    m = re.match(r"(.+) (\w{3,}ed( up| out| in)?|sold|run|taken|made)$", noun)
    if m:
        return f"{plural(m[1])} {m[2]}"
    if noun.endswith("sis"):
        return noun[:-2] + "es"
    head, _, last = noun.rpartition(" ")
    if last in IRREGULAR:
        return f"{head} {IRREGULAR[last]}".strip()
    if last.endswith("s") and not last.endswith(("ss", "us", "is", "as")):
        return noun
    if last.endswith(("s", "x", "ch", "sh", "z")):
        return noun + "es"
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def singular(noun):
    """One of what a plural of regular English names; a phrase's last word counts."""
    head, _, last = noun.rpartition(" ")
    one = next((k for k, v in IRREGULAR.items() if v == last), None)
    if one is None and last.endswith("ies") and len(last) > 4:
        one = last[:-3] + "y"
    elif one is None and last.endswith(("sses", "xes", "ches", "shes")):
        one = last[:-2]
    elif one is None:
        one = last[:-1] if last.endswith("s") and not last.endswith(("ss", "us", "is", "as")) else last
    return f"{head} {one}".strip()


AGG = {
    "mean": ["average {s}"] * 5 + ["mean {s}"] * 3 + ["avg {s}", "avg. {s}", "{s} on average", "average of the {s}", "typical {s}", "mean of {s}"],
    "sum": ["total {s}"] * 5 + ["sum of {s}", "sum of the {s}", "overall {s}", "{s} in total", "summed {s}", "combined {s}", "total of {s}"],
    "median": ["median {s}"] * 4 + ["median of {s}", "median of the {s}"],
    "max": ["highest {s}", "maximum {s}", "max {s}", "largest {s}", "biggest {s}", "peak {s}", "top {s}", "greatest {s}"],
    "min": ["lowest {s}", "minimum {s}", "min {s}", "smallest {s}", "least {s}"],
}
CLAUSE_AGG = {"mean": ["{s} on average", "{s} on average", "on average {s}"], "sum": ["{s} in total", "{s} altogether", "{s} overall"]}
TITLE = {"mean": "Average", "sum": "Total", "median": "Median", "max": "Highest", "min": "Lowest"}
ANSWER = {"mean": "average", "sum": "total", "median": "median", "max": "highest", "min": "lowest"}

# Words of a column -> (question word, most, least) that fit it.
ADJECTIVES = [
    (("price", "fare", "fee", "cost", "costs", "charge", "rent"), ("expensive", "most expensive", "cheapest")),
    (("weight", "mass"), ("heavy", "heaviest", "lightest")),
    (("length",), ("long", "longest", "shortest")),
    (("height",), ("tall", "tallest", "shortest")),
    (("age",), ("old", "oldest", "youngest")),
    (("speed", "pace"), ("fast", "fastest", "slowest")),
    (("duration",), ("long", "longest", "shortest")),
    (("temperature",), ("warm", "warmest", "coldest")),
    (("depth",), ("deep", "deepest", "shallowest")),
    (("width",), ("wide", "widest", "narrowest")),
    (("thickness",), ("thick", "thickest", "thinnest")),
    (("noise", "loudness"), ("loud", "loudest", "quietest")),
]
UNITLESS_BAD = {"level", "share", "rate", "index"}


def adjectives(column):
    """(how …, most …, least …) or None."""
    for say in column.says:
        if is_clause(say):
            continue
        words = say.split()
        for heads, found in ADJECTIVES:
            if words[-1] in heads and len(words) <= 2:
                return found
    return None


THESAURUS = {
    "mass": ("weight",), "weight": ("mass",), "temperature": ("temp",), "revenue": ("turnover", "takings", "money taken in", "sales revenue"), "duration": ("length of time", "time taken"), "quantity": ("amount",),
    "price": ("cost", "asking price"), "cost": ("expense", "price"), "costs": ("spending", "expenses"), "takings": ("income", "money earned", "revenue"), "earnings": ("income", "pay"), "colour": ("color", "shade"), "color": ("colour",),
    "distance": ("distance covered", "length of the way"), "speed": ("velocity", "pace"), "salary": ("pay", "wage"), "wage": ("pay", "salary"), "points": ("score",), "score": ("points", "mark"), "staff": ("employees", "workers"),
    "visitors": ("guests", "people coming"), "customer": ("client", "buyer"), "manager": ("boss",), "country": ("nation", "land"), "category": ("type", "group"), "kind": ("sort", "type"), "type": ("kind", "sort", "category"),
    "region": ("area", "part of the country"), "city": ("town", "place"), "kilometres": ("km", "kms"), "minutes": ("mins",), "percentage": ("percent", "share"), "rating": ("rating given", "score", "stars"), "profit": ("gain", "money made"),
    "centre": ("center",), "litres": ("liters",), "metres": ("meters",), "rainfall": ("rain", "precipitation"), "rain": ("rainfall", "precipitation"), "precipitation": ("rain", "rainfall"), "height": ("tallness",), "width": ("breadth",),
    "age": ("years of age",), "sales": ("units sold", "items sold"), "department": ("unit", "section"), "maker": ("manufacturer", "brand"), "brand": ("make", "maker"), "shop": ("store", "branch"), "store": ("shop",), "supplier": ("vendor",),
    "vehicle": ("car",), "dish": ("meal", "plate"), "teacher": ("instructor",), "doctor": ("physician",), "illness": ("disease",), "wind": ("breeze",), "power": ("energy",), "consumption": ("usage", "use"), "fuel": ("gas", "petrol"),
    "waste": ("rubbish", "garbage"), "rent": ("rental price",), "fee": ("charge",), "fare": ("ticket price",), "fine": ("penalty",), "crop": ("plant",), "yield": ("harvest", "output"), "output": ("production",), "harvest": ("yield",),
    "attendance": ("number of visitors", "turnout"), "stock": ("units in stock",), "capacity": ("room for",), "neighbourhood": ("quarter of town",), "job": ("profession", "occupation"), "profession": ("job",), "team": ("club", "side"),
    "result": ("outcome",), "status": ("state",), "method": ("way",), "level": ("degree",), "language": ("tongue",), "season": ("time of year",), "breed": ("race",), "genre": ("style",),
}


def widened(say):
    """The phrase with one word replaced by each of its near synonyms."""
    words = say.split()
    for i, w in enumerate(words):
        if w in THESAURUS:
            return [" ".join(words[:i] + [other] + words[i + 1:]) for other in THESAURUS[w]]
    return []


def stems(text):
    return {w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith("ss") else w for w in words_of(text)} - {"of", "the", "a", "per", "in", "on", "at", "to", "for", "and", "number"}


# Registers ---------------------------------------------------------------------------------------------------------

NEAR = {"a": "s", "b": "v", "c": "x", "d": "s", "e": "r", "f": "g", "g": "h", "h": "j", "i": "o", "j": "k", "k": "l", "l": "k", "m": "n", "n": "m", "o": "p", "p": "o",
        "q": "w", "r": "t", "s": "d", "t": "r", "u": "i", "v": "b", "w": "e", "x": "c", "y": "u", "z": "x"}


def mistyped(rng, word):
    i = rng.randrange(1, len(word) - 1)
    how = rng.random()
    if how < 0.35:
        return word[:i] + word[i + 1] + word[i] + word[i + 2:]
    if how < 0.65:
        return word[:i] + word[i + 1:]
    if how < 0.85:
        return word[:i] + word[i] + word[i:]
    return word[:i] + NEAR.get(word[i], word[i]) + word[i + 1:]


GREET = ["hi, ", "hello, ", "hey, ", "ok, ", "so ", "quick one: ", "hi there. ", "good morning. "]
TAIL = [" please", ", please", " pls", " thanks", ", thanks", " thx", " asap", " if you can", " for my report", " for the meeting"]


def render(rng, marked, question=False):
    """(request, plan) of a marked text, in some register."""
    marked = re.sub(r"  +", " ", marked).strip()
    marked = re.sub(f"\\bthe ({OPEN}how many)", r"\1", marked)
    register = rng.choices(("formal", "plain", "casual", "sloppy"), (30, 25, 30, 15))[0]
    polite = re.search(r"\b(please|could you|would you|can you)\b", marked)
    if not polite and rng.random() < 0.13:
        marked = marked + rng.choice(TAIL)
        if question:
            marked = marked.replace("?", "")
            question = False
    if rng.random() < 0.04:
        marked = rng.choice(GREET) + marked
    out, links, at, protected, start, target = [], [], 0, False, None, None
    typos = {"formal": 0, "plain": 0, "casual": 0.12, "sloppy": 1}[register] > rng.random()
    # Typos first, in one or two plain words outside of protected text.
    if typos:
        spans = []
        guard = re.sub(f"{KEEP}[^{END}]*{END}|{MID}[^{CLOSE}]*{CLOSE}", lambda m: "\x00" * len(m[0]), marked)
        for m in re.finditer(r"[A-Za-z]{4,}", guard):
            spans.append(m.span())
        for a, b in sorted(rng.sample(spans, min(len(spans), rng.choice((1, 1, 2)))), reverse=True):
            marked = marked[:a] + mistyped(rng, marked[a:b]) + marked[b:]
    lower = register == "sloppy" or register == "casual" and rng.random() < 0.85
    for piece in re.split("([\x01-\x05])", marked):
        if piece == OPEN:
            start = len("".join(out))
        elif piece == MID:
            words = "".join(out)[start:]
            target = ""
        elif piece == CLOSE:
            links += [(words, one) for one in target.split(AND)]
            target = None
        elif piece == KEEP:
            protected = True
        elif piece == END:
            protected = False
        elif target is not None:
            target += piece
        else:
            out.append(piece if protected or not lower else piece.lower())
    text = "".join(out).strip()
    if register in ("formal", "plain") and text[:1].islower() and not re.match(r"\w+\.\w|\w*_\w|[a-z]+[A-Z]", text):
        text = text[0].upper() + text[1:]
    if register in ("casual", "sloppy"):
        text = text.rstrip(".?!") if rng.random() < 0.85 else text
        if rng.random() < 0.1:
            text = text.replace(",", "").replace("'", "")
            links = [(w.replace(",", "").replace("'", ""), t) for w, t in links]
    elif text[-1:] not in ".?!":
        if question:
            text += "?"
        elif register == "formal":
            text += "."
    return text, plan_of(links)


def plan_of(links):
    seen, parts = set(), []
    for words, target in links:
        phrase = re.sub(r"[=;]", " ", words.lower())
        phrase = re.sub(r"\s+", " ", phrase).strip(" ,?!:'\"").rstrip(".,")
        if phrase.count("(") != phrase.count(")"):
            phrase = phrase.strip("() ")
        phrase = " ".join(phrase.split()[:6])
        if not phrase or (phrase, target) in seen:
            continue
        seen.add((phrase, target))
        parts.append(f"{phrase}={target}")
    return "; ".join(parts)


# Charts in words ---------------------------------------------------------------------------------------------------

NOUNS = {
    "bar": ["bar chart"] * 6 + ["bar graph"] * 2 + ["bar plot", "column chart", "column graph", "barchart", "bar diagram"],
    "pie": ["pie chart"] * 6 + ["pie"] * 2 + ["donut chart", "pie graph", "pie diagram"],
    "line": ["line chart"] * 5 + ["line graph"] * 3 + ["line plot", "curve"],
    "scatter": ["scatter plot"] * 5 + ["scatter chart", "scatterplot", "scatter diagram", "dot plot", "point chart", "scatter graph"],
    "hist": ["histogram"] * 7 + ["histogram chart", "frequency histogram"],
    "box": ["box plot"] * 5 + ["boxplot"] * 3 + ["box chart", "box and whisker plot"],
    "area": ["area chart"] * 4 + ["area plot", "area graph", "filled line chart"],
    "heatmap": ["heat map"] * 4 + ["heatmap"] * 4 + ["heat map chart", "colour matrix", "heat matrix"],
}
AS = {"bar": ["as bars", "as bars", "with bars", "in bars", "as columns"], "pie": ["as a pie", "as pie slices", "in a pie"], "line": ["as a line", "as a curve", "with a line"],
      "scatter": ["as dots", "as points", "as a scatter", "as a cloud of points"], "hist": ["as a histogram"], "box": ["as boxes", "as box plots", "with boxes"], "area": ["as an area", "as filled areas", "as areas"],
      "heatmap": ["as a heat map", "as heatmap", "as coloured cells", "as a grid of colours"]}
ANY = ["chart", "graph", "plot", "diagram", "picture"]
VERBS = ["make", "draw", "show", "show me", "create", "give me", "plot", "i need", "i want", "please make", "please draw", "can you make", "could you draw", "can you show me",
         "could you create", "i'd like", "please create", "generate", "build", "prepare", "let me see", "please give me", "would you make", "can i have", "let's have", "we need"]
DO = ["plot", "show", "show me", "draw", "chart", "graph", "visualize", "visualise", "display", "please plot", "please show", "can you plot", "could you show me", "can you show",
      "i want to see", "i would like to see", "let me see", "picture", "please chart", "could you plot", "put"]


def chart_request(rng, kind, core, generic=True):
    """A request for a chart of `core` ("average revenue per product"). generic: a bare "chart of" is enough."""
    noun = rng.choice(NOUNS[kind])
    r = rng.random()
    if generic and r < 0.13:
        return rng.choice((f"{rng.choice(VERBS)} a {rng.choice(ANY)} of {core}", f"{rng.choice(PLOT)} {core}", f"{core}, as a {rng.choice(ANY)}", f"chart of {core}", f"{rng.choice(ANY)} {core}"))
    article = "" if rng.random() < 0.12 else "a "
    forms = [f"{noun} of {core}", f"{noun} of {core}", f"{rng.choice(VERBS)} {article}{noun} of {core}", f"{rng.choice(VERBS)} {article}{noun} of {core}",
             f"{rng.choice(VERBS)} {article}{noun} of the {core}", f"{rng.choice(VERBS)} a {noun} with {core}", f"{rng.choice(VERBS)} a {noun} showing {core}",
             f"{rng.choice(VERBS)} a {noun} that shows {core}", f"{rng.choice(DO)} {core} as a {noun}", f"{rng.choice(DO)} {core} {rng.choice(AS[kind])}",
             f"{rng.choice(DO)} {core} in a {noun}", f"{core} as a {noun}", f"{core} {rng.choice(AS[kind])}", f"{core}, {noun}", f"{core}, {noun} please", f"{noun}: {core}",
             f"{noun} {core}", f"{noun} for {core}", f"a {noun} of {core}", f"{core} - {noun}"]
    return rng.choice(forms)


PLOT = ["plot", "draw", "chart", "graph", "visualize", "visualise", "please plot", "could you plot", "can you draw", "picture", "please draw", "let's plot"]


NUMBER_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
