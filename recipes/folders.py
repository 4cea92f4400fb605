"""Tasks that tidy a folder: files.apply with one operation, or a table in another format."""
import re

from context import Built, Skip, cap, q
from tasks import need
from wording import keep, link, plural

IMAGES = ("png", "jpg", "jpeg")
KINDS = {"png": ["png", "PNG"], "jpg": ["jpg", "JPG"], "jpeg": ["jpeg"], "txt": ["text", "txt", ".txt"], "md": ["markdown", "md", ".md"], "csv": ["csv", "CSV", "table"], "pdf": ["pdf", "PDF"], "docx": ["word", "docx"], "mp3": ["mp3", "music"], "json": ["json", "JSON"], "log": ["log"]}


class Folder:
    """What a request may say about the files."""

    def __init__(self, rng, w):
        need(w.kind == "folder")
        self.rng, self.w = rng, w
        self.paths = sorted(w.blobs)
        self.top = [p for p in self.paths if "/" not in p]

    def by_extension(self, least=1, among=None, generic=False):
        """(extension, pattern, words for these files)."""
        counts = {}
        for p in self.top:
            counts.setdefault(p.rsplit(".", 1)[-1], []).append(p)
        ok = [e for e, ps in counts.items() if len(ps) >= least and (among is None or e.lower() in among)]
        need(ok)
        ext = self.rng.choice(sorted(ok))
        word = self.rng.choice(KINDS.get(ext.lower(), [ext]) + [ext, f"*.{ext}"])
        if word == "table" and "json" in counts:
            word = ext
        many = keep(word) if word.startswith("*") else "tables" if word == "table" else f"{keep(word)} files"
        glob = f"*.{ext}"
        if ext.lower() in IMAGES and self.rng.random() < 0.4:
            # Beside other files the model is not shown pictures, so it must not need to know which kind there is.
            many = self.rng.choice(("pictures", "images", "photos", "picture files"))
            if len(counts) > 1:
                need(generic and ext.islower())
                glob = "*.{png,jpg,jpeg}"
        if ext == "pdf" and self.rng.random() < 0.3:
            many = "PDFs"
        return ext, glob, self.rng.choice(("all ", "the ", "all the ", "")) + link(many, "rows")

    def place(self, stems):
        return self.rng.choice([s for s in stems if not any(p.split("/")[0] == s for p in self.paths)] or ["sorted"])


def plan(form, operation, answer, question=False):
    return Built(form, f"print(files.apply({operation}))", answer, question)


def done(what):
    """The answer from the last line of what files.apply says: "1 new folder, 3 moves"."""
    def answer(obs):
        last = obs.strip().split("\n")[-1]
        need(re.match(r"\d+ ", last))
        return f"{what}: {last}."
    return answer


def move_kind(x):
    """Files of one extension into a folder."""
    f = Folder(x.rng, x.w)
    rng = x.rng
    ext, glob, words = f.by_extension(generic=True)
    stems = {"png": ["pictures", "images"], "jpg": ["photos", "pictures", "images"], "csv": ["tables", "data"], "txt": ["texts", "notes"], "pdf": ["pdfs", "documents"], "mp3": ["music"], "log": ["logs"]}.get(ext.lower(), ["docs", ext.lower(), "files"])
    to = f.place(stems + ["archive", "done", "old", ext.lower()])
    copy = rng.random() < 0.2
    verb = rng.choice(("copy",) if copy else ("move", "move", "put", "move", "shift"))
    form = rng.choice((f"{verb} {words} into {keep(to)}", f"{verb} {words} into a folder called {keep(to)}", f"{verb} {words} to {keep(to + '/')}", f"{verb} {words} to the folder {keep(to)}", f"{verb} {words} in a new folder {keep(to)}"))
    op = "copy" if copy else "move"
    return plan(form, f"{{op={q(op)}, files={q(glob)}, to={q(to + '/')}}}", done(f"{'Copied' if copy else 'Moved'} to {to}"))


