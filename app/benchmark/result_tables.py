"""A test's results as the framework comparison's three tables, each figure with what must be said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.benchmark.tables import Cell, Mark, Row, Table, Unit, once
from app.domain.size_words import exact_size
from app.domain.speed_test import Case, CaseResult, ColumnResult, Contender, Shape, SpeedTest, Spread
from app.models.one_line import one_line

MOST_NAME = 60
"""Characters of a name."""
_CHAT = "chat"

CellsOf = Callable[[ColumnResult], tuple[Cell, ...]]
SpreadOf = Callable[[CaseResult], Spread | None]


def tables(test: SpeedTest) -> tuple[Table, Table, Table]:
    """Throughput, first token, memory."""
    return throughput(test), first_token(test), memory(test)


def throughput(test: SpeedTest) -> Table:
    """Output tokens a second of all requests together, by how many there are at once."""
    shape = main_shape(test)
    batches = sorted({case.batch for case in _all_cases(test) if case.shape == shape})
    return Table(
        title=f"Throughput by requests at once ({shape_words(shape)})" if shape else "Throughput",
        unit=Unit.RATE,
        headings=tuple(f"{batch} at once" for batch in batches),
        rows=_rows(
            test,
            lambda column: tuple(
                _case_cell(test, column, Case(shape, batch), lambda it: it.output_rate)
                for batch in batches
                if shape is not None
            ),
        ),
    )


def first_token(test: SpeedTest) -> Table:
    """Time to the first token: of a fresh process's first request, and afterwards."""
    case = alone(test)
    warm = "Warm" if case is None or case.batch == 1 else f"Warm, {case.batch} at once"
    title = f"First token ({shape_words(case.shape)})" if case else "First token"

    def cells(column: ColumnResult) -> tuple[Cell, ...]:
        marks = _unlike(test, column)
        cold = (
            Cell(once(column.cold_ttft_s), (Mark.SINGLE, *marks))
            if column.cold_ttft_s is not None
            else _no_figure(column, None)
        )
        return (cold, _case_cell(test, column, case, lambda it: it.ttft) if case else Cell())

    return Table(title, Unit.TIME, ("Cold", warm), _rows(test, cells))


def memory(test: SpeedTest) -> Table:
    """The most memory that each took, by precision; the largest precision first."""
    bits: dict[str, float] = {}
    for column in test.columns:
        who = column.contender
        bits[who.precision] = max(bits.get(who.precision, 0.0), who.bits or 0.0)
    precisions = sorted(bits, key=lambda it: (-bits[it], it))

    def cells(column: ColumnResult) -> tuple[Cell, ...]:
        return tuple(
            _memory_cell(test, column) if column.contender.precision == precision else Cell()
            for precision in precisions
        )

    headings = tuple(one_line(it, MOST_NAME) for it in precisions)
    return Table("Memory by precision", Unit.MEMORY, headings, _rows(test, cells))


def memory_of(column: ColumnResult) -> int | None:
    """Bytes that a column took at its highest, on GPUs and beside them; what it took once loaded if more is
    not known. None: not measured.

    Pages of the model's file that are in memory count, also those that nothing reads any more and that the
    system can take back; `ColumnResult.memory` leaves these out.
    """
    if column.memory_peak is None and column.gpu_memory_peak is None:
        return column.memory
    return (column.memory_peak or 0) + (column.gpu_memory_peak or 0)


def main_shape(test: SpeedTest) -> Shape | None:
    """The shape that engines are compared by: the chat, or the first one that was asked."""
    shapes = [*test.workload.shapes, *test.workload.alone, *(case.shape for case in _all_cases(test))]
    chats = (shape for shape in shapes if shape.name == _CHAT)
    return next(chats, shapes[0] if shapes else None)


def alone(test: SpeedTest) -> Case | None:
    """The main shape's case with the fewest requests at once: nearly always a single one."""
    shape = main_shape(test)
    cases = [case for case in _all_cases(test) if case.shape == shape]
    return min(cases, key=lambda it: it.batch) if cases else None


