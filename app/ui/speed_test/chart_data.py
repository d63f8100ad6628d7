"""A table of results as bars: an engine's beside each other, the reference's in grey below them."""

from __future__ import annotations

from app.benchmark.tables import Cell, Mark, Row, Table
from app.ui.charts import series

LETTERS = {Mark.SHORT: "s", Mark.DISTURBED: "d", Mark.UNLIKE: "≠", Mark.WAITED: "w"}
"""What stands beside a bar; a figure that was measured once needs no doubt beside it."""


def bars_of(table: Table, reference: Table | None = None) -> tuple[series.Series, ...]:
    """The rows of `table`, and of `reference` those of the same engines, as far as they tell of the same
    headings."""
    found = [_series(row, table, table.headings) for row in table.rows]
    measured = any(bar is not None and bar.value is not None for one in found for bar in one.bars)
    if reference is not None and measured:
        engines = {row.engine_id for row in table.rows}
        for row in reference.rows:
            if row.engine_id in engines:
                grey = _series(row, reference, table.headings, is_reference=True)
                if any(bar is not None for bar in grey.bars):
                    found.append(grey)
    return tuple(found)


def sentence_of(cell: Cell) -> str:
    """All that is to be said of a figure: its marks and what they mean."""
    marks = ", ".join(mark.value for mark in cell.marks if mark is not Mark.SINGLE)
    said = ". ".join(part.rstrip(".") for part in (f"{marks[:1].upper()}{marks[1:]}", cell.note) if part)
    return f"{said}." if said else ""


def _series(
    row: Row, table: Table, headings: tuple[str, ...], *, is_reference: bool = False
) -> series.Series:
    places = [table.headings.index(heading) if heading in table.headings else None for heading in headings]
    bars = tuple(
        None if place is None else _bar(row.cells[place], is_reference=is_reference) for place in places
    )
    return series.Series(row.name, bars, row.engine_id)


def _bar(cell: Cell, *, is_reference: bool) -> series.Bar | None:
    spread = cell.spread
    if spread is None:
        return series.Bar(None) if cell.note and not is_reference else None
    marks = tuple(series.Mark(LETTERS[mark], sentence_of(cell)) for mark in cell.marks if mark in LETTERS)
    low, high = (spread.p5, spread.p95) if spread.n > 1 else (None, None)
    return series.Bar(spread.median, low, high, marks=marks, is_reference=is_reference)
