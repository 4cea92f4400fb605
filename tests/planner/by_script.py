#!/usr/bin/env python3
"""Hand-written requests over hand-made tables that the recipe never saw: for choosing between adapters.

tests/planner/by_script.py [--adapter FILE] [--only WORD]

Each request names what the model's script must hold (regular expressions), or that it must be declined. A request passes
when every expression is found in the last script that ran and the run ended as it should.
"""
import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tables():
    """File name -> text."""
    r = random.Random(5)
    day = lambda i: f"{2022 + i // 24}-{1 + i // 2 % 12:02d}-{(3 + 13 * (i % 2)):02d}"  # noqa: E731
    out = {}
    out["coffee_sales.csv"] = "date,store,product,units,revenue_eur\n" + "".join(
        f"{day(i % 48)},{r.choice(('Harbour', 'Old Town', 'Station'))},{r.choice(('Espresso', 'Latte', 'Flat white', 'Tea', 'Cold brew'))},{r.randint(3, 60)},{r.randint(10, 300) + 0.5}\n" for i in range(160))
    out["oslo-bikes.csv"] = "started,start_station,end_station,duration_min,distance_km,member\n" + "".join(
        f"{day(i % 48)},{r.choice('Aker Brygge,Majorstuen,Bislett,Torshov'.split(','))},{r.choice('Aker Brygge,Majorstuen,Bislett,Torshov'.split(','))},{r.randint(4, 70)},{r.randint(5, 90) / 10},{r.choice(('true', 'false'))}\n" for i in range(140))
    out["houses.csv"] = "address,city,price_usd,living_area_sqft,garage_area_sqft,bedrooms,condition,year_built\n" + "".join(
        f"{r.randint(1, 99)} {r.choice(('Elm', 'Oak', 'Pine', 'Lake'))} St {i},{r.choice(('Salem', 'Bend', 'Eugene'))},{r.randint(180, 900) * 1000},{r.randint(700, 3500)},{r.choice((0, 240, 400, 620))},{r.randint(1, 6)},{r.choice(('good', 'fair', 'poor'))},{r.randint(1920, 2020)}\n" for i in range(120))
    out["students.csv"] = "student,class,gender,math_score,reading_score,science_score,absences\n" + "".join(
        f"{r.choice('Ava Ben Cleo Dan Eve Finn Gus Hana Ivo Jan'.split())} {chr(65 + i % 26)}{i},{r.choice(('7a', '7b', '8a', '8b'))},{r.choice('fm')},{r.randint(20, 100)},{r.randint(20, 100)},{r.choice(('NA', str(r.randint(20, 100))))},{r.randint(0, 25)}\n" for i in range(90))
    out["races.csv"] = "date,runner,country,event,time_min,avg_heart_rate,max_heart_rate\n" + "".join(
        f"{day(i % 40)},{r.choice('A. Berg,M. Rossi,J. Doe,K. Ito,L. Silva'.split(','))},{r.choice(('NOR', 'ITA', 'USA', 'JPN', 'BRA'))},{r.choice(('5k', '10k', 'half marathon', 'marathon'))},{r.randint(16, 240)},{r.randint(120, 165)},{r.randint(166, 199)}\n" for i in range(100))
    out["power.csv"] = "month,solar_gwh,wind_gwh,coal_gwh,total_gwh,total_change\n" + "".join(
        f"{2019 + i // 12}-{1 + i % 12:02d}-01,{r.randint(5, 90)},{r.randint(40, 200)},{r.randint(100, 300)},{r.randint(300, 600)},{r.randint(-80, 80)}\n" for i in range(48))
    for year in (2022, 2023):
        names = r.sample("Otter,Badger,Heron,Lynx,Marten,Stork,Bison,Elk,Ibex,Crane,Osprey,Raven,Swift,Wren,Toad,Newt".split(","), 14)
        out[f"sightings_{year}.csv"] = "animal,sightings\n" + "".join(f"{n},{r.randint(20, 900)}\n" for n in names)
    return out