def names(columns: Sequence[ColumnResult]) -> tuple[str, ...]:
    """What to call each: the engine, with its precision or its model where that alone does not tell."""
    whos = [column.contender for column in columns]
    engines = [one_line(who.engine, MOST_NAME) for who in whos]
    same_form = len({(who.family, who.precision) for who in whos}) <= 1
    if not (same_form and len(set(engines)) == len(engines)):
        engines = [
            f"{engine} ({one_line(who.precision, MOST_NAME)})" if who.precision else engine
            for engine, who in zip(engines, whos, strict=True)
        ]
    if len({who.family for who in whos}) > 1 or len(set(engines)) < len(engines):
        engines = [
            f"{one_line(who.model, MOST_NAME)}, {engine}" for engine, who in zip(engines, whos, strict=True)
        ]
    return tuple(
        f"{name}, {number}" if (number := engines[: at + 1].count(name)) > 1 else name
        for at, name in enumerate(engines)
    )


def are_alike(one: Contender, other: Contender) -> bool:
    """Whether their figures compare engines and nothing else: the same model, computed at the same precision
    as far as is known, and both on this machine."""
    same_form = one.family == other.family and one.precision == other.precision != ""
    return same_form and not (one.remote or other.remote)


def shape_words(shape: Shape) -> str:
    """Such as "chat: prompt of 128 tokens, reply of 128"."""
    behind = f", behind {shape.depth:,} tokens" if shape.depth else ""
    return (
        f"{one_line(shape.name, MOST_NAME)}: prompt of {shape.prompt_tokens:,} tokens, "
        f"reply of {shape.output_tokens:,}{behind}"
    )


def _all_cases(test: SpeedTest) -> tuple[Case, ...]:
    """Those that were asked, and what else was measured, each once."""
    measured = (result.case for column in test.columns for result in column.cases)
    return tuple(dict.fromkeys((*test.workload.cases, *measured)))


def _rows(test: SpeedTest, cells: CellsOf) -> tuple[Row, ...]:
    return tuple(
        Row(name, column.contender.engine_id, column.contender.precision, cells(column), position)
        for position, (name, column) in enumerate(zip(names(test.columns), test.columns, strict=True))
    )


def _case_cell(test: SpeedTest, column: ColumnResult, case: Case, of: SpreadOf) -> Cell:
    result = column.of(case)
    spread = of(result) if result is not None else None
    if result is None or spread is None:
        return _no_figure(column, case)
    marks, notes = list(_unlike(test, column)), []
    if result.short_rounds:
        marks.append(Mark.SHORT)
        notes.append(result.problem or f"{result.short_rounds} of {result.rounds} rounds fell short.")
    if result.watched.observations:
        marks.append(Mark.DISTURBED)
        notes += [
            f"{it.kind.value} ({it.detail})" if it.detail else it.kind.value
            for it in result.watched.observations
        ]
    if column.facts.parallel is not None and case.batch > column.facts.parallel:
        marks.append(Mark.WAITED)
        notes.append(f"it works on {column.facts.parallel} at once")
    return Cell(spread, tuple(marks), " ".join(notes))


def _memory_cell(test: SpeedTest, column: ColumnResult) -> Cell:
    taken = memory_of(column)
    if taken is None:
        return _no_figure(column, None)
    notes = [f"{exact_size(column.gpu_memory_peak)} of it on the GPU"] if column.gpu_memory_peak else []
    if column.memory is not None and exact_size(column.memory) != exact_size(taken):
        notes.append(f"{exact_size(column.memory)} once it was loaded")
    other_model = any(it.contender.family != column.contender.family for it in test.columns)
    marks = (Mark.SINGLE, Mark.UNLIKE) if other_model else (Mark.SINGLE,)
    return Cell(once(taken), marks, ", ".join(notes))


def _unlike(test: SpeedTest, column: ColumnResult) -> tuple[Mark, ...]:
    others = (other for other in test.columns if other is not column)
    alike = all(are_alike(column.contender, other.contender) for other in others)
    return () if alike else (Mark.UNLIKE,)


def _no_figure(column: ColumnResult, case: Case | None) -> Cell:
    """A cell that says why something was not measured, as far as is known."""
    result = column.of(case) if case is not None else None
    left_out = next((it.reason for it in column.left_out if it.case == case), "")
    if result is not None:
        return Cell(note=result.problem or "no figure", short="failed")
    if left_out:
        return Cell(note=left_out, short="left out")
    if column.failure:
        return Cell(note=column.failure, short="failed")
    return Cell(note="not measured", short="–")
