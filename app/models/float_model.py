"""What decides a model's memory in engines that compute in floating point: its config.json, or its header.

Sizes are those of the most that may be: an attention that only sees a window, or that compresses its keys, is
taken to keep all, unless config.json says it in a way that every engine heeds (multi-head latent attention).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import ModelFileError
from app.domain.hub import Format
from app.models.complete import complete_header
from app.models.footprint import DEFAULT_TRAINED_CONTEXT, kv_bytes_per_token
from app.models.model_files import MAX_CONFIG_BYTES, read_json
from app.models.model_shape import MAX_LAYERS, MAX_SIZE
from app.models.safetensors_folder import read_tensors, weight_files
from app.models.weights import weigh

FLOAT_BITS = 16
"""What weights are computed in unless they are stored in more: bfloat16 or float16."""
_STORED_BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16}


@dataclass(frozen=True, slots=True)
class FloatModel:
    """A model's sizes. `cached` counts the elements that each token of context adds to the KV cache.

    `weights` are elements; those stored in less than 16 bits (`stored_bits`) are either computed with as they
    are or widened. `heads` is 1 where nobody says how many there are. `context_trained` is in tokens.
    """

    architecture: str
    weights: int
    stored_bits: int
    stored_bytes: int
    cached: int
    heads: int
    context_trained: int

    def weight_bytes(self, dtype: str, quantize_bits: int | None) -> int:
        """Bytes of the weights once they are loaded as `dtype` ("auto": as stored), or quantized."""
        if quantize_bits is not None:
            return self.weights * quantize_bits // 8
        if dtype == "auto":
            return max(self.stored_bytes, self.weights * FLOAT_BITS // 8)
        return self.weights * (4 if dtype == "float32" else 2)

    def cache_bytes(self, context_length: int, dtype: str) -> int:
        """Bytes of the KV cache for so many tokens."""
        wide = dtype == "float32" or (dtype == "auto" and self.stored_bits > FLOAT_BITS)
        return self.cached * context_length * (4 if wide else 2)


def read_float_model(path: Path, format_: Format) -> FloatModel:
    """The model at `path`: a folder of safetensors, or a GGUF file (the first of several).

    Raises ModelFileError where a file is missing, damaged or ends early.
    """
    return _of_gguf(path) if format_ is Format.GGUF else _of_folder(path)


def _of_gguf(path: Path) -> FloatModel:
    header = complete_header(path, Format.GGUF)
    shape = weigh(header).shape
    return FloatModel(
        architecture=header.architecture,
        weights=sum(math.prod(tensor.shape) for tensor in header.tensors),
        stored_bits=FLOAT_BITS,
        stored_bytes=header.tensor_bytes,
        cached=int(kv_bytes_per_token(header) // 2),
        heads=max(1, header.integer("attention.head_count") or 1),
        context_trained=shape.context_trained or DEFAULT_TRAINED_CONTEXT,
    )


def _of_folder(folder: Path) -> FloatModel:
    files = weight_files(folder)
    if not files:
        raise ModelFileError(
            f"there are no safetensors files in the folder {folder.name}. It may have been moved or deleted.",
            detail=str(folder),
        )
    config = read_json(folder / "config.json", MAX_CONFIG_BYTES)
    text = config.get("text_config")
    sizes = {**config, **text} if isinstance(text, dict) else config
    kinds: Counter[str] = Counter()
    stored = 0
    for file in files:
        for kind, count in read_tensors(file):
            kinds[kind] += count
        stored += file.stat().st_size
    most = max(kinds, key=lambda kind: kinds[kind], default="")
    heads = _count(sizes, "num_attention_heads", MAX_SIZE) or 1
    return FloatModel(
        architecture=str(config.get("model_type", ""))[:96],
        weights=sum(kinds.values()),
        stored_bits=_STORED_BITS.get(most, FLOAT_BITS),
        stored_bytes=stored,
        cached=_cached(sizes, heads),
        heads=heads,
        context_trained=_count(sizes, "max_position_embeddings", MAX_SIZE) or DEFAULT_TRAINED_CONTEXT,
    )


def _cached(sizes: dict[str, object], heads: int) -> int:
    """Elements of keys and values that one token adds, over all layers."""
    layers = _count(sizes, "num_hidden_layers", MAX_LAYERS) or 0
    latent = _count(sizes, "kv_lora_rank", MAX_SIZE)
    if latent is not None:  # multi-head latent attention: one vector, and what is rotated
        return layers * (latent + (_count(sizes, "qk_rope_head_dim", MAX_SIZE) or 0))
    width = _count(sizes, "hidden_size", MAX_SIZE) or 0
    head_size = _count(sizes, "head_dim", MAX_SIZE) or width // heads
    return 2 * layers * (_count(sizes, "num_key_value_heads", MAX_SIZE) or heads) * head_size


def _count(sizes: dict[str, object], key: str, most: int) -> int | None:
    value = sizes.get(key)
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most
    return value if whole else None  # type: ignore[return-value]
