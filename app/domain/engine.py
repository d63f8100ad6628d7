"""Where an engine stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EngineState(StrEnum):
    """One engine's life. A state is always shown with its word, never as a colour alone."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the window says of the engine now.

    `context_length` is in tokens and known once ready. `error` is a sentence, `log` what stands behind it.
    """

    state: EngineState
    model: str | None = None
    engine: str = ""
    context_length: int | None = None
    error: str = ""
    log: str = ""
