"""How far a speed test is, on standard error: on a terminal a line that is redrawn, plain lines elsewhere."""

from __future__ import annotations

import shutil

from app.benchmark.progress import ColumnChanged, ColumnStage, LiveRate, Progress, Stage, TestBegan, TestEnded
from app.benchmark.result_tables import MOST_NAME, names
from app.benchmark.tables import Unit
from app.cli.console import Console
from app.domain.speed_test import Case, CaseResult, ColumnResult
from app.models.one_line import one_line


class ProgressLines:
    """Hears a test's progress, from one thread at a time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._names: tuple[str, ...] = ()
        self._turns: dict[int, int] = {}
        self._told: dict[int, ColumnResult] = {}
        self._repetitions = 0
        self._stage: ColumnStage | None = None
        self._loading = -1

    def hear(self, progress: Progress) -> None:
        """Show it."""
        match progress:
            case TestBegan(test):
                self._names = names(test.columns)
                self._turns = {position: turn for turn, position in enumerate(test.order, start=1)}
                self._told = dict(enumerate(test.columns))
                self._repetitions = test.workload.repetitions
            case ColumnStage():
                self._stage = progress
                self._tell_load(progress)
                self._draw()
            case LiveRate(_, _, rate):
                self._draw(f", {Unit.RATE.words(rate)}")
            case ColumnChanged(position, column):
                self._tell(position, column)
                self._draw()
            case TestEnded():
                self._stage = None
                self._console.settle()

    def _draw(self, more: str = "") -> None:
        self._console.settle()
        if self._stage is not None and (line := self._line(self._stage)):
            self._console.transient(f"{line}{more}"[: shutil.get_terminal_size().columns - 1])

    def _line(self, at: ColumnStage) -> str:
        if at.stage in (Stage.WAITING, Stage.DONE, Stage.FAILED):
            return ""
        what = case_words(at.case) if at.case is not None else ""
        if at.stage is Stage.MEASURING:
            doing = f"{what}, round {at.repetition} of {self._repetitions}"
        else:
            doing = ", ".join(filter(None, (what, at.stage.value, at.detail)))
        return f"{self._who(at.position)}: {doing}"

    def _tell_load(self, at: ColumnStage) -> None:
        """Where nothing can be redrawn a line says that an engine's turn has come."""
        if at.stage is Stage.LOADING and at.position != self._loading:
            self._loading = at.position
            if not self._console.err_is_terminal:
                self._console.error(f"{self._who(at.position)}: {at.stage.value}")

    def _tell(self, position: int, column: ColumnResult) -> None:
        """Lines that stay: what has been measured, left out, or has failed since the last time."""
        before, self._told[position] = self._told[position], column
        name = self._names[position]
        lines = [case_line(name, result) for result in column.cases[len(before.cases) :]]
        lines += [
            f"{name}, {one_line(it.case.shape.name, MOST_NAME)}: {it.reason}"
            for it in column.left_out[len(before.left_out) :]
        ]
        if column.failure and not before.failure:
            lines.append(f"{name}: {column.failure}")
        for line in lines:
            self._console.settle()
            self._console.error(line)

    def _who(self, position: int) -> str:
        return f"{self._names[position]} ({self._turns.get(position, 0)} of {len(self._names)})"


def case_words(case: Case) -> str:
    """Such as "chat, 8 at once"."""
    name = one_line(case.shape.name, MOST_NAME)
    return f"{name}, alone" if case.batch == 1 else f"{name}, {case.batch} at once"


def case_line(name: str, result: CaseResult) -> str:
    """What came of a case, in one line."""
    what = f"{name}: {case_words(result.case)}"
    if result.output_rate is None:
        return f"{what}: {result.problem or 'not measured'}"
    first = f", first token after {Unit.TIME.words(result.ttft.median)}" if result.ttft else ""
    return f"{what}: {Unit.RATE.words(result.output_rate.median)}{first}"
