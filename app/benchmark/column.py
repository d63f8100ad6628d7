"""One contender, measured from its start to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from app.benchmark.budget import ColumnBudget
from app.benchmark.elsewhere import Elsewhere
from app.benchmark.entrant import Entrant, Needs, RunningEntrant
from app.benchmark.instruments import Instruments, Prompt, Watcher
from app.benchmark.interruption import Interruption
from app.benchmark.progress import ColumnChanged, ColumnStage, LiveRate, Progress, Stage
from app.benchmark.prompts import Prompts, words_of
from app.benchmark.rounds import Rounds
from app.benchmark.statistics import case_result
from app.benchmark.workload import CHAT, unfit
from app.domain.errors import Cancelled, EdgewiseError, EngineGone
from app.domain.metrics import GenerationMetrics
from app.domain.speed_test import (
    Case,
    CaseResult,
    ColumnResult,
    LeftOut,
    Round,
    Workload,
)

FAILED_IN_A_ROW = 2
"""Rounds without a single reply after which a case is given up, and cases without a valid round after which a
contender is."""
COLD_LIMIT_S = 300.0
"""For the first reply of a fresh process; some compile their kernels only then."""
COLD_TOKENS = 16
"""Of the first reply: what comes after its first token is measured warm."""
COUNTING_LIMIT_S = 120.0
"""For an engine to count the tokens of a case's prompts."""


