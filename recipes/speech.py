#!/usr/bin/env python3
"""Spoken requests with their words, as training conversations.

speech.py --requests FILE --seed 1 --count 4000 --out DIR [--split train|eval]

FILE is what make_data.py wrote; its requests are read aloud by espeak-ng (Debian's package) in several voices, speeds and pitches, with
silence around them and, half of the time, noise. Writes DIR/data.jsonl and the recordings beside it. The answer is what was said, in small
letters without punctuation, as a dictation is compared. `eval` has each sentence in each voice of VOICES["eval"] once, without noise, the default voice
first, so that tests/planner/hear.py can give a table by voice. The same seed and the same espeak-ng give the same bytes.
"""
import argparse
import array
import io
import json
import random
import re
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path

VOICES = {"train": ["en-us", "en-us", "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-us+f2", "en-us+m3", "en-us+f4", "en-gb+f3", "en-gb+m5", "en-us+klatt2"],
          "eval": ["en-us", "en-gb", "en-gb-scotland", "en-us+f2", "en-us+m7", "en-gb+f5", "en-gb-x-gbclan"]}  # the last three are never heard in training
# kTranscribeInstruction of model/attachment.h; a test holds them equal.
INSTRUCTION = ("Transcribe the following speech segment in its original language. Only output the transcription, with no newlines. "
               "When transcribing numbers, write the digits.")


def said(text):
    """The words of a request as they are spoken, or None where it has anything that has no one reading."""
    text = text.strip().lower()
    if not re.fullmatch(r"[a-z0-9 ,.?!'-]+", text) or re.search(r"\d[.,-]|[.,'-]\d|\d{5,}|\w\.\w|--", text):
        return None
    words = re.sub(r"[,.?!]", " ", text.replace("-", " ")).split()
    return " ".join(words) if 3 <= len(words) <= 14 and all(len(w) <= 16 for w in words) else None


def requests_of(path):
    """Each request of `path` once, in its order; without those that hold a word that hardly any other has, since that is how typos look."""
    seen = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = said(json.loads(line)["messages"][0]["content"].rsplit("\n\n", 1)[-1])
            if words:
                seen.setdefault(words)
    known = Counter(word for words in seen for word in set(words.split()))
    return [words for words in seen if all(known[word] >= 4 for word in words.split())]


def spoken(words, voice, speed, pitch):
    """(rate, samples) as espeak-ng says it."""
    out = subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", words], capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(out)) as clip:  # its header gives no length when it writes to a pipe
        return clip.getframerate(), array.array("h", out[44:])


def recorded(rng, samples, rate, noisy):
    """The same as a microphone might give it: another loudness, silence before and after, noise."""
    peak = max(1, max(abs(s) for s in samples))
    gain = rng.uniform(0.25, 0.9) * 32767 / peak
    before, after = (array.array("h", bytes(2 * int(rate * rng.uniform(0.05, 0.4)))) for _ in range(2))
    clip = before + array.array("h", (int(s * gain) for s in samples)) + after
    if noisy:
        loud = gain * peak * 10 ** (-rng.uniform(22, 45) / 20)
        clip = array.array("h", (max(-32768, min(32767, int(s + rng.gauss(0, loud)))) for s in clip))
    return clip


def write_wav(path, rate, samples):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())


def takes(rng, sentences, split, count):
    """(words, voice, speed, pitch, noisy) of each recording."""
    made = 0
    while made < count:
        words = sentences[made % len(sentences)] if split == "train" else sentences[made // len(VOICES["eval"]) % len(sentences)]
        if split == "train":
            yield words, rng.choice(VOICES[split]), rng.randint(135, 200), rng.randint(35, 65), rng.random() < 0.5
        else:
            yield words, VOICES["eval"][made % len(VOICES["eval"])], 165, 50, False
        made += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split", choices=("train", "eval"), default="train")
    options = parser.parse_args()
    sentences = requests_of(options.requests)
    if not sentences:
        sys.exit(f"{options.requests} has no request that can be read aloud")
    rng = random.Random(f"{options.seed}/{options.split}")
    rng.shuffle(sentences)
    options.out.mkdir(parents=True, exist_ok=True)
    seconds = 0.0
    with open(options.out / "data.jsonl", "w", encoding="utf-8") as out:
        for number, (words, voice, speed, pitch, noisy) in enumerate(takes(rng, sentences, options.split, options.count)):
            try:
                rate, samples = spoken(words, voice, speed, pitch)
            except FileNotFoundError:
                sys.exit("there is no espeak-ng; as root: apt-get install espeak-ng")
            clip = recorded(rng, samples, rate, noisy)
            name = f"{number:06d}.wav"
            write_wav(options.out / name, rate, clip)
            seconds += len(clip) / rate
            line = {"messages": [{"role": "user", "content": [{"type": "text", "text": INSTRUCTION}, {"type": "audio", "path": name}]}, {"role": "assistant", "content": words}]}
            if options.split == "eval":
                line["voice"] = voice
            out.write(json.dumps(line) + "\n")
    print(f"{options.count} recordings of {len(sentences)} sentences, {seconds / 60:.0f} minutes", file=sys.stderr)


if __name__ == "__main__":
    main()
