"""Requests that must be declined, and scripts that fail before they are repaired."""
import re

import derived
import layouts
import near_names
import several_lines
import tasks
from context import Built, Context, Skip, cap, q
from schemas import Column, is_clause, plain_name, words_of
from wording import NOUNS, keep, link, plural, stems, strip_marks

HEADS_NUMBER = re.compile(r"\b(number of|price|prices|cost|costs|income|salary|wages|pay|distance|pressure|age|weight|height|rate|fee|fees|bill|temperature|humidity|speed|level|hours|length|thickness|tax|rent|content|"
                          r"capacity|value|depth|consumption|used|sold|count|downloads|visitors|guests|kilometres|use|usage|spend|spending|noise|yield|moisture|dose|rainfall|turnover|area|views|clicks|size|"
                          r"revenue|wattage|altitude|days|fines|losses|emissions|calories|profit|accidents|injuries|complaints)\b")
# Things that tables of any topic might have, and this one lacks.
COMMON_NUMBERS = (
    "price|salary|age|temperature|population|profit|wingspan|height|weight|rainfall|distance|speed|rating|battery level|income|blood pressure|calories|exam score|shoe size|discount|"
    "tax rate|unemployment rate|fuel consumption|horsepower|life expectancy|screen size|page count|delivery time|interest rate|electricity use|humidity|wind speed|goals scored|engine size|heart rate|"
    "market value|wage|depth|altitude|number of children|number of employees|download speed|noise level|cholesterol|body length|petal count|tail length|shipping cost|return rate|satisfaction score|"
    "body fat|neck width|ear length|horn length|claw length|foot size|hand span|leg length|arm length|hip width|head size|eye distance|brain size|tooth count|number of legs|litter size|egg count|nest size|feather length|fin length|shell thickness|"
    "beak depth|antler span|milk yield|wool weight|bite force|jump height|sleep time|running speed|swimming speed|reaction time|grip strength|lung volume|step count|pulse|blood sugar|iron level|vitamin dose|sodium|sugar content|protein content|"
    "fat content|fibre|caffeine|alcohol content|acidity|salt content|boiling point|melting point|density|hardness|voltage|current|resistance|frequency|brightness|contrast|pixel count|refresh rate|memory size|disk space|clock speed|core count|"
    "latency|packet loss|bandwidth|uptime|error rate|number of bugs|lines of code|commit count|test coverage|star count|follower count|likes|shares|retweets|watch time|subscriber count|bounce rate|click rate|conversion rate|ad spend|"
    "torque|mileage|tyre pressure|cylinder count|top speed|acceleration|braking distance|towing capacity|seat count|fuel price|toll|parking fee|fine amount|ticket count|delay minutes|luggage weight|flight time|runway length|cabin size|"
    "crime rate|birth rate|death rate|divorce rate|literacy rate|voter turnout|poverty rate|gdp|inflation|exports|imports|national debt|budget deficit|military spending|carbon footprint|air quality|snow depth|sunshine hours|cloud cover|"
    "water level|tide height|wave height|soil acidity|crop height|leaf area|root length|trunk girth|tree age|number of branches|pollen count|uv index|visibility|dew point|lightning strikes|earthquake strength|magnitude|crater size|orbit period|star brightness|"
    "ring size|waist size|collar size|heel height|sleeve length|thread count|fabric weight|stitch count|carat weight|gold price|share price|dividend|trading volume|market share|credit score|loan amount|mortgage rate|down payment|savings|pension|"
    "overtime|sick days|holiday entitlement|commute time|office size|rent per month|floor area|number of rooms|ceiling height|garden size|energy rating|heating cost|water bill|internet cost|phone bill|insurance premium|repair cost|warranty length|shelf life|"
    "cooking time|oven temperature|portion size|spice level|tip amount|table count|queue length|waiting time|staff size|class size|homework hours|reading speed|vocabulary size|grade average|test result|attendance rate|tuition|scholarship amount|number of pupils|"
    "box office|ticket revenue|running time|number of episodes|number of pages|word count|print run|chapter count|tempo|song length|chart position|stream count|album sales|concert attendance|assists|penalty count|yellow cards|possession|transfer fee|"
    "lap time|medal count|world ranking|handicap|bench press|marathon time|pack size|bottle size|drawer count|blade length|laser power|printer speed|ink level|paper weight|number of doors|number of windows|roof angle|stair count|bridge length|tunnel depth"
).split("|")
COMMON_GROUPS = (
    "country|colour|gender|continent|city|nationality|blood type|brand|department|profession|language|religion|season|genre|material|payment method|supplier|education level|postcode|hair colour|"
    "marital status|customer group|species|habitat|operating system|vehicle type|ticket class|team|currency|eye colour|zodiac sign|star sign|political party|province|county|time zone|airline|airport|railway line|bus line|hotel chain|street|neighbourhood|"
    "shirt size|shoe brand|fabric|flavour|cuisine|allergy|diet|grape variety|cheese type|coffee roast|tea type|dog breed|cat breed|horse breed|bird species|tree species|rock type|soil type|cloud type|metal|chemical element|fuel type|gearbox|body style|"
    "paint colour|door type|roof type|energy class|heating type|floor|room type|building style|architect|artist|composer|author|publisher|director|actor|record label|instrument|dance style|sport|league|position on the field|coach|sponsor|stadium|referee|"
    "medal|belt colour|age group|income bracket|ethnic group|tribe|mother tongue|job title|seniority|manager|union|insurance company|bank|account type|card type|loan type|tax class|legal form|industry|sector|warehouse|carrier|container type|packaging|"
    "file type|browser|programming language|database|cloud provider|device|phone model|network operator|error code|severity|priority|license|browser version|screen type|keyboard layout|hospital|ward|diagnosis|doctor|nurse|medicine|vaccine|allergen|surgeon|"
    "subject|school|university|degree|teacher|classroom|grade level|museum|gallery|century|dynasty|empire|planet|constellation|galaxy|spacecraft|rocket type|crew role|mission|moon phase|wind direction|climate zone|river basin|mountain range|lake|volcano"
).split("|")
SAME = [{"price", "cost", "fee", "charge", "fare", "rent", "amount", "bill", "expense", "paid", "money"}, {"salary", "pay", "wage", "income", "earning"}, {"colour", "color"}, {"weight", "mass", "heavy"}, {"kind", "type", "sort", "category", "class"}, {"rating", "score", "point", "mark", "star", "grade"},
        {"city", "town", "place", "village", "location"}, {"length", "long", "size"}, {"time", "duration", "minute", "hour", "how"}, {"revenue", "turnover", "sale", "income", "taking", "profit"}, {"staff", "employee", "worker", "team", "crew"}, {"country", "nation"},
        {"visitor", "guest", "people", "person", "attendance"}, {"area", "region", "district", "zone"}, {"brand", "maker", "manufacturer", "company", "make"}, {"distance", "kilometre", "km", "far"}, {"power", "energy", "electricity", "kwh"}, {"height", "tall", "altitude", "elevation"},
        {"rain", "rainfall", "precipitation", "weather"}, {"species", "animal", "kind"}, {"department", "section", "unit"}, {"number", "count", "amount"}, {"temperature", "temp", "degree"}, {"age", "old", "born", "year"}]