def move_one(x):
    """A file or two by name: moved, copied, renamed."""
    f = Folder(x.rng, x.w)
    rng = x.rng
    need(len(f.top) >= 2)
    r = rng.random()
    p = rng.choice(f.top)
    need(not re.search(r"[*?\[\]{}]", p))
    me = link(keep(p), p)
    if r < 0.45:
        to = f.place(["archive", "old", "done", "backup", "keep", "private", "misc"])
        copy = rng.random() < 0.35
        if rng.random() < 0.4:
            o = rng.choice([t for t in f.top if t != p])
            form = f"{'copy' if copy else rng.choice(('move', 'put'))} {me} and {link(keep(o), o)} {rng.choice(('to', 'into'))} {keep(to)}"
            files = "{" + q(p) + ", " + q(o) + "}"
        else:
            form = rng.choice((f"{'copy' if copy else rng.choice(('move', 'put'))} {me} {rng.choice(('to', 'into'))} {keep(to)}", f"{'copy' if copy else 'move'} {me} to the folder {keep(to)}", f"{'copy' if copy else 'move'} {me} into a folder {keep(to)}"))
            files = q(p)
        return plan(form, f"{{op={q('copy' if copy else 'move')}, files={files}, to={q(to + '/')}}}", done(f"{'Copied' if copy else 'Moved'} to {to}"))
    if r < 0.85:
        stem, ext = p.rsplit(".", 1)
        new = rng.choice(("final", "main", "new_name", f"{stem}_old", f"{stem}_2024", f"old_{stem}", "archive", "first", stem.lower().replace(" ", "_") + "_v2")) + "." + ext
        need(new not in f.paths and re.fullmatch(r"[A-Za-z0-9_. -]+", new))
        form = rng.choice((f"rename {me} to {keep(new)}", f"rename {me} as {keep(new)}", f"call {me} {keep(new)} from now on", f"change the name of {me} to {keep(new)}", f"{me} should be called {keep(new)}"))
        return plan(form, f"{{op=\"move\", files={q(p)}, to={q(new)}}}", done(f"{p} is called {new} now"))
    stem, ext = p.rsplit(".", 1)
    new = f"{stem}_{rng.choice(('copy', 'backup', '2'))}.{ext}"
    need(new not in f.paths and re.fullmatch(r"[A-Za-z0-9_. -]+", new))
    form = rng.choice((f"make a copy of {me} called {keep(new)}", f"copy {me} to {keep(new)}", f"duplicate {me} as {keep(new)}"))
    return plan(form, f"{{op=\"copy\", files={q(p)}, to={q(new)}}}", done(f"Copied {p} to {new}"))


def kinds_named(rng, paths):
    """The extensions there are, as a request lists them."""
    kinds = sorted({p.rsplit(".", 1)[1] for p in paths if "." in p.rsplit("/", 1)[-1]})
    need(2 <= len(kinds) <= 6)
    kinds = list(map(keep, kinds))
    return rng.choice((f" ({', '.join(kinds)})", f": {', '.join(kinds)}", f", that is {', '.join(kinds[:-1])} and {kinds[-1]}"))


