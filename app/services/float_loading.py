"""How to load a model in an engine that computes in floating point: Transformers, vLLM and their like.

No Qt here. Memory is weights + KV cache + what the engine itself takes; on GPUs, where the engine's build
computes on them, else in main memory.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.advisor.correction import correction_of
from app.domain.engine import LoadWishes
from app.domain.errors import ModelFileError
from app.domain.ledger import LedgerEntry
from app.domain.machine import Gpu
from app.domain.model import LocalModel
from app.engines.base import EngineAdapter, LoadOptions
from app.engines.vllm_memory import (
    BESIDE_SHARE,
    CONTEXTS_AT_ONCE,
    GPU_OVERHEAD,
    SMALLEST_POOL,
    cpu_kv_cache,
    gpu_memory_share,
)
from app.hardware.probe import available_memory, usable_physical_cores
from app.models.float_model import FloatModel, read_float_model
from app.models.footprint import (
    CONTEXT_STEP,
    LARGEST_DEFAULT_CONTEXT,
    MARGIN_BYTES,
    SMALLEST_CONTEXT,
)
from app.services.loading import Experience, LoadPlan

RUNTIME_BYTES = {"transformers": 560 << 20, "vllm": 2250 << 20}
"""What the engine's processes take in main memory beside weights and cache, on a processor: PyTorch and its
libraries, and for vLLM a second process and compiled code. Measured on Linux, x86-64, with SmolLM2 in
bfloat16 after a reply: Transformers took 0.89 and 0.98 GB at 2,048 and 8,192 tokens of context, vLLM 3.00
and 4.14 GB with pools of 0.38 and 1.51 GB."""
POOL_PAGE = 128
"""Tokens. A KV cache is given out in pages, of which the largest are those of vLLM's CPU build; of its last
page each reply leaves some unused."""
OTHER_RUNTIME_BYTES = 1500 << 20
"""For an engine that was not measured."""
MOST_GPUS = 16


@dataclass(frozen=True, slots=True)
class _Room:
    """Bytes that may be taken where it is computed: on `gpus` that share each layer, or in main memory."""

    free: int
    runtime: int
    gpus: int = 0
    gpu_total: int = 0
    gpu_free: int = 0


def plan_float_load(
    adapter: EngineAdapter,
    model: LocalModel,
    wishes: LoadWishes,
    *,
    gpus: Sequence[Gpu] = (),
    experience: Experience,
    taken: int = 0,
) -> LoadPlan:
    """How to load `model` with `adapter`: context to what fits, GPUs to as many as it needs.

    The entry's context is what all replies may take together, the options' what one may take; they differ
    where `wishes.most_context` asks for more than the model was trained for.

    `gpus` are those that the engine's build computes on, with what is free on them now. `taken` are bytes of
    main memory that others are about to take. Reads the model's headers. Raises ModelFileError.
    """
    try:
        sizes = read_float_model(model.path, model.format)
    except ModelFileError as error:
        raise ModelFileError(f"{model.name} did not start: {error}", detail=error.detail) from error
    dtype = wishes.dtype or "auto"
    weights = sizes.weight_bytes(dtype, wishes.quantize_bits)
    pooled = wishes.most_context if wishes.context_length is None else None
    wanted = wishes.context_length or pooled or min(sizes.context_trained, LARGEST_DEFAULT_CONTEXT)
    unused = 0 if pooled is None else sizes.cache_bytes((wishes.parallel or 1) * POOL_PAGE, dtype)
    room = _room(adapter, sizes, wishes, weights + sizes.cache_bytes(wanted, dtype) + unused, gpus, taken)
    threads = wishes.threads or usable_physical_cores()
    correction = correction_of(
        experience.loads, engine=adapter.id, architecture=sizes.architecture, threads=threads
    )

    def forecast(context: int) -> int:
        return weights + sizes.cache_bytes(context, dtype) + unused + room.runtime

    context = wanted
    if wishes.context_length is None:
        least = min(SMALLEST_CONTEXT, wanted)
        while context > least and correction.memory(forecast(context)) > room.free - MARGIN_BYTES:
            context = max(least, (context - CONTEXT_STEP) // CONTEXT_STEP * CONTEXT_STEP)
    cache = sizes.cache_bytes(context, dtype) + unused
    pool = None
    if pooled is not None:
        pool = cache if adapter.id != "vllm" else max(cache, SMALLEST_POOL)
    elif adapter.id == "vllm" and not room.gpus:
        # A pool that many contexts share: more than one where memory allows it.
        pool = cpu_kv_cache(memory_free=max(0, room.free - room.runtime), weights=weights, kv_cache=cache)
        pool = max(pool, cache) if wishes.context_length else pool
    raw_memory = weights + max(cache, pool or 0) + room.runtime
    share = wishes.gpu_memory_share
    if share is None and room.gpus and adapter.id != "transformers":
        share = gpu_memory_share(
            memory_total=room.gpu_total,
            memory_free=room.gpu_free,
            weights=weights,
            # All replies' together is what was asked for; a single context is held several times over.
            kv_cache=cache if pooled is None else -(-cache // CONTEXTS_AT_ONCE),
            gpus=room.gpus,
        )
    options = LoadOptions(
        # Engines refuse to let a single reply grow beyond what the model was trained for.
        context_length=context if pooled is None else min(context, sizes.context_trained),
        threads=threads,
        dtype=dtype,
        quantize_bits=wishes.quantize_bits,
        gpu_memory_share=share,
        tensor_parallel=max(1, room.gpus),
        kv_cache_bytes=pool,
        parallel=wishes.parallel,
    )
    expected = LedgerEntry(
        id=0,
        at=time.time(),
        model=model.name,
        engine=adapter.id,
        architecture=sizes.architecture,
        quantization="" if dtype == "auto" else dtype,
        context_length=context,
        threads=threads,
        gpu_layers=0,
        raw_memory=raw_memory,
        forecast_memory=correction.memory(raw_memory),
        measured_memory=None,
        raw_speed=None,
        forecast_speed=None,
        measured_speed=None,
    )
    on_gpus = (room.free, expected.forecast_memory) if room.gpus else (0, 0)
    return LoadPlan(options, expected, room.free, wanted, *on_gpus)


def _room(
    adapter: EngineAdapter,
    sizes: FloatModel,
    wishes: LoadWishes,
    needed: int,
    gpus: Sequence[Gpu],
    taken: int,
) -> _Room:
    """Where it is computed: on as few of the equal GPUs as hold `needed` bytes, else in main memory."""
    usable = [gpu for gpu in gpus if gpu.memory_total and gpu.memory_free is not None]
    if not usable:
        free = max(0, available_memory() - taken)
        return _Room(free, RUNTIME_BYTES.get(adapter.id, OTHER_RUNTIME_BYTES))
    alike = [
        gpu for gpu in usable if (gpu.name, gpu.memory_total) == (usable[0].name, usable[0].memory_total)
    ]
    counts = [count for count in range(1, min(len(alike), MOST_GPUS) + 1) if sizes.heads % count == 0]
    if adapter.id == "transformers":
        counts = [1]
    smallest = min(gpu.memory_free or 0 for gpu in alike)
    count = wishes.tensor_parallel or next(
        (count for count in counts if needed / count + GPU_OVERHEAD <= smallest), counts[-1]
    )
    return _Room(
        free=smallest * count,
        runtime=(GPU_OVERHEAD + BESIDE_SHARE) * count,
        gpus=count,
        gpu_total=alike[0].memory_total or 0,
        gpu_free=smallest,
    )
