#!/usr/bin/env python3
"""Times a group-by over 10 million rows through a Lua script in the worker, and by DuckDB called directly.

    python3 bench/data/group_by.py [--rows 10000000] [--runs 5] [--worker build/tools/script/tessera-worker]

Needs the package duckdb 1.5.5 for the peer (and to make the file). Both read the same Parquet file in a temporary
folder, with two threads; runs alternate, and the medians of the time in the query are compared. The direct call comes from a
process that has run before; so that the script's does too, its time is that of a script that groups four times less that of
one that groups once, by three. The whole of a script with one group, start of the worker included, is printed as well. The
direct call is measured for the plain sum and for the sum that the library uses (fsum, whose result does not depend on the order of
rows).
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

import duckdb

SCRIPT = """local t = data.read("rows.parquet")
for i = 1, %d do
  local g = t:group("region", {total = {"sum", "amount"}, mean = {"mean", "price"}, n = "count"})
  if i == 1 then print(g) end
end"""
DIRECT = "SELECT region, {sum}(amount) AS total, {mean} AS mean, count(*) AS n FROM 'rows.parquet' GROUP BY region"


def worker(program, script, folder):
    """Seconds and text of one script."""
    read, write = os.pipe()
    begin = time.monotonic()
    process = subprocess.Popen(["/bin/sh", "-c", f'exec 3>&{write} {write}>&-; exec "$0" lua', program],
                               stdin=subprocess.PIPE, pass_fds=[write], cwd=folder)
    os.close(write)
    process.stdin.write(json.dumps({"script": script}).encode())
    process.stdin.close()
    with os.fdopen(read) as events:
        text = "\n".join(json.loads(line).get("text", "") for line in events).strip()
    process.wait()
    return time.monotonic() - begin, text


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--worker", default="build/tools/script/tessera-worker")
    o = options.parse_args()
    program = os.path.abspath(o.worker)
    folder = tempfile.mkdtemp(prefix="tessera-bench-")
    try:
        os.chdir(folder)
        connection = duckdb.connect(config={"threads": 2, "memory_limit": "512MB"})
        connection.execute(
            "COPY (SELECT 'region ' || (hash(i) % 12) AS region, (hash(i, 1) % 1000000) / 100.0::DOUBLE AS amount, "
            f"(hash(i, 2) % 10000) / 7.0::DOUBLE AS price, i AS id FROM range({o.rows}) r(i)) TO 'rows.parquet'")
        times = {"script of 1": [], "script of 4": [], "group": [], "direct sum": [], "direct fsum": []}
        for _ in range(o.runs):
            seconds, text = worker(program, SCRIPT % 1, folder)
            times["script of 1"].append(seconds)
            times["script of 4"].append(worker(program, SCRIPT % 4, folder)[0])
            times["group"].append((times["script of 4"][-1] - seconds) / 3)
            for name, parts in (("direct sum", {"sum": "sum", "mean": "avg(price)"}),
                                ("direct fsum", {"sum": "fsum", "mean": "favg(price)"})):
                begin = time.monotonic()
                connection.execute(DIRECT.format(**parts)).fetchall()
                times[name].append(time.monotonic() - begin)
        print(text)
        for name, values in times.items():
            print(f"{name:13} median {statistics.median(values) * 1000:7.1f} ms of {[round(v * 1000) for v in values]}")
        ours = statistics.median(times["group"])
        for name in ("direct sum", "direct fsum"):
            print(f"group by script: {ours / statistics.median(times[name]):.2f} times {name}")
    finally:
        os.chdir("/")
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
