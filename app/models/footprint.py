"""How much memory a model needs at a context length, from its header alone."""

from __future__ import annotations

from app.models.gguf_header import GgufHeader

CACHE_BYTES = 2.0
"""Bytes of one element of an f16 KV cache."""
RESERVE_BYTES = 768 * 1024 * 1024
"""Left to the runtime's buffers and to everything else on the machine."""
CONTEXT_STEP = 256
"""llama.cpp pads contexts to this (GGML_PAD in llama-context.cpp)."""
MAX_LAYERS = 4096
"""More than any model has; a hostile header shall not make us count to 2^32."""
SMALLEST_CONTEXT = 2048
DEFAULT_TRAINED_CONTEXT = 4096
LARGEST_DEFAULT_CONTEXT = 32_768
"""More is rarely used and is paid for in memory from the start; a person can ask for it."""


def kv_bytes_per_token(header: GgufHeader) -> float:
    """Bytes that each token of context takes in an f16 KV cache: per layer n_kv·(d_k + d_v)·2.

    Grouped-query attention with per-layer arrays is covered. Sliding windows, MLA and recurrent layers
    need less than this says, so it errs on the safe side for them.
    """
    layers = max(0, min(header.integer("block_count") or 0, MAX_LAYERS))
    heads = header.integers("attention.head_count", layers) or (0,) * layers
    kv_heads = header.integers("attention.head_count_kv", layers) or heads
    width = header.integer("embedding_length") or 0
    total = 0.0
    for layer in range(layers):
        per_head = width // heads[layer] if heads[layer] else 0
        key = header.integer("attention.key_length") or per_head
        value = header.integer("attention.value_length") or per_head
        total += kv_heads[layer] * (key + value) * CACHE_BYTES
    return total


def context_that_fits(header: GgufHeader, available: int, wanted: int | None) -> int:
    """The context length to load with, in tokens, given `available` bytes of memory.

    Without a wish: what the model was trained for, up to `LARGEST_DEFAULT_CONTEXT`. Never more than fits
    beside the weights, never less than `SMALLEST_CONTEXT` (a load that then fails says so itself). A wish
    is granted as it is: a person may know better.
    """
    trained = header.integer("context_length") or 0
    trained = trained if 0 < trained < 1 << 31 else DEFAULT_TRAINED_CONTEXT
    if wanted is not None:
        target = max(1, wanted)
    else:
        target = min(trained, LARGEST_DEFAULT_CONTEXT)
        if (per_token := kv_bytes_per_token(header)) > 0:
            room = max(0, available - header.tensor_bytes - RESERVE_BYTES)
            target = min(target, int(room / per_token))
        target = max(target, min(SMALLEST_CONTEXT, trained))
    return -(-target // CONTEXT_STEP) * CONTEXT_STEP
