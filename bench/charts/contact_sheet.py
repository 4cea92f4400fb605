#!/usr/bin/env python3
"""All charts of a folder of specifications on one sheet, drawn by `tessera chart`.

    contact_sheet.py build/cli/tessera tests/tools/vega/specs docs/charts.png

Needs Pillow. What `--check` finds is printed; so are the charts that could not be drawn.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

COLUMNS, CELL_W, CELL_H, MARGIN, NAME = 8, 290, 236, 6, 14


def draw(program, spec, out):
    done = subprocess.run([program, "chart", str(spec), "--out", str(out), "--check"], capture_output=True, text=True)
    if done.returncode:
        print(f"{spec.name}: {done.stderr.strip()}")
        return None
    if done.stdout.strip() != "no findings":
        print(f"{spec.name}: {done.stdout.strip()}")
    return Image.open(out).convert("RGB")


def main():
    program, folder, target = sys.argv[1:4]
    specs = sorted(Path(folder).glob("*.json"))
    rows = -(-len(specs) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * CELL_W, rows * CELL_H), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default()
    with tempfile.TemporaryDirectory() as scratch:
        for i, spec in enumerate(specs):
            picture = draw(program, spec, Path(scratch) / "chart.png")
            x, y = i % COLUMNS * CELL_W, i // COLUMNS * CELL_H
            pen.text((x + MARGIN, y + 2), spec.stem, fill="#555555", font=font)
            if picture is None:
                continue
            picture.thumbnail((CELL_W - 2 * MARGIN, CELL_H - NAME - 2 * MARGIN), Image.LANCZOS)
            sheet.paste(picture, (x + MARGIN, y + NAME + MARGIN))
    sheet.quantize(256, dither=Image.Dither.NONE).save(target, optimize=True)
    print(f"{len(specs)} charts, {Path(target).stat().st_size // 1000} kB")


main()
