"""Files whose date stands in their name: sorted, moved or renamed by it, and not by when they were changed."""
import re
from datetime import datetime, timedelta, timezone

from context import q
from folders import Folder, done, plan
from kit import need
from schemas import Workspace
from shapes import bytes_of
from wording import keep, link

WORDS = "beach birthday garden market hike dinner concert lake train snow wedding harbour picnic parade museum".split()
DOCUMENTS = ["invoice", "bill", "receipt", "statement", "payslip", "report", "minutes", "contract", "order", "letter", "scan", "offer"]
PARTIES = "acme vodasol kranz nordnet miller gasco baker tiger linden oakley".split()
YEAR, MONTH, DAY = "{1}{2}{3}{4}", "{5}{6}", "{7}{8}"


def dated_workspace(rng, domains):
    """Pictures or papers with dates in their names; when they were changed says something else."""
    kind = rng.choices(("camera", "day first", "paper", "stamped"), (38, 22, 28, 12))[0]
    first = datetime(rng.randint(2014, 2025), rng.randint(1, 12), rng.randint(1, 28), rng.randint(6, 21), rng.randint(0, 59), rng.randint(0, 59), tzinfo=timezone.utc)
    n, days = rng.randint(3, 8), rng.choice((20, 120, 400, 1000))
    dates = sorted(first + timedelta(days=rng.randint(0, days), minutes=rng.randint(0, 600)) for _ in range(n))
    names, traits = [], {"kind": "dated"}
    if kind == "camera":  # IMG_20251224_101530.jpg
        prefix, ext = rng.choice(("IMG_", "IMG-", "PXL_", "DSC_", "Photo_", "WP_", "signal-")), rng.choice(("jpg", "jpg", "JPG", "jpeg", "png"))
        end = rng.choice(("time", "time", "number"))
        names = [f"{prefix}{d:%Y%m%d}{'-' if prefix[-1] == '-' else '_'}" + (f"{d:%H%M%S}" if end == "time" else f"{i + 1:04d}") + f".{ext}" for i, d in enumerate(dates)]
        glob, match, shown = f"{prefix}*", f"{prefix}????????*", "photos"
    elif kind == "day first":  # 2025-12-24 beach.jpg
        sep, ext = rng.choice((" ", "_", " ", "-")), rng.choice(("jpg", "png", "pdf", "txt", "md"))
        names = [f"{d:%Y-%m-%d}{sep}{rng.choice(WORDS)}.{ext}" for d in dates]
        glob, match, shown = rng.choice((f"*.{ext}", "*")), "????-??-??*", "photos" if ext in ("jpg", "png") else "notes"
    elif kind == "paper":  # invoice_2023-04_acme.pdf, bill 2023 17.pdf
        stem, ext = rng.choice(DOCUMENTS), rng.choice(("pdf", "pdf", "txt", "docx"))
        sep = rng.choice(("_", "_", "-", " "))
        how = rng.choice(("month", "month", "year"))
        names = [f"{stem}{sep}{d:%Y-%m}{sep}{rng.choice(PARTIES)}.{ext}" if how == "month" else f"{stem}{sep}{d:%Y}{sep}{rng.randint(1, 99):03d}.{ext}" for d in dates]
        glob, match, shown = f"{stem}*", f"{stem}{sep}????-??*" if how == "month" else f"{stem}{sep}????{sep}*", stem
        traits["only"] = "month" if how == "month" else "year"
        names += rng.sample(["readme.txt", "list.csv", "todo.md"], rng.randint(0, 2))
    else:  # 20251224_notes.md
        ext = rng.choice(("md", "txt", "pdf", "csv", "jpg"))
        names = [f"{d:%Y%m%d}_{rng.choice(WORDS)}.{ext}" for d in dates]
        glob, match, shown = f"*.{ext}", "????????_*", "photos" if ext == "jpg" else "files"
    names = list(dict.fromkeys(names))
    if len(names) < 3:
        return dated_workspace(rng, domains)
    w = Workspace("folder", [], {p: "" for p in names})
    w.blobs = {p: bytes_of(rng, p) for p in names}
    changed = datetime(2025, rng.randint(1, 12), rng.randint(1, 28), 12, tzinfo=timezone.utc)
    w.times = {p: int((changed + timedelta(days=rng.randint(0, 60))).timestamp()) for p in names}
    w.main, w.traits, w.dated = None, traits, (kind, glob, match, shown, ext)
    return w


