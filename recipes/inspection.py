#!/usr/bin/env python3
"""Pictures of charts with questions about them, as training conversations.

inspection.py --seed 1 --count 12000 --out DIR [--split train|eval] [--kinds A,B] [--most N] [--worker PROGRAM]

Writes DIR/data.jsonl and the pictures beside it. Every chart is invented, drawn by tessera-worker from a Vega-Lite specification, and what is
asked about it (kind, number of bars, lines or slices, what is wrong with it) is known from the specification. Python 3.11, standard library
only; the same seed gives the same bytes. `eval` draws other words and other styles of numbers than `train`.
--most asks how many there are and nothing else, of whole charts with at most N of everything: a training that counts begins with few.
"""
import argparse
import json
import math
import random
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import places  # noqa: E402
from worker import Worker  # noqa: E402

WORDS = {
    "train": ("Adam Berlin Carrots Delta Emma Finland Green Hotel Iron July Kiwi Lemon Maple North Olive Paper Quartz Rome Silver Tulip Urban Violet Water Xenon Yellow Zinc Alpha "
              "Beech Cedar Daisy East Fern Grape Hazel Indigo Jasper Karate Lisbon Mango Nickel Oslo Pear Quebec Rugby South Tennis Umber Vienna West Yoga Zebra").split(),
    "eval": ("Anna Boston Celery Dover Erik France Gold Harbour India June Kale Lime Moss Norway Onion Plum Quince Riga Stone Thyme Ulm Vera Wood Yarrow Zagreb Aster Birch Clover "
             "Dune Elm Fig Ginger Heron Iris Jade Kent Larch Mint").split(),
}
THINGS = {"train": ["sales", "visitors", "rainfall", "price", "score", "weight", "orders", "distance", "yield", "duration", "calls", "speed"],
          "eval": ["revenue", "guests", "snow depth", "cost", "rating", "height", "tickets", "range", "harvest", "delay"]}
PER = {"train": ["city", "month", "team", "product", "region", "species", "year", "shop"], "eval": ["country", "week", "brand", "valley", "school", "engine"]}

INK = "#262626"
# What scripts draw with (tools/script/chart_style.cpp).
OWN = {"view": {"stroke": None},
       "range": {"category": ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B4226", "#7A7A7A"],
                 "ramp": ["#440154", "#482878", "#3E4989", "#31688E", "#26828E", "#1F9E89", "#35B779", "#6ECE58", "#B5DE2B"],
                 "heatmap": ["#440154", "#482878", "#3E4989", "#31688E", "#26828E", "#1F9E89", "#35B779", "#6ECE58", "#B5DE2B"]},
       "mark": {"color": "#0072B2"},
       "title": {"fontSize": 18, "color": INK, "anchor": "start", "offset": 14},
       "axis": {"labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": "normal", "labelColor": "#525252", "titleColor": INK, "gridColor": "#E4E4E4", "domainColor": "#8C8C8C",
                "tickColor": "#8C8C8C", "titlePadding": 10},
       "legend": {"labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": "normal", "labelColor": "#525252", "titleColor": INK},
       "line": {"strokeWidth": 2.2}}
COLORS = ["#4c78a8", "#b03060", "#2e8b57", "#5b3a8c", "#c46210", "#333333", "#008080"]

ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
SIDES = ("left", "bottom", "right", "top")
NAMES = {"bar": "bar chart", "lying": "horizontal bar chart", "grouped": "grouped bar chart", "stacked": "stacked bar chart", "line": "line chart", "area": "area chart",
         "scatter": "scatter plot", "pie": "pie chart", "histogram": "histogram", "box": "box plot", "heat": "heat map"}


def number(n, one, many=None):
    return f"{n} {one if n == 1 else many or one + 's'}"


