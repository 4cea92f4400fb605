#!/usr/bin/env python3
"""Writes training conversations as JSON Lines.

make_data.py --seed 1 --count 1000 --out train.jsonl [--split train|eval] [--kinds A,B] [--worker PROGRAM] [--tables DIR]
"""
import argparse
import json
import os
import random
import re
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import calendar_columns  # noqa: E402
import counts  # noqa: E402
import dated_names  # noqa: E402
import derived  # noqa: E402
import durations  # noqa: E402
import folders  # noqa: E402
import lacking  # noqa: E402
import layouts  # noqa: E402
import listed  # noqa: E402
import log_counts  # noqa: E402
import many_files  # noqa: E402
import near_names  # noqa: E402
import one_group  # noqa: E402
import products  # noqa: E402
import quotients  # noqa: E402
import refusals  # noqa: E402
import reports  # noqa: E402
import schemas  # noqa: E402
import several_lines  # noqa: E402
import shapes  # noqa: E402
import tasks  # noqa: E402
import terse  # noqa: E402
import text_files  # noqa: E402
import two_answers  # noqa: E402
import two_steps  # noqa: E402
from context import Context, Skip, q  # noqa: E402
from tables import cell_text, profile, quoted_cell  # noqa: E402
from spelling import spellable  # noqa: E402
from worker import Worker, stop, user_text  # noqa: E402
from wording import plural, render, strip_marks  # noqa: E402

HELD_OUT = {"city_budget", "beekeeping", "ski_lifts", "toy_shop", "podcast_stats", "river_gauges", "dental_clinic"}
# Parts of about 162. What the first recipe had, refusals aside: 35; refusals: 19 (13 %); what came with the tools that followed it: 50; what people
# asked for in vain until then: 42 (29 %).
MIXTURE = {"chart": 14.5, "question": 13, "files": 3.5, "reading": 1.5, "repair": 2.5, "absent": 5.6, "near": 3, "absent_value": 1.2, "absent_file": 0.5, "absent_year": 1.6, "outside": 2.8,
           "derived": 14, "layout": 15.5, "parts": 10.5, "folder": 10, "unable": 4.4,
           "counts": 3.4, "durations": 4, "calendar": 4.2, "lacking": 3.8, "one_group": 2.2, "products": 2.4, "quotients": 3.4, "several_lines": 4, "family": 1.4, "dated_names": 2.2, "many_files": 3, "log_counts": 0.7, "terse": 2.3, "listed": 5, "two_steps": 9, "text_files": 7, "two_answers": 2}
MAKERS = {"table": schemas.table_workspace, "yearly": schemas.yearly_workspace, "join": schemas.join_workspace, "notes": schemas.notes_workspace, "log": schemas.log_workspace,
          "wide": shapes.wide_workspace, "split": shapes.split_workspace, "span": shapes.span_workspace, "keyed": shapes.keyed_workspace, "concept": shapes.concept_workspace, "folder": shapes.folder_workspace,
          "counted": counts.counted_workspace, "lasting": durations.lasting_workspace, "calendar": calendar_columns.calendar_workspace, "orphans": lacking.orphans_workspace, "gaps": lacking.gaps_workspace,
          "priced": products.priced_workspace, "sold": products.sold_workspace, "paired": quotients.paired_workspace, "strands": several_lines.strands_workspace, "family": near_names.family_workspace, "dated": dated_names.dated_workspace, "many": many_files.many_workspace, "lines": log_counts.lines_workspace,
          "listed": listed.listed_workspace, "lists": listed.lists_workspace, "kin": two_steps.kin_workspace, "journal": text_files.journal_workspace, "twins": text_files.twins_workspace}
LISTS = {"chart": tasks.CHARTS, "question": tasks.QUESTIONS, "files": tasks.FILES, "reading": tasks.READING, "derived": derived.TASKS, "layout": layouts.TASKS, "parts": reports.TASKS, "folder": folders.TASKS,
         "counts": counts.TASKS, "durations": durations.TASKS, "calendar": calendar_columns.TASKS, "lacking": lacking.TASKS, "one_group": one_group.TASKS, "products": products.TASKS, "quotients": quotients.TASKS, "several_lines": several_lines.TASKS, "family": near_names.TASKS, "dated_names": dated_names.TASKS,
         "many_files": many_files.TASKS, "log_counts": log_counts.TASKS, "terse": terse.TASKS, "listed": listed.TASKS, "two_steps": two_steps.TASKS, "two_answers": two_answers.TASKS, "text_files": text_files.TASKS}
