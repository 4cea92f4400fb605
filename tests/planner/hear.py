#!/usr/bin/env python3
"""How well a model understands speech: recordings of recipes/speech.py that no training heard, sent to our own server.

tests/planner/hear.py --data DIR [--adapter FILE] [--model NAME] [--program FILE] [--failures]

DIR is what `recipes/speech.py --split eval` wrote. Prints the word error rate (substituted, left out and added words over words said) of
each voice.
"""
import argparse
import json
import sys
import urllib.request
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from look import ROOT, Served  # noqa: E402


def plain(text):
    """Small letters and digits alone: what is compared."""
    return "".join(c if c.isalnum() or c == "'" else " " for c in text.lower()).split()


def errors(said, heard):
    """Fewest words to put in, leave out or exchange."""
    row = list(range(len(heard) + 1))
    for i, a in enumerate(said, 1):
        before, row = row, [i]
        for j, b in enumerate(heard, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
    return row[-1]


def transcript(port, model, recording):
    mark = uuid.uuid4().hex
    parts = [f'--{mark}\r\nContent-Disposition: form-data; name="model"\r\n\r\n{model}\r\n'.encode(),
             f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'.encode(), recording, f"\r\n--{mark}--\r\n".encode()]
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/audio/transcriptions", b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={mark}"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.load(answer)["text"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--adapter", required=True)
    parser.add_argument("--program", default=str(ROOT / "build/cli/tessera"))
    parser.add_argument("--failures", action="store_true")
    options = parser.parse_args()
    served = Served(options.program, ["--model", options.model, "--adapter", options.adapter])
    wrong, words = {}, {}
    try:
        with open(options.data / "data.jsonl", encoding="utf-8") as lines:
            for line in map(json.loads, lines):
                said = plain(line["messages"][1]["content"])
                heard = transcript(served.port, options.model, (options.data / line["messages"][0]["content"][1]["path"]).read_bytes())
                n = errors(said, plain(heard))
                wrong[line["voice"]] = wrong.get(line["voice"], 0) + n
                words[line["voice"]] = words.get(line["voice"], 0) + len(said)
                if n and options.failures:
                    print(f"{line['voice']}: {' '.join(said)} -> {heard}")
    finally:
        served.close()
    for voice in words:
        print(f"{voice}: {wrong[voice]} of {words[voice]} words wrong, {100 * wrong[voice] / words[voice]:.1f} %")


if __name__ == "__main__":
    main()
