"""Cases, stages and figures of a speed test in the words that the page shows them in."""

from __future__ import annotations

from app.benchmark.progress import Stage
from app.benchmark.tables import Unit
from app.domain.speed_test import Case, Contender, Spread, TestState
from app.services.speed_test_live import LiveColumn
from app.ui.words import UNKNOWN, decode_speed

_STATES = {
    TestState.RUNNING: "running",
    TestState.DONE: "done",
    TestState.CANCELLED: "stopped early",
    TestState.INTERRUPTED: "interrupted",
}


def at_once(batch: int) -> str:
    """How many requests: "alone", "8 at once"."""
    return "alone" if batch == 1 else f"{batch} at once"


def case_words(case: Case) -> str:
    """A case: "chat, 8 at once"."""
    return f"{case.shape.name}, {at_once(case.batch)}"


def seconds(value: float | None) -> str:
    """A short time: "85 ms", "0.42 s", "12.3 s"; UNKNOWN for None."""
    if value is None:
        return UNKNOWN
    if value < 0.0995:
        return f"{value * 1000:.0f} ms" if value >= 0.00995 else f"{value * 1000:.1f} ms"
    return f"{value:.2f} s" if value < 9.995 else f"{value:,.1f} s"


def rate(value: float | None) -> str:
    """Tokens a second, as everywhere: "18.4 tok/s"."""
    return decode_speed(value)


def range_words(unit: Unit, spread: Spread) -> str:
    """From the 5th to the 95th percentile: "113–123 tok/s"; empty where one value alone was measured."""
    if spread.n < 2:
        return ""
    low, high = unit.words(spread.p5), unit.words(spread.p95)
    figure, _, of = low.rpartition(" ")
    return f"{figure}–{high}" if high.endswith(f" {of}") else f"{low}–{high}"


def column_name(contender: Contender) -> str:
    """What a column is called: "llama.cpp · Q4_1"."""
    return " · ".join(part for part in (contender.engine, contender.precision) if part)


def stage_words(column: LiveColumn) -> str:
    """What an engine is at, without what changes all the time."""
    if column.stage is Stage.FAILED:
        return "failed"
    return column.stage.value


def stage_figures(column: LiveColumn, repetitions: int) -> str:
    """Where it is in that: "chat, 8 at once · 2 of 5"."""
    parts = []
    if column.case is not None and column.is_running:
        parts.append(case_words(column.case))
        if column.repetition:
            parts.append(f"{column.repetition} of {repetitions}")
    elif column.detail and column.is_running:
        parts.append(column.detail)
    return " · ".join(parts)


def state_words(state: TestState) -> str:
    """How far a test came."""
    return _STATES[state]