def widen(words):
    out = set(words)
    for group in SAME:
        if out & group:
            out |= group
    return out


class AbsentContext(Context):
    """A context in which one column of the request does not exist."""

    steal = None
    stolen = None

    def take(self, kind):
        if self.stolen is None and self.steal == kind:
            self.stolen = self.absent
            self.used.append(self.absent)
            return self.absent
        return None

    def number(self, test=None):
        return self.take("number") or super().number(test)

    def category(self, limit=14, test=None):
        return self.take("category") or super().category(limit, test)

    def date(self):
        return self.take("date") or super().date()

    def pick_filter(self, *args):
        steal, self.steal = self.steal, None
        try:
            return super().pick_filter(*args)
        finally:
            self.steal = steal

    def say(self, c, clause=False):
        if c is self.absent:
            return self.rng.choice(c.says)
        return super().say(c, clause)

    def must_mention(self):
        return False


def existing(w):
    """Sets of words, one for each thing that the workspace has a word for."""
    out = []
    for f in w.tables:
        out += [stems(r) for r in f.rows]
        for c in f.columns:
            for t in [c.name] + c.says:
                out.append(stems(t))
    return [s for s in out if s]


def is_absent(say, have):
    mine = stems(say)
    if not mine:
        return False
    wide = widen(mine)
    for s in have:
        if s <= wide or mine <= widen(s):
            return False
    return True


