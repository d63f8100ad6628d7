"""How much memory vLLM is told to reserve.

By itself it takes 0.92 of a GPU whatever the model needs. It would then fail beside any other program, and a
second engine could not start.
"""

from __future__ import annotations

import math

GPU_OVERHEAD = 2 << 30
"""Bytes of its share that vLLM wants beside weights and KV cache, above all for activations. A 7B model took
1.0 GiB on an H100 (docs/measurements.md); larger batches and vocabularies take more."""
BESIDE_SHARE = 5 << 29
"""Bytes it takes on top of its share: CUDA's context, captured graphs, workspaces. There they were 1.2 GiB
after the start and 2.4 GiB after 128 replies at once, with a share of 0.40 as with 0.92."""
CONTEXTS_AT_ONCE = 8
"""Full contexts that the KV cache is to hold where memory allows it; of shorter ones more fit."""
SMALLEST_POOL = 256 << 20
"""Bytes of KV cache below which a processor's pool is never set: it would hold no context of any use."""


def gpu_memory_share(
    *, memory_total: int, memory_free: int, weights: int, kv_cache: int, gpus: int = 1
) -> float | None:
    """The part of each GPU's memory to reserve, in hundredths; None where not even one context fits.

    All in bytes: `memory_total` and `memory_free` of the smallest of the `gpus` that share the model,
    `weights` of all of the model, `kv_cache` of one full context. vLLM measures what weights and activations
    take and gives the KV cache the rest of its share, so too small a share refuses to start and too large a
    one only takes memory from others.
    """
    fixed = weights / gpus + GPU_OVERHEAD
    most = math.floor((memory_free - BESIDE_SHARE) / memory_total * 100) / 100
    wanted = math.ceil((fixed + CONTEXTS_AT_ONCE * kv_cache / gpus) / memory_total * 100) / 100
    share = min(wanted, most)
    return share if share * memory_total >= fixed + kv_cache / gpus else None


def cpu_kv_cache(*, memory_free: int, weights: int, kv_cache: int | None = None) -> int:
    """Bytes of main memory to set aside for the KV cache on a processor.

    `kv_cache` are those of one full context, None where nobody knows; `memory_free` is free before the
    weights are read. Never more than half of what they leave; at least `SMALLEST_POOL`.
    """
    most = max(SMALLEST_POOL, (memory_free - weights) // 2)
    wanted = 1 << 30 if kv_cache is None else CONTEXTS_AT_ONCE * kv_cache
    return max(SMALLEST_POOL, min(wanted, most))
