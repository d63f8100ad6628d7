"""A speed test's result as a terminal shows it: what was measured, what each engine took, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from app.benchmark.result_tables import MOST_NAME, memory_of, names
from app.benchmark.tables import Unit, number
from app.benchmark.verdict import verdict
from app.cli.speed_test_progress import case_words
from app.cli.table import table
from app.domain.speed_test import CaseResult, ColumnResult, SpeedTest, Spread
from app.models.one_line import one_line

NOTHING = "–"
_CASES = ("Engine", "Case", "First token", "Token to token", "One reply", "All together", "p5–p95", "n", "")
_CASE_WORDS = 2
_ENGINES = ("Engine", "Precision", "Version", "Ready after", "First token, cold", "Memory", "on the GPU")
_ENGINE_WORDS = 3


def lines(test: SpeedTest, differences: Sequence[str]) -> Iterator[str]:
    """The whole result. `differences` are what is not like for like, in sentences."""
    yield heading(test)
    named = list(zip(names(test.columns), test.columns, strict=True))
    rows = [_case_row(name, result) for name, column in named for result in column.cases]
    if rows:
        yield ""
        yield from table([_CASES, *rows], left=_CASE_WORDS)
        yield "One reply and all together: tokens a second. Figures are medians; p5–p95 is of all together."
    yield ""
    yield from table([_ENGINES, *(_engine_row(name, column) for name, column in named)], left=_ENGINE_WORDS)
    yield ""
    for line in verdict(test, differences):
        yield line.text


def heading(test: SpeedTest) -> str:
    """Which test it is, in one line."""
    families = ", ".join(dict.fromkeys(one_line(it.contender.family, MOST_NAME) for it in test.columns))
    number_ = f"Speed test {test.id}" if test.id else "Speed test (not kept)"
    return f"{number_}, {at(test.at)}: {families}. {one_line(test.machine.cpu.model, MOST_NAME)}."


def at(seconds: float) -> str:
    """A moment, as the terminal's other lists write it."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _case_row(name: str, result: CaseResult) -> tuple[str, ...]:
    rate = result.output_rate
    marks = []
    if result.short_rounds:
        marks.append(f"{result.short_rounds} of {result.rounds} short")
    if result.watched.observations:
        marks.append("disturbed")
    return (
        name,
        case_words(result.case),
        _time(result.ttft),
        _time(result.itl),
        NOTHING if result.decode_rate is None else number(result.decode_rate),
        NOTHING if rate is None else number(rate.median),
        NOTHING if rate is None else f"{number(rate.p5)}–{number(rate.p95)}",
        str(result.rounds - result.short_rounds),
        ", ".join(marks),
    )


def _engine_row(name: str, column: ColumnResult) -> tuple[str, ...]:
    version = column.facts.versions.get(column.contender.engine, "") or next(
        iter(column.facts.versions.values()), ""
    )
    taken = memory_of(column)
    return (
        name,
        one_line(column.contender.precision, MOST_NAME) or NOTHING,
        one_line(version, MOST_NAME) or NOTHING,
        NOTHING if column.load_s is None else Unit.TIME.words(column.load_s),
        NOTHING if column.cold_ttft_s is None else Unit.TIME.words(column.cold_ttft_s),
        NOTHING if taken is None else Unit.MEMORY.words(taken),
        NOTHING if column.gpu_memory_peak is None else Unit.MEMORY.words(column.gpu_memory_peak),
    )


def _time(spread: Spread | None) -> str:
    return NOTHING if spread is None else Unit.TIME.words(spread.median)