def of_workspace(x):
    need(hasattr(x.w, "dated"))
    return x.w.dated


def what_words(x):
    """Words for the dated files."""
    rng = x.rng
    kind, glob, match, shown, ext = of_workspace(x)
    only = len(x.w.blobs) == sum(p.lower().endswith("." + ext.lower()) for p in x.w.blobs)
    words = {"photos": ["photos", "pictures", "images", "photos"], "notes": ["files", f"{ext} files", "notes"], "files": ["files", f"{ext} files"]}.get(shown, [f"{shown}s" if not shown.endswith("s") else shown, f"{shown} files"])
    if only and shown not in ("photos",):
        words = words + ["files"]
    return rng.choice(("", "the ", "all ", "my ", "all the ")) + link(rng.choice(words), "rows")


NAMED = {"year": ["by the year in their name", "by the year in the file name", "by year, taken from the name", "into a folder per year, by the year in the name", "by the year that stands in their names", "into one folder for each year in their names", "by year (it is in the file name)", "into folders by year as in their names"],
         "month": ["by the month in their name", "into folders by year and month, from the file name", "by month, using the date in the name", "into one folder per month, by the date in their names", "by the month in the file names", "by month as the names say"],
         "day": ["by the day in their name", "into a folder per day, by the date in the name", "by the date in the file name, a folder per day", "into one folder for each date in their names", "by date, the date is in the name, one folder per day"]}
TAKEN = {"year": ["by the year they were taken", "by year taken, one folder per year"], "month": ["by the month they were taken", "into a folder for each month in which they were taken"], "day": ["by the day they were taken", "into a folder for each day on which they were taken"]}
CHANGED = {"year": ("%Y", ["by the year they were last changed", "by year of the last change", "into folders by the year of modification", "by modification year, not by their names"]), "month": ("%Y-%m", ["by the month they were last changed", "by month of the last modification", "into a folder per month by when they were changed"]),
           "day": ("%Y-%m-%d", ["by the day they were changed", "into a folder per day of the last change"])}
VERBS = ["sort", "sort", "organise", "organize", "arrange", "put", "move", "file", "group"]


def phrase(x, words):
    verb = x.rng.choice(VERBS)
    # The plan says where the date is looked for.
    word = re.sub(r"\b(file names?|names?|taken|last changed?|last modification|modification year|modification|changed)\b", lambda m: link(m[0], "rows"), x.rng.choice(words), count=1)
    if verb in ("put", "move", "file") and not word.startswith("into"):
        word = f"into folders {word}"
    return f"{verb} {what_words(x)} {word}"


def folders_by_name(x):
    rng = x.rng
    kind, glob, match, shown, ext = of_workspace(x)
    unit = rng.choice(("year", "year", "month", "month", "day"))
    only = x.w.traits.get("only")
    unit = only if only == "year" else "month" if only == "month" and unit == "day" else unit
    to = {"year": YEAR, "month": f"{YEAR}-{MONTH}", "day": f"{YEAR}-{MONTH}-{DAY}"}[unit]
    words = NAMED[unit] + (TAKEN[unit] if shown == "photos" else [])
    form = phrase(x, words)
    if unit == "month" and rng.random() < 0.3:
        to = f"{YEAR}/{MONTH}"
        form = re.sub(r" (by|into) .*$", "", form) + rng.choice((" into year folders with a folder per month in them, from the date in their names", " into year/month folders by the date in the name"))
    return plan(form, f"{{op=\"rename\", files={q(glob)}, match={q(match)}, to={q(to + '/{name}')}}}", checked(x, unit, to, done(f"Sorted by the {unit} in the names")))


