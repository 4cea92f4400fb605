"""What every task needs: columns with the words for them, filters, file mentions, and the pieces of a script."""
import re

from schemas import is_clause, plain_name, words_of
from tables import format_number
from wording import AGG, ANSWER, CLAUSE_AGG, TITLE, adjectives, keep, link, plural, stems, strip_marks, widened


class Skip(Exception):
    """This task does not fit this workspace."""


def q(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def cap(text):
    return text[:1].upper() + text[1:]


class Built:
    """A finished request. answer: function of the observation."""

    def __init__(self, marked, script, answer, question=False, tool="run_lua", arguments=None):
        self.marked, self.script, self.answer, self.question, self.tool, self.arguments = marked, script, answer, question, tool, arguments


class Filter:
    """owner: marked words that can stand as "OWNER's average price", or None."""

    def __init__(self, clauses, where, title, said, column, owner=None):
        self.clauses, self.where, self.title, self.said, self.column, self.owner = clauses, where, title, said, column, owner


class Context:
    def __init__(self, rng, workspace, file=None):
        self.rng, self.w = rng, workspace
        self.f = file or workspace.main
        if self.f is None:
            raise Skip
        self.used = []
        self.phrases = []
        self.filter = None
        self.row = rng.choice(self.f.rows)  # what this request calls a row

    # Columns ---------------------------------------------------------------------------------------------------------

    def column(self, kinds, test=None):
        """A column not used yet."""
        found = [c for c in self.f.of(*kinds) if c not in self.used and (test is None or test(c))]
        if not found:
            raise Skip
        c = self.rng.choice(found)
        self.used.append(c)
        return c

    def number(self, test=None):
        return self.column(("number",), lambda c: not c.role and (test is None or test(c)))

    def category(self, limit=14, test=None):
        kinds = ("category", "category", "category", "boolean") if self.rng.random() < 0.97 else ("entity",)
        return self.column(kinds, lambda c: (c.kind == "boolean" or 2 <= len(c.values) <= limit) and (test is None or test(c)))

    def date(self):
        """The first date column: what "over time" and "in 2014" mean."""
        dates = self.f.of("date")
        if not dates or dates[0] in self.used:
            raise Skip
        self.used.append(dates[0])
        return dates[0]

    def clear_says(self, c):
        """What people call this column and no other one of the file."""
        cached = getattr(c, "clear", None)
        if cached is not None and cached[0] is self.f:
            return cached[1]
        out = []
        counting = {w for r in self.f.rows for w in (r, plural(r))} | {"row", "rows", "entry", "entries", "record", "records", "count"}
        others = [o for o in self.f.columns if o is not c]
        says = list(c.says) + [v for s in c.says for v in widened(s)]
        for say in says:
            mine = stems(say)
            if not mine or say in counting:
                continue
            clash = False
            for o in others:
                texts = [o.name] + o.says
                if any(mine <= stems(t) for t in texts) or any(stems(t) and stems(t) <= mine and len(stems(t)) == len(mine) for t in texts):
                    clash = True
                    break
            if not clash:
                out.append(say)
        c.clear = (self.f, out)
        return out

    def say(self, c, clause=False):
        """Words for a column, without marks. clause: "how hard it blew" is welcome too."""
        rng = self.rng
        says = [s for s in self.clear_says(c) if clause or not is_clause(s)]
        r = rng.random()
        plain = plain_name(c.name)
        own = plain.isascii() and stems(plain) and not any(stems(plain) <= stems(o.name) for o in self.f.columns if o is not c)
        # Most people say the header's own words; half of the requests do, else the model unlearns to look at them.
        if says and (r < 0.5 or not own and r < 0.9):
            weights = [1.0 if s in c.says else 0.35 for s in says]
            return rng.choices(says, weights)[0]
        if r < 0.93 and own:
            if c.kind == "number" and not is_clause(plain) and rng.random() < 0.12:
                return f"{plain} {rng.choice(('readings', 'values', 'figures', 'numbers', 'measurements', 'data'))}"
            return plain
        return keep(c.name)

    def noun(self, c):
        return self.say(c)

    def clean(self, text):
        """Words without marks, for titles and answers."""
        return re.sub("[\x01-\x05]", "", text)

    def title_noun(self, c, say):
        """The phrase as a title may use it: a clause or a raw name becomes the plain name."""
        say = self.clean(say)
        if is_clause(say) or say == c.name:
            return plain_name(c.name)
        return say

    # Numbers -----------------------------------------------------------------------------------------------------------

    def agg(self, c, choices=None):
        if choices is None:
            choices = (["mean"] * 6 + ["sum"] * 6 if c.additive else ["mean"] * 9) + ["median", "max", "min"]
        return self.rng.choice(choices)

    def measure(self, c, agg, bare=0.08, clause=True):
        """(marked phrase, title words, answer words) of an aggregate of a column."""
        rng = self.rng
        say = self.say(c, clause=clause and agg in ("mean", "sum") and rng.random() < 0.5)
        name = self.title_noun(c, say)
        if is_clause(self.clean(say)):
            text = rng.choice(CLAUSE_AGG[agg]).format(s=say)
        elif agg == ("sum" if c.additive else "mean") and rng.random() < bare:
            text = say
        else:
            text = rng.choice(AGG[agg]).format(s=say)
        clean = name[4:] if name.startswith("the ") else name
        if agg == "sum" and clean.startswith(("total ", "sum ")) or agg == "mean" and clean.startswith(("average ", "mean ")):
            return link(text, c.name), cap(clean), "the " + clean
        return link(text, c.name), f"{TITLE[agg]} {clean}", f"the {ANSWER[agg]} {clean}"

    def counted(self, number=False):
        """(marked phrase, title words, answer words) of a number of rows; number: words that can be high or low."""
        rng = self.rng
        if rng.random() < 0.1:
            self.row = rng.choice(("row", "entry", "record"))
        r, rs = self.row, plural(self.row)
        if number:
            text = rng.choice([f"number of {rs}"] * 4 + [f"count of {rs}", f"{r} count"])
            return link(text, "rows"), f"Number of {rs}", f"the number of {rs}"
        text = rng.choice([f"number of {rs}"] * 5 + [f"count of {rs}", f"{r} count", f"{r} counts", f"number of {rs}", rs, rs, f"amount of {rs}", f"how many {rs}"])
        return link(text, "rows"), f"Number of {rs}", f"the number of {rs}"

    def group_words(self, c, y, bars=False):
        """(core phrase, title tail, answer tail) of y per value of c; y is marked."""
        rng = self.rng
        say = self.say(c, clause=rng.random() < 0.4)
        if c.kind == "boolean":
            say = rng.choice(c.says) if rng.random() < 0.7 else keep(c.name)
            one = link(say, c.name)
            name = self.title_noun(c, say)
            return rng.choice((f"{y} by {one}", f"{y} by {one}", f"{y} per {one}", f"{y} grouped by {one}", f"{y} split by {one}", f"{y} depending on {one}", f"{y} for {one} and not {self.clean(say)}", f"{y} vs {one}")), f"per {name}", f"per {name}"
        clean = self.title_noun(c, say)
        if is_clause(self.clean(say)):
            core = rng.choice(["{y} by {x}", "{y} split by {x}", "{y} depending on {x}", "{y} according to {x}", "{y} grouped by {x}"])
            return core.format(y=y, x=link(say, c.name)), f"per {clean}", f"per {clean}"
        raw = say.startswith("\x04")
        xs = say if raw else plural(say)
        one, many = link(say, c.name), link(xs, c.name)
        forms = [f"{y} per {one}"] * 6 + [f"{y} by {one}"] * 6 + [f"{y} for each {one}"] * 3 + [f"{y} of each {one}", f"{y} for every {one}", f"{y} in each {one}", f"{y} across {many}",
                 f"{y} grouped by {one}", f"{y} broken down by {one}", f"{y} split by {one}", f"{y} for the different {many}", f"{y} for all {many}", f"{y} of the {many}",
                 f"{y} compared across {many}", f"{many} and their {y}", f"{many} by {y}", f"each {one} with its {y}", f"{y} vs {one}", f"{y}, one per {one}"]
        if bars:
            forms += [f"{y}, one bar per {one}"] * 2
        return rng.choice(forms), f"per {clean}", f"per {clean}"

    # Filters -----------------------------------------------------------------------------------------------------------

    def pick_filter(self, kinds=("value", "value", "value", "value", "number", "date", "entity", "boolean", "not", "year")):
        """Sets self.filter, or raises Skip."""
        rng = self.rng
        for _ in range(4):
            kind = rng.choice(kinds)
            try:
                self.filter = getattr(self, "filter_" + kind)()
                return self.filter
            except Skip:
                continue
        raise Skip

    def value_words(self, c, v, listed=None):
        spoken = self.rng.choice(c.spoken.get(v, [v]))
        if listed is None:
            listed = len(c.values) <= 8
        if not listed and not getattr(c, "coded", False):
            return keep(v)
        return spoken

    def entity_words(self, v):
        """A name as the file has it, or typed in lower case."""
        return keep(v.lower() if self.rng.random() < 0.15 else v)

    def filter_value(self, negative=False):
        rng = self.rng
        c = self.column(("category",), lambda c: 2 <= len(c.values) <= 14)
        v = rng.choice(c.values)
        words = self.value_words(c, v)
        target = f"{c.name}:{v}"
        m, x = link(words, target), self.say(c)
        r = self.row
        rs = plural(r)
        whole = len(words.split()) + len(self.clean(x).split()) <= 4
        both = link(f"{x} {words}", target) if whole else f"{x} {m}"
        if negative:
            clauses = [f"without {m}", f"except {m}", f"excluding {m}", f"for all but {m}", f"not counting {m}", f"leaving out {m}"]
            return Filter(clauses, f':where({q(c.name)}, "~=", {q(v)})', f", without {v}", f" without {self.clean(words)}", c)
        if any(v in other.values for other in self.f.columns if other.kind == "category" and other is not c):
            # The value alone does not say which column is meant.
            return Filter([f"where {x} is {m}", f"with {both}", f"for {both}", f"if {x} is {m}", f"where the {x} is {m}"], f':where({q(c.name)}, "==", {q(v)})',
                          f", {self.clean(x)} {v}", f" for {self.clean(x)} {self.clean(words)}", c)
        clauses = [f"for {m}"] * 4 + [f"for {m} only", f"only for {m}", f"only {m}", f"just for {m}", f"of {m}", f"for {both}", f"where {x} is {m}", f"with {both}",
                   f"({m} only)", f"for the {x} {m}", f"limited to {m}", f"when the {x} is {m}", f"if {x} is {m}"]
        if len(words.split()) <= 2 and not words.startswith(("the ", "\x04the")):
            clauses += [f"for {m} {rs}", f"of the {m} {rs}", f"only the {m} {rs}", f"among {m} {rs}"]
        owner = m if len(words.split()) <= 2 and not re.match("[\x04]?(the|a|an) ", words) else None
        return Filter(clauses, f':where({q(c.name)}, "==", {q(v)})', f", {v}", f" for {self.clean(words)}", c, owner)

    def filter_not(self):
        return self.filter_value(negative=True)

    def filter_entity(self):
        rng = self.rng
        c = self.column(("entity",), lambda c: len(c.values) >= 3)
        v = rng.choice(c.values)
        m = link(self.entity_words(v), f"{c.name}:{v}")
        clauses = [f"for {m}"] * 4 + [f"of {m}", f"only for {m}", f"for {self.say(c)} {m}", f"just {m}", f"where {self.say(c)} is {m}"]
        return Filter(clauses, f':where({q(c.name)}, "==", {q(v)})', f", {v}", f" for {v}", c, m)

    def filter_boolean(self):
        c = self.column(("boolean",))
        v = "true" if self.rng.random() < 0.75 else "false"
        say = self.rng.choice(c.says)
        word = say if v == "true" else f"not {say}"
        r = plural(self.row)
        m = link(word, f"{c.name}:{v}")
        return Filter([f"for {m} {r}", f"only {m} {r}", f"of the {r} that are {m}", f"where {m}"], f':where({q(c.name)}, "==", {v})', f", {word}", f" for {word} {r}", c)

    def filter_number(self):
        rng = self.rng
        c = self.number()
        values = sorted(v for v in self.f.data(c) if v is not None)
        if len(values) < 8 or values[0] == values[-1]:
            raise Skip
        v = values[int(len(values) * rng.uniform(0.2, 0.8))]
        digits = 1 - len(str(int(abs(v)))) if abs(v) >= 10 else 0
        v = round(v, digits + (1 if rng.random() < 0.5 else 0)) if abs(v) >= 2 else v
        if c.decimals == 0 or v == int(v):
            v = int(v)
        if not (values[0] < v < values[-1]):
            raise Skip
        op = rng.choices((">", "<", ">=", "<="), (45, 30, 15, 10))[0]
        words = rng.choice({">": ["above {v}", "over {v}", "more than {v}", "greater than {v}", "higher than {v}", "> {v}", "exceeding {v}"],
                            "<": ["below {v}", "under {v}", "less than {v}", "lower than {v}", "< {v}", "smaller than {v}"],
                            ">=": ["of at least {v}", "{v} or more", "at least {v}", "not below {v}"], "<=": ["at most {v}", "up to {v}", "{v} or less", "not above {v}"]}[op])
        n = format_number(v)
        words = words.format(v=keep(n))
        say = self.say(c)
        target = f"{c.name}:{n}"
        r = plural(self.row)
        size = len(self.clean(say).split()) + len(self.clean(words).split())
        joined = link(f"{say} {words}", target) if size <= 6 else f"{say} {link(words, target)}"
        middle = link(f"{say} is {words}", target) if size <= 5 else f"{say} is {link(words, target)}"
        clauses = [f"with {joined}"] * 3 + [f"with a {joined}", f"where {middle}", f"for {r} with {joined}", f"where the {middle}", f"for {joined}", f"whose {middle}"]
        return Filter(clauses, f':where({q(c.name)}, "{op}", {n})', f", {self.title_noun(c, say)} {self.clean(words)}", f" with {self.clean(say)} {self.clean(words)}", c)

    def filter_year(self):
        """A column of years as numbers."""
        rng = self.rng
        c = self.column(("number",), lambda c: c.role == "year")
        years = sorted(v for v in self.f.data(c) if v is not None)
        y = rng.choice(years)
        op, form = "==", rng.choice(("in {v}", "in {v}", "for {v}", "in the year {v}", "of {v}", "during {v}", "for the year {v}"))
        if rng.random() < 0.3 and years[0] < y < years[-1]:
            op, form = rng.choice(((">=", "since {v}"), ("<", "before {v}"), (">", "after {v}"), (">=", "from {v} on")))
        m = link(form.format(v=keep(str(y))), f"{c.name}:{y}")
        said = " " + form.format(v=y)
        return Filter([m], f':where({q(c.name)}, "{op}", {y})', said, said, c)

    def filter_date(self):
        rng = self.rng
        c = self.date()
        days = sorted(d for d in self.f.data(c) if d is not None)
        first, last = days[0], days[-1]
        day = rng.choice(days)
        year, month = day[:4], day[:7]
        name = rng.choice(("January February March April May June July August September October November December".split(),
                           "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()))[int(day[5:7]) - 1]
        options = []
        if first[:4] != last[:4] or rng.random() < 0.3:
            options += [("==", year, ["in {v}", "during {v}", "for {v}", "for the year {v}", "of {v}"], year)] * 4
        if first[:4] < last[:4]:
            y = str(rng.randint(int(first[:4]) + 1, int(last[:4])))
            options += [(">=", y, ["since {v}", "from {v} on", "from {v} onwards", "starting in {v}"], y), ("<", y, ["before {v}"], y)]
            if y != last[:4]:
                options += [(">", y, ["after {v}"], y), ("<=", y, ["until the end of {v}", "up to and including {v}", "through {v}"], y)]
        if first[:7] < last[:7]:
            options += [("==", month, ["in {v}", "during {v}", "for {v}", "in {v} only"], rng.choice((f"{name} {year}", f"{name} {year}", month)))] * 3
            options += [(">=", month, ["since {v}", "from {v} on"], f"{name} {year}"), ("<", month, ["before {v}"], f"{name} {year}")]
        if not options:
            raise Skip
        op, v, forms, spoken = rng.choice(options)
        if op == "<" and not any(d < v for d in days):
            raise Skip
        form = rng.choice(forms)
        said = form.format(v=spoken)
        m = link(form.format(v=keep(spoken) if spoken[0].isdigit() else spoken), f"{c.name}:{v}")
        return Filter([m], f':where({q(c.name)}, "{op}", {q(v)})', " " + said, " " + said, c)

    def filtered(self, core, owner=False):
        """The core phrase with the words of the filter. owner: "Apple's price" is good too."""
        if self.filter is None:
            return core
        clause = self.rng.choice(self.filter.clauses)
        if owner and self.filter.owner and self.rng.random() < 0.2 and not re.match("(how|each|every|all|top|both) ", strip_marks(core)):
            return f"{self.filter.owner}'s {core}"
        if self.rng.random() < 0.12 and not clause.startswith(("(", "where", "if", "when", "of ", "with")):
            return f"{clause}, {core}" if self.rng.random() < 0.5 else f"{clause}: {core}"
        return f"{core} {clause}"

    @property
    def where(self):
        return self.filter.where if self.filter else ""

    @property
    def title_tail(self):
        return self.filter.title if self.filter else ""

    @property
    def said_tail(self):
        return self.filter.said if self.filter else ""

    # Files -------------------------------------------------------------------------------------------------------------

    def must_mention(self):
        """Another table of the workspace has columns that the request could mean."""
        mine = set()
        for c in self.used:
            mine |= stems(c.name)
            for s in c.says:
                mine |= stems(s)
        for o in self.w.tables:
            if o is self.f:
                continue
            theirs = set()
            for c in o.columns:
                theirs |= stems(c.name)
                for s in c.says:
                    theirs |= stems(s)
            if o.domain is self.f.domain or not self.used or len(mine & theirs) >= 1:
                return True
        return False

    def mention(self, text, chance=0.2):
        """The request with the words for its file, if it needs or gets them."""
        rng = self.rng
        if not self.must_mention() and rng.random() > (0.6 if self.f.place else chance):
            return text
        path = self.f.path
        if self.f.place and rng.random() < 0.6:
            place = link(keep(cap(self.f.place)), path)
            end = "?" if text.endswith("?") else ""
            return f"in {place}, {text}" if rng.random() < 0.15 else f"{text.rstrip('?')} {rng.choice(('in', 'in', 'in', 'of', 'for', 'at'))} {place}{end}"
        stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        word = " ".join(words_of(stem)) or stem
        name = link(keep(path if rng.random() < 0.8 or "/" not in path else path.rsplit("/", 1)[-1]), path)
        if rng.random() < 0.25 and sum(stem.lower() == p.rsplit("/", 1)[-1].rsplit(".", 1)[0].lower() for p in self.w.files) == 1:
            name = rng.choice((f"the {link(word + ' file', path)}", f"the {link(word + ' table', path)}", f"the {link(word + ' data', path)}", link(keep(stem), path)))
        if rng.random() < 0.2:
            return rng.choice((f"from {name}: {text}", f"in {name}, {text}", f"{name}: {text}", f"using {name}, {text}", f"take {name} and {text}"))
        end = "?" if text.endswith("?") else ""
        return f"{text.rstrip('?')} {rng.choice(('in', 'in', 'from', 'from', 'using', 'of', 'with the data in', 'based on'))} {name}{end}"

    def read(self):
        return f"data.read({q(self.f.path)}){self.where}"
