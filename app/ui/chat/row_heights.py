"""Heights of thousands of rows: where one begins, which one is at a place, and changing one, all quick."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_SPAN = 128
"""Rows summed up together."""


class RowHeights:
    """Row heights in whole pixels, with a sum for every span of rows."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._heights = list(heights)
        self._sums = [sum(self._heights[at : at + _SPAN]) for at in range(0, len(self._heights), _SPAN)]
        self.total = sum(self._sums)

    def __len__(self) -> int:
        return len(self._heights)

    def __iter__(self) -> Iterator[int]:
        return iter(self._heights)

    def __getitem__(self, row: int) -> int:
        return self._heights[row]

    def __setitem__(self, row: int, height: int) -> None:
        change = height - self._heights[row]
        self._heights[row] = height
        self._sums[row // _SPAN] += change
        self.total += change

    def append(self, height: int) -> None:
        """Add a row at the end."""
        if len(self._heights) % _SPAN == 0:
            self._sums.append(0)
        self._heights.append(height)
        self._sums[-1] += height
        self.total += height

    def top(self, row: int) -> int:
        """Where `row` begins: the heights of all rows before it."""
        span = row // _SPAN
        return sum(self._sums[:span]) + sum(self._heights[span * _SPAN : row])

    def row_at(self, y: int) -> int:
        """The row that covers `y`; the first or last one for a place outside."""
        row = 0
        for height in self._sums:
            if y < height:
                break
            y -= height
            row += _SPAN
        for height in self._heights[row : row + _SPAN]:
            if y < height:
                break
            y -= height
            row += 1
        return max(0, min(row, len(self._heights) - 1))
