"""A speed test on a thread of its own, kept in the database while it runs. No Qt here."""

from __future__ import annotations

import logging
import platform
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from app import __version__
from app.benchmark.entrant import Entrant
from app.benchmark.progress import ColumnChanged, Progress, TestBegan, TestEnded
from app.benchmark.runner import run, shuffled
from app.domain.errors import EdgewiseError, StorageError
from app.domain.generation import Cancellation
from app.domain.speed_test import ColumnResult, SpeedTest, TestState, Workload
from app.services.this_machine import this_machine
from app.storage.paths import Paths

if TYPE_CHECKING:
    from app.benchmark.instruments import Instruments
    from app.storage.speed_tests import SpeedTests

T = TypeVar("T")

_log = logging.getLogger(__name__)


def begin(
    paths: Paths,
    store: SpeedTests,
    entrants: Sequence[Entrant],
    workload: Workload,
    on_progress: Callable[[Progress], None],
    *,
    make_room: Callable[[], None] = lambda: None,
    instruments: Instruments | None = None,
) -> RunningSpeedTest:
    """Begin a test of `entrants`, a column each in the order given; returns at once.

    `on_progress` hears all of it on the test's thread, from `TestBegan` to `TestEnded`. `make_room` is called
    there before the first engine starts, to unload what is loaded for chats; if it raises an EdgewiseError,
    that is every column's failure.
    """
    if instruments is None:
        from app.benchmark.machine_instruments import MachineInstruments

        instruments = MachineInstruments()
    return RunningSpeedTest(paths, store, entrants, workload, on_progress, make_room, instruments)


class RunningSpeedTest:
    """One test under way. Made by `begin`; methods may be called from any thread."""

    def __init__(
        self,
        paths: Paths,
        store: SpeedTests,
        entrants: Sequence[Entrant],
        workload: Workload,
        on_progress: Callable[[Progress], None],
        make_room: Callable[[], None],
        instruments: Instruments,
    ) -> None:
        """Use `begin`."""
        self._paths = paths
        self._store = store
        self._entrants = entrants
        self._workload = workload
        self._on_progress = on_progress
        self._make_room = make_room
        self._instruments = instruments
        self._cancellation = Cancellation()
        self._test: SpeedTest | None = None
        self.problem: StorageError | None = None
        """Why it is not kept, or not whole: the disk is full, say. It is measured and told all the same."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="speed-test", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """End it: within a second nothing of it runs. Returns at once; what was measured is kept."""
        self._cancellation.cancel()

    def wait(self, timeout_s: float | None = None) -> SpeedTest | None:
        """Block until it has ended; returns it. None if that takes longer."""
        # Not `join`: one that Ctrl+C breaks off makes Python 3.11 believe that the thread has ended.
        return self._test if self._over.wait(timeout_s) else None

    def _run(self) -> None:
        try:
            self._measure()
        finally:
            self._over.set()

    def _measure(self) -> None:
        test = self._test = self._kept(
            SpeedTest(
                id=0,
                at=time.time(),
                workload=self._workload,
                machine=this_machine(self._paths),
                app_version=__version__,
                system=platform.platform(),
                columns=tuple(ColumnResult(entrant.contender) for entrant in self._entrants),
                order=shuffled(len(self._entrants), self._workload.seed),
                python_version=platform.python_version(),
            )
        )
        try:
            self._make_room()
        except EdgewiseError as error:
            self._hear(TestBegan(test))
            for position, column in enumerate(test.columns):
                failed = replace(column, failure=error.message, detail=error.detail)
                self._hear(ColumnChanged(position, failed))
            self._hear(TestEnded(replace(self._test, state=TestState.DONE)))
            return
        try:
            run(
                test,
                self._entrants,
                instruments=self._instruments,
                cancellation=self._cancellation,
                on_progress=self._hear,
            )
        except BaseException:  # a bug: whoever looks must not wait for ever
            self._hear(TestEnded(replace(self._test, state=TestState.INTERRUPTED)))
            raise

    def _kept(self, test: SpeedTest) -> SpeedTest:
        """`test` with its id in the database."""
        number = self._save(lambda: self._store.begin(test))
        return replace(test, id=number or 0)

    def _hear(self, progress: Progress) -> None:
        """Keep what is new of it before anybody else hears it: what was shown is not lost."""
        test = self._test
        assert test is not None
        match progress:
            case ColumnChanged(position, column):
                columns = [*test.columns]
                columns[position] = column
                self._test = replace(test, columns=tuple(columns))
                if test.id:
                    self._save(lambda: self._store.save_column(test.id, position, column))
            case TestEnded(ended):
                self._test = ended
                if test.id:
                    self._save(lambda: self._store.finish(test.id, ended.state, ended.order))
        self._on_progress(progress)

    def _save(self, write: Callable[[], Future[T]]) -> T | None:
        """What was written, once it is on the disk. A measurement does not end because it cannot be kept."""
        try:
            return write().result()
        except StorageError as error:
            _log.warning("A speed test is not kept: %s", error.detail or error)
            self.problem = self.problem or error
            return None
