"""Writes the arrays of the reference outputs (.npz of the tiny Gemma 4) that the tests read as .npy into tiny/.

    unpack.py DIR_OF_NPZ        (needs numpy; token ids become int32, everything else keeps its type)
"""
import pathlib
import sys

import numpy as np

source, to = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parent / "tiny"
GRIDS = ["g3x2", "g1x5", "g4x4", "g2x1"]
REAL = ["A_200x150_rgb", "C_40x40_rgb", "D_1000x20_rgb"]
wanted = {
    "vision": [g + s for g in GRIDS for s in ("_patches_u8", "_embeds")] + [r + "_embeds" for r in REAL],
    "image_text": [g + s for g in GRIDS + REAL for s in ("_ids", "_logits", "_logits_hf524_forward_last8")],
    "audio": ["waveform_7777", "embeds", "ids", "logits"],
    "mixed": ["ids", "logits", "two_images_ids", "two_images_logits"],
    "generate": [g + s for g in ("text", "text2", "image", "mixed") for s in ("_prompt", "_tokens")],
    "assistant": [g + s for g in ("short", "long")
                  for s in ("_prompt", "_next", "_target_hidden", "_drafted", "_draft_logits", "_draft_hidden")],
    "image_preprocess": ["rescale_table"],
}
for file, keys in wanted.items():
    with np.load(source / (file + ".npz")) as arrays:
        for key in keys:
            a = arrays[key]
            np.save(to / f"{file}_{key}.npy", np.ascontiguousarray(a.astype(np.int32) if a.dtype == np.int64 else a))

# Of the training: one folder, since the arrays are called after parameters.
(to / "train").mkdir(exist_ok=True)
for file, prefix in (("train", ""), ("lora", "lora.")):
    with np.load(source / (file + ".npz")) as arrays:
        for key in arrays.files:
            if file == "lora" and not key.startswith("model."):
                continue  # the others lie in tiny/ already
            a = arrays[key]
            a = a.astype(np.int32) if a.dtype == np.int64 else np.atleast_1d(a)
            np.save(to / "train" / f"{prefix}{key}.npy", np.ascontiguousarray(a))
(to / "train" / "params.json").write_text((source / "train_params.json").read_text())
