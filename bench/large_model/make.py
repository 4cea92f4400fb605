"""Writes a Gemma 4 12B-shaped GGUF with random Q4_0 weights, to measure loading, memory and speed at full size.

    make.py OUT.gguf --tokenizer GEMMA.gguf [--layers 48] [--mmproj OUT2.gguf]

48 layers, width 3840, MLP 15360, 16 heads, 8 x 256 and 1 x 512 key heads, vocabulary 262,144: about 6.7 GB. The
tokenizer's metadata is copied from GEMMA.gguf (`tessera model get gemma-3-270m` has the same vocabulary). Weights
are random blocks with a scale that keeps activations near one; what the model says means nothing.
"""
import argparse
import random
import struct

F32, Q4_0 = 0, 2
U32, I32, F32V, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
D, FFN, HEADS, VOCAB = 3840, 15360, 16, 262144


def text(s):
    b = s.encode()
    return struct.pack("<Q", len(b)) + b


def entry(key, kind, payload):
    return text(key) + struct.pack("<I", kind) + payload


def u32(key, v):
    return entry(key, U32, struct.pack("<I", v))


def f32(key, v):
    return entry(key, F32V, struct.pack("<f", v))


def array(key, kind, fmt, values):
    return entry(key, ARRAY, struct.pack("<IQ", kind, len(values)) + b"".join(struct.pack(fmt, v) for v in values))


def tokenizer_entries(path):
    """The raw bytes of each `tokenizer.*` entry of a GGUF."""
    data = open(path, "rb").read()
    at = 0

    def take(fmt):
        nonlocal at
        v = struct.unpack_from(fmt, data, at)
        at += struct.calcsize(fmt)
        return v[0]

    def skip(kind):
        nonlocal at
        if kind == STRING:
            length = take("<Q")  # moves `at` before it is added to
            at += length
        elif kind == ARRAY:
            element, count = take("<I"), take("<Q")
            if element == STRING:
                for _ in range(count):
                    length = take("<Q")
                    at += length
            else:
                at += WIDTHS[element] * count
        else:
            at += WIDTHS[kind]

    assert data[:4] == b"GGUF"
    at = 16
    found = []
    for _ in range(take("<Q")):
        start = at
        length = take("<Q")
        key = data[at:at + length].decode()
        at += length
        skip(take("<I"))
        if key.startswith("tokenizer."):
            found.append(data[start:at])
    return found


class Blocks:
    """Endless random Q4_0 blocks, drawn from a pool whose length no row divides."""

    def __init__(self, seed):
        rng = random.Random(seed)
        self.pool = b"".join(struct.pack("<e", rng.uniform(0.001, 0.006)) + rng.randbytes(16) for _ in range(65537)) * 4
        self.at = 0

    def write(self, out, n):
        while n > 0:
            part = self.pool[self.at:self.at + n]
            out.write(part)
            n -= len(part)
            self.at = (self.at + len(part)) % len(self.pool)


def tensor_list(layers):
    full = [(i + 1) % 6 == 0 for i in range(layers)]
    full[-1] = True
    yield "token_embd.weight", (D, VOCAB), Q4_0
    yield "output_norm.weight", (D,), F32
    yield "rope_freqs.weight", (256,), F32
    for i in range(layers):
        hd, kv = (512, 1) if full[i] else (256, 8)
        b = f"blk.{i}."
        yield b + "attn_q.weight", (D, HEADS * hd), Q4_0
        yield b + "attn_k.weight", (D, kv * hd), Q4_0
        if not full[i]:
            yield b + "attn_v.weight", (D, kv * hd), Q4_0
        yield b + "attn_output.weight", (HEADS * hd, D), Q4_0
        yield b + "ffn_gate.weight", (D, FFN), Q4_0
        yield b + "ffn_up.weight", (D, FFN), Q4_0
        yield b + "ffn_down.weight", (FFN, D), Q4_0
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            yield b + name + ".weight", (D,), F32
        yield b + "attn_q_norm.weight", (hd,), F32
        yield b + "attn_k_norm.weight", (hd,), F32
        yield b + "layer_output_scale.weight", (1,), F32


