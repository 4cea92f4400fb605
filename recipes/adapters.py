#!/usr/bin/env python3
"""Adapters of more rank, means of two, and half the bytes.

adapters.py pad IN.gguf OUT.gguf RANK            the same adapter with room for more: new rows of A are random, of B zero
adapters.py mix A.gguf B.gguf SHARE OUT.gguf RANK    (1 - SHARE) * A + SHARE * B, as near as RANK allows
adapters.py squeeze IN.gguf OUT.gguf [BITS]     the adapter's matrices in 8, 5 or 4 bits (Q8_0, Q5_0, Q4_0), embedders of pictures and sound in 8

Needs the packages numpy and gguf. The same input gives the same bytes.
"""
import sys

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from gguf.quants import dequantize, quantize


def read(path):
    """{matrix: (A [rank, in], B [out, rank])}, scale"""
    reader = GGUFReader(path)
    tensors = {t.name: dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
    pairs = {name.removesuffix(".lora_a"): (a, tensors[name.removesuffix("a") + "b"]) for name, a in tensors.items() if name.endswith(".lora_a")}
    rank = next(iter(pairs.values()))[0].shape[0]
    return pairs, reader.fields["adapter.lora.alpha"].contents() / rank


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write(path, pairs, scale):
    writer = GGUFWriter(path, "gemma3")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(scale * next(iter(pairs.values()))[0].shape[0]))
    for name, (a, b) in pairs.items():
        writer.add_tensor(name + ".lora_a", a.astype(np.float16))
        writer.add_tensor(name + ".lora_b", b.astype(np.float16))
    finish(writer)


def pad(source, target, rank):
    pairs, scale = read(source)
    numbers = np.random.default_rng(7)
    for name, (a, b) in pairs.items():
        more = rank - a.shape[0]
        if more < 0:
            raise SystemExit(f"{source} has rank {a.shape[0]} already")
        fresh = numbers.uniform(-1, 1, (more, a.shape[1])) / np.sqrt(a.shape[1])
        pairs[name] = np.concatenate([a, fresh]), np.concatenate([b, np.zeros((b.shape[0], more))], 1)
    write(target, pairs, scale)


def mix(first, second, share, target, rank):
    pairs, scale = read(first)
    others, other_scale = read(second)
    lost = []
    for name, (a, b) in pairs.items():
        a = np.concatenate([a, others[name][0]])
        b = np.concatenate([b * scale * (1 - share), others[name][1] * other_scale * share], 1)
        if rank < a.shape[0]:
            # The best product of that rank: singular values of B A, by way of the two thin factors.
            qb, rb = np.linalg.qr(b)
            qa, ra = np.linalg.qr(a.T)
            u, s, v = np.linalg.svd(rb @ ra.T)
            root = np.sqrt(s[:rank])
            lost.append(np.sqrt((s[rank:] ** 2).sum() / (s**2).sum()))
            a, b = (root[:, None] * v[:rank]) @ qa.T, qb @ (u[:, :rank] * root)
        pairs[name] = a, b
    write(target, pairs, 1.0)
    print(f"left out for the rank: {100 * np.mean(lost or [0]):.1f} % of the change")


TYPES = {8: GGMLQuantizationType.Q8_0, 5: GGMLQuantizationType.Q5_0, 4: GGMLQuantizationType.Q4_0}


def squeeze(source, target, bits=8):
    reader = GGUFReader(source)
    writer = GGUFWriter(target, reader.fields["general.architecture"].contents())
    for name, field in reader.fields.items():
        if field.types == [GGUFValueType.STRING] and name != "general.architecture":
            writer.add_string(name, field.contents())
        elif field.types == [GGUFValueType.FLOAT32]:
            writer.add_float32(name, field.contents())
    for t in reader.tensors:
        values = dequantize(t.data, t.tensor_type).astype(np.float32)
        if values.ndim > 1 and values.shape[-1] % 32 == 0:
            kind = TYPES[bits if ".lora_" in t.name else 8]
            writer.add_tensor(t.name, quantize(values, kind), raw_dtype=kind)
        else:
            writer.add_tensor(t.name, values)
    finish(writer)


if __name__ == "__main__":
    if sys.argv[1:2] == ["pad"] and len(sys.argv) == 5:
        pad(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    elif sys.argv[1:2] == ["mix"] and len(sys.argv) == 7:
        mix(sys.argv[2], sys.argv[3], float(sys.argv[4]), sys.argv[5], int(sys.argv[6]))
    elif sys.argv[1:2] == ["squeeze"] and len(sys.argv) in (4, 5) and sys.argv[4:] in ([], ["8"], ["5"], ["4"]):
        squeeze(*sys.argv[2:4], *map(int, sys.argv[4:]))
    else:
        sys.exit(__doc__)
