"""A whole speed test: all contenders one after another, never two engines at once.

Everything runs on the caller's thread, and is told from it: a window hears of it through a queue of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.benchmark.budget import Budget
from app.benchmark.column import Column
from app.benchmark.entrant import Entrant
from app.benchmark.instruments import Instruments
from app.benchmark.interruption import Interruption
from app.benchmark.progress import ColumnStage, Progress, Stage, TestBegan, TestEnded
from app.benchmark.workload import needs
from app.domain.errors import Cancelled
from app.domain.generation import Cancellation
from app.domain.speed_test import SpeedTest, TestState


def shuffled(count: int, seed: int) -> tuple[int, ...]:
    """The positions of `count` columns in the order in which they run: nobody is always the first."""
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return tuple(order)


def run(
    test: SpeedTest,
    entrants: Sequence[Entrant],
    *,
    instruments: Instruments,
    cancellation: Cancellation,
    on_progress: Callable[[Progress], None],
) -> SpeedTest:
    """Run `test`, whose columns are empty and stand for `entrants` in the same order. Blocks until its end.

    A cancel ends it within a second, without a process left; what was measured until then stays. An entrant
    that fails has its failure in its column. `on_progress` is called on this thread. Whatever else is
    raised is a bug, and leaves no process either.
    """
    interruption = Interruption(cancellation)
    columns = list(test.columns)
    on_progress(TestBegan(test))
    state = TestState.DONE
    needed = needs(test.workload)
    budget = Budget(test.workload, len(entrants))
    try:
        on_progress(ColumnStage(test.order[0], Stage.COOLING))
        instruments.idle(interruption.wait)
        for turn, position in enumerate(test.order):
            if turn:
                on_progress(ColumnStage(position, Stage.COOLING))
                interruption.wait(test.workload.cool_down_s)
            column = Column(
                position,
                entrants[position],
                test.workload,
                needed,
                budget=budget.column(),
                instruments=instruments,
                interruption=interruption,
                tell=on_progress,
            )
            try:
                column.run()
            finally:
                columns[position] = column.result
    except Cancelled:
        state = TestState.CANCELLED
    ended = replace(test, columns=tuple(columns), state=state)
    on_progress(TestEnded(ended))
    return ended