class Chart:
    """One invented chart: its specification and what is true of it."""

    def __init__(self, rng, split, kinds=tuple(NAMES)):
        self.rng, self.split = rng, split
        self.kind = rng.choice(kinds)
        self.state = rng.choices(["complete", "blank", "cut", "no legend"], [56, 12, 22, 10])[0]
        self.side = rng.choice(SIDES)
        self.largest = None  # place of the largest bar, if it is clear
        self.colored = False  # by names that a legend explains
        self.thing, self.per = rng.choice(THINGS[split]), rng.choice(PER[split])
        self.rows, self.encoding, self.mark = [], {}, {}
        getattr(self, self.kind)()
        if self.state == "no legend" and not self.colored:
            self.state = "complete"
        self.finish()

    def words(self, n):
        rng = self.rng
        if rng.random() < 0.15:
            first = rng.randint(1990, 2015)
            return [str(first + i) for i in range(n)]
        if n <= 12 and rng.random() < 0.1:
            return ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][:n]
        chosen = rng.sample(WORDS[self.split], min(n, len(WORDS[self.split])))
        if rng.random() < 0.2:
            chosen = [f"{w} {rng.choice(WORDS[self.split])}" for w in chosen]
        return chosen

    def scale(self):
        return 10 ** self.rng.uniform(-1, 6)

    def values(self, n):
        rng, scale = self.rng, self.scale()
        low = rng.choice((0.05, 0.3, 0.6))
        values = [rng.uniform(low, 1) * scale for _ in range(n)]
        order = rng.random()
        if order < 0.25:
            values.sort(reverse=True)
        elif order < 0.35:
            values.sort()
        return [float(f"{v:.4g}") for v in values]

    def x_names(self, field="x", title=None):
        return {"field": field, "type": "nominal", "sort": None, "title": title or self.per}

    def y_value(self, field="y"):
        return {"field": field, "type": "quantitative", "title": self.thing}

    def color(self, names):
        self.colored = True
        return {"field": "c", "type": "nominal", "sort": None, "title": self.rng.choice(PER[self.split])}

    # Kinds: rows, encoding, mark, and self.count, what there is to count.
    def bar(self):
        n = self.rng.choice([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16])
        values = self.values(n)
        self.rows = [{"x": name, "y": v} for name, v in zip(self.words(n), values)]
        self.encoding = {"x": self.x_names(), "y": self.y_value()}
        self.mark = {"type": "bar"}
        self.count = number(n, "bar")
        self.find_largest(values, "left")
        if self.rng.random() < 0.2:
            self.encoding["color"] = {**self.x_names(), "legend": None}

    def lying(self):
        self.bar()
        self.encoding["x"], self.encoding["y"] = self.encoding["y"], self.encoding["x"]
        if self.largest:
            self.largest = self.largest.replace("left", "top")

    def find_largest(self, values, edge):
        ranked = sorted(values, reverse=True)
        if 2 <= len(values) <= len(ORDINALS) and ranked[0] > 1.06 * ranked[1]:
            self.largest = f"the {ORDINALS[values.index(ranked[0])]} from the {edge}"

    def two_names(self, most_groups, most_parts):
        groups, parts = self.rng.randint(2, most_groups), self.rng.randint(2, most_parts)
        a, b = self.words(groups), self.rng.sample(WORDS[self.split], parts)
        values = self.values(groups * parts)
        self.rows = [{"x": x, "c": c, "y": values[i * parts + j]} for i, x in enumerate(a) for j, c in enumerate(b)]
        self.mark = {"type": "bar"}
        self.encoding = {"x": self.x_names(), "y": self.y_value(), "color": self.color(b)}
        return groups, parts

    def grouped(self):
        groups, parts = self.two_names(6, 4)
        self.encoding["xOffset"] = {"field": "c", "sort": None}
        self.count = f"{groups} groups of {parts} bars"

    def stacked(self):
        groups, parts = self.two_names(8, 5)
        self.count = f"{number(groups, 'bar')} of {parts} parts"

    def lines(self, most):
        rng = self.rng
        n, points = rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6][:most + 3]), rng.randint(5, 60)
        names = rng.sample(WORDS[self.split], n)
        scale, start = self.scale(), rng.randint(1990, 2015)
        dates = rng.random() < 0.6
        for name in names:
            level, drift, noise = rng.uniform(0.3, 1), rng.uniform(-0.01, 0.02), rng.uniform(0.005, 0.08)
            for i in range(points):
                level = max(0.02, level + drift + rng.gauss(0, noise))
                when = f"{start + i // 12}-{i % 12 + 1:02d}-01" if dates else i
                self.rows.append({"x": when, "c": name, "y": float(f"{level * scale:.4g}")})
        self.encoding = {"x": {"field": "x", "type": "temporal" if dates else "quantitative", "title": rng.choice([None, "time", "day"])}, "y": self.y_value()}
        if n > 1:
            self.encoding["color"] = self.color(names)
        return n

    def line(self):
        n = self.lines(6)
        self.mark = {"type": "line"}
        if self.rng.random() < 0.15 and len(self.rows) < 40 * n:
            self.mark["point"] = True
        self.count = number(n, "line")

    def area(self):
        n = self.lines(4)
        self.mark = {"type": "area"}
        self.count = number(n, "area")

    def scatter(self):
        rng = self.rng
        n, names = rng.choice([1, 1, 2, 3, 4, 5]), []
        names = rng.sample(WORDS[self.split], n)
        sx, sy, slope = self.scale(), self.scale(), rng.uniform(-1, 1)
        for name in names:
            cx, cy = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8)
            for _ in range(rng.randint(12, 70)):
                dx = rng.gauss(0, 0.12)
                self.rows.append({"x": abs(float(f"{(cx + dx) * sx:.4g}")), "y": abs(float(f"{(cy + slope * dx + rng.gauss(0, 0.07)) * sy:.4g}")), "c": name})
        zero = rng.random() < 0.5
        self.encoding = {"x": {"field": "x", "type": "quantitative", "title": rng.choice(THINGS[self.split]), "scale": {"zero": zero}},
                         "y": {**self.y_value(), "scale": {"zero": zero}}}
        if n > 1:
            self.encoding["color"] = self.color(names)
        self.mark = {"type": "point", "filled": rng.random() < 0.7}
        self.count = number(n, "color")

    def pie(self):
        n = self.rng.randint(2, 8)
        parts = [self.rng.uniform(0.25, 1) for _ in range(n)]
        self.rows = [{"c": c, "y": round(100 * v / sum(parts), 1)} for c, v in zip(self.words(n), parts)]
        self.encoding = {"theta": {"field": "y", "type": "quantitative", "stack": True}, "color": self.color(n), "order": {"field": "y", "sort": "descending"}}
        self.mark = {"type": "arc"}
        if self.rng.random() < 0.2:
            self.mark["innerRadius"] = 60
        self.count = number(n, "slice")

    def histogram(self):
        rng = self.rng
        n = rng.randint(5, 20)
        middle, spread, size = rng.uniform(0.2, 0.8) * n, rng.uniform(0.12, 0.4) * n, rng.uniform(20, 2000)
        step = rng.choice([0.5, 1, 2, 5, 10, 20, 100])
        first = rng.choice([0, 0, step * rng.randint(1, 20)])
        for i in range(n):
            height = max(1, round(size * math.exp(-((i + 0.5 - middle) / spread) ** 2 / 2) + rng.uniform(0, 0.04) * size))
            self.rows.append({"a": first + i * step, "b": first + (i + 1) * step, "y": height})
        self.encoding = {"x": {"field": "a", "bin": {"binned": True, "step": step}, "type": "quantitative", "title": self.thing}, "x2": {"field": "b"},
                         "y": {"field": "y", "type": "quantitative", "title": rng.choice(["count", "number of rows", "frequency"])}}
        self.mark = {"type": "bar"}
        self.count = number(n, "bar")

    def box(self):
        rng = self.rng
        n, scale = rng.randint(1, 7), self.scale()
        for name in self.words(n):
            middle, spread = rng.uniform(0.3, 0.7), rng.uniform(0.04, 0.14)
            self.rows += [{"x": name, "y": float(f"{abs(rng.gauss(middle, spread)) * scale:.4g}")} for _ in range(rng.randint(12, 40))]
        self.encoding = {"x": self.x_names(), "y": {**self.y_value(), "scale": {"zero": rng.random() < 0.3}}}
        self.mark = {"type": "boxplot", "size": rng.choice([20, 40, 60])}
        self.count = number(n, "box", "boxes")

    def heat(self):
        rng = self.rng
        columns, rows = rng.randint(2, 12), rng.randint(2, 8)
        a, b, values = self.words(columns), rng.sample(WORDS[self.split], rows), self.values(columns * rows)
        self.rows = [{"x": x, "r": y, "y": values[i * rows + j]} for i, x in enumerate(a) for j, y in enumerate(b)]
        self.encoding = {"x": self.x_names(), "y": self.x_names("r", rng.choice(PER[self.split])), "color": {"field": "y", "type": "quantitative", "title": self.thing}}
        self.mark = {"type": "rect"}
        self.count = f"{columns} columns, {rows} rows"

    def finish(self):
        rng = self.rng
        spec = {"width": rng.randint(420, 860), "height": rng.randint(280, 540), "background": "white", "data": {"values": self.rows}, "mark": self.mark, "encoding": self.encoding}
        style = rng.random()
        if style < 0.6:
            spec.update(width=800, height=500, config=OWN)
        elif style < 0.8:
            spec["config"] = {"mark": {"color": rng.choice(COLORS)}, "axis": {"grid": rng.random() < 0.6, "labelFontSize": rng.choice([10, 11, 13, 15])},
                              "view": {"stroke": rng.choice([None, "#ddd"])}}
        if rng.random() < 0.8 or self.side == "top":
            spec["title"] = rng.choice([f"{self.thing} per {self.per}", f"{self.thing}", f"{self.thing} and {self.per}", f"{self.per}: {self.thing}"]).capitalize()
        if self.state == "no legend":
            self.encoding["color"]["legend"] = None
        if self.state == "blank":
            self.make_blank(spec)
        # With automatic sizes nothing is ever cut. What is cut has a fixed size and too little room on one side; some whole charts have a fixed size too.
        legend = self.colored and self.state != "no legend" or self.kind == "heat"
        if self.state == "cut" and (self.side == "right" and not legend or self.kind == "pie" and self.side in ("left", "bottom")):
            self.side = "top" if "title" in spec else None
            if self.side is None:
                self.state = "complete"
        if self.state == "cut" or self.state == "complete" and rng.random() < 0.3:
            room = {"left": 150, "bottom": 140, "right": 170 if legend else 30, "top": 50}
            if self.state == "cut":
                room[self.side] = {"left": rng.randint(0, 22), "bottom": rng.randint(0, 10), "right": rng.randint(10, 34), "top": rng.randint(0, 16)}[self.side]
                if self.side == "right":
                    self.encoding["color"].setdefault("legend", {})["orient"] = "right"
            if style < 0.6:
                spec["width"], spec["height"] = 800 - room["left"] - room["right"], 500 - room["top"] - room["bottom"]
            spec.update(autosize="none", padding=room)
        else:
            spec.update(autosize={"type": "fit", "contains": "padding"}, padding=rng.choice([5, 14, 14]))
        self.spec = spec

    def make_blank(self, spec):
        """No mark to be seen: no rows, rows elsewhere, or marks in the colour of the ground."""
        rng = self.rng
        way = rng.choice(["rows", "far", "white", "empty"])
        if way == "far" and (self.kind in ("pie", "heat", "stacked", "area", "box") or "y" not in self.encoding):
            way = "white"
        if way == "rows":
            spec["data"] = {"values": []}
        elif way == "empty":
            spec.update(data={"values": [{}]}, mark={"type": "point", "opacity": 0}, encoding={})
            spec.pop("title", None)
        elif way == "far":
            channel = "x" if self.kind == "lying" else "y"
            top = max(row["y"] for row in self.rows)
            self.encoding[channel] = {**self.encoding[channel], "scale": {"domain": [5 * top, 9 * top], "zero": False}}
            self.mark["clip"] = True
        else:
            spec["mark"] = {**self.mark, "opacity": 0} if self.kind != "box" else {"type": "point", "opacity": 0}
            self.encoding.pop("xOffset", None)
            if self.colored or "color" in self.encoding:
                self.encoding["color"]["legend"] = None

    def point_at(self, svg):
        """Puts the places of what is counted before the counts, from the drawing of the same chart."""
        counts = [int(n) for n in re.findall(r"\d+", self.count)]
        found = places.of(places.Drawing(svg), self.kind, counts)
        if self.state != "blank" and any(counts[i] > 1 and found[i] for i in range(len(counts))):
            self.count = ", ".join(" ".join(f"{i}={place}" for i, place in enumerate(p, 1)) for p in found if p) + ": " + self.count

    def said(self):
        """What a look at the picture should find."""
        if self.state == "blank":
            return "blank"
        wrong = {"complete": "complete", "cut": f"cut off at the {self.side}", "no legend": "no legend"}[self.state]
        return f"{NAMES[self.kind]}; {wrong}"

    def questions(self):
        """What else can be asked: [(weight, [wordings], answer)]"""
        blank = self.state == "blank"
        article = "An" if NAMES[self.kind][0] in "aeiou" else "A"
        asked = [(1, ["What kind of chart is this?", "which chart type is it?", "What sort of chart do you see?"], "It is blank." if blank else f"{article} {NAMES[self.kind]}."),
                 (1, ["Is anything cut off?", "Are labels cut off at an edge?", "is the picture clipped?"], f"Yes, at the {self.side}." if self.state == "cut" else "No."),
                 (0.6, ["Is the chart empty?", "is it blank?", "Does it show any data?"][:2], "Yes." if blank else "No.")]
        if not blank:
            asked.append((1.5, COUNT, self.count + "."))
            if self.colored:
                asked.append((0.7, ["Is there a legend?", "does it have a legend?"], "No." if self.state == "no legend" else "Yes."))
            if self.largest and self.kind in ("bar", "lying"):
                asked.append((1.5, ["Which bar is the largest?", "which bar is the longest?", "Where is the largest bar?"], self.largest[0].upper() + self.largest[1:] + "."))
        return asked


