"""What a test does not tell, and what makes its figures doubtful, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from app.benchmark.ranking import listed
from app.benchmark.result_tables import MOST_NAME, names
from app.domain.speed_test import CaseResult, ColumnResult, Disturbance, SpeedTest, TestState
from app.models.one_line import one_line

MOST_SENTENCE = 300
"""Characters of a sentence that somebody else made."""
PIECES = 1.05
"""Tokens a piece, above which the time between pieces is not the time between tokens."""


def missing(test: SpeedTest) -> Iterator[str]:
    """What was not measured, and why."""
    ended = {
        TestState.RUNNING: "The test still runs: more will be measured.",
        TestState.CANCELLED: "The test was stopped before it was done.",
        TestState.INTERRUPTED: "Edgewise ended while the test ran; what was measured until then is here.",
    }
    if test.state in ended:
        yield ended[test.state]
    for name, column in zip(names(test.columns), test.columns, strict=True):
        if column.failure:
            yield f"{name} ended early: {one_line(column.failure, MOST_SENTENCE)}"
        elif not column.cases and not column.left_out and test.state is not TestState.RUNNING:
            yield f"{name} was not measured."
        for reason in dict.fromkeys(it.reason for it in column.left_out):
            yield f"{name}: {one_line(reason, MOST_SENTENCE)}"
        for result in column.cases:
            if result.short_rounds:
                problem = one_line(result.problem, MOST_SENTENCE)
                rounds = f"{result.short_rounds} of {_rounds(result.rounds)}"
                yield f"{name}, {_case(result)}: {rounds} did not count. {problem}".rstrip()


def doubts(test: SpeedTest) -> Iterator[str]:
    """What was seen that may have changed the figures."""
    for kind in Disturbance:
        where = [
            f"{name}: {listed(seen)}"
            for name, column in zip(names(test.columns), test.columns, strict=True)
            if (seen := _seen(column, kind))
        ]
        if where:
            yield f"Seen while measuring: {kind.value}. {'. '.join(where)}."
    power = test.machine.power
    on_battery = power is not None and power.on_battery
    if on_battery and not any(_seen(column, Disturbance.BATTERY) for column in test.columns):
        yield "The machine ran on battery, where many are slower."
    devices = {one_line(it.facts.device, MOST_NAME) for it in test.columns if it.facts.device and it.cases}
    if len(devices) > 1:
        where = [
            f"{name} on {one_line(column.facts.device, MOST_NAME)}"
            for name, column in zip(names(test.columns), test.columns, strict=True)
            if column.facts.device and column.cases
        ]
        yield f"The engines did not run on the same device: {listed(where)}."
    for name, column in zip(names(test.columns), test.columns, strict=True):
        yield from _of_engine(name, column)


def _of_engine(name: str, column: ColumnResult) -> Iterator[str]:
    pieces = max((it.tokens_per_piece or 1.0 for it in column.cases), default=1.0)
    if pieces > PIECES:
        yield f"{name} sends up to {pieces:.1f} tokens in a piece: its ITL is between pieces, not tokens."
    most = max((it.case.batch for it in column.cases), default=0)
    if column.facts.parallel is not None and most > column.facts.parallel:
        yield (
            f"{name} worked on {column.facts.parallel} requests at once: of {most}, "
            f"{most - column.facts.parallel} waited, which their first token shows."
        )


def _seen(column: ColumnResult, kind: Disturbance) -> list[str]:
    """The cases in which this was seen, with its figures: "chat, 8 at once (0.8 cores)"."""
    found = []
    for result in column.cases:
        details = [it.detail for it in result.watched.observations if it.kind is kind]
        if details:
            detail = one_line(", ".join(filter(None, dict.fromkeys(details))), MOST_SENTENCE)
            found.append(f"{_case(result)} ({detail})" if detail else _case(result))
    return found


def _case(result: CaseResult) -> str:
    return f"{one_line(result.case.shape.name, MOST_NAME)}, {result.case.batch} at once"


def _rounds(count: int) -> str:
    return "1 round" if count == 1 else f"{count} rounds"
