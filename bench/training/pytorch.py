#!/usr/bin/env python3
"""Steps of LoRA training beside PyTorch in bf16, alternating, on the same shapes with the same threads.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install torch transformers peft
    /tmp/peers/bin/python bench/training/pytorch.py [--model gemma-3-270m] [--rounds 3] [--steps 6]

Work: Gemma 3 270M, an adapter of rank 16 on all seven matrices, batches of two conversations and at most 1,024 rows in which nearly every row has
a loss, AdamW. PyTorch: transformers' Gemma 3 of the same size with fresh weights, peft, everything in bf16. Each round starts a process of
each; the first two steps of it are not counted. Prints medians of rows a second and the most memory a process held.
"""
import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS, SKIPPED = 1024, 2


def torch_side(steps, threads):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    config = Gemma3TextConfig(vocab_size=262144, hidden_size=640, intermediate_size=2048, num_hidden_layers=18, num_attention_heads=4, num_key_value_heads=1, head_dim=256,
                              sliding_window=512)
    model = Gemma3ForCausalLM(config).to(torch.bfloat16)
    model = get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]), autocast_adapter_dtype=False)
    model.train()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    speeds = []
    for step in range(steps + SKIPPED):
        ids = torch.randint(1000, 50000, (2, ROWS // 2))
        start = time.perf_counter()
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step >= SKIPPED:
            speeds.append(ids.numel() / (time.perf_counter() - start))
    print(json.dumps({"rows_per_s": statistics.median(speeds), "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


def ours(program, model, steps, threads, folder):
    random_words = random.Random(1)
    words = "river stone light paper green seven cloud table north apple music glass horse metal sugar winter garden letter silver bridge".split()
    data, log = folder / "data.jsonl", folder / "log.jsonl"
    with open(data, "w") as out:
        for _ in range(2 * (steps + SKIPPED) + 8):
            text = " ".join(random_words.choice(words) for _ in range(480))
            out.write(json.dumps({"messages": [{"role": "user", "content": random_words.choice(words)}, {"role": "assistant", "content": text}]}) + "\n")
    log.unlink(missing_ok=True)
    argv = [program, "train", "--model", model, "--data", str(data), "--out", str(folder / "adapter.gguf"), "--steps", str(steps + SKIPPED), "--batch-tokens", str(ROWS),
            "--lora-rank", "16", "--lora-alpha", "32", "--log", str(log)]
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:threads])
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    os.sched_setaffinity(0, before)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(errors.decode())
    speeds = [json.loads(line)["rows_per_s"] for line in log.read_text().splitlines()][SKIPPED:]
    return {"rows_per_s": statistics.median(speeds), "rss": usage.ru_maxrss}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/cli/tessera"))
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--torch", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.torch:
        return torch_side(options.steps, options.threads)
    results = {"tessera": [], "PyTorch": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            results["tessera"].append(ours(options.program, options.model, options.steps, options.threads, Path(folder)))
            peer = subprocess.run([sys.executable, __file__, "--torch", "--steps", str(options.steps), "--threads", str(options.threads)], capture_output=True, text=True)
            if peer.returncode != 0:
                sys.exit(peer.stderr)
            results["PyTorch"].append(json.loads(peer.stdout.splitlines()[-1]))
    for name, runs in results.items():
        speeds = [r["rows_per_s"] for r in runs]
        print(f"{name:8} {statistics.median(speeds):7.0f} rows/s ({min(speeds):.0f} to {max(speeds):.0f}), most memory {max(r['rss'] for r in runs) / 2**20:.2f} GiB")
    ratios = [a["rows_per_s"] / b["rows_per_s"] for a, b in zip(results["tessera"], results["PyTorch"])]
    print(f"ratio    {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
