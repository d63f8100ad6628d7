"""What the speed test page asks for: what can be tested, a test, the history. Nothing here blocks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, QTimer, Signal

from app.benchmark.progress import Progress
from app.domain.errors import EdgewiseError, StorageError
from app.domain.speed_test import SpeedTest, Workload
from app.domain.speed_test_history import MeasuredRate, SpeedTestSummary
from app.services.background import Background
from app.services.latest import Latest
from app.services.speed_test_live import LiveTest, SpeedTestLive
from app.services.speed_test_offer import Offer, Pick

if TYPE_CHECKING:
    from app.benchmark.entrant import Entrant
    from app.storage.speed_tests import SpeedTests

DRAIN_MS = 100
"""How often a running test is looked at."""
CLOSING_S = 5.0
"""Longest wait for a cancelled test when the app is closed."""

_SEEDS = random.SystemRandom()

Picks = Sequence[Pick]


class RunningTest(Protocol):
    """A test under way: `app.services.speed_test.RunningSpeedTest`."""

    problem: StorageError | None

    def cancel(self) -> None:
        """End it soon; returns at once."""
        ...

    def wait(self, timeout_s: float | None = None) -> SpeedTest | None:
        """Block until it has ended; None if that takes longer."""
        ...


Begin = Callable[[Sequence["Entrant"], Workload, Callable[[Progress], None]], RunningTest]


class Tester(Protocol):
    """What the session needs of the engines: `app.services.speed_test_tester.LocalTester`. All may block, but
    `begin`."""

    def offer(self) -> Offer:
        """What there is to choose from."""
        ...

    def differences(self, picks: Picks) -> tuple[str, ...]:
        """What is not like for like among them, in sentences."""
        ...

    def entrants(self, picks: Picks) -> Sequence[Entrant]:
        """Whoever takes part. Raises EdgewiseError."""
        ...

    def begin(
        self, entrants: Sequence[Entrant], workload: Workload, on_progress: Callable[[Progress], None]
    ) -> RunningTest:
        """Begin; returns at once."""
        ...


class SpeedTestSession(QObject):
    """Lives on the window's thread; its signals arrive there."""

    offered = Signal(object)
    """`Offer`."""
    not_offered = Signal(object)
    """`EdgewiseError`: what can be tested cannot be said."""
    differences_told = Signal(object, object)
    """The `Pick`s that were asked about, and a tuple of sentences."""
    running_changed = Signal(bool)
    """Whether a test is being got ready or runs."""
    live_changed = Signal(object)
    """`LiveTest`, some ten times a second while one runs."""
    ended = Signal(object)
    """`SpeedTest`, as far as it came."""
    not_begun = Signal()
    """The test that was started has not come about, by `stop` or by what `failed` told."""
    listed = Signal(object)
    """Tuple of `SpeedTestSummary`, newest first."""
    not_listed = Signal(object)
    """`EdgewiseError`: the history cannot be read."""
    opened = Signal(object)
    """`SpeedTest` out of the history."""
    compared = Signal(object, object)
    """Two `SpeedTest`s, the older one first."""
    trend_known = Signal(str, object)
    """A family, and its `MeasuredRate`s of chats alone, oldest first."""
    removed = Signal(object)
    """The `SpeedTestSummary` of a test that `restore` brings back for a while."""
    exported = Signal(object)
    """`Path` of a file that was written."""
    failed = Signal(object)
    """`EdgewiseError`."""

    def __init__(
        self,
        store: SpeedTests,
        tester: Tester,
        background: Background,
        parent: QObject | None = None,
        *,
        undo_ms: int = 12_000,
    ) -> None:
        super().__init__(parent)
        self._store = store
        self._tester = tester
        self._background = background
        self._undo_ms = undo_ms
        self._looking = False
        self._picks: Latest[tuple[str, ...]] = Latest(background)
        self._trends: Latest[list[MeasuredRate]] = Latest(background)
        self._live: SpeedTestLive | None = None
        self._running: RunningTest | None = None
        self._getting_ready = self._stopping = False
        self._seen = -1
        self._summaries: tuple[SpeedTestSummary, ...] = ()
        self._removed: dict[int, SpeedTestSummary] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(DRAIN_MS)
        self._timer.timeout.connect(self._drain)

    # What can be tested

    def look(self) -> None:
        """Look at models and engines anew; `offered` has it."""
        if not self._looking:
            self._looking = True
            self._background.run(self._tester.offer, self._offer, self._not_offered)

    def ask_differences(self, picks: Picks) -> None:
        """What is not like for like among these; `differences_told` has it."""
        self._picks.ask(
            lambda: self._tester.differences(picks),
            lambda sentences: self.differences_told.emit(picks, sentences),
            self.failed.emit,
        )

    def _offer(self, offer: Offer) -> None:
        self._looking = False
        self.offered.emit(offer)

    def _not_offered(self, error: EdgewiseError) -> None:
        self._looking = False
        self.not_offered.emit(error)

    # A test

    @property
    def is_running(self) -> bool:
        """Whether a test is being got ready or runs."""
        return self._getting_ready or self._running is not None

    @property
    def live(self) -> LiveTest | None:
        """The test that runs, as it stands now; None where there is none, or nothing to see of it yet."""
        return self._live.snapshot() if self._live is not None else None

    def start(self, picks: Picks, workload: Workload) -> None:
        """Begin a test, with prompts and an order of the engines of its own. Does nothing while one runs."""
        if self.is_running:
            return
        self._getting_ready, self._stopping = True, False
        self.running_changed.emit(True)
        self._background.run(
            lambda: self._tester.entrants(picks),
            lambda entrants: self._begin(entrants, replace(workload, seed=_SEEDS.randrange(2**32))),
            self._not_ready,
        )

    def stop(self) -> None:
        """End the test; what was measured is kept."""
        self._stopping = True
        if self._running is not None:
            self._running.cancel()

    def _begin(self, entrants: Sequence[Entrant], workload: Workload) -> None:
        self._getting_ready = False
        if self._stopping:
            self._did_not_begin()
            return
        live = self._live = SpeedTestLive()
        self._seen = -1
        self._running = self._tester.begin(entrants, workload, live.hear)
        self._timer.start()

    def _not_ready(self, error: EdgewiseError) -> None:
        self._getting_ready = False
        self._did_not_begin()
        self.failed.emit(error)

    def _did_not_begin(self) -> None:
        self.running_changed.emit(False)
        self.not_begun.emit()

    def _drain(self) -> None:
        live, running = self._live, self._running
        if live is None or running is None or live.changes == self._seen:
            return
        self._seen = live.changes
        snapshot = live.snapshot()
        if snapshot is None:
            return
        self.live_changed.emit(snapshot)
        if snapshot.has_ended:
            self._timer.stop()
            self._running = self._live = None
            self.running_changed.emit(False)
            self.ended.emit(snapshot.test)
            if running.problem is not None:
                self.failed.emit(running.problem)
            self.read_history()

    # The history

    def read_history(self) -> None:
        """Read the history; `listed` has it."""

        def read() -> list[SpeedTestSummary]:
            self._store.mark_interrupted().result()
            return self._store.summaries()

        self._background.run(read, self._listed, self.not_listed.emit)

    def open(self, test_id: int) -> None:
        """Read a whole test; `opened` has it."""
        self._background.run(lambda: self._get(test_id), self.opened.emit, self.failed.emit)

    def compare(self, one: int, other: int) -> None:
        """Read two tests; `compared` has them."""

        def read() -> list[SpeedTest]:
            return sorted((self._get(one), self._get(other)), key=lambda test: test.at)

        self._background.run(read, lambda tests: self.compared.emit(*tests), self.failed.emit)

    def ask_trend(self, family: str) -> None:
        """Read how fast a model was over time; `trend_known` has it."""
        self._trends.ask(
            lambda: self._store.over_time(family),
            lambda rates: self.trend_known.emit(family, rates),
            self.failed.emit,
        )

    def remove(self, test_id: int) -> None:
        """Forget a test; for a while `restore` brings it back."""
        summary = next((it for it in self._summaries if it.id == test_id), None)
        if summary is None or test_id in self._removed:
            return
        self._removed[test_id] = summary
        QTimer.singleShot(self._undo_ms, self, lambda: self._delete(test_id))
        self._tell()
        self.removed.emit(summary)

    def restore(self, test_id: int) -> None:
        """It was not meant to be forgotten."""
        if self._removed.pop(test_id, None) is not None:
            self._tell()

    def _delete(self, test_id: int) -> None:
        if self._removed.pop(test_id, None) is not None:
            self._summaries = tuple(it for it in self._summaries if it.id != test_id)
            self._background.run(self._store.delete(test_id).result, None, self._not_deleted)

    def _not_deleted(self, error: EdgewiseError) -> None:
        self.failed.emit(error)
        self.read_history()

    def _listed(self, summaries: Sequence[SpeedTestSummary]) -> None:
        self._summaries = tuple(summaries)
        self._tell()

    def _tell(self) -> None:
        self.listed.emit(tuple(it for it in self._summaries if it.id not in self._removed))

    def _get(self, test_id: int) -> SpeedTest:
        test = self._store.get(test_id)
        if test is None:
            raise StorageError("This speed test is not there any more: it was deleted meanwhile.")
        return test

    # Files

    def export(self, path: Path, content: Callable[[], bytes]) -> None:
        """Write what `content` makes, on a worker thread, into `path`; `exported` or `failed` tells."""

        def write() -> Path:
            try:
                path.write_bytes(content())
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise StorageError(
                    f"{path.name} was not written: {reason}. Choose another folder.", detail=str(error)
                ) from error
            return path

        self._background.run(write, self.exported.emit, self.failed.emit)

    # The end

    def close(self) -> None:
        """End a running test, its engines and its processes. Blocks until that is done."""
        self._timer.stop()
        for test_id in list(self._removed):
            del self._removed[test_id]
            self._store.delete(test_id)
        self.stop()
        deadline = time.monotonic() + CLOSING_S
        if self._running is not None:
            self._running.wait(max(0.0, deadline - time.monotonic()))
            self._running = None
