#!/usr/bin/env python3
"""Times `tessera data profile` on a CSV of 1 GB, which is made in a temporary folder and removed.

    python3 bench/data/profile.py [--program build/cli/tessera] [--gigabytes 1]

Prints the seconds and the peak memory of each of three runs, and the profile itself once. The runs
are warm: making the file leaves it in the page cache, as far as that holds it.
"""
import argparse
import os
import random
import resource
import shutil
import subprocess
import tempfile
import time


def make(path, wanted):
    """Rows of an order book: an id, a day, a shop, a product of 5,000, quantity, price, a remark."""
    draw = random.Random(1)
    shops = ["Bern", "Zürich", "Genève", "Lugano", "Chur", "Basel", "St. Gallen", "Luzern"]
    # The varying part of 20,000 lines, written again and again behind new numbers.
    rest = []
    for _ in range(20_000):
        day = f"20{draw.randint(15, 24)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
        remark = draw.choice(["", "", "", "late", "gift, wrapped", 'said "thanks"'])
        if "," in remark or '"' in remark:
            remark = '"' + remark.replace('"', '""') + '"'
        rest.append(f",{day},{draw.choice(shops)},P{draw.randint(1, 5000):05d},{draw.randint(1, 40)},"
                    f"{draw.lognormvariate(3, 1):.2f},{remark}\n")
    n = size = 0
    with open(path, "w", encoding="utf-8", buffering=1 << 20) as out:
        out.write("order_id,day,shop,product,quantity,price_chf,remark\n")
        while size < wanted:
            text = "".join(f"{n + i}{tail}" for i, tail in enumerate(rest))
            n += len(rest)
            out.write(text)
            size += len(text.encode())
    return n


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--program", default="build/cli/tessera")
    options.add_argument("--gigabytes", type=float, default=1)
    options.add_argument("--runs", type=int, default=3)
    o = options.parse_args()
    folder = tempfile.mkdtemp(prefix="tessera-bench-")
    try:
        rows = make(os.path.join(folder, "orders.csv"), o.gigabytes * 1e9)
        print(f"{rows} rows, {os.path.getsize(os.path.join(folder, 'orders.csv')) / 1e9:.2f} GB")
        seconds = []
        for run in range(o.runs):
            begin = time.monotonic()
            done = subprocess.run([os.path.abspath(o.program), "data", "profile", "orders.csv"], cwd=folder,
                                  capture_output=True, text=True)
            seconds.append(time.monotonic() - begin)
            print(f"run {run + 1}: {seconds[-1]:.2f} s, exit code {done.returncode}, "
                  f"largest process so far {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3:.0f} MB")
        print(f"median {sorted(seconds)[len(seconds) // 2]:.2f} s")
        print(done.stdout + done.stderr)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