def write(path, metadata, tensors, values):
    blocks = Blocks(1)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)) + b"".join(metadata)
    offset, sizes = 0, []
    for name, shape, kind in tensors:
        n = 1
        for s in shape:
            n *= s
        size = n // 32 * 18 if kind == Q4_0 else n * 4
        header += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", s) for s in shape)
        header += struct.pack("<IQ", kind, offset)
        sizes.append((name, n, kind, size))
        offset += (size + 31) // 32 * 32
    with open(path, "wb") as out:
        out.write(header + b"\0" * (-len(header) % 32))
        for name, n, kind, size in sizes:
            if kind == Q4_0:
                blocks.write(out, size)
            else:
                out.write(values(name, n))
            out.write(b"\0" * (-size % 32))


def norms(name, n):
    if name == "rope_freqs.weight":
        return struct.pack("<64f", *[1.0] * 64) + struct.pack("<192f", *[1e30] * 192)
    value = 0.5 if name.endswith("layer_output_scale.weight") else 0.1 if "_norm" in name and "attn_q" in name else 1.0
    return struct.pack("<f", value) * n


def small(name, n):
    rng = random.Random(name)
    spread = 1.0 if "norm" in name else 0.02
    base = 1.0 if name.endswith("norm.1.weight") or name.endswith("norm.2.weight") or name.endswith("norm.3.weight") else 0.0
    row = struct.pack("<4096f", *[base + rng.uniform(-spread, spread) * 0.5 for _ in range(4096)])
    return (row * (n // 4096 + 1))[:n * 4]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("--tokenizer", required=True)
    p.add_argument("--layers", type=int, default=48)
    p.add_argument("--mmproj")
    a = p.parse_args()
    n = a.layers
    full = [(i + 1) % 6 == 0 for i in range(n)]
    full[-1] = True
    k = "gemma4."
    metadata = [
        entry("general.architecture", STRING, text("gemma4")),
        entry("general.name", STRING, text("random weights in the shape of Gemma 4 12B")),
        u32(k + "block_count", n), u32(k + "context_length", 262144), u32(k + "embedding_length", D),
        u32(k + "feed_forward_length", FFN), u32(k + "attention.head_count", HEADS),
        array(k + "attention.head_count_kv", I32, "<i", [1 if f else 8 for f in full]),
        f32(k + "attention.layer_norm_rms_epsilon", 1e-6),
        u32(k + "attention.key_length", 512), u32(k + "attention.value_length", 512),
        u32(k + "attention.key_length_swa", 256), u32(k + "attention.value_length_swa", 256),
        u32(k + "attention.sliding_window", 1024),
        array(k + "attention.sliding_window_pattern", BOOL, "<?", [not f for f in full]),
        u32(k + "attention.shared_kv_layers", 0), u32(k + "embedding_length_per_layer_input", 0),  # llama.cpp asks for both
        u32(k + "rope.dimension_count", 512), u32(k + "rope.dimension_count_swa", 256),
        f32(k + "rope.freq_base", 1e6), f32(k + "rope.freq_base_swa", 1e4),
        f32(k + "final_logit_softcapping", 30.0),
    ] + tokenizer_entries(a.tokenizer)
    write(a.out, metadata, list(tensor_list(n)), norms)
    if a.mmproj:
        tensors = [("v.patch_embd.weight", (6912, D), F32), ("v.patch_embd.bias", (D,), F32),
                   ("v.position_embd.weight", (D, 1120, 2), F32), ("mm.input_projection.weight", (D, D), F32),
                   ("mm.a.input_projection.weight", (640, D), F32)]
        for i, width in ((1, 6912), (2, D), (3, D)):
            tensors += [(f"v.patch_norm.{i}.weight", (width,), F32), (f"v.patch_norm.{i}.bias", (width,), F32)]
        write(a.mmproj, [entry("general.architecture", STRING, text("clip"))], tensors, small)


main()
