"""Text logs, as far as a script can say it: lines with a level, a status code or an hour, one beside the other, in percent."""
import re
from datetime import date, timedelta

from context import Built, q
from kit import need
from schemas import Workspace
from tasks import new_name, saved_answer, scalar
from wording import keep, link

METHODS, PATHS = ["GET", "POST", "PUT", "DELETE"], ["/login", "/cart", "/search", "/img/logo.png", "/api/items", "/about", "/feed", "/checkout"]
CODES = {"200": ["ok", "success"], "404": ["not found"], "500": ["server error"], "301": ["redirect"], "403": ["forbidden"], "302": ["redirect"], "503": ["unavailable"]}
LEVELS = {"INFO": "info", "WARN": "warning", "ERROR": "error", "DEBUG": "debug"}
PARTS = ["auth", "worker", "mailer", "storage", "billing", "router", "planner"]
EVENTS = ["job done", "connection lost", "retrying", "took 31 ms", "cache miss", "token refreshed", "queue empty", "disk at 91 percent"]
WEB, APP = ["access.log", "web.log", "nginx_access.log", "requests.log", "proxy.log"], ["service.log", "app.log", "daemon.log", "jobs.log", "core.log"]


def lines_workspace(rng, domains):
    """A log of a web server with status codes, or one of a program with levels."""
    web = rng.random() < 0.5
    path = rng.choice(WEB if web else APP)
    day = date(rng.randint(2020, 2025), rng.randint(1, 12), rng.randint(1, 26))
    t, lines = rng.randint(0, 9000), []
    codes, levels, parts = rng.sample(sorted(CODES), rng.randint(2, 4)), ["INFO"] + rng.sample(["WARN", "ERROR", "DEBUG"], rng.randint(1, 3)), rng.sample(PARTS, 3)
    if web and "200" not in codes:
        codes[0] = "200"
    for _ in range(rng.choice((12, 20, 35, 60))):
        t += rng.randint(20, 3000)
        d, s = day + timedelta(days=t // 86400), t % 86400
        stamp = f"{d} {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}"
        if web:
            lines.append(f"{stamp} 10.0.{rng.randint(0, 3)}.{rng.randint(2, 90)} {rng.choice(METHODS[:2] * 3 + METHODS)} {rng.choice(PATHS)} {rng.choice(codes + ['200'])} {rng.randint(90, 199) * 7 + 1000}b")
        else:
            lines.append(f"{stamp} [{rng.choice(levels + ['INFO'])}] {rng.choice(parts)}: {rng.choice(EVENTS)}")
    w = Workspace("lines", [], {path: "\n".join(lines) + "\n"})
    w.main, w.log, w.web, w.lines, w.items = None, path, web, lines, codes if web else levels
    w.parts = parts
    return w


class Log:
    def __init__(self, x):
        need(x.w.kind == "lines")
        self.path = x.w.log
        self.me = x.rng.choice((link(keep(self.path), self.path), link(keep(self.path), self.path), link("the log", self.path), link("the log file", self.path)))
        self.lines = x.w.lines

    def condition(self, x, what=None):
        """(text that a line contains, words, words for the answer)."""
        rng = x.rng
        kinds = ["item"] * 4 + (["method", "path"] if x.w.web else ["part"])
        kind = what or rng.choice(kinds)
        if kind == "item":
            v = rng.choice(x.w.items)
            if x.w.web:
                need(any(f" {v} " in line for line in self.lines))
                return f" {v} ", rng.choice((f"status {keep(v)}", f"code {keep(v)}", f"status code {keep(v)}", keep(v))), f"status {v}"
            return v, rng.choice((keep(v), LEVELS[v], keep(v))), v
        if kind == "method":
            v = rng.choice(METHODS[:2])
            return v, keep(v), v
        if kind == "path":
            v = rng.choice(PATHS)
            return v, keep(v), v
        v = rng.choice(x.w.parts)
        return v, keep(v), v

    def count(self, *texts):
        return sum(all(t in line for t in texts) for line in self.lines)


def where(*texts):
    return "".join(f":where(\"text\", \"contains\", {q(t)})" for t in texts)


def built(form, script, answer):
    return Built(form, script, answer, form.startswith(("how", "what", "which")))


def count_one(x):
    """Lines with a condition, or two at once, or on a day or in an hour."""
    rng = x.rng
    g = Log(x)
    text, words, said = g.condition(x)
    texts, tail, more = [text], "", ""
    r = rng.random()
    if r < 0.35:
        stamp = rng.choice(g.lines)[:19]
        if rng.random() < 0.5:
            texts, tail, more = [stamp[:10], text], rng.choice((f" on {keep(stamp[:10])}", f" of {keep(stamp[:10])}")), f" on {stamp[:10]}"
        else:
            hour = int(stamp[11:13])
            need(hour >= 10)
            texts, tail, more = [f" {stamp[11:13]}:", text], rng.choice((f" between {keep(str(hour))} and {keep(str(hour + 1))} o'clock", f" in the hour from {keep(stamp[11:13] + ':00')}")), f" in the hour from {hour}"
    elif r < 0.5:
        other, words2, said2 = g.condition(x)
        need(other != text)
        texts, tail, more = [text, other], f" and {words2}", f" and {said2}"
    need(g.count(*texts) > 0 or rng.random() < 0.15)
    rows = link(rng.choice(("lines", "entries", "requests" if x.w.web else "messages")), "rows")
    form = rng.choice((f"how many {rows} with {words}{tail} are in {g.me}", f"count the {rows} with {words}{tail} in {g.me}", f"number of {words} {rows}{tail} in {g.me}" if "and" not in tail.split()[:1] else f"number of {rows} with {words}{tail} in {g.me}", f"how many {rows} of {g.me} have {words}{tail}"))
    return built(form, f"print(data.lines({q(g.path)}){where(*texts)}:count())", lambda obs: f"{g.path} has {scalar(obs)} lines with {said}{more}.")


def count_each(x):
    """Several levels or codes, counted one beside the other."""
    rng = x.rng
    g = Log(x)
    items = list(x.w.items)
    rng.shuffle(items)
    n = rng.choice((2, 2, 3))
    need(len(items) >= n)
    items = items[:n]
    texts = [f" {v} " if x.w.web else v for v in items]
    names = [keep(v) if x.w.web or rng.random() < 0.6 else LEVELS[v] + "s" for v in items]
    listed = ", ".join(names[:-1]) + f" and {names[-1]}"
    rows = link(rng.choice(("lines", "entries")), "rows")
    form = rng.choice((f"how many {rows} in {g.me} are {listed}", f"count the {rows} with {listed} in {g.me}", f"number of {listed} {rows} in {g.me}", f"compare the number of {rows} with {listed} in {g.me}", f"how many {rows} have {listed} each, in {g.me}"))
    script = f"t = data.lines({q(g.path)})\nprint({', '.join(f't{where(t)}:count()' for t in texts)})"

    def answer(obs):
        counts = scalar(obs).split(" ")
        need(len(counts) == n)
        return f"Lines of {g.path}: " + ", ".join(f"{v} {c}" if not x.w.web else f"{c} with {v}" for v, c in zip(items, counts)) + "."
    return built(form, script, answer)


def percentage(x):
    rng = x.rng
    g = Log(x)
    text, words, said = g.condition(x)
    need(g.count(text) > 0)
    rows = link(rng.choice(("lines", "entries", "requests" if x.w.web else "messages")), "rows")
    form = rng.choice((f"what percentage of the {rows} in {g.me} have {words}", f"share of {rows} with {words} in {g.me}, in percent", f"percent of {words} {rows} in {g.me}", f"{words} rate of {g.me} in percent"))
    return built(form, f"t = data.lines({q(g.path)})\nprint(t{where(text)}:count() / t:count() * 100)", lambda obs: f"The share of lines with {said} in {g.path} is {scalar(obs)} %.")


def first_last(x):
    """The first or the last line with something; the lines without it, saved."""
    rng = x.rng
    g = Log(x)
    text, words, said = g.condition(x)
    need(g.count(text) > 0)
    line = link(rng.choice(("line", "entry")), "rows")
    if rng.random() < 0.45:
        name = new_name(x, ["found", "lines", "filtered", re.sub(r"\W", "", said).lower() or "lines"])
        form = rng.choice((f"save the {link('lines', 'rows')} with {words} of {g.me} as {keep(name)}", f"write all {link('lines', 'rows')} with {words} from {g.me} to {keep(name)}"))
        return built(form, f"data.lines({q(g.path)}){where(text)}:save({q(name)})", saved_answer(f"the lines of {g.path} with {said}"))
    last = rng.random() < 0.5
    form = rng.choice((f"{'last' if last else 'first'} {line} with {words} in {g.me}", f"what is the {'last' if last else 'first'} {line} with {words} in {g.me}", f"show the {'latest' if last else 'earliest'} {line} with {words} from {g.me}"))
    chain = ":sort(\"line\", \"desc\"):head(1)" if last else ":head(1)"

    def answer(obs):
        m = re.fullmatch(r"line: (\d+), text: (.*)", obs.strip())
        need(m)
        return f"The {'last' if last else 'first'} line of {g.path} with {said} is line {m[1]}: {m[2]}"
    return built(form, f"t = data.lines({q(g.path)}){where(text)}{chain}\nprint(t)", answer)


TASKS = [(3, count_one, "lines"), (2, count_each, "lines"), (1.5, percentage, "lines"), (1.5, first_last, "lines")]
