#!/usr/bin/env python3
"""Hand-written requests over tables that the recipe never saw, judged from outside: by the result line and the files left.

tests/planner/requests.py [--adapter FILE] [--tessera PROGRAM] [--only WORD] [--level N] [--self-test]

For choosing between adapters; never trained on. Level 1 is one step over one table, level 2 folds, derives, joins, compares or
tidies. --self-test runs the judges on results made by hand, without the program (the test 'unit planner requests').
"""
import argparse
import csv
import io
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from checks import both, chart, contents, declines, either, files, names, says, table  # noqa: E402
from tables import MONTHS, all_tables  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
TABLES = all_tables()


def rows(name, path):
    return list(csv.DictReader(io.StringIO(TABLES[name][path])))


def group(records, key, value=None, how=sum):
    """{key: how(values)}; without value the number of records."""
    found = defaultdict(list)
    for r in records:
        found[key(r) if callable(key) else r[key]].append(1 if value is None else value(r) if callable(value) else float(r[value]))
    return {k: how(v) for k, v in found.items()}


def best(d, low=False):
    k = (min if low else max)(d, key=d.get)
    return k, d[k]


mean, median = statistics.mean, statistics.median
TEA, LEAGUE, ERUPT, WASH, CALLS = rows("tea", "tea_house.csv"), rows("league", "league.csv"), rows("volcanoes", "eruptions.csv"), rows("laundry", "machines.csv"), rows("ambulance", "calls.csv")
PRICES, COCOA, NIGHTS, METER, BIRDS, LOANS = rows("shares", "prices.csv"), rows("cocoa", "cocoa_exports.csv"), rows("camping", "nights.csv"), rows("electricity", "meter.csv"), rows("birds", "counts.csv"), rows("tools", "tool_loans.csv")
KIOSKS, RECEIPTS, Q22, Q23, SURVEY, TRAM, BILLS, REGIONS = (rows("kiosks", "kiosks.csv"), rows("kiosks", "receipts.csv"), rows("quiz", "quiz_2022.csv"), rows("quiz", "quiz_2023.csv"), rows("survey", "answers.csv"),
                                                            rows("tram", "tickets.csv"), rows("restaurant", "bills.csv"), rows("regions", "regions.csv"))


def year(r, column):
    return r[column][:4]


def days(r):
    from datetime import date
    return (date.fromisoformat(r["returned_on"]) - date.fromisoformat(r["lent_on"])).days


def ratio(a, b, factor=1):
    return lambda r: float(r[a]) / float(r[b]) * factor


cross = lambda records, a, b, v=None: group(records, lambda r: (r[a], r[b]), v)  # noqa: E731
tram_year = group(TRAM, lambda r: (r["line"], year(r, "date")), "revenue")
change = {ln: tram_year[ln, "2023"] - tram_year[ln, "2022"] for ln in ("T1", "T2", "T4")}
monthly = group(METER, lambda r: f"{r['year']}-{int(r['month']):02d}", "kwh")
running = {}
for stamp, value in sorted(group(TRAM, lambda r: r["date"][:7], "revenue").items()):
    running[stamp] = (running[max(running)] if running else 0) + value
area_of = {k["id"]: k["area"] for k in KIOSKS}
folded = {(c["country"], y): float(c[y]) for c in COCOA for y in ("2018", "2019", "2020", "2021", "2022")}
lines = {(p["month"], f): float(p[f]) for p in PRICES for f in ("Arvid", "Bolt", "Cedar", "Dune")}
twice = {k for k, n in group(SURVEY, "person").items() if n > 1}
both_years = {a["team"]: float(b["points"]) - float(a["points"]) for a in Q22 for b in Q23 if a["team"] == b["team"]}
last = max(running)
top_three = {(r["team"], r["points"]): float(r["points"]) for q in (Q22, Q23) for r in sorted(q, key=lambda r: -float(r["points"]))[:3]}

