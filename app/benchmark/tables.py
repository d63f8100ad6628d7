"""Tables of results as values: what is shown by the window, the terminal and the reports alike.

Figures are in base units (tokens a second, seconds, bytes); `Unit` says which and puts them into words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.size_words import exact_size
from app.domain.speed_test import Spread


class Unit(StrEnum):
    """What a table's figures are."""

    RATE = "tok/s"
    TIME = "s"
    MEMORY = "bytes"

    @property
    def less_is_better(self) -> bool:
        """Whether a small figure is the good one."""
        return self is not Unit.RATE

    def words(self, value: float) -> str:
        """A figure with its unit: "28.4 tok/s", "85 ms", "3.61 GB"."""
        if self is Unit.RATE:
            return f"{number(value)} tok/s"
        if self is Unit.MEMORY:
            return exact_size(value)
        if value < 0.9995:
            return f"{number(value * 1000)} ms"
        return f"{value:.2f} s" if value < 99.995 else f"{value:,.0f} s"

    def range_words(self, spread: Spread) -> str:
        """From the 5th to the 95th percentile, in the unit that the median is said in: "81.2–92.4"."""
        low, high = (self.words(value) for value in (spread.p5, spread.p95))
        if low.split()[-1] == high.split()[-1] == self.words(spread.median).split()[-1]:
            low = low.split()[0]
            high = high.split()[0]
        return f"{low}–{high}"


class Mark(StrEnum):
    """What must be said beside a figure, never in a footnote alone."""

    SHORT = "short"
    """Rounds of it failed, or fell short of the tokens asked for, and were not counted."""
    DISTURBED = "disturbed"
    """Something was seen that makes it doubtful."""
    UNLIKE = "not like for like"
    """Another column runs another form of the model."""
    WAITED = "some waited"
    """More requests than the engine works on at once."""
    SINGLE = "measured once"
    """There is no spread."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, or why there is none. `note`: in words what the marks mean, or the reason; `short`: that
    reason in a word or two ("left out")."""

    spread: Spread | None = None
    marks: tuple[Mark, ...] = ()
    note: str = ""
    short: str = ""

    @property
    def median(self) -> float | None:
        """The figure itself."""
        return None if self.spread is None else self.spread.median


@dataclass(frozen=True, slots=True)
class Row:
    """One column of a test, or of the reference. `position` is the column's; None for the reference."""

    name: str
    engine_id: str
    precision: str
    cells: tuple[Cell, ...]
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of figures of one unit, a cell for each heading. `source`: whose they are, if not ours."""

    title: str
    unit: Unit
    headings: tuple[str, ...]
    rows: tuple[Row, ...]
    source: str = ""


def number(value: float) -> str:
    """With three digits that count: "1,234", "28.4", "2.83"."""
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def once(value: float | None) -> Spread | None:
    """A figure that was measured a single time."""
    return None if value is None else Spread(value, value, value, 1)