COUNT = ["How many are there?", "What can be counted here?", "count the bars, lines, slices or boxes"]
CHECK = ["Check this chart.", "Check the chart.", "Look at this chart: what is it, and is it complete?"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split", choices=("train", "eval"), default="train")
    parser.add_argument("--kinds", type=lambda text: text.split(","), default=list(NAMES), help="only these, separated by commas: " + ", ".join(NAMES))
    parser.add_argument("--most", type=int, default=0, help="only counts, of whole charts with at most N bars, lines, slices …")
    parser.add_argument("--worker")
    options = parser.parse_args()
    for kind in options.kinds:
        if kind not in NAMES:
            parser.error(f"no kind {kind}; there are {', '.join(NAMES)}")
    options.out.mkdir(parents=True, exist_ok=True)
    worker = Worker(options.worker)
    made = failed = 0
    with open(options.out / "data.jsonl", "w") as out:
        number_of_try = 0
        while made < options.count:
            rng = random.Random(f"{options.seed}/{options.split}/{number_of_try}")
            number_of_try += 1
            chart = Chart(rng, options.split, options.kinds)
            if options.most and (chart.state != "complete" or max(map(int, re.findall(r"\d+", chart.count))) > options.most):
                continue
            scale = rng.uniform(0.6, 1.3)
            worker.fill({"spec.json": (json.dumps(chart.spec).encode(), None)})
            picture = worker.folder / "picture"
            drawn = {}
            for form in ("svg", "png"):
                picture.unlink(missing_ok=True)
                events = worker.ask({"mode": "draw", "path": "spec.json", "format": form, "scale": scale, "own": True})
                drawn[form] = picture.read_bytes() if picture.exists() else None
            if not drawn["svg"] or not drawn["png"]:
                failed += 1
                if failed > 20 and failed > made:
                    raise SystemExit(f"charts cannot be drawn: {events}")
                continue
            plain_count = chart.count
            chart.point_at(drawn["svg"].decode())
            name = f"{made:06d}.png"
            (options.out / name).write_bytes(drawn["png"])
            asked = chart.questions()
            _, wordings, answer = rng.choices(asked, [a[0] for a in asked])[0]
            question = rng.choice(wordings)
            turns = [(question, answer)]
            if options.split == "eval":
                turns = [(CHECK[0], chart.said())] + ([] if chart.state == "blank" else [(COUNT[0], chart.count + ".")])
            elif options.most:
                turns = [(rng.choice(COUNT), plain_count + ".")]
            elif rng.random() < 0.75:
                turns = [(rng.choice(CHECK), chart.said())]
            messages = []
            for question, answer in turns:
                messages += [{"role": "user", "content": [{"type": "text", "text": question}]}, {"role": "assistant", "content": answer}]
            messages[0]["content"].insert(0, {"type": "image", "path": name})
            out.write(json.dumps({"messages": messages}) + "\n")
            made += 1
    worker.close()
    print(f"{made} charts, {failed} more were not drawn", file=sys.stderr)


if __name__ == "__main__":
    main()
