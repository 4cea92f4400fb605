"""Where the countable things of a drawn chart stand: read from the SVG of the same drawing.

A model that counts by pointing at one thing after the other does better than one that says a number at once, so the answers of inspection.py
name places before counts, each with its number: whole percents of the picture's width from the left, or of its height from the top.
"""
import re
import xml.etree.ElementTree as xml

SVG = "{http://www.w3.org/2000/svg}"


def numbers(text):
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text)]


class Drawing:
    """Ticks below (x) and beside (y), entries of legends (y), and rectangles (x), each as percents of the picture."""

    def __init__(self, svg):
        root = xml.fromstring(svg)
        self.width, self.height = float(root.get("width")), float(root.get("height"))
        self.x_ticks, self.y_ticks, self.entries, self.rectangles = [], [], [], []
        self.walk(root, 0.0, 0.0)

    def walk(self, element, x, y):
        children = list(element)
        for child in children:
            if child.tag == SVG + "g":
                shift = re.search(r"translate\(([^)]*)\)", child.get("transform") or "")
                dx, dy = (numbers(shift[1]) + [0.0])[:2] if shift else (0.0, 0.0)
                self.walk(child, x + dx, y + dy)
            elif child.tag == SVG + "line":
                x1, y1, x2, y2 = (float(child.get(name)) for name in ("x1", "y1", "x2", "y2"))
                if x1 == x2 and y1 == 0 and y2 == 5:
                    self.x_ticks.append(self.percent(x + x1, self.width))
                if y1 == y2 and x1 == 0 and x2 == -5:
                    self.y_ticks.append(self.percent(y + y1, self.height))
            elif child.tag == SVG + "path":
                if child.get("transform") and len(children) == 2 and children[1].tag == SVG + "text":
                    self.entries.append(self.percent(y + numbers(child.get("transform"))[1], self.height))
                corners = numbers(child.get("d") or "")
                if not child.get("transform") and child.get("fill") != "none" and len(corners) == 8 and child.get("d").endswith("Z"):
                    self.rectangles.append(self.percent(x + (corners[0] + corners[2]) / 2, self.width))

    @staticmethod
    def percent(place, size):
        return int(100 * place / size)


def of(drawing, kind, counts):
    """The places of what `counts` counts, one list for each; [] where the drawing does not show them one by one."""
    ways = {"bar": [drawing.x_ticks], "lying": [drawing.y_ticks], "box": [drawing.x_ticks], "grouped": [drawing.x_ticks, drawing.entries],
            "stacked": [drawing.x_ticks, drawing.entries], "heat": [drawing.x_ticks, drawing.y_ticks], "histogram": [drawing.rectangles],
            "line": [drawing.entries], "area": [drawing.entries], "scatter": [drawing.entries], "pie": [drawing.entries]}[kind]
    return [sorted(places) if len(places) == count and all(0 <= p < 100 for p in places) else [] for places, count in zip(ways, counts)]
