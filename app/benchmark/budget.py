"""What fits into the time of a speed test, and what is left out.

Every column gets an equal share of what is left when it begins, so that an early slow engine does not starve
the later ones, and what a quick one did not use is shared by the others. Times are in seconds.

How much an engine gains by more requests at once is known only once it was tried. The first guess is
optimistic (`_AT_NO_COST`), so that nothing is left out which would have fitted. In return the first round of
a case that was never tried ends with the column's share, and `TOLERANCE` of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.domain.speed_test import Case, Round, Shape, Workload

LEAST_REPETITIONS = 2
"""A case is begun only if as many fit: a single one has no spread."""
TOLERANCE = 0.1
"""Of a column's share: so much longer may the first round of a case take."""

_AT_NO_COST = 8
"""Requests at once that are guessed to take as long as one; above them time grows with their number. Of
docs/measurements.md and its like: eight took vLLM 0.84 (two cores) to 1.14 times (H100) as long as one, and
Transformers 0.93; 32 took vLLM 1.4 and Transformers 1.8 times as long, where this says 4; 128 took 2.6 and
6.4, where this says 16. llama.cpp on two cores gains next to nothing (eight took 7 times as long): it is what
the tolerance is for."""

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
        """A round of another case, by the guess of `_AT_NO_COST`; fewer at once than here are taken to be as
        slow as all of these. Grows with the batch and with each length."""
        return self._round(case, _at_once(case.batch) / _at_once(self.case.batch))

    def at_most(self, case: Case) -> float:
        """The same, if more at once than here gained nothing by it: true engines are not as bad."""
        return self._round(case, case.batch / self.case.batch)

    def _round(self, case: Case, slower: float) -> float:
        deeper = max(1.0, _cost_at(case.shape) / _cost_at(self.case.shape))
        prompts = case.batch * (case.shape.depth + case.shape.prompt_tokens) * self.prompt_s
        steps = case.shape.output_tokens * self.step_s * max(1.0, slower)
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

    For each case: `refusal`, and if that is None rounds while `another` says so, warm-ups first. `measured`
    is told of every one of these (not of the cold first one, which says nothing of the others). The first
    case of a column is measured once however long that takes: an engine that was loaded is not sent away
    without a figure.
    """

    def __init__(self, whole: Budget, workload: Workload, ends: float, clock: Callable[[], float]) -> None:
        self._whole = whole
        self._workload = workload
        self._ends = ends
        self._clock = clock
        self._tolerance = TOLERANCE * max(0.0, self.left)
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
        needed = self._to_do(0) * expected
        if needed <= self.left:
            return None
        they = "it" if case.batch == 1 else "they"
        return f"{_left_out(case)}: {they} would have taken {_about(needed)}, with {_left(self.left)}."

    def another(self, case: Case, warmed: int, done: int) -> bool:
        """Whether one more round is to be done after `warmed` warm-ups and `done` repetitions.

        As long as nothing was repeated that asks for time for `LEAST_REPETITIONS`: with what the warm-ups
        showed, a case may turn out not to fit.
        """
        if done >= self._workload.repetitions:
            return False
        if done == 0 and self._first in (None, case):
            return True
        rounds = self._to_do(warmed) if done == 0 else 1
        return rounds * (self.expect(case) or 0.0) <= self.left

    def shortened(self, case: Case, warmed: int, done: int) -> str:
        """What is to be said of a case that ended after as many rounds; empty if these were all."""
        wished = self._workload.repetitions
        if done >= wished:
            return ""
        another = self.expect(case) or 0.0
        if done == 0:
            more = self._to_do(warmed)
            tried = f"a round took {_about(another)}; {more} more" if warmed else "they"
            return (
                f"{_left_out(case)}: {tried} would have taken {_about(more * another)},"
                f" with {_left(self.left)}."
            )
        did = "was" if done == 1 else "were"
        return (
            f"{done} of {wished} repetitions {did} done: another would have taken {_about(another)},"
            f" with {_left(self.left)}."
        )

    def cut_off(self, case: Case, rounds: int) -> str:
        """What is to be said of a case whose first round was cut off with the column's time, `rounds` being
        all that were begun of it; empty if that is not how it ended."""
        if rounds != 1 or case == self._first or self.left > 0:
            return ""
        return (
            f"{_left_out(case)}: the first round was cut off after {_about(self._spans[case])}, when the time"
            " for this engine was over."
        )

    def _to_do(self, warmed: int) -> int:
        """Rounds without which a case is not worth beginning or going on with."""
        return self._workload.warmups - warmed + min(LEAST_REPETITIONS, self._workload.repetitions)

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
        """How long a round of a case will take: by its own last one, or else guessed by the cases that are
        nearest to it in their batch, from below if there are any. None as long as nothing is known.
        """
        if case in self._spans:
            return self._spans[case]
        below = max((it.batch for it in self._speeds if it.batch <= case.batch), default=0)
        near = [seen for it, seen in self._speeds.items() if it.batch == below or it.batch > case.batch]
        return min((seen.expect(case) for seen in near), default=None)

    def deadline_for(self, case: Case) -> float:
        """Seconds after which a round is cut off.

        Its engine hangs then: a generous multiple of what the round should take at most, less where the test
        has less time left, yet twice that at least. The first round of a case ends with this column's time,
        too, and the tolerance; but for the first of all, of which nothing is known.
        """
        if case in self._spans:
            most = self._spans[case]
        elif self._speeds:
            most = min(seen.at_most(case) for seen in self._speeds.values())
        else:
            return max(_FIRST_DEADLINE, min(self.left, _LONGEST_FIRST_DEADLINE))
        hangs = max(_LEAST_DEADLINE, 2 * most, min(_GENEROUS * most, self._whole.left))
        return hangs if case in self._spans else min(hangs, max(0.0, self.left) + self._tolerance)


def _at_once(batch: int) -> float:
    """How long a token of each takes, of so many at once, against one of a single request."""
    return max(1.0, batch / _AT_NO_COST)


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