def absent_says(rng, w, kind):
    """A phrase for something that the files do not have; None if none is found."""
    have = existing(w)
    f = w.main
    options = []
    domain = f.domain
    if kind == "number":
        hard = [[s for s in spec["says"] if not is_clause(s)] for spec in getattr(f, "left_out", [])]
        if "parts" in domain:
            from schemas import DIMS
            hard += [[f"{p} {DIMS[d][0]}"] for p in domain["parts"] for d in DIMS] * 2
        easy = [[a] for a in domain.get("absent", []) if HEADS_NUMBER.search(a)] + [[a] for a in rng.sample(COMMON_NUMBERS, 9)]
    elif kind == "category":
        names = {n for c in f.columns for n in [c.name.lower()]}
        hard = [[s for s in spec["says"] if not is_clause(s)] for spec in domain["categories"] if not any(n.lower() in names for n in spec["names"])]
        easy = [[a] for a in domain.get("absent", []) if not HEADS_NUMBER.search(a)] + [[a] for a in rng.sample(COMMON_GROUPS, 9)]
    else:
        if any(c.kind == "date" or c.role == "year" for t in w.tables for c in t.columns) or any(t & {"year", "date", "day", "time", "month", "week", "when", "season"} for t in have):
            return None
        return ["date", "day", "month", "time"]
    options = [o for o in (hard if rng.random() < 0.5 and hard else easy) if o]
    rng.shuffle(options)
    for says in options:
        if all(is_absent(s, have) for s in says):
            return says
    return None


# Tasks that a missing column can make impossible.
TASKS = tasks.ABSENT + [(1.5, derived.ratio_group), (1.5, derived.ratio_all), (1, derived.row_share), (1.5, derived.running), (1, derived.best_each), (1, derived.year_sides), (1, derived.year_change), (1.5, layouts.heat), (1.5, layouts.stacked), (1, layouts.pivot_table),
                        (1, layouts.summary_table), (1.2, several_lines.measures_over_time)]


def absent(rng, w):
    """(marked request, reason) for something that no column means."""
    return without(rng, w, None)


def near(rng, w):
    """The same for something that a column comes near to: "chemistry mark" beside "biology mark"."""
    return without(rng, w, near_names.cousin)


def without(rng, w, cousin):
    if w.main is None:
        raise Skip
    for _ in range(12):
        if cousin:
            found = cousin(rng, w)
            if not found or not is_absent(found[0], existing(w)):
                continue
            says, kind, there = [found[0]], found[1], found[2]
        else:
            kind = rng.choices(("number", "category", "date"), (58, 32, 10))[0]
            says = absent_says(rng, w, kind)
        if not says:
            continue
        f = rng.choices([g for _, g in TASKS], [k for k, _ in TASKS])[0]
        x = AbsentContext(rng, w)
        x.absent = Column("none", "number" if kind == "number" else kind, says, absent=True, additive=rng.random() < 0.4, key="none")
        x.absent.values = ["a", "b", "c", "d", "e", "f", "g", "h"]
        x.absent.spoken = {}
        x.steal = kind
        data = w.main.data
        w.main.data = lambda c: [] if c is x.absent else data(c)
        try:
            built = f(x)
        except (Skip, IndexError, KeyError, ValueError):
            continue
        finally:
            w.main.data = data
        if x.stolen is None or built.tool != "run_lua" or "=none" in built.marked:
            continue
        what = next((s for s in sorted(says, key=len, reverse=True) if s in strip_marks(built.marked)), None)
        if kind == "date":
            what = "dates"
        elif not what:
            continue
        return built, near_names.reason(what, there, where_said(w)) if cousin else reason_absent(w, what, kind)
    raise Skip


def where_said(w):
    paths = sorted(f.path for f in w.tables)
    return paths[0] if len(paths) == 1 else "the files"


def reason_absent(w, what, kind):
    if kind == "date":
        return f"There is no column with dates in {where_said(w)}."
    return f"There is no column for {what} in {where_said(w)}."


def absent_value(rng, w):
    """A value that the listed values of a column do not have."""
    x = Context(rng, w)
    domain = w.main.domain
    found = []
    for c in w.main.of("category"):
        listed = set(w.main.data(c)) - {None}
        if 2 <= len(listed) <= 8 and "categories" in domain:
            spec = next((s for s in domain["categories"] if s["says"] == c.says), None)
            if spec:
                spoken = {s.lower() for v in c.spoken.values() for s in v} | {v.lower() for v in listed}
                extra = [v for v in spec["values"] if v.lower() not in spoken and not any(v.lower() in s or s in v.lower() for s in spoken) and not re.fullmatch(r"[\d.,]+", v) and spec.get("codes", {}).get(v) not in listed]
                if extra:
                    found.append((c, extra))
    if not found:
        raise Skip
    c, extra = rng.choice(found)
    v = rng.choice(extra)
    x.used.append(c)
    if rng.random() < 0.4:
        m = link(rng.choice(("how many " + plural(x.row), "number of " + plural(x.row))), "rows")
    else:
        y = x.number()
        m, _, _ = x.measure(y, x.agg(y), bare=0)
    mv = link(v, "none")
    form = rng.choice((f"{m} for {mv}", f"{m} of {mv}", f"{m}, only {mv}", f"what is the {m} for {mv}", f"{m} where {x.say(c)} is {mv}")) if not strip_marks(m).startswith("how") else rng.choice((f"{m} are there for {mv}", f"{m} are {mv}"))
    return Built(form, None, None, form.startswith(("what", "how"))), f"There is no value {v} in {c.name}."


