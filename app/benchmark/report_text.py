"""A test as plain text, for the clipboard: short, and readable in any type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.benchmark.report_words import began, cell_words, machine_lines, title
from app.benchmark.result_tables import tables
from app.benchmark.tables import Table
from app.benchmark.verdict import verdict
from app.domain.speed_test import SpeedTest


def text_report(test: SpeedTest, differences: Sequence[str] = ()) -> str:
    """Verdict, figures, machine. `differences`: what is not like for like, in sentences."""
    return "\n".join(_lines(test, differences)) + "\n"


def _lines(test: SpeedTest, differences: Sequence[str]) -> Iterator[str]:
    yield title(test)
    yield f"Begun {began(test)}, {test.state.value}."
    yield ""
    yield from (line.text for line in verdict(test, differences))
    yield ""
    for table in tables(test):
        yield from _table(table)
    yield from (f"{label}: {words}" for label, words in machine_lines(test))


def _table(table: Table) -> Iterator[str]:
    rows = [
        (row.name, [f"{heading}: {cell_words(cell, table.unit)}" for heading, cell in cells])
        for row in table.rows
        if (cells := [it for it in zip(table.headings, row.cells, strict=True) if it[1].spread is not None])
    ]
    if rows:
        yield table.title
        yield from (f"  {name}: {'; '.join(figures)}" for name, figures in rows)
        yield ""