def checked(x, unit, to, answer):
    """An example only counts if each file went where its name says."""
    def wrapped(obs):
        for p in x.w.blobs:
            digits = re.search(r"((?:19|20)\d\d)-?(\d\d)?-?(\d\d)?", p)
            if digits:
                parts = [d for d in digits.groups()[:{"year": 1, "month": 2, "day": 3}[unit]] if d]
                need(f"{('/' if to.endswith(MONTH) and '/' in to else '-').join(parts)}/{p}" in obs or "..." in obs)
        return answer(obs)
    return wrapped


def folders_by_change(x):
    """The same folder by when its files were changed: another operation."""
    rng = x.rng
    kind, glob, match, shown, ext = of_workspace(x)
    unit = rng.choice(("year", "month", "month", "day"))
    form_of, words = CHANGED[unit]
    form = phrase(x, words)
    return plan(form, f"{{op=\"sort\", files={q(glob if len(x.w.blobs) > sum(p.startswith(glob.rstrip('*')) for p in x.w.blobs) else '*')}, by=\"date\", format={q(form_of)}}}", done(f"Sorted by the {unit} of the last change"))


def one_period(x):
    """The files of one year (or month) of the names into a folder."""
    rng = x.rng
    kind, glob, match, shown, ext = of_workspace(x)
    f = Folder(rng, x.w)
    stamps = [m for p in x.w.blobs for m in [re.search(r"((?:19|20)\d\d)(-?)(\d\d)?", p)] if m]
    m = rng.choice(stamps)
    year = m[1]
    need(len({s[1] for s in stamps}) > 1)
    prefix = match.split("?")[0]
    files = f"{prefix}{year}*"
    to = rng.choice((year, f.place([f"{shown} {year}".strip(), f"{year}_{shown}", f"archive_{year}", year])))
    copy = rng.random() < 0.2
    verb = "copy" if copy else rng.choice(("move", "put", "move"))
    what = what_words(x)
    y = keep(year)
    form = rng.choice((f"{verb} {what} from {y} into {keep(to)}", f"{verb} {what} of {y} to a folder {keep(to)}", f"{verb} {what} with {y} in the name into {keep(to)}", f"{verb} {what} named {y} to {keep(to + '/')}"))
    return plan(form, f"{{op={q('copy' if copy else 'move')}, files={q(files)}, to={q(to + '/')}}}", done(f"{'Copied' if copy else 'Moved'} to {to}"))


def rename_by_date(x):
    """The date written with dashes, or put in front."""
    rng = x.rng
    kind, glob, match, shown, ext = of_workspace(x)
    what = what_words(x)
    if kind == "camera":
        prefix = match.split("?")[0]
        to = f"{YEAR}-{MONTH}-{DAY}{{9}}{{ext}}"
        form = rng.choice((f"rename {what} so that they start with the date like {keep('2024-05-31')}", f"rename {what}: date with dashes first, without {keep(prefix)}", f"drop {keep(prefix)} from {what} and write the date as year-month-day"))
        return plan(form, f"{{op=\"rename\", files={q(glob)}, match={q(match + '.*')}, to={q(to)}}}", done("Renamed"))
    need(kind == "stamped")
    to = f"{YEAR}-{MONTH}-{DAY}_{{9}}{{ext}}"
    form = rng.choice((f"write the date in the names of {what} with dashes", f"rename {what} so that the date reads like {keep('2024-05-31')}", f"put dashes into the dates of {what}"))
    return plan(form, f"{{op=\"rename\", files={q(glob)}, match={q(match + '.*')}, to={q(to)}}}", done("Renamed"))


TASKS = [(6, folders_by_name, "dated"), (1.6, folders_by_change, "dated"), (2, one_period, "dated"), (1.2, rename_by_date, "dated")]
