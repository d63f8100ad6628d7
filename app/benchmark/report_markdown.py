"""A test as Markdown, to be put into a document or an issue."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from app.benchmark.reference import reference
from app.benchmark.report_words import (
    MOST_TEXT,
    began,
    cell_words,
    clean,
    flags_words,
    machine_lines,
    method_lines,
    title,
    versions_words,
)
from app.benchmark.result_tables import names, tables
from app.benchmark.tables import Cell, Table, Unit
from app.benchmark.verdict import Topic, verdict
from app.domain.size_words import size
from app.domain.speed_test import SpeedTest

_FACTS = (
    "Engine", "Model", "Precision", "File", "SHA-256", "Versions", "Device", "Context, tokens",
    "Requests at once", "Threads", "Ready after", "Flags",
)  # fmt: skip
_APART = (Topic.UNLIKE, Topic.DOUBT, Topic.MISSING)

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~&!])")
_MARKER = re.compile(r"^(?:[-+=]|(\d+)([.)])(?=\s|$))")
"""What begins an item of a list, a rule or the line under a heading."""


def markdown(test: SpeedTest, differences: Sequence[str] = ()) -> str:
    """The whole test. `differences`: what is not like for like, in sentences."""
    return "\n".join(_lines(test, differences)) + "\n"


def escaped(text: str, most: int = MOST_TEXT) -> str:
    """`text` as Markdown that shows it as it is, in one line: nothing in it formats, links or ends a cell."""
    line = _SPECIAL.sub(r"\\\1", clean(text, most))
    line = line.replace("://", r"\://").replace("www.", r"www\.")
    return _MARKER.sub(lambda it: rf"{it[1]}\{it[2]}" if it[2] else rf"\{it[0]}", line)


def _lines(test: SpeedTest, differences: Sequence[str]) -> Iterator[str]:
    yield f"# {escaped(title(test))}"
    yield ""
    yield f"Begun {began(test)}, {test.state.value}."
    yield ""
    lines = verdict(test, differences)
    yield from _section("What it showed", [it.text for it in lines if it.topic not in _APART])
    yield from _section("Not like for like", [it.text for it in lines if it.topic is Topic.UNLIKE])
    yield from _section("Doubts", [it.text for it in lines if it.topic is Topic.DOUBT])
    yield from _section("Not measured", [it.text for it in lines if it.topic is Topic.MISSING])
    for table in tables(test):
        yield from _table(table)
    yield "## Machine"
    yield ""
    yield from _rows(("", ""), list(machine_lines(test)))
    yield from _columns(test)
    yield from _section("How it was measured", list(method_lines(test)))
    yield from _reference()


def _section(heading: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield f"## {heading}"
        yield ""
        yield from (f"- {escaped(sentence)}" for sentence in sentences)
        yield ""


def _table(table: Table) -> Iterator[str]:
    if table.headings:
        yield f"## {escaped(table.title)}"
        yield ""
        rows = [(row.name, *(cell_words(it, table.unit) for it in row.cells)) for row in table.rows]
        yield from _rows(("Engine", *table.headings), rows)


def _columns(test: SpeedTest) -> Iterator[str]:
    if not test.columns:
        return
    yield "## Engines"
    yield ""
    rows = []
    for name, column in zip(names(test.columns), test.columns, strict=True):
        who, facts = column.contender, column.facts
        bits = f"{who.precision}, {who.bits:g} bits" if who.bits is not None else who.precision
        file = f"{facts.model_file}, {size(facts.model_bytes)}" if facts.model_file else ""
        rows.append(
            (
                f"{name}, over the network" if who.remote else name,
                who.model,
                bits,
                file,
                facts.model_hash,
                versions_words(facts),
                facts.device,
                *(
                    "" if it is None else f"{it:,}"
                    for it in (facts.context_length, facts.parallel, facts.threads)
                ),
                "" if column.load_s is None else Unit.TIME.words(column.load_s),
                flags_words(facts),
            )
        )
    yield from _rows(_FACTS, rows)


def _reference() -> Iterator[str]:
    figures = reference()
    yield f"## For reference: {escaped(figures.source)}"
    yield ""
    yield escaped(figures.note)
    yield ""
    for table in (figures.throughput, figures.first_token, figures.memory):
        yield f"### {escaped(table.title)} (reference)"
        yield ""
        rows = [(row.name, *(_reference_cell(it, table.unit) for it in row.cells)) for row in table.rows]
        yield from _rows(("Engine", *table.headings), rows)


def _reference_cell(cell: Cell, unit: Unit) -> str:
    if cell.spread is None:
        return cell.note
    return unit.words(cell.spread.median) + (f" ({cell.note})" if cell.note else "")


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield "|" + " --- |" * len(head)
    yield from map(_row, rows)
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"