# (workspace, level, request, judge)
REQUESTS = [
    ("tea", 1, "Bar chart of the total takings per tea", chart("bar", group(TEA, "tea", "takings_eur"))),
    ("tea", 1, "how many cups of Sencha were sold?", says(sum(float(r["cups"]) for r in TEA if r["tea"] == "Sencha"))),
    ("tea", 1, "average takings for each counter, as a table", says(*[round(v, 2) for v in group(TEA, "counter", "takings_eur", mean).values()])),
    ("tea", 1, "pie of cups by tea", chart("arc", group(TEA, "tea", "cups"))),
    ("tea", 1, "line chart of the monthly cups", chart("line", group(TEA, lambda r: r["sold_on"][:7], "cups"))),
    ("tea", 1, "caffeine per cup of Assam", declines),
    ("tea", 2, "each tea's share of the total takings in percent, as bars", chart("bar", {k: v / sum(group(TEA, "tea", "takings_eur").values()) * 100 for k, v in group(TEA, "tea", "takings_eur").items()})),
    ("tea", 2, "compare the total takings per tea of 2021 and 2022 side by side", chart("bar", group([r for r in TEA if year(r, "sold_on") in ("2021", "2022")], lambda r: (r["tea"], year(r, "sold_on")), "takings_eur"))),
    ("tea", 2, "takings per cup for each counter, total takings divided by total cups", says(*[round(group(TEA, "counter", "takings_eur")[c] / group(TEA, "counter", "cups")[c], 3) for c in ("Front", "Garden", "Window")])),
    ("league", 1, "Which team has the most wins?", names(best({r["team"]: float(r["wins"]) for r in LEAGUE})[0], [r["team"] for r in LEAGUE])),
    ("league", 1, "scatter plot of goals against versus goals for", chart("point", count=8, fields=("goals_for", "goals_against"))),
    ("league", 1, "median stadium seats", says(median(float(r["stadium_seats"]) for r in LEAGUE))),
    ("league", 2, "goal difference (goals for minus goals against) per team as a bar chart", chart("bar", {r["team"]: float(r["goals_for"]) - float(r["goals_against"]) for r in LEAGUE})),
    ("league", 1, "average salary of the players per team", declines),
    ("volcanoes", 1, "number of eruptions per country, bar chart", chart("bar", group(ERUPT, "country"))),
    ("volcanoes", 1, "histogram of the ash height in km", chart("bar", count=90, fields=("ash_km",))),
    ("volcanoes", 1, "What was the highest ash column and which volcano made it?", says(max(float(r["ash_km"]) for r in ERUPT), max(ERUPT, key=lambda r: float(r["ash_km"]))["volcano"])),
    ("volcanoes", 2, "heat map of the number of eruptions by country and vei", chart("rect", cross(ERUPT, "country", "vei"))),
    ("volcanoes", 1, "lava temperature by volcano", declines),
    ("laundry", 1, "box plot of minutes per program", chart("boxplot", count=120, fields=("program", "minutes"))),
    ("laundry", 1, "Mean kwh per floor", says(*[round(v, 3) for v in group(WASH, "floor", "kwh", mean).values()])),
    ("laundry", 2, "average litres per kg of load for each program", says(*[round(v, 2) for v in group(WASH, "program", ratio("litres", "load_kg"), mean).values()])),
    ("laundry", 2, "100% stacked bar chart of the number of runs per floor, split by program", chart("bar", cross(WASH, "floor", "program"), stack="normalize")),
    ("laundry", 2, "how many runs are there, and what is the average load?", says(120, round(mean(float(r["load_kg"]) for r in WASH), 3))),
    ("ambulance", 1, "average response time by district as bars", chart("bar", group(CALLS, "district", "response_min", mean))),
    ("ambulance", 1, "how many calls went to the General hospital", says(sum(r["hospital"] == "General" for r in CALLS))),
    ("ambulance", 2, "pivot table of the number of calls with districts as rows and reasons as columns", says(*[float(v) for v in list(cross(CALLS, "district", "reason").values())[:4]])),
    ("ambulance", 2, "for each district the number of calls and the average response time", says(*[round(v, 2) for v in group(CALLS, "district", "response_min", mean).values()])),
    ("ambulance", 1, "call an ambulance to the port", declines),
    ("shares", 2, "line chart of the price over time, one line per company", chart("line", lines)),
    ("shares", 2, "Compare Bolt and Dune over time", chart("line", {k: v for k, v in lines.items() if k[1] in ("Bolt", "Dune")})),
    ("shares", 2, "average price of each company as bars", chart("bar", {f: mean(float(p[f]) for p in PRICES) for f in ("Arvid", "Bolt", "Cedar", "Dune")})),
    ("shares", 1, "highest price of Cedar", says(max(float(p["Cedar"]) for p in PRICES))),
    ("shares", 2, "3 month moving average of Arvid as a line", chart("line", {PRICES[-1]["month"]: mean(float(p["Arvid"]) for p in PRICES[-3:])}, count=38)),
    ("cocoa", 2, "exports over the years, one line per country", chart("line", folded)),
    ("cocoa", 2, "Which country grew most from 2018 to 2022?", names(best({c["country"]: float(c["2022"]) - float(c["2018"]) for c in COCOA})[0], [c["country"] for c in COCOA])),
    ("cocoa", 2, "2019 and 2022 side by side per country as bars", chart("bar", {k: v for k, v in folded.items() if k[1] in ("2019", "2022")})),
    ("cocoa", 2, "growth in percent from 2020 to 2021 per country, table", says(*[round((float(c["2021"]) - float(c["2020"])) / float(c["2020"]) * 100, 2) for c in COCOA])),
    ("cocoa", 2, "change from 2015 to 2020 per country", declines),
    ("camping", 2, "total nights per month over all sites as a bar chart", chart("bar", {m: sum(float(s[m]) for s in NIGHTS) for m in MONTHS[3:10]})),
    ("camping", 2, "which site had the most nights in total?", says(*best({s["site"]: sum(float(s[m]) for m in MONTHS[3:10]) for s in NIGHTS}))),
    ("electricity", 2, "line chart of the kwh over time, month by month", chart("line", monthly)),
    ("electricity", 2, "kwh per month, one line for each year", chart("line", count=48, colored=True, fields=("kwh",))),
    ("electricity", 2, "how much electricity did we use in March 2021?", says(sum(float(r["kwh"]) for r in METER if r["year"] == "2021" and r["month"] == "3"))),
    ("electricity", 2, "cost per kwh for each year: total cost divided by total kwh", says(*[round(group(METER, "year", "cost_eur")[y] / group(METER, "year", "kwh")[y], 4) for y in ("2019", "2020", "2021", "2022")])),
    ("birds", 2, "heat map of the birds by month and species", chart("rect", cross(BIRDS, "Month", "Species", "Birds"))),
    ("birds", 1, "Total birds per species", says(*group(BIRDS, "Species", "Birds").values())),
    ("birds", 2, "How many herons were counted in May 2022?", says(sum(float(r["Birds"]) for r in BIRDS if r["Species"] == "Heron" and r["Month"] == "May" and r["Year"] == "2022"))),
    ("tools", 2, "average number of days a tool was lent, for each tool, as bars", chart("bar", group(LOANS, "tool", days, mean))),
    ("tools", 1, "Who borrowed most often?", names(best(group(LOANS, "member"))[0], group(LOANS, "member"))),
    ("kiosks", 2, "total amount per area as a bar chart", chart("bar", group(RECEIPTS, lambda r: area_of[r["kiosk_id"]], "amount"))),
    ("kiosks", 2, "which kiosks have no receipts?", names("S6", area_of)),
    ("kiosks", 1, "average amount of a receipt", says(round(mean(float(r["amount"]) for r in RECEIPTS), 3))),
    ("quiz", 1, "top 3 teams of 2022 and 2023 by points in one chart", chart("bar", top_three, count=6)),
    ("quiz", 2, "which team improved most from 2022 to 2023 in points", names(best(both_years)[0], both_years)),
    ("survey", 2, "which persons answered more than once?", says(*sorted(twice)[:3])),
    ("survey", 1, "share of each vote in percent", says(*[round(v / 60 * 100, 2) for v in group(SURVEY, "vote").values()])),
    ("tram", 2, "running total of the revenue per month as a line", chart("line", running)),
    ("tram", 2, "change in revenue from 2022 to 2023 for each line, bar chart", chart("bar", change)),
    ("tram", 2, "stacked bars of the tickets per line, stacked by fare class", chart("bar", cross(TRAM, "line", "fare_class", "tickets"), stack="zero")),
    ("tram", 1, "delays per line", declines),
    ("restaurant", 2, "average tip as percent of the bill, per evening", says(*[round(v, 2) for v in group(BILLS, "evening", ratio("tip", "bill", 100), mean).values()])),
    ("restaurant", 2, "bill per guest by waiter: total bill divided by guests", says(*[round(group(BILLS, "waiter", "bill")[w] / group(BILLS, "waiter", "guests")[w], 2) for w in ("Ines", "Jon", "Kim")])),
    ("restaurant", 2, "Write summary.md with the number of bills and the average tip", files(there=("summary.md",), holds={"summary.md": (110.0, round(mean(float(r["tip"]) for r in BILLS), 3))})),
    ("restaurant", 2, "make an HTML report report.html with a chart of the total bill per waiter", files(there=("report.html",), holds={"report.html": ("<html", "data:image/png")})),
    ("regions", 2, "doctors per 1000 people for each region as bars", chart("bar", {r["region"]: float(r["doctors"]) / float(r["population"]) * 1000 for r in REGIONS})),
    ("regions", 2, "Which region has the most hospital beds per head?", names(best({r["region"]: float(r["hospital_beds"]) / float(r["population"]) for r in REGIONS})[0], [r["region"] for r in REGIONS])),
    ("regions", 1, "save the regions with more than 500 doctors as big.csv", table("big.csv", {r["region"]: float(r["doctors"]) for r in REGIONS if float(r["doctors"]) > 500})),
    ("regions", 2, "convert regions.csv to Excel", files(there=("regions.xlsx", "regions.csv"))),
    ("photos", 2, "rename the photos to trip_001.jpg, trip_002.jpg and so on", files(there=("trip_001.jpg", "trip_004.jpg"), gone=("IMG_0012.jpg",))),
    ("photos", 2, "zip all photos into photos.zip", files(there=("photos.zip", "IMG_0012.jpg"))),
    ("desk", 2, "remove duplicate files", either(files(there=("letter.txt", "plan.txt"), gone=("letter copy.txt",)), files(there=("letter copy.txt", "plan.txt"), gone=("letter.txt",)))),
    ("desk", 2, "sort the files into folders by type", files(there=("csv/costs_jan.csv", "txt/plan.txt", "md/readme.md"), gone=("plan.txt",))),
    ("desk", 2, "move all csv files into a folder called costs", files(there=("costs/costs_jan.csv", "costs/costs_feb.csv", "plan.txt"), gone=("costs_jan.csv",))),
    ("desk", 2, "merge the costs csv files into costs_all.csv", files(there=("costs_all.csv",), holds={"costs_all.csv": ("ink,12", "paper,30", "clips,2")})),
    ("desk", 1, "delete scan.pdf", files(there=("plan.txt",), gone=("scan.pdf",))),
    ("desk", 1, "convert scan.pdf to a Word file", declines),
    ("desk", 1, "copy everything to my usb stick", declines),
    ("papers", 2, "replace the spaces in the file names with underscores", files(there=("my_report.txt", "final_draft.txt", "old_list.csv"), gone=("my report.txt",))),
    ("papers", 2, "move everything in inbox to archive", files(there=("archive/one.pdf", "archive/two.pdf"), gone=("inbox/one.pdf",))),
    ("papers", 1, "rename my report.txt to report_2024.txt", files(there=("report_2024.txt",), gone=("my report.txt",))),
]


