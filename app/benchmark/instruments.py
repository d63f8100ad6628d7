"""What a running test measures with: all that the runner knows of the load process and of the watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from app.benchmark.entrant import RunningEntrant
from app.domain.generation import Cancellation, ChatMessage
from app.domain.speed_test import Round, Watched

Prompt = tuple[ChatMessage, ...]


class Load(Protocol):
    """Sends requests from a process of its own; see `app.benchmark.load_process`."""

    def round(
        self,
        running: RunningEntrant,
        prompts: Sequence[Prompt],
        output_tokens: int,
        *,
        cancellation: Cancellation,
        timeout_s: float,
        on_pieces: Callable[[int], None],
    ) -> Round:
        """Send all prompts at once, and return when every reply has ended; what went wrong with one is in its
        sample.

        `on_pieces` hears how many pieces came so far in this round. Raises Cancelled, EngineTimeout if it
        takes longer than `timeout_s`, and another EdgewiseError if the sending process ended by itself.
        """
        ...

    def close(self) -> None:
        """End the process."""
        ...


class Watcher(Protocol):
    """Looks at the machine and one engine's processes; see `app.benchmark.watch`."""

    def begin(self) -> None:
        """From now on."""
        ...

    def lap(self) -> Watched:
        """What was seen since `begin` or the last lap."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Instruments(Protocol):
    """Makes the above for each contender anew."""

    def idle(self, wait: Callable[[float], None]) -> None:
        """Look at the idle machine, before anything was started, where it can tell what it uses.

        `wait` lets so many seconds pass; it raises Cancelled.
        """
        ...

    def load(self) -> Load:
        """Start a load process. Raises EdgewiseError."""
        ...

    def watch(self, pid: int | None) -> Watcher:
        """Watch the process tree of `pid`; only the machine where that is None."""
        ...
