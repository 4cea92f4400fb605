#!/usr/bin/env python3
"""Reading and replying beside LiteRT-LM and onnxruntime-genai, alternating, with the same threads, on files
that bench/speed/peer_models.py makes of ours in FOLDER (it says what to install).

    /tmp/peers/bin/python bench/speed/converted_peers.py gemma-3-270m-q4_k_m.gguf FOLDER [--rounds 3] [--peers litert]
    /tmp/peers/bin/python bench/speed/converted_peers.py gemma-3-270m-q4_k_m.gguf FOLDER --agree --peers hf onnx-int4 litert

Each round starts a process of each contender for each number of tokens; it reads them (three times, 4,096 once)
and replies with 32, greedily. Prints medians of the rounds and ratios. --agree tells in how many places
of a text a peer finds the same token likeliest as ours does in f32: whether the file is still the same model.
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

from peer_models import CACHE
from peers import REPLY

TASKS = {16: ["replying"], 512: ["reading 512"], 4096: ["reading 4096", "replying after 4096"]}
PEERS = ["onnx-int4", "onnx-int4-head8", "litert"]
TEXT = """The table holds the sales of each shop by month. In March the shop at the harbour sold more than all the
others together, since the market was closed for repairs until the end of the quarter. The manager asks how much of
the yearly total came from that one month, and whether the shops in the hills made up for it in summer, when visitors
stay longer and buy less. To answer that, the sums of each month are divided by the sum of the year, once for all
shops and once for those in the hills. A share is a number between zero and one, and the shares of all months add up
to one. If they do not, a month is missing or was counted twice, and it is worth looking at the table once more before
anybody is told a number. The report says which rows were left out and why.""".replace("\n", " ")


def onnx_model(folder, threads):
    import onnxruntime_genai as lib

    config = lib.Config(str(folder))
    config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": threads}}}}))
    model = lib.Model(config)

    def start(most):
        params = lib.GeneratorParams(model)
        params.set_search_options(max_length=max(most, 1024), do_sample=False)  # its windows want at least 512
        return lib.Generator(model, params)
    return start


def onnx(folder, n, threads):
    start, reading, replying = onnx_model(folder, threads), [], []
    start(64).append_tokens(list(range(1000, 1016)))
    for _ in range(3 if n <= 512 else 1):
        generator = start(n + REPLY + 8)
        at = time.perf_counter()
        generator.append_tokens([1000 + 7919 * i % 49000 for i in range(n)])
        generator.get_logits()
        reading.append((time.perf_counter() - at) / n)
        generator.generate_next_token()
        at = time.perf_counter()
        for _ in range(REPLY):
            generator.generate_next_token()
        replying.append((time.perf_counter() - at) / REPLY)
    return 1 / statistics.median(reading), 1 / statistics.median(replying)


def litert(folder, n, threads):
    """LiteRT-LM measures itself; its first run, which packs weights, does not count."""
    import litert_lm

    litert_lm.set_min_log_severity(litert_lm.LogSeverity.ERROR)

    def run(n):
        return litert_lm.Benchmark(str(folder / "model.litertlm"), backend=litert_lm.Backend.CPU(thread_count=threads),
                                   prefill_tokens=n, decode_tokens=REPLY, max_num_tokens=CACHE, cache_dir=str(folder)).run()
    run(16)
    runs = [run(n) for _ in range(3 if n <= 512 else 1)]
    return (statistics.median(r.last_prefill_tokens_per_second for r in runs),
            statistics.median(r.last_decode_tokens_per_second for r in runs))


def ours(options, n):
    command = [options.tessera, "bench", "--model", options.model, "--json", "-t", str(options.threads),
               "-r", "3" if n <= 512 else "1", "-p", str(n), "-n", str(REPLY), "-d", str(0 if n < 64 else n)]
    out = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return out["prefill_tokens_per_s"], out["decode_tokens_per_s"]


def peer(options, name, n):
    command = [sys.executable, __file__, options.model, str(options.folder), "--threads", str(options.threads),
               "--side", name, str(n)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return json.loads(out.strip().splitlines()[-1])


def measure(options):
    results = {}
    for _ in range(options.rounds):
        for n in options.tokens:
            for contender in ["ours", *options.peers]:
                rates = ours(options, n) if contender == "ours" else peer(options, contender, n)
                print(n, contender, *(round(r, 1) for r in rates), file=sys.stderr, flush=True)
                for name in TASKS[n]:
                    results.setdefault((name, contender), []).append(rates[name.startswith("replying")])
    for (name, contender), theirs in results.items():
        mine = results[name, "ours"]
        ratios = [a / b for a, b in zip(mine, theirs)]
        print(f"{name}: {contender} {statistics.median(theirs):.1f} tokens/s, ratio "
              f"{statistics.median(mine) / statistics.median(theirs):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def agree(options):
    import numpy as np

    command = [options.tessera, "tokenize", "--model", options.model]
    ids = [2] + json.loads(subprocess.run(command, input=TEXT, check=True, capture_output=True, text=True).stdout)
    with tempfile.TemporaryDirectory() as folder:
        request, out = Path(folder, "request.json"), Path(folder, "logits.npy")
        request.write_text(json.dumps({"ids": ids}))
        subprocess.run([options.tessera, "logits", "--model", options.model, "--request", request, "--out", out], check=True)
        best = [int(np.argmax(row)) for row in np.load(out, mmap_mode="r")]

    def report(name, same):
        print(f"{name}: the same token likeliest in {sum(same)} of {len(same)} places, {100 * sum(same) / len(same):.1f} %")

    report("the text itself", [a == b for a, b in zip(best, ids[1:])])
    if "hf" in options.peers:
        import torch
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(options.folder / "hf", dtype=torch.float32)
        with torch.no_grad():
            unpacked = model(torch.tensor([ids])).logits[0].argmax(-1).tolist()
        report("what was unpacked, in PyTorch", [a == b for a, b in zip(unpacked, best)])
    for name in [p for p in options.peers if p.startswith("onnx")]:
        generator, same = onnx_model(options.folder / name, options.threads)(len(ids) + 8), []
        for token, expected in zip(ids, best):
            generator.append_tokens([token])
            same.append(int(np.argmax(generator.get_logits())) == expected)
        report(name, same)
    if "litert" in options.peers:
        import litert_lm
        from tokenizers import Tokenizer

        # It shows no logits, so it replies with one token to each beginning of the text.
        tokenizer = Tokenizer.from_file(str(options.folder / "hf" / "tokenizer.json"))
        engine = litert_lm.Engine(str(options.folder / "litert" / "model.litertlm"), max_num_tokens=CACHE,
                                  backend=litert_lm.Backend.CPU(thread_count=options.threads),
                                  cache_dir=str(options.folder / "litert"))
        same = []
        for i in range(2, len(ids), 4):
            session = engine.create_session(apply_prompt_template=False, max_output_tokens=1,
                                            sampler_config=litert_lm.SamplerConfig(top_k=1))
            session.run_prefill([tokenizer.decode(ids[1:i + 1])])
            same.append(session.run_decode().texts[0].strip() == tokenizer.decode([best[i]]).strip())
            session.close()
        report("litert", same)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tessera", default="build/cli/tessera")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--peers", nargs="*", choices=["hf", *PEERS], default=PEERS)
    parser.add_argument("--tokens", nargs="*", type=int, choices=TASKS, default=list(TASKS))
    parser.add_argument("--agree", action="store_true")
    parser.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        name, n = options.side
        side = litert if name == "litert" else onnx
        print(json.dumps(side(options.folder / name, int(n), options.threads)))
    elif options.agree:
        agree(options)
    else:
        measure(options)


if __name__ == "__main__":
    main()