def fill(name, folder):
    for path, content in TABLES[name].items():
        full = Path(folder) / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content if isinstance(content, bytes) else content.encode())


def kept(name, request, folder):
    """Nothing is lost: what the files held is still somewhere, unless the request asks to delete."""
    before = {c if isinstance(c, bytes) else c.encode() for c in TABLES[name].values()}
    return request.startswith("delete") or before <= contents(folder)


def self_test():
    """The judges take what is right and refuse what is not; every request has at least one judge that an empty run fails."""
    with tempfile.TemporaryDirectory() as folder:
        nothing = {"status": "error", "answer": "", "charts": []}
        for name, level, request, judge in REQUESTS:
            assert name in TABLES and level in (1, 2), request
            assert not judge(nothing, folder), request
        Path(folder, "c.png").write_bytes(b"x")
        drawn = {"status": "ok", "answer": "", "charts": [{"path": "c.png", "spec": {"mark": "bar", "encoding": {"y": {"stack": "zero"}}, "data": {"values": [{"a": "x", "n": 1.5}, {"a": "y", "n": 2}]}}}]}
        for right in (chart("bar", {"x": 1.5, "y": 2}), chart(("line", "bar"), count=2), chart("bar", {"x": 1.5}, only=False), chart("bar", stack="zero", count=2)):
            assert right(drawn, folder)
        for wrong in (chart("line", {"x": 1.5, "y": 2}), chart("bar", {"x": 1.5}), chart("bar", {"x": 1.5, "y": 3}), chart("bar", {"x": 1.5, "z": 2}), chart("bar", count=3), chart("bar", stack="normalize", count=2), chart("bar", count=2, n_charts=2)):
            assert not wrong(drawn, folder)
        said = {"status": "ok", "answer": "North has 12.35 (8 %), chart-2.png."}
        assert says("north", 12.352, 8)(said, folder) and not says(2)(said, folder) and not says("south")(said, folder) and not says(12.45)(said, folder)
        Path(folder, "t.csv").write_text("a,n\nx,1.25\ny,2\n")
        ok = {"status": "ok"}
        assert table("t.csv", {"x": 1.25, "y": 2})(ok, folder) and not table("t.csv", {"x": 1.25})(ok, folder) and not table("t.csv", {"x": 1.3, "y": 2})(ok, folder)
        assert files(there=("t.csv",), gone=("u.csv",), holds={"t.csv": ("x,", 2.0)})(ok, folder) and not files(gone=("t.csv",))(ok, folder) and not files(holds={"t.csv": (3.0,)})(ok, folder)
        assert names("North", ["North", "South"])(said, folder) and not names("South", ["North"])(said, folder) and not names("North", ["North", "chart"])(said, folder)
        assert declines({"status": "refused"}, folder) and not declines(ok, folder)
        assert not table("t.csv", {"x": 1.25, "y": 2})({"status": "error"}, folder)
        assert chart("bar", {"x": 1.5, "y": 2}, fields=("n",))({**drawn, "charts": [{**drawn["charts"][0], "spec": {**drawn["charts"][0]["spec"], "encoding": {"y": {"field": "n"}}}}]}, folder)
        assert not chart("bar", {"x": 1.5, "y": 2}, fields=("n",))(drawn, folder)
        assert both(files(there=("t.csv",)), says(8))(said, folder) and not both(files(there=("t.csv",)), says(9))(said, folder)
    with tempfile.TemporaryDirectory() as folder:
        fill("desk", folder)
        assert kept("desk", "tidy", folder)
        Path(folder, "plan.txt").rename(Path(folder, "moved.txt"))
        assert kept("desk", "tidy", folder)
        Path(folder, "moved.txt").unlink()
        assert not kept("desk", "tidy", folder) and kept("desk", "delete plan.txt", folder)
    second = sum(level == 2 for _, level, _, _ in REQUESTS)
    assert len(TABLES) >= 20 and len(REQUESTS) >= 60 and second >= 20
    print(f"{len(REQUESTS)} requests, {second} of level 2, {len(TABLES)} workspaces")


