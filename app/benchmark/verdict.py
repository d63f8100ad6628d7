"""What a test showed, in plain sentences, each with the figures it rests on.

Who is better is said by the rule of `app.benchmark.difference` alone: what is not beyond the spreads is
called equal, what was measured too few times is not ranked. Figures that were measured once (the first reply
after a start, memory) have no spread: there only a factor counts, `ONCE_TIME` and `ONCE_MEMORY`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.benchmark.difference import can_tell, inverse, is_more
from app.benchmark.doubts import doubts, missing
from app.benchmark.ranking import Contestant, Ranking, listed, rank
from app.benchmark.result_tables import alone, are_alike, main_shape, memory_of, names, shape_words
from app.benchmark.tables import Unit
from app.domain.speed_test import Case, ColumnResult, Shape, SpeedTest, Spread

ONCE_TIME = 1.5
"""Ours. A cold first token hangs on what the system has in its file cache: less than this means little."""
ONCE_MEMORY = 1.05
"""Ours. A process's memory differs by a few per cent from start to start."""


Opening = Callable[[str], str]


class Topic(StrEnum):
    """What a line is about."""

    FIRST_TOKEN = "first token"
    ONE = "one reply"
    MANY = "many at once"
    START = "after a start"
    MEMORY = "memory"
    MISSING = "not measured"
    DOUBT = "doubts"
    UNLIKE = "not like for like"


@dataclass(frozen=True, slots=True)
class VerdictLine:
    """One or two sentences and the figures they rest on, such as "vLLM, 8 at once: 187 tok/s (…)"."""

    topic: Topic
    text: str
    evidence: tuple[str, ...] = ()


def verdict(test: SpeedTest, differences: Sequence[str] = ()) -> tuple[VerdictLine, ...]:
    """All that can be said, the most telling first. `differences`: what is not like for like, in sentences
    (`app.services.model_forms`)."""
    return (
        *_first_token(test),
        *_one_reply(test),
        *_many(test),
        *_start(test),
        *_memory(test),
        *(VerdictLine(Topic.UNLIKE, it) for it in differences),
        *(VerdictLine(Topic.MISSING, it) for it in missing(test)),
        *(VerdictLine(Topic.DOUBT, it) for it in doubts(test)),
    )


def _first_token(test: SpeedTest) -> Iterator[VerdictLine]:
    case = alone(test)
    if case is None:
        return
    found = _contestants(test, case, "ttft")
    if not found:
        return
    ranking = rank(found, less_is_better=True)
    text = _ranked(
        ranking,
        Unit.TIME,
        first=lambda who: f"{who} answers first: the first token comes after",
        equal="answer equally fast: the first token comes after",
        only=lambda who: f"The first token of {who} comes after",
    )
    yield VerdictLine(Topic.FIRST_TOKEN, text + _note(test, len(found)), _evidence(found, Unit.TIME, case))


def _one_reply(test: SpeedTest) -> Iterator[VerdictLine]:
    case = alone(test)
    if case is None or case.batch != 1:
        return
    found = tuple(
        Contestant(it.name, inverse(it.spread)) for it in _contestants(test, case, "tpot") if it.spread.p5 > 0
    )
    if not found:
        return
    text = _ranked(
        rank(found, less_is_better=False),
        Unit.RATE,
        first=lambda who: f"For one reply at a time {who} is the fastest:",
        equal="are equally fast for one reply at a time:",
        only=lambda who: f"For one reply at a time {who} makes",
    )
    yield VerdictLine(Topic.ONE, text + _note(test, len(found)), _evidence(found, Unit.RATE, case))