def absent_file(rng, w):
    names = ["budget.csv", "sales.csv", "orders_2020.csv", "notes.txt", "report.md", "summary.json", "customers.csv", "prices.csv", "data.csv", "inventory.csv", "january.csv", "results.tsv", "staff.csv", "letter.txt", "weather.csv", "old.csv", "todo.md", "backup.log"]
    for f in w.tables:
        stem, ext = f.path.rsplit("/", 1)[-1].rsplit(".", 1)
        names += [f"{stem}_old.{ext}", f"{stem}2.{ext}", f"{stem}.{'json' if ext == 'csv' else 'csv'}", f"{stem}_2019.{ext}"]
    names = [n for n in names if n.lower() not in {p.lower().rsplit("/", 1)[-1] for p in w.files} and n not in w.files]
    n = rng.choice(names)
    m = link(keep(n), "none")
    if n.endswith((".txt", ".md", ".log")):
        form = rng.choice((f"what does {m} say", f"read {m}", f"show me {m}", f"open {m}", f"how many words does {m} have", f"print {m}"))
    else:
        form = rng.choice((f"how many rows does {m} have", f"draw a bar chart from {m}", f"convert {m} to json", f"open {m}", f"what columns are in {m}", f"make a chart of {m}", f"show {m}", f"average per column in {m}"))
    return Built(form, None, None, form.startswith(("what", "how"))), f"There is no file {n} here; the files are {', '.join(sorted(w.files))}."


HOME = ["/home/{u}/{f}", "/home/{u}/Documents/{f}", "~/{f}", "~/Documents/{f}", "/Users/{u}/Desktop/{f}", "C:\\Users\\{u}\\{f}", "../{f}", "../../{f}", "/mnt/backup/{f}", "/root/{f}", "~/Downloads/{f}", "/tmp/{f}", "/var/log/{f}", "../private/{f}", "/media/usb/{f}", "/srv/share/{f}"]
SYSTEM = ["/etc/passwd", "/etc/hosts", "/etc/hostname", "/proc/meminfo", "/var/log/syslog", "/etc/ssh/sshd_config", "/proc/cpuinfo", "/dev/sda", "/boot/grub/grub.cfg", "/etc/fstab"]
NAMES_HOME = ["diary.txt", "taxes.csv", "salaries.csv", "passwords.txt", "letter.docx", "bank.csv", "photos.zip", "secret.txt", "notes.txt", "contacts.csv", "cv.pdf", "mail.mbox", "wallet.dat", "budget.xlsx", "plans.md"]
OUTSIDE_REASON = {"path": "{p} is outside the workspace; I only work with the files in it.", "net": "I have no access to the network.", "program": "I cannot install or run other programs.", "secret": "{p} are outside the workspace; I only work with the files in it.",
                  "mail": "I cannot send anything; I only read and write files in the workspace.", "change": "I do not change what is in existing files; I only write new ones."}


