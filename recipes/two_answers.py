"""Questions that ask for two numbers at once: how many rows and their average, numbers of two columns."""
from context import cap, q
from kit import need
from schemas import is_clause
from tasks import maybe_filter, noun_of, question, scalar
from wording import link, plural

WORDS = {"mean": ("average", "mean", "average"), "median": ("median", "middle"), "max": ("highest", "largest", "maximum"), "min": ("lowest", "smallest", "minimum"), "sum": ("total", "sum of the")}
SAID = {"mean": "average", "median": "median", "max": "highest", "min": "lowest", "sum": "total"}
JOINED = (" and ", ", and ", " and also ", "? and ", "; ")


def asked(rng, agg, m):
    """A clause: "what's the median reading"."""
    return rng.choice(("what is the ", "what's the ", "the ", "what was the ", "tell me the ")) + f"{rng.choice(WORDS[agg])} {m}"


def both(x, form, first, second, answer):
    """A question over the main table whose script prints two numbers."""
    def done(obs):
        parts = scalar(obs).split(" ")
        need(len(parts) == 2)
        return answer(*parts)
    return question(x, x.filtered(form), f"t = {x.read()}\nprint(t:{first}, t:{second})", done)


def count_and_number(x):
    """How many rows there are, and a number of one of their columns."""
    rng = x.rng
    maybe_filter(x, 0.6, ("value", "value", "value", "date", "not"))
    y = x.number()
    say = x.say(y)
    need(not is_clause(x.clean(say)))
    agg = rng.choice(("mean", "mean", "median", "max", "min") + (("sum", "sum") if y.additive else ()))
    rs, name = plural(x.row), noun_of(x, y, say)
    how = rng.choice((f"{link(f'how many {rs}', 'rows')} are there", f"{link(f'how many {rs}', 'rows')} do we have", f"{link(f'number of {rs}', 'rows')}"))
    form = how + rng.choice(JOINED) + asked(rng, agg, link(say, y.name))
    return both(x, form, "count()", f"{agg}({q(y.name)})", lambda n, v: f"The number of {rs}{x.clean(x.said_tail)} is {n}, the {SAID[agg]} {name} is {v}.")


def two_columns(x):
    """A number of one column and a number of another."""
    rng = x.rng
    maybe_filter(x, 0.3, ("value", "value", "date"))
    a, b = x.number(), x.number()
    says = x.say(a), x.say(b)
    need(a is not b and not any(is_clause(x.clean(s)) for s in says))
    f = rng.choice(("mean", "mean", "median", "max", "min"))
    g = rng.choice((f, f, "mean", "median", "max", "min"))
    if f == g and rng.random() < 0.5:
        form = rng.choice(("what are the ", "", "give me the ")) + f"{rng.choice(WORDS[f])} {link(says[0], a.name)} and {link(says[1], b.name)}"
    else:
        form = asked(rng, f, link(says[0], a.name)) + rng.choice(JOINED) + rng.choice(("", "the ")) + f"{rng.choice(WORDS[g])} {link(says[1], b.name)}"
    names = noun_of(x, a, says[0]), noun_of(x, b, says[1])
    return both(x, form, f"{f}({q(a.name)})", f"{g}({q(b.name)})", lambda v, w: f"{cap(f'the {SAID[f]} {names[0]}')}{x.clean(x.said_tail)} is {v}, the {SAID[g]} {names[1]} is {w}.")


TASKS = [(2, count_and_number, "table"), (1.5, two_columns, "table")]
