"""What is known of a running speed test at this moment. No Qt here.

The runner tells on its own thread, some hundred times a second at worst; whoever looks takes a snapshot when
it suits. So no figure costs a signal.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.benchmark.progress import (
    ColumnChanged,
    ColumnStage,
    LiveRate,
    Progress,
    Stage,
    TestBegan,
    TestEnded,
)
from app.domain.speed_test import Case, ColumnResult, SpeedTest, Workload

_LOAD_WEIGHT = 2.0
"""What a load and the first reply after it count beside a round of one case, for the share that is done."""
_TELLS_FROM = 0.05
"""Before this share is done the time left cannot be told."""
_TELLS_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """One engine now. `rate` in tokens a second of all requests together, None while none are made."""

    result: ColumnResult
    stage: Stage = Stage.WAITING
    case: Case | None = None
    repetition: int = 0
    detail: str = ""
    rate: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether it is this engine's turn."""
        return self.stage not in (Stage.WAITING, Stage.DONE, Stage.FAILED)


@dataclass(frozen=True, slots=True)
class LiveTest:
    """The whole test now. `share` of it is done (0 to 1); `left_s` is None while that cannot be told."""

    test: SpeedTest
    columns: tuple[LiveColumn, ...]
    share: float = 0.0
    left_s: float | None = None
    has_ended: bool = False


class SpeedTestLive:
    """Hears what the runner tells, from any thread, and says where the test stands."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._test: SpeedTest | None = None
        self._columns: list[LiveColumn] = []
        self._ended = False
        self._changes = 0

    def hear(self, progress: Progress) -> None:
        """Take up what was told."""
        with self._lock:
            self._changes += 1
            match progress:
                case TestBegan(test):
                    self._test = test
                    self._columns = [LiveColumn(column) for column in test.columns]
                case ColumnStage(position, stage, case, repetition, detail):
                    self._columns[position] = replace(
                        self._columns[position],
                        stage=stage,
                        case=case,
                        repetition=repetition,
                        detail=detail,
                        rate=self._columns[position].rate if case is not None else None,
                    )
                case LiveRate(position, _, rate):
                    self._columns[position] = replace(self._columns[position], rate=rate)
                case ColumnChanged(position, column):
                    self._columns[position] = replace(self._columns[position], result=column)
                case TestEnded(test):
                    self._test, self._ended = test, True
                    self._columns = [
                        replace(live, result=column, rate=None)
                        for live, column in zip(self._columns, test.columns, strict=True)
                    ]

    @property
    def changes(self) -> int:
        """Grows with whatever is heard: an unchanged number needs no new look."""
        with self._lock:
            return self._changes

    def snapshot(self) -> LiveTest | None:
        """Where it stands; None before it has begun."""
        with self._lock:
            if self._test is None:
                return None
            share = share_done(self._columns, self._test.workload)
            return LiveTest(
                self._test,
                tuple(self._columns),
                1.0 if self._ended else share,
                None if self._ended else self._left(share, self._test.workload.budget_s),
                self._ended,
            )

    def _left(self, share: float, budget_s: float | None) -> float | None:
        passed = self._clock() - self._began
        if share < _TELLS_FROM or passed < _TELLS_AFTER_S:
            return None
        left = passed / share * (1.0 - share)
        return left if budget_s is None else max(0.0, min(left, budget_s - passed))


def share_done(columns: list[LiveColumn], workload: Workload) -> float:
    """How much of the test is done, by rounds: an estimate that only grows while nothing is left out."""
    rounds = workload.warmups + workload.repetitions
    of_one = _LOAD_WEIGHT + rounds * len(workload.cases)
    return min(
        1.0, sum(_done(column, rounds, of_one) for column in columns) / max(1.0, of_one * len(columns))
    )


def _done(column: LiveColumn, rounds: int, whole: float) -> float:
    if column.stage in (Stage.ENDING, Stage.DONE, Stage.FAILED):
        return whole
    if column.stage in (Stage.WAITING, Stage.COOLING, Stage.LOADING):
        return 0.0
    # A case of which repetitions were left out stands in both.
    measured = {result.case for result in column.result.cases}
    finished = len(measured | {left_out.case for left_out in column.result.left_out})
    inside = 0 if column.case is None or column.result.of(column.case) else max(0, column.repetition - 1)
    return min(whole, _LOAD_WEIGHT + finished * rounds + inside)