def outside(rng, w):
    users = ["anna", "tom", "maria", "leo", "sofia", "peter", "nina", "karl", "me"]
    table = rng.choice(w.tables).path if w.tables else None
    r = rng.random()
    if r < 0.36:
        p = rng.choice(HOME).format(u=rng.choice(users), f=rng.choice(NAMES_HOME)) if rng.random() < 0.7 else rng.choice(SYSTEM)
        m = link(keep(p), "outside")
        forms = [f"read {m}", f"show me {m}", f"what is in {m}", f"print the contents of {m}", f"open {m}", f"copy {m} here", f"how many lines does {m} have", f"give me the first line of {m}", f"list the columns of {m}", f"plot the data in {m}"]
        if table:
            t = link(keep(table), table)
            forms += [f"save {t} to {m}", f"compare {t} with {m}", f"copy {t} to {m}"]
        form, reason = rng.choice(forms), OUTSIDE_REASON["path"].format(p=p)
    elif r < 0.52:
        say = rng.choice(("my home folder", "my home directory", "the parent folder", "the desktop", "my documents folder", "my other folders", "the root directory", "my downloads", "the whole disk", "the usb stick", "another user's files", "files outside this folder"))
        m = link(say, "outside")
        form = rng.choice((f"list the files in {m}", f"what is in {m}", f"show everything in {m}", f"search {m} for invoices", f"look into {m}", f"how many files are in {m}"))
        reason = f"{cap(say)} {'are' if say.endswith(('s', 'files outside this folder')) else 'is'} outside the workspace; I only work with the files in it."
    elif r < 0.62:
        say = rng.choice(("my ssh keys", "my private key", "the saved passwords", "my browser passwords", "the environment variables", "my api keys", "my gpg keys", "the access tokens", "my browser history", "my emails", "my cookies", "the admin password", "my calendar"))
        m = link(say, "outside")
        form = rng.choice((f"show me {m}", f"read {m}", f"print {m}", f"find {m}", f"list {m}", f"where are {m}", f"copy {m} into a file"))
        one = not say.endswith("s")
        reason = f"{cap(say)} {'is' if one else 'are'} outside the workspace; I only work with the files in it."
    elif r < 0.8:
        say = rng.choice(("from the internet", "online", "from the web", "on the web", "from https://example.org/data.csv", "from wikipedia", "from our server", "from google", "from the website", "from the api", "https://example.com", "from github", "the current exchange rate", "today's weather", "the latest news", "the stock price right now"))
        if say.startswith(("the ", "today")):
            m = link(say, "outside")
            form = rng.choice((f"what is {m}", f"look up {m}", f"tell me {m}", f"get {m}", f"find out {m}")) if not say.startswith("the latest") else f"show me {m}"
        elif say.startswith("https"):
            m = link(keep(say), "outside")
            form = rng.choice((f"open {m}", f"download {m}", f"fetch {m}", f"what is on {m}", f"show me {m}"))
        else:
            m = link(say if "https" not in say else f"from {keep(say[5:])}", "outside")
            thing = rng.choice(("the latest prices", "the newest figures", "population numbers", "more data", "the weather of last week", "exchange rates", "a table of countries", "last year's numbers", "a map"))
            form = rng.choice((f"download {thing} {m}", f"get {thing} {m}", f"fetch {thing} {m} and plot them", f"load {thing} {m}", f"look for {thing} {m}"))
        reason = OUTSIDE_REASON["net"]
    elif r < 0.9:
        prog = rng.choice(("python", "pandas", "numpy", "ffmpeg", "docker", "git", "excel", "a pdf reader", "matplotlib", "a new driver", "chrome", "gnuplot", "R", "node", "a font", "steam"))
        how = rng.choice(("install {m}", "please install {m}", "install {m} for me", "download and install {m}", "set up {m}", "run {m}", "start {m}", "open {m}", "update {m}", "use {m} to make the chart", "run it with {m}", "shut down the computer", "restart the machine", "run the shell command ls -la", "execute rm on everything",
                          "make me administrator", "run my script build.sh"))
        if "{m}" in how:
            form = re.sub(r"\{m\}", link(prog, "outside"), how)
        else:
            verb = how.split(" ", 2)
            form = link(how, "outside")
        reason = OUTSIDE_REASON["program"]
    elif r < 0.96 and table:
        t = link(keep(table), table)
        say = rng.choice(("email", "upload", "send", "post", "share", "mail"))
        m = link(say, "outside")
        form = {"email": f"{m} {t} to my boss", "upload": f"{m} {t} to the cloud", "send": f"{m} {t} to anna@example.org", "post": f"{m} {t} on slack", "share": f"{m} {t} with my team online", "mail": f"{m} {t} to the office"}[say]
        reason = OUTSIDE_REASON["mail"]
    else:
        p = table or sorted(w.texts)[0]
        t = link(keep(p), p)
        if rng.random() < 0.5:
            m = link(rng.choice(("the desktop", "my usb stick", "my home folder", "the trash", "another computer", "the network drive", "my documents", "~/backup", "/mnt/disk", "../archive")), "outside")
            form = rng.choice((f"move {t} to {m}", f"copy {t} to {m}", f"put {t} on {m}", f"back up {t} to {m}", f"sort everything into {m}"))
            return Built(form, None, None, False), f"{cap(strip_marks(m))} is outside the workspace; I only work with the files in it."
        m = rng.choice(("overwrite", "scramble", "correct", "fill in"))
        form = {"overwrite": f"{link(m, 'outside')} {t} with zeros", "scramble": f"{link(m, 'outside')} the rows of {t} in place", "correct": f"{link(m, 'outside')} the mistakes in {t} in place", "fill in": f"{link(m, 'outside')} the missing values in {t} in place"}[m]
        reason = OUTSIDE_REASON["change"]
    return Built(form, None, None, form.startswith(("what", "how", "where"))), reason


