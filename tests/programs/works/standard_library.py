"""json, re, threads, subprocess, pathlib, sqlite."""
import json
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

print(json.loads('{"a": [1, 2.5, null]}'), re.sub(r"(\w+)@(\w+)", r"\2", "me@home"))
total = []
threads = [threading.Thread(target=total.append, args=(n,)) for n in range(8)]
[t.start() for t in threads]
[t.join() for t in threads]
with ThreadPoolExecutor(4) as pool:
    print(sum(total), sum(pool.map(lambda n: n * n, range(10))))
print(subprocess.run(["sort"], input="b\na\n", capture_output=True, text=True).stdout.split())
print(sorted(p.name for p in pathlib.Path(".").glob("*.txt")))
database = sqlite3.connect("data.sqlite")
database.execute("create table t (x)")
database.executemany("insert into t values (?)", [(n,) for n in range(100)])
database.commit()
print(database.execute("select sum(x) from t").fetchone()[0])
with tempfile.TemporaryDirectory() as folder:
    print(pathlib.Path(folder).is_dir())
