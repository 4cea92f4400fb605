#!/usr/bin/env python3
"""Spoken requests with their words, as training conversations.

speech.py --requests FILE --seed 1 --count 4000 --out DIR [--split train|eval] [--words 1-4] [--commonest N] [--single SHARE] [--voices NAME,NAME] [--noisy SHARE] [--without FILE]

FILE is what make_data.py wrote; its requests are read aloud by espeak-ng (Debian's package) in several voices, speeds and pitches, with
silence around them and, half of the time, noise. A training begins with less: --words takes pieces of so many words,
--commonest only those of the N commonest words, --single makes a share of them one word, each word as often. Writes DIR/data.jsonl and the recordings beside it. The answer is what was said, in small
letters without punctuation, as a dictation is compared. `eval` has each sentence in each voice of VOICES["eval"] once, without noise, the default voice
first, so that tests/planner/hear.py can give a table by voice. The same seed and the same espeak-ng give the same bytes.
"""
import argparse
import io
import itertools
import json
import random
import re
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path

try:
    import numpy
except ImportError:  # main() says so; tests of the sentences do without
    numpy = None

RATE = 16000  # what models hear: no training has to resample
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


def spoken_requests(path):
    """Each request of `path` that can be read aloud, once, in its order."""
    with open(path, encoding="utf-8") as file:
        requests = (said(json.loads(line)["messages"][0]["content"].rsplit("\n\n", 1)[-1]) for line in file)
        return dict.fromkeys(words for words in requests if words)


def requests_of(path):
    """The same without those that hold a word that hardly any other has, since that is how typos look."""
    seen = spoken_requests(path)
    known = Counter(word for words in seen for word in set(words.split()))
    return [words for words in seen if all(known[word] >= 4 for word in words.split())]


def pieces(sentences, least, most, commonest, single):
    """A function of a random generator: some words in a row of a sentence, as main() is asked for."""
    words = [word for word, _ in Counter(word for sentence in sentences for word in sentence.split()).most_common(commonest or None)]
    known = set(words)
    runs = []
    for sentence in sentences:
        for same, run in itertools.groupby(sentence.split(), known.__contains__):
            run = list(run)
            if same and len(run) >= least:
                runs.append(run)

    def piece(rng):
        if rng.random() < single:
            return rng.choice(words)
        run = rng.choice(runs)
        n = min(len(run), rng.randint(least, most))
        start = rng.randint(0, len(run) - n)
        return " ".join(run[start:start + n])
    return piece


def spoken(words, voice, speed, pitch):
    """Samples at RATE as espeak-ng says it, without the silence around."""
    out = subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", words], capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(out)) as clip:  # its header gives no length when it writes to a pipe
        rate = clip.getframerate()
    samples = numpy.frombuffer(out[44:], dtype="<i2").astype(numpy.float64)
    n = len(samples) * RATE // rate
    samples = numpy.fft.irfft(numpy.fft.rfft(samples)[:n // 2 + 1], n) * (n / len(samples))
    loud = numpy.nonzero(abs(samples) > 0.004 * abs(samples).max())[0]
    return samples[loud[0]:loud[-1] + 1]


def recorded(rng, samples, noisy, silence=0.4):
    """The same as a microphone might give it: another loudness, up to `silence` seconds before and after, noise."""
    gain = rng.uniform(0.25, 0.9) * 32767 / max(1, abs(samples).max())
    before, after = (numpy.zeros(int(RATE * rng.uniform(0.05, silence))) for _ in range(2))
    clip = numpy.concatenate([before, samples * gain, after])
    if noisy:
        loud = gain * abs(samples).max() * 10 ** (-rng.uniform(22, 45) / 20)
        clip += numpy.random.default_rng(rng.getrandbits(32)).normal(0, loud, len(clip))
    return numpy.clip(numpy.rint(clip), -32768, 32767).astype("<i2")


def write_wav(path, samples):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())


def takes(rng, sentences, count, voices, noisy, piece=None):
    """(words, voice, speed, pitch, noisy) of each recording to train on: sentence after sentence, or pieces of them."""
    for made in range(count):
        words = piece(rng) if piece else sentences[made % len(sentences)]
        yield words, rng.choice(voices), rng.randint(135, 200), rng.randint(35, 65), rng.random() < noisy


def unheard(sentences, count):
    """The same to measure by: each sentence in each voice."""
    for made in range(count):
        yield sentences[made // len(VOICES["eval"]) % len(sentences)], VOICES["eval"][made % len(VOICES["eval"])], 165, 50, False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split", choices=("train", "eval"), default="train")
    parser.add_argument("--words", default="", help="LEAST-MOST: pieces of so many words instead of whole requests")
    parser.add_argument("--commonest", type=int, default=0, help="pieces of the N commonest words alone")
    parser.add_argument("--single", type=float, default=0, help="share of the pieces that is one word, each word as often")
    parser.add_argument("--voices", default=",".join(VOICES["train"]), help="of the split `train`; one named twice is heard twice as often")
    parser.add_argument("--noisy", type=float, default=0.5, help="share with noise, of the split `train`")
    parser.add_argument("--without", type=Path, help="requests that no recording may hold, as those that are measured")
    options = parser.parse_args()
    if numpy is None:
        sys.exit("Python lacks numpy; in a virtual environment: pip install numpy")
    left_out = spoken_requests(options.without) if options.without else {}
    sentences = [words for words in requests_of(options.requests) if words not in left_out]
    if not sentences:
        sys.exit(f"{options.requests} has no request that can be read aloud")
    rng = random.Random(f"{options.seed}/{options.split}")
    rng.shuffle(sentences)
    options.out.mkdir(parents=True, exist_ok=True)
    seconds = 0.0
    piece = pieces(sentences, *map(int, options.words.split("-")), options.commonest, options.single) if options.words else None
    made = unheard(sentences, options.count) if options.split == "eval" else takes(rng, sentences, options.count, options.voices.split(","), options.noisy, piece)
    with open(options.out / "data.jsonl", "w", encoding="utf-8") as out:
        for number, (words, voice, speed, pitch, noisy) in enumerate(made):
            try:
                samples = spoken(words, voice, speed, pitch)
            except FileNotFoundError:
                sys.exit("there is no espeak-ng; as root: apt-get install espeak-ng")
            clip = recorded(rng, samples, noisy, 0.1 if piece else 0.4)
            name = f"{number:06d}.wav"
            write_wav(options.out / name, clip)
            seconds += len(clip) / RATE
            line = {"messages": [{"role": "user", "content": [{"type": "text", "text": INSTRUCTION}, {"type": "audio", "path": name}]}, {"role": "assistant", "content": words}]}
            if options.split == "eval":
                line["voice"] = voice
            out.write(json.dumps(line) + "\n")
    print(f"{options.count} recordings of {len(sentences)} sentences, {seconds / 60:.0f} minutes", file=sys.stderr)


if __name__ == "__main__":
    main()