# What the tools do not do ------------------------------------------------------------------------------------------

UNABLE = [("convert {f} to {m}", ("pdf", "PDF", "Word", "docx", "PowerPoint", "LaTeX", "mp3", "an ebook"), "I cannot make {m} files; tables become CSV, JSON or XLSX, pictures JPEG or PNG."),
          ("{m} {f}", ("resize", "crop", "rotate", "blur", "brighten"), "I cannot edit pictures; I can move, rename, convert and pack them."),
          ("{m} {f}", ("translate", "proofread", "paraphrase"), "I cannot work on the wording of texts; I can read, move, rename and merge files."),
          ("{m} {f}", ("encrypt", "password-protect", "digitally sign"), "I cannot encrypt files; I can pack them into zip or tar.gz archives."),
          ("{m} {f}", ("print out", "play", "fax"), "I have no such device; I only work with files in the workspace."),
          ("pack {f} into {m}", ("a rar file", "backup.rar", "files.7z", "an iso image"), "I can only make zip and tar.gz archives."),
          ("sort {f} by {m}", ("author", "topic", "the people on them", "content", "language", "importance"), "Files can be sorted by type, date, size or first letter, not by {m}."),
          ("{m} from {f}", ("recover deleted text", "extract the text of the photos", "remove the watermark"), "I cannot do that; I can find, move, rename, convert, merge, pack and delete files.")]


def unable(rng, w):
    """Something near to what the tools do, that they do not."""
    if w.kind == "folder" and rng.random() < 0.45:
        have = {p.rsplit(".", 1)[-1].lower() for p in w.files}
        ext = rng.choice([e for e in ("csv", "pdf", "txt", "mp4", "docx", "xlsx", "mp3", "json", "md", "log", "zip") if e not in have])  # pictures are not shown to the model
        m = link(f"{keep(ext)} files", "none")
        form = rng.choice((f"move all {m} to {keep(ext + 's')}", f"rename the {m} to 1.{ext}, 2.{ext} and so on", f"zip the {m}", f"delete all {m}", f"merge the {m} into {keep('all.' + ext)}", f"sort the {m} by month", f"put the {m} into a folder", f"copy the {m} to backup", f"convert the {m} to {'csv' if ext == 'json' else 'json'}"))
        return Built(form, None, None, False), f"There are no {ext} files here."
    if w.kind == "wide" and w.wide["kind"] == "years":
        return absent_year(rng, w)
    if w.kind == "table" and rng.random() < 0.7:
        return no_chart(rng, w)
    if w.kind == "wide":
        from schemas import COMPANY_A
        names = {c.name.lower() for c in w.main.columns} | {s.lower() for c in w.main.columns for s in c.says}
        gone = rng.choice([n for n in COMPANY_A if not any(n.lower() in v for v in names)])
        a = rng.choice(w.wide["columns"])
        m, o, key = link(gone, "none"), link(keep(a.name), a.name), w.wide["key"]
        form = rng.choice((f"line chart of {m} and {o} over time", f"compare {o} with {m}", f"average of {m}", f"plot {m}", f"how did {m} develop", f"difference between {o} and {m}", f"total of {m}", f"{m} over {link('time', key.name)}"))
        return Built(form, None, None, form.startswith("how")), f"There is no column for {gone} in {w.main.path}."
    words, options, reason = rng.choice(UNABLE)
    m = rng.choice(options)
    if w.kind == "folder":
        path = rng.choice(sorted(w.files))
        f = rng.choice((link(keep(path), path), "all files", "the files", "everything"))
    else:
        path = w.main.path
        f = link(keep(path), path)
    if "edit pictures" in reason:
        f = rng.choice(("the pictures", "all photos", "the images", "my photos", "all pictures"))
    form = words.format(f=f, m=link(m if m.islower() and "." not in m else keep(m), "outside"))
    return Built(form, None, None, False), reason.format(m=m)