def sort_files(x):
    """Into folders by type, month, year, size, first letter."""
    f = Folder(x.rng, x.w)
    rng = x.rng
    files = link(rng.choice(("files", "files", "all files", "everything here", "the files", "this folder", "all the files")), "rows")
    by = rng.choice(("extension", "extension", "extension", "month", "month", "year", "letter", "size", "day"))
    words = {"extension": ("by type", "by file type", "by extension", "by kind of file", "into folders by type", "into one folder per file type", "according to their extension", "by format", "into folders named after their extension", "into a folder for each extension", "into folders called like their extensions",
                           "so that each extension has a folder of its own"),
             "month": ("by month", "into folders by month", "by the month they were changed", "into one folder per month", "by date, a folder per month", "by date"),
             "year": ("by year", "into folders by year", "into a folder for each year", "by the year of the last change"), "day": ("by day", "into one folder per day", "by the day they were changed"),
             "letter": ("by first letter", "alphabetically into folders", "by initial letter", "into folders by first letter"), "size": ("by size", "into small, medium and large", "into folders by size")}[by]
    verb = rng.choice(("sort", "sort", "organise", "organize", "arrange", "put", "group", "tidy up", "file"))
    word = rng.choice(words)
    if verb == "put" and not word.startswith("into"):
        verb = "sort"
    fields = {"extension": "by=\"extension\"", "month": "by=\"date\", format=\"%Y-%m\"", "year": "by=\"date\", format=\"%Y\"", "day": "by=\"date\", format=\"%Y-%m-%d\"", "letter": "by=\"letter\"", "size": "by=\"size\""}[by]
    glob, into = "*", ""
    if rng.random() < 0.2:
        ext, glob, files = f.by_extension(2)
    elif len(f.paths) > len(f.top):
        if rng.random() < 0.3:  # those in folders, too
            glob = "**"
            files += rng.choice((" in all folders", ", also those in folders,", " and those in subfolders", " with all subfolders", " of all folders"))
        if by == "extension" and rng.random() < 0.5:
            # Where kinds are named that only folders have, their files are meant.
            glob, word = "**", word + kinds_named(rng, f.paths)
    elif by == "extension" and rng.random() < 0.25:
        word += kinds_named(rng, f.top)
    if rng.random() < 0.2:
        into = f.place(["sorted", "archive", "tidy", "by month" if by == "month" else "ordered"])
        word += rng.choice((f" inside {keep(into)}", f" in {keep(into)}", f", below {keep(into)}"))
        into = f", into={q(into)}"
    if rng.random() < 0.15:
        word += rng.choice((", keep their names", ". only move them", ", without renaming anything", ". leave the names as they are", ", names unchanged", ". just move them"))
    return plan(f"{verb} {files} {word}", f"{{op=\"sort\", files={q(glob)}, {fields}{into}}}", done(f"Sorted by {by}"))


