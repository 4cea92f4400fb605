"""Our quantizers against gguf-py's (PyPI package "gguf") on random and awkward rows, byte by byte.

  python3 bench/quantize/compare_with_gguf.py build/cli/tessera

Writes a GGUF file of F32 matrices, lets `tessera model quantize` quantize it and compares every block
of Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, F16 and BF16. For the K formats, which gguf-py only decodes, it
prints our relative error. Exits 77 (skipped) where gguf is not installed.
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import gguf
    import numpy as np
except ImportError:
    print("gguf or numpy is not installed")
    sys.exit(77)

T = gguf.GGMLQuantizationType
rng = np.random.default_rng(5)
W = 512


def rows():
    yield "normal", rng.normal(0, 0.02, (2000, W))
    yield "uniform", rng.uniform(-3, 3, (500, W))
    yield "heavy tails", rng.standard_t(2, (500, W))
    yield "zeros", np.zeros((4, W))
    yield "ties", rng.integers(-8, 9, (500, W)) / 2
    yield "equal", np.full((4, W), 0.3)
    yield "both extremes", np.where(rng.random((100, W)) < 0.5, -1.0, 1.0)
    yield "huge", rng.normal(0, 1e4, (100, W)).clip(-60000, 60000)
    yield "small", rng.normal(0, 1e-6, (100, W))
    yield "halves", (rng.integers(-254, 255, (300, W)) / 2).astype(np.float32)


def main(program):
    data = {name: np.ascontiguousarray(x, np.float32) for name, x in rows()}
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "in.gguf"
        w = gguf.GGUFWriter(str(source), "gemma4")
        for name, x in data.items():
            w.add_tensor(name.replace(" ", "_") + ".weight", x)
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()
        for kind in (T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.F16, T.BF16, T.Q4_K, T.Q5_K, T.Q6_K):
            target = pathlib.Path(folder) / f"{kind.name}.gguf"
            subprocess.run([program, "model", "quantize", source, target, kind.name], check=True,
                           stdout=subprocess.DEVNULL)
            for t in gguf.GGUFReader(str(target)).tensors:
                x = data[t.name.removesuffix(".weight").replace("_", " ")]
                ours = np.ascontiguousarray(t.data).view(np.uint8).reshape(len(x), -1)
                if kind in (T.Q4_K, T.Q5_K, T.Q6_K):
                    y = gguf.quants.dequantize(ours, kind)
                    power = float(np.sum(x.astype(np.float64) ** 2))
                    error = (float(np.sum((y.astype(np.float64) - x) ** 2)) / power) ** 0.5 if power else 0
                    print(f"{kind.name:5} {t.name:22} relative error {error:.5f}")
                    continue
                theirs = gguf.quants.quantize(x, kind).view(np.uint8).reshape(len(x), -1)
                wrong = int(np.any(ours != theirs, axis=1).sum())
                bad += wrong
                print(f"{kind.name:5} {t.name:22} {wrong} of {len(x)} rows differ")
    return 1 if bad else 0


sys.exit(main(sys.argv[1]))