def _many(test: SpeedTest) -> Iterator[VerdictLine]:
    """Who makes the most of all together at the largest batch, and who overtakes the one that led alone."""
    shape = main_shape(test)
    first = alone(test)
    if shape is None or first is None:
        return
    by_batch = {
        batch: found
        for batch in sorted({result.case.batch for column in test.columns for result in column.cases})
        if (found := _contestants(test, Case(shape, batch), "output_rate"))
    }
    most = max(by_batch, default=0)
    if most <= first.batch:
        return
    text = _ranked(
        rank(by_batch[most], less_is_better=False),
        Unit.RATE,
        first=lambda who: f"With {most} at once {who} makes the most, all together:",
        equal=f"make equally much with {most} at once, all together:",
        only=lambda who: f"With {most} at once {who} makes, all together,",
    )
    note = _note(test, len(by_batch[most]))
    evidence = _evidence(by_batch[most], Unit.RATE, Case(shape, most))
    yield VerdictLine(Topic.MANY, text + note, evidence)
    leaders = rank(by_batch[min(by_batch)], less_is_better=False).leaders
    if len(leaders) == 1:
        others = dict.fromkeys(it.name for found in by_batch.values() for it in found)
        for other in others:
            if other != leaders[0].name:
                yield from _overtaking(by_batch, leaders[0].name, other, shape, _note(test, 2))


def _overtaking(
    by_batch: dict[int, tuple[Contestant, ...]], leader: str, other: str, shape: Shape, note: str
) -> Iterator[VerdictLine]:
    """Where `other` passes `leader` for good, between two batches at which both were measured."""
    both = {
        batch: (spreads[leader], spreads[other])
        for batch, found in by_batch.items()
        if {leader, other} <= (spreads := {it.name: it.spread for it in found}).keys()
    }
    batches = sorted(both)
    ahead = [batch for batch in batches if is_more(both[batch][1], both[batch][0])]
    behind = [batch for batch in batches if is_more(both[batch][0], both[batch][1])]
    if not ahead or not behind or max(behind) > min(ahead):
        return
    at, before = min(ahead), max(batch for batch in batches if batch < min(ahead))
    led, passed = both[at]
    rate = Unit.RATE.words
    text = f"From {at} at once {other} overtakes {leader}: {rate(passed.median)} against {rate(led.median)}"
    text += ", all together."
    known = all(map(can_tell, both[before]))
    then = f"{leader} was ahead" if before in behind else "they were equal" if known else "it cannot be told"
    text += f" At {before} {then}"
    text += "; between the two nothing was measured." if at - before > 1 else "."
    told = [
        Contestant(f"{name}, {batch} at once", both[batch][number])
        for batch in (before, at)
        for number, name in enumerate((leader, other))
    ]
    figures = (_figure(it, Unit.RATE) for it in told)
    yield VerdictLine(Topic.MANY, text + note, (*figures, shape_words(shape)))


def _start(test: SpeedTest) -> Iterator[VerdictLine]:
    found = [
        (name, column.cold_ttft_s)
        for name, column in zip(names(test.columns), test.columns, strict=True)
        if column.cold_ttft_s is not None
    ]
    if not found:
        return
    found.sort(key=lambda it: it[1])
    time = Unit.TIME.words
    values = listed([f"{time(value)} from {name}" for name, value in found])
    text = f"The very first reply after a start began after {values}{_each_once(len(found))}."
    if len(found) > 1:
        near = sum(value < ONCE_TIME * found[0][1] for _, value in found)
        if near == 1:
            text += f" {found[0][0]} answers first there."
        else:
            text += f" {'These' if near == len(found) else f'The first {near}'} are too near to rank."
    text += _note(test, len(found))
    loads = tuple(
        f"{name}: ready {time(column.load_s)} after its start"
        for name, column in zip(names(test.columns), test.columns, strict=True)
        if column.load_s is not None
    )
    evidence = tuple(f"{name}: {time(value)}, measured once" for name, value in found)
    yield VerdictLine(Topic.START, text, evidence + loads)


