#!/usr/bin/env python3
"""What a person waits for besides the model: the start, the program's own part of a tool call, and a reply beside other work.

    bench/speed/held.py [--model NAME] [--rounds 9]

start: `tessera generate` of one token after a prompt of 50, the whole process, the file in the page cache; and the most memory it held.
call: `tessera run` with a scripted model that makes 2 or 42 calls of an empty script; the difference of the two by 40. The scripted model's own
reply over HTTP and the script's run in the sandbox are in it, so the program's own part is less.
busy: `tessera bench` replying with the machine to itself, and with a program that counts on one of its processors.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/server/clients"))
from scripted import END, WAIT, Server, call  # noqa: E402

CALLS = (2, 42)


def timed(argv):
    """(seconds, most memory in KiB) of a process that must succeed."""
    start = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{argv}: {errors.decode()}")
    return seconds, usage.ru_maxrss


def start(program, model, rounds):
    words = "the river runs past seven green stones and under a bridge of paper while music from the north drifts over " * 3
    prompt = " ".join(words.split()[:38])  # 50 tokens with the chat's own
    argv = [program, "generate", "--model", model, "--max-tokens", "1", "--temperature", "0", prompt]
    timed(argv)
    runs = [timed(argv) for _ in range(rounds)]
    print(f"start to first token: {1000 * statistics.median(r[0] for r in runs):.0f} ms ({1000 * min(r[0] for r in runs):.0f} to {1000 * max(r[0] for r in runs):.0f}), "
          f"{max(r[1] for r in runs) / 1024:.0f} MiB")


def overhead(program, scripted, rounds):
    def run(calls):
        rules = [{"when": "", "reply": call("run_lua", code=f"print({i})") + WAIT, "times": 1} for i in range(calls)]
        rules.append({"when": "", "reply": "Done." + END, "times": 1})
        with tempfile.TemporaryDirectory() as folder, Server(scripted, folder, rules) as server:
            work = Path(folder) / "work"
            work.mkdir()
            (work / "a.csv").write_text("a,b\n1,2\n")
            return timed([program, "run", "--yes", "--max-turns", "100", "--endpoint", f"http://127.0.0.1:{server.port}", "--workspace", str(work), "count"])[0]

    pairs = [(run(CALLS[0]), run(CALLS[1])) for _ in range(rounds)]
    each = [1000 * (b - a) / (CALLS[1] - CALLS[0]) for a, b in pairs]
    print(f"a call, scripted reply and script included: {statistics.median(each):.1f} ms ({min(each):.1f} to {max(each):.1f})")


def busy(program, model, rounds):
    def speed():
        done = subprocess.run([program, "bench", "--model", model, "-p", "0", "-n", "64", "-r", "1", "--json"], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)["decode_tokens_per_s"]

    ratios, quiet_speeds = [], []
    for _ in range(rounds):
        quiet = speed()
        other = subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=lambda: os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]))
        try:
            ratios.append(speed() / quiet)
        finally:
            other.kill()
            other.wait()
        quiet_speeds.append(quiet)
    print(f"replying beside a program that counts: {statistics.median(ratios):.2f} of {statistics.median(quiet_speeds):.0f} tokens/s ({min(ratios):.2f} to {max(ratios):.2f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/cli/tessera"))
    parser.add_argument("--scripted", default=str(ROOT / "build/tests/server/scripted-server"))
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=("start", "call", "busy"))
    options = parser.parse_args()
    if options.only in (None, "start"):
        start(options.program, options.model, options.rounds)
    if options.only in (None, "call"):
        overhead(options.program, options.scripted, options.rounds)
    if options.only in (None, "busy"):
        busy(options.program, options.model, options.rounds)


if __name__ == "__main__":
    main()