def rename_pattern(x):
    """Numbers, prefixes, dates, case, spaces."""
    f = Folder(x.rng, x.w)
    rng = x.rng
    traits = x.w.traits
    how = rng.choice(("number", "number", "stem", "swap", "prefix", "suffix", "date", "spaces", "lower", "extension", "both", "both", "pad"))
    if how == "stem":
        need("stem" in traits)
        old = traits["stem"]
        ps = [p for p in f.top if p.startswith(old)]
        need(len(ps) >= 2 and len({p.rsplit(".", 1)[1] for p in ps}) <= 2)
        new = rng.choice(("trip_", "photo_", "doc_", "file_", "item-", "holiday_", "data_", "x_"))
        clean = old.strip(" _-")
        m = link(keep(old if rng.random() < 0.7 else clean), "rows")
        form = rng.choice((f"rename the files that start with {m} so that they start with {keep(new)}", f"replace {m} by {keep(new)} in the file names", f"change the prefix {m} to {keep(new)}", f"in all names, {m} should become {keep(new)}", f"rename {link(keep(old + '*'), 'rows')} to {keep(new + '*')}"))
        return plan(form, f"{{op=\"rename\", files={q(old + '*')}, match={q(old + '*')}, to={q(new + '{1}')}}}", done("Renamed"))
    if how == "swap":
        need(traits["kind"] in ("months", "tables") or traits["kind"] == "numbered" and traits["stem"][-1] in "_-")
        stem = traits["stem"]
        sep = stem[-1]
        ps = [p for p in f.top if p.startswith(stem)]
        need(len(ps) >= 2 and all(p.count(".") == 1 for p in ps))
        a = ps[0]
        b = a[len(stem):].rsplit(".", 1)[0] + sep + stem.rstrip("_-") + "." + a.rsplit(".", 1)[1]
        what = link(rng.choice((f"{stem.strip('_-')} files", "files", f"{keep(stem + '*')}")), "rows")
        form = rng.choice((f"rename the {what} so that {keep(a)} becomes {keep(b)}", f"swap the two parts of the names: {link(keep(a), a)} should be {keep(b)}, the other {what} too", f"turn the names of the {what} around, like {keep(a)} to {keep(b)}"))
        return plan(form, f"{{op=\"rename\", files={q(stem + '*')}, match={q(stem + '*.*')}, to={q('{1}' + sep + stem.rstrip('_-') + '.{2}')}}}", done("Renamed"))
    if how == "spaces":
        need(sum(" " in p for p in f.top) >= 2)
        new = rng.choice(("_", "_", "-"))
        word = {"_": "underscores", "-": "hyphens"}[new]
        form = rng.choice((f"replace {link('spaces', 'rows')} in the file names with {word}", f"rename the files: {word} instead of {link('spaces', 'rows')}", f"no {link('spaces', 'rows')} in file names please, use {word}", f"change {link('spaces', 'rows')} to {word} in all names"))
        return plan(form, f"{{op=\"rename\", files=\"*\", regex=\" \", to={q(new)}}}", done("Renamed"))
    if how == "lower":
        need(any(re.search("[A-Z]", p) for p in f.top))
        form = rng.choice((f"make {link('all file names', 'rows')} lower case", f"rename {link('the files', 'rows')} to lowercase", f"{link('file names', 'rows')} in small letters", f"lowercase {link('all names', 'rows')}"))
        return plan(form, "{op=\"rename\", files=\"*\", match=\"*\", to=\"{name:lower}\"}", done("Renamed"))
    if how == "extension":
        ext, glob, words = f.by_extension(1)
        new = {"txt": "md", "md": "txt", "jpeg": "jpg", "JPG": "jpg", "log": "txt"}.get(ext)
        need(new and not any(p.rsplit(".", 1)[0] + "." + new in f.paths for p in f.top if p.endswith("." + ext)))
        form = rng.choice((f"change the extension of {words} to {keep(new)}", f"rename {words} to .{keep(new)}", f"{words} should end in .{keep(new)}"))
        return plan(form, f"{{op=\"rename\", files={q(glob)}, match={q(glob)}, to={q('{1}.' + new)}}}", done("Renamed"))
    if how == "both":
        ext, glob, words = f.by_extension(1)
        new = rng.choice([e for e in ("txt", "md", "jpg", "dat", "text", "bak", "log", "csv") if e != ext])
        word = rng.choice(("old", "my", "raw", "new", "draft", "backup", "final", "x")) + rng.choice(("_", "_", "-"))
        ps = [p for p in f.top if p.endswith("." + ext)]
        need(re.fullmatch(r"[a-z0-9]+", ext) and ps and not re.search(r"[*?\[\]{}]", ps[0]))
        front = rng.random() < 0.65
        done_name = lambda p: (word + p.rsplit(".", 1)[0] if front else p.rsplit(".", 1)[0] + word[-1] + word[:-1]) + "." + new
        need(not any(done_name(p) in f.paths for p in ps))
        put = f"{rng.choice(('put', 'set', 'write'))} {keep(word)} in front" if front else f"{rng.choice(('put', 'append', 'add'))} {keep(word[-1] + word[:-1])} {rng.choice(('to the name', 'behind the name'))}"
        a = rng.choice(ps)
        tail = rng.choice((f", so {keep(a)} becomes {keep(done_name(a))}", f" ({keep(a)} becomes {keep(done_name(a))})", f", for example {keep(done_name(a))} for {keep(a)}", f": {keep(a)} -> {keep(done_name(a))}", "", "")) if " " not in a else ""
        form = rng.choice((f"rename {words} to .{keep(new)} and {put}{tail}", f"change the extension of {words} to {keep(new)} and {put}{tail}", f"{put} of {words} and let them end in .{keep(new)}{tail}" if front else f"rename {words} to .{keep(new)} and {put}{tail}", f"give {words} the ending .{keep(new)} and {put}{tail}"))
        to = f"{word}{{1}}.{new}" if front else f"{{1}}{word[-1] + word[:-1]}.{new}"
        return plan(form, f"{{op=\"rename\", files={q(glob)}, match={q(glob)}, to={q(to)}}}", done("Renamed"))
    ext, glob, words = f.by_extension(2)
    if how in ("number", "pad"):
        new = rng.choice(("photo_", "image-", "page_", "doc_", "file_", "holiday_", "scan-", "item_", "part-"))
        digits = rng.choice((1, 2, 3, 3))
        sample = f"{1:0{digits}d}"
        by_date = rng.random() < 0.4
        tail = rng.choice((", oldest first", " by date", " in the order of their dates", ", in order of date")) if by_date else ""
        form = rng.choice((f"rename {words} to {keep(new + sample)}, {keep(new + f'{2:0{digits}d}')} and so on{tail}", f"number {words} as {keep(new + sample + '.' + ext)}, {keep(new + f'{2:0{digits}d}' + '.' + ext)}, ...{tail}", f"rename {words} to {keep(new)} plus a number with {['one digit', 'two digits', 'three digits'][digits - 1]}{tail}",
                           f"give {words} names like {keep(new + sample + '.' + ext)}{tail}"))
        n = "{n}" if digits == 1 else f"{{n:{digits}}}"
        return plan(form, f"{{op=\"rename\", files={q(glob)}, match={q(glob)}, to={q(new + n + '.' + ext)}{', order=' + q('date') if by_date else ''}}}", done("Renamed"))
    if how == "date":
        form = rng.choice((f"put the date in front of the names of {words}", f"prefix {words} with their date", f"rename {words} so that they begin with the date of the last change", f"add the modification date to the front of {words}"))
        return plan(form, f"{{op=\"rename\", files={q(glob)}, match={q(glob)}, to=\"{{date}}_{{name}}\"}}", done("Renamed"))
    word = rng.choice(("old", "2024", "draft", "final", "v2", "copy", "backup", "new"))
    if how == "prefix":
        form = rng.choice((f"put {keep(word + '_')} in front of the names of {words}", f"add the prefix {keep(word + '_')} to {words}", f"rename {words}: prefix {keep(word + '_')}", f"prefix {words} with {keep(word + '_')}"))
        return plan(form, f"{{op=\"rename\", files={q(glob)}, match={q(glob)}, to={q(word + '_{name}')}}}", done("Renamed"))
    form = rng.choice((f"add {keep('_' + word)} to the names of {words}", f"append {keep('_' + word)} to the file names of {words}", f"rename {words} with the suffix {keep('_' + word)}", f"put {keep('_' + word)} behind the names of {words}"))
    return plan(form, f"{{op=\"rename\", files={q(glob)}, match={q(glob)}, to={q('{stem}_' + word + '{ext}')}}}", done("Renamed"))