# Workspaces that may have other people's files beside them; the others count or tidy what is there.
CLUTTERED = {"table", "yearly", "join", "wide", "split", "span", "keyed", "concept", "counted", "lasting", "calendar", "orphans", "gaps", "priced", "sold", "paired", "strands", "family", "many", "listed", "lists", "kin"}
REPAIRED = ("chart", "question", "derived", "layout", "counts", "quotients", "several_lines", "durations", "calendar")
MAX_PROMPT = 2600
PHRASE = re.compile(r"[^ =;A-Z\x00-\x1f\x7f]+( [^ =;A-Z\x00-\x1f\x7f]+){0,5}\Z")


def domains_of(split):
    found = schemas.load_domains(HERE / "domains", lambda stem: (stem in HELD_OUT) == (split == "eval"))
    return found


def assistant(text, name=None, arguments=None):
    message = {"role": "assistant", "content": text}
    if name:
        message["tool_calls"] = [{"type": "function", "function": {"name": name, "arguments": arguments}}]
    return message


def plan_is_good(plan):
    links = plan.split("; ")
    return plan and len(links) <= 12 and all("=" in p and PHRASE.match(p.split("=", 1)[0]) for p in links)


class Desk:
    """The real tools over one workspace at a time."""

    def __init__(self, worker):
        self.worker = worker
        self.w = None
        self.unlike = 0

    def open(self, w):
        """Writes the files of `w`. Its profiles must be what the recipe thinks of its tables, else Skip."""
        if self.w is w:
            return
        self.w = w
        self.worker.fill(files_of(w))
        self.profiles = {}
        events = self.worker.profiles(sorted(w.files))
        for path in sorted(w.files):
            self.profiles[path] = events[path]["text"]
        w.known = {path: events[path].get("columns", []) for path in w.files}
        self.changed = False
        for f in w.tables:
            if self.profiles[f.path] != profile(f.path, f.table):
                self.unlike += 1
                self.w = None
                raise Skip

    def fault(self):
        """What keeps the worker from its work, or nothing. Without it every example but the refusals would be left out in silence."""
        self.worker.fill({"a.csv": (b"n\n1\n2\n", None)})
        try:
            said = self.worker.run_lua('print(data.read("a.csv"):sum("n"))')
        except (OSError, RuntimeError) as error:
            said = str(error)
        return "" if said == "3" else said.split("\n")[0] or "it says nothing"

    def run(self, script):
        if self.changed:  # an earlier script of this request left files behind
            self.worker.fill(files_of(self.w))
        self.changed = True
        return self.worker.run_lua(script)

    def call(self, built):
        """(tool, arguments, observation)."""
        if built.tool == "run_lua":
            return "run_lua", {"code": built.script}, self.run(built.script)
        if built.tool == "read_file":
            return built.tool, built.arguments, self.run(f"print(read_text({q(built.arguments['path'])}))")
        if built.tool == "list_files":
            return built.tool, built.arguments, "\n".join(sorted(self.w.files))
        return built.tool, built.arguments, self.profiles[built.arguments["path"]]


def workspace(rng, where, domains):
    """A quarter of those with tables have files beside them that nobody asks about, as real folders do."""
    w = MAKERS[where](rng, domains)
    if where not in CLUTTERED or rng.random() > 0.25:
        return w
    more = schemas.side_files(rng) if rng.random() < 0.7 else {}
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        f = schemas.make_file(rng, rng.choice(domains), n=rng.choice((6, 12, 25, 40)))
        more[f.path] = file_text(f)
    known = {path.lower() for path in w.files}
    more = {path: text for path, text in more.items() if path.lower() not in known}
    w.texts.update(more)
    w.files.update(more)
    return w


