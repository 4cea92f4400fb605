"""Text files of lines: lines of a log or a note with some text (or without it), values of a column one per line; lists of what belongs to each group, and files with the same content."""
import re
from datetime import date, timedelta

from context import Built, cap, q
from derived import one_and_many
from kit import need
from log_counts import LEVELS, Log, where
from schemas import FIRST, Workspace, is_clause, note_text, words_of
from shapes import DOC_STEMS, bytes_of
from tasks import HIGH_ADJ, LOW_ADJ, PERIODS, group_measure, label_column, lines_of, maybe_filter, n_words, new_name, notes, period_of, read_table, saved_answer
from wording import adjectives, keep, link, plural, stems, strip_marks

# Logs and notes ------------------------------------------------------------------------------------------------------

STAMPS = {"iso": lambda d, h, m, s: f"{d} {h:02d}:{m:02d}:{s:02d}", "t": lambda d, h, m, s: f"{d}T{h:02d}:{m:02d}:{s:02d}Z", "clock": lambda d, h, m, s: f"[{h:02d}:{m:02d}:{s:02d}]", "dots": lambda d, h, m, s: f"{d.day:02d}.{d.month:02d}.{d.year} {h:02d}:{m:02d}",
          "short": lambda d, h, m, s: f"{d:%b} {d.day:2d} {h:02d}:{m:02d}:{s:02d}", "boxed": lambda d, h, m, s: f"[{d} {h:02d}:{m:02d}]", "none": None, "minutes": lambda d, h, m, s: f"{h:02d}:{m:02d}"}
PACKAGES = ["lampkit", "rivet-core", "mapfold", "tinysound", "quill-fonts", "harbor-ui", "zstack", "pennyfont", "libgrove", "kite-tools"]
# names of files, stamps, lines, what stands in their braces, what a request may look for besides that
FORMATS = [
    (["packages.log", "pkg.log", "upgrade.log", "brick.log", "software.log"], ["iso", "boxed"], ["brick[{n}] fetched {pkg} {n}.{k}", "brick[{n}] upgraded {pkg} {k}.1 => {k}.4", "brick[{n}] pinned {pkg}", "brick[{n}] dropped {pkg} {k}.0", "brick[{n}] {pkg} has a broken signature", "brick[{n}] cache cleaned, {n} MB freed"], {"pkg": PACKAGES}, ["fetched", "upgraded", "pinned", "dropped", "broken signature"]),
    (["timer.log", "cron.log", "schedule.log", "nightly.log", "jobs/timer.log"], ["short", "iso"], ["atlas timer: {job} started", "atlas timer: {job} finished after {n} s", "atlas timer: {job} skipped, still busy", "atlas timer: {job} gave up, exit code {k}", "atlas timer: {job} timed out"], {"job": ["rotate-keys", "send-digest", "reindex", "prune-cache", "nightly-copy", "tidy-inbox"]}, ["skipped", "exit code", "timed out", "finished"]),
    (["mail.log", "post.log", "outbox.log", "smtp.log", "mailer.log"], ["t", "short"], ["mx{k} {n}A{k}F to=<{who}@{dom}> delivered", "mx{k} {n}C{k}E to=<{who}@{dom}> bounced: mailbox full", "mx{k} {n}B{k}D to=<{who}@{dom}> deferred, next try in {n} min", "mx{k} {n}E{k}B from=<{who}@{dom}> spam score {k}", "mx{k} {n}D{k}C to=<{who}@{dom}> greylisted"], {"who": ["ana", "timo", "office", "sales", "lena", "orders"], "dom": ["plumtree.example", "northpier.example", "oakhall.example", "redbarn.example"]}, ["delivered", "bounced", "deferred", "mailbox full", "greylisted", "spam score"]),
    (["game.log", "arena.log", "match.log", "chat_game.txt", "server_chat.log"], ["clock"], ["{player} joined the arena", "{player} left the arena", "<{player}> good round", "<{player}> who has the key?", "{player} was caught by {player}", "{player} found a golden key", "round {k} begins", "{player} built a tower"], {"player": ["Miro", "Zoe", "Pip", "Tamsin", "Odo", "Juna"]}, ["joined", "left the arena", "golden key", "was caught", "round", "tower"]),
    (["gate.log", "doors.log", "access_gate.log", "badges.log"], ["dots", "iso"], ["gate {side} opened by badge {n}", "gate {side} refused badge {n}", "gate {side} held open for {k} min", "gate {side} tamper alarm", "battery low on gate {side}"], {"side": ["east", "west", "yard", "cellar"]}, ["refused", "tamper alarm", "held open", "battery low"]),
    (["router.log", "network.log", "wifi.log", "lan.log"], ["dots", "short"], ["node-{k} link up", "node-{k} link down", "node-{k} lease given to {dev}", "node-{k} {dev} roamed here", "node-{k} channel {n} is crowded", "node-{k} firmware check ok"], {"dev": ["tablet", "laptop", "printer", "doorbell", "phone"]}, ["link down", "link up", "roamed", "crowded", "lease"]),
    (["printer.log", "spool.log", "prints.log"], ["iso", "minutes"], ["job {n} from {who}: printed {k} pages", "job {n} from {who}: paper jam in tray {k}", "job {n} from {who}: cancelled", "toner low", "tray {k} empty"], {"who": ["ana", "timo", "lena", "office", "ruth"]}, ["paper jam", "cancelled", "toner low", "empty"]),
    (["build.log", "compile.log", "ci.log", "build_output.txt", "make.log"], ["none", "minutes"], ["[{k}/40] compile {mod}.cc", "{mod}.cc:{n}: warning: unused variable", "{mod}.cc:{n}: error: missing header", "test {mod} passed in {n} ms", "test {mod} FAILED", "note: {mod} is built twice"], {"mod": ["parser", "canvas", "router", "engine", "lexer", "shaper"]}, ["warning", "error", "FAILED", "passed", "unused variable"]),
    (["database.log", "db.log", "store.log", "queries.log"], ["iso", "t"], ["[{n}] LOG checkpoint done in {k} s", "[{n}] SLOW query on {tab}, {n} ms", "[{n}] FATAL too many clients", "[{n}] LOG {tab} vacuumed", "[{n}] WARNING deadlock on {tab}", "[{n}] HINT raise the limit"], {"tab": ["orders", "visits", "stock", "people"]}, ["SLOW", "FATAL", "deadlock", "WARNING", "checkpoint", "HINT"]),
    (["backup.log", "copy.log", "sync.log", "mirror.txt"], ["boxed", "iso"], ["copied {dir}/{n}.jpg", "copied {dir}/plan{k}.odt", "unchanged {dir}/{n}.jpg", "permission denied: {dir}/{n}.tmp", "removed {dir}/old{k}.bak", "disk is {n} % full"], {"dir": ["photos", "letters", "music", "taxes"]}, ["copied", "unchanged", "permission denied", "removed", ".jpg", ".tmp"]),
    (["greenhouse.log", "sensors.log", "boiler.log", "house.log"], ["iso", "dots", "minutes"], ["{zone}: fan on", "{zone}: fan off", "{zone}: valve {k} opened", "{zone}: soil dry", "{zone}: no signal for {n} s", "{zone}: {n} degrees"], {"zone": ["tomatoes", "ferns", "orchids", "seedlings"]}, ["fan on", "soil dry", "no signal", "valve"]),
    (["logins.log", "auth.log", "vpn.log", "sessions.log"], ["t", "short", "iso"], ["login ok user={who} from 10.1.{k}.{n}", "login failed user={who} from 10.1.{k}.{n}", "logout user={who}", "password changed user={who}", "locked user={who} after {k} tries"], {"who": ["ana", "timo", "root", "guest", "lena", "backup"]}, ["login failed", "login ok", "logout", "password changed", "locked", "user=root"]),
    (["todo.txt", "tasks.txt", "todo.md", "list.md", "chores.txt"], ["none"], ["- [ ] call {who}", "- [x] call {who}", "- [ ] {thing} (urgent)", "- [x] {thing}", "- [ ] {thing} @{who}", "- [ ] ask {who} about the {place}"], {"who": ["ana", "timo", "the plumber", "grandma", "lena"], "thing": ["pay the rent", "fix the bike", "water the plants", "renew the passport", "book the train"], "place": ["cellar", "garden", "garage"]}, ["urgent", "[x]", "[ ]", "call", "@ana"]),
    (["notes.txt", "minutes.md", "ideas.txt", "journal.txt", "meeting.txt", "scratch.md"], ["none"], ["TODO: {thing}", "Idea: {thing}", "Question for {who}: {thing}?", "{who} was away.", "Decided: {thing}", "# Week {k}", "{who} will {thing}."], {"who": ["Ana", "Timo", "Lena", "Ruth"], "thing": ["order new chairs", "paint the hall", "move the archive", "try the other supplier", "write to the city"]}, ["TODO", "Idea", "Question", "Decided", "?", "#"]),
    (["chat.txt", "group_chat.txt", "chat_export.txt", "messages.txt"], ["dots", "boxed"], ["{who}: see you at {k}", "{who}: who brings the {food}?", "{who}: the train is late again", "{who}: happy birthday!", "{who}: ok", "{who}: i can bring {food}"], {"who": ["Lena", "Timo", "Ruth", "Milo"], "food": ["salad", "pizza", "cake", "juice"]}, ["pizza", "train", "birthday", "cake", "?"]),
    (["shopping.txt", "groceries.txt", "shopping_list.md"], ["none"], ["{n} g {food} - {shop}", "{k} x {food} - {shop}", "{food}", "{food} - {shop}, if fresh"], {"food": ["flour", "milk", "rice", "apples", "cheese", "tea", "beans", "bread"], "shop": ["market", "corner shop", "bakery", "big store"]}, ["market", "bakery", "corner shop", "if fresh", "milk"]),
]


