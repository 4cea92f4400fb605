#!/usr/bin/env python3
"""How well a model reads charts: pictures of recipes/inspection.py that no training saw, asked through our own server.

tests/planner/look.py --data DIR [--adapter FILE] [--model NAME] [--blind] [--failures]

DIR is what `recipes/inspection.py --split eval` wrote. --blind leaves the pictures out, which shows what seeing adds. Prints the share of right
kinds, of right states (whole, blank, cut off) and of right counts (bars, lines, slices …), each over the charts that have one, by kind of chart.
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
    """(kind, count, state); None where nothing of it is said."""
    text = text.strip().rstrip(".").lower()
    if text == "blank":
        return None, None, "blank"
    fields = [f.strip() for f in text.split(";")]
    if len(fields) != 3:
        return None, None, None
    return fields[0], fields[1].split(":")[-1].strip(), "cut" if fields[2].startswith("cut off") else "whole"


def score(pairs):
    """[(expected, said)] -> {measure: (right, of)}, {kind: the same}"""
    total, by_kind = {}, {}
    for expected, said in pairs:
        want, got = parts(expected), parts(said)
        tables = [total, by_kind.setdefault(want[0] or "blank", {})]
        for measure, right, counts in (("kind", want[0] == got[0], want[0] is not None), ("state", want[2] == got[2], True),
                                       ("count", want[0] == got[0] and want[1] == got[1], want[1] is not None)):
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

    def reply(self, messages, tools):
        body = {"messages": messages, "temperature": 0, "max_tokens": 120, "tools": [{"type": "function", "function": t} for t in tools]}
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
    parser.add_argument("--adapter", default=str(ROOT / "agent/planner.gguf"))
    parser.add_argument("--program", default=str(ROOT / "build/cli/tessera"))
    parser.add_argument("--most", type=int, default=500)
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--failures", action="store_true")
    options = parser.parse_args()
    prompt = json.loads((ROOT / "agent/prompt.json").read_text())
    server = Served(options.program, ["--model", options.model, "--adapter", options.adapter, "--image-budget", "70"])
    pairs = []
    try:
        for line in (options.data / "data.jsonl").read_text().splitlines()[: options.most]:
            user, assistant = json.loads(line)["messages"]
            picture, question = user["content"]
            content = [{"type": "text", "text": question["text"]}]
            if not options.blind:
                data = base64.b64encode((options.data / picture["path"]).read_bytes()).decode()
                content.insert(0, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}})
            said = server.reply([{"role": "system", "content": prompt["system"]}, {"role": "user", "content": content}], prompt["tools"])
            pairs.append((assistant["content"], said))
            if options.failures and assistant["content"] != said.strip():
                print(f"{picture['path']}: {assistant['content']} | {said}")
    finally:
        server.close()
    total, by_kind = score(pairs)
    for name, table in [("all", total), *sorted(by_kind.items())]:
        print(f"{name:20}", "  ".join(f"{m} {r}/{n} ({100 * r / n:.1f} %)" for m, (r, n) in table.items()))


if __name__ == "__main__":
    sys.exit(main())