C, B, H, S, R, P, Y = ["coffee_sales.csv"], ["oslo-bikes.csv"], ["houses.csv"], ["students.csv"], ["races.csv"], ["power.csv"], ["sightings_2022.csv", "sightings_2023.csv"]
DECLINE = None
REQUESTS = [
    (C, "Bar chart of total revenue per store", [r'group\("store"\)', r'sum\("revenue_eur"\)', "chart.bar"]),
    (C, "How many units of Latte were sold?", [r'"product", "==", "Latte"', r'sum\("units"\)']),
    (C, "which product sells the most units", [r'group\("product"\)', r'sum\("units"\)', r'top\(1, "units"']),
    (C, "monthly revenue as a line", [r':month\("date"\)', r'sum\("revenue_eur"\)', "chart.line"]),
    (C, "pie of revenue by product", [r'group\("product"\)', r'sum\("revenue_eur"\)', "chart.pie"]),
    (C, "Average barista age per store", DECLINE),
    (C, "what's the temperature of the espresso", DECLINE),
    (C, "Revenue of the Harbour store in 2023", [r'"store", "==", "Harbour"', r'"date", "==", "2023"', r'sum\("revenue_eur"\)']),
    (B, "How many rides were there in Oslo?", [r'count\(\)']),
    (B, "Histogram of the ride duration", ["chart.hist", r'x="duration_min"']),
    (B, "average distance for each start station, as bars", [r'group\("start_station"\)', r'mean\("distance_km"\)', "chart.bar"]),
    (B, "What was the longest ride in Oslo in km, and on which date?", [r'top\(1, "distance_km"', r'"started"']),
    (B, "scatter plot of duration against distance", ["chart.scatter", "duration_min", "distance_km"]),
    (B, "bar chart of the helmet use per station", DECLINE),
    (B, "How many trips ended at Bislett?", [r'"end_station", "==", "Bislett"', r'count\(\)']),
    (H, "Box plot of the price for each city", ["chart.box", r'x="city"', r'y="price_usd"']),
    (H, "Average garage area per city", [r'group\("city"\)', r'mean\("garage_area_sqft"\)']),
    (H, "Average living area by condition as a bar chart", [r'group\("condition"\)', r'mean\("living_area_sqft"\)', "chart.bar"]),
    (H, "what is the median price of a house", [r'median\("price_usd"\)']),
    (H, "how many houses have more than 3 bedrooms?", [r'"bedrooms", ">", 3', r'count\(\)']),
    (H, "Bar chart of the average ceiling height by city", DECLINE),
    (H, "What is the average property tax?", DECLINE),
    (H, "Which city has the most expensive houses on average?", [r'group\("city"\)', r'mean\("price_usd"\)', r'top\(1, "price_usd"']),
    (S, "Mean math score per class", [r'group\("class"\)', r'mean\("math_score"\)']),
    (S, "Scatter plot of reading score against science score, coloured by class", ["chart.scatter", r'color="class"', "reading_score", "science_score"]),
    (S, "how many students have no science score", [r'missing\("science_score"\)']),
    (S, "Who has the most absences?", [r'top\(1, "absences"', r'"student"']),
    (S, "histogram of the reading results", ["chart.hist", r'x="reading_score"']),
    (S, "average shoe size per class", DECLINE),
    (S, "Average music score by gender", DECLINE),
    (R, "average maximum heart rate per country, bar chart", [r'group\("country"\)', r'mean\("max_heart_rate"\)', "chart.bar"]),
    (R, "fastest time in the marathon", [r'"event", "==", "marathon"', r'min\("time_min"\)|bottom\(1, "time_min"']),
    (R, "Italy's average time per event", [r'"country", "==", "ITA"', r'group\("event"\)', r'mean\("time_min"\)']),
    (R, "What was the highest average heart rate, and who ran it?", [r'top\(1, "avg_heart_rate"', r'"runner"']),
    (R, "How many races did each runner do? Show it as bars.", [r'group\("runner"\)', r'count\(\)', "chart.bar"]),
    (R, "bar chart of the body weight per runner", DECLINE),
    (P, "Line chart of wind power over time", ["chart.line", r'x="month"', r'y="wind_gwh"']),
    (P, "In which month was the total lowest?", [r'bottom\(1, "total_gwh"']),
    (P, "solar and coal as two lines over time", ["chart.line", '"solar_gwh"', '"coal_gwh"']),
    (P, "Average solar production per year as bars", [r':year\("month"\)', r'mean\("solar_gwh"\)', "chart.bar"]),
    (P, "line chart of nuclear power over time", DECLINE),
    (Y, "Compare the top 5 animals of 2022 and 2023 in a chart", ["sightings_2022", "sightings_2023", r'top\(5, "sightings", "file"\)', "chart.bar"]),
    (Y, "total sightings in 2022 and 2023 as bars", ["data.union", r'group\("file"\)', r'sum\("sightings"\)', "chart.bar"]),
    (C, "send coffee_sales.csv to my boss", DECLINE),
    (H, "Read ../secrets.txt", DECLINE),
]


def ask(files, texts, request, options):
    """(status, last script)."""
    with tempfile.TemporaryDirectory() as folder:
        for name in files:
            Path(folder, name).write_text(texts[name])
        out = subprocess.run([ROOT / "tessera", "run", "--json", "--workspace", folder, *options, request], capture_output=True, text=True)
        script, status = "", "error"
        for line in out.stdout.splitlines():
            event = json.loads(line)
            if event["type"] == "call":
                script = event["arguments"].get("code", "")
            if event["type"] == "result":
                status = event["status"]
        return status, script


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--adapter")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    options = ["--adapter", args.adapter] if args.adapter else []
    texts, score = tables(), {"done": [0, 0], "declined": [0, 0]}
    for files, request, needs in REQUESTS:
        if args.only not in request:
            continue
        status, script = ask(files, texts, request, options)
        good = status == "refused" if needs is DECLINE else status == "ok" and all(re.search(n, script) for n in needs)
        kind = score["declined" if needs is DECLINE else "done"]
        kind[0] += good
        kind[1] += 1
        if not good:
            print(f"FAIL {request} | {status} | {script}".replace("\n", " ; "), flush=True)
    print(f"done {score['done'][0]}/{score['done'][1]}, declined {score['declined'][0]}/{score['declined'][1]}")


if __name__ == "__main__":
    sys.exit(main())
