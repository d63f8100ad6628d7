"""What a chart shows, as values, and the words for one figure of it.

None means not measured, never zero. So does what is no figure a chart can stand by: not a number, below zero,
beyond LARGEST.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QColor

Format = Callable[[float], str]
"""A value in words, with its unit."""

LARGEST, LEAST = 1e18, 1e-18
"""What lies beyond has no place beside other figures. LEAST holds where the axis is by the logarithm."""
NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Mark:
    """A doubt about one figure: a letter beside it, and a sentence in its tool tip and its read-out."""

    letter: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure. `low` to `high` is its spread (5th to 95th percentile), drawn as a whisker.

    `label` stands behind the figure: what is not like for like, such as "Q4_K_M". A reference was not
    measured here and is grey.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    label: str = ""
    marks: tuple[Mark, ...] = ()
    is_reference: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """The bars of one engine, one for each group of the chart. None leaves the row out: nothing was asked.

    Coloured as the engine is everywhere, or by `colour` where there is none.
    """

    name: str
    bars: tuple[Bar | None, ...]
    engine_id: str = ""
    colour: QColor | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One figure at `x`; see Bar."""

    x: float
    y: float | None
    low: float | None = None
    high: float | None = None
    label: str = ""
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """Points in any order; drawn by rising x, with a gap where one was not measured."""

    name: str
    points: tuple[Point, ...]
    engine_id: str = ""
    colour: QColor | None = None
    is_reference: bool = False


@dataclass(frozen=True, slots=True)
class Marker:
    """An upright line at `x`, such as where two costs meet."""

    x: float
    label: str


def known(value: float | None) -> float | None:
    """`value`, or None where it is no figure that can be drawn."""
    return value if value is not None and 0 <= value <= LARGEST else None


def spread(low: float | None, value: float, high: float | None) -> tuple[float, float] | None:
    """Both ends of a whisker; None where there is nothing to draw. A median lies within its spread."""
    low, high = known(low), known(high)
    if low is None or high is None or not low <= value <= high or low == high:
        return None
    return low, high


def shown(bar: Bar, write: Format) -> str:
    """What stands beside a bar: "151 tok/s · Q4_K_M"."""
    value = known(bar.value)
    parts = [NOT_MEASURED if value is None else write(value), bar.label]
    if bar.is_reference:
        parts.append("reference")
    return " · ".join(part for part in parts if part)


def told(figure: Bar | Point, write: Format) -> str:
    """All that is known of one figure, in words: "151 tok/s (140 tok/s to 160 tok/s), Q4_K_M. Short: …"."""
    value = known(figure.value if isinstance(figure, Bar) else figure.y)
    if value is None:
        words = NOT_MEASURED
    else:
        words = write(value)
        ends = spread(figure.low, value, figure.high)
        if ends:
            words += f" ({write(ends[0])} to {write(ends[1])})"
    if figure.label:
        words += f", {figure.label}"
    if isinstance(figure, Bar) and figure.is_reference:
        words += ", reference"
    doubts = dict.fromkeys(mark.explanation.rstrip(".") for mark in figure.marks)  # each said once
    return ". ".join([words, *doubts])


def named(line: Line) -> str:
    """What a line is called: a reference says that it is one."""
    return f"{line.name} (reference)" if line.is_reference else line.name


def table(rows: list[list[str]]) -> str:
    """Rows of cells as text, its columns beneath each other; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
