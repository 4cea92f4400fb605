#!/usr/bin/env python3
"""How well a model reads charts: pictures of recipes/inspection.py that no training saw, asked through our own server.

tests/planner/look.py --data DIR --adapter FILE [--model NAME] [--counts] [--blind] [--failures]

DIR is what `recipes/inspection.py --split eval` wrote. --blind leaves the pictures out, which shows what seeing adds. Prints the share of right
kinds, of right states (whole, blank, cut off) and, with --counts, of right counts (bars, lines, slices …), each over the charts that have one, by
kind of chart.
"""
import argparse
import base64
import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def parts(text):
    """(kind, state); None where nothing of it is said."""
    text = text.strip().rstrip(".").lower()
    if text == "blank":
        return None, "blank"
    fields = [f.strip() for f in text.split(";")]
    if len(fields) != 2:
        return None, None
    return fields[0], "cut" if fields[1].startswith("cut off") else "whole"


def count(text):
    """What is counted, without the places before it."""
    return text.strip().rstrip(".").lower().split(":")[-1].strip()


def score(answers):
    """[(expected, said, expected count or None, said count or None)] -> {measure: (right, of)}, {kind: the same}"""
    total, by_kind = {}, {}
    for expected, said, expected_count, said_count in answers:
        want, got = parts(expected), parts(said)
        tables = [total, by_kind.setdefault(want[0] or "blank", {})]
        for measure, right, counts in (("kind", want[0] == got[0], want[0] is not None), ("state", want[1] == got[1], True),
                                       ("count", said_count is not None and count(said_count) == count(expected_count or ""), said_count is not None)):
            for table in tables if counts else []:
                r, n = table.get(measure, (0, 0))
                table[measure] = (r + right, n + 1)
    return total, by_kind


class Served:
    """`tessera serve` on a free port of loopback."""

    def __init__(self, program, options):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen([str(program), "serve", "--port", str(self.port), *options], stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2)
                return
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit("tessera serve did not start")
                time.sleep(0.1)

    def reply(self, messages):
        body = {"messages": messages, "temperature": 0, "max_tokens": 160}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["choices"][0]["message"]["content"] or ""

    def close(self):
        self.process.terminate()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--adapter", required=True)
    parser.add_argument("--budget", default="140", help="most soft tokens of a picture, as in the training")
    parser.add_argument("--program", default=str(ROOT / "build/cli/tessera"))
    parser.add_argument("--most", type=int, default=500)
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--counts", action="store_true", help="asks how many there are, too")
    parser.add_argument("--failures", action="store_true")
    options = parser.parse_args()
    server = Served(options.program, ["--model", options.model, "--adapter", options.adapter, "--image-budget", options.budget])
    answers = []
    try:
        for line in (options.data / "data.jsonl").read_text().splitlines()[: options.most]:
            messages = json.loads(line)["messages"]
            picture = messages[0]["content"][0]["path"]
            said = []
            for user in messages[0::2] if options.counts else messages[:1]:
                content = [{"type": "text", "text": user["content"][-1]["text"]}]
                if not options.blind:
                    data = base64.b64encode((options.data / picture).read_bytes()).decode()
                    content.insert(0, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}})
                said.append(server.reply([{"role": "user", "content": content}]))
            expected = [m["content"] for m in messages[1::2]]
            answers.append((expected[0], said[0], expected[1] if len(expected) > 1 else None, said[1] if len(said) > 1 else None))
            if options.failures and expected[: len(said)] != [text.strip() for text in said]:
                print(f"{picture}: {' / '.join(expected)} | {' / '.join(said)}")
    finally:
        server.close()
    total, by_kind = score(answers)
    for name, table in [("all", total), *sorted(by_kind.items())]:
        print(f"{name:20}", "  ".join(f"{m} {r}/{n} ({100 * r / n:.1f} %)" for m, (r, n) in table.items()))


if __name__ == "__main__":
    sys.exit(main())
