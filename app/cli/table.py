"""Rows in columns, for people."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """`rows` in lines; the first `left` columns are words, the others numbers."""
    if not rows:
        return []
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            _padded(cell, width, on_the_right=column < left)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _padded(cell: str, width: int, *, on_the_right: bool) -> str:
    space = " " * (width - _width(cell))
    return cell + space if on_the_right else space + cell


def _width(text: str) -> int:
    """Columns of a terminal: East Asian letters take two, marks above others none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