def dedupe(x):
    f = Folder(x.rng, x.w)
    rng = x.rng
    need(x.w.traits["kind"] == "copies" or rng.random() < 0.15)
    files = link(rng.choice(("duplicate files", "duplicates", "identical files", "double files", "files with the same content", "copies of the same file", "duplicate copies")), "rows")
    keep_field, tail = "", ""
    if rng.random() < 0.35:
        k, words = rng.choice((("newest", (", keep the newest", " but keep the newest one", ", the newest copy stays")), ("oldest", (", keep the oldest", " and keep the oldest one")), ("shortest", (", keep the one with the shortest name", " and keep the shortest name"))))
        tail, keep_field = rng.choice(words), f", keep={q(k)}"
    form = rng.choice((f"remove {files}", f"delete {files}", f"get rid of {files}", f"clean up {files}", f"remove all {files}", f"throw away {files}", f"find and remove {files}")) + tail

    def answer(obs):
        gone = re.findall(r"^delete  (.*?)  \(same as (.*)\)$", obs, re.M)
        if not gone:
            need("nothing" in obs or obs.strip().startswith("0") or "no " in obs)
            return "There are no files with the same content."
        return "Removed " + ", ".join(f"{a} (same as {b})" for a, b in gone[:6]) + "."
    return plan(form, f"{{op=\"dedupe\", files=\"**\"{keep_field}}}", answer)


def archive(x):
    f = Folder(x.rng, x.w)
    rng = x.rng
    ending = rng.choice((".zip", ".zip", ".zip", ".tar.gz"))
    if rng.random() < 0.3:
        glob, words = "*", link(rng.choice(("all files", "everything", "the whole folder", "all the files here")), "rows")
    elif rng.random() < 0.25 and len(f.top) >= 2:
        p = rng.choice(f.top)
        need(not re.search(r"[*?\[\]{}]", p))
        glob, words = p, link(keep(p), p)
    elif "folder" in x.w.traits and rng.random() < 0.6:
        glob = x.w.traits["folder"]
        words = f"the folder {link(keep(glob), 'rows')}"
    else:
        ext, glob, words = f.by_extension(generic=True)
    stem = rng.choice(("backup", "archive", "all", "files", "old", "documents", "packed", "export"))
    name = stem + ending
    need(name not in f.paths)
    form = rng.choice((f"zip {words} into {keep(name)}", f"pack {words} into {keep(name)}", f"archive {words} as {keep(name)}", f"compress {words} to {keep(name)}", f"make {keep(name)} with {words}", f"put {words} in an archive {keep(name)}"))
    if ending == ".tar.gz":
        form = form.replace("zip ", "pack ", 1) if form.startswith("zip ") else form
    remove = ""
    if rng.random() < 0.15:
        remove, form = ", remove=true", form + rng.choice((" and remove the originals", ", then delete the originals", " and delete them afterwards"))
    return plan(form, f"{{op=\"archive\", files={q(glob)}, to={q(name)}{remove}}}", done(f"Packed into {name}"))


