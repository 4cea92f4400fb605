#!/usr/bin/env python3
"""Writes training conversations as JSON Lines.

make_data.py --seed 1 --count 1000 --out train.jsonl [--split train|eval] [--tables DIR]
"""
import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import lua  # noqa: E402
import refusals  # noqa: E402
import schemas  # noqa: E402
import tasks  # noqa: E402
from context import Context, Skip  # noqa: E402
from tables import Table, cell_text  # noqa: E402
from wording import plural, render, strip_marks  # noqa: E402

HELD_OUT = {"city_budget", "beekeeping", "ski_lifts", "toy_shop", "podcast_stats", "river_gauges", "dental_clinic"}
MIXTURE = {"chart": 38, "question": 34, "files": 9, "reading": 3, "repair": 3, "absent": 8.5, "absent_value": 0.9, "absent_file": 0.5, "outside": 4}
MAKERS = {"table": schemas.table_workspace, "yearly": schemas.yearly_workspace, "join": schemas.join_workspace, "notes": schemas.notes_workspace, "log": schemas.log_workspace}
LISTS = {"chart": tasks.CHARTS, "question": tasks.QUESTIONS, "files": tasks.FILES, "reading": tasks.READING}
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
    return plan and len(links) <= 8 and all("=" in p and PHRASE.match(p.split("=", 1)[0]) for p in links)


def digits_ok(answer, *sources):
    """Every number of the answer stands in one of the sources."""
    said = set(re.findall(r"\d+(?:\.\d+)?", " ".join(sources)))
    return all(n in said for n in re.findall(r"\d+(?:\.\d+)?", answer))


def call_of(built, w):
    """(tool, arguments, observation)."""
    if built.tool == "run_lua":
        return "run_lua", {"code": built.script}, lua.run(built.script, dict(w.files))
    if built.tool == "read_file":
        return built.tool, built.arguments, w.texts[built.arguments["path"]].rstrip("\n")
    if built.tool == "list_files":
        return built.tool, built.arguments, "\n".join(sorted(w.files))
    path = built.arguments["path"]
    f = next(f for f in w.tables if f.path == path)
    return built.tool, built.arguments, schemas.profile(path, f.table)


def make(rng, kind, domains):
    """(workspace, messages, name of the task) or Skip."""
    if kind in LISTS or kind == "repair":
        source = LISTS[kind if kind != "repair" else rng.choice(("chart", "question"))]
        _, task, where = rng.choices(source, [t[0] for t in source])[0]
        for _ in range(14):  # another workspace until the task fits
            w = MAKERS[where](rng, domains)
            try:
                return one(rng, kind, task, w)
            except Skip:
                continue
        raise Skip
    where = rng.choices(("table", "yearly", "join", "notes"), (75, 8, 7, 10))[0] if kind in ("outside", "absent_file") else rng.choices(("table", "join"), (88, 12))[0]
    w = MAKERS[where](rng, domains)
    built, reason = getattr(refusals, kind)(rng, w)
    request, plan = render(rng, built.marked, built.question)
    if not plan_is_good(plan) or not any(t in plan for t in ("=none", "=outside")) or len(reason) > 230:
        raise Skip
    return w, [user(w, request), assistant(plan, "decline", {"reason": reason})], kind


def user(w, request):
    prompt = w.prompt() + "\n\n" + request
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


def one(rng, kind, task, w):
    x = Context(rng, w)
    built = task(x)
    rows_said(x, built)
    request, plan = render(rng, built.marked, built.question)
    if not plan_is_good(plan):
        raise Skip
    first = user(w, request)
    tool, arguments, obs = call_of(built, w)
    if "error: " in obs or len(obs) > 1500:
        raise Skip
    answer = built.answer(obs)
    if not digits_ok(answer, obs, request, plan) or len(answer) > 420:
        raise Skip
    messages = [first]
    if kind == "repair":
        if tool != "run_lua":
            raise Skip
        bad = refusals.broken(rng, built.script, w)
        wrong = bad and lua.run(bad, dict(w.files))
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


def examples(seed, count, split):
    """Yields (workspace, messages, kind, task)."""
    rng = random.Random(f"{split} {seed}")
    domains = domains_of(split)
    kinds, weights = list(MIXTURE), list(MIXTURE.values())
    done = 0
    while done < count:
        kind = rng.choices(kinds, weights)[0]
        for _ in range(20):
            try:
                w, messages, task = make(rng, kind, domains)
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
        return '"' + text.replace('"', '""') + '"' if sep in text or '"' in text or "\n" in text else text
    lines = [sep.join(cell(n, "text") for n in t.names)]
    lines += [sep.join(cell(v, k) for v, k in zip(row, t.types)) for row in zip(*t.data)]
    return "\n".join(lines) + "\n"


def write_tables(folder, number, w):
    for f in w.tables:
        path = Path(folder) / f"{number:05d}" / f.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file_text(f), encoding="utf-8")
    for name, text in w.texts.items():
        path = Path(folder) / f"{number:05d}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".png"):
            path.write_bytes(b"\x89PNG\r\n\x1a\n".ljust(len(text), b"\0"))
        else:
            path.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--out", required=True)
    parser.add_argument("--split", choices=("train", "eval"), default="train")
    parser.add_argument("--tables", help="also write the files of each workspace into DIR/NNNNN")
    args = parser.parse_args()
    started = time.time()
    kinds, names, chars, seen = Counter(), Counter(), Counter(), 0
    with open(args.out, "w", encoding="utf-8") as out:
        for number, (w, messages, kind, task) in enumerate(examples(args.seed, args.count, args.split)):
            out.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
            kinds[kind] += 1
            names[f"{kind}/{task}"] += 1
            seen += 1
            chars["prompt"] += len(messages[0]["content"])
            chars["reply"] += len(messages[1]["content"]) + len(json.dumps(messages[1]["tool_calls"][0]["function"]["arguments"]))
            chars["all"] += sum(len(m["content"]) for m in messages)
            if args.tables:
                write_tables(args.tables, number, w)
    for kind, n in kinds.most_common():
        print(f"{kind}: {n} ({100 * n / seen:.1f} %)", file=sys.stderr)
        print("  " + ", ".join(f"{k.split('/')[1]} {v}" for k, v in names.most_common() if k.startswith(kind + "/")), file=sys.stderr)
    print("mean chars: " + ", ".join(f"{k} {v / seen:.0f}" for k, v in chars.items()), file=sys.stderr)
    print(f"{seen} examples, {seen / (time.time() - started):.0f} a second", file=sys.stderr)


if __name__ == "__main__":
    main()
