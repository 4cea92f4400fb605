#!/usr/bin/env python3
"""Makes of our file of Gemma 3 270M what LiteRT-LM and onnxruntime-genai read: FOLDER/hf, FOLDER/onnx-int4,
FOLDER/onnx-int4-head8 and FOLDER/litert. bench/speed/converted_peers.py measures them.

    python3.11 -m venv /tmp/peers && /tmp/peers/bin/pip install torch==2.9.1 torchao==0.17.0 transformers==5.23.0 \\
        gguf==0.19.0 onnx==1.23.2 onnx-ir==1.1.0 onnxruntime==1.32.0 onnxruntime-genai==0.18.0 litert-torch==0.10.0 \\
        litert-lm==0.18.1
    /tmp/peers/bin/python bench/speed/peer_models.py gemma-3-270m-q4_k_m.gguf FOLDER [hf onnx litert]

The weights are those of our file, unpacked to f32; each peer's own converter quantizes them anew.
"""
import re
import sys
import types
from pathlib import Path

CACHE, CHUNKS = 4608, [128, 512, 1024]  # of LiteRT-LM: places for tokens, sizes that a prompt is cut into
NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "pre_feedforward_layernorm", "ffn_gate": "mlp.gate_proj",
         "post_attention_norm": "post_attention_layernorm", "post_ffw_norm": "post_feedforward_layernorm",
         "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "attn_q": "self_attn.q_proj",
         "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


def unpack(model, folder):
    """GGUF as a folder of Hugging Face's layout: config.json, model.safetensors in f32, tokenizer.json."""
    import gguf
    import numpy as np
    from safetensors.numpy import save_file
    from transformers import AutoTokenizer, Gemma3TextConfig

    tensors = {}
    for tensor in gguf.GGUFReader(model).tensors:
        weight = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if "norm" in tensor.name:
            weight -= 1  # GGUF holds what a norm multiplies by, Hugging Face how much it differs from one
        block = re.match(r"blk\.(\d+)\.(\w+)\.weight", tensor.name)
        name = {"token_embd.weight": "embed_tokens", "output_norm.weight": "norm"}.get(tensor.name)
        name = f"layers.{block[1]}.{NAMES[block[2]]}" if block else name
        tensors[f"model.{name}.weight"] = weight
    folder.mkdir(parents=True)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    Gemma3TextConfig(hidden_size=640, intermediate_size=2048, num_hidden_layers=18, num_attention_heads=4,
                     num_key_value_heads=1, head_dim=256, vocab_size=262144, sliding_window=512,
                     max_position_embeddings=32768, architectures=["Gemma3ForCausalLM"], dtype="float32",
                     ).save_pretrained(folder)
    AutoTokenizer.from_pretrained(model.parent, gguf_file=model.name).save_pretrained(folder)


def onnx(hf, out, *options):
    """Weights of 4 bits in blocks of 32, activations of 8 bits; logits of the last token alone."""
    from onnxruntime_genai.models import builder

    def rope(self, config):  # the builder of 0.18 looks for these where transformers 4 had them
        self.rope_attrs["theta"] = config.rope_parameters["full_attention"]["rope_theta"]
        config.rope_local_base_freq = config.rope_parameters["sliding_attention"]["rope_theta"]

    builder.Gemma3Model.make_rope_init = rope
    where = (None, str(hf), str(out), "int4", "cpu", str(out / "cache"))
    parsed = builder.parse_extra_options(*where, ["prune_lm_head=true", *options])
    builder.create_model(*where, **parsed)


def litert(hf, out):
    """Weights of 8 bits by column, activations of 8 bits."""
    import torch._dynamo  # before the names below, which it would look at
    import transformers  # noqa: F401
    from ai_edge_litert import schema_py_generated

    # litert-torch 0.10 takes this from TensorFlow for a model of pictures, without asking for TensorFlow.
    names = ("tensorflow", "tensorflow.lite", "tensorflow.lite.python")
    sys.modules.update({name: types.ModuleType(name) for name in names})
    sys.modules[names[-1]].schema_py_generated = schema_py_generated
    from litert_torch.generative.export_hf import export

    for name in names:
        del sys.modules[name]
    export.export(str(hf), str(out), cache_length=CACHE, prefill_lengths=CHUNKS, quantization_recipe="dynamic_wi8_afp32")


def main():
    model, folder, what = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:] or ["hf", "onnx", "litert"]
    if "hf" in what:
        unpack(model, folder / "hf")
    if "onnx" in what:
        onnx(folder / "hf", folder / "onnx-int4")
        onnx(folder / "hf", folder / "onnx-int4-head8", "algo_config=rtn", "matmul_mixed_precision=last_matmul:int8")
    if "litert" in what:
        litert(folder / "hf", folder / "litert")


if __name__ == "__main__":
    main()