def absent_year(rng, w):
    """A year that the table does not have: in a change, as the only one, as the first or the last."""
    if w.kind == "wide" and w.wide["kind"] != "years":
        raise Skip
    if w.kind == "wide":
        years, target, path = [int(c.name) for c in w.wide["columns"]], None, w.main.path
        measure = rng.choice([s for s in w.wide["measure"].says if not is_clause(s)] or ["value"])
        by = w.wide["key"]
    else:
        x = Context(rng, w)
        c = next((c for c in w.main.columns if c.role == "year"), None) or x.date()
        years = sorted({int(str(v)[:4]) for v in w.main.data(c) if v is not None})
        y = x.number()
        by, target, path = x.category(limit=14, test=lambda c: c.kind == "category"), c.name, w.main.path
        measure = link(x.say(y), y.name)
        if is_clause(strip_marks(measure)):
            raise Skip
    gone = rng.choice([years[0] - 1, years[-1] + 1, years[-1] + 2, years[0] - 5, years[0] - rng.randint(2, 30), years[-1] + rng.randint(2, 12)])
    near = rng.choice(years)
    mg, mn = link(keep(str(gone)), "none"), link(keep(str(near)), f"{target}:{near}") if target else link(keep(str(near)), str(near))
    a, b = (mg, mn) if gone < near else (mn, mg)
    per = link(rng.choice([s for s in by.says if not is_clause(s)] or [plain_name(by.name)]), by.name)
    forms = [f"change in {measure} from {a} to {b} per {per}", f"growth of {measure} between {a} and {b} by {per}", f"compare {measure} of {a} and {b} per {per}", f"which {per} grew most in {measure} from {a} to {b}", f"bar chart of {measure} in {a} and {b} by {per}"]
    forms += [f"{measure} per {per} in {mg}", f"bar chart of {measure} by {per} in {mg}", f"total {measure} in {mg}", f"average {measure} in {mg}", f"what was the {measure} in {mg}", f"which {per} had the highest {measure} in {mg}", f"pie of {measure} by {per} for {mg}"]
    if target:
        rs = link(plural(x.row), "rows")
        month = rng.choice(("January", "March", "June", "October", "Dec"))
        forms += [f"how many {rs} were there in {mg}", f"number of {rs} in {mg}", f"{measure} per month in {mg}", f"list the {rs} of {mg}", f"{measure} {link(f'since {keep(str(gone))}', 'none')} by {per}" if gone > near else f"{measure} {link(f'before {keep(str(gone))}', 'none')} by {per}"]
        forms += [f"total {measure} in {link(f'{month} {keep(str(gone))}', 'none')}", f"{measure} by {per} in {link(f'{month} {keep(str(gone))}', 'none')}"] if w.main.of("date") else []
    form = rng.choice(forms)
    span = f"{years[0]} to {years[-1]}" if len(years) > 1 else str(years[0])
    return Built(form, None, None, form.startswith(("which", "how", "what"))), f"There is no year {gone} in {target or path}; it has {span}."


# Charts that there are not -----------------------------------------------------------------------------------------

DRAWN = "I draw bar, line, area, pie, scatter and box charts, histograms and heat maps as PNG pictures"
NO_CHARTS = ["radar chart", "spider chart", "sankey diagram", "treemap", "gauge", "funnel chart", "waterfall chart", "violin plot", "candlestick chart", "word cloud", "network graph", "gantt chart", "map", "world map", "organisation chart", "chord diagram", "sunburst chart"]
LOOKS = ["animated", "3-d", "3d", "interactive", "three-dimensional", "moving", "clickable", "rotating", "zoomable", "live"]
FORMATS = ["an animated gif", "a gif", "a video", "a powerpoint slide", "slides", "a powerpoint presentation", "an svg", "a vector graphic", "a pdf", "a word document", "an excel chart", "a poster to print", "a tiff", "an app", "a google sheet"]
SENDS = [("mail it to {p}", "send"), ("email it to my boss", "send"), ("send it to {p}", "send"), ("upload it to the cloud", "upload"), ("upload it to our website", "upload"), ("put it on google drive", "upload"), ("post it on slack", "send"), ("share it with my team online", "share"), ("tweet it", "send"), ("text it to my phone", "send"), ("print it on the office printer", "print"), ("fax it to {p}", "send"), ("publish it on our blog", "publish"), ("read it out to me", "say"),
         ("set a reminder for it", "do"), ("repeat that every monday", "do")]


def wish(x):
    """(kind of chart, marked words) of a chart that could be drawn."""
    rng = x.rng
    r = rng.random()
    if r < 0.25:
        d = x.date()
        m, _, _, _, _ = tasks.group_measure(x)
        kind, core = "line", tasks.period_words(x, d, tasks.period_of(x, d, ("month", "year", "quarter")), m)
    elif r < 0.4:
        a, b = x.number(), x.number()
        (_, ma, _), (_, mb, _) = derived.say_plain(x, a), derived.say_plain(x, b)
        kind, core = "scatter", f"{ma} against {mb}"
    else:
        c = x.category(limit=12, test=lambda c: c.kind == "category")
        m, _, _, _, _ = tasks.group_measure(x)
        kind, core = rng.choice(("bar", "bar", "pie")), x.group_words(c, m)[0]
    if is_clause(strip_marks(core)):
        raise Skip
    return kind, core


