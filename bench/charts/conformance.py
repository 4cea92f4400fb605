#!/usr/bin/env python3
"""Compares our scenes of Vega-Lite specifications with the reference's.

  conformance.py SPECS DATA MODULES PROGRAM [--reference FOLDER] [--list] [NAME...]

SPECS    folder of specifications (*.json)
DATA     folder that holds data/ (npm vega-datasets)
MODULES  folder with node_modules (npm vega vega-lite)
PROGRAM  the built vega-scene

A specification renders where ours ends without an error. It agrees where the domains of all scales, the number of
marks and items of each type are the reference's and every item of a mark lies within 2 units of its counterpart
(position, size, both ends) in the whole picture. Guides (axes, legends, titles) are counted apart: labels with the
same text within 2 units.
"""
import argparse, collections, json, math, os, subprocess, sys, tempfile

TOLERANCE = 2.0
CHANNELS = ("xOffset", "yOffset", "x", "y", "color", "fill", "stroke", "size", "shape", "opacity", "theta", "radius",
            "strokeDash", "strokeWidth", "angle")


def channel_of(name):
    for channel in CHANNELS:
        if name == channel or name.endswith("_" + channel) or name.endswith(channel):
            return channel
    return name


def kind(scale):
    """linear, sequential-linear and diverging-linear are one family by another range."""
    t = scale["type"].replace("sequential-", "").replace("diverging-", "")
    return {"sequential": "linear", "diverging": "linear"}.get(t, t)


def close(a, b):
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b))
    return a == b or (a in (None, []) and b in (None, []))


def scales_differ(ref, ours):
    group = lambda scene: collections.Counter((channel_of(s["name"])) for s in scene["scales"])
    by = lambda scene, c: sorted((s for s in scene["scales"] if channel_of(s["name"]) == c), key=lambda s: json.dumps(s["domain"]))
    for c in sorted(set(group(ref)) | set(group(ours))):
        a, b = by(ref, c), by(ours, c)
        # Facet cells repeat the reference's scales; compare the distinct ones.
        uniq = lambda l: list({(kind(s), json.dumps(s["domain"])): s for s in l}.values())
        a, b = uniq(a), uniq(b)
        if len(a) != len(b):
            return f"scale {c}: {len(b)} scales, reference {len(a)}: {[s['domain'] for s in b][:2]} / {[s['domain'] for s in a][:2]}"[:260]
        for s, t in zip(a, b):
            if not close(s["domain"], t["domain"]):
                return f"scale {c} ({kind(t)}/{kind(s)}): domain {json.dumps(t['domain'])[:90]}, reference {json.dumps(s['domain'])[:90]}"
    return None


FIELDS = {"rect": ("x", "y", "width", "height"), "rule": ("x", "y", "x2", "y2"), "symbol": ("x", "y"), "text": ("x", "y"),
          "line": ("x", "y"), "area": ("x", "y", "x2", "y2"), "trail": ("x", "y"),
          "arc": ("x", "y", "startAngle", "endAngle", "innerRadius", "outerRadius")}


def shape(item, type_):
    values = [float(item.get(f) or 0) for f in FIELDS.get(type_, ("x", "y"))]
    if type_ == "rect":  # a rect drawn backwards covers the same place
        x, y, w, h = values
        values = [min(x, x + w), min(y, y + h), abs(w), abs(h)]
    if type_ == "rule" and (values[0], values[1]) > (values[2], values[3]):
        values = values[2:] + values[:2]
    if type_ == "arc":
        values[2:4] = sorted(values[2:4])
    return values


def items_differ(a, b, type_):
    limit = lambda i: TOLERANCE if not (type_ == "arc" and i in (2, 3)) else 0.02
    def far(p, q):
        return any(abs(x - y) > limit(i) for i, (x, y) in enumerate(zip(p, q)))
    p, q = [shape(i, type_) for i in a], [shape(i, type_) for i in b]
    if type_ in ("line", "area", "trail"):
        keep = lambda items, shapes: [s for i, s in zip(items, shapes) if i.get("defined", True)]
        p, q = keep(a, p), keep(b, q)
        if len(p) != len(q):
            return f"{len(q)} drawn points, reference {len(p)}"
    if type_ == "text":
        texts = (sorted(i["text"] for i in a), sorted(i["text"] for i in b))
        if texts[0] != texts[1]:
            d = next((x for x in zip(*texts) if x[0] != x[1]), None)
            return f"text {d[1]!r}, reference {d[0]!r}"
    for x, y in zip(p, q):
        if far(x, y):
            break
    else:
        return None
    # The order of drawing is no position: try the items sorted.
    if type_ not in ("line", "area", "trail"):
        ps, qs = sorted(p), sorted(q)
        if not any(far(x, y) for x, y in zip(ps, qs)):
            return None
        # Sorting breaks ties by tiny differences: match greedily.
        if len(p) <= 3000:
            left = list(q)
            for x in p:
                hit = next((i for i, y in enumerate(left) if not far(x, y)), None)
                if hit is None:
                    return f"{[round(v, 1) for v in y]} for {[round(v, 1) for v in x]}"
                left.pop(hit)
            return None
        x, y = next((x, y) for x, y in zip(ps, qs) if far(x, y))
    return f"{[round(v, 1) for v in y]}, reference {[round(v, 1) for v in x]}"