def merge(x):
    f = Folder(x.rng, x.w)
    rng = x.rng
    t = x.w.traits
    if t["kind"] == "tables":
        glob = t["stem"] + "*.csv"
        words = link(rng.choice(("the csv files", "all csv files", f"the {t['stem'].strip('_-')} files", f"all {t['stem'].strip('_-')} tables", keep(glob))), "rows")
        name = rng.choice(("all", t["stem"].strip("_-") + "_all", "merged", "combined", "year", "total")) + ".csv"
    else:
        ext, glob, words = f.by_extension(2, ("txt", "md"))
        name = rng.choice(("all", "merged", "combined", "everything")) + "." + ext
    need(name not in f.paths)
    order, tail = ("", "")
    if rng.random() < 0.2:
        order, tail = ", order=\"date\"", rng.choice((", oldest first", " in the order of their dates"))
    remove = ""
    if rng.random() < 0.15:
        remove, tail = ", remove=true", tail + rng.choice((" and delete the parts", ", then remove the single files"))
    form = rng.choice((f"merge {words} into {keep(name)}", f"combine {words} into one file {keep(name)}", f"join {words} to {keep(name)}", f"append {words} one after the other as {keep(name)}", f"put {words} together in {keep(name)}", f"make one file {keep(name)} of {words}")) + tail
    return plan(form, f"{{op=\"merge\", files={q(glob)}, to={q(name)}{order}{remove}}}", done(f"{name} holds them all"))


def convert_files(x):
    f = Folder(x.rng, x.w)
    rng = x.rng
    if x.w.traits["kind"] == "tables" or rng.random() < 0.6:
        ext, glob, words = f.by_extension(1, ("csv",))
        to, say = "json", rng.choice(("json", "JSON"))
    else:
        ext, glob, words = f.by_extension(1, ("png",))
        to, say = "jpeg", rng.choice(("jpeg", "jpg", "JPEG"))
    into, tail = "", ""
    if rng.random() < 0.3:
        place = f.place([to, "converted", "out", "new"])
        into, tail = f", into={q(place)}", rng.choice((f" in the folder {keep(place)}", f", into {keep(place)}", f" and put them into {keep(place)}"))
    form = rng.choice((f"convert {words} to {say}", f"turn {words} into {say}", f"make {say} versions of {words}", f"save {words} as {say}", f"convert {words} into {say} files")) + tail
    return plan(form, f"{{op=\"convert\", files={q(glob)}, to={q(to)}{into}}}", done(f"Converted to {to}"))


def delete_files(x):
    f = Folder(x.rng, x.w)
    rng = x.rng
    if rng.random() < 0.5:
        ext, glob, words = f.by_extension(generic=True)
        need(len(f.paths) > sum(p.lower().endswith((".png", ".jpg", ".jpeg") if "{" in glob else "." + ext) for p in f.paths))
        form = rng.choice((f"delete {words}", f"remove {words}", f"get rid of {words}", f"throw away {words}"))
        return plan(form, f"{{op=\"delete\", files={q(glob)}}}", done("Deleted"))
    if "folder" in x.w.traits and rng.random() < 0.6:
        p = x.w.traits["folder"]
        form = rng.choice((f"delete the folder {link(keep(p), 'rows')}", f"remove the folder {link(keep(p), 'rows')} with all that is in it"))
        return plan(form, f"{{op=\"delete\", files={q(p + '/')}, recursive=true}}", done(f"Deleted {p}"))
    p = rng.choice(f.paths)
    need(not re.search(r"[*?\[\]{}]", p))
    me = link(keep(p), p)
    form = rng.choice((f"delete {me}", f"remove {me}", f"throw {me} away", f"get rid of {me}", f"remove the file {me}"))
    return plan(form, f"{{op=\"delete\", files={q(p)}}}", done("Deleted"))


