"""Writes into the ledger what a load was expected to take, what it took, and how fast it replied.

No Qt here. Everything blocks for a moment (a file, the database, the engine's processes): call it from
worker threads. A ledger that cannot be written is no reason to stop a chat; what is wrong with the disk is
told where the chat itself is stored.
"""

from __future__ import annotations

import statistics
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.errors import StorageError
from app.domain.ledger import LedgerEntry
from app.domain.machine import Bandwidth
from app.domain.metrics import GenerationMetrics
from app.storage.bandwidth import load_bandwidth
from app.storage.ledger import Ledger

if TYPE_CHECKING:  # all that a load needs is imported once there is one
    from app.engines.base import LoadReport
    from app.engines.loaded_model import LoadedModel
    from app.services.loading import Experience, LoadPlan

FEWEST_TOKENS = 32
"""Of a reply whose speed counts; a shorter one tells more of its first token."""
REPLIES = 5
"""So many replies of a load are timed; the ledger has their median."""
REMEMBERED = 200
"""Earlier loads that a forecast is corrected by, the newest."""


class LoadHistory:
    """Earlier loads on this machine, and where a new one is written down."""

    def __init__(self, ledger: Ledger, bandwidth: Path) -> None:
        """`bandwidth` is the file with the memory's bandwidth, which need not be there."""
        self._ledger = ledger
        self._bandwidth = bandwidth

    def experience(self) -> Experience:
        """What is known now."""
        from app.services.loading import Experience

        loads: list[LedgerEntry] = []
        with suppress(StorageError):
            loads = self._ledger.entries(REMEMBERED)
        return Experience(loads, decoding_bandwidth(load_bandwidth(self._bandwidth)))

    def begin(self, plan: LoadPlan, loaded: LoadedModel) -> LoadRecord:
        """Write down that `loaded`, as `plan` had it, is ready."""
        return LoadRecord(self._ledger, plan.expected, loaded)


class LoadRecord:
    """One load's entry. Made once the model is ready; methods may be called from any thread."""

    def __init__(self, ledger: Ledger, expected: LedgerEntry, loaded: LoadedModel) -> None:
        self._ledger = ledger
        self._loaded = loaded
        self._report: LoadReport = loaded.report()
        self._lock = threading.Lock()
        self._memory = loaded.memory(self._report)
        self._replied = False
        self._speeds: list[float] = []
        self._entry: Future[int] = ledger.record(measured(expected, self._memory, self._report))

    def replied(self, metrics: GenerationMetrics) -> None:
        """Measure after a whole reply. The first one has written to the buffers that a reply needs.

        Later ones fill the prompt cache, which no forecast counts: they tell only of the speed.
        """
        with self._lock:
            first, self._replied = not self._replied, True
        with suppress(StorageError):
            if first:
                self._keep_memory(self._loaded.memory(self._report))
            speed = metrics.server_tokens_per_second or metrics.tokens_per_second
            if speed is not None and (metrics.completion_tokens or 0) >= FEWEST_TOKENS:
                self._keep_speed(speed)

    def _keep_memory(self, memory: int | None) -> None:
        if memory is not None and memory > (self._memory or 0):
            self._ledger.set_memory(self._entry.result(), memory).result()

    def _keep_speed(self, speed: float) -> None:
        with self._lock:
            if len(self._speeds) >= REPLIES:
                return
            self._speeds.append(speed)
            median = statistics.median(self._speeds)
        self._ledger.set_speed(self._entry.result(), median).result()


def measured(expected: LedgerEntry, memory: int | None, report: LoadReport) -> LedgerEntry:
    """`expected` with what was measured once the model was ready."""
    return replace(expected, measured_memory=memory, gpu_layers=report.gpu_layers)


def decoding_bandwidth(bandwidth: Bandwidth | None) -> float | None:
    """Bytes a second at which weights can be read: reading, or where only copying was measured, that."""
    if bandwidth is None:
        return None
    return float(bandwidth.read or bandwidth.copy)