def make(rng, kind, domains, desk):
    """(workspace, messages, name of the task) or Skip."""
    if kind in LISTS or kind == "repair":
        source = LISTS[kind if kind != "repair" else rng.choice(REPAIRED)]
        _, task, where = rng.choices(source, [t[0] for t in source])[0]
        for _ in range(14):  # another workspace until the task fits
            w = workspace(rng, where, domains)
            try:
                return one(rng, kind, task, w, desk)
            except Skip:
                continue
        raise Skip
    if kind == "near":
        where = rng.choices(("family", "table"), (60, 40))[0]
    elif kind == "absent_year":
        where = rng.choices(("table", "wide"), (75, 25))[0]
    elif kind == "unable":
        where = rng.choice(("table", "wide", "folder", "folder", "table"))
    elif kind in ("outside", "absent_file"):
        where = rng.choices(("table", "yearly", "join", "notes", "folder"), (65, 8, 7, 8, 12))[0]
    else:
        where = rng.choices(("table", "join"), (88, 12))[0]
    w = MAKERS[where](rng, domains)
    built, reason = getattr(refusals, kind)(rng, w)
    request, plan = render(rng, built.marked, built.question)
    if not plan_is_good(plan) or not any(t in plan for t in ("=none", "=outside")) or len(reason) > 230:
        raise Skip
    return w, [user(w, request, desk), assistant(plan, "decline", {"reason": reason})], kind


def user(w, request, desk):
    desk.open(w)
    prompt = user_text(desk.profiles, request)
    if len(prompt) > MAX_PROMPT:
        raise Skip
    return {"role": "user", "content": prompt}


def rows_said(x, built):
    """Titles and answers call rows what the request calls them: "rows" if it has no word for them."""
    text = strip_marks(built.marked).lower()
    rs = plural(x.row)
    if x.row.lower() in text or rs.lower() in text:
        return
    pattern = re.compile(rf"\b(number of|[Ss]hare of|among the) {re.escape(rs)}\b", re.I)
    if built.script:
        built.script = pattern.sub(r"\1 rows", built.script)
    answer = built.answer
    built.answer = lambda obs: pattern.sub(r"\1 rows", answer(obs))


def one(rng, kind, task, w, desk):
    x = Context(rng, w) if w.kind not in ("folder", "lines") else SimpleNamespace(rng=rng, w=w, row="file")
    built = task(x)
    rows_said(x, built)
    request, plan = render(rng, built.marked, built.question)
    if not plan_is_good(plan):
        raise Skip
    first = user(w, request, desk)
    tool, arguments, obs = desk.call(built)
    if "error: " in obs or len(obs) > 1500:
        raise Skip
    answer = built.answer(obs)
    names = [n for f in w.tables for n in f.table.names]
    if not spellable(answer, [request, *w.files, *names, obs]) or len(answer) > 420:
        raise Skip
    messages = [first]
    if kind == "repair":
        if tool != "run_lua":
            raise Skip
        bad = refusals.broken(rng, built.script, w)
        wrong = bad and desk.run(bad)
        if not wrong or "error: " not in wrong:
            raise Skip
        messages.append(dict(assistant(plan, "run_lua", {"code": bad}), train=False))
        messages.append({"role": "tool", "name": "run_lua", "content": wrong})
        messages.append(assistant("", "run_lua", {"code": built.script}))
    else:
        messages.append(assistant(plan, tool, arguments))
    messages.append({"role": "tool", "name": tool, "content": obs})
    messages.append(assistant(answer))
    return w, messages, task.__name__


def examples(seed, count, split, desk, only=None):
    """Yields (workspace, messages, kind, task); of the kinds in `only` alone if it is given."""
    rng = random.Random(f"{split} {seed}")
    domains = domains_of(split)
    kinds = only or list(MIXTURE)
    weights = [MIXTURE[kind] for kind in kinds]
    done = 0
    while done < count:
        kind = rng.choices(kinds, weights)[0]
        for _ in range(20):
            try:
                w, messages, task = make(rng, kind, domains, desk)
            except Skip:
                continue
            yield w, messages, kind, task
            done += 1
            break


# Files of the workspaces, to run the same scripts elsewhere ----------------------------------------------------------

