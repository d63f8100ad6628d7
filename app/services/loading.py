"""From a model and a person's wishes to a model that is loaded. No Qt here: the command line uses it too."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.advisor.correction import Correction, correction_of
from app.advisor.placement import Room, largest_fitting_context, missing_on_gpu, place, room_with
from app.domain.engine import LoadWishes
from app.domain.errors import ModelFileError, NotEnoughMemory
from app.domain.generation import Cancellation
from app.domain.ledger import LedgerEntry
from app.domain.machine import Gpu
from app.domain.model import LocalModel
from app.domain.quantization import split_name
from app.engines.base import EngineAdapter, LoadOptions
from app.engines.llama_cpp import MOST_SLOTS, SLOTS
from app.engines.loaded_model import LoadedModel
from app.engines.process import EngineProcess
from app.hardware.probe import available_memory, computing_threads
from app.models.complete import complete_header
from app.models.footprint import (
    CONTEXT_STEP,
    MARGIN_BYTES,
    SMALLEST_CONTEXT,
    RunOptions,
    context_that_fits,
    forecast,
    largest_context,
    tokens_per_second,
)
from app.models.kv_cache import padded
from app.models.weights import WeighedModel, weigh

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

    `free` is the memory in bytes that could be taken when it was made; `gpu_free` of these lie on GPUs, and
    `gpu_memory` of the forecast's bytes are to lie there. `wanted_context` is the context length in tokens
    that the model would be loaded with if memory were plenty.
    """

    options: LoadOptions
    expected: LedgerEntry
    free: int
    wanted_context: int = 0
    gpu_free: int = 0
    gpu_memory: int = 0

    @property
    def main_memory(self) -> int:
        """Bytes of the forecast that are to lie in main memory."""
        return self.expected.forecast_memory - self.gpu_memory

    @property
    def lacking(self) -> int:
        """Bytes that it needs beyond what is free, by the forecast; 0 if it fits."""
        return max(0, self.main_memory - self.main_free) + max(0, self.gpu_memory - self.gpu_free)

    @property
    def main_free(self) -> int:
        """Bytes of main memory that could be taken."""
        return self.free - self.gpu_free

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
    gpus: Sequence[Gpu] = (),
) -> LoadPlan:
    """How to load `model` in llama.cpp: context to what fits, threads to the cores this process may use.

    `taken` are bytes of main memory that others are about to take; `gpus` are those that the build computes
    on, with what is free on them now: as many layers as fit go there. Reads the headers of its files. Raises
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
    threads = wishes.threads or computing_threads()
    room = room_with(free - prompt_cache, gpus)
    correction = correction_of(
        experience.loads,
        engine=engine,
        architecture=header.architecture,
        gpu=room.gpu > 0,
        threads=threads,
    )
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

    wanted = fitting(1 << 60)
    options = wanted if wishes.context_length is not None else fitting(free - prompt_cache)
    gpu_layers = 0
    gpu_memory = gpu_free = 0
    raw_memory = forecast(weighed, options).total
    forecast_memory = correction.memory(raw_memory)
    if room.gpu > 0:
        if wishes.context_length is None:
            options = _on_gpu(weighed, wanted, room, correction)
        placed = place(weighed, options, room, correction)
        gpu_layers = placed.gpu_layers
        forecast_memory = placed.need.total
        raw_memory = forecast_memory - placed.need.correction
        if not room.shared:
            gpu_memory, gpu_free = placed.need.gpu, sum(gpu.memory_free or 0 for gpu in gpus)
    # How fast a GPU reads its own memory, nobody has told.
    bandwidth = 0.0 if gpu_layers and not room.shared else experience.bandwidth or 0.0
    raw_speed = tokens_per_second(weighed, options, bandwidth, filled=FILLED) or None
    expected = LedgerEntry(
        id=0,
        at=time.time(),
        model=model.name,
        engine=engine,
        architecture=header.architecture,
        quantization=split_name(model.path.stem)[1],
        context_length=options.context,
        threads=threads,
        gpu_layers=gpu_layers,
        raw_memory=raw_memory,
        forecast_memory=forecast_memory,
        measured_memory=None,
        raw_speed=raw_speed,
        forecast_speed=None if raw_speed is None else correction.speed(raw_speed),
        measured_speed=None,
    )
    how = LoadOptions(
        options.context,
        threads,
        prompt_cache,
        parallel=parallel,
        # Of memory that is shared, llama.cpp itself finds out what the driver lets it have.
        gpu_layers=gpu_layers if gpus and not any(gpu.unified_memory for gpu in gpus) else None,
        devices=tuple(gpu.device for gpu in gpus if gpu.device is not None),
    )
    return LoadPlan(how, expected, free + gpu_free, wanted.context, gpu_free, gpu_memory)


def _on_gpu(model: WeighedModel, wanted: RunOptions, room: Room, correction: Correction) -> RunOptions:
    """`wanted` with the context that suits GPUs: one with which all layers lie there, if a longer chat fits.

    Else layers are given up rather than a comfortable context, and that rather than the load.
    """
    comfortable = min(wanted.context, COMFORTABLE_CONTEXT)

    def with_context(steps: int) -> RunOptions:
        return replace(wanted, context=steps * CONTEXT_STEP)

    def is_whole(options: RunOptions) -> bool:
        placed = place(model, options, room, correction)
        return placed.fits and missing_on_gpu(model, options, room, correction) <= 0

    if is_whole(wanted):
        return wanted
    if not room.shared and is_whole(replace(wanted, context=comfortable)):
        low, high = comfortable // CONTEXT_STEP, wanted.context // CONTEXT_STEP
        while high - low > 1:  # `low` is whole, `high` is not
            middle = (low + high) // 2
            low, high = (middle, high) if is_whole(with_context(middle)) else (low, middle)
        return with_context(low)
    most = wanted.context if room.shared else comfortable
    fitting = largest_fitting_context(model, wanted, room, correction, at_most=most)
    return replace(wanted, context=max(fitting, min(wanted.context, SMALLEST_CONTEXT)))


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
        raise NotEnoughMemory(
            f"{error.message} It needs about {needed_words(plan)} at a context of"
            f" {plan.expected.context_length:,} tokens; {free_words(plan)} were free.",
            detail=error.detail,
        ) from error


def needed_words(plan: LoadPlan) -> str:
    """What the load is forecast to take: "1.2 GB", or "6.3 GB on the GPU and 0.9 GB of main memory"."""
    return _amounts(plan.gpu_memory, plan.main_memory, plan)


def free_words(plan: LoadPlan) -> str:
    """What is free for it, likewise."""
    return _amounts(plan.gpu_free, plan.main_free, plan)


def _amounts(on_gpu: int, in_main: int, plan: LoadPlan) -> str:
    if not plan.gpu_memory:
        return f"{(on_gpu + in_main) / 1e9:.1f} GB"
    if not plan.main_memory:  # engines that compute in floating point are reckoned on the GPU alone
        return f"{on_gpu / 1e9:.1f} GB on the GPU"
    return f"{on_gpu / 1e9:.1f} GB on the GPU and {in_main / 1e9:.1f} GB of main memory"
