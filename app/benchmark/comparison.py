"""Two tests of the history side by side: what differs between them, and which figures changed with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.benchmark.difference import LEAST_N, can_tell, inverse, is_more
from app.benchmark.result_tables import MOST_NAME, memory_of, names
from app.benchmark.tables import Unit, once
from app.domain.machine import Machine
from app.domain.speed_test import Case, CaseResult, ColumnResult, SpeedTest, Spread
from app.models.one_line import one_line

NO_DIFFERENCE = "no difference beyond the spread"
_PORT = "--port"
MOST_FLAGS = 400
"""Characters of a command line."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is not the same in both tests: what, and how it is in each."""

    what: str
    one: str
    other: str


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure in both tests. `ratio`: the other's median over the first one's.

    `beyond_spread` by the rule of `app.benchmark.difference`; None where it cannot be told: too few values.
    """

    case: Case | None
    what: str
    unit: Unit
    one: Spread
    other: Spread
    ratio: float
    beyond_spread: bool | None

    @property
    def words(self) -> str:
        """What became of it in the other test: "11 % faster, more than the spread"."""
        if self.beyond_spread is None:
            n = min(self.one.n, self.other.n)
            few = "measured once" if n == 1 else f"measured {n} times, fewer than {LEAST_N}"
            return f"{self._change()}; {few}, so that chance is not told apart"
        if not self.beyond_spread:
            return NO_DIFFERENCE
        return f"{self._change()}, more than the spread"

    def _change(self) -> str:
        more, less = ("more", "less") if self.unit is Unit.MEMORY else ("faster", "slower")
        # What takes half as long is 100 % faster, as a rate would say it.
        faster = 1 / self.ratio if self.unit is Unit.TIME else self.ratio
        percent = abs(faster - 1) * 100
        if percent < 0.5:
            return "the same"
        return f"{percent:.0f} % {more if faster > 1 else less}"


@dataclass(frozen=True, slots=True)
class ColumnComparison:
    """One engine in both tests: what differs in how it ran, and its figures."""

    name: str
    one: ColumnResult
    other: ColumnResult
    changes: tuple[Change, ...]
    figures: tuple[FigureChange, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two tests. `changes` are what differs between them as wholes; then the columns that only one has."""

    one: SpeedTest
    other: SpeedTest
    changes: tuple[Change, ...]
    columns: tuple[ColumnComparison, ...]
    only_in_one: tuple[str, ...]
    only_in_other: tuple[str, ...]


def compare(one: SpeedTest, other: SpeedTest) -> Comparison:
    """Put the columns of both together that are of the same engine, model and precision."""
    named_one, named_other = _by_key(one), _by_key(other)
    columns = []
    for key, (name, column) in named_one.items():
        if key in named_other:
            twin = named_other[key][1]
            columns.append(
                ColumnComparison(
                    name, column, twin, tuple(_column_changes(column, twin)), tuple(_figures(column, twin))
                )
            )
    return Comparison(
        one,
        other,
        tuple(_test_changes(one, other)),
        tuple(columns),
        tuple(name for key, (name, _) in named_one.items() if key not in named_other),
        tuple(name for key, (name, _) in named_other.items() if key not in named_one),
    )


def lasting_flags(flags: Sequence[str]) -> tuple[str, ...]:
    """Those that are the same in every run: without the port, which the system gives anew each time."""
    return tuple(
        word
        for before, word in zip(("", *flags), flags, strict=False)
        if _PORT not in (before, word) and not word.startswith(f"{_PORT}=")
    )


Key = tuple[str, str, str, bool, int]


def _by_key(test: SpeedTest) -> dict[Key, tuple[str, ColumnResult]]:
    """Columns with their names; of two that are alike in all, the first of one is the first of the other."""
    found: dict[Key, tuple[str, ColumnResult]] = {}
    for name, column in zip(names(test.columns), test.columns, strict=True):
        who = column.contender
        number = 0
        while (key := (who.engine_id, who.family, who.precision, who.remote, number)) in found:
            number += 1
        found[key] = (name, column)
    return found