class Column:
    """Measures one contender. `result` is what is known by now, also after `run` has raised."""

    def __init__(
        self,
        position: int,
        entrant: Entrant,
        workload: Workload,
        needs: Needs,
        *,
        budget: ColumnBudget,
        instruments: Instruments,
        interruption: Interruption,
        tell: Callable[[Progress], None],
    ) -> None:
        self._position = position
        self._entrant = entrant
        self._workload = workload
        self._needs = needs
        self._budget = budget
        self._instruments = instruments
        self._interruption = interruption
        self._tell = tell
        self.result = ColumnResult(entrant.contender)

    def run(self) -> None:
        """Start it, measure all cases, end it. Raises Cancelled; then nothing of it runs any more.

        Every other expected failure is told in the result, beside what was measured until then.
        """
        try:
            self._measure()
        except Cancelled:
            raise
        except EdgewiseError as error:
            self._interruption.check()  # what a cancel tore down fails in some way of its own
            self.result = replace(self.result, failure=error.message, detail=error.detail)
        self._changed()
        self._stage(Stage.FAILED if self.result.failure else Stage.DONE)

    def _measure(self) -> None:
        running = self._start()
        with ExitStack() as stack:
            stack.callback(self._stop, running)
            stack.enter_context(self._interruption.heard_by(partial(running.stop, at_once=True)))
            load = self._instruments.load()
            stack.callback(load.close)
            remote = self._entrant.contender.remote
            watcher: Watcher = Elsewhere() if remote else self._instruments.watch(running.pid)
            stack.callback(watcher.close)
            self.result = replace(
                self.result, facts=running.facts, load_s=running.load_s, memory=running.memory()
            )
            self._changed()
            rounds = Rounds(running, load, self._interruption, self._entrant.contender.engine)
            self._cold(rounds)
            self._cases(running, rounds, watcher)

    def _start(self) -> RunningEntrant:
        self._stage(Stage.LOADING)
        with self._interruption.part() as cancellation:
            return self._entrant.start(
                self._needs, cancellation, lambda words: self._stage(Stage.LOADING, detail=words)
            )

    def _stop(self, running: RunningEntrant) -> None:
        self._stage(Stage.ENDING)
        running.stop(at_once=self._interruption.thrown)

    def _cold(self, rounds: Rounds) -> None:
        """The first request of a fresh process. Its prompt is not counted: counting would be the first."""
        shape = self._workload.cases[0].shape
        case = Case(replace(shape, output_tokens=min(shape.output_tokens, COLD_TOKENS)), 1)
        self._stage(Stage.COLD, Case(shape, 1))
        prompts = Prompts(lambda _: None, self._workload.seed + 1).make(case.shape, 1)
        (sample,) = rounds.send(case, prompts, timeout_s=COLD_LIMIT_S).samples
        self.result = replace(self.result, cold_ttft_s=sample.ttft_s)
        self._changed()

    def _cases(self, running: RunningEntrant, rounds: Rounds, watcher: Watcher) -> None:
        prompts = Prompts(running.client.count_prompt_tokens, self._workload.seed)
        in_vain = 0
        for case in self._workload.cases:
            if reason := unfit(case, running.facts) or self._budget.refusal(case):
                self._leave_out(case, reason)
                continue
            result = self._case(case, running, rounds, watcher, prompts)
            if result is None:
                continue
            in_vain = in_vain + 1 if result.short_rounds == result.rounds else 0
            if in_vain == FAILED_IN_A_ROW:
                raise EngineGone(
                    f"{self._entrant.contender.engine} failed in {FAILED_IN_A_ROW} cases in a row, so no more"
                    f" was asked of it. {result.problem}"
                )

    def _case(
        self, case: Case, running: RunningEntrant, rounds: Rounds, watcher: Watcher, prompts: Prompts
    ) -> CaseResult | None:
        """Measure and keep one case; None if it turned out that there was no time for it."""
        self._stage(Stage.WARMING, case)
        asked = self._workload.warmups + self._workload.repetitions
        with rounds.limited(COUNTING_LIMIT_S, "counting the tokens of prompts"):
            made = iter([prompts.make(case.shape, case.batch) for _ in range(asked)])
        warm: list[Round] = []
        measured: list[Round] = []
        try:
            watcher.begin()
            while not _is_in_vain(rounds, [*warm, *measured]) and self._budget.another(
                case, len(warm), len(measured)
            ):
                if len(warm) < self._workload.warmups:
                    warm.append(self._round(case, next(made), rounds, prompts))
                    continue
                if warm and not measured:
                    watcher.begin()  # what warming up took is not among it
                self._stage(Stage.MEASURING, case, len(measured) + 1)
                measured.append(self._round(case, next(made), rounds, prompts))
        except Cancelled:
            raise
        except EdgewiseError:
            if measured:
                self._keep(case_result(case, measured, watcher.lap()))
            raise
        watched = watcher.lap()
        if rounds.was_late and (cut := self._budget.cut_off(case, len(warm) + len(measured))):
            self._leave_out(case, cut)
            return None
        if not _is_in_vain(rounds, [*warm, *measured]):
            if short := self._budget.shortened(case, len(warm), len(measured)):
                self._leave_out(case, short)
            if not measured:
                return None
        result = case_result(case, measured or warm, watched)
        self._keep(result)
        self._teach(case, running, measured)
        return result

    def _round(self, case: Case, asked: Sequence[Prompt], rounds: Rounds, prompts: Prompts) -> Round:
        done = rounds.send(
            case,
            asked,
            timeout_s=self._budget.deadline_for(case),
            on_rate=lambda rate: self._tell(LiveRate(self._position, case, rate)),
        )
        self._budget.measured(case, done)
        for prompt, sample in zip(asked, done.samples, strict=True):
            prompts.learn(words_of(prompt), sample.prompt_tokens or 0)
        return done

    def _teach(self, case: Case, running: RunningEntrant, measured: Sequence[Round]) -> None:
        """The ledger's forecasts are of a chat's replies, one at a time."""
        if case.batch != 1 or case.shape.name != CHAT.name:
            return
        for sample in (it for done in measured for it in done.samples if not it.error):
            timings = sample.timings
            running.replied(
                GenerationMetrics(
                    sample.ttft_s,
                    sample.duration_s,
                    sample.prompt_tokens,
                    sample.completion_tokens,
                    timings.tokens_per_second if timings is not None else None,
                )
            )

    def _keep(self, result: CaseResult) -> None:
        before, seen = self.result, result.watched
        self.result = replace(
            before,
            cases=(*before.cases, result),
            memory_peak=_larger(before.memory_peak, seen.memory_peak),
            gpu_memory_peak=_larger(before.gpu_memory_peak, seen.gpu_memory_peak),
        )
        self._changed()

    def _leave_out(self, case: Case, reason: str) -> None:
        self.result = replace(self.result, left_out=(*self.result.left_out, LeftOut(case, reason)))
        self._changed()

    def _changed(self) -> None:
        self._tell(ColumnChanged(self._position, self.result))

    def _stage(self, stage: Stage, case: Case | None = None, repetition: int = 0, detail: str = "") -> None:
        self._tell(ColumnStage(self._position, stage, case, repetition, detail))


def _is_in_vain(rounds: Rounds, sent: Sequence[Round]) -> bool:
    """Whether no more is to be asked of a case: its last round was cut off, or the last ones all failed."""
    last = sent[-FAILED_IN_A_ROW:]
    failed = [all(sample.error for sample in done.samples) for done in last]
    return bool(sent) and (rounds.was_late or (len(last) == FAILED_IN_A_ROW and all(failed)))


def _larger(one: int | None, other: int | None) -> int | None:
    return max((it for it in (one, other) if it is not None), default=None)
