"""Engines that do what a test says, for the session and the page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import cast

from app.benchmark.entrant import Entrant
from app.benchmark.progress import Progress
from app.domain.errors import EdgewiseError, StorageError
from app.domain.speed_test import SpeedTest, Workload
from app.services.speed_test_offer import Offer, Pick
from tests.gui.speed_test import values


class Running:
    """A test that does what the test says."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self.problem: StorageError | None = None
        self.tell = tell
        self.cancelled = threading.Event()
        self.waited: float | None = None

    def cancel(self) -> None:
        self.cancelled.set()

    def wait(self, timeout_s: float | None = None) -> SpeedTest | None:
        self.waited = timeout_s
        return values.TEST if self.cancelled.is_set() else None


class StandIn:
    def __init__(self) -> None:
        self.made = Offer((values.SMOL,), "SmolLM2 135M Instruct")
        self.error: EdgewiseError | None = None
        self.hold = threading.Event()
        self.hold.set()
        self.running: Running | None = None
        self.workloads: list[Workload] = []

    def offer(self) -> Offer:
        if self.error is not None:
            raise self.error
        return self.made

    def differences(self, picks: Sequence[Pick]) -> tuple[str, ...]:
        return (f"{len(picks)} differ.",)

    def entrants(self, picks: Sequence[Pick]) -> Sequence[Entrant]:
        self.hold.wait(10)
        if self.error is not None:
            raise self.error
        return cast(Sequence[Entrant], picks)

    def begin(
        self, entrants: Sequence[Entrant], workload: Workload, on_progress: Callable[[Progress], None]
    ) -> Running:
        self.workloads.append(workload)
        self.running = Running(on_progress)
        return self.running