def marks_differ(ref, ours):
    pick = lambda scene: [m for m in scene["marks"] if m["role"] == "mark" and m["type"] != "group" and m["items"]]
    a, b = pick(ref), pick(ours)
    count = lambda l: sorted((t, n) for t, n in collections.Counter(m["type"] for m in l for _ in m["items"]).items())
    if count(a) != count(b):
        return f"marks: {count(b)}, reference {count(a)}"
    if len(a) != len(b):
        return f"marks: {len(b)} groups of items, reference {len(a)}"
    key = lambda m: (m["type"], len(m["items"]))
    if [key(m) for m in a] != [key(m) for m in b]:
        order = lambda m: (m["type"], len(m["items"]), round(m["items"][0]["x"]), round(m["items"][0]["y"]))
        a, b = sorted(a, key=order), sorted(b, key=order)
        if [key(m) for m in a] != [key(m) for m in b]:
            return f"marks: {[key(m) for m in b][:4]}, reference {[key(m) for m in a][:4]}"
    for m, n in zip(a, b):
        d = items_differ(m["items"], n["items"], m["type"])
        if d:
            order = lambda m: (m["type"], len(m["items"]), round(m["items"][0]["x"], -1), round(m["items"][0]["y"], -1))
            if all(not items_differ(x["items"], y["items"], x["type"]) for x, y in zip(sorted(a, key=order), sorted(b, key=order))):
                return None
            return f"{m['type']}: {d}"
    return None


def guides_differ(ref, ours):
    pick = lambda scene: sorted((m["role"], i["text"], round(i["x"]), round(i["y"])) for m in scene["marks"]
                                if m["type"] == "text" and m["role"] != "mark" for i in m["items"]
                                if i.get("opacity", 1) != 0 and i["text"] != "")
    a, b = pick(ref), pick(ours)
    if [x[:2] for x in a] != [x[:2] for x in b]:
        only = lambda p, q: [x for x in (collections.Counter(y[:2] for y in p) - collections.Counter(y[:2] for y in q))][:3]
        return f"labels: ours alone {only(b, a)}, reference alone {only(a, b)}"
    for x, y in zip(a, b):
        if abs(x[2] - y[2]) > 2 or abs(x[3] - y[3]) > 2:
            return f"label {x[:2]} at {y[2:]}, reference {x[2:]}"
    if abs(ref["width"] - ours["width"]) > 2 or abs(ref["height"] - ours["height"]) > 2:
        return f"size {ours['width']}x{ours['height']}, reference {ref['width']}x{ref['height']}"
    return None


def main():
    p = argparse.ArgumentParser()
    for name in ("specs", "data", "modules", "program"):
        p.add_argument(name)
    p.add_argument("names", nargs="*")
    p.add_argument("--reference", help="folder of reference scenes that are there already")
    p.add_argument("--list", action="store_true")
    p.add_argument("--guides", action="store_true", help="list where the guides differ, too")
    o = p.parse_args()
    names = o.names or sorted(f for f in os.listdir(o.specs) if f.endswith(".json"))
    reference = o.reference
    if not reference:
        reference = tempfile.mkdtemp()
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reference.mjs")
        subprocess.run(["node", script, o.specs, o.data, reference, o.modules, *o.names], check=True, env={**os.environ, "TZ": "UTC"})
    out = tempfile.mkdtemp()
    env = {**os.environ, "TZ": "UTC"}
    crashed = {}
    for at in range(0, len(names), 20):
        batch = names[at:at + 20]
        run = subprocess.run([o.program, o.data, out, *[os.path.join(o.specs, n) for n in batch]], capture_output=True, env=env)
        if run.returncode not in (0, 1):
            for n in batch:
                run = subprocess.run([o.program, o.data, out, os.path.join(o.specs, n)], capture_output=True, env=env)
                if run.returncode not in (0, 1):
                    crashed[n] = f"ended with {run.returncode}"
    tally = collections.Counter()
    lines = []
    for n in names:
        ref = json.load(open(os.path.join(reference, n)))
        tally["all"] += 1
        if n in crashed:
            lines.append(("crash", n, crashed[n])); continue
        ours = json.load(open(os.path.join(out, n)))
        if "error" in ours:
            lines.append(("error", n, ours["error"])); continue
        tally["rendered"] += 1
        d = scales_differ(ref, ours)
        kinds = []
        if d: kinds.append(("scale", d))
        d = marks_differ(ref, ours)
        if d: kinds.append(("mark", d))
        g = guides_differ(ref, ours)
        if not kinds:
            tally["agree"] += 1
            if not g: tally["agree with guides"] += 1
        tally["domains"] += not any(k == "scale" for k, _ in kinds)
        tally["marks"] += not any(k == "mark" for k, _ in kinds)
        tally["guides"] += not g
        for k, d in kinds: lines.append((k, n, d))
        if g and o.guides: lines.append(("guide", n, g))
    if o.list or o.guides:
        for k, n, d in sorted(lines): print(f"{k:6} {n.replace('.vl.json', '')}: {d}")
    total = tally["all"]
    for key in ("rendered", "domains", "marks", "guides", "agree", "agree with guides"):
        print(f"{key:18} {tally[key]:4} of {total}  {100 * tally[key] / max(total, 1):5.1f} %")


if __name__ == "__main__":
    main()