def flatten(x):
    """Files of a folder into another, or the months of names into folders."""
    f = Folder(x.rng, x.w)
    rng = x.rng
    if x.w.traits["kind"] == "months" and rng.random() < 0.8:
        stem = x.w.traits["stem"]
        n = rng.choice(("year", "year", "month"))
        what = link(rng.choice(("the files", "all files", f"the {stem.strip('_')}s")), "rows")
        form = rng.choice((f"put {what} into a folder for each {n} in their names", f"sort {what} into folders by the {n} in the name", f"one folder per {n}, from the file name, for {what}"))
        to = "{1}/{name}" if n == "year" else "{1}-{2}/{name}"
        return plan(form, f"{{op=\"rename\", files={q(stem + '*')}, match={q(stem + '*-*.*')}, to={q(to)}}}", done(f"Sorted by {n}"))
    need("folder" in x.w.traits)
    folder = x.w.traits["folder"]
    to = f.place(["archive", "sorted", "backup", "keep"])
    copy = rng.random() < 0.4
    form = rng.choice((f"{'copy' if copy else 'move'} everything in {link(keep(folder), 'rows')} to {keep(to)}", f"{'copy' if copy else 'move'} all files of the folder {link(keep(folder), 'rows')} into {keep(to)}", f"{'copy' if copy else 'move'} the files in {link(keep(folder + '/'), 'rows')} into a new folder {keep(to)}"))
    return plan(form, f"{{op={q('copy' if copy else 'move')}, files={q(folder + '/*')}, to={q(to + '/')}}}", done(f"{'Copied' if copy else 'Moved'} to {to}"))


def make_folder(x):
    f = Folder(x.rng, x.w)
    rng = x.rng
    p = f.place(["reports", "archive", "2024", "pictures", "drafts", "invoices/2024", "new", "work"])
    form = rng.choice((f"make a {link('folder', 'rows')} {keep(p)}", f"create a {link('folder', 'rows')} called {keep(p)}", f"new {link('folder', 'rows')} {keep(p)}", f"i need a {link('folder', 'rows')} named {keep(p)}"))
    return plan(form, f"{{op=\"mkdir\", path={q(p)}}}", done(f"Made {p}"))


def to_excel(x):
    """A table as XLSX."""
    rng = x.rng
    f = x.f
    stem = f.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    name = f"{stem}.xlsx" if rng.random() < 0.75 else rng.choice(("export", "table", "out", "book")) + ".xlsx"
    need(name not in x.w.files and re.fullmatch(r"[A-Za-z0-9_-]+\.xlsx", name))
    me = link(keep(f.path), f.path)
    kind = rng.choice(("excel", "Excel", "xlsx", "XLSX", "an excel file", "an Excel workbook"))
    if name != f"{stem}.xlsx" or rng.random() < 0.35:
        form = rng.choice((f"convert {me} to {keep(name)}", f"save {me} as {keep(name)}", f"export {me} to {keep(name)}", f"write {me} to the Excel file {keep(name)}"))
    else:
        form = rng.choice((f"convert {me} to {kind}", f"save {me} as {kind}", f"turn {me} into {kind}", f"i need {me} as {kind}", f"export {me} as {kind}", f"make {kind} of {me}".replace("make excel", "make an excel file").replace("make Excel", "make an Excel file")))
    from tasks import saved_answer
    return Built(form, f"{x.read()}:to_xlsx({q(name)})", saved_answer(f"the rows of {f.path}"))


