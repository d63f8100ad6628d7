"""Where an engine stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EngineState(StrEnum):
    """One engine's life. A state is always shown with its word, never as a colour alone."""

    ABSENT = "not installed"
    INSTALLING = "installing"
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    """Ready, and making at least one reply."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the window says of the engine now.

    `engine` is its name, `engine_id` what it is stored by. `context_length` is in tokens and known once
    ready. `error` is a sentence, `log` what stands behind it. `progress` says in a few words what a start is
    at. `replies` counts those being made. `memory` and `gpu_memory` are bytes that its processes take now,
    None while nobody looks or where it cannot be seen.
    """

    state: EngineState
    model: str | None = None
    engine: str = ""
    context_length: int | None = None
    error: str = ""
    log: str = ""
    engine_id: str = ""
    progress: str = ""
    replies: int = 0
    memory: int | None = None
    gpu_memory: int | None = None
    remote: bool = False
    """A server on another machine: what is said to it leaves this one."""
    can_force: bool = False
    """It failed because the forecast says that the model does not fit: a person may load it all the same."""


@dataclass(frozen=True, slots=True)
class LoadWishes:
    """How a person wants models loaded; None leaves it to the app. The fields are those of LoadOptions.

    `most_context` is not: so many tokens of context for all replies together, or as many of them as memory
    holds. Where `context_length` is wished, that is granted instead.
    """

    context_length: int | None = None
    threads: int | None = None
    dtype: str | None = None
    quantize_bits: int | None = None
    gpu_memory_share: float | None = None
    tensor_parallel: int | None = None
    parallel: int | None = None
    prompt_cache_bytes: int | None = None
    most_context: int | None = None


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether an engine can run on this machine, and `why` (not), in a sentence.

    It may be wrong: nobody is held back by it. `experimental` says that it runs, but that its makers promise
    little for this kind of machine.
    """

    can_run: bool
    why: str = ""
    experimental: bool = False


@dataclass(frozen=True, slots=True)
class EngineProfile:
    """What is said of an engine whichever machine it runs on, from the comparison the app grew from.

    `untried` says, in a sentence, why the makers of Edgewise never ran it; empty where they did.
    """

    id: str
    name: str
    maker: str
    licence: str
    homepage: str
    strengths: tuple[str, ...]
    weaknesses: tuple[str, ...]
    best_for: str
    avoid_for: str
    untried: str = ""