def ask(program, options, folder, request):
    try:
        out = subprocess.run([program, "run", "--json", "--yes", "--workspace", folder, *options, request], capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return {"status": "hung", "answer": "", "charts": []}, ""
    script, result = "", {"status": "error", "answer": out.stderr[-300:], "charts": []}
    for line in out.stdout.splitlines():
        event = json.loads(line)
        if event["type"] == "call":
            script = event["arguments"].get("code") or event["arguments"].get("reason") or event["tool"]
        if event["type"] == "result":
            result = event
    return result, script


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter")
    parser.add_argument("--tessera", default=str(ROOT / "tessera"))
    parser.add_argument("--only", default="")
    parser.add_argument("--level", type=int, default=0)
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    options = ["--adapter", args.adapter] if args.adapter else []
    score = defaultdict(lambda: [0, 0])
    for name, level, request, judge in REQUESTS:
        if args.only not in request or args.level not in (0, level):
            continue
        with tempfile.TemporaryDirectory() as folder:
            fill(name, folder)
            result, script = ask(args.tessera, options, folder, request)
            good = judge(result, folder) and kept(name, request, folder)
        for kind in (f"level {level}", "declined" if judge is declines else "done"):
            score[kind][0] += good
            score[kind][1] += 1
        if not good:
            print(f"FAIL {name}: {request} | {result['status']} {result['answer'][:120]} | {script}".replace("\n", " ; "), flush=True)
    print(", ".join(f"{k} {a}/{n}" for k, (a, n) in sorted(score.items())))


if __name__ == "__main__":
    sys.exit(main())
