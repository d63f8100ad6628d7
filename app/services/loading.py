"""From a model and a person's wishes to a model that is loaded. No Qt here: the command line uses it too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.domain.errors import ModelFileError
from app.domain.generation import Cancellation
from app.domain.model import LocalModel
from app.engines.base import EngineAdapter, LoadOptions
from app.engines.loaded_model import LoadedModel
from app.hardware.probe import available_memory, usable_physical_cores
from app.models.footprint import context_that_fits
from app.models.gguf_header import check_complete, read_header

PROMPT_CACHE_BYTES = 1 << 30
"""Most memory for prompts kept beside the KV cache (llama-server's own default is 8 GiB: too much for small
machines); never more than an eighth of what is free."""


@dataclass(frozen=True, slots=True)
class LoadWishes:
    """What a person has set; None leaves it to `plan_load`. `context_length` is in tokens."""

    context_length: int | None = None
    threads: int | None = None


def plan_load(model: LocalModel, wishes: LoadWishes) -> LoadOptions:
    """How to load `model` here: context to what fits, threads to the physical cores this process may use.

    Reads the file's header. Raises ModelFileError when the file is not there, not GGUF, or ends early.
    """
    try:
        header = read_header(model.path)
        check_complete(model.path, header)
    except ModelFileError as error:
        raise ModelFileError(f"{model.name} did not start: {error}", detail=error.detail) from error
    free = available_memory()
    prompt_cache = min(PROMPT_CACHE_BYTES, free // 8)
    return LoadOptions(
        context_length=context_that_fits(header, free - prompt_cache, wishes.context_length),
        threads=wishes.threads or usable_physical_cores(),
        prompt_cache_bytes=prompt_cache,
    )


def load_model(
    adapter: EngineAdapter,
    model: LocalModel,
    wishes: LoadWishes,
    *,
    logs: Path,
    cancellation: Cancellation | None = None,
) -> LoadedModel:
    """`plan_load`, then `LoadedModel.load`. Blocks; raises what they raise."""
    options = plan_load(model, wishes)
    return LoadedModel.load(adapter, model, options, logs=logs, cancellation=cancellation)
