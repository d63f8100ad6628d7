"""What fits into the time of a speed test, and what is left out.

Every column gets an equal share of what is left when it begins, so that an early slow engine does not starve
the later ones, and what a quick one did not use is shared by the others. Times are in seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.domain.speed_test import Case, Round, Shape, Workload

LEAST_REPETITIONS = 2
"""A case is begun only if as many fit: a single one has no spread."""

_DEEP_TOKENS = 4096
"""Context at which a token costs twice what it costs at the beginning, in the models where attention weighs
most: SmolLM2 135M reads 98 MB of weights (Q4_1) and 23 kB of KV cache for each token before. Larger ones lose
less, so that this errs towards leaving out."""
_LEAST_DEADLINE = 30.0
_FIRST_DEADLINE = 120.0
_LONGEST_FIRST_DEADLINE = 1800.0
_GENEROUS = 4.0
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class _Speeds:
    """What one round showed. `prompt_s`: for one token of all its prompts; `step_s`: for a token of each."""

    case: Case
    prompt_s: float
    step_s: float

    def expect(self, case: Case) -> float:
        """A round of another case. More at once than here are taken to gain nothing by it, fewer to be as
        slow as all of these: true engines are better at both. Grows with the batch and with each length."""
        deeper = max(1.0, _cost_at(case.shape) / _cost_at(self.case.shape))
        prompts = case.batch * (case.shape.depth + case.shape.prompt_tokens) * self.prompt_s
        steps = case.shape.output_tokens * self.step_s * max(1.0, case.batch / self.case.batch)
        return (prompts + steps) * deeper


class Budget:
    """The time of a whole test, which begins with this object."""

    def __init__(self, workload: Workload, columns: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._workload = workload
        self._columns = columns
        self._clock = clock
        self._ends = math.inf if workload.budget_s is None else clock() + workload.budget_s

    def column(self) -> ColumnBudget:
        """The next column's share. Its time begins with the call, loading included."""
        share = max(0.0, self.left) / max(1, self._columns)
        self._columns -= 1
        return ColumnBudget(self, self._workload, self._clock() + share, self._clock)

    @property
    def left(self) -> float:
        """Of the whole test; negative once it is over, infinite without a limit."""
        return self._ends - self._clock()


class ColumnBudget:
    """The time of one column, and what its rounds have shown of how long others will take.

    For each case: `refusal`, and if that is None the warm-ups; then repetitions while `another` says so.
    `measured` is told of every one of these rounds (not of the cold first one, which says nothing of the
    others). The first case of a column is measured once however long that takes: an engine that was loaded
    is not sent away without a figure.
    """

    def __init__(self, whole: Budget, workload: Workload, ends: float, clock: Callable[[], float]) -> None:
        self._whole = whole
        self._workload = workload
        self._ends = ends
        self._clock = clock
        self._first: Case | None = None
        self._spans: dict[Case, float] = {}
        self._speeds: dict[Case, _Speeds] = {}

    @property
    def left(self) -> float:
        """Of this column; negative once its time is over, infinite without a limit."""
        return self._ends - self._clock()

    def refusal(self, case: Case) -> str | None:
        """Why a case is left out, in a sentence; None if it is to be begun.

        It is begun if its warm-ups and `LEAST_REPETITIONS` fit. As long as nothing was measured nothing is
        known, and it is just tried.
        """
        if self._first is None:
            return None if self._whole.left > 0 else f"{_left_out(case)}: the time of the test was over."
        expected = self.expect(case)
        if expected is None:  # all rounds have failed until now: the next may not
            return None if self.left > 0 else f"{_left_out(case)}: the time for this engine was over."
        rounds = self._workload.warmups + min(LEAST_REPETITIONS, self._workload.repetitions)
        needed = rounds * expected
        if needed <= self.left:
            return None
        they = "it" if case.batch == 1 else "they"
        return f"{_left_out(case)}: {they} would have taken {_about(needed)}, with {_left(self.left)}."

    def another(self, case: Case, done: int) -> bool:
        """Whether one more repetition is to be done after `done` of them; warm-ups are not among these."""
        if done >= self._workload.repetitions:
            return False
        if done == 0 and self._first in (None, case):
            return True
        return (self.expect(case) or 0.0) <= self.left

    def shortened(self, case: Case, done: int) -> str:
        """What is to be said of a case that ended after `done` repetitions; empty if these were all."""
        wished = self._workload.repetitions
        if done >= wished:
            return ""
        another = self.expect(case) or 0.0
        if done == 0:
            return f"{_left_out(case)}: a round takes {_about(another)}, with {_left(self.left)}."
        did = "was" if done == 1 else "were"
        return (
            f"{done} of {wished} repetitions {did} done: another would have taken {_about(another)},"
            f" with {_left(self.left)}."
        )

    def measured(self, case: Case, done: Round) -> None:
        """A warm-up or a repetition, also one that failed."""
        if self._first is None:
            self._first = case
        self._spans[case] = done.span_s
        whole = [it for it in done.samples if not it.error and it.ttft_s is not None]
        if not whole or len(whole) < len(done.samples):
            return
        prompts = case.batch * max(1, case.shape.depth + case.shape.prompt_tokens)
        self._speeds[case] = _Speeds(
            case,
            prompt_s=max(it.ttft_s or 0.0 for it in whole) / prompts,
            step_s=max(it.duration_s if it.tpot_s is None else it.tpot_s for it in whole),
        )

    def expect(self, case: Case) -> float | None:
        """How long a round of a case will take, by its own last one or at most by those of other cases.

        None as long as nothing is known.
        """
        if case in self._spans:
            return self._spans[case]
        return min((seen.expect(case) for seen in self._speeds.values()), default=None)

    def deadline_for(self, case: Case) -> float:
        """Seconds after which a round is cut off, since its engine hangs: a generous multiple of what it
        should take, less where the test has less time left, yet twice that at least."""
        expected = self.expect(case)
        if expected is None:
            return max(_FIRST_DEADLINE, min(self.left, _LONGEST_FIRST_DEADLINE))
        return max(_LEAST_DEADLINE, 2 * expected, min(_GENEROUS * expected, self._whole.left))


def _cost_at(shape: Shape) -> float:
    return 1.0 + shape.context_tokens / _DEEP_TOKENS


def _left_out(case: Case) -> str:
    return "It was left out" if case.batch == 1 else f"{case.batch:,} at once were left out"


def _about(seconds: float) -> str:
    """Rounded up: "about 4 min"."""
    if seconds < _MINUTE:
        return f"about {max(1, math.ceil(seconds))} s"
    return f"about {_minutes(math.ceil(seconds / _MINUTE))}"


def _left(seconds: float) -> str:
    """Rounded down, so that it never looks like enough: "1 min left for this engine"."""
    if seconds < 1:
        return "no time left for this engine"
    if seconds < _MINUTE:
        return f"{int(seconds)} s left for this engine"
    return f"{_minutes(int(seconds / _MINUTE))} left for this engine"


def _minutes(count: int) -> str:
    if count < 60:
        return f"{count} min"
    hours, rest = divmod(count, 60)
    return f"{hours:,} h {rest} min" if rest else f"{hours:,} h"
