"""The framework comparison's own figures, beside which a test's are shown in grey: read from
resources/reference_figures.json.

They are another machine's and another model's: to be looked at, not to be reckoned with. The file is ours
and is checked by the tests: one that cannot be read is a broken installation, and what Python raises then
is let fly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from app.benchmark.tables import Cell, Row, Table, Unit, once

# In a frozen app, too: PyInstaller keeps a module's path relative to its folder of data.
FIGURES = Path(__file__).resolve().parents[2] / "resources" / "reference_figures.json"
"""The file."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The comparison's three tables, and where they are from, in a few words and in a sentence."""

    source: str
    note: str
    throughput: Table
    first_token: Table
    memory: Table


@cache
def reference() -> Reference:
    """The figures; the file is read once."""
    values = json.loads(FIGURES.read_text(encoding="utf-8"))
    source = values["source"]
    throughput, first_token, memory = (
        _table(values[name], source) for name in ("throughput", "first_token", "memory")
    )
    return Reference(source, values["note"], throughput, first_token, memory)


def _table(values: dict[str, Any], source: str) -> Table:
    return Table(
        title=values["title"],
        unit=Unit(values["unit"]),
        headings=tuple(values["headings"]),
        rows=tuple(_row(row) for row in values["rows"]),
        source=source,
    )


def _row(values: dict[str, Any]) -> Row:
    figures = values["figures"]
    notes = values.get("notes") or [""] * len(figures)
    return Row(
        name=values["name"],
        engine_id=values["engine_id"],
        precision="",
        cells=tuple(
            Cell(once(figure), note=note or ("" if figure is not None else "no figure"))
            for figure, note in zip(figures, notes, strict=True)
        ),
    )