def all_to_excel(x):
    """Each table of a workspace in another format."""
    rng = x.rng
    tables = x.w.tables
    need(2 <= len(tables) <= 4 and all(re.fullmatch(r"[A-Za-z0-9_-]+\.\w+", t.path) for t in tables))
    xlsx = rng.random() < 0.6
    ext = "xlsx" if xlsx else "json"
    need(all(t.path.endswith(".csv") for t in tables))
    words = link(rng.choice(("all csv files", "both tables" if len(tables) == 2 else "all tables", "the csv files", "every csv file", "all the tables")), "rows")
    kind = rng.choice(("excel", "xlsx", "Excel")) if xlsx else rng.choice(("json", "JSON"))
    form = rng.choice((f"convert {words} to {kind}", f"turn {words} into {kind}", f"save {words} as {kind}", f"i need {words} as {kind}"))
    if not xlsx:
        return plan(form, "{op=\"convert\", files=\"*.csv\", to=\"json\"}", done("Converted to json"))
    paths = sorted(t.path for t in tables)
    script = "\n".join(f"data.read({q(p)}):to_xlsx({q(p.rsplit('.', 1)[0] + '.' + ext)})" for p in paths)

    def answer(obs):
        made = re.findall(r"^(\S+): (\d+ rows?)$", obs, re.M)
        need(len(made) == len(paths))
        return "Made " + ", ".join(f"{a} ({b})" for a, b in made) + "."
    return Built(form, script, answer)


def about_files(x):
    """Numbers and names of files: how many, how large, the largest."""
    f = Folder(x.rng, x.w)
    rng = x.rng
    r = rng.random()
    if r < 0.35:
        ext, glob, words = f.by_extension(generic=False)
        need("{" not in glob)
        words = words.removeprefix("the ").removeprefix("all ").removeprefix("all the ")
        form = rng.choice((f"how many {words} are there", f"number of {words}", f"count the {words}", f"how many {words} do i have here"))
        return Built(form, f"print(data.files({q(glob)}):count())", lambda obs: f"There are {obs.strip()} {ext} files.", form.startswith("how"))
    if r < 0.5:
        ext, glob, words = f.by_extension(2)
        need("{" not in glob)
        words = words.removeprefix("all ").removeprefix("the ")
        form = rng.choice((f"how large are {words} together", f"total size of {words}", f"how many bytes do {words} have in total", f"size of {words} together in bytes"))
        return Built(form, f"print(data.files({q(glob)}):sum(\"bytes\"))", lambda obs: f"The {ext} files have {obs.strip()} bytes.", form.startswith("how"))
    files = link("file", "rows")
    low = rng.random() < 0.3
    if r < 0.8:
        form = rng.choice((f"which {files} is the {'smallest' if low else 'largest'}", f"what is the {'smallest' if low else 'biggest'} {files} here", f"{'smallest' if low else 'largest'} {files}"))

        def answer(obs):
            m = re.fullmatch(r"file: (.*), bytes: (\d+)", obs.strip())
            need(m)
            return f"{m[1]} is the {'smallest' if low else 'largest'} file: {m[2]} bytes."
        return Built(form, f"t = data.files(\"*\"):{'bottom' if low else 'top'}(1, \"bytes\")\nprint(t:select(\"file\", \"bytes\"))", answer, form.startswith(("which", "what")))
    form = rng.choice((f"number of {link('files', 'rows')} of each type", f"how many {link('files', 'rows')} of each kind are there", f"count the {link('files', 'rows')} by extension", f"{link('file', 'rows')} counts by type"))

    def answer(obs):
        rows = [line.split(",") for line in obs.strip().split("\n")[1:]]
        need(rows and all(len(r) == 2 and r[0] for r in rows))
        return "Files of each type: " + ", ".join(f"{a}: {b}" for a, b in rows) + "."
    return Built(form, "t = data.files(\"*\"):group(\"ext\"):count()\nprint(t)", answer, form.startswith("how"))


TASKS = [(1.6, about_files, "folder"), (2.2, move_kind, "folder"), (2.2, move_one, "folder"), (3, sort_files, "folder"), (4, rename_pattern, "folder"), (1.6, dedupe, "folder"), (2, archive, "folder"), (1.8, merge, "folder"), (1, convert_files, "folder"), (1.4, delete_files, "folder"), (1, flatten, "folder"),
         (0.4, make_folder, "folder"), (1.6, to_excel, "table"), (0.8, all_to_excel, "yearly")]