def _memory(test: SpeedTest) -> Iterator[VerdictLine]:
    found = [
        (name, taken, column)
        for name, column in zip(names(test.columns), test.columns, strict=True)
        if (taken := memory_of(column)) is not None and taken > 0
    ]
    if not found:
        return
    found.sort(key=lambda it: it[1])
    size = Unit.MEMORY.words
    values = [f"{name} {size(taken)}" for name, taken, _ in found]
    first, least, column = found[0]
    near = [name for name, taken, _ in found if taken < ONCE_MEMORY * least]
    # At its highest a process may hold pages that it does not need: what it took once loaded must agree.
    loaded = [it.memory for _, _, it in found[1:] if it.memory is not None]
    agreed = column.memory is None or all(column.memory <= other for other in loaded)
    if len(found) == 1:
        text = f"{first} takes {size(least)} of memory."
    elif len(near) == 1 and agreed:
        text = f"{first} takes the least memory: {size(least)}; {listed(values[1:])}."
    elif len(near) == len(found):
        text = f"{listed(near)} take about as much memory: {listed(values)}."
    else:
        text = f"Memory at its highest: {listed(values)}."
    evidence = tuple(f"{name}: {_taken(it, taken)}" for name, taken, it in found)
    yield VerdictLine(Topic.MEMORY, text + _note(test, len(found)), evidence)


def _taken(column: ColumnResult, taken: int) -> str:
    size = Unit.MEMORY.words
    gpu = f", {size(column.gpu_memory_peak)} of it on the GPU" if column.gpu_memory_peak else ""
    loaded = f", {size(column.memory)} once it was loaded" if column.memory is not None else ""
    return f"{size(taken)} at its highest{gpu}{loaded}"


def _note(test: SpeedTest, compared: int) -> str:
    """What stands beside figures of which some are not like for like."""
    whos = [column.contender for column in test.columns]
    alike = all(are_alike(whos[0], other) for other in whos[1:])
    return "" if alike or compared < 2 else " This is not like for like."


def _contestants(test: SpeedTest, case: Case, of: str) -> tuple[Contestant, ...]:
    """Columns that have this figure, in their order."""
    found = []
    for name, column in zip(names(test.columns), test.columns, strict=True):
        result = column.of(case)
        spread: Spread | None = getattr(result, of) if result is not None else None
        if spread is not None:
            found.append(Contestant(name, spread))
    return tuple(found)


def _ranked(ranking: Ranking, unit: Unit, *, first: Opening, equal: str, only: Opening) -> str:
    """One sentence for who leads, and one for who cannot be ranked."""
    leaders, rest, unranked = ranking.leaders, ranking.rest, ranking.unranked
    value = {it.name: unit.words(it.spread.median) for it in (*leaders, *rest, *unranked)}
    said = []
    if len(leaders) == 1 and rest:
        against = listed([f"{value[it.name]} of {it.name}" for it in rest])
        said.append(f"{first(leaders[0].name)} {value[leaders[0].name]}, against {against}.")
    elif len(leaders) == 1:
        said.append(f"{only(leaders[0].name)} {value[leaders[0].name]}.")
    elif leaders:
        figures = listed([value[it.name] for it in leaders])
        said.append(
            f"{listed([it.name for it in leaders])} {equal} {figures}, no difference beyond the spread."
        )
        for it in rest:
            ahead = listed([better.name for better in ranking.ahead_of(it)])
            said.append(f"{it.name} ({value[it.name]}) is behind {ahead}.")
    if len(unranked) == 1 and not leaders:  # with nobody beside it there is nothing to rank
        (it,) = unranked
        said.append(f"{only(it.name)} {value[it.name]}, {_times(it.spread.n)}.")
    elif unranked:
        few = listed([f"{it.name} ({value[it.name]}, {_times(it.spread.n)})" for it in unranked])
        said.append(f"Too few measurements to rank: {few}.")
    return " ".join(said)


def _times(n: int) -> str:
    return "measured once" if n == 1 else f"measured {n} times"


def _each_once(count: int) -> str:
    return ", measured once" if count == 1 else ", each measured once"


def _evidence(found: Sequence[Contestant], unit: Unit, case: Case) -> tuple[str, ...]:
    at_once = f"{case.batch} at once, {shape_words(case.shape)}"
    return (*(_figure(it, unit) for it in found), at_once)


def _figure(it: Contestant, unit: Unit) -> str:
    spread = it.spread
    return f"{it.name}: {unit.words(spread.median)} (p5–p95 {unit.range_words(spread)}, n {spread.n})"
