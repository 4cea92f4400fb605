#!/usr/bin/env python3
"""Times charts here, in matplotlib and in vl-convert-python, in one run on the same data.

  speed.py PROGRAM [--rounds N] [--out FOLDER]

PROGRAM  the built vega-speed

Run it with a python that has matplotlib and vl-convert-python (a virtual environment outside of the repository).
Two tasks, each to a PNG of 1200x800 pixels in memory:
  bars     12 bars, the data in the specification
  points   100,000 points of four colours; the data is a CSV file, which is read each time
All contenders are warm: each has drawn the chart once before. In every round each of them draws it once, in turn, so that
whatever else the machine does meets all of them. Figures are medians and least values of wall time; "processor" is the
median of the processor time of the contender's process.

matplotlib: the Agg canvas, circles without fill by one scatter() per colour, its default PNG settings.
vl-convert: the same Vega-Lite specification at scale 1; the rows of the CSV file are put into it, as it reads no files
without a server.
"""
import argparse, csv, io, json, os, platform, random, statistics, subprocess, sys, tempfile, time

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import vl_convert


def write_data(folder):
    r = random.Random(7)
    size = {"width": 1200, "height": 800, "autosize": {"type": "fit", "contains": "padding"}}
    rows = [{"shop": f"Shop {i + 1}", "sum": round(20 + 80 * r.random(), 1)} for i in range(12)]
    bars = {**size, "data": {"values": rows}, "mark": "bar",
            "encoding": {"x": {"field": "shop", "type": "nominal"}, "y": {"field": "sum", "type": "quantitative"}}}
    with open(os.path.join(folder, "points.csv"), "w") as out:
        out.write("x,y,kind\n")
        for _ in range(100000):
            k = r.randrange(4)
            out.write(f"{r.gauss(k, 1):.4f},{r.gauss(2 * k, 1.5):.4f},{'abcd'[k]}\n")
    points = {**size, "data": {"url": "points.csv"}, "mark": "point",
              "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"},
                           "color": {"field": "kind", "type": "nominal"}}}
    for name, spec in (("bars", bars), ("points", points)):
        json.dump(spec, open(os.path.join(folder, name + ".json"), "w"))
    return {"bars": bars, "points": points}


class Ours:
    name = "tessera"

    def __init__(self, program, folder):
        self.folder = folder
        self.process = subprocess.Popen([program, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def draw(self, task):
        print(os.path.join(self.folder, task + ".json"), 1, os.path.join(self.folder, task + ".png"), file=self.process.stdin, flush=True)
        compiling, painting, processor, size = map(float, self.process.stdout.readline().split())
        return compiling + painting, processor, int(size)


class InThisProcess:
    def draw(self, task):
        wall, processor = time.perf_counter(), time.process_time()
        picture = getattr(self, task)()
        return (time.perf_counter() - wall) * 1e3, (time.process_time() - processor) * 1e3, len(picture)


def read_points(folder):
    with open(os.path.join(folder, "points.csv"), newline="") as file:
        return list(csv.DictReader(file))


class Matplotlib(InThisProcess):
    name = "matplotlib"

    def __init__(self, folder, specs):
        self.folder, self.rows = folder, specs["bars"]["data"]["values"]

    def picture(self, draw):
        figure, axes = plt.subplots(figsize=(12, 8), dpi=100)
        draw(axes)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=100)
        plt.close(figure)
        return out.getvalue()

    def bars(self):
        def draw(axes):
            axes.bar([r["shop"] for r in self.rows], [r["sum"] for r in self.rows])
            axes.set_xlabel("shop"), axes.set_ylabel("sum"), axes.grid(axis="y")
        return self.picture(draw)

    def points(self):
        def draw(axes):
            by = {}
            for row in read_points(self.folder):
                by.setdefault(row["kind"], ([], []))
                by[row["kind"]][0].append(float(row["x"])), by[row["kind"]][1].append(float(row["y"]))
            for color, kind in zip(("#4c78a8", "#f58518", "#e45756", "#72b7b2"), sorted(by)):
                axes.scatter(*by[kind], s=17, facecolors="none", edgecolors=color, linewidths=1.5, alpha=0.7, label=kind)
            axes.set_xlabel("x"), axes.set_ylabel("y"), axes.grid(), axes.legend(loc="upper right")
        return self.picture(draw)


class VlConvert(InThisProcess):
    name = "vl-convert"

    def __init__(self, folder, specs):
        self.folder, self.specs = folder, specs

    def bars(self):
        return vl_convert.vegalite_to_png(self.specs["bars"], scale=1)

    def points(self):
        rows = [{"x": float(r["x"]), "y": float(r["y"]), "kind": r["kind"]} for r in read_points(self.folder)]
        return vl_convert.vegalite_to_png({**self.specs["points"], "data": {"values": rows}}, scale=1)


def machine():
    name = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("--rounds", type=int, default=15)
    p.add_argument("--out", help="folder for data and our pictures")
    o = p.parse_args()
    folder = o.out or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    specs = write_data(folder)
    contenders = [Ours(o.program, folder), Matplotlib(folder, specs), VlConvert(folder, specs)]
    print(machine())
    print(f"python {platform.python_version()}, matplotlib {matplotlib.__version__}, vl-convert {vl_convert.__version__}")
    for task, rounds in (("bars", 2 * o.rounds), ("points", max(3, o.rounds // 3))):
        taken = {c.name: [] for c in contenders}
        for c in contenders:
            c.draw(task)
        for _ in range(rounds):
            for c in contenders:
                taken[c.name].append(c.draw(task))
        ours = statistics.median(t[0] for t in taken["tessera"])
        print(f"\n{task}, {rounds} rounds      median ms   least ms  processor ms  times ours      bytes")
        for name, times in taken.items():
            wall = [t[0] for t in times]
            print(f"{name:22} {statistics.median(wall):12.1f} {min(wall):10.1f} {statistics.median(t[1] for t in times):13.1f}"
                  f" {statistics.median(wall) / ours:11.1f} {times[-1][2]:10}")
    print(machine())


if __name__ == "__main__":
    main()