def file_text(f):
    """The text of a table's file."""
    t = f.table
    ext = f.path.rsplit(".", 1)[-1]
    if ext in ("json", "ndjson"):
        records = [dict(zip(t.names, row)) for row in zip(*t.data)]
        if ext == "json":
            return json.dumps(records, ensure_ascii=False, indent=1) + "\n"
        return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
    sep = "\t" if ext == "tsv" else ","

    style = f.date_style
    if style in ("%d/%m/%Y", "%m/%d/%Y"):  # without a day after the 12th nobody can tell the two apart
        for values, kind in zip(t.data, t.types):
            if kind == "date" and not any(v and v[8:10] > "12" for v in values):
                style = "%Y-%m-%d"

    def cell(v, kind):
        if v is None:
            return "NA"
        text = cell_text(v) if not isinstance(v, float) else repr(v)
        if kind == "date" and style != "%Y-%m-%d":
            text = date.fromisoformat(text).strftime(style)
        return quoted_cell(text, sep)
    lines = [sep.join(cell(n, "text") for n in t.names)]
    lines += [sep.join(cell(v, k) for v, k in zip(row, t.types)) for row in zip(*t.data)]
    return "\n".join(lines) + "\n"


def files_of(w):
    """path -> (bytes, seconds since 1970 or None)."""
    out = {f.path: (file_text(f).encode(), None) for f in w.tables}
    for path, text in w.texts.items():
        if path in getattr(w, "blobs", {}):
            out[path] = (w.blobs[path], w.times[path])
        elif path.endswith(".png"):
            out[path] = (b"\x89PNG\r\n\x1a\n".ljust(len(text), b"\0"), None)
        else:
            out[path] = (text.encode(), None)
    return out


def write_files(folder, w):
    for path, (data, when) in files_of(w).items():
        full = Path(folder) / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(data)
        if when is not None:
            os.utime(full, (when, when))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--out", required=True)
    parser.add_argument("--split", choices=("train", "eval"), default="train")
    parser.add_argument("--kinds", type=lambda text: text.split(","), help="only these kinds of MIXTURE, separated by commas")
    parser.add_argument("--worker", help="tessera-worker; else $TESSERA_WORKER or the one of build/")
    parser.add_argument("--tables", help="also write the files of each workspace into DIR/NNNNN")
    args = parser.parse_args()
    for kind in args.kinds or []:
        if kind not in MIXTURE:
            parser.error(f"no kind {kind}; there are {', '.join(MIXTURE)}")
    started = time.time()
    if not any((HERE / "domains").glob("*.json")):
        stop(f"{HERE / 'domains'} has no topics: run this from a whole checkout")
    worker = Worker(args.worker)
    desk = Desk(worker)
    fault = desk.fault()
    if fault:
        worker.close()
        stop(f"{worker.program} cannot read a table: {fault}")
    kinds, names, chars, seen = Counter(), Counter(), Counter(), 0
    with open(args.out, "w", encoding="utf-8") as out:
        for number, (w, messages, kind, task) in enumerate(examples(args.seed, args.count, args.split, desk, args.kinds)):
            out.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
            kinds[kind] += 1
            names[f"{kind}/{task}"] += 1
            seen += 1
            chars["prompt"] += len(messages[0]["content"])
            chars["reply"] += len(messages[1]["content"]) + len(json.dumps(messages[1]["tool_calls"][0]["function"]["arguments"]))
            chars["all"] += sum(len(m["content"]) for m in messages)
            if args.tables:
                write_files(Path(args.tables) / f"{number:05d}", w)
    print("conversations per class: " + ", ".join(f"{kind} {n} ({100 * n / seen:.1f} %)" for kind, n in kinds.most_common()), file=sys.stderr)
    for kind, n in kinds.most_common():
        print(f"{kind}: {n} ({100 * n / seen:.1f} %)", file=sys.stderr)
        print("  " + ", ".join(f"{k.split('/')[1]} {v}" for k, v in names.most_common() if k.startswith(kind + "/")), file=sys.stderr)
    print("mean chars: " + ", ".join(f"{k} {v / seen:.0f}" for k, v in chars.items()), file=sys.stderr)
    print(f"{seen} examples, {seen / (time.time() - started):.0f} a second; {desk.unlike} workspaces left out whose profile is not what the recipe expects", file=sys.stderr)
    desk.worker.close()


if __name__ == "__main__":
    main()