def _figures(one: ColumnResult, other: ColumnResult) -> Iterator[FigureChange]:
    for result in one.cases:
        twin = other.of(result.case)
        if twin is not None:
            for what, unit, of in _MEASURES:
                yield from _figure(result.case, what, unit, of(result), of(twin))
    yield from _figure(None, "first token, cold", Unit.TIME, once(one.cold_ttft_s), once(other.cold_ttft_s))
    yield from _figure(None, "ready", Unit.TIME, once(one.load_s), once(other.load_s))
    yield from _figure(None, "memory", Unit.MEMORY, once(memory_of(one)), once(memory_of(other)))


def _figure(
    case: Case | None, what: str, unit: Unit, one: Spread | None, other: Spread | None
) -> Iterator[FigureChange]:
    if one is None or other is None or one.median <= 0 or other.median <= 0:
        return
    told = can_tell(one) and can_tell(other)
    beyond = is_more(one, other) or is_more(other, one) if told else None
    yield FigureChange(case, what, unit, one, other, other.median / one.median, beyond)


def _decoding(result: CaseResult) -> Spread | None:
    return inverse(result.tpot) if result.tpot is not None and result.tpot.p5 > 0 else None


_MEASURES: tuple[tuple[str, Unit, Callable[[CaseResult], Spread | None]], ...] = (
    ("all together", Unit.RATE, lambda result: result.output_rate),
    ("one reply", Unit.RATE, _decoding),
    ("first token", Unit.TIME, lambda result: result.ttft),
)


def _test_changes(one: SpeedTest, other: SpeedTest) -> Iterator[Change]:
    yield from _changes(
        ("Edgewise", one.app_version, other.app_version),
        ("Python", one.python_version, other.python_version),
        ("system", one.system, other.system),
        *(
            (what, first, second)
            for (what, first), (_, second) in zip(_machine(one.machine), _machine(other.machine), strict=True)
        ),
        ("seed", str(one.workload.seed), str(other.workload.seed)),
        ("warm-ups", str(one.workload.warmups), str(other.workload.warmups)),
        ("repetitions", str(one.workload.repetitions), str(other.workload.repetitions)),
        ("state", one.state.value, other.state.value),
    )


def _machine(machine: Machine) -> tuple[tuple[str, str], ...]:
    power = machine.power
    on_battery = None if power is None else power.on_battery
    bandwidth = machine.bandwidth
    return (
        ("processor", machine.cpu.model),
        ("usable cores", str(machine.cpu.usable_cores)),
        ("memory", Unit.MEMORY.words(machine.memory.total)),
        ("GPU", ", ".join(gpu.name for gpu in machine.gpus)),
        ("GPU driver", ", ".join(dict.fromkeys(gpu.driver for gpu in machine.gpus if gpu.driver))),
        ("power", "" if on_battery is None else "battery" if on_battery else "mains"),
        ("memory bandwidth", "" if bandwidth is None else f"{bandwidth.copy / 1e9:.0f} GB/s copying"),
    )


def _column_changes(one: ColumnResult, other: ColumnResult) -> Iterator[Change]:
    facts, twin = one.facts, other.facts
    for package in dict.fromkeys((*facts.versions, *twin.versions)):
        yield from _changes(
            (f"version of {package}", facts.versions.get(package, ""), twin.versions.get(package, ""))
        )
    yield from _changes(
        ("flags", _line(facts.flags), _line(twin.flags)),
        ("file", facts.model_file, twin.model_file),
        ("file’s hash", facts.model_hash[:16], twin.model_hash[:16]),
        ("device", facts.device, twin.device),
        ("context", _whole(facts.context_length), _whole(twin.context_length)),
        ("requests at once", _whole(facts.parallel), _whole(twin.parallel)),
        ("threads", _whole(facts.threads), _whole(twin.threads)),
    )


def _changes(*both: tuple[str, str, str]) -> Iterator[Change]:
    for what, first, second in both:
        if first != second:
            most = MOST_FLAGS if what == "flags" else MOST_NAME
            yield Change(
                one_line(what, MOST_NAME),
                one_line(first, most) or "not known",
                one_line(second, most) or "not known",
            )


def _line(flags: Sequence[str]) -> str:
    return " ".join(lasting_flags(flags))


def _whole(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