def no_chart(rng, w):
    """A chart as asked for, but for its kind, its look, its format or what is to be done with it."""
    x = Context(rng, w)
    kind, core = wish(x)
    noun = rng.choice(NOUNS[kind])
    r = rng.random()
    if r < 0.24:
        what = rng.choice(NO_CHARTS)
        m = link(what, "outside")
        form = rng.choice((f"{m} of {core}", f"draw a {m} of {core}", f"{core} as a {m}", f"show {core} on a {m}", f"make a {m} with {core}"))
        return Built(form, None, None, False), f"I cannot draw a {what}; {DRAWN}."
    if r < 0.5:
        what = rng.choice(LOOKS)
        m = link(keep(what) if what[0].isdigit() else what, "outside")
        form = rng.choice((f"{m} {noun} of {core}", f"draw a {m} {noun} of {core}", f"{core} as a {m} {noun}", f"make the {noun} of {core} {m}", f"{noun} of {core}, {m}", f"show {core} in a {m} {noun}"))
        return Built(form, None, None, False), f"I cannot draw {what} charts; {DRAWN}."
    if r < 0.72:
        what = rng.choice(FORMATS)
        m = link(what, "outside")
        form = rng.choice((f"{noun} of {core} as {m}", f"save the {noun} of {core} as {m}", f"make {m} with a {noun} of {core}", f"turn {core} into {m}", f"draw {core} and save it as {m}"))
        return Built(form, None, None, False), f"I cannot make {what}; {DRAWN}."
    if r < 0.94:
        words, verb = rng.choice(SENDS)
        words = words.format(p=rng.choice(("anna@example.org", "the office", "my colleague", "Tom", "all customers")))
        m = link(words, "outside")
        form = rng.choice((f"{noun} of {core} and {m}", f"draw a {noun} of {core} and {m}", f"plot {core}, then {m}", f"make a {noun} of {core} and then {m}"))
        reason = {"do": "I cannot do anything later or on my own; ask me when you want it.", "print": "I have no printer; I only write files in the workspace.", "say": "I have no voice; I only write files in the workspace."}.get(verb, f"I cannot {verb} anything; I only read and write files in the workspace.")
        return Built(form, None, None, False), reason
    what = rng.choice(("forecast", "predict", "extrapolate"))
    form = rng.choice((f"{link(what, 'outside')} {core} for the next year", f"{link(what, 'outside')} how {core} will go on", f"{link(what, 'outside')} {core} for the coming months"))
    return Built(form, None, None, False), "I cannot tell the future; I only work out what is in the tables."


# Repairs -----------------------------------------------------------------------------------------------------------

def broken(rng, script, w):
    """A script that goes wrong the way a small model goes wrong, or None."""
    options = []
    names = {n for f in w.tables for n in f.table.names}
    m = re.search(r'chart\.(bar|line|pie)\(t, \{x="([^"]+)", y="([^"]+)"', script)
    if m and "group(" in script:
        other = [n for n in names if n not in (m[2], m[3])] + ["value", "total"]
        if m[3] == "count":
            options.append(script.replace('y="count"', f"y={q(rng.choice(sorted(other)))}"))
        else:
            options.append(script.replace(f"y={q(m[3])}", 'y="count"'))
        options.append(script.replace(f"x={q(m[2])}", f"x={q(rng.choice(sorted(other)))}", 1))
    m = re.search(r':(top|bottom)\((\d+), "([^"]+)"', script)
    if m and "group(" in script:
        other = sorted(names - {m[3]}) or ["total"]
        options.append(script.replace(m[0], f":{m[1]}({m[2]}, {q('count' if m[3] != 'count' else rng.choice(other))}"))
    m = re.search(r'data\.read\("([^"]+)"\)', script)
    if m and len(w.tables) > 1:
        other = [f.path for f in w.tables if f.path != m[1]]
        options.append(script.replace(m[0], f"data.read({q(rng.choice(other))})"))
    m = re.search(r':select\("([^"]+)", "([^"]+)"', script)
    if m:
        options.append(script.replace(m[0], f':select({q(m[1])}, "value"'))
    m = re.search(r':(month|year|quarter|weekday)\("([^"]+)"\)(:group\("(?:month|year|quarter|weekday)")', script)
    if m:
        options.append(script.replace(m[0], m[3]))
    options = [o for o in options if o != script]
    return rng.choice(options) if options else None
