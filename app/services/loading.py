"""From a model and a person's wishes to a model that is loaded. No Qt here: the command line uses it too."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.advisor.correction import correction_of
from app.domain.engine import LoadWishes
from app.domain.errors import ModelFileError, NotEnoughMemory
from app.domain.generation import Cancellation
from app.domain.ledger import LedgerEntry
from app.domain.model import LocalModel
from app.domain.quantization import split_name
from app.engines.base import EngineAdapter, LoadOptions
from app.engines.llama_cpp import MOST_SLOTS, SLOTS
from app.engines.loaded_model import LoadedModel
from app.engines.process import EngineProcess
from app.hardware.probe import available_memory, usable_physical_cores
from app.models.complete import complete_header
from app.models.footprint import (
    MARGIN_BYTES,
    SMALLEST_CONTEXT,
    RunOptions,
    context_that_fits,
    forecast,
    largest_context,
    tokens_per_second,
)
from app.models.kv_cache import padded
from app.models.weights import weigh

__all__ = ["Experience", "LoadPlan", "LoadWishes", "load_model", "load_planned", "plan_load"]

PROMPT_CACHE_BYTES = 1 << 30
"""Most memory for prompts kept beside the KV cache (llama-server's own default is 8 GiB: too much for small
machines); never more than an eighth of what is free."""
COMFORTABLE_CONTEXT = 8192
"""Tokens. For less than this, models that nobody uses are unloaded rather than the context cut."""
FILLED = 512
"""Tokens of a conversation at which a speed is forecast: a question and half of its reply. The speeds in the
ledger are those of first replies and are held against this; `app.advisor.ladder` tells another, with half of
the context filled."""


@dataclass(frozen=True, slots=True)
class Experience:
    """What is known of this machine: earlier loads, and its memory's bandwidth in bytes a second."""

    loads: Sequence[LedgerEntry] = ()
    bandwidth: float | None = None


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How to load a model, and what to expect of it: a ledger's entry in which nothing is measured yet.

    `free` is the memory in bytes that could be taken when it was made. `wanted_context` is the context length
    in tokens that the model would be loaded with if memory were plenty.
    """

    options: LoadOptions
    expected: LedgerEntry
    free: int
    wanted_context: int = 0
    on_gpus: bool = False
    """The memory is that of GPUs, all or in part."""

    @property
    def lacking(self) -> int:
        """Bytes that it needs beyond what is free, by the forecast; 0 if it fits."""
        return max(0, self.expected.forecast_memory - self.free)

    @property
    def is_comfortable(self) -> bool:
        """Whether it fits, with no less context than a longer chat takes or than is wanted."""
        return not self.lacking and self.options.context_length >= min(
            self.wanted_context, COMFORTABLE_CONTEXT
        )


def plan_load(
    model: LocalModel,
    wishes: LoadWishes,
    *,
    engine: str,
    experience: Experience = Experience(),
    taken: int = 0,
    gpu_memory: Callable[[], int] = lambda: 0,
) -> LoadPlan:
    """How to load `model` in llama.cpp: context to what fits, threads to the cores this process may use.

    `taken` are bytes that others are about to take; `gpu_memory` tells the bytes free on the GPUs that share
    the load, and is asked only where main memory does not do. Reads the headers of its files. Raises
    ModelFileError when one is not there, not GGUF, or ends early.
    """
    try:
        header = complete_header(model.path, model.format)
    except ModelFileError as error:
        raise ModelFileError(f"{model.name} did not start: {error}", detail=error.detail) from error
    free = max(0, available_memory() - taken)
    prompt_cache = wishes.prompt_cache_bytes
    if prompt_cache is None:
        prompt_cache = min(PROMPT_CACHE_BYTES, free // 8)
    threads = wishes.threads or usable_physical_cores()
    correction = correction_of(
        experience.loads, engine=engine, architecture=header.architecture, threads=threads
    )
    room = free - prompt_cache
    parallel = None if wishes.parallel is None else max(1, min(wishes.parallel, MOST_SLOTS))
    sequences = parallel or SLOTS
    weighed = weigh(header)

    def fitting(bytes_free: int) -> RunOptions:
        if wishes.most_context is None or wishes.context_length is not None:
            context = context_that_fits(
                header, bytes_free, wishes.context_length, corrected=correction.memory
            )
            return RunOptions(context, sequences=sequences)
        most = padded(wishes.most_context)
        left = bytes_free - MARGIN_BYTES
        context = largest_context(
            weighed,
            RunOptions(most, sequences=sequences),
            lambda it: correction.memory(it.total) <= left,
            at_most=most,
        )
        return RunOptions(max(context, min(most, SMALLEST_CONTEXT)), sequences=sequences)

    wanted = fitting(1 << 60).context
    options = fitting(room)
    raw_memory = forecast(weighed, options).total
    on_gpus = False
    if (options.context < wanted or correction.memory(raw_memory) > free) and (more := gpu_memory()):
        on_gpus = True
        free += more
        options = fitting(room + more)
        raw_memory = forecast(weighed, options).total
    raw_speed = tokens_per_second(weighed, options, experience.bandwidth or 0.0, filled=FILLED) or None
    expected = LedgerEntry(
        id=0,
        at=time.time(),
        model=model.name,
        engine=engine,
        architecture=header.architecture,
        quantization=split_name(model.path.stem)[1],
        context_length=options.context,
        threads=threads,
        gpu_layers=0,
        raw_memory=raw_memory,
        forecast_memory=correction.memory(raw_memory),
        measured_memory=None,
        raw_speed=raw_speed,
        forecast_speed=None if raw_speed is None else correction.speed(raw_speed),
        measured_speed=None,
    )
    how = LoadOptions(options.context, threads, prompt_cache, parallel=parallel)
    return LoadPlan(how, expected, free, wanted, on_gpus)


def load_model(
    adapter: EngineAdapter,
    model: LocalModel,
    wishes: LoadWishes,
    *,
    logs: Path,
    cancellation: Cancellation | None = None,
) -> LoadedModel:
    """`plan_load`, then `load_planned`. Blocks; raises what they raise."""
    plan = plan_load(model, wishes, engine=adapter.id)
    return load_planned(adapter, model, plan, logs=logs, cancellation=cancellation)


def load_planned(
    adapter: EngineAdapter,
    model: LocalModel,
    plan: LoadPlan,
    *,
    logs: Path,
    cancellation: Cancellation | None = None,
    on_wait: Callable[[EngineProcess], None] = lambda _: None,
) -> LoadedModel:
    """`LoadedModel.load`. Blocks; raises what it raises; a want of memory is told with figures."""
    try:
        return LoadedModel.load(
            adapter, model, plan.options, logs=logs, cancellation=cancellation, on_wait=on_wait
        )
    except NotEnoughMemory as error:
        needed, free = plan.expected.forecast_memory / 1e9, plan.free / 1e9
        raise NotEnoughMemory(
            f"{error.message} It needs about {needed:.1f} GB at a context of"
            f" {plan.expected.context_length:,} tokens; {free:.1f} GB were free.",
            detail=error.detail,
        ) from error
