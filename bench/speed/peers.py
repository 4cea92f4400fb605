#!/usr/bin/env python3
"""Reading and replying beside llama.cpp, alternating, on the same file with the same threads.

    python3 -m venv /tmp/peers && CMAKE_ARGS=-DGGML_NATIVE=ON /tmp/peers/bin/pip install llama-cpp-python
    /tmp/peers/bin/python bench/speed/peers.py MODEL.gguf [--prompt 512 4096] [--depth 0 4096] [--rounds 5]

Each round starts a process of each contender for each task; a process takes the median of three
runs. Prints medians of the rounds, the ratio, and for replies what the memory of this machine would
give (the file's size over the speed at which all threads together read memory).
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

REPLY = 32


def llama(model, prompt, depth, threads):
    """The other side of one measurement, in a process of its own: tokens a second."""
    import ctypes
    import random

    import llama_cpp as lib

    lib.llama_backend_init()
    silent = lib.llama_log_callback(lambda level, text, data: None)
    lib.llama_log_set(silent, ctypes.c_void_p(0))
    loaded = lib.llama_model_load_from_file(model.encode(), lib.llama_model_default_params())
    params = lib.llama_context_default_params()
    params.n_ctx = max(prompt, depth + 4 * REPLY) + 64
    params.n_batch = 2048
    params.n_ubatch = 512
    params.n_threads = params.n_threads_batch = threads
    context = lib.llama_init_from_model(loaded, params)
    numbers = random.Random(1)

    def read(n):
        tokens = [numbers.randrange(1000, 50000) for _ in range(n)]
        for at in range(0, n, 2048):
            part = tokens[at:at + 2048]
            array = (lib.llama_token * len(part))(*part)
            if lib.llama_decode(context, lib.llama_batch_get_one(array, len(part))) != 0:
                sys.exit("llama_decode failed")

    memory = lib.llama_get_memory(context)
    times = []
    if prompt:
        read(16)
        for _ in range(3):
            lib.llama_memory_clear(memory, True)
            at = time.perf_counter()
            read(prompt)
            lib.llama_synchronize(context)
            times.append((time.perf_counter() - at) / prompt)
    else:
        read(max(depth, 1))
        for _ in range(3):
            at = time.perf_counter()
            for _ in range(REPLY):
                read(1)
            times.append((time.perf_counter() - at) / REPLY)
    print(json.dumps({"tokens_per_s": 1 / statistics.median(times)}))


def tessera(program, model, prompt, depth, threads, precision):
    command = [program, "bench", "--model", model, "--json", "-t", str(threads), "-r", "3",
               "--precision", precision, "-p", str(prompt), "-n", "0" if prompt else str(REPLY), "-d", str(depth)]
    out = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return out["prefill_tokens_per_s" if prompt else "decode_tokens_per_s"], out["read_bytes_per_s"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--tessera", default="build/cli/tessera")
    parser.add_argument("--prompt", type=int, nargs="*", default=[512, 4096])
    parser.add_argument("--depth", type=int, nargs="*", default=[0, 4096])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--precision", default="fast")
    parser.add_argument("--llama", nargs=2, type=int, metavar=("PROMPT", "DEPTH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.llama:
        return llama(options.model, *options.llama, options.threads)
    size = os.path.getsize(options.model)
    tasks = [(n, 0) for n in options.prompt] + [(0, n) for n in options.depth]
    results = {task: ([], [], []) for task in tasks}
    for _ in range(options.rounds):
        for prompt, depth in tasks:
            ours, theirs, memory = results[prompt, depth]
            rate, speed = tessera(options.tessera, options.model, prompt, depth, options.threads, options.precision)
            ours.append(rate)
            memory.append(speed)
            command = [sys.executable, __file__, options.model, "--threads", str(options.threads),
                       "--llama", str(prompt), str(depth)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            theirs.append(json.loads(out.strip().splitlines()[-1])["tokens_per_s"])
    for (prompt, depth), (ours, theirs, memory) in results.items():
        a, b = statistics.median(ours), statistics.median(theirs)
        what = f"reading {prompt}" if prompt else f"replying after {depth}"
        limit = "" if prompt else f"; memory gives {statistics.median(memory) / size:.1f}, {100 * a * size / statistics.median(memory):.0f} % of it"
        print(f"{what}: {a:.1f} tokens/s, llama.cpp {b:.1f}, ratio {a / b:.2f} "
              f"({min(x / y for x, y in zip(ours, theirs)):.2f} to {max(x / y for x, y in zip(ours, theirs)):.2f}){limit}")


if __name__ == "__main__":
    main()
