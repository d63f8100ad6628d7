"""What the runner needs of whoever takes part: made by `app.services.entrants`, which knows how to load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.domain.generation import Cancellation
from app.domain.metrics import GenerationMetrics
from app.domain.speed_test import Contender, EngineFacts
from app.engines.address import Address
from app.engines.openai_client import Dialect, OpenAIClient


@dataclass(frozen=True, slots=True)
class Needs:
    """What a workload needs of a load: tokens of context that all requests of a case take together (the most
    of all cases), tokens that a single one takes, and requests at once."""

    context_length: int
    longest_request: int
    parallel: int


class RunningEntrant(Protocol):
    """A contender that is loaded and ready. Its process is fresh: nothing was asked of it yet.

    `pid` is None for an attached server. `load_s` runs from the start of the process until it is ready; None
    where nothing was loaded. `facts.parallel` and `facts.context_length` are what it was loaded with, which
    may be less than was needed.
    """

    pid: int | None
    address: Address
    dialect: Dialect
    client: OpenAIClient
    facts: EngineFacts
    load_s: float | None

    def memory(self) -> int | None:
        """Bytes that it takes now; see `LoadedModel.memory`."""
        ...

    def crashed(self) -> str | None:
        """The log of a process that ended by itself; None while it runs."""
        ...

    def replied(self, metrics: GenerationMetrics) -> None:
        """A whole reply, alone: the ledger learns from it."""
        ...

    def stop(self, *, at_once: bool = False) -> None:
        """End it. Blocks until its processes are gone. `at_once`: by force."""
        ...


class Entrant(Protocol):
    """A contender that can be started."""

    contender: Contender

    def start(
        self, needs: Needs, cancellation: Cancellation, on_progress: Callable[[str], None]
    ) -> RunningEntrant:
        """Load it. Blocks; `on_progress` hears in a few words what the load is at.

        Raises EdgewiseError: EngineMissing, EngineStartFailed (NotEnoughMemory among them), ModelFileError,
        ServerUnreachable …, each with a whole sentence. Cancelled if `cancellation` is thrown.
        """
        ...