def journal_workspace(rng, domains):
    """A text of lines, with stamps or without, perhaps beside a note."""
    paths, stamps, templates, fills, asked = rng.choice(FORMATS)
    path, stamp = rng.choice(paths), STAMPS[rng.choice(stamps)]
    templates = rng.sample(templates, rng.randint(max(3, len(templates) - 2), len(templates)))
    fills = {k: rng.sample(v, max(2, len(v) - rng.randint(0, 2))) for k, v in fills.items()}
    day, t, lines = date(rng.randint(2018, 2025), rng.randint(1, 12), rng.randint(1, 26)), rng.randint(0, 40000), []
    common = rng.sample(templates, 2)
    step = rng.choice((40, 400, 4000))
    for _ in range(rng.choice((9, 14, 25, 40, 70)) if stamp else rng.choice((8, 12, 18, 30))):
        t += rng.randint(1, step)
        line = re.sub(r"\{(\w+)\}", lambda m: str(rng.randint(11, 98)) if m[1] == "n" else str(rng.randint(1, 9)) if m[1] == "k" else rng.choice(fills[m[1]]), rng.choice(templates + common))
        d, s = day + timedelta(days=t // 86400), t % 86400
        lines.append(f"{stamp(d, s // 3600, s // 60 % 60, s % 60)} {line}" if stamp else line)
    texts = {path: "\n".join(lines) + "\n"}
    if rng.random() < 0.25:
        texts.setdefault(rng.choice(("readme.txt", "README.md", "info.txt", "about.md")), note_text(rng)[0])
    w = Workspace("lines", [], texts)
    w.main, w.log, w.web, w.lines, w.items, w.parts = None, path, False, lines, None, None
    w.looked_for = asked + [v for values in fills.values() for v in values]
    return w


class Lines(Log):
    """A log or a note and the texts that one may look for in it."""

    def __init__(self, x):
        super().__init__(x)
        rng = x.rng
        name = self.path.rsplit("/", 1)[-1]
        alone = len(x.w.files) == 1
        call = "log" if name.endswith(".log") else "file"
        self.me = link(keep(self.path), self.path) if not alone or rng.random() < 0.75 else link(rng.choice((f"the {call}", f"the {call}", f"the {call} file" if call == "log" else "the text file", f"my {call}")), self.path)

    def rows(self, rng):
        return link(rng.choice(["lines"] * 7 + ["entries", "rows"] + (["messages"] if self.path.endswith(".log") or "chat" in self.path else [])), "rows")

    def text(self, x, absent=0.06):
        """(text, its words, words for the answer)."""
        rng = x.rng
        if x.w.items is not None:
            text, words, said = self.condition(x)
            if "\x04" not in words:  # "error": how people call a level
                words = rng.choice((words, keep(text)))
        else:
            text = said = rng.choice(x.w.looked_for)
            words = keep(text)
            if not re.fullmatch(r"\w+", text) or rng.random() < 0.2:
                mark = rng.choice(('"', '"', "'"))
                words = f"{mark}{words}{mark}"
            if rng.random() < 0.1:
                words = f"the {'word' if re.fullmatch(r'[A-Za-z]+', text) else 'text'} {words}"
        need(self.count(text) > 0 or rng.random() < absent)
        need(self.count(text) < len(self.lines))
        return text, words, said


PUT = ["put {it} into {s}", "put {it} in {s}", "put {it} in a file called {s}", "write {it} to {s}", "write {it} into {s}", "write {it} to a file {s}", "save {it} to {s}", "save {it} as {s}", "save {it} in {s}", "copy {it} to {s}", "copy {it} into {s}", "extract {it} to {s}", "collect {it} in {s}", "store {it} in {s}",
       "export {it} to {s}", "export {it} as {s}", "dump {it} to {s}", "make {s} with {it}", "make a file {s} with {it}", "create {s} with {it}", "create a text file {s} with {it}", "i need {it} in {s}", "i want {it} in a file {s}", "get {it} and save them as {s}", "find {it} and put them into {s}", "take {it} and write them to {s}",
       "{it} to {s}", "{it} into {s}", "{it} -> {s}", "{s}: {it}", "please write {it} to {s}", "could you save {it} in {s}", "can you put {it} into {s}", "i'd like {it} in {s}", "into {s}: {it}", "write a file {s} with {it}", "save to {s} {it}", "make me a {s} with {it}"]
NAMELESS = ["put {it} into a text file", "save {it} as a text file", "write {it} to a txt file", "export {it} as txt", "{it} as a text file", "i need {it} in a text file", "make a text file with {it}", "save {it} in a .txt", "write {it} into a new text file", "create a text file of {it}"]
HOW_MANY = [" and tell me how many there are", " and tell me how many there are", " and tell me how many that is", " and say how many there are", " and how many are there", ", how many are there", ", and how many are there in all", ", then tell me how many there were", " and count them", " and report how many it found", ", and tell me the count",
            " - how many are there", " and also tell me their number", ". how many are there", " and let me know how many you found", ", with the count in the answer", ", and say how many"]


def slug(text):
    return re.sub(r"[^a-z0-9]+", "_", text.lower().encode("ascii", "ignore").decode()).strip("_")[:24].strip("_")


def target(x, stems, ext="txt"):
    """(name of the new file, its words), at times in a folder."""
    name = new_name(x, [s for s in stems if s], ext)
    if x.rng.random() < 0.07:
        name = x.rng.choice(("out/", "results/", "lists/", "tmp/")) + name
    return name, keep(name)


def put(x, it, name, words, plain):
    """`it` into a file, or into one without a name if `plain` is what the file is called then."""
    if name == plain and x.rng.random() < 0.6:
        return x.rng.choice(NAMELESS).format(it=it)
    return x.rng.choice(PUT).format(it=it, s=words)


def counted_lines(x, form, script, said, name, how_many, of=""):
    def answer(obs):
        m = re.fullmatch(r"\S+: (\d+) rows?", lines_of(obs)[-1])
        need(m)
        n = m[1]
        if n == "0":
            return f"There are no lines {said}, so {name} is empty."
        if how_many:
            return f"There {'is 1 line' if n == '1' else f'are {n} lines'} {said}; {name} holds {'it' if n == '1' else 'them'}."
        return f"{name} holds the lines {said} ({n} line{'' if n == '1' else 's'})."
    return Built(form, script, answer, form.startswith(("can", "could")))


def lines_to_file(x):
    """Lines with a text, or with two, into a file of lines."""
    rng = x.rng
    g = Lines(x)
    text, words, said = g.text(x)
    texts, more = [text], ""
    if rng.random() < 0.18:
        line = rng.choice([line for line in g.lines if text in line] or g.lines)
        day = re.search(r"20\d\d-\d\d-\d\d", line)
        if day and rng.random() < 0.6:
            texts, more, said = [day[0], text], rng.choice((f" of {keep(day[0])}", f" on {keep(day[0])}", f" from {keep(day[0])}")), f"{said} of {day[0]}"
        else:
            other, words2, said2 = g.text(x, 0)
            need(other != text and other not in text and text not in other)
            texts, words, said = [text, other], rng.choice((f"{words} and {words2}", f"both {words} and {words2}")), f"{said} and {said2}"
        need(g.count(*texts) > 0)
    rows, one = g.rows(rng), link("line", "rows")
    level = next((v for k, v in LEVELS.items() if k == text and not more and len(texts) == 1), None)
    forms = [f"all {rows} of {g.me} with {words}", f"all {rows} with {words} in {g.me}", f"the {rows} with {words} from {g.me}", f"every {one} of {g.me} that contains {words}", f"the {rows} in {g.me} that contain {words}", f"{rows} containing {words} from {g.me}", f"each {one} with {words} in {g.me}", f"all {rows} of {g.me} that mention {words}", f"all {rows} from {g.me} where {words} occurs",
             f"the {rows} of {g.me} which have {words} in them", f"only the {rows} with {words} of {g.me}", f"just the {rows} with {words} from {g.me}", f"all {rows} in {g.me} that say {words}", f"{rows} with {words} of {g.me}", f"the {rows} of {g.me} that have {words}"]
    if len(texts) == 1 and " " not in strip_marks(words):
        forms += [f"all {words} {rows} of {g.me}", f"the {words} {rows} from {g.me}", f"{words} {rows} of {g.me}"]
    if level and rng.random() < 0.35:
        forms = [f"all {link(level + 's', 'rows')} of {g.me}", f"the {link(level + 's', 'rows')} in {g.me}", f"every {link(level, 'rows')} in {g.me}"]
    it = rng.choice(forms)
    if more:
        it += more  # the day stands at the end
    base = slug(text)
    stem = slug(g.path.rsplit("/", 1)[-1].rsplit(".", 1)[0])
    plain = (base or "lines") + ".txt"
    name, s = target(x, [base, base, base + "s" if base.isalpha() and not base.endswith("s") else "", base + "_lines" if base else "", f"{stem}_{base}".strip("_"), "found", "hits", "matches", "extract", "filtered", "lines", "selection", "out", "result", "problems" if level in ("error", "warning") else ""])
    how_many = rng.random() < 0.5
    r = rng.random()
    if how_many and r < 0.3 and name != plain:
        tail = f"{words} in {g.me}{more}"
        form = rng.choice((f"how many {rows} have {tail}? write them to {s}", f"how many {rows} with {tail} are there? put them into {s}", f"count the {rows} with {tail} and save them as {s}", f"count the {rows} with {tail} and put them into {s}", f"tell me how many {rows} have {tail} and write them to {s}", f"how many {rows} contain {tail}, and save them in {s}"))
    else:
        form = put(x, it, name, s, plain) + (rng.choice(HOW_MANY) if how_many else "")
        if form.startswith(("into ", strip_marks(s))) and how_many:
            need(". how" not in form)
    return counted_lines(x, form, f"data.lines({q(g.path)}){where(*texts)}:save({q(name)})", f"of {g.path} with {said}", name, how_many)


def lines_without(x):
    """The lines that do not have a text."""
    rng = x.rng
    g = Lines(x)
    text, words, said = g.text(x, 0)
    rows, one = g.rows(rng), link("line", "rows")
    if rng.random() < 0.3:
        it = rng.choice((f"{g.me} without the {rows} with {words}", f"{g.me} without the {rows} that contain {words}", f"everything in {g.me} but the {rows} with {words}", f"all of {g.me} except the {rows} with {words}"))
    else:
        it = rng.choice((f"all {rows} of {g.me} without {words}", f"the {rows} of {g.me} that do not contain {words}", f"every {one} of {g.me} that does not have {words}", f"all {rows} in {g.me} except those with {words}", f"the {rows} from {g.me} that don't mention {words}", f"all {rows} of {g.me} that have no {words}", f"the {rows} without {words} from {g.me}"))
    stem = slug(g.path.rsplit("/", 1)[-1].rsplit(".", 1)[0])
    name, s = target(x, ["clean", "cleaned", "rest", "others", f"{stem}_clean", f"no_{slug(text)}" if slug(text) else "", f"without_{slug(text)}" if slug(text) else "", "remaining", "filtered", f"{stem}_short"])
    how_many = rng.random() < 0.35
    form = rng.choice(PUT).format(it=it, s=s) + (rng.choice(HOW_MANY) if how_many else "")
    if rng.random() < 0.12:
        form = rng.choice((f"remove the {rows} with {words} from {g.me} and save the rest as {s}", f"drop all {rows} with {words} from {g.me} and write what is left to {s}", f"leave out the {rows} with {words} of {g.me} and save it as {s}"))
        how_many = False
    script = f"t = data.lines({q(g.path)})\na = t{where(text)}\nt:join(a, \"line\", \"anti\"):save({q(name)})"
    return counted_lines(x, form, script, f"of {g.path} without {said}", name, how_many)


def head_tail(x):
    """The first or last lines."""
    rng = x.rng
    g = Lines(x)
    n = rng.choice((3, 5, 5, 10, 10, 20))
    need(n < len(g.lines))
    last = rng.random() < 0.55
    text, words, said = g.text(x, 0) if rng.random() < 0.3 else (None, "", "")
    need(text is None or g.count(text) > n)
    rows = link("lines", "rows")
    tail = f" with {words}" if text else ""
    it = rng.choice((f"the {'last' if last else 'first'} {n_words(rng, n)} {rows}{tail} of {g.me}", f"the {'last' if last else 'first'} {n_words(rng, n)} {rows}{tail} from {g.me}", f"{'last' if last else 'first'} {n_words(rng, n)} {rows}{tail} in {g.me}"))
    name, s = target(x, ["tail", "end", "last", f"last{n}", "recent", "newest"] if last else ["head", "start", "begin", "first", f"first{n}", "top"])
    chain = f":sort(\"line\", \"desc\"):head({n}):sort(\"line\")" if last else f":head({n})"
    return Built(rng.choice(PUT).format(it=it, s=s), f"data.lines({q(g.path)}){where(text) if text else ''}{chain}:save({q(name)})", lambda obs: f"{saved(obs)} holds the {'last' if last else 'first'} {n} lines of {g.path}{f' with {said}' if text else ''}.")


def saved(obs):
    m = re.fullmatch(r"(\S+): \d+ rows?", lines_of(obs)[-1])
    need(m)
    return m[1]


# Values of a column --------------------------------------------------------------------------------------------------

PER_LINE = [", one per line", ", one per line", ", one per line", ", one on each line", " (one per line)", ", line by line", ", each on its own line", ", one a line", " one per line", ", a line for each", ", one in every line"]
SORTED = [", sorted", ", sorted", " sorted", ", sorted by name", " in alphabetical order", ", in alphabetical order", " alphabetically", ", sorted alphabetically", ", sorted a-z", ", from a to z", ", ordered by name", ", sorted by the alphabet"]
BACKWARDS = [", sorted z to a", " in reverse alphabetical order", ", sorted backwards", ", from z to a", ", sorted descending"]


def of_file(x, it):
    """The values with the words for their file."""
    rng = x.rng
    path = x.f.path
    if not x.must_mention() and rng.random() > 0.4:
        return it
    stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    me = link(keep(path), path)
    if len(x.w.files) == 1 and rng.random() < 0.15:
        me = f"the {link(' '.join(words_of(stem)) + ' file', path)}"
    return f"{it} {rng.choice(('in', 'in', 'of', 'from', 'from'))} {me}"


def arranged(x, text):
    """(tail of a request, steps) of values that are sorted, or not."""
    rng = x.rng
    tails, chain = [], ""
    if rng.random() < 0.6:
        tails.append(rng.choice(PER_LINE))
    if text and rng.random() < 0.45:
        down = rng.random() < 0.12
        tails.append(rng.choice(BACKWARDS if down else SORTED))
        chain = "desc" if down else "asc"
    rng.shuffle(tails)
    return "".join(tails), chain


def sort_of(c, chain):
    return "" if not chain else f":sort({q(c.name)}, \"desc\")" if chain == "desc" else f":sort({q(c.name)})"


def column_words(x, c):
    """(words for one, for many, name, "names of all customers")"""
    one, many, name = one_and_many(x, c)
    bare = strip_marks(many)
    named = many
    if getattr(c, "entity", "") in ("person", "company", "place", "product") and not re.search(r"names?\b|[A-Z_]", bare) and x.rng.random() < 0.4:
        named = f"names of {x.rng.choice(('all ', 'the ', ''))}{many}"
    return one, many, name, named


def values_said(x, form, script, what, name, how_many):
    """what: "different cities"."""
    def answer(obs):
        m = re.fullmatch(r"\S+: (\d+) rows?", lines_of(obs)[-1])
        need(m and m[1] != "0")
        n = m[1]
        if how_many and n != "1":
            return f"There are {n} {what}; {name} holds them, one per line." + notes(obs)
        return f"{name} holds the {what}, one per line ({n} line{'' if n == '1' else 's'})." + notes(obs)
    return Built(form, script, answer, form.startswith(("can", "could")))


def value_column(x):
    return x.column(("category", "category", "entity"), lambda c: len(c.values) >= 3 and not getattr(c, "role", ""))


def values_all(x):
    """The different values of a column."""
    rng = x.rng
    c = value_column(x)
    one, many, name, named = column_words(x, c)
    if named != many:
        it = rng.choice((f"the {named}", f"a list of the {named}", named))
    else:
        it = rng.choice((f"all {many}", f"all {many}", f"the distinct {many}", f"all different {many}", f"the unique {many}", f"the different {many}", f"the list of {many}", f"a list of all {many}", f"the {many}", f"every {one} that occurs", f"every {one} once", f"all {many} without repeats", f"the {many}, each only once"))
    base = slug(strip_marks(many))
    plain = base + ".txt"
    tail, chain = arranged(x, True)
    target_name, s = target(x, [base, base, base, slug(plural(words_of(c.name)[0])), "values", "list", "unique", f"all_{base}", "names" if named != many else "", f"{base}_list"])
    how_many = rng.random() < 0.3
    form = put(x, of_file(x, it), target_name, s, plain) + tail + (rng.choice(HOW_MANY) if how_many else "")
    if how_many and rng.random() < 0.25 and target_name != plain:
        form = f"{rng.choice((f'how many different {many} are there', f'how many {many} are there', f'count the distinct {many}'))}{rng.choice(('? save them as', ', and save them to', ' - write them to', '? write them to'))} {s}{tail}"
    return values_said(x, form, f"{x.read()}:unique({q(c.name)}){sort_of(c, chain)}:save({q(target_name)})", f"different {plural(name)}", target_name, how_many)


# What things are in: "customers in Leeds", "players in the Comets".
WITHIN = stems("city town country region district place village county area state department team group class room hall ward zone street league club branch shop store site quarter suburb parish house floor section division club squad school canton province port office location")


def values_where(x):
    """Those of the rows with something."""
    rng = x.rng
    flt = x.pick_filter(("value", "value", "value", "number", "boolean", "date", "year", "not"))
    c = value_column(x)
    need(c is not flt.column)
    one, many, name, named = column_words(x, c)
    clause = rng.choice([k for k in flt.clauses if not k.startswith(("(", "if", "when", "only", "just", "limited"))] or flt.clauses)
    if flt.owner and set().union(*(stems(s) for s in flt.column.says)) & WITHIN and rng.random() < 0.7:
        clause = f"{rng.choice(('in', 'in', 'in', 'from'))} {flt.owner}"
    it = rng.choice((f"the {named}", f"all {named}" if named == many else f"the {named}", f"a list of {named}", f"every {one}" if named == many else named)) + f" {clause}"
    if flt.owner and rng.random() < 0.12:
        it = rng.choice((f"all {flt.owner} {many}", f"the {flt.owner} {many}", f"{flt.owner} {many}"))
    value = slug(x.clean(x.title_tail))
    base = slug(strip_marks(many))
    tail, chain = arranged(x, True)
    target_name, s = target(x, [value if 1 < len(value) < 20 else base, value if 1 < len(value) < 20 else base, base, f"{base}_{value}"[:40], "names", "list", "selected", "result", "found"])
    how_many = rng.random() < 0.3
    form = rng.choice(PUT).format(it=of_file(x, it), s=s) + tail + (rng.choice(HOW_MANY) if how_many else "")
    return values_said(x, form, f"{x.read()}:unique({q(c.name)}){sort_of(c, chain)}:save({q(target_name)})", x.clean(f"different {plural(name)}{flt.said}"), target_name, how_many)


def values_top(x):
    """Names of the rows or groups with the most, one per line."""
    rng = x.rng
    maybe_filter(x, 0.15, ("value", "year"))
    low = rng.random() < 0.25
    n = rng.choice((3, 3, 5, 5, 10, 10, 20, rng.randint(2, 12)))
    w = "bottom" if low else "top"
    if rng.random() < 0.45:
        c = x.category(limit=60, test=lambda c: c.kind == "category" and len(c.values) > n)
        m, agg, y, _, s = group_measure(x, True)
        need(not agg.startswith((":max", ":min")) and not is_clause(strip_marks(m)))
        chain, by, adj = f":group({q(c.name)}){agg}", x.clean(s.removeprefix("the ")), None
    else:
        c, col = label_column(x), x.number()
        need(n < x.f.table.rows())
        ys = x.say(col)
        need(not is_clause(x.clean(ys)))
        m, y, chain, by, adj = link(ys, col.name), col.name, "", x.title_noun(col, ys), adjectives(col)
    one, many, name, named = column_words(x, c)
    k = n_words(rng, n)
    word = rng.choice(LOW_ADJ if low else HIGH_ADJ)
    forms = [f"the {k} {many} with the {word} {m}", f"the {w} {k} {many} by {m}", f"the names of the {k} {many} with the {word} {m}", f"the {w} {k} by {m}, only the {many}", f"{w} {k} {many} by {m}", f"the {k} {many} that have the {word} {m}"]
    if adj:
        forms += [f"the {k} {link(adj[2 if low else 1], y)} {many}"] * 3
    it = x.filtered(rng.choice(forms))
    base = slug(strip_marks(many))
    target_name, s = target(x, [f"{w}{n}", f"{w}_{n}", "best" if not low else "worst", base, f"{w}_{base}", "ranking", "winners" if not low else "last"])
    form = rng.choice(PUT).format(it=of_file(x, it), s=s) + (rng.choice(PER_LINE) if rng.random() < 0.6 else "")
    said = x.clean(f"{w} {n} {plural(name)} by {by}{x.said_tail}")
    return Built(form, f"{x.read()}{chain}:{w}({n}, {q(y)}):select({q(c.name)}):save({q(target_name)})", lambda obs: f"{saved(obs)} holds the {said}, one per line." + notes(obs), form.startswith(("can", "could")))


# Lists per group -----------------------------------------------------------------------------------------------------

def listed_answer(head, key, many, count=False):
    """`Players per team. A: x, y; B: z.`; of long lists the first groups."""
    def answer(obs):
        lines = lines_of(obs)
        if len(lines) == 1 and ": " in lines[0]:
            m = re.fullmatch(rf"{re.escape(key)}: (.*?), {'count: (.*?), ' if count else ''}list: (.*)", lines[0])
            need(m)
            rows, more = [m.groups()], None
        else:
            _, rows, more = read_table(obs)
        need(rows and all(len(r) == 2 + count for r in rows))
        said = [f"{r[0]}: {f'{r[1]} ({r[2]})' if count else r[1] or 'none'}" for r in rows]
        kept = []
        while said[len(kept):] and sum(map(len, kept)) + len(said[len(kept)]) < 270:
            kept.append(said[len(kept)])
        if not kept:
            return f"{head} are listed above." + notes(obs)
        first = "" if len(kept) == len(rows) and not more else f", the first {'is' if len(kept) == 1 else 'are'}"
        return f"{head}{first}: {'; '.join(kept)}." + notes(obs)
    return answer


def list_columns(x):
    """The column of the groups and that of what is in them: not both a few values of each other's kind."""
    rng = x.rng
    c = x.category(limit=14, test=lambda c: c.kind == "category")
    e = x.column(("entity",) if rng.random() < 0.65 and x.f.of("entity") else ("category", "entity"), lambda c: len(c.values) >= 3)
    one, many, name = one_and_many(x, e)
    g, gs, gname = one_and_many(x, c)
    need(not stems(strip_marks(one)) & stems(strip_marks(g)))
    rows = set().union(*(stems(r) for r in x.f.rows))
    return c, e, (one, many, name), (g, gs, gname), stems(strip_marks(one)) <= rows


def list_words(x, e, one, many, g, gs, clash):
    rng = x.rng
    forms = [f"which {many} are in each {g}", f"which {many} are in each {g}", f"which {many} are there in each {g}", f"which {many} belong to each {g}", f"which {many} does each {g} have", f"what {many} are there per {g}", f"list the {many} of every {g}", f"list the {many} of each {g}", f"list all {many} per {g}", f"list the {many} by {g}", f"for each {g} list its {many}", f"for every {g}, list the {many}",
             f"show the {many} of each {g}", f"show me which {many} each {g} has", f"all {many} of each {g}", f"the list of {many} per {g}", f"a list of {many} for each {g}", f"the names of the {many} per {g}" if getattr(e, "entity", "") == "person" else f"the different {many} per {g}", f"group the {many} by {g}", f"{many} grouped by {g}, as lists", f"give me the {many} of all {gs}", f"tell me which {many} are in which {g}", f"which {many} go with which {g}",
             f"what {many} does every {g} have", f"name the {many} in each {g}", f"each {g} with its {many}", f"all {gs} with their {many}", f"which {many} occur in each {g}"]
    if not clash:
        forms += [f"{many} per {g}, by name", f"the {many} per {g}, listed", f"different {many} in each {g}, all of them"]
    if getattr(e, "entity", "") == "person":
        forms += [f"{link('who', e.name)} is in each {g}", f"{link('who', e.name)} is in which {g}", f"{link('who', e.name)} belongs to which {g}"]
    return rng.choice(forms)


def lists_printed(x):
    rng = x.rng
    maybe_filter(x, 0.15, ("value", "year", "number"))
    c, e, (one, many, name), (g, gs, gname), clash = list_columns(x)
    form = x.filtered(list_words(x, e, one, many, g, gs, clash))
    head = cap(x.clean(f"{plural(name)} per {gname}{x.said_tail}"))
    script = f"t = {x.read()}:group({q(c.name)}, {{list={{\"list\", {q(e.name)}}}}})\nprint(t)"
    return Built(x.mention(form), script, listed_answer(head, c.name, name), strip_marks(form).startswith(("which", "what", "who")))


def lists_saved(x):
    rng = x.rng
    maybe_filter(x, 0.12, ("value", "year"))
    c, e, (one, many, name), (g, gs, gname), clash = list_columns(x)
    words = list_words(x, e, one, many, g, gs, clash)
    base, gbase = slug(strip_marks(many)), slug(strip_marks(gs))
    file, s = target(x, [gbase, f"{base}_per_{slug(strip_marks(g))}"[:45], f"{base}_by_{slug(strip_marks(g))}"[:45], "lists", "groups", "members", base, f"{gbase}_lists"], rng.choice(("csv", "csv", "csv", "csv", "json")))
    if re.match(r"(all|each|the|a) ", strip_marks(words)):
        form = rng.choice(PUT).format(it=of_file(x, x.filtered(words)), s=s)
    else:
        form = f"{of_file(x, x.filtered(words))}{rng.choice((', save that as', ' and save it as', ', write it to', ', in', ' -> ', ', save it in', ', put it into'))} {s}"
    return Built(form, f"{x.read()}:group({q(c.name)}, {{list={{\"list\", {q(e.name)}}}}}):save({q(file)})", saved_answer(x.clean(f"the {plural(name)} of each {gname}{x.said_tail}")), form.startswith(("can", "could")))


def lists_counted(x):
    """Number and names; only groups with several."""
    rng = x.rng
    maybe_filter(x, 0.1, ("value", "year"))
    c, e, (one, many, name), (g, gs, gname), _ = list_columns(x)
    known = [v for v in x.f.data(e) if v is not None]
    need(len(set(known)) == len(known) == x.f.table.rows())
    group = f":group({q(c.name)}, {{count=\"count\", list={{\"list\", {q(e.name)}}}}})"
    head = x.clean(f"{plural(name)} per {gname}{x.said_tail}")
    if rng.random() < 0.6:
        form = x.filtered(rng.choice((f"how many {many} are in each {g} and which", f"how many {many} does each {g} have, and which ones", f"number and names of the {many} per {g}", f"for each {g} the number of {many} and their names", f"{many} of each {g}, with their number", f"list the {many} of every {g} and count them", f"count the {many} of each {g} and list them", f"which {many} are in each {g}, and how many are there", f"which {many} are in each {g} and how many")))
        chain = ""
    else:
        n = rng.choice((1, 1, 2, 3))
        k = n_words(rng, n)
        form = x.filtered(rng.choice((f"which {gs} have more than {k} {one if n == 1 else many}, and which {many} are these", f"{gs} with more than {k} {one if n == 1 else many}, with the list of {many}", f"list the {many} of all {gs} that have more than {k}", f"{gs} with at least {n_words(rng, n + 1)} {many} and which they are")))
        chain, head = f":where(\"count\", \">\", {n})", f"{plural(gname)} with more than {n} {name if n == 1 else plural(name)}{x.clean(x.said_tail)}"
    some = listed_answer(cap(head), c.name, name, True)

    def answer(obs):
        if len(lines_of(obs)) == 1 and ": " not in lines_of(obs)[0]:
            return f"There are no {head}."
        return some(obs)
    return Built(x.mention(form), f"t = {x.read()}{group}{chain}\nprint(t)", answer, form.startswith(("how", "which")))


def lists_of_time(x):
    """What occurs in each month or year."""
    rng = x.rng
    d = x.date()
    p = period_of(x, d, ("month", "year", "quarter"))
    e = x.column(("entity", "category"), lambda c: len(c.values) >= 3)
    one, many, name = one_and_many(x, e)
    per = link(p, d.name)
    form = x.filtered(rng.choice((f"which {many} are there in each {per}", f"list the {many} of each {per}", f"for each {per} list the {many}", f"which {many} occur in which {per}", f"what {many} do we have per {per}", f"all different {many} of every {per}", f"show which {many} there were in each {per}")))
    script = f"t = {x.read()}:{p}({q(d.name)}):group({q(p)}, {{list={{\"list\", {q(e.name)}}}}}):sort({q(p)})\nprint(t)"
    return Built(x.mention(form), script, listed_answer(f"{cap(plural(name))} per {PERIODS[p][2]}", p, name), form.startswith(("which", "what")))


# Files with the same content -----------------------------------------------------------------------------------------

def twins_workspace(rng, domains):
    """A folder with files that are there several times under other names; in one of ten there are none."""
    stems_ = rng.sample(DOC_STEMS + ["photo", "logo", "song", "list", "map", "scan", "diary"], rng.randint(3, 7))
    exts = rng.sample(["txt", "md", "csv", "pdf", "docx", "jpg", "mp3", "json"], rng.randint(1, 4))
    names = list(dict.fromkeys(f"{rng.choice(('', '', '', '2023/', 'inbox/', 'work/'))}{s}{rng.choice(('', '', '_1', '2', '_v1'))}.{rng.choice(exts)}" for s in stems_))
    blobs = {n: bytes_of(rng, n) for n in names}
    if rng.random() > 0.1:
        for n in rng.sample(names, min(len(names), rng.choice((1, 2, 2, 3, 4)))):
            base, ext = n.rsplit(".", 1)
            folder, _, last = base.rpartition("/")
            places = rng.sample([f"{base} copy.{ext}", f"{base}_old.{ext}", f"{base}-2.{ext}", f"backup/{last}.{ext}", f"old/{last}.{ext}", f"{base}_final.{ext}", f"{rng.choice(DOC_STEMS)}_{last}.{ext}", f"archive/{last}_{rng.randint(1, 9)}.{ext}"], rng.choice((1, 1, 1, 2)))
            for twin in places:
                blobs.setdefault(twin, blobs[n])
    t = 1600000000 + rng.randrange(10 ** 8)
    times = {n: t + rng.randrange(10 ** 7) for n in blobs}
    w = Workspace("folder", [], {n: "" for n in blobs})
    w.blobs, w.times, w.traits, w.main = blobs, times, {"kind": "copies"}, None
    return w


def same_content(x):
    """Groups of files with the same content, printed or one group per line."""
    rng = x.rng
    glob, kind = "**", ""
    exts = {p.rsplit(".", 1)[-1] for p in x.w.blobs}
    if rng.random() < 0.2:
        ext = rng.choice(sorted(exts))
        glob, kind = f"*.{ext}", f"{keep(ext)} "
    files = link(f"{kind}files", "rows")
    same = [f"{files} with the same content", f"{files} with the same content", f"{files} that have the same content", f"{files} with identical content", f"{files} that are identical", f"identical {files}", f"duplicate {files}", f"{files} that are copies of each other", f"{files} that hold exactly the same", f"{files} with equal contents", f"{files} that are the same"]
    it = rng.choice(same)
    group = f"data.files({q(glob)}):group(\"hash\", {{count=\"count\", list={{\"list\", \"file\"}}}}):where(\"count\", \">\", 1)"
    if rng.random() < 0.55:
        name, s = target(x, ["same", "same", "duplicates", "dupes", "twins", "identical", "copies", "doubles", "groups", "same_files"])
        tail = rng.choice((", one group per line", ", one group per line", ", a line per group", ", each group on its own line", " (one group per line)", ", one line for each group", " line by line", "", "", ", grouped", ", the names of a group in one line"))
        form = rng.choice((f"find {it} and write them to {s}", f"find all {it} and save them as {s}", f"find {it} and list them in {s}", f"write all {it} to {s}", f"list the {it} in {s}", f"save a list of all {it} as {s}", f"put the names of {it} into {s}", f"look for {it} and write their names to {s}", f"check the folder for {it} and save the list as {s}", f"make {s} with all {it}", f"which {files} have the same content? write them to {s}", f"which {files} are identical, write their names to {s}")) + tail

        def answer(obs):
            m = re.fullmatch(r"\S+: (\d+) rows?", lines_of(obs)[-1])
            need(m)
            if m[1] == "0":
                return f"No two files have the same content, so {name} is empty."
            return f"{name} lists the files with the same content, one group per line ({m[1]} line{'' if m[1] == '1' else 's'})."
        return Built(form, f"{group}:select(\"list\"):save({q(name)})", answer)
    r = rng.random()
    where_ = rng.choice(("", "", " here", " in this folder", " in the folder", " in all folders"))
    if r < 0.2:
        form = rng.choice((f"which {files}{where_} are identical", f"which {files}{where_} have the same content", f"which {files}{where_} are the same", f"which {files}{where_} are copies of each other", f"what {files}{where_} are there twice"))
    elif r < 0.4:
        form = rng.choice((f"are there {it}{where_}", f"do we have {it}{where_}", f"do any {files}{where_} have the same content", f"are any {files}{where_} identical, which", f"is there a {link(f'{kind}file', 'rows')} that exists twice{where_}"))
    else:
        form = rng.choice((f"find {it}{where_}", f"find all {it}{where_}", f"list {it}{where_}", f"list the {it}{where_}", f"show me {it}{where_}", f"show groups of {it}{where_}", f"{it}{where_}", f"look for {it}{where_}", f"tell me the names of {it}{where_}", f"search for {it}{where_} and list them", f"find {it}{where_}, but do not delete anything", f"only list the {it}{where_}"))

    def answer(obs):
        lines = lines_of(obs)
        if lines == ["list"]:
            return "No two files have the same content."
        if len(lines) == 1:
            need(lines[0].startswith("list: "))
            groups, more = [lines[0][6:]], None
        else:
            _, rows, more = read_table(obs)
            groups = [r[0] for r in rows]
        need(not more)
        return "The same content have: " + "; ".join(groups) + "."
    return Built(form, f"t = {group}\nprint(t:select(\"list\"))", answer, strip_marks(form).startswith(("which", "what", "are", "do ", "is ")))


TASKS = [(3.4, lines_to_file, "journal"), (1.8, lines_to_file, "lines"), (0.9, lines_without, "journal"), (0.3, lines_without, "lines"), (0.4, head_tail, "journal"), (0.2, head_tail, "lines"), (2.3, values_all, "table"), (2.2, values_where, "table"), (1.3, values_top, "table"), (2, lists_printed, "table"), (1.2, lists_saved, "table"), (0.8, lists_counted, "table"),
         (0.4, lists_of_time, "table"), (2.6, same_content, "twins")]
